"""Compare what printed confusion matrices imply with everything else printed for the same clips."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from common.audit.basics import by_arithmetic, figure, of, plus, prints_as
from common.audit.finding import Finding
from common.audit.proportions import counts_printing_as, percent
from common.contract import Claim
from common.errors import listed
from common.scoring import metrics
from common.scoring.claims import Keys, keys

FACTS: Keys = {
    **keys("class_counts", "split_counts"),
    "confusions": keys("experiment", "variant", "corpus", "classes", "matrix", "percentages", "source"),
}
"""The facts that this check reads."""


def confusion_matrices(facts: Mapping[str, Any], claims: Sequence[Claim]) -> Iterator[Finding]:
    """`confusions` against the printed clips, accuracy, UAR, UF1 and recalls, and the recalls that they imply.

    Their rows are the printed validation clips, or all clips of a class where no split is printed. If a paper prints
    `percentages` of the clips of each class, `matrix` is the clips that they are checked to stand for.
    """
    for printed in facts.get("confusions", ()):
        matrix, classes, corpus = np.array(printed["matrix"]), list(printed["classes"]), printed["corpus"]
        rows = matrix.sum(axis=1).tolist()
        split, whole = facts.get("split_counts", {}).get(corpus), facts.get("class_counts", {}).get(corpus)
        if split or whole:
            known = [split[name][1] if split else whole[name] for name in classes]
            kind = "validation clips" if split else "printed clips"
            statement = f"{corpus}: the rows have {of(rows)} clips ({', '.join(classes)}); {kind}: {of(known)}."
            yield by_arithmetic("Confusion matrices", statement, rows == known, str(printed["source"]))
        yield from _percentages(printed, matrix)
        own = _beside(printed, claims)
        right, n = int(np.trace(matrix)), int(matrix.sum())
        if claim := own.get("accuracy"):
            hits = f"{plus(np.diagonal(matrix).tolist())} = {right}"
            statement = f"{corpus}: {hits} of {n} clips are correct; {figure(claim)} is printed."
            where = f"{printed['source']}, {claim.source}"
            yield by_arithmetic("Confusion matrices", statement, right in counts_printing_as(claim, n), where)
        yield from _unweighted(printed, matrix, own)
        shares = [
            f"{name} {matrix[i, i]}/{rows[i]} = {percent(matrix[i, i] / rows[i])}" for i, name in enumerate(classes)
        ]
        wrong = [c for i, name in enumerate(classes) if (c := own.get(f"recall_{name}")) and not _fits(matrix, i, c)]
        statement = (
            f"{corpus}: the implied recalls are {'; '.join(shares)}; UAR {percent(float(metrics.uar(matrix)))}, UF1 "
            f"{percent(float(metrics.uf1(matrix)))}, accuracy {right}/{n} = {percent(right / n)}, always predicting "
            f"the largest class {percent(max(rows) / n)}"
        )
        statement += f"; printed {listed([f'{c.metric} {figure(c)}' for c in wrong])}." if wrong else "."
        yield by_arithmetic("Confusion matrices", statement, not wrong, str(printed["source"]))


def _percentages(printed: Mapping[str, Any], matrix: NDArray[np.int64]) -> Iterator[Finding]:
    """The printed percentages of a matrix as whole clips of its rows."""
    if "percentages" not in printed:
        return
    shares = 100 * matrix / matrix.sum(axis=1, keepdims=True)
    pairs = zip(shares.ravel(), np.ravel(printed["percentages"]).tolist(), strict=True)
    wrong = [f"{text} ({value:.2f})" for value, text in pairs if not prints_as(np.array([value]), text).all()]
    statement = f"{printed['corpus']}: {matrix.size - len(wrong)} of {matrix.size} percentages are those of whole clips"
    statement += f"; not {listed(wrong)}." if wrong else "."
    yield by_arithmetic("Confusion matrices", statement, not wrong, str(printed["source"]))


def _beside(printed: Mapping[str, Any], claims: Sequence[Claim]) -> dict[str, Claim]:
    key = (printed["experiment"], printed["variant"], printed["corpus"])
    return {c.metric: c for c in claims if (c.experiment, c.variant, c.corpus) == key}


def _fits(matrix: NDArray[np.int64], index: int, claim: Claim) -> bool:
    return int(matrix[index, index]) in counts_printing_as(claim, int(matrix[index].sum()))


def _unweighted(printed: Mapping[str, Any], matrix: NDArray[np.int64], own: Mapping[str, Claim]) -> Iterator[Finding]:
    """UAR and UF1 of a printed matrix compared with the printed values; detects if the two are exchanged."""
    computed = {"uar": float(metrics.uar(matrix)), "uf1": float(metrics.uf1(matrix))}
    if not set(computed) <= set(own):
        return
    fits = {name: bool(prints_as(np.array([value]), own[name].printed).all()) for name, value in computed.items()}
    statement = (
        f"{printed['corpus']}: the matrix has UAR {computed['uar']:.5f} and UF1 {computed['uf1']:.5f}; the paper "
        f"prints UAR {own['uar'].printed} and UF1 {own['uf1'].printed}"
    )
    across = (("uar", "uf1"), ("uf1", "uar"))
    if not any(fits.values()) and all(prints_as(np.array([computed[a]]), own[b].printed).all() for a, b in across):
        statement += ", each in place of the other"
    precision = float(metrics.precision(matrix))
    if not fits["uar"] and prints_as(np.array([precision]), own["uar"].printed).all():
        statement += f"; what is printed as UAR is the mean of its precisions, {precision:.5f}"
    where = f"{printed['source']}, {own['uar'].source}"
    yield by_arithmetic("UAR and UF1 of the confusion matrices", statement + ".", all(fits.values()), where)
