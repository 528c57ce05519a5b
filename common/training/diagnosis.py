"""Diagnosis of a network that did not learn: dead units and the norm of the gradient.

Copies are examined, so that models, their compilation and their optimizers do not change: the next fold uses them.
Keras has no function for gradients that works on all of its backends, but all of them can train: one step of gradient
descent with momentum leaves the gradient in the momentum, which was zero before.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

import keras
import numpy as np
from keras import layers, ops

from common.contract import Trained
from common.training.batches import Batches, Inputs
from common.training.flops import calls, is_graph
from common.training.learner import Learner
from common.training.learnt import spread
from common.types import Arrays, Samples, Scaling

log = logging.getLogger("mer")

BATCH = 8
"""Rows whose activations are in memory at once."""


def causes(trained: Trained, samples: Samples, classes: int) -> dict[str, float]:
    """`dead_units` and `gradient_norm` of each trained model, on at most 32 rows of training samples.

    If there are several models, their names follow: `dead_units features`. Values that are not available are left out:
    both for a model that is not a graph of layers or whose inputs are not known; dead units without ReLU; the gradient
    if the model is not compiled or its targets are not known.
    """
    if trained.training_targets:
        by_model = trained.training_targets(samples)
    else:
        by_model = {
            name: _plain_targets(model, samples, trained.scaling, classes) for name, model in trained.models.items()
        }
    measured: dict[str, float] = {}
    for name, (x, y) in by_model.items():
        model = trained.models[name]
        suffix = f" {name}" if len(trained.models) > 1 else ""
        if is_graph(model) and x and _reads(model, x):
            rows = spread(len(next(iter(x.values()))))
            inputs = {key: values[:][rows] for key, values in x.items()}
            wanted = {key: values[:][rows] for key, values in y.items()}
            copy = _copy(model)
            if copy is None:
                continue
            losses = getattr(model, "loss", None)
            dead = _dead(copy, inputs)  # before the gradient, whose step changes the weights of the copy
            norm = _norm(copy, losses, inputs, wanted) if isinstance(losses, Mapping) else None
            for kind, value in (("dead_units", dead), ("gradient_norm", norm)):
                if value is not None and np.isfinite(value):
                    measured[kind + suffix] = value
    return measured


def _plain_targets(model: keras.Model, samples: Samples, scaling: Scaling, classes: int) -> tuple[Inputs, Inputs]:
    """The inputs of a model that reads the arrays of samples, as networks read them, and classes one-hot."""
    names = [name for name in _names(model) if name in samples.x]
    x: Arrays = {name: samples.x[name][:] for name in names}
    x |= {name: x[name].astype(np.float32) * scaling[name][0] + scaling[name][1] for name in names if name in scaling}
    return x, {"emotion": np.eye(classes, dtype=np.float32)[samples.y]}


def _names(model: keras.Model) -> list[str]:
    return list(model.input) if isinstance(getattr(model, "input", None), dict) else []


def _reads(model: keras.Model, x: Inputs) -> bool:
    """Whether these arrays are the inputs of a model whose inputs and outputs have names."""
    named = isinstance(getattr(model, "output", None), dict) and set(_names(model)) == set(x)
    return named and all(tuple(model.input[name].shape[1:]) == tuple(values.shape[1:]) for name, values in x.items())


def _dead(copy: keras.Model, x: Arrays) -> float | None:
    """The fraction of units and channels that ReLU leaves at zero at all positions of every row."""
    try:
        most = {}
        for index, tensor in enumerate(_rectified(copy)):
            places = tuple(range(1, len(tensor.shape) - 1))
            most[str(index)] = ops.max(tensor, axis=places) if places else tensor
        if not most:
            return None
        seen = keras.Model(copy.input, most)
        batches = Batches(x, None, BATCH)
        # few rows: not worth compiling
        outputs = [seen(batches[index][0], training=False) for index in range(len(batches))]
        largest = (
            np.max([ops.convert_to_numpy(output[name]).max(axis=0) for output in outputs], axis=0) for name in most
        )
        return float(np.concatenate([values <= 0 for values in largest]).mean())
    except Exception as error:  # any error of a backend with an unusual network
        log.debug("dead units of %s cannot be counted", copy.name, exc_info=error)
        return None


def _rectified(model: keras.Model) -> list[Any]:
    """The outputs of the ReLUs of a model, channels last, including nested models."""
    tensors: list[Any] = []
    for node in calls(model):
        layer = node.operation
        if is_graph(layer):
            if inner := _rectified(layer):
                inside = keras.Model(layer.inputs, inner)(list(node.input_tensors))
                tensors += inside if isinstance(inside, list) else [inside]
        elif _is_relu(layer):
            tensors += node.output_tensors
    return tensors


def _is_relu(layer: Any) -> bool:
    if isinstance(layer, layers.ReLU):
        return not layer.negative_slope and not layer.threshold
    recurrent = isinstance(layer, layers.RNN)  # its outputs are gated
    return not recurrent and getattr(layer, "activation", None) is keras.activations.relu


def _norm(copy: keras.Model, losses: Mapping[str, Any], x: Arrays, y: Arrays) -> float | None:
    """The norm of the gradient of the mean loss of these rows by the trained weights, for a model with one output.

    Dropout is off, running means are used for normalisation, and weight decay is left out.
    """
    if set(losses) != set(y) or set(y) != set(copy.output) or len(y) != 1:
        return None
    try:
        one_step = Learner(
            lambda: _still(copy),
            loss=next(iter(losses.values())),
            optimizer=keras.optimizers.SGD(1.0, momentum=0.5),
            batch=len(next(iter(x.values()))),
            epochs=1,
            seed=0,
        )
        one_step.fit(x, y, seed=0)
        parts = [ops.convert_to_numpy(part).astype(np.float64) for part in one_step.model.optimizer.momentums]
        return float(np.sqrt(sum((part**2).sum() for part in parts)))
    except Exception as error:  # any error of a backend with an unusual loss or network
        log.debug("the gradient of %s cannot be had", copy.name, exc_info=error)
        return None


class _Still(layers.Layer):
    """A network that trains as in inference: without dropout, and with running means."""

    def __init__(self, network: keras.Model) -> None:
        super().__init__()
        self.network = network

    def call(self, inputs: Mapping[str, keras.KerasTensor]) -> Any:
        return self.network(inputs, training=False)


def _still(network: keras.Model) -> keras.Model:
    entries = {name: layers.Input(entry.shape[1:], name=name) for name, entry in network.input.items()}
    return keras.Model(entries, _Still(network)(entries))


def _copy(model: keras.Model) -> keras.Model | None:
    """The same network with the same weights, in float32 and without weight decay; None if Keras cannot copy it."""
    try:
        graph = keras.Model(model.input, model.output)  # not compiled: Keras would also copy losses, maybe unknown ones
        copy = keras.models.clone_model(graph, clone_function=_plain, recursive=True)
        copy.set_weights(model.get_weights())
    except Exception as error:  # any error of a custom layer
        log.debug("%s cannot be copied", model.name, exc_info=error)
        return None
    return copy


def _plain(operation: Any) -> Any:
    config = operation.get_config()
    if isinstance(operation, layers.InputLayer) or not isinstance(operation, layers.Layer):
        return type(operation).from_config(config)
    decay = {name: None for name in config if name.endswith("_regularizer")}
    copy = type(operation).from_config(config | decay | {"dtype": "float32"})
    copy.trainable = operation.trainable
    return copy
