"""Splits and metrics against scikit-learn and against arithmetic by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import balanced_accuracy_score, confusion_matrix, f1_score

from common import metrics
from common.protocols import loso, split
from common.statistics import subject_interval


@given(st.lists(st.sampled_from(["casme2/sub01", "casme2/sub02", "samm/006", "smic/s1", "smic/s10"]), min_size=1))
def test_loso_holds_out_each_subject_once(subjects: list[str]) -> None:
    subject = np.array(subjects)
    folds = loso(subject)
    assert sorted(np.concatenate([fold.test for fold in folds]).tolist()) == list(range(len(subject)))
    for fold in folds:
        assert set(subject[fold.test]) == {fold.name}
        assert fold.name not in set(subject[fold.train])
        assert len(fold.train) + len(fold.test) == len(subject)


def test_folds_come_in_natural_order() -> None:
    assert [fold.name for fold in loso(np.array(["smic/s10", "smic/s2"]))] == ["smic/s2", "smic/s10"]


def test_unknown_protocol_is_an_error() -> None:
    with pytest.raises(ValueError, match="unknown protocol"):
        split("10-fold", np.array(["a"]))


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
    one = np.array([[[8, 2], [3, 7]], [[5, 5], [1, 9]], [[9, 1], [4, 6]]])
    few, many = subject_interval(one, metrics.uar), subject_interval(np.tile(one, (20, 1, 1)), metrics.uar)
    assert few is not None
    assert many is not None
    value = float(metrics.uar(one.sum(axis=0)))
    assert few[0] <= value <= few[1]
    assert many[0] <= value <= many[1]
    assert many[1] - many[0] < few[1] - few[0]
    assert subject_interval(one[:1], metrics.uar) is None
