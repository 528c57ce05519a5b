"""What is compared: sizes, measured numbers and facts of a network; needs no framework."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from common.types import Arrays

SATURATION = 1000.0


def saturated(weights: Mapping[str, NDArray[Any]], last: str) -> Arrays:
    """The weights with a last kernel so large that probabilities are 0 or 1."""
    return {name: values * SATURATION if name == f"{last}/kernel" else values for name, values in weights.items()}


@dataclass(frozen=True)
class Size:
    """The shapes of a network's inputs, the rows of a batch, the training steps, and settings that belong to this."""

    shapes: Mapping[str, tuple[int, ...]]
    rows: int
    steps: int
    settings: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Measured:
    """What a network computes. Weights are named `layer/weight` and have the suite's axes.

    `outputs` are predictions; `loss` and `gradients` are those of a training step before any weight changes. `losses`
    are those of the steps, and `weights` all weights after them, including moving statistics. `saturated` is the loss
    with the last kernel times `SATURATION`.
    """

    outputs: Arrays
    loss: float
    gradients: Arrays
    losses: NDArray[np.floating] = field(default_factory=lambda: np.zeros(0))
    weights: Arrays = field(default_factory=dict)
    saturated: float = 0.0


@dataclass(frozen=True)
class Facts:
    """What numbers without chance cannot show, by layer of the suite.

    `dropouts` are rates with the kinds of the layers before and after; `initialisers` and `normalisations` are texts.
    """

    dropouts: tuple[str, ...] = ()
    initialisers: Mapping[str, str] = field(default_factory=dict)
    normalisations: Mapping[str, str] = field(default_factory=dict)
