"""Small JPEGs of the onset, apex and offset of clips, stored below `out/runs` so that reports need no corpora.

Frames of stand-ins and of licensed corpora lie in folders of their own: the licences of the latter decide whose faces
may be shown, so these are written and read only on request. No run's key depends on them.
"""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from functools import cache, partial
from pathlib import Path
from typing import Any

from PIL import Image

from common.corpora.marker import LICENSED, STAND_IN, inside_marked
from common.errors import ClipError
from common.files import write_atomically
from common.runs.cache import digest
from common.runs.plan import Data, Job
from common.types import Clip, Progress
from common.vision.images import frames_of

MOMENTS = ("onset", "apex", "offset")
HEIGHT, WIDEST = 96, 192
"""Pixels of a thumbnail: its height, and how wide it may be."""
QUALITY = 72


def names(jobs: Sequence[Job]) -> dict[str, str]:
    """By clip id the name under which its thumbnails are stored, which is the same for the same frames."""
    return {
        clip.id: digest([job.contents[clip.id], clip.onset, clip.apex, clip.offset, HEIGHT])[:16]
        for job in jobs
        for clip, _ in job.clips
    }


def write(out: Path, jobs: Sequence[Job], data: Data, show_frames: bool, say: Progress) -> None:
    """Store the thumbnails of the jobs' clips that are not there yet: of licensed clips only if `show_frames`.

    A clip with a frame that cannot be read, or that lies outside its corpus, has none. Raises OSError where nothing can
    be written.
    """
    named = names(jobs)
    clips = {named[clip.id]: clip for job in jobs for clip, _ in job.clips}
    roots = {corpus.name: corpus.root.resolve() for corpus in data.corpora.values()}
    in_stand_in = cache(lambda folder: inside_marked(folder, data.folder))
    for done, (name, clip) in enumerate(clips.items(), start=1):
        say("thumbnails", done, len(clips))
        kind = STAND_IN if in_stand_in(clip.frames[0].parent) else LICENSED
        places = _places(clip)
        paths = {moment: _path(out, kind, name, moment) for moment in places}
        if (kind == LICENSED and not show_frames) or all(path.is_file() for path in paths.values()):
            continue
        root = roots.get(clip.corpus)
        if root is None or not all(clip.frames[i].resolve().is_relative_to(root) for i in places.values()):
            continue
        try:
            drawn = _draw(clip, sorted(set(places.values())))
        except (ClipError, OSError, ValueError):
            continue  # what is wrong with the clip is reported where it is prepared
        for moment, path in paths.items():
            write_atomically(path, partial(Path.write_bytes, data=drawn[places[moment]]))


def stored(out: Path, plan: Mapping[str, Any], show_frames: bool) -> dict[str, dict[str, bytes]]:
    """JPEGs by clip id and moment, of the clips of a plan as `read_plan` gives it that have any."""
    kinds = (STAND_IN, LICENSED) if show_frames else (STAND_IN,)
    found: dict[str, dict[str, bytes]] = {}
    for clip, name in plan.get("thumbnails", {}).items():
        for kind in kinds:
            paths = {moment: _path(out, kind, name, moment) for moment in MOMENTS}
            shown = {moment: path.read_bytes() for moment, path in paths.items() if path.is_file()}
            if shown:
                found[clip] = shown
    return found


def _path(out: Path, kind: str, name: str, moment: str) -> Path:
    return out / "runs" / "thumbnails" / kind / f"{name}-{moment}.jpg"


def _places(clip: Clip) -> dict[str, int]:
    """By moment the place of its frame in the clip, or of the nearest one that is there; none of an unknown apex."""
    wanted = {"onset": clip.onset, "apex": clip.apex, "offset": clip.offset}
    return {
        moment: min(range(len(clip.numbers)), key=lambda place: abs(clip.numbers[place] - number))
        for moment, number in wanted.items()
        if number is not None
    }


def _draw(clip: Clip, places: Sequence[int]) -> dict[int, bytes]:
    """JPEGs of the frames at these ascending places. Raises ClipError for a frame that cannot be read."""
    drawn = {}
    for place, frame in zip(places, frames_of(clip).read(places, None), strict=True):
        buffer = io.BytesIO()
        picture = Image.fromarray(frame)
        picture.thumbnail((WIDEST, HEIGHT), Image.Resampling.LANCZOS)
        picture.save(buffer, "JPEG", quality=QUALITY, optimize=True)
        drawn[place] = buffer.getvalue()
    return drawn
