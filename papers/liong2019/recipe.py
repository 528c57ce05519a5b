"""Training on one fold: STSTNet like any network, the linear classifier by scikit-learn."""

from __future__ import annotations

from typing import Any

from common.contract import FoldRun, Networks, Settings, Shapes, Trained
from common.training.learner import Models
from common.training.linear import LinearClassifier
from common.training.single_network import SingleNetwork
from common.types import Experiment, Predictions, Samples
from papers.liong2019 import model
from papers.liong2019.experiments import Kind, Network, Training


def regression(training: Training) -> Any:
    """Logistic regression: unlike a support vector machine it gives the probabilities that the report scores."""
    from sklearn.linear_model import LogisticRegression

    return LogisticRegression(C=training.inverse_penalty, max_iter=1000)


RECIPES: dict[Kind, Any] = {
    "ststnet": SingleNetwork("liong2019", model),
    "linear": LinearClassifier("linear", regression),
}


def build_networks(
    network: Network, training: Training, shapes: Shapes, classes: tuple[str, ...], seed: int
) -> Networks:
    """Build and compile the network once for all folds."""
    built: Networks = RECIPES[network.kind].build_networks(network, training, shapes, classes, seed)
    return built


def train(networks: Networks, experiment: Experiment, samples: Samples, fold_run: FoldRun) -> Trained:
    """Train on one fold (one row is one clip)."""
    trained: Trained = RECIPES[fold_run.settings.network.kind].train(networks, experiment, samples, fold_run)
    return trained


def answers(models: Models, samples: Samples, settings: Settings) -> Predictions:
    """The predictions of the trained network for clips."""
    predictions: Predictions = RECIPES[settings.network.kind].answers(models, samples, settings)
    return predictions
