"""Annotation tables (xlsx): found by pattern, read by heading, joined to the folders by (subject, clip name)."""

from __future__ import annotations

import re
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from common.corpora import trees
from common.corpora.trees import Layout, Tree, natural, plain
from common.errors import ClipError, UserError
from common.types import Clip, Corpus, Correction, Exclusion

_NUMBER = re.compile(r"[0-9]{1,9}")


@dataclass(frozen=True)
class Documented:
    """What a complete copy holds, as published: the counts that a copy on disk is checked against."""

    source: str
    clips: int
    subjects: int
    by_emotion: Mapping[str, int]


@dataclass(frozen=True)
class Row:
    """One row of a table: its number in the sheet, its cells as text by field, and the headings they stand under."""

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
        if not _NUMBER.fullmatch(cell):
            raise ClipError(f"row {self.number}: {self.headings[field]} is {cell!r}, not a frame number")
        return int(cell)


def load(layout: Layout, root: Path, images: str) -> Corpus:
    """The corpus below `root` by its table and the tree of kind `images`, or of the other kind if that alone is there.

    Raises UserError where the table or the images cannot be found or read.
    """
    folders = trees.survey(root)
    table = find(folders, layout)
    rows = read(table, layout.headings)
    tree = trees.choose(folders, layout, images, table)
    clips, exclusions, corrections = join(layout, tree, rows)
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


def find(folders: Sequence[trees.Folder], layout: Layout) -> Path:
    """The annotation table; the last by name (the newest by date) where several are there. UserError for none."""
    found = trees.files(folders, layout.tables)
    if not found:
        raise UserError(
            f"{folders[0].path}: no annotation table of {layout.corpus}; looked for {', '.join(layout.tables)}"
        )
    return max(found, key=lambda path: (natural(path.name.lower()), natural(str(path))))


def read(path: Path, headings: Mapping[str, str]) -> list[Row]:
    """Rows below the header, which is the first row of any sheet that holds all `headings` (field to heading).

    Headings compare without regard to case, blanks and order; other columns are ignored, and so are rows that hold no
    annotation but notes or blanks. Raises UserError, naming file and heading.
    """
    wanted = {field: plain(heading) for field, heading in headings.items()}
    missing = list(headings.values())
    for sheet in _sheets(path):
        for at, header in enumerate(sheet):
            names = [plain(cell) for cell in header]
            absent = [headings[field] for field, name in wanted.items() if name not in names]
            if absent:
                missing = min(missing, absent, key=len)
                continue
            columns = {field: names.index(name) for field, name in wanted.items()}
            rows = [
                Row(number, {field: cells[column] for field, column in columns.items()}, headings)
                for number, cells in enumerate(sheet[at + 1 :], at + 2)
            ]
            return [row for row in rows if _annotates(row.cells)]
    raise UserError(f"{path}: no row has the heading {' and '.join(map(repr, missing))}")


def join(layout: Layout, tree: Tree, rows: Sequence[Row]) -> tuple[list[Clip], list[Exclusion], list[Correction]]:
    """One clip per row and its folder in `tree`. Cells are matched against names on disk and never become paths."""
    clips: dict[str, tuple[Clip, int]] = {}
    exclusions: list[Exclusion] = []
    corrections: list[Correction] = []
    for row in rows:
        key = f"{layout.corpus}/row {row.number}"
        try:
            person, name = _key(row)
            key = f"{layout.corpus}/{layout.subject_id.format(person)}/{name}"
            if key in clips:
                first = str(clips[key][1])
                corrections.append(Correction(key, "row", str(row.number), first, "the clip is annotated twice"))
                continue
            clip, repairs = _clip(layout, tree, row, person, name)
        except ClipError as error:
            exclusions.append(Exclusion(key, str(error)))
            continue
        clips[key] = clip, row.number
        corrections += repairs
    return [clip for clip, _ in clips.values()], exclusions, corrections


def _clip(layout: Layout, tree: Tree, row: Row, person: int, name: str) -> tuple[Clip, list[Correction]]:
    place = _place(layout, tree, person, name)
    onset, offset = row.frame("onset"), row.frame("offset")
    frames = trees.sequence(place, onset, offset)
    apex, repair = _apex(row, onset, offset)
    clip = Clip(
        corpus=layout.corpus,
        subject=layout.subject_id.format(person),
        name=name,
        frames=tuple(frames.values()),
        numbers=tuple(frames),
        onset=onset,
        apex=apex,
        offset=offset,
        fps=layout.fps,
        emotion=row.text("emotion").lower(),
        action_units="" if row.cells["action_units"].startswith("=") else row.cells["action_units"],
    )
    repairs = [Correction(clip.id, row.headings["apex"], row.cells["apex"], "none", repair)] if repair else []
    return clip, repairs + missing_frames(clip)


def _place(layout: Layout, tree: Tree, person: int, name: str) -> Path:
    """The clip's folder, spelled as in the table or, failing that, in other case. Raises ClipError for none."""
    folder = trees.subjects(tree.path, layout).get(person)
    if folder is None:
        raise ClipError(f"no folder of subject {layout.subject_id.format(person)} in {tree.name}")
    there = trees.children(folder)
    place = there.get(name) or {key.strip().lower(): path for key, path in there.items()}.get(name.lower())
    if place is None:
        raise ClipError(f"no folder {folder.name}/{name} in {tree.name}")
    return place


def missing_frames(clip: Clip) -> list[Correction]:
    """A note where frames between onset and offset are not on disk: the clip is used without them."""
    expected, found = clip.offset - clip.onset + 1, len(clip.frames)
    return [Correction(clip.id, "frames", str(expected), str(found), "files on disk")] if found != expected else []


def _key(row: Row) -> tuple[int, str]:
    """Subject number and clip name, as text that is safe to look up. Raises ClipError for anything else."""
    person, name = row.text("subject"), row.text("clip")
    match = re.fullmatch(r"(?:sub|s)?([0-9]{1,4})", person, re.IGNORECASE)
    if not match:
        raise ClipError(f"row {row.number}: {person!r} is no subject number")
    if not re.fullmatch(r"\w[\w .()+-]*", name) or ".." in name:
        raise ClipError(f"row {row.number}: {name!r} is no clip name")
    return int(match[1]), name


def _annotates(cells: Mapping[str, str]) -> bool:
    """Whether a row speaks of a clip: it names subject and clip, or one of them with a frame."""
    named, framed = [cells["subject"], cells["clip"]], [cells["onset"], cells["offset"]]
    return all(named) or (any(named) and any(framed))


def _apex(row: Row, onset: int, offset: int) -> tuple[int | None, str]:
    """The apex, or None and why it is not used."""
    cell = row.cells["apex"]
    if not _NUMBER.fullmatch(cell) and not cell.startswith("="):
        return None, "the table gives no frame number"
    apex = row.frame("apex")
    if not onset <= apex <= offset:
        return None, f"apex outside onset..offset ({onset}..{offset}); published repairs differ, so none is adopted"
    return apex, ""


def _sheets(path: Path) -> list[list[list[str]]]:
    """All cells of all sheets as text: [sheet][row][column]."""
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
                    [
                        [_text(value, formula) for value, formula in zip(row, sources, strict=True)]
                        for row, sources in zip(_rows(sheet), _rows(source), strict=True)
                    ]
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
