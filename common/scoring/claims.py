"""Reading a paper's paper.toml, claims.toml and departures.toml."""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from common.contract import Checks, CitedRow, Claim, Departure, Paper, Profile, Reference
from common.errors import UserError
from common.types import Experiment

Keys = Mapping[str, "Keys | None"]
"""The keys that a table may have, each with those of the tables within; None: anything."""
ANY = "*"
"""Stands for every key of a table, such as the names of corpora."""


def keys(*names: str) -> dict[str, Keys | None]:
    """Keys whose values may be anything."""
    return dict.fromkeys(names)


@dataclass(frozen=True)
class Claims:
    """Printed numbers of a paper: results of its own systems, rows it cites, and facts that an audit can check."""

    claims: tuple[Claim, ...]
    cited: tuple[CitedRow, ...]
    facts: Mapping[str, Any]


TEXTS = ("title", "authors", "venue", "year", "url", "summary", "images")
"""The entries of a paper.toml, apart from its [reference]."""


def read_paper(
    folder: Path,
    experiments: Sequence[Experiment],
    profiles: Mapping[str, Profile],
    checks: Checks | None = None,
    known: Keys | None = None,
) -> Paper:
    """Read a paper from its folder, whose name is the paper's key; `known` are the facts that checks read.

    Raises UserError for other facts, and ValueError if paper.toml has other names than `TEXTS` and a [reference], or an
    experiment has a setting that the profiles do not have.
    """
    path = folder / "paper.toml"
    with path.open("rb") as file:
        record = tomllib.load(file)
    reference = record.pop("reference", {})
    if set(record) != set(TEXTS) or set(reference) != {"kind", "authors", "details"}:
        raise ValueError(
            f"{path}: must contain only {', '.join(TEXTS)} and a [reference] with kind, authors and details"
        )
    for experiment in experiments:
        try:
            profiles["paper"].settings.having(experiment.settings)
        except ValueError as error:
            raise ValueError(f"{folder.name} {experiment.id}: {error}") from None
    claims = read_claims(folder / "claims.toml", known)
    return Paper(
        key=folder.name,
        experiments=tuple(experiments),
        profiles=profiles,
        claims=claims.claims,
        cited=claims.cited,
        facts=claims.facts,
        departures=read_departures(folder / "departures.toml"),
        reference=Reference(reference["kind"], tuple(reference["authors"]), reference["details"]),
        checks=checks,
        **record,
    )


def read_claims(path: Path, known: Keys | None = None) -> Claims:
    """Read a claims file.

    Each [[claims]] names experiment, variant, metric and source, and gives one number per corpus (as strings, to keep
    the printed digits), in percent with unit = "%". Numbers of clips come from its n_clips per corpus, else from
    [facts.class_counts]. `also` names further experiments that are compared with these numbers; `not_comparable` says
    why they cannot be compared with what their metric measures. Each [[cited]] is one quoted row, with numbers as
    printed; the facts include these rows too (`cited`), because the text compares its own numbers with them;
    `predictions` names a method of `common/scoring/predictions`.

    With the keys that facts may have (`known`), raises UserError for any other one: no check would read it. [facts] may
    have `sources`, the place of each fact.
    """
    with path.open("rb") as file:
        record = tomllib.load(file)
    if known is not None:
        whole: Keys = {**keys("claims", "cited"), "facts": {**known, "sources": keys(*known)}}
        _check(path, "", record, whole)
    facts = record.get("facts", {})
    cited = tuple(
        CitedRow(row["method"], row["printed"], row["source"], row.get("predictions", ""))
        for row in record.get("cited", [])
    )
    clips = {corpus: sum(counts.values()) for corpus, counts in facts.get("class_counts", {}).items()}
    return Claims(
        claims=tuple(
            Claim(
                experiment=experiment,
                variant=row["variant"],
                corpus=corpus,
                metric=row["metric"],
                printed=printed,
                source=row["source"],
                n_clips=row.get("n_clips", clips).get(corpus),
                note=row.get("note", ""),
                unit=row.get("unit", ""),
                not_comparable=row.get("not_comparable", ""),
                repeated=experiment != row["experiment"],
            )
            for row in record.get("claims", [])
            for experiment in (row["experiment"], *row.get("also", ()))
            for corpus, printed in row["printed"].items()
        ),
        cited=cited,
        facts={**facts, "cited": cited},
    )


def _check(path: Path, table: str, record: Any, known: Keys) -> None:
    """Raise UserError for a key of a table, of several tables in a list, or of those within, that is not known."""
    for row in record if isinstance(record, list) else [record]:
        for name, value in row.items() if isinstance(row, Mapping) else ():
            if name not in known and ANY not in known:
                near = difflib.get_close_matches(name, known, 1)
                what = f"did you mean {near[0]}?" if near else "declare it in FACTS of the module that reads it"
                raise UserError(f"{path}: no check reads the key {name}{f' of [{table}]' if table else ''}; {what}")
            if within := known.get(name, known.get(ANY)):
                _check(path, f"{table}.{name}".lstrip("."), value, within)


def read_departures(path: Path) -> tuple[Departure, ...]:
    """Read a departures file; departures are numbered in the order of the file."""
    with path.open("rb") as file:
        rows = tomllib.load(file)["departures"]
    return tuple(
        Departure(number, row["topic"], row["paper_says"], row["we_do"], row["why"])
        for number, row in enumerate(rows, start=1)
    )
