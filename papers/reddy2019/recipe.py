"""Training on one fold: from samples to the probabilities of the held-out clips."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import keras
import numpy as np

from common.contract import FoldRun, Settings, Shapes, Trained
from common.files import file_name
from common.json_schema import NUMBER_OR_NULL, by_name, holding, list_of
from common.scoring.histories import as_json, from_json
from common.seeds import seed_of
from common.training import saliency
from common.training.flops import forward
from common.training.learner import Learner, Models, Validation, by_clip, one_hot
from common.training.learner import predict as outputs
from common.training.losses import clipped_crossentropy
from common.training.search import search
from common.types import Arrays, Experiment, Predictions, Samples
from papers.reddy2019 import model
from papers.reddy2019.experiments import Network, Training

SHOWN = 4
"""The number of clips whose saliency is saved for the figure; figure 4 shows the same number."""


class Networks:
    """One network of the paper for inputs of the given shapes; other kernel sizes are built when needed."""

    def __init__(
        self, network: Network, training: Training, shapes: Shapes, classes: tuple[str, ...], seed: int
    ) -> None:
        self._network, self._training, self._seed = network, training, seed
        self.shapes, self.classes = shapes, classes
        self.learner = self.with_kernel(network.kernel, training.epochs)

    def with_kernel(self, kernel: str, epochs: int) -> Learner:
        """The network with this kernel, written as in `KERNELS`, in its 3D convolutions, compiled (section IV.B)."""
        network, training = replace(self._network, kernel=kernel), self._training
        return Learner(
            lambda: model.build(network, self.shapes, len(self.classes)),
            loss=clipped_crossentropy,
            metrics="accuracy",
            optimizer=keras.optimizers.SGD(training.learning_rate),
            batch=training.batch,
            epochs=epochs,
            seed=seed_of("reddy2019", network.kind, self._seed),
            precision=training.precision,
        )

    def facts(self) -> dict[str, int]:
        """Parameter count of the network as built."""
        frames = next(iter(self.shapes.values()))[2]
        return {f"parameters {self._network.kind}, {frames} frames": self.learner.model.count_params()}

    def flops(self, rows_per_clip: float) -> float:
        """Floating-point operations of one clip's forward pass, with the kernel of the settings."""
        return forward(self.learner.model)


build_networks = Networks


def train(networks: Networks, experiment: Experiment, samples: Samples, fold_run: FoldRun) -> Trained:
    """Train on one fold (one row is one clip). Held-out clips choose epoch and kernel if the paper did so."""
    held_out_access = fold_run.held_out_access
    scaling = fit_scaling([samples, held_out_access.held_out] if held_out_access else [samples])
    x, targets = scaling.applied(samples), one_hot(samples, len(networks.classes))
    held_out = (
        Validation("emotion", scaling.applied(held_out_access.held_out), held_out_access.held_out.y)
        if held_out_access
        else None
    )

    def fit(learner: Learner, epochs: int | None = None) -> dict[str, list[float]]:
        return learner.fit(x, targets, fold_run.seed, fold_run.epochs(), held_out, epochs=epochs)

    history: dict[str, dict[str, list[float]]] = {}
    learner = networks.learner
    training = fold_run.settings.training
    if training.kernels:
        folder = fold_run.folder / "search" / file_name(fold_run.fold)
        tried = _search(networks, training, fit, folder, fold_run.seed)
        history = {f"kernel {name}": curves for name, curves in tried.items()}
        learner = networks.with_kernel(max(tried, key=lambda name: _reached(tried[name])), training.epochs)
    history["network"] = fit(learner, training.epochs)
    as_text = fold_run.settings.inputs.reading == "aligned faces"
    if held_out_access and as_text and not training.kernels and _reached(history["network"]) >= 0:
        _keep_saliency(learner.model, experiment, held_out_access.held_out, scaling, fold_run)
    models = {"network": learner.model}

    def predict(test: Samples) -> Predictions:
        return answers(models, replace(test, x=scaling.applied(test)), fold_run.settings)

    return Trained(predict, history, models, scaling.by_input())


def answers(models: Models, samples: Samples, settings: Settings) -> Predictions:
    """The trained network's predictions for clips, whose arrays must be scaled unless the network does this itself."""
    return by_clip(samples, outputs(models["network"], samples.x, settings.training.batch))


class Scaling(NamedTuple):
    """For each input, the mean that is subtracted, and the number by which the rest is divided."""

    mean: Mapping[str, np.float32]
    largest: Mapping[str, float]

    def applied(self, samples: Samples) -> Arrays:
        """The inputs of samples as the networks read them, float32."""
        return {
            name: (values[:].astype(np.float32) - self.mean[name]) / self.largest[name]
            for name, values in samples.x.items()
        }

    def by_input(self) -> dict[str, tuple[float, float]]:
        """The factor by which the values of each input are multiplied, and the number that is added afterwards."""
        return {name: (1 / largest, -float(self.mean[name]) / largest) for name, largest in self.largest.items()}


def fit_scaling(known: Sequence[Samples]) -> Scaling:
    """The mean of each input, and the largest value after the mean is subtracted (public code)."""
    mean, largest = {}, {}
    for name in known[0].x:
        values = np.concatenate([samples.x[name][:] for samples in known])
        mean[name] = values.mean(dtype=np.float64).astype(np.float32)
        largest[name] = max(float(values.max() - mean[name]), 1.0)
    return Scaling(mean, largest)


def _search(
    networks: Networks, training: Training, fit: Callable[[Learner], dict[str, list[float]]], folder: Path, seed: int
) -> dict[str, dict[str, list[float]]]:
    """Histories by kernel, including kernels that diverge. Raises FloatingPointError if all diverge."""
    tried = search(
        {"kernel": training.kernels},
        lambda choice: as_json({"network": fit(networks.with_kernel(choice["kernel"], training.search_epochs))}),
        lambda record: _reached(from_json(record)["network"]),
        folder,
        schema=holding({"network": by_name(list_of(NUMBER_OR_NULL))}),
        trials=len(training.kernels),
        seed=seed,
    )
    histories = {choice["kernel"]: from_json(record)["network"] for choice, record in tried}
    if all(_reached(history) < 0 for history in histories.values()):
        raise FloatingPointError(f"all {len(histories)} kernels diverged: none has a finite epoch")
    return histories


def _reached(history: dict[str, list[float]]) -> float:
    """The score that chooses a kernel in the published grid: its best epoch on held-out clips, -1 if none is finite."""
    return max((value for value in history["val_accuracy"] if math.isfinite(value)), default=-1.0)


def _keep_saliency(
    network: keras.Model, experiment: Experiment, held_out: Samples, scaling: Scaling, fold_run: FoldRun
) -> None:
    """Save the saliency of the fold's first clips, for figure 4; folds of the same name share one file."""
    some = held_out.only(np.arange(min(SHOWN, len(held_out.y))))
    saliency.save(
        fold_run.folder / "saliency" / f"{file_name(fold_run.fold)}.npz",
        network,
        scaling.applied(some),
        {name: values[:] for name, values in some.x.items()},
        some.y,
        some.clip.tolist(),
        [experiment.labels.classes[label] for label in some.y],
    )
