"""The experiments of talluri2022: three networks in eight scenarios, initial and apex sequences, and random splits."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal, NamedTuple

from common.contract import Settings
from common.profiles import common_ground, profiles
from common.protocols.splits import CROSS, LOSO, SPLITS, STRATIFIED
from common.training.tuning import tuned
from common.types import Experiment, LabelMap

Kind = Literal["model-a", "model-b", "model-c", "split-model"]


@dataclass(frozen=True)
class Inputs:
    """Width and height of aligned faces (section 4.2), and how an apex that is not annotated is found (our choice)."""

    size: int = 128
    apex_method: Literal["midpoint", "lbp-divide-and-conquer"] = "lbp-divide-and-conquer"


@dataclass(frozen=True)
class Network:
    """The network, and the number of `frames` of a sequence (section 4.4), which are smaller for Model-B (section 5.3).

    `convolutions` is the number of convolutions of Model-C.
    """

    kind: Kind = "model-a"
    frames: int = 36
    model_b_size: int = 64
    convolutions: Literal[1, 2] = 1


@dataclass(frozen=True)
class Training:
    """How the networks are trained. The defaults are the paper's (section 6), except model_b_learning_rate.

    The paper does not give that rate; the default is that of SGD in Keras. Sequences are `centred` at the apex, or
    start with the clip. The loss is `clipped` as in Keras 2.0 to 2.2.4, or not.
    """

    centred: bool = True
    clipped: bool = False
    batch: int = 4
    model_b_batch: int = 8
    epochs: int = 100
    learning_rate: float = 0.001
    model_b_learning_rate: float = 0.01
    momentum: float = 0.9
    model_c_decay: float = 1e-6
    precision: str = "float32"


PROFILES = profiles(
    Settings(Inputs(), Network(), Training()),
    quick={"size": 32, "model_b_size": 32, "epochs": 60, "learning_rate": 0.003, "model_b_learning_rate": 0.02},
    smoke={"size": 28, "model_b_size": 14, "epochs": 1},
    all_controls=False,
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
        ("surprise", "surprise in the table of 2019, with the 28 clips of table 1; sadness in the table of 2014"),
    ),
)
"""The classes of table 1. It counts SMIC's negative clips (sadness, disgust and fear in one class) as disgust."""

COMBINED = replace(LABELS, name="combined")
"""The same classes; "combined" is the paper's name for CASME II and SMIC together."""

NETWORKS: dict[Kind, str] = {
    "model-a": "Model-A",
    "model-b": "Model-B",
    "model-c": "Model-C",
    "split-model": "Split-Model",
}
FRAMES: Mapping[tuple[str, ...], int] = {("smic",): 26, ("casme2",): 36}
"""Frames of a sequence by the corpus that a network is trained on, also for clips of a target; 30 for two corpora."""
COMBINED_FRAMES = 30


class Scenario(NamedTuple):
    """A row of table 4: the training corpora, and the tested corpus if it is another one."""

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


class Variant(NamedTuple):
    """An interpretation of the text: its part of the title, its settings, and whether it runs only on request."""

    title: str
    settings: Mapping[str, Any]
    on_request: bool


VARIANTS = {
    "published": Variant("", {}, False),
    "initial-frames": Variant(", first frames (table 3)", {"centred": False}, False),
    "two-convolutions": Variant(", two convolutions", {"convolutions": 2}, True),
    "clipped-loss": Variant(", clipped loss", {"clipped": True}, True),
}

_LEAK = "Folds are stratified by class, not by subject: clips of one person are in training and in test."
_JOINED = (
    f"{_LEAK} The printed accuracies of scenarios 1 and 2, on the same clips but separately, are far lower. In the "
    "combined set the corpora can be told apart by frame rate and camera; but their largest class is the same, so that "
    "this alone gains nothing."
)
_SPLITS = "The splits are by clip: clips of one person are in training and in test. Splits may hold out the same clip."
_TWIN = "The leak-free twin: no clip of the held-out subject in training."
_CROSS = (
    "No person of the target is in training, and the target is not used for any choice. Five networks classify each "
    "clip of the target, and all predictions count."
)


def _scenario(kind: Kind, number: int, variant: str, protocol: str) -> Experiment:
    scenario, reading = SCENARIOS[number], VARIANTS[variant]
    trained = " and ".join(_TITLES[name] for name in scenario.source)
    tested = f", tested on {_TITLES[scenario.target]}" if scenario.target else ""
    twin = protocol == LOSO
    notes = {CROSS: _CROSS, LOSO: _TWIN, STRATIFIED: _JOINED if len(scenario.source) > 1 else _LEAK}
    frames = FRAMES.get(scenario.source, COMBINED_FRAMES)
    return Experiment(
        name=f"{kind}-scenario-{number}",
        variant=("loso" if variant == "published" else f"{variant}-loso") if twin else variant,
        title=f"{NETWORKS[kind]}, scenario {number}: {trained}{tested}{reading.title}"
        + ", leave one subject out" * twin,
        corpora=(*scenario.source, *filter(None, [scenario.target])),
        labels=COMBINED if len(scenario.source) > 1 else LABELS,
        protocol=protocol,
        selection="last epoch",
        leak_free=protocol in (LOSO, CROSS),
        network=NETWORKS[kind],
        settings={"kind": kind, "frames": frames, **reading.settings},
        note=notes[protocol],
        tested_on=tuple(filter(None, [scenario.target])),
        on_request=reading.on_request,
        twin_of=variant if twin else "",
    )


def _plain() -> Iterator[Experiment]:
    kinds: tuple[Kind, ...] = ("model-a", "model-b", "model-c")
    for number, scenario in SCENARIOS.items():
        for kind in kinds:
            protocols = (CROSS,) if scenario.target else (STRATIFIED, LOSO)
            variants = ["published", *(["two-convolutions"] if kind == "model-c" else []), "clipped-loss"]
            if kind == "model-a" and number in (1, 2):
                variants.append("initial-frames")
            for variant in variants:
                for protocol in protocols:
                    yield _scenario(kind, number, variant, protocol)
    splits: tuple[Kind, ...] = ("split-model", "model-c")
    for kind in splits:
        for variant, protocol in (("published", SPLITS), ("loso", LOSO)):
            subtitle = "five random splits" if protocol == SPLITS else "leave one subject out"
            yield Experiment(
                name=f"{kind}-splits",
                variant=variant,
                title=f"{NETWORKS[kind]} on CASME II: {subtitle}",
                corpora=("casme2",),
                labels=LABELS,
                protocol=protocol,
                selection="last epoch",
                leak_free=protocol == LOSO,
                network=NETWORKS[kind],
                settings={"kind": kind, "frames": FRAMES["casme2",]},
                note=_SPLITS if protocol == SPLITS else _TWIN,
                on_request=kind == "model-c" and protocol == LOSO,
                twin_of="published" if protocol == LOSO else "",
            )
    for kind, name in NETWORKS.items():
        yield common_ground(kind, name, name, {"kind": kind, "frames": COMBINED_FRAMES})


def _space(experiment: Experiment) -> dict[str, tuple[float, ...]]:
    """Rates that the text leaves open (Model-B) or changed from 0.01 to 0.001 "for experimental purposes" (Model-C)."""
    if experiment.settings["kind"] == "model-b":
        return {"model_b_learning_rate": (0.001, 0.01, 0.1), "model_b_batch": (4, 8, 16)}
    return {"learning_rate": (0.0003, 0.001, 0.003, 0.01), "momentum": (0.0, 0.9)}


EXPERIMENTS = (*_plain(), *tuned(tuple(_plain()), _space))
