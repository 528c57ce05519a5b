"""What the audit finds in the printed numbers of all papers, as text and as data."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict

from common.audit import audit
from common.audit.documented import documented
from common.audit.finding import Finding, causes, checks
from common.audit.sections import sections
from common.contract import Paper
from common.report.formatting import many

Audited = Sequence[tuple[str, Sequence[Finding]]]
"""The key of each paper with its findings."""

ALL = "all papers"


def audited(papers: Sequence[Paper]) -> Audited:
    """The findings of each paper, except those that compare printed with built networks: no network is built."""
    known = documented()
    return [(paper.key, audit(paper.facts, paper.claims, known, {}, paper.checks)) for paper in papers]


def brief_lines(papers: Audited) -> Iterator[str]:
    """What `--audit` prints: the counts by paper, what is contradicted, and at the end the totals."""
    for key, findings in papers:
        yield f"{key}  {_counted([(key, findings)])}"
    yield "Every check of a paper: --audit --paper KEY"
    contradicted = sections((key, finding) for key, findings in papers for finding in findings)[0]
    if contradicted["rows"]:
        yield ""
        yield f"{contradicted['title']}:"
    for row in contradicted["rows"]:
        yield f"  {row['paper']}  {row['topic']}: {row['statement']} ({row['source']})"
    yield ""
    yield f"{ALL}  {_counted(papers)}"


def lines(papers: Audited) -> Iterator[str]:
    """Every check, as `--audit --paper` prints them: by paper, what does not hold last, and at the end the totals."""
    for key, findings in papers:
        for section in reversed(sections((key, finding) for finding in findings)):
            rows = sorted(section["rows"], key=lambda row: not row["holds"])
            if rows:
                yield f"{key}  {section['title']}: {len(rows)}"
            for row in rows:
                yield f"  {row['mark']}  {row['topic']}: {row['statement']} ({row['source']})"
        yield f"{key}  {_counted([(key, findings)])}"
    if len(papers) > 1:
        yield f"{ALL}  {_counted(papers)}"


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
