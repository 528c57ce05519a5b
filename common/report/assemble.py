"""Build a `Report` from what is stored: nothing is trained."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import fmean

import numpy as np

from common.audit import audit
from common.audit.documented import documented
from common.contract import Figure, Paper
from common.environment import environment
from common.errors import UserError
from common.files import natural
from common.profiles import shortened
from common.report import learning
from common.report.records import ClipPredictions, Curve, Report, Spread, SubjectRow, Tried
from common.runs.manifest import same_options
from common.runs.results import Finished, Results
from common.scoring import histories, verdicts
from common.training.tuning import best
from common.types import Exclusion, Experiment, FoldResult, Trial


def assemble(results: Results, folder: Path | None = None) -> Report:
    """Return the report of a paper from what is stored of it; without results all dashes.

    All numbers are those of the first seed; `spread` has the scores of the others, whose variance is part of the
    intervals. Raises UserError where `folder` (the user's corpora) is another than the stored results were made from.
    """
    paper, profile, plan = results.paper, results.profile, results.plan()
    if folder and plan and plan["data"] != str(folder.absolute()):
        raise UserError(
            f"the results in {results.out} were made from {plan['data']}; run {folder} without --report-only first"
        )
    if plan and not same_options(plan, profile):
        made, asked = (
            " ".join(word for pair in options for word in pair) or "none"
            for options in (plan["options"], profile.deciding)
        )
        raise UserError(
            f"the results in {results.out} were made with other options ({made}; now {asked}): give the same ones, or "
            "run first without --report-only"
        )
    ran = [(experiment, results.of(experiment)) for experiment in paper.experiments]
    folds = {experiment.id: stored.results for experiment, stored in ran}
    drawn = {
        row["title"]: Figure(row["title"], row["caption"], stored.run.path / "figures" / row["path"])
        for _, stored in reversed(ran)
        for row in stored.about.get("figures", [])
    }
    titles = dict.fromkeys(row["title"] for _, stored in ran for row in stored.about.get("figures", []))
    faults = [row for _, stored in ran for row in stored.about.get("exclusions", [])]
    exclusions = [*plan.get("exclusions", []), *(Exclusion(f["clip"], f["reason"], f["fault"]) for f in faults)]
    notes: list[str] = []
    facts: dict[str, int] = {}
    for experiment, stored in ran:
        facts |= parameters(stored.results)
        notes += [
            *stored.run.notes(),
            *_unsearched(experiment, stored.results),
            *_diverged(experiment, stored.results),
            *(f"{experiment.id}, {fold}: failed, {why}" for fold, why in results.failures(experiment).items()),
        ]
    environments = [result.environment for _, stored in ran for result in stored.results]
    return Report(
        paper=paper,
        profile=profile.name,
        data=results.data,
        seed=results.seeds[0],
        shortened=tuple(plan.get("shortened", shortened(paper, profile))),
        corpora=tuple(plan.get("corpora", [])),
        comparisons=results.table,
        confusions=tuple(c for e, stored in ran for c in verdicts.confusion_tables(e, stored.results)),
        subjects=tuple(row for e, stored in ran for row in _subjects(e, stored.results)),
        curves=tuple(curve for e, stored in ran for curve in _curves(e, stored.results)),
        figures=tuple(drawn[title] for title in titles if drawn[title].path.is_file()),
        exclusions=tuple(dict.fromkeys(exclusions)),
        corrections=tuple(plan.get("corrections", [])),
        audit=audit(paper.facts, paper.claims, documented(), facts, paper.checks),
        environment=merge(environments) or environment(),
        cost=_cost(paper, ran) | {name: float(value) for name, value in facts.items()},
        command=shlex.join(results.command),
        notes=tuple(dict.fromkeys(notes)),
        controls=results.controls,
        tests=verdicts.between_variants(paper, folds),
        seeds=results.seeds,
        spread=_spread(results),
        motion=profile.motion,
        tried=tuple(row for e, stored in ran for row in _tried(e, stored.results)),
        learning=learning.of_paper(paper, folds, results.table),
        unavailable=plan.get("unavailable", {}),
        predictions=tuple(_predictions(e, stored.results) for e, stored in ran if stored.results),
    )


def _spread(results: Results) -> tuple[Spread, ...]:
    """The scores of all seeds, for everything that has a score with any of them; empty for a single seed."""
    if len(results.seeds) < 2:
        return ()
    by_seed = [
        {(c.experiment, c.variant, c.corpus, c.metric): c.score for c in part}
        for part in (results.table, *map(results.of_seed, results.seeds[1:]))
    ]
    spreads = []
    for key, first in by_seed[0].items():
        values = tuple(
            score.value if (score := scores.get(key)) and first and score.n_folds_done == first.n_folds_done else None
            for scores in by_seed  # of fewer folds it would not be the same score
        )
        if any(value is not None for value in values):
            spreads.append(Spread(*key, values))
    return tuple(spreads)


def _subjects(experiment: Experiment, results: Sequence[FoldResult]) -> list[SubjectRow]:
    """One row per held-out subject; if a fold holds out several, their clips divide its seconds."""
    totals: dict[str, tuple[int, int, float]] = {}
    for result in results:
        right = result.probabilities.argmax(axis=1) == result.truth
        people = np.array([clip.rpartition("/")[0] for clip in result.clips])
        for person in sorted(set(people.tolist()), key=natural):
            of_person = people == person
            clips, correct, seconds = totals.get(person, (0, 0, 0.0))
            totals[person] = (
                clips + int(of_person.sum()),
                correct + int(right[of_person].sum()),
                seconds + result.seconds * float(of_person.mean()),
            )
    return [SubjectRow(experiment.name, experiment.variant, person, *row) for person, row in totals.items()]


def _predictions(experiment: Experiment, results: Sequence[FoldResult]) -> ClipPredictions:
    return ClipPredictions(
        experiment.name,
        experiment.variant,
        experiment.labels.name,
        experiment.labels.classes,
        tuple(clip for result in results for clip in result.clips),
        tuple(int(label) for result in results for label in result.truth),
        tuple(int(label) for result in results for label in result.probabilities.argmax(axis=1)),
    )


def _tried(experiment: Experiment, results: Sequence[FoldResult]) -> list[Tried]:
    """One row per choice of settings that a search tried in any fold, in the order of the trials."""
    rows: dict[str, list[tuple[Trial, bool]]] = {}
    own: set[str] = set()
    for result in results:
        for place, trial in enumerate(result.trials):
            name = json.dumps(trial.settings, sort_keys=True)
            own |= {name} if place == 0 else set()
            rows.setdefault(name, []).append((trial, trial == best(result.trials)))
    return [
        Tried(
            experiment.name,
            experiment.variant,
            trials[0][0].settings,
            name in own,
            len(trials),
            sum(won for _, won in trials),
            fmean(uf1 := [trial.uf1 for trial, _ in trials]),
            min(uf1),
            max(uf1),
        )
        for name, trials in rows.items()
    ]


def _unsearched(experiment: Experiment, results: Sequence[FoldResult]) -> list[str]:
    count = sum(not result.trials for result in results) if experiment.space else 0
    return [f"{experiment.id}: no settings searched in {count} folds, which have one training subject"] * bool(count)


def _diverged(experiment: Experiment, results: Sequence[FoldResult]) -> list[str]:
    which = "the best of its finite epochs" if histories.is_picked(experiment.selection) else "its last epoch"
    return [
        f"{experiment.id}, {result.fold}: {line}; {which} is used"
        for result in results
        for line in histories.divergences(result.history)
    ]


def _curves(experiment: Experiment, results: Sequence[FoldResult]) -> list[Curve]:
    """One curve per stage and metric; a stage shared by all folds counts once."""
    curves = []
    for stage in results[0].history if results else ():
        for metric in results[0].history[stage]:
            stages = [result.history.get(stage, {}) for result in results]
            folds = dict.fromkeys(tuple(metrics[metric]) for metrics in stages if metric in metrics)
            curves.append(Curve(experiment.name, experiment.variant, stage, metric, tuple(folds)))
    return curves


def parameters(results: Sequence[FoldResult]) -> dict[str, int]:
    """Return the parameter counts of the networks as built, by name."""
    return {
        name: int(value)
        for result in results
        for name, value in result.measured.items()
        if name.startswith("parameters")
    }


def _cost(paper: Paper, ran: Sequence[tuple[Experiment, Finished]]) -> dict[str, float]:
    """Seconds of training and preparing, and the peak memory in MiB; parts of the run follow a space in the key."""
    cost: dict[str, float] = {}
    for experiment, stored in ran:
        name = experiment.id if len({e.name for e in paper.experiments}) > 1 else experiment.variant
        if stored.results:
            seconds = sum(result.seconds for result in stored.results)
            shared = sum(result.measured.get("shared_training_seconds", 0.0) for result in stored.results)
            cost[f"training_seconds {name}"] = seconds + shared
            cost[f"seconds_per_fold {name}"] = seconds / len(stored.results)
    measured = [result.measured for _, stored in ran for result in stored.results]
    if peaks := [m["peak_memory_mib"] for m in measured if "peak_memory_mib" in m]:
        cost["peak_memory_mib"] = max(peaks)
    key = "preprocessing_seconds"
    if made := [stored.about[key] for _, stored in ran if key in stored.about]:
        cost[key] = sum(made)
    return cost


def merge(environments: Sequence[Mapping[str, str]]) -> dict[str, str]:
    """Join environments into one; where folds ran in different ones, all values that occur."""
    names = dict.fromkeys(name for values in environments for name in values)
    return {name: "; ".join(dict.fromkeys(values[name] for values in environments if name in values)) for name in names}
