"""The experiments of reddy2019: three networks on two corpora, as published and leak-free, and a grid of kernels."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from common.contract import Settings
from common.profiles import common_ground, profiles
from common.protocols.splits import LOSO, ONCE
from common.scoring.histories import ORACLE
from common.training.tuning import tuned
from common.types import Experiment, LabelMap

Kind = Literal["stcnn", "intermediate", "late"]
InitialWeights = Literal["Keras", "public code"]
Reading = Literal["aligned faces", "whole frames", "whole frames, red and blue exchanged"]


@dataclass(frozen=True)
class Inputs:
    """The part of a clip that is read; sizes and frame numbers are the paper's for CAS(ME)^2 (tables I to III).

    The number `frames` is read from `first_frame` on, counted from 0, or from the end of a shorter clip; with `spread`,
    evenly from the clip's first frame to its last, with repeated frames in a shorter clip. With frame_step 1 the
    networks read every one of them. `reading` is how faces are cut from the frames, see `preprocess.cut`.
    """

    face_size: int = 64
    region_size: int = 32
    frames: int = 96
    frame_step: int = 1
    first_frame: int = 72
    spread: bool = False
    reading: Reading = "aligned faces"


@dataclass(frozen=True)
class Network:
    """The network, its kernel (HEIGHTxWIDTHxTIME, tables I to III), and the dropout rate of the authors' public code.

    `initial_weights` are drawn as by default in Keras, or as the public code draws them with Keras 2.0.0. Raises
    ValueError if `kernel` does not have this form.
    """

    kind: Kind = "stcnn"
    kernel: str = "3x3x15"
    dropout: float = 0.5
    initial_weights: InitialWeights = "Keras"

    def __post_init__(self) -> None:
        if not re.fullmatch("[1-9][0-9]*(x[1-9][0-9]*){2}", self.kernel):
            raise ValueError("a kernel is HEIGHTxWIDTHxTIME, such as 3x3x15")


@dataclass(frozen=True)
class Training:
    """How the networks are trained. batch and epochs are the paper's (section IV.B).

    learning_rate is SGD's default in Keras 2 ("default learning rate schedule"). If there are `kernels`, they are
    compared, with search_epochs for each, on the clips on which the fold is scored (table IX).
    """

    batch: int = 8
    epochs: int = 100
    learning_rate: float = 0.01
    kernels: tuple[str, ...] = ()
    search_epochs: int = 100
    precision: str = "float32"


PROFILES = profiles(
    Settings(Inputs(), Network(), Training()),
    quick={"face_size": 32, "region_size": 16, "frame_step": 4, "epochs": 25, "search_epochs": 2},
    smoke={"face_size": 24, "region_size": 12, "frame_step": 4, "epochs": 2, "search_epochs": 1},
)

CASME_SQ = LabelMap(
    name="casme_sq_prefixes",
    classes=("happy", "anger", "disgust"),
    mapping={"casme_sq_recordings": {"happy": "happy", "anger": "anger", "disgust": "disgust"}},
)
"""The emotion that a recording's stimulus is meant to elicit, in the paper's order of classes."""

SMIC = LabelMap(
    name="smic_classes",
    classes=("negative", "positive", "surprise"),
    mapping={"smic": {"negative": "negative", "positive": "positive", "surprise": "surprise"}},
)

NETWORKS: dict[Kind, str] = {
    "stcnn": "MicroExpSTCNN",
    "intermediate": "MicroExpFuseNet, intermediate fusion",
    "late": "MicroExpFuseNet, late fusion",
}
SMIC_FRAMES = {"frames": 18, "frame_step": 1, "first_frame": 0}
"""The frames that are read of a clip of SMIC; a kernel of 15 frames needs all of them."""
CODE_READING: Mapping[str, Reading] = {
    "casme_sq_recordings": "whole frames, red and blue exchanged",
    "smic": "whole frames",
}
"""How the authors' public code reads the frames of a corpus."""
CODE_BATCH = 16
"""The batch size of the authors' public code."""
HELD_OUT = {
    "casme_sq": {"happy": (94, 21), "anger": (76, 12), "disgust": (36, 8)},
    "smic": {"negative": (66, 19), "positive": (47, 6), "surprise": (43, 7)},
}
"""Table IV: the clips of each class, and how many of them are held out.

For the first two classes of SMIC it prints 79 and 34 clips, but the corpus has 70 and 51; with the public code's 66 and
47, the held-out numbers are the printed ones.
"""

HELD_OUT_UNSHUFFLED = {
    "casme_sq": {"happy": (93, 6), "anger": (75, 0), "disgust": (35, 35)},
    "smic": {"negative": (66, 0), "positive": (47, 0), "surprise": (43, 20)},
}
"""The same for the public scripts of MicroExpFuseNet, which hold out the last fifth of their rows without shuffling.

Rows are in the order angry, happy, disgust, and negative, positive, surprise; each clip of surprise is two of them.
"""

