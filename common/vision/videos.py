"""Single frames of a video by their number, exactly.

Frames are counted from 1: frame n is the n-th frame when the file is decoded from its start. Seeking is never used,
because OpenCV misses by some frames if images are coded by their differences. Two faults cannot be detected: a file
damaged in the middle may silently lose frames, which shifts all later numbers (`count` and `stated_count` then differ),
and if the image size changes within a file, OpenCV scales all images to the size of the first.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from common.errors import ClipError

if TYPE_CHECKING:  # the corpora ask for suffixes, and stay light
    import cv2

SUFFIXES = (".avi", ".mp4", ".m4v", ".mov", ".mkv", ".webm", ".mpg", ".mpeg", ".wmv", ".gif")

FASTEST = 10_000
"""Maximum frame rate per second. Files without a rate, or damaged ones, may declare more."""

# Read by OpenCV when it opens a file. A truncated last packet would be decoded to an image filled up with grey. Some of
# the formats that FFmpeg recognises by content are lists of other files, whose images would be read instead.
_FORMATS = "avi,mov,matroska,mpeg,mpegvideo,mpegts,asf,gif"
_FFMPEG = {
    "OPENCV_FFMPEG_LOGLEVEL": "-8",
    "OPENCV_FFMPEG_CAPTURE_OPTIONS": f"fflags;discardcorrupt|format_whitelist;{_FORMATS}",
}
_REMEDY = "copy it again, or convert it to AVI (MJPG) or to one image per frame"


def is_video(path: Path) -> bool:
    """Whether a file is a video, judging by its suffix."""
    return path.suffix.lower() in SUFFIXES


def frames(path: Path, numbers: Sequence[int]) -> Iterator[NDArray[np.uint8]]:
    """The frames of these ascending numbers, each uint8 RGB (height, width, 3), in one pass from the file's start.

    Raises ClipError for a file that is missing, empty or cannot be decoded, and for numbers that it does not contain.
    """
    if list(numbers) != sorted(numbers):
        raise ValueError(f"frame numbers must ascend: {list(numbers)}")
    with _opened(path) as video:
        if numbers and numbers[0] < 1:
            raise ClipError(f"{path}: frame {numbers[0]} is needed, but the frames of a video are counted from 1")
        held = 0
        for number in numbers:
            while held < number:
                if not video.grab():
                    raise ClipError(
                        f"{path}: has {held} frames, but frame {numbers[-1]} is needed; copy the file "
                        "again, or correct the annotation"
                    )
                held += 1
            decoded, picture = video.retrieve()
            if not decoded:
                raise ClipError(f"{path}: frame {number} cannot be decoded; {_REMEDY}")
            yield np.ascontiguousarray(picture[:, :, ::-1], np.uint8)


def count(path: Path, most: int | None = None) -> int:
    """The number of frames of a video, by decoding all of them or at most `most`.

    Raises ClipError if it cannot be opened.
    """
    held = 0
    with _opened(path) as video:
        while held != most and video.grab():
            held += 1
    return held


def stated_count(path: Path) -> int | None:
    """The number of frames in the header of a video, without decoding them; None if there is none.

    A truncated file declares more than it contains, and if a format stores only the duration (.mkv, .wmv), the number
    is an estimate. Raises ClipError if the file cannot be opened.
    """
    import cv2

    with _opened(path) as video:
        stated = int(video.get(cv2.CAP_PROP_FRAME_COUNT))
    return stated if stated > 0 else None


def stated_rate(path: Path) -> float | None:
    """The frame rate in the header of a video, per second; None if it is missing or impossible.

    Raises ClipError if the file cannot be opened.
    """
    import cv2

    with _opened(path) as video:
        stated = float(video.get(cv2.CAP_PROP_FPS))
    return stated if 1 <= stated <= FASTEST else None


@contextmanager
def _opened(path: Path) -> Iterator[cv2.VideoCapture]:
    import cv2

    try:
        size = path.stat().st_size
    except OSError as error:
        raise ClipError(f"{path}: {error.strerror}") from error
    if not size:
        raise ClipError(f"{path}: the file is empty (0 bytes); copy it again")
    for name, value in _FFMPEG.items():
        os.environ.setdefault(name, value)
    level = cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)
    try:
        video = cv2.VideoCapture(str(path), cv2.CAP_FFMPEG)
    finally:
        cv2.utils.logging.setLogLevel(level)
    try:
        if not video.isOpened():
            raise ClipError(f"{path}: not a video that OpenCV can open; {_REMEDY}")
        yield video
    finally:
        video.release()
