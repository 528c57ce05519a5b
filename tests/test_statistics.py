"""Paired tests against enumerations written out, and joins that no order of clips can change."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import combinations, pairwise, product

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.stats import friedmanchisquare, spearmanr
from sklearn.metrics import f1_score

from common.scoring import metrics, statistics
from common.scoring.intervals import WIDER_DIFFERENCE
from common.scoring.paired_tests import paired
from common.scoring.statistics import holm, kendall_w, least_swap_p, swap_test
from common.types import FoldResult

CLASSES = 3

# ---------------------------------------------------------------- swaps

Clips = tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]


def clips_of(seed: int, subjects: int, right: tuple[float, float] = (0.7, 0.5)) -> Clips:
    """(subject, truth, first answer, second answer) per clip; each method is right that often, or else guesses."""
    random = np.random.default_rng(seed)
    subject = np.repeat(np.arange(subjects), random.integers(1, 7, subjects))
    truth = random.integers(CLASSES, size=len(subject))
    guesses = random.integers(CLASSES, size=(2, len(subject)))
    first, second = np.where(random.random(guesses.shape) < np.array(right)[:, None], truth, guesses)
    return subject, truth, first, second


def matrices(clips: Clips) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    subject, truth, *answers = clips
    first, second = (
        np.array([metrics.confusion(truth[subject == s], answer[subject == s], CLASSES) for s in np.unique(subject)])
        for answer in answers
    )
    return first, second


def by_enumeration(clips: Clips, wider: float = WIDER_DIFFERENCE) -> tuple[float, float]:
    """Difference of UF1 and p from every swap of the answers themselves, with scikit-learn's F1.

    The difference of a swap counts `wider` times.
    """
    subject, truth, first, second = clips
    present = np.unique(truth)

    def uf1(answer: NDArray[np.int64]) -> float:
        return float(f1_score(truth, answer, labels=present, average="macro", zero_division=0))

    differences = []
    for swap in product((False, True), repeat=len(np.unique(subject))):
        swapped = np.array(swap)[np.searchsorted(np.unique(subject), subject)]
        differences.append(uf1(np.where(swapped, second, first)) - uf1(np.where(swapped, first, second)))
    far = [wider * abs(difference) >= abs(differences[0]) - 1e-9 for difference in differences]
    return differences[0], sum(far) / len(far)


@pytest.mark.parametrize("subjects", [3, 4, 5, 6])
def test_few_subjects_are_swapped_in_every_way(subjects: int) -> None:
    for seed in range(4):
        clips = clips_of(seed, subjects)
        for wider, folds in ((WIDER_DIFFERENCE, True), (1.0, False)):
            found = swap_test(*matrices(clips), metrics.uf1, cross_validated=folds)
            assert found == pytest.approx(by_enumeration(clips, wider), abs=1e-12)


def test_chunks_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    first, second = matrices(clips_of(7, 9))
    whole = [swap_test(first, second, metrics.uf1, draws) for draws in (512, 500)]
    monkeypatch.setattr(statistics, "CHUNK", 7)
    assert [swap_test(first, second, metrics.uf1, draws) for draws in (512, 500)] == whole


def test_random_swaps_come_near_all_swaps() -> None:
    first, second = matrices(clips_of(3, 12, (0.8, 0.5)))
    difference, exact = swap_test(first, second, metrics.uf1, 2**12)
    again, estimate = swap_test(first, second, metrics.uf1, 999)
    assert again == difference
    assert estimate != exact
    assert estimate == pytest.approx(exact, abs=5 * np.sqrt(exact * (1 - exact) / 999))


def test_a_random_p_is_never_zero() -> None:
    """Thirty subjects of one clip each, which only the first method gets right: no random swap is as far apart."""
    truth = np.arange(30) % CLASSES
    first, second = np.zeros((2, 30, CLASSES, CLASSES), np.int64)
    first[np.arange(30), truth, truth] = 1
    second[np.arange(30), truth, (truth + 1) % CLASSES] = 1
    assert swap_test(first, second, metrics.uf1, 999) == (1, 1 / 1000)
    assert swap_test(second, first, metrics.uf1, 999) == (-1, 1 / 1000)
    assert swap_test(first[:8], second[:8], metrics.uf1, 999, cross_validated=False) == (1, 2 / 2**8)


@pytest.mark.parametrize("folds", [True, False])
def test_no_p_is_smaller_than_the_smallest(folds: bool) -> None:
    """Subjects of any size that only the first method gets right; those of equal size are among them."""
    least = [least_swap_p(subjects, cross_validated=folds) for subjects in range(13)]
    assert least == sorted(least, reverse=True)
    random, smallest = np.random.default_rng(0), np.ones(13)
    for subjects in range(1, 13):
        for sizes in (np.ones(subjects, int), *random.integers(1, 9, (40, subjects))):
            first, second = np.zeros((2, subjects, 2, 2), np.int64)
            first[:, 0, 0], second[:, 0, 1] = sizes, sizes
            p = swap_test(first, second, metrics.accuracy, cross_validated=folds)[1]
            smallest[subjects] = min(smallest[subjects], p)
            assert p >= least[subjects] - 1e-12
    assert (smallest == np.array(least))[[1, 3, 5, 6]].all()


@pytest.mark.parametrize("subjects", [1, 5, 60])
def test_equal_methods_differ_by_nothing(subjects: int) -> None:
    first, _ = matrices(clips_of(1, subjects))
    assert swap_test(first, first, metrics.uf1) == (0, 1)


def test_subjects_answered_equally_cost_no_swap_and_change_no_p() -> None:
    clips = clips_of(2, 5)
    first, second = matrices(clips)
    equal, _ = matrices(clips_of(9, 40))
    mixed = [np.concatenate([method, equal]) for method in (first, second)]
    difference, p = swap_test(*mixed, metrics.accuracy, draws=2**5)  # 45 subjects, and yet exact
    assert p == swap_test(first, second, metrics.accuracy)[1]
    assert difference == pytest.approx(
        float(metrics.accuracy(mixed[0].sum(axis=0)) - metrics.accuracy(mixed[1].sum(axis=0)))
    )


@pytest.mark.parametrize("subjects", [8, 20])
def test_p_is_as_good_as_uniform_where_the_methods_do_not_differ(subjects: int) -> None:
    """Exactly enumerated with 8 subjects, with random swaps for 20."""
    p = np.array(
        [
            swap_test(*matrices(clips_of(seed, subjects, (0.5, 0.5))), metrics.uf1, 500, cross_validated=False)[1]
            for seed in range(400)
        ]
    )
    assert abs(p.mean() - 0.5) < 0.06
    for level in (0.05, 0.1, 0.25, 0.5, 0.75):
        assert abs((p <= level).mean() - level) < 4 * np.sqrt(level * (1 - level) / len(p)) + 0.01


def test_a_real_difference_is_found() -> None:
    outcomes = [swap_test(*matrices(clips_of(seed, 20, (0.9, 0.2))), metrics.uf1, 500) for seed in range(50)]
    assert np.mean([difference > 0 and p < 0.05 for difference, p in outcomes]) > 0.9


def test_a_class_without_clips_has_no_p() -> None:
    subject, truth, first, second = clips_of(4, 6)
    some = truth != 2
    first, second = matrices((subject[some], truth[some], first[some], second[some]))
    assert np.isnan(swap_test(first, second, metrics.metric("recall_c", ("a", "b", "c")))).all()
    difference, p = swap_test(first, second, metrics.uf1)
    assert np.isfinite(difference)
    assert 0 < p <= 1


def test_matrices_of_other_clips_are_an_error() -> None:
    first, second = matrices(clips_of(5, 4))
    with pytest.raises(ValueError, match="not of the same clips"):
        swap_test(first, second[:3], metrics.uf1)
    with pytest.raises(ValueError, match="not of the same clips"):
        swap_test(first, second + np.eye(CLASSES, dtype=np.int64), metrics.uf1)
    with pytest.raises(ValueError, match="a subject"):
        swap_test(first[:0], second[:0], metrics.uf1)


# ---------------------------------------------------------------- Holm


def test_holm_by_hand() -> None:
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx((0.03, 0.06, 0.06, 0.02))
    assert holm([0.9, 0.8, 0.02]) == pytest.approx((1, 1, 0.06))
    assert holm([]) == ()


@given(st.lists(st.floats(0, 1), min_size=1, max_size=12))
@example([0.2])
def test_holm_rejects_what_stepping_down_rejects(p: list[float]) -> None:
    adjusted = holm(p)
    assert all(raw <= value <= 1 for raw, value in zip(p, adjusted, strict=True))
    order = sorted(range(len(p)), key=lambda k: p[k])
    assert all(adjusted[a] <= adjusted[b] for a, b in pairwise(order))
    assert adjusted[order[0]] == min(1, p[order[0]] * len(p))
    if len(p) == 1:
        assert adjusted == (p[0],)
    for alpha in (0.011, 0.051, 0.31):
        rejected = set()
        for rank, k in enumerate(order):
            if p[k] * (len(p) - rank) > alpha:
                break
            rejected.add(k)
        assert {k for k, value in enumerate(adjusted) if value <= alpha} == rejected


@given(st.permutations([0.001, 0.01, 0.01, 0.2, 0.03]))
def test_holm_does_not_ask_for_an_order(p: list[float]) -> None:
    assert dict(zip(p, holm(p), strict=True)) == pytest.approx({0.001: 0.005, 0.01: 0.04, 0.03: 0.06, 0.2: 0.2})


@pytest.mark.parametrize("wrong", [-0.1, 1.1, float("nan")])
def test_holm_wants_probabilities(wrong: float) -> None:
    with pytest.raises(ValueError, match="0-1"):
        holm([0.5, wrong])


# ---------------------------------------------------------------- pairs of methods


def result(fold: str, clips: Sequence[str], truth: Sequence[int], answers: Sequence[int]) -> FoldResult:
    probabilities = np.eye(CLASSES, dtype=np.float32)[list(answers)]
    return FoldResult(fold, tuple(clips), np.array(truth, np.int64), probabilities, {}, 0, 0.0, {}, {})


def three_methods(subjects: int = 7) -> dict[str, list[FoldResult]]:
    """One fold per subject, whose clips are named alike in all subjects and in two corpora."""
    methods: dict[str, list[FoldResult]] = {"a": [], "b": [], "c": []}
    for number, name in enumerate(methods):
        subject, truth, first, second = clips_of(11, subjects, (0.9, 0.3))
        third = np.random.default_rng(number).permutation(first)
        for s in range(subjects):
            rows = np.flatnonzero(subject == s)
            clips = [f"{'casme2' if s % 2 else 'smic'}/{s // 2}/clip{k}" for k in range(len(rows))]
            answers = {"a": first, "b": second, "c": third}[name][rows]
            methods[name].append(result(clips[0].rpartition("/")[0], clips, truth[rows], answers))
    return methods


PAIRS = [("a", "b"), ("b", "c"), ("a", "c")]


def flat(results: Sequence[FoldResult]) -> dict[str, tuple[int, int]]:
    return {
        clip: (int(truth), int(row.argmax()))
        for fold in results
        for clip, truth, row in zip(fold.clips, fold.truth, fold.probabilities, strict=True)
    }


def shuffled(results: Sequence[FoldResult], random: np.random.Generator, folds: int) -> list[FoldResult]:
    """The same answers in an order of their own, spread over another number of folds."""
    answers = flat(results)
    clips = [[*answers][k] for k in random.permutation(len(answers))]
    parts = [clips[k::folds] for k in range(folds)]
    return [
        result(f"fold {k}", part, [answers[clip][0] for clip in part], [answers[clip][1] for clip in part])
        for k, part in enumerate(parts)
    ]


def test_a_pair_by_hand() -> None:
    clips = ["smic/s1/x", "smic/s1/y", "smic/s2/x", "samm/s1/x"]
    first = result("", clips, [0, 1, 2, 0], [0, 1, 2, 1])
    second = result("", clips, [0, 1, 2, 0], [1, 1, 0, 0])
    [test] = paired({"one": [first], "other": [second]}, [("one", "other")], CLASSES)
    assert (test.first, test.second) == ("one", "other")
    assert (test.n_clips, test.n_subjects) == (4, 3)
    assert (test.only_first, test.only_second) == (2, 1)
    assert test.difference == pytest.approx((2 / 3 + 2 / 3 + 1) / 3 - (1 / 2 + 2 / 3 + 0) / 3)
    assert test.adjusted == test.p


def test_pairs_agree_with_arrays_and_with_scikit_learn() -> None:
    methods = three_methods()
    tests = paired(methods, PAIRS, CLASSES)
    assert [(test.first, test.second) for test in tests] == PAIRS
    for test in tests:
        by_clip, other = flat(methods[test.first]), flat(methods[test.second])
        subject = np.unique([clip.rpartition("/")[0] for clip in by_clip], return_inverse=True)[1]
        truth = np.array([true for true, _ in by_clip.values()])
        first, second = (np.array([method[clip][1] for clip in by_clip]) for method in (by_clip, other))
        assert (test.difference, test.p) == pytest.approx(by_enumeration((subject, truth, first, second)), abs=1e-12)
        assert test.only_first == ((first == truth) & (second != truth)).sum()
        assert test.only_second == ((second == truth) & (first != truth)).sum()
        assert (test.n_clips, test.n_subjects) == (len(by_clip), 7)
    assert tuple(test.adjusted for test in tests) == holm([test.p for test in tests])


@settings(max_examples=10)
@given(st.integers(0, 1000), st.integers(2, 9))
@example(0, 2)
def test_neither_the_order_of_clips_nor_the_folds_change_a_test(seed: int, folds: int) -> None:
    for subjects in (7, 17):  # the second has more swaps than draws
        methods = three_methods(subjects)
        random = np.random.default_rng(seed)
        mixed = {name: shuffled(results, random, folds) for name, results in methods.items()}
        assert paired(mixed, PAIRS[:1], CLASSES) == paired(methods, PAIRS[:1], CLASSES)


def test_two_methods_trained_once_need_no_wider_spread() -> None:
    methods = three_methods()
    once = {name: shuffled(results, np.random.default_rng(0), 1) for name, results in methods.items()}
    [several], [single] = (paired(of, PAIRS[:1], CLASSES) for of in (methods, once))
    [mixed] = paired({**methods, "b": once["b"]}, PAIRS[:1], CLASSES)
    assert mixed == several
    assert several.error == pytest.approx(WIDER_DIFFERENCE * (single.error or 0))
    assert several.p >= single.p
    assert single.difference == several.difference


def test_a_pair_turned_round_changes_its_sign_alone() -> None:
    for subjects in (7, 17):
        [test] = paired(three_methods(subjects), [("a", "b")], CLASSES)
        [turned] = paired(three_methods(subjects), [("b", "a")], CLASSES)
        back = replace(turned, first="a", second="b", difference=-turned.difference)
        assert replace(back, only_first=turned.only_second, only_second=turned.only_first) == test


def test_only_clips_that_both_answer_count() -> None:
    methods = three_methods()
    more = [*methods["b"], result("more", ["samm/9/only", "smic/0/only"], [0, 1], [0, 2])]
    assert paired({**methods, "b": more}, PAIRS, CLASSES) == paired(methods, PAIRS, CLASSES)
    fewer = {name: results[1:] for name, results in methods.items()}
    [test] = paired({**methods, "b": fewer["b"]}, PAIRS[:1], CLASSES)
    assert [test] == [*paired(fewer, PAIRS[:1], CLASSES)]
    assert test.n_subjects == 6


def test_a_pair_without_a_common_clip_is_left_out_and_not_corrected_for() -> None:
    methods = {**three_methods(), "none": [], "apart": [result("", ["samm/1/z"], [0], [0])]}
    pairs = [("none", "a"), PAIRS[0], ("apart", "b"), PAIRS[1], PAIRS[2]]
    assert paired(methods, pairs, CLASSES) == paired(methods, PAIRS, CLASSES)
    assert paired(methods, pairs[:1], CLASSES) == ()


def test_truths_that_differ_and_second_answers_are_errors() -> None:
    methods = three_methods()
    wrong = [replace(methods["b"][0], truth=(methods["b"][0].truth + 1) % CLASSES), *methods["b"][1:]]
    with pytest.raises(ValueError, match="a and b have different truths for smic/0/clip0"):
        paired({**methods, "b": wrong}, PAIRS, CLASSES)
    with pytest.raises(ValueError, match="b predicts smic/0/clip0 twice"):
        paired({**methods, "b": [*methods["b"], methods["b"][0]]}, PAIRS, CLASSES)


def test_guessing_is_told_from_knowing() -> None:
    rng = np.random.default_rng(5)
    subject = np.array([f"s{k // 9}" for k in range(72)])
    truth = np.tile([0, 1, 2], 24)
    measure = metrics.metric("uf1", ("a", "b", "c"))
    assert statistics.guess_test(subject, truth, truth, measure, 3) == 1 / 2001
    assert statistics.guess_test(subject, truth, np.zeros(72, int), measure, 3) == 1
    p_values = [statistics.guess_test(subject, truth, rng.permuted(truth), measure, 3, draws=200) for _ in range(60)]
    assert 0.3 < np.mean(p_values) < 0.7
    assert np.mean(np.array(p_values) < 0.05) < 0.15


def test_who_knows_the_subject_alone_guesses() -> None:
    """All answers are the subject's most frequent class: right more often than the largest class, and no motion."""
    subject = np.repeat([f"s{k}" for k in range(6)], 5)
    truth = np.concatenate([[k % 3] * 4 + [(k + 1) % 3] for k in range(6)])
    answers = np.repeat(np.arange(6) % 3, 5)
    measure = metrics.metric("accuracy", ("a", "b", "c"))
    assert float((truth == answers).mean()) == 0.8
    assert statistics.guess_test(subject, truth, answers, measure, 3) == 1


