"""Le, Tran and Rege, "Dynamic image for micro-expression recognition on region-based framework", 2020.

Three image classifiers whose last layer is replaced (section III.D): VGG19 and ResNet50 of keras.applications, and
SENet50 (`senet.py`). All read a dynamic image of 224 x 224 pixels.

Parameters with four classes: VGG19 139,586,628 (three: 139,582,531), ResNet50 23,595,908 (23,593,859), SENet50
26,047,220 that are trained.
"""

from __future__ import annotations

import keras
import numpy as np
from keras import layers, ops

from common import pretrained
from common.weights import IMAGENET, NONE, Weights
from papers.le2020.senet import senet50

MEAN = (103.939, 116.779, 123.68)
"""Blue, green and red of ImageNet, which all three networks' original weights were trained without."""
APPLICATIONS = {"vgg19": keras.applications.VGG19, "resnet50": keras.applications.ResNet50}


def classifier(key: str, size: int, classes: int, weights: Weights) -> keras.Model:
    """{"face": (size, size, 3)} RGB in 0-1 -> {"emotion": (classes,)} probabilities.

    What each network wants of its input happens inside: blue, green and red in 0-255, less their means. Raises
    UserError for weights that cannot be had, and as `Weights.file` does.
    """
    network = bare(key, size, classes)
    if weights.choice == IMAGENET:
        if (
            key in APPLICATIONS
        ):  # nobody gives those of SENet50 for Keras: it starts from random ones, and a note says so
            pretrained.from_imagenet(network, APPLICATIONS[key])
    elif weights.choice != NONE:
        pretrained.from_file(network, weights.file(key)[0])
    face = layers.Input((size, size, 3), name="face")
    image = layers.Rescaling(255.0, name="grey_levels")(ops.flip(face, axis=-1))
    return keras.Model({"face": face}, {"emotion": network(image - np.array(MEAN, np.float32))}, name="classifier")


def bare(key: str, size: int, classes: int) -> keras.Model:
    """The network itself, with random weights: blue, green, red less their means -> probabilities (classes,)."""
    if key == "senet50":
        return senet50(size, classes)
    return APPLICATIONS[key](weights=None, input_shape=(size, size, 3), classes=classes)
