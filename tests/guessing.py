"""A recipe that learns nothing, importable by other processes: real clips, arrays, folds and results, in no time."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path
from typing import Any

import numpy as np

import papers
from common.contract import Figure, FoldRun, Parts, Trained
from common.seeds import seed_of
from common.types import Experiment, Predictions, Samples

_REAL = papers.parts
TRAININGS: list[str] = []
"""Folds that a recipe of another module was trained on."""


class Guess:
    """Answers a class by the clip's name and the seed."""

    class Networks:
        def __init__(self, seed: int) -> None:
            self.seed = seed

        def facts(self) -> dict[str, int]:
            return {"parameters": 1234}

        def flops(self, rows_per_clip: float) -> float:
            return 5e9

    @classmethod
    def build_networks(cls, network: object, training: object, shapes: object, classes: object, seed: int) -> Networks:
        return cls.Networks(seed)

    @staticmethod
    def train(networks: Any, experiment: Experiment, samples: Samples, fold_run: FoldRun) -> Trained:
        def predict(test: Samples) -> Predictions:
            clips = dict.fromkeys(test.clip.tolist())
            return {clip: np.eye(3, dtype=np.float32)[(sum(map(ord, clip)) + networks.seed) % 3] for clip in clips}

        return Trained(predict, {"stage": {"loss": [float(len(samples.y))]}})


class Uncounted(Guess):
    """Has networks with a layer whose operations are not known."""

    class Networks(Guess.Networks):
        def flops(self, rows_per_clip: float) -> float:
            raise ValueError("the operations of convlstm, a ConvLSTM2D, are not known")

    @staticmethod
    def train(networks: Any, experiment: Experiment, samples: Samples, fold_run: FoldRun) -> Trained:
        epochs = fold_run.settings.training.epochs
        for epoch in range(1, epochs + 1):
            fold_run.epochs()(epoch, epochs, 1 / epoch)
        return Guess.train(networks, experiment, samples, fold_run)


class Fickle(Guess):
    """Answers other probabilities for each clip, fold and seed, with a history that fits the settings."""

    @staticmethod
    def train(networks: Any, experiment: Experiment, samples: Samples, fold_run: FoldRun) -> Trained:
        def drawn(*names: object) -> np.random.Generator:
            return np.random.default_rng(seed_of(experiment.id, fold_run.fold, networks.seed, *names))

        def predict(test: Samples) -> Predictions:
            clips = dict.fromkeys(test.clip.tolist())
            return {clip: drawn(clip).dirichlet(np.ones(3)).astype(np.float32) for clip in clips}

        epochs, access = fold_run.settings.training.epochs, fold_run.held_out_access
        history = {"loss": drawn("loss").random(epochs).tolist()}
        if access:
            truth = dict(zip(access.held_out.clip.tolist(), access.held_out.y.tolist(), strict=True))
            right = [row.argmax() == truth[clip] for clip, row in predict(access.held_out).items()]
            history["val_accuracy"] = [0.0] * (epochs - 1) + [float(np.mean(right))]
        return Trained(predict, {"network": history})


class Deadly(Guess):
    """Kills its own process, once for each file that lies in the folder DEADLY."""

    @staticmethod
    def train(networks: Any, experiment: Experiment, samples: Samples, fold_run: FoldRun) -> Trained:
        time.sleep(0.2)
        for file in sorted(Path(os.environ["DEADLY"]).glob("*.bullet")):
            try:
                file.unlink()
            except FileNotFoundError:  # another process was faster
                continue
            os.kill(os.getpid(), signal.SIGKILL)
        return Guess.train(networks, experiment, samples, fold_run)


class Unhurried(Guess):
    """Takes a moment for each fold."""

    @staticmethod
    def train(networks: Any, experiment: Experiment, samples: Samples, fold_run: FoldRun) -> Trained:
        time.sleep(0.5)
        return Guess.train(networks, experiment, samples, fold_run)


class Slow(Guess):
    """Takes its time for each fold."""

    @staticmethod
    def train(networks: Any, experiment: Experiment, samples: Samples, fold_run: FoldRun) -> Trained:
        time.sleep(3)
        return Guess.train(networks, experiment, samples, fold_run)


class Counting(Guess):
    """Reports epochs that take a moment each."""

    @staticmethod
    def train(networks: Any, experiment: Experiment, samples: Samples, fold_run: FoldRun) -> Trained:
        show = fold_run.epochs("stage")
        for epoch in range(1, 13):
            time.sleep(0.15)
            show(epoch, 12, 1 / epoch)
        return Guess.train(networks, experiment, samples, fold_run)


class Stopping(Guess):
    """Stops before the last of its epochs."""

    @staticmethod
    def train(networks: Any, experiment: Experiment, samples: Samples, fold_run: FoldRun) -> Trained:
        for epoch in (1, 2):
            time.sleep(0.4)
            fold_run.epochs("stage")(epoch, 12, 1 / epoch)
        time.sleep(0.4)
        return Guess.train(networks, experiment, samples, fold_run)


class Diverging(Guess):
    """Answers well, but has lost its losses in the second fold."""

    @staticmethod
    def train(networks: Any, experiment: Experiment, samples: Samples, fold_run: FoldRun) -> Trained:
        trained = Guess.train(networks, experiment, samples, fold_run)
        return Trained(trained.predict, {"stage": {"loss": [float("nan")]}}) if fold_run.fold == "fold 2" else trained


class NoFigures:
    """Draws nothing: figures take longer than all else here, and have tests of their own."""

    @staticmethod
    def draw(*_: object) -> list[Figure]:
        return []

    @staticmethod
    def results(*_: object) -> list[Figure]:
        return []


def parts(key: str) -> Parts:
    return _with(key, Guess)


def uncounted(key: str) -> Parts:
    return _with(key, Uncounted)


def fickle(key: str) -> Parts:
    return _with(key, Fickle)


def deadly(key: str) -> Parts:
    return _with(key, Deadly)


def diverging(key: str) -> Parts:
    return _with(key, Diverging)


def unhurried(key: str) -> Parts:
    return _with(key, Unhurried)


def counting(key: str) -> Parts:
    return _with(key, Counting)


def stopping(key: str) -> Parts:
    return _with(key, Stopping)


def slow(key: str) -> Parts:
    return _with(key, Slow)


def _with(key: str, recipe: Any) -> Parts:
    real = _REAL(key)
    figures: Any = NoFigures()
    return Parts(real.preprocess, figures, lambda: recipe)
