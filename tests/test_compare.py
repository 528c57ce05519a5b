"""Claims beside scores: numbers of pooled predictions and of training histories, and when they may be compared."""

from __future__ import annotations

import re
import statistics
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from common.contract import Claim, Paper, Profile, Reference
from common.corpora.composite import MEGC2019
from common.protocols.controls import relabellings
from common.protocols.splits import CROSS, LOSO, SPLITS
from common.report.common_ground import _differing
from common.runs.results import Finished
from common.runs.store import Run
from common.scoring import histories, metrics, verdicts
from common.scoring.intervals import subject_interval
from common.scoring.records import Comparison
from common.scoring.verdicts import METRICS
from common.types import Experiment, FoldResult, LabelMap

CLASSES = ("happy", "anger", "disgust")
ONCE = Experiment(
    name="network-faces",
    variant="published",
    title="",
    corpora=("faces",),
    labels=LabelMap("prefixes", CLASSES, {"faces": dict(zip(CLASSES, CLASSES, strict=True))}),
    protocol="80/20 once",
    selection="best epoch on the scored split (oracle)",
    leak_free=False,
    network="CNN",
    held_out={"happy": (12, 3), "anger": (8, 2), "disgust": (4, 1)},
)
CLAIM = Claim("network-faces", "published", "faces", "accuracy", "66.67", "Table V", 6, unit="%")
MEAN = replace(CLAIM, metric=histories.LAST_MEAN, printed="61.50")
DEVIATION = replace(CLAIM, metric=histories.LAST_DEVIATION, printed="5.02")
KERNEL = replace(CLAIM, metric="best epoch, kernel 3x3x7", printed="83.33")


def paper(*claims: Claim) -> Paper:
    nobody = Reference("misc", (), {})
    return Paper("faces2019", "", "", "", 2019, "", "", "", (ONCE,), {}, claims, (), {}, (), nobody)


def fold(
    clips: int = 6, name: str = "split", history: dict[str, dict[str, list[float]]] | None = None, first: int = 0
) -> FoldResult:
    """Six clips by default, two of each of three subjects, truth 0 0 0 1 1 2, of which the first four are right."""
    truth = np.array([0, 0, 0, 1, 1, 2])[:clips]
    answers = np.array([0, 0, 0, 1, 0, 0])[:clips]
    ids = tuple(f"faces/s{first + i // 2}/clip{i}" for i in range(clips))
    probabilities = np.eye(3, dtype=np.float32)[answers]
    return FoldResult(name, ids, truth, probabilities, history or {}, 0, 1.0, {}, {})


def six_subjects() -> FoldResult:
    """The same clips, each of a subject of its own: enough subjects for an interval."""
    return replace(fold(), clips=tuple(f"faces/s{i}/clip{i}" for i in range(6)))


def rows(
    experiment: Experiment, results: list[FoldResult], *claims: Claim, folds: int = 1, profile: str = "paper"
) -> dict[str, Comparison]:
    made = verdicts.compare(
        paper(*claims),
        experiment,
        results,
        folds,
        profile=Profile(profile, None),
        data="licensed",
        command=lambda e: e.id,
    )
    assert len({(c.corpus, c.metric) for c in made}) == len(made)
    return {c.metric: c for c in made}


def history(*epochs: float, stage: str = "network") -> dict[str, dict[str, list[float]]]:
    return {stage: {"val_accuracy": list(epochs)}}


# ---------------------------------------------------------------- pooled predictions


def test_one_corpus_is_one_row_under_its_own_name() -> None:
    made = rows(ONCE, [fold()])
    assert {c.corpus for c in made.values()} == {"faces"}
    assert list(made) == ["uf1", "uar", "accuracy"]
    tables = verdicts.confusion_tables(ONCE, [fold()])
    assert [t.corpus for t in tables] == ["faces"]
    assert tables[0].matrix.tolist() == [[3, 0, 0], [1, 1, 0], [1, 0, 0]]


