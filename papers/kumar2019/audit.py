"""The check that only this paper needs: matrices of the corpora against the figures of their composite."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from common.audit.basics import composites, note, of, prints_as
from common.audit.finding import Finding
from common.contract import Claim
from common.errors import listed
from common.scoring import metrics


def audit(facts: Mapping[str, Any], claims: Sequence[Claim]) -> Iterator[Finding]:
    """The findings of these checks."""
    yield from pooled(facts, claims)


def pooled(facts: Mapping[str, Any], claims: Sequence[Claim]) -> Iterator[Finding]:
    """The sum of the corpora's matrices against the composite's figures in the same table.

    If they differ, the composite may be a separate run.
    """
    printed = facts.get("confusions", ())
    for name in composites(facts):
        classes = list(facts["class_counts"][name])
        parts = [part for part in printed if part["corpus"] in facts["class_counts"] and part["classes"] == classes]
        keys = {(part["experiment"], part["corpus"]) for part in parts}
        tables = {c.source for c in claims if (c.experiment, c.corpus) in keys}
        row = [c for c in claims if c.corpus == name and c.source in tables]
        beside = {c.metric: c for c in row if c.metric in ("uar", "uf1", "accuracy")}
        if {part["corpus"] for part in parts} != set(facts["class_counts"]) - {name} or not beside:
            continue
        matrix = np.sum([part["matrix"] for part in parts], axis=0)
        computed = {metric: float(metrics.metric(metric, tuple(classes))(matrix)) for metric in beside}
        wrong = [m for m, value in computed.items() if not prints_as(np.array([value]), beside[m].printed).all()]
        terms = [f"{m.upper()} {value:.5f}, printed {beside[m].printed}" for m, value in computed.items()]
        statement = (
            f"{name}: the matrices of {listed([part['corpus'] for part in parts])} add up to rows of "
            f"{of(matrix.sum(axis=1).tolist())} clips with {listed(terms)}."
        )
        where = f"{', '.join(part['source'] for part in parts)}, {next(iter(beside.values())).source}"
        yield note("Matrices of the corpora against the composite", statement, not wrong, where)
