"""Printed percentages as whole clips: the GRIM test (Brown and Heathers 2017), of single figures and of means.

A fraction of n clips is k/n, a mean of these over ten epochs K/(10 n). `denominators` (corpus to a list of clips, what
they are, source) lists the n to try: first the number that the paper gives, then others that it prints, then numbers
`outside` it, which explain a figure that fits no printed number. A large n fits many figures by chance, so a fit
reports how many.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any

import numpy as np

from common.audit.basics import by_arithmetic, decimals, figure, name, not_rounded, note, printable, prints_as
from common.audit.finding import Finding
from common.contract import Claim
from common.errors import listed
from common.scoring.claims import ANY, Keys, keys
from common.scoring.histories import LAST, LAST_DEVIATION, LAST_MEAN, is_accuracy

FACTS: Keys = {**keys("split_counts"), "denominators": {ANY: keys("clips", "what", "source", "largest", "outside")}}
"""The facts that these checks read."""


def counts_printing_as(claim: Claim, n: int) -> list[int]:
    """Every k for which k/n is printed like the claim, whether rounded, cut off or rounded up."""
    scale = 100 if claim.unit == "%" else 1
    return np.flatnonzero(prints_as(scale * np.arange(n + 1) / n, claim.printed)).tolist()


def fitting_share(claim: Claim, n: int) -> float:
    """The fraction of all figures from 0 to 1 with as many decimals as the claim that fit some k/n."""
    return printable(np.arange(n + 1) / n, 10 ** decimals(claim.printed) * (100 if claim.unit == "%" else 1))


# ---------------------------------------------------------------- single figures


def accuracies(facts: Mapping[str, Any], claims: Sequence[Claim]) -> Iterator[Finding]:
    """Every printed accuracy as k/n; those of one source and size that fit are reported in one finding."""
    sizes = facts.get("denominators", {})
    shares = [c for c in claims if is_accuracy(c.metric) and c.metric != LAST_MEAN and c.corpus in sizes]
    for (corpus, where), group in groupby(shares, lambda c: (c.corpus, c.source)):
        own, *others = sizes[corpus]
        fits, single = [], []
        for claim in group:
            if counts := counts_printing_as(claim, own["clips"]):
                fits.append(f"{name(claim)} {figure(claim)} = {_ratio(claim, counts, own['clips'])}")
                single += [(claim, label) for label in _one_class(facts, corpus, counts)]
            else:
                yield _of_others(claim, own, others)
        if fits:
            statement = f"{corpus}, {own['clips']} {own['what']}: {'; '.join(fits)}."
            yield by_arithmetic("Accuracies as whole clips", statement, True, where)
        for label in dict.fromkeys(label for _, label in single):
            same = [claim for claim, other in single if other == label]
            figures = listed([f"{name(claim)} {figure(claim)}" for claim in same])
            statement = (
                f"{corpus}: {figures} {'equals' if len(same) == 1 else 'equal'} the percentage of {label} among the "
                f"{own['clips']} {own['what']}: always predicting that class gives the same."
            )
            yield note("Accuracies of a single answer", statement, False, where)


def _of_others(claim: Claim, own: Mapping[str, Any], others: Sequence[Mapping[str, Any]]) -> Finding:
    """A figure that does not fit the number of clips that the paper gives for it."""
    statement = f"{name(claim)} on {claim.corpus}: {figure(claim)} is not k/{own['clips']} ({own['what']})"
    fitting = [(size, counts) for size in others if (counts := counts_printing_as(claim, size["clips"]))]
    missing = [f"k/{size['clips']}" for size in others if not counts_printing_as(claim, size["clips"])]
    statement += f", and not {listed(missing, 'or')}" if missing else ""
    if not fitting:
        nearest = round(claim.value * own["clips"])
        statement += f"; the nearest is {nearest}/{own['clips']} = {percent(nearest / own['clips'])}"
    for size, counts in fitting:
        n = size["clips"]
        ratio = _ratio(claim, counts, n)
        statement += f"; it is {ratio} for the {size['what']} ({size['source']}), and {_chance(claim, n)}"
        if size.get("largest") in counts:
            statement += f"; {size['largest']} is the largest class of these {n}: always predicting it gives the same"
    holds = any(not size.get("outside") for size, _ in fitting)
    return by_arithmetic("Accuracies as whole clips", f"{statement}.", holds, claim.source)


def _one_class(facts: Mapping[str, Any], corpus: str, counts: Sequence[int]) -> list[str]:
    """The classes with one of these numbers of validation clips."""
    split = facts.get("split_counts", {}).get(corpus, {})
    return [label for label, (_, held_out) in split.items() if label != "total" and held_out in counts]


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
        of_own = bool(fitting) and fitting[0][0] is own
        statement = (
            f"{name(claim)} on {claim.corpus}: as a mean of k/n over {LAST} epochs, K/({LAST} n), {figure(claim)} is"
        )
        terms = [] if of_own else [f" not K/{LAST * own['clips']} ({own['what']})"]
        for size, sums in fitting[:1] if of_own else fitting:
            n = LAST * size["clips"]
            ratio = _ratio(claim, sums, n)
            remark = _deviation(deviation, sums, size["clips"]) if deviation else ""
            terms.append(f" {ratio} ({size['what']}; {_chance(claim, n)}{remark})")
        statement += ", but".join(terms[:2]) + "".join(f" and{term}" for term in terms[2:])
        holds = any(not size.get("outside") for size, _ in fitting)
        yield by_arithmetic("Means over epochs as whole clips", f"{statement}.", holds, claim.source)


def _deviation(claim: Claim, sums: Sequence[int], n: int) -> str:
    ways = [way for way, less in (("sample (n - 1)", 1), ("population (n)", 0)) if deviates(claim, sums, n, less)]
    if not ways:
        return f"; no {LAST} counts with this sum give the deviation {figure(claim)}"
    only = " only" if len(ways) == 1 else ""
    return f"; the deviation {figure(claim)} can be that of a {listed(ways, 'or a')}{only}"


def deviates(claim: Claim, sums: Sequence[int], n: int, less: int) -> bool:
    """Whether ten counts k of one of these sums can give a deviation sqrt(sum (k - mean)^2 / (10 - less)) / n.

    The sum of squares of integers has the parity of their sum (GRIMMER, Anaya 2016) and cannot be below that of the
    most equal counts.
    """
    scale = (100 if claim.unit == "%" else 1) / n
    for total in sums:
        quotient, rest = divmod(total, LAST)
        least = rest * (quotient + 1) ** 2 + (LAST - rest) * quotient**2
        most = ((float(claim.printed) + 10.0 ** -decimals(claim.printed)) / scale) ** 2 * LAST + total**2 / LAST
        squares = np.arange(least, int(most) + 3, 2)  # `least` has the right parity itself
        values = scale * np.sqrt((squares - total**2 / LAST) / (LAST - less))
        if prints_as(values, claim.printed).any():
            return True
    return False


def below_best(claims: Sequence[Claim]) -> Iterator[Finding]:
    """No mean over epochs may exceed the best epoch, which the accuracy of the same experiment may be."""
    best = {(c.experiment, c.variant, c.corpus): c for c in claims if c.metric == "accuracy"}
    pairs = [
        (claim, best[key])
        for claim in claims
        if claim.metric == LAST_MEAN and (key := (claim.experiment, claim.variant, claim.corpus)) in best
    ]
    if pairs:
        wrong = [f"{name(a)} {figure(a)} above {figure(b)}" for a, b in pairs if a.value > b.value]
        statement = f"{len(pairs) - len(wrong)} of {len(pairs)} means over {LAST} epochs are at or below the accuracy"
        statement += f" printed for the same network{'; ' + listed(wrong) if wrong else ''}."
        where = listed(list(dict.fromkeys(claim.source for pair in pairs for claim in pair)))
        yield note("Means over epochs against the accuracy", statement, not wrong, where)


# ---------------------------------------------------------------- wording


def _ratio(claim: Claim, counts: Sequence[int], n: int) -> str:
    """The k/n nearest to the claim, of several `counts` that fit, with a remark if the claim is rounded of none."""
    nearest = min(counts, key=lambda k: abs(k / n - claim.value))
    scale = 100 if claim.unit == "%" else 1
    return f"{nearest}/{n}" + not_rounded(scale * np.array(counts) / n, claim.printed)


def percent(share: float) -> str:
    """A fraction as a percentage with two decimals: `83.25%`."""
    return f"{100 * share:.2f}%"


def _chance(claim: Claim, n: int) -> str:
    """How significant a fit is: a large n fits many figures."""
    share = 100 * fitting_share(claim, n)
    return f"{share:.0f} of 100 figures with {decimals(claim.printed)} decimals have the form k/{n}"
