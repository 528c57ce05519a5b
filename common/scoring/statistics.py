"""Tests of predictions against guessing, and of two methods on the same clips."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from common.scoring.intervals import WIDER, WIDER_DIFFERENCE
from common.scoring.metrics import Matrix


def guess_test(
    subject: NDArray[np.str_],
    truth: NDArray[np.integer],
    answer: NDArray[np.integer],
    metric: Callable[[Matrix], NDArray[np.float64]],
    classes: int,
    draws: int = 2000,
    *,
    cross_validated: bool = True,
) -> float:
    """One-sided p of a score as high when the predictions for each subject are permuted among its clips.

    subject, truth, answer (n,). Unlike the chance level of the largest class, this is what an uninformed method reaches
    that spreads its predictions over the classes. It does not account for an epoch or a split that was picked on these
    clips (`picks`). The draws are fixed; p is (1 + hits) / (1 + draws), and 1 if the metric is undefined.

    If predictions are `cross_validated`, the classes of the clips that one fold tests have trained the other folds.
    Scores of methods that know nothing then vary more than those of permuted predictions, which no longer depend on one
    another. So each permuted score is moved away from their mean by the factor `intervals.WIDER`. A single split into
    training and test clips needs no such factor.
    """
    order = np.argsort(subject, kind="stable")
    truth, answer = truth[order].astype(np.int64), answer[order].astype(np.int64)
    _, starts = np.unique(subject[order], return_index=True)
    rng = np.random.default_rng(20190524)
    swapped = np.empty((draws, len(truth)), np.int64)
    for rows in np.split(np.arange(len(truth)), starts[1:]):
        swapped[:, rows] = rng.permuted(np.tile(answer[rows], (draws, 1)), axis=1)
    drawn = _scores(truth, swapped, metric, classes)
    if cross_validated:  # a draw that is as high before it is moved still counts, so that this never lowers p
        drawn = np.maximum(drawn, drawn.mean() + WIDER * (drawn - drawn.mean()))
    return _share_as_high(drawn, _scores(truth, answer[None], metric, classes))


def retraining_test(
    truth: NDArray[np.int64],
    answer: NDArray[np.int64],
    relabelled: NDArray[np.int64],
    predicted: NDArray[np.int64],
    metric: Callable[[Matrix], NDArray[np.float64]],
    classes: int,
) -> float:
    """One-sided p of a score as high when all folds are trained again on clips whose classes are permuted.

    truth, answer (n,); `relabelled` (k, n) are the permuted classes of the same clips, `predicted` (k, n) the classes
    predicted by folds that are trained on them. This is the permutation test of Ojala and Garriga (JMLR 11, 2010), with
    permutations within subjects: where nothing is to be learnt, p is at most alpha with a probability of at most alpha,
    however much the folds depend on one another. p is (1 + hits) / (1 + k), and 1 if the metric is undefined.
    """
    return _share_as_high(
        _scores(relabelled, predicted, metric, classes), _scores(truth, answer[None], metric, classes)
    )


def _scores(
    truth: NDArray[np.integer],
    answers: NDArray[np.integer],
    metric: Callable[[Matrix], NDArray[np.float64]],
    classes: int,
) -> NDArray[np.float64]:
    """The metric (k,) of each row of answers (k, n); truth (n,) or (k, n)."""
    cells = truth * classes + answers + classes * classes * np.arange(len(answers))[:, None]
    counts = np.bincount(cells.ravel(), minlength=len(answers) * classes * classes)
    with np.errstate(invalid="ignore"):
        return metric(counts.reshape(-1, classes, classes))


def _share_as_high(drawn: NDArray[np.float64], own: NDArray[np.float64]) -> float:
    hits = ~(drawn < own - 1e-12)  # equal fractions may round apart; NaN is a hit
    return float((1 + np.sum(hits)) / (1 + len(drawn)))


CHUNK = 1024
"""Number of swaps whose confusion matrices are in memory at once."""


def swap_test(
    first: NDArray[np.int64],
    second: NDArray[np.int64],
    metric: Callable[[Matrix], NDArray[np.float64]],
    draws: int = 10_000,
    *,
    cross_validated: bool = True,
) -> tuple[float, float]:
    """Difference of a metric between two methods, first less second, and its two-sided p by a permutation test.

    `first` and `second` (subjects, classes, classes) hold one confusion matrix per subject, of the same subjects in the
    same order. Where the methods do not differ, the answers of a whole subject can be swapped between them; its clips
    are not swapped one by one, since they are not independent. p is the share of all swaps that differ at least as
    much, or, where those are more than `draws`, (1 + hits) / (1 + draws) of random ones, which are fixed. If
    predictions are `cross_validated`, the differences of the swaps are multiplied by `intervals.WIDER_DIFFERENCE`, for
    the reason given in `guess_test`. Subjects with equal matrices need no swap. Both are NaN where the metric is.
    Raises ValueError without subjects, and where the methods' matrices are not of the same clips: of unlike shapes, or
    with other counts of the true classes.
    """
    if first.shape != second.shape or not (first.sum(axis=-1) == second.sum(axis=-1)).all():
        raise ValueError("the two methods' confusion matrices are not of the same clips")
    if not len(first):
        raise ValueError("a swap test needs a subject")
    first_sum, second_sum = first.sum(axis=0), second.sum(axis=0)
    difference = float(metric(first_sum) - metric(second_sum))
    if np.isnan(difference):
        return difference, difference
    change = second - first
    change = change[change.any(axis=(1, 2))]
    exact = 2 ** len(change) <= draws
    total = 2 ** len(change) if exact else draws
    random = np.random.default_rng(20190524)
    wider = WIDER_DIFFERENCE if cross_validated else 1.0
    hits = 0
    for start in range(0, total, CHUNK):
        count = min(CHUNK, total - start)
        if exact:
            swapped = np.arange(start, start + count)[:, None] >> np.arange(len(change)) & 1
        else:
            swapped = random.integers(2, size=(count, len(change)))
        moved = np.tensordot(swapped, change, axes=1)
        apart = np.abs(metric(first_sum + moved) - metric(second_sum - moved))
        hits += int((wider * apart >= abs(difference) - 1e-12).sum())  # equal fractions may round apart
    return difference, hits / total if exact else (1 + hits) / (1 + total)


def least_swap_p(subjects: int, *, cross_validated: bool = True) -> float:
    """The smallest p that `swap_test` can give for so many subjects; 1.0 for none.

    It is that of subjects which all differ by the same, or of fewer such subjects where the others do not differ.
    """
    wider = WIDER_DIFFERENCE if cross_validated else 1.0

    def p(alike: int) -> float:
        """The share of swaps that leave the difference as large: of hardly any, or of nearly all of the subjects."""
        hits = (math.comb(alike, k) for k in range(alike + 1) if wider * abs(alike - 2 * k) >= alike)
        return sum(hits) / 2**alike

    return min(p(alike) for alike in range(subjects + 1))


def holm(p: Sequence[float]) -> tuple[float, ...]:
    """p values of several tests, adjusted by Holm's step-down method (Scand. J. Statist. 6, 1979), in the given order.

    Rejecting what is at most alpha errs anywhere among the tests with a probability of at most alpha. Raises ValueError
    for a p outside 0-1.
    """
    values = np.array(p, np.float64)
    if not ((values >= 0) & (values <= 1)).all():
        raise ValueError("a p value must be in 0-1")
    order = np.argsort(values)
    stepped = np.maximum.accumulate(values[order] * np.arange(len(values), 0, -1))
    adjusted = np.empty_like(values)
    adjusted[order] = np.minimum(stepped, 1)
    return tuple(adjusted.tolist())


def kendall_w(scores: NDArray[np.floating]) -> float | None:
    """Kendall's coefficient of concordance W of several rankings, corrected for ties (Kendall, 1948).

    `scores` (rankings, things): each row ranks the same things by what they score. 1 where all rankings are the same,
    and 1 / rankings on average where they have nothing to do with each other. None with fewer than two rankings or two
    things, where a score is not finite, and where every ranking has all things equal.
    """
    from scipy.stats import rankdata

    if scores.ndim != 2 or min(scores.shape) < 2 or not np.isfinite(scores).all():
        return None
    rankings, things = scores.shape
    ranks = rankdata(scores, axis=1)
    ties = 0
    for row in scores:
        _, equal = np.unique(row, return_counts=True)
        ties += int((equal**3 - equal).sum())
    largest = rankings**2 * (things**3 - things) - rankings * ties
    sums = ranks.sum(axis=0)
    return float(12 * ((sums - sums.mean()) ** 2).sum() / largest) if largest else None
