"""Full-size copies of the corpora with empty image files: the real layouts, counts and oddities, invented clips.

Nothing here uses the loaders: the counts and spellings are written down a second time, so that tests compare two
readings of what the corpora's authors published.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import cycle
from pathlib import Path

import openpyxl

Cells = Sequence[object]

CASME2_HEADER = (
    "Subject",
    "Filename",
    None,
    "OnsetFrame",
    "ApexFrame",
    "OffsetFrame",
    None,
    "Action Units",
    "Estimated Emotion",
)
SAMM_HEADER = (
    "Subject",
    "Filename",
    "Inducement Code",
    "Onset Frame",
    "Apex Frame",
    "Offset Frame",
    "Duration",
    "Micro",
    "Action Units",
    "Estimated Emotion",
    "Objective Classes",
    "Notes",
)

# Clips whose names or frames the corpus' tables really hold, by (subject, clip): onset, apex, offset, emotion of 2014.
CASME2_ODD = {
    ("04", "EP12_01f"): (261, "/", 321, "disgust"),
    ("05", "EP09_05f"): (69, 69, 123, "repression"),
    ("05", "EP16_04f"): (10, 14, 14, "disgust"),
    ("12", "EP09_06"): (20, 24, 24, "others"),
    ("20", "EP16_01"): (30, 34, 34, "others"),
    ("25", "EP18_04f"): (40, 44, 44, "others"),
    ("24", "EP07_01"): (50, 52, 54, "sadness"),
    ("24", "EP07_04f"): (60, 62, 64, "sadness"),
    ("24", "EP10_03"): (70, 72, 74, "sadness"),
    ("02", "EP01_2"): (80, 82, 84, "disgust"),
    ("03", "EP08_1"): (90, 92, 94, "others"),
    ("15", "EP06_02_01"): (98, 100, 102, "happiness"),
    ("19", "EP09f"): (7, 9, 11, "surprise"),
}
CASME2_2014 = {
    "others": 99,
    "disgust": 63,
    "happiness": 32,
    "repression": 27,
    "surprise": 25,
    "sadness": 7,
    "fear": 2,
}
CASME2_MOVED = (("24", "EP07_01"), ("24", "EP07_04f"), ("24", "EP10_03"))
SMIC_SUBJECTS = (1, 2, 3, 4, 5, 6, 8, 9, 11, 12, 13, 14, 15, 18, 19, 20)
SMIC_COUNTS = {"ne": 70, "po": 51, "sur": 43}
SAMM_SUBJECTS = tuple(number for number in range(6, 38) if number not in (8, 27, 29))
SAMM_COUNTS = {
    "Anger": 57,
    "Other": 26,
    "Happiness": 26,
    "Surprise": 15,
    "Contempt": 12,
    "Disgust": 9,
    "Fear": 8,
    "Sadness": 6,
}
SAMM_ODD = {
    ("028", "028_4_1"): (1130, 1143, 1134, "Happiness"),
    ("032", "032_3_1"): (4896, 1930, 4900, "Anger"),
    ("032", "032_3_2"): (5000, 5001, 5003, "Anger"),
}


def casme2_rows(year: int = 2014) -> list[list[object]]:
    """255 rows of 26 subjects; 10 and 18 show nothing but `others`, so that the composite has 24."""
    left = dict(CASME2_2014)
    clips: dict[tuple[str, str], tuple[object, ...]] = {}
    for key, values in CASME2_ODD.items():
        clips[key] = values
        left[values[3]] -= 1
    for subject in ("10", "18"):
        for k in range(4):
            clips[subject, f"EP{k + 1:02d}_01"] = (100 + k, 101 + k, 103 + k, "others")
            left["others"] -= 1
    turn = cycle(f"{number:02d}" for number in range(1, 27) if number not in (10, 18))
    for emotion, count in left.items():
        for k in range(count):
            onset = 1 + (37 * len(clips)) % 200
            # the same clip names under several subjects, as in the corpus
            clips[next(turn), f"EP{11 + list(left).index(emotion)}_{k // 24 + 31:02d}f"] = (
                onset,
                onset + 1,
                onset + 3,
                emotion,
            )
    rows: list[list[object]] = []
    for i, ((subject, name), (onset, apex, offset, emotion)) in enumerate(clips.items()):
        if year == 2019 and (subject, name) in CASME2_MOVED:
            emotion = "surprise"
        rows.append([subject, name, None, onset, apex, offset, None, 4 if i % 3 else "4+L10", emotion])
    return rows


def samm_rows() -> list[list[object]]:
    """159 rows of 29 subjects; one (024) shows nothing but `Other`, so that the composite has 28."""
    left = dict(SAMM_COUNTS)
    clips: dict[tuple[str, str], tuple[object, ...]] = {}
    for key, values in SAMM_ODD.items():
        clips[key] = values
        left[values[3]] -= 1
    for k in range(5):
        clips["024", f"024_1_{k + 1}"] = (90 + k, 92 + k, 93 + k, "Other")
        left["Other"] -= 1
    turn = cycle(f"{number:03d}" for number in SAMM_SUBJECTS if number != 24)
    for e, (emotion, count) in enumerate(left.items()):
        for k in range(count):
            subject, onset = next(turn), 83 + (1237 * len(clips)) % 12260
            clips[subject, f"{subject}_{e + 5}_{k // 28 + 1}"] = (onset, onset + 1, onset + 2, emotion)
    return [
        [subject, name, 1, onset, apex, offset, "=F1-D1+1", "Micro", "L12 or L14", emotion, 2, None]
        for (subject, name), (onset, apex, offset, emotion) in clips.items()
    ]


def smic_names() -> Iterator[tuple[int, str, str]]:
    """164 times subject, code (`ne`, `po`, `sur`) and clip name."""
    for code, count in SMIC_COUNTS.items():
        for k in range(count):
            subject = SMIC_SUBJECTS[k % 16]
            yield subject, code, f"s{subject}_{code}_{k // 16 + 1:02d}"


# ---------------------------------------------------------------- writing


def touch(folder: Path, names: Iterable[str]) -> None:
    """Empty files in a folder that is made if need be."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        (folder / name).touch()


