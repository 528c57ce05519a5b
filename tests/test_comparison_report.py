"""Papers side by side: the numbers of the input, gaps as dashes, nothing unfinished or synthetic unmarked."""

from __future__ import annotations

import csv
import io
import itertools
import json
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
from hypothesis import given, settings
from hypothesis import strategies as st
from pypdf import PdfReader

import papers
import run_all
from common.corpora.names import named
from common.errors import UserError
from common.report import PageError, comparison_charts, formatting
from common.report.comparison import write_comparison
from common.report.comparison_tables import finished, name, ranked, view
from common.report.records import SideBySide

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
    assert len(by_key) == len(rows(paths)) == len(side.contenders) * len(example.CORPORA) * len(example.METRICS)
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
def test_no_word_is_printed_over_another(kind: str, request: pytest.FixtureRequest) -> None:
    _, (pdf, *_) = request.getfixturevalue(kind)
    assert len(list(word_boxes.words(pdf))) > 500
    assert list(word_boxes.overlaps(pdf)) == []


def test_stand_ins_say_so_on_every_page_and_licensed_corpora_on_none(full: Written, mixed: Written) -> None:
    for text in pages(mixed[1][0]):
        assert text.count(squeeze(formatting.banner("stand-in", 1) or "")) == 1
        assert "comparison,profilequick,stand-incorpora" in text
    assert load(mixed[1])["notice"] == formatting.banner("stand-in", 1)
    assert not any("syntheticfaces" in text for text in pages(full[1][0]))
    assert load(full[1])["notice"] is None


def test_every_score_and_its_interval_stand_in_the_main_table(full: Written) -> None:
    side, paths = full
    text = "".join(pages(paths[0]))
    main = view(ranked(side))["main"]
    for c, row in zip(ranked(side).contenders, main["rows"], strict=True):
        for metric, cell in zip(example.METRICS, row["scores"], strict=True):
            score = c.scores["megc2019"][metric]
            assert float(cell["value"]) == pytest.approx(score.value, abs=5.1e-5)
            assert [float(v) for v in cell["interval"].split(" to ")] == pytest.approx(
                [score.low, score.high], abs=5.1e-5
            )
            assert squeeze(cell["value"] + cell["interval"]) in text
    assert "alwaysthelargestclass0.24070.33330.5656442" in text
    assert main["notes"] == []
    assert all(squeeze(title) in text for title in example.TITLES)
    assert text.count("Protocol:leaveonesubjectout.Selection:lastepoch.") >= 5  # main, two by corpus, pairs, cost


def test_unfinished_networks_are_marked_wherever_they_stand(mixed: Written) -> None:
    side, paths = mixed
    text = "".join(pages(paths[0]))
    page = view(ranked(side))
    marked = [c["number"] for c in page["names"]]
    assert marked == ["1", "2", "3", "4†", "5†", "6"]
    assert "4/68†" in text
    assert "1/68†" in text
    assert "68/68†" not in text
    assert page["main"]["rows"][4]["scores"][0]["interval"] == DASH  # one subject
    assert len(page["main"]["notes"]) == 2
    assert "UF1 0.1900" in page["main"]["notes"][0]  # the largest class of its own clips
    assert "26 clips, with 4/68 folds" in page["main"]["notes"][0]
    drawn = {
        kind: "".join(d.svg.decode() for d in drawings)
        for kind, drawings in comparison_charts.draw(ranked(side)).items()
    }
    assert all(kind in drawn and "4†" in drawn[kind] for kind in ("forest", "confusions", "cost", "spread"))


def test_what_was_not_run_is_a_dash_never_zero(not_run: Written) -> None:
    side, paths = not_run
    text = "".join(pages(paths[0]))
    assert "Nonetworkhasbeenrunoncommongroundyet" in text
    assert "Nopairhasbeentested." in text
    assert "0.0000" not in text
    assert text.count(f"({side.contenders[0].paper}){5 * DASH}") == 1  # cost
    assert text.count(f"({side.contenders[0].paper}){4 * DASH}0/68") == 1
    assert not any(heading in text for heading in ("Intervals", "Confusionmatrices", "Spreadacrossseeds"))
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
    for expected in (odd + " #panic()", f"{odd} ({contenders[0].paper})", "Protocol: $x$ & <y>"):
        assert squeeze(expected) in text


