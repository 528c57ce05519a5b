"""Folders as public code expects them: each is read with the right clips, or named with what was found.

Every layout is two subjects with two clips each, written under the paths that the repository and file in `source` use.
"""

from __future__ import annotations

import csv
import shutil
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path

import pytest
import trees_on_disk as disk
import trees_on_disk_more as more
from PIL import Image

import run_all
from common import corpora
from common.corpora import check
from common.errors import UserError

Write = Callable[[Path], None]


def _picture(size: tuple[int, int]) -> bytes:
    file = BytesIO()
    Image.new("L", size).save(file, "jpeg")
    return file.getvalue()


RAW, SMALL = _picture((640, 480)), _picture((64, 48))
CLIPS = {
    "casme2": [("01", "EP02_01f"), ("01", "EP03_02"), ("02", "EP01_11f"), ("02", "EP02_04f")],
    "samm": [("006", "006_1_2"), ("006", "006_1_3"), ("007", "007_3_1"), ("007", "007_4_2")],
    "smic": [("1", "s1_ne_01"), ("1", "s1_po_01"), ("20", "s20_ne_01"), ("20", "s20_sur_01")],
    "vis": [("11", "s11_ne_01"), ("11", "s11_po_01"), ("20", "s20_ne_01"), ("20", "s20_sur_01")],
    "casme_sq": [("15", "anger1_1"), ("15", "disgust1_1"), ("16", "anger2_1"), ("16", "happy1_1")],
}
FIRST, LAST = 46, 51
RECORDINGS = {
    "anger1_1": "0401girlcrashing",
    "anger2_1": "0402beatingpregnantwoman",
    "disgust1_1": "0101disgustingteeth",
    "happy1_1": "0502funnyerrors",
}


def frames(
    tree: str, corpus: str, name: str, picture: bytes = RAW, numbers: Iterable[int] = range(FIRST, LAST + 1)
) -> Write:
    """Clips in folders `tree/SUBJECT/CLIP` for every subject of a corpus; `name` formats a frame's name.

    `tree` may contain {s}, the subject, and {c}, the clip; else their folders are named as in the release.
    """
    subject = {"casme2": "sub{s}", "samm": "{s}", "casme_sq": "s{s}"}.get(corpus, "s{s}")
    below = {"smic": "micro/{e}/", "vis": "micro/{e}/"}.get(corpus, "")
    place = tree if "{s" in tree else f"{tree}/{subject}/{below}{{c}}"
    emotions = {"ne": "negative", "po": "positive", "sur": "surprise"}

    def write(data: Path) -> None:
        for person, clip in CLIPS[corpus]:
            parts = {"s": person, "c": clip, "e": emotions.get(clip.split("_")[1], "")}
            parts["r"] = f"{person}_{RECORDINGS.get(clip, '')}"
            folder = data / place.format(**parts)
            folder.mkdir(parents=True, exist_ok=True)
            for number in numbers:
                (folder / name.format(n=number, s=person)).write_bytes(picture)

    return write


def videos(tree: str, corpus: str, name: str) -> Write:
    """One video per clip, which no test opens."""

    def write(data: Path) -> None:
        for person, clip in CLIPS[corpus]:
            file = data / tree / name.format(s=person, c=clip, r=f"{person}_{RECORDINGS.get(clip, '')}")
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(b"RIFF")

    return write


def _rows(corpus: str) -> tuple[list[str | None], list[list[object]]]:
    if corpus == "casme2":
        header = list(disk.CASME2_HEADER)
        rows: list[list[object]] = [[s, c, None, FIRST, 48, LAST, None, "4+L10", "disgust"] for s, c in CLIPS["casme2"]]
        return header, rows
    if corpus == "samm":
        header = list(disk.SAMM_HEADER)
        return header, [[s, c, 1, FIRST, 48, LAST, 6, "Micro", "L12", "Anger", 3, None] for s, c in CLIPS["samm"]]
    words = {"ne": "negative", "po": "positive", "sur": "surprise"}
    header = list(more.SMIC_E_HEADER)
    rows = [[int(s), c, None, FIRST, LAST, None, None, 40, 60, 6, 20, words[c.split("_")[1]]] for s, c in CLIPS["smic"]]
    return header, rows


