"""One person throughout a clip: the largest face in the first frame, followed by its position."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from common.errors import ClipError
from common.vision.faces import Face, FaceFinder

Box = tuple[int, int, int, int]

FARTHEST = 1.0
"""How far a face may be from where it was seen before, in widths of its box."""


@dataclass(frozen=True)
class PersonFinder(FaceFinder):
    """Finds the face of one person only, by its position in the frames that were examined.

    `boxes` are those of the person, `others` those of all other faces, `finder` does the search.
    """

    finder: FaceFinder = field(default_factory=FaceFinder)
    boxes: tuple[Box, ...] = ()
    others: tuple[Box, ...] = ()

    def find(self, image: NDArray[np.uint8], where: str = "image") -> Face:
        """The person's face in an image; ClipError if it is not found, even if there are other faces."""
        if face := self.own(self.every(image)):
            return face
        raise ClipError(f"{where}: dlib does not find the face of the person seen in the first frame")

    def again(self, image: NDArray[np.uint8], face: Face) -> Face | None:
        """The person's face near its place in an earlier frame, like `FaceFinder.again`."""
        followed = super().again(image, face)
        return followed and self.own([followed])

    def own(self, faces: Sequence[Face]) -> Face | None:
        """The person's face among others; None if it is not there."""
        own = min(faces, key=lambda face: _nearest(face.box, self.boxes), default=None)
        if own is None or _nearest(own.box, self.boxes) > min(FARTHEST, _nearest(own.box, self.others)):
            return None
        return own

    def digest(self, content: str) -> str:
        """A digest of a clip's content and of the person, which together determine the clip's arrays."""
        return hashlib.sha256(json.dumps([content, self.boxes, self.others]).encode()).hexdigest()

    @cached_property
    def _dlib(self) -> tuple[Any, Any]:
        return self.finder._dlib


def tracks(frames: Sequence[Sequence[Face]]) -> list[list[Face | None]]:
    """The faces of each person, as a list with a face or None for each frame. The nearest faces are joined.

    The first person is the one with the largest face in the first frame that has any.
    """
    people: list[list[Face | None]] = []
    for place, faces in enumerate(frames):
        left = sorted(faces, key=lambda face: -face.area)
        pairs = sorted(
            (apart(_last(person).box, face.box), number, index)
            for number, person in enumerate(people)
            for index, face in enumerate(left)
        )
        joined: dict[int, int] = {}
        for distance, number, index in pairs:
            if distance <= FARTHEST and number not in joined and index not in joined.values():
                joined[number] = index
        for number, person in enumerate(people):
            person.append(left[joined[number]] if number in joined else None)
        new = [face for index, face in enumerate(left) if index not in joined.values()]
        people += [[*(None for _ in range(place)), face] for face in new]
    return people


def apart(one: Box, other: Box) -> float:
    """The distance between the centres of two boxes, in mean widths of both."""
    centres = np.array([[box[0] + box[2], box[1] + box[3]] for box in (one, other)]) / 2
    width = (one[2] - one[0] + other[2] - other[0]) / 2
    return float(np.hypot(*(centres[0] - centres[1])) / max(width, 1))


def _nearest(box: Box, boxes: Sequence[Box]) -> float:
    return min((apart(box, other) for other in boxes), default=float("inf"))


def _last(person: Sequence[Face | None]) -> Face:
    return next(face for face in reversed(person) if face is not None)
