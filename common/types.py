"""The records that flow through the suite: Corpus -> Samples -> Fold -> FoldResult -> Score -> Comparison -> Report.

Numpy and the standard library only, so that every other module can import this one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

# ---------------------------------------------------------------- corpora


@dataclass(frozen=True)
class Clip:
    """One annotated expression as it lies on disk.

    `numbers` are the original frame numbers from onset to offset, ascending; `frames[i]` is the file that holds frame
    `numbers[i]`: an image of its own, or the video that holds them all. `onset`, `apex` and `offset` are frame numbers
    too. `apex` is None where nobody annotated one; `apex_source` is the name of the method where it is an estimate.
    A control may show other pictures than these: `shown[i]` are the file and number that are read for frame i.
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
    shown: tuple[tuple[Path, int], ...] = ()

    @property
    def pictures(self) -> tuple[tuple[Path, int], ...]:
        """The file and number of the picture that is read for each frame."""
        return self.shown or tuple(zip(self.frames, self.numbers, strict=True))

    def at(self, places: Sequence[int]) -> Clip:
        """The clip with the frames at these places alone."""
        return replace(
            self,
            frames=tuple(self.frames[place] for place in places),
            numbers=tuple(self.numbers[place] for place in places),
            shown=tuple(self.shown[place] for place in places) if self.shown else (),
        )

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


Part = tuple[slice, slice]
"""Rows and columns of a picture, with both ends, that lie in it."""
ReadFrames = Callable[[Sequence[int], Part | None], Iterator[NDArray[np.uint8]]]
"""Called as read(indices, part): these frames of a clip in turn, RGB uint8 (height, width, 3), or a part of each."""


@dataclass(frozen=True)
class ClipFrames:
    """A clip as `prepare` sees it: pictures and times, but neither its emotion nor its subject nor its files' names.

    SMIC's folders are named by class and its clips' names say it too, so that no name or path is told. `numbers`,
    `onset`, `apex` and `offset` are those of `Clip`, counted from the first frame, which is 0. `common.images` reads
    the pictures.
    """

    corpus: str
    numbers: tuple[int, ...]
    onset: int
    apex: int | None
    offset: int
    fps: float
    apex_source: str
    read: ReadFrames = field(repr=False, compare=False)

    def at(self, places: Sequence[int]) -> ClipFrames:
        """The clip with the frames at these places alone."""

        def read(indices: Sequence[int], part: Part | None) -> Iterator[NDArray[np.uint8]]:
            return self.read([places[index] for index in indices], part)

        return replace(self, numbers=tuple(self.numbers[place] for place in places), read=read)


@dataclass(frozen=True)
class Exclusion:
    """A clip that is not used. `fault` is True where the files are wrong, False where a documented rule drops it."""

    clip: str
    reason: str
    fault: bool = True


