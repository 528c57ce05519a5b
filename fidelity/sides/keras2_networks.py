"""The Keras 2 ports with the suite's decisions on points where the text is silent, and their corresponding layers."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np
import tensorflow as tf
import tf_keras
from numpy.typing import NDArray

from fidelity.networks import REGIONS
from fidelity.ports import aouayeb2019, kumar2019
from fidelity.ports import reddy2019 as reddy
from fidelity.ports import talluri2022 as talluri
from fidelity.records import Size
from fidelity.sides.keras2 import Keras2Port, Part
from fidelity.sides.layout import Pair


def _numbered(name: str, number: int) -> str:
    """The name of the layer that Keras creates as number `number` of its kind."""
    return f"{name}_{number}" if number else name


def alpha(classes: int) -> list[float]:
    """The weights of the focal loss: 1 - n / N by class."""
    from fidelity.compare import labels

    return [1 - share for share in np.bincount(labels(classes), minlength=classes) / len(labels(classes))]


def region_cnns(size: Size) -> Keras2Port:
    """One CNN for each region; their losses are added, so all are trained at once."""
    kinds = ("convolution1", "convolution2", *(f"convolution3_{side}x{side}" for side in (1, 3, 5, 7)))
    parts = []
    for index, (region, (height, width, channels)) in enumerate(size.shapes.items()):
        pairs = [Pair(_numbered("conv2d", len(kinds) * index + place), kind) for place, kind in enumerate(kinds)]
        pairs += [
            Pair(_numbered("dense", index), "dense_1024", last=8),  # the pooled output comes first in the suite
            Pair(f"{region}_features", "features"),
            Pair(f"{region}_class", "classification"),
        ]
        model = aouayeb2019.region_cnn(height, width, channels=channels, padding="same")
        parts.append(Part(model, (region,), region, aouayeb2019.focal_loss(alpha(4)), pairs))
    return Keras2Port(parts, aouayeb2019.optimizer)


def lstm_part(size: Size) -> Keras2Port:
    """The LSTM part."""
    model = aouayeb2019.lstm_part(size.settings["sequence_length"])
    pairs = [Pair(f"{region}_lstm", f"lstm{number}") for number, region in enumerate(REGIONS)]
    pairs += [Pair("dense", "dense_64"), Pair("emotion", "classification")]
    loss = aouayeb2019.focal_loss(alpha(3))
    return Keras2Port([Part(model, REGIONS, "emotion", loss, pairs)], aouayeb2019.optimizer)


def reddy2019(size: Size, kind: str, dense: str) -> Keras2Port:
    """MicroExpSTCNN or a MicroExpFuseNet."""
    height, width, depth, _ = next(iter(size.shapes.values()))
    if kind == "stcnn":
        model = reddy.micro_exp_stcnn(height, width, depth, last_dropout=False)
        pairs = [Pair("face_convolution", "3D-Convolution"), Pair("dense", "Dense-1"), Pair("scores", "Dense-2")]
    else:
        build = reddy.fusenet_intermediate if kind == "intermediate" else reddy.fusenet_late
        model = build(height, width, depth, dense_activation=dense)
        hidden = 2 if kind == "intermediate" else 4
        pairs = [Pair(f"{part}_convolution", f"3D-Convolution-{n}") for n, part in enumerate(("eyes", "mouth"), 1)]
        pairs += [Pair(f"dense_{number}", f"Dense-{number}") for number in range(1, hidden + 1)]
        pairs += [Pair("scores", f"Dense-{hidden + 1}")]
    for layer in model.layers:
        if isinstance(layer, tf_keras.layers.Conv3D):
            layer.kernel_initializer = tf_keras.initializers.GlorotUniform()
    return Keras2Port([Part(model, tuple(size.shapes), "emotion", reddy.loss, pairs)], reddy.optimizer)


def talluri2022(size: Size, kind: str) -> Keras2Port:
    """One of the four networks. Model-B reads time first here and last in the suite."""
    (shape,) = size.shapes.values()
    build: Any = {
        "model-a": talluri.model_a,
        "split-model": talluri.split_model,
        "model-b": talluri.model_b,
        "model-c": talluri.model_c,
    }[kind]
    title = {"model-a": "Model-A", "split-model": "Split-Model", "model-b": "Model-B", "model-c": "Model-C"}[kind]
    if kind == "model-b":
        height, width, depth, _ = shape
        model = build(depth, height, width)
        pooled = ((height - 2) // 3, (width - 2) // 3, (depth - 14) // 3, 32)
        pairs = [
            Pair("face_convolution", "Conv3D-1", (2, 0, 1, 3, 4)),
            Pair("dense", "Dense-1", flattened=pooled, order=(2, 0, 1, 3)),
            Pair("scores", "Dense-2"),
        ]
    else:
        model = build(*shape[:3])
        convolutions = {"model-a": 2, "split-model": 3, "model-c": 1}[kind]
        pairs = [Pair(f"convolution_{n}", f"Conv3D-{n}") for n in range(1, convolutions + 1)]
        pairs += [Pair(f"normalisation_{n}", f"BatchNorm-{n}") for n in range(1, convolutions + 1)]
        pairs += [Pair("dense", "Dense-1"), Pair("emotion", "Dense-2")]
        _start(model, kind)
    loss = talluri.loss()
    part = Part(model, ("face",), "emotion", loss, pairs)
    return Keras2Port([part], partial(talluri.optimizer, title), _time_first if kind == "model-b" else np.asarray)


def _start(model: tf_keras.Model, kind: str) -> None:
    """The suite's decisions: all layers of Model-A start as He, all of Model-C as Glorot, without its first dropout."""
    initializer = tf_keras.initializers.GlorotUniform() if kind == "model-c" else tf_keras.initializers.HeNormal()
    for layer in model.layers:
        if hasattr(layer, "kernel_initializer"):
            layer.kernel_initializer = initializer
        if kind == "model-c" and layer.name == "Dropout-1":
            layer.rate = 0.0


