"""Printed accuracies over folds: can they be means over folds, and are they above the largest class?

`folds` lists groups: experiments (and `metrics`, else accuracy) and the interpretations (`readings`) of their figures,
each with `what` it is and the number of test clips of each fold (`sizes`). A mean over five folds of 50 clips is K/250;
of folds of 25 and 24 clips it is a sum of k/125 and k/120. If the size of a single test set is not printed, `at_most`
is its maximum. A group is `inferred` if the paper does not say what its figures are means or fractions of. `single`
precision stores some decimals as slightly less than they are, so that cutting off gives one less.
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
from common.audit.basics import by_arithmetic, decimals, figure, name, not_rounded, note, of, printable, prints_as
from common.audit.finding import Finding
from common.audit.proportions import counts_printing_as
from common.contract import Claim
from common.errors import listed
from common.scoring.claims import Keys, keys
from common.scoring.histories import LAST, LAST_MEAN, is_accuracy

FACTS: Keys = {
    **keys("beside_largest", "denominators"),
    "folds": {
        **keys("experiments", "metrics", "inferred"),
        "readings": keys("what", "sizes", "at_most", "single"),
    },
}
"""The facts that these checks read."""
NEARLY_ALL = 0.9
"""A check that so large a fraction of all figures would pass says little about the one that is printed."""
SINGLE_PRECISION = 1e-7
"""Approximately how far below a fraction its nearest number in single precision may be."""


def fold_means(facts: Mapping[str, Any], claims: Sequence[Claim]) -> Iterator[Finding]:
    """For every printed accuracy of a group, which readings can give its digits and which cannot.

    A check is weak if `NEARLY_ALL` figures with as many decimals fit one of the readings.
    """
    topic = "Accuracies as means over folds"
    for group in facts.get("folds", ()):
        values = [(reading, _shares(reading)) for reading in group["readings"]]
        every = np.unique(np.concatenate([shares for _, shares in values]))
        for claim in claims:
            if claim.experiment in group["experiments"] and claim.metric in group.get("metrics", ["accuracy"]):
                statement, holds = _fits(claim, values)
                if holds and printable(every, 100 * 10 ** decimals(claim.printed)) >= NEARLY_ALL:
                    yield Finding(topic, statement, holds, claim.source, "weak")
                else:
                    check = note if group.get("inferred") else by_arithmetic
                    yield check(topic, statement, holds, claim.source)


def _fits(claim: Claim, readings: Sequence[tuple[Mapping[str, Any], NDArray[np.float64]]]) -> tuple[str, bool]:
    """The statement on which readings fit, and whether any does."""
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
    """A reading that fits, its smallest test set if the size is not printed, and how many figures fit by chance."""
    places = decimals(claim.printed)
    about = f"as can {100 * printable(shares, 100 * 10**places):.0f} of 100 figures with {places} "
    about += f"decimal{'' if places == 1 else 's'}"
    if most := reading.get("at_most"):
        n, counts = next((n, k) for n in range(1, most + 1) if (k := counts_printing_as(claim, n)))
        return f"{reading['what']}, the smallest {counts[0]}/{n} ({about})"
    return f"{reading['what']}{not_rounded(100 * shares, claim.printed)} ({about})"


def _shares(reading: Mapping[str, Any]) -> NDArray[np.float64]:
    """All fractions that a reading allows."""
    if most := reading.get("at_most"):
        return np.unique(np.concatenate([means([n]) for n in range(1, most + 1)]))
    exact = means(reading["sizes"])
    return exact - SINGLE_PRECISION if reading.get("single") else exact


def means(sizes: Sequence[int]) -> NDArray[np.float64]:
    """All means over folds of fractions k/size, sorted; counts of folds of equal size are added up."""
    parts = [np.arange(size * folds + 1) / (size * len(sizes)) for size, folds in Counter(sizes).items()]
    return np.unique(np.round(reduce(lambda a, b: np.add.outer(a, b).ravel(), parts), 12))


def _of_these(facts: Mapping[str, Any], claim: Claim) -> bool:
    """Whether an accuracy, or a mean over epochs, is a fraction of the clips that the paper gives for its corpus."""
    sizes = facts.get("denominators", {}).get(claim.corpus)
    return not sizes or bool(counts_printing_as(claim, sizes[0]["clips"] * (LAST if claim.metric == LAST_MEAN else 1)))


def _equals(share: float, claim: Claim) -> bool:
    """Whether a fraction is printed like the claim."""
    return bool(prints_as(np.array([share * (100 if claim.unit == "%" else 1)]), claim.printed).all())


def largest_class(
    facts: Mapping[str, Any], claims: Sequence[Claim], documented: Mapping[str, Any]
) -> Iterator[Finding]:
    """Compare the printed accuracies of the tables `beside_largest` with the fraction of the largest tested class.

    The tested clips are given by `tested_counts`; an accuracy must exceed the fraction for every release of a corpus.
    A figure that is no fraction of the clips that the paper gives for it (`denominators`) is of others, and left out.
    """
    tables = facts.get("beside_largest", ())
    for corpus, group in groupby(tested_counts(facts, documented), lambda row: row[0]):
        counted = [(kind, counts) for _, kind, counts in group]
        given = [c for c in claims if c.corpus == corpus and c.source in tables and is_accuracy(c.metric)]
        others = [c for c in given if not _of_these(facts, c)]
        corpus_claims = [c for c in given if c not in others]
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
                else f"{'both' if len(corpus_claims) == 2 else f'all {len(corpus_claims)}'} printed accuracies are"
            )
            statement += f"; {accuracies} higher"
        else:
            under = listed([f"{name(c)} {figure(c)}" for c in corpus_claims if c not in above])
            statement += f"; {len(above)} of {len(corpus_claims)} printed accuracies "
            statement += f"{'is' if len(above) == 1 else 'are'} higher; {under} "
            statement += "is not" if len(corpus_claims) - len(above) == 1 else "are not"
        if others:
            left_out = listed([f"{name(c)} {figure(c)}" for c in others])
            statement += f"; {left_out} {'is' if len(others) == 1 else 'are'} not of these clips"
        where = listed(list(dict.fromkeys(c.source for c in corpus_claims)))
        yield note("More than the largest class", f"{statement}.", above == corpus_claims, where)
