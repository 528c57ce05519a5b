"""The experiments of aouayeb2019: the MEGC 2019 composite under LOSO, in three interpretations of the text."""

from __future__ import annotations

from dataclasses import dataclass, replace

from common.contract import Settings
from common.corpora.composite import MEGC2019
from common.profiles import profiles
from common.training.tuning import tuned
from common.types import Experiment


@dataclass(frozen=True)
class Inputs:
    """The frames and regions that are read.

    frame_step 1 reads every frame; region_scale 1.0 keeps the printed region sizes (section 4.1.2). The six boxes
    follow the landmarks with `landmark_boxes`, and are fixed on a canvas without.
    """

    frame_step: int = 1
    region_scale: float = 1.0
    landmark_boxes: bool = False


@dataclass(frozen=True)
class Network:
    """The LSTM part: how many frames it reads (section 4.1.2); gates are sigmoids or Keras 2.2.4's hard sigmoids."""

    sequence_length: int = 500
    sigmoid_gates: bool = False


@dataclass(frozen=True)
class Training:
    """How the networks are trained. Defaults not mentioned below are the paper's (section 4.1.2).

    cnn_share is the fraction of each clip's frames that the CNNs are trained on. Like learning_rate (Adam), it comes
    from the authors' later public code. gamma is the value of Lin et al. 2017.
    """

    cnn_batch: int = 64
    cnn_epochs: int = 100
    lstm_batch: int = 244
    lstm_epochs: int = 60
    learning_rate: float = 1e-4
    gamma: float = 2.0
    cnn_share: float = 0.5
    precision: str = "float32"


PROFILES = profiles(
    Settings(Inputs(), Network(), Training()),
    quick={
        "cnn_batch": 16,
        "cnn_epochs": 24,
        "lstm_batch": 16,
        "lstm_epochs": 16,
        "sequence_length": 12,
        "learning_rate": 4e-3,
        "frame_step": 8,
        "region_scale": 0.25,
    },
    smoke={
        "cnn_epochs": 1,
        "lstm_epochs": 2,
        "sequence_length": 8,
        "learning_rate": 1e-3,
        "frame_step": 16,
        "region_scale": 0.25,
    },
)

CORPORA = ("smic", "casme2", "samm")
NETWORK = "Region CNNs, LSTMs"

CNN_ONCE = Experiment(
    name="composite-loso",
    variant="cnn-once",
    title="Region CNNs trained once on frames of all subjects, LSTM part by LOSO",
    corpora=CORPORA,
    labels=MEGC2019,
    protocol="LOSO",
    selection="last epoch",
    leak_free=False,
    network=NETWORK,
    note="The features have seen frames of the test subject. That the printed table was produced in this way is "
    "inferred from the authors' later public code; the text does not say where the CNNs are trained.",
)

CNN_IN_FOLD = Experiment(
    name="composite-loso",
    variant="cnn-in-fold",
    title="Region CNNs and LSTM part trained inside each fold",
    corpora=CORPORA,
    labels=MEGC2019,
    protocol="LOSO",
    selection="last epoch",
    leak_free=True,
    network=NETWORK,
    note="The leak-free twin: everything is fitted on the training subjects only. The CNNs are trained on the same "
    "frames of these subjects as in cnn-once.",
    twin_of=CNN_ONCE.variant,
    common_ground=True,
)

LANDMARK_BOXES = Experiment(
    name="composite-loso",
    variant="landmark-boxes",
    title="As cnn-once, with the six boxes placed by landmarks instead of fixed on a canvas",
    corpora=CORPORA,
    labels=MEGC2019,
    protocol="LOSO",
    selection="last epoch",
    leak_free=False,
    network=NETWORK,
    settings={"landmark_boxes": True},
    note="The regions as the text describes them. Faces much smaller than the canvas leave most of the fixed boxes "
    "empty; these boxes follow the face.",
)

LANDMARK_BOXES_IN_FOLD = replace(
    CNN_IN_FOLD,
    variant="landmark-boxes-in-fold",
    title="As cnn-in-fold, with the six boxes placed by landmarks",
    settings=LANDMARK_BOXES.settings,
    twin_of=LANDMARK_BOXES.variant,
    common_ground=False,
)

SIGMOID_GATES = replace(
    CNN_ONCE,
    variant="sigmoid-gates",
    title="As cnn-once, with sigmoid gates in the LSTMs instead of Keras 2.2.4's hard sigmoids",
    settings={"sigmoid_gates": True},
    note="The default of Keras since 2.3.0, and the gates that cuDNN's kernel computes on GPUs.",
    on_request=True,
)

SIGMOID_GATES_IN_FOLD = replace(
    CNN_IN_FOLD,
    variant="sigmoid-gates-in-fold",
    title="As cnn-in-fold, with sigmoid gates in the LSTMs",
    settings=SIGMOID_GATES.settings,
    twin_of=SIGMOID_GATES.variant,
    on_request=True,
    common_ground=False,
)


SPACE = {"learning_rate": (1e-4, 3e-4, 1e-3), "gamma": (0.0, 1.0, 2.0, 5.0)}
"""The settings that the text leaves open; the values of gamma are those of Lin et al. 2017."""

_PLAIN = (
    CNN_ONCE,
    CNN_IN_FOLD,
    LANDMARK_BOXES,
    LANDMARK_BOXES_IN_FOLD,
    SIGMOID_GATES,
    SIGMOID_GATES_IN_FOLD,
)
EXPERIMENTS = (*_PLAIN, *tuned(_PLAIN, lambda experiment: SPACE))
