"""What aouayeb2019 runs: the MEGC 2019 composite under LOSO, in three readings of its text."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass, replace
from pathlib import Path

from common.contract import Paper, Reference
from common.corpora.composite import MEGC2019
from common.profiles import profiles
from common.scoring.claims import read_claims, read_departures
from common.training.tuning import tuned
from common.types import Experiment


@dataclass(frozen=True)
class Settings:
    """Training and input settings; the defaults are the paper's (section 4.1.2) or, where marked, our choice.

    cnn_share is the share of each clip's frames that the CNNs are trained on, and comes, like learning_rate (Adam),
    from the authors' later public code. gamma is that of Lin et al. 2017. frame_step 1 reads every frame; region_scale
    1.0 keeps the printed region sizes.
    """

    cnn_batch: int = 64
    cnn_epochs: int = 100
    lstm_batch: int = 244
    lstm_epochs: int = 60
    sequence_length: int = 500
    learning_rate: float = 1e-4
    gamma: float = 2.0
    cnn_share: float = 0.5
    frame_step: int = 1
    region_scale: float = 1.0
    precision: str = "float32"


PROFILES = profiles(
    Settings(),
    quick=Settings(
        cnn_batch=16,
        cnn_epochs=24,
        lstm_batch=16,
        lstm_epochs=16,
        sequence_length=12,
        learning_rate=4e-3,
        frame_step=8,
        region_scale=0.25,
    ),
    smoke=Settings(
        cnn_epochs=1, lstm_epochs=2, sequence_length=8, learning_rate=1e-3, frame_step=16, region_scale=0.25
    ),
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
    note="The features have seen frames of the test subject. That this is how the printed table was made is inferred "
    "from the authors' later public code; the text does not say where the CNNs are trained.",
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
    note="The leak-free twin: everything is fitted on the training subjects alone. The CNNs are trained on the same "
    "frames of theirs as in cnn-once.",
    twin_of=CNN_ONCE.variant,
    common_ground=True,
)

LANDMARK_BOXES = Experiment(
    name="composite-loso",
    variant="landmark-boxes",
    title="As cnn-once, the six boxes placed by landmarks instead of fixed on a canvas",
    corpora=CORPORA,
    labels=MEGC2019,
    protocol="LOSO",
    selection="last epoch",
    leak_free=False,
    network=NETWORK,
    note="The text's own reading of the regions: faces much smaller than the canvas leave most of the fixed boxes "
    "empty; these boxes follow the face.",
)

LANDMARK_BOXES_IN_FOLD = replace(
    CNN_IN_FOLD,
    variant="landmark-boxes-in-fold",
    title="As cnn-in-fold, the six boxes placed by landmarks",
    twin_of=LANDMARK_BOXES.variant,
    common_ground=False,
)

SIGMOID_GATES = replace(
    CNN_ONCE,
    variant="sigmoid-gates",
    title="As cnn-once, the gates of the LSTMs sigmoids instead of Keras 2.2.4's hard sigmoids",
    note="The default of Keras since 2.3.0, and the gates that cuDNN's kernel computes on GPUs.",
    on_request=True,
)

SIGMOID_GATES_IN_FOLD = replace(
    CNN_IN_FOLD,
    variant="sigmoid-gates-in-fold",
    title="As cnn-in-fold, the gates of the LSTMs sigmoids",
    twin_of=SIGMOID_GATES.variant,
    on_request=True,
    common_ground=False,
)


def by_landmarks(experiment: Experiment) -> bool:
    """Whether the six boxes follow the landmarks."""
    return experiment.original in (LANDMARK_BOXES.variant, LANDMARK_BOXES_IN_FOLD.variant)


def with_sigmoid_gates(experiment: Experiment) -> bool:
    """Whether the gates of the LSTMs are sigmoids."""
    return experiment.original in (SIGMOID_GATES.variant, SIGMOID_GATES_IN_FOLD.variant)


def needs(experiment: Experiment, settings: Settings) -> Hashable:
    """What the networks depend on: experiments that need the same share them."""
    return experiment.labels.classes, with_sigmoid_gates(experiment)


EXPERIMENTS = (
    CNN_ONCE,
    CNN_IN_FOLD,
    LANDMARK_BOXES,
    LANDMARK_BOXES_IN_FOLD,
    SIGMOID_GATES,
    SIGMOID_GATES_IN_FOLD,
)

SPACE = {"learning_rate": (1e-4, 3e-4, 1e-3), "gamma": (0.0, 1.0, 2.0, 5.0)}
"""Settings that the text leaves open, with the values of gamma of Lin et al. 2017."""


_HERE = Path(__file__).parent
_CLAIMS = read_claims(_HERE / "claims.toml")

PAPER = Paper(
    key="aouayeb2019",
    title="A spatiotemporal deep learning solution for automatic micro-expressions recognition from local facial "
    "regions",
    authors="M. Aouayeb, W. Hamidouche, K. Kpalma, A. Benazza-Benyahia",
    venue="IEEE International Workshop on Machine Learning for Signal Processing (MLSP)",
    year=2019,
    url="https://univ-rennes.hal.science/hal-02334439v1",
    summary="Six region CNNs (Inception style) read single frames, six LSTMs read their features; focal loss.",
    images="raw",
    experiments=(*EXPERIMENTS, *tuned(EXPERIMENTS, lambda experiment: SPACE)),
    profiles=PROFILES,
    claims=_CLAIMS.claims,
    cited=_CLAIMS.cited,
    facts=_CLAIMS.facts,
    departures=read_departures(_HERE / "departures.toml"),
    reference=Reference(
        kind="inproceedings",
        authors=("Mouath Aouayeb", "Wassim Hamidouche", "Kidiyo Kpalma", "Amel Benazza-Benyahia"),
        details={
            "booktitle": "IEEE International Workshop on Machine Learning for Signal Processing (MLSP)",
            "address": "Pittsburgh, United States",
        },
    ),
)
