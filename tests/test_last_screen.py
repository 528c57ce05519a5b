"""What a run ends with, against the reports that it is about."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
import report_example as example

from common.cli import last_screen
from common.report import tables
from common.report.records import Report

PAGE = Path("some/reports/index.html")


@pytest.fixture(params=["licensed", "stand_in", "many"])
def report(request: pytest.FixtureRequest, tmp_path: Path) -> Report:
    made: Report = getattr(example, request.param)(tmp_path)
    return made


def rows(lines: list[str]) -> list[list[str]]:
    """The cells of the table's rows."""
    (head,) = (number for number, line in enumerate(lines) if line.startswith("Network "))
    return [re.split(r" {2,}", line) for line in lines[head + 1 : lines.index("", head)]]


@pytest.mark.parametrize("report", ["licensed", "many"], indirect=True)
@pytest.mark.parametrize("width", [80, 200])
def test_each_score_is_one_row(report: Report, width: int) -> None:
    scored = [row for row in report.learning if row.score]
    shown = rows(last_screen.lines([report], PAGE, width))
    assert len(shown) == len(scored)
    for cells, row in zip(shown, scored, strict=True):
        name, score, control, chance, folds = cells
        start, _, end = name.partition("..")
        assert row.name.startswith(start)
        assert row.name.endswith(end)
        for cell, measured in zip((score, control, chance), (row.score, row.control, row.score), strict=True):
            value = measured and (measured.chance if cell is chance else measured.value)
            assert cell == "-" if value is None else float(cell) == pytest.approx(value, abs=5.1e-4)
        assert row.score
        assert folds == f"{row.score.n_folds_done}/{row.score.n_folds}"


@pytest.mark.parametrize("report", ["licensed", "many"], indirect=True)
def test_no_row_is_longer_than_the_terminal_is_wide(report: Report) -> None:
    long = replace(
        report, learning=tuple(replace(row, name=f"{row.name}{'-and-more' * 12}/last") for row in report.learning)
    )
    lines = last_screen.lines([long, long], PAGE, 80)
    table = lines[: [number for number, line in enumerate(lines) if not line][1]]
    assert all(len(line) <= 80 for line in table)
    assert all(row[0].startswith(report.paper.key) and row[0].endswith("/last") for row in rows(lines))


def test_printed_numbers_are_counted_by_verdict_unless_none_may_be_compared(report: Report) -> None:
    lines = last_screen.lines([report, report], PAGE)
    told = [line for line in lines if line.startswith("Printed numbers: ")]
    if not report.comparable:
        assert not told
        assert any("synthetic faces" in line for line in lines)
        return
    (line,) = told
    verdicts = Counter(last_screen.WORDS[p.comparison.verdict] for p in tables.printed(report))
    counted = {
        words: int(count) for count, words in re.findall(r"(\d+) ([a-z ]+)", re.sub(r"differ\b", "differs", line))
    }
    assert counted == {word: 2 * count for word, count in verdicts.items()}


def test_what_is_not_distinguishable_is_not_reproduced() -> None:
    assert len(set(last_screen.WORDS.values())) == len(last_screen.WORDS)
    assert "reproduced" not in last_screen.WORDS["CLOSE"]


def test_a_run_without_a_score_says_so() -> None:
    report = example.not_run()
    first, *_, last = last_screen.lines([report], PAGE)
    assert "score" in first
    assert last == f"Open {PAGE}"
    some = replace(example.not_run(), learning=tuple(replace(row, score=None) for row in report.learning))
    assert last_screen.lines([some], PAGE)[0] == first
