"""Build a `Report` from the result store: nothing is trained, and only stored results are shown."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import fmean

import numpy as np

from common.audit import audit
from common.audit.documented import documented
from common.contract import Figure, Paper, Profile
from common.environment import environment
from common.errors import UserError
from common.files import natural
from common.profiles import shortened
from common.protocols.controls import controls
from common.report import learning
from common.report.records import ClipPredictions, Curve, Report, Spread, SubjectRow, Tried
from common.runs.manifest import Finished, finished, plan_file, planned, read_plan, same_options
from common.runs.store import Run
from common.scoring import histories, verdicts
from common.scoring.records import Comparison, Confusion
from common.training.tuning import best
from common.types import Exclusion, Experiment, FoldResult, Trial


def assemble(
    out: Path, paper: Paper, profile: Profile, data: str, seeds: Sequence[int], folder: Path | None = None
) -> Report:
    """Return the report of a paper, profile, kind of data and seeds from what is stored; without results all dashes.

    All numbers are those of the first seed; `spread` has the scores of the others, whose variance is part of the
    intervals. Raises UserError where `folder`
    (the user's corpora) is another than the stored results were made from.
    """
    plan = read_plan(plan_file(out, paper, profile, data, seeds[0]))
    if folder and plan and plan["data"] != str(folder.absolute()):
        raise UserError(f"the results in {out} were made from {plan['data']}; run {folder} without --report-only first")
    if plan and not same_options(plan, profile):
        made, asked = (
            " ".join(word for pair in options for word in pair) or "none"
            for options in (plan["options"], profile.deciding)
        )
        raise UserError(
            f"the results in {out} were made with other options ({made}; now {asked}): give the same ones, or run "
            "first without --report-only"
        )
    command = list(plan.get("command", ["python", "run_all.py", "--paper", paper.key, "--profile", profile.name]))
    stored = {experiment.id: finished(out, paper, experiment, plan) for experiment in paper.experiments}
    spoilt = [(c, finished(out, paper, c, plan)) for experiment in paper.experiments for c in controls(experiment)]
    confusions: list[Confusion] = []
    subjects: list[SubjectRow] = []
    curves: list[Curve] = []
    figures: dict[str, Figure] = {}
    exclusions = list(plan.get("exclusions", []))
    environments: list[Mapping[str, str]] = []
    facts: dict[str, int] = {}
    notes: list[str] = []
    cost: dict[str, float] = {}
    for experiment in paper.experiments:
        outcome = stored[experiment.id]
        confusions += verdicts.confusion_tables(experiment, outcome.results)
        subjects += _subjects(experiment, outcome.results)
        curves += _curves(experiment, outcome.results)
        for row in outcome.about.get("figures", []):
            path = outcome.run.path / "figures" / row["path"]
            figures.setdefault(row["title"], Figure(row["title"], row["caption"], path))
        exclusions += [
            Exclusion(row["clip"], row["reason"], row["fault"]) for row in outcome.about.get("exclusions", [])
        ]
        environments += [result.environment for result in outcome.results]
        facts |= parameters(outcome.results)
        notes += [
            *outcome.run.notes(),
            *_unsearched(experiment, outcome.results),
            *_diverged(experiment, outcome.results),
        ]
        notes += _failed(experiment, *planned(out, paper, experiment, plan))
        _add_cost(cost, paper, experiment, outcome)
    rows = [(e, stored[e.id]) for e in paper.experiments if not e.tuned_of or stored[e.id].results]
    unavailable = plan.get("unavailable", {})
    others = _other_seeds(out, paper, profile, data, seeds)
    comparisons = _comparisons(paper, rows, profile, data, command, unavailable, others)
    controlled = tuple(
        comparison
        for comparison in _comparisons(paper, spoilt, profile, data, command, {}, others)
        if comparison.score is not None and comparison.metric in verdicts.METRICS
    )
    return Report(
        paper=paper,
        profile=profile.name,
        data=data,
        seed=seeds[0],
        shortened=tuple(plan.get("shortened", shortened(paper, profile))),
        corpora=tuple(plan.get("corpora", [])),
        comparisons=comparisons,
        confusions=tuple(confusions),
        subjects=tuple(subjects),
        curves=tuple(curves),
        figures=tuple(figure for figure in figures.values() if figure.path.is_file()),
        exclusions=tuple(dict.fromkeys(exclusions)),
        corrections=tuple(plan.get("corrections", [])),
        audit=audit(paper.facts, paper.claims, documented(), facts, paper.checks),
        environment=merge(environments) or environment(),
        cost=cost | {name: float(value) for name, value in facts.items()},
        command=shlex.join(command),
        notes=tuple(dict.fromkeys(notes)),
        controls=controlled,
        tests=verdicts.between_variants(paper, {name: outcome.results for name, outcome in stored.items()}),
        seeds=tuple(seeds),
        spread=_spread(paper, profile, data, others, comparisons) if others else (),
        motion=profile.motion,
        tried=tuple(row for e in paper.experiments for row in _tried(e, stored[e.id].results)),
        learning=learning.of_paper(
            paper, {name: outcome.results for name, outcome in stored.items()}, comparisons, controlled
        ),
        unavailable=unavailable,
        predictions=tuple(_predictions(e, stored[e.id].results) for e in paper.experiments if stored[e.id].results),
    )


def _comparisons(
    paper: Paper,
    stored: Sequence[tuple[Experiment, Finished]],
    profile: Profile,
    data: str,
    command: Sequence[str],
    unavailable: Mapping[str, str],
    others: Sequence[Mapping[str, Finished]] = (),
) -> tuple[Comparison, ...]:
    def exact(experiment: Experiment) -> str:
        return shlex.join([*command, "--experiment", experiment.id])

    comparisons: list[Comparison] = []
    for experiment, outcome in stored:
        comparisons += verdicts.compare(
            paper,
            experiment,
            outcome.results,
            outcome.folds,
            profile=profile,
            data=data,
            command=exact,
            unavailable=unavailable.get(experiment.id, ""),
            retrained=retrained(outcome, [seed[experiment.id] for seed in others]),
        )
    return tuple(comparisons)


def retrained(outcome: Finished, others: Sequence[Finished]) -> list[Sequence[FoldResult]]:
    """Return the results of other seeds of an experiment, without seeds that have not done as many folds."""
    return [other.results for other in others if len(other.results) == len(outcome.results)]


def _other_seeds(
    out: Path, paper: Paper, profile: Profile, data: str, seeds: Sequence[int]
) -> list[dict[str, Finished]]:
    """What is stored of all experiments and their controls by id, for each seed but the first."""
    every = [each for experiment in paper.experiments for each in (experiment, *controls(experiment))]
    plans = (read_plan(plan_file(out, paper, profile, data, seed)) for seed in seeds[1:])
    usable = [plan if same_options(plan, profile) else {} for plan in plans]
    return [{each.id: finished(out, paper, each, plan) for each in every} for plan in usable]


def _spread(
    paper: Paper, profile: Profile, data: str, others: Sequence[Mapping[str, Finished]], shown: Sequence[Comparison]
) -> tuple[Spread, ...]:
    """The scores of all seeds, for everything that has a score with any of them; `shown` are those of the first."""
    rows = [_comparisons(paper, [(e, seed[e.id]) for e in paper.experiments], profile, data, [], {}) for seed in others]
    by_seed = [{(c.experiment, c.variant, c.corpus, c.metric): c.score for c in part} for part in (shown, *rows)]
    spreads = []
    for key in dict.fromkeys((c.experiment, c.variant, c.corpus, c.metric) for c in shown):
        first = by_seed[0].get(key)
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


def _failed(experiment: Experiment, run: Run, folds: Sequence[str]) -> list[str]:
    reasons = {fold: run.failure(fold) for fold in folds}
    return [f"{experiment.id}, {fold}: failed, {why}" for fold, why in reasons.items() if why is not None]


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


def _add_cost(cost: dict[str, float], paper: Paper, experiment: Experiment, outcome: Finished) -> None:
    name = experiment.id if len({e.name for e in paper.experiments}) > 1 else experiment.variant
    if outcome.results:
        seconds = sum(result.seconds for result in outcome.results)
        shared = sum(result.measured.get("shared_training_seconds", 0.0) for result in outcome.results)
        cost[f"training_seconds {name}"] = seconds + shared
        cost[f"seconds_per_fold {name}"] = seconds / len(outcome.results)
        peaks = [m["peak_memory_mib"] for m in (*(r.measured for r in outcome.results), cost) if "peak_memory_mib" in m]
        cost |= {"peak_memory_mib": max(peaks)} if peaks else {}
    if "preprocessing_seconds" in outcome.about:
        made = outcome.about["preprocessing_seconds"]
        cost["preprocessing_seconds"] = cost.get("preprocessing_seconds", 0.0) + made


def merge(environments: Sequence[Mapping[str, str]]) -> dict[str, str]:
    """Join environments into one; where folds ran in different ones, all values that occur."""
    names = dict.fromkeys(name for values in environments for name in values)
    return {name: "; ".join(dict.fromkeys(values[name] for values in environments if name in values)) for name in names}
