"""A network of Keras 2: it takes the suite's weights and returns what it computes with the suite's names and axes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
import tensorflow as tf
import tf_keras
from numpy.typing import NDArray

from common.types import Arrays
from fidelity.records import Facts, Measured, saturated
from fidelity.sides.layout import Pair, back, there
from fidelity.sides.structure import facts_of


class Pooling(tf_keras.layers.MaxPooling3D):
    """Pooling whose gradient goes to one of equal values, not to all of them, as TensorFlow's on a CPU."""

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        """Pool without overlap and padding."""
        sizes = [length // size for length, size in zip(inputs.shape[1:4], self.pool_size, strict=True)]
        cut = inputs[:, : sizes[0] * self.pool_size[0], : sizes[1] * self.pool_size[1], : sizes[2] * self.pool_size[2]]
        pairs = [number for pair in zip(sizes, self.pool_size, strict=True) for number in pair]
        windows = tf.transpose(tf.reshape(cut, [-1, *pairs, inputs.shape[4]]), [0, 1, 3, 5, 7, 2, 4, 6])
        windows = tf.reshape(windows, [-1, *sizes, inputs.shape[4], int(np.prod(self.pool_size))])
        first = tf.argmax(tf.stop_gradient(windows), axis=-1)
        return tf.gather(windows, first, axis=-1, batch_dims=5)


def adapted(model: tf_keras.Model, precision: str) -> tf_keras.Model:
    """The model in a precision, with `Pooling` instead of Keras' pooling over three axes."""

    def replaced(layer: Any) -> Any:
        kind = Pooling if type(layer) is tf_keras.layers.MaxPooling3D else type(layer)
        return kind.from_config(layer.get_config() | {"dtype": precision})

    before = tf_keras.backend.floatx()
    tf_keras.backend.set_floatx(precision)  # for inputs
    try:
        return tf_keras.models.clone_model(model, clone_function=replaced)
    finally:
        tf_keras.backend.set_floatx(before)


@dataclass(frozen=True)
class Part:
    """A model, the names of its inputs in the suite in its own order, and the name of its output there.

    `loss` takes targets and probabilities and returns one value per row.
    """

    model: tf_keras.Model
    inputs: tuple[str, ...]
    output: str
    loss: Callable[[tf.Tensor, tf.Tensor], tf.Tensor]
    pairs: Sequence[Pair]


@dataclass(frozen=True)
class Keras2Port:
    """Models that are trained together, each with its own loss; the losses are added.

    `entry` turns an input of the suite into the port's. `penalty` is added to the loss and its gradient, if the port
    leaves it to the optimizer. `rate` is the learning rate of an epoch.
    """

    parts: Sequence[Part]
    optimizer: Callable[[], tf_keras.optimizers.Optimizer]
    entry: Callable[[NDArray[Any]], NDArray[Any]] = np.asarray
    penalty: Callable[[tf_keras.Model], tf.Tensor] | None = None
    rate: Callable[[int], float] | None = None

    def measure(
        self, weights: Mapping[str, NDArray[Any]], x: Arrays, y: Arrays, last: str, steps: int, training: bool
    ) -> Measured:
        """Compute outputs, loss and gradients of a batch with these weights, and train for a number of `steps`."""
        for part in self.parts:
            self._take(part, weights)
        inputs = [[tf.convert_to_tensor(self.entry(x[name])) for name in part.inputs] for part in self.parts]
        targets = [tf.convert_to_tensor(y[part.output]) for part in self.parts]
        variables = [variable for part in self.parts for variable in part.model.trainable_variables]
        outputs = {
            part.output: np.asarray(part.model(_one(given), training=False))
            for part, given in zip(self.parts, inputs, strict=True)
        }

        def losses() -> tuple[tf.Tensor, tf.Tensor]:
            total, added = tf.constant(0, targets[0].dtype), tf.constant(0, targets[0].dtype)
            for part, given, wanted in zip(self.parts, inputs, targets, strict=True):
                total += tf.reduce_mean(part.loss(wanted, part.model(_one(given), training=training)))
                added += self.penalty(part.model) if self.penalty else 0
            return total, added

        self._still()
        before = [part.model.get_weights() for part in self.parts]
        with tf.GradientTape() as tape:
            loss = sum(losses())
        gradients = dict(zip([v.ref() for v in variables], tape.gradient(loss, variables), strict=True))
        by_name = {
            name: back(np.asarray(gradients[variable.ref()]), pair, weights[name].shape)
            for name, variable, pair in self._variables(weights)
            if variable.ref() in gradients
        }
        self.take(saturated(weights, last))
        largest = float(sum(losses()))
        for part, values in zip(self.parts, before, strict=True):
            part.model.set_weights(values)
        measured = Measured(outputs, float(loss), by_name, saturated=largest)
        if not steps:
            return measured

        optimizer = self._optimizer(variables)

        @tf.function
        def step() -> tf.Tensor:
            with tf.GradientTape() as tape:
                loss, added = losses()
            optimizer.apply_gradients(zip(tape.gradient(loss, variables), variables, strict=True))
            return loss + added

        curve = []
        for epoch in range(steps):
            if self.rate:
                optimizer.learning_rate.assign(self.rate(epoch))
            curve.append(float(step()))
        after = {
            name: back(variable.numpy(), pair, weights[name].shape) for name, variable, pair in self._variables(weights)
        }
        return replace(measured, losses=np.array(curve), weights=after)

    def in_precision(self, precision: str) -> Keras2Port:
        """The port in another precision, with `Pooling`."""
        parts = [replace(part, model=adapted(part.model, precision)) for part in self.parts]
        return replace(self, parts=parts)

    def facts(self) -> Facts:
        """Its dropouts, initialisers and normalisations."""
        names = {id(part.model.get_layer(pair.theirs)): pair.ours for part in self.parts for pair in part.pairs}
        layers = [layer for part in self.parts for layer in part.model.layers]
        return facts_of(layers, lambda layer: names.get(id(layer)), _before)

    def _optimizer(self, variables: list[tf.Variable]) -> Any:
        """The optimizer, whose learning rate is as precise as the variables."""
        before, precision = tf_keras.backend.floatx(), variables[0].dtype.name
        tf_keras.backend.set_floatx(precision)
        try:
            optimizer = self.optimizer()
            if isinstance(optimizer, tf_keras.optimizers.legacy.Optimizer):
                for name, value in optimizer._hyper.items():  # Keras 3 rounds the momentum to single precision
                    exact = float(np.float32(value)) if name == "momentum" else value
                    optimizer._hyper[name] = partial(tf.constant, exact, precision)
            else:
                optimizer.build(variables)
        finally:
            tf_keras.backend.set_floatx(before)
        return optimizer

    def _still(self) -> None:
        for part in self.parts:
            for layer in part.model.layers:
                if isinstance(layer, tf_keras.layers.Dropout):
                    layer.rate = 0.0

    def take(self, weights: Mapping[str, NDArray[Any]]) -> None:
        """Take weights of the suite, by name."""
        for part in self.parts:
            self._take(part, weights)

    def _take(self, part: Part, weights: Mapping[str, NDArray[Any]]) -> None:
        filled = set()
        for pair in part.pairs:
            for variable in part.model.get_layer(pair.theirs).weights:
                name = f"{pair.ours}/{_short(variable)}"
                if name not in weights:
                    raise ValueError(f"the suite has no weight {name}")
                variable.assign(there(weights[name], pair, tuple(variable.shape)))
                filled.add(variable.ref())
        if missing := [variable.name for variable in part.model.weights if variable.ref() not in filled]:
            raise ValueError(f"no weight of the suite corresponds to {', '.join(missing)}")

    def _variables(self, weights: Mapping[str, NDArray[Any]]) -> Iterator[tuple[str, tf.Variable, Pair]]:
        for part in self.parts:
            for pair in part.pairs:
                for variable in part.model.get_layer(pair.theirs).weights:
                    yield f"{pair.ours}/{_short(variable)}", variable, pair


def _short(variable: tf.Variable) -> str:
    return str(variable.name.rpartition("/")[2].removesuffix(":0"))


def _before(layer: Any) -> list[Any]:
    nodes = layer.inbound_nodes
    found = nodes[0].inbound_layers if nodes else []
    return found if isinstance(found, list) else [found]


def _one(given: list[tf.Tensor]) -> Any:
    return given[0] if len(given) == 1 else given
