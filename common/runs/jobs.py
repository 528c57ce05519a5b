"""The experiments that are asked for -> jobs. Those that lack a corpus are left out, and the reasons are reported."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from common import program
from common.contract import Paper, Profile
from common.corpora import SOURCES, not_read
from common.environment import code_digest
from common.errors import UserError, listed
from common.progress import Display
from common.protocols.controls import controls
from common.runs.manifest import same_options
from common.runs.plan import Data, Job, lacking, plan
from common.runs.results import Results
from common.runs.selection import PaperSelection, Study, barred, possible, read
from common.training import weights
from common.types import Experiment

_NO_NETWORKS = "the published networks are neither below the data folder nor named with --weights"


class NothingCanRunError(UserError):
    """No requested experiment can run on the corpora in the data folder."""


@dataclass(frozen=True)
class Jobs:
    """The requested jobs, and all jobs that can be planned: a report also shows results of earlier runs.

    `unavailable` has the reason for each experiment of the paper that cannot run, by id; `faults` are those of
    requested experiments whose corpora are there but cannot be used; `unread` are lines about folders that look like a
    corpus and are not read, if any requested experiment lacks a corpus.
    """

    asked: tuple[Job, ...]
    every: tuple[Job, ...]
    data: Data
    unavailable: Mapping[str, str]
    faults: tuple[str, ...]
    unread: tuple[str, ...]


def jobs_of(study: Study, selection: PaperSelection, seed: int, display: Display) -> Jobs:
    """Plan the experiments of a paper with a seed. Raises NothingCanRunError if no requested one can run."""
    earlier = Results(study.out, selection.paper, selection.profile, study.kind, (seed,))
    known = earlier.plan().get("runs", {}) if same_options(earlier.plan(), selection.profile) else {}
    stored = [e for e in selection.paper.experiments if e.id in known and earlier.planned(e)[0].path.is_dir()]
    why_not = [barred(study, experiment) for experiment in selection.experiments]
    if why_not and all(why_not):
        raise NothingCanRunError(f"{selection.paper.key} cannot run: {'; '.join(dict.fromkeys(why_not))}")
    possible_here = [e for e in (*selection.experiments, *stored) if not barred(study, e)]
    data = read(study, selection, [name for e in possible_here for name in e.corpora], display)
    contents: dict[str, tuple[str, ...]] = {}
    code = code_digest(selection.code)
    wanted = {experiment.id for experiment in selection.experiments}
    jobs: list[Job] = []
    absent: dict[str, str] = {}
    unusable: dict[str, str] = {}
    for experiment in (e for plain in selection.paper.experiments for e in (plain, *controls(plain))):
        if experiment.control and experiment.id not in wanted and experiment.id not in known:
            continue
        reason = barred(study, experiment) or _without_networks(experiment, selection.profile)
        if reason := (lacking(experiment, data) if study.folder else "") or reason:
            absent[experiment.id] = reason
            continue
        try:
            jobs.append(
                plan(
                    selection.paper,
                    experiment,
                    selection.profile,
                    data,
                    cache=study.cache,
                    out=study.out,
                    seed=seed,
                    code=code,
                    contents=contents,
                    progress=display.progress,
                )
            )
        except UserError as error:
            if study.folder:
                unusable[experiment.id] = str(error)
            elif experiment.id in wanted:
                raise
    asked = tuple(job for job in jobs if job.experiment.id in wanted)
    needed = {name for experiment in selection.experiments for name in experiment.corpora}
    faults = [reason for name, reason in unusable.items() if name in wanted]
    faults += [reason for name, reason in data.faults.items() if name in needed]
    unread: list[str] = []
    if study.folder and wanted & set(absent):
        unread = not_read(study.folder, {corpus.images for corpus in data.corpora.values() if corpus.images})
    if not asked and len(reasons := {absent.get(name) for name in wanted}) == 1 and _NO_NETWORKS in reasons:
        raise NothingCanRunError(f"{selection.paper.key} cannot run: {_NO_NETWORKS}")
    if not asked:
        raise _nothing(study, selection, data, faults, unread)
    return Jobs(asked, tuple(jobs), data, absent | unusable, tuple(dict.fromkeys(faults)), tuple(unread))


def _without_networks(experiment: Experiment, profile: Profile) -> str:
    """Why an experiment with published networks cannot run; empty if it can."""
    if not experiment.pretrained or weights.has_torch(profile):
        return ""
    return _NO_NETWORKS


def unavailable_lines(paper: Paper, experiments: Sequence[Experiment], unavailable: Mapping[str, str]) -> list[str]:
    """One line per reason for which some of these experiments cannot run."""
    by_reason: dict[str, list[str]] = {}
    for experiment in experiments:
        if experiment.id in unavailable and not experiment.control:
            by_reason.setdefault(unavailable[experiment.id], []).append(experiment.id)
    return [f"{paper.key}: {reason}; cannot run: {', '.join(names)}" for reason, names in by_reason.items()]


def _nothing(
    study: Study, selection: PaperSelection, data: Data, faults: Sequence[str], unread: Sequence[str]
) -> UserError:
    """The error for a paper of which nothing can run: what is missing, and the command that runs what can."""
    if faults:
        return UserError("; ".join(faults))
    needs = {name for experiment in selection.experiments for name in experiment.corpora}
    missing = listed([name for name in SOURCES if name in needs and name not in data.corpora])
    readable = [name for name in data.found if name not in data.faults]
    own = possible([selection.paper], readable)
    others = possible([paper for paper in study.known if paper.key != selection.paper.key], readable)
    words = [*program(), "--paper", *(own or others), "--data", str(data.folder)]
    words += [word for name, folder in study.placed.items() for word in ("--as", f"{name}={folder}")]
    words += ["--experiment", *own[selection.paper.key]] if own else []
    advice = f"this can run: {shlex.join(words)}" if own or others else "nothing in this suite can run on these corpora"
    advice = "; ".join([*unread, advice])
    return NothingCanRunError(
        f"{selection.paper.key} cannot run: {data.folder} has {listed(data.found)}, but not {missing}; {advice}"
    )
