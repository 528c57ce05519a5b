#!/usr/bin/env python
"""The command line: arguments -> runner -> reports."""

from __future__ import annotations

import argparse
import json
import logging
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import papers
from common.errors import UserError
from common.types import Experiment, Paper, Profile

if TYPE_CHECKING:
    from common.cache import Cache
    from common.plan import Data, Job
    from common.progress import Display
    from common.weights import Weights

DONE, FAILED, WRONG, INTERRUPTED = 0, 1, 2, 130


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit status: 0 done, 1 something failed, 2 wrong arguments or no data."""
    options = parse(argv)
    logging.basicConfig(format="%(message)s", level=logging.WARNING)
    try:
        if options.list:
            return list_papers(options.json)
        if options.check_data:
            return check_data(options.check_data, options.corpus, options.json)
        return run(options)
    except UserError as error:
        print(f"run_all.py: {error}", file=sys.stderr)
        return WRONG
    except BrokenPipeError:  # whoever read the output has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILED
    except OSError as error:
        print(f"run_all.py: {error.filename or 'input/output'}: {error.strerror or error}", file=sys.stderr)
        return FAILED
    except KeyboardInterrupt:
        goes_on = "" if options.check_data or options.list else " Finished folds are stored; the same command goes on."
        print(f"Interrupted.{goes_on}", file=sys.stderr)
        return INTERRUPTED


def parse(argv: Sequence[str] | None) -> argparse.Namespace:
    """The command line's options; wrong ones end the program with status 2."""
    parser = argparse.ArgumentParser(
        prog="run_all.py",
        description="Reproduce micro-expression recognition papers and set published numbers beside reproduced ones.",
    )
    what = parser.add_argument_group("what to do").add_mutually_exclusive_group(required=True)
    what.add_argument("--list", action="store_true", help="every paper, experiment, variant and published number")
    what.add_argument("--paper", nargs="+", metavar="KEY", help="run these papers, then write their reports")
    what.add_argument("--all", action="store_true", help="run every paper")
    what.add_argument("--check-data", type=Path, metavar="DIR", help="what is found, excluded and corrected in DIR")
    parser.add_argument(
        "--corpus",
        nargs="+",
        metavar="NAME",
        help="with --check-data: these alone; smic_e, smic_vis, smic_nir on request",
    )
    parser.add_argument("--data", type=Path, metavar="DIR", help="where the licensed corpora lie; else stand-ins")
    parser.add_argument(
        "--experiment", nargs="+", metavar="NAME", help="a subset: NAME or NAME/VARIANT as --list prints"
    )
    parser.add_argument(
        "--profile",
        choices=("paper", "quick", "smoke"),
        help="paper: in full (default with --data); quick: minutes (default without); smoke: every step once",
    )
    parser.add_argument("--out", type=Path, default=Path("reports"), metavar="DIR", help="default: reports")
    parser.add_argument("--cache", type=Path, metavar="DIR", help="default: the user's cache folder")
    parser.add_argument(
        "--weights",
        metavar="WHICH",
        help="where networks with a choice (le2020) start: imagenet, none, or a file or folder of Keras weights",
    )
    parser.add_argument("--landmarks", type=Path, metavar="FILE", help="another copy of the 68-point landmark model")
    parser.add_argument("--seed", type=int, default=0, help="default: 0")
    parser.add_argument("--dry-run", action="store_true", help="say what would run, and run nothing")
    parser.add_argument("--tune", action="store_true", help="also the searches inside the training subjects")
    parser.add_argument("--report-only", action="store_true", help="write the reports from stored results")
    parser.add_argument("--json", action="store_true", help="with --list or --check-data: print JSON")
    options = parser.parse_args(argv)
    if options.json and not (options.list or options.check_data):
        parser.error("--json goes with --list or --check-data")
    for name in ("data", "out", "cache", "weights"):
        if not str(getattr(options, name) or "").isprintable():
            parser.error(f"--{name}: a report could not print this path; give one of printable characters")
    if options.corpus and not options.check_data:
        parser.error("--corpus goes with --check-data")
    return options


