"""The folds of experiments that share their networks, trained one after another in one process."""

from __future__ import annotations

import itertools
import logging
import math
import time
import traceback
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from common.contract import Networks, Parts, Say, Trained
from common.environment import MEMORY_BEFORE, NETWORKS_BEFORE, environment, forget_peak_memory, peak_memory_mib
from common.errors import UserError
from common.protocols import leakage
from common.protocols.controls import relabellings
from common.protocols.splits import split
from common.runs import again, preprocessing
from common.runs.cache import Cache
from common.runs.fold_training import (
    KEPT_SECONDS,
    SHARED_SECONDS,
    FoldContext,
    build_networks,
    shared_arrays,
    train_and_predict,
)
from common.runs.plan import Job
from common.scoring import histories
from common.training import blocks, learnt
from common.types import Exclusion, Fold, FoldResult, Predictions, Samples

log = logging.getLogger("mer")
_built = itertools.count()


@dataclass(frozen=True)
class JobFolds:
    """Some folds of one job, its unusable clips, and whether these folds store the notes of the whole job.

    With `repeats` the second fold is trained again in a process of its own, to check that folds pass nothing on.
    """

    job: Job
    folds: tuple[str, ...]
    excluded: tuple[Exclusion, ...]
    first: bool
    repeats: bool


@dataclass(frozen=True)
class WorkUnit:
    """Folds of jobs with the same networks, for one process; `code` is the digest of the code for the clips' arrays."""

    shares: tuple[JobFolds, ...]
    parts: Callable[[], Parts]
    code: str
    cache: Cache
    landmarks: Path | None


Done = Callable[[Job, FoldResult], None]  # receives every finished fold, once it is stored


def run(unit: WorkUnit, say: Say, line: Callable[[str], None], done: Done) -> int:
    """Train the folds of a unit and store each when it is finished; returns the number of failed folds.

    A failed fold is recorded, and the others continue; `line` receives one line for each.
    """
    own_parts = unit.parts()
    networks: tuple[Hashable, Networks, dict[str, float]] | None = None
    looked: list[str] = []
    failures = 0
    for job_folds in unit.shares:
        job = job_folds.job
        where = f"{job.paper.key} {job.experiment.id}"
        parts = preprocessing.parts_of(job, own_parts)
        names = [name for name in job_folds.folds if not job.run.holds(name)]  # not yet done by another process
        measured: dict[str, float] = {}
        forget_peak_memory()
        before = {MEMORY_BEFORE: peak} if math.isfinite(peak := peak_memory_mib()) else {}
        try:
            samples = preprocessing.samples(
                job, job_folds.excluded, parts.preprocess, unit.code, unit.cache, unit.landmarks
            )
            if job_folds.first:
                job.run.note(samples.notes)
            split_by = (samples.subject, samples.clip, samples.y, job.seed, job.profile.most_folds)
            known = {fold.name: fold for fold in split(job.experiment, *split_by)}
            for name in names:
                if name not in known:
                    line(f"{where} {name}: every clip of this fold is excluded")
            folds = [known[name] for name in names if name in known]
            if not folds and not job_folds.first:
                continue
            recipe = parts.recipe()
            key = parts.network_key(job.experiment, job.settings)
            if networks is None or networks[0] != key:
                networks = None  # the previous ones may take gigabytes
                networks = key, build_networks(parts, job, job.settings), {NETWORKS_BEFORE: next(_built)} | before
                looked = []
            measured |= networks[2]
            if not job.experiment.space:  # else every fold trains other networks
                measured |= networks[1].facts()
                operations, why = operations_of(networks[1], len(samples.y) / len(set(samples.clip.tolist())))
                if operations is not None:
                    measured["flops"] = operations
                elif job_folds.first:
                    job.run.note([*samples.notes, f"Operations are not counted: {why}."])
        except UserError:
            raise
        except Exception as error:  # any error of a backend: one experiment must not stop the others
            reason = _one_line(error)
            for name in names:
                job.run.save_failure(name, reason, traceback.format_exc())
            line(f"{where}: failed before the first fold, {reason}")
            failures += len(names)
            continue
        context = FoldContext(
            job,
            parts,
            recipe,
            networks[1],
            samples,
            shared_arrays(job, samples, unit.cache, measured),
            say,
            measured,
            looked,
        )
        order = again.Order(job, job_folds.excluded, unit.parts, unit.code, unit.cache, unit.landmarks)
        failures += _folds(context, folds, line, done, order if job_folds.repeats else None)
        del samples, context  # a corpus takes gigabytes: free it before the next job is read
    return failures


def operations_of(networks: Networks, rows_per_clip: float) -> tuple[float | None, str]:
    """The operations of one clip forward, or None and why they are not counted, which no training depends on."""
    try:
        return networks.flops(rows_per_clip), ""
    except Exception as error:  # an unknown layer, or any error of a paper's own count
        return None, " ".join(str(error).split())


