"""dlib's face detector around a place: the same boxes as in the whole image, in less time.

dlib searches an image at many sizes, each 5/6 of the one before, with one window that moves by 8 pixels. Here only the
size at which a face was seen and its two neighbours are searched, around the place of the face. The part that is cut
out starts at a multiple of 8 pixels and has a margin, so that the detector sees the features of the whole image.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Sequence
from typing import Any

import dlib
import numpy as np
from numpy.typing import NDArray

Sizes = Sequence[NDArray[np.uint8]]

CELL = 8
"""How far the detector's window moves, in pixels."""
WINDOW = 73
"""Width and height of the boxes that dlib finds without shrinking an image."""
DOWN = dlib.pyramid_down(6)
"""What shrinks an image, and maps positions between the sizes."""
TWICE = dlib.pyramid_down(2)
"""What maps positions in an image to those in the image that dlib has enlarged once."""
SHRINKING = 6 / 5
SMALLEST = 64
"""Minimum side in pixels of an image that dlib searches after shrinking it."""
MARGIN = 2
"""Cells around a box: one for the features at its edge, one for movement."""
LARGE = 0.3
"""Faces of at least this width, as a fraction of the image's smaller side, are searched first."""


def sizes(image: NDArray[np.uint8], last: int = sys.maxsize) -> Sizes:
    """The images that dlib searches: an RGB image, and its copies of decreasing size, up to number `last`."""
    pictures = [np.ascontiguousarray(image)]
    while len(pictures) <= last and (min(pictures[-1].shape[:2]) - 1) / SHRINKING >= SMALLEST:
        pictures.append(DOWN(pictures[-1]))
    return pictures


def large(detector: Any, image: NDArray[np.uint8]) -> Any | None:
    """The box (dlib.rectangle) of the largest face of an RGB image, if it is large; None if none is.

    Only the smaller half of dlib's sizes is searched, then the place that was found.
    """
    index = _size(LARGE * min(image.shape[:2]))
    pictures = sizes(image) if index > 0 else []
    if len(pictures) <= index or index < 1:
        return None
    box = max(detector(pictures[index], 0), key=lambda box: box.area(), default=None)
    return box and _search(detector, pictures, DOWN.rect_up(box, index))


def search(detector: Any, image: NDArray[np.uint8], box: Any) -> Any | None:
    """The box of the most certain face of an RGB image near a box, both dlib.rectangle; None if there is none."""
    return _search(detector, sizes(image, _size(box.width()) + 1), box)


def _search(detector: Any, pictures: Sizes, box: Any) -> Any | None:
    """The most certain box near a box.

    In each part, dlib also finds larger faces, at a size that is not quite one of the whole image. If such a box is
    the most certain one, it may hide the box of the whole image, which is then searched.
    """
    middle, score, best, doubt = _size(box.width()), 0.0, None, 0.0
    wanted = range(max(middle - 1, 0), min(middle + 2, len(pictures)))
    for index in wanted:
        part, corner = _cut(pictures[index], DOWN.rect_down(box, index))
        for found, certainty in zip(*detector.run(part, 0, 0.0)[:2], strict=True):
            if found.width() != WINDOW:
                doubt = max(doubt, certainty)
            elif certainty > score:
                score, best = certainty, DOWN.rect_up(dlib.translate_rect(found, corner), index)
    return best if score >= doubt else _whole(detector, pictures, wanted, box)


def _whole(detector: Any, pictures: Sizes, wanted: range, box: Any) -> Any | None:
    """The most certain box near a box, searched in whole images."""
    for index in wanted:
        around = DOWN.rect_down(box, index)
        boxes = [found for found in detector(pictures[index], 0) if around.contains(dlib.center(found))]
        if boxes and boxes[0].width() == WINDOW:  # the most certain first; others have another size
            return DOWN.rect_up(boxes[0], index)
    return None


def enlarged(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The image that dlib searches if it is to enlarge an RGB image once."""
    corner = TWICE.rect_up(dlib.rectangle(0, 0, image.shape[1] - 1, image.shape[0] - 1)).br_corner()
    return np.asarray(dlib.resize_image(np.ascontiguousarray(image), corner.y + 1, corner.x + 1), np.uint8)


def _size(width: float) -> int:
    """The size at which dlib finds faces of about this width; negative if they are too small."""
    return round(math.log(max(width, 1) / WINDOW, SHRINKING))


def _cut(picture: NDArray[np.uint8], box: Any) -> tuple[NDArray[np.uint8], Any]:
    """The part of an image around a box, and where its corner is."""
    left, top = (max((edge - CELL // 2) // CELL - MARGIN, 0) * CELL for edge in (box.left(), box.top()))
    right, bottom = (edge + 1 + CELL // 2 + MARGIN * CELL for edge in (box.right(), box.bottom()))
    return np.ascontiguousarray(picture[top:bottom, left:right]), dlib.point(left, top)
