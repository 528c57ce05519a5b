"""From a clip to one image: the face at the apex minus the face in the first frame."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from common.contract import Settings, Shapes
from common.errors import ClipError
from common.types import Arrays, Clip, ClipFrames, Samples, one_row_each
from common.vision import apex
from common.vision.alignment import rectangle
from common.vision.faces import FaceFinder
from common.vision.images import read_frame, where
from papers.apexdiff.experiments import Inputs


def prepare(clip: ClipFrames, inputs: Inputs, faces: FaceFinder) -> Arrays:
    """A clip's "difference", float32 (size, size, 1) in -1 to 1.

    The landmarks of the first frame bound the face in both frames. Raises ClipError if files cannot be used or if the
    clip's first frame shows no face.
    """
    first = read_frame(clip, 0)
    box = rectangle(faces.find(first, where(clip, 0)).points, first.shape, 0.1)
    if 0 in first[box].shape:
        raise ClipError(f"{where(clip, 0)}: the face that dlib finds lies outside the image")
    number = apex.estimate(clip, inputs.apex_method, faces).apex
    peak = read_frame(clip, int(np.abs(np.array(clip.numbers) - number).argmin()))
    size = inputs.size, inputs.size
    onset_grey, peak_grey = (
        cv2.resize(cv2.cvtColor(frame[box], cv2.COLOR_RGB2GRAY), size, interpolation=cv2.INTER_AREA).astype(np.float32)
        for frame in (first, peak)
    )
    return {"difference": (peak_grey - onset_grey)[..., None] / np.float32(255)}


def shapes(settings: Settings) -> Shapes:
    """One grey image."""
    return {"difference": (settings.inputs.size, settings.inputs.size, 1)}


def assemble(clips: Sequence[tuple[Clip, int]], arrays: Sequence[Arrays], settings: Settings) -> Samples:
    """Samples with one row per clip: x is the difference."""
    return one_row_each(clips, {"difference": np.stack([clip_arrays["difference"] for clip_arrays in arrays])})
