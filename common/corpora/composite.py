"""From emotions to classes: the MEGC 2019 composite of CASME II, SMIC HS and SAMM, and its official list file.

The rule (Second Facial Micro-Expressions Grand Challenge, FG 2019): three classes, 442 clips, 68 subjects.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from common.corpora import table_files, trees, workbooks
from common.corpora.tables import CLIP_NAME
from common.corpora.trees import plain
from common.errors import ClipError, UserError, quoted
from common.files import natural
from common.types import Clip, Corpus, Exclusion, LabelMap

_NO_APEX = (None, "left out of the MEGC 2019 list: no usable apex in the table of 2014")
_SADNESS = (None, "sadness in the table of 2014, on which the MEGC 2019 list is based; changed to surprise in 2019")

MEGC2019 = LabelMap(
    name="megc2019",
    classes=("negative", "positive", "surprise"),
    mapping={
        "casme2": {
            "happiness": "positive",
            "disgust": "negative",
            "repression": "negative",
            "surprise": "surprise",
            "others": None,
            "sadness": None,
            "fear": None,
        },
        "smic": {"negative": "negative", "positive": "positive", "surprise": "surprise"},
        "samm": {
            "happiness": "positive",
            "anger": "negative",
            "contempt": "negative",
            "disgust": "negative",
            "fear": "negative",
            "sadness": "negative",
            "surprise": "surprise",
            "other": None,
        },
    },
    by_clip={
        "casme2/sub04/EP12_01f": _NO_APEX,
        "casme2/sub05/EP09_05f": _NO_APEX,
        "casme2/sub24/EP07_01": _SADNESS,
        "casme2/sub24/EP07_04f": _SADNESS,
        "casme2/sub24/EP10_03": _SADNESS,
    },
)
"""The MEGC 2019 composite; it selects the same clips from the CASME II tables of 2014 and 2019."""

DOCUMENTED: Mapping[str, Mapping[str, int]] = {
    "casme2": {"negative": 88, "positive": 32, "surprise": 25, "clips": 145, "subjects": 24},
    "smic": {"negative": 70, "positive": 51, "surprise": 43, "clips": 164, "subjects": 16},
    "samm": {"negative": 92, "positive": 26, "surprise": 15, "clips": 133, "subjects": 28},
}
"""The counts that the challenge published, by corpus."""

LIST_FILES = ("combined_3class_gt*.csv", "combined_3_class*_for_optical_flow.csv")
"""As the challenge names it, and its copy with further columns in the repository of HTNet."""


@dataclass(frozen=True)
class Selection:
    """Clips with their class index, in natural order of id; dropped clips; differences of a list file from the rule."""

    clips: tuple[tuple[Clip, int], ...]
    dropped: tuple[Exclusion, ...]
    differences: tuple[str, ...] = ()


def label(clip: Clip, labels: LabelMap) -> tuple[str | None, str]:
    """The class of a clip and the reason for it; the class is None if the rule drops the clip.

    Raises ClipError if `labels` does not know the emotion.
    """
    if clip.id in labels.by_clip:
        return labels.by_clip[clip.id]
    emotions = labels.mapping.get(clip.corpus, {})
    if clip.emotion not in emotions:
        raise ClipError(f"emotion {quoted(clip.emotion)} of {clip.corpus} has no class in {labels.name}")
    chosen = emotions[clip.emotion]
    return (
        chosen,
        f"{clip.emotion} is {chosen}" if chosen else f"{clip.emotion} is not one of {', '.join(labels.classes)}",
    )


def select(corpora: Iterable[Corpus], labels: LabelMap, listed: Mapping[str, str] | None = None) -> Selection:
    """The clips that have a class, according to `labels` or, if given, to `listed` (clip id to class).

    Clips that the rule or the list drops are in `dropped` with fault False, those with an unknown emotion with fault
    True. Every difference between list and rule is one line of `differences`.
    """
    corpora = list(corpora)
    clips = {clip.id: clip for corpus in corpora for clip in corpus.clips}
    chosen: list[tuple[Clip, int]] = []
    dropped: list[Exclusion] = []
    differences: list[str] = []
    for key in sorted(clips, key=natural):
        try:
            name, reason = label(clips[key], labels)
        except ClipError as error:
            dropped.append(Exclusion(key, str(error)))
            continue
        if listed is not None and listed.get(key) != name:
            differences.append(f"{key}: {name or 'dropped'} by the rule, {listed.get(key, 'absent')} in the list")
            name, reason = listed.get(key), "not in the list file"
        if name is None:
            dropped.append(Exclusion(key, reason, fault=False))
        else:
            chosen.append((clips[key], labels.classes.index(name)))
    read = {corpus.name for corpus in corpora}
    for key in sorted(listed or (), key=natural):
        if key.split("/")[0] in read and key not in clips:
            differences.append(f"{key}: in the list, but not among the clips read")
    return Selection(tuple(chosen), tuple(dropped), tuple(differences))


def find_megc_list(data: Path) -> Path | None:
    """The official list file at or below `data`, or the nearest of several. UserError if `data` is unreadable."""
    return next(iter(table_files.matching(trees.survey(data), LIST_FILES)), None)


def read_megc_list(path: Path) -> dict[str, str]:
    """Read the official list: clip id to class.

    Columns: corpus, subject (`sub01`, `s01`, `6`), clip (`EP02_01f`, `s01_ne_01`, `006_1_2`), class (0 negative, 1
    positive, 2 surprise). The file is published without header; a first line of headings is skipped. Raises UserError
    with file and line for anything else.
    """
    lines = workbooks.csv_rows(path)
    listed: dict[str, str] = {}
    for number, line in enumerate(lines, 1):
        cells = [cell.strip() for cell in line]
        if not any(cells) or (number == 1 and _is_header(cells)):
            continue
        key = listed_id(cells)
        if key is None or cells[3] not in ("0", "1", "2"):
            raise UserError(
                f"{path}: line {number} is not corpus, subject, clip, class 0 to 2: {quoted(','.join(cells))}"
            )
        name = MEGC2019.classes[int(cells[3])]
        if listed.setdefault(key, name) != name:
            raise UserError(f"{path}: line {number} gives {key} a second class; remove one of the two lines")
    if not listed:
        raise UserError(f"{path}: the list is empty")
    return listed


def _is_header(cells: list[str]) -> bool:
    """Whether a line has headings: every other line has digits for subject, clip and class."""
    return len(cells) > 3 and not re.search("[0-9]", "".join(cells[1:4]))


def listed_id(cells: list[str]) -> str | None:
    """The clip id of a line of the list, spelled as on disk; None if it cannot be read."""
    if len(cells) < 4 or not (subject := re.fullmatch(r"(?:sub|s)?([0-9]{1,4})", cells[1], re.IGNORECASE)):
        return None
    corpus, number, clip = plain(cells[0]), int(subject[1]), cells[2]
    if not CLIP_NAME.fullmatch(clip):
        return None
    if corpus == "casme2":
        return f"casme2/sub{number:02d}/{clip}"
    if corpus == "samm":
        return f"samm/{number:03d}/{clip}"
    if corpus in ("smic", "smichs"):
        return f"smic/s{number}/{re.sub(r'^s0*', 's', clip)}"
    return None


_CLIPS = {corpus: row["clips"] for corpus, row in DOCUMENTED.items()}


def shortfall(clips: Iterable[str], documented: Mapping[str, int] = _CLIPS, whole_name: str = "the composite") -> str:
    """How many of the `documented` clips by corpus are missing among these clip ids, in one clause; empty if none."""
    counts = Counter(clip.partition("/")[0] for clip in clips)
    short = [f"{corpus} {counts[corpus]} of {whole}" for corpus, whole in documented.items() if counts[corpus] < whole]
    whole, there = sum(documented.values()), sum(counts[corpus] for corpus in documented)
    return f"{there} of the {whole} clips of {whole_name}: {', '.join(short)}" if short else ""
