"""A row per network on common ground, from which its marks follow, and how far seeds agree on their order."""

from __future__ import annotations

import numpy as np

from common.report.comparison_tables import corpora, name, scored
from common.report.formatting import number, probability
from common.report.learning import METRIC, corrected
from common.report.records import Learning, SideBySide
from common.scoring.statistics import kendall_w

NOTHING = Learning("", True, None, None, None)
"""The row of a network that did not run."""


def rows(side: SideBySide) -> tuple[Learning, ...]:
    """Return one row for each contender that ran, in their order, on the composite."""
    composite = next(iter(corpora(side)), "")
    return corrected(
        [
            Learning(
                name=name(c),
                leak_free=c.leak_free,
                learnt=c.learnt,
                score=scored(c, composite, METRIC),
                control=c.control.get(composite, {}).get(METRIC),
                metadata=c.metadata.get(composite, {}).get(METRIC),
            )
            for c in side.contenders
            if c.scores
        ]
    )


def agreement(side: SideBySide) -> float | None:
    """Return Kendall's W of the order of the networks by UF1 over all seeds; None for one seed or fewer than two."""
    values = [c.spread.get(METRIC, ()) for c in side.contenders]
    full = [value for value in values if len(value) == len(side.seeds) > 1]
    return kendall_w(np.array(full).T) if len(full) > 1 else None


def table(side: SideBySide) -> list[list[str]]:
    """Return for each contender training accuracy, p, UF1 of both controls with their p, as strings."""
    by_name = {row.name: row for row in rows(side)}
    shown = []
    for row in (by_name.get(name(c), NOTHING) for c in side.contenders):
        tested = (row.control, row.control_adjusted), (row.metadata, row.metadata_adjusted)
        controls = [text for score, p in tested for text in (number(score.value if score else None, 3), probability(p))]
        training = number(row.learnt.accuracy if row.learnt else None, 3)
        shown.append([training, probability(row.adjusted), *controls])
    return shown
