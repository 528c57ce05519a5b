"""From the result store to a `Report`: nothing is trained, and nothing but stored results is shown."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from statistics import fmean
from typing import Any

import numpy as np

from common import compare, histories
from common.audit import audit
from common.audit.documented import documented
from common.controls import controls
from common.corpora.trees import natural
from common.environment import environment
from common.errors import UserError
from common.files import write_json
from common.forms import PLAN, fits
from common.plan import Data, Job
from common.report import learning
from common.report.tables import short
from common.store import Run
from common.tuning import best
from common.types import (
    Comparison,
    Confusion,
    CorpusSummary,
    Correction,
    Curve,
    Exclusion,
    Experiment,
    Figure,
    FoldResult,
    Paper,
    Profile,
    Report,
    Spread,
    SubjectRow,
    Trial,
    Tried,
)


def plan_file(out: Path, paper: Paper, profile: Profile, data: str, seed: int) -> Path:
    """Where the last plan of this kind lies, from which `--report-only` finds the runs."""
    return out / "runs" / paper.key / f"{profile.name}-{data}-seed{seed}.json"


def write_plan(path: Path, jobs: Sequence[Job], data: Data, command: Sequence[str]) -> None:
    """Remember which runs belong to a paper, profile, kind of data and seed, and what was read for them."""
    write_json(
        path,
        {
            "data": str(data.folder.absolute()),
            "options": [list(pair) for job in jobs[:1] for pair in job.profile.deciding],
            "command": list(command),
            "shortened": list(dict.fromkeys(line for job in jobs for line in shortened(job.paper, job.profile))),
            "runs": {job.experiment.id: {"path": job.run.path.name, "folds": list(job.folds)} for job in jobs},
            "corpora": [asdict(one) for one in _summaries(jobs)],
            "exclusions": [asdict(one) for one in dict.fromkeys(one for job in jobs for one in job.exclusions)],
            "differences": list(dict.fromkeys(note for job in jobs for note in job.notes)),
            "corrections": [asdict(one) for corpus in data.corpora.values() for one in corpus.corrections],
        },
    )


def assemble(
    out: Path, paper: Paper, profile: Profile, data: str, seeds: Sequence[int], folder: Path | None = None
) -> Report:
    """The report of a paper, profile, kind of data and seeds from what is stored; without results, one of dashes.

    All numbers are those of the first seed; the scores of the others are beside them. Raises UserError where `folder`
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
        one = stored[experiment.id]
        confusions += compare.confusion_tables(experiment, one.results)
        subjects += _subjects(experiment, one.results)
        curves += _curves(experiment, one.results)
        for row in one.about.get("figures", []):
            path = one.run.path / "figures" / row["path"]
            figures.setdefault(row["title"], Figure(row["title"], row["caption"], path))
        exclusions += [Exclusion(row["clip"], row["reason"], row["fault"]) for row in one.about.get("exclusions", [])]
        environments += [result.environment for result in one.results]
        facts |= parameters(one.results)
        notes += [*one.run.notes(), *_unsearched(experiment, one.results), *_diverged(experiment, one.results)]
        notes += _failed(experiment, *planned(out, paper, experiment, plan))
        _add_cost(cost, paper, experiment, one)
    rows = [(e, stored[e.id]) for e in paper.experiments if not e.tuned_of or stored[e.id].results]
    comparisons = _comparisons(paper, rows, profile, data, command)
    controlled = tuple(
        one
        for one in _comparisons(paper, spoilt, profile, data, command)
        if one.score is not None and one.metric in compare.METRICS
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
        audit=audit(paper.facts, paper.claims, documented(), facts),
        environment=merge(environments) or environment(),
        cost=cost | {name: float(value) for name, value in facts.items()},
        command=shlex.join(command),
        notes=tuple(dict.fromkeys(notes)),
        controls=controlled,
        tests=compare.between_variants(paper, {name: one.results for name, one in stored.items()}),
        seeds=tuple(seeds),
        spread=_spread(out, paper, profile, data, seeds, comparisons) if len(seeds) > 1 else (),
        motion=profile.motion,
        tried=tuple(row for e in paper.experiments for row in _tried(e, stored[e.id].results)),
        learning=learning.of_paper(paper, {name: one.results for name, one in stored.items()}, comparisons, controlled),
    )