def test_several_corpora_are_rows_beside_their_composite() -> None:
    two = replace(ONCE, corpora=("faces", "masks"), held_out={})
    result = fold()
    other = replace(result, fold="b", clips=tuple(c.replace("faces", "masks") for c in result.clips))
    made = verdicts.compare(
        paper(), two, [result, other], 2, profile=Profile("paper", None), data="licensed", command=str
    )
    scores = {(c.corpus, c.metric): c.score for c in made}
    sizes = {corpus: score.n_clips for (corpus, metric), score in scores.items() if score and metric == "uar"}
    assert sizes == {"prefixes": 12, "faces": 6, "masks": 6}


def test_scores_of_a_composite_that_is_not_whole_say_so() -> None:
    part = replace(ONCE, corpora=("casme2", "smic", "samm"), labels=MEGC2019, held_out={})
    clips = tuple(f"{corpus}/s{n}/c{n}" for corpus in part.corpora for n in range(2))
    made = verdicts.compare(
        paper(), part, [replace(fold(), clips=clips)], 1, profile=Profile("paper", None), data="licensed", command=str
    )
    scored = [c for c in made if c.score]
    assert {c.corpus for c in scored} == {MEGC2019.name, *part.corpora}
    assert all("6 of the 442 clips" in " ".join(c.conditions) for c in scored)


def test_a_single_split_has_an_interval_over_its_subjects() -> None:
    matrices = verdicts.pooled([six_subjects()], None, 3)
    assert matrices.sum(axis=(1, 2)).tolist() == 6 * [1]
    accuracy = rows(ONCE, [six_subjects()])["accuracy"].score
    assert accuracy is not None
    assert (accuracy.low, accuracy.high) == subject_interval(matrices, metrics.accuracy, cross_validated=False)
    several = rows(ONCE, [six_subjects()], folds=2)["accuracy"].score
    assert several is not None
    assert (several.low, several.high) == subject_interval(matrices, metrics.accuracy)
    assert (accuracy.value, accuracy.chance) == (pytest.approx(4 / 6), pytest.approx(3 / 6))


def test_other_seeds_are_part_of_the_interval_and_of_nothing_else() -> None:
    """Twenty subjects with two clips of each class, of which the first seed gets most right and the others half."""
    clips = np.full((20, 3), 2)
    first, *others = (
        np.random.default_rng(seed).multinomial(clips, right * np.eye(3) + (1 - right) / 3)
        for seed, right in enumerate((0.7, 0.3, 0.3))
    )
    for name in METRICS:
        alone, like, apart = (
            verdicts.score(first, name, CLASSES, 120, 20, 20, runs) for runs in ((), (first, first), others)
        )
        assert alone is not None
        assert like is not None
        assert apart is not None
        assert (like.low, like.high) == pytest.approx((alone.low, alone.high))
        assert replace(apart, low=alone.low, high=alone.high) == alone
        assert (apart.high or 0) - (apart.low or 1) > 1.5 * ((alone.high or 1) - (alone.low or 0))
    few = rows(ONCE, [six_subjects()])["accuracy"]
    assert any(text.startswith("approximate interval") for text in few.conditions)


def test_fewer_than_five_subjects_have_no_interval_and_no_caution() -> None:
    for comparison in rows(ONCE, [fold()], CLAIM).values():
        assert comparison.score is not None
        assert (comparison.score.low, comparison.score.high, comparison.score.caution) == (None, None, "")


def test_pooling_does_not_ask_in_which_fold_a_clip_was_predicted() -> None:
    whole = fold()
    halves = [
        replace(
            whole, fold=name, clips=whole.clips[part], truth=whole.truth[part], probabilities=whole.probabilities[part]
        )
        for name, part in (("a", slice(0, 3)), ("b", slice(3, 6)))
    ]
    assert (verdicts.pooled(halves, None, 3) == verdicts.pooled([whole], None, 3)).all()
    with pytest.raises(ValueError, match="two folds"):
        verdicts.pooled([whole, halves[0]], None, 3)


