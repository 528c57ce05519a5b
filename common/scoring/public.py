"""Predictions on the real corpora that others published, in the folder `predictions`: scores without an image.

Each method is a table of `methods.toml` and a file of one row per clip: its id, true class and prediction. All are on
the MEGC 2019 composite, one subject left out at a time.
"""

from __future__ import annotations

import csv
import tomllib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import numpy as np

from common.corpora.composite import DOCUMENTED, MEGC2019
from common.scoring import metrics, picks
from common.scoring.paired_tests import paired
from common.scoring.records import PairedTest, Score
from common.scoring.verdicts import METRICS, against_guessing, n_clips, pooled, score
from common.types import FoldResult

FOLDER = Path(__file__).with_name("predictions")


@dataclass(frozen=True)
class PublicMethod:
    """A method with published predictions; `source` says where they are, `selection` how its epoch was chosen.

    With `leak_free`, nothing of a held-out subject was used. `result` has the predictions as those of a single fold.
    `picks` is the number of epochs of which the best was picked for each held-out subject, 0 if none was picked so.
    """

    key: str
    title: str
    authors: str
    venue: str
    source: str
    selection: str
    leak_free: bool
    result: FoldResult
    picks: int = 0


@cache
def methods() -> tuple[PublicMethod, ...]:
    """All methods, in the order of the file. Raises ValueError for a class or a clip that is not as expected."""
    with (FOLDER / "methods.toml").open("rb") as file:
        known = tomllib.load(file)
    return tuple(PublicMethod(key=key, result=_read(FOLDER / f"{key}.csv"), **record) for key, record in known.items())


def _read(path: Path) -> FoldResult:
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    clips = tuple(row["clip"] for row in rows)
    if len(set(clips)) != len(clips):
        raise ValueError(f"{path}: a clip has two rows")
    truth, answers = (
        np.array([MEGC2019.classes.index(row[name]) for row in rows], np.int64) for name in ("truth", "prediction")
    )
    certain = np.eye(len(MEGC2019.classes), dtype=np.float32)[answers]
    return FoldResult("all subjects", clips, truth, certain, {}, 0, 0.0, {}, {})


def composite_classes() -> dict[str, str]:
    """The class of each clip of the MEGC 2019 composite, by id, from the first method, which predicted all of them."""
    result = methods()[0].result
    return {clip: MEGC2019.classes[label] for clip, label in zip(result.clips, result.truth.tolist(), strict=True)}


def scores(method: PublicMethod) -> dict[str, dict[str, Score]]:
    """UF1, UAR and accuracy of a method by corpus, the composite first, with intervals and what guessing reaches."""
    results, classes = [method.result], MEGC2019.classes
    made: dict[str, dict[str, Score]] = {}
    for name, within in _parts():
        matrices = pooled(results, within, len(classes))
        for metric in METRICS:
            folds = len(matrices)  # each leaves out a subject
            found = score(matrices, metric, classes, n_clips(results, within), folds, folds)
            if found is not None:
                (p, _), guesses = against_guessing(results, within, metric, classes, folds), None
                if method.picks:
                    subjects, how = by_subject(method.result), metrics.metric(metric, classes)
                    guesses = picks.of_folds(subjects, [method.picks] * len(subjects), how, within)
                made.setdefault(name, {})[metric] = replace(found, p=p, picks=guesses)
    return made


def rule(selection: str, leak_free: bool, uf1: Score) -> str:
    """A selection rule as tables show it, with what guesses reach under it if it picks on the scored clips."""
    guesses = "" if uf1.picks is None else f"; guesses with as many picks reach UF1 {uf1.picks:.4f}"
    return selection + " (not leak-free)" * (not leak_free) + guesses


def figures(method: PublicMethod) -> dict[str, dict[str, float]]:
    """What tables cite of a method, by corpus: `uf1`, `uar` and `precision`, an unweighted mean over the classes."""
    made = {}
    for name, within in _parts():
        matrix = pooled([method.result], within, len(MEGC2019.classes)).sum(axis=0)
        how = {"uf1": metrics.uf1, "uar": metrics.uar, "precision": metrics.precision}
        made[name] = {metric: float(compute(matrix)) for metric, compute in how.items()}
    return made


def against(method: PublicMethod, others: Mapping[str, Sequence[FoldResult]]) -> dict[str, PairedTest]:
    """The paired test of each of `others` with a method, by name; Holm's correction covers all of them.

    Clips whose class others have differently are left out. Without a clip that both predict, there is no test.
    """
    truth = dict(zip(method.result.clips, method.result.truth.tolist(), strict=True))
    apart = {
        clip
        for results in others.values()
        for result in results
        for clip, label in zip(result.clips, result.truth.tolist(), strict=True)
        if truth.get(clip, label) != label
    }
    named = {name: [_without(result, apart) for result in results] for name, results in others.items()}
    known = named | {method.key: by_subject(_without(method.result, apart))}
    tests = paired(known, [(name, method.key) for name in others], len(MEGC2019.classes))
    return {test.first: test for test in tests}


def compared(first: PublicMethod, second: PublicMethod) -> tuple[PairedTest, tuple[str, ...]]:
    """The paired test of two methods, and the clips left out of it because their true classes differ."""
    truths = [dict(zip(m.result.clips, m.result.truth.tolist(), strict=True)) for m in (first, second)]
    apart = tuple(clip for clip in truths[0] if truths[1].get(clip, truths[0][clip]) != truths[0][clip])
    named = {method.key: by_subject(_without(method.result, apart)) for method in (first, second)}
    (test,) = paired(named, [(first.key, second.key)], len(MEGC2019.classes))
    return test, apart


def _without(result: FoldResult, clips: Collection[str]) -> FoldResult:
    kept = np.array([clip not in clips for clip in result.clips])
    names = tuple(clip for clip in result.clips if clip not in clips)
    return FoldResult(result.fold, names, result.truth[kept], result.probabilities[kept], {}, 0, 0.0, {}, {})


def by_subject(result: FoldResult) -> list[FoldResult]:
    """Predictions as those of the folds that they come from, each of which leaves out one subject."""
    subjects = sorted({clip.rpartition("/")[0] for clip in result.clips})
    return [
        _without(result, {clip for clip in result.clips if clip.rpartition("/")[0] != subject}) for subject in subjects
    ]


def _parts() -> list[tuple[str, str | None]]:
    return [(MEGC2019.name, None), *((corpus, corpus) for corpus in DOCUMENTED)]


def known_figures() -> Mapping[str, Mapping[str, Mapping[str, float]]]:
    """`figures` of all methods by key."""
    return {method.key: figures(method) for method in methods()}
