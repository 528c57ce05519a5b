"""What the audit finds in the printed numbers of all papers, as text and as data."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict

from common.audit import audit
from common.audit.documented import documented
from common.audit.finding import Finding
from common.contract import Paper
from common.report.findings import sections

Audited = Sequence[tuple[str, Sequence[Finding]]]
"""The key of each paper with its findings."""


def audited(papers: Sequence[Paper]) -> Audited:
    """The findings of each paper, except those that compare printed with built networks: no network is built."""
    known = documented()
    return [(paper.key, audit(paper.facts, paper.claims, known, {}, paper.checks)) for paper in papers]


def lines(papers: Audited) -> Iterator[str]:
    """The findings as `--audit` prints them: by paper, the contradicted ones first, and at the end the totals."""
    for key, findings in papers:
        yield f"{key}  {_counted(findings)}"
        for section in sections((key, finding) for finding in findings):
            rows = section["rows"]
            if rows:
                yield f"  {section['title']}: {len(rows)}"
            for row in rows:
                yield f"    {row['mark']}  {row['topic']}: {row['statement']} ({row['source']})"
    yield f"all papers  {_counted([finding for _, findings in papers for finding in findings])}"


def record(papers: Audited) -> dict[str, object]:
    """The findings as `--audit --json` gives them; `checks` and `contradicted` are counts."""
    return {
        "papers": [
            {"key": key, **_counts(findings), "findings": [asdict(finding) for finding in findings]}
            for key, findings in papers
        ],
        **_counts([finding for _, findings in papers for finding in findings]),
    }


def _counts(findings: Sequence[Finding]) -> dict[str, int]:
    return {"checks": len(findings), "contradicted": sum(finding.kind == "contradicted" for finding in findings)}


def _counted(findings: Sequence[Finding]) -> str:
    return ", ".join(f"{count} {name}" for name, count in _counts(findings).items())
