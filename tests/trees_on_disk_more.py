"""Full-size copies of CAS(ME)^2, SMIC-E and the 25 Hz parts of SMIC with empty image files and recordings.

As in `trees_on_disk`, nothing here uses the loaders: counts, spellings and errors are written down a second time.
"""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import openpyxl
from trees_on_disk import SMIC_SUBJECTS, Cells, touch

# ---------------------------------------------------------------- CAS(ME)^2

SQ_PEOPLE = (15, 16, *range(19, 28), *range(29, 39), 40)  # participants 1 to 22
SQ_STIMULI = {
    "disgust1": "0101",
    "disgust2": "0102",
    "anger1": "0401",
    "anger2": "0402",
    "happy1": "0502",
    "happy2": "0503",
    "happy3": "0505",
    "happy4": "0507",
    "happy5": "0508",
}
SQ_PREFIXES = {"happy": 167, "anger": 102, "disgust": 88}
SQ_MICRO_VALENCE = {"negative": 21, "others": 19, "surprise": 9, "positive": 8}
SQ_TABLE = "CAS(ME)^2code_final.xlsx"


@dataclass(frozen=True)
class SqClip:
    """A clip as it lies on disk (`first` to `last`), and the nine cells of its row as printed."""

    participant: int
    name: str
    first: int
    last: int
    onset: object
    apex: object
    offset: object
    action_units: object = "12"
    valence: object = "positive"
    kind: object = "macro-expression"
    report: object = "happiness"

    @property
    def number(self) -> int:
        return SQ_PEOPLE[self.participant - 1]

    @property
    def id(self) -> str:
        return f"casme_sq/s{self.number}/{self.name}"

    @property
    def row(self) -> list[object]:
        coded = [self.onset, self.apex, self.offset, self.action_units, self.valence, self.kind, self.report]
        return [self.participant, self.name, *coded]

    @property
    def recording(self) -> str:
        """The recording that holds the clip, without extension: `15_0101disgustingteeth`."""
        return recording(self.number, self.name.rsplit("_", 1)[0])


def recording(number: int, stimulus: str) -> str:
    titles = {"disgust1": "disgustingteeth", "disgust2": "disgustingworm", "anger1": "unfair", "anger2": "bully 2"}
    return f"{number}_{SQ_STIMULI[stimulus]}{titles.get(stimulus, 'funny' + stimulus[-1])}"


