"""The records that flow through the suite: Corpus -> Samples -> Fold -> FoldResult -> Score -> Comparison -> Report.

Numpy and the standard library only, so that every other module can import this one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from common.training.blocks import Block


@dataclass(frozen=True)
class Clip:
    """One annotated expression on disk.

    `numbers` are the original frame numbers from onset to offset, ascending; `frames[i]` is the file with frame
    `numbers[i]`: an image of its own, or the video with all frames. `onset`, `apex` and `offset` are frame numbers too.
    `apex` is None if it is not annotated; `apex_source` is the name of the method if the apex is an estimate.
    A control may show other images than these: `shown[i]` are the file and number that are read for frame i.
    `expression` is "micro", "macro", or "recording" if it is a whole one; `valence`, `self_report` are of CAS(ME)^2.
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
        """The file and number of the image that is read for each frame."""
        return self.shown or tuple(zip(self.frames, self.numbers, strict=True))

    def at(self, places: Sequence[int]) -> Clip:
        """The clip with only the frames at these indices."""
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
        """`corpus/subject`, since subject numbers repeat across corpora."""
        return f"{self.corpus}/{self.subject}"


Part = tuple[slice, slice]
"""Rows and columns of an image, both with start and stop inside the image."""
ReadFrames = Callable[[Sequence[int], Part | None], Iterator[NDArray[np.uint8]]]
"""Called as read(indices, part): these frames of a clip in turn, RGB uint8 (height, width, 3), or a part of each."""


@dataclass(frozen=True)
class ClipFrames:
    """A clip as `prepare` receives it: images and times, but not its emotion, its subject or the names of its files.

    The folders and clips of SMIC are named by class, so names and paths are left out. `numbers`, `onset`, `apex` and
    `offset` are those of `Clip`, counted from the first frame, which is 0. `common.vision.images` reads the images.
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
        """The clip with only the frames at these indices."""

        def read(indices: Sequence[int], part: Part | None) -> Iterator[NDArray[np.uint8]]:
            return self.read([places[index] for index in indices], part)

        return replace(self, numbers=tuple(self.numbers[place] for place in places), read=read)


@dataclass(frozen=True)
class Exclusion:
    """A clip that is not used. `fault` is True if its files are faulty, False if a documented rule drops it."""

    clip: str
    reason: str
    fault: bool = True


@dataclass(frozen=True)
class Correction:
    """A cell of an annotation table that was corrected, and why; odd but not changed if `used` equals `printed`."""

    clip: str
    column: str
    printed: str
    used: str
    source: str


@dataclass(frozen=True)
class Corpus:
    """One corpus as found below `root`: `tree` names its layout, `table` the annotation file, `images` the folder that
    was read. `notes` are lines about the whole copy, such as other trees not read.
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

    `mapping[corpus][emotion]` is a class, or None if the clip is dropped and counted. `by_clip` overrides `mapping` for
    single clips (ids `corpus/subject/name`); its values are (class or None, reason).
    """

    name: str
    classes: tuple[str, ...]
    mapping: Mapping[str, Mapping[str, str | None]]
    by_clip: Mapping[str, tuple[str | None, str]] = field(default_factory=dict)


class HasRows(Protocol):
    """An array (n, ...) whose rows are read by an int array or one int."""

    shape: tuple[int, ...]
    dtype: np.dtype[Any]

    def __getitem__(self, rows: Any) -> NDArray[Any]: ...


class Rows:
    """Some rows of an array, copied only when they are read; other rows cannot be accessed."""

    def __init__(self, values: NDArray[Any] | HasRows, rows: NDArray[np.int64]) -> None:
        self._values, self._rows = values, np.asarray(rows)
        self.shape: tuple[int, ...] = (len(self._rows), *values.shape[1:])
        self.dtype: np.dtype[Any] = values.dtype

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, rows: Any) -> NDArray[Any]:
        """The rows at these positions among these rows: an int array, a mask, a slice, or one int."""
        return np.array(self._values[self._rows[rows]]) if np.ndim(rows) == 0 else self._values[self._rows[rows]]

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        return np.asarray(self[:], dtype)


@dataclass(frozen=True)
class Samples:
    """Arrays for training; row i of all arrays belongs together.

    x: arrays (n, ...) by input name; y (n,) int class; subject (n,), clip (n,) str ids;
    view (n,) int distinguishes rows of one clip (frames, magnified copies). `notes` say how clips were prepared.
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


