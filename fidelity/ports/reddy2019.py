"""reddy2019 in Keras 2: MicroExpSTCNN and the two MicroExpFuseNets.

Reddy, Karri, Dubey, Mukherjee, "Spontaneous facial micro-expression recognition using 3D spatiotemporal convolutional
neural networks", IJCNN 2019, tables I-III and section IV.B. The authors' code is for Keras 2.0.0; what that version
does differently from tf_keras is set by hand.

Inputs are (height, width, depth, 1), time last, as the tables print them, so the kernel is 3x3x15. The tables put the
channels first, which TensorFlow's 3D convolution cannot do on a CPU; only the order of the flattened values differs.
"""

import tensorflow as tf
import tf_keras as keras

SMALLEST = (5, 5, 17)  # height, width, depth: the 3x3x15 convolution leaves 3x3x3 for the pooling

# Derived from tables I-III at depths 96 (CAS(ME)^2) and 18 (SMIC); the paper prints no parameter counts.
PARAMETERS = {
    ("stcnn", 96): 44_241_667,
    ("stcnn", 18): 1_643_267,
    ("intermediate", 96): 177_088_515,
    ("intermediate", 18): 6_694_915,
    ("late", 96): 177_221_123,
    ("late", 18): 6_827_523,
}
FLATTENED = {"stcnn": 345_600, "stream": 86_400}  # tables I-III

EPSILON = 10e-8  # _EPSILON of Keras 2.0.0 (keras/backend/common.py)

SILENT = (
    "No activation is printed: ReLU on the convolutions and on the dense layer of MicroExpSTCNN, as in the code.",
    "Section III.A says that dense layers add non-linearity, the code's FuseNet dense layers are linear: ReLU by "
    "default, dense_activation='linear' for the code's.",
    "The dropout rates are not given: 0.5, as in the code.",
    "Table I prints a dropout of the three outputs after the last dense layer, the code has none: present by default, "
    "last_dropout=False for the code's.",
    "Table II prints 86,400 values after the concatenation of two times 86,400, and 20x20x27 for the dropouts of "
    "10x10x27: read as misprints.",
    "Table III does not say which dense layers belong to which stream: 1 and 3 to the eyes, 2 and 4 to the mouth.",
    "Which input is the eyes is not given: the first.",
    "Pooling strides, paddings, biases and initial weights are not given: the defaults of Keras 2.0.0.",
    "The optimizer is SGD 'with the default learning rate schedule': Keras 2.0.0's defaults, 0.01, no momentum, "
    "no decay.",
    "Whether depth or width comes first in 3x3x15 is left to the output sizes: 96 becomes 82, so 15 is time.",
)


def _convolution(clip: tf.Tensor, dropout: float, suffix: str = "") -> tf.Tensor:
    """Apply the rows shared by tables I-III: 3D convolution, max pooling, dropout and flatten."""
    layers = keras.layers
    x = layers.Conv3D(
        32,
        (3, 3, 15),
        activation="relu",
        # Keras 2.0.0 counts only the first two axes of a kernel in its fans (keras/initializers.py, _compute_fans:
        # shape[:2]; shape[:-2] since 2.0.6), so its Glorot variance is 15 times that of tf_keras.
        kernel_initializer=keras.initializers.VarianceScaling(15.0, mode="fan_avg", distribution="uniform"),
        name=f"3D-Convolution{suffix}",
    )(clip)
    x = layers.MaxPooling3D(3, name=f"3D-Maxpooling{suffix}")(x)
    x = layers.Dropout(dropout, name=f"Dropout{suffix or '-1'}")(x)
    return layers.Flatten(name=f"Flatten{suffix}")(x)


