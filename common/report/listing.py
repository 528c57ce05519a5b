"""List papers with their BibTeX, experiments and printed numbers, as text and as data."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from dataclasses import asdict
from textwrap import indent

from common.contract import Claim, Paper
from common.profiles import as_option, settable
from common.report.bibtex import bibtex
from common.types import Experiment


def experiment_counts(paper: Paper) -> str:
    """Return how many experiments a paper has: `4 by default, 2 on request, 2 tuned copies`, without what it lacks."""
    tuned = sum(bool(e.tuned_of) for e in paper.experiments)
    asked = sum(e.on_request and not e.tuned_of for e in paper.experiments)
    copies = f"tuned {'copy' if tuned == 1 else 'copies'}"
    counts = ((len(paper.experiments) - asked - tuned, "by default"), (asked, "on request"), (tuned, copies))
    return ", ".join(f"{n} {what}" for n, what in counts if n)


def lines(paper: Paper) -> Iterator[str]:
    """Yield the lines that `--list` prints of a paper; tuned copies are only counted."""
    yield f"{paper.key}  {paper.authors}: {paper.title}. {paper.venue}, {paper.year}"
    yield indent(bibtex(paper), "  ")
    values = paper.profiles["paper"].settings.values()
    yield f"  settings: {shlex.join(as_option(name, values[name]) for name in settable(paper.profiles['paper']))}"
    yield f"  experiments: {experiment_counts(paper)}"
    for e in paper.experiments:
        if e.tuned_of:
            continue
        free = ("leak-free" if e.leak_free else "not leak-free") + (", on request" if e.on_request else "")
        yield f"  {e.id}  {e.title} ({e.protocol}, {e.selection}, {free})"
        for claim in _claims(paper, e):
            yield f"    published {claim.metric} on {claim.corpus}: {claim.printed}{claim.unit} ({claim.source})"
    if tuned := sum(bool(e.tuned_of) for e in paper.experiments):
        yield f"  and {tuned} with their settings tuned, which --tune adds; --json names them"


def record(paper: Paper) -> dict[str, object]:
    """Return a paper as in `--list --json`, with all experiments."""
    return {
        "key": paper.key,
        "title": paper.title,
        "authors": paper.authors,
        "venue": paper.venue,
        "year": paper.year,
        "url": paper.url,
        "bibtex": bibtex(paper),
        "profiles": list(paper.profiles),
        "settings": {
            name: {profile.name: profile.settings.values()[name] for profile in paper.profiles.values()}
            for name in settable(paper.profiles["paper"])
        },
        "experiments": [
            {
                "name": e.name,
                "variant": e.variant,
                "title": e.title,
                "corpora": list(e.corpora),
                "classes": list(e.labels.classes),
                "protocol": e.protocol,
                "selection": e.selection,
                "leak_free": e.leak_free,
                "on_request": e.on_request,
                "settings": asdict(e)["settings"],
                "space": dict(e.space),
                "published": [
                    {"corpus": c.corpus, "metric": c.metric, "value": c.value, "source": c.source}
                    for c in _claims(paper, e)
                ],
            }
            for e in paper.experiments
        ],
    }


def _claims(paper: Paper, experiment: Experiment) -> list[Claim]:
    return [c for c in paper.claims if (c.experiment, c.variant) == (experiment.name, experiment.variant)]
