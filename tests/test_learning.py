"""Does a network learn, and is it motion? The marks follow the numbers, and the words follow the marks."""

from __future__ import annotations

import itertools
import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import report_example as example
from hypothesis import given, settings
from hypothesis import strategies as st

from common.report import learning, numbers, results_page, write
from common.report.records import Learning
from common.scoring import verdicts
from common.scoring.records import Score
from common.scoring.statistics import holm
from common.training.learnt import Learnt
from common.training.learnt import summary as summarized
from common.types import FoldResult

Mark = bool | None
YES_NO = (True, False, None)


def score(p: float | None = 0.5) -> Score:
    return Score("uf1", 0.5, None, None, 0.24, 30, 3, 3, p)


def learnt(stuck: int, remark: str = "") -> Learnt:
    return Learnt(3, 0.5 if stuck else 0.95, 0.3649 if stuck else 0.1, 0.3611, 0.5, stuck, 0, {}, remark)


def row(learns: Mark = None, beats: Mark = None, control: Score | None = None) -> Learning:
    known = None if learns is None else learnt(0 if learns else 3)
    p = None if beats is None else 0.001 if beats else 0.7
    return learning.corrected([Learning("e/v", True, known, score(p), control)])[0]


CONTROLS = {True: score(p=0.8), False: score(p=0.001), None: None}
"""By whether a score that beats guessing rests on motion."""


# ---------------------------------------------------------------- marks and words


@pytest.mark.parametrize(
    ("control", "falls"),
    [(score(p=0.8), True), (score(p=0.001), False), (score(p=None), None), (None, None)],
)
def test_a_score_rests_on_motion_if_its_control_does_not_beat_guessing(control: Score | None, falls: Mark) -> None:
    assert learning.marks(row(True, True, control)) == (True, True, falls)
    assert learning.marks(row(None, False, control)) == (None, False, None)  # nothing is recognised
    assert learning.marks(row(False, None, control)) == (False, None, None)


def test_a_network_learns_if_most_folds_do_and_without_scores_nothing_is_known() -> None:
    for stuck, learns in ((0, True), (1, True), (2, False), (3, False)):
        assert learning.learns(replace(row(), learnt=learnt(stuck))) is learns
    assert learning.learns(replace(row(), learnt=replace(learnt(1), folds=2))) is False
    assert learning.marks(Learning("e/v", True, None, None, None)) == (None, None, None)


def test_different_marks_differ_in_words_and_an_answer_of_one_class_is_named() -> None:
    rows = [row(a, b, CONTROLS[c]) for a, b, c in itertools.product(YES_NO, repeat=3)]
    answers = {(learning.marks(r), learning.answer(r)) for r in rows}
    assert len(answers) == len({marks for marks, _ in answers}) == len({text for _, text in answers}) == 15
    for r in (row(True, True), row(False, False)):
        assert r.learnt
        one = replace(r, learnt=replace(r.learnt, one_answer=verdicts.ONE_ANSWER))
        assert learning.answer(one) == f"{learning.answer(r)}; {verdicts.ONE_ANSWER}"
        assert verdicts.ONE_ANSWER in learning.sentence([one])


@given(st.lists(st.tuples(*[st.sampled_from(YES_NO)] * 3), min_size=2, max_size=12))
def test_one_sentence_counts_the_marks(kinds: list[tuple[Mark, Mark, Mark]]) -> None:
    rows = [row(a, b, CONTROLS[c]) for a, b, c in kinds]
    expected = []
    for column in zip(*map(learning.marks, rows), strict=True):
        known = [mark for mark in column if mark is not None]
        if known:
            expected.append((sum(known), len(known)))
    text = learning.sentence(rows).lower().replace("both", "all 2")
    found = re.findall(r"(?:all (\d+)|(none|\d+) of (\d+))", text)
    assert [(int(a or 0 if k == "none" else a or k), int(a or n)) for a, k, n in found] == expected


def test_what_was_not_measured_is_null() -> None:
    nothing = Learning("e/v", True, None, None, None)
    known = ("experiment", "leak_free", "answer", "folds_measured", "causes", "one_answer")
    assert {value for name, value in learning.record(nothing).items() if name not in known} == {None}
    assert not any(re.search(r"\d", text) for text in (learning.sentence([]), learning.sentence([nothing])))


def test_the_file_has_the_rows_of_the_report(tmp_path: Path) -> None:
    report = example.many(tmp_path)
    record = json.loads(write(report, tmp_path / "out")[1].read_text("utf-8"))
    assert record["learning_summary"] == [learning.sentence(report.learning)]
    for item, entry in zip(record["learning"], report.learning, strict=True):
        for key, own in (("uf1", entry.score), ("no_motion_uf1", entry.control), ("metadata_uf1", entry.metadata)):
            assert (item[key] and (item[key]["value"], item[key]["p"])) == (own and (own.value, own.p))
        adjusted = (item["p_holm"], item["no_motion_p_holm"], item["metadata_p_holm"])
        assert adjusted == (entry.adjusted, entry.control_adjusted, entry.metadata_adjusted)
        assert item["training_accuracy"] == (entry.learnt.accuracy if entry.learnt else None)
        assert (item["experiment"], item["answer"]) == (entry.name, learning.answer(entry))


