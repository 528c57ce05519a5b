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
from common.errors import UserError
from common.progress import Display
from common.protocols import metadata
from common.protocols.controls import METADATA
from common.protocols.splits import split
from common.runs import preprocessing
from common.runs.calibrate import Calibration, operations, preparation, training
from common.runs.cost import EPOCHS, Cost, fold_seconds, makespan, scaled
from common.runs.plan import Job
from common.runs.portions import portions
from common.runs.processes import CORES, Pool
from common.runs.selection import PaperSelection, Study

Made = TypeVar("Made")
log = logging.getLogger("mer")


@dataclass(frozen=True)
class Estimate:
    """The seconds of training of each experiment in one process, by id, and the totals of a paper.

    `preparing` and `training` are the seconds until the last process is done. `disk` is the size of new entries in the
    cache, `memory` what the largest network needs for a few clips, both in MiB. What could not be timed is missing, and
    the estimate then is not `complete`.
    """

    experiments: Mapping[str, float]
    preparing: float
    training: float
    disk: float
    memory: float
    complete: bool

    @property
    def seconds(self) -> float:
        """The time from preparing clips to the last fold."""
        return self.preparing + self.training


def estimate(
    study: Study, selection: PaperSelection, jobs: Sequence[Job], pool: Pool, display: Display, counted: set[str]
) -> Estimate:
    """Time a few clips of each kind of inputs and a few epochs of each network; estimate how long pending folds take.

    Each network is timed once, if possible in an experiment whose folds share epochs of training, which those of
    leak-free experiments do not. With inputs of another size, its cost is assumed to be proportional to its operations;
    a network whose operations are not counted is timed with inputs of each size.
    What cannot be timed is reported in one line. Raises UserError for what also stops a run, and StoppedError if a
    process died.

    `counted` are digests of new clips that earlier estimates include, as those of another seed; new ones are added.
    """
    parts, pending = selection.parts(), [job for job in jobs if job.pending()]
    code = selection.arrays_code
    threads = max(CORES // pool.count, 1)

    def timed(work: Callable[[Calibration], Made], chosen: Mapping[str, Job], what: str) -> dict[str, Made]:
        tasks = [
            (key, work, Calibration(job, selection.parts, code, study.cache, study.landmarks, threads))
            for key, job in chosen.items()
        ]
        results: dict[str, Made] = {}
        name = f"{selection.paper.key}: timing {what}"
        display.progress(name, 0, len(tasks))
        try:
            tried = map(_tried, tasks) if pool.here else pool.finished([pool.start(_tried, task) for task in tasks])
            for done, (key, result, reason) in enumerate(tried, start=1):
                display.progress(name, done, len(tasks))
                if result is not None:
                    results[key] = result
                else:
                    display.line(f"{selection.paper.key} {chosen[key].experiment.id}: {what} not timed, {reason}")
        finally:
            display.progress(name, len(tasks), len(tasks))
        return results

    new, having = _new_clips(study, pending, code, counted)
    preparations = timed(preparation, having, "preparation")
    by_network: dict[str, list[Job]] = {}
    networks = [job for job in pending if job.experiment.control != METADATA]
    seconds = {
        job.experiment.id: metadata.SECONDS * len(job.pending())
        for job in pending
        if job.experiment.control == METADATA
    }
    for job in networks:
        by_network.setdefault(job.experiment.network, []).append(job)
    simplest = {
        name: min(some, key=lambda job: (_trainings(job), job.experiment.leak_free, -len(job.clips)))
        for name, some in by_network.items()
    }
    trainings = timed(training, simplest, "training")
    sizes = _sizes(by_network, parts, timed)
    uncounted = {kind: job for job in networks if math.isnan(sizes.get(kind := _network(job, parts), 0.0))}
    trainings |= timed(training, uncounted, "training")
    sizes = {kind: size for kind, size in sizes.items() if kind not in uncounted}
    costs: dict[str, Cost] = {}
    for job in networks:
        name, kind = job.experiment.network, _network(job, parts)
        size, timed_size = sizes.get(kind), sizes.get(_network(simplest[name], parts))
        if kind in trainings:
            costs[job.experiment.id] = trainings[kind].cost
        elif name in trainings and size and timed_size:
            costs[job.experiment.id] = scaled(trainings[name].cost, size / timed_size)
    trained = [job for job in networks if job.experiment.id in costs]
    of_networks = {
        job.experiment.id: sum(_fold_seconds(job, costs[job.experiment.id], parts).values()) for job in trained
    }
    return Estimate(
        of_networks | seconds,
        sum(len(new[key]) * of.seconds for key, of in preparations.items()) / study.preparers,
        _training(trained, costs, parts, pool.count) + sum(seconds.values()) / pool.count,
        sum(len(new[key]) * of.mib for key, of in preparations.items()),
        max((of.peak for of in trainings.values()), default=0.0),
        len(trained) == len(networks) and preparations.keys() == having.keys(),
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
    preparers, workers = (f"{n} process{'es' if n > 1 else ''}" for n in (study.preparers, study.workers))
    return [
        f"preparing clips {about(estimated.preparing)} in {preparers}, training {about(estimated.training)} in "
        f"{workers}; networks and batches take at least {estimated.memory / 1024:.1f} GiB in each, new clips "
        f"{estimated.disk / 1024:.2f} GiB of disk"
    ]


def about(seconds: float) -> str:
    """A time with two digits, in seconds, minutes or hours."""
    for unit, size in (("h", 3600), ("min", 60)):
        if seconds >= size:
            return f"about {seconds / size:.{1 if seconds < 10 * size else 0}f} {unit}"
    return f"about {seconds:.0f} s"


def _tried(task: tuple[str, Callable[[Calibration], Made], Calibration]) -> tuple[str, Made | None, str]:
    """The key of a calibration and its result, or None and why there is none."""
    key, work, calibration = task
    try:
        return key, work(calibration), ""
    except UserError:  # such as a GPU that is not there: it would stop a run
        raise
    except Exception as error:  # any error of a backend or a recipe: the others can be estimated
        log.debug("not timed", exc_info=error)
        return key, None, f"{type(error).__name__}: {' '.join(str(error).split())[:200]}"


def _network(job: Job, parts: Parts) -> str:
    """Equal for jobs whose networks have the same size, whatever their classes."""
    shapes = sorted(parts.preprocess.shapes(job.settings).items())
    return repr((job.experiment.network, job.settings.network, shapes))


def _sizes(
    by_network: Mapping[str, Sequence[Job]],
    parts: Parts,
    timed: Callable[[Callable[[Calibration], float], Mapping[str, Job], str], dict[str, float]],
) -> dict[str, float]:
    """The operations of each network by `_network`, NaN if not counted; 1 if all its jobs have the same size."""
    sizes: dict[str, float] = {}
    different: dict[str, Job] = {}
    for jobs in by_network.values():
        kinds = {_network(job, parts): job for job in jobs}
        if len(kinds) == 1:
            sizes |= dict.fromkeys(kinds, 1.0)
        else:
            different |= kinds
    return sizes | (timed(operations, different, "operations") if different else {})


def _inputs(job: Job) -> str:
    """Equal for jobs whose clips are prepared in the same way."""
    return repr(job.settings.inputs)


def _new_clips(
    study: Study, jobs: Sequence[Job], code: str, counted: set[str]
) -> tuple[dict[str, set[str]], dict[str, Job]]:
    """By inputs, the digests of clips that are neither in the cache nor `counted`, and the job with most of them.

    They are added to `counted`. Inputs without new clips are left out.
    """
    new: dict[str, set[str]] = {}
    having: dict[str, tuple[int, Job]] = {}
    for job in jobs:
        missing = [task for task in preprocessing.clip_tasks(job, code) if not study.cache.holds("clips", task.key)]
        own = {preprocessing.digest(task) for task in missing} - counted
        new.setdefault(_inputs(job), set()).update(own)
        if len(own) > having.get(_inputs(job), (0, job))[0]:
            having[_inputs(job)] = len(own), job
    for digests in new.values():
        counted |= digests
    return new, {key: job for key, (_, job) in having.items()}


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
        if job.experiment.leak_free and not job.experiment.control and not (job.profile.brief_check and again):
            again.setdefault(key, job)
    tasks: list[float] = []
    for portion in portions([*groups.values()], workers) if groups else []:
        first = portion[0][0]
        key = parts.network_key(first.experiment, first.settings)
        took = costs[first.experiment.id].build + sum(seconds[job.experiment.id, fold] for job, fold in portion)
        repeated = again.pop(key, None) if repeats_results() else None
        if repeated is not None:
            cost = costs[repeated.experiment.id]
            took += cost.start + cost.build + (0 if repeated.profile.brief_check else _longest(repeated, seconds))
        tasks.append(took)
    start = max((costs[job.experiment.id].start for job in jobs), default=0.0)
    return start + makespan(tasks, workers) if tasks else 0.0


def _longest(job: Job, seconds: Mapping[tuple[str, str], float]) -> float:
    return max((seconds[job.experiment.id, fold] for fold in job.pending()), default=0.0)


def _fold_seconds(job: Job, cost: Cost, parts: Parts) -> dict[str, float]:
    """Seconds by pending fold, in one process, without building the network; 0 if no clip of a fold can be read."""
    settings = job.settings.values()
    subject, clip = (np.array(names) for names in zip(*((c.subject_id, c.id) for c, _ in job.clips), strict=True))
    labels = np.array([label for _, label in job.clips])
    every = split(job.experiment, subject, clip, labels, job.seed, job.profile.most_folds)
    folds = {fold.name: fold for fold in every}
    once = () if job.experiment.leak_free else cost.once
    epochs = {name: settings[name] for name in EPOCHS if name in settings and name not in once}
    shared = {name: settings[name] for name in once}
    searching = {"epochs": settings["search_epochs"]} if "search_epochs" in settings else epochs
    seconds = dict.fromkeys(job.pending(), 0.0)
    for number, name in enumerate(name for name in job.pending() if name in folds):
        train, test = len(folds[name].train), len(folds[name].test)
        watched = train if job.experiment.leak_free else train + test / 3
        took = fold_seconds(cost, watched, epochs, cost.size)
        took += (_trainings(job) - 1) * (cost.build + fold_seconds(cost, watched, searching, cost.size))
        if number == 0 and not job.done() and shared:
            took += fold_seconds(cost, train + test, shared, cost.size)
        seconds[name] = took + cost.predict * (train + 2 * test)
    return seconds
