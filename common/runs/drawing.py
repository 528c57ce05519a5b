"""A paper's own figures, drawn into the folders of its runs and listed in their run.json."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence

from common.contract import Figure, Parts
from common.errors import ClipError, UserError
from common.files import named
from common.runs.plan import Job
from common.vision.faces import FaceFinder


def draw_inputs(
    jobs: Sequence[Job],
    excluded: Mapping[str, Collection[str]],
    parts: Parts,
    faces: FaceFinder,
    line: Callable[[str], None],
) -> None:
    """Draw the inputs of each corpus for the first job that reads it; `excluded` are clip ids by experiment id.

    A failure is reported in one line. Raises OSError if nothing can be written.
    """
    drawn: set[str] = set()
    for job in jobs:
        out = excluded[job.experiment.id]
        shown = [pair for pair in job.clips if pair[0].corpus not in drawn and pair[0].id not in out]
        if not shown or job.experiment.control:
            continue
        drawn |= {clip.corpus for clip, _ in shown}
        folder = job.run.path / "figures"
        folder.mkdir(parents=True, exist_ok=True)
        try:
            with named(folder):
                figures = parts.figures.draw(shown, job.settings, faces, folder)
        except (OSError, UserError):
            raise
        except Exception as error:  # any error while drawing: the folds can still be trained
            reason = str(error) if isinstance(error, ClipError) else f"{type(error).__name__}: {error}"
            line(f"{job.paper.key} {job.experiment.id}: no figures, {reason}")
            continue
        record = job.run.description() or {}
        job.run.describe(record | {"figures": _listed(figures)})


def draw_results(job: Job, parts: Parts, line: Callable[[str], None]) -> None:
    """Add figures of what was learnt, if folds have finished since the figures were last drawn."""
    record = job.run.description() or {}
    if not (done := job.done()) or record.get("drawn_after_folds") == done:
        return
    try:
        drawn = parts.figures.results(job.experiment, job.run.path)
    except Exception as error:  # any error while drawing: the results are stored
        line(f"{job.paper.key} {job.experiment.id}: no figures of its results, {type(error).__name__}: {error}")
        return
    titles = {figure.title for figure in drawn}
    kept = [row for row in record.get("figures", []) if row["title"] not in titles]
    job.run.describe(record | {"figures": kept + _listed(drawn), "drawn_after_folds": done})


def _listed(figures: Sequence[Figure]) -> list[dict[str, str]]:
    return [{"title": figure.title, "caption": figure.caption, "path": figure.path.name} for figure in figures]
