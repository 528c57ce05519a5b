"""What a paper's folder offers to the runner."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from common.types import Arrays, Clip, ClipFrames, Experiment, History, Predictions, Progress, Samples, Scaling

if TYPE_CHECKING:
    from common.audit.finding import Finding
    from common.vision.faces import FaceFinder

TrainingTargets = Callable[[Samples], Mapping[str, tuple[Mapping[str, Any], Mapping[str, Any]]]]
"""By model what it is given and what is asked of it for these rows: inputs and targets by name, each (n, ...)."""


@dataclass(frozen=True)
class Trained:
    """What training on one fold leaves: a function from held-out samples to answers, and the history.

    `models` are the trained Keras models by name, as the recipe's `answers` takes them; they change when the next fold
    is trained. What they read is `scaling` of uint8 arrays, and where it names none these in 0-1. `caveats` say why
    their score must not be held against a printed one, such as initial weights that could not be had.

    `training_targets` says what the models learn from where that is not the arrays themselves, with classes one-hot; it
    leaves out a model that does not hold the weights of this fold, and has no targets for one that learns as part of
    another.
    """

    predict: Callable[[Samples], Predictions]
    history: History
    models: Mapping[str, Any] = field(default_factory=dict)
    scaling: Scaling = field(default_factory=dict)
    caveats: tuple[str, ...] = ()
    training_targets: TrainingTargets | None = None


@dataclass(frozen=True)
class Settings:
    """A paper's settings in three records of its own, frozen dataclasses.

    `inputs` is all that `prepare` sees beside a clip, so that its fields are the key of the cached arrays. `network` is
    all that decides what is built, beside the shapes of the inputs and the number of classes. `training` is the rest.
    No two records have a field of the same name. Raises ValueError where they do.
    """

    inputs: Any
    network: Any
    training: Any

    def __post_init__(self) -> None:
        names = [field.name for record in self._records() for field in fields(record)]
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise ValueError(f"two records of settings have {', '.join(twice)}")

    def values(self) -> dict[str, Any]:
        """All settings by name."""
        return {field.name: getattr(record, field.name) for record in self._records() for field in fields(record)}

    def having(self, changes: Mapping[str, Any]) -> Settings:
        """The settings with other values, by name. Raises ValueError for a name that no record has."""
        if unknown := sorted(set(changes) - set(self.values())):
            raise ValueError(f"no setting is called {', '.join(unknown)}; known: {', '.join(self.values())}")
        records = (
            replace(record, **{name: changes[name] for name in changes if hasattr(record, name)})
            for record in self._records()
        )
        return Settings(*records)

    def _records(self) -> tuple[Any, Any, Any]:
        return self.inputs, self.network, self.training


@dataclass(frozen=True)
class InputView:
    """How an input of one clip's samples looks.

    `axes` are those of height and width in its array, whose first is rows; `pictures` RGB uint8 (n, height, width, 3)
    with a caption each.
    """

    axes: tuple[int, int]
    pictures: NDArray[np.uint8]
    captions: tuple[str, ...]


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


Checks = Callable[[Mapping[str, Any], Sequence[Claim]], Iterable["Finding"]]
"""`audit` of a paper's audit.py: from the facts and claims of the paper what its own checks find."""


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
    """A paper's identity and its experiments; light to import (no Keras, no OpenCV).

    `checks` are those of its printed numbers that no other paper needs.
    """

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
    checks: Checks | None = None


@dataclass(frozen=True)
class Figure:
    """A picture of the paper's own kind, drawn by the paper's `figures.py` as a PNG file."""

    title: str
    caption: str
    path: Path


SharedArrays = Callable[[str, Callable[[], Arrays]], Arrays]
"""Called as share(name, make): arrays that all folds of a run share, made once and stored."""


@dataclass(frozen=True)
class HeldOutAccess:
    """What a published protocol lets training see beside its own rows.

    `held_out` are the rows of the fold that are tested, `everything` those of all folds; `share` stores what all folds
    share. `seed` is the user's.
    """

    held_out: Samples
    everything: Samples
    share: SharedArrays
    seed: int


@dataclass(frozen=True)
class FoldRun:
    """What a recipe may use beside its training rows.

    The fold's name and seed, the settings to train with, a progress bar (`say`), and the run's own folder. In a
    leak-free experiment `held_out_access` is None.
    """

    fold: str
    seed: int
    settings: Settings
    say: Progress
    folder: Path
    held_out_access: HeldOutAccess | None


