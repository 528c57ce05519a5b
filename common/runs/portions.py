"""Pending folds -> portions of about the same work, each for one process."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Hashable, Mapping, Sequence

import numpy as np

from common.protocols.controls import METADATA
from common.runs import folds, preprocessing
from common.runs.clips import Prepared
from common.runs.context import RunContext
from common.runs.plan import Job


def shared_out(
    jobs: Sequence[Job], prepared: Mapping[str, Prepared], context: RunContext
) -> list[tuple[folds.JobFolds, ...]]:
    """The pending folds in portions for single processes, the largest first.

    Experiments with the same networks stay together, so that these are built only once, unless one process would get
    more than its share of the work. A fold is weighted by the number of clips of its experiment.
    """
    parts, workers = context.parts(), context.pool.count
    groups: dict[Hashable, list[tuple[Job, str]]] = {}
    for job in jobs:
        key = preprocessing.parts_of(job, parts).network_key(job.experiment, job.settings)
        groups.setdefault(key, []).extend((job, fold) for fold in job.pending())
    tried = [name for group in groups.values() if (name := _to_repeat(group))]
    if any(job.profile.brief_check for job in jobs):
        tried = tried[:1]
    if context.pool.here:
        return _shares([*groups.values()], prepared, tried)
    return _shares(portions([*groups.values()], workers), prepared, tried)


def portions(groups: Sequence[Sequence[tuple[Job, str]]], workers: int) -> list[list[tuple[Job, str]]]:
    """Split groups of (job, fold), which should stay together, only if they exceed their share; the heaviest first."""
    most = -(-sum(map(_weight, groups)) // workers)
    parts = [part for group in groups for part in _parts(group, -(-_weight(group) // most))]
    return sorted(parts, key=_weight, reverse=True)


def _weight(group: Sequence[tuple[Job, str]]) -> int:
    return sum(_clips(job) for job, _ in group)


def _clips(job: Job) -> int:
    """The clips that a network is trained on; the classifier of metadata takes hardly longer than one of them."""
    return 1 if job.experiment.control == METADATA else len(job.clips)


def _parts(group: Sequence[tuple[Job, str]], count: int) -> list[list[tuple[Job, str]]]:
    """Split a group in order into at most `count` parts of about the same weight."""
    weights = np.array([_clips(job) for job, _ in group])
    part = (np.cumsum(weights) - weights / 2) * count // weights.sum()
    parts = [[pair for pair, place in zip(group, part, strict=True) if place == number] for number in range(count)]
    return [part for part in parts if part]


def _to_repeat(group: Sequence[tuple[Job, str]]) -> str:
    """Of experiments with the same networks, the one whose second fold is trained twice, or an empty string."""
    counts = Counter(job.experiment.id for job, _ in group if job.experiment.leak_free and not job.experiment.control)
    return max(counts, key=lambda name: counts[name], default="")


def _shares(
    portions: Sequence[Sequence[tuple[Job, str]]], prepared: Mapping[str, Prepared], tried: Collection[str]
) -> list[tuple[folds.JobFolds, ...]]:
    """Each portion as shares, one per job; the largest share of a job in `tried` `repeats` its second fold."""
    by_portion: list[dict[str, tuple[Job, list[str]]]] = []
    for portion in portions:
        by_job: dict[str, tuple[Job, list[str]]] = {}
        for job, fold in portion:
            by_job.setdefault(job.experiment.id, (job, []))[1].append(fold)
        by_portion.append(by_job)
    largest: dict[str, list[str]] = {}
    first: dict[str, str] = {}
    for by_job in by_portion:
        for name, (job, names) in by_job.items():
            if len(names) > len(largest.get(name, [])):
                largest[name] = names
            first[name] = min([*names, *([first[name]] if name in first else [])], key=job.folds.index)
    return [
        tuple(
            folds.JobFolds(
                job,
                tuple(names),
                prepared[name].excluded,
                first=first[name] in names,
                repeats=names is largest[name] and name in tried,
            )
            for name, (job, names) in by_job.items()
        )
        for by_job in by_portion
    ]
