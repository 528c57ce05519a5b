"""The audit's checks: against independent computations, and each with a planted error that it finds."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from fractions import Fraction
from importlib import import_module
from itertools import product
from math import ceil, floor
from pathlib import Path
from typing import Any

import audit_example
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import papers
from common.audit import FACTS, audit, error_counts, prints_as
from common.audit.basics import not_rounded, printable
from common.audit.cited import cited_columns
from common.audit.finding import Finding, checks
from common.audit.folds import means
from common.audit.networks import weights
from common.audit.recalls import uf1_values
from common.errors import UserError
from common.scoring.claims import ANY, Keys, keys, read_claims
from common.scoring.claims import TEXTS as TEXTS_OF_A_PAPER
from common.scoring.metrics import uf1

TEXTS = {"composite": audit_example.COMPOSITE, "single": audit_example.SINGLE}

PLANTED = [
    ("composite", "Class counts add up", "casme2 = 17", "casme2 = 18"),
    ("composite", "Corpora add up to the composite", "union = { negative = 14", "union = { negative = 13"),
    ("composite", "Sums and products in the text", "total = 36", "total = 35"),
    ("composite", "Class counts against the corpora", "casme2 = { negative = 8", "casme2 = { negative = 9"),
    ("composite", "Sequences against the corpora", "casme2 = 20\n", "casme2 = 21\n"),
    ("composite", "Participants against the corpora", "casme2 = 7", "casme2 = 8"),
    ("composite", "Frame rates against the corpora", "casme2 = 200", "casme2 = 100"),
    ("composite", "Emotions add up", "disgust = 6", "disgust = 7"),
    ("composite", "Emotions against the corpora", "others = 3", "others = 4"),
    (
        "composite",
        "Clips of the named emotions",
        '["negative", "positive", "surprise"]\n\n[facts.reg',
        '["negative"]\n\n[facts.reg',
    ),
    ("composite", "Numbers of emotions", "casme2 = 5\n", "casme2 = 6\n"),
    ("composite", "Clips of the regrouped classes", '["disgust", "repression"]', '["disgust"]'),
    ("composite", "Parameters against the models", "parameters = 204", "parameters = 132"),
    ("composite", "Parameters by layers", "inputs = 2, units = 2 },\n]", "inputs = 3, units = 2 },\n]"),
    ("composite", "More than the largest class", '"0.81" }', '"0.43" }'),
    ("composite", "Confusion matrices", "[[5, 0, 1]", "[[5, 1, 1]"),
    ("composite", "UAR and UF1 of the confusion matrices", 'smic = "0.7944"', 'smic = "0.7954"'),
    ("composite", "Matrices of the corpora against the composite", 'union = "0.8107"', 'union = "0.8117"'),
    ("composite", "UAR and UF1 as whole clips", '"0.7155"', '"0.9155"'),
    ("composite", "Recalls as whole clips", '"0.857"', '"0.855"'),
    ("composite", "Corpus columns against the composite", 'union = "0.8058"', 'union = "0.8258"'),
    ("composite", "Accuracy behind the columns", '"0.81" }', '"0.84" }'),
    ("composite", "Highest recall", 'highest_recall = "surprise"', 'highest_recall = "positive"'),
    ("composite", "Cited UAR and UF1 as whole clips", "uf1 = 0.6167", "uf1 = 0.2"),
    ("composite", "Cited corpus columns against the composite", "uar = 0.6881", "uar = 0.9881"),
    ("composite", "Cited accuracies as whole clips", "accuracy = 0.7 ", "accuracy = 0.7123 "),
    ("composite", "Cited figures in another paper", '"uf1", "0.6167"', '"uf1", "0.6176"'),
    ("composite", "Figures printed twice", '"union", "uar", "0.8107"', '"union", "uar", "0.8017"'),
    ("composite", "Confusion matrices", '["83.3", "0"', '["82.3", "0"'),
    ("composite", "F1 of the confusion matrix", "0.8273", "0.8283"),
    ("composite", "Leads in the text", '{ union = "20"', '{ union = "30"'),
    ("composite", "Margins in the text", '["21", "20.5"]', '["40", "20.5"]'),
    ("composite", "Own figures above cited ones", "{ uar = 0.6, uf1 = 0.6 }", "{ uar = 0.85, uf1 = 0.6 }"),
    ("single", "Training and validation add up", "negative = [40, 10]", "negative = [41, 10]"),
    ("single", "Shares of training and validation", "[80, 20]\nbeside", "[90, 10]\nbeside"),
    ("single", "The split of the public code", "seed = 0", "seed = 1"),
    ("single", "Micro-expressions against the corpora", "casme_sq = 50", "casme_sq = 58"),
    ("single", "Class counts against the recordings", "negative = [5, 10]", "negative = [5, 9]"),
    ("single", "Parts of a joined set", 'smic = "65.0"', 'smic = "50.0"'),
    ("single", "Clips of a joined set", "more = 100", "more = 119"),
    ("single", "Layer tables", "output = [16]", "output = [18]"),
    ("single", "Accuracies as whole clips", '"75.00"', '"75.10"'),
    ("single", "Means over epochs as whole clips", '"70.00"', '"70.30"'),
    ("single", "Means over epochs against the accuracy", '"70.00"', '"80.00"'),
    ("single", "Accuracies as means over folds", 'casme2 = "58.0"', 'casme2 = "58.9"'),
    ("single", "More than the largest class", 'casme2 = "54.0"', 'casme2 = "50.0"'),
    ("single", "Confusion matrices", "[[9, 1, 0]", "[[8, 2, 0]"),
    ("single", "Differences in the text", '"58.0", "4.0"', '"58.0", "4.1"'),
    ("single", "Differences in the text", '"54.0", "8.5"', '"54.0", "9.5"'),
    ("single", "Differences in the text", '["62.0", "58.0"', '["62.1", "58.0"'),
    ("single", "Bounds in the text", 'above = "53"', 'above = "54"'),
    ("single", "Ranks in the text", '["one-first", "two-first"]\n\n', '["two-first", "one-first"]\n\n'),
    ("single", "Wins in the text", "printed = 1\n", "printed = 2\n"),
    ("single", "Means of rows", 'last = ["second"]', 'last = ["first"]'),
    ("single", "Means along an axis", '"spatial extent" = "less"', '"spatial extent" = "more"'),
    ("single", "Spread by corpus", '"6.00"', '"5.00"'),
]


DOCUMENTED = dict.fromkeys(
    (
        "Class counts against the corpora",
        "Sequences against the corpora",
        "Participants against the corpora",
        "Frame rates against the corpora",
        "Emotions against the corpora",
        "Clips of the named emotions",
        "Numbers of emotions",
        "The split of the public code",
        "Micro-expressions against the corpora",
        "Class counts against the recordings",
        "Cited figures in another paper",
    ),
    "documented",
)
NOTES = dict.fromkeys(
    (
        "Parameters against the models",
        "More than the largest class",
        "Matrices of the corpora against the composite",
        "Corpus columns against the composite",
        "Accuracy behind the columns",
        "Highest recall",
        "Cited UAR and UF1 as whole clips",
        "Cited corpus columns against the composite",
        "Cited accuracies as whole clips",
        "Parts of a joined set",
        "Means over epochs against the accuracy",
    ),
    "note",
)
"""What a planted error is found as where it is not contradicted: it may be the check's own reading that is wrong."""


