"""Settings that a paper tuned or left open, chosen inside the training subjects of every fold.

The choice never uses the held-out subject: choices are scored on inner folds, which hold out training subjects in turn,
and the fold is then trained on all its training rows with the best choice.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from common.contract import FoldRun, Networks, Profile, Recipe, Settings
from common.files import file_name
from common.json_schema import NUMBER, holding
from common.protocols.splits import inner
from common.scoring import metrics
from common.seeds import seed_of
from common.types import Experiment, Samples, Trial

Space = Mapping[str, tuple[Any, ...]]
_SCHEMA = holding({"uf1": NUMBER, "log_loss": NUMBER})
_LEAST = 1e-7
"""The smallest probability, so that its log is finite."""


def tuned(experiments: Sequence[Experiment], space: Callable[[Experiment], Space]) -> Iterator[Experiment]:
    """A copy of every leak-free experiment that searches its `space`, for default ones and those on common ground.

    Its variant is `tuned`, or `tuned-VARIANT` for variants other than `published`.
    """
    for e in experiments:
        if e.leak_free and (not e.on_request or e.common_ground) and not e.space:
            yield replace(
                e,
                variant="tuned" if e.variant == "published" else f"tuned-{e.variant}",
                title=f"{e.title}, tuned",
                selection=f"{e.selection}, settings chosen on inner folds",
                note="Settings are chosen by keras-tuner inside the training subjects of each fold.",
                on_request=True,
                twin_of="",
                common_ground=False,
                space=space(e),
                tuned_of=e.variant,
            )


def best(trials: Sequence[Trial]) -> Trial:
    """The trial with the highest UF1; ties go to the lowest log loss, then to the earliest."""
    return min(trials, key=lambda trial: (-trial.uf1, trial.log_loss))


def choose(
    build_networks: Callable[[Settings], Networks],
    recipe: Recipe,
    experiment: Experiment,
    settings: Settings,
    profile: Profile,
    samples: Samples,
    fold_run: FoldRun,
    seed: int,
) -> tuple[Settings, tuple[Trial, ...]]:
    """The settings to train a fold with, and all trials, of which the first is that of the experiment's `settings`.

    `samples` are the fold's training rows, `seed` is the user's. Trials are stored in the run's folder, so that an
    interrupted search resumes. With a single training subject none can be held out: the settings do not change, and
    there are no trials.
    """
    from common.training.search import search

    folds = inner(samples.subject, profile.inner_folds, fold_run.seed)
    if not folds:
        return settings, ()
    done = 0

    def run(choice: Mapping[str, Any]) -> dict[str, float]:
        nonlocal done
        fold_run.say("settings", done, profile.trials)
        done += 1
        chosen = settings.having(choice)
        networks = build_networks(chosen)
        truth: list[int] = []
        probabilities: list[NDArray[np.float32]] = []
        for number, (train, held_out) in enumerate(folds, start=1):
            name = f"{fold_run.fold}, inner fold {number}"
            small = replace(fold_run, fold=name, seed=seed_of(fold_run.seed, name), settings=chosen)
            test = samples.only(held_out)
            label = dict(zip(test.clip.tolist(), test.y.tolist(), strict=True))
            trained = recipe.train(networks, experiment, samples.only(train), small)
            answers = trained.predict(replace(test, y=np.zeros_like(test.y)))
            truth += [label[clip] for clip in answers]
            probabilities += answers.values()
        return _scored(np.array(truth), np.stack(probabilities), experiment.labels.classes)

    tried = search(
        experiment.space,
        run,
        lambda record: float(record["uf1"]),
        fold_run.folder / "search" / file_name(fold_run.fold),
        schema=_SCHEMA,
        trials=profile.trials,
        seed=seed_of(experiment.id, "search", seed),  # the same choices in all folds
        first={name: settings.values()[name] for name in experiment.space},
    )
    trials = tuple(Trial(dict(choice), record["uf1"], record["log_loss"]) for choice, record in tried)
    return settings.having(best(trials).settings), trials


def _scored(
    truth: NDArray[np.integer], probabilities: NDArray[np.float32], classes: tuple[str, ...]
) -> dict[str, float]:
    if not np.isfinite(probabilities).all():  # training diverges with these settings: useless, but not an error
        return {"uf1": 0.0, "log_loss": -math.log(_LEAST)}
    matrix = metrics.confusion(truth, probabilities.argmax(axis=1), len(classes))
    sure = np.clip(probabilities[np.arange(len(truth)), truth], _LEAST, 1)
    return {"uf1": float(metrics.uf1(matrix)), "log_loss": float(-np.log(sure).mean())}
