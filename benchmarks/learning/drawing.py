"""The figure and the table of the results."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from benchmarks.learning.results import Row
from benchmarks.learning.systems import MOTIONS, SYSTEMS
from common.report.formatting import DASH
from common.report.known import CHANCE
from common.scoring.statistics import holm

SIGNIFICANT = 0.05


def table(rows: Sequence[Row]) -> str:
    """A Markdown table: one line per system, UF1 and its interval by motion.

    Scores better than guessing at 5%, with Holm's correction for all scores of the table, are bold. A system whose
    input is the same at all motions has one score.
    """
    by_cell = {(row.system.name, row.motion): row for row in rows}
    adjusted = dict(zip(by_cell, holm([row.p for row in rows]), strict=True))
    head = [
        "Network",
        *(f"motion {motion:g}" for motion in MOTIONS),
        "Pixels at 1",
        f"Training accuracy at {MOTIONS[-1]:g}",
    ]
    lines = [head, ["---"] * len(head)]
    for system in SYSTEMS:
        own_rows = [by_cell.get((system.name, motion)) for motion in system.motions]
        cells = [_cell(row, row is not None and adjusted[system.name, row.motion] < SIGNIFICANT) for row in own_rows]
        cells += ["the same"] * (len(MOTIONS) - len(cells))
        moved = next((row.pixels / row.motion for row in own_rows if row and row.pixels and row.motion), None)
        learnt = f"{own_rows[-1].learnt:.2f}" if own_rows[-1] else DASH
        lines.append([system.label, *cells, f"{moved:.2f}" if moved else DASH, learnt])
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"


def _cell(row: Row | None, significant: bool) -> str:
    return DASH if row is None else shown(row.uf1, row.low, row.high, significant, _so_far(row.measured, row.planned))


def shown(score: float, low: float, high: float, significant: bool, remark: str = "") -> str:
    """A score and its interval as a cell of a table; bold if it is significant."""
    bounds = f"{low:.2f} to {high:.2f}" if low < high else "no interval"
    text = f"{score:.2f} ({bounds}{remark})"
    return f"**{text}**" if significant else text


def draw(rows: Sequence[Row], path: Path) -> None:
    """Draw UF1 against the size of an expression in pixels of the network's own input, as SVG.

    There is one panel for the references and one for each paper with results.
    """
    import matplotlib as mpl
    from matplotlib.figure import Figure

    groups: dict[str, dict[str, list[Row]]] = {}
    for row in rows:
        if row.pixels is not None:
            title = "references" if row.system.reads else row.system.paper
            groups.setdefault(title, {}).setdefault(row.system.name, []).append(row)
    across, down = min(len(groups), 3), -(-len(groups) // 3)
    with mpl.rc_context({"svg.hashsalt": "learning", "font.size": 8}):
        figure = Figure(figsize=(3.2 * across + 0.5, 2.7 * down), layout="constrained")
        panels = figure.subplots(down, across, sharey=True, squeeze=False)
        for panel, (title, systems) in zip(panels.flat, groups.items(), strict=False):
            for name, own_rows in systems.items():
                bars = [[row.uf1 - row.low for row in own_rows], [row.high - row.uf1 for row in own_rows]]
                x, y = [row.pixels for row in own_rows], [row.uf1 for row in own_rows]
                panel.errorbar(x, y, bars, marker="o", markersize=3, linewidth=1.2, capsize=2, label=name)
            panel.axhline(CHANCE, color="0.6", linewidth=0.8, linestyle=":")
            panel.set_xscale("symlog", linthresh=0.5)  # linear up to 0.5, so that 0 can be shown
            panel.xaxis.set_major_formatter("{x:g}")
            panel.set(title=title, xlabel="size of an expression, pixels of the input")
            panel.set(xlim=(-0.05, 1.15 * panel.get_xlim()[1]), ylim=(0, 1.05))
            panel.legend(loc="lower right", fontsize=6, frameon=False, labelspacing=0.2, borderaxespad=0.1)
        for panel in panels.flat[len(groups) :]:
            panel.set_visible(False)
        for panel in panels[:, 0]:
            panel.set_ylabel("UF1 on unseen subjects")
        path.parent.mkdir(parents=True, exist_ok=True)
        figure.savefig(path, format="svg", metadata={"Date": None})


def _so_far(measured: int, planned: int) -> str:
    """What follows a score of fewer sets of stand-ins than planned; empty if all are measured."""
    return "" if measured == planned else f"; {measured} of {planned} sets"
