"""What le2020 runs: three networks on three corpora and across two, with regions and without."""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from dataclasses import dataclass
from pathlib import Path

from common.contract import Paper, Reference
from common.profiles import common_ground, profiles
from common.protocols.splits import BETWEEN, LOSO, TENFOLD
from common.scoring.claims import read_claims, read_departures
from common.training.tuning import tuned
from common.training.weights import IMAGENET, KERAS, NONE, SAFETENSORS, Weights
from common.types import Experiment, LabelMap

_START = Weights(IMAGENET)


@dataclass(frozen=True)
class Settings:
    """Training and input settings. Epochs and learning_rate are the paper's (section IV.A), the rest is not printed.

    size is what the networks were made for. Faces are brought to face_size before they are magnified, as wide as the
    networks' input. alpha, wavelength (in pixels) and the band magnify motion, as `common.vision.magnification` has it.
    weights are what the networks start from, and a user's --weights.
    """

    size: int = 224
    face_size: int = 224
    epochs: int = 30
    learning_rate: float = 1e-4
    batch: int = 8
    momentum: float = 0.9
    alpha: float = 10.0
    wavelength: float = 16.0
    low_hz: float = 0.5
    high_hz: float = 10.0
    precision: str = "float32"
    weights: Weights = _START


PROFILES = profiles(
    Settings(),
    # At 32 pixels the last layers have one place: all-black clips (no motion) leave no variance, and training diverges
    quick=Settings(size=36, face_size=112, epochs=8, learning_rate=0.01, weights=Weights(NONE)),
    smoke=Settings(size=48, face_size=112, epochs=1, weights=Weights(NONE)),
)

FOUR = LabelMap(
    name="four_classes",
    classes=("negative", "positive", "surprise", "others"),
    mapping={
        "casme2": {
            "happiness": "positive",
            "disgust": "negative",
            "repression": "negative",
            "surprise": "surprise",
            "others": "others",
            "sadness": None,
            "fear": None,
        },
        "samm": {
            "happiness": "positive",
            "disgust": "negative",
            "anger": "negative",
            "sadness": "negative",
            "fear": "negative",
            "surprise": "surprise",
            "contempt": "others",
            "other": "others",
        },
    },
)
"""Section IV.A. It names five emotions of CASME II; clips of its other two are dropped, and counted."""

THREE = LabelMap(
    name="smic_classes",
    classes=("negative", "positive", "surprise"),
    mapping={"smic": {"negative": "negative", "positive": "positive", "surprise": "surprise"}},
)


@dataclass(frozen=True)
class Network:
    """A network by its title in reports; `imagenet` says whether keras.applications has ImageNet weights of it.

    A user's file of weights for it starts with `file` in a folder, and has one of the `endings`.
    """

    title: str
    file: str
    imagenet: bool = True
    endings: tuple[str, ...] = KERAS


NETWORKS = {
    "vgg19": Network("VGG19", "vgg19"),
    "resnet50": Network("ResNet50", "resnet50"),
    "senet50": Network("SENet50", "senet50", imagenet=False),
    "resnet50-torchvision": Network("torchvision's ResNet50", "resnet50", imagenet=False, endings=SAFETENSORS),
}
TITLES = {"casme2": "CASME II", "smic": "SMIC", "samm": "SAMM"}
PAIRS = (("samm", "casme2"), ("casme2", "samm"))
"""Table III: what is trained on, what is tested."""

SPACE = {"batch": (8, 16, 32), "momentum": (0.0, 0.9)}
"""Settings that the text leaves open."""

WHOLE, EXACT, TORCHVISION = "whole-face", "exact", "torchvision"
_LEAK = "Folds are by clip, not by subject: clips of one person are in training and in test."
_TWIN = "The leak-free twin: no clip of the held-out subject in training."
_CROSS = "No person of the target is in training, and the target chooses nothing."


def network(experiment: Experiment) -> str:
    """Which network an experiment trains: a key of `NETWORKS`."""
    return _built(experiment.name.partition("-")[0], experiment.original)


def _built(key: str, variant: str) -> str:
    return f"{key}-{TORCHVISION}" if variant.startswith(TORCHVISION) else key


