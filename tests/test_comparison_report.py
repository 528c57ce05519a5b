"""Papers side by side: the numbers of the input, gaps as dashes, nothing unfinished or synthetic unmarked."""

from __future__ import annotations

import csv
import io
import itertools
import json
import re
import subprocess
import sys
from dataclasses import replace
from functools import cache
from pathlib import Path

import comparison_example as example
import guessing as guesses
import numpy as np
import pytest
import word_boxes
from pypdf import PdfReader

import papers
import run_all
from common.corpora.names import named
from common.errors import UserError
from common.report import PageError, comparison_charts, formatting, known, learning
from common.report.comparison import write_comparison
from common.report.comparison_tables import finished, name, ranked, view
from common.report.records import SideBySide
from common.vision.picture_grid import BLUE, RED

DASH = "\N{EN DASH}"
MINUS = "\N{MINUS SIGN}"
KEYS = {"profile", "data", "notice", "seeds", "labels", "classes", "protocol", "selection", "differing", "contenders"}
KEYS |= {"tests", "claims", "audit", "environment", "command"}
Written = tuple[SideBySide, tuple[Path, ...]]


@cache
def pages(path: Path) -> list[str]:
    """The text of each page without white space."""
    return ["".join(page.extract_text().split()) for page in PdfReader(path).pages]


def squeeze(text: str) -> str:
    return "".join(text.split())


def written(folder: Path, side: SideBySide) -> Written:
    return side, write_comparison(side, folder / "out")


@pytest.fixture(scope="module")
def full(tmp_path_factory: pytest.TempPathFactory) -> Written:
    folder = tmp_path_factory.mktemp("full")
    return written(folder, example.side(folder))


@pytest.fixture(scope="module")
def mixed(tmp_path_factory: pytest.TempPathFactory) -> Written:
    folder = tmp_path_factory.mktemp("mixed")
    return written(folder, example.mixed(folder))


@pytest.fixture(scope="module")
def not_run(tmp_path_factory: pytest.TempPathFactory) -> Written:
    folder = tmp_path_factory.mktemp("none")
    return written(folder, example.not_run(folder))


def load(paths: tuple[Path, ...]) -> dict:
    def refuse(constant: str) -> None:
        raise AssertionError(constant)

    return json.loads(paths[1].read_text("utf-8"), parse_constant=refuse)


def rows(paths: tuple[Path, ...]) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(paths[2].read_text("utf-8"))))


# ---------------------------------------------------------------- data


def test_three_files_with_the_contract_and_the_same_bytes_again(full: Written, tmp_path: Path) -> None:
    side, paths = full
    assert [p.name for p in paths] == ["comparison.pdf", "comparison.json", "comparison.csv"]
    assert sorted(paths[0].parent.iterdir()) == sorted(paths)
    assert set(load(paths)) >= KEYS
    again = write_comparison(replace(side, contenders=side.contenders[::-1]), tmp_path)
    for before, after in zip(paths, again, strict=True):
        assert before.read_bytes() == after.read_bytes()  # in whatever order contenders without ties come


def test_json_has_every_number_of_the_input(mixed: Written) -> None:
    side, paths = mixed
    data = load(paths)
    contenders = {item["name"]: item for item in data["contenders"]}
    assert len(contenders) == len(side.contenders)
    for c in side.contenders:
        item = contenders[f"{c.paper}/{c.experiment}"]
        assert {corpus: set(row) for corpus, row in c.scores.items()} == {k: set(v) for k, v in item["scores"].items()}
        for corpus, row in c.scores.items():
            for metric, score in row.items():
                assert item["scores"][corpus][metric] == vars(score)
        assert item["confusion"] == c.confusion.tolist()
        for key in ("parameters", "flops", "seconds_per_fold", "inference_ms_per_clip", "peak_memory_mib"):
            assert item[key] == getattr(c, key)
        assert item["spread"] == {metric: list(values) for metric, values in c.spread.items()}
    assert data["tests"] == [vars(test) for test in side.tests]
    assert (data["seeds"], data["selection"], data["differing"]) == ([0, 1, 2], "last epoch", list(side.differing))


