"""Tables to be pasted elsewhere: the rows of the CSV file, dashes for gaps, nothing that a text could break."""

from __future__ import annotations

import csv
import io
import re
from dataclasses import replace
from pathlib import Path

import comparison_example
import pytest
import report_example as example

import papers
from common.report import exports, formatting
from common.report.comparison import tidy_csv
from common.report.latex import escape
from common.report.records import Report, SideBySide
from common.report.write import comparison_csv
from common.scoring.records import Score

ALL = exports.FORMATS


def markdown_rows(content: bytes) -> list[list[str]]:
    """The cells of a table with pipes, head first, read as GitHub does."""
    lines = [line for line in content.decode().splitlines() if line.startswith("|")]
    cells = [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in lines]
    assert all(cell == "---" for cell in cells.pop(1))
    return [[re.sub(r"\\(.)", r"\1", cell) for cell in row] for row in cells]


def latex_rows(content: bytes) -> list[list[str]]:
    body = content.decode().partition("\\toprule\n")[2].partition("\\bottomrule")[0]
    lines = [line for line in body.splitlines() if line not in ("\\midrule", "\\endhead")]
    assert all(line.endswith(r" \\") for line in lines)
    return [[cell.strip() for cell in re.split(r"(?<!\\)&", line.removesuffix(r" \\"))] for line in lines]


def csv_rows(content: bytes) -> list[dict[str, str]]:
    rows = csv.DictReader(io.StringIO(content.decode(), newline=""))
    return [row for row in rows if not row["metric"].startswith("f1_")]  # F1 of each class is not exported


def assert_balanced(content: bytes) -> None:
    """ASCII, in which braces, groups and environments close in the order they open and no special character is bare."""
    text = content.decode("ascii")
    lines = [line for line in text.splitlines() if not line.startswith("%")]
    open_ones: list[str] = []
    for kind, name in re.findall(r"\\(begin|end)\{(\w+)\}", "\n".join(lines)):
        if kind == "begin":
            open_ones.append(name)
        else:
            assert open_ones.pop() == name
    assert not open_ones
    assert lines[0].startswith(r"\begingroup")
    assert lines[-1] == r"\endgroup"
    for line in lines:
        bare = re.sub(r"\\\\|\\[&%$#_{}]", "", line)
        depth = 0
        for character in bare:
            depth += {"{": 1, "}": -1}.get(character, 0)
            assert depth >= 0, line
        assert depth == 0, line
        assert not re.search(r"[%#]|(?<!\\)\^|(?<!\\)~|(?<!\\)_", re.sub(r"\\[\^~]", "", bare)), line
        assert bare.count("$") == 0, line


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Report:
    return example.many(tmp_path_factory.mktemp("many"))


@pytest.fixture(scope="module")
def side(tmp_path_factory: pytest.TempPathFactory) -> SideBySide:
    return comparison_example.mixed(tmp_path_factory.mktemp("mixed"))


def test_csv_alone_is_no_further_file(report: Report, side: SideBySide) -> None:
    for formats in ((), ("csv",)):
        assert exports.of_report(report, formats) == {}
        assert exports.of_comparison(side, formats) == {}
    assert list(exports.of_report(report, ("latex", "markdown"))) == ["example2020.md", "example2020.tex"]
    assert list(exports.of_comparison(side, ALL)) == ["comparison.md", "comparison.tex"]


def test_scores_without_an_interval_show_none(report: Report, side: SideBySide) -> None:
    def bare(score: Score) -> Score:
        return replace(score, low=None, high=None)

    few = replace(report, comparisons=tuple(replace(c, score=c.score and bare(c.score)) for c in report.comparisons))
    contenders = tuple(
        replace(c, scores={corpus: {m: bare(s) for m, s in by.items()} for corpus, by in c.scores.items()})
        for c in side.contenders
    )
    shown, gone = (
        {**exports.of_report(r, ALL), **exports.of_comparison(s, ALL)}
        for r, s in ((report, side), (few, replace(side, contenders=contenders)))
    )
    for name in shown:
        between = re.compile(r"\[[\d.]+, [\d.]+\]")
        texts = [re.sub(r"[\\{}]", "", files[name].decode()) for files in (shown, gone)]
        assert [bool(between.search(text)) for text in texts] == [True, False], name


def test_rows_are_those_of_the_csv_file(report: Report) -> None:
    files = exports.of_report(report, ALL)
    head, *rows = markdown_rows(files["example2020.md"])
    latex_head, *latex = latex_rows(files["example2020.tex"])
    assert len(head) == len(latex_head) == 11
    expected = csv_rows(comparison_csv(report))
    assert len(rows) == len(latex) == len(expected)
    for row, same, c in zip(rows, latex, expected, strict=True):
        cells = dict(zip(head, row, strict=True))
        assert (cells["experiment"], cells["variant"]) == (c["experiment"], c["variant"])
        assert cells["verdict"] == formatting.VERDICTS[c["verdict"]]
        assert cells["protocol"].startswith(c["protocol"])
        free = next(e.leak_free for e in report.paper.experiments if e.id == f"{c['experiment']}/{c['variant']}")
        assert cells["protocol"].endswith(", leak-free" if free else ", not leak-free")
        printed = f"{c['published_printed']} ({c['published_source']})" if c["published_printed"] else formatting.DASH
        assert cells["published"] == printed
        scale, numbers = 100 if "%" in cells["metric"] else 1, cells["reproduced [95% interval]"]
        shown = re.findall(r"[\d.]+", numbers)
        wanted = [scale * float(n) for name in ("value", "low", "high") if (n := c[f"reproduced_{name}"])]
        decimals = formatting.decimals(c["published_printed"]) if c["published_printed"] else 3
        assert shown == [formatting.number(n, decimals) for n in wanted]
        assert (numbers == formatting.DASH) == (not c["reproduced_value"])
        assert cells["clips"].replace(",", "") == (c["reproduced_n_clips"] or formatting.DASH)
        assert same == [escape(cell) for cell in row]


