"""The experiments of liong2019: STSTNet, and a linear classifier on the same input.

On recordings both are on common ground. On the public flow maps of the composite there are also the networks that the
authors publish, and one whose epoch is picked on the held-out subject.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Literal

from common.contract import Settings
from common.corpora import flow_maps
from common.corpora.composite import MEGC2019
from common.profiles import profiles
from common.protocols.splits import LOSO
from common.scoring.histories import ORACLE
from common.training.tuning import tuned
from common.training.weights import NONE, Weights
from common.types import Experiment

Kind = Literal["ststnet", "linear", "authors"]
Padding = Literal["same", "two"]


@dataclass(frozen=True)
class Inputs:
    """What the network's input is made from, its width and height (`size`), and the faces between which the flow is
    computed (Table II). Of the public flow maps (`source`) nothing is computed.

    Our choices: flow_method, of which the paper names none and the README of its code TV-L1, and apex_method, how an
    apex that is not annotated is found.
    """

    source: Literal["faces", "maps"] = "faces"
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
    """The network: STSTNet, a linear classifier, or STSTNet with the weights that the authors publish.

    `padding` is that of STSTNet's convolutions: "same" as in Table I, or two pixels as in the public Python code.
    """

    kind: Kind = "ststnet"
    padding: Padding = "same"


@dataclass(frozen=True)
class Training:
    """How STSTNet is trained: learning rate and epochs of Section II, the batch size of the authors' MATLAB script.

    inverse_penalty is `C` of scikit-learn's logistic regression, with its default. It has no part in STSTNet, and the
    other settings have none in the linear classifier. `weights` are the networks that the authors publish (--weights),
    which are used as they are; all others start from random weights.
    """

    batch: int = 256
    epochs: int = 500
    learning_rate: float = 5e-5
    inverse_penalty: float = 1.0
    precision: str = "float32"
    weights: Weights = Weights(NONE)  # noqa: RUF009


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
MAPS = replace(
    STSTNET,
    name="public-maps",
    title="STSTNet on the public flow maps",
    corpora=(flow_maps.CORPUS,),
    labels=flow_maps.LABELS,
    collected_from=STSTNET.corpora,
    settings={"source": "maps"},
    twin_of="oracle",
    note="The flow and strain that authors of the paper publish for all 442 clips of the composite, with values from 0 "
    "to 255 as in both public codes.",
    common_ground=False,
)
MAPS_ORACLE = replace(
    MAPS,
    variant="oracle",
    title="STSTNet on the public flow maps, the best epoch of each subject",
    selection=ORACLE,
    leak_free=False,
    twin_of="",
    note="Neither the paper nor its code does this. It shows what a score gains if the epoch is picked for each "
    "held-out subject, on the clips that are scored.",
)
MAPS_CODE = replace(
    MAPS,
    variant="public-code",
    title="STSTNet on the public flow maps, as in the authors' Python code",
    settings={"source": "maps", "padding": "two", "epochs": 800},
    twin_of="",
)
AUTHORS = replace(
    MAPS_CODE,
    variant="authors-networks",
    title="The authors' published networks on the public flow maps",
    settings={"kind": "authors", "source": "maps", "padding": "two", "epochs": 1},
    note="Nothing is trained: each subject is answered by the network that the authors publish for it "
    f"({flow_maps.NETWORKS} in the repository of the code).",
    twin_of="",
    pretrained=True,
)
MAPS_LINEAR = replace(
    LINEAR,
    name="linear-public-maps",
    title="Public flow maps, linear classifier",
    network="Public flow maps, linear classifier",
    corpora=MAPS.corpora,
    labels=MAPS.labels,
    collected_from=MAPS.collected_from,
    settings={**LINEAR.settings, **MAPS.settings},
    common_ground=False,
)


def _space(experiment: Experiment) -> dict[str, tuple[Any, ...]]:
    """The learning rate, and how much the weights of the linear classifier are penalised."""
    if experiment is MAPS_LINEAR:
        return {"inverse_penalty": (1e-4, 1e-2, 1.0)}  # five times as many values as clips, all correlated
    if experiment.linear:
        return {"inverse_penalty": (0.01, 0.1, 1.0, 10.0)}
    return {"learning_rate": (5e-5, 2e-4, 1e-3)}


EXPERIMENTS = (
    STSTNET,
    PUBLIC_CODE,
    DIS,
    LINEAR,
    AUTHORS,
    MAPS,
    MAPS_ORACLE,
    MAPS_CODE,
    MAPS_LINEAR,
    *tuned((STSTNET, LINEAR, MAPS_LINEAR), _space),
)
