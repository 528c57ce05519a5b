"""What talluri2022 runs: three networks in eight scenarios, initial against apex sequences, and five random splits."""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

from common.contract import Paper, Reference
from common.profiles import common_ground, profiles
from common.protocols.splits import CROSS, LOSO, SPLITS, STRATIFIED
from common.scoring.claims import read_claims, read_departures
from common.training.tuning import tuned
from common.types import Experiment, LabelMap


@dataclass(frozen=True)
class Settings:
    """Training and input settings; the defaults are the paper's (sections 4.4, 5 and 6) or, where marked, not.

    Frames of a sequence by the corpora that a network is trained on. model_b_learning_rate is SGD's default in Keras
    (section 6.2 names none); apex_method is how an apex is found that nobody annotated.
    """

    size: int = 128
    model_b_size: int = 64
    casme2_frames: int = 36
    smic_frames: int = 26
    combined_frames: int = 30
    batch: int = 4
    model_b_batch: int = 8
    epochs: int = 100
    learning_rate: float = 0.001
    model_b_learning_rate: float = 0.01
    momentum: float = 0.9
    model_c_decay: float = 1e-6
    apex_method: str = "lbp-divide-and-conquer"
    precision: str = "float32"


PROFILES = profiles(
    Settings(),
    quick=Settings(size=32, model_b_size=32, epochs=50),
    smoke=Settings(size=28, model_b_size=14, epochs=1),
)

LABELS = LabelMap(
    name="happy_disgust_surprise",
    classes=("happy", "disgust", "surprise"),
    mapping={
        "casme2": {
            "happiness": "happy",
            "disgust": "disgust",
            "surprise": "surprise",
            "repression": None,
            "others": None,
            "sadness": None,
            "fear": None,
        },
        "smic": {"positive": "happy", "negative": "disgust", "surprise": "surprise"},
        "samm": {
            "happiness": "happy",
            "disgust": "disgust",
            "surprise": "surprise",
            "anger": None,
            "contempt": None,
            "fear": None,
            "sadness": None,
            "other": None,
        },
    },
    by_clip=dict.fromkeys(
        ("casme2/sub24/EP07_01", "casme2/sub24/EP07_04f", "casme2/sub24/EP10_03"),
        ("surprise", "surprise in the table of 2019, by which table 1 counts 28; sadness in that of 2014"),
    ),
)
"""Table 1. It sets SMIC's negative clips, in which sadness, disgust and fear are one class, beside disgust."""

COMBINED = replace(LABELS, name="combined")
"""The same classes; "combined" is the paper's word for CASME II and SMIC joined."""

NETWORKS = {"model-a": "Model-A", "model-b": "Model-B", "model-c": "Model-C", "split-model": "Split-Model"}


class Scenario(NamedTuple):
    """A row of table 4: what is trained on, and what is tested if that is another corpus."""

    source: tuple[str, ...]
    target: str = ""


SCENARIOS = {
    1: Scenario(("smic",)),
    2: Scenario(("casme2",)),
    3: Scenario(("casme2", "smic")),
    4: Scenario(("smic",), "samm"),
    5: Scenario(("casme2",), "samm"),
    6: Scenario(("smic",), "casme2"),
    7: Scenario(("casme2",), "smic"),
    8: Scenario(("casme2", "smic"), "samm"),
}
_TITLES = {"casme2": "CASME II", "smic": "SMIC", "samm": "SAMM"}

INITIAL = "initial-frames"
"""The sequence starts with the clip instead of being centred at its apex (table 3)."""
TWO = "two-convolutions"
"""Model-C with a convolution before each pooling."""
CLIPPED = "clipped-loss"
"""The loss of Keras 2.0 to 2.2.4, taken from clipped probabilities."""
ON_REQUEST = {TWO: ", two convolutions", CLIPPED: ", clipped loss"}

_LEAK = "Folds are stratified by class, not by subject: clips of one person are in training and in test."
_JOINED = (
    f"{_LEAK} The printed accuracies of scenarios 1 and 2, on the same clips apart, are far lower. Joined, the corpora "
    "can be told apart by frame rate and camera; their largest class is the same, so that this alone wins nothing."
)
_SPLITS = "The splits are by clip: clips of one person are in training and in test. A clip may be held out by several."
_TWIN = "The leak-free twin: no clip of the held-out subject in training."
_CROSS = (
    "No person of the target is in training, and the target chooses nothing. Five networks answer for each clip of the "
    "target, and all answers count."
)


def network(experiment: Experiment) -> str:
    """Which network an experiment trains: a key of `NETWORKS`."""
    return next(key for key in NETWORKS if experiment.name.startswith(key))


def source(experiment: Experiment) -> tuple[str, ...]:
    """The corpora that an experiment trains on."""
    return tuple(name for name in experiment.corpora if name not in experiment.tested_on)


def depth(experiment: Experiment, settings: Settings) -> int:
    """Frames of a sequence, which the training corpora fix, also for clips of a target."""
    trained = source(experiment)
    if len(trained) > 1:
        return settings.combined_frames
    return {"casme2": settings.casme2_frames, "smic": settings.smic_frames}[trained[0]]


def centred(experiment: Experiment) -> bool:
    """Whether sequences are centred at the apex."""
    return INITIAL not in experiment.original


