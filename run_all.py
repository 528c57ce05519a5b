#!/usr/bin/env python
"""The command line: arguments -> runner -> reports."""

from __future__ import annotations

import os
import signal
import sys
from types import FrameType

if __name__ == "__main__":  # the imports below take a moment, in which Ctrl-C would print where they are

    def _quit(number: int, frame: FrameType | None) -> None:
        os.write(2, b"Interrupted.\n")
        os._exit(130)

    before = signal.getsignal(signal.SIGINT)
    if before is signal.default_int_handler:  # not if it is ignored, as in the background of a script
        signal.signal(signal.SIGINT, _quit)

import argparse
import io
import json
import logging
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import papers
from common import program
from common.cli import arguments, listing
from common.contract import Paper, Profile
from common.corpora import grounds
from common.errors import DONE, FAILED, WRONG, StoppedError, UserError
from common.profiles import check_settings, computing_in, cut, everywhere, moving, not_reached, on_ground, with_settings
from common.training import devices

if TYPE_CHECKING:
    from common.bundles.others import Counted
    from common.runs.selection import Study
    from common.training.weights import Weights

INTERRUPTED = 130


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit status: 0 done, 1 something failed, 2 wrong arguments or no data."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # on Windows they may lack characters that titles have
            stream.reconfigure(errors="backslashreplace")
    options = arguments.parse(argv)
    logging.basicConfig(format="%(message)s", level=logging.WARNING)
    try:
        if options.list:
            return list_papers(options.paper, options.ground, options.json)
        if options.audit:
            return audit_papers(options.paper, options.json)
        if options.check_data:
            return check_data(options.check_data, options.corpus, options.placed, options.json)
        if options.verify:
            return verify(options.verify, options.json)
        if options.bundle:
            return bundle(options)
        if options.export_flow:
            return export_flow(options)
        if options.device:
            devices.choose(options.device)
        return predict(options) if options.predict else run(options)
    except UserError as error:
        _complain(f"{program()[-1]}: {error}")
        return FAILED if isinstance(error, StoppedError) else WRONG
    except BrokenPipeError:  # the reader of the output, such as `head`, has closed it
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILED
    except OSError as error:
        _complain(f"{program()[-1]}: {error.filename or 'input/output'}: {error.strerror or error}")
        return FAILED
    except (ImportError, KeyboardInterrupt) as error:
        # an import that is interrupted may end as an ImportError
        if isinstance(error, ImportError) and not isinstance(error.__cause__, KeyboardInterrupt):
            name = error.name or "a package"  # of this environment, or a system library that a package needs
            _complain(f"{program()[-1]}: {name} cannot be imported here ({error}); see docs/pages/install.md")
            return WRONG
        reading = options.check_data or options.list or options.audit or options.verify or options.bundle
        reading = reading or options.export_flow
        stored = not (reading or options.predict or options.dry_run or options.report_only)
        resumed = " Finished folds are stored; the same command resumes the run." if stored else ""
        _complain(f"Interrupted.{resumed}")
        return INTERRUPTED


def list_papers(keys: Sequence[str] | None, ground: str, as_json: bool) -> int:
    """Print a line per paper and the grounds; of papers that are named, their experiments and published numbers.

    With a ground its experiments alone.
    """
    known = _loaded(keys, ground)
    if as_json:
        print(json.dumps(listing.all_records(known), indent=1))
    else:
        whole = [line for paper in known for line in listing.lines(paper)]
        print("\n".join(whole if keys else listing.overview(known)))
    return DONE


def audit_papers(keys: Sequence[str] | None, as_json: bool) -> int:
    """Print what arithmetic finds in the published numbers: what is contradicted; of papers that are named, all."""
    from common.cli import audit_listing

    audited = audit_listing.audited(_loaded(keys))
    if as_json:
        print(json.dumps(audit_listing.record(audited), indent=1))
    else:
        print("\n".join(audit_listing.lines(audited) if keys else audit_listing.brief_lines(audited)))
    return DONE


