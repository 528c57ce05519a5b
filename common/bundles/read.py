"""Read a bundle, made by anyone, into plain records."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from common.bundles.archive import BundleError, Contents, contents
from common.bundles.records import Bundle, BundleRun, ClipDigest
from common.bundles.schema import HEAD
from common.scoring.histories import from_json
from common.scoring.records import Score
from common.types import FoldResult, Trial

MOST_CLASSES, MOST_PREDICTIONS = 100, 5_000
"""Limits of a run, so that its scores take seconds; those of the experiments in this suite are far below them."""
MOST_IN_ALL = 400_000
"""Maximum number of predictions in a bundle, so that all its scores take minutes."""


def read(path: Path) -> Bundle:
    """Read a bundle. Raises BundleError for a file that is none, OSError for one that cannot be opened."""
    return assembled(contents(path))


def assembled(records: Contents) -> Bundle:
    """The bundle with these records, which have the right format. Raises BundleError if they do not belong together."""
    head = records[HEAD]
    if sum(len(fold["clips"]) for name in records if name != HEAD for fold in records[name]["folds"]) > MOST_IN_ALL:
        raise BundleError(f"has more than {MOST_IN_ALL} predictions")
    runs = tuple(_run(records[name]) for name in sorted(records) if name != HEAD)
    if not runs:
        raise BundleError("contains no run")
    if len({(run.experiment, run.seed) for run in runs}) < len(runs):
        raise BundleError("contains an experiment twice with the same seed")
    return Bundle(
        paper=head["paper"],
        data=head["data"],
        profile=head["profile"],
        options=tuple((name, value) for name, value in head["options"]),
        version=head["version"],
        sources=head["sources"],
        copy=head["copy"],
        date=head["date"],
        digests={clip: ClipDigest(*pair) for clip, pair in head["digests"].items()},
        excluded=head["excluded"],
        runs=runs,
    )


def _run(record: Mapping[str, Any]) -> BundleRun:
    name = f"{record['experiment']} seed {record['seed']}"
    scores = {(row["corpus"], row["metric"]): _score(row) for row in record["scores"]}
    if len(scores) < len(record["scores"]):
        raise BundleError(f"{name} has a score twice")
    if len({clip for clip, _ in record["clips"]}) < len(record["clips"]):
        raise BundleError(f"{name} lists a clip twice")
    if max(len(record["clips"]), sum(len(row["clips"]) for row in record["folds"])) > MOST_PREDICTIONS:
        raise BundleError(f"{name} has more than {MOST_PREDICTIONS} clips or predictions")
    folds = tuple(_fold(name, row, record["seed"]) for row in record["folds"])
    if not folds or len({fold.fold for fold in folds}) < len(folds):
        raise BundleError(f"{name} has no folds, or two of one name")
    return BundleRun(
        experiment=record["experiment"],
        seed=record["seed"],
        motion=record["motion"],
        settings=record["settings"],
        clips=tuple((clip, label) for clip, label in record["clips"]),
        unusable=tuple(record["unusable"]),
        folds=folds,
        scores=scores,
    )


def _score(row: Mapping[str, Any]) -> Score:
    return Score(**{name: value for name, value in row.items() if name != "corpus"})


def _fold(name: str, record: Mapping[str, Any], seed: int) -> FoldResult:
    clips, rows = record["clips"], record["probabilities"]
    classes = len(rows[0]) if rows else 0
    where = f"{name}, {record['fold']}"
    if not clips or len(set(clips)) < len(clips):
        raise BundleError(f"{where}: no clips, or one twice")
    if len(rows) != len(clips) or len(record["truth"]) != len(clips):
        raise BundleError(f"{where}: {len(clips)} clips, {len(record['truth'])} classes, {len(rows)} predictions")
    if not 2 <= classes <= MOST_CLASSES or any(len(row) != classes for row in rows):
        raise BundleError(f"{where}: predictions of different lengths")
    if not all(0 <= label < classes for label in record["truth"]):
        raise BundleError(f"{where}: a true class is not one of the {classes} classes")
    if any(abs(p) > 2 for row in rows for p in row):
        raise BundleError(f"{where}: a probability is above 1")
    again = record.get("relabelled")
    if again is not None and not all(len(row) == len(clips) and {*row} <= {*range(classes)} for row in again):
        raise BundleError(f"{where}: a relabelled training predicts other clips or classes")
    return FoldResult(
        fold=record["fold"],
        clips=tuple(clips),
        truth=np.array(record["truth"], np.int64),
        probabilities=np.array(rows, np.float32),
        history=from_json(record["history"]),
        seed=seed,
        seconds=float(record["seconds"]),
        measured=record["measured"],
        environment=record["environment"],
        trials=tuple(Trial(trial["settings"], trial["uf1"], trial["log_loss"]) for trial in record["trials"]),
        caveats=tuple(record["caveats"]),
        relabelled=np.array(again, np.int64) if again is not None else None,
    )
