"""Intervals for metrics of pooled predictions: a jackknife over subjects, with Student's t on the logit scale.

`python -m benchmarks.coverage` measures how often these intervals, and those of other methods, contain the true score.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from common.scoring.metrics import Matrix

Metric = Callable[[Matrix], NDArray[np.float64]]
Numbers = NDArray[np.float64]

COVERAGE = 0.95
WIDER, WIDER_DIFFERENCE = 2**0.5, 1.25
"""By how much scores, and differences of two scores, vary more where predictions are cross-validated.

The clips that one fold tests train the other folds. How much two clips are alike then counts twice: when the first is
tested, and when the second is. For a score that is a sum over pairs of clips, of methods that know nothing, the
variance is twice that of predictions which do not depend on one another. Intervals and the test of guessing use this
factor. Differences need less, as swapping the predictions of two methods keeps more of what ties them together.
`benchmarks.coverage` measures what both factors do.
"""
FEW_SUBJECTS, FEW_WITH_CLASS, HIGH, FEW_SEEDS = 20, 4, 0.9, 3
"""Limits of `caution`: above the third, and below the others, the coverage of an interval may not be 94% to 96%."""
SIMULATED = {"subjects": (94, 100), "class": (88, 97), "high": (88, 98), "seeds": (88, 99)}
"""Lowest and highest coverage in percent, rounded outwards, that `benchmarks.coverage` measured beyond each limit."""

ALIKE_SUBJECTS = 12
"""There is no interval if the scores of fewer subjects do not vary at all."""

FEWEST_SUBJECTS = 5
"""There is no interval with fewer subjects: it would say little more than that the score is between 0 and 1."""

ROUNDING = 1e-12
"""Values of a metric that differ by less are equal."""


def subject_interval(
    per_subject: NDArray[np.int64],
    metric: Metric,
    retrained: Sequence[NDArray[np.int64]] = (),
    *,
    cross_validated: bool = True,
) -> tuple[float, float] | None:
    """95% interval of a metric whose values are in 0-1, for other subjects of the same kind.

    `per_subject` (subjects, classes, classes) holds one confusion matrix per subject; whole subjects are left out,
    since the clips of one subject are not independent. `retrained` holds such matrices of the same networks trained
    with other seeds; with any, the interval also covers retraining. If predictions are `cross_validated`, that is of
    several folds, the standard error over subjects is larger by the factor `WIDER`. None with fewer than
    `FEWEST_SUBJECTS` subjects, where the metric is undefined without one of them, and where nothing varies between
    fewer than `ALIKE_SUBJECTS` subjects.
    """
    if len(per_subject) < FEWEST_SUBJECTS:
        return None
    value, variance = jackknife(per_subject, metric)
    if cross_validated:
        variance = WIDER**2 * variance
    freedom = effective_subjects(per_subject, metric) - 1
    others = [run for run in retrained if run.any()]
    if others:
        variance, freedom = _with_retraining([per_subject, *others], metric, variance, freedom)
    low, high = bounds(value, np.sqrt(variance), freedom)
    if np.isnan(low) or np.isnan(high) or (low == high and len(per_subject) < ALIKE_SUBJECTS):
        return None
    return float(low), float(high)


def jackknife(per_subject: NDArray[np.int64], metric: Metric) -> tuple[Numbers, Numbers]:
    """A metric of pooled confusion matrices (..., subjects, classes, classes), and its variance by leaving one out."""
    total = per_subject.sum(axis=-3)
    with np.errstate(invalid="ignore"):
        return np.asarray(metric(total)), jackknife_variance(metric(total[..., None, :, :] - per_subject))


def jackknife_variance(left_out: Numbers) -> Numbers:
    """The variance of a number from its values (..., subjects) without each of the subjects."""
    subjects = left_out.shape[-1]
    around = left_out - left_out.mean(axis=-1, keepdims=True)
    around[np.abs(around) < ROUNDING] = 0
    return np.asarray((subjects - 1) / subjects * (around**2).sum(axis=-1))


def effective_subjects(per_subject: NDArray[np.int64], metric: Metric) -> Numbers:
    """The number of subjects that would be as many if each had the same weight in the metric: 1 / sum of weights^2.

    The weight of a subject is what a metric of 1 loses if no class is predicted for its clips: in the accuracy this is
    its part of all clips, in UAR the mean of its parts of the classes. NaN if no subject has a weight.
    """
    clips = per_subject.sum(axis=-1)
    classes = clips.shape[-1]
    answered = np.zeros((*clips.shape, classes + 1), clips.dtype)
    answered[..., :-1] = np.eye(classes, dtype=clips.dtype) * clips[..., None]
    refused = np.zeros_like(answered)
    refused[..., -1] = clips
    # A row for the class "none", which has no clips, makes the matrices square.
    right, moved = (
        np.concatenate([rows, np.zeros_like(rows[..., :1, :])], axis=-2) for rows in (answered, refused - answered)
    )
    with np.errstate(invalid="ignore"):
        lost = 1 - metric(right.sum(axis=-3, keepdims=True) + moved)
        return np.asarray(lost.sum(axis=-1) ** 2 / (lost**2).sum(axis=-1))


def bounds(value: Numbers, error: Numbers, freedom: Numbers) -> tuple[Numbers, Numbers]:
    """The interval of a value in 0-1 from its standard error and the degrees of freedom of this error.

    It is symmetric on the logit scale. For values of 0 and 1, which have no logit, the other bound is that of an exact
    binomial interval in which each subject counts as one trial. Degrees of freedom below 0 count as 0.
    """
    from scipy.special import expit, logit, stdtrit

    tail = (1 - COVERAGE) / 2
    freedom = np.maximum(freedom, 1e-3)
    reach = np.where(error == 0, 0, stdtrit(freedom, 1 - tail) * error)
    with np.errstate(divide="ignore", invalid="ignore"):
        wide = reach / (value * (1 - value))
        low = np.where(reach == 0, value, expit(logit(value) - wide))
        high = np.where(reach == 0, value, expit(logit(value) + wide))
    edge = tail ** (1 / (freedom + 1))
    low = np.where(value >= 1, np.maximum(np.minimum(edge, 1 - reach), 0), low)
    high = np.where(value <= 0, np.minimum(np.maximum(1 - edge, reach), 1), high)
    return np.where(value <= 0, 0, np.minimum(low, value)), np.where(value >= 1, 1, np.maximum(high, value))


def _with_retraining(
    runs: Sequence[NDArray[np.int64]], metric: Metric, variance: Numbers, freedom: Numbers
) -> tuple[Numbers, Numbers]:
    """The variance of the first run with what the seeds add to it, and its degrees of freedom by Satterthwaite's rule.

    The variance over subjects already has the part of the seeds that differs from subject to subject. This part is the
    mean variance over subjects of single runs, less that of the mean over runs, and is not added twice; if the runs
    have not tested the same clips it cannot be told, and all variance between runs is added.
    """
    count = len(runs)
    with np.errstate(invalid="ignore"):
        between = np.var([metric(run.sum(axis=0)) for run in runs], ddof=1)
    clips = runs[0].sum(axis=-1)
    if all(run.shape == runs[0].shape and (run.sum(axis=-1) == clips).all() for run in runs):
        left_out = np.array([metric(run.sum(axis=0) - run) for run in runs])
        own = jackknife_variance(left_out).mean() - jackknife_variance(left_out.mean(axis=0))
        between = between - own * count / (count - 1)
    added = np.maximum(between, 0)
    total = variance + added
    parts = variance**2 / np.maximum(freedom, 1e-3) + added**2 / (count - 1)
    return total, np.where(total > 0, total**2 / np.where(parts > 0, parts, 1), freedom)


def caution(per_subject: NDArray[np.int64], value: float, seeds: int = 1) -> str:
    """Why the interval of a score may not cover 95%, in words; empty where it does as far as was measured.

    `seeds` is the number of runs that the interval was computed from. `benchmarks.coverage` measures what each limit
    means for the coverage; where subjects are few, whatever the classes and the score.
    """
    few = len(per_subject) < FEW_SUBJECTS
    with_class = np.count_nonzero(per_subject.sum(axis=-1), axis=0)
    reasons = {
        "subjects": few and f"fewer than {FEW_SUBJECTS} subjects",
        "class": not few
        and (with_class[with_class > 0] < FEW_WITH_CLASS).any()
        and f"a class with clips of fewer than {FEW_WITH_CLASS} subjects",
        "high": not few and value > HIGH and f"a score above {HIGH}",
        "seeds": 1 < seeds < FEW_SEEDS and f"fewer than {FEW_SEEDS} seeds",
    }
    ranges = {name: " to ".join(f"{end}%" for end in ends) for name, ends in SIMULATED.items()}
    return ", ".join(f"{text} ({ranges[name]} in simulations)" for name, text in reasons.items() if text)