def _summaries(jobs: Sequence[Job]) -> list[CorpusSummary]:
    """What was read of each corpus, once per set of classes that it is used with."""
    found = {(one.name, *one.by_class): one for job in jobs if not job.experiment.control for one in job.summaries}
    return list(found.values())


@dataclass(frozen=True)
class Finished:
    """What is stored of one experiment: its run, what the run says of itself, finished folds of how many."""

    run: Run
    about: Mapping[str, Any]
    results: tuple[FoldResult, ...]
    folds: int


def finished(out: Path, paper: Paper, experiment: Experiment, plan: Mapping[str, Any]) -> Finished:
    """What is stored of an experiment under a plan as `read_plan` gives it."""
    run, folds = planned(out, paper, experiment, plan)
    results = tuple(result for fold in folds if (result := run.load(fold)) is not None)
    return Finished(run, run.description() or {}, results, len(folds))


def planned(out: Path, paper: Paper, experiment: Experiment, plan: Mapping[str, Any]) -> tuple[Run, tuple[str, ...]]:
    """The run of an experiment under a plan as `read_plan` gives it, and all of its folds; none if it is not there."""
    entry = plan.get("runs", {}).get(experiment.id, {"path": "none", "folds": []})
    return Run(out / "runs" / paper.key / experiment.id / entry["path"]), tuple(entry["folds"])


def _comparisons(
    paper: Paper,
    stored: Sequence[tuple[Experiment, Finished]],
    profile: Profile,
    data: str,
    command: Sequence[str],
) -> tuple[Comparison, ...]:
    def exact(experiment: Experiment) -> str:
        return shlex.join([*command, "--experiment", experiment.id])

    found: list[Comparison] = []
    for experiment, one in stored:
        found += compare.compare(paper, experiment, one.results, one.folds, profile=profile, data=data, command=exact)
    return tuple(found)


def _spread(
    out: Path, paper: Paper, profile: Profile, data: str, seeds: Sequence[int], shown: Sequence[Comparison]
) -> tuple[Spread, ...]:
    """The scores of all seeds, of what has a score in any."""
    by_seed = []
    for seed in seeds:
        plan = read_plan(plan_file(out, paper, profile, data, seed))
        plan = plan if same_options(plan, profile) else {}
        stored = [(experiment, finished(out, paper, experiment, plan)) for experiment in paper.experiments]
        rows = _comparisons(paper, stored, profile, data, [])
        by_seed.append({(c.experiment, c.variant, c.corpus, c.metric): c.score for c in rows})
    found = []
    for key in dict.fromkeys((c.experiment, c.variant, c.corpus, c.metric) for c in shown):
        first = by_seed[0].get(key)
        values = tuple(
            score.value if (score := one.get(key)) and first and score.n_folds_done == first.n_folds_done else None
            for one in by_seed  # of fewer folds it would not be the same score
        )
        if any(value is not None for value in values):
            found.append(Spread(*key, values))
    return tuple(found)


def read_plan(path: Path) -> Mapping[str, Any]:
    """A stored plan; empty where there is none that this version can read."""
    try:
        plan = json.loads(path.read_text(encoding="utf-8"))
        if not fits(plan, PLAN):
            return {}
        for kind, rows in ((CorpusSummary, "corpora"), (Exclusion, "exclusions"), (Correction, "corrections")):
            plan[rows] = [kind(**row) for row in plan[rows]]
        found: Mapping[str, Any] = plan
    except (OSError, ValueError, TypeError, RecursionError):
        return {}
    return found


def same_options(plan: Mapping[str, Any], profile: Profile) -> bool:
    """Whether a plan was made with the options that decide what the folds of a profile answer."""
    return [tuple(pair) for pair in plan.get("options", [])] == [*profile.deciding]


def shortened(paper: Paper, profile: Profile) -> tuple[str, ...]:
    """What a profile changes against the paper's, one line each."""
    full = paper.profiles["paper"]
    lines = [
        f"{field.name.replace('_', ' ')}: {getattr(profile.settings, field.name)} instead of "
        f"{getattr(full.settings, field.name)}"
        for field in fields(profile.settings)
        if getattr(profile.settings, field.name) != getattr(full.settings, field.name)
    ]
    if profile.subjects is not None:
        lines.append(f"subjects per corpus: {profile.subjects} instead of all")
    if profile.clips is not None:
        lines.append(f"clips per subject: at most {profile.clips}")
    if profile.motion != 1:
        lines.append(f"motion of the stand-ins: {short(profile.motion)} times that of micro-expressions")
    if profile.folds is not None:
        ground = f", {profile.ground_folds} on common ground" if profile.ground_folds else ""
        lines.append(f"folds of an experiment: at most {profile.folds}{ground}")
    return tuple(lines)


