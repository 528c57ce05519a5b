"""The records that flow through the suite: Corpus -> Samples -> Fold -> FoldResult -> Score -> Comparison -> Report.

Numpy and the standard library only, so that every other module can import this one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

# ---------------------------------------------------------------- corpora


@dataclass(frozen=True)
class Clip:
    """One annotated expression as it lies on disk.

    `numbers` are the original frame numbers from onset to offset, ascending; `frames[i]` is the file that holds frame
    `numbers[i]`: an image of its own, or the video that holds them all. `onset`, `apex` and `offset` are frame numbers
    too. `apex` is None where nobody annotated one; `apex_source` is the name of the method where it is an estimate.
    `expression` is "micro" or "macro", or "recording" for a whole one. `valence` and `self_report` are what CAS(ME)^2
    codes beside the emotion.
    """

    corpus: str
    subject: str
    name: str
    frames: tuple[Path, ...]
    numbers: tuple[int, ...]
    onset: int
    apex: int | None
    offset: int
    fps: float
    emotion: str
    action_units: str = ""
    expression: str = "micro"
    valence: str = ""
    self_report: str = ""
    apex_source: str = "annotated"

    @property
    def files(self) -> tuple[Path, ...]:
        """The distinct files of `frames`, in their order."""
        return tuple(dict.fromkeys(self.frames))

    @property
    def id(self) -> str:
        """`corpus/subject/name`, the key under which results are joined."""
        return f"{self.corpus}/{self.subject}/{self.name}"

    @property
    def subject_id(self) -> str:
        """`corpus/subject`: subject numbers repeat across corpora."""
        return f"{self.corpus}/{self.subject}"


@dataclass(frozen=True)
class Exclusion:
    """A clip that is not used. `fault` is True where the files are wrong, False where a documented rule drops it."""

    clip: str
    reason: str
    fault: bool = True


@dataclass(frozen=True)
class Correction:
    """A cell of an annotation table that was read otherwise than printed, and why.

    Where `used` equals `printed` the cell is odd, and was kept.
    """

    clip: str
    column: str
    printed: str
    used: str
    source: str


@dataclass(frozen=True)
class Corpus:
    """One corpus as found below `root`. `tree` names the layout that was read, `table` the annotation file.

    `images` is the folder that was read. `notes` are lines about the copy as a whole: what else is there, unread.
    """

    name: str
    title: str
    citation: str
    root: Path
    tree: str
    table: str
    clips: tuple[Clip, ...]
    exclusions: tuple[Exclusion, ...] = ()
    corrections: tuple[Correction, ...] = ()
    notes: tuple[str, ...] = ()
    images: Path | None = None


@dataclass(frozen=True)
class LabelMap:
    """How the emotions of each corpus become classes.

    `mapping[corpus][emotion]` is a class, or None where the clip is dropped and counted. `by_clip` wins over
    `mapping` for single clips (ids `corpus/subject/name`); its values are (class or None, reason).
    """

    name: str
    classes: tuple[str, ...]
    mapping: Mapping[str, Mapping[str, str | None]]
    by_clip: Mapping[str, tuple[str | None, str]] = field(default_factory=dict)


# ---------------------------------------------------------------- learning


@dataclass(frozen=True)
class Samples:
    """Arrays ready to learn from; row i of everything belongs together.

    x: arrays (n, ...) by input name; y (n,) int class; subject (n,), clip (n,) str ids;
    view (n,) int tells several rows of one clip apart (frames, magnified copies). `notes` are lines for the report on
    what preparing the clips had to do.
    """

    x: dict[str, NDArray[Any]]
    y: NDArray[np.int64]
    subject: NDArray[np.str_]
    clip: NDArray[np.str_]
    view: NDArray[np.int64]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Fold:
    """Row indices into `Samples`; `name` says what is held out."""

    name: str
    train: NDArray[np.int64]
    test: NDArray[np.int64]


@dataclass(frozen=True)
class Profile:
    """What a run is shortened to. `subjects` and `clips` bound the corpora, None where nothing is cut."""

    name: str
    settings: Any
    subjects: int | None = None
    clips: int | None = None


@dataclass(frozen=True)
class Experiment:
    """One line of a paper's results, as data: what is trained on, how it is split, what is selected.

    `held_out` gives, for a protocol that splits once, how many clips of a class the paper has and how many of them it
    holds out. Corpora `tested_on` are never trained on. Clips of fewer than `min_frames` frames are dropped, and
    counted. Experiments `on_request` run when they are named, or with --tune. `twin_of` is the variant whose leak-free
    twin this is, where the experiment has several.
    """

    name: str
    variant: str
    title: str
    corpora: tuple[str, ...]
    labels: LabelMap
    protocol: str
    selection: str
    leak_free: bool
    note: str = ""
    held_out: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    tested_on: tuple[str, ...] = ()
    min_frames: int = 0
    on_request: bool = False
    twin_of: str = ""

    @property
    def id(self) -> str:
        """`name/variant`, as `--experiment` takes it."""
        return f"{self.name}/{self.variant}"


@dataclass(frozen=True)
class Outcome:
    """What one fold predicts: clips (n,), probabilities (n, classes) float32, and the training history.

    `history[stage][metric]` is a list with one value per epoch.
    """

    clips: tuple[str, ...]
    probabilities: NDArray[np.float32]
    history: Mapping[str, Mapping[str, list[float]]]


@dataclass(frozen=True)
class FoldResult:
    """An `Outcome` with its truth and circumstances, as it lies in the result store."""

    fold: str
    clips: tuple[str, ...]
    truth: NDArray[np.int64]
    probabilities: NDArray[np.float32]
    history: Mapping[str, Mapping[str, list[float]]]
    seed: int
    seconds: float
    environment: Mapping[str, str]


# ---------------------------------------------------------------- what a paper says


@dataclass(frozen=True)
class Claim:
    """A number the paper prints about its own system.

    `corpus` is a corpus name or the name of a composite; `printed` is the figure as it stands in the paper, in percent
    where `unit` is "%".
    """

    experiment: str
    variant: str
    corpus: str
    metric: str
    printed: str
    source: str
    n_clips: int | None = None
    note: str = ""
    unit: str = ""

    @property
    def value(self) -> float:
        """The printed figure as a number; a percentage as a share."""
        return float(self.printed) / (100 if self.unit == "%" else 1)


@dataclass(frozen=True)
class CitedRow:
    """A row the paper quotes from others: `values[corpus][metric]`."""

    method: str
    values: Mapping[str, Mapping[str, float]]
    source: str


@dataclass(frozen=True)
class Departure:
    """Where the text is silent, contradicts itself or is not followed."""

    number: int
    topic: str
    paper_says: str
    we_do: str
    why: str


@dataclass(frozen=True)
class Finding:
    """One check of a printed number by arithmetic; `holds` is False where the arithmetic disagrees."""

    topic: str
    statement: str
    holds: bool
    source: str


@dataclass(frozen=True)
class Paper:
    """A paper's identity and its experiments; light to import (no Keras, no OpenCV)."""

    key: str
    title: str
    authors: str
    venue: str
    year: int
    url: str
    summary: str
    images: str
    experiments: tuple[Experiment, ...]
    profiles: Mapping[str, Profile]
    claims: tuple[Claim, ...]
    cited: tuple[CitedRow, ...]
    facts: Mapping[str, Any]
    departures: tuple[Departure, ...]


