"""The rows of all scores that do not stand next to a printed number: experiments, their controls, other metrics."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from common.protocols.controls import CONTROLS
from common.report import tables
from common.report.formatting import DASH, corpus_name
from common.report.marks import Marks, rule_letter
from common.report.records import Report
from common.report.reliability_tables import AS_IT_IS, Shown, controlled
from common.scoring.records import Comparison
from common.scoring.verdicts import METRICS


def score_rows(report: Report, rules: Marks) -> list[dict[str, Any]]:
    """One row per experiment that ran and corpus, with UF1, UAR and accuracy; below it its controls.

    A score of another metric, which does not stand next to the printed number of its own variant, has a row of its own:
    `metric` names it and `cells` holds it alone. `name` is empty where it is that of the row above.
    """
    with_controls = controlled(report)
    free = tables.leak_free(report)
    everywhere = tables.scales(report.comparisons)
    rows: list[dict[str, Any]] = []
    for group in tables.groups(report):
        if not any(c.score for c in group):
            continue
        experiment, variant = group[0].experiment, group[0].variant
        name = f"{experiment}/{variant}"
        scales = tables.scales(group)  # one unit for a metric in the whole table
        scales = {m: scale if scale[1] == everywhere[m][1] else everywhere[m] for m, scale in scales.items()}
        by_corpus: dict[str, dict[str, Comparison]] = {}
        for c in group:
            by_corpus.setdefault(c.corpus, {})[c.metric] = c
        ran = with_controls.get(name, {})
        for corpus, by_metric in by_corpus.items():
            of_corpus = [
                *_main_row(report, by_metric, scales, rules, {"name": name, "above": _above(ran.get(AS_IT_IS))}),
                *_control_rows(report, ran, scales),
                *_metric_rows(report, by_metric, scales, rules),
            ]
            about = {"corpus": corpus_name(report, corpus), "leak_free": free.get((experiment, variant)) is not False}
            rows += [about | row for row in of_corpus]
            name, ran = "", {}  # both stand at the first corpus
    return rows


def _main_row(
    report: Report,
    by_metric: Mapping[str, Comparison],
    scales: Mapping[str, tuple[int, bool]],
    rules: Marks,
    about: Mapping[str, Any],
) -> Iterator[dict[str, Any]]:
    """The row of UF1, UAR and accuracy, if any of them was compared."""
    main = [by_metric[m] for m in METRICS if m in by_metric]
    if not main:
        return
    shown = {c.metric: tables.cells(report, c, scales[c.metric]) for c in main}
    levels = {
        name: [shown[m][f"brief_{name}"] if m in shown else DASH for m in METRICS] for name in ("chance", "picks")
    }
    known = next((cells for cells in shown.values() if cells["clips"] != DASH), shown[main[0].metric])
    yield {
        "kind": "score",
        **about,
        "rule": rule_letter(main[0], rules),
        "cells": [_score(shown.get(m)) for m in METRICS],
        **{name: " / ".join(cells) if set(cells) != {DASH} else DASH for name, cells in levels.items()},
        "clips": known["clips"],
        "folds": known["folds"],
        "comparisons": main,
    }


def _control_rows(
    report: Report, ran: Mapping[str, Shown], scales: Mapping[str, tuple[int, bool]]
) -> Iterator[dict[str, Any]]:
    """A row for each control that ran."""
    for control, description in CONTROLS.items():
        if control in ran:
            compared = ran[control].comparisons
            shown = {m: tables.cells(report, c, scales[m]) for m, c in compared.items() if m in scales}
            yield {
                "kind": "control",
                "metric": description,
                "cells": [_score(shown.get(m)) for m in METRICS],
                "above": _above(ran[control]),
                **{key: next((cells[key] for cells in shown.values()), DASH) for key in ("clips", "folds")},
                "comparisons": [],
            }


def _metric_rows(
    report: Report, by_metric: Mapping[str, Comparison], scales: Mapping[str, tuple[int, bool]], rules: Marks
) -> Iterator[dict[str, Any]]:
    """A row for each score of another metric, unless it stands next to the printed number of its own variant."""
    for c in by_metric.values():
        beside = report.comparable and c.claim and c.claim.variant == c.variant
        if c.metric not in METRICS and c.score and not beside:
            shown = tables.cells(report, c, scales[c.metric])
            yield {
                "kind": "metric",
                "metric": shown["metric"],
                "rule": rule_letter(c, rules),
                "cells": [_score(shown)],
                "chance": shown["brief_chance"],
                "picks": shown["brief_picks"],
                "clips": shown["clips"],
                "folds": shown["folds"],
                "comparisons": [c],
            }


def _above(shown: Shown | None) -> list[bool]:
    """For UF1, UAR and accuracy, whether the score is above guessing."""
    return [shown is not None and metric in shown.above for metric in METRICS]


def _score(cells: Mapping[str, str] | None) -> dict[str, str]:
    """A score as its value and its interval, which is empty if there is none."""
    if cells is None:
        return {"value": DASH, "interval": ""}
    unit = cells["unit"] if cells["reproduced"] != DASH else ""
    return {"value": cells["reproduced"] + unit, "interval": cells["brief"]}
