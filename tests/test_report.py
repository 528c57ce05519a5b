"""The report: the JSON contract, honest gaps, literal texts, the stand-in notice, files that are whole or absent."""

from __future__ import annotations

import ast
import csv
import io
import json
import math
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import report_example as example
from pypdf import PdfReader

from common import report as report_package
from common.errors import UserError
from common.protocols.controls import CONTROLS
from common.report import charts, corpus_tables, formatting, reliability_tables, tables, write
from common.report.records import Curve, Report

CONTRACT = {"paper", "profile", "data", "comparisons", "confusions", "departures", "audit", "environment", "cost"}
COMPARISON = ["experiment", "variant", "corpus", "protocol", "selection", "metric", "published", "reproduced"]
COMPARISON += ["verdict", "reason", "command"]
SCORE = ["value", "low", "high", "n_clips", "n_folds_done", "n_folds", "chance", "p"]
DASH = "\N{EN DASH}"


def pages(path: Path) -> list[str]:
    """The text of each page without white space: lines break where the layout wants."""
    return ["".join(page.extract_text().split()) for page in PdfReader(path).pages]


def squeeze(text: str) -> str:
    return "".join(text.split())


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> tuple[Report, tuple[Path, ...]]:
    folder = tmp_path_factory.mktemp("small")
    report = example.stand_in(folder)
    return report, write(report, folder / "new" / "reports")


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> tuple[Report, tuple[Path, ...]]:
    folder = tmp_path_factory.mktemp("many")
    report = example.many(folder)
    return report, write(report, folder)


@pytest.fixture(scope="module")
def drawn(many: tuple[Report, tuple[Path, ...]]) -> dict[str, list[charts.Drawing]]:
    return charts.draw(many[0])


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> tuple[Report, tuple[Path, ...]]:
    folder = tmp_path_factory.mktemp("large")
    report = example.licensed(folder)
    return report, write(report, folder)


def test_three_files_and_nothing_else(small: tuple[Report, tuple[Path, ...]]) -> None:
    _, paths = small
    assert [p.name for p in paths] == ["example2019.pdf", "example2019.json", "example2019.csv"]
    assert sorted(paths[0].parent.iterdir()) == sorted(paths)


# ---------------------------------------------------------------- JSON and CSV


def test_json_contract_in_full_precision(large: tuple[Report, tuple[Path, ...]]) -> None:
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


def test_csv_rows_are_the_comparisons(large: tuple[Report, tuple[Path, ...]]) -> None:
    _, (_, json_path, csv_path) = large
    items = json.loads(json_path.read_text("utf-8"))["comparisons"]
    rows = list(csv.DictReader(io.StringIO(csv_path.read_text("utf-8"))))
    assert len(rows) == len(items)
    for row, item in zip(rows, items, strict=True):
        for key, value in item.items():
            if isinstance(value, dict):
                assert [row[f"{key}_{k}"] for k in value] == ["" if v is None else str(v) for v in value.values()]
            else:
                assert row[key] == value


# ---------------------------------------------------------------- PDF


def test_every_stand_in_page_says_so(small: tuple[Report, tuple[Path, ...]]) -> None:
    texts = pages(small[1][0])
    banner = squeeze(
        "Stand-in corpora: synthetic faces. Not a reproduction; no number here may be compared with a published one."
    )
    assert len(texts) >= 3
    for n, text in enumerate(texts, 1):
        assert text.count(banner) == 1
        assert f"page{n}of{len(texts)}" in text
        assert "example2019,profilequick,stand-incorpora" in text


def test_licensed_pages_carry_numbers_and_no_banner(large: tuple[Report, tuple[Path, ...]]) -> None:
    report, paths = large
    texts = pages(paths[0])
    assert not any("syntheticfaces" in text for text in texts)
    whole = "".join(texts)
    for c in report.comparisons:
        assert c.claim is not None
        assert c.score is not None
        assert c.claim.printed in whole
        assert f"{c.score.value:.4f}" in whole
    for word in ("match", "close", "differs", "Selection:lastepoch.", "68/68", "11h27min", "1,893MiB", "18.3ms"):
        assert word in whole
    assert "published" in whole  # the paper's own confusion matrix stands beside ours
    titles = ("Contradictedbyarithmetic", "Besidedocumentedcounts", "Worthknowing", "Checksthathold")
    places = [whole.index(title) for title in titles]
    assert places == sorted(places)


