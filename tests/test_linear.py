"""Linear classifiers of scikit-learn as Keras networks."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVC

from common.contract import FoldRun, Trained
from common.training.linear import LinearClassifier, regressions, turned_rows, weights
from common.types import Samples
from papers.liong2019.recipe import regression
from papers.see2019.model import machines
from papers.see2019.model import relabelled as fits_of_machines

CLASSES = ("negative", "positive", "surprise")


def rows(present: tuple[int, ...] = (0, 1, 2)) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Rows (40, 2, 3), one column of which is constant, and their classes, which they partly reveal."""
    rng = np.random.default_rng(0)
    y = np.array(present)[np.arange(40) % len(present)]
    x = rng.normal(size=(40, 2, 3)) + 0.7 * y[:, None, None]
    x[:, 0, 0] = 7.0
    return x, y


def samples_of(x: NDArray[Any], y: NDArray[np.int64]) -> Samples:
    clip = np.array([f"smic/s/{number}" for number in range(len(y))])
    return Samples({"x": x}, y, np.array(["smic/s"] * len(y)), clip, np.zeros(len(y), np.int64))


@dataclass(frozen=True)
class Training:
    """The settings of both papers' classifiers."""

    inverse_penalty: float = 1.0
    penalty: float = 100.0


CLOSE = 0.01
"""Probabilities of equal trainings differ by less: both solvers stop near the best classifier."""
RECIPES = {
    "logistic regression": LinearClassifier("linear", regression, fits=regressions),
    "support vector machines": LinearClassifier("linear", machines, standardised=False, fits=fits_of_machines),
}
"""Those of liong2019 and see2019."""


def trained(recipe: LinearClassifier, some: Samples, classes: tuple[str, ...] = CLASSES) -> Trained:
    settings: Any = SimpleNamespace(training=Training())
    fold_run = FoldRun("fold", 0, settings, lambda *words: None, Path(), None)
    networks = recipe.build_networks(None, None, {"x": some.x["x"].shape[1:]}, classes, 0)
    return recipe.train(networks, None, some, fold_run)  # type: ignore[arg-type]


@pytest.mark.parametrize("kind", [*RECIPES])
@pytest.mark.parametrize("features", [3, 200])
@pytest.mark.parametrize("present", [(0, 1, 2), (0, 2), (1,)])
def test_a_relabelled_training_is_the_training_on_relabelled_clips(
    kind: str, features: int, present: tuple[int, ...]
) -> None:
    random = np.random.default_rng(features)
    y = np.array(present)[np.arange(60) % len(present)]
    x = random.normal(size=(90, features)) * random.lognormal(size=features) + 5
    x[:60] += 0.5 * y[:, None]
    if kind != "logistic regression":
        x = np.abs(x) / np.abs(x).sum(axis=1, keepdims=True)
    tested = samples_of(x[60:], np.zeros(30, np.int64))
    labels = np.stack([random.permutation(y) for _ in range(5)])
    relabelled = trained(RECIPES[kind], samples_of(x[:60], y)).relabelled
    assert relabelled is not None
    for own, predicted in zip(labels, relabelled(tested, labels), strict=True):
        usual = trained(RECIPES[kind], samples_of(x[:60], own)).predict(tested)
        probabilities = np.stack([usual[clip] for clip in tested.clip.tolist()])
        assert probabilities[np.arange(30), predicted] == pytest.approx(probabilities.max(axis=1), abs=CLOSE)
        assert (predicted == probabilities.argmax(axis=1)).mean() > 0.9


@pytest.mark.parametrize("kind", [*RECIPES])
def test_rows_that_are_all_alike_can_be_relabelled(kind: str) -> None:
    _, y = rows()
    relabelled = trained(RECIPES[kind], samples_of(np.zeros((40, 5)), y)).relabelled
    assert relabelled is not None
    assert len(np.unique(relabelled(samples_of(np.zeros((3, 5)), y[:3]), y[None]))) == 1


def test_the_papers_have_these_recipes() -> None:
    from papers.liong2019.recipe import RECIPES as OF_FLOW
    from papers.see2019.recipe import RECIPE

    assert [OF_FLOW["linear"].fits, OF_FLOW["linear"].classifier] == [regressions, regression]
    assert [RECIPE.fits, RECIPE.classifier, RECIPE.standardised] == [fits_of_machines, machines, False]


