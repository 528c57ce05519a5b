"""How much memory a fold takes on the host with the profile `paper`, for every paper, at the full size of its corpora.

python -m benchmarks.memory --paper aouayeb2019 kumar2019

Per paper, a fold of its largest experiment is run as in a study, in a process of its own, but with one epoch of a few
steps: arrays of the clips from the cache, assembled samples, training, prediction of the held-out clips and of all
training clips. Only the longest clip is prepared; all others get the first frames of its arrays, which take as much
memory as their own would. Clips are those of stand-ins of full size, or of the corpora in --data. Printed are the
largest resident memory until the longest clip is prepared, until the fold starts, and until it is stored. The status is
1 if a paper takes more than `MOST`.
"""

from __future__ import annotations

import argparse
import multiprocessing
import sys
import tempfile
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest import mock

import papers
from benchmarks.options import parsed
from common import standin
from common.contract import Parts
from common.environment import code_digest, peak_memory_mib, processor
from common.errors import UserError
from common.runs import folds, preprocessing
from common.runs.cache import Cache
from common.runs.plan import Job, plan, read_data
from common.training.weights import NONE, Weights
from common.types import Arrays, ClipFrames
from common.vision.faces import FaceFinder

MOST = 8.0
"""GiB that a paper may take."""
LARGEST = {
    "aouayeb2019": "composite-loso/cnn-in-fold",
    "kumar2019": "composite-loso/published",
    "le2020": "vgg19-composite/loso",
    "liong2019": "composite-loso/published",
    "reddy2019": "stcnn-casme_sq/loso",
    "see2019": "composite-loso/published",
    "talluri2022": "model-c-composite/loso",
}
"""The experiment of each paper with the largest samples or networks."""
ONE_EPOCH = ("epochs", "cnn_epochs", "lstm_epochs")


@dataclass(frozen=True)
class Row:
    """Peak memory in GiB after preparing the longest clip, before the fold, and after it; None if it failed."""

    paper: str
    experiment: str
    clips: int
    rows: int
    prepared: float
    assembled: float
    fold: float | None


def like(arrays: Arrays, frames: int, wanted: int) -> Arrays:
    """The arrays of a clip of `frames` frames as of a clip of `wanted` frames: those with one entry per frame are cut.

    A clip cannot have more frames than the longest.
    """
    return {name: values[:wanted] if len(values) == frames else values for name, values in arrays.items()}


def _job(key: str, data: Path, cache: Path, out: Path, clips: int | None) -> Job:
    paper = papers.load(key)
    experiment = next(e for e in paper.experiments if e.id == LARGEST[key])
    full = paper.profiles["paper"]
    changes: dict[str, Any] = {name: 1 for name in ONE_EPOCH if name in full.settings.values()}
    if "weights" in full.settings.values():
        changes["weights"] = Weights(NONE)  # trained ones take as much memory, but may have to be downloaded
    profile = replace(full, settings=full.settings.having(changes), clips=clips, folds=1, diagnose=False)
    corpora = read_data(data, experiment.corpora, paper.images)
    digest = code_digest(papers.code(key))
    return plan(
        paper,
        experiment,
        profile,
        corpora,
        cache=Cache(cache),
        out=out,
        seed=0,
        code=digest,
        contents={},
        progress=lambda *_: None,
    )


def _parts(key: str, longest: Arrays, frames: int) -> Parts:
    """A paper's modules, which give every clip the first frames of the longest one."""
    own = papers.parts(key)

    def prepare(clip: ClipFrames, inputs: Any, faces: FaceFinder) -> Arrays:
        return like(longest, frames, len(clip.numbers))

    instead: Any = SimpleNamespace(prepare=prepare, shapes=own.preprocess.shapes, assemble=own.preprocess.assemble)
    return replace(own, preprocess=instead)


