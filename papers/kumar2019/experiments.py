"""The experiments of kumar2019: leave-one-subject-out on each corpus and the composite, and six pairs of corpora."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from common.contract import Settings
from common.corpora.composite import MEGC2019
from common.profiles import profiles
from common.protocols.splits import BETWEEN, LOSO
from common.training.tuning import tuned
from common.types import Experiment

ALPHAS = (0, 5, 10, 15)
"""Magnification of the copies of a training clip (section 3.1.1); 0 is the unchanged clip."""


@dataclass(frozen=True)
class Removal:
    """Which frames of a clip count as low in texture (section 3.2); the defaults are those of the variant published.

    With `magnified`, A_i is computed from the magnified frames instead of the unmagnified ones; `filter` is the filter
    of the magnification. `ends` says what happens to a window that reaches beyond its clip ("cut" or "moved", see
    `texture.windows`). With `mean`, the sum of equation 9 is divided by the number of frequencies in it. If `removes`
    is False, every frame stays.
    """

    removes: bool = True
    magnified: bool = False
    filter: str = "butterworth"
    ends: str = "cut"
    mean: bool = True


@dataclass(frozen=True)
class Inputs:
    """How images are made; alphas, window and cutoff are the paper's (sections 3.1 to 3.4), the rest is our choice.

    wavelength, low_hz and high_hz set the magnification, of which the paper gives only the factor. Faces are resized
    to face_size before they are magnified; the default is the width of the network's input.
    """

    size: int = 224
    face_size: int = 224
    alphas: tuple[int, ...] = ALPHAS
    window: int = 61
    cutoff: float = 30.0
    wavelength: float = 16.0
    low_hz: float = 0.5
    high_hz: float = 10.0
    removal: Removal = Removal()


@dataclass(frozen=True)
class Network:
    """With `normalised_first`, batch normalisation stands before each convolution, as the text says (section 3.5)."""

    normalised_first: bool = False


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
SPACE = {"learning_rate": (1e-4, 1e-3, 1e-2), "halved_every": (5, 10, 20)}
"""How fast and how long the network learns. The text leaves the length open: it prints no number of epochs."""

READINGS: Mapping[str, tuple[Mapping[str, Any], str]] = {
    "published": ({}, ""),
    "normalised-before": ({"normalised_first": True}, ", batch normalisation before each convolution"),
    "magnified-only": ({"trained_alphas": ALPHAS[1:]}, ", trained only on magnified clips"),
}
"""The variants that run on every corpus, each with its settings and its part of the title."""

REMOVALS: Mapping[str, tuple[Removal, str]] = {
    "magnified-texture": (Removal(magnified=True), "texture of the magnified frames"),
    "zero-phase": (Removal(magnified=True, filter="ideal"), "zero-phase filter, texture of the magnified frames"),
    "shifted-windows": (Removal(ends="moved"), "windows shifted into the clip"),
    "magnified-texture-shifted-windows": (
        Removal(magnified=True, ends="moved"),
        "texture of the magnified frames, windows shifted into the clip",
    ),
    "summed-texture": (Removal(mean=False), "texture summed over the frequencies of each window"),
    "all-frames": (Removal(removes=False), "no frame removed"),
}
"""Other interpretations of section 3.2, by variant, each with its part of the title."""


def _plain() -> Iterator[Experiment]:
    removals = {variant: ({"removal": removal}, f", {how}") for variant, (removal, how) in REMOVALS.items()}
    runs: list[tuple[str, tuple[str, ...], str]] = [("composite-loso", CORPORA, "the composite")]
    runs += [(f"{corpus}-loso", (corpus,), f"{TITLES[corpus]} only") for corpus in ("smic", "casme2", "samm")]
    for name, corpora, title in runs:
        readings = {**READINGS, **removals} if corpora == CORPORA else READINGS
        for variant, (settings, how) in readings.items():
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
    for source in CORPORA:
        for target in CORPORA:
            if source != target:
                yield Experiment(
                    name=f"{source}-to-{target}",
                    variant="published",
                    title=f"Trained on {TITLES[source]}, tested on {TITLES[target]}",
                    corpora=(source, target),
                    labels=MEGC2019,
                    protocol=BETWEEN,
                    selection="last epoch",
                    leak_free=True,
                    network=NETWORK,
                    tested_on=(target,),
                )


EXPERIMENTS = (*_plain(), *tuned(tuple(_plain()), lambda experiment: SPACE))