def list_papers(as_json: bool) -> int:
    """Print what there is to run."""
    known = [papers.load(key) for key in papers.available()]
    if as_json:
        print(json.dumps({"papers": [_listing(paper) for paper in known]}, indent=1))
        return DONE
    for paper in known:
        print(f"{paper.key}  {paper.authors}: {paper.title}. {paper.venue}, {paper.year}")
        for experiment in paper.experiments:
            free = "leak-free" if experiment.leak_free else "not leak-free"
            free += ", on request" if experiment.on_request else ""
            print(f"  {experiment.id}  {experiment.title} ({experiment.protocol}, {experiment.selection}, {free})")
            for claim in _claims(paper, experiment):
                print(f"    published {claim.metric} on {claim.corpus}: {claim.printed}{claim.unit} ({claim.source})")
    return DONE


def _listing(paper: Paper) -> dict[str, object]:
    return {
        "key": paper.key,
        "title": paper.title,
        "authors": paper.authors,
        "venue": paper.venue,
        "year": paper.year,
        "url": paper.url,
        "profiles": list(paper.profiles),
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
                "published": [
                    {"corpus": c.corpus, "metric": c.metric, "value": c.value, "source": c.source}
                    for c in _claims(paper, e)
                ],
            }
            for e in paper.experiments
        ],
    }


def _claims(paper: Paper, experiment: Experiment) -> list:
    return [c for c in paper.claims if (c.experiment, c.variant) == (experiment.name, experiment.variant)]


def check_data(folder: Path, names: Sequence[str] | None, as_json: bool) -> int:
    """Print what the loaders make of a folder and, unless it is asked for some corpora alone, what can run on it."""
    from rich.console import Console

    from common import corpora
    from common.corpora import doctor, doctor_text
    from common.progress import Display

    known = [papers.load(key) for key in papers.available()] if not names else []
    with Display() as display:
        found = doctor.check(folder, names or corpora.NAMES, known, display.progress)
    if as_json:
        print(json.dumps(found, indent=1))
    else:
        doctor_text.print_check(found, Console(soft_wrap=True))
    return FAILED if any(one["error"] for one in found["corpora"].values()) else DONE


def run(options: argparse.Namespace) -> int:
    """Run or plan the chosen papers, then write their reports. A paper that fails leaves the others running."""
    from common.cache import Cache
    from common.progress import Display
    from common.weights import starting_from

    keys = papers.available() if options.all else tuple(dict.fromkeys(options.paper))
    chosen = [papers.load(key) for key in keys]
    for paper in chosen:
        _experiments(paper, options)
    weights = _weights(chosen, options)
    cache = Cache((options.cache or _default_cache()).expanduser().absolute())
    _check_writable(options.out)
    statuses = []
    with Display() as display:
        for paper in chosen:
            profile = starting_from(paper.profiles[options.profile or ("paper" if options.data else "quick")], weights)
            try:
                kind = _kind(options)
                if not options.report_only:
                    statuses.append(run_paper(paper, profile, options, cache, display))
                if not options.dry_run:
                    write_report(paper, profile, kind, options, display)
            except UserError as error:
                print(f"run_all.py: {error}", file=sys.stderr)
                statuses.append(WRONG)
    return max(statuses, default=DONE) if len(set(statuses)) < 2 else FAILED


def run_paper(paper: Paper, profile: Profile, options: argparse.Namespace, cache: Cache, display: Display) -> int:
    """Plan all experiments of a paper and run the chosen ones."""
    from common.report.assemble import plan_file, write_plan

    data = _data(paper, profile, options, cache, display)
    parts = papers.parts(paper.key)
    wanted = {e.id for e in _experiments(paper, options)}
    jobs = []
    for experiment in paper.experiments:
        try:
            jobs.append(_plan(paper, experiment, profile, data, options, cache, display))
        except UserError:
            if experiment.id in wanted:
                raise
    chosen = [job for job in jobs if job.experiment.id in wanted]
    if options.dry_run:
        for job in chosen:
            _print_plan(job, display)
        return DONE
    command = _command(paper, profile, options)
    write_plan(plan_file(options.out, paper, profile, data.kind, options.seed), jobs, data, command)

    from common.faces import FaceFinder
    from common.runner import execute

    failures = execute(
        chosen,
        parts,
        cache=cache,
        faces=FaceFinder(options.landmarks),
        progress=display.progress,
        line=display.line,
    )
    faults: dict[str, str] = {}
    for job in chosen:
        rows = (job.run.description() or {}).get("exclusions", [])
        faults |= {one.clip: one.reason for one in job.exclusions if one.fault}
        faults |= {row["clip"]: row["reason"] for row in rows}
    for clip, reason in faults.items():
        display.line(f"excluded {clip}: {reason}")
    return FAILED if failures or faults else DONE


