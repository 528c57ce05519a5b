"""Annotation tables of the stand-in corpora, with the headings and oddities of the real ones."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from common.errors import UserError
from common.standin import recordings
from common.standin.casting import Role
from common.standin.films import Film
from common.standin.layouts import FOLDERS, Edition

CASME2_HEADINGS = (
    "Subject", "Filename", None, "OnsetFrame", "ApexFrame", "OffsetFrame", None, "Action Units", "Estimated Emotion",
)  # fmt: skip
CASME2_2014, CASME2_2019 = "CASME2-coding-20140508.xlsx", "CASME2-coding-20190701.xlsx"
RECODED = {("24", "EP07_01"), ("24", "EP07_04f"), ("24", "EP10_03")}  # sadness in 2014, surprise in 2019

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
OBJECTIVE = {
    "happiness": 1, "surprise": 2, "anger": 3, "disgust": 4, "sadness": 5, "fear": 6, "contempt": 7, "others": 7,
    "repression": 7,
}  # fmt: skip

SMIC_E_TABLE = "SMIC-HS-E_annotation.xlsx"
SMIC_E_HEADINGS = (
    "Subject", "Filename", None, "OnsetF", "OffsetF", "Onset2F", "Offset2F", None, "FirstF", "LastF", "TotalMF1",
    "TotalMF2", "TotalVL", "Emotion",
)  # fmt: skip
SMIC_E_NOTES = ("MF: micro-expression frames", "VL: length of the video in frames", "Synthetic clips, no recordings")
CONTRADICTED = "s18_sur_03"  # its cell Emotion contradicts its name; without this clip, another one's

CASME_SQ_TABLE = "CAS(ME)^2code_final.xlsx"

TABLES: Mapping[str, tuple[str, ...]] = {
    "casme2": ("2014", "2019"), "samm": ("row 14", "row 2"), "casme_sq": ("final",), "smic": ("SMIC-E",),
    "smic_vis": (), "smic_nir": (),
}  # fmt: skip
"""Versions of each corpus' table, the first is the default. That of SMIC belongs only to its edition SMIC-E."""


@dataclass(frozen=True)
class Formula:
    """A computed cell, and the value that a spreadsheet program stores with it."""

    text: str
    value: int


Cell = str | int | Formula | None
Rows = list[tuple[Cell, ...]]


def version(corpus: str, name: str | None = None) -> str | None:
    """The version with this name, or the default. Raises UserError for an unknown name."""
    known = TABLES[corpus]
    if name is not None and name not in known:
        raise UserError(f"{name!r} is not a table of {corpus}; known: {', '.join(known) or 'none'}")
    return name or next(iter(known), None)


def write_tables(root: Path, films: Sequence[Film], written: Sequence[Edition], name: str | None = None) -> None:
    """Write the annotation table of a corpus, if it has one; `name` is one of `TABLES`."""
    corpus = films[0].corpus
    folder, roles, which = (
        root / FOLDERS[corpus],
        [role for film in films for role in film.roles],
        version(corpus, name),
    )
    if corpus == "casme2":
        _save(folder / (CASME2_2019 if which == "2019" else CASME2_2014), _casme2(roles, which == "2019"))
    elif corpus == "samm":
        _save(folder / SAMM_TABLE, {"MICRO_ONLY": _samm(roles, int(str(which).split()[1]))})
    elif corpus == "casme_sq":
        _save(folder / CASME_SQ_TABLE, _casme_sq(roles))
    elif long := [edition for edition in written if edition.whole]:
        _save(folder / long[0].tree / SMIC_E_TABLE, _smic_e([film for film in films if film.released]))


def _casme2(roles: Sequence[Role], recoded: bool) -> dict[str, Rows]:
    rows: Rows = [(*CASME2_HEADINGS, "Objective Classes") if recoded else CASME2_HEADINGS]
    for index, role in enumerate(roles):
        emotion = "surprise" if recoded and (role.subject, role.name) in RECODED else role.emotion
        cells = (role.subject, role.name, None, role.onset, _apex(role), role.offset, None, _units(role.action_units))
        objective = (OBJECTIVE[emotion],) if recoded else ()
        rows.append((*cells, emotion + " " * (index % 7 == 3), *objective))
    return {"Sheet1": rows, "Sheet2": [], "Sheet3": []}


