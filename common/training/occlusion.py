"""What a prediction depends on: how much its probability drops when a part of the input is covered.

Zeiler and Fergus, "Visualizing and understanding convolutional networks" (ECCV 2014, section 4.2): a patch slides over
the input, and the classifier's output is recorded at each position. Here the patch has the input's mean value and
covers the same position in all frames at once. Only predictions are needed, so this works for every network and
backend.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from common.types import Predictions, Progress, Samples

MOST = 150
"""Maximum number of patches over all inputs, each of which needs one prediction."""
BYTES = 2**26
"""Maximum size of the samples that are predicted at once."""

Box = tuple[slice, slice]


def falls(
    samples: Samples,
    axes: Mapping[str, tuple[int, int]],
    answers: Callable[[Samples], Predictions],
    say: Progress | None = None,
) -> dict[str, NDArray[np.float32]]:
    """By input, how much covering a pixel lowers the probability of the predicted class, (height, width) of it.

    `samples` are those of one clip, `axes` those of height and width in each input's array. A pixel has the mean over
    the patches that cover it; negative values mean that the probability rises.
    """
    (clip,) = set(samples.clip.tolist())
    before = answers(samples)[clip]
    label = int(before.argmax())
    plan = {name: boxes(samples.x[name].shape, axes[name], MOST // len(axes)) for name in axes}
    total, done = sum(map(len, plan.values())), 0
    maps = {}
    for name, places in plan.items():
        height, width = (samples.x[name].shape[axis] for axis in axes[name])
        fallen, covered = np.zeros((height, width)), np.zeros((height, width))
        for chunk in _chunks(places, samples):
            after = answers(_patched(samples, name, axes[name], chunk))
            for place, box in enumerate(chunk):
                fallen[box] += before[label] - after[str(place)][label]
                covered[box] += 1
            done += len(chunk)
            if say:
                say("covering parts of the input", done, total)
        maps[name] = (fallen / np.maximum(covered, 1)).astype(np.float32)
    return maps


def boxes(shape: tuple[int, ...], axes: tuple[int, int], most: int) -> list[Box]:
    """Rows and columns of at most `most` patches that overlap by half and together cover an input of this shape."""
    count = max(int(most**0.5), 1)
    rows, columns = (_spans(shape[axis], count) for axis in axes)
    return [(row, column) for row in rows for column in columns]


def _spans(size: int, count: int) -> list[slice]:
    count = min(count, size)
    side = min(max(-(-2 * size // (count + 1)), 1), size)
    starts = np.unique(np.linspace(0, size - side, count).round().astype(int))
    return [slice(start, start + side) for start in starts.tolist()]


def _chunks(places: list[Box], samples: Samples) -> Iterator[list[Box]]:
    size = sum(values.dtype.itemsize * int(np.prod(values.shape)) for values in samples.x.values())
    step = max(min(BYTES // max(size, 1), 16), 1)
    for start in range(0, len(places), step):
        yield places[start : start + step]


def _patched(samples: Samples, name: str, axes: tuple[int, int], places: list[Box]) -> Samples:
    """The clip once per patch, called "0", "1" and so on."""
    copies, rows = len(places), len(samples.y)
    x: dict[str, NDArray[Any]] = {}
    for key, held in samples.x.items():
        values = held[:]
        x[key] = np.concatenate([values] * copies)
        if key == name:
            mean = values.mean(axis=tuple(range(values.ndim - 1)))
            filling = np.rint(mean) if np.issubdtype(values.dtype, np.integer) else mean
            for place, box in enumerate(places):
                where: list[slice] = [slice(None)] * values.ndim
                where[0] = slice(place * rows, (place + 1) * rows)
                where[axes[0]], where[axes[1]] = box
                x[key][tuple(where)] = filling
    return Samples(
        x=x,
        y=np.tile(samples.y, copies),
        subject=np.tile(samples.subject, copies),
        clip=np.repeat([str(place) for place in range(copies)], rows),
        view=np.tile(samples.view, copies),
    )