def write_table(
    path: Path, header: Cells, rows: Iterable[Cells], title: Sequence[Cells] = (), sheet: str = "A"
) -> Path:
    """An xlsx with `title` rows above the header, and an empty second sheet."""
    path.parent.mkdir(parents=True, exist_ok=True)
    book = openpyxl.Workbook()
    book.active.title = sheet
    for row in [*title, header, *rows]:
        book.active.append(list(row))
    book.create_sheet("Sheet2")
    book.save(path)
    return path


def write_casme2(
    root: Path,
    rows: Iterable[Cells] | None = None,
    year: int = 2014,
    tree: str = "CASME2_RAW_selected",
    whole: bool = False,
) -> Path:
    """Table and tree; `whole` writes some frames before onset and after offset, as full recordings have them."""
    rows = casme2_rows(year) if rows is None else list(rows)
    date = {2014: "20140508", 2019: "20190701"}[year]
    header = CASME2_HEADER if year == 2014 else (*CASME2_HEADER, "Objective Classes")
    write_table(root / f"CASME2-coding-{date}.xlsx", header, rows, sheet="Sheet1")
    prefix, around = ("reg_img" if "rop" in tree else "img"), (3 if whole else 0)
    for subject, name, _, onset, _, offset, *_ in rows:
        numbers = range(max(1, int(str(onset)) - around), int(str(offset)) + around + 1)
        touch(root / tree / f"sub{subject}" / str(name), (f"{prefix}{number}.jpg" for number in numbers))
    return root


def write_smic(root: Path, tree: str = "SMIC_all_raw", names: Iterable[tuple[int, str, str]] | None = None) -> Path:
    """HS with its `non_micro` branch, and a VIS and a NIR clip."""
    emotions = {"ne": "negative", "po": "positive", "sur": "surprise"}
    prefix = "reg_image" if "cropped" in tree else "image"
    for i, (subject, code, name) in enumerate(names if names is not None else smic_names()):
        micro = root / tree / "HS" / f"s{subject}" / "micro" / emotions[code]
        # numbers pass from 999999 to 1000000, where lexical order breaks
        touch(micro / name, (f"{prefix}{999_990 + i % 12 + k:06d}.bmp" for k in range(4)))
    touch(root / tree / "HS" / "s1" / "non_micro" / "s1_non_01", ["image000001.bmp", "image000002.bmp"])
    touch(root / tree / "VIS" / "s11" / "micro" / "negative" / "s11_ne_01", ["reg_06524.bmp", "reg_06525.bmp"])
    touch(root / tree / "NIR" / "s11" / "micro" / "negative" / "s11_ne_01", ["06387.bmp", "06388.bmp"])
    return root


def write_samm(root: Path, rows: Iterable[Cells] | None = None, tree: str = ".", header_row: int = 14) -> Path:
    """Table and tree; `tree` "." puts subjects straight into `root`, as the release does."""
    rows = samm_rows() if rows is None else list(rows)
    title: list[Cells] = [("SAMM Micro-Movements",)] + [("Subject: coded by three coders", None)] * (header_row - 2)
    write_table(root / "SAMM_Micro_FACS_Codes_v2.xlsx", SAMM_HEADER, rows, title, sheet="MICRO_ONLY")
    for i, (subject, name, _, onset, _, offset, *_) in enumerate(rows):
        numbers = range(int(str(onset)), int(str(offset)) + 1)
        touch(root / tree / str(subject) / str(name), (f"{subject}_{n:0{4 + i % 2}d}.jpg" for n in numbers))
    return root


def write_list(path: Path) -> dict[str, int]:
    """The official list of the MEGC 2019 composite, 442 lines in its own spellings; returns class by clip id."""
    lines, classes = [], {}
    casme2 = {"happiness": 1, "disgust": 0, "repression": 0, "surprise": 2}
    for subject, name, *_, emotion in casme2_rows(2014):
        if emotion in casme2 and name not in ("EP12_01f", "EP09_05f"):
            classes[f"casme2/sub{subject}/{name}"] = casme2[str(emotion)]
            lines.append(f"casme2,sub{subject},{name},{casme2[str(emotion)]}")
    for person, code, name in smic_names():
        classes[f"smic/s{person}/{name}"] = k = ("ne", "po", "sur").index(code)
        lines.append(f"smic,s{person:02d},s{person:02d}_{name.split('_', 1)[1]},{k}")
    for row in samm_rows():
        if row[9] != "Other":
            classes[f"samm/{row[0]}/{row[1]}"] = k = {"Happiness": 1, "Surprise": 2}.get(str(row[9]), 0)
            lines.append(f"SAMM,{int(str(row[0]))},{row[1]},{k}")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return classes
