"""What is trained on what: from samples and a fold to the probabilities of the held-out clips (section 6)."""

from __future__ import annotations

import keras

from common.contract import FoldRun, Trained
from common.protocols.splits import SPLITS
from common.seeds import seed_of
from common.training.flops import forward
from common.training.learner import Learner, Models, Validation, by_clip, one_hot, predict
from common.training.losses import clipped_crossentropy
from common.types import Experiment, Predictions, Samples
from papers.talluri2022 import model
from papers.talluri2022.experiments import Settings, clipped_loss, depth, network, two_convolutions


class Networks:
    """The one network that an experiment trains, compiled as section 6 says."""

    def __init__(self, experiment: Experiment, settings: Settings, seed: int) -> None:
        self.settings = settings
        key, frames = network(experiment), depth(experiment, settings)
        self._name = f"parameters {key}, {frames} frames{', two convolutions' if two_convolutions(experiment) else ''}"
        self.learner = Learner(
            lambda: _build(experiment, settings),
            loss=clipped_crossentropy if clipped_loss(experiment) else "categorical_crossentropy",
            metrics="accuracy",
            optimizer=_optimizer(key, settings),
            batch=_batch(experiment, settings),
            epochs=settings.epochs,
            seed=seed_of("talluri2022", key, seed),
            precision=settings.precision,
        )

    def facts(self) -> dict[str, int]:
        """Parameter count of the network as built."""
        return {self._name: self.learner.model.count_params()}

    def flops(self, rows_per_clip: float) -> float:
        """Floating point operations of one clip forward."""
        return forward(self.learner.model)


def _batch(experiment: Experiment, settings: Settings) -> int:
    return settings.model_b_batch if network(experiment) == "model-b" else settings.batch


def _build(experiment: Experiment, settings: Settings) -> keras.Model:
    key, frames, classes = network(experiment), depth(experiment, settings), len(experiment.labels.classes)
    if key == "model-a":
        return model.model_a(settings.size, frames, classes)
    if key == "split-model":
        return model.split_model(settings.size, frames, classes)
    if key == "model-b":
        return model.model_b(settings.model_b_size, frames, classes)
    return model.model_c(settings.size, frames, classes, convolutions=2 if two_convolutions(experiment) else 1)


def _optimizer(key: str, settings: Settings) -> keras.optimizers.Optimizer:
    if key == "model-b":
        return keras.optimizers.SGD(settings.model_b_learning_rate)
    if key == "model-c":
        rate = keras.optimizers.schedules.InverseTimeDecay(settings.learning_rate, 1, settings.model_c_decay)
        return keras.optimizers.SGD(rate, momentum=settings.momentum, nesterov=True)
    return keras.optimizers.SGD(settings.learning_rate, momentum=settings.momentum)


def train(networks: Networks, experiment: Experiment, samples: Samples, fold_run: FoldRun) -> Trained:
    """Train on one fold (one row is one clip).

    Each of several random splits has initial weights of its own; folds of other protocols start from the same ones.
    Within a corpus the held-out clips are scored after every epoch, for figure 4 and for what an oracle would have
    picked; nothing is chosen by them, and the leak-free experiments do without.
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
        redraw=experiment.protocol == SPLITS,
    )
    models = {"network": learner.model}
    return Trained(lambda test: answers(models, test, experiment, networks.settings), {"network": history}, models)


def answers(models: Models, samples: Samples, experiment: Experiment, settings: Settings) -> Predictions:
    """What the trained network answers for clips."""
    return by_clip(samples, predict(models["network"], samples.x, _batch(experiment, settings)))
