"""Checks of what training left in a bundle: histories, validation curves, trials of a search, and copies."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from common.bundles.records import FAILED, NOTE, Bundle, BundleRun, Finding
from common.contract import Profile
from common.protocols.controls import METADATA
from common.scoring.histories import CURVE, STAGE, is_picked
from common.training.tuning import best
from common.types import Experiment, FoldResult

NOISE = 1e-4
"""The probabilities of two trainings differ by more than this for at least one clip."""
CERTAIN = 0.9
"""Of clips whose class is more probable than this, predictions may be this close by accident."""
LEAST_WRONG = 10
"""Two trainings do not give all clips the same class if this many are wrong, with other classes than the usual one."""


# ---------------------------------------------------------------- histories


def settings_of(run: BundleRun, fold: FoldResult) -> dict[str, Any]:
    """The settings of a fold by name: those of the run, and those that its search chose."""
    known = {name: value for record in run.settings.values() for name, value in record.items()}
    return known | (dict(best(fold.trials).settings) if fold.trials else {})


def histories(run: BundleRun, experiment: Experiment) -> Iterator[Finding]:
    """Folds with the same training history or the same predictions, and histories whose curves do not fit together.

    Linear classifiers and the control `metadata` train no network: they have no history. Nothing is random in them.
    """
    if _not_trained(experiment):
        for fold in run.folds:
            if fold.history:
                yield Finding(FAILED, "histories", f"{run.name}, {fold.fold}: a history without a network")
        return
    common = shared_stages(run.folds)
    seen: dict[str, str] = {}
    for fold in run.folds:
        where = f"{run.name}, {fold.fold}"
        own = {stage: metrics for stage, metrics in fold.history.items() if stage not in common}
        if not fold.history:
            yield Finding(FAILED, "histories", f"{where}: no training history")
        named = settings_of(run, fold).items()
        lengths = {value for name, value in named if name.endswith("epochs") and isinstance(value, int)}
        for stage, metrics in fold.history.items():
            epochs = len(next(iter(metrics.values()), ()))
            if lengths and epochs not in lengths:
                yield Finding(FAILED, "histories", f"{where}: {epochs} epochs of {stage}, which no setting gives")
            if not metrics or len({len(values) for values in metrics.values()}) != 1:
                yield Finding(FAILED, "histories", f"{where}: the curves of {stage} have different lengths, or none")
        if own and (other := seen.setdefault(_text(own), fold.fold)) != fold.fold:
            yield Finding(FAILED, "histories", f"{where}: the same training history as {other}")
    for first, second in _same_rows(run.folds):
        yield Finding(FAILED, "histories", f"{run.name}, {second}: the same predictions as {first}")


def shared_stages(folds: Sequence[FoldResult]) -> set[str]:
    """Stages whose curves are the same in all of several folds, because they are trained once for all of them.

    None if this is so for every stage: then the folds are copies.
    """
    first = folds[0].history
    shared = {stage for stage in first if all(_text(f.history.get(stage)) == _text(first[stage]) for f in folds[1:])}
    return shared if len(folds) > 1 and len(shared) < len(first) else set()


def curves(run: BundleRun, experiment: Experiment) -> Iterator[Finding]:
    """Accuracies on the held-out clips, epoch by epoch, that do not fit the predictions.

    Where a protocol lets training see the held-out clips, the network is scored on them after every epoch, and the
    stored predictions are those of the epoch that `selection` names: the best one (the first of several) or the last.
    All of these experiments have one row per clip, so that every accuracy is a fraction k/n of the clips of the fold.
    """
    if experiment.leak_free or _not_trained(experiment):
        return
    for fold in run.folds:
        where, n = f"{run.name}, {fold.fold}", len(fold.clips)
        for stage, metrics in fold.history.items():
            values = [value for value in metrics.get(CURVE, ()) if math.isfinite(value)]
            if odd := [value for value in values if abs(value * n - round(value * n)) > 1e-6 or not 0 <= value <= 1]:
                yield Finding(
                    FAILED, "histories", f"{where}: an accuracy of {odd[0]:.4f} in {stage} is no share of {n} clips"
                )
        if STAGE in fold.history:
            reached = _selected(fold.history[STAGE].get(CURVE, ()), experiment)
            right = float((fold.probabilities.argmax(axis=1) == fold.truth).mean())
            if not abs(reached - right) < 0.5 / n:
                text = f"accuracy {reached:.4f} in the history at the selected epoch, {right:.4f} of the predictions"
                yield Finding(FAILED, "histories", f"{where}: {text}")


def _selected(curve: Sequence[float], experiment: Experiment) -> float:
    """The value of a curve at the epoch whose predictions are stored; NaN if there is none."""
    if is_picked(experiment.selection):
        return max((value for value in curve if math.isfinite(value)), default=math.nan)
    return curve[-1] if curve else math.nan


def trials(run: BundleRun, experiment: Experiment, profile: Profile) -> Iterator[Finding]:
    """Trials of a search that the experiment does not have, or that its search would not make."""
    for fold in run.folds:
        where, space = f"{run.name}, {fold.fold}", experiment.space
        if fold.trials and not space:
            yield Finding(FAILED, "settings", f"{where}: trials of a search, which the experiment does not have")
        elif any(
            set(t.settings) != set(space) or any(t.settings[n] not in space[n] for n in space) for t in fold.trials
        ):
            yield Finding(FAILED, "settings", f"{where}: a trial of other settings than those of the search")
        elif len(fold.trials) > profile.trials or any(not 0 <= t.uf1 <= 1 or t.log_loss < 0 for t in fold.trials):
            yield Finding(
                FAILED, "settings", f"{where}: more trials than the profile has, or a score that none can have"
            )


# ---------------------------------------------------------------- copies


def informative(probabilities: NDArray[np.floating]) -> bool:
    """Whether predictions (n, classes) are so varied that another training does not give them by accident."""
    return len(probabilities) > 1 and bool(((probabilities > 0) & (probabilities < 1)).any())


def varied(probabilities: NDArray[np.floating]) -> bool:
    """The same for predictions to within `NOISE`: at least three rows are uncertain, and not all alike."""
    uncertain = probabilities[probabilities.max(axis=1, initial=0) < CERTAIN]
    return len(uncertain) > 2 and bool((np.ptp(uncertain, axis=0) > 100 * NOISE).any())


def likeness(first: NDArray[np.floating], second: NDArray[np.floating], truth: NDArray[np.integer]) -> str:
    """How predictions (n, classes) of the same clips, of classes `truth` (n,), are copies; empty if they may not be.

    Good networks give most clips the right class, and poor ones the most frequent class; agreement on other mistakes,
    in every clip, is no accident, whatever the probabilities are.
    """
    if np.array_equal(first, second) and informative(first):
        return "predict the same"
    if varied(first) and float(np.abs(first - second).max()) <= NOISE:
        return f"predict the same to within {NOISE:g}"
    answers = first.argmax(axis=1)
    wrong = int(((answers != truth) & (answers != np.bincount(answers).argmax())).sum())
    if wrong >= LEAST_WRONG and np.array_equal(answers, second.argmax(axis=1)):
        return f"give all {len(truth)} clips the same classes, {wrong} of them wrong and not the most frequent one"
    return ""


def _same_rows(folds: Sequence[FoldResult]) -> Iterator[tuple[str, str]]:
    """Pairs of folds of one run, the earlier first, with the same predictions for different clips."""
    by_size: dict[tuple[int, ...], list[FoldResult]] = {}
    for fold in folds:
        earlier = by_size.setdefault(fold.probabilities.shape, [])
        if earlier and informative(fold.probabilities):
            gaps = np.abs(np.stack([other.probabilities for other in earlier]) - fold.probabilities).max(axis=(1, 2))
            same = np.flatnonzero(gaps <= (NOISE if varied(fold.probabilities) else 0))
            if len(same):
                yield earlier[same[0]].fold, fold.fold
        earlier.append(fold)


def seeds(runs: Sequence[BundleRun], experiment: Experiment) -> Iterator[Finding]:
    """Seeds of an experiment, whose `runs` these are, with the same predictions or training histories."""
    if _not_trained(experiment):
        return
    for run, other, why in _alike(runs):
        yield Finding(FAILED, "seeds", f"{run.experiment}: seeds {other.seed} and {run.seed} {why}")
    known: dict[tuple[str, str], int] = {}
    for run in runs:
        of_fold = [(fold.fold, _text(fold.history)) for fold in run.folds if fold.history]
        if same := [known[key] for key in of_fold if key in known]:
            text = f"{run.experiment}: seeds {same[0]} and {run.seed} have the same history in {len(same)} folds"
            yield Finding(FAILED, "seeds", text)
        known |= dict.fromkeys(of_fold, run.seed)


def copies(bundle: Bundle) -> Iterator[Finding]:
    """Experiments with the same seed that predict the same for all clips, such as a control that is a copy.

    The control `metadata` predicts the same in all experiments with the same clips and folds.
    """
    for seed in bundle.seeds:
        for run, other, why in _alike([run for run in bundle.runs if run.seed == seed]):
            if not all(each.experiment.endswith(f"+{METADATA}") for each in (run, other)):
                kind = FAILED if [f.seconds for f in run.folds] == [f.seconds for f in other.folds] else NOTE
                yield Finding(kind, "histories", f"{run.name} and {other.experiment} {why}")


def _alike(runs: Sequence[BundleRun]) -> Iterator[tuple[BundleRun, BundleRun, str]]:
    """Each run with the first earlier one whose predictions it may have copied, and their `likeness`."""
    known: list[tuple[BundleRun, dict[tuple[str, int], tuple[NDArray[np.floating], int]]]] = []
    for run in runs:
        rows = _rows(run)
        for other, earlier in known:
            both = [key for key in rows if key in earlier]
            if not both or len(rows[both[0]][0]) != len(earlier[both[0]][0]):
                continue
            first, second = (np.stack([these[key][0] for key in both]) for these in (rows, earlier))
            if why := likeness(first, second, np.array([rows[key][1] for key in both])):
                yield run, other, why
                break
        known.append((run, rows))


def _rows(run: BundleRun) -> dict[tuple[str, int], tuple[NDArray[np.floating], int]]:
    """Probabilities and class by clip, and by how many folds before have tested it."""
    rows: dict[tuple[str, int], tuple[NDArray[np.floating], int]] = {}
    times: Counter[str] = Counter()
    for fold in run.folds:
        for clip, row, label in zip(fold.clips, fold.probabilities, fold.truth.tolist(), strict=True):
            rows[clip, times[clip]] = row, label
            times[clip] += 1
    return rows


def _not_trained(experiment: Experiment) -> bool:
    return experiment.linear or experiment.pretrained or experiment.control == METADATA


def _text(value: Any) -> str:
    return json.dumps(value, sort_keys=True)