def starts_random(key: str, weights: Weights) -> bool:
    """Whether a network of `NETWORKS` starts from random weights: by choice, or because nobody gives others of it."""
    return weights.choice == NONE or (weights.choice == IMAGENET and not NETWORKS[key].imagenet)


def whole_face(experiment: Experiment) -> bool:
    """Whether the network reads the whole dynamic image instead of its regions."""
    return experiment.original.startswith(WHOLE)


def exact(experiment: Experiment) -> bool:
    """Whether frames are pooled by the ranking machine itself instead of its approximation."""
    return experiment.original.startswith(EXACT)


def needs(experiment: Experiment, settings: Settings) -> Hashable:
    """What the networks depend on: experiments that need the same share them."""
    return network(experiment), len(experiment.labels.classes)


def _variants(key: str) -> Iterator[tuple[str, str, bool]]:
    """Variants of a network on one corpus: name, what is said of it, and whether it waits to be named."""
    yield "", "", False
    yield WHOLE, ", the whole face", key != "vgg19"
    yield EXACT, ", exact rank pooling", True
    if f"{key}-{TORCHVISION}" in NETWORKS:
        yield TORCHVISION, ", built as in torchvision", True


def _experiments() -> Iterator[Experiment]:
    for key in ("vgg19", "resnet50", "senet50"):
        name = NETWORKS[key].title
        for corpus, title in TITLES.items():
            for variant, suffix, on_request in _variants(key):
                for protocol, how in ((TENFOLD, "ten folds"), (LOSO, "leave one subject out")):
                    published = variant or "published"
                    yield Experiment(
                        name=f"{key}-{corpus}",
                        variant=published if protocol == TENFOLD else f"{variant}-loso".lstrip("-"),
                        title=f"{name} on {title}{suffix}: {how}",
                        corpora=(corpus,),
                        labels=THREE if corpus == "smic" else FOUR,
                        protocol=protocol,
                        selection="last epoch",
                        leak_free=protocol == LOSO,
                        network=NETWORKS[_built(key, variant)].title,
                        note=_LEAK if protocol == TENFOLD else _TWIN,
                        on_request=on_request,
                        twin_of=published if protocol == LOSO else "",
                    )
        yield common_ground(key, name, name)
        for source, target in PAIRS if key != "senet50" else ():
            for variant, suffix, on_request in _variants(key):
                if variant in ("", TORCHVISION):
                    yield Experiment(
                        name=f"{key}-{source}-to-{target}",
                        variant=variant or "published",
                        title=f"{name}, {TITLES[source]} tested on {TITLES[target]}{suffix}",
                        corpora=(source, target),
                        labels=FOUR,
                        protocol=BETWEEN,
                        selection="last epoch",
                        leak_free=True,
                        network=NETWORKS[_built(key, variant)].title,
                        note=_CROSS,
                        tested_on=(target,),
                        on_request=on_request,
                    )


_HERE = Path(__file__).parent
_CLAIMS = read_claims(_HERE / "claims.toml")

PAPER = Paper(
    key="le2020",
    title="Dynamic image for micro-expression recognition on region-based framework",
    authors="T. T. Q. Le, T.-K. Tran, M. Rege",
    venue="IEEE International Conference on Information Reuse and Integration for Data Science (IRI)",
    year=2020,
    url="https://6gflagship.com/publications/dynamic-image-for-micro-expression-recognition-on-region-based-framework",
    summary="Dynamic images of magnified clips, cut to three facial regions, for VGG19, ResNet50 and SENet50.",
    images="cropped",
    experiments=(*_experiments(), *tuned(tuple(_experiments()), lambda experiment: SPACE)),
    profiles=PROFILES,
    claims=_CLAIMS.claims,
    cited=_CLAIMS.cited,
    facts=_CLAIMS.facts,
    departures=read_departures(_HERE / "departures.toml"),
    reference=Reference(
        kind="inproceedings",
        authors=("Trang Thanh Quynh Le", "Thuong-Khanh Tran", "Manjeet Rege"),
        details={
            "booktitle": "IEEE International Conference on Information Reuse and Integration for Data Science (IRI)"
        },
    ),
)
