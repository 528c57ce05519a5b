"""Annotation tables (xlsx): found by pattern, read by heading, joined to the folders by (subject, clip name)."""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from common.corpora import trees
from common.corpora.trees import Layout, Tree, natural, plain
from common.errors import ClipError, UserError
from common.types import Clip, Corpus, Correction, Exclusion

NUMBER = re.compile(r"[0-9]{1,9}")


@dataclass(frozen=True)
class Documented:
    """What a complete copy holds, as published: the counts that a copy on disk is checked against.

    `by_expression` counts macro- and micro-expressions, `by_valence` the micro-expressions alone. An empty mapping is a
    count that nobody published. `title` is that of the release where a corpus has several.
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
    """One row of a table: its number in the sheet, its cells as text by field, and the headings they stand under.

    A field that the table lacks has no cell.
    """

    number: int
    cells: Mapping[str, str]
    headings: Mapping[str, str]

    def text(self, field: str) -> str:
        """A cell that must not be empty. Raises ClipError where it is, or is a formula without a value."""
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
        """A cell that must be a frame number. Raises ClipError where it is none."""
        cell = self.text(field)
        if not NUMBER.fullmatch(cell):
            raise ClipError(f"row {self.number}: {self.headings[field]} is {cell!r}, not a frame number")
        return int(cell)


Found = tuple[Clip, list[Correction]]
"""A clip, and the cells of its row that were read otherwise than printed."""


def load(layout: Layout, root: Path, images: str) -> Corpus:
    """The corpus below `root` by its table and the tree of kind `images`, or of the other kind if that alone is there.

    Raises UserError where the table or the images cannot be found or read.
    """
    folders = trees.survey(root)
    table = find(folders, layout)
    rows = read(table, layout.headings)
    tree = trees.choose(folders, layout, images, table)
    return join(layout, root, tree, table, rows, lambda row, person, name: clip(layout, tree, row, person, name))


def find(folders: Sequence[trees.Folder], layout: Layout) -> Path:
    """The annotation table; the last by name (the newest by date) where several are there. UserError for none."""
    found = trees.files(folders, layout.tables)
    if not found:
        raise UserError(
            f"{folders[0].path}: no annotation table of {layout.corpus}; looked for {', '.join(layout.tables)}"
        )
    return max(found, key=lambda path: (natural(path.name.lower()), natural(str(path))))


def read(
    path: Path, headings: Mapping[str, str], optional: Mapping[str, str] | None = None, first: str = ""
) -> list[Row]:
    """Rows below the header, which is the first row of any sheet that holds all `headings` (field to heading).

    Headings compare without regard to case, blanks and order; other columns are ignored, and so are rows that hold no
    annotation but notes or blanks. A sheet named `first` is looked at before the others; columns in `optional` are read
    where they are there. Raises UserError, naming file and heading.
    """
    every = {**headings, **(optional or {})}
    missing = list(headings.values())
    for _, sheet in sorted(sheets(path), key=lambda one: plain(one[0]) != plain(first)):
        for at, header in enumerate(sheet):
            names = [plain(cell) for cell in header]
            absent = [heading for heading in headings.values() if plain(heading) not in names]
            if absent:
                missing = min(missing, absent, key=len)
                continue
            columns = {field: names.index(plain(name)) for field, name in every.items() if plain(name) in names}
            rows = [
                Row(number, {field: cells[column] for field, column in columns.items()}, every)
                for number, cells in enumerate(sheet[at + 1 :], at + 2)
            ]
            return [row for row in rows if annotates(row.cells)]
    raise UserError(f"{path}: no row has the heading {' and '.join(map(repr, missing))}")


def join(
    layout: Layout,
    root: Path,
    tree: Tree,
    table: Path,
    rows: Sequence[Row],
    make: Callable[[Row, int, str], Found],
    named: Callable[[Row], tuple[int, str]] | None = None,
) -> Corpus:
    """One clip per row: `named` says its subject number and name, `make` finds its files; both may raise ClipError.

    Of several rows of one clip the first counts. Cells are matched against names on disk and never become paths.
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
            if key in first:
                why = "the clip is annotated twice; its first row counts"
                corrections.append(Correction(key, "row", str(row.number), str(first[key]), why))
                continue
            first[key] = row.number
            made, repairs = make(row, person, name)
        except ClipError as error:
            exclusions.append(Exclusion(key, str(error)))
            continue
        clips.append(made)
        corrections += repairs
    return Corpus(
        name=layout.corpus,
        title=layout.title,
        citation=layout.citation,
        root=root,
        tree=tree.name,
        table=table.name,
        clips=tuple(sorted(clips, key=lambda clip: natural(clip.id))),
        exclusions=tuple(exclusions),
        corrections=tuple(corrections),
    )


def clip(layout: Layout, tree: Tree, row: Row, person: int, name: str) -> Found:
    """The clip of a row that lies in a folder of its own. Raises ClipError where it cannot be used."""
    place = folder(layout, tree, person, name)
    onset, offset = row.frame("onset"), row.frame("offset")
    frames = trees.sequence(place, onset, offset)
    found, repairs = apex(layout, row, f"{layout.corpus}/{layout.subject_id.format(person)}/{name}", onset, offset)
    made = Clip(
        corpus=layout.corpus,
        subject=layout.subject_id.format(person),
        name=name,
        frames=tuple(frames.values()),
        numbers=tuple(frames),
        onset=onset,
        apex=found,
        offset=offset,
        fps=layout.fps,
        emotion=row.text("emotion").lower(),
        action_units=action_units(row),
    )
    return made, repairs + missing_frames(made)


