"""Figures drawn into the folders of runs and listed in their run.json: a paper's own, and the networks' inputs."""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

import matplotlib
import numpy as np
from numpy.typing import NDArray

from common.contract import Figure, InputView, Parts
from common.errors import ClipError, UserError
from common.files import named, write_atomically
from common.runs.plan import Job
from common.types import Arrays, Clip
from common.vision import images
from common.vision.faces import FaceFinder
from common.vision.picture_grid import PAPER_STYLE

VIEW = "input.png"
MOST, LOWEST, GAP = 6, 96, 6
"""Images in the picture of an input; the height in pixels that the highest has at least; pixels between them."""


class SeenInput(NamedTuple):
    """The inputs of one clip as an image, with a caption for each of the images in it."""

    clip: str
    picture: NDArray[np.uint8]
    captions: tuple[str, ...]


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
            with named(folder), matplotlib.rc_context(PAPER_STYLE):
                figures = parts.figures.draw(shown, job.settings, faces, folder)
        except (OSError, UserError):
            raise
        except Exception as error:  # any error while drawing: the folds can still be trained
            reason = str(error) if isinstance(error, ClipError) else f"{type(error).__name__}: {error}"
            line(f"{job.paper.key} {job.experiment.id}: no figures, {reason}")
            continue
        record = job.run.description() or {}
        job.run.describe(record | {"figures": _listed(figures)})


def draw_views(
    jobs: Sequence[Job],
    excluded: Mapping[str, Collection[str]],
    parts: Parts,
    prepared: Callable[[Job, Clip], Arrays],
    line: Callable[[str], None],
) -> None:
    """Store a picture of one clip's inputs for the first job of those with the same inputs, as in `draw_inputs`.

    `prepared` gives a clip's arrays.
    """
    drawn: set[Hashable] = set()
    for job in jobs:
        usable = [pair for pair in job.clips if pair[0].id not in excluded[job.experiment.id]]
        key = job.settings.inputs, tuple(parts.preprocess.shapes(job.settings).items())
        if not usable or job.experiment.control or key in drawn:
            continue
        drawn.add(key)
        try:
            shown = seen(job, usable, parts, partial(prepared, job))
        except (OSError, UserError):
            raise
        except Exception as error:  # any error while drawing: the folds can still be trained
            line(f"{job.paper.key} {job.experiment.id}: no picture of its input, {type(error).__name__}: {error}")
            continue
        if shown is None:
            continue
        content = images.png(shown.picture)
        write_atomically(job.run.path / "figures" / VIEW, partial(Path.write_bytes, data=content))
        record = {"path": VIEW, "clip": shown.clip, "captions": list(shown.captions)}
        job.run.describe((job.run.description() or {}) | {"input": record})


def seen(
    job: Job, usable: Sequence[tuple[Clip, int]], parts: Parts, prepared: Callable[[Clip], Arrays]
) -> SeenInput | None:
    """What the network reads of the first clip with an annotated apex, else of the first one; None if no picture."""
    apex = (pair for pair in usable if pair[0].apex is not None and pair[0].apex_source == "annotated")
    clip, label = next(apex, usable[0])
    samples = parts.preprocess.assemble([(clip, label)], [prepared(clip)], job.settings)
    views = parts.figures.input_views(samples, job.settings)
    return SeenInput(clip.id, *in_a_row(views)) if views else None


def in_a_row(views: Mapping[str, InputView]) -> tuple[NDArray[np.uint8], tuple[str, ...]]:
    """At most `MOST` images of a clip's inputs as one image, and a caption for each; every pixel becomes a square.

    Several inputs get equal numbers of images; a single one is the middle of its video.
    """
    some = list(views.items())[:MOST]
    chosen = [
        (
            view.pictures[place],
            view.captions[place] if len(some) == 1 else f"{name.replace('_', ' ')}, {view.captions[place]}",
        )
        for name, view in some
        for place in images.evenly(len(view.pictures), MOST // len(some))
    ]
    enlarged = -(-LOWEST // max(len(picture) for picture, _ in chosen))
    squares = [picture.repeat(enlarged, axis=0).repeat(enlarged, axis=1) for picture, _ in chosen]
    return images.in_a_row(squares, GAP), tuple(caption for _, caption in chosen)


def draw_results(job: Job, parts: Parts, line: Callable[[str], None]) -> None:
    """Add figures of what was learnt, if folds have finished since the figures were last drawn."""
    record = job.run.description() or {}
    if not (done := job.done()) or record.get("drawn_after_folds") == done:
        return
    try:
        with matplotlib.rc_context(PAPER_STYLE):
            drawn = parts.figures.results(job.experiment, job.run.path)
    except Exception as error:  # any error while drawing: the results are stored
        line(f"{job.paper.key} {job.experiment.id}: no figures of its results, {type(error).__name__}: {error}")
        return
    titles = {figure.title for figure in drawn}
    kept = [row for row in record.get("figures", []) if row["title"] not in titles]
    job.run.describe(record | {"figures": kept + _listed(drawn), "drawn_after_folds": done})


def _listed(figures: Sequence[Figure]) -> list[dict[str, str]]:
    return [{"title": figure.title, "caption": figure.caption, "path": figure.path.name} for figure in figures]
