"""Clips -> arrays in the cache -> samples. A clip that cannot be used becomes an exclusion; the others are used."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from common.contract import Parts, Preprocess
from common.environment import code_digest, sources
from common.errors import ClipError, StoppedError, UserError
from common.protocols import leakage, metadata
from common.protocols.controls import METADATA
from common.runs.cache import Cache
from common.runs.cache import digest as cache_digest
from common.runs.plan import Job, annotation
from common.runs.stored_array import StoredArray
from common.types import Arrays, Clip, Exclusion, Rows, Samples
from common.vision.faces import FaceFinder
from common.vision.images import frames_of

LARGE = 2**30
"""Maximum number of bytes that the inputs of an experiment take in memory; larger ones are kept in files."""


@dataclass(frozen=True)
class ClipTask:
    """A clip to be prepared with a paper's settings `inputs`, and the key of its arrays in the cache."""

    paper: str
    clip: Clip
    inputs: Any
    key: Mapping[str, Any]


@dataclass(frozen=True)
class PreparedClip:
    """The result of preparing a clip: seconds spent on new arrays, or why the clip cannot be used."""

    seconds: float
    fault: str = ""


def code(paper: str) -> str:
    """A digest of the source code that computes a paper's arrays."""
    return code_digest(sources([f"papers/{paper}/preprocess.py"]))


def clip_task(paper: str, clip: Clip, content: str, inputs: Any, code: str) -> ClipTask:
    """The task for a clip whose files have the digest `content`. Tasks with equal keys have equal arrays."""
    key = {
        "inputs": asdict(inputs),
        "code": code,
        "content": content,
        "annotation": annotation(clip),
    }
    return ClipTask(paper, clip, inputs, key)


def clip_tasks(job: Job, code: str) -> list[ClipTask]:
    """The tasks for all clips of a job."""
    inputs = job.settings.inputs
    return [clip_task(job.paper.key, clip, job.contents[clip.id], inputs, code) for clip, _ in job.clips]


def digest(clip_task: ClipTask) -> str:
    """A digest that is the same for tasks with the same arrays."""
    return cache_digest(clip_task.key)


def make(clip_task: ClipTask, preprocess: Preprocess, cache: Cache, faces: FaceFinder) -> PreparedClip:
    """Prepare a clip's arrays unless they are in the cache."""
    if cache.holds("clips", clip_task.key):
        return PreparedClip(0.0)
    start = time.perf_counter()
    try:
        arrays(clip_task, preprocess, cache, faces)
    except ClipError as error:
        return PreparedClip(0.0, str(error))
    return PreparedClip(time.perf_counter() - start)


def arrays(clip_task: ClipTask, preprocess: Preprocess, cache: Cache, faces: FaceFinder) -> Arrays:
    """A clip's arrays, from the cache if they are there.

    Raises ClipError if the clip cannot be used, and StoppedError if the paper's code fails in another way.
    """

    def prepare() -> Arrays:
        try:
            return preprocess.prepare(frames_of(clip_task.clip), clip_task.inputs, faces)
        except (ClipError, UserError):
            raise
        except Exception as error:  # any error in the paper's code
            where = f"{clip_task.paper}: preparing {clip_task.clip.id} failed"
            reason = " ".join(str(error).split())[:300]
            raise StoppedError(f"{where}, {type(error).__name__}: {reason}") from error

    return cache.arrays("clips", clip_task.key, prepare)[0]


def samples(
    job: Job, excluded: Sequence[Exclusion], preprocess: Preprocess, code: str, cache: Cache, landmarks: Path | None
) -> Samples:
    """The samples of a job's clips except the excluded ones, from the cache; missing entries are computed again.

    Raises UserError if no clip is left, StoppedError if rows do not match the job's clips, subjects and classes or
    inputs do not have the shapes that the paper declares, and LeakError if the inputs of a clip depend on more than
    its arrays. The control `metadata` has the same clips, but other samples.
    """
    out = {exclusion.clip: exclusion for exclusion in excluded}
    used = [
        (pair, clip_task)
        for pair, clip_task in zip(job.clips, clip_tasks(job, code), strict=True)
        if pair[0].id not in out
    ]
    if not used:
        raise UserError(
            f"{job.paper.key} {job.experiment.id}: no clip can be used; the first reason: {excluded[0].reason}"
        )
    clips = [pair for pair, _ in used]
    if job.experiment.control == METADATA:
        tasks = [clip_task for _, clip_task in used]
        maps = bool(job.experiment.collected_from)  # how bright a map is depends on how the face moves
        return metadata.samples(clips, [metadata.UNKNOWN] * len(tasks) if maps else _first_frames(tasks, cache))
    faces = FaceFinder(landmarks)
    clip_arrays = [arrays(clip_task, preprocess, cache, faces) for _, clip_task in used]

    settings = job.settings

    def assemble(some: Sequence[tuple[Clip, int]], their: Sequence[Arrays]) -> Samples:
        return preprocess.assemble(some, their, settings)

    by_itself = leakage.rows_of_each_clip(clips, clip_arrays, assemble, len(job.experiment.labels.classes))
    assembled = assemble(clips, clip_arrays)
    leakage.check_identity(assembled, clips, job.experiment)
    told, there = dict(preprocess.shapes(settings)), {name: values.shape[1:] for name, values in assembled.x.items()}
    if told != there:
        raise StoppedError(
            f"{job.paper.key} {job.experiment.id}: inputs have the shapes {there}, but `shapes` returns {told}"
        )
    leakage.check_unmixed(leakage.rows(assembled), by_itself, job.experiment)
    return stored(assembled, cache)


def stored(samples: Samples, cache: Cache) -> Samples:
    """Samples with their inputs in files in the folder of the cache, if these take more than `LARGE` bytes."""
    if sum(values.dtype.itemsize * math.prod(values.shape) for values in samples.x.values()) <= LARGE:
        return samples
    every = np.arange(len(samples.y))
    try:
        x = {name: Rows(StoredArray(values[:], cache.root), every) for name, values in samples.x.items()}
    except OSError as error:
        why = f"{error.strerror or error}; choose another with --cache"
        raise UserError(f"cannot write samples to the cache {cache.root}: {why}") from error
    return replace(samples, x=x)


def _first_frames(clip_tasks: Sequence[ClipTask], cache: Cache) -> list[Mapping[str, Any]]:
    """What the control `metadata` knows of the first frame of each clip; nothing if the frame cannot be read."""
    code = code_digest(sources(["common/protocols/metadata.py"]))

    def known(clip_task: ClipTask) -> Mapping[str, Any]:
        key = {name: clip_task.key[name] for name in ("content", "annotation")} | {"code": code}
        try:
            return cache.arrays("metadata", key, lambda: metadata.first_frame(clip_task.clip))[0]
        except ClipError:
            return metadata.UNKNOWN

    return [known(clip_task) for clip_task in clip_tasks]


def parts_of(job: Job, parts: Parts) -> Parts:
    """The modules that run the folds of a job: those of its paper, or the classifier of the control `metadata`."""
    return metadata.parts() if job.experiment.control == METADATA else parts
