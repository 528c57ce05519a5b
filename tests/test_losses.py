"""The loss of Keras 2 against NumPy, and that no backend looks behind it for scores."""

from __future__ import annotations

import keras
import numpy as np
import pytest

import papers
from common.training.learner import Learner
from common.training.losses import clipped_crossentropy
from papers.talluri2022.experiments import CLIPPED

SCORES = np.array([[0.3, -1.0, 2.0], [0, 8, -9], [4, 4, 4], [-30, 30, 0], [90, -90, 0]], np.float32)
CLASSES = np.array([2, 0, 1, 0, 1])


def probabilities(scores: np.ndarray) -> np.ndarray:
    found = np.exp(scores - scores.max(axis=1, keepdims=True))
    return found / found.sum(axis=1, keepdims=True)


def in_numpy(scores: np.ndarray) -> np.ndarray:
    """Keras 2.0.0's formula, in the precision of `scores`."""
    return -np.log(np.clip(probabilities(scores), 1e-7, 1 - 1e-7)[np.arange(len(scores)), CLASSES])


def trained(loss: object, scores: np.ndarray, softmax: str) -> tuple[float, np.ndarray]:
    """The loss of one step of SGD with rate 1 on weights that are the scores, and the gradient that it took."""

    def build() -> keras.Model:
        entry = keras.Input((len(scores),), name="row")
        if softmax == "activation":
            answer = keras.layers.Dense(3, use_bias=False, activation="softmax", name="scores")(entry)
        else:
            answer = keras.layers.Softmax()(keras.layers.Dense(3, use_bias=False, name="scores")(entry))
        return keras.Model({"row": entry}, {"emotion": answer})

    learner = Learner(build, loss=loss, optimizer=keras.optimizers.SGD(1.0), batch=len(scores), epochs=1, seed=0)
    kernel = learner.model.get_layer("scores").kernel
    learner._initial[[variable is kernel for variable in learner._state].index(True)] = scores
    rows = {"row": np.eye(len(scores), dtype=np.float32)}
    found = learner.fit(rows, {"emotion": np.eye(3, dtype=np.float32)[CLASSES[: len(scores)]]}, 0)["loss"][0]
    return found, scores - keras.ops.convert_to_numpy(kernel)


@pytest.mark.parametrize("softmax", ["activation", "layer"])
def test_the_loss_is_taken_from_the_probabilities(softmax: str) -> None:
    loss, gradient = trained(clipped_crossentropy, SCORES, softmax)
    assert loss == pytest.approx(in_numpy(SCORES.astype(np.float64)).mean(), rel=1e-5)
    assert loss < -np.log(1e-7)
    step, numerical = 1e-4, np.zeros(SCORES.shape)
    for place in np.ndindex(SCORES.shape):
        moved = [SCORES.astype(np.float64) for _ in range(2)]
        moved[0][place] -= step
        moved[1][place] += step
        numerical[place] = (in_numpy(moved[1]).mean() - in_numpy(moved[0]).mean()) / (2 * step)
    assert gradient == pytest.approx(numerical, abs=1e-5)
    usual, other = trained("categorical_crossentropy", SCORES, softmax)
    assert usual > 2 * loss  # of 60 and 180 apart: unbounded
    saturated = np.ptp(SCORES, axis=1) > 50
    assert not gradient[saturated].any()
    assert np.abs(other[saturated]).sum(axis=1) == pytest.approx(2 / len(SCORES), rel=1e-4)


def test_probabilities_are_divided_by_their_sum() -> None:
    wanted = np.eye(3, dtype=np.float32)[[0, 1, 2]]
    found = np.array([[0.2, 0.2, 0.4], [0.0, 0.5, 0.0], [1.0, 0.0, 0.0]], np.float32)
    losses = keras.ops.convert_to_numpy(clipped_crossentropy(wanted, found))
    assert losses.shape == (3,)
    assert losses == pytest.approx([np.log(4), 0, -np.log(1e-7)], abs=1e-6)


def test_who_trains_with_it() -> None:
    reddy, talluri = papers.load("reddy2019"), papers.load("talluri2022")
    recipe = papers.parts("reddy2019").recipe()
    small = {"face_size": 8, "region_size": 8, "casme_sq_frames": 20}
    settings = type(reddy.profiles["smoke"].settings)(**small)
    learner = recipe.Networks(reddy.experiments[0], settings, 0).learner  # type: ignore[attr-defined]
    assert [*learner.model.loss.values()] == [clipped_crossentropy]
    asked = {one.id for one in talluri.experiments if one.variant == CLIPPED}
    assert asked == {f"model-{key}-scenario-{number}/{CLIPPED}" for key in "abc" for number in range(1, 9)}
    recipe, settings = papers.parts("talluri2022").recipe(), type(talluri.profiles["smoke"].settings)(size=9)
    known = {one.id: one for one in talluri.experiments}
    for variant, loss in (("published", "categorical_crossentropy"), (CLIPPED, clipped_crossentropy)):
        one = known[f"model-a-scenario-1/{variant}"]
        assert one.on_request == (variant == CLIPPED)
        assert [*recipe.Networks(one, settings, 0).learner.model.loss.values()] == [loss]  # type: ignore[attr-defined]
