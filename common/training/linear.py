"""The recipe of systems that fit a linear classifier of scikit-learn to the arrays of clips, one row per clip.

The inputs are standardised, unless a paper wants them as they are. The fitted classifier becomes a Keras network of one
dense layer with softmax, which holds the standardisation too: it is saved, exported and counted like any other network.
There is nothing random.

Linear classifiers with a squared penalty depend on the rows only through their products, so that those of a fold are
turned once into as few numbers as there are rows, on which all trainings with other classes are done (`relabelled`).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import logsumexp, softmax

from common.contract import FoldRun, Settings, Shapes, Trained
from common.training.batches import as_float
from common.training.flops import forward
from common.training.keras_setup import keras
from common.training.learner import Models, by_clip, predict
from common.types import Experiment, Predictions, Samples

BATCH = 256
"""Rows that are predicted at once."""
NEVER = -100.0
"""The score of a class without training clips, added to the lowest of the others."""

Numbers = NDArray[np.float64]
Fits = Callable[[Any, Numbers, NDArray[np.int64], int], tuple[Numbers, Numbers]]
"""Fits a classifier to the same rows (n, features) with several classes (k, n) of as many classes as given last.

Returns matrices (k, features, classes) and shifts (k, classes) like those of `weights`.
"""


def network(shapes: Shapes, classes: int) -> keras.Model:
    """The network of a linear classifier: one input -> {"emotion": (classes,)}."""
    (name, shape) = next(iter(shapes.items()))
    values = keras.layers.Input(shape, name=name)
    flat = keras.layers.Flatten(name="flatten")(values)
    emotion = keras.layers.Dense(classes, activation="softmax", name="emotion")(flat)
    return keras.Model({name: values}, {"emotion": emotion}, name="linear")


def weights(
    x: NDArray[np.floating], y: NDArray[np.integer], classes: int, classifier: Any, *, standardised: bool = True
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The matrix (features, classes) and shift (classes,) of a classifier that is fitted to rows, standardised or not.

    x (n, features), y (n,). `classifier` is one of scikit-learn's with `coef_` and `intercept_`; its scores are
    `x @ matrix + shift`, with two classes that of the second, next to 0. A class that `y` does not have never wins.
    """
    from sklearn.preprocessing import StandardScaler

    known = np.unique(y)
    matrix, shift = np.zeros((x.shape[1], classes)), np.zeros(classes)
    if len(known) > 1:
        scaler = StandardScaler().fit(x)
        mean, scale = (scaler.mean_, scaler.scale_) if standardised else (np.zeros(x.shape[1]), np.ones(x.shape[1]))
        classifier.fit((x - mean) / scale, y)
        fitted = classifier.coef_.T / scale[:, None]
        taken = known[-fitted.shape[1] :]  # of two classes the second
        matrix[:, taken] = fitted
        shift[taken] = classifier.intercept_ - mean @ fitted
    missing = np.setdiff1d(np.arange(classes), known)
    matrix[:, missing] = matrix[:, [known[0]]]
    shift[missing] = shift[known[0]] + NEVER
    return matrix, shift


def one_by_one(classifier: Any, rows: Numbers, labels: NDArray[np.int64], classes: int) -> tuple[Numbers, Numbers]:
    """`Fits` for any classifier: fitted to each of the labels."""
    found = [weights(rows, y, classes, classifier, standardised=False) for y in labels]
    return np.stack([matrix for matrix, _ in found]), np.stack([shift for _, shift in found])


TOLERANCE, NEWTON_STEPS, STEPS = 1e-4, 50, 200
"""Largest slope of the mean loss, that of scikit-learn; most Newton steps, and most conjugate gradients in each."""


