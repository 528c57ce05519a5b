"""The interval plot: per line a corpus of one experiment, reproduced value, interval, chance, published value."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import replace

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.transforms import Transform, blended_transform_factory

from common.protocols.controls import CONTROLS
from common.report import formatting, reliability_tables, tables
from common.report.records import Report
from common.scoring.histories import is_accuracy, of_history
from common.scoring.records import Comparison, Score
from common.scoring.verdicts import METRICS

ACCENT, GREY, PALE = "#1f4e79", "#6b6b6b", "#d9d9d9"
WIDTH = 6.5  # inches, the width of the text on the page
_ROWS = 38  # lines that fit a page
_Line = tuple[str, list[Comparison]]  # a heading has no comparisons


def figures(report: Report) -> Iterator[tuple[Figure, str]]:
    """Per metric one panel, per corpus one line; a new figure where lines or panels grow too many.

    An accuracy of single epochs has a line of its own in the panel of the accuracy.
    """
    if not any(c.score for c in report.comparisons):
        return
    lines: list[_Line] = []
    for group in tables.groups(report):
        lines.append((f"{group[0].experiment}/{group[0].variant}, {formatting.selection_name(group[0].selection)}", []))
        pooled = [c for c in group if not of_history(c.metric)]
        for corpus in dict.fromkeys(c.corpus for c in pooled):
            lines.append((formatting.corpus_name(report, corpus), [c for c in pooled if c.corpus == corpus]))
        lines += [(c.metric, [c]) for c in group if of_history(c.metric) and is_accuracy(c.metric)]
    metrics = list(dict.fromkeys(c.metric for c in report.comparisons if not of_history(c.metric)))
    for part in _parts(lines):
        for chunk in (metrics[i : i + 3] for i in range(0, len(metrics), 3)):
            yield _forest(part, chunk), ", ".join(formatting.metric_name(m) for m in chunk)


def controls(report: Report) -> Iterator[tuple[Figure, str]]:
    """The same panels for experiments whose controls have run: a line as it is, and one per control."""
    lines: list[_Line] = []
    for experiment, corpus, rows in reliability_tables.controlled(report):
        lines.append((f"{experiment.id}, {formatting.corpus_name(report, corpus)}", []))
        lines += [
            (name.replace("-", " "), [replace(c, claim=None) for c in rows[name].values()])
            for name in (reliability_tables.AS_IT_IS, *CONTROLS)
            if name in rows
        ]
    if lines:
        for part in _parts(lines):
            yield _forest(part, METRICS), ", ".join(formatting.metric_name(m) for m in METRICS)


def _parts(lines: Sequence[_Line]) -> Iterator[list[_Line]]:
    page: list[_Line] = []
    heading = None
    for line in lines:
        heading = line if not line[1] else heading
        full = len(page) >= _ROWS or (not line[1] and len(page) >= _ROWS - 2)
        if full:
            yield page
            page = [heading] if line[1] and heading else []
        page.append(line)
    yield page


def _forest(lines: Sequence[_Line], metrics: Sequence[str]) -> Figure:
    height = 0.2 * len(lines) + 0.85
    figure = Figure(figsize=(WIDTH, height))
    names = [textwrap.shorten(label, 36, placeholder=" …") if rows else "" for label, rows in lines]
    left = 0.03 + 0.0098 * max(len(name) for name in names)
    grid = figure.add_gridspec(
        1, len(metrics), left=left, right=0.985, bottom=0.58 / height, top=1 - 0.22 / height, wspace=0.1
    )
    first: Axes | None = None
    for column, metric in enumerate(metrics):
        axes = figure.add_subplot(grid[0, column], sharey=first)
        first = first or axes
        axes.set_title(formatting.metric_name(metric), color=ACCENT)
        _forest_panel(axes, lines, metric)
        axes.set_ylim(len(lines) - 0.4, -0.6)
        axes.tick_params(axis="y", length=0, labelleft=column == 0)
        axes.spines["left"].set_visible(False)
    if first is not None:
        first.set_yticks(range(len(lines)), names)
        for y, (label, rows) in enumerate(lines):
            if not rows:
                figure.text(
                    0.012, y, label, transform=_across(figure, first), va="center", weight="bold", color="#303030"
                )
    figure.legend(handles=_legend(), loc="lower center", ncols=4, frameon=False, handletextpad=0.3, columnspacing=1.6)
    return figure


def _across(figure: Figure, axes: Axes) -> Transform:
    """x in figure fractions, y in data."""
    return blended_transform_factory(figure.transFigure, axes.transData)


def _forest_panel(axes: Axes, lines: Sequence[_Line], metric: str) -> None:
    for y, (_, rows) in enumerate(lines):
        if rows:
            axes.axhline(y, color=PALE, linewidth=0.4, zorder=0)
        for c in rows:
            if c.metric != metric and not (metric == "accuracy" and of_history(c.metric)):
                continue
            if c.claim:
                comparable = c.verdict in {"MATCH", "CLOSE", "DIFFERS"}
                axes.plot(c.claim.value, y, "D", ms=5, mfc="white", mec="black" if comparable else "#a0a0a0", mew=0.8)
            if c.score:
                mark(axes, y, c.score)
    share_axis(axes)


def mark(axes: Axes, y: float, score: Score, whole: bool = True) -> None:
    """At height `y` chance as a tick, the interval as a line and the value as a dot; a hollow one if not `whole`."""
    if score.chance is not None:
        axes.plot([score.chance] * 2, [y - 0.3, y + 0.3], color=GREY, linewidth=1.1)
    if score.low is not None and score.high is not None:
        axes.plot([score.low, score.high], [y, y], color=ACCENT, linewidth=1.3, solid_capstyle="butt")
    axes.plot(score.value, y, "o", ms=3.6, color=ACCENT, mfc=ACCENT if whole else "white", zorder=4)


def share_axis(axes: Axes) -> None:
    """x from 0 to 1."""
    axes.set_xlim(-0.02, 1.02)
    axes.set_xticks([0, 0.25, 0.5, 0.75, 1], ["0", "0.25", "0.5", "0.75", "1"])


def key(reproduced: str) -> list[Line2D]:
    """The legend of `mark`."""
    return [
        Line2D([], [], marker="o", ms=3.6, color=ACCENT, linewidth=1.3, label=reproduced),
        Line2D([], [], marker="|", ms=7, color=GREY, linewidth=0, mew=1.1, label="chance"),
    ]


def _legend() -> list[Line2D]:
    return [
        *key("reproduced, 95% interval"),
        Line2D([], [], marker="D", ms=5, mfc="white", mec="black", linewidth=0, label="published"),
        Line2D([], [], marker="D", ms=5, mfc="white", mec="#a0a0a0", linewidth=0, label="published, not comparable"),
    ]
