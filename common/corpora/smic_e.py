"""SMIC-E, the long release of SMIC's high-speed part (HS): 157 recordings of 16 subjects at 100 fps.

Images: `SMIC-E_raw image/HS_long/SMIC-HS-E/s01/s1_ne_01/image034208.jpg`, whole recordings, whose frames from onset to
offset are the clip. Table: `SMIC-HS-E_annotation.xlsx`, sheet HS. The emotion is in the name of a clip, which is used
if the table disagrees. A recording may contain further micro-expressions without a name: only the first is read.
Apexes are not annotated.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from common.corpora import glimpses, recognise, table_files, tables, trees
from common.corpora.tables import Documented, Found, Row
from common.corpora.trees import Claim, Glimpse, Layout, Root, Tree, unlike
from common.errors import ClipError, quoted
from common.types import Clip, Corpus, Correction

NAME = re.compile(r"s([0-9]+)_(ne|po|sur)_([0-9]+)", re.IGNORECASE)
SUBJECT = re.compile(r"(?:sub|s)?([0-9]{1,3})", re.IGNORECASE)
EMOTIONS = {"ne": "negative", "po": "positive", "sur": "surprise"}
PARTS = frozenset({"hs", "vis", "nir"})
LONGEST = 58
"""Most frames of a clip of the short release. The recordings of the long one last for seconds, at 100 fps."""


def part_named(path: Path) -> str:
    """The part of SMIC that a path names, in its innermost folder that names one: "hs", "vis" or "nir"; else empty."""
    return next((min(own & PARTS) for own in glimpses.words(path) if len(own & PARTS) == 1), "")


def named_long(path: Path) -> bool:
    """Whether one of the last folders of a path is named like the long release."""
    return any(own & {"long"} or {"smic", "e"} <= own for own in glimpses.words(path))


def _recognise(glimpse: Glimpse) -> Claim | None:
    images = glimpse.images(LAYOUT)
    if not images:
        return None
    names, part = {"raw": "SMIC-HS-E"}, part_named(glimpse.path)
    if not named_long(glimpse.path) and glimpse.most <= LONGEST:
        return None  # clips of the short release without the folder micro
    if part in ("vis", "nir"):
        return Claim(names, f"its name says {part.upper()}, but only HS is read from the long release", readable=False)
    odd = unlike(_FRAME, images)
    return Claim(names, f"its images are named like {odd}, not like image034208.jpg" if odd else "")


LAYOUT = Layout(
    corpus="smic_e",
    title="SMIC-E-HS",
    citation=(
        "X. Li, X. Hong, A. Moilanen, X. Huang, T. Pfister, G. Zhao, M. Pietikäinen. Towards reading hidden emotions: "
        "A comparative study of spontaneous micro-expression spotting and recognition methods. IEEE Transactions on "
        "Affective Computing 9(4), 563-577, 2018."
    ),
    fps=100.0,
    folders=(("raw", "SMIC-HS-E"),),
    subject=SUBJECT,
    clip=NAME,
    subject_id="s{}",
    tables=("SMIC*E*annotation*.xlsx",),
    recognise=_recognise,
    example="s01/s1_ne_01/image034208.jpg",
    size=(640, 480),
    headings={"subject": "Subject", "clip": "Filename", "onset": "OnsetF", "offset": "OffsetF", "emotion": "Emotion"},
)
_FRAME = re.compile(r"(?:reg_)?image[0-9]{6,8}\..*", re.IGNORECASE)
FURTHER: Mapping[str, str] = {"onset 2": "Onset2F", "onset 3": "Onset3F"}
DOCUMENTED = (Documented("long release", 157, 16, title="SMIC-E-HS"),)
_MISSING = re.compile(r"MISSING\s*<\s*-?\s*([0-9]{1,9})", re.IGNORECASE)


def load(root: Root, images: str = "raw", corpus: str = LAYOUT.corpus) -> Corpus:
    """Load the corpus below `root`, under the name `corpus`; all images are raw. UserError without table or images.

    Clips are named as in the short release: s1_ne_01.
    """
    layout = replace(LAYOUT, corpus=corpus)
    folders = trees.survey(root)
    table = table_files.find(folders, layout)
    rows = tables.read(table, layout.headings, optional=FURTHER, first="HS")
    tree = recognise.choose(folders, layout, images, table)

    def make(row: Row, person: int, name: str) -> Found:
        return _clip(layout, tree, row, person, name)

    return tables.join(layout, folders, tree, table, rows, make, _named)


def _named(row: Row) -> tuple[int, str]:
    person, name = tables.who(row)
    match = NAME.fullmatch(name)
    if not match:
        raise ClipError(f"row {row.number}: {quoted(name)} contains no emotion (ne, po or sur)")
    if int(match[1]) != person:
        raise ClipError(f"row {row.number}: {quoted(name)} is not a clip of subject {person}")
    return person, f"s{person}_{match[2].lower()}_{int(match[3]):02d}"


def _clip(layout: Layout, tree: Tree, row: Row, person: int, name: str) -> Found:
    place = _folder(layout, tree, person, name)
    key = f"{layout.corpus}/s{person}/{name}"
    notes: list[Correction] = []

    def note(field: str, used: str, why: str) -> None:
        notes.append(Correction(key, row.headings[field], row.cells[field], used, why))

    if missing := _MISSING.fullmatch(row.cells["onset"]):
        onset = int(missing[1])
        note("onset", str(onset), "the movement starts before the recording; the first frame of the recording is used")
        if onset not in trees.images(place):
            raise ClipError(
                f"row {row.number}: OnsetF is {quoted(row.cells['onset'])}, and frame {onset} is not on disk"
            )
    else:
        onset = row.frame("onset")
    offset = row.frame("offset")
    emotion = EMOTIONS[name.split("_")[1]]
    printed = row.cells["emotion"].lower()
    if printed and printed[:2] != emotion[:2]:
        note("emotion", emotion, "the file name contradicts the table")
    for field in FURTHER:
        if row.cells.get(field, "") not in ("", "0"):
            note(field, "none", "a further micro-expression of the recording; only the first is read")
    frames = trees.sequence(place, onset, offset)
    clip = Clip(
        corpus=layout.corpus,
        subject=layout.subject_id.format(person),
        name=name,
        frames=tuple(frames.values()),
        numbers=tuple(frames),
        onset=onset,
        apex=None,
        offset=offset,
        fps=layout.fps,
        emotion=emotion,
    )
    return clip, [*notes, *tables.missing_frames(clip)]


def _folder(layout: Layout, tree: Tree, person: int, name: str) -> Path:
    """The folder of a clip, whatever the zero-padding of its name. Raises ClipError unless there is exactly one."""
    homes = tables.subject(layout, tree, person)
    there = [path for home in homes for path in trees.children(home).values()]
    matches = [path for path in there if _parts(path.name.strip()) == _parts(name)]
    return tables.single(matches, f"{homes[0].name}/{name}", tree)


def _parts(name: str) -> tuple[int, str, int] | None:
    match = NAME.fullmatch(name)
    return (int(match[1]), match[2].lower(), int(match[3])) if match else None