def cross_validated(
    count: int, effect: float, relabelled: int = 0
) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """Truths and predictions (1 + relabelled, 90) of ridge regression, each subject's by a fold that leaves it out.

    The first are those of the data, the others those of classes that are permuted within each subject. 15 subjects have
    two clips of each of three classes, and 30 features. `effect` is how far the classes are apart in three of the
    features, in standard deviations; the features are noise otherwise.
    """
    rng = np.random.default_rng(11)
    for _ in range(count):
        truth = rng.permuted(np.tile([0, 0, 1, 1, 2, 2], (15, 1)), axis=1).ravel()
        features = rng.normal(size=(90, 30))
        features[:, :3] += effect * np.eye(3)[truth]
        again = rng.permuted(np.tile(truth.reshape(15, 6), (relabelled, 1, 1)), axis=2).reshape(-1, 90)
        truths = np.concatenate([truth[None], again])
        x, y = features.reshape(15, 6, 30), (np.eye(3)[truths] - 1 / 3).reshape(-1, 15, 6, 3)
        squares, products = np.einsum("sif,sig->sfg", x, x), np.einsum("sif,ksic->ksfc", x, y)
        inverse = np.linalg.inv(squares.sum(axis=0) - squares + 10 * np.eye(30))
        fitted = inverse @ (products.sum(axis=1, keepdims=True) - products)
        yield truths, (x @ fitted).argmax(axis=-1).reshape(-1, 90)


