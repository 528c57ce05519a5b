"""The report: the JSON contract, honest gaps, literal texts, the stand-in notice, files that are whole or absent."""

from __future__ import annotations

import ast
import csv
import io
import json
import math
import os
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import matplotlib
import pytest
import report_example as example
import word_boxes
from matplotlib.figure import Figure as Canvas
from pypdf import PdfReader

from common import report as report_package
from common.contract import Claim
from common.errors import UserError
from common.protocols.controls import CONTROLS
from common.report import charts, corpus_tables, first_page, formatting, numbers, reliability_tables, tables, write
from common.report.records import ByOthers, Curve, Report
from common.scoring.verdicts import METRICS
from common.vision import picture_grid

CONTRACT = {"paper", "profile", "data", "comparisons", "confusions", "departures", "audit", "environment", "cost"}
COMPARISON = ["experiment", "variant", "corpus", "protocol", "selection", "metric", "published", "reproduced"]
COMPARISON += ["verdict", "reason", "command"]
SCORE = ["value", "low", "high", "n_clips", "n_folds_done", "n_folds", "chance", "picks", "p", "p_test", "caution"]
DASH = "\N{EN DASH}"
Made = tuple[Report, tuple[Path, ...]]
"""A report and its files."""


def pages(path: Path) -> list[str]:
    """The text of each page without white space: lines break where the layout wants."""
    return ["".join(page.extract_text().split()) for page in PdfReader(path).pages]


def squeeze(text: str) -> str:
    return "".join(text.split())


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Made:
    folder = tmp_path_factory.mktemp("small")
    report = example.stand_in(folder)
    return report, write(report, folder / "new" / "reports")


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> Made:
    folder = tmp_path_factory.mktemp("many")
    report = example.many(folder)
    return report, write(report, folder)


@pytest.fixture(scope="module")
def drawn(many: Made) -> dict[str, list[charts.Drawing]]:
    return charts.draw(many[0])


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Made:
    folder = tmp_path_factory.mktemp("large")
    report = example.licensed(folder)
    return report, write(report, folder)


def test_three_files_and_nothing_else(small: Made) -> None:
    _, paths = small
    assert [p.name for p in paths] == ["example2019.pdf", "example2019.json", "example2019.csv"]
    assert sorted(paths[0].parent.iterdir()) == sorted(paths)


# ---------------------------------------------------------------- JSON and CSV


def test_json_contract_in_full_precision(large: Made) -> None:
    report, paths = large
    data = json.loads(paths[1].read_text("utf-8"))
    assert set(data) >= CONTRACT
    assert (data["paper"], data["data"], len(data["comparisons"])) == ("example2019", "licensed", 16)
    for c, item in zip(report.comparisons, data["comparisons"], strict=True):
        assert list(item) == COMPARISON
        assert list(item["reproduced"]) == SCORE
        assert c.score is not None
        assert c.claim is not None
        assert item["reproduced"]["value"] == c.score.value
        assert item["reproduced"]["low"] == c.score.low
        assert item["published"] == {
            "value": float(c.claim.printed),
            "source": "Table 2",
            "printed": c.claim.printed,
            "unit": "",
            "note": "",
        }
    assert data["confusions"][0]["matrix"] == report.confusions[0].matrix.tolist()
    assert len(data["exclusions"]) == 103


def test_missing_is_null_in_json_and_empty_in_csv(tmp_path: Path) -> None:
    report = example.stand_in(tmp_path)
    first, second, third, *rest = report.comparisons
    assert second.score is not None
    gaps = replace(second.score, low=None, high=float("nan"), chance=float("inf"))
    report = replace(
        report,
        comparisons=(
            replace(first, score=None, verdict="NOT_RUN"),
            replace(second, score=gaps),
            replace(third, claim=None),
        ),
        curves=(Curve("e", "v", "s", "loss", ((1.0, math.nan), (2.0,), ())),),
        cost={"training_seconds": math.nan},
    )
    _, json_path, csv_path = write(report, tmp_path)

    def refuse(name: str) -> None:
        raise AssertionError(name)

    data = json.loads(json_path.read_text("utf-8"), parse_constant=refuse)
    a, b, c = data["comparisons"]
    assert a["reproduced"] is None
    assert c["published"] is None
    assert (b["reproduced"]["low"], b["reproduced"]["high"], b["reproduced"]["chance"]) == (None, None, None)
    assert data["curves"][0]["folds"] == [[1.0, None], [2.0], []]
    assert data["cost"]["training_seconds"] is None
    rows = list(csv.DictReader(io.StringIO(csv_path.read_text("utf-8"))))
    assert [rows[0][f"reproduced_{name}"] for name in SCORE] == [""] * len(SCORE)
    assert (rows[1]["reproduced_high"], rows[2]["published_value"], rows[2]["published_source"]) == ("", "", "")
    assert float(rows[1]["reproduced_value"]) == gaps.value
    assert rest