def test_common_ground_has_the_rows_of_its_csv_file(side: SideBySide) -> None:
    head, *rows = markdown_rows(exports.of_comparison(side, ALL)["comparison.md"])
    expected = csv_rows(tidy_csv(side))
    assert len(rows) == len(expected)
    for row, c in zip(rows, expected, strict=True):
        cells = dict(zip(head, row, strict=True))
        assert cells["paper"] == c["paper"]
        assert cells["network"].endswith(f"({c['experiment']})")
        value = cells["reproduced [95% interval]"].partition(" ")[0]
        assert value == (f"{float(c['value']):.4f}" if c["value"] else formatting.DASH)


def test_what_was_not_measured_is_a_dash() -> None:
    files = exports.of_report(example.not_run(), ALL)
    for rows, dash in (
        (markdown_rows(files["example2019.md"]), formatting.DASH),
        (latex_rows(files["example2019.tex"]), "--"),
    ):
        assert all(row[6:10] == [dash] * 4 for row in rows[1:])


def test_the_first_line_says_what_it_is_of(tmp_path: Path, report: Report, side: SideBySide) -> None:
    stand_in, banner = exports.of_report(example.stand_in(tmp_path), ALL), formatting.banner("stand-in", 1) or ""
    assert len(stand_in) == 2
    assert not any(b"Table 2" in content for content in stand_in.values())  # where the paper prints its numbers
    for content in stand_in.values():
        first = content.decode().splitlines()[0]
        assert first.removeprefix("% ").startswith(banner)
        assert re.search(r"profile quick, stand-in corpora, seed 0, mer-suite ", first)
    caption = stand_in["example2019.tex"].decode().partition("\\caption{")[2]
    assert caption.startswith(banner)  # comments do not come out of LaTeX
    several = replace(report, seeds=(3, 4), seed=3, environment={"code": "0123456789abcdef"})
    first = exports.of_report(several, ALL)["example2020.md"].decode().splitlines()[0]
    assert banner not in first
    assert "seeds 3, 4 (numbers of seed 3), mer-suite " in first
    assert first.endswith(", code 0123456789abcdef.")
    assert "last epoch" in exports.of_comparison(side, ALL)["comparison.md"].decode().splitlines()[0]


def test_latex_is_balanced_whatever_a_text_says(report: Report, side: SideBySide) -> None:
    odd = example.ODD + r" & 5% $x$ {y} a_b a^b --seed [1] * é"
    hostile = replace(
        report, profile=odd, comparisons=tuple(replace(c, corpus=odd, protocol=odd) for c in report.comparisons)
    )
    for content in (
        exports.of_report(report, ALL)["example2020.tex"],
        exports.of_report(hostile, ALL)["example2020.tex"],
        exports.of_comparison(side, ALL)["comparison.tex"],
    ):
        assert_balanced(content)
        head, *rows = latex_rows(content)
        assert {len(row) for row in rows} == {len(head)}
    head, *rows = markdown_rows(exports.of_report(hostile, ALL)["example2020.md"])
    assert {len(row) for row in rows} == {len(head)}
    assert rows[0][2] == " ".join(odd.split())


@pytest.mark.parametrize(
    ("text", "latex"),
    [
        ("Marc-André & 5%", r"Marc-Andr{\'e} \& 5\%"),
        (r"a\b_{c}^2 ~ #1 $", r"a{\textbackslash}b\_\{c\}{\textasciicircum}2 {\textasciitilde} \#1 \$"),
        ("0.5 \N{EN DASH} \N{MINUS SIGN}0.1", r"0.5 -- {\ensuremath{-}}0.1"),
        ("--seed", "-{}-seed"),
        ("[1]  *\n“q”", r"{[}1{]} {*} {\textquotedblleft}q{\textquotedblright}"),
        ("Öther Łódź ß naïve \u4e2d", r"{\"O}ther {\L}{\'o}d{\'z} {\ss} na{\"\i}ve [U+4E2D]"),
    ],
)
def test_escaped_text_is_ascii_that_means_the_same(text: str, latex: str) -> None:
    assert escape(text) == latex.replace("[U+4E2D]", "{[}U+4E2D{]}")


@pytest.mark.parametrize("key", papers.available())
def test_every_text_of_a_paper_has_a_plain_name_in_latex(key: str) -> None:
    paper = papers.load(key)
    texts = [text for e in paper.experiments for text in (e.id, e.protocol, e.selection, e.title)]
    texts += [text for c in paper.claims for text in (c.corpus, c.metric, c.printed, c.source)]
    for text in texts:
        assert escape(text).isascii()
        assert "U+" not in escape(text), text
