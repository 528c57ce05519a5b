"""Local binary patterns of images: Ojala, Pietikäinen and Mäenpää, TPAMI 24(7), 2002.

A pixel is compared with 8 neighbours on a circle; bit i of its pattern is set if the neighbour at i eighths of a turn,
counted from the right and anticlockwise, is not darker. Patterns with at most two changes between 0 and 1 around the
circle are uniform.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

NEIGHBOURS = 8
BINS = 59
"""The number of uniform patterns of 8 bits, plus one bin for all others."""
DIAGONAL = math.sqrt(0.5)
"""How far down and across a diagonal neighbour is at radius 1."""


def patterns(frame: NDArray[np.uint8], radius: int) -> NDArray[np.uint8]:
    """Patterns of a grey image (height, width), without a border of `radius` pixels, which lack neighbours.

    Diagonal neighbours lie between four pixels and are interpolated along the rows first. The interpolation weights are
    computed from whole positions, as in scikit-image: on an even surface, their rounding decides the bits. The patterns
    equal those of scikit-image, which processes each pixel separately, to the last bit.
    """
    height, width = frame.shape
    diagonal = round(radius * DIAGONAL, 5)  # scikit-image keeps five decimals
    near, far = math.floor(diagonal), math.floor(diagonal) + 1

    def shares(side: int, offset: float) -> NDArray[np.float64]:
        places = np.arange(radius, side - radius) + offset
        return places - np.floor(places)

    def across(offset: int) -> NDArray[np.float64]:
        return values[:, radius + offset : width - radius + offset]

    def down(part: NDArray[np.float64], offset: int) -> NDArray[np.float64]:
        return part[radius + offset : height - radius + offset]

    values = frame.astype(np.float64)
    before, after = (shares(width, offset) for offset in (-diagonal, diagonal))
    left = (1 - before) * across(-far) + before * across(-near)
    right = (1 - after) * across(near) + after * across(far)
    above, below = (shares(height, offset)[:, None] for offset in (-diagonal, diagonal))
    upper_left, upper_right = ((1 - above) * down(side, -far) + above * down(side, -near) for side in (left, right))
    lower_left, lower_right = ((1 - below) * down(side, near) + below * down(side, far) for side in (left, right))
    straight = [down(across(x), y) for x, y in ((radius, 0), (0, -radius), (-radius, 0), (0, radius))]
    diagonals = [upper_right, upper_left, lower_left, lower_right]
    centre = down(across(0), 0)
    result = np.zeros(centre.shape, np.uint8)
    for bit, neighbour in enumerate(side for pair in zip(straight, diagonals, strict=True) for side in pair):
        result |= (neighbour >= centre).view(np.uint8) << np.uint8(bit)
    return result


def _uniform() -> NDArray[np.int64]:
    """The bin of each pattern (256,): uniform ones in ascending order, then the one of all others."""
    bits = (np.arange(2**NEIGHBOURS)[:, None] >> np.arange(NEIGHBOURS)) & 1
    changes = (bits != np.roll(bits, 1, axis=1)).sum(axis=1)
    return np.where(changes <= 2, np.cumsum(changes <= 2) - 1, BINS - 1)


UNIFORM = _uniform()
