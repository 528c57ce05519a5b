"""What a paper's folder offers to the runner."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from common.faces import FaceFinder
from common.types import Answers, Arrays, Clip, ClipFrames, Experiment, Figure, Look, Samples, Trained, Workbench


class Preprocess(Protocol):
    """A paper's preprocess.py."""

    def parameters(self, experiment: Experiment, settings: Any) -> Mapping[str, Any]:
        """What decides the arrays that `prepare` returns."""

    def prepare(self, clip: ClipFrames, experiment: Experiment, settings: Any, faces: FaceFinder) -> Arrays:
        """A clip's arrays, from its pictures and times alone; raises ClipError where its files or its face fail."""

    def assemble(
        self, clips: Sequence[tuple[Clip, int]], arrays: Sequence[Arrays], experiment: Experiment, settings: Any
    ) -> Samples:
        """Samples of many clips, with the inputs that the experiment's networks read."""


class Networks(Protocol):
    """A paper's compiled networks, which all folds share; each is trained from the same initial state."""

    def facts(self) -> Mapping[str, int]:
        """What was counted on the models as built."""

    def flops(self, rows_per_clip: float) -> float:
        """Floating point operations of one clip forward, of so many rows of samples in the mean."""


class Recipe(Protocol):
    """A paper's recipe.py."""

    def Networks(self, experiment: Experiment, settings: Any, seed: int) -> Networks:
        """Build and compile once for all folds."""

    def train(self, networks: Any, experiment: Experiment, samples: Samples, bench: Workbench) -> Trained:
        """Train on one fold, whose training rows are `samples`."""

    def answers(self, models: Mapping[str, Any], samples: Samples, experiment: Experiment, settings: Any) -> Answers:
        """What trained networks answer for clips, be they those of `train` or read from files."""


class Figures(Protocol):
    """A paper's figures.py."""

    def draw(self, clips: Sequence[tuple[Clip, int]], settings: Any, faces: FaceFinder, folder: Path) -> list[Figure]:
        """Draw what goes into the networks into `folder`."""

    def results(self, experiment: Experiment, folder: Path) -> list[Figure]:
        """Draw what was learnt into `folder`/figures, from what the recipe left in `folder`, which is the run's."""

    def looks(self, samples: Samples, experiment: Experiment, settings: Any) -> Mapping[str, Look]:
        """How each input of the samples of one clip looks, as far as the networks read it."""


@dataclass(frozen=True)
class Parts:
    """The modules of a paper's folder that need Keras or OpenCV; `recipe` is loaded only when a fold is pending.

    `needs` says what the networks of an experiment depend on: experiments that need the same share them.
    """

    preprocess: Preprocess
    figures: Figures
    recipe: Callable[[], Recipe]
    needs: Callable[[Experiment, Any], Hashable]
