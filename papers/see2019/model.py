"""The decision functions of the linear support vector machine as a Keras model, so that it is saved like a network."""

from __future__ import annotations

import keras
from keras import layers

from common.contract import Shapes
from papers.see2019.experiments import Network


def build(network: Network, shapes: Shapes, classes: int) -> keras.Model:
    """One dense layer from all histograms of a clip to its classes; softmax makes the distances sum to 1."""
    ((name, shape),) = shapes.items()
    entry = layers.Input(shape, name=name)
    output = layers.Dense(classes, activation="softmax", name="emotion", dtype="float32")(layers.Flatten()(entry))
    return keras.Model({name: entry}, {"emotion": output}, name="linear_svm")
