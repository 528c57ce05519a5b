"""Pending folds -> train -> store, in this process or in several. Everything else is written from the store."""

from __future__ import annotations

import functools
import threading
from collections import Counter
from collections.abc import Callable, Collection, Hashable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from common.contract import Parts, Preprocess, Say
from common.progress import log
from common.protocols.controls import METADATA
from common.runs import drawing, folds, preprocessing, status
from common.runs.cache import Cache
from common.runs.dask_cluster import Cluster
from common.runs.plan import Job
from common.runs.processes import Pool
from common.types import Exclusion, Progress
from common.vision.faces import FaceFinder

POLL = 0.3
"""Seconds between checks of the store for folds that other processes have finished."""


def execute(jobs: Sequence[Job], context: RunContext, progress: Say, line: Callable[[str], None]) -> int:
    """Run all pending folds of the jobs of one paper and profile. Returns the number of failed folds.

    `line` receives one line per finished or failed fold. Results do not depend on the number of processes.
    """
    pending = [job for job in jobs if job.pending()]
    for job in jobs:
        if not any(job is other for other in pending):
            line(f"{job.paper.key} {job.experiment.id}: all folds ({len(job.asked())}) are stored")
    failures = _execute(pending, context, progress, line) if pending else 0
    for job in jobs:  # including those finished by an earlier, interrupted run
        if not job.experiment.control:
            drawing.draw_results(job, context.parts(), line)
    return failures


def _execute(pending: Sequence[Job], context: RunContext, progress: Say, line: Callable[[str], None]) -> int:
    pool = context.pool
    prepared = prepare_clips(pending, context, progress)
    for job in pending:
        excluded = prepared[job.experiment.id].excluded
        if dropped := _drop_other_clips(job, excluded):
            line(
                f"{job.paper.key} {job.experiment.id}: the usable clips have changed; its {dropped} finished "
                "folds are run again"
            )
        _describe(job, prepared[job.experiment.id])
    units = [
        folds.WorkUnit(shares, context.parts, context.code, context.cache, context.landmarks)
        for shares in _shared_out(pending, prepared, context)
    ]
    out = {name: {exclusion.clip for exclusion in clips.excluded} for name, clips in prepared.items()}
    draw = functools.partial(drawing.draw_inputs, pending, out, context.parts(), context.faces, line)
    if pool.here:
        draw()
        with _counted(pending, progress) as count:
            failures = sum(folds.run(unit, progress, line, lambda text: count(line, text)) for unit in units)
    else:
        with _watched(pending, pool, progress, line):
            started = [pool.start(_run, unit) for unit in units]
            draw()  # meanwhile
            failures = 0
            for failed, lines in pool.finished(started):
                failures += failed
                for text in lines:
                    line(text)
    return failures


@dataclass(frozen=True)
class RunContext:
    """What all jobs of a paper share; `code` is the digest of the code for the clips' arrays.

    The folds are trained by `pool`. If that is this process alone, clips are prepared in `preparers` processes.
    """

    parts: Callable[[], Parts]
    code: str
    cache: Cache
    landmarks: Path | None
    faces: FaceFinder
    pool: Pool | Cluster
    preparers: int = 1


def run_context(
    paper: str,
    parts: Callable[[], Parts],
    cache: Cache,
    landmarks: Path | None,
    pool: Pool | Cluster,
    preparers: int = 1,
) -> RunContext:
    """The context for the jobs of a paper, by its key. `landmarks` is dlib's model file, None for the default."""
    return RunContext(parts, preprocessing.code(paper), cache, landmarks, FaceFinder(landmarks), pool, preparers)


# ---------------------------------------------------------------- clips


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
    # processes of its own end before training, which needs the memory
    with Pool(context.preparers) if context.pool.here else nullcontext(context.pool) as pool:
        for key, prepared_clip in _prepared(missing, preprocess, context, pool):
            prepared[key] = prepared_clip
            say(f"{jobs[0].paper.key}: preparing clips", len(prepared), len(missing))
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


# ---------------------------------------------------------------- folds


def _shared_out(
    jobs: Sequence[Job], prepared: Mapping[str, Prepared], context: RunContext
) -> list[tuple[folds.JobFolds, ...]]:
    """The pending folds in portions for single processes, the largest first.

    Experiments with the same networks stay together, so that these are built only once, unless one process would get
    more than its share of the work. A fold is weighted by the number of clips of its experiment.
    """
    parts, workers = context.parts(), context.pool.count
    groups: dict[Hashable, list[tuple[Job, str]]] = {}
    for job in jobs:
        key = preprocessing.parts_of(job, parts).network_key(job.experiment, job.settings)
        groups.setdefault(key, []).extend((job, fold) for fold in job.pending())
    tried = {_to_repeat(group) for group in groups.values()}
    if context.pool.here:
        return _shares([*groups.values()], prepared, tried)
    return _shares(portions([*groups.values()], workers), prepared, tried)


