"""Searches by keras-tuner that go on where they were stopped."""

from __future__ import annotations

import logging
import math
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import keras_tuner

from common.files import write_json
from common.json_schema import Schema, read_json

log = logging.getLogger("mer")

Choice = Mapping[str, Any]
"""A value, a text or a number, for every setting that is searched."""
Record = dict[str, Any]
"""What came of a choice, as JSON holds it."""


def search(
    space: Mapping[str, tuple[Any, ...]],
    run: Callable[[Choice], Record],
    score: Callable[[Record], float],
    folder: Path,
    *,
    schema: Schema,
    trials: int,
    seed: int,
    first: Choice | None = None,
) -> list[tuple[Choice, Record]]:
    """Try choices from `space`, values by setting; every choice tried with what `run` returned, in order.

    All of the space where it holds no more than `trials` choices (keras-tuner's grid), else so many, drawn at random.
    `first` is tried before all others, and counts. keras-tuner maximises `score`.

    Every record lies in `folder` as soon as it is there: a search that was stopped tries what is left. A file that does
    not fit the `schema` of a record is named in the log, and its choice is tried again. What `run` raises ends the
    search.
    """
    tried: dict[str, tuple[Choice, Record]] = {}

    def once(choice: Choice) -> float:
        name = described(choice)
        if name not in tried:
            file = folder / f"{name}.json"
            record = _stored(file, schema)
            if record is None:
                record = run(choice)
                write_json(file, record)
            tried[name] = choice, record
        return score(tried[name][1])

    if first is not None:
        once(first)
    parameters = keras_tuner.HyperParameters()
    for name, values in space.items():
        parameters.Choice(name, list(values))
    wanted = {"objective": keras_tuner.Objective("score", "max"), "hyperparameters": parameters}
    if math.prod(map(len, space.values())) <= trials:
        oracle = keras_tuner.oracles.GridSearchOracle(**wanted)
    else:
        oracle = keras_tuner.oracles.RandomSearchOracle(**wanted, max_trials=trials - (first is not None), seed=seed)
    with tempfile.TemporaryDirectory() as own:  # what keras-tuner writes there is never read again
        try:
            _Tuner(oracle, once, own).search(verbose=0)
        except keras_tuner.errors.FatalError as error:
            raise error.__cause__ or error from None
    return list(tried.values())


def described(choice: Choice) -> str:
    """A choice in words, which is also its file's name: `dropout=0.5, kernel=3x3x15`."""
    return ", ".join(f"{name}={value}" for name, value in sorted(choice.items()))


def _stored(file: Path, schema: Schema) -> Record | None:
    try:
        record: Record = read_json(file, schema)
    except FileNotFoundError:
        return None
    except (OSError, ValueError, RecursionError) as error:
        log.warning("trial %s cannot be read (%s); it runs again", file, error)
        return None
    return record


class _Tuner(keras_tuner.Tuner):
    """keras-tuner's loop over trials that a function runs."""

    def __init__(self, oracle: Any, trial: Callable[[Choice], float], folder: str) -> None:
        self._trial = trial
        super().__init__(
            oracle,
            directory=folder,
            project_name="keras-tuner",
            overwrite=True,  # it cannot go on from a stopped grid itself (KeyError); the records beside it can
        )

    def run_trial(self, trial: Any, *args: Any, **kwargs: Any) -> dict[str, float]:
        try:
            return {"score": self._trial(trial.hyperparameters.values)}
        except Exception as error:  # keras-tuner goes on after any other error, as if the choice had not been there
            raise keras_tuner.errors.FatalError from error

    def on_trial_end(self, trial: Any) -> None:
        self.oracle.end_trial(trial)  # without the summary that keras-tuner prints
        self.save()
