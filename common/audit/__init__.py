"""Printed numbers checked against themselves and against the corpora, by computation.

Each finding is one sentence of arithmetic; nothing here is specific to a paper. A printed figure may be rounded or
truncated: both are tried, and the finding says if it is cut off. These are checks that any paper may need; those for a
single paper are in the `audit.py` of its folder.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from common.audit.annotations import FACTS as _ANNOTATIONS
from common.audit.annotations import against_documented, emotions, regrouped
from common.audit.basics import prints_as
from common.audit.cited import FACTS as _CITED
from common.audit.cited import cited_columns, cited_elsewhere, cited_rows, cited_shares
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
from common.audit.recalls import error_counts, recalls
from common.audit.statements import FACTS as _STATEMENTS
from common.audit.statements import repeated
from common.contract import Checks, Claim
from common.errors import listed
from common.scoring.claims import Keys, keys

__all__ = ["FACTS", "audit", "error_counts", "prints_as"]

FACTS: Keys = {
    **keys("printed", "published"),  # further numbers, false where none is published: no check
    **keys("quoted_by"),
    "causes": keys("what", "findings"),
    **_ANNOTATIONS,
    **_CITED,
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
    paper's own checks, whose findings come last. `quoted_by` names the papers in which all figures were read, and
    `causes` has what several contradictions have in common, with the beginnings of their statements.
    """
    claims = [claim for claim in claims if not claim.repeated]
    made = (
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
        *cited_columns(facts),
        *cited_shares(facts, documented),
        *cited_elsewhere(facts),
        *against_predictions(facts, documented, claims),
        *repeated(facts, claims),
        *above_cited(facts, claims),
        *order(facts, claims),
        *(own(facts, claims) if own else ()),
    )
    return tuple(_explained(facts, finding) if finding.kind == "contradicted" else finding for finding in made)


def _explained(facts: Mapping[str, Any], finding: Finding) -> Finding:
    """A contradiction with its known cause, and with the papers that quote the number if it was not read in its own."""
    known = (c["what"] for c in facts.get("causes", ()) if finding.statement.startswith(tuple(c["findings"])))
    statement = finding.statement
    if readers := facts.get("quoted_by"):
        statement = f"{statement.removesuffix('.')}; the figures were read in {listed(readers)}, which quote them."
    return replace(finding, statement=statement, cause=next(known, ""))
