"""`--audit`, brief and with every check, against the audit itself."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
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
COUNTS = re.compile(r"(\d+) checks, (\d+) contradicted(?: \((\d+) causes?\))?(?:;|$)")


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


def told(findings: Iterable[Finding]) -> list[str]:
    return sorted(f"{finding.topic}: {named(finding.statement)} ({finding.source})" for finding in findings)


def test_the_brief_list_has_all_counts_and_what_is_contradicted(capsys: pytest.CaptureFixture[str]) -> None:
    assert run_all.main(["--audit"]) == 0
    by_paper, contradicted, (total,) = (part.splitlines() for part in capsys.readouterr().out.split("\n\n"))
    assert [(line.split()[0], printed(line)) for line in by_paper] == [(k, counts(f)) for k, f in FINDINGS.items()]
    assert printed(total) == counts(*FINDINGS.values())
    shown = [line.split(maxsplit=1) for line in contradicted[1:]]
    assert list(dict.fromkeys(key for key, _ in shown)) == [key for key, f in FINDINGS.items() if counts(f)[1]]
    for key, findings in FINDINGS.items():
        assert sorted(text for k, text in shown if k == key) == told(f for f in findings if f.kind == "contradicted")


@pytest.mark.parametrize("key", FINDINGS)
def test_of_a_paper_every_finding_is_a_line_below_the_count_of_its_section(
    key: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_all.main(["--audit", "--paper", key]) == 0
    *lines, total = capsys.readouterr().out.splitlines()
    shown = [line.split(maxsplit=1)[1] for line in lines if line.startswith("  ")]
    assert sorted(shown) == told(FINDINGS[key])
    headings = [line for line in lines if not line.startswith("  ")]
    assert sum(int(line.rpartition(" ")[2]) for line in headings) == len(FINDINGS[key])
    assert (total.split()[0], printed(total)) == (key, counts(FINDINGS[key]))


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


def test_a_paper_without_findings_is_counted_alone() -> None:
    assert list(lines([("nobody2020", ())])) == ["nobody2020  0 checks, 0 contradicted"]


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
