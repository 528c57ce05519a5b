"""Pending folds -> train -> store, in this process or in several. Everything else is written from the store."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict

from common.contract import Say
from common.environment import backend
from common.progress import doing, log
from common.runs import drawing, folds, preprocessing, status
from common.runs.clips import Prepared, prepare_clips
from common.runs.context import RunContext
from common.runs.dask_cluster import Cluster
from common.runs.plan import Job
from common.runs.portions import shared_out
from common.runs.processes import Pool
from common.types import Arrays, Clip, Exclusion, FoldResult

BACKENDS = {"tensorflow": "TensorFlow", "jax": "JAX", "torch": "PyTorch"}
POLL = 0.3
"""Seconds between checks of the store for folds that other processes have finished."""


def execute(jobs: Sequence[Job], context: RunContext, progress: Say, line: Callable[[str], None]) -> int:
    """Run all pending folds of the jobs of one paper and profile. Returns the number of failed folds.

    `line` receives one line per finished or failed fold. Results do not depend on the number of processes.
    """
    unfinished = [job for job in jobs if job.pending() or not job.run.is_described()]
    for job in jobs:
        if not job.pending():
            line(f"{job.paper.key} {job.experiment.id}: all folds ({len(job.asked())}) are stored")
    failures = _execute(unfinished, context, progress, line) if unfinished else 0
    for job in jobs:  # including those finished by an earlier, interrupted run
        if not job.experiment.control:
            drawing.draw_results(job, context.parts(), line)
    return failures


def _execute(jobs: Sequence[Job], context: RunContext, progress: Say, line: Callable[[str], None]) -> int:
    """Run the pending folds of these jobs; of a job without any, the damaged description is written again."""
    pool = context.pool
    prepared = prepare_clips(jobs, context, progress)
    for job in jobs:
        excluded = prepared[job.experiment.id].excluded
        if dropped := _drop_other_clips(job, excluded):
            line(
                f"{job.paper.key} {job.experiment.id}: the usable clips have changed; its {dropped} finished "
                "folds are run again"
            )
        _describe(job, prepared[job.experiment.id])
    pending = [job for job in jobs if job.pending()]
    portions = shared_out(pending, prepared, context) if pending else []
    portions += [
        (folds.JobFolds(job, (), prepared[job.experiment.id].excluded, first=True, repeats=False),)
        for job in jobs
        if not job.pending()
    ]
    units = [
        folds.WorkUnit(shares, context.parts, context.code, context.cache, context.landmarks) for shares in portions
    ]
    out = {name: {exclusion.clip for exclusion in clips.excluded} for name, clips in prepared.items()}
    parts = context.parts()

    def prepared_arrays(job: Job, clip: Clip) -> Arrays:
        task = preprocessing.clip_task(job.paper.key, clip, job.contents[clip.id], job.settings.inputs, context.code)
        return preprocessing.arrays(task, parts.preprocess, context.cache, context.faces)

    def draw() -> None:
        drawing.draw_inputs(jobs, out, parts, context.faces, line)
        drawing.draw_views(jobs, out, parts, prepared_arrays, line)

    if pool.here:
        draw()
        with _counted(jobs, progress, line) as done:
            failures = sum(_train(unit, progress, line, done) for unit in units)
    else:
        with _watched(jobs, pool, progress, line):
            started = [pool.start(_run, unit) for unit in units]
            draw()  # meanwhile
            failures = 0
            for failed, lines in pool.finished(started):
                failures += failed
                for text in lines:
                    line(text)
    return failures


def _run(unit: folds.WorkUnit) -> tuple[int, list[str]]:
    """Run a unit in its own process: the number of failed folds and lines on these; finished folds are in the store."""
    lines: list[str] = []
    with log.warnings_to(lines.append):
        return _train(unit, status.Reporter(), lines.append, lambda job, result: None), lines


def _train(unit: folds.WorkUnit, say: Say, line: Callable[[str], None], done: folds.Done) -> int:
    """Run a unit, and show something all the time: what trains networks takes long to import, networks to build."""
    paper = unit.shares[0].job.paper.key
    with status.never_silent(say, f"{paper}: building or testing networks") as never_silent:
        with doing(never_silent, f"{paper}: loading {BACKENDS.get(backend(), backend())}"), suppress(Exception):
            unit.parts().recipe()  # an error comes again in each job, which records it
        return folds.run(unit, never_silent, line, done)


@contextmanager
def _counted(jobs: Sequence[Job], progress: Say, line: Callable[[str], None]) -> Iterator[folds.Done]:
    """Show how many folds of the jobs are done. Call the result when a fold is finished."""
    left = {(job.experiment.id, fold) for job in jobs for fold in job.pending()}
    name, total = _name(jobs), len(left)

    def count(job: Job, result: FoldResult) -> None:
        left.discard((job.experiment.id, result.fold))
        line(_finished(job, result, left))
        progress(name, total - len(left), total)

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
    starting = f"{jobs[0].paper.key}: starting processes"
    shown: status.State = {}

    def look() -> None:
        nonlocal shown
        stored = [(place, job, job.run.load(place[1])) for place, job in left.items()]
        for place, job, result in stored:
            if result is not None:
                del left[place]
                line(_finished(job, result, left))
        progress(name, total - len(left), total)
        now = pool.status() or ({starting: (0, 1, "")} if len(left) == total else {})
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


def _finished(job: Job, result: FoldResult, left: Collection[tuple[str, str]]) -> str:
    """The line that reports a finished fold, with the number of those that are asked for and not `left`."""
    asked = len(job.asked())
    done = asked - sum(name == job.experiment.id for name, _ in left)
    right = int((result.probabilities.argmax(axis=1) == result.truth).sum())
    return (
        f"{job.paper.key} {job.experiment.id} {done}/{asked} {result.fold}: "
        f"{right} of {len(result.clips)} clips right, {result.seconds:.1f} s"
    )


def _name(jobs: Sequence[Job]) -> str:
    """The name of the bar that counts the folds of these jobs."""
    return f"{jobs[0].paper.key}: folds"


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
        | {name: earlier[name] for name in ("input",) if name in earlier}
    )
