"""The two tables of numbers in a report, all printed numbers and all other scores, with their rules and notes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

from common.protocols.controls import CONTROLS
from common.report import reliability_tables, tables
from common.report.formatting import (
    DASH,
    VERDICTS,
    corpus_name,
    count,
    decimals,
    many,
    metric_name,
    number,
    selection_name,
    sentence,
)
from common.report.records import Report
from common.scoring.records import Comparison
from common.scoring.verdicts import METRICS

_LISTED = 12
"""The first page names this many printed numbers per verdict."""
MEANINGS = {
    "MATCH": "Reproduced: within 0.01 (1 percentage point) of the printed number.",
    "CLOSE": "Reproduced within its uncertainty: the printed number lies in the 95% interval.",
    "DIFFERS": "Not reproduced: the printed number lies outside the 95% interval, or there is no interval.",
    "NOT_COMPARABLE": "Measured, but under other conditions:",
    "INCOMPLETE": "Some folds or clips are missing:",
    "NOT_RUN": "Nothing measured:",
}


class Marks:
    """Texts numbered in the order of their first use."""

    def __init__(self) -> None:
        self.texts: list[str] = []

    def of(self, texts: Iterable[str]) -> list[int]:
        """Return the numbers of these texts, from 1, in ascending order; new texts get new numbers."""
        places = set()
        for text in texts:
            if text not in self.texts:
                self.texts.append(text)
            places.add(self.texts.index(text) + 1)
        return sorted(places)


def letters(place: int) -> str:
    """Return the name of a rule by its number: A to Z, then A2 to Z2 and so on."""
    turn, letter = divmod(place - 1, 26)
    return chr(ord("A") + letter) + (str(turn + 1) if turn else "")


# ---------------------------------------------------------------- printed numbers


def own(printed: tables.Printed) -> Comparison:
    """Return the comparison of a printed number with its own variant; not run if the report has none."""
    claim = printed.claim
    if printed.own and printed.own.claim == claim:
        return printed.own
    return Comparison(
        experiment=claim.experiment,
        variant=claim.variant,
        corpus=claim.corpus,
        protocol=printed.own.protocol if printed.own else "",
        selection=printed.own.selection if printed.own else "",
        metric=claim.metric,
        claim=claim,
        score=None,
        verdict="NOT_RUN",
        outcome=("this number has not been compared",),
        conditions=(),
        command="",
    )


def rule(c: Comparison) -> str:
    """Return the protocol and selection rule of a comparison in words."""
    return f"{c.protocol or DASH}; {selection_name(c.selection) or DASH}"


def printed_rows(report: Report, rules: Marks) -> list[dict[str, str]]:
    """One row per printed number in the paper's order: its own variant, the leak-free twin, the verdict; all strings.

    Numbers have the decimals of the printed one. `rule` is a letter for protocol and selection rule.
    """
    rows = []
    for p in tables.printed(report):
        claim, c = p.claim, own(p)
        scale = decimals(claim.printed), claim.unit == "%"
        cells = tables.cells(report, c, scale)
        twin = number(p.twin.score.value * (100 if scale[1] else 1), scale[0]) if p.twin and p.twin.score else DASH
        rows.append(
            {
                "source": claim.source,
                "experiment": f"{claim.experiment}/{claim.variant}",
                "rule": letters(rules.of([rule(c)])[0]),
                "corpus": cells["corpus"],
                "metric": cells["metric"],
                "published": claim.printed,
                "reproduced": cells["reproduced"],
                "interval": _interval(cells),
                "twin": "itself" if p.leak_free else f"{twin} ({p.twin.variant})" if p.twin else DASH,
                "chance": cells["chance"],
                "verdict": c.verdict,
                "label": VERDICTS.get(c.verdict, c.verdict),
            }
        )
    return rows


def _interval(cells: dict[str, str]) -> str:
    return f"{cells['low']} to {cells['high']}" if DASH not in (cells["low"], cells["high"]) else DASH


def summary(report: Report) -> dict[str, Any]:
    """Count the printed numbers by verdict: a sentence, and rows of verdict, count and what is behind it."""
    compared = [own(p) for p in tables.printed(report)]
    if not compared:
        return {"sentence": "The paper prints no number about its own systems.", "rows": []}
    counts = Counter(c.verdict for c in compared)
    reproduced, missed = counts["MATCH"] + counts["CLOSE"], counts["DIFFERS"]
    unsure = counts["NOT_COMPARABLE"] + counts["INCOMPLETE"]
    clauses = [
        f"{count(reproduced)} reproduced",
        f"{count(missed)} not reproduced",
        *([f"{count(unsure)} not comparable or incomplete"] if unsure else []),
        *([f"{count(counts['NOT_RUN'])} not run"] if counts["NOT_RUN"] else []),
    ]
    text = f"The paper prints {many(len(compared), 'number')} about its own systems: {', '.join(clauses)}."
    rows = []
    for verdict in VERDICTS:
        of = [c for c in compared if c.verdict == verdict]
        if of:
            compares = verdict in ("MATCH", "CLOSE", "DIFFERS")
            rows.append(
                {
                    "verdict": verdict,
                    "label": VERDICTS[verdict],
                    "count": count(len(of)),
                    "meaning": MEANINGS[verdict],
                    "which": _named(report, of) if compares else _reasons(of),
                }
            )
    return {"sentence": text, "rows": rows}


def _named(report: Report, compared: Sequence[Comparison]) -> str:
    names = [
        f"{c.claim.source}: {metric_name(c.metric)} on {corpus_name(report, c.corpus)} ({c.experiment})"
        for c in compared
        if c.claim
    ]
    more = f"; and {count(len(names) - _LISTED)} more" if len(names) > _LISTED else ""
    return "; ".join(names[:_LISTED]) + more


def _reasons(compared: Sequence[Comparison]) -> str:
    reasons = Counter(part for c in compared for part in dict.fromkeys((*c.outcome, *c.conditions)))
    shown = reasons.most_common(_LISTED)
    return "; ".join(part if n == len(compared) else f"{part} ({many(n, 'number')})" for part, n in shown)


# ---------------------------------------------------------------- all other scores


def score_rows(report: Report, rules: Marks) -> list[dict[str, Any]]:
    """One row per experiment that ran and corpus, with UF1, UAR and accuracy; below it its controls.

    A score of another metric, which is not the printed number of its own variant, has a row of its own: `metric` names
    it and `cells` holds it alone. `name` is empty where it is that of the row above.
    """
    controls = _controls(report)
    free = {(e.name, e.variant): e.leak_free for e in report.paper.experiments}
    everywhere = tables.scales(report.comparisons)
    rows: list[dict[str, Any]] = []
    for group in tables.groups(report):
        if not any(c.score for c in group):
            continue
        first = group[0]
        name = f"{first.experiment}/{first.variant}"
        scales = tables.scales(group)  # one unit for a metric in the whole table
        scales = {m: scale if scale[1] == everywhere[m][1] else everywhere[m] for m, scale in scales.items()}
        by_corpus: dict[str, dict[str, Comparison]] = {}
        for c in group:
            by_corpus.setdefault(c.corpus, {})[c.metric] = c
        for i, (corpus, metrics) in enumerate(by_corpus.items()):
            main = [metrics[m] for m in METRICS if m in metrics]
            spoilt = controls.get(name, {}) if i == 0 else {}
            common = {
                "corpus": corpus_name(report, corpus),
                "leak_free": free.get((first.experiment, first.variant)) is not False,
            }
            if main:
                shown = {c.metric: tables.cells(report, c, scales[c.metric]) for c in main}
                levels = [shown[m]["brief_chance"] if m in shown else DASH for m in METRICS]
                known = next((c for c in shown.values() if c["clips"] != DASH), shown[main[0].metric])
                rows.append(
                    common
                    | {
                        "kind": "score",
                        "name": name if i == 0 else "",
                        "rule": letters(rules.of([rule(main[0])])[0]),
                        "cells": [_score(shown.get(m)) for m in METRICS],
                        "above": spoilt.get(reliability_tables.AS_IT_IS, {}).get("above", [False] * len(METRICS)),
                        "chance": " / ".join(levels) if set(levels) != {DASH} else DASH,
                        "clips": known["clips"],
                        "folds": known["folds"],
                        "comparisons": main,
                    }
                )
            for control, title in CONTROLS.items():
                if by_metric := spoilt.get(control, {}).get("scores"):
                    shown = {m: tables.cells(report, c, scales[m]) for m, c in by_metric.items() if m in scales}
                    entry: dict[str, Any] = {
                        "kind": "control",
                        "metric": title.removeprefix("control: "),
                        "comparisons": [],
                    }
                    entry |= {"cells": [_score(shown.get(m)) for m in METRICS], "above": spoilt[control]["above"]}
                    entry |= {key: next((cell[key] for cell in shown.values()), DASH) for key in ("clips", "folds")}
                    rows.append(common | entry)
            for c in metrics.values():
                if c.metric not in METRICS and c.score and not (c.claim and c.claim.variant == c.variant):
                    cell = tables.cells(report, c, scales[c.metric])
                    entry = {"kind": "metric", "metric": cell["metric"], "cells": [_score(cell)]}
                    entry |= {"chance": cell["brief_chance"], "clips": cell["clips"], "folds": cell["folds"]}
                    rows.append(common | entry | {"rule": letters(rules.of([rule(c)])[0]), "comparisons": [c]})
    return rows


def _score(cell: dict[str, str] | None) -> dict[str, str]:
    """A score as its value and its interval, which is empty if there is none."""
    if cell is None:
        return {"value": DASH, "interval": ""}
    percent = cell["metric"].endswith(", %") and cell["reproduced"] != DASH
    return {"value": cell["reproduced"] + ("%" if percent else ""), "interval": cell["brief"]}


def _controls(report: Report) -> dict[str, dict[str, dict[str, Any]]]:
    """The controls that ran by experiment id: by control, the comparisons by metric and which are above guessing."""
    above: dict[tuple[str, str], list[bool]] = {}
    for row in reliability_tables.control_rows(report):
        for control, cell in zip((reliability_tables.AS_IT_IS, *CONTROLS), row["cells"], strict=True):
            above.setdefault((row["experiment"], control), []).append(cell["above"])
    return {
        experiment.id: {
            control: {"scores": by_metric, "above": above[experiment.id, control]}
            for control, by_metric in by_control.items()
        }
        for experiment, _, by_control in reliability_tables.controlled(report)
    }


# ---------------------------------------------------------------- both, with their notes


def view(report: Report) -> dict[str, Any]:
    """Both tables with rules and notes, each listed once for the whole report; `shared` are notes of every score."""
    rules, notes = Marks(), Marks()
    printed, scores = printed_rows(report, rules), score_rows(report, rules)
    compared = [own(p) for p in tables.printed(report)]
    conditions = [c.conditions for c in report.comparisons if c.score]
    shared = [text for text in (conditions or [()])[0] if all(text in those for those in conditions)]
    about = {(e.name, e.variant): e.note for e in report.paper.experiments}

    def numbered(comparisons: Sequence[Comparison], claims: bool) -> str:
        texts = [text for c in comparisons for text in c.conditions if text not in shared]
        printed_notes = [c.claim.note for c in comparisons if claims and c.claim and c.claim.note]
        texts += [f"On the published number: {note}" for note in printed_notes]
        texts += [note for c in comparisons if (note := about.get((c.experiment, c.variant)))]
        return ", ".join(map(str, notes.of(dict.fromkeys(texts))))

    for row, c in zip(printed, compared, strict=True):
        row["notes"] = numbered([c], claims=True)
    for entry in scores:
        entry["notes"] = numbered(entry.pop("comparisons"), claims=False)
    return {
        "verdicts": summary(report),
        "printed": printed,
        "scores": scores,
        "rules": [f"{letters(place)}: {text}" for place, text in enumerate(rules.texts, 1)],
        "shared": shared,
        "notes": [sentence(text) for text in notes.texts],
    }


# ---------------------------------------------------------------- what did not run


def missing(report: Report) -> dict[str, Any]:
    """What is missing: the variants that run only on request, and the command that completes all others.

    `variants` has a row of experiments and variants for each set of variants, `commands` one command for all
    experiments whose own commands differ only in the name.
    """
    by_experiment: dict[str, list[str]] = {}
    for variant in tables.waiting(report):
        name, _, kind = variant["id"].partition("/")
        by_experiment.setdefault(name, []).append(kind)
    by_kinds: dict[tuple[str, ...], list[str]] = {}
    for name, kinds in by_experiment.items():
        by_kinds.setdefault(tuple(kinds), []).append(name)
    left_out = {variant["id"] for variant in tables.unrequested(report)}
    commands: dict[str, dict[str, None]] = {}
    for c in report.comparisons:
        name = f"{c.experiment}/{c.variant}"
        if c.verdict == "NOT_RUN" and c.command and name not in left_out:
            start, option, end = c.command.partition(" --experiment ")
            whole = bool(option) and end == name
            commands.setdefault(start + option if whole else c.command, {}).update({name: None} if whole else {})
    return {
        "variants": [[", ".join(names), ", ".join(kinds)] for kinds, names in by_kinds.items()],
        "commands": [" ".join([start.rstrip(), *names]) for start, names in commands.items()],
    }
