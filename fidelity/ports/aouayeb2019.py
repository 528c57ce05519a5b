"""aouayeb2019 in Keras 2: six region CNNs on frames, then six LSTMs and a classifier.

Aouayeb, Hamidouche, Kpalma, Benazza-Benyahia, "A spatiotemporal deep learning solution for automatic
micro-expressions recognition from local facial regions", MLSP 2019, sections 3.2-3.4 and 4.1.2. The paper
names keras-gpu 2.2.4 and tensorflow-gpu 1.12.0; what that version does differently from tf_keras is set by hand.
"""

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType

import tensorflow as tf
import tf_keras as keras

# Section 4.1.2 gives (width, height) of each region.
REGION_SIZES: Mapping[str, tuple[int, int]] = MappingProxyType(
    {
        "region0": (100, 80),  # left eye and eyebrow
        "region1": (100, 80),  # right eye and eyebrow
        "region2": (120, 80),  # nose
        "region3": (60, 60),  # left cheek
        "region4": (60, 60),  # right cheek
        "region5": (160, 60),  # mouth
    }
)
SMALLEST = 12  # pixels: the second max pooling then sees 2x2 with "valid" padding (4 pixels with "same")

PRINTED_PARAMETERS = 1_093_531  # section 5: six region CNNs and the LSTM part
REGION_CNN_PARAMETERS = 106_852
LSTM_PART_PARAMETERS = 452_419

EPSILON = 1e-7  # K.epsilon() of Keras 2.2.4 (keras/backend/common.py)

SILENT = (
    "The padding of the first two convolutions is not given: Keras' default, valid; "
    "the four parallel ones must be same, or they cannot be concatenated.",
    "The size of the max pooling is not given: Keras' default, 2x2 with stride 2.",
    "The text concatenates with the output of the second convolution, whose size only fits after its pooling: "
    "the pooled output is used.",
    "The text says average-pooling without a size: global, the only one that gives the printed parameter count.",
    "The number of input channels is not given: 4, the only one that gives the printed parameter count.",
    "The LSTM's recurrent dropout and masking are not mentioned: none; dropout is a layer after each LSTM.",
    "Whether the LSTM returns the sequence or the last output is not given: the last output.",
    "The slope of the leaky ReLU is not given: 0.3, Keras' default.",
    "The value of gamma in the focal loss is not given: 2, the default of Lin et al.",
    "Alpha is the inverse class frequency in [0, 1] without a formula: inverse counts divided by their sum.",
    "Equation 2 is for one binary output: it is summed over the classes, as Keras' categorical cross-entropy is, "
    "and averaged over the batch; the logarithms are clipped by Keras 2.2.4's epsilon.",
    "The text says multi-label, the classifiers end in a softmax: labels are one-hot.",
    "The optimizer and learning rate are not given: Adam 1e-4, as in the authors' later code.",
    "Sequences are filled with zeros up to 500: the features are padded, not the frames. The text has the zeros at the "
    "end, from where they would erase the state of the LSTMs: they come first, as in the authors' later code.",
)


def region_cnn(
    height: int = 80,
    width: int = 100,
    classes: int = 4,
    channels: int = 4,
    dropout: float = 0.2,
    padding: str = "valid",
) -> keras.Model:
    """Return the CNN of one region: a frame (height, width, channels) to probabilities (three classes and "not me").

    Section 3.2, figure 4. The layer "features" gives the 20 spatial features. Smallest frame: SMALLEST x SMALLEST.
    """
    layers = keras.layers
    frame = layers.Input((height, width, channels), name="frame")
    x = layers.Conv2D(4, 5, padding=padding, activation="relu", name="convolution1")(frame)
    x = layers.MaxPooling2D(2, name="max_pooling1")(x)
    x = layers.Conv2D(8, 3, padding=padding, activation="relu", name="convolution2")(x)
    x = layers.MaxPooling2D(2, name="max_pooling2")(x)
    parallel = [
        layers.Conv2D(16, size, padding="same", activation="relu", name=f"convolution3_{size}x{size}")(x)
        for size in (1, 3, 5, 7)
    ]
    x = layers.Concatenate(name="concatenate")([*parallel, x])
    x = layers.GlobalAveragePooling2D(name="average_pooling")(x)
    x = layers.Dense(1024, activation="relu", name="dense_1024")(x)
    x = layers.Dropout(dropout, name="dropout")(x)
    x = layers.Dense(20, activation="relu", name="features")(x)
    return keras.Model(frame, layers.Dense(classes, activation="softmax", name="classification")(x), name="region_cnn")