def test_csv_rows_are_the_comparisons(large: Made) -> None:
    _, (_, json_path, csv_path) = large
    items = json.loads(json_path.read_text("utf-8"))["comparisons"]
    every = list(csv.DictReader(io.StringIO(csv_path.read_text("utf-8"))))
    rows = [row for row in every if not row["metric"].startswith("f1_")]
    assert len(rows) == len(items)
    f1 = {
        (c["experiment"], c["variant"], c["corpus"], f"f1_{name}"): value
        for c in json.loads(json_path.read_text("utf-8"))["confusions"]
        for name, value in c["f1"].items()
    }
    shown = {(r["experiment"], r["variant"], r["corpus"], r["metric"]): r["reproduced_value"] for r in every}
    assert f1
    assert all(shown[key] == ("" if value is None else str(value)) for key, value in f1.items())
    for row, item in zip(rows, items, strict=True):
        for key, value in item.items():
            if isinstance(value, dict):
                assert [row[f"{key}_{k}"] for k in value] == ["" if v is None else str(v) for v in value.values()]
            else:
                assert row[key] == value


# ---------------------------------------------------------------- PDF


def test_every_page_says_what_it_is_of_and_stand_ins_carry_their_banner(small: Made, large: Made) -> None:
    for report, paths in (small, large):
        banner, texts = formatting.banner(report.data, report.motion), pages(paths[0])
        assert (banner is None) == report.comparable
        for n, text in enumerate(texts, 1):
            assert text.count(squeeze(banner or "stand-in corpora")) == (banner is not None)
            assert f"page{n}of{len(texts)}" in text
            assert squeeze(f"{report.paper.key}, profile {report.profile}") in text


def test_the_page_prints_every_measured_number_beside_the_published_one(large: Made, many: Made) -> None:
    for report, paths in (large, many):
        whole = "".join(pages(paths[0]))
        for row in numbers.view(report)["printed"]:
            assert squeeze(row["published"] + row["reproduced"] + row["interval"] + row["twin"]) in whole
            assert squeeze(row["label"]) in whole
        for name, value in report.cost.items():
            assert squeeze(": ".join(formatting.cost(name, value))) in whole


