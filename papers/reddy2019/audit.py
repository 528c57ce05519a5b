"""The checks that only this paper needs: single splits, a grid of kernels, the spread of the last epochs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from common.audit.basics import Figure, by_arithmetic, by_documents, figure, figures, name, note, of, plus, source
from common.audit.finding import Finding
from common.contract import Claim
from common.errors import listed
from common.scoring.claims import Keys, keys

FACTS: Keys = {
    **keys("split_percent", "recordings"),
    "seeded_splits": keys("corpus", "labels", "held_out_share", "seed", "source"),
    "unshuffled_splits": keys("corpus", "rows", "held_out_share", "source"),
    "axes": keys("table", "prefix", "first", "second", "better", "source"),
    "steadier": keys("table", "metric", "less", "more", "source"),
}
"""The facts of this paper alone."""


def audit(facts: Mapping[str, Any], claims: Sequence[Claim]) -> Iterator[Finding]:
    """The findings of these checks."""
    yield from split_counts(facts)
    yield from seeded_splits(facts)
    yield from unshuffled_splits(facts, claims)
    yield from recordings(facts)
    yield from axes(facts, claims)
    yield from steadier(facts, claims)


def split_counts(facts: Mapping[str, Any]) -> Iterator[Finding]:
    """`split_counts` (corpus to class or `total` to training and validation clips) against the class counts.

    Their totals are also checked against `split_percent`, the two printed percentages, to within one clip.
    """
    for corpus, split in facts.get("split_counts", {}).items():
        whole = facts["class_counts"][corpus] | {"total": facts["class_totals"][corpus]}
        wrong = [name for name, parts in split.items() if sum(parts) != whole[name]]
        rows = "; ".join(f"{name} {plus(parts)} = {sum(parts)}" for name, parts in split.items())
        printed = f", printed {', '.join(f'{name} {whole[name]}' for name in wrong)}" if wrong else ", as printed"
        yield by_arithmetic("Training and validation add up", f"{corpus}: {rows}{printed}.", not wrong, _split(facts))
        for place, column in enumerate(("training", "validation")):
            parts = [numbers[place] for name, numbers in split.items() if name != "total"]
            total = split["total"][place]
            statement = f"{corpus}, {column}: {plus(parts)} = {sum(parts)}, printed {total}."
            yield by_arithmetic("Training and validation add up", statement, sum(parts) == total, _split(facts))
        if shares := facts.get("split_percent"):
            yield _shares(facts, corpus, split["total"], shares)


def _shares(facts: Mapping[str, Any], corpus: str, clips: list[int], percent: list[int]) -> Finding:
    wanted = [share * sum(clips) / 100 for share in percent]
    holds = all(abs(n - share) < 1 for n, share in zip(clips, wanted, strict=True))
    statement = (
        f"{corpus}: {of(percent)}% of {sum(clips)} clips are {of(f'{share:.1f}' for share in wanted)} for training and "
        f"validation; printed {of(clips)}."
    )
    return by_arithmetic("Shares of training and validation", statement, holds, source(facts, "split_percent"))


def _split(facts: Mapping[str, Any]) -> str:
    return source(facts, "split_counts")


def seeded_splits(facts: Mapping[str, Any]) -> Iterator[Finding]:
    """`seeded_splits`: labels in order, a fraction and a seed for scikit-learn's train_test_split, and `split_counts`.

    That function holds out the first ceil(fraction n) rows of numpy's legacy permutation.
    """
    for given in facts.get("seeded_splits", ()):
        names, counts = list(given["labels"]), list(given["labels"].values())
        labels = np.repeat(np.arange(len(names)), counts)
        held_out = int(np.ceil(given["held_out_share"] * len(labels)))
        order = np.random.RandomState(given["seed"]).permutation(len(labels))
        drawn = {
            "training": np.bincount(labels[order[held_out:]], minlength=len(names)).tolist(),
            "validation": np.bincount(labels[order[:held_out]], minlength=len(names)).tolist(),
        }
        printed = facts["split_counts"][given["corpus"]]
        for place, column in enumerate(("training", "validation")):
            theirs = [printed[name][place] for name in names]
            statement = (
                f"{given['corpus']}, {column}: labels of {of(counts)} clips ({', '.join(names)}), split by seed "
                f"{given['seed']}, give {of(drawn[column])}, printed {of(theirs)}."
            )
            yield by_documents("The split of the public code", statement, drawn[column] == theirs, str(given["source"]))


def unshuffled_splits(facts: Mapping[str, Any], claims: Sequence[Claim]) -> Iterator[Finding]:
    """`unshuffled_splits`: rows (class, count) in order, the last ceil(fraction n) held out, and accuracies on all n.

    Rows of a class that is not in training can be correct only by luck: an accuracy above the fraction of all other
    rows is remarkable.
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
        printed = [f"{name(c)} {figure(c)} is {'above' if c in above else 'not above'} this" for c in accuracies]
        statement = (
            f"{corpus}: without shuffling, the last {out} of the rows, in the order "
            f"{', '.join(f'{label} {count}' for label, count in rows)}, are held out; "
            f"{of(training.tolist())} rows ({', '.join(names)}) are for training, "
            f"{of(held_out.tolist())} held out; all rows of the classes in training are {known}/{n}, "
            f"{100 * known / n:.2f}%; {listed(printed)}."
        )
        yield note("The split of the public code, unshuffled", statement, not above, str(given["source"]))


