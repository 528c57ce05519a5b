"""Common grounds: the clips, classes and protocol on which the networks of all papers are compared, one record each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from common.corpora.composite import DOCUMENTED, MEGC2019
from common.errors import UserError, listed
from common.types import LabelMap

Counts = Mapping[str, Mapping[str, int]]
"""Clips by corpus and class."""


@dataclass(frozen=True)
class Ground:
    """What a comparison holds fixed: all clips of `corpora` that have a class in `labels`, split by `protocol`.

    `source` cites where the classes come from, `choice` says which of several definitions this is. `counts` are the
    documented clips by corpus and class, None if nobody has published them.
    """

    name: str
    title: str
    corpora: tuple[str, ...]
    labels: LabelMap
    source: str
    choice: str
    counts: Counts | None
    protocol: str = "LOSO"


_MOVED = (None, "sadness in the table of 2014, surprise in that of 2019")
_CHALLENGE = "See et al., MEGC 2019, FG 2019"
_THREE = "The clips and classes that the MEGC 2019 composite takes of this corpus."


def _of_challenge(*corpora: str) -> Counts:
    return {corpus: {name: DOCUMENTED[corpus][name] for name in MEGC2019.classes} for corpus in corpora}


def _same(*names: str) -> dict[str, str | None]:
    """Emotions that are classes under their own names."""
    return {name: name for name in names}


_RECORDS = (
    Ground(
        name=MEGC2019.name,
        title="the MEGC 2019 composite",
        corpora=("casme2", "smic", "samm"),
        labels=MEGC2019,
        source=_CHALLENGE,
        choice="The challenge's own list, and its rule where a user does not have the list.",
        counts=_of_challenge("casme2", "smic", "samm"),
    ),
    Ground(
        name="casme2-5",
        title="CASME II, five classes",
        corpora=("casme2",),
        labels=LabelMap(
            name="casme2-5",
            classes=("happiness", "disgust", "repression", "surprise", "others"),
            mapping={
                "casme2": {
                    **_same("happiness", "disgust", "repression", "surprise", "others"),
                    "sadness": None,
                    "fear": None,
                }
            },
            by_clip={
                "casme2/sub24/EP07_01": _MOVED,
                "casme2/sub24/EP07_04f": _MOVED,
                "casme2/sub24/EP10_03": _MOVED,
            },
        ),
        source="Yan et al., CASME II, PLoS ONE 2014",
        choice="The 246 clips of the table of 2014, also where the table of 2019 is read: its three clips that changed "
        "from sadness to surprise are left out, as in the MEGC 2019 composite; with them there are 249. The article "
        "counts 247 (happiness 33, disgust 60, repression 27, surprise 25, others 102), which no released table has.",
        counts={"casme2": {"happiness": 32, "disgust": 63, "repression": 27, "surprise": 25, "others": 99}},
    ),
    Ground(
        name="casme2-3",
        title="CASME II, three classes",
        corpora=("casme2",),
        labels=MEGC2019,
        source=_CHALLENGE,
        choice=_THREE,
        counts=_of_challenge("casme2"),
    ),
    Ground(
        name="samm-5",
        title="SAMM, five classes",
        corpora=("samm",),
        labels=LabelMap(
            name="samm-5",
            classes=("anger", "contempt", "happiness", "surprise", "other"),
            mapping={
                "samm": {
                    **_same("anger", "contempt", "happiness", "surprise", "other"),
                    "disgust": None,
                    "fear": None,
                    "sadness": None,
                }
            },
        ),
        source="Davison et al., SAMM, IEEE Transactions on Affective Computing 2018",
        choice="The emotions with more than 9 clips, 136 clips in all; disgust (9), fear (8) and sadness (6) are left "
        "out. These are emotions as annotated, not the objective classes of Davison et al. 2018.",
        counts={"samm": {"anger": 57, "contempt": 12, "happiness": 26, "surprise": 15, "other": 26}},
    ),
    Ground(
        name="samm-3",
        title="SAMM, three classes",
        corpora=("samm",),
        labels=MEGC2019,
        source=_CHALLENGE,
        choice=_THREE,
        counts=_of_challenge("samm"),
    ),
    Ground(
        name="smic-3",
        title="SMIC-HS, three classes",
        corpora=("smic",),
        labels=MEGC2019,
        source="Li et al., SMIC, FG 2013",
        choice="All 164 clips of SMIC-HS; the long release SMIC-E-HS has 157.",
        counts=_of_challenge("smic"),
    ),
)
GROUNDS: Mapping[str, Ground] = {ground.name: ground for ground in _RECORDS}
"""All grounds by name."""
DEFAULT = GROUNDS[MEGC2019.name]
"""The ground of the experiments that papers themselves put on `common_ground`."""


def named(name: str) -> Ground:
    """A ground by name. Raises UserError for an unknown one."""
    if name not in GROUNDS:
        raise UserError(f"unknown ground {name!r}; known: {listed(list(GROUNDS))}")
    return GROUNDS[name]
