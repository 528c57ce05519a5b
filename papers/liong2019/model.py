"""Liong, Gan, See, Khor, Huang, FG 2019: STSTNet, three shallow streams on the flow and strain from onset to apex.

The layers are those of Table I and, where it is silent, of the STSTNet.mat that the authors' MATLAB script loads: ReLU,
normalisation, maximum and dropout in each stream. Arrays are (28, 28, 3): horizontal flow, vertical flow, strain.
"""

from __future__ import annotations

from pathlib import Path

import keras
import numpy as np
from keras import layers
from numpy.typing import NDArray

from common.contract import Shapes
from common.errors import UserError
from common.training import linear, torch_files
from common.training.single_network import TrainingConfig
from common.training.weight_files import PYTORCH_NAMES
from common.training.weights import Weights
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


def published(weights: Weights, fold: str) -> dict[str, list[NDArray[np.float32]]]:
    """The network that the authors publish for a left-out subject: the arrays of each layer, by its name.

    `fold` is the subject as in clips' ids, such as smic/s1, whose file is s01.pth. Theirs reads blue, green, red, so
    strain first, and flattens maps channel by channel. UserError for a file that is missing or has other arrays.
    """
    file = f"{subject_file(fold)}.pth"
    path = next((Path(path) for path, _ in weights.files if Path(path).name == file), None)
    if path is None:
        raise UserError(f"--weights {weights.choice}: has no {file}, the network of {fold}")
    arrays = torch_files.read(path)

    def array(name: str, *shape: int) -> NDArray[np.float32]:
        found = arrays.get(name)
        if found is None or found.shape != shape or found.dtype != np.float32 or not np.isfinite(found).all():
            raise UserError(f"{path}: has no finite float32 {name} of {' x '.join(map(str, shape))}; is it STSTNet?")
        return found

    layers_of: dict[str, list[NDArray[np.float32]]] = {}
    for number, filters in enumerate(FILTERS, start=1):
        kernel = array(f"conv{number}.weight", filters, 3, 3, 3)[:, ::-1].transpose(2, 3, 1, 0)
        layers_of[f"convolution_{number}"] = [kernel, array(f"conv{number}.bias", filters)]
        layers_of[f"normalisation_{number}"] = [
            array(f"bn{number}.{PYTORCH_NAMES[name]}", filters)
            for name in ("gamma", "beta", "moving_mean", "moving_variance")
        ]
    maps = sum(FILTERS)
    dense = array("fc.weight", 3, maps * 25).reshape(3, maps, 5, 5).transpose(2, 3, 1, 0)
    return layers_of | {"emotion": [dense.reshape(-1, 3), array("fc.bias", 3)]}


def subject_file(fold: str) -> str:
    """How the authors' files name a subject: s01 for smic/s1, sub01 for casme2/sub01, 006 for samm/006."""
    corpus, _, subject = fold.partition("/")
    return f"s{int(subject[1:]):02d}" if corpus == "smic" else subject


def _first_twice(x: keras.KerasTensor, axis: int, name: str) -> keras.KerasTensor:
    """Repeat the first row or column: the padding of 1 before a maximum, which ignores padding in PyTorch.

    Of the padding at the other end nothing is reached with a stride of 3.
    """
    cropping = [(0, 0), (0, 0)]
    cropping[axis - 1] = (0, x.shape[axis] - 1)
    first = layers.Cropping2D(tuple(cropping), name=f"first_of_{name}")(x)
    return layers.Concatenate(axis=axis, name=f"padded_{name}")([first, x])
