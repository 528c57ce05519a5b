"""Pending folds -> train -> store. Everything else a run leaves is written from what lies in the store."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from common.cache import Cache
from common.environment import code_digest, environment, peak_memory_mib, sources
from common.errors import ClipError, UserError
from common.faces import FaceFinder
from common.plan import Job, annotation
from common.protocols import BY_SUBJECT, split
from common.types import (
    Arrays,
    Clip,
    Exclusion,
    Experiment,
    Figure,
    Fold,
    FoldResult,
    Keep,
    Outcome,
    Progress,
    Samples,
    Workbench,
)

log = logging.getLogger("mer")


class Preprocess(Protocol):
    """A paper's preprocess.py."""

    def parameters(self, experiment: Experiment, settings: Any) -> Mapping[str, Any]:
        """What decides the arrays that `prepare` returns."""

    def prepare(self, clip: Clip, experiment: Experiment, settings: Any, faces: FaceFinder) -> Arrays:
        """A clip's arrays; raises ClipError where its files or its face fail."""

    def assemble(
        self, clips: Sequence[tuple[Clip, int]], arrays: Sequence[Arrays], experiment: Experiment, settings: Any
    ) -> Samples:
        """Samples of many clips, with the inputs that the experiment's networks read."""


class Networks(Protocol):
    """A paper's compiled networks."""

    def facts(self) -> Mapping[str, int]:
        """What was counted on the models as built."""


class Recipe(Protocol):
    """A paper's recipe.py."""

    def Networks(self, experiment: Experiment, settings: Any, seed: int) -> Networks:
        """Build and compile once for all folds."""

    def trainer(
        self, networks: Any, experiment: Experiment, samples: Samples, bench: Workbench
    ) -> Callable[[Fold], Outcome]:
        """The function that trains and tests one fold."""


class Figures(Protocol):
    """A paper's figures.py."""

    def draw(self, clips: Sequence[tuple[Clip, int]], settings: Any, faces: FaceFinder, folder: Path) -> list[Figure]:
        """Draw what goes into the networks into `folder`."""

    def results(self, experiment: Experiment, folder: Path) -> list[Figure]:
        """Draw what was learnt into `folder`/figures, from what the recipe left in `folder`, which is the run's."""


@dataclass(frozen=True)
class Parts:
    """The modules of a paper's folder that need Keras or OpenCV; `recipe` is loaded only when a fold is pending.

    `needs` says what the networks of an experiment depend on: experiments that need the same share them.
    """

    preprocess: Preprocess
    figures: Figures
    recipe: Callable[[], Recipe]
    needs: Callable[[Experiment, Any], Hashable]


def execute(
    jobs: Sequence[Job],
    parts: Parts,
    *,
    cache: Cache,
    faces: FaceFinder,
    progress: Progress,
    line: Callable[[str], None],
) -> int:
    """Run all pending folds of the jobs of one paper and profile. Returns how many folds failed.

    A fold that fails is noted and the others go on. `line` gets one line per finished or failed fold.
    """
    networks: tuple[Hashable, Networks] | None = None  # the last that were built: they may be gigabytes
    drawn: set[str] = set()  # corpora: experiments on the same ones show the same clips
    failures = 0
    for job in jobs:
        if not job.pending():
            line(f"{job.paper.key} {job.experiment.id}: all {len(job.folds)} folds are stored")
    for job in _grouped([job for job in jobs if job.pending()], parts):
        where = f"{job.paper.key} {job.experiment.id}"
        prepared = prepare_clips(job, parts.preprocess, cache=cache, faces=faces, progress=progress)
        if dropped := _drop_other_clips(job, prepared):
            line(f"{where}: other clips can be used than before; its {dropped} finished folds are made again")
        shown = [pair for pair in prepared.clips if pair[0].corpus not in drawn]
        drawn |= {clip.corpus for clip, _ in shown}
        _describe(job, prepared, parts, faces, line, shown)
        samples = prepared.samples
        folds = {fold.name: fold for fold in split(job.experiment, samples.subject, samples.clip, samples.y, job.seed)}
        pending = [folds[name] for name in job.pending() if name in folds]
        for name in job.folds:
            if name not in folds:
                line(f"{where} {name}: every clip of this fold is excluded")
        if not pending:
            continue
        try:
            recipe = parts.recipe()
            needs = parts.needs(job.experiment, job.profile.settings)
            if networks is None or networks[0] != needs:
                networks = None
                networks = needs, recipe.Networks(job.experiment, job.profile.settings, job.seed)
            _add(job, facts=dict(networks[1].facts()))
            bench = Workbench(job.seed, _keep(job, prepared, cache), progress, job.run.path)
            train = recipe.trainer(networks[1], job.experiment, samples, bench)
        except UserError:
            raise
        except Exception as error:  # whatever a backend raises: one experiment must not take the others with it
            reason = _one_line(error)
            for fold in pending:
                job.run.save_failure(fold.name, reason)
            line(f"{where}: failed before its first fold, {reason}")
            failures += len(pending)
            continue
        failures += _run_folds(job, pending, samples, train, progress=progress, line=line)
        _add(job, cost={"peak_memory_mib": peak_memory_mib()})
        _draw_results(job, parts, line)
        del prepared, samples, bench, train  # a corpus is gigabytes: free one experiment's before the next is read
    return failures