@pytest.mark.parametrize("kind", ["small", "many"])
def test_nothing_measured_on_stand_ins_stands_beside_a_published_number(
    kind: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    """All measured numbers are shown, and no printed one but beside what others reproduced on the corpora."""
    report = replace(request.getfixturevalue(kind)[0], data="stand-in")
    pdf, whole = write(report, tmp_path)[0], numbers.view(report)
    printed = {claim.printed for claim in report.paper.claims}
    assert whole["printed"] == []
    assert not printed & {word.text for word in word_boxes.words(pdf)}
    shares = [cell["value"] for row in whole["scores"] for cell in row["cells"] if cell["value"] != DASH]
    assert len(shares) == sum(c.score is not None for c in report.comparisons)
    text = "".join(pages(pdf))
    assert all(value in text for value in shares)
    claim = report.paper.claims[0]
    others = replace(report, by_others={claim: ByOthers(claim.value, "consistent", "2026-01-02", (claim.value,))})
    text = "".join(pages(write(others, tmp_path)[0]))
    for row in numbers.view(others)["printed"]:
        assert squeeze(row["metric"] + row["published"] + row["label"]) in text


def test_what_was_not_run_is_a_dash_never_zero(tmp_path: Path) -> None:
    report = example.not_run()
    shown = numbers.view(report)
    assert len(shown["printed"]) == 16
    for row in shown["printed"]:
        assert {row[k] for k in ("reproduced", "interval", "chance")} == {DASH}
        assert (row["label"], row["twin"]) == ("not run", "itself" if row["experiment"].endswith("inside") else DASH)
    assert shown["scores"] == []
    text = "".join(pages(write(report, tmp_path)[0]))
    assert all(squeeze(row["published"] + 2 * DASH) in text for row in shown["printed"])
    assert not re.search(r"(?<!\d)0\.0+(?!\d)", text)


def test_texts_come_out_as_they_are(tmp_path: Path) -> None:
    odd = example.ODD
    report = example.stand_in(tmp_path)
    long = "/".join(["unbroken" * 3] * 12)
    report = replace(
        report,
        paper=replace(example.paper(odd=True), authors=odd + " #authors"),
        differences=((odd + " #setting", "[a]", "$b$"),),
        comparisons=tuple(replace(c, conditions=(odd + " #reason",), protocol=odd) for c in report.comparisons),
        confusions=tuple(replace(c, corpus="$x$ & <y>") for c in report.confusions),
        command=f"{odd} {long}",
        environment={odd: "#panic()", "path": long},
    )
    text = "".join(pages(write(report, tmp_path)[0]))
    for expected in (odd + " #authors", odd + " #reason", odd + " #setting", "#panic()", "$x$ & <y>", long):
        assert squeeze(expected) in text


def test_words_over_another_or_too_small_are_found(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    import typst

    turned = "#place(dy: 1cm, rotate(90deg)[turned])"
    texts = {
        "fine": f"#place[published]#place(dx: 60pt)[reproduced]{turned}#place(dy: 3cm, text(size: 6pt)[small])",
        "over": f"#place[published]#place(dx: 20pt)[reproduced]{turned}",
        "tiny": f"{turned}#text(size: 5.9pt)[tiny]#h(1cm)#scale(50%)[scaled] #scale(40%, rotate(90deg)[askew])",
    }
    for name, markup in texts.items():
        (tmp_path / f"{name}.typ").write_text(markup)
        (tmp_path / f"{name}.pdf").write_bytes(typst.compile(str(tmp_path / f"{name}.typ"), format="pdf"))
    assert word_boxes.main([str(tmp_path / "fine.pdf")]) == 0
    assert word_boxes.main([str(tmp_path / f"{name}.pdf") for name in texts]) == 1
    over, *small = capsys.readouterr().out.splitlines()
    assert all(part in over for part in ("over.pdf, page 1", "published", "reproduced"))
    found = [re.search(r"tiny.pdf, page 1: '(\w+)' has ([\d.]+)", line) for line in small]
    assert [match.groups() for match in found if match] == [("tiny", "5.90"), ("scaled", "5.50"), ("askew", "4.40")]


def test_equal_reports_give_equal_bytes(small: Made, tmp_path: Path) -> None:
    report, paths = small
    for before, after in zip(paths, write(report, tmp_path), strict=True):
        assert before.read_bytes() == after.read_bytes()


# ---------------------------------------------------------------- percentages, single splits, many experiments


def test_percentages_are_stored_as_shares_and_printed_as_the_paper_does(many: Made) -> None:
    report, paths = many
    items = json.loads(paths[1].read_text("utf-8"))["comparisons"]
    shown = numbers.view(report)
    for row, claim in zip(shown["printed"], report.paper.claims, strict=True):
        key = [claim.experiment, claim.variant, claim.corpus, claim.metric]
        (item,) = (c for c in items if [c["experiment"], c["variant"], c["corpus"], c["metric"]] == key)
        assert (item["published"]["printed"], item["published"]["unit"]) == (row["published"], "%")
        assert 100 * item["published"]["value"] == pytest.approx(float(row["published"]))
        for name, text in {"value": row["reproduced"], "chance": row["chance"]}.items():
            share = item["reproduced"][name]
            assert text == formatting.number(None if share is None else 100 * share, 2)
        assert row["metric"].endswith(", %")
    shares = [cell["value"] for row in shown["scores"] for cell in row["cells"]]
    assert all(re.fullmatch(r"[01]\.\d{3}", value) for value in shares)  # whatever the paper prints


def test_every_score_is_in_one_of_the_two_tables(many: Made) -> None:
    """A score is the printed number of its own variant, one of the three metrics of a row, or has a row of its own."""
    report = many[0]
    shown = numbers.view(report)
    own = {(c.experiment, c.variant, c.corpus, c.metric) for c in report.paper.claims}
    others = [
        c
        for c in report.comparisons
        if c.score and c.metric not in METRICS and (c.experiment, c.variant, c.corpus, c.metric) not in own
    ]
    assert sum(row["kind"] == "metric" for row in shown["scores"]) == len(others)
    wide = {(c.experiment, c.variant, c.corpus) for c in report.comparisons if c.score and c.metric in METRICS}
    assert sum(row["kind"] == "score" for row in shown["scores"]) == len(wide)
    for row, claim in zip(shown["printed"], report.paper.claims, strict=True):
        assert (row["source"], row["experiment"]) == (claim.source, f"{claim.experiment}/{claim.variant}")


@pytest.mark.parametrize("data", ["licensed", "stand-in"])
def test_notes_are_numbered_once_for_the_whole_report(many: Made, data: str) -> None:
    """Each score has the notes on its rule and its conditions, a printed number also that of the claim."""
    report = replace(many[0], data=data)
    shown = numbers.view(report)
    notes = shown["notes"]
    assert len(set(notes)) == len(notes)
    used = {int(n) for row in (*shown["printed"], *shown["scores"]) for n in row["notes"].split(", ") if n}
    assert used == set(range(1, len(notes) + 1))
    compared = {(c.experiment, c.variant, c.corpus, c.metric): c for c in report.comparisons}
    for row, claim in zip(shown["printed"], report.paper.claims, strict=report.comparable):
        own = {notes[int(n) - 1] for n in row["notes"].split(", ") if n} | {*map(formatting.sentence, shown["shared"])}
        c = compared[claim.experiment, claim.variant, claim.corpus, claim.metric]
        rule = f"{c.protocol}; {formatting.selection_name(c.selection)}"
        assert own >= {formatting.sentence(text) for text in (rule, *c.conditions)}
        assert any(claim.note in note for note in own)
    text = "".join(pages(many[1][0]))
    assert all(squeeze(note) in text for note in notes) or data != "licensed"


def test_the_verdicts_are_counted(large: Made, small: Made) -> None:
    for verdict in formatting.VERDICTS:
        alike = tuple(replace(c, verdict=verdict) for c in large[0].comparisons)
        counts = [int(n) for n in re.findall(r"\b\d+\b", numbers.summary(replace(large[0], comparisons=alike)))]
        assert (counts[0], sum(counts[1:])) == (16, 16)
    for report, paths in (large, small):
        assert squeeze(numbers.summary(report)) in pages(paths[0])[1]
    quoted = replace(small[0], paper=replace(small[0].paper, facts={"quoted_by": ["other2020"]}))
    assert "other2020 quotes 16 numbers" in numbers.summary(quoted)
    assert re.findall(r"\d+", numbers.summary(small[0])) == ["16"]  # and no count of what may not be compared


def test_printed_confusions_stand_beside_ours(many: Made, drawn: dict[str, list[charts.Drawing]]) -> None:
    _, paths = many
    data = json.loads(paths[1].read_text("utf-8"))
    assert data["published_confusions"][0]["matrix"] == [[19, 1, 1], [0, 11, 1], [1, 1, 6]]
    first = drawn["confusions"][0].svg.decode()
    places = [first.index(name) for name in ("Table VI", "face-recordings/public-", "face-recordings/loso")]
    assert places == sorted(places)
    assert first.index("face-recordings/published") < places[0]
    assert len(drawn["confusions"]) == -(-(first_page.PICTURED + 1) // charts.ACROSS)  # and the printed one


def test_many_experiments_stay_readable(many: Made, drawn: dict[str, list[charts.Drawing]]) -> None:
    report, paths = many
    assert len({(c.experiment, c.variant) for c in report.confusions}) == 19
    named = ", ".join(d.subject for d in drawn["curves"])
    pictured = {row.name for row in first_page.shown_rows(report, first_page.PICTURED)}
    assert {name for c in report.curves if (name := f"{c.experiment}/{c.variant}") in named} == pictured
    assert not any("val" in d.svg.decode() for d in drawn["curves"])  # held-out clips are in the panels of training
    assert len(pages(paths[0])) <= 6


def test_a_constant_learning_rate_has_no_panel_and_outputs_share_one(tmp_path: Path) -> None:
    report = example.licensed(tmp_path)
    e = report.paper.experiments[0]

    def drawn(*curves: tuple[str, tuple[float, ...]]) -> str:
        rows = tuple(Curve(e.name, e.variant, "network", metric, (values,)) for metric, values in curves)
        return "".join(d.svg.decode() for d in charts.draw(replace(report, curves=rows))["curves"])

    assert "learning rate" not in drawn(("loss", (2.0, 1.0)), ("learning_rate", (0.1, 0.1)))
    assert "learning rate" in drawn(("loss", (2.0, 1.0)), ("learning_rate", (0.1, 0.01)))
    text = drawn(("left_loss", (2.0, 1.0)), ("right_loss", (3.0, 1.0)), ("left_accuracy", (0.0, 1.0)))
    assert (text.count(">loss<"), text.count(">accuracy<"), text.count(">left<"), text.count(">right<")) == (1, 1, 1, 1)


# ---------------------------------------------------------------- strings


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.04, "0.04 s"), (9.996, "10.0 s"), (59.96, "1 min 00 s"), (302, "5 min 02 s"), (3599.7, "1 h 00 min"),
     (12000, "3 h 20 min"), (86399, "1 d 00 h"), (187200, "2 d 04 h"), (math.nan, DASH)],
)  # fmt: skip
def test_durations(seconds: float, text: str) -> None:
    assert formatting.duration(seconds) == text


