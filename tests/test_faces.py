"""The search for a face: what dlib is shown, in which order, and in which coordinates it is answered."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import dlib
import numpy as np
import pytest
from numpy.typing import NDArray

from common.errors import ClipError
from common.vision.faces import FaceFinder

WIDENING = [("as it is", 0, 0), ("enlarged", 0, 1), ("padded", 15, 1)]
"""Steps, their borders for a picture of 60 pixels, and how often dlib enlarges."""


def finder(boxes: dict[int, list[dlib.rectangle]]) -> tuple[FaceFinder, list[tuple[NDArray[np.uint8], int]]]:
    """A finder whose detector finds these boxes at these calls, and what the detector was shown."""
    shown: list[tuple[NDArray[np.uint8], int]] = []

    def detect(picture: NDArray[np.uint8], enlargements: int) -> list[dlib.rectangle]:
        shown.append((picture, enlargements))
        return boxes.get(len(shown) - 1, [])

    def landmarks(picture: NDArray[np.uint8], box: dlib.rectangle) -> Any:
        points = [SimpleNamespace(x=box.left() + place, y=box.top() + 2 * place) for place in range(68)]
        return SimpleNamespace(parts=lambda: points)

    face_finder = FaceFinder()
    face_finder.__dict__["_dlib"] = (detect, landmarks)
    return face_finder, shown


@pytest.mark.parametrize("step", range(3))
def test_the_search_widens_until_a_face_is_found(step: int) -> None:
    picture = np.random.default_rng(0).integers(0, 256, (40, 60, 3), np.uint8)
    face_finder, shown = finder({step: [dlib.rectangle(1, 2, 9, 9), dlib.rectangle(20, 10, 39, 33)]})
    face = face_finder.find(picture)
    how, border, _ = WIDENING[step]
    assert (face.how, face.box) == (how, (20 - border, 10 - border, 39 - border, 33 - border))
    assert face.points.dtype == np.float32
    np.testing.assert_array_equal(
        face.points, np.stack([20 - border + np.arange(68), 10 - border + 2 * np.arange(68)], axis=1)
    )
    assert len(shown) == step + 1
    for (seen, enlargements), (_, around, expected) in zip(shown, WIDENING, strict=False):
        assert enlargements == expected
        np.testing.assert_array_equal(seen, np.pad(picture, ((around, around), (around, around), (0, 0)), "edge"))


def test_no_face_is_one_line() -> None:
    face_finder, shown = finder({})
    with pytest.raises(ClipError, match=r"img1\.jpg: dlib finds no face, even when the image is enlarged or padded"):
        face_finder.find(np.zeros((40, 60, 3), np.uint8), "img1.jpg")
    assert len(shown) == 3