def audited(kind: str, text: str, folder: Path) -> tuple[Finding, ...]:
    path = folder / "claims.toml"
    path.write_text(text, encoding="utf-8")
    read = read_claims(path)
    return audit(read.facts, read.claims, audit_example.KNOWN[kind], {"parameters": 204}, audit_example.own_checks)


@pytest.mark.parametrize("kind", TEXTS)
def test_nothing_is_found_where_everything_agrees(kind: str, tmp_path: Path) -> None:
    assert [finding for finding in audited(kind, TEXTS[kind], tmp_path) if not finding.holds] == []


@pytest.mark.parametrize(("kind", "topic", "right", "wrong"), PLANTED)
def test_a_planted_error_is_found(kind: str, topic: str, right: str, wrong: str, tmp_path: Path) -> None:
    assert TEXTS[kind].count(right) == 1
    failing = {
        finding.topic for finding in audited(kind, TEXTS[kind].replace(right, wrong), tmp_path) if not finding.holds
    }
    assert topic in failing


@pytest.mark.parametrize(("kind", "topic", "right", "wrong"), PLANTED)
def test_only_arithmetic_contradicts(kind: str, topic: str, right: str, wrong: str, tmp_path: Path) -> None:
    made = [finding for finding in audited(kind, TEXTS[kind].replace(right, wrong), tmp_path) if finding.topic == topic]
    kinds = {finding.kind for finding in made if not finding.holds}
    assert kinds == {DOCUMENTED.get(topic) or NOTES.get(topic) or "contradicted"}


