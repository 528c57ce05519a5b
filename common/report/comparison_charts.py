"""The figures of the comparison. Contenders are identified by their number in the tables, in the given order."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from common.report import comparison_learning, formatting, known, learning
from common.report.charts import Drawing, squares
from common.report.comparison_tables import corpora, finished, name, numbered, scored
from common.report.forest import draw_key, draw_row, fitted
from common.report.records import NetworkResult, SideBySide
from common.scoring.metrics import f1_by_class
from common.vision.picture_grid import GREY, INK, PALE, STYLE, WIDTH, svg

_SMALL = 6.5
_NAMES, _PLOT = 2.15, 2.45  # inches of the names and of the axes of scores
_COLUMNS = (
    ("", -_NAMES, "left"), ("", -0.08, "right"), ("parameters", 3.12, "right"), ("training\nper fold", 3.71, "right"),
    ("learns", 3.94, "center"), ("beats\nguessing", 4.26, "center"), ("motion", 4.6, "center"),
)  # fmt: skip
"""The text columns of the scores: title, place in inches from the axes, and what stands at that place."""


def draw(side: SideBySide, file: Path = known.FILE) -> dict[str, list[Drawing]]:
    """Draw all figures by kind: forest, known (scores at less motion, from `file`), confusions; empty without data."""
    composite = formatting.corpus_name(side, next(iter(corpora(side)), ""))
    with matplotlib.rc_context(STYLE):
        figures = {"forest": forest(side), "known": less_motion(side, file), "confusions": confusions(side)}
        return {kind: [Drawing(svg(figure), composite)] if figure else [] for kind, figure in figures.items()}


def forest(side: SideBySide) -> Figure | None:
    """Draw UF1 on the composite with controls and chance, beside it cost and the marks of `learning`."""
    if not corpora(side):
        return None
    composite, count = corpora(side)[0], len(side.contenders)
    height = 0.19 * count + 0.82
    figure = Figure(figsize=(WIDTH, height))
    axes = figure.add_axes((_NAMES / WIDTH, 0.38 / height, _PLOT / WIDTH, 0.19 * count / height))
    rows = {row.name: row for row in comparison_learning.rows(side)}
    drawn: dict[str, Line2D] = {}
    for y, c in enumerate(side.contenders):
        axes.axhline(y, color=PALE, linewidth=0.4, zorder=0)
        control, metadata = (of.get(composite, {}).get(learning.METRIC) for of in (c.control, c.metadata))
        seeds = c.spread.get(learning.METRIC, ()) if len(side.seeds) > 1 else ()
        score = scored(c, composite, learning.METRIC)
        drawn |= draw_row(axes, y, score, control, metadata, whole=finished(c), seeds=seeds)
        marks = [learning.MARKS[mark] for mark in learning.marks(rows.get(name(c), comparison_learning.NOTHING))]
        texts = _name(y + 1, c, 30), c.paper, formatting.count(c.parameters), formatting.duration(c.seconds_per_fold)
        for text, (title, x, align) in zip([*texts, *marks], _COLUMNS, strict=True):
            style: Any = {"transform": axes.get_yaxis_transform(), "ha": align}
            axes.text(x / _PLOT, y, text, va="center", fontsize=7, color=INK, **style)
            if y == 0:
                axes.text(x / _PLOT, -0.9, title, va="bottom", fontsize=_SMALL, color=GREY, linespacing=0.95, **style)
    axes.set_xlim(-0.02, 1.02)
    axes.set_xticks([0, 0.25, 0.5, 0.75, 1], ["0", "0.25", "0.5", "0.75", "1"])
    axes.set_ylim(count - 0.5, -0.5)
    axes.set_yticks([])
    axes.spines["left"].set_visible(False)
    axes.tick_params(axis="x", labelsize=_SMALL, pad=2)
    axes.set_xlabel(f"UF1 on {formatting.corpus_name(side, composite)}", fontsize=7, labelpad=2)
    draw_key(figure, drawn)
    return figure


def _name(number: int, c: NetworkResult, letters: int) -> str:
    title = c.title if len(c.title) <= letters else f"{c.title[: letters - 1].rstrip()}…"
    return f"{numbered(number, c)} {title}"


def less_motion(side: SideBySide, file: Path = known.FILE) -> Figure | None:
    """Draw UF1 of these networks by the motion of the stand-ins, as the benchmark of learning measured it."""
    cells = known.cells([report.paper for report in side.reports], file) if side.data == "stand-in" else []
    scores = {(cell["paper"], cell["experiment"], cell["motion"]): cell["uf1"] for cell in cells}
    motions = sorted({motion for *_, motion in scores})
    rows = {
        _name(i, c, 25): [scores.get((c.paper, c.experiment, motion), np.nan) for motion in motions]
        for i, c in enumerate(side.contenders, 1)
        if (c.paper, c.experiment) in {key[:2] for key in scores}
    }
    if not rows:
        return None
    names, width, height = 1.45, 3.4, 0.15 * len(rows) + 0.4
    figure = Figure(figsize=(width, height))
    axes = figure.add_axes((names / width, 0.38 / height, (width - names - 0.02) / width, 1 - 0.4 / height))
    values = np.array([*rows.values()])
    squares(axes, 0, 0, values, [[formatting.number(value, 2) for value in row] for row in values])
    axes.set_ylim(len(rows), 0)
    axes.set_yticks(np.arange(len(rows)) + 0.5, list(rows), fontsize=_SMALL)
    axes.set_xticks(np.arange(len(motions)) + 0.5, list(map(formatting.short, motions)), fontsize=_SMALL)
    axes.set_xlabel("motion of the faces (1: as in micro-expressions)", fontsize=7, labelpad=2)
    axes.tick_params(length=0, pad=2)
    axes.spines[:].set_visible(False)
    return figure


def confusions(side: SideBySide) -> Figure | None:
    """Draw the matrices of all contenders with a prediction: rows are true classes with F1, columns predicted ones."""
    shown = [(i, c) for i, c in enumerate(side.contenders, 1) if c.confusion.sum()]
    if not shown:
        return None
    size = len(side.classes)
    wide, high = size + 3.4, size + 2.6
    across = max(int(42 // wide), 1)
    unit, lines = WIDTH / (across * wide), -(-len(shown) // across)
    figure = Figure(figsize=(WIDTH, lines * high * unit))
    axes = figure.add_axes((0, 0, 1, 1))
    for place, (i, c) in enumerate(shown):
        left, top = place % across * wide + 1.6, place // across * high + 1
        sums = np.maximum(c.confusion.sum(axis=1, keepdims=True), 1)
        squares(axes, left, top, c.confusion / sums, [list(map(formatting.count, row)) for row in c.confusion])
        title = fitted(_name(i, c, 99), (wide - 0.4) * unit, 8)
        axes.text(left - 1.4, top - 0.15, title, fontsize=_SMALL, va="bottom", color=INK)
        f1 = f1_by_class(c.confusion, side.classes)
        for at, label in enumerate(side.classes):
            axes.text(left - 0.12, top + at + 0.53, label[:3], fontsize=_SMALL, ha="right", va="center", color=GREY)
            axes.text(left + at + 0.5, top + size + 0.1, label[:3], fontsize=_SMALL, ha="center", va="top", color=GREY)
            score = formatting.number(f1[label], 2)
            axes.text(left + size + 0.15, top + at + 0.53, score, fontsize=_SMALL, va="center", color=GREY)
    axes.set_xlim(0, across * wide)
    axes.set_ylim(lines * high, 0)
    axes.axis("off")
    return figure