# ---------------------------------------------------------------- clips that several folds test

SPLIT = replace(ONCE, protocol=SPLITS, selection="last epoch", held_out={})
BEST = replace(CLAIM, metric=histories.BEST_SPLIT, printed="85.2")
WORST = replace(CLAIM, metric=histories.WORST_SPLIT, printed="45")


def splits_of(*right: int) -> list[FoldResult]:
    """Runs on the same six clips, of which so many are right."""
    runs = []
    for number, count in enumerate(right):
        result = fold(name=f"run {number}", history=history(0.9, count / 6))
        answers = np.where(np.arange(6) < count, result.truth, (result.truth + 1) % 3)
        runs.append(replace(result, probabilities=np.eye(3, dtype=np.float32)[answers]))
    return runs


def test_a_clip_that_several_folds_test_counts_once_and_its_answers_all() -> None:
    made = rows(SPLIT, splits_of(6, 3, 3), folds=3)
    accuracy = made["accuracy"].score
    assert accuracy is not None
    assert (accuracy.value, accuracy.n_clips, accuracy.chance) == (pytest.approx(12 / 18), 6, pytest.approx(0.5))
    [table] = verdicts.confusion_tables(SPLIT, splits_of(6, 3, 3))
    assert (table.clips, table.matrix.sum()) == (6, 18)
    with pytest.raises(ValueError, match="two folds"):
        verdicts.pooled(splits_of(6, 3), None, 3)


def test_the_best_and_the_worst_split_are_picked_by_their_own_score_and_say_so() -> None:
    made = rows(SPLIT, splits_of(4, 6, 3), BEST, WORST, folds=3)
    for name, share, which in ((histories.BEST_SPLIT, 1, "best"), (histories.WORST_SPLIT, 0.5, "worst")):
        row = made[name]
        assert row.score is not None
        assert (row.score.value, row.score.low, row.score.n_clips) == (share, None, 6)
        assert row.selection == f"last epoch of the {which} of 3 splits (oracle)"
        assert row.reason.endswith("the split is selected on the clips that are scored")


def test_what_picking_each_folds_best_epoch_would_give_stands_beside_the_last_epoch() -> None:
    results = splits_of(4, 6, 3)
    row = rows(SPLIT, results, folds=3)[histories.EACH_BEST]
    assert row.score is not None
    assert row.score.value == pytest.approx((0.9 + 1 + 0.9) / 3)
    assert (row.selection, row.score.n_clips) == (histories.ORACLE, 6)
    assert histories.EACH_BEST not in rows(ONCE, [fold(history=history(0.5))])
    assert histories.EACH_BEST not in rows(SPLIT, [fold()], folds=3)


def test_a_twin_stands_beside_the_figures_of_the_variant_it_is_the_twin_of() -> None:
    first = replace(CLAIM, variant="first", printed="34.3")
    for claims in ((CLAIM, first), (first, CLAIM)):
        for twin_of, printed in (("published", "66.67"), ("first", "34.3")):
            twin = replace(ONCE, variant="loso", held_out={}, twin_of=twin_of)
            claim = rows(twin, [fold()], *claims)["accuracy"].claim
            assert claim is not None
            assert claim.printed == printed


def test_best_and_worst_are_of_splits_and_of_no_other_folds() -> None:
    twin = replace(ONCE, variant="loso", protocol="LOSO", held_out={})
    assert not {*histories.SINGLE_SPLITS} & {*rows(twin, [fold()], BEST, WORST)}


def test_across_corpora_the_target_alone_is_scored() -> None:
    between = replace(ONCE, corpora=("faces", "masks"), tested_on=("faces",), protocol=CROSS, held_out={})
    made = rows(between, [fold(), replace(fold(), fold="again")], folds=5)
    assert {row.corpus for row in made.values()} == {"faces"}
    assert made["accuracy"].score is not None
    assert (made["accuracy"].score.n_clips, made["accuracy"].score.n_folds_done) == (6, 2)


