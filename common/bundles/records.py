"""What a bundle contains, as plain data, and the results of its verification."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from common.corpora.marker import LICENSED
from common.scoring.records import Score
from common.types import FoldResult

CLAIMED, CONSISTENT, CORROBORATED = "claimed", "consistent", "corroborated"
TIERS = (CLAIMED, CONSISTENT, CORROBORATED)
"""Tiers, from the lowest to the highest."""


@dataclass(frozen=True)
class ClipDigest:
    """SHA-256 (hex) of a clip's files, and the first two digits of that of its annotation (frame numbers, frame rate).

    Two digits show whether annotations differ, but frame numbers cannot be recovered from them by trying.
    """

    files: str
    annotation: str


@dataclass(frozen=True)
class BundleRun:
    """One experiment with one seed: its clips with their class indices, its settings, folds and claimed scores.

    `experiment` is the id as printed by --list. `settings` are those of the run by record and name. `scores` are the
    claimed ones by (corpus, metric). `unusable` are ids of clips that were excluded when clips were prepared.
    """

    experiment: str
    seed: int
    motion: float
    settings: Mapping[str, Mapping[str, Any]]
    clips: tuple[tuple[str, int], ...]
    unusable: tuple[str, ...]
    folds: tuple[FoldResult, ...]
    scores: Mapping[tuple[str, str], Score]

    @property
    def name(self) -> str:
        """The run as named in messages."""
        return f"{self.experiment} seed {self.seed}"

    @property
    def truth(self) -> dict[str, int]:
        """The class index of each clip."""
        return dict(self.clips)


@dataclass(frozen=True)
class Bundle:
    """A bundle as read.

    `data` is one of the kinds in `marker`, `options` are those that changed the profile, as (name, value). `sources` is
    the digest of the source files that determine the predictions. `copy` identifies the copy of the corpora on disk,
    `date` is the day on which the last fold finished. `excluded` has the reason ("faulty", "no class" or "too short")
    by id for clips that at least one experiment does not use.
    """

    paper: str
    data: str
    profile: str
    options: tuple[tuple[str, str], ...]
    version: str
    sources: str
    copy: str
    date: str
    digests: Mapping[str, ClipDigest]
    excluded: Mapping[str, str]
    runs: tuple[BundleRun, ...]

    @property
    def experiments(self) -> tuple[str, ...]:
        """The ids of the experiments."""
        return tuple(dict.fromkeys(run.experiment for run in self.runs))

    @property
    def seeds(self) -> tuple[int, ...]:
        """All seeds, ascending."""
        return tuple(sorted({run.seed for run in self.runs}))

    def of(self, experiment: str) -> tuple[BundleRun, ...]:
        """The runs of an experiment, by seed."""
        return tuple(sorted((run for run in self.runs if run.experiment == experiment), key=lambda run: run.seed))


def sizes(fold: FoldResult) -> dict[str, float]:
    """The numbers of parameters and the operations of a fold's networks, by name."""
    return {name: value for name, value in fold.measured.items() if name.startswith(("parameters", "flops"))}


FAILED, DIFFERS, NOTE = "failed", "differs", "note"
"""A check that failed; a difference from another bundle, which does not show who is right; something worth knowing."""


@dataclass(frozen=True)
class Finding:
    """One line of a verification: its kind, the name of the check, what was found, and the experiment (empty: all)."""

    kind: str
    check: str
    text: str
    experiment: str = ""


@dataclass(frozen=True)
class Verified:
    """A bundle with the findings and the tier of each of its experiments.

    `bundle` is None if the file could not be read. `tiers` are by experiment id.
    """

    file: str
    bundle: Bundle | None
    findings: tuple[Finding, ...]
    tiers: Mapping[str, str] = field(default_factory=dict)

    @property
    def tier(self) -> str:
        """The lowest tier of its experiments."""
        return min(self.tiers.values(), key=TIERS.index, default=CLAIMED)

    @property
    def standing(self) -> str:
        """What the bundle counts for next to published numbers: its tier, or the kind of its stand-ins."""
        return self.bundle.data if self.bundle and self.bundle.data != LICENSED else self.tier

    @property
    def failed(self) -> tuple[Finding, ...]:
        """The checks that failed."""
        return tuple(finding for finding in self.findings if finding.kind == FAILED)