def _loaded(keys: Sequence[str] | None, ground: str = "") -> list[Paper]:
    """The papers of these keys, or all; restricted to a ground if one is named."""
    known = [papers.load(key) for key in dict.fromkeys(keys or papers.available())]
    return [on_ground(paper, grounds.named(ground)) for paper in known] if ground else known


def check_data(folder: Path, names: Sequence[str] | None, placed: Sequence[str], as_json: bool) -> int:
    """Print what the loaders find in a folder and, unless only some corpora are named, what can run on it.

    `placed` are the words of --as.
    """
    from rich.console import Console

    from common import corpora
    from common.corpora import check, check_text
    from common.progress import Display

    known = [papers.load(key) for key in papers.available()] if not names else []
    places = corpora.placed_by(placed, folder)
    with Display() as display:
        checked = check.check(folder, names or corpora.NAMES, known, display.progress, places)
    if as_json:
        print(json.dumps(checked, indent=1))
    else:
        check_text.print_check(checked, Console(soft_wrap=True))
    lacking = checked["unreadable"] or not all(corpus["clips"] for corpus in checked["corpora"].values())
    return FAILED if lacking else DONE


def run(options: argparse.Namespace) -> int:
    """Run the chosen papers, or only plan the run or write its reports."""
    from common import study
    from common.progress import Display, log

    chosen_study = studied(options)
    counted = _of_others(options.others)
    _check_writable(options.out)
    log.begin(options.out, options.words)
    lines = [
        line
        for selected in chosen_study.chosen
        for line in not_reached(selected.paper, selected.experiments, options.set)
    ]
    lines += chosen_study.real.notes if chosen_study.real else ()
    with Display() as display:
        for line in lines:
            display.line(line)
        if options.dry_run:
            return study.dry_run(chosen_study, display)
        go = study.report if options.report_only else study.run
        return go(chosen_study, display, counted)


def predict(options: argparse.Namespace) -> int:
    """Classify a user's own clips."""
    from common.predict import command
    from common.progress import Display, log

    chosen_study = studied(options)
    _check_writable(options.out)
    log.begin(options.out, options.words)
    request = command.Request(
        options.predict, (options.experiment or [None])[0], options.model, options.fps, onnx=bool(options.export)
    )
    with Display() as display:
        return command.run(chosen_study, request, display)


def bundle(options: argparse.Namespace) -> int:
    """Write the stored folds of a paper's finished experiments to a file that others can verify."""
    from common.bundles import build

    study = studied(options)
    (selected,) = study.chosen
    prepared = build.prepare(
        study.out,
        selected.paper,
        selected.profile,
        selected.code,
        study.seeds,
        study.kind,
        study.folder,
        study.placed,
        options.experiment or (),
    )
    print("\n".join(prepared.lines))
    size = build.write(options.bundle, prepared)
    print(f"wrote {options.bundle} ({size:,} bytes)")
    return DONE


def export_flow(options: argparse.Namespace) -> int:
    """Write flow maps in the folders that public code reads; 1 if a clip is left out because of its files."""
    import mer
    from common.vision import flow_recipes

    recipe = flow_recipes.named(options.recipe)
    few = (3, 9) if options.real_motion is None else (None, None)
    clips = mer.load(
        options.data,
        options.ground or "megc2019",
        real_motion=options.real_motion,
        motion=1 if options.motion is None else options.motion,
        stand_ins=(options.subjects or few[0], options.clips or few[1]),
        cache=options.cache,
    )
    used = mer.flow_maps(clips, recipe, options.export_flow)
    for line in used.left_out:
        print(f"left out: {line}")
    estimated = sum(clip.apex is None for clip in used)
    print(f"{options.export_flow}: {used}; recipe {recipe.name}, {estimated} apexes estimated")
    print(f"differs from {recipe.source}: {recipe.differs}")
    return FAILED if used.left_out else DONE


