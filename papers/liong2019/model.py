"""Liong, Gan, See, Khor, Huang, FG 2019: STSTNet, three shallow streams on the flow and strain from onset to apex.

The layers are those of Table I and, where it is silent, of the STSTNet.mat that the authors' MATLAB script loads: ReLU,
normalisation, maximum and dropout in each stream. Arrays are (28, 28, 3): horizontal flow, vertical flow, strain.
"""

from __future__ import annotations

import keras
from keras import layers

from common.contract import Shapes
from common.training import linear
from common.training.single_network import TrainingConfig
from papers.liong2019.experiments import Network, Padding, Training

FILTERS = (3, 5, 8)
"""Filters of the three streams, each of which reads all three channels."""
MOMENTUM, EPSILON = 0.9, 1e-5
"""Of batch normalisation: the epsilon of STSTNet.mat and of PyTorch, and PyTorch's momentum of 0.1, in Keras 0.9."""


def build(network: Network, shapes: Shapes, classes: int) -> keras.Model:
    """Build the network for inputs {"flow": (size, size, 3)}."""
    if network.kind == "linear":
        return linear.network(shapes, classes)
    return ststnet(shapes["flow"], classes, network.padding)


def training_config(network: Network, training: Training) -> TrainingConfig:
    """How STSTNet is trained: Adam with the epsilon of MATLAB and PyTorch, cross-entropy."""
    optimizer = keras.optimizers.Adam(training.learning_rate, epsilon=1e-8)
    return TrainingConfig("STSTNet", optimizer, training.batch, training.epochs)


def ststnet(shape: tuple[int, ...], classes: int, padding: Padding = "same") -> keras.Model:
    """STSTNet: {"flow": (size, size, 3)} -> {"emotion": (classes,)} probabilities. Sizes are those for size 28.

    By Table I the maps are 28 x 28; in the public Python code, whose input has a border of two pixels, 30 x 30.
    """
    flow = layers.Input(shape, name="flow")
    streams = []
    for number, filters in enumerate(FILTERS, start=1):
        x = flow if padding == "same" else layers.ZeroPadding2D(2, name=f"padding_{number}")(flow)
        edges = "same" if padding == "same" else "valid"
        x = layers.Conv2D(filters, 3, padding=edges, activation="relu", name=f"convolution_{number}")(x)
        streams.append(layers.BatchNormalization(momentum=MOMENTUM, epsilon=EPSILON, name=f"normalisation_{number}")(x))
    x = layers.Concatenate(name="streams")(streams)  # joined here: maximum and dropout treat each map by itself
    if padding == "same":  # a row and a column on every side, below every value
        x = layers.MaxPooling2D(3, 3, padding="same", name="maximum")(x)  # 10 x 10
    else:
        for axis, name in ((1, "rows"), (2, "columns")):
            x = _first_twice(x, axis, name)
        x = layers.MaxPooling2D(3, 3, name="maximum")(x)  # 10 x 10
    x = layers.Dropout(0.5, name="dropout")(x)
    x = layers.AveragePooling2D(2, name="mean")(x)  # 5 x 5
    x = layers.Flatten(name="flatten")(x)  # 400
    x = layers.Dense(classes, activation="softmax", name="emotion")(x)
    return keras.Model({"flow": flow}, {"emotion": x}, name="ststnet")


def _first_twice(x: keras.KerasTensor, axis: int, name: str) -> keras.KerasTensor:
    """Repeat the first row or column: the padding of 1 before a maximum, which ignores padding in PyTorch.

    Of the padding at the other end nothing is reached with a stride of 3.
    """
    cropping = [(0, 0), (0, 0)]
    cropping[axis - 1] = (0, x.shape[axis] - 1)
    first = layers.Cropping2D(tuple(cropping), name=f"first_of_{name}")(x)
    return layers.Concatenate(axis=axis, name=f"padded_{name}")([first, x])
