"""A small convolutional network that reads the difference of two frames."""

from __future__ import annotations

import keras
from keras import layers

from common.contract import Shapes
from common.training.single_network import TrainingConfig
from papers.apexdiff.experiments import Network, Training


def build(network: Network, shapes: Shapes, classes: int) -> keras.Model:
    """{"difference": (size, size, 1) in -1 to 1} -> {"emotion": (classes,)} probabilities."""
    difference = x = layers.Input(shapes["difference"], name="difference")
    for number in (1, 2):
        x = layers.Conv2D(network.filters * number, 3, activation="relu", name=f"convolution_{number}")(x)
        x = layers.MaxPooling2D(2, name=f"pooling_{number}")(x)
    x = layers.Flatten(name="flat")(x)
    emotion = layers.Dense(classes, activation="softmax", name="emotion")(x)
    return keras.Model({"difference": difference}, {"emotion": emotion}, name="apexdiff")


def training_config(network: Network, training: Training) -> TrainingConfig:
    """How the network is trained: with Adam."""
    return TrainingConfig("apexdiff", keras.optimizers.Adam(training.learning_rate), training.batch, training.epochs)
