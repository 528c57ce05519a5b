"""Reddy, Karri, Dubey, Mukherjee, IJCNN 2019 (https://arxiv.org/abs/1904.01390).

Three networks with one three-dimensional convolution per stream: MicroExpSTCNN reads the face (section III.A, figure 1,
table I), the two MicroExpFuseNets read eyes and mouth (section III.B), fused after the convolutions (figure 2,
table II) or before the last dense layer (figure 3, table III).

Arrays are (size, size, depth, 1): time is the third axis, as the tables print it (64 x 64 x 96, kernel 3 x 3 x 15). The
tables put the 32 filters first, Keras puts them last.

The text prints neither activations nor dropout rates. Convolutions have ReLU; the activation of the hidden dense layers
is an argument, because it differs between the networks in the authors' public code.
"""

from __future__ import annotations

from typing import NamedTuple

import keras
from keras import layers
from keras.initializers import Initializer, RandomNormal, VarianceScaling

from common.contract import Shapes
from papers.reddy2019.experiments import Network

FILTERS = 32
POOL = (3, 3, 3)
NORMAL_SPREAD = 0.05
"""Standard deviation of "normal" weights in Keras 2.0.0, whatever the number of inputs."""
Kernel = tuple[int, int, int]


class Start(NamedTuple):
    """How the weights of convolutions and of dense layers are drawn; biases start at 0."""

    convolution: str | Initializer = "glorot_uniform"
    dense: str | Initializer = "glorot_uniform"


_KERAS = Start()


def start(network: Network) -> Start:
    """How a network's initial weights are drawn.

    In the public code the dense layers of MicroExpSTCNN have init="normal", all others the default of Keras 2.0.0. That
    is Glorot's, but it counts only the first two axes of a kernel: the variance of a convolution is as many times
    larger as the kernel has frames.
    """
    if network.initial_weights == "Keras":
        return _KERAS
    *_, frames = _kernel(network)
    convolution = VarianceScaling(frames, "fan_avg", "uniform")
    return Start(convolution, RandomNormal(stddev=NORMAL_SPREAD)) if network.kind == "stcnn" else Start(convolution)


def build(network: Network, shapes: Shapes, classes: int) -> keras.Model:
    """Build the network for inputs {"face": shape} or {"eyes": shape, "mouth": shape}."""
    size, _, depth, _ = next(iter(shapes.values()))
    kinds = {"stcnn": stcnn, "intermediate": fusenet_intermediate, "late": fusenet_late}
    return kinds[network.kind](
        size, depth, classes, kernel=_kernel(network), dropout=network.dropout, started=start(network)
    )


def _kernel(network: Network) -> Kernel:
    high, wide, long = map(int, network.kernel.split("x"))
    return high, wide, long


def stcnn(
    size: int,
    depth: int,
    classes: int,
    *,
    kernel: Kernel = (3, 3, 15),
    dropout: float = 0.5,
    activation: str | None = "relu",
    started: Start = _KERAS,
) -> keras.Model:
    """MicroExpSTCNN (table I): {"face": (size, size, depth, 1)} in any scale -> {"emotion": (classes,)} probabilities.

    The layer `scores` gives the unnormalised class scores. The table's last row, a dropout of the three scores, is not
    built: see the departures. Raises ValueError if the kernel does not fit into the input.
    """
    # 3D-convolution to flatten: 345,600 at 64 x 64 x 96
    face, x = _stream("face", size, depth, kernel, dropout, started)
    x = _dense(x, 128, activation, dropout, started, "dense")
    return keras.Model({"face": face}, _emotion(x, classes, started), name="stcnn")


def fusenet_intermediate(
    size: int,
    depth: int,
    classes: int,
    *,
    kernel: Kernel = (3, 3, 15),
    dropout: float = 0.5,
    activation: str | None = None,
    started: Start = _KERAS,
) -> keras.Model:
    """Intermediate MicroExpFuseNet (table II): {"eyes", "mouth"}, each (size, size, depth, 1) -> as `stcnn`.

    The table prints 86,400 for the two joined streams of 86,400, and 20 x 20 x 27 for dropouts after 10 x 10 x 27.
    """
    # the rows -1 and -2, to flatten: 86,400 at 32 x 32 x 96
    eyes, from_eyes = _stream("eyes", size, depth, kernel, dropout, started)
    mouth, from_mouth = _stream("mouth", size, depth, kernel, dropout, started)
    x = layers.Concatenate(name="concatenate")([from_eyes, from_mouth])
    x = _dense(x, 1024, activation, dropout, started, "dense_1")
    x = _dense(x, 128, activation, dropout, started, "dense_2")
    return keras.Model({"eyes": eyes, "mouth": mouth}, _emotion(x, classes, started), name="fusenet_intermediate")


def fusenet_late(
    size: int,
    depth: int,
    classes: int,
    *,
    kernel: Kernel = (3, 3, 15),
    dropout: float = 0.5,
    activation: str | None = None,
    started: Start = _KERAS,
) -> keras.Model:
    """Late MicroExpFuseNet (table III): {"eyes", "mouth"}, each (size, size, depth, 1) -> as `stcnn`."""
    eyes, from_eyes = _stream("eyes", size, depth, kernel, dropout, started)
    mouth, from_mouth = _stream("mouth", size, depth, kernel, dropout, started)
    from_eyes = _dense(from_eyes, 1024, activation, dropout, started, "dense_1")
    from_mouth = _dense(from_mouth, 1024, activation, dropout, started, "dense_2")
    from_eyes = _dense(from_eyes, 128, activation, dropout, started, "dense_3")
    from_mouth = _dense(from_mouth, 128, activation, dropout, started, "dense_4")
    x = layers.Concatenate(name="concatenate")([from_eyes, from_mouth])
    return keras.Model({"eyes": eyes, "mouth": mouth}, _emotion(x, classes, started), name="fusenet_late")


def _stream(
    part: str, size: int, depth: int, kernel: Kernel, dropout: float, started: Start
) -> tuple[keras.KerasTensor, keras.KerasTensor]:
    """The rows from input to flatten, which all three tables share: (input, flat features)."""
    video = layers.Input((size, size, depth, 1), name=part)
    x = layers.Conv3D(
        FILTERS, kernel, activation="relu", kernel_initializer=started.convolution, name=f"{part}_convolution"
    )(video)
    x = layers.MaxPooling3D(POOL, name=f"{part}_pooling")(x)
    x = layers.Dropout(dropout, name=f"{part}_dropout")(x)
    return video, layers.Flatten(name=f"{part}_flatten")(x)


def _dense(
    x: keras.KerasTensor, units: int, activation: str | None, dropout: float, started: Start, name: str
) -> keras.KerasTensor:
    """A hidden dense layer and the dropout in the row after it."""
    x = layers.Dense(units, activation=activation, kernel_initializer=started.dense, name=name)(x)
    return layers.Dropout(dropout, name=f"{name}_dropout")(x)


def _emotion(x: keras.KerasTensor, classes: int, started: Start) -> dict[str, keras.KerasTensor]:
    """The last dense layer, and the softmax that section III.A names and the tables leave out."""
    scores = layers.Dense(classes, kernel_initializer=started.dense, name="scores")(x)
    return {"emotion": layers.Softmax(name="emotion")(scores)}
