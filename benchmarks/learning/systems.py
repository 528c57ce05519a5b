"""What is measured: the networks of all papers on the MEGC 2019 composite, and three references of no paper.

Each network has its paper's own settings except those in `changed`, which would take too long on two cores.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import papers
from benchmarks import linear
from common.contract import Paper, Parts, Profile
from common.training.weights import NONE, Weights
from common.types import Experiment

Value = int | float | str
MOTIONS = (0.0, 1.0, 2.0, 4.0, 8.0)


@dataclass(frozen=True)
class Size:
    """Size of the stand-ins (subjects of each corpus, clips of each subject), and the number of parts of the subjects.

    None is as many subjects or clips as in the real corpora.

    With a multiple of three clips, each subject shows each class equally often, and all clips of a subject are equally
    long: corpus, subject and length reveal nothing about the class.
    """

    subjects: int | None = 5
    clips: int | None = 6
    folds: int = 3


@dataclass(frozen=True)
class System:
    """A network, or a linear classifier with the input `reads`; `changed` are settings that differ from the paper's.

    With a `control`, that control of the experiment is run instead (see `common.protocols.controls`).
    """

    name: str
    paper: str
    experiment: str
    changed: Mapping[str, Value] = field(default_factory=dict)
    reads: str = ""
    control: str = ""

    @property
    def motions(self) -> tuple[float, ...]:
        """The motions to measure: one of them if the input is the same at all."""
        return (0.0,) if self.reads in STILL else MOTIONS

    @property
    def label(self) -> str:
        """The name, with the paper's key if it is one of the paper's networks."""
        return self.name if self.reads else f"{self.paper}: {self.name}"


STILL = ("onset", linear.METADATA)
"""Inputs that do not depend on motion: the first frame, where no expression has begun, and the metadata."""


def seeds(motion: float) -> tuple[int, ...]:
    """The seeds of the stand-ins of a motion, each of which has other people and clips.

    Five at a motion of 0: a score there is a matter of luck, and that of one small set of clips varies much.
    """
    return (0, 1, 2, 3, 4) if motion == 0 else (0,)


_REDDY: dict[str, Value] = {"epochs": 40}
_TALLURI: dict[str, Value] = {"size": 64, "epochs": 60}
_LE: dict[str, Value] = {"size": 48, "face_size": 112, "learning_rate": 0.01, "epochs": 15}
_GROUND = "composite-loso/published"

SYSTEMS = (
    System("Flow from onset to apex, linear classifier", "kumar2019", _GROUND, reads="flow"),
    System("First frame alone, linear classifier", "kumar2019", _GROUND, reads="onset"),
    System("Metadata alone, linear classifier", "kumar2019", _GROUND, reads=linear.METADATA),
    System(
        "Region CNNs, LSTMs",
        "aouayeb2019",
        "composite-loso/cnn-in-fold",
        {
            "region_scale": 0.25,
            "frame_step": 4,
            "sequence_length": 24,
            "cnn_batch": 16,
            "lstm_batch": 16,
            "cnn_epochs": 40,
            "learning_rate": 4e-3,
        },
    ),
    System("STCNN", "reddy2019", "stcnn-composite/loso", _REDDY),
    System("FuseNet intermediate", "reddy2019", "intermediate-composite/loso", _REDDY),
    System("FuseNet late", "reddy2019", "late-composite/loso", _REDDY),
    System("Model-A", "talluri2022", "model-a-composite/loso", _TALLURI),
    System("Split-Model", "talluri2022", "split-model-composite/loso", _TALLURI),
    System("Model-B", "talluri2022", "model-b-composite/loso", _TALLURI),
    System("Model-C", "talluri2022", "model-c-composite/loso", _TALLURI),
    System("Avatar ResNet34", "kumar2019", _GROUND, {"size": 48, "face_size": 112, "batch": 16, "epochs": 8}),
    System("VGG19", "le2020", "vgg19-composite/loso", _LE),
    System("ResNet50", "le2020", "resnet50-composite/loso", _LE),
    System("SENet50", "le2020", "senet50-composite/loso", _LE),
    System("STSTNet", "liong2019", _GROUND, {"batch": 16, "epochs": 100, "learning_rate": 1e-3}),
    System("Flow, linear classifier", "liong2019", "linear-composite/loso"),
    System("LBP-TOP, linear SVM", "see2019", _GROUND),
)


def named(name: str) -> System:
    """The system with this name."""
    return next(system for system in SYSTEMS if system.name == name)


def profile(system: System, motion: float, size: Size) -> Profile:
    """The paper's own settings with the changed ones, on stand-ins of the given size and motion.

    Networks that would start from trained weights start from random weights, which need no download.
    """
    if system.reads:
        return Profile("paper", linear.settings_for(system.reads), size.subjects, size.clips, motion=motion)
    full = papers.load(system.paper).profiles["paper"]
    settings = full.settings.having(system.changed)
    if "weights" in settings.values():
        settings = settings.having({"weights": Weights(NONE)})
    return replace(full, settings=settings, subjects=size.subjects, clips=size.clips, motion=motion)


def paper_of(system: System) -> tuple[Paper, Experiment]:
    """The paper and the experiment as which a system is run."""
    paper = papers.load(system.paper)
    experiment = next(experiment for experiment in paper.experiments if experiment.id == system.experiment)
    return paper, replace(experiment, control=system.control)


def parts(system: System) -> Parts:
    """The working modules of a system."""
    return linear.parts() if system.reads else papers.parts(system.paper)
