"""The interval plot: a line per experiment and corpus, with reproduced value, interval, chance and published value.

Nothing published is drawn next to what was measured on stand-ins.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from common.report import formatting, tables
from common.report.records import Report
from common.scoring.histories import is_accuracy, of_history
from common.scoring.records import Comparison, Score
from common.scoring.verdicts import COMPARED

ACCENT, GREY, PALE = "#1f4e79", "#6b6b6b", "#d9d9d9"
WIDTH = 6.93  # inches, the width of the text on the page
_ROWS = 12  # lines of one drawing, which stays on one page
_Line = tuple[str, list[Comparison]]


def figures(report: Report) -> Iterator[tuple[Figure, str]]:
    """Draw a panel per metric and a line per experiment and corpus that has a score.

    An accuracy of single epochs has a line of its own in the panel of the accuracy. Drawings continue one another, on
    other pages if need be: each has the titles, and the last has the legend.
    """
    lines: list[_Line] = []
    for group in tables.groups(report):
        name = f"{group[0].experiment}/{group[0].variant}"
        pooled = [c for c in group if not of_history(c.metric)]
        several = len({c.corpus for c in pooled}) > 1
        for corpus in dict.fromkeys(c.corpus for c in pooled if c.score):
            label = f"{name}, {formatting.corpus_name(report, corpus)}" if several else name
            lines.append((label, [c for c in pooled if c.corpus == corpus]))
        epochs = [c for c in group if c.score and of_history(c.metric) and is_accuracy(c.metric)]
        lines += [(f"{name}, {c.metric}", [c]) for c in epochs]
    metrics = list(dict.fromkeys(c.metric for c in report.comparisons if not of_history(c.metric)))
    for chunk in (metrics[i : i + 3] for i in range(0, len(metrics), 3)):
        subject = ", ".join(formatting.metric_name(m) for m in chunk)
        shown = [line for line in lines if any(c.metric in chunk or of_history(c.metric) for c in line[1])]
        for start in range(0, len(shown), _ROWS):
            part = shown[start : start + _ROWS]
            yield _forest(part, chunk, start + _ROWS >= len(shown), report.comparable), subject


def fitted(text: str, inches: float, size: float) -> str:
    """Cut a text that is too wide for its place in type of `size` points."""
    most = int(inches * 72 / (0.43 * size))
    return text if len(text) <= most else f"{text[: most - 1].rstrip()}…"


def _forest(lines: Sequence[_Line], metrics: Sequence[str], last: bool, published: bool) -> Figure:
    above, below = 0.2, 0.42 if last else 0.05
    height = 0.125 * len(lines) + above + below
    figure = Figure(figsize=(WIDTH, height))
    names = [fitted(label, 2.45, 6) for label, _ in lines]
    grid = figure.add_gridspec(
        1, len(metrics), left=2.5 / WIDTH, right=0.985, bottom=below / height, top=1 - above / height, wspace=0.1
    )
    for column, metric in enumerate(metrics):
        axes = figure.add_subplot(grid[0, column])
        axes.set_title(formatting.metric_name(metric), color=ACCENT, pad=3)
        _forest_panel(axes, lines, metric, published)
        axes.set_ylim(len(lines) - 0.5, -0.5)
        axes.set_yticks(range(len(lines)), names if column == 0 else [""] * len(names), fontsize=6)
        axes.tick_params(axis="y", length=0)
        axes.tick_params(axis="x", labelsize=6, pad=2, length=2 if last else 0, labelbottom=last)
        axes.spines["left"].set_visible(False)
        axes.spines["bottom"].set_visible(last)
    if last:
        figure.legend(
            handles=_legend(published), loc="lower center", ncols=4, frameon=False, handletextpad=0.3,
            columnspacing=1.6, fontsize=7, borderaxespad=0,
        )  # fmt: skip
    return figure


def _forest_panel(axes: Axes, lines: Sequence[_Line], metric: str, published: bool) -> None:
    for y, (_, rows) in enumerate(lines):
        axes.axhline(y, color=PALE, linewidth=0.4, zorder=0)
        for c in rows:
            if c.metric != metric and not (metric == "accuracy" and of_history(c.metric)):
                continue
            if c.claim and published:
                comparable = c.verdict in COMPARED
                axes.plot(c.claim.value, y, "D", ms=4, mfc="white", mec="black" if comparable else "#a0a0a0", mew=0.8)
            if c.score:
                mark(axes, y, c.score)
    share_axis(axes)


def mark(axes: Axes, y: float, score: Score, whole: bool = True) -> None:
    """Draw at height `y` chance as a tick, the interval as a line and the value as a dot, hollow if not `whole`."""
    if score.chance is not None:
        axes.plot([score.chance] * 2, [y - 0.3, y + 0.3], color=GREY, linewidth=1.1)
    if score.low is not None and score.high is not None:
        axes.plot([score.low, score.high], [y, y], color=ACCENT, linewidth=1.3, solid_capstyle="butt")
    axes.plot(score.value, y, "o", ms=3.6, color=ACCENT, mfc=ACCENT if whole else "white", zorder=4)


def share_axis(axes: Axes) -> None:
    """Let x run from 0 to 1."""
    axes.set_xlim(-0.02, 1.02)
    axes.set_xticks([0, 0.25, 0.5, 0.75, 1], ["0", "0.25", "0.5", "0.75", "1"])


def key(reproduced: str) -> list[Line2D]:
    """Return the legend of `mark`."""
    return [
        Line2D([], [], marker="o", ms=3.6, color=ACCENT, linewidth=1.3, label=reproduced),
        Line2D([], [], marker="|", ms=7, color=GREY, linewidth=0, mew=1.1, label="chance"),
    ]


def _legend(published: bool) -> list[Line2D]:
    if not published:
        return key("measured, 95% interval")
    return [
        *key("reproduced, 95% interval"),
        Line2D([], [], marker="D", ms=5, mfc="white", mec="black", linewidth=0, label="published"),
        Line2D([], [], marker="D", ms=5, mfc="white", mec="#a0a0a0", linewidth=0, label="published, not comparable"),
    ]