@pytest.mark.parametrize("silent", [(0,), (1,), (0, 1), (0, 2), (0, 1, 2)])
def test_papers_without_printed_numbers_may_stand_anywhere(silent: tuple[int, ...], tmp_path: Path) -> None:
    side = example.side(tmp_path, 2)
    assert len(side.reports) == 3
    reports = tuple(
        replace(report, paper=replace(report.paper, key=f"own{i}", claims=()), comparisons=())
        if i in silent
        else report
        for i, report in enumerate(side.reports)
    )
    text = "".join(pages(write_comparison(replace(side, reports=reports), tmp_path / "out")[0]))
    for report in reports:
        title = squeeze(report.paper.title)
        assert f"{report.paper.key}:{title}" in text or f"{report.paper.key}({title})" in text


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
        assert cells[i][i]["text"] == ""
        for j, above in enumerate(side.contenders[:i]):
            test = tests[frozenset((name(below), name(above)))]
            assert float(cells[i][j]["text"].replace(MINUS, "-")) == pytest.approx(uf1[j] - uf1[i], abs=5.1e-4)
            shown = cells[j][i]["text"]
            assert shown == "<0.001" if test.adjusted < 0.001 else abs(float(shown) - test.adjusted) < 5.1e-4
            assert cells[i][j]["bold"] == cells[j][i]["bold"] == (test.adjusted < 0.05)
    clear = sum(t.adjusted < 0.05 for t in side.tests)
    assert 0 < clear < 78
    assert f"{clear}of78pairsdiffersignificantly" in "".join(pages(full[1][0]))


def test_what_can_be_detected_stands_before_any_p(full: Written) -> None:
    side = ranked(full[0])
    pairs = view(side)["pairs"]
    tests = {frozenset((t.first, t.second)): t for t in side.tests}
    for i, below in enumerate(side.contenders):
        for j, above in enumerate(side.contenders[:i]):
            test = tests[frozenset((name(below), name(above)))]
            assert float(pairs["power"][j][i]["text"]) == pytest.approx(test.detectable_adjusted, abs=5.1e-4)
            assert test.verdict.startswith(pairs["power"][i][j]["text"].rstrip("."))
    assert {test.verdict for test in side.tests} == {"differ", "equivalent", "open"}
    text = "".join(pages(full[1][0]))
    assert text.index(squeeze(pairs["reach"])) < text.index(squeeze(pairs["found"]))
    assert squeeze(pairs["verdicts"]) in text


def test_no_difference_is_large_enough_where_none_can_be_detected(tmp_path: Path) -> None:
    side = example.side(tmp_path, 3)
    blind = tuple(replace(test, detectable_adjusted=None) for test in side.tests)
    pairs = view(ranked(replace(side, tests=blind)))["pairs"]
    assert any(test.adjusted < 0.05 for test in blind)  # so that differences can be found
    assert "however large" not in pairs["reach"]
    assert {cell["text"] for row in pairs["power"] for cell in row} >= {"none"}
    one = view(ranked(replace(side, tests=(blind[0], *side.tests[1:]))))["pairs"]
    assert "In 1 pair no difference is large enough." in one["reach"]


def test_intervals_that_may_not_cover_are_named(tmp_path: Path) -> None:
    side = example.side(tmp_path, 3)
    doubtful = side.contenders[1]
    scores = {
        corpus: {metric: replace(score, caution="fewer than 12 subjects") for metric, score in by_metric.items()}
        for corpus, by_metric in doubtful.scores.items()
    }
    side = ranked(replace(side, contenders=(side.contenders[0], replace(doubtful, scores=scores), side.contenders[2])))
    number = [name(c) for c in side.contenders].index(name(doubtful)) + 1
    (note,) = (note for note in view(side)["main"]["notes"] if "fewer than 12 subjects" in note)
    assert note.startswith(f"No. {number}: ")


