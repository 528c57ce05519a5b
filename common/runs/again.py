"""A fold trained once more in a process that knows nothing of the run: whatever the run has kept is not there.

The other process has an empty folder as its working directory, for temporary files and as the folder of the run, and
the environment variables with which this process started. It prepares two clips, the later one first, trains the fold
and predicts its clips one by one, the last one first.
"""

from __future__ import annotations

import os
import pickle
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from common.contract import Parts
from common.environment import repeats_results
from common.protocols import leakage
from common.protocols.splits import split
from common.runs import preprocessing
from common.runs.cache import Cache
from common.runs.cost import EPOCHS
from common.runs.fold_training import FoldContext, build_networks, train, train_and_predict
from common.runs.plan import Job
from common.types import Exclusion, Fold, Predictions
from common.vision.faces import FaceFinder
from common.vision.images import frames_of

EMPTY = "empty"
_ENVIRONMENT = dict(os.environ)
_COMMAND = (sys.executable, "-c", "from sys import argv; from common.runs.again import main; main(argv[1])")


@dataclass(frozen=True)
class Order:
    """What another process needs to train a fold of a job: its unusable clips, and what `folds.WorkUnit` holds.

    If `brief`, networks are built as always, but trained with the settings of `_brief`.
    """

    job: Job
    excluded: tuple[Exclusion, ...]
    parts: Callable[[], Parts]
    code: str
    cache: Cache
    landmarks: Path | None
    fold: str = ""
    brief: bool = False


def check(order: Order, context: FoldContext, fold: Fold, answers: Predictions | None) -> None:
    """Raise LeakError if a fold that is trained in a process of its own predicts something else than in the run.

    `answers` are the predictions of the run. Without them the fold is trained for one epoch, without a search of
    settings, here as well as there. Raises RuntimeError if the other process fails. Does nothing where equal trainings
    may differ.
    """
    if not (order.job.experiment.leak_free and repeats_results()):
        return
    job, brief = order.job, answers is None
    if answers is None:
        _, answers, _ = train_and_predict(replace(context, job=_brief(job)), fold)
    name = f"{job.paper.key} {job.experiment.id} {fold.name}: once more in a process of its own"
    context.say(name, 0, 1)
    try:
        repeated = in_own_process(replace(order, fold=fold.name, brief=brief))
    finally:
        context.say(name, 1, 1)
    leakage.check_again(answers, repeated, job.experiment, fold.name, job.settings.training.precision, brief=brief)


def in_own_process(order: Order) -> leakage.Again:
    """`trained` in another process. Raises RuntimeError with the last line that it writes if it fails."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name:
        folder = Path(name)
        (folder / EMPTY).mkdir()
        variables = {variable: str(folder / EMPTY) for variable in ("TMPDIR", "TEMP", "TMP")}
        variables |= {"PYTHONPATH": os.pathsep.join(map(os.path.abspath, sys.path))}
        with (
            (folder / "answer").open("wb") as answer,
            (folder / "errors").open("wb") as errors,
            subprocess.Popen(
                (*_COMMAND, name), stdin=subprocess.PIPE, stdout=answer, stderr=errors, env=_ENVIRONMENT | variables
            ) as process,
        ):
            try:
                assert process.stdin is not None
                pickle.dump(order, process.stdin)
                process.stdin.flush()  # it stays open: the process ends with this one
                status = process.wait()
            except BrokenPipeError:
                status = process.wait()
            finally:
                process.kill()
        if status:
            lines = (folder / "errors").read_text(encoding="utf-8", errors="replace").split("\n")
            raise RuntimeError(next((text for text in reversed(lines) if text.strip()), f"exit status {status}"))
        repeated: leakage.Again = pickle.loads((folder / "answer").read_bytes())
        return repeated


def trained(order: Order, folder: Path) -> leakage.Again:
    """Prepare two clips of a job and train one of its folds, writing to an empty `folder`."""
    job, parts = order.job, preprocessing.parts_of(order.job, order.parts())
    unlike = _unlike(order, parts)
    samples = preprocessing.samples(job, order.excluded, parts.preprocess, order.code, order.cache, order.landmarks)
    os.chdir(folder)  # from now on no path is needed that may be relative
    folds = split(job.experiment, samples.subject, samples.clip, samples.y, job.seed, job.profile.most_folds)
    (fold,) = (fold for fold in folds if fold.name == order.fold)
    recipe = parts.recipe()
    networks = build_networks(parts, job, job.settings)
    trained_as = _brief(job) if order.brief else job
    context = FoldContext(trained_as, parts, recipe, networks, samples, _no_arrays, _silent, {}, [])
    result, _ = train(context, fold, folder)
    held_out = samples.only(fold.test)
    apart: Predictions = {}
    for clip in reversed(dict.fromkeys(held_out.clip.tolist())):
        apart |= result.predict(held_out.only(np.flatnonzero(held_out.clip == clip)))
    return leakage.Again(apart, result.predict(held_out), unlike)


def main(folder: str) -> None:
    """Read an order from the standard input, and write what `trained` returns to the standard output."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # it ends with the process that started it
    order: Order = pickle.load(sys.stdin.buffer)
    threading.Thread(target=_end_with_parent, args=(folder,), daemon=True).start()
    answer = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what libraries print is no answer
    with answer:
        pickle.dump(trained(order, Path(folder) / EMPTY), answer)


def _brief(job: Job) -> Job:
    """The job with one epoch of everything, and without a search of settings."""
    epochs = dict.fromkeys((name for name in EPOCHS if name in job.settings.values()), 1)
    profile = replace(job.profile, settings=job.settings.having(epochs))
    return replace(job, profile=profile, experiment=replace(job.experiment, settings={}, space={}))


def _unlike(order: Order, parts: Parts) -> tuple[str, ...]:
    """Of the first and the last usable clip those with other arrays than in the cache, prepared in reverse order."""
    out = {exclusion.clip for exclusion in order.excluded}
    usable = [task for task in preprocessing.clip_tasks(order.job, order.code) if task.clip.id not in out]
    faces = FaceFinder(order.landmarks)
    unlike = []
    for task in (usable[-1], *usable[:-1][:1]):
        arrays = parts.preprocess.prepare(frames_of(task.clip), task.inputs, faces)
        stored = preprocessing.arrays(task, parts.preprocess, order.cache, faces)
        if arrays.keys() != stored.keys() or any(not np.array_equal(arrays[name], stored[name]) for name in stored):
            unlike.append(task.clip.id)
    return tuple(unlike)


def _no_arrays(name: str, make: object) -> dict[str, np.ndarray]:
    raise NotImplementedError("a leak-free experiment shares no arrays")


def _silent(what: str, done: int, total: int, detail: str = "", /) -> None:
    return


def _end_with_parent(folder: str) -> None:
    os.read(sys.stdin.fileno(), 1)  # returns when the process that started this one is gone
    shutil.rmtree(folder, ignore_errors=True)
    os._exit(1)