def _time_first(video: NDArray[Any]) -> NDArray[Any]:
    return np.moveaxis(video, 3, 1)


HALF_DECAY = float(np.float32(kumar2019.WEIGHT_DECAY / 2))
"""Keras 3 rounds the factor of a penalty to single precision."""


class _KernelDecay(kumar2019.SGD):
    """The port's SGD, with weight decay for kernels only."""

    def update_step(self, gradient: tf.Tensor, variable: tf.Variable) -> None:
        """Update one variable."""
        decay = 2 * HALF_DECAY if "kernel" in variable.name else 0.0
        tf_keras.optimizers.SGD.update_step(self, gradient + decay * variable, variable)


def resnet34(size: Size) -> Keras2Port:
    """ResNet34."""
    height, width, _ = size.shapes["avatar"]
    model = kumar2019.resnet34(height, width)
    pairs = _convolution("stem", "conv1")
    for stage, (_, blocks) in enumerate(kumar2019.STAGES, 1):
        for block in range(1, blocks + 1):
            ours, theirs = f"stage{stage}_block{block}", f"conv{stage + 1}_{block}"
            pairs += _convolution(f"{ours}_first", f"{theirs}_conv1") + _convolution(
                f"{ours}_second", f"{theirs}_conv2"
            )
            if stage > 1 and block == 1:
                pairs += _convolution(f"{ours}_shortcut", f"{theirs}_shortcut")
    pairs.append(Pair("scores", "dense"))
    for layer in model.layers:
        if isinstance(layer, tf_keras.layers.Conv2D):
            layer.kernel_initializer = tf_keras.initializers.VarianceScaling(2.0, "fan_out", "untruncated_normal")
        elif isinstance(layer, tf_keras.layers.Dense):
            layer.kernel_initializer = tf_keras.initializers.GlorotUniform()
    loss = kumar2019.loss()
    part = Part(model, ("avatar",), "emotion", loss, pairs)
    return Keras2Port([part], _decaying, penalty=_penalty, rate=kumar2019.learning_rate)


def _decaying() -> tf_keras.optimizers.Optimizer:
    return _KernelDecay(kumar2019.LEARNING_RATE, momentum=kumar2019.MOMENTUM, jit_compile=False)


def _convolution(ours: str, theirs: str) -> list[Pair]:
    return [Pair(f"{ours}_convolution", theirs), Pair(f"{ours}_normalisation", f"{theirs}_normalization")]


def _penalty(model: tf_keras.Model) -> tf.Tensor:
    """The loss whose gradient is the weight decay of kernels."""
    kernels: Sequence[tf.Variable] = [weight for weight in model.trainable_weights if "kernel" in weight.name]
    return HALF_DECAY * sum(tf.reduce_sum(kernel**2) for kernel in kernels)
