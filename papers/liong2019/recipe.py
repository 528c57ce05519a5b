"""Training on one fold: STSTNet like any network, the linear classifier by scikit-learn; or the authors' network."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from common.contract import FoldRun, Networks, Settings, Shapes, Trained
from common.training.learner import Models
from common.training.linear import LinearClassifier, regressions
from common.training.single_network import CompiledNetwork, SingleNetwork
from common.types import Experiment, Predictions, Samples
from papers.liong2019 import model
from papers.liong2019.experiments import Kind, Network, Training


def regression(training: Training) -> Any:
    """Logistic regression: unlike a support vector machine it gives the probabilities that the report scores."""
    from sklearn.linear_model import LogisticRegression

    return LogisticRegression(C=training.inverse_penalty, max_iter=1000)


@dataclass(frozen=True)
class AuthorsNetworks(SingleNetwork):
    """The networks that the authors publish, one for each left-out subject. Nothing is trained."""

    def train(self, networks: CompiledNetwork, experiment: Experiment, samples: Samples, fold_run: FoldRun) -> Trained:
        """Read the network that was trained without the fold's subject. UserError if its file cannot be used."""
        own = networks.learner.model
        for name, arrays in model.published(fold_run.settings.training.weights, fold_run.fold).items():
            own.get_layer(name).set_weights(arrays)
        return Trained(lambda test: self.answers({"network": own}, test, fold_run.settings), {}, {"network": own})


RECIPES: dict[Kind, Any] = {
    "ststnet": SingleNetwork("liong2019", model),
    "linear": LinearClassifier("linear", regression, fits=regressions),
    "authors": AuthorsNetworks("liong2019", model),
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
