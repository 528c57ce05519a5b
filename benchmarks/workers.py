"""How much faster two processes train a study than one, each bound to one core's threads.

python -m benchmarks.workers --subjects 13

The same study, MicroExpSTCNN of reddy2019 on stand-ins of SMIC with all of the paper's epochs and a fold per subject,
is run by run_all.py with --workers 1 and --workers 2 in turn, each time from prepared clips into a new folder. A fold
computes with one thread in both, so that one process cannot use what the second core of two offers. Beside the wall
time stands the share of it that is not folds: starting, importing, planning, the report and waiting for the last fold.
Folds side by side also share the memory's bandwidth: the ratio of what a fold takes in both tells how much they lose.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import papers
from benchmarks.folds import planned
from benchmarks.options import parsed
from common import standin
from common.contract import Profile
from common.environment import ROOT
from common.errors import UserError
from common.runs import preprocessing
from common.runs.cache import Cache
from common.vision.faces import FaceFinder

PAPER, EXPERIMENT = "reddy2019", "stcnn-smic/loso"
LEAST = 1.6
"""How many times as fast two processes should be."""
ONE_CORE = dict.fromkeys(("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS", "OMP_NUM_THREADS"), "1")


@dataclass(frozen=True)
class Run:
    """One run of the study: wall seconds, and the seconds of each of its folds."""

    workers: int
    wall: float
    folds: tuple[float, ...]

    @property
    def beside(self) -> float:
        """The share of the time of all processes that is not folds."""
        return 1 - sum(self.folds) / (self.workers * self.wall)


def prepared(data: Path, cache: Path, profile: Profile) -> None:
    """Have the arrays of all clips in the cache, as every run finds them."""
    with tempfile.TemporaryDirectory() as out:
        job = planned(PAPER, EXPERIMENT, profile, data, cache, Path(out))
    preprocess, faces = papers.parts(PAPER).preprocess, FaceFinder(None)
    for clip_task in preprocessing.clip_tasks(job, preprocessing.code(PAPER)):
        if fault := preprocessing.make(clip_task, preprocess, Cache(cache), faces).fault:
            raise UserError(f"{clip_task.clip.id}: {fault}")


def run(workers: int, data: Path, cache: Path, profile: Profile) -> Run:
    """Run the study with so many processes. Raises UserError where it fails."""
    with tempfile.TemporaryDirectory() as out:
        command = [sys.executable, "run_all.py", "--paper", PAPER, "--experiment", EXPERIMENT]
        command += ["--profile", profile.name, "--workers", str(workers)]
        command += ["--data", str(data), "--cache", str(cache), "--out", out]
        started = time.perf_counter()
        ended = subprocess.run(command, cwd=ROOT, env=os.environ | ONE_CORE, capture_output=True, text=True)
        wall = time.perf_counter() - started
        if ended.returncode:
            raise UserError(f"run_all.py ended with status {ended.returncode}: {ended.stderr.strip()[-300:]}")
        job = planned(PAPER, EXPERIMENT, profile, data, cache, Path(out))
        fold_seconds = [result.seconds for fold in job.asked() if (result := job.run.load(fold)) is not None]
        if len(fold_seconds) != len(job.asked()):
            raise UserError(f"{len(fold_seconds)} of {len(job.asked())} folds have a result")
    return Run(workers, wall, tuple(fold_seconds))


HEADING = f"{'workers':>7s}{'folds':>7s}{'wall s':>9s}{'s per fold':>12s}{'beside folds':>14s}"


def line(study_run: Run) -> str:
    """A row of the table."""
    per_fold = statistics.mean(study_run.folds)
    return (
        f"{study_run.workers:7d}{len(study_run.folds):7d}{study_run.wall:9.1f}{per_fold:12.1f}{study_run.beside:14.1%}"
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Print a row per run, and the ratio of the shortest; status 1 where it is below 1.6."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--subjects", type=int, default=13, help="of the stand-ins")
    parser.add_argument("--clips", type=int, default=3, help="of each subject")
    parser.add_argument("--rounds", type=int, default=2, help="runs with one process, and with two")
    parser.add_argument("--cache", type=Path, default=Path("standin-cache"), help="for stand-ins and prepared clips")
    chosen = parsed(parser, arguments, subjects=2, clips=2, rounds=1)
    cache, profile = chosen.cache.absolute(), papers.load(PAPER).profiles["smoke" if chosen.short else "paper"]
    runs: dict[int, list[Run]] = {1: [], 2: []}
    try:
        data = standin.ensure(cache, corpora=("smic",), subjects=chosen.subjects, clips=chosen.clips)
        prepared(data, cache, profile)
        print(HEADING)
        for _ in range(chosen.rounds):
            for workers, repeats in runs.items():
                repeats.append(run(workers, data, cache, profile))
                print(line(repeats[-1]), flush=True)
    except UserError as error:
        print(error, file=sys.stderr)
        return 2
    single, double = (min(repeats, key=lambda run: run.wall) for repeats in runs.values())
    ratio, slower = single.wall / double.wall, statistics.mean(double.folds) / statistics.mean(single.folds)
    best = len(single.folds) / -(-len(single.folds) // 2)  # folds are whole
    print(f"two processes are {ratio:.2f} times as fast (at least {LEAST}; at best {best:.2f})")
    print(f"a fold takes {slower:.2f} times as long beside another; folds alone go {2 / slower:.2f} times as fast")
    return 0 if ratio >= LEAST or chosen.short else 1


if __name__ == "__main__":
    sys.exit(main())
