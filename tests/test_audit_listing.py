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
from common.report.audit_listing import lines
from common.report.comparison_tables import view
from common.report.formatting import named

FINDINGS = {
    key: audit(paper.facts, paper.claims, documented(), {}, paper.checks)
    for key, paper in ((key, papers.load(key)) for key in papers.available())
}
COUNTS = re.compile(r"(\d+) checks, (\d+) contradicted$")


def counts(findings: list[Finding] | tuple[Finding, ...]) -> tuple[int, int]:
    return len(findings), sum(finding.kind == "contradicted" for finding in findings)


def printed(line: str) -> tuple[int, int]:
    found = COUNTS.search(line)
    assert found, line
    return int(found[1]), int(found[2])


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
    assert printed(total.strip()) == counts([finding for findings in FINDINGS.values() for finding in findings])


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
    assert (found["checks"], found["contradicted"]) == counts([f for findings in FINDINGS.values() for f in findings])
    assert [paper["key"] for paper in found["papers"]] == list(FINDINGS)
    for paper, findings in zip(found["papers"], FINDINGS.values(), strict=True):
        assert (paper["checks"], paper["contradicted"]) == counts(findings)
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
