"""The network for predictions: trained once on all clips of an experiment and saved, or loaded from disk."""

from __future__ import annotations

import inspect
import json
import shlex
import shutil
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from common.contract import FoldRun, Paper, Parts, Settings
from common.errors import StoppedError, UserError
from common.files import locked, move_folder, named
from common.predict import cards
from common.progress import Display
from common.runs import preprocessing
from common.runs.cache import digest
from common.runs.clips import prepare_clips
from common.runs.context import run_context
from common.runs.fold_training import build_networks
from common.runs.plan import Job, plan
from common.runs.processes import Pool
from common.runs.selection import PaperSelection, Study, read
from common.scoring import histories
from common.seeds import seed_of
from common.types import Exclusion, Experiment

ALL = "all clips"
"""The name of the only fold, which holds out nothing."""


@dataclass(frozen=True)
class SavedModel:
    """A model on disk: its folder, its card with SHA-256, and its experiment and settings."""

    folder: Path
    card: Mapping[str, Any]
    sha256: str
    experiment: Experiment
    settings: Settings


def opened(path: Path, paper: Paper) -> SavedModel:
    """Open the model in a folder, or the one that a .keras file belongs to. Raises UserError if it is not a model."""
    folder = path if path.is_dir() else path.parent
    if not path.exists():
        raise UserError(f"--model {path}: no such file or folder")
    card, sha256 = cards.read(folder)
    if path != folder and path.name not in {entry["file"] for entry in card["files"].values()}:
        raise UserError(f"--model {path}: not one of the files that {folder / cards.CARD} names")
    experiment, settings = cards.meant(card, paper, folder / cards.CARD)
    if card.get("arrays") != preprocessing.code(paper.key):
        raise UserError(
            f"{folder / cards.CARD}: trained with other preprocessing code than this version's; train the model again"
        )
    for entry in card["files"].values():
        cards.check(folder / entry["file"], entry["sha256"])
    return SavedModel(folder, card, sha256, experiment, settings)


def ready(study: Study, experiment: Experiment, display: Display) -> SavedModel:
    """The model of an experiment in a study: the saved one if its key is the same, else a newly trained one.

    Raises UserError if its clips are not available, StoppedError if training fails.
    """
    (selection,) = study.chosen
    data = read(study, selection, experiment.corpora, display)
    job = plan(
        selection.paper,
        experiment,
        selection.profile,
        data,
        cache=study.cache,
        out=study.out,
        seed=study.seeds[0],
        code=selection.predictions_code,
        contents={},
        progress=display.progress,
    )
    name = f"{experiment.id.replace('/', '-')}-{digest({**job.key, 'format': cards.FORMAT})[:16]}"
    folder = study.out / "models" / selection.paper.key / name
    folder.parent.mkdir(parents=True, exist_ok=True)
    lock = folder.with_name(f".{name}.lock")
    with named(folder.parent), locked(lock):
        if not folder.exists():
            _train(job, selection, study, data.kind, folder, display)
        else:
            _measured_since(job, folder)
    return opened(folder, selection.paper)


def _train(job: Job, selection: PaperSelection, study: Study, kind: str, folder: Path, display: Display) -> None:
    """Train on all clips and move the files to `folder` in one step, so that a kill leaves no partial model."""
    parts = selection.parts()
    for dead in folder.parent.glob(f".{folder.name}.*.part"):  # left by killed processes: this one has the lock
        shutil.rmtree(dead, ignore_errors=True)
    with Pool(1) as pool:
        context = run_context(
            selection.arrays_code, selection.parts, study.cache, study.landmarks, pool, study.preparers
        )
        faults = prepare_clips([job], context, display.progress)[job.experiment.id].excluded
    for fault in faults:
        display.line(f"excluded {fault.clip}: {fault.reason}")
    tested = tuple(Exclusion(c.id, "tested on", False) for c, _ in job.clips if c.corpus in job.experiment.tested_on)
    out = {fault.clip for fault in (*faults, *tested)}
    used = [pair for pair in job.clips if pair[0].id not in out]
    display.line(f"training {job.paper.key} {job.experiment.id} once on {len(used)} clips ({kind})")
    samples = preprocessing.samples(
        job, (*faults, *tested), parts.preprocess, context.code, study.cache, study.landmarks
    )
    part = folder.with_name(f".{folder.name}.{uuid.uuid4().hex[:8]}.part")
    part.mkdir()
    try:
        start = time.perf_counter()
        seed = seed_of(job.paper.key, job.experiment.id, ALL, job.seed)
        fold_run = FoldRun(ALL, seed, job.settings, display.progress, part, None)
        try:
            recipe = parts.recipe()
            networks = build_networks(parts, job, job.settings)
            trained = recipe.train(networks, job.experiment, samples, fold_run)
            if ended := histories.divergences(trained.history, at_the_end=True):
                raise FloatingPointError("; ".join(ended))
            seconds = time.perf_counter() - start
            from common.predict import networks as files

            saved = files.save(trained.models, samples, trained.scaling, part)
        except (UserError, OSError):
            raise
        except Exception as error:  # any error of a backend
            reason = " ".join(str(error).split())[:300]
            where = f"{job.paper.key} {job.experiment.id}"
            raise StoppedError(f"{where}: training failed, {type(error).__name__}: {reason}") from error
        command = shlex.join([*study.command(selection, job.seed), "--experiment", job.experiment.id])
        card = cards.build(job, used, kind, command, saved, _how(parts), histories.as_json(trained.history), seconds)
        shutil.rmtree(part / "search", ignore_errors=True)
        cards.write(part, card)
        move_folder(part, folder)
        display.line(f"saved in {folder} ({seconds:.0f} s of training)")
    finally:
        shutil.rmtree(part, ignore_errors=True)


def _how(parts: Parts) -> dict[str, str]:
    """The docstrings of the paper's own functions, for readers who have only the files."""
    preprocess, recipe = parts.preprocess, parts.recipe()
    return {
        "From a clip to arrays (prepare)": inspect.getdoc(preprocess.prepare) or "",
        "From arrays to the inputs of the networks (assemble)": inspect.getdoc(preprocess.assemble) or "",
        "From inputs to predictions (answers)": inspect.getdoc(recipe.answers) or "",
    }


def _measured_since(job: Job, folder: Path) -> None:
    """Update a card with the scores stored so far."""
    card, _ = cards.read(folder)
    scores = json.loads(json.dumps(cards.scores(job)))
    if scores and scores != card["scores"]:
        cards.write(folder, card | {"scores": scores})
