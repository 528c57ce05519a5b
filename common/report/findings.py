"""The findings of an audit by what they say, in sections that are never mixed."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from common.audit.finding import Finding, Kind


@dataclass(frozen=True)
class Section:
    """What findings of a kind have in common: a heading, what they say, and the mark of those that hold or do not.

    Where `holding` is not None, only those that hold (True) or do not (False) belong to it.
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
        "No reading of the number that the check names gives its digits, whether rounded, cut off or rounded up. Why, "
        "arithmetic cannot say.",
        "",
        "contradicted",
        "None: every printed number that could be checked has a reading that fits.",
    ),
    Section(
        "documented",
        None,
        "Beside documented counts",
        "What is published elsewhere: the corpora's distributed tables and articles, the MEGC 2019 rule, public code. "
        "These differ from each other; a number agrees if it is one of theirs.",
        "agrees",
        "differs",
        "No number differs from these.",
    ),
    Section(
        "note",
        False,
        "Worth knowing",
        "This contradicts nothing printed: an accuracy below the share of the largest class, for example, or a number "
        "that does not fit what is only inferred.",
        "",
        "note",
        "Nothing.",
    ),
    Section(
        "note",
        True,
        "Checks that hold",
        "At least one reading gives these numbers. That says the less, the more figures would fit too.",
        "holds",
        "",
        "None.",
    ),
)


def sections(findings: Iterable[tuple[str, Finding]]) -> list[dict[str, Any]]:
    """Each of `SECTIONS` with its rows (mark, paper, topic, statement, source, holds), those that do not hold first."""
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
                "statement": finding.statement,
                "source": finding.source,
                "holds": finding.holds,
            }
            for paper, finding in own_findings
        ]
        shown.append({"title": section.title, "text": section.text, "empty": section.empty, "rows": rows})
    return shown
