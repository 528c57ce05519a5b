"""Layers that compute what Keras' own compute, several times faster where TensorFlow runs on a CPU.

Two things are slow there: three-dimensional convolutions, and each further pass over the output of one, which is 27
times as large as what a pooling by 3 x 3 x 3 leaves of it. So

- a convolution over three axes is done over two, with the slices below the kernel as input channels;
- a pooling over three axes is done over two and then over the third;
- where a convolution is large, its bias and activation, and a batch normalisation behind them, are joined with the
  pooling that follows. They keep or reverse the order of values, so that pooling may come first, and only the
  statistics need all of them.

Outputs, gradients and weights are those of the stock layers up to rounding, except where the largest values of a window
are equal, as they are wherever ReLU has left zeros alone. Of equals the first one gets the gradient here, as with
Keras' two-dimensional pooling and on GPUs, JAX and PyTorch. TensorFlow's own pooling over three axes gives each of them
all of it, so that a normalisation between convolution and pooling learns from up to 27 times what it should.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import keras
from keras import layers, ops

Tensor = Any
Window = tuple[int, int, int]
LARGE = 2**20
"""Values in one sample's convolution from which joining pays for its compilation."""


def faster(model: keras.Model) -> keras.Model:
    """The same network, with the same weights, of the layers below; `model` itself where they bring nothing.

    They bring nothing with another backend than TensorFlow, with a GPU and without three-dimensional layers.
    """
    ours = [layer for layer in model.layers if _is_plain(layer)]
    if not ours or not _tensorflow_on_a_cpu():
        return model
    chains = [_chain(model, layer) for layer in ours if isinstance(layer, layers.Conv3D)]
    joined = {layer.name: chain for chain in chains for layer in chain}
    made: dict[str, Any] = {}

    def clone(layer: layers.Layer) -> layers.Layer:
        config, chain = layer.get_config(), joined.get(layer.name, ())
        new: Any
        if layer in ours and isinstance(layer, layers.Conv3D):
            new = Convolution.from_config(config)
            new.leave_raw = bool(chain)
        elif layer in ours:
            new = Pooling.from_config(config)
            new.before = Before(*(made[one.name] for one in chain[:-1])) if chain else None
        elif chain:
            new = Deferred.from_config(config)
        else:
            new = type(layer).from_config(config)
        made[layer.name] = new
        return new

    network = keras.models.clone_model(model, clone_function=clone)
    network.set_weights(model.get_weights())
    return network


def stock(model: keras.Model) -> keras.Model:
    """The same network, with the same weights, of Keras' own layers: what is saved is read without this module."""
    bases = {Convolution: layers.Conv3D, Deferred: layers.BatchNormalization, Pooling: layers.MaxPooling3D}
    if not any(type(layer) in bases for layer in model.layers):
        return model

    def clone(layer: layers.Layer) -> layers.Layer:
        return bases.get(type(layer), type(layer)).from_config(layer.get_config())

    network = keras.models.clone_model(model, clone_function=clone)
    network.set_weights(model.get_weights())
    return network


def _tensorflow_on_a_cpu() -> bool:
    if keras.backend.backend() != "tensorflow":
        return False
    import tensorflow as tf

    return not tf.config.list_physical_devices("GPU")


def _is_plain(layer: Any) -> bool:
    """Whether the layers below can take a layer's place."""
    once = (1, 1, 1)
    if type(layer) is layers.Conv3D:
        steps = (layer.strides, layer.dilation_rate, layer.groups) == (once, once, 1)
        return steps and layer.data_format == "channels_last" and layer.padding in ("valid", "same")
    if type(layer) is layers.MaxPooling3D:
        steps = tuple(layer.strides) == tuple(layer.pool_size)
        return steps and layer.data_format == "channels_last" and layer.padding == "valid"
    return False


def _chain(model: keras.Model, convolution: Any) -> tuple[Any, ...]:
    """A large convolution, the normalisation behind it if there is one, and their pooling; empty for anything else."""

    def next_to(layer: Any) -> Any:
        readers = [one for one in model.layers if any(layer.output is x for x in keras.tree.flatten(one.input))]
        answers = any(layer.output is x for x in keras.tree.flatten(model.output))
        return readers[0] if len(readers) == 1 and not answers else None

    after = next_to(convolution)
    between: tuple[Any, ...] = ()
    if type(after) is layers.BatchNormalization and after.axis in (-1, 4) and after.scale and after.center:
        between, after = (after,), next_to(after)
    fits = (
        isinstance(after, layers.MaxPooling3D)
        and _is_plain(after)
        and convolution.use_bias
        and convolution.activation in (keras.activations.relu, keras.activations.linear)
        and convolution.compute_dtype == "float32"
        and math.prod(convolution.output.shape[1:]) >= LARGE
    )
    return (convolution, *between, after) if fits else ()


