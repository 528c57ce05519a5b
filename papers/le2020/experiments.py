"""The experiments of le2020: three networks on three corpora and across two, with and without facial regions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

from common.contract import Settings
from common.profiles import common_ground, profiles
from common.protocols.splits import BETWEEN, LOSO, TENFOLD
from common.training.tuning import tuned
from common.training.weights import IMAGENET, KERAS, NONE, SAFETENSORS, Weights
from common.types import Experiment, LabelMap

_START = Weights(IMAGENET)
Kind = Literal["vgg19", "resnet50", "senet50", "resnet50-torchvision"]


@dataclass(frozen=True)
class Inputs:
    """How dynamic images are made; the paper prints none of these values.

    size is the input size that the networks were designed for. Faces are resized to face_size before they are
    magnified; the default is the width of the networks' input. alpha, wavelength (in pixels) and the band are the
    settings of `common.vision.magnification`. Frames are pooled by the ranking machine itself if `exact` is set, and by
    its approximation otherwise.
    """

    size: int = 224
    face_size: int = 224
    alpha: float = 10.0
    wavelength: float = 16.0
    low_hz: float = 0.5
    high_hz: float = 10.0
    exact: bool = False


@dataclass(frozen=True)
class Network:
    """The network, and the weights that it starts from (--weights)."""

    kind: Kind = "vgg19"
    weights: Weights = _START


@dataclass(frozen=True)
class Training:
    """How the networks are trained. epochs and learning_rate are the paper's (section IV.A), the rest is not printed.

    The network reads the `whole_face`, or only its regions (section III.C).
    """

    whole_face: bool = False
    epochs: int = 30
    learning_rate: float = 1e-4
    batch: int = 8
    momentum: float = 0.9
    precision: str = "float32"


PROFILES = profiles(
    Settings(Inputs(), Network(), Training()),
    # At 32 pixels the last maps have one position: all-black clips (no motion) have no variance, and training diverges
    quick={"size": 36, "face_size": 112, "epochs": 12, "learning_rate": 0.005, "weights": Weights(NONE)},
    smoke={"size": 48, "face_size": 112, "epochs": 1, "weights": Weights(NONE)},
    all_controls=False,
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
"""The classes of section IV.A. It names five emotions of CASME II; clips of the other two are dropped and counted."""

THREE = LabelMap(
    name="smic_classes",
    classes=("negative", "positive", "surprise"),
    mapping={"smic": {"negative": "negative", "positive": "positive", "surprise": "surprise"}},
)


@dataclass(frozen=True)
class Architecture:
    """A network: its title in reports, and whether keras.applications has ImageNet weights for it (`imagenet`).

    In a user's folder, the name of its weight file starts with `file` and has one of the `endings`.
    """

    title: str
    file: str
    imagenet: bool = True
    endings: tuple[str, ...] = KERAS


NETWORKS: dict[Kind, Architecture] = {
    "vgg19": Architecture("VGG19", "vgg19"),
    "resnet50": Architecture("ResNet50", "resnet50"),
    "senet50": Architecture("SENet50", "senet50", imagenet=False),
    "resnet50-torchvision": Architecture("torchvision's ResNet50", "resnet50", imagenet=False, endings=SAFETENSORS),
}
TITLES = {"casme2": "CASME II", "smic": "SMIC", "samm": "SAMM"}
PAIRS = (("samm", "casme2"), ("casme2", "samm"))
"""The corpora of table III: trained on the first, tested on the second."""

SPACE = {"batch": (8, 16, 32), "momentum": (0.0, 0.9)}
"""The settings that the text leaves open."""

_LEAK = "Folds are by clip, not by subject: clips of one person are in training and in test."
_TWIN = "The leak-free twin: no clip of the held-out subject in training."
_CROSS = "No person of the target is in training, and the target is not used for any choice."


def starts_random(network: Network) -> bool:
    """Whether a network starts from random weights, by choice or because no other weights are available."""
    choice = network.weights.choice
    return choice == NONE or (choice == IMAGENET and not NETWORKS[network.kind].imagenet)


class Variant(NamedTuple):
    """An interpretation of the text: its part of the title, its settings, and whether it runs only on request."""

    title: str
    settings: Mapping[str, Any]
    on_request: bool


PUBLISHED = "published"
ACROSS = (PUBLISHED, "no-momentum", "torchvision")
"""The variants that run across corpora too."""


def _variants(kind: Kind) -> dict[str, Variant]:
    """The variants of a network on one corpus."""
    variants = {
        PUBLISHED: Variant("", {"kind": kind}, False),
        "whole-face": Variant(", the whole face", {"kind": kind, "whole_face": True}, kind != "vgg19"),
        "exact": Variant(", exact rank pooling", {"kind": kind, "exact": True}, True),
        "no-momentum": Variant(", SGD without momentum", {"kind": kind, "momentum": 0.0}, True),
    }
    if kind == "resnet50":
        variants["torchvision"] = Variant(", built as in torchvision", {"kind": "resnet50-torchvision"}, True)
    return variants


def _plain() -> Iterator[Experiment]:
    kinds: tuple[Kind, ...] = ("vgg19", "resnet50", "senet50")
    for kind in kinds:
        name = NETWORKS[kind].title
        for corpus, title in TITLES.items():
            for variant, reading in _variants(kind).items():
                for protocol, how in ((TENFOLD, "ten folds"), (LOSO, "leave one subject out")):
                    twin = "loso" if variant == PUBLISHED else f"{variant}-loso"
                    yield Experiment(
                        name=f"{kind}-{corpus}",
                        variant=variant if protocol == TENFOLD else twin,
                        title=f"{name} on {title}{reading.title}: {how}",
                        corpora=(corpus,),
                        labels=THREE if corpus == "smic" else FOUR,
                        protocol=protocol,
                        selection="last epoch",
                        leak_free=protocol == LOSO,
                        network=NETWORKS[reading.settings["kind"]].title,
                        settings=reading.settings,
                        note=_LEAK if protocol == TENFOLD else _TWIN,
                        on_request=reading.on_request,
                        twin_of=variant if protocol == LOSO else "",
                    )
        yield common_ground(kind, name, name, {"kind": kind})
        for source, target in PAIRS if kind != "senet50" else ():
            for variant, reading in _variants(kind).items():
                if variant in ACROSS:
                    yield Experiment(
                        name=f"{kind}-{source}-to-{target}",
                        variant=variant,
                        title=f"{name}, trained on {TITLES[source]}, tested on {TITLES[target]}{reading.title}",
                        corpora=(source, target),
                        labels=FOUR,
                        protocol=BETWEEN,
                        selection="last epoch",
                        leak_free=True,
                        network=NETWORKS[reading.settings["kind"]].title,
                        settings=reading.settings,
                        note=_CROSS,
                        tested_on=(target,),
                        on_request=reading.on_request,
                    )


EXPERIMENTS = (*_plain(), *tuned(tuple(_plain()), lambda experiment: SPACE))
