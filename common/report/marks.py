"""Letters for rules and numbers for notes, so that a report prints each text once."""

from __future__ import annotations

from collections.abc import Iterable

from common.report.formatting import DASH, selection_name
from common.scoring.records import Comparison


class Marks:
    """Texts numbered in the order of their first use."""

    def __init__(self) -> None:
        self.texts: list[str] = []

    def of(self, texts: Iterable[str]) -> list[int]:
        """Return the numbers of these texts, from 1, in ascending order; new texts get new numbers."""
        places = set()
        for text in texts:
            if text not in self.texts:
                self.texts.append(text)
            places.add(self.texts.index(text) + 1)
        return sorted(places)


def rule_letter(c: Comparison, rules: Marks) -> str:
    """Return the letter of a comparison's protocol and selection rule: A to Z, then A2 to Z2 and so on."""
    (place,) = rules.of([f"{c.protocol or DASH}; {selection_name(c.selection) or DASH}"])
    return _letter(place)


def rule_lines(rules: Marks) -> list[str]:
    """Return each rule with its letter."""
    return [f"{_letter(place)}: {text}" for place, text in enumerate(rules.texts, 1)]


def _letter(place: int) -> str:
    turn, letter = divmod(place - 1, 26)
    return chr(ord("A") + letter) + (str(turn + 1) if turn else "")
