"""How long preparing a clip and training a network take on this machine, measured on a few clips and epochs."""

from __future__ import annotations

import math
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from common.contract import FoldRun, HeldOutAccess, Networks, Parts, Settings, Trained
from common.environment import backend, forget_peak_memory, peak_memory_mib, processor
from common.errors import ClipError
from common.runs import preprocessing
from common.runs.cache import Cache
from common.runs.cost import EPOCHS, Cost, epoch_seconds
from common.runs.fold_training import build_networks
from common.runs.folds import operations_of
from common.runs.plan import Job
from common.seeds import seed_of
from common.training import devices
from common.training.weights import NONE, Weights
from common.types import Arrays, Clip, Samples
from common.vision.faces import FaceFinder

TIMED = 3
"""Number of epochs of a calibration; the first, in which steps are traced, is not counted."""
SECONDS = 1.0
"""Approximate duration of such an epoch in seconds, at `SPEED` operations per second."""
SPEED = 4e10
LEAST, MOST = 6, 64
"""Minimum and maximum number of clips of a calibration; with fewer, updating the weights would count too much."""
SOME = 3
"""Clips that are prepared and then repeated; the time of the first, for which models are loaded, is not counted."""


@dataclass(frozen=True)
class Calibration:
    """A job to be calibrated in a process with `threads` threads; `code` is the digest of the preprocessing code."""

    job: Job
    parts: Callable[[], Parts]
    code: str
    cache: Cache
    landmarks: Path | None
    threads: int


@dataclass(frozen=True)
class Preparation:
    """The seconds of preparing a clip, and the size of its arrays in MiB."""

    seconds: float
    mib: float


@dataclass(frozen=True)
class Training:
    """The cost of training a network, whose size is called 1, and the MiB of memory that it needs for a few clips."""

    cost: Cost
    peak: float


def preparation(task: Calibration) -> Preparation:
    """Prepare a few clips that are not in the cache yet, which stores them.

    Raises ClipError if none of these can be used.
    """
    parts, faces = task.parts(), FaceFinder(task.landmarks)
    clips = [clip for clip, _ in task.job.clips if not task.cache.holds("clips", _task(task, clip).key)]
    ordered = sorted(clips, key=lambda clip: len(clip.numbers))
    seconds, sizes = [], []
    for place in sorted(set(np.linspace(0, len(ordered) - 1, SOME + 2).round().astype(int)[1:-1].tolist())):
        made = preprocessing.make(_task(task, ordered[place]), parts.preprocess, task.cache, faces)
        if not made.fault:
            seconds.append(made.seconds)
            sizes.append(_mib(preprocessing.arrays(_task(task, ordered[place]), parts.preprocess, task.cache, faces)))
    if not sizes:
        raise ClipError("none of the clips that were tried can be used")
    return Preparation(float(np.mean(seconds[1:] or seconds)), float(np.mean(sizes)))


def training(task: Calibration) -> Training:
    """Train a few epochs on copies of a few clips of the job.

    The result is stored in the cache, under everything that it depends on. Raises ClipError if no clip can be used, and
    any error of a recipe.
    """
    parts = task.parts()
    known, _ = task.cache.arrays("timings", _key(task, parts), lambda: _stored(*_timed(task, parts)))
    cost = Cost(
        size=1.0,
        start=float(known["start"]),
        build=float(known["build"]),
        predict=float(known["predict"]),
        per_clip={name: float(known[name]) for name in EPOCHS if name in known},
        once=tuple(name for name in EPOCHS if f"{name} once" in known),
    )
    return Training(cost, float(known["peak"]))


def operations(task: Calibration) -> float:
    """Floating point operations of a row through the job's network, forward, which is built for this.

    NaN if they are not counted.
    """
    parts = task.parts()

    def count() -> Arrays:
        operations, _ = operations_of(_built(task.job, parts), 1.0)
        return {"flops": np.array(math.nan if operations is None else operations)}

    known, _ = task.cache.arrays("timings", _key(task, parts) | {"counted": "operations"}, count)
    return float(known["flops"])


def _built(job: Job, parts: Parts, epochs: int | None = None) -> Networks:
    return build_networks(parts, job, _unsearched(job, epochs))


def _unsearched(job: Job, epochs: int | None = None) -> Settings:
    """The settings without a search and from random weights, which cost the same, with this number of epochs."""
    known = job.settings.values()
    changed: dict[str, Any] = {name: epochs for name in EPOCHS if name in known} if epochs else {}
    changed |= {"kernels": ()} if "kernels" in known else {}
    changed |= {"weights": Weights(NONE)} if isinstance(known.get("weights"), Weights) else {}
    return job.settings.having(changed)


def _stored(cost: Cost, peak: float) -> Arrays:
    numbers = {"start": cost.start, "build": cost.build, "predict": cost.predict, "peak": peak, **cost.per_clip}
    numbers |= {f"{name} once": 1.0 for name in cost.once}
    return {name: np.array(value) for name, value in numbers.items()}


