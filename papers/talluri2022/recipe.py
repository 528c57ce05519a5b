"""What is trained on what: from samples and a fold to the probabilities of the held-out clips (section 6)."""

from __future__ import annotations

from collections.abc import Callable

import keras
import numpy as np

from common.protocols import LOSO
from common.seeds import seed_of
from common.training import Learner, Watch
from common.types import Experiment, Fold, Outcome, Samples, Workbench
from papers.talluri2022 import model
from papers.talluri2022.experiments import TWO, Settings, depth, network


class Networks:
    """The one network that an experiment trains, compiled as section 6 says."""

    def __init__(self, experiment: Experiment, settings: Settings, seed: int) -> None:
        key, frames = network(experiment), depth(experiment, settings)
        self._name = f"parameters {key}, {frames} frames{', two convolutions' if experiment.variant == TWO else ''}"
        self.learner = Learner(
            lambda: _build(experiment, settings),
            loss="categorical_crossentropy",
            metrics="accuracy",
            optimizer=_optimizer(key, settings),
            batch=settings.model_b_batch if key == "model-b" else settings.batch,
            epochs=settings.epochs,
            seed=seed_of("talluri2022", key, seed),
        )

    def facts(self) -> dict[str, int]:
        """Parameter count of the network as built."""
        return {self._name: self.learner.model.count_params()}


def _build(experiment: Experiment, settings: Settings) -> keras.Model:
    key, frames, classes = network(experiment), depth(experiment, settings), len(experiment.labels.classes)
    if key == "model-a":
        return model.model_a(settings.size, frames, classes)
    if key == "split-model":
        return model.split_model(settings.size, frames, classes)
    if key == "model-b":
        return model.model_b(settings.model_b_size, frames, classes)
    return model.model_c(settings.size, frames, classes, convolutions=2 if experiment.variant == TWO else 1)


def _optimizer(key: str, settings: Settings) -> keras.optimizers.Optimizer:
    if key == "model-b":
        return keras.optimizers.SGD(settings.model_b_learning_rate)
    if key == "model-c":
        rate = keras.optimizers.schedules.InverseTimeDecay(settings.learning_rate, 1, settings.model_c_decay)
        return keras.optimizers.SGD(rate, momentum=settings.momentum, nesterov=True)
    return keras.optimizers.SGD(settings.learning_rate, momentum=settings.momentum)


def trainer(
    networks: Networks, experiment: Experiment, samples: Samples, bench: Workbench
) -> Callable[[Fold], Outcome]:
    """The function that trains and tests one fold (one row is one clip).

    The held-out clips are scored after every epoch, for figure 4 and for what an oracle would have picked; nothing is
    chosen by them, and the leak-free twins do without.
    """
    targets = {"emotion": np.eye(len(experiment.labels.classes), dtype=np.float32)[samples.y]}
    learner = networks.learner

    def run(fold: Fold) -> Outcome:
        watch = Watch("emotion", fold.test, samples.y[fold.test], keep_best=False)
        history = learner.fit(
            samples.x,
            targets,
            fold.train,
            seed_of(experiment.id, fold.name, bench.seed),
            lambda done, total: bench.say(f"{experiment.id} epochs", done, total),
            None if experiment.protocol == LOSO else watch,
        )
        probabilities = learner.predict(samples.x, fold.test)["emotion"]
        return Outcome(tuple(samples.clip[fold.test].tolist()), probabilities, {"network": history})

    return run
