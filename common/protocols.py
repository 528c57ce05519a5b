"""How clips are split into training and test, from clips, subjects and labels alone; knows no model."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from common.corpora.trees import natural
from common.seeds import seed_of
from common.types import Experiment, Fold

LOSO = "LOSO"
ONCE = "80/20 once, by clip"
KNOWN = (LOSO, ONCE)
BY_SUBJECT = (LOSO,)
"""Protocols in which no subject is in training and in test."""


def split(
    experiment: Experiment, subject: NDArray[np.str_], clip: NDArray[np.str_], y: NDArray[np.integer], seed: int
) -> list[Fold]:
    """The folds of an experiment. Of each row (n,): its subject id, clip id (both unique across corpora) and class.

    Raises ValueError for a protocol that is not known.
    """
    if experiment.protocol == LOSO:
        return loso(subject)
    if experiment.protocol == ONCE:
        sizes = [experiment.held_out[name] for name in experiment.labels.classes]
        return [once(clip, y, sizes, seed)]
    raise ValueError(f"unknown protocol {experiment.protocol!r}; known: {', '.join(KNOWN)}")


def loso(subject: NDArray[np.str_]) -> list[Fold]:
    """Leave one subject out: one fold per subject in natural order, its rows the test set, all others training.

    `subject` (n,) holds a subject id per row that is unique across corpora (`casme2/sub01`).
    """
    return [
        Fold(name, np.flatnonzero(subject != name), np.flatnonzero(subject == name))
        for name in sorted(set(subject.tolist()), key=natural)
    ]


def once(clip: NDArray[np.str_], y: NDArray[np.integer], sizes: Sequence[tuple[int, int]], seed: int) -> Fold:
    """One random split by clip, the same for all networks: all rows of a clip are on one side.

    `sizes[k]` is (clips of class k, clips of it held out) as printed. A class that has the printed number of clips has
    the printed number held out; of any other the same share is, at least one clip and at most all but one.
    """
    held: list[str] = []
    for k, (printed, out) in enumerate(sizes):
        clips = sorted(set(clip[y == k].tolist()), key=natural)
        count = out if len(clips) == printed else min(max(round(len(clips) * out / printed), 1), len(clips) - 1)
        order = np.random.default_rng(seed_of(ONCE, k, seed)).permutation(len(clips))
        held += [clips[index] for index in order[: max(count, 0)]]
    test = np.isin(clip, held)
    return Fold("held-out clips", np.flatnonzero(~test), np.flatnonzero(test))
