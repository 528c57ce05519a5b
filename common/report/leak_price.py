"""What a leak adds to a score: UF1 by the published protocol less that of the leak-free twin, by seed.

Both are scored on the clips that the published protocol tests, since UF1 depends on how many clips each class has.
"""

from __future__ import annotations

import csv
import io
import statistics
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from common.contract import Paper
from common.protocols.controls import NO_MOTION, controls
from common.report.formatting import many
from common.report.records import Price, SeedScores, SideBySide
from common.runs.results import Results
from common.scoring import metrics
from common.scoring.intervals import COVERAGE, FEW_SEEDS, ROUNDING
from common.types import Experiment, FoldResult

METRIC = "uf1"
_COLUMNS = ("paper", "experiment", "published", "leak_free", "protocol", "selection", "clips", "seed")
_VALUES = ("published_uf1", "leak_free_uf1", "difference", "mean", "low", "high")


def pairs(paper: Paper) -> list[tuple[Experiment, Experiment]]:
    """Return each experiment that has a leak-free twin, with its twin, in the paper's order."""
    twins = {(e.name, e.twin_of): e for e in paper.experiments if e.twin_of}
    return [(e, twins[e.name, e.variant]) for e in paper.experiments if (e.name, e.variant) in twins]


def prices(studied: Sequence[Results]) -> tuple[Price, ...]:
    """Return the scores of all pairs of these papers that are stored with all folds, for each seed that has both."""
    found = []
    for results in studied:
        for published, twin in pairs(results.paper):
            clips = _by_seed(results, published, twin)
            if clips.seeds:
                still = _by_seed(results, _still(published), _still(twin))
                rule = published.protocol, published.selection
                found.append(
                    Price(results.paper.key, published.name, published.variant, twin.variant, *rule, clips, still)
                )
    return tuple(found)


def _still(experiment: Experiment) -> Experiment:
    return next(control for control in controls(experiment) if control.control == NO_MOTION)


def _by_seed(results: Results, published: Experiment, twin: Experiment) -> SeedScores:
    rows = []
    for seed in results.seeds:
        first, second = results.of(published, seed), results.of(twin, seed)
        done = first.complete and second.complete
        if done and (scores := _uf1(first.results, second.results, published.labels.classes)):
            rows.append((seed, *scores))
    return SeedScores(*zip(*rows, strict=True)) if rows else SeedScores()


def _uf1(
    published: Sequence[FoldResult], leak_free: Sequence[FoldResult], classes: tuple[str, ...]
) -> tuple[float, float] | None:
    """UF1 of both on the clips that both test; a clip counts as often as folds of the published protocol test it."""
    answers = {clip: answer for clip, _, answer in _predictions(leak_free)}
    matrices = np.zeros((2, len(classes), len(classes)), np.int64)
    for clip, truth, answer in _predictions(published):
        if clip in answers:
            matrices[0, truth, answer] += 1
            matrices[1, truth, answers[clip]] += 1
    if not matrices.any():
        return None
    first, second = metrics.metric(METRIC, classes)(matrices)
    return float(first), float(second)


def _predictions(results: Sequence[FoldResult]) -> Iterator[tuple[str, int, int]]:
    """The clip, its class and the predicted class."""
    for result in results:
        yield from zip(result.clips, result.truth, result.probabilities.argmax(axis=1), strict=True)


def interval(differences: Sequence[float]) -> tuple[float, float] | None:
    """Return the 95% interval of the mean difference for other seeds, by Student's t.

    It describes training and random splits of the same clips, and stays within the possible differences, -1 to 1. None
    with fewer than `FEW_SEEDS` seeds, and where the differences are all the same.
    """
    from scipy.special import stdtrit

    count = len(differences)
    if count < FEW_SEEDS or max(differences) - min(differences) < ROUNDING:
        return None
    reach = float(stdtrit(count - 1, (1 + COVERAGE) / 2)) * statistics.stdev(differences) / count**0.5
    mean = statistics.fmean(differences)
    return max(mean - reach, -1.0), min(mean + reach, 1.0)


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
