"""Compare statements of rank (best, second, above others) with the figures of the tables."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any

from common.audit.basics import Figure, by_arithmetic, figures, note
from common.audit.finding import Finding
from common.contract import Claim
from common.errors import listed
from common.scoring.claims import Keys, keys

FACTS: Keys = {
    "above": keys("tables", "own", "cited", "most", "loose", "source"),
    "order": keys("table", "corpus", "metric", "names", "among", "source"),
}
"""The facts that these checks read."""


def above_cited(facts: Mapping[str, Any], claims: Sequence[Claim]) -> Iterator[Finding]:
    """`above`: own figures that the paper claims to be above the cited ones in the columns of `tables`.

    `own` names experiments, else the best own figure of each column is used; `cited` names methods, else all are used.
    With `most`, more than half of the pairs must agree. `loose` claims mention neither all nor most comparisons: they
    hold for either, or for the best of the named experiments, and otherwise contradict nothing.
    """
    for given in facts.get("above", ()):
        table = [f for f in figures(facts, claims) if f.source in given["tables"]]
        pairs = _pairs(table, given.get("own"), given.get("cited"), best=not given.get("own"))
        wrong = [(own, other) for own, other in pairs if own.value <= other.value]
        most, loose = bool(given.get("most")), bool(given.get("loose"))
        terms = [f"{a.metric} {a.text} ({a.name}) against {b.text} ({b.name}) on {a.corpus}" for a, b in wrong]
        which = listed(given["own"]) if given.get("own") else "the best own figure of each column"
        right = len(pairs) - len(wrong)
        statement = f"{which}: {right} of {len(pairs)} comparisons with cited figures "
        statement += f"{'favours' if right == 1 else 'favour'} the paper"
        statement += f"{'; these do not: ' + listed(terms) if wrong else ''}"
        statement += "; the text claims this for most" if most else ""
        in_most = len(wrong) < len(pairs) / 2
        of_best = all(a.value > b.value for a, b in _pairs(table, given.get("own"), given.get("cited"), best=True))
        if wrong and loose:
            best = "and those of the best of them do" if of_best else "and no more than half do"
            statement += f"; the text claims neither all nor most, {'and most do' if in_most else best}"
        holds = not wrong or (in_most and (most or loose)) or (of_best and loose)
        check = note if loose else by_arithmetic
        yield check("Own figures above cited ones", f"{statement}.", holds, str(given["source"]))


def _pairs(
    table: Sequence[Figure], own: Sequence[str] | None, cited: Sequence[str] | None, *, best: bool
) -> list[tuple[Figure, Figure]]:
    """Own and cited figures of the same column, of these names if given; with `best`, only the best own one."""
    pairs = []
    for key in dict.fromkeys((f.source, f.corpus, f.metric) for f in table if f.own):
        column = [f for f in table if (f.source, f.corpus, f.metric) == key]
        own_figures = [f for f in column if f.own and (own is None or f.name in own)]
        own_figures = [max(own_figures, key=lambda f: f.value)] if best and own_figures else own_figures
        others = [f for f in column if not f.own and (cited is None or f.name in cited)]
        pairs += [(a, b) for a in own_figures for b in others]
    return pairs


def order(facts: Mapping[str, Any], claims: Sequence[Claim]) -> Iterator[Finding]:
    """`order`: the claimed ranking in a column of a table, of experiments and cited methods.

    Columns are identified by the beginning of their metric. With `among` "own" only the paper's experiments count; if
    the text does not say which, and names only these, that interpretation is accepted too.
    """
    for given in facts.get("order", ()):
        names = given["names"]
        column = [
            figure
            for figure in figures(facts, claims)
            if (figure.source, figure.corpus) == (given["table"], given["corpus"])
            and figure.metric.startswith(given["metric"])
        ]
        own = [f for f in column if f.own]
        ranked = sorted(own if given.get("among") == "own" else column, key=lambda f: -f.value)
        terms = [f"{f.name} {f.text}" for f in ranked[: max(len(names), 2) + 1]]
        more = len(ranked) - len(terms)
        statement = f"{given['corpus']}, {given['metric']}: the order is {', '.join(terms)}"
        statement += f" and {more} more" if more else ""
        statement += f"; the text ranks {', then '.join(names)} at the top"
        among_all, among_own = _leads_with(ranked, names), _leads_with(own, names)
        statement += ", which holds among the paper's own" if among_own and not among_all else ""
        yield by_arithmetic("Ranks in the text", f"{statement}.", among_all or among_own, str(given["source"]))


def _leads_with(column: Sequence[Figure], names: Sequence[str]) -> bool:
    """Whether the highest figures are those of `names`, in this order and without a tie."""
    ranked = sorted(column, key=lambda f: -f.value)
    ties = any(a.value == b.value for a, b in pairwise(ranked[: len(names) + 1]))
    return [f.name for f in ranked[: len(names)]] == names and not ties
