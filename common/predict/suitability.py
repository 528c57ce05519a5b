"""Measurements of the face in a sample of a clip's frames, as pure functions of images and landmarks.

Everything is relative to the distance between the eye centres, which no expression changes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from common.predict import stillness
from common.predict.person import PersonFinder, tracks
from common.types import Clip
from common.vision import images
from common.vision.faces import Face, FaceFinder

SAMPLED = 9
"""Number of frames examined in a clip: the first, the last, and others spaced evenly between them."""
LEFT_EYE, RIGHT_EYE = slice(36, 42), slice(42, 48)
TURNS = {1: 270, 2: 180, 3: 90}
"""Counter-clockwise quarter turns that make a face upright, and the same rotation in degrees clockwise."""


@dataclass(frozen=True)
class Sight:
    """What is found in one frame: its index in the clip (`place`), the person's face, and other faces by their number.

    `change` is how much the person's face differs from that in the first frame, in grey levels; see `stillness`.
    """

    place: int
    face: Face | None
    others: Mapping[int, Face]
    change: float


def examine(clip: Clip, faces: FaceFinder) -> tuple[Sight, ...]:
    """Examine a sample of a clip's frames. Raises ClipError like `images.each_frame`."""
    places, found = sampled(len(clip.frames)), []
    first: tuple[Face, NDArray[np.uint8]] | None = None
    changes = []
    for frame in images.each_frame(clip.at(places)):
        found.append(faces.every(frame))
        if first is None:
            first = (found[-1][0], stillness.aligned(frame, found[-1][0].points)) if found[-1] else None
            changes.append(0.0)
        else:
            points = first[0].points
            changes.append(stillness.change(first[1], stillness.aligned(frame, points), points))
    people = tracks(found)
    return tuple(
        Sight(
            place,
            people[0][index] if people else None,
            {number: face for number, person in enumerate(people) if number and (face := person[index])},
            changes[index],
        )
        for index, place in enumerate(places)
    )


def person(sights: Sequence[Sight], faces: FaceFinder) -> PersonFinder:
    """A finder of the person's face in all frames of a clip, from the frames that were examined."""
    own = tuple(sight.face.box for sight in sights if sight.face)
    others = tuple(face.box for sight in sights for face in sight.others.values())
    return PersonFinder(faces.model, faces, own, others)


def sampled(frames: int) -> list[int]:
    """The indices of the frames to examine."""
    return np.unique(np.linspace(0, frames - 1, min(SAMPLED, frames)).round().astype(int)).tolist()


def upright_after(frames: Sequence[NDArray[np.uint8]], faces: FaceFinder, above: float = 0.0) -> int | None:
    """Degrees by which images must be rotated clockwise so that most of them show a face; None if no rotation helps.

    Of several rotations, the one with the highest mean score, which must exceed `above`.
    """
    sure: dict[int, float] = {}
    for quarters, degrees in TURNS.items():
        detections = [faces.every(np.ascontiguousarray(np.rot90(frame, quarters))) for frame in frames]
        if 2 * sum(map(bool, detections)) > len(frames):
            sure[degrees] = sum(frame_faces[0].score for frame_faces in detections if frame_faces) / len(frames)
    best = max(sure, key=lambda degrees: sure[degrees], default=None)
    return best if best is not None and sure[best] > above else None


# ---------------------------------------------------------------- of landmarks (68, 2), as x and y in pixels


def eye_distance(points: NDArray[np.floating]) -> float:
    """Pixels between the centres of the eyes."""
    return float(np.hypot(*(points[RIGHT_EYE].mean(0) - points[LEFT_EYE].mean(0))))


def tilt(points: NDArray[np.floating]) -> float:
    """Angle in degrees between the line through the eyes and the horizontal; positive if the right eye is lower."""
    across, down = points[RIGHT_EYE].mean(0) - points[LEFT_EYE].mean(0)
    return float(np.degrees(np.arctan2(down, across)))


def asymmetry(points: NDArray[np.floating]) -> float:
    """How far the ridge of the nose is from the middle between the ends of the jaw: 0 there, 1 (or -1) at an end.

    Measured along the line through the eyes; it grows as a head turns to the side.
    """
    along = points[RIGHT_EYE].mean(0) - points[LEFT_EYE].mean(0)
    places = points @ (along / max(float(np.hypot(*along)), 1e-6))
    left, right, nose = places[0:3].mean(), places[14:17].mean(), places[27:31].mean()
    return float(np.clip(2 * (nose - left) / max(right - left, 1e-6) - 1, -1, 1))


def travel(all_points: Sequence[NDArray[np.floating]]) -> float:
    """The largest distance of a face between any two frames, in units of the eye distance in the first."""
    if len(all_points) < 2:
        return 0.0
    centres = np.stack([points.mean(0) for points in all_points])
    ways = np.hypot(*(centres[:, None] - centres[None]).transpose(2, 0, 1))
    return float(ways.max() / max(eye_distance(all_points[0]), 1.0))


def outside(points: NDArray[np.floating], size: tuple[int, int]) -> bool:
    """Whether landmarks are outside an image of this height and width."""
    return bool((points < 0).any() or (points > np.array(size[::-1]) - 1).any())
