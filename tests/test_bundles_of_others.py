"""What bundles of others give for printed numbers: which count, what reports show, and the leaderboard."""

from __future__ import annotations

import csv
import io
import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from statistics import fmean
from typing import Any

import pypdfium2
import pytest
import report_example

import papers
import run_all
from benchmarks.forgery import base, judging
from common.bundles import archive, others, released
from common.bundles.records import CONSISTENT, CORROBORATED
from common.bundles.schema import HEAD
from common.contract import Claim
from common.report import exports, results_page
from common.report.records import ByOthers, Report
from common.report.write import comparison_csv, page, record
from common.scoring import public
from docs import contributed, marks

ROOT = Path(__file__).parents[1]
KEY = "kumar2019"
EXPERIMENT = "smic-loso/published"
RUNS = ((EXPERIMENT, 0), (EXPERIMENT, 1))
PAPER = papers.load(KEY)
UF1 = next(c for c in PAPER.claims if (f"{c.experiment}/{c.variant}", c.metric) == (EXPERIMENT, "uf1"))
DATE = "2026-01-31"


def bundle(path: Path, who: str, change: Callable[[Any], None] = lambda contents: None, **about: Any) -> Path:
    """A made-up bundle of a paper whose clips are those that the paper prints."""
    contents = base.contents(**{"made": RUNS, "who": who, "key": KEY, **about})
    change(contents)
    head = {name: value for name, value in contents[HEAD].items() if name != "files"}
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(archive.packed(archive.sealed(head, {n: r for n, r in contents.items() if n != HEAD})))
    return path


def of_paper(*paths: Path, key: str = KEY) -> others.OfPaper:
    return others.of_paper(others.read(paths, papers.load, released.read()), papers.load(key))


def runs_of(contents: Any) -> list[Any]:
    return [contents[name] for name in sorted(contents) if name != HEAD]


def perfect(contents: Any) -> None:
    for run in runs_of(contents):
        for number, fold in enumerate(run["folds"]):
            rows = [[0.97 - number / 10000 - run["seed"] / 100] * 3 for _ in fold["truth"]]
            for row, label in zip(rows, fold["truth"], strict=True):
                row[:] = [row[0] if k == label else (1 - row[0]) / 2 for k in range(3)]
            fold["probabilities"] = rows
        run["folds"][0]["probabilities"][0] = [0.4, 0.35, 0.25 + run["seed"] / 1000]
    judging.renew(contents)


# ---------------------------------------------------------------- which bundles count


def test_a_single_bundle_gives_the_mean_over_its_seeds(tmp_path: Path) -> None:
    path = bundle(tmp_path / "a.zip", "first")
    found, lines = of_paper(path)
    values = [s["value"] for r in runs_of(archive.contents(path)) for s in r["scores"] if s["metric"] == "uf1"]
    assert len(values) == 2
    assert found[UF1] == ByOthers(pytest.approx(fmean(values)), CONSISTENT, DATE, (pytest.approx(fmean(values)),))
    assert {(claim.experiment, claim.variant) for claim in found} == {tuple(EXPERIMENT.split("/"))}
    assert not lines


def test_tiers_are_not_mixed_in_one_number(tmp_path: Path) -> None:
    pair = [bundle(tmp_path / f"{who}.zip", who) for who in ("first", "second")]
    other = bundle(tmp_path / "z.zip", "third", perfect)
    alone = [of_paper(path)[0][UF1] for path in (*pair, other)]
    assert [one.tier for one in alone] == [CONSISTENT] * 3
    assert alone[2].value > 0.9
    together = of_paper(*pair, other)[0][UF1]
    assert (together.tier, together.bundles) == (CORROBORATED, 2)
    assert together.values == tuple(one.value for one in alone[:2])
    assert together.value == pytest.approx(fmean(together.values))
    apart = of_paper(pair[0], other)[0][UF1]
    assert (apart.tier, apart.bundles) == (CONSISTENT, 2)


def test_the_date_is_that_of_the_newest(tmp_path: Path) -> None:
    def later(contents: Any) -> None:
        contents[HEAD]["date"] = "2026-02-28"

    paths = [bundle(tmp_path / "a.zip", "first", later), bundle(tmp_path / "b.zip", "second")]
    assert of_paper(*paths)[0][UF1].date == "2026-02-28"


def _raised(contents: Any) -> None:
    runs_of(contents)[0]["scores"][0]["value"] += 0.1


def _stand_in(contents: Any) -> None:
    contents[HEAD]["data"] = "stand-in"


def _real_motion(contents: Any) -> None:
    contents[HEAD]["data"] = "real-motion"


def _smoke(contents: Any) -> None:
    """Claim a profile that has fewer subjects, clips and folds."""
    contents[HEAD]["profile"] = "smoke"


