"""The checks that only this paper needs: a joined set of corpora, differences, bounds and wins in the text."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from common.audit.basics import by_arithmetic, decimals, figure, figures, near, note, plus, prints_as
from common.audit.finding import Finding
from common.audit.proportions import percent
from common.contract import Claim
from common.errors import listed
from common.scoring.claims import ANY, Keys, keys

FACTS: Keys = {
    "more_clips": keys("joined", "more", "folds", "source"),
    "joined_results": {**keys("joined", "folds", "source"), "rows": {**keys("whole"), "parts": keys(ANY)}},
    "differences": keys("rows", "about", "source"),
    "bounds": keys("table", "experiments", "above", "below", "source"),
    "wins": keys("table", "models", "rows", "winner", "printed", "last", "last_source", "source"),
}
"""The facts of this paper alone."""


def audit(facts: Mapping[str, Any], claims: Sequence[Claim]) -> Iterator[Finding]:
    """The findings of these checks."""
    yield from joined_sets(facts)
    yield from joined_results(facts, claims)
    yield from differences(facts, claims)
    yield from bounds(facts, claims)
    yield from wins(facts, claims)


def joined_sets(facts: Mapping[str, Any]) -> Iterator[Finding]:
    """`more_clips`: how many clips `more` a joined set is said to have than its parts (`joined`), tested in `folds`."""
    for given in facts.get("more_clips", ()):
        parts = {name: sum(facts["class_counts"][name].values()) for name in facts["joined"][given["joined"]]}
        whole, trained = sum(parts.values()), 1 - 1 / given["folds"]
        more = {name: whole - n for name, n in parts.items()}
        training = {name: round(trained * n) for name, n in more.items()}
        printed = given["more"]
        terms = [f"{n} more than {name} ({training[name]} of them for training)" for name, n in more.items()]
        statement = (
            f"{given['joined']}: {plus(parts.values())} = {whole} clips are {listed(terms)}, and "
            f"{round(trained * whole)} in total are for training, in {given['folds']} folds; printed {printed} more"
        )
        holds = printed in (*more.values(), *training.values(), round(trained * whole))
        statement += ", which are all for training." if printed == round(trained * whole) else "."
        yield by_arithmetic("Clips of a joined set", statement, holds, str(given["source"]))


def joined_results(facts: Mapping[str, Any], claims: Sequence[Claim]) -> Iterator[Finding]:
    """`joined_results`: what an accuracy on a joined set implies for its parts, beside the accuracies on these alone.

    If all clips of the other parts are right, so must be at least this share of the part. The accuracy is a fraction of
    all clips, or a mean over `folds` folds of as equal sizes as possible, which needs the fewest right clips if the
    smallest folds have them. More clips for training may explain any accuracy.
    """
    for given in facts.get("joined_results", ()):
        clips = {name: sum(facts["class_counts"][name].values()) for name in facts["joined"][given["joined"]]}
        n, terms, above = sum(clips.values()), [], 0
        for names in given["rows"]:
            (whole,) = (c for c in claims if (c.experiment, c.source) == (names["whole"], given["source"]))
            lowest = whole.value - 0.01 * 10.0 ** -decimals(whole.printed)
            right = next(k for k in range(n + 1) if _highest_mean(k, n, given["folds"]) > lowest + 1e-9)
            parts = []
            for corpus, experiment in names["parts"].items():
                (alone,) = (c for c in claims if (c.experiment, c.source) == (experiment, given["source"]))
                least = max(0, right - (n - clips[corpus]))
                above += least / clips[corpus] > alone.value
                parts.append(
                    f"{least}/{clips[corpus]} = {percent(least / clips[corpus])} of {corpus} ({figure(alone)} alone)"
                )
            terms.append(f"{whole.experiment} {figure(whole)}: {right} of {n} clips and so at least {listed(parts)}")
        statement = f"{given['joined']}: {'; '.join(terms)}, even if all clips of the other corpus are right."
        yield note("Parts of a joined set", statement, not above, str(given["source"]))


def _highest_mean(right: int, clips: int, folds: int) -> float:
    """The highest mean accuracy over folds of nearly equal sizes with so many right clips: the smallest are full."""
    shares = []
    for size in sorted((clips + number) // folds for number in range(folds)):
        shares.append(min(right, size) / size)
        right -= min(right, size)
    return sum(shares) / folds


def differences(facts: Mapping[str, Any], claims: Sequence[Claim]) -> Iterator[Finding]:
    """`differences`: [minuend, subtrahend, difference] as the text prints them, one finding per source.

    Minuend and subtrahend must be printed figures; with `about`, the difference may be off by a tenth.
    """
    known = {claim.printed for claim in claims}
    for given in facts.get("differences", ()):
        about, wrong = bool(given.get("about")), []
        for a, b, printed in given["rows"]:
            difference = round(float(a) - float(b), 6)
            if unknown := [text for text in (a, b) if text not in known]:
                wrong.append(f"{listed(unknown)} is in no table")
            elif not (near(difference, printed) if about else prints_as(np.array([difference]), printed).any()):
                wrong.append(f"{a} - {b} is {difference:.1f}, printed {printed}")
        rows = len(given["rows"])
        statement = f"{rows - len(wrong)} of {rows} {'approximate' if about else 'exact'} differences in the text "
        statement += f"{'lie within a tenth of' if about else 'follow from'} the table"
        statement += f"{'; ' + listed(wrong) if wrong else ''}."
        yield by_arithmetic("Differences in the text", statement, not wrong, str(given["source"]))


def bounds(facts: Mapping[str, Any], claims: Sequence[Claim]) -> Iterator[Finding]:
    """`bounds`: experiments of a table whose figures are all said to lie `above` or `below` a number."""
    for given in facts.get("bounds", ()):
        own_figures = [
            figure
            for figure in figures(facts, claims)
            if figure.own and figure.name in given["experiments"] and figure.source == given["table"]
        ]
        side = "above" if "above" in given else "below"
        limit = float(given[side]) / 100
        wrong = [f for f in own_figures if (f.value <= limit if side == "above" else f.value >= limit)]
        edge = (min if side == "above" else max)(own_figures, key=lambda f: f.value)
        statement = f"{len(own_figures) - len(wrong)} of {len(own_figures)} figures lie {side} {given[side]}%; the "
        statement += f"{'lowest' if side == 'above' else 'highest'} is {edge.text} ({edge.name})."
        yield by_arithmetic("Bounds in the text", statement, not wrong, str(given["source"]))


def wins(facts: Mapping[str, Any], claims: Sequence[Claim]) -> Iterator[Finding]:
    """`wins`: the number of `rows` of a table in which one of several `models` has the highest figure, and `printed`.

    Experiments are named `model-row`; `last` lists rows that are said to have the lowest means.
    """
    for given in facts.get("wins", ()):
        value = {f.name: f for f in figures(facts, claims) if f.own and f.source == given["table"]}
        rows = {row: [value[f"{model}-{row}"] for model in given["models"]] for row in given["rows"]}
        best = {row: max(cells, key=lambda f: f.value) for row, cells in rows.items()}
        lost = [row for row, leader in best.items() if leader.name != f"{given['winner']}-{row}"]
        won = len(rows) - len(lost)
        terms = [f"{row} ({best[row].name} {best[row].text})" for row in lost]
        statement = f"{given['winner']} has the highest figure of {won} of {len(rows)} rows"
        statement += f"{', not of ' + listed(terms) if lost else ''}; printed {given['printed']} of {len(rows)}."
        yield by_arithmetic("Wins in the text", statement, won == given["printed"], str(given["source"]))
        if last := given.get("last"):
            averages = {row: float(np.mean([f.value for f in cells])) for row, cells in rows.items()}
            ranked = sorted(averages, key=averages.__getitem__)
            statement = (
                f"means of rows are {listed([f'{row} {100 * averages[row]:.2f}%' for row in ranked])}; the text "
            )
            statement += f"has {listed(last)} as the lowest."
            holds = set(ranked[: len(last)]) == set(last)
            yield by_arithmetic("Means of rows", statement, holds, str(given["last_source"]))
