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
from common.cli.audit_listing import lines
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


@pytest.fixture
def blocks(capsys: pytest.CaptureFixture[str]) -> list[str]:
    """What is printed: a block for each paper, and the last line."""
    assert run_all.main(["--audit"]) == 0
    return re.split(r"^(?=\w)", capsys.readouterr().out, flags=re.MULTILINE)[1:]


def test_counts_are_those_of_the_audit(blocks: list[str]) -> None:
    *by_paper, total = blocks
    assert [block.split()[0] for block in by_paper] == list(FINDINGS)
    for block, findings in zip(by_paper, FINDINGS.values(), strict=True):
        assert printed(block.splitlines()[0]) == counts(findings)
    assert printed(total.strip()) == counts(*FINDINGS.values())


def test_every_finding_is_one_line_and_contradicted_ones_come_first(blocks: list[str]) -> None:
    for block, findings in zip(blocks, FINDINGS.values(), strict=False):
        shown = [line for line in block.splitlines() if line.startswith("    ")]
        told = [f"{finding.topic}: {named(finding.statement)} ({finding.source})" for finding in findings]
        assert len(shown) == len(findings)
        assert sorted(line.split(maxsplit=1)[1] for line in shown) == sorted(told)
        contradicted = counts(findings)[1]
        assert [line.split()[0] == "contradicted" for line in shown] == [
            number < contradicted for number in range(len(shown))
        ]


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
    assert list(lines([("nobody2020", ())])) == [
        "nobody2020  0 checks, 0 contradicted",
        "all papers  0 checks, 0 contradicted",
    ]


def test_a_known_cause_is_one_cause_however_many_numbers_it_explains() -> None:
    def found(statement: str, cause: str = "") -> Finding:
        return Finding("topic", statement, False, "Table 1", "contradicted", cause=cause)

    first = (found("a.", "shared"), found("b.", "shared"), found("c."))
    *_, total = lines([("one2020", first), ("two2020", (found("d.", "shared"),))])
    assert total == "all papers  4 checks, 4 contradicted (3 causes)"


def test_what_is_said_to_have_one_cause_is_contradicted() -> None:
    for key, findings in FINDINGS.items():
        for given in papers.load(key).facts.get("causes", ()):
            for begins in given["findings"]:
                (match,) = (f for f in findings if f.kind == "contradicted" and f.statement.startswith(begins))
                assert match.cause == given["what"]