def xlsx(path: str, corpus: str, above: int = 0) -> Write:
    """The annotation table of a corpus, with `above` lines above its header."""

    def write(data: Path) -> None:
        header, rows = _rows(corpus)
        disk.write_table(data / path, header, rows, [("title",)] * above, sheet="HS")

    return write


def text(path: str, corpus: str, delimiter: str = ",", encoding: str = "utf-8", above: int = 0) -> Write:
    """The same as csv."""

    def write(data: Path) -> None:
        header, rows = _rows(corpus)
        (data / path).parent.mkdir(parents=True, exist_ok=True)
        with (data / path).open("w", encoding=encoding, newline="") as file:
            lines = csv.writer(file, delimiter=delimiter)
            lines.writerows([["title, with a comma; and more"] for _ in range(above)])
            lines.writerows([header, *rows])

    return write


def codes(path: str, beyond: int = 0) -> Write:
    """The codes of CAS(ME)^2, as a workbook of three sheets or as csv with `beyond` columns more."""

    def write(data: Path) -> None:
        people = {"15": 1, "16": 2}
        rows = [
            [people[s], c, FIRST, 48, LAST, "4+7", "negative", "macro-expression", "anger", *(["path"] * beyond)]
            for s, c in CLIPS["casme_sq"]
        ]
        (data / path).parent.mkdir(parents=True, exist_ok=True)
        if path.endswith(".csv"):
            with (data / path).open("w", encoding="utf-8", newline="") as file:
                csv.writer(file).writerows(rows)
        else:
            more.write_sheets(data / path, [rows, more.sq_people(), more.sq_codes()])

    return write


def empty(path: str) -> Write:
    """A file that is there, but of a format that is not read."""

    def write(data: Path) -> None:
        (data / path).parent.mkdir(parents=True, exist_ok=True)
        (data / path).write_bytes(b"\xd0\xcf\x11\xe0")

    return write


@dataclass(frozen=True)
class Layout:
    """What is written; how many clips of each corpus are read, and from which folder; what lines have to name."""

    source: str
    files: tuple[Write, ...]
    clips: Mapping[str, int] = field(default_factory=dict)
    images: Mapping[str, str] = field(default_factory=dict)
    named: tuple[str, ...] = ()


