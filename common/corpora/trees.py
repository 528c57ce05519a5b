"""Folders, images and frame numbers on disk, whatever the nesting, spelling, order and stray files of a copy."""

from __future__ import annotations

import os
import re
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from common.errors import ClipError, UserError
from common.files import natural
from common.vision.videos import is_video

IMAGES = (".jpg", ".jpeg", ".png", ".bmp")
OTHER_IMAGES = (".tif", ".tiff", ".webp", ".jp2", ".heic", ".pgm", ".ppm")  # named, not read
_TABLES = (".xlsx", ".xls", ".csv", ".ods", ".xlsb", ".xlsm", ".numbers", ".tsv")
_ARCHIVE = re.compile(r".*\.(?:zip|rar|7z|tar|t?gz|tbz2?|bz2|xz|z[0-9]{2}|00[0-9])", re.IGNORECASE)
DEPTH = 7
"""Number of folder levels that are searched for a corpus."""
BEYOND = 4
"""The same below a link to outside the data folder: enough for a corpus, too few to search a whole disk."""
LONGEST = 10_000
"""Maximum number of frames from onset to offset of a clip in a video: more must be an error in the table."""
_SUBJECT = re.compile(r"(?:sub|s)[0-9]{1,3}", re.IGNORECASE)
REFUSE = re.compile(r"\..*|__MACOSX|\$RECYCLE\.BIN|lost\+found|System Volume Information", re.IGNORECASE)


@dataclass(frozen=True)
class Oddity:
    """A known odd apex in the tables of a corpus, and whether it is used nevertheless.

    `place` is "onset", "onset+1", "offset" or "outside" (of onset to offset). If the apex in a table is elsewhere, the
    table has been repaired and is read as it is.
    """

    place: str
    kept: bool
    why: str


@dataclass(frozen=True)
class Glimpse:
    """What a folder of subjects contains: the names of the subjects' folders, and the first clip of some of them.

    A clip is the names from the subject's folder to its first image, or to a video: ("sub01", "EP02_01f", "img46.jpg").
    `most` is the largest number of images in a folder among them; 0 if all are videos.
    """

    path: Path
    subjects: tuple[str, ...]
    clips: tuple[tuple[str, ...], ...]
    most: int = 0

    def images(self, layout: Layout) -> list[str]:
        """The first images of the clips that `layout` describes, if most clips are such."""
        fitting = [c for c in self.clips if len(c) == 3 and _fits(layout, c[0], c[1]) and not is_video(Path(c[2]))]
        return [c[-1] for c in fitting] if 2 * len(fitting) > len(self.clips) else []

    def videos(self, layout: Layout) -> list[str]:
        """The clips that `layout` describes and that are videos, if most clips are such."""
        fitting = [c[1] for c in self.clips if len(c) == 2 and is_video(Path(c[1])) and _fits(layout, *c)]
        return fitting if 2 * len(fitting) > len(self.clips) else []


@dataclass(frozen=True)
class Claim:
    """What a folder of subjects looks like by its content: names of `Layout.folders` by kind ("raw", "cropped").

    `doubt` says why this is not clear; with `readable` the folder is read if the user names it.
    """

    names: Mapping[str, str]
    doubt: str = ""
    readable: bool = True


@dataclass(frozen=True)
class Layout:
    """The names of a corpus and the structure of its copies on disk.

    `folders` are (kind, name) pairs, kind "raw" or "cropped", best first; names are compared without case and
    punctuation, and `a/b` is a folder b in a folder a. Such a folder contains subjects (`subject`, whose group is the
    number), which contain folders or videos matching `clip`. `subject_id` formats that number. `tables` are file
    patterns of the annotation table, `spare_tables` those that count if no other table is found, `headings` the names
    of its columns, `oddities` its known odd apexes by clip id. `fps` is in frames per second.

    `recognise` returns what a folder with another name looks like, judging by its content, or None; without it, folders
    are known only by name. `example` is a clip in such a folder, `size` the width and height of raw images.
    """

    corpus: str
    title: str
    citation: str
    fps: float
    folders: tuple[tuple[str, str], ...]
    subject: re.Pattern[str]
    clip: re.Pattern[str]
    subject_id: str
    tables: tuple[str, ...] = ()
    headings: Mapping[str, str] = field(default_factory=dict)
    oddities: Mapping[str, Oddity] = field(default_factory=dict)
    spare_tables: tuple[str, ...] = ()
    recognise: Callable[[Glimpse], Claim | None] | None = None
    example: str = ""
    size: tuple[int, int] = (0, 0)


@dataclass(frozen=True)
class Place:
    """The folder of a corpus that the user named, and the data folder, in which its table may be."""

    folder: Path
    data: Path


Root = Path | Place
"""Where a corpus is: a folder that was found, or one that the user named."""


