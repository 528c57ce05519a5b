"""The figures of the comparison. Contenders are identified by their number in the tables, in the given order."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Callable, Iterable, Sequence

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullLocator
from numpy.typing import NDArray

from common.report import charts, formatting
from common.report.charts import Drawing
from common.report.comparison_tables import MARK, corpora, finished, scored
from common.report.forest import ACCENT, GREY, PALE, WIDTH, key, mark, share_axis
from common.report.records import NetworkResult, SideBySide
from common.scoring.records import Score
from common.scoring.verdicts import METRICS

_NAME = 38  # letters of a name next to a line
_FAINT = "#a9bdd1"
_LABEL_POINTS = 6.5
_AXES: tuple[tuple[str, Callable[[NetworkResult], float | None]], ...] = (
    ("parameters (millions)", lambda c: _over(c.parameters, 1e6)),
    ("GFLOPs of one clip forward", lambda c: _over(c.flops, 1e9)),
    ("training seconds per fold", lambda c: c.seconds_per_fold),
)

_Array = NDArray[np.float64]
_Draw = Callable[[Axes, float, NetworkResult, str], None]  # axes, y, contender, metric


def draw(side: SideBySide) -> dict[str, list[Drawing]]:
    """Draw all figures by kind: forest, confusions, cost, spread; a list is empty if there is nothing to show."""
    with matplotlib.rc_context(charts.STYLE):
        return {
            "forest": list(_forest(side)),
            "confusions": list(_confusions(side)),
            "cost": list(_cost(side)),
            "spread": list(_spread(side)),
        }


# ---------------------------------------------------------------- one line per contender


def _forest(side: SideBySide) -> Iterable[Drawing]:
    if not any(c.scores.values() for c in side.contenders):
        return
    composite = corpora(side)[0]

    def put(axes: Axes, y: float, c: NetworkResult, metric: str) -> None:
        if score := scored(c, composite, metric):
            mark(axes, y, score, finished(c))

    handles = key("pooled value, 95% interval")
    if any(c.scores and not finished(c) for c in side.contenders):
        handles.append(_dot("folds missing", "white"))
    figure = _lines(side.contenders, METRICS, put, handles)
    for axes in figure.axes:
        share_axis(axes)
    yield Drawing(charts.svg(figure), ", ".join(map(formatting.metric_name, METRICS)))


def _spread(side: SideBySide) -> Iterable[Drawing]:
    metrics = [metric for metric in METRICS if any(c.spread.get(metric) for c in side.contenders)]
    if len(side.seeds) < 2 or not metrics:
        return

    def put(axes: Axes, y: float, c: NetworkResult, metric: str) -> None:
        values = c.spread.get(metric, ())
        if values:
            axes.plot([np.mean(values)] * 2, [y - 0.28, y + 0.28], color=GREY, linewidth=1.1)
            axes.plot(values, [y] * len(values), "o", ms=3.4, mfc="none", mec=ACCENT, mew=0.8, clip_on=False)

    handles = [_dot("one seed", "none"), key("")[1]]
    handles[1].set_label("mean of the seeds")
    figure = _lines(side.contenders, metrics, put, handles)
    for axes in figure.axes:
        axes.margins(x=0.08)
        axes.xaxis.set_major_locator(MaxNLocator(3, prune="both"))
    yield Drawing(charts.svg(figure), ", ".join(map(formatting.metric_name, metrics)))


def _dot(label: str, fill: str) -> Line2D:
    return Line2D([], [], marker="o", ms=3.6, mec=ACCENT, mfc=fill, linewidth=0, label=label)


def _lines(contenders: Sequence[NetworkResult], metrics: Sequence[str], put: _Draw, handles: list[Line2D]) -> Figure:
    """A panel per metric and a line per contender, as in the interval plot of a paper's report."""
    height = 0.14 * len(contenders) + 0.62
    figure = Figure(figsize=(WIDTH, height))
    names = [f"{i}{_mark(c)}. {_name(c, _NAME)}" for i, c in enumerate(contenders, 1)]
    left = 0.03 + 0.0075 * max(map(len, names))
    grid = figure.add_gridspec(
        1, len(metrics), left=left, right=0.985, bottom=0.4 / height, top=1 - 0.2 / height, wspace=0.1
    )
    for column, metric in enumerate(metrics):
        axes = figure.add_subplot(grid[0, column])
        axes.set_title(formatting.metric_name(metric), color=ACCENT)
        for y, c in enumerate(contenders):
            axes.axhline(y, color=PALE, linewidth=0.4, zorder=0)
            put(axes, y, c, metric)
        axes.set_ylim(len(contenders) - 0.4, -0.6)
        axes.set_yticks(range(len(contenders)), names if column == 0 else [""] * len(names), fontsize=7)
        axes.tick_params(axis="y", length=0)
        axes.tick_params(axis="x", labelsize=6.5, pad=2)
        axes.spines["left"].set_visible(False)
    figure.legend(handles=handles, loc="lower center", ncols=4, frameon=False, handletextpad=0.3, fontsize=7)
    return figure


