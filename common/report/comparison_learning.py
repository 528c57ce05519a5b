"""Does it learn? A row per network on common ground, the three marks that follow from it, and one sentence."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from common.report.comparison_tables import corpora, name, scored
from common.report.formatting import DASH, many, number, probability
from common.report.learning import METRIC, corrected, learns, significant
from common.report.records import Learning, SideBySide
from common.scoring.statistics import kendall_w

MARKS = {True: "\u2713", False: "\u2717", None: DASH}
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


def marks(row: Learning) -> tuple[bool | None, bool | None, bool | None]:
    """Return whether a network learns its training clips, beats guessing, and does so only with motion.

    The third is about networks that beat guessing: whether the control without motion does not. None: not measured.
    """
    beats, still = significant(row.adjusted), significant(row.control_adjusted)
    return learns(row.learnt), beats, not still if beats and still is not None else None


def sentence(network_rows: Sequence[Learning]) -> str:
    """Return how many networks have each mark."""
    if not network_rows:
        return "No network has been run on common ground."
    learning, beating, moving = (sum(map(bool, column)) for column in zip(*map(marks, network_rows), strict=True))
    tried = sum(marks(row)[2] is not None for row in network_rows)
    still = f", and {tried - moving} of them did so without motion too" if tried else ""
    return (
        f"Of {many(len(network_rows), 'system')}, {learning} learnt the training clips and {beating} scored better "
        f"than guessing on unseen subjects (p below 0.05 after Holm's correction); {tried} of these were tested "
        f"without motion (--controls){still}."
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