@pytest.mark.parametrize(("subjects", "too_few"), [(3, True), (6, True), (7, False), (68, False)])
def test_too_few_subjects_for_any_swap_leave_every_pair_open(tmp_path: Path, subjects: int, too_few: bool) -> None:
    """Of three pairs, by Holm's rule: at least 3 * 2 / 64 with six subjects, and 3 * 2 / 128 with seven."""
    side = example.side(tmp_path, 3)
    tests = example.pairs(side.contenders)
    few = tuple(replace(t, n_subjects=subjects, adjusted=0.9, verdict="open") for t in tests)
    pairs = view(ranked(replace(side, tests=few)))["pairs"]
    assert pairs["too_few"] == too_few
    assert not any(cell["bold"] for row in pairs["cells"] for cell in row)
    assert {cell["text"] for i, row in enumerate(pairs["power"]) for cell in row[:i]} == {"open"}
    assert ("however large" in pairs["reach"]) == too_few


def test_it_is_said_plainly_that_no_pair_differs(tmp_path: Path) -> None:
    side = example.side(tmp_path, 3)
    side = ranked(replace(side, tests=example.pairs(side.contenders, clear=False)))
    pairs = view(side)["pairs"]
    assert pairs["found"] == (
        "No pair of networks differs significantly: of 3 pairs, the smallest adjusted p is 1.000."
    )
    assert not any(cell["bold"] for row in pairs["cells"] for cell in row)


# ---------------------------------------------------------------- cost, seeds


@settings(max_examples=40, deadline=None, derandomize=True)
@given(st.lists(st.tuples(st.integers(0, 12), st.integers(0, 12)), min_size=1, max_size=13))
def test_labels_cover_neither_each_other_nor_a_point(places: list[tuple[int, int]]) -> None:
    points = np.array(places, float) * 10 + 10  # some coincide, some crowd
    sizes = np.array([(4.0 * len(str(i)), 6.5) for i in range(1, len(points) + 1)])
    dots = np.concatenate([points, np.full_like(points, 4.5)], axis=1)
    centers = comparison_charts.spots(points, sizes, dots, np.array([0.0, 0.0, 145.0, 145.0]))
    for i, (center, size) in enumerate(zip(centers, sizes, strict=True)):
        assert (center - size / 2 >= -1e-9).all()
        assert (center + size / 2 <= 145 + 1e-9).all()
        for other, extent in zip(centers[:i], sizes[:i], strict=True):
            assert (np.abs(center - other) >= (size + extent) / 2).any()
        for point in points:
            assert (np.abs(center - point) >= size / 2 + 1.8).any()  # a dot is 3.6 points wide


def test_costs_carry_their_units_and_their_gaps(mixed: Written) -> None:
    side = ranked(mixed[0])
    for c, row in zip(side.contenders, view(side)["costs"], strict=True):
        assert row[0] == (DASH if c.parameters is None else f"{c.parameters:,}")
        assert (row[1] == DASH) == (c.flops is None)
        if c.flops is not None:
            assert float(row[1]) == pytest.approx(c.flops / 1e9, rel=6e-3)
        assert row[2] == formatting.duration(c.seconds_per_fold)
    free = tuple(replace(c, flops=None, parameters=None, seconds_per_fold=None) for c in side.contenders)
    assert comparison_charts.draw(replace(side, contenders=free))["cost"] == []


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
    files = tmp_path.glob("runs/*/composite-loso/*/*/folds/*.json")
    assert all(json.loads(file.read_text())["measured"]["peak_memory_mib"] > 0 for file in files)


def test_the_spread_is_that_of_the_seeds(tmp_path: Path, full: Written) -> None:
    side = ranked(example.side(tmp_path, 3, (0, 1, 2, 3)))
    page = view(side)
    assert [part["metric"] for part in page["spread"]] == ["UF1", "UAR", "accuracy"]
    assert page["shown_seed"] == "0"
    for c, row in zip(side.contenders, page["spread"][0]["rows"], strict=True):
        values = np.array(c.spread["uf1"])
        assert [float(v) for v in row[0].split()] == pytest.approx(values, abs=5.1e-5)
        assert row[1] == "4"
        assert [float(row[2]), float(row[3])] == pytest.approx([values.mean(), values.std(ddof=1)], abs=5.1e-5)
        assert [float(v) for v in row[4].split(" to ")] == pytest.approx([values.min(), values.max()], abs=5.1e-5)
    assert view(full[0])["spread"] == []
    assert "Spreadacrossseeds" not in "".join(pages(full[1][0]))
    other = replace(side.contenders[0], spread={"uf1": (0.5, 0.5, 0.5, 0.5)})
    assert view(replace(side, contenders=(other, *side.contenders[1:])))["shown_seed"] == ""


