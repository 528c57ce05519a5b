"""Pooling over three axes with the gradient that it has in JAX and PyTorch, and in TensorFlow over two axes.

Where the largest values of a window are equal, as they are wherever ReLU has left zeros alone, the first of them gets
the gradient. TensorFlow's pooling over three axes on a CPU gives each of them all of it, so that a normalisation
between convolution and pooling learns from up to 27 times what it should.
"""

from __future__ import annotations

from typing import Any

import keras
from keras import layers, ops


class Pooling(layers.MaxPooling3D):
    """MaxPooling3D over two axes and then over the third: (n, d, h, w, c) -> (n, d', h', w', c).

    Without overlap and padding, and with channels last.
    """

    def call(self, inputs: keras.KerasTensor) -> keras.KerasTensor:
        deep, *wide = self.pool_size
        depth, _, _, channels = inputs.shape[1:]
        found = ops.max_pool(ops.reshape(inputs, (-1, *inputs.shape[2:])), wide)
        _, height, width, _ = found.shape
        found = ops.max_pool(ops.reshape(found, (-1, depth, height * width, channels)), (deep, 1))
        return ops.reshape(found, (-1, depth // deep, height, width, channels))


def first_of_equals(model: keras.Model) -> keras.Model:
    """The same network, with the same weights, whose pooling is that above; `model` itself where nothing changes.

    Nothing changes with another backend than TensorFlow and with a GPU.
    """
    if keras.backend.backend() != "tensorflow" or not any(_is_covered(layer) for layer in model.layers) or _has_gpu():
        return model
    return _copy(model, lambda layer: Pooling if _is_covered(layer) else type(layer))


def stock(model: keras.Model) -> keras.Model:
    """The same network, with the same weights, of Keras' own layers: what is saved is read without this module."""
    if not any(type(layer) is Pooling for layer in model.layers):
        return model
    return _copy(model, lambda layer: layers.MaxPooling3D if type(layer) is Pooling else type(layer))


def _is_covered(layer: Any) -> bool:
    return (
        type(layer) is layers.MaxPooling3D
        and tuple(layer.strides) == tuple(layer.pool_size)
        and (layer.padding, layer.data_format) == ("valid", "channels_last")
    )


def _has_gpu() -> bool:
    import tensorflow as tf

    return bool(tf.config.list_physical_devices("GPU"))


def _copy(model: keras.Model, kind: Any) -> keras.Model:
    copy = keras.models.clone_model(model, clone_function=lambda layer: kind(layer).from_config(layer.get_config()))
    copy.set_weights(model.get_weights())
    return copy