def test_folds_that_train_on_one_another_do_not_raise_more_alarms() -> None:
    subject, measure = np.repeat([f"s{k:02}" for k in range(15)], 6), metrics.metric("uf1", ("a", "b", "c"))

    def retrained_alarms(count: int, effect: float) -> float:
        p = [
            statistics.retraining_test(truth[0], answer[0], truth[1:], answer[1:], measure, 3)
            for truth, answer in cross_validated(count, effect, relabelled=19)
        ]
        return float(np.mean(np.array(p) <= 0.05))

    def alarms(count: int, effect: float, *, widened: bool) -> float:
        p = [
            statistics.guess_test(subject, truth[0], answer[0], measure, 3, draws=199, cross_validated=widened)
            for truth, answer in cross_validated(count, effect)
        ]
        return float(np.mean(np.array(p) <= 0.05))

    error = (0.05 * 0.95 / 1000) ** 0.5
    assert alarms(1000, 0, widened=False) > 0.05 + 4 * error
    assert alarms(1000, 0, widened=True) < 0.05 + error
    assert alarms(100, 1.5, widened=True) > 0.9
    assert abs(retrained_alarms(1000, 0) - 0.05) < 3 * error
    assert retrained_alarms(100, 1.5) > 0.9


def test_widening_never_lowers_p_and_ties_and_undefined_scores_are_no_evidence() -> None:
    subject, measure = np.repeat([f"s{k:02}" for k in range(15)], 6), metrics.metric("uf1", ("a", "b", "c"))
    for (truth,), (answer,) in cross_validated(40, 0.3):
        narrow, wide = (
            statistics.guess_test(subject, truth, answer, measure, 3, draws=199, cross_validated=widened)
            for widened in (False, True)
        )
        assert 1 / 200 <= narrow <= wide <= 1
    alone = np.array([f"s{k}" for k in range(90)])  # one clip each: nothing can be swapped
    assert statistics.guess_test(alone, truth, truth, measure, 3, draws=199) == 1
    undefined = metrics.metric("recall_d", ("a", "b", "c", "d"))
    assert statistics.guess_test(subject, truth, answer, undefined, 4, draws=199) == 1
    assert statistics.retraining_test(truth, answer, truth[None], answer[None], undefined, 4) == 1


