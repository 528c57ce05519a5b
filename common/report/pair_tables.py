"""What the paired tests of a comparison can show and do show: two squares of cells and a sentence on each."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from common.report import formatting
from common.report.formatting import many
from common.report.records import SideBySide
from common.scoring.differences import ALPHA, DIFFER, EQUIVALENT, MARGIN, POWER
from common.scoring.statistics import least_swap_p

Cells = list[list[dict[str, Any]]]
SHORT = {EQUIVALENT: "equiv."}
"""Verdicts that are too long for a cell."""


def pairs(side: SideBySide, names: Sequence[str]) -> dict[str, Any]:
    """Return the squares of cells, (text, bold), in the order of `names`, with sentences on them.

    In `cells`, above the diagonal is the adjusted p, below it the difference of UF1: that of the column minus that of
    the row, whose contender ranks below it. In `power`, above the diagonal is the smallest detectable difference, below
    it the verdict. With too few subjects for any swap of their predictions to be significant, no pair differs. Raises
    ValueError if a test has another name.
    """
    place = {name: i for i, name in enumerate(names)}
    if strange := {n for test in side.tests for n in (test.first, test.second)} - set(place):
        raise ValueError(f"a test names no contender: {', '.join(sorted(strange))}")
    cells, power = _square(len(place)), _square(len(place))
    for test in side.tests:
        first, second = place[test.first], place[test.second]
        upper, lower = sorted((first, second))
        bold = test.adjusted < ALPHA
        gain = test.difference if first == upper else -test.difference
        cells[upper][lower] = {"text": formatting.probability(test.adjusted), "bold": bold}
        cells[lower][upper] = {"text": formatting.difference(gain), "bold": bold}
        power[upper][lower] = {"text": detectable(test.detectable_adjusted), "bold": False}
        power[lower][upper] = {
            "text": SHORT.get(test.verdict, test.verdict),
            "bold": test.verdict == EQUIVALENT,
        }
    return {
        "cells": cells,
        "power": power,
        "tests": len(side.tests),
        "reach": _reach(side),
        "found": _found(side),
        "verdicts": _verdicts(side),
        "margin": formatting.short(MARGIN),
        "on": _span(side),
        "too_few": _too_few(side),
    }


def detectable(value: float | None) -> str:
    """Return a detectable difference with three decimals; `none` if no difference is large enough."""
    return "none" if value is None else formatting.number(value, 3)


def _square(size: int) -> Cells:
    return [[{"text": formatting.DASH if i != j else "", "bold": False} for j in range(size)] for i in range(size)]


def _too_few(side: SideBySide) -> bool:
    """Whether swapping the predictions for whole subjects cannot give any pair an adjusted p below `ALPHA`."""
    least = min((least_swap_p(test.n_subjects) for test in side.tests), default=0.0)
    return least * len(side.tests) >= ALPHA


def _reach(side: SideBySide) -> str:
    """What the tests can find, in a sentence."""
    if not side.tests:
        return ""
    if _too_few(side):
        return (
            "There are too few subjects for this number of pairs: a test that swaps the predictions for whole subjects "
            "cannot find any difference in UF1, however large."
        )
    known = [test.detectable_adjusted for test in side.tests if test.detectable_adjusted is not None]
    wanted = f"found with a probability of {formatting.percent(POWER, 1)}"
    if not known:
        return f"How large a difference in UF1 has to be, to be {wanted}, is not known for any pair."
    least, most = (formatting.number(value, 3) for value in (min(known), max(known)))
    size = least if least == most else f"{least} to {most}, depending on the pair,"
    missing = len(side.tests) - len(known)
    rest = f" In {many(missing, 'pair')} no difference is large enough." if missing else ""
    return f"UF1 has to differ by {size} to be {wanted}.{rest}"


def _found(side: SideBySide) -> str:
    """The result of all tests of differences in a sentence."""
    if not side.tests:
        return "No pair has been tested."
    total = many(len(side.tests), "pair")
    adjusted = [test.adjusted for test in side.tests]
    clear = sum(p < ALPHA for p in adjusted)
    if not clear:
        least = formatting.probability(min(adjusted))
        return f"No pair of networks differs significantly: of {total}, the smallest adjusted p is {least}."
    differ = f"differ{'s' if clear == 1 else ''}"
    return f"{clear} of {total} {differ} significantly, at an adjusted p below {ALPHA}."


def _verdicts(side: SideBySide) -> str:
    """What is known of the pairs that do not differ significantly, in a sentence; empty if all do."""
    counts = Counter(test.verdict for test in side.tests)
    rest = counts.total() - counts[DIFFER]
    if not rest:
        return ""
    same, margin = counts[EQUIVALENT], formatting.short(MARGIN)
    shown = f"{same or 'none'} {'is' if same == 1 else 'are'} equivalent (UF1 differs by less than {margin})"
    open_ones = "; the others remain open" if rest > same else ""
    return f"Of {many(rest, 'pair')} without a significant difference, {shown}{open_ones}."


def _span(side: SideBySide) -> str:
    """How many clips and subjects the tests use."""
    clips, subjects = ([getattr(t, key) for t in side.tests] or [0] for key in ("n_clips", "n_subjects"))

    def span(values: Sequence[int]) -> str:
        return " to ".join(formatting.count(v) for v in dict.fromkeys((min(values), max(values))))

    plural = ["" if set(counts) == {1} else "s" for counts in (clips, subjects)]
    return f"{span(clips)} clip{plural[0]} of {span(subjects)} subject{plural[1]}"
