"""The figures of the page as SVG, with text kept as text. Labels with numbers come from `tables`."""

from __future__ import annotations

import io
import textwrap
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, ScalarFormatter

from common.protocols.splits import LOSO
from common.report import forest, formatting
from common.report.forest import ACCENT, GREY, WIDTH
from common.report.records import Curve, Report, SubjectRow

_HELD_OUT = "val_"  # how a history names what Keras measures on the held-out clips
_CURVES_ACROSS = 4
STYLE: Any = {
    "font.family": ["STIXGeneral", "DejaVu Sans"],
    "font.size": 8,
    "axes.titlesize": 8.5,
    "axes.titleweight": "normal",
    "axes.linewidth": 0.5,
    "axes.edgecolor": GREY,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "xtick.major.width": 0.5,
    "ytick.major.width": 0.5,
    "xtick.major.size": 2.5,
    "ytick.major.size": 2.5,
    "xtick.color": "#303030",
    "ytick.color": "#303030",
    "svg.fonttype": "none",
    "svg.hashsalt": "report",  # equal input, equal bytes
    "text.parse_math": False,  # a $ in a name is a $
}


@dataclass(frozen=True)
class Drawing:
    """One SVG figure: `subject` says what it is about, for its caption and its alternative text."""

    svg: bytes
    subject: str


def draw(report: Report) -> dict[str, list[Drawing]]:
    """All figures of a report by kind: forest, controls, confusions, subjects, curves; empty where there is nothing."""
    with matplotlib.rc_context(STYLE):
        return {
            "forest": [Drawing(svg(figure), subject) for figure, subject in forest.figures(report)],
            "controls": [Drawing(svg(figure), subject) for figure, subject in forest.controls(report)],
            "confusions": list(_confusions(report)),
            "subjects": list(_subjects(report)),
            "curves": list(_curves(report)),
        }


