"""dlib's search for a face without the sizes at which the face cannot be: the same boxes in less time.

dlib searches an image and ever smaller copies of it, each 5/6 of the one before, with a window that finds faces 73
pixels wide. The first copies take nearly all of the time, but show only faces that are smaller than the one that is
looked for. Here the search starts one size before that of the face.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import dlib
import numpy as np
from numpy.typing import NDArray

WINDOW = 73
"""Width and height of the boxes that dlib finds without shrinking an image."""
DOWN = dlib.pyramid_down(6)
"""What shrinks an image, and maps positions between the sizes."""
TWICE = dlib.pyramid_down(2)
"""What maps positions in an image to those in the image that dlib has enlarged once."""
SHRINKING = 6 / 5
LARGE = 0.4
"""Faces of at least this width, as a fraction of the image's smaller side, are searched first."""


class Found(NamedTuple):
    """A box (dlib.rectangle) in the image, how far it is above dlib's threshold, and the number of its size."""

    box: Any
    score: float
    size: int


def large(detector: Any, image: NDArray[np.uint8]) -> Any | None:
    """The box of the largest face of an RGB image, if it is large; None if there is none."""
    first = _size(LARGE * min(image.shape[:2]))
    if first < 1:
        return None
    copies = [np.ascontiguousarray(image)]
    found = max(_from(detector, copies, first), key=lambda face: face.box.area(), default=None)
    if found is None or found.size > first:
        return found and found.box
    return _certain(detector, copies, found.box)


def certain(detector: Any, image: NDArray[np.uint8], box: Any) -> Any | None:
    """The box of the most certain face of an RGB image around the centre of a box; None if there is none."""
    return _certain(detector, [np.ascontiguousarray(image)], box)


def _certain(detector: Any, copies: list[NDArray[np.uint8]], box: Any) -> Any | None:
    first = max(_size(box.width()) - 1, 0)
    while True:
        near = [face for face in _from(detector, copies, first) if face.box.contains(dlib.center(box))]
        best = max(near, key=lambda face: face.score, default=None)
        if best is None or best.size > first or first == 0:
            return best and best.box
        first -= 1  # the face might be more certain at the size before this one, which has not been searched


def _from(detector: Any, copies: list[NDArray[np.uint8]], first: int) -> list[Found]:
    """What dlib finds at size number `first` of an RGB image and at the smaller ones.

    `copies` has the image and the copies of it made so far, the largest first; missing ones are added.
    """
    while len(copies) <= first:
        copies.append(DOWN(copies[-1]))
    found = []
    for box, score in zip(*detector.run(copies[first], 0, 0.0)[:2], strict=True):
        size = _size(box.width())  # from its own size, as dlib does, since boxes are rounded to pixels
        found.append(Found(DOWN.rect_up(DOWN.rect_down(box, size), first + size), score, first + size))
    return found


def enlarged(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The image that dlib searches if it is to enlarge an RGB image once."""
    corner = TWICE.rect_up(dlib.rectangle(0, 0, image.shape[1] - 1, image.shape[0] - 1)).br_corner()
    return np.asarray(dlib.resize_image(np.ascontiguousarray(image), corner.y + 1, corner.x + 1), np.uint8)


def _size(width: float) -> int:
    """The number of the size at which dlib finds faces of about this width; negative if they are too small."""
    return round(math.log(max(width, 1) / WINDOW, SHRINKING))