def micro_exp_stcnn(
    height: int = 64,
    width: int = 64,
    depth: int = 96,
    classes: int = 3,
    dropout: float = 0.5,
    last_dropout: bool = True,
) -> keras.Model:
    """Return MicroExpSTCNN (table I): a face clip (height, width, depth, 1) to class probabilities.

    Smallest clip: SMALLEST. last_dropout is the last row of table I.
    """
    layers = keras.layers
    clip = layers.Input((height, width, depth, 1), name="Input")
    x = _convolution(clip, dropout)
    x = layers.Dense(128, activation="relu", name="Dense-1")(x)
    x = layers.Dropout(dropout, name="Dropout-2")(x)
    x = layers.Dense(classes, name="Dense-2")(x)
    if last_dropout:
        x = layers.Dropout(dropout, name="Dropout-3")(x)
    return keras.Model(clip, layers.Activation("softmax", name="Softmax")(x), name="MicroExpSTCNN")


def fusenet_intermediate(
    height: int = 32,
    width: int = 32,
    depth: int = 96,
    classes: int = 3,
    dropout: float = 0.5,
    dense_activation: str = "relu",
) -> keras.Model:
    """Return the intermediate MicroExpFuseNet (table II): eyes and mouth, each (height, width, depth, 1).

    Gives class probabilities. Smallest clips: SMALLEST.
    """
    layers = keras.layers
    clips = [layers.Input((height, width, depth, 1), name=f"Input-{i}") for i in (1, 2)]
    streams = [_convolution(clip, dropout, f"-{i}") for i, clip in enumerate(clips, 1)]
    x = layers.Concatenate(name="Concatenate")(streams)
    x = layers.Dense(1024, activation=dense_activation, name="Dense-1")(x)
    x = layers.Dropout(dropout, name="Dropout-3")(x)
    x = layers.Dense(128, activation=dense_activation, name="Dense-2")(x)
    x = layers.Dropout(dropout, name="Dropout-4")(x)
    x = layers.Dense(classes, activation="softmax", name="Dense-3")(x)
    return keras.Model(clips, x, name="MicroExpFuseNet-Intermediate")


def fusenet_late(
    height: int = 32,
    width: int = 32,
    depth: int = 96,
    classes: int = 3,
    dropout: float = 0.5,
    dense_activation: str = "relu",
) -> keras.Model:
    """Return the late MicroExpFuseNet (table III): eyes and mouth, each (height, width, depth, 1).

    Gives class probabilities. Smallest clips: SMALLEST. The dropouts, whose numbers the table repeats, are numbered on.
    """
    layers = keras.layers
    clips = [layers.Input((height, width, depth, 1), name=f"Input-{i}") for i in (1, 2)]
    streams = []
    for i, clip in enumerate(clips, 1):
        x = _convolution(clip, dropout, f"-{i}")
        x = layers.Dense(1024, activation=dense_activation, name=f"Dense-{i}")(x)
        x = layers.Dropout(dropout, name=f"Dropout-{i + 2}")(x)
        x = layers.Dense(128, activation=dense_activation, name=f"Dense-{i + 2}")(x)
        streams.append(layers.Dropout(dropout, name=f"Dropout-{i + 4}")(x))
    x = layers.Concatenate(name="Concatenate")(streams)
    return keras.Model(
        clips, layers.Dense(classes, activation="softmax", name="Dense-5")(x), name="MicroExpFuseNet-Late"
    )


def loss(y_true: tf.Tensor, y_pred: tf.Tensor) -> tf.Tensor:
    """Return the categorical cross-entropy per sample of one-hot labels and probabilities, as Keras 2.0.0 computes it.

    Keras 2.0.0 (keras/backend/tensorflow_backend.py) rescales and clips the probabilities; tf_keras uses the inputs of
    the softmax instead, so that its loss and gradient have no limit at probabilities below 1e-7.
    """
    y_true = tf.cast(y_true, y_pred.dtype)
    p = y_pred / tf.reduce_sum(y_pred, axis=-1, keepdims=True)
    p = tf.clip_by_value(p, EPSILON, 1.0 - EPSILON)
    return -tf.reduce_sum(y_true * tf.math.log(p), axis=-1)


def optimizer() -> keras.optimizers.Optimizer:
    """Return SGD with the defaults of Keras 2.0.0 (keras/optimizers.py): 0.01, no momentum, no decay."""
    return keras.optimizers.SGD(0.01, momentum=0.0, nesterov=False, jit_compile=False)
