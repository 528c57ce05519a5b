#!/usr/bin/env python
"""The command line: arguments -> runner -> reports."""

from __future__ import annotations

import argparse
import io
import json
import logging
import os
import sys
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import papers
from common.contract import Paper, Profile
from common.errors import DONE, FAILED, WRONG, StoppedError, UserError
from common.profiles import CUTS, check_settings, computing_in, cut, moving, not_reached, with_settings
from common.report import listing

if TYPE_CHECKING:
    from common.runs.selection import Study
    from common.training.weights import Weights

INTERRUPTED = 130


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit status: 0 done, 1 something failed, 2 wrong arguments or no data."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # on Windows they may lack characters that titles have
            stream.reconfigure(errors="backslashreplace")
    options = parse(argv)
    logging.basicConfig(format="%(message)s", level=logging.WARNING)
    try:
        if options.list:
            return list_papers(options.json)
        if options.audit:
            return audit_papers(options.json)
        if options.check_data:
            return check_data(options.check_data, options.corpus, options.json)
        return predict(options) if options.predict else run(options)
    except UserError as error:
        print(f"run_all.py: {error}", file=sys.stderr)
        return FAILED if isinstance(error, StoppedError) else WRONG
    except BrokenPipeError:  # the reader of the output, such as `head`, has closed it
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILED
    except OSError as error:
        print(f"run_all.py: {error.filename or 'input/output'}: {error.strerror or error}", file=sys.stderr)
        return FAILED
    except ImportError as error:  # a package of this environment, or a system library that a package needs
        name = error.name or "a package"
        print(f"run_all.py: {name} cannot be imported here ({error}); see docs/pages/install.md", file=sys.stderr)
        return WRONG
    except KeyboardInterrupt:
        stored = not (options.check_data or options.list or options.audit or options.predict)
        resumed = " Finished folds are stored; the same command resumes the run." if stored else ""
        print(f"Interrupted.{resumed}", file=sys.stderr)
        return INTERRUPTED


