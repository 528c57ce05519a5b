"""Metrics of pooled predictions, computed from confusion matrices so that a bootstrap can be vectorised.

A confusion matrix is (..., classes, classes): rows truth, columns prediction, in counts or weights.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

Matrix = NDArray[np.number]


def confusion(truth: NDArray[np.integer], predicted: NDArray[np.integer], classes: int) -> NDArray[np.int64]:
    """Counts (classes, classes) from two int arrays (n,)."""
    counts = np.bincount(truth.astype(np.int64) * classes + predicted, minlength=classes * classes)
    return counts.reshape(classes, classes)


def f1_per_class(matrix: Matrix) -> NDArray[np.float64]:
    """F1 = 2 TP / (2 TP + FP + FN) per class; NaN for a class without clips (aouayeb2019, equation 3)."""
    hits = np.diagonal(matrix, axis1=-2, axis2=-1)
    clips = matrix.sum(axis=-1)
    total = clips + matrix.sum(axis=-2)
    return np.where(clips > 0, 2 * hits / np.where(total > 0, total, 1), np.nan)


def f1_by_class(matrix: Matrix, classes: Sequence[str]) -> dict[str, float | None]:
    """F1 of each class of one confusion matrix by name; None for a class without clips."""
    values = f1_per_class(matrix).tolist()
    return {name: None if np.isnan(value) else value for name, value in zip(classes, values, strict=True)}


def recall_per_class(matrix: Matrix) -> NDArray[np.float64]:
    """Recall per class; NaN for a class without clips."""
    clips = matrix.sum(axis=-1)
    return np.where(clips > 0, np.diagonal(matrix, axis1=-2, axis2=-1) / np.where(clips > 0, clips, 1), np.nan)


def uf1(matrix: Matrix) -> NDArray[np.float64]:
    """Unweighted F1: the mean of F1 over the classes that have clips (MEGC 2019); NaN without clips."""
    return _mean(f1_per_class(matrix))


def uar(matrix: Matrix) -> NDArray[np.float64]:
    """Unweighted average recall over the classes that have clips (MEGC 2019); NaN without clips."""
    return _mean(recall_per_class(matrix))


def _mean(by_class: NDArray[np.float64]) -> NDArray[np.float64]:
    """The mean over the last axis without NaN; unlike NumPy's, without a warning if nothing else is left."""
    known = ~np.isnan(by_class)
    with np.errstate(invalid="ignore"):
        return np.asarray(np.where(known, by_class, 0).sum(axis=-1) / known.sum(axis=-1))


def precision(matrix: Matrix) -> NDArray[np.float64]:
    """The mean over the classes that have clips of their precision, 0 for a class that is never predicted."""
    predicted = matrix.sum(axis=-2)
    by_class = np.diagonal(matrix, axis1=-2, axis2=-1) / np.where(predicted > 0, predicted, 1)
    return _mean(np.where(matrix.sum(axis=-1) > 0, by_class, np.nan))


def f1_of_means(matrix: Matrix) -> NDArray[np.float64]:
    """The harmonic mean of `precision` and `uar` (liong2019, equations 9 to 11); 0 if both are 0."""
    p, r = precision(matrix), uar(matrix)
    return np.asarray(2 * p * r / np.where(p + r > 0, p + r, 1))


def accuracy(matrix: Matrix) -> NDArray[np.float64]:
    """Fraction of clips on the diagonal."""
    return np.trace(matrix, axis1=-2, axis2=-1) / matrix.sum(axis=(-2, -1))


def metric(name: str, classes: tuple[str, ...]) -> Callable[[Matrix], NDArray[np.float64]]:
    """A metric by name: `uf1`, `uar`, `accuracy`, `f1` (`f1_of_means`), or `recall_<class>`."""
    plain = {"uf1": uf1, "uar": uar, "accuracy": accuracy, "f1": f1_of_means}
    if name in plain:
        return plain[name]
    index = classes.index(name.removeprefix("recall_"))
    return lambda matrix: recall_per_class(matrix)[..., index]


def always_largest(truth_counts: NDArray[np.integer]) -> NDArray[np.int64]:
    """The confusion matrix of always predicting the largest class: the chance level of every metric."""
    matrix = np.zeros((len(truth_counts), len(truth_counts)), np.int64)
    matrix[:, int(np.argmax(truth_counts))] = truth_counts
    return matrix
