"""The folds of experiments that share their networks, trained one after another in one process."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from common import guard, prepare
from common.cache import Cache
from common.environment import environment, forget_peak_memory, peak_memory_mib
from common.errors import UserError
from common.parts import Networks, Parts, Recipe
from common.plan import Job
from common.protocols import split
from common.seeds import seed_of
from common.types import (
    Answers,
    Arrays,
    Beyond,
    Exclusion,
    Fold,
    FoldResult,
    Keep,
    Progress,
    Samples,
    Trained,
    Workbench,
)

SECONDS = " s"
"""How the line ends that says that a fold is done."""

log = logging.getLogger("mer")


@dataclass(frozen=True)
class Share:
    """Some folds of one job, the clips of it that cannot be used, and whether this share speaks for all of the job."""

    job: Job
    folds: tuple[str, ...]
    excluded: tuple[Exclusion, ...]
    first: bool


@dataclass(frozen=True)
class Task:
    """Shares whose networks are the same, for one process; `code` is that of the clips' arrays."""

    shares: tuple[Share, ...]
    parts: Callable[[], Parts]
    code: str
    cache: Cache
    landmarks: Path | None


@dataclass(frozen=True)
class Shop:
    """What the folds of one job share: recipe, networks, the samples of all folds, and a store."""

    job: Job
    recipe: Recipe
    networks: Networks
    samples: Samples
    keep: Keep
    say: Progress
    measured: dict[str, float]


def run(task: Task, say: Progress, line: Callable[[str], None]) -> int:
    """Train the folds of a task and store each as it is finished; returns how many failed.

    A fold that fails is noted and the others go on. `line` gets one line per finished or failed fold.
    """
    parts = task.parts()
    networks: tuple[Hashable, Networks] | None = None
    failures = 0
    for share in task.shares:
        job = share.job
        where = f"{job.paper.key} {job.experiment.id}"
        samples = prepare.samples(job, share.excluded, parts.preprocess, task.code, task.cache, task.landmarks)
        if share.first:
            job.run.note(samples.notes)
        known = {fold.name: fold for fold in split(job.experiment, samples.subject, samples.clip, samples.y, job.seed)}
        for name in share.folds:
            if name not in known:
                line(f"{where} {name}: every clip of this fold is excluded")
        folds = [known[name] for name in share.folds if name in known and job.run.load(name) is None]
        if not folds:
            continue
        measured: dict[str, float] = {}
        try:
            recipe = parts.recipe()
            needs = parts.needs(job.experiment, job.profile.settings)
            if networks is None or networks[0] != needs:
                networks = None  # the last ones may be gigabytes
                networks = needs, recipe.Networks(job.experiment, job.profile.settings, job.seed)
            measured |= networks[1].facts()
            measured["flops"] = networks[1].flops(len(samples.y) / len(set(samples.clip.tolist())))
        except UserError:
            raise
        except Exception as error:  # whatever a backend raises: one experiment must not take the others with it
            reason = _one_line(error)
            for fold in folds:
                job.run.save_failure(fold.name, reason)
            line(f"{where}: failed before its first fold, {reason}")
            failures += len(folds)
            continue
        shop = Shop(job, recipe, networks[1], samples, _keep(job, samples, task.cache, measured), say, measured)
        failures += _folds(shop, folds, line)
        del samples, shop  # a corpus is gigabytes: free one job's before the next is read
    return failures


def _folds(shop: Shop, folds: Sequence[Fold], line: Callable[[str], None]) -> int:
    job, failures = shop.job, 0
    where = f"{job.paper.key} {job.experiment.id}"
    for number, fold in enumerate(folds):
        try:
            result = _fold(shop, fold, first=number == 0, last=number == len(folds) - 1)
            job.run.save(result)
        except (UserError, OSError):
            raise
        except Exception as error:  # whatever a backend raises: one fold must not take the others with it
            reason = _one_line(error)
            job.run.save_failure(fold.name, reason)
            line(f"{where} {fold.name}: failed, {reason}")
            failures += 1
            continue
        line(finished(job, result))
        shop.say(f"{where}: folds", job.done(), len(job.folds))
    return failures


