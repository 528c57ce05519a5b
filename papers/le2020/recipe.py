"""What is trained on what: from dynamic images and a fold to the probabilities of the held-out clips (section IV.A)."""

from __future__ import annotations

import keras

from common.contract import FoldRun, Trained
from common.seeds import seed_of
from common.training.flops import forward
from common.training.learner import Learner, Models, Validation, by_clip, one_hot, predict
from common.types import Experiment, Predictions, Samples
from papers.le2020 import model
from papers.le2020.experiments import Settings, network, starts_random

RANDOM = "the network started from random weights, and the paper's are taken to have started from trained ones"


class Networks:
    """The one network that an experiment trains, with the weights that it starts from."""

    def __init__(self, experiment: Experiment, settings: Settings, seed: int) -> None:
        self.settings = settings
        key, classes = network(experiment), len(experiment.labels.classes)
        self.caveats = (RANDOM,) if starts_random(key, settings.weights) else ()
        self._name = f"parameters {key}, {classes} classes"
        self.learner = Learner(
            lambda: model.classifier(key, settings.size, classes, settings.weights),
            loss="categorical_crossentropy",
            metrics="accuracy",
            optimizer=keras.optimizers.SGD(settings.learning_rate, momentum=settings.momentum),
            batch=settings.batch,
            epochs=settings.epochs,
            seed=seed_of("le2020", key, seed),
            precision=settings.precision,
        )

    def facts(self) -> dict[str, int]:
        """Parameter count of the network as built."""
        return {self._name: self.learner.model.count_params()}

    def flops(self, rows_per_clip: float) -> float:
        """Floating point operations of one clip forward."""
        return forward(self.learner.model)


def train(networks: Networks, experiment: Experiment, samples: Samples, fold_run: FoldRun) -> Trained:
    """Train on one fold (one row is one clip).

    In the ten folds the held-out clips are scored after every epoch, for what an oracle would have picked; nothing is
    chosen by them, and the leak-free experiments do without.
    """
    learner, held_out_access = networks.learner, fold_run.held_out_access
    watch = (
        Validation("emotion", held_out_access.held_out.x, held_out_access.held_out.y, keep_best=False)
        if held_out_access
        else None
    )
    history = learner.fit(
        samples.x,
        one_hot(samples, len(experiment.labels.classes)),
        fold_run.seed,
        lambda done, total: fold_run.say(f"{experiment.id} epochs", done, total),
        watch,
    )
    models = {"network": learner.model}
    return Trained(
        lambda test: answers(models, test, experiment, networks.settings),
        {"network": history},
        models,
        caveats=networks.caveats,
    )


def answers(models: Models, samples: Samples, experiment: Experiment, settings: Settings) -> Predictions:
    """What the trained network answers for clips."""
    return by_clip(samples, predict(models["network"], samples.x, settings.batch))