def _changed(contents: Any) -> None:
    contents[HEAD]["options"] = [["--set", "epochs=7"]]
    for run in runs_of(contents):
        run["settings"]["training"]["epochs"] = 7
        for fold in run["folds"]:
            fold["history"] = {
                stage: {name: values[:7] for name, values in metrics.items()}
                for stage, metrics in fold["history"].items()
            }
    judging.renew(contents)


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (_raised, "scores"),
        (_stand_in, "stand-ins"),
        (_real_motion, "stand-ins"),
        (_smoke, "clips"),
        (_changed, "--set epochs=7"),
    ],
)
def test_a_bundle_that_does_not_count_is_one_line(change: Any, why: str, tmp_path: Path) -> None:
    """Nor does it corroborate one that counts."""
    good, bad = bundle(tmp_path / "good.zip", "first"), bundle(tmp_path / "bad.zip", "second", change)
    found, lines = of_paper(good, bad)
    assert found == of_paper(good)[0]
    (line,) = lines
    assert line.startswith("bad.zip does not count: ")
    assert why in line
    assert of_paper(bad)[0] == {}


def test_scores_that_cannot_be_compared_are_no_reproduction(tmp_path: Path) -> None:
    """The paper prints a number for 32 clips, and the bundle has 34."""
    path = bundle(tmp_path / "a.zip", "first", made=base.SMIC, key=base.PAPER)
    found, lines = of_paper(path, key=base.PAPER)
    assert not found
    (line,) = lines
    assert line.startswith("a.zip ")
    assert of_paper(path) == ({}, ())  # it is of another paper


def test_the_same_run_counts_once(tmp_path: Path) -> None:
    path = bundle(tmp_path / "a.zip", "first")
    (tmp_path / "b.zip").write_bytes(path.read_bytes())
    found, (line,) = of_paper(tmp_path)
    assert found == of_paper(path)[0]
    assert "a.zip" in line
    assert line.startswith("b.zip")
    assert of_paper(path, path) == of_paper(path)


def test_folders_may_hold_other_files(tmp_path: Path) -> None:
    path = bundle(tmp_path / KEY / "own.ZIP", "first")
    (tmp_path / "README.md").write_text("about", encoding="utf-8")
    (tmp_path / "table.csv").write_text("a,b", encoding="utf-8")
    (tmp_path / "folder.zip").mkdir()
    (tmp_path / "._own.zip").write_bytes(b"hidden")
    (tmp_path / ".git").mkdir()
    (tmp_path / ".git" / "a.zip").write_bytes(b"hidden")
    assert of_paper(tmp_path) == of_paper(path)
    assert of_paper(tmp_path)[0]


@pytest.mark.parametrize("content", [b"", b"no ZIP file", b'{"format": "mer-suite bundle"}'])
def test_a_file_that_is_no_bundle_is_one_line(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "notes.json").write_bytes(content)
    assert of_paper(tmp_path / "notes.json") == ({}, ("notes.json does not count: format: not a readable ZIP file",))
    found, (line,) = of_paper(tmp_path)
    assert not found
    assert "no bundle" in line


# ---------------------------------------------------------------- what reports show


def report(tmp_path: Path) -> Report:
    """A report in which others reproduce two numbers."""
    own = report_example.licensed(tmp_path)
    first, second, *_ = own.paper.claims
    by_others: dict[Claim, ByOthers] = {
        first: ByOthers(0.71349, CORROBORATED, "2026-02-28", (0.71, 0.71698)),
        second: ByOthers(0.5, CONSISTENT, DATE, (0.5,)),
    }
    return replace(own, by_others=by_others, left_out=("bad.zip does not count: it was run on stand-ins",))


def without(shown: Report) -> Report:
    return replace(shown, by_others={}, left_out=())


def text_of(content: bytes) -> str:
    pages = pypdfium2.PdfDocument(content)
    return " ".join(" ".join(pages[i].get_textpage().get_text_range() for i in range(len(pages))).split())


def test_the_pdf_has_value_tier_count_and_date(tmp_path: Path) -> None:
    shown = report(tmp_path)
    text = text_of(page(shown))
    for part in ("0.7135", "corroborated", "2 bundles", "2026-02-28", "0.5000", "1 bundle,", "bad.zip"):
        assert part in text
    plain = text_of(page(without(shown)))
    assert "By others" in text
    assert "By others" not in plain


