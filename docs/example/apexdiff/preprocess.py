"""From a clip to one picture: the face at the apex less the face in the first frame."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from common.errors import ClipError
from common.types import Arrays, Clip, ClipFrames, Experiment, Samples
from common.vision import apex
from common.vision.alignment import rectangle
from common.vision.faces import FaceFinder
from common.vision.images import read_frame, where
from papers.apexdiff.experiments import Settings

MARGIN = 0.1
"""What is added around the landmarks on every side, as a share of their extent."""


def parameters(experiment: Experiment, settings: Settings) -> dict[str, object]:
    """What decides the arrays that `prepare` returns; the same for all experiments."""
    return {"size": settings.size, "apex": settings.apex_method}


def prepare(clip: ClipFrames, experiment: Experiment, settings: Settings, faces: FaceFinder) -> Arrays:
    """A clip's "difference", float32 (size, size, 1) in -1 to 1.

    The landmarks of the first frame bound the face in both. Raises ClipError for files that cannot be used and a clip
    whose first frame shows no face.
    """
    first = read_frame(clip, 0)
    box = rectangle(faces.find(first, where(clip, 0)).points, first.shape, MARGIN)
    if 0 in first[box].shape:
        raise ClipError(f"{where(clip, 0)}: the face that dlib finds lies outside the picture")
    known = apex.estimate(clip, settings.apex_method, faces).apex
    place = int(np.abs(np.array(clip.numbers) - known).argmin())
    onset, peak = (_grey(frame[box], settings.size) for frame in (first, read_frame(clip, place)))
    return {"difference": (peak - onset)[..., None]}


def _grey(face: NDArray[np.uint8], size: int) -> NDArray[np.float32]:
    grey = cv2.cvtColor(np.ascontiguousarray(face), cv2.COLOR_RGB2GRAY)
    return cv2.resize(grey, (size, size), interpolation=cv2.INTER_AREA).astype(np.float32) / np.float32(255)


def assemble(
    clips: Sequence[tuple[Clip, int]], arrays: Sequence[Arrays], experiment: Experiment, settings: Settings
) -> Samples:
    """Samples with one row per clip: x is the difference, y the clip's class, view 0."""
    return Samples(
        x={"difference": np.stack([clip_arrays["difference"] for clip_arrays in arrays])},
        y=np.array([label for _, label in clips], np.int64),
        subject=np.array([clip.subject_id for clip, _ in clips]),
        clip=np.array([clip.id for clip, _ in clips]),
        view=np.zeros(len(clips), np.int64),
    )
