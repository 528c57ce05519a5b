"""Does a network train the same way when it is built a second time, in PyTorch?

python -m benchmarks.second_framework --network Model-A

For networks that hardly learn at their paper's settings: is that a fault of this suite, or what the paper describes?
Both builds start from the same weights and see the same clips in the same order, those of the fold that
`benchmarks.full_study` trains. First both are trained for a few steps without dropout, and their losses are compared.
Then both are trained with dropout, which is drawn at random in each, for all of the paper's epochs. PyTorch must be
installed next to the suite's own packages.
"""

from __future__ import annotations

import argparse
import importlib
import importlib.util
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from multiprocessing import get_context
from pathlib import Path
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from benchmarks.full_study.results import CASES
from benchmarks.options import parsed
from benchmarks.prepared import SEED, of_paper
from common.protocols.splits import split
from common.runs.cache import Cache
from common.runs.processes import Pool
from common.training.batches import Batches
from common.types import Samples

NETWORKS = ("Model-A", "Split-Model", "Model-C")
"""Networks of talluri2022 with a port in `torch_ports.py`; Model-B is MicroExpSTCNN, which learns at its settings."""

DENSE_CLIPS, BATCH = 32, 4
"""Training clips on which the dense layer is examined, and how many of them at a time."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the losses of both builds, and what both learnt."""
    parser = argparse.ArgumentParser(
        prog="benchmarks.second_framework", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--network", choices=NETWORKS, default="Model-A")
    parser.add_argument("--steps", type=int, default=20, help="steps without dropout")
    parser.add_argument("--epochs", type=int, help="with dropout; default: the paper's")
    parser.add_argument("--only", choices=("keras", "torch"), help="train with dropout in this framework only")
    parser.add_argument("--motion", type=float, default=1.0, help="how far faces move; 1: as in micro-expressions")
    parser.add_argument("--rate", type=float, help="learning rate; default: the paper's")
    parser.add_argument("--cache", type=Path, default=Path("standin-cache"), help="folder for stand-ins and clips")
    options = parsed(parser, arguments, steps=2, epochs=1)
    if not importlib.util.find_spec("torch"):
        print("PyTorch is not installed: nothing is compared")
        return 0
    changed: dict[str, Any] = {"motion": options.motion} | ({"subjects": 2, "clips": 3} if options.short else {})
    bench = of_paper(*CASES[options.network], Cache(options.cache.absolute()), lambda full: replace(full, **changed))
    with Pool(1) as pool:
        bench.make_ready(pool)
    job, samples = bench.job_and_samples()
    settings = job.settings.having({"learning_rate": options.rate} if options.rate else {})
    fold = split(bench.experiment, samples.subject, samples.clip, samples.y, SEED)[0]
    train, test = samples.only(fold.train), samples.only(fold.test)

    importlib.import_module("common.training.keras_setup")  # before anything imports TensorFlow
    from common.runs.fold_training import build_networks

    epochs = options.epochs or settings.training.epochs
    settings = settings.having({"epochs": epochs})
    targets = np.eye(len(bench.experiment.labels.classes), dtype=np.float32)[train.y]
    rate = settings.training.learning_rate
    print(f"{options.network}: {len(train.y)} training clips, {len(test.y)} held-out clips, rate {rate:g}")

    def in_keras() -> Any:
        return cast(Any, build_networks(bench.parts(), job, settings)).learner

    learner = in_keras()
    _print_dense_layer("before training", learner.model, train)
    videos = [np.asarray(some.x["face"]) for some in (train, test)]
    order = _order(
        Batches({"row": np.arange(len(train.y))}, None, settings.training.batch, np.random.default_rng(SEED)), epochs
    )
    same = options.network, videos[0], targets, settings, learner.model.get_weights()

    steps = order[0][: options.steps]
    for layer in learner.model.layers:
        if type(layer).__name__ == "Dropout":
            layer.rate = 0.0
    by_keras = []
    for rows in steps:
        batch = Batches({"face": videos[0][rows]}, {"emotion": targets[rows]}, len(rows))[0]
        by_keras.append(float(learner.model.train_on_batch(*batch, return_dict=True)["loss"]))
    # TensorFlow and PyTorch cannot be loaded in one process
    with ProcessPoolExecutor(1, get_context("spawn")) as other:
        (by_torch,), _ = other.submit(train_in_torch, *same, [steps], dropout=False).result()
        pairs = [*zip(by_keras, by_torch, strict=True)]
        print("losses of the first steps without dropout:", "; ".join(f"{a:.5f}, {b:.5f}" for a, b in pairs[:5]))
        furthest = max(abs(a - b) / max(abs(a), abs(b)) for a, b in pairs)
        print(f"largest relative difference in {len(pairs)} steps: {furthest:.2g}", flush=True)
        if options.only != "torch":
            learner, started = in_keras(), time.perf_counter()
            losses = learner.fit(train.x, {"emotion": targets}, SEED)["loss"]
            answers = [learner.predict(some.x)["emotion"] for some in (train, test)]
            _report("Keras", losses, answers, (train, test), time.perf_counter() - started)
            _print_dense_layer("after training", learner.model, train)
        if options.only != "keras":
            started = time.perf_counter()
            by_step, answers = other.submit(train_in_torch, *same, order, videos).result()
            losses = [float(np.mean(epoch)) for epoch in by_step]
            _report("PyTorch", losses, answers, (train, test), time.perf_counter() - started)
    return 0


def _order(batches: Batches, epochs: int) -> list[list[NDArray[np.int64]]]:
    """The rows of each batch of each epoch, as a Learner with this seed takes them."""
    order = []
    for _ in range(epochs):
        order.append([batches[index][0]["row"] for index in range(len(batches))])
        batches.on_epoch_end()
    return order


def train_in_torch(*arguments: Any, **options: Any) -> Any:
    """What `torch_ports.train` returns; PyTorch is imported in the process that calls it."""
    return importlib.import_module("benchmarks.torch_ports").train(*arguments, **options)


def _print_dense_layer(when: str, model: Any, samples: Samples) -> None:
    """Print what the hidden dense layer reads in training, and how many of its units respond to no clip."""
    keras = importlib.import_module("keras")
    rows = np.linspace(0, len(samples.y) - 1, min(DENSE_CLIPS, len(samples.y))).round().astype(int)
    flat, dense = (model.get_layer(name).output for name in ("flatten", "dense"))
    parts = keras.Model(model.input, {"flat": flat, "dense": dense})
    batches = Batches(samples.only(rows).x, None, BATCH)
    lengths, units = [], []
    for index in range(len(batches)):
        x = batches[index][0]
        lengths += np.square(np.asarray(parts(x, training=True)["flat"])).sum(axis=1).tolist()
        units.append(np.asarray(parts(x, training=False)["dense"]).max(axis=0))
    dead = float((np.max(units, axis=0) == 0).mean())
    print(
        f"{when}: the dense layer reads {flat.shape[-1]} values, in training with a squared length of "
        f"{np.mean(lengths):.0f} on average; {dead:.0%} of its units are zero for all of {len(rows)} training clips",
        flush=True,
    )


def _report(
    framework: str, losses: Sequence[float], answers: Sequence[Any], parts: Sequence[Samples], seconds: float
) -> None:
    accuracies = [float((answer.argmax(-1) == some.y).mean()) for answer, some in zip(answers, parts, strict=True)]
    loss = float(-np.log(np.maximum(answers[0][np.arange(len(parts[0].y)), parts[0].y], 1e-7)).mean())
    print(
        f"{framework}: training loss {losses[0]:.3f} in epoch 1, {losses[-1]:.3f} in epoch {len(losses)}; afterwards, "
        f"without dropout: loss {loss:.3f}, accuracy {accuracies[0]:.3f} on training clips, {accuracies[1]:.3f} on "
        f"held-out clips; {seconds:.0f} s",
        flush=True,
    )


if __name__ == "__main__":
    sys.exit(main())
