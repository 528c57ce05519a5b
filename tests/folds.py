"""One fold of a recipe as the runner has it, without clips, cache or store."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from common.contract import FoldRun, HeldOutAccess, Settings
from common.seeds import seed_of
from common.types import Arrays, Experiment, Fold, Samples


class Outcome(NamedTuple):
    clips: tuple[str, ...]
    probabilities: np.ndarray
    history: Any
    caveats: tuple[str, ...]


def run_fold(
    recipe: Any,
    networks: Any,
    experiment: Experiment,
    settings: Settings,
    samples: Samples,
    fold: Fold,
    folder: Path,
    share: Callable[[str, Callable[[], Arrays]], Arrays] = lambda name, make: make(),
) -> Outcome:
    test = samples.only(fold.test)
    held_out_access = None if experiment.leak_free else HeldOutAccess(test, samples, share, 0)
    fold_run = FoldRun(
        fold.name, seed_of(experiment.id, fold.name, 0), settings, lambda *_: None, folder, held_out_access
    )
    trained = recipe.train(networks, experiment, samples.only(fold.train), fold_run)
    answers = trained.predict(test)
    return Outcome(tuple(answers), np.stack([*answers.values()]), trained.history, trained.caveats)
