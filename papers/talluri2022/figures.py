"""The networks' input, around the apex and from the first frame on, and figure 4: five splits, five curves."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas
from matplotlib.ticker import MaxNLocator, PercentFormatter
from numpy.typing import NDArray

from common.contract import Figure, InputView, Settings
from common.protocols.splits import SPLITS
from common.runs.store import Run
from common.types import Clip, Experiment, Samples
from common.vision.alignment import tracked
from common.vision.faces import FaceFinder
from papers.talluri2022.preprocess import aligned_face, apex_index, sequence

SHOWN = 9
"""The number of frames of a sequence that are drawn."""
COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#444444")
LINES = ("-", "--", "-.", ":", (0, (5, 1, 1, 1, 1, 1)))
"""Line styles, so that the curves can be told apart without colour, too."""


def draw(clips: Sequence[tuple[Clip, int]], settings: Settings, faces: FaceFinder, folder: Path) -> list[Figure]:
    """Draw both sequences of the first clip of each corpus. Raises ClipError like `prepare`."""
    first = {clip.corpus: clip for clip, _ in reversed(clips)}
    return [_sequences(clip, settings, faces, folder / f"sequences-{corpus}.png") for corpus, clip in first.items()]


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
    page = Canvas(figsize=(7.2, 2.15), layout="constrained")
    for axis, (centre, shown) in zip(page.subplots(2, 1), rows.items(), strict=True):
        _strip(axis, [pictures[row] for row in shown], [clip.numbers[row] for row in shown], clip.numbers[apex])
        axis.set_ylabel("apex\nsequence" if centre else "initial\nframes", fontsize=8)
    how = "estimated" if clip.apex is None else "annotated"
    page.axes[0].set_title(
        f"{clip.id}: {len(clip.numbers)} frames, apex {clip.numbers[apex]} ({how}); {len(chosen)} of {length} frames",
        fontsize=9,
    )
    page.savefig(path, dpi=150)
    return Figure(
        f"Frame sequences: {clip.corpus}",
        "Frames of the sequence around the apex and of the initial sequence, at the size that this run uses, with "
        "their numbers; the number of the apex is bold. A number that appears twice is a frame repeated to fill the "
        "sequence. Check the licence of a corpus before you share images of its subjects.",
        path,
    )


def results(experiment: Experiment, folder: Path) -> list[Figure]:
    """Draw figure 4 from the finished folds of a run with random splits; nothing for other runs."""
    if experiment.protocol != SPLITS:
        return []
    names = sorted(file.stem for file in (folder / "folds").glob("*.json"))
    folds = [loaded for name in names if (loaded := Run(folder).load(name))]
    if not folds:
        return []
    page = Canvas(figsize=(6.0, 3.2), layout="constrained")
    axes = page.subplots()
    marker = "" if len(folds[0].history["network"]["val_accuracy"]) > 1 else "."
    for fold, colour, line in zip(folds, COLOURS, LINES, strict=False):
        curve = np.array(fold.history["network"]["val_accuracy"])
        epochs = np.arange(1, len(curve) + 1)
        label = f"{fold.fold.replace('run ', 'Run-')}: {curve[-1]:.1%} at the end, {np.nanmax(curve):.1%} best (oracle)"
        axes.plot(epochs, curve, color=colour, linestyle=line, linewidth=1.3, marker=marker, label=label)
    axes.set_xlabel("epoch")
    axes.set_ylabel("accuracy on the held-out clips")
    axes.set_ylim(0, 1)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    axes.yaxis.set_major_formatter(PercentFormatter(1))
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(fontsize=7, frameon=False)
    path = folder / "figures" / "splits.png"
    path.parent.mkdir(parents=True, exist_ok=True)
    page.savefig(path, dpi=150)
    name = experiment.network
    return [
        Figure(
            f"Five random splits: {name}",
            f"The accuracy of the {name} on the held-out clips of five random splits of CASME II after every epoch "
            "(figure 4 of the paper shows the curves of its Split-Model). Splits are by clip: the spread shows the "
            "effect of the choice of a split and of the initial weights.",
            path,
        )
    ]


def input_views(samples: Samples, settings: Settings) -> dict[str, InputView]:
    """The sequence of aligned faces; frames lie along the first axis of a video, for Model-B along the third."""
    time, axes = (3, (1, 2)) if settings.network.kind == "model-b" else (1, (2, 3))
    frames = np.moveaxis(samples.x["face"][0], time - 1, 0)
    captions = tuple(f"{place} of {len(frames)}" for place in range(1, len(frames) + 1))
    return {"face": InputView(axes, np.repeat(frames, 3, axis=-1), captions)}


def _strip(axis: Axes, frames: Sequence[NDArray[np.uint8]], numbers: Sequence[int], apex: int) -> None:
    """Draw grey images of one size in a row, their numbers below; the number of the apex is bold."""
    size = len(frames[0])
    pitch = size + max(size // 16, 1)
    row = np.full((size, pitch * len(frames)), 255, np.uint8)
    for place, frame in enumerate(frames):
        row[:, place * pitch : place * pitch + size] = frame
    axis.imshow(row, cmap="gray", vmin=0, vmax=255, interpolation="nearest")
    axis.set_yticks([])
    axis.set_xticks([place * pitch + size / 2 for place in range(len(frames))], list(map(str, numbers)), fontsize=7)
    for label, number in zip(axis.get_xticklabels(), numbers, strict=True):
        label.set_fontweight("bold" if number == apex else "normal")
    axis.tick_params(length=0, pad=2)
    axis.set_frame_on(False)
