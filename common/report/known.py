"""The scores of networks at less motion, read from the file that the learning benchmark writes."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from common.contract import Paper
from common.corpora.grounds import DEFAULT

CHANCE = 1 / 6
"""UF1 of predicting one of three equally frequent classes, which its clips have, for every clip."""
FILE = Path(__file__).with_name("known.json")


def cells(papers: Sequence[Paper], file: Path = FILE) -> list[dict[str, Any]]:
    """Return cells of these papers' networks, each measured on `seeds` of `planned_seeds` sets of stand-ins.

    There are none for papers on another ground. They have: system, paper, experiment, motion, uf1, low, high, p, seeds,
    planned_seeds, training_accuracy, pixels.
    """
    if not file.is_file():
        return []
    keys = {paper.key for paper in papers if paper.ground in ("", DEFAULT.name)}
    stored: list[dict[str, Any]] = json.loads(file.read_text(encoding="utf-8"))["cells"]
    return [cell for cell in stored if cell["paper"] in keys]
