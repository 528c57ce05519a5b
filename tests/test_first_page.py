"""Page 1 of a paper's report shows the numbers of the report, and on stand-ins nothing that a paper prints."""

from __future__ import annotations

import itertools
from dataclasses import replace
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
import pytest
import report_example as example
import word_boxes
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.figure import Figure
from PIL import Image

import papers
from common.report import charts, first_page, formatting, known, learning, write
from common.report.forest import fitted
from common.report.records import Learning, Report
from common.scoring.verdicts import COMPARED
from common.vision.picture_grid import apart

KINDS = ("small", "many", "large")


@pytest.fixture(scope="module", params=KINDS)
def made(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[Report, Path]:
    """A report and its PDF."""
    folder = tmp_path_factory.mktemp(request.param)
    report = dict(zip(KINDS, (example.stand_in, example.many, example.licensed), strict=True))[request.param](folder)
    return report, write(report, folder / "out")[0]


def marked(figure: Figure, place: int = 0) -> set[tuple[float, float]]:
    """The single marks of a plot, as (x, y)."""
    lines = figure.axes[place].lines
    return {(float(x), float(y)) for line in lines if len(line.get_xdata()) == 1 for x, y in line.get_xydata()}


# ---------------------------------------------------------------- the page


def test_no_word_lies_over_another_and_every_letter_can_be_read(made: tuple[Report, Path]) -> None:
    _, pdf = made
    assert len(list(word_boxes.words(pdf))) > 500
    assert list(word_boxes.faults(pdf)) == []


def test_the_words_of_the_page_are_the_numbers_of_the_report(made: tuple[Report, Path]) -> None:
    report, pdf = made
    first = [word for word in word_boxes.words(pdf) if word.page == 1]
    text = "".join(word.text for word in first)
    row = report.learning[0]
    assert row.score is not None
    printed, score, control = first_page.view(report)["tiles"]
    large = [word.text for word in first if word.size == max(word.size for word in first)]
    assert large == [word for tile in (printed, score, control) for word in tile["value"].split()]
    assert score["value"] == formatting.number(row.score.value, 2)
    assert control["value"] == formatting.number(row.control.value if row.control else None, 2)
    own = [c.verdict for c in report.comparisons if c.claim and c.claim.variant == c.variant]
    if report.comparable:
        assert printed["value"] == f"{own.count('MATCH')} of {len(report.paper.claims)}"
        told = [int(word) for word in f"{printed['text']} {printed['more']}".split() if word.isdigit()]
        assert told == [own.count(verdict) for verdict in ("CLOSE", "DIFFERS", "NOT_COMPARABLE")]
    else:
        assert printed["value"] == formatting.DASH
    for words in (learning.sentence(report.learning), *itertools.chain(*report.differences)):
        assert words.replace(" ", "") in text
    rows = first_page.shown_rows(report)
    for shown in rows:
        assert shown.name + "*" * (not shown.leak_free) in [word.text for word in first]
    signs = [word for word in first if word.text in learning.MARKS.values() and 6.9 < word.size < 7.1]
    signs.sort(key=lambda word: word.left + word.right)
    for place, marks in enumerate(zip(*map(learning.marks, rows), strict=True)):
        column = sorted(signs[place * len(rows) :][: len(rows)], key=lambda word: -word.bottom - word.top)
        assert [word.text for word in column] == [learning.MARKS[mark] for mark in marks]


@given(st.lists(st.tuples(st.sampled_from(["published", "twin", "other"]), st.integers(0, 3)), min_size=1, max_size=60))
def test_published_variants_and_their_twins_come_before_others(kinds: list[tuple[str, int]]) -> None:
    report, base = example.not_run(), example.paper().experiments[0]
    experiments, rows = [base], [Learning(base.id, True, None, None, None)]
    usual = [True]
    for number, (kind, of) in enumerate(kinds):
        name = f"e{number}" if kind == "published" else f"e{of}" if kind == "twin" else base.name
        e = replace(base, name=name, variant=f"v{number}", twin_of="published" if kind == "twin" else "")
        usual.append(kind == "twin" or name not in {known.name for known in experiments})
        experiments.append(e)
        rows.append(Learning(e.id, True, None, None, None))
    report = replace(report, paper=replace(report.paper, experiments=tuple(experiments)), learning=tuple(rows))
    shown = first_page.shown_rows(report)
    assert [row for row in rows if row in shown] == list(shown)
    assert len(shown) == min(len(rows), first_page.ROWS)
    left = [is_usual for row, is_usual in zip(rows, usual, strict=True) if row not in shown]
    kept = [is_usual for row, is_usual in zip(rows, usual, strict=True) if row in shown]
    assert all(kept) or not any(left)
    assert first_page.view(report)["left"] == len(left)


# ---------------------------------------------------------------- figures


def test_experiments_are_drawn_where_their_numbers_are(made: tuple[Report, Path]) -> None:
    report, _ = made
    with matplotlib.rc_context(charts.STYLE):
        figure = first_page.experiments(report)
    assert figure is not None
    rows = first_page.shown_rows(report)
    expected = {(s.value, y) for y, row in enumerate(rows) for s in (row.score, row.control, row.metadata) if s}
    if report.comparable:
        main = {e.id: e.labels.name if len(e.corpora) > 1 else e.corpora[0] for e in report.paper.experiments}
        expected |= {
            (c.claim.value, y)
            for y, row in enumerate(rows)
            for c in report.comparisons
            if (f"{c.experiment}/{c.variant}", c.corpus, c.metric) == (row.name, main[row.name], "uf1")
            and c.claim and c.verdict in COMPARED
        }  # fmt: skip
    assert marked(figure) == {(float(x), float(y)) for x, y in expected}
    shares = [sorted(map(float, line.get_xdata())) for line in figure.axes[1].lines if line.get_marker() == "o"]
    of_rows = [[s for s in report.subjects if f"{s.experiment}/{s.variant}" == row.name] for row in rows]
    assert shares == [sorted(s.n_correct / s.n_clips for s in subjects) for subjects in of_rows]


def test_stand_ins_are_drawn_as_if_the_paper_had_printed_nothing(tmp_path: Path) -> None:
    report = example.many(tmp_path)
    silent = replace(
        report,
        paper=replace(report.paper, claims=(), facts={}),
        comparisons=tuple(replace(c, claim=None) for c in report.comparisons),
    )
    assert charts.draw(replace(report, data="stand-in")) == charts.draw(replace(silent, data="stand-in"))
    drawn = charts.draw(report)
    assert drawn["confusions"] != charts.draw(silent)["confusions"]
    assert b"in the paper" not in drawn["confusion"][0].svg  # what came out here


def test_a_long_name_keeps_its_mark_of_a_leak() -> None:
    report = example.not_run()
    long = replace(report.paper.experiments[1], name="a-name-that-is-longer-than-its-place-in-the-figure")
    row = Learning(long.id, False, None, None, None)
    report = replace(report, paper=replace(report.paper, experiments=(long,)), learning=(row,))
    figure = first_page.experiments(report)
    assert figure is not None
    (label,) = figure.axes[0].get_yticklabels()
    assert label.get_text().endswith("*")
    assert len(label.get_text()) < len(long.id)


@pytest.mark.parametrize("key", papers.available())
@pytest.mark.parametrize("motion", [1.0, 8.0])
def test_the_lines_against_motion_are_those_of_the_benchmark(key: str, motion: float) -> None:
    report = replace(example.not_run(), paper=papers.load(key), motion=motion)
    cells = known.cells([report.paper])
    figure = first_page.against_motion(report)
    assert figure is not None
    axes = figure.axes[0]
    motions = sorted({cell["motion"] for cell in cells})
    wanted: dict[str, list[tuple[int, float]]] = {}
    for cell in sorted(cells, key=lambda cell: cell["motion"]):
        wanted.setdefault(cell["system"], []).append((motions.index(cell["motion"]), cell["uf1"]))
    lines = [line for line in axes.lines if line.get_marker() == "o"]
    assert [[(int(x), float(y)) for x, y in line.get_xydata()] for line in lines] == list(wanted.values())
    assert len({line.get_color() for line in lines}) == len(lines)
    bands = {int(np.unique(line.get_xdata()).item()) for line in axes.lines if line.get_color() == first_page.PALE}
    assert bands == {motions.index(1.0), motions.index(motion)}
    for name, line in zip(wanted, lines, strict=True):
        assert [t.get_color() for t in axes.texts if t.get_text() == fitted(name, 1.2, 6.5)] == [line.get_color()]


def test_without_a_measurement_there_is_nothing_to_draw() -> None:
    report = example.not_run()
    drawn = charts.draw(report)
    assert not any(drawn.values())
    assert first_page.view(report)["tiles"][1]["value"] == formatting.DASH
    assert first_page.seen(report) == ({"pictures": []}, {})


@given(st.lists(st.floats(0, 1), min_size=1, max_size=9), st.floats(0.01, 0.125))
def test_labels_lie_apart_in_the_order_of_their_values(values: list[float], least: float) -> None:
    heights = apart(values, least)
    for (a, low), (b, high) in itertools.combinations(sorted(zip(values, heights, strict=True)), 2):
        assert high - low >= least - 1e-9 or a == b
        assert abs(high - low) >= least - 1e-9
    assert -1e-9 <= min(heights) <= max(heights) <= 1 + 1e-9
    if all(abs(a - b) >= least for a, b in itertools.combinations(values, 2)):
        assert heights == pytest.approx(values)


def test_pictures_of_a_clip_are_as_high_as_each_other_unless_too_wide(tmp_path: Path) -> None:
    report = example.stand_in(tmp_path)
    shown, files = first_page.seen(report)
    assert {picture["file"] for picture in shown["pictures"]} == set(files)
    for picture in shown["pictures"]:
        wide, high = first_page.size(files[picture["file"]])
        assert picture["width"] <= first_page._SEEN_WIDTH
        assert picture["width"] == pytest.approx(min(first_page._SEEN_HEIGHT * wide / high, first_page._SEEN_WIDTH))


def test_wide_pictures_and_long_captions_leave_the_page_whole(tmp_path: Path) -> None:
    """As of six frames or regions: the conclusion still stands on page 1."""
    report = example.stand_in(tmp_path)
    assert report.seen is not None
    wide, frame = tmp_path / "wide.png", tmp_path / "frame.jpg"
    Image.new("RGB", (660, 96)).save(wide)
    Image.new("RGB", (128, 96)).save(frame)
    frames = dict.fromkeys(("onset", "apex"), frame.read_bytes())
    captions = tuple(f"left eye, frame {number}" for number in range(6))
    report = replace(report, seen=replace(report.seen, frames=frames, picture=wide, captions=captions))
    first = "".join(word.text for word in word_boxes.words(write(report, tmp_path / "out")[0]) if word.page == 1)
    assert learning.sentence(report.learning).replace(" ", "") in first


def command(**changes: Any) -> str:
    return str(first_page.view(replace(example.not_run(), **changes))["next"]["command"])


def test_the_next_command_runs_what_is_missing() -> None:
    assert "--data" in command(data="stand-in")
    assert "--profile paper" in command(profile="quick", command="python run_all.py --paper a --profile quick")
    assert "quick" not in command(profile="quick", command="python run_all.py --paper a --profile quick")
    assert "--bundle" in command()
