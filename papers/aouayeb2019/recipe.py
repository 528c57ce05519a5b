"""Training on one fold: from samples to the probabilities of the held-out clips."""

from __future__ import annotations

import math
from collections.abc import Mapping

import keras
import numpy as np
from numpy.typing import NDArray

from common.contract import FoldRun, Settings, Shapes, Trained
from common.seeds import seed_of
from common.training.batches import Inputs
from common.training.flops import forward
from common.training.layers import keras2_hard_sigmoid
from common.training.learner import Learner, Models, predict
from common.types import Arrays, Experiment, Predictions, Samples
from papers.aouayeb2019 import model
from papers.aouayeb2019.experiments import Network, Training
from papers.aouayeb2019.preprocess import REGIONS, TAKES_PART, takes_part

_HISTORY = "history "


class Networks:
    """The two networks of the paper, compiled once and shared by the folds of all experiments that need them."""

    def __init__(
        self, network: Network, training: Training, shapes: Shapes, classes: tuple[str, ...], seed: int
    ) -> None:
        self.classes, self.seed = classes, seed
        gates: model.Gates = "sigmoid" if network.sigmoid_gates else keras2_hard_sigmoid
        sizes = {name: (height, width) for name, (height, width, _) in shapes.items()}
        loss = model.FocalLoss(training.gamma)
        self.cnns = Learner(
            lambda: model.region_cnns(sizes, len(classes) + 1),
            loss=loss,
            metrics=model.accuracy,
            optimizer=keras.optimizers.Adam(training.learning_rate),
            batch=training.cnn_batch,
            epochs=training.cnn_epochs,
            seed=seed_of("aouayeb2019", "region CNNs", seed),
            precision=training.precision,
        )
        self.extractor = model.feature_extractor(self.cnns.model)
        self.sequences = Learner(
            lambda: model.sequence_classifier(
                tuple(REGIONS), network.sequence_length, len(classes), gates, network.padding == "masked"
            ),
            loss=loss,
            metrics=model.accuracy,
            optimizer=keras.optimizers.Adam(training.learning_rate),
            batch=training.lstm_batch,
            epochs=training.lstm_epochs,
            seed=seed_of("aouayeb2019", "LSTM part", seed),
            precision=training.precision,
        )

    def facts(self) -> dict[str, int]:
        """Parameter counts of the models as built, for comparison with the paper's."""
        cnns, sequences = self.cnns.model.count_params(), self.sequences.model.count_params()
        return {"parameters_cnns": cnns, "parameters_lstm": sequences, "parameters": cnns + sequences}

    def flops(self, rows_per_clip: float) -> float:
        """Floating-point operations of one clip's forward pass: its frames in the CNNs, a sequence in the LSTMs."""
        return rows_per_clip * forward(self.cnns.model) + forward(self.sequences.model)


build_networks = Networks


def train(networks: Networks, experiment: Experiment, samples: Samples, fold_run: FoldRun) -> Trained:
    """Train on one fold (one row is one frame): first the region CNNs, then the LSTM part on their features.

    If the CNNs are trained once, on frames of all subjects, all folds use their features. In both cases the CNNs see
    the same frames of a clip, so that a variant and its twin differ only by the leak.
    """
    training = fold_run.settings.training
    if fold_run.held_out_access is None:
        rows = frames_for_cnns(samples, training.cnn_share, networks.seed)
        cnn_arrays = _train_cnns(networks, samples, rows, fold_run.seed, fold_run)

        def features(some: Samples) -> Arrays:
            return predict(networks.extractor, some.x, training.cnn_batch)
    else:
        everything, seed = fold_run.held_out_access.everything, fold_run.held_out_access.seed

        def make() -> Arrays:
            rows = frames_for_cnns(everything, training.cnn_share, networks.seed)
            history = _train_cnns(networks, everything, rows, seed_of("once", seed), fold_run)
            return networks.cnns.predict(everything.x, networks.extractor) | history

        cnn_arrays = fold_run.held_out_access.share("features", make)

        def features(some: Samples) -> Arrays:
            rows = np.flatnonzero(np.isin(everything.clip, some.clip))
            same = (everything.clip[rows], some.clip), (everything.view[rows], some.view)
            if not all(np.array_equal(theirs, wanted) for theirs, wanted in same):
                raise ValueError("frames must come in the order of all samples")
            return {region: cnn_arrays[region][rows] for region in REGIONS}

    classes, network = len(networks.classes), fold_run.settings.network
    _, labels, x = padded_sequences(samples, features(samples), network)
    targets = model.focal_targets(labels, classes, np.arange(len(labels)))
    history = networks.sequences.fit(
        x, {"emotion": targets}, fold_run.seed, fold_run.epochs("LSTM"), epochs=training.lstm_epochs
    )

    stages = {
        key.removeprefix(_HISTORY): values.tolist() for key, values in cnn_arrays.items() if key.startswith(_HISTORY)
    }
    models = {"features": networks.extractor, "sequences": networks.sequences.model}

    def training_targets(some: Samples) -> Mapping[str, tuple[Inputs, Inputs]]:
        _, wanted, padded = padded_sequences(some, features(some), network)
        known = len(labels) + np.arange(len(wanted))  # after the training clips, whose counts weight the classes
        focal = model.focal_targets(np.concatenate([labels, wanted]), classes, np.arange(len(labels)))
        learns: dict[str, tuple[Inputs, Inputs]] = {"sequences": (padded, {"emotion": focal[known]})}
        if fold_run.held_out_access is None:  # CNNs trained once may hold weights of another run and are left out
            learns["features"] = some.x, {}
        return learns

    return Trained(
        lambda test: _answers(models["sequences"], test, features(test), fold_run.settings),
        {"region CNNs": stages, "LSTM part": history},
        models,
        training_targets=training_targets,
    )


