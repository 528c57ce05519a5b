"""How far landmarks of followed faces are from those of a search of every whole frame.

python -m benchmarks.faces
python -m benchmarks.faces --clips FOLDER

The clips are stand-ins, by default two clips of two subjects of each corpus, or all videos in a folder. Every frame is
searched by dlib as a whole, and the same frames are followed as in a run. The difference of a frame is the mean
distance of its 68 landmarks in pixels. "Searched" counts the frames, except the first of each clip, that were searched
as a whole because the face was not found near its previous place; "found" those in which only one of the two finds a
face. Speed is the processor time of searching divided by that of following. The status is 1 if fewer than 99% of a
corpus' frames differ by at most half a pixel.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.options import parsed
from common import standin
from common.errors import ClipError
from common.runs.plan import read_data
from common.types import Clip, ClipFrames
from common.vision import images, videos
from common.vision.alignment import tracked
from common.vision.faces import FaceFinder

CORPORA = ("casme2", "smic", "samm")
NEAR, LEAST = 0.5, 0.99
"""Pixels that a frame may differ, and the minimum fraction of such frames."""
HEADING = "corpus   clips  frames  found  same  <= 0.5 px  mean px  max px  searched  found differs  speed"


@dataclass
class Result:
    """What was measured on the clips of a corpus."""

    clips: int = 0
    frames: int = 0
    differences: list[float] = field(default_factory=list)
    searched: int = 0
    unlike: int = 0
    seconds: NDArray[np.float64] = field(default_factory=lambda: np.zeros(2))

    @property
    def near(self) -> float:
        """The fraction of frames within half a pixel."""
        return float(np.mean(np.array(self.differences) <= NEAR))

    def add(self, clip: ClipFrames, faces: FaceFinder) -> None:
        """Measure a clip; one whose first frame shows no face is left out."""
        start = time.thread_time()
        try:
            followed = [*tracked(clip, faces)]
        except ClipError:
            return
        between = time.thread_time()
        whole = [_searched(frame.frame, faces) for frame in followed]
        self.seconds += (time.thread_time() - between, between - start)
        self.clips += 1
        self.frames += len(followed)
        self.searched += sum(frame.searched for frame in followed)
        for frame, points in zip(followed, whole, strict=True):
            if frame.found and points is not None:
                self.differences.append(float(np.linalg.norm(frame.points - points, axis=1).mean()))
            self.unlike += frame.found != (points is not None)

    def line(self, name: str) -> str:
        """The line of the table."""
        values = np.array(self.differences)
        return (
            f"{name:8} {self.clips:5} {self.frames:7} {len(values):6} {np.mean(values == 0):5.1%} {self.near:10.2%} "
            f"{values.mean():8.3f} {values.max():7.2f} {self.searched:9} {self.unlike:14} "
            f"{self.seconds[0] / self.seconds[1]:6.1f}"
        )


def _searched(frame: NDArray[np.uint8], faces: FaceFinder) -> NDArray[np.float32] | None:
    """The landmarks of the largest face, with all sizes of the whole frame searched; None if there is no face."""
    found = faces.every(frame)
    return found[0].points if found else None


def film(path: Path) -> Clip:
    """All frames of a video as a clip."""
    numbers = tuple(range(1, videos.count(path) + 1))
    return Clip("videos", "", path.stem, (path,) * len(numbers), numbers, 1, None, len(numbers), 30.0, "")


def main(arguments: Sequence[str] | None = None) -> int:
    """Print a line per corpus; the status is 1 if the bound does not hold."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clips", type=Path, help="a folder of videos; default: stand-ins")
    parser.add_argument("--limit", type=int, default=2, help="subjects, and clips of each, of the stand-ins")
    parser.add_argument("--cache", type=Path, default=Path("standin-cache"), help="folder for stand-ins")
    chosen = parsed(parser, arguments, limit=1)
    faces, hold = FaceFinder(), True
    print(HEADING, flush=True)
    if chosen.clips:
        clips = {
            "videos": [images.frames_of(film(path)) for path in sorted(chosen.clips.iterdir()) if videos.is_video(path)]
        }
    else:
        size = chosen.limit
        data = standin.ensure(chosen.cache.absolute(), corpora=CORPORA, subjects=size, clips=size)
        loaded = read_data(data, CORPORA, "raw").corpora
        clips = {name: [images.frames_of(clip) for clip in loaded[name].clips] for name in CORPORA}
    for name, some in clips.items():
        result = Result()
        for clip in some:
            result.add(clip, faces)
        print(result.line(name), flush=True)
        hold &= result.near >= LEAST
    return 0 if hold or chosen.short else 1


if __name__ == "__main__":
    sys.exit(main())