def test_turned_rows_have_the_same_products() -> None:
    x = np.random.default_rng(0).normal(size=(20, 50))
    x[3] = x[4]
    turned, basis = turned_rows(x)
    assert turned.shape[1] == 19
    assert turned @ turned.T == pytest.approx(x @ x.T)
    assert x @ basis == pytest.approx(turned)
    assert turned.T @ turned == pytest.approx(np.diag((turned**2).sum(axis=0)))


def fitted(x: NDArray[Any], y: NDArray[np.int64], classifier: Any) -> tuple[NDArray[np.float32], list[tuple[int, int]]]:
    """Probabilities (n, 3) of the recipe for its own training rows, and the epochs that it showed."""
    shown = []
    settings: Any = SimpleNamespace(training=None)
    fold_run = FoldRun("fold", 0, settings, lambda *words: shown.append(words[1:3]), Path(), None)
    recipe = LinearClassifier("linear", lambda training: classifier)
    networks = recipe.build_networks(None, None, {"x": x.shape[1:]}, CLASSES, 0)
    some = samples_of(x, y)
    trained = recipe.train(networks, None, some, fold_run)  # type: ignore[arg-type]
    assert networks.flops(1.0) == 2 * x[0].size * len(CLASSES)
    assert set(networks.facts().values()) == {(x[0].size + 1) * len(CLASSES)}
    answers = trained.predict(some)
    return np.stack([answers[clip] for clip in some.clip.tolist()]), shown


def test_the_network_has_the_probabilities_of_the_logistic_regression() -> None:
    x, y = rows()
    probabilities, shown = fitted(x, y, LogisticRegression(C=0.3))
    known = make_pipeline(StandardScaler(), LogisticRegression(C=0.3)).fit(x.reshape(40, -1), y)
    assert probabilities == pytest.approx(known.predict_proba(x.reshape(40, -1)), abs=1e-5)
    assert shown == [(0, 1), (1, 1)]


def test_the_network_predicts_as_the_support_vector_machine() -> None:
    x, y = rows()
    probabilities, _ = fitted(x, y, LinearSVC(random_state=0))
    known = make_pipeline(StandardScaler(), LinearSVC(random_state=0)).fit(x.reshape(40, -1), y)
    assert probabilities.argmax(axis=1).tolist() == known.predict(x.reshape(40, -1)).tolist()


@pytest.mark.parametrize("present", [(0, 1), (0, 2), (1, 2)])
def test_a_class_without_training_clips_is_never_predicted(present: tuple[int, int]) -> None:
    x, y = rows(present)
    probabilities, _ = fitted(x, y, LogisticRegression())
    known = make_pipeline(StandardScaler(), LogisticRegression()).fit(x.reshape(40, -1), y)
    assert probabilities[:, present] == pytest.approx(known.predict_proba(x.reshape(40, -1)), abs=1e-5)


@pytest.mark.parametrize("only", [0, 1, 2])
def test_a_single_class_is_always_predicted(only: int) -> None:
    x, y = rows((only,))
    matrix, shift = weights(x.reshape(40, -1), y, 3, None)
    assert (x.reshape(40, -1) @ matrix + shift).argmax(axis=1).tolist() == [only] * 40


def test_pixels_are_scaled_as_networks_read_them() -> None:
    x, y = rows()
    pixels = np.clip(40 * x + 100, 0, 255).astype(np.uint8)
    probabilities, _ = fitted(pixels, y, LogisticRegression())
    known = make_pipeline(StandardScaler(), LogisticRegression()).fit(pixels.reshape(40, -1) / 255, y)
    assert probabilities == pytest.approx(known.predict_proba(pixels.reshape(40, -1) / 255), abs=1e-4)


def test_rows_can_be_read_as_they_are() -> None:
    x, y = rows()
    flat = x.reshape(40, -1)
    known = LinearSVC(random_state=0).fit(flat, y)
    matrix, shift = weights(flat, y, 3, LinearSVC(random_state=0), standardised=False)
    assert flat @ matrix + shift == pytest.approx(known.decision_function(flat))
