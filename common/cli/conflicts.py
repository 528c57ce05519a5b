"""Options that do not go together, or have a value out of range."""

from __future__ import annotations

import argparse

from common.profiles import CUTS


def first(options: argparse.Namespace, parser: argparse.ArgumentParser) -> str:
    """The first thing that is wrong with the options, as a message; empty if nothing is."""
    return _of_run(options, parser) or _of_prediction(options)


def _of_run(options: argparse.Namespace, parser: argparse.ArgumentParser) -> str:
    """What is wrong with the options, except those of --predict; empty if nothing is."""
    plain = options.list or options.audit or options.check_data
    if options.json and not plain:
        return "--json goes with --list, --audit or --check-data"
    if options.scheduler and options.workers:
        return "--workers and --scheduler exclude each other: a cluster has its own workers"
    for name in ("data", "out", "cache", "weights"):
        if not str(getattr(options, name) or "").isprintable():
            return f"--{name}: a report cannot print this path; use a path of printable characters"
    for name in ("seeds", "workers", *CUTS):
        if (number := getattr(options, name)) is not None and number < 1:
            return f"--{name}: at least 1, not {number}"
    if options.motion is not None and options.data:
        return "--motion changes the stand-ins, which --data replaces"
    if not 0 <= options.seed <= options.seed + options.seeds < 2**62:
        return f"--seed: from 0 to {2**62}, not {options.seed}"
    if options.corpus and not options.check_data:
        return "--corpus goes with --check-data"
    own = {"list", "audit", "check_data", "corpus", "json", "paper", "all"}
    for name, value in vars(options).items():
        if plain and name not in own and value != parser.get_default(name):
            return f"--{name.replace('_', '-')} goes with --paper or --all"
    if options.dry_run and options.report_only:
        return "--dry-run and --report-only exclude each other"
    return ""


def _given(options: argparse.Namespace, name: str) -> bool:
    value = getattr(options, name)
    return value is not None and value is not False and value not in ((), [])


def _of_prediction(options: argparse.Namespace) -> str:
    """What is wrong with --predict and the options that go with it; empty if nothing is."""
    if options.predict is None:
        given = [name for name in ("model", "fps") if getattr(options, name) is not None]
        return f"--{given[0]} goes with --predict" if given else ""
    if len(options.paper or ()) != 1:
        return "--predict takes the network of one paper: name it with --paper KEY"
    if len(options.experiment or ()) > 1:
        return "--predict takes one experiment"
    refused = ("controls", "dry_run", "report_only", "tune", "scheduler", "workers", "export", "tensorboard", "folds")
    for name in (*refused, "show_frames"):
        if getattr(options, name):
            return f"--predict does not go with --{name.replace('_', '-')}"
    if options.seeds != 1:
        return "--predict does not go with --seeds: a single network predicts"
    if options.fps is not None and not 1 <= options.fps <= 10_000:
        return f"--fps: from 1 to 10000 frames per second, not {options.fps:g}"
    decided = ("experiment", "profile", "data", "weights", "set", "motion", "subjects", "clips")
    given = [name for name in decided if _given(options, name)] + (["seed"] if options.seed else [])
    given += ["precision"] if options.precision != "float32" else []
    if options.model and given:
        return f"--{given[0]} does not go with --model, whose card records it"
    return ""
