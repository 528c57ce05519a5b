"""One invocation: plan, run and report the chosen experiments of the chosen papers, seed by seed."""

from __future__ import annotations

import shlex
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import CancelledError, Future
from concurrent.futures.process import BrokenProcessPool
from contextlib import nullcontext, suppress
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from common import program
from common.bundles import others
from common.cli import last_screen
from common.errors import DONE, FAILED, WRONG, StoppedError, UserError
from common.progress import Display, doing, log
from common.report.records import Report
from common.runs import tensorboard
from common.runs.dask_cluster import Cluster
from common.runs.estimate import Estimate, about, described, estimate, ready
from common.runs.jobs import Jobs, NothingCanRunError, jobs_of, unavailable_lines
from common.runs.plan import Job
from common.runs.processes import Pool
from common.runs.results import Results
from common.runs.selection import PaperSelection, Study, of_ground

_NO_OTHERS = others.Counted()


def dry_run(study: Study, display: Display) -> int:
    """Print what would run and how long it would take here; only a few epochs are trained, to time them."""
    estimates: list[Estimate] = []
    estimating = 0.0
    counted: set[str] = set()

    def say(selection: PaperSelection, seed: int) -> int:
        nonlocal estimating
        jobs = _jobs(study, selection, seed, display)
        estimated = None
        if not study.scheduler:
            begun = time.perf_counter()
            try:
                estimated = estimate(study, selection, jobs.asked, pool, display, counted)
            finally:
                estimating += time.perf_counter() - begun
            estimates.append(estimated)
            if seed == study.seeds[-1]:
                with suppress(UserError):  # what is stored has other options or data, which a run replaces
                    _report((study, selection, ({}, ())), write_it=False)
        of = f" (seed {seed})" if len(study.seeds) > 1 else ""
        for job in jobs.asked:
            display.line(_state(job, estimated.experiments.get(job.experiment.id) if estimated else None) + of)
        for line in described(estimated, study) if estimated else ():
            display.line(f"{selection.paper.key}: {line}{of}")
        return _say_unavailable(selection, jobs, display)

    loading, begun = time.process_time(), time.perf_counter()
    with Pool(study.workers) as pool:
        if not study.scheduler:
            with doing(display.progress, "starting processes"):
                ready(pool)
        status = _each(study, say, display)
    # planning, reports, starting and ending processes take as long in a run
    other = loading + time.perf_counter() - begun - estimating
    if study.scheduler:
        display.line("In all: not estimated, since the time depends on the workers of the cluster")
    elif estimates:
        complete = all(one.complete for one in estimates)
        beyond = "" if complete else ", not counting what could not be timed"
        display.line(f"In all: {about(sum(one.seconds for one in estimates) + other)}{beyond}")
    return status


def run(study: Study, display: Display, counted: others.Counted = _NO_OTHERS) -> int:
    """Run every paper and write its report; if one paper fails, the others still run.

    `counted` are bundles of others, which the reports show next to the printed numbers.
    """
    with Pool(study.workers) as own, Cluster(study.scheduler) if study.scheduler else nullcontext(own) as pool:
        return _each(study, lambda selection, seed: _run(study, selection, seed, pool, display), display, own, counted)


def train(study: Study, display: Display) -> int:
    """Run every paper and write no report; folds are trained in processes of their own, which have loaded nothing."""
    with Pool(study.workers, apart=True) as pool:
        return _each(study, lambda selection, seed: _run(study, selection, seed, pool, display), display)


def report(study: Study, display: Display, counted: others.Counted = _NO_OTHERS) -> int:
    """Write the reports from the stored results, with `counted` as in `run`."""
    with Pool(1) as pool:
        return _each(study, None, display, pool, counted)


