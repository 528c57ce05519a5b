"""What the network reads: the difference of the first clip of each class."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure as Canvas

from common.contract import Figure, InputView
from common.types import Clip, Experiment, Samples
from common.vision.faces import FaceFinder
from papers.apexdiff.experiments import BY_SUBJECT, Settings
from papers.apexdiff.preprocess import prepare


def draw(clips: Sequence[tuple[Clip, int]], settings: Settings, faces: FaceFinder, folder: Path) -> list[Figure]:
    """Draw the difference of the first clip of each class. Raises ClipError as `prepare`."""
    by_class = {label: clip for clip, label in reversed(clips)}
    page = Canvas(figsize=(2.2 * len(by_class), 2.4), layout="constrained")
    row = page.subplots(1, len(by_class), squeeze=False)[0]
    for axes, (label, clip) in zip(row, sorted(by_class.items()), strict=True):
        axes.imshow(prepare(clip, BY_SUBJECT, settings, faces)["difference"], cmap="gray", vmin=-0.2, vmax=0.2)
        axes.set_title(f"{BY_SUBJECT.labels.classes[label]}\n{clip.id}", fontsize=7)
        axes.set_axis_off()
    path = folder / "differences.png"
    page.savefig(path, dpi=150)
    caption = "The apex less the first frame, of the first clip of each class: grey is no change."
    return [Figure("What the network reads", caption, path)]


def results(experiment: Experiment, folder: Path) -> list[Figure]:
    """Pictures of what was learnt: there are none."""
    return []


def looks(samples: Samples, experiment: Experiment, settings: Settings) -> dict[str, InputView]:
    """The difference, with no change as grey."""
    grey = np.clip(128 + 640 * samples.x["difference"][:], 0, 255).astype(np.uint8)
    return {"difference": InputView((1, 2), np.repeat(grey, 3, axis=-1), ("apex less first frame",))}
