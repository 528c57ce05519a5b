"""Verify bundles on any machine, without the corpora: every check is one line, and each bundle gets a tier."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from common.bundles import checks_data, checks_runs, checks_training, compare, private
from common.bundles.archive import BundleError, contents
from common.bundles.read import assembled
from common.bundles.records import (
    CLAIMED,
    CONSISTENT,
    CORROBORATED,
    FAILED,
    NOTE,
    TIERS,
    Bundle,
    BundleRun,
    Finding,
    Verified,
)
from common.contract import Paper, Profile
from common.corpora.marker import REAL_MOTION, STAND_IN
from common.errors import UserError, printable
from common.protocols.controls import controls
from common.types import Experiment

Released = Mapping[str, Mapping[str, str]]
"""Digests of the source code by version and paper."""
SHOWN = 20
"""Maximum number of lines per check and bundle."""


def verify(
    paths: Sequence[Path],
    load: Callable[[str], Paper],
    released: Released,
    listed: Mapping[str, str] | None = None,
) -> tuple[Verified, ...]:
    """Verify bundles, each alone and then with the others of the same paper, in the order of `paths`.

    `load` returns a paper by its key and raises UserError if there is none. `listed` are published classes of the MEGC
    2019 composite by clip id. Nothing is written, and no corpus is needed.
    """
    return together(each(paths, load, released, listed))


def each(
    paths: Sequence[Path],
    load: Callable[[str], Paper],
    released: Released,
    listed: Mapping[str, str] | None = None,
) -> list[Verified]:
    """Verify bundles, each alone, as in `verify`."""
    names = _names(paths)
    return [verify_one(path, name, load, released, listed or {}) for path, name in zip(paths, names, strict=True)]


def together(alone: Sequence[Verified]) -> tuple[Verified, ...]:
    """Compare bundles that were verified alone with each other."""
    return tuple(_with_others(entry, [other for other in alone if other is not entry]) for entry in alone)


def verify_one(
    path: Path, name: str, load: Callable[[str], Paper], released: Released, listed: Mapping[str, str]
) -> Verified:
    """Verify one bundle by itself; a file that cannot be read has the finding `format`."""
    try:
        records = contents(path)
        bundle = assembled(records)
        paper = load(bundle.paper)
    except BundleError as error:
        return Verified(name, None, (Finding(FAILED, "format", str(error)),))
    except UserError as error:
        return Verified(name, None, (Finding(FAILED, "paper", str(error)),))
    except OSError as error:
        return Verified(name, None, (Finding(FAILED, "format", error.strerror or "cannot be read"),))
    findings = tuple(
        Finding(FAILED, "privacy", f"{file} contains {phrase}")
        for file, record in records.items()
        for phrase in private.scan(record)
    )
    return verified(name, bundle, paper, released, listed, findings)


def verified(
    name: str,
    bundle: Bundle,
    paper: Paper,
    released: Released,
    listed: Mapping[str, str],
    findings: Sequence[Finding] = (),
) -> Verified:
    """The result for a bundle that could be read; `findings` are those of its file."""
    try:
        profile = checks_runs.profile_of(bundle, paper)
    except UserError as error:
        findings = (*findings, Finding(FAILED, "settings", str(error)))
        return Verified(name, bundle, tuple(findings), dict.fromkeys(bundle.experiments, CLAIMED))
    every = [
        *findings,
        *checks_runs.code(bundle, released),
        *checks_runs.day(bundle),
        *checks_runs.profile_lines(bundle, paper, profile),
        *checks_data.digests(bundle),
        *checks_training.copies(bundle),
    ]
    known = {e.id: e for plain in paper.experiments for e in (plain, *controls(plain))}
    for run in bundle.runs:
        experiment = known.get(run.experiment)
        every += (
            [Finding(FAILED, "paper", f"{paper.key} has no experiment {run.experiment}", run.experiment)]
            if experiment is None
            else [_of(run, finding) for finding in _run(bundle, run, paper, experiment, profile, listed)]
        )
    for experiment_id in bundle.experiments:
        if experiment := known.get(experiment_id):
            same = checks_training.seeds(bundle.of(experiment_id), experiment)
            every += [Finding(f.kind, f.check, f.text, experiment_id) for f in same]
    whole = any(f.kind == FAILED and not f.experiment for f in every)
    failed = {f.experiment for f in every if f.kind == FAILED}
    tiers = {e: CLAIMED if whole or e in failed else CONSISTENT for e in bundle.experiments}
    return Verified(name, bundle, tuple(dict.fromkeys(every)), tiers)


def _run(
    bundle: Bundle,
    run: BundleRun,
    paper: Paper,
    experiment: Experiment,
    profile: Profile,
    listed: Mapping[str, str],
) -> Iterator[Finding]:
    first = [*checks_data.clips(bundle, run, experiment, profile), *checks_data.predictions(run, experiment)]
    yield from first
    yield from checks_runs.settings(run, experiment, profile)
    yield from checks_training.histories(run, experiment)
    yield from checks_training.curves(run, experiment)
    yield from checks_training.trials(run, experiment, profile)
    yield from checks_runs.times(run, experiment)
    yield from checks_runs.environment(run)
    if run.seed < 0:
        yield Finding(FAILED, "seeds", f"{run.name}: seeds are at least 0")
    elif not any(f.kind == FAILED and f.check in ("labels", "predictions") for f in first):
        yield from checks_data.labels(run, experiment, listed if bundle.data == "licensed" else {})
        yield from checks_data.folds(run, experiment, profile)
        yield from checks_runs.scores(bundle, run, paper, experiment, profile)
    else:
        yield Finding(NOTE, "scores", f"{run.name}: not recomputed, because its predictions are not valid")


def _of(run: BundleRun, finding: Finding) -> Finding:
    return Finding(finding.kind, finding.check, finding.text, run.experiment)


def _with_others(entry: Verified, others: Sequence[Verified]) -> Verified:
    """The result with the differences from other bundles of the same paper, and experiments that are corroborated."""
    bundle = entry.bundle
    if bundle is None:
        return entry
    findings, tiers = [*entry.findings], dict(entry.tiers)
    for other in others:
        second = other.bundle
        if second is None or second.data != bundle.data or second.paper != bundle.paper:
            continue
        differences = [
            *compare.files(bundle, second, other.file),
            *compare.clips(bundle, second, other.file),
            *compare.networks(bundle, second, other.file),
            *compare.copied(bundle, second, other.file),
        ]
        findings += differences
        for experiment in bundle.experiments:
            if experiment not in second.experiments or min(
                TIERS.index(tier) for tier in (entry.tiers[experiment], other.tiers[experiment])
            ) < TIERS.index(CONSISTENT):
                continue
            apart = [f for f in differences if f.experiment == experiment]
            if why := f"see {apart[0].check}" if apart else compare.disagreement(bundle, second, experiment):
                text = f"{experiment}: not corroborated by {other.file}: {why}"
                findings.append(Finding(NOTE, "corroboration", text, experiment))
            else:
                tiers[experiment] = CORROBORATED
    return Verified(entry.file, bundle, tuple(dict.fromkeys(findings)), tiers)


def _names(paths: Sequence[Path]) -> list[str]:
    """How the files are named in messages: without folders, unless two of them have the same name."""
    short = [path.name for path in paths]
    return short if len(set(short)) == len(short) else [str(path) for path in paths]


def lines(results: Sequence[Verified]) -> list[str]:
    """The results as text: one line per finding, up to a limit, then the tier of each bundle."""
    text: list[str] = []
    for result in results:
        text += _listed(result)
    for result in results:
        experiments = ", ".join(f"{name} {tier}" for name, tier in result.tiers.items())
        about = f" ({experiments})" if len(set(result.tiers.values())) > 1 else ""
        stand_in = (
            "; stand-ins: no statement about the published numbers"
            if result.standing in (STAND_IN, REAL_MOTION)
            else ""
        )
        text.append(f"{result.file}: {result.tier}{about}{stand_in}")
    return [printable(line) for line in text]


def _listed(result: Verified) -> Iterator[str]:
    """One line per finding, but not more than `SHOWN` of each check."""
    counts = Counter((f.kind, f.check) for f in result.findings)
    seen = Counter[tuple[str, str]]()
    for f in result.findings:
        seen[f.kind, f.check] += 1
        if seen[f.kind, f.check] <= SHOWN:
            yield f"{result.file}: {f.kind} {f.check}: {f.text}"
    for (kind, check), count in counts.items():
        if count > SHOWN:
            yield f"{result.file}: {kind} {check}: {count - SHOWN} more; --json prints all"


def record(results: Sequence[Verified]) -> dict[str, Any]:
    """The results for --json."""
    return {
        "bundles": [
            {
                "file": result.file,
                "tier": result.tier,
                "standing": result.standing,
                "experiments": dict(result.tiers),
                "paper": result.bundle and result.bundle.paper,
                "data": result.bundle and result.bundle.data,
                "profile": result.bundle and result.bundle.profile,
                "seeds": result.bundle and list(result.bundle.seeds),
                "date": result.bundle and result.bundle.date,
                "findings": [
                    {"kind": f.kind, "check": f.check, "text": f.text, "experiment": f.experiment}
                    for f in result.findings
                ],
            }
            for result in results
        ]
    }
