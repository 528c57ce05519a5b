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
from common.scoring.claims import Keys, keys

FACTS: Keys = {"leads": keys("over", "metric", "printed", "source")}
"""The facts of this paper alone."""


def audit(facts: Mapping[str, Any], claims: Sequence[Claim]) -> Iterator[Finding]:
    """The findings of these checks."""
    yield from f1_scores(facts, claims)
    yield from leads(facts, claims)


def f1_scores(facts: Mapping[str, Any], claims: Sequence[Claim]) -> Iterator[Finding]:
    """A printed F1 score against the matrix of `confusions`, by equations 9 to 11."""
    for claim in (claim for claim in claims if claim.metric == "f1"):
        for given in (given for given in facts.get("confusions", ()) if given["corpus"] == claim.corpus):
            matrix = np.array(given["matrix"])
            precision, recall, value = (float(m(matrix)) for m in (metrics.precision, metrics.uar, metrics.f1_of_means))
            statement = (
                f"{claim.corpus}: mean precision {precision:.4f} and mean recall {recall:.4f} of the matrix give F1 "
                f"{value:.4f}, printed {claim.printed}."
            )
            holds = bool(prints_as(np.array([value]), claim.printed).all())
            yield by_arithmetic("F1 of the confusion matrix", statement, holds, f"{claim.source}, {given['source']}")


def leads(facts: Mapping[str, Any], claims: Sequence[Claim]) -> Iterator[Finding]:
    """`leads`: approximate leads of the best own figure `over` a cited one in a metric, by corpus in points."""
    for given in facts.get("leads", ()):
        column = [f for f in figures(facts, claims) if f.metric == given["metric"]]
        terms, holds = [], True
        for corpus, printed in given["printed"].items():
            own = max(f.value for f in column if f.own and f.corpus == corpus)
            (other,) = (f.value for f in column if (f.name, f.corpus) == (given["over"], corpus))
            lead = 100 * (own - other)
            terms.append(f"{lead:.1f} on {corpus} (printed {printed})")
            holds &= near(lead, printed)
        statement = f"leads over {given['over']} in {given['metric'].upper()}, in points: {listed(terms)}."
        yield by_arithmetic("Leads in the text", statement, holds, str(given["source"]))
