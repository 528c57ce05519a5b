"""Rows of the tables on what a score depends on: controls, paired tests, settings tried, the spread across seeds."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from common.protocols.controls import CONTROLS
from common.report.formatting import corpus_name, count, metric_name, number
from common.report.records import Learning, Report
from common.scoring.records import Comparison, PairedTest
from common.scoring.statistics import holm
from common.scoring.verdicts import METRICS, parts

_PLACES = 3
SIGNIFICANT = 0.05
AS_IT_IS = "as it is"


@dataclass(frozen=True)
class Shown:
    """The scores of an experiment as it is or under a control, by metric, and those above guessing."""

    comparisons: Mapping[str, Comparison]
    above: frozenset[str]


def twin_differences(report: Report, pairs: Sequence[tuple[Learning, Learning]]) -> list[tuple[float | None, bool]]:
    """Return for each variant and its leak-free twin the difference in UF1, and whether both test the same clips.

    If they do not, the difference is that of their paired test, on the clips that both test; None without such a test.
    """
    clips = {f"{p.experiment}/{p.variant}": set(p.clips) for p in report.predictions}
    shared = {(test.first, test.second): test.difference for test in report.tests}
    differences = []
    for first, second in pairs:
        alike = clips.get(first.name) == clips.get(second.name)
        whole = first.score.value - second.score.value if first.score and second.score else None
        differences.append((whole if alike else shared.get((first.name, second.name)), alike))
    return differences


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


def tried_rows(report: Report) -> list[dict[str, object]]:
    """Return one row per choice of settings that a search tried, by experiment; those chosen most often first."""
    rows = []
    for key in dict.fromkeys((t.experiment, t.variant) for t in report.tried):
        trials = [t for t in report.tried if (t.experiment, t.variant) == key]
        for t in sorted(trials, key=lambda t: (-t.chosen, -t.uf1)):
            rows.append(
                {
                    "experiment": "/".join(key),
                    "settings": ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in t.settings.items()),
                    "own": t.own,
                    "cells": [
                        number(t.uf1, _PLACES),
                        f"{number(t.least, _PLACES)} to {number(t.largest, _PLACES)}",
                        count(t.folds),
                        count(t.chosen),
                    ],
                }
            )
    return rows


def paired_rows(tests: Sequence[PairedTest]) -> list[list[str]]:
    """Return one row per test: what it can detect, then what it found."""
    return [
        [
            t.first,
            t.second,
            count(t.n_clips),
            count(t.n_subjects),
            "none" if t.detectable_adjusted is None else number(t.detectable_adjusted, 3),
            _signed(t.difference),
            _probability(t.p),
            _probability(t.adjusted),
            t.verdict,
            count(t.only_first),
            count(t.only_second),
        ]
        for t in tests
    ]


def _probability(p: float) -> str:
    return "< 0.001" if p < 0.001 else number(p, _PLACES)


def _signed(value: float) -> str:
    return ("+" if value > 0 else "") + number(value, _PLACES)


def spread_rows(report: Report) -> list[list[str]]:
    """Return experiment, corpus, metric, the value of each seed, their mean, sample standard deviation and range."""
    rows = []
    for s in report.spread:
        known = [value for value in s.values if value is not None]
        several = len(known) > 1
        rows.append(
            [
                f"{s.experiment}/{s.variant}",
                corpus_name(report, s.corpus),
                metric_name(s.metric),
                *(number(value, _PLACES) for value in s.values),
                number(statistics.fmean(known) if known else None, _PLACES),
                number(statistics.stdev(known) if several else None, _PLACES),
                number(min(known) if several else None, _PLACES),
                number(max(known) if several else None, _PLACES),
            ]
        )
    return rows
