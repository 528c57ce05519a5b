"""Printed recalls and F1 scores as whole clips: which confusion matrices can give these digits?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from common.audit.basics import (
    CORPORA,
    by_arithmetic,
    composites,
    figure,
    many,
    not_rounded,
    note,
    of,
    prints_as,
    source,
)
from common.audit.finding import Finding
from common.audit.proportions import counts_printing_as, percent
from common.contract import Claim
from common.errors import listed
from common.scoring.claims import Keys, keys

FACTS: Keys = keys("class_counts", "highest_recall")
"""The facts that these checks read."""
Counts = tuple[int, ...]


def error_counts(printed_uar: str, counts: Counts) -> list[Counts]:
    """Every number of wrong clips per class whose unweighted average recall prints as `printed_uar`."""
    grids = np.meshgrid(*(np.arange(n + 1) for n in counts), indexing="ij")
    uar = np.mean([1 - errors / n for errors, n in zip(grids, counts, strict=True)], axis=0)
    return [tuple(int(e) for e in row) for row in np.argwhere(prints_as(uar, printed_uar))]


def uf1_values(errors: Counts, counts: Counts) -> NDArray[np.float64]:
    """The UF1 of every 3-class confusion matrix with these wrong clips per class; equal values may repeat.

    With given wrong clips, UF1 depends only on the false positives. All wrong clips are false positives of a class
    other than their own, and every division that respects this belongs to some matrix.
    """
    total = sum(errors)
    first, second = np.indices((total - errors[0] + 1, total - errors[1] + 1))
    third = total - first - second
    possible = (third >= 0) & (third <= total - errors[2])
    false = [positives[possible] for positives in (first, second, third)]
    f1 = [2 * (n - e) / (2 * n - e + fp) for n, e, fp in zip(counts, errors, false, strict=True)]
    return np.asarray(np.mean(f1, axis=0))


@cache  # every report of a paper needs the same values
def reaches_uf1(errors: Counts, counts: Counts, printed: str) -> bool:
    """Whether some confusion matrix with these wrong clips per class has a UF1 that prints as `printed`."""
    return bool(prints_as(uf1_values(errors, counts), printed).any())


def with_uf1(candidates: Sequence[Counts], counts: Counts, printed: str) -> list[Counts]:
    """The candidates (wrong clips per class) for which some confusion matrix has this UF1."""
    return [errors for errors in candidates if reaches_uf1(errors, counts, printed)]


def recalls(facts: Mapping[str, Any], claims: Sequence[Claim]) -> Iterator[Finding]:
    """Printed UAR and UF1 as whole clips, experiment by experiment: per corpus, then together against the composite.

    A composite is tried by itself if it has no columns for its corpora, or one that fits no confusion matrix.
    """
    counts = {name: tuple(row.values()) for name, row in facts.get("class_counts", {}).items()}
    classes = tuple(next(iter(facts.get("class_counts", {"": {}}).values())))
    yield from _class_recalls(facts, claims)
    for experiment in dict.fromkeys(claim.experiment for claim in claims):
        printed = {(claim.metric, claim.corpus): claim for claim in claims if claim.experiment == experiment}
        parts: dict[str, list[Counts]] = {}
        for corpus, n in counts.items():
            if ("uar", corpus) in printed and ("uf1", corpus) in printed and corpus in CORPORA:
                parts[corpus], finding = _one(corpus, n, printed["uar", corpus], printed["uf1", corpus])
                yield finding
        whole = next((name for metric, name in printed if metric == "uar" and name in composites(facts)), None)
        if whole is not None and parts and all(parts.values()):
            yield from _together(facts, whole, counts[whole], classes, parts, printed)
        elif whole is not None and ("uf1", whole) in printed:
            yield _one(whole, counts[whole], printed["uar", whole], printed["uf1", whole])[1]


def _class_recalls(facts: Mapping[str, Any], claims: Sequence[Claim]) -> Iterator[Finding]:
    """A printed recall of a class as k of its clips."""
    for claim in claims:
        label = claim.metric.removeprefix("recall_")
        n = facts.get("class_counts", {}).get(claim.corpus, {}).get(label)
        if claim.metric.startswith("recall_") and n:
            fits = counts_printing_as(claim, n)
            statement = f"{claim.corpus}: {label} recall {figure(claim)} is "
            statement += listed([f"{k}/{n}" for k in fits], "or") if fits else f"not k/{n}"
            yield by_arithmetic("Recalls as whole clips", f"{statement}.", bool(fits), claim.source)


def _one(corpus: str, n: Counts, uar: Claim, f1: Claim) -> tuple[list[Counts], Finding]:
    """The wrong clips per class that give both figures of one corpus."""
    candidates = error_counts(uar.printed, n)
    fitting = with_uf1(candidates, n, f1.printed)
    statement = (
        f"{uar.experiment}, {corpus}: UAR {uar.printed} on {of(n)} clips fits {many(candidates, 'combination')} of "
        f"wrong clips, of which {len(fitting):,} {'has' if len(fitting) == 1 else 'have'} a confusion matrix with UF1 "
        f"{f1.printed}"
    )
    if len(fitting) == 1:
        value = sum(1 - e / clips for e, clips in zip(fitting[0], n, strict=True)) / len(n)
        statement += f": {of(fitting[0])}, whose UAR is {value:.5f}{not_rounded(value, uar.printed)}"
    return fitting, by_arithmetic("UAR and UF1 as whole clips", f"{statement}.", bool(fitting), uar.source)


def _together(
    facts: Mapping[str, Any],
    whole: str,
    clips: Counts,
    classes: Sequence[str],
    parts: Mapping[str, list[Counts]],
    printed: Mapping[tuple[str, str], Claim],
) -> Iterator[Finding]:
    """Whether solutions of the corpora add up to the figures of their composite; they may be from different runs."""
    uar = printed["uar", whole]
    together = [
        (combination, tuple(map(sum, zip(*combination, strict=True)))) for combination in product(*parts.values())
    ]
    sums = np.array([total for _, total in together]).reshape(-1, len(clips))
    shares = 1 - sums / np.array(clips)
    fits = prints_as(shares.mean(axis=1), uar.printed)
    statement = f"UAR {uar.printed} on {whole}"
    for index, name in enumerate(classes):
        if claim := printed.get((f"recall_{name}", whole)):
            fits &= prints_as(shares[:, index], claim.printed)
            statement += f" and {name} recall {claim.printed}"
    solutions = sorted({together[index] for index in np.flatnonzero(fits)})
    if f1_claim := printed.get(("uf1", whole)):
        solutions = [s for s in solutions if reaches_uf1(s[1], clips, f1_claim.printed)]
        statement += f" and UF1 {f1_claim.printed}"
    statement += f" agree with {len(solutions)} of {many(together, 'combination')} of the corpora's solutions"
    if len(solutions) == 1:
        combination, total = solutions[0]
        corpus_errors = "; ".join(f"{corpus} {of(errors)}" for corpus, errors in zip(parts, combination, strict=True))
        right = sum(clips) - sum(total)
        statement += (
            f": wrong clips ({', '.join(classes)}) {corpus_errors}; together {of(total)}, so {right} of {sum(clips)} "
            f"clips are correct ({right / sum(clips):.4f})"
        )
    yield note("Corpus columns against the composite", f"{statement}.", bool(solutions), uar.source)
    if len(solutions) == 1:
        yield from _implied(facts, dict(zip(classes, zip(clips, solutions[0][1], strict=True), strict=True)), printed)


def _implied(
    facts: Mapping[str, Any], solution: Mapping[str, tuple[int, int]], printed: Mapping[tuple[str, str], Claim]
) -> Iterator[Finding]:
    """What the only solution (class to clips and wrong clips) implies for the accuracy and `highest_recall`."""
    n = sum(clips for clips, _ in solution.values())
    right = n - sum(wrong for _, wrong in solution.values())
    claim = next((c for (metric, _), c in printed.items() if metric == "accuracy" and c.n_clips == n), None)
    if claim:
        statement = f"accuracy {figure(claim)}: {right}/{n} clips of the only solution are {percent(right / n)}"
        statement += f"{not_rounded(right / n * (100 if claim.unit == '%' else 1), claim.printed)}."
        holds = right in counts_printing_as(claim, n)
        yield note("Accuracy behind the columns", statement, holds, claim.source)
    if (name := facts.get("highest_recall")) is not None:
        shares = {label: 1 - wrong / clips for label, (clips, wrong) in solution.items()}
        terms = [f"{label} {clips - wrong}/{clips} = {shares[label]:.3f}" for label, (clips, wrong) in solution.items()]
        statement = f"recalls of the only solution are {listed(terms)}; {name} is printed as the highest."
        holds = max(shares, key=shares.__getitem__) == name
        yield note("Highest recall", statement, holds, source(facts, "highest_recall"))
