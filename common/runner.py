"""Pending folds -> train -> store, in this process or in several. All else is written from what lies in the store."""

from __future__ import annotations

import functools
import threading
from collections import Counter
from collections.abc import Callable, Collection, Hashable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from common import prepare, work
from common.cache import Cache
from common.cluster import Cluster
from common.errors import ClipError
from common.faces import FaceFinder
from common.files import named
from common.parts import Parts
from common.plan import Job
from common.pool import Pool
from common.types import Exclusion, Figure, Progress

POLL = 0.3
"""Seconds between looks into the store for folds that other processes have finished."""


def execute(
    jobs: Sequence[Job],
    parts: Callable[[], Parts],
    *,
    cache: Cache,
    landmarks: Path | None,
    pool: Pool | Cluster,
    progress: Progress,
    line: Callable[[str], None],
) -> int:
    """Run all pending folds of the jobs of one paper and profile. Returns how many folds failed.

    `line` gets one line per finished or failed fold. What one process computes is what several do.
    """
    pending = [job for job in jobs if job.pending()]
    for job in jobs:
        if not any(job is other for other in pending):
            line(f"{job.paper.key} {job.experiment.id}: all {len(job.asked())} folds are stored")
    failures = _execute(pending, parts, cache, landmarks, pool, progress, line) if pending else 0
    for job in jobs:  # also those whose folds an earlier, interrupted run has finished
        if not job.experiment.control:
            _draw_results(job, parts(), line)
    return failures


def _execute(
    pending: Sequence[Job],
    parts: Callable[[], Parts],
    cache: Cache,
    landmarks: Path | None,
    pool: Pool | Cluster,
    progress: Progress,
    line: Callable[[str], None],
) -> int:
    means = Means(parts, prepare.code(pending[0].paper.key), cache, landmarks, FaceFinder(landmarks), pool)
    made = prepare_clips(pending, means, progress)
    for job in pending:
        excluded = made[job.experiment.id].excluded
        if dropped := _drop_other_clips(job, excluded):
            line(
                f"{job.paper.key} {job.experiment.id}: other clips can be used than before; its {dropped} finished "
                "folds are made again"
            )
        _describe(job, made[job.experiment.id])
    tasks = [work.Task(shares, parts, means.code, cache, landmarks) for shares in _shared_out(pending, made, means)]
    if pool.here:
        _draw(pending, made, means, line)
        failures = sum(work.run(task, progress, line, line) for task in tasks)
    else:
        with _watched(pending, progress, line):
            started = [pool.start(_run, task) for task in tasks]
            _draw(pending, made, means, line)  # meanwhile
            failures = 0
            for failed, lines in pool.finished(started):
                failures += failed
                for one in lines:
                    line(one)
    return failures


@dataclass(frozen=True)
class Means:
    """What all jobs of a paper are run with; `code` is that of the clips' arrays."""

    parts: Callable[[], Parts]
    code: str
    cache: Cache
    landmarks: Path | None
    faces: FaceFinder
    pool: Pool | Cluster


# ---------------------------------------------------------------- clips


@dataclass(frozen=True)
class Prepared:
    """Which clips of a job cannot be used, and the seconds that new arrays took."""

    excluded: tuple[Exclusion, ...]
    seconds: float


@dataclass(frozen=True)
class Order:
    """A piece to be prepared in another process."""

    digest: str
    piece: prepare.Piece
    parts: Callable[[], Parts]
    cache: Cache
    landmarks: Path | None


