"""Kumar, Theagarajan, Peraza, Bhanu, CVPR Workshops 2019: ResNet34 on Emotion Avatar Images (section 3.5, figure 1).

The residual network with 34 layers of He et al. (2016, table 1): a convolution of 7 x 7, then 3, 4, 6 and 3 blocks of
two convolutions of 3 x 3 with a shortcut around them. "Batch normalization is carried out before each convolution
layer" is not what He et al. do; the parameter `before` follows that sentence.
"""

from __future__ import annotations

import keras
from keras import layers

from common.contract import Shapes
from common.training import pretrained, weight_files
from common.training.single_network import TrainingConfig
from common.training.weights import SAFETENSORS
from papers.kumar2019.experiments import FILE, Network, Training

FILTERS = (64, 128, 256, 512)
BLOCKS = (3, 4, 6, 3)
WEIGHT_DECAY = 5e-4
MOMENTUM, EPSILON = 0.9, 1e-5
"""Momentum and epsilon of batch normalisation, as in He et al. With Keras' momentum of 0.99, the statistics after a
short training would still be mostly the initial ones."""
MEAN, DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
"""Of red, green and blue in 0-1 over ImageNet, as in torchvision: what its weights expect to be taken out."""


def build(network: Network, shapes: Shapes, classes: int) -> keras.Model:
    """ResNet34 for {"avatar": (size, size, 3)}, with its initial weights.

    From a file it starts with the weights of torchvision's ResNet34 and the input that they require. Raises UserError
    for a file that does not fit, and in the same cases as `Weights.file`.
    """
    size = shapes["avatar"][0]
    if not network.weights.files:
        return resnet34(size, classes, before=network.normalised_first)
    model = resnet34(size, classes, before=network.normalised_first, imagenet=True)
    path, _ = network.weights.file(FILE, SAFETENSORS)
    names = torchvision_names()
    pretrained.from_named(
        keras.Model(model.input, model.get_layer("scores").output, name=model.name),  # its last layer is not read
        path,
        weight_files.from_safetensors,
        lambda layer, weight: f"{names[layer]}.{weight_files.PYTORCH_NAMES[weight]}",
        weight_files.PYTORCH_KERNEL,
    )
    return model


def torchvision_names() -> dict[str, str]:
    """torchvision's module for each layer with weights except the last."""
    names = {"stem_convolution": "conv1", "stem_normalisation": "bn1"}
    for stage, blocks in enumerate(BLOCKS, start=1):
        for block in range(blocks):
            ours, theirs = f"stage{stage}_block{block + 1}", f"layer{stage}.{block}"
            for part, convolution, normalisation in (
                ("first", "conv1", "bn1"),
                ("second", "conv2", "bn2"),
                ("shortcut", "downsample.0", "downsample.1"),
            ):
                names[f"{ours}_{part}_convolution"] = f"{theirs}.{convolution}"
                names[f"{ours}_{part}_normalisation"] = f"{theirs}.{normalisation}"
    return names


def training_config(network: Network, training: Training) -> TrainingConfig:
    """How the network is trained (section 3.5, table 1): on all magnifications of a clip; one of them is tested."""
    return TrainingConfig(
        name="ResNet34, normalised first" if network.normalised_first else "ResNet34",
        optimizer=keras.optimizers.SGD(training.learning_rate, momentum=training.momentum),
        rate=lambda epoch: training.learning_rate / 2 ** (epoch // training.halved_every),
        batch=training.batch,
        epochs=training.epochs,
        trained_views=training.trained_alphas,
        tested_view=training.tested_alpha,
    )


def resnet34(size: int, classes: int, *, before: bool = False, imagenet: bool = False) -> keras.Model:
    """ResNet34: {"avatar": (size, size, 3)} in 0-1 -> {"emotion": (classes,)} probabilities.

    Batch normalisation follows each convolution, as in He et al., or stands `before` it. In training, images are
    mirrored at random. With `imagenet`, the mean and the deviation of ImageNet are taken out of the colours. The layer
    `scores` gives the scores before the softmax.
    """
    convolved = _normalised_first if before else _normalised_last
    avatar = layers.Input((size, size, 3), name="avatar")
    x = layers.RandomFlip("horizontal", name="mirrored")(avatar)
    if imagenet:
        scale, offset = [1 / d for d in DEVIATION], [-m / d for m, d in zip(MEAN, DEVIATION, strict=True)]
        x = layers.Rescaling(scale, offset, name="colours")(x)
    x = convolved(x, FILTERS[0], 7, 2, True, "stem")
    x = layers.ZeroPadding2D(1, name="pooling_padding")(x)  # on every side; no value before it is negative
    x = layers.MaxPooling2D(3, 2, name="pooling")(x)
    for stage, (filters, blocks) in enumerate(zip(FILTERS, BLOCKS, strict=True), start=1):
        for block in range(1, blocks + 1):
            name, stride = f"stage{stage}_block{block}", 2 if stage > 1 and block == 1 else 1
            shortcut = convolved(x, filters, 1, stride, False, f"{name}_shortcut") if stride > 1 else x
            x = convolved(x, filters, 3, stride, True, f"{name}_first")
            x = convolved(x, filters, 3, 1, False, f"{name}_second")
            x = layers.Add(name=f"{name}_sum")([x, shortcut])
            x = layers.ReLU(name=name)(x)
    x = layers.GlobalAveragePooling2D(name="average")(x)
    x = layers.Dense(classes, kernel_regularizer=_decay(), name="scores")(x)
    return keras.Model({"avatar": avatar}, {"emotion": layers.Softmax(name="emotion")(x)}, name="resnet34")


def _normalised_last(
    x: keras.KerasTensor, filters: int, kernel: int, stride: int, active: bool, name: str
) -> keras.KerasTensor:
    """Convolution, batch normalisation, ReLU."""
    x = _convolution(x, filters, kernel, stride, name)
    x = layers.BatchNormalization(momentum=MOMENTUM, epsilon=EPSILON, name=f"{name}_normalisation")(x)
    return layers.ReLU(name=f"{name}_relu")(x) if active else x


def _normalised_first(
    x: keras.KerasTensor, filters: int, kernel: int, stride: int, active: bool, name: str
) -> keras.KerasTensor:
    """Batch normalisation, convolution, ReLU."""
    x = layers.BatchNormalization(momentum=MOMENTUM, epsilon=EPSILON, name=f"{name}_normalisation")(x)
    x = _convolution(x, filters, kernel, stride, name)
    return layers.ReLU(name=f"{name}_relu")(x) if active else x


def _convolution(x: keras.KerasTensor, filters: int, kernel: int, stride: int, name: str) -> keras.KerasTensor:
    """A convolution without bias, which normalisation would remove; half the kernel is padded on every side.

    With a stride, Keras' "same" would pad more on the right and at the bottom. Without one it is the same padding, and
    no padded copy of the data stays in memory until its gradient is computed.
    """
    if kernel > 1 and stride > 1:
        x = layers.ZeroPadding2D(kernel // 2, name=f"{name}_padding")(x)
    return layers.Conv2D(
        filters,
        kernel,
        stride,
        padding="same" if stride == 1 else "valid",
        use_bias=False,
        kernel_initializer=keras.initializers.VarianceScaling(2.0, "fan_out", "untruncated_normal"),
        kernel_regularizer=_decay(),
        name=f"{name}_convolution",
    )(x)


def _decay() -> keras.regularizers.Regularizer:
    """The penalty whose gradient is weight decay times the weight (table 1): half of it times the square."""
    return keras.regularizers.L2(WEIGHT_DECAY / 2)
