"""Printed counts against each other: classes, splits, sums."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from common.audit.basics import by_arithmetic, by_documents, composites, listed, of, plus, source
from common.audit.finding import Finding


def totals(facts: Mapping[str, Any]) -> Iterator[Finding]:
    """`class_counts` (corpus to class to clips) against `class_totals`, and corpora against their composite."""
    counts: Mapping[str, Mapping[str, int]] = facts.get("class_counts", {})
    for corpus, total in facts.get("class_totals", {}).items():
        parts = list(counts[corpus].values())
        statement = f"{corpus}: {plus(parts)} = {sum(parts)}, printed {total}."
        yield by_arithmetic("Class counts add up", statement, sum(parts) == total, source(facts, "class_counts"))
    for name in composites(facts):
        for label, printed in counts[name].items():
            parts = [counts[corpus][label] for corpus in counts if corpus != name]
            statement = f"{label}: {plus(parts)} = {sum(parts)}, printed {printed}."
            yield by_arithmetic(
                "Corpora add up to the composite", statement, sum(parts) == printed, source(facts, "class_counts")
            )


def sums(facts: Mapping[str, Any]) -> Iterator[Finding]:
    """`sums`: parts whose sum is printed too (`total`), or their product where `times`; `what` they count."""
    for given in facts.get("sums", ()):
        parts, printed = given["parts"], given["total"]
        computed = int(np.prod(parts)) if given.get("times") else sum(parts)
        terms = " x ".join(map(str, parts)) if given.get("times") else plus(parts)
        statement = f"{given['what']}: {terms} = {computed}, printed {printed}."
        yield by_arithmetic("Sums and products in the text", statement, computed == printed, str(given["source"]))


def split_counts(facts: Mapping[str, Any]) -> Iterator[Finding]:
    """`split_counts` (corpus to class or `total` to training and validation clips) against the class counts.

    And their totals against `split_percent`, the two shares as printed: within a clip of them.
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
        f"validation, printed {of(clips)}."
    )
    return by_arithmetic("Shares of training and validation", statement, holds, source(facts, "split_percent"))


def _split(facts: Mapping[str, Any]) -> str:
    return source(facts, "split_counts")


def seeded_splits(facts: Mapping[str, Any]) -> Iterator[Finding]:
    """`seeded_splits`: labels in order, a share and a seed of scikit-learn's train_test_split, against `split_counts`.

    That function holds out the first ceil(share n) rows of numpy's legacy permutation.
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


def recordings(facts: Mapping[str, Any]) -> Iterator[Finding]:
    """Class counts against `recordings` (corpus to class to stimuli and participants), each filmed once."""
    for corpus, known in facts.get("recordings", {}).items():
        counts = facts["class_counts"][corpus]
        rows = [
            f"{name} {stimuli} x {people} = {stimuli * people}, printed {counts[name]}"
            for name, (stimuli, people) in known.items()
        ]
        holds = all(counts[name] <= stimuli * people for name, (stimuli, people) in known.items())
        statement = f"{corpus}: stimuli x participants, each filmed once, are at most {'; '.join(rows)}."
        yield by_documents("Class counts against the recordings", statement, holds, source(facts, "recordings"))


def joined_sets(facts: Mapping[str, Any]) -> Iterator[Finding]:
    """`more_clips`: how many clips a joined set is said to have `more` than its parts (`joined`), tested in `folds`."""
    for given in facts.get("more_clips", ()):
        parts = {name: sum(facts["class_counts"][name].values()) for name in facts["joined"][given["joined"]]}
        whole, trained = sum(parts.values()), 1 - 1 / given["folds"]
        more = {name: whole - n for name, n in parts.items()}
        training = {name: round(trained * n) for name, n in more.items()}
        printed = given["more"]
        terms = [f"{n} more than {name} ({training[name]} of them for training)" for name, n in more.items()]
        statement = (
            f"{given['joined']}: {plus(parts.values())} = {whole} clips are {listed(terms)}, and "
            f"{round(trained * whole)} are for training in all, in {given['folds']} folds; printed {printed} more"
        )
        holds = printed in (*more.values(), *training.values(), round(trained * whole))
        statement += ", which are all for training." if printed == round(trained * whole) else "."
        yield by_arithmetic("Clips of a joined set", statement, holds, str(given["source"]))
