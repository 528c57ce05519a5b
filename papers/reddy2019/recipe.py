"""What is trained on what: from samples and a fold to the probabilities of the held-out clips."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np
from numpy.typing import NDArray

from common import saliency
from common.histories import ORACLE
from common.search import grid
from common.seeds import seed_of
from common.training import Learner, Watch
from common.types import Arrays, Experiment, Fold, Outcome, Samples, Workbench
from papers.reddy2019 import model
from papers.reddy2019.experiments import KERNELS, Settings, depth, network, searches_kernels

SHOWN = 4
"""Clips whose saliency is kept for the figure, as many as figure 4 shows."""

Kernel = tuple[int, int, int]


class Networks:
    """One network of the paper in the sizes that an experiment asks for; other kernel sizes are built when needed."""

    def __init__(self, experiment: Experiment, settings: Settings, seed: int) -> None:
        self._experiment, self.settings, self._seed = experiment, settings, seed
        self.learner = self.with_kernel((3, 3, 15), settings.epochs)

    def with_kernel(self, kernel: Kernel, epochs: int) -> Learner:
        """The network with this kernel in its 3D convolutions, compiled anew (section IV.B)."""
        settings, experiment = self.settings, self._experiment
        code = experiment.variant == "public-code"
        return Learner(
            lambda: _build(experiment, settings, kernel),
            loss="categorical_crossentropy",
            metrics="accuracy",
            optimizer=keras.optimizers.SGD(settings.learning_rate),
            batch=settings.public_code_batch if code else settings.batch,
            epochs=epochs,
            seed=seed_of("reddy2019", network(experiment), self._seed),
        )

    def facts(self) -> dict[str, int]:
        """Parameter count of the network as built."""
        return {f"parameters {self._experiment.name}": self.learner.model.count_params()}


def _build(experiment: Experiment, settings: Settings, kernel: Kernel) -> keras.Model:
    frames, classes = depth(experiment, settings), len(experiment.labels.classes)
    if network(experiment) == "stcnn":
        return model.stcnn(settings.face_size, frames, classes, kernel=kernel, dropout=settings.dropout)
    build = model.fusenet_intermediate if network(experiment) == "intermediate" else model.fusenet_late
    return build(settings.region_size, frames, classes, kernel=kernel, dropout=settings.dropout)


def trainer(
    networks: Networks, experiment: Experiment, samples: Samples, bench: Workbench
) -> Callable[[Fold], Outcome]:
    """The function that trains and tests one fold (one row is one clip)."""
    targets = {"emotion": np.eye(len(experiment.labels.classes), dtype=np.float32)[samples.y]}
    oracle = ORACLE in experiment.selection

    def run(fold: Fold) -> Outcome:
        seed = seed_of(experiment.id, fold.name, bench.seed)
        known = np.concatenate([fold.train, fold.test]) if oracle else fold.train
        x = normalised(samples.x, known)

        def fit(learner: Learner, rows: NDArray[np.int64], scored: NDArray[np.int64] | None) -> dict[str, list[float]]:
            watch = Watch("emotion", scored, samples.y[scored]) if scored is not None else None
            return learner.fit(
                x, targets, rows, seed, lambda done, total: bench.say(f"{experiment.id} epochs", done, total), watch
            )

        history: dict[str, dict[str, list[float]]] = {}
        learner = networks.learner
        if searches_kernels(experiment):
            train, scored = (fold.train, fold.test) if oracle else _inner(samples, fold.train, seed)
            folder = bench.folder / "search" / fold.name.replace("/", "-")
            tried = _search(networks, lambda one: fit(one, train, scored), oracle, folder)
            history = {f"kernel {name}": found for name, found in tried.items()}
            best = max(tried, key=lambda name: _reached(tried[name], oracle))
            learner = networks.with_kernel(_kernel(best), networks.settings.epochs)
        history["network"] = fit(learner, fold.train, fold.test if oracle else None)
        probabilities = learner.predict(x, fold.test)["emotion"]
        if experiment.variant == "published":
            _keep_saliency(learner.model, experiment, samples, fold, x, bench.folder)
        return Outcome(tuple(samples.clip[fold.test].tolist()), probabilities, history)

    return run


def normalised(x: Arrays, rows: NDArray[np.int64]) -> Arrays:
    """Each input less its mean over `rows`, divided by the largest value that this leaves in them (public code)."""
    result = {}
    for name, values in x.items():
        shifted = values.astype(np.float32) - values[rows].mean(dtype=np.float64).astype(np.float32)
        result[name] = shifted / max(float(shifted[rows].max()), 1.0)
    return result


def _inner(samples: Samples, rows: NDArray[np.int64], seed: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Training rows in two: a fifth of the subjects, at least one, to choose a kernel by, and the others."""
    subjects = np.unique(samples.subject[rows])
    chosen = np.random.default_rng(seed).permutation(subjects)[: max(len(subjects) // 5, 1)]
    inside = np.isin(samples.subject[rows], chosen)
    return rows[~inside], rows[inside]


def _search(
    networks: Networks, fit: Callable[[Learner], dict[str, list[float]]], oracle: bool, folder: Path
) -> dict[str, dict[str, list[float]]]:
    """Histories by kernel: the grid of table IX."""
    names = ["x".join(map(str, kernel)) for kernel in KERNELS]
    return grid(
        "kernel",
        names,
        lambda name: fit(networks.with_kernel(_kernel(name), networks.settings.search_epochs)),
        lambda found: _reached(found, oracle),
        folder,
    )


def _kernel(name: str) -> Kernel:
    high, wide, long = map(int, name.split("x"))
    return high, wide, long


def _reached(history: dict[str, list[float]], oracle: bool) -> float:
    """What a kernel is chosen by: its best epoch in the published grid, its last one inside training subjects."""
    return max(history["val_accuracy"]) if oracle else history["val_accuracy"][-1]


def _keep_saliency(
    network: keras.Model, experiment: Experiment, samples: Samples, fold: Fold, x: Arrays, folder: Path
) -> None:
    """Saliency of the fold's first clips, for figure 4; of a fold with the same name there is one file."""
    rows = fold.test[:SHOWN]
    saliency.save(
        folder / "saliency" / f"{fold.name.replace('/', '-')}.npz",
        network,
        {name: values[rows] for name, values in x.items()},
        {name: values[rows] for name, values in samples.x.items()},
        samples.y[rows],
        samples.clip[rows].tolist(),
        [experiment.labels.classes[label] for label in samples.y[rows]],
    )