def verify(files: Sequence[Path], as_json: bool) -> int:
    """Print what is wrong with bundles, and the tier of each; 1 if one of them is not consistent."""
    from common.bundles import released
    from common.bundles import verify as verification
    from common.scoring import public

    results = verification.verify(
        files, lambda key: everywhere(papers.load(key)), released.read(), public.composite_classes()
    )
    if as_json:
        print(json.dumps(verification.record(results), indent=1))
    else:
        print("\n".join(verification.lines(results)))
    return FAILED if any(result.tier == verification.CLAIMED for result in results) else DONE


def _of_others(paths: Sequence[Path]) -> Counted:
    """The bundles of --with that count next to printed numbers."""
    from common.bundles import others, released
    from common.scoring import public

    return (
        others.read(paths, lambda key: everywhere(papers.load(key)), released.read(), public.composite_classes())
        if paths
        else others.Counted()
    )


def studied(options: argparse.Namespace) -> Study:
    """The study that the options describe; UserError for a paper, an experiment or weights that do not exist."""
    from common import corpora
    from common.runs import selection, tensorboard
    from common.runs.cache import Cache, default_folder
    from common.standin import real_motion
    from common.training.weights import starting_from

    if options.tensorboard:
        tensorboard.check()
    loaded = _loaded(options.paper, options.ground)
    selection.check_names(loaded, options.experiment or ())
    check_settings(loaded, options.set)
    weights = _weights(loaded, options)
    profile = options.profile or ("paper" if options.data else "quick")
    real = real_motion.read(options.real_motion) if options.real_motion else None

    shared = Path.absolute if options.scheduler else Path  # workers may have been started in another folder
    places = corpora.placed_by(options.placed, options.data) if options.placed else {}
    placed = {name: shared(folder) for name, folder in places.items()}

    def changed(paper: Paper) -> Profile:
        start = weights or _published(paper, options.data)
        result = computing_in(options.precision, starting_from(paper.profiles[profile], start))
        result = replace(result, motion=1.0) if options.data or real else result  # the true size
        result = moving(result, options.motion)
        result = replace(result, options=(*result.options, *(("--as", f"{k}={v}") for k, v in placed.items())))
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
                profile=paper.profiles[profile],
                stand_ins=options.data is None,
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
    return selection.Study(
        chosen=chosen,
        folder=options.data and shared(options.data),
        real=real and replace(real, folder=shared(real.folder)),
        out=shared(options.out),
        cache=Cache((options.cache or default_folder()).expanduser().absolute()),
        seeds=tuple(range(options.seed, options.seed + options.seeds)),
        landmarks=options.landmarks and shared(options.landmarks),
        workers=1 if options.scheduler else options.workers or (1 if profile == "paper" else _processes()),
        preparers=1 if options.scheduler else options.workers or _processes(),
        scheduler=options.scheduler,
        exports=tuple(options.export),
        tensorboard=options.tensorboard,
        show_frames=options.show_frames,
        placed=placed,
        known=tuple(papers.load(key) for key in papers.available()) if options.data else (),
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


def _published(paper: Paper, data: Path | None) -> Weights | None:
    """The networks of the paper's authors that lie below the data folder, if one of its experiments uses them."""
    from common.corpora import flow_maps
    from common.training import weights

    folder = flow_maps.networks(data) if data and any(e.pretrained for e in paper.experiments) else None
    return weights.chosen(str(folder)) if folder else None


def _processes() -> int:
    """One process per core, up to four. A full study is trained in one, whose networks use a GPU or all cores."""
    return min(os.cpu_count() or 1, 4)


def _complain(text: str) -> None:
    from common.progress import log

    log.complain(text)


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
    signal.signal(signal.SIGINT, before)
    ended = main()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # nothing is left to interrupt
    sys.exit(ended)
