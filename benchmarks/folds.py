"""How much time a fold takes in addition to its training steps, in a network's first fold and in later ones.

python -m benchmarks.folds --epochs 20

Folds of two experiments with the papers' sizes and batches, but few epochs and small stand-in corpora, are run as in a
study, in this process. The table compares the seconds stored for a fold with the seconds inside `train_on_batch` and
those of predicting the held-out clips. The steps of the first fold include tracing. Everything else happens once per
fold or once per epoch: the ratio falls towards 1 with more epochs and more clips.
"""

from __future__ import annotations

import argparse
import importlib
import statistics
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest import mock

import papers
from benchmarks.options import parsed
from common import standin
from common.contract import FoldRun, Parts, Profile, Trained
from common.environment import code_digest
from common.errors import UserError
from common.runs import preprocessing
from common.runs.cache import Cache
from common.runs.context import run_context
from common.runs.plan import Job, plan, read_data
from common.runs.processes import Pool
from common.runs.scheduler import execute
from common.types import Experiment, Predictions, Samples

EXPERIMENTS = (("reddy2019", "stcnn-smic/loso"), ("talluri2022", "model-a-scenario-2/loso"))
MOST = 1.05
"""The maximum time of a later fold, as a multiple of its training steps."""


@dataclass(frozen=True)
class Row:
    """A fold: its seconds, its number of training steps, and the seconds in these steps and in its predictions."""

    fold: str
    seconds: float
    steps: int
    training: float
    answering: float

    @property
    def ratio(self) -> float:
        """The time of the fold as a multiple of its training steps."""
        return self.seconds / self.training


def planned(key: str, name: str, profile: Profile, data: Path, cache: Path, out: Path) -> Job:
    """The job of an experiment, as in a study, on the corpora in the folder `data`, limited to the profile."""
    paper = papers.load(key)
    experiment = next(e for e in paper.experiments if e.id == name)
    return plan(
        paper,
        experiment,
        profile,
        read_data(data, experiment.corpora, paper.images),
        cache=Cache(cache),
        out=out,
        seed=0,
        code=code_digest(papers.code(key)),
        contents={},
        progress=_quiet,
    )


def _quiet(*_: object) -> None:
    """Ignore progress and lines."""


class Clock:
    """Seconds inside `train_on_batch` and in predictions, by the current fold."""

    def __init__(self) -> None:
        self.fold = ""
        self.steps: defaultdict[str, list[float]] = defaultdict(list)
        self.answers: dict[str, float] = {}

    def timed(self, train_on_batch: Any) -> Any:
        """Wrap the method of Keras' models so that its calls are timed."""

        def call(*words: Any, **named: Any) -> Any:
            started = time.perf_counter()
            try:
                return train_on_batch(*words, **named)
            finally:
                self.steps[self.fold].append(time.perf_counter() - started)

        return call

    def parts(self, key: str) -> Parts:
        """A paper's modules, with a recipe that records which fold it trains."""
        own = papers.parts(key)
        recipe: Any = own.recipe()

        def train(networks: Any, experiment: Experiment, samples: Samples, fold_run: FoldRun) -> Trained:
            self.fold = fold_run.fold
            trained: Trained = recipe.train(networks, experiment, samples, fold_run)

            def predict(test: Samples) -> Predictions:
                started = time.perf_counter()
                answers = trained.predict(test)
                self.answers.setdefault(fold_run.fold, time.perf_counter() - started)  # later calls are only checks
                return answers

            return replace(trained, predict=predict)

        instead: Any = SimpleNamespace(build_networks=recipe.build_networks, train=train)
        return replace(own, recipe=lambda: instead)


def measured(job: Job, cache: Path) -> list[Row]:
    """A row per fold, in the order in which they are trained. Raises RuntimeError if a fold fails."""
    clock = Clock()
    parts = clock.parts(job.paper.key)
    model = importlib.import_module("keras").Model
    with Pool(1) as pool, mock.patch.object(model, "train_on_batch", clock.timed(model.train_on_batch)):
        execute(
            [job],
            run_context(preprocessing.code(job.paper.key), lambda: parts, Cache(cache), None, pool),
            _quiet,
            _quiet,
        )
    rows = []
    for fold in job.asked():
        if (result := job.run.load(fold)) is None:
            raise RuntimeError(f"{job.experiment.id} {fold}: {job.run.failure(fold)}")
        steps = clock.steps[fold]
        rows.append(Row(fold, result.seconds, len(steps), sum(steps), clock.answers[fold]))
    return rows


HEADING = f"{'fold':26s}{'steps':>6s}{'s':>9s}{'in steps':>10s}{'in answers':>12s}{'elsewhere':>11s}{'ratio':>8s}"


def line(row: Row) -> str:
    """A row of the table."""
    elsewhere = row.seconds - row.training - row.answering
    return (
        f"{row.fold:26s}{row.steps:6d}{row.seconds:9.2f}{row.training:10.2f}{row.answering:12.2f}{elsewhere:11.2f}"
        f"{row.ratio:8.3f}"
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Print a table per experiment; status 1 if later folds take more than 1.05 times their steps (median)."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--paper", nargs="+", choices=[key for key, _ in EXPERIMENTS], help="default: both")
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--subjects", type=int, default=4, help="of the stand-in corpora; each is one fold")
    parser.add_argument("--clips", type=int, default=3, help="of each subject")
    parser.add_argument("--cache", type=Path, default=Path("standin-cache"), help="for stand-ins and prepared clips")
    chosen = parsed(parser, arguments, paper=["reddy2019"], epochs=1, subjects=2, clips=2)
    fine = True
    for key, name in EXPERIMENTS:
        if chosen.paper and key not in chosen.paper:
            continue
        settings = papers.load(key).profiles["paper"].settings.having({"epochs": chosen.epochs})
        profile = Profile("paper", settings, chosen.subjects, chosen.clips)
        corpus = ("smic",) if key == "reddy2019" else ("casme2",)
        try:
            data = standin.ensure(chosen.cache, corpora=corpus, subjects=chosen.subjects, clips=chosen.clips)
            with tempfile.TemporaryDirectory() as out:
                rows = measured(planned(key, name, profile, data, chosen.cache, Path(out)), chosen.cache)
        except (UserError, RuntimeError) as error:
            print(error, file=sys.stderr)
            return 2
        later = statistics.median(row.ratio for row in rows[1:])
        print(f"{key} {name}, {chosen.epochs} epochs", HEADING, *map(line, rows), sep="\n")
        print(f"first fold {rows[0].ratio:.3f}, later folds {later:.3f} (at most {MOST})", flush=True)
        fine &= later <= MOST
    return 0 if fine or chosen.short else 1


if __name__ == "__main__":
    sys.exit(main())
