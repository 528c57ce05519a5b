"""Predictions that others published: scores from clips, against what was printed and what the corpora have."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path

import comparison_example
import numpy as np
import pytest

import papers
from common.audit.documented import documented
from common.audit.predictions import against_predictions
from common.corpora.composite import DOCUMENTED, MEGC2019, shortfall
from common.report import comparison_tables
from common.report.common_ground import references
from common.report.comparison import page
from common.scoring import public

METHODS = {method.key: method for method in public.methods()}
PRINTED = {
    "megc2019": (0.7353, 0.7605),
    "smic": (0.6801, 0.7013),
    "casme2": (0.8382, 0.8686),
    "samm": (0.6588, 0.6810),
}
"""UF1 and what is called UAR in the publication of STSTNet."""


def test_the_clips_of_ststnet_are_the_whole_composite() -> None:
    result = METHODS["ststnet"].result
    assert shortfall(result.clips) == ""
    classes = [MEGC2019.classes[label] for label in result.truth]
    counts = Counter((clip.split("/")[0], name) for clip, name in zip(result.clips, classes, strict=True))
    subjects = Counter(subject.split("/")[0] for subject in {clip.rpartition("/")[0] for clip in result.clips})
    for corpus, known in DOCUMENTED.items():
        assert {name: counts[corpus, name] for name in MEGC2019.classes} == {c: known[c] for c in MEGC2019.classes}
        assert subjects[corpus] == known["subjects"]


def test_the_classes_of_the_composite_follow_the_names_of_smic() -> None:
    classes = public.composite_classes()
    assert len(classes) == 442
    names = {"ne": "negative", "po": "positive", "sur": "surprise"}
    assert all(classes[clip] == names[clip.split("_")[1]] for clip in classes if clip.startswith("smic/"))


def test_capsulenet_lacks_seven_clips_of_smic() -> None:
    assert shortfall(METHODS["capsulenet"].result.clips) == "435 of the 442 clips of the composite: smic 157 of 164"


@pytest.mark.parametrize("corpus", PRINTED)
def test_ststnet_has_the_printed_uf1_and_prints_precision_as_uar(corpus: str) -> None:
    figures = public.figures(METHODS["ststnet"])[corpus]
    assert (round(figures["uf1"], 4), round(figures["precision"], 4)) == PRINTED[corpus]
    assert figures["uar"] == pytest.approx(public.scores(METHODS["ststnet"])[corpus]["uar"].value)
    assert round(figures["uar"], 4) != PRINTED[corpus][1]


def test_the_two_are_compared_on_the_clips_whose_class_they_agree_on() -> None:
    test, apart = public.compared(METHODS["ststnet"], METHODS["capsulenet"])
    assert apart == ("smic/s18/s18_sur_03",)
    assert (test.n_clips, test.n_subjects, test.only_first, test.only_second) == (434, 68, 86, 53)
    assert 0.1 < test.p < 0.3
    back, _ = public.compared(METHODS["capsulenet"], METHODS["ststnet"])
    assert (back.difference, back.p) == (-test.difference, test.p)


def test_the_audit_says_which_cited_figures_are_those_of_the_predictions() -> None:
    paper = papers.load("aouayeb2019")
    by_method = {f.statement.split(":")[0]: f for f in against_predictions(paper.facts, documented())}
    quang, liong = by_method["Quang et al. [12]"], by_method["Liong et al. [8]"]
    assert "7 of 8" in quang.statement
    assert "0.5882 on SAMM" in quang.statement.replace("samm", "SAMM")
    assert liong.statement.count("recalls:") == 4
    assert not quang.holds
    assert not liong.holds


def test_networks_that_ran_on_the_real_corpora_are_compared_with_the_methods(tmp_path: Path) -> None:
    side = comparison_example.side(tmp_path, 3)
    names = [f"{c.paper}/{c.experiment}" for c in side.contenders]
    ststnet = METHODS["ststnet"].result
    right = replace(ststnet, probabilities=np.eye(3, dtype=np.float32)[ststnet.truth])
    side = replace(side, references=references({names[0]: [ststnet], names[1]: [right]}))
    (own, oracle, none) = comparison_tables.references(side)["differences"]
    assert own[0] == "0.000 (p 1.000)"
    assert oracle[0].startswith("+0.265")
    assert none == ["\u2013", "\u2013"]
    assert [row["clips"] for row in comparison_tables.references(side)["rows"]] == ["442", "435"]
    assert page(side).startswith(b"%PDF")
