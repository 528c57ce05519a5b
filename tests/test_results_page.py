"""The page of results: the numbers of the reports, nothing from elsewhere, no text as markup, and no face unasked."""

from __future__ import annotations

import base64
import io
import json
import os
import re
import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import comparison_example
import guessing as guesses
import numpy as np
import pytest
import report_example
from PIL import Image
from pypdf import PdfReader
from selenium.webdriver import ActionChains, Chrome, ChromeOptions, ChromeService, Keys
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import Select, WebDriverWait

import papers
import run_all
from common.cli import arguments
from common.corpora.marker import MARKER
from common.protocols.controls import NO_MOTION
from common.report import results_page
from common.report.records import ClipPredictions, Report
from common.report.results_page import content, page
from common.report.write import record
from common.runs import thumbnails
from common.runs.plan import Data
from common.scoring.verdicts import COMPARED
from common.types import Clip, Corpus

HOSTILE = "</script><img src=x onerror=window.hacked=1>"
KEY = "aouayeb2019"
NETWORK = "composite-loso/cnn-in-fold"


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


def test_a_page_has_all_sections_without_any_result(tmp_path: Path) -> None:
    data = embedded(page([report_example.not_run()]))
    assert {row["verdict"] for row in data["rows"]} == {"NOT_RUN"}
    assert (data["matrices"], data["curves"], data["frames"]) == ([], [], {})
    (path,) = results_page.write_results_page([report_example.not_run()], tmp_path, False)
    assert path == tmp_path / "index.html"


# ---------------------------------------------------------------- in a browser

BINARY = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome", "chrome"))), None)
DRIVER = shutil.which("chromedriver")
VISIBLE = (
    "[...document.querySelectorAll('#numbers-table tbody tr')].filter((row) => row.offsetHeight).map((row) => row.id)"
)


@dataclass(frozen=True)
class Window:
    """A browser that shows a page of reports."""

    driver: Any
    path: Path
    data: Any

    def go(self, width: int = 1200, dark: bool = False, fragment: str = "") -> None:
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "", "features": [scheme]})
        size = {"width": width, "height": 800, "deviceScaleFactor": 1, "mobile": width < 500}
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
        self.driver.execute_cdp_cmd("Emulation.setFocusEmulationEnabled", {"enabled": True})
        self.driver.get("about:blank")  # else another fragment loads nothing
        self.driver.get(self.path.as_uri() + fragment)

    def value(self, script: str) -> Any:
        return self.driver.execute_script(f"return {script}")

    def find(self, selector: str) -> Any:
        return self.driver.find_element(By.CSS_SELECTOR, selector)

    def press(self, *keys: str) -> None:
        ActionChains(self.driver).send_keys(*keys).perform()

    def rows(self) -> list[Any]:
        """What is visible of the rows of the JSON, in the order of the table."""
        by_id = {row["id"]: row for row in self.data["rows"]}
        return [by_id[name] for name in self.value(VISIBLE)]


@pytest.fixture(scope="module")
def driver() -> Iterator[Any]:
    """Chromium without a window. CI must have it; elsewhere tests that need it are skipped without."""
    if not BINARY or not DRIVER:
        missing = "no Chromium with its chromedriver is installed"
        pytest.fail(missing) if os.environ.get("CI") else pytest.skip(missing)
    options = ChromeOptions()
    options.binary_location = BINARY
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    for word in ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"):
        options.add_argument(word)
    started = Chrome(options=options, service=ChromeService(DRIVER))
    yield started
    started.quit()


@pytest.fixture
def window(driver: Any, tmp_path: Path) -> Iterator[Callable[..., Window]]:
    """Opens a page of reports; afterwards its console must be empty."""

    def show(reports: Sequence[Report], frames: Sequence[results_page.Frames] = (), **how: Any) -> Window:
        text = page(reports, frames)
        (tmp_path / "index.html").write_text(text, encoding="utf-8")
        opened = Window(driver, tmp_path / "index.html", embedded(text))
        opened.go(**how)
        return opened

    driver.get_log("browser")
    yield show
    assert driver.get_log("browser") == []