def two_convolutions(experiment: Experiment) -> bool:
    """Whether Model-C has a convolution before each pooling."""
    return experiment.original.startswith(TWO)


def clipped_loss(experiment: Experiment) -> bool:
    """Whether the loss is that of Keras 2.0 to 2.2.4, `common.training.losses.clipped_crossentropy`."""
    return experiment.original.startswith(CLIPPED)


def needs(experiment: Experiment, settings: Settings) -> Hashable:
    """What the networks depend on: experiments that need the same share them."""
    return network(experiment), depth(experiment, settings), two_convolutions(experiment), clipped_loss(experiment)


def _scenario(key: str, number: int, variant: str, protocol: str, suffix: str, note: str) -> Experiment:
    scenario = SCENARIOS[number]
    trained = " and ".join(_TITLES[name] for name in scenario.source)
    tested = f", tested on {_TITLES[scenario.target]}" if scenario.target else ""
    return Experiment(
        name=f"{key}-scenario-{number}",
        variant=variant,
        title=f"{NETWORKS[key]}, scenario {number}: {trained}{tested}{suffix}",
        corpora=(*scenario.source, *filter(None, [scenario.target])),
        labels=COMBINED if len(scenario.source) > 1 else LABELS,
        protocol=protocol,
        selection="last epoch",
        leak_free=protocol in (LOSO, CROSS),
        network=NETWORKS[key],
        note=note,
        tested_on=tuple(filter(None, [scenario.target])),
        on_request=variant.startswith(tuple(ON_REQUEST)),
        twin_of=("published" if variant == "loso" else variant.removesuffix("-loso")) if protocol == LOSO else "",
    )


def _experiments() -> Iterator[Experiment]:
    for number, scenario in SCENARIOS.items():
        for key in ("model-a", "model-b", "model-c"):
            protocol = CROSS if scenario.target else STRATIFIED
            note = _CROSS if scenario.target else _JOINED if len(scenario.source) > 1 else _LEAK
            variants = ("published", TWO, CLIPPED) if key == "model-c" else ("published", CLIPPED)
            for variant in variants:
                suffix = ON_REQUEST.get(variant, "")
                yield _scenario(key, number, variant, protocol, suffix, note)
                if not scenario.target:
                    twin = "loso" if variant == "published" else f"{variant}-loso"
                    yield _scenario(key, number, twin, LOSO, f"{suffix}, leave one subject out", _TWIN)
            if key == "model-a" and number in (1, 2):
                first = ", first frames (table 3)"
                yield _scenario(key, number, INITIAL, STRATIFIED, first, note)
                yield _scenario(key, number, f"{INITIAL}-loso", LOSO, f"{first}, leave one subject out", _TWIN)
    for key, name in (("split-model", "split-model-splits"), ("model-c", "model-c-splits")):
        for variant, protocol in (("published", SPLITS), ("loso", LOSO)):
            subtitle = "five random splits" if protocol == SPLITS else "leave one subject out"
            yield Experiment(
                name=name,
                variant=variant,
                title=f"{NETWORKS[key]} on CASME II: {subtitle}",
                corpora=("casme2",),
                labels=LABELS,
                protocol=protocol,
                selection="last epoch",
                leak_free=protocol == LOSO,
                network=NETWORKS[key],
                note=_SPLITS if protocol == SPLITS else _TWIN,
                on_request=key == "model-c" and protocol == LOSO,
                twin_of="published" if protocol == LOSO else "",
            )
    for key, name in NETWORKS.items():
        yield common_ground(key, name, name)


def _space(experiment: Experiment) -> dict[str, tuple[float, ...]]:
    """Rates that the text leaves open (Model-B) or changed from 0.01 to 0.001 "for experimental purposes" (Model-C)."""
    if network(experiment) == "model-b":
        return {"model_b_learning_rate": (0.001, 0.01, 0.1), "model_b_batch": (4, 8, 16)}
    return {"learning_rate": (0.0003, 0.001, 0.003, 0.01), "momentum": (0.0, 0.9)}


_HERE = Path(__file__).parent
_CLAIMS = read_claims(_HERE / "claims.toml")

PAPER = Paper(
    key="talluri2022",
    title="Deep 3D convolutional neural network for facial micro-expression analysis from video images",
    authors="K. K. Talluri, M.-A. Fiedler, A. Al-Hamadi",
    venue="Applied Sciences 12(21), 11078",
    year=2022,
    url="https://doi.org/10.3390/app122111078",
    summary="3D CNNs on frames around the apex, within and across three corpora (Model-A, Split-Model, B and C).",
    images="raw",
    experiments=(*_experiments(), *tuned(tuple(_experiments()), _space)),
    profiles=PROFILES,
    claims=_CLAIMS.claims,
    cited=_CLAIMS.cited,
    facts=_CLAIMS.facts,
    departures=read_departures(_HERE / "departures.toml"),
    reference=Reference(
        kind="article",
        authors=("Kranthi Kumar Talluri", "Marc-André Fiedler", "Ayoub Al-Hamadi"),
        details={
            "journal": "Applied Sciences",
            "volume": "12",
            "number": "21",
            "pages": "11078",
            "doi": "10.3390/app122111078",
        },
    ),
)