def _each(
    study: Study,
    work: Callable[[PaperSelection, int], int] | None,
    display: Display,
    pool: Pool | None = None,
    counted: others.Counted = _NO_OTHERS,
) -> int:
    """The exit status of `work` on all papers and seeds: the common status if they agree, else FAILED.

    A paper that cannot run on the corpora that are there counts only if no other paper can run either.

    With a pool, each paper's report is written when its work is done, while the next paper runs.
    """
    statuses: list[int] = []
    said: set[str] = set()
    impossible = False

    def complain(error: UserError) -> None:
        if str(error) not in said:  # a data folder without corpora is the same fault for all papers and seeds
            display.fault(f"{program()[-1]}: {error}")
        said.add(str(error))

    of_others = {s.paper.key: others.of_paper(counted, s.paper) for s in study.chosen}
    for line in dict.fromkeys(line for _, lines in of_others.values() for line in lines):
        display.line(line)
    reports: list[tuple[PaperSelection, Future[Reported]]] = []
    chosen = [selection for selection in study.chosen if selection.experiments]
    for number, selection in enumerate(chosen, start=1):
        began = work is None
        for seed in study.seeds:
            if work is None:
                break
            where = f"paper {number} of {len(chosen)}: {selection.paper.key}"
            where += f", seed {seed}" if len(study.seeds) > 1 else ""
            try:
                with doing(display.progress, where) if len(chosen) > 1 else nullcontext():
                    statuses.append(work(selection, seed))
                began = True
            except NothingCanRunError as error:
                complain(error)
                impossible = True
                break
            except UserError as error:
                complain(error)
                statuses.append(FAILED if isinstance(error, StoppedError) else WRONG)
                began |= isinstance(error, StoppedError)
        if pool is not None and began:
            try:
                with doing(display.progress, f"{selection.paper.key}: writing the report"):  # in one process, here
                    future = pool.start(_report, (study, selection, of_others[selection.paper.key]))
                future.add_done_callback(partial(_say_finished, display))
                reports.append((selection, future))
                if study.tensorboard:
                    board = tensorboard.of_paper(_stored(study, selection))
                    board.update(display.progress)
                    display.line(f"wrote {board.folder}")
            except UserError as error:
                complain(error)
                statuses.append(WRONG)
    written: list[Reported] = []
    if reports:
        display.progress("writing the reports", 0, 1)
    for selection, future in reports:
        try:
            reported = future.result()
        except (BrokenProcessPool, CancelledError):  # its process ended with those of another paper
            reported = _report((study, selection, of_others[selection.paper.key]))
            _say_reported(display, reported)
        except UserError as error:
            complain(error)
            statuses.append(WRONG)
            continue
        written.append(reported)
        if reported.fault:
            statuses.append(FAILED)
    order: list[str] = []
    if len(written) > 1:
        order, whole = _compare(study, written, display)
        statuses += [] if whole else [FAILED]
    if written:
        _results_page(study, written, order, display)
    display.progress("writing the reports", 1, 1)
    if written:
        done = [one.report for one in written]
        for text in last_screen.lines(done, study.out / "index.html", display.width):
            display.line(text)
    return max(statuses, default=WRONG if impossible else DONE) if len(set(statuses)) < 2 else FAILED


def _run(study: Study, selection: PaperSelection, seed: int, pool: Pool | Cluster, display: Display) -> int:
    from common.runs import thumbnails
    from common.runs.context import run_context
    from common.runs.manifest import plan_file, write_plan
    from common.runs.scheduler import execute

    planned = _jobs(study, selection, seed, display)
    jobs = planned.asked
    write_plan(
        plan_file(study.out, selection.paper, selection.profile, planned.data.kind, seed),
        planned.every,
        planned.data,
        study.command(selection, seed),
        planned.unavailable,
    )
    status = _say_unavailable(selection, planned, display)
    shown = [job for job in jobs if not job.experiment.control]
    thumbnails.write(study.out, shown, planned.data, study.show_frames, display.progress)
    board = tensorboard.of_paper(_stored(study, selection)) if study.tensorboard else None

    def line(text: str) -> None:
        display.line(text)
        if board is not None:  # a fold may be finished
            with suppress(UserError):  # the report comes with the same error
                board.update(display.progress)

    context = run_context(selection.arrays_code, selection.parts, study.cache, study.landmarks, pool, study.preparers)
    failures = execute(jobs, context, display.progress, line)
    faults: dict[str, str] = {}
    for job in jobs:
        rows = (job.run.description() or {}).get("exclusions", [])
        faults |= {exclusion.clip: exclusion.reason for exclusion in job.exclusions if exclusion.fault}
        faults |= {row["clip"]: row["reason"] for row in rows}
    for clip, reason in faults.items():
        display.line(f"excluded {clip}: {reason}")
    return FAILED if failures or faults else status


def _jobs(study: Study, selection: PaperSelection, seed: int, display: Display) -> Jobs:
    what = "reading the corpora" if study.folder else "reading or writing stand-ins"
    with doing(display.progress, f"{selection.paper.key}: {what}"):
        return jobs_of(study, selection, seed, display)


def _say_unavailable(selection: PaperSelection, jobs: Jobs, display: Display) -> int:
    """Print what cannot run, and why; FAILED if corpora are there but cannot be used."""
    for line in jobs.unread:
        display.line(line)
    for line in unavailable_lines(selection.paper, selection.experiments, jobs.unavailable):
        display.line(line)
    for fault in jobs.faults:
        display.fault(f"{program()[-1]}: {fault}")
    return FAILED if jobs.faults else DONE


