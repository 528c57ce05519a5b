"""A simple recogniser on stand-in corpora, to show that motion reveals the class and the first frame does not."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from common import corpora
from common.corpora.composite import MEGC2019
from common.errors import ClipError
from common.types import Clip
from common.vision import images
from common.vision.faces import FaceFinder
from common.vision.flow import flow

Array = NDArray[np.float32]
UNIT = 48.0  # distance of the eye centres in the aligned faces, in pixels
SIZE = (144, 160)
EYES = (72.0, 48.0)


@dataclass(frozen=True)
class Proof:
    """Measurements on one set of corpora; `apex_errors` in frames, one per clip with an annotated apex."""

    clips: int
    faces: tuple[int, int]
    flow_uf1: float
    onset_uf1: float
    chance_uf1: float
    apex_errors: tuple[int, ...]
    apex_shares: tuple[float, ...]
    seconds: float

    @property
    def timed(self) -> int:
        """Number of clips whose apex was searched for."""
        return len(self.apex_errors)


def usable(data: Path) -> list[tuple[Clip, int]]:
    """The clips that count in the three classes of the MEGC 2019 rule, with their class."""
    labelled = []
    for name, root in corpora.find(data, tuple(MEGC2019.mapping)).items():
        for clip in corpora.load(name, root).clips:
            kind, _ = MEGC2019.by_clip.get(clip.id, (MEGC2019.mapping[name][clip.emotion], ""))
            if kind is not None:
                labelled.append((clip, MEGC2019.classes.index(kind)))
    return labelled


def stimulated(data: Path) -> list[tuple[Clip, int]]:
    """The clips of CAS(ME)^2, micro and macro, with the number of their stimulus' emotion."""
    clips = corpora.load("casme_sq", corpora.find(data, ("casme_sq",))["casme_sq"]).clips
    return [(clip, ("anger", "disgust", "happy").index(clip.emotion)) for clip in clips]


def upright(points: NDArray[np.floating]) -> NDArray[np.float64]:
    """The map that rotates and scales an image so that the eyes of landmarks (68, 2) are at `EYES`: float64 (2, 3)."""
    left, right = points[36:42].mean(0), points[42:48].mean(0)
    reach = (right - left) / np.sum((right - left) ** 2) * UNIT
    turn = np.array([[reach[0], reach[1]], [-reach[1], reach[0]]])
    return np.c_[turn, np.array(EYES) - turn @ ((left + right) / 2)]


def aligned(clip: Clip, finder: FaceFinder, numbers: Sequence[int]) -> NDArray[np.uint8]:
    """Frames (by index) cropped, rotated and scaled by the landmarks of the onset: uint8 (n, 160, 144) grey."""
    move = upright(finder.find(images.read(clip.frames[0]), clip.id).points)
    grey = [cv2.cvtColor(images.read(clip.frames[number]), cv2.COLOR_RGB2GRAY) for number in numbers]
    return np.stack([cv2.warpAffine(picture, move, SIZE, flags=cv2.INTER_AREA) for picture in grey])


