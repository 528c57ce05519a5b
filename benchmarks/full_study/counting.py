"""How many folds, clips and operations the experiments of a paper have."""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

import papers
from benchmarks.prepared import SEED, Bench, of_paper
from common.contract import Profile
from common.protocols.splits import split
from common.runs.cache import Cache
from papers.reddy2019.experiments import KERNELS


def flops(bench: Bench) -> float:
    """Operations forward of one row; of an experiment that compares kernels the mean over them."""
    experiment, settings = bench.experiment, bench.profile.settings
    choices: Sequence[Mapping[str, Any]] = [{}]
    if experiment.name.startswith("kernel-sizes"):
        choices = [{"kernel": kernel} for kernel in KERNELS]
    variants = [replace(settings, **choice) for choice in choices]
    return float(
        np.mean([bench.parts().recipe().Networks(experiment, variant, SEED).flops(1.0) for variant in variants])
    )


def counted(key: str, cache: Cache, profile: Callable[[Profile], Profile]) -> dict[str, Any]:
    """What decides the hours of a paper's experiments, by id, as plain data.

    `fold_clips` are the training clips of a fold, the mean over folds; `trainings` how often a network is trained on
    them, where settings are searched in several; `once` has epochs that all folds share. Copies that search settings
    which the paper did not search are left out.
    """
    counts: dict[str, Any] = {}
    operations: dict[Hashable, float] = {}
    for experiment in papers.load(key).experiments:
        if experiment.tuned_of:
            continue
        bench = of_paper(key, experiment.id, cache, profile)
        job, full = bench.job(), bench.profile
        subject, clip = (np.array(names) for names in zip(*((c.subject_id, c.id) for c, _ in job.clips), strict=True))
        folds = split(experiment, subject, clip, np.array([label for _, label in job.clips]), SEED)
        same = bench.parts().needs(experiment, full.settings), experiment.name.startswith("kernel-sizes")
        operations.setdefault(same, flops(bench))
        searched = len(KERNELS) if experiment.id == "kernel-sizes-casme_sq/published" else 0
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
