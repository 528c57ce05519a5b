"""Local binary patterns on three orthogonal planes (LBP-TOP): Zhao and Pietikäinen, TPAMI 29(6), 2007.

The pixels of a video are compared with 8 neighbours on an ellipse in each of the planes XY, XT and YT. A pixel's
pattern in a plane has 8 bits, which are counted in histograms, one for each plane and block of the face. Patterns with
at most two changes between 0 and 1 around the ellipse are uniform; they have a bin each, and all others share one.

`common.vision.patterns` has one radius for both axes. Here the radius in time is another one.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from common.vision.patterns import BINS, NEIGHBOURS, UNIFORM

PLANES = ("XY", "XT", "YT")
TIE = 1e-3
"""A neighbour counts as equal to the centre if it is darker by less than this many grey levels.

Neighbours between pixels are interpolated, and rounding errors must not decide whether they are equal.
"""


def histograms(video: NDArray[np.uint8], grid: int, radius: int, time_radius: int) -> NDArray[np.float32]:
    """Histograms of a grey video, uint8 (frames, height, width): float32 (grid, grid, 3, 59).

    The face is cut into grid x grid blocks of nearly equal size; each histogram sums to 1. As in the authors' code, a
    pixel whose ellipses do not fit into the video is not counted. If a video is too short for any ellipse, its first
    and last frame are repeated until one fits. Raises ValueError if the frames are too small for the blocks.
    """
    missing = max(2 * time_radius + 1 - len(video), 0)
    if missing:
        video = np.pad(video, ((missing // 2, missing - missing // 2), (0, 0), (0, 0)), mode="edge")
    values = video.astype(np.float32)
    height, width = (side - 2 * radius for side in video.shape[1:])
    if min(height, width) < grid:
        raise ValueError(f"frames of {video.shape[2]}x{video.shape[1]} pixels are too small for {grid}x{grid} blocks")
    rows, columns = np.arange(height) * grid // height, np.arange(width) * grid // width
    first_bins = BINS * (grid * rows[:, None] + columns)
    counts = np.zeros((3, grid * grid * BINS), np.int64)
    for time in range(time_radius, len(video) - time_radius):
        for plane, ellipse in enumerate(ellipses(radius, time_radius)):
            bins = first_bins + UNIFORM[_patterns(values, time, radius, ellipse)]
            counts[plane] += np.bincount(bins.ravel(), minlength=counts.shape[1])
    blocks = counts.reshape(3, grid, grid, BINS)
    return (blocks / blocks.sum(axis=-1, keepdims=True)).transpose(1, 2, 0, 3).astype(np.float32)


def ellipses(radius: int, time_radius: int) -> NDArray[np.float64]:
    """The neighbours of a pixel in the three planes as (time, down, right), (3, 8, 3).

    Neighbour i lies at i eighths of a turn: in XY from the right over the top, in XT from the right to later frames, in
    YT from the next frames over the top.
    """
    turn = 2 * np.pi * np.arange(NEIGHBOURS) / NEIGHBOURS
    across, along = np.cos(turn).round(9), np.sin(turn).round(9)  # exactly 0 and 1 on the axes
    still = np.zeros(NEIGHBOURS)
    return np.array(
        [
            np.column_stack([still, -radius * along, radius * across]),
            np.column_stack([time_radius * along, still, radius * across]),
            np.column_stack([time_radius * across, -radius * along, still]),
        ]
    )


def _patterns(video: NDArray[np.float32], time: int, margin: int, ellipse: NDArray[np.float64]) -> NDArray[np.uint8]:
    """The patterns of one frame in one plane, without the pixels nearer to the border than `margin`."""
    centre = (slice(time, time + 1), *(slice(margin, side - margin) for side in video.shape[1:]))
    least = video[centre] - np.float32(TIE)
    patterns = np.zeros(least.shape, np.uint8)
    for bit, offset in enumerate(ellipse):
        patterns |= (_shifted(video, centre, offset.tolist()) >= least).view(np.uint8) << np.uint8(bit)
    return patterns[0]


def _shifted(video: NDArray[np.float32], part: tuple[slice, ...], offset: list[float]) -> NDArray[np.float32]:
    """A part of a video moved by an offset, interpolated linearly along each axis on which it is not whole."""
    for axis, distance in enumerate(offset):
        whole = int(np.floor(distance))
        moved = _moved(part, axis, whole)
        if distance == whole:
            part = moved
            continue
        rest = [0.0] * (axis + 1) + offset[axis + 1 :]
        before = _shifted(video, moved, rest)
        after = _shifted(video, _moved(part, axis, whole + 1), rest)
        return before + np.float32(distance - whole) * (after - before)  # exact if both are equal
    return video[part]


def _moved(part: tuple[slice, ...], axis: int, by: int) -> tuple[slice, ...]:
    return tuple(slice(span.start + by, span.stop + by) if place == axis else span for place, span in enumerate(part))