def measure(key: str, data: Path, cache: Path, steps: int, clips: int | None) -> Row:
    """The row of a paper, for a process that has done nothing else."""
    with tempfile.TemporaryDirectory() as folder:
        job = _job(key, data, cache, Path(folder) / "out", clips)
        ready = Cache(Path(folder))  # not the cache of studies: its clips have other arrays
        clip, _ = max(job.clips, key=lambda pair: len(pair[0].numbers))
        task = next(task for task in preprocessing.clip_tasks(job, "longest") if task.clip.id == clip.id)
        faces = FaceFinder(None)
        longest = preprocessing.arrays(task, papers.parts(key).preprocess, ready, faces)
        prepared, parts = peak_memory_mib() / 1024, _parts(key, longest, len(clip.numbers))
        for task in preprocessing.clip_tasks(job, "cut"):
            preprocessing.make(task, parts.preprocess, ready, faces)
        share = folds.JobFolds(job, tuple(job.asked())[:1], (), first=True, repeats=False)
        unit = folds.WorkUnit((share,), lambda: parts, "cut", ready, None)
        before: list[float] = []

        def note() -> None:
            before.append(peak_memory_mib() / 1024)

        with _few_steps(steps), mock.patch.object(folds, "forget_peak_memory", note):
            folds.run(unit, lambda *_: None, lambda text: print(text, file=sys.stderr), lambda job, result: None)
        result = job.run.load(share.folds[0])
        rows = sum(len(clip.numbers) for clip, _ in job.clips)
        fold = result.measured["peak_memory_mib"] / 1024 if result else None
        return Row(key, job.experiment.id, len(job.clips), rows, prepared, max(before, default=0.0), fold)


def _few_steps(steps: int) -> Any:
    """Let every epoch of a training end after some steps."""
    from common.training.batches import Batches

    def few(batches: Any) -> int:
        whole = -(-batches.rows // batches._batch)
        return whole if batches._shuffle is None else min(steps, whole)

    return mock.patch.object(Batches, "__len__", few)


HEADING = (
    f"{'paper':14s}{'experiment':30s}{'clips':>7s}{'frames':>8s}{'clip GiB':>10s}{'samples GiB':>13s}{'fold GiB':>10s}"
)


def line(row: Row) -> str:
    """A row of the table."""
    fold = "-" if row.fold is None else f"{row.fold:.1f}"
    return (
        f"{row.paper:14s}{row.experiment:30s}{row.clips:7d}{row.rows:8d}{row.prepared:10.1f}{row.assembled:13.1f}"
        f"{fold:>10s}"
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the table, each line as soon as it is measured; status 1 if a paper takes more than `MOST`."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--paper", nargs="+", choices=list(LARGEST), default=list(LARGEST), metavar="KEY")
    parser.add_argument("--data", type=Path, help="folder with corpora; default: stand-ins of full size in the cache")
    parser.add_argument("--cache", type=Path, default=Path("standin-cache"), help="for stand-ins and digests of files")
    parser.add_argument("--steps", type=int, default=3, help="training steps of each network")
    parser.add_argument("--subjects", type=int, help="of the stand-in corpora; default: all")
    parser.add_argument("--clips", type=int, help="of each subject; default: all")
    chosen = parsed(parser, arguments, paper=["liong2019"], steps=1, subjects=2, clips=2)
    print(processor(), HEADING, sep="\n", flush=True)
    fine = True
    for key in chosen.paper:
        experiment = next(e for e in papers.load(key).experiments if e.id == LARGEST[key])
        corpora = sorted({name.removesuffix("_recordings") for name in experiment.corpora})
        try:
            data = chosen.data or standin.ensure(
                chosen.cache, corpora=corpora, subjects=chosen.subjects, clips=chosen.clips
            )
            context = multiprocessing.get_context("spawn")
            with ProcessPoolExecutor(1, mp_context=context) as pool:
                row = pool.submit(measure, key, data, chosen.cache, chosen.steps, chosen.clips).result()
        except (UserError, OSError, RuntimeError) as error:
            print(f"{key}: {error}", file=sys.stderr)
            fine = False
            continue
        print(line(row), flush=True)
        fine &= row.fold is not None and max(row.prepared, row.assembled, row.fold) <= MOST
    return 0 if fine or chosen.short else 1


if __name__ == "__main__":
    sys.exit(main())