def _state(job: Job, seconds: float | None) -> str:
    """One line: how many folds are to run and how long that may take, how many are stored and failed before."""
    left, asked = job.pending(), job.asked()
    failed = [fold for fold in left if job.run.failure(fold) is not None]
    stored = len(asked) - len(left)
    folds = f"{len(left)} fold{'s' if len(left) > 1 else ''} to run" if left else "nothing to run"
    if left:
        folds += f", {about(seconds)}" if seconds is not None else ", time unknown"
    about_folds = [
        f"{stored} stored" if stored else "",
        f"{len(failed)} failed before" if failed else "",
        f"{len(asked)} of {len(job.folds)} folds in this profile" if len(asked) < len(job.folds) else "",
        f"up to {job.profile.trials} settings on {job.profile.inner_folds} inner folds in each"
        if job.experiment.space
        else "",
    ]
    told = ", ".join(filter(None, about_folds))
    return f"{job.paper.key} {job.experiment.id}: {len(job.clips)} clips, {folds}" + (f" ({told})" if told else "")


def _stored(study: Study, selection: PaperSelection) -> Results:
    return Results(study.out, selection.paper, selection.profile, study.kind, study.seeds)


@dataclass(frozen=True)
class Reported:
    """What is stored of a paper, its report, the files that were written, warnings, and why a file is missing."""

    results: Results
    report: Report
    written: tuple[Path, ...]
    warnings: tuple[str, ...] = ()
    fault: str = ""


def _say_finished(display: Display, future: Future[Reported]) -> None:
    if not future.cancelled() and future.exception() is None:
        _say_reported(display, future.result())


def _say_reported(display: Display, reported: Reported) -> None:
    for warning in reported.warnings:
        display.fault(warning)
    for path in reported.written:
        display.line(f"wrote {path}")
    if reported.fault:
        display.fault(f"{program()[-1]}: {reported.fault}")


def _report(task: tuple[Study, PaperSelection, others.OfPaper], *, write_it: bool = True) -> Reported:
    """Assemble and write a paper's report; without `write_it` no file is kept."""
    from common.report import PageError, write
    from common.report.assemble import assemble

    study, selection, (by_others, left_out) = task
    warnings: list[str] = []
    results = _stored(study, selection)
    with log.warnings_to(warnings.append):
        assembled = assemble(results, study.folder)
    assembled = replace(assembled, by_others=by_others, left_out=left_out)
    if not write_it:
        with tempfile.TemporaryDirectory() as folder:
            write(assembled, Path(folder), study.exports)
        return Reported(results, assembled, ())
    try:
        return Reported(results, assembled, write(assembled, study.out, study.exports), tuple(warnings))
    except PageError as error:
        return Reported(results, assembled, error.written, tuple(warnings), str(error))


def _compare(study: Study, written: Sequence[Reported], display: Display) -> tuple[list[str], bool]:
    """Write the comparison; returns the names of its networks, as it numbers them, and whether its pages were set."""
    from common.report import PageError
    from common.report.common_ground import side_by_side
    from common.report.comparison import write_comparison
    from common.report.comparison_tables import name, ranked

    profile = study.chosen[0].profile.name
    command = [*program(), "--paper", *(one.results.paper.key for one in written), "--profile", profile]
    command += ["--seed", str(study.seeds[0])]
    command += ["--seeds", str(len(study.seeds))] if len(study.seeds) > 1 else []
    command += [*of_ground(study.chosen[0].paper), *study.source]
    options = dict.fromkeys(pair for selection in study.chosen for pair in selection.profile.options)
    command += [word for pair in options for word in pair]
    side = side_by_side([one.results for one in written], [one.report for one in written], shlex.join(command))
    fault = ""
    try:
        paths = write_comparison(side, study.out, study.exports)
    except PageError as error:
        paths, fault = error.written, f"{program()[-1]}: {error}"
    for path in paths:
        display.line(f"wrote {path}")
    if fault:
        display.fault(fault)
    return list(map(name, ranked(side).contenders)), not fault


def _results_page(study: Study, written: Sequence[Reported], order: Sequence[str], display: Display) -> None:
    from common.report.results_page import write_results_page

    frames = [one.results.frames(study.show_frames) for one in written]
    for path in write_results_page([one.report for one in written], study.out, frames, order):
        display.line(f"wrote {path}")