def regressions(classifier: Any, rows: Numbers, labels: NDArray[np.int64], classes: int) -> tuple[Numbers, Numbers]:
    """`Fits` for scikit-learn's logistic regression with its penalty `C`: all labels at once.

    Newton's method, whose steps are found by conjugate gradients. `rows` should have orthogonal columns, whose lengths
    then make the equations well conditioned. There are three classes or more: of two, scikit-learn fits one alone.
    """
    x = np.column_stack([rows, np.ones(len(rows))])
    turned = np.ascontiguousarray(x.T)
    squares = (x**2).sum(axis=0)[:, None, None]
    penalty = np.append(np.full(rows.shape[1], 1 / classifier.C), 0.0)[:, None, None]
    truth = (labels.T[:, None] == np.arange(classes)[:, None]).astype(np.float64)  # (n, classes, k)
    fitted = np.zeros((x.shape[1], classes, len(labels)))
    pending = np.arange(len(labels))
    for _ in range(NEWTON_STEPS):
        w, y = fitted[:, :, pending], truth[:, :, pending]
        scores = _times(x, w)
        p = softmax(scores, axis=1)
        slope = _times(turned, p - y) + penalty * w
        steep = np.abs(slope).max(axis=(0, 1)) > TOLERANCE * len(rows)
        pending, w, y, scores, p, slope = pending[steep], *(a[..., steep] for a in (w, y, scores, p, slope))
        if not len(pending):
            break
        step = _newton_step(x, turned, penalty, p, slope, squares * (p * (1 - p)).mean(axis=0) + penalty)
        change = _times(x, step)
        share, before = np.ones(len(pending)), _loss_of(scores, y, penalty, w)
        while (worse := _loss_of(scores + share * change, y, penalty, w + share * step) > before + 1e-9).any():
            share[worse] /= 2
        fitted[:, :, pending] = w + share * step
    else:
        raise FloatingPointError(f"logistic regression did not converge in {NEWTON_STEPS} steps")
    return fitted[:-1].transpose(2, 0, 1), fitted[-1].T


def _newton_step(x: Numbers, turned: Numbers, penalty: Numbers, p: Numbers, slope: Numbers, scale: Numbers) -> Numbers:
    """Conjugate gradients, preconditioned by `scale`, until a tenth of the slope is left, or `STEPS`.

    In float32, since the next step of Newton corrects this one.
    """
    arrays: list[NDArray[Any]] = [a.astype(np.float32) for a in (x, turned, penalty, p, -slope, scale)]
    x, turned, penalty, p, rest, scale = arrays
    step, least = np.zeros_like(rest), np.finfo(np.float32).tiny
    scaled = direction = rest / scale
    size = first = _products(rest, scaled)
    for _ in range(STEPS):
        along = _times(x, direction)
        curved = p * (along - (p * along).sum(axis=1, keepdims=True))
        bent = _times(turned, curved) + penalty * direction
        length = size / np.maximum(_products(direction, bent), least)
        step, rest = step + length * direction, rest - length * bent
        scaled = rest / scale
        left = _products(rest, scaled)
        if (left <= 0.01 * first).all():
            break
        direction, size = scaled + left / np.maximum(size, least) * direction, left
    return step.astype(np.float64)


def _times(matrix: NDArray[Any], several: NDArray[Any]) -> NDArray[Any]:
    """matrix (a, b) times several (b, classes, k): (a, classes, k)."""
    return (matrix @ several.reshape(len(several), -1)).reshape(len(matrix), *several.shape[1:])


def _products(first: NDArray[Any], second: NDArray[Any]) -> NDArray[Any]:
    """Scalar products (k,) of several (a, classes, k)."""
    products: NDArray[Any] = np.einsum("ack,ack->k", first, second)
    return products


def _loss_of(scores: Numbers, truth: Numbers, penalty: Numbers, w: Numbers) -> Numbers:
    """What logistic regression minimises, (k,)."""
    loss = (logsumexp(scores, axis=1) - (scores * truth).sum(axis=1)).sum(axis=0)
    return np.asarray(loss + (penalty * w**2).sum(axis=(0, 1)) / 2)


def turned_rows(rows: Numbers) -> tuple[Numbers, Numbers]:
    """Rows (n, features) as (n, m) with m <= n and orthogonal columns, and the basis (features, m) that gives them."""
    values, vectors = np.linalg.eigh(rows @ rows.T)
    kept = values > 1e-12 * values[-1]
    kept[-1] = True  # where all rows are 0, next to nothing
    lengths = np.sqrt(np.maximum(values[kept], 1e-200))
    return vectors[:, kept] * lengths, rows.T @ (vectors[:, kept] / lengths)


