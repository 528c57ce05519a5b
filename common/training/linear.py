"""The recipe of systems that fit a linear classifier of scikit-learn to the arrays of clips, one row per clip.

The inputs are standardised, unless a paper wants them as they are. The fitted classifier becomes a Keras network of one
dense layer with softmax, which holds the standardisation too: it is saved, exported and counted like any other network.
There is nothing random.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

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
    """

    name: str
    classifier: Callable[[Any], Any]
    standardised: bool = True

    def build_networks(
        self, network_settings: Any, training: Any, shapes: Shapes, classes: tuple[str, ...], seed: int
    ) -> LinearNetwork:
        """Build the network once for all folds."""
        return LinearNetwork(network(shapes, len(classes)), self.name, shapes, len(classes))

    def train(self, networks: LinearNetwork, experiment: Experiment, samples: Samples, fold_run: FoldRun) -> Trained:
        """Fit the classifier to the training rows of a fold, which is shown as one epoch."""
        show = fold_run.epochs()
        show(0, 1, math.log(networks.classes))
        (values,) = samples.x.values()
        x = np.asarray(as_float(values[:]), np.float64).reshape(len(samples.y), -1)
        classifier = self.classifier(fold_run.settings.training)
        found = weights(x, samples.y, networks.classes, classifier, standardised=self.standardised)
        networks.model.set_weights([*found])
        models = {"network": networks.model}
        right = self.answers(models, samples, fold_run.settings)
        show(1, 1, _loss(right, samples))
        return Trained(lambda test: self.answers(models, test, fold_run.settings), {}, models)

    def answers(self, models: Models, samples: Samples, settings: Settings) -> Predictions:
        """The predictions of the fitted classifier for clips."""
        return by_clip(samples, predict(models["network"], samples.x, BATCH))


def _loss(predictions: Predictions, samples: Samples) -> float:
    """The mean log loss of predictions of clips, with one row each."""
    right = [predictions[clip][label] for clip, label in zip(samples.clip.tolist(), samples.y, strict=True)]
    return -float(np.mean(np.log(np.maximum(right, 1e-7))))