IMG, REG, HS = "img{n}.jpg", "reg_img{n}.jpg", "image{n:06d}.jpg"
ALL = dict.fromkeys(["casme2"], 4)
LAYOUTS = {
    "CASME II twice nested": Layout(
        "vsimonis/MicroExpressionDetector, "
        "MicroExpressionDetector/tests/script_tests/pipeline/CASME_video_structure.py",
        (
            frames("CASME2/CASME2_RAW_selected/CASME2_RAW_selected", "casme2", IMG),
            frames("CASME2/Cropped/Cropped", "casme2", REG, SMALL),
            frames("CASME2/CASME2_RAW/CASME2-RAW", "casme2", IMG, numbers=range(40, 60)),
            xlsx("CASME2/CASME2-coding-20140508.xlsx", "casme2"),
        ),
        {"casme2": 4},
        {"casme2": "CASME2/CASME2_RAW_selected/CASME2_RAW_selected"},
    ),
    "CASME II as videos": Layout(
        "vsimonis/MicroExpressionDetector, MicroExpressionDetector/tests/script_tests/pipeline/simple_video.py",
        (
            videos("MicroExpress/CASME2_Compressed video/CASME2_compressed", "casme2", "sub{s}/{c}.avi"),
            xlsx("MicroExpress/CASME2-coding-20140508.xlsx", "casme2"),
        ),
        {"casme2": 4},
        {"casme2": "MicroExpress/CASME2_Compressed video/CASME2_compressed"},
    ),
    "CASME II, crops under another name": Layout(
        "tvaranka/meb, config/dataset_config.py",
        (
            frames("data/CASME2/Cropped_original", "casme2", REG, SMALL),
            xlsx("data/CASME2/CASME2-coding-updated.xlsx", "casme2"),
        ),
        {"casme2": 4},
        {"casme2": "data/CASME2/Cropped_original"},
    ),
    "CASME II, crops and raw images": Layout(
        "tvaranka/meb, config/dataset_config.py",
        (
            frames("data/CASME2/Cropped_original", "casme2", REG, SMALL),
            frames("data/CASME2/CASME2_RAW_selected", "casme2", IMG),
            xlsx("data/CASME2/CASME2-coding-updated.xlsx", "casme2"),
        ),
        {"casme2": 4},
        {"casme2": "data/CASME2/CASME2_RAW_selected"},
        ("Cropped_original looks like CASME II (2 subjects) but is not read: another folder, with a known name",),
    ),
    "CASME II, table inside the images' folder": Layout(
        "ReturnYG/MicroExpressionRecognition, datasets/casmeiiDatasets.py",
        (
            frames("Datasets/CASME2/CASME2-RAW", "casme2", IMG, numbers=range(1, 60)),
            xlsx("Datasets/CASME2/CASME2-coding-20190701.xlsx", "casme2"),
        ),
        {"casme2": 4},
    ),
    "CASME II, an old table": Layout(
        "genbing99/MEAN_Spot-then-recognize, README.md",
        (
            frames("CASME2/CASME2/CASME2-RAW", "casme2", IMG, numbers=range(1, 60)),
            empty("CASME2/CASME2/CASME2_label_Ver_2.xls"),
        ),
        named=("CASME2_label_Ver_2.xls has an older format; save it as xlsx",),
    ),
    "CASME II, optical flow": Layout(
        "IcedDoggie/Micro-Expression-with-Deep-Learning, README.md",
        (
            frames("CASME2_Optical/CASME2_Optical", "casme2", "{n}.png", numbers=range(1, 10)),
            empty("CASME2_Optical/CASME2_label_Ver_2.xls"),
        ),
        named=("its images are named like 1.png", "--as casme2="),
    ),
    "CASME II, a table with a prefix": Layout(
        "ini17/Micro-expression-recognition-by-fusing-Action-Unit-detection-and-spatio-temporal-features, "
        "MatlabCodes/Optical flow extraction/[modified]CASME2-coding-20190701.xlsx",
        (
            frames("CASME2_RAW_selected", "casme2", IMG),
            xlsx("tables/[modified]CASME2-coding-20190701.xlsx", "casme2"),
        ),
        {"casme2": 4},
    ),
    "CASME II, table as csv": Layout(
        "hitheyuhong/MEGC2024-CODE, label/datasetlabel/CASME2-coding-20190701.csv",
        (
            frames("CASME2_RAW_selected", "casme2", IMG),
            text("label/datasetlabel/CASME2-coding-20190701.csv", "casme2", encoding="utf-8-sig"),
        ),
        {"casme2": 4},
    ),
    "SAMM, table inside the crops": Layout(
        "2-Chae/Decalcomnanie-Data-Augmentation-for-Micro-expression-Recognition, docs/preprocessing.md",
        (
            frames("samm/SAMM_CROP", "samm", "{s}_{n:05d}.jpg", SMALL),
            xlsx("samm/SAMM_CROP/SAMM_Micro_FACS_Codes_v2.xlsx", "samm", above=13),
        ),
        {"samm": 4},
        {"samm": "samm/SAMM_CROP"},
    ),
    "SAMM, table of another date": Layout(
        "genbing99/MEAN_Spot-then-recognize, README.md",
        (
            frames("SAMM", "samm", "{s}_{n:04d}.jpg"),
            xlsx("SAMM/SAMM_20181215_Micro_FACS_Codes_v2.xlsx", "samm", above=13),
        ),
        {"samm": 4},
    ),
    "SAMM in a folder of another name": Layout(
        "ReturnYG/MicroExpressionRecognition, datasets/sammDatasets.py",
        (
            frames("Datasets/SAMM_dataset/SAMM", "samm", "{s}_{n:05d}.jpg"),
            xlsx("Datasets/SAMM_dataset/SAMM/SAMM_Micro_FACS_Codes_v2.xlsx", "samm", above=13),
        ),
        {"samm": 4},
    ),
    "SAMM, crops of onset and apex": Layout(
        "QqXuyujie/Micro-Expression-Datasets, Crop_using_dilb/SAMM/generate_crop_SAMM.py",
        (
            frames("Crop_dilb/Crop_SAMM", "samm", "{s}_{n:05d}.jpg", SMALL, (FIRST, 48)),
            xlsx("Crop_dilb/SAMM.xlsx", "samm"),
        ),
        named=("Crop_SAMM looks like SAMM", "only 2 images", "--as samm="),
    ),
    "SAMM, table as csv": Layout(
        "hitheyuhong/MEGC2024-CODE, label/datasetlabel/SAMM_Micro_FACS_Codes_v2.csv",
        (
            frames("crops/of/faces", "samm", "{s}_{n:05d}.jpg", SMALL),
            text("label/datasetlabel/SAMM_Micro_FACS_Codes_v2.csv", "samm", ";", above=13),
        ),
        {"samm": 4},
    ),
    "SMIC, the short release": Layout(
        "2-Chae/Decalcomnanie-Data-Augmentation-for-Micro-expression-Recognition, docs/preprocessing.md",
        (
            frames("SMIC/SMIC_all_cropped/HS", "smic", "reg_image{n:06d}.bmp", SMALL),
            frames("SMIC/SMIC_all_cropped/VIS", "vis", "reg_{n:05d}.bmp", SMALL),
            frames("SMIC/SMIC_all_cropped/NIR", "vis", "reg_{n:05d}.bmp", SMALL),
            frames("SMIC/SMIC_all_raw/HS", "smic", "image{n:06d}.bmp"),
        ),
        {"smic": 4},
        {"smic": "SMIC/SMIC_all_raw/HS"},
    ),
    "SMIC, HS beside its crops": Layout(
        "tvaranka/meb, docs/getting_started.md",
        (
            frames("data/SMIC/HS", "smic", "image{n:06d}.bmp"),
            frames("data/SMIC/SMIC_all_cropped/HS", "smic", "reg_image{n:06d}.bmp", SMALL),
        ),
        {"smic": 4},
        {"smic": "data/SMIC/HS"},
    ),
    "SMIC, crops and landmarks of one's own": Layout(
        "CreamNuts/Late-Fusion-based-Transformer-for-Facial-Micro-Expression, prepare.py",
        (
            frames("data/SMIC_CROP/HS", "smic", "image{n:06d}.bmp", SMALL),
            frames("data/SMIC_LANDMARK/HS", "smic", "image{n:06d}.bmp", SMALL),
        ),
        {"smic": 4},
        {"smic": "data/SMIC_CROP/HS"},
        ("SMIC_LANDMARK/HS looks like SMIC-HS", "'landmark'", "--as smic="),
    ),
    "SMIC, HS_cropped with a table of its own": Layout(
        "ini17/Micro-expression-recognition-by-fusing-Action-Unit-detection-and-spatio-temporal-features, "
        "PythonCodes/SMIC_preprocessing.py",
        (
            frames("datasets/SMIC/HS_cropped", "smic", "reg_image{n:06d}.bmp", SMALL),
            empty("datasets/SMIC/HS_cropped.csv"),
        ),
        {"smic": 4},
        {"smic": "datasets/SMIC/HS_cropped"},
    ),
    "SMIC, videos sorted by emotion": Layout(
        "bogireddytejareddy/micro-expression-recognition, SMIC/MicroExpSTCNN.py",
        (
            frames("Dataset/Negative/{c}{s:.0}", "smic", HS),
            frames("Dataset/Positive/{c}{s:.0}", "smic", HS),
        ),
        named=("Negative contains 4 folders named like clips of SMIC", "no folders of subjects"),
    ),
    "SMIC, the long release": Layout(
        "ReturnYG/MicroExpressionRecognition, datasets/smicDatasets.py",
        (
            frames("SMIC/SMIC-E_raw image/HS_long/SMIC-HS-E/s{s:0>2}/{c}", "smic", HS, numbers=range(40, 60)),
            xlsx("SMIC/SMIC-E_raw image/HS_long/SMIC-HS-E_annotation_2019.xlsx", "smic"),
        ),
        {"smic": 4},
    ),
    "SMIC, the long release in three parts": Layout(
        "genbing99/MEAN_Spot-then-recognize, README.md",
        (
            frames("SMIC/SMIC-E_raw image/HS_long/SMIC-HS-E/HS/s{s:0>2}/{c}", "smic", HS, numbers=range(40, 60)),
            frames("SMIC/SMIC-E_raw image/VIS_long/SMIC-VIS-E/VIS/s{s:0>2}/{c}", "vis", HS, numbers=range(40, 60)),
            xlsx("SMIC/SMIC-E_raw image/HS_long/SMIC-HS-E_annotation.xlsx", "smic"),
            empty("SMIC/SMIC-E_raw image/NIR_long/SMIC-NIR-E_annotation.xlsx"),
            empty("SMIC/SMIC-E_raw image/VIS_long/SMIC-VIS-E_annotation.xlsx"),
        ),
        {"smic": 4},
        {"smic": "SMIC/SMIC-E_raw image/HS_long/SMIC-HS-E/HS"},
        ("SMIC-VIS-E/VIS looks like SMIC-E-HS", "its name says VIS"),
    ),
    "CAS(ME)^2 in full": Layout(
        "genbing99/SoftNet-SpotME, README.md",
        (
            frames("CASME_sq/cropped/{s}/{c}", "casme_sq", IMG, SMALL),
            frames("CASME_sq/rawpic/s{s}/{r}", "casme_sq", "img{n:03d}.jpg"),
            videos("CASME_sq/rawvideo", "casme_sq", "s{s}/{r}.avi"),
            frames("CASME_sq/selectedpic", "casme_sq", IMG),
            codes("CASME_sq/CAS(ME)^2code_final.xlsx"),
        ),
        {"casme_sq": 4},
        {"casme_sq": "CASME_sq/selectedpic"},
    ),
    "CAS(ME)^2, a shorter name of the table": Layout(
        "genbing99/MEAN_Spot-then-recognize, README.md",
        (
            frames("CASME_sq/rawpic/s{s}/{r}", "casme_sq", "img{n:03d}.jpg"),
            codes("CASME_sq/code_final.xlsx"),
        ),
        {"casme_sq": 4},
    ),
    "CAS(ME)^2, the codes as csv": Layout(
        "hitheyuhong/MEGC2024-CODE, label/datasetlabel/CAS(ME)^2code_final(Updated).csv",
        (
            frames("frames/s{s}/{r}", "casme_sq", "img{n:03d}.jpg"),
            codes("label/datasetlabel/CAS(ME)^2code_final(Updated).csv", beyond=2),
        ),
        {"casme_sq": 4},
        {"casme_sq": "frames"},
    ),
    "CAS(ME)^2, recordings sorted by emotion": Layout(
        "bogireddytejareddy/micro-expression-recognition, CASME-SQUARE/MicroExpSTCNN.py",
        (videos("workspace/micro-expression/data", "casme_sq", "angry/{r}.avi"),),
        named=("found the folder workspace",),
    ),
}