@dataclass(frozen=True)
class LinearNetwork:
    """The network of a linear classifier, which gets other weights in each fold."""

    model: keras.Model
    name: str
    shapes: Shapes
    classes: int

    def facts(self) -> dict[str, int]:
        """Parameter count of the network."""
        sizes = (" x ".join(map(str, shape)) for shape in self.shapes.values())
        what = ", ".join([self.name, *sizes, f"{self.classes} classes"])
        return {f"parameters {what}": self.model.count_params()}

    def flops(self, rows_per_clip: float) -> float:
        """Floating point operations of one clip forward."""
        return forward(self.model)


@dataclass(frozen=True)
class LinearClassifier:
    """A recipe. `classifier` makes a classifier of scikit-learn from the settings of the training.

    `name` is that of the classifier in reports. Without `standardised`, the classifier reads the arrays as they are.
    `fits` fits it to many labels of the same rows, three classes or more, each of which has rows; its penalty must be
    a squared one.
    """

    name: str
    classifier: Callable[[Any], Any]
    standardised: bool = True
    fits: Fits = one_by_one

    def build_networks(
        self, network_settings: Any, training: Any, shapes: Shapes, classes: tuple[str, ...], seed: int
    ) -> LinearNetwork:
        """Build the network once for all folds."""
        return LinearNetwork(network(shapes, len(classes)), self.name, shapes, len(classes))

    def train(self, networks: LinearNetwork, experiment: Experiment, samples: Samples, fold_run: FoldRun) -> Trained:
        """Fit the classifier to the training rows of a fold, which is shown as one epoch."""
        show = fold_run.epochs()
        show(0, 1, math.log(networks.classes))
        x = _rows(samples)
        classifier = self.classifier(fold_run.settings.training)
        found = weights(x, samples.y, networks.classes, classifier, standardised=self.standardised)
        networks.model.set_weights([*found])
        models = {"network": networks.model}
        right = self.answers(models, samples, fold_run.settings)
        show(1, 1, _loss(right, samples))

        def relabelled(test: Samples, labels: NDArray[np.int64]) -> NDArray[np.int64]:
            own = self.classifier(fold_run.settings.training)
            return self.relabelled(own, x, labels, _rows(test), networks.classes)

        return Trained(lambda test: self.answers(models, test, fold_run.settings), {}, models, relabelled=relabelled)

    def relabelled(
        self, classifier: Any, x: Numbers, labels: NDArray[np.int64], tested: Numbers, classes: int
    ) -> NDArray[np.int64]:
        """The classes (k, m) of tested rows (m, features) after training on x (n, features) with k labels (k, n)."""
        from sklearn.preprocessing import StandardScaler

        scaler = StandardScaler(with_mean=self.standardised, with_std=self.standardised).fit(x)
        rows, basis = turned_rows(scaler.transform(x))
        complete = classes > 2 and all(len(np.unique(y)) == classes for y in labels)
        fits = self.fits if complete else one_by_one
        matrices, shifts = fits(classifier, rows, labels, classes)
        return np.asarray(((scaler.transform(tested) @ basis) @ matrices + shifts[:, None]).argmax(axis=-1), np.int64)

    def answers(self, models: Models, samples: Samples, settings: Settings) -> Predictions:
        """The predictions of the fitted classifier for clips."""
        return by_clip(samples, predict(models["network"], samples.x, BATCH))


def _rows(samples: Samples) -> Numbers:
    """The only input, one row (features,) per clip."""
    (values,) = samples.x.values()
    return np.asarray(as_float(values[:]), np.float64).reshape(len(samples.y), -1)


def _loss(predictions: Predictions, samples: Samples) -> float:
    """The mean log loss of predictions of clips, with one row each."""
    right = [predictions[clip][label] for clip, label in zip(samples.clip.tolist(), samples.y, strict=True)]
    return -float(np.mean(np.log(np.maximum(right, 1e-7))))
