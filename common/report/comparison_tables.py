"""What the pages of the comparison show, as strings; `formatting` rounds the numbers."""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from common.audit.finding import checks
from common.audit.sections import sections
from common.corpora.composite import DOCUMENTED, MEGC2019
from common.errors import listed
from common.report import formatting, numbers
from common.report.formatting import DASH, difference, many, number, probability
from common.report.records import NetworkResult, Report, SideBySide
from common.scoring import public
from common.scoring.differences import ALPHA, DIFFER, EQUIVALENT, MARGIN, POWER
from common.scoring.records import PairedTest, Score
from common.scoring.verdicts import METRICS
from common.types import CorpusSummary

MARK = "\u2020"
"""Marks a contender that has not finished all folds."""
APPROXIMATE = "~"
"""Marks an interval that may not cover 95%."""


def name(contender: NetworkResult) -> str:
    """Return `paper/experiment`, the name of a contender in a `PairedTest`."""
    return f"{contender.paper}/{contender.experiment}"


def ranked(side: SideBySide) -> SideBySide:
    """Sort the contenders by UF1 on the composite: finished, unfinished, without a score."""

    def rank(c: NetworkResult) -> tuple[bool, bool, float]:
        uf1 = [score.value for corpus in corpora(side)[:1] if (score := scored(c, corpus, "uf1"))]
        return not uf1, not finished(c), -sum(uf1)

    return replace(side, contenders=tuple(sorted(side.contenders, key=rank)))


def corpora(side: SideBySide) -> list[str]:
    """Return the names of what is scored, the composite first."""
    return list(dict.fromkeys(corpus for c in side.contenders for corpus in c.scores))


def scored(contender: NetworkResult, corpus: str, metric: str) -> Score | None:
    """Return a score of a contender, or None."""
    return contender.scores.get(corpus, {}).get(metric)


def finished(contender: NetworkResult) -> bool:
    """Return whether all folds are done."""
    return contender.n_folds_done >= contender.n_folds > 0


def numbered(number: int, contender: NetworkResult) -> str:
    """Return the number by which tables and figures name a contender."""
    return f"{number}{MARK if contender.scores and not finished(contender) else ''}"


def view(side: SideBySide) -> dict[str, Any]:
    """Return what the template shows of scores, tests, costs and printed numbers, all strings."""
    papers = len({c.paper for c in side.contenders})
    known = list(enumerate(side.contenders, 1))
    linear = sum(c.linear for c in side.contenders)
    systems = ((len(side.contenders) - linear, "network"), (linear, "linear classifier"))
    counted = " and ".join(many(n, noun) for n, noun in systems if n)
    return {
        "banner": formatting.banner(side.data, side.motion),
        "dash": DASH,
        "mark": MARK,
        "key": "comparison",
        "title": f"{counted} of {many(papers, 'paper')} on common ground" if papers else "Papers on common ground",
        "data": formatting.data_name(side.data),
        "profile": side.profile,
        "seeds": formatting.shown_seeds(side.seeds),
        "corpora": list(map(_corpus_line, side.corpora)),
        "ground": f"{side.ground.title} ({side.ground.source})",
        "labels": formatting.corpus_name(side, side.labels),
        "classes": ", ".join(side.classes),
        "protocol": side.protocol,
        "selection": formatting.selection_name(side.selection),
        "shortened": _shortened(side.reports),
        "differing": _joined(side.differing),
        "unfinished": any(c.scores and not finished(c) for c in side.contenders),
        "names": [{"number": numbered(i, c), "title": c.title, "paper": c.paper} for i, c in known],
        "table": _scores(side),
        "pairs": pairs(side),
        "references": references(side),
        "costs": list(map(_costs, side.contenders)),
        "spread": _spread(side),
        **_claims([r if r.corpora else replace(r, corpora=side.corpora) for r in side.reports]),
        "environment": [[key, str(value)] for key, value in side.environment.items()],
        "command": side.command,
    }


