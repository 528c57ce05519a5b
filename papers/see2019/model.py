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


def relabelled(
    classifier: Machines, rows: NDArray[np.float64], labels: NDArray[np.int64], classes: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """`linear.Fits`: as `Machines.fit`, with the products of the rows, all that LIBSVM needs, computed once."""
    from sklearn.svm import SVC

    products = rows @ rows.T
    matrices, shifts = np.zeros((len(labels), rows.shape[1], classes)), np.zeros((len(labels), classes))
    for number, truth in enumerate(labels):
        for k in range(classes):
            fitted: Any = SVC(kernel="precomputed", C=classifier.penalty).fit(products, truth == k)
            matrices[number, :, k] = fitted.dual_coef_[0] @ rows[fitted.support_]
            shifts[number, k] = fitted.intercept_[0]
    return matrices, shifts


def machines(training: Training) -> Machines:
    """The classifiers, not yet fitted."""
    return Machines(training.penalty)