def test_one_value_has_no_deviation(mixed: Written) -> None:
    row = view(ranked(mixed[0]))["spread"][0]["rows"][3]
    assert row == ["0.9100", "1", "0.9100", DASH, "0.9100 to 0.9100"]


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
    rules = dict(text.split(": ", 1) for text in page["rules"])
    shown = [
        (paper["key"], row["source"], row["experiment"], row["published"], row["verdict"], rules[row["rule"]])
        for paper in page["claims"]
        for row in paper["rows"]
    ]
    for paper, claim in expected:
        own = verdicts[paper, claim.experiment, claim.variant, claim.corpus, claim.metric]
        place = f"{claim.experiment}/{claim.variant}"
        rule = f"{own.protocol}; {formatting.selection_name(own.selection)}"
        assert (paper, claim.source, place, claim.printed, own.verdict, rule) in shown
    columns = ("source", "experiment", "rule", "corpus", "metric", "published", "reproduced", "twin", "chance", "label")
    for row in page["claims"][0]["rows"]:  # short cells: a row is one line of text
        assert squeeze("".join(row[column] for column in columns)) in text


def test_nothing_measured_on_stand_ins_stands_beside_a_published_number(mixed: Written) -> None:
    text = "".join(pages(mixed[1][0]))
    columns = ("source", "experiment", "rule", "corpus", "metric", "published")
    for row in view(ranked(mixed[0]))["claims"][0]["rows"]:
        assert squeeze("".join(row[column] for column in (*columns, "label"))) in text
        assert squeeze("".join(row[column] for column in (*columns, "reproduced"))) not in text


def test_verdicts_are_counted(full: Written) -> None:
    counts = view(full[0])["verdicts"]
    claims = load(full[1])["claims"]
    for row in counts["rows"]:
        verdicts = [c["verdict"] for c in claims if row[0] in (c["paper"], "All")]
        assert [int(n) for n in row[1:-1]] == [verdicts.count(v["verdict"]) for v in counts["names"]]
        assert int(row[-1]) == len(verdicts) == sum(map(int, row[1:-1]))


def test_a_printed_number_without_a_comparison_is_not_run(tmp_path: Path) -> None:
    side = example.side(tmp_path, 2)
    bare = replace(side.reports[0], comparisons=())
    _, path, _ = write_comparison(replace(side, reports=(bare,)), tmp_path)
    claims = json.loads(path.read_text("utf-8"))["claims"]
    assert len(claims) == len(bare.paper.claims)
    assert {(c["verdict"], c["reproduced"]) for c in claims} == {("NOT_RUN", None)}


def test_findings_that_do_not_hold_are_listed_by_kind_and_all_are_in_the_json(full: Written) -> None:
    side, paths = full
    every = [(r.paper.key, f) for r in side.reports for f in r.audit]
    shown = view(side)["findings"]
    for section, kind in zip(shown, ("contradicted", "documented", "note"), strict=True):
        listed = [(row["paper"], row["statement"], row["source"]) for row in section["rows"]]
        assert listed == [(paper, named(f.statement), f.source) for paper, f in every if f.kind == kind and not f.holds]
        assert listed
    items = [(item["paper"], item["holds"], item["kind"]) for item in load(paths)["audit"]]
    assert items == [(paper, f.holds, f.kind) for paper, f in every]
    text = "".join(pages(paths[0]))
    counted = [f for _, f in every if f.kind != "weak"]
    assert f"{sum(f.holds for f in counted)}of{len(counted)}checkshold" in text
    titles = [text.rindex("".join(section["title"].split())) for section in shown]
    assert titles == sorted(titles)


def test_no_tensorflow() -> None:
    code = (
        "import sys, common.report.comparison, common.report.comparison_charts; "
        "print({'tensorflow', 'keras', 'torch'} & set(sys.modules))"
    )
    root = Path(__file__).parents[1]
    done = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
