"""The experiments of apexdiff: the MEGC 2019 composite by clip, and leave one subject out as its leak-free twin."""

from __future__ import annotations

from dataclasses import dataclass, replace

from common.contract import Settings
from common.corpora.composite import MEGC2019
from common.profiles import profiles
from common.protocols.splits import LOSO, TENFOLD
from common.training.tuning import tuned
from common.types import Experiment


@dataclass(frozen=True)
class Inputs:
    """Width and height of the images, and how an apex that is not annotated is found."""

    size: int = 64
    apex_method: str = "midpoint"


@dataclass(frozen=True)
class Network:
    """Filters of the first convolution; the second has twice as many."""

    filters: int = 8


@dataclass(frozen=True)
class Training:
    """Adam and its learning rate."""

    epochs: int = 50
    batch: int = 16
    learning_rate: float = 1e-3
    precision: str = "float32"


PROFILES = profiles(
    Settings(Inputs(), Network(), Training()), quick={"size": 32, "epochs": 20}, smoke={"size": 32, "epochs": 1}
)

BY_CLIP = Experiment(
    name="composite",
    variant="by-clip",
    title="Difference of apex and first frame: ten folds by clip",
    corpora=("casme2", "smic", "samm"),
    labels=MEGC2019,
    protocol=TENFOLD,
    selection="last epoch",
    leak_free=False,
    network="Apex difference",
    note="Folds are by clip, not by subject: clips of one person are in training and in test.",
)
BY_SUBJECT = replace(
    BY_CLIP,
    variant="loso",
    title="Difference of apex and first frame: leave one subject out",
    protocol=LOSO,
    leak_free=True,
    note="The leak-free twin: no clip of the held-out subject in training.",
    twin_of=BY_CLIP.variant,
    common_ground=True,
)
SPACE = {"learning_rate": (3e-4, 1e-3, 3e-3), "filters": (4, 8, 16)}
EXPERIMENTS = (BY_CLIP, BY_SUBJECT, *tuned((BY_SUBJECT,), lambda experiment: SPACE))
