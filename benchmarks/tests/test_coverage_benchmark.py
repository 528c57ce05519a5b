"""The coverage benchmark: that it repeats, that populations are as described, and what its committed results allow."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest

from benchmarks.coverage import __main__ as benchmark
from benchmarks.coverage import measuring, results
from benchmarks.coverage.candidates import CHOSEN, METRICS, intervals
from benchmarks.coverage.cross_validated import (
    DESIGNS,
    EFFECTS,
    FEATURES,
    PENALTY,
    SUBJECTS,
    WEAK,
    Design,
    data_set,
    folds_of,
    predictions,
    relabelled_predictions,
)
from benchmarks.coverage.models import CORPORA, MODELS, drawn, expected, paired, paired_truth
from common.scoring.intervals import FEW_SUBJECTS, SIMULATED, WIDER, WIDER_DIFFERENCE
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
    assert text.count("\n| --- |") == len(results.TABLES) == 8
    assert all(design.name in text for design in DESIGNS)


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


# ---------------------------------------------------------------- real folds


@pytest.mark.parametrize("design", DESIGNS, ids=lambda design: design.name)
def test_each_fold_trains_a_ridge_classifier_on_all_other_clips(design: Design) -> None:
    from sklearn.linear_model import Ridge

    random = np.random.default_rng(8)
    clips = random.multinomial(random.integers(2, 9, 12), [0.5, 0.3, 0.2])
    truth, subject, features = data_set(clips, 1.0, random)
    assert features.shape == (2, len(truth), FEATURES)
    assert [np.bincount(truth[subject == s], minlength=3).tolist() for s in range(12)] == clips.tolist()
    fold = folds_of(12, design.folds, random)[subject]
    assert len(set(fold)) == (design.folds or 12)
    found = predictions(features[0], truth, fold, balanced=design.balanced)
    size = len(truth) / 3 / np.bincount(truth) if design.balanced else np.ones(3)
    for number in set(fold):
        rest = fold != number
        ridge = Ridge(PENALTY).fit(features[0][rest], np.eye(3)[truth[rest]], size[truth[rest]])
        assert (found[~rest] == ridge.predict(features[0][~rest]).argmax(axis=1)).all()


@pytest.mark.parametrize("design", [design for design in DESIGNS if not design.balanced], ids=lambda d: d.name)
def test_relabelled_folds_are_trained_like_all_others(design: Design) -> None:
    random = np.random.default_rng(9)
    truth, subject, features = data_set(random.multinomial(random.integers(2, 9, 12), [0.5, 0.3, 0.2]), 1.0, random)
    fold = folds_of(12, design.folds, random)[subject]
    labels = np.stack([truth, random.permutation(truth), random.permutation(truth)])
    found = relabelled_predictions(features[0], labels, fold)
    for own, answers in zip(labels, found, strict=True):
        assert (answers == predictions(features[0], own, fold, balanced=False)).all()


def test_what_one_clip_is_changes_no_prediction_of_its_own_fold() -> None:
    random = np.random.default_rng(9)
    truth, subject, features = data_set(np.full((8, 3), 2), 1.0, random)
    before = predictions(features[0], truth, subject, balanced=False)
    flipped = np.where(subject == 3, (truth + 1) % 3, truth)
    after = predictions(features[0], flipped, subject, balanced=False)
    assert (before == after)[subject == 3].all()
    assert not (before == after).all()


def test_another_factor_is_measured_again(tmp_path: Path) -> None:
    stored = results.read_all(results.FILE)
    sizes = {name: stored[name] for name in results.SIZES}
    assert results.read(results.FILE, sizes) == stored
    other = tmp_path / "results.json"
    other.write_text(json.dumps(stored | {"factors": [1.2, 1.25]}), encoding="utf-8")
    again = results.read(other, sizes)
    assert (again["factors"], again["cross_validated"], again["retrained"]) == (stored["factors"], [], [])
    assert again["coverage"] == stored["coverage"]


def test_committed_results_hold_the_sizes_and_the_coverage_of_cross_validated_predictions() -> None:
    stored = results.read_all(results.FILE)
    assert stored["factors"] == [round(WIDER, 4), WIDER_DIFFERENCE]
    assert stored["trained"] >= 1500
    cells = {(cell["design"], cell["subjects"], cell["effect"]): cell for cell in stored["cross_validated"]}
    assert set(cells) == {(d.name, subjects, effect) for d in DESIGNS for subjects in SUBJECTS for effect in EFFECTS}
    tests = [cell["swap"]["with"] for cell in cells.values()]
    tests += [cell["guess"][name] for cell in cells.values() if not cell["effect"] for name in METRICS]
    assert max(five for five, _ in tests) <= 0.06
    assert max(one for _, one in tests) <= 0.015
    assert min(cell[name]["coverage"] for cell in cells.values() for name in METRICS) >= 0.94
    retrained = stored["retrained"]
    assert {(cell["design"], cell["subjects"], cell["effect"]) for cell in retrained} == {
        (d.name, subjects, effect) for d in DESIGNS if not d.balanced for subjects in SUBJECTS for effect in WEAK
    }
    for cell in retrained:
        if not cell["effect"]:  # exact, but for chance: four standard errors
            assert max(abs(cell[name][0] - 0.05) for name in METRICS) < 0.023
        else:
            assert cell["uf1"][0] > cell["uf1 swaps"][0] - 0.02
    # and it is the factor that does it
    assert min(cell[name]["coverage without"] for cell in cells.values() for name in METRICS) < 0.9
    assert max(cell["swap"]["without"][0] for cell in cells.values()) > 0.08
    assert min(cell["guess"]["uf1 without"][0] for cell in cells.values() if not cell["effect"]) > 0.05
