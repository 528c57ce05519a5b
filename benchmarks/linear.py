"""References without a network: a linear classifier on features of a clip, run like a paper's experiment."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from common.contract import FoldRun, Parts, Settings, Shapes, Trained
from common.environment import code_digest
from common.protocols.metadata import Classifier
from common.standin.proof import SIZE, flows, upright
from common.types import Arrays, Clip, ClipFrames, Experiment, Predictions, Samples, one_row_each
from common.vision.faces import FaceFinder
from common.vision.images import each_frame, read_frame
from common.vision.rank_pooling import approximate

SOURCES = ("benchmarks/linear.py", "common/standin/proof.py", "common/vision/flow.py", "common/vision/rank_pooling.py")
SPREAD = 8
"""The number of frames that represent a whole clip."""
SMALL = (SIZE[0] // 8, SIZE[1] // 8)
PIXELS = SMALL[0] * SMALL[1]
METADATA = "metadata"
"""Features of a clip that do not depend on its face: corpus, length, frame rate, size and brightness."""
CORPORA = ("casme2", "smic", "samm")
FACTS = len(CORPORA) + 5
"""The number of features of `METADATA`."""


@dataclass(frozen=True)
class Inputs:
    """The input of the linear classifier: one of `READS`, or `METADATA`; `code` is a digest of the source code."""

    reads: str
    code: str


@dataclass(frozen=True)
class Network:
    """There is nothing to build."""


@dataclass(frozen=True)
class Training:
    """There is no other precision."""

    precision: str = "float32"


@dataclass(frozen=True)
class Reading:
    """The places of the frames of a clip that are read, and the features of these frames, an array of `count` numbers.

    `features` takes aligned frames, uint8 (n, height, width).
    """

    places: Callable[[ClipFrames], Sequence[int]]
    features: Callable[[NDArray[np.uint8]], NDArray[Any]]
    count: int


def _apex(clip: ClipFrames) -> int:
    number = clip.numbers[len(clip.numbers) // 2] if clip.apex is None else clip.apex
    return int(np.abs(np.array(clip.numbers) - number).argmin())


def _small(frames: NDArray[Any]) -> NDArray[Any]:
    return np.stack([cv2.resize(frame, SMALL, interpolation=cv2.INTER_AREA) for frame in frames])


def _spread(clip: ClipFrames) -> list[int]:
    return [round(place) for place in np.linspace(0, len(clip.numbers) - 1, SPREAD)]


READS = {
    "onset": Reading(lambda clip: [0], _small, PIXELS),
    "flow": Reading(lambda clip: [0, _apex(clip)], flows, 2 * (SIZE[0] // 16) * (SIZE[1] // 16)),
    "frames": Reading(_spread, _small, SPREAD * PIXELS),
    "dynamic": Reading(lambda clip: range(len(clip.numbers)), lambda frames: _small(approximate(frames)[None]), PIXELS),
}


def settings_for(reads: str) -> Settings:
    """The settings of a linear classifier that reads one of `READS`, or `METADATA`."""
    return Settings(Inputs(reads, code_digest(SOURCES)), Network(), Training())


def prepare(clip: ClipFrames, inputs: Inputs, faces: FaceFinder) -> Arrays:
    """The features of a clip: "features" (1, n) float32."""
    first = read_frame(clip, 0)
    if inputs.reads == METADATA:
        facts = [*(clip.corpus == name for name in CORPORA), len(clip.numbers), clip.fps, *first.shape[:2]]
        return {"features": np.array([[*facts, first.mean()]], np.float32)}
    reading = READS[inputs.reads]
    move = upright(faces.find(first).points)
    pictures = each_frame(clip.at(reading.places(clip)))
    grey = [cv2.warpAffine(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY), move, SIZE) for picture in pictures]
    return {"features": np.asarray(reading.features(np.stack(grey)), np.float32).reshape(1, -1)}


def shapes(settings: Settings) -> Shapes:
    """One row of numbers."""
    reads = settings.inputs.reads
    return {"features": (FACTS if reads == METADATA else READS[reads].count,)}


def assemble(clips: Sequence[tuple[Clip, int]], arrays: Sequence[Arrays], settings: Settings) -> Samples:
    """Samples with one row per clip."""
    return one_row_each(clips, {"features": np.concatenate([clip_arrays["features"] for clip_arrays in arrays])})


class Linear:
    """A recipe: standardised features, ridge regression on the classes.

    Flow that is scaled clip by clip needs a lower bound of its scale; flow that is standardised over clips does not.
    With bounds of 0.1, 0.3 and 1 pixel, UF1 without motion was 0.36, 0.36 and 0.33 instead of 0.36: as by guessing.
    """

    build_networks = Classifier.Networks

    @staticmethod
    def train(networks: Any, experiment: Experiment, samples: Samples, fold_run: FoldRun) -> Trained:
        """Fit on the training rows; predictions are one-hot."""
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
    """The replacement of a paper's modules."""
    preprocess: Any = SimpleNamespace(prepare=prepare, shapes=shapes, assemble=assemble)
    figures: Any = SimpleNamespace(draw=lambda *_: [], results=lambda *_: [])
    recipe: Callable[[], Any] = lambda: Linear  # noqa: E731
    return Parts(preprocess, figures, recipe)
