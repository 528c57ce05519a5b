"""Common functions of all checks: how numbers may have been rounded, kinds of findings, and wording."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from common.audit.finding import Finding
from common.contract import Claim
from common.scoring.histories import BEST_EPOCH

CORPORA = ("casme2", "smic", "samm", "casme_sq", "casme_sq_recordings")
"""Corpora; any other key of the class counts is a composite of these."""
ABOUT = 0.1
"""The fraction by which a number may differ from one that the text calls approximate."""


def prints_as(values: NDArray[np.float64], printed: str) -> NDArray[np.bool_]:
    """Which values would be printed as these digits, whether rounded, cut off or rounded up."""
    return np.abs(values - float(printed)) < 10.0 ** -decimals(printed) - 1e-9


def printable(shares: NDArray[np.float64], figures: int) -> float:
    """The fraction of `figures` equally spaced figures above 0, and 0, that one of these values is printed as."""
    scaled = np.asarray(shares) * figures
    return len(np.unique([np.floor(scaled + 1e-7), np.ceil(scaled - 1e-7)])) / (figures + 1)


def not_rounded(values: float | NDArray[np.float64], printed: str) -> str:
    """A remark if none of the values that print as these digits is rounded to them, else an empty string."""
    gaps = (values := np.atleast_1d(values))[prints_as(values, printed)] - float(printed)
    if (np.abs(gaps) <= 10.0 ** -decimals(printed) / 2 + 1e-9).any():
        return ""
    if (gaps > 0).any() and (gaps < 0).any():
        return " (cut off or rounded up, not rounded)"
    return " (cut off, not rounded)" if (gaps > 0).any() else " (rounded up)"


def near(number: float, printed: str) -> bool:
    """Whether a number is within a tenth of one that the text calls approximate."""
    return abs(number - float(printed)) <= ABOUT * abs(float(printed)) + 1e-9


def decimals(printed: str) -> int:
    """How many decimals a printed figure has."""
    return len(printed.partition(".")[2])


def composites(facts: Mapping[str, Any]) -> list[str]:
    """The keys of the class counts that are not corpora."""
    return [name for name in facts.get("class_counts", {}) if name not in CORPORA]


def source(facts: Mapping[str, Any], topic: str) -> str:
    """The place of a fact in the paper."""
    return str(facts.get("sources", {}).get(topic, ""))


# ---------------------------------------------------------------- kinds of findings


def by_arithmetic(topic: str, statement: str, holds: bool, source: str) -> Finding:
    """The check of a number by arithmetic, which `holds` if any interpretation does."""
    return Finding(topic, statement, holds, source, "note" if holds else "contradicted")


def by_documents(topic: str, statement: str, holds: bool, source: str) -> Finding:
    """The comparison of a number with those that others published."""
    return Finding(topic, statement, holds, source, "documented")


def note(topic: str, statement: str, holds: bool, source: str) -> Finding:
    """A remark, or a check that relies on something the paper does not print: if it fails, that may be wrong."""
    return Finding(topic, statement, holds, source, "note")


# ---------------------------------------------------------------- printed figures


@dataclass(frozen=True)
class Figure:
    """One figure of a table: who reached it (an experiment, or a cited method), on what, and in which digits.

    `value` is a fraction, even if a percentage is printed.
    """

    name: str
    corpus: str
    metric: str
    text: str
    value: float
    source: str
    own: bool


def figures(facts: Mapping[str, Any], claims: Sequence[Claim]) -> list[Figure]:
    """The printed figures of the paper's own systems and, after them, of the rows that it cites (`cited`)."""
    printed_figures = [Figure(name(c), c.corpus, c.metric, figure(c), c.value, c.source, True) for c in claims]
    percent = {claim.metric for claim in claims if claim.unit == "%"}
    for cited in facts.get("cited", ()):
        for corpus, values in cited.values.items():
            for key, number in values.items():
                metric, value = (key[:-3], number / 100) if key.endswith(", %") else (key, number)
                text = f"{round(100 * value, 6):g}%" if metric in percent else f"{value:.4f}"
                printed_figures.append(Figure(cited.method, corpus, metric, text, value, cited.source, False))
    return printed_figures


def name(claim: Claim) -> str:
    """The experiment of a claim, or the kernel if an experiment has several."""
    return claim.metric.removeprefix(BEST_EPOCH) if claim.metric.startswith(BEST_EPOCH) else claim.experiment


def figure(claim: Claim) -> str:
    """The digits of a claim as printed, with their unit."""
    return f"{claim.printed}{claim.unit}"


# ---------------------------------------------------------------- wording


def many(things: Sequence[object], noun: str) -> str:
    """`1 combination`, `2 combinations`."""
    return f"{len(things):,} {noun}{'' if len(things) == 1 else 's'}"


def row(counts: Mapping[str, int]) -> str:
    """`negative 70, positive 51`."""
    return ", ".join(f"{name} {n}" for name, n in counts.items())


def of(numbers: Iterable[object]) -> str:
    """`70/51/43`."""
    return "/".join(map(str, numbers))


def plus(numbers: Iterable[object]) -> str:
    """`70 + 51 + 43`."""
    return " + ".join(map(str, numbers))
