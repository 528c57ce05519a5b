"""What kumar2019 runs: leave-one-subject-out on each corpus and on the composite, and six pairs across corpora."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from common.contract import Paper, Reference
from common.corpora.composite import MEGC2019
from common.profiles import profiles
from common.protocols.splits import BETWEEN, LOSO
from common.scoring.claims import read_claims, read_departures
from common.training.tuning import tuned
from common.types import Experiment


@dataclass(frozen=True)
class Settings:
    """Training and input settings; the defaults are the paper's (table 1, sections 3.1 to 3.5) or, where marked, not.

    epochs is our choice: by then the rate, halved every 5 epochs, is a thousandth of the first. wavelength, low_hz and
    high_hz set the magnification, of which the paper gives the factor alone. Faces are brought
    to face_size before they are magnified, as wide as the network's input, which is ours too.
    """

    size: int = 224
    face_size: int = 224
    window: int = 61
    cutoff: float = 30.0
    wavelength: float = 16.0
    low_hz: float = 0.5
    high_hz: float = 10.0
    batch: int = 128
    epochs: int = 50
    learning_rate: float = 1e-3
    momentum: float = 0.9
    halved_every: int = 5
    precision: str = "float32"


PROFILES = profiles(
    Settings(),
    quick=Settings(size=32, face_size=112, batch=16, epochs=4),
    smoke=Settings(size=48, face_size=96, batch=32, epochs=1),
)

ALPHAS = (0, 5, 10, 15)
"""Magnification of the copies of a training clip; 0 is the clip as it is. Also the views of its samples."""
TESTED = 10
"""Magnification of a tested clip (section 3.1.1)."""
CORPORA = ("casme2", "smic", "samm")
NETWORK = "Avatar ResNet34"
TITLES = {"casme2": "CASME II", "smic": "SMIC", "samm": "SAMM"}
SPACE = {"learning_rate": (1e-4, 1e-3, 1e-2), "halved_every": (5, 10, 20)}
"""How long the network learns, which the text leaves open: no number of epochs is printed."""
BEFORE = "normalised-before"
"""Batch normalisation before each convolution, as the text puts it."""
MAGNIFIED_ONLY = "magnified-only"
"""The clips as they are do not join the training set."""


@dataclass(frozen=True)
class Removal:
    """Which frames of a clip count as low in texture (section 3.2); the defaults are the published reading.

    `magnified` takes A_i from the magnified frames instead of the frames as they are; `filter` is that of the
    magnification. `ends` is what becomes of a window that reaches beyond its clip ("cut" or "moved", see
    `texture.windows`). With `mean`, the sum of equation 9 is divided by the number of frequencies in it. Where
    `removes` is False every frame stays.
    """

    removes: bool = True
    magnified: bool = False
    filter: str = "butterworth"
    ends: str = "cut"
    mean: bool = True


REMOVALS: Mapping[str, tuple[Removal, str]] = {
    "magnified-texture": (Removal(magnified=True), "texture of the magnified frames"),
    "zero-phase": (Removal(magnified=True, filter="ideal"), "magnified without phase, texture of the magnified frames"),
    "shifted-windows": (Removal(ends="moved"), "windows shifted into the clip"),
    "magnified-texture-shifted-windows": (
        Removal(magnified=True, ends="moved"),
        "texture of the magnified frames, windows shifted into the clip",
    ),
    "summed-texture": (Removal(mean=False), "texture summed over the frequencies of each window"),
    "all-frames": (Removal(removes=False), "no frame removed"),
}
"""Other readings of section 3.2, by variant, and what the title says of them."""


def removal(experiment: Experiment) -> Removal:
    """How the frames of low texture are found in an experiment."""
    return REMOVALS[experiment.original][0] if experiment.original in REMOVALS else Removal()


def needs(experiment: Experiment, settings: Settings) -> Hashable:
    """What the networks depend on: experiments that need the same share them."""
    return experiment.original == BEFORE


def trained_alphas(experiment: Experiment) -> tuple[int, ...]:
    """The magnifications of the training clips."""
    return ALPHAS[1:] if experiment.original == MAGNIFIED_ONLY else ALPHAS


def _experiments() -> Iterator[Experiment]:
    variants = {
        "published": "",
        BEFORE: ", batch normalisation before each convolution",
        MAGNIFIED_ONLY: ", trained on magnified clips alone",
    }
    runs: list[tuple[str, tuple[str, ...], str]] = [("composite-loso", CORPORA, "the composite")]
    runs += [(f"{corpus}-loso", (corpus,), f"{TITLES[corpus]} alone") for corpus in ("smic", "casme2", "samm")]
    for name, corpora, title in runs:
        readings = {variant: f", {how}" for variant, (_, how) in REMOVALS.items()} if name == "composite-loso" else {}
        for variant, how in (variants | readings).items():
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
                note="Magnified copies of a clip stay on its side of the split.",
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


_HERE = Path(__file__).parent
_CLAIMS = read_claims(_HERE / "claims.toml")

PAPER = Paper(
    key="kumar2019",
    title="Classification of facial micro-expressions using motion magnified emotion avatar images",
    authors="A. J. R. Kumar, R. Theagarajan, O. Peraza, B. Bhanu",
    venue="IEEE Conference on Computer Vision and Pattern Recognition Workshops (CVPRW)",
    year=2019,
    url="",
    summary="Motion magnified, textured frames of a clip averaged to one Emotion Avatar Image, and a ResNet34.",
    images="cropped",
    experiments=(*_experiments(), *tuned(tuple(_experiments()), lambda experiment: SPACE)),
    profiles=PROFILES,
    claims=_CLAIMS.claims,
    cited=_CLAIMS.cited,
    facts=_CLAIMS.facts,
    departures=read_departures(_HERE / "departures.toml"),
    reference=Reference(
        kind="inproceedings",
        authors=("Ankith Jain Rakesh Kumar", "Rajkumar Theagarajan", "Omar Peraza", "Bir Bhanu"),
        details={"booktitle": "IEEE Conference on Computer Vision and Pattern Recognition Workshops (CVPRW)"},
    ),
)
