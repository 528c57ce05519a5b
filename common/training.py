"""The only callers of compile, fit and predict: a network that is built and compiled once and trained anew per fold."""

from __future__ import annotations

import contextlib
import hashlib
import os
from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray


@contextlib.contextmanager
def _without_startup_notes() -> Iterator[None]:
    """Close the process's stderr meanwhile: TensorFlow writes notes on missing GPUs there, past any log level."""
    saved, nothing = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nothing, 2)
    try:
        yield
    finally:
        os.dup2(saved, 2)
        os.close(saved)
        os.close(nothing)


os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
with _without_startup_notes():
    import keras

from common.loaders import Batches, Inputs  # noqa: E402

EpochEnd = Callable[[int, int], None]
"""Called after each epoch with (epochs done, epochs in all)."""


def seed_of(*names: object) -> int:
    """A 32-bit seed from names (paper, experiment, fold, user's seed): the same whatever ran before."""
    return int.from_bytes(hashlib.sha256("\0".join(map(str, names)).encode()).digest()[:4], "big")


def make_deterministic() -> None:
    """Ask the backend for operations that give the same bits for the same inputs."""
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        tf.config.experimental.enable_op_determinism()


class Learner:
    """A Keras model with its loss and optimizer, compiled once.

    Every fit starts from the same initial weights, dropout stream and optimizer state, so that a fold's result does
    not depend on the folds before it, and no fold traces or builds what another has compiled.
    """

    def __init__(
        self,
        build: Callable[[], keras.Model],
        *,
        loss: Callable[..., object],
        learning_rate: float,
        batch: int,
        epochs: int,
        seed: int,
        metrics: Callable[..., object] | None = None,
    ) -> None:
        make_deterministic()
        keras.utils.set_random_seed(seed)
        self.model = build()
        self.model.compile(
            optimizer=keras.optimizers.Adam(learning_rate),
            loss=dict.fromkeys(self.model.output, loss),
            metrics={name: [metrics] for name in self.model.output} if metrics else None,
        )
        self.model.optimizer.build(self.model.trainable_variables)
        self._batch, self._epochs = batch, epochs
        self._state = [*self.model.variables, *self.model.optimizer.variables]
        self._initial = [keras.ops.convert_to_numpy(variable) for variable in self._state]

    def fit(
        self, x: Inputs, y: Inputs, rows: NDArray[np.int64], seed: int, epoch_end: EpochEnd | None = None
    ) -> dict[str, list[float]]:
        """Train on `rows` from the initial state; the order of the rows comes from `seed`. Returns metric -> epochs."""
        for variable, value in zip(self._state, self._initial, strict=True):
            variable.assign(value)
        batches = Batches(x, y, rows, self._batch, np.random.default_rng(seed))
        done = keras.callbacks.LambdaCallback(
            on_epoch_end=lambda epoch, logs: epoch_end(epoch + 1, self._epochs) if epoch_end else None
        )
        history = self.model.fit(batches, epochs=self._epochs, shuffle=False, verbose=0, callbacks=[done])
        return {name: [float(value) for value in values] for name, values in history.history.items()}

    def predict(
        self, x: Inputs, rows: NDArray[np.int64], model: keras.Model | None = None
    ) -> dict[str, NDArray[np.float32]]:
        """Outputs by name, each (rows, ...), of the trained model, or of another that shares its layers.

        Models here take and return dicts by name.
        """
        model = model or self.model
        return model.predict(Batches(x, None, rows, self._batch), verbose=0)
