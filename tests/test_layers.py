"""The faster layers against Keras' own, and against NumPy where those are wrong."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers
from numpy.typing import NDArray

from common import layers as ours
from papers.reddy2019.model import fusenet_intermediate, fusenet_late, stcnn
from papers.talluri2022.model import model_a, model_b, model_c

BUILDS: dict[str, Callable[[], keras.Model]] = {
    "stcnn": lambda: stcnn(20, 24, 3, dropout=0.0),
    "stcnn without activation": lambda: stcnn(17, 20, 3, dropout=0.0, activation=None),
    "fusenet_intermediate": lambda: fusenet_intermediate(10, 20, 3, dropout=0.0),
    "fusenet_late": lambda: fusenet_late(10, 20, 3, dropout=0.0),
    "model_a": lambda: model_a(29, 20, 3, dropout=0.0),
    "split_model": lambda: model_a(28, 28, 3, blocks=3, dropout=0.0),
    "model_b": lambda: model_b(20, 22, 3, dropout=0.0),
    "model_c": lambda: model_c(30, 20, 3, dropout=0.0),
    "model_c, two convolutions": lambda: model_c(30, 20, 3, convolutions=2, dropout=0.0),
}
ROWS = 5


class FirstOfEquals(layers.MaxPooling3D):
    """Pooling by Keras' own operations, one of whose gradients goes to the first of equal values alone."""

    def call(self, inputs: keras.KerasTensor) -> keras.KerasTensor:
        deep, high, wide = self.pool_size
        _, depth, height, width, channels = inputs.shape
        x = keras.ops.reshape(inputs, (-1, height, width, channels))
        x = keras.ops.max_pool(x, (high, wide))
        x = keras.ops.reshape(x, (-1, depth, height // high * (width // wide), channels))
        x = keras.ops.max_pool(x, (deep, 1))
        return keras.ops.reshape(x, (-1, depth // deep, height // high, width // wide, channels))


@pytest.fixture(params=[1, 2**40], ids=["joined", "one after another"])
def joined(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> bool:
    monkeypatch.setattr(ours, "LARGE", request.param)
    return request.param == 1


def stock(build: Callable[[], keras.Model], seed: int = 0) -> keras.Model:
    """A network whose biases, gammas (of both signs) and betas are not those that it starts from."""
    keras.utils.set_random_seed(seed)
    model, rng = build(), np.random.default_rng(seed)
    for variable in model.trainable_variables:
        if variable.path.endswith(("bias", "gamma", "beta")):
            variable.assign(variable + rng.normal(0, 0.5 if variable.path.endswith("bias") else 1.5, variable.shape))
    return model


def with_right_ties(model: keras.Model) -> keras.Model:
    def clone(layer: layers.Layer) -> layers.Layer:
        kind = FirstOfEquals if type(layer) is layers.MaxPooling3D else type(layer)
        return kind.from_config(layer.get_config())

    copy = keras.models.clone_model(model, clone_function=clone)
    copy.set_weights(model.get_weights())
    return copy


def inputs(model: keras.Model, rows: int = ROWS) -> dict[str, NDArray[np.float32]]:
    rng = np.random.default_rng(1)
    return {name: rng.random((rows, *tensor.shape[1:]), dtype=np.float32) for name, tensor in model.input.items()}


def answers(
    model: keras.Model, x: dict[str, NDArray[np.float32]], training: bool
) -> tuple[NDArray[np.float32], list[NDArray[np.float32]]]:
    """The answer, and the gradients of a loss by all trainable weights."""
    wanted = np.eye(3, dtype=np.float32)[np.arange(len(next(iter(x.values())))) % 3]
    with tf.GradientTape() as tape:
        found = model(x, training=training)["emotion"]
        loss = tf.reduce_mean(keras.losses.categorical_crossentropy(wanted, found))
    return found.numpy(), [gradient.numpy() for gradient in tape.gradient(loss, model.trainable_variables)]


def distance(a: NDArray[np.float32], b: NDArray[np.float32]) -> float:
    return float(np.abs(a - b).max() / max(np.abs(a).max(), 1e-6))


@pytest.mark.parametrize("name", BUILDS)
@pytest.mark.parametrize("training", [True, False])
def test_outputs_gradients_and_statistics_are_those_of_keras(name: str, training: bool, joined: bool) -> None:
    model = stock(BUILDS[name])
    other = ours.faster(model)
    assert any(isinstance(layer, ours.Pooling) and (layer.before is not None) == joined for layer in other.layers)
    expected, wanted = answers(with_right_ties(model), x := inputs(model), training)
    found, gradients = answers(other, x, training)
    assert np.abs(found - expected).max() < 2e-4
    for variable, one, two in zip(model.trainable_variables, wanted, gradients, strict=True):
        assert distance(one, two) < 1e-3, variable.path
    if training:
        reference = with_right_ties(model)
        reference(x, training=True)
        for one, two in zip(reference.non_trainable_variables, other.non_trainable_variables, strict=True):
            assert np.allclose(one, two, rtol=2e-4, atol=2e-5) or "seed" in one.path


@pytest.mark.parametrize("name", ["stcnn", "fusenet_late"])
def test_without_normalisation_even_stock_gradients_are_equal(name: str, joined: bool) -> None:
    model = stock(BUILDS[name])
    expected, wanted = answers(model, x := inputs(model), training=False)  # the stock layers, in any mode
    found, gradients = answers(ours.faster(model), x, training=True)
    assert np.allclose(found, expected, atol=1e-5)
    for one, two in zip(wanted, gradients, strict=True):
        assert np.linalg.norm(one - two) < 0.1 * np.linalg.norm(one)  # a tie by chance is one window of some thousands


def test_of_equal_values_the_first_gets_the_gradient() -> None:
    raw = np.random.default_rng(0).integers(0, 3, (2, 7, 6, 9, 4)).astype(np.float32)
    given = np.random.default_rng(1).random((2, 3, 2, 3, 4)).astype(np.float32)
    expected = np.zeros_like(raw)
    for n, d, h, w, c in np.ndindex(given.shape):
        window = raw[n, 2 * d : 2 * d + 2, 3 * h : 3 * h + 3, 3 * w : 3 * w + 3, c]
        z, y, x = np.unravel_index(window.argmax(), window.shape)
        expected[n, 2 * d + z, 3 * h + y, 3 * w + x, c] = given[n, d, h, w, c]
    pooling = ours.Pooling((2, 3, 3))
    variable = tf.Variable(raw)
    with tf.GradientTape() as tape:
        found = pooling(variable, training=True)
    assert np.array_equal(tape.gradient(found, variable, given), expected)
    with tf.GradientTape() as tape:
        found = ours._pooled(variable, tf.zeros(4), False, (2, 3, 3))
    assert np.array_equal(tape.gradient(found, variable, given), expected)
    assert np.array_equal(found, layers.MaxPooling3D((2, 3, 3))(raw))


def test_statistics_are_closer_than_the_backends_own() -> None:
    raw = np.random.default_rng(0).normal(0.3, 1, (6, 20, 30, 30, 4)).astype(np.float32)
    exact = np.maximum(raw.astype(np.float64), 0)
    ones = tf.ones(4)
    _, mean, variance = ours._normalised(tf.constant(raw), 0 * ones, ones, ones, True, (3, 3, 3), 1e-3)
    assert np.abs(mean - exact.mean((0, 1, 2, 3))).max() < 2e-6
    assert np.abs(variance - exact.var((0, 1, 2, 3))).max() < 2e-6


def test_a_saved_network_is_made_of_stock_layers(tmp_path: Path) -> None:
    model = stock(BUILDS["model_a"])
    other = ours.faster(model)
    assert [one.path for one in model.weights] == [one.path for one in other.weights]
    ours.stock(other).save(tmp_path / "network.keras")
    program = (
        "import keras, numpy, sys; model = keras.saving.load_model(sys.argv[1]); x = numpy.load(sys.argv[2]); "
        "numpy.save(sys.argv[3], model.predict_on_batch({'face': x})['emotion']); assert 'common' not in sys.modules"
    )
    x = inputs(model)
    np.save(tmp_path / "x.npy", x["face"])
    files = [str(tmp_path / name) for name in ("network.keras", "x.npy", "y.npy")]
    subprocess.run([sys.executable, "-c", program, *files], check=True, cwd=tmp_path)
    found = np.load(tmp_path / "y.npy")
    assert np.allclose(found, model.predict_on_batch(x)["emotion"], atol=1e-6)
    assert np.allclose(found, other.predict_on_batch(x)["emotion"], atol=1e-5)


def test_training_ends_where_stock_training_ends(joined: bool) -> None:
    """Batches of several sizes, a compiled step, and weights that have moved."""
    model = stock(BUILDS["model_a"])
    pair = [with_right_ties(model), ours.faster(model)]
    x, y = inputs(model, 11), {"emotion": np.eye(3, dtype=np.float32)[np.arange(11) % 3]}
    for one in pair:
        one.compile(optimizer=keras.optimizers.SGD(0.05), loss="categorical_crossentropy")
        for start in (0, 4, 8, 0, 4, 8):
            rows = slice(start, start + 4)
            one.train_on_batch({"face": x["face"][rows]}, {"emotion": y["emotion"][rows]})
    first, last = model.get_weights(), pair[0].get_weights()
    assert max(distance(one, two) for one, two in zip(first, last, strict=True)) > 0.05
    expected, found = (one.predict_on_batch(x)["emotion"] for one in pair)
    assert np.allclose(expected, found, atol=5e-3)


def test_networks_without_three_axes_are_left_alone() -> None:
    x = layers.Input((8, 8, 3), name="x")
    flat = keras.Model({"x": x}, {"y": layers.Flatten()(layers.MaxPooling2D()(layers.Conv2D(4, 3)(x)))})
    assert ours.faster(flat) is flat


@pytest.mark.parametrize(
    "odd",
    [
        layers.Conv3D(4, 3, strides=2),
        layers.Conv3D(4, 3, dilation_rate=2),
        layers.Conv3D(4, 3, groups=2),
        layers.MaxPooling3D(3, strides=2),
        layers.MaxPooling3D(2, padding="same"),
        layers.Conv3D(4, 3, activation="tanh"),
        layers.Conv3D(4, 3, use_bias=False),
    ],
)
def test_what_is_not_covered_stays_as_it_is(odd: layers.Layer, joined: bool) -> None:
    keras.utils.set_random_seed(0)
    x = layers.Input((9, 9, 9, 2), name="face")
    y = layers.MaxPooling3D(2)(odd(layers.Conv3D(2, 2, activation="relu")(x)))
    model = keras.Model({"face": x}, {"emotion": layers.Dense(3, activation="softmax")(layers.Flatten()(y))})
    values = inputs(model)
    expected, _ = answers(model, values, training=False)
    found, _ = answers(ours.faster(model), values, training=True)
    assert np.allclose(found, expected, atol=1e-5)
