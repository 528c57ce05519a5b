"""The figure and the tables of the results."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchmarks.learning.drawing import SIGNIFICANT, shown
from benchmarks.learning.systems import System, paper_of
from benchmarks.real_motion.results import guessing
from benchmarks.real_motion.systems import MINUTES, MOTIONS, SYSTEMS, motions
from common.report.formatting import DASH
from common.scoring.statistics import holm

Cells = Mapping[tuple[str, float], Mapping[str, Any]]


def by_place(results: Mapping[str, Any]) -> Cells:
    """The cells of the results by system and motion."""
    return {(cell["system"], cell["motion"]): cell for cell in results["cells"]}


def table(results: Mapping[str, Any]) -> str:
    """A Markdown table: UF1 and its interval by motion; UAR, parameters and minutes at the first motion.

    Scores better than guessing at 5%, with Holm's correction for all scores of the table, are bold.
    """
    cells = by_place(results)
    adjusted = dict(zip(cells, holm([cell["p"] for cell in cells.values()]), strict=True))
    columns = [f"motion {motion:g}" for motion in MOTIONS]
    head = ["Network", *columns, f"UAR at {MOTIONS[0]:g}", "Parameters", "Minutes"]
    lines = [head, ["---"] * len(head)]
    for system in SYSTEMS:
        keys = [(system.name, motion) for motion in motions(system)]
        scores = [_score(cells.get(key), adjusted.get(key, 1.0) < SIGNIFICANT) for key in keys]
        scores += ["the same"] * (len(MOTIONS) - len(keys))
        first = cells.get(keys[0])
        lines.append([system.label, *scores, *(_facts(first) if first else [DASH] * 3)])
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"


def _score(cell: Mapping[str, Any] | None, significant: bool) -> str:
    return DASH if cell is None else shown(cell["uf1"], cell["low"], cell["high"], significant)


def _facts(cell: Mapping[str, Any]) -> list[str]:
    """UAR, the number of parameters and the minutes of training and testing of all folds."""
    count = cell["parameters"]
    return [f"{cell['uar']:.2f}", DASH if count is None else f"{count:,}", f"{cell['seconds'] / 60:.1f}"]


def printed(system: System) -> str:
    """What the paper prints for a network on the real clips: UF1 on the composite, or the range of its accuracies."""
    if system.reads:
        return DASH
    paper, _ = paper_of(system)
    network = {experiment.name: experiment.network for experiment in paper.experiments}
    own = [claim for claim in paper.claims if network.get(claim.experiment) == system.name]
    if whole := [claim for claim in own if (claim.corpus, claim.metric) == ("megc2019", "uf1")]:
        return f"UF1 {whole[0].printed}"
    accuracies = sorted((claim.value, claim.printed) for claim in own if claim.metric == "accuracy")
    if not accuracies:
        return DASH
    least, most = accuracies[0][1], accuracies[-1][1]
    return f"accuracy {least}% to {most}%"


def settings() -> str:
    """A Markdown table: settings that differ from the papers', estimated minutes of a cell, and printed scores."""
    lines = [["Network", "Settings here (the paper's)", "Estimated minutes", "Printed"], ["---"] * 4]
    for system in SYSTEMS:
        if not system.reads:
            paper, experiment = paper_of(system)
            own = paper.profiles["paper"].settings.having(experiment.settings).values()
            changed = ", ".join(f"{name} {value} ({own[name]})" for name, value in system.changed.items())
            minutes = str(MINUTES.get(system.name, "under 1"))
            lines.append([system.label, changed.replace("_", " ") or "the paper's own", minutes, printed(system)])
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"


def draw(results: Mapping[str, Any], path: Path) -> None:
    """Draw UF1 with its interval by network and motion as SVG, with lines for guessing and for metadata alone.

    Beside a network are its parameters and the minutes that it took. No printed score is drawn.
    """
    import matplotlib as mpl
    from matplotlib.figure import Figure

    cells = by_place(results)
    control = cells.get((SYSTEMS[0].name, MOTIONS[0]))
    rows = [system for system in SYSTEMS[1:] if any((system.name, motion) in cells for motion in motions(system))]
    if not rows:
        return
    with mpl.rc_context({"svg.hashsalt": "real motion", "font.size": 8}):
        figure = Figure(figsize=(8.4, 1.0 + 0.32 * len(rows)), layout="constrained")
        panel = figure.subplots()
        for place, motion in enumerate(MOTIONS):
            there = [
                (row, cells[system.name, motion]) for row, system in enumerate(rows) if (system.name, motion) in cells
            ]
            if there:
                x, y = [cell["uf1"] for _, cell in there], [row + 0.2 * (place - 1) for row, _ in there]
                bars = [
                    [cell["uf1"] - cell["low"] for _, cell in there],
                    [cell["high"] - cell["uf1"] for _, cell in there],
                ]
                panel.errorbar(
                    x, y, xerr=bars, fmt="o", markersize=3, linewidth=1, capsize=2, label=f"motion {motion:g}"
                )
        panel.axvline(
            guessing(results["clips"]), color="0.5", linewidth=0.8, linestyle=":", label="always the largest class"
        )
        if control:
            panel.axvline(control["uf1"], color="0.5", linewidth=0.8, linestyle="--", label="metadata alone")
        for row, system in enumerate(rows):
            cell = next(cells[system.name, motion] for motion in motions(system) if (system.name, motion) in cells)
            _, count, minutes = _facts(cell)
            text = f"{minutes} min" if count == DASH else f"{count} parameters, {minutes} min"
            panel.text(1.01, row, text, va="center", fontsize=7)
        panel.set(xlim=(0, 1), ylim=(len(rows) - 0.5, -0.5), xlabel="UF1 on unseen subjects")
        panel.set_yticks(range(len(rows)), [system.label for system in rows])
        figure.legend(loc="outside upper center", ncols=5, fontsize=7, frameon=False)
        path.parent.mkdir(parents=True, exist_ok=True)
        figure.savefig(path, format="svg", metadata={"Date": None})
