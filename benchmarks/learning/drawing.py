"""The figure and the table of the results."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from benchmarks.learning.results import MOTIONS, Row
from benchmarks.learning.systems import SYSTEMS
from common.report.tables import DASH
from common.statistics import holm

SIGNIFICANT = 0.05
CHANCE = 1 / 6
"""UF1 of answering one of three equally frequent classes for every clip."""


def table(rows: Sequence[Row]) -> str:
    """A Markdown table: one line per system, UF1 and its interval by motion.

    In bold what is more than guessing at 5% by Holm's correction for all cells of the table.
    """
    adjusted = dict(zip(((row.system.name, row.motion) for row in rows), holm([row.p for row in rows]), strict=True))
    found = {(row.system.name, row.motion): row for row in rows}
    head = ["Network", *(f"motion {motion:g}" for motion in MOTIONS), "Pixels at 1", "Training accuracy"]
    lines = [head, ["---"] * len(head)]
    for system in SYSTEMS:
        mine = [found.get((system.name, motion)) for motion in MOTIONS]
        cells = [_cell(row, row is not None and adjusted[system.name, row.motion] < SIGNIFICANT) for row in mine]
        moved = next((row.pixels / row.motion for row in mine if row and row.pixels and row.motion), None)
        learnt = f"{mine[-1].learnt:.2f}" if mine[-1] else DASH
        lines.append([system.label, *cells, f"{moved:.2f}" if moved else DASH, learnt])
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"


def _cell(row: Row | None, significant: bool) -> str:
    if row is None:
        return DASH
    score = f"{row.uf1:.2f} ({row.low:.2f} to {row.high:.2f})"
    return f"**{score}**" if significant else score


def draw(rows: Sequence[Row], path: Path) -> None:
    """UF1 against the size of an expression in pixels of the network's own input, one panel per paper, as SVG."""
    import matplotlib as mpl
    from matplotlib.figure import Figure

    groups: dict[str, list[str]] = {}
    for system in SYSTEMS:
        groups.setdefault("references" if system.reads else system.paper, []).append(system.name)
    with mpl.rc_context({"svg.hashsalt": "learning", "font.size": 8}):
        figure = Figure(figsize=(9, 5.4), layout="constrained")
        panels = figure.subplots(2, 3, sharey=True)
        for panel, (group, names) in zip(panels.flat, groups.items(), strict=True):
            for name in names:
                mine = [row for row in rows if row.system.name == name and row.pixels is not None]
                if not mine:
                    continue
                x, y = [row.pixels for row in mine], [row.uf1 for row in mine]
                short = [[row.uf1 - row.low for row in mine], [row.high - row.uf1 for row in mine]]
                panel.errorbar(x, y, short, marker="o", markersize=3, linewidth=1.2, capsize=2, label=name)
            panel.axhline(CHANCE, color="0.6", linewidth=0.8, linestyle=":")
            panel.set(title=group, ylim=(0, 1.05))
            panel.set_xscale("symlog", linthresh=0.25)
            if panel.get_legend_handles_labels()[0]:
                panel.legend(loc="upper left", fontsize=6.5, frameon=False)
        for panel in panels[:, 0]:
            panel.set_ylabel("UF1 on unseen subjects")
        for panel in panels[-1]:
            panel.set_xlabel("size of an expression, pixels of the input")
        path.parent.mkdir(parents=True, exist_ok=True)
        figure.savefig(path, format="svg", metadata={"Date": None})