@pytest.mark.parametrize("name", LAYOUTS)
def test_layout(tmp_path: Path, name: str) -> None:
    layout, data = LAYOUTS[name], tmp_path / "x" / "y" / "d"
    data.mkdir(parents=True)
    for write in layout.files:
        write(data)
    try:
        checked = check.check(data)
    except UserError as error:
        assert not layout.clips
        said = str(error)
    else:
        read = {corpus: report for corpus, report in checked["corpora"].items() if not report["error"]}
        assert {corpus: report["clips"] for corpus, report in read.items()} == layout.clips
        assert not any(report["exclusions"] for report in read.values())
        assert not any(report["unusable"] for report in read.values()) or name.endswith("videos")
        for corpus, folder in layout.images.items():
            assert read[corpus]["images"] == str(data / folder)
        errors = [report["error"] for report in checked["corpora"].values() if report["error"]]
        said = " ".join([*errors, *checked["unread"]])
        assert "\n" not in said
    for part in layout.named:
        assert part in said
    assert layout.named or not said
    assert layout.source.count(", ") >= 1


# ---------------------------------------------------------------- nothing is passed over without a line

EVERY_SMIC = {"smic/s1/s1_ne_01", "smic/s1/s1_po_01", "smic/s20/s20_ne_01", "smic/s20/s20_sur_01"}


