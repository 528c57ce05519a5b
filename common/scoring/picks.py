"""What guesses reach where the clips that are scored choose what is scored: the best epoch, or the best of some splits.

Whoever trains for 100 epochs and keeps the one that is best on the tested clips has tried 100 times. So the chance
level of such a score is that of guesses that may be tried as often.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from common.scoring.metrics import Matrix
from common.types import FoldResult

Metric = Callable[[Matrix], NDArray[np.float64]]
REPEATS = 200
"""The number of simulated studies, of which the mean is taken."""


def guessed(
    truth: NDArray[np.integer],
    part: NDArray[np.integer],
    picks: Sequence[int],
    metric: Metric,
    classes: int,
    *,
    counted: NDArray[np.bool_] | None = None,
    worst: bool = False,
) -> float:
    """The mean of a metric over `REPEATS` studies that guess, and keep the best guesses for each part of the clips.

    truth (n,) are class indices, part (n,) indices of `picks`. For the clips of part i, picks[i] >= 1 sets of guesses
    are drawn, a class as often as clips have it; the first set with most clips right is kept (with `worst`, fewest).
    The kept guesses of all parts are pooled, and the metric is that of the `counted` clips (n,) bool, by default all.
    The draws are fixed. NaN where the metric is.
    """
    rng = np.random.default_rng(20190524)
    counted = np.ones(len(truth), bool) if counted is None else counted
    shares = np.bincount(truth, minlength=classes) / len(truth)
    matrices = np.zeros((REPEATS, classes, classes), np.int64)
    for i in np.unique(part):
        alike, sizes = np.unique(np.stack([truth, counted])[:, part == i], axis=1, return_counts=True)
        right = _kept(sizes, shares[alike[0]], picks[i], worst, rng)
        for label, enters, size, hits in zip(*alike, sizes, right.T, strict=True):
            others = np.where(np.arange(classes) == label, 0, shares)
            wrong = rng.multinomial(size - hits, others / (others.sum() or 1))  # with one class, none is wrong
            matrices[:, label] += enters * wrong
            matrices[:, label, label] += enters * hits
    return float(metric(matrices).mean())


def _kept(
    sizes: NDArray[np.integer], shares: NDArray[np.float64], picks: int, worst: bool, rng: np.random.Generator
) -> NDArray[np.integer]:
    """How many clips of each group the kept guesses get right, (REPEATS, groups), without drawing the others.

    A clip of group j is guessed with probability shares[j]. The most clips right of several sets have the distribution
    of one set to the power of their number; given this sum, the parts of the groups are those of a single set.
    """
    from scipy.stats import binom

    groups = [binom.pmf(np.arange(size + 1), size, share) for size, share in zip(sizes, shares, strict=True)]
    sums = [np.ones(1)]  # the distribution of the sum of the groups from j on
    for group in reversed(groups):
        sums.insert(0, np.convolve(group, sums[0]))
    level = rng.random(REPEATS)
    level = 1 - (1 - level) ** (1 / picks) if worst else level ** (1 / picks)
    left = np.searchsorted(np.cumsum(sums[0])[:-1], level)
    right = np.empty((REPEATS, len(sizes)), np.int64)
    for j, group in enumerate(groups):
        rest = left[:, None] - np.arange(len(group))
        possible = (rest >= 0) & (rest < len(sums[j + 1]))
        ways = np.cumsum(np.where(possible, group * sums[j + 1][np.where(possible, rest, 0)], 0), axis=1)
        right[:, j] = (ways <= rng.random((REPEATS, 1)) * ways[:, -1:]).sum(axis=1)
        left = left - right[:, j]
    return right


def of_folds(results: Sequence[FoldResult], picks: Sequence[int], metric: Metric, corpus: str | None = None) -> float:
    """`guessed` where each fold keeps its own best, for the clips of one corpus or of all; picks by fold."""
    clips = [clip for result in results for clip in result.clips]
    return guessed(
        np.concatenate([result.truth for result in results]),
        np.repeat(np.arange(len(results)), [len(result.clips) for result in results]),
        picks,
        metric,
        results[0].probabilities.shape[1],
        counted=np.array([corpus is None or clip.startswith(f"{corpus}/") for clip in clips]),
    )
