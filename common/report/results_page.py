"""`index.html`: the numbers of a run, each clip by each network, and training curves, in one file for a browser.

All content is JSON that the script of `results_page.html` sets as text, so that no name can become markup. Nothing is
loaded from elsewhere.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from common.files import natural
from common.report import formatting, tables
from common.report.records import ClipPredictions, Curve, Report
from common.report.write import comparison_record, save
from common.runs import thumbnails
from common.scoring.records import Comparison
from common.types import Experiment

Frames = Mapping[str, Mapping[str, bytes]]
"""JPEGs by clip id and moment ("onset", "apex", "offset")."""
_TEMPLATE = Path(__file__).parent / "results_page.html"
_DATA = "{{data}}"


def write_results_page(
    reports: Sequence[Report], out: Path, frames: Sequence[Frames] = (), order: Sequence[str] = ()
) -> tuple[Path, ...]:
    """Write `index.html` into `out`; `frames` are those of the clips of each report.

    `order` has the networks on common ground as the comparison numbers them, by `paper/experiment`. Raises `UserError`
    where `out` cannot be written.
    """
    return save(out, {"index.html": page(reports, frames, order).encode()})


def page(reports: Sequence[Report], frames: Sequence[Frames] = (), order: Sequence[str] = ()) -> str:
    """The HTML of reports of one run; `frames` are those of the clips of each report, none by default."""
    text = json.dumps(content(reports, frames, order), ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    before, _, after = _TEMPLATE.read_text(encoding="utf-8").partition(_DATA)
    return before + text.replace("<", "\\u003c") + after


def content(reports: Sequence[Report], frames: Sequence[Frames] = (), order: Sequence[str] = ()) -> dict[str, Any]:
    """What the page shows, as plain data for JSON; networks that `order` names come first, in this order."""
    pictures: dict[str, list[list[str]]] = {}
    place = {name: number for number, name in enumerate(order)}
    groups = [sorted(group, key=lambda n: place.get(n.name, len(place))) for group in _groups(reports, frames)]
    matrices = [_matrix(group, pictures) for group in groups]
    return {
        "papers": [_about(report) for report in reports],
        "banners": list(dict.fromkeys(filter(None, (formatting.banner(r.data, r.motion) for r in reports)))),
        "rows": sorted((row for report in reports for row in _rows(report)), key=_waits),
        "left_out": list(dict.fromkeys(line for report in reports for line in report.left_out)),
        "matrices": matrices,
        "frames": pictures,
        "licensed": any(report.comparable for report in reports),
        "curves": [figure for report in reports for figure in _curves(report)],
    }


def _about(report: Report) -> dict[str, Any]:
    return {
        "key": report.paper.key,
        "title": report.paper.title,
        "profile": report.profile,
        "data": formatting.data_name(report.data),
        "seeds": formatting.shown_seeds(report.seeds or (report.seed,)),
        "command": report.command,
    }


# ---------------------------------------------------------------- numbers


def _rows(report: Report) -> Iterator[dict[str, Any]]:
    """One row per comparison of the PDF's tables: texts with the decimals of the PDF, values in full precision.

    What is published is left out where it may not stand next to what was measured.
    """
    free = tables.leak_free(report)
    for group in tables.groups(report):
        scales = tables.scales(group)
        for c in group:
            cells, record = tables.cells(report, c, scales[c.metric]), comparison_record(c)
            published, reproduced = record["published"] or {}, record["reproduced"] or {}
            published = published if report.comparable else {}
            yield {
                "paper": report.paper.key,
                "experiment": f"{c.experiment}/{c.variant}",
                "leak_free": free.get((c.experiment, c.variant)),
                "corpus": cells["corpus"],
                "metric": cells["metric"],
                "published": {
                    "text": published.get("printed", formatting.DASH),
                    "value": published.get("value"),
                    "source": published.get("source", ""),
                },
                "reproduced": {"text": cells["reproduced"], "value": reproduced.get("value")},
                "interval": {
                    "text": cells["interval"],
                    "low": reproduced.get("low"),
                    "high": reproduced.get("high"),
                },
                "chance": {"text": cells["chance"], "value": reproduced.get("chance")},
                "picks": {"text": cells["picks"], "value": reproduced.get("picks")},
                "folds": cells["folds"],
                "others": _others(report, c),
                "verdict": c.verdict,
                "label": cells["label"],
                "reason": c.reason,
            }


def _others(report: Report, c: Comparison) -> dict[str, Any]:
    """What bundles of others give for the printed number of a comparison; without any, its value is None."""
    found, cells = tables.others_of(report, c), tables.by_others(report, c)
    return {"text": cells["value"], "about": cells["about"], "value": found.value if found else None}


def _waits(row: Mapping[str, Any]) -> bool:
    """What did not run comes last; all else stays in its order."""
    return bool(row["verdict"] == "NOT_RUN")


# ---------------------------------------------------------------- clips by networks


@dataclass(frozen=True)
class _Network:
    """One column: `cells` are predicted classes by clip, one per fold that tests it; `frames` are its report's."""

    report: Report
    experiment: Experiment
    predictions: ClipPredictions
    cells: Mapping[str, Sequence[int]]
    frames: Mapping[str, Mapping[str, bytes]]

    @property
    def name(self) -> str:
        """`paper/experiment`, as in the comparison."""
        return f"{self.report.paper.key}/{self.experiment.id}"


