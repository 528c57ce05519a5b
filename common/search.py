"""Searches by keras-tuner that go on where they were stopped."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import keras_tuner

from common.files import write_json

History = dict[str, list[float]]


def grid(
    name: str,
    choices: Sequence[str],
    run: Callable[[str], History],
    score: Callable[[History], float],
    folder: Path,
) -> dict[str, History]:
    """Try every choice of one hyperparameter with keras-tuner's GridSearch; what `run` returned, by choice.

    `score` of a history is what keras-tuner maximises. Everything tried lies in `folder`: a search that was stopped
    goes on with the choices that are left.
    """
    space = keras_tuner.HyperParameters()
    space.Choice(name, list(choices))

    def once(choice: str) -> History:
        file = folder / f"{choice}.json"
        if not file.is_file():
            write_json(file, run(choice))
        found: History = json.loads(file.read_text(encoding="utf-8"))
        return found

    _Grid(name, lambda choice: score(once(choice)), space, len(choices), folder).search(verbose=0)
    return {choice: once(choice) for choice in choices}


class _Grid(keras_tuner.GridSearch):
    """keras-tuner's grid whose trials are run by a function of the one hyperparameter."""

    def __init__(
        self, name: str, trial: Callable[[str], float], space: keras_tuner.HyperParameters, trials: int, folder: Path
    ) -> None:
        self._name, self._trial = name, trial
        super().__init__(
            objective=keras_tuner.Objective("val_accuracy", "max"),
            max_trials=trials,
            hyperparameters=space,
            directory=str(folder),
            project_name="keras-tuner",
            overwrite=True,  # it cannot go on from a stopped grid itself (KeyError); the histories beside it can
        )

    def run_trial(self, trial: Any, *args: Any, **kwargs: Any) -> dict[str, float]:
        return {"val_accuracy": self._trial(trial.hyperparameters.get(self._name))}

    def on_trial_end(self, trial: Any) -> None:
        self.oracle.end_trial(trial)  # without the summary that keras-tuner prints
        self.save()
