"""The interface between a paper's folder and the runner."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from common.types import Arrays, Clip, ClipFrames, Experiment, History, Predictions, Samples, Scaling

if TYPE_CHECKING:
    from common.audit.finding import Finding
    from common.vision.faces import FaceFinder

TrainingTargets = Callable[[Samples], Mapping[str, tuple[Mapping[str, Any], Mapping[str, Any]]]]
"""By model, its inputs and targets for these rows, by name, each (n, ...)."""


@dataclass(frozen=True)
class Trained:
    """The result of training on one fold: a function from held-out samples to predictions, and the history.

    `models` are the trained Keras models by name, as the recipe's `answers` takes them; they change when the next fold
    is trained. Their uint8 inputs are scaled by `scaling`, or to 0-1 if it does not name them. `caveats` say why their
    score must not be compared with a printed one, for example because the initial weights were not available.

    `training_targets` gives the inputs and targets of the models if these are not the arrays themselves, with classes
    one-hot; it leaves out a model that does not have the weights of this fold, and has no targets for a model that is
    trained as part of another.

    `relabelled` trains again, exactly as before, on other classes of the training rows (k, n) int, and returns the
    classes that these k trainings predict for the rows of held-out samples, (k, rows) int. Only where that is cheap.
    """

    predict: Callable[[Samples], Predictions]
    history: History
    models: Mapping[str, Any] = field(default_factory=dict)
    scaling: Scaling = field(default_factory=dict)
    caveats: tuple[str, ...] = ()
    training_targets: TrainingTargets | None = None
    relabelled: Callable[[Samples, NDArray[np.int64]], NDArray[np.int64]] | None = None


@dataclass(frozen=True)
class Settings:
    """A paper's settings in three records of its own, frozen dataclasses.

    `inputs` is all that `prepare` receives in addition to a clip, so its fields are the key of the cached arrays.
    `network` is all that determines the network, in addition to the shapes of the inputs and the number of classes.
    `training` is the rest. Raises ValueError if two records have a field of the same name.
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
    """An input of one clip's samples as images.

    `axes` are the axes of height and width in its array, whose first axis is rows; `pictures` are RGB uint8 (n, height,
    width, 3), with a caption each.
    """

    axes: tuple[int, int]
    pictures: NDArray[np.uint8]
    captions: tuple[str, ...]


@dataclass(frozen=True)
class Claim:
    """A number that the paper prints for its own system; `corpus` is the name of a corpus or a composite.

    `printed` has its digits, in percent if `unit` is "%"; `not_comparable` says why it cannot be compared.
    If `repeated`, an earlier claim is compared with another experiment too.
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
    not_comparable: str = ""
    repeated: bool = False

    @property
    def value(self) -> float:
        """The printed number; a percentage as a fraction."""
        return float(self.printed) / (100 if self.unit == "%" else 1)


Checks = Callable[[Mapping[str, Any], Sequence[Claim]], Iterable["Finding"]]
"""`audit` in a paper's audit.py: returns the findings of its own checks from its facts and claims."""


@dataclass(frozen=True)
class CitedRow:
    """A row quoted from others: `values[corpus][metric]`; `predictions` is its key in `scoring.public`, if any."""

    method: str
    values: Mapping[str, Mapping[str, float]]
    source: str
    predictions: str = ""


@dataclass(frozen=True)
class Departure:
    """A point on which the paper is silent or contradicts itself, or is not followed."""

    number: int
    topic: str
    paper_says: str
    we_do: str
    why: str


@dataclass(frozen=True)
class Reference:
    """The bibliography entry of a paper, without its title, year and address.

    `kind` is a BibTeX type; `authors` are full names as printed; `details` further verified fields by BibTeX name.
    """

    kind: str
    authors: tuple[str, ...]
    details: Mapping[str, str]


@dataclass(frozen=True)
class Paper:
    """A paper's identity and its experiments; light to import (no Keras, no OpenCV).

    `checks` are checks of its own printed numbers. `ground` names the ground that it is restricted to, if it is.
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
    ground: str = ""


@dataclass(frozen=True)
class Figure:
    """A figure specific to the paper, drawn by its `figures.py` as an SVG file, as large as it stands on the page."""

    title: str
    caption: str
    path: Path


SharedArrays = Callable[[str, Callable[[], Arrays]], Arrays]
"""Called as share(name, make): arrays that all folds of a run share, computed once and stored."""


@dataclass(frozen=True)
class HeldOutAccess:
    """What a published protocol lets training use in addition to its own rows.

    `held_out` are the test rows of the fold, `everything` the rows of all folds; `share` stores what all folds share.
    `seed` is the user's.
    """

    held_out: Samples
    everything: Samples
    share: SharedArrays
    seed: int


class Say(Protocol):
    """Shows progress: called as say(what, done, total, detail); the detail, such as the loss, is shown next to it."""

    def __call__(self, what: str, done: int, total: int, detail: str = "", /) -> None: ...


@dataclass(frozen=True)
class FoldRun:
    """What a recipe may use in addition to its training rows.

    The fold's name and seed, the settings to train with, a progress bar (`say`), and the run's own folder. In a
    leak-free experiment `held_out_access` is None.
    """

    fold: str
    seed: int
    settings: Settings
    say: Say
    folder: Path
    held_out_access: HeldOutAccess | None

    def epochs(self, stage: str = "") -> Callable[[int, int, float], None]:
        """A function that shows the epochs of a stage of training; called with (epochs done, epochs in all, loss)."""
        return lambda done, total, loss: self.say(f"{stage} epochs".strip(), done, total, f"loss {loss:.3g}")


Shapes = Mapping[str, tuple[int, ...]]
"""The shape of one row by input."""


class Preprocess(Protocol):
    """A paper's preprocess.py."""

    def prepare(self, clip: ClipFrames, inputs: Any, faces: FaceFinder) -> Arrays:
        """A clip's arrays, computed only from its images and times; ClipError if its files or face are unusable."""

    def shapes(self, settings: Settings) -> Shapes:
        """The shapes of the inputs that `assemble` returns."""

    def assemble(self, clips: Sequence[tuple[Clip, int]], arrays: Sequence[Arrays], settings: Settings) -> Samples:
        """The samples of several clips, with the inputs of the networks."""


