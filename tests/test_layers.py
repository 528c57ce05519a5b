"""Pooling, normalisation and gates against NumPy, and networks with them against stock ones."""

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

from common.training.layers import Normalisation, Pooling, for_training, keras2_hard_sigmoid, stock
from papers.reddy2019.model import fusenet_intermediate, fusenet_late, stcnn
from papers.talluri2022.model import model_a, model_c

BUILDS: dict[str, Callable[[], keras.Model]] = {
    "stcnn": lambda: stcnn(20, 24, 3, dropout=0.0),
    "fusenet_intermediate": lambda: fusenet_intermediate(10, 20, 3, dropout=0.0),
    "fusenet_late": lambda: fusenet_late(10, 20, 3, dropout=0.0),
    "model_a": lambda: model_a(29, 20, 3, dropout=0.0),
    "split_model": lambda: model_a(28, 28, 3, blocks=3, dropout=0.0),
    "model_c": lambda: model_c(30, 20, 3, dropout=0.0),
}


def built(name: str, seed: int = 0) -> keras.Model:
    keras.utils.set_random_seed(seed)
    return BUILDS[name]()


def inputs(model: keras.Model, rows: int = 5) -> dict[str, NDArray[np.float32]]:
    rng = np.random.default_rng(1)
    return {name: rng.random((rows, *tensor.shape[1:]), dtype=np.float32) for name, tensor in model.input.items()}


def gradients(model: keras.Model, x: dict[str, NDArray[np.float32]]) -> list[NDArray[np.float32]]:
    wanted = np.eye(3, dtype=np.float32)[np.arange(len(next(iter(x.values())))) % 3]
    with tf.GradientTape() as tape:
        loss = tf.reduce_mean(keras.losses.categorical_crossentropy(wanted, model(x, training=True)["emotion"]))
    return [gradient.numpy() for gradient in tape.gradient(loss, model.trainable_variables)]


def first_places(raw: NDArray[np.float32], given: NDArray[np.float32], sides: tuple[int, ...]) -> NDArray[np.float32]:
    """`given` at the first largest value of each window, in the order of rows."""
    placed = np.zeros_like(raw)
    for n, *place, c in np.ndindex(given.shape):
        corner = tuple(at * side for at, side in zip(place, sides, strict=True))
        cut = tuple(slice(start, start + side) for start, side in zip(corner, sides, strict=True))
        inside = np.unravel_index(raw[(n, *cut, c)].argmax(), sides)
        placed[(n, *(start + at for start, at in zip(corner, inside, strict=True)), c)] = given[(n, *place, c)]
    return placed


@pytest.mark.parametrize("sides", [(3, 3, 3), (2, 3, 4), (1, 2, 1)])
def test_of_equal_values_the_first_gets_the_gradient(sides: tuple[int, int, int]) -> None:
    raw = np.random.default_rng(0).integers(0, 3, (2, 7, 6, 9, 4)).astype(np.float32)  # one of three values: many ties
    variable = tf.Variable(raw)
    with tf.GradientTape() as tape:
        pooled = Pooling(sides)(variable)
    given = np.random.default_rng(1).random(pooled.shape).astype(np.float32)
    assert np.array_equal(pooled, layers.MaxPooling3D(sides)(raw))
    assert np.array_equal(tape.gradient(pooled, variable, given), first_places(raw, given, sides))


@pytest.mark.parametrize("shape", [(4, 5, 6, 7, 16), (3, 2, 9, 11, 3), (2, 4, 4, 4, 600)])
def test_normalisation_is_that_of_keras(shape: tuple[int, ...]) -> None:
    """Outputs, gradients and moving values, against Keras' own layer in float64."""
    rng = np.random.default_rng(0)
    x, given = rng.normal(2, 3, shape), rng.normal(0, 1, shape)
    measured = []
    for kind, dtype in ((Normalisation, "float32"), (layers.BatchNormalization, "float64")):
        layer = kind(momentum=0.9, epsilon=1e-3, dtype=dtype)
        layer.build(shape)
        layer.gamma.assign(np.linspace(-1, 2, shape[-1]))
        layer.beta.assign(np.linspace(0, 1, shape[-1]))
        variable = tf.Variable(x, dtype=dtype)
        with tf.GradientTape() as tape:
            normal = layer(variable, training=True)
        gradients = tape.gradient(normal, [variable, *layer.trainable_variables], tf.constant(given, dtype))
        measured.append([normal, *gradients, layer(variable, training=False), *layer.non_trainable_variables])
    for value, expected in zip(*measured, strict=True):
        assert np.abs(np.array(value) - np.array(expected)).max() < 2e-5 * np.abs(np.array(expected)).max()


def test_normalisation_that_is_not_trained_changes_nothing() -> None:
    layer = Normalisation(trainable=False)
    x = np.random.default_rng(0).normal(5, 2, (2, 3, 3, 3, 4)).astype(np.float32)
    layer.build(x.shape)
    assert np.allclose(layer(x, training=True), x / np.sqrt(1.001), atol=1e-5)
    assert (layer.moving_mean.numpy() == 0).all()


@pytest.mark.parametrize("name", BUILDS)
def test_answers_are_those_of_the_stock_network(name: str) -> None:
    model = built(name)
    x = inputs(model)
    other = for_training(model)
    for kind, own in ((layers.MaxPooling3D, Pooling), (layers.BatchNormalization, Normalisation)):
        assert sum(type(layer) is own for layer in other.layers) == sum(type(layer) is kind for layer in model.layers)
    assert [weight.path for weight in model.weights] == [weight.path for weight in other.weights]
    assert np.allclose(model.predict_on_batch(x)["emotion"], other.predict_on_batch(x)["emotion"], atol=1e-6)


