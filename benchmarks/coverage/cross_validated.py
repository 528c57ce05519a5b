"""Data sets whose predictions come from real folds, and what is measured of intervals and tests in them.

Elsewhere in this benchmark predictions for one subject do not depend on the others. Those of a cross-validation do: the
clips that one fold tests train the other folds. Here clips have features, and each fold trains a ridge classifier.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.coverage.candidates import METRICS
from benchmarks.coverage.models import Model, drawn
from common.scoring.intervals import WIDER, bounds, effective_subjects, jackknife
from common.scoring.metrics import uf1
from common.scoring.statistics import guess_test, retraining_test, swap_test

POPULATION = Model("unequal sizes, each subject with its own mixture of classes")
"""Where the numbers of clips by subject and class come from."""
FEATURES, PENALTY = 30, 10.0
"""Features of a clip, and the penalty of the classifier."""
OFFSET = 0.5
"""Standard deviation of what all clips of a subject share in each feature; that of what they do not is 1."""
SUBJECTS = (16, 24, 68)
EFFECTS = (0.0, 1.0, 2.0)
"""How far the mean of a class is from the others, in the feature that tells it: at 0 nothing is to be learnt."""
LEVELS = (0.05, 0.01)
DRAWS = 499
"""Draws of each test; a p of 0.01 needs at most four hits."""

WEAK = (0.0, 0.5)
"""The effects at which both tests of guessing are compared: none, and one that is not always found."""
RELABELLINGS = 99
"""Relabelled copies of a data set on which all folds are trained again; a p of 0.01 needs that none scores as high."""

Numbers = NDArray[np.float64]
Labels = NDArray[np.int64]


@dataclass(frozen=True)
class Design:
    """How a data set is divided, and what the classifier makes of rare classes.

    `folds` is the number of folds, None for one per subject. With `balanced` the clips of each class have weights with
    the same sum.
    """

    name: str
    folds: int | None = None
    balanced: bool = False


DESIGNS = (
    Design("one subject"),
    Design("one subject, classes weighted", balanced=True),
    Design("a third of the subjects", folds=3),
)
"""By what a fold tests."""


def data_set(clips: Labels, effect: float, random: np.random.Generator) -> tuple[Labels, Labels, Numbers]:
    """The class (n,) and subject (n,) of each clip, and two sets of features (2, n, `FEATURES`) that tell as much.

    clips (subjects, 3) counts the clips of each class. The mean of class k is `effect` in feature k, and 0 in others.
    """
    subjects = len(clips)
    truth = np.repeat(np.tile(np.arange(3), subjects), clips.ravel())
    subject = np.repeat(np.arange(subjects), clips.sum(axis=1))
    features = random.normal(size=(2, len(truth), FEATURES))
    features += OFFSET * random.normal(size=(2, subjects, FEATURES))[:, subject]
    features[:, :, :3] += effect * np.eye(3)[truth]
    return truth, subject, features


def folds_of(subjects: int, folds: int | None, random: np.random.Generator) -> Labels:
    """The fold (subjects,) that tests each subject: its own, or one of `folds` of about the same size at random."""
    return np.arange(subjects) if folds is None else random.permutation(np.arange(subjects) % folds)


def predictions(features: Numbers, truth: Labels, fold: Labels, *, balanced: bool) -> Labels:
    """The class (n,) of each clip by a ridge classifier with an intercept that all other folds train.

    features (n, `FEATURES`), truth (n,), fold (n,) from 0; `balanced` as in `Design`. One system of equations per fold,
    for the scores of all classes.
    """
    order = np.argsort(fold, kind="stable")
    starts = np.searchsorted(fold[order], np.arange(fold.max() + 1))
    x = np.column_stack([features[order], np.ones(len(truth))])
    y = np.eye(3)[truth[order]]
    weight = len(y) / (y.sum(axis=0) > 0).sum() / (y @ y.sum(axis=0)) if balanced else np.ones(len(y))
    weighted = weight[:, None] * x
    squares = np.add.reduceat(weighted[:, :, None] * x[:, None, :], starts)
    products = np.add.reduceat(weighted[:, :, None] * y[:, None, :], starts)
    penalty = PENALTY * np.diag([*np.ones(FEATURES), 0])
    fitted = np.linalg.solve(squares.sum(axis=0) - squares + penalty, products.sum(axis=0) - products)
    found = np.empty(len(y), np.int64)
    found[order] = np.einsum("nf,nfk->nk", x, fitted[fold[order]]).argmax(axis=1)
    return found


def retrained(design: Design, subjects: int, effect: float, count: int, random: np.random.Generator) -> dict[str, Any]:
    """How often guessing is rejected by retraining, for each metric, and by swaps with their factor, for UF1."""
    found: dict[str, list[float]] = {name: [] for name in (*METRICS, "uf1 swaps")}
    for by_class in drawn(POPULATION, subjects, count, random).sum(axis=-1):
        truth, subject, features = data_set(by_class, effect, random)
        fold = folds_of(subjects, design.folds, random)[subject]
        order = np.argsort(subject + random.random((RELABELLINGS, len(truth))), axis=1)
        labels = np.concatenate([truth[None], truth[order]])
        answers = relabelled_predictions(features[0], labels, fold)
        for name, metric in METRICS.items():
            found[name].append(retraining_test(truth, answers[0], labels[1:], answers[1:], metric, 3))
        found["uf1 swaps"].append(guess_test(subject.astype(str), truth, answers[0], METRICS["uf1"], 3, DRAWS))
    return {name: _sizes(p) for name, p in found.items()}


def relabelled_predictions(features: Numbers, labels: Labels, fold: Labels) -> Labels:
    """The classes (k, n) by the classifiers of `predictions`, not balanced, for k labels (k, n) of the features."""
    x, found = np.column_stack([features, np.ones(len(fold))]), np.empty_like(labels)
    y = np.eye(3)[labels].transpose(1, 2, 0).reshape(len(fold), -1)
    penalty = PENALTY * np.diag([*np.ones(FEATURES), 0])
    for number in range(fold.max() + 1):
        tested = fold == number
        rest = x[~tested]
        scores = x[tested] @ np.linalg.solve(rest.T @ rest + penalty, rest.T @ y[~tested])
        found[:, tested] = scores.reshape(-1, 3, len(labels)).argmax(axis=1).T
    return found


def measured(design: Design, subjects: int, effect: float, count: int, random: np.random.Generator) -> dict[str, Any]:
    """Coverage and mean width of intervals, and the sizes of both tests, with and without their factors.

    The true score is the mean over the `count` data sets. `spread` is the standard deviation of the scores (of UF1 of
    two equal methods: of their difference) as a multiple of the error that the jackknife finds. Guessing is only tested
    where nothing is to be learnt.
    """
    clips = drawn(POPULATION, subjects, count, random).sum(axis=-1)
    matrices = np.zeros((2, count, subjects, 3, 3), np.int64)
    guesses: dict[str, list[float]] = {}
    for number, by_class in enumerate(clips):
        truth, subject, features = data_set(by_class, effect, random)
        fold = folds_of(subjects, design.folds, random)[subject]
        for side, values in enumerate(features):
            answer = predictions(values, truth, fold, balanced=design.balanced)
            np.add.at(matrices[side, number], (subject, truth, answer), 1)
            if not effect and not side:
                for name, wider in (*((name, True) for name in METRICS), ("uf1 without", False)):
                    how = METRICS[name.partition(" ")[0]], 3, DRAWS
                    p = guess_test(subject.astype(str), truth, answer, *how, cross_validated=wider)
                    guesses.setdefault(name, []).append(p)
    cell: dict[str, Any] = {name: _covered(matrices[0], name) for name in METRICS}
    cell["swap"] = _swapped(matrices)
    if guesses:
        cell["guess"] = {name: _sizes(p) for name, p in guesses.items()}
    return cell


def _covered(matrices: Labels, name: str) -> dict[str, float]:
    value, variance = jackknife(matrices, METRICS[name])
    freedom = effective_subjects(matrices, METRICS[name]) - 1
    found = {"true": float(value.mean()), "spread": float(value.std() / np.sqrt(variance.mean()))}
    for suffix, wider in (("", WIDER), (" without", 1.0)):
        low, high = bounds(value, wider * np.sqrt(variance), freedom)
        found[f"coverage{suffix}"] = float(((low <= found["true"]) & (found["true"] <= high)).mean())
        found[f"width{suffix}"] = float((high - low).mean())
    return {key: round(number, 4) for key, number in found.items()}


def _swapped(matrices: Labels) -> dict[str, Any]:
    found = {}
    for name, wider in (("with", True), ("without", False)):
        p = [
            swap_test(first, second, uf1, DRAWS, cross_validated=wider)[1]
            for first, second in zip(*matrices, strict=True)
        ]
        found[name] = _sizes(p)
    left_out = [uf1(side.sum(axis=1, keepdims=True) - side) for side in matrices]
    apart = left_out[0] - left_out[1]
    subjects = apart.shape[1]
    variance = (subjects - 1) / subjects * ((apart - apart.mean(axis=1, keepdims=True)) ** 2).sum(axis=1)
    difference = uf1(matrices[0].sum(axis=1)) - uf1(matrices[1].sum(axis=1))
    return {**found, "spread": round(float(difference.std() / np.sqrt(variance.mean())), 4)}


def _sizes(p: list[float]) -> list[float]:
    """The share of p at or below each of the levels."""
    return [round(float((np.array(p) <= level).mean()), 4) for level in LEVELS]
