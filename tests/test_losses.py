"""The loss of Keras 2 against NumPy, and that no backend looks behind it for scores."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import keras
import numpy as np
import pytest

import papers
from common.training.learner import Learner
from common.training.losses import clipped_crossentropy
from common.types import Experiment

SCORES = np.array([[0.3, -1.0, 2.0], [0, 8, -9], [4, 4, 4], [-30, 30, 0], [90, -90, 0]], np.float32)
CLASSES = np.array([2, 0, 1, 0, 1])


def probabilities(scores: np.ndarray) -> np.ndarray:
    exponentials = np.exp(scores - scores.max(axis=1, keepdims=True))
    return exponentials / exponentials.sum(axis=1, keepdims=True)


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
    step_loss = learner.fit(rows, {"emotion": np.eye(3, dtype=np.float32)[CLASSES[: len(scores)]]}, 0)["loss"][0]
    return step_loss, scores - keras.ops.convert_to_numpy(kernel)


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
    answers = np.array([[0.2, 0.2, 0.4], [0.0, 0.5, 0.0], [1.0, 0.0, 0.0]], np.float32)
    losses = keras.ops.convert_to_numpy(clipped_crossentropy(wanted, answers))
    assert losses.shape == (3,)
    assert losses == pytest.approx([np.log(4), 0, -np.log(1e-7)], abs=1e-6)


def losses(key: str, experiment: Experiment, small: Mapping[str, int]) -> list[object]:
    """Those that the network of a paper's experiment is compiled with."""
    parts = papers.parts(key)
    settings = papers.load(key).profiles["paper"].settings.having(small).having(experiment.settings)
    shapes = parts.preprocess.shapes(settings)
    networks: Any = parts.recipe().build_networks(
        settings.network, settings.training, shapes, experiment.labels.classes, 0
    )
    return [*networks.learner.model.loss.values()]


def test_who_trains_with_it() -> None:
    reddy, talluri = papers.load("reddy2019"), papers.load("talluri2022")
    small = {"face_size": 8, "region_size": 8, "frames": 20}
    assert losses("reddy2019", reddy.experiments[0], small) == [clipped_crossentropy]
    clipped = "clipped-loss"
    asked = {experiment.id for experiment in talluri.experiments if experiment.variant == clipped}
    assert asked == {f"model-{key}-scenario-{number}/{clipped}" for key in "abc" for number in range(1, 9)}
    known = {experiment.id: experiment for experiment in talluri.experiments}
    for variant, loss in (("published", "categorical_crossentropy"), (clipped, clipped_crossentropy)):
        experiment = known[f"model-a-scenario-1/{variant}"]
        assert experiment.on_request == (variant == clipped)
        assert losses("talluri2022", experiment, {"size": 9}) == [loss]
