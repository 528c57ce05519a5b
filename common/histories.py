"""Metrics of the accuracies per epoch on the held-out clips, which a fold's history holds."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from common.types import FoldResult, Score

LAST_MEAN, LAST_DEVIATION = "last ten epochs, mean", "last ten epochs, deviation"
"""Over the last ten epochs that were trained; the deviation is that of a sample (n - 1)."""
BEST_EPOCH = "best epoch, "
"""`best epoch, <stage>` is the largest accuracy of any epoch of that stage."""
ORACLE = "best epoch on the scored split (oracle)"
STAGE, CURVE = "network", "val_accuracy"
"""Where a history holds the accuracies, as shares; a metric of `BEST_EPOCH` names its own stage."""
LAST = 10


def of_history(name: str) -> bool:
    """Whether a metric is one of accuracies per epoch instead of the pooled predictions."""
    return name in (LAST_MEAN, LAST_DEVIATION) or name.startswith(BEST_EPOCH)


def is_accuracy(name: str) -> bool:
    """Whether a metric is a share of correct clips, so that it may stand on one axis with the accuracy."""
    return name == "accuracy" or (of_history(name) and name != LAST_DEVIATION)


def accuracies(results: Sequence[FoldResult], stage: str) -> NDArray[np.float64]:
    """Accuracy (epochs,) on the held-out clips of all folds, from the folds' histories; empty where one has none."""
    curves = [np.asarray(result.history.get(stage, {}).get(CURVE, ()), float) for result in results]
    epochs = min(map(len, curves), default=0)
    clips = np.array([len(result.clips) for result in results], float)
    if not epochs or not clips.sum():
        return np.zeros(0)
    return np.average([curve[:epochs] for curve in curves], axis=0, weights=clips)


def score(results: Sequence[FoldResult], name: str, folds: int) -> tuple[Score | None, str, str]:
    """A metric of `of_history`, what truly was selected for it, and what is missing where there is no score.

    There is no interval: nothing says which clips were right in an epoch. Chance is the share of the largest class
    among the held-out clips; a deviation has none.
    """
    best = name.startswith(BEST_EPOCH)
    stage = name.removeprefix(BEST_EPOCH) if best else STAGE
    shares = accuracies(results, stage)
    epochs = len(shares)
    which = f"epochs {epochs - LAST + 1}-{epochs}" if epochs >= LAST else "the last ten epochs"
    selection = ORACLE if best else f"mean and sample deviation of {which}, none picked"
    if not epochs:
        return None, selection, f"no accuracy per epoch is stored for {stage}"
    if not best and epochs < LAST:
        return None, selection, f"{epochs} epochs were trained, and this number needs {LAST}"
    last = shares[-LAST:]
    value = np.max(shares) if best else np.std(last, ddof=1) if name == LAST_DEVIATION else np.mean(last)
    if not np.isfinite(value):
        return None, selection, "an accuracy per epoch is not a number"
    truth = np.bincount(np.concatenate([result.truth for result in results]))
    chance = None if name == LAST_DEVIATION else float(truth.max() / truth.sum())
    found = Score(name, float(value), None, None, chance, int(truth.sum()), len(results), folds)
    return found, selection, ""