def _grouped(jobs: Sequence[Job], parts: Parts) -> list[Job]:
    """The jobs in their order, those whose networks are the same one after another."""
    groups: dict[Hashable, list[Job]] = {}
    for job in jobs:
        groups.setdefault(parts.needs(job.experiment, job.profile.settings), []).append(job)
    return [job for group in groups.values() for job in group]


def _run_folds(
    job: Job,
    pending: Sequence[Fold],
    samples: Samples,
    train: Callable[[Fold], Outcome],
    *,
    progress: Progress,
    line: Callable[[str], None],
) -> int:
    truth = dict(zip(samples.clip.tolist(), samples.y.tolist(), strict=True))
    where = f"{job.paper.key} {job.experiment.id}"
    done = len(job.folds) - len(pending)
    failures = 0
    for fold in pending:
        progress(f"{where}: folds", done, len(job.folds))
        _check_disjoint(fold, samples, job.experiment)
        start = time.perf_counter()
        try:
            outcome = train(fold)
            if set(outcome.clips) != set(samples.clip[fold.test]):
                raise ValueError("the predictions are not those of the held-out clips")
            if not np.isfinite(outcome.probabilities).all():
                raise FloatingPointError("the network answers NaN; its training diverged")
            result = FoldResult(
                fold=fold.name,
                clips=outcome.clips,
                truth=np.array([truth[clip] for clip in outcome.clips], np.int64),
                probabilities=outcome.probabilities,
                history=outcome.history,
                seed=job.seed,
                seconds=time.perf_counter() - start,
                environment=environment() | {"code": str(job.key["code"])[:16]},
            )
            job.run.save(result)
        except (UserError, OSError):
            raise
        except Exception as error:  # whatever a backend raises: one fold must not take the others with it
            reason = _one_line(error)
            job.run.save_failure(fold.name, reason)
            line(f"{where} {fold.name}: failed, {reason}")
            failures += 1
            continue
        done += 1
        right = int((result.probabilities.argmax(axis=1) == result.truth).sum())
        clips = len(result.clips)
        line(f"{where} {done}/{len(job.folds)} {fold.name}: {right} of {clips} clips right, {result.seconds:.1f} s")
        progress(f"{where}: folds", done, len(job.folds))
    return failures


def _one_line(error: Exception) -> str:
    log.debug("failed", exc_info=error)
    return f"{type(error).__name__}: {' '.join(str(error).split())[:300]}"


def _check_disjoint(fold: Fold, samples: Samples, experiment: Experiment) -> None:
    shared = set(samples.subject[fold.train]) & set(samples.subject[fold.test])
    if experiment.protocol not in BY_SUBJECT:
        shared = set()
    if shared or set(samples.clip[fold.train]) & set(samples.clip[fold.test]):
        raise AssertionError(f"fold {fold.name}: {', '.join(sorted(shared)) or 'a clip'} is in training and in test")


@dataclass(frozen=True)
class Prepared:
    """Samples of a job's usable clips, what could not be used, and how long new arrays took in seconds."""

    samples: Samples
    clips: tuple[tuple[Clip, int], ...]
    exclusions: tuple[Exclusion, ...]
    seconds: float


