"""How fast clips are prepared, compared with only decoding their images with OpenCV.

python -m benchmarks.preprocessing --paper aouayeb2019

The clips are those of the MEGC 2019 composite, by default of stand-ins of full size, with the settings of the profile
`paper`. Preparing is what a run does before its first fold, with an empty cache: the digests of all files, then every
clip in `--workers` processes, including face detection and writing. Decoding is `cv2.imread` of the same files, each
once, in the same processes. The two take turns after every few clips, so that other load on the machine affects both.
Speed is the seconds of decoding divided by those of preparing. Each repeat uses new processes; files are read once
before, so that the system has them in memory. How the time is divided is measured in one process on a few of the clips,
after dlib's model is loaded. The status is 1 if a bound of `LEAST` is missed.
"""

from __future__ import annotations

import argparse
import multiprocessing
import resource
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from statistics import median
from typing import TypeVar

import cv2
import numpy as np

import papers
from benchmarks.options import parsed
from common import standin
from common.environment import code_digest, peak_memory_mib
from common.runs import preprocessing
from common.runs.cache import Cache, digest
from common.runs.clips import prepare_clips
from common.runs.context import run_context
from common.runs.plan import Job, plan, read_data
from common.runs.processes import Pool
from common.types import Clip
from common.vision import images
from common.vision.faces import FaceFinder
from papers.reddy2019 import preprocess as reddy2019

LEAST = {"aouayeb2019": 0.4, "kumar2019": 0.08, "le2020": 0.25, "reddy2019": 0.1, "talluri2022": 0.12}
"""The minimum speed of a paper."""
Found = TypeVar("Found")
TURN = 4
"""The number of clips that a process decodes, and then prepares, in one turn."""
LOOKED_INTO = 24
"""The maximum number of clips for measuring how the time is divided."""
CORPORA = ("casme2", "smic", "samm")
PARTS = {
    "read": (images, "_read"),
    "find": (FaceFinder, "find"),
    "again": (FaceFinder, "again"),
    "follow": (FaceFinder, "follow"),
    "write": (Cache, "_write"),
}
FACES = ("find", "again", "follow")
HEADING = "paper        clips  images  decoding s  preparing s  speed  reading  faces  writing  rest   MiB"


@dataclass(frozen=True)
class Cost:
    """Seconds of decoding and of preparing, and the peak memory of the largest process in MiB."""

    decoding: float
    preparing: float
    mib: float

    @property
    def speed(self) -> float:
        """The speed of preparing relative to decoding."""
        return self.decoding / self.preparing


def composite(key: str, data: Path, clips: int | None, cache: Path) -> Job:
    """A paper's experiment on the composite with `clips` clips, spread evenly over all, or with all of them."""
    paper = papers.load(key)
    profile = paper.profiles["paper"]
    experiment = next(e for e in paper.experiments if e.common_ground)
    loaded = read_data(data, CORPORA, paper.images)
    code = code_digest(papers.code(key))
    where = Cache(cache)
    job = plan(
        paper, experiment, profile, loaded, cache=where, out=cache, seed=0, code=code, contents={}, progress=silent
    )
    count = min(clips or len(job.clips), len(job.clips))
    chosen = np.linspace(0, len(job.clips) - 1, count).round().astype(int)
    return replace(job, clips=tuple(job.clips[place] for place in chosen))


def files(clip: Clip, job: Job) -> tuple[Path, ...]:
    """The image files of a clip that a job reads, each once: reddy2019 reads only some of them."""
    return (reddy2019.window(clip, job.settings.inputs) if job.paper.key == "reddy2019" else clip).files


def decode(paths: Sequence[Path]) -> int:
    """Decode images with OpenCV only. Returns their number."""
    for path in paths:
        if cv2.imread(str(path)) is None:
            raise OSError(f"OpenCV cannot read {path}")
    return len(paths)


def measured(job: Job, workers: int, folder: Path) -> Cost:
    """Decode and prepare all clips of a job in turns, preparing them as in a run, with an empty cache in `folder`."""
    parts = partial(papers.parts, job.paper.key)
    parts()  # a run imports these modules even if there are no clips to prepare
    decoding = preparing = 0.0
    with tempfile.TemporaryDirectory(dir=folder) as empty, Pool(workers) as pool:
        cache = Cache(Path(empty))
        context = run_context(preprocessing.code(job.paper.key), parts, cache, None, pool)
        list(pool.finished([pool.start(decode, ()) for _ in range(workers)]))  # now the processes have started
        for first in range(0, len(job.clips), TURN * workers):
            clips = job.clips[first : first + TURN * workers]
            paths = [files(clip, job) for clip, _ in clips]
            for path in (path for clip, _ in clips for path in clip.files):
                path.read_bytes()  # now the system has it in memory
            start = time.perf_counter()
            list(pool.finished([pool.start(decode, clip_paths) for clip_paths in paths]))
            turned = time.perf_counter()
            contents = {clip.id: digest(cache.digests(clip.files)) for clip, _ in clips}
            (made,) = prepare_clips([replace(job, clips=clips, contents=contents)], context, silent).values()
            preparing += time.perf_counter() - turned
            decoding += turned - start
            if made.excluded:
                raise ValueError(f"{made.excluded[0].clip}: {made.excluded[0].reason}")
    # of this process or, if it started others, of the largest of them
    mib = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024 if workers > 1 else peak_memory_mib()
    return Cost(decoding, preparing, mib)


