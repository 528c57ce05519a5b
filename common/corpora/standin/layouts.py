"""Folders, file names and annotation tables of the stand-in corpora: those of the real ones, oddities included."""

from __future__ import annotations

import io
import re
import shutil
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from common.corpora.standin.casting import Role

CASME2_TABLE = "CASME2-coding-20140508.xlsx"
CASME2_HEADINGS = (
    "Subject", "Filename", None, "OnsetFrame", "ApexFrame", "OffsetFrame", None, "Action Units", "Estimated Emotion",
)  # fmt: skip
SAMM_TABLE = "SAMM_Micro_FACS_Codes_v2.xlsx"
SAMM_HEADINGS = (
    "Subject", "Filename", "Inducement Code", "Onset Frame", "Apex Frame", "Offset Frame", "Duration", "Micro",
    "Action Units", "Estimated Emotion", "Objective Classes", "Notes",
)  # fmt: skip
SAMM_TITLE = (
    "SAMM micro-movements: FACS codes (stand-in)",
    "The clips of this table are synthetic; nobody in them is a real person.",
    "Frames are recorded at 200 frames a second.",
)
SAMM_HEADER_ROW = 14
OBJECTIVE = {
    "happiness": 1, "surprise": 2, "anger": 3, "disgust": 4, "sadness": 5, "fear": 6, "contempt": 7, "others": 7,
}  # fmt: skip


def frame_file(root: Path, role: Role, number: int) -> Path:
    """Where frame `number` of a clip lies below the data folder."""
    if role.corpus == "casme2":
        tree = root / "CASME2" / "CASME2_RAW_selected" / "CASME2_RAW_selected"
        return tree / f"sub{role.subject}" / role.name / f"img{number}.jpg"
    if role.corpus == "smic":
        tree = root / "SMIC" / "SMIC_all_cropped" / "HS" / f"s{role.subject}"
        return tree / "micro" / role.emotion / role.name / f"reg_image{number:06d}.bmp"
    # Four or five digits, one width per clip.
    digits = 5 if role.offset > 9999 or role.onset % 2 else 4
    return root / "SAMM" / "SAMM" / role.subject / role.name / f"{role.subject}_{number:0{digits}d}.jpg"


def write_strays(root: Path, roles: Sequence[Role]) -> None:
    """Files that belong to no clip, as copies of the corpora have them."""
    first = next(role for role in roles if role.corpus == "smic")
    person = root / "SMIC" / "SMIC_all_cropped" / "HS" / f"s{first.subject}"
    idle = person / "non_micro" / f"s{first.subject}_non_01"
    idle.mkdir(parents=True)
    for number in range(100, 103):
        shutil.copyfile(frame_file(root, first, first.onset), idle / f"reg_image{number:06d}.bmp")
    (person / "micro" / "Thumbs.db").write_bytes(b"stray")
    (root / "SAMM" / "SAMM" / "Desktop - Shortcut.lnk").write_bytes(b"stray")


def write_tables(root: Path, roles: Sequence[Role]) -> None:
    """The annotation tables of CASME II and SAMM; SMIC HS has none."""
    _write_casme2(root / "CASME2" / CASME2_TABLE, [role for role in roles if role.corpus == "casme2"])
    _write_samm(root / "SAMM" / SAMM_TABLE, [role for role in roles if role.corpus == "samm"])


def _write_casme2(path: Path, roles: Sequence[Role]) -> None:
    import openpyxl

    book = openpyxl.Workbook()
    sheet = book.active
    sheet.title = "Sheet1"
    for name in ("Sheet2", "Sheet3"):
        book.create_sheet(name)
    sheet.append(CASME2_HEADINGS)
    for index, role in enumerate(roles):
        units = int(role.action_units) if role.action_units.isdigit() else role.action_units
        emotion = role.emotion + " " * (index % 7 == 3)
        apex = role.apex if role.printed_apex is None else role.printed_apex
        sheet.append((role.subject, role.name, None, role.onset, apex, role.offset, None, units, emotion))
    _save(book, path)


def _write_samm(path: Path, roles: Sequence[Role]) -> None:
    import openpyxl

    book = openpyxl.Workbook()
    sheet = book.active
    sheet.title = "MICRO_ONLY"
    for row, line in enumerate(SAMM_TITLE, 1):
        sheet.cell(row, 1, line)
    for column, heading in enumerate(SAMM_HEADINGS, 1):
        sheet.cell(SAMM_HEADER_ROW, column, heading)
    for row, role in enumerate(roles, SAMM_HEADER_ROW + 1):
        emotion = "Other" if role.emotion == "others" else role.emotion.capitalize()
        apex = role.apex if role.printed_apex is None else role.printed_apex
        film = int(role.name.split("_")[1])
        units: int | str = int(role.action_units) if role.action_units.isdigit() else role.action_units
        if role.action_units == "6+12":
            units = "(6 or 7)+12"
        cells = (
            role.subject, role.name, film, role.onset, apex, role.offset, f"=F{row}-D{row}+1", "Micro - 1/2",
            units, emotion, OBJECTIVE[role.emotion], None,
        )  # fmt: skip
        for column, cell in enumerate(cells, 1):
            sheet.cell(row, column, cell)
    _save(book, path)


def _save(book: Any, path: Path) -> None:
    """Save a workbook without the time of day that openpyxl and zip put into it: same cells, same bytes."""
    memory = io.BytesIO()
    book.save(memory)
    with zipfile.ZipFile(memory) as written, zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as table:
        for name in written.namelist():
            content = re.sub(rb"\d{4}-\d\d-\d\dT[\d:]+Z", b"2014-05-08T00:00:00Z", written.read(name))
            table.writestr(zipfile.ZipInfo(name), content, zipfile.ZIP_DEFLATED)
