"""Which layer of a port is which layer of the suite, and how the axes of their weights correspond."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Pair:
    """A layer of the suite and the layer of a port with the same weights.

    `axes` are the axes of the suite's kernel in the order of the port; biases and normalisations have one axis. A dense
    layer after a flatten layer names the map (`flattened`, as in the suite) and the `order` of its axes in the port. If
    a concatenation has another order, `last` is the number of first rows of a dense kernel that come last in the port.
    """

    ours: str
    theirs: str
    axes: tuple[int, ...] = ()
    flattened: tuple[int, ...] = ()
    order: tuple[int, ...] = ()
    last: int = 0


def there(values: NDArray[Any], pair: Pair, shape: tuple[int, ...]) -> NDArray[Any]:
    """A weight of the suite with the axes of the port, where it has this shape. Raises ValueError for another size."""
    if values.ndim == 1:
        moved = values
    else:
        if pair.order:
            units = values.shape[-1]
            values = values.reshape(*pair.flattened, units)
            values = values.transpose(*pair.order, len(pair.order)).reshape(-1, units)
        values = np.roll(values, -pair.last, axis=0)
        moved = values.transpose(pair.axes) if pair.axes else values
    squeezed = moved.reshape([n for n in moved.shape if n != 1])
    if squeezed.shape != tuple(n for n in shape if n != 1):
        raise ValueError(f"{pair.ours} has a weight of shape {values.shape}, {pair.theirs} one of {shape}")
    return moved.reshape(shape)


def back(values: NDArray[Any], pair: Pair, shape: tuple[int, ...]) -> NDArray[Any]:
    """The reverse of `there`, for a weight that has this shape in the suite."""
    if values.ndim == 1:
        return values.reshape(shape)
    whole = tuple(shape[axis] for axis in pair.axes) if pair.axes else shape
    values = values.reshape(whole)
    values = values.transpose(np.argsort(pair.axes)) if pair.axes else values
    values = np.roll(values, pair.last, axis=0)
    if pair.order:
        units = shape[-1]
        values = values.reshape(*(pair.flattened[axis] for axis in pair.order), units)
        values = values.transpose(*np.argsort(pair.order), len(pair.order)).reshape(shape)
    return values
