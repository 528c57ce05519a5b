"""Metrics of single epochs and of single folds: the accuracies per epoch in the folds' histories, and of each fold."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from common.scoring import picks
from common.scoring.metrics import accuracy
from common.scoring.records import Score
from common.types import FoldResult, History

LAST_MEAN, LAST_DEVIATION = "last ten epochs, mean", "last ten epochs, deviation"
"""Over the last ten trained epochs; the deviation is that of a sample (n - 1)."""
BEST_EPOCH = "best epoch, "
"""`best epoch, <stage>` is the largest accuracy of any epoch of that stage."""
EACH_BEST = "best epoch of each fold (oracle)"
"""The mean accuracy of folds, each scored at its own best epoch, weighted by clips."""
SINGLE_SPLITS = BEST_SPLIT, WORST_SPLIT = "best split (oracle)", "worst split (oracle)"
"""The accuracy of a single fold: the one with the highest or lowest accuracy."""
PICKED_SPLIT = "last epoch of the "
ORACLE = "best epoch on the scored split (oracle)"
STAGE, CURVE = "network", "val_accuracy"
"""Where a history stores the accuracies, as fractions; a metric of `BEST_EPOCH` names its own stage."""
LAST = 10


def as_json(history: History) -> dict[str, dict[str, list[float | None]]]:
    """A history for JSON: None replaces values that are not finite."""
    return {
        stage: {name: [value if math.isfinite(value) else None for value in values] for name, values in metrics.items()}
        for stage, metrics in history.items()
    }


def from_json(record: dict[str, dict[str, list[float | None]]]) -> dict[str, dict[str, list[float]]]:
    """The inverse of `as_json`, with NaN for None."""
    return {
        stage: {name: [math.nan if value is None else value for value in values] for name, values in metrics.items()}
        for stage, metrics in record.items()
    }


def is_picked(selection: str) -> bool:
    """Whether this selection rule uses the best epoch, so that a later one may have diverged."""
    return ORACLE in selection


def divergences(history: History, *, at_the_end: bool = False) -> list[str]:
    """`network diverged at epoch 5 of 12`, one line for each stage with an epoch that is not finite.

    With `at_the_end`, only for stages whose last epoch is not finite.
    """
    lines = []
    for stage, metrics in history.items():
        epochs = max(map(len, metrics.values()), default=0)
        bad = {n for values in metrics.values() for n, value in enumerate(values, start=1) if not math.isfinite(value)}
        if bad and (epochs in bad or not at_the_end):
            again = "" if epochs in bad else "; its last epoch is finite again"
            lines.append(f"{stage} diverged at epoch {min(bad)} of {epochs}{again}")
    return lines


def of_history(name: str) -> bool:
    """Whether a metric is one of single epochs or folds instead of the pooled predictions."""
    return name in (LAST_MEAN, LAST_DEVIATION, EACH_BEST, BEST_SPLIT, WORST_SPLIT) or name.startswith(BEST_EPOCH)


def is_accuracy(name: str) -> bool:
    """Whether a metric is a fraction of correct clips, so that it can be plotted together with the accuracy."""
    return name == "accuracy" or (of_history(name) and name != LAST_DEVIATION)


def accuracies(results: Sequence[FoldResult], stage: str) -> NDArray[np.float64]:
    """Accuracy (epochs,) on the held-out clips of all folds, from the folds' histories; empty if a fold has none.

    NaN for an epoch that is not finite in one of the folds.
    """
    curves = [np.asarray(result.history.get(stage, {}).get(CURVE, ()), float) for result in results]
    epochs = min(map(len, curves), default=0)
    clips = np.array([len(result.clips) for result in results], float)
    if not epochs or not clips.sum():
        return np.zeros(0)
    return np.average([curve[:epochs] for curve in curves], axis=0, weights=clips)


def watched(results: Sequence[FoldResult]) -> bool:
    """Whether the held-out clips were scored after every epoch."""
    return len(accuracies(results, STAGE)) > 0


def tries(result: FoldResult, stage: str = "") -> int:
    """How many epochs, all finite, were scored on the held-out clips of a fold: those of a stage, or of all stages.

    After a search the network repeats the epochs of the chosen stage, which count once.
    """
    finite = {name: int(np.isfinite(metrics.get(CURVE, ())).sum()) for name, metrics in result.history.items()}
    if stage:
        return finite.get(stage, 0)
    searched = [count for name, count in finite.items() if name != STAGE]
    return sum(searched) + max(0, finite.get(STAGE, 0) - max(searched, default=0))


def score(results: Sequence[FoldResult], name: str, folds: int) -> tuple[Score | None, str, str]:
    """A metric of `of_history`, how it was selected, and what is missing if there is no score.

    There is no interval, because it is not known which clips were correct in an epoch. Chance is the fraction of the
    largest class among the held-out clips; a deviation has no chance level. What is picked also has that of picked
    guesses.
    """
    if name in (BEST_SPLIT, WORST_SPLIT):
        return _single(results, name, folds)
    best = name.startswith(BEST_EPOCH) or name == EACH_BEST
    stage = name.removeprefix(BEST_EPOCH) if name.startswith(BEST_EPOCH) else STAGE
    shares = accuracies(results, stage)
    epochs = len(shares)
    which = f"epochs {epochs - LAST + 1}-{epochs}" if epochs >= LAST else "the last ten epochs"
    selection = ORACLE if best else f"mean and sample deviation of {which}, no epoch selected"
    if not epochs:
        return None, selection, f"no accuracy per epoch is stored for {stage}"
    if not best and epochs < LAST:
        return None, selection, f"only {epochs} epochs were trained; this number needs {LAST}"
    last = shares[-LAST:]
    if name == EACH_BEST:
        shares = _best_of_each(results)
    shares = shares[np.isfinite(shares)] if best else shares
    if not (len(shares) if best else np.isfinite(last).all()):
        return None, selection, f"{stage} diverged: {'no epoch' if best else 'not every one of these epochs'} is finite"
    value = np.max(shares) if best else np.std(last, ddof=1) if name == LAST_DEVIATION else np.mean(last)
    truth = np.concatenate([result.truth for result in results])
    chance = None if name == LAST_DEVIATION else float(np.bincount(truth).max() / len(truth))
    guesses = None
    if name == EACH_BEST:
        guesses = picks.of_folds(results, [max(1, tries(result, STAGE)) for result in results], accuracy)
    elif best:
        guesses = _guessed(results, len(shares))
    clips = len({clip for result in results for clip in result.clips})
    return Score(name, float(value), None, None, chance, clips, len(results), folds, picks=guesses), selection, ""


def _guessed(results: Sequence[FoldResult], tried: int, *, worst: bool = False) -> float:
    """The accuracy of guesses that are picked once for the clips of all these folds together."""
    truth = np.concatenate([result.truth for result in results])
    classes = results[0].probabilities.shape[1]
    return picks.guessed(truth, np.zeros(len(truth), np.int64), [tried], accuracy, classes, worst=worst)


def _best_of_each(results: Sequence[FoldResult]) -> NDArray[np.float64]:
    """The mean of the folds' best epochs, (1,), weighted by clips."""
    curves = [np.asarray(result.history[STAGE][CURVE], float) for result in results]
    best = [np.max(curve[np.isfinite(curve)], initial=-np.inf) for curve in curves]
    return np.average(best, weights=[len(result.clips) for result in results], keepdims=True)


def _single(results: Sequence[FoldResult], name: str, folds: int) -> tuple[Score | None, str, str]:
    """The accuracy of the best or worst finished split, selected by that accuracy."""
    selection = f"{PICKED_SPLIT}{'best' if name == BEST_SPLIT else 'worst'} of {folds} splits (oracle)"
    shares = [float((result.probabilities.argmax(axis=1) == result.truth).mean()) for result in results]
    if not shares:
        return None, selection, "no split has finished"
    index = int(np.argmax(shares) if name == BEST_SPLIT else np.argmin(shares))
    truth = np.bincount(results[index].truth)
    chance = float(truth.max() / truth.sum())
    guesses = _guessed([results[index]], len(results), worst=name == WORST_SPLIT)
    clips = int(truth.sum())
    return Score(name, shares[index], None, None, chance, clips, len(results), folds, picks=guesses), selection, ""
