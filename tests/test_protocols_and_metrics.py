"""Splits and metrics against scikit-learn and against arithmetic by hand."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import balanced_accuracy_score, confusion_matrix, f1_score
from sklearn.model_selection import StratifiedKFold, train_test_split

from common.protocols.splits import (
    BETWEEN,
    BY_SUBJECT,
    CROSS,
    KNOWN,
    LOSO,
    REPEATED,
    SPLITS,
    STRATIFIED,
    TENFOLD,
    cross,
    loso,
    once,
    split,
    splits,
    stratified,
)
from common.scoring import metrics
from common.scoring.intervals import subject_interval
from common.types import Experiment, LabelMap


@given(st.lists(st.sampled_from(["casme2/sub01", "casme2/sub02", "samm/006", "smic/s1", "smic/s10"]), min_size=1))
def test_loso_holds_out_each_subject_once(subjects: list[str]) -> None:
    subject = np.array(subjects)
    folds = loso(subject)
    assert sorted(np.concatenate([fold.test for fold in folds]).tolist()) == list(range(len(subject)))
    for fold in folds:
        assert set(subject[fold.test]) == {fold.name}
        assert fold.name not in set(subject[fold.train])
        assert len(fold.train) + len(fold.test) == len(subject)


@given(
    st.lists(
        st.sampled_from([f"{corpus}/s{k}" for corpus in ("casme2", "samm", "smic") for k in range(7)]), min_size=1
    ),
    st.integers(2, 3),
)
def test_a_short_run_leaves_out_groups_of_subjects_that_are_balanced_in_each_corpus(
    subjects: list[str], most: int
) -> None:
    subject = np.array(subjects)
    folds = split(experiment(LOSO, "one"), subject, subject, np.zeros(len(subject), int), 0, most)
    assert [fold.name for fold in folds] == [f"fold {k + 1}" for k in range(min(most, len(set(subjects))))]
    assert sorted(np.concatenate([fold.test for fold in folds]).tolist()) == list(range(len(subject)))
    groups = [set(subject[fold.test].tolist()) for fold in folds]
    for fold, group in zip(folds, groups, strict=True):
        assert not group & set(subject[fold.train].tolist())
        assert sorted([*fold.train, *fold.test]) == list(range(len(subject)))
    for corpus in ("", "casme2", "samm", "smic"):
        sizes = [sum(name.startswith(corpus) for name in group) for group in groups]
        assert max(sizes) - min(sizes) <= 1


@pytest.mark.parametrize("protocol", KNOWN)
@pytest.mark.parametrize("most", [2, 3])
def test_a_short_run_of_any_protocol_tests_all_clips_in_few_folds(protocol: str, most: int) -> None:
    subject = np.array([f"{corpus}/s{k // 6}" for corpus in ("smic", "samm") for k in range(54)])
    clip = np.array([f"{name}/c{k}" for k, name in enumerate(subject)])
    made = experiment(protocol, "smic", "samm", tested_on=("samm",), held_out=dict.fromkeys("abc", (9, 2)))
    full, short = (split(made, subject, clip, np.arange(108) % 3, 5, limit) for limit in (None, most))
    assert len(short) == min(len(full), most)
    assert len({fold.name for fold in short}) == len(short)
    given = split(replace(made, pretrained=True), subject, clip, np.arange(108) % 3, 5, most)
    assert [fold.test.tolist() for fold in given] == [fold.test.tolist() for fold in full]
    if protocol not in REPEATED:
        tested, wanted = ([row for fold in folds for row in fold.test.tolist()] for folds in (short, full))
        assert sorted(tested) == sorted(wanted)
    for fold in short:
        assert not {*fold.train} & {*fold.test}
        assert protocol not in BY_SUBJECT or not {*subject[fold.train]} & {*subject[fold.test]}


def test_folds_come_in_natural_order() -> None:
    assert [fold.name for fold in loso(np.array(["smic/s10", "smic/s2"]))] == ["smic/s2", "smic/s10"]


def test_unknown_protocol_is_an_error() -> None:
    experiment = Experiment("x", "y", "", (), LabelMap("z", ("a",), {}), "10-fold", "last epoch", False, "")
    with pytest.raises(ValueError, match="unknown protocol '10-fold'; known: LOSO"):
        split(experiment, np.array(["a"]), np.array(["a"]), np.array([0]), 0)


def test_a_corpus_of_the_printed_size_is_split_as_printed() -> None:
    """Reddy et al. 2019, table IV: 206 clips, 165 for training and 41 held out."""
    sizes = [(94, 21), (76, 12), (36, 8)]
    y = np.repeat([0, 1, 2], [94, 76, 36])
    clip = np.array([f"c{k}" for k in range(206)])
    fold = once(clip, y, sizes, seed=3)
    assert [int((y[fold.test] == k).sum()) for k in range(3)] == [21, 12, 8]
    assert (len(fold.train), len(fold.test)) == (165, 41)
    assert (
        once(clip, y, sizes, seed=3).test.tolist() == fold.test.tolist() != once(clip, y, sizes, seed=4).test.tolist()
    )


def test_a_class_may_be_held_out_whole_or_not_at_all() -> None:
    """What is held out without shuffling of 203 rows in the order anger, happy, disgust, and of half as many."""
    sizes, counts = [(93, 6), (75, 0), (35, 35)], [93, 75, 35]
    order = np.repeat([1, 0, 2], [75, 93, 35])
    _, expected = train_test_split(order, test_size=0.2, shuffle=False)
    for parts, wanted in ((1, np.bincount(expected, minlength=3).tolist()), (2, [3, 0, 17])):
        y = np.repeat([0, 1, 2], [count // parts for count in counts])
        fold = once(np.array([f"c{k}" for k in range(len(y))]), y, sizes, seed=3)
        assert np.bincount(y[fold.test], minlength=3).tolist() == wanted


def test_a_small_corpus_without_the_class_held_out_still_tests_a_clip() -> None:
    y = np.array([0, 0, 1, 1, 1])
    fold = once(np.array([f"c{k}" for k in range(5)]), y, [(66, 0), (47, 0), (43, 20)], seed=3)
    assert y[fold.test].tolist() == [1]


def experiment(protocol: str, *corpora: str, **more: Any) -> Experiment:
    labels = LabelMap("z", ("a", "b", "c"), {})
    return Experiment("x", "y", "", corpora, labels, protocol, "last epoch", False, "", **more)


@given(st.lists(st.integers(5, 40), min_size=2, max_size=4), st.integers(0, 5))
def test_stratified_folds_are_as_large_as_those_of_scikit_learn(sizes: list[int], seed: int) -> None:
    y = np.repeat(np.arange(len(sizes)), sizes)
    clip = np.array([f"c{k}" for k in range(len(y))])
    folds = split(experiment(STRATIFIED, "one"), clip, clip, y, seed)
    theirs = StratifiedKFold(5, shuffle=True, random_state=0).split(y, y)
    counts = [np.bincount(y[fold.test], minlength=len(sizes)).tolist() for fold in folds]
    assert sorted(counts) == sorted(np.bincount(y[test], minlength=len(sizes)).tolist() for _, test in theirs)
    assert sorted(row for fold in folds for row in fold.test) == list(range(len(y)))


def test_clips_of_few_classes_still_make_folds_and_views_of_a_clip_stay_together() -> None:
    clip, y = np.array(["a", "b", "c", "a", "b", "c"]), np.array([0, 1, 2, 0, 1, 2])
    parts = stratified(clip, y, np.arange(6), 0)
    assert sorted(map(list, parts)) == [["a"], ["b"], ["c"]]
    for fold in split(experiment(STRATIFIED, "one"), clip, clip, y, 0):
        assert not {*clip[fold.train]} & {*clip[fold.test]}


def test_across_corpora_each_clip_of_the_source_is_left_out_once_and_the_target_never_learnt() -> None:
    clip = np.array([f"{corpus}/s/{k}" for corpus in ("smic", "samm") for k in range(23)])
    y = np.arange(46) % 3
    folds = cross(clip, y, ("samm",), 7)
    out = [row for fold in folds for row in range(23) if row not in fold.train]
    assert sorted(out) == list(range(23))
    assert {tuple(fold.test) for fold in folds} == {tuple(range(23, 46))}
    assert all(fold.train.max() < 23 for fold in folds)
    again = split(experiment(CROSS, "smic", "samm", tested_on=("samm",)), clip, clip, y, 7)
    assert [fold.train.tolist() for fold in again] == [fold.train.tolist() for fold in folds]


def test_ten_folds_hold_out_each_clip_once_and_between_corpora_all_of_the_target() -> None:
    clip = np.array([f"{corpus}/s/{k}" for corpus in ("casme2", "samm") for k in range(23)])
    folds = split(experiment(TENFOLD, "casme2", "samm"), clip, clip, np.zeros(46, int), 3)
    assert sorted(len(fold.test) for fold in folds) == [4] * 4 + [5] * 6
    assert sorted(row for fold in folds for row in fold.test) == list(range(46))
    [fold] = split(experiment(BETWEEN, "casme2", "samm", tested_on=("casme2",)), clip, clip, np.zeros(46, int), 3)
    assert (fold.test.tolist(), fold.train.tolist()) == (list(range(23)), list(range(23, 46)))


def test_random_splits_hold_out_a_fifth_and_differ() -> None:
    clip = np.array([f"c{k}" for k in range(123)])
    folds = splits(clip, 1)
    assert [len(fold.test) for fold in folds] == [25] * 5
    assert len({tuple(fold.test) for fold in folds}) == 5
    assert [fold.name for fold in split(experiment(SPLITS, "one"), clip, clip, np.zeros(123, int), 1)] == [
        f"run {k}" for k in range(1, 6)
    ]


@given(st.lists(st.tuples(st.integers(0, 12), st.integers(0, 2)), min_size=1, max_size=40), st.integers(0, 9))
def test_any_other_corpus_is_split_by_clip_in_the_printed_shares(rows: list[tuple[int, int]], seed: int) -> None:
    # rows of (clip, view); a clip's class is its number modulo 3
    clip, y = np.array([f"c{k}" for k, _ in rows]), np.array([k % 3 for k, _ in rows])
    fold = once(clip, y, [(94, 21), (76, 12), (36, 8)], seed)
    assert sorted([*fold.train, *fold.test]) == list(range(len(rows)))
    assert not {*clip[fold.train]} & {*clip[fold.test]}
    for k, (printed, out) in enumerate([(94, 21), (76, 12), (36, 8)]):
        n = len({*clip[y == k]})
        held = len({*clip[fold.test][y[fold.test] == k]})
        assert held == (0 if n < 2 else min(max(round(n * out / printed), 1), n - 1))


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 2)), min_size=3, max_size=60))
def test_metrics_agree_with_scikit_learn(pairs: list[tuple[int, int]]) -> None:
    truth, predicted = np.array([*pairs, (0, 0), (1, 1), (2, 2)]).T
    matrix = metrics.confusion(truth, predicted, 3)
    assert (matrix == confusion_matrix(truth, predicted)).all()
    assert metrics.uf1(matrix) == pytest.approx(f1_score(truth, predicted, average="macro"))
    assert metrics.uar(matrix) == pytest.approx(balanced_accuracy_score(truth, predicted))
    assert metrics.accuracy(matrix) == pytest.approx(np.mean(truth == predicted))


def test_chance_is_what_always_answering_the_largest_class_gets() -> None:
    matrix = metrics.always_largest(np.array([250, 109, 83]))
    assert metrics.accuracy(matrix) == pytest.approx(250 / 442)
    assert metrics.uar(matrix) == pytest.approx(1 / 3)
    assert metrics.uf1(matrix) == pytest.approx(2 * 250 / (250 + 442) / 3)


def test_a_class_without_clips_does_not_count() -> None:
    matrix = np.array([[3, 1, 0], [0, 4, 0], [0, 0, 0]])
    assert metrics.uar(matrix) == pytest.approx((3 / 4 + 1) / 2)


def test_interval_holds_the_value_and_narrows_with_subjects() -> None:
    matrices = np.array([[[8, 2], [3, 7]], [[5, 5], [1, 9]], [[9, 1], [4, 6]]])
    few, many = (subject_interval(np.tile(matrices, (times, 1, 1)), metrics.uar) for times in (2, 20))
    assert few is not None
    assert many is not None
    value = float(metrics.uar(matrices.sum(axis=0)))
    assert few[0] <= value <= few[1]
    assert many[0] <= value <= many[1]
    assert many[1] - many[0] < few[1] - few[0]
    assert subject_interval(matrices, metrics.uar) is None
