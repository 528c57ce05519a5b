"""What a run ends with on a terminal: the scores, the printed numbers by verdict, and where the report is."""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table

from common.report import formatting, tables
from common.report.records import Report

WORDS = formatting.VERDICTS | {"MATCH": "reproduced"}
_COLUMNS = ("UF1", "no motion", "chance", "folds")
_GAP = 3
_LEAST = 20
"""Characters of the shortest name of a network: below this a line is longer than the terminal is wide."""


def lines(reports: Sequence[Report], page: Path, width: int = 80) -> list[str]:
    """The last lines of a run: a table of the experiments with a score, the verdicts, and the page to open.

    No row of the table is wider than `width`.
    """
    rows = _rows(reports)
    table = _table(rows, width) if rows else ["No fold of these experiments has a score yet."]
    return [*table, *_verdicts(reports), f"Open {page}"]


def _rows(reports: Sequence[Report]) -> list[tuple[str, ...]]:
    """Name, UF1, UF1 without motion, chance, and folds of each experiment with a score."""
    return [
        (
            f"{report.paper.key}/{row.name}" if len(reports) > 1 else row.name,
            _digits(row.score.value),
            _digits(row.control.value if row.control else None),
            _digits(row.score.chance),
            f"{row.score.n_folds_done}/{row.score.n_folds}",
        )
        for report in reports
        for row in report.learning
        if row.score is not None
    ]


def _table(rows: Sequence[tuple[str, ...]], width: int) -> list[str]:
    others = [max(len(heading), *(len(row[i]) for row in rows)) for i, heading in enumerate(_COLUMNS, start=1)]
    table = Table(box=None, padding=(0, _GAP, 0, 0), pad_edge=False)
    table.add_column("Network", no_wrap=True)
    for heading in _COLUMNS:
        table.add_column(heading, justify="right", no_wrap=True)
    room = max(width - sum(others) - _GAP * len(others), _LEAST)
    for name, *cells in rows:
        table.add_row(_shortened(name, room), *cells)
    text = io.StringIO()
    Console(file=text, width=max(width, 80), color_system=None, markup=False, force_jupyter=False).print(table)
    return ["", *(line.rstrip() for line in text.getvalue().splitlines()), ""]


def _digits(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"


def _shortened(name: str, room: int) -> str:
    """A name with its middle left out if it is too long: its start and its end tell networks apart."""
    if len(name) <= room:
        return name
    end = (room - 2) // 2
    return f"{name[: room - 2 - end]}..{name[-end:]}"


def _verdicts(reports: Sequence[Report]) -> list[str]:
    """The printed numbers by verdict in one line; of stand-ins, what they are, as none may be compared."""
    banners = [banner for r in reports if (banner := formatting.banner(r.data, r.motion))]
    counts = Counter(p.comparison.verdict for r in reports if r.comparable for p in tables.printed(r))
    told = [
        f"{counts[verdict]} {'differ' if verdict == 'DIFFERS' and counts[verdict] > 1 else word}"
        for verdict, word in WORDS.items()
        if counts[verdict]
    ]
    return [*dict.fromkeys(banners), *([f"Printed numbers: {', '.join(told)}"] if told else [])]
