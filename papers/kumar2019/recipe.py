"""What is trained on what: from samples and a fold to the answers for the held-out clips (section 3.5, table 1)."""

from __future__ import annotations

import keras
import numpy as np

from common.contract import FoldRun, Trained
from common.seeds import seed_of
from common.training.flops import forward
from common.training.learner import Learner, Models, by_clip, one_hot, predict
from common.types import Experiment, Predictions, Samples
from papers.kumar2019 import model
from papers.kumar2019.experiments import BEFORE, TESTED, Settings, trained_alphas


class Networks:
    """ResNet34, compiled once for all folds."""

    def __init__(self, experiment: Experiment, settings: Settings, seed: int) -> None:
        self.settings = settings
        before, classes = experiment.original == BEFORE, len(experiment.labels.classes)
        self._name = "parameters" + (f" {BEFORE}" if before else "")
        self.learner = Learner(
            lambda: model.resnet34(settings.size, classes, before=before),
            loss="categorical_crossentropy",
            metrics="accuracy",
            optimizer=keras.optimizers.SGD(settings.learning_rate, momentum=settings.momentum),
            rate=lambda epoch: settings.learning_rate / 2 ** (epoch // settings.halved_every),
            batch=settings.batch,
            epochs=settings.epochs,
            seed=seed_of("kumar2019", seed),
            precision=settings.precision,
        )

    def facts(self) -> dict[str, int]:
        """Parameter count of the network as built."""
        return {self._name: self.learner.model.count_params()}

    def flops(self, rows_per_clip: float) -> float:
        """Floating point operations of one clip forward: of its magnifications one is tested."""
        return forward(self.learner.model)


def train(networks: Networks, experiment: Experiment, samples: Samples, fold_run: FoldRun) -> Trained:
    """Train on one fold: all magnifications are learnt, one is tested."""
    learner = networks.learner
    learnt = samples.only(np.flatnonzero(np.isin(samples.view, trained_alphas(experiment))))
    history = learner.fit(
        learnt.x,
        one_hot(learnt, len(experiment.labels.classes)),
        fold_run.seed,
        lambda done, total: fold_run.say(f"{experiment.id} epochs", done, total),
    )

    models = {"network": learner.model}
    return Trained(lambda test: answers(models, test, experiment, networks.settings), {"network": history}, models)


def answers(models: Models, samples: Samples, experiment: Experiment, settings: Settings) -> Predictions:
    """What the trained network answers for clips, of whose copies it is shown those that are magnified 10 times."""
    tested = samples.only(np.flatnonzero(samples.view == TESTED))
    return by_clip(tested, predict(models["network"], tested.x, settings.batch))
