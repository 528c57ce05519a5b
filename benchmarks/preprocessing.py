"""How fast clips are prepared, beside decoding their images with OpenCV alone.

python -m benchmarks.preprocessing --paper aouayeb2019

The clips are those of the MEGC 2019 composite, by default of stand-ins of full size, with the settings of the profile
`paper`. Preparing is what a run does before its first fold, into an empty cache: the digests of all files, then every
clip in as many processes as are asked for, finding faces and writing included. Decoding is `cv2.imread` of the same
files, each once, in the same processes. The two take turns after every few clips, so that what else the machine does
meets both. Speed is the seconds of decoding over those of preparing. Each repeat is made by new processes; files are
read once before either, so that the system holds them. Where the time goes is measured in one process on a few of the
clips, once dlib's model is loaded. Ends with status 1 where a bound of `LEAST` is missed.
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
from common.runs import scheduler
from common.runs.cache import Cache, digest
from common.runs.plan import Job, plan, read_data
from common.runs.processes import Pool
from common.types import Clip
from common.vision import images
from common.vision.faces import FaceFinder
from papers.reddy2019 import preprocess as reddy2019

LEAST = {"aouayeb2019": 0.4}
"""The speed that a paper must reach."""
Found = TypeVar("Found")
TURN = 4
"""Clips that a process decodes, and then prepares, before it is decoding's turn again."""
LOOKED_INTO = 24
"""Clips at most for where the time goes."""
CORPORA = ("casme2", "smic", "samm")
PARTS = {
    "read": (images, "_read"),
    "find": (FaceFinder, "find"),
    "follow": (FaceFinder, "follow"),
    "write": (Cache, "_write"),
}
HEADING = "paper        clips  images  decoding s  preparing s  speed  reading  faces  writing  rest   MiB"


@dataclass(frozen=True)
class Cost:
    """Seconds of decoding and of preparing, and the MiB of memory that the largest process held at most."""

    decoding: float
    preparing: float
    mib: float

    @property
    def speed(self) -> float:
        """Of preparing, with decoding as the unit."""
        return self.decoding / self.preparing


def composite(key: str, data: Path, clips: int | None, cache: Path) -> Job:
    """A paper's experiment on the composite with as many clips, spread evenly over all, or all of them."""
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
    """The image files of a clip that a job reads, each once: reddy2019 reads some of them."""
    return (reddy2019.window(clip, job.settings.inputs) if job.paper.key == "reddy2019" else clip).files


def decode(paths: Sequence[Path]) -> int:
    """Decode images as OpenCV does by itself; how many they are."""
    for path in paths:
        if cv2.imread(str(path)) is None:
            raise OSError(f"OpenCV cannot read {path}")
    return len(paths)


def measured(job: Job, workers: int, folder: Path) -> Cost:
    """Decode and prepare all clips of a job by turns, prepared as in a run, into an empty cache below `folder`."""
    parts = partial(papers.parts, job.paper.key)
    parts()  # what a run imports whether or not there are clips to prepare
    decoding = preparing = 0.0
    with tempfile.TemporaryDirectory(dir=folder) as empty, Pool(workers) as pool:
        cache = Cache(Path(empty))
        context = scheduler.run_context(job.paper.key, parts, cache, None, pool)
        list(pool.finished([pool.start(decode, ()) for _ in range(workers)]))  # the processes are there
        for first in range(0, len(job.clips), TURN * workers):
            clips = job.clips[first : first + TURN * workers]
            paths = [files(clip, job) for clip, _ in clips]
            for path in (path for clip, _ in clips for path in clip.files):
                path.read_bytes()  # now the system holds it
            start = time.perf_counter()
            list(pool.finished([pool.start(decode, clip_paths) for clip_paths in paths]))
            turned = time.perf_counter()
            contents = {clip.id: digest(cache.digests(clip.files)) for clip, _ in clips}
            (made,) = scheduler.prepare_clips([replace(job, clips=clips, contents=contents)], context, silent).values()
            preparing += time.perf_counter() - turned
            decoding += turned - start
            if made.excluded:
                raise ValueError(f"{made.excluded[0].clip}: {made.excluded[0].reason}")
    # of this process, and where it started others, of the largest of them
    mib = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024 if workers > 1 else peak_memory_mib()
    return Cost(decoding, preparing, mib)


def shares(job: Job, folder: Path) -> dict[str, float]:
    """Which shares of the seconds go where when the clips of a job are prepared in this process."""
    spent = dict.fromkeys(PARTS, 0.0)
    finder = FaceFinder()
    finder.find(images.read(job.clips[0][0].frames[0]))  # loaded by now
    parts = partial(papers.parts, job.paper.key)
    parts()
    with tempfile.TemporaryDirectory(dir=folder) as empty, timed(PARTS, spent), Pool(1) as pool:
        context = replace(scheduler.run_context(job.paper.key, parts, Cache(Path(empty)), None, pool), faces=finder)
        start = time.perf_counter()
        scheduler.prepare_clips([job], context, silent)
        seconds = time.perf_counter() - start
    totals = {"reading": spent["read"], "faces": spent["find"] + spent["follow"], "writing": spent["write"]}
    return {name: part / seconds for name, part in totals.items()} | {"rest": 1 - sum(totals.values()) / seconds}


@contextmanager
def timed(places: dict[str, tuple[object, str]], spent: dict[str, float]) -> Iterator[None]:
    """Add up in `spent` the seconds that functions take, each named by its owner and its name there."""

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
    """What `work` finds in a process of its own, and in those that it starts."""
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
    """Print a line per paper, and say by the status whether all bounds hold."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--paper", nargs="+", metavar="KEY", default=papers.available())
    parser.add_argument("--clips", type=int, help="so many, spread over corpora and subjects; default: all")
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
