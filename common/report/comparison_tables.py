"""The rows of all tables of the comparison, as strings; `formatting` rounds the numbers."""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

from common.audit.finding import checks
from common.report import formatting, numbers, pair_tables, tables
from common.report.findings import sections
from common.report.formatting import many
from common.report.marks import Marks, rule_lines
from common.report.records import NetworkResult, Report, SideBySide
from common.scoring.records import Score
from common.scoring.verdicts import METRICS
from common.types import CorpusSummary

MARK = "\u2020"
"""Marks everything of a contender that has not finished all folds."""


# ---------------------------------------------------------------- contenders


def name(contender: NetworkResult) -> str:
    """Return `paper/experiment`, the name of a contender in a `PairedTest`."""
    return f"{contender.paper}/{contender.experiment}"


def ranked(side: SideBySide) -> SideBySide:
    """Sort the contenders by UF1 on the composite: finished, unfinished, without a score."""
    composite = corpora(side)[:1]

    def rank(c: NetworkResult) -> tuple[bool, bool, float]:
        score = next((s for corpus in composite if (s := scored(c, corpus, "uf1"))), None)
        return score is None, not finished(c), -score.value if score else 0.0

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


# ---------------------------------------------------------------- the page


def view(side: SideBySide) -> dict[str, Any]:
    """Return everything that the template shows, all strings."""
    scores = corpora(side)
    papers = len({c.paper for c in side.contenders})
    main = _main(side, next(iter(scores), ""))
    return {
        "banner": formatting.banner(side.data, side.motion),
        "dash": formatting.DASH,
        "mark": MARK,
        "key": "comparison",
        "title": f"{_systems(side.contenders)} of {many(papers, 'paper')} on common ground"
        if papers
        else "Papers on common ground",
        "data": formatting.data_name(side.data),
        "profile": side.profile,
        "seeds": formatting.seed_list(side.seeds),
        "corpora": list(map(_corpus_line, side.corpora)),
        "labels": formatting.corpus_name(side, side.labels),
        "classes": ", ".join(side.classes),
        "protocol": side.protocol,
        "selection": formatting.selection_name(side.selection),
        "shortened": _shortened(side.reports),
        "differing": [
            *_by_reason(side.differing),
            *(["the clips predicted: see below the first table"] if main["notes"] else []),
        ],
        "any_score": any(c.scores.values() for c in side.contenders),
        "unfinished": any(c.scores and not finished(c) for c in side.contenders),
        "names": [_about(i, c) for i, c in enumerate(side.contenders, 1)],
        "metrics": [formatting.metric_name(m) for m in METRICS],
        "main": main,
        "by_corpus": [_by_corpus(side, scores, metric) for metric in METRICS[:2]],
        "pairs": pair_tables.pairs(side, list(map(name, side.contenders))),
        "retrained": len(side.seeds) > 1,
        "costs": [_cost_row(c) for c in side.contenders],
        "spread": _spread(side),
        "shown_seed": _shown_seed(side, scores[0]) if scores else "",
        **_claims([r if r.corpora else replace(r, corpora=side.corpora) for r in side.reports]),
        "environment": [[key, str(value)] for key, value in side.environment.items()],
        "command": side.command,
    }


def _systems(contenders: Sequence[NetworkResult]) -> str:
    """`13 networks and 2 linear classifiers`."""
    linear = sum(c.linear for c in contenders)
    counts = ((len(contenders) - linear, "network"), (linear, "linear classifier"))
    return " and ".join(many(n, noun) for n, noun in counts if n)


def _by_reason(lines: Sequence[str]) -> list[str]:
    """Join lines that differ only in the name before the colon: `a: why`, `b: why` become `a, b: why`."""
    names: dict[str, list[str]] = {}
    for line in lines:
        name, colon, why = line.partition(": ")
        names.setdefault(why if colon else line, []).extend([name] if colon else [])
    return [f"{', '.join(who)}: {why}" if who else why for why, who in names.items()]


def _shortened(reports: Sequence[Report]) -> list[str]:
    """One line per paper that was shortened, after one line for what was shortened in all papers."""
    shared = [line for line in reports[0].shortened if all(line in r.shortened for r in reports)] if reports else []
    shared = shared if len(reports) > 1 else []
    own = {r.paper.key: [line for line in r.shortened if line not in shared] for r in reports}
    lines = [f"{key}: {'; '.join(rest)}" for key, rest in own.items() if rest]
    return [f"all papers: {'; '.join(shared)}", *lines] if shared else lines


def _corpus_line(c: CorpusSummary) -> str:
    """`SAMM: 133 clips used (negative 92, …), 159 clips of 32 subjects found`."""
    used = f"{many(sum(c.by_class.values()), 'clip')} used ({formatting.listing(c.by_class)}), " if c.by_class else ""
    return f"{c.title}: {used}{many(c.clips, 'clip')} of {many(c.subjects, 'subject')} found"


def _about(number: int, c: NetworkResult) -> dict[str, str]:
    marked = MARK if c.scores and not finished(c) else ""
    return {"number": f"{number}{marked}", "title": c.title, "paper": c.paper}