def prepare_clips(jobs: Sequence[Job], means: Means, say: Progress) -> dict[str, Prepared]:
    """Have the arrays of all clips of the jobs of one paper in the cache; by experiment, what that came to."""
    preprocess = means.parts().preprocess
    by_job = {job.experiment.id: prepare.pieces(job, preprocess, means.code) for job in jobs}
    digests = {name: [prepare.digest(piece) for piece in some] for name, some in by_job.items()}
    distinct = {key: piece for name, some in by_job.items() for key, piece in zip(digests[name], some, strict=True)}
    missing = {key: piece for key, piece in distinct.items() if not means.cache.holds("clips", piece.key)}
    results: Iterator[tuple[str, prepare.Made]]
    if means.pool.here or len(missing) < 2 * means.pool.count:
        results = ((key, prepare.make(one, preprocess, means.cache, means.faces)) for key, one in missing.items())
    else:
        orders = [Order(key, one, means.parts, means.cache, means.landmarks) for key, one in missing.items()]
        results = means.pool.finished([means.pool.start(_make, order) for order in orders])
    made: dict[str, prepare.Made] = {}
    for key, one in results:
        made[key] = one
        say("preparing clips", len(made), len(missing))
    found: dict[str, Prepared] = {}
    counted: set[str] = set()
    for name, some in by_job.items():
        mine = [(key, piece) for key, piece in zip(digests[name], some, strict=True) if key in made]
        faults = tuple(Exclusion(piece.clip.id, made[key].fault) for key, piece in mine if made[key].fault)
        new = {key for key, _ in mine} - counted
        found[name] = Prepared(faults, sum(made[key].seconds for key in new))
        counted |= new
    return found


def _make(order: Order) -> tuple[str, prepare.Made]:
    preprocess = order.parts().preprocess
    return order.digest, prepare.make(order.piece, preprocess, order.cache, _finder(order.landmarks))


@functools.cache
def _finder(landmarks: Path | None) -> FaceFinder:
    """One per process: it takes a second to load."""
    return FaceFinder(landmarks)


# ---------------------------------------------------------------- folds


def _shared_out(jobs: Sequence[Job], made: Mapping[str, Prepared], means: Means) -> list[tuple[work.Share, ...]]:
    """The pending folds in shares for single processes, the largest first.

    Experiments whose networks are the same stay together, so that these are built once, unless one process would be
    left with more than its part of all work. A fold counts as much as its experiment has clips.
    """
    needs, workers = means.parts().needs, means.pool.count
    groups: dict[Hashable, list[tuple[Job, str]]] = {}
    for job in jobs:
        key = needs(job.experiment, job.profile.settings)
        groups.setdefault(key, []).extend((job, fold) for fold in job.pending())
    tried = {_tried(group) for group in groups.values()}
    if means.pool.here:
        return _shares([*groups.values()], made, tried)
    return _shares(portions([*groups.values()], workers), made, tried)


