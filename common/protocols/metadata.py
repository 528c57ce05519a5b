"""The control `metadata`: a classifier of what is known of a clip without its motion, in place of the network.

It receives the corpus, the number of clips of the subject in the experiment, and the length, image size, brightness and
frame rate of the clip; of the images only the first is read. The classifier is logistic regression with balanced class
weights on splines of these numbers, so that it also finds a class of medium lengths: in 17 of 20 draws of 81 clips with
such a link, like a random forest, and logistic regression without splines in 6. If lengths increase weakly from class
to class, it found this in 10 of 20 draws, a random forest in 6.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from types import SimpleNamespace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from common.contract import FoldRun, Parts, Settings, Shapes, Trained
from common.types import Arrays, Clip, Experiment, Predictions, Samples, one_row_each
from common.vision.images import read_frame

INPUT = "metadata"
NUMBERS = (
    "clips of the subject",
    "frames on disk",
    "frames from onset to offset",
    "seconds",
    "frames per second",
    "height",
    "width",
    "brightness",
)
"""The metadata of a clip, in addition to its corpus; brightness is the mean of the first frame."""
UNKNOWN: Mapping[str, NDArray[Any]] = {"frame": np.full(3, np.nan)}
"""What `first_frame` would return, of a frame that cannot be read."""
KNOTS, DEGREE, C = 4, 2, 0.1
"""Knots and degree of the splines, and the inverse of the regularisation."""
SECONDS = 0.05
"""About how long a fold of hundreds of clips takes, for estimates."""


def first_frame(clip: Clip) -> Arrays:
    """Height, width and mean brightness of a clip's first frame: "frame" (3,). Raises ClipError if it is unreadable."""
    picture = read_frame(clip, 0)
    return {"frame": np.array([*picture.shape[:2], picture.mean()], np.float64)}


def samples(clips: Sequence[tuple[Clip, int]], frames: Sequence[Mapping[str, NDArray[Any]]]) -> Samples:
    """One row of metadata per clip, NaN for what is unknown; `frames` are the results of `first_frame`."""
    corpora = sorted({clip.corpus for clip, _ in clips})
    subjects = [clip.subject_id for clip, _ in clips]
    rows = [
        [*(clip.corpus == name for name in corpora), subjects.count(clip.subject_id), *_lengths(clip), *frame["frame"]]
        for (clip, _), frame in zip(clips, frames, strict=True)
    ]
    return one_row_each(clips, {INPUT: np.array(rows, np.float64)})


def _lengths(clip: Clip) -> list[float]:
    frames = clip.offset - clip.onset + 1
    fps = clip.fps if math.isfinite(clip.fps) and clip.fps > 0 else math.nan
    return [len(clip.numbers), frames, frames / fps, fps]


class Classifier:
    """A recipe, which trains the classifier on the training rows of a fold."""

    class Networks:
        """There are no networks; only the number of classes is stored."""

        def __init__(
            self, network: object, training: object, shapes: object, classes: tuple[str, ...], seed: int
        ) -> None:
            self.classes = len(classes)

        def facts(self) -> dict[str, int]:
            """Nothing is counted."""
            return {}

        def flops(self, rows_per_clip: float) -> float:
            """Nothing is counted."""
            return 0.0

    build_networks = Networks

    @staticmethod
    def train(networks: Networks, experiment: Experiment, samples: Samples, fold_run: FoldRun) -> Trained:
        """Fit on the training rows; unknown values are replaced by their mean over these rows.

        Nothing is random, so predictions are the same for all networks with the same clips and folds.
        """
        from sklearn.dummy import DummyClassifier
        from sklearn.impute import SimpleImputer
        from sklearn.linear_model import LogisticRegression
        from sklearn.pipeline import make_pipeline
        from sklearn.preprocessing import SplineTransformer, StandardScaler

        model = make_pipeline(
            SimpleImputer(strategy="mean", keep_empty_features=True),
            SplineTransformer(KNOTS, degree=DEGREE),
            StandardScaler(),
            LogisticRegression(C=C, class_weight="balanced", max_iter=2000),
        )
        if len(np.unique(samples.y)) == 1:
            model = DummyClassifier()
        model.fit(samples.x[INPUT][:], samples.y)

        def predict(test: Samples) -> Predictions:
            probabilities = np.zeros((len(test.clip), networks.classes), np.float32)
            probabilities[:, model.classes_] = model.predict_proba(test.x[INPUT][:])
            return dict(zip(test.clip.tolist(), probabilities, strict=True))

        return Trained(predict, {})


def _shapes(settings: Settings) -> Shapes:
    return {INPUT: (len(NUMBERS),)}  # in addition to a column per corpus


def parts() -> Parts:
    """The modules of a job that runs this control, in place of its paper's."""
    preprocess: Any = SimpleNamespace(shapes=_shapes)
    figures: Any = SimpleNamespace()
    recipe: Any = Classifier
    return Parts(preprocess, figures, lambda: recipe)
