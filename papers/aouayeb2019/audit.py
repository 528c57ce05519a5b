"""The check that only this paper needs: margins over cited rows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from common.audit.basics import Figure, by_arithmetic, figures, near
from common.audit.finding import Finding
from common.contract import Claim
from common.errors import listed
from common.scoring.claims import Keys, keys

FACTS: Keys = {
    **keys("region_sizes", "training"),  # of the figures and tables of the text; tests compare them with the settings
    "margins": keys("table", "corpus", "printed", "source"),
}
"""The facts of this paper alone."""


def audit(facts: Mapping[str, Any], claims: Sequence[Claim]) -> Iterator[Finding]:
    """The findings of these checks."""
    yield from margins(facts, claims)


def margins(facts: Mapping[str, Any], claims: Sequence[Claim]) -> Iterator[Finding]:
    """`margins`: the approximate largest and smallest lead over the cited rows of a table on one corpus, in percent.

    Leads are computed for each metric; the statement also gives the leads on the other corpora of the table.
    """
    for given in facts.get("margins", ()):
        table = [f for f in figures(facts, claims) if f.source == given["table"]]
        corpus, (most, least) = given["corpus"], given["printed"]
        terms, holds = [], True
        for metric in dict.fromkeys(f.metric for f in table):
            leads = _leads(table, corpus, metric)
            if leads:
                terms.append(f"{min(leads):.1f} to {max(leads):.1f} points in {metric.upper()}")
                holds &= near(max(leads), most) and near(min(leads), least)
        columns = {(f.corpus, f.metric) for f in table if f.corpus != corpus}
        others = [lead for column in columns for lead in _leads(table, *column)]
        rows = len({f.name for f in table if not f.own and f.corpus == corpus})
        statement = (
            f"{corpus}: the leads over the {rows} cited rows are {listed(terms)}; the text prints about {most}% and "
        )
        statement += f"{least}%, {'within' if holds else 'not all within'} a tenth of these"
        statement += f"; in the other columns they are {min(others):.1f} to {max(others):.1f} points" if others else ""
        yield by_arithmetic("Margins in the text", f"{statement}.", holds, str(given["source"]))


def _leads(table: Sequence[Figure], corpus: str, metric: str) -> list[float]:
    """The lead of the best own figure of a column over each cited figure, in points."""
    column = [f for f in table if (f.corpus, f.metric) == (corpus, metric)]
    own = [f.value for f in column if f.own]
    return [100 * (max(own) - f.value) for f in column if not f.own] if own else []