def shares(job: Job, folder: Path) -> dict[str, float]:
    """How the time is divided when the clips of a job are prepared in this process, as fractions."""
    spent = dict.fromkeys(PARTS, 0.0)
    finder = FaceFinder()
    finder.find(images.read(job.clips[0][0].frames[0]))  # loaded by now
    parts = partial(papers.parts, job.paper.key)
    parts()
    with tempfile.TemporaryDirectory(dir=folder) as empty, timed(PARTS, spent), Pool(1) as pool:
        context = replace(
            run_context(preprocessing.code(job.paper.key), parts, Cache(Path(empty)), None, pool), faces=finder
        )
        start = time.perf_counter()
        prepare_clips([job], context, silent)
        seconds = time.perf_counter() - start
    totals = {"reading": spent["read"], "faces": sum(spent[name] for name in FACES), "writing": spent["write"]}
    return {name: part / seconds for name, part in totals.items()} | {"rest": 1 - sum(totals.values()) / seconds}


@contextmanager
def timed(places: dict[str, tuple[object, str]], spent: dict[str, float]) -> Iterator[None]:
    """Add up in `spent` the seconds that functions take; a function is given by its owner and its name there."""

    def watched(name: str, function: Callable[..., object]) -> Callable[..., object]:
        def call(*given: object) -> object:
            start = time.perf_counter()
            try:
                return function(*given)
            finally:
                spent[name] += time.perf_counter() - start

        return call

    plain = {name: getattr(owner, attribute) for name, (owner, attribute) in places.items()}
    for name, (owner, attribute) in places.items():
        setattr(owner, attribute, watched(name, plain[name]))
    try:
        yield
    finally:
        for name, (owner, attribute) in places.items():
            setattr(owner, attribute, plain[name])


def alone(work: Callable[..., Found], *given: object) -> Found:
    """The result of `work` in its own process."""
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        return pool.submit(work, *given).result()


def silent(stage: str, done: int, total: int) -> None:
    """Show no progress."""


def row(job: Job, workers: int, repeats: int, folder: Path) -> tuple[str, float]:
    """Measure a job: its line of the table, and its speed."""
    key = job.paper.key
    count = sum(len(files(clip, job)) for clip, _ in job.clips)
    runs = [alone(measured, job, workers, folder) for _ in range(repeats)]
    few = job.clips[:: -(-len(job.clips) // LOOKED_INTO)]
    part = alone(shares, replace(job, clips=few), folder)
    speed = median(run.speed for run in runs)
    line = (
        f"{key:11} {len(job.clips):6} {count:7} {median(run.decoding for run in runs):11.1f} "
        f"{median(run.preparing for run in runs):12.1f} {speed:6.1%} {part['reading']:8.0%} {part['faces']:6.0%} "
        f"{part['writing']:8.0%} {part['rest']:5.0%} {max(run.mib for run in runs):5.0f}"
    )
    return line, speed


def main(arguments: Sequence[str] | None = None) -> int:
    """Print a line per paper; the status is 1 if a bound does not hold."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--paper", nargs="+", metavar="KEY", default=papers.available())
    parser.add_argument("--clips", type=int, help="number of clips, spread over corpora and subjects; default: all")
    parser.add_argument("--workers", type=int, default=1, help="processes, the same number for both sides")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--data", type=Path, help="corpora; default: stand-ins of full size, written into --cache")
    parser.add_argument("--cache", type=Path, default=Path("standin-cache"), help="folder for all that is written")
    chosen = parsed(parser, arguments, paper=["reddy2019"], clips=1, repeats=1)
    cache = chosen.cache.absolute()
    size = 2 if chosen.short else None
    data = chosen.data or standin.ensure(cache, corpora=CORPORA, subjects=size, clips=size)
    print(f"{chosen.workers} processes, medians of {chosen.repeats}\n{HEADING}", flush=True)
    hold = True
    for key in chosen.paper:
        line, speed = row(composite(key, data, chosen.clips, cache), chosen.workers, chosen.repeats, cache)
        print(line, flush=True)
        hold &= speed >= LEAST.get(key, 0.0)
    return 0 if hold or chosen.short else 1


if __name__ == "__main__":
    sys.exit(main())
