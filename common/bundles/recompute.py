"""What builder and verifier compute in the same way: folds, scores, and settings without the names of files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from typing import Any

import numpy as np

from common.bundles.schema import SCORE
from common.contract import Paper, Profile
from common.protocols.splits import split
from common.scoring import verdicts
from common.scoring.records import Score
from common.types import Experiment, Fold, FoldResult


def folds_of(
    experiment: Experiment, clips: Sequence[tuple[str, int]], seed: int, most: int | None = None
) -> list[Fold]:
    """The folds that the protocol makes of these clips and classes, at most `most` if that is not None.

    The subject is a clip's id without its name.
    """
    ids = np.array([clip for clip, _ in clips])
    subjects = np.array([clip.rpartition("/")[0] for clip, _ in clips])
    return split(experiment, subjects, ids, np.array([label for _, label in clips], np.int64), seed, most)


def public(settings: Any) -> Any:
    """Settings as JSON without the names of files: weights from files are given by their digests."""
    if isinstance(settings, Mapping):
        if set(settings) == {"choice", "files"} and settings["files"]:
            return {"choice": "files", "files": [sha for _, sha in settings["files"]]}
        return {name: public(value) for name, value in settings.items()}
    return [public(value) for value in settings] if isinstance(settings, list | tuple) else settings


def claimed(
    paper: Paper,
    experiment: Experiment,
    profile: Profile,
    data: str,
    results: Sequence[FoldResult],
    folds: int,
) -> dict[tuple[str, str], Score]:
    """All scores of an experiment by (corpus, metric), as in a report of one seed, without the cautions."""
    rows = verdicts.compare(paper, experiment, results, folds, profile=profile, data=data, command=lambda _: "")
    return {(row.corpus, row.metric): replace(row.score, caution="") for row in rows if row.score is not None}


def score_records(scores: Mapping[tuple[str, str], Score]) -> list[dict[str, Any]]:
    """Scores as in a bundle."""
    return [
        {"corpus": corpus} | {name: value for name, value in asdict(score).items() if name in SCORE["properties"]}
        for (corpus, _), score in scores.items()
    ]