def test_csv_is_tidy_and_leaves_gaps_empty(mixed: Written) -> None:
    side, paths = mixed
    by_key = {(r["paper"], r["experiment"], r["corpus"], r["metric"]): r for r in rows(paths)}
    f1 = {key: r for key, r in by_key.items() if key[3].startswith("f1_")}
    scores = len(side.contenders) * len(example.CORPORA) * len(example.METRICS)
    assert len(by_key) == len(rows(paths)) == scores + len(f1)
    for item in load(paths)["contenders"]:
        for label, value in item["f1"].items() if any(map(any, item["confusion"])) else ():
            row = f1[item["paper"], item["experiment"], example.CORPORA[0], f"f1_{label}"]
            assert row["value"] == ("" if value is None else str(value))
    for c in side.contenders:
        for corpus in example.CORPORA:
            for metric in example.METRICS:
                row = by_key[c.paper, c.experiment, corpus, metric]
                score = c.scores.get(corpus, {}).get(metric)
                for key in ("value", "low", "high", "chance", "n_clips"):
                    value = getattr(score, key) if score else None
                    assert row[key] == ("" if value is None else str(value))
                assert row["flops"] == ("" if c.flops is None else str(c.flops))
                assert (row["n_folds_done"], row["n_folds"]) == (str(c.n_folds_done), str(c.n_folds))
                assert (row["seeds"], row["data"]) == ("0 1 2", "stand-in")


def test_unfinished_networks_stand_below_finished_ones(mixed: Written) -> None:
    side, paths = mixed
    items = load(paths)["contenders"]
    done = [(item["n_folds_done"] == item["n_folds"], bool(item["scores"])) for item in items]
    assert done == sorted(done, reverse=True)
    for state in set(done):
        values = [
            item["scores"]["megc2019"]["uf1"]["value"]
            for item, item_state in zip(items, done, strict=True)
            if item_state == state and item_state[1]
        ]
        assert values == sorted(values, reverse=True)
    best = max((c for c in side.contenders if c.scores), key=lambda c: c.scores["megc2019"]["uf1"].value)
    assert not finished(best)  # and still not the first row
    assert items[0]["n_folds_done"] == 68
    assert [item["number"] for item in items] == list(range(1, 7))