def test_a_count_that_the_corpus_article_has_is_documented(tmp_path: Path) -> None:
    text = TEXTS["composite"].replace("casme2 = 20\n", "casme2 = 19\n").replace("casme2 = 7", "casme2 = 9")
    made = {
        (finding.topic, finding.statement.partition(":")[0]): finding
        for finding in audited("composite", text, tmp_path)
    }
    for topic, number in (("Sequences against the corpora", 19), ("Participants against the corpora", 9)):
        assert made[topic, "casme2"].holds
        assert f"{number} (an article)" in made[topic, "casme2"].statement
    assert made["Numbers of emotions", "casme2"].holds
    text = text.replace("[facts.participants]", '[facts.releases]\nsmic = "Long"\n\n[facts.participants]')
    made = {
        (finding.topic, finding.statement.partition(":")[0]): finding
        for finding in audited("composite", text, tmp_path)
    }
    assert not made["Sequences against the corpora", "smic"].holds


def test_one_finding_for_each_figure_says_which_readings_fit(tmp_path: Path) -> None:
    text = TEXTS["single"].replace('casme2 = "58.0"', 'casme2 = "57.1"').replace('casme2 = "62.0"', 'casme2 = "61.2"')
    made = [
        finding for finding in audited("single", text, tmp_path) if finding.topic == "Accuracies as means over folds"
    ]
    assert [finding.holds for finding in made] == [False, True, True, True]
    assert "cannot be a mean over five folds of ten (nearest 62.00%) or a share of 7" in made[0].statement
    assert "can be a share of 7" in made[1].statement  # 4/7 = 57.14%
    assert "but not a mean over five folds of ten (nearest 58.00%)" in made[1].statement
    assert "can be a mean over five folds of ten" in made[2].statement


def test_what_is_inferred_or_of_no_printed_size_contradicts_nothing(tmp_path: Path) -> None:
    text = TEXTS["single"].replace('casme2 = "58.0"', 'casme2 = "58.9"')
    inferred = text.replace("[[facts.folds]]", "[[facts.folds]]\ninferred = true")
    open_size = text.replace('{ what = "share of 7", sizes = [7] }', '{ what = "share", at_most = 60 }')
    below = text.replace('"58.9"', '"57.9"').replace("sizes = [7]", "sizes = [10, 10, 10, 10, 10], single = true")
    for changed, kind, holds in (
        (text, "contradicted", False),
        (inferred, "note", False),
        (open_size, "note", True),
        (below, "note", True),
    ):
        made = audited("single", changed, tmp_path)
        (finding,) = (o for o in made if o.topic == "Accuracies as means over folds" and o.statement[:9] == "two-first")
        assert (finding.kind, finding.holds) == (kind, holds)


def test_no_contradiction_holds() -> None:
    with pytest.raises(ValueError, match="contradicted"):
        Finding("topic", "statement.", True, "Table 1", "contradicted")


def test_every_kind_of_check_has_its_planted_error(tmp_path: Path) -> None:
    made = {finding.topic for kind, text in TEXTS.items() for finding in audited(kind, text, tmp_path)}
    assert made == {topic for _, topic, _, _ in PLANTED}


# ---------------------------------------------------------------- single computations


