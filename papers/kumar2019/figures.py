"""How a clip becomes an avatar image, by class (figures 1, 2, 4 and 5), and noise against magnification (figure 3)."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import NDArray

from common.contract import Figure, InputView, Settings
from common.corpora.names import named
from common.types import Clip, Experiment, Samples
from common.vision.faces import FaceFinder
from common.vision.picture_grid import GREY, HALF, RED, curves, drawn, grid, show
from papers.kumar2019.experiments import Inputs
from papers.kumar2019.preprocess import avatar_of, chosen, face_frames, magnified, textured

GAINS = (1, 2, 5, 10, 15, 20, 30, 40, 50)
"""Magnifications of figure 3."""


def draw(clips: Sequence[tuple[Clip, int]], settings: Settings, faces: FaceFinder, folder: Path) -> list[Figure]:
    """Draw the steps for the first clip of each class of each corpus, and figure 3. Raises ClipError like `prepare`."""
    inputs, alpha = settings.inputs, settings.training.tested_alpha
    first: dict[str, dict[int, Clip]] = {}
    for clip, label in clips:
        first.setdefault(clip.corpus, {}).setdefault(label, clip)
    shown = {corpus: [clip for _, clip in sorted(by_class.items())] for corpus, by_class in first.items()}
    steps = [_steps(some, inputs, alpha, faces, folder / f"steps-{corpus}.svg") for corpus, some in shown.items()]
    return steps + _noise([some[0] for some in shown.values()], inputs, faces, folder / "noise.svg")


def results(experiment: Experiment, folder: Path) -> list[Figure]:
    """Nothing: of its results the paper shows only confusion matrices."""
    return []


def input_views(samples: Samples, settings: Settings) -> dict[str, InputView]:
    """The Emotion Avatar Image at the magnification used in the test."""
    tested = settings.training.tested_alpha
    avatars = samples.x["avatar"][samples.view == tested]
    return {"avatar": InputView((1, 2), avatars, (f"Emotion Avatar Image, magnified {tested} times",))}


def _steps(clips: Sequence[Clip], inputs: Inputs, alpha: int, faces: FaceFinder, path: Path) -> Figure:
    rows = []
    for clip in clips:
        frames, face = face_frames(clip, inputs, faces)
        moved = magnified(clip, frames, alpha, inputs)
        seen = moved if inputs.magnified_texture else frames
        activity, stay = textured(seen, inputs).activity, chosen(seen, inputs)
        middle = int(np.abs(np.array(clip.numbers) - clip.apex).argmin()) if clip.apex is not None else len(frames) // 2
        kept = stay[np.abs(stay - middle).argmin()]
        pictures = frames[kept], moved[kept], *(avatar_of(images, stay, face, faces) for images in (moved, frames))
        counted = f"{len(stay)} of {len(frames)} frames"
        texts = f"frame {clip.numbers[kept]}", "", counted, "" if activity.any() else "A_i is 0 in all"
        rows.append((clip, pictures, texts, activity, stay))
    heads = "kept frame", f"magnified {alpha} times", "avatar image", "if not magnified", "intensity A_i"
    some = 5 if any(activity.any() for *_, activity, _ in rows) else 4
    page, grid_axes = grid(len(clips), (1, 1, 1, 1, 2.4)[:some], heads[:some])
    for axes, (clip, pictures, texts, activity, stay) in zip(grid_axes, rows, strict=True):
        for axis, picture, text in zip(axes, pictures, texts, strict=False):
            show(axis, picture, text)
        axes[0].set_ylabel(clip.emotion)
        if activity.any():
            _curve(axes[4], activity, stay, clip.numbers)
        elif some == 5:
            axes[4].remove()
    return drawn(
        page,
        path,
        f"From a clip to its Emotion Avatar Image: {clips[0].corpus}",
        "The first clip of each class: the kept frame nearest to its apex or middle; the mean of the kept frames, "
        f"registered (figure 5); the intensity of its {'magnified' if inputs.magnified_texture else 'unmagnified'} "
        "frames, with dots where they stay (figure 4).",
    )


def _noise(clips: Sequence[Clip], inputs: Inputs, faces: FaceFinder, path: Path) -> list[Figure]:
    from skimage.metrics import peak_signal_noise_ratio

    ratios = {named(clip.corpus): np.full(len(GAINS), np.inf) for clip in clips}
    for clip in clips:
        frames, _ = face_frames(clip, inputs, faces)
        for place, gain in enumerate(GAINS):
            moved = magnified(clip, frames, gain, inputs)
            if (moved != frames).any():
                ratios[named(clip.corpus)][place] = peak_signal_noise_ratio(frames, moved)
    lines = {corpus: values for corpus, values in ratios.items() if np.isfinite(values).any()}
    if not lines:
        return []
    page, _ = curves(lines, ("magnification", GAINS), "PSNR, dB", (HALF, 1.7, 0.55))
    return [
        drawn(
            page,
            path,
            f"Noise against magnification: {', '.join(lines)}",
            f"Peak signal-to-noise ratio of magnified against unmagnified frames (figure 3) of "
            f"{' and '.join(clip.id for clip in clips)}. It falls with motion and with noise.",
        )
    ]


def _curve(axes: Axes, values: NDArray[np.float64], kept: NDArray[np.int64], numbers: Sequence[int]) -> None:
    """A_i by frame number; the kept frames are dots."""
    places = np.array(numbers)
    axes.plot(places, values, color=GREY, linewidth=0.8)
    axes.plot(places[kept], values[kept], ".", color=RED)
    axes.set_xticks([places[0], places[-1]], [f"frame {places[0]}", str(places[-1])])
    axes.set_yticks([0, values.max()], ["0", f"{values.max():,.3g}" if values.max() < 1000 else f"{values.max():,.0f}"])
    whole = axes.get_position()
    axes.set_position((whole.x0 + 0.2 * whole.width, whole.y0, 0.75 * whole.width, 0.9 * whole.height))
