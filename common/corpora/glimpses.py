"""What a folder of subjects contains: its first clips, the words in its path, and whether its images are crops."""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Iterator, Sequence
from itertools import islice
from pathlib import Path

from common.corpora.trees import DEPTH, IMAGES, OTHER_IMAGES, REFUSE, Folder, Glimpse, Layout, entries
from common.errors import ClipError
from common.files import natural
from common.vision.videos import is_video

_PERSON = re.compile(r"(?:sub|s)?[0-9]{1,3}", re.IGNORECASE)
_SAMPLES = 3
"""The number of subjects whose folders are examined."""
_LEVELS = 4
"""Maximum number of folders from a subject's to an image."""
_FACES = {"face", "faces", "aligned"}


def look(folder: Folder) -> Glimpse | None:
    """The first clips of some subjects in a folder; None if it contains no subject with a clip."""
    people = tuple(name for name in folder.folders if _PERSON.fullmatch(name))
    clips = islice((c for name in people[: 4 * _SAMPLES] if (c := first_clip(folder.path, name))[0]), _SAMPLES)
    seen = tuple(clips)
    counts = [count for _, count in seen if count]
    return Glimpse(folder.path, people, tuple(names for names, _ in seen), max(counts, default=0)) if seen else None


def first_clip(tree: Path, subject: str) -> tuple[tuple[str, ...], int]:
    """The names from a subject's folder to its first image or video, and how many images are in that folder."""

    def search(parts: tuple[str, ...]) -> tuple[tuple[str, ...], int]:
        try:
            folders, files = entries(tree.joinpath(*parts))
        except ClipError:
            return (), 0
        pictures = _pictures(files, IMAGES)
        first = sorted(pictures or [*filter(_is_video, files)] or _pictures(files, OTHER_IMAGES), key=natural)[:1]
        own = ((*parts, *first), len(pictures)) if first else ((), 0)
        if first and (len(parts) > 1 or not folders):
            return own
        for name in sorted(folders, key=natural)[:4] if len(parts) <= _LEVELS else ():
            if (found := search((*parts, name)))[0]:
                return found
        return own

    return search((subject,))


def unread(top: Path, apart: Collection[Path]) -> list[Path]:
    """The folders at or below `top` with two images or more that are not at or below one of `apart`.

    Links are not followed, and hidden folders are skipped, as are those more than `DEPTH` levels down.
    """
    found: list[Path] = []
    waiting = [(top, 0)]
    while waiting:
        folder, depth = waiting.pop(0)
        try:
            folders, files = entries(folder)
        except ClipError:
            continue
        if len(_pictures(files, (*IMAGES, *OTHER_IMAGES))) > 1:  # one may be a cover or a portrait
            found.append(folder)
        waiting += [
            (folder / name, depth + 1)
            for name in sorted(folders, key=natural)
            if depth < DEPTH and not REFUSE.fullmatch(name) and folder / name not in apart
            if not os.path.islink(folder / name)
        ]
    return found


def _is_video(name: str) -> bool:
    return is_video(Path(name)) and not name.startswith(".")


def _pictures(files: Sequence[str], suffixes: tuple[str, ...]) -> list[str]:
    return [name for name in files if name.lower().endswith(suffixes) and not name.startswith(".")]


def words(path: Path, count: int = 3) -> Iterator[set[str]]:
    """The words in the names of the last `count` folders of a path, in lower case, the innermost first."""
    for name in islice(reversed(path.parts), count):
        yield {word.lower() for word in re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+", name)}


def kind(glimpse: Glimpse, layout: Layout) -> str:
    """Whether images are "raw" or "cropped": by the folder's name, else by those of the files, else by their size."""
    for name, own in zip(reversed(glimpse.path.parts), words(glimpse.path), strict=False):
        if "crop" in name.lower() or own & _FACES:
            return "cropped"
        if "raw" in own:
            return "raw"
    first = glimpse.clips[0]
    if first[-1].lower().startswith("reg_"):
        return "cropped"
    size = _size(glimpse.path.joinpath(*first))
    return "cropped" if size and size[0] < layout.size[0] else "raw"


def _size(image: Path) -> tuple[int, int] | None:
    from PIL import Image

    try:
        with Image.open(image) as opened:
            return opened.size
    except (OSError, ValueError, Image.DecompressionBombError):  # a video, or a damaged file: a run reports it
        return None
