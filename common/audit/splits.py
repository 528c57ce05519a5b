"""What a split without shuffling leaves to be learnt."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from common.audit.basics import figure, listed, name, note, of
from common.audit.finding import Finding
from common.contract import Claim


def unshuffled_splits(facts: Mapping[str, Any], claims: Sequence[Claim]) -> Iterator[Finding]:
    """`unshuffled_splits`: rows (class, count) in order, the last ceil(share n) held out, against accuracies on all n.

    A class that is not trained is right by luck alone: an accuracy above the share of all others is remarkable.
    """
    for given in facts.get("unshuffled_splits", ()):
        rows, corpus = given["rows"], given["corpus"]
        names = list(dict.fromkeys(label for label, _ in rows))
        labels = np.repeat([names.index(label) for label, _ in rows], [count for _, count in rows])
        n, out = len(labels), int(np.ceil(given["held_out_share"] * len(labels)))
        training, held_out = (np.bincount(part, minlength=len(names)) for part in (labels[:-out], labels[-out:]))
        known = int(np.isin(labels, np.flatnonzero(training)).sum())
        accuracies = [c for c in claims if (c.corpus, c.metric, c.n_clips) == (corpus, "accuracy", n)]
        above = [c for c in accuracies if round(c.value * n) > known]
        printed = [f"{name(c)} {figure(c)} is {'more' if c in above else 'no more'}" for c in accuracies]
        statement = (
            f"{corpus}: of rows in the order {', '.join(f'{label} {count}' for label, count in rows)} the last {out} "
            f"are held out, not shuffled; for training are {of(training.tolist())} ({', '.join(names)}), held out "
            f"{of(held_out.tolist())}; all rows of the classes in training are {known}/{n}, {100 * known / n:.2f}%; "
            f"{listed(printed)}."
        )
        yield note("The split of the public code, unshuffled", statement, not above, str(given["source"]))
