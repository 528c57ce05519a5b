"""The comparison of papers: what is stored of their networks on common ground, their scores, and the cost."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence

import numpy as np

from common.corpora.composite import shortfall
from common.corpora.grounds import DEFAULT, GROUNDS, Ground
from common.environment import MEMORY_BEFORE, NETWORKS_BEFORE
from common.report import leak_price
from common.report.assemble import merge, parameters
from common.report.records import NetworkResult, Reference, Report, SideBySide
from common.runs.results import Finished, Results
from common.scoring import public, verdicts
from common.scoring.paired_tests import paired
from common.scoring.records import Score
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
    held = GROUNDS[studied[0].paper.ground or DEFAULT.name]
    classes = ground.labels.classes if ground else ()
    done = {name: outcome.results for name, (_, _, outcome) in stored.items() if outcome.results}
    names = list(done)
    pairs = [(first, second) for i, first in enumerate(names) for second in names[i + 1 :]]
    return SideBySide(
        profile=reports[0].profile,
        data=data,
        seeds=studied[0].seeds,
        ground=held,
        labels=ground.labels.name if ground else "",
        classes=classes,
        protocol=ground.protocol if ground else "",
        selection=ground.selection if ground else "",
        corpora=_corpora(reports, ground),
        contenders=tuple(_contender(*one) for one in stored.values()),
        tests=paired(done, pairs, len(classes)),
        differing=_differing({name: (e, outcome) for name, (_, e, outcome) in stored.items()}, data, held),
        reports=tuple(reports),
        environment=merge([report.environment for report in reports]),
        command=command,
        references=references(done) if data == "licensed" and ground and verdicts.is_composite(ground) else (),
        prices=leak_price.prices(studied),
        twins=sum(len(leak_price.pairs(report.paper)) for report in reports),
    )


def references(done: Mapping[str, Sequence[FoldResult]]) -> tuple[Reference, ...]:
    """Return methods with public predictions on the composite, compared with the results of contenders by name."""
    return tuple(
        Reference(m.title, m.selection, m.leak_free, m.source, public.scores(m), public.against(m, done))
        for m in public.methods()
    )


def _contender(report: Report, experiment: Experiment, outcome: Finished) -> NetworkResult:
    whole = experiment.name, experiment.variant, verdicts.parts(experiment)[0][0]
    rows = [c for c in report.comparisons if (c.experiment, c.variant) == whole[:2] and c.metric in verdicts.METRICS]

    def scores(which: str) -> dict[str, dict[str, Score]]:
        known: dict[str, dict[str, Score]] = {}
        for c in rows:
            if score := getattr(c, which):
                known.setdefault(c.corpus, {})[c.metric] = score
        return known

    def measured(name: str) -> list[float]:
        return [result.measured[name] for result in outcome.results if name in result.measured]

    spread = {
        row.metric: tuple(value for value in row.values if value is not None)
        for row in report.spread
        if (row.experiment, row.variant, row.corpus) == whole and row.metric in verdicts.METRICS
    }
    counts = parameters(outcome.results)
    # what the first network of a process added; later ones also use memory that was freed
    first = [m for m in (r.measured for r in outcome.results) if MEMORY_BEFORE in m and m[NETWORKS_BEFORE] == 0]
    return NetworkResult(
        paper=report.paper.key,
        experiment=experiment.id,
        title=experiment.network,
        scores=scores("score"),
        confusion=verdicts.pooled(outcome.results, None, len(experiment.labels.classes)).sum(axis=0).astype(np.int64),
        n_folds_done=len(outcome.results),
        n_folds=outcome.folds,
        parameters=counts.get("parameters", next(iter(counts.values())) if len(counts) == 1 else None),
        flops=max(measured("flops"), default=None),
        seconds_per_fold=statistics.fmean(result.seconds for result in outcome.results) if outcome.results else None,
        inference_ms_per_clip=statistics.median(times) if (times := measured("inference_ms_per_clip")) else None,
        peak_memory_mib=max((m["peak_memory_mib"] - m[MEMORY_BEFORE] for m in first), default=None),
        spread=spread or {c.metric: (c.score.value,) for c in rows if c.score and c.corpus == whole[2]},
        control=scores("control"),
        learnt=summary(outcome.results, verdicts.one_answer(outcome.results)),
        leak_free=experiment.leak_free,
        metadata=scores("metadata"),
        linear=experiment.linear,
    )


def _differing(
    stored: Mapping[str, tuple[Experiment, Finished]], data: str, ground: Ground = DEFAULT
) -> tuple[str, ...]:
    """What is not the same for all networks, or not complete, one line each: clips, caveats of folds, conditions."""
    lines: list[str] = []
    done = {name: outcome for name, (_, outcome) in stored.items() if outcome.results}
    clips = {name: {clip for result in outcome.results for clip in result.clips} for name, outcome in done.items()}
    everywhere = set.intersection(*clips.values()) if clips else set()
    for name, answered in clips.items():
        if more := len(answered - everywhere):
            lines.append(f"{name} predicts {more} clips that not all others predict; paired tests use the shared ones")
    if data == "licensed" and ground.counts:
        whole = {corpus: sum(by_class.values()) for corpus, by_class in ground.counts.items()}
        lines += [
            f"{name}: {short}"
            for name, outcome in done.items()
            if len(outcome.results) == outcome.folds
            if (short := shortfall(clips[name], whole, ground.title))
        ]
    lines += dict.fromkeys(f"{name}: {why}" for name, one in done.items() for r in one.results for why in r.caveats)
    if (
        len({(e.labels.name, e.protocol, e.selection, frozenset(e.corpora), e.leak_free) for e, _ in stored.values()})
        > 1
    ):
        lines.append("label map, protocol, selection rule or corpora are not the same for all")
    return tuple(lines)


def _corpora(reports: Sequence[Report], ground: Experiment | None) -> tuple[CorpusSummary, ...]:
    """What was read of the corpora of common ground, from the first paper that has it."""
    if ground is None:
        return ()
    read = {c.name: c for r in reversed(reports) for c in r.corpora if {*c.by_class} == {*ground.labels.classes}}
    return tuple(read[name] for name in ground.corpora if name in read)
