"""How long training takes, by the cost model."""

from __future__ import annotations

import pytest

from common.runs.cost import Cost, fold_seconds, scaled

COST = Cost(size=1e9, build=20.0, per_clip={"cnn_epochs": 0.5, "lstm_epochs": 0.25})


def test_a_fold_takes_so_much_for_each_clip_and_epoch() -> None:
    epochs = {"cnn_epochs": 100, "lstm_epochs": 60}
    assert fold_seconds(COST, 10, epochs, 1e9) == 10 * (100 * 0.5 + 60 * 0.25)
    assert fold_seconds(COST, 10, epochs, 3e9) == 3 * fold_seconds(COST, 10, epochs, 1e9)
    larger = scaled(COST, 3)
    assert fold_seconds(larger, 10, epochs, larger.size) == fold_seconds(COST, 10, epochs, 3e9)
    assert fold_seconds(larger, 10, epochs, COST.size) == fold_seconds(COST, 10, epochs, COST.size)
    with pytest.raises(KeyError, match="search_epochs"):
        fold_seconds(COST, 10, {"search_epochs": 1}, 1e9)
