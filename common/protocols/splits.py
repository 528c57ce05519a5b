"""Splits of clips into training and test, based only on clips, subjects and labels."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from common.files import natural
from common.seeds import seed_of
from common.types import Experiment, Fold

LOSO = "LOSO"
ONCE = "80/20 once, by clip"
SPLITS = "five random 80/20 splits, by clip"
STRATIFIED = "stratified 5-fold, by clip"
CROSS = "cross-corpus: trained on 4/5 of the source five times, tested on all of the target"
TENFOLD = "10-fold, by clip"
BETWEEN = "cross-corpus: trained on all of the source, tested on all of the target"
KNOWN = (LOSO, ONCE, SPLITS, STRATIFIED, TENFOLD, CROSS, BETWEEN)
BY_SUBJECT = (LOSO, CROSS, BETWEEN)
"""Protocols in which no subject is in training and in test."""
REPEATED = (SPLITS, CROSS)
"""Protocols in which several folds test the same clip."""
FOLDS = 5
SPLIT_SHARE = 0.2
"""Fraction of clips that a random split holds out."""


def split(
    experiment: Experiment,
    subject: NDArray[np.str_],
    clip: NDArray[np.str_],
    y: NDArray[np.integer],
    seed: int,
    most: int | None = None,
) -> list[Fold]:
    """The folds of an experiment, from the subject id, clip id (unique across corpora) and class of each row (n,).

    A protocol of more than `most` folds makes `most` larger ones, but not if folds use networks that are given.
    Raises ValueError for an unknown protocol.
    """
    most = None if experiment.pretrained else most
    five, ten = (min(count, most or count) for count in (FOLDS, 2 * FOLDS))
    if experiment.protocol == LOSO:
        return by_group(subject, most) if most else loso(subject)
    if experiment.protocol == ONCE:
        sizes = [experiment.held_out[name] for name in experiment.labels.classes]
        return [once(clip, y, sizes, seed)]
    if experiment.protocol == SPLITS:
        return splits(clip, seed, five)
    if experiment.protocol == STRATIFIED:
        parts = stratified(clip, y, np.arange(len(clip)), seed, five)
        return [_fold(f"fold {k}", np.isin(clip, part)) for k, part in enumerate(parts, start=1)]
    if experiment.protocol == TENFOLD:
        return tenfold(clip, seed, ten)
    if experiment.protocol == CROSS:
        return cross(clip, y, experiment.tested_on, seed, five)
    if experiment.protocol == BETWEEN:
        return [_fold("whole target", _in_target(clip, experiment.tested_on))]
    raise ValueError(f"unknown protocol {experiment.protocol!r}; known: {', '.join(KNOWN)}")


def loso(subject: NDArray[np.str_]) -> list[Fold]:
    """Leave one subject out: one fold per subject in natural order, its rows the test set, all others training.

    `subject` (n,) holds a subject id per row that is unique across corpora (`casme2/sub01`).
    """
    return [
        Fold(name, np.flatnonzero(subject != name), np.flatnonzero(subject == name))
        for name in sorted(set(subject.tolist()), key=natural)
    ]


def by_group(subject: NDArray[np.str_], groups: int) -> list[Fold]:
    """Leave a group of subjects out: one fold per group, in place of one per subject.

    Subjects, in natural order of their ids (`casme2/sub01`), take turns in the groups, so that the numbers of subjects
    in two groups, also those of one corpus, differ by at most one.
    """
    people = sorted(set(subject.tolist()), key=natural)
    return [_fold(f"fold {k + 1}", np.isin(subject, people[k::groups])) for k in range(min(groups, len(people)))]


def inner(subject: NDArray[np.str_], folds: int, seed: int) -> list[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """Split training rows `folds` times into training and held-out rows, so that every subject is held out once.

    With fewer subjects there are fewer folds, and none with a single subject.
    """
    from sklearn.model_selection import GroupKFold

    people = len(set(subject.tolist()))
    if people < 2:
        return []
    split = GroupKFold(min(folds, people), shuffle=True, random_state=seed)
    return [(train, held_out) for train, held_out in split.split(subject, groups=subject)]


def once(clip: NDArray[np.str_], y: NDArray[np.integer], sizes: Sequence[tuple[int, int]], seed: int) -> Fold:
    """One random split by clip, the same for all networks: all rows of a clip are on one side.

    `sizes[k]` is (clips of class k, clips of it held out) as printed. For a class with the printed number of clips, the
    printed number is held out; for any other the same fraction, at least one clip and at most all but one, unless none
    or all are printed as held out. If a small corpus has no clip in these classes, one clip of its largest class is.
    """
    held: list[str] = []
    largest: list[str] = []
    for k, (printed, out) in enumerate(sizes):
        clips = sorted(set(clip[y == k].tolist()), key=natural)
        least, most = min(out, 1), len(clips) - min(printed - out, 1)
        count = min(max(round(len(clips) * out / printed), least), most)
        order = np.random.default_rng(seed_of(ONCE, k, seed)).permutation(len(clips))
        held += [clips[index] for index in order[: max(count, 0)]]
        largest = max(largest, clips, key=len)
    if not held and len(largest) > 1:
        held = largest[:1]
    return _fold("held-out clips", np.isin(clip, held))


def splits(clip: NDArray[np.str_], seed: int, folds: int = FOLDS) -> list[Fold]:
    """Independent random splits by clip that ignore the classes; `SPLIT_SHARE` of the clips is held out."""
    clips = np.array(sorted(set(clip.tolist()), key=natural))
    held_out = max(round(SPLIT_SHARE * len(clips)), 1)
    runs = []
    for run in range(1, folds + 1):
        order = np.random.default_rng(seed_of(SPLITS, run, seed)).permutation(len(clips))
        runs.append(_fold(f"run {run}", np.isin(clip, clips[order[:held_out]])))
    return runs


def stratified(
    clip: NDArray[np.str_], y: NDArray[np.integer], rows: NDArray[np.int64], seed: int, folds: int = FOLDS
) -> list[NDArray[np.str_]]:
    """The clips of some rows in random parts, one per fold, whose sizes, also per class, differ by at most one.

    The parts have the same sizes as in scikit-learn's StratifiedKFold, which rejects classes with fewer clips than
    parts, as in a shortened run. With fewer clips than folds there are fewer parts.
    """
    ordered: list[str] = []
    for k in np.unique(y[rows]):
        clips = sorted(set(clip[rows][y[rows] == k].tolist()), key=natural)
        order = np.random.default_rng(seed_of(STRATIFIED, int(k), seed)).permutation(len(clips))
        ordered += [clips[index] for index in order]
    return [np.array(ordered[k::folds]) for k in range(min(folds, len(ordered)))]


def tenfold(clip: NDArray[np.str_], seed: int, folds: int = 2 * FOLDS) -> list[Fold]:
    """Random parts of the clips, ignoring classes, whose sizes differ by at most one; fewer for fewer clips."""
    clips = np.array(sorted(set(clip.tolist()), key=natural))
    order = np.random.default_rng(seed_of(TENFOLD, seed)).permutation(len(clips))
    parts = [clips[order[k::folds]] for k in range(min(folds, len(clips)))]
    return [_fold(f"fold {k}", np.isin(clip, part)) for k, part in enumerate(parts, start=1)]


def cross(
    clip: NDArray[np.str_], y: NDArray[np.integer], tested_on: Sequence[str], seed: int, folds: int = FOLDS
) -> list[Fold]:
    """Each fold leaves another stratified part of the source's clips out, and all test the whole target.

    `tested_on` names the target's corpora; a clip's id starts with its corpus.
    """
    target = _in_target(clip, tested_on)
    parts = stratified(clip, y, np.flatnonzero(~target), seed, folds)
    part_name = "fifth" if folds == FOLDS else "part"
    return [
        Fold(f"without {part_name} {k}", np.flatnonzero(~target & ~np.isin(clip, part)), np.flatnonzero(target))
        for k, part in enumerate(parts, start=1)
    ]


def _in_target(clip: NDArray[np.str_], tested_on: Sequence[str]) -> NDArray[np.bool_]:
    return np.isin([name.partition("/")[0] for name in clip.tolist()], tested_on)


def _fold(name: str, test: NDArray[np.bool_]) -> Fold:
    return Fold(name, np.flatnonzero(~test), np.flatnonzero(test))
