"""Printed recalls and F1 scores as whole clips: which confusion matrices could have given these digits?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from common.audit.basics import CORPORA, many, of, prints_as
from common.metrics import uf1
from common.types import Claim, Finding

Counts = tuple[int, ...]


def error_counts(printed_uar: str, counts: Counts) -> list[Counts]:
    """Every number of wrong clips per class whose unweighted average recall prints as `printed_uar`."""
    grids = np.meshgrid(*(np.arange(n + 1) for n in counts), indexing="ij")
    uar = np.mean([1 - errors / n for errors, n in zip(grids, counts, strict=True)], axis=0)
    return [tuple(int(e) for e in row) for row in np.argwhere(prints_as(uar, printed_uar))]


def confusions(errors: Counts, counts: Counts) -> NDArray[np.int64]:
    """Every 3-class confusion matrix (many, 3, 3) with these wrong clips per class."""
    rows = [[(n - e, k, e - k) for k in range(e + 1)] for e, n in zip(errors, counts, strict=True)]
    (a, b, c) = (np.array(row) for row in rows)
    a, b, c = (x.reshape(shape) for x, shape in ((a, (-1, 1, 1, 3)), (b, (1, -1, 1, 3)), (c, (1, 1, -1, 3))))
    shape = (a.shape[0], b.shape[1], c.shape[2])
    first = np.broadcast_to(a, (*shape, 3))
    second = np.broadcast_to(b[..., [1, 0, 2]], (*shape, 3))
    third = np.broadcast_to(c[..., [1, 2, 0]], (*shape, 3))
    return np.stack([first, second, third], axis=-2).reshape(-1, 3, 3)


def recalls(facts: Mapping[str, Any], claims: Sequence[Claim]) -> Iterator[Finding]:
    """Printed UAR and UF1 as whole clips, experiment by experiment: per corpus, then together against the composite."""
    counts = {name: tuple(row.values()) for name, row in facts.get("class_counts", {}).items()}
    classes = tuple(next(iter(facts.get("class_counts", {"": {}}).values())))
    for experiment in dict.fromkeys(claim.experiment for claim in claims):
        printed = {(claim.metric, claim.corpus): claim for claim in claims if claim.experiment == experiment}
        parts: dict[str, list[Counts]] = {}
        for corpus, n in counts.items():
            if ("uar", corpus) in printed and ("uf1", corpus) in printed and corpus in CORPORA:
                parts[corpus], finding = _one(corpus, n, printed["uar", corpus], printed["uf1", corpus])
                yield finding
        whole = next((name for metric, name in printed if metric == "uar" and name not in parts), None)
        if whole is not None and parts:
            yield _together(whole, counts[whole], classes, parts, printed)


def _one(corpus: str, n: Counts, uar: Claim, f1: Claim) -> tuple[list[Counts], Finding]:
    """The wrong clips per class that give both figures of one corpus."""
    candidates = error_counts(uar.printed, n)
    found = [errors for errors in candidates if prints_as(uf1(confusions(errors, n)), f1.printed).any()]
    statement = (
        f"{uar.experiment}, {corpus}: UAR {uar.printed} of {of(n)} clips is reached by "
        f"{many(candidates, 'combination')} of wrong clips, {len(found)} of them with a confusion matrix whose UF1 is "
        f"{f1.printed}."
    )
    return found, Finding("UAR and UF1 as whole clips", statement, bool(found), uar.source)


def _together(
    whole: str,
    clips: Counts,
    classes: Sequence[str],
    parts: Mapping[str, list[Counts]],
    printed: Mapping[tuple[str, str], Claim],
) -> Finding:
    """Whether solutions of the corpora add up to the figures of their composite."""
    uar = printed["uar", whole]
    together = [
        (combination, tuple(map(sum, zip(*combination, strict=True)))) for combination in product(*parts.values())
    ]
    sums = np.array([total for _, total in together])
    shares = 1 - sums / np.array(clips)
    fits = prints_as(shares.mean(axis=1), uar.printed)
    statement = f"UAR {uar.printed} on {whole}"
    for index, name in enumerate(classes):
        if claim := printed.get((f"recall_{name}", whole)):
            fits &= prints_as(shares[:, index], claim.printed)
            statement += f" and {name} recall {claim.printed}"
    solutions = sorted({together[index] for index in np.flatnonzero(fits)})
    if f1_claim := printed.get(("uf1", whole)):
        solutions = [s for s in solutions if prints_as(uf1(confusions(s[1], clips)), f1_claim.printed).any()]
        statement += f" and UF1 {f1_claim.printed}"
    statement += f" agree with {len(solutions)} of {many(together, 'combination')} of the corpora's solutions"
    if len(solutions) == 1:
        combination, total = solutions[0]
        each = "; ".join(f"{corpus} {of(errors)}" for corpus, errors in zip(parts, combination, strict=True))
        right = sum(clips) - sum(total)
        statement += (
            f": wrong clips ({', '.join(classes)}) {each}; together {of(total)}, so {right} of {sum(clips)} "
            f"clips are right ({right / sum(clips):.4f})"
        )
    return Finding("Corpus columns against the composite", statement + ".", bool(solutions), uar.source)
