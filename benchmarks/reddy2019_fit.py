"""Whether each network of reddy2019 can memorise its training clips at the paper's sizes, and at what cost.

python -m benchmarks.reddy2019_fit --corpus smic --epochs 400 --dropout 0

Networks are trained as in the suite (SGD with rate 0.01, batches of 8), and scored on the same clips on which they are
trained: this tests that nothing prevents learning, and says nothing about recognition. A step takes some tenths of a
second with 18 frames and some seconds with 96; the few clips of a stand-in need hundreds of steps without dropout, and
more with it. On nine clips of SMIC stand-ins, without dropout, MicroExpSTCNN had learnt all clips after 302 epochs, the
intermediate FuseNet 95% after 121, and the late FuseNet all after 227. Each network runs in its own process, whose peak
memory is printed; to measure only this, two epochs are enough. Without --data it uses stand-in corpora.
"""

from __future__ import annotations

import argparse
import multiprocessing
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

import papers
from benchmarks.options import parsed
from common import corpora, standin
from common.contract import Settings
from common.corpora import casme_sq_recordings
from common.corpora.marker import marked
from common.environment import peak_memory_mib
from common.errors import ClipError, UserError
from common.types import Clip, Experiment, Samples
from common.vision.faces import FaceFinder
from common.vision.images import frames_of
from papers.reddy2019 import preprocess
from papers.reddy2019.experiments import NETWORKS

CORPORA = ("smic", "casme_sq")
FITTED = 0.95
"""The training accuracy from which the clips count as learnt."""


@dataclass(frozen=True)
class Fit:
    """The parameters of a network, its training accuracy after each epoch, total seconds and peak memory."""

    parameters: int
    accuracy: tuple[float, ...]
    seconds: float
    peak_mib: float


def labelled(data: Path, name: str, experiment: Experiment) -> Iterator[tuple[Clip, int]]:
    """The clips of a corpus in the folder `data` that an experiment trains on, each with its class."""
    root = corpora.find(data).get(name)
    if root is None:
        raise UserError(f"{data}: contains no {name}")
    corpus = casme_sq_recordings.load(root) if name == "casme_sq" else corpora.load(name, root)
    for clip in corpus.clips:
        emotion = experiment.labels.mapping[clip.corpus].get(clip.emotion)
        if emotion is not None and len(clip.frames) >= experiment.min_frames:
            yield clip, experiment.labels.classes.index(emotion)


def prepared(clips: Iterator[tuple[Clip, int]], experiment: Experiment, settings: Settings) -> Samples:
    """Samples with the inputs of all networks; clips that cannot be used are reported and left out."""
    faces, usable, arrays = FaceFinder(), [], []
    for clip, label in clips:
        try:
            arrays.append(preprocess.prepare(frames_of(clip), settings.inputs, faces))
            usable.append((clip, label))
        except ClipError as error:
            print(f"{clip.id} left out: {error}", file=sys.stderr)
    if not usable:
        raise UserError(f"{experiment.id}: no clip can be used")
    samples = preprocess.assemble(usable, arrays, settings)
    return replace(samples, x={name: np.stack([a[name] for a in arrays]) for name in ("face", "eyes", "mouth")})


def fit(experiment: Experiment, settings: Settings, samples: Samples, seed: int) -> Fit:
    """Train on all clips for all epochs and score the same clips after each."""
    from common.training.learner import Validation
    from papers.reddy2019 import recipe

    learner = recipe.build_networks(
        settings.network, settings.training, preprocess.shapes(settings), experiment.labels.classes, seed
    ).learner
    read = replace(samples, x={name: samples.x[name] for name in learner.model.input})
    x = recipe.fit_scaling([read]).applied(read)
    targets = {"emotion": np.eye(len(experiment.labels.classes), dtype=np.float32)[samples.y]}
    start = time.perf_counter()
    history = learner.fit(x, targets, seed, validation=Validation("emotion", x, samples.y))
    seconds = time.perf_counter() - start
    return Fit(learner.model.count_params(), tuple(history["val_accuracy"]), seconds, peak_memory_mib())


HEADING = (
    f"{'network':14s} {'corpus':10s} {'frames':>6s} {'clips':>5s} {'parameters':>12s} {'learnt at':>9s} "
    f"{'best':>6s} {'s/epoch':>7s} {'peak MiB':>8s}"
)


def _line(key: str, corpus: str, frames: int, clips: int, result: Fit) -> str:
    learnt = next((str(epoch) for epoch, share in enumerate(result.accuracy, start=1) if share >= FITTED), "-")
    return (
        f"{key:14s} {corpus:10s} {frames:6d} {clips:5d} {result.parameters:12,d} {learnt:>9s} "
        f"{max(result.accuracy):6.1%} {result.seconds / len(result.accuracy):7.2f} {result.peak_mib:8.0f}"
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the table; "learnt at" is the first epoch after which 95% of the clips are classified correctly."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, help="folder of licensed corpora; without it stand-ins")
    parser.add_argument("--corpus", nargs="+", choices=CORPORA, default=CORPORA)
    parser.add_argument("--network", nargs="+", choices=list(NETWORKS), default=list(NETWORKS))
    parser.add_argument("--epochs", type=int, default=100)
    parser.add_argument("--dropout", type=float, default=0.5)
    parser.add_argument("--learning-rate", type=float, default=0.01)
    parser.add_argument("--frame-step", type=int, default=1, help="read every n-th of the paper's frames")
    parser.add_argument("--subjects", type=int, default=3, help="of each stand-in corpus; 0 for all")
    parser.add_argument("--clips", type=int, default=3, help="per stand-in subject; 0 for all")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--cache", type=Path, default=Path("standin-cache"), help="folder for the stand-ins")
    chosen = parsed(parser, arguments, corpus=["smic"], network=["stcnn"], epochs=2, subjects=2, clips=2)
    paper = papers.load("reddy2019")
    full = paper.profiles["paper"].settings.having(
        {
            "epochs": chosen.epochs,
            "dropout": chosen.dropout,
            "learning_rate": chosen.learning_rate,
            "frame_step": chosen.frame_step,
        }
    )
    experiments = {e.id: e for e in paper.experiments}
    try:
        data = chosen.data or standin.ensure(
            chosen.cache,
            corpora=chosen.corpus,
            subjects=chosen.subjects or None,
            clips=chosen.clips or None,
            seed=chosen.seed,
        )
        print("stand-in corpora" if marked(data) else f"corpora in {data}", HEADING, sep="\n", flush=True)
        for corpus in chosen.corpus:
            first = experiments[f"stcnn-{corpus}/published"]
            samples = prepared(labelled(data, corpus, first), first, full.having(first.settings))
            for key in chosen.network:
                experiment = experiments[f"{key}-{corpus}/published"]
                settings = full.having(experiment.settings)
                frames = next(iter(preprocess.shapes(settings).values()))[2]
                with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as alone:
                    result = alone.submit(fit, experiment, settings, samples, chosen.seed).result()
                print(_line(key, corpus, frames, len(samples.y), result), flush=True)
    except UserError as error:
        print(error, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
