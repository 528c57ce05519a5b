"""List papers with their BibTeX, experiments and printed numbers, as text and as data."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from textwrap import indent

from common.cli.bibtex import bibtex
from common.contract import Claim, Paper
from common.corpora.grounds import GROUNDS
from common.profiles import as_option, settable
from common.report.formatting import many
from common.types import Experiment

_WIDTH = 80
"""Characters of a line of `overview`."""


def experiment_counts(paper: Paper) -> str:
    """Return how many experiments a paper has: `4 by default, 2 on request, 2 tuned copies`, without what it lacks."""
    tuned = sum(bool(e.tuned_of) for e in paper.experiments)
    asked = sum(e.on_request and not e.tuned_of for e in paper.experiments)
    copies = f"tuned {'copy' if tuned == 1 else 'copies'}"
    counts = ((len(paper.experiments) - asked - tuned, "by default"), (asked, "on request"), (tuned, copies))
    return ", ".join(f"{n} {what}" for n, what in counts if n)


def overview(papers: Sequence[Paper]) -> list[str]:
    """The lines of `--list`, one per paper: key, year, number of experiments and of printed numbers, networks.

    Tuned copies are not counted, and networks that run only on request not named. The last line names the grounds.
    """
    rows = []
    for paper in papers:
        own = [e for e in paper.experiments if not e.tuned_of]
        networks = list(dict.fromkeys(e.network for e in own if not e.on_request))
        rows.append((paper.key, paper.year, len(own), len(paper.claims), networks))
    wide = max((len(key) for key, *_ in rows), default=0)
    return [
        f"{start}{_named(networks, _WIDTH - len(start))}"
        for key, year, experiments, claims, networks in rows
        for start in [
            f"{key:<{wide}} {year} {many(experiments, 'experiment'):>15}, {many(claims, 'printed number'):>18}  "
        ]
    ] + [f"grounds (--ground NAME): {', '.join(GROUNDS)}"]


def all_records(papers: Sequence[Paper]) -> dict[str, object]:
    """Return what `--list --json` prints: the papers, and all grounds."""
    grounds = [
        {
            "name": ground.name,
            "title": ground.title,
            "corpora": list(ground.corpora),
            "classes": list(ground.labels.classes),
            "protocol": ground.protocol,
            "source": ground.source,
            "choice": ground.choice,
            "counts": ground.counts,
        }
        for ground in GROUNDS.values()
    ]
    return {"papers": [record(paper) for paper in papers], "grounds": grounds}


def _named(names: Sequence[str], room: int) -> str:
    """As many names as there is room for, at least one, and how many more there are."""
    text = ""
    for count in range(len(names), 0, -1):
        more = f" and {len(names) - count} more" if count < len(names) else ""
        text = ", ".join(names[:count]) + more
        if len(text) <= room:
            break
    return text


def lines(paper: Paper) -> Iterator[str]:
    """Yield the lines that `--list --paper` prints of a paper; tuned copies are only counted."""
    yield f"{paper.key}  {paper.authors}: {paper.title}. {paper.venue}, {paper.year}"
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
    yield indent(bibtex(paper), "  ")


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
