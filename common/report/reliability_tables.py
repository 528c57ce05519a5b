"""What a score depends on: its controls, and tables of paired tests, settings tried, seeds, and others' numbers."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

from common.protocols.controls import CONTROLS
from common.report.formatting import (
    corpus_name,
    count,
    decimals,
    difference,
    interval,
    metric_name,
    number,
    probability,
    short,
)
from common.report.learning import SIGNIFICANT
from common.report.records import Report
from common.scoring.differences import MARGIN
from common.scoring.records import Comparison, PairedTest
from common.scoring.statistics import holm
from common.scoring.verdicts import METRICS, parts

_PLACES = 3
_CITED_COLUMNS = 8
AS_IT_IS = "as it is"


@dataclass(frozen=True)
class Shown:
    """The scores of an experiment as it is or under a control, by metric, and those above guessing."""

    comparisons: Mapping[str, Comparison]
    above: frozenset[str]


def controlled(report: Report) -> dict[str, dict[str, Shown]]:
    """Return the experiments with a control that ran, by id: by control, the scores on the corpus of all their clips.

    `AS_IT_IS` is the experiment itself; it, and a control that did not run, may be missing. Above guessing is what is
    significant after Holm's correction for all scores of an experiment: one for a whole table of many experiments would
    require smaller p values than the number of draws allows.
    """
    experiments = {}
    for experiment in report.paper.experiments:
        corpus = parts(experiment)[0][0]
        variants = {f"{experiment.variant}+{name}": name for name in CONTROLS}
        rows: dict[str, dict[str, Comparison]] = {}
        for c in report.comparisons:
            if (c.experiment, c.variant, c.corpus) == (experiment.name, experiment.variant, corpus) and c.score:
                rows.setdefault(AS_IT_IS, {})[c.metric] = c
        for c in report.controls:
            if (c.experiment, c.corpus) == (experiment.name, corpus) and c.variant in variants:
                rows.setdefault(variants[c.variant], {})[c.metric] = c
        if set(rows) - {AS_IT_IS}:
            above = _above(rows)
            experiments[experiment.id] = {
                control: Shown(by_metric, frozenset(metric for metric in by_metric if (control, metric) in above))
                for control, by_metric in rows.items()
            }
    return experiments


def _above(rows: Mapping[str, Mapping[str, Comparison]]) -> set[tuple[str, str]]:
    """Which scores, by control and metric, are significant among all of them."""
    p = {
        (control, metric): c.score.p
        for control, by_metric in rows.items()
        for metric, c in by_metric.items()
        if metric in METRICS and c.score and c.score.p is not None
    }
    return {place for place, adjusted in zip(p, holm(list(p.values())), strict=True) if adjusted < SIGNIFICANT}


# ---------------------------------------------------------------- tables as data


def table(
    title: str, caption: str, head: Sequence[str], rows: Sequence[Sequence[str]], left: int = 1
) -> list[dict[str, Any]]:
    """Return a table for the page, its first `left` columns left-aligned; nothing without rows."""
    return [{"title": title, "caption": caption, "head": head, "rows": rows, "left": left}] if rows else []


def more_tables(report: Report) -> list[dict[str, Any]]:
    """Return the tables that only some reports have: others' numbers, paired tests, settings tried, seeds."""
    return [*_cited(report), *_paired(report.tests), *_tried(report), *_spread(report)]


def _cited(report: Report) -> list[dict[str, Any]]:
    """The numbers of other methods as the paper prints them, in tables of at most `_CITED_COLUMNS` of them."""
    rows = report.paper.cited
    columns = list(dict.fromkeys((c, m) for row in rows for c, values in row.values.items() for m in values))
    metrics = max(len({m for c, m in columns if c == corpus}) for corpus, _ in columns) if columns else 1
    wide = max(_CITED_COLUMNS // metrics, 1) * metrics
    known = [value for row in rows for values in row.values.values() for value in values.values()]
    places = min(max((decimals(repr(value)) for value in known), default=4), 4)
    sources = "; ".join(dict.fromkeys(row.source for row in rows))
    caption = f"Other methods' scores, as quoted by the paper. Source: {sources}."
    return [
        *chain.from_iterable(
            table(
                "Other methods, as the paper quotes them",
                caption,
                ["Method", *(f"{corpus_name(report, c)} {metric_name(m)}" for c, m in part)],
                [[row.method, *(number(row.values.get(c, {}).get(m), places) for c, m in part)] for row in rows],
            )
            for part in (columns[i : i + wide] for i in range(0, len(columns), wide))
        )
    ]


def _paired(tests: Sequence[PairedTest]) -> list[dict[str, Any]]:
    caption = (
        "Paired tests on the clips that both predict. Difference: UF1 of the first less that of the second. p: share "
        "of swaps of whole subjects' predictions with a difference as large, after Holm's correction for all rows. "
        f"Equivalent: UF1 differs by less than {short(MARGIN)}. Detectable: what is found in 80% of cases."
    )
    rows = [
        [
            t.first,
            t.second,
            t.verdict,
            difference(t.difference),
            probability(t.adjusted),
            detectable(t.detectable_adjusted),
            f"{count(t.only_first)} / {count(t.only_second)}",
            f"{count(t.n_clips)} / {count(t.n_subjects)}",
        ]
        for t in tests
    ]
    head = ["First", "Second", "Verdict", "Difference", "p", "Detectable", "Only one right", "Clips / subjects"]
    return table("Do twins and tuned copies score differently?", caption, head, rows, 3)


def _tried(report: Report) -> list[dict[str, Any]]:
    """Those chosen most often first, by experiment."""
    rows = [
        [
            f"{t.experiment}/{t.variant}",
            ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in t.settings.items())
            + (" (the profile's own)" if t.own else ""),
            number(t.uf1, _PLACES),
            interval(t.least, t.largest, _PLACES),
            count(t.folds),
            count(t.chosen),
        ]
        for t in sorted(report.tried, key=lambda t: (t.experiment, t.variant, -t.chosen, -t.uf1))
    ]
    caption = (
        "In each fold every choice of settings was scored on inner folds of the training subjects, and the fold was "
        "trained with the best. Inner UF1: mean over folds, and its range. Chosen: in how many folds it was the best."
    )
    head = ["Experiment", "Settings", "Inner UF1", "Range", "Folds", "Chosen"]
    return table("Settings chosen within the training subjects", caption, head, rows, 2)


def _spread(report: Report) -> list[dict[str, Any]]:
    """The value of each seed, their mean, sample standard deviation and range."""
    rows = []
    for s in report.spread:
        known = [value for value in s.values if value is not None]
        several = len(known) > 1
        summary = (
            statistics.fmean(known) if known else None,
            statistics.stdev(known) if several else None,
            min(known) if several else None,
            max(known) if several else None,
        )
        about = [f"{s.experiment}/{s.variant}", corpus_name(report, s.corpus), metric_name(s.metric)]
        rows.append([*about, *(number(value, _PLACES) for value in (*s.values, *summary))])
    head = ["Experiment", "Corpus", "Metric", *(f"Seed {seed}" for seed in report.seeds)]
    caption = f"Scores by seed. All other tables show seed {report.seed}."
    return table("Spread across seeds", caption, [*head, "Mean", "Deviation", "Lowest", "Highest"], rows, 3)


def detectable(value: float | None) -> str:
    """Return a detectable difference with three decimals; `none` if no difference is large enough."""
    return "none" if value is None else number(value, _PLACES)