@dataclass(frozen=True)
class Correction:
    """A cell of an annotation table that was corrected, and why.

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


class Rows:
    """Some rows of an array, copied only when they are read; indices reach no other row."""

    def __init__(self, values: NDArray[Any] | Rows, rows: NDArray[np.int64]) -> None:
        self._values, self._rows = values, np.asarray(rows)
        self.shape: tuple[int, ...] = (len(self._rows), *values.shape[1:])
        self.dtype: np.dtype[Any] = values.dtype

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, rows: Any) -> NDArray[Any]:
        """The rows with these places among these rows: an int array, a mask, a slice, or one int."""
        return np.array(self._values[self._rows[rows]]) if np.ndim(rows) == 0 else self._values[self._rows[rows]]

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        return np.asarray(self[:], dtype)


@dataclass(frozen=True)
class Samples:
    """Arrays ready to learn from; row i of everything belongs together.

    x: arrays (n, ...) by input name; y (n,) int class; subject (n,), clip (n,) str ids;
    view (n,) int tells several rows of one clip apart (frames, magnified copies). `notes` are lines for the report on
    what preparing the clips had to do.
    """

    x: Mapping[str, NDArray[Any] | Rows]
    y: NDArray[np.int64]
    subject: NDArray[np.str_]
    clip: NDArray[np.str_]
    view: NDArray[np.int64]
    notes: tuple[str, ...] = ()

    def only(self, rows: NDArray[np.int64]) -> Samples:
        """The samples of some rows, without copying x."""
        return Samples(
            x={name: Rows(values, rows) for name, values in self.x.items()},
            y=self.y[rows],
            subject=self.subject[rows],
            clip=self.clip[rows],
            view=self.view[rows],
        )


@dataclass(frozen=True)
class Fold:
    """Row indices into `Samples`; `name` says what is held out."""

    name: str
    train: NDArray[np.int64]
    test: NDArray[np.int64]


@dataclass(frozen=True)
class Profile:
    """What a run is shortened to. `subjects` and `clips` bound the corpora, None where nothing is cut.

    Of each experiment `folds` folds are run, from the first to the last; those in between stay undone. Where settings
    are searched, as many `trials` at most are made, each on `inner_folds` folds of the training subjects. `options` are
    those of the command line that changed the profile, as (name, value). `motion` is how far faces of stand-ins move: 1
    is as far as in micro-expressions, 0 not at all. `controls` are those that run with each experiment that nobody
    names. Of experiments on common ground `ground_folds` folds are run where that is not None. Where several papers run
    side by side, `ground_alone` leaves out what is not on common ground unless it is named. Where networks that do not
    learn are `looked_into`, a fold takes seconds longer, and where folds are `repeated`, the first of each network is
    trained twice, to see that folds leave nothing to each other.
    """

    name: str
    settings: Any
    subjects: int | None = None
    clips: int | None = None
    folds: int | None = None
    trials: int = 12
    inner_folds: int = 3
    options: tuple[tuple[str, str], ...] = ()
    motion: float = 1.0
    controls: tuple[str, ...] = ()
    ground_folds: int | None = None
    ground_alone: bool = False
    looked_into: bool = True
    repeated: bool = True

    @property
    def deciding(self) -> tuple[tuple[str, str], ...]:
        """The options that decide what a fold answers."""
        return tuple(pair for pair in self.options if pair[0] != "--folds")

    @property
    def changed(self) -> str:
        """The options that have a run do other than the paper, as typed; empty where there are none."""
        kept = [pair for pair in self.deciding if pair[0] not in ("--weights", "--precision")]
        return " ".join(word for pair in kept for word in pair)


@dataclass(frozen=True)
class Experiment:
    """One line of a paper's results, as data: what is trained on, how it is split, what is selected.

    `held_out` gives, for a protocol that splits once, how many clips of a class the paper has and how many of them it
    holds out. Corpora `tested_on` are never trained on. Clips of fewer than `min_frames` frames are dropped, and
    counted. Experiments `on_request` run when they are named. `twin_of` is the variant whose leak-free twin this is.
    `network` is the name of what is trained, the same wherever the paper trains it. An experiment on `common_ground`
    also runs where several papers are set side by side.
    `control` is the way in which the clips are spoilt to see what a score rests on, empty for the clips as they are.
    Where there is a `space`, values by the name of a setting, these settings are chosen inside the training subjects of
    each fold; `tuned_of` is the variant that is the same but for that.
    """

    name: str
    variant: str
    title: str
    corpora: tuple[str, ...]
    labels: LabelMap
    protocol: str
    selection: str
    leak_free: bool
    network: str
    note: str = ""
    held_out: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    tested_on: tuple[str, ...] = ()
    min_frames: int = 0
    on_request: bool = False
    twin_of: str = ""
    common_ground: bool = False
    control: str = ""
    space: Mapping[str, tuple[Any, ...]] = field(default_factory=dict)
    tuned_of: str = ""

    @property
    def id(self) -> str:
        """`name/variant`, as `--experiment` takes it; of a control `name/variant+control`."""
        return f"{self.name}/{self.variant}{self.control and '+' + self.control}"

    @property
    def original(self) -> str:
        """The variant by which networks and inputs go: of a tuned copy that of which it is one."""
        return self.tuned_of or self.variant


Answers = dict[str, NDArray[np.float32]]
"""The probabilities of the classes (classes,) by clip id."""
History = Mapping[str, Mapping[str, list[float]]]
"""By stage and metric one value per epoch; NaN for all metrics of an epoch that is not finite."""


Scaling = Mapping[str, tuple[float, float]]
"""By input: what its uint8 values are multiplied by, and what is then added, before networks read them."""
Lesson = Callable[[Samples], Mapping[str, tuple[Mapping[str, Any], Mapping[str, Any]]]]
"""By model what it is given and what is asked of it for these rows: inputs and targets by name, each (n, ...)."""


@dataclass(frozen=True)
class Trained:
    """What training on one fold leaves: a function from held-out samples to answers, and the history.

    `models` are the trained Keras models by name, as the recipe's `answers` takes them; they change when the next fold
    is trained. What they read is `scaling` of uint8 arrays, and where it names none these in 0-1. `caveats` say why
    their score must not be held against a printed one, such as initial weights that could not be had.

    `lesson` says what the models learn from where that is not the arrays themselves, with classes one-hot; it leaves
    out a model that does not hold the weights of this fold, and has no targets for one that learns as part of another.
    """

    predict: Callable[[Samples], Answers]
    history: History
    models: Mapping[str, Any] = field(default_factory=dict)
    scaling: Scaling = field(default_factory=dict)
    caveats: tuple[str, ...] = ()
    lesson: Lesson | None = None


@dataclass(frozen=True)
class Look:
    """How an input of one clip's samples looks.

    `axes` are those of height and width in its array, whose first is rows; `pictures` RGB uint8 (n, height, width, 3)
    with a caption each.
    """

    axes: tuple[int, int]
    pictures: NDArray[np.uint8]
    captions: tuple[str, ...]


@dataclass(frozen=True)
class Trial:
    """Settings tried inside a fold's training subjects: UF1 and mean log loss of the answers of all inner folds."""

    settings: Mapping[str, str | float]
    uf1: float
    log_loss: float


