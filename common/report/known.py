"""The scores of networks at less motion, read from the file that the learning benchmark writes."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from common.contract import Paper
from common.report.formatting import DASH, interval, number, short

FILE = Path(__file__).resolve().parents[2] / "benchmarks" / "learning" / "results.json"


def cells(papers: Sequence[Paper], file: Path = FILE) -> list[dict[str, Any]]:
    """Return cells of these papers' networks, each measured on `seeds` of `planned_seeds` sets of stand-ins.

    They have: system, paper, experiment, motion, uf1, low, high, p, seeds, planned_seeds, training_accuracy, pixels.
    """
    if not file.is_file():
        return []
    keys = {paper.key for paper in papers}
    stored: list[dict[str, Any]] = json.loads(file.read_text(encoding="utf-8"))["cells"]
    return [cell for cell in stored if cell["paper"] in keys]


def table(papers: Sequence[Paper], file: Path = FILE) -> dict[str, Any]:
    """Return `motions` and `rows` of UF1 with its interval by network and motion, as strings, or dashes."""
    by_key = {(cell["system"], cell["motion"]): cell for cell in cells(papers, file)}
    motions = sorted({motion for _, motion in by_key})
    names = dict.fromkeys(name for name, _ in by_key)
    rows = [[name, *(_shown(by_key.get((name, motion))) for motion in motions)] for name in names]
    return {"motions": [short(motion) for motion in motions], "rows": rows}


def _shown(cell: dict[str, Any] | None) -> list[str]:
    if cell is None:
        return [DASH, ""]
    bounds = interval(cell["low"], cell["high"], 2)
    return [number(cell["uf1"], 2), bounds + so_far(cell["seeds"], cell["planned_seeds"])]


def so_far(measured: int, planned: int) -> str:
    """Return the addition to a score of fewer sets of stand-ins than planned; empty if all are measured."""
    return "" if measured == planned else f"; {measured} of {planned} sets"
