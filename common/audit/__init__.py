"""Printed numbers checked against themselves and against the corpora, by computation.

Findings are sentences of arithmetic; nothing here is typed in per paper. A printed figure may be rounded or
truncated: both are tried, and the finding says which it takes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from common.audit.basics import prints_as
from common.audit.counts import against_documented, parameters, recordings, seeded_splits, split_counts, totals
from common.audit.folds import differences, fold_means, largest_class, regrouped
from common.audit.networks import networks
from common.audit.proportions import accuracies, confusion_matrices, means
from common.audit.recalls import confusions, error_counts, recalls
from common.types import Claim, Finding

__all__ = ["audit", "confusions", "error_counts", "prints_as"]


def audit(
    facts: Mapping[str, Any], claims: Sequence[Claim], documented: Mapping[str, Any], built: Mapping[str, int]
) -> tuple[Finding, ...]:
    """All checks that a paper's facts and claims allow.

    `facts` is the [facts] table of a claims file, with the place of each fact under `sources`; each check says which
    facts it reads. `documented` holds the corpora's own numbers by corpus (`class_counts` by the rule of the composite,
    `emotions` as annotated, by release, `clips`, `subjects`, `micro_expressions`), `built` the parameter counts of the
    models as built, empty where none was built.
    """
    return (
        *totals(facts),
        *split_counts(facts),
        *seeded_splits(facts),
        *against_documented(facts, documented),
        *recordings(facts),
        *networks(facts),
        *parameters(facts, built),
        *accuracies(facts, claims),
        *means(facts, claims),
        *fold_means(facts, claims),
        *largest_class(facts, claims),
        *regrouped(facts, claims, documented),
        *differences(facts),
        *confusion_matrices(facts, claims),
        *recalls(facts, claims),
    )
