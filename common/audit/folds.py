"""Printed accuracies over folds: can a mean of so many folds print so, and does it beat the largest class?

`folds` lists groups: experiments (and `metric`, else accuracy), the clips that each fold tests (`sizes`), `what` these
are and a source. A mean over five folds of 50 clips is K/250; of folds of 25 and 24 clips it is a sum of k/125 and
k/120.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from functools import reduce
from typing import Any

import numpy as np
from numpy.typing import NDArray

from common.audit.basics import listed, of, prints_as
from common.types import Claim, Finding

MOST = 1000
"""The largest test set that is looked for."""


def fold_means(facts: Mapping[str, Any], claims: Sequence[Claim]) -> Iterator[Finding]:
    """Every printed accuracy of a group as a mean of accuracies of its folds, each weighing the same."""
    for group in facts.get("folds", ()):
        shares = means(group["sizes"])
        metrics = group.get("metrics", ["accuracy"])
        mine = [c for c in claims if c.experiment in group["experiments"] and c.metric in metrics]
        wrong = [c for c in mine if not prints_as(100 * shares, c.printed).any()]
        statement = f"{group['what']}: "
        if wrong:
            figures = [f"{c.experiment} {c.printed}% (nearest {_nearest(shares, c)})" for c in wrong]
            statement += f"no whole clips give {listed(figures, 'or')}"
            statement += (
                f"; the other {len(mine) - len(wrong)} of {len(mine)} figures can be." if mine != wrong else "."
            )
        else:
            statement += f"{listed([f'{c.experiment} {c.printed}%' for c in mine])} can be."
        if wrong and len(group["sizes"]) == 1 and (n := _smallest(mine)):
            ratios = [f"{_count(c, n)}/{n}" for c in mine]
            statement += f" The smallest test set that gives {'all' if len(mine) > 2 else 'both'} is one of {n} clips"
            statement += f" ({', '.join(ratios)})."
        yield Finding("Accuracies as means over folds", statement, not wrong, str(group["source"]))


def means(sizes: Sequence[int]) -> NDArray[np.float64]:
    """All means over folds of shares k/size, sorted; folds of one size are alike, so that their counts add up."""
    parts = [np.arange(size * folds + 1) / (size * len(sizes)) for size, folds in Counter(sizes).items()]
    return np.unique(np.round(reduce(lambda a, b: np.add.outer(a, b).ravel(), parts), 12))


def _smallest(claims: Sequence[Claim]) -> int | None:
    return next((n for n in range(1, MOST + 1) if all(_count(c, n) is not None for c in claims)), None)


def _count(claim: Claim, n: int) -> int | None:
    fits = np.flatnonzero(prints_as(100 * np.arange(n + 1) / n, claim.printed))
    return int(fits[0]) if len(fits) else None


def _nearest(shares: NDArray[np.float64], claim: Claim) -> str:
    return f"{100 * shares[np.abs(shares - claim.value).argmin()]:.2f}%"


def largest_class(facts: Mapping[str, Any], claims: Sequence[Claim]) -> Iterator[Finding]:
    """Printed accuracies of `beside_largest` against the share of the largest printed class of the tested clips.

    `joined` (name to corpora) says which corpora a composite joins.
    """
    wanted = facts.get("beside_largest")
    if not wanted or "class_counts" not in facts:
        return
    shares: dict[str, float] = {}
    for name, parts in ({one: [one] for one in facts["class_counts"]} | facts.get("joined", {})).items():
        # classes of different corpora have the same place, whatever they are called
        counts = np.sum([list(facts["class_counts"][part].values()) for part in parts], axis=0)
        shares[name] = float(counts.max() / counts.sum())
        statement = f"{name}: the largest class has {counts.max()} of {counts.sum()} clips ({of(counts.tolist())})"
        mine = [c for c in claims if c.corpus == name and c.source == wanted and c.metric == "accuracy"]
        above = [c for c in mine if c.value > shares[name]]
        figures = listed([f"{c.experiment} {c.printed}%" for c in above])
        if mine:
            statement += f", so that always answering it gives {100 * shares[name]:.1f}%. Of {len(mine)} printed "
            statement += f"accuracies {len(above)} lie above it{f': {figures}' if above else ''}."
            yield Finding("More than the largest class", statement, len(above) == len(mine), wanted)


def regrouped(facts: Mapping[str, Any], claims: Sequence[Claim], documented: Mapping[str, Any]) -> Iterator[Finding]:
    """`regrouped` (corpus to class to emotions) from the corpora's own counts, where a paper prints none.

    Per release of a corpus' table the clips of the classes against the printed `sequences`, and all printed accuracies
    on the corpus beside the share of its largest class.
    """
    for corpus, classes in facts.get("regrouped", {}).items():
        printed, shares, totals, parts = facts.get("sequences", {}).get(corpus), [], [], []
        for release, by_emotion in documented["emotions"].get(corpus, {}).items():
            counts = {name: sum(by_emotion.get(emotion, 0) for emotion in row) for name, row in classes.items()}
            totals.append(sum(counts.values()))
            shares.append(max(counts.values()) / totals[-1])
            parts.append(f"{', '.join(f'{name} {n}' for name, n in counts.items())}, {totals[-1]} in all ({release})")
        if not parts:
            continue
        statement = f"{corpus}: the classes hold {'; '.join(parts)}; printed {printed} clips."
        where = str(facts.get("sources", {}).get("regrouped", ""))
        yield Finding("Clips of the regrouped classes", statement, printed in totals, where)
        mine = [c for c in claims if c.corpus == corpus and c.metric == "accuracy"]
        below = [f"{c.experiment} {c.printed}%" for c in mine if c.value <= min(shares)]
        always = listed(list(dict.fromkeys(f"{100 * share:.1f}%" for share in shares)), "or")
        statement = f"{corpus}: always answering the largest class gives {always}. "
        statement += f"Of {len(mine)} printed accuracies {len(mine) - len(below)} lie above it"
        statement += f"; {listed(below)} does not." if below else "."
        yield Finding("More than the largest class", statement, not below, str(facts["beside_largest"]))


def differences(facts: Mapping[str, Any]) -> Iterator[Finding]:
    """`differences`: [minuend, subtrahend, difference] as the text prints them, one finding per source."""
    for given in facts.get("differences", ()):
        wrong = [
            f"{a} - {b} is {float(a) - float(b):.1f}, printed {printed}"
            for a, b, printed in given["rows"]
            if not prints_as(np.array([float(a) - float(b)]), printed).any()
        ]
        statement = f"{len(given['rows']) - len(wrong)} of {len(given['rows'])} exact differences in the text follow"
        statement += f" from the table{'; ' + listed(wrong) if wrong else ''}."
        yield Finding("Differences in the text", statement, not wrong, str(given["source"]))
