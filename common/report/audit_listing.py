"""What the audit finds in the printed numbers of all papers, as text and as data."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict

from common.audit import audit
from common.audit.documented import documented
from common.audit.finding import Finding, causes, checks
from common.contract import Paper
from common.report.findings import sections
from common.report.formatting import many

Audited = Sequence[tuple[str, Sequence[Finding]]]
"""The key of each paper with its findings."""


def audited(papers: Sequence[Paper]) -> Audited:
    """The findings of each paper, except those that compare printed with built networks: no network is built."""
    known = documented()
    return [(paper.key, audit(paper.facts, paper.claims, known, {}, paper.checks)) for paper in papers]


def lines(papers: Audited) -> Iterator[str]:
    """The findings as `--audit` prints them: by paper, the contradicted ones first, and at the end the totals."""
    for key, findings in papers:
        yield f"{key}  {_counted([(key, findings)])}"
        for section in sections((key, finding) for finding in findings):
            rows = section["rows"]
            if rows:
                yield f"  {section['title']}: {len(rows)}"
            for row in rows:
                yield f"    {row['mark']}  {row['topic']}: {row['statement']} ({row['source']})"
    yield f"all papers  {_counted(papers)}"


def record(papers: Audited) -> dict[str, object]:
    """The findings as `--audit --json` gives them; `checks`, `contradicted` and `causes` are counts."""
    return {
        "papers": [
            {"key": key, **_counts([(key, findings)]), "findings": [asdict(finding) for finding in findings]}
            for key, findings in papers
        ],
        **_counts(papers),
    }


def _counts(papers: Audited) -> dict[str, int]:
    every = [finding for _, findings in papers for finding in findings]
    return {
        "checks": len(checks(every)),
        "contradicted": sum(finding.kind == "contradicted" for finding in every),
        "causes": sum(causes(findings) for _, findings in papers),
    }


def _counted(papers: Audited) -> str:
    counts = _counts(papers)
    about = f" ({many(counts['causes'], 'cause')})" if counts["contradicted"] else ""
    return f"{counts['checks']} checks, {counts['contradicted']} contradicted{about}"
