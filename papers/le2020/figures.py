"""From clip to network input, per corpus and class: frames, magnified frames, the dynamic image and its regions."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from common.contract import Figure, InputView, Settings
from common.types import Clip, Experiment, Samples
from common.vision.faces import FaceFinder
from common.vision.images import evenly, squared
from common.vision.picture_grid import BLUE, GREEN, RED, box, drawn, grid, show
from papers.le2020.experiments import FOUR, THREE, TITLES, Inputs
from papers.le2020.preprocess import boxes, dynamic_image, face_of, magnified, regions, scaled

SHOWN = 5
"""The number of frames of a clip that are drawn."""
COLOURS = (BLUE, GREEN, RED)
"""Those of figure 2, in shades that colour-blind readers can tell apart."""


def draw(clips: Sequence[tuple[Clip, int]], settings: Settings, faces: FaceFinder, folder: Path) -> list[Figure]:
    """Draw the first clip of each class of each corpus. Raises ClipError like `prepare`."""
    figures = []
    for corpus in dict.fromkeys(clip.corpus for clip, _ in clips):
        first = {label: clip for clip, label in reversed(clips) if clip.corpus == corpus}
        names = (THREE if corpus == "smic" else FOUR).classes
        shown = {names[label]: first[label] for label in sorted(first)}
        figures.append(_stages(corpus, shown, settings.inputs, faces, folder / f"stages-{corpus}.svg"))
    return figures


def results(experiment: Experiment, folder: Path) -> list[Figure]:
    """Figures of the results: the paper has none."""
    return []


def input_views(samples: Samples, settings: Settings) -> dict[str, InputView]:
    """The dynamic image, black outside the regions unless the network reads the whole face."""
    return {"face": InputView((1, 2), samples.x["face"][:], ("dynamic image",))}


def _stages(corpus: str, shown: dict[str, Clip], inputs: Inputs, faces: FaceFinder, path: Path) -> Figure:
    page, rows = grid(len(shown), (SHOWN / 2, 1, 1, 1), ("frames", "dynamic image", "regions", "network input"))
    for row, (name, clip) in zip(rows, shown.items(), strict=True):
        face = face_of(clip, inputs, faces)
        motion = magnified(face.frames, clip, inputs)
        picture = dynamic_image(motion, inputs.exact)
        height, width = picture.shape[:2]
        small, points = squared(picture, inputs.size), scaled(face.points, height, width, inputs.size)
        some = evenly(len(motion), SHOWN)
        strips = [np.concatenate(list(frames[some]), axis=1) for frames in (face.frames, motion)]
        show(row[0], np.vstack(strips), f"{clip.id}, {clip.numbers[0]} to {clip.numbers[-1]}", name)
        show(row[1], picture)
        show(row[2], picture)
        for edges, colour in zip(boxes(face.points, height, width).values(), COLOURS, strict=True):
            box(row[2], *edges, colour)
        show(row[3], small * regions(points, inputs.size, inputs.size)[..., None])
    return drawn(
        page,
        path,
        f"From clip to network input: {TITLES[corpus]}",
        "The first clip of each class. Left: some frames, below each with its motion magnified. The "
        "dynamic image of all magnified frames, the three boxes of figure 2, and these without the eyes at the size of "
        "this run.",
    )
