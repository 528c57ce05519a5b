"""Reading the frames of a clip, and saying exactly which file is wrong when one cannot be used."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from common.errors import ClipError
from common.types import Clip


def read(path: Path) -> NDArray[np.uint8]:
    """One image as RGB, uint8 (height, width, 3); greyscale is repeated over the three channels.

    Pillow rather than OpenCV: OpenCV fills the missing part of a truncated JPEG with grey and says nothing.
    Raises ClipError for a file that is missing, truncated or no image.
    """
    try:
        with Image.open(path) as image:
            return np.asarray(image.convert("RGB"))
    except UnidentifiedImageError:
        raise ClipError(f"{path}: not an image that can be read; copy the file again") from None
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise ClipError(f"{path}: {error}; copy the file again") from error


def read_frames(clip: Clip, step: int = 1) -> NDArray[np.uint8]:
    """Every `step`-th frame of a clip, uint8 RGB (frames, height, width, 3).

    Raises ClipError for an unreadable frame and for frames of different sizes.
    """
    files = clip.frames[::step]
    first = read(files[0])
    frames = np.empty((len(files), *first.shape), np.uint8)
    frames[0] = first
    for index, file in enumerate(files[1:], start=1):
        frame = read(file)
        if frame.shape != first.shape:
            raise ClipError(
                f"{file}: {frame.shape[1]}x{frame.shape[0]} pixels, but {files[0].name} has "
                f"{first.shape[1]}x{first.shape[0]}; the frames of a clip must have one size"
            )
        frames[index] = frame
    return frames
