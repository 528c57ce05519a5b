"""Whether a network has learnt its own training clips, and if not, possible causes.

A score on held-out clips does not distinguish a network that learnt something else from one that learnt nothing. So
each fold's network also predicts its training clips, and these predictions are compared with the two best constant
ones: always the largest class, and always the class frequencies.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean

import numpy as np
from numpy.typing import NDArray

from common.contract import Trained
from common.types import FoldResult, Samples

log = logging.getLogger("mer")

ROWS = 32
"""Maximum number of rows used to find a cause."""
LEVEL = 0.05
"""The probability with which a network that predicts by chance may count as having learnt."""
CAUSES = ("dead_units", "gradient_norm")
"""Measurements on networks that did not learn; with several networks a name follows: `dead_units features`."""
LEAST = 1e-7
"""The smallest probability, so that its log is finite."""


@dataclass(frozen=True)
class Learnt:
    """Predictions of the networks of `folds` folds for their own training clips: means over these folds.

    `accuracy`; `loss`, the mean log loss of the predictions; `constant_loss`, that of the best prediction that is the
    same for all clips; `largest_share`, the accuracy of always predicting the largest class. `stuck` folds are no
    better than that, and in `one_class` folds only one class is predicted. `causes` by name, over the folds that have
    them: `dead_units`, the fraction of units that ReLU leaves at zero, and `gradient_norm`. `one_answer` is about the
    held-out clips: the remark of `verdicts.one_answer`, empty if they are not all predicted as one class.
    """

    folds: int
    accuracy: float
    loss: float
    constant_loss: float
    largest_share: float
    stuck: int
    one_class: int
    causes: Mapping[str, float]
    one_answer: str = ""


def at_chance(accuracy: float, largest_share: float, clips: int) -> bool:
    """Whether an accuracy on `clips` clips is no better than always predicting the largest class, plus a margin.

    The margin is binomial: predictions that are right on each clip with the probability `largest_share` reach this
    accuracy or better in more than 5% of all cases. With few clips or very unequal classes, even a perfect accuracy may
    be at chance: then nothing can be concluded.
    """
    from scipy.stats import binom

    return bool(binom.sf(round(accuracy * clips) - 1, clips, largest_share) > LEVEL)


def of_answers(truth: NDArray[np.integer], probabilities: NDArray[np.floating]) -> dict[str, float]:
    """Measurements of predictions for training clips, by name; truth (n,), probabilities (n, classes).

    `training_accuracy`; `training_loss`, the mean log loss; `constant_loss`, that of the best prediction that is
    the same for all clips, which is the entropy of the class frequencies; `largest_share`, the accuracy of always
    predicting the largest class; `training_clips`; `answered_classes`, the number of predicted classes. Logs are
    natural.
    """
    answered = probabilities.argmax(axis=1)
    shares = np.bincount(truth) / len(truth)
    sure = np.clip(probabilities[np.arange(len(truth)), truth].astype(np.float64), LEAST, 1)
    return {
        "training_accuracy": float((answered == truth).mean()),
        "training_loss": float(-np.log(sure).mean()),
        "constant_loss": float(-np.sum(shares[shares > 0] * np.log(shares[shares > 0]))),
        "largest_share": float(shares.max()),
        "training_clips": float(len(truth)),
        "answered_classes": float(len(np.unique(answered))),
    }


def stuck(measured: Mapping[str, float]) -> bool:
    """Whether these results of `of_answers` are those of a network that predicts only one class, or is at chance."""
    chance = at_chance(measured["training_accuracy"], measured["largest_share"], int(measured["training_clips"]))
    return chance or measured["answered_classes"] == 1


def measure(trained: Trained, samples: Samples, *, look: bool) -> dict[str, float]:
    """The results of `of_answers` for a fold's network on its training rows.

    With `look`, and if the network is `stuck`, also the causes that `diagnosis` can measure, which takes some seconds.
    Empty if training rows cannot be predicted: the fold does not fail for this.
    """
    try:
        answers = trained.predict(samples)
        label = dict(zip(samples.clip.tolist(), samples.y.tolist(), strict=True))
        probabilities = np.stack([*answers.values()])
        if not np.isfinite(probabilities).all():
            return {}
        measured = of_answers(np.array([label[clip] for clip in answers]), probabilities)
    except Exception as error:  # any error of a backend or recipe
        log.warning("the training clips of a fold could not be predicted: %s", error)
        return {}
    if look and stuck(measured):
        from common.training import diagnosis

        measured |= diagnosis.causes(trained, some_clips(samples), probabilities.shape[1])
    return measured


def some_clips(samples: Samples) -> Samples:
    """All rows of at most 32 clips, spread evenly over the clips in their order of class."""
    clips, first = np.unique(samples.clip, return_index=True)
    ordered = clips[np.argsort(samples.y[first], kind="stable")]
    return samples.only(np.flatnonzero(np.isin(samples.clip, ordered[spread(len(ordered))])))


def spread(count: int) -> NDArray[np.int64]:
    """At most 32 indices, spread evenly over `count`."""
    return np.unique(np.linspace(0, count - 1, min(count, ROWS)).round().astype(np.int64))


def summary(results: Sequence[FoldResult], remark: str = "") -> Learnt | None:
    """The means over the folds that were measured, with the remark of `verdicts.one_answer` on these results.

    None if no fold was measured, as in results of older versions.
    """
    known = [result.measured for result in results if "training_clips" in result.measured]
    if not known:
        return None

    def mean(name: str) -> float:
        return fmean(fold[name] for fold in known)

    names = dict.fromkeys(name for fold in known for name in fold if name.split(" ")[0] in CAUSES)
    return Learnt(
        folds=len(known),
        accuracy=mean("training_accuracy"),
        loss=mean("training_loss"),
        constant_loss=mean("constant_loss"),
        largest_share=mean("largest_share"),
        stuck=sum(map(stuck, known)),
        one_class=sum(fold["answered_classes"] == 1 for fold in known),
        causes={name: fmean(fold[name] for fold in known if name in fold) for name in names},
        one_answer=remark,
    )
