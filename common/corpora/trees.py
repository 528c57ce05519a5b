"""Find image folders and frame numbers on disk, whatever the nesting, spelling, order and stray files of a copy."""

from __future__ import annotations

import os
import re
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from itertools import groupby
from pathlib import Path

from common.errors import ClipError, UserError
from common.files import natural
from common.vision.videos import is_video

IMAGES = (".jpg", ".jpeg", ".png", ".bmp")
DEPTH = 7
"""Number of folder levels that are searched for a corpus."""
BEYOND = 4
"""The same below a link to outside the data folder: enough for a corpus, too few to search a whole disk."""
_SUBJECT = re.compile(r"(?:sub|s)[0-9]{1,3}", re.IGNORECASE)
_REFUSE = re.compile(r"\..*|__MACOSX|\$RECYCLE\.BIN|lost\+found|System Volume Information", re.IGNORECASE)


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
class Layout:
    """The names of a corpus and the structure of its copies on disk.

    `folders` are (kind, name) pairs, kind "raw" or "cropped", best first; names are compared without case and
    punctuation, and `a/b` is a folder b in a folder a. Such a folder contains subjects (`subject`, whose group is the
    number), which contain folders or videos matching `clip`. `subject_id` formats that number. `tables` are file
    patterns of the annotation table, `headings` the names of its columns, `oddities` its known odd apexes by clip id.
    `fps` is in frames per second.
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


@dataclass(frozen=True)
class Folder:
    """A folder found by a survey: its sub-folders and tables, by name; `fault` says why it could not be listed."""

    path: Path
    folders: tuple[str, ...] = ()
    tables: tuple[str, ...] = ()
    fault: str = ""


@dataclass(frozen=True)
class Tree:
    """A folder of subject folders: `kind` "raw" or "cropped", `name` one of `Layout.folders`."""

    kind: str
    name: str
    path: Path


def plain(name: str) -> str:
    """`name` reduced for comparing folders and headings: only letters and digits, in lower case, CASMEII as casme2."""
    return re.sub(r"[^a-z0-9]", "", name.lower()).replace("casmeii", "casme2")


# ---------------------------------------------------------------- finding a corpus


def survey(top: Path) -> list[Folder]:
    """All folders from `top` down, nearest first, without those inside subject folders.

    Links are followed last, but not to a folder that contains `top`; each folder is visited once, at most `DEPTH`
    levels down, so that loops end. Raises UserError if `top` cannot be listed.
    """
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
        tables = tuple(sorted(name for name in files if name.lower().endswith((".xlsx", ".xls", ".csv"))))
        surveyed.append(Folder(path, tuple(sorted(folders, key=natural)), tables))
        for name in surveyed[-1].folders if depth < DEPTH else ():
            if _SUBJECT.fullmatch(name) or _REFUSE.fullmatch(name):
                continue
            if not (path / name).is_symlink():
                waiting.append((path / name, depth + 1))
            elif Path(os.path.realpath(path / name)).is_relative_to(above):
                links.append((path / name, depth + 1))
            else:
                links.append((path / name, max(depth + 1, DEPTH - BEYOND)))
    return surveyed


def _identity(status: os.stat_result) -> tuple[int, int]:
    return status.st_dev, status.st_ino


def files(folders: Sequence[Folder], patterns: Sequence[str]) -> list[Path]:
    """Tables whose names match one of `patterns` in any case, except lock files of spreadsheet programs (`~$...`)."""
    return [
        folder.path / name
        for folder in folders
        for name in folder.tables
        if not name.startswith(("~$", ".")) and any(fnmatchcase(name.lower(), pattern.lower()) for pattern in patterns)
    ]


def trees(folders: Sequence[Folder], layout: Layout) -> Iterator[Tree]:
    """The image folders of a corpus among `folders`. A folder inside a folder of the same name counts once."""
    for folder in folders:
        tail = [name for name, _ in groupby(map(plain, folder.path.parts))]
        for kind, name in layout.folders:
            parts = [plain(part) for part in name.split("/")]
            if tail[-len(parts) :] == parts and _holds_clips(folder, layout):
                yield Tree(kind, name, folder.path)


def available(folders: Sequence[Folder], layout: Layout) -> bool:
    """Whether any image folder of a corpus is among `folders`."""
    return next(trees(folders, layout), None) is not None


def choose(folders: Sequence[Folder], layout: Layout, images: str, table: Path | None = None) -> Tree:
    """The tree to read: of kind `images` if there is one, then by rank in `layout`, then by number of subjects.

    Ties go to the tree closest to `table`, then to `folders[0]`. Raises UserError if there is none.
    """
    names = [name for _, name in layout.folders]

    def rank(tree: Tree) -> tuple[bool, int, int, int, int, list[str | int]]:
        shared = len(os.path.commonpath([tree.path, table])) if table else 0
        depth, path = len(tree.path.parts), natural(str(tree.path))
        return tree.kind != images, names.index(tree.name), -_people(tree, layout), -shared, depth, path

    ranked = sorted(trees(folders, layout), key=rank)
    if not ranked:
        wanted = ", ".join(names)
        raise UserError(f"{folders[0].path}: no images of {layout.corpus}; looked for folders of subjects in {wanted}")
    return ranked[0]


def passed_over(folders: Sequence[Folder], layout: Layout, chosen: Tree) -> list[str]:
    """One line for each other tree of the corpus."""
    return [
        f"found but not read: {shown(tree.path, folders[0].path)}, {tree.kind} images of "
        f"{_people(tree, layout)} subjects"
        for tree in trees(folders, layout)
        if tree.path != chosen.path
    ]


def shown(path: Path, top: Path) -> str:
    """`path` relative to `top`, if it is below it."""
    return str(path.relative_to(top)) if path.is_relative_to(top) else str(path)


def _people(tree: Tree, layout: Layout) -> int:
    try:
        return len(subjects(tree.path, layout))
    except ClipError:
        return 0


def root(folders: Sequence[Folder], layouts: Sequence[Layout]) -> Path | None:
    """The innermost folder that contains all image trees and tables of a corpus; None if there are none."""
    places = []
    for layout in layouts:
        places += [table.parent for table in files(folders, layout.tables)]
        for tree in trees(folders, layout):
            own = layout.corpus.split("_")[0]  # a folder SMIC may contain VIS, other parts, and their tables
            place, parts = tree.path, {plain(part) for part in tree.name.split("/")} - {own}
            while plain(place.name) in parts and place != folders[0].path:
                place = place.parent
            places.append(place)
    return Path(os.path.commonpath(places)) if places else None


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
    return {name: folder / name for name in sorted(_read(folder)[0], key=natural)}


def frame_number(name: str) -> int | None:
    """The last run of digits before the first full stop (`reg_img46.jpg.jpg` is 46); None if there is no digit.

    The number that a browser or file manager adds to a copy, as in `img46 (1).jpg`, is ignored.
    """
    digits = re.findall(r"[0-9]+", re.sub(r"\s*\([0-9]+\)\s*$", "", name.partition(".")[0]))
    return int(digits[-1]) if digits else None


def images(folder: Path) -> dict[int, Path]:
    """Image files by frame number, ascending. Raises ClipError if a number occurs twice."""
    names: dict[int, str] = {}
    for name in sorted(_read(folder)[1]):
        if not name.lower().endswith(IMAGES) or (number := frame_number(name)) is None:
            continue
        if number in names:
            raise ClipError(f"frame {number} occurs twice: {names[number]} and {name}")
        names[number] = name
    return {number: folder / names[number] for number in sorted(names)}


def videos(folder: Path) -> dict[str, Path]:
    """Video files by name, in natural order. Raises ClipError if the folder cannot be listed."""
    there = {name: folder / name for name in sorted(_read(folder)[1], key=natural)}
    return {name: path for name, path in there.items() if is_video(path)}


def sequence(folder: Path, onset: int, offset: int) -> dict[int, Path]:
    """The frames with onset <= number <= offset, ascending. Raises ClipError if there are fewer than two."""
    if onset > offset:
        raise ClipError(f"onset {onset} is after offset {offset}")
    paths = images(folder)
    chosen = {number: path for number, path in paths.items() if onset <= number <= offset}
    if not chosen:
        held = f"it has frames {min(paths)} to {max(paths)}" if paths else "it has no numbered image"
        raise ClipError(
            f"no frame between onset {onset} and offset {offset} in {folder.parent.name}/{folder.name}; {held}"
        )
    if len(chosen) == 1:
        raise ClipError(f"1 frame between onset {onset} and offset {offset}; a sequence needs at least 2")
    return chosen


def _holds_clips(folder: Folder, layout: Layout) -> bool:
    """Whether a subject folder in `folder` contains a clip or a video; excludes folders that only share the name."""
    for name in folder.folders:
        try:
            if layout.subject.fullmatch(name) and any(
                map(layout.clip.fullmatch, [*children(folder.path / name), *videos(folder.path / name)])
            ):
                return True
        except ClipError:
            continue
    return False


def _read(folder: Path) -> tuple[list[str], list[str]]:
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
