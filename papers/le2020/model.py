"""Le, Tran and Rege, "Dynamic image for micro-expression recognition on region-based framework", 2020.

Three image classifiers whose last layer is replaced (section III.D): VGG19 and ResNet50 of keras.applications, the
former with dropout between its dense layers, and SENet50 (`senet.py`); on request also ResNet50 as torchvision builds
it (`resnet.py`). All read a dynamic image of 224 x 224 pixels.

Parameters with four classes: VGG19 139,586,628 (three: 139,582,531), ResNet50 23,595,908 (23,593,859), SENet50
26,047,220 trainable, torchvision's ResNet50 23,516,228 trainable.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import keras
from keras import layers, ops

from common.contract import Shapes
from common.training import pretrained, weight_files
from common.training.single_network import TrainingConfig
from common.training.weights import IMAGENET
from papers.le2020 import resnet, senet
from papers.le2020.experiments import NETWORKS, Kind, Network, Training, starts_random


class Pixels(NamedTuple):
    """The input that weights were trained on: RGB or blue, green, red in 0-255, (value - `mean`) / `deviation`."""

    mean: tuple[float, float, float]
    deviation: tuple[float, float, float] = (1.0, 1.0, 1.0)
    rgb: bool = False


IMAGENET_CAFFE = Pixels((103.939, 116.779, 123.68))
"""ImageNet, as in keras.applications for VGG19 and ResNet50; the authors of squeeze-and-excitation round the means."""
VGGFACE2_CAFFE = Pixels((91.4953, 103.8827, 131.0912))
"""VGGFace2, as in keras-vggface for the weights that it converted."""
IMAGENET_TORCH = Pixels((123.675, 116.28, 103.53), (58.395, 57.12, 57.375), rgb=True)
"""ImageNet, as in torchvision: 0.485, 0.456, 0.406 and 0.229, 0.224, 0.225 for pixels in 0-1."""
MOMENTUM = 0.9
"""Momentum of the moving statistics of all normalisations; PyTorch calls it 0.1. With the 0.99 of keras.applications
the statistics would take hundreds of steps to reach those of the training clips, and the network would predict with
wrong statistics until then."""
DROPOUT = 0.5
"""Dropout ratio of VGG19's two hidden dense layers (Simonyan and Zisserman 2014, section 3.1); also PyTorch's."""
APPLICATIONS = {"vgg19": keras.applications.VGG19, "resnet50": keras.applications.ResNet50}
"""Where ImageNet weights come from."""


def vgg19(size: int, classes: int) -> keras.Model:
    """VGG19 of keras.applications with dropout after each of its two hidden dense layers.

    (size, size, 3) -> probabilities (classes,). All layers with weights keep their names, so that files of
    keras.applications fit.
    """
    features = keras.applications.VGG19(include_top=False, weights=None, input_shape=(size, size, 3))
    x = layers.Flatten(name="flatten")(features.output)
    for name in ("fc1", "fc2"):
        x = layers.Dense(4096, activation="relu", name=name)(x)
        x = layers.Dropout(DROPOUT, name=f"{name}_dropout")(x)
    x = layers.Dense(classes, activation="softmax", name="predictions")(x)
    return keras.Model(features.input, x, name="vgg19")


def resnet50(size: int, classes: int) -> keras.Model:
    """ResNet50 of keras.applications with PyTorch's momentum: (size, size, 3) -> probabilities (classes,)."""
    network = keras.applications.ResNet50(weights=None, input_shape=(size, size, 3), classes=classes)
    for layer in network.layers:
        if isinstance(layer, layers.BatchNormalization):
            layer.momentum = MOMENTUM
    return network


BUILD: dict[Kind, Callable[[int, int], keras.Model]] = {
    "vgg19": vgg19,
    "resnet50": resnet50,
    "senet50": senet.senet50,
    "resnet50-torchvision": resnet.resnet50,
}
RANDOM = "the network started from random weights, and the paper's is assumed to have started from trained ones"


def training_config(network: Network, training: Training) -> TrainingConfig:
    """How each network is trained (section IV.A)."""
    return TrainingConfig(
        name=network.kind,
        optimizer=keras.optimizers.SGD(training.learning_rate, momentum=training.momentum),
        batch=training.batch,
        epochs=training.epochs,
        caveats=(RANDOM,) if starts_random(network) else (),
    )


def build(network: Network, shapes: Shapes, classes: int) -> keras.Model:
    """A network with its initial weights: {"face": (size, size, 3)} RGB in 0-1 -> {"emotion": probabilities}.

    The model scales its input as its initial weights require. Raises UserError for weights that cannot be obtained,
    and in the same cases as `Weights.file`.
    """
    size = shapes["face"][0]
    model = bare(network.kind, size, classes)
    mean, deviation, rgb = _started(model, network)
    face = layers.Input((size, size, 3), name="face")
    scale, offset = [255 / d for d in deviation], [-m / d for m, d in zip(mean, deviation, strict=True)]
    image = layers.Rescaling(scale, offset, name="grey_levels")(face if rgb else ops.flip(face, axis=-1))
    return keras.Model({"face": face}, {"emotion": model(image)}, name="classifier")


def bare(kind: Kind, size: int, classes: int) -> keras.Model:
    """The network itself, with random weights: pixels scaled as its weights require -> probabilities (classes,)."""
    return BUILD[kind](size, classes)


def _started(model: keras.Model, network: Network) -> Pixels:
    """Load a network's initial weights. Returns how they require pixels to be scaled."""
    kind, weights = network.kind, network.weights
    own = IMAGENET_TORCH if kind == "resnet50-torchvision" else IMAGENET_CAFFE
    if starts_random(network):
        return own
    if weights.choice == IMAGENET:
        pretrained.from_imagenet(model, APPLICATIONS[kind])
        return own
    path, _ = weights.file(NETWORKS[kind].file, NETWORKS[kind].endings)
    if kind == "resnet50-torchvision":
        read, kernel = weight_files.from_safetensors, weight_files.PYTORCH_KERNEL
        pretrained.from_named(model, path, read, resnet.torchvision_name, kernel)
    elif kind == "senet50" and weight_files.has_layer(path, senet.KNOWN_BY):
        pretrained.from_named(model, path, weight_files.from_hdf5, senet.vggface_name)
        return VGGFACE2_CAFFE
    else:
        pretrained.from_file(model, path)
    return own
