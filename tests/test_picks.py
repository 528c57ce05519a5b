"""What guesses reach that are picked on the scored clips, against guesses that are drawn one by one."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import report_example
import test_compare as example
from numpy.typing import NDArray
from pypdf import PdfReader

from common.report import exports, results_page
from common.report.write import comparison_csv, page
from common.scoring import histories, metrics, picks, public
from common.scoring.records import Score

COMPOSITE = public.by_subject(public.methods()[0].result)


def drawn(
    truth: NDArray[np.int64],
    part: NDArray[np.int64],
    tried: list[int],
    metric: Callable[[metrics.Matrix], NDArray[np.float64]],
    counted: NDArray[np.bool_],
    worst: bool,
) -> float:
    """The same mean, with every set of guesses drawn and the first of the best ones kept."""
    rng = np.random.default_rng(1)
    shares = np.bincount(truth, minlength=3) / len(truth)
    values = []
    for _ in range(1500):
        answers = np.empty_like(truth)
        for i, number in enumerate(tried):
            own = truth[part == i]
            guesses = rng.choice(3, (number, len(own)), p=shares)
            right = (guesses == own).sum(axis=1)
            answers[part == i] = guesses[right.argmin() if worst else right.argmax()]
        values.append(metric(metrics.confusion(truth[counted], answers[counted], 3)))
    return float(np.mean(values))


@pytest.mark.parametrize("worst", [False, True])
@pytest.mark.parametrize("name", ["uf1", "uar", "accuracy", "recall_c"])
def test_it_is_what_guesses_reach_that_are_all_drawn(name: str, worst: bool) -> None:
    truth = np.array([0] * 9 + [1] * 6 + [2] * 3 + [0] * 4 + [1, 2, 2])
    part = np.array([0, 1, 2] * 6 + [3] * 7)
    counted = np.arange(25) % 5 > 0
    metric, tried = metrics.metric(name, ("a", "b", "c")), [1, 4, 20, 7]
    made = picks.guessed(truth, part, tried, metric, 3, counted=counted, worst=worst)
    assert made == pytest.approx(drawn(truth, part, tried, metric, counted, worst), abs=0.02)


@pytest.mark.parametrize(("tried", "level"), [(1, 0.336), (10, 0.584), (50, 0.706), (200, 0.777), (800, 0.828)])
def test_on_the_composite_guesses_reach_much_with_many_picks(tried: int, level: float) -> None:
    assert picks.of_folds(COMPOSITE, [tried] * 68, metrics.uf1) == pytest.approx(level, abs=0.01)


def test_a_corpus_is_that_part_of_the_same_guesses() -> None:
    levels = {
        name: picks.of_folds(COMPOSITE, [30] * 68, metrics.accuracy, name) for name in ("smic", "casme2", "samm", None)
    }
    sizes = {name: sum(c.startswith(f"{name}/") for fold in COMPOSITE for c in fold.clips) for name in levels if name}
    assert levels[None] == pytest.approx(sum(levels[name] * n for name, n in sizes.items()) / 442)


def test_guesses_of_a_single_class_are_right() -> None:
    assert picks.guessed(np.ones(5, np.int64), np.zeros(5, np.int64), [3], metrics.uf1, 3) == 1


def test_guesses_reach_more_than_capsulenet_and_nothing_was_picked_for_ststnet() -> None:
    ststnet, capsulenet = (public.scores(method) for method in public.methods())
    assert all(score.picks is None for by_metric in ststnet.values() for score in by_metric.values())
    assert all(score.picks is not None for by_metric in capsulenet.values() for score in by_metric.values())
    uf1 = capsulenet["megc2019"]["uf1"]
    assert uf1.picks == pytest.approx(0.672, abs=0.01)
    assert uf1.picks is not None
    assert uf1.picks > uf1.value


# ---------------------------------------------------------------- in the scores of experiments


def one(tried: int, *, worst: bool = False) -> float:
    """The accuracy of guesses for the six clips of a fold."""
    result = example.fold()
    return picks.guessed(result.truth, np.zeros(6, np.int64), [tried], metrics.accuracy, 3, worst=worst)


def level(score: Score | None) -> float | None:
    assert score is not None
    return score.picks


def test_an_oracle_has_the_level_of_its_finite_epochs_and_no_other_score_has_one() -> None:
    result = example.fold(history=example.history(0.1, float("nan"), *[4 / 6] * 12))
    rows = example.rows(example.ONCE, [result], example.MEAN)
    assert level(rows["accuracy"].score) == one(13)
    assert level(rows["uf1"].score) == picks.of_folds([result], [13], metrics.uf1)
    assert level(rows[histories.LAST_MEAN].score) is None
    last = example.rows(replace(example.ONCE, selection=example.verdicts.LAST_EPOCH), [result])
    assert [level(last[name].score) for name in example.METRICS] == [None] * 3
    assert level(last[histories.EACH_BEST].score) == one(13)
    without = example.rows(example.ONCE, [example.fold()])  # as the control of metadata, which trains no network
    assert [level(row.score) for row in without.values()] == [None] * 3


def test_a_search_has_the_picks_of_all_its_kernels() -> None:
    searched = {f"kernel {i}": {"val_accuracy": [0.5] * 4} for i in range(3)}
    assert histories.tries(example.fold(history=searched | example.history(*[0.5] * 4))) == 12
    assert histories.tries(example.fold(history=searched | example.history(*[0.5] * 9))) == 17
    both = example.history(0.1, 0.2) | example.history(0.3, 5 / 6, 0.4, stage="kernel 3x3x7")
    row = example.rows(example.ONCE, [example.fold(history=both)], example.KERNEL)[example.KERNEL.metric]
    assert level(row.score) == one(3)


def test_the_best_and_the_worst_split_are_those_of_as_many_guesses() -> None:
    made = example.rows(example.SPLIT, example.splits_of(6, 6, 6), example.BEST, example.WORST, folds=3)
    assert level(made[histories.BEST_SPLIT].score) == one(3)
    assert level(made[histories.WORST_SPLIT].score) == one(3, worst=True)
    assert one(3, worst=True) < one(1) < one(3)


# ---------------------------------------------------------------- in reports


def test_reports_show_the_level_beside_chance_where_there_is_one(tmp_path: Path) -> None:
    plain = report_example.licensed(tmp_path)
    picked = replace(
        plain,
        comparisons=tuple(replace(c, score=c.score and replace(c.score, picks=0.7654)) for c in plain.comparisons),
        learning=tuple(replace(row, score=row.score and replace(row.score, picks=0.7654)) for row in plain.learning),
    )
    for report, shown in ((plain, False), (picked, True)):
        files = exports.of_report(report, ["markdown", "latex"]) | {"csv": comparison_csv(report)}
        assert all((b"0.7654" in text) is shown for text in files.values())
        sheets = PdfReader(io.BytesIO(page(report))).pages
        text = "".join("".join(sheet.extract_text().split()) for sheet in sheets)
        assert ("picked0.765" in text) is shown
        assert ("doesnotaccountforpicks" in text) is shown
        rows = results_page.content([report])["rows"]
        assert {row["picks"]["value"] for row in rows} == {0.7654 if shown else None}
