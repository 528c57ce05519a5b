"""Searches by keras-tuner that can be interrupted and resumed."""

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
"""A value, text or number, for every searched setting."""
Record = dict[str, Any]
"""The result of a choice, as JSON."""


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
    """Try choices from `space`, values by setting; returns every choice with the result of `run`, in order.

    The whole space is tried if it has at most `trials` choices (keras-tuner's grid), else `trials` random choices.
    `first` is tried before all others, and counts. keras-tuner maximises `score`.

    Every record is written to `folder` immediately, so that an interrupted search resumes. A file that does not match
    the `schema` of a record is logged, and its choice is tried again. An exception of `run` ends the search.
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
    """A choice as text, also used as its file name: `dropout=0.5, kernel=3x3x15`."""
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
    """keras-tuner's loop, with trials run by a function."""

    def __init__(self, oracle: Any, trial: Callable[[Choice], float], folder: str) -> None:
        self._trial = trial
        super().__init__(
            oracle,
            directory=folder,
            project_name="keras-tuner",
            overwrite=True,  # it cannot resume a stopped grid itself (KeyError); the records can
        )

    def run_trial(self, trial: Any, *args: Any, **kwargs: Any) -> dict[str, float]:
        try:
            return {"score": self._trial(trial.hyperparameters.values)}
        except Exception as error:  # keras-tuner ignores any other error and continues
            raise keras_tuner.errors.FatalError from error

    def on_trial_end(self, trial: Any) -> None:
        self.oracle.end_trial(trial)  # without the summary that keras-tuner prints
        self.save()
