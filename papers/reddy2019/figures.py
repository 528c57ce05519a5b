"""The networks' input, as in the text and as in the public code, and figure 4: the pixels that support a class."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure as Canvas
from numpy.typing import NDArray

from common.contract import Figure, InputView, Settings
from common.types import Arrays, Clip, Experiment, Samples
from common.vision.faces import FaceFinder
from common.vision.images import each_frame, evenly
from common.vision.picture_grid import drawn, grid, show
from papers.reddy2019.experiments import CODE_READING, NETWORKS, Reading
from papers.reddy2019.preprocess import cut, window

SUBJECTS = 2
FRAMES = 7
CLIPS = 4
"""The number of videos whose saliency is shown, as in figure 4."""
MARK = (213, 94, 0)
"""The colour of salient pixels, which colour-blind readers can tell from grey, too."""


def draw(clips: Sequence[tuple[Clip, int]], settings: Settings, faces: FaceFinder, folder: Path) -> list[Figure]:
    """Draw the networks' input for one clip of each of the first subjects. Raises ClipError like `prepare`."""
    shown = list({clip.subject_id: clip for clip, _ in reversed(clips)}.values())[::-1][:SUBJECTS]
    pictures: list[list[NDArray[np.uint8]]] = []
    numbers: list[int] = []
    for clip in shown:
        used = window(clip, settings.inputs)
        used = used.at(evenly(len(used.frames), FRAMES))
        frames = list(each_frame(used))
        points = [
            faces.find(frame, f"{clip.id}, frame {n}").points for frame, n in zip(frames, used.numbers, strict=True)
        ]
        readings: tuple[Reading, ...] = ("aligned faces", CODE_READING.get(clip.corpus, "whole frames"))
        inputs = [replace(settings.inputs, reading=how) for how in readings]
        pictures.append(
            [_input(cut(frame, at, how)) for how in inputs for frame, at in zip(frames, points, strict=True)]
        )
        numbers += [*used.numbers] * 2
    page, axes = _halves(pictures, "face aligned", "whole frame")
    for axis, number in zip(axes.flat, numbers, strict=True):
        axis.set_xlabel(str(number))
    return [
        drawn(
            page,
            folder / "inputs.svg",
            "Input of the networks",
            f"Frames of {' and '.join(clip.id for clip in shown)} with their numbers, aligned as in the text and whole "
            "as in the public code. MicroExpSTCNN reads the upper image, MicroExpFuseNet the eyes and the mouth below.",
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
    page, axes = _halves([_explained(own) for *_, own in shown], "frames", "saliency")
    for row, (_, _, clip, label, _) in zip(axes, shown, strict=True):
        row[0].set_xlabel(f"{clip}: {label}", loc="left")
    corpus = "SMIC" if experiment.corpora == ("smic",) else "CAS(ME)^2"
    return [
        drawn(
            page,
            folder / "figures" / "saliency.svg",
            f"Saliency: {NETWORKS[experiment.settings['kind']]} on {corpus}",
            "Held-out clips, and the pixels that support their class most: positive gradient of the class score before "
            "the softmax, among the clip's largest tenth (the text names no threshold; figure 4). The convolution and "
            "the pooling do not read the last frames.",
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


def _halves(rows: Sequence[Sequence[NDArray[np.uint8]]], left: str, right: str) -> tuple[Canvas, NDArray[Any]]:
    """Rows of images of one shape, with a gap in the middle and a title above each half."""
    half = len(rows[0]) // 2
    shape = rows[0][0].shape[1] / rows[0][0].shape[0]
    heads = [left, *[""] * half, right]
    page, axes = grid(len(rows), [*[shape] * half, 0.15, *[shape] * half], heads, beside=0)
    for axis in axes[:, half]:
        axis.remove()
    axes = np.delete(axes, half, axis=1)
    for axis, picture in zip(axes.flat, (picture for row in rows for picture in row), strict=True):
        show(axis, picture)
    return page, axes


def _input(parts: Arrays) -> NDArray[np.uint8]:
    """Face above eyes and mouth, each at its own size."""
    face, region = len(parts["face"]), len(parts["eyes"])
    picture = np.full((face + 1 + region, max(face, 2 * region)), 255, np.uint8)
    picture[:face, :face] = parts["face"]
    picture[-region:, :region] = parts["eyes"]
    picture[-region:, -region:] = parts["mouth"]
    return picture


def _explained(arrays: Arrays) -> list[NDArray[np.uint8]]:
    """Frames, then frames with their salient pixels marked; the inputs of a network are above each other."""
    names = [name.removeprefix("shown ") for name in arrays if name.startswith("shown ")]
    frames = np.concatenate([arrays[f"shown {name}"] for name in names])
    salient = np.concatenate([arrays[f"salient {name}"] for name in names])
    dim = np.repeat((frames // 2)[..., None], 3, axis=-1)
    marked = np.where(salient[..., None], np.array(MARK, np.uint8), dim)
    return [*np.moveaxis(frames, 2, 0), *np.moveaxis(marked, 2, 0)]
