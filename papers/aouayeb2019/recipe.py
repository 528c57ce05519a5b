"""What is trained on what: from samples and a fold to the probabilities of the held-out clips."""

from __future__ import annotations

from collections.abc import Callable

import keras
import numpy as np
from numpy.typing import NDArray

from common.seeds import seed_of
from common.training import Learner
from common.types import Arrays, Experiment, Fold, Outcome, Progress, Samples, Workbench
from papers.aouayeb2019 import model
from papers.aouayeb2019.experiments import CNN_IN_FOLD, Settings
from papers.aouayeb2019.preprocess import REGIONS, region_sizes, takes_part


class Networks:
    """The two networks of the paper, compiled once and shared by all experiments and folds of a run."""

    def __init__(self, experiment: Experiment, settings: Settings, seed: int) -> None:
        self.settings, self.classes = settings, experiment.labels.classes
        classes = self.classes
        sizes = region_sizes(settings.region_scale)
        loss = model.FocalLoss(settings.gamma)
        self.cnns = Learner(
            lambda: model.region_cnns(sizes, len(classes) + 1),
            loss=loss,
            metrics=model.accuracy,
            optimizer=keras.optimizers.Adam(settings.learning_rate),
            batch=settings.cnn_batch,
            epochs=settings.cnn_epochs,
            seed=seed_of("aouayeb2019", "region CNNs", seed),
        )
        self.extractor = model.feature_extractor(self.cnns.model)
        self.sequences = Learner(
            lambda: model.sequence_classifier(tuple(REGIONS), settings.sequence_length, len(classes)),
            loss=loss,
            metrics=model.accuracy,
            optimizer=keras.optimizers.Adam(settings.learning_rate),
            batch=settings.lstm_batch,
            epochs=settings.lstm_epochs,
            seed=seed_of("aouayeb2019", "LSTM part", seed),
        )

    def facts(self) -> dict[str, int]:
        """Parameter counts of the models as built, to be set beside the paper's."""
        cnns, sequences = self.cnns.model.count_params(), self.sequences.model.count_params()
        return {"parameters_cnns": cnns, "parameters_lstm": sequences, "parameters": cnns + sequences}


def trainer(
    networks: Networks, experiment: Experiment, samples: Samples, bench: Workbench
) -> Callable[[Fold], Outcome]:
    """The function that trains and tests one fold (row indices are frames)."""
    seed, say = bench.seed, bench.say
    labels = _region_labels(networks, samples)
    once = None
    if experiment.variant != CNN_IN_FOLD.variant:
        share = np.random.default_rng(seed_of("frames for cnn-once", seed)).random(len(samples.y))
        rows = np.flatnonzero(share < networks.settings.cnn_share)
        once = bench.keep("features", lambda: _features(networks, samples, labels, rows, seed_of("once", seed), say))

    def run(fold: Fold) -> Outcome:
        fold_seed = seed_of(experiment.id, fold.name, seed)
        features = once if once is not None else _features(networks, samples, labels, fold.train, fold_seed, say)
        clips, first, sequences = _sequences(samples, features, networks.settings.sequence_length)
        held_out = np.isin(clips, samples.clip[fold.test])
        train, test = np.flatnonzero(~held_out), np.flatnonzero(held_out)
        targets = model.focal_targets(samples.y[first], len(networks.classes), train)
        history = networks.sequences.fit(
            sequences, {"emotion": targets}, train, fold_seed, lambda done, total: say("LSTM epochs", done, total)
        )
        return Outcome(
            clips=tuple(clips[test].tolist()),
            probabilities=networks.sequences.predict(sequences, test)["emotion"],
            history={
                "region CNNs": {
                    key.removeprefix("history "): values.tolist()
                    for key, values in features.items()
                    if key.startswith("history ")
                },
                "LSTM part": history,
            },
        )

    return run


def _region_labels(networks: Networks, samples: Samples) -> Arrays:
    """Per region the label of each frame (n,): its clip's class, or the last class, "not me" (section 3.2)."""
    not_me = len(networks.classes)
    return {
        region: np.array(
            [label if takes_part(region, name) else not_me for label, name in enumerate(networks.classes)], np.int64
        )[samples.y]
        for region in REGIONS
    }


def _features(
    networks: Networks, samples: Samples, labels: Arrays, rows: NDArray[np.int64], seed: int, say: Progress
) -> Arrays:
    """Train the CNNs on `rows`; the 20 features of every frame by region, and the history under `history ...`."""
    targets = {name: model.focal_targets(y, len(networks.classes) + 1, rows) for name, y in labels.items()}
    history = networks.cnns.fit(samples.x, targets, rows, seed, lambda done, total: say("CNN epochs", done, total))
    features = networks.cnns.predict(samples.x, np.arange(len(samples.y)), networks.extractor)
    return features | {f"history {name}": np.array(values) for name, values in history.items()}


def _sequences(samples: Samples, features: Arrays, length: int) -> tuple[NDArray, NDArray, Arrays]:
    """Clip ids (clips,), the first row of each, and per region its features in order, zero-padded to `length`.

    A clip with more frames than `length` keeps its first ones; the paper's 500 exceeds every clip of the corpora.
    """
    clips, first, place = np.unique(samples.clip, return_index=True, return_inverse=True)
    fits = samples.view < length
    sequences = {name: np.zeros((len(clips), length, model.FEATURES), np.float32) for name in REGIONS}
    for name, padded in sequences.items():
        padded[place[fits], samples.view[fits]] = features[name][fits]
    return clips, first, sequences
