"""The two tables of numbers in a report, all printed numbers and all other scores, with their rules and notes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from common.errors import listed
from common.report import tables
from common.report.formatting import (
    DASH,
    VERDICTS,
    corpus_name,
    count,
    decimals,
    many,
    metric_name,
    sentence,
)
from common.report.marks import Marks, rule_letter, rule_lines
from common.report.records import Report
from common.report.score_rows import score_rows
from common.scoring.records import Comparison
from common.scoring.verdicts import COMPARED

_LISTED = 12
"""The first page names this many printed numbers per verdict."""
_PRINTED_CELLS = ("corpus", "metric", "published", "reproduced", "interval", "chance", "picks", "verdict", "label")
MEANINGS = {
    "MATCH": "Reproduced: within 0.01 (1 percentage point) of the printed number, a deviation within a tenth of it.",
    "CLOSE": "Not distinguishable from the printed number, which lies in the 95% interval: not shown to be the same.",
    "DIFFERS": "Not reproduced: the printed number lies outside the 95% interval, or there is no interval.",
    "NOT_COMPARABLE": "Cannot be compared:",
    "INCOMPLETE": "Some folds or clips are missing:",
    "NOT_RUN": "Nothing measured:",
}


# ---------------------------------------------------------------- printed numbers


def printed_rows(report: Report, rules: Marks) -> list[dict[str, str]]:
    """One row per printed number in the paper's order: its own variant, the leak-free twin, the verdict; all strings.

    Numbers have the decimals of the printed one. `rule` is a letter for protocol and selection rule.
    """
    rows = []
    for p in tables.printed(report):
        scale = decimals(p.claim.printed), p.claim.unit == "%"
        cells = tables.cells(report, p.comparison, scale)
        twin = f"{tables.cells(report, p.twin, scale)['reproduced']} ({p.twin.variant})" if p.twin else DASH
        rows.append(
            {
                "source": p.claim.source,
                "experiment": f"{p.claim.experiment}/{p.claim.variant}",
                "rule": rule_letter(p.comparison, rules),
                "twin": "itself" if p.leak_free else twin,
                **{f"others_{key}": text for key, text in tables.by_others(report, p.comparison).items()},
                **{key: cells[key] for key in _PRINTED_CELLS},
            }
        )
    return rows


def summary(report: Report) -> dict[str, Any]:
    """Count the printed numbers by verdict: a sentence, and rows of verdict, count and what is behind it."""
    compared = [p.comparison for p in tables.printed(report)]
    if not compared:
        return {"sentence": "The paper prints no number about its own systems.", "rows": []}
    counts = Counter(c.verdict for c in compared)
    unsure = counts["NOT_COMPARABLE"] + counts["INCOMPLETE"]
    clauses = [
        f"{count(counts['MATCH'])} reproduced",
        *([f"{count(counts['CLOSE'])} not distinguishable from the printed number"] if counts["CLOSE"] else []),
        f"{count(counts['DIFFERS'])} not reproduced",
        *([f"{count(unsure)} not comparable or incomplete"] if unsure else []),
        *([f"{count(counts['NOT_RUN'])} not run"] if counts["NOT_RUN"] else []),
    ]
    subject = "The paper prints"
    if quoting := report.paper.facts.get("quoted_by"):
        subject = f"The paper's text was not read; {listed(quoting)} quote{'s' if len(quoting) == 1 else ''}"
    text = f"{subject} {many(len(compared), 'number')} about its own systems: {', '.join(clauses)}."
    rows = []
    for verdict in VERDICTS:
        of = [c for c in compared if c.verdict == verdict]
        if of:
            rows.append(
                {
                    "verdict": verdict,
                    "label": VERDICTS[verdict],
                    "count": count(len(of)),
                    "meaning": MEANINGS[verdict],
                    "which": _named(report, of) if verdict in COMPARED else _reasons(of),
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
    parts = reasons.most_common()
    return "; ".join(part if n == len(compared) else f"{part} ({many(n, 'number')})" for part, n in parts)


# ---------------------------------------------------------------- both, with their notes


def view(report: Report) -> dict[str, Any]:
    """Both tables with rules and notes, each listed once for the whole report; `shared` are notes of every score."""
    rules, notes = Marks(), Marks()
    printed, scores = printed_rows(report, rules), score_rows(report, rules)
    compared = [p.comparison for p in tables.printed(report)]
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
        "quoted_by": listed(report.paper.facts.get("quoted_by", ())),
        "printed": printed,
        "by_others": any(row["others_value"] for row in printed),
        "left_out": [sentence(line) for line in report.left_out],
        "scores": scores,
        "rules": rule_lines(rules),
        "shared": shared,
        "notes": [sentence(text) for text in notes.texts],
    }


# ---------------------------------------------------------------- what did not run


def missing(report: Report) -> dict[str, Any]:
    """What is missing: what cannot run, what runs only on request, and the command that runs everything else, if any.

    `unavailable` has a row for each reason, with the experiments; `variants` a row for each set of variants, with the
    experiments.
    """
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
    left_out = {variant["id"] for variant in tables.unrequested(report)} | set(report.unavailable)
    names = dict.fromkeys(f"{c.experiment}/{c.variant}" for c in report.comparisons if c.verdict == "NOT_RUN")
    to_run = " ".join(name for name in names if name not in left_out)
    return {
        "unavailable": [[reason, ", ".join(names)] for reason, names in by_reason.items()],
        "variants": [[", ".join(names), ", ".join(kinds)] for kinds, names in by_kinds.items()],
        "command": f"{report.command} --experiment {to_run}" if to_run else "",
    }