def test_numbers_and_units() -> None:
    assert [formatting.number(v, 2) for v in (0.985, -0.5, None, math.nan)] == [
        "0.98",
        "\N{MINUS SIGN}0.50",
        DASH,
        DASH,
    ]
    assert formatting.cost("parameters", 1093531.0) == ("Parameters", "1,093,531")
    assert formatting.cost("gpu_seconds", 61.0) == ("Gpu", "1 min 01 s")
    assert formatting.cost("peak_memory_mib", 1893.4)[1] == "1,893 MiB"


def test_the_time_of_training_is_that_of_all_experiments(tmp_path: Path) -> None:
    parts = {"peak_memory_mib": 10.0, "training_seconds a/x": 60.0, "training_seconds b/x": 1.0, "parameters a": 1200.0}
    shown = dict(map(tuple, tables.costs(replace(example.stand_in(tmp_path), cost=parts))))
    assert shown == dict([formatting.cost("peak_memory_mib", 10.0), formatting.cost("training_seconds", 61.0)])


def test_every_printed_number_has_the_score_of_its_own_variant_and_of_its_twin(many: Made) -> None:
    report = many[0]
    rows = numbers.view(report)["printed"]
    scores = {(c.experiment, c.variant, c.corpus, c.metric): c.score for c in report.comparisons}
    free = {(e.name, e.variant) for e in report.paper.experiments if e.leak_free}
    for claim, row in zip(report.paper.claims, rows, strict=True):
        assert (row["source"], row["published"]) == (claim.source, claim.printed)

        def shown(variant: str, claim: Claim = claim) -> str:
            score = scores.get((claim.experiment, variant, claim.corpus, claim.metric))
            value = (100 if claim.unit else 1) * score.value if score else None
            return formatting.number(value, formatting.decimals(claim.printed))

        assert row["reproduced"] == shown(claim.variant)
        twin = shown("loso")
        assert (claim.experiment, claim.variant) not in free
        assert row["twin"] == (DASH if twin == DASH else f"{twin} (loso)")


