"""Printed accuracies over folds: can a mean of so many folds print so, and does it beat the largest class?

`folds` lists groups: experiments (and `metrics`, else accuracy) and the `readings` of their figures, each with `what`
it is and the clips that each fold tests (`sizes`). A mean over five folds of 50 clips is K/250; of folds of 25 and 24
clips it is a sum of k/125 and k/120. Where the size of a single test set is not printed, a reading has `at_most` so
many clips. A group is `inferred` where the paper does not print what its figures are means or shares of. `single`
precision holds some decimals as a little less than they are, which are then cut off one lower.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from functools import reduce
from itertools import groupby
from typing import Any

import numpy as np
from numpy.typing import NDArray

from common.audit.annotations import tested_counts
from common.audit.basics import (
    by_arithmetic,
    decimals,
    figure,
    listed,
    name,
    not_rounded,
    note,
    of,
    printable,
    prints_as,
)
from common.audit.finding import Finding
from common.audit.proportions import counts_printing_as
from common.contract import Claim
from common.scoring.histories import is_accuracy

SINGLE_PRECISION = 1e-7
"""How far below a share its nearest number of single precision may lie, about."""


def fold_means(facts: Mapping[str, Any], claims: Sequence[Claim]) -> Iterator[Finding]:
    """Every printed accuracy of a group: which readings can give its digits, and which cannot."""
    for group in facts.get("folds", ()):
        values = [(reading, _shares(reading)) for reading in group["readings"]]
        for claim in claims:
            if claim.experiment in group["experiments"] and claim.metric in group.get("metrics", ["accuracy"]):
                check = note if group.get("inferred") else by_arithmetic
                yield check("Accuracies as means over folds", *_fits(claim, values), claim.source)


def _fits(claim: Claim, readings: Sequence[tuple[Mapping[str, Any], NDArray[np.float64]]]) -> tuple[str, bool]:
    """What says which readings fit, and whether any does."""
    fitting, others = [], []
    for reading, shares in readings:
        if prints_as(100 * shares, claim.printed).any():
            fitting.append(_fit(claim, reading, shares))
        else:
            nearest = 100 * shares[np.abs(shares - claim.value).argmin()]
            others.append(f"{reading['what']} (nearest {nearest:.{decimals(claim.printed) + 1}f}%)")
    statement = f"{name(claim)} {figure(claim)} on {claim.corpus} "
    statement += f"can be a {listed(fitting, 'or a')}" if fitting else f"cannot be a {listed(others, 'or a')}"
    statement += f", but not a {listed(others, 'or a')}" if fitting and others else ""
    return f"{statement}.", bool(fitting)


def _fit(claim: Claim, reading: Mapping[str, Any], shares: NDArray[np.float64]) -> str:
    """A reading that fits, the smallest test set where it has none, and how many figures fit by chance."""
    places = decimals(claim.printed)
    about = f"as can {100 * printable(shares, 100 * 10**places):.0f} of 100 figures with {places} "
    about += f"decimal{'' if places == 1 else 's'}"
    if most := reading.get("at_most"):
        n, counts = next((n, k) for n in range(1, most + 1) if (k := counts_printing_as(claim, n)))
        return f"{reading['what']}, the smallest {counts[0]}/{n} ({about})"
    nearest = 100 * float(shares[np.abs(shares - claim.value).argmin()])
    return f"{reading['what']}{not_rounded(nearest, claim.printed)} ({about})"


def _shares(reading: Mapping[str, Any]) -> NDArray[np.float64]:
    """Every share that a reading allows."""
    if most := reading.get("at_most"):
        return np.unique(np.concatenate([means([n]) for n in range(1, most + 1)]))
    exact = means(reading["sizes"])
    return exact - SINGLE_PRECISION if reading.get("single") else exact


def means(sizes: Sequence[int]) -> NDArray[np.float64]:
    """All means over folds of shares k/size, sorted; folds of one size are alike, so that their counts add up."""
    parts = [np.arange(size * folds + 1) / (size * len(sizes)) for size, folds in Counter(sizes).items()]
    return np.unique(np.round(reduce(lambda a, b: np.add.outer(a, b).ravel(), parts), 12))


def _equals(share: float, claim: Claim) -> bool:
    """Whether a share is printed as the claim is."""
    return bool(prints_as(np.array([share * (100 if claim.unit == "%" else 1)]), claim.printed).all())


def largest_class(
    facts: Mapping[str, Any], claims: Sequence[Claim], documented: Mapping[str, Any]
) -> Iterator[Finding]:
    """The printed accuracies of the tables `beside_largest` against the share of the largest class of what is tested.

    What is tested is given by `tested_counts`; an accuracy has to lie above the share by every release of a corpus.
    """
    tables = facts.get("beside_largest", ())
    for corpus, group in groupby(tested_counts(facts, documented), lambda row: row[0]):
        counted = [(kind, counts) for _, kind, counts in group]
        corpus_claims = [c for c in claims if c.corpus == corpus and c.source in tables and is_accuracy(c.metric)]
        if not corpus_claims:
            continue
        largest = max(max(counts) / sum(counts) for _, counts in counted)
        above = [c for c in corpus_claims if c.value > largest and not _equals(largest, c)]
        terms = [
            f"{max(counts)} of {sum(counts)} {kind} ({of(counts)}), {100 * max(counts) / sum(counts):.1f}%"
            for kind, counts in counted
        ]
        statement = f"{corpus}: always predicting the largest class gives {listed(terms, 'or')}"
        if above == corpus_claims:
            accuracies = (
                "the printed accuracy is"
                if len(corpus_claims) == 1
                else f"all {len(corpus_claims)} printed accuracies are"
            )
            statement += f"; {accuracies} higher"
        else:
            under = listed([f"{name(c)} {figure(c)}" for c in corpus_claims if c not in above])
            statement += f"; {len(above)} of {len(corpus_claims)} printed accuracies "
            statement += f"{'is' if len(above) == 1 else 'are'} higher; {under} "
            statement += "is not" if len(corpus_claims) - len(above) == 1 else "are not"
        where = listed(list(dict.fromkeys(c.source for c in corpus_claims)))
        yield note("More than the largest class", f"{statement}.", above == corpus_claims, where)