@given(st.integers(0, 10**6), st.integers(1, 400))
def test_a_figure_may_be_rounded_cut_off_or_rounded_up(k: int, n: int) -> None:
    scaled = 10_000 * Fraction(k % (n + 1), n)
    figures = {floor(scaled), ceil(scaled), floor(scaled + Fraction(1, 2))}
    for figure in range(floor(scaled) - 2, floor(scaled) + 4):
        assert prints_as(np.array([float(scaled) / 10_000]), f"{figure / 10_000:.4f}").all() == (figure in figures)


@given(st.lists(st.tuples(st.integers(1, 6), st.integers(0, 6)), min_size=3, max_size=3))
def test_uf1_values_are_those_of_all_matrices_with_these_wrong_clips(drawn: list[tuple[int, int]]) -> None:
    (a, b, c), counts = (min(e, n) for n, e in drawn), tuple(n for n, _ in drawn)
    matrices = [
        [[counts[0] - a, i, a - i], [j, counts[1] - b, b - j], [k, c - k, counts[2] - c]]
        for i, j, k in product(range(a + 1), range(b + 1), range(c + 1))
    ]
    every = np.unique(uf1(np.array(matrices)).round(9))
    assert every == pytest.approx(np.unique(uf1_values((a, b, c), counts).round(9)))


def test_wrong_clips_behind_a_recall_are_found() -> None:
    assert (1, 1, 0) in error_counts("0.9857", (88, 32, 25))


def test_weights_are_those_of_the_textbook() -> None:
    assert weights({"kind": "convolution", "inputs": "channels", "units": 8, "size": [3, 3]}, {"channels": 4}) == 296
    assert weights({"kind": "dense", "inputs": 20, "units": 4}, {}) == 84
    assert weights({"kind": "lstm", "inputs": 20, "units": 120}, {}) == 4 * (20 * 120 + 120 * 120 + 120)


@pytest.mark.parametrize(("sizes", "places"), [((7, 5), 1), ((4,), 0), ((3, 3, 2), 2)])
def test_how_many_figures_a_mean_over_folds_can_be(sizes: tuple[int, ...], places: int) -> None:
    values = [sum(map(Fraction, ks, sizes)) / len(sizes) for ks in product(*(range(n + 1) for n in sizes))]
    scaled = [100 * 10**places * value for value in values]
    figures = {floor(value) for value in scaled} | {ceil(value) for value in scaled}
    assert printable(means(sizes), 100 * 10**places) == len(figures) / (100 * 10**places + 1)


# ---------------------------------------------------------------- keys


def declared(key: str) -> Keys:
    """The facts that the checks of all papers read, and those of a paper's own."""
    own = Path(papers.__file__).parent / key / "audit.py"
    return {**FACTS, **(getattr(import_module(f"papers.{key}.audit"), "FACTS", {}) if own.is_file() else {})}


