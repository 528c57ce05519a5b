"""What every check needs: how a number may have come to its printed digits, and how findings put things."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

CORPORA = ("casme2", "smic", "samm", "casme_sq", "casme_sq_recordings")
"""Corpora; any other key of the class counts is a composite of those beside it."""


def prints_as(values: NDArray[np.float64], printed: str) -> NDArray[np.bool_]:
    """Which values would be printed as these digits, rounded or truncated."""
    unit = 10.0 ** -decimals(printed)
    target, slack = float(printed), 1e-9
    rounded = np.abs(values - target) <= unit / 2 + slack
    truncated = (values >= target - slack) & (values < target + unit - slack)
    return rounded | truncated


def decimals(printed: str) -> int:
    """How many decimals a printed figure has."""
    return len(printed.partition(".")[2])


def composites(facts: Mapping[str, Any]) -> list[str]:
    """The keys of the class counts that are no corpus."""
    return [name for name in facts.get("class_counts", {}) if name not in CORPORA]


def source(facts: Mapping[str, Any], topic: str) -> str:
    """The place of a fact in the paper."""
    return str(facts.get("sources", {}).get(topic, ""))


def many(things: Sequence[object], noun: str) -> str:
    """`1 combination`, `2 combinations`."""
    return f"{len(things):,} {noun}{'' if len(things) == 1 else 's'}"


def row(counts: Mapping[str, int]) -> str:
    """`negative 70, positive 51`."""
    return ", ".join(f"{name} {n}" for name, n in counts.items())


def of(numbers: Iterable[object]) -> str:
    """`70/51/43`."""
    return "/".join(map(str, numbers))


def plus(numbers: Iterable[int]) -> str:
    """`70 + 51 + 43`."""
    return " + ".join(map(str, numbers))


def listed(names: Sequence[str], last: str = "and") -> str:
    """`a`, `a and b`, `a, b and c`."""
    return f" {last} ".join(filter(None, (", ".join(names[:-1]), names[-1]))) if names else ""
