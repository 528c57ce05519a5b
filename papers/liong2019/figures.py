"""The two frames of a clip, and the flow and strain between them that the networks read."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas
from numpy.typing import NDArray

from common.contract import Figure, InputView, Settings
from common.types import Clip, Experiment, Samples
from common.vision.faces import FaceFinder
from papers.liong2019.preprocess import channels, pair

CHANNELS = {"horizontal flow": ("RdBu_r", -1.0), "vertical flow": ("RdBu_r", -1.0), "optical strain": ("viridis", 0.0)}
"""The channels in their order, with the colours in which they are shown and the lowest value; the highest is 1."""


def draw(clips: Sequence[tuple[Clip, int]], settings: Settings, faces: FaceFinder, folder: Path) -> list[Figure]:
    """Draw the first clip of each class of each corpus. Raises ClipError like `prepare`."""
    drawn = []
    for corpus in dict.fromkeys(clip.corpus for clip, _ in clips):
        by_class = {label: clip for clip, label in reversed(clips) if clip.corpus == corpus}
        shown = [by_class[label] for label in sorted(by_class)]
        drawn.append(_flows(shown, settings, faces, folder / f"flow-{corpus}.png"))
    return drawn


def results(experiment: Experiment, folder: Path) -> list[Figure]:
    """Nothing."""
    return []


def input_views(samples: Samples, settings: Settings) -> dict[str, InputView]:
    """Each channel as an image of its own, all with the same axes."""
    image = samples.x["flow"][0]
    pictures = [_coloured(image[..., place], *how) for place, how in enumerate(CHANNELS.values())]
    return {"flow": InputView((1, 2), np.stack(pictures), tuple(CHANNELS))}


def _coloured(values: NDArray[np.float32], colours: str, lowest: float) -> NDArray[np.uint8]:
    """An image of values from `lowest` to 1, RGB uint8 (height, width, 3)."""
    return np.asarray(mpl.colormaps[colours]((values - lowest) / (1 - lowest), bytes=True)[..., :3], np.uint8)


def _flows(clips: Sequence[Clip], settings: Settings, faces: FaceFinder, path: Path) -> Figure:
    page = Canvas(figsize=(7.2, 1.55 * len(clips)), layout="constrained")
    for axes, clip in zip(page.subplots(len(clips), 5, squeeze=False), clips, strict=True):
        onset, peak, place = pair(clip, settings.inputs, faces)
        image = channels(onset, peak, settings.inputs.size, settings.inputs.flow_method)
        _picture(axes[0], np.dstack([onset] * 3), f"onset, {clip.numbers[0]}")
        how = " (estimated)" if clip.apex is None else ""
        _picture(axes[1], np.dstack([peak] * 3), f"apex, {clip.numbers[place]}{how}")
        for axis, (number, (name, colours)) in zip(axes[2:], enumerate(CHANNELS.items()), strict=True):
            _picture(axis, _coloured(image[..., number], *colours), name)
        axes[0].set_ylabel(f"{clip.corpus}\n{clip.emotion}", fontsize=7)
    page.savefig(path, dpi=150)
    return Figure(
        f"Flow from onset to apex: {clips[0].corpus}",
        "The first clip of each class: its aligned face in the first frame and at the apex, with their numbers, and "
        f"what the networks read, {settings.inputs.size} x {settings.inputs.size} pixels. Red is flow to the right or "
        "down, blue to the left or up; bright strain is strong. Each clip has its own scale, unless next to nothing "
        "moves. Check the licence of a corpus before you share images of its subjects.",
        path,
    )


def _picture(axes: Axes, image: NDArray[np.uint8], title: str) -> None:
    axes.imshow(image, interpolation="nearest")
    axes.set_title(title, fontsize=7)
    axes.set_xticks([])
    axes.set_yticks([])
    axes.set_frame_on(False)
