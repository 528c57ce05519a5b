"""One run: a system on the stand-ins of one motion and seed; every subject is tested by training on others."""

from __future__ import annotations

import gc
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.learning.pixels import eye_distance
from benchmarks.learning.systems import Size, System, paper_of, parts, profile
from benchmarks.prepared import Bench, accuracy, quiet
from common.contract import FoldRun
from common.environment import processor
from common.progress import Display
from common.protocols.splits import inner
from common.runs.cache import Cache
from common.runs.fold_training import build_networks
from common.runs.plan import Job
from common.runs.preprocessing import parts_of
from common.runs.processes import Pool
from common.seeds import seed_of
from common.types import Predictions


@dataclass(frozen=True)
class Order:
    """A run to measure, with the folder for stand-ins, which are those of `seed`, and prepared clips.

    `real` is a folder with the public flow maps as which faces move, None for drawn motion.
    """

    system: System
    motion: float
    seed: int
    size: Size
    cache: Path
    real: Path | None = None


def each_measured(orders: Sequence[Order], pool: Pool, display: Display) -> Iterator[dict[str, Any]]:
    """The records of `measured` for some runs, in the order in which they are done; says what is being done."""
    for group in [[order] for order in orders] if pool.here else [orders]:  # in one process, a start is a whole run
        for order in group:
            display.line(f"{_where(order.motion, order.seed)}: preparing clips for {order.system.label}")
            made_ready(order, pool)
        for run in pool.finished([pool.start(measured, order) for order in group]):
            display.line(f"{_where(run['motion'], run['seed'])}: {run['system']}, {run['seconds']:.0f} s")
            yield run


def _where(motion: float, seed: int) -> str:
    return f"motion {motion:g}, seed {seed}"


def made_ready(order: Order, pool: Pool) -> None:
    """Create stand-ins and prepared clips of a run in the cache."""
    _bench(order).make_ready(pool)


def measured(order: Order) -> dict[str, Any]:
    """The system's prediction for each clip, with the accuracy on the training clips of each fold, as plain data.

    `answers` has a digit for the predicted class of each clip, in the order of their ids. Folds are parts of the
    subjects. Seconds are those of training and prediction; `parameters` are those of the networks, None for a
    classifier that is no network; `eye_distance` is in pixels of the network's own input, None
    if it reads no face. Raises RuntimeError if a clip cannot be used.
    """
    job, samples = _bench(order).job_and_samples()
    modules = parts_of(job, parts(order.system))
    recipe, networks = modules.recipe(), build_networks(modules, job, job.settings)
    start, predictions, learnt = time.perf_counter(), Predictions(), []
    for number, (train, test) in enumerate(inner(samples.subject, order.size.folds, order.seed), start=1):
        with tempfile.TemporaryDirectory() as folder:
            seed = seed_of("learning", order.system.name, number, order.seed)
            fold_run = FoldRun(f"part {number}", seed, job.settings, quiet, Path(folder), None)
            trained = recipe.train(networks, job.experiment, samples.only(train), fold_run)
            predictions |= trained.predict(samples.only(test))
            learnt.append(accuracy(trained.predict(samples.only(train)), samples))
    seconds = time.perf_counter() - start
    _forget()
    answers = {clip: int(answer.argmax()) for clip, answer in sorted(predictions.items())}
    classes = _classes(job)
    if set(answers) != set(classes):
        raise RuntimeError(f"{order.system.name}: some clips cannot be used")
    return {
        "system": order.system.name,
        "motion": order.motion,
        "seed": order.seed,
        "changed": dict(order.system.changed),
        "answers": "".join(map(str, answers.values())),
        "training_accuracy": [round(value, 4) for value in learnt],
        "eye_distance": eye_distance(order.system, [clip for clip, _ in job.clips], job.settings),
        "parameters": _parameters(networks.facts()),
        "seconds": round(seconds, 1),
        "processor": processor(),
    }


def truth(order: Order) -> dict[str, int]:
    """The class of each clip of a run, by clip id in order."""
    return _classes(_bench(order).job())


def _parameters(facts: Mapping[str, int]) -> int | None:
    """The number of parameters of all networks of a system, of the facts on them."""
    counts = [count for name, count in facts.items() if name.partition(" ")[0] == "parameters"]
    return sum(counts) if counts else None


def _classes(job: Job) -> dict[str, int]:
    return {clip.id: label for clip, label in sorted(job.clips, key=lambda pair: pair[0].id)}


def _bench(order: Order) -> Bench:
    paper, experiment = paper_of(order.system)
    return Bench(
        paper,
        experiment,
        profile(order.system, order.motion, order.size),
        partial(parts, order.system),
        "raw" if order.system.reads else paper.images,
        Cache(order.cache),
        order.seed,
        order.real,
    )


def _forget() -> None:
    """Free the memory that Keras keeps for deleted networks: the next cell of this process builds others."""
    import sys

    if "keras" in sys.modules:
        sys.modules["keras"].utils.clear_session()
    gc.collect()