@pytest.mark.parametrize("name", ["stcnn", "fusenet_intermediate", "fusenet_late"])
def test_without_normalisation_gradients_are_those_of_the_stock_network(name: str) -> None:
    """Zeros that ReLU left have no gradient to pass on; other values are equal once in a million."""
    model = built(name)
    x = inputs(model)
    for expected, gradient in zip(gradients(model, x), gradients(for_training(model), x), strict=True):
        assert np.linalg.norm(expected - gradient) < 0.1 * np.linalg.norm(expected)


def test_a_saved_network_is_made_of_stock_layers(tmp_path: Path) -> None:
    model = built("model_a")
    other = for_training(model)
    stock(other).save(tmp_path / "network.keras")
    program = (
        "import keras, numpy, sys; model = keras.saving.load_model(sys.argv[1]); x = numpy.load(sys.argv[2]); "
        "numpy.save(sys.argv[3], model.predict_on_batch({'face': x})['emotion']); assert 'common' not in sys.modules"
    )
    x = inputs(model)
    np.save(tmp_path / "x.npy", x["face"])
    files = [str(tmp_path / name) for name in ("network.keras", "x.npy", "y.npy")]
    subprocess.run([sys.executable, "-c", program, *files], check=True, cwd=tmp_path)
    assert np.allclose(np.load(tmp_path / "y.npy"), other.predict_on_batch(x)["emotion"], atol=1e-5)


@pytest.mark.parametrize("odd", [layers.MaxPooling3D(3, strides=2), layers.MaxPooling3D(2, padding="same")])
def test_other_poolings_and_networks_are_left_alone(odd: layers.Layer) -> None:
    x = layers.Input((9, 9, 9, 2), name="face")
    model = keras.Model({"face": x}, {"emotion": layers.Flatten()(odd(x))})
    assert for_training(model) is model
    assert stock(model) is model


# ---------------------------------------------------------------- gates of Keras 2

PLACES = np.array([-20, -3.5, -3, -2.75, -2.5, -2.25, -1, -1e-3, 0, 0.3, 1, 2.25, 2.5, 2.75, 3, 3.5, 20], np.float32)


def test_hard_sigmoid_is_that_of_keras_2() -> None:
    expected = np.clip(0.2 * PLACES.astype(np.float64) + 0.5, 0, 1)
    gates = keras.ops.convert_to_numpy(keras2_hard_sigmoid(keras.ops.array(PLACES)))
    assert np.allclose(gates, expected, rtol=0, atol=1e-6)
    cut = (expected == 0) | (expected == 1)
    assert (gates[cut] == expected[cut]).all()
    assert np.abs(keras.ops.convert_to_numpy(keras.activations.hard_sigmoid(PLACES)) - expected).max() > 0.05


def test_hard_sigmoid_learns_between_its_ends_alone() -> None:
    inside = np.abs(PLACES) < 2.5
    outside = np.abs(PLACES) > 2.5
    variable = tf.Variable(PLACES)
    with tf.GradientTape() as tape:
        gates = keras2_hard_sigmoid(variable)
    slope = tape.gradient(gates, variable).numpy()
    assert np.allclose(slope[inside], 0.2)
    assert (slope[outside] == 0).all()


def test_networks_with_the_gates_of_keras_2_are_saved_as_stock_ones(tmp_path: Path) -> None:
    """All weights are large, so that gates are at both ends and between; a plain LSTM stays as it is."""
    keras.utils.set_random_seed(3)
    entry = layers.Input((9, 5), name="x")
    gated = layers.LSTM(7, recurrent_activation=keras2_hard_sigmoid, return_sequences=True, name="gated")(entry)
    model = keras.Model({"x": entry}, {"emotion": layers.LSTM(4, name="plain")(gated)})
    rng = np.random.default_rng(0)
    model.set_weights([rng.normal(0, 2, weight.shape) for weight in model.get_weights()])
    x = {"x": rng.normal(0, 1, (6, 9, 5)).astype(np.float32)}
    before = model.get_weights()
    copy = stock(model)
    copy.save(tmp_path / "network.keras")
    assert all((earlier == later).all() for earlier, later in zip(before, model.get_weights(), strict=True))
    assert [layer.recurrent_activation.__module__.split(".")[0] for layer in copy.layers[1:]] == ["keras", "keras"]
    program = (
        "import keras, numpy, sys; model = keras.saving.load_model(sys.argv[1]); x = numpy.load(sys.argv[2]); "
        "numpy.save(sys.argv[3], model.predict_on_batch({'x': x})['emotion']); assert 'common' not in sys.modules"
    )
    np.save(tmp_path / "x.npy", x["x"])
    files = [str(tmp_path / name) for name in ("network.keras", "x.npy", "y.npy")]
    subprocess.run([sys.executable, "-c", program, *files], check=True, cwd=tmp_path)
    expected = model.predict_on_batch(x)["emotion"]
    assert np.abs(expected).max() > 0.1
    assert np.allclose(np.load(tmp_path / "y.npy"), expected, atol=1e-5)


def test_gates_of_keras_2_are_read_again_by_their_name(tmp_path: Path) -> None:
    """A network that is saved as it is, from a notebook say, is read where this module is imported."""
    entry = layers.Input((3, 2), name="x")
    model = keras.Model(entry, layers.LSTM(4, recurrent_activation=keras2_hard_sigmoid)(entry))
    model.save(tmp_path / "own.keras")
    other = keras.saving.load_model(tmp_path / "own.keras", safe_mode=True)
    assert other.layers[1].recurrent_activation is keras2_hard_sigmoid
