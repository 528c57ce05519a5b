"""ResNet50 as torchvision builds it ("V1.5").

A block halves its map in its 3 x 3 convolution, no convolution has a bias, and layers have the names of torchvision's
modules. Momentum and epsilon of the normalisations are PyTorch's, and so are the random weights. There are 23,508,032
trainable weights before the last layer.
"""

from __future__ import annotations

import keras
from keras import layers
from keras.initializers import Initializer, RandomUniform, VarianceScaling

from common.training.weight_files import PYTORCH_NAMES

STAGES = ((64, 3), (128, 4), (256, 6), (512, 3))
"""Filters of a block's first two convolutions, and number of blocks (He et al. 2016, table 1)."""
EXPANSION = 4
"""Ratio of the filters of a block's last convolution to those of its first."""
FEATURES = 2048


def resnet50(size: int, classes: int) -> keras.Model:
    """RGB (size, size, 3), normalised -> probabilities (classes,)."""
    image = layers.Input((size, size, 3), name="image")
    x = layers.Activation("relu", name="relu")(_normalised(image, 64, 7, "conv1", "bn1", stride=2))
    x = layers.ZeroPadding2D(1, name="maxpool_padding")(x)  # after ReLU no value is below zero
    x = layers.MaxPooling2D(3, strides=2, name="maxpool")(x)
    for stage, (filters, blocks) in enumerate(STAGES, start=1):
        for number in range(blocks):
            stride = 2 if number == 0 and stage > 1 else 1
            x = _block(x, filters, stride, f"layer{stage}.{number}", project=number == 0)
    x = layers.GlobalAveragePooling2D(name="avgpool")(x)
    most = FEATURES**-0.5
    x = layers.Dense(
        classes,
        activation="softmax",
        kernel_initializer=RandomUniform(-most, most),
        bias_initializer=RandomUniform(-most, most),
        name="fc",
    )(x)
    return keras.Model(image, x, name="resnet50_torchvision")


def torchvision_name(layer: str, weight: str) -> str:
    """The name of a weight in torchvision's files: `gamma` of `layer1.0.bn1` is `layer1.0.bn1.weight`."""
    return f"{layer}.{PYTORCH_NAMES[weight]}"


def convolution(
    x: keras.KerasTensor,
    filters: int,
    kernel: int,
    name: str,
    *,
    stride: int = 1,
    initializer: str | Initializer = "he_normal",
) -> keras.KerasTensor:
    """A convolution without bias.

    Padding is the same on both sides, as in PyTorch and Caffe; with a stride, Keras' "same" would pad only on the
    right and at the bottom.
    """
    if kernel > 1 and stride > 1:
        x = layers.ZeroPadding2D(kernel // 2, name=f"{name}_padding")(x)
    return layers.Conv2D(
        filters,
        kernel,
        strides=stride,
        padding="same" if stride == 1 else "valid",
        use_bias=False,
        kernel_initializer=initializer,
        name=name,
    )(x)


def _block(x: keras.KerasTensor, filters: int, stride: int, name: str, *, project: bool) -> keras.KerasTensor:
    shortcut = x
    if project:
        shortcut = _normalised(x, EXPANSION * filters, 1, f"{name}.downsample.0", f"{name}.downsample.1", stride=stride)
    x = _normalised(x, filters, 1, f"{name}.conv1", f"{name}.bn1")
    x = layers.Activation("relu", name=f"{name}.relu1")(x)
    x = _normalised(x, filters, 3, f"{name}.conv2", f"{name}.bn2", stride=stride)
    x = layers.Activation("relu", name=f"{name}.relu2")(x)
    x = _normalised(x, EXPANSION * filters, 1, f"{name}.conv3", f"{name}.bn3")
    return layers.Activation("relu", name=f"{name}.relu3")(layers.Add(name=f"{name}.sum")([shortcut, x]))


def _normalised(
    x: keras.KerasTensor, filters: int, kernel: int, name: str, normalisation: str, *, stride: int = 1
) -> keras.KerasTensor:
    """A convolution and its normalisation; PyTorch's momentum of 0.1 is 0.9 in Keras."""
    initializer = VarianceScaling(2.0, "fan_out", "untruncated_normal")
    x = convolution(x, filters, kernel, name, stride=stride, initializer=initializer)
    return layers.BatchNormalization(epsilon=1e-5, momentum=0.9, name=normalisation)(x)
