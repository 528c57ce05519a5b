"""The default for papers without a figures.py: no figures, and inputs shown by their shape."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from common.contract import Figure, InputView, Settings
from common.types import Clip, Experiment, Samples
from common.vision.faces import FaceFinder


def draw(clips: Sequence[tuple[Clip, int]], settings: Settings, faces: FaceFinder, folder: Path) -> list[Figure]:
    """Draw nothing."""
    return []


def results(experiment: Experiment, folder: Path) -> list[Figure]:
    """Draw nothing."""
    return []


def input_views(samples: Samples, settings: Settings) -> dict[str, InputView]:
    """Return the inputs of one clip: images (height, width, channels), or videos (frames, height, width, channels).

    White is 255 for uint8 values, else the largest magnitude; if some values are negative, 0 is grey. Inputs of another
    kind have no picture.
    """
    return {name: _view(name, values[:]) for name, values in samples.x.items() if len(values.shape) in (4, 5)}


def _view(name: str, values: NDArray[Any]) -> InputView:
    video = values.ndim == 5
    frames = values[0] if video else values
    if frames.dtype != np.uint8:
        most = float(np.abs(frames).max()) or 1.0
        frames = np.rint(127.5 + 127.5 * frames / most if frames.min() < 0 else 255 * frames / most).astype(np.uint8)
    pictures = frames[..., :3] if frames.shape[-1] >= 3 else np.repeat(frames[..., :1], 3, axis=-1)
    captions = tuple(f"{place} of {len(frames)}" for place in range(1, len(frames) + 1)) if len(frames) > 1 else (name,)
    return InputView((2, 3) if video else (1, 2), pictures, captions)
