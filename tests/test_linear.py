"""Linear classifiers of scikit-learn as Keras networks."""

from __future__ import annotations

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

from common.contract import FoldRun
from common.training.linear import LinearClassifier, weights
from common.types import Samples

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
