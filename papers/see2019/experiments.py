"""The experiment of see2019: LBP-TOP and a linear SVM on the MEGC 2019 composite, leaving one subject out."""

from __future__ import annotations

from dataclasses import dataclass

from common.contract import Settings
from common.corpora.composite import MEGC2019
from common.profiles import profiles
from common.protocols.splits import LOSO
from common.training.tuning import tuned
from common.types import Experiment


@dataclass(frozen=True)
class Inputs:
    """How the histograms are computed, in all profiles alike.

    `size` is the width and height of the face in pixels, which is cut into grid x grid blocks. `radius` is in pixels,
    in both directions; `time_radius` is in frames.
    """

    size: int = 192
    grid: int = 5
    radius: int = 1
    time_radius: int = 4


@dataclass(frozen=True)
class Network:
    """There is nothing to choose: one weight per class and bin."""


@dataclass(frozen=True)
class Training:
    """`penalty` is C: how much training clips on the wrong side of the margin weigh.

    Histograms that sum to 1 need a large one: see departures.toml.

    The only fit counts as one epoch. It computes in float64, and predictions in float32, whatever the `precision`.
    """

    penalty: float = 100.0
    epochs: int = 1
    precision: str = "float32"


PROFILES = profiles(Settings(Inputs(), Network(), Training()), quick={}, smoke={})

SPACE = {"penalty": (1.0, 100.0, 10_000.0)}
"""The setting of the classifier that the papers which cite the figures leave open."""

COMPOSITE = Experiment(
    name="composite-loso",
    variant="published",
    title="LBP-TOP and a linear SVM on the composite",
    corpora=("smic", "casme2", "samm"),
    labels=MEGC2019,
    protocol=LOSO,
    selection="last epoch",
    leak_free=True,
    network="LBP-TOP, linear SVM",
    note="A baseline without a network. Its only fit in each fold counts as one epoch.",
    common_ground=True,
    linear=True,
)

EXPERIMENTS = (COMPOSITE, *tuned((COMPOSITE,), lambda experiment: SPACE))
