"""talluri2022 in Keras 2: Model-A, Split-Model, Model-B and Model-C.

Talluri, Fiedler, Al-Hamadi, "Deep 3D convolutional neural network for facial micro-expression analysis from video
images", Applied Sciences 12(21) 11078, 2022, sections 5 and 6. The paper names Keras on TensorFlow without a version.
It was submitted in August 2022, before TensorFlow 2.11 made new optimizers the default, so layers and losses are those
of tf_keras and the optimizers those of tf_keras.optimizers.legacy.

Inputs are (depth, height, width, 1), time first, as table 2 prints them. Model-B's 3x3x15 kernel is thus (15, 3, 3).
"""

import tf_keras as keras

DEPTHS = {"CASME II": 36, "SMIC": 26, "Combined": 30}  # section 5.1

# Smallest (depth, height, width) that keeps every layer.
SMALLEST = {
    "Model-A": (9, 9, 9),
    "Split-Model": (27, 27, 27),
    "Model-B": (17, 5, 5),
    "Model-C": (9, 9, 9),
}

# Counts that follow from table 2 and sections 5.2-5.4, by model and depth; the paper prints none.
PARAMETERS = {
    ("Model-A", 36): 1_613_651,
    ("Model-A", 26): 810_835,
    ("Model-A", 30): 1_212_243,
    ("Split-Model", 36): 47_779,
    ("Split-Model", 30): 47_779,
    ("Model-B", 36): 11_473_667,
    ("Model-B", 26): 6_558_467,
    ("Model-B", 30): 8_196_867,
    ("Model-C", 36): 3_212_803,
    ("Model-C", 26): 1_607_171,
    ("Model-C", 30): 2_409_987,
}
MODEL_C_TWO_CONVOLUTIONS = 3_240_611  # at depth 36

# Table 2: output shapes of Model-A at depth 36.
TABLE_2 = {
    "Conv3D-1": (36, 128, 128, 16),
    "BatchNorm-1": (36, 128, 128, 16),
    "3D-MaxPooling-1": (12, 42, 42, 16),
    "Dropout-1": (12, 42, 42, 16),
    "Conv3D-2": (12, 42, 42, 16),
    "BatchNorm-2": (12, 42, 42, 16),
    "3D-MaxPooling-2": (4, 14, 14, 16),
    "Dropout-2": (4, 14, 14, 16),
    "Flatten": (12_544,),
    "Dense-1": (128,),
    "Dropout-3": (128,),
    "Dense-2": (3,),
}

SILENT = (
    "The number of input channels is not given: 1.",
    "Which layers get the HeNormal initializer is not said outright: the convolutions, the sentence's subject; "
    "the dense layers keep Keras' default.",
    "'ReLU across all feasible layers' is read as the convolutions (before the normalization, the order of figure 3) "
    "and the first dense layer.",
    "The settings of the batch normalization are not given: Keras' defaults, 0.99 and 0.001.",
    "The strides and padding of the pooling are not given: Keras' defaults, the only ones that give table 2.",
    "Model-B's activations and initial weights are left to its paper, which prints none either: ReLU and the defaults.",
    "Model-B is described without the dropout after the last dense layer of its paper's table I: none.",
    "Model-B's learning rate is not given: Keras' default, 0.01, without momentum.",
    "Model-C: section 8.2.1 says Model-A has more convolutional layers, so one; "
    "both max-pooling blocks follow it (convolutions=2 gives each block one).",
    "Model-C's padding, activations and initial weights are not given: as Model-A's, on which section 6.3 says the "
    "assumptions were based.",
    "Where Model-C's dropout stands is not given: as in Model-A, after each max pooling and the first dense layer.",
    "The decay of Model-C's learning rate is per update, as in Keras: 0.001 / (1 + 1e-6 updates).",
)


def _conv_block(number: int, dropout: float) -> list[keras.layers.Layer]:
    """Return the layers of one Conv block (figure 3)."""
    layers = keras.layers
    return [
        layers.Conv3D(
            16, 3, padding="same", activation="relu", kernel_initializer="he_normal", name=f"Conv3D-{number}"
        ),
        layers.BatchNormalization(name=f"BatchNorm-{number}"),
        layers.MaxPooling3D(3, name=f"3D-MaxPooling-{number}"),
        layers.Dropout(dropout, name=f"Dropout-{number}"),
    ]


