"""From clip to network input, per corpus and class: frames, magnified frames, the dynamic image and its regions."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure as Canvas
from matplotlib.patches import Rectangle
from numpy.typing import NDArray

from common.contract import Figure, InputView, Settings
from common.types import Clip, Experiment, Samples
from common.vision.faces import FaceFinder
from common.vision.images import squared
from papers.le2020.experiments import FOUR, THREE, TITLES, Inputs
from papers.le2020.preprocess import boxes, dynamic_image, face_of, magnified, regions, scaled

SHOWN = 5
"""The number of frames of a clip that are drawn."""
COLOURS = ("#56b4e9", "#009e73", "#d55e00")
"""The blue, green and red of figure 2, in shades that colour-blind readers can tell apart."""


def draw(clips: Sequence[tuple[Clip, int]], settings: Settings, faces: FaceFinder, folder: Path) -> list[Figure]:
    """Draw the first clip of each class of each corpus. Raises ClipError like `prepare`."""
    figures = []
    for corpus in dict.fromkeys(clip.corpus for clip, _ in clips):
        first = {label: clip for clip, label in reversed(clips) if clip.corpus == corpus}
        names = (THREE if corpus == "smic" else FOUR).classes
        shown = {names[label]: first[label] for label in sorted(first)}
        figures.append(_stages(corpus, shown, settings.inputs, faces, folder / f"stages-{corpus}.png"))
    return figures


def results(experiment: Experiment, folder: Path) -> list[Figure]:
    """Figures of the results: the paper has none."""
    return []


def input_views(samples: Samples, settings: Settings) -> dict[str, InputView]:
    """The dynamic image, black outside the regions unless the network reads the whole face."""
    return {"face": InputView((1, 2), samples.x["face"][:], ("dynamic image",))}


def _stages(corpus: str, shown: dict[str, Clip], inputs: Inputs, faces: FaceFinder, path: Path) -> Figure:
    page = Canvas(figsize=(9.6, 2.05 * len(shown) + 0.3), layout="constrained")
    rows = page.subplots(len(shown), 4, squeeze=False, width_ratios=[2.6, 1, 1, 1])
    for row, (name, clip) in zip(rows, shown.items(), strict=True):
        face = face_of(clip, inputs, faces)
        motion = magnified(face.frames, clip, inputs)
        picture = dynamic_image(motion, inputs.exact)
        height, width = picture.shape[:2]
        small, points = squared(picture, inputs.size), scaled(face.points, height, width, inputs.size)
        chosen = np.linspace(0, len(motion) - 1, min(SHOWN, len(motion))).round().astype(int)
        row[0].imshow(np.vstack([_strip(face.frames[chosen]), _strip(motion[chosen])]))
        row[1].imshow(picture)
        row[2].imshow(picture)
        for (left, right, top, bottom), colour in zip(boxes(face.points, height, width).values(), COLOURS, strict=True):
            box = Rectangle((left, top), right - left, bottom - top, fill=False, color=colour, linewidth=1.6)
            row[2].add_patch(box)
        row[3].imshow(small * regions(points, inputs.size, inputs.size)[..., None])
        row[0].set_title(f"{name}: {clip.id}, frames {clip.numbers[0]}-{clip.numbers[-1]}", fontsize=8)
        for axis in row:
            axis.set_axis_off()
    for axis, title in zip(rows[0][1:], ("dynamic image", "regions", "network input"), strict=True):
        axis.set_title(title, fontsize=8)
    page.savefig(path, dpi=150)
    return Figure(
        f"From clip to network input: {TITLES[corpus]}",
        f"The first clip of each class of {TITLES[corpus]}. Left: frames from first to last, and the same frames with "
        "their motion magnified. Then the dynamic image of all magnified frames, the three boxes of figure 2, and the "
        "network's input at the size of this run: the boxes without the eyes. Check the licence of a corpus before "
        "you share images of its subjects.",
        path,
    )


def _strip(frames: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """RGB images (n, h, w, 3) side by side."""
    return np.concatenate(list(frames), axis=1)