def _groups(reports: Sequence[Report], frames: Sequence[Frames]) -> list[list[_Network]]:
    """The networks whose clips make one table: those on common ground, then each paper's that test the same clips."""
    groups: dict[tuple[Any, ...], list[_Network]] = {}
    for report, of_report in zip(reports, frames or [{}] * len(reports), strict=True):
        experiments = {(e.name, e.variant): e for e in report.paper.experiments}
        for p in report.predictions:
            experiment = experiments[p.experiment, p.variant]
            shared = len(reports) > 1 and experiment.common_ground
            corpora = tuple(sorted(experiment.scored))
            key = (not shared, "" if shared else report.paper.key, p.labels, p.classes, corpora)
            cells: dict[str, list[int]] = {}
            for clip, answer in zip(p.clips, p.predicted, strict=True):
                cells.setdefault(clip, []).append(answer)
            groups.setdefault(key, []).append(_Network(report, experiment, p, cells, of_report))
    return [groups[key] for key in sorted(groups, key=lambda key: key[0])]  # stable: papers stay in their order


def _matrix(networks: Sequence[_Network], pictures: dict[str, list[list[str]]]) -> dict[str, Any]:
    """A table of clips by networks, the clips that most networks get wrong first; adds their frames to `pictures`."""
    first = networks[0]
    classes = first.predictions.classes
    truth = {
        clip: label for n in networks for clip, label in zip(n.predictions.clips, n.predictions.truth, strict=True)
    }
    rows = []
    for clip, label in sorted(truth.items(), key=lambda pair: natural(pair[0])):
        cells = [[*n.cells.get(clip, ())] for n in networks]
        tested = [answers for answers in cells if answers]
        name = f"{first.report.paper.key} {clip}"
        if shown := next((n.frames[clip] for n in networks if clip in n.frames), None):
            pictures[name] = [
                [moment, base64.b64encode(shown[moment]).decode()] for moment in thumbnails.MOMENTS if moment in shown
            ]
        row: dict[str, Any] = {
            "clip": clip,
            "truth": label,
            "failures": sum(not right(answers, label) for answers in tested),
            "tested": len(tested),
            "cells": cells,
            "frames": name if shown else None,
        }
        rows.append(row)
    rows.sort(key=lambda row: -row["failures"])
    shared = len({n.report.paper.key for n in networks}) > 1
    where = ", ".join(formatting.corpus_name(first.report, name) for name in first.experiment.scored)
    return {
        "title": f"{'Common ground' if shared else first.report.paper.key}: {where}; {', '.join(classes)}",
        "classes": list(classes),
        "networks": [_network(n, truth) for n in networks],
        "clips": rows,
    }


def right(answers: Sequence[int], label: int) -> bool:
    """Whether a clip counts as right: more than half of the folds that test it, mostly one, predict its class."""
    return 2 * sum(answer == label for answer in answers) > len(answers)


def _network(network: _Network, truth: Mapping[str, int]) -> dict[str, Any]:
    e = network.experiment
    return {
        "paper": network.report.paper.key,
        "experiment": e.id,
        "network": e.network,
        "leak_free": e.leak_free,
        "right": sum(right(answers, truth[clip]) for clip, answers in network.cells.items()),
        "clips": len(network.cells),
    }


# ---------------------------------------------------------------- training curves


def _curves(report: Report) -> Iterator[dict[str, Any]]:
    """One figure per experiment, a panel per stage and metric; a single epoch makes no curve, as in the PDF."""
    figures: dict[str, dict[tuple[str, str], list[Curve]]] = {}
    for curve in report.curves:
        if curve.epochs > 1:
            panel = curve.stage, curve.plain_metric
            figures.setdefault(f"{curve.experiment}/{curve.variant}", {}).setdefault(panel, []).append(curve)
    for name, panels in figures.items():
        yield {
            "title": f"{report.paper.key}: {name}",
            "panels": [
                {
                    "title": f"{stage}: {metric.replace('_', ' ')}",
                    "lines": [_line(curve) for curve in curves],
                    "folds": max(len(curve.folds) for curve in curves),
                }
                for (stage, metric), curves in panels.items()
            ],
        }


def _line(curve: Curve) -> dict[str, Any]:
    """Median, least and largest value of all folds by epoch; null where no fold has a finite one."""
    columns = [column[~np.isnan(column)] for column in curve.table().T]
    return {
        "held_out": curve.held_out,
        **{
            name: [formatting.five_digits(of(column)) if len(column) else None for column in columns]
            for name, of in (("median", np.median), ("low", np.min), ("high", np.max))
        },
    }