def _joined(lines: Sequence[str]) -> list[str]:
    """Join lines that differ only in the name before the colon: `a: why`, `b: why` become `a, b: why`."""
    names: dict[str, list[str]] = {}
    for line in lines:
        name, colon, why = line.partition(": ")
        names.setdefault(why if colon else line, []).extend([name] if colon else [])
    return [f"{', '.join(who)}: {why}" if who else why for why, who in names.items()]


def _shortened(reports: Sequence[Report]) -> list[str]:
    """One line per paper that was shortened, after one line for what was shortened in all papers."""
    shared = [line for line in reports[0].shortened if all(line in r.shortened for r in reports)] if reports[1:] else []
    parts = {r.paper.key: [line for line in r.shortened if line not in shared] for r in reports}
    return [f"{name}: {'; '.join(part)}" for name, part in ({"all papers": shared} | parts).items() if part]


def _corpus_line(c: CorpusSummary) -> str:
    """`SAMM: 133 clips used (negative 92, …), 159 clips of 32 subjects found`."""
    used = f"{many(sum(c.by_class.values()), 'clip')} used ({formatting.listing(c.by_class)}), " if c.by_class else ""
    return f"{c.title}: {used}{many(c.clips, 'clip')} of {many(c.subjects, 'subject')} found"


def _scores(side: SideBySide) -> dict[str, Any]:
    """One row per contender with all metrics by corpus, those of the composite with intervals, and a row of chance.

    Chance is that of the contender with the most clips.
    """
    known = corpora(side)
    columns = [(c, m) for i, c in enumerate(known) for m in (METRICS if i == 0 else METRICS[:2])]
    rows = [[scored(c, *column) for column in columns] for c in side.contenders]
    clips = [max((s.n_clips for s in row if s), default=0) for row in rows]
    widest = rows[clips.index(max(clips))] if any(clips) else []
    return {
        "corpora": [formatting.corpus_name(side, corpus) for corpus in known],
        "metrics": [[formatting.metric_name(m) for c, m in columns if c == corpus] for corpus in known],
        "rows": [[_shown(s, c == known[0]) for s, (c, _) in zip(row, columns, strict=True)] for row in rows],
        "chance": [number(s.chance if s else None, 3) for s in widest],
        "clips": list(map(formatting.count, clips)),
        "folds": [f"{c.n_folds_done}/{c.n_folds}" for c in side.contenders],
        "approximate": APPROXIMATE if any(s and s.caution for row in rows for s in row) else "",
    }


def _shown(score: Score | None, bounded: bool) -> dict[str, str]:
    interval = formatting.interval(score.low, score.high, 3) if score and bounded else DASH
    sign = APPROXIMATE if score and score.caution else ""
    value = number(score.value if score else None, 3)
    return {"value": value, "interval": "" if interval == DASH else sign + interval}


def references(side: SideBySide) -> dict[str, Any]:
    """Return scores of methods with public predictions, and each contender's difference in UF1; empty on stand-ins."""
    rows = [
        {
            "title": r.title,
            "selection": public.rule(r.selection, r.leak_free, r.scores[MEGC2019.name]["uf1"]),
            "clips": formatting.count(r.scores[MEGC2019.name]["uf1"].n_clips),
            "scores": [_shown(r.scores[MEGC2019.name][metric], True) for metric in METRICS[:2]],
            "parts": [number(r.scores[corpus]["uf1"].value, 3) for corpus in DOCUMENTED],
        }
        for r in side.references
    ]
    tests = [[r.tests.get(name(c)) for r in side.references] for c in side.contenders]
    shown = [[f"{difference(t.difference)} (p {probability(t.adjusted)})" if t else DASH for t in row] for row in tests]
    return {"corpora": [formatting.corpus_name(side, c) for c in DOCUMENTED], "rows": rows, "differences": shown}


