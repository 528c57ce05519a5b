"""The findings of an audit in sections by their kind."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from common.audit.finding import Finding, Kind
from common.corpora.names import named


@dataclass(frozen=True)
class Section:
    """What findings of a kind have in common: heading, explanation, and the marks of those that hold and do not.

    If `holding` is not None, only findings that hold (True) or do not (False) belong to it.
    """

    kind: Kind
    holding: bool | None
    title: str
    text: str
    holds: str
    fails: str
    empty: str


SECTIONS = (
    Section(
        "contradicted",
        False,
        "Contradicted by arithmetic",
        "None of the interpretations that the check names gives the digits of the number, whether rounded, cut off or "
        "rounded up. Arithmetic cannot tell why.",
        "",
        "contradicted",
        "None: every printed number that could be checked fits an interpretation.",
    ),
    Section(
        "documented",
        None,
        "Compared with documented counts",
        "Printed numbers compared with the corpora's distributed tables and articles, the MEGC 2019 rule and public "
        "code. These differ from each other; a number agrees if it equals one of them.",
        "agrees",
        "differs",
        "No number differs from these.",
    ),
    Section(
        "note",
        False,
        "Worth knowing",
        "These contradict nothing printed: for example, an accuracy below that of always predicting the largest class, "
        "or a number that does not fit an inference.",
        "",
        "note",
        "Nothing.",
    ),
    Section(
        "note",
        True,
        "Checks that hold",
        "At least one interpretation gives these numbers. A check is weak if many other numbers would pass it.",
        "holds",
        "",
        "None.",
    ),
    Section(
        "weak",
        True,
        "Checks that say little",
        "At least nine of ten other numbers would pass them too. They are not counted.",
        "open",
        "",
        "None.",
    ),
)


def sections(findings: Iterable[tuple[str, Finding]]) -> list[dict[str, Any]]:
    """Return `SECTIONS` with their rows (mark, paper, topic, statement, source, holds), what does not hold first."""
    known = list(findings)
    shown = []
    for section in SECTIONS:
        own_findings = [
            (paper, finding)
            for paper, finding in sorted(known, key=lambda item: item[1].holds)
            if finding.kind == section.kind and section.holding in (None, finding.holds)
        ]
        rows = [
            {
                "mark": section.holds if finding.holds else section.fails,
                "paper": paper,
                "topic": finding.topic,
                "statement": named(finding.statement),
                "source": finding.source,
                "holds": finding.holds,
            }
            for paper, finding in own_findings
        ]
        shown.append({"title": section.title, "text": section.text, "empty": section.empty, "rows": rows})
    return shown