def test_json_csv_tables_and_page_have_it_too(tmp_path: Path) -> None:
    shown = report(tmp_path)
    rows = json.loads(json.dumps(record(shown)))["by_others"]
    assert [(row["value"], row["tier"], row["bundles"], row["date"]) for row in rows] == [
        (0.71349, CORROBORATED, 2, "2026-02-28"),
        (0.5, CONSISTENT, 1, DATE),
    ]
    assert [(row["experiment"], row["metric"]) for row in rows] == [("composite", "uf1"), ("composite", "uar")]
    assert record(shown)["left_out"] == list(shown.left_out)
    first, second, third, *_ = csv.DictReader(io.StringIO(comparison_csv(shown).decode()))
    assert [first[f"by_others_{name}"] for name in ("tier", "bundles", "value")] == [CORROBORATED, "2", "0.71349"]
    assert (second["by_others_date"], third["by_others_value"]) == (DATE, "")
    for name, content in exports.of_report(shown, exports.FORMATS).items():
        line = next(line for line in content.decode().splitlines() if "0.7135" in line)
        assert "corroborated, 2 bundles, 2026-02-28" in line, name
    content = results_page.content([shown])
    assert [row["others"]["text"] for row in content["rows"][:3]] == ["0.7135", "0.5000", ""]
    assert content["left_out"] == list(shown.left_out)


def test_without_bundles_there_is_no_column(tmp_path: Path) -> None:
    plain = without(report(tmp_path))
    assert record(plain)["by_others"] == []
    assert "others" not in comparison_csv(plain).decode().splitlines()[0]
    for content in exports.of_report(plain, exports.FORMATS).values():
        assert "others" not in content.decode()
    assert {row["others"]["value"] for row in results_page.content([plain])["rows"]} == {None}


def test_a_number_of_another_variant_is_not_its_reproduction(tmp_path: Path) -> None:
    """A leak-free twin is compared with the number that is printed for its variant, too."""
    shown = report(tmp_path)
    twin = replace(shown.comparisons[0], variant="cnn_once")
    rows = results_page.content([replace(shown, comparisons=(twin,))])["rows"]
    assert [row["others"]["value"] for row in rows] == [None]


# ---------------------------------------------------------------- the command line


def options(tmp_path: Path) -> list[str]:
    return ["--paper", KEY, "--profile", "smoke", "--out", str(tmp_path / "out"), "--cache", str(tmp_path / "cache")]


def test_reports_are_written_with_bundles_and_without_tensorflow(tmp_path: Path) -> None:
    for who in ("first", "second"):
        bundle(tmp_path / "bundles" / f"{who}.zip", who)
    stand_ins = bundle(tmp_path / "stand-ins.zip", "third", _stand_in)
    (tmp_path / "none").mkdir()
    words = [*options(tmp_path), "--report-only", "--with", tmp_path / "bundles", stand_ins, tmp_path / "none"]
    script = f"import sys, run_all; print(run_all.main({[*map(str, words)]!r}), 'tensorflow' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    *lines, last = done.stdout.splitlines()
    assert last == "0 False"
    assert sum(line.startswith("stand-ins.zip does not count") for line in lines) == 1
    assert sum("has no bundle" in line for line in lines) == 1
    written = json.loads((tmp_path / "out" / f"{KEY}.json").read_text(encoding="utf-8"))
    assert {(row["tier"], row["bundles"]) for row in written["by_others"]} == {(CORROBORATED, 2)}
    assert len(written["left_out"]) == 2


def test_a_path_that_does_not_exist_is_one_line_and_nothing_runs(tmp_path: Path, capsys: Any) -> None:
    assert run_all.main([*options(tmp_path), "--with", str(tmp_path / "missing")]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert str(tmp_path / "missing") in line
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    "words",
    [
        ("--paper", KEY, "--dry-run"),
        ("--paper", KEY, "--predict", "clip.avi"),
        ("--paper", KEY, "--bundle", "x.zip"),
        ("--list",),
        ("--verify", "x.zip"),
        (),
    ],
)
def test_options_that_it_does_not_go_with(words: tuple[str, ...], capsys: Any) -> None:
    with pytest.raises(SystemExit) as stopped:
        run_all.main([*words, "--with", "results"])
    assert stopped.value.code == 2
    assert "--others" not in capsys.readouterr().err


# ---------------------------------------------------------------- the leaderboard


def test_the_leaderboard_has_a_row_for_contributed_bundles(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The clips of made-up bundles have other classes than the published list."""
    monkeypatch.setattr(contributed, "FOLDER", tmp_path)
    monkeypatch.setattr(public, "composite_classes", dict)
    before = marks.leaderboard()
    assert before.splitlines()[-1] == contributed.sentence(others.Counted())
    runs = [("stcnn-composite/loso", seed) for seed in (0, 1)]
    paths = [
        bundle(tmp_path / base.PAPER / f"{who}.zip", who, made=runs, key=base.PAPER) for who in ("first", "second")
    ]
    scores = [score for path in paths for run in runs_of(archive.contents(path)) for score in run["scores"]]
    found = [s["value"] for s in scores if (s["corpus"], s["metric"]) == ("megc2019", "uf1")]
    after = marks.leaderboard()
    (row,) = set(after.splitlines()) - set(before.splitlines()) - {after.splitlines()[-1]}
    assert f"{fmean(found):.4f}" in row
    assert "| 442 |" in row
    assert f", 2 bundles, {DATE} |" in row
    assert "2 bundles" in after.splitlines()[-1]
