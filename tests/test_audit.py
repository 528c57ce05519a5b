"""The audit finds by itself what arithmetic says of printed numbers."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import replace
from fractions import Fraction
from math import ceil, floor

import numpy as np
import pytest

import papers
from common.audit import audit
from common.audit.documented import documented
from common.audit.finding import Finding
from common.audit.networks import output
from common.audit.proportions import counts_printing_as, deviates, fitting_share
from common.contract import Claim
from common.scoring.histories import LAST_DEVIATION

PAPER = papers.load("aouayeb2019")
KEYS = ("aouayeb2019", "kumar2019", "le2020", "reddy2019", "see2019", "talluri2022")


def test_table_2_has_one_solution_in_whole_clips() -> None:
    made = audit(PAPER.facts, PAPER.claims, documented(), {}, PAPER.checks)
    whole = [finding for finding in made if finding.topic == "Corpus columns against the composite"]
    sentence = whole[-1].statement
    assert whole[-1].holds
    assert "smic 6/10/3; casme2 1/1/0; samm 12/1/6; together 19/12/9, so 402 of 442 clips" in sentence


def test_a_changed_digit_is_found() -> None:
    wrong = tuple(
        replace(claim, printed="0.9020") if (claim.metric, claim.corpus) == ("uar", "megc2019") else claim
        for claim in PAPER.claims
    )
    assert not all(finding.holds for finding in audit(PAPER.facts, wrong, documented(), {}, PAPER.checks))


def of_kind(key: str, kind: str) -> list[Finding]:
    paper = papers.load(key)
    made = audit(paper.facts, paper.claims, documented(), {}, paper.checks)
    return [finding for finding in made if finding.kind == kind and not finding.holds]


def test_the_numbers_of_the_corpus_articles_are_documented() -> None:
    for key, subjects in (("aouayeb2019", 32), ("le2020", 32), ("talluri2022", 29), ("kumar2019", 28)):
        paper = papers.load(key)
        made = audit(paper.facts, paper.claims, documented(), {}, paper.checks)
        (people,) = (o for o in made if o.topic == "Participants against the corpora" and o.statement[:4] == "samm")
        assert (people.kind, people.holds) == ("documented", True)
        assert f"printed {subjects} participants" in people.statement
    assert {f.topic for f in of_kind("aouayeb2019", "documented")} == {"Cited figures from public predictions"}
    (clips,) = of_kind("le2020", "documented")  # Table I calls 164 clips SMIC-E-HS
    assert "printed 164 sequences of SMIC-E-HS" in clips.statement
    assert "157 (SMIC-E-HS of the long release)" in clips.statement


def test_what_each_paper_is_left_with() -> None:
    counted = {key: Counter(finding.topic for finding in of_kind(key, "contradicted")) for key in KEYS}
    assert counted == {
        "aouayeb2019": {},
        "kumar2019": {"UAR and UF1 of the confusion matrices": 1},
        "le2020": {},
        "reddy2019": {"Layer tables": 1, "Accuracies as whole clips": 5, "Means over epochs as whole clips": 2},
        "see2019": {"UAR and UF1 as whole clips": 1},
        "talluri2022": {},
    }


def test_the_only_solution_says_more_than_table_2() -> None:
    made = audit(PAPER.facts, PAPER.claims, documented(), {}, PAPER.checks)
    says = {finding.topic: finding.statement for finding in made}
    assert "402/442 clips of the only solution are 90.95% (cut off, not rounded)" in says["Accuracy behind the columns"]
    assert "negative 231/250 = 0.924, positive 97/109 = 0.890 and surprise 74/83 = 0.892" in says["Highest recall"]


def test_margins_are_those_of_the_cited_rows() -> None:
    made = audit(PAPER.facts, PAPER.claims, documented(), {}, PAPER.checks)
    (margins,) = (finding for finding in made if finding.topic == "Margins in the text")
    own = {c.metric: c.value for c in PAPER.claims if c.corpus == "megc2019"}
    for metric in ("uf1", "uar"):
        leads = [100 * (own[metric] - row.values["megc2019"][metric]) for row in PAPER.cited]
        assert f"{min(leads):.1f} to {max(leads):.1f} points in {metric.upper()}" in margins.statement
    assert margins.holds


def test_parameters_are_held_against_the_models() -> None:
    for built, holds in ((1_093_531, True), (1_093_530, False)):
        made = audit(PAPER.facts, PAPER.claims, documented(), {"parameters": built}, PAPER.checks)
        assert [finding.holds for finding in made if finding.topic == "Parameters against the models"] == [holds]
        (layers,) = (finding for finding in made if finding.topic == "Parameters by layers")
        assert layers.holds
        assert "1,093,531 with 4 input channels" in layers.statement


@pytest.mark.parametrize("key", KEYS)
def test_a_finding_is_one_sentence_with_its_place(key: str) -> None:
    paper = papers.load(key)
    for finding in audit(paper.facts, paper.claims, documented(), {}, paper.checks):
        assert finding.statement.endswith(".")
        assert not re.search(r"[.:]\s+[A-Z][a-z]+ (is|are|has|have|the)\b", finding.statement[:-1])
        assert not re.search(r"\.\s", finding.statement.replace("et al. ", ""))
        assert re.search(r"Table|Section|Abstract|[Ff]igure|Equation", finding.source), finding


@pytest.mark.parametrize("key", KEYS)
def test_what_the_audit_names_is_printed(key: str) -> None:
    paper = papers.load(key)
    known = {claim.experiment for claim in paper.claims}
    for group in (*paper.facts.get("folds", ()), *paper.facts.get("bounds", ())):
        assert set(group["experiments"]) <= known
    for sentence in paper.facts.get("above", ()):
        assert set(sentence.get("own", ())) <= known
        assert set(sentence.get("cited", ())) <= {row.method for row in paper.cited}
    assert all(isinstance(text, str) for text in paper.facts.get("printed", {}).values())


def test_three_matrices_are_no_composite_row() -> None:
    paper = papers.load("kumar2019")
    made = audit(paper.facts, paper.claims, documented(), {}, paper.checks)
    (pooled,) = (finding for finding in made if finding.topic == "Matrices of the corpora against the composite")
    recalls = np.mean([(65 + 84 + 85) / 250, (37 + 20 + 17) / 109, (25 + 21 + 7) / 83])
    assert f"UAR {recalls:.5f}, printed 0.7355" in pooled.statement
    assert not pooled.holds
    assert pooled.kind == "note"  # the composite may be a run of its own


# ---------------------------------------------------------------- percentages of single splits

SINGLE = papers.load("reddy2019")


def percent(printed: str, metric: str = "accuracy") -> Claim:
    return Claim("e", "v", "c", metric, printed, "Table", unit="%")


def findings(topic: str, *, holds: bool) -> list[Finding]:
    made = audit(SINGLE.facts, SINGLE.claims, documented(), {}, SINGLE.checks)
    return [finding for finding in made if finding.topic == topic and finding.holds == holds]


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
    figures = {f"{way(Fraction(1000 * k, 7)) / 10:.1f}" for k in range(8) for way in (floor, ceil)}
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
    wrong = {finding.statement.split(":")[0]: finding for finding in findings("Accuracies as whole clips", holds=False)}
    assert set(wrong) == {
        "intermediate-casme_sq on casme_sq_recordings",
        "late-casme_sq on casme_sq_recordings",
        "intermediate-smic on smic",
        "late-smic on smic",
        "kernel 5x5x3 on casme_sq_recordings",
    }
    assert "83.25% is not k/41" in wrong["intermediate-casme_sq on casme_sq_recordings"].statement
    assert "it is 169/203" in wrong["intermediate-casme_sq on casme_sq_recordings"].statement
    assert "109 is the largest class of these 199" in wrong["intermediate-smic on smic"].statement
    assert "inferred, not printed" in wrong["late-smic on smic"].statement
    assert "the nearest is 26/41 = 63.41%" in wrong["kernel 5x5x3 on casme_sq_recordings"].statement


def test_figures_that_a_single_answer_reaches() -> None:
    anger, happy = (finding.statement for finding in findings("Accuracies of a single answer", holds=False))
    assert "3x3x19 29.27%, kernel 5x5x19 29.27% and kernel 7x7x15 29.27% equal the percentage of anger" in anger
    assert "5x5x15 51.22%, kernel 7x7x7 51.22% and kernel 7x7x19 51.22% equal the percentage of happy" in happy


def test_means_over_epochs() -> None:
    right = [finding.statement for finding in findings("Means over epochs as whole clips", holds=True)]
    assert len(right) == 4
    assert all("can be that of a sample (n - 1) only" in statement for statement in (right[0], right[2]))
    assert "is not K/410 (validation clips), but 1508/2060 (training and validation clips;" in right[1]
    assert "is not K/320 (validation clips), but 635/1240 (cut off, not rounded) (training clips;" in right[3]
    wrong = [finding.statement for finding in findings("Means over epochs as whole clips", holds=False)]
    assert ["1595/2030" in wrong[0], "1193/1990" in wrong[1], len(wrong)] == [True, True, 2]


def test_printed_matrices_have_the_printed_rows_and_accuracies() -> None:
    right = findings("Confusion matrices", holds=True)
    assert len(right) == 6
    assert not findings("Confusion matrices", holds=False)
    changed = SINGLE.facts | {
        "confusions": [SINGLE.facts["confusions"][0] | {"matrix": [[18, 2, 1], [0, 11, 1], [1, 1, 6]]}]
    }
    made = audit(changed, SINGLE.claims, documented(), {}, SINGLE.checks)
    assert [finding.holds for finding in made if finding.topic == "Confusion matrices"] == [True, False, True]


def test_counts_that_neither_corpus_has() -> None:
    (smic,) = findings("Class counts against the corpora", holds=False)
    assert smic.statement.endswith("the printed negative 79 is higher.")
    assert "MEGC" not in smic.statement
    (micro,) = findings("Micro-expressions against the corpora", holds=False)
    assert "printed 206" in micro.statement
    assert "annotates 57" in micro.statement
    (recordings,) = findings("Class counts against the recordings", holds=False)
    assert "anger 2 x 22 = 44, printed 76" in recordings.statement


def test_a_split_without_shuffling_leaves_a_class_out() -> None:
    """Half of six rows in the order a a b c c c: of a and b, which are trained, there are three."""
    facts = {
        "unshuffled_splits": [
            {"corpus": "x", "rows": [["a", 2], ["b", 1], ["c", 3]], "held_out_share": 0.5, "source": "code"}
        ]
    }
    claims = [
        Claim(name, "published", "x", "accuracy", printed, "Table", n, unit="%")
        for name, printed, n in (("one", "50.00", 6), ("two", "66.67", 6), ("three", "66.67", 3))
    ]
    (alone,) = audit(facts, claims[:1], {}, {}, SINGLE.checks)
    assert alone.holds
    made = audit(facts, claims, {}, {}, SINGLE.checks)
    (both,) = [finding for finding in made if "unshuffled" in finding.topic]
    assert not both.holds
    for part in ("2/1/0", "0/0/3", "3/6, 50.00%", "two 66.67% is above"):
        assert part in both.statement
    assert "three" not in both.statement
    made = audit(SINGLE.facts, SINGLE.claims, documented(), {}, SINGLE.checks)
    unshuffled = [finding for finding in made if "unshuffled" in finding.topic]
    of_casme, of_smic = sorted(unshuffled, key=lambda finding: finding.statement)
    assert (of_smic.holds, of_casme.holds) == (True, False)
    assert "168/203, 82.76%" in of_casme.statement


def test_a_split_by_the_public_seed_is_that_of_scikit_learn() -> None:
    from sklearn.model_selection import train_test_split

    labels = np.repeat([0, 1, 2], [66, 47, 43])
    _, held_out = train_test_split(labels, test_size=0.2, random_state=4)
    (finding,) = findings("The split of the public code", holds=True)
    assert finding.statement.endswith(f"give {'/'.join(map(str, np.bincount(held_out)))}, printed 19/6/7.")


def test_layer_tables_follow_from_their_layers() -> None:
    assert [finding.source for finding in findings("Layer tables", holds=True)] == ["Table I", "Table III"]
    (wrong,) = findings("Layer tables", holds=False)
    assert "concatenation gives 172,800, printed 86,400; the other 13 outputs" in wrong.statement
    layer = {"kind": "convolution", "filters": 32, "size": [3, 3, 15], "output": []}
    assert output(layer, (64, 64, 96)) == (32, 62, 62, 82)
    assert output(layer, (8, 64, 64, 96)) == (32, 62, 62, 82)


# ---------------------------------------------------------------- ranks and means of tables


def test_means_of_a_table_are_held_against_what_the_text_says_of_it() -> None:
    printed = {c.metric.removeprefix("best epoch, kernel "): c.value for c in SINGLE.claims if c.source == "Table IX"}
    depth = {d: np.mean([v for k, v in printed.items() if k.endswith(f"x{d}")]) for d in (3, 7, 15, 19)}
    _, temporal = findings("Means along an axis", holds=True)
    assert all(f"{100 * mean:.2f}% at {d}" in temporal.statement for d, mean in depth.items())
    assert max(depth, key=depth.__getitem__) == 3
    assert max(printed, key=printed.__getitem__) == "3x3x15"  # "more temporal extent": the highest figure has more
    assert "the highest figure is at 15" in temporal.statement
    moved = tuple(replace(c, printed="20") if c.metric.endswith("3x3x15") else c for c in SINGLE.claims)
    made = audit(SINGLE.facts, moved, documented(), {}, SINGLE.checks)
    assert [finding.kind for finding in made if finding.topic == "Means along an axis"] == ["note", "contradicted"]


def test_a_rank_is_among_all_or_among_the_papers_own() -> None:
    paper = papers.load("le2020")
    made = audit(paper.facts, paper.claims, documented(), {}, paper.checks)
    made = [finding for finding in made if finding.topic == "Ranks in the text"]
    assert [finding.holds for finding in made] == [True, True, True]
    assert "vgg19-smic 72.69%, Facial Color + LSTM [25] 70.5%, resnet50-smic 69.49%" in made[1].statement
    assert ["among the paper's own" in finding.statement for finding in made] == [False, True, False]
    swapped = [given | {"names": given["names"][::-1]} for given in paper.facts["order"]]
    made = audit(paper.facts | {"order": swapped}, paper.claims, documented(), {}, paper.checks)
    assert {finding.kind for finding in made if finding.topic == "Ranks in the text"} == {"contradicted"}


def test_words_without_a_quantity_contradict_nothing() -> None:
    loose = {
        (paper.key, finding.source): finding
        for paper in map(papers.load, ("kumar2019", "le2020", "reddy2019"))
        for finding in audit(paper.facts, paper.claims, documented(), {}, paper.checks)
        if finding.topic == "Own figures above cited ones" and "neither all nor most" in finding.statement
    }
    assert {key: (finding.holds, finding.kind) for key, finding in loose.items()} == {
        ("kumar2019", "Sections 4.3 and 5, Table 3"): (True, "note"),  # 15 of 16
        ("le2020", "Section IV.B, Table II"): (True, "note"),  # the best of three
        ("le2020", "Section V, Tables II and III"): (True, "note"),  # 9 of 10
        ("reddy2019", "Section V.A, Table V"): (False, "note"),  # 2 of 4
    }


def test_a_joined_set_has_as_many_clips_as_its_parts_add_or_as_are_for_training() -> None:
    paper = papers.load("talluri2022")
    made = audit(paper.facts, paper.claims, documented(), {}, paper.checks)
    (joined,) = (finding for finding in made if finding.topic == "Clips of a joined set")
    assert joined.holds
    assert "164 more than casme2 (131 of them for training) and 123 more than smic (98 of them" in joined.statement
    assert joined.statement.endswith("printed 230 more, which are all for training.")
    assert round(0.8 * 287) == 230
    wrong = [given | {"more": 231} for given in paper.facts["more_clips"]]
    made = audit(paper.facts | {"more_clips": wrong}, paper.claims, documented(), {}, paper.checks)
    assert [finding.kind for finding in made if finding.topic == "Clips of a joined set"] == ["contradicted"]
