"""Reading the frames of a clip, with errors that name the faulty file."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from itertools import groupby
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from common.errors import ClipError
from common.types import Clip, ClipFrames, Part
from common.vision import videos

FORMATS = ("JPEG", "PNG", "BMP")
"""Recognised by content. Some other formats of Pillow start programs (EPS) or are not single images."""
DARKEST = 2**12
"""Below this value a greyscale image of 16 bits is nearly black: its values use 10 or 12 of the bits."""
MOST_PIXELS = 2**25
"""Of an image; those of the corpora have at most a fifteenth of this."""


def read(path: Path) -> NDArray[np.uint8]:
    """Read an image as RGB, uint8 (height, width, 3); greyscale is repeated in the three channels.

    Of 16 bits per value the upper 8 are used, as Pillow does for colour: 0 is black and 65535 is white, as PNG says.

    Uses Pillow rather than OpenCV, which silently fills the missing part of a truncated JPEG with grey.
    Raises ClipError for a file that is missing, truncated, too large, or not a JPEG, PNG or BMP, and for greyscale of
    16 bits without a value of `DARKEST` or more.
    """
    return _read(path, None)[1]


def _read(path: Path, part: Part | None) -> tuple[tuple[int, int], NDArray[np.uint8]]:
    """Height and width of an image, and a part or all of it as in `read`. Only the requested part is converted.

    The whole file is decoded, so that truncation is always detected.
    """
    import cv2

    try:
        with Image.open(path, formats=FORMATS) as opened:
            if opened.width * opened.height > MOST_PIXELS:
                raise ValueError(f"{opened.width}x{opened.height} pixels exceed the limit of {MOST_PIXELS}")
            opened.load()
            size = opened.height, opened.width
            deep = opened.mode.startswith("I")
            if deep and (brightest := int(np.asarray(opened).max())) < DARKEST:
                raise ClipError(
                    f"{path}: greyscale of 16 bits with no value above {brightest} of 65535, which is nearly black; "
                    "convert it to 8 bits"
                )
            picture: Image.Image = opened
            if part is not None:
                rows, columns = part
                picture = opened.crop((columns.start, rows.start, columns.stop, rows.stop))
            if deep or picture.mode == "L":
                grey = np.asarray(picture)
                grey = (grey >> 8).astype(np.uint8) if deep else grey
                return size, np.asarray(cv2.cvtColor(grey, cv2.COLOR_GRAY2RGB), np.uint8)
            return size, np.asarray(picture if picture.mode == "RGB" else picture.convert("RGB"))
    except UnidentifiedImageError:
        raise ClipError(f"{path}: not a readable JPEG, PNG or BMP; copy the file again or convert it") from None
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise ClipError(f"{path}: {error}; copy the file again") from error


def frames_of(clip: Clip) -> ClipFrames:
    """The images and times of a clip, without anything that reveals its emotion or subject."""
    pictures, first = clip.pictures, clip.numbers[0]

    def read(indices: Sequence[int], part: Part | None) -> Iterator[NDArray[np.uint8]]:
        return _read_all([pictures[index] for index in indices], part, repeated=bool(clip.shown))

    return ClipFrames(
        corpus=clip.corpus,
        numbers=tuple(number - first for number in clip.numbers),
        onset=clip.onset - first,
        apex=None if clip.apex is None else clip.apex - first,
        offset=clip.offset - first,
        fps=clip.fps,
        apex_source=clip.apex_source,
        read=read,
    )


def where(clip: Clip | ClipFrames, index: int) -> str:
    """The name of a frame for messages: its file and number if they are known, else its position in the clip."""
    if isinstance(clip, ClipFrames):
        return f"frame {index + 1} of {len(clip.numbers)}"
    return f"{clip.frames[index]}, frame {clip.numbers[index]}"


def read_frame(clip: Clip | ClipFrames, index: int) -> NDArray[np.uint8]:
    """The frame at an index of a clip, uint8 RGB (height, width, 3). Raises ClipError like `each_frame`."""
    return next(_frames(clip).read([index], None))


def read_frames(clip: Clip | ClipFrames, step: int = 1) -> NDArray[np.uint8]:
    """Every `step`-th frame of a clip, uint8 RGB (frames, height, width, 3). Raises ClipError like `each_frame`."""
    pictures = each_frame(clip, step)
    first = next(pictures)
    frames = np.empty((len(clip.numbers[::step]), *first.shape), np.uint8)
    frames[0] = first
    for index, picture in enumerate(pictures, start=1):
        frames[index] = picture
    return frames


def each_frame(clip: Clip | ClipFrames, step: int = 1, part: Part | None = None) -> Iterator[NDArray[np.uint8]]:
    """Every `step`-th frame of a clip in turn, each uint8 RGB (height, width, 3), or `part` of each.

    A frame is an image of its own, or a frame of a video, which is decoded once from its start.
    Raises ClipError for an unreadable file, for a video with fewer frames and for frames of different sizes.
    """
    return _frames(clip).read(range(0, len(clip.numbers), step), part)


def _frames(clip: Clip | ClipFrames) -> ClipFrames:
    return clip if isinstance(clip, ClipFrames) else frames_of(clip)


def _read_all(wanted: Sequence[tuple[Path, int]], part: Part | None, repeated: bool) -> Iterator[NDArray[np.uint8]]:
    """The images with these files and numbers, or a part of each; in any order if some are `repeated`."""
    first: tuple[tuple[int, int], str] | None = None
    for file, number, size, picture in _pictures(wanted, part, repeated):
        first = first or (size, file.name)
        if size != first[0]:
            name = f"{file}, frame {number}" if videos.is_video(file) else f"{file}"
            raise ClipError(
                f"{name}: {size[1]}x{size[0]} pixels, but {first[1]} has {first[0][1]}x{first[0][0]}; all frames "
                "of a clip must have the same size"
            )
        yield picture


def squared(picture: NDArray[np.uint8], size: int) -> NDArray[np.uint8]:
    """Resize an image (height, width, 3) of any shape to size x size pixels.

    By area means if both sides shrink, else linearly: cv2 does not average areas smaller than a pixel.
    """
    import cv2

    how = cv2.INTER_AREA if min(picture.shape[:2]) >= size else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(np.ascontiguousarray(picture), (size, size), interpolation=how), np.uint8)


def evenly(count: int, most: int) -> list[int]:
    """At most `most` places among `count`, evenly spaced from the first to the last; the middle one if it is one."""
    if most == 1:
        return [count // 2]
    return np.unique(np.linspace(0, count - 1, min(most, count)).round().astype(int)).tolist()


def in_a_row(pictures: Sequence[NDArray[np.uint8]], gap: int) -> NDArray[np.uint8]:
    """RGB images (height, width, 3) in a row with white gaps; lower ones stand in the middle of the height."""
    tallest = max(len(picture) for picture in pictures)
    cells = []
    for picture in pictures:
        above = (tallest - len(picture)) // 2
        rows = above, tallest - len(picture) - above
        cells.append(np.pad(picture, (rows, (0, gap), (0, 0)), constant_values=255))
    return np.concatenate(cells, axis=1)[:, : -gap or None]


def png(picture: NDArray[np.uint8]) -> bytes:
    """An image as the bytes of a PNG file."""
    buffer = io.BytesIO()
    Image.fromarray(picture).save(buffer, "PNG")
    return buffer.getvalue()


Found = tuple[Path, int, tuple[int, int], NDArray[np.uint8]]


def _pictures(wanted: Sequence[tuple[Path, int]], part: Part | None, repeated: bool) -> Iterator[Found]:
    """For each image its file, number, height and width, and the image or a part of it."""
    if repeated:  # a control: images are repeated, or in another order than in a video
        ordered = sorted(set(wanted))
        held = {(entry[0], entry[1]): entry for entry in _in_order(ordered, part)}
        for pair in wanted:
            yield held[pair]
    else:
        yield from _in_order(wanted, part)


def _in_order(wanted: Sequence[tuple[Path, int]], part: Part | None) -> Iterator[Found]:
    for file, pairs in groupby(wanted, key=lambda pair: pair[0]):
        numbers = [number for _, number in pairs]
        if videos.is_video(file):
            for number, picture in zip(numbers, videos.frames(file, numbers), strict=True):
                height, width = picture.shape[:2]
                yield file, number, (height, width), picture if part is None else picture[part]
        else:
            for number in numbers:
                yield file, number, *_read(file, part)