def _dense_layers(classes: int, dropout: float, dropout_number: int) -> list[keras.layers.Layer]:
    """Return the layers from the flatten layer to the probabilities (section 5.1)."""
    layers = keras.layers
    return [
        layers.Flatten(name="Flatten"),
        layers.Dense(128, activation="relu", name="Dense-1"),
        layers.Dropout(dropout, name=f"Dropout-{dropout_number}"),
        layers.Dense(classes, activation="softmax", name="Dense-2"),
    ]


def model_a(
    depth: int = 36, height: int = 128, width: int = 128, classes: int = 3, dropout: float = 0.4
) -> keras.Model:
    """Return Model-A (section 5.1, table 2): a clip (depth, height, width, 1) to class probabilities."""
    clip = keras.layers.Input((depth, height, width, 1), name="Input")
    blocks = _conv_block(1, dropout) + _conv_block(2, dropout)
    return keras.Sequential([clip, *blocks, *_dense_layers(classes, dropout, 3)], name="Model-A")


def split_model(
    depth: int = 36, height: int = 128, width: int = 128, classes: int = 3, dropout: float = 0.4
) -> keras.Model:
    """Return the Split-Model (section 5.2), Model-A with three Conv blocks."""
    clip = keras.layers.Input((depth, height, width, 1), name="Input")
    blocks = _conv_block(1, dropout) + _conv_block(2, dropout) + _conv_block(3, dropout)
    return keras.Sequential([clip, *blocks, *_dense_layers(classes, dropout, 4)], name="Split-Model")


def model_b(depth: int = 36, height: int = 64, width: int = 64, classes: int = 3, dropout: float = 0.5) -> keras.Model:
    """Return Model-B (section 5.3), MicroExpSTCNN as this paper describes it."""
    layers = keras.layers
    return keras.Sequential(
        [
            layers.Input((depth, height, width, 1), name="Input"),
            layers.Conv3D(32, (15, 3, 3), activation="relu", name="Conv3D-1"),
            layers.MaxPooling3D(3, name="3D-MaxPooling-1"),
            layers.Dropout(dropout, name="Dropout-1"),
            *_dense_layers(classes, dropout, 2),
        ],
        name="Model-B",
    )


def model_c(
    depth: int = 36,
    height: int = 128,
    width: int = 128,
    classes: int = 3,
    dropout: float = 0.5,
    convolutions: int = 1,
) -> keras.Model:
    """Return Model-C (section 5.4): a convolution with batch normalization, then two max-pooling blocks.

    With convolutions=2 a second convolution with batch normalization precedes the second block.
    """
    layers = keras.layers
    blocks = []
    for number in (1, 2):
        if number <= convolutions:
            blocks += [
                layers.Conv3D(
                    32, 3, padding="same", activation="relu", kernel_initializer="he_normal", name=f"Conv3D-{number}"
                ),
                layers.BatchNormalization(name=f"BatchNorm-{number}"),
            ]
        blocks += [
            layers.MaxPooling3D(3, name=f"3D-MaxPooling-{number}"),
            layers.Dropout(dropout, name=f"Dropout-{number}"),
        ]
    clip = layers.Input((depth, height, width, 1), name="Input")
    return keras.Sequential([clip, *blocks, *_dense_layers(classes, dropout, 3)], name="Model-C")


def loss() -> keras.losses.Loss:
    """Return the categorical cross-entropy of one-hot labels and probabilities (section 6)."""
    return keras.losses.CategoricalCrossentropy()


def optimizer(model: str = "Model-A") -> keras.optimizers.legacy.Optimizer:
    """Return the SGD of section 6 for "Model-A", "Split-Model", "Model-B" or "Model-C"."""
    sgd = keras.optimizers.legacy.SGD
    settings = {
        "Model-A": {"learning_rate": 0.001, "momentum": 0.9},
        "Split-Model": {"learning_rate": 0.001, "momentum": 0.9},
        "Model-B": {"learning_rate": 0.01},
        # The legacy optimizers divide the learning rate by 1 + decay * updates, as Keras 2 did; the others reject it.
        "Model-C": {"learning_rate": 0.001, "momentum": 0.9, "nesterov": True, "decay": 1e-6},
    }
    return sgd(**settings[model])
