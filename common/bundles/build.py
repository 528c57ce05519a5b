"""Build a bundle from the stored folds of finished experiments. Trains nothing and reads no image."""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from common import corpora
from common.bundles import archive, private, released
from common.bundles.recompute import claimed, folds_of, public, score_records
from common.bundles.schema import CLIP_ID, ENVIRONMENT, FORMAT, HEAD, HEAD_SCHEMA, RUN_SCHEMA, VERSION
from common.contract import Paper, Profile
from common.environment import code_digest
from common.errors import UserError
from common.files import write_atomically
from common.json_schema import UnexpectedFormat, parsed
from common.protocols.controls import controls
from common.runs.cache import digest
from common.runs.manifest import same_options
from common.runs.plan import asked
from common.runs.results import Finished, Results
from common.scoring import histories
from common.types import Experiment, FoldResult

_PLATFORM = re.compile(r"(Linux|macOS|Darwin|Windows|FreeBSD)?.*?(x86_64|amd64|AMD64|arm64|aarch64|ppc64le|$)")


@dataclass(frozen=True)
class Prepared:
    """The files of a bundle by name, and lines on what they contain and what was left out."""

    files: Mapping[str, bytes]
    lines: tuple[str, ...]


def prepare(
    out: Path,
    paper: Paper,
    profile: Profile,
    sources: Sequence[str],
    seeds: Sequence[int],
    data: str,
    folder: Path | None,
    placed: Mapping[str, Path],
    names: Sequence[str] = (),
) -> Prepared:
    """Collect the finished experiments of a paper below `out`, only those of these `names` if there are any.

    `sources` are the source files of the paper. `data` is one of the kinds in `marker`, `folder` holds the corpora, or
    is None for generated stand-ins; no image is opened. Raises UserError if nothing has finished, if results are of
    other data or source code, and if anything that must not be in a bundle is found in it.
    """
    gathered = _Gathered(folder)
    for seed in seeds:
        results = Results(out, paper, profile, data, (seed,))
        plan = results.plan()
        if not plan or not same_options(plan, profile):
            continue
        if folder and plan["data"] != str(folder.absolute()):
            raise UserError(f"the results in {out} were made from {plan['data']}; run {folder} first")
        gathered.folder = Path(plan["data"])
        gathered.excluded |= {
            e.clip: _reason(e.reason, e.fault) for e in plan["exclusions"] if CLIP_ID.fullmatch(e.clip)
        }
        for experiment in _experiments(paper, names):
            stored = results.of(experiment)
            if stored.results and "key" in stored.about:
                _add(gathered, paper, experiment, profile, data, stored, code_digest(sources))
    if not gathered.runs or gathered.folder is None:
        raise UserError(f"no experiment of {paper.key} has finished below {out} with these options; run it first")
    head = {
        "format": FORMAT,
        "schema": VERSION,
        "paper": paper.key,
        "data": data,
        "profile": profile.name,
        "options": [[name, _public(name, value)] for name, value in profile.options if name != "--as"],
        "version": released.current(),
        "sources": released.sources_digest(sources),
        "copy": copy_id(gathered.folder, sorted(gathered.corpora), placed),
        "date": datetime.fromtimestamp(max(gathered.times), UTC).date().isoformat(),
        "digests": gathered.digests,
        "excluded": {
            clip: why for clip, why in gathered.excluded.items() if clip.partition("/")[0] in gathered.sources
        },
    }
    files = archive.sealed(head, gathered.runs)
    check(files)
    return Prepared(files, (*gathered.lines, *_common_lines(head)))


@dataclass
class _Gathered:
    """What has been collected for a bundle.

    `sources` are the corpora of the clips, where `corpora` may be collections of several; `times` are those at which
    folds finished, in seconds.
    """

    folder: Path | None
    runs: dict[str, dict[str, Any]] = field(default_factory=dict)
    digests: dict[str, list[str]] = field(default_factory=dict)
    excluded: dict[str, str] = field(default_factory=dict)
    times: list[float] = field(default_factory=list)
    corpora: set[str] = field(default_factory=set)
    sources: set[str] = field(default_factory=set)
    lines: list[str] = field(default_factory=list)


def _add(
    gathered: _Gathered, paper: Paper, experiment: Experiment, profile: Profile, data: str, stored: Finished, code: str
) -> None:
    """Add a run if it has finished; else a line says that it has not."""
    key, name = stored.about["key"], f"{paper.key} {experiment.id}"
    if digest(key)[:16] != stored.run.path.name:
        raise UserError(f"{stored.run.path}: run.json was changed; run {name} again")
    if key["code"] != code:
        raise UserError(f"{name} was run with other source code; run it again, or make the bundle with that version")
    unusable = sorted(row["clip"] for row in stored.about["exclusions"])
    clips = [(clip, label) for clip, label, *_ in key["clips"] if clip not in set(unusable)]
    made = folds_of(experiment, clips, key["seed"], profile.most_folds)
    folds = asked([fold.name for fold in made], profile, experiment)
    done = {result.fold: result for result in stored.results}
    where = f"{experiment.id} seed {key['seed']}"
    if missing := [fold for fold in folds if fold not in done]:
        gathered.lines.append(f"left out, not finished: {where} ({len(missing)} folds are missing)")
        return
    for clip, _, files, *annotation in key["clips"]:
        pair = [files, digest(annotation[:6])[:2]]  # without the frames that a control shows instead
        if gathered.digests.setdefault(clip, pair) != pair:
            raise UserError(f"{clip} changed between the runs of two experiments; run {paper.key} again")
    results = [done[fold] for fold in folds]
    record = run_record(paper, experiment, profile, data, key, clips, unusable, results)
    gathered.runs[f"run-{len(gathered.runs) + 1:04}.json"] = record
    gathered.excluded |= dict.fromkeys(unusable, "faulty")
    gathered.times += [stored.run.fold_file(fold).stat().st_mtime for fold in folds]
    gathered.corpora |= set(experiment.corpora)
    gathered.sources |= set(experiment.collected_from or experiment.corpora)
    gathered.lines.append(_line(where, record))


