"""What is measured of the intervals, and of what is said of differences, in simulated data sets.

Here predictions for one subject do not depend on the others, as those of a single split into training and test clips:
intervals and tests are without the factor for cross-validated predictions, which `cross_validated` measures.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.coverage.candidates import CHOSEN, METRICS, intervals
from benchmarks.coverage.models import Model, drawn, expected, paired, paired_truth, retrained
from common.scoring.differences import ALPHA, MARGIN, detectable, difference_error, equivalence
from common.scoring.intervals import ALIKE_SUBJECTS, FEW_SUBJECTS, FEW_WITH_CLASS, HIGH, subject_interval
from common.scoring.metrics import uf1
from common.scoring.statistics import swap_test

EVERY = "no limit applies"
POPULATION = 20
"""The true score is computed from this many subjects of each corpus for every simulated data set."""
SEEN = 500
"""A part of the data sets is reported if it has at least this many of them."""


def coverage(
    model: Model, subjects: int, count: int, resampled: int, draws: int, random: np.random.Generator
) -> dict[str, Any]:
    """For each metric: its true value, the coverage and mean width of each method, and the chosen method's by caution.

    The true value is the metric of the expected pooled confusion matrix. Intervals without a width do not count if
    `subject_interval` gives none. `resampled` of the `count` data sets are
    bootstrapped.
    """
    truth, matrices = expected(model, subjects, random, POPULATION * count), drawn(model, subjects, count, random)
    cell: dict[str, Any] = {}
    for name, metric in METRICS.items():
        true, value = float(metric(truth)), metric(matrices.sum(axis=1))
        methods = {}
        inside, given = np.zeros(count, bool), np.ones(count, bool)
        for title, (low, high) in intervals(matrices, name, resampled, draws, random).items():
            holds = (low <= true) & (true <= high)
            known = (low < high) | (subjects >= ALIKE_SUBJECTS)
            methods[title] = {
                "coverage": round(float(holds[known].mean()), 4),
                "width": round(float((high - low)[known].mean()), 4),
            }
            if title == CHOSEN:
                inside, given = holds, known
        parts = {
            part: {"count": int(where.sum()), "coverage": round(float(inside[where].mean()), 4)}
            for part, all_of in _cautions(matrices, value).items()
            if (where := all_of & given).sum() >= SEEN
        }
        cell[name] = {"true": round(true, 4), "methods": methods, "parts": parts}
    return cell


def _cautions(matrices: NDArray[np.int64], value: NDArray[np.float64]) -> Mapping[str, NDArray[np.bool_]]:
    """Which data sets each limit of `common.scoring.intervals.caution` applies to, and no other that it names."""
    with_class = (matrices.sum(axis=-1) > 0).sum(axis=1)
    few = np.full(len(value), matrices.shape[1] < FEW_SUBJECTS)
    rare = ((with_class > 0) & (with_class < FEW_WITH_CLASS)).any(axis=-1)
    high = value > HIGH
    return {
        "subjects": few,
        "class": rare & ~few & ~high,
        "high": high & ~few & ~rare,
        EVERY: ~(few | rare | high),
    }


def seeds(
    model: Model, subjects: int, runs: int, together: bool, count: int, random: np.random.Generator
) -> dict[str, Any]:
    """Coverage and mean width for UF1 from one run, and with the runs of the other seeds.

    `together`: a run is better or worse for all subjects at once, or else for each subject by itself.
    """
    truth, data = retrained(model, subjects, runs, together, count, random)
    found: dict[str, list[tuple[float, float]]] = {"one run": [], "all runs": []}
    for matrices in data:
        found["one run"].append(subject_interval(matrices[0], uf1, cross_validated=False) or (0.0, 1.0))
        others = subject_interval(matrices[0], uf1, list(matrices[1:]), cross_validated=False)
        found["all runs"].append(others or (0.0, 1.0))
    true = float(uf1(truth))
    return {
        name: {
            "coverage": round(float(np.mean([low <= true <= high for low, high in bounds])), 4),
            "width": round(float(np.mean([high - low for low, high in bounds])), 4),
        }
        for name, bounds in found.items()
    }


def differences(model: Model, subjects: int, count: int, tests: int, random: np.random.Generator) -> dict[str, float]:
    """How often two methods are called equivalent, and how often the swap test finds the detectable difference.

    Equivalence is tested on `count` data sets, with a true difference of `MARGIN` and of 0, between methods that agree
    on most clips; the swap test on `tests` data sets with methods that do not.
    """
    result: dict[str, float] = {}
    for name, apart in (("equivalent_at_margin", MARGIN), ("equivalent_at_none", 0.0)):
        first, second = paired(model, subjects, loss_for(model, subjects, apart, 0.8), 0.8, count, random)
        result[name] = float(np.mean(_equivalent(first, second)))
    least = 0.15
    for _ in range(3):  # what can be detected depends a little on the difference
        loss = loss_for(model, subjects, least, 0.0)
        first, second = paired(model, subjects, loss, 0.0, count, random)
        errors, freedom = difference_error(first, second, uf1, cross_validated=False)
        found = [
            detectable(float(e), float(f), subjects, cross_validated=False) or 1.0
            for e, f in zip(errors, freedom, strict=True)
        ]
        least = float(np.mean(found))
    result["detectable"] = least
    result["true"] = float(np.subtract(*(uf1(m) for m in paired_truth(model, subjects, loss, 0.0))))
    for name, size in (("found", loss), ("found_at_none", 0.0)):
        first, second = paired(model, subjects, size, 0.0, tests, random)
        p = [swap_test(*both, uf1, draws=999, cross_validated=False)[1] for both in zip(first, second, strict=True)]
        result[name] = float(np.mean(np.array(p) < ALPHA))
    return {name: round(value, 4) for name, value in result.items()}


def _equivalent(first: NDArray[np.int64], second: NDArray[np.int64]) -> list[bool]:
    apart = uf1(first.sum(axis=1)) - uf1(second.sum(axis=1))
    errors, freedom = difference_error(first, second, uf1, cross_validated=False)
    return [equivalence(*map(float, row)) < ALPHA for row in zip(apart, errors, freedom, strict=True)]


def loss_for(model: Model, subjects: int, apart: float, shared: float) -> float:
    """The loss of the second method (see `models.paired`) at which the true UF1 of two methods differs by `apart`."""
    first, guessing = paired_truth(model, subjects, 1.0, shared)
    low, high = 0.0, 1.0
    for _ in range(30):
        middle = (low + high) / 2
        second = first + middle * (guessing - first)
        low, high = (middle, high) if float(uf1(first) - uf1(second)) < apart else (low, middle)
    return low