class Networks(Protocol):
    """A paper's compiled networks, which all folds share; each is trained from the same initial state."""

    def facts(self) -> Mapping[str, int]:
        """Counts on the models as built."""

    def flops(self, rows_per_clip: float) -> float:
        """Floating point operations of one clip forward, with the mean number of rows per clip.

        An error, such as that of `training.flops.forward` for an unknown layer, leaves the operations uncounted.
        """


class Recipe(Protocol):
    """A paper's recipe.py."""

    def build_networks(
        self, network: Any, training: Any, shapes: Shapes, classes: tuple[str, ...], seed: int
    ) -> Networks:
        """Build and compile the networks, once for all experiments with the same arguments."""

    def train(self, networks: Any, experiment: Experiment, samples: Samples, fold_run: FoldRun) -> Trained:
        """Train on one fold, whose training rows are `samples`."""

    def answers(self, models: Mapping[str, Any], samples: Samples, settings: Settings) -> Predictions:
        """The predictions of trained networks for clips, whether they come from `train` or from files."""


class Figures(Protocol):
    """A paper's figures.py."""

    def draw(
        self, clips: Sequence[tuple[Clip, int]], settings: Settings, faces: FaceFinder, folder: Path
    ) -> list[Figure]:
        """Draw the inputs of the networks into `folder`."""

    def results(self, experiment: Experiment, folder: Path) -> list[Figure]:
        """Draw what was learnt into `folder`/figures, from the recipe's files in `folder`, the folder of the run."""

    def input_views(self, samples: Samples, settings: Settings) -> Mapping[str, InputView]:
        """The inputs of one clip's samples as images, as far as the networks use them."""


@dataclass(frozen=True)
class Parts:
    """The modules of a paper's folder that need Keras or OpenCV; `recipe` is loaded only when a fold is pending."""

    preprocess: Preprocess
    figures: Figures
    recipe: Callable[[], Recipe]

    def network_key(self, experiment: Experiment, settings: Settings) -> Hashable:
        """What the compiled networks of an experiment depend on besides the seed: equal keys mean equal networks."""
        shapes = tuple(self.preprocess.shapes(settings).items())
        return settings.network, settings.training, shapes, experiment.labels.classes


@dataclass(frozen=True)
class Profile:
    """How a run is shortened. `subjects` and `clips` limit the corpora; None means no limit.

    A protocol of more than `most_folds` folds makes `most_folds` larger ones, in which groups of subjects or larger
    parts of the clips are held out. Of the folds of each experiment `folds` are run, spread from the first to the last.
    If settings are searched, at most `trials` are tried, each on `inner_folds` folds of the training subjects.
    `options` are the command-line options that changed the profile, as (name, value). `motion` is how far faces of
    stand-ins move: 1 is as far as in micro-expressions, 0 not at all. `controls` run by default with each experiment;
    without `all_controls`, only with the first leak-free one of each network. If several papers run,
    `common_ground_only` leaves out what is not on common ground and not named. With `diagnose`, networks that do not
    learn are diagnosed, which takes seconds per fold. The second fold of each network is trained again in a process of
    its own, to check that folds pass nothing on; with `brief_check` of one network only, for one epoch.

    Where it is cheap, every fold is trained again on `relabellings` relabelled copies of the clips, with which scores
    are tested against guessing: 399 give a p below 0.05 after Holm's correction for the 15 scores of an experiment and
    its controls.
    """

    name: str
    settings: Settings
    subjects: int | None = None
    clips: int | None = None
    most_folds: int | None = None
    folds: int | None = None
    trials: int = 12
    inner_folds: int = 3
    options: tuple[tuple[str, str], ...] = ()
    motion: float = 1.0
    controls: tuple[str, ...] = ()
    all_controls: bool = True
    common_ground_only: bool = False
    diagnose: bool = True
    brief_check: bool = False
    relabellings: int = 399

    @property
    def deciding(self) -> tuple[tuple[str, str], ...]:
        """The options that affect the predictions of a fold."""
        return tuple(pair for pair in self.options if pair[0] != "--folds")

    @property
    def changed(self) -> str:
        """The options that make a run differ from the paper, as typed; empty if there are none."""
        kept = [pair for pair in self.deciding if pair[0] not in ("--weights", "--precision", "--as")]
        return " ".join(word for pair in kept for word in pair)
