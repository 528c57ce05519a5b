"""Floating point operations of a network, counted from the shapes of its layers."""

from __future__ import annotations

from math import prod
from typing import Any

import keras
from keras import layers


def forward(model: keras.Model) -> int:
    """Floating point operations of one row through a functional or sequential model, two per multiply-add.

    This counts products with the weights of dense layers, convolutions (also depthwise, separable and transposed), LSTM
    and GRU (also in both directions), and of nested models, once for every call of a layer that the outputs depend on.
    Padded zeros and the first state of a recurrent layer are multiplied like any other value. Nothing else is counted:
    biases, pooling, normalisation, activations, additions and products of two tensors. Raises ValueError for a layer of
    another kind with weights of two or more dimensions, for a size that the model leaves open, and for a model that is
    not a graph of layers.
    """
    if not is_graph(model):
        raise ValueError(f"{model.name} is not a functional model, or not built: its calls are not known")
    return sum(_operations(node) for node in calls(model))


def is_graph(operation: Any) -> bool:
    """Whether an object is a model whose calls are known."""
    return isinstance(operation, keras.Model) and bool(getattr(operation, "outputs", None))


def calls(model: keras.Model) -> list[Any]:
    """The calls of operations that the outputs of a model depend on, each once: Keras' nodes."""
    nodes: dict[int, Any] = {}
    waiting = list(model.outputs)
    while waiting:
        history = waiting.pop()._keras_history  # the call that made a tensor: a layer called twice has two nodes
        node = history.operation._inbound_nodes[history.node_index]
        if id(node) not in nodes:
            nodes[id(node)] = node
            waiting.extend(node.input_tensors)
    return list(nodes.values())


def _operations(node: Any) -> int:
    """The operations of one call."""
    layer = node.operation
    if is_graph(layer):
        return forward(layer)
    if isinstance(layer, layers.Dense | layers.Conv1D | layers.Conv2D | layers.Conv3D):
        # Every output value is a sum over the kernel without its last axis, which is the output channels.
        return 2 * _size(layer, node.output_tensors[0].shape[1:]) * prod(layer.kernel.shape[:-1])
    if isinstance(layer, layers.DepthwiseConv1D | layers.DepthwiseConv2D):  # a sum over the places of one channel
        return 2 * _size(layer, node.output_tensors[0].shape[1:]) * prod(layer.kernel.shape[:-2])
    if isinstance(layer, layers.SeparableConv1D | layers.SeparableConv2D):
        places = _size(layer, node.output_tensors[0].shape[1:]) // layer.filters
        return 2 * places * (prod(layer.depthwise_kernel.shape) + prod(layer.pointwise_kernel.shape))
    if isinstance(layer, layers.Conv1DTranspose | layers.Conv2DTranspose | layers.Conv3DTranspose):
        # Every input value is multiplied by the kernel without its last axis, which is the input channels.
        return 2 * _size(layer, node.input_tensors[0].shape[1:]) * prod(layer.kernel.shape[:-1])
    directions = (layer.forward_layer, layer.backward_layer) if isinstance(layer, layers.Bidirectional) else (layer,)
    if all(isinstance(direction, layers.LSTM | layers.GRU) for direction in directions):
        cells = [direction.cell for direction in directions]
        products = sum(prod(cell.kernel.shape) + prod(cell.recurrent_kernel.shape) for cell in cells)  # all gates
        return 2 * _size(layer, node.input_tensors[0].shape[1:2]) * products
    if any(len(weight.shape) > 1 for weight in getattr(layer, "weights", ())):
        raise ValueError(f"the operations of {layer.name}, a {type(layer).__name__}, are not known")
    return 0


def _size(layer: Any, shape: tuple[int | None, ...]) -> int:
    if None in shape:
        raise ValueError(f"the model leaves a size of {layer.name} open: {shape}")
    return prod(shape)  # type: ignore[arg-type]
