"""Printed percentages as whole clips: the GRIM test (Brown and Heathers 2017), of single figures and of means.

A share of n clips is k/n, a mean over ten epochs of them K/(10 n). `denominators` (corpus to a list of clips, what they
are, source) says which n are tried: the paper's own first, then others that are documented somewhere. A large n fits
many figures by chance, so that a fit says how many.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any

import numpy as np
from numpy.typing import NDArray

from common import metrics
from common.audit.basics import decimals, listed, of, plus, prints_as
from common.histories import BEST_EPOCH, LAST, LAST_DEVIATION, LAST_MEAN, is_accuracy
from common.types import Claim, Finding


def counts_printing_as(claim: Claim, n: int) -> list[int]:
    """Every k for which k/n is printed as the claim is, rounded or truncated."""
    scale = 100 if claim.unit == "%" else 1
    return np.flatnonzero(prints_as(scale * np.arange(n + 1) / n, claim.printed)).tolist()


def fitting_share(claim: Claim, n: int) -> float:
    """The share of all figures from 0 to 1 with as many decimals as the claim that some k/n is printed as."""
    scale = 10 ** decimals(claim.printed) * (100 if claim.unit == "%" else 1)
    figures = {k * scale // n for k in range(n + 1)} | {(2 * k * scale + n) // (2 * n) for k in range(n + 1)}
    return len(figures) / (scale + 1)


# ---------------------------------------------------------------- single figures


def accuracies(facts: Mapping[str, Any], claims: Sequence[Claim]) -> Iterator[Finding]:
    """Every printed accuracy as k/n; those of one source and size that fit are one finding."""
    sizes = facts.get("denominators", {})
    shares = [c for c in claims if is_accuracy(c.metric) and c.metric != LAST_MEAN and c.corpus in sizes]
    for (corpus, where), group in groupby(shares, lambda c: (c.corpus, c.source)):
        own, *others = sizes[corpus]
        fits, single = [], []
        for claim in group:
            if found := counts_printing_as(claim, own["clips"]):
                fits.append(f"{_name(claim)} {_figure(claim)} = {_ratio(claim, found[0], own['clips'])}")
                single += [(claim, name) for name in _one_class(facts, corpus, found)]
            else:
                yield _misfit(claim, own, others)
        if fits:
            statement = f"{corpus}, of {own['clips']} {own['what']}: {'; '.join(fits)}."
            yield Finding("Accuracies as whole clips", statement, True, where)
        for name in dict.fromkeys(name for _, name in single):
            same = [claim for claim, other in single if other == name]
            figures = listed([f"{_name(claim)} {_figure(claim)}" for claim in same])
            statement = (
                f"{corpus}: {figures} {'equals' if len(same) == 1 else 'equal'} the share of {name} among the "
                f"{own['clips']} {own['what']}: always answering that class gives as much."
            )
            yield Finding("Accuracies of a single answer", statement, True, where)


def _misfit(claim: Claim, own: Mapping[str, Any], others: Sequence[Mapping[str, Any]]) -> Finding:
    statement = f"{_name(claim)} on {claim.corpus}: {_figure(claim)} is no k/{own['clips']} ({own['what']})"
    fitting = [(size, counts) for size in others if (counts := counts_printing_as(claim, size["clips"]))]
    missing = [f"k/{size['clips']}" for size in others if not counts_printing_as(claim, size["clips"])]
    statement += f", and no {listed(missing, 'or')}." if missing else "."
    if not fitting:
        nearest = round(claim.value * own["clips"])
        statement += f" The nearest is {nearest}/{own['clips']} = {_percent(nearest / own['clips'])}."
    for size, counts in fitting:
        n = size["clips"]
        statement += f" It is {_ratio(claim, counts[0], n)}: {size['what']} ({size['source']}); {_chance(claim, n)}."
        if size.get("largest") in counts:
            statement += (
                f" {size['largest']} is also the largest class of these {n}: always answering it gives as much."
            )
    return Finding("Accuracies as whole clips", statement, False, claim.source)


def _one_class(facts: Mapping[str, Any], corpus: str, counts: Sequence[int]) -> list[str]:
    """The classes of which the validation clips hold as many."""
    split = facts.get("split_counts", {}).get(corpus, {})
    return [name for name, (_, held_out) in split.items() if name != "total" and held_out in counts]


# ---------------------------------------------------------------- means and deviations over epochs


def means(facts: Mapping[str, Any], claims: Sequence[Claim]) -> Iterator[Finding]:
    """Every printed mean over the last ten epochs as K/(10 n), and its deviation by both formulas."""
    sizes = facts.get("denominators", {})
    deviations = {(c.experiment, c.variant, c.corpus): c for c in claims if c.metric == LAST_DEVIATION}
    for claim in claims:
        if claim.metric != LAST_MEAN or claim.corpus not in sizes:
            continue
        deviation = deviations.get((claim.experiment, claim.variant, claim.corpus))
        fitting = [
            (size, sums) for size in sizes[claim.corpus] if (sums := counts_printing_as(claim, LAST * size["clips"]))
        ]
        own = sizes[claim.corpus][0]
        holds = bool(fitting) and fitting[0][0] is own
        statement = (
            f"{_name(claim)} on {claim.corpus}: a mean over {LAST} epochs of k/n is K/({LAST} n). {_figure(claim)} is"
        )
        statement += "" if holds else f" no K/{LAST * own['clips']} ({own['what']})."
        for size, sums in fitting[:1] if holds else fitting:
            n = LAST * size["clips"]
            statement += (
                f"{'' if holds else ' It is'} {_ratio(claim, sums[0], n)} ({size['what']}); {_chance(claim, n)}."
            )
            statement += _deviation(deviation, sums, size["clips"]) if deviation else ""
        yield Finding("Means over epochs as whole clips", statement, holds, claim.source)


def _deviation(claim: Claim, sums: Sequence[int], n: int) -> str:
    ways = [name for name, less in (("sample (n - 1)", 1), ("population (n)", 0)) if deviates(claim, sums, n, less)]
    if not ways:
        return f" The deviation {_figure(claim)} is reached by no {LAST} counts of this sum."
    only = " alone" if len(ways) == 1 else ""
    return f" The deviation {_figure(claim)} is reached as that of a {listed(ways, 'or of a')}{only}."


def deviates(claim: Claim, sums: Sequence[int], n: int, less: int) -> bool:
    """Whether ten counts k of one of these sums can give a deviation sqrt(sum (k - mean)^2 / (10 - less)) / n.

    The sum of squares of integers has the parity of their sum (GRIMMER, Anaya 2016) and cannot lie below that of the
    most even counts.
    """
    scale = (100 if claim.unit == "%" else 1) / n
    for total in sums:
        each, rest = divmod(total, LAST)
        least = rest * (each + 1) ** 2 + (LAST - rest) * each**2
        most = ((float(claim.printed) + 10.0 ** -decimals(claim.printed)) / scale) ** 2 * LAST + total**2 / LAST
        squares = np.arange(least, int(most) + 3, 2)  # `least` has the right parity itself
        values = scale * np.sqrt((squares - total**2 / LAST) / (LAST - less))
        if prints_as(values, claim.printed).any():
            return True
    return False


# ---------------------------------------------------------------- printed confusion matrices


def confusion_matrices(facts: Mapping[str, Any], claims: Sequence[Claim]) -> Iterator[Finding]:
    """`confusions` against the printed validation clips and the printed accuracy, and the recalls they imply."""
    for printed in facts.get("confusions", ()):
        matrix, classes, corpus = np.array(printed["matrix"]), list(printed["classes"]), printed["corpus"]
        rows = matrix.sum(axis=1).tolist()
        if split := facts.get("split_counts", {}).get(corpus):
            known = [split[name][1] for name in classes]
            statement = f"{corpus}: rows of {of(rows)} clips ({', '.join(classes)}), validation clips {of(known)}."
            yield Finding("Confusion matrices", statement, rows == known, str(printed["source"]))
        right, n = int(np.trace(matrix)), int(matrix.sum())
        key = (printed["experiment"], printed["variant"], corpus, "accuracy")
        for claim in claims:
            if (claim.experiment, claim.variant, claim.corpus, claim.metric) == key:
                hits = f"{plus(np.diagonal(matrix).tolist())} = {right}"
                statement = f"{corpus}: {hits} of {n} clips are right; {_figure(claim)} is printed."
                where = f"{printed['source']}, {claim.source}"
                yield Finding("Confusion matrices", statement, right in counts_printing_as(claim, n), where)
        yield from _unweighted(printed, matrix, claims)
        shares = [
            f"{name} {matrix[i, i]}/{rows[i]} = {_percent(matrix[i, i] / rows[i])}" for i, name in enumerate(classes)
        ]
        recalls = "; ".join(shares)
        statement = (
            f"{corpus}: recalls implied are {recalls}; UAR {_percent(float(metrics.uar(matrix)))}, UF1 "
            f"{_percent(float(metrics.uf1(matrix)))}, always the largest class {_percent(max(rows) / n)} accuracy."
        )
        yield Finding("Confusion matrices", statement, True, str(printed["source"]))


def _unweighted(printed: Mapping[str, Any], matrix: NDArray[np.int64], claims: Sequence[Claim]) -> Iterator[Finding]:
    """UAR and UF1 of a printed matrix against those printed beside it; says so where the two are exchanged."""
    key = (printed["experiment"], printed["variant"], printed["corpus"])
    own = {c.metric: c for c in claims if (c.experiment, c.variant, c.corpus) == key}
    found = {"uar": float(metrics.uar(matrix)), "uf1": float(metrics.uf1(matrix))}
    if not set(found) <= set(own):
        return
    fits = {name: bool(prints_as(np.array([value]), own[name].printed).all()) for name, value in found.items()}
    statement = (
        f"{key[2]}: the matrix has UAR {found['uar']:.5f} and UF1 {found['uf1']:.5f}; printed are UAR "
        f"{own['uar'].printed} and UF1 {own['uf1'].printed}"
    )
    across = (("uar", "uf1"), ("uf1", "uar"))
    if not any(fits.values()) and all(prints_as(np.array([found[a]]), own[b].printed).all() for a, b in across):
        statement += ", each where the other belongs"
    where = f"{printed['source']}, {own['uar'].source}"
    yield Finding("UAR and UF1 of the confusion matrices", statement + ".", all(fits.values()), where)


# ---------------------------------------------------------------- wording


def _name(claim: Claim) -> str:
    return claim.metric.removeprefix(BEST_EPOCH) if claim.metric.startswith(BEST_EPOCH) else claim.experiment


def _figure(claim: Claim) -> str:
    return f"{claim.printed}{claim.unit}"


def _ratio(claim: Claim, k: int, n: int) -> str:
    """k/n, and whether it is printed as the claim only where the rest is cut off."""
    value = k / n * (100 if claim.unit == "%" else 1)
    return f"{k}/{n}" + ("" if f"{value:.{decimals(claim.printed)}f}" == claim.printed else " (cut off, not rounded)")


def _percent(share: float) -> str:
    return f"{100 * share:.2f}%"


def _chance(claim: Claim, n: int) -> str:
    """How much a fit says: a large n fits many figures."""
    share = 100 * fitting_share(claim, n)
    return f"{share:.0f} of 100 figures with {decimals(claim.printed)} decimals are some k/{n}"