def _line(where: str, record: Mapping[str, Any]) -> str:
    folds = record["folds"]
    values = sum(len(v) for fold in folds for metrics in fold["history"].values() for v in metrics.values())
    return (
        f"{where}: {len(record['clips'])} clip ids and classes, {len(folds)} folds with "
        f"{sum(len(fold['clips']) for fold in folds)} predictions, {values} values of training histories, seconds and "
        f"counts; settings; {len(record['scores'])} scores"
    )


def write(path: Path, prepared: Prepared) -> int:
    """Write the bundle; returns its size in bytes. Equal contents give equal bytes."""
    content = archive.packed(prepared.files)
    write_atomically(path, lambda temporary: temporary.write_bytes(content))
    return len(content)


def check(files: Mapping[str, bytes]) -> None:
    """Raise UserError if a bundle's files contain a path, a name or an image, or are not in the documented format."""
    for name, content in files.items():
        record = json.loads(content)
        for phrase in private.scan(record, private.own_names()):
            raise UserError(f"nothing was written: {name} would contain {phrase}, which no bundle may contain")
        try:
            parsed(content.decode(), HEAD_SCHEMA if name == HEAD else RUN_SCHEMA)
        except UnexpectedFormat:
            raise UserError(f"nothing was written: {name} would not have the format of a bundle") from None


def copy_id(folder: Path, names: Sequence[str], placed: Mapping[str, Path]) -> str:
    """SHA-256 (hex) of when the file system recorded each file of the corpora, which differs for every copy of them.

    Times of change are in nanoseconds on most systems, so that nothing can be inferred from the digest.
    """
    times = []
    for root in sorted(set(corpora.find(folder, names, placed).values())):
        for path, _, files in os.walk(root, followlinks=True):
            times += [os.stat(os.path.join(path, file)).st_ctime_ns for file in files]
    return hashlib.sha256(json.dumps(sorted(times)).encode()).hexdigest()


def _experiments(paper: Paper, names: Sequence[str]) -> list[Experiment]:
    every = [e for plain in paper.experiments for e in (plain, *controls(plain))]
    return [e for e in every if not names or e.id in names or (e.name in names and not e.control)]


def run_record(
    paper: Paper,
    experiment: Experiment,
    profile: Profile,
    data: str,
    key: Mapping[str, Any],
    clips: Sequence[tuple[str, int]],
    unusable: Sequence[str],
    results: Sequence[FoldResult],
) -> dict[str, Any]:
    """A run as in a bundle; `key` is that of the run, of which only seed, motion and settings are used."""
    total = len(folds_of(experiment, clips, key["seed"], profile.most_folds))
    scores = claimed(paper, experiment, profile, data, results, total)
    return {
        "experiment": experiment.id,
        "seed": key["seed"],
        "motion": key["motion"],
        "settings": public(key["settings"]),
        "clips": [list(pair) for pair in clips],
        "unusable": list(unusable),
        "folds": [fold_record(result) for result in results],
        "scores": score_records(scores),
    }


def fold_record(result: FoldResult) -> dict[str, Any]:
    """A fold as in a bundle: as stored, without its digest and with the allowed fields of the environment."""
    environment = {name: result.environment[name] for name in ENVIRONMENT if name in result.environment}
    if "platform" in environment and (known := _PLATFORM.match(environment["platform"])):
        environment["platform"] = "-".join(part for part in known.groups() if part) or "other"
    record = {
        "fold": result.fold,
        "clips": list(result.clips),
        "truth": result.truth.tolist(),
        "probabilities": [[float(p) for p in row] for row in result.probabilities],
        "history": histories.as_json(result.history),
        "seconds": result.seconds,
        "measured": dict(result.measured),
        "environment": environment,
        "trials": [asdict(trial) for trial in result.trials],
        "caveats": list(result.caveats),
    }
    return record | ({} if result.relabelled is None else {"relabelled": result.relabelled.tolist()})


def _reason(text: str, fault: bool) -> str:
    return "faulty" if fault else "too short" if text.startswith("fewer than ") else "no class"


def _public(name: str, value: str) -> str:
    return "files" if name == "--weights" and value not in ("imagenet", "none") else value


def _common_lines(head: Mapping[str, Any]) -> list[str]:
    return [
        f"SHA-256 of the files of {len(head['digests'])} clips, two digits of that of their annotation; "
        f"ids of {len(head['excluded'])} clips that are not used, each with one of three reasons",
        f"paper, profile, options, version; digests of the source code ({head['sources'][:8]}…) and of when the "
        f"corpora were copied to this disk ({head['copy'][:8]}…); the day of the last fold, {head['date']}",
        f"of the environment: {', '.join(ENVIRONMENT)}",
    ]