def test_commands_are_collected_once_for_what_did_not_run(many: Made) -> None:
    report = many[0]
    names = [f"{c.experiment}/{c.variant}" for c in report.comparisons]
    rows = [replace(c, score=None, verdict="NOT_RUN") for c in report.comparisons]
    command = numbers.command_for_missing(replace(report, comparisons=tuple(rows)))
    assert command.split() == [*report.command.split(), "--experiment", *dict.fromkeys(names)]
    assert (numbers.missing(report), numbers.command_for_missing(report)) == ([], "")


def test_long_lists_are_cut_and_counted() -> None:
    exclusions, corrections = example.licensed_lists()
    rows = corpus_tables.exclusion_rows(exclusions)
    assert [(r["kind"], r["count"]) for r in rows] == [("fault", "1"), ("rule", "102")]
    assert rows[1]["clips"].endswith("and 78 more (all of them in the JSON file)")
    assert len(corpus_tables.correction_rows(corrections * 3)) == 1


def test_rounding_lives_in_one_module() -> None:
    for path in Path(report_package.__file__).parent.glob("*.py"):
        if path.name in ("formatting.py", "latex.py"):  # LaTeX prints code points, no numbers
            continue
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            called = getattr(node.func, "id", getattr(node.func, "attr", "")) if isinstance(node, ast.Call) else ""
            assert called not in {"round", "around", "format"}, path.name
            assert not (isinstance(node, ast.FormattedValue) and node.format_spec), path.name
            assert not (
                isinstance(node, ast.BinOp)
                and isinstance(node.op, ast.Mod)
                and isinstance(node.left, ast.Constant)
                and isinstance(node.left.value, str)
            ), path.name


