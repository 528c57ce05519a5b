"""The figures of a report as SVG, with text kept as text: how they look, and the grid of confusion matrices."""

from __future__ import annotations

import io
import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from common.report import curve_charts, forest, formatting, subject_charts
from common.report.forest import GREY, WIDTH
from common.report.records import Report

_TIED = "\u00a0"  # a space at which no title breaks
ACROSS = 5
"""Confusion matrices in a row."""
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
    """One SVG figure: `subject` describes it, for its caption and its alternative text."""

    svg: bytes
    subject: str


def draw(report: Report) -> dict[str, list[Drawing]]:
    """Draw all figures of a report by kind: forest, confusions, subjects, curves; a list is empty if there is nothing.

    The drawings of a kind are the rows of one figure, to be printed below each other.
    """
    with matplotlib.rc_context(STYLE):
        return {
            "forest": [Drawing(svg(figure), subject) for figure, subject in forest.figures(report)],
            "confusions": list(_confusions(report)),
            "subjects": [Drawing(svg(figure), subject) for figure, subject in subject_charts.figures(report)],
            "curves": [Drawing(svg(figure), subject) for figure, subject in curve_charts.figures(report)],
        }


def svg(figure: Figure) -> bytes:
    """Return a figure as SVG: equal figures give equal bytes if they are drawn in `STYLE`."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None})
    return buffer.getvalue()


# ---------------------------------------------------------------- confusion matrices


MatrixPanel = tuple[str, tuple[str, ...], Any]
"""Title, classes and matrix (classes, classes)."""


def _confusions(report: Report) -> Iterator[Drawing]:
    """Rows of matrices: of each variant the paper's own first, where they may be compared, then the reproduced ones."""
    variants: dict[tuple[str, str], list[MatrixPanel]] = {(c.experiment, c.variant): [] for c in report.confusions}
    for p in report.paper.facts.get("confusions", ()) if report.comparable else ():
        title = f"{p['experiment']}/{p['variant']}\n{formatting.corpus_name(report, p['corpus'])}, "
        title += f"in the paper ({p['source'].replace(' ', _TIED)})"
        panel = title, tuple(p["classes"]), np.asarray(p["matrix"])
        variants.setdefault((p["experiment"], p["variant"]), []).append(panel)
    for c in report.confusions:
        answers = float(c.matrix.sum())
        title = f"{c.experiment}/{c.variant}\n{formatting.corpus_name(report, c.corpus)}, "
        title += formatting.many(c.clips, "clip").replace(" ", _TIED)
        title += ", " + formatting.many(answers, "prediction").replace(" ", _TIED) if answers != c.clips else ""
        variants[c.experiment, c.variant].append((title, c.classes, c.matrix))
    panels = [panel for of_variant in variants.values() for panel in of_variant]
    for row, figure in matrix_rows(panels):
        yield Drawing(svg(figure), "; ".join(dict.fromkeys(title.partition("\n")[0] for title, *_ in row)))


def matrix_rows(panels: Sequence[MatrixPanel]) -> Iterator[tuple[Sequence[MatrixPanel], Figure]]:
    """Draw panels in rows, the colour scale beside the first; each row with its panels."""
    for start in range(0, len(panels), ACROSS):
        row = panels[start : start + ACROSS]
        yield row, _matrices(row, scale=start == 0)


def _matrices(panels: Sequence[MatrixPanel], scale: bool) -> Figure:
    """Draw a row of square panels of one size; `scale` adds the colour scale after the last place."""
    pitch = (WIDTH - 0.3) / ACROSS
    lines = max(len(_title(title, pitch)) for title, *_ in panels)
    size, above, below = pitch - 0.3, 0.06 + 0.105 * lines, 0.2
    height = size + above + below
    figure = Figure(figsize=(WIDTH, height))

    def place(x: float, width: float, tall: float = size) -> Axes:
        return figure.add_axes((x / WIDTH, (height - above - tall) / height, width / WIDTH, tall / height))

    for i, (title, classes, matrix) in enumerate(panels):
        axes = place(i * pitch + 0.2, size)
        _matrix(axes, classes, np.asarray(matrix), size)
        axes.set_title("\n".join(_title(title, pitch)), fontsize=6, pad=3, color="#202020", linespacing=1.15)
    if scale:
        bar = place(ACROSS * pitch + 0.02, 0.07, min(size, 1.2))
        bar.imshow(np.linspace(1, 0, 128)[:, None], cmap="Blues", vmin=0, vmax=1, aspect="auto", extent=(0, 1, 0, 1))
        bar.set_xticks([])
        bar.set_yticks([0, 0.5, 1])
        bar.yaxis.tick_right()
        bar.tick_params(labelsize=6, length=0, pad=2)
        bar.spines[:].set_visible(False)
    return figure


def _title(title: str, pitch: float) -> list[str]:
    """The lines of a panel's title, wrapped to its place; nothing is left out."""
    letters = int((pitch - 0.06) * 72 / 3.1)
    parts = [part for line in title.split("\n") for part in textwrap.wrap(line, letters, break_on_hyphens=True)]
    return [part.replace(_TIED, " ") for part in parts]


def _matrix(axes: Axes, classes: Sequence[str], matrix: Any, size: float) -> None:
    """Counts above their percentage of the row; counts only where a panel of `size` inches has no room for both."""
    cell = size * 72 / len(classes)  # points
    counted = bool(np.issubdtype(matrix.dtype, np.integer))  # a paper may print fractions only
    matrix = matrix.astype(float)
    sums = matrix.sum(axis=1, keepdims=True)
    fractions = np.divide(matrix, sums, out=np.zeros_like(matrix), where=sums > 0)
    both = counted and cell >= 17
    axes.imshow(fractions, cmap="Blues", vmin=0, vmax=1)
    for i, j in np.ndindex(*matrix.shape):
        color = "white" if fractions[i, j] > 0.55 else "#202020"
        if counted:
            above = 0.14 if both else 0
            text = formatting.count(matrix[i, j])
            axes.text(j, i - above, text, ha="center", va="center", color=color, fontsize=6.5 if both else 5.5)
        if both or not counted:
            text = formatting.percent(matrix[i, j], sums[i, 0])
            axes.text(j, i + (0.24 if both else 0), text, ha="center", va="center", color=color, fontsize=4.8)
    short = shortened(classes, int(cell / 2.9))
    axes.set_xticks(range(len(classes)), short, fontsize=5.5)
    axes.set_yticks(range(len(classes)), short, fontsize=5.5, rotation=90, va="center")
    axes.tick_params(length=0, pad=1.5)
    axes.spines[:].set_visible(False)


def shortened(names: Sequence[str], letters: int) -> list[str]:
    """Cut names to this many letters, the last of them a full stop where something was cut."""
    most = max(letters, 3)
    return [name if len(name) <= most else f"{name[: most - 1].rstrip()}." for name in names]
