"""Compare figures that the text repeats with those of the tables."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from common.audit.basics import by_arithmetic, figures
from common.audit.finding import Finding
from common.contract import Claim
from common.errors import listed
from common.scoring.claims import Keys, keys

FACTS: Keys = {"repeated": keys("table", "rows", "source")}
"""The fact that this check reads."""


def repeated(facts: Mapping[str, Any], claims: Sequence[Claim]) -> Iterator[Finding]:
    """`repeated`: [name, corpus, metric, digits] as printed outside the `table`."""
    for given in facts.get("repeated", ()):
        table = {(f.name, f.corpus, f.metric): f for f in figures(facts, claims) if f.source in given["table"]}
        wrong = []
        for name, corpus, metric, printed in given["rows"]:
            held = table[name, corpus, metric]
            if printed != held.text.removesuffix("%"):
                wrong.append(f"{name} on {corpus}: {held.text} there, {printed} here")
        rows = len(given["rows"])
        statement = f"{rows - len(wrong)} of {rows} figures from {listed(given['table'])} have the same digits"
        statement += f" here{'; ' + listed(wrong) if wrong else ''}."
        yield by_arithmetic("Figures printed twice", statement, not wrong, str(given["source"]))