def flows(frames: NDArray[np.uint8]) -> Array:
    """Optical flow from the first frame to every other on a grid, minus its median: (n - 1, 10, 9, 2) in pixels."""
    dense = [flow(frames[0], frame) for frame in frames[1:]]
    grids = np.stack([cv2.resize(full, (SIZE[0] // 16, SIZE[1] // 16), interpolation=cv2.INTER_AREA) for full in dense])
    return (grids - np.median(grids, axis=(1, 2), keepdims=True)).astype(np.float32)


def loso_uf1(features: Array, classes: NDArray[np.int64], subjects: Sequence[str]) -> float:
    """Unweighted F1 of a linear classifier, with leave-one-subject-out and pooled predictions."""
    from sklearn.linear_model import RidgeClassifier
    from sklearn.metrics import f1_score
    from sklearn.model_selection import LeaveOneGroupOut, cross_val_predict
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    model = make_pipeline(StandardScaler(), RidgeClassifier(alpha=30.0, class_weight="balanced"))
    flat = features.reshape(len(features), -1)
    predicted = cross_val_predict(model, flat, classes, groups=np.array(subjects), cv=LeaveOneGroupOut())
    return float(f1_score(classes, predicted, average="macro"))


def faces_found(clips: Sequence[Clip], finder: FaceFinder, per_clip: int = 3) -> tuple[int, int]:
    """In how many frames, spread over every clip, dlib finds a face, enlarging at most once; and the number tried."""
    with_face = total = 0
    for clip in clips:
        for number in np.linspace(0, len(clip.frames) - 1, per_clip).round().astype(int):
            total += 1
            try:
                with_face += finder.find(images.read(clip.frames[number]), clip.id).how != "padded"
            except ClipError:
                continue
    return with_face, total


def moved(frames: NDArray[np.uint8]) -> Array:
    """Mean length of the flow since the first frame inside the face, minus an affine movement of the head: (n - 1,)."""
    grids = flows(frames)[:, :9, 1:8]
    rows, columns = np.indices(grids.shape[1:3]).reshape(2, -1)
    pose = np.c_[np.ones(len(rows)), rows, columns]
    flat = grids.reshape(len(grids), -1, 2)
    return np.linalg.norm(flat - pose @ (np.linalg.pinv(pose) @ flat), axis=-1).mean(1)


def apex_error(clip: Clip, finder: FaceFinder) -> int:
    """Frames between the annotated apex and the frame where the motion since the onset is largest."""
    motion = moved(aligned(clip, finder, range(len(clip.frames))))
    beside = int(clip.fps / 60)  # frames on either side that are averaged: a thirtieth of a second in all
    smooth = np.convolve(np.pad(motion, beside, mode="edge"), np.ones(2 * beside + 1) / (2 * beside + 1), mode="valid")
    assert clip.apex is not None
    return abs(clip.numbers[int(smooth.argmax()) + 1] - clip.apex)


def _permuted(classes: NDArray[np.int64], clips: Sequence[Clip], rng: np.random.Generator) -> NDArray[np.int64]:
    """The classes permuted among the clips of each corpus."""
    dealt = classes.copy()
    for name in {clip.corpus: None for clip in clips}:
        rows = np.flatnonzero([clip.corpus == name for clip in clips])
        dealt[rows] = rng.permutation(dealt[rows])
    return dealt


def prove(known: Sequence[tuple[Clip, int]], apexes: int = 30, permutations: int = 5) -> Proof:
    """All measurements on clips with their classes, as returned by `usable` or `stimulated`.

    The apex is searched for in `apexes` clips, spread over all that have one. For SMIC the middle frame is used.
    """
    started = time.perf_counter()
    finder = FaceFinder()
    clips, classes = [clip for clip, _ in known], np.array([kind for _, kind in known])
    subjects = [clip.subject_id for clip in clips]
    moving, still = [], []
    for clip in clips:
        middle = clip.apex - clip.onset if clip.apex is not None else len(clip.frames) // 2
        pair = aligned(clip, finder, (0, middle))
        moving.append(flows(pair)[0])
        still.append(cv2.resize(pair[0], (24, 27), interpolation=cv2.INTER_AREA).astype(np.float32))
    timed = [clip for clip in clips if clip.apex not in (None, clip.onset, clip.offset)]
    timed = timed[:: max(len(timed) // apexes, 1)]
    errors = [apex_error(clip, finder) for clip in timed]
    rng = np.random.default_rng(0)
    shuffled = [loso_uf1(np.stack(still), _permuted(classes, clips, rng), subjects) for _ in range(permutations)]
    return Proof(
        clips=len(clips),
        faces=faces_found(clips, finder),
        flow_uf1=loso_uf1(np.stack(moving), classes, subjects),
        onset_uf1=loso_uf1(np.stack(still), classes, subjects),
        chance_uf1=float(np.mean(shuffled)),
        apex_errors=tuple(errors),
        apex_shares=tuple(error / len(clip.frames) for error, clip in zip(errors, timed, strict=True)),
        seconds=time.perf_counter() - started,
    )