def _name(c: NetworkResult, most: int) -> str:
    if " " in c.title or len(c.title) <= most:
        return textwrap.shorten(c.title, most, placeholder=" …")
    return f"{c.title[: most - 1]}…"


def _mark(c: NetworkResult) -> str:
    return MARK if c.scores and not finished(c) else ""


# ---------------------------------------------------------------- confusion matrices


def _confusions(side: SideBySide) -> Iterable[Drawing]:
    composite = formatting.corpus_name(side, next(iter(corpora(side)), ""))
    panels: list[charts.MatrixPanel] = []
    for i, c in enumerate(side.contenders, 1):
        if predictions := float(c.confusion.sum()):
            title = f"{i}{_mark(c)}. {_name(c, 20)}\n{c.paper}, {formatting.many(predictions, 'prediction')}"
            panels.append((title, side.classes, c.confusion))
    for _, figure in charts.matrix_rows(panels):
        yield Drawing(charts.svg(figure), composite)


# ---------------------------------------------------------------- cost against UF1


def _cost(side: SideBySide) -> Iterable[Drawing]:
    """Up to three panels of UF1 against a cost on a logarithmic axis; a cost that was not measured has none."""
    composite = next(iter(corpora(side)), "")
    known = [(i, c, s) for i, c in enumerate(side.contenders, 1) if (s := scored(c, composite, "uf1"))]
    panels = [(label, of) for label, of in _AXES if any(_positive(of(c)) for _, c, _ in known)]
    if not panels:
        return
    bounds = [v for _, _, s in known for v in (s.value, s.low, s.high, s.chance) if v is not None]
    height, left, above, below = 2.75, 0.42, 0.1, 0.42
    figure = Figure(figsize=(WIDTH, height), dpi=72)  # at 72 a pixel is a point
    pitch = (WIDTH - left) / len(_AXES)
    for column, (label, of) in enumerate(panels):
        axes = figure.add_axes(
            (
                (left + column * pitch) / WIDTH,
                below / height,
                (pitch - 0.16) / WIDTH,
                (height - above - below) / height,
            )
        )
        points = [(i, c, s, x) for i, c, s in known if (x := of(c)) is not None and _positive(x)]
        costs = [x for *_, x in points]
        room = max((max(costs) / min(costs)) ** 0.12, 1.6)
        axes.set_xscale("log")
        axes.set_xlim(min(costs) / room, max(costs) * room)
        axes.set_ylim(max(min(bounds) - 0.04, -0.02), min(max(bounds) + 0.04, 1.02))
        wide = max(costs) / min(costs) * room**2 > 30
        axes.xaxis.set_major_locator(LogLocator(subs=(1.0,) if wide else (1.0, 2.0, 5.0), numticks=6))
        axes.xaxis.set_minor_locator(NullLocator())
        axes.xaxis.set_major_formatter(FuncFormatter(lambda v, _: formatting.short(v)))
        axes.tick_params(labelsize=6.5, pad=2, labelleft=column == 0)
        axes.set_xlabel(label, fontsize=7.5, labelpad=2)
        for _, c, s, x in points:
            if s.low is not None and s.high is not None:
                axes.plot([x, x], [s.low, s.high], color=_FAINT, linewidth=0.9, zorder=1)
            axes.plot(x, s.value, "o", ms=3.6, color=ACCENT, mfc=ACCENT if finished(c) else "white", zorder=3)
        if (chance := max((s for *_, s in known), key=lambda s: s.n_clips).chance) is not None:
            axes.axhline(chance, color=GREY, linewidth=0.7, linestyle=(0, (3, 2)), zorder=0)
        _label(axes, [(x, s) for _, _, s, x in points], [f"{i}{_mark(c)}" for i, c, *_ in points])
    figure.axes[0].set_ylabel("UF1", fontsize=7.5)
    yield Drawing(charts.svg(figure), formatting.corpus_name(side, composite))


