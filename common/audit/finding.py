"""Findings of the audit."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

Kind = Literal["contradicted", "documented", "note", "weak"]
"""The kind of a finding: see `Finding`."""


@dataclass(frozen=True)
class Finding:
    """One check of a printed number.

    `kind` is "contradicted" if arithmetic contradicts the number under every interpretation that the check names;
    `holds` is then False. It is "documented" if the number is compared with counts that others published; `holds` says
    whether it is one of them. It is "note" for everything else: if `holds`, the number passes the check, by arithmetic
    under at least one interpretation; else the finding is worth knowing but contradicts nothing printed, such as an
    accuracy below the fraction of the largest class. A number that fits is "weak" if nearly every other number would
    fit too: nothing was tested. A check of networks as `built` needs a run; neither is counted among the checks of
    printed numbers. `cause` is the known one that several contradictions share, else empty. Raises ValueError for a
    contradiction that holds, and for a weak finding that does not.
    """

    topic: str
    statement: str
    holds: bool
    source: str
    kind: Kind
    built: bool = False
    cause: str = ""

    def __post_init__(self) -> None:
        if (self.kind == "contradicted" and self.holds) or (self.kind == "weak" and not self.holds):
            raise ValueError(f"a finding that is {self.kind} {'holds' if self.holds else 'does not hold'}")


def checks(findings: Iterable[Finding]) -> list[Finding]:
    """The findings that count as checks of printed numbers: they could fail, and need no run."""
    return [finding for finding in findings if finding.kind != "weak" and not finding.built]


def causes(findings: Iterable[Finding]) -> int:
    """How many causes the contradictions of a paper have: those without a known one have one each."""
    return len({finding.cause or finding.statement for finding in findings if finding.kind == "contradicted"})
