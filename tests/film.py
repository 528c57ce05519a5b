"""A short film of a stand-in face, as a user could have recorded it: a video, or a folder of frames."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from common.vision import images

Picture = NDArray[np.uint8]
Change = Callable[[int, Picture], Picture]


def shot(corpora: Path) -> list[Picture]:
    """The first RGB frames (480, 640, 3) of a clip of the stand-in CASME II below a folder."""
    clip = min(path for path in corpora.glob("CASME2/CASME2_RAW_selected/**/EP*") if path.is_dir())
    files = sorted(clip.iterdir(), key=lambda file: int("".join(filter(str.isdigit, file.stem))))
    return [images.read(file) for file in files[:40]]


def video(path: Path, frames: Sequence[Picture], fps: float = 100.0) -> Path:
    """Write frames as AVI (MJPG)."""
    height, width = frames[0].shape[:2]
    writer = cv2.VideoWriter(str(path), cv2.CAP_OPENCV_MJPEG, cv2.VideoWriter.fourcc(*"MJPG"), fps, (width, height))
    for frame in frames:
        writer.write(np.ascontiguousarray(frame[..., ::-1]))
    writer.release()
    return path


def folder(path: Path, frames: Sequence[Picture], ending: str = "png") -> Path:
    """Write frames as one picture each, their numbers without zeros before them."""
    path.mkdir()
    for number, frame in enumerate(frames, start=1):
        cv2.imwrite(str(path / f"img{number}.{ending}"), np.ascontiguousarray(frame[..., ::-1]))
    return path
