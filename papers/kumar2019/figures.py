"""How a clip becomes an avatar image, by class (figures 1, 2, 4 and 5), and noise against magnification (figure 3)."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas
from numpy.typing import NDArray

from common.contract import Figure, InputView, Settings
from common.types import Clip, Experiment, Samples
from common.vision.faces import FaceFinder
from papers.kumar2019.experiments import Inputs
from papers.kumar2019.preprocess import avatar_of, chosen, face_frames, magnified, textured

GAINS = (1, 2, 5, 10, 15, 20, 30, 40, 50)
"""Magnifications of figure 3."""


def draw(clips: Sequence[tuple[Clip, int]], settings: Settings, faces: FaceFinder, folder: Path) -> list[Figure]:
    """Draw the steps for the first clip of each class of each corpus, and figure 3. Raises ClipError like `prepare`."""
    drawn = []
    for corpus in dict.fromkeys(clip.corpus for clip, _ in clips):
        by_class = {label: clip for clip, label in reversed(clips) if clip.corpus == corpus}
        shown = [by_class[label] for label in sorted(by_class)]
        drawn.append(
            _steps(shown, settings.inputs, settings.training.tested_alpha, faces, folder / f"steps-{corpus}.png")
        )
        drawn.append(_noise(shown[0], settings.inputs, faces, folder / f"noise-{corpus}.png"))
    return drawn


def results(experiment: Experiment, folder: Path) -> list[Figure]:
    """Nothing: of its results the paper shows only confusion matrices."""
    return []


def input_views(samples: Samples, settings: Settings) -> dict[str, InputView]:
    """The Emotion Avatar Image at the magnification used in the test."""
    tested = settings.training.tested_alpha
    avatars = samples.x["avatar"][samples.view == tested]
    return {"avatar": InputView((1, 2), avatars, (f"Emotion Avatar Image, magnified {tested} times",))}


def _steps(clips: Sequence[Clip], inputs: Inputs, alpha: int, faces: FaceFinder, path: Path) -> Figure:
    page = Canvas(figsize=(7.2, 1.75 * len(clips)), layout="constrained")
    grid = page.subplots(len(clips), 5, squeeze=False, width_ratios=(1, 1, 1.9, 1, 1))
    for axes, clip in zip(grid, clips, strict=True):
        frames, face = face_frames(clip, inputs, faces)
        moved = magnified(clip, frames, alpha, inputs)
        seen = moved if inputs.magnified_texture else frames
        texture, stay = textured(seen, inputs), chosen(seen, inputs)
        middle = int(np.abs(np.array(clip.numbers) - clip.apex).argmin()) if clip.apex is not None else len(frames) // 2
        kept = stay[np.abs(stay - middle).argmin()]
        _picture(axes[0], frames[kept], f"frame {clip.numbers[kept]}")
        _picture(axes[1], moved[kept], f"magnified x{alpha}")
        _curve(axes[2], texture.activity, stay, list(clip.numbers))
        _picture(axes[3], avatar_of(moved, stay, face, faces), "avatar image")
        _picture(axes[4], avatar_of(frames, stay, face, faces), "not magnified")
        axes[0].set_ylabel(f"{clip.corpus}\n{clip.emotion}", fontsize=7)
    page.savefig(path, dpi=150)
    return Figure(
        f"From a clip to its Emotion Avatar Image: {clips[0].corpus}",
        "The first clip of each class. From left to right: the kept frame nearest to its apex, or to its middle if no "
        "apex is annotated; the same frame magnified; the intensity A_i of the "
        f"{'magnified' if inputs.magnified_texture else 'unmagnified'} frames, with dots for the frames that stay "
        "(figure 4; a clip in which no frequency passes the filter, where A_i is 0, keeps all); the mean of the "
        "registered frames (figure 5), magnified and not. Check the licence of a corpus before you share "
        "images of its subjects.",
        path,
    )


def _noise(clip: Clip, inputs: Inputs, faces: FaceFinder, path: Path) -> Figure:
    from skimage.metrics import peak_signal_noise_ratio

    frames, _ = face_frames(clip, inputs, faces)
    ratios = []
    for gain in GAINS:
        moved = magnified(clip, frames, gain, inputs)
        ratios.append(np.inf if (moved == frames).all() else peak_signal_noise_ratio(frames, moved))
    page = Canvas(figsize=(4.6, 2.4), layout="constrained")
    axes = page.subplots()
    axes.plot(GAINS, ratios, color="#1f4e79", marker="o", markersize=3)
    axes.set_xlabel("magnification")
    axes.set_ylabel("PSNR, dB")
    axes.spines[["top", "right"]].set_visible(False)
    page.savefig(path, dpi=150)
    return Figure(
        f"Noise against magnification: {clip.corpus}",
        f"Peak signal-to-noise ratio of the magnified frames of {clip.id} against the unmagnified frames (figure 3). "
        "It falls because the frames change more, through both motion and noise.",
        path,
    )


def _picture(axes: Axes, image: NDArray[np.uint8], title: str) -> None:
    axes.imshow(image, interpolation="nearest")
    axes.set_title(title, fontsize=7)
    axes.set_xticks([])
    axes.set_yticks([])
    axes.set_frame_on(False)


def _curve(axes: Axes, values: NDArray[np.float64], kept: NDArray[np.int64], numbers: Sequence[int]) -> None:
    """A_i by frame number; the kept frames are dots."""
    places = np.array(numbers)
    axes.plot(places, values, color="#7a7a7a", linewidth=0.8)
    axes.plot(places[kept], values[kept], ".", markersize=3.5, color="#d55e00")
    axes.set_title(f"A_i: {len(kept)} of {len(places)} frames stay", fontsize=7)
    axes.tick_params(labelsize=5.5, pad=1.5)
    axes.yaxis.get_offset_text().set_fontsize(5.5)
    axes.ticklabel_format(axis="x", useOffset=False, style="plain")
    axes.locator_params(axis="x", nbins=4)
    axes.spines[["top", "right"]].set_visible(False)