def told(data: Path) -> str:
    """All lines about what is not read."""
    try:
        checked = check.check(data)
    except UserError as error:
        return str(error)
    reports = checked["corpora"].values()
    rows = [row for report in reports for row in (*report["exclusions"], *report["unusable"])]
    lines = [*checked["unread"], *(f"{row['folder']} {row['reason']}" for row in checked["unreadable"])]
    lines += [line for report in reports for line in (*report["notes"], *filter(None, [report["error"]]))]
    return "\n".join([*lines, *(f"{row['clip']}: {row['reason']}" for row in rows)])


@pytest.mark.parametrize(
    "tree",
    [
        "SMIC/SMIC_all_raw/HS/sub{s:0>2}/micro/{e}/{c}",
        "HS/{s:0>2}/micro/{e}/{c}",
        "SMIC/SMIC_all_raw/HS/s{s}/{e}/{c}",
        "SMIC/SMIC_all_cropped/HS/s{s}/{c}",
        "HS_cropped/s{s}/{c}",
    ],
)
def test_changed_copies_of_smic_are_read_where_they_are_clear(tmp_path: Path, tree: str) -> None:
    frames(tree, "smic", "image{n:06d}.bmp")(tmp_path)
    checked = check.check(tmp_path)["corpora"]["smic"]
    assert (checked["clips"], checked["exclusions"], checked["notes"]) == (4, [], [])
    assert {clip.id for clip in corpora.load("smic", tmp_path).clips} == EVERY_SMIC


