"""The training curves of a paper: the panels of a network side by side, to be drawn in `picture_grid.STYLE`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, ScalarFormatter

from common.report import first_page
from common.report.forest import fitted
from common.report.records import Curve, Report
from common.vision.picture_grid import ACCENT, COLOURS, GREY, INK, WIDTH

_ACROSS = 6
_KINDS = ("loss", "accuracy", "learning_rate")
_COLORS = (*COLOURS, "#56b4e9", "#b07d00")


@dataclass(frozen=True)
class _Panel:
    """A metric of one network: the curves of its outputs, of training and of the held-out clips."""

    metric: str
    curves: tuple[tuple[str, Curve], ...]


@dataclass(frozen=True)
class _Network:
    name: str
    panels: tuple[_Panel, ...]
    outputs: tuple[str, ...]

    @property
    def places(self) -> int:
        """How many places its panels take, with one for the names of several outputs."""
        return len(self.panels) + bool(self.outputs)


def figures(report: Report) -> Iterator[tuple[Figure, str]]:
    """Draw the networks in rows of panels of one size; one that was trained for a single epoch has no curve."""
    shown = {row.name for row in first_page.shown_rows(report, first_page.PICTURED)}
    row: list[_Network] = []
    for network in _networks([c for c in report.curves if f"{c.experiment}/{c.variant}" in shown]):
        if row and sum(n.places for n in row) + network.places > _ACROSS:
            yield _row(row), ", ".join(n.name for n in row)
            row = []
        row.append(network)
    if row:
        yield _row(row), ", ".join(n.name for n in row)


def _networks(curves: Sequence[Curve]) -> Iterator[_Network]:
    by_network: dict[tuple[str, str, str], list[Curve]] = {}
    for curve in curves:
        if curve.epochs > 1:
            by_network.setdefault((curve.experiment, curve.variant, curve.stage), []).append(curve)
    for (experiment, variant, stage), group in by_network.items():
        panels: dict[str, list[tuple[str, Curve]]] = {}
        several = len({_split(c.plain_metric)[0] for c in group} - {""}) > 1
        for curve in group:
            output, kind = _split(curve.plain_metric)
            if kind == "learning_rate" and len({value for fold in curve.folds for value in fold}) == 1:
                continue
            whole = f"{kind}, all outputs" if several and not output else kind
            panels.setdefault(whole, []).append((output if several else "", curve))
        outputs = tuple(dict.fromkeys(output for of_kind in panels.values() for output, _ in of_kind if output))
        name = f"{experiment}/{variant}" + (f", {stage}" if stage != "network" else "")
        if panels:
            kinds = sorted(panels, key=lambda kind: (kind.partition(",")[0] != "loss", kind))
            shown = tuple(_Panel(kind, tuple(panels[kind])) for kind in kinds)
            yield _Network(name, shown[:_ACROSS], outputs if len(shown) < _ACROSS else ())


def _split(metric: str) -> tuple[str, str]:
    """The output and the kind of a metric: `left_eye_loss` is (left_eye, loss)."""
    for kind in _KINDS:
        if metric.endswith(f"_{kind}"):
            return metric.removesuffix(f"_{kind}"), kind
    return "", metric


def _row(networks: Sequence[_Network]) -> Figure:
    pitch, above, size, below = WIDTH / _ACROSS, 0.27, 0.5, 0.27
    height = above + size + below
    figure = Figure(figsize=(WIDTH, height))
    place = 0
    for network in networks:
        title = fitted(network.name, network.places * pitch - 0.1, 6.5)
        top = 1 - 0.02 / height
        figure.text((place * pitch + 0.02) / WIDTH, top, title, fontsize=6.5, va="top", color=ACCENT)
        colors = {output: _COLORS[i % len(_COLORS)] for i, output in enumerate(network.outputs)}
        for panel in network.panels:
            left = place * pitch + 0.25
            axes = figure.add_axes((left / WIDTH, below / height, (pitch - 0.31) / WIDTH, size / height))
            _panel(axes, panel, colors)
            place += 1
        for i, output in enumerate(network.outputs):
            x, y = (place * pitch + 0.06) / WIDTH, (below + size - 0.095 * i) / height
            name = fitted(output.replace("_", " "), pitch - 0.08, 6)
            figure.text(x, y, name, fontsize=6, va="top", color=colors[output])
        place += bool(network.outputs)
    return figure


def _panel(axes: Axes, panel: _Panel, colors: dict[str, str]) -> None:
    for output, curve in panel.curves:
        _curve(axes, curve, colors.get(output, ""))
    axes.set_title(panel.metric.replace("_", " "), fontsize=6, pad=2)
    axes.set_xlabel("epoch", fontsize=6, labelpad=0)
    axes.tick_params(labelsize=6, pad=1.2, length=1.8)
    axes.xaxis.set_major_locator(MaxNLocator(nbins=4, integer=True, min_n_ticks=1))
    axes.yaxis.set_major_locator(MaxNLocator(nbins=3))
    axes.yaxis.set_major_formatter(ScalarFormatter(useOffset=False))


def _curve(axes: Axes, curve: Curve, color: str) -> None:
    """The median of the folds, dashed for held-out clips; folds as thin lines where the network has one output."""
    held_out, table = curve.held_out, curve.table()
    epochs = np.arange(1, curve.epochs + 1)
    if len(table) > 1 and not color:
        axes.plot(epochs, table.T, color=GREY, alpha=max(0.15, 0.6 / len(table) ** 0.4), linewidth=0.4)
    known = ~np.isnan(table).all(axis=0)
    median = np.nanmedian(table[:, known], axis=0)
    style = (0, (2, 1.2)) if held_out else "-"
    own = color or (INK if held_out else ACCENT)
    axes.plot(epochs[known], median, color=own, linestyle=style, linewidth=0.9 if color or held_out else 1.2)
