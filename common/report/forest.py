"""One row of a forest plot, as both reports draw it, the key above the plot, and names that fit beside it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from common.scoring.records import Score
from common.vision.picture_grid import BLUE, INK, PURPLE, RED


def fitted(text: str, inches: float, size: float) -> str:
    """Cut a text that is too wide for its place in type of `size` points."""
    most = int(inches * 72 / (0.43 * size))
    return text if len(text) <= most else f"{text[: most - 1].rstrip()}…"


def draw_row(
    axes: Axes,
    y: float,
    score: Score | None,
    control: Score | None,
    metadata: Score | None,
    *,
    whole: bool = True,
    printed: float | None = None,
    seeds: Sequence[float] = (),
) -> dict[str, Line2D]:
    """Draw a score with its interval, its controls and chance at height `y`; returns what was drawn by its name.

    The score is hollow if folds are missing, not `whole`. A `printed` number and the scores of `seeds` are drawn if
    given.
    """
    drawn: dict[str, Line2D] = {}
    if score is None:
        return drawn

    def plot(name: str, x: Sequence[float], marker: str = "None", apart: float = 0, **style: Any) -> None:
        heights = np.linspace(y - apart, y + apart, len(x))
        (drawn[name],) = axes.plot(x, heights, marker=marker, **{"linewidth": 0} | style)

    plot("UF1", [score.value], "o", ms=4.2, color=BLUE, mfc=BLUE if whole else "white", zorder=5)
    if score.low is not None and score.high is not None:
        plot("95% interval", [score.low, score.high], color=BLUE, linewidth=1.4, solid_capstyle="butt")
    if seeds:
        plot("one seed", seeds, "|", ms=5, color=BLUE, mew=0.7)
    if control is not None:
        plot("without motion", [control.value], "o", ms=4, color=RED, mfc="white", zorder=4)
    if metadata is not None:
        plot("metadata alone", [metadata.value], "x", ms=4, color=PURPLE, zorder=3)
    if score.chance is not None:
        plot("chance", [score.chance] * 2, apart=0.5, color=INK, linewidth=0.8, linestyle=(0, (3, 2)), zorder=1)
    if printed is not None:
        plot("printed", [printed], "D", ms=3.8, color=INK, mfc="white", zorder=6)
    return drawn


def draw_key(figure: Figure, drawn: Mapping[str, Line2D]) -> None:
    """Name above the plot what was drawn in it, and nothing else."""
    figure.legend(
        drawn.values(), drawn, loc="upper left", bbox_to_anchor=(0, 1), ncols=len(drawn) or 1, frameon=False,
        fontsize=6.5, handletextpad=0.3, columnspacing=1.0, borderaxespad=0, borderpad=0, handlelength=1.6,
    )  # fmt: skip