# ---------------------------------------------------------------- results


@dataclass(frozen=True)
class Score:
    """A metric of pooled predictions with a bootstrap-over-subjects interval and its chance level, if it has one."""

    metric: str
    value: float
    low: float | None
    high: float | None
    chance: float | None
    n_clips: int
    n_folds_done: int
    n_folds: int


@dataclass(frozen=True)
class Comparison:
    """A claim beside a score. Either may be missing; a missing number is a dash, never zero."""

    experiment: str
    variant: str
    corpus: str
    protocol: str
    selection: str
    metric: str
    claim: Claim | None
    score: Score | None
    verdict: str
    reason: str
    command: str


@dataclass(frozen=True)
class Confusion:
    """Counts of answers, rows truth, columns prediction, in the order of `classes`.

    They are on `clips` clips: of as many as there are answers, unless several folds test the same clip.
    """

    experiment: str
    variant: str
    corpus: str
    classes: tuple[str, ...]
    matrix: NDArray[np.int64]
    clips: int


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
    """A training curve: `folds` holds one list per fold with one value per epoch."""

    experiment: str
    variant: str
    stage: str
    metric: str
    folds: tuple[tuple[float, ...], ...]


@dataclass(frozen=True)
class Figure:
    """A picture of the paper's own kind, drawn by the paper's `figures.py` as a PNG file."""

    title: str
    caption: str
    path: Path


@dataclass(frozen=True)
class CorpusSummary:
    """What was read of one corpus: counts per emotion as found, counts per class as used."""

    name: str
    title: str
    citation: str
    tree: str
    table: str
    clips: int
    subjects: int
    by_emotion: Mapping[str, int]
    by_class: Mapping[str, int]


@dataclass(frozen=True)
class Report:
    """Everything a report page needs, as data."""

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


Progress = Callable[[str, int, int], None]
"""Called as progress(what, done, total) by everything that takes longer than two seconds."""

Arrays = dict[str, NDArray[Any]]
Keep = Callable[[str, Callable[[], Arrays]], Arrays]
"""Called as keep(name, make): arrays that all folds of a run share, made once and stored."""


@dataclass(frozen=True)
class Workbench:
    """What a recipe may use beside its samples: the user's seed, a store, a progress bar and the run's own folder."""

    seed: int
    keep: Keep
    say: Progress
    folder: Path
