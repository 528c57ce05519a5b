"""CAS(ME)^2: 30 frames per second, 640x480, 22 subjects, 300 macro- and 57 micro-expressions.

Images: one folder per clip in `selectedpic/s15/anger1_1/img557.jpg` or `cropped/15/anger1_1/img557.jpg`, or whole
recordings in `rawpic/s15/15_0101disgustingteeth/img001.jpg` or `rawvideo/s15/15_0101disgustingteeth.avi`, whose
frames from onset to offset are the clip. Frames are counted from 1 at the start of the recording. Folders of other
names are recognised by subjects, clips and images such as these.
Table: `CAS(ME)^2code_final.xlsx`, without any header. Its sheets are the codes, the numbers of the participants and the
codes of the stimuli, in this order. A csv file contains only the codes: participants and stimuli are then those of the
release. The emotion is that of the stimulus, with which the clip's name starts; the ratings of the coders and the
participant are in `Clip.valence` and `Clip.self_report`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from common.corpora import recognise, table_files, tables, trees, workbooks
from common.corpora.tables import NUMBER, Documented, Found, Row
from common.corpora.trees import Claim, Glimpse, Layout, Root, Tree, unlike
from common.errors import ClipError, UserError, quoted
from common.types import Clip, Corpus, Correction

CLIP = re.compile(r"((disgust|anger|happy)[0-9]+)_[0-9]+", re.IGNORECASE)
RECORDING = re.compile(r"([0-9]+)_([0-9]{4}).*")
_FRAME = re.compile(r"img[0-9]+\..*", re.IGNORECASE)


def recognise_recordings(glimpse: Glimpse) -> Claim | None:
    """Whole recordings in folders of subjects: as folders of images, or as videos."""
    recordings = replace(LAYOUT, clip=RECORDING)
    if glimpse.videos(recordings):
        return Claim({"raw": "rawvideo"})
    return _of_images(glimpse.images(recordings), {"raw": "rawpic"})


def _recognise(glimpse: Glimpse) -> Claim | None:
    clips = glimpse.images(replace(LAYOUT, clip=CLIP))
    return recognise_recordings(glimpse) or _of_images(clips, {"raw": "selectedpic", "cropped": "cropped"})


def _of_images(images: Sequence[str], names: Mapping[str, str]) -> Claim | None:
    if not images:
        return None
    odd = unlike(_FRAME, images)
    return Claim(names, f"its images are named like {odd}, not like img557.jpg" if odd else "")


LAYOUT = Layout(
    corpus="casme_sq",
    title="CAS(ME)^2",
    citation=(
        "F. Qu, S.-J. Wang, W.-J. Yan, H. Li, S. Wu, X. Fu. CAS(ME)^2: A database for spontaneous macro-expression and "
        "micro-expression spotting and recognition. IEEE Transactions on Affective Computing 9(4), 424-436, 2018."
    ),
    fps=30.0,
    folders=(("raw", "selectedpic"), ("raw", "rawpic"), ("raw", "rawvideo"), ("cropped", "cropped")),
    subject=re.compile(r"s?([0-9]{2})", re.IGNORECASE),
    clip=re.compile(rf"{CLIP.pattern}|{RECORDING.pattern}", re.IGNORECASE),
    subject_id="s{:02d}",
    tables=("CAS(ME)^2*code*.xlsx", "CAS(ME)2*code*.xlsx", "CASME^2*code*.xlsx", "CASME_sq*code*.xlsx"),
    headings={
        "subject": "participant (column 1)",
        "clip": "clip name (column 2)",
        "onset": "onset (column 3)",
        "apex": "apex (column 4)",
        "offset": "offset (column 5)",
        "action_units": "action units (column 6)",
        "valence": "valence (column 7)",
        "expression": "type (column 8)",
        "self_report": "self-report (column 9)",
    },
    spare_tables=("code_final*.xlsx",),
    recognise=_recognise,
    example="s15/anger1_1/img557.jpg",
    size=(640, 480),
)
DOCUMENTED = (
    Documented(
        "table of the release",
        357,
        22,
        {"happy": 167, "anger": 102, "disgust": 88},
        {"macro": 300, "micro": 57},
        {"negative": 21, "others": 19, "surprise": 9, "positive": 8},
    ),
)
_PEOPLE = (15, 16, *range(19, 28), *range(29, 39), 40)
"""The numbers on disk of participants 1 to 22."""
_STIMULI = {"disgust1": "0101", "disgust2": "0102", "anger1": "0401", "anger2": "0402"}
_STIMULI |= {"happy1": "0502", "happy2": "0503", "happy3": "0505", "happy4": "0507", "happy5": "0508"}
_SPELLING = {"happyiness": "happiness"}


@dataclass(frozen=True)
class Names:
    """The naming rule: subject numbers on disk by participant, and four-digit codes by stimulus (`disgust1`)."""

    subjects: Mapping[int, int]
    codes: Mapping[str, str]


def load(root: Root, images: str = "raw") -> Corpus:
    """Load the clips below `root`; `images` "raw" or "cropped" is preferred. UserError without table or images."""
    folders = trees.survey(root)
    table = table_files.find(folders, LAYOUT)
    rows, names = read(table)
    tree = recognise.choose(folders, LAYOUT, images, table)

    def named(row: Row) -> tuple[int, str]:
        participant, name = tables.who(row)
        if participant not in names.subjects:
            raise ClipError(f"row {row.number}: participant {participant} is not in the naming rule (second sheet)")
        return names.subjects[participant], name

    def make(row: Row, person: int, name: str) -> Found:
        return _clip(tree, names, row, person, name)

    corpus = tables.join(LAYOUT, folders, tree, table, rows, make, named)
    more = [] if tree.form in ("rawpic", "rawvideo") else tables.unlisted(LAYOUT, tree, corpus)
    return replace(corpus, notes=(*corpus.notes, *more))


def read(table: Path) -> tuple[list[Row], Names]:
    """The rows of the codes and the naming rule, by the position of sheets and columns. Raises UserError."""
    sheets = workbooks.read(table)
    if table.suffix.lower() == ".csv":
        rows = [row for row in _coded(table, sheets[0].rows) if NUMBER.fullmatch(row.cells["subject"])]
        return rows, Names(dict(enumerate(_PEOPLE, 1)), _STIMULI)
    if len(sheets) < 3:
        raise UserError(f"{table}: {len(sheets)} sheets; the first three must be codes, participants and stimuli")
    codes, participants, stimuli = (sheet.rows for sheet in sheets[:3])
    rows = _coded(table, codes)
    subjects = {
        int(participant): int(number)
        for number, folder, participant in (cells[:3] for _, cells in participants if len(cells) >= 3)
        if NUMBER.fullmatch(number) and NUMBER.fullmatch(participant) and folder.lower() == f"s{int(number):02d}"
    }
    stimulus = {
        name.lower(): code.zfill(4)
        for code, name in (cells[:2] for _, cells in stimuli if len(cells) >= 2)
        if NUMBER.fullmatch(code) and name
    }
    return rows, Names(subjects, stimulus)


def _coded(table: Path, codes: Sequence[tuple[int, tuple[str, ...]]]) -> list[Row]:
    if (width := len(codes[0][1]) if codes else 0) < len(LAYOUT.headings):
        raise UserError(f"{table}: the first sheet has {width} columns; {len(LAYOUT.headings)} are needed")
    rows = [Row(at, dict(zip(LAYOUT.headings, cells, strict=False)), LAYOUT.headings) for at, cells in codes]
    return [row for row in rows if tables.annotates(row.cells)]


def _clip(tree: Tree, names: Names, row: Row, person: int, name: str) -> Found:
    match = CLIP.fullmatch(name)
    kind = re.fullmatch(r"(macro|micro)\W?expressions?", row.text("expression"), re.IGNORECASE)
    if not match:
        raise ClipError(f"row {row.number}: {quoted(name)} does not start with a stimulus (disgust, anger or happy)")
    if not kind:
        raise ClipError(
            f"row {row.number}: {quoted(row.cells['expression'])} is neither a macro- nor a micro-expression"
        )
    notes = _Notes(f"casme_sq/{LAYOUT.subject_id.format(person)}/{name}", row)
    if tree.form in ("rawpic", "rawvideo"):
        place = _recording(tree, names, person, match[1].lower())
        onset, offset = _span_in_recording(row, notes)
    else:
        place = tables.folder(LAYOUT, tree, person, name)
        onset, offset = _span_in_folder(place, row, notes)
    frames = trees.sequence(place, onset, offset)
    apex, odd = tables.apex(LAYOUT, row, notes.key, onset, offset)
    report = row.cells["self_report"].lower()
    if report in _SPELLING:
        notes.add("self_report", _SPELLING[report], "misspelt")
    units = tables.action_units(row)
    if units.upper() == "NULL":
        notes.add("action_units", "none", "no action unit is coded")
        units = ""
    clip = Clip(
        corpus=LAYOUT.corpus,
        subject=LAYOUT.subject_id.format(person),
        name=name,
        frames=tuple(frames.values()),
        numbers=tuple(frames),
        onset=onset,
        apex=apex,
        offset=offset,
        fps=LAYOUT.fps,
        emotion=match[2].lower(),
        action_units=units,
        expression=kind[1].lower(),
        valence=row.cells["valence"].lower(),
        self_report=_SPELLING.get(report, report),
    )
    return clip, [*notes.made, *odd, *tables.missing_frames(clip)]


@dataclass(frozen=True)
class _Notes:
    """Corrections of one row."""

    key: str
    row: Row
    made: list[Correction] = field(default_factory=list)

    def add(self, name: str, used: object, why: str) -> None:
        self.made.append(Correction(self.key, self.row.headings[name], self.row.cells[name], str(used), why))


def _span_in_folder(place: Path, row: Row, notes: _Notes) -> tuple[int, int]:
    """Onset and offset of a clip that has a folder of its own.

    If the table has no offset (0), the folder's last frame is used; if its onset is after its offset, the folder's
    first and last frame.
    """
    onset, offset = row.frame("onset"), row.frame("offset")
    if onset <= offset or not (there := trees.images(place)):
        return onset, offset
    if not offset:
        notes.add("offset", max(there), "no offset; the last frame of the clip's folder is used")
        return onset, max(there)
    for name, printed, used in (("onset", onset, min(there)), ("offset", offset, max(there))):
        if printed != used:
            notes.add(
                name, used, "the onset is after the offset; the first and last frame of the clip's folder are used"
            )
    return min(there), max(there)


def _span_in_recording(row: Row, notes: _Notes) -> tuple[int, int]:
    """Onset and offset of a clip in a whole recording.

    If the table has no offset (0), or one before the onset, the apex is used: it is the last frame known to belong to
    the expression.
    """
    onset, offset = row.frame("onset"), row.frame("offset")
    if onset < 1:
        raise ClipError(f"row {row.number}: onset {onset}, but the frames of a recording are counted from 1")
    if onset <= offset:
        return onset, offset
    problem = "no offset" if not offset else f"offset {offset} before onset {onset}"
    apex = row.frame("apex")
    if apex <= onset:
        raise ClipError(f"row {row.number}: {problem}, and no apex after the onset that could end the clip")
    notes.add("offset", apex, f"{problem}; the clip is read up to its apex")
    return onset, apex


def _recording(tree: Tree, names: Names, person: int, stimulus: str) -> Path:
    """The recording of a subject and stimulus, a folder or a video. Raises ClipError unless there is exactly one.

    A recording with the number of another subject is in the wrong folder and is skipped.
    """
    if stimulus not in names.codes:
        raise ClipError(f"stimulus {stimulus} is not in the naming rule (third sheet)")
    homes = tables.subject(LAYOUT, tree, person)
    listed = trees.children if tree.form == "rawpic" else trees.videos
    recordings = [
        path
        for home in homes
        for name, path in listed(home).items()
        if (match := RECORDING.fullmatch(name)) and (int(match[1]), match[2]) == (person, names.codes[stimulus])
    ]
    return tables.single(recordings, f"{homes[0].name}/{person}_{names.codes[stimulus]}…", tree)
