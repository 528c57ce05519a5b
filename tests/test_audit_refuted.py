"""Whoever says that a printed number is contradicted has tried to refute it: each such finding, by brute force.

Nothing of the audit is used, nor of the facts that it reads: fractions, and numbers typed here from the papers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from fractions import Fraction
from itertools import product
from math import ceil, floor

import pytest

import papers
from common.audit import audit
from common.audit.documented import documented
from common.audit.finding import Finding

KEYS = ("aouayeb2019", "kumar2019", "le2020", "reddy2019", "see2019", "talluri2022")
Readings = list[str]
Matrix = tuple[tuple[int, int, int], ...]


def conventions(value: Fraction, printed: str) -> Readings:
    """How `value`, in the unit of the figure, comes to these digits."""
    scaled, target = value * 10 ** len(printed.partition(".")[2]), int(printed.replace(".", ""))
    ways = {
        "rounded": floor(scaled + Fraction(1, 2)),
        "rounded half to even": round(scaled),
        "cut off": floor(scaled),
        "rounded up": ceil(scaled),
    }
    return [way for way, digits in ways.items() if digits == target]


# ---------------------------------------------------------------- shares of clips

CASME_SQ = {"validation": 41, "training": 165, "all": 206}  # Table IV of reddy2019
SMIC = {"validation": 32, "training": 124, "all": 156}


def as_share(printed: str, sets: dict[str, int]) -> Readings:
    """All k of n for every set of clips, and means of ten epochs on the validation clips."""
    readings = [
        f"{k}/{n} ({what}), {way}"
        for what, n in sets.items()
        for k in range(n + 1)
        for way in conventions(Fraction(100 * k, n), printed)
    ]
    return readings + as_mean_of_epochs(printed, {"validation": sets["validation"]})


def as_mean_of_epochs(printed: str, sets: dict[str, int]) -> Readings:
    """All means of ten k/n, and on the validation clips of ten percentages that were rounded to 2 decimals before."""
    readings = [
        f"{k}/{10 * n} ({what}), {way}"
        for what, n in sets.items()
        for k in range(10 * n + 1)
        for way in conventions(Fraction(10 * k, n), printed)
    ]
    epoch = {floor(Fraction(10_000 * k, sets["validation"]) + Fraction(1, 2)) for k in range(sets["validation"] + 1)}
    sums = 1  # bit i: ten percentages in hundredths add up to i
    for _ in range(10):
        sums = _or(sums << percentage for percentage in epoch)
    reached = (i for i in range(sums.bit_length()) if sums >> i & 1)
    return readings + [
        f"{i}/1000 of rounded ones, {way}" for i in reached for way in conventions(Fraction(i, 1000), printed)
    ]


def _or(numbers: Iterable[int]) -> int:
    total = 0
    for number in numbers:
        total |= number
    return total


# ---------------------------------------------------------------- confusion matrices


def as_scores(matrix: Matrix, uar: str, uf1: str) -> Readings:
    """Rows as truth or as answers; UF1 as the mean of the F1 of classes or as the F1 of mean precision and recall."""
    readings = []
    for rows, m in (("truth", matrix), ("answers", tuple(zip(*matrix, strict=True)))):
        hits = [m[i][i] for i in range(3)]
        recall = sum((Fraction(h, sum(row)) for h, row in zip(hits, m, strict=True)), Fraction()) / 3
        columns = [sum(row[i] for row in m) for i in range(3)]
        precision = sum((Fraction(h, n) for h, n in zip(hits, columns, strict=True)), Fraction()) / 3
        f1 = sum((Fraction(2 * h, sum(row) + n) for h, row, n in zip(hits, m, columns, strict=True)), Fraction()) / 3
        for how, value in (("mean F1", f1), ("F1 of means", 2 * precision * recall / (precision + recall))):
            if conventions(recall, uar) and conventions(value, uf1):
                readings.append(f"rows are {rows}, {how}")
    return readings


# ---------------------------------------------------------------- layers

POOLED, FLAT = (32, 10, 10, 27), 86_400  # as Tables II and III of reddy2019 print both streams


def as_layers(dropout: tuple[int, ...], joined: int, joins: dict[str, int]) -> Readings:
    """Ways to join two streams under which every printed row follows from the one above; dropout keeps shapes."""
    size = dropout[0] * dropout[1] * dropout[2] * dropout[3]
    return [way for way, n in joins.items() if dropout == POOLED and size == FLAT and n == joined]


FLATTENED = {"one after the other": FLAT + FLAT, "element by element": FLAT}


def as_pair(uar: str, uf1: str, clips: tuple[int, ...]) -> Readings:
    """All correct clips per class with this UAR for which UF1 is within its bounds, whatever the wrong clips became.

    A class has no false positives at best, and all wrong clips of the other classes at worst.
    """
    readings = []
    for right in product(*(range(n + 1) for n in clips)):
        pairs = list(zip(right, clips, strict=True))
        if conventions(sum((Fraction(k, n) for k, n in pairs), Fraction()) / len(clips), uar):
            wrong = sum(clips) - sum(right)
            worst = [Fraction(2 * k, n + k + wrong - (n - k)) for k, n in pairs]
            best = [Fraction(2 * k, n + k) for k, n in pairs]
            low, high = (float(sum(part)) / len(clips) for part in (worst, best))
            if low <= float(uf1) + 1e-4 and high >= float(uf1) - 1e-4:
                readings.append(f"{right}: UF1 {low:.4f} to {high:.4f}")
    return readings


# ---------------------------------------------------------------- the findings

SMIC_MATRIX: Matrix = ((65, 2, 3), (11, 37, 3), (17, 1, 25))  # Table 4 of kumar2019

ATTEMPTS: dict[tuple[str, str], Callable[[], Readings]] = {
    ("reddy2019", "intermediate-casme_sq on casme_sq_recordings: 83.25%"): lambda: as_share("83.25", CASME_SQ),
    ("reddy2019", "late-casme_sq on casme_sq_recordings: 79.31%"): lambda: as_share("79.31", CASME_SQ),
    ("reddy2019", "intermediate-smic on smic: 54.77%"): lambda: as_share("54.77", SMIC),
    ("reddy2019", "late-smic on smic: 64.82%"): lambda: as_share("64.82", SMIC),
    ("reddy2019", "kernel 5x5x3 on casme_sq_recordings: 63.30%"): lambda: as_share("63.30", CASME_SQ),
    ("reddy2019", "intermediate-casme_sq on casme_sq_recordings: as a mean"): lambda: as_mean_of_epochs(
        "78.57", CASME_SQ
    ),
    ("reddy2019", "late-smic on smic: as a mean"): lambda: as_mean_of_epochs("59.95", SMIC),
    ("reddy2019", "MicroExpFuseNet, intermediate fusion:"): lambda: as_layers((32, 20, 20, 27), 86_400, FLATTENED),
    ("kumar2019", "smic: the matrix has UAR"): lambda: as_scores(SMIC_MATRIX, "0.7621", "0.7451"),
    ("see2019", "composite-loso, smic: UAR 0.5280"): lambda: as_pair("0.5280", "0.2000", (70, 51, 43)),
}
"""What refutes a finding, by paper and the beginning of its statement."""


def contradicted(key: str) -> list[Finding]:
    paper = papers.load(key)
    made = audit(paper.facts, paper.claims, documented(), {}, paper.checks)
    return [finding for finding in made if finding.kind == "contradicted"]


@pytest.mark.parametrize("key", KEYS)
def test_every_contradiction_has_been_tried_and_stands(key: str) -> None:
    tried = {begins: attempt for (paper, begins), attempt in ATTEMPTS.items() if paper == key}
    for finding in contradicted(key):
        attempts = [begins for begins in tried if finding.statement.startswith(begins)]
        assert len(attempts) == 1, f"nobody has tried to refute: {finding.statement}"
        assert tried.pop(attempts[0])() == []
    assert not tried, "a finding that is no more"


@pytest.mark.parametrize(
    "readings",
    [
        as_share("87.80", CASME_SQ),
        as_share("68.75", SMIC),
        as_mean_of_epochs("82.20", CASME_SQ),
        as_mean_of_epochs("73.20", CASME_SQ),
        as_mean_of_epochs("51.20", SMIC),
        as_scores(((84, 2, 2), (10, 20, 2), (4, 0, 21)), "0.8065", "0.8280"),
        as_layers(POOLED, 172_800, FLATTENED),
        as_pair("0.7429", "0.7026", (88, 32, 25)),
        as_pair("0.4102", "0.3954", (92, 26, 15)),
    ],
)
def test_the_same_attempts_succeed_where_a_number_has_a_reading(readings: Readings) -> None:
    assert readings
