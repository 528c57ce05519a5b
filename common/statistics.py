"""Intervals for metrics of pooled predictions."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from common.metrics import Matrix


def subject_interval(
    per_subject: NDArray[np.int64], metric: Callable[[Matrix], NDArray[np.float64]], draws: int = 2000
) -> tuple[float, float] | None:
    """95% percentile interval of a metric, by a bootstrap over subjects.

    `per_subject` (subjects, classes, classes) holds one confusion matrix per subject; whole subjects are drawn with
    replacement, since the clips of one subject are not independent. None with fewer than two subjects. The draws are
    fixed, so that equal predictions give equal intervals.
    """
    subjects = len(per_subject)
    if subjects < 2:
        return None
    weights = np.random.default_rng(20190524).multinomial(subjects, np.full(subjects, 1 / subjects), size=draws)
    with np.errstate(invalid="ignore"):
        values = metric(np.tensordot(weights, per_subject, axes=1))
    low, high = np.nanpercentile(values, [2.5, 97.5])
    return float(low), float(high)
