"""A small convolutional network that reads one difference of two frames."""

from __future__ import annotations

import keras
from keras import layers


def classifier(size: int, classes: int) -> keras.Model:
    """{"difference": (size, size, 1) in -1 to 1} -> {"emotion": (classes,)} probabilities."""
    difference = layers.Input((size, size, 1), name="difference")
    x = layers.Conv2D(8, 5, padding="same", activation="relu", name="first")(difference)
    x = layers.MaxPooling2D(2, name="first_pooling")(x)
    x = layers.Conv2D(16, 3, padding="same", activation="relu", name="second")(x)
    x = layers.MaxPooling2D(2, name="second_pooling")(x)
    x = layers.Flatten(name="flat")(x)
    x = layers.Dense(32, activation="relu", name="dense")(x)
    emotion = layers.Dense(classes, activation="softmax", name="emotion")(x)
    return keras.Model({"difference": difference}, {"emotion": emotion}, name="apexdiff")