def everything(folder: Path) -> list[Report]:
    """Three papers, clips of two of them, controls, hostile names, and rows without a measured number."""
    first, second, third = comparison_example.reports(folder)
    controls = tuple(
        replace(c, variant=f"{c.variant}+{NO_MOTION}", score=replace(c.score, value=0.3 + i / 100), claim=None)
        for i, c in enumerate(first.comparisons)
        if c.score
    )
    return [with_predictions(replace(first, controls=controls), HOSTILE + "{}/{}"), with_predictions(second), third]


MARKS = """[...document.querySelectorAll('#scores tbody tr')].map((row) => {
  const box = (node) => node.getBoundingClientRect(), middle = (node) => box(node).x + box(node).width / 2;
  const all = (kind) => [...row.querySelectorAll('.' + kind)];
  const ends = all('grid').map(middle), scale = (x) => (x - ends[0]) / (ends[ends.length - 1] - ends[0]);
  const found = { link: row.querySelector('a').hash.slice(1), printed: all('printed > path').map(middle).map(scale) };
  for (const kind of ['value', 'control', 'chance']) found[kind] = all(kind).map(middle).map(scale);
  found.interval = all('interval').flatMap((node) => [scale(box(node).left), scale(box(node).right)]);
  return found;
})"""


def test_marks_stand_where_the_scores_are(window: Callable[..., Window], tmp_path: Path) -> None:
    reports = everything(tmp_path)
    shown = window(reports)
    rows = {row["id"]: row for row in shown.data["rows"]}
    marks = shown.value(MARKS)
    scored = {
        (r.paper.key, f"{c.experiment}/{c.variant}")
        for r in reports
        for c in r.comparisons
        if c.metric == "uf1" and c.score
    }
    assert {(rows[m["link"]]["paper"], rows[m["link"]]["experiment"]) for m in marks} == scored
    assert len(marks) == len(scored)
    for found in marks:
        row = rows[found["link"]]
        printed = row["published"]["value"] if row["verdict"] in COMPARED else None
        expected = {
            "value": [row["reproduced"]["value"]],
            "control": [row["control"]],
            "chance": [row["chance"]["value"]],
            "printed": [printed],
            "interval": [row["interval"]["low"], row["interval"]["high"]],
        }
        for kind, values in expected.items():
            assert found[kind] == pytest.approx([v for v in values if v is not None], abs=0.005), kind
    assert any(found["printed"] for found in marks)
    assert any(found["control"] for found in marks)
    middle = "(tick) => tick.getBoundingClientRect().x + tick.getBoundingClientRect().width / 2"
    grid, axis = (
        shown.value(f"[...document.querySelector('.forest {part} svg').children].slice(0, 5).map({middle})")
        for part in ("tbody", "thead")
    )
    assert axis == pytest.approx(grid, abs=1)
    tables = shown.driver.find_elements(By.CSS_SELECTOR, ".forest")
    assert len(tables) > 1
    for table in tables:
        values = [float(cell.text) for cell in table.find_elements(By.CSS_SELECTOR, "td.number:not(.wide)")]
        assert values == sorted(values, reverse=True)


def test_nothing_printed_is_drawn_beside_stand_ins(window: Callable[..., Window], tmp_path: Path) -> None:
    report = report_example.stand_in(tmp_path)
    shown = window([report])
    marks = shown.value(MARKS)
    assert len(marks) == len(report.paper.experiments)
    assert not any(found["printed"] for found in marks)
    banners = shown.value("[...document.querySelectorAll('#banners .notice')].map((notice) => notice.textContent)")
    assert banners == [record(report)["notice"]]


