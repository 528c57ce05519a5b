"""Forge a bundle and verify it: which checks notice."""

from __future__ import annotations

import copy
import tempfile
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import papers
from benchmarks.forgery import base
from benchmarks.forgery.table import BESIDE, Drill
from common.bundles import archive, checks_runs, released
from common.bundles.archive import BundleError, Contents
from common.bundles.read import assembled
from common.bundles.recompute import claimed, folds_of, score_records
from common.bundles.records import DIFFERS, FAILED, Finding
from common.bundles.schema import HEAD
from common.bundles.verify import verify
from common.protocols.controls import controls


@cache
def _honest(runs: tuple[tuple[str, int], ...], who: str) -> Contents:
    return base.contents(runs, who)


def noticed(drill: Drill, records: Contents | None = None) -> tuple[Finding, ...]:
    """The findings of a forged bundle, failed or different from an honest one, that the honest bundle does not have.

    `records` are those of the bundle to forge, by default one that is made here.
    """
    forged = copy.deepcopy(_honest(drill.runs, "first") if records is None else records)
    drill.forge(forged)
    if drill.renewed:
        renew(forged)
    files = files_of(forged)
    content = drill.pack(files) if drill.pack else archive.packed(files)
    with tempfile.TemporaryDirectory() as folder:
        paths = [Path(folder, "forged.zip")]
        paths[0].write_bytes(content)
        if drill.against == BESIDE:
            paths.append(Path(folder, "honest.zip"))
            paths[1].write_bytes(archive.packed(files_of(_honest(drill.runs, "second"))))
        result = verify(paths, papers.load, released.read())[0]
    return tuple(finding for finding in result.findings if finding.kind in (FAILED, DIFFERS))


def renew(records: Contents) -> None:
    """Compute the scores of all runs again, as a forger would, except of runs without valid predictions."""
    try:
        bundle = assembled(records)
        paper = papers.load(bundle.paper)
        profile = checks_runs.profile_of(bundle, paper)
    except BundleError:
        return
    known = {e.id: e for plain in paper.experiments for e in (plain, *controls(plain))}
    for name in sorted(set(records) - {HEAD}):
        record = records[name]
        (run,) = (r for r in bundle.runs if (r.experiment, r.seed) == (record["experiment"], record["seed"]))
        experiment = known[run.experiment]
        try:
            total = len(folds_of(experiment, run.clips, run.seed, profile.most_folds))
            scores = claimed(paper, experiment, profile, bundle.data, run.folds, total)
        except (ValueError, IndexError):
            continue
        record["scores"] = score_records(scores)


def files_of(records: Mapping[str, Any]) -> dict[str, bytes]:
    """The files of a bundle with these records, their digests computed again."""
    head = {name: value for name, value in records[HEAD].items() if name != "files"}
    return archive.sealed(head, {name: record for name, record in records.items() if name != HEAD})


def outcome(drill: Drill, records: Contents | None = None) -> str:
    """The names of the checks that notice a forgery, the expected one first; empty if none does."""
    checks = dict.fromkeys(finding.check for finding in noticed(drill, records))
    return ", ".join(sorted(checks, key=lambda name: name != drill.check))
