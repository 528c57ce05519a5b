"""The figures of a report as SVG, and the grid of confusion matrices."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from common.report import curve_charts, first_page, formatting
from common.report.records import Report
from common.scoring.metrics import f1_by_class
from common.vision.picture_grid import INK, STYLE, WIDTH, svg

_TIED = "\u00a0"  # a space at which no title breaks
ACROSS = 5
"""Confusion matrices in a row."""


@dataclass(frozen=True)
class Drawing:
    """One SVG figure: `subject` describes it, for its caption and its alternative text."""

    svg: bytes
    subject: str


def draw(report: Report) -> dict[str, list[Drawing]]:
    """Draw all figures of a report by kind; a list is empty if there is nothing.

    Kinds: `network`, `experiments`, `confusion` and `motion` of the first page, `confusions` and `curves`. The drawings
    of a kind are the rows of one figure, to be printed below each other.
    """
    with matplotlib.rc_context(STYLE):
        panels = _panels(report)
        first = [panel for name, panel in panels if name == first_page.confusion_of(report)][:1]
        single = {
            "experiments": (first_page.experiments(report), "UF1 and accuracy by subject, one row per experiment"),
            "confusion": (_matrices(first, across=3, scale=False) if first else None, "confusion matrix"),
            "network": (first_page.network(report), "the layers of the network, from its input to the classes"),
            "motion": (first_page.against_motion(report), "UF1 against motion, one line per network"),
        }
        rows = matrix_rows([panel for _, panel in panels]) if len(panels) > 1 or not first else ()
        return {
            **{kind: [Drawing(svg(figure), subject)] if figure else [] for kind, (figure, subject) in single.items()},
            "confusions": [
                Drawing(svg(figure), "; ".join(dict.fromkeys(title.partition("\n")[0] for title, *_ in row)))
                for row, figure in rows
            ],
            "curves": [Drawing(svg(figure), subject) for figure, subject in curve_charts.figures(report)],
        }


# ---------------------------------------------------------------- confusion matrices


MatrixPanel = tuple[str, tuple[str, ...], Any]
"""Title, classes and matrix (classes, classes)."""


def _panels(report: Report) -> list[tuple[str, MatrixPanel]]:
    """The matrices of the first experiments with their ids: all their clips, and the paper's own if comparable."""
    shown = {row.name for row in first_page.shown_rows(report, first_page.PICTURED)}
    panels: dict[str, list[MatrixPanel]] = {}
    for c in report.confusions:
        name = f"{c.experiment}/{c.variant}"
        if name in shown and name not in panels:  # the first is that of all clips, the others are of single corpora
            title = f"{name}\n{formatting.corpus_name(report, c.corpus)}, {formatting.many(c.clips, 'clip')}"
            panels[name] = [(title.replace(" clip", f"{_TIED}clip"), c.classes, c.matrix)]
    for p in report.paper.facts.get("confusions", ()) if report.comparable else ():
        name = f"{p['experiment']}/{p['variant']}"
        title = f"{name}\n{formatting.corpus_name(report, p['corpus'])}, in the paper"
        title += f" ({p['source'].replace(' ', _TIED)})"
        panels.setdefault(name, []).append((title, tuple(p["classes"]), np.asarray(p["matrix"])))
    return [(name, panel) for name, of_variant in panels.items() for panel in of_variant]


def matrix_rows(panels: Sequence[MatrixPanel]) -> Iterator[tuple[Sequence[MatrixPanel], Figure]]:
    """Draw panels in rows, the colour scale beside the first; each row with its panels."""
    for start in range(0, len(panels), ACROSS):
        row = panels[start : start + ACROSS]
        yield row, _matrices(row, scale=start == 0)


def _matrices(panels: Sequence[MatrixPanel], scale: bool, across: int = ACROSS) -> Figure:
    """Draw a row of square panels of one size; `scale` adds the colour scale after the last place."""
    pitch = (WIDTH - 0.3) / across
    wide = WIDTH if across == ACROSS else pitch
    lines = max(len(_title(title, pitch)) for title, *_ in panels)
    size, above, below = pitch - 0.3, 0.06 + 0.105 * lines, 0.38
    height = size + above + below
    figure = Figure(figsize=(wide, height))

    def place(x: float, width: float, tall: float = size) -> Axes:
        return figure.add_axes((x / wide, (height - above - tall) / height, width / wide, tall / height))

    for i, (title, classes, matrix) in enumerate(panels):
        axes = place(i * pitch + 0.26, size)
        _matrix(axes, classes, np.asarray(matrix), size)
        axes.set_title("\n".join(_title(title, pitch)), fontsize=6, pad=3, color=INK, linespacing=1.15)
        axes.set_ylabel("true", fontsize=6, labelpad=4)
    if scale:
        bar = place(across * pitch + 0.02, 0.07, min(size, 1.2))
        bar.pcolormesh(np.linspace(0, 1, 33)[:, None], cmap="Blues", vmin=0, vmax=1)
        bar.set_xticks([])
        bar.set_yticks([0, 16.5, 33], ["0", "0.5", "1"])
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
    both = counted and cell >= 19

    def text(count: float, total: float) -> str:
        lines = [formatting.count(count)] if counted else []
        return "\n".join([*lines, formatting.percent(count, total)] if both or not counted else lines)

    texts = [[text(count, total) for count in row] for row, (total,) in zip(matrix, sums, strict=True)]
    squares(axes, 0, 0, fractions, texts, 6)
    axes.set_ylim(len(classes), 0)
    axes.set_aspect("equal")
    short = shortened(classes, int(cell / 3))
    places = np.arange(len(classes)) + 0.5
    f1 = [f"\n{formatting.number(value, 2)}" for value in f1_by_class(matrix, classes).values()]
    axes.set_xticks(places, [name + score * counted for name, score in zip(short, f1, strict=True)], fontsize=6)
    axes.set_xlabel("predicted, and F1" if counted else "predicted", fontsize=6, labelpad=1)
    axes.set_yticks(places, short, fontsize=6, rotation=90, va="center")
    axes.tick_params(length=0, pad=1.5)
    axes.spines[:].set_visible(False)


def squares(
    axes: Axes, left: float, top: float, values: Any, texts: Sequence[Sequence[str]], points: float = 6.5
) -> None:
    """Draw values (rows, columns) from 0 to 1 as squares of one unit with texts in them, sharp at any size.

    `left` and `top` place the first square, `points` is the size of the texts.
    """
    edges = (start + np.arange(count + 1) for start, count in zip((left, top), values.shape[::-1], strict=True))
    axes.pcolormesh(*edges, values, cmap="Blues", vmin=0, vmax=1, edgecolors="white", linewidth=0.6)
    for y, x in np.ndindex(*values.shape):
        color = "white" if values[y, x] > 0.55 else INK
        at = left + x + 0.5, top + y + 0.53
        axes.text(*at, texts[y][x], ha="center", va="center", color=color, fontsize=points)


def shortened(names: Sequence[str], letters: int) -> list[str]:
    """Cut names to this many letters, the last of them a full stop where something was cut."""
    most = max(letters, 3)
    return [name if len(name) <= most else f"{name[: most - 1].rstrip()}." for name in names]
