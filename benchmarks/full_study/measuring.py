"""Train one fold of a network for a limited time."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.full_study.counting import flops
from benchmarks.prepared import SEED, Bench, accuracy
from common.contract import FoldRun, Parts
from common.environment import forget_peak_memory, peak_memory_mib, processor
from common.protocols.splits import split
from common.runs.cost import EPOCHS, epoch_seconds
from common.runs.fold_training import build_networks
from common.runs.plan import Job
from common.seeds import seed_of
from common.types import Samples

FEW = 16
"""The number of clips of a first, short training."""
LEAST = 2
"""The minimum number of epochs: in the first, steps are traced, which may take longer than a dozen epochs."""


def measured(bench: Bench, most: float) -> dict[str, Any]:
    """Time and memory of the first fold, trained for `most` seconds or to its end, as plain data.

    `epochs` has, for each setting that counts epochs, the paper's number, the number trained, and the seconds of one
    epoch per training clip; `fixed_seconds` are those of building and tracing.
    """
    (job, samples), parts = bench.job_and_samples(), bench.parts()
    fold = split(bench.experiment, samples.subject, samples.clip, samples.y, SEED)[0]
    train, test = samples.only(fold.train), samples.only(fold.test)
    full, clips = job.settings.values(), len(np.unique(train.clip))
    counts = {name: full[name] for name in EPOCHS if name in full}
    forget_peak_memory()
    least = min(FEW, clips)
    first = _trained(parts, job, {name: min(LEAST, count) for name, count in counts.items()}, _some(train, FEW), test)
    clip_seconds = {name: seconds / least for name, seconds in first.epoch_seconds.items()}
    epochs, used = fitting(counts, clip_seconds, clips, most - first.fixed_seconds)
    taken = train if used == clips else _some(train, used)
    run = _trained(parts, job, epochs, taken, test)
    return {
        "fold": fold.name,
        "clips": len(job.clips),
        "training_clips": clips,
        "trained_clips": used,
        "trained_rows": len(taken.y),
        "flops": flops(parts, job),
        "fixed_seconds": round(run.fixed_seconds, 2),
        "epochs": {
            name: {
                "paper": count,
                "trained": epochs[name],
                "seconds_per_clip": float(f"{run.epoch_seconds[name] / used:.4g}"),
            }
            for name, count in counts.items()
        },
        "seconds": round(run.seconds, 1),
        "training_accuracy": run.training_accuracy,
        "held_out_accuracy": run.held_out_accuracy,
        "history": run.history,
        "peak_memory_mib": round(peak_memory_mib()),
        "processor": processor(),
    }


def fitting(
    counts: Mapping[str, int], clip_seconds: Mapping[str, float], clips: int, seconds: float
) -> tuple[dict[str, int], int]:
    """The number of epochs of each kind that fit, at least two if the paper has two, and the number of clips.

    `clip_seconds` is the time of an epoch for one clip.
    """
    left = max(seconds, 0.0)
    whole = clips * sum(count * clip_seconds[name] for name, count in counts.items())
    share = min(left / whole, 1.0) if whole else 0.0
    epochs = {name: max(int(share * count), min(LEAST, count)) for name, count in counts.items()}
    one_clip = sum(count * clip_seconds[name] for name, count in epochs.items())
    return epochs, min(max(int(left / one_clip), FEW), clips) if one_clip and share < 1 else clips


def _some(samples: Samples, most: int) -> Samples:
    """The rows of at most `most` clips, spread over all clips."""
    clips = np.unique(samples.clip)
    kept = clips[np.unique(np.linspace(0, len(clips) - 1, min(most, len(clips))).round().astype(int))]
    return samples.only(np.flatnonzero(np.isin(samples.clip, kept)))


@dataclass(frozen=True)
class _TimedRun:
    """A training and its cost.

    `epoch_seconds` has, by the setting that counts them, the mean seconds of an epoch, except the first, in which steps
    are traced; `fixed_seconds` is the rest of `seconds`, 0 if later epochs were slower than the first. `history` has
    the curves by stage and metric.
    """

    seconds: float
    epoch_seconds: Mapping[str, float]
    fixed_seconds: float
    training_accuracy: float
    held_out_accuracy: float
    history: Mapping[str, list[float]]


def _trained(parts: Parts, job: Job, epochs: Mapping[str, int], train: Samples, test: Samples) -> _TimedRun:
    """Build and train for the given epochs, timing the end of each as the recipe reports it."""
    recipe = parts.recipe()
    ends: dict[str, list[float]] = {}

    def epoch_ended(stage: str, *_: object) -> None:
        ends.setdefault(stage, []).append(time.perf_counter())

    start = time.perf_counter()
    settings = job.settings.having(epochs)
    networks = build_networks(parts, job, settings)
    with tempfile.TemporaryDirectory() as folder:
        fold_run = FoldRun("first", seed_of("full study", SEED), settings, epoch_ended, Path(folder), None)
        trained = recipe.train(networks, job.experiment, train, fold_run)
        seconds = time.perf_counter() - start
        training, held_out = (round(accuracy(trained.predict(some), some), 4) for some in (train, test))
    by_setting = epoch_seconds(list(epochs), ends)
    fixed = max(seconds - sum(count * by_setting[name] for name, count in epochs.items()), 0.0)
    history = {
        f"{stage}: {name}": [float(f"{value:.4g}") for value in values]
        for stage, curves in trained.history.items()
        for name, values in curves.items()
    }
    return _TimedRun(seconds, by_setting, fixed, training, held_out, history)
