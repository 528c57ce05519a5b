"""Methods that turn confusion matrices by subject into a 95% interval, computed for many data sets at once."""

from __future__ import annotations

import warnings
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, logit, stdtrit
from scipy.stats import norm

from common.scoring.intervals import COVERAGE, Metric, bounds, effective_subjects, jackknife
from common.scoring.metrics import accuracy, uar, uf1

Numbers = NDArray[np.float64]
Interval = tuple[Numbers, Numbers]

METRICS: dict[str, Metric] = {"uf1": uf1, "uar": uar, "accuracy": accuracy}
CHOSEN = "jackknife, t on the logit scale, effective subjects"
"""The method of `common.scoring.intervals`."""
TAILS = np.array([(1 - COVERAGE) / 2, (1 + COVERAGE) / 2])
BATCH = 100
"""Number of data sets that are computed at a time."""
TINY = 1e-9


def intervals(
    matrices: NDArray[np.int64], name: str, resampled: int, draws: int, random: np.random.Generator
) -> dict[str, Interval]:
    """Low and high (data sets,) by method, of matrices (data sets, subjects, classes, classes); bounded by 0 and 1.

    Only the first `resampled` data sets are bootstrapped. A method that finds no error in a data set, since all
    predictions are right, gives an interval without a width.
    """
    subjects = matrices.shape[1]
    weights = random.multinomial(subjects, np.full(subjects, 1 / subjects), size=draws).astype(np.float64)
    parts: dict[str, list[Interval]] = {}
    for start in range(0, len(matrices), BATCH):
        batch = matrices[start : start + BATCH]
        found = dict(_jackknives(batch, METRICS[name]))
        if start < resampled:
            found |= _bootstraps(batch.astype(np.float64), name, weights)
        value = METRICS[name](batch.sum(axis=1))
        for title, (low, high) in found.items():
            parts.setdefault(title, []).append((_bounded(low, value), _bounded(high, value)))
    ends = {title: np.concatenate([np.array(part) for part in found], axis=1) for title, found in parts.items()}
    return {title: (low, high) for title, (low, high) in ends.items()}


def _jackknives(matrices: NDArray[np.int64], metric: Metric) -> Iterator[tuple[str, Interval]]:
    """Intervals from leaving out one subject at a time."""
    value, variance = jackknife(matrices, metric)
    error = np.sqrt(variance)
    usual, effective = np.full(len(value), matrices.shape[1] - 1.0), effective_subjects(matrices, metric) - 1
    for title, freedom in (("", usual), (", effective subjects", effective)):
        reach = stdtrit(np.maximum(freedom, 1e-3), TAILS[1]) * error
        yield f"jackknife, t{title}", (value - reach, value + reach)
        yield f"jackknife, t on the logit scale{title}", bounds(value, error, freedom)


def _bounded(end: Numbers, value: Numbers) -> Numbers:
    return np.clip(np.where(np.isnan(end), value, end), 0, 1)


def _bootstraps(matrices: Numbers, name: str, weights: Numbers) -> Iterator[tuple[str, Interval]]:
    """Intervals from data sets drawn by subject; `weights` (draws, subjects) say how often each subject is drawn."""
    metric, count = METRICS[name], weights.shape[1]
    rows = matrices.reshape(*matrices.shape[:2], 9)
    pooled = np.einsum("bs,nsk->nbk", weights, rows, optimize=True).reshape(len(matrices), -1, 3, 3)
    total = matrices.sum(axis=1)
    with np.errstate(invalid="ignore", divide="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # quantiles of nothing but NaN are NaN
        value, drawn = metric(total)[:, None], metric(pooled)
        influence = (_gradient(name, total).reshape(-1, 1, 9) * rows).sum(axis=-1)
        moved = _gradient(name, pooled).reshape(*drawn.shape, 9) @ rows.transpose(0, 2, 1)
        scale = np.sqrt(count / (count - 1))
        error = scale * np.sqrt((influence**2).sum(axis=-1, keepdims=True))
        errors = scale * np.sqrt((weights * moved**2).sum(axis=-1))
        errors[errors < TINY] = np.nan
        low, high = np.nanquantile(drawn, TAILS, axis=1)
        yield "bootstrap, percentile", (low, high)
        yield "bootstrap, basic", (2 * value[:, 0] - high, 2 * value[:, 0] - low)
        yield "bootstrap, BCa", _bca(drawn, value, influence)
        low, high = np.nanquantile((drawn - value) / errors, TAILS, axis=1)
        yield "bootstrap-t", (value[:, 0] - high * error[:, 0], value[:, 0] - low * error[:, 0])
        slope, slopes = (np.maximum(v * (1 - v), TINY) for v in (value, drawn))
        centre = logit(np.clip(value, TINY, 1 - TINY))
        away = (logit(np.clip(drawn, TINY, 1 - TINY)) - centre) / (errors / slopes)
        low, high = np.nanquantile(away, TAILS, axis=1)
        reach = (error / slope)[:, 0]
        yield "bootstrap-t on the logit scale", (expit(centre[:, 0] - high * reach), expit(centre[:, 0] - low * reach))


def _bca(drawn: Numbers, value: Numbers, influence: Numbers) -> Interval:
    """The bias-corrected and accelerated interval (Efron, 1987)."""
    draws = drawn.shape[1]
    below = ((drawn < value) + 0.5 * (drawn == value)).mean(axis=1)
    bias = norm.ppf(np.clip(below, 1 / draws, 1 - 1 / draws))
    skew = (influence**3).sum(axis=1) / (6 * (influence**2).sum(axis=1) ** 1.5 + TINY**3)
    ordered = np.sort(drawn, axis=1)
    ends = []
    for tail in norm.ppf(TAILS):
        level = norm.cdf(bias + (bias + tail) / (1 - skew * (bias + tail)))
        place = np.clip((np.nan_to_num(level) * draws).astype(int), 0, draws - 1)
        ends.append(ordered[np.arange(len(ordered)), place])
    return ends[0], ends[1]


def _gradient(name: str, matrix: Numbers) -> Numbers:
    """The derivative of a metric by each cell of confusion matrices (..., classes, classes)."""
    hits, clips = np.diagonal(matrix, axis1=-2, axis2=-1), matrix.sum(axis=-1)
    one = np.eye(matrix.shape[-1])
    if name == "accuracy":
        count = clips.sum(axis=-1)[..., None, None]
        return np.asarray((one - accuracy(matrix)[..., None, None]) / count)
    known = clips > 0
    classes = known.sum(axis=-1)[..., None, None]
    if name == "uar":
        recall = np.where(known, hits / clips, 0)
        return np.asarray(np.where(known, 1 / clips, 0)[..., None] * (one - recall[..., None]) / classes)
    total = np.where(known, clips + matrix.sum(axis=-2), 1)
    part = np.where(known, 2 * hits / total, 0) / total
    return np.asarray((2 * one * (known / total)[..., None] - part[..., None] - part[..., None, :]) / classes)
