"""The results file: one cell per system and motion, written after each, and the scores of its predictions."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.learning.pixels import MOTION
from benchmarks.learning.systems import SYSTEMS, Size, System
from common.files import write_json
from common.report.known import FILE as FILE
from common.standin import REVISION

MOTIONS = (0.0, 1.0, 2.0, 4.0, 8.0)


@dataclass(frozen=True)
class Row:
    """One cell's score: UF1 of all clips, its interval over subjects, and the p-value of guessing within subjects.

    `learnt` is the accuracy on the training clips, averaged over folds; `pixels` is the mean size of an expression in
    pixels of the network's own input, None for a system that reads no face.
    """

    system: System
    motion: float
    uf1: float
    low: float
    high: float
    p: float
    learnt: float
    pixels: float | None
    seconds: float
    processor: str


def read(path: Path, size: Size) -> dict[str, Any]:
    """The results of a file, or empty results if it does not exist or is for other stand-ins."""
    empty = {"size": asdict(size), "standin": REVISION, "clips": {}, "cells": []}
    if not path.is_file():
        return empty
    results: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return results if (results["size"], results["standin"]) == (empty["size"], empty["standin"]) else empty


def write(path: Path, results: Mapping[str, Any]) -> None:
    """Write all results, with cells in the order of systems and motions."""
    place = {system.name: number for number, system in enumerate(SYSTEMS)}
    cells = sorted(results["cells"], key=lambda cell: (place[cell["system"]], cell["motion"]))
    write_json(path, {**results, "cells": cells})


def cell(results: Mapping[str, Any], system: System, motion: float) -> dict[str, Any] | None:
    """The stored cell of a system at a motion, if it was measured with the system's current settings."""
    for record in results["cells"]:
        if (record["system"], record["motion"]) == (system.name, motion) and record["changed"] == dict(system.changed):
            stored: dict[str, Any] = record
            return stored
    return None


def rows(results: Mapping[str, Any], motions: Sequence[float] = MOTIONS) -> list[Row]:
    """The scores of all stored cells."""
    cells = ((system, motion, cell(results, system, motion)) for system in SYSTEMS for motion in motions)
    return [_row(system, motion, record) for system, motion, record in cells if record is not None]


def _row(system: System, motion: float, record: Mapping[str, Any]) -> Row:
    return Row(
        system=system,
        motion=motion,
        uf1=record["uf1"],
        low=record["low"],
        high=record["high"],
        p=record["p"],
        learnt=float(np.mean(record["training_accuracy"])),
        pixels=record["eye_distance"] and record["eye_distance"] * MOTION * motion,
        seconds=record["seconds"],
        processor=record["processor"],
    )
