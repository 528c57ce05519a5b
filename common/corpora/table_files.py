"""Find the annotation table of a corpus: by a known name, or else by its headings and the names of its clips."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from fnmatch import fnmatchcase
from pathlib import Path

from common.corpora import workbooks
from common.corpora.trees import Folder, Layout, plain, shown
from common.errors import UserError, printable
from common.files import natural

_HEAD = 65536
"""Bytes at the start of a csv file in which the headings are searched for before it is read: there may be thousands."""
_OTHER_PART = re.compile(r"(?<![a-z])(vis|nir)(?![a-z])", re.IGNORECASE)


def matching(folders: Sequence[Folder], patterns: Sequence[str]) -> list[Path]:
    """Tables whose names match one of `patterns` in any case, except lock files of spreadsheet programs (`~$...`)."""
    return [
        folder.path / name
        for folder in folders
        for name in folder.tables
        if not name.startswith(("~$", ".")) and any(fnmatchcase(name.lower(), pattern.lower()) for pattern in patterns)
    ]


def known(folders: Sequence[Folder], layout: Layout) -> list[Path]:
    """The tables with a known name: workbooks or, if there are none, the same saved as csv, then spare names."""
    for names in (layout.tables, _as_csv(layout.tables), layout.spare_tables, _as_csv(layout.spare_tables)):
        if tables := matching(folders, names):
            return tables
    return []


def recognised(folders: Sequence[Folder], layout: Layout) -> list[Path]:
    """The tables with other names that have the headings of the corpus, and clips named like those of the corpus."""
    return [path for path in matching(folders, ("*.xlsx", "*.csv")) if layout.headings and _fits(path, layout)]


def find(folders: Sequence[Folder], layout: Layout) -> Path:
    """The annotation table; if several have a known name, the last by name, which is the newest.

    If none has a known name, the only one with the headings of the corpus. Raises UserError without exactly one such.
    """
    for step in sorted({folder.beyond for folder in folders}):
        near = [folder for folder in folders if folder.beyond == step]
        if tables := known(near, layout):
            return max(tables, key=_newest)
        if len(fitting := recognised(near, layout)) == 1:
            return fitting[0]
        if fitting:
            names = " and ".join(shown(path, folders[0].path) for path in fitting)
            raise UserError(
                f"{near[0].path}: {len(fitting)} tables have the headings of {layout.corpus}: {names}; rename the "
                f"right one to {layout.tables[0].replace('*', '-')}"
            )
    raise UserError(
        f"{folders[0].path}: no annotation table of {layout.corpus}; looked for {', '.join(layout.tables)}, "
        f"the same names as csv, and tables with its headings{_hint(folders)}"
    )


def passed_over(folders: Sequence[Folder], layout: Layout, chosen: Path) -> list[str]:
    """One line for each other table of the corpus."""
    patterns = (*layout.tables, *_as_csv(layout.tables), *layout.spare_tables)
    top = folders[0].path
    return [f"found but not read: table {shown(path, top)}" for path in matching(folders, patterns) if path != chosen]


def _as_csv(patterns: Sequence[str]) -> tuple[str, ...]:
    return tuple(f"{Path(pattern).stem}.csv" for pattern in patterns)


def _newest(path: Path) -> tuple[bool, list[str | int], int, list[str | int]]:
    """Sort key. Tables of SMIC's other cameras come before those of the high-speed camera."""
    other = bool(_OTHER_PART.search(path.stem))
    return not other, natural(path.stem.lower()), -len(path.parts), natural(str(path))


def _fits(path: Path, layout: Layout) -> bool:
    """Whether a table has all headings of a corpus in one row, and below them mostly names like those of its clips."""
    wanted = {plain(heading) for heading in layout.headings.values()}
    try:
        if path.stat().st_size > workbooks.LARGEST or (path.suffix.lower() == ".csv" and not _mentions(path, wanted)):
            return False
        sheets = workbooks.read(path)
    except (OSError, UserError):
        return False
    for sheet in sheets:
        for at, (_, header) in enumerate(sheet.rows):
            names = [plain(cell) for cell in header]
            if wanted <= set(names):
                column = names.index(plain(layout.headings["clip"]))
                clips = [cells[column] for _, cells in sheet.rows[at + 1 :] if cells[column]]
                return 2 * sum(bool(layout.clip.fullmatch(clip)) for clip in clips) > len(clips)
    return False


def _mentions(path: Path, headings: Collection[str]) -> bool:
    with path.open("rb") as file:
        head = plain(file.read(_HEAD).decode("utf-8", "ignore"))
    return all(heading in head for heading in headings)


def older(folders: Sequence[Folder]) -> str:
    """A hint about tables that are not read: in other formats, or xlsx that cannot be opened; empty if there are none.

    That a table of unknown name cannot be opened may be why it was not recognised.
    """
    old = [path.name for path in matching(folders, ["*.xls"])]
    other = [path.name for path in matching(folders, ["*.ods", "*.xlsb", "*.xlsm", "*.numbers", "*.tsv"])]
    hint = f"; {', '.join(old[:3])} has an older format; save it as xlsx" if old else ""
    hint += f"; {', '.join(other[:3])} has a format that is not read; save it as xlsx" if other else ""
    locked = [path.name for path in matching(folders, ["*.xlsx"]) if workbooks.locked(path)]
    return printable(hint + (f"; {', '.join(locked[:3])} {workbooks.LOCKED}" if locked else ""))


def _hint(folders: Sequence[Folder]) -> str:
    """Which tables there are instead."""
    others = [path.name for path in matching(folders, ["*.xlsx", "*.csv"])]
    return older(folders) + (printable(f"; found {', '.join(others[:3])}") if others else "")
