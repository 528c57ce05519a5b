"""The figure of what the published protocols add: a line per experiment with a twin, a marker per seed."""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Sequence

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, MaxNLocator

from common.report import formatting
from common.report.charts import Drawing
from common.report.forest import fitted
from common.report.leak_price import interval
from common.report.records import Price, SeedScores
from common.vision.picture_grid import BLUE, GREY, PALE, RED, STYLE, WIDTH, svg

ALL, STILL = (BLUE, "o"), (RED, "s")
"""Colour and marker of all clips, and of clips without motion."""
_ROWS, _NAMES = 24, 2.55  # lines of one drawing, which stays on one page, and inches of the names
_APART = 0.2  # of the two kinds of clips from the middle of a line


def draw(prices: Sequence[Price]) -> list[Drawing]:
    """Draw the figure, in several parts if it is long."""
    with matplotlib.rc_context(STYLE):
        return [Drawing(svg(figure), subject) for figure, subject in figures(prices)]


def figures(prices: Sequence[Price]) -> Iterator[tuple[Figure, str]]:
    """Yield the parts of the figure, each with the names of the papers in it; all have one axis and the key."""
    values = [0.0]
    for scores in (scores for price in prices for scores in (price.clips, price.still)):
        values += [*scores.differences, *(interval(scores.differences) or ())]
    room = 0.04 * max(max(values) - min(values), 0.1)
    for start in range(0, len(prices), _ROWS):
        part = prices[start : start + _ROWS]
        figure = _part(part)
        figure.axes[0].set_xlim(min(values) - room, max(values) + room)
        yield figure, ", ".join(dict.fromkeys(price.paper for price in part))


def _part(prices: Sequence[Price]) -> Figure:
    above, below = 0.06, 0.58
    height = (0.24 if any(price.still.seeds for price in prices) else 0.15) * len(prices) + above + below
    figure = Figure(figsize=(WIDTH, height))
    axes = figure.add_axes(
        (_NAMES / WIDTH, below / height, (WIDTH - _NAMES - 0.12) / WIDTH, (height - above - below) / height)
    )
    axes.axvline(0, color=GREY, linewidth=0.8, zorder=1)
    drawn: dict[str, Line2D] = {}
    for y, price in enumerate(prices):
        axes.axhline(y, color=PALE, linewidth=0.4, zorder=0)
        apart = _APART if price.still.seeds else 0
        drawn |= _mark(axes, y - apart, price.clips, "one seed", *ALL)
        drawn |= _mark(axes, y + apart, price.still, "one seed, clips without motion", *STILL)
    # as if in larger type, since names may have many capitals
    names = [fitted(f"{p.paper} {p.experiment}/{p.published}", _NAMES - 0.1, 8.4) for p in prices]
    axes.set_ylim(len(prices) - 0.4, -0.6)
    axes.set_yticks(range(len(prices)), names, fontsize=7)
    axes.tick_params(axis="y", length=0)
    axes.tick_params(axis="x", labelsize=6.5, pad=2)
    axes.xaxis.set_major_locator(MaxNLocator(7))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: formatting.difference(value, 2)))
    axes.spines["left"].set_visible(False)
    axes.set_xlabel("UF1 by the published protocol minus UF1 of the leak-free twin", fontsize=7.5, labelpad=2)
    figure.legend(drawn.values(), drawn, loc="lower center", ncols=5, frameon=False, handletextpad=0.3, fontsize=7)
    return figure


def _mark(axes: Axes, y: float, scores: SeedScores, label: str, color: str, marker: str) -> dict[str, Line2D]:
    """Draw the seeds as hollow markers, their mean as a tick and its interval as a line; returns these by name."""
    drawn: dict[str, Line2D] = {}
    differences = scores.differences
    if bounds := interval(differences):
        (drawn["95% interval of the mean"],) = axes.plot(bounds, [y, y], color=color, linewidth=1.1, zorder=2)
    if len(differences) > 1:
        mean = [statistics.fmean(differences)]
        (drawn["mean"],) = axes.plot(mean, [y], "|", color=color, ms=7, mew=1.6, linewidth=0, zorder=2)
    if differences:
        line = Line2D(differences, [y] * len(differences), marker=marker, color=color, ms=3, mfc="white", linewidth=0)
        drawn[label] = axes.add_line(line)
    return drawn
