"""The figure of the training curves."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchmarks.full_study.results import CASES

ACROSS = 4


def draw(networks: Mapping[str, Mapping[str, Any]], path: Path) -> None:
    """Draw the training loss of each network by epoch as SVG, one panel per network and one line per stage.

    The loss of the first epoch may lie above its panel, which is scaled to the others.

    A linear classifier has no panel. Nothing is drawn without a network.
    """
    import matplotlib as mpl
    from matplotlib.figure import Figure

    measured = [network for network in CASES if network in networks and networks[network]["history"]]
    if not measured:
        return
    down = -(-len(measured) // ACROSS)
    with mpl.rc_context({"svg.hashsalt": "full study", "font.size": 7}):
        figure = Figure(figsize=(8.4, 1.8 * down), layout="constrained")
        panels = figure.subplots(down, ACROSS, squeeze=False)
        for panel, network in zip(panels.flat, measured, strict=False):
            curves = {name: loss for name, loss in networks[network]["history"].items() if name.endswith(": loss")}
            for name, loss in curves.items():
                panel.plot(range(1, len(loss) + 1), loss, linewidth=1, label=name.removesuffix(": loss"))
            panel.set(title=network, ylim=(0, 1.1 * max(max(loss[1:] or loss) for loss in curves.values())))
            if len(curves) > 1:
                panel.legend(fontsize=6, frameon=False)
        for panel in panels.flat[len(measured) :]:
            panel.set_visible(False)
        for panel in panels[-1]:
            panel.set_xlabel("epoch")
        for panel in panels[:, 0]:
            panel.set_ylabel("training loss")
        path.parent.mkdir(parents=True, exist_ok=True)
        figure.savefig(path, format="svg", metadata={"Date": None})
