"""Printed accuracies over folds: can a mean of so many folds print so, and does it beat the largest class?

`folds` lists groups: experiments (and `metrics`, else accuracy), the clips that each fold tests (`sizes`), `what` these
are and a source. A mean over five folds of 50 clips is K/250; of folds of 25 and 24 clips it is a sum of k/125 and
k/120.
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
from common.audit.basics import cut_off, decimals, figure, listed, name, of, prints_as
from common.histories import is_accuracy
from common.types import Claim, Finding

MOST = 1000
"""The largest test set that is looked for."""


def fold_means(facts: Mapping[str, Any], claims: Sequence[Claim]) -> Iterator[Finding]:
    """Every printed accuracy of a group as a mean of accuracies of its folds, each weighing the same."""
    for group in facts.get("folds", ()):
        values = means(group["sizes"])
        metrics = group.get("metrics", ["accuracy"])
        mine = [c for c in claims if c.experiment in group["experiments"] and c.metric in metrics]
        wrong = [c for c in mine if not prints_as(100 * values, c.printed).any()]
        statement = f"{group['what']}: "
        if wrong:
            terms = [f"{c.experiment} {c.printed}% (nearest {_nearest(values, c)})" for c in wrong]
            statement += f"no whole clips give {listed(terms, 'or')}"
            statement += f"; the other {len(mine) - len(wrong)} of {len(mine)} figures can be" if mine != wrong else ""
        else:
            terms = [f"{c.experiment} {c.printed}%{_only_cut_off(values, c)}" for c in mine]
            statement += f"{listed(terms)} can be"
        places = max((decimals(c.printed) for c in mine), default=0)
        digits = f"{places} decimal{'' if places == 1 else 's'}"
        statement += f", as {100 * printable(values, places):.0f} of 100 figures with {digits} can"
        if wrong and len(group["sizes"]) == 1 and (n := _smallest(mine)):
            ratios = [f"{_count(c, n)}/{n}" for c in mine]
            each = {1: "it", 2: "both"}.get(len(mine), "all")
            statement += f"; the smallest test set that gives {each} is one of {n} clips ({', '.join(ratios)})"
        yield Finding("Accuracies as means over folds", f"{statement}.", not wrong, str(group["source"]))


def means(sizes: Sequence[int]) -> NDArray[np.float64]:
    """All means over folds of shares k/size, sorted; folds of one size are alike, so that their counts add up."""
    parts = [np.arange(size * folds + 1) / (size * len(sizes)) for size, folds in Counter(sizes).items()]
    return np.unique(np.round(reduce(lambda a, b: np.add.outer(a, b).ravel(), parts), 12))


def printable(values: NDArray[np.float64], places: int) -> float:
    """The share of all percentages with so many decimals that one of these shares is printed as."""
    scaled = np.asarray(values) * 100 * 10**places
    printed = np.union1d(np.floor(scaled + 1e-7), np.floor(scaled + 0.5 + 1e-7))
    return float(len(printed) / (100 * 10**places + 1))


def _only_cut_off(values: NDArray[np.float64], claim: Claim) -> str:
    """A remark where no value gives the printed digits by rounding."""
    nearest = 100 * values[np.abs(values - claim.value).argmin()]
    return cut_off(float(nearest), claim.printed)


def _smallest(claims: Sequence[Claim]) -> int | None:
    return next((n for n in range(1, MOST + 1) if all(_count(c, n) is not None for c in claims)), None)


def _count(claim: Claim, n: int) -> int | None:
    fits = np.flatnonzero(prints_as(100 * np.arange(n + 1) / n, claim.printed))
    return int(fits[0]) if len(fits) else None


def _nearest(values: NDArray[np.float64], claim: Claim) -> str:
    return f"{100 * values[np.abs(values - claim.value).argmin()]:.{decimals(claim.printed) + 1}f}%"


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
    for corpus, group in groupby(tested_counts(facts, documented), lambda one: one[0]):
        counted = [(what, counts) for _, what, counts in group]
        mine = [c for c in claims if c.corpus == corpus and c.source in tables and is_accuracy(c.metric)]
        if not mine:
            continue
        largest = max(max(counts) / sum(counts) for _, counts in counted)
        above = [c for c in mine if c.value > largest and not _equals(largest, c)]
        terms = [
            f"{max(counts)} of {sum(counts)} {what} ({of(counts)}), {100 * max(counts) / sum(counts):.1f}%"
            for what, counts in counted
        ]
        statement = f"{corpus}: always answering the largest class gives {listed(terms, 'or')}"
        if above == mine:
            accuracies = "the printed accuracy lies" if len(mine) == 1 else f"all {len(mine)} printed accuracies lie"
            statement += f"; {accuracies} above"
        else:
            under = listed([f"{name(c)} {figure(c)}" for c in mine if c not in above])
            statement += f"; of {len(mine)} printed accuracies {len(above)} "
            statement += f"{'lies' if len(above) == 1 else 'lie'} above, not {under}"
        where = listed(list(dict.fromkeys(c.source for c in mine)))
        yield Finding("More than the largest class", f"{statement}.", above == mine, where)
