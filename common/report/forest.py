"""How numbers are drawn: colours that all readers tell apart, a score with its interval, chance, and their legend."""

from __future__ import annotations

from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from common.scoring.records import Score
from common.vision.picture_grid import ACCENT, GREY


def fitted(text: str, inches: float, size: float) -> str:
    """Cut a text that is too wide for its place in type of `size` points."""
    most = int(inches * 72 / (0.43 * size))
    return text if len(text) <= most else f"{text[: most - 1].rstrip()}…"


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
