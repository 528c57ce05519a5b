"""Estimates of training time, from times measured with the settings of a paper."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

EPOCHS = ("epochs", "cnn_epochs", "lstm_epochs")
"""The names of settings that count epochs of training, in the order in which a recipe trains them."""


@dataclass(frozen=True)
class Cost:
    """The measured cost of a network on one machine, in seconds.

    `size` measures the work for one clip in a forward pass, such as its operations. `build` is the time of building the
    network and tracing its step, once per process. `per_clip` is the time of an epoch per training clip, by the name of
    the setting with these epochs; all folds share those in `once`. `predict` is the time of predicting a clip, `start`
    that of starting the process.
    """

    size: float
    build: float
    per_clip: Mapping[str, float]
    predict: float = 0.0
    start: float = 0.0
    once: tuple[str, ...] = ()


def fold_seconds(cost: Cost, clips: float, epochs: Mapping[str, int], size: float) -> float:
    """Seconds of training for one fold of `clips` clips with the `epochs` of each kind, for a network of `size`.

    The time of a network of the same kind with longer clips or larger images is assumed to grow in proportion to its
    size. Raises KeyError for a kind of epochs that was not measured.
    """
    return clips * size / cost.size * sum(count * cost.per_clip[name] for name, count in epochs.items())


def scaled(cost: Cost, factor: float) -> Cost:
    """The cost of a network of the same kind that needs `factor` times as many operations."""
    per_clip = {name: seconds * factor for name, seconds in cost.per_clip.items()}
    return replace(cost, size=cost.size * factor, per_clip=per_clip, predict=cost.predict * factor)


def epoch_seconds(names: Sequence[str], ends: Mapping[str, Sequence[float]]) -> dict[str, float]:
    """The mean seconds of an epoch except the first, by the setting that counts the epochs of a stage.

    `ends` has by stage the times at which its epochs ended; stages are trained in the order of their settings `names`.
    Raises ValueError if there are not as many stages as settings.
    """
    if len(names) != len(ends):
        raise ValueError(f"training has {len(ends)} stages, but {len(names)} settings count epochs")
    return {
        name: (times[-1] - times[0]) / max(len(times) - 1, 1) for name, times in zip(names, ends.values(), strict=True)
    }


def makespan(seconds: Sequence[float], workers: int) -> float:
    """The time that some processes need for tasks, each of which starts when a process is free, in this order."""
    free = [0.0] * workers
    for task in seconds:
        first = free.index(min(free))
        free[first] += task
    return max(free)
