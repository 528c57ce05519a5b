"""Methods whose predictions on the real corpora are public, next to networks that ran on the real corpora."""

from __future__ import annotations

from typing import Any

from common.corpora.composite import DOCUMENTED, MEGC2019
from common.report import formatting
from common.report.records import SideBySide
from common.scoring import public
from common.scoring.records import PairedTest, Score

METRICS = ("uf1", "uar")


def table(side: SideBySide) -> dict[str, Any]:
    """Their scores, and the difference in UF1 of each contender from each of them; empty on stand-ins."""
    names = [MEGC2019.name, *DOCUMENTED]
    return {
        "corpora": [formatting.corpus_name(side, name) for name in names],
        "rows": [
            {
                "title": reference.title,
                "selection": public.rule(
                    reference.selection, reference.leak_free, reference.scores[MEGC2019.name]["uf1"]
                ),
                "clips": formatting.count(reference.scores[MEGC2019.name]["uf1"].n_clips),
                "scores": [_shown(reference.scores[MEGC2019.name][metric]) for metric in METRICS],
                "parts": [formatting.number(reference.scores[name]["uf1"].value, 4) for name in DOCUMENTED],
                "source": reference.source,
            }
            for reference in side.references
        ],
        "differences": [
            [_difference(reference.tests.get(f"{c.paper}/{c.experiment}")) for reference in side.references]
            for c in side.contenders
        ],
    }


def _shown(score: Score) -> dict[str, str]:
    return {"value": formatting.number(score.value, 4), "interval": formatting.interval(score.low, score.high, 4)}


def _difference(test: PairedTest | None) -> str:
    if test is None:
        return formatting.DASH
    sign = "+" if test.difference > 0 else ""
    return f"{sign}{formatting.number(test.difference, 4)} (p {formatting.probability(test.adjusted)})"
