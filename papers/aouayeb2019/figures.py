"""The paper's figure 2 for a face of the corpora in use: the six regions on the canvas, and the CNNs' input."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from common.contract import Figure, InputView, Settings
from common.types import Clip, Experiment, Samples
from common.vision.faces import FaceFinder
from common.vision.images import read_frame
from common.vision.picture_grid import BLUE, GREEN, GREY, INK, RED, box, drawn, grid, show
from papers.aouayeb2019.preprocess import (
    REGIONS,
    TAKES_PART,
    cut_regions,
    face_box,
    landmark_boxes,
    resize,
    to_canvas,
)

COLOURS = (BLUE, BLUE, RED, GREEN, GREEN, "#a64d79")


def draw(clips: Sequence[tuple[Clip, int]], settings: Settings, faces: FaceFinder, folder: Path) -> list[Figure]:
    """Draw the regions of the first clip of each corpus in `clips`."""
    first = list({clip.corpus: clip for clip, _ in reversed(clips)}.values())[::-1]
    return [
        _regions(first, faces, folder / "regions.svg"),
        _inputs(first[0], settings, faces, folder / "inputs.svg"),
    ]


def results(experiment: Experiment, folder: Path) -> list[Figure]:
    """None: the only figure of results in the paper, figure 5, is a confusion matrix, and every report has those."""
    return []


def input_views(samples: Samples, settings: Settings) -> dict[str, InputView]:
    """The six regions of every frame that the network reads, white where they are transparent."""
    read = np.flatnonzero(samples.view < settings.network.sequence_length)
    numbers = tuple(f"frame {1 + view * settings.inputs.frame_step}" for view in samples.view[read].tolist())
    views = {}
    for name, values in samples.x.items():
        regions = values[read].astype(np.float32)
        opaque = regions[..., 3:] / 255
        views[name] = InputView((1, 2), (regions[..., :3] * opaque + 255 * (1 - opaque)).astype(np.uint8), numbers)
    return views


def _regions(clips: Sequence[Clip], faces: FaceFinder, path: Path) -> Figure:
    frames = [read_frame(clip, 0) for clip in clips]
    shapes = [frame.shape[1] / frame.shape[0] for frame in frames]
    page, (above, below) = grid(2, shapes, [clip.id for clip in clips], below=0, beside=0)
    for photo, canvas, clip, frame in zip(above, below, clips, frames, strict=True):
        points = faces.find(frame, str(clip.frames[0])).points
        x1, x2, y1, y2 = face_box(points, *frame.shape[:2])
        show(photo, frame)
        photo.plot(points[:, 0], points[:, 1], ".", color="white", markersize=1.6, markeredgewidth=0)
        box(photo, x1, x2, y1, y2, INK)
        for edges, colour in zip(landmark_boxes(points, *frame.shape[:2]).values(), COLOURS, strict=True):
            box(photo, *edges, colour)
        show(canvas, to_canvas(frame[y1:y2, x1:x2]))
        box(canvas, 0, 239, 0, 279, GREY)
        for (name, edges), colour in zip(REGIONS.items(), COLOURS, strict=True):
            box(canvas, *edges, colour, name.replace("_", "\n"))
    return drawn(
        page,
        path,
        "Face box and the six regions",
        "Above: the first frame with landmarks, face box (black) and the boxes of the variant landmark-boxes, used for "
        "the whole clip. Below: the face on its canvas with the fixed boxes of the other variants (section 3.1, "
        "figure 2).",
    )


def _inputs(clip: Clip, settings: Settings, faces: FaceFinder, path: Path) -> Figure:
    inputs, by_class = settings.inputs, TAKES_PART[settings.training.regions_by_class]
    used = range(0, len(clip.frames), inputs.frame_step)
    places = 0, used[len(used) // 2]
    frames = [read_frame(clip, place) for place in places]
    x1, x2, y1, y2 = face_box(faces.find(frames[0], str(clip.frames[0])).points, *frames[0].shape[:2])
    rows = [resize(cut_regions(to_canvas(frame[y1:y2, x1:x2])), inputs.region_scale) for frame in frames]
    heads = ["\n".join([f"{name.replace('_', ' ')}:", *by_class[name]]) for name in rows[0]]
    page, axes = grid(2, [cut.shape[1] / cut.shape[0] for cut in rows[0].values()], heads, below=0)
    for row, cuts, place in zip(axes, rows, places, strict=True):
        for axis, cut in zip(row, cuts.values(), strict=True):
            show(axis, cut)
            box(axis, -0.5, cut.shape[1] - 0.5, -0.5, cut.shape[0] - 0.5, GREY)
        row[0].set_ylabel(f"frame {clip.numbers[place]}")
    return drawn(
        page,
        path,
        "Input of the region CNNs",
        f"The six regions of {clip.id} in its first and its middle frame, as this run reads them. Above: the classes "
        'of the composite that a region takes part in; for the others its label is "not me" (section 3.2, figure 3).',
    )
