"""Linear support vector machines, one for each class against all others, as one Keras model."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from common.contract import Shapes
from common.training import linear
from papers.see2019.experiments import Network, Training


def build(network: Network, shapes: Shapes, classes: int) -> keras.Model:
    """The decision functions of all classes, one dense layer; softmax makes the decision values sum to 1."""
    return linear.network(shapes, classes)


@dataclass
class Machines:
    """Classifiers of LIBSVM with the penalty C, in the form of scikit-learn's linear classifiers."""

    penalty: float
    coef_: NDArray[np.float64] = field(init=False)
    intercept_: NDArray[np.float64] = field(init=False)

    def fit(self, rows: NDArray[np.float64], truth: NDArray[np.integer]) -> Machines:
        """Fit one classifier for each class of `truth` (n,) to the rows (n, features); nothing is random."""
        from sklearn.svm import SVC

        fitted: list[Any] = [SVC(kernel="linear", C=self.penalty).fit(rows, truth == k) for k in np.unique(truth)]
        self.coef_ = np.concatenate([machine.coef_ for machine in fitted])
        self.intercept_ = np.concatenate([machine.intercept_ for machine in fitted])
        return self


def machines(training: Training) -> Machines:
    """The classifiers, not yet fitted."""
    return Machines(training.penalty)