def misspelt(table: Mapping[str, Any], known: Keys) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Every key that is declared, with the table in which its last letter is another one; of a list, the first row."""
    for name, value in table.items():
        if name in known:
            yield name, {f"{name[:-1]}q" if other == name else other: inner for other, inner in table.items()}
        if within := known.get(name, known.get(ANY)):
            first, *rest = value if isinstance(value, list) else [value]
            for key, changed in misspelt(first, within):
                yield key, {**table, name: [changed, *rest] if isinstance(value, list) else changed}


@pytest.mark.parametrize("key", papers.available())
def test_a_misspelt_fact_is_named_with_the_right_key(key: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    record = tomllib.loads((Path(papers.__file__).parent / key / "claims.toml").read_text(encoding="utf-8"))
    known, path = declared(key), tmp_path / "claims.toml"
    path.touch()
    tried = [*misspelt(record["facts"], {**known, "sources": keys(*known)})]
    assert {name for name, _ in tried} >= {*record["facts"]}
    for right, changed in tried:
        monkeypatch.setattr(tomllib, "load", lambda file, changed=changed: {**record, "facts": changed})
        with pytest.raises(UserError) as error:
            read_claims(path, known)
        text = str(error.value)
        assert text.startswith(str(path))
        assert f" {right[:-1]}q " in text
        assert text.endswith(f" {right}?")
        assert "\n" not in text


class Read(dict[str, Any]):
    """A table that fails where a key is asked for that is not declared, and so do the tables within."""

    def __init__(self, table: Mapping[str, Any], known: Keys) -> None:
        def inside(name: str, value: Any) -> Any:
            within = known.get(name, known.get(ANY))
            if within and isinstance(value, list):
                return [Read(row, within) for row in value]
            return Read(value, within) if within and isinstance(value, Mapping) else value

        super().__init__({name: inside(name, value) for name, value in table.items()})
        self.known = known

    def _declared(self, name: str) -> str:
        assert name in self.known or ANY in self.known, f"{name} is read but not declared"
        return name

    def __getitem__(self, name: str) -> Any:
        return super().__getitem__(self._declared(name))

    def get(self, name: str, default: Any = None) -> Any:
        return super().get(self._declared(name), default)

    def __contains__(self, name: object) -> bool:
        return super().__contains__(self._declared(str(name)))


@pytest.mark.parametrize("kind", TEXTS)
def test_checks_read_only_what_they_declare(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "claims.toml"
    path.write_text(TEXTS[kind], encoding="utf-8")
    every = {name: value for key in papers.available() for name, value in declared(key).items()}
    read = read_claims(path, every)
    facts = Read(read.facts, {**every, **keys("sources", "cited")})
    made = audit(facts, read.claims, audit_example.KNOWN[kind], {"parameters": 204}, audit_example.own_checks)
    assert made == audit(
        read.facts, read.claims, audit_example.KNOWN[kind], {"parameters": 204}, audit_example.own_checks
    )


def test_a_new_folder_declares_what_its_own_checks_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files = {
        "experiments.py": "EXPERIMENTS = ()\nPROFILES = {}\n",
        "audit.py": "FACTS = {'halves': {'whole': None}}\n\n\ndef audit(facts, claims):\n    return ()\n",
        "claims.toml": "[facts]\npublished = false\n\n[[facts.halves]]\nwhole = 4\n",
        "departures.toml": "departures = []\n",
        "paper.toml": "\n".join(f'{name} = ""' for name in TEXTS_OF_A_PAPER)
        + '\n[reference]\nkind = "article"\nauthors = []\ndetails = {}\n',
    }
    for name in ("halving2024", "halved2024"):
        (tmp_path / name).mkdir()
        for file, text in files.items():
            wrong = text.replace("whole = 4", "wholes = 4") if name == "halved2024" else text
            (tmp_path / name / file).write_text(wrong, encoding="utf-8")
    monkeypatch.setattr(papers, "HERE", tmp_path)
    monkeypatch.setattr(papers, "__path__", [*papers.__path__, str(tmp_path)])
    assert papers.load("halving2024").facts["halves"] == [{"whole": 4}]
    with pytest.raises(UserError, match=r"halved2024.*wholes.*facts\.halves.*whole\?$"):
        papers.load("halved2024")


# ---------------------------------------------------------------- how much a check says


@pytest.mark.parametrize(("sizes", "weak"), [((10,), False), ((997,), True), ((9, 10, 11, 13), True)])
def test_a_check_that_nearly_every_figure_passes_is_weak(sizes: tuple[int, ...], weak: bool, tmp_path: Path) -> None:
    """The share of figures that pass, by trying all of them with exact fractions."""
    right = '{ what = "share of 7", sizes = [7] }'
    text = TEXTS["single"].replace(right, f'{{ what = "another mean", sizes = {list(sizes)} }}')
    readings = [(10,) * 5, sizes]
    exact = {
        sum((Fraction(k, n) for k, n in zip(ks, reading, strict=True)), Fraction()) / len(reading)
        for reading in readings
        for ks in product(*(range(n + 1) for n in reading))
    }
    passing = {way(1000 * value) for value in exact for way in (floor, ceil)}
    assert (len(passing) / 1001 >= 0.9) == weak
    made = [f for f in audited("single", text, tmp_path) if f.topic == "Accuracies as means over folds"]
    assert {finding.kind for finding in made} == ({"weak"} if weak else {"note"})
    assert len(checks(made)) == (0 if weak else len(made))


def test_a_remark_on_rounding_names_every_way_that_fits() -> None:
    both = np.array([240, 241]) / 6.15  # 39.02 and 39.19
    assert not_rounded(both, "39.1") == " (cut off or rounded up, not rounded)"
    assert not_rounded(both[:1], "39.1") == " (rounded up)"
    assert not_rounded(both[1:], "39.1") == " (cut off, not rounded)"
    assert not_rounded(np.array([39.02, 39.19, 39.13]), "39.1") == ""


def test_what_a_joined_set_implies_is_the_least_that_any_folds_allow() -> None:
    """88.2% of 287 clips: by trying all counts of five folds in which no more clips of one corpus are right."""
    paper = papers.load("talluri2022")
    (finding,) = (f for f in paper.checks(paper.facts, paper.claims) if f.topic == "Parts of a joined set")
    least = min(
        right
        for right in range(288)
        for long in range(max(0, right - 171), min(116, right) + 1)
        if abs(100 * (Fraction(long, 58) + Fraction(right - long, 57)) / 5 - Fraction("88.2")) < Fraction(1, 10)
    )
    assert f"model-a-scenario-3 88.2%: {least} of 287 clips" in finding.statement
    assert f"{least - 123}/164 = " in finding.statement
    assert f"{least - 164}/123 = " in finding.statement
    assert (finding.kind, finding.holds) == ("note", False)


def test_figures_of_other_clips_are_not_measured_by_the_largest_class(tmp_path: Path) -> None:
    """75% of 20 clips is above the largest class; 40.1% is no share of them, and not below it either."""
    text = TEXTS["single"].replace('smic = "75.00"', 'smic = "40.10"')
    made = [f for f in audited("single", text, tmp_path) if f.topic == "More than the largest class"]
    assert [f for f in made if f.statement.startswith("smic") and not f.holds] == []
    text = TEXTS["single"].replace('smic = "75.00"', 'smic = "40.00"')
    made = [f for f in audited("single", text, tmp_path) if f.topic == "More than the largest class"]
    assert [f.holds for f in made if f.statement.startswith("smic")] == [False]


def test_the_other_paper_prints_what_is_said_to_be_cited_elsewhere() -> None:
    for key in papers.available():
        for cited in papers.load(key).facts.get("cited_elsewhere", ()):
            other = papers.load(cited["paper"].partition(",")[0])
            values = {row.method.partition(" [")[0]: row.values for row in other.cited}
            assert cited["rows"]
            for method, corpus, metric, printed in cited["rows"]:
                assert f"{values[method][corpus][metric]:.4f}" == printed


def test_combinations_of_a_cited_row_are_those_of_whole_clips() -> None:
    """Two rows of aouayeb2019 by brute force, whose digits all corpora have matrices for, but not the composite."""
    paper = papers.load("aouayeb2019")
    (finding,) = (f for f in cited_columns(paper.facts) if "composite" in f.topic)
    for method, count in (("Bi-WOOF [5]", 585), ("Quang et al. [12]", 1290)):
        (row,) = (cited for cited in paper.cited if cited.method == method)
        clips = {name: tuple(c.values()) for name, c in paper.facts["class_counts"].items()}
        solutions = [
            [
                errors
                for errors in error_counts(f"{row.values[name]['uar']:.4f}", clips[name])
                if prints_as(uf1_values(errors, clips[name]), f"{row.values[name]['uf1']:.4f}").any()
            ]
            for name in ("smic", "casme2", "samm")
        ]
        together = [tuple(map(sum, zip(*parts, strict=True))) for parts in product(*solutions)]
        whole = [1 - sum(Fraction(e, n) for e, n in zip(t, clips["megc2019"], strict=True)) / 3 for t in together]
        fits = sum(abs(float(uar) - row.values["megc2019"]["uar"]) < 1e-4 - 1e-9 for uar in whole)
        assert (fits, len(together)) == (0, count)
        assert f"{method} (UAR {row.values['megc2019']['uar']:.4f}, 0 of {count:,} combinations)" in finding.statement