# ---------------------------------------------------------------- training histories


def test_the_last_ten_epochs_are_those_and_no_others() -> None:
    epochs = [0.9, 0.0, *(0.5, 0.6, 0.7, 0.6, 0.5, 0.6, 0.7, 0.6, 0.5, 0.4)]
    made = rows(ONCE, [fold(history=history(*epochs))], CLAIM, MEAN, DEVIATION)
    mean, deviation = made[histories.LAST_MEAN], made[histories.LAST_DEVIATION]
    assert mean.score is not None
    assert deviation.score is not None
    assert mean.score.value == pytest.approx(statistics.mean(epochs[-10:]))
    assert deviation.score.value == pytest.approx(statistics.stdev(epochs[-10:]))
    assert (mean.score.chance, deviation.score.chance) == (pytest.approx(0.5), None)
    for score in (mean.score, deviation.score):
        assert (score.low, score.high, score.n_clips, score.n_folds_done) == (None, None, 6, 1)
    assert mean.selection == deviation.selection
    assert "3-12" in mean.selection
    assert made["accuracy"].selection == ONCE.selection


def test_an_epoch_that_is_not_finite_counts_for_no_best_and_leaves_no_mean() -> None:
    nan = float("nan")
    claims = (CLAIM, MEAN, DEVIATION, KERNEL)
    lost = history(*[0.5] * 11, nan) | history(0.3, 5 / 6, nan, nan, stage="kernel 3x3x7")
    made = rows(ONCE, [fold(history=lost)], *claims)
    assert made[histories.LAST_MEAN].score is made[histories.LAST_DEVIATION].score is None
    assert made[KERNEL.metric].score.value == pytest.approx(5 / 6)  # type: ignore[union-attr]
    never = rows(ONCE, [fold(history=lost | history(nan, nan, stage="kernel 3x3x7"))], *claims)
    assert never[KERNEL.metric].score is None
    early = rows(ONCE, [fold(history=history(nan, *[0.5] * 5, *[0.7] * 5))], *claims)
    assert early[histories.LAST_MEAN].score.value == pytest.approx(0.6)  # type: ignore[union-attr]
    two = [fold(name="a", history=history(0.2, 0.6, nan)), fold(name="b", history=history(0.4, nan, 0.1), first=10)]
    assert rows(SPLIT, two, folds=2)[histories.EACH_BEST].score.value == pytest.approx(0.5)  # type: ignore[union-attr]


def test_where_a_network_diverged_is_said() -> None:
    nan = float("nan")
    curves = history(0.5, 0.6) | history(0.5, nan, nan, stage="kernel a") | history(nan, 0.5, 0.6, stage="kernel b")
    (ended, back) = histories.divergences(curves)
    assert ended == "kernel a diverged at epoch 2 of 3"
    assert back.startswith("kernel b diverged at epoch 1 of 3")
    assert histories.divergences(curves, at_the_end=True) == [ended]
    assert histories.from_json(histories.as_json(curves)).keys() == curves.keys()


def test_fewer_than_ten_epochs_are_a_dash_and_say_so() -> None:
    row = rows(ONCE, [fold(history=history(0.5, 0.6, 0.7))], MEAN)[histories.LAST_MEAN]
    assert (row.score, row.verdict) == (None, "NOT_COMPARABLE")
    assert re.findall(r"\d+", row.reason) == ["3", "10"]


def test_a_kernel_is_compared_by_its_own_best_epoch() -> None:
    both = history(0.1, 0.2) | history(0.3, 5 / 6, 0.4, stage="kernel 3x3x7")
    row = rows(ONCE, [fold(history=both)], KERNEL)[KERNEL.metric]
    assert row.score is not None
    assert row.score.value == pytest.approx(5 / 6)
    assert row.selection == histories.ORACLE
    assert row.verdict == "MATCH"
    assert "selected on the clips that are scored" in row.reason


