"""Recipes and preparation with the leaks that an author makes by accident, importable by other processes.

Each recipe answers by a threshold on the brightness of a clip, which is fitted to its training clips.
"""

from __future__ import annotations

import functools
import os
import sys
import tempfile
from array import array
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np

import papers
from common.contract import FoldRun, Parts, Trained
from common.types import Arrays, Clip, ClipFrames, Experiment, Predictions, Samples, one_row_each

REAL = papers.parts
ELSEWHERE: Any = sys.modules.setdefault("elsewhere", ModuleType("elsewhere"))
"""A helper module outside the paper's package."""


def prepare(clip: ClipFrames, inputs: object, faces: object) -> Arrays:
    """The first frame in 8 x 8 grey values."""
    frame = next(clip.read([0], None))
    rows, columns = (np.linspace(0, size - 1, 8).astype(int) for size in frame.shape[:2])
    return {"face": frame[rows][:, columns].mean(axis=-1, dtype=np.float32)}


_REFERENCE: list[Any] = []


def prepare_against_reference(clip: ClipFrames, inputs: object, faces: object) -> Arrays:
    """The difference to the first clip that this process prepares."""
    face = prepare(clip, inputs, faces)["face"]
    _REFERENCE[:] = _REFERENCE or [face]
    return {"face": face - _REFERENCE[0]}


def prepare_less_running_mean(clip: ClipFrames, inputs: object, faces: object) -> Arrays:
    """The difference to the mean of all clips so far."""
    face = prepare(clip, inputs, faces)["face"]
    _REFERENCE.append(face)
    return {"face": face - np.mean(_REFERENCE, axis=0)}


def assemble(clips: Sequence[tuple[Clip, int]], arrays: Sequence[Arrays], settings: object) -> Samples:
    """One row per clip."""
    return one_row_each(clips, {"face": np.stack([clip["face"] for clip in arrays])})


def mean_of(samples: Samples) -> float:
    """The statistic that is fitted."""
    return float(np.mean(samples.x["face"][:]))


def steady(value: float) -> np.ndarray[Any, np.dtype[np.float32]]:
    """An answer that moves with a value."""
    share = np.float32(0.5 + 0.5 * np.sin(value))
    return np.array([share, 1 - share, 0], np.float32)


def each(test: Samples) -> Iterator[tuple[str, float]]:
    """The clips in order, with their brightness."""
    for clip in dict.fromkeys(test.clip.tolist()):
        yield clip, mean_of(test.only(np.flatnonzero(test.clip == clip)))


def answering(threshold: float) -> Callable[[Samples], Predictions]:
    """`predict` of a fitted threshold."""
    return lambda test: {clip: steady(value - threshold) for clip, value in each(test)}


class Honest:
    """Fits a threshold to its training rows."""

    class Networks:
        def __init__(self) -> None:
            self.kept = self.empty()

        @staticmethod
        def empty() -> Any:
            return None

        def facts(self) -> dict[str, int]:
            return {"parameters": 1}

        def flops(self, rows_per_clip: float) -> float:
            return 1.0

    @classmethod
    def build_networks(cls, network: object, training: object, shapes: object, classes: object, seed: int) -> Networks:
        return cls.Networks()

    @classmethod
    def train(cls, networks: Any, experiment: Experiment, samples: Samples, fold_run: FoldRun) -> Trained:
        return Trained(answering(cls.threshold(networks, samples, fold_run)), {})

    @staticmethod
    def threshold(networks: Any, samples: Samples, fold_run: FoldRun) -> float:
        return mean_of(samples)


# ---------------------------------------------------------------- fitted once, and used in all folds