def test_what_was_not_run_is_a_dash_never_zero(tmp_path: Path) -> None:
    report = example.not_run()
    rows = [row for table in tables.main_tables(report) for row in table["rows"]]
    assert len(rows) == 16
    for row in rows:
        assert {row[k] for k in ("reproduced", "interval", "chance", "clips", "folds")} == {DASH}
        assert row["label"] == "not run"
    text = "".join(pages(write(report, tmp_path)[0]))
    assert text.count(5 * DASH + "notrun") == 16
    assert "0.0000" not in text
    assert not any(heading in text for heading in ("Held-outsubjects", "Confusionmatrices", "Intervals", "Training"))


def test_texts_come_out_as_they_are(tmp_path: Path) -> None:
    odd = example.ODD
    report = example.stand_in(tmp_path)
    long = "/".join(["unbroken" * 3] * 12)
    report = replace(
        report,
        paper=replace(example.paper(odd=True), authors=odd + " #authors"),
        shortened=(odd,),
        comparisons=tuple(replace(c, reason=odd + " #reason", protocol=odd) for c in report.comparisons),
        confusions=tuple(replace(c, corpus="$x$ & <y>") for c in report.confusions),
        command=f"{odd} {long}",
        environment={odd: "#panic()", "path": long},
    )
    text = "".join(pages(write(report, tmp_path)[0]))
    for expected in (odd + " #authors", odd + " #reason", "#panic()", "$x$ & <y>", long):
        assert squeeze(expected) in text


def test_equal_reports_give_equal_bytes(small: tuple[Report, tuple[Path, ...]], tmp_path: Path) -> None:
    report, paths = small
    for before, after in zip(paths, write(report, tmp_path), strict=True):
        assert before.read_bytes() == after.read_bytes()


# ---------------------------------------------------------------- percentages, single splits, many experiments


def test_percentages_are_printed_as_the_paper_does_and_stored_as_shares(many: tuple[Report, tuple[Path, ...]]) -> None:
    report, paths = many
    rows = [row for table in tables.main_tables(report) for row in table["rows"] if row["published"] == "87.80"]
    assert len(rows) == 2 * 2 * 3
    items = [c for c in json.loads(paths[1].read_text("utf-8"))["comparisons"] if c["metric"] == "accuracy"]
    stored = [c for c in items if c["published"]]
    for row, item in zip(rows, stored, strict=True):
        assert row["metric"] == "accuracy, %"
        assert item["published"]["value"] == pytest.approx(0.878)
        assert (item["published"]["printed"], item["published"]["unit"]) == ("87.80", "%")
        share = item["reproduced"]["value"]
        assert 0 <= share <= 1
        assert float(row["reproduced"]) == pytest.approx(100 * share, abs=0.005)
        assert float(row["chance"]) == pytest.approx(100 * item["reproduced"]["chance"], abs=0.005)
        low, high = map(float, row["interval"].split(" to "))
        assert low <= float(row["reproduced"]) <= high
    unprinted = [row for table in tables.main_tables(report) for row in table["rows"] if row["metric"] == "UF1"]
    assert all(len(row["reproduced"]) == len("0.1234") for row in unprinted)


def test_each_row_stands_under_its_own_selection(many: tuple[Report, tuple[Path, ...]]) -> None:
    table = next(t for t in tables.main_tables(many[0]) if t["id"] == "face-recordings/published")
    assert (table["corpus"], "oracle" in table["selection"]) == ("recordings", True)
    heads = [row["head"] for row in table["rows"]]
    assert heads == ["", "", "", "mean and sample deviation of epochs 91-100, no epoch selected", ""]
    text = "".join(pages(many[1][0]))
    assert text.count("Selection:meanandsampledeviationofepochs91-100,noepochselected.") == 8
    deviation = table["rows"][-1]
    assert (deviation["metric"], deviation["chance"], deviation["interval"]) == (
        "last ten epochs, deviation, %",
        DASH,
        DASH,
    )


def test_readings_of_a_printed_number_stand_under_its_own_variant(many: tuple[Report, tuple[Path, ...]]) -> None:
    readings = {t["id"]: t["readings"] for t in tables.main_tables(many[0]) if t["readings"]}
    assert set(readings) == {"intermediate-recordings/published", "intermediate-smic/published"}
    assert readings["intermediate-smic/published"] == ["83.25 is no k/41, but 169/203"]
    assert "Onthepublishednumber:83.25isnok/41,but169/203." in "".join(pages(many[1][0]))


