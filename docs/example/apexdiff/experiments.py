"""What apexdiff runs: the MEGC 2019 composite by clip, and leave one subject out as its leak-free twin."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass, replace
from pathlib import Path

from common.contract import Paper, Reference
from common.corpora.composite import MEGC2019
from common.profiles import profiles
from common.protocols.splits import LOSO, TENFOLD
from common.scoring.claims import read_claims, read_departures
from common.training.tuning import tuned
from common.types import Experiment


@dataclass(frozen=True)
class Settings:
    """Training and input settings. size is in pixels; apex_method is how an apex is found that nobody annotated."""

    size: int = 64
    epochs: int = 50
    batch: int = 16
    learning_rate: float = 1e-3
    apex_method: str = "midpoint"
    precision: str = "float32"


PROFILES = profiles(Settings(), quick=Settings(size=32, epochs=20), smoke=Settings(size=32, epochs=1))

BY_CLIP = Experiment(
    name="composite",
    variant="by-clip",
    title="Difference of apex and first frame: ten folds by clip",
    corpora=("casme2", "smic", "samm"),
    labels=MEGC2019,
    protocol=TENFOLD,
    selection="last epoch",
    leak_free=False,
    network="Apex difference",
    note="Folds are by clip, not by subject: clips of one person are in training and in test.",
)

BY_SUBJECT = replace(
    BY_CLIP,
    variant="loso",
    title="Difference of apex and first frame: leave one subject out",
    protocol=LOSO,
    leak_free=True,
    note="The leak-free twin: no clip of the held-out subject in training.",
    twin_of=BY_CLIP.variant,
    common_ground=True,
)


SPACE = {"learning_rate": (3e-4, 1e-3, 3e-3), "batch": (8, 16, 32)}
"""What --tune searches inside the training subjects of each fold."""


def needs(experiment: Experiment, settings: Settings) -> Hashable:
    """What the networks depend on: experiments that need the same share them."""
    return len(experiment.labels.classes)


_HERE = Path(__file__).parent
_CLAIMS = read_claims(_HERE / "claims.toml")

PAPER = Paper(
    key="apexdiff",
    title="Difference of apex and first frame, the example of the documentation",
    authors="mer-suite",
    venue="not published",
    year=2026,
    url="",
    reference=Reference(kind="misc", authors=("mer-suite",), details={"note": "not published"}),
    summary="A small convolutional network reads what changes between the first frame and the apex.",
    images="raw",
    experiments=(BY_CLIP, BY_SUBJECT, *tuned((BY_SUBJECT,), lambda experiment: SPACE)),
    profiles=PROFILES,
    claims=_CLAIMS.claims,
    cited=_CLAIMS.cited,
    facts=_CLAIMS.facts,
    departures=read_departures(_HERE / "departures.toml"),
)