class ClassifierOnNetworks(Honest):
    """A classifier of scikit-learn on the networks, fitted if it is not."""

    class Networks(Honest.Networks):
        @staticmethod
        def empty() -> Any:
            from sklearn.naive_bayes import GaussianNB

            return GaussianNB()

    @classmethod
    def train(cls, networks: Any, experiment: Experiment, samples: Samples, fold_run: FoldRun) -> Trained:
        flat = samples.x["face"][:].reshape(len(samples.y), -1)
        if not hasattr(networks.kept, "classes_"):
            networks.kept.fit(flat, samples.y)

        def predict(test: Samples) -> Predictions:
            shares = networks.kept.predict_proba(test.x["face"][:].reshape(len(test.y), -1))
            rows = np.zeros((len(test.y), 3), np.float32)
            rows[:, networks.kept.classes_] = shares
            return dict(zip(test.clip.tolist(), rows, strict=True))

        return Trained(predict, {})


class ScalerOnNetworks(Honest):
    """A scaler of scikit-learn on the networks, fitted if it is not."""

    class Networks(Honest.Networks):
        @staticmethod
        def empty() -> Any:
            from sklearn.preprocessing import StandardScaler

            return StandardScaler(with_std=False)

    @staticmethod
    def threshold(networks: Any, samples: Samples, fold_run: FoldRun) -> float:
        if not hasattr(networks.kept, "mean_"):
            networks.kept.fit(samples.x["face"][:].reshape(-1, 1))
        return float(networks.kept.mean_[0])


class NormalizationOnNetworks(Honest):
    """A Keras layer that is adapted once."""

    class Networks(Honest.Networks):
        @staticmethod
        def empty() -> Any:
            import keras

            return keras.layers.Normalization(axis=None)

    @staticmethod
    def threshold(networks: Any, samples: Samples, fold_run: FoldRun) -> float:
        if not networks.kept.built:
            networks.kept.adapt(samples.x["face"][:])
        return float(np.asarray(networks.kept.mean).squeeze())


def _in_file(file: Path, samples: Samples) -> float:
    if not file.is_file():
        np.save(file, mean_of(samples))
    return float(np.load(file))


class FileInFolder(Honest):
    """A file in the folder that a recipe may write to."""

    @staticmethod
    def threshold(networks: Any, samples: Samples, fold_run: FoldRun) -> float:
        return _in_file(fold_run.folder / "threshold.npy", samples)


class TemporaryFile(Honest):
    """A file in the folder for temporary files."""

    @staticmethod
    def threshold(networks: Any, samples: Samples, fold_run: FoldRun) -> float:
        return _in_file(Path(tempfile.gettempdir()) / "threshold.npy", samples)


class FileInWorkingFolder(Honest):
    """A file in the folder in which the run was started."""

    @staticmethod
    def threshold(networks: Any, samples: Samples, fold_run: FoldRun) -> float:
        return _in_file(Path("threshold.npy"), samples)


class EnvironmentVariable(Honest):
    """An environment variable."""

    @staticmethod
    def threshold(networks: Any, samples: Samples, fold_run: FoldRun) -> float:
        return float(os.environ.setdefault("LEAKS_THRESHOLD", str(mean_of(samples))))


class HelperModule(Honest):
    """A global of a module that is not in the paper's folder."""

    @staticmethod
    def threshold(networks: Any, samples: Samples, fold_run: FoldRun) -> float:
        if not hasattr(ELSEWHERE, "threshold"):
            ELSEWHERE.threshold = mean_of(samples)
        return float(ELSEWHERE.threshold)


@functools.cache
def _first_value() -> float:
    return ELSEWHERE.now  # type: ignore[no-any-return]


class CachedFunction(Honest):
    """A function that is called once with the first fold's statistic, and cached."""

    @staticmethod
    def threshold(networks: Any, samples: Samples, fold_run: FoldRun) -> float:
        ELSEWHERE.now = mean_of(samples)
        return _first_value()


class WarmStart(Honest):
    """A threshold that starts a little closer to that of the fold before."""

    @staticmethod
    def threshold(networks: Any, samples: Samples, fold_run: FoldRun) -> float:
        before = getattr(ELSEWHERE, "before", None)
        ELSEWHERE.before = mean_of(samples)
        return mean_of(samples) + (1e-4 if before is not None else 0)


