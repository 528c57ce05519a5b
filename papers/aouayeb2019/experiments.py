"""The experiments of aouayeb2019: the MEGC 2019 composite under LOSO, in several interpretations of the text."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

from common.contract import Settings
from common.corpora.composite import MEGC2019
from common.profiles import profiles
from common.training.tuning import tuned
from common.types import Experiment

Padding = Literal["first", "last", "masked"]
RegionsByClass = Literal["authors-code", "facs"]


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
    """The LSTM part: how many frames it reads (section 4.1.2); gates are sigmoids or Keras 2.2.4's hard sigmoids.

    `padding` is what it reads beside a shorter clip: zeros first, zeros last, or steps that are masked.
    """

    sequence_length: int = 500
    padding: Padding = "first"
    sigmoid_gates: bool = False


@dataclass(frozen=True)
class Training:
    """How the networks are trained. Defaults not mentioned below are the paper's (section 4.1.2).

    cnn_share is the fraction of each clip's frames that the CNNs are trained on. Like learning_rate (Adam) and
    regions_by_class, which says in which classes a region takes part, it comes from the authors' public code. gamma is
    the value of Lin et al. 2017.
    """

    cnn_batch: int = 64
    cnn_epochs: int = 100
    lstm_batch: int = 244
    lstm_epochs: int = 60
    learning_rate: float = 1e-4
    gamma: float = 2.0
    cnn_share: float = 0.5
    regions_by_class: RegionsByClass = "authors-code"
    precision: str = "float32"


PROFILES = profiles(
    Settings(Inputs(), Network(), Training()),
    quick={
        "cnn_batch": 16,
        "cnn_epochs": 24,
        "lstm_batch": 16,
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
    "inferred from the authors' public code; the text does not say where the CNNs are trained.",
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


def _on_request(variant: str, change: str, settings: Mapping[str, Any], note: str) -> tuple[Experiment, Experiment]:
    """cnn-once and its leak-free twin with other settings."""
    return (
        replace(
            CNN_ONCE,
            variant=variant,
            title=f"As cnn-once, {change}",
            settings=settings,
            note=note,
            on_request=True,
        ),
        replace(
            CNN_IN_FOLD,
            variant=f"{variant}-in-fold",
            title=f"As cnn-in-fold, {change}",
            settings=settings,
            twin_of=variant,
            on_request=True,
            common_ground=False,
        ),
    )


SIGMOID_GATES, SIGMOID_GATES_IN_FOLD = _on_request(
    "sigmoid-gates",
    "with sigmoid gates in the LSTMs instead of Keras 2.2.4's hard sigmoids",
    {"sigmoid_gates": True},
    "The default of Keras since 2.3.0, and the gates that cuDNN's kernel computes on GPUs.",
)

ZEROS_LAST, ZEROS_LAST_IN_FOLD = _on_request(
    "zeros-last",
    "with the zeros of a sequence after the clip instead of before it",
    {"padding": "last"},
    "Section 4.1.2 to the letter. Over 350 zeros behind a clip erase what the LSTMs have read of it: at 500 steps, all "
    "clips get the same answer.",
)

MASKED_PADDING, MASKED_PADDING_IN_FOLD = _on_request(
    "masked-padding",
    "with masked steps instead of zeros in a sequence",
    {"padding": "masked"},
    "The LSTMs read the frames of a clip and nothing else. The text mentions no masking.",
)

FACS_REGIONS, FACS_REGIONS_IN_FOLD = _on_request(
    "facs-regions",
    "with the regions of each class from the Facial Action Coding System",
    {"regions_by_class": "facs"},
    "The eyes take part in positive too: raised cheeks narrow them. Otherwise as in the authors' public code.",
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
    ZEROS_LAST,
    ZEROS_LAST_IN_FOLD,
    MASKED_PADDING,
    MASKED_PADDING_IN_FOLD,
    FACS_REGIONS,
    FACS_REGIONS_IN_FOLD,
)
EXPERIMENTS = (*_PLAIN, *tuned(_PLAIN, lambda experiment: SPACE))
