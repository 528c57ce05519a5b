"""The paper's figure 2 for a face of the corpora in use: the six regions on the canvas, and the CNNs' input."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure as Canvas
from matplotlib.patches import Rectangle

from common.contract import Figure, InputView, Settings
from common.types import Clip, Experiment, Samples
from common.vision.faces import FaceFinder
from common.vision.images import read_frame
from papers.aouayeb2019.preprocess import (
    REGIONS,
    TAKES_PART,
    cut_regions,
    face_box,
    landmark_boxes,
    resize,
    to_canvas,
)

COLOURS = ("#0072B2", "#0072B2", "#D55E00", "#009E73", "#009E73", "#CC79A7")


def draw(clips: Sequence[tuple[Clip, int]], settings: Settings, faces: FaceFinder, folder: Path) -> list[Figure]:
    """Draw the regions of the first clip of each corpus in `clips`."""
    first = list({clip.corpus: clip for clip, _ in reversed(clips)}.values())[::-1]
    return [
        _regions(first, faces, folder / "regions.png"),
        _inputs(first[0], settings, faces, folder / "inputs.png"),
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
    page = Canvas(figsize=(2.9 * len(clips), 7.2), layout="constrained")
    axes = page.subplots(2, len(clips), squeeze=False)
    for (above, below), clip in zip(axes.T, clips, strict=True):
        frame = read_frame(clip, 0)
        points = faces.find(frame, str(clip.frames[0])).points
        x1, x2, y1, y2 = face_box(points, *frame.shape[:2])
        above.imshow(frame)
        above.plot(points[:, 0], points[:, 1], ".", color="white", markersize=2.5)
        above.add_patch(Rectangle((x1, y1), x2 - x1, y2 - y1, fill=False, color="black", linewidth=1.6))
        for (left, right, top, bottom), colour in zip(
            landmark_boxes(points, *frame.shape[:2]).values(), COLOURS, strict=True
        ):
            above.add_patch(Rectangle((left, top), right - left, bottom - top, fill=False, color=colour, linewidth=1.2))
        above.set_title(clip.id, fontsize=9)
        below.imshow(to_canvas(frame[y1:y2, x1:x2]))
        below.add_patch(Rectangle((0, 0), 239, 279, fill=False, color="0.5", linewidth=0.8))
        for (name, (left, right, top, bottom)), colour in zip(REGIONS.items(), COLOURS, strict=True):
            box = Rectangle((left, top), right - left, bottom - top, fill=False, color=colour, linewidth=1.6)
            below.add_patch(box)
            below.text(
                left + 4,
                top + 4,
                name.replace("_", " "),
                color=colour,
                fontsize=7,
                va="top",
                bbox={"facecolor": "white", "alpha": 0.7, "pad": 1, "linewidth": 0},
            )
        for axis in (above, below):
            axis.set_axis_off()
    page.savefig(path, dpi=150, bbox_inches="tight")
    return Figure(
        "Face box and the six regions",
        "Above: the first frame of one clip of each corpus with its 68 landmarks, the face box (black) and, in colour, "
        "the boxes of the variant landmark-boxes; these boxes are used for the whole clip. Below: the face on the "
        "240x280 canvas, white where it is transparent, with the fixed boxes of the other variants: the six "
        "regions (section 3.1, figure 2). Check the licence of a corpus before you share images of its subjects.",
        path,
    )


def _inputs(clip: Clip, settings: Settings, faces: FaceFinder, path: Path) -> Figure:
    inputs, by_class = settings.inputs, TAKES_PART[settings.training.regions_by_class]
    used = range(0, len(clip.frames), inputs.frame_step)
    place = used[len(used) // 2]
    first, middle = read_frame(clip, 0), read_frame(clip, place)
    x1, x2, y1, y2 = face_box(faces.find(first, str(clip.frames[0])).points, *first.shape[:2])
    rows = [resize(cut_regions(to_canvas(frame[y1:y2, x1:x2])), inputs.region_scale) for frame in (first, middle)]
    page = Canvas(figsize=(9, 3.4), layout="constrained")
    axes = page.subplots(2, len(REGIONS), width_ratios=[x2 - x1 for x1, x2, _, _ in REGIONS.values()])
    for row, cuts, number in zip(axes, rows, (clip.numbers[0], clip.numbers[place]), strict=True):
        for axis, (name, cut) in zip(row, cuts.items(), strict=True):
            axis.imshow(cut)
            axis.set_xticks([])
            axis.set_yticks([])
            if row is axes[0]:
                axis.set_title(name.replace("_", " "), fontsize=9)
            else:
                axis.set_xlabel("\n".join(by_class[name]), fontsize=8)
        row[0].set_ylabel(f"frame {number}", fontsize=9)
    page.savefig(path, dpi=150, bbox_inches="tight")
    return Figure(
        "Input of the region CNNs",
        f"The six regions of {clip.id} in its first and its middle frame, at the size that this run uses. Below each: "
        'the classes it takes part in; for the other classes its label is "not me" (section 3.2, figure 3).',
        path,
    )
