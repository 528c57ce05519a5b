"""The cells of a table as text: of an xlsx workbook, or of a csv file, which is like a workbook of one sheet."""

from __future__ import annotations

import csv
import io
import re
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from common.errors import UserError, quoted

_WHOLE = re.compile(r"([0-9]{1,9})\.0+")
LARGEST = 8_000_000
"""Maximum number of bytes of a csv file, and of any table of unknown name; no table of a corpus has a tenth of them."""
LOCKED = "is protected by a password; save it without one"
_COMPOUND = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
"""The first bytes of the container of an encrypted workbook, and of the older format."""
_ENCRYPTED = "EncryptedPackage".encode("utf-16-le")
COLUMNS = 256
"""Maximum number of columns that are read; no table of a corpus has a tenth of them."""


@dataclass(frozen=True)
class Sheet:
    """One sheet: its name, and (row number, cells) of the non-blank rows, all with the same number of cells."""

    name: str
    rows: tuple[tuple[int, tuple[str, ...]], ...]


def read(path: Path) -> tuple[Sheet, ...]:
    """Read every sheet of a workbook, in order. A formula is replaced by the value that the file stores for it.

    A formula without a stored value remains as written, with its equals sign. A csv file is UTF-8 text, with commas,
    semicolons or tabs between its cells. Raises UserError if the file cannot be read.
    """
    import openpyxl

    try:
        if path.stat().st_size == 0:
            raise UserError(f"{path}: the table is empty (0 bytes); copy it again")
        if locked(path):
            raise UserError(f"{path}: {LOCKED}")
        if path.suffix.lower() == ".csv":
            return (Sheet(path.stem, _even(list(enumerate(csv_rows(path), 1)))),)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # openpyxl warns about styles and extensions that it skips
            values = openpyxl.load_workbook(path, read_only=True, data_only=True)
            formulas = openpyxl.load_workbook(path, read_only=True)
            try:
                pairs = zip(values.worksheets, formulas.worksheets, strict=True)
                return tuple(Sheet(str(sheet.title), _rows(sheet, source)) for sheet, source in pairs)
            finally:
                values.close()
                formulas.close()
    except UserError:
        raise
    except Exception as error:  # openpyxl passes on any error of its zip, XML and number parsers
        reason = quoted(str(error)) if str(error) else type(error).__name__
        raise UserError(f"{path}: not a readable xlsx table ({reason})") from None


def locked(path: Path) -> bool:
    """Whether a file is a workbook that is encrypted with a password."""
    try:
        with path.open("rb") as file:
            return file.read(8) == _COMPOUND and _ENCRYPTED in file.read(LARGEST)
    except OSError:
        return False


def csv_rows(path: Path) -> list[list[str]]:
    """The cells of a csv file, row by row, split at commas, semicolons or tabs, whichever gives the most cells.

    Raises UserError if the file is not UTF-8 text.
    """
    try:
        if not path.is_file() or path.stat().st_size > LARGEST:
            raise UserError(f"{path}: not a file of at most {LARGEST:,} bytes, which no table of a corpus exceeds")
        text = path.read_bytes().decode("utf-8-sig")
        readings = [list(csv.reader(io.StringIO(text, newline=""), delimiter=mark)) for mark in ",;\t"]
    except (OSError, UnicodeError, csv.Error) as error:
        reason = quoted(str(error))
        raise UserError(f"{path}: cannot be read as a csv table ({reason}); save it as CSV UTF-8 or as xlsx") from None
    rows = max(readings, key=lambda rows: sum(len(row[:COLUMNS]) for row in rows))
    return [[_plain(cell) for cell in row[:COLUMNS]] for row in rows]


def _plain(cell: str) -> str:
    """A cell without superfluous blanks; a whole number that was saved as 46.0 becomes 46."""
    text = " ".join(cell.split())
    whole = _WHOLE.fullmatch(text)
    return whole[1] if whole else text


def _rows(values: Any, formulas: Any) -> tuple[tuple[int, tuple[str, ...]], ...]:
    rows = []
    for number, (row, sources) in enumerate(zip(_cells(values), _cells(formulas), strict=True), 1):
        cells = [_text(value, formula) for value, formula in zip(row, sources, strict=True)] if row or sources else []
        rows.append((number, cells))
    return _even(rows)


def _even(numbered: list[tuple[int, list[str]]]) -> tuple[tuple[int, tuple[str, ...]], ...]:
    """The non-blank rows, all with the same number of cells."""
    rows = []
    for number, cells in numbered:
        while cells and not cells[-1]:
            cells.pop()
        if cells:
            rows.append((number, cells))
    width = max((len(cells) for _, cells in rows), default=0)
    return tuple((number, (*cells, *[""] * (width - len(cells)))) for number, cells in rows)


def _cells(sheet: Any) -> Iterator[tuple[Any, ...]]:
    """Rows as far as they are filled: the size that a file declares may be wrong."""
    sheet.reset_dimensions()
    return (row[:COLUMNS] for row in sheet.iter_rows(values_only=True))


def _text(value: Any, formula: Any) -> str:
    """A cell as text without superfluous blanks."""
    if value is None:
        source = getattr(formula, "text", formula)
        return source if isinstance(source, str) and source.startswith("=") else ""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return " ".join(str(value).split())
