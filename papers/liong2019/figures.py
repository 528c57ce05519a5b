"""The two frames of a clip, and the flow and strain between them that the networks read."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import matplotlib as mpl
import numpy as np
from numpy.typing import NDArray

from common.contract import Figure, InputView, Settings
from common.types import Clip, Experiment, Samples
from common.vision.faces import FaceFinder
from common.vision.images import frames_of
from common.vision.picture_grid import drawn, grid, show
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
        drawn.append(_flows(shown, settings, faces, folder / f"flow-{corpus}.svg"))
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
    heads = (*(() if maps else ("onset", "apex")), *CHANNELS)
    page, rows = grid(len(clips), [1] * len(heads), heads, below=0 if maps else 1)
    for axes, clip in zip(rows, clips, strict=True):
        if maps:
            image = _in_range(prepare(frames_of(clip), inputs, faces)["flow"], inputs)
        else:
            onset, peak, place = pair(clip, inputs, faces)
            image = channels(onset, peak, inputs.size, inputs.flow_method)
            show(axes[0], onset, f"frame {clip.numbers[0]}")
            show(axes[1], peak, f"{clip.numbers[place]}{' (estimated)' if clip.apex is None else ''}")
        for axis, (number, how) in zip(axes[-len(CHANNELS) :], enumerate(CHANNELS.values()), strict=True):
            show(axis, _coloured(image[..., number], *how))
        axes[0].set_ylabel(clip.emotion)
    if maps:
        return drawn(
            page,
            path,
            f"Public maps of flow and strain: {clips[0].corpus}",
            "The first clip of each class. Each channel is stretched to the whole range by itself, so that its zero "
            "and its scale are lost: white is the middle of the range. No face can be seen.",
        )
    return drawn(
        page,
        path,
        f"Flow from onset to apex: {clips[0].corpus}",
        f"The first clip of each class: the aligned face, and what the networks read at {inputs.size} x {inputs.size} "
        "pixels. Red is flow to the right or down. Each clip has its own scale, unless next to "
        "nothing moves.",
    )
