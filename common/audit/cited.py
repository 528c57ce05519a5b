"""Rows that a paper cites from others: are they possible, and do other papers cite the same figures?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import product
from math import prod
from typing import Any

import numpy as np

from common.audit.basics import CORPORA, by_documents, composites, decimals, note, prints_as
from common.audit.finding import Finding
from common.audit.recalls import Counts, error_counts, with_uf1
from common.contract import CitedRow
from common.errors import listed
from common.scoring.claims import Keys, keys

FACTS: Keys = {**keys("class_counts", "sequences"), "cited_elsewhere": keys("paper", "rows", "source")}
"""The facts that these checks read."""
MOST = 10**7
"""Combinations of the corpora's solutions that are tried at most."""


def cited_rows(facts: Mapping[str, Any]) -> Iterator[Finding]:
    """UAR and UF1 of the cited rows as whole clips of the printed classes of each single corpus.

    The paper does not say that they are for the same clips: a pair that fits no matrix may be for others.
    """
    counts = {name: tuple(row.values()) for name, row in facts.get("class_counts", {}).items() if name in CORPORA}
    wrong, tried, tables = [], 0, []
    for cited in facts.get("cited", ()):
        for corpus, n in counts.items():
            values = cited.values.get(corpus, {})
            if {"uar", "uf1"} <= set(values):
                tried += 1
                tables.append(cited.source)
                if not _solutions(cited, corpus, n):
                    wrong.append(f"{cited.method} on {corpus} (UAR {values['uar']:.4f}, UF1 {values['uf1']:.4f})")
    if tried:
        statement = f"{tried - len(wrong)} of {tried} cited pairs of UAR and UF1 on one corpus fit a confusion "
        statement += f"matrix of the printed classes{', but not ' + listed(wrong) if wrong else ''}."
        yield note("Cited UAR and UF1 as whole clips", statement, not wrong, listed(list(dict.fromkeys(tables))))


def cited_columns(facts: Mapping[str, Any]) -> Iterator[Finding]:
    """The UAR of cited rows on the composite, against all matrices that fit their figures on its corpora.

    The composite may be a separate run, so that a row which fits none is only worth knowing.
    """
    counts = {name: tuple(row.values()) for name, row in facts.get("class_counts", {}).items()}
    parts = [name for name in counts if name in CORPORA]
    fitting: list[str] = []
    wrong: list[str] = []
    tables: list[str] = []
    for cited, whole in product(facts.get("cited", ()), composites(facts)):
        if not all({"uar", "uf1"} <= set(cited.values.get(name, {})) for name in (*parts, whole)):
            continue
        solutions = [_solutions(cited, name, counts[name]) for name in parts]
        if not 0 < prod(map(len, solutions)) <= MOST:
            continue
        tables.append(cited.source)
        totals = np.zeros((1, len(counts[whole])), np.int64)
        for errors in solutions:
            totals = (totals[:, None] + np.array(errors)).reshape(-1, totals.shape[1])
        uar = _digits(cited, whole, "uar")
        fits = int(prints_as((1 - totals / np.array(counts[whole])).mean(axis=1), uar).sum())
        about = f"{cited.method} (UAR {cited.values[whole]['uar']:.4f}, {fits:,} of {len(totals):,} combinations)"
        (fitting if fits else wrong).append(about)
    if tables:
        statement = f"{len(fitting)} of {len(tables)} cited rows have a UAR on their composite that adds up from "
        statement += f"confusion matrices of its corpora{': ' + listed(fitting) if fitting else ''}"
        statement += f"{'; not ' + listed(wrong) if wrong else ''}."
        where = listed(list(dict.fromkeys(tables)))
        yield note("Cited corpus columns against the composite", statement, not wrong, where)


def _solutions(cited: CitedRow, corpus: str, clips: Counts) -> list[Counts]:
    """The wrong clips per class that give both figures of one corpus."""
    return with_uf1(error_counts(_digits(cited, corpus, "uar"), clips), clips, _digits(cited, corpus, "uf1"))


def _digits(cited: CitedRow, corpus: str, metric: str) -> str:
    """A cited figure as printed: trailing zeros are not stored, but all figures of a row have as many decimals.

    A row in which all of them end with a zero may be known less exactly than it is printed.
    """
    most = max(decimals(f"{value:g}") for values in cited.values.values() for value in values.values())
    return f"{cited.values[corpus][metric]:.{most}f}"


def cited_shares(facts: Mapping[str, Any], documented: Mapping[str, Any]) -> Iterator[Finding]:
    """Cited accuracies as k/n of the published clips of one corpus: those of any release, and the printed `sequences`.

    They may be of fewer clips, or means over folds: one that fits none is only worth knowing. Trailing zeros are not
    stored, so a figure may be known less exactly than it is printed.
    """
    fitting: list[str] = []
    wrong: list[str] = []
    tables: list[str] = []
    for cited in facts.get("cited", ()):
        for corpus, values in cited.values.items():
            known = [*documented.get("clips", {}).get(corpus, {}).values(), facts.get("sequences", {}).get(corpus)]
            share = values.get("accuracy", values.get("accuracy, %", 0.0) / 100)
            sizes = sorted({n for n in known if n})
            if not share or not sizes:
                continue
            printed = f"{round(100 * share, 6):g}"
            tables.append(cited.source)
            size = next((n for n in sizes if prints_as(100 * np.arange(n + 1) / n, printed).any()), 0)
            ratio = f"{round(share * size)}/{size}" if size else listed([f"k/{n}" for n in sizes], "or")
            (fitting if size else wrong).append(f"{cited.method} {printed}% on {corpus} ({ratio})")
    if tables:
        statement = f"{len(fitting)} of {len(tables)} cited accuracies are fractions of the clips of a release"
        statement += f": {listed(fitting)}" if fitting else ""
        statement += f"; not {listed(wrong)}." if wrong else "."
        where = listed(list(dict.fromkeys(tables)))
        yield note("Cited accuracies as whole clips", statement, not wrong, where)


def cited_elsewhere(facts: Mapping[str, Any]) -> Iterator[Finding]:
    """`cited_elsewhere`: [method, corpus, metric, digits] as another `paper` cites them, against this one's."""
    for given in facts.get("cited_elsewhere", ()):
        own = {cited.method: cited.values for cited in facts.get("cited", ())}
        pairs = [(row, own[row[0]][row[1]][row[2]]) for row in given["rows"]]
        wrong = [
            f"{method} {metric.upper()} {value:.4f} on {corpus} ({printed})"
            for (method, corpus, metric, printed), value in pairs
            if f"{value:.4f}" != printed
        ]
        statement = f"{len(pairs) - len(wrong)} of {len(pairs)} cited figures are also those of {given['paper']}"
        statement += f"; not {listed(wrong)}." if wrong else "."
        yield by_documents("Cited figures in another paper", statement, not wrong, str(given["source"]))
