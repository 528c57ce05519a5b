"""What a full study costs: how far a fold is trained in a given time, and the hours of experiments."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

import papers
from benchmarks.full_study import results
from benchmarks.full_study.measuring import FEW, LEAST, fitting
from common.runs.cost import EPOCHS, Cost, fold_seconds

COST = Cost(size=1e9, build=20.0, per_clip={"cnn_epochs": 0.5, "lstm_epochs": 0.25})


@settings(deadline=None, derandomize=True)
@given(
    st.integers(1, 200),
    st.integers(1, 200),
    st.floats(1e-3, 10),
    st.floats(0, 10),
    st.integers(1, 500),
    st.floats(-10, 3600),
)
def test_what_is_trained_fits_into_the_time(
    first: int, second: int, first_cost: float, second_cost: float, clips: int, seconds: float
) -> None:
    counts, each = {"cnn_epochs": first, "lstm_epochs": second}, {"cnn_epochs": first_cost, "lstm_epochs": second_cost}
    epochs, used = fitting(counts, each, clips, seconds)
    assert all(min(LEAST, count) <= epochs[name] <= count for name, count in counts.items())
    assert min(clips, FEW) <= used <= clips
    took = used * sum(epochs[name] * each[name] for name in counts)
    assert took <= max(seconds, 0) * (1 + 1e-9) or used == min(clips, FEW)
    whole = clips * sum(counts[name] * each[name] for name in counts)
    if whole <= seconds:
        assert (epochs, used) == (counts, clips)


def test_every_experiment_of_every_paper_is_counted_and_its_network_measured() -> None:
    stored = results.read(results.FILE)
    assert set(stored["networks"]) == set(results.CASES)
    for key in papers.available():
        untuned = {e.id for e in papers.load(key).experiments if not (e.tuned_of or e.collected_from)}
        assert set(stored["experiments"][key]) == untuned


def test_epochs_that_all_folds_share_are_counted_once() -> None:
    network = {
        "flops": 1e9,
        "fixed_seconds": 20.0,
        "epochs": {
            "cnn_epochs": {"paper": 100, "seconds_per_clip": 0.5},
            "lstm_epochs": {"paper": 60, "seconds_per_clip": 0.25},
        },
    }
    record = {"clips": 12, "folds": 3, "fold_clips": 10.0, "trainings": 1, "once": ["cnn_epochs"], "flops": 1e9}
    shared = 20 + 12 * 100 * 0.5
    assert results.experiment_seconds(record, network) == 3 * (20 + 10 * 60 * 0.25) + shared
    apart = {**record, "once": []}
    epochs = {"cnn_epochs": 100, "lstm_epochs": 60}
    assert results.experiment_seconds(apart, network) == 3 * (20 + fold_seconds(COST, 10, epochs, 1e9))
    assert results.experiment_seconds({**apart, "trainings": 4}, network) == 4 * results.experiment_seconds(
        apart, network
    )


def test_every_network_is_measured_and_every_experiment_has_one() -> None:
    loaded = map(papers.load, papers.available())
    every = {e.network for paper in loaded for e in paper.experiments if not e.collected_from}
    assert {results.ALIKE.get(name, name) for name in every} == {*results.CASES}
    for network, (key, name) in results.CASES.items():
        paper = papers.load(key)
        assert next(e for e in paper.experiments if e.id == name).network == network
        counted = {setting for setting in paper.profiles["paper"].settings.values() if setting.endswith("epochs")}
        assert counted - {"search_epochs"} <= {*EPOCHS}
