"""How far faces move, in pixels of a network's input."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from benchmarks.learning.systems import System
from common.contract import Settings
from common.standin.rendering import SIZES
from common.types import Clip
from common.vision.alignment import ALIGNED, alignment, rectangle
from common.vision.faces import FaceFinder
from common.vision.images import read_frame

MOTION = float(np.mean(SIZES["micro"]))
"""The mean size of an expression at a motion of 1, as a fraction of the distance between the eye centres."""
Points = NDArray[np.float32]
Scale = Callable[[Points, tuple[int, ...], Settings], float]


def eye_distance(system: System, clips: Sequence[Clip], settings: Settings) -> float | None:
    """The distance between the eye centres in pixels of the network's input: the median over one clip of each subject.

    None for a system that reads no face.
    """
    how = SCALES.get(system.reads or system.name)
    if how is None:
        return None
    finder, distances = FaceFinder(None), []
    for clip in {clip.subject_id: clip for clip in clips}.values():
        first = read_frame(clip, 0)
        points = finder.find(first).points
        apart = float(np.linalg.norm(points[36:42].mean(axis=0) - points[42:48].mean(axis=0)))
        distances.append(apart * how(points, first.shape, settings))
    return round(float(np.median(distances)), 1)


def _chip(points: Points) -> float:
    """Pixels of dlib's aligned face per pixel of the frame."""
    return float(np.sqrt(abs(np.linalg.det(alignment(points, ALIGNED)[:, :2]))))


def _stcnn(points: Points, shape: tuple[int, ...], settings: Settings) -> float:
    return _chip(points) * settings.inputs.face_size / ALIGNED


def _fusenet(points: Points, shape: tuple[int, ...], settings: Settings) -> float:
    """The mean over the two regions and both directions, which are scaled by different factors."""
    from papers.reddy2019.preprocess import BOXES

    sides = [
        abs(float(points[b, axis] - points[a, axis]))
        for box in BOXES.values()
        for a, b, axis in ((box.top, box.bottom, 1), (box.left, box.right, 0))
    ]
    return float(np.mean([settings.inputs.region_size / side for side in sides]))


def _model(points: Points, shape: tuple[int, ...], settings: Settings) -> float:
    return _chip(points) * settings.inputs.size / ALIGNED


def _model_b(points: Points, shape: tuple[int, ...], settings: Settings) -> float:
    return _chip(points) * settings.network.model_b_size / ALIGNED


def _avatar(points: Points, shape: tuple[int, ...], settings: Settings) -> float:
    from papers.kumar2019.preprocess import MARGIN

    rows, columns = rectangle(points, shape, MARGIN)
    return settings.inputs.size / float(np.sqrt((rows.stop - rows.start) * (columns.stop - columns.start)))


def _dynamic(points: Points, shape: tuple[int, ...], settings: Settings) -> float:
    from papers.le2020.preprocess import CROP, CROPPED

    if np.ptp(points[:, 0]) <= CROPPED * shape[1]:
        return float(np.sqrt(abs(np.linalg.det(alignment(points, CROP)[:, :2])))) * settings.inputs.size / CROP
    return settings.inputs.size / float(np.sqrt(shape[0] * shape[1]))


def _regions(points: Points, shape: tuple[int, ...], settings: Settings) -> float:
    from papers.aouayeb2019.preprocess import CANVAS, face_box

    left, right, top, bottom = face_box(points, shape[0], shape[1])
    return min(1.0, CANVAS[0] / (bottom - top), CANVAS[1] / (right - left)) * float(settings.inputs.region_scale)


def _flow(points: Points, shape: tuple[int, ...], settings: Settings) -> float:
    """Of the aligned faces between which the flow is computed, not of the flow's image."""
    return float(np.sqrt(abs(np.linalg.det(alignment(points, settings.inputs.face_height)[:, :2]))))


def _lbp_top(points: Points, shape: tuple[int, ...], settings: Settings) -> float:
    """Of the aligned face, of which only the middle is read."""
    from papers.see2019.preprocess import aligned_size

    return float(np.sqrt(abs(np.linalg.det(alignment(points, aligned_size(settings.inputs.size))[:, :2]))))


def _linear(points: Points, shape: tuple[int, ...], settings: Settings) -> float:
    from common.standin.proof import UNIT

    return UNIT / float(np.linalg.norm(points[36:42].mean(axis=0) - points[42:48].mean(axis=0)))


SCALES: Mapping[str, Scale] = {
    "flow": _linear,
    "onset": _linear,
    "Region CNNs, LSTMs": _regions,
    "STCNN": _stcnn,
    "FuseNet intermediate": _fusenet,
    "FuseNet late": _fusenet,
    "Model-A": _model,
    "Split-Model": _model,
    "Model-B": _model_b,
    "Model-C": _model,
    "Avatar ResNet34": _avatar,
    "VGG19": _dynamic,
    "ResNet50": _dynamic,
    "SENet50": _dynamic,
    "STSTNet": _flow,
    "Flow, linear classifier": _flow,
    "LBP-TOP, linear SVM": _lbp_top,
}
"""Pixels of the network's input per pixel of the frame, by the input of a reference or the name of a network."""
