"""The tables of numbers in a report, all printed numbers and all scores, with their notes, and what did not run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from common.errors import listed
from common.protocols.controls import CONTROLS
from common.report import tables
from common.report.formatting import DASH, VERDICTS, corpus_name, many, metric_name, selection_name, sentence
from common.report.records import Report
from common.report.reliability_tables import AS_IT_IS, Shown, controlled, table
from common.scoring.records import Comparison
from common.scoring.verdicts import METRICS

Notes = dict[str, int]
"""Texts numbered from 1 in the order of their first use, so that a report prints each once."""


def _numbered(notes: Notes, texts: Iterable[str]) -> str:
    return ", ".join(map(str, sorted({notes.setdefault(text, len(notes) + 1) for text in texts})))


# ---------------------------------------------------------------- printed numbers


def printed_rows(report: Report, notes: Notes, shared: Sequence[str] = ()) -> list[dict[str, str]]:
    """One row per printed number in the paper's order: its own variant, the leak-free twin, the verdict; all strings.

    Numbers have the decimals of the printed one. `notes` are by number; conditions that are `shared` have none.
    """
    rows = []
    for p in tables.printed(report):
        cells = tables.cells(report, p.comparison, p.claim)
        twin = f"{tables.cells(report, p.twin, p.claim)['reproduced']} ({p.twin.variant})" if p.twin else DASH
        about = [f"On the published number: {p.claim.note}"] if p.claim.note else []
        rows.append(
            {
                "source": p.claim.source,
                "experiment": f"{p.claim.experiment}/{p.claim.variant}",
                "twin": "itself" if p.leak_free else twin,
                **{f"others_{key}": text for key, text in tables.by_others(report, p.comparison).items()},
                **cells,
                "notes": _numbered(notes, [*_conditions(report, p.comparison, shared), *about]),
            }
        )
    return rows


def summary(report: Report) -> str:
    """Count the printed numbers by verdict, in one sentence."""
    verdicts = [p.comparison.verdict for p in tables.printed(report)]
    if not verdicts:
        return "The paper prints no number about its own systems."
    subject = "The paper prints"
    if quoting := report.paper.facts.get("quoted_by"):
        subject = f"The paper's text was not read; {listed(quoting)} quote{'s' if len(quoting) == 1 else ''}"
    subject += f" {many(len(verdicts), 'number')} about its own systems"
    if not report.comparable:
        return f"{subject}; none of them may be compared with scores on stand-in corpora."
    counts = Counter(verdicts)
    named = {"MATCH": "reproduced", "DIFFERS": "not reproduced"}
    told = [f"{counts[v]} {named.get(v, label)}" for v, label in VERDICTS.items() if counts[v] or v in named]
    return f"{subject}: {', '.join(told)}."


def _conditions(report: Report, c: Comparison, shared: Sequence[str]) -> list[str]:
    """What a reader of a score must know: how it was made, and why it may not be compared."""
    experiments = {(e.name, e.variant): e.note for e in report.paper.experiments}
    rule = [f"{c.protocol}; {selection_name(c.selection)}"] if c.score else []
    note = experiments.get((c.experiment, c.variant), "")
    return [text for text in (*rule, *c.conditions, note) if text and text not in shared]


# ---------------------------------------------------------------- all scores


def score_rows(report: Report, notes: Notes, shared: Sequence[str] = ()) -> Iterator[dict[str, Any]]:
    """One row per experiment that ran and corpus, with UF1, UAR and accuracy; below it its controls.

    A score of another metric that does not stand next to the printed number of its own variant has a row of its own:
    `metric` names it and `cells` holds it alone. `name` is empty where it is that of the row above.
    """
    with_controls, free = controlled(report), tables.leak_free(report)
    for group in tables.groups(report):
        name = f"{group[0].experiment}/{group[0].variant}"
        ran = with_controls.get(name, {})
        about = {"leak_free": free.get((group[0].experiment, group[0].variant)) is not False}
        for corpus in dict.fromkeys(c.corpus for c in group if c.score):
            by_metric = {c.metric: c for c in group if c.corpus == corpus and c.score}
            if main := {m: by_metric[m] for m in METRICS if m in by_metric}:
                conditions = [text for c in main.values() for text in _conditions(report, c, shared)]
                yield (
                    about
                    | {"kind": "score", "name": name, "corpus": corpus_name(report, corpus)}
                    | {
                        "notes": _numbered(notes, conditions),
                        **_cells(report, main, ran.get(AS_IT_IS)),
                    }
                )
            for control in CONTROLS if name else ():
                if control in ran:
                    cells = _cells(report, ran[control].comparisons, ran[control])
                    yield about | {"kind": "control", "name": "", "metric": CONTROLS[control], "notes": ""} | cells
            for c in by_metric.values():
                if c.metric not in METRICS and not (report.comparable and c.claim and c.claim.variant == c.variant):
                    cells = _cells(report, {c.metric: c}, None, (c.metric,))
                    told = _numbered(notes, _conditions(report, c, shared))
                    yield about | {"kind": "metric", "name": "", "metric": metric_name(c.metric), "notes": told} | cells
            name = ""  # it and the controls stand at the first corpus


def _cells(
    report: Report, by_metric: Mapping[str, Comparison], shown: Shown | None, metrics: Sequence[str] = METRICS
) -> dict[str, Any]:
    """The scores of a row, with three decimals whatever the paper prints, and what they have in common."""
    cells = {m: tables.cells(report, c, None) for m, c in by_metric.items()}
    first = next(iter(cells.values()), {})
    return {
        "cells": [
            {
                "value": cells[m]["reproduced"] if m in cells else DASH,
                "interval": cells[m]["brief"] if m in cells else "",
                "above": shown is not None and m in shown.above,
            }
            for m in metrics
        ],
        **{key: first.get(key, DASH) for key in ("chance", "picks", "clips", "folds")},
    }


def view(report: Report) -> dict[str, Any]:
    """Both tables and their notes, each listed once for the whole report; `shared` are notes of every score."""
    conditions = [_conditions(report, c, ()) for c in report.comparisons if c.score]
    shared = [text for text in (conditions or [[]])[0] if all(text in those for those in conditions)]
    notes: Notes = {}
    by_others = any(tables.others_of(report, p.comparison) for p in tables.printed(report))
    printed = printed_rows(report, notes, shared) if report.comparable or by_others else []
    scores = list(score_rows(report, notes, shared))
    return {
        "summary": summary(report),
        "quoted_by": listed(report.paper.facts.get("quoted_by", ())),
        "printed": printed,
        "by_others": by_others,
        "left_out": [sentence(line) for line in report.left_out],
        "scores": scores,
        "retrained": any(c.score is not None and c.score.p_test == "retraining" for c in report.comparisons),
        "shared": shared,
        "notes": [sentence(text) for text in notes],
    }


# ---------------------------------------------------------------- what did not run


def missing(report: Report) -> list[dict[str, Any]]:
    """Return a table of what did not run and why: a row for each reason, and for each set of variants on request."""
    by_reason: dict[str, list[str]] = {}
    for name, reason in report.unavailable.items():
        by_reason.setdefault(reason, []).append(name)
    by_experiment: dict[str, list[str]] = {}
    for variant in tables.waiting(report):
        name, _, kind = variant["id"].partition("/")
        if variant["id"] not in report.unavailable:
            by_experiment.setdefault(name, []).append(kind)
    by_kinds: dict[tuple[str, ...], list[str]] = {}
    for name, kinds in by_experiment.items():
        by_kinds.setdefault(tuple(kinds), []).append(name)
    rows = [[", ".join(names), reason] for reason, names in by_reason.items()]
    rows += [[", ".join(names), f"on request (--experiment): {', '.join(kinds)}"] for kinds, names in by_kinds.items()]
    return table("What did not run", "", ["Experiments", "Why, or how to run them"], rows, 2)


def count_missing(report: Report) -> str:
    """Return how many experiments, variants and controls did not run, in one sentence."""
    impossible = [e for e in report.paper.experiments if e.id in report.unavailable and not e.tuned_of]
    on_request = [variant for variant in tables.waiting(report) if variant["id"] not in report.unavailable]
    without = [row for row in report.learning if row.score and not row.control]
    counts = (
        (len(_left_out(report)), "experiment", " of the default run"),
        (len(impossible), "experiment", " that this data does not allow"),
        (len(on_request), "variant", " on request"),
        (len(without), "control", " without motion"),
    )
    return f"Not run: {listed([many(n, noun) + rest for n, noun, rest in counts if n]) or 'nothing is left'}."


def _left_out(report: Report) -> list[str]:
    """Return the experiments that could have run and did not."""
    left_out = {variant["id"] for variant in tables.unrequested(report)} | set(report.unavailable)
    names = dict.fromkeys(f"{c.experiment}/{c.variant}" for c in report.comparisons if c.verdict == "NOT_RUN")
    return [name for name in names if name not in left_out]


def command_for_missing(report: Report) -> str:
    """Return the command that runs what could have run and did not; empty if nothing is left."""
    to_run = _left_out(report)
    return f"{report.command} --experiment {' '.join(to_run)}" if to_run else ""
