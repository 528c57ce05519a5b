"""How much faster two processes train a study than one, each with the threads of one core.

python -m benchmarks.workers --subjects 13

The same study, MicroExpSTCNN of reddy2019 on stand-ins of SMIC with all of the paper's epochs and one fold per subject,
is run by run_all.py with --workers 1 and --workers 2 in turn, each time from prepared clips into a new folder. A fold
uses one thread in both cases, so that a single process cannot use the second of two cores. The table also shows the
percentage of the wall time that is not spent in folds: starting, importing, planning, the report and waiting for the
last fold. Parallel folds share the memory bandwidth, too: the ratio of the time per fold shows how much this costs.
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
"""The minimum speed-up expected of two processes."""
ONE_CORE = dict.fromkeys(("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS", "OMP_NUM_THREADS"), "1")


@dataclass(frozen=True)
class Run:
    """One run of the study: wall seconds, and the seconds of each of its folds."""

    workers: int
    wall: float
    folds: tuple[float, ...]

    @property
    def beside(self) -> float:
        """The fraction of the time of all processes that is not spent in folds."""
        return 1 - sum(self.folds) / (self.workers * self.wall)


def prepared(data: Path, cache: Path, profile: Profile) -> None:
    """Prepare the arrays of all clips in the cache, where every run finds them."""
    with tempfile.TemporaryDirectory() as out:
        job = planned(PAPER, EXPERIMENT, profile, data, cache, Path(out))
    preprocess, faces = papers.parts(PAPER).preprocess, FaceFinder(None)
    for clip_task in preprocessing.clip_tasks(job, preprocessing.code(PAPER)):
        if fault := preprocessing.make(clip_task, preprocess, Cache(cache), faces).fault:
            raise UserError(f"{clip_task.clip.id}: {fault}")


def run(workers: int, data: Path, cache: Path, profile: Profile) -> Run:
    """Run the study with `workers` processes. Raises UserError if it fails."""
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
    """Print a row per run, and the ratio of the shortest runs; status 1 if it is below 1.6."""
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
    print(f"two processes are {ratio:.2f} times as fast (minimum {LEAST}; at best {best:.2f})")
    print(f"a fold takes {slower:.2f} times as long next to another; without the rest, the ratio is {2 / slower:.2f}")
    return 0 if ratio >= LEAST or chosen.short else 1


if __name__ == "__main__":
    sys.exit(main())
