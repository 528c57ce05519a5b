"""Losses that Keras 3 has no name for."""

from __future__ import annotations

import keras
from keras import ops

SMALLEST = 1e-7
"""Keras' epsilon: how near to 0 and to 1 a probability may come in `clipped_crossentropy`."""


def clipped_crossentropy(wanted: keras.KerasTensor, predicted: keras.KerasTensor) -> keras.KerasTensor:
    """Categorical cross-entropy as Keras 2.0 to 2.2.4 took it with TensorFlow.

    `wanted`, one-hot, and `predicted`, probabilities, are (n, classes); the loss is (n,), in the precision of
    `predicted`.

    It is taken from the probabilities: divided by their sum, then clipped to [1e-7, 1 - 1e-7]. So a row costs 16.1 at
    most, and has no gradient once its class is answered with less than 1e-7. Keras 3 looks behind a softmax for the
    scores it was made of, and its loss has neither bound.
    """
    # no longer what a softmax gave: no backend looks behind it
    predicted = predicted / ops.sum(predicted, axis=-1, keepdims=True)
    predicted = ops.clip(predicted, SMALLEST, 1 - SMALLEST)
    return -ops.sum(ops.cast(wanted, predicted.dtype) * ops.log(predicted), axis=-1)
