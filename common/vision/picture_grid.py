"""How all figures look, which are SVG at the size of the page with text kept as text, and grids of images."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from itertools import cycle
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas
from matplotlib.patches import Rectangle
from numpy.typing import NDArray

from common.contract import Figure

ACCENT, GREY, PALE, INK = "#1f4e79", "#5a5a5a", "#e3e3e3", "#202020"
BLUE, RED, GREEN, PURPLE = "#0072b2", "#d55e00", "#007a5a", "#a64d79"
"""Colours of Okabe and Ito, green and purple darkened so that small signs have enough contrast."""
COLOURS = (BLUE, RED, GREEN, PURPLE, INK)
_DASHES = ("-", "--", "-.", ":", (0, (5, 1, 1, 1, 1, 1)))
"""Of lines in one chart, so that they can be told apart without colour, too."""
WIDTH, HALF = 6.93, 3.34
"""Inches: the text on the page, and half of it, for two figures side by side."""
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
    "xtick.color": INK,
    "ytick.color": INK,
    "svg.fonttype": "none",
    "svg.hashsalt": "report",  # equal input, equal bytes
    "text.parse_math": False,  # a $ in a name is a $
}
PAPER_STYLE: Any = STYLE | {
    **dict.fromkeys(("font.size", "axes.titlesize", "axes.labelsize"), 7),
    **dict.fromkeys(("xtick.labelsize", "ytick.labelsize"), 6.5),
    **dict.fromkeys(("xtick.major.pad", "ytick.major.pad", "axes.labelpad"), 2),
    "axes.titlepad": 3,
    "lines.linewidth": 1.1,
    "lines.markersize": 2.6,
}
"""The style in which a paper's `figures.py` draws."""
_TALL, _LOWEST = 3.3, 0.7
"""Inches: the height of a grid, unless its rows would be lower than the second number."""
_LINE, _GAP = 0.125, 0.06
"""Inches: a line of text; between two images."""
_DPI = 180
"""Pixels of images per inch; lines and text have none."""


def svg(figure: Canvas) -> bytes:
    """Return a figure as SVG: equal figures give equal bytes if they are drawn in `STYLE`."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="svg", dpi=_DPI, metadata={"Date": None, "Creator": None})
    return buffer.getvalue()


def drawn(page: Canvas, path: Path, title: str, caption: str) -> Figure:
    """Write a figure of a paper to an SVG file, in a folder that is made if it is missing."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(svg(page))
    return Figure(title, caption, path)


def grid(
    rows: int, shapes: Sequence[float], heads: Sequence[str] = (), below: int = 1, beside: int = 1, tall: float = _TALL
) -> tuple[Canvas, NDArray[Any]]:
    """Return a page and its axes (rows, columns), all equally high and as wide as `shapes` (width by height) say.

    `heads` stand above the columns. There is room for lines of text: `below` each row, and `beside` it on its left. The
    page is at most `WIDTH` inches wide and about `tall` inches high.
    """
    head = _LINE * max((text.count("\n") + 1 for text in heads), default=0) + 0.03
    left, foot = _LINE * beside + 0.03, _LINE * below + 0.03
    spare = WIDTH - left - _GAP * (len(shapes) - 1)
    high = min(spare / sum(shapes), max((tall - head) / rows - foot, _LOWEST))
    wide, height = WIDTH - spare + high * sum(shapes), head + rows * (high + foot)
    page, lefts = Canvas(figsize=(wide, height)), [left + high * sum(shapes[:i]) + _GAP * i for i in range(len(shapes))]
    for text, x, shape in zip(heads, lefts, shapes, strict=False):
        for line, part in enumerate(text.split("\n")):
            page.text((x + high * shape / 2) / wide, 1 - _LINE * (line + 0.8) / height, part, ha="center")

    def place(row: int, x: float, shape: float) -> Axes:
        y = height - head - high - row * (high + foot)
        return page.add_axes((x / wide, y / height, high * shape / wide, high / height))

    axes = [place(row, x, shape) for row in range(rows) for x, shape in zip(lefts, shapes, strict=True)]
    return page, np.array(axes).reshape(rows, len(shapes))


def curves(
    lines: Mapping[str, NDArray[np.float64]],
    across: tuple[str, Sequence[int]],
    upwards: str,
    size: tuple[float, float, float],
    limits: tuple[float, float] | None = None,
) -> tuple[Canvas, Axes]:
    """Draw a line for each name, which stands at its end, with a colour and dashes of its own.

    `across` names the x-axis and has its values, `upwards` names the y-axis, which ends at `limits`. `size` are inches:
    width and height of the page, and width of the names. Each line has a finite value.
    """
    (name, places), (wide, high, names) = across, size
    page = Canvas(figsize=(wide, high))
    axes = page.add_axes((0.42 / wide, 0.34 / high, (wide - 0.5 - names) / wide, (high - 0.42) / high))
    for values, colour, dashes in zip(lines.values(), cycle(COLOURS), cycle(_DASHES), strict=False):
        marker = "" if len(values) > 30 else "o"
        axes.plot(places[: len(values)], values, color=colour, linestyle=dashes, marker=marker, clip_on=False)
    axes.set(xlabel=name, ylabel=upwards, ylim=limits)
    bottom, top = axes.get_ylim()
    ends = apart([v[np.isfinite(v)][-1] for v in lines.values()], (top - bottom) * 0.1 / (high - 0.42), bottom, top)
    for text, y, colour in zip(lines, ends, cycle(COLOURS), strict=False):
        at: Any = ("axes fraction", "data")
        axes.annotate(text, (1, y), (4, 0), at, "offset points", color=colour, size=6.5, va="center")
    return page, axes


def show(axes: Axes, image: NDArray[np.uint8], below: str = "", beside: str = "") -> None:
    """Show an image, RGB (height, width, 3) or grey (height, width), with texts but without ticks and frame."""
    axes.imshow(image, cmap="gray", vmin=0, vmax=255)
    axes.set(xticks=[], yticks=[], frame_on=False, xlabel=below)
    axes.set_ylabel(beside, linespacing=1)


def box(axes: Axes, left: float, right: float, top: float, bottom: float, colour: str, name: str = "") -> None:
    """Draw the outline of a part of an image, in its pixels, with a name inside."""
    axes.add_patch(Rectangle((left, top), right - left, bottom - top, fill=False, color=colour, linewidth=1.1))
    label = axes.annotate(name, (left, top), (1.5, -1.5), textcoords="offset points", color=colour, size=6, va="top")
    label.set(linespacing=1, bbox={"facecolor": "white", "alpha": 0.8, "pad": 0.6, "linewidth": 0})


def apart(values: Sequence[float], least: float, low: float = 0.0, high: float = 1.0) -> list[float]:
    """Heights of labels near their values, at least so far apart and within `low` and `high`."""
    order = np.argsort(values, kind="stable")
    heights = [0.0] * len(values)
    below = low - least
    for i in order:
        below = heights[i] = max(values[i], below + least)
    above = high + least
    for i in reversed(order):
        above = heights[i] = min(heights[i], above - least)
    return heights
