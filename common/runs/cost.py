"""How long training takes, from what a network took at its paper's settings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Cost:
    """What a network of `flops` operations forward (one clip) took on one machine.

    `fixed` is what a fold takes beside its epochs, in seconds: building the network and tracing its step. `per_clip` is
    what an epoch takes for each training clip, in seconds, by the name of the setting that counts these epochs.
    """

    flops: float
    fixed: float
    per_clip: Mapping[str, float]


def fold_seconds(cost: Cost, clips: float, epochs: Mapping[str, int], flops: float) -> float:
    """Seconds of training one fold of `clips` clips with so many `epochs` of each kind, by a network of `flops`.

    A network of the same kind that reads longer clips or larger pictures is taken to need as many times longer as it
    has operations. Raises KeyError for a kind of epochs that was not measured.
    """
    return cost.fixed + clips * flops / cost.flops * sum(count * cost.per_clip[name] for name, count in epochs.items())