def pairs(side: SideBySide) -> dict[str, Any]:
    """Return the paired tests as a square of `cells`, (text, bold), and a sentence.

    Above the diagonal is the adjusted p, below it the difference of UF1: that of the column minus that of the row,
    whose contender ranks below it, after `=` if the two are equivalent. There is no square if all p are the same.
    Raises ValueError if a test names no contender.
    """
    place = {name(c): i for i, c in enumerate(side.contenders)}
    if strange := {n for test in side.tests for n in (test.first, test.second)} - set(place):
        raise ValueError(f"a test names no contender: {', '.join(sorted(strange))}")
    cells = [[{"text": DASH, "bold": False} for _ in place] for _ in place]
    for test in side.tests:
        upper, lower = sorted((place[test.first], place[test.second]))
        gain = test.difference if place[test.first] == upper else -test.difference
        sign, bold = "=" if test.verdict == EQUIVALENT else "", test.adjusted < ALPHA
        cells[upper][lower] = {"text": probability(test.adjusted), "bold": bold}
        cells[lower][upper] = {"text": sign + difference(gain), "bold": bold}
    shown = {probability(test.adjusted) for test in side.tests}
    return {
        "cells": cells if len(shown) > 1 else [],
        "margin": formatting.short(MARGIN),
        "sentence": _found(side.tests),
    }


def _found(tests: Sequence[PairedTest]) -> str:
    """How many pairs differ or are equivalent, and which difference can be found; empty without a test."""
    if not tests:
        return ""
    verdicts = Counter(test.verdict for test in tests)
    known = sorted(number(t.detectable_adjusted, 3) for t in tests if t.detectable_adjusted is not None)
    ends = " to ".join(dict.fromkeys(known[:1] + known[-1:]))
    least = f"a difference of {ends}, by pair," if ends else "no difference of any size"
    return (
        f"Of {many(len(tests), 'pair')}, {verdicts[DIFFER]} differ in UF1, {verdicts[EQUIVALENT]} are equivalent. With "
        f"{many(max(t.n_subjects for t in tests), 'subject')}, {least} is found with a probability of "
        f"{formatting.percent(POWER, 1)}."
    )


def _costs(c: NetworkResult) -> list[str]:
    flops, inference = c.flops and c.flops / 1e9, c.inference_ms_per_clip
    numbers = formatting.significant(flops), formatting.duration(c.seconds_per_fold), formatting.significant(inference)
    return [formatting.count(c.parameters), *numbers]


def _spread(side: SideBySide) -> list[list[str]]:
    """For each contender and metric: mean and sample deviation over seeds, and their range; empty with one seed."""

    def cells(values: Sequence[float]) -> list[str]:
        deviation = statistics.stdev(values) if len(values) > 1 else None
        ends = formatting.interval(min(values), max(values), 3) if values else DASH
        return [number(statistics.fmean(values) if values else None, 3), number(deviation, 3), ends]

    several = side.contenders if len(side.seeds) > 1 else ()
    return [[cell for metric in METRICS for cell in cells(c.spread.get(metric, ()))] for c in several]


def _claims(reports: Sequence[Report]) -> dict[str, Any]:
    """The printed numbers of each paper, counted by verdict, and the audit's findings that contradict them."""
    findings = [(r.paper.key, finding) for r in reports for finding in r.audit]
    counted = checks([finding for _, finding in findings])
    failed = sections((paper, finding) for paper, finding in findings if not finding.holds)[:3]
    papers: list[dict[str, Any]] = [
        {"key": r.paper.key, "title": r.paper.title, "quoted": listed(r.paper.facts.get("quoted_by", ()))}
        | {"rows": numbers.printed_rows(r, {})}
        for r in reports
    ]
    return {
        "claims": papers,
        "printed": formatting.count(sum(len(paper["rows"]) for paper in papers)),
        "verdicts": formatting.listing(Counter(row["label"] for paper in papers for row in paper["rows"])),
        "findings": failed[0],
        "others": [f"{s['title'].lower()}: {len(s['rows'])}" for s in failed[1:] if s["rows"]],
        "checked": many(len(counted), "check") if counted else "",
        "passed": formatting.count(sum(finding.holds for finding in counted)),
    }
