"""The suite's networks as they are trained, with given weights, and what they compute.

Networks, losses and optimizers are those of the papers' recipes. Only dropout and random mirroring are switched off,
and all weights are drawn here, by name, so that a second definition can be given the same ones.
"""

from __future__ import annotations

import contextlib
import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

import papers
from common.training import learner as learners
from common.training.keras_setup import keras
from common.training.layers import each_layer
from common.training.weights import NONE, Weights
from common.types import Arrays
from fidelity.records import Measured, Size, saturated

Change = Callable[[keras.Model], keras.Model]
SEED = 0


@dataclass(frozen=True)
class Built:
    """A network of the suite in training: its learner, its initial weights, and the model as the paper builds it."""

    learner: learners.Learner
    weights: Arrays
    model: keras.Model


@contextlib.contextmanager
def computing_in(precision: str) -> Iterator[None]:
    """Let Keras compute losses and optimizers in a precision too."""
    before, policy = keras.config.floatx(), keras.config.dtype_policy()
    keras.config.set_floatx(precision)
    try:
        yield
    finally:
        keras.config.set_floatx(before)
        keras.config.set_dtype_policy(policy)  # the default one is made for the precision in which it is first read


def build(
    paper: str,
    part: str,
    size: Size,
    classes: int,
    precision: str,
    settings: Mapping[str, Any],
    *,
    scales: Mapping[str, float],
    change: Change | None = None,
) -> Built:
    """Build and compile a network with the recipe of its paper.

    `part` is the attribute of the recipe's networks that holds the learner. `scales` multiply weights, by patterns of
    names.
    `change` is applied to the model before it is compiled.
    """
    own = papers.load(paper).profiles["paper"].settings
    random = {"weights": Weights(NONE)} if "weights" in own.values() else {}
    own = own.having({**random, "precision": precision, **size.settings, **settings})
    recipe = cast(Any, papers.parts(paper).recipe())
    models: list[tuple[keras.Model, Arrays]] = []

    def prepared(model: keras.Model) -> keras.Model:
        model = change(model) if change else model
        weights = initial(model, scales)
        models.append((model, weights))
        model = _without_chance(model)
        for layer in each_layer(model):
            for weight in layer.weights:
                if not _is_seed(weight):
                    weight.assign(weights[name_of(layer, weight)])
        return for_training(model)

    for_training = learners.for_training
    learners.for_training = prepared
    try:
        names = tuple(f"class {number}" for number in range(classes))
        with computing_in(precision):
            networks = recipe.build_networks(own.network, own.training, size.shapes, names, SEED)
    finally:
        learners.for_training = for_training
    learner = getattr(networks, part)
    for layer in each_layer(learner.model):
        if layer.weights or isinstance(layer, keras.layers.Softmax):
            layer.dtype_policy = precision  # the learner computes probabilities in single precision
    ((model, weights),) = (entry for entry in models if {*entry[0].output} == {*learner.model.output})
    return Built(learner, weights, model)


def measure(
    built: Built, x: Arrays, y: Arrays, precision: str, last: str, *, steps: bool, training: bool = True
) -> Measured:
    """Compute outputs, loss and gradients; with `steps` also train, one batch of all rows in each epoch.

    Normalisations use the statistics of the batch for loss and gradients if `training`, else the moving ones.
    """
    import tensorflow as tf

    model = built.learner.model
    variables = [(name_of(layer, weight), weight) for layer in each_layer(model) for weight in layer.weights]

    def take(weights: Mapping[str, NDArray[Any]]) -> None:
        for name, variable in variables:
            if name in weights:
                variable.assign(weights[name])

    outputs = predicted(built, x, precision)
    with computing_in(precision):
        targets = {name: tf.convert_to_tensor(values) for name, values in y.items()}
        with tf.GradientTape() as tape:
            loss = model.compute_loss(x, targets, model(x, training=training), training=training)
        kept = trainable(model)
        gradients = tape.gradient(loss, [weight.value for weight in kept.values()])
        take(saturated(built.weights, last))
        largest = model.compute_loss(x, targets, model(x, training=training), training=training)
        take(built.weights)
        by_name = {name: np.asarray(gradient) for name, gradient in zip(kept, gradients, strict=True)}
        measured = Measured(outputs, float(loss), by_name, saturated=float(largest))
        if not steps:
            return measured
        history = built.learner.fit(x, y, SEED)
    return replace(measured, losses=np.array(history["loss"]), weights=weights_of(model))


def predicted(built: Built, x: Arrays, precision: str) -> Arrays:
    """Compute the outputs alone."""
    with computing_in(precision):
        return {name: np.asarray(values) for name, values in built.learner.model(x, training=False).items()}


def name_of(layer: Any, weight: Any) -> str:
    """The name of a weight, as `conv1/kernel`."""
    return f"{layer.name}/{weight.name}"


def weights_of(model: keras.Model) -> Arrays:
    """All weights of a model by name."""
    return {
        name_of(layer, weight): np.array(keras.ops.convert_to_numpy(weight))
        for layer in each_layer(model)
        for weight in layer.weights
        if not _is_seed(weight)
    }


def trainable(model: keras.Model) -> dict[str, Any]:
    """The variables that a model trains, by name."""
    return {name_of(layer, weight): weight for layer in each_layer(model) for weight in layer.trainable_weights}


def initial(model: keras.Model, scales: Mapping[str, float]) -> Arrays:
    """Random weights for a model by name: none is zero, and variances are positive. They depend only on the name."""
    drawn = {}
    for layer in each_layer(model):
        for weight in layer.weights:
            if not _is_seed(weight):
                name = name_of(layer, weight)
                scale = next((factor for pattern, factor in scales.items() if fnmatchcase(name, pattern)), 1.0)
                drawn[name] = _drawn(name, tuple(weight.shape), str(weight.dtype)) * scale
    return drawn


def _drawn(name: str, shape: tuple[int, ...], dtype: str) -> NDArray[Any]:
    rng, kind = np.random.default_rng(zlib.crc32(name.encode())), name.rpartition("/")[2]
    if kind == "moving_variance":
        return rng.uniform(0.5, 1.5, shape).astype(dtype)
    values = ((rng.random(shape, np.float32) - np.float32(0.5)) * np.float32(12**0.5)).astype(dtype)
    if kind.endswith("kernel"):
        values *= (2 / np.prod(shape[:-1])) ** 0.5
        return values
    return values * 0.1 + (1.0 if kind == "gamma" else 0.0)


def _is_seed(weight: Any) -> bool:
    return "seed" in weight.name


def _without_chance(model: keras.Model) -> keras.Model:
    """The model without dropout and random mirroring."""

    def still(layer: Any) -> Any:
        if isinstance(layer, keras.layers.RandomFlip):
            return keras.layers.Identity(name=layer.name)
        changes = {"rate": 0.0} if isinstance(layer, keras.layers.Dropout) else {}
        return type(layer).from_config(layer.get_config() | changes)

    return keras.models.clone_model(model, clone_function=still, recursive=True)
