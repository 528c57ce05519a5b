"""dlib's face detector around a place: the same boxes as in the whole image, in less time.

dlib searches an image at many sizes, each 5/6 of the one before, with one window that moves by 8 pixels. Here only the
size at which a face was seen and its two neighbours are searched, around the place of the face. The part that is cut
out starts at a multiple of 8 pixels and has a margin, so that the detector sees the features of the whole image.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Sequence
from typing import Any, NamedTuple

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
"""Cells around a box: one for the features at its edge, one for movement by a cell."""
CLEAR = 0.1
"""By how much more certain than at other sizes a box has to be, so that noise does not change the choice."""
LARGE = 0.4
"""Faces of at least this width, as a fraction of the image's smaller side, are searched first."""


def sizes(image: NDArray[np.uint8], last: int = sys.maxsize) -> Sizes:
    """The images that dlib searches: an RGB image, and its copies of decreasing size, up to number `last`."""
    pictures = [np.ascontiguousarray(image)]
    while len(pictures) <= last and (min(pictures[-1].shape[:2]) - 1) / SHRINKING >= SMALLEST:
        pictures.append(DOWN(pictures[-1]))
    return pictures


class Found(NamedTuple):
    """A box (dlib.rectangle), how far it is above dlib's threshold, and the number of the size at which it is found.

    It is `clear` if boxes at the neighbouring sizes are much less certain: noise then does not change the choice.
    """

    box: Any
    score: float
    size: int
    clear: bool = False


def large(detector: Any, image: NDArray[np.uint8]) -> Found | None:
    """The largest face of an RGB image, if it is large; None if there is none.

    Only the smaller half of dlib's sizes is searched, then the place that was found.
    """
    index = _size(LARGE * min(image.shape[:2]))
    pictures = sizes(image) if index > 0 else []
    if len(pictures) <= index or index < 1:
        return None
    box = max(detector(pictures[index], 0), key=lambda box: box.area(), default=None)
    return box and _search(detector, pictures, DOWN.rect_up(box, index))


def search(detector: Any, image: NDArray[np.uint8], box: Any) -> Found | None:
    """The most certain face of an RGB image near a box (dlib.rectangle); None if there is none."""
    return _search(detector, sizes(image, _size(box.width()) + 1), box)


def _search(detector: Any, pictures: Sizes, box: Any) -> Found | None:
    """The most certain face near a box.

    In each part, dlib also finds larger faces, at a size that is not quite one of the whole image. If such a box is
    the most certain one, it may hide the box of the whole image, which is then searched.
    """
    middle, doubt = _size(box.width()), 0.0
    wanted = range(max(middle - 1, 0), min(middle + 2, len(pictures)))
    seen: list[Found] = []
    for index in wanted:
        part, corner = _cut(pictures[index], DOWN.rect_down(box, index))
        for found, score in zip(*detector.run(part, 0, 0.0)[:2], strict=True):
            if found.width() == WINDOW:
                seen.append(Found(DOWN.rect_up(dlib.translate_rect(found, corner), index), score, index))
            else:
                doubt = max(doubt, score)
    best = max(seen, key=lambda face: face.score, default=None)
    if doubt > (best.score if best else 0.0):
        best = _whole(detector, pictures, wanted, box)
    others = [face.score for face in seen if best and face.size != best.size]
    return best and best._replace(clear=best.score - max(doubt, *others, 0.0) >= CLEAR)


def _whole(detector: Any, pictures: Sizes, wanted: range, box: Any) -> Found | None:
    """The most certain face near a box, searched in whole images."""
    for index in wanted:
        around = DOWN.rect_down(box, index)
        for found, score in zip(*detector.run(pictures[index], 0, 0.0)[:2], strict=True):  # the most certain first
            if around.contains(dlib.center(found)):
                if found.width() == WINDOW:
                    return Found(DOWN.rect_up(found, index), score, index)
                break  # it has another size
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