def finished(job: Job, result: FoldResult) -> str:
    """The line that says that a fold is done."""
    right = int((result.probabilities.argmax(axis=1) == result.truth).sum())
    return (
        f"{job.paper.key} {job.experiment.id} {job.done()}/{len(job.folds)} {result.fold}: "
        f"{right} of {len(result.clips)} clips right, {result.seconds:.1f}{SECONDS}"
    )


def _fold(shop: Shop, fold: Fold, *, first: bool, last: bool) -> FoldResult:
    """Train and test one fold. On the first a leak-free recipe is tried for leaks, on the last inference is timed."""
    job, samples, experiment = shop.job, shop.samples, shop.job.experiment
    shop.say(f"{job.paper.key} {experiment.id}: folds", job.done(), len(job.folds))
    guard.apart(fold, samples, experiment, job.contents)
    test = samples.only(fold.test)
    bench = Workbench(
        fold=fold.name,
        seed=seed_of(experiment.id, fold.name, job.seed),
        say=shop.say,
        folder=job.run.path,
        beyond=None if experiment.leak_free else Beyond(test, samples, shop.keep, job.seed),
    )
    forget_peak_memory()
    start = time.perf_counter()
    with guard.forgetful(shop.networks, experiment, fold.name):
        trained = shop.recipe.train(shop.networks, experiment, samples.only(fold.train), bench)
    answers = trained.predict(test)
    seconds = time.perf_counter() - start
    if set(answers) != set(test.clip.tolist()):
        raise ValueError("the predictions are not those of the held-out clips")
    if not all(np.isfinite(answer).all() for answer in answers.values()):
        raise FloatingPointError("the network answers NaN; its training diverged")
    measured = dict(shop.measured)
    shop.measured.pop(SHARED_SECONDS, None)  # spent once
    if first and experiment.leak_free:
        guard.unswayed(answers, trained.predict, test, experiment, fold.name)
    if last:  # by now nothing is traced or loaded any more
        measured["inference_ms_per_clip"] = _inference_ms(trained, test, answers)
    truth = dict(zip(test.clip.tolist(), test.y.tolist(), strict=True))
    return FoldResult(
        fold=fold.name,
        clips=tuple(answers),
        truth=np.array([truth[clip] for clip in answers], np.int64),
        probabilities=np.stack([*answers.values()]),
        history=trained.history,
        seed=job.seed,
        seconds=seconds,
        measured=measured | {"peak_memory_mib": peak_memory_mib()},
        environment=environment() | {"code": str(job.key["code"])[:16]},
    )


def _inference_ms(trained: Trained, test: Samples, answers: Answers) -> float:
    """Milliseconds per clip from prepared arrays to answers, when they are asked for a second time."""
    start = time.perf_counter()
    trained.predict(test)
    return 1000 * (time.perf_counter() - start) / len(answers)


SHARED_SECONDS = "shared_training_seconds"


def _keep(job: Job, samples: Samples, cache: Cache, measured: dict[str, float]) -> Keep:
    """Arrays that all folds of one run share, made by one process and stored; their seconds go into `measured`."""

    def keep(name: str, make: Callable[[], Arrays]) -> Arrays:
        def finite() -> Arrays:
            arrays = make()
            if not all(np.isfinite(values).all() for values in arrays.values()):
                raise FloatingPointError(f"{name}: the network answers NaN; its training diverged")
            return arrays

        start = time.perf_counter()
        key = {"key": job.key, "name": name, "clips": sorted(set(samples.clip.tolist()))}
        with cache.alone("shared", key):
            arrays, new = cache.arrays("shared", key, finite)
        if new:
            measured[SHARED_SECONDS] = time.perf_counter() - start
        return arrays

    return keep


def _one_line(error: Exception) -> str:
    log.debug("failed", exc_info=error)
    return f"{type(error).__name__}: {' '.join(str(error).split())[:300]}"
