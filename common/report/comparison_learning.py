"""Does it learn? A row per network on common ground, a summary, and whether all seeds give the same order."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from common.report import formatting
from common.report.comparison_tables import corpora, name, scored
from common.report.learning import (
    BRIEF_FROM,
    METRIC,
    answer,
    cells,
    corrected,
    guessed,
    learns,
    motion,
    significant,
    within_reach,
)
from common.report.records import Learning, NetworkResult, SideBySide
from common.scoring.statistics import kendall_w

STABLE = 0.6
"""The order of the networks counts as stable from this W."""


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


def sentences(side: SideBySide) -> list[str]:
    """Return how many networks are significant, which are not and why, and what controls and seeds show."""
    network_rows = rows(side)
    if not network_rows:
        return []
    titles = {name(c): _title(i, c) for i, c in enumerate(side.contenders, 1)}
    tested = [row for row in network_rows if row.adjusted is not None]
    which = [bool(significant(row.adjusted)) for row in tested]
    better = "better than guessing in UF1 (p below 0.05 after Holm's correction)"
    noun = "system" if any(c.linear for c in side.contenders) else "network"
    lines = [
        formatting.how_many(which, noun, f"scored significantly {better}", f"did not score significantly {better}")
        + "."
        if tested
        else "No score was tested against guessing."
    ]
    weak: dict[str, list[str]] = {}
    for row in tested:
        if not significant(row.adjusted):
            weak.setdefault(reason(row), []).append(titles[row.name])
    if weak:
        reasons = [
            f"{'; '.join(names) if len(names) < max(len(tested), 2) else f'all {len(names)}'} ({why})"
            for why, names in weak.items()
        ]
        lines.append(f"Not significant: {'; '.join(reasons)}.")
    about = [_controls(network_rows, titles), *guessed(network_rows, titles)]
    return [*lines, *about, *_order(side), *motion(side.motion)]


def _title(number: int, c: NetworkResult) -> str:
    return f"no. {number} {c.title}"


def reason(row: Learning) -> str:
    """Return why a network's score is no better than guessing, as far as it was measured."""
    can = learns(row.learnt)
    if row.one_answer:
        return row.one_answer
    if row.learnt is None or can is None:
        return "accuracy on training clips not measured"
    if can:
        return "learnt only the training clips"
    return "did not learn"


def _controls(network_rows: Sequence[Learning], titles: dict[str, str]) -> str:
    tried = [row for row in network_rows if row.control]
    if not tried:
        return "No control without motion has run (--controls): whether the scores depend on motion was not tested."
    still = [titles[row.name] for row in tried if significant(row.control_adjusted)]
    unsure = [titles[row.name] for row in tried if significant(row.adjusted) and within_reach(row)]
    which = [bool(significant(row.control_adjusted)) for row in tried]
    sentence = formatting.how_many(
        which,
        "control",
        "without motion scored better than guessing",
        "without motion did not score better than guessing",
    )
    sentence += f" ({'; '.join(still)})" if still else ""
    others = [title for title in unsure if title not in still]
    return sentence + (
        f"; the score of the control lies in the 95% interval of the score, or above it, for {'; '.join(others)}."
        if others
        else "."
    )


def _order(side: SideBySide) -> list[str]:
    """Whether all seeds rank the networks alike by UF1; networks without a score for every seed are left out."""
    seeds = len(side.seeds)
    values = [c.spread.get(METRIC, ()) for c in side.contenders]
    full = [value for value in values if len(value) == seeds]
    w = kendall_w(np.array(full).T) if seeds > 1 and len(full) > 1 else None
    if w is None:
        return []
    stable = "stable" if w >= STABLE else "not stable"
    left = "" if len(full) == len(values) else f" for the {len(full)} networks that have all of them"
    by_chance = formatting.number(1 / seeds, 2)
    return [
        f"The order of the networks is {stable} across {seeds} seeds (Kendall's W {formatting.number(w, 2)}{left}; "
        f"random orders have {by_chance} on average)."
    ]


def table(side: SideBySide) -> list[dict[str, object]]:
    """Return the rows as strings, with number, title and paper as in the other tables."""
    by_name = {row.name: row for row in rows(side)}
    shown = []
    for number, c in enumerate(side.contenders, 1):
        row = by_name.get(name(c))
        if row is not None:
            brief = len(by_name) >= BRIEF_FROM
            who = {"number": str(number), "title": c.title, "paper": c.paper}
            shown.append(cells(row) | who | {"answer": answer(row, brief=brief)})
    return shown
