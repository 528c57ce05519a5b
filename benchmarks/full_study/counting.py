"""Count the folds, clips and operations of a paper's experiments."""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable
from typing import Any

import numpy as np

import papers
from benchmarks.prepared import SEED, of_paper
from common.contract import Parts, Profile
from common.protocols.splits import split
from common.runs.cache import Cache
from common.runs.fold_training import build_networks
from common.runs.plan import Job


def flops(parts: Parts, job: Job) -> float:
    """Operations of the forward pass of one row; if an experiment compares kernels, the mean over them."""
    variants = [job.settings.having({"kernel": kernel}) for kernel in _kernels(job)] or [job.settings]
    return float(np.mean([build_networks(parts, job, variant).flops(1.0) for variant in variants]))


def _kernels(job: Job) -> tuple[str, ...]:
    """The kernels that an experiment compares, if any, on the clips on which it is scored or inside each fold."""
    return tuple(job.settings.values().get("kernels") or job.experiment.space.get("kernel", ()))


def counted(key: str, cache: Cache, profile: Callable[[Profile], Profile]) -> dict[str, Any]:
    """The counts that determine the hours of a paper's experiments, by id, as plain data.

    `fold_clips` is the number of training clips of a fold, averaged over folds; `trainings` is how often a network is
    trained on them, which is more than once if settings are searched; `once` lists epochs that all folds share. Copies
    of experiments that search settings which the paper did not search are left out, and experiments on public maps.
    """
    counts: dict[str, Any] = {}
    operations: dict[Hashable, float] = {}
    for experiment in papers.load(key).experiments:
        if experiment.tuned_of or experiment.collected_from:
            continue
        bench = of_paper(key, experiment.id, cache, profile)
        job, full, parts = bench.job(), bench.profile, bench.parts()
        subject, clip = (np.array(names) for names in zip(*((c.subject_id, c.id) for c, _ in job.clips), strict=True))
        folds = split(experiment, subject, clip, np.array([label for _, label in job.clips]), SEED)
        same = parts.network_key(experiment, job.settings)
        operations.setdefault(same, flops(parts, job))
        searched = len(job.settings.values().get("kernels", ()))
        if experiment.space:
            searched = min(full.trials, math.prod(map(len, experiment.space.values()))) * (full.inner_folds - 1)
        counts[experiment.id] = {
            "network": experiment.network,
            "on_request": experiment.on_request,
            "protocol": experiment.protocol,
            "clips": len(job.clips),
            "folds": len(folds),
            "fold_clips": round(float(np.mean([len(fold.train) for fold in folds])), 2),
            "trainings": 1 + searched,
            "once": ["cnn_epochs"] if key == "aouayeb2019" and not experiment.leak_free else [],
            "flops": operations[same],
        }
    return counts
