"""How long the pending folds of a paper's jobs take on this machine."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from common.contract import Parts
from common.environment import repeats_results
from common.progress import Display
from common.protocols.splits import split
from common.runs import preprocessing
from common.runs.calibrate import Calibration, preparation, training, volume
from common.runs.cost import EPOCHS, Cost, fold_seconds, makespan
from common.runs.plan import Job
from common.runs.processes import CORES, Pool
from common.runs.scheduler import portions
from common.runs.selection import PaperSelection, Study

Made = TypeVar("Made")
log = logging.getLogger("mer")


@dataclass(frozen=True)
class Estimate:
    """The seconds of training of each experiment in one process, by id, and the totals of a paper.

    `preparing` and `training` are the seconds until the last process is done. `disk` is the size of new entries in the
    cache, `memory` that of the largest process with few clips, both in MiB. Experiments whose network could not be
    timed are missing.
    """

    experiments: Mapping[str, float]
    preparing: float
    training: float
    disk: float
    memory: float

    @property
    def seconds(self) -> float:
        """The time from preparing clips to the last fold."""
        return self.preparing + self.training


def estimate(study: Study, selection: PaperSelection, jobs: Sequence[Job], pool: Pool, display: Display) -> Estimate:
    """Time a few clips of each kind of inputs and a few epochs of each network; estimate how long pending folds take.

    Each network is timed once, if possible in an experiment whose folds share epochs of training, which those of
    leak-free experiments do not. Its cost with inputs of another size is assumed to be proportional to their size. What
    cannot be timed is reported in one line.
    """
    parts, pending = selection.parts(), [job for job in jobs if job.pending()]
    code = preprocessing.code(selection.paper.key)
    threads = max(CORES // pool.count, 1)

    def timed(work: Callable[[Calibration], Made], chosen: Mapping[str, Job], what: str) -> dict[str, Made]:
        tasks = {
            key: Calibration(job, selection.parts, code, study.cache, study.landmarks, threads)
            for key, job in chosen.items()
        }
        futures = {key: pool.start(_tried, (work, task)) for key, task in tasks.items()}
        results: dict[str, Made] = {}
        for done, (key, future) in enumerate(futures.items(), start=1):
            result, reason = future.result()
            display.progress(f"timing {what}", done, len(futures))
            if result is not None:
                results[key] = result
            else:
                display.line(f"{selection.paper.key} {chosen[key].experiment.id}: {what} not timed, {reason}")
        return results

    new = _new_clips(study, pending, code)
    preparations = timed(preparation, {_inputs(job): job for job in pending if new[_inputs(job)]}, "preparation")
    by_network: dict[str, list[Job]] = {}
    for job in pending:
        by_network.setdefault(job.experiment.network, []).append(job)
    simplest = {
        name: min(some, key=lambda job: (_trainings(job), job.experiment.leak_free, -len(job.clips)))
        for name, some in by_network.items()
    }
    trainings = timed(training, simplest, "training")
    trained = [job for job in pending if job.experiment.network in trainings]
    costs = {job.experiment.id: trainings[job.experiment.network].cost for job in trained}
    return Estimate(
        {job.experiment.id: sum(_fold_seconds(job, costs[job.experiment.id], parts).values()) for job in trained},
        sum(len(new[key]) * of.seconds for key, of in preparations.items()) / pool.count,
        _training(trained, costs, parts, pool.count),
        sum(len(new[key]) * of.mib for key, of in preparations.items()),
        max((of.peak for of in trainings.values()), default=0.0),
    )


def ready(pool: Pool) -> None:
    """Wait until a process of a pool is ready for work."""
    pool.start(_nothing, None).result()


def _nothing(nothing: None) -> None:
    return nothing


def described(estimated: Estimate, study: Study) -> list[str]:
    """What a paper needs (time, memory, disk), in lines."""
    if not estimated.experiments:
        return []
    processes = "1 process" if study.workers == 1 else f"{study.workers} processes"
    return [
        f"preparing clips {about(estimated.preparing)}, training {about(estimated.training)} in {processes}; "
        f"at least {estimated.memory / 1024:.1f} GiB of memory in each, {estimated.disk / 1024:.2f} GiB of disk "
        "for new clips"
    ]


def about(seconds: float) -> str:
    """A time with two digits, in seconds, minutes or hours."""
    for unit, size in (("h", 3600), ("min", 60)):
        if seconds >= size:
            return f"about {seconds / size:.{1 if seconds < 10 * size else 0}f} {unit}"
    return f"about {seconds:.0f} s"


def _tried(task: tuple[Callable[[Calibration], Made], Calibration]) -> tuple[Made | None, str]:
    """The result of a calibration, or None and why there is none."""
    work, calibration = task
    try:
        return work(calibration), ""
    except Exception as error:  # any error of a backend or a paper's code: the others can be estimated
        log.debug("not timed", exc_info=error)
        return None, f"{type(error).__name__}: {' '.join(str(error).split())[:200]}"


def _inputs(job: Job) -> str:
    """Equal for jobs whose clips are prepared in the same way."""
    return repr(job.settings.inputs)


def _new_clips(study: Study, jobs: Sequence[Job], code: str) -> dict[str, set[str]]:
    """The digests of the clips that are not in the cache yet, by inputs."""
    new: dict[str, set[str]] = {}
    for job in jobs:
        missing = [task for task in preprocessing.clip_tasks(job, code) if not study.cache.holds("clips", task.key)]
        new.setdefault(_inputs(job), set()).update(map(preprocessing.digest, missing))
    return new


def _trainings(job: Job) -> int:
    """How often a fold is trained: more than once if settings are searched; the last training is that of the fold."""
    searched = len(job.settings.values().get("kernels", ()))
    if job.experiment.space:
        choices = math.prod(map(len, job.experiment.space.values()))
        searched = min(job.profile.trials, choices) * job.profile.inner_folds
    return 1 + searched


def _training(jobs: Sequence[Job], costs: Mapping[str, Cost], parts: Parts, workers: int) -> float:
    """Seconds until the last fold is trained, in processes that share the folds as in a run."""
    groups: dict[Hashable, list[tuple[Job, str]]] = {}
    seconds: dict[tuple[str, str], float] = {}
    again: dict[Hashable, Job] = {}
    for job in jobs:
        key = parts.network_key(job.experiment, job.settings)
        groups.setdefault(key, []).extend((job, fold) for fold in job.pending())
        seconds |= {
            (job.experiment.id, fold): s for fold, s in _fold_seconds(job, costs[job.experiment.id], parts).items()
        }
        if job.experiment.leak_free and not job.experiment.control and job.profile.check_repeatable:
            again.setdefault(key, job)
    tasks: list[float] = []
    for portion in portions([*groups.values()], workers) if groups else []:
        first = portion[0][0]
        key = parts.network_key(first.experiment, first.settings)
        took = costs[first.experiment.id].build + sum(seconds[job.experiment.id, fold] for job, fold in portion)
        repeated = again.pop(key, None) if repeats_results() else None
        if repeated is not None and len(repeated.pending()) > 1:
            took += seconds[repeated.experiment.id, repeated.pending()[0]]
        tasks.append(took)
    start = max((costs[job.experiment.id].start for job in jobs), default=0.0)
    return start + makespan(tasks, workers) if tasks else 0.0


def _fold_seconds(job: Job, cost: Cost, parts: Parts) -> dict[str, float]:
    """Seconds by pending fold, in one process, without building the network."""
    settings = job.settings.values()
    subject, clip = (np.array(names) for names in zip(*((c.subject_id, c.id) for c, _ in job.clips), strict=True))
    labels = np.array([label for _, label in job.clips])
    folds = {fold.name: fold for fold in split(job.experiment, subject, clip, labels, job.seed)}
    once = () if job.experiment.leak_free else cost.once
    epochs = {name: settings[name] for name in EPOCHS if name in settings and name not in once}
    shared = {name: settings[name] for name in once}
    searching = {"epochs": settings["search_epochs"]} if "search_epochs" in settings else epochs
    size = volume(parts, job)
    seconds = {}
    for number, name in enumerate(job.pending()):
        train, test = len(folds[name].train), len(folds[name].test)
        watched = train if job.experiment.leak_free else train + test / 3
        took = fold_seconds(cost, watched, epochs, size)
        took += (_trainings(job) - 1) * (cost.build + fold_seconds(cost, watched, searching, size))
        if number == 0 and not job.done() and shared:
            took += fold_seconds(cost, train + test, shared, size)
        seconds[name] = took + cost.predict * size / cost.size * (train + 2 * test)
    return seconds
