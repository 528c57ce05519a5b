"""The figure of what the published protocols add: a line per experiment with a twin, a dot per seed."""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Sequence

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, MaxNLocator

from common.report import charts, formatting
from common.report.charts import Drawing
from common.report.forest import ACCENT, GREY, PALE, WIDTH, fitted
from common.report.leak_price import interval
from common.report.records import Price, SeedScores

STILL = "#c2570c"
"""The colour of clips without motion; they also have another marker."""
_INK = "#202020"
_ROWS = 24  # lines of one drawing, which stays on one page
_APART = 0.2  # of the two kinds of clips from the middle of a line
_NAMES = 2.55  # inches


def draw(prices: Sequence[Price]) -> list[Drawing]:
    """Draw the figure, in several parts if it is long."""
    with matplotlib.rc_context(charts.STYLE):
        return [Drawing(charts.svg(figure), subject) for figure, subject in figures(prices)]


def figures(prices: Sequence[Price]) -> Iterator[tuple[Figure, str]]:
    """Yield the parts of the figure, each with the names of the papers in it; the last has the legend."""
    clips, still = [price.clips for price in prices], [price.still for price in prices]
    values = [0.0, *(value for scores in (*clips, *still) for value in _extent(scores))]
    room = 0.04 * max(max(values) - min(values), 0.1)
    for start in range(0, len(prices), _ROWS):
        part = prices[start : start + _ROWS]
        figure = _part(part, _key(clips, still) if start + _ROWS >= len(prices) else [])
        figure.axes[0].set_xlim(min(values) - room, max(values) + room)
        yield figure, ", ".join(dict.fromkeys(price.paper for price in part))


def _extent(scores: SeedScores) -> list[float]:
    return [*scores.differences, *(interval(scores.differences) or ())]


def _part(prices: Sequence[Price], legend: list[Line2D]) -> Figure:
    above, below = 0.06, 0.58 if legend else 0.22
    height = (0.24 if any(price.still.seeds for price in prices) else 0.15) * len(prices) + above + below
    figure = Figure(figsize=(WIDTH, height))
    axes = figure.add_axes(
        (_NAMES / WIDTH, below / height, (WIDTH - _NAMES - 0.12) / WIDTH, (height - above - below) / height)
    )
    axes.axvline(0, color=GREY, linewidth=0.8, zorder=1)
    for y, price in enumerate(prices):
        axes.axhline(y, color=PALE, linewidth=0.4, zorder=0)
        apart = _APART if price.still.seeds else 0
        _mark(axes, y - apart, price.clips, ACCENT, "o")
        _mark(axes, y + apart, price.still, STILL, "s")
    # as if in larger type, since names may have many capitals
    names = [fitted(f"{p.paper} {p.experiment}/{p.published}", _NAMES - 0.1, 8.4) for p in prices]
    axes.set_ylim(len(prices) - 0.4, -0.6)
    axes.set_yticks(range(len(prices)), names, fontsize=7)
    axes.tick_params(axis="y", length=0)
    axes.tick_params(axis="x", labelsize=6.5, pad=2)
    axes.xaxis.set_major_locator(MaxNLocator(7))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: _signed(value)))
    axes.spines["left"].set_visible(False)
    if legend:
        axes.set_xlabel("UF1 by the published protocol minus UF1 of the leak-free twin", fontsize=7.5, labelpad=2)
        figure.legend(handles=legend, loc="lower center", ncols=5, frameon=False, handletextpad=0.3, fontsize=7)
    return figure


def _mark(axes: Axes, y: float, scores: SeedScores, color: str, marker: str) -> None:
    """Draw the seeds as hollow markers, their mean as a tick and its interval as a line."""
    differences = scores.differences
    if not differences:
        return
    mean = statistics.fmean(differences)
    if bounds := interval(differences):
        axes.plot(bounds, [y, y], color=color, linewidth=1.1, solid_capstyle="butt", zorder=2)
    if len(differences) > 1:
        axes.plot([mean, mean], [y - 0.17, y + 0.17], color=color, linewidth=1.6, zorder=2)
    axes.plot(
        differences, [y] * len(differences), marker, color=color, ms=3, mfc="white", mew=0.8, linewidth=0, zorder=3
    )


def _signed(value: float) -> str:
    """A difference with its sign."""
    text = formatting.number(abs(value), 2).rstrip("0").rstrip(".")
    return text if text == "0" else f"{'+' if value > 0 else formatting.number(-1, 0)[0]}{text}"


def _key(clips: Sequence[SeedScores], still: Sequence[SeedScores]) -> list[Line2D]:
    def dot(label: str, color: str, marker: str) -> Line2D:
        return Line2D([], [], marker=marker, ms=3, color=color, mfc="white", mew=0.8, linewidth=0, label=label)

    handles = [dot("one seed", ACCENT, "o")]
    if any(scores.seeds for scores in still):
        handles.append(dot("one seed, clips without motion", STILL, "s"))
    if any(len(scores.seeds) > 1 for scores in (*clips, *still)):
        handles.append(Line2D([], [], marker="|", ms=7, color=_INK, linewidth=0, mew=1.6, label="mean"))
    if any(interval(scores.differences) for scores in (*clips, *still)):
        handles.append(Line2D([], [], color=_INK, linewidth=1.1, label="95% interval of the mean"))
    return handles
