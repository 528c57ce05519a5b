"""SENet50: ResNet50 with squeeze and excitation in every block (Hu, Shen and Sun, "Squeeze-and-excitation networks").

keras.applications does not have this network. Layers, their order and their names are those of the SE-ResNet-50 that
the authors of that article published for Caffe, with `_` for `/`: convolutions without bias; a block halves its map in
its first 1 x 1 convolution; squeeze and excitation are 1 x 1 convolutions with bias; the first pooling is unpadded and
rounds up. With 1000 classes there are 28,088,024 trainable weights.
"""

from __future__ import annotations

import keras
from keras import layers

from papers.le2020.resnet import EXPANSION, STAGES, convolution

RATIO = 16
"""Ratio of a block's channels to the channels after the squeeze."""
KNOWN_BY = "conv1/7x7_s2"
"""A layer name that only files of keras-vggface have, not files of this network's own weights."""


def senet50(size: int, classes: int) -> keras.Model:
    """Blue, green, red (size, size, 3), normalised -> probabilities (classes,)."""
    image = layers.Input((size, size, 3), name="image")
    x = _normalised(image, 64, 7, "conv1_7x7_s2", stride=2)
    x = layers.Activation("relu", name="conv1_relu")(x)
    beyond = (0, (x.shape[1] - 3) % 2)  # Caffe rounds up: the last window may reach one line beyond the map
    x = layers.ZeroPadding2D((beyond, beyond), name="pool1_padding")(x)
    x = layers.MaxPooling2D(3, strides=2, name="pool1_3x3_s2")(x)
    for stage, (filters, blocks) in enumerate(STAGES, start=2):
        for number in range(1, blocks + 1):
            stride = 2 if number == 1 and stage > 2 else 1
            x = _block(x, filters, stride, f"conv{stage}_{number}", project=number == 1)
    x = layers.GlobalAveragePooling2D(name="pool5")(x)
    x = layers.Dense(classes, activation="softmax", name="predictions")(x)
    return keras.Model(image, x, name="senet50")


def vggface_name(layer: str, weight: str) -> str:
    """The name of a weight in a file of keras-vggface: the name of its layer there, then the name of the weight.

    keras-vggface converted the weights for VGGFace2 from Caffe, and keeps the names of Caffe's layers: `gamma` of
    `conv2_1_1x1_reduce_bn` is `conv2_1_1x1_reduce/bn/gamma` there.
    """
    theirs = layer.replace("conv1_7x7_s2", KNOWN_BY)
    return f"{theirs.removesuffix('_bn')}/bn/{weight}" if theirs.endswith("_bn") else f"{theirs}/{weight}"


def _block(x: keras.KerasTensor, filters: int, stride: int, name: str, *, project: bool) -> keras.KerasTensor:
    """A bottleneck block whose channels are weighted before they are added to its input."""
    shortcut = _normalised(x, EXPANSION * filters, 1, f"{name}_1x1_proj", stride=stride) if project else x
    x = _normalised(x, filters, 1, f"{name}_1x1_reduce", stride=stride)
    x = layers.Activation("relu", name=f"{name}_1x1_reduce_relu")(x)
    x = _normalised(x, filters, 3, f"{name}_3x3")
    x = layers.Activation("relu", name=f"{name}_3x3_relu")(x)
    x = _excited(_normalised(x, EXPANSION * filters, 1, f"{name}_1x1_increase"), name)
    return layers.Activation("relu", name=f"{name}_relu")(layers.Add(name=f"{name}_sum")([shortcut, x]))


def _excited(x: keras.KerasTensor, name: str) -> keras.KerasTensor:
    """Every channel times a weight in 0-1, which is computed from the means of all channels."""
    channels = x.shape[-1]
    weight = layers.GlobalAveragePooling2D(keepdims=True, name=f"{name}_global_pool")(x)
    weight = layers.Conv2D(channels // RATIO, 1, activation="relu", name=f"{name}_1x1_down")(weight)
    weight = layers.Conv2D(channels, 1, activation="sigmoid", name=f"{name}_1x1_up")(weight)
    return layers.Multiply(name=f"{name}_excited")([x, weight])


def _normalised(x: keras.KerasTensor, filters: int, kernel: int, name: str, *, stride: int = 1) -> keras.KerasTensor:
    """A convolution and its normalisation, with Caffe's epsilon."""
    x = convolution(x, filters, kernel, name, stride=stride)
    return layers.BatchNormalization(epsilon=1e-5, momentum=0.9, name=f"{name}_bn")(x)
