"""The experiments of liong2019, both on common ground: STSTNet, and a linear classifier on the same input."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Literal

from common.contract import Settings
from common.corpora.composite import MEGC2019
from common.profiles import profiles
from common.protocols.splits import LOSO
from common.training.tuning import tuned
from common.types import Experiment

Kind = Literal["ststnet", "linear"]
Padding = Literal["same", "two"]


@dataclass(frozen=True)
class Inputs:
    """Width and height of the network's input (`size`), and of the faces between which the flow is computed (Table II).

    Our choices: flow_method, of which the paper names none and the README of its code TV-L1, and apex_method, how an
    apex that is not annotated is found.
    """

    size: int = 28
    face_height: int = 170
    face_width: int = 140
    flow_method: Literal["tvl1", "dis"] = "tvl1"
    apex_method: Literal["midpoint", "lbp-divide-and-conquer"] = "lbp-divide-and-conquer"

    def __post_init__(self) -> None:
        if self.face_width > self.face_height:
            raise ValueError("the face is cut from a square of its height; face_width must not be larger")


@dataclass(frozen=True)
class Network:
    """The network: STSTNet, or a linear classifier.

    `padding` is that of STSTNet's convolutions: "same" as in Table I, or two pixels as in the public Python code.
    """

    kind: Kind = "ststnet"
    padding: Padding = "same"


@dataclass(frozen=True)
class Training:
    """How STSTNet is trained: learning rate and epochs of Section II, the batch size of the authors' MATLAB script.

    inverse_penalty is `C` of scikit-learn's logistic regression, with its default. It has no part in STSTNet, and the
    other settings have none in the linear classifier.
    """

    batch: int = 256
    epochs: int = 500
    learning_rate: float = 5e-5
    inverse_penalty: float = 1.0
    precision: str = "float32"


PROFILES = profiles(
    Settings(Inputs(), Network(), Training()),
    quick={"batch": 16, "epochs": 100, "learning_rate": 1e-3},
    smoke={"epochs": 1},
)

STSTNET = Experiment(
    name="composite-loso",
    variant="published",
    title="STSTNet on flow and strain from onset to apex",
    corpora=("casme2", "smic", "samm"),
    labels=MEGC2019,
    protocol=LOSO,
    selection="last epoch",
    leak_free=True,
    network="STSTNet",
    common_ground=True,
)
PUBLIC_CODE = replace(
    STSTNET,
    variant="public-code",
    title="STSTNet as in the authors' Python code",
    settings={"padding": "two", "epochs": 800},
    note="The layers and the number of epochs of the authors' Python code, whose published scores are lower than the "
    "paper's.",
    on_request=True,
    common_ground=False,
)
DIS = replace(
    STSTNET,
    variant="dis",
    title="STSTNet on the flow of dense inverse search",
    settings={"flow_method": "dis"},
    note="The paper does not name the method of the flow; this is a faster one than TV-L1.",
    on_request=True,
    common_ground=False,
)
LINEAR = replace(
    STSTNET,
    name="linear-composite",
    variant="loso",
    title="Flow, linear classifier",
    network="Flow, linear classifier",
    settings={"kind": "linear", "epochs": 1},
    linear=True,
    note="The paper does not run this experiment. Logistic regression on the input of STSTNet shows what the flow "
    "itself reveals. Its only fit counts as one epoch.",
)


def _space(experiment: Experiment) -> dict[str, tuple[Any, ...]]:
    """The learning rate, and how much the weights of the linear classifier are penalised."""
    if experiment.settings:
        return {"inverse_penalty": (0.01, 0.1, 1.0, 10.0)}
    return {"learning_rate": (5e-5, 2e-4, 1e-3)}


EXPERIMENTS = (STSTNET, PUBLIC_CODE, DIS, LINEAR, *tuned((STSTNET, LINEAR), _space))