def _main(side: SideBySide, corpus: str) -> dict[str, Any]:
    """The scores on the composite, one row per contender, and the chance level of always predicting its largest class.

    Chance is that of the contender with the most clips; the notes name contenders whose clips give another.
    """
    scores = [[scored(c, corpus, metric) for metric in METRICS] for c in side.contenders]
    clips = [max((s.n_clips for s in row if s), default=0) for row in scores]
    chances = [[formatting.number(s.chance if s else None, 4) for s in row] for row in scores]
    most = max(clips, default=0)
    usual = clips.index(most) if most else -1
    names = list(map(formatting.metric_name, METRICS))
    notes = []
    for i, (c, row) in enumerate(zip(side.contenders, chances, strict=True)):
        if clips[i] and (clips[i], row) != (clips[usual], chances[usual]):
            levels = ", ".join(f"{metric} {chance}" for metric, chance in zip(names, row, strict=True))
            folds = _folds(c)
            notes.append(
                f"No. {i + 1} has predicted {formatting.count(clips[i])} clips, with {folds} folds done; always "
                f"predicting the largest class of these gives {levels}."
            )
    notes += _cautions(scores)
    return {
        "corpus": formatting.corpus_name(side, corpus),
        "rows": [
            {
                "scores": [_with_interval(s) for s in row],
                "clips": formatting.count(n) if n else formatting.DASH,
                "folds": _folds(c),
            }
            for c, row, n in zip(side.contenders, scores, clips, strict=True)
        ],
        "chance": chances[usual] if most else [],
        "clips": formatting.count(most),
        "notes": notes,
    }


def _cautions(scores: Sequence[Sequence[Score | None]]) -> list[str]:
    """One line for each reason why intervals may not cover 95%, with the numbers of the contenders."""
    numbers: dict[str, list[str]] = {}
    for i, row in enumerate(scores, 1):
        for reason in dict.fromkeys(s.caution for s in row if s and s.caution):
            numbers.setdefault(reason, []).append(str(i))
    return [f"No. {', '.join(who)}: intervals may not cover 95%: {reason}." for reason, who in numbers.items()]


def _folds(c: NetworkResult) -> str:
    return f"{formatting.count(c.n_folds_done)}/{formatting.count(c.n_folds)}" if c.n_folds else formatting.DASH


def _with_interval(score: Score | None) -> dict[str, str]:
    return {
        "value": formatting.number(score.value if score else None, 4),
        "interval": formatting.interval(score.low, score.high, 4) if score else formatting.DASH,
    }


def _by_corpus(side: SideBySide, scores: Sequence[str], metric: str) -> dict[str, Any]:
    """One metric: (value, chance) for every corpus."""

    def cells(c: NetworkResult) -> Iterable[str]:
        for corpus in scores:
            score = scored(c, corpus, metric)
            yield formatting.number(score.value if score else None, 4)
            yield formatting.number(score.chance if score else None, 4)

    return {
        "metric": formatting.metric_name(metric),
        "corpora": [formatting.corpus_name(side, corpus) for corpus in scores],
        "rows": [list(cells(c)) for c in side.contenders],
    }


def _cost_row(c: NetworkResult) -> list[str]:
    return [
        formatting.count(c.parameters),
        formatting.significant(None if c.flops is None else c.flops / 1e9),
        formatting.duration(c.seconds_per_fold),
        formatting.significant(c.inference_ms_per_clip),
        formatting.count(c.peak_memory_mib),
    ]


def _spread(side: SideBySide) -> list[dict[str, Any]]:
    """Per metric the values of all seeds, their mean, sample deviation and range; nothing if there is one seed."""
    if len(side.seeds) < 2:
        return []
    return [
        {
            "metric": formatting.metric_name(metric),
            "rows": [_spread_row(c.spread.get(metric, ())) for c in side.contenders],
        }
        for metric in METRICS
        if any(c.spread.get(metric) for c in side.contenders)
    ]


def _spread_row(values: Sequence[float]) -> list[str]:
    """(values, how many, mean, deviation, range)."""
    if not values:
        return [formatting.DASH] * 5
    deviation = statistics.stdev(values) if len(values) > 1 else None
    return [
        "  ".join(formatting.number(v, 4) for v in values),
        formatting.count(len(values)),
        formatting.number(statistics.fmean(values), 4),
        formatting.number(deviation, 4),
        f"{formatting.number(min(values), 4)} to {formatting.number(max(values), 4)}",
    ]


def _shown_seed(side: SideBySide, composite: str) -> str:
    """The seed whose values the tables show; empty if they are not those of one seed."""
    for i, seed in enumerate(side.seeds):
        pairs = [(c.spread.get(m, ())[i : i + 1], scored(c, composite, m)) for c in side.contenders for m in METRICS]
        if any(v for v, _ in pairs) and all(s is not None and v == (s.value,) for v, s in pairs if v or s):
            return str(seed)
    return ""


# ---------------------------------------------------------------- printed numbers


def _claims(reports: Sequence[Report]) -> dict[str, Any]:
    """Counts of verdicts, the printed numbers of each paper, and the audit findings that do not hold by kind."""
    counts = [Counter(p.comparison.verdict for p in tables.printed(r)) for r in reports]
    shown = [v for v in formatting.VERDICTS if any(c[v] for c in counts)]
    rows = [
        [r.paper.key, *(formatting.count(c[v]) for v in shown), formatting.count(c.total())]
        for r, c in zip(reports, counts, strict=True)
    ]
    if len(reports) > 1:
        whole = sum(counts, Counter[str]())
        rows.append(["All", *(formatting.count(whole[v]) for v in shown), formatting.count(whole.total())])
    findings = [(r.paper.key, finding) for r in reports for finding in r.audit]
    counted = checks([finding for _, finding in findings])
    rules = Marks()
    return {
        "verdicts": {"names": [{"verdict": v, "label": formatting.VERDICTS[v]} for v in shown], "rows": rows},
        "claims": [
            {"key": r.paper.key, "title": r.paper.title, "rows": numbers.printed_rows(r, rules)} for r in reports
        ],
        "rules": rule_lines(rules),
        "findings": sections((paper, finding) for paper, finding in findings if not finding.holds)[:3],
        "checked": many(len(counted), "check") if counted else "",
        "passed": formatting.count(sum(finding.holds for finding in counted)),
    }
