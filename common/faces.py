"""Faces and their 68 landmarks, by dlib.

The 68-point model is the file that the package face-recognition-models ships; its README names no licence for
commercial use. Landmarks count from 0: 0-16 jaw, 17-26 brows, 27-35 nose, 36-47 eyes, 48-67 mouth.
"""

from __future__ import annotations

import hashlib
import importlib.util
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import cv2
import dlib
import numpy as np
from numpy.typing import NDArray

from common.errors import ClipError, UserError

MODEL_SHA256 = "fbdc2cb80eb9aa7a758672cbfdda32ba6300efe9b6e6c7a299ff7e736b11b92f"
PADDING = 0.25
"""Share of the image size added on every side when a tight crop hides the face's outline from the detector."""


@dataclass(frozen=True)
class Face:
    """Landmarks in pixels, float32 (68, 2) as x, y; `how` is the search step that found the face.

    `box` is left, top, right and bottom of the detector's box, which may lie partly outside the picture.
    """

    points: NDArray[np.float32]
    how: str
    box: tuple[int, int, int, int] = (0, 0, 0, 0)


@dataclass(frozen=True)
class FaceFinder:
    """dlib's frontal detector and landmark model, loaded at the first use.

    `model` is another copy of the 68-point model file; its SHA-256 must be the known one.
    """

    model: Path | None = None

    def find(self, image: NDArray[np.uint8], where: str = "image") -> Face:
        """The largest face of an RGB uint8 image (height, width, 3).

        The search widens in three recorded steps: the image as it is, enlarged twice, and with a border of
        replicated pixels (released crops are often tighter than the detector's window). Raises ClipError when none
        finds a face: nothing is guessed.
        """
        border = round(PADDING * max(image.shape[:2]))
        for how, offset, enlargements in (("as it is", 0, 0), ("enlarged", 0, 1), ("padded", border, 1)):
            picture = image
            if offset:
                padded = cv2.copyMakeBorder(image, offset, offset, offset, offset, cv2.BORDER_REPLICATE)
                picture = np.asarray(padded, np.uint8)
            boxes = self._dlib[0](np.ascontiguousarray(picture), enlargements)
            if len(boxes):
                largest = max(boxes, key=lambda box: box.area())
                points = self._landmarks(picture, largest) - np.float32(offset)
                edges = (largest.left(), largest.top(), largest.right(), largest.bottom())
                left, top, right, bottom = (edge - offset for edge in edges)
                return Face(points, how, (left, top, right, bottom))
        raise ClipError(f"{where}: dlib finds no face in it, neither enlarged nor with a border added")

    def follow(self, image: NDArray[np.uint8], face: Face) -> NDArray[np.float32]:
        """Landmarks (68, 2) of a later frame of the same clip, fitted anew in the box where `face` was found.

        Nothing is searched, so that it is quick and cannot fail; it has only the box to go by.
        """
        return self._landmarks(image, dlib.rectangle(*face.box))

    def _landmarks(self, image: NDArray[np.uint8], box: Any) -> NDArray[np.float32]:
        shape = self._dlib[1](np.ascontiguousarray(image), box)
        return np.array([(point.x, point.y) for point in shape.parts()], np.float32)

    @cached_property
    def _dlib(self) -> tuple[Any, Any]:
        path = self.model or default_model()
        try:
            found = hashlib.sha256(path.read_bytes()).hexdigest()
        except OSError as error:
            raise UserError(f"cannot read the landmark model {path}: {error.strerror}") from error
        if found != MODEL_SHA256:
            raise UserError(f"{path} is not the 68-point landmark model (its SHA-256 is {found}); download it again")
        try:
            return dlib.get_frontal_face_detector(), dlib.shape_predictor(str(path))
        except RuntimeError as error:  # it is whole: of some systems dlib opens plain names alone
            raise UserError(f"dlib cannot open {path}; put a copy where all names are ASCII: --landmarks") from error


def default_model() -> Path:
    """The 68-point model file of the installed package face-recognition-models.

    Found without importing that package, whose import needs a module that new Pythons no longer have.
    """
    spec = importlib.util.find_spec("face_recognition_models")
    if spec is None or not spec.submodule_search_locations:
        raise UserError("the package face-recognition-models is missing; pip install face-recognition-models")
    return Path(spec.submodule_search_locations[0]) / "models" / "shape_predictor_68_face_landmarks.dat"
