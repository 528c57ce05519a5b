"""From a clip to the video of its aligned face (sections 4.1, 4.2), and to sequences around its apex (section 4.4).

All experiments share the same videos: the whole clip, aligned frame by frame. A sequence is cut out of it later, when
the training corpora of an experiment are known, since they fix its length.
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from common.contract import Settings, Shapes
from common.types import Arrays, Clip, ClipFrames, Samples, one_row_each
from common.vision import apex
from common.vision.alignment import ALIGNED, aligned_picture, alignment, tracked, tracking_notes
from common.vision.faces import FaceFinder
from papers.talluri2022.experiments import Inputs


def prepare(clip: ClipFrames, inputs: Inputs, faces: FaceFinder) -> Arrays:
    """The whole clip: "face" (frames, size, size) grey uint8, and "apex", "reused", "searched", "estimated", each (1,).

    "apex" is its index. "reused" counts frames in which dlib finds no face, so that the previous frame's landmarks are
    used; "searched" counts the later frames of which the whole image is searched; "estimated" is 1 if the apex is not
    annotated. Raises ClipError if files cannot be used or if the clip's first frame shows no face.
    """
    place = apex_index(clip, inputs, faces)
    video, reused, searched = [], 0, 0
    for tracked_frame in tracked(clip, faces):
        video.append(aligned_face(tracked_frame.frame, tracked_frame.points, inputs.size))
        reused += not tracked_frame.found
        searched += tracked_frame.searched
    return {
        "face": np.stack(video),
        "apex": np.array([place]),
        "reused": np.array([reused]),
        "searched": np.array([searched]),
        "estimated": np.array([int(clip.apex is None)]),
    }


def apex_index(clip: Clip | ClipFrames, inputs: Inputs, faces: FaceFinder) -> int:
    """The index of the clip's apex, annotated or estimated; the nearest existing frame if that frame is missing."""
    known = apex.estimate(clip, inputs.apex_method, faces).apex
    return int(np.abs(np.array(clip.numbers) - known).argmin())


def aligned_face(frame: NDArray[np.uint8], points: NDArray[np.float32], size: int) -> NDArray[np.uint8]:
    """The face of an RGB frame in grey, (size, size), aligned to dlib's mean face by its landmarks (68, 2)."""
    grey = cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY)
    return _resize(aligned_picture(np.asarray(grey, np.uint8), alignment(points, ALIGNED)), size)


def sequence(frames: int, apex_index: int, length: int, centre: bool) -> NDArray[np.int64]:
    """Indices (length,) into a clip of `frames` frames; 0 before its start, and its last index after its end.

    With `centre`, half of the indices lie before the apex: 18 of 36. Otherwise they start with the clip.
    """
    start = apex_index - length // 2 if centre else 0
    return np.clip(np.arange(start, start + length), 0, frames - 1)


def filled(frames: int, apex_index: int, length: int, centre: bool) -> int:
    """The number of frames of the sequence that repeat the clip's first or last frame."""
    return length - len(np.unique(sequence(frames, apex_index, length, centre)))


def shapes(settings: Settings) -> Shapes:
    """The sequence: (frames, size, size, 1), or (size, size, frames, 1) for Model-B."""
    network, size = settings.network, settings.inputs.size
    if network.kind == "model-b":
        return {"face": (network.model_b_size, network.model_b_size, network.frames, 1)}
    return {"face": (network.frames, size, size, 1)}


def assemble(clips: Sequence[tuple[Clip, int]], arrays: Sequence[Arrays], settings: Settings) -> Samples:
    """Samples with one row per clip: x is the sequence that the network reads, y the clip's class, view 0.

    Notes count the filled frames, the estimated apexes and the frames without a face.
    """
    network, centre = settings.network, settings.training.centred
    rows, short = [], []
    for clip_arrays in arrays:
        place = len(clip_arrays["face"]), int(clip_arrays["apex"][0]), network.frames, centre
        video = clip_arrays["face"][sequence(*place)]
        if network.kind == "model-b":
            video = np.stack([_resize(frame, network.model_b_size) for frame in video], axis=2)
        rows.append(video[..., None])
        short.append(filled(*place))
    return one_row_each(clips, {"face": np.stack(rows)}, _notes(clips, arrays, settings, short))


def _notes(
    clips: Sequence[tuple[Clip, int]], arrays: Sequence[Arrays], settings: Settings, short: Sequence[int]
) -> tuple[str, ...]:
    """Notes, one or more per corpus, so that experiments on the same corpora have the same notes."""
    length, method = settings.network.frames, settings.inputs.apex_method
    placement = "around the apex" if settings.training.centred else "from the first frame on"
    lines: list[str] = []
    for corpus in dict.fromkeys(clip.corpus for clip, _ in clips):
        rows = [row for row, (clip, _) in enumerate(clips) if clip.corpus == corpus]
        some = [short[row] for row in rows if short[row]]
        filled = (
            f"{len(some)} of {len(rows)} clips do not fill the sequence, {sum(some)} of {length * len(rows)} frames "
            "repeat a first or last frame"
        )
        whole = filled if some else "all clips fill the sequence"
        lines.append(f"{corpus}, sequences of {length} frames {placement}: {whole}")
        if guessed := sum(int(arrays[row]["estimated"][0]) for row in rows):
            lines.append(f"{corpus}: the apex of {guessed} of {len(rows)} clips is estimated ({method})")
        lines += tracking_notes([arrays[row] for row in rows], corpus)
    return tuple(lines)


def _resize(picture: NDArray[np.uint8], size: int) -> NDArray[np.uint8]:
    return np.asarray(cv2.resize(picture, (size, size), interpolation=cv2.INTER_AREA), np.uint8)
