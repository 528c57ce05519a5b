"""Landmarks of every frame of a clip, the rectangle around them, and the map to dlib's mean face."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import NamedTuple

import cv2
import dlib
import numpy as np
from numpy.typing import NDArray

from common.errors import ClipError
from common.types import Arrays, Clip, ClipFrames
from common.vision.faces import PADDED, Face, FaceFinder
from common.vision.images import each_frame, where

ALIGNED = 256
"""Width and height of an aligned face in pixels: about as in 640x480 images, and twice the size a network reads."""
BORDER = 0.25
"""Border around dlib's mean face on every side, as a fraction of its size: the default of dlib.get_face_chip."""

EVERY = 9
"""After the first frame, the face is searched for in one frame of this many."""
STEADY = 16
"""Searches in a row that must give the same box after one that gave another."""
MOVED = 0.008
"""How far a face may move between two searches, as a fraction of its box's width."""


class Tracked(NamedTuple):
    """A frame, RGB uint8 (height, width, 3), with its landmarks (68, 2); `where` names it.

    `found` is False if a search found no face; the landmarks are then those of the previous frame. `searched` is True
    if the face was not found near its previous place, so that the whole frame was searched (the first frame is always
    searched).
    """

    where: str
    frame: NDArray[np.uint8]
    points: NDArray[np.float32]
    found: bool
    searched: bool


def tracked(clip: Clip | ClipFrames, faces: FaceFinder) -> Iterator[Tracked]:
    """Every frame of a clip with the landmarks that dlib finds in it, or else those of the previous frame.

    After the first frame, the face is searched for near its last place in one frame of `EVERY`, and in the last one. If
    the box is the same as in the previous search, landmarks of the frames between the two searches are fitted in it. If
    not, or if the face moved in these frames, they are searched too. After a search that gives another box, every frame
    is searched until `STEADY` boxes in a row are the same: noise alone may change the box. So is every frame if faces
    are only found with a border, without which landmarks are different. Raises ClipError for unusable files, and if the
    first frame shows no face.
    """
    last: Tracked | None = None
    seen: Face | None = None  # in the last frame in which it was searched for
    steady = STEADY
    frames = ((where(clip, index), frame) for index, frame in enumerate(each_frame(clip)))
    while group := [*islice(frames, EVERY if seen and seen.how != PADDED and steady >= STEADY else 1)]:
        if last and seen and len(group) > 1 and (followed := _followed(group, last, seen, faces)):
            (*_, last), seen = followed
            yield from followed[0]
            continue
        for place, frame in group:
            if last and _equal(frame, last.frame):  # identical frames are searched only once
                last = last._replace(where=place)
                yield last
                continue
            near = faces.again(frame, seen) if seen else None
            try:
                face = near or faces.find(frame, place)
            except ClipError:
                if last is None:
                    raise
                last, steady = Tracked(place, frame, last.points, False, True), 0
            else:
                if seen:
                    steady = steady + 1 if near and near.box == seen.box else 0
                last = Tracked(place, frame, face.points, True, bool(seen and not near))
                seen = face
            yield last


def _followed(
    frames: Sequence[tuple[str, NDArray[np.uint8]]], last: Tracked, seen: Face, faces: FaceFinder
) -> tuple[list[Tracked], Face] | None:
    """Frames, given with their names, with landmarks in the box where a face was seen in the `last` frame before them.

    The face is searched for in the last of them, and returned too; None if its box there is another, or if it moves.
    """
    place, frame = frames[-1]
    end = seen if _equal(frame, last.frame) else faces.again(frame, seen)
    if not end or end.box != seen.box:
        return None
    fitted = [last]
    for name, picture in frames[:-1]:
        same = _equal(picture, fitted[-1].frame)
        points = fitted[-1].points if same else faces.follow(picture, seen)
        if _moved(points, seen):
            return None
        fitted.append(Tracked(name, picture, points, True, False))
    return [*fitted[1:], Tracked(place, frame, end.points, True, False)], end


