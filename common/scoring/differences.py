"""What a paired comparison can show: the smallest difference that it detects, and whether methods are equivalent."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from common.scoring.intervals import WIDER_DIFFERENCE, Metric, effective_subjects, jackknife_variance
from common.scoring.statistics import least_swap_p

ALPHA = 0.05
"""The level of all tests of differences and of equivalence, after Holm's correction."""
POWER = 0.8
MARGIN = 0.05
"""Two methods are equivalent if their UF1 differs by less than this: the smallest improvement over the best method that
it cites that one of the five papers prints for the MEGC 2019 composite (kumar2019: 0.7603 over 0.7104)."""
DIFFER, EQUIVALENT, OPEN = "differ", "equivalent", "open"
"""The verdicts on a pair: shown to differ, shown to differ by less than `MARGIN`, or neither."""


def difference_error(
    first: NDArray[np.int64], second: NDArray[np.int64], metric: Metric, *, cross_validated: bool = True
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Standard error of the difference of a metric, by a jackknife over subjects, and its degrees of freedom.

    `first` and `second` (..., subjects, classes, classes) hold the confusion matrices of the same subjects. The error
    of `cross_validated` predictions is larger by the factor `intervals.WIDER_DIFFERENCE`; NaN for a single subject, and
    where the metric is undefined without one.
    """
    with np.errstate(invalid="ignore", divide="ignore"):
        left_out = [metric(side.sum(axis=-3)[..., None, :, :] - side) for side in (first, second)]
        error = (WIDER_DIFFERENCE if cross_validated else 1.0) * np.sqrt(jackknife_variance(left_out[0] - left_out[1]))
    alone = first.shape[-3] < 2
    return np.where(alone, np.nan, error), np.maximum(effective_subjects(first, metric) - 1, 1e-3)


def detectable(
    error: float | None, freedom: float, subjects: int, tests: int = 1, *, cross_validated: bool = True
) -> float | None:
    """The smallest difference that a two-sided test at `ALPHA` finds with a probability of `POWER`, or more.

    `error` is that of `difference_error`, which is larger for `cross_validated` predictions; `tests` is the number of
    tests that are corrected for: the first of them needs a p of `ALPHA / tests`. None if no
    difference is large enough: if a permutation of so few subjects cannot reach this p, or if the difference would be
    above 1. None also without variation between subjects, from which nothing can be computed.
    """
    from scipy.special import stdtrit

    level = ALPHA / max(tests, 1)
    if not error or least_swap_p(subjects, cross_validated=cross_validated) >= level:
        return None
    least = float((stdtrit(freedom, 1 - level / 2) + stdtrit(freedom, POWER)) * error)
    return least if least <= 1 else None


def equivalence(difference: float, error: float | None, freedom: float, margin: float = MARGIN) -> float:
    """The p of two one-sided t tests (TOST) of the hypothesis that a difference is `margin` or more, either way.

    At most 0.05 exactly if the 90% interval of the difference lies within the margin. If the difference is 0 in all
    subjects, p is the probability that none of them (as many as the effective number) shows one that a fraction
    `margin` of subjects have. 1.0 if the error is unknown.
    """
    from scipy.special import stdtr

    if error is None or np.isnan(difference):
        return 1.0
    inside = margin - abs(difference)
    if error == 0:
        return float((1 - margin) ** (freedom + 1)) if difference == 0 else 1.0
    return float(stdtr(freedom, -inside / error))


def verdict(p: float, equivalent_p: float) -> str:
    """The verdict on a pair from both of its p after correction."""
    if p < ALPHA:
        return DIFFER
    return EQUIVALENT if equivalent_p < ALPHA else OPEN
