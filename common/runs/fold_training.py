"""Training on one fold, in the run or once more to check it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np

from common.contract import FoldRun, HeldOutAccess, Networks, Parts, Recipe, Say, Settings, SharedArrays, Trained
from common.protocols import leakage
from common.runs.cache import Cache
from common.runs.plan import Job
from common.scoring import histories
from common.seeds import seed_of
from common.training import tuning
from common.types import Arrays, Fold, Predictions, Samples, Trial


@dataclass(frozen=True)
class FoldContext:
    """What the folds of one job share: recipe, networks, the samples of all folds, and `share` for arrays.

    `looked` are the folds whose networks were diagnosed, of any job with the same networks.
    """

    job: Job
    parts: Parts
    recipe: Recipe
    networks: Networks
    samples: Samples
    share: SharedArrays
    say: Say
    measured: dict[str, float]
    looked: list[str]


def build_networks(parts: Parts, job: Job, settings: Settings) -> Networks:
    """The networks of a job with these settings, built and compiled."""
    shapes, classes = parts.preprocess.shapes(settings), job.experiment.labels.classes
    return parts.recipe().build_networks(settings.network, settings.training, shapes, classes, job.seed)


def train(context: FoldContext, fold: Fold, folder: Path) -> tuple[Trained, tuple[Trial, ...]]:
    """Train on a fold, searching settings if the experiment has a space; the recipe may write to `folder`.

    In a leak-free experiment `predict` never learns a clip's class or name.
    """
    job, samples, experiment = context.job, context.samples, context.job.experiment
    test, rows = samples.only(fold.test), samples.only(fold.train)
    with _within(context.say, f"{job.paper.key} {experiment.id} {fold.name}") as say:
        fold_run = FoldRun(
            fold=fold.name,
            seed=seed_of(job.paper.key, experiment.id, fold.name, job.seed),
            settings=job.settings,
            say=say,
            folder=folder,
            held_out_access=None if experiment.leak_free else HeldOutAccess(test, samples, context.share, job.seed),
        )
        networks = context.networks
        trials: tuple[Trial, ...] = ()
        if experiment.space:
            build = partial(build_networks, context.parts, job)
            search = experiment, job.settings, job.profile, rows, fold_run, job.seed
            settings, trials = tuning.choose(build, context.recipe, *search)
            networks, fold_run = build(settings), replace(fold_run, settings=settings)
        trained = context.recipe.train(networks, experiment, rows, fold_run)
        if experiment.space:  # a relabelled training would search as well
            trained = replace(trained, relabelled=None)
    return replace(trained, predict=leakage.unnamed(trained.predict)) if experiment.leak_free else trained, trials


def train_and_predict(context: FoldContext, fold: Fold) -> tuple[Trained, Predictions, tuple[Trial, ...]]:
    """Train on a fold and predict its held-out clips. Raises LeakError if this changes what other folds use."""
    with leakage.check_no_state_kept(context.networks, context.recipe, context.job.experiment, fold.name):
        trained, trials = train(context, fold, context.job.run.path)
        answers = trained.predict(context.samples.only(fold.test))
    return trained, answers, trials


@contextmanager
def _within(say: Say, where: str) -> Iterator[Say]:
    """`say` with `where` in front of every name; bars that are still shown at the end are removed."""
    shown: set[str] = set()

    def inside(what: str, done: int, total: int, detail: str = "", /) -> None:
        shown.add(name := f"{where}: {what}")
        say(name, done, total, detail)

    try:
        yield inside
    finally:
        for name in shown:
            say(name, 1, 1)


SHARED_SECONDS, KEPT_SECONDS = "shared_training_seconds", "kept_seconds"
"""Time spent computing shared arrays, and time spent obtaining them, including waiting for another process."""


def shared_arrays(job: Job, samples: Samples, cache: Cache, measured: dict[str, float]) -> SharedArrays:
    """Arrays that all folds of a run share, computed by one process and stored; the time is added to `measured`."""

    def share(name: str, make: Callable[[], Arrays]) -> Arrays:
        def finite() -> Arrays:
            arrays = make()
            if not all(np.isfinite(values).all() for values in arrays.values()):
                curves = {key: values.tolist() for key, values in arrays.items() if values.ndim == 1}
                lines = histories.divergences({name: curves}) or [f"{name}: outputs are not finite: training diverged"]
                raise FloatingPointError("; ".join(lines))
            return arrays

        start = time.perf_counter()
        key = {"key": job.key, "name": name, "clips": sorted(set(samples.clip.tolist()))}
        with cache.alone("shared", key):
            arrays, new = cache.arrays("shared", key, finite)
        measured[KEPT_SECONDS] = measured.get(KEPT_SECONDS, 0.0) + time.perf_counter() - start
        if new:
            measured[SHARED_SECONDS] = time.perf_counter() - start
        return arrays

    return share