def svg(figure: Figure) -> bytes:
    """A figure as SVG: equal figures, equal bytes, where it is drawn in `STYLE`."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None})
    return buffer.getvalue()


# ---------------------------------------------------------------- confusion matrices


MatrixPanel = tuple[str, tuple[str, ...], Any]
"""Title, classes and matrix (classes, classes)."""


def _confusions(report: Report) -> Iterator[Drawing]:
    """Of each variant the paper's matrices first, ours after them; the variants of an experiment share a figure.

    A variant that fills a row of panels by itself has a figure of its own.
    """
    experiments: dict[str, dict[str, list[MatrixPanel]]] = {}
    for p in report.paper.facts.get("confusions", ()):
        title = f"in the paper ({p['source']})\n{formatting.corpus_name(report, p['corpus'])}"
        panels = experiments.setdefault(p["experiment"], {}).setdefault(p["variant"], [])
        panels.append((title, tuple(p["classes"]), np.asarray(p["matrix"], float)))
    for c in report.confusions:
        answers = float(c.matrix.sum())
        title = f"{c.variant}\n{formatting.corpus_name(report, c.corpus)}, {formatting.count(c.clips)} clips"
        title += f", {formatting.count(answers)} answers" if answers != c.clips else ""
        experiments.setdefault(c.experiment, {}).setdefault(c.variant, []).append((title, c.classes, c.matrix))
    order = {c.experiment: None for c in report.confusions} | dict.fromkeys(experiments)
    for experiment in order:
        variants = experiments[experiment]
        whole = [panel for panels in variants.values() for panel in panels]
        across = 4 if max(len(classes) for _, classes, _ in whole) <= 4 else 2
        apart = any(len(panels) >= across for panels in variants.values())
        shown = {f"{experiment}/{name}": panels for name, panels in variants.items()} if apart else {experiment: whole}
        for name, panels in shown.items():
            for i in range(0, len(panels), 4 * across):
                yield Drawing(svg(matrices(panels[i : i + 4 * across], across)), name)


def matrices(panels: Sequence[MatrixPanel], across: int) -> Figure:
    """Square panels of one size, laid out in inches; the scale stands beside the first row."""
    down = -(-len(panels) // across)
    pitch = (WIDTH - 0.4) / across
    size, above, below = pitch - 0.36, 0.34, 0.24
    height = down * (size + above + below)
    figure = Figure(figsize=(WIDTH, height))

    def place(x: float, row: int, width: float, tall: float = size) -> Axes:
        bottom = height - row * (size + above + below) - above - tall
        return figure.add_axes((x / WIDTH, bottom / height, width / WIDTH, tall / height))

    for i, (title, classes, matrix) in enumerate(panels):
        row, column = divmod(i, across)
        letters = 10 if size > 1 else 6
        _matrix(place(column * pitch + 0.25, row, size), title, classes, np.asarray(matrix, float), letters)
    scale = place(min(len(panels), across) * pitch + 0.1, 0, 0.07, min(size, 1.2))
    scale.imshow(np.linspace(1, 0, 128)[:, None], cmap="Blues", vmin=0, vmax=1, aspect="auto", extent=(0, 1, 0, 1))
    scale.set_xticks([])
    scale.set_yticks([0, 0.5, 1])
    scale.yaxis.tick_right()
    scale.tick_params(labelsize=6.5, length=0, pad=2)
    scale.spines[:].set_visible(False)
    return figure


def _matrix(axes: Axes, title: str, classes: Sequence[str], matrix: Any, letters: int) -> None:
    sums = matrix.sum(axis=1, keepdims=True)
    shares = np.divide(matrix, sums, out=np.zeros_like(matrix), where=sums > 0)
    counted = bool(np.all(matrix == np.floor(matrix)) and matrix.max() > 1)  # a paper may print shares alone
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    for i, j in np.ndindex(*matrix.shape):
        color = "white" if shares[i, j] > 0.55 else "#202020"
        share = formatting.percent(matrix[i, j], sums[i, 0])
        if counted:
            axes.text(j, i - 0.12, formatting.count(matrix[i, j]), ha="center", va="center", color=color, fontsize=8.5)
        axes.text(j, i + (0.24 if counted else 0), share, ha="center", va="center", color=color, fontsize=6)
    short = [
        textwrap.shorten(c, letters, placeholder="…")
        if " " in c
        else c
        if len(c) <= letters
        else f"{c[: letters - 1]}."
        for c in classes
    ]
    axes.set_xticks(range(len(classes)), short, fontsize=6.5)
    axes.set_yticks(range(len(classes)), short, fontsize=6.5, rotation=90, va="center")
    axes.tick_params(length=0, pad=2)
    axes.spines[:].set_visible(False)
    axes.set_title(title, fontsize=7.5, pad=3, color="#202020")


# ---------------------------------------------------------------- subjects


def _by_variant(rows: Iterable[SubjectRow]) -> Iterator[tuple[str, list[SubjectRow]]]:
    groups: dict[str, list[SubjectRow]] = {}
    for row in rows:
        groups.setdefault(f"{row.experiment}/{row.variant}", []).append(row)
    yield from groups.items()


def _subjects(report: Report) -> Iterator[Drawing]:
    by_subject = {e.id for e in report.paper.experiments if e.protocol == LOSO}
    for name, rows in _by_variant(report.subjects):
        if len(rows) > 1 and name in by_subject:  # what a split by clip holds out of a subject is chance
            yield Drawing(svg(_subject_panel(report, rows)), name)


def _subject_panel(report: Report, rows: Sequence[SubjectRow]) -> Figure:
    """Above, the share correct per subject; below, how many clips it stands on."""
    crowded = len(rows) > 12
    names = [r.subject.partition("/")[2] or r.subject for r in rows]
    below = 0.12 + 0.055 * max(map(len, names)) if crowded else 0.22
    height = 1.9 + below
    figure = Figure(figsize=(WIDTH, height))
    width = min(0.93, 0.1 + 0.06 * len(rows))  # few subjects need no full width
    grid = figure.add_gridspec(
        2, 1, height_ratios=(3, 1), left=0.06, right=0.06 + width, top=1 - 0.22 / height, bottom=below / height
    )
    upper, lower = figure.add_subplot(grid[0]), figure.add_subplot(grid[1])
    x = np.arange(len(rows))
    n, correct = np.array([r.n_clips for r in rows]), np.array([r.n_correct for r in rows])
    share = np.divide(correct, n, out=np.full(len(rows), np.nan), where=n > 0)
    upper.vlines(x, 0, share, color=ACCENT, linewidth=0.6)
    upper.plot(x, share, "o", ms=3, color=ACCENT, clip_on=False)
    lower.bar(x, n, width=0.7, color="#a9bdd1")
    upper.set_ylim(0, 1)
    upper.set_yticks([0, 0.5, 1])
    upper.set_ylabel("share correct")
    lower.set_ylabel("clips")
    upper.set_xticks([])
    lower.set_xticks(x, names, rotation=90 if crowded else 0, fontsize=min(7.0, 420 / len(rows)))
    for axes in (upper, lower):
        axes.set_xlim(-0.6, len(rows) - 0.4)
    start = 0
    for corpus, members in groupby(r.subject.partition("/")[0] if "/" in r.subject else "" for r in rows):
        end = start + len(list(members))
        if start:
            for axes in (upper, lower):
                axes.axvline(start - 0.5, color=GREY, linewidth=0.5, linestyle=(0, (3, 2)))
        upper.text(
            (start + end - 1) / 2, 1.08, formatting.corpus_name(report, corpus), ha="center", va="bottom", fontsize=8
        )
        start = end
    figure.align_ylabels([upper, lower])
    return figure


# ---------------------------------------------------------------- training curves

_Panel = tuple[str, list[Curve]]  # a title and one curve, or the one of training and the one of the held-out clips


def _curves(report: Report) -> Iterator[Drawing]:
    """Per experiment small panels, one of each variant, stage and metric; what is held out is in that of training.

    What was trained for a single epoch has no curve.
    """
    by_experiment: dict[str, dict[tuple[str, ...], list[Curve]]] = {}
    for curve in report.curves:
        if max(map(len, curve.folds), default=0) > 1:  # one epoch is no curve
            key = (curve.variant, curve.stage, curve.metric.removeprefix(_HELD_OUT))
            by_experiment.setdefault(curve.experiment, {}).setdefault(key, []).append(curve)
    for experiment, panels in by_experiment.items():
        shown = [(f"{v}\n{stage}: {m.replace('_', ' ')}", both) for (v, stage, m), both in panels.items()]
        for i in range(0, len(shown), 6 * _CURVES_ACROSS):
            yield Drawing(svg(_curve_panels(shown[i : i + 6 * _CURVES_ACROSS])), experiment)


def _curve_panels(panels: Sequence[_Panel]) -> Figure:
    """Panels of one size, laid out in inches."""
    down = -(-len(panels) // _CURVES_ACROSS)
    pitch, above, size, below = WIDTH / _CURVES_ACROSS, 0.34, 0.8, 0.24
    height = down * (above + size + below) + 0.1
    figure = Figure(figsize=(WIDTH, height))
    for i, (title, curves) in enumerate(panels):
        row, column = divmod(i, _CURVES_ACROSS)
        bottom = height - row * (above + size + below) - above - size
        axes = figure.add_axes(((column * pitch + 0.3) / WIDTH, bottom / height, (pitch - 0.4) / WIDTH, size / height))
        for curve in curves:
            _curve(axes, curve)
        axes.set_title("\n".join(textwrap.shorten(part, 32, placeholder="…") for part in title.split("\n")), pad=3)
        axes.title.set_fontsize(7)
        axes.tick_params(labelsize=6, pad=1.5)
        axes.xaxis.set_major_locator(MaxNLocator(nbins=5, integer=True, min_n_ticks=1))
        axes.yaxis.set_major_locator(MaxNLocator(nbins=4))
        axes.yaxis.set_major_formatter(ScalarFormatter(useOffset=False))
        if i + _CURVES_ACROSS >= len(panels):
            axes.set_xlabel("epoch", fontsize=6.5, labelpad=1)
    return figure


def _curve(axes: Axes, curve: Curve) -> None:
    """Folds as thin lines and their median; dashed and dark where it is that of the held-out clips."""
    held_out = curve.metric.startswith(_HELD_OUT)
    epochs = np.arange(1, max(map(len, curve.folds)) + 1)
    table = np.full((len(curve.folds), len(epochs)), np.nan)
    for row, fold in zip(table, curve.folds, strict=True):
        row[: len(fold)] = fold
    if len(table) > 1:
        axes.plot(epochs, table.T, color=GREY, alpha=max(0.15, 0.6 / len(table) ** 0.4), linewidth=0.5)
    known = ~np.isnan(table).all(axis=0)
    median = np.nanmedian(table[:, known], axis=0)
    if held_out:
        axes.plot(epochs[known], median, color="#202020", linestyle=(0, (2, 1.2)), linewidth=1.0)
    else:
        axes.plot(epochs[known], median, color=ACCENT, linewidth=1.4)
