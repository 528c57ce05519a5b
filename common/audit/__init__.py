"""Printed numbers checked against themselves and against the corpora, by computation.

Each finding is one sentence of arithmetic; nothing here is specific to a paper. A printed figure may be rounded or
truncated: both are tried, and the finding says if it is cut off. These are checks that any paper may need; those for a
single paper are in the `audit.py` of its folder.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from common.audit.annotations import FACTS as _ANNOTATIONS
from common.audit.annotations import against_documented, emotions, regrouped
from common.audit.basics import prints_as
from common.audit.counts import FACTS as _COUNTS
from common.audit.counts import sums, totals
from common.audit.finding import Finding
from common.audit.folds import FACTS as _FOLDS
from common.audit.folds import fold_means, largest_class
from common.audit.matrices import FACTS as _MATRICES
from common.audit.matrices import confusion_matrices
from common.audit.networks import FACTS as _NETWORKS
from common.audit.networks import networks, parameters
from common.audit.predictions import FACTS as _PREDICTIONS
from common.audit.predictions import against_predictions
from common.audit.proportions import FACTS as _PROPORTIONS
from common.audit.proportions import accuracies, below_best, means
from common.audit.ranks import FACTS as _RANKS
from common.audit.ranks import above_cited, order
from common.audit.recalls import FACTS as _RECALLS
from common.audit.recalls import cited_rows, error_counts, recalls
from common.audit.statements import FACTS as _STATEMENTS
from common.audit.statements import repeated
from common.contract import Checks, Claim
from common.scoring.claims import Keys, keys

__all__ = ["FACTS", "audit", "error_counts", "prints_as"]

FACTS: Keys = {
    **keys("printed", "published", "quoted_by"),  # further numbers, false where none is published, a source: no check
    **_ANNOTATIONS,
    **_COUNTS,
    **_FOLDS,
    **_MATRICES,
    **_NETWORKS,
    **_PREDICTIONS,
    **_PROPORTIONS,
    **_RANKS,
    **_RECALLS,
    **_STATEMENTS,
}
"""The facts that the checks of all papers read; a paper's own audit.py declares more of them as its FACTS."""


def audit(
    facts: Mapping[str, Any],
    claims: Sequence[Claim],
    documented: Mapping[str, Any],
    built: Mapping[str, int],
    own: Checks | None = None,
) -> tuple[Finding, ...]:
    """Run all checks that a paper's facts and claims allow.

    `facts` is the [facts] table of a claims file, with the place of each fact under `sources` and the rows that the
    paper cites under `cited`; each check documents which facts it reads. `documented` has the corpora's own numbers by
    corpus (`class_counts` and `composite_subjects` by the rule of the composite, `emotions` as annotated, by release,
    `clips`, `subjects`, `micro_expressions`, `frame_rates`), and under `predictions` the figures of methods whose
    predictions are public. `built` has the parameter counts of the models as built, empty if none was built, `own` the
    paper's own checks, whose findings come last.
    """
    return (
        *totals(facts),
        *sums(facts),
        *against_documented(facts, documented),
        *emotions(facts, documented),
        *regrouped(facts, documented),
        *networks(facts),
        *parameters(facts, built),
        *accuracies(facts, claims),
        *means(facts, claims),
        *below_best(claims),
        *fold_means(facts, claims),
        *largest_class(facts, claims, documented),
        *confusion_matrices(facts, claims),
        *recalls(facts, claims),
        *cited_rows(facts),
        *against_predictions(facts, documented, claims),
        *repeated(facts, claims),
        *above_cited(facts, claims),
        *order(facts, claims),
        *(own(facts, claims) if own else ()),
    )
