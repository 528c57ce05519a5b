"""BibTeX entries: read back by a parser of their own, and held against what the suite says of a paper."""

from __future__ import annotations

import json
import re
from dataclasses import replace

import pytest
import report_example as example

import papers
import run_all
from common.cli.bibtex import bibtex
from common.contract import Reference

NEEDED = {"inproceedings": {"booktitle"}, "article": {"journal", "volume"}}
"""What BibTeX's own styles ask for beside author, title and year."""


def parse(text: str) -> tuple[str, str, dict[str, str]]:
    """(kind, key, fields) of one entry; AssertionError for what is no entry, or is more than one."""
    start = re.match(r"\s*@(\w+)\{([^\s,{}]+),", text)
    assert start
    fields: dict[str, str] = {}
    place = start.end()
    while field := re.compile(r"\s*(\w+)\s*=\s*\{").match(text, place):
        depth, end = 1, field.end()
        while depth:
            skip = 2 if text[end] == "\\" else 1
            depth += {"{": 1, "}": -1}.get(text[end], 0)
            end += skip
        assert field[1] not in fields
        fields[field[1]] = text[field.end() : end - 1]
        comma = re.compile(r"\s*,").match(text, end)
        assert comma
        place = comma.end()
    assert re.fullmatch(r"\s*\}\s*", text[place:])
    return start[1], start[2], fields


def plain(value: str) -> str:
    """The text behind a value, for the few commands that entries of this suite hold."""
    value = re.sub(r"\{\\'(\w)\}", lambda accented: {"e": "é"}[accented[1]], value).replace("--", "\N{EN DASH}")
    return re.sub(r"\\([&%$#_{}])", r"\1", re.sub(r"(?<!\\)[{}]", "", value))


@pytest.mark.parametrize("key", papers.available())
def test_every_paper_has_an_entry_that_says_what_the_suite_says(key: str) -> None:
    paper = papers.load(key)
    text = bibtex(paper)
    assert text.isascii()
    kind, name, fields = parse(text)
    assert name == key
    assert set(fields) >= {"author", "title", "year"} | NEEDED[kind]
    assert all(fields.values())
    assert plain(fields["title"]) == paper.title
    assert fields["year"] == str(paper.year)
    assert fields.get("url", "") == paper.url
    where = plain(fields.get("booktitle") or fields["journal"])
    assert where in paper.venue
    if "doi" in fields:
        assert paper.url.endswith(fields["doi"])
    if "eprint" in fields:
        assert paper.url.endswith(fields["eprint"])
    surnames = [author.split()[-1] for author in paper.authors.split(", ")]
    authors = [plain(author) for author in fields["author"].split(" and ")]
    assert [author.split()[-1] for author in authors] == surnames
    for short, full in zip(paper.authors.split(", "), authors, strict=True):
        assert full.startswith(short[0])
        assert len(full) >= len(short)
    assert len(" ".join(authors)) > len(paper.authors), "names as printed: some papers print initials of some authors"


def test_capitals_inside_a_title_are_kept_and_special_characters_escaped() -> None:
    paper = replace(
        example.paper(),
        title="A study of CNNs in 3D: 5% & more",
        url="https://example.org/a_b%20c",
        reference=Reference("misc", ("Zoë Ångström", "B. O_Hara"), {"note": "50% #1"}),
    )
    _, _, fields = parse(bibtex(paper))
    assert fields["title"] == r"A study of {CNNs} in {3D:} 5\% \& more"
    assert fields["author"] == r"Zo{\"e} {\r{A}}ngstr{\"o}m and B. O\_Hara"
    assert fields["note"] == r"50\% \#1"
    assert fields["url"] == paper.url


def test_the_list_ends_with_the_entry_of_each_named_paper(capsys: pytest.CaptureFixture[str]) -> None:
    assert run_all.main(["--list", "--paper", *papers.available()]) == 0
    blocks = re.split(r"^(?=\w)", capsys.readouterr().out, flags=re.MULTILINE)[1:]
    assert len(blocks) == len(papers.available())
    for key, block in zip(papers.available(), blocks, strict=True):
        assert block.startswith(key)
        assert parse(block[block.index("  @") :])[1] == key
    assert run_all.main(["--list", "--json"]) == 0
    listed = json.loads(capsys.readouterr().out)["papers"]
    assert {paper["key"]: paper["bibtex"] for paper in listed} == {
        key: bibtex(papers.load(key)) for key in papers.available()
    }
