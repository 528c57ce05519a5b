"""From a clip to the optical flow and strain between its first frame and its apex."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from common.contract import Settings, Shapes
from common.types import Arrays, Clip, ClipFrames, Samples, one_row_each
from common.vision import apex
from common.vision.alignment import aligned_picture, alignment
from common.vision.faces import FaceFinder
from common.vision.flow import flow, strain
from common.vision.images import read_frame, where
from papers.liong2019.experiments import Inputs


def prepare(clip: ClipFrames, inputs: Inputs, faces: FaceFinder) -> Arrays:
    """A clip's "flow" as `channels` returns it, and "estimated" (1,), 1 if the apex is not annotated.

    Raises ClipError if files cannot be used or if the clip's first frame shows no face.
    """
    onset, peak, _ = pair(clip, inputs, faces)
    return {"flow": channels(onset, peak, inputs.size), "estimated": np.array([int(clip.apex is None)])}


def pair(
    clip: Clip | ClipFrames, inputs: Inputs, faces: FaceFinder
) -> tuple[NDArray[np.uint8], NDArray[np.uint8], int]:
    """The face in the first frame and at the apex, grey uint8 (face_size, face_size), and the index of the apex.

    Both are aligned to dlib's mean face by the landmarks of the first frame, so that the head's movement stays. If the
    frame of the apex is missing, the nearest one is read.
    """
    first = read_frame(clip, 0)
    to_face = alignment(faces.find(first, where(clip, 0)).points, inputs.face_size)
    known = apex.estimate(clip, inputs.apex_method, faces).apex
    place = int(np.abs(np.array(clip.numbers) - known).argmin())
    onset, peak = (
        aligned_picture(np.asarray(cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY), np.uint8), to_face, inputs.face_size)
        for frame in (first, read_frame(clip, place))
    )
    return onset, peak, place


def channels(onset: NDArray[np.uint8], peak: NDArray[np.uint8], size: int) -> NDArray[np.float32]:
    """Horizontal flow, vertical flow and strain of a pair of faces, averaged to float32 (size, size, 3).

    The flow is divided by its largest component, the strain by its largest value, so that they lie in -1 to 1 and 0 to
    1; both are 0 where nothing moves.
    """
    moved = flow(onset, peak)
    whole = np.dstack([moved, strain(moved)])
    small = np.asarray(cv2.resize(whole, (size, size), interpolation=cv2.INTER_AREA), np.float32)
    largest = np.array([np.abs(small[..., :2]).max()] * 2 + [small[..., 2].max()], np.float32)
    return np.asarray(small / np.where(largest > 0, largest, 1), np.float32)


def shapes(settings: Settings) -> Shapes:
    """Three channels: horizontal flow, vertical flow, strain."""
    return {"flow": (settings.inputs.size, settings.inputs.size, 3)}


def assemble(clips: Sequence[tuple[Clip, int]], arrays: Sequence[Arrays], settings: Settings) -> Samples:
    """Samples with one row per clip. Notes count the estimated apexes of each corpus."""
    corpora = np.array([clip.corpus for clip, _ in clips])
    estimated = np.array([own["estimated"][0] for own in arrays])
    lines = tuple(
        f"{corpus}: the apex of {guessed} of {(corpora == corpus).sum()} clips is estimated "
        f"({settings.inputs.apex_method})"
        for corpus in dict.fromkeys(corpora.tolist())
        if (guessed := estimated[corpora == corpus].sum())
    )
    return one_row_each(clips, {"flow": np.stack([own["flow"] for own in arrays])}, lines)
