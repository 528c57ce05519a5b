"""What Keras 3 lacks, and the same networks of Keras' own layers, to be saved.

Pooling over three axes with the gradient that it has in JAX and PyTorch, and in TensorFlow over two axes: where the
largest values of a window are equal, as they are wherever ReLU has left zeros alone, the first of them gets the
gradient. TensorFlow's pooling over three axes on a CPU gives each of them all of it, so that a normalisation between
convolution and pooling learns from up to 27 times what it should.

Normalisation of data with three axes, with the gradient in closed form: the same numbers but for rounding, in less
time, which most of a training step of Model-A was.

The hard sigmoid that Keras had until version 3, by default the gates of its LSTMs until 2.3.0.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import keras
import numpy as np
from keras import layers, ops
from numpy.typing import NDArray

STEEPER = 1.2
"""The slope of Keras 2's hard sigmoid, 0.2, is so many times that of Keras 3's, 1 / 6."""


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
"""Values in a row over which means and factors are laid out: short rows cost time in each operation."""


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
    """Rows (n, along * c) with mean `offset` and deviation `scale`, (c,) each; and the mean and variance they had."""
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
    """The hard sigmoid of Keras 1 and 2, 0.2 x + 0.5 cut to 0-1; that of Keras 3 is x / 6 + 0.5 cut to 0-1.

    Written by the latter, whose gradient takes less time than that of `clip`.
    """
    return keras.activations.hard_sigmoid(STEEPER * x)


def for_training(model: keras.Model) -> keras.Model:
    """The same network, same weights, with the pooling and normalisation above; `model` itself where nothing changes.

    Nothing changes with another backend than TensorFlow and with a GPU.
    """
    if keras.backend.backend() != "tensorflow" or not any(map(_replacement, model.layers)) or _has_gpu():
        return model
    return _copy(model, lambda layer: _like(layer, _replacement(layer) or type(layer)))


def stock(model: keras.Model) -> keras.Model:
    """The same network of Keras' own layers and functions that compute in float32.

    What is saved is then read without this module, and on any machine: TensorFlow has no pooling over three axes in
    float16 on a CPU. Weights are the same but for LSTMs with gates of Keras 2. Those get the gates of Keras 3, which
    are the same function of 1.2 times the sum that a gate takes: so the weights of these gates, the biases included,
    grow by 1.2.
    """
    if not any(type(layer) in _STOCK or _has_keras2_gates(layer) or _is_rough(layer) for layer in each_layer(model)):
        return model
    copy = _copy(model, _of_keras, recursive=True)
    for layer, twin in zip(each_layer(model), each_layer(copy), strict=True):
        if _has_keras2_gates(layer):
            twin.set_weights([_for_keras3_gates(weight) for weight in layer.get_weights()])
    return copy


def each_layer(model: keras.Model) -> Iterator[Any]:
    """The layers of a model, and in place of a model among them that one's."""
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
    return not isinstance(layer, layers.InputLayer) and layer.compute_dtype != "float32"


def _has_keras2_gates(layer: Any) -> bool:
    return type(layer) is layers.LSTM and layer.recurrent_activation is keras2_hard_sigmoid


def _for_keras3_gates(weight: NDArray[np.float32]) -> NDArray[np.float32]:
    """A weight of an LSTM (..., 4 units), whose input, forget and output gates change; the cell's input does not."""
    return weight * np.repeat(np.array([STEEPER, STEEPER, 1, STEEPER], weight.dtype), weight.shape[-1] // 4)


_STOCK: dict[type, type[layers.Layer]] = {Pooling: layers.MaxPooling3D, Normalisation: layers.BatchNormalization}


def _replacement(layer: Any) -> type[layers.Layer] | None:
    """The class above that trains in place of a layer of Keras, if there is one."""
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