@settings(max_examples=60, deadline=None, derandomize=True)
@given(
    st.lists(
        st.tuples(*[st.one_of(st.none(), st.floats(0, 1))] * 3, st.booleans(), st.booleans()),
        max_size=8,
    )
)
def test_scores_and_controls_are_corrected_each_by_themselves(
    p_values: list[tuple[Any, Any, Any, bool, bool]],
) -> None:
    """Controls of both kinds are corrected together."""
    rows = learning.corrected(
        [
            Learning(
                str(i), True, None, score(p=p), score(p=q) if ran else None, metadata=score(p=m) if known else None
            )
            for i, (p, q, m, ran, known) in enumerate(p_values)
        ]
    )
    own = [p for p, *_ in p_values if p is not None]
    controls = [q for _, q, _, ran, _ in p_values if ran and q is not None]
    controls += [m for _, _, m, _, known in p_values if known and m is not None]
    assert [entry.adjusted for entry in rows if entry.adjusted is not None] == list(holm(own))
    adjusted = [*(entry.control_adjusted for entry in rows), *(entry.metadata_adjusted for entry in rows)]
    assert [p for p in adjusted if p is not None] == list(holm(controls))
    for entry, (p, q, m, ran, known) in zip(rows, p_values, strict=True):
        assert (entry.adjusted is None) == (p is None)
        assert (entry.control_adjusted is None) == (q is None or not ran)
        assert (entry.metadata_adjusted is None) == (m is None or not known)


# ---------------------------------------------------------------- one class


def folds(*predicted: list[int], classes: int = 3, shares: float = 0.8, known: int = 3) -> list[FoldResult]:
    """A fold for each list of predicted classes; `known` classes are predicted for its training clips."""
    results = []
    for number, answers in enumerate(predicted):
        probabilities = np.full((len(answers), classes), (1 - shares) / (classes - 1), np.float32)
        probabilities[np.arange(len(answers)), answers] = shares
        probabilities[0] += 1e-3  # not the same for all clips
        clips = tuple(f"smic/s{number}/{i}" for i in range(len(answers)))
        measured = {"training_clips": 9.0, "answered_classes": float(known), "training_accuracy": 1.0}
        measured |= {"training_loss": 0.1, "constant_loss": 1.1, "largest_share": 0.4}
        truth = np.arange(len(answers)) % classes
        results.append(FoldResult(str(number), clips, truth, probabilities, {}, 0, 1.0, measured, {}))
    return results


def test_who_predicts_one_class_for_all_held_out_clips_is_marked() -> None:
    def said(results: list[FoldResult]) -> str:
        remark = verdicts.one_answer(results)
        summary = summarized(results, remark)
        assert summary is not None
        assert summary.one_answer == remark
        return remark

    assert said(folds([1, 1, 1], [1, 1])) == verdicts.ONE_ANSWER
    assert said(folds([1, 1, 1], [1, 2])) == ""
    assert said(folds([1, 1, 1], [2, 2])) == ""  # each fold tests few clips, and its network knows other classes
    by_fold = said(folds([1, 1, 1], [2, 2], known=1))
    assert by_fold.startswith(verdicts.ONE_ANSWER)
    assert "fold" in by_fold
    assert said(folds([1])) == ""  # a single clip has one class
    still = [replace(fold, probabilities=fold.probabilities[[-1] * len(fold.clips)]) for fold in folds([1, 1], [1, 1])]
    assert said(still).startswith(verdicts.ONE_ANSWER)
    assert verdicts.SAME_PROBABILITIES in said(still)
    nearly = [replace(still[0], probabilities=still[0].probabilities + np.array([[0], [1e-5]])), still[1]]
    assert said(nearly) == verdicts.ONE_ANSWER


def test_the_notes_and_the_files_mark_one_class(tmp_path: Path) -> None:
    """Only the rows of the experiment whose folds predict one class, and none of its controls."""
    report = example.licensed(tmp_path)
    free, leaky = report.paper.experiments
    results = {free.id: folds([1, 1, 1], [1, 1]), leaky.id: folds([1, 1, 1], [1, 2])}
    common: dict[str, Any] = {"profile": report.paper.profiles["paper"], "data": "licensed", "command": lambda e: e.id}
    comparisons = tuple(c for e in (free, leaky) for c in verdicts.compare(report.paper, e, results[e.id], 2, **common))
    control = verdicts.compare(report.paper, replace(free, control="no-motion"), results[free.id], 2, **common)
    assert not any(verdicts.ONE_ANSWER in c.reason for c in control)
    rows = learning.of_paper(report.paper, results, comparisons)
    assert [bool(learning.record(item)["one_answer"]) for item in rows] == [item.name == free.id for item in rows]
    report = replace(report, comparisons=comparisons, learning=rows)
    shown = numbers.view(report)
    (note,) = (n for n, text in enumerate(shown["notes"], 1) if verdicts.ONE_ANSWER in text.lower())
    noted = [str(note) in row["notes"].split(", ") for row in shown["scores"] if row["name"]]
    assert noted == [row["name"] == free.id for row in shown["scores"] if row["name"]]
    page = results_page.content([report])["rows"]
    assert {line["experiment"] for line in page if verdicts.ONE_ANSWER in line["reason"]} == {free.id}
