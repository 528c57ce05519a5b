"""The checks that only this paper needs: an F1 score of mean precision and recall, and leads over one cited row."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from common.audit.basics import by_arithmetic, figures, near, prints_as
from common.audit.finding import Finding
from common.contract import Claim
from common.errors import listed
from common.scoring import metrics


def audit(facts: Mapping[str, Any], claims: Sequence[Claim]) -> Iterator[Finding]:
    """The findings of these checks."""
    yield from f1_scores(facts, claims)
    yield from together(facts)
    yield from leads(facts, claims)


def f1_scores(facts: Mapping[str, Any], claims: Sequence[Claim]) -> Iterator[Finding]:
    """A printed F1 score against the matrix of `confusions`, by equations 9 to 11."""
    for claim in (claim for claim in claims if claim.metric == "f1"):
        for given in (given for given in facts["confusions"] if given["corpus"] == claim.corpus):
            matrix = np.array(given["matrix"])
            precision, recall, value = (float(m(matrix)) for m in (metrics.precision, metrics.uar, metrics.f1_of_means))
            statement = (
                f"{claim.corpus}: mean precision {precision:.4f} and mean recall {recall:.4f} of the matrix give F1 "
                f"{value:.4f}, printed {claim.printed}."
            )
            holds = bool(prints_as(np.array([value]), claim.printed).all())
            yield by_arithmetic("F1 of the confusion matrix", statement, holds, f"{claim.source}, {given['source']}")


def together(facts: Mapping[str, Any]) -> Iterator[Finding]:
    """Whether the matrices of the corpora add up to that of their composite."""
    matrices = {given["corpus"]: np.array(given["matrix"]) for given in facts["confusions"]}
    whole = matrices.pop("megc2019")
    apart = int(np.abs(sum(matrices.values()) - whole).sum())
    statement = f"the matrices of {listed([*matrices])} add up to that of megc2019"
    statement += f", except for {apart} clips." if apart else "."
    yield by_arithmetic("Confusion matrices add up to the composite", statement, not apart, "Table IV")


def leads(facts: Mapping[str, Any], claims: Sequence[Claim]) -> Iterator[Finding]:
    """`leads`: approximate leads `over` a cited row in one metric, `printed` by corpus in percentage points."""
    for given in facts.get("leads", ()):
        column = [f for f in figures(facts, claims) if f.metric == given["metric"]]
        table = {(f.own, f.corpus): f.value for f in column if f.own or f.name == given["over"]}
        terms, holds = [], True
        for corpus, printed in given["printed"].items():
            lead = 100 * (table[True, corpus] - table[False, corpus])
            terms.append(f"{lead:.1f} on {corpus} (printed {printed})")
            holds &= near(lead, printed)
        statement = f"leads over {given['over']} in {given['metric'].upper()}, in points: {listed(terms)}."
        yield by_arithmetic("Leads in the text", statement, holds, str(given["source"]))
