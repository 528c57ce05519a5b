"""The networks' input, as in the text and as in the public code, and figure 4: the pixels that support a class."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas
from numpy.typing import NDArray

from common.contract import Figure, InputView, Settings
from common.types import Arrays, Clip, Experiment, Samples
from common.vision.faces import FaceFinder
from common.vision.images import each_frame
from papers.reddy2019.experiments import CODE_READING, NETWORKS, Reading
from papers.reddy2019.preprocess import cut, window

SUBJECTS = 2
FRAMES = 7
CLIPS = 4
"""The number of videos whose saliency is shown, as in figure 4."""
MARK = (213, 94, 0)
"""The colour of salient pixels, which colour-blind readers can tell from grey, too."""
GAP = 3
"""The number of white pixels between frames."""


def draw(clips: Sequence[tuple[Clip, int]], settings: Settings, faces: FaceFinder, folder: Path) -> list[Figure]:
    """Draw the networks' input for one clip of each of the first subjects. Raises ClipError like `prepare`."""
    shown = list({clip.subject_id: clip for clip, _ in reversed(clips)}.values())[::-1][:SUBJECTS]
    page = Canvas(figsize=(7.2, 3.3 * len(shown)), layout="constrained")
    axes = page.subplots(2 * len(shown), 1, squeeze=False)[:, 0]
    for place, clip in enumerate(shown):
        used = _some(window(clip, settings.inputs))
        frames = list(each_frame(used))
        points = [
            faces.find(frame, f"{clip.id}, frame {n}").points for frame, n in zip(frames, used.numbers, strict=True)
        ]
        readings: tuple[Reading, ...] = ("aligned faces", CODE_READING.get(clip.corpus, "whole frames"))
        labels = ("face aligned", "whole frame\n(public-code)")
        for axis, how, label in zip(axes[2 * place : 2 * place + 2], readings, labels, strict=True):
            inputs = replace(settings.inputs, reading=how)
            cells = [_input(cut(frame, at, inputs)) for frame, at in zip(frames, points, strict=True)]
            _show(axis, cells, label)
        axes[2 * place].set_title(f"{clip.id}: frames {', '.join(map(str, used.numbers))}", fontsize=9)
    path = folder / "inputs.png"
    page.savefig(path, dpi=150)
    return [
        Figure(
            "Input of the networks",
            "Some frames of a clip of each of the first subjects, aligned as in the text and whole as in the public "
            "code, at the size that this run uses. MicroExpSTCNN reads the upper image; MicroExpFuseNet reads the eyes "
            "and the mouth below it. Check the licence of a corpus before you share images of its subjects.",
            path,
        )
    ]


def results(experiment: Experiment, folder: Path) -> list[Figure]:
    """Draw figure 4 from the files that `common.training.saliency.save` wrote in `folder`/saliency, if there are any.

    `folder` is the run's; the image is written to its `figures`. If there are several folds, the first clip of each is
    shown, then the second.
    """
    rows: list[tuple[int, str, str, str, Arrays]] = []
    for file in sorted(folder.glob("saliency/*.npz")):
        with np.load(file) as stored:
            arrays = {name: stored[name] for name in stored.files}
        for row, (clip, label) in enumerate(zip(arrays["clips"], arrays["labels"], strict=True)):
            own = {name: arrays[name][row] for name in arrays if name.startswith(("shown ", "salient "))}
            rows.append((row, file.name, str(clip), str(label), own))
    if not rows:
        return []
    shown = sorted(rows, key=lambda row: row[:2])[:CLIPS]
    cells = [_explained(own) for *_, own in shown]
    height = 7.2 * cells[0][0][0].shape[0] / (FRAMES * cells[0][0][0].shape[1])
    page = Canvas(figsize=(7.2, (2 * height + 0.35) * len(shown)), layout="constrained")
    axes = page.subplots(2 * len(shown), 1, squeeze=False)[:, 0]
    for (above, below), (_, _, clip, label, _), (frames, marked) in zip(axes.reshape(-1, 2), shown, cells, strict=True):
        _show(above, frames, "frames")
        _show(below, marked, "saliency")
        above.set_title(f"{clip}: pixels that support {label}", fontsize=9)
    path = folder / "figures" / "saliency.png"
    path.parent.mkdir(parents=True, exist_ok=True)
    page.savefig(path, dpi=150)
    corpus = "SMIC" if experiment.corpora == ("smic",) else "CAS(ME)^2"
    return [
        Figure(
            f"Saliency: {NETWORKS[experiment.settings['kind']]} on {corpus}",
            "Held-out clips, and below each the pixels that support its class most: those where the gradient of the "
            "class score before the softmax is positive and among the clip's largest tenth (the text names no "
            "threshold), over all frames and inputs together (figure 4). The marks show where the network is "
            "sensitive, not that it is right. The end of a clip may have no marks: of 18 or 96 frames, the convolution "
            "over 15 and the pooling over 3 read all but the last. Check the licence of a corpus before you share "
            "images of its subjects.",
            path,
        )
    ]


def input_views(samples: Samples, settings: Settings) -> dict[str, InputView]:
    """The frames of each video, which lie along its third axis."""
    views = {}
    for name, values in samples.x.items():
        frames = np.moveaxis(values[0], 2, 0)
        captions = tuple(f"{place} of {len(frames)}" for place in range(1, len(frames) + 1))
        views[name] = InputView((1, 2), np.repeat(frames, 3, axis=-1), captions)
    return views


def _some(clip: Clip) -> Clip:
    """The clip with only a few frames, from its first to its last."""
    places = np.unique(np.linspace(0, len(clip.frames) - 1, FRAMES).round().astype(int)).tolist()
    return clip.at(places)


def _input(parts: Arrays) -> NDArray[np.uint8]:
    """Face above eyes and mouth, each at its own size."""
    face, region = len(parts["face"]), len(parts["eyes"])
    picture = np.full((face + 1 + region, max(face, 2 * region)), 255, np.uint8)
    picture[:face, :face] = parts["face"]
    picture[-region:, :region] = parts["eyes"]
    picture[-region:, -region:] = parts["mouth"]
    return picture


def _explained(arrays: Arrays) -> tuple[list[NDArray[np.uint8]], list[NDArray[np.uint8]]]:
    """Frames, and frames with their salient pixels marked; the inputs of a network are side by side."""
    names = [name.removeprefix("shown ") for name in arrays if name.startswith("shown ")]
    frames = np.concatenate([arrays[f"shown {name}"] for name in names], axis=1)
    salient = np.concatenate([arrays[f"salient {name}"] for name in names], axis=1)
    dim = np.repeat((frames // 2)[..., None], 3, axis=-1)
    marked = np.where(salient[..., None], np.array(MARK, np.uint8), dim)
    return list(np.moveaxis(frames, 2, 0)), list(np.moveaxis(marked, 2, 0))


def _show(axis: Axes, cells: Sequence[NDArray[np.uint8]], label: str) -> None:
    """Show images of one size, grey or RGB, in a row."""
    gap = np.full((len(cells[0]), GAP, *cells[0].shape[2:]), 255, np.uint8)
    row = np.hstack([part for cell in cells for part in (cell, gap)][:-1])
    axis.imshow(row, cmap="gray", vmin=0, vmax=255, interpolation="nearest")
    axis.set_xticks([])
    axis.set_yticks([])
    axis.set_frame_on(False)
    axis.set_ylabel(label, fontsize=8)
