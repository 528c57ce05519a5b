"""Rows of arrays -> batches for Keras."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

Inputs = dict[str, NDArray[Any]]


class Batches(keras.utils.PyDataset):
    """Batches of some rows of named arrays, in an order of our own.

    x: inputs by name, each (n, ...); y: targets by name, each (n, ...), or None for prediction; rows (m,) int. uint8
    inputs become float32 in 0-1, one batch at a time, so that a corpus stays four times smaller in memory. With
    `shuffle` the rows are permuted anew before each epoch by that generator, else they keep their order.
    """

    def __init__(
        self,
        x: Inputs,
        y: Inputs | None,
        rows: NDArray[np.int64],
        batch: int,
        shuffle: np.random.Generator | None = None,
    ) -> None:
        super().__init__(workers=1, use_multiprocessing=False)
        self._x, self._y, self._rows, self._batch, self._shuffle = x, y, np.array(rows), batch, shuffle
        self.on_epoch_end()

    def __len__(self) -> int:
        return -(-len(self._rows) // self._batch)

    def __getitem__(self, index: int) -> tuple[Inputs] | tuple[Inputs, Inputs]:
        rows = self._rows[index * self._batch : (index + 1) * self._batch]
        x = {name: _as_float(values[rows]) for name, values in self._x.items()}
        return (x,) if self._y is None else (x, {name: values[rows] for name, values in self._y.items()})

    def on_epoch_end(self) -> None:
        if self._shuffle is not None:
            self._rows = self._shuffle.permutation(self._rows)


def _as_float(values: NDArray[Any]) -> NDArray[np.float32]:
    return values.astype(np.float32) / np.float32(255) if values.dtype == np.uint8 else values
