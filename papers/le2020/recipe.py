"""What is trained on what: from dynamic images and a fold to the probabilities of the held-out clips (section IV.A)."""

from __future__ import annotations

from collections.abc import Callable

import keras
import numpy as np

from common.protocols import TENFOLD
from common.seeds import seed_of
from common.training import Learner, Watch
from common.types import Experiment, Fold, Outcome, Samples, Workbench
from papers.le2020 import model
from papers.le2020.experiments import Settings, network


class Networks:
    """The one network that an experiment trains, with the weights that it starts from."""

    def __init__(self, experiment: Experiment, settings: Settings, seed: int) -> None:
        key, classes = network(experiment), len(experiment.labels.classes)
        self._name = f"parameters {key}, {classes} classes"
        self.learner = Learner(
            lambda: model.classifier(key, settings.size, classes, settings.weights),
            loss="categorical_crossentropy",
            metrics="accuracy",
            optimizer=keras.optimizers.SGD(settings.learning_rate, momentum=settings.momentum),
            batch=settings.batch,
            epochs=settings.epochs,
            seed=seed_of("le2020", key, seed),
        )

    def facts(self) -> dict[str, int]:
        """Parameter count of the network as built."""
        return {self._name: self.learner.model.count_params()}


def trainer(
    networks: Networks, experiment: Experiment, samples: Samples, bench: Workbench
) -> Callable[[Fold], Outcome]:
    """The function that trains and tests one fold (one row is one clip).

    In the ten folds the held-out clips are scored after every epoch, for what an oracle would have picked; nothing is
    chosen by them, and the leak-free experiments do without.
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
            watch if experiment.protocol == TENFOLD else None,
        )
        probabilities = learner.predict(samples.x, fold.test)["emotion"]
        return Outcome(tuple(samples.clip[fold.test].tolist()), probabilities, {"network": history})

    return run
