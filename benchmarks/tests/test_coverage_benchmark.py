"""The coverage benchmark: that it repeats, that populations are as described, and what its committed results allow."""

from __future__ import annotations

import math

import numpy as np
import pytest

from benchmarks.coverage import __main__ as benchmark
from benchmarks.coverage import measuring, results
from benchmarks.coverage.candidates import CHOSEN, METRICS, intervals
from benchmarks.coverage.models import CORPORA, MODELS, drawn, expected, paired, paired_truth
from common.scoring.intervals import FEW_SUBJECTS, SIMULATED
from common.scoring.metrics import uf1

VERY_HIGH = MODELS[6].name


def test_data_sets_have_the_subjects_and_on_average_the_clips_of_the_corpora() -> None:
    for model in MODELS:
        for subjects, corpora in CORPORA.items():
            data = drawn(model, subjects, 400, np.random.default_rng(1))
            assert data.shape == (400, subjects, 3, 3)
            assert (data.sum(axis=(2, 3)) >= 1).all()
            clips = sum(clips for (_, clips), _ in corpora)
            assert data.sum(axis=(1, 2, 3)).mean() == pytest.approx(clips, rel=0.08)
            truth = expected(model, subjects, np.random.default_rng(2), 40_000)
            assert data.mean(axis=0).sum(axis=0) == pytest.approx(truth, rel=0.15, abs=1.5)


def test_the_second_of_two_methods_is_worse_by_what_was_asked() -> None:
    loss = measuring.loss_for(MODELS[2], 24, 0.04, 0.8)
    assert -np.diff([float(uf1(matrix)) for matrix in paired_truth(MODELS[2], 24, loss, 0.8)]) == pytest.approx(0.04)
    first, second = paired(MODELS[2], 24, loss, 0.8, 4000, np.random.default_rng(3))
    assert (first.sum(axis=-1) == second.sum(axis=-1)).all()
    apart = uf1(first.mean(axis=0).sum(axis=0)) - uf1(second.mean(axis=0).sum(axis=0))
    assert float(apart) == pytest.approx(0.04, abs=0.005)


def test_bootstraps_and_jackknives_of_one_data_set_are_near_each_other() -> None:
    data = drawn(MODELS[0], 68, 30, np.random.default_rng(5))
    for name in METRICS:
        found = intervals(data, name, 30, 400, np.random.default_rng(6))
        widths = {title: float((high - low).mean()) for title, (low, high) in found.items()}
        assert max(widths.values()) < 1.25 * min(widths.values()), (name, widths)
        assert len(widths) == 9


def test_the_short_form_measures_every_cell_and_prints_all_tables(capsys: pytest.CaptureFixture[str]) -> None:
    assert benchmark.main(["--short"]) == 0
    text = capsys.readouterr().out
    assert all(model.name in text for model in MODELS)
    assert text.count("\n| --- |") == 5


def test_a_cell_repeats_and_is_stored_by_its_sizes() -> None:
    cells = [measuring.coverage(MODELS[4], 8, 50, 20, 30, np.random.default_rng(7)) for _ in range(2)]
    assert cells[0] == cells[1]
    assert results.read(results.FILE, dict.fromkeys(results.SIZES, 3))["coverage"] == []
    assert len(results.read_all(results.FILE)["coverage"]) == len(MODELS) * len(CORPORA)


def test_committed_results_allow_what_is_said_of_intervals() -> None:
    stored = results.read_all(results.FILE)
    assert stored["simulations"] >= 4000
    usual = [cell for cell in stored["coverage"] if cell["subjects"] >= FEW_SUBJECTS and cell["model"] != VERY_HIGH]
    covered = [cell[name]["methods"][CHOSEN]["coverage"] for cell in usual for name in METRICS]
    free = results.beyond(stored, measuring.EVERY)
    assert min(*covered, *free) >= 0.94
    assert max(*covered, *free) < 0.9605
    percentile = [cell[name]["methods"]["bootstrap, percentile"]["coverage"] for cell in usual for name in METRICS]
    assert sum(value >= 0.94 for value in percentile) < len(percentile) / 10
    for limit, (low, high) in SIMULATED.items():
        parts = results.beyond(stored, limit)
        if limit == "seeds":
            parts = [cell["all runs"]["coverage"] for cell in stored["seeds"] if cell["runs"] < 3]
        assert (low, high) == (math.floor(100 * min(parts)), math.ceil(100 * max(parts))), limit
    named = [
        1 - cell[name]["parts"].get(measuring.EVERY, {"count": 0})["count"] / stored["simulations"]
        for cell in stored["coverage"]
        if cell["subjects"] >= 16 and cell["model"] == VERY_HIGH
        for name in METRICS
    ]
    assert min(named) > 0.75


def test_committed_results_allow_what_is_said_of_differences() -> None:
    for cell in results.read_all(results.FILE)["differences"]:
        assert cell["found"] == pytest.approx(0.8, abs=0.03)
        assert cell["found_at_none"] < 0.065
        assert cell["equivalent_at_margin"] < 0.06
        assert cell["true"] == pytest.approx(cell["detectable"], abs=0.005)
