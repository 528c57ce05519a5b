"""Reading the frames of a clip, and saying exactly which file is wrong when one cannot be used."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from common import videos
from common.errors import ClipError
from common.types import Clip

FORMATS = ("JPEG", "PNG", "BMP")
"""By content: of the others that Pillow knows, some start programs (EPS) or are no single picture."""
MOST_PIXELS = 2**25
"""Of a picture; those of the corpora have a fifteenth of them at most."""


def read(path: Path) -> NDArray[np.uint8]:
    """One image as RGB, uint8 (height, width, 3); greyscale is repeated over the three channels.

    Pillow rather than OpenCV: OpenCV fills the missing part of a truncated JPEG with grey and says nothing.
    Raises ClipError for a file that is missing, truncated, larger than any picture of a clip, or no JPEG, PNG or BMP.
    """
    try:
        with Image.open(path, formats=FORMATS) as image:
            if image.width * image.height > MOST_PIXELS:
                raise ValueError(f"{image.width}x{image.height} pixels are more than {MOST_PIXELS}")
            return np.asarray(image.convert("RGB"))
    except UnidentifiedImageError:
        raise ClipError(f"{path}: not an image that can be read; copy the file again") from None
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise ClipError(f"{path}: {error}; copy the file again") from error


def read_frame(clip: Clip, index: int) -> NDArray[np.uint8]:
    """Frame `clip.numbers[index]` of a clip, uint8 RGB (height, width, 3). Raises ClipError as `each_frame` does."""
    file, number = clip.pictures[index]
    return next(videos.frames(file, [number])) if videos.is_video(file) else read(file)


def read_frames(clip: Clip, step: int = 1) -> NDArray[np.uint8]:
    """Every `step`-th frame of a clip, uint8 RGB (frames, height, width, 3). Raises ClipError as `each_frame` does."""
    pictures = each_frame(clip, step)
    first = next(pictures)
    frames = np.empty((len(clip.frames[::step]), *first.shape), np.uint8)
    frames[0] = first
    for index, picture in enumerate(pictures, start=1):
        frames[index] = picture
    return frames


def each_frame(clip: Clip, step: int = 1) -> Iterator[NDArray[np.uint8]]:
    """Every `step`-th frame of a clip in turn, each uint8 RGB (height, width, 3).

    A frame is an image of its own, or frame `clip.numbers[i]` of a video, which is decoded once from its start.
    Raises ClipError for an unreadable file, for a video with fewer frames and for frames of different sizes.
    """
    shape, named = None, ""
    for file, number, picture in _pictures(clip, step):
        if shape is None:
            shape, named = picture.shape, file.name
        elif picture.shape != shape:
            where = f"{file}, frame {number}" if videos.is_video(file) else f"{file}"
            raise ClipError(
                f"{where}: {picture.shape[1]}x{picture.shape[0]} pixels, but {named} has "
                f"{shape[1]}x{shape[0]}; the frames of a clip must have one size"
            )
        yield picture


def _pictures(clip: Clip, step: int) -> Iterator[tuple[Path, int, NDArray[np.uint8]]]:
    """Every `step`-th frame with the file that holds it and its number."""
    wanted = clip.pictures[::step]
    if clip.shown:  # a control: pictures come again, or in another order than that of a video
        ordered = sorted(set(wanted))
        held = {(file, number): picture for file, number, picture in _in_order(ordered)}
        for file, number in wanted:
            yield file, number, held[file, number]
    else:
        yield from _in_order(wanted)


def _in_order(wanted: Sequence[tuple[Path, int]]) -> Iterator[tuple[Path, int, NDArray[np.uint8]]]:
    for file, pairs in groupby(wanted, key=lambda pair: pair[0]):
        numbers = [number for _, number in pairs]
        pictures = videos.frames(file, numbers) if videos.is_video(file) else (read(file) for _ in numbers)
        for number, picture in zip(numbers, pictures, strict=True):
            yield file, number, picture