def prepare_clips(job: Job, preprocess: Preprocess, *, cache: Cache, faces: FaceFinder, progress: Progress) -> Prepared:
    """Every clip's arrays, from the cache or made now; a clip that cannot be used becomes an exclusion."""
    settings = job.profile.settings
    key = {"parameters": preprocess.parameters(job.experiment, settings), "paper": job.paper.key}
    key["code"] = code_digest(sources([f"papers/{job.paper.key}/preprocess.py"]))
    usable, arrays, exclusions, seconds = [], [], [], 0.0
    for done, (clip, label) in enumerate(job.clips, start=1):
        start = time.perf_counter()

        def make(clip: Clip = clip) -> Arrays:
            return preprocess.prepare(clip, job.experiment, settings, faces)

        try:
            own = {"content": job.contents[clip.id], "annotation": annotation(clip)}
            found, new = cache.arrays("clips", key | own, make)
            usable.append((clip, label))
            arrays.append(found)
            seconds += (time.perf_counter() - start) * new
        except ClipError as error:
            exclusions.append(Exclusion(clip.id, str(error)))
        progress("preparing clips", done, len(job.clips))
    if not usable:
        raise UserError(
            f"{job.paper.key} {job.experiment.id}: no clip can be used; the first reason is {exclusions[0].reason}"
        )
    samples = preprocess.assemble(usable, arrays, job.experiment, settings)
    return Prepared(samples, tuple(usable), tuple(exclusions), seconds)


def _keep(job: Job, prepared: Prepared, cache: Cache) -> Keep:
    """Arrays that all folds of one run share, in the cache under the run's key; their seconds go into its cost."""

    def keep(name: str, make: Callable[[], Arrays]) -> Arrays:
        def finite() -> Arrays:
            arrays = make()
            if not all(np.isfinite(values).all() for values in arrays.values()):
                raise FloatingPointError(f"{name}: the network answers NaN; its training diverged")
            return arrays

        start = time.perf_counter()
        key = {"key": job.key, "name": name, "clips": [clip.id for clip, _ in prepared.clips]}
        arrays, new = cache.arrays("shared", key, finite)
        if new:
            _add(job, cost={"shared_training_seconds": time.perf_counter() - start})
        return arrays

    return keep


def _drop_other_clips(job: Job, prepared: Prepared) -> int:
    """Set finished folds aside that were trained when other clips could be used; returns how many."""
    earlier = job.run.description()
    if earlier is None or {row["clip"] for row in earlier.get("exclusions", [])} == {
        one.clip for one in prepared.exclusions
    }:
        return 0
    return job.run.set_aside()


def _describe(
    job: Job,
    prepared: Prepared,
    parts: Parts,
    faces: FaceFinder,
    line: Callable[[str], None],
    shown: Sequence[tuple[Clip, int]],
) -> None:
    """Write run.json and the paper's figures of `shown`; what an earlier, interrupted run left of both is kept."""
    folder = job.run.path / "figures"
    folder.mkdir(parents=True, exist_ok=True)
    earlier = job.run.description() or {}
    figures = earlier.get("figures", [])
    try:
        if shown:
            figures = _listed(parts.figures.draw(shown, job.profile.settings, faces, folder))
    except ClipError as error:
        line(f"{job.paper.key} {job.experiment.id}: no figures, {error}")
    cost = dict(earlier.get("cost", {}))
    if prepared.seconds:
        cost["preprocessing_seconds"] = cost.get("preprocessing_seconds", 0.0) + prepared.seconds
    job.run.describe(
        {
            "key": job.key,
            "folds": list(job.folds),
            "exclusions": [asdict(one) for one in prepared.exclusions],
            "figures": figures,
            "notes": list(prepared.samples.notes),
            "facts": earlier.get("facts", {}),
            "cost": cost,
        }
    )


def _draw_results(job: Job, parts: Parts, line: Callable[[str], None]) -> None:
    """Add pictures of what was learnt to those of the inputs."""
    try:
        drawn = parts.figures.results(job.experiment, job.run.path)
    except (OSError, ValueError, KeyError, ClipError) as error:
        line(f"{job.paper.key} {job.experiment.id}: no figures of its results, {_one_line(error)}")
        return
    record = job.run.description() or {}
    titles = {one.title for one in drawn}
    kept = [one for one in record.get("figures", []) if one["title"] not in titles]
    job.run.describe(record | {"figures": kept + _listed(drawn)})


def _listed(figures: Sequence[Figure]) -> list[dict[str, str]]:
    return [{"title": one.title, "caption": one.caption, "path": one.path.name} for one in figures]


def _add(job: Job, **fields: Mapping[str, Any]) -> None:
    """Merge dicts into fields of run.json."""
    record = job.run.description() or {}
    job.run.describe(record | {name: {**record.get(name, {}), **value} for name, value in fields.items()})
