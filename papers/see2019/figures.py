"""The three planes of a face video, and the share of patterns that are not uniform in each block."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure as Canvas

from common.contract import Figure, InputView, Settings
from common.types import Clip, Experiment, Samples
from common.vision.faces import FaceFinder
from papers.see2019.lbp_top import BINS, PLANES
from papers.see2019.preprocess import face_video

ROW = 0.78
"""The height of the row that XT shows, as a fraction of the face's; the mouth is about here."""

BLOCK = 40
"""The pixels of a block's side where histograms are shown as images."""


def draw(clips: Sequence[tuple[Clip, int]], settings: Settings, faces: FaceFinder, folder: Path) -> list[Figure]:
    """Draw the three planes of the first clip of each corpus."""
    first = list({clip.corpus: clip for clip, _ in reversed(clips)}.values())[::-1]
    inputs = settings.inputs
    page = Canvas(figsize=(7.2, 2.5 * len(first)), layout="constrained")
    for row, clip in zip(page.subplots(len(first), 3, squeeze=False), first, strict=True):
        video = face_video(clip, inputs.size, faces)
        down, right = round(ROW * inputs.size), inputs.size // 2
        cuts = (video[0], video[:, down], video[:, :, right].T)
        across, along = ("x", "x", "time"), ("y", "time", "y")
        for axis, plane, cut, horizontal, vertical in zip(row, PLANES, cuts, across, along, strict=True):
            axis.imshow(cut, cmap="gray", vmin=0, vmax=255, aspect="auto", interpolation="nearest")
            axis.set_xticks([])
            axis.set_yticks([])
            axis.set_xlabel(horizontal, fontsize=8)
            axis.set_ylabel(vertical, fontsize=8)
            axis.set_title(plane, fontsize=9)
        edges = np.arange(1, inputs.grid) * inputs.size / inputs.grid - 0.5
        for edge in edges:
            row[0].axhline(edge, color="white", linewidth=0.6)
            row[0].axvline(edge, color="white", linewidth=0.6)
        row[0].axhline(down, color="#d55e00", linewidth=1)
        row[0].axvline(right, color="#0072b2", linewidth=1)
        row[1].set_title(f"XT: {clip.id}, {len(video)} frames", fontsize=9)
    path = folder / "planes.png"
    page.savefig(path, dpi=150)
    return [
        Figure(
            "The three planes",
            f"Left: the face of one clip of each corpus in its first frame, with its {inputs.grid} x {inputs.grid} "
            "blocks (white). The other images show one row of all frames (orange line) and one column of all frames "
            "(blue line). Patterns are counted in planes through every pixel. Check the licence of a corpus before "
            "you share images of its subjects.",
            path,
        )
    ]


def results(experiment: Experiment, folder: Path) -> list[Figure]:
    """Figures of the results: there are none."""
    return []


def input_views(samples: Samples, settings: Settings) -> dict[str, InputView]:
    """The fraction of patterns that are not uniform, by plane and block; white is the largest fraction."""
    rest = np.moveaxis(samples.x["histograms"][0][..., BINS - 1 :: BINS], -1, 0)
    grey = np.rint(255 * rest / max(float(rest.max()), 1e-6)).astype(np.uint8)
    blocks = grey.repeat(BLOCK, axis=1).repeat(BLOCK, axis=2)
    return {"histograms": InputView((1, 2), np.repeat(blocks[..., None], 3, axis=-1), PLANES)}
