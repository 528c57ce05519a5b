"""Losses that Keras 3 does not provide."""

from __future__ import annotations

import keras
from keras import ops

SMALLEST = 1e-7
"""Keras' epsilon: how close to 0 and 1 a probability may be in `clipped_crossentropy`."""


def clipped_crossentropy(wanted: keras.KerasTensor, predicted: keras.KerasTensor) -> keras.KerasTensor:
    """Categorical cross-entropy as Keras 2.0 to 2.2.4 computed it with TensorFlow.

    `wanted`, one-hot, and `predicted`, probabilities, are (n, classes); the loss is (n,), in the precision of
    `predicted`.

    It is computed from the probabilities: divided by their sum, then clipped to [1e-7, 1 - 1e-7]. So the loss of a row
    is at most 16.1, and has no gradient if the probability of its class is below 1e-7. Keras 3 uses the scores before
    the softmax, and its loss has neither bound.
    """
    # no longer the output of a softmax, so backends cannot use its scores
    predicted = predicted / ops.sum(predicted, axis=-1, keepdims=True)
    predicted = ops.clip(predicted, SMALLEST, 1 - SMALLEST)
    return -ops.sum(ops.cast(wanted, predicted.dtype) * ops.log(predicted), axis=-1)