def recordings(facts: Mapping[str, Any]) -> Iterator[Finding]:
    """Class counts against `recordings` (corpus to class to stimuli and participants), each pair filmed once."""
    for corpus, known in facts.get("recordings", {}).items():
        counts = facts["class_counts"][corpus]
        rows = [
            f"{name} {stimuli} x {people} = {stimuli * people}, printed {counts[name]}"
            for name, (stimuli, people) in known.items()
        ]
        holds = all(counts[name] <= stimuli * people for name, (stimuli, people) in known.items())
        statement = f"{corpus}: stimuli x participants, each pair filmed once, give at most {'; '.join(rows)}."
        yield by_documents("Class counts against the recordings", statement, holds, source(facts, "recordings"))


def axes(facts: Mapping[str, Any], claims: Sequence[Claim]) -> Iterator[Finding]:
    """`axes`: a grid of figures, each with its own metric (`prefix` and its place), and the better end of each axis.

    A place is `{first}x{first}x{second}`; `better` gives for each axis whether the text calls "less" or "more" of it
    better. This may refer to the means over the other axis, or to the place of the highest figure.
    """
    for given in facts.get("axes", ()):
        value = {claim.metric: claim for claim in claims if claim.source == given["table"]}
        grid = np.array(
            [[value[f"{given['prefix']}{a}x{a}x{b}"].value for b in given["second"]] for a in given["first"]]
        )
        for axis, (axis_name, better) in enumerate(given["better"].items()):
            averages = 100 * grid.mean(axis=1 - axis)
            sizes = given["first"] if axis == 0 else given["second"]
            terms = [f"{average:.2f}% at {size}" for size, average in zip(sizes, averages, strict=True)]
            end = 0 if better == "less" else len(sizes) - 1
            place = int(np.unravel_index(grid.argmax(), grid.shape)[axis])
            of_best = abs(place - end) < (len(sizes) - 1) / 2
            statement = f"means by {axis_name} are {listed(terms)}, and the highest figure is at {sizes[place]}"
            statement += f"; the text says that {better} is better."
            holds = int(np.argmax(averages)) == end or of_best
            yield by_arithmetic("Means along an axis", statement, holds, str(given["source"]))


def steadier(facts: Mapping[str, Any], claims: Sequence[Claim]) -> Iterator[Finding]:
    """`steadier`: a metric of a table that is said to be smaller on one corpus than on another, for each model.

    Experiments are named `model-corpus`.
    """
    for given in facts.get("steadier", ()):
        table = [c for c in claims if c.source == given["table"] and c.metric == given["metric"]]
        by_model: dict[str, dict[str, Figure]] = {}
        for cell in figures({}, table):
            by_model.setdefault(cell.name.rpartition("-")[0], {})[cell.corpus] = cell
        pairs = [(by_corpus[given["less"]], by_corpus[given["more"]]) for by_corpus in by_model.values()]
        right = [(a, b) for a, b in pairs if a.value < b.value]
        terms = [f"{a.text} against {b.text}" for a, b in pairs]
        statement = f"{given['metric']}: {len(right)} of {len(pairs)} are smaller on {given['less']} than on "
        statement += f"{given['more']} ({', '.join(terms)})."
        yield by_arithmetic("Spread by corpus", statement, right == pairs, str(given["source"]))
