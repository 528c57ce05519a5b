"""The figures of the comparison. Contenders are identified by their number in the tables, in the given order."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from common.report import comparison_learning, formatting, known, learning
from common.report.charts import Drawing
from common.report.comparison_tables import corpora, finished, name, numbered, scored
from common.report.forest import fitted, share_axis
from common.report.records import NetworkResult, SideBySide
from common.vision.picture_grid import GREY, PALE, STYLE, WIDTH, svg

BLUE, VERMILION, PURPLE = "#0072b2", "#d55e00", "#aa4499"
_INK = "#202020"
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
        drawn |= _scores(axes, y, side, c, composite)
        marks = [learning.MARKS[mark] for mark in learning.marks(rows.get(name(c), comparison_learning.NOTHING))]
        texts = _name(y + 1, c, 30), c.paper, formatting.count(c.parameters), formatting.duration(c.seconds_per_fold)
        for text, (title, x, align) in zip([*texts, *marks], _COLUMNS, strict=True):
            style: Any = {"transform": axes.get_yaxis_transform(), "ha": align}
            axes.text(x / _PLOT, y, text, va="center", fontsize=7, color=_INK, **style)
            if y == 0:
                axes.text(x / _PLOT, -0.9, title, va="bottom", fontsize=_SMALL, color=GREY, linespacing=0.95, **style)
    share_axis(axes)
    axes.set_ylim(count - 0.5, -0.5)
    axes.set_yticks([])
    axes.spines["left"].set_visible(False)
    axes.tick_params(axis="x", labelsize=_SMALL, pad=2)
    axes.set_xlabel(f"UF1 on {formatting.corpus_name(side, composite)}", fontsize=7, labelpad=2)
    figure.legend(
        drawn.values(), drawn, loc="upper left", bbox_to_anchor=(0, 1), ncols=6, frameon=False, fontsize=7,
        handletextpad=0.3, columnspacing=1.4, borderaxespad=0, borderpad=0,
    )  # fmt: skip
    return figure


def _scores(axes: Axes, y: float, side: SideBySide, c: NetworkResult, corpus: str) -> dict[str, Line2D]:
    """Draw the scores of a row; returns what was drawn by its name."""
    drawn: dict[str, Line2D] = {}
    score = scored(c, corpus, learning.METRIC)
    if score is None:
        return drawn

    def plot(label: str, x: Sequence[float], marker: str = "None", apart: float = 0, **style: Any) -> None:
        heights = np.linspace(y - apart, y + apart, len(x))
        (drawn[label],) = axes.plot(x, heights, marker=marker, **{"linewidth": 0} | style)

    plot("UF1", [score.value], "o", ms=4.4, color=BLUE, mfc=BLUE if finished(c) else "white", zorder=4)
    if score.low is not None and score.high is not None:
        plot("95% interval", [score.low, score.high], color=BLUE, linewidth=1.4, solid_capstyle="butt")
    if len(side.seeds) > 1 and (values := c.spread.get(learning.METRIC)):
        plot("one seed", values, "|", ms=5, color=BLUE, mew=0.7)
    if still := c.control.get(corpus, {}).get(learning.METRIC):
        plot("without motion", [still.value], "o", ms=4, color=VERMILION, mfc="white", zorder=3)
    if metadata := c.metadata.get(corpus, {}).get(learning.METRIC):
        plot("metadata alone", [metadata.value], "x", ms=4, color=PURPLE, zorder=3)
    if score.chance is not None:
        plot("chance", [score.chance] * 2, apart=0.5, color=_INK, linewidth=0.8, linestyle=(0, (3, 2)), zorder=1)
    return drawn


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
    _squares(axes, 0, 0, values, [[formatting.number(value, 2) for value in row] for row in values])
    axes.set_ylim(len(rows), 0)
    axes.set_yticks(np.arange(len(rows)) + 0.5, list(rows), fontsize=_SMALL)
    axes.set_xticks(np.arange(len(motions)) + 0.5, list(map(formatting.short, motions)), fontsize=_SMALL)
    axes.set_xlabel("motion of the faces (1: as in micro-expressions)", fontsize=7, labelpad=2)
    axes.tick_params(length=0, pad=2)
    axes.spines[:].set_visible(False)
    return figure


def _squares(axes: Axes, left: float, top: float, values: Any, texts: Sequence[Sequence[str]]) -> None:
    """Draw values (rows, columns) from 0 to 1 as squares of one unit with a text in each."""
    edges = (start + np.arange(size + 1) for start, size in zip((left, top), values.shape[::-1], strict=True))
    axes.pcolormesh(*edges, values, cmap="Blues", vmin=0, vmax=1, edgecolors="white", linewidth=0.6)
    for y, x in np.ndindex(*values.shape):
        color = "white" if values[y, x] > 0.55 else _INK
        at = left + x + 0.5, top + y + 0.53
        axes.text(*at, texts[y][x], ha="center", va="center", color=color, fontsize=_SMALL)


def confusions(side: SideBySide) -> Figure | None:
    """Draw the matrices of all contenders with a prediction: rows are true classes, columns predicted ones."""
    shown = [(i, c) for i, c in enumerate(side.contenders, 1) if c.confusion.sum()]
    if not shown:
        return None
    size = len(side.classes)
    wide, high = size + 2.2, size + 2.6
    across = max(int(42 // wide), 1)
    unit, lines = WIDTH / (across * wide), -(-len(shown) // across)
    figure = Figure(figsize=(WIDTH, lines * high * unit))
    axes = figure.add_axes((0, 0, 1, 1))
    for place, (i, c) in enumerate(shown):
        left, top = place % across * wide + 1.6, place // across * high + 1
        sums = np.maximum(c.confusion.sum(axis=1, keepdims=True), 1)
        _squares(axes, left, top, c.confusion / sums, [list(map(formatting.count, row)) for row in c.confusion])
        title = fitted(_name(i, c, 99), (wide - 0.4) * unit, 8)
        axes.text(left - 1.4, top - 0.15, title, fontsize=_SMALL, va="bottom", color=_INK)
        for at, label in enumerate(side.classes):
            axes.text(left - 0.12, top + at + 0.53, label[:3], fontsize=_SMALL, ha="right", va="center", color=GREY)
            axes.text(left + at + 0.5, top + size + 0.1, label[:3], fontsize=_SMALL, ha="center", va="top", color=GREY)
    axes.set_xlim(0, across * wide)
    axes.set_ylim(lines * high, 0)
    axes.axis("off")
    return figure