def portions(groups: Sequence[Sequence[tuple[Job, str]]], workers: int) -> list[list[tuple[Job, str]]]:
    """Split groups of (job, fold), which should stay together, only if they exceed their share; the heaviest first."""
    most = -(-sum(map(_weight, groups)) // workers)
    parts = [part for group in groups for part in _parts(group, -(-_weight(group) // most))]
    return sorted(parts, key=_weight, reverse=True)


def _weight(group: Sequence[tuple[Job, str]]) -> int:
    return sum(_clips(job) for job, _ in group)


def _clips(job: Job) -> int:
    """The clips that a network is trained on; the classifier of metadata takes hardly longer than one of them."""
    return 1 if job.experiment.control == METADATA else len(job.clips)


def _parts(group: Sequence[tuple[Job, str]], count: int) -> list[list[tuple[Job, str]]]:
    """Split a group in order into at most `count` parts of about the same weight."""
    weights = np.array([_clips(job) for job, _ in group])
    part = (np.cumsum(weights) - weights / 2) * count // weights.sum()
    parts = [[pair for pair, place in zip(group, part, strict=True) if place == number] for number in range(count)]
    return [part for part in parts if part]


def _to_repeat(group: Sequence[tuple[Job, str]]) -> str:
    """Of experiments with the same networks, the one whose first fold is trained twice, or an empty string."""
    counts = Counter(job.experiment.id for job, _ in group if job.experiment.leak_free and not job.experiment.control)
    return max(counts, key=lambda name: counts[name], default="")


def _shares(
    portions: Sequence[Sequence[tuple[Job, str]]], prepared: Mapping[str, Prepared], tried: Collection[str]
) -> list[tuple[folds.JobFolds, ...]]:
    """Each portion as shares, one per job; the largest share of a job in `tried` `repeats` its first fold."""
    by_portion: list[dict[str, tuple[Job, list[str]]]] = []
    for portion in portions:
        by_job: dict[str, tuple[Job, list[str]]] = {}
        for job, fold in portion:
            by_job.setdefault(job.experiment.id, (job, []))[1].append(fold)
        by_portion.append(by_job)
    largest: dict[str, list[str]] = {}
    first: dict[str, str] = {}
    for by_job in by_portion:
        for name, (job, names) in by_job.items():
            if len(names) > len(largest.get(name, [])):
                largest[name] = names
            first[name] = min([*names, *([first[name]] if name in first else [])], key=job.folds.index)
    return [
        tuple(
            folds.JobFolds(
                job,
                tuple(names),
                prepared[name].excluded,
                first=first[name] in names,
                repeats=names is largest[name] and name in tried and job.profile.check_repeatable,
            )
            for name, (job, names) in by_job.items()
        )
        for by_job in by_portion
    ]


def _run(unit: folds.WorkUnit) -> tuple[int, list[str]]:
    """Run a unit in its own process: the number of failed folds and lines on these; finished folds are in the store."""
    lines: list[str] = []
    with log.warnings_to(lines.append):
        return folds.run(unit, status.Reporter(), lines.append, lambda _: None), lines


@contextmanager
def _counted(jobs: Sequence[Job], progress: Say) -> Iterator[Callable[[Callable[[str], None], str], None]]:
    """Show how many folds of the jobs are done. Call the result with `line` and its text when a fold is finished."""
    name, total, done = _name(jobs), sum(len(job.pending()) for job in jobs), 0

    def count(line: Callable[[str], None], text: str) -> None:
        nonlocal done
        done += 1
        line(text)
        progress(name, done, total)

    progress(name, 0, total)
    try:
        yield count
    finally:
        progress(name, total, total)


@contextmanager
def _watched(jobs: Sequence[Job], pool: Pool | Cluster, progress: Say, line: Callable[[str], None]) -> Iterator[None]:
    """Report folds of other processes when they appear in the store, and show what these processes are training."""
    left = {(job.experiment.id, fold): job for job in jobs for fold in job.pending()}
    name, total, stop = _name(jobs), len(left), threading.Event()
    shown: status.State = {}

    def look() -> None:
        nonlocal shown
        for (experiment, fold), job in list(left.items()):
            if (result := job.run.load(fold)) is not None:
                del left[experiment, fold]
                line(folds.finished(job, result))
        progress(name, total - len(left), total)
        now = pool.status()
        for gone in shown.keys() - now.keys():
            progress(gone, 1, 1)
        for what, state in now.items():
            progress(what, *state)
        shown = now

    def watch() -> None:
        while not stop.wait(POLL):
            look()

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()
        look()
        for what in (name, *shown):
            progress(what, 1, 1)


def _name(jobs: Sequence[Job]) -> str:
    """The name of the bar that counts the folds of these jobs."""
    return f"{jobs[0].paper.key}: folds"


# ---------------------------------------------------------------- descriptions of runs


def _drop_other_clips(job: Job, excluded: Sequence[Exclusion]) -> int:
    """Set aside finished folds that were trained when other clips were usable; returns their number."""
    earlier = job.run.description()
    clips = {exclusion.clip for exclusion in excluded}
    if earlier is None or {row["clip"] for row in earlier.get("exclusions", [])} == clips:
        return 0
    return job.run.set_aside()


def _describe(job: Job, prepared: Prepared) -> None:
    """Write run.json; the figures of an earlier run remain, and its seconds are added."""
    earlier = job.run.description() or {}
    job.run.describe(
        {
            "key": job.key,
            "folds": list(job.folds),
            "exclusions": [asdict(exclusion) for exclusion in prepared.excluded],
            "figures": earlier.get("figures", []),
            "preprocessing_seconds": earlier.get("preprocessing_seconds", 0.0) + prepared.seconds,
        }
    )