def spatial_features(cnn: keras.Model) -> keras.Model:
    """Return a region CNN without its last layer: a frame to 20 features."""
    return keras.Model(cnn.input, cnn.get_layer("features").output, name="spatial_features")


def lstm_part(
    length: int = 500,
    features: int = 20,
    regions: int = 6,
    classes: int = 3,
    units: int = 120,
    dropout: float = 0.2,
) -> keras.Model:
    """Return the LSTM and FCL part: one sequence (length, features) per region to class probabilities.

    Section 3.3, figure 1. Smallest length: 1.
    """
    layers = keras.layers
    sequences = [layers.Input((length, features), name=f"features{i}") for i in range(regions)]
    blocks = []
    for i, sequence in enumerate(sequences):
        # Keras 2.2.4 has hard_sigmoid (0.2 x + 0.5, clipped) for the gates; tf_keras has sigmoid. The recurrent kernel
        # is orthogonal in both (by SVD there, by QR here), and the bias of the forget gate starts at one in both.
        x = layers.LSTM(
            units,
            recurrent_activation="hard_sigmoid",
            kernel_initializer="glorot_uniform",
            recurrent_initializer="orthogonal",
            unit_forget_bias=True,
            implementation=1,
            name=f"lstm{i}",
        )(sequence)
        blocks.append(layers.Dropout(dropout, name=f"dropout{i}")(x))
    x = layers.Concatenate(name="concatenate")(blocks)
    x = layers.Dense(64, name="dense_64")(x)
    x = layers.LeakyReLU(0.3, name="leaky_relu")(x)
    return keras.Model(sequences, layers.Dense(classes, activation="softmax", name="classification")(x), name="lstm")


def whole_system(
    frames: int = 500,
    length: int = 500,
    sizes: Sequence[tuple[int, int]] = tuple(REGION_SIZES.values()),
    classes: int = 3,
    channels: int = 4,
    dropout: float = 0.2,
    padding: str = "valid",
) -> keras.Model:
    """Return the system of figure 1: one clip (frames, height, width, channels) per region to class probabilities.

    The features of the frames are preceded by zeros up to length (frames <= length). The paper trains the
    parts separately: take them with get_layer("region0") ... and get_layer("lstm"). This model lacks the six last
    layers of the CNNs (84 parameters each), which the printed count includes.
    """
    layers = keras.layers
    clips, sequences = [], []
    for i, (width, height) in enumerate(sizes):
        clip = layers.Input((frames, height, width, channels), name=f"clip{i}")
        cnn = spatial_features(region_cnn(height, width, channels=channels, dropout=dropout, padding=padding))
        x = layers.TimeDistributed(cnn, name=f"region{i}")(clip)
        sequences.append(layers.ZeroPadding1D((length - frames, 0), name=f"padding{i}")(x))
        clips.append(clip)
    temporal = lstm_part(length, regions=len(clips), classes=classes, dropout=dropout)
    return keras.Model(clips, temporal(sequences), name="whole_system")


def inverse_class_frequency(counts: Sequence[int]) -> list[float]:
    """Return alpha of equation 2 per class: the inverse of the class counts, divided by their sum."""
    inverse = [1.0 / count for count in counts]
    return [value / sum(inverse) for value in inverse]


def focal_loss(alpha: float | Sequence[float], gamma: float = 2.0) -> Callable[[tf.Tensor, tf.Tensor], tf.Tensor]:
    """Return equation 2 as a loss of one-hot labels and probabilities, both (batch, classes): one value per sample.

    alpha is one number or one per class.
    """

    def loss(y_true: tf.Tensor, y_pred: tf.Tensor) -> tf.Tensor:
        y_true, weights = tf.cast(y_true, y_pred.dtype), tf.constant(alpha, y_pred.dtype)  # float64 in comparisons
        p = tf.clip_by_value(y_pred, EPSILON, 1.0 - EPSILON)
        positive = weights * (1.0 - p) ** gamma * tf.math.log(p)
        negative = (1.0 - weights) * p**gamma * tf.math.log(1.0 - p)
        return -tf.reduce_sum(y_true * positive + (1.0 - y_true) * negative, axis=-1)

    return loss


def optimizer() -> keras.optimizers.Optimizer:
    """Return Adam with learning rate 1e-4 and the settings of Keras 2.2.4 (keras/optimizers.py: epsilon 1e-7)."""
    return keras.optimizers.Adam(1e-4, beta_1=0.9, beta_2=0.999, epsilon=EPSILON, amsgrad=False, jit_compile=False)
