"""Printed figures compared with those of predictions that the authors of a method, or others, published."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from common.audit.basics import prints_as
from common.audit.finding import Finding
from common.contract import CitedRow, Claim
from common.errors import listed
from common.scoring.claims import Keys, keys

FACTS: Keys = keys("predictions")
"""The fact that this check reads."""


def against_predictions(
    facts: Mapping[str, Any], documented: Mapping[str, Any], claims: Sequence[Claim] = ()
) -> Iterator[Finding]:
    """UF1 and UAR of the cited rows that name public `predictions`, which `documented` has as `predictions`.

    If the facts name `predictions`, the paper's own figures are checked too. A figure printed as UAR may be the
    unweighted mean of the precisions instead of that of the recalls.
    """
    cited = [("Cited figures from public predictions", row) for row in facts.get("cited", ())]
    own = [("Printed figures from public predictions", _own(claims, key)) for key in [facts.get("predictions")] if key]
    for topic, row in (*own, *cited):
        known = documented.get("predictions", {}).get(row.predictions)
        if not known:
            continue
        same, precisions, others = [], [], []
        for corpus, values in row.values.items():
            for metric in ("uf1", "uar"):
                if metric not in values:
                    continue
                printed = f"{values[metric]:.4f}"
                own, precision = known[corpus][metric], known[corpus]["precision"]
                if _is(own, printed):
                    same.append(f"{metric.upper()} on {corpus}")
                elif metric == "uar" and _is(precision, printed):
                    precisions.append(f"{printed} on {corpus} (recalls: {own:.4f})")
                else:
                    others.append(f"{metric.upper()} {printed} on {corpus} (from the predictions: {own:.4f})")
        count = len(same) + len(precisions) + len(others)
        statement = f"{row.method}: {len(same)} of {count} figures are those of the predictions that were published"
        if precisions:
            statement += f"; what is printed as UAR is the mean of the precisions for {listed(precisions)}"
        if others:
            statement += f"; {listed(others)} {'is' if len(others) == 1 else 'are'} not"
        holds = not precisions and not others
        yield Finding(topic, f"{statement}.", holds, row.source, "documented")


def _own(claims: Sequence[Claim], predictions: str) -> CitedRow:
    """The figures of the paper's own predictions, those of its first experiment, as a row."""
    values: dict[str, dict[str, float]] = {}
    claims = [claim for claim in claims if claim.experiment == claims[0].experiment]
    for claim in claims:
        values.setdefault(claim.corpus, {})[claim.metric] = claim.value
    return CitedRow("the paper", values, ", ".join(dict.fromkeys(claim.source for claim in claims)), predictions)


def _is(value: float, printed: str) -> bool:
    return bool(prints_as(np.array([value]), printed).any())
