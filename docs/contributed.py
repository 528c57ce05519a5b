"""Rows of the leaderboard from the bundles in results/: scores on the real corpora that others contributed."""

from __future__ import annotations

from pathlib import Path

import papers
from common.bundles import others, released
from common.contract import Paper
from common.corpora.composite import DOCUMENTED, MEGC2019
from common.report.formatting import many, selection_name
from common.scoring import public
from common.scoring.verdicts import is_composite
from common.types import Experiment
from docs.generate import code, plain

FOLDER = Path(__file__).resolve().parents[1] / "results"


def counted() -> others.Counted:
    """The bundles in the folder that count."""
    return others.read([FOLDER], papers.load, released.read(), public.composite_classes())


def rows(bundles: others.Counted) -> list[tuple[str, ...]]:
    """A row for each experiment on the MEGC 2019 composite that bundles have, with the cells of the leaderboard."""
    loaded = [papers.load(key) for key in papers.available()]
    every = [_row(bundles, paper, e) for paper in loaded for e in paper.experiments if is_composite(e)]
    return [row for row in every if row]


def _row(bundles: others.Counted, paper: Paper, experiment: Experiment) -> tuple[str, ...]:
    columns = [(MEGC2019.name, "uf1"), (MEGC2019.name, "uar"), *((corpus, "uf1") for corpus in DOCUMENTED)]
    scores = [others.scores(bundles, paper, experiment, where) for where in columns]
    whole = scores[0]
    if whole is None:
        return ()
    rules = f"{experiment.protocol}, {selection_name(experiment.selection)}"
    clips = sorted(
        {
            run.scores[columns[0]].n_clips
            for entry in bundles.bundles
            if entry.bundle and entry.bundle.paper == paper.key
            for run in entry.bundle.of(experiment.id)
            if columns[0] in run.scores
        }
    )
    return (
        f"{code(paper.key)} {plain(experiment.network)}, {code(experiment.id)}",
        f"{whole.tier}, {many(whole.bundles, 'bundle')}, {whole.date}",
        plain(rules) + " (not leak-free)" * (not experiment.leak_free),
        " or ".join(map(str, clips)),
        *(f"{score.value:.4f}" if score else "" for score in scores),
    )


def sentence(bundles: others.Counted) -> str:
    """How many bundles the leaderboard has."""
    number = len(bundles.bundles)
    if not number:
        return "No bundle of a run on the real corpora has been contributed yet."
    verb = "was" if number == 1 else "were"
    return f"{many(number, 'bundle')} of runs on the real corpora, or on public flow maps of them, {verb} contributed."
