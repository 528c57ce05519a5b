"""Does it learn? The networks on common ground: a row each, a summary, and whether seeds put them in one order."""

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
    counted,
    learns,
    measured,
    motion,
    significant,
    within_reach,
)
from common.report.records import Learning, NetworkResult, SideBySide
from common.scoring.statistics import kendall_w

STABLE = 0.6
"""From this W on the order of the networks counts as stable."""


def rows(side: SideBySide) -> tuple[Learning, ...]:
    """One row for each contender that ran, in their order, on the composite."""
    composite = next(iter(corpora(side)), "")
    return corrected(
        [
            Learning(
                name=name(c),
                leak_free=c.leak_free,
                learnt=c.learnt,
                score=scored(c, composite, METRIC),
                control=c.control.get(composite, {}).get(METRIC),
            )
            for c in side.contenders
            if c.scores
        ]
    )


def sentences(side: SideBySide) -> list[str]:
    """How many networks are significant, which are not and why, what controls and seeds say."""
    network_rows = rows(side)
    if not network_rows:
        return []
    titles = {name(c): _title(i, c) for i, c in enumerate(side.contenders, 1)}
    tested = [row for row in network_rows if row.adjusted is not None]
    which = [bool(significant(row.adjusted)) for row in tested]
    more = "more UF1 than guessing within subjects (p below 0.05 by Holm's correction over them)"
    lines = [
        counted(which, "network", f"scored significantly {more}", f"scored not significantly {more}") + "."
        if tested
        else "No network's score was tested against guessing."
    ]
    if weak := [f"{titles[row.name]}: {reason(row)}" for row in tested if not significant(row.adjusted)]:
        lines.append(f"Not significant: {'; '.join(weak)}.")
    return [*lines, _controls(network_rows, titles), *_order(side), *motion(side.motion)]


def _title(number: int, c: NetworkResult) -> str:
    return f"no. {number}, {c.title}"


def reason(row: Learning) -> str:
    """Why a network's score is no more than guessing, as far as it was measured."""
    can = learns(row.learnt)
    if row.learnt is None or can is None:
        return "its training clips were not measured"
    if can:
        return f"learnt its training clips (accuracy {formatting.number(row.learnt.accuracy, 2)}), not unseen subjects"
    return f"did not learn, {', '.join(measured(row.learnt))}"


def _controls(network_rows: Sequence[Learning], titles: dict[str, str]) -> str:
    tried = [row for row in network_rows if row.control]
    if not tried:
        return "No control without motion has run (--controls): what the scores rest on was not tested."
    still = [titles[row.name] for row in tried if significant(row.control_adjusted)]
    unsure = [titles[row.name] for row in tried if significant(row.adjusted) and within_reach(row)]
    which = [bool(significant(row.control_adjusted)) for row in tried]
    sentence = counted(which, "control", "without motion beat guessing", "without motion did not beat guessing")
    sentence += f" ({'; '.join(still)})" if still else ""
    others = [title for title in unsure if title not in still]
    return sentence + (
        f"; the 95% interval of the score still holds that of the control in {'; '.join(others)}." if others else "."
    )


def _order(side: SideBySide) -> list[str]:
    """Whether seeds rank the networks alike by UF1: of those that have a score of every seed."""
    seeds = len(side.seeds)
    values = [c.spread.get(METRIC, ()) for c in side.contenders]
    full = [value for value in values if len(value) == seeds]
    w = kendall_w(np.array(full).T) if seeds > 1 and len(full) > 1 else None
    if w is None:
        return []
    stable = "stable" if w >= STABLE else "not stable"
    left = "" if len(full) == len(values) else f", of the {len(full)} that have all of them"
    by_chance = formatting.number(1 / seeds, 2)
    return [
        f"The order of the networks is {stable} over {seeds} seeds (Kendall's W {formatting.number(w, 2)}{left}; "
        f"orders drawn at random have {by_chance} on average)."
    ]


def table(side: SideBySide) -> list[dict[str, object]]:
    """The rows as strings, with number, title and paper as in the other tables."""
    by_name = {row.name: row for row in rows(side)}
    shown = []
    for number, c in enumerate(side.contenders, 1):
        row = by_name.get(name(c))
        if row is not None:
            brief = len(by_name) >= BRIEF_FROM
            who = {"number": str(number), "title": c.title, "paper": c.paper}
            shown.append(cells(row) | who | {"answer": answer(row, brief=brief)})
    return shown