def test_a_retrained_p_counts_the_relabelled_scores_that_are_as_high() -> None:
    truth, answer = np.array([0, 1, 2, 0]), np.array([0, 1, 2, 1])
    relabelled = np.array([[0, 1, 2, 0], [1, 0, 2, 0], [0, 1, 2, 0]])
    predicted = np.array([[0, 1, 2, 0], [0, 1, 2, 1], [1, 1, 2, 0]])  # 4, 1 and 3 right; 3 in truth
    measure = metrics.metric("accuracy", ("a", "b", "c"))
    assert statistics.retraining_test(truth, answer, relabelled, predicted, measure, 3) == (1 + 2) / (1 + 3)


# ---------------------------------------------------------------- Kendall's W


@settings(max_examples=80, deadline=None, derandomize=True)
@given(st.integers(2, 7), st.integers(3, 9), st.integers(2, 40), st.integers(0, 10**6))
def test_w_is_that_of_friedmans_test(seeds: int, things: int, levels: int, seed: int) -> None:
    scores = np.random.default_rng(seed).integers(0, levels, (seeds, things)).astype(float)
    w = kendall_w(scores)
    if w is None:
        assert all(len(set(values)) == 1 for values in scores.tolist())
    else:
        assert w == pytest.approx(friedmanchisquare(*scores.T).statistic / (seeds * (things - 1)), abs=1e-9)


def test_w_rests_on_the_mean_rank_correlation() -> None:
    scores = np.random.default_rng(4).random((5, 8))
    pairs = [spearmanr(first, second).statistic for first, second in combinations(scores, 2)]
    assert kendall_w(scores) == pytest.approx((np.mean(pairs) * 4 + 1) / 5)
    assert kendall_w(np.tile(scores[0], (3, 1))) == pytest.approx(1)
    for nothing in (scores[:1], scores[:, :1], np.full((2, 3), np.nan), np.zeros((2, 3)), np.zeros((0, 0))):
        assert kendall_w(nothing) is None