def _over(value: float | None, unit: float) -> float | None:
    return None if value is None else value / unit


def _positive(value: float | None) -> bool:
    return value is not None and math.isfinite(value) and value > 0


def _label(axes: Axes, points: Sequence[tuple[float, Score]], labels: Sequence[str]) -> None:
    """Write a label near each point (x, score), with a line to it if it is far away."""
    at = axes.transData.transform([(x, s.value) for x, s in points])
    spans = [(s.value if s.low is None else s.low, s.value if s.high is None else s.high) for _, s in points]
    low, high = (
        axes.transData.transform([(x, span[end]) for (x, _), span in zip(points, spans, strict=True)]) for end in (0, 1)
    )
    dots = np.concatenate([at, np.full_like(at, 4.5)], axis=1)
    intervals = np.concatenate([(low + high) / 2, np.abs(high - low) + np.array([0.9, 0.0])], axis=1)
    blocked = np.concatenate([dots, intervals])
    sizes = np.array([(0.62 * _LABEL_POINTS * len(label), _LABEL_POINTS) for label in labels])
    for point, (x, y), label in zip(at, spots(at, sizes, blocked, np.array(axes.bbox.extents)), labels, strict=True):
        far = math.dist(point, (x, y)) > 12
        axes.annotate(
            label,
            tuple(axes.transData.inverted().transform(point)),
            xytext=(x - point[0], y - point[1]),
            textcoords="offset points",
            ha="center",
            va="center",
            fontsize=_LABEL_POINTS,
            color="#202020",
            zorder=4,
            arrowprops={"arrowstyle": "-", "linewidth": 0.4, "color": GREY, "shrinkA": 2.5, "shrinkB": 2}
            if far
            else None,
        )


def spots(points: _Array, sizes: _Array, blocked: _Array, frame: _Array) -> _Array:
    """Return centres (n, 2) for labels of `sizes` (n, 2) near their `points` (n, 2), clear of each other and `blocked`.

    `blocked` (m, 4) has centre and size of everything else drawn, `frame` is left, bottom, right, top; all in points,
    1/72 inch. Each label in turn takes the nearest free place on rings around its point, or the one that covers least
    if none is free.
    """
    angles = np.deg2rad(np.arange(0, 360, 20))
    ring = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    around = np.concatenate([radius * ring for radius in (7.0, 9.0, 12.0, 16.0, 21.0, 27.0, 34.0, 42.0)])
    taken = blocked
    centres = np.zeros_like(points)
    for i, (point, size) in enumerate(zip(points, sizes, strict=True)):
        places = point + around
        apart = np.abs(places[:, None] - taken[:, :2]) - (size + 1 + taken[:, 2:]) / 2
        covered = np.prod(np.clip(-apart, 0, None), axis=2).sum(axis=1)
        outside = np.clip(np.concatenate([frame[:2] - (places - size / 2), places + size / 2 - frame[2:]], 1), 0, None)
        centres[i] = places[np.argmin(covered + 10 * outside.sum(axis=1))]
        taken = np.concatenate([taken, [[*centres[i], *size]]])
    return centres
