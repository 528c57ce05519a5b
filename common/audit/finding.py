"""Findings of the audit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Kind = Literal["contradicted", "documented", "note"]
"""The kind of a finding: see `Finding`."""


@dataclass(frozen=True)
class Finding:
    """One check of a printed number.

    `kind` is "contradicted" if arithmetic contradicts the number under every interpretation that the check names;
    `holds` is then False. It is "documented" if the number is compared with counts that others published; `holds` says
    whether it is one of them. It is "note" for everything else: if `holds`, the number passes the check, by arithmetic
    under at least one interpretation; else the finding is worth knowing but contradicts nothing printed, such as an
    accuracy below the fraction of the largest class. A check of networks as `built` needs a
    run, and is not counted among the checks of printed numbers. Raises ValueError for a contradiction that holds.
    """

    topic: str
    statement: str
    holds: bool
    source: str
    kind: Kind
    built: bool = False

    def __post_init__(self) -> None:
        if self.kind == "contradicted" and self.holds:
            raise ValueError(f"a finding that is {self.kind} holds")