def _key(task: Calibration, parts: Parts) -> dict[str, Any]:
    settings = task.job.settings
    return {
        "paper": task.job.paper.key,
        "network": task.job.experiment.network,
        "leak_free": task.job.experiment.leak_free,
        "settings": [asdict(settings.network), asdict(settings.training)],
        "shapes": {name: list(shape) for name, shape in parts.preprocess.shapes(settings).items()},
        "code": task.job.key["code"],
        "machine": [processor(), task.threads, backend(), bool(devices.gpus())],
    }


def _task(task: Calibration, clip: Clip) -> preprocessing.ClipTask:
    key = task.job.paper.key, clip, task.job.contents[clip.id], task.job.settings.inputs, task.code
    return preprocessing.clip_task(*key)


def _mib(arrays: Arrays) -> float:
    return sum(values.nbytes for values in arrays.values()) / 2**20


def _few(task: Calibration, parts: Parts) -> list[tuple[Clip, Arrays]]:
    """A few clips of the job with their arrays, from the cache if any are there."""
    faces, clips = FaceFinder(task.landmarks), [clip for clip, _ in task.job.clips]
    there = [clip for clip in clips if task.cache.holds("clips", _task(task, clip).key)]
    few: list[tuple[Clip, Arrays]] = []
    for clip in there or clips:
        with suppress(ClipError):
            few.append((clip, dict(preprocessing.arrays(_task(task, clip), parts.preprocess, task.cache, faces))))
        if len(few) == SOME:
            break
    if not few:
        raise ClipError("no clip can be used")
    return few


def _timed(task: Calibration, parts: Parts) -> tuple[Cost, float]:
    """The cost of training the job's network, and the memory that it needs."""
    job, few = task.job, _few(task, parts)
    begun = time.perf_counter()
    recipe = parts.recipe()
    start = time.perf_counter() - begun
    forget_peak_memory()
    before = peak_memory_mib()
    settings = _unsearched(job, TIMED)
    begun = time.perf_counter()
    networks = _built(job, parts, TIMED)
    rows = len(
        parts.preprocess.assemble([(clip, 0) for clip, _ in few], [dict(own) for _, own in few], settings).y
    ) / len(few)
    forward, _ = operations_of(networks, rows)
    count = int(min(max(SECONDS * SPEED / (3 * forward), LEAST), MOST)) if forward else LEAST
    everything, test_clips = _copies(parts, settings, job, few, count)
    tested = np.isin(everything.clip, test_clips)
    train, test = everything.only(np.flatnonzero(~tested)), everything.only(np.flatnonzero(tested))
    ends: dict[str, list[float]] = {}
    shared: list[str] = []

    def ended(stage: str, *_: object) -> None:
        ends.setdefault(stage, []).append(time.perf_counter())

    def share(name: str, make: Callable[[], Arrays]) -> Arrays:
        before = set(ends)
        made = make()
        shared.extend(stage for stage in ends if stage not in before)
        return made

    access = None if job.experiment.leak_free else HeldOutAccess(test, everything, share, job.seed)
    with tempfile.TemporaryDirectory() as folder:
        seed = seed_of("calibration", job.seed)
        fold_run = FoldRun("calibration", seed, settings, ended, Path(folder), access)
        trained = recipe.train(networks, job.experiment, train, fold_run)
        seconds = time.perf_counter() - begun
        predict = _predict_seconds(trained, test)
    names = [name for name in EPOCHS if name in settings.values()]
    epoch = epoch_seconds(names, ends)
    once = tuple(name for name, stage in zip(names, ends, strict=True) if stage in shared)
    held_out = len(test_clips) / 3 if access else 0.0  # predicted after every epoch, a third of the cost of training
    cost = Cost(
        size=1.0,
        start=start,
        build=max(seconds - TIMED * sum(epoch.values()), 0.0),
        predict=predict / len(test_clips),
        per_clip={
            name: took / (count + len(test_clips) if name in once else count + held_out) for name, took in epoch.items()
        },
        once=once,
    )
    return cost, peak_memory_mib() - before


def _copies(
    parts: Parts, settings: Settings, job: Job, prepared: Sequence[tuple[Clip, Arrays]], count: int
) -> tuple[Samples, list[str]]:
    """Samples of `count` training clips and a quarter as many held-out ones, copies of a few; the ids of the latter."""
    classes = len(job.experiment.labels.classes)
    clips: list[tuple[Clip, int]] = []
    arrays: list[Arrays] = []
    for number in range(count + max(count // 4, 1)):
        clip, own = prepared[number % len(prepared)]
        clips.append((replace(clip, name=f"{clip.name}-{number}"), number % classes))
        arrays.append(dict(own))
    return parts.preprocess.assemble(clips, arrays, settings), [clip.id for clip, _ in clips[count:]]


def _predict_seconds(trained: Trained, test: Samples) -> float:
    trained.predict(test)  # traced
    begun = time.perf_counter()
    trained.predict(test)
    return time.perf_counter() - begun
