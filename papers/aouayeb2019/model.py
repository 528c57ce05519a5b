"""Aouayeb, Hamidouche, Kpalma, Benazza-Benyahia, MLSP 2019 (https://univ-rennes.hal.science/hal-02334439v1).

Six region CNNs read single frames (section 3.2, figure 4); six LSTMs read their features over a clip (section 3.3,
figure 1); both are trained with a focal cross-entropy (section 3.4, equation 2). Sizes are those of section 4.1.2.

The paper prints a total of 1,093,531 parameters. Six CNNs on four-channel images with global average pooling (106,852
each) and the LSTM part (452,419) have exactly this number; with three channels or with flattening they do not. Nor do
they with the CuDNNLSTM of Keras 2.2.4, which has two biases: the LSTMs must be plain ones, whose gates in that version
are hard sigmoids.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import keras
import numpy as np
from keras import layers, ops
from numpy.typing import NDArray

from common.training.layers import keras2_hard_sigmoid

Gates = str | Callable[[keras.KerasTensor], keras.KerasTensor]

CHANNELS = 4
FEATURES = 20
MASKED = -1.0
"""All values of a masked step. No frame has these features, since they come from a ReLU; all zeros it may have."""
CNN_PARAMETERS = 106_852
LSTM_PARAMETERS = 452_419
TOTAL_PARAMETERS = 1_093_531


def region_cnn(height: int, width: int, classes: int, name: str) -> tuple[keras.KerasTensor, keras.KerasTensor]:
    """One region's CNN (figure 4): frame (height, width, 4) in 0-1 -> class probabilities (classes,).

    `classes` includes "not me". The layer `<name>_features` gives the 20 spatial features that the LSTM part reads.
    """
    frame = layers.Input((height, width, CHANNELS), name=name)
    x = layers.Conv2D(4, 5, padding="same", activation="relu")(frame)
    x = layers.MaxPooling2D(2)(x)
    x = layers.Conv2D(8, 3, padding="same", activation="relu")(x)
    x = layers.MaxPooling2D(2)(x)
    parallel = [layers.Conv2D(16, size, padding="same", activation="relu")(x) for size in (1, 3, 5, 7)]
    x = layers.Concatenate()([x, *parallel])
    x = layers.GlobalAveragePooling2D()(x)
    x = layers.Dense(1024, activation="relu")(x)
    x = layers.Dropout(0.2)(x)
    x = layers.Dense(FEATURES, activation="relu", name=f"{name}_features")(x)
    return frame, layers.Dense(classes, activation="softmax", name=f"{name}_class")(x)


def region_cnns(sizes: Mapping[str, tuple[int, int]], classes: int) -> keras.Model:
    """The CNNs of all regions side by side: frames by region -> class probabilities by region.

    `sizes` gives (height, width) per region. The CNNs share no weights and each has its own loss, so one fit trains
    all of them as separate fits would ("we train the CNN model for each region separately", section 3.2).
    """
    branches = {name: region_cnn(height, width, classes, name) for name, (height, width) in sizes.items()}
    return keras.Model(
        {name: frame for name, (frame, _) in branches.items()},
        {name: output for name, (_, output) in branches.items()},
        name="region_cnns",
    )


def feature_extractor(cnns: keras.Model) -> keras.Model:
    """The trained CNNs without their last layer: frames by region -> features (20,) by region (section 3.2)."""
    return keras.Model(
        cnns.input, {name: cnns.get_layer(f"{name}_features").output for name in cnns.input}, name="features"
    )


def sequence_classifier(
    regions: tuple[str, ...], length: int, classes: int, gates: Gates = keras2_hard_sigmoid, masked: bool = False
) -> keras.Model:
    """Six LSTMs and the fully connected part (section 3.3): features (length, 20) by region -> {"emotion": (classes,)}.

    The LSTMs read all steps, or with `masked` only those whose features are not all `MASKED`. `gates` is the activation
    of their gates, by default that of Keras 2.2.4 (section 4.1.2), which Keras 3 does not have.
    """
    inputs = {name: layers.Input((length, FEATURES), name=name) for name in regions}
    streams = []
    for name, features in inputs.items():
        steps = layers.Masking(MASKED, name=f"{name}_steps")(features) if masked else features
        last = layers.LSTM(120, recurrent_activation=gates, name=f"{name}_lstm")(steps)
        streams.append(layers.Dropout(0.2)(last))
    x = layers.Concatenate()(streams)
    x = layers.Dense(64)(x)
    x = layers.LeakyReLU()(x)
    return keras.Model(inputs, {"emotion": layers.Dense(classes, activation="softmax", name="emotion")(x)})


# ---------------------------------------------------------------- equation 2


def focal_targets(y: NDArray[np.int64], classes: int, training: NDArray[np.int64]) -> NDArray[np.float32]:
    """Targets of `focal_loss` (n, 2, classes): the weights of both branches of equation 2 for each output.

    [:, 0] is alpha where y = 1, [:, 1] is 1 - alpha elsewhere, with alpha_c = 1 - n_c / n over the rows `training`
    only: the inverse frequencies of "class c" and "any other", scaled to sum to one. The weights are part of the
    targets, so that a fold with other class counts needs no new compilation.
    """
    alpha = 1 - np.bincount(y[training], minlength=classes) / len(training)
    true = np.eye(classes)[y]
    return np.stack([true * alpha, (1 - true) * (1 - alpha)], axis=1).astype(np.float32)


class FocalLoss(keras.losses.Loss):
    """Equation 2 summed over the outputs and averaged over the batch; gamma is not printed (2 in Lin et al. 2017)."""

    def __init__(self, gamma: float) -> None:
        super().__init__(name="focal_loss")
        self.gamma = gamma

    def call(self, y_true: keras.KerasTensor, y_pred: keras.KerasTensor) -> keras.KerasTensor:
        """y_true (batch, 2, classes) from `focal_targets`, y_pred (batch, classes) probabilities -> loss (batch,)."""
        p = ops.clip(y_pred, keras.config.epsilon(), 1 - keras.config.epsilon())
        positive = -y_true[:, 0] * (1 - p) ** self.gamma * ops.log(p)
        negative = -y_true[:, 1] * p**self.gamma * ops.log(1 - p)
        return ops.sum(positive + negative, axis=-1)


def accuracy(y_true: keras.KerasTensor, y_pred: keras.KerasTensor) -> keras.KerasTensor:
    """1 where the largest output is the true class, else 0; the true class is the one with a weight in y_true[:, 0]."""
    true = ops.argmax(y_true[:, 0], axis=-1)
    return ops.cast(ops.equal(true, ops.argmax(y_pred, axis=-1)), "float32")
