"""Printed counts of clips and parameters: against each other, the corpora and the models."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from common.audit.basics import composites, of, plus, row, source
from common.types import Finding


def totals(facts: Mapping[str, Any]) -> Iterator[Finding]:
    """`class_counts` (corpus to class to clips) against `class_totals`, and corpora against their composite."""
    counts: Mapping[str, Mapping[str, int]] = facts.get("class_counts", {})
    for corpus, total in facts.get("class_totals", {}).items():
        parts = list(counts[corpus].values())
        statement = f"{corpus}: {plus(parts)} = {sum(parts)}, printed {total}."
        yield Finding("Class counts add up", statement, sum(parts) == total, source(facts, "class_counts"))
    for name in composites(facts):
        for label, printed in counts[name].items():
            parts = [counts[corpus][label] for corpus in counts if corpus != name]
            statement = f"{label}: {plus(parts)} = {sum(parts)}, printed {printed}."
            yield Finding(
                "Corpora add up to the composite", statement, sum(parts) == printed, source(facts, "class_counts")
            )


def split_counts(facts: Mapping[str, Any]) -> Iterator[Finding]:
    """`split_counts` (corpus to class or `total` to training and validation clips) against the class counts."""
    for corpus, split in facts.get("split_counts", {}).items():
        whole = facts["class_counts"][corpus] | {"total": facts["class_totals"][corpus]}
        wrong = [name for name, parts in split.items() if sum(parts) != whole[name]]
        rows = "; ".join(f"{name} {plus(parts)} = {sum(parts)}" for name, parts in split.items())
        printed = f", printed {', '.join(f'{name} {whole[name]}' for name in wrong)}" if wrong else ", as printed"
        yield Finding("Training and validation add up", f"{corpus}: {rows}{printed}.", not wrong, _split(facts))
        for place, column in enumerate(("training", "validation")):
            parts = [numbers[place] for name, numbers in split.items() if name != "total"]
            total = split["total"][place]
            statement = f"{corpus}, {column}: {plus(parts)} = {sum(parts)}, printed {total}."
            yield Finding("Training and validation add up", statement, sum(parts) == total, _split(facts))


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
        found = {
            "training": np.bincount(labels[order[held_out:]], minlength=len(names)).tolist(),
            "validation": np.bincount(labels[order[:held_out]], minlength=len(names)).tolist(),
        }
        printed = facts["split_counts"][given["corpus"]]
        for place, column in enumerate(("training", "validation")):
            theirs = [printed[name][place] for name in names]
            statement = (
                f"{given['corpus']}, {column}: labels of {of(counts)} clips ({', '.join(names)}), split by seed "
                f"{given['seed']}, give {of(found[column])}, printed {of(theirs)}."
            )
            yield Finding("The split of the public code", statement, found[column] == theirs, str(given["source"]))


def against_documented(facts: Mapping[str, Any], documented: Mapping[str, Any]) -> Iterator[Finding]:
    """Class counts, `sequences`, `participants` and `micro_expressions` against the corpora's own numbers.

    `dropped` (corpus to a rule in words) says why a printed count may lie below the corpus' own.
    """
    yield from _classes(facts, documented)
    for topic, ours in (("sequences", "clips"), ("participants", "subjects")):
        for corpus, printed in facts.get(topic, {}).items():
            if (known := documented[ours].get(corpus)) is not None:
                statement = f"{corpus}: printed {printed} {topic}; the distributed table has {known}."
                yield Finding(
                    f"{topic.capitalize()} against the corpora", statement, printed == known, source(facts, topic)
                )
    for corpus, printed in facts.get("micro_expressions", {}).items():
        if (known := documented.get("micro_expressions", {}).get(corpus)) is not None:
            statement = (
                f"{corpus}: printed {printed} videos of micro-expressions; the distributed table annotates {known} "
                "micro-expressions."
            )
            where = source(facts, "micro_expressions")
            yield Finding("Micro-expressions against the corpora", statement, printed <= known, where)


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
        yield Finding("Class counts against the recordings", statement, holds, source(facts, "recordings"))


def _classes(facts: Mapping[str, Any], documented: Mapping[str, Any]) -> Iterator[Finding]:
    """By the composite's rule where the paper has one, else by the emotions that the corpus itself distinguishes."""
    by_rule = bool(composites(facts))
    for corpus, counts in facts.get("class_counts", {}).items():
        if by_rule:
            if not (known := documented["class_counts"].get(corpus)):
                continue
            statement = (
                f"{corpus}: printed {row(counts)}; the MEGC 2019 rule on the corpora's tables gives {row(known)}."
            )
            holds = dict(counts) == dict(known)
        else:
            releases = {
                name: {emotion: by_emotion[emotion] for emotion in counts}
                for name, by_emotion in documented["emotions"].get(corpus, {}).items()
                if set(counts) <= set(by_emotion)
            }
            if not releases:
                continue
            name, known = next((one for one in releases.items() if one[1] == counts), next(iter(releases.items())))
            statement = f"{corpus}: printed {row(counts)}; the distributed corpus ({name}) has {row(known)}"
            rule = facts.get("dropped", {}).get(corpus)
            above = {name: n for name, n in counts.items() if n > known[name]}
            statement += f" before {rule}" if rule else ""
            statement += f"; the printed {row(above)} lies above it." if above else "."
            holds = not above if rule else dict(counts) == dict(known)
        yield Finding("Class counts against the corpora", statement, holds, source(facts, "class_counts"))


def parameters(facts: Mapping[str, Any], built: Mapping[str, int]) -> Iterator[Finding]:
    """The printed number of `parameters` against the models as built."""
    if "parameters" in facts and "parameters" in built:
        printed, found = facts["parameters"], built["parameters"]
        statement = f"Printed {printed:,} parameters; the models built here have {found:,}."
        yield Finding("Parameters against the models", statement, printed == found, source(facts, "parameters"))
