"""kumar2019: ResNet34 on Emotion Avatar Images.

Kumar, Theagarajan, Peraza, Bhanu, "Classification of facial micro-expressions using motion magnified emotion avatar
images", CVPR Workshops 2019, section 3.5 and table 1. The paper names no framework; this is tf_keras.
"""

import tensorflow as tf
import tf_keras as keras

SMALLEST = (32, 32)  # five halvings; from here on the last stage has one value per channel

# The paper prints no parameter counts; these follow from He et al. 2016 with three classes (moving statistics counted).
PARAMETERS = 21_303_235
PARAMETERS_NORMALIZED_BEFORE = 21_299_407

STAGES = ((64, 3), (128, 4), (256, 6), (512, 3))  # filters and blocks of conv2_x to conv5_x (He et al., table 1)

LEARNING_RATE = 1e-3
MOMENTUM = 0.9
WEIGHT_DECAY = 5e-4

SILENT = (
    "Batch normalization 'before each convolution layer' contradicts the ResNet34 of He et al. that the paper cites, "
    "where it follows: after by default, normalize_before=True for the literal text.",
    "Which shortcut changes the number of channels is not given: a 1x1 convolution with normalization "
    "(option B of He et al.), as in torchvision's ResNet34.",
    "Padding is not given: as many zeros on both sides, as in torchvision's ResNet34.",
    "The settings of the batch normalization are not given: momentum 0.9 and epsilon 1e-5, "
    "as in torchvision's ResNet34, not Keras' 0.99 and 0.001.",
    "The initial weights are not given: at random after He et al. 2015 (normal, variance 2 / fan-in), biases 0.",
    "The number of channels of the image is not given: 3.",
    "The loss is not named: categorical cross-entropy.",
    "Weight decay is taken as part of SGD (added to the gradient before the momentum), for all trainable weights.",
    "'Decreased after every 5 epochs by a factor of 2' is taken as halved at epochs 5, 10, 15 (counted from 0).",
    "The number of epochs is not given: left to the caller.",
)

_INITIALIZER = {"scale": 2.0, "mode": "fan_in", "distribution": "untruncated_normal"}


def _convolution(
    x: tf.Tensor, filters: int, size: int, stride: int, name: str, before: bool, momentum: float, epsilon: float
) -> tf.Tensor:
    """Apply a convolution without bias, and batch normalization after it, or before it."""
    layers = keras.layers

    def normalize(y: tf.Tensor) -> tf.Tensor:
        return layers.BatchNormalization(momentum=momentum, epsilon=epsilon, name=f"{name}_normalization")(y)

    if before:
        x = normalize(x)
    if size > 1:
        x = layers.ZeroPadding2D(size // 2, name=f"{name}_padding")(x)
    initializer = keras.initializers.VarianceScaling(**_INITIALIZER)
    x = layers.Conv2D(filters, size, stride, use_bias=False, kernel_initializer=initializer, name=name)(x)
    return x if before else normalize(x)


def resnet34(
    height: int = 224,
    width: int = 224,
    classes: int = 3,
    channels: int = 3,
    normalize_before: bool = False,
    momentum: float = 0.9,
    epsilon: float = 1e-5,
) -> keras.Model:
    """Return ResNet34: an image (height, width, channels) to class probabilities.

    Layers are named after table 1 of He et al. 2016 (stage, block, convolution). There is no dropout. momentum and
    epsilon are those of the batch normalization. Smallest image: SMALLEST.
    """
    layers = keras.layers
    settings = (normalize_before, momentum, epsilon)
    image = layers.Input((height, width, channels), name="image")
    x = _convolution(image, 64, 7, 2, "conv1", *settings)
    x = layers.ReLU(name="conv1_relu")(x)
    x = layers.ZeroPadding2D(1, name="max_pool_padding")(x)  # after ReLU zeros never win against a value
    x = layers.MaxPooling2D(3, 2, name="max_pool")(x)
    for stage, (filters, blocks) in enumerate(STAGES, 2):
        for block in range(1, blocks + 1):
            name = f"conv{stage}_{block}"
            stride = 2 if block == 1 and stage > 2 else 1
            y = _convolution(x, filters, 3, stride, f"{name}_conv1", *settings)
            y = layers.ReLU(name=f"{name}_relu1")(y)
            y = _convolution(y, filters, 3, 1, f"{name}_conv2", *settings)
            if stride == 2:
                x = _convolution(x, filters, 1, 2, f"{name}_shortcut", *settings)
            x = layers.Add(name=f"{name}_add")([y, x])
            x = layers.ReLU(name=f"{name}_relu2")(x)
    x = layers.GlobalAveragePooling2D(name="average_pool")(x)
    initializer = keras.initializers.VarianceScaling(**_INITIALIZER)
    x = layers.Dense(classes, activation="softmax", kernel_initializer=initializer, name="dense")(x)
    return keras.Model(image, x, name="ResNet34")


def loss() -> keras.losses.Loss:
    """Return the categorical cross-entropy of one-hot labels and probabilities."""
    return keras.losses.CategoricalCrossentropy()


class SGD(keras.optimizers.SGD):
    """SGD with momentum, and weight decay as an L2 penalty: added to the gradient before the momentum.

    The weight_decay option of tf_keras scales the weights apart from the gradient instead.
    """

    def update_step(self, gradient: tf.Tensor, variable: tf.Variable) -> None:
        """Update one variable."""
        super().update_step(gradient + WEIGHT_DECAY * variable, variable)


def optimizer() -> keras.optimizers.Optimizer:
    """Return the SGD of table 1: learning rate 1e-3, momentum 0.9, weight decay 5e-4."""
    return SGD(LEARNING_RATE, momentum=MOMENTUM, jit_compile=False)


def learning_rate(epoch: int) -> float:
    """Return the learning rate at an epoch, counted from 0, for keras.callbacks.LearningRateScheduler."""
    return float(LEARNING_RATE * 0.5 ** (epoch // 5))