def _samm(roles: Sequence[Role], header: int) -> Rows:
    title: Rows = [(line,) for line in SAMM_TITLE]
    rows: Rows = [*title, *[()] * header][: header - 1]
    rows.append(SAMM_HEADINGS)
    for row, role in enumerate(roles, header + 1):
        emotion = "Other" if role.emotion == "others" else role.emotion.capitalize()
        units = "(6 or 7)+12" if role.action_units == "6+12" else _units(role.action_units)
        duration = Formula(f"=F{row}-D{row}+1", role.offset - role.onset + 1)
        rows.append((
            role.subject, role.name, int(role.name.split("_")[1]), role.onset, _apex(role), role.offset, duration,
            "Micro - 1/2", units, emotion, OBJECTIVE[role.emotion], None,
        ))  # fmt: skip
    return rows


def _smic_e(films: Sequence[Film]) -> dict[str, Rows]:
    """Rows in a different order, formulas, a missing onset, a wrong emotion and notes below the last row."""
    others = [film.name for film in films if film.roles[0].emotion != "negative"]
    wrong = CONTRADICTED if CONTRADICTED in others else (others or [""])[-1]
    half = len(films) // 2
    rows: Rows = [SMIC_E_HEADINGS]
    for row, film in enumerate((*films[half:], *films[:half]), 2):
        role, second = film.roles[0], film.encore
        frames = role.offset - role.onset + 1
        rows.append((
            f"s{film.subject}",
            film.name,
            None,
            role.onset if role.onset > film.first else f"MISSING <-{role.onset}",
            Formula(f"=D{row}+{frames - 1}", role.offset) if row % 3 == 0 and role.onset > film.first else role.offset,
            second.onset if second else None,
            second.offset if second else None,
            None,
            film.first,
            film.last,
            Formula(f"=E{row}-D{row}+1", frames) if role.onset > film.first else frames,
            Formula(f"=G{row}-F{row}+1", second.offset - second.onset + 1) if second else None,
            Formula(f"=J{row}-I{row}+1", film.last - film.first + 1),
            "negative" if film.name == wrong else role.emotion,
        ))  # fmt: skip
    rows += [(), *[(line,) for line in SMIC_E_NOTES]]
    return {"HS": rows, "VIS": [SMIC_E_HEADINGS], "NIR": [SMIC_E_HEADINGS]}


def _casme_sq(roles: Sequence[Role]) -> dict[str, Rows]:
    """Sheets without a header; the second and third explain the numbers of subjects and stimuli."""
    numbers = {subject: number for number, subject in enumerate(recordings.PARTICIPANTS, 1)}
    codes: Rows = [
        (
            numbers[role.subject],
            role.name,
            role.onset,
            _apex(role),
            role.offset if role.printed_offset is None else role.printed_offset,
            _units(role.printed_units or role.action_units),
            role.valence,
            f"{role.expression}-expression",
            role.self_report,
        )
        for role in roles
    ]
    subjects: Rows = [(int(subject), f"s{subject}", number) for subject, number in numbers.items()]
    # Some codes are numbers, without their leading zero.
    stimuli: Rows = [
        (int(code) if index % 3 == 1 else code, name) for index, (name, code) in enumerate(recordings.CODES.items())
    ]
    return {"CASFEcode_final": codes, "naming rule1": subjects, "naming rule2": stimuli}


def _apex(role: Role) -> int | str:
    return role.apex if role.printed_apex is None else role.printed_apex


def _units(text: str) -> int | str:
    return int(text) if text.isdigit() else text


# ---------------------------------------------------------------- files


def _save(path: Path, sheets: Mapping[str, Rows]) -> None:
    """Write a workbook like a spreadsheet program, with the values of its formulas, which openpyxl leaves out.

    The timestamps of openpyxl and zip are removed: equal cells give equal bytes.
    """
    import openpyxl

    book = openpyxl.Workbook()
    book.remove(book.active)
    for title, rows in sheets.items():
        sheet = book.create_sheet(title)
        for cells in rows:
            sheet.append([cell.text if isinstance(cell, Formula) else cell for cell in cells])
    memory = io.BytesIO()
    book.save(memory)
    values = {
        cell.text: cell.value
        for rows in sheets.values()
        for cells in rows
        for cell in cells
        if isinstance(cell, Formula)
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(memory) as written, zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as table:
        for name in written.namelist():
            content = re.sub(rb"\d{4}-\d\d-\d\dT[\d:]+Z", b"2014-05-08T00:00:00Z", written.read(name))
            content = re.sub(
                rb"<f>([^<]*)</f><v ?/>",
                lambda cell: b"<f>%b</f><v>%d</v>" % (cell[1], values["=" + cell[1].decode()]),
                content,
            )
            table.writestr(zipfile.ZipInfo(name), content, zipfile.ZIP_DEFLATED)
