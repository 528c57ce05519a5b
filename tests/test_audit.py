"""The audit finds by itself what arithmetic says of printed numbers."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import papers
from common.audit import audit, confusions, error_counts, prints_as
from common.audit.networks import output
from common.audit.proportions import counts_printing_as, deviates, fitting_share
from common.claims import read_claims
from common.histories import LAST_DEVIATION
from common.metrics import recall_per_class
from common.report.assemble import documented
from common.types import Claim, Finding

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


def test_findings_on_a_composite_are_those_they_always_were() -> None:
    topics = [one.topic for one in audit(PAPER.facts, PAPER.claims, documented(), {"parameters": 1_093_531})]
    assert topics == [
        *["Class counts add up"] * 4,
        *["Corpora add up to the composite"] * 3,
        *["Class counts against the corpora"] * 4,
        *["Sequences against the corpora"] * 3,
        *["Participants against the corpora"] * 3,
        "Parameters against the models",
        *["UAR and UF1 as whole clips"] * 3,
        "Corpus columns against the composite",
    ]


# ---------------------------------------------------------------- percentages of single splits

SINGLE = read_claims(Path(papers.__file__).parent / "reddy2019" / "claims.toml")


def percent(printed: str, metric: str = "accuracy") -> Claim:
    return Claim("e", "v", "c", metric, printed, "Table", unit="%")


def findings(topic: str, *, holds: bool) -> list[Finding]:
    made = audit(SINGLE.facts, SINGLE.claims, documented(), {})
    return [one for one in made if one.topic == topic and one.holds == holds]


def test_every_printed_number_is_there() -> None:
    by_source = {
        source: [c for c in SINGLE.claims if c.source == source] for source in ("Table V", "Table VIII", "Table IX")
    }
    assert {source: len(claims) for source, claims in by_source.items()} == {
        "Table V": 6,
        "Table VIII": 12,
        "Table IX": 12,
    }
    assert all(0 < claim.value < 1 and claim.unit == "%" for claim in SINGLE.claims)


@pytest.mark.parametrize(
    ("printed", "n", "k"), [("87.80", 41, [36]), ("83.25", 41, []), ("83.25", 203, [169]), ("51.20", 1990, [1019])]
)
def test_shares_of_whole_clips(printed: str, n: int, k: list[int]) -> None:
    assert counts_printing_as(percent(printed), n) == k


def test_how_many_figures_some_share_is_printed_as() -> None:
    figures = {f"{100 * k / 7:.1f}" for k in range(8)} | {f"{int(1000 * k / 7) / 10:.1f}" for k in range(8)}
    assert fitting_share(percent("12.3"), 7) == len(figures) / 1001


def test_deviations_are_reached_by_ten_counts_or_not() -> None:
    rng = np.random.default_rng(3)
    for _ in range(200):
        n = int(rng.integers(5, 60))
        counts = rng.integers(0, n + 1, 10)
        for less in (0, 1):
            claim = percent(f"{100 * np.std(counts / n, ddof=less):.2f}", LAST_DEVIATION)
            assert deviates(claim, [int(counts.sum())], n, less)
    assert deviates(percent("5.02"), [337], 41, 1)
    assert not deviates(percent("5.02"), [337], 41, 0)


def test_figures_that_are_no_whole_clips_of_the_validation_set() -> None:
    wrong = {one.statement.split(":")[0]: one for one in findings("Accuracies as whole clips", holds=False)}
    assert set(wrong) == {
        "intermediate-casme_sq on casme_sq_recordings",
        "late-casme_sq on casme_sq_recordings",
        "intermediate-smic on smic",
        "late-smic on smic",
        "kernel 5x5x3 on casme_sq_recordings",
    }
    assert "83.25% is no k/41" in wrong["intermediate-casme_sq on casme_sq_recordings"].statement
    assert "It is 169/203" in wrong["intermediate-casme_sq on casme_sq_recordings"].statement
    assert "109 is also the largest class of these 199" in wrong["intermediate-smic on smic"].statement
    assert "inferred, not printed" in wrong["late-smic on smic"].statement
    assert "The nearest is 26/41 = 63.41%" in wrong["kernel 5x5x3 on casme_sq_recordings"].statement


def test_figures_that_a_single_answer_reaches() -> None:
    anger, happy = (one.statement for one in findings("Accuracies of a single answer", holds=True))
    assert "3x3x19 29.27%, kernel 5x5x19 29.27% and kernel 7x7x15 29.27% equal the share of anger" in anger
    assert "5x5x15 51.22%, kernel 7x7x7 51.22% and kernel 7x7x19 51.22% equal the share of happy" in happy


def test_means_over_epochs() -> None:
    right = [one.statement for one in findings("Means over epochs as whole clips", holds=True)]
    assert len(right) == 2
    assert all("as that of a sample (n - 1) alone" in statement for statement in right)
    wrong = [one.statement for one in findings("Means over epochs as whole clips", holds=False)]
    assert len(wrong) == 4
    assert "1019/1990 (cut off, not rounded)" in wrong[2]
    assert not any("cut off" in statement for statement in (*right, *wrong[:2], wrong[3]))


def test_printed_matrices_have_the_printed_rows_and_accuracies() -> None:
    right = findings("Confusion matrices", holds=True)
    assert len(right) == 6
    assert not findings("Confusion matrices", holds=False)
    changed = SINGLE.facts | {
        "confusions": [SINGLE.facts["confusions"][0] | {"matrix": [[18, 2, 1], [0, 11, 1], [1, 1, 6]]}]
    }
    made = audit(changed, SINGLE.claims, documented(), {})
    assert [one.holds for one in made if one.topic == "Confusion matrices"] == [True, False, True]


def test_counts_that_neither_corpus_has() -> None:
    (smic,) = findings("Class counts against the corpora", holds=False)
    assert smic.statement.endswith("the printed negative 79 lies above it.")
    assert "MEGC" not in smic.statement
    (micro,) = findings("Micro-expressions against the corpora", holds=False)
    assert "printed 206" in micro.statement
    assert "annotates 57" in micro.statement
    (recordings,) = findings("Class counts against the recordings", holds=False)
    assert "anger 2 x 22 = 44, printed 76" in recordings.statement


def test_a_split_by_the_public_seed_is_that_of_scikit_learn() -> None:
    from sklearn.model_selection import train_test_split

    labels = np.repeat([0, 1, 2], [66, 47, 43])
    _, held_out = train_test_split(labels, test_size=0.2, random_state=4)
    (found,) = findings("The split of the public code", holds=True)
    assert found.statement.endswith(f"give {'/'.join(map(str, np.bincount(held_out)))}, printed 19/6/7.")


def test_layer_tables_follow_from_their_layers() -> None:
    assert [one.source for one in findings("Layer tables", holds=True)] == ["Table I", "Table III"]
    (wrong,) = findings("Layer tables", holds=False)
    assert "concatenation gives 172,800, printed 86,400; the other 13 outputs" in wrong.statement
    layer = {"kind": "convolution", "filters": 32, "size": [3, 3, 15], "output": []}
    assert output(layer, (64, 64, 96)) == (32, 62, 62, 82)
    assert output(layer, (8, 64, 64, 96)) == (32, 62, 62, 82)