@dataclass(frozen=True)
class FoldResult:
    """What one fold answered, with the truth and circumstances, as it lies in the result store.

    clips (n,), truth (n,) int, probabilities (n, classes) float32; row i of everything belongs together. `measured`
    are counts and costs by name: parameters, floating point operations, milliseconds, MiB. `trials` are those of a
    search for settings, first the profile's own; `caveats` those of `Trained`.
    """

    fold: str
    clips: tuple[str, ...]
    truth: NDArray[np.int64]
    probabilities: NDArray[np.float32]
    history: History
    seed: int
    seconds: float
    measured: Mapping[str, float]
    environment: Mapping[str, str]
    trials: tuple[Trial, ...] = ()
    caveats: tuple[str, ...] = ()


@dataclass(frozen=True)
class Learnt:
    """What the networks of `folds` folds make of their own training clips: means over these folds.

    `accuracy`; `loss`, the mean log loss of the answers, beside `constant_loss`, that of the best answer that is the
    same for all clips; `largest_share`, the accuracy of always answering the largest class. `stuck` folds are no better
    than that, and in `one_class` folds one class alone is answered. `causes` by name, over the folds that have them:
    `dead_units`, the share of units that ReLU leaves at zero, and `gradient_norm`.
    """

    folds: int
    accuracy: float
    loss: float
    constant_loss: float
    largest_share: float
    stuck: int
    one_class: int
    causes: Mapping[str, float]


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


Kind = Literal["contradicted", "documented", "note"]
"""What a finding says: see `Finding`."""


@dataclass(frozen=True)
class Finding:
    """One check of a printed number.

    `kind` is "contradicted" where arithmetic contradicts the number under every reading that the check names; `holds`
    is then False. It is "documented" where the number is set beside counts that somebody else published; `holds` says
    whether it is one of them. It is "note" for everything else: where `holds`, the number passes the check, by
    arithmetic under at least one reading; else something is worth knowing that contradicts nothing printed, such as an
    accuracy below the share of the largest class. Raises ValueError for a contradiction that holds.
    """

    topic: str
    statement: str
    holds: bool
    source: str
    kind: Kind

    def __post_init__(self) -> None:
        if self.kind == "contradicted" and self.holds:
            raise ValueError(f"a finding that is {self.kind} holds")


@dataclass(frozen=True)
class Reference:
    """How a bibliography names a paper, beside its title, year and address.

    `kind` is a BibTeX type; `authors` are full names as the paper prints them; `details` are further fields by their
    BibTeX names, what could not be verified left out.
    """

    kind: str
    authors: tuple[str, ...]
    details: Mapping[str, str]


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
    reference: Reference


# ---------------------------------------------------------------- results


@dataclass(frozen=True)
class Score:
    """A metric of pooled predictions with a bootstrap-over-subjects interval and its chance level, if it has one.

    `p` is that of doing as well when the answers for each subject change places among its clips.
    """

    metric: str
    value: float
    low: float | None
    high: float | None
    chance: float | None
    n_clips: int
    n_folds_done: int
    n_folds: int
    p: float | None = None


