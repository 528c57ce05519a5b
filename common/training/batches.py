"""Rows of arrays -> batches."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from common.training.keras_setup import keras
from common.types import Arrays, Rows

Inputs = Mapping[str, NDArray[Any] | Rows]


class Batches(keras.utils.PyDataset):
    """Batches of the rows of named arrays, as Keras' `fit` takes them.

    x: inputs by name, each (n, ...); y: targets by name, each (n, ...), or None for prediction. uint8
    inputs become float32 in 0-1 batch by batch, so that a corpus needs a quarter of the memory; those named in `raw`
    are not changed. With `shuffle` the rows are permuted by that generator, else they keep their order.
    """

    def __init__(
        self,
        x: Inputs,
        y: Inputs | None,
        batch: int,
        shuffle: np.random.Generator | None = None,
        raw: Collection[str] = (),
    ) -> None:
        super().__init__()
        self._x, self._y, self._batch, self._shuffle, self._raw = x, y, batch, shuffle, raw
        self._rows = np.arange(len(next(iter(x.values()))))
        self.on_epoch_end()

    @property
    def rows(self) -> int:
        """The number of rows in all batches."""
        return len(self._rows)

    def __len__(self) -> int:
        return -(-len(self._rows) // self._batch)

    def __getitem__(self, index: int) -> tuple[Arrays] | tuple[Arrays, Arrays]:
        rows = self._rows[index * self._batch : (index + 1) * self._batch]
        x = {name: values[rows] if name in self._raw else as_float(values[rows]) for name, values in self._x.items()}
        return (x,) if self._y is None else (x, {name: values[rows] for name, values in self._y.items()})

    def on_epoch_end(self) -> None:
        """Permute the rows again."""
        if self._shuffle is not None:
            self._rows = self._shuffle.permutation(self._rows)


def as_float(values: NDArray[Any]) -> NDArray[np.float32]:
    """uint8 as float32 in 0-1; all others unchanged."""
    return values.astype(np.float32) / np.float32(255) if values.dtype == np.uint8 else values
