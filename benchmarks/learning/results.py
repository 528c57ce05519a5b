"""The results file: raw answers by system, motion and seed of the stand-ins, and the scores that follow from them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.learning.pixels import MOTION
from benchmarks.learning.systems import SYSTEMS, Size, System, named, seeds
from common.corpora.composite import MEGC2019
from common.report.known import FILE as FILE
from common.scoring.intervals import subject_interval
from common.scoring.metrics import metric
from common.scoring.statistics import guess_test
from common.standin import REVISION

DRAWS = 20_000
"""Enough that the smallest p times the number of cells, as Holm's rule has it, is far below 0.05."""


@dataclass(frozen=True)
class Row:
    """One cell's score: UF1 of all clips, its interval over subjects, and the p-value of guessing within subjects.

    It rests on `measured` sets of stand-ins of `planned`, each of another seed: other subjects and clips. `learnt` is
    the accuracy on the training clips, averaged over folds; `pixels` is the mean size of an expression in pixels of the
    network's own input, None for a system that reads no face.
    """

    system: System
    motion: float
    measured: int
    planned: int
    uf1: float
    low: float
    high: float
    p: float
    learnt: float
    pixels: float | None


def read(path: Path, size: Size) -> dict[str, Any]:
    """The results of a file, or empty results if it does not exist or is for other stand-ins.

    `clips` has the class of each clip by seed and id, `runs` the records of `cells.measured`, and `cells` the scores
    that `rescored` makes of them.
    """
    empty = {"size": asdict(size), "standin": REVISION, "clips": {}, "runs": [], "cells": []}
    if not path.is_file():
        return empty
    results: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return results if (results["size"], results["standin"]) == (empty["size"], empty["standin"]) else empty


def runs_of(results: Mapping[str, Any], system: System, motion: float) -> dict[int, dict[str, Any]]:
    """The stored runs of a system at a motion by seed, of those measured with the system's current settings."""
    kept = [run for run in results["runs"] if (run["system"], run["motion"]) == (system.name, motion)]
    return {run["seed"]: run for run in kept if run["changed"] == dict(system.changed) and run["seed"] in seeds(motion)}


def with_run(results: Mapping[str, Any], run: Mapping[str, Any]) -> dict[str, Any]:
    """The results with another run, in place of one of the same system, motion and seed, and with its score."""

    def key(record: Mapping[str, Any]) -> tuple[Any, ...]:
        return record["system"], record["motion"], record["seed"]

    return rescored({**results, "runs": [*(other for other in results["runs"] if key(other) != key(run)), run]})


def rescored(results: Mapping[str, Any]) -> dict[str, Any]:
    """The results in the order of systems, motions and seeds, with all scores computed from the answers."""
    place = {system.name: number for number, system in enumerate(SYSTEMS)}
    runs = sorted(results["runs"], key=lambda run: (place[run["system"]], run["motion"], run["seed"]))
    return {**results, "runs": runs, "cells": _scores({**results, "runs": runs})}


def _scores(results: Mapping[str, Any]) -> list[dict[str, Any]]:
    """One record for each system and motion with a run: the score of the answers to all its stand-ins together."""
    cells = []
    for system in SYSTEMS:
        for motion in system.motions:
            runs = runs_of(results, system, motion)
            truth = {seed: results["clips"][str(seed)] for seed in runs}
            if not runs:
                continue
            distances = [run["eye_distance"] for run in runs.values() if run["eye_distance"] is not None]
            cells.append(
                {
                    "system": system.name,
                    "paper": "" if system.reads else system.paper,
                    "experiment": "" if system.reads else system.experiment,
                    "motion": motion,
                    "seeds": len(runs),
                    "planned_seeds": len(seeds(motion)),
                    **scored(
                        tuple(f"{seed}/{clip.rpartition('/')[0]}" for seed in runs for clip in sorted(truth[seed])),
                        tuple(truth[seed][clip] for seed in runs for clip in sorted(truth[seed])),
                        tuple(int(answer) for run in runs.values() for answer in run["answers"]),
                    ),
                    "training_accuracy": round(float(np.mean([run["training_accuracy"] for run in runs.values()])), 4),
                    "pixels": round(float(np.mean(distances)) * MOTION * motion, 3) if distances else None,
                }
            )
    return cells


@cache  # of all cells, one changes when a run is added
def scored(subject: tuple[str, ...], true: tuple[int, ...], answer: tuple[int, ...]) -> dict[str, float]:
    """UF1 of the answers to clips, its 95% interval over subjects, and the p-value of guessing within subjects.

    Where there is no interval, as under five subjects, both of its ends are the score.
    """
    who, truth, answers = np.array(subject), np.array(true), np.array(answer)
    count, people = len(MEGC2019.classes), np.unique(who)
    matrices = np.zeros((len(people), count, count), np.int64)
    np.add.at(matrices, (np.searchsorted(people, who), truth, answers), 1)
    uf1 = metric("uf1", MEGC2019.classes)
    value = float(uf1(matrices.sum(axis=0)))
    low, high = subject_interval(matrices, uf1) or (value, value)
    p = guess_test(who, truth, answers, uf1, count, DRAWS)
    numbers = {"uf1": value, "low": low, "high": high}
    return {name: round(number, 4) for name, number in numbers.items()} | {"p": round(p, 5)}


def rows(results: Mapping[str, Any]) -> list[Row]:
    """The scores of all stored cells."""
    return [_row(cell) for cell in results["cells"]]


def _row(cell: Mapping[str, Any]) -> Row:
    return Row(
        system=named(cell["system"]),
        motion=cell["motion"],
        measured=cell["seeds"],
        planned=cell["planned_seeds"],
        uf1=cell["uf1"],
        low=cell["low"],
        high=cell["high"],
        p=cell["p"],
        learnt=cell["training_accuracy"],
        pixels=cell["pixels"],
    )