@dataclass(frozen=True)
class Learning:
    """One experiment, or network on common ground: what it learnt, and what its score rests on.

    `score` is UF1 on all clips that are held out, `control` that of the same experiment on clips without motion.
    `adjusted` and `control_adjusted` are their p by Holm's correction for all rows of one table, scores and controls
    each by themselves. None for what was not measured.
    """

    name: str
    leak_free: bool
    learnt: Learnt | None
    score: Score | None
    control: Score | None
    adjusted: float | None = None
    control_adjusted: float | None = None


@dataclass(frozen=True)
class PairedTest:
    """Two methods on the clips that both answer, in favour of `first` where `difference` is positive.

    `only_first` and `only_second` count the clips that one of them alone gets right, on which `mcnemar` is the exact
    two-sided p of McNemar's test. `difference` is that of UF1, `p` its two-sided p when the answers of whole subjects
    are swapped between the methods. `adjusted` and `mcnemar_adjusted` are the two p by Holm's correction for all tests
    of one table.
    """

    first: str
    second: str
    n_clips: int
    n_subjects: int
    only_first: int
    only_second: int
    mcnemar: float
    difference: float
    p: float
    adjusted: float
    mcnemar_adjusted: float


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
class Spread:
    """One score by seed; None where a seed has none."""

    experiment: str
    variant: str
    corpus: str
    metric: str
    values: tuple[float | None, ...]


@dataclass(frozen=True)
class Tried:
    """Settings that a search tried in `folds` folds, and was led to by inner UF1 in `chosen` of them.

    `own` says that they are the profile's own. `uf1` is the mean over these folds.
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
    """Everything a report page needs, as data.

    `controls` are the scores of controls, their variant named `variant+control`; `tests` compare the variants of an
    experiment on the same clips; `spread` shows the scores by seed, where there are several `seeds`; `tried` are the
    settings of searches; `motion` is that of `Profile`; `learning` has one row for each experiment that ran.
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


@dataclass(frozen=True)
class Contender:
    """One network on common ground: what it reaches and what it costs.

    `scores[corpus][metric]`, the composite first; `confusion` (classes, classes) of the composite; `spread[metric]` one
    value per seed, of the composite. flops are those of one clip forward. `control` holds the scores of its control
    without motion, and is empty where that did not run; `learnt` describes its answers for its training clips. A number
    that was not measured is None.
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

    @property
    def training_accuracy(self) -> float | None:
        """Its accuracy on its training clips, the mean over folds."""
        return self.learnt.accuracy if self.learnt else None


@dataclass(frozen=True)
class SideBySide:
    """Several papers on the same clips, label map, folds, seed and selection rule, and all their printed numbers.

    `reports` are the papers' own. `differing` names what is not the same after all, one line each: such as clips that
    one paper could not use.
    """

    profile: str
    data: str
    seeds: tuple[int, ...]
    labels: str
    classes: tuple[str, ...]
    protocol: str
    selection: str
    corpora: tuple[CorpusSummary, ...]
    contenders: tuple[Contender, ...]
    tests: tuple[PairedTest, ...]
    differing: tuple[str, ...]
    reports: tuple[Report, ...]
    environment: Mapping[str, str]
    command: str

    @property
    def motion(self) -> float:
        """That of the stand-ins, which is the same for all papers."""
        return self.reports[0].motion if self.reports else 1.0


Progress = Callable[[str, int, int], None]
"""Called as progress(what, done, total) by everything that takes longer than two seconds."""

Arrays = dict[str, NDArray[Any]]
Keep = Callable[[str, Callable[[], Arrays]], Arrays]
"""Called as keep(name, make): arrays that all folds of a run share, made once and stored."""


@dataclass(frozen=True)
class Beyond:
    """What a published protocol lets training see beside its own rows.

    `held_out` are the rows of the fold that are tested, `everything` those of all folds; `keep` stores what all folds
    share. `seed` is the user's.
    """

    held_out: Samples
    everything: Samples
    keep: Keep
    seed: int


@dataclass(frozen=True)
class Workbench:
    """What a recipe may use beside its training rows: the fold's name and seed, a progress bar, the run's own folder.

    In a leak-free experiment nothing lies `beyond` the training rows.
    """

    fold: str
    seed: int
    say: Progress
    folder: Path
    beyond: Beyond | None