def _subjects(experiment: Experiment, results: Sequence[FoldResult]) -> list[SubjectRow]:
    """One row per held-out subject; where a fold holds out several, its seconds are shared by their clips."""
    found: dict[str, tuple[int, int, float]] = {}
    for result in results:
        right = result.probabilities.argmax(axis=1) == result.truth
        people = np.array([clip.rpartition("/")[0] for clip in result.clips])
        for person in sorted(set(people.tolist()), key=natural):
            mine = people == person
            clips, correct, seconds = found.get(person, (0, 0, 0.0))
            found[person] = (
                clips + int(mine.sum()),
                correct + int(right[mine].sum()),
                seconds + result.seconds * float(mine.mean()),
            )
    return [SubjectRow(experiment.name, experiment.variant, person, *row) for person, row in found.items()]


def _tried(experiment: Experiment, results: Sequence[FoldResult]) -> list[Tried]:
    """One row per choice of settings that a search has tried in any fold, in the order of the trials."""
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
            found[0][0].settings,
            name in own,
            len(found),
            sum(won for _, won in found),
            fmean(uf1 := [trial.uf1 for trial, _ in found]),
            min(uf1),
            max(uf1),
        )
        for name, found in rows.items()
    ]


def _unsearched(experiment: Experiment, results: Sequence[FoldResult]) -> list[str]:
    count = sum(not result.trials for result in results) if experiment.space else 0
    return [f"{experiment.id}: no settings searched in {count} folds, which have one training subject"] * bool(count)


def _diverged(experiment: Experiment, results: Sequence[FoldResult]) -> list[str]:
    which = "the best of its finite epochs" if histories.is_picked(experiment.selection) else "its last epoch"
    return [
        f"{experiment.id}, {result.fold}: {line}; {which} answers"
        for result in results
        for line in histories.divergences(result.history)
    ]


def _failed(experiment: Experiment, run: Run, folds: Sequence[str]) -> list[str]:
    reasons = {fold: run.failure(fold) for fold in folds}
    return [f"{experiment.id}, {fold}: failed, {why}" for fold, why in reasons.items() if why is not None]


def _curves(experiment: Experiment, results: Sequence[FoldResult]) -> list[Curve]:
    """One curve per stage and metric; a stage that all folds share counts once."""
    curves = []
    for stage in results[0].history if results else ():
        for metric in results[0].history[stage]:
            stages = [result.history.get(stage, {}) for result in results]
            folds = dict.fromkeys(tuple(one[metric]) for one in stages if metric in one)
            curves.append(Curve(experiment.name, experiment.variant, stage, metric, tuple(folds)))
    return curves


def parameters(results: Sequence[FoldResult]) -> dict[str, int]:
    """Parameter counts of the networks as built, by name."""
    return {
        name: int(value)
        for result in results
        for name, value in result.measured.items()
        if name.startswith("parameters")
    }


def _add_cost(cost: dict[str, float], paper: Paper, experiment: Experiment, one: Finished) -> None:
    name = experiment.id if len({e.name for e in paper.experiments}) > 1 else experiment.variant
    if one.results:
        seconds = sum(result.seconds for result in one.results)
        shared = sum(result.measured.get("shared_training_seconds", 0.0) for result in one.results)
        cost[f"training_seconds {name}"] = seconds + shared
        cost[f"seconds_per_fold {name}"] = seconds / len(one.results)
        peaks = [m["peak_memory_mib"] for m in (*(r.measured for r in one.results), cost) if "peak_memory_mib" in m]
        cost |= {"peak_memory_mib": max(peaks)} if peaks else {}
    if "preprocessing_seconds" in one.about:
        made = one.about["preprocessing_seconds"]
        cost["preprocessing_seconds"] = cost.get("preprocessing_seconds", 0.0) + made


def merge(environments: Sequence[Mapping[str, str]]) -> dict[str, str]:
    """One environment; where folds were made in different ones, all values that occur."""
    names = dict.fromkeys(name for one in environments for name in one)
    return {name: "; ".join(dict.fromkeys(one[name] for one in environments if name in one)) for name in names}
