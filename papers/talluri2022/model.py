"""Talluri, Fiedler, Al-Hamadi, Applied Sciences 12(21) 11078, 2022 (https://doi.org/10.3390/app122111078).

Four networks that read a face video: Model-A (section 5.1, figures 2 and 3, table 2), the Split-Model with one more
block (section 5.2), Model-B, which is MicroExpSTCNN of reddy2019 (section 5.3), and Model-C after Jiao et al. (5.4).

Arrays are (depth, size, size, 1): time is the first axis, as table 2 prints it (36 x 128 x 128). Only Model-B reads
(size, size, depth, 1), as in its own paper.
"""

from __future__ import annotations

import keras
from keras import layers

from common.contract import Shapes
from common.training.losses import clipped_crossentropy
from common.training.single_network import TrainingConfig
from papers.reddy2019.model import stcnn
from papers.talluri2022.experiments import Network, Training

FILTERS_A, FILTERS_C = 16, 32
KERNEL = (3, 3, 3)
POOL = (3, 3, 3)


def build(network: Network, shapes: Shapes, classes: int) -> keras.Model:
    """Build the network for inputs {"face": shape}."""
    shape = shapes["face"]
    if network.kind == "model-b":
        return model_b(shape[0], shape[2], classes)
    depth, size = shape[:2]
    if network.kind == "model-c":
        return model_c(size, depth, classes, convolutions=network.convolutions)
    return (split_model if network.kind == "split-model" else model_a)(size, depth, classes)


def training_config(network: Network, training: Training) -> TrainingConfig:
    """How each network is trained (section 6)."""
    batch, rate = training.batch, training.learning_rate
    if network.kind == "model-b":
        batch, optimizer = training.model_b_batch, keras.optimizers.SGD(training.model_b_learning_rate)
    elif network.kind == "model-c":
        decaying = keras.optimizers.schedules.InverseTimeDecay(rate, 1, training.model_c_decay)
        optimizer = keras.optimizers.SGD(decaying, momentum=training.momentum, nesterov=True)
    else:
        optimizer = keras.optimizers.SGD(rate, momentum=training.momentum)
    loss = clipped_crossentropy if training.clipped else "categorical_crossentropy"
    return TrainingConfig(network.kind, optimizer, batch, training.epochs, loss)


def model_a(size: int, depth: int, classes: int, *, blocks: int = 2, dropout: float = 0.4) -> keras.Model:
    """Model-A (table 2): {"face": (depth, size, size, 1)} in 0-1 -> {"emotion": (classes,)} probabilities."""
    face = x = layers.Input((depth, size, size, 1), name="face")
    for number in range(1, blocks + 1):
        x = layers.Conv3D(
            FILTERS_A,
            KERNEL,
            padding="same",
            activation="relu",
            kernel_initializer="he_normal",
            name=f"convolution_{number}",
        )(x)
        x = layers.BatchNormalization(name=f"normalisation_{number}")(x)
        x = layers.MaxPooling3D(POOL, name=f"pooling_{number}")(x)  # 12 x 42 x 42, then 4 x 14 x 14
        x = layers.Dropout(dropout, name=f"dropout_{number}")(x)
    return _classified(face, x, classes, dropout, "he_normal", "model_a")  # flatten: 12,544


def split_model(size: int, depth: int, classes: int, *, dropout: float = 0.4) -> keras.Model:
    """The Split-Model: Model-A with three blocks (section 5.2). The third needs at least 27 frames and pixels."""
    return model_a(size, depth, classes, blocks=3, dropout=dropout)


def model_b(size: int, depth: int, classes: int, *, dropout: float = 0.5) -> keras.Model:
    """Model-B: {"face": (size, size, depth, 1)} -> {"emotion": (classes,)}; the network of reddy2019's table I."""
    return stcnn(size, depth, classes, dropout=dropout)


def model_c(size: int, depth: int, classes: int, *, convolutions: int = 1, dropout: float = 0.5) -> keras.Model:
    """Model-C: input and output as in Model-A, with 32 filters and two poolings (section 5.4).

    By default there is one convolution before the two poolings, because section 8.2.1 says that Model-A has "more
    convolutional layers". With two convolutions, there is one before each pooling.
    """
    face = x = layers.Input((depth, size, size, 1), name="face")
    for number in (1, 2):
        if number <= convolutions:
            x = layers.Conv3D(FILTERS_C, KERNEL, padding="same", activation="relu", name=f"convolution_{number}")(x)
            x = layers.BatchNormalization(name=f"normalisation_{number}")(x)
        x = layers.MaxPooling3D(POOL, name=f"pooling_{number}")(x)
    x = layers.Dropout(dropout, name="dropout_1")(x)
    return _classified(face, x, classes, dropout, "glorot_uniform", "model_c")


def _classified(
    face: keras.KerasTensor, x: keras.KerasTensor, classes: int, dropout: float, initializer: str, name: str
) -> keras.Model:
    """The layers from flatten to softmax, which Model-A and Model-C share."""
    x = layers.Flatten(name="flatten")(x)
    x = layers.Dense(128, activation="relu", kernel_initializer=initializer, name="dense")(x)
    x = layers.Dropout(dropout, name="dense_dropout")(x)
    x = layers.Dense(classes, activation="softmax", kernel_initializer=initializer, name="emotion")(x)
    return keras.Model({"face": face}, {"emotion": x}, name=name)
