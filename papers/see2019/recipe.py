"""Fitting linear support vector machines on one fold: one for each class against all others."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from common.contract import FoldRun, Settings, Shapes, Trained
from common.training.flops import forward
from common.training.learner import Models, by_clip
from common.training.learner import predict as outputs
from common.types import Experiment, Predictions, Samples
from papers.see2019 import model
from papers.see2019.experiments import Network, Training

BATCH = 64


class Networks:
    """The decision functions of all classes as one Keras model, whose weights every fold replaces."""

    def __init__(
        self, network: Network, training: Training, shapes: Shapes, classes: tuple[str, ...], seed: int
    ) -> None:
        self.model = model.build(network, shapes, len(classes))
        self.classes = len(classes)

    def facts(self) -> dict[str, int]:
        """The number of weights."""
        return {"parameters linear SVM": self.model.count_params()}

    def flops(self, rows_per_clip: float) -> float:
        """Floating point operations of the decision functions for one clip; the histograms are not counted."""
        return forward(self.model)


build_networks = Networks


def train(networks: Networks, experiment: Experiment, samples: Samples, fold_run: FoldRun) -> Trained:
    """Fit on the training clips; nothing is random, and there are no epochs."""
    rows = samples.x["histograms"][:].reshape(len(samples.y), -1)
    weights, biases = fitted(rows, samples.y, networks.classes, fold_run.settings.training.penalty)
    networks.model.set_weights([weights, biases])
    models = {"network": networks.model}
    return Trained(lambda test: answers(models, test, fold_run.settings), {}, models)


def answers(models: Models, samples: Samples, settings: Settings) -> Predictions:
    """The softmax of the decision functions, in which the class with the largest value has the largest share.

    The shares are not calibrated probabilities.
    """
    return by_clip(samples, outputs(models["network"], samples.x, BATCH))


def fitted(
    rows: NDArray[np.floating], truth: NDArray[np.integer], classes: int, penalty: float
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Weights (features, classes) and biases (classes,) of the decision functions, one class against all others.

    `rows` are (clips, features). A class that none or all of the clips have gets the constant -1 or 1.
    """
    from sklearn.svm import SVC

    weights = np.zeros((rows.shape[1], classes), np.float32)
    biases = np.empty(classes, np.float32)
    for label in range(classes):
        own = truth == label
        if own.all() or not own.any():
            biases[label] = 1.0 if own.all() else -1.0
            continue
        machine = SVC(kernel="linear", C=penalty).fit(rows.astype(np.float64), own)
        weights[:, label], biases[label] = machine.coef_[0], machine.intercept_[0]
    return weights, biases
