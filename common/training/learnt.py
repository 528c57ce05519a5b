"""Whether a network has learnt its own training clips, and where it has not, what can be known of the cause.

A score on held-out clips does not tell a network that learnt something else from one that learnt nothing. So each
fold's network is asked for its training clips as well, and its answers are held against the two best ones that need no
picture: always the largest class, and always the shares of the classes.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import fmean

import numpy as np
from numpy.typing import NDArray

from common.contract import Trained
from common.types import FoldResult, Samples

log = logging.getLogger("mer")

ROWS = 32
"""Rows at most that are looked at for a cause."""
LEVEL = 0.05
"""How often a network that answers by chance may count as one that learnt."""
CAUSES = ("dead_units", "gradient_norm")
"""What is measured where a network did not learn; of one among several a name follows: `dead_units features`."""
LEAST = 1e-7
"""A probability that counts as none: its log is finite."""


@dataclass(frozen=True)
class Learnt:
    """What the networks of `folds` folds make of their own training clips: means over these folds.

    `accuracy`; `loss`, the mean log loss of the answers, beside `constant_loss`, that of the best answer that is the
    same for all clips; `largest_share`, the accuracy of always answering the largest class. `stuck` folds are no better
    than that, and in `one_class` folds one class alone is answered. `causes` by name, over the folds that have them:
    `dead_units`, the share of units that ReLU leaves at zero, and `gradient_norm`.
    """

    folds: int
    accuracy: float
    loss: float
    constant_loss: float
    largest_share: float
    stuck: int
    one_class: int
    causes: Mapping[str, float]


def at_chance(accuracy: float, largest_share: float, clips: int) -> bool:
    """Whether an accuracy on `clips` clips is no better than always answering the largest class, plus a margin.

    The margin is that of a binomial: whoever is right on each clip with the probability `largest_share` reaches this
    accuracy, or a better one, in more than 5% of all cases. So few clips, or classes of very unlike sizes, may leave
    even a perfect accuracy at chance: then nothing can be told.
    """
    from scipy.stats import binom

    return bool(binom.sf(round(accuracy * clips) - 1, clips, largest_share) > LEVEL)


def of_answers(truth: NDArray[np.integer], probabilities: NDArray[np.floating]) -> dict[str, float]:
    """What answers for training clips say, by name; truth (n,), probabilities (n, classes).

    `training_accuracy`; `training_loss`, the mean log loss; `constant_loss`, that of the best answer that is the same
    for all clips, which is the entropy of the class shares; `largest_share`, the accuracy of always answering the
    largest class; `training_clips`; `answered_classes`, how many different classes are answered. Logs are natural.
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
    """Whether these numbers of `of_answers` are those of a network that answers one class alone, or is at chance."""
    chance = at_chance(measured["training_accuracy"], measured["largest_share"], int(measured["training_clips"]))
    return chance or measured["answered_classes"] == 1


def measure(trained: Trained, samples: Samples, *, labelled: bool, look: bool) -> dict[str, float]:
    """How a fold's network answers its training rows, as `of_answers` has it.

    With `look`, and where the network is `stuck`, also the causes that `diagnosis` can measure, in some seconds.
    Without `labelled` the rows lose their classes before they are answered, as held-out ones do. Empty where training
    rows cannot be answered: a fold is not lost for it.
    """
    try:
        asked = samples if labelled else replace(samples, y=np.zeros_like(samples.y))
        answers = trained.predict(asked)
        label = dict(zip(samples.clip.tolist(), samples.y.tolist(), strict=True))
        probabilities = np.stack([*answers.values()])
        if not np.isfinite(probabilities).all():
            return {}
        measured = of_answers(np.array([label[clip] for clip in answers]), probabilities)
    except Exception as error:  # whatever a backend or a recipe raises
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
    """At most 32 places, spread evenly over `count`."""
    return np.unique(np.linspace(0, count - 1, min(count, ROWS)).round().astype(np.int64))


def summary(results: Sequence[FoldResult]) -> Learnt | None:
    """The means over the folds that were measured; None where none was, as in results of older versions."""
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
    )
