"""One fold of a network, trained as far as the time goes."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.full_study.counting import flops
from benchmarks.prepared import SEED, Bench, quiet
from common.contract import FoldRun, Parts
from common.environment import forget_peak_memory, peak_memory_mib, processor
from common.protocols.splits import split
from common.runs.folds import build_networks
from common.runs.plan import Job
from common.seeds import seed_of
from common.types import Predictions, Samples

FEW = 16
"""Clips that a first, short training takes."""
EPOCHS = ("epochs", "cnn_epochs", "lstm_epochs")
"""Settings that count epochs of training, as the papers' settings name them."""


def measured(bench: Bench, most: float) -> dict[str, Any]:
    """Time and memory of the first fold, trained for `most` seconds or to its end, as plain data.

    `epochs` has, for each setting that counts epochs, those of the paper, those trained, and the seconds that one takes
    for each training clip; `fixed_seconds` are those of building and tracing.
    """
    (job, samples), parts = bench.job_and_samples(), bench.parts()
    fold = split(bench.experiment, samples.subject, samples.clip, samples.y, SEED)[0]
    train, test = samples.only(fold.train), samples.only(fold.test)
    full, clips = job.settings.values(), len(np.unique(train.clip))
    counts = {name: full[name] for name in EPOCHS if name in full}
    once, few = dict.fromkeys(counts, 1), _some(train, FEW)
    forget_peak_memory()
    first, _ = _trained(parts, job, once, few, test)
    least = min(FEW, clips)
    clip_seconds = {
        name: max(_trained(parts, job, once | {name: 2}, few, test)[0] - first, 0.0) / least for name in counts
    }
    fixed = max(first - least * sum(clip_seconds.values()), 0.0)
    epochs, used = fitting(counts, clip_seconds, clips, most - fixed)
    taken = train if used == clips else _some(train, used)
    seconds, outcome = _trained(parts, job, epochs, taken, test)
    expected = used * sum(count * clip_seconds[name] for name, count in epochs.items())
    scale = max(seconds - fixed, 0.0) / expected if expected else 1.0  # a long run tells more than two short ones
    return {
        "fold": fold.name,
        "clips": len(job.clips),
        "training_clips": clips,
        "trained_clips": used,
        "trained_rows": len(taken.y),
        "flops": flops(parts, job),
        "fixed_seconds": round(fixed, 2),
        "epochs": {
            name: {
                "paper": count,
                "trained": epochs[name],
                "seconds_per_clip": float(f"{scale * clip_seconds[name]:.4g}"),
            }
            for name, count in counts.items()
        },
        "seconds": round(seconds, 1),
        **outcome,
        "peak_memory_mib": round(peak_memory_mib()),
        "processor": processor(),
    }


def fitting(
    counts: Mapping[str, int], clip_seconds: Mapping[str, float], clips: int, seconds: float
) -> tuple[dict[str, int], int]:
    """How many epochs of each kind fit, at least one, and of how many clips.

    `clip_seconds` is what an epoch takes for one clip.
    """
    left = max(seconds, 0.0)
    whole = clips * sum(count * clip_seconds[name] for name, count in counts.items())
    share = min(left / whole, 1.0) if whole else 0.0
    epochs = {name: max(int(share * count), 1) for name, count in counts.items()}
    one_clip = sum(count * clip_seconds[name] for name, count in epochs.items())
    return epochs, min(max(int(left / one_clip), FEW), clips) if one_clip and share < 1 else clips


def _some(samples: Samples, most: int) -> Samples:
    """The rows of so many clips, spread over all, or of all."""
    clips = np.unique(samples.clip)
    kept = clips[np.unique(np.linspace(0, len(clips) - 1, min(most, len(clips))).round().astype(int))]
    return samples.only(np.flatnonzero(np.isin(samples.clip, kept)))


def _trained(
    parts: Parts, job: Job, epochs: Mapping[str, int], train: Samples, test: Samples
) -> tuple[float, dict[str, Any]]:
    """Seconds of building and training with so many epochs; curves, and the shares of clips answered rightly."""
    recipe = parts.recipe()
    start = time.perf_counter()
    settings = job.settings.having(epochs)
    networks = build_networks(parts, job, settings)
    with tempfile.TemporaryDirectory() as folder:
        fold_run = FoldRun("first", seed_of("full study", SEED), settings, quiet, Path(folder), None)
        trained = recipe.train(networks, job.experiment, train, fold_run)
        seconds = time.perf_counter() - start
        right = {
            "training_accuracy": _accuracy(trained.predict(train), train),
            "held_out_accuracy": _accuracy(trained.predict(test), test),
        }
    curves = {
        f"{stage}: {name}": [float(f"{value:.4g}") for value in values]
        for stage, history in trained.history.items()
        for name, values in history.items()
    }
    return seconds, {**right, "history": curves}


def _accuracy(answers: Predictions, samples: Samples) -> float:
    classes = dict(zip(samples.clip.tolist(), samples.y.tolist(), strict=True))
    return round(float(np.mean([answer.argmax() == classes[clip] for clip, answer in answers.items()])), 4)