def parse(argv: Sequence[str] | None) -> argparse.Namespace:
    """The options of the command line; wrong ones end the program with status 2."""
    parser = _parser()
    options = parser.parse_args(argv)
    if fault := _unfit(options, parser) or _unfit_to_predict(options):
        parser.error(fault)
    return options


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="run_all.py",
        description="Reproduce micro-expression recognition papers and compare published numbers with reproduced ones.",
    )

    actions = parser.add_argument_group("what to do (one of these)").add_mutually_exclusive_group(required=True)
    actions.add_argument("--list", action="store_true", help="list papers, experiments, variants and published numbers")
    actions.add_argument("--audit", action="store_true", help="check the published numbers by arithmetic, without data")
    actions.add_argument(
        "--check-data", type=Path, metavar="DIR", help="show what is found, excluded and corrected in DIR"
    )
    actions.add_argument(
        "--paper", nargs="+", metavar="KEY", help="run these papers, then write their reports; --list shows the keys"
    )
    actions.add_argument("--all", action="store_true", help="run every paper, then write the reports")

    data = parser.add_argument_group("data")
    data.add_argument("--data", type=Path, metavar="DIR", help="folder of the licensed corpora; default: stand-ins")
    data.add_argument(
        "--corpus",
        nargs="+",
        metavar="NAME",
        help="with --check-data: check only these; smic_e, smic_vis and smic_nir are checked only if named",
    )
    data.add_argument(
        "--motion",
        type=float,
        metavar="FACTOR",
        help="how far faces of stand-ins move, relative to micro-expressions; default: 8 with profile quick, else 1",
    )
    data.add_argument("--landmarks", type=Path, metavar="FILE", help="another copy of the 68-point landmark model")
    data.add_argument(
        "--cache", type=Path, metavar="DIR", help="folder of prepared clips; default: the user's cache folder"
    )

    chosen = parser.add_argument_group("what is run")
    chosen.add_argument(
        "--experiment", nargs="+", metavar="NAME", help="only these: NAME or NAME/VARIANT as printed by --list"
    )
    chosen.add_argument(
        "--profile",
        choices=("paper", "quick", "smoke"),
        help="paper: in full (default with --data); quick: in minutes (default without --data); smoke: every step once",
    )
    for bound, effect in CUTS.items():
        chosen.add_argument(f"--{bound}", type=int, metavar="N", help=effect)
    chosen.add_argument(
        "--set",
        nargs="+",
        action="extend",
        default=[],
        metavar="NAME=VALUE",
        help="change settings of the chosen papers, in any profile; --list shows their names",
    )
    chosen.add_argument(
        "--weights",
        metavar="WHICH",
        help="initial weights of le2020: imagenet, none, or a file or folder of weights (Keras, safetensors)",
    )
    chosen.add_argument(
        "--precision",
        choices=("float32", "mixed_bfloat16", "mixed_float16"),
        default="float32",
        help="number format of the computations; weights and predictions are always float32 (default: float32)",
    )
    chosen.add_argument("--seed", type=int, default=0, help="random seed; default: 0")
    chosen.add_argument(
        "--seeds", type=int, default=1, metavar="N", help="run N seeds, starting at --seed, and show the spread"
    )
    chosen.add_argument(
        "--controls",
        action="store_true",
        help="also run each experiment with the first frame repeated, frames shuffled, labels permuted within subjects",
    )
    chosen.add_argument(
        "--tune", action="store_true", help="also run with settings searched within the training subjects of each fold"
    )

    how = parser.add_argument_group("how it is run")
    how.add_argument(
        "--workers",
        type=int,
        metavar="N",
        help="number of training processes; default: 1 with the profile paper, else one per core, maximum 4",
    )
    how.add_argument("--scheduler", default="", metavar="tcp://HOST:PORT", help="train on this Dask cluster instead")
    how.add_argument("--dry-run", action="store_true", help="show what would run, without running it")
    how.add_argument("--report-only", action="store_true", help="write the reports from stored results")

    output = parser.add_argument_group("output")
    output.add_argument(
        "--out", type=Path, default=Path("reports"), metavar="DIR", help="folder of reports; default: reports"
    )
    output.add_argument(
        "--export",
        nargs="+",
        choices=("csv", "markdown", "latex"),
        default=(),
        help="also write the comparisons as a table in these formats; csv is always written",
    )
    output.add_argument("--tensorboard", action="store_true", help="also write the finished folds as TensorBoard logs")
    output.add_argument(
        "--show-frames",
        action="store_true",
        help="show frames of licensed clips in index.html; check the licences first",
    )
    output.add_argument("--json", action="store_true", help="with --list, --audit or --check-data: print JSON")

    own = parser.add_argument_group("your own clips (with --paper KEY)")
    own.add_argument(
        "--predict",
        type=Path,
        metavar="FILE|DIR",
        help="classify a video, a folder of frames, or every video and folder of frames in a folder",
    )
    own.add_argument(
        "--model",
        type=Path,
        metavar="FOLDER|FILE.keras",
        help="with --predict: a saved model; default: one that is trained once and saved",
    )
    own.add_argument("--fps", type=float, metavar="N", help="with --predict: frames per second of the clips")
    return parser


def _unfit(options: argparse.Namespace, parser: argparse.ArgumentParser) -> str:
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


def _unfit_to_predict(options: argparse.Namespace) -> str:
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


def list_papers(as_json: bool) -> int:
    """Print the papers, their experiments and published numbers."""
    known = [papers.load(key) for key in papers.available()]
    if as_json:
        print(json.dumps({"papers": [listing.record(paper) for paper in known]}, indent=1))
    else:
        print("\n".join(line for paper in known for line in listing.lines(paper)))
    return DONE


def audit_papers(as_json: bool) -> int:
    """Print what arithmetic finds in the published numbers of all papers."""
    from common.report import audit_listing

    audited = audit_listing.audited([papers.load(key) for key in papers.available()])
    if as_json:
        print(json.dumps(audit_listing.record(audited), indent=1))
    else:
        print("\n".join(audit_listing.lines(audited)))
    return DONE


def check_data(folder: Path, names: Sequence[str] | None, as_json: bool) -> int:
    """Print what the loaders find in a folder and, unless only some corpora are named, what can run on it."""
    from rich.console import Console

    from common import corpora
    from common.corpora import check, check_text
    from common.progress import Display

    known = [papers.load(key) for key in papers.available()] if not names else []
    with Display() as display:
        checked = check.check(folder, names or corpora.NAMES, known, display.progress)
    if as_json:
        print(json.dumps(checked, indent=1))
    else:
        check_text.print_check(checked, Console(soft_wrap=True))
    return FAILED if any(corpus["error"] for corpus in checked["corpora"].values()) else DONE