KERNELS = tuple(f"{side}x{side}x{time}" for side in (3, 5, 7) for time in (3, 7, 15, 19))
"""Height, width and time of the kernels of table IX."""

_LEAK = (
    "The split is by clip, so that clips of a subject are on both sides, and the epoch is chosen on the clips that are "
    "scored."
)
_CODE = (
    "Follows the authors' public code in how frames are read, how many clips of each class are held out, the batch "
    "size and the initial weights. Left out is what only the scripts of MicroExpFuseNet do: clips of training among "
    "those that are scored; and for SMIC each clip of surprise twice, the second time labelled as negative, 250 "
    "epochs, and in the intermediate fusion batches of 4 and the mouth in both streams."
)
_FOLLOWED = "frames, batches and initial weights of the public code"
_TWIN = "The leak-free twin: no clip of the held-out subject in training, normalisation or choice of the epoch."


def _held_out(kind: Kind, corpus: str, variant: str) -> Mapping[str, tuple[int, int]]:
    return (HELD_OUT_UNSHUFFLED if variant == "public-code" and kind != "stcnn" else HELD_OUT)[corpus]


def _short(kind: Kind) -> str:
    return NETWORKS[kind].removeprefix("MicroExp").removesuffix(" fusion").replace(",", "")


def _plain() -> Iterator[Experiment]:
    for kind, title in NETWORKS.items():
        short = _short(kind)
        for corpus, labels, source in (("casme_sq", CASME_SQ, "casme_sq_recordings"), ("smic", SMIC, "smic")):
            read: Mapping[str, Any] = {"kind": kind, **(SMIC_FRAMES if corpus == "smic" else {})}
            code = {
                **read,
                "reading": CODE_READING[source],
                "batch": CODE_BATCH,
                "initial_weights": "public code",
            }
            for variant, settings, subtitle, protocol, selection, note in (
                ("published", read, "80/20 once, best epoch", ONCE, ORACLE, _LEAK),
                ("public-code", code, f"{_FOLLOWED}, 80/20 once, best epoch", ONCE, ORACLE, f"{_CODE} {_LEAK}"),
                ("loso", read, "leave one subject out", LOSO, "last epoch", _TWIN),
                (
                    "public-code-loso",
                    code,
                    f"{_FOLLOWED}, leave one subject out",
                    LOSO,
                    "last epoch",
                    f"{_CODE} {_TWIN}",
                ),
            ):
                yield Experiment(
                    name=f"{kind}-{corpus}",
                    variant=variant,
                    title=f"{title}: {subtitle}",
                    corpora=(source,),
                    labels=labels,
                    protocol=protocol,
                    selection=selection,
                    leak_free=protocol == LOSO,
                    network=short,
                    settings=settings,
                    note=note,
                    held_out=_held_out(kind, corpus, variant) if protocol == ONCE else {},
                    min_frames=97 if corpus == "casme_sq" else 19,
                    on_request=variant == "public-code-loso",
                    twin_of={"loso": "published", "public-code-loso": "public-code"}.get(variant, ""),
                )
        note = "18 frames, the number that it reads of SMIC, are spread evenly over a clip."
        yield common_ground(kind, title, short, {"kind": kind, **SMIC_FRAMES, "spread": True}, note)
    for variant, protocol, selection, note, on_request in (
        ("published", ONCE, f"best kernel and {ORACLE}", f"Kernels are compared on the held-out clips. {_LEAK}", False),
        ("tuned-loso", LOSO, "last epoch, kernel chosen on inner folds", _TWIN, True),
    ):
        yield Experiment(
            name="kernel-sizes-casme_sq",
            variant=variant,
            title="MicroExpSTCNN: twelve kernel sizes (table IX)",
            corpora=("casme_sq_recordings",),
            labels=CASME_SQ,
            protocol=protocol,
            selection=selection,
            leak_free=protocol == LOSO,
            network=_short("stcnn"),
            settings={"kind": "stcnn", **({"kernels": KERNELS} if protocol == ONCE else {})},
            note=note,
            held_out=HELD_OUT["casme_sq"] if protocol == ONCE else {},
            min_frames=97,
            on_request=on_request,
            twin_of="published" if protocol == LOSO else "",
            space={"kernel": KERNELS} if protocol == LOSO else {},
        )


def _space(experiment: Experiment) -> dict[str, tuple[str | float, ...]]:
    """The settings that the paper tuned (table IX) or left open; no kernel is longer than the frames that are read."""
    read = experiment.settings.get("frames", Inputs.frames)
    kernels = tuple(name for name in KERNELS if int(name.split("x")[2]) <= read)
    return {"kernel": kernels, "learning_rate": (0.003, 0.01, 0.03), "dropout": (0.25, 0.5)}


EXPERIMENTS = (*_plain(), *tuned(tuple(_plain()), _space))
