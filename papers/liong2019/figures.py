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
from common.vision.images import frames_of
from papers.liong2019.experiments import Inputs
from papers.liong2019.preprocess import channels, pair, prepare

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
    image = _in_range(samples.x["flow"][0], settings.inputs)
    pictures = [_coloured(image[..., place], *how) for place, how in enumerate(CHANNELS.values())]
    return {"flow": InputView((1, 2), np.stack(pictures), tuple(CHANNELS))}


def _in_range(image: NDArray[np.float32], inputs: Inputs) -> NDArray[np.float32]:
    """The channels in the range of their colours. The zero of a map is lost; the middle of its values stands for it."""
    if inputs.source == "faces":
        return image
    return np.asarray(image / np.array([127.5, 127.5, 255]) - np.array([1, 1, 0]), np.float32)


def _coloured(values: NDArray[np.float32], colours: str, lowest: float) -> NDArray[np.uint8]:
    """An image of values from `lowest` to 1, RGB uint8 (height, width, 3)."""
    return np.asarray(mpl.colormaps[colours]((values - lowest) / (1 - lowest), bytes=True)[..., :3], np.uint8)


def _flows(clips: Sequence[Clip], settings: Settings, faces: FaceFinder, path: Path) -> Figure:
    inputs = settings.inputs
    maps = inputs.source == "maps"
    columns = len(CHANNELS) if maps else 2 + len(CHANNELS)
    page = Canvas(figsize=(1.44 * columns, 1.55 * len(clips)), layout="constrained")
    for axes, clip in zip(page.subplots(len(clips), columns, squeeze=False), clips, strict=True):
        if maps:
            image = _in_range(prepare(frames_of(clip), inputs, faces)["flow"], inputs)
        else:
            onset, peak, place = pair(clip, inputs, faces)
            image = channels(onset, peak, inputs.size, inputs.flow_method)
            _picture(axes[0], np.dstack([onset] * 3), f"onset, {clip.numbers[0]}")
            how = " (estimated)" if clip.apex is None else ""
            _picture(axes[1], np.dstack([peak] * 3), f"apex, {clip.numbers[place]}{how}")
        for axis, (number, (name, colours)) in zip(axes[-len(CHANNELS) :], enumerate(CHANNELS.items()), strict=True):
            _picture(axis, _coloured(image[..., number], *colours), name)
        axes[0].set_ylabel(f"{clip.corpus}\n{clip.emotion}", fontsize=7)
    page.savefig(path, dpi=150)
    if maps:
        return Figure(
            f"Public maps of flow and strain: {clips[0].corpus}",
            "The first clip of each class. Each channel is stretched to the whole range by itself, so that its zero "
            "and its scale are lost: white is the middle of the range. No face can be seen.",
            path,
        )
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
