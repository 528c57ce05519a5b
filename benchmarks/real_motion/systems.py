"""What is measured: the systems of the learning benchmark, on as many clips as the composite has."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from benchmarks import learning
from benchmarks.learning.systems import STILL, Size, System, Value
from benchmarks.linear import METADATA
from common.protocols import controls

MOTIONS = (1.0, 3.0, 0.0)
SIZE = Size(subjects=None, clips=None, folds=5)

_TALLURI: dict[str, Value] = {"size": 64, "epochs": 10}
_LE: dict[str, Value] = {"size": 48, "face_size": 112, "learning_rate": 0.01, "epochs": 5}
CHANGED: Mapping[str, Mapping[str, Value]] = {
    "SENet50": _LE,
    "ResNet50": _LE,
    "VGG19": _LE,
    "Model-A": _TALLURI,
    "Split-Model": _TALLURI,
    "Model-B": _TALLURI,
    "Model-C": _TALLURI,
    "Avatar ResNet34": {"size": 48, "face_size": 112, "batch": 16, "epochs": 3},
    "Region CNNs, LSTMs": {
        "region_scale": 0.25,
        "frame_step": 4,
        "sequence_length": 24,
        "cnn_batch": 16,
        "lstm_batch": 16,
        "cnn_epochs": 8,
        "lstm_epochs": 20,
        "learning_rate": 4e-3,
    },
}
"""Settings that differ from the papers', by network: about as many steps of training as in the learning benchmark,
which has a sixth of the clips. A network that is not named has its paper's own settings."""
MINUTES: Mapping[str, int] = {
    "STSTNet": 4,
    "SENet50": 12,
    "ResNet50": 13,
    "Model-A": 14,
    "STCNN": 15,
    "FuseNet intermediate": 15,
    "FuseNet late": 15,
    "Split-Model": 15,
    "Model-B": 18,
    "Avatar ResNet34": 19,
    "VGG19": 21,
    "Region CNNs, LSTMs": 23,
    "Model-C": 24,
}
"""Estimated minutes of training on two cores at one motion, in increasing order; the others take less than one."""

_BY_NAME = {system.name: system for system in learning.systems.SYSTEMS}
_CONTROL = replace(_BY_NAME["Metadata alone, linear classifier"], name="Metadata alone", control=controls.METADATA)
_QUICK = [system for name, system in _BY_NAME.items() if name not in MINUTES and system.reads != METADATA]
SYSTEMS = (
    _CONTROL,
    *(replace(system, changed={}) for system in _QUICK),
    *(replace(_BY_NAME[name], changed=CHANGED.get(name, {})) for name in MINUTES),
)
"""In the order in which they are measured: the quickest first."""


def motions(system: System) -> tuple[float, ...]:
    """The motions to measure: one of them if the input is the same at all."""
    return MOTIONS[:1] if system.reads in STILL else MOTIONS