def test_filters_leave_the_rows_that_fit(window: Callable[..., Window], tmp_path: Path) -> None:
    shown = window(everything(tmp_path))
    rows = shown.data["rows"]
    measured = [row for row in rows if row["reproduced"]["value"] is not None]
    assert shown.rows() == measured
    assert 0 < len(measured) < len(rows)
    shown.find("#fold").click()
    assert shown.rows() == rows
    shown.find("#fold").click()
    assert shown.rows() == measured
    paper, corpus, verdict = (Select(shown.find(f"form [name={name}]")) for name in ("paper", "corpus", "label"))
    paper.select_by_visible_text("example2019")
    corpus.select_by_visible_text("SAMM")
    fitting = [row for row in measured if (row["paper"], row["corpus"]) == ("example2019", "SAMM")]
    assert shown.rows() == fitting != []
    shown.find("form [name=search]").send_keys("UAR  CNN_inside")
    assert (
        shown.rows() == [r for r in fitting if r["metric"] == "UAR" and r["experiment"].endswith("/cnn_inside")] != []
    )
    assert shown.find("#count").text.split()[:3] == [str(len(shown.rows())), "of", str(len(rows))]
    shown.find("form [name=search]").clear()
    for select in (paper, corpus):
        select.select_by_visible_text("all")
    verdict.select_by_visible_text("not run")  # chosen, they are not folded away
    assert shown.rows() == [row for row in rows if row["verdict"] == "NOT_RUN"] != []


def test_a_link_opens_its_row(window: Callable[..., Window], tmp_path: Path) -> None:
    shown = window(everything(tmp_path))
    for row in (shown.data["rows"][-1], next(row for row in shown.data["rows"] if row["reason"])):
        shown.go(fragment="#" + row["id"])
        line = shown.find(f"[id='{row['id']}']")
        assert row["reason"] in line.text
        assert 0 <= shown.value(f"document.getElementById('{row['id']}').getBoundingClientRect().top") < 800
    shown.go()
    Select(shown.find("form [name=paper]")).select_by_visible_text("example2021")
    link = shown.find("#scores tbody a")
    name = link.get_attribute("href").partition("#")[2]
    link.click()
    WebDriverWait(shown.driver, 5).until(lambda _: name in shown.value(VISIBLE))
    assert shown.value("document.activeElement.closest('tr').id") == name
    assert len({row["id"] for row in shown.data["rows"]}) == len(shown.data["rows"])


def test_the_keyboard_alone_reaches_everything(window: Callable[..., Window], tmp_path: Path) -> None:
    shown = window(everything(tmp_path))
    seen = []
    while len(seen) < 200:
        shown.press(Keys.TAB)
        active = shown.driver.switch_to.active_element
        if active.tag_name == "body" or active in seen:
            break
        seen.append(active)
    assert len(shown.rows()) > 80
    assert 20 < len(seen) < 80
    shown.driver.execute_script("document.querySelector('#numbers-table .reason .stop').focus()")
    where = "document.activeElement.closest('tr').id"
    reached = [shown.value(where)]
    for _ in range(10):
        shown.press(Keys.ARROW_DOWN)
        reached.append(shown.value(where))
    with_reason = [row for row in shown.rows() if row["reason"]]
    assert reached == [row["id"] for row in with_reason[:11]]
    shown.press(Keys.ENTER)
    reason = with_reason[10]["reason"]
    assert reason in shown.find(f"[id='{reached[-1]}']").text
    shown.press(Keys.ENTER, Keys.ARROW_LEFT)
    assert reason not in shown.find(f"[id='{reached[-1]}']").text
    assert shown.value("document.activeElement.hash") == "#" + reached[-1]