def action_units(row: Row) -> str:
    """The cell as it stands; a formula without a stored value says nothing."""
    cell = row.cells["action_units"]
    return "" if cell.startswith("=") else cell


def folder(layout: Layout, tree: Tree, person: int, name: str) -> Path:
    """The clip's folder, spelled as in the table or, failing that, in other case. Raises ClipError for none."""
    home = subject(layout, tree, person)
    there = trees.children(home)
    place = there.get(name) or {key.strip().lower(): path for key, path in there.items()}.get(name.lower())
    if place is None:
        raise ClipError(f"no folder {home.name}/{name} in {tree.name}")
    return place


def subject(layout: Layout, tree: Tree, person: int) -> Path:
    """The folder of a subject. Raises ClipError for none."""
    home = trees.subjects(tree.path, layout).get(person)
    if home is None:
        raise ClipError(f"no folder of subject {layout.subject_id.format(person)} in {tree.name}")
    return home


def missing_frames(clip: Clip) -> list[Correction]:
    """A note where frames between onset and offset are not on disk: the clip is used without them."""
    expected, found = clip.offset - clip.onset + 1, len(clip.frames)
    return [Correction(clip.id, "frames", str(expected), str(found), "files on disk")] if found != expected else []


def who(row: Row) -> tuple[int, str]:
    """Subject number and clip name, as text that is safe to look up. Raises ClipError for anything else."""
    person, name = row.text("subject"), row.text("clip")
    match = re.fullmatch(r"(?:sub|s)?([0-9]{1,4})", person, re.IGNORECASE)
    if not match:
        raise ClipError(f"row {row.number}: {person!r} is no subject number")
    if not re.fullmatch(r"\w[\w .()+-]*", name) or ".." in name:
        raise ClipError(f"row {row.number}: {name!r} is no clip name")
    return int(match[1]), name


def annotates(cells: Mapping[str, str]) -> bool:
    """Whether a row speaks of a clip: it names subject and clip, or one of them with a frame."""
    named, framed = [cells["subject"], cells["clip"]], [cells["onset"], cells["offset"]]
    return all(named) or (any(named) and any(framed))


def apex(layout: Layout, row: Row, key: str, onset: int, offset: int) -> tuple[int | None, list[Correction]]:
    """The apex of clip `key`, or None; and what is odd about its cell. Raises ClipError for a formula without value."""
    cell, heading, odd = row.cells["apex"], row.headings["apex"], layout.oddities.get(key)
    if not NUMBER.fullmatch(cell) and not cell.startswith("="):
        return None, [Correction(key, heading, cell, "none", "the table gives no frame number")]
    found = row.frame("apex")
    inside = onset <= found <= offset
    places = {onset: "onset", onset + 1: "onset+1", offset: "offset"} if inside else {found: "outside"}
    if odd and places.get(found) == odd.place:
        return (found if odd.kept else None), [Correction(key, heading, cell, cell if odd.kept else "none", odd.why)]
    if not inside:
        return None, [
            Correction(key, heading, cell, "none", f"the apex lies outside onset..offset ({onset}..{offset})")
        ]
    return found, []


def sheets(path: Path) -> list[tuple[str, list[list[str]]]]:
    """Every sheet of a workbook in order: its name, and its cells as text, [row][column], all rows equally long.

    Raises UserError where the file cannot be read.
    """
    import openpyxl

    try:
        if path.stat().st_size == 0:
            raise UserError(f"{path}: the table is empty (0 bytes); copy it again")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # openpyxl warns about styles and extensions that it skips
            values = openpyxl.load_workbook(path, read_only=True, data_only=True)
            formulas = openpyxl.load_workbook(path, read_only=True)
            try:
                return [
                    (
                        str(sheet.title),
                        [
                            [_text(value, formula) for value, formula in zip(row, sources, strict=True)]
                            for row, sources in zip(_rows(sheet), _rows(source), strict=True)
                        ],
                    )
                    for sheet, source in zip(values.worksheets, formulas.worksheets, strict=True)
                ]
            finally:
                values.close()
                formulas.close()
    except UserError:
        raise
    except Exception as error:  # openpyxl passes on whatever its zip, XML and number parsers trip over
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise UserError(f"{path}: not a readable xlsx table ({reason})") from None


def _rows(sheet: Any) -> Any:
    sheet.reset_dimensions()  # the size that a file states for itself may be wrong
    width = max((len(row) for row in sheet.iter_rows(values_only=True)), default=0)
    return (tuple(row) + (None,) * (width - len(row)) for row in sheet.iter_rows(values_only=True))


def _text(value: Any, formula: Any) -> str:
    """A cell as text without needless blanks; a formula whose value the file does not store stays as it is written."""
    if value is None:
        source = getattr(formula, "text", formula)
        return source if isinstance(source, str) and source.startswith("=") else ""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return " ".join(str(value).split())