@pytest.mark.parametrize("tree", ["SMIC_all_raw/HS/s{s}/micro/{e}", "HS/s{s}/{e}"])
@pytest.mark.parametrize("name", ["01", "1", "{code}_01"])
def test_the_folder_of_an_emotion_names_its_clips(tmp_path: Path, tree: str, name: str) -> None:
    for person, clip in CLIPS["smic"]:
        code = clip.split("_")[1]
        emotion = {"ne": "negative", "po": "positive", "sur": "surprise"}[code]
        place = tmp_path / tree.format(s=person, e=emotion) / name.format(code=code)
        disk.touch(place, (f"image{n:06d}.bmp" for n in range(FIRST, LAST + 1)))
    clips = corpora.load("smic", tmp_path).clips
    assert {clip.id for clip in clips} == EVERY_SMIC
    assert {clip.emotion[:2] == clip.name.split("_")[1][:2] for clip in clips} == {True}


@pytest.mark.parametrize("named", [True, False])
def test_recordings_are_not_read_as_clips_of_the_short_release(tmp_path: Path, named: bool) -> None:
    frames("SMIC/HS/s{s}/{c}" if named else "odd/s{s}/{c}", "smic", HS, numbers=range(40, 110))(tmp_path)
    with pytest.raises(UserError, match=r"looks like SMIC-E-HS .* is not read: its annotation table was not"):
        check.check(tmp_path)
    frames("SMIC/HS", "smic", HS)(tmp_path)
    shutil.rmtree(tmp_path / "SMIC/HS/s20/micro")
    frames("SMIC/HS/s{s}/{e}/{c}", "smic", HS, numbers=range(40, 110))(tmp_path)
    excluded = corpora.load("smic", corpora.find(tmp_path)["smic"]).exclusions
    assert {exclusion.clip for exclusion in excluded} >= {"smic/s20/s20_ne_01", "smic/s20/s20_sur_01"}


@pytest.mark.parametrize(
    ("tree", "corpus", "name"),
    [
        ("SMIC/HS/s{s}/micros/{e}/{c}", "smic", "image{n:06d}.bmp"),
        ("SMIC/HS/subject_{s}/micro/{e}/{c}", "smic", "image{n:06d}.bmp"),
        ("SMIC/HS/{e}/{c}", "smic", "image{n:06d}.bmp"),
        ("SMIC/all/{c}x{e}", "smic", "image{n:06d}.bmp"),
        ("CASME2/CASME2_RAW_selected/sub{s}/disgust/{c}", "casme2", "img{n}.jpg"),
        ("CASME2/all/sub{s}_{c}", "casme2", "img{n}.jpg"),
        ("SAMM/{s}/anger/{c}", "samm", "{s}_{n:05d}.jpg"),
        ("SAMM/anger/{s}/{c}", "samm", "{s}_{n:05d}.jpg"),
        ("MMEW/S{s}/happiness/x/{c}", "casme2", "{n}.jpg"),
        ("SMIC/SMIC_all_raw/VIS", "vis", "{n:05d}.bmp"),
    ],
)
@pytest.mark.parametrize("beside", [True, False])
def test_folders_that_are_not_read_have_a_line(tmp_path: Path, tree: str, corpus: str, name: str, beside: bool) -> None:
    data = tmp_path / "d"
    data.mkdir()
    frames(tree, corpus, name)(data)
    if beside:
        frames("elsewhere/CAS/selectedpic", "casme_sq", IMG)(data)
        codes("elsewhere/CAS/CAS(ME)^2code_final.xlsx")(data)
    top = Path(tree.split("{")[0].rstrip("/")).name
    assert top.lower() in told(data).lower()


