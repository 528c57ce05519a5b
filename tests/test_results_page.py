"""The page of results: the numbers of the reports, nothing from elsewhere, no text as markup, and no face unasked."""

from __future__ import annotations

import html
import json
import re
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import comparison_example
import guessing as guesses
import numpy as np
import pytest
import report_example
from PIL import Image

import papers
import run_all
from common.cli import arguments
from common.corpora.marker import MARKER
from common.report import results_page
from common.report.records import ClipPredictions, Report
from common.report.results_page import content, page
from common.report.write import record
from common.runs import thumbnails
from common.runs.plan import Data
from common.types import Clip, Corpus

HOSTILE = "</script><img src=x onerror=window.hacked=1>"
KEY = "aouayeb2019"
NETWORK = "composite-loso/cnn-in-fold"
BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome", "chrome"))), None)


def with_predictions(report: Report, name: str = "casme2/sub{}/EP{}", count: int = 30) -> Report:
    """A report whose experiments have predicted clips, hard ones and easy ones."""
    rng = np.random.default_rng(2)
    ease = rng.random(count)
    predictions = []
    for e in report.paper.experiments:
        classes = len(e.labels.classes)
        truth = np.arange(count) % classes
        predicted = np.where(rng.random(count) < ease, truth, (truth + 1) % classes)
        clips = tuple(name.format(i // 7, i) for i in range(count))
        rows = tuple(map(int, truth)), tuple(map(int, predicted))
        predictions.append(ClipPredictions(e.name, e.variant, e.labels.name, e.labels.classes, clips, *rows))
    return replace(report, predictions=tuple(predictions))


def embedded(text: str) -> Any:
    (found,) = re.findall(r'<script type="application/json" id="data">(.*?)</script>', text, re.DOTALL)
    return json.loads(found)


def test_the_numbers_are_those_of_the_reports(tmp_path: Path) -> None:
    reports = comparison_example.reports(tmp_path)
    rows = embedded(page(reports))["rows"]
    for report in reports:
        own = [row for row in rows if row["paper"] == report.paper.key]
        by_place = {(row["experiment"], row["corpus"], row["metric"]): row for row in own}
        titles = {corpus.name: corpus.title for corpus in report.corpora} | {"megc2019": "MEGC 2019"}
        expected = record(report)["comparisons"]
        assert len(own) == len(by_place) == len(expected)
        for c in expected:
            (row,) = (
                row
                for row in own
                if row["experiment"] == f"{c['experiment']}/{c['variant']}"
                and row["corpus"] == titles.get(c["corpus"], c["corpus"])
                and row["metric"].removesuffix(", %").casefold() == c["metric"].casefold()
            )
            published, reproduced = c["published"] or {}, c["reproduced"] or {}
            assert row["published"]["value"] == published.get("value")
            assert published.get("printed", "\N{EN DASH}") == row["published"]["text"]
            assert row["reproduced"]["value"] == reproduced.get("value")
            assert [row["interval"][end] for end in ("low", "high")] == [reproduced.get(end) for end in ("low", "high")]
            assert row["chance"]["value"] == reproduced.get("chance")
            assert (row["verdict"], row["reason"]) == (c["verdict"], c["reason"])


def test_stand_ins_carry_their_banner_and_are_never_compared(tmp_path: Path) -> None:
    report = report_example.stand_in(tmp_path)
    shown = content([report])
    assert shown["banners"] == [record(report)["notice"]]
    assert {row["verdict"] for row in shown["rows"]} == {"NOT_COMPARABLE"}
    assert {row["published"]["value"] for row in shown["rows"]} == {None}
    assert None not in {row["reproduced"]["value"] for row in shown["rows"]}
    assert content([report_example.licensed(tmp_path)])["banners"] == []


def test_clips_are_sorted_by_how_many_networks_get_them_wrong(tmp_path: Path) -> None:
    report = with_predictions(report_example.stand_in(tmp_path))
    (matrix,) = content([report])["matrices"]
    failures = [row["failures"] for row in matrix["clips"]]
    assert failures == sorted(failures, reverse=True)
    assert len(set(failures)) > 1
    for row in matrix["clips"]:
        assert row["failures"] == sum(cell != [row["truth"]] for cell in row["cells"])
    for network, p in zip(matrix["networks"], report.predictions, strict=True):
        assert network["right"] == sum(t == a for t, a in zip(p.truth, p.predicted, strict=True))


def test_a_clip_that_several_folds_test_needs_most_of_them(tmp_path: Path) -> None:
    report = report_example.stand_in(tmp_path)
    e = report.paper.experiments[0]
    several = ClipPredictions(
        e.name, e.variant, "three", e.labels.classes, ("a", "a", "b", "b", "b"), (0, 0, 1, 1, 1), (0, 2, 1, 1, 0)
    )
    (matrix,) = content([replace(report, predictions=(several,))])["matrices"]
    assert [(row["clip"], row["failures"], row["cells"]) for row in matrix["clips"]] == [
        ("a", 1, [[0, 2]]),
        ("b", 0, [[1, 1, 0]]),
    ]


def test_of_several_papers_the_networks_on_common_ground_come_first(tmp_path: Path) -> None:
    def grounded(report: Report, key: str) -> Report:
        first, *others = report.paper.experiments
        experiments = (*others, replace(first, common_ground=True))
        return with_predictions(replace(report, paper=replace(report.paper, key=key, experiments=experiments)))

    report = report_example.stand_in(tmp_path)
    both = [grounded(report, "first2019"), grounded(report, "second2020")]
    ground, *others = content(both)["matrices"]
    assert [network["paper"] for network in ground["networks"]] == ["first2019", "second2020"]
    assert [{network["paper"] for network in matrix["networks"]} for matrix in others] == [
        {"first2019"},
        {"second2020"},
    ]
    names = [f"{network['paper']}/{network['experiment']}" for network in ground["networks"]]
    turned = content(both, order=names[::-1])["matrices"]  # as the comparison numbers them
    assert [network["paper"] for network in turned[0]["networks"]] == ["second2020", "first2019"]
    assert [row["cells"][::-1] for row in turned[0]["clips"]] == [row["cells"] for row in ground["clips"]]
    assert turned[1:] == others
    (alone,) = content(both[:1])["matrices"]
    assert len(alone["networks"]) == len(report.paper.experiments)


def test_no_text_is_markup_and_nothing_comes_from_elsewhere(tmp_path: Path) -> None:
    report = with_predictions(report_example.licensed(tmp_path), HOSTILE + "{}/{}")
    odd = replace(report.predictions[0], classes=("<b>", "<!--", "]]>"))
    text = page([replace(report, predictions=(odd, *report.predictions[1:]), command=HOSTILE)])
    assert HOSTILE not in text
    assert text.casefold().count("</script") == 2
    data = embedded(text)
    assert data["papers"][0]["command"] == HOSTILE
    assert any(row["clip"].startswith(HOSTILE) for row in data["matrices"][0]["clips"])
    assert set(re.findall(r"\w+://[^\s\"'`<>]*", text)) == {"http://www.w3.org/2000/svg"}  # a name, not an address
    assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(", text)
    assert "default-src 'none'" in text


def test_curves_lie_within_the_folds(tmp_path: Path) -> None:
    report = report_example.stand_in(tmp_path)
    figures = content([report])["curves"]
    assert len(figures) == len(report.paper.experiments)
    for curve, line in zip(
        report.curves, (line for f in figures for p in f["panels"] for line in p["lines"]), strict=True
    ):
        assert line["low"] == pytest.approx(np.min(curve.folds, axis=0), rel=1e-4)
        assert line["high"] == pytest.approx(np.max(curve.folds, axis=0), rel=1e-4)
        assert line["median"] == pytest.approx(np.median(curve.folds, axis=0), rel=1e-4)


def test_epochs_that_are_not_finite_leave_a_gap(tmp_path: Path) -> None:
    report = report_example.stand_in(tmp_path)
    lost = replace(report.curves[0], folds=((1.0, float("nan"), 3.0), (2.0, float("nan"))))
    line = content([replace(report, curves=(lost,))])["curves"][0]["panels"][0]["lines"][0]
    assert line["median"] == [1.5, None, 3.0]


# ---------------------------------------------------------------- frames


def jpegs(folder: Path) -> list[Path]:
    return sorted(folder.glob("runs/thumbnails/*/*.jpg"))


def clip(folder: Path, name: str, **changes: Any) -> Clip:
    """Five frames in `folder`, written as PNG where they are not there."""
    folder.mkdir(parents=True, exist_ok=True)
    frames = tuple(folder / f"{number}.png" for number in range(10, 15))
    for shade, frame in enumerate(frames):
        if not frame.exists():
            Image.new("RGB", (320, 240), (40 * shade, 90, 120)).save(frame)
    whole = Clip("corpus", "s1", name, frames, tuple(range(10, 15)), 10, 12, 14, 100.0, "surprise")
    return replace(whole, **changes)


def draw(data: Path, out: Path, clips: list[Clip], show_frames: bool = False) -> dict[str, dict[str, bytes]]:
    """The thumbnails of clips of a corpus in `data/corpus`, as a page gets them."""
    job: Any = SimpleNamespace(clips=tuple((c, 0) for c in clips), contents={c.id: c.id for c in clips})
    corpus = Corpus("corpus", "", "", data / "corpus", "", "", tuple(clips))
    thumbnails.write(out, [job], Data("licensed", data, {"corpus": corpus}, None), show_frames, lambda *_: None)
    return thumbnails.stored(out, {"thumbnails": thumbnails.names([job])}, show_frames)


def test_thumbnails_are_small_and_show_onset_apex_and_offset(tmp_path: Path) -> None:
    folder = tmp_path / "data" / "corpus"
    clips = [clip(folder / "a", "a"), clip(folder / "b", "b", apex=None), clip(folder / "c", "c", apex=11, offset=99)]
    (folder / MARKER).touch()
    found = draw(tmp_path / "data", tmp_path / "out", clips)
    assert [list(shown) for shown in found.values()] == [
        ["onset", "apex", "offset"],
        ["onset", "offset"],
        [*thumbnails.MOMENTS],
    ]
    for path in jpegs(tmp_path / "out"):
        with Image.open(path) as picture:
            assert (picture.format, picture.size) == ("JPEG", (128, 96))
    shades = [
        Image.open(tmp_path / "out/runs/thumbnails/stand-in" / p.name).getpixel((5, 5)) for p in jpegs(tmp_path / "out")
    ]
    assert len(set(shades)) == 4  # onset, two apexes, offset


def test_a_clip_that_cannot_be_read_has_none_and_stops_nothing(tmp_path: Path) -> None:
    folder = tmp_path / "data" / "corpus"
    broken, missing, whole = (clip(folder / name, name) for name in ("broken", "missing", "whole"))
    (folder / MARKER).touch()
    broken.frames[2].write_bytes(broken.frames[2].read_bytes()[:60])
    missing.frames[4].unlink()
    assert [*draw(tmp_path / "data", tmp_path / "out", [broken, missing, whole])] == [whole.id]


def test_frames_outside_the_corpus_are_not_shown(tmp_path: Path) -> None:
    folder = tmp_path / "data" / "corpus"
    outside = clip(tmp_path / "elsewhere", "x")
    inside = clip(folder / "inside", "inside")
    (folder / MARKER).touch()
    dotted = replace(inside, name="dotted", frames=tuple(folder / "../../elsewhere" / f.name for f in outside.frames))
    (folder / "linked").symlink_to(tmp_path / "elsewhere")
    linked = clip(folder / "linked", "linked")
    assert [*draw(tmp_path / "data", tmp_path / "out", [outside, dotted, linked, inside], True)] == [inside.id]


def test_licensed_clips_beside_stand_ins_are_shown_on_request_alone(tmp_path: Path) -> None:
    """The marker of one corpus says nothing of another."""
    data = tmp_path / "data"
    (data / "stand-ins").mkdir(parents=True)
    (data / "stand-ins" / MARKER).touch()
    clips = [clip(data / "corpus" / "a", "a")]
    assert not draw(data, tmp_path / "out", clips)
    assert not jpegs(tmp_path / "out")
    assert draw(data, tmp_path / "out", clips, True)
    assert not draw(data, tmp_path / "out", clips)  # they are stored now, and still not shown


def test_the_page_of_a_run(
    standin_data: Path, cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, without_pages: None
) -> None:
    """Stand-ins are shown; the same files without a marker only with --show-frames, which changes no run's key."""
    monkeypatch.setattr(papers, "parts", guesses.parts)

    def run(out: str, *more: str) -> Any:
        words = ["--paper", KEY, "--experiment", NETWORK, "--profile", "smoke", "--workers", "1", "--cache", str(cache)]
        assert run_all.main([*words, "--out", str(tmp_path / out), *more]) == 0
        return embedded((tmp_path / out / "index.html").read_text(encoding="utf-8"))

    shown = run("stand-in")
    (matrix,) = shown["matrices"]
    assert {row["frames"] for row in matrix["clips"]} == {*shown["frames"]} != {None}
    report = json.loads((tmp_path / "stand-in" / f"{KEY}.json").read_text(encoding="utf-8"))
    (predictions,) = report["predictions"]
    assert sorted(predictions["clips"]) == sorted(row["clip"] for row in matrix["clips"])
    assert run("stand-in", "--report-only") == shown

    shutil.copytree(standin_data, tmp_path / "data")
    for marker in (tmp_path / "data").rglob(MARKER):
        marker.unlink()
    data = ["--data", str(tmp_path / "data")]
    assert not run("licensed", *data)["frames"]
    assert not jpegs(tmp_path / "licensed")
    runs = {*(tmp_path / "licensed").glob("runs/*/*/*/*/run.json")}
    assert run("licensed", *data, "--show-frames")["frames"]
    assert {*(tmp_path / "licensed").glob("runs/*/*/*/*/run.json")} == runs
    assert not run("licensed", *data, "--report-only")["frames"]
    assert run("licensed", *data, "--report-only", "--show-frames")["frames"]


@pytest.mark.parametrize("words", [("--list",), ("--check-data", "x"), ("--paper", KEY, "--predict", "x")])
def test_frames_are_asked_for_in_runs_alone(words: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        arguments.parse([*words, "--show-frames"])
    assert "--show-frames" in capsys.readouterr().err


# ---------------------------------------------------------------- in a browser

CHECK = """
<iframe id="phone" width="360" height="800"></iframe>
<pre id="outcome"></pre>
<script>
const frame = document.getElementById("phone");
frame.srcdoc = JSON.parse(document.getElementById("page").textContent);
frame.addEventListener("load", () => {
  const inside = frame.contentWindow, page = inside.document, outcome = {};
  const head = (table, i) => page.querySelectorAll(`#${table} thead th`)[i];
  const column = (table, i) => [...page.querySelectorAll(`#${table} tbody tr`)].map((row) => row.cells[i].textContent);
  const colour = () => inside.getComputedStyle(page.body).backgroundColor;
  outcome.inner = inside.innerWidth;
  outcome.scroll = Math.max(page.documentElement.scrollWidth, page.body.scrollWidth);
  outcome.wide = page.querySelector("#numbers .box").scrollWidth;
  outcome.prefersDark = inside.matchMedia("(prefers-color-scheme: dark)").matches;
  outcome.colours = [colour()];
  for (let i = 0; i < 2; i++) { page.getElementById("theme").click(); outcome.colours.push(colour()); }
  outcome.reproduced = [column("numbers-table", 5)];
  outcome.sorted = [];
  for (let i = 0; i < 2; i++) {
    head("numbers-table", 5).querySelector("button").click();
    outcome.sorted.push(head("numbers-table", 5).getAttribute("aria-sort"));
    outcome.reproduced.push(column("numbers-table", 5));
  }
  outcome.failures = column("matrix-table", page.querySelectorAll("#matrix-table thead th").length - 1);
  const cell = page.querySelector("#matrix-table .cell");
  cell.focus();
  outcome.focused = page.getElementById("readout").textContent;
  cell.dispatchEvent(new inside.KeyboardEvent("keydown", { key: "ArrowRight", bubbles: true }));
  outcome.moved = page.getElementById("readout").textContent;
  outcome.cells = [cell.getAttribute("aria-label"), page.activeElement.getAttribute("aria-label")];
  outcome.stops = page.querySelectorAll("#matrix-table .cell[tabindex='0']").length;
  outcome.curves = page.querySelectorAll("#curves path.curve").length;
  outcome.markup = page.querySelectorAll("b, img[src='x']").length;
  outcome.hacked = "hacked" in inside;
  outcome.banners = [...page.querySelectorAll("#banners .notice")].map((notice) => notice.textContent);
  document.getElementById("outcome").textContent = JSON.stringify(outcome);
});
</script>
"""


def browse(text: str, folder: Path, *options: str) -> Any:
    """What `CHECK` saw of a page that is 360 pixels wide."""
    inner = json.dumps(text).replace("<", "\\u003c")
    harness = folder / "harness.html"
    harness.write_text(
        f'<!doctype html><script type="application/json" id="page">{inner}</script>{CHECK}', encoding="utf-8"
    )
    command = [str(BROWSER), "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={folder / 'profile'}"]
    command += [*options, "--virtual-time-budget=10000", "--dump-dom", harness.as_uri()]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    found = re.search(r'<pre id="outcome">(.+?)</pre>', done.stdout, re.DOTALL)
    assert found, done.stderr[-2000:]
    return json.loads(html.unescape(found[1]))


@pytest.mark.skipif(BROWSER is None, reason="no Chromium or Chrome is installed")
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_in_a_browser(dark: bool, tmp_path: Path) -> None:
    report = with_predictions(report_example.licensed(tmp_path), HOSTILE + "{}/{}")
    seen = browse(page([report]), tmp_path, f"--blink-settings=preferredColorScheme={0 if dark else 1}")
    assert seen["inner"] == 360
    assert seen["scroll"] <= seen["inner"] < seen["wide"]  # the page does not scroll sideways; the table's box does
    assert seen["prefersDark"] == dark
    first, other, again = seen["colours"]
    assert first == again != other
    assert (sum(map(int, re.findall(r"\d+", first))) < 200) == dark

    unsorted, ascending, descending = ([float(text[:6]) for text in texts] for texts in seen["reproduced"])
    assert seen["sorted"] == ["ascending", "descending"]
    assert ascending == sorted(unsorted) != unsorted
    assert descending == ascending[::-1]
    failures = [int(text.split()[0]) for text in seen["failures"]]
    assert failures == sorted(failures, reverse=True)

    network = report.predictions[0]
    for told, label in zip((seen["focused"], seen["moved"]), seen["cells"], strict=True):
        assert label in told
        assert HOSTILE in told
        assert any(f"predicts {name}" in label for name in network.classes)
    assert seen["cells"][0] != seen["cells"][1]
    assert seen["stops"] == 1
    assert seen["curves"] > 0
    assert (seen["markup"], seen["hacked"]) == (0, False)
    assert seen["banners"] == []


@pytest.mark.skipif(BROWSER is None, reason="no Chromium or Chrome is installed")
def test_a_browser_shows_the_banner_of_stand_ins(tmp_path: Path) -> None:
    report = with_predictions(report_example.stand_in(tmp_path))
    assert browse(page([report]), tmp_path)["banners"] == [record(report)["notice"]]


def test_a_page_has_all_sections_without_any_result(tmp_path: Path) -> None:
    data = embedded(page([report_example.not_run()]))
    assert {row["verdict"] for row in data["rows"]} == {"NOT_RUN"}
    assert (data["matrices"], data["curves"], data["frames"]) == ([], [], {})
    (path,) = results_page.write_results_page([report_example.not_run()], tmp_path, False)
    assert path == tmp_path / "index.html"
