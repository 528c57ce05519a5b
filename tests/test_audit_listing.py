"""`--audit` against the audit itself."""

from __future__ import annotations

import json
import re
from dataclasses import asdict, replace
from pathlib import Path

import comparison_example
import pytest

import papers
import run_all
from common.audit import audit
from common.audit.documented import documented
from common.audit.finding import Finding
from common.cli.audit_listing import brief_lines, lines
from common.corpora.names import named
from common.report.comparison_tables import view

FINDINGS = {
    key: audit(paper.facts, paper.claims, documented(), {}, paper.checks)
    for key, paper in ((key, papers.load(key)) for key in papers.available())
}
COUNTS = re.compile(r"(\d+) checks, (\d+) contradicted(?: \((\d+) causes?\))?$")


def counts(*by_paper: tuple[Finding, ...]) -> tuple[int, int, int]:
    """Checks, contradictions, and their causes: those without a known one have one each."""
    every = [finding for findings in by_paper for finding in findings]
    made = [(number, f) for number, findings in enumerate(by_paper) for f in findings if f.kind == "contradicted"]
    alone = sum(not f.cause for _, f in made)
    known = {(number, f.cause) for number, f in made if f.cause}
    return sum(finding.kind != "weak" for finding in every), len(made), alone + len(known)


def printed(line: str) -> tuple[int, int, int]:
    found = COUNTS.search(line)
    assert found, line
    return int(found[1]), int(found[2]), int(found[3] or 0)


def told(finding: Finding) -> str:
    return f"{finding.topic}: {named(finding.statement)} ({finding.source})"


def test_counts_come_first_and_what_is_contradicted_last(capsys: pytest.CaptureFixture[str]) -> None:
    assert run_all.main(["--audit"]) == 0
    shown = capsys.readouterr().out.splitlines()
    for line, (key, findings) in zip(shown, FINDINGS.items(), strict=False):
        assert line.split()[0] == key
        assert printed(line) == counts(findings)
    assert printed(shown[-1]) == counts(*FINDINGS.values())
    rows = [line.split(maxsplit=1) for line in shown[len(FINDINGS) :] if line.startswith("  ")]
    expected = [[key, told(f)] for key, findings in FINDINGS.items() for f in findings if f.kind == "contradicted"]
    assert sorted(rows) == sorted(expected)
    assert shown[-3:-1] == [f"  {'  '.join(rows[-1])}", ""]


@pytest.mark.parametrize("key", FINDINGS)
def test_every_finding_of_a_named_paper_is_one_line(key: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Of its section, what does not hold comes last; and of all, what is contradicted."""
    findings = FINDINGS[key]
    assert run_all.main(["--audit", "--paper", key]) == 0
    *shown, last = capsys.readouterr().out.splitlines()
    assert printed(last) == counts(findings)
    rows = [line.split(maxsplit=1) for line in shown if line.startswith("  ")]
    assert sorted(text for _, text in rows) == sorted(map(told, findings))
    order = [mark for mark, _ in rows]
    assert order == sorted(order, key=lambda mark: mark == "contradicted")
    compared = [mark for mark in order if mark in ("agrees", "differs")]
    assert compared == sorted(compared)


def test_json_has_the_same_counts_and_findings(capsys: pytest.CaptureFixture[str]) -> None:
    assert run_all.main(["--audit", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    names = ("checks", "contradicted", "causes")
    assert tuple(found[name] for name in names) == counts(*FINDINGS.values())
    assert [paper["key"] for paper in found["papers"]] == list(FINDINGS)
    for paper, findings in zip(found["papers"], FINDINGS.values(), strict=True):
        assert tuple(paper[name] for name in names) == counts(findings)
        assert paper["findings"] == [asdict(finding) for finding in findings]


def test_reports_count_the_same_checks_whatever_networks_were_built(tmp_path: Path) -> None:
    paper = papers.load("aouayeb2019")
    built = audit(paper.facts, paper.claims, documented(), {"parameters": 204}, paper.checks)
    assert len(built) == len(FINDINGS[paper.key]) + 1  # the check of the network needs a run
    side = comparison_example.side(tmp_path, 2)
    shown = [
        view(replace(side, reports=(replace(side.reports[0], paper=paper, comparisons=(), audit=findings),)))
        for findings in (FINDINGS[paper.key], built)
    ]
    assert [page["checked"] for page in shown] == [f"{len(FINDINGS[paper.key])} checks"] * 2


def test_a_paper_without_findings_has_a_heading_alone() -> None:
    assert list(lines([("nobody2020", ())])) == ["nobody2020  0 checks, 0 contradicted"]
    first, *_, last = brief_lines([("nobody2020", ())])
    assert (first, last) == ("nobody2020  0 checks, 0 contradicted", "all papers  0 checks, 0 contradicted")


def test_a_known_cause_is_one_cause_however_many_numbers_it_explains() -> None:
    def found(statement: str, cause: str = "") -> Finding:
        return Finding("topic", statement, False, "Table 1", "contradicted", cause=cause)

    first = (found("a.", "shared"), found("b.", "shared"), found("c."))
    both = [("one2020", first), ("two2020", (found("d.", "shared"),))]
    assert {[*said][-1] for said in (lines(both), brief_lines(both))} == {
        "all papers  4 checks, 4 contradicted (3 causes)"
    }


def test_what_is_said_to_have_one_cause_is_contradicted() -> None:
    for key, findings in FINDINGS.items():
        for given in papers.load(key).facts.get("causes", ()):
            for begins in given["findings"]:
                (match,) = (f for f in findings if f.kind == "contradicted" and f.statement.startswith(begins))
                assert match.cause == given["what"]
