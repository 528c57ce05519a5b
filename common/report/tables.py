"""The printed numbers and scores of a report as strings, and the rows of its smaller tables."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

from common.contract import Claim
from common.report.formatting import (
    DASH,
    VERDICTS,
    corpus_name,
    cost,
    count,
    decimals,
    many,
    metric_name,
    number,
)
from common.report.records import ByOthers, Report
from common.scoring.metrics import f1_by_class
from common.scoring.records import Comparison

# ---------------------------------------------------------------- published and reproduced


def leak_free(report: Report) -> dict[tuple[str, str], bool]:
    """Return by experiment and variant whether nothing of a tested subject is in training."""
    return {(e.name, e.variant): e.leak_free for e in report.paper.experiments}


def unrequested(report: Report) -> list[dict[str, str]]:
    """Return id and title of the variants that run only on request and did not run."""
    run = {(c.experiment, c.variant) for c in report.comparisons if c.verdict != "NOT_RUN"}
    return [
        {"id": e.id, "title": e.title}
        for e in report.paper.experiments
        if e.on_request and (e.name, e.variant) not in run
    ]


def waiting(report: Report) -> list[dict[str, str]]:
    """Return the `unrequested` variants without those that --tune adds."""
    tuned = {e.id for e in report.paper.experiments if e.tuned_of}
    return [variant for variant in unrequested(report) if variant["id"] not in tuned]


def groups(report: Report) -> list[tuple[Comparison, ...]]:
    """Group the comparisons by experiment, variant and protocol, in order of appearance, one selection after the other.

    `unrequested` variants are left out.
    """
    left_out = {variant["id"] for variant in unrequested(report)}
    by_variant: dict[tuple[str, ...], dict[str, list[Comparison]]] = {}
    for c in report.comparisons:
        if f"{c.experiment}/{c.variant}" in left_out:
            continue
        by_variant.setdefault((c.experiment, c.variant, c.protocol), {}).setdefault(c.selection, []).append(c)
    return [tuple(c for part in group.values() for c in part) for group in by_variant.values()]


def cells(report: Report, c: Comparison, claim: Claim | None) -> dict[str, str]:
    """Return a comparison as strings, with the decimals and the unit of the claim beside which it stands.

    Without one, scores have three decimals. `brief` is the interval with two decimals, or one in percent; half an
    interval is none.
    """
    score, percents = c.score, claim is not None and claim.unit == "%"
    places = decimals(claim.printed) if claim else 3
    bounds = (score.low, score.high) if score else (None, None)
    bounded = all(v is not None and math.isfinite(v) for v in bounds)

    def shown(value: float | None, places: int = places) -> str:
        return number(value * 100 if percents and value is not None else value, places)

    few = min(places, 1 if percents else 2)
    return {
        "corpus": corpus_name(report, c.corpus),
        "metric": metric_name(c.metric) + (", %" if percents else ""),
        "published": c.claim.printed if c.claim else DASH,
        "reproduced": shown(score.value) if score else DASH,
        "low": shown(bounds[0]) if bounded else DASH,
        "high": shown(bounds[1]) if bounded else DASH,
        "interval": " to ".join(map(shown, bounds)) if bounded else DASH,
        "brief": " to ".join(shown(v, few) for v in bounds) if bounded else "",
        "chance": shown(score.chance) if score else DASH,
        "picks": shown(score.picks) if score else DASH,
        "clips": count(score.n_clips) if score else DASH,
        "folds": f"{count(score.n_folds_done)}/{count(score.n_folds)}" if score else DASH,
        "verdict": c.verdict,
        "label": VERDICTS.get(c.verdict, c.verdict),
    }


@dataclass(frozen=True)
class Printed:
    """A printed number, its comparison, and the first leak-free twin of its variant that has a score.

    `leak_free`: the variant is leak-free itself and has no twin.
    """

    claim: Claim
    comparison: Comparison
    twin: Comparison | None
    leak_free: bool


def printed(report: Report) -> list[Printed]:
    """Return every number that the paper prints about its own systems, in its order.

    One that the report does not compare is not run.
    """
    comparisons = {(c.experiment, c.variant, c.corpus, c.metric): c for c in report.comparisons}
    free = leak_free(report)
    rows = []
    for claim in report.paper.claims:
        where = claim.corpus, claim.metric
        twins = (
            comparisons.get((e.name, e.variant, *where))
            for e in report.paper.experiments
            if e.name == claim.experiment and e.leak_free and not e.tuned_of and e.twin_of in ("", claim.variant)
        )
        rows.append(
            Printed(
                claim,
                _compared(claim, comparisons.get((claim.experiment, claim.variant, *where))),
                next((c for c in twins if c and c.score), None),
                free.get((claim.experiment, claim.variant), False),
            )
        )
    return rows


def _compared(claim: Claim, c: Comparison | None) -> Comparison:
    """The comparison of a claim: `c`, of the same experiment, corpus and metric, if it is about this claim."""
    if c and c.claim == claim:
        return c
    return Comparison(
        experiment=claim.experiment,
        variant=claim.variant,
        corpus=claim.corpus,
        protocol=c.protocol if c else "",
        selection=c.selection if c else "",
        metric=claim.metric,
        claim=claim,
        score=None,
        verdict="NOT_RUN",
        outcome=("this number has not been compared",),
        conditions=(),
        command="",
    )


def f1_rows(report: Report) -> Iterator[dict[str, object]]:
    """Yield F1 of each class, as metric `f1_<class>`, of each experiment that ran and each of its corpora."""
    known = {(e.name, e.variant): e for e in report.paper.experiments}
    for c in report.confusions:
        e = known[c.experiment, c.variant]
        where = {"experiment": e.name, "variant": e.variant, "corpus": c.corpus}
        where |= {"protocol": e.protocol, "selection": e.selection}
        for name, value in f1_by_class(c.matrix, c.classes).items():
            yield where | {"metric": f"f1_{name}", "reproduced_value": value, "reproduced_n_clips": c.clips}


def others_of(report: Report, c: Comparison) -> ByOthers | None:
    """Return what bundles of others give for the printed number of a comparison, if it belongs to this variant."""
    return report.by_others.get(c.claim) if c.claim and c.claim.variant == c.variant else None


def by_others(report: Report, c: Comparison) -> dict[str, str]:
    """Return `others_of` as strings: a value with the decimals of the printed one, and its tier, count and date.

    Both are empty if there is none.
    """
    found = others_of(report, c)
    if c.claim is None or found is None:
        return {"value": "", "about": ""}
    value = number(found.value * (100 if c.claim.unit == "%" else 1), decimals(c.claim.printed))
    return {"value": value, "about": f"{found.tier}, {many(found.bundles, 'bundle')}, {found.date}"}


def costs(report: Report) -> list[list[str]]:
    """Return the costs of the whole run as names and values; the time of training is the sum over experiments."""
    training = [value for key, value in report.cost.items() if key.startswith("training_seconds ")]
    whole = {key: value for key, value in report.cost.items() if " " not in key}
    whole |= {"training_seconds": sum(training)} if training else {}
    return [list(cost(key, value)) for key, value in whole.items()]
