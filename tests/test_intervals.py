"""Intervals and differences: what holds whatever the data, and how often they are right where the truth is known."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

import papers
from benchmarks.coverage.measuring import loss_for
from benchmarks.coverage.models import MODELS, drawn, expected, paired, retrained
from common.scoring import differences, intervals
from common.scoring.differences import ALPHA, MARGIN, detectable, difference_error, equivalence, verdict
from common.scoring.intervals import (
    ALIKE_SUBJECTS,
    FEW_SUBJECTS,
    FEWEST_SUBJECTS,
    WIDER,
    bounds,
    caution,
    effective_subjects,
    jackknife,
    subject_interval,
)
from common.scoring.metrics import accuracy, metric, uar, uf1

CORRELATED = MODELS[2]
METRICS = (uf1, uar, accuracy)


def some(subjects: int, seed: int = 0) -> NDArray[np.int64]:
    random = np.random.default_rng(seed)
    clips = random.multinomial(random.integers(3, 12, subjects), [0.5, 0.3, 0.2])
    return random.multinomial(clips, 0.5 * np.eye(3) + 0.5 / 3)


def width(found: tuple[float, float] | None) -> float:
    assert found is not None
    return found[1] - found[0]


# ---------------------------------------------------------------- intervals


@settings(max_examples=60, deadline=None)
@given(st.integers(FEWEST_SUBJECTS, 40), st.integers(0, 10_000), st.sampled_from(METRICS))
def test_an_interval_holds_its_estimate_whatever_the_order_of_subjects(
    subjects: int, seed: int, measure: intervals.Metric
) -> None:
    matrices = some(subjects, seed)
    found = subject_interval(matrices, measure)
    if found is None:
        left_out = measure(matrices.sum(axis=0) - matrices)
        assert subjects < ALIKE_SUBJECTS
        assert np.isnan(left_out).any() or np.ptp(left_out) < 1e-9
        return
    low, high = found
    assert 0 <= low <= float(measure(matrices.sum(axis=0))) <= high <= 1
    order = np.random.default_rng(seed).permutation(subjects)
    assert subject_interval(matrices[order], measure) == pytest.approx(found, abs=1e-9)


@pytest.mark.parametrize("measure", METRICS)
def test_more_subjects_make_it_narrower(measure: intervals.Metric) -> None:
    widths = [width(subject_interval(np.tile(some(8), (times, 1, 1)), measure)) for times in (1, 2, 4, 16)]
    assert widths == sorted(widths, reverse=True)
    assert widths[2] / widths[3] == pytest.approx(2, rel=0.1)  # as one over the root


def test_many_simulated_data_sets_have_the_true_score_in_95_of_100() -> None:
    """1000 data sets: the standard error is 0.7%. More models and data sets are in `benchmarks.coverage`."""
    for model in (CORRELATED, MODELS[4]):
        true = expected(model, 16, np.random.default_rng(1), 50_000)
        data = drawn(model, 16, 1000, np.random.default_rng(2))
        for measure in METRICS:
            value, variance = jackknife(data, measure)
            low, high = bounds(value, np.sqrt(variance), effective_subjects(data, measure) - 1)
            assert 0.92 < ((low <= measure(true)) & (measure(true) <= high)).mean() < 0.98
            one = subject_interval(data[0], measure, cross_validated=False)
            assert one == pytest.approx((low[0], high[0]))


def test_all_right_is_not_certain_and_all_alike_is() -> None:
    right = np.tile(np.diag([3, 2, 2]), (16, 1, 1))
    found = subject_interval(right, uf1)
    assert found is not None
    assert found[1] == 1
    assert found[0] == pytest.approx(0.025 ** (1 / 16))
    wrong = subject_interval(np.roll(right, 1, axis=-1), accuracy)
    assert wrong == pytest.approx((0, 1 - 0.025 ** (1 / 16)))
    same = np.tile([[3, 0, 0], [3, 0, 0], [3, 0, 0]], (16, 1, 1))
    assert subject_interval(same, uf1) == pytest.approx((1 / 6, 1 / 6))
    assert subject_interval(same[:11], uf1) is None  # so few may be alike by chance


def test_what_cannot_be_left_out_has_no_interval() -> None:
    matrices = some(6)
    matrices[1:, 2] = 0  # one subject has all clips of the class
    matrices[0, 2] = [0, 1, 2]
    assert subject_interval(matrices, metric("recall_c", ("a", "b", "c"))) is None
    assert subject_interval(matrices, uar) is not None


@pytest.mark.parametrize("measure", METRICS)
def test_fewer_than_five_subjects_have_no_interval(measure: intervals.Metric) -> None:
    assert [subject_interval(some(count), measure) is None for count in range(1, 7)] == 4 * [True] + 2 * [False]
    assert subject_interval(some(4), measure, [some(4, 1), some(4, 2)]) is None


@settings(max_examples=40, deadline=None)
@given(st.integers(5, 40), st.integers(0, 10_000), st.sampled_from(METRICS))
def test_cross_validated_predictions_have_an_interval_wider_by_the_factor_on_the_logit_scale(
    subjects: int, seed: int, measure: intervals.Metric
) -> None:
    from scipy.special import logit

    matrices = some(subjects, seed)
    several, single = (subject_interval(matrices, measure, cross_validated=folds) for folds in (True, False))
    assume(several is not None and single is not None)
    assume(0 < measure(matrices.sum(axis=0)) < 1)
    assert np.ptp(logit(several)) == pytest.approx(WIDER * np.ptp(logit(single)))


def test_subjects_count_by_their_weight() -> None:
    equal = np.tile(np.diag([2, 2, 2]), (9, 1, 1))
    for measure in METRICS:
        assert effective_subjects(equal, measure) == pytest.approx(9)
    sizes = np.array([1, 2, 3, 10])
    unequal = sizes[:, None, None] * np.diag([1, 0, 0])
    assert effective_subjects(unequal, accuracy) == pytest.approx(16**2 / (sizes**2).sum())
    few = subject_interval(np.concatenate([equal, 40 * equal[:1]]), uar)
    assert few is not None


# ---------------------------------------------------------------- seeds


def test_runs_that_are_alike_add_nothing_and_others_widen() -> None:
    first = some(16)
    alone = width(subject_interval(first, uf1))
    assert width(subject_interval(first, uf1, [first, first])) == pytest.approx(alone)
    worse = np.random.default_rng(0).multinomial(first.sum(axis=-1), np.full((3, 3), 1 / 3))
    assert width(subject_interval(first, uf1, [worse, worse])) > 1.5 * alone
    assert width(subject_interval(first, uf1, [worse[:12]])) > alone  # of other clips
    assert width(subject_interval(first, uf1, [np.zeros_like(first)])) == alone  # of no clip


def test_seeds_that_shift_all_subjects_are_covered_and_those_within_subjects_are_not_counted_twice() -> None:
    inside, widths = {}, {}
    for together in (True, False):
        truth, data = retrained(CORRELATED, 16, 3, together, 300, np.random.default_rng(4))
        true = float(uf1(truth))
        for count in (1, 3):
            found = [
                subject_interval(runs[0], uf1, list(runs[1:count]), cross_validated=False) or (0.0, 1.0)
                for runs in data
            ]
            inside[together, count] = np.mean([low <= true <= high for low, high in found])
            widths[together, count] = np.mean([high - low for low, high in found])
    assert inside[True, 1] < 0.9
    assert min(inside[True, 3], inside[False, 1], inside[False, 3]) > 0.92
    assert widths[True, 3] > 1.3 * widths[True, 1]
    assert widths[False, 3] < 1.2 * widths[False, 1]


# ---------------------------------------------------------------- what is said of an interval


def test_limits_are_named_where_they_apply_and_only_there() -> None:
    assert caution(some(20), 0.6) == ""
    assert all("subjects" in caution(some(count), 0.6) for count in (8, 16, FEW_SUBJECTS - 1))
    assert caution(some(8), 0.99) == caution(some(8), 0.6)
    assert "score above" in caution(some(20), 0.99)
    assert "seeds" in caution(some(20), 0.6, 2)
    assert caution(some(20), 0.6, 3) == ""
    rare = some(20)
    rare[3:, 2] = 0
    rare[:3, 2, 2] += 1
    assert "class" in caution(rare, 0.6)
    rare[:, 2] = 0
    assert caution(rare, 0.6) == ""  # a class that no clip has is not scored


# ---------------------------------------------------------------- differences


def test_fewer_subjects_detect_less() -> None:
    first = some(8, 1)
    second = np.random.default_rng(3).multinomial(first.sum(axis=-1), np.full((3, 3), 1 / 3))

    def of(times: int) -> tuple[float, float]:
        both = difference_error(np.tile(first, (times, 1, 1)), np.tile(second, (times, 1, 1)), uf1)
        return float(both[0]), float(both[1])

    least = [detectable(*of(times), 8 * times) or 2.0 for times in (1, 2, 4, 16)]
    assert least == sorted(least, reverse=True)
    assert least[-1] < 0.3
    error, freedom = of(1)
    corrected = [detectable(error / 4, freedom, 16, tests) or 2.0 for tests in (1, 3, 10)]
    assert corrected == sorted(corrected)
    assert detectable(error / 4, freedom, 5) is None  # of 32 swaps none has a p below 0.05
    assert detectable(error / 4, freedom, 16, 200) is None  # nor of 16 subjects below 0.00025, as swaps count more
    assert detectable(error / 4, freedom, 16, 200, cross_validated=False) is not None
    assert detectable(0.0, freedom, 16) is None
    assert detectable(0.9, 3.0, 16) is None


@settings(max_examples=60)
@given(st.floats(-0.3, 0.3), st.floats(0.001, 0.2), st.floats(1, 70))
def test_equivalence_agrees_with_the_interval_of_90(difference: float, error: float, freedom: float) -> None:
    from scipy.stats import t

    reach = float(t.ppf(0.95, freedom)) * error
    inside = abs(difference) + reach
    assume(abs(inside - MARGIN) > 1e-9)
    p = equivalence(difference, error, freedom)
    assert (p < ALPHA) == (inside < MARGIN)
    assert p == equivalence(-difference, error, freedom)
    assert 0 <= p <= 1


def test_methods_that_agree_everywhere_are_equivalent_only_with_many_subjects() -> None:
    p = [equivalence(0.0, 0.0, subjects - 1.0) for subjects in (2, 16, 58, 59)]
    assert p == sorted(p, reverse=True)
    assert [value < ALPHA for value in p] == [False, False, False, True]
    assert equivalence(0.01, 0.0, 60.0) == equivalence(0.01, None, 60.0) == 1


@pytest.mark.parametrize(("apart", "low", "high"), [(MARGIN, 0, 0.12), (0.0, 0.5, 1)])
def test_methods_at_the_margin_are_rarely_called_equivalent_and_equal_ones_often(
    apart: float, low: float, high: float
) -> None:
    """200 data sets of 68 subjects, of methods that agree on most clips: the standard error at 5% is 1.5%."""
    loss = loss_for(CORRELATED, 68, apart, 0.8)
    first, second = paired(CORRELATED, 68, loss, 0.8, 200, np.random.default_rng(6))
    errors, freedom = difference_error(first, second, uf1, cross_validated=False)
    gains = uf1(first.sum(axis=1)) - uf1(second.sum(axis=1))
    called = [equivalence(*map(float, row)) < ALPHA for row in zip(gains, errors, freedom, strict=True)]
    assert low <= np.mean(called) <= high


def test_the_verdict_follows_from_both_p() -> None:
    assert verdict(0.01, 0.01) == verdict(0.01, 0.9) == differences.DIFFER
    assert verdict(0.3, 0.01) == differences.EQUIVALENT
    assert verdict(0.3, 0.2) == differences.OPEN


def test_the_margin_is_the_smallest_improvement_that_a_paper_prints() -> None:
    gains = []
    for key in set(papers.available()) - {"liong2019", "see2019"}:  # the five papers, without the references
        paper = papers.load(key)
        own = [c.value for c in paper.claims if (c.corpus, c.metric) == ("megc2019", "uf1")]
        cited = [v for row in paper.cited if (v := row.values.get("megc2019", {}).get("uf1")) is not None]
        if own and cited:
            gains.append(max(own) - max(cited))
    assert len(gains) >= 2
    assert round(min(gains), 2) == MARGIN
