"""The search for a face: what dlib is shown, in which order and coordinates, and how a face is followed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import cv2
import dlib
import numpy as np
import pytest
from numpy.typing import NDArray
from skimage import data

from common.errors import ClipError
from common.types import ClipFrames
from common.vision import alignment, images
from common.vision.faces import Face, FaceFinder

Image = NDArray[np.uint8]

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


@pytest.fixture(scope="module")
def faces() -> FaceFinder:
    return FaceFinder()


@pytest.fixture
def astronaut() -> Image:
    return np.asarray(data.astronaut(), np.uint8)


def whole(finder: FaceFinder, image: Image) -> tuple[str, tuple[int, ...]]:
    """The step and the box of the largest face when dlib searches all sizes of the whole image."""
    found = finder.every(image)[0]
    return found.how, found.box


def moved(image: Image, right: int, down: int) -> Image:
    return np.roll(image, (down, right), (0, 1))


@pytest.mark.parametrize("scale", [0.3, 0.8, 1, 1.9, 2.5])
def test_a_face_that_moves_a_little_is_found_where_dlib_finds_it(
    faces: FaceFinder, astronaut: Image, scale: float
) -> None:
    image = np.asarray(cv2.resize(astronaut, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA), np.uint8)
    face = faces.find(image)
    assert (face.how, face.box) == whole(faces, image)
    for right, down in ((0, 0), (1, -1), (-3, 2), (5, 5)):
        frame = moved(image, right, down)
        again, expected = faces.again(frame, face), max(faces.every(frame), key=lambda seen: seen.score)
        assert again is not None
        assert (again.how, again.box) == (expected.how, expected.box)
        np.testing.assert_array_equal(again.points, expected.points)


@dataclass(frozen=True)
class Scripted:
    """Finds a face at `places` pixels to the right in a box of 100 pixels, whose left edge is one of `boxes`.

    Frames are known by the value of their second row. Landmarks move by the place times one of `signs`. In the frames
    `far` no face is near its last place, and in those `lost` there is none.
    """

    places: tuple[float, ...]
    boxes: tuple[int, ...]
    searched: list[int]
    how: str = "as it is"
    signs: tuple[int, ...] = (1,) * 68
    far: tuple[int, ...] = ()
    lost: tuple[int, ...] = ()

    def find(self, image: Image, where: str = "image") -> Face:
        index = int(image[1, 0, 0])
        self.searched.append(index)
        if index in self.lost:
            raise ClipError(where)
        return Face(self.follow(image, None), self.how, (self.boxes[index], 0, self.boxes[index] + 99, 99))

    def again(self, image: Image, face: Face) -> Face | None:
        return None if image[1, 0, 0] in {*self.far, *self.lost} else self.find(image)

    def follow(self, image: Image, face: Face | None) -> NDArray[np.float32]:
        return np.outer(self.signs, [self.places[image[1, 0, 0]]] * 2).astype(np.float32)


def searches(
    places: Sequence[float],
    boxes: Sequence[int],
    monkeypatch: pytest.MonkeyPatch,
    shown: Sequence[int] = (),
    **more: Any,
) -> list[int]:
    """The frames in which a face is searched for; if `shown` is given, these frames are shown instead."""
    frames = [np.zeros((40, 1, 3), np.uint8) for _ in places]
    for index, frame in zip(shown or range(len(places)), frames, strict=True):
        frame[1] = index
    monkeypatch.setattr(alignment, "each_frame", lambda clip: iter(frames))
    clip = ClipFrames("casme2", tuple(range(len(places))), 0, 3, 5, 200.0, "", lambda indices, part: iter(()))
    script = Scripted(tuple(places), tuple(boxes), [], **more)
    tracked = [*alignment.tracked(clip, script)]  # type: ignore[arg-type]
    found = [index for index in range(len(places)) if index not in script.lost]
    assert [float(tracked[index].points[0, 0]) for index in found] == pytest.approx([places[index] for index in found])
    assert [index for index, frame in enumerate(tracked) if frame.found] == found
    assert [index for index, frame in enumerate(tracked) if frame.searched] == sorted({*script.far, *script.lost})
    return script.searched


def test_a_face_in_a_steady_box_is_searched_for_now_and_then(monkeypatch: pytest.MonkeyPatch) -> None:
    every = alignment.EVERY
    last = 3 * every + 2
    still = [50 * alignment.MOVED * (index % 2) for index in range(last + 1)]
    assert searches(still, [7] * (last + 1), monkeypatch) == [*range(0, last, every), last]


def test_frames_between_which_a_face_moves_are_all_searched(monkeypatch: pytest.MonkeyPatch) -> None:
    moving = 100 * alignment.MOVED + 1
    assert searches([0.0, 0.0, moving, 0.0, 0.0], [7] * 5, monkeypatch) == [0, 4, 1, 2, 3, 4]


def test_frames_before_a_new_box_are_searched_and_those_after_it(monkeypatch: pytest.MonkeyPatch) -> None:
    every, steady = alignment.EVERY, alignment.STEADY
    change = 3  # the first frame in which the other box is seen
    last = change + steady + 2 * every
    expected = [0, every, *range(1, change + steady + 1), change + steady + every, last]
    assert searches([0] * (last + 1), [7] * change + [9] * (last + 1 - change), monkeypatch) == expected


def test_a_face_that_drifts_slowly_is_followed_from_search_to_search(monkeypatch: pytest.MonkeyPatch) -> None:
    every = alignment.EVERY
    last = 3 * every
    drifting = [60 * alignment.MOVED * index / every for index in range(last + 1)]
    assert searches(drifting, [7] * (last + 1), monkeypatch) == [*range(0, last + 1, every)]


def test_a_face_of_which_only_parts_move_is_followed(monkeypatch: pytest.MonkeyPatch) -> None:
    last = 2 * alignment.EVERY
    opening = [300 * alignment.MOVED * (index % 2) for index in range(last + 1)]
    assert searches(opening, [7] * (last + 1), monkeypatch, signs=(1, -1) * 34) == [0, alignment.EVERY, last]


@pytest.mark.parametrize("kind", ["far", "lost"])
def test_after_a_face_that_is_not_near_its_place_every_frame_is_searched(
    kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    there = alignment.EVERY
    last = there + alignment.STEADY + alignment.EVERY
    expected = [*range(there + alignment.STEADY + 1), last]
    assert searches([0] * (last + 1), [7] * (last + 1), monkeypatch, **{kind: (there,)}) == expected


def test_identical_frames_are_searched_once(monkeypatch: pytest.MonkeyPatch) -> None:
    count = 3 * alignment.EVERY
    assert searches([0] * count, [7] * count, monkeypatch, shown=[0] * count) == [0]


def test_a_face_found_with_a_border_is_searched_for_in_every_frame(monkeypatch: pytest.MonkeyPatch) -> None:
    assert searches([0] * 40, [7] * 40, monkeypatch, how="padded") == [*range(40)]


def test_a_face_that_jumps_or_vanishes_is_searched_in_the_whole_frame(
    faces: FaceFinder, astronaut: Image, monkeypatch: pytest.MonkeyPatch
) -> None:
    blank = np.zeros_like(astronaut)
    frames = [astronaut, moved(astronaut, 1, 0), moved(astronaut, 150, 60), blank, moved(astronaut, 150, 60), astronaut]
    monkeypatch.setattr(alignment, "each_frame", lambda clip: iter(frames))
    clip = ClipFrames("casme2", tuple(range(6)), 0, 3, 5, 200.0, "", lambda indices, part: iter(()))
    tracked = [*alignment.tracked(clip, faces)]
    assert [frame.found for frame in tracked] == [True, True, True, False, True, True]
    assert [frame.searched for frame in tracked] == [False, False, True, True, False, True]
    for frame, place in zip(tracked, (0, 1, 2, 2, 4, 5), strict=True):
        np.testing.assert_array_equal(frame.points, faces.find(frames[place]).points)


def test_landmarks_are_those_of_a_search_in_every_frame(
    faces: FaceFinder, standin_data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Mean distance of the 68 landmarks, up to half a pixel in 99% of the frames."""
    apart = []
    for corpus in ("CASME2", "SAMM", "SMIC"):
        folder = min(path.parent for path in (standin_data / corpus).rglob("*") if path.suffix in (".jpg", ".bmp"))
        clip = ClipFrames("casme2", (0,), 0, 0, 0, 200.0, "", lambda indices, part: iter(()))
        frames = [images.read(file) for file in sorted(folder.iterdir())]
        monkeypatch.setattr(alignment, "each_frame", lambda clip, frames=frames: iter(frames))
        monkeypatch.setattr(alignment, "where", lambda clip, index: f"frame {index}")
        for image, tracked in zip(frames, alignment.tracked(clip, faces), strict=True):
            searched = faces.find(image)
            assert (searched.how, searched.box) == whole(faces, image)
            apart.append(np.linalg.norm(tracked.points - searched.points, axis=1).mean())
    assert len(apart) > 20
    assert np.mean(np.array(apart) <= 0.5) >= 0.99