def write_report(paper: Paper, profile: Profile, kind: str, options: argparse.Namespace, display: Display) -> None:
    """Write a paper's report from what is stored."""
    from common.report import write
    from common.report.assemble import assemble

    report = assemble(options.out, paper, profile, kind, options.seed, options.data)
    for path in write(report, options.out):
        display.line(f"wrote {path}")


def _kind(options: argparse.Namespace) -> str:
    """What the report will say of its data; stand-ins are stand-ins wherever a user points."""
    from common.plan import kind_of

    return kind_of(options.data) if options.data else "stand-in"


def _data(paper: Paper, profile: Profile, options: argparse.Namespace, cache: Cache, display: Display) -> Data:
    from common.corpora import standin
    from common.plan import read_data

    needed = sorted({name for experiment in paper.experiments for name in experiment.corpora})
    folder = options.data or standin.ensure(
        cache.root,
        corpora=sorted({name.removesuffix("_recordings") for name in needed}),
        subjects=profile.subjects,
        clips=profile.clips,
        seed=options.seed,
        progress=display.progress,
    )
    return read_data(folder, needed, paper.images)


def _plan(
    paper: Paper,
    experiment: Experiment,
    profile: Profile,
    data: Data,
    options: argparse.Namespace,
    cache: Cache,
    display: Display,
) -> Job:
    from common.plan import plan

    return plan(
        paper,
        experiment,
        profile,
        data,
        cache=cache,
        out=options.out,
        seed=options.seed,
        code=papers.code(paper.key),
        progress=display.progress,
    )


def _print_plan(job: Job, display: Display) -> None:
    results = [result for fold in job.folds if (result := job.run.load(fold)) is not None]
    failed = [reason for fold in job.folds if (reason := job.run.failure(fold)) is not None]
    left = len(job.folds) - len(results)
    seconds = sum(result.seconds for result in results) / len(results) * left if results else None
    cost = f"about {seconds:.0f} s of training left" if seconds is not None else "cost unknown until a fold is done"
    display.line(
        f"{job.paper.key} {job.experiment.id}: {len(job.clips)} clips, {len(job.folds)} folds: {len(results)} done, "
        f"{left} pending, {len(failed)} of them failed before; {'nothing to train' if not left else cost}"
    )


def _experiments(paper: Paper, options: argparse.Namespace) -> tuple[Experiment, ...]:
    """The experiments that `--experiment` names, or else all but searches; UserError for a name that fits none."""
    names = options.experiment
    if not names:
        return tuple(e for e in paper.experiments if options.tune or not e.on_request)
    known = {one for e in paper.experiments for one in (e.name, e.id)}
    for name in names:
        if name not in known:
            raise UserError(f"{paper.key} has no experiment {name!r}; known: {', '.join(sorted(known))}")
    return tuple(
        e for e in paper.experiments if e.id in names or (e.name in names and (options.tune or not e.on_request))
    )


def _command(paper: Paper, profile: Profile, options: argparse.Namespace) -> list[str]:
    from common.weights import takes

    command = ["python", "run_all.py", "--paper", paper.key, "--profile", profile.name, "--seed", str(options.seed)]
    command += ["--data", str(options.data)] if options.data else []
    return command + (["--weights", options.weights] if options.weights and takes(profile) else [])


def _weights(chosen: Sequence[Paper], options: argparse.Namespace) -> Weights | None:
    """What --weights names; UserError for what cannot be read, or where no chosen paper has such a choice."""
    from common import weights

    if options.weights is None:
        return None
    if not any(weights.takes(paper.profiles["paper"]) for paper in chosen):
        known = [key for key in papers.available() if weights.takes(papers.load(key).profiles["paper"])]
        raise UserError(f"--weights: networks of {', '.join(known)} alone have a choice; name one with --paper")
    return weights.chosen(options.weights)


def _default_cache() -> Path:
    from platformdirs import user_cache_path

    return user_cache_path("mer-suite")


def _check_writable(out: Path) -> None:
    """Raise UserError before any work where nothing could be written."""
    try:
        out.mkdir(parents=True, exist_ok=True)
        probe = out / f".probe-{os.getpid()}"
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise UserError(f"cannot write to {out}: {error.strerror}; choose another folder with --out") from error


if __name__ == "__main__":
    sys.exit(main())
