"""The audit finds by itself what arithmetic says of printed numbers."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

import papers
from common.audit import audit, confusions, error_counts, prints_as
from common.metrics import recall_per_class
from common.report.assemble import documented

PAPER = papers.load("aouayeb2019")


def test_a_figure_may_be_rounded_or_truncated() -> None:
    assert prints_as(np.array([0.98580, 0.98565, 0.98564]), "0.9857").tolist() == [False, True, False]
    assert prints_as(np.array([0.98578]), "0.9857").tolist() == [True]


def test_every_confusion_matrix_has_the_wrong_clips_it_was_made_for() -> None:
    matrices = confusions((2, 1, 3), (5, 4, 3))
    assert len(matrices) == 3 * 2 * 4
    assert len({matrix.tobytes() for matrix in matrices}) == len(matrices)
    assert (matrices.sum(axis=2) == [5, 4, 3]).all()
    assert np.allclose(recall_per_class(matrices), [3 / 5, 3 / 4, 0])


def test_wrong_clips_behind_a_recall_are_found() -> None:
    assert (1, 1, 0) in error_counts("0.9857", (88, 32, 25))


def test_table_2_has_one_solution_in_whole_clips() -> None:
    found = [one for one in audit(PAPER.facts, PAPER.claims, documented(), {}) if "composite" in one.topic]
    sentence = found[-1].statement
    assert found[-1].holds
    assert "smic 6/10/3; casme2 1/1/0; samm 12/1/6; together 19/12/9, so 402 of 442 clips" in sentence


def test_a_changed_digit_is_found() -> None:
    wrong = tuple(
        replace(claim, printed="0.9020") if (claim.metric, claim.corpus) == ("uar", "megc2019") else claim
        for claim in PAPER.claims
    )
    assert not all(one.holds for one in audit(PAPER.facts, wrong, documented(), {}))


def test_counts_that_the_corpora_do_not_have_are_found() -> None:
    failing = {one.statement for one in audit(PAPER.facts, PAPER.claims, documented(), {}) if not one.holds}
    assert "casme2: printed 247 sequences; the distributed table has 255." in failing
    assert "samm: printed 32 participants; the distributed table has 29." in failing
    assert len(failing) == 2


def test_parameters_are_held_against_the_models() -> None:
    for built, holds in ((1_093_531, True), (1_093_530, False)):
        found = [o for o in audit(PAPER.facts, PAPER.claims, documented(), {"parameters": built}) if "Param" in o.topic]
        assert [one.holds for one in found] == [holds]
