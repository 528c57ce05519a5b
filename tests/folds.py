"""One fold of a recipe as the runner has it, without clips, cache or store."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from common.seeds import seed_of
from common.types import Arrays, Beyond, Experiment, Fold, Samples, Workbench


class Outcome(NamedTuple):
    clips: tuple[str, ...]
    probabilities: np.ndarray
    history: Any
    caveats: tuple[str, ...]


def run_fold(
    recipe: Any,
    networks: Any,
    experiment: Experiment,
    samples: Samples,
    fold: Fold,
    folder: Path,
    keep: Callable[[str, Callable[[], Arrays]], Arrays] = lambda name, make: make(),
) -> Outcome:
    test = samples.only(fold.test)
    beyond = None if experiment.leak_free else Beyond(test, samples, keep, 0)
    bench = Workbench(fold.name, seed_of(experiment.id, fold.name, 0), lambda *_: None, folder, beyond)
    trained = recipe.train(networks, experiment, samples.only(fold.train), bench)
    answers = trained.predict(test)
    return Outcome(tuple(answers), np.stack([*answers.values()]), trained.history, trained.caveats)
