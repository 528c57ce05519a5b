"""References that are no network: one linear classifier on what is read of a clip, run like a paper's experiment."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from benchmarks.standin_proof import EYES, SIZE, UNIT, flows
from common.contract import FoldRun, Parts, Trained
from common.environment import code_digest
from common.types import Arrays, Clip, ClipFrames, Experiment, Predictions, Samples
from common.vision.faces import FaceFinder
from common.vision.images import each_frame, read_frame
from common.vision.rank_pooling import approximate

SOURCES = ("benchmarks/linear.py", "benchmarks/standin_proof.py", "common/vision/rank_pooling.py")
SPREAD = 8
"""Frames that stand for a whole clip."""
SMALL = (SIZE[0] // 8, SIZE[1] // 8)
METADATA = "metadata"
"""What is read of a clip without looking at its face: corpus, length, frame rate, size and brightness."""
CORPORA = ("casme2", "smic", "samm")


@dataclass(frozen=True)
class Settings:
    """What the linear classifier reads: one of `READS`, or `METADATA`."""

    reads: str
    precision: str = "float32"


@dataclass(frozen=True)
class Reading:
    """Which frames of a clip are read, by their places, and what is made of them: aligned, uint8 (n, height, width)."""

    places: Callable[[ClipFrames], Sequence[int]]
    features: Callable[[NDArray[np.uint8]], NDArray[Any]]


def _apex(clip: ClipFrames) -> int:
    number = clip.numbers[len(clip.numbers) // 2] if clip.apex is None else clip.apex
    return int(np.abs(np.array(clip.numbers) - number).argmin())


def _small(frames: NDArray[Any]) -> NDArray[Any]:
    return np.stack([cv2.resize(frame, SMALL, interpolation=cv2.INTER_AREA) for frame in frames])


def _spread(clip: ClipFrames) -> list[int]:
    return [round(place) for place in np.linspace(0, len(clip.numbers) - 1, SPREAD)]


READS = {
    "onset": Reading(lambda clip: [0], _small),
    "flow": Reading(lambda clip: [0, _apex(clip)], flows),
    "frames": Reading(_spread, _small),
    "dynamic": Reading(lambda clip: range(len(clip.numbers)), lambda frames: _small(approximate(frames)[None])),
}


def prepare(clip: ClipFrames, experiment: Experiment, settings: Settings, faces: FaceFinder) -> Arrays:
    """What is read of a clip: "features" (1, n) float32."""
    first = read_frame(clip, 0)
    if settings.reads == METADATA:
        facts = [*(clip.corpus == name for name in CORPORA), len(clip.numbers), clip.fps, *first.shape[:2]]
        return {"features": np.array([[*facts, first.mean()]], np.float32)}
    reading = READS[settings.reads]
    points = faces.find(first).points
    left, right = points[36:42].mean(0), points[42:48].mean(0)
    reach = (right - left) / np.sum((right - left) ** 2) * UNIT
    turn = np.array([[reach[0], reach[1]], [-reach[1], reach[0]]])
    move = np.c_[turn, np.array(EYES) - turn @ ((left + right) / 2)]
    pictures = each_frame(clip.at(reading.places(clip)))
    grey = [cv2.warpAffine(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY), move, SIZE) for picture in pictures]
    return {"features": np.asarray(reading.features(np.stack(grey)), np.float32).reshape(1, -1)}


def assemble(
    clips: Sequence[tuple[Clip, int]], arrays: Sequence[Arrays], experiment: Experiment, settings: Settings
) -> Samples:
    """Samples with one row per clip."""
    return Samples(
        x={"features": np.concatenate([clip_arrays["features"] for clip_arrays in arrays])},
        y=np.array([label for _, label in clips]),
        subject=np.array([clip.subject_id for clip, _ in clips]),
        clip=np.array([clip.id for clip, _ in clips]),
        view=np.zeros(len(clips), np.int64),
    )


class Linear:
    """A recipe: standardised features, ridge regression on the classes."""

    class Networks:
        """None: what takes their place knows how many classes there are."""

        def __init__(self, experiment: Experiment, settings: Settings, seed: int) -> None:
            self.classes = len(experiment.labels.classes)

        def facts(self) -> dict[str, int]:
            """Nothing is counted."""
            return {}

        def flops(self, rows_per_clip: float) -> float:
            """Nothing is counted."""
            return 0.0

    @staticmethod
    def train(networks: Any, experiment: Experiment, samples: Samples, fold_run: FoldRun) -> Trained:
        """Fit on the training rows; answers are one-hot."""
        from sklearn.linear_model import RidgeClassifier
        from sklearn.pipeline import make_pipeline
        from sklearn.preprocessing import StandardScaler

        model = make_pipeline(StandardScaler(), RidgeClassifier(alpha=30.0, class_weight="balanced"))
        model.fit(samples.x["features"][:], samples.y)
        known = model.classes_

        def predict(test: Samples) -> Predictions:
            answers = known[model.decision_function(test.x["features"][:]).argmax(axis=1)]
            return dict(zip(test.clip.tolist(), np.eye(networks.classes, dtype=np.float32)[answers], strict=True))

        return Trained(predict, {})


def parts() -> Parts:
    """What takes the place of a paper's modules."""
    preprocess: Any = SimpleNamespace(
        parameters=lambda experiment, settings: {"reads": settings.reads, "code": code_digest(SOURCES)},
        prepare=prepare,
        assemble=assemble,
    )
    figures: Any = SimpleNamespace(draw=lambda *_: [], results=lambda *_: [])
    recipe: Callable[[], Any] = lambda: Linear  # noqa: E731
    return Parts(preprocess, figures, recipe, lambda experiment, settings: 0)
