"""From a clip to videos of its face, eyes and mouth (section III.B), and from many clips to samples.

By default, as in the text, dlib finds and aligns the face in each frame; eyes and mouth are cut from the aligned face.
The variant `public-code` reads unaligned frames: the whole frame is used as the face, and eyes and mouth are cut from
it. The text says only that landmarks are used; in both cases the boxes are those of the public code.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, TypeVar

import cv2
import numpy as np
from numpy.typing import NDArray

from common.contract import Settings, Shapes
from common.errors import ClipError
from common.types import Arrays, Clip, ClipFrames, Samples, one_row_each
from common.vision.alignment import ALIGNED, aligned_picture, alignment, tracked, tracking_notes
from common.vision.faces import FaceFinder
from papers.reddy2019.experiments import Inputs

AnyClip = TypeVar("AnyClip", Clip, ClipFrames)


class Box(NamedTuple):
    """A region between the rows of two landmarks and the columns of two others, all counted from 0."""

    top: int
    bottom: int
    left: int
    right: int


BOXES = {"eyes": Box(19, 1, 1, 15), "mouth": Box(2, 6, 2, 14)}


def window(clip: AnyClip, inputs: Inputs) -> AnyClip:
    """The clip with only the frames that the networks read.

    For a recording of CAS(ME)^2 these are frames 72 to 167, counted from 0, as in the public code, or its last 96 if it
    has fewer than 168; for a clip of SMIC they are the first 18. Raises ClipError if the clip has fewer frames than are
    read, unless they are `spread`.
    """
    held = len(clip.numbers)
    if inputs.spread:
        return clip.at(np.linspace(0, held - 1, inputs.frames).round().astype(int)[:: inputs.frame_step].tolist())
    if held < inputs.frames:
        raise ClipError(f"{held} frames, but the network reads {inputs.frames}; check that its folder is complete")
    start = min(inputs.first_frame, held - inputs.frames)
    return clip.at(range(start, start + inputs.frames, inputs.frame_step))


def cut(frame: NDArray[np.uint8], points: NDArray[np.float32], inputs: Inputs) -> Arrays:
    """Cut an RGB frame into the networks' inputs: grey uint8 "face", "eyes" and "mouth", each (size, size).

    With whole frames, the face is the frame, and the parts are converted to grey after they have been resized. The
    public code reads the videos of CAS(ME)^2 with imageio, whose frames are RGB, but converts them to grey as OpenCV's
    BGR: the weights of red and blue are exchanged. Raises ClipError if the landmarks enclose no part of the image.
    """
    if inputs.reading == "aligned faces":
        to_face = alignment(points, ALIGNED)
        picture = aligned_picture(np.asarray(cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY), np.uint8), to_face)
        points = (points @ to_face[:, :2].T + to_face[:, 2]).astype(np.float32)
    else:
        picture = frame if inputs.reading == "whole frames" else np.ascontiguousarray(frame[..., ::-1])
    regions = {name: _resize(_inside(picture, points, name), inputs.region_size) for name in BOXES}
    return {"face": _resize(picture, inputs.face_size), **regions}


def _inside(picture: NDArray[np.uint8], points: NDArray[np.float32], name: str) -> NDArray[np.uint8]:
    height, width = picture.shape[:2]
    box = BOXES[name]
    rows = np.clip(np.rint(points[[box.top, box.bottom], 1]), 0, height).astype(int)
    columns = np.clip(np.rint(points[[box.left, box.right], 0]), 0, width).astype(int)
    region = picture[slice(*rows), slice(*columns)]
    if not region.size:
        raise ClipError(f"the landmarks leave no room for the {name}")
    return region


def _resize(picture: NDArray[np.uint8], size: int) -> NDArray[np.uint8]:
    """A grey or RGB image, resized and then converted to grey."""
    small = cv2.resize(picture, (size, size), interpolation=cv2.INTER_AREA)
    return np.asarray(small if small.ndim == 2 else cv2.cvtColor(small, cv2.COLOR_RGB2GRAY), np.uint8)


def prepare(clip: ClipFrames, inputs: Inputs, faces: FaceFinder) -> Arrays:
    """A clip's videos, grey uint8: "face" (face_size, face_size, frames, 1), "eyes" and "mouth" with region_size.

    If dlib finds no face in a frame, the previous frame's landmarks are used; "reused" (1,) counts such frames, and
    "searched" (1,) the later frames of which the whole image is searched. Raises ClipError if files cannot be used, if
    the clip has too few frames, or if its first frame shows no face.
    """
    videos: dict[str, list[NDArray[np.uint8]]] = {"face": [], "eyes": [], "mouth": []}
    reused = searched = 0
    for tracked_frame in tracked(window(clip, inputs), faces):
        reused += not tracked_frame.found
        searched += tracked_frame.searched
        try:
            parts = cut(tracked_frame.frame, tracked_frame.points, inputs)
        except ClipError as error:
            raise ClipError(f"{tracked_frame.where}: {error}") from None
        for name, video in videos.items():
            video.append(parts[name])
    stacked = {name: np.stack(video, axis=2)[..., None] for name, video in videos.items()}
    return stacked | {"reused": np.array([reused]), "searched": np.array([searched])}


def shapes(settings: Settings) -> Shapes:
    """The face for MicroExpSTCNN, (face_size, face_size, frames, 1); eyes and mouth for MicroExpFuseNet."""
    inputs = settings.inputs
    seen = len(range(0, inputs.frames, inputs.frame_step))
    if settings.network.kind == "stcnn":
        return {"face": (inputs.face_size, inputs.face_size, seen, 1)}
    return dict.fromkeys(("eyes", "mouth"), (inputs.region_size, inputs.region_size, seen, 1))


def assemble(clips: Sequence[tuple[Clip, int]], arrays: Sequence[Arrays], settings: Settings) -> Samples:
    """Samples with one row per clip: x is the network's input, y the clip's class, view 0.

    Notes count the frames for which landmarks of earlier frames were used, and those that were searched as a whole.
    """
    corpora = " and ".join(dict.fromkeys(clip.corpus for clip, _ in clips))
    return one_row_each(
        clips,
        {part: np.stack([clip_arrays[part] for clip_arrays in arrays]) for part in shapes(settings)},
        tracking_notes(arrays, corpora),
    )
