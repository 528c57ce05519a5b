"""Layers that Keras 3 lacks, and conversion of networks to Keras' own layers for saving.

Pooling over three axes with the same gradient as in JAX and PyTorch, and as in TensorFlow over two axes: if the largest
values of a window are equal, as they are wherever ReLU has left only zeros, the first of them gets the gradient.
TensorFlow's pooling over three axes on a CPU gives the full gradient to each of them, so that a normalisation between
convolution and pooling learns from up to 27 times the correct gradient.

Normalisation of data with three axes, with the gradient in closed form: the same numbers up to rounding, in less time;
normalisation took most of a training step of Model-A.

The hard sigmoid that Keras had until version 3, the default for the gates of its LSTMs until 2.3.0.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import keras
import numpy as np
from keras import layers, ops
from numpy.typing import NDArray

STEEPER = 1.2
"""The ratio of the slope of Keras 2's hard sigmoid, 0.2, to that of Keras 3's, 1 / 6."""


class Pooling(layers.MaxPooling3D):
    """MaxPooling3D over two axes and then over the third: (n, d, h, w, c) -> (n, d', h', w', c).

    Without overlap and padding, and with channels last.
    """

    def call(self, inputs: keras.KerasTensor) -> keras.KerasTensor:
        deep, *wide = self.pool_size
        depth, _, _, channels = inputs.shape[1:]
        pooled = ops.max_pool(ops.reshape(inputs, (-1, *inputs.shape[2:])), wide)
        _, height, width, _ = pooled.shape
        pooled = ops.max_pool(ops.reshape(pooled, (-1, depth, height * width, channels)), (deep, 1))
        return ops.reshape(pooled, (-1, depth // deep, height, width, channels))


WIDE = 512
"""Minimum number of values in a row for means and factors: short rows make each operation slower."""


class Normalisation(layers.BatchNormalization):
    """BatchNormalization of (n, d, h, w, c), over all but the last axis.

    The gradient is the closed form of Ioffe and Szegedy, *Batch normalization*, ICML 2015, section 3.
    """

    def call(
        self, inputs: keras.KerasTensor, training: bool | None = None, mask: keras.KerasTensor | None = None
    ) -> keras.KerasTensor:
        if not training or not self.trainable:
            return super().call(inputs, training=training, mask=mask)
        channels, along = inputs.shape[-1], 1
        for length in inputs.shape[-2:0:-1]:
            if along * channels < WIDE:
                along *= length
        rows = ops.reshape(inputs, (-1, along * channels))
        rows, mean, variance = _normalised(rows, ops.copy(self.gamma), ops.copy(self.beta), self.epsilon)
        for moving, current in ((self.moving_mean, mean), (self.moving_variance, variance)):
            moving.assign(moving * self.momentum + current * (1 - self.momentum))
        return ops.reshape(rows, (-1, *inputs.shape[1:]))


def _normalised(rows: Any, scale: Any, offset: Any, epsilon: float) -> Any:
    """Rows (n, along * c) with mean `offset` and deviation `scale`, (c,) each; and their previous mean and variance."""
    channels = scale.shape[0]
    along = rows.shape[1] // channels

    def laid_out(values: Any) -> Any:
        return ops.tile(values, [along])

    @ops.custom_gradient
    def function(rows: Any, scale: Any, offset: Any) -> Any:
        count = ops.cast(ops.shape(rows)[0] * along, rows.dtype)
        weights = ops.ones((1, ops.shape(rows)[0]), rows.dtype) / count

        def mean_of(values: Any) -> Any:
            return ops.sum(ops.reshape(ops.matmul(weights, values), (along, channels)), axis=0)

        mean = mean_of(rows)
        centred = rows - laid_out(mean)
        variance = mean_of(centred * centred)
        inverse = ops.rsqrt(variance + epsilon)

        def gradient(upstream: Any, *_: Any) -> Any:
            to_offset = mean_of(upstream)
            to_scale = mean_of(upstream * centred) * inverse
            back = laid_out(scale * inverse) * (upstream - laid_out(to_offset) - centred * laid_out(to_scale * inverse))
            return back, to_scale * count, to_offset * count

        return (centred * laid_out(inverse * scale) + laid_out(offset), mean, variance), gradient

    return function(rows, scale, offset)


@keras.saving.register_keras_serializable("mer_suite")
def keras2_hard_sigmoid(x: keras.KerasTensor) -> keras.KerasTensor:
    """The hard sigmoid of Keras 1 and 2, 0.2 x + 0.5 clipped to 0-1; that of Keras 3 is x / 6 + 0.5 clipped to 0-1.

    Expressed by the latter, whose gradient is faster than that of `clip`.
    """
    return keras.activations.hard_sigmoid(STEEPER * x)


def for_training(model: keras.Model) -> keras.Model:
    """The same network and weights with the pooling and normalisation above; `model` itself if nothing changes.

    Nothing changes with backends other than TensorFlow, or with a GPU.
    """
    if keras.backend.backend() != "tensorflow" or not any(map(_replacement, model.layers)) or _has_gpu():
        return model
    return _copy(model, lambda layer: _like(layer, _replacement(layer) or type(layer)))


def stock(model: keras.Model) -> keras.Model:
    """The same network built from Keras' own layers and functions, computing in float32.

    A saved network can then be loaded without this module and on any machine: TensorFlow has no pooling over three axes
    in float16 on a CPU. Weights are unchanged, except in LSTMs with gates of Keras 2. These get the gates of Keras 3,
    which are the same function of 1.2 times the input of a gate: so the weights of these gates, including biases, are
    multiplied by 1.2.
    """
    if not any(type(layer) in _STOCK or _has_keras2_gates(layer) or _is_rough(layer) for layer in each_layer(model)):
        return model
    copy = _copy(model, _of_keras, recursive=True)
    for layer, twin in zip(each_layer(model), each_layer(copy), strict=True):
        if _has_keras2_gates(layer):
            twin.set_weights([_for_keras3_gates(weight) for weight in layer.get_weights()])
    return copy


def each_layer(model: keras.Model) -> Iterator[Any]:
    """The layers of a model; nested models are replaced by their layers."""
    for layer in model.layers:
        if isinstance(layer, keras.Model):
            yield from each_layer(layer)
        else:
            yield layer


def _of_keras(layer: layers.Layer) -> layers.Layer:
    changes: dict[str, object] = {"dtype": "float32"} if _is_rough(layer) else {}
    if _has_keras2_gates(layer):
        return _like(layer, layers.LSTM, **changes, recurrent_activation="hard_sigmoid")
    return _like(layer, _STOCK.get(type(layer), type(layer)), **changes)


def _is_rough(layer: Any) -> bool:
    computes = isinstance(layer, layers.Layer) and not isinstance(layer, layers.InputLayer)  # masks are bare operations
    return computes and layer.compute_dtype != "float32"


def _has_keras2_gates(layer: Any) -> bool:
    return type(layer) is layers.LSTM and layer.recurrent_activation is keras2_hard_sigmoid


def _for_keras3_gates(weight: NDArray[np.float32]) -> NDArray[np.float32]:
    """A weight of an LSTM (..., 4 units), whose input, forget and output gates change, but not the cell's input."""
    return weight * np.repeat(np.array([STEEPER, STEEPER, 1, STEEPER], weight.dtype), weight.shape[-1] // 4)


_STOCK: dict[type, type[layers.Layer]] = {Pooling: layers.MaxPooling3D, Normalisation: layers.BatchNormalization}


def _replacement(layer: Any) -> type[layers.Layer] | None:
    """The class above that replaces a layer of Keras in training, if there is one."""
    if type(layer) is layers.MaxPooling3D:
        apart = tuple(layer.strides) == tuple(layer.pool_size)
        return Pooling if apart and (layer.padding, layer.data_format) == ("valid", "channels_last") else None
    if type(layer) is layers.BatchNormalization and layer.input_spec.ndim == 5:
        plain = layer.axis in (-1, 4) and layer.scale and layer.center and not layer.synchronized
        return Normalisation if plain and layer.compute_dtype == "float32" else None
    return None


def _has_gpu() -> bool:
    import tensorflow as tf

    return bool(tf.config.list_physical_devices("GPU"))


def _like(layer: layers.Layer, kind: type[layers.Layer], **changes: object) -> layers.Layer:
    return kind.from_config(layer.get_config() | changes)


def _copy(model: keras.Model, replaced: Callable[[layers.Layer], layers.Layer], recursive: bool = False) -> keras.Model:
    copy = keras.models.clone_model(model, clone_function=replaced, recursive=recursive)
    copy.set_weights(model.get_weights())
    return copy