def test_printed_confusions_stand_beside_ours(
    many: tuple[Report, tuple[Path, ...]], drawn: dict[str, list[charts.Drawing]]
) -> None:
    report, paths = many
    data = json.loads(paths[1].read_text("utf-8"))
    assert data["published_confusions"][0]["matrix"] == [[19, 1, 1], [0, 11, 1], [1, 1, 6]]
    assert [d.subject for d in drawn["confusions"]] == list(dict.fromkeys(c.experiment for c in report.confusions))
    first = drawn["confusions"][0].svg.decode()
    assert first.index("in the paper (Table VI)") < first.index(">published<") < first.index(">loso<")


def test_many_experiments_stay_readable(
    many: tuple[Report, tuple[Path, ...]], drawn: dict[str, list[charts.Drawing]]
) -> None:
    report, paths = many
    assert len({(c.experiment, c.variant) for c in report.confusions}) == 19
    assert len(drawn["curves"]) == 7  # one figure per experiment, what is held out in the panels of training
    assert not any("val" in d.svg.decode() for d in drawn["curves"])
    assert {d.subject.partition("/")[2] for d in drawn["subjects"]} == {"loso"}  # a single split is no picture
    assert len(pages(paths[0])) <= 18


def test_an_accuracy_of_epochs_is_a_line_of_the_interval_plot(drawn: dict[str, list[charts.Drawing]]) -> None:
    assert {d.subject for d in drawn["forest"]} == {"UF1, UAR, accuracy"}
    text = "".join(d.svg.decode() for d in drawn["forest"])
    assert text.count("last ten epochs, mean") == 8
    assert "deviation" not in text


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
    assert formatting.cost("peak_memory_mib", 1893.4) == ("Peak memory", "1,893 MiB")


def test_costs_of_parts_stand_in_tables_of_their_own() -> None:
    costs = {"peak_memory_mib": 10.0, "training_seconds a/x": 61.0, "seconds_per_fold a/x": 2.0, "parameters a": 1200.0}
    assert tables.cost_tables(costs) == {
        "whole": [("Peak memory", "10 MiB")],
        "parts": [
            {"head": ["Training, all folds", "Training, per fold"], "rows": [["a/x", "1 min 01 s", "2.00 s"]]},
            {"head": ["Parameters"], "rows": [["a", "1,200"]]},
        ],
    }


def test_the_overview_sets_every_printed_number_beside_its_own_variant_and_its_twin(tmp_path: Path) -> None:
    report = example.many(tmp_path)
    rows = tables.overview(report)
    assert [row[0] for row in rows] == [claim.source for claim in report.paper.claims]
    assert [row[4] for row in rows] == [claim.printed for claim in report.paper.claims]
    scores = {(c.experiment, c.variant, c.corpus, c.metric): c.score for c in report.comparisons}
    free = {(e.name, e.variant) for e in report.paper.experiments if e.leak_free}
    for claim, row in zip(report.paper.claims, rows, strict=True):
        score = scores.get((claim.experiment, claim.variant, claim.corpus, claim.metric))
        value = (100 if claim.unit else 1) * score.value if score else None
        assert row[5] == formatting.number(value, formatting.decimals(claim.printed))
        if (claim.experiment, claim.variant) in free:
            assert row[6] == "leak-free itself"
    assert formatting.percent(1, 0) == DASH


def test_a_score_has_the_decimals_of_its_claim(tmp_path: Path) -> None:
    first, *_ = example.licensed(tmp_path).comparisons
    assert first.claim is not None
    assert first.score is not None
    percent = replace(
        first, claim=replace(first.claim, printed="87.8", unit="%"), score=replace(first.score, value=0.8504999)
    )
    report = replace(example.not_run(), comparisons=(percent,))
    row = tables.main_tables(report)[0]["rows"][0]
    assert (row["published"], row["reproduced"]) == ("87.8", "85.0")


def test_an_oracle_is_named_as_one(tmp_path: Path) -> None:
    report = example.not_run()
    report = replace(report, comparisons=tuple(replace(c, selection="oracle") for c in report.comparisons))
    assert "Selection:oracle:bestepochonthetestfolditself." in "".join(pages(write(report, tmp_path)[0]))


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
        ((0.01, 0.02, 0.04, None), [True, True, True, False]),  # by Holm 0.03, 0.04, 0.04
        ((0.01, 0.03, 0.04, None), [True, False, False, False]),  # 0.03, 0.06, 0.06
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
    (row,) = (row for row in reliability_tables.control_rows(shown) if row["metric"] == "UF1")
    assert [cell["above"] for cell in row["cells"]] == bold
