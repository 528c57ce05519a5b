"""The experiments of kumar2019: leave-one-subject-out on each corpus and the composite, and six pairs of corpora."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import permutations
from typing import Any, Literal

from common.contract import Settings
from common.corpora.composite import MEGC2019
from common.profiles import profiles
from common.protocols.splits import BETWEEN, LOSO
from common.training.tuning import tuned
from common.training.weights import NONE, Weights
from common.types import Experiment

_START = Weights(NONE)
ALPHAS = (0, 5, 10, 15)
"""Magnification of the copies of a training clip (section 3.1.1); 0 is the unchanged clip."""


@dataclass(frozen=True)
class Inputs:
    """How images are made; alphas, window and cutoff are the paper's (sections 3.1 to 3.4), the rest is our choice.

    wavelength, low_hz, high_hz and motion_filter set the magnification, of which the paper gives only the factor. Faces
    are resized to face_size before they are magnified; the default is the width of the network's input.

    Without `removal` every frame stays. With `magnified_texture`, A_i is computed from the magnified frames instead of
    the unmagnified ones. `window_ends` says what happens to a window that reaches beyond its clip, see
    `texture.windows`. With `mean_texture`, the sum of equation 9 is divided by the number of frequencies in it.
    """

    size: int = 224
    face_size: int = 224
    alphas: tuple[int, ...] = ALPHAS
    window: int = 61
    cutoff: float = 30.0
    wavelength: float = 16.0
    low_hz: float = 0.5
    high_hz: float = 10.0
    motion_filter: Literal["butterworth", "ideal"] = "butterworth"
    removal: bool = True
    magnified_texture: bool = False
    window_ends: Literal["cut", "moved"] = "cut"
    mean_texture: bool = True


@dataclass(frozen=True)
class Network:
    """With `normalised_first`, batch normalisation stands before each convolution, as the text says (section 3.5).

    `weights` are those that the network starts from (--weights).
    """

    normalised_first: bool = False
    weights: Weights = _START


@dataclass(frozen=True)
class Training:
    """How the network is trained. The defaults are the paper's (table 1, section 3.5); only epochs is our choice.

    At the end the rate, halved every 5 epochs, is a thousandth of the initial one. Copies of a training clip are
    magnified by trained_alphas, a test clip by tested_alpha (section 3.1.1).
    """

    batch: int = 128
    epochs: int = 50
    learning_rate: float = 1e-3
    momentum: float = 0.9
    halved_every: int = 5
    trained_alphas: tuple[int, ...] = ALPHAS
    tested_alpha: Literal[0, 5, 10, 15] = 10
    precision: str = "float32"


PROFILES = profiles(
    Settings(Inputs(), Network(), Training()),
    quick={"size": 32, "face_size": 112, "batch": 16, "epochs": 4},
    smoke={"size": 48, "face_size": 96, "batch": 32, "epochs": 1},
)

CORPORA = ("casme2", "smic", "samm")
NETWORK = "Avatar ResNet34"
TITLES = {"casme2": "CASME II", "smic": "SMIC", "samm": "SAMM"}
FILE = "resnet34"
"""How the name of the network's weight file starts in a user's folder."""
SPACE = {"learning_rate": (1e-4, 1e-3, 1e-2), "halved_every": (5, 10, 20)}
"""How fast and how long the network learns. The text leaves the length open: it prints no number of epochs."""

Variants = Mapping[str, tuple[Mapping[str, Any], str]]
"""Settings and part of the title by variant."""

EVERYWHERE: Variants = {
    "published": ({}, ""),
    "as-written": (
        {"magnified_texture": True, "mean_texture": False},
        ", texture of the magnified frames, summed over the frequencies",
    ),
}
"""The variants of every experiment. `as-written` removes frames as section 3.2 has it: magnified, then removed."""

READINGS: Variants = {
    "normalised-before": ({"normalised_first": True}, ", batch normalisation before each convolution"),
    "magnified-only": ({"trained_alphas": ALPHAS[1:]}, ", trained only on magnified clips"),
}
"""The other variants that run on every corpus."""

REMOVALS: Variants = {
    "magnified-texture": ({"magnified_texture": True}, ", texture of the magnified frames"),
    "zero-phase": (
        {"magnified_texture": True, "motion_filter": "ideal"},
        ", zero-phase filter, texture of the magnified frames",
    ),
    "shifted-windows": ({"window_ends": "moved"}, ", windows shifted into the clip"),
    "magnified-texture-shifted-windows": (
        {"magnified_texture": True, "window_ends": "moved"},
        ", texture of the magnified frames, windows shifted into the clip",
    ),
    "summed-texture": ({"mean_texture": False}, ", texture summed over the frequencies of each window"),
    "all-frames": ({"removal": False}, ", no frame removed"),
}
"""Other interpretations of section 3.2, which run on the composite."""


def _plain() -> Iterator[Experiment]:
    runs: list[tuple[str, tuple[str, ...], str]] = [("composite-loso", CORPORA, "the composite")]
    runs += [(f"{corpus}-loso", (corpus,), f"{TITLES[corpus]} only") for corpus in ("smic", "casme2", "samm")]
    for name, corpora, title in runs:
        variants = {**EVERYWHERE, **READINGS, **(REMOVALS if corpora == CORPORA else {})}
        for variant, (settings, how) in variants.items():
            yield Experiment(
                name=name,
                variant=variant,
                title=f"Emotion Avatar Images and ResNet34 on {title}{how}",
                corpora=corpora,
                labels=MEGC2019,
                protocol=LOSO,
                selection="last epoch",
                leak_free=True,
                network=NETWORK,
                settings=settings,
                note="Magnified copies of a clip are on the same side of the split as the clip.",
                on_request=variant != "published",
                common_ground=(name, variant) == ("composite-loso", "published"),
            )
    for source, target in permutations(CORPORA, 2):
        for variant, (settings, how) in EVERYWHERE.items():
            yield Experiment(
                name=f"{source}-to-{target}",
                variant=variant,
                title=f"Trained on {TITLES[source]}, tested on {TITLES[target]}{how}",
                corpora=(source, target),
                labels=MEGC2019,
                protocol=BETWEEN,
                selection="last epoch",
                leak_free=True,
                network=NETWORK,
                tested_on=(target,),
                settings=settings,
                on_request=variant != "published",
            )


EXPERIMENTS = (*_plain(), *tuned(tuple(_plain()), lambda experiment: SPACE))
