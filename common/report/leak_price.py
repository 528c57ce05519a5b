"""What a leak adds to a score: UF1 by the published protocol less that of the leak-free twin, by seed."""

from __future__ import annotations

import csv
import io
import statistics
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from common.contract import Paper
from common.protocols.controls import NO_MOTION, controls
from common.protocols.splits import REPEATED
from common.report.formatting import many
from common.report.records import Price, Report, SeedScores, SideBySide
from common.runs.manifest import finished, plan_file, read_plan
from common.scoring import metrics, verdicts
from common.scoring.intervals import COVERAGE, FEW_SEEDS, ROUNDING
from common.types import Experiment

METRIC = "uf1"
_COLUMNS = ("paper", "experiment", "published", "leak_free", "protocol", "selection", "clips", "seed")
_VALUES = ("published_uf1", "leak_free_uf1", "difference", "mean", "low", "high")


def pairs(paper: Paper) -> list[tuple[Experiment, Experiment]]:
    """Return each experiment that has a leak-free twin, with its twin, in the paper's order."""
    twins = {(e.name, e.twin_of): e for e in paper.experiments if e.twin_of}
    return [(e, twins[e.name, e.variant]) for e in paper.experiments if (e.name, e.variant) in twins]


def prices(out: Path, reports: Sequence[Report], data: str, seeds: Sequence[int]) -> tuple[Price, ...]:
    """Return the scores of all pairs of the papers with these reports that are stored with all folds."""
    found = []
    for report in reports:
        profile = report.paper.profiles[report.profile]
        plans = {seed: read_plan(plan_file(out, report.paper, profile, data, seed)) for seed in seeds}
        for published, twin in pairs(report.paper):
            clips = _by_seed(out, report.paper, published, twin, plans)
            if clips.seeds:
                still = _by_seed(out, report.paper, _still(published), _still(twin), plans)
                rule = published.protocol, published.selection
                found.append(
                    Price(report.paper.key, published.name, published.variant, twin.variant, *rule, clips, still)
                )
    return tuple(found)


def _still(experiment: Experiment) -> Experiment:
    return next(control for control in controls(experiment) if control.control == NO_MOTION)


def _by_seed(
    out: Path, paper: Paper, published: Experiment, twin: Experiment, plans: Mapping[int, Mapping[str, Any]]
) -> SeedScores:
    rows = []
    for seed, plan in plans.items():
        first = _uf1(out, paper, published, plan)
        second = None if first is None else _uf1(out, paper, twin, plan)
        if first is not None and second is not None:
            rows.append((seed, first, second))
    return SeedScores(*zip(*rows, strict=True)) if rows else SeedScores()


def _uf1(out: Path, paper: Paper, experiment: Experiment, plan: Mapping[str, Any]) -> float | None:
    """UF1 of the pooled predictions of an experiment, as in its report; None unless all folds are done."""
    outcome = finished(out, paper, experiment, plan)
    if not outcome.folds or len(outcome.results) < outcome.folds:
        return None
    classes = experiment.labels.classes
    matrices = verdicts.pooled(outcome.results, None, len(classes), experiment.protocol in REPEATED)
    return float(metrics.metric(METRIC, classes)(matrices.sum(axis=0))) if matrices.any() else None


def interval(differences: Sequence[float]) -> tuple[float, float] | None:
    """Return the 95% interval of the mean difference for other seeds, by Student's t.

    It describes training and random splits, for the same clips. None with fewer than `FEW_SEEDS` seeds, and where the
    differences are all the same.
    """
    from scipy.special import stdtrit

    count = len(differences)
    if count < FEW_SEEDS or max(differences) - min(differences) < ROUNDING:
        return None
    reach = float(stdtrit(count - 1, (1 + COVERAGE) / 2)) * statistics.stdev(differences) / count**0.5
    mean = statistics.fmean(differences)
    return mean - reach, mean + reach


def record(price: Price) -> dict[str, Any]:
    """Return a price as plain data, with the differences, their mean and its interval."""
    rule = {name: getattr(price, name) for name in _COLUMNS[:6]}
    return rule | {"metric": METRIC, "clips": _scores(price.clips), "without_motion": _scores(price.still)}


def _scores(scores: SeedScores) -> dict[str, Any] | None:
    if not scores.seeds:
        return None
    low, high = interval(scores.differences) or (None, None)
    return {
        "seeds": list(scores.seeds),
        "published": list(scores.published),
        "leak_free": list(scores.leak_free),
        "differences": list(scores.differences),
        "mean": statistics.fmean(scores.differences),
        "low": low,
        "high": high,
    }


def tidy_csv(found: Sequence[Price]) -> bytes:
    """Return one row per experiment, kind of clips and seed; the mean and its interval are those of all seeds."""
    buffer = io.StringIO(newline="")
    writer = csv.DictWriter(buffer, [*_COLUMNS, *_VALUES], lineterminator="\n")
    writer.writeheader()
    for price in found:
        about = {name: getattr(price, name) for name in _COLUMNS[:6]}
        for kind, scores in (("all", price.clips), ("without motion", price.still)):
            summary = _scores(scores) or {}
            shared = about | {"clips": kind} | {name: summary.get(name) for name in ("mean", "low", "high")}
            by_seed = zip(scores.seeds, scores.published, scores.leak_free, scores.differences, strict=True)
            for row in by_seed:
                writer.writerow(shared | dict(zip(("seed", *_VALUES[:3]), row, strict=True)))
    return buffer.getvalue().encode()


def view(side: SideBySide) -> dict[str, Any]:
    """Return what the page says about the figure, as strings and flags."""
    left_out = side.twins - len(side.prices)
    return {
        "shown": bool(side.prices),
        "any": side.twins > 0,
        "still": any(price.still.seeds for price in side.prices),
        "intervals": any(interval(price.clips.differences) for price in side.prices),
        "rendered": side.data == "stand-in",
        "left_out": many(left_out, "other experiment" if side.prices else "experiment") if left_out else "",
    }