Shapes = Mapping[str, tuple[int, ...]]
"""By input the shape of one row."""


class Preprocess(Protocol):
    """A paper's preprocess.py."""

    def prepare(self, clip: ClipFrames, inputs: Any, faces: FaceFinder) -> Arrays:
        """A clip's arrays, from its pictures and times alone; raises ClipError where its files or its face fail."""

    def shapes(self, settings: Settings) -> Shapes:
        """The shapes of the inputs that `assemble` makes."""

    def assemble(self, clips: Sequence[tuple[Clip, int]], arrays: Sequence[Arrays], settings: Settings) -> Samples:
        """Samples of many clips, with the inputs that the networks read."""


class Networks(Protocol):
    """A paper's compiled networks, which all folds share; each is trained from the same initial state."""

    def facts(self) -> Mapping[str, int]:
        """What was counted on the models as built."""

    def flops(self, rows_per_clip: float) -> float:
        """Floating point operations of one clip forward, of so many rows of samples in the mean."""


class Recipe(Protocol):
    """A paper's recipe.py."""

    def build_networks(
        self, network: Any, training: Any, shapes: Shapes, classes: tuple[str, ...], seed: int
    ) -> Networks:
        """Build and compile once for all folds of all experiments in which these are the same."""

    def train(self, networks: Any, experiment: Experiment, samples: Samples, fold_run: FoldRun) -> Trained:
        """Train on one fold, whose training rows are `samples`."""

    def answers(self, models: Mapping[str, Any], samples: Samples, settings: Settings) -> Predictions:
        """What trained networks answer for clips, be they those of `train` or read from files."""


class Figures(Protocol):
    """A paper's figures.py."""

    def draw(
        self, clips: Sequence[tuple[Clip, int]], settings: Settings, faces: FaceFinder, folder: Path
    ) -> list[Figure]:
        """Draw what goes into the networks into `folder`."""

    def results(self, experiment: Experiment, folder: Path) -> list[Figure]:
        """Draw what was learnt into `folder`/figures, from what the recipe left in `folder`, which is the run's."""

    def input_views(self, samples: Samples, settings: Settings) -> Mapping[str, InputView]:
        """How each input of the samples of one clip looks, as far as the networks read it."""


@dataclass(frozen=True)
class Parts:
    """The modules of a paper's folder that need Keras or OpenCV; `recipe` is loaded only when a fold is pending."""

    preprocess: Preprocess
    figures: Figures
    recipe: Callable[[], Recipe]

    def network_key(self, experiment: Experiment, settings: Settings) -> Hashable:
        """What the compiled networks of an experiment depend on beside the seed: those with equal keys are the same."""
        shapes = tuple(self.preprocess.shapes(settings).items())
        return settings.network, settings.training, shapes, experiment.labels.classes


@dataclass(frozen=True)
class Profile:
    """What a run is shortened to. `subjects` and `clips` bound the corpora, None where nothing is cut.

    Of each experiment `folds` folds are run, from the first to the last; those in between stay undone. Where settings
    are searched, as many `trials` at most are made, each on `inner_folds` folds of the training subjects. `options` are
    those of the command line that changed the profile, as (name, value). `motion` is how far faces of stand-ins move: 1
    is as far as in micro-expressions, 0 not at all. `controls` are those that run with each experiment that nobody
    names. Of experiments on common ground `common_ground_folds` folds are run where that is not None. Where several
    papers run side by side, `common_ground_only` leaves out what is not on common ground unless it is named. Where
    networks that do not learn are to be diagnosed (`diagnose`), a fold takes seconds longer, and with
    `check_repeatable` the first of each network is trained twice, to see that folds leave nothing to each other.
    """

    name: str
    settings: Settings
    subjects: int | None = None
    clips: int | None = None
    folds: int | None = None
    trials: int = 12
    inner_folds: int = 3
    options: tuple[tuple[str, str], ...] = ()
    motion: float = 1.0
    controls: tuple[str, ...] = ()
    common_ground_folds: int | None = None
    common_ground_only: bool = False
    diagnose: bool = True
    check_repeatable: bool = True

    @property
    def deciding(self) -> tuple[tuple[str, str], ...]:
        """The options that decide what a fold answers."""
        return tuple(pair for pair in self.options if pair[0] != "--folds")

    @property
    def changed(self) -> str:
        """The options that have a run do other than the paper, as typed; empty where there are none."""
        kept = [pair for pair in self.deciding if pair[0] not in ("--weights", "--precision")]
        return " ".join(word for pair in kept for word in pair)
