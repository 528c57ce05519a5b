"""From a clip to the LBP-TOP histograms of its face, from onset to offset."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from common.contract import Settings, Shapes
from common.types import Arrays, Clip, ClipFrames, Samples, one_row_each
from common.vision.alignment import aligned_picture, alignment
from common.vision.faces import FaceFinder
from common.vision.images import each_frame, read_frame, where
from papers.see2019.experiments import Inputs
from papers.see2019.lbp_top import BINS, PLANES, histograms


def prepare(clip: ClipFrames, inputs: Inputs, faces: FaceFinder) -> Arrays:
    """The histograms of a clip: "histograms" float32 (grid, grid, 177), "frames" (1,) the number of its frames.

    The last axis has 59 bins each for the planes XY, XT and YT. Raises ClipError if files cannot be used or if the
    clip's first frame shows no face.
    """
    found = histograms(face_video(clip, inputs.size, faces), inputs.grid, inputs.radius, inputs.time_radius)
    flat = found.reshape(inputs.grid, inputs.grid, len(PLANES) * BINS)
    return {"histograms": flat, "frames": np.array([len(clip.numbers)])}


def face_video(clip: Clip | ClipFrames, size: int, faces: FaceFinder) -> NDArray[np.uint8]:
    """The face in all frames, grey uint8 (frames, size, size): the middle three quarters of dlib's aligned face.

    All frames are aligned by the landmarks of the first frame, so that alignment neither removes movement nor adds any.
    """
    whole = aligned_size(size)
    to_face = alignment(faces.find(read_frame(clip, 0), where(clip, 0)).points, whole)
    middle = slice((whole - size) // 2, (whole - size) // 2 + size)
    grey = (np.asarray(cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY), np.uint8) for frame in each_frame(clip))
    return np.stack([aligned_picture(frame, to_face, whole)[middle, middle] for frame in grey])


def aligned_size(size: int) -> int:
    """Width and height of the aligned face whose middle has this size."""
    return size * 4 // 3


def shapes(settings: Settings) -> Shapes:
    """Blocks down and across, and the bins of the three planes."""
    grid = settings.inputs.grid
    return {"histograms": (grid, grid, len(PLANES) * BINS)}


def assemble(clips: Sequence[tuple[Clip, int]], arrays: Sequence[Arrays], settings: Settings) -> Samples:
    """Samples with one row per clip: x are its histograms, y its class, view 0.

    Notes count the clips that are too short for the radius in time.
    """
    least = 2 * settings.inputs.time_radius + 1
    notes = []
    for corpus in dict.fromkeys(clip.corpus for clip, _ in clips):
        frames = [int(a["frames"][0]) for (clip, _), a in zip(clips, arrays, strict=True) if clip.corpus == corpus]
        if short := sum(count < least for count in frames):
            notes.append(
                f"{corpus}: {short} of {len(frames)} clips have fewer than {least} frames; their first and last frames "
                "are repeated"
            )
    return one_row_each(clips, {"histograms": np.stack([a["histograms"] for a in arrays])}, tuple(notes))