def frames_for_cnns(samples: Samples, share: float, seed: int) -> NDArray[np.int64]:
    """The rows that the region CNNs are trained on: a random fraction of the frames of each clip, rounded up.

    The choice does not depend on the other clips, so the frames of a clip are the same whatever is held out.
    """
    rows = []
    order = np.lexsort((samples.view, samples.clip))
    clips, starts = np.unique(samples.clip[order], return_index=True)
    for clip, frames in zip(clips.tolist(), np.split(order, starts[1:]), strict=True):
        rng = np.random.default_rng(seed_of("frames for the region CNNs", clip, seed))
        rows.append(rng.permutation(frames)[: math.ceil(share * len(frames))])
    return np.sort(np.concatenate(rows))


def answers(models: Models, samples: Samples, settings: Settings) -> Predictions:
    """The trained networks' predictions for clips: features frame by frame, then the classes of the sequence."""
    features = predict(models["features"], samples.x, settings.training.cnn_batch)
    return _answers(models["sequences"], samples, features, settings)


def _answers(classifier: keras.Model, samples: Samples, features: Arrays, settings: Settings) -> Predictions:
    clips, _, padded = padded_sequences(samples, features, settings.network)
    return dict(zip(clips.tolist(), predict(classifier, padded, settings.training.lstm_batch)["emotion"], strict=True))


def _train_cnns(networks: Networks, samples: Samples, rows: NDArray[np.int64], seed: int, fold_run: FoldRun) -> Arrays:
    """Train the region CNNs on some frames. Returns their history: one array of values per `history ...` key."""
    some = samples.only(rows)
    not_me = len(networks.classes)
    by_class = TAKES_PART[fold_run.settings.training.regions_by_class]
    targets = {}
    for region in REGIONS:  # a frame's label is its clip's class, or the last class, "not me" (section 3.2)
        taking_part = [
            label if takes_part(region, name, by_class) else not_me for label, name in enumerate(networks.classes)
        ]
        targets[region] = model.focal_targets(np.array(taking_part, np.int64)[some.y], not_me + 1, np.arange(len(rows)))
    epochs = fold_run.settings.training.cnn_epochs
    history = networks.cnns.fit(some.x, targets, seed, fold_run.epochs("CNN"), epochs=epochs)
    return {f"{_HISTORY}{name}": np.array(values) for name, values in history.items()}


def padded_sequences(samples: Samples, features: Arrays, network: Network) -> tuple[NDArray, NDArray, Arrays]:
    """Clip ids and classes (clips,), and per region the clips' features in order, float32 (clips, steps, 20).

    A clip with fewer frames than steps is padded as `network` says. Of a clip with more, the first frames are used, as
    in the authors' code (LSTM_SE.py: truncating='post'); no clip of the corpora has more than the paper's 500.
    """
    clips, first, place, frames = np.unique(samples.clip, return_index=True, return_inverse=True, return_counts=True)
    steps = network.sequence_length
    starts = np.maximum(steps - frames, 0) if network.padding == "first" else np.zeros_like(frames)
    fits = samples.view < steps
    rows, columns = place[fits], (starts[place] + samples.view)[fits]
    filler = model.MASKED if network.padding == "masked" else 0.0
    x = {}
    for name in REGIONS:
        x[name] = np.full((len(clips), steps, model.FEATURES), filler, np.float32)
        x[name][rows, columns] = features[name][fits]
    return clips, samples.y[first], x