@pytest.mark.parametrize(
    ("tree", "corpus", "name", "odd"),
    [
        ("SMIC/SMIC_all_raw/HS", "smic", "image{n:06d}.bmp", "s20/micros/negative/s20_ne_01"),
        ("SMIC/SMIC_all_raw/HS", "smic", "image{n:06d}.bmp", "subject_3/micro/negative/s3_ne_01"),
        ("CASME2_RAW_selected", "casme2", IMG, "sub02/disgust/EP05_02"),
        ("CASME2_RAW_selected", "casme2", IMG, "sub02/crops"),
        ("CASME2_RAW_selected", "casme2", IMG, "more/sub03_EP05_02"),
        ("SAMM", "samm", "{s}_{n:05d}.jpg", "007/anger/007_9_1"),
    ],
)
def test_folders_inside_a_corpus_that_no_clip_uses_have_one_line(
    tmp_path: Path, tree: str, corpus: str, name: str, odd: str
) -> None:
    frames(tree, corpus, name)(tmp_path)
    if corpus != "smic":
        table = {"casme2": "CASME2-coding-20140508.xlsx", "samm": "SAMM_Micro_FACS_Codes_v2.xlsx"}[corpus]
        xlsx(table, corpus)(tmp_path)
    place = tmp_path / tree
    assert told(tmp_path) == ""
    disk.touch(place / odd, ("img1.jpg", "img2.jpg"))
    disk.touch(place / odd.replace("_01", "_02"), ("img1.jpg", "img2.jpg"))
    lines = told(tmp_path).splitlines()
    assert len(lines) == 1 or "subject_3" in odd  # which is also named as clips without a folder of a subject
    assert all("not read" in line and odd.split("/")[0] in line for line in lines)
    assert any(odd in line for line in lines)


@pytest.mark.parametrize("suffix", [".tif", ".webp"])
@pytest.mark.parametrize("tree", ["CASME2_RAW_selected", "faces"])
def test_formats_that_are_not_read_are_named(tmp_path: Path, suffix: str, tree: str) -> None:
    frames(tree, "casme2", f"img{{n}}{suffix}")(tmp_path)
    xlsx("CASME2-coding-20140508.xlsx", "casme2")(tmp_path)
    assert run_all.main(["--check-data", str(tmp_path)]) != 0
    assert f"{suffix} files" in told(tmp_path)
    frames("Cropped", "casme2", REG, SMALL)(tmp_path)
    assert check.check(tmp_path)["corpora"]["casme2"]["clips"] == 4


@pytest.mark.parametrize("beside", [True, False])
def test_archives_and_dead_links_are_named(tmp_path: Path, beside: bool) -> None:
    if beside:
        frames("SMIC/HS", "smic", "image{n:06d}.bmp")(tmp_path)
    disk.touch(tmp_path / "more", ["CASME2.zip", "SAMM.part1.rar"])
    lines = told(tmp_path)
    assert "CASME2.zip" in lines
    assert "SAMM.part1.rar" in lines
    (tmp_path / "CASME2").symlink_to(tmp_path / "nowhere")
    assert f"a link to {tmp_path / 'nowhere'}" in told(tmp_path)
    assert run_all.main(["--check-data", str(tmp_path)]) != 0


def test_tables_that_are_not_read_are_named(tmp_path: Path) -> None:
    frames("CASME2_RAW_selected", "casme2", IMG)(tmp_path)
    empty("CASME2-coding-20140508.ods")(tmp_path)
    assert "CASME2-coding-20140508.ods has a format that is not read" in told(tmp_path)
    for name in ("CASME2-coding-20140508.xlsx", "labels.xlsx"):
        table = tmp_path / name
        table.write_bytes(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 900 + "EncryptedPackage".encode("utf-16-le"))
        assert "password" in told(tmp_path)
        assert name in told(tmp_path)
        table.unlink()