def test_a_test_of_nobody_is_refused(tmp_path: Path) -> None:
    side = example.side(tmp_path, 2)
    stray = replace(side.tests[0], second="nobody/nothing")
    with pytest.raises(ValueError, match="nobody/nothing"):
        write_comparison(replace(side, tests=(stray,)), tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_folder_that_cannot_be_written_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(UserError, match="cannot write the report to"):
        write_comparison(example.not_run(tmp_path), tmp_path / "file")


# ---------------------------------------------------------------- pages


@pytest.mark.parametrize("kind", ["full", "mixed", "not_run"])
def test_no_word_is_printed_over_another_or_too_small(kind: str, request: pytest.FixtureRequest) -> None:
    _, (pdf, *_) = request.getfixturevalue(kind)
    assert len(list(word_boxes.words(pdf))) > 300
    assert list(word_boxes.faults(pdf)) == []
    assert len(PdfReader(pdf).pages) <= 5


def test_stand_ins_say_so_on_every_page_and_licensed_corpora_on_none(full: Written, mixed: Written) -> None:
    for text in pages(mixed[1][0]):
        assert text.count(squeeze(formatting.banner("stand-in", 1) or "")) == 1
        assert "comparison,profilequick,stand-incorpora" in text
    assert load(mixed[1])["notice"] == formatting.banner("stand-in", 1)
    assert not any("syntheticfaces" in text for text in pages(full[1][0]))
    assert load(full[1])["notice"] is None


def test_every_score_and_its_interval_stand_in_the_table(full: Written) -> None:
    side, paths = ranked(full[0]), full[1]
    text = "".join(pages(paths[0]))
    table = view(side)["table"]
    columns = [("megc2019", m) for m in example.METRICS]
    columns += [(c, m) for c in example.CORPORA[1:] for m in example.METRICS[:2]]
    for c, row in zip(side.contenders, table["rows"], strict=True):
        for (corpus, metric), cell in zip(columns, row, strict=True):
            score = c.scores[corpus][metric]
            assert float(cell["value"]) == pytest.approx(score.value, abs=5.1e-4)
            bounds = [float(v) for v in cell["interval"].split(" to ") if v]
            assert bounds == ([] if corpus != "megc2019" else pytest.approx([score.low, score.high], abs=5.1e-4))
            assert squeeze(cell["value"] + cell["interval"]) in text
    assert [float(chance) for chance in table["chance"]] == [
        pytest.approx(example.CHANCE[metric], abs=5.1e-4) for _, metric in columns
    ]
    assert all(squeeze(title) in text for title in example.TITLES)


def test_unfinished_networks_are_marked_wherever_they_stand(mixed: Written) -> None:
    side, paths = ranked(mixed[0]), mixed[1]
    page = view(side)
    assert [c["number"] for c in page["names"]] == ["1", "2", "3", "4†", "5†", "6"]
    assert page["table"]["folds"][3:] == ["4/68", "1/68", "0/68"]
    assert page["table"]["rows"][4][0]["interval"] == ""  # one subject
    for drawings in (comparison_charts.draw(side)[kind] for kind in ("forest", "confusions")):
        assert all(f"{number}†" in drawings[0].svg.decode() for number in (4, 5))
    assert "4/68" in "".join(pages(paths[0]))


def test_what_was_not_run_is_a_dash_never_zero(not_run: Written) -> None:
    side, paths = not_run
    text = "".join(pages(paths[0]))
    assert view(side)["pairs"]["sentence"] == ""
    assert "0.000" not in text
    assert not any(comparison_charts.draw(side).values())
    assert all(item["parameters"] is None and item["scores"] == {} for item in load(paths)["contenders"])
    assert all(row["value"] == row["parameters"] == "" for row in rows(paths))
    nobody = replace(side, contenders=(), reports=(), corpora=(), environment={})
    assert view(nobody)["title"] == "Papers on common ground"
    assert len(write_comparison(nobody, paths[0].parent / "nobody")) == 3


def test_linear_classifiers_are_not_counted_as_networks(tmp_path: Path) -> None:
    side = example.side(tmp_path, 5)
    two = tuple(replace(c, linear=i < 2) for i, c in enumerate(side.contenders))
    assert view(replace(side, contenders=two))["title"].startswith("3 networks and 2 linear classifiers of ")
    assert view(side)["title"].startswith("5 networks of ")
    grounded = [e for key in papers.available() for e in papers.load(key).experiments if e.common_ground]
    assert 0 < sum(e.linear for e in grounded) < len(grounded)


def test_texts_come_out_as_they_are(tmp_path: Path) -> None:
    odd = example.papers.ODD
    side = example.side(tmp_path, 2)
    contenders = tuple(replace(c, title=odd) for c in side.contenders)
    side = replace(side, contenders=contenders, differing=(odd + " #panic()",), protocol="$x$ & <y>", selection=odd)
    text = "".join(pages(write_comparison(side, tmp_path)[0]))
    for expected in (odd + " #panic()", f"{odd} ({contenders[0].paper})", "$x$ & <y>"):
        assert squeeze(expected) in text


@pytest.mark.parametrize("silent", [(0,), (1,), (0, 1), (0, 2), (0, 1, 2)])
def test_papers_without_printed_numbers_may_stand_anywhere(silent: tuple[int, ...], tmp_path: Path) -> None:
    side = example.side(tmp_path, 2)
    reports = tuple(
        replace(report, paper=replace(report.paper, key=f"own{i}", claims=()), comparisons=())
        if i in silent
        else report
        for i, report in enumerate(side.reports)
    )
    text = "".join(pages(write_comparison(replace(side, reports=reports), tmp_path / "out")[0]))
    for i, report in enumerate(reports):
        assert (f"{report.paper.key}:{squeeze(report.paper.title)}" in text) == (i not in silent)


class Panic(BaseException):
    """Like a panic of typst, which is no Exception."""


@pytest.mark.parametrize("fault", [Panic, RuntimeError])
def test_a_fault_of_typst_costs_the_pages_alone(
    fault: type[BaseException], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    side, formats = example.side(tmp_path, 2), ("markdown",)
    before = {path.name: path.read_bytes() for path in write_comparison(side, tmp_path, formats)}

    class Compiler:
        def __init__(self, *_: object, **__: object) -> None: ...

        def compile(self, **_: object) -> bytes:
            raise fault("range start index 1 out of range\nfor slice of length 0")

    monkeypatch.setattr("typst.Compiler", Compiler)
    with pytest.raises(PageError, match=r"comparison\.pdf is not written: .*range start index 1 out") as raised:
        write_comparison(side, tmp_path, formats)
    assert "\n" not in str(raised.value)
    after = {path.name: path.read_bytes() for path in raised.value.written}
    assert after == {name: content for name, content in before.items() if name != "comparison.pdf"}
    assert not (tmp_path / "comparison.pdf").exists()


# ---------------------------------------------------------------- pairs


def test_the_square_of_pairs_reads_as_its_caption_says(full: Written) -> None:
    side = ranked(full[0])
    cells = view(side)["pairs"]["cells"]
    uf1 = [c.scores["megc2019"]["uf1"].value for c in side.contenders]
    tests = {frozenset((t.first, t.second)): t for t in side.tests}
    for i, below in enumerate(side.contenders):
        for j, above in enumerate(side.contenders[:i]):
            test = tests[frozenset((name(below), name(above)))]
            equal, shown = cells[i][j]["text"].startswith("="), cells[j][i]["text"]
            assert float(cells[i][j]["text"].lstrip("=").replace(MINUS, "-")) == pytest.approx(
                uf1[j] - uf1[i], abs=5.1e-4
            )
            assert equal == (test.verdict == "equivalent")
            assert shown == "<0.001" if test.adjusted < 0.001 else abs(float(shown) - test.adjusted) < 5.1e-4
            assert cells[i][j]["bold"] == cells[j][i]["bold"] == (test.adjusted < 0.05)
    counts = [sum(t.verdict == verdict for t in side.tests) for verdict in ("differ", "equivalent")]
    detectable = [t.detectable_adjusted for t in side.tests]
    told = [float(n) for n in re.findall(r"[\d.]*\d", view(side)["pairs"]["sentence"])]
    assert told[:2] == [len(side.tests), counts[0]]
    assert counts[1] in told
    assert told[-3:-1] == [pytest.approx(f(detectable), abs=5.1e-4) for f in (min, max)]
    assert squeeze(view(side)["pairs"]["sentence"]) in "".join(pages(full[1][0]))


def test_there_is_no_square_of_pairs_that_are_all_alike(tmp_path: Path) -> None:
    side = example.side(tmp_path, 3)
    few = tuple(replace(t, detectable_adjusted=None) for t in example.pairs(side.contenders, clear=False))
    pairs = view(ranked(replace(side, tests=few)))["pairs"]
    assert pairs["cells"] == []
    assert pairs["sentence"]
    one = view(ranked(replace(side, tests=(replace(few[0], adjusted=0.03), *few[1:]))))["pairs"]
    assert sum(cell["bold"] for row in one["cells"] for cell in row) == 2


def test_intervals_that_may_not_cover_are_marked(tmp_path: Path) -> None:
    side = example.side(tmp_path, 3)
    doubtful = side.contenders[1]
    scores = {c: {m: replace(s, caution="few subjects") for m, s in row.items()} for c, row in doubtful.scores.items()}
    side = ranked(replace(side, contenders=(side.contenders[0], replace(doubtful, scores=scores), side.contenders[2])))
    for c, row in zip(side.contenders, view(side)["table"]["rows"], strict=True):
        assert {cell["interval"][0] for cell in row if cell["interval"]} == ({"~"} if c.scores == scores else {"0"})


# ---------------------------------------------------------------- page 1


def test_the_first_figure_ranks_and_marks_what_the_json_says(full: Written) -> None:
    side, data = ranked(full[0]), load(full[1])
    figure = comparison_charts.forest(side)
    assert figure is not None
    (axes,) = figure.axes
    dots = [line for line in axes.lines if line.get_label() != "" and line.get_color() == BLUE]
    values = [line.get_xdata()[0] for line in dots if line.get_marker() == "o"]
    assert values == [c["scores"]["megc2019"]["uf1"]["value"] for c in data["contenders"]]
    assert values == sorted(values, reverse=True)
    controls = [line.get_xdata()[0] for line in axes.lines if line.get_color() == RED]
    assert controls == [row["no_motion_uf1"]["value"] for row in data["learning"] if row["no_motion_uf1"]]
    marks = {
        (text.get_position()[1], text.get_text()) for text in axes.texts if text.get_text() in learning.MARKS.values()
    }
    for y, row in enumerate(data["learning"]):
        learns = None if row["training_accuracy"] is None else 2 * row["folds_not_learnt"] < row["folds_measured"]
        beats = row["p_holm"] < 0.05
        still = row["no_motion_p_holm"]
        motion = still >= 0.05 if beats and still is not None else None
        expected = {learning.MARKS[mark] for mark in (learns, beats, motion)}
        assert {mark for at, mark in marks if at == y} == expected
    sizes = {text.get_fontsize() for text in (*axes.texts, *axes.get_xticklabels(), axes.xaxis.label)}
    assert min(sizes) >= 6


def test_scores_at_less_motion_are_those_of_the_networks_shown(tmp_path: Path) -> None:
    side = example.side(tmp_path, 3, stand_in=True)
    cells = [
        {"paper": c.paper, "experiment": c.experiment, "system": "", "motion": motion, "uf1": 0.1 * i + motion / 100}
        for i, c in enumerate(side.contenders)
        for motion in (0.0, 8.0)
        if (i, motion) != (1, 0.0)
    ]
    file = tmp_path / "results.json"
    file.write_text(json.dumps({"cells": [*cells, cells[0] | {"experiment": "another"}]}), encoding="utf-8")
    keyed = tuple(
        replace(r, paper=replace(r.paper, key=c.paper)) for r, c in zip(side.reports, side.contenders, strict=True)
    )
    side = replace(side, reports=keyed)
    figure = comparison_charts.less_motion(side, file)
    assert figure is not None
    shown = [text.get_text() for text in figure.axes[0].texts]
    assert shown == ["0.00", "0.08", DASH, "0.18", "0.20", "0.28"]
    assert comparison_charts.less_motion(side, tmp_path / "missing.json") is None
    assert comparison_charts.less_motion(replace(side, data="licensed"), file) is None
    assert known.FILE.is_file()


def test_a_row_of_squares_is_the_confusion_matrix_of_a_network(full: Written) -> None:
    side = ranked(full[0])
    figure = comparison_charts.confusions(side)
    assert figure is not None
    counts = [int(text.get_text()) for text in figure.axes[0].texts if text.get_text().isdigit()]
    assert counts == np.concatenate([c.confusion.ravel() for c in side.contenders]).tolist()


# ---------------------------------------------------------------- cost, seeds


def test_costs_carry_their_units_and_their_gaps(mixed: Written) -> None:
    side = ranked(mixed[0])
    for c, row in zip(side.contenders, view(side)["costs"], strict=True):
        assert row[0] == (DASH if c.parameters is None else f"{c.parameters:,}")
        assert (row[1] == DASH) == (c.flops is None)
        if c.flops is not None:
            assert float(row[1]) == pytest.approx(c.flops / 1e9, rel=6e-3)
        assert row[2] == formatting.duration(c.seconds_per_fold)


@pytest.mark.usefixtures("without_pages")
def test_memory_is_that_of_a_network_which_was_the_first_in_its_process(
    cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(papers, "parts", guesses.parts)
    monkeypatch.setattr("common.runs.folds._built", itertools.count(), raising=False)
    words = ["--paper", "aouayeb2019", "kumar2019", "--experiment", "composite-loso/cnn-in-fold"]
    words += ["composite-loso/published", "--profile", "smoke", "--workers", "1"]
    assert run_all.main([*words, "--out", str(tmp_path), "--cache", str(cache)]) == 0
    contenders = json.loads((tmp_path / "comparison.json").read_text())["contenders"]
    known = {c["paper"]: c["peak_memory_mib"] is not None for c in contenders if c["n_folds_done"]}
    assert known == {"aouayeb2019": True, "kumar2019": False}
    for file in tmp_path.glob("runs/*/composite-loso/*/*/folds/*.json"):
        measured = json.loads(file.read_text())["measured"]
        assert measured["peak_memory_mib"] > 0
        added = measured["peak_memory_mib"] - measured["memory_before_mib"]
        assert measured["networks_before"] or any(added <= (c["peak_memory_mib"] or 0) for c in contenders)


def test_the_spread_is_that_of_the_seeds(tmp_path: Path, full: Written) -> None:
    side = ranked(example.side(tmp_path, 3, (0, 1, 2, 3)))
    for c, row in zip(side.contenders, view(side)["spread"], strict=True):
        for i, metric in enumerate(example.METRICS):
            values = np.array(c.spread[metric])
            mean, deviation, ends = row[3 * i : 3 * i + 3]
            assert [float(mean), float(deviation)] == pytest.approx([values.mean(), values.std(ddof=1)], abs=5.1e-4)
            assert [float(v) for v in ends.split(" to ")] == pytest.approx([values.min(), values.max()], abs=5.1e-4)
    assert view(full[0])["spread"] == []


def test_one_value_has_no_deviation(mixed: Written) -> None:
    assert view(ranked(mixed[0]))["spread"][3][:3] == ["0.910", DASH, "0.910 to 0.910"]


# ---------------------------------------------------------------- printed numbers


def test_every_printed_number_appears_with_its_verdict(full: Written) -> None:
    side, paths = full
    data = load(paths)
    text = "".join(pages(paths[0]))
    page = view(ranked(side))
    verdicts = {}
    for report in side.reports:
        for c in report.comparisons:
            verdicts[report.paper.key, c.experiment, c.variant, c.corpus, c.metric] = c
    expected = [(r.paper.key, claim) for r in side.reports for claim in r.paper.claims]
    assert len(data["claims"]) == len(expected) == 50
    for item, (paper, claim) in zip(data["claims"], expected, strict=True):
        own = verdicts[paper, claim.experiment, claim.variant, claim.corpus, claim.metric]
        assert (item["paper"], item["verdict"]) == (paper, own.verdict)
        assert (item["published"]["printed"], item["published"]["source"]) == (claim.printed, claim.source)
        assert item["published"]["value"] == claim.value
        assert (item["reproduced"] or {}).get("value") == (own.score.value if own.score else None)
    shown = [
        (paper["key"], row["source"], row["experiment"], row["published"], row["verdict"])
        for paper in page["claims"]
        for row in paper["rows"]
    ]
    for paper, claim in expected:
        own = verdicts[paper, claim.experiment, claim.variant, claim.corpus, claim.metric]
        place = f"{claim.experiment}/{claim.variant}"
        assert (paper, claim.source, place, claim.printed, own.verdict) in shown
    columns = (
        "source",
        "experiment",
        "corpus",
        "metric",
        "published",
        "reproduced",
        "interval",
        "twin",
        "chance",
        "label",
    )
    for row in page["claims"][0]["rows"]:  # short cells: a row is one line of text
        assert squeeze("".join(row[column] for column in columns)) in text


def test_no_printed_number_stands_in_a_report_on_stand_ins(mixed: Written) -> None:
    text = "".join(pages(mixed[1][0]))
    for row in view(ranked(mixed[0]))["claims"][0]["rows"]:
        assert squeeze(row["source"] + row["experiment"]) not in text


def test_verdicts_are_counted(full: Written) -> None:
    counts = dict(part.rsplit(" ", 1) for part in view(full[0])["verdicts"].split(", "))
    verdicts = [formatting.VERDICTS[claim["verdict"]] for claim in load(full[1])["claims"]]
    assert {name: int(n) for name, n in counts.items()} == {name: verdicts.count(name) for name in verdicts}


def test_a_printed_number_without_a_comparison_is_not_run(tmp_path: Path) -> None:
    side = example.side(tmp_path, 2)
    bare = replace(side.reports[0], comparisons=())
    _, path, _ = write_comparison(replace(side, reports=(bare,)), tmp_path)
    claims = json.loads(path.read_text("utf-8"))["claims"]
    assert len(claims) == len(bare.paper.claims)
    assert {(c["verdict"], c["reproduced"]) for c in claims} == {("NOT_RUN", None)}


def test_contradicted_numbers_are_listed_and_all_findings_are_in_the_json(full: Written) -> None:
    side, paths = full
    every = [(r.paper.key, f) for r in side.reports for f in r.audit]
    page = view(side)
    listed = [(row["paper"], row["statement"], row["source"]) for row in page["findings"]["rows"]]
    assert listed == [
        (paper, named(f.statement), f.source) for paper, f in every if f.kind == "contradicted" and not f.holds
    ]
    assert listed
    items = [(item["paper"], item["holds"], item["kind"]) for item in load(paths)["audit"]]
    assert items == [(paper, f.holds, f.kind) for paper, f in every]
    counted = [f for _, f in every if f.kind != "weak"]
    assert page["passed"] == str(sum(f.holds for f in counted))
    assert page["checked"] == f"{len(counted)} checks"


def test_no_tensorflow() -> None:
    code = (
        "import sys, common.report.comparison, common.report.comparison_charts; "
        "print({'tensorflow', 'keras', 'torch'} & set(sys.modules))"
    )
    root = Path(__file__).parents[1]
    done = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
