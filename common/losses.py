"""Losses that Keras 3 has no name for."""

from __future__ import annotations

import keras
from keras import ops

SMALLEST = 1e-7
"""Keras' epsilon: how near to 0 and to 1 a probability may come in `clipped_crossentropy`."""


def clipped_crossentropy(wanted: keras.KerasTensor, found: keras.KerasTensor) -> keras.KerasTensor:
    """Categorical cross-entropy as Keras 2.0 to 2.2.4 took it with TensorFlow.

    `wanted`, one-hot, and `found`, probabilities, are (n, classes); the loss is (n,), in the precision of `found`.

    It is taken from the probabilities: divided by their sum, then clipped to [1e-7, 1 - 1e-7]. So a row costs 16.1 at
    most, and has no gradient once its class is answered with less than 1e-7. Keras 3 looks behind a softmax for the
    scores it was made of, and its loss has neither bound.
    """
    found = found / ops.sum(found, axis=-1, keepdims=True)  # no longer what a softmax gave: no backend looks behind it
    found = ops.clip(found, SMALLEST, 1 - SMALLEST)
    return -ops.sum(ops.cast(wanted, found.dtype) * ops.log(found), axis=-1)
