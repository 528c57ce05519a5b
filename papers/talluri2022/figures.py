"""The networks' input, around the apex and from the first frame on, and figure 4: five splits, five curves."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.ticker import MaxNLocator, PercentFormatter

from common.contract import Figure, InputView, Settings
from common.protocols.splits import SPLITS
from common.runs.store import Run
from common.types import Clip, Experiment, Samples
from common.vision.alignment import tracked
from common.vision.faces import FaceFinder
from common.vision.picture_grid import WIDTH, curves, drawn, grid, show
from papers.talluri2022.preprocess import aligned_face, apex_index, sequence

SHOWN = 9
"""The number of frames of a sequence that are drawn."""


def draw(clips: Sequence[tuple[Clip, int]], settings: Settings, faces: FaceFinder, folder: Path) -> list[Figure]:
    """Draw both sequences of the first clip of each corpus. Raises ClipError like `prepare`."""
    first = {clip.corpus: clip for clip, _ in reversed(clips)}
    return [_sequences(clip, settings, faces, folder / f"sequences-{corpus}.svg") for corpus, clip in first.items()]


def _sequences(clip: Clip, settings: Settings, faces: FaceFinder, path: Path) -> Figure:
    length = settings.network.frames
    apex = apex_index(clip, settings.inputs, faces)
    chosen = np.unique([*np.linspace(0, length - 1, SHOWN - 1).round().astype(int), length // 2])  # with the apex
    rows = {centre: sequence(len(clip.numbers), apex, length, centre)[chosen].tolist() for centre in (True, False)}
    needed = sorted({row for some in rows.values() for row in some})
    part = clip.at(needed)
    pictures = {
        row: aligned_face(tracked_frame.frame, tracked_frame.points, settings.inputs.size)
        for row, tracked_frame in zip(needed, tracked(part, faces), strict=True)
    }
    page, axes = grid(2, [1] * len(chosen), beside=2)
    for row, (centre, shown) in zip(axes, rows.items(), strict=True):
        for axis, place in zip(row, shown, strict=True):
            name = "" if axis is not row[0] else "apex\nsequence" if centre else "initial\nframes"
            show(axis, pictures[place], str(clip.numbers[place]), name)
            axis.xaxis.label.set_fontweight("bold" if place == apex else "normal")
    return drawn(
        page,
        path,
        f"Frame sequences: {clip.corpus}",
        f"{len(chosen)} of the {length} frames of each sequence of {clip.id} ({len(clip.numbers)} frames), at the size "
        f"of this run; bold is the {'estimated' if clip.apex is None else 'annotated'} apex. A number that appears "
        "twice is a frame repeated to fill the sequence.",
    )


def results(experiment: Experiment, folder: Path) -> list[Figure]:
    """Draw figure 4 from the finished folds of a run with random splits; nothing for other runs."""
    if experiment.protocol != SPLITS:
        return []
    names = sorted(file.stem for file in (folder / "folds").glob("*.json"))
    folds = [loaded for name in names if (loaded := Run(folder).load(name))]
    if not folds:
        return []
    values = [np.array(fold.history["network"]["val_accuracy"]) for fold in folds]
    lines = {
        f"{fold.fold.replace('run ', 'Run-')}: {curve[-1]:.1%} at the end, {np.nanmax(curve):.1%} best (oracle)": curve
        for fold, curve in zip(folds, values, strict=True)
    }
    epochs = "epoch", range(1, 1 + max(map(len, values)))
    page, axes = curves(lines, epochs, "accuracy on the held-out clips", (WIDTH, 2.2, 2.2), (0, 1))
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    axes.yaxis.set_major_formatter(PercentFormatter(1))
    return [
        drawn(
            page,
            folder / "figures" / "splits.svg",
            f"Five random splits: {experiment.network}",
            f"Accuracy of the {experiment.network} on the held-out clips of five random splits of CASME II (figure 4 "
            "of the paper: its Split-Model). Splits are by clip: the spread shows what the split and the initial "
            "weights do.",
        )
    ]


def input_views(samples: Samples, settings: Settings) -> dict[str, InputView]:
    """The sequence of aligned faces; frames lie along the first axis of a video, for Model-B along the third."""
    time, axes = (3, (1, 2)) if settings.network.kind == "model-b" else (1, (2, 3))
    frames = np.moveaxis(samples.x["face"][0], time - 1, 0)
    captions = tuple(f"{place} of {len(frames)}" for place in range(1, len(frames) + 1))
    return {"face": InputView(axes, np.repeat(frames, 3, axis=-1), captions)}
