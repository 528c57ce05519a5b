"""SENet50: ResNet50 with squeeze and excitation in every block (Hu, Shen and Sun, "Squeeze-and-excitation networks").

keras.applications lacks it. Convolutions have no bias, and the two dense layers of each block do, as in the article's
own networks; a block halves its picture in its 3 x 3 convolution. With 1000 classes 28,088,024 weights are trained.
"""

from __future__ import annotations

import keras
from keras import layers, ops

STAGES = ((64, 3), (128, 4), (256, 6), (512, 3))
"""Filters of a block's first two convolutions, and blocks."""
EXPANSION = 4
RATIO = 16


def senet50(size: int, classes: int) -> keras.Model:
    """RGB (size, size, 3), normalised -> probabilities (classes,)."""
    image = layers.Input((size, size, 3), name="image")
    x = _convolution(image, 64, 7, "stem", stride=2)
    x = layers.Activation("relu", name="stem_relu")(x)
    x = layers.ZeroPadding2D(1, name="pooling_padding")(x)
    x = layers.MaxPooling2D(3, strides=2, name="stem_pooling")(x)
    for stage, (filters, blocks) in enumerate(STAGES, start=2):
        for number in range(1, blocks + 1):
            stride = 2 if number == 1 and stage > 2 else 1
            x = _block(x, filters, stride, f"stage_{stage}_block_{number}", project=number == 1)
    x = layers.GlobalAveragePooling2D(name="pooling")(x)
    x = layers.Dense(classes, activation="softmax", name="predictions")(x)
    return keras.Model(image, x, name="senet50")


def _block(x: keras.KerasTensor, filters: int, stride: int, name: str, *, project: bool) -> keras.KerasTensor:
    """A bottleneck whose channels are weighed before it is added to its input."""
    shortcut = _convolution(x, EXPANSION * filters, 1, f"{name}_shortcut", stride=stride) if project else x
    x = layers.Activation("relu", name=f"{name}_relu_1")(_convolution(x, filters, 1, f"{name}_1"))
    x = layers.Activation("relu", name=f"{name}_relu_2")(_convolution(x, filters, 3, f"{name}_2", stride=stride))
    x = _excited(_convolution(x, EXPANSION * filters, 1, f"{name}_3"), name)
    return layers.Activation("relu", name=f"{name}_relu")(layers.Add(name=f"{name}_sum")([shortcut, x]))


def _excited(x: keras.KerasTensor, name: str) -> keras.KerasTensor:
    """Every channel times a weight in 0-1 that the means of all channels decide."""
    channels = x.shape[-1]
    weight = layers.GlobalAveragePooling2D(name=f"{name}_squeeze")(x)
    weight = layers.Dense(channels // RATIO, activation="relu", name=f"{name}_reduce")(weight)
    weight = layers.Dense(channels, activation="sigmoid", name=f"{name}_excite")(weight)
    return ops.multiply(x, layers.Reshape((1, 1, channels), name=f"{name}_weight")(weight))


def _convolution(x: keras.KerasTensor, filters: int, kernel: int, name: str, *, stride: int = 1) -> keras.KerasTensor:
    """A convolution without bias and its normalisation.

    Padding is the same on both sides, as the weights of others expect; with a stride, "same" would pad right and below.
    """
    if kernel > 1 and stride > 1:
        x = layers.ZeroPadding2D(kernel // 2, name=f"{name}_padding")(x)
    x = layers.Conv2D(
        filters,
        kernel,
        strides=stride,
        padding="same" if stride == 1 else "valid",
        use_bias=False,
        kernel_initializer="he_normal",
        name=f"{name}_convolution",
    )(x)
    return layers.BatchNormalization(epsilon=1e-5, momentum=0.9, name=f"{name}_normalisation")(x)