class Convolution(layers.Conv3D):
    """Conv3D of stride 1, done as a Conv2D: (n, depth, height, width, c) -> (n, depth', height', width', filters).

    With `leave_raw` bias and activation are left to the pooling behind it.
    """

    leave_raw = False

    def call(self, inputs: Tensor) -> Tensor:
        deep, high, wide = self.kernel_size
        if self.padding == "same":
            before = (deep - 1) // 2
            inputs = ops.pad(inputs, ((0, 0), (before, deep - 1 - before), (0, 0), (0, 0), (0, 0)))
        depth = inputs.shape[1] - deep + 1
        slices = ops.concatenate([inputs[:, start : start + depth] for start in range(deep)], axis=-1)
        kernel = ops.reshape(ops.transpose(self.kernel, (1, 2, 0, 3, 4)), (high, wide, -1, self.filters))
        found = ops.conv(ops.reshape(slices, (-1, *slices.shape[2:])), kernel, padding=self.padding)
        found = ops.reshape(found, (-1, depth, *found.shape[1:]))
        return found if self.leave_raw else self.finish(found)

    def finish(self, raw: Tensor) -> Tensor:
        """Bias and activation."""
        return self.activation(ops.add(raw, self.bias) if self.use_bias else raw)


class Deferred(layers.BatchNormalization):
    """Holds the weights of a batch normalisation that the pooling behind it does."""

    def call(self, inputs: Tensor, training: bool | None = None, mask: Tensor | None = None) -> Tensor:
        return inputs


@dataclass(frozen=True)
class Before:
    """What a pooling does besides: the bias and activation of a convolution, and a normalisation."""

    convolution: Convolution
    normalisation: Deferred | None = None


