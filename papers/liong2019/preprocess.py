"""From a clip to the optical flow and strain between its first frame and its apex, or from a public map of both."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from common.contract import Settings, Shapes
from common.errors import ClipError
from common.types import Arrays, Clip, ClipFrames, Samples, one_row_each
from common.vision import apex
from common.vision.alignment import aligned_picture, alignment
from common.vision.faces import FaceFinder
from common.vision.flow import Method, flow, strain
from common.vision.images import read_frame, where
from papers.liong2019.experiments import Inputs

LEAST = (0.006, 0.15)
"""Flow, as a fraction of the face's height, and strain that are scaled to 1 if nothing in the clip is larger.

About what noise and the drift of the head reach where no expression moves the face: measured in departures.toml.
"""


def prepare(clip: ClipFrames, inputs: Inputs, faces: FaceFinder) -> Arrays:
    """A clip's "flow" as `channels` returns it, and "estimated" (1,), 1 if the apex is not annotated.

    Of a map "flow" is the image itself in the same order of channels, with values from 0 to 255. Raises ClipError if
    files cannot be used, if the clip's first frame shows no face, or if a map has another size.
    """
    if inputs.source == "maps":
        image = read_frame(clip, 0).astype(np.float32)  # red is horizontal flow, green vertical, blue strain
        if image.shape != (inputs.size, inputs.size, 3):
            raise ClipError(f"{where(clip, 0)}: not a map of {inputs.size} x {inputs.size} pixels")
        return {"flow": image, "estimated": np.array([0])}
    onset, peak, _ = pair(clip, inputs, faces)
    image = channels(onset, peak, inputs.size, inputs.flow_method)
    return {"flow": image, "estimated": np.array([int(clip.apex is None)])}


def pair(
    clip: Clip | ClipFrames, inputs: Inputs, faces: FaceFinder
) -> tuple[NDArray[np.uint8], NDArray[np.uint8], int]:
    """The face in the first frame and at the apex, grey uint8 (height, width), and the index of the apex.

    Both are aligned to dlib's mean face by the landmarks of the first frame, so that the head's movement stays; of the
    square face the middle columns are kept. If the frame of the apex is missing, the nearest one is read.
    """
    height, width = inputs.face_height, inputs.face_width
    middle = slice((height - width) // 2, (height - width) // 2 + width)
    first = read_frame(clip, 0)
    to_face = alignment(faces.find(first, where(clip, 0)).points, height)
    known = apex.estimate(clip, inputs.apex_method, faces).apex
    place = int(np.abs(np.array(clip.numbers) - known).argmin())
    onset, peak = (
        aligned_picture(np.asarray(cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY), np.uint8), to_face, height)[:, middle]
        for frame in (first, read_frame(clip, place))
    )
    return onset, peak, place


def channels(
    onset: NDArray[np.uint8], peak: NDArray[np.uint8], size: int, method: Method = "tvl1"
) -> NDArray[np.float32]:
    """Horizontal flow, vertical flow and strain of a pair of faces, averaged to float32 (size, size, 3).

    The flow is divided by its largest component, the strain by its largest value, so that they lie in -1 to 1 and 0 to
    1; but by no less than `LEAST`, so that they stay near 0 where next to nothing moves.
    """
    moved = flow(onset, peak, method)
    whole = np.dstack([moved, strain(moved)])
    small = np.asarray(cv2.resize(whole, (size, size), interpolation=cv2.INTER_AREA), np.float32)
    least_flow, least_strain = LEAST[0] * len(onset), LEAST[1]
    largest = [max(np.abs(small[..., :2]).max(), least_flow)] * 2 + [max(small[..., 2].max(), least_strain)]
    return np.asarray(small / np.array(largest, np.float32), np.float32)


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
