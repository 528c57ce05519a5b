"""The clips of a paper's jobs -> arrays in the cache, in this process or in several."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path

from common.contract import Parts, Preprocess
from common.runs import preprocessing
from common.runs.cache import Cache
from common.runs.context import RunContext
from common.runs.dask_cluster import Cluster
from common.runs.plan import Job
from common.runs.processes import Pool
from common.types import Exclusion, Progress
from common.vision.faces import FaceFinder


@dataclass(frozen=True)
class Prepared:
    """The unusable clips of a job, and the seconds spent on new arrays."""

    excluded: tuple[Exclusion, ...]
    seconds: float


@dataclass(frozen=True)
class PrepareTask:
    """A clip to be prepared in another process."""

    digest: str
    clip_task: preprocessing.ClipTask
    parts: Callable[[], Parts]
    cache: Cache
    landmarks: Path | None


def prepare_clips(jobs: Sequence[Job], context: RunContext, say: Progress) -> dict[str, Prepared]:
    """Prepare the arrays of all clips of a paper's jobs in the cache; returns the results by experiment."""
    preprocess = context.parts().preprocess
    by_job = {job.experiment.id: preprocessing.clip_tasks(job, context.code) for job in jobs}
    digests = {name: [preprocessing.digest(clip_task) for clip_task in some] for name, some in by_job.items()}
    distinct = {
        key: clip_task for name, some in by_job.items() for key, clip_task in zip(digests[name], some, strict=True)
    }
    missing = {key: clip_task for key, clip_task in distinct.items() if not context.cache.holds("clips", clip_task.key)}
    prepared: dict[str, preprocessing.PreparedClip] = {}
    preparing = f"{jobs[0].paper.key}: preparing clips"
    # processes of its own end before training, which needs the memory
    with Pool(context.preparers) if context.pool.here else nullcontext(context.pool) as pool:
        say(preparing, 0, len(missing))
        for key, prepared_clip in _prepared(missing, preprocess, context, pool):
            prepared[key] = prepared_clip
            say(preparing, len(prepared), len(missing))
    by_experiment: dict[str, Prepared] = {}
    counted: set[str] = set()
    for name, some in by_job.items():
        own_tasks = [(key, clip_task) for key, clip_task in zip(digests[name], some, strict=True) if key in prepared]
        faults = tuple(
            Exclusion(clip_task.clip.id, prepared[key].fault) for key, clip_task in own_tasks if prepared[key].fault
        )
        new = {key for key, _ in own_tasks} - counted
        by_experiment[name] = Prepared(faults, sum(prepared[key].seconds for key in new))
        counted |= new
    return by_experiment


def _prepared(
    missing: Mapping[str, preprocessing.ClipTask], preprocess: Preprocess, context: RunContext, pool: Pool | Cluster
) -> Iterator[tuple[str, preprocessing.PreparedClip]]:
    """Clips with their digests, in the order in which they are prepared; a few clips are prepared in this process."""
    if pool.here or len(missing) < 2 * pool.count:
        for key, clip_task in missing.items():
            yield key, preprocessing.make(clip_task, preprocess, context.cache, context.faces)
    else:
        tasks = [
            PrepareTask(key, clip_task, context.parts, context.cache, context.landmarks)
            for key, clip_task in missing.items()
        ]
        yield from pool.finished([pool.start(_make, task) for task in tasks])


def _make(task: PrepareTask) -> tuple[str, preprocessing.PreparedClip]:
    preprocess = task.parts().preprocess
    return task.digest, preprocessing.make(task.clip_task, preprocess, task.cache, _finder(task.landmarks))


@functools.cache
def _finder(landmarks: Path | None) -> FaceFinder:
    """The finder of this process: it takes a second to load."""
    return FaceFinder(landmarks)
