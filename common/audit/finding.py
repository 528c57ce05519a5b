"""What the audit finds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Kind = Literal["contradicted", "documented", "note"]
"""What a finding says: see `Finding`."""


@dataclass(frozen=True)
class Finding:
    """One check of a printed number.

    `kind` is "contradicted" where arithmetic contradicts the number under every reading that the check names; `holds`
    is then False. It is "documented" where the number is set beside counts that somebody else published; `holds` says
    whether it is one of them. It is "note" for everything else: where `holds`, the number passes the check, by
    arithmetic under at least one reading; else something is worth knowing that contradicts nothing printed, such as an
    accuracy below the share of the largest class. Raises ValueError for a contradiction that holds.
    """

    topic: str
    statement: str
    holds: bool
    source: str
    kind: Kind

    def __post_init__(self) -> None:
        if self.kind == "contradicted" and self.holds:
            raise ValueError(f"a finding that is {self.kind} holds")