def one_row_each(
    clips: Sequence[tuple[Clip, int]], x: Mapping[str, NDArray[Any]], notes: tuple[str, ...] = ()
) -> Samples:
    """Samples with one row per clip, of (clip, class) pairs and arrays (clips, ...); view 0."""
    return Samples(
        x=x,
        y=np.array([label for _, label in clips], np.int64),
        subject=np.array([clip.subject_id for clip, _ in clips]),
        clip=np.array([clip.id for clip, _ in clips]),
        view=np.zeros(len(clips), np.int64),
        notes=notes,
    )


@dataclass(frozen=True)
class Fold:
    """Row indices into `Samples`; `name` says what is held out."""

    name: str
    train: NDArray[np.int64]
    test: NDArray[np.int64]


@dataclass(frozen=True)
class Experiment:
    """One line of a paper's results, as data: what is trained on, how it is split, what is selected.

    `held_out` gives, for a protocol that splits once, how many clips of a class the paper has and how many of them it
    holds out. Corpora `tested_on` are never used for training. Clips with fewer than `min_frames` frames are dropped
    and counted. Experiments `on_request` run only when they are named. `twin_of` is the variant whose leak-free twin
    this is. `network` is the name of the trained network, the same in all experiments of the paper; `settings` are the
    settings in which the experiment differs from its profile, by name. An experiment on `common_ground` also runs when
    several papers are compared. What is `linear` is a linear classifier, which is fitted without epochs. Maps of clips
    of several corpora are `collected_from` these. What is `pretrained` trains nothing: a fold uses the network that the
    authors publish for it (--weights), in every profile with all clips and folds. `control` is the way in which clips
    are changed to test what a score depends on, empty for unchanged clips. Settings with a `space`, values by setting,
    are chosen inside the training subjects of each fold; `tuned_of` is the variant that is otherwise the same.
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
    settings: Mapping[str, Any] = field(default_factory=dict)
    note: str = ""
    held_out: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    tested_on: tuple[str, ...] = ()
    min_frames: int = 0
    on_request: bool = False
    twin_of: str = ""
    common_ground: bool = False
    linear: bool = False
    collected_from: tuple[str, ...] = ()
    pretrained: bool = False
    control: str = ""
    space: Mapping[str, tuple[Any, ...]] = field(default_factory=dict)
    tuned_of: str = ""

    @property
    def id(self) -> str:
        """`name/variant`, as in `--experiment`; for a control `name/variant+control`."""
        return f"{self.name}/{self.variant}{self.control and '+' + self.control}"

    @property
    def scored(self) -> tuple[str, ...]:
        """The corpora whose clips are scored."""
        return self.collected_from or self.tested_on or self.corpora


Predictions = dict[str, NDArray[np.float32]]
"""The probabilities of the classes (classes,) by clip id."""
History = Mapping[str, Mapping[str, list[float]]]
"""One value per epoch by stage and metric; NaN for all metrics of an epoch that is not finite."""
Scaling = Mapping[str, tuple[float, float]]
"""By input: the factor and the offset applied to its uint8 values before the network."""


@dataclass(frozen=True)
class Trial:
    """Settings tried inside a fold's training subjects: UF1 and mean log loss of the predictions of all inner folds."""

    settings: Mapping[str, str | float]
    uf1: float
    log_loss: float


@dataclass(frozen=True)
class FoldResult:
    """The predictions of one fold, with the true classes and circumstances, as in the result store.

    clips (n,), truth (n,) int, probabilities (n, classes) float32; row i of all arrays belongs together. `measured`
    are counts and costs by name, such as parameters, milliseconds, MiB. `trials` are those of a search for settings,
    starting with the profile's own; `caveats`, `blocks` and `relabelled` (k, n) int are those of `Trained`.
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
    blocks: tuple[Block, ...] = ()
    relabelled: NDArray[np.int64] | None = None


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


Progress = Callable[[str, int, int], None]
"""Called as progress(what, done, total) by everything that takes longer than two seconds."""

Arrays = dict[str, NDArray[Any]]
