"""The plans and results of a study: a file for each paper, profile, kind of data and seed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from common.contract import Paper, Profile
from common.files import write_json
from common.json_schema import PLAN, read_json
from common.profiles import shortened
from common.runs import thumbnails
from common.runs.plan import Data, Job
from common.types import CorpusSummary, Correction, Exclusion


def plan_file(out: Path, paper: Paper, profile: Profile, data: str, seed: int) -> Path:
    """The file of the last plan of this kind, with which `--report-only` finds the runs; each --ground has its own."""
    name = "-".join(filter(None, (profile.name, data, paper.ground, f"seed{seed}")))
    return out / "runs" / paper.key / f"{name}.json"


def write_plan(
    path: Path, jobs: Sequence[Job], data: Data, command: Sequence[str], unavailable: Mapping[str, str] | None = None
) -> None:
    """Store which runs belong to a paper, profile, kind of data and seed, and what was read for them.

    `unavailable` says by experiment why it cannot run on these corpora.
    """
    write_json(
        path,
        {
            "data": str(data.folder.absolute()),
            "options": [list(pair) for job in jobs[:1] for pair in job.profile.deciding],
            "command": list(command),
            "shortened": list(dict.fromkeys(line for job in jobs[:1] for line in shortened(job.paper, job.profile))),
            "runs": {job.experiment.id: {"path": job.run.path.name, "folds": list(job.folds)} for job in jobs},
            "corpora": [asdict(summary) for summary in _summaries(jobs)],
            "exclusions": [asdict(e) for e in dict.fromkeys(e for job in jobs for e in job.exclusions)],
            "differences": list(dict.fromkeys(note for job in jobs for note in job.notes)),
            "corrections": [
                asdict(correction) for corpus in data.corpora.values() for correction in corpus.corrections
            ],
            "unavailable": dict(unavailable or {}),
            "thumbnails": thumbnails.names([job for job in jobs if not job.experiment.control]),
        },
    )


def read_plan(path: Path) -> Mapping[str, Any]:
    """A stored plan; empty if there is none that this version can read."""
    try:
        plan: dict[str, Any] = read_json(path, PLAN)
        for kind, rows in ((CorpusSummary, "corpora"), (Exclusion, "exclusions"), (Correction, "corrections")):
            plan[rows] = [kind(**row) for row in plan[rows]]
    except (OSError, ValueError, TypeError, RecursionError):
        return {}
    return plan


def same_options(plan: Mapping[str, Any], profile: Profile) -> bool:
    """Whether a plan was made with the options of a profile that affect predictions."""
    return sorted(tuple(pair) for pair in plan.get("options", [])) == sorted(profile.deciding)


def _summaries(jobs: Sequence[Job]) -> list[CorpusSummary]:
    """What was read of each corpus, once per set of classes that it is used with."""
    distinct = {
        (summary.name, *summary.by_class): summary
        for job in jobs
        if not job.experiment.control
        for summary in job.summaries
    }
    return list(distinct.values())
