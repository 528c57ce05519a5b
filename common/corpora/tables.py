"""Annotation tables (xlsx, csv): read by heading, and joined to folders by (subject, clip name)."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

from common.corpora import examine, recognise, table_files, trees, workbooks
from common.corpora.trees import Layout, Root, Tree, plain
from common.errors import ClipError, UserError, quoted
from common.files import natural
from common.types import Clip, Corpus, Correction, Exclusion
from common.vision.videos import is_video

CLIP_NAME = re.compile(r"(?!.*\.\.)\w[\w .()+-]{0,63}")
NUMBER = re.compile(r"[0-9]{1,9}")


@dataclass(frozen=True)
class Documented:
    """The published contents of a complete copy: the counts that a copy on disk is checked against.

    `by_expression` counts macro- and micro-expressions, `by_valence` only micro-expressions. An empty mapping means
    that no such count was published. `title` is that of the release if a corpus has several.
    """

    source: str
    clips: int
    subjects: int
    by_emotion: Mapping[str, int] = field(default_factory=dict)
    by_expression: Mapping[str, int] = field(default_factory=dict)
    by_valence: Mapping[str, int] = field(default_factory=dict)
    title: str = ""


@dataclass(frozen=True)
class Row:
    """One row of a table: its number in the sheet, its cells as text by field, and the headings of these columns.

    A field that is not in the table has no cell.
    """

    number: int
    cells: Mapping[str, str]
    headings: Mapping[str, str]

    def text(self, field: str) -> str:
        """A cell that must not be empty. Raises ClipError if it is empty or a formula without a value."""
        cell = self.cells[field]
        if cell.startswith("="):
            raise ClipError(
                f"row {self.number}: {self.headings[field]} is a formula without a stored value; "
                "open the table in a spreadsheet program and save it"
            )
        if not cell:
            raise ClipError(f"row {self.number}: {self.headings[field]} is empty")
        return cell

    def frame(self, field: str) -> int:
        """A cell that must be a frame number. Raises ClipError if it is not."""
        cell = self.text(field)
        if not NUMBER.fullmatch(cell):
            raise ClipError(f"row {self.number}: {self.headings[field]} is {quoted(cell)}, not a frame number")
        return int(cell)


Found = tuple[Clip, list[Correction]]
"""A clip, and the corrections of cells in its row."""


def load(layout: Layout, root: Root, images: str) -> Corpus:
    """Load the corpus below `root` from its table and its tree of kind `images`, or else of the other kind.

    Raises UserError if the table or the images cannot be found or read.
    """
    folders = trees.survey(root)
    table = table_files.find(folders, layout)
    rows = read(table, layout.headings)
    tree = recognise.choose(folders, layout, images, table)
    corpus = join(layout, folders, tree, table, rows, lambda row, person, name: clip(layout, tree, row, person, name))
    films = sum(is_video(clip.frames[0]) for clip in corpus.clips)
    counted = f"{films} clips are videos: frame 1 of the table is taken to be the first frame of the video"
    return replace(corpus, notes=(*corpus.notes, *([counted] if films else []), *unlisted(layout, tree, corpus)))


def unlisted(layout: Layout, tree: Tree, corpus: Corpus) -> list[str]:
    """One line about clip folders that are not listed in the table, if there are any."""
    known = {clip.id.lower() for clip in corpus.clips} | {exclusion.clip.lower() for exclusion in corpus.exclusions}
    there = [
        f"{home.name}/{name}"
        for person, homes in trees.subjects(tree.path, layout).items()
        for home in homes
        for name in _listed(home)
        if layout.clip.fullmatch(name.strip())
        and f"{layout.corpus}/{layout.subject_id.format(person)}/{name.strip()}".lower() not in known
    ]
    if not there:
        return []
    examples = ", ".join(there[:5]) + (", …" if len(there) > 5 else "")
    return [f"{len(there)} clip folder{'s are' if len(there) > 1 else ' is'} not listed in the table: {examples}"]


def _listed(home: Path) -> list[str]:
    try:
        return list(trees.children(home))
    except ClipError:
        return []


def read(
    path: Path, headings: Mapping[str, str], optional: Mapping[str, str] | None = None, first: str = ""
) -> list[Row]:
    """Rows below the header, which is the first row of any sheet that contains all `headings` (field to heading).

    Headings are compared without case, blanks and order. Other columns are ignored, as are rows with notes or blanks
    instead of annotations. A sheet named `first` is searched before the others; columns in `optional` are read if they
    exist. Raises UserError, naming file and heading.
    """
    wanted = {**headings, **(optional or {})}
    missing = list(headings.values())
    for sheet in sorted(workbooks.read(path), key=lambda sheet: plain(sheet.name) != plain(first)):
        for at, (_, header) in enumerate(sheet.rows):
            names = [plain(cell) for cell in header]
            absent = [heading for heading in headings.values() if plain(heading) not in names]
            if absent:
                missing = min(missing, absent, key=len)
                continue
            columns = {field: names.index(plain(name)) for field, name in wanted.items() if plain(name) in names}
            rows = [
                Row(number, {field: cells[column] for field, column in columns.items()}, wanted)
                for number, cells in sheet.rows[at + 1 :]
            ]
            return [row for row in rows if annotates(row.cells)]
    raise UserError(f"{path}: no row has the heading {' and '.join(map(repr, missing))}")


def join(
    layout: Layout,
    folders: Sequence[trees.Folder],
    tree: Tree,
    table: Path,
    rows: Sequence[Row],
    make: Callable[[Row, int, str], Found],
    named: Callable[[Row], tuple[int, str]] | None = None,
) -> Corpus:
    """One clip per row: `named` returns its subject number and name, `make` finds its files; both may raise ClipError.

    If a clip has several rows, the first is used. Cells are compared with names on disk and never become paths.
    """
    first: dict[str, int] = {}
    clips: list[Clip] = []
    exclusions: list[Exclusion] = []
    corrections: list[Correction] = []
    for row in rows:
        key = f"{layout.corpus}/row {row.number}"
        try:
            person, name = (named or who)(row)
            key = f"{layout.corpus}/{layout.subject_id.format(person)}/{name}"
            if key.lower() in first:
                why = "the clip is annotated twice; its first row is used"
                corrections.append(Correction(key, "row", str(row.number), str(first[key.lower()]), why))
                continue
            first[key.lower()] = row.number
            made, repairs = make(row, person, name)
        except ClipError as error:
            exclusions.append(Exclusion(key, str(error)))
            continue
        clips.append(made)
        corrections += repairs
    told = {
        home / name
        for homes in trees.subjects(tree.path, layout).values()
        for home in homes
        for name in _listed(home)
        if layout.clip.fullmatch(name.strip())
    }
    computed = _interpolated(clips, rows, told)
    exclusions += computed
    gone = {exclusion.clip for exclusion in computed}
    clips = [clip for clip in clips if clip.id not in gone]
    return Corpus(
        name=layout.corpus,
        title=layout.title,
        citation=layout.citation,
        root=folders[0].path,
        tree=tree.name,
        table=table.name,
        images=tree.path,
        clips=tuple(sorted(clips, key=lambda clip: natural(clip.id))),
        exclusions=tuple(exclusions),
        corrections=tuple(note for note in corrections if note.clip not in gone),
        notes=(
            *table_files.passed_over(folders, layout, table),
            *recognise.passed_over(folders, layout, tree),
            *examine.leftover(folders, layout, tree, told),
        ),
    )


def fixed_length(numbers: Iterable[Sequence[int]]) -> int:
    """How many images most clips have, if they have as many and are numbered without gaps from 0 or 1; else 0.

    `numbers` are those of the images of each clip, ascending. Recorded clips differ in length, interpolated ones do
    not.
    """
    held = list(numbers)
    alike = Counter(len(own) for own in held if own and own[0] < 2 and own[-1] - own[0] + 1 == len(own))
    ((count, times),) = alike.most_common(1) or [(0, 0)]
    return count if times > 2 and 2 * times > len(held) else 0


def _interpolated(clips: Sequence[Clip], rows: Sequence[Row], there: Iterable[Path]) -> list[Exclusion]:
    """The clips of a fixed length whose frame numbers cannot be those of the table, which counts further.

    `there` are the folders of all clips, also of those that are not used.
    """
    held: dict[Path, tuple[int, ...]] = {}
    for folder in there:
        with suppress(ClipError):  # then its clip is excluded
            held[folder] = tuple(trees.images(folder))
    folders = {clip.id: clip.frames[0].parent for clip in clips if clip.frames[0].parent in held}
    count = fixed_length(held.values())
    last = max((int(row.cells["offset"]) for row in rows if NUMBER.fullmatch(row.cells["offset"])), default=0)
    return [
        Exclusion(
            key,
            f"{folder.parent.name}/{folder.name} has images {held[folder][0]} to {held[folder][-1]} like most clips, "
            f"but the table counts to {last}: they seem to be interpolated to a fixed length; use the recorded frames",
        )
        for key, folder in folders.items()
        if count < last and held[folder][0] < 2 and len(held[folder]) == count
    ]


def clip(layout: Layout, tree: Tree, row: Row, person: int, name: str) -> Found:
    """The clip of a row that has a folder or video of its own. Raises ClipError if it cannot be used."""
    place = folder(layout, tree, person, name)
    onset, offset = row.frame("onset"), row.frame("offset")
    frames = trees.sequence(place, onset, offset)
    apex_frame, repairs = apex(layout, row, f"{layout.corpus}/{layout.subject_id.format(person)}/{name}", onset, offset)
    made = Clip(
        corpus=layout.corpus,
        subject=layout.subject_id.format(person),
        name=name,
        frames=tuple(frames.values()),
        numbers=tuple(frames),
        onset=onset,
        apex=apex_frame,
        offset=offset,
        fps=layout.fps,
        emotion=row.text("emotion").lower(),
        action_units=action_units(row),
    )
    return made, repairs + missing_frames(made)


def action_units(row: Row) -> str:
    """The cell as written; empty for a formula without a stored value."""
    cell = row.cells["action_units"]
    return "" if cell.startswith("=") else cell


def folder(layout: Layout, tree: Tree, person: int, name: str) -> Path:
    """The clip's folder or, if it has none, its video, spelled as in the table or else in another case.

    Raises ClipError unless there is exactly one.
    """
    homes = subject(layout, tree, person)
    there = [trees.children(home) for home in homes]
    matches = [names[name] for names in there if name in names] or [
        path for names in there for key, path in names.items() if key.strip().lower() == name.lower()
    ]
    if not matches:
        films = [path for home in homes for path in trees.videos(home).values()]
        matches = [path for path in films if path.stem.strip().lower() == name.lower()]
    return single(matches, f"{homes[0].name}/{name}", tree)


def subject(layout: Layout, tree: Tree, person: int) -> tuple[Path, ...]:
    """The folders of a subject, normally one. Raises ClipError if there is none."""
    homes = trees.subjects(tree.path, layout).get(person)
    if homes is None:
        raise ClipError(f"no folder of subject {layout.subject_id.format(person)} in {tree.name}")
    return homes


def single(paths: Sequence[Path], label: str, tree: Tree) -> Path:
    """The only element of `paths`. Raises ClipError if there are none or several."""
    if not paths:
        raise ClipError(f"no folder {label} in {tree.name}")
    if len(paths) > 1:
        places = " and ".join(f"{path.parent.name}/{path.name}" for path in paths)
        raise ClipError(f"{label} occurs {len(paths)} times in {tree.name}: {places}")
    return paths[0]


def missing_frames(clip: Clip) -> list[Correction]:
    """A note if frames between onset and offset are not on disk: the clip is used without them."""
    expected, actual = clip.offset - clip.onset + 1, len(clip.frames)
    return [Correction(clip.id, "frames", str(expected), str(actual), "files on disk")] if actual != expected else []


def who(row: Row) -> tuple[int, str]:
    """Subject number and clip name, as text that is safe to look up. Raises ClipError for anything else."""
    person, name = row.text("subject"), row.text("clip")
    match = re.fullmatch(r"(?:sub|s)?([0-9]{1,4})", person, re.IGNORECASE)
    if not match:
        raise ClipError(f"row {row.number}: {quoted(person)} is not a subject number")
    if not CLIP_NAME.fullmatch(name):
        raise ClipError(f"row {row.number}: {quoted(name)} is not a clip name")
    return int(match[1]), name


def annotates(cells: Mapping[str, str]) -> bool:
    """Whether a row is about a clip: it names subject and clip, or one of them and a frame."""
    named, framed = [cells["subject"], cells["clip"]], [cells["onset"], cells["offset"]]
    return all(named) or (any(named) and any(framed))


def apex(layout: Layout, row: Row, key: str, onset: int, offset: int) -> tuple[int | None, list[Correction]]:
    """The apex of clip `key`, or None, and what is odd about its cell. ClipError for a formula without a value."""
    cell, heading, odd = row.cells["apex"], row.headings["apex"], layout.oddities.get(key)
    if not NUMBER.fullmatch(cell) and not cell.startswith("="):
        return None, [Correction(key, heading, cell, "none", "the table gives no frame number")]
    frame = row.frame("apex")
    inside = onset <= frame <= offset
    places = {onset: "onset", onset + 1: "onset+1", offset: "offset"} if inside else {frame: "outside"}
    if odd and places.get(frame) == odd.place:
        return (frame if odd.kept else None), [Correction(key, heading, cell, cell if odd.kept else "none", odd.why)]
    if not inside:
        return None, [Correction(key, heading, cell, "none", f"the apex is outside onset..offset ({onset}..{offset})")]
    return frame, []