# ---------------------------------------------------------------- files


@pytest.mark.parametrize("below", ["", "deeper"])
def test_a_folder_that_cannot_be_written_is_one_line(tmp_path: Path, below: str) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(UserError, match="cannot write the report to") as caught:
        write(example.not_run(), tmp_path / "file" / below)
    assert "\n" not in str(caught.value)
    assert "--out" in str(caught.value)


def test_a_failed_write_leaves_the_old_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    paths = write(example.not_run(), tmp_path)
    before = {p: p.read_bytes() for p in paths}

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(UserError, match="No space left on device"):
        write(replace(example.not_run(), seed=1), tmp_path)
    assert {p: p.read_bytes() for p in tmp_path.iterdir()} == before


def test_no_tensorflow() -> None:
    code = "import sys, common.report, common.report.charts; print({'tensorflow', 'keras', 'torch'} & set(sys.modules))"
    root = Path(__file__).parents[1]
    done = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


@pytest.mark.parametrize(
    ("p", "bold"),
    [
        ((0.01, 0.02, 0.04, None, None), [True, True, True, False, False]),  # by Holm 0.03, 0.04, 0.04
        ((0.01, 0.03, 0.04, None, None), [True, False, False, False, False]),  # 0.03, 0.06, 0.06
    ],
)
def test_bold_scores_of_controls_are_corrected_within_their_experiment(
    p: tuple[float | None, ...], bold: list[bool], tmp_path: Path
) -> None:
    report = example.licensed(tmp_path)
    own = next(c for c in report.comparisons if (c.variant, c.corpus, c.metric) == ("cnn_inside", "smic", "uf1"))
    assert own.score is not None
    first, *spoilt = [replace(own, score=replace(own.score, p=value)) for value in p]
    experiment = replace(report.paper.experiments[0], corpora=("smic",))
    shown = replace(
        report,
        paper=replace(report.paper, experiments=(experiment,)),
        comparisons=(first,),
        controls=tuple(replace(c, variant=f"cnn_inside+{name}") for name, c in zip(CONTROLS, spoilt, strict=True)),
    )
    (by_control,) = reliability_tables.controlled(shown).values()
    assert ["uf1" in by_control[name].above for name in (reliability_tables.AS_IT_IS, *CONTROLS)] == bold
    rows = numbers.view(shown)["scores"]
    assert [row["kind"] for row in rows] == ["score", *("control" for _ in CONTROLS)]
    assert [row["cells"][0]["above"] for row in rows] == bold
    assert len({row["cells"][0]["value"] for row in rows}) == 1  # all with the decimals of the experiment


@pytest.mark.parametrize("wide", [200, 240, 400, 499])
def test_an_svg_figure_stands_at_its_own_size(wide: int, tmp_path: Path) -> None:
    with matplotlib.rc_context(picture_grid.PAPER_STYLE):
        page = Canvas(figsize=(wide / 72, 1))
        page.text(0.1, 0.5, "Anfang")
        page.text(0.6, 0.5, "Mitte")
        drawn = [picture_grid.drawn(page, tmp_path / f"{name}.svg", name, "") for name in ("one", "two")]
    pdf, *_ = write(replace(example.licensed(tmp_path), figures=tuple(drawn)), tmp_path)
    found = [word for word in word_boxes.words(pdf) if word.text in ("Anfang", "Mitte")]
    first, second = ([word.left for word in found if word.text == text] for text in ("Anfang", "Mitte"))
    assert len(first) == len(second) == 2
    assert [b - a for a, b in zip(first, second, strict=True)] == pytest.approx([wide / 2] * 2, abs=0.6)
    heights = {round(word.bottom) for word in found if word.text == "Mitte"}
    assert len(heights) == (1 if wide <= 240 else 2)  # beside each other if both fit