def _folds(
    context: FoldContext,
    folds: Sequence[Fold],
    line: Callable[[str], None],
    done: Done,
    to_check: again.Order | None,
) -> int:
    """Train, store and report folds; returns the number of failed ones.

    With `to_check` the second fold, or the only one, is trained again in a process of its own; in a brief check before
    it is trained, so that whatever the recipe writes is that of the whole training.
    """
    job, failures, tried = context.job, 0, False
    where = f"{job.paper.key} {job.experiment.id}"

    def check(fold: Fold, answers: Predictions | None) -> int:
        try:
            if to_check is not None:
                again.check(to_check, context, fold, answers)
        except UserError:
            raise
        except Exception as error:  # any error of a backend
            line(f"{where} {fold.name}: failed when trained again in a process of its own, {_one_line(error)}")
            return 1
        return 0

    for number, fold in enumerate(folds):
        several = len(set(context.samples.clip[fold.test].tolist())) > 1
        checked = number == min(1, len(folds) - 1)
        try:
            if checked and job.profile.brief_check:
                failures += check(fold, None)
            result = _fold(context, fold, trial=several and not tried, last=number == len(folds) - 1)
            job.run.save(result)
            if checked and not job.profile.brief_check:
                failures += check(fold, dict(zip(result.clips, result.probabilities, strict=True)))
        except leakage.LeakError:
            job.run.set_aside()  # folds of a leaking experiment are not results
            raise
        except UserError:
            raise
        except Exception as error:  # any error of a backend: one fold must not stop the others
            reason = _one_line(error)
            job.run.save_failure(fold.name, reason, traceback.format_exc())
            line(f"{where} {fold.name}: failed, {reason}")
            failures += 1
            continue
        tried |= several
        done(job, result)
    return failures


def _fold(context: FoldContext, fold: Fold, *, trial: bool, last: bool) -> FoldResult:
    """Train and test one fold. With `trial` a leak-free recipe is checked for leaks, with `last` inference is timed."""
    job, samples, experiment = context.job, context.samples, context.job.experiment
    leakage.check_disjoint(fold, samples, experiment, job.copies)
    test = samples.only(fold.test)
    forget_peak_memory()
    for name in (KEPT_SECONDS, SHARED_SECONDS):
        context.measured.pop(name, None)
    start = time.perf_counter()
    trained, answers, trials = train_and_predict(context, fold)
    seconds = time.perf_counter() - start - context.measured.pop(KEPT_SECONDS, 0.0)
    if set(answers) != set(test.clip.tolist()):
        raise ValueError("the predictions are not those of the held-out clips")
    lost = not all(np.isfinite(answer).all() for answer in answers.values())
    ended = histories.divergences(trained.history, at_the_end=not lost)
    if lost or (ended and not histories.is_picked(experiment.selection)):
        raise FloatingPointError(
            "; ".join(ended) or "predictions are not finite after the last epoch: training diverged"
        )
    measured = dict(context.measured)
    if trial and experiment.leak_free:
        precision = job.settings.training.precision
        leakage.check_prediction_independence(answers, trained.predict, test, experiment, fold.name, precision)
    if last:  # by now everything is traced and loaded
        measured["inference_ms_per_clip"] = _inference_ms(trained, test, answers)
    if math.isfinite(peak := peak_memory_mib()):
        measured["peak_memory_mib"] = peak
    # once per network; a control need not learn
    look = job.profile.diagnose and not experiment.control and not context.looked
    diagnostics = learnt.measure(trained, samples.only(fold.train), look=look)
    measured |= diagnostics  # after all costs are measured
    if any(name.split(" ")[0] in learnt.CAUSES for name in diagnostics):
        context.looked.append(fold.name)
    truth = dict(zip(test.clip.tolist(), test.y.tolist(), strict=True))
    return FoldResult(
        fold=fold.name,
        clips=tuple(answers),
        truth=np.array([truth[clip] for clip in answers], np.int64),
        probabilities=np.stack([*answers.values()]),
        history=trained.history,
        seed=job.seed,
        seconds=seconds,
        measured=measured,
        environment=environment() | {"code": str(job.key["code"])[:16]},
        trials=trials,
        caveats=trained.caveats,
        blocks=_blocks(trained),
        relabelled=_relabelled(context, fold, trained, tuple(answers)),
    )


def _relabelled(context: FoldContext, fold: Fold, trained: Trained, clips: tuple[str, ...]) -> NDArray[np.int64] | None:
    """The classes that trainings on relabelled clips predict for `clips`; None if the recipe does not train so."""
    if trained.relabelled is None:
        return None
    job, samples = context.job, context.samples
    labels = relabellings(samples.subject, samples.clip, samples.y, job.profile.relabellings, job.seed)
    test = samples.only(fold.test)
    name = f"{job.paper.key} {job.experiment.id} {fold.name}: {len(labels)} trainings on relabelled clips"
    context.say(name, 0, 1)
    try:
        predicted = trained.relabelled(test, labels[:, fold.train])
    finally:
        context.say(name, 1, 1)
    return predicted[:, [test.clip.tolist().index(clip) for clip in clips]]


def _blocks(trained: Trained) -> tuple[blocks.Block, ...]:
    """What is drawn of the networks; nothing, and a warning, if they are of a kind that cannot be drawn."""
    try:
        return blocks.blocks(trained.models)
    except Exception as error:  # no training depends on it
        log.warning("the network cannot be drawn: %s", _one_line(error))
        return ()


def _inference_ms(trained: Trained, test: Samples, answers: Predictions) -> float:
    """Milliseconds per clip from prepared arrays to predictions, measured on the second call."""
    start = time.perf_counter()
    trained.predict(test)
    return 1000 * (time.perf_counter() - start) / len(answers)


def _one_line(error: Exception) -> str:
    log.debug("failed", exc_info=error)
    return f"{type(error).__name__}: {' '.join(str(error).split())[:300]}"
