"""Build a bundle from the stored folds of finished experiments. Trains nothing and reads no image."""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from common import corpora
from common.bundles import archive, private, released
from common.bundles.recompute import claimed, folds_of, public
from common.bundles.schema import CLIP_ID, ENVIRONMENT, FORMAT, HEAD, HEAD_SCHEMA, RUN_SCHEMA, VERSION
from common.contract import Paper, Profile
from common.environment import code_digest
from common.errors import UserError
from common.files import write_atomically
from common.json_schema import UnexpectedFormat, parsed
from common.protocols.controls import controls
from common.runs.cache import digest
from common.runs.manifest import finished, plan_file, read_plan, same_options
from common.runs.plan import asked
from common.runs.store import Run
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

    `sources` are the source files of the paper. `data` is "licensed" or "stand-in", `folder` holds the corpora, or is
    None for generated stand-ins; no image is opened. Raises UserError if nothing has finished, if results are of other
    data or source code, and if anything that must not be in a bundle is found in it.
    """
    made_from = folder
    lines: list[str] = []
    runs: dict[str, dict[str, Any]] = {}
    digests: dict[str, list[str]] = {}
    excluded: dict[str, str] = {}
    days: list[float] = []
    read: set[str] = set()
    for seed in seeds:
        plan = read_plan(plan_file(out, paper, profile, data, seed))
        if not plan or not same_options(plan, profile):
            continue
        made_from = Path(plan["data"])
        if folder and made_from != folder.absolute():
            raise UserError(f"the results in {out} were made from {made_from}; run {folder} first")
        excluded |= {e.clip: _reason(e.reason, e.fault) for e in plan["exclusions"] if CLIP_ID.fullmatch(e.clip)}
        for experiment in _experiments(paper, names):
            stored = finished(out, paper, experiment, plan)
            key = stored.about.get("key")
            if not stored.results or not isinstance(key, dict):
                continue
            if digest(key)[:16] != stored.run.path.name:
                raise UserError(f"{stored.run.path}: run.json was changed; run {paper.key} {experiment.id} again")
            if key["code"] != code_digest(sources):
                raise UserError(
                    f"{paper.key} {experiment.id} was run with other source code; run it again with this version, or "
                    "make the bundle with that one"
                )
            unusable = sorted(row["clip"] for row in stored.about["exclusions"])
            clips = [(clip, label) for clip, label, *_ in key["clips"] if clip not in set(unusable)]
            folds = asked([fold.name for fold in folds_of(experiment, clips, seed)], profile, experiment)
            done = {result.fold: result for result in stored.results}
            if missing := [fold for fold in folds if fold not in done]:
                lines.append(f"left out, not finished: {experiment.id} seed {seed} ({len(missing)} folds are missing)")
                continue
            results = [done[fold] for fold in folds]
            for clip, _, files, *annotation in key["clips"]:
                if digests.setdefault(clip, [files, digest(annotation[:6])]) != [files, digest(annotation[:6])]:
                    raise UserError(f"{clip} changed between the runs of two experiments; run {paper.key} again")
            excluded |= dict.fromkeys(unusable, "faulty")
            record = run_record(paper, experiment, profile, data, key, clips, unusable, results)
            runs[f"run-{len(runs) + 1:04}.json"] = record
            days += [_finished(stored.run, fold) for fold in folds]
            read |= set(experiment.corpora)
            lines.append(_line(experiment, seed, clips, results, len(record["scores"])))
    if not runs or made_from is None:
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
        "copy": copy_id(made_from, sorted(read), placed),
        "date": datetime.fromtimestamp(max(days), UTC).date().isoformat(),
        "digests": digests,
        "excluded": {clip: why for clip, why in excluded.items() if clip.partition("/")[0] in read},
    }
    files = archive.sealed(head, runs)
    check(files)
    return Prepared(files, (*lines, *_common_lines(head)))


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
    total = len(folds_of(experiment, clips, key["seed"]))
    scores = claimed(paper, experiment, profile, data, results, total)
    return {
        "experiment": experiment.id,
        "seed": key["seed"],
        "motion": key["motion"],
        "settings": public(key["settings"]),
        "clips": [list(pair) for pair in clips],
        "unusable": list(unusable),
        "folds": [fold_record(result) for result in results],
        "scores": [{"corpus": corpus, **asdict(score)} for (corpus, _), score in scores.items()],
    }


def fold_record(result: FoldResult) -> dict[str, Any]:
    """A fold as in a bundle: as stored, without its digest and with the allowed fields of the environment."""
    environment = {name: result.environment[name] for name in ENVIRONMENT if name in result.environment}
    if "platform" in environment and (found := _PLATFORM.match(environment["platform"])):
        environment["platform"] = "-".join(part for part in found.groups() if part) or "other"
    return {
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


def _reason(text: str, fault: bool) -> str:
    return "faulty" if fault else "too short" if text.startswith("fewer than ") else "no class"


def _public(name: str, value: str) -> str:
    return "files" if name == "--weights" and value not in ("imagenet", "none") else value


def _finished(run: Run, fold: str) -> float:
    return run.fold_file(fold).stat().st_mtime


def _line(
    experiment: Experiment,
    seed: int,
    clips: Sequence[tuple[str, int]],
    results: Sequence[FoldResult],
    scores: int,
) -> str:
    epochs = sum(len(values) for r in results for metrics in r.history.values() for values in metrics.values())
    predictions = sum(len(r.clips) for r in results)
    return (
        f"{experiment.id} seed {seed}: {len(clips)} clip ids and classes, {len(results)} folds with {predictions} "
        f"predictions, {epochs} values of training histories, seconds and counts; settings; {scores} scores"
    )


def _common_lines(head: Mapping[str, Any]) -> list[str]:
    return [
        f"SHA-256 of the files and of the annotation of {len(head['digests'])} clips; "
        f"ids of {len(head['excluded'])} clips that are not used, each with one of three reasons",
        f"paper, profile, options, version; digests of the source code ({head['sources'][:8]}…) and of when the "
        f"corpora were copied to this disk ({head['copy'][:8]}…); the day of the last fold, {head['date']}",
        f"of the environment: {', '.join(ENVIRONMENT)}",
    ]
