"""Estimates of training time, from times measured with the settings of a paper."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Cost:
    """The measured cost of a network of `flops` operations forward (one clip) on one machine.

    `fixed` is the time of a fold apart from its epochs, in seconds: building the network and tracing its step.
    `per_clip` is the time of an epoch per training clip, in seconds, by the name of the setting with these epochs.
    """

    flops: float
    fixed: float
    per_clip: Mapping[str, float]


def fold_seconds(cost: Cost, clips: float, epochs: Mapping[str, int], flops: float) -> float:
    """Seconds of training for one fold of `clips` clips with the `epochs` of each kind, for a network of `flops`.

    The time of a network of the same kind with longer clips or larger images is assumed to grow in proportion to its
    operations. Raises KeyError for a kind of epochs that was not measured.
    """
    return cost.fixed + clips * flops / cost.flops * sum(count * cost.per_clip[name] for name, count in epochs.items())