def test_folds_weigh_as_many_clips_as_they_have() -> None:
    two = [fold(2, "a", history(1.0, 0.5)), fold(6, "b", history(0.0, 0.25, 1.0), first=10)]
    assert histories.accuracies(two, "network").tolist() == [2 / 8, (2 * 0.5 + 6 * 0.25) / 8]
    assert not len(histories.accuracies([two[0], fold(6, "b")], "network"))
    assert not len(histories.accuracies([], "network"))


def test_another_variant_has_these_rows_only_with_a_history_of_its_own() -> None:
    twin = replace(ONCE, variant="loso", selection="last epoch", leak_free=True, held_out={})
    claims = (CLAIM, MEAN, DEVIATION)
    assert list(rows(twin, [fold()], *claims)) == list(rows(twin, [], *claims)) == ["uf1", "uar", "accuracy"]
    assert histories.LAST_MEAN in rows(twin, [fold(history=history(*[0.5] * 10))], *claims)
    own = rows(ONCE, [], *claims)[histories.LAST_MEAN]
    assert (own.verdict, own.score, own.selection) == (
        "NOT_RUN",
        None,
        "mean and sample deviation of the last ten epochs, no epoch selected",
    )


# ---------------------------------------------------------------- verdicts


def test_percentages_compare_as_shares() -> None:
    row = rows(ONCE, [fold()], CLAIM)["accuracy"]
    assert row.verdict == "MATCH"
    assert row.reason.startswith("differs by -0.00 percentage points")
    assert rows(ONCE, [six_subjects()], replace(CLAIM, printed="80.00"))["accuracy"].verdict == "CLOSE"


@pytest.mark.parametrize(
    ("printed", "verdict"),
    [("5.27", "MATCH"), ("4.80", "MATCH"), ("5.60", "MATCH"), ("4.60", "DIFFERS"), ("6.00", "DIFFERS")],
)
def test_a_deviation_matches_within_a_tenth_of_the_printed_one(printed: str, verdict: str) -> None:
    """All of these are within a percentage point of the measured 5.27%."""
    row = rows(ONCE, [fold(history=history(*5 * [0.45, 0.55]))], replace(DEVIATION, printed=printed))
    assert row[histories.LAST_DEVIATION].verdict == verdict


def test_a_number_without_an_interval_is_not_outside_of_one() -> None:
    row = rows(ONCE, [fold(history=history(*[0.5] * 10))], MEAN)[histories.LAST_MEAN]
    assert (row.verdict, "interval" in row.reason) == ("DIFFERS", True)
    assert "no interval" in row.reason


@pytest.mark.parametrize("results", [[], [fold()], [fold(3)]])
@pytest.mark.parametrize("profile", ["paper", "quick"])
def test_an_oracle_says_so_whatever_the_verdict(results: list[FoldResult], profile: str) -> None:
    for row in rows(ONCE, results, CLAIM, profile=profile).values():
        assert row.reason.endswith("the best epoch is selected on the clips that are scored")
    honest = rows(replace(ONCE, selection="last epoch"), results, CLAIM, profile=profile).values()
    assert not any("selected on the clips" in row.reason for row in honest)


def test_a_number_of_more_clips_than_are_held_out_is_not_comparable() -> None:
    row = rows(ONCE, [fold()], replace(CLAIM, n_clips=24))["accuracy"]
    assert (row.verdict, row.score is not None) == ("NOT_COMPARABLE", True)
    assert row.reason.startswith("the printed number is for 24 clips, but 6 are held out")


def test_clips_that_the_copy_lacks_are_incomplete() -> None:
    row = rows(ONCE, [fold(4)], CLAIM)["accuracy"]
    assert row.verdict == "INCOMPLETE"
    assert row.reason.startswith("4 clips; the paper has 6")