def _equal(frame: NDArray[np.uint8], other: NDArray[np.uint8]) -> bool:
    """Whether two frames are the same; a few rows nearly always tell that they are not."""
    return np.array_equal(frame[::32], other[::32]) and np.array_equal(frame, other)


def _moved(points: NDArray[np.float32], seen: Face) -> bool:
    """Whether a face, not only parts of it, is at another place than when it was searched for."""
    left, _, right, _ = seen.box
    return bool(np.linalg.norm((points - seen.points).mean(0)) > MOVED * (right - left + 1))


def tracking_notes(arrays: Sequence[Arrays], corpus_names: str) -> tuple[str, ...]:
    """Lines for the report on clips, whose "reused" and "searched" (1,) count such frames; none for what never occurs.

    `corpus_names` are the corpora of these clips.
    """
    lines = {
        "reused": "dlib finds no face in {}; the previous frame's landmarks are used",
        "searched": "in {}, the face is not found near its previous place; the whole frame is searched",
    }
    notes = []
    for name, line in lines.items():
        counts = [int(clip_arrays[name][0]) for clip_arrays in arrays]
        if clips := sum(map(bool, counts)):
            notes.append(f"{corpus_names}: " + line.format(f"{sum(counts)} frames of {clips} clips"))
    return tuple(notes)


def alignment(points: NDArray[np.float32], size: int) -> NDArray[np.float64]:
    """The affine map (2, 3) from a frame to its aligned face of size x size pixels, by 68 landmarks (68, 2) as x, y.

    The map is that of `dlib.get_face_chip`: the rotation, scale and shift that bring the landmarks closest to dlib's
    mean face. It uses many landmarks, and so is more stable between frames than a map that levels the eyes. dlib
    returns only the image and not the map, which the landmarks need too.
    """
    whole = dlib.rectangle(0, 0, 0, 0)  # required by dlib, but not used
    shape = dlib.full_object_detection(whole, [dlib.point(x, y) for x, y in np.rint(points).astype(int).tolist()])
    chip = dlib.get_face_chip_details(shape, size, BORDER)
    centre = np.array([chip.rect.left() + chip.rect.right(), chip.rect.top() + chip.rect.bottom()]) / 2
    scale = (size - 1) / (chip.rect.right() - chip.rect.left())
    cosine, sine = scale * np.cos(chip.angle), scale * np.sin(chip.angle)
    turn = np.array([[cosine, sine], [-sine, cosine]])
    return np.column_stack([turn, (size - 1) / 2 - turn @ centre])


def aligned_picture(picture: NDArray[np.uint8], to_face: NDArray[np.float64], size: int = ALIGNED) -> NDArray[np.uint8]:
    """The aligned face, uint8 (size, size) or (size, size, channels), by a map from `alignment`.

    If the map shrinks the image to less than half, the image is first halved as often as needed, with the filter of
    `dlib.get_face_chip`, to avoid aliasing. Beyond its border the image is continued with its border pixels.
    """
    turn, shift = to_face[:, :2], to_face[:, 2:]
    while np.linalg.det(turn) < 0.5**2:
        picture = np.asarray(cv2.pyrDown(picture, borderType=cv2.BORDER_REPLICATE), np.uint8)
        turn = 2 * turn  # pixel centres stay: coordinates in the halved image count double
    face = cv2.warpAffine(picture, np.hstack([turn, shift]), (size, size), borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(face, np.uint8)


def rectangle(points: NDArray[np.float32], shape: tuple[int, ...], margin: float) -> tuple[slice, slice]:
    """Rows and columns of an image around landmarks (68, 2), limited to the image.

    `margin` is added on every side, as a fraction of the extent of the landmarks.
    """
    around = margin * (points.max(0) - points.min(0))
    (left, top), (right, bottom) = points.min(0) - around, points.max(0) + around
    rows = slice(max(round(float(top)), 0), min(max(round(float(bottom)), 0), shape[0]))
    columns = slice(max(round(float(left)), 0), min(max(round(float(right)), 0), shape[1]))
    return rows, columns