class Pooling(layers.MaxPooling3D):
    """MaxPooling3D without overlap or padding: (n, depth, height, width, c) -> (n, depth', height', width', c).

    With `before` it reads a raw convolution, and in training does in the same pass what lies between the two. Without
    gradients, one layer after another is as fast.
    """

    before: Before | None = None

    def call(self, inputs: Tensor, training: bool | None = None) -> Tensor:
        if self.before is None:
            return self._largest(inputs)
        convolution, norm = self.before.convolution, self.before.normalisation
        if not training or (norm and not norm.trainable):
            values = convolution.finish(inputs)
            return self._largest(layers.BatchNormalization.call(norm, values, training=False) if norm else values)
        rectify = convolution.activation is keras.activations.relu
        if not norm:
            return _pooled(inputs, convolution.bias, rectify, tuple(self.pool_size))
        found, mean, variance = _normalised(
            inputs, convolution.bias, norm.gamma, norm.beta, rectify, tuple(self.pool_size), norm.epsilon
        )
        for moving, value in ((norm.moving_mean, mean), (norm.moving_variance, variance)):
            moving.assign(moving * norm.momentum + ops.stop_gradient(value) * (1.0 - norm.momentum))
        return found

    def _largest(self, inputs: Tensor) -> Tensor:
        deep, *wide = self.pool_size
        depth, _, _, channels = inputs.shape[1:]
        found = ops.max_pool(ops.reshape(inputs, (-1, *inputs.shape[2:])), wide)
        _, height, width, _ = found.shape
        found = ops.max_pool(ops.reshape(found, (-1, depth, height * width, channels)), (deep, 1))
        return ops.reshape(found, (-1, depth // deep, height, width, channels))


# ---------------------------------------------------------------- joint passes
#
# `raw` is (n, depth, height, width, c) and large, all else is small: `best` (n, depth', height', width', c) holds the
# value that each window lets through, `sign` (c,) is -1 where a channel's order is reversed. What reads or writes
# something large is compiled: one pass each.


def _pooled(raw: Tensor, bias: Tensor, rectify: bool, window: Window) -> Tensor:
    """max over windows of activation(raw + bias)."""
    shape = tuple(raw.shape[1:])
    largest, spread = _compiled(shape, _largest, window), _compiled(shape, _spread, window)

    def forward(raw: Tensor, bias: Tensor) -> tuple[Tensor, Callable[..., Any]]:
        sign = ops.ones_like(bias)
        best = largest(raw, sign)
        found = _activated(best, bias, rectify)

        def backward(*args: Tensor, upstream: Tensor | None = None) -> tuple[Tensor, Tensor]:
            given = args[0] if upstream is None else upstream
            given = ops.where(found > 0, given, 0.0) if rectify else given
            return spread(raw, sign, best, given), ops.sum(given, (0, 1, 2, 3))

        return found, backward

    return ops.custom_gradient(forward)(raw, ops.copy(bias))


def _normalised(
    raw: Tensor, bias: Tensor, gamma: Tensor, beta: Tensor, rectify: bool, window: Window, epsilon: float
) -> tuple[Tensor, Tensor, Tensor]:
    """max over windows of the normalised activation(raw + bias), and the mean and variance (c,) of the activation."""
    shape = tuple(raw.shape[1:])
    largest, spread = _compiled(shape, _largest, window), _compiled(shape, _spread_normalised, window, rectify)
    totals, squares = _compiled(shape, _totals, rectify), _compiled(shape, _squares, rectify)

    def forward(raw: Tensor, bias: Tensor, gamma: Tensor, beta: Tensor) -> tuple[Any, Callable[..., Any]]:
        count = ops.cast(ops.prod(ops.shape(raw)[:-1]), raw.dtype)
        mean = ops.sum(totals(raw, bias), (0, 1, 2)) / count
        variance = ops.sum(squares(raw, bias, mean), (0, 1, 2)) / count
        sign = ops.where(gamma < 0, -1.0, 1.0)
        best = largest(raw, sign)
        inverse = ops.rsqrt(variance + epsilon)
        centred = (_activated(best, bias, rectify) - mean) * inverse

        def backward(*args: Any, upstream: Any = None) -> tuple[Tensor, Tensor, Tensor, Tensor]:
            given = args[0] if upstream is None else upstream[0]
            to_beta, to_gamma = ops.sum(given, (0, 1, 2, 3)), ops.sum(given * centred, (0, 1, 2, 3))
            scale = gamma * inverse
            slope = scale * inverse * to_gamma / count
            to_raw, to_bias = spread(
                raw, bias, sign, best, given * scale, scale * to_beta / count - slope * mean, slope
            )
            return to_raw, ops.sum(to_bias, (0, 1, 2)), to_gamma, to_beta

        return (centred * gamma + beta, mean, variance), backward

    return ops.custom_gradient(forward)(raw, *(ops.copy(one) for one in (bias, gamma, beta)))


def _activated(raw: Tensor, bias: Tensor, rectify: bool) -> Tensor:
    return ops.maximum(raw + bias, 0.0) if rectify else raw + bias


def _cut(raw: Tensor, window: Window) -> Tensor:
    """(n, depth', d, height', h, width', w, c): what lies in no window is left out."""
    sizes = [size // side for size, side in zip(raw.shape[1:4], window, strict=True)]
    inside = tuple(slice(0, size * side) for size, side in zip(sizes, window, strict=True))
    shape = [part for pair in zip(sizes, window, strict=True) for part in pair]
    return ops.reshape(raw[(slice(None), *inside)], (-1, *shape, raw.shape[-1]))


def _each(best: Tensor) -> Tensor:
    """A value per window, beside all values of that window."""
    return ops.expand_dims(best, (2, 4, 6))


def _largest(window: Window, raw: Tensor, sign: Tensor) -> Tensor:
    return sign * ops.max(_cut(sign * raw, window), (2, 4, 6))


def _spread(window: Window, raw: Tensor, sign: Tensor, best: Tensor, given: Tensor) -> Tensor:
    """`given` at the first of each window's best values, 0 elsewhere; shaped like `raw`."""
    sides = math.prod(window)
    place = ops.reshape(ops.arange(sides, dtype="int32"), (1, 1, window[0], 1, window[1], 1, window[2], 1))
    found = ops.where(_cut(sign * raw, window) == _each(sign * best), place, sides)
    first = ops.min(found, (2, 4, 6))
    inside = ops.where(_each(first) == place, _each(given), 0.0)
    sizes = [size // side * side for size, side in zip(raw.shape[1:4], window, strict=True)]
    margins = [(0, whole - size) for whole, size in zip(raw.shape[1:4], sizes, strict=True)]
    return ops.pad(ops.reshape(inside, (-1, *sizes, raw.shape[-1])), ((0, 0), *margins, (0, 0)))


def _totals(rectify: bool, raw: Tensor, bias: Tensor) -> Tensor:
    """Sums of rows (n, depth, height, c), which all cores share; their own sum is made outside."""
    return ops.sum(_activated(raw, bias, rectify), 3)


def _squares(rectify: bool, raw: Tensor, bias: Tensor, mean: Tensor) -> Tensor:
    return ops.sum(ops.square(_activated(raw, bias, rectify) - mean), 3)


def _spread_normalised(
    window: Window,
    rectify: bool,
    raw: Tensor,
    bias: Tensor,
    sign: Tensor,
    best: Tensor,
    given: Tensor,
    level: Tensor,
    slope: Tensor,
) -> tuple[Tensor, Tensor]:
    """The gradients of `raw`, and of the bias in sums of rows; `level` and `slope` are the statistics' part."""
    values = _activated(raw, bias, rectify)
    to_raw = _spread(window, raw, sign, best, given) - level - slope * values
    to_raw = ops.where(values > 0, to_raw, 0.0) if rectify else to_raw
    return to_raw, ops.sum(to_raw, 3)


@functools.cache
def _compiled(shape: tuple[int, ...], function: Callable[..., Any], *fixed: Any) -> Callable[..., Any]:
    """`function` with its first arguments fixed, for one shape of rows; XLA compiles it for each number of rows."""
    import tensorflow as tf

    traced = functools.partial(function, *fixed)
    return tf.function(traced, jit_compile=True, reduce_retracing=True, autograph=False)