def test_a_caveat_of_any_fold_makes_its_number_not_comparable() -> None:
    """A network that lacked the paper's initial weights may reach the printed number, or miss it, for that reason."""
    caveat = "the network started from random weights"
    match = rows(ONCE, [fold()], CLAIM)["accuracy"]
    assert match.verdict == "MATCH"
    halves = [fold(clips=2, name="a"), replace(fold(clips=4, name="b", first=1), caveats=(caveat,))]
    for results, folds in (([replace(fold(), caveats=(caveat,))], 1), (halves, 2)):
        made = rows(ONCE, results, CLAIM, folds=folds)
        assert (made["accuracy"].verdict, made["accuracy"].reason.split(";")[0]) == ("NOT_COMPARABLE", caveat)
        assert made["accuracy"].score is not None
        assert caveat not in made["uf1"].reason  # of which the paper prints no number
    finished = Finished(Run(Path()), {}, (halves[0], halves[1]), ("a", "b"))
    assert [line for line in _differing({"faces2019/network": (ONCE, finished)}, "stand-in") if caveat in line]
    unfinished = rows(ONCE, [halves[1]], CLAIM, folds=2)["accuracy"]
    assert (unfinished.verdict, caveat in unfinished.reason) == ("INCOMPLETE", True)


def test_p_comes_from_retraining_only_where_all_folds_were_trained_again() -> None:
    """On relabelled clips that are all predicted right, every relabelled score is as high as any other."""
    clips = [f"faces/s{s}/clip{i}" for s in range(4) for i in range(6)]
    subject, truth = np.repeat([f"faces/s{s}" for s in range(4)], 6), np.tile([0, 1, 2], 8)
    labels = relabellings(subject, np.array(clips), truth, 19, seed=0)
    known = [
        FoldResult(str(s), tuple(clips[own]), truth[own], np.eye(3)[truth[own]], {}, 0, 1.0, {}, {}, relabelled=again)
        for s, own, again in ((s, slice(6 * s, 6 * s + 6), labels[:, 6 * s : 6 * s + 6]) for s in (2, 0, 3, 1))
    ]
    lost = [replace(known[0], relabelled=None), *known[1:]]
    fewer = [replace(known[0], relabelled=labels[:9, 12:18]), *known[1:]]
    wrong = [replace(result, relabelled=(result.relabelled + 1) % 3) for result in known]
    for results, folds, p, test in (
        (known, 4, 1.0, "retraining"),
        (wrong, 4, 1 / 20, "retraining"),
        *((results, 4, 1 / 2001, "swaps") for results in (lost, fewer)),
        (known[:3], 4, 1 / 2001, "swaps"),
    ):
        found = rows(replace(ONCE, protocol=LOSO, selection="last epoch", leak_free=True), results, folds=folds)[
            "uf1"
        ].score
        assert found is not None
        assert (found.p, found.p_test) == (p, test)


def test_relabelled_clips_keep_the_classes_of_a_subject_and_depend_on_nothing_else() -> None:
    random = np.random.default_rng(0)
    subject, truth = np.repeat(["a/s1", "a/s2", "b/s1"], [5, 4, 7]), random.integers(0, 3, 16)
    clip = np.array([f"{s}/{i}" for i, s in enumerate(subject)])
    labels = relabellings(subject, clip, truth, 50, seed=1)
    for person in np.unique(subject):
        own = subject == person
        assert (np.sort(labels[:, own], axis=1) == np.sort(truth[own])).all()
        assert (labels[:, own] == relabellings(subject[own], clip[own], truth[own], 50, seed=1)).all()
    order = random.permutation(16)
    assert (labels[:, order] == relabellings(subject[order], clip[order], truth[order], 50, seed=1)).all()
    assert (labels != relabellings(subject, clip, truth, 50, seed=2)).any()
