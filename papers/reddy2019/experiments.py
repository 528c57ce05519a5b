"""What reddy2019 runs: three networks on two corpora, as published and leak-free, and a grid of kernel sizes."""

from __future__ import annotations

import re
from collections.abc import Hashable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from common.contract import Paper, Reference
from common.profiles import common_ground, profiles
from common.protocols.splits import LOSO, ONCE
from common.scoring.claims import read_claims, read_departures
from common.scoring.histories import ORACLE
from common.training.tuning import tuned
from common.types import Experiment, LabelMap


@dataclass(frozen=True)
class Settings:
    """Training and input settings; the defaults are the paper's (tables I-III, section IV.B) or, where marked, not.

    learning_rate is SGD's default in Keras 2 ("default learning rate schedule"), dropout and public_code_batch are the
    authors' public code's. casme_sq_frame_step 1 reads every frame; search_epochs are those of each trial of the grid
    of kernel sizes. The rest is the paper's.
    """

    face_size: int = 64
    region_size: int = 32
    casme_sq_frames: int = 96
    smic_frames: int = 18
    casme_sq_frame_step: int = 1
    batch: int = 8
    public_code_batch: int = 16
    kernel: str = "3x3x15"
    epochs: int = 100
    search_epochs: int = 100
    learning_rate: float = 0.01
    dropout: float = 0.5
    precision: str = "float32"

    def __post_init__(self) -> None:
        if not re.fullmatch("[1-9][0-9]*(x[1-9][0-9]*){2}", self.kernel):
            raise ValueError("a kernel is HEIGHTxWIDTHxTIME, such as 3x3x15")


PROFILES = profiles(
    Settings(),
    quick=Settings(face_size=32, region_size=16, casme_sq_frame_step=4, epochs=25, search_epochs=2),
    smoke=Settings(face_size=24, region_size=12, casme_sq_frame_step=4, epochs=2, search_epochs=1),
)

CASME_SQ = LabelMap(
    name="casme_sq_prefixes",
    classes=("happy", "anger", "disgust"),
    mapping={"casme_sq_recordings": {"happy": "happy", "anger": "anger", "disgust": "disgust"}},
)
"""The emotion that a recording's stimulus is meant to elicit; the paper's order of classes."""

SMIC = LabelMap(
    name="smic_classes",
    classes=("negative", "positive", "surprise"),
    mapping={"smic": {"negative": "negative", "positive": "positive", "surprise": "surprise"}},
)

NETWORKS = {
    "stcnn": "MicroExpSTCNN",
    "intermediate": "MicroExpFuseNet, intermediate fusion",
    "late": "MicroExpFuseNet, late fusion",
}
HELD_OUT = {
    "casme_sq": {"happy": (94, 21), "anger": (76, 12), "disgust": (36, 8)},
    "smic": {"negative": (66, 19), "positive": (47, 6), "surprise": (43, 7)},
}
"""Table IV: clips of each class, and how many of them are held out.

Of SMIC it prints 79 and 34 clips for the first two classes, of which the corpus has 70 and 51; with the public code's
66 and 47 the numbers held out are those printed.
"""

HELD_OUT_UNSHUFFLED = {
    "casme_sq": {"happy": (93, 6), "anger": (75, 0), "disgust": (35, 35)},
    "smic": {"negative": (66, 0), "positive": (47, 0), "surprise": (43, 20)},
}
"""The same of the public scripts of MicroExpFuseNet, which hold out the last fifth of their rows without shuffling.

Rows are in the order angry, happy, disgust, and negative, positive, surprise; each clip of surprise is two of them.
"""

KERNELS = tuple(f"{side}x{side}x{time}" for side in (3, 5, 7) for time in (3, 7, 15, 19))
"""Height, width and time of the kernels of table IX."""

_LEAK = (
    "The split is by clip, so that clips of a subject are on both sides, and the epoch is chosen on the clips that it "
    "is scored on."
)
_CODE = "What the authors' public code does where it differs from the text."
_TWIN = "The leak-free twin: no clip of the held-out subject in training, normalisation or choice of the epoch."


def network(experiment: Experiment) -> str:
    """Which network an experiment trains: stcnn, intermediate or late."""
    first = experiment.name.split("-")[0]
    return first if first in NETWORKS else "stcnn"


def searches_kernels(experiment: Experiment) -> bool:
    """Whether an experiment compares the kernel sizes of table IX on the clips that it is scored on, as published."""
    return experiment.name.startswith("kernel-sizes") and not experiment.leak_free


def public_code(experiment: Experiment) -> bool:
    """Whether an experiment follows the authors' public code where it differs from the text."""
    return experiment.original.startswith("public-code")


