"""The three planes of a face video, and the share of patterns that are not uniform in each block."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from common.contract import Figure, InputView, Settings
from common.types import Clip, Experiment, Samples
from common.vision.faces import FaceFinder
from common.vision.picture_grid import BLUE, RED, drawn, grid, show
from papers.see2019.lbp_top import BINS, PLANES
from papers.see2019.preprocess import face_video

HEADS = "XY: x across, y down", "XT: x across, time down", "YT: time across, y down"
ROW = 0.78
"""The height of the row that XT shows, as a fraction of the face's; the mouth is about here."""

BLOCK = 40
"""The pixels of a block's side where histograms are shown as images."""


def draw(clips: Sequence[tuple[Clip, int]], settings: Settings, faces: FaceFinder, folder: Path) -> list[Figure]:
    """Draw the three planes of the first clip of each corpus."""
    first = list({clip.corpus: clip for clip, _ in reversed(clips)}.values())[::-1]
    inputs = settings.inputs
    page, rows = grid(len(first), (1, 1.8, 1.8), HEADS, below=0, beside=2)
    for row, clip in zip(rows, first, strict=True):
        video = face_video(clip, inputs.size, faces)
        down, right = round(ROW * inputs.size), inputs.size // 2
        show(row[0], video[0], beside=f"{clip.id}\n{len(video)} frames")
        show(row[1], video[:, down])
        show(row[2], video[:, :, right].T)
        for axis in row[1:]:
            axis.set_aspect("auto")
        for edge in np.arange(1, inputs.grid) * inputs.size / inputs.grid - 0.5:
            row[0].axhline(edge, color="white", linewidth=0.6)
            row[0].axvline(edge, color="white", linewidth=0.6)
        row[0].axhline(down, color=RED)
        row[0].axvline(right, color=BLUE, linestyle="--")
    return [
        drawn(
            page,
            folder / "planes.svg",
            "The three planes",
            f"Left: the first frame of a clip, in {inputs.grid} x {inputs.grid} blocks. XT is the row "
            "of the orange line in all frames, YT the column of the dashed blue one. Patterns are counted in "
            "planes through every pixel.",
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
