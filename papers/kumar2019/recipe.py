"""What is trained on what: from samples and a fold to the answers for the held-out clips (section 3.5, table 1)."""

from __future__ import annotations

from collections.abc import Callable

import keras
import numpy as np

from common.seeds import seed_of
from common.training import Learner
from common.types import Experiment, Fold, Outcome, Samples, Workbench
from papers.kumar2019 import model
from papers.kumar2019.experiments import BEFORE, TESTED, Settings, trained_alphas


class Networks:
    """ResNet34, compiled once for all folds."""

    def __init__(self, experiment: Experiment, settings: Settings, seed: int) -> None:
        before, classes = experiment.variant == BEFORE, len(experiment.labels.classes)
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
        )

    def facts(self) -> dict[str, int]:
        """Parameter count of the network as built."""
        return {self._name: self.learner.model.count_params()}


def trainer(
    networks: Networks, experiment: Experiment, samples: Samples, bench: Workbench
) -> Callable[[Fold], Outcome]:
    """The function that trains and tests one fold: all magnifications are learnt, one is tested."""
    targets = {"emotion": np.eye(len(experiment.labels.classes), dtype=np.float32)[samples.y]}
    learner = networks.learner

    def run(fold: Fold) -> Outcome:
        train = fold.train[np.isin(samples.view[fold.train], trained_alphas(experiment))]
        test = fold.test[samples.view[fold.test] == TESTED]
        history = learner.fit(
            samples.x,
            targets,
            train,
            seed_of(experiment.id, fold.name, bench.seed),
            lambda done, total: bench.say(f"{experiment.id} epochs", done, total),
        )
        probabilities = learner.predict(samples.x, test)["emotion"]
        return Outcome(tuple(samples.clip[test].tolist()), probabilities, {"network": history})

    return run
