"""The comparison of papers: what is stored of their networks on common ground, their scores, and the cost."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Mapping, Sequence

import numpy as np

from common.corpora.composite import shortfall
from common.environment import NETWORKS_BEFORE
from common.report import leak_price
from common.report.assemble import merge, parameters
from common.report.records import NetworkResult, Reference, Report, SideBySide
from common.runs.results import Finished, Results
from common.scoring import public, verdicts
from common.scoring.paired_tests import paired
from common.scoring.records import Comparison, Score
from common.training.learnt import summary
from common.types import CorpusSummary, Experiment, FoldResult


def side_by_side(studied: Sequence[Results], reports: Sequence[Report], command: str) -> SideBySide:
    """Return all experiments on common ground of the papers with these reports, from what is stored.

    Numbers are those of the first seed; `spread` has the scores of the others.
    """
    stored = {
        f"{results.paper.key}/{experiment.id}": (report, experiment, results.of(experiment))
        for results, report in zip(studied, reports, strict=True)
        for experiment in results.paper.experiments
        if experiment.common_ground
    }
    data = studied[0].data
    ground = next((experiment for _, experiment, _ in stored.values()), None)
    classes = ground.labels.classes if ground else ()
    done = {name: outcome.results for name, (_, _, outcome) in stored.items() if outcome.results}
    names = list(done)
    pairs = [(first, second) for i, first in enumerate(names) for second in names[i + 1 :]]
    return SideBySide(
        profile=reports[0].profile,
        data=data,
        seeds=studied[0].seeds,
        labels=ground.labels.name if ground else "",
        classes=classes,
        protocol=ground.protocol if ground else "",
        selection=ground.selection if ground else "",
        corpora=_corpora(reports, ground),
        contenders=tuple(_contender(*one) for one in stored.values()),
        tests=paired(done, pairs, len(classes)),
        differing=_differing({name: (e, outcome) for name, (_, e, outcome) in stored.items()}, data),
        reports=tuple(reports),
        environment=merge([report.environment for report in reports]),
        command=command,
        references=_references(done) if data == "licensed" and ground and verdicts.is_composite(ground) else (),
        prices=leak_price.prices(studied),
        twins=sum(len(leak_price.pairs(report.paper)) for report in reports),
    )


def _references(done: Mapping[str, Sequence[FoldResult]]) -> tuple[Reference, ...]:
    """Methods with public predictions on the composite, compared with what ran; `done` has results by contender."""
    return tuple(
        Reference(m.title, m.selection, m.leak_free, m.source, public.scores(m), public.against(m, done))
        for m in public.methods()
    )


def _contender(report: Report, experiment: Experiment, outcome: Finished) -> NetworkResult:
    confusion = verdicts.pooled(outcome.results, None, len(experiment.labels.classes)).sum(axis=0)
    measured = [result.measured for result in outcome.results]
    rows = [
        c
        for c in report.comparisons
        if (c.experiment, c.variant) == (experiment.name, experiment.variant) and c.metric in verdicts.METRICS
    ]

    def scores(which: Callable[[Comparison], Score | None]) -> dict[str, dict[str, Score]]:
        known: dict[str, dict[str, Score]] = {}
        for c in rows:
            if score := which(c):
                known.setdefault(c.corpus, {})[c.metric] = score
        return known

    whole = experiment.name, experiment.variant, experiment.labels.name
    return NetworkResult(
        paper=report.paper.key,
        experiment=experiment.id,
        title=experiment.network,
        scores=scores(lambda c: c.score),
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
        spread={
            row.metric: tuple(value for value in row.values if value is not None)
            for row in report.spread
            if (row.experiment, row.variant, row.corpus) == whole and row.metric in verdicts.METRICS
        }
        or {c.metric: (c.score.value,) for c in rows if c.score and c.corpus == experiment.labels.name},
        control=scores(lambda c: c.control),
        learnt=summary(outcome.results, verdicts.one_answer(outcome.results)),
        leak_free=experiment.leak_free,
        metadata=scores(lambda c: c.metadata),
        linear=experiment.linear,
    )


def _median(values: Sequence[float]) -> float | None:
    return statistics.median(values) if values else None


def _parameters(facts: Mapping[str, int]) -> int | None:
    """All parameters of the networks as built: the plain count, or the only one there is."""
    if "parameters" in facts:
        return facts["parameters"]
    counts = [value for name, value in facts.items() if name.startswith("parameters")]
    return counts[0] if len(counts) == 1 else None


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