def test_signs_tell_what_is_predicted(window: Callable[..., Window], tmp_path: Path) -> None:
    reports = everything(tmp_path)
    shown = window(reports)
    shown.driver.execute_script("document.querySelector('#matrix-table .cell').focus()")
    told = []
    for key in (Keys.ARROW_RIGHT, Keys.ARROW_DOWN):
        told.append((shown.value("document.activeElement.ariaLabel"), shown.find("#readout").text))
        shown.press(key)
    for label, text in told:
        assert label in text
        assert HOSTILE in text
        assert any(f"predicts {name}" in label for name in reports[0].predictions[0].classes)
    assert told[0] != told[1]
    assert shown.value("document.querySelectorAll('#matrix-table .cell[tabindex=\"0\"]').length") == 1
    assert shown.value("document.querySelectorAll('b, img[src=x]').length") == 0
    assert not shown.value("'hacked' in window")
    hard = [row for row in shown.data["matrices"][0]["clips"] if 2 * row["failures"] > row["tested"]]
    cards = shown.value("[...document.querySelectorAll('#gallery strong')].map((name) => name.textContent)")
    assert cards == [row["clip"] for row in hard[:12]] != []


def test_matrices_are_those_of_the_reports(window: Callable[..., Window], tmp_path: Path) -> None:
    report = report_example.licensed(tmp_path)
    shown = window([report])
    rows = (
        "(table) => [...table.tBodies[0].rows].map((row) => [...row.querySelectorAll('td')].map((c) => +c.textContent))"
    )
    counts = shown.value(f"[...document.querySelectorAll('.confusion')].map({rows})")
    assert counts == [c.matrix.tolist() for c in report.confusions]
    assert shown.value("document.querySelectorAll('#curves path.curve').length") > 0


def test_headers_sort(window: Callable[..., Window], tmp_path: Path) -> None:
    shown = window(everything(tmp_path))
    button = next(
        b for b in shown.driver.find_elements(By.CSS_SELECTOR, "#numbers-table th button") if b.text == "Measured"
    )
    for down in (False, True):
        button.click()
        values = [row["reproduced"]["value"] for row in shown.rows()]
        assert values == sorted(values, reverse=down)
        assert button.find_element(By.XPATH, "..").get_attribute("aria-sort") == ("descending" if down else "ascending")


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_the_page_fits_a_phone_and_both_themes(window: Callable[..., Window], dark: bool, tmp_path: Path) -> None:
    shown = window(everything(tmp_path), width=400, dark=dark)
    assert shown.value("innerWidth") == 400  # a wider page would make it more
    assert shown.value("Math.max(document.documentElement.scrollWidth, document.body.scrollWidth)") <= 400
    assert shown.value("document.querySelector('#numbers .box').scrollWidth") > 400
    for selector in (".legend", ".networks", ".filters", "#readout", ".forest"):
        assert shown.value(f"document.querySelector('{selector}').getBoundingClientRect().right") <= 400
    colour = "getComputedStyle(document.body).backgroundColor"
    colours = [shown.value(colour)]
    for _ in range(2):
        shown.find("#theme").click()
        colours.append(shown.value(colour))
    assert colours[0] == colours[2] != colours[1]
    assert (sum(map(int, re.findall(r"\d+", colours[0])[:3])) < 200) == dark


def test_all_rows_are_printed(window: Callable[..., Window], tmp_path: Path) -> None:
    shown = window(everything(tmp_path), dark=True)
    shown.find("#fold").click()
    printed = shown.driver.execute_cdp_cmd("Page.printToPDF", {"preferCSSPageSize": True})
    pages = PdfReader(io.BytesIO(base64.b64decode(printed["data"]))).pages
    text = "".join("".join(sheet.extract_text() for sheet in pages).split())
    for row in shown.rows():
        assert "".join(row["experiment"].split()) in text
        assert row["reproduced"]["text"] in text
    assert text.count("notrun") >= sum(row["verdict"] == "NOT_RUN" for row in shown.data["rows"])
    shown.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print"})
    assert shown.value(
        "[...document.querySelectorAll('.box')].every((box) => getComputedStyle(box).maxHeight === 'none')"
    )
    assert not shown.find("form.filters").is_displayed()
    assert shown.value("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
