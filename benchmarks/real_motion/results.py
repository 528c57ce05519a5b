"""The results file: raw answers by system, motion and seed, and the scores that follow from them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.learning.results import DRAWS
from benchmarks.learning.systems import System
from benchmarks.real_motion.systems import SYSTEMS, motions
from common.corpora.composite import MEGC2019
from common.errors import UserError
from common.scoring.intervals import subject_interval
from common.scoring.metrics import metric
from common.scoring.statistics import guess_test
from common.standin import REVISION

FILE = Path(__file__).with_name("results.json")
Results = dict[str, Any]


def read(path: Path, maps: str | None = None) -> Results:
    """The results of a file, or empty results if it does not exist; `maps` is the digest of the maps to measure with.

    `clips` has the class of each clip by id, `runs` the records of `learning.cells.measured`, and `cells` the scores
    that `rescored` makes of them. Raises UserError if the file was measured with other maps or stand-ins.
    """
    if not path.is_file():
        return {"standin": REVISION, "maps": maps, "clips": {}, "runs": [], "cells": []}
    results: Results = json.loads(path.read_text(encoding="utf-8"))
    if maps is not None and (results["standin"], results["maps"]) != (REVISION, maps):
        raise UserError(f"{path} was measured with other flow maps or stand-ins; name another file with --results")
    return results


def runs_of(results: Mapping[str, Any], system: System, motion: float) -> dict[int, dict[str, Any]]:
    """The stored runs of a system at a motion by seed, of those measured with the system's current settings."""
    runs = [run for run in results["runs"] if (run["system"], run["motion"]) == (system.name, motion)]
    return {run["seed"]: run for run in runs if run["changed"] == dict(system.changed)}


def with_run(results: Mapping[str, Any], run: Mapping[str, Any], clips: Mapping[str, int]) -> Results:
    """The results with another run, in place of one of the same system, motion and seed; `clips` are its classes."""
    same = ("system", "motion", "seed")
    others = [other for other in results["runs"] if any(other[name] != run[name] for name in same)]
    return rescored({**results, "clips": dict(clips), "runs": [*others, run]})


def rescored(results: Mapping[str, Any]) -> Results:
    """The results with all runs of current settings in order, and with all scores computed from their answers."""
    found = [
        (system, motion, sorted(runs.items()))
        for system in SYSTEMS
        for motion in motions(system)
        if (runs := runs_of(results, system, motion))
    ]
    cells = [
        {
            "system": system.name,
            "paper": "" if system.reads else system.paper,
            "experiment": "" if system.reads else system.experiment,
            "motion": motion,
            "seeds": [seed for seed, _ in runs],
            **scored(results["clips"], [run["answers"] for _, run in runs]),
            "training_accuracy": round(float(np.mean([run["training_accuracy"] for _, run in runs])), 4),
            "parameters": runs[0][1]["parameters"],
            "seconds": round(float(np.mean([run["seconds"] for _, run in runs])), 1),
            "processor": runs[0][1]["processor"],
        }
        for system, motion, runs in found
    ]
    return {**results, "runs": [run for *_, runs in found for _, run in runs], "cells": cells}


def scored(clips: Mapping[str, int], answers: Sequence[str]) -> dict[str, float]:
    """UF1 and UAR of the answers with the first seed, the 95% interval of UF1 over subjects, and the p of guessing.

    Further seeds, of the same motions on other faces, make the interval one for other seeds too. Where there is no
    interval, both of its ends are the score.
    """
    ids = sorted(clips)
    who = np.array([clip.rpartition("/")[0] for clip in ids])
    truth = np.array([clips[clip] for clip in ids])
    first, *others = (_matrices(who, truth, np.array([*map(int, digits)])) for digits in answers)
    uf1, uar = (metric(name, MEGC2019.classes) for name in ("uf1", "uar"))
    value = float(uf1(first.sum(axis=0)))
    low, high = subject_interval(first, uf1, others) or (value, value)
    p = guess_test(who, truth, np.array([*map(int, answers[0])]), uf1, len(MEGC2019.classes), DRAWS)
    numbers = {"uf1": value, "low": low, "high": high, "uar": float(uar(first.sum(axis=0)))}
    return {name: round(number, 4) for name, number in numbers.items()} | {"p": round(p, 5)}


def _matrices(who: NDArray[Any], truth: NDArray[Any], answer: NDArray[Any]) -> NDArray[np.int64]:
    """One confusion matrix per subject (subjects, classes, classes)."""
    people, count = np.unique(who), len(MEGC2019.classes)
    matrices = np.zeros((len(people), count, count), np.int64)
    np.add.at(matrices, (np.searchsorted(people, who), truth, answer), 1)
    return matrices


def guessing(clips: Mapping[str, int]) -> float:
    """UF1 of predicting the largest class for every clip."""
    truth = np.array([*clips.values()])
    largest = np.full_like(truth, np.bincount(truth).argmax())
    return float(metric("uf1", MEGC2019.classes)(_matrices(np.full(len(truth), ""), truth, largest).sum(axis=0)))
