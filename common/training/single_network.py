"""The recipe of papers that train a single network on one row per clip or view, with nothing to select.

Such a paper has no recipe.py. Its model.py has `build(network, shapes, classes)`, which returns a Keras model that
takes inputs by name and returns {"emotion": probabilities}, and `training_config(network, training)`, which
returns a `TrainingConfig`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from common.contract import FoldRun, Settings, Shapes, Trained
from common.protocols.splits import SPLITS
from common.scoring import histories
from common.seeds import seed_of
from common.training.flops import forward
from common.training.keras_setup import keras
from common.training.learner import Learner, Models, Validation, by_clip, one_hot, predict
from common.types import Experiment, Predictions, Samples


@dataclass(frozen=True)
class TrainingConfig:
    """How a network is trained.

    `name` distinguishes the networks of a paper, in reports and in the seeds of initial weights. `rate` gives the
    learning rate of an epoch, counted from 0, instead of the optimizer's own. Of a clip with several views (frames,
    magnified copies) those in `trained_views` are trained on and `tested_view` is predicted; None means all, of which
    there must then be one. `caveats` are those of `Trained`.
    """

    name: str
    optimizer: keras.optimizers.Optimizer
    batch: int
    epochs: int
    loss: object = "categorical_crossentropy"
    rate: Callable[[int], float] | None = None
    trained_views: tuple[int, ...] | None = None
    tested_view: int | None = None
    caveats: tuple[str, ...] = ()


class Model(Protocol):
    """A paper's model.py."""

    def build(self, network: Any, shapes: Shapes, classes: int) -> keras.Model:
        """The network, for inputs of these shapes."""

    def training_config(self, network: Any, training: Any) -> TrainingConfig:
        """How it is trained."""


@dataclass(frozen=True)
class SingleNetwork:
    """A recipe for a paper and its model.py."""

    paper: str
    model: Model

    def build_networks(
        self, network: Any, training: Any, shapes: Shapes, classes: tuple[str, ...], seed: int
    ) -> CompiledNetwork:
        """Build and compile once for all folds."""
        config = self.model.training_config(network, training)
        learner = Learner(
            lambda: self.model.build(network, shapes, len(classes)),
            loss=config.loss,
            metrics="accuracy",
            optimizer=config.optimizer,
            rate=config.rate,
            batch=config.batch,
            epochs=config.epochs,
            seed=seed_of(self.paper, config.name, seed),
            precision=training.precision,
        )
        if set(learner.model.output) != {"emotion"}:
            raise ValueError(f"the network's output must be called emotion, not {', '.join(learner.model.output)}")
        return CompiledNetwork(learner, config, shapes, len(classes))

    def train(self, networks: CompiledNetwork, experiment: Experiment, samples: Samples, fold_run: FoldRun) -> Trained:
        """Train on one fold.

        Each of several random splits has its own initial weights; folds of other protocols start from the same weights.
        In an experiment that is not leak-free, the held-out clips are scored after every epoch. An oracle keeps the
        best one; otherwise this only shows what it would have selected.
        """
        learner, config, access = networks.learner, networks.config, fold_run.held_out_access
        learnt = samples
        if config.trained_views is not None:
            learnt = samples.only(np.flatnonzero(np.isin(samples.view, config.trained_views)))
        history = learner.fit(
            learnt.x,
            one_hot(learnt, networks.classes),
            fold_run.seed,
            fold_run.epochs(),
            Validation("emotion", access.held_out.x, access.held_out.y, histories.is_picked(experiment.selection))
            if access
            else None,
            epochs=self.model.training_config(fold_run.settings.network, fold_run.settings.training).epochs,
            redraw=experiment.protocol == SPLITS,
        )
        models = {"network": learner.model}
        return Trained(
            lambda test: self.answers(models, test, fold_run.settings),
            {"network": history},
            models,
            caveats=config.caveats,
        )

    def answers(self, models: Models, samples: Samples, settings: Settings) -> Predictions:
        """The predictions of the trained network for clips, using the tested view if there are several."""
        config = self.model.training_config(settings.network, settings.training)
        tested = samples
        if config.tested_view is not None:
            tested = samples.only(np.flatnonzero(samples.view == config.tested_view))
        return by_clip(tested, predict(models["network"], tested.x, config.batch))


@dataclass(frozen=True)
class CompiledNetwork:
    """The network, compiled once for all folds."""

    learner: Learner
    config: TrainingConfig
    shapes: Shapes
    classes: int

    def facts(self) -> dict[str, int]:
        """Parameter count of the network as built."""
        sizes = (" x ".join(map(str, shape)) for shape in self.shapes.values())
        what = ", ".join([self.config.name, *sizes, f"{self.classes} classes"])
        return {f"parameters {what}": self.learner.model.count_params()}

    def flops(self, rows_per_clip: float) -> float:
        """Floating point operations of one clip forward, with one tested view."""
        return forward(self.learner.model)