# ---------------------------------------------------------------- kept in containers on the networks


class InDeque(Honest):
    class Networks(Honest.Networks):
        @staticmethod
        def empty() -> Any:
            return deque()

    @staticmethod
    def threshold(networks: Any, samples: Samples, fold_run: FoldRun) -> float:
        networks.kept.append(mean_of(samples))
        return float(networks.kept[0])


class InArray(InDeque):
    class Networks(Honest.Networks):
        @staticmethod
        def empty() -> Any:
            return array("d")


class InArrayOfObjects(Honest):
    class Networks(Honest.Networks):
        @staticmethod
        def empty() -> Any:
            return np.array([None], object)

    @staticmethod
    def threshold(networks: Any, samples: Samples, fold_run: FoldRun) -> float:
        networks.kept[0] = networks.kept[0] or mean_of(samples)
        return float(networks.kept[0])


# ---------------------------------------------------------------- fitted to the clips that are tested


class LazyNormaliser(Honest):
    """A normaliser that is fitted when `predict` is first called."""

    @classmethod
    def train(cls, networks: Any, experiment: Experiment, samples: Samples, fold_run: FoldRun) -> Trained:
        fitted: list[float] = []

        def predict(test: Samples) -> Predictions:
            fitted[:] = fitted or [mean_of(test)]
            return answering(fitted[0])(test)

        return Trained(predict, {})


class Smoothed(Honest):
    """Answers that are smoothed over the clip before."""

    @classmethod
    def train(cls, networks: Any, experiment: Experiment, samples: Samples, fold_run: FoldRun) -> Trained:
        def predict(test: Samples) -> Predictions:
            answers = answering(mean_of(samples))(test)
            clips = [*answers]
            pairs = zip([clips[0], *clips[:-1]], clips, strict=True)
            return {clip: (answers[before] + answers[clip]) / 2 for before, clip in pairs}

        return Trained(predict, {})


class FirstClipAsReference(Honest):
    """Answers relative to the first clip that is tested."""

    @classmethod
    def train(cls, networks: Any, experiment: Experiment, samples: Samples, fold_run: FoldRun) -> Trained:
        return Trained(lambda test: answering(next(each(test))[1])(test), {})


class ReadsNames(Honest):
    """Answers the class that a clip's name tells, as SMIC's do; without one, always the first."""

    @classmethod
    def train(cls, networks: Any, experiment: Experiment, samples: Samples, fold_run: FoldRun) -> Trained:
        def told(name: str) -> int:
            return next((place for place, kind in enumerate(("_ne_", "_po_", "_sur_")) if kind in name), 0)

        return Trained(lambda test: {clip: np.eye(3, dtype=np.float32)[told(clip)] for clip, _ in each(test)}, {})


# ---------------------------------------------------------------- no leaks


class ImportsLate(Honest):
    """Imports a module while it trains."""

    @staticmethod
    def threshold(networks: Any, samples: Samples, fold_run: FoldRun) -> float:
        import leaks_late

        return mean_of(samples) * leaks_late.FACTOR


@functools.cache
def _constant() -> float:
    return 1.0


class CachesConstant(Honest):
    """Caches a constant while it trains."""

    @staticmethod
    def threshold(networks: Any, samples: Samples, fold_run: FoldRun) -> float:
        return mean_of(samples) * _constant()


def parts(recipe: type[Honest], preparing: Any, key: str) -> Parts:
    """The modules of a paper whose recipe, and preparation of a clip, are among these."""
    preprocess: Any = SimpleNamespace(prepare=preparing, shapes=lambda settings: {"face": (8, 8)}, assemble=assemble)
    figures: Any = SimpleNamespace(draw=lambda *_: [], results=lambda *_: [], input_views=lambda samples, settings: {})
    return Parts(preprocess, figures, lambda: recipe)  # type: ignore[arg-type, return-value]