@dataclass(frozen=True)
class Folder:
    """A folder found by a survey: its sub-folders, tables and archives by name, and the number of its images.

    `fault` says why it could not be listed, or that it is a link that leads nowhere. `named` is true if the user named
    the surveyed folder. `beyond` is 0 in the surveyed folder, and counts up in the folders that are searched for tables
    after it.
    """

    path: Path
    folders: tuple[str, ...] = ()
    tables: tuple[str, ...] = ()
    fault: str = ""
    named: bool = False
    beyond: int = 0
    archives: tuple[str, ...] = ()
    images: int = 0


@dataclass(frozen=True)
class Tree:
    """A folder of subject folders: `kind` "raw" or "cropped"; `form`, one of `Layout.folders`, is what it is read as.

    `name` is `form` if the folder has this name, else the folder's own.
    """

    kind: str
    name: str
    path: Path
    form: str


def plain(name: str) -> str:
    """`name` reduced for comparing folders and headings: only letters and digits, in lower case, CASMEII as casme2."""
    return re.sub(r"[^a-z0-9]", "", name.lower()).replace("casmeii", "casme2")


def unlike(form: re.Pattern[str], names: Sequence[str]) -> str:
    """The first of the files' names that is not like `form`, if most are not; else empty."""
    others = [name for name in names if not form.fullmatch(name)]
    return others[0] if 2 * len(others) > len(names) else ""


def shown(path: Path, top: Path) -> str:
    """`path` relative to `top`, if it is below it."""
    return str(path.relative_to(top)) if path.is_relative_to(top) else str(path)


# ---------------------------------------------------------------- all folders


def survey(top: Root) -> list[Folder]:
    """All folders from `top` down, nearest first, without those inside subject folders, and links that lead nowhere.

    Links are followed last, but not to a folder that contains `top`; each folder is visited once, at most `DEPTH`
    levels down, so that loops end. If the user named the folder, the folders that may contain its table follow: those
    above it, then all others in the data folder. Raises UserError if `top` cannot be listed.
    """
    return _around(top) if isinstance(top, Place) else _below(top)


def _around(place: Place) -> list[Folder]:
    folder, data = (Path(os.path.abspath(path)) for path in (place.folder, place.data))
    named = [replace(found, named=True) for found in _below(folder)]
    inside = {found.path for found in named}
    others = [found for found in _below(data) if found.path not in inside]
    above = [found for parent in folder.parents for found in others if found.path == parent]
    searched = [*above, *(found for found in others if found not in above)]
    last = len(above) + 1
    beyond = [Folder(found.path, tables=found.tables, beyond=min(k, last)) for k, found in enumerate(searched, 1)]
    return [*named, *beyond]


def _below(top: Path) -> list[Folder]:
    surveyed: list[Folder] = []
    above = Path(os.path.realpath(top))
    seen = {_identity(parent.stat()) for parent in above.parents}
    waiting = deque([(Path(os.path.abspath(top)), 0)])
    links: deque[tuple[Path, int]] = deque()  # last: a folder keeps its own name if it has one below `top`
    while waiting or links:
        path, depth = (waiting or links).popleft()
        try:
            if (identity := _identity(path.stat())) in seen:
                continue
            seen.add(identity)
            folders, files = _listing(path)
        except OSError as error:
            if depth == 0:
                reason = error.strerror or str(error)
                raise UserError(
                    f"{top}: not a readable folder ({reason}); name the folder that contains the corpora"
                ) from None
            surveyed.append(Folder(path, fault=error.strerror or str(error)))
            continue
        pictures = [name for name in files if name.lower().endswith((*IMAGES, *OTHER_IMAGES))]
        names, tables = sorted(folders, key=natural), sorted(name for name in files if name.lower().endswith(_TABLES))
        archives = sorted(filter(_ARCHIVE.fullmatch, files), key=natural)
        surveyed.append(Folder(path, (*names,), (*tables,), archives=(*archives,), images=len(pictures)))
        surveyed += [
            Folder(path / name, fault=f"a link to {os.readlink(path / name)}, which does not exist")
            for name in sorted({*files}.difference(pictures))  # a clip that lacks an image is reported itself
            if os.path.islink(path / name) and not os.path.exists(path / name)
        ]
        for name in names if depth < DEPTH else ():
            if _SUBJECT.fullmatch(name) or REFUSE.fullmatch(name):
                continue
            if not os.path.islink(path / name):
                waiting.append((path / name, depth + 1))
            elif Path(os.path.realpath(path / name)).is_relative_to(above):
                links.append((path / name, depth + 1))
            else:
                links.append((path / name, max(depth + 1, DEPTH - BEYOND)))
    return surveyed


def _identity(status: os.stat_result) -> tuple[int, int]:
    return status.st_dev, status.st_ino


# ---------------------------------------------------------------- inside a tree