def run(options: argparse.Namespace) -> int:
    """Run the chosen papers, or only plan the run or write its reports."""
    from common import study
    from common.progress import Display

    chosen_study = studied(options)
    _check_writable(options.out)
    lines = [
        line
        for selected in chosen_study.chosen
        for line in not_reached(selected.paper, selected.experiments, options.set)
    ]
    with Display() as display:
        for line in lines:
            display.line(line)
        if options.dry_run:
            return study.dry_run(chosen_study, display)
        return study.report(chosen_study, display) if options.report_only else study.run(chosen_study, display)


def predict(options: argparse.Namespace) -> int:
    """Classify a user's own clips."""
    from common.predict import command
    from common.progress import Display

    chosen_study = studied(options)
    _check_writable(options.out)
    request = command.Request(options.predict, (options.experiment or [None])[0], options.model, options.fps)
    with Display() as display:
        return command.run(chosen_study, request, display)


def studied(options: argparse.Namespace) -> Study:
    """The study that the options describe; UserError for a paper, an experiment or weights that do not exist."""
    from common.report import tensorboard
    from common.runs import selection
    from common.runs.cache import Cache
    from common.training.weights import starting_from

    if options.tensorboard:
        tensorboard.check()
    loaded = [papers.load(key) for key in (papers.available() if options.all else dict.fromkeys(options.paper))]
    selection.check_names(loaded, options.experiment or ())
    check_settings(loaded, options.set)
    weights = _weights(loaded, options)
    profile = options.profile or ("paper" if options.data else "quick")

    def changed(paper: Paper) -> Profile:
        result = computing_in(options.precision, starting_from(paper.profiles[profile], weights))
        result = replace(result, motion=1.0) if options.data else moving(result, options.motion)
        return cut(with_settings(result, options.set), options.subjects, options.clips, options.folds)

    chosen = tuple(
        selection.PaperSelection(
            paper=paper,
            profile=changed(paper),
            experiments=selection.select(
                paper,
                options.experiment or (),
                tune=options.tune,
                with_controls=options.controls,
                several=len(loaded) > 1,
                default_controls=paper.profiles[profile].controls,
                common_ground_only=paper.profiles[profile].common_ground_only,
            ),
            parts=partial(papers.parts, paper.key),
            code=papers.code(paper.key),
        )
        for paper in loaded
    )
    if options.tune and not any(e.space for selected in chosen for e in selected.experiments):
        raise UserError(
            "--tune: no chosen experiment has a tuned copy; only default leak-free experiments can be tuned"
        )
    shared = Path.absolute if options.scheduler else Path  # workers may have been started in another folder
    return selection.Study(
        chosen=chosen,
        folder=options.data and shared(options.data),
        out=shared(options.out),
        cache=Cache((options.cache or _default_cache()).expanduser().absolute()),
        seeds=tuple(range(options.seed, options.seed + options.seeds)),
        landmarks=options.landmarks and shared(options.landmarks),
        workers=1 if options.scheduler else options.workers or _workers(profile),
        scheduler=options.scheduler,
        exports=tuple(options.export),
        tensorboard=options.tensorboard,
        show_frames=options.show_frames,
    )


def _weights(chosen: Sequence[Paper], options: argparse.Namespace) -> Weights | None:
    """The weights that --weights names; UserError if they cannot be read or no chosen paper has a choice of weights."""
    from common.training import weights

    if options.weights is None:
        return None
    if not any(weights.takes(paper.profiles["paper"]) for paper in chosen):
        known = [key for key in papers.available() if weights.takes(papers.load(key).profiles["paper"])]
        raise UserError(f"--weights: only networks of {', '.join(known)} have a choice; name one with --paper")
    return weights.chosen(options.weights)


def _workers(profile: str) -> int:
    """One process for a full study, which uses the GPU or all cores; short studies mostly build networks."""
    return 1 if profile == "paper" else min(os.cpu_count() or 1, 4)


def _default_cache() -> Path:
    from platformdirs import user_cache_path

    return user_cache_path("mer-suite")


def _check_writable(out: Path) -> None:
    """Raise UserError before any work if nothing can be written."""
    try:
        out.mkdir(parents=True, exist_ok=True)
        probe = out / f".probe-{os.getpid()}"
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise UserError(f"cannot write to {out}: {error.strerror}; choose another folder with --out") from error


if __name__ == "__main__":
    sys.exit(main())