def spread_out(experiment: Experiment) -> bool:
    """Whether frames are read from all over a clip instead of from its start: on common ground."""
    return experiment.name.endswith("-composite")


def frames(corpus: str, settings: Settings) -> tuple[int, int]:
    """How many frames of a clip are read, and every how manieth of them a network sees."""
    if corpus == "casme_sq_recordings":
        return settings.casme_sq_frames, settings.casme_sq_frame_step
    return settings.smic_frames, 1  # a kernel of 15 frames needs them all


def depth(experiment: Experiment, settings: Settings) -> int:
    """How many frames a network of this experiment sees."""
    length, step = frames(experiment.corpora[0], settings)
    return -(-length // step)


def needs(experiment: Experiment, settings: Settings) -> Hashable:
    """What the networks depend on: experiments that need the same share them."""
    return network(experiment), depth(experiment, settings), len(experiment.labels.classes), public_code(experiment)


def _held_out(key: str, corpus: str, variant: str) -> Mapping[str, tuple[int, int]]:
    return (HELD_OUT_UNSHUFFLED if variant == "public-code" and key != "stcnn" else HELD_OUT)[corpus]


def _short(key: str) -> str:
    return NETWORKS[key].removeprefix("MicroExp").removesuffix(" fusion").replace(",", "")


def _experiments() -> Iterator[Experiment]:
    for key, title in NETWORKS.items():
        short = _short(key)
        for corpus, labels, source in (("casme_sq", CASME_SQ, "casme_sq_recordings"), ("smic", SMIC, "smic")):
            for variant, subtitle, protocol, selection, note in (
                ("published", "80/20 once, best epoch", ONCE, ORACLE, _LEAK),
                ("public-code", "the same by the public code's reading", ONCE, ORACLE, f"{_CODE} {_LEAK}"),
                ("loso", "leave one subject out", LOSO, "last epoch", _TWIN),
                ("public-code-loso", "the public code's reading, leave one subject out", LOSO, "last epoch", _TWIN),
            ):
                yield Experiment(
                    name=f"{key}-{corpus}",
                    variant=variant,
                    title=f"{title}: {subtitle}",
                    corpora=(source,),
                    labels=labels,
                    protocol=protocol,
                    selection=selection,
                    leak_free=protocol == LOSO,
                    network=short,
                    note=note,
                    held_out=_held_out(key, corpus, variant) if protocol == ONCE else {},
                    min_frames=97 if corpus == "casme_sq" else 19,
                    on_request=variant == "public-code-loso",
                    twin_of={"loso": "published", "public-code-loso": "public-code"}.get(variant, ""),
                )
        note = "18 frames, as many as it reads of SMIC, are spread evenly over a clip."
        yield common_ground(key, title, short, note)
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
            note=note,
            held_out=HELD_OUT["casme_sq"] if protocol == ONCE else {},
            min_frames=97,
            on_request=on_request,
            twin_of="published" if protocol == LOSO else "",
            space={"kernel": KERNELS} if protocol == LOSO else {},
        )


def _space(experiment: Experiment) -> dict[str, tuple[str | float, ...]]:
    """What the paper tuned (table IX) or left open; a kernel is no longer than what is read of a clip."""
    long = "casme_sq" in experiment.name
    kernels = tuple(name for name in KERNELS if long or not name.endswith("x19"))
    return {"kernel": kernels, "learning_rate": (0.003, 0.01, 0.03), "dropout": (0.25, 0.5)}


_HERE = Path(__file__).parent
_CLAIMS = read_claims(_HERE / "claims.toml")

PAPER = Paper(
    key="reddy2019",
    title="Spontaneous facial micro-expression recognition using 3D spatiotemporal convolutional neural networks",
    authors="S. P. T. Reddy, S. T. Karri, S. R. Dubey, S. Mukherjee",
    venue="International Joint Conference on Neural Networks (IJCNN)",
    year=2019,
    url="https://arxiv.org/abs/1904.01390",
    summary="3D CNNs on whole faces (MicroExpSTCNN) and on eyes and mouth, fused early or late (MicroExpFuseNet).",
    images="raw",
    experiments=(*_experiments(), *tuned(tuple(_experiments()), _space)),
    profiles=PROFILES,
    claims=_CLAIMS.claims,
    cited=_CLAIMS.cited,
    facts=_CLAIMS.facts,
    departures=read_departures(_HERE / "departures.toml"),
    reference=Reference(
        kind="inproceedings",
        authors=("Sai Prasanna Teja Reddy", "Surya Teja Karri", "Shiv Ram Dubey", "Snehasis Mukherjee"),
        details={
            "booktitle": "International Joint Conference on Neural Networks (IJCNN)",
            "eprint": "1904.01390",
            "archiveprefix": "arXiv",
        },
    ),
)
