"""What is trained on what: from differences and a fold to the probabilities of the held-out clips."""

from __future__ import annotations

import keras

from common.contract import FoldRun, Trained
from common.seeds import seed_of
from common.training.flops import forward
from common.training.learner import Learner, Models, by_clip, one_hot, predict
from common.types import Experiment, Predictions, Samples
from papers.apexdiff import model
from papers.apexdiff.experiments import Settings


class Networks:
    """The one network, compiled once for all folds."""

    def __init__(self, experiment: Experiment, settings: Settings, seed: int) -> None:
        self.settings, classes = settings, len(experiment.labels.classes)
        self.learner = Learner(
            lambda: model.classifier(settings.size, classes),
            loss="categorical_crossentropy",
            metrics="accuracy",
            optimizer=keras.optimizers.Adam(settings.learning_rate),
            batch=settings.batch,
            epochs=settings.epochs,
            seed=seed_of("apexdiff", seed),
            precision=settings.precision,
        )

    def facts(self) -> dict[str, int]:
        """Parameter count of the network as built."""
        return {"parameters": self.learner.model.count_params()}

    def flops(self, rows_per_clip: float) -> float:
        """Floating point operations of one clip forward."""
        return forward(self.learner.model)


def train(networks: Networks, experiment: Experiment, samples: Samples, fold_run: FoldRun) -> Trained:
    """Train on one fold (one row is one clip)."""
    learner = networks.learner
    history = learner.fit(
        samples.x,
        one_hot(samples, len(experiment.labels.classes)),
        fold_run.seed,
        lambda done, total: fold_run.say(f"{experiment.id} epochs", done, total),
    )
    models = {"network": learner.model}
    return Trained(lambda test: answers(models, test, experiment, networks.settings), {"network": history}, models)


def answers(models: Models, samples: Samples, experiment: Experiment, settings: Settings) -> Predictions:
    """What the trained network answers for clips."""
    return by_clip(samples, predict(models["network"], samples.x, settings.batch))
