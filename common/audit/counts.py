"""Compare printed counts with each other: classes, corpora, sums."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from common.audit.basics import by_arithmetic, composites, plus, source
from common.audit.finding import Finding
from common.scoring.claims import Keys, keys

FACTS: Keys = {**keys("class_counts", "class_totals"), "sums": keys("what", "parts", "times", "total", "source")}
"""The facts that these checks read."""


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
