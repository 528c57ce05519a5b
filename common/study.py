"""One invocation: the chosen experiments of the chosen papers are planned, run and reported, seed by seed."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Sequence
from concurrent.futures import CancelledError, Future
from concurrent.futures.process import BrokenProcessPool
from contextlib import nullcontext, suppress
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING

from common import boards
from common.cache import Cache
from common.cluster import Cluster
from common.controls import CONTROLS, controls
from common.environment import code_digest
from common.errors import StoppedError, UserError
from common.plan import Data, Job, kind_of, plan, read_data
from common.pool import Pool
from common.progress import Display
from common.types import Experiment, Paper, Profile, Report

if TYPE_CHECKING:
    from common.parts import Parts

DONE, FAILED, WRONG = 0, 1, 2
_STAND_INS = 0
"""The seed of the stand-in corpora: like real ones they are the same in all runs."""


@dataclass(frozen=True)
class Chosen:
    """A paper, its profile, which of its experiments are asked for, its working modules and its source files."""

    paper: Paper
    profile: Profile
    experiments: tuple[Experiment, ...]
    parts: Callable[[], Parts]
    code: tuple[str, ...]


@dataclass(frozen=True)
class Study:
    """What is run on what, in how many processes, and where results go.

    `folder` holds licensed corpora; without it stand-ins are made. `scheduler` is the address of a Dask cluster, which
    then trains in place of processes of this machine. `exports` are formats of `report.exports`; with `tensorboard`
    stored folds are also written as event files.
    """

    chosen: tuple[Chosen, ...]
    folder: Path | None
    out: Path
    cache: Cache
    seeds: tuple[int, ...]
    landmarks: Path | None = None
    workers: int = 1
    scheduler: str = ""
    exports: tuple[str, ...] = ()
    tensorboard: bool = False

    @cached_property
    def kind(self) -> str:
        """What reports say of the data, "licensed" or "stand-in"; stand-ins are that wherever a user points."""
        return kind_of(self.folder) if self.folder else "stand-in"

    def command(self, one: Chosen, seed: int) -> list[str]:
        """The command line that runs a paper with a seed, all of its experiments."""
        words = ["python", "run_all.py", "--paper", one.paper.key, "--profile", one.profile.name, "--seed", str(seed)]
        options = [word for pair in one.profile.options for word in pair]
        return [*words, *(["--data", str(self.folder)] if self.folder else []), *options]


def select(
    paper: Paper,
    names: Sequence[str],
    *,
    tune: bool,
    spoilt: bool,
    several: bool,
    unasked: Sequence[str] = (),
    ground_alone: bool = False,
) -> tuple[Experiment, ...]:
    """The experiments that `names` name (NAME or NAME/VARIANT), or else all that do not wait to be named.

    With `several` papers also those on common ground. With `tune` also those that search settings where the variant
    without that, or the one whose leak-free twin that is, is chosen, and with `spoilt` the controls of all that are. A
    NAME of which all variants wait names them. None where no name is one of this paper.

    Where nothing is named, the controls `unasked` of each experiment join, and of several papers `ground_alone` leaves
    out what is not on common ground.
    """
    every = [e for one in paper.experiments for e in (one, *controls(one))]

    def by_default(e: Experiment) -> bool:
        if several and ground_alone and not names:
            return e.common_ground
        return not e.on_request or (several and e.common_ground)

    waiting = set(names) - {e.name for e in every if by_default(e)}

    def wanted(e: Experiment) -> bool:
        waited_for = e.name in waiting and not e.control and not e.tuned_of
        named = e.id in names or (e.name in names and by_default(e)) or waited_for
        return named if names else by_default(e)

    first = [e for e in every if wanted(e)]
    chosen = {(e.name, e.variant) for e in first if not e.control}
    if tune:
        first += [e for e in paper.experiments if e.space and chosen & {(e.name, e.tuned_of), (e.name, e.twin_of)}]

    def joining(e: Experiment) -> tuple[Experiment, ...]:
        if e.control or spoilt:
            return controls(e) if spoilt and not e.control else ()
        joined = not names and not e.tuned_of
        return tuple(control for control in controls(e) if joined and control.control in unasked)

    found = {e.id: e for one in first for e in (one, *joining(one))}
    return tuple(found.values())


def check_names(papers: Sequence[Paper], names: Sequence[str]) -> None:
    """Raise UserError for a name that fits no experiment of any of the papers."""
    plain = sorted({word for paper in papers for e in paper.experiments for word in (e.name, e.id)})
    spoilt = {c.id for paper in papers for e in paper.experiments for c in controls(e)}
    for name in names:
        if name not in plain and name not in spoilt:
            keys = " and ".join(paper.key for paper in papers)
            raise UserError(
                f"{keys}: no experiment {name!r}; known: {', '.join(plain)}; "
                f"with +{', +'.join(CONTROLS)} behind a variant: its controls"
            )


def dry_run(study: Study, display: Display) -> int:
    """Say what would run; runs nothing."""

    def say(one: Chosen, seed: int) -> int:
        for job in _jobs(study, one, seed, display)[0]:
            display.line(_state(job) + (f" (seed {seed})" if len(study.seeds) > 1 else ""))
        return DONE

    return _each(study, say, display)


def run(study: Study, display: Display) -> int:
    """Run every paper and write its report; a paper that fails leaves the others running."""
    with Pool(study.workers) as own, Cluster(study.scheduler) if study.scheduler else nullcontext(own) as pool:
        return _each(study, lambda one, seed: _run(study, one, seed, pool, display), display, own)


def report(study: Study, display: Display) -> int:
    """Write the reports from what is stored."""
    with Pool(1) as pool:
        return _each(study, None, display, pool)


def _each(study: Study, work: Callable[[Chosen, int], int] | None, display: Display, pool: Pool | None = None) -> int:
    """The exit status of `work` on all papers and seeds: that of all if they agree, else that something failed.

    With a pool each paper's report is written when its work is done, while the next paper is at work.
    """
    statuses: list[int] = []
    reports: list[tuple[Chosen, Future[tuple[Report, tuple[Path, ...]]]]] = []
    for one in study.chosen:
        if not one.experiments:
            continue
        began = work is None
        for seed in study.seeds:
            if work is None:
                break
            try:
                statuses.append(work(one, seed))
                began = True
            except UserError as error:
                display.fault(f"run_all.py: {error}")
                statuses.append(FAILED if isinstance(error, StoppedError) else WRONG)
                began |= isinstance(error, StoppedError)
        if pool is not None and began:
            try:
                future = pool.start(_report, (study, one))
                future.add_done_callback(partial(_say_written, display))
                reports.append((one, future))
                if study.tensorboard:
                    board = boards.of_paper(study.out, one.paper, one.profile, study.kind, study.seeds)
                    board.update(display.progress)
                    display.line(f"wrote {board.folder}")
            except UserError as error:
                display.fault(f"run_all.py: {error}")
                statuses.append(WRONG)
    written: list[Report] = []
    for one, future in reports:
        try:
            written.append(future.result()[0])
        except (BrokenProcessPool, CancelledError):  # its process went with those of another paper
            found, paths = _report((study, one))
            written.append(found)
            for path in paths:
                display.line(f"wrote {path}")
        except UserError as error:
            display.fault(f"run_all.py: {error}")
            statuses.append(WRONG)
    if len(written) > 1:
        _compare(study, written, display)
    return max(statuses, default=DONE) if len(set(statuses)) < 2 else FAILED


def _run(study: Study, one: Chosen, seed: int, pool: Pool | Cluster, display: Display) -> int:
    from common.report.assemble import plan_file, write_plan
    from common.runner import execute

    jobs, every, data = _jobs(study, one, seed, display)
    write_plan(plan_file(study.out, one.paper, one.profile, data.kind, seed), every, data, study.command(one, seed))
    board = boards.of_paper(study.out, one.paper, one.profile, study.kind, study.seeds) if study.tensorboard else None

    def line(text: str) -> None:
        display.line(text)
        if board is not None:  # it may be that a fold is done
            with suppress(UserError):  # the report comes with the same error
                board.update(display.progress)

    failures = execute(
        jobs,
        one.parts,
        cache=study.cache,
        landmarks=study.landmarks,
        pool=pool,
        progress=display.progress,
        line=line,
    )
    faults: dict[str, str] = {}
    for job in jobs:
        rows = (job.run.description() or {}).get("exclusions", [])
        faults |= {one.clip: one.reason for one in job.exclusions if one.fault}
        faults |= {row["clip"]: row["reason"] for row in rows}
    for clip, reason in faults.items():
        display.line(f"excluded {clip}: {reason}")
    return FAILED if failures or faults else DONE


def _jobs(study: Study, one: Chosen, seed: int, display: Display) -> tuple[list[Job], list[Job], Data]:
    """The jobs that are asked for, and all that can be planned: a report also shows what earlier runs have left."""
    from common.report.assemble import plan_file, planned, read_plan, same_options

    earlier = read_plan(plan_file(study.out, one.paper, one.profile, study.kind, seed))
    earlier = earlier if same_options(earlier, one.profile) else {}
    known = earlier.get("runs", {})
    stored = [e for e in one.paper.experiments if planned(study.out, one.paper, e, earlier)[0].path.is_dir()]
    data = read(study, one, [name for e in (*one.experiments, *stored) for name in e.corpora], display)
    contents: dict[str, tuple[str, ...]] = {}
    code = code_digest(one.code)
    wanted = {experiment.id for experiment in one.experiments}
    every = []
    for experiment in (e for plain in one.paper.experiments for e in (plain, *controls(plain))):
        if experiment.control and experiment.id not in wanted and experiment.id not in known:
            continue
        try:
            every.append(
                plan(
                    one.paper,
                    experiment,
                    one.profile,
                    data,
                    cache=study.cache,
                    out=study.out,
                    seed=seed,
                    code=code,
                    contents=contents,
                    progress=display.progress,
                )
            )
        except UserError:
            if experiment.id in wanted:
                raise
    return [job for job in every if job.experiment.id in wanted], every, data


def read(study: Study, one: Chosen, names: Sequence[str], display: Display) -> Data:
    """The corpora of these names as stand-ins, or all licensed ones that the paper's experiments can use.

    Stand-ins are written where they are not there. Raises UserError where no corpus can be had.
    """
    from common.corpora import standin

    every = [name for experiment in one.paper.experiments for name in experiment.corpora]
    needed = sorted({*(every if study.folder else names)})
    folder = study.folder or standin.ensure(
        study.cache.root,
        corpora=sorted({name.removesuffix("_recordings") for name in needed}),
        subjects=one.profile.subjects,
        clips=one.profile.clips,
        seed=_STAND_INS,
        motion=one.profile.motion,
        progress=display.progress,
    )
    return read_data(folder, needed, one.paper.images)


def _state(job: Job) -> str:
    """One line: which folds are done, pending and failed, and what the others may cost."""
    results = [result for fold in job.folds if (result := job.run.load(fold)) is not None]
    failed = [fold for fold in job.folds if job.run.failure(fold) is not None]
    left = len(job.pending())
    seconds = sum(result.seconds for result in results) / len(results) * left if results else None
    cost = f"about {seconds:.0f} s of training left" if seconds is not None else "cost unknown until a fold is done"
    asked = len(job.asked())
    folds = f"{asked} folds" if asked == len(job.folds) else f"{asked} of {len(job.folds)} folds"
    if job.experiment.space:
        folds += f" (up to {job.profile.trials} settings on {job.profile.inner_folds} inner folds in each)"
    return (
        f"{job.paper.key} {job.experiment.id}: {len(job.clips)} clips, {folds}: {len(results)} done, "
        f"{left} pending, {len(failed)} of them failed before; {cost if left else 'nothing to train'}"
    )


def _say_written(display: Display, future: Future[tuple[Report, tuple[Path, ...]]]) -> None:
    if not future.cancelled() and future.exception() is None:
        for path in future.result()[1]:
            display.line(f"wrote {path}")


def _report(task: tuple[Study, Chosen]) -> tuple[Report, tuple[Path, ...]]:
    """A paper's report and the files that it was written to."""
    from common.report import write
    from common.report.assemble import assemble

    study, one = task
    found = assemble(study.out, one.paper, one.profile, study.kind, study.seeds, study.folder)
    return found, write(found, study.out, study.exports)


def _compare(study: Study, reports: Sequence[Report], display: Display) -> None:
    from common.report.ground import side_by_side
    from common.report.side_by_side import write_comparison

    profile = study.chosen[0].profile.name
    command = ["python", "run_all.py", "--paper", *(report.paper.key for report in reports), "--profile", profile]
    command += ["--seed", str(study.seeds[0])]
    command += ["--seeds", str(len(study.seeds))] if len(study.seeds) > 1 else []
    command += ["--data", str(study.folder)] if study.folder else []
    options = dict.fromkeys(pair for one in study.chosen for pair in one.profile.options)
    command += [word for pair in options for word in pair]
    side = side_by_side(study.out, reports, study.kind, study.seeds, shlex.join(command))
    for path in write_comparison(side, study.out, study.exports):
        display.line(f"wrote {path}")
