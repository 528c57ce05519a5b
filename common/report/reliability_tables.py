"""Rows of the tables on what a score depends on: controls, paired tests, settings tried, the spread across seeds."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from typing import Any

from common.protocols.controls import CONTROLS
from common.report.formatting import DASH, corpus_name, count, metric_name, number
from common.report.records import Report
from common.scoring.records import Comparison, PairedTest, Score
from common.scoring.statistics import holm
from common.scoring.verdicts import parts
from common.types import Experiment

_PLACES = 3
_CONTROLLED: tuple[str, ...] = ("uf1", "uar", "accuracy")
SIGNIFICANT = 0.05
AS_IT_IS = "as it is"


def controlled(report: Report) -> list[tuple[Experiment, str, dict[str, dict[str, Comparison]]]]:
    """Return experiments with a control that ran, the corpus of all their clips, comparisons by control and metric.

    `AS_IT_IS` is the experiment itself; it, and a control that did not run, may be missing.
    """
    experiments = []
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
            experiments.append((experiment, corpus, rows))
    return experiments


def control_rows(report: Report) -> list[dict[str, Any]]:
    """Return one row per experiment and metric, with value, interval and "better than guessing" for each control.

    Holm's correction is for all scores of an experiment: one for a whole table of many experiments would require
    smaller p values than the number of draws allows.
    """
    rows = []
    for experiment, corpus, by_control in controlled(report):
        scores = {
            (metric, name): by_metric[metric].score
            for metric in _CONTROLLED
            for name, by_metric in by_control.items()
            if metric in by_metric
        }
        beyond = _more_than_guessed(scores)
        for metric in _CONTROLLED:
            places = [(metric, name) for name in (AS_IT_IS, *CONTROLS)]
            row_scores = [score for place in places if (score := scores.get(place)) is not None]
            chance = next((score.chance for score in row_scores if score.chance is not None), None)
            rows.append(
                {
                    "experiment": experiment.id,
                    "leak_free": experiment.leak_free,
                    "corpus": corpus_name(report, corpus),
                    "metric": metric_name(metric),
                    "cells": [_cell(scores.get(place)) | {"above": place in beyond} for place in places],
                    "chance": number(chance, _PLACES),
                }
            )
    return rows


def _more_than_guessed(scores: Mapping[tuple[str, str], Score | None]) -> set[tuple[str, str]]:
    """Which of these scores are significant among all of them."""
    p = {place: score.p for place, score in scores.items() if score and score.p is not None}
    return {place for place, adjusted in zip(p, holm(list(p.values())), strict=True) if adjusted < SIGNIFICANT}


def _cell(score: Score | None) -> dict[str, object]:
    if score is None:
        return {"value": DASH, "interval": ""}
    bounded = score.low is not None and score.high is not None
    interval = f"{number(score.low, _PLACES)} to {number(score.high, _PLACES)}" if bounded else "no interval"
    folds = f", {score.n_folds_done}/{score.n_folds} folds" if score.n_folds_done < score.n_folds else ""
    return {"value": number(score.value, _PLACES), "interval": interval + folds}


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
    """Return one row per test, in the order of its fields."""
    return [
        [
            t.first,
            t.second,
            count(t.n_clips),
            count(t.n_subjects),
            count(t.only_first),
            count(t.only_second),
            _probability(t.mcnemar),
            _signed(t.difference),
            _probability(t.p),
            _probability(t.adjusted),
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
