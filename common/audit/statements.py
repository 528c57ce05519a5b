"""Differences, margins, bounds and repetitions that the text states, against the figures of the tables."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from common.audit.basics import Figure, by_arithmetic, figures, listed, prints_as
from common.audit.finding import Finding
from common.contract import Claim

ABOUT = 0.1
"""By which share a number may differ from one that the text calls approximate."""


def differences(facts: Mapping[str, Any], claims: Sequence[Claim]) -> Iterator[Finding]:
    """`differences`: [minuend, subtrahend, difference] as the text prints them, one finding per source.

    Minuend and subtrahend have to be printed figures; with `about` the difference may be a tenth off.
    """
    known = {claim.printed for claim in claims}
    for given in facts.get("differences", ()):
        about, wrong = bool(given.get("about")), []
        for a, b, printed in given["rows"]:
            difference = round(float(a) - float(b), 6)
            if unknown := [text for text in (a, b) if text not in known]:
                wrong.append(f"{listed(unknown)} is in no table")
            elif not (near(difference, printed) if about else prints_as(np.array([difference]), printed).any()):
                wrong.append(f"{a} - {b} is {difference:.1f}, printed {printed}")
        rows = len(given["rows"])
        statement = f"{rows - len(wrong)} of {rows} {'approximate' if about else 'exact'} differences in the text "
        statement += f"{'lie within a tenth of' if about else 'follow from'} the table"
        statement += f"{'; ' + listed(wrong) if wrong else ''}."
        yield by_arithmetic("Differences in the text", statement, not wrong, str(given["source"]))


def near(number: float, printed: str) -> bool:
    """Whether a number is within a tenth of one that the text calls approximate."""
    return abs(number - float(printed)) <= ABOUT * abs(float(printed)) + 1e-9


def margins(facts: Mapping[str, Any], claims: Sequence[Claim]) -> Iterator[Finding]:
    """`margins`: the largest and the smallest lead over the cited rows of a table on one corpus, in percent, about.

    Metric by metric; the leads on the other corpora of the table are told beside them.
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
            f"{corpus}: the leads over the {rows} cited rows are {listed(terms)}; printed are about {most}% and "
        )
        statement += f"{least}%, {'within' if holds else 'not all within'} a tenth of these"
        statement += f"; in the other columns they are {min(others):.1f} to {max(others):.1f} points" if others else ""
        yield by_arithmetic("Margins in the text", f"{statement}.", holds, str(given["source"]))


def _leads(table: Sequence[Figure], corpus: str, metric: str) -> list[float]:
    """By how many points the best own figure of a column leads each cited one."""
    column = [f for f in table if (f.corpus, f.metric) == (corpus, metric)]
    own = [f.value for f in column if f.own]
    return [100 * (max(own) - f.value) for f in column if not f.own] if own else []


def bounds(facts: Mapping[str, Any], claims: Sequence[Claim]) -> Iterator[Finding]:
    """`bounds`: experiments of a table whose figures are all said to lie `above` or `below` a number."""
    for given in facts.get("bounds", ()):
        own_figures = [
            figure
            for figure in figures(facts, claims)
            if figure.own and figure.name in given["experiments"] and figure.source == given["table"]
        ]
        side = "above" if "above" in given else "below"
        limit = float(given[side]) / 100
        wrong = [f for f in own_figures if (f.value <= limit if side == "above" else f.value >= limit)]
        edge = (min if side == "above" else max)(own_figures, key=lambda f: f.value)
        statement = f"{len(own_figures) - len(wrong)} of {len(own_figures)} figures lie {side} {given[side]}%; the "
        statement += f"{'lowest' if side == 'above' else 'highest'} is {edge.text} ({edge.name})."
        yield by_arithmetic("Bounds in the text", statement, not wrong, str(given["source"]))


def repeated(facts: Mapping[str, Any], claims: Sequence[Claim]) -> Iterator[Finding]:
    """`repeated`: [name, corpus, metric, digits] as they stand elsewhere in the paper than in the `table`."""
    for given in facts.get("repeated", ()):
        table = {(f.name, f.corpus, f.metric): f for f in figures(facts, claims) if f.source in given["table"]}
        wrong = []
        for name, corpus, metric, printed in given["rows"]:
            held = table[name, corpus, metric]
            if printed != held.text.removesuffix("%"):
                wrong.append(f"{name} on {corpus}: {held.text} there, {printed} here")
        rows = len(given["rows"])
        statement = f"{rows - len(wrong)} of {rows} figures that stand in {listed(given['table'])} have the same digits"
        statement += f" here{'; ' + listed(wrong) if wrong else ''}."
        yield by_arithmetic("Figures printed twice", statement, not wrong, str(given["source"]))