def portions(groups: Sequence[Sequence[tuple[Job, str]]], workers: int) -> list[list[tuple[Job, str]]]:
    """Groups of (job, fold) that are to stay together, cut only where one is above its part; the heaviest first."""
    most = -(-sum(map(_weight, groups)) // workers)
    parts = [part for group in groups for part in _parts(group, -(-_weight(group) // most))]
    return sorted(parts, key=_weight, reverse=True)


def _weight(group: Sequence[tuple[Job, str]]) -> int:
    return sum(len(job.clips) for job, _ in group)


def _parts(group: Sequence[tuple[Job, str]], count: int) -> list[list[tuple[Job, str]]]:
    """A group in at most `count` parts of about the same weight, in its order."""
    weights = np.array([len(job.clips) for job, _ in group])
    part = (np.cumsum(weights) - weights / 2) * count // weights.sum()
    parts = [[one for one, place in zip(group, part, strict=True) if place == number] for number in range(count)]
    return [one for one in parts if one]


def _tried(group: Sequence[tuple[Job, str]]) -> str:
    """Of experiments whose networks are the same, the one whose first fold is trained again: the first that can be."""
    folds = Counter(job.experiment.id for job, _ in group if job.experiment.leak_free and not job.experiment.control)
    return max(folds, key=lambda name: folds[name], default="")


def _shares(
    portions: Sequence[Sequence[tuple[Job, str]]], made: Mapping[str, Prepared], tried: Collection[str]
) -> list[tuple[work.Share, ...]]:
    """Each portion as shares, one per job; of a job that is `tried` for what folds leave, the largest `repeats`."""
    by_portion: list[dict[str, tuple[Job, list[str]]]] = []
    for portion in portions:
        by_job: dict[str, tuple[Job, list[str]]] = {}
        for job, fold in portion:
            by_job.setdefault(job.experiment.id, (job, []))[1].append(fold)
        by_portion.append(by_job)
    largest: dict[str, list[str]] = {}
    for by_job in by_portion:
        for name, (_, folds) in by_job.items():
            if len(folds) > len(largest.get(name, [])):
                largest[name] = folds
    return [
        tuple(
            work.Share(
                job,
                tuple(folds),
                made[name].excluded,
                first=folds[0] == job.pending()[0],
                repeats=folds is largest[name] and name in tried and job.profile.repeated,
            )
            for name, (job, folds) in by_job.items()
        )
        for by_job in by_portion
    ]


def _run(task: work.Task) -> tuple[int, list[str]]:
    """A task in a process of its own: how many folds failed, and lines on these; what finished is in the store."""
    lines: list[str] = []
    return work.run(task, lambda *_: None, lines.append, lambda _: None), lines


@contextmanager
def _watched(jobs: Sequence[Job], progress: Progress, line: Callable[[str], None]) -> Iterator[None]:
    """Say which folds other processes finish, as they appear in the store."""
    left = {(job.experiment.id, fold): job for job in jobs for fold in job.pending()}
    total, stop = len(left), threading.Event()

    def look() -> None:
        for (name, fold), job in list(left.items()):
            if (result := job.run.load(fold)) is not None:
                del left[name, fold]
                line(work.finished(job, result))
        progress("folds", total - len(left), total)

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


# ---------------------------------------------------------------- what a run says of itself


def _drop_other_clips(job: Job, excluded: Sequence[Exclusion]) -> int:
    """Set finished folds aside that were trained when other clips could be used; returns how many."""
    earlier = job.run.description()
    if earlier is None or {row["clip"] for row in earlier.get("exclusions", [])} == {one.clip for one in excluded}:
        return 0
    return job.run.set_aside()


def _describe(job: Job, made: Prepared) -> None:
    """Write run.json; the figures that an earlier run left are kept, and its seconds are added."""
    earlier = job.run.description() or {}
    job.run.describe(
        {
            "key": job.key,
            "folds": list(job.folds),
            "exclusions": [asdict(one) for one in made.excluded],
            "figures": earlier.get("figures", []),
            "preprocessing_seconds": earlier.get("preprocessing_seconds", 0.0) + made.seconds,
        }
    )


def _draw(jobs: Sequence[Job], made: Mapping[str, Prepared], means: Means, line: Callable[[str], None]) -> None:
    """The paper's figures: each corpus is shown by the first job that reads it."""
    drawn: set[str] = set()
    for job in jobs:
        out = {one.clip for one in made[job.experiment.id].excluded}
        shown = [pair for pair in job.clips if pair[0].corpus not in drawn and pair[0].id not in out]
        if not shown or job.experiment.control:
            continue
        drawn |= {clip.corpus for clip, _ in shown}
        folder = job.run.path / "figures"
        folder.mkdir(parents=True, exist_ok=True)
        try:
            with named(folder):
                figures = means.parts().figures.draw(shown, job.profile.settings, means.faces, folder)
        except ClipError as error:
            line(f"{job.paper.key} {job.experiment.id}: no figures, {error}")
            continue
        record = job.run.description() or {}
        job.run.describe(record | {"figures": _listed(figures)})


def _draw_results(job: Job, parts: Parts, line: Callable[[str], None]) -> None:
    """Add pictures of what was learnt to those of the inputs, where there is more of it than when they were drawn."""
    record = job.run.description() or {}
    if not (done := job.done()) or record.get("drawn_after_folds") == done:
        return
    try:
        drawn = parts.figures.results(job.experiment, job.run.path)
    except Exception as error:  # whatever a drawing trips over: the results it is of are stored
        line(f"{job.paper.key} {job.experiment.id}: no figures of its results, {type(error).__name__}: {error}")
        return
    titles = {one.title for one in drawn}
    kept = [one for one in record.get("figures", []) if one["title"] not in titles]
    job.run.describe(record | {"figures": kept + _listed(drawn), "drawn_after_folds": done})


def _listed(figures: Sequence[Figure]) -> list[dict[str, str]]:
    return [{"title": one.title, "caption": one.caption, "path": one.path.name} for one in figures]
