"""Options that do not go together, or have a value out of range."""

from __future__ import annotations

import argparse
import shlex

from common.errors import quoted
from common.profiles import CUTS
from common.training.devices import is_device

ACTIONS = {"list", "audit", "check_data", "paper", "all", "verify", "export_flow"}
"""What to do: one of these is needed."""
PLAIN = {"list", "audit", "check_data", "verify", "paper", "ground", "corpus", "json", "placed"}
"""The options that read and print, and those that go with them."""
NOT_PREDICTED = (
    *("controls", "dry_run", "report_only", "tune", "scheduler", "workers", "tensorboard", "folds"),
    *("show_frames", "others", "ground"),
)
NOT_BUNDLED = (
    *("predict", "controls", "dry_run", "report_only", "tune", "scheduler", "workers", "device", "tensorboard"),
    *("show_frames", "export", "landmarks", "others"),
)
"""Options that do not go with --bundle, which runs nothing."""
EXPORTED = {"export_flow", "recipe", "data", "real_motion", "ground", "motion", "subjects", "clips", "cache"}
"""The options that write flow maps, and those that go with them."""
IN_CARD = (
    *("experiment", "profile", "data", "real_motion", "placed", "weights", "set", "motion", "subjects", "clips"),
    *("seed", "precision"),
)
"""Options that decide how a model is trained: its card records them."""
TABLES = ("csv", "markdown", "latex")
"""The formats of --export for reports."""
NETWORKS = "onnx"
"""The format of --export for the networks of --predict."""


def first(options: argparse.Namespace, parser: argparse.ArgumentParser) -> str:
    """The first thing that is wrong with the options, as a message; empty if nothing is."""
    given = {name for name, value in vars(options).items() if value != parser.get_default(name)}
    checks = (_of_actions, _of_bundle, _of_prediction)
    return _of_values(options) or next(filter(None, (check(options, given) for check in checks)), "")


def _of_values(options: argparse.Namespace) -> str:
    for name in ("data", "real_motion", "out", "cache", "weights"):
        if not str(getattr(options, name) or "").isprintable():
            return f"{_flag(name)}: a report cannot print this path; use a path of printable characters"
    for word in options.placed:
        if not word.isprintable():
            return "--as: a report cannot print this path; use a path of printable characters"
    for name in ("seeds", "workers", *CUTS):
        if (number := getattr(options, name)) is not None and number < 1:
            return f"{_flag(name)}: at least 1, not {number}"
    if not 0 <= options.seed < 2**62 - options.seeds:
        return f"--seed: at least 0 and, with --seeds, below {2**62}; not {options.seed}"
    if options.device and not is_device(options.device):
        return f"--device: cpu, gpu, gpu:1 or gpu:0,1 (each number once), not {quoted(options.device)}"
    if options.fps is not None and not 1 <= options.fps <= 10_000:
        return f"--fps: from 1 to 10000 frames per second, not {options.fps:g}"
    return ""


def _of_actions(options: argparse.Namespace, given: set[str]) -> str:
    if "predict" in given and not given & ACTIONS:
        clip = shlex.quote(str(options.predict))
        return (
            f"--predict needs the paper whose network is used: add --paper KEY, such as --predict {clip} --paper "
            "reddy2019; --list shows the keys"
        )
    if not given & ACTIONS:
        return f"one of {', '.join(map(_flag, sorted(ACTIONS)))} is required; --help explains them"
    if NETWORKS in options.export and "predict" not in given:
        return f"--export {NETWORKS} goes with --predict, which saves networks; reports take {', '.join(TABLES)}"
    for name in ("model", "fps"):
        if name in given and "predict" not in given:
            return f"{_flag(name)} goes with --predict"
    if "corpus" in given and "check_data" not in given:
        return "--corpus goes with --check-data"
    if "placed" in given and not given & {"check_data", "data"}:
        return "--as goes with --data or --check-data"
    if ("export_flow" in given) != ("recipe" in given):
        return "--export-flow DIR and --recipe NAME go together"
    if "export_flow" in given and (other := given - EXPORTED):
        return f"--export-flow does not go with {_flag(other.pop())}"
    if {"export_flow", "data"} <= given and (other := given & {"subjects", "clips"}):
        return f"--export-flow with --data writes every clip: {_flag(other.pop())} is for stand-ins"
    plain = given & {"list", "audit", "check_data", "verify"}
    if "paper" in given and (other := given & {"check_data", "verify", "all"}):
        return f"--paper does not go with {_flag(other.pop())}"
    if "ground" in given and (other := plain - {"list"}):
        return f"--ground does not go with {_flag(other.pop())}"
    if "json" in given and not plain:
        return "--json goes with --list, --audit, --check-data or --verify"
    for name in vars(options):
        if plain and name in given - PLAIN:
            return f"{_flag(name)} goes with {'--paper KEY' if name in ('predict', 'bundle') else '--paper or --all'}"
    if {"workers", "scheduler"} <= given:
        return "--workers and --scheduler exclude each other: a cluster has its own workers"
    if {"device", "scheduler"} <= given:
        return "--device and --scheduler exclude each other: start each worker with its own CUDA_VISIBLE_DEVICES"
    if {"real_motion", "data"} <= given:
        return "--real-motion and --data exclude each other: stand-ins with real motion replace the corpora"
    if {"motion", "data"} <= given:
        return "--motion changes the stand-ins, which --data replaces"
    if {"dry_run", "report_only"} <= given:
        return "--dry-run and --report-only exclude each other"
    if {"dry_run", "others"} <= given:
        return "--with adds to the reports, which --dry-run does not write"
    return ""


def _of_bundle(options: argparse.Namespace, given: set[str]) -> str:
    if "bundle" not in given:
        return ""
    if len(options.paper or ()) != 1:
        return "--bundle takes the results of one paper: name it with --paper KEY"
    for name in NOT_BUNDLED:
        if name in given:
            return f"--bundle does not go with {_flag(name)}: it runs nothing"
    return ""


def _of_prediction(options: argparse.Namespace, given: set[str]) -> str:
    if "predict" not in given:
        return ""
    if len(options.paper or ()) != 1:
        return "--predict takes the network of one paper: name it with --paper KEY"
    if len(options.experiment or ()) > 1:
        return "--predict takes one experiment"
    for name in NOT_PREDICTED:
        if name in given:
            return f"--predict does not go with {_flag(name)}"
    if tables := [name for name in options.export if name != NETWORKS]:
        return f"--predict does not go with --export {' '.join(tables)}: it writes no tables; use --export {NETWORKS}"
    if "seeds" in given:
        return "--predict does not go with --seeds: a single network predicts"
    if options.model:
        for name in IN_CARD:
            if name in given:
                return f"{_flag(name)} does not go with --model: the card of the model already decides it"
    return ""


def _flag(name: str) -> str:
    return "--" + {"placed": "as", "others": "with"}.get(name, name.replace("_", "-"))
