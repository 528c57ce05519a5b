"""Build the comparison of papers from the result store: the scores of their networks on common ground, and the cost."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from common.contract import Paper
from common.corpora.composite import shortfall
from common.environment import NETWORKS_BEFORE
from common.protocols.controls import METADATA, NO_MOTION, controls
from common.protocols.splits import REPEATED
from common.report import leak_price
from common.report.assemble import merge, parameters, retrained
from common.report.records import NetworkResult, Reference, Report, SideBySide
from common.runs.manifest import Finished, finished, plan_file, read_plan
from common.scoring import public, verdicts
from common.scoring.paired_tests import paired
from common.scoring.records import Score
from common.training.learnt import summary
from common.types import CorpusSummary, Experiment, FoldResult


def side_by_side(out: Path, reports: Sequence[Report], data: str, seeds: Sequence[int], command: str) -> SideBySide:
    """Return all experiments on common ground of the papers with these reports, from what is stored.

    Numbers are those of the first seed; `spread` has the scores of the others.
    """
    stored: dict[str, tuple[Report, Experiment, Finished]] = {}
    plans = {report.paper.key: _plan(out, report, data, seeds[0]) for report in reports}
    for report in reports:
        for experiment in _common(report.paper):
            name = f"{report.paper.key}/{experiment.id}"
            stored[name] = report, experiment, finished(out, report.paper, experiment, plans[report.paper.key])
    ground = next((experiment for _, experiment, _ in stored.values()), None)
    classes = ground.labels.classes if ground else ()
    done = {name: outcome.results for name, (_, _, outcome) in stored.items() if outcome.results}
    names = list(done)
    pairs = [(first, second) for i, first in enumerate(names) for second in names[i + 1 :]]
    return SideBySide(
        profile=reports[0].profile,
        data=data,
        seeds=tuple(seeds),
        labels=ground.labels.name if ground else "",
        classes=classes,
        protocol=ground.protocol if ground else "",
        selection=ground.selection if ground else "",
        corpora=_corpora(reports, ground),
        contenders=tuple(
            _contender(out, report, experiment, outcome, data, seeds) for report, experiment, outcome in stored.values()
        ),
        tests=paired(done, pairs, len(classes)),
        differing=_differing({name: (e, outcome) for name, (_, e, outcome) in stored.items()}, data),
        reports=tuple(reports),
        environment=merge([report.environment for report in reports]),
        command=command,
        references=_references(done) if data == "licensed" and ground and verdicts.is_composite(ground) else (),
        prices=leak_price.prices(out, [report.paper for report in reports], reports[0].profile, data, seeds),
        twins=sum(len(leak_price.pairs(report.paper)) for report in reports),
    )


def _references(done: Mapping[str, Sequence[FoldResult]]) -> tuple[Reference, ...]:
    """Methods with public predictions on the composite, compared with what ran; `done` has results by contender."""
    return tuple(
        Reference(m.title, m.selection, m.leak_free, m.source, public.scores(m), public.against(m, done))
        for m in public.methods()
    )


def _common(paper: Paper) -> list[Experiment]:
    return [experiment for experiment in paper.experiments if experiment.common_ground]


def _plan(out: Path, report: Report, data: str, seed: int) -> Mapping[str, Any]:
    return read_plan(plan_file(out, report.paper, report.paper.profiles[report.profile], data, seed))


def _contender(
    out: Path, report: Report, experiment: Experiment, outcome: Finished, data: str, seeds: Sequence[int]
) -> NetworkResult:
    confusion = verdicts.pooled(outcome.results, None, len(experiment.labels.classes)).sum(axis=0)
    measured = [result.measured for result in outcome.results]
    others = _seeds(out, report, experiment, data, seeds[1:])

    def under(name: str) -> dict[str, dict[str, Score]]:
        control = next(control for control in controls(experiment) if control.control == name)
        first, *rest = _seeds(out, report, control, data, seeds)
        return _scores(control, first, rest)

    return NetworkResult(
        paper=report.paper.key,
        experiment=experiment.id,
        title=experiment.network,
        scores=_scores(experiment, outcome, others),
        confusion=np.asarray(confusion, np.int64),
        n_folds_done=len(outcome.results),
        n_folds=outcome.folds,
        parameters=_parameters(parameters(outcome.results)),
        flops=max((m["flops"] for m in measured if "flops" in m), default=None),
        seconds_per_fold=statistics.fmean(result.seconds for result in outcome.results) if outcome.results else None,
        inference_ms_per_clip=_median([m["inference_ms_per_clip"] for m in measured if "inference_ms_per_clip" in m]),
        peak_memory_mib=max(
            (m["peak_memory_mib"] for m in measured if "peak_memory_mib" in m and m.get(NETWORKS_BEFORE) == 0),
            default=None,
        ),
        spread=_spread(experiment, (outcome, *others)),
        control=under(NO_MOTION),
        metadata=under(METADATA),
        learnt=summary(outcome.results, verdicts.one_answer(outcome.results)),
        leak_free=experiment.leak_free,
        linear=experiment.linear,
    )


def _median(values: Sequence[float]) -> float | None:
    return statistics.median(values) if values else None


def _seeds(out: Path, report: Report, experiment: Experiment, data: str, seeds: Sequence[int]) -> list[Finished]:
    return [finished(out, report.paper, experiment, _plan(out, report, data, seed)) for seed in seeds]


def _scores(
    experiment: Experiment, outcome: Finished, others: Sequence[Finished] = (), *, tested: bool = True
) -> dict[str, dict[str, Score]]:
    """Scores by corpus, the composite first, and metric; `tested`: with the p of guessing, which is slow.

    Intervals include the variance of retraining, from `others`, what is stored of the other seeds.
    """
    scores: dict[str, dict[str, Score]] = {}
    tested = tested and experiment.protocol not in REPEATED
    for corpus, within in verdicts.parts(experiment):
        matrices, *retrainings = (
            verdicts.pooled(results, within, len(experiment.labels.classes))
            for results in (outcome.results, *retrained(outcome, others))
        )
        clips = verdicts.n_clips(outcome.results, within)
        for metric in verdicts.METRICS:
            score = verdicts.score(
                matrices, metric, experiment.labels.classes, clips, len(outcome.results), outcome.folds, retrainings
            )
            if score is not None and tested:
                classes, several = experiment.labels.classes, outcome.folds > 1
                p = verdicts.guessing(outcome.results, within, metric, classes, cross_validated=several)
                score = replace(score, p=p)
            if score is not None:
                scores.setdefault(corpus, {})[metric] = score
    return scores


def _parameters(facts: Mapping[str, int]) -> int | None:
    """All parameters of the networks as built: the plain count, or the only one there is."""
    if "parameters" in facts:
        return facts["parameters"]
    counts = [value for name, value in facts.items() if name.startswith("parameters")]
    return counts[0] if len(counts) == 1 else None


def _spread(experiment: Experiment, outcomes: Sequence[Finished]) -> dict[str, tuple[float, ...]]:
    """One value per seed and metric on all clips, without seeds that have fewer folds than the first."""
    values: dict[str, list[float]] = {}
    for outcome in outcomes:
        if len(outcome.results) != len(outcomes[0].results):
            continue
        for metric, score in _scores(experiment, outcome, tested=False).get(experiment.labels.name, {}).items():
            values.setdefault(metric, []).append(score.value)
    return {metric: tuple(by_seed) for metric, by_seed in values.items()}


def _differing(stored: Mapping[str, tuple[Experiment, Finished]], data: str) -> tuple[str, ...]:
    """What is not the same for all networks, or not complete, one line each: clips, caveats of folds, conditions."""
    lines = []
    done = {name: outcome for name, (_, outcome) in stored.items() if outcome.results}
    clips = {name: {clip for result in outcome.results for clip in result.clips} for name, outcome in done.items()}
    everywhere = set.intersection(*clips.values()) if clips else set()
    for name, answered in clips.items():
        if more := len(answered - everywhere):
            lines.append(f"{name} predicts {more} clips that not all others predict; paired tests use the shared ones")
    if data == "licensed":
        lines += [
            f"{name}: {short}"
            for name, outcome in done.items()
            if verdicts.is_composite(stored[name][0]) and len(outcome.results) == outcome.folds
            if (short := shortfall(clips[name]))
        ]
    lines += [f"{name}: {caveat}" for name, outcome in done.items() for caveat in _caveats(outcome)]
    conditions = {
        (e.labels.name, e.protocol, e.selection, tuple(sorted(e.corpora)), e.leak_free) for e, _ in stored.values()
    }
    if len(conditions) > 1:
        lines.append("label map, protocol, selection rule or corpora are not the same for all")
    return tuple(lines)


def _caveats(outcome: Finished) -> tuple[str, ...]:
    return tuple(dict.fromkeys(caveat for result in outcome.results for caveat in result.caveats))


def _corpora(reports: Sequence[Report], ground: Experiment | None) -> tuple[CorpusSummary, ...]:
    """What was read of the corpora of common ground, from the first paper that has it."""
    by_name: dict[str, CorpusSummary] = {}
    for report in reports:
        for corpus in report.corpora:
            if ground and corpus.name in ground.corpora and set(corpus.by_class) == set(ground.labels.classes):
                by_name.setdefault(corpus.name, corpus)
    return tuple(by_name[name] for name in (ground.corpora if ground else ()) if name in by_name)