def sq_clips() -> list[SqClip]:
    """300 macro- and 57 micro-expressions of 22 and 14 subjects, without an error in any cell."""
    clips: list[SqClip] = []
    taken: dict[tuple[int, str], int] = {}
    for prefix, count in SQ_PREFIXES.items():
        stimuli = [name for name in SQ_STIMULI if name.startswith(prefix)]
        for k in range(count):
            participant, stimulus = 1 + len(clips) % 22, stimuli[k // 22 % len(stimuli)]
            turn = taken[participant, stimulus] = taken.get((participant, stimulus), 0) + 1
            first = 3 + (131 * participant + 17 * len(stimulus)) % 1500 + 40 * turn
            clips.append(
                SqClip(
                    participant,
                    f"{stimulus}_{turn}",
                    first,
                    first + 5,
                    first,
                    first + 2,
                    first + 5,
                    12 if k % 2 else "4+L10",
                )
            )
    valences = [name for name, many in SQ_MICRO_VALENCE.items() for _ in range(many)]
    eligible = [i for i, clip in enumerate(clips) if clip.participant <= 14][::3][: len(valences)]
    for i, valence in zip(eligible, valences, strict=True):
        # cells as people type them: capitals and blanks behind
        kind = "micro-expression" if i % 2 else "Micro-expression "
        clips[i] = replace(clips[i], valence=valence.title() if i % 3 else f"{valence} ", kind=kind, report="Disgust")
    return clips


def sq_with_errors() -> tuple[list[SqClip], dict[str, list[str]]]:
    """`sq_clips` with the documented errors, all in macro rows, and the ids that hold each kind of error."""
    clips = sq_clips()
    macro = [i for i, clip in enumerate(clips) if clip.kind == "macro-expression"]
    spots = {
        "offset 0": macro[3:91:2],
        "apex 0": [macro[100]],
        "onset after offset": [macro[110]],
        "apex before onset": [macro[120]],
        "apex after offset": [macro[130]],
        "report": [macro[140]],
        "action units": [macro[150], macro[160]],
        "double extension": [macro[170]],
    }
    for error, places in spots.items():
        for i in places:
            clips[i] = _with(error, clips[i])
    return clips, {error: [clips[i].id for i in places] for error, places in spots.items()}


def _with(error: str, clip: SqClip) -> SqClip:
    if error == "offset 0":
        return replace(clip, offset=0)
    if error == "apex 0":
        return replace(clip, apex=0)
    if error == "onset after offset":
        return replace(clip, onset=clip.last + 100)
    if error == "apex before onset":
        return replace(clip, apex=clip.first - 2)
    if error == "apex after offset":
        return replace(clip, apex=clip.last + 1)
    if error == "report":
        return replace(clip, report="happyiness")
    if error == "action units":
        return replace(clip, action_units="NULL")
    return replace(clip, first=2975, last=2980, onset=2975, apex=2977, offset=2980)


def write_sheets(path: Path, sheets: Sequence[Iterable[Cells]]) -> Path:
    """An xlsx of headerless sheets."""
    path.parent.mkdir(parents=True, exist_ok=True)
    book = openpyxl.Workbook()
    book.remove(book.active)
    for k, rows in enumerate(sheets):
        sheet = book.create_sheet(f"Sheet{k + 1}")
        for row in rows:
            sheet.append(list(row))
    book.save(path)
    return path


def sq_people() -> list[list[object]]:
    return [[number, f"s{number}", k] for k, number in enumerate(SQ_PEOPLE, 1)]


def sq_codes(as_int: bool = False) -> list[list[object]]:
    return [[int(code) if as_int else code, stimulus] for stimulus, code in SQ_STIMULI.items()]


def write_sq_table(path: Path, rows: Iterable[Cells], codes_as_int: bool = False) -> Path:
    return write_sheets(path, [rows, sq_people(), sq_codes(codes_as_int)])


def write_sq_tree(root: Path, tree: str, clips: Iterable[SqClip], nested: bool = False) -> Path:
    """One of the four trees: selectedpic, cropped, rawpic, rawvideo; recordings hold some frames around each clip."""
    top = root / tree / tree if nested else root / tree
    for clip in clips:
        person = top / (f"{clip.number}" if tree == "cropped" else f"s{clip.number}")
        numbers = range(clip.first, clip.last + 1)
        if tree == "rawvideo":
            touch(person, [f"{clip.recording}.avi"])
        elif tree == "rawpic":
            around = {1, *range(clip.first - 1, clip.last + 3)}
            touch(person / clip.recording, (f"img{number:03d}.jpg" for number in around))
        else:
            touch(person / clip.name, (f"img{n}.jpg{'.jpg' * (n == 2977)}" for n in numbers))
    return root


def write_casme_sq(root: Path, *which: str, clips: Sequence[SqClip] | None = None, nested: bool = False) -> Path:
    """Table and the trees `which`, by default of all clips with the documented errors."""
    chosen = sq_with_errors()[0] if clips is None else clips
    write_sq_table(root / SQ_TABLE, [clip.row for clip in chosen])
    for tree in which:
        write_sq_tree(root, tree, chosen, nested)
    return root


# ---------------------------------------------------------------- SMIC-E

SMIC_E_TREE = "SMIC-E_raw image/HS_long/SMIC-HS-E"
SMIC_E_TABLE = "SMIC-HS-E_annotation.xlsx"
SMIC_E_HEADER = (
    "Subject",
    "Filename",
    None,
    "OnsetF",
    "OffsetF",
    "Onset2F",
    "Offset2F",
    "FirstF",
    "LastF",
    "TotalMF1",
    "TotalVL",
    "Emotion",
)
SMIC_E_COUNTS = {"ne": 66, "po": 50, "sur": 41}
SMIC_WORDS = {"ne": "negative", "po": "positive", "sur": "surprise"}
SMIC_E_MISSING = "s3_ne_04"
SMIC_E_AGAINST = "s18_sur_03"
SMIC_E_TWICE = ("s1_ne_01", "s6_po_02", "s20_sur_02")
SMIC_E_TEXT = ("HS is recorded with 100 fps", "MF: frames of the micro-expression")


def smic_e_rows() -> list[list[object]]:
    """157 rows of 16 subjects, not in their order; one onset MISSING, one cell against the name, three second spans."""
    rows: list[list[object]] = []
    names = [(code, k) for code, count in SMIC_E_COUNTS.items() for k in range(count)]
    for i, (code, k) in enumerate(names):
        subject = SMIC_SUBJECTS[k % 16]
        name, onset = f"s{subject}_{code}_{k // 16 + 1:02d}", 34_208 + 90 * i
        if i % 7 == 0:
            onset = 999_990 + 90 * i  # from six digits to seven, where lexical order breaks
        word, second = SMIC_WORDS[code], [onset + 10, onset + 14] if name in SMIC_E_TWICE else [None, None]
        if name == "s18_sur_02":
            name, word = SMIC_E_AGAINST, "positive"
        if name == SMIC_E_MISSING:
            onset = 426_679
        cell = "MISSING <-426679" if name == SMIC_E_MISSING else onset
        cells = [cell, onset + 6, *second, onset - 3, onset + 9]
        rows.append([subject if i % 2 else f"s{subject:02d}", name, None, *cells, "=E1-D1+1", "=I1-H1+1", word])
    return [rows[(i * 61) % len(rows)] for i in range(len(rows))]


def store_values(path: Path, values: Mapping[str, object], sheet: int = 1) -> Path:
    """Store values beside the formulas of cells such as `D2`, as a spreadsheet program does."""
    part = f"xl/worksheets/sheet{sheet}.xml"
    with zipfile.ZipFile(path) as book:
        parts = {name: book.read(name) for name in book.namelist()}
    text = parts[part].decode()
    for cell, value in values.items():
        text, count = re.subn(rf'(<c r="{cell}"[^>]*><f>[^<]*</f>)<v ?/?>(</v>)?', rf"\g<1><v>{value}</v>", text)
        assert count == 1, cell
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as book:
        for name, content in parts.items():
            book.writestr(name, text if name == part else content)
    return path


def write_smic_e(
    root: Path, tree: str = SMIC_E_TREE, table: str = SMIC_E_TABLE, rows: Sequence[Sequence[object]] | None = None
) -> Path:
    """Table (sheets HS, VIS, NIR; lengths are formulas with stored values; text below) and tree."""
    rows = smic_e_rows() if rows is None else rows
    root.mkdir(parents=True, exist_ok=True)
    book = openpyxl.Workbook()
    for k, part in enumerate(("HS", "VIS", "NIR")):
        sheet = book.create_sheet(part)
        sheet.append(list(SMIC_E_HEADER))
        for row in rows if k == 0 else [[11, "s11_ne_01", None, 6524, 6530, *[None] * 6, "negative"]]:
            sheet.append(list(row))
        for text in SMIC_E_TEXT:
            sheet.append([text])
    book.remove(book.worksheets[0])
    book.save(root / table)
    lengths = {f"{column}{i}": length for i in range(2, len(rows) + 2) for column, length in (("J", 7), ("K", 13))}
    written = {cell for cell in lengths if str(rows[int(cell[1:]) - 2][9 if cell[0] == "J" else 10]).startswith("=")}
    store_values(root / table, {cell: lengths[cell] for cell in sorted(written)})
    for _, name, _, _, offset, *_ in rows:
        subject, last = int(re.findall(r"[0-9]+", str(name))[0]), int(str(offset))
        numbers = range(last - 9, last + 4)
        touch(root / tree / f"s{subject:02d}" / str(name), (f"image{number:06d}.jpg" for number in numbers))
    return root


# ---------------------------------------------------------------- VIS and NIR

SLOW_SUBJECTS = (11, 12, 13, 14, 15, 18, 19, 20)
SLOW_COUNTS = {"ne": 23, "po": 28, "sur": 20}


def write_smic_slow(root: Path, part: str, tree: str = "SMIC_all_raw") -> Path:
    """VIS or NIR in full: 71 clips of 8 subjects, numbers of five digits."""
    prefix = "reg_" if "cropped" in tree else ""
    for code, count in SLOW_COUNTS.items():
        for k in range(count):
            subject = SLOW_SUBJECTS[k % 8]
            folder = root / tree / part / f"s{subject}" / "micro" / SMIC_WORDS[code]
            numbers = range(6_524 + 31 * k, 6_524 + 31 * k + 5)
            touch(folder / f"s{subject}_{code}_{k // 8 + 1:02d}", (f"{prefix}{number:05d}.bmp" for number in numbers))
    touch(root / tree / part / "s11" / "non_micro" / "s11_non_01", [f"{prefix}00001.bmp", f"{prefix}00002.bmp"])
    return root
