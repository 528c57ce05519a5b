"""The records that a report consists of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from common.audit.finding import Finding
from common.contract import Claim, Figure, Paper
from common.corpora.grounds import Ground
from common.corpora.marker import REAL
from common.scoring.records import Comparison, Confusion, PairedTest, Score
from common.training.blocks import Block
from common.training.learnt import Learnt
from common.types import CorpusSummary, Correction, Exclusion


@dataclass(frozen=True)
class Learning:
    """What one experiment, or one network on common ground, learnt, and what its score depends on.

    `score` is UF1 on all held-out clips, `control` that of the same experiment on clips without motion, `metadata` that
    of a classifier of the clips' metadata. `adjusted`, `control_adjusted` and `metadata_adjusted` are their p by Holm's
    correction for all rows of one table: one correction for the scores, one for all controls together. None stands for
    what was not measured.
    """

    name: str
    leak_free: bool
    learnt: Learnt | None
    score: Score | None
    control: Score | None
    adjusted: float | None = None
    control_adjusted: float | None = None
    metadata: Score | None = None
    metadata_adjusted: float | None = None

    @property
    def one_answer(self) -> str:
        """The remark that all held-out clips are predicted as one class; empty if they are not."""
        return self.learnt.one_answer if self.learnt else ""


@dataclass(frozen=True)
class Spread:
    """One score for each seed; None if a seed has none."""

    experiment: str
    variant: str
    corpus: str
    metric: str
    values: tuple[float | None, ...]


@dataclass(frozen=True)
class Tried:
    """Settings that a search tried in `folds` folds and chose by inner UF1 in `chosen` of them.

    `own`: they are the profile's own. `uf1` is the mean over these folds.
    """

    experiment: str
    variant: str
    settings: Mapping[str, str | float]
    own: bool
    folds: int
    chosen: int
    uf1: float
    least: float
    largest: float


@dataclass(frozen=True)
class SubjectRow:
    """One held-out subject of one experiment: clips, correct clips and training seconds."""

    experiment: str
    variant: str
    subject: str
    n_clips: int
    n_correct: int
    seconds: float


@dataclass(frozen=True)
class Curve:
    """A training curve: `folds` holds one list per fold with one value per epoch.

    As in Keras, the name of a metric that is measured on the held-out clips starts with `val_`.
    """

    experiment: str
    variant: str
    stage: str
    metric: str
    folds: tuple[tuple[float, ...], ...]

    @property
    def held_out(self) -> bool:
        """Whether it was measured on the held-out clips."""
        return self.metric.startswith("val_")

    @property
    def plain_metric(self) -> str:
        """The name of the metric, which is the same for training and held-out clips."""
        return self.metric.removeprefix("val_")

    @property
    def epochs(self) -> int:
        """The number of epochs of the longest fold; a single one makes no curve."""
        return max(map(len, self.folds), default=0)

    def table(self) -> NDArray[np.float64]:
        """The values as (folds, epochs), NaN where a fold has ended or its value is not finite."""
        table: NDArray[np.float64] = np.full((len(self.folds), self.epochs), np.nan)
        for row, fold in zip(table, self.folds, strict=True):
            row[: len(fold)] = fold
        table[~np.isfinite(table)] = np.nan
        return table


@dataclass(frozen=True)
class ClipPredictions:
    """What one experiment predicted for each clip that it tested; row i of clips, truth and predicted belongs together.

    `labels` names the label map; `truth` and `predicted` are indices into `classes`. A clip that several folds test has
    a row for each of them.
    """

    experiment: str
    variant: str
    labels: str
    classes: tuple[str, ...]
    clips: tuple[str, ...]
    truth: tuple[int, ...]
    predicted: tuple[int, ...]


@dataclass(frozen=True)
class Seen:
    """One clip of the run: JPEGs of its frames by moment, where they may be shown, and the input of the network."""

    clip: str
    frames: Mapping[str, bytes]
    picture: Path
    captions: tuple[str, ...]


@dataclass(frozen=True)
class ByOthers:
    """What bundles of others give for a printed number, only those of the best tier that any bundle has for it.

    `values` has one mean over the seeds for each bundle, `value` is their mean. `date` is that of the newest bundle.
    """

    value: float
    tier: str
    date: str
    values: tuple[float, ...]

    @property
    def bundles(self) -> int:
        """The number of bundles."""
        return len(self.values)


@dataclass(frozen=True)
class Report:
    """Everything that the pages of a report need, as data.

    `controls` are the scores of controls, their variant named `variant+control`; `tests` compare the variants of an
    experiment on the same clips; `spread` shows the scores by seed, where there are several `seeds`; `tried` are the
    settings of searches; `motion` is that of `Profile`; `learning` and `predictions` have one entry for each experiment
    that ran; `unavailable` says for each experiment that cannot run with the corpora in the data folder why not.
    `by_others` has the printed numbers that bundles reproduce, `left_out` a line for each bundle that does not count.
    `differences` from the paper's settings are (setting, paper, here); `seen` shows one clip and the network's input,
    `blocks` the first network.
    """

    paper: Paper
    profile: str
    data: str
    seed: int
    shortened: tuple[str, ...]
    corpora: tuple[CorpusSummary, ...]
    comparisons: tuple[Comparison, ...]
    confusions: tuple[Confusion, ...]
    subjects: tuple[SubjectRow, ...]
    curves: tuple[Curve, ...]
    figures: tuple[Figure, ...]
    exclusions: tuple[Exclusion, ...]
    corrections: tuple[Correction, ...]
    audit: tuple[Finding, ...]
    environment: Mapping[str, str]
    cost: Mapping[str, float]
    command: str
    notes: tuple[str, ...] = ()
    controls: tuple[Comparison, ...] = ()
    tests: tuple[PairedTest, ...] = ()
    seeds: tuple[int, ...] = ()
    spread: tuple[Spread, ...] = ()
    tried: tuple[Tried, ...] = ()
    motion: float = 1.0
    learning: tuple[Learning, ...] = ()
    predictions: tuple[ClipPredictions, ...] = ()
    unavailable: Mapping[str, str] = field(default_factory=dict)
    by_others: Mapping[Claim, ByOthers] = field(default_factory=dict)
    left_out: tuple[str, ...] = ()
    differences: tuple[tuple[str, str, str], ...] = ()
    seen: Seen | None = None
    blocks: tuple[Block, ...] = ()

    @property
    def comparable(self) -> bool:
        """Whether what was measured may stand next to a printed number: nothing measured on stand-ins may."""
        return self.data in REAL


@dataclass(frozen=True)
class NetworkResult:
    """One network on common ground: its scores and its cost.

    `scores[corpus][metric]`, the composite first; `confusion` (classes, classes) of the composite; `spread[metric]` one
    value per seed, of the composite. `flops` are those of a forward pass for one clip. `peak_memory_mib` is what the
    first network of a process added to its memory. `control` holds the scores of its control without motion, `metadata`
    those of a classifier of metadata; each is empty if it did not run. `learnt` describes its predictions for its
    training clips. What is `linear` is a linear classifier, not a network. A number that was not measured is None.
    """

    paper: str
    experiment: str
    title: str
    scores: Mapping[str, Mapping[str, Score]]
    confusion: NDArray[np.int64]
    n_folds_done: int
    n_folds: int
    parameters: int | None
    flops: float | None
    seconds_per_fold: float | None
    inference_ms_per_clip: float | None
    peak_memory_mib: float | None
    spread: Mapping[str, tuple[float, ...]]
    control: Mapping[str, Mapping[str, Score]] = field(default_factory=dict)
    learnt: Learnt | None = None
    leak_free: bool = True
    metadata: Mapping[str, Mapping[str, Score]] = field(default_factory=dict)
    linear: bool = False

    @property
    def training_accuracy(self) -> float | None:
        """Its accuracy on its training clips, the mean over folds."""
        return self.learnt.accuracy if self.learnt else None


@dataclass(frozen=True)
class SeedScores:
    """UF1 of an experiment and its leak-free twin on the same clips, by seed; both have finished all folds.

    Item i of all belongs together.
    """

    seeds: tuple[int, ...] = ()
    published: tuple[float, ...] = ()
    leak_free: tuple[float, ...] = ()

    @property
    def differences(self) -> tuple[float, ...]:
        """The first less the second, by seed."""
        return tuple(first - second for first, second in zip(self.published, self.leak_free, strict=True))


@dataclass(frozen=True)
class Price:
    """The scores of an experiment and its leak-free twin, each by its own protocol and selection rule.

    `clips` are all clips, `still` those of the control without motion, empty if that has not finished for both.
    """

    paper: str
    experiment: str
    published: str
    leak_free: str
    protocol: str
    selection: str
    clips: SeedScores
    still: SeedScores = SeedScores()


@dataclass(frozen=True)
class Reference:
    """A method whose predictions on the composite are public: `scores[corpus][metric]`, the composite first.

    `tests` compares each contender that ran with it, by name, on the clips that both predict.
    """

    title: str
    selection: str
    leak_free: bool
    source: str
    scores: Mapping[str, Mapping[str, Score]]
    tests: Mapping[str, PairedTest]


@dataclass(frozen=True)
class SideBySide:
    """Several papers on one `ground`: the same clips, classes, folds, seed and selection rule; all printed numbers.

    `reports` are the papers' own, `references` others' methods on the same corpora. `differing` names what is not the
    same after all, one line each, such as clips that one paper could not use. `prices` has the finished experiments
    that have a leak-free twin, out of all `twins` of them.
    """

    profile: str
    data: str
    seeds: tuple[int, ...]
    ground: Ground
    labels: str
    classes: tuple[str, ...]
    protocol: str
    selection: str
    corpora: tuple[CorpusSummary, ...]
    contenders: tuple[NetworkResult, ...]
    tests: tuple[PairedTest, ...]
    differing: tuple[str, ...]
    reports: tuple[Report, ...]
    environment: Mapping[str, str]
    command: str
    references: tuple[Reference, ...] = ()
    prices: tuple[Price, ...] = ()
    twins: int = 0

    @property
    def motion(self) -> float:
        """The motion of the stand-ins, which is the same for all papers."""
        return self.reports[0].motion if self.reports else 1.0