def subjects(tree: Path, layout: Layout) -> dict[int, tuple[Path, ...]]:
    """Subject folders by number; several if a copy spells a number in several ways (`s1` and `s01`).

    Raises ClipError if the folder cannot be listed.
    """
    folders: dict[int, tuple[Path, ...]] = {}
    for name, path in children(tree).items():
        if match := layout.subject.fullmatch(name):
            folders[int(match[1])] = (*folders.get(int(match[1]), ()), path)
    return folders


def children(folder: Path) -> dict[str, Path]:
    """Sub-folders by name, in natural order. Raises ClipError if the folder cannot be listed."""
    return {name: folder / name for name in sorted(entries(folder)[0], key=natural)}


def frame_number(name: str) -> int | None:
    """The last run of digits before the first full stop (`reg_img46.jpg.jpg` is 46); None if there is no digit.

    The number that a browser or file manager adds to a copy, as in `img46 (1).jpg`, is ignored.
    """
    digits = re.findall(r"[0-9]+", re.sub(r"\s*\([0-9]+\)\s*$", "", name.partition(".")[0]))
    return int(digits[-1]) if digits else None


def images(folder: Path) -> dict[int, Path]:
    """Image files by frame number, ascending. Raises ClipError if a number occurs twice."""
    names: dict[int, str] = {}
    for name in sorted(entries(folder)[1]):
        if not name.lower().endswith(IMAGES) or (number := frame_number(name)) is None:
            continue
        if number in names:
            raise ClipError(f"frame {number} occurs twice: {names[number]} and {name}")
        names[number] = name
    return {number: folder / names[number] for number in sorted(names)}


def no_image(folder: Path) -> str:
    """What is in a folder without numbered images, for a message. Raises ClipError if the folder cannot be listed."""
    foreign = [end for name in entries(folder)[1] if (end := Path(name).suffix.lower()) in OTHER_IMAGES]
    there = f"{len(foreign)} {foreign[0]} files" if foreign else ""
    return f"{there}, which are not read; convert them to PNG" if there else "no numbered image"


def videos(folder: Path) -> dict[str, Path]:
    """Video files by name, in natural order. Raises ClipError if the folder cannot be listed."""
    there = {name: folder / name for name in sorted(entries(folder)[1], key=natural)}
    return {name: path for name, path in there.items() if is_video(path)}


def sequence(folder: Path, onset: int, offset: int) -> dict[int, Path]:
    """The frames with onset <= number <= offset, ascending, of a folder or of a video, which is not opened.

    Raises ClipError if there are fewer than two, or more in a video than any clip has, or if a folder has as many
    images as the clip has frames, under other numbers without gaps: they were renumbered, and a part would be read.
    """
    if onset > offset:
        raise ClipError(f"onset {onset} is after offset {offset}")
    if is_video(folder) and not folder.is_dir():
        if onset < 1 or not 1 <= offset - onset <= LONGEST:
            raise ClipError(f"onset {onset} and offset {offset} do not enclose 2 to {LONGEST + 1} frames of a video")
        return dict.fromkeys(range(onset, offset + 1), folder)
    paths = images(folder)
    chosen = {number: path for number, path in paths.items() if onset <= number <= offset}
    if not chosen:
        held = f"it has frames {min(paths)} to {max(paths)}" if paths else f"it has {no_image(folder)}"
        raise ClipError(
            f"no frame between onset {onset} and offset {offset} in {folder.parent.name}/{folder.name}; {held}"
        )
    if max(paths) - min(paths) + 1 == len(paths) == offset - onset + 1 != len(chosen):
        raise ClipError(
            f"the {len(paths)} images of {folder.parent.name}/{folder.name} are numbered {min(paths)} to {max(paths)}, "
            f"not {onset} to {offset}: they seem to be renumbered; restore their numbers"
        )
    if len(chosen) == 1:
        raise ClipError(f"1 frame between onset {onset} and offset {offset}; a sequence needs at least 2")
    return chosen


def entries(folder: Path) -> tuple[list[str], list[str]]:
    """Names of sub-folders and of files, unsorted. Raises ClipError if the folder cannot be listed."""
    try:
        return _listing(folder)
    except OSError as error:
        raise ClipError(f"{folder.parent.name}/{folder.name} cannot be read ({error.strerror})") from None


def _listing(folder: Path) -> tuple[list[str], list[str]]:
    """Names of sub-folders and of files, unsorted."""
    folders: list[str] = []
    others: list[str] = []
    with os.scandir(folder) as entries:
        for entry in entries:
            try:
                is_folder = entry.is_dir()
            except OSError:  # a link to itself
                continue
            (folders if is_folder else others).append(entry.name)
    return folders, others


def _fits(layout: Layout, subject: str, clip: str) -> bool:
    name = Path(clip).stem if is_video(Path(clip)) else clip.strip()
    return bool(layout.subject.fullmatch(subject) and layout.clip.fullmatch(name))
