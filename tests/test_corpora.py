"""The loaders against full-size trees of empty files, and against copies that are broken in the known ways."""

import random
import re
import shutil
import subprocess
import sys
import zipfile
from collections import Counter
from pathlib import Path

import openpyxl
import pytest
import trees_on_disk as disk

from common import corpora
from common.corpora import check, check_text, trees
from common.errors import ClipError, UserError
from common.types import Corpus

ROW = ["01", "EP02_01f", None, 46, 50, 52, None, "12", "happiness"]


@pytest.fixture(scope="module")
def full(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The three corpora in full, the way a researcher's disk holds them."""
    data = tmp_path_factory.mktemp("data")
    disk.write_casme2(data / "CASME2")
    disk.write_smic(data / "SMIC")
    disk.write_samm(data / "SAMM")
    return data


def emotions(corpus: Corpus) -> dict[str, int]:
    return dict(Counter(clip.emotion for clip in corpus.clips))


def casme2(root: Path, *rows: list) -> Corpus:
    """A CASME II of these rows, for each of which a tree of frames is written."""
    disk.write_casme2(root, rows)
    return corpora.load("casme2", root)


def reasons(corpus: Corpus) -> dict[str, str]:
    assert all(exclusion.fault and "\n" not in exclusion.reason for exclusion in corpus.exclusions)
    return {exclusion.clip: exclusion.reason for exclusion in corpus.exclusions}


# ---------------------------------------------------------------- documented counts


@pytest.mark.parametrize(("year", "surprise", "sadness"), [(2014, 25, 7), (2019, 28, 4)])
@pytest.mark.parametrize(
    ("tree", "name", "whole"),
    [
        ("CASME2_RAW_selected/CASME2_RAW_selected", "CASME2_RAW_selected", False),
        ("Cropped", "Cropped", False),
        ("CASME2_RAW/CASME2-RAW", "CASME2-RAW", True),
    ],
)
def test_casme2_in_full(
    tmp_path: Path, year: int, surprise: int, sadness: int, tree: str, name: str, whole: bool
) -> None:
    disk.write_casme2(tmp_path / "CASME2", year=year, tree=tree, whole=whole)
    root = corpora.find(tmp_path)["casme2"]
    corpus = corpora.load("casme2", root)
    assert (root, corpus.tree) == (tmp_path / "CASME2", name)
    assert corpus.table == {2014: "CASME2-coding-20140508.xlsx", 2019: "CASME2-coding-20190701.xlsx"}[year]
    assert (len(corpus.clips), len({clip.subject for clip in corpus.clips})) == (255, 26)
    expected = {"others": 99, "disgust": 63, "happiness": 32, "repression": 27, "fear": 2}
    assert emotions(corpus) == {**expected, "surprise": surprise, "sadness": sadness}
    assert corpus.exclusions == ()
    read = {note.clip: (note.printed, note.used) for note in corpus.corrections}
    assert read.pop("casme2/sub04/EP12_01f") == ("/", "none")
    assert read.pop("casme2/sub05/EP09_05f") == ("69", "none")
    assert set(read) == {
        f"casme2/{key}" for key in ("sub05/EP16_04f", "sub12/EP09_06", "sub20/EP16_01", "sub25/EP18_04f")
    }
    assert all(printed == used for printed, used in read.values())
    odd = {clip.id: clip for clip in corpus.clips}
    assert {key for key, clip in odd.items() if clip.apex is None} == {"casme2/sub04/EP12_01f", "casme2/sub05/EP09_05f"}
    assert all(odd[key].apex == odd[key].offset for key in read)
    assert {"casme2/sub02/EP01_2", "casme2/sub03/EP08_1", "casme2/sub15/EP06_02_01", "casme2/sub19/EP09f"} <= set(odd)
    for clip in corpus.clips:
        assert clip.numbers == tuple(range(clip.onset, clip.offset + 1))
        assert [path.name for path in clip.frames] == [
            f"{'reg_' * (name == 'Cropped')}img{number}.jpg" for number in clip.numbers
        ]
        assert clip.fps == 200
    assert [clip.id for clip in corpus.clips] == sorted((clip.id for clip in corpus.clips), key=trees.natural)


@pytest.mark.parametrize("tree", ["SMIC_all_raw", "SMIC_all_cropped"])
def test_smic_in_full(tmp_path: Path, tree: str) -> None:
    disk.write_smic(tmp_path / "SMIC", tree)
    assert corpora.find(tmp_path) == {"smic": tmp_path / "SMIC"}
    corpus = corpora.load("smic", tmp_path)
    assert (corpus.tree, corpus.table, corpus.exclusions, corpus.corrections) == (f"{tree}/HS", "", (), ())
    assert [note.rpartition(" ")[2] for note in corpus.notes] == ["smic_vis", "smic_nir"]
    assert emotions(corpus) == {"negative": 70, "positive": 51, "surprise": 43}
    numbers = (1, 2, 3, 4, 5, 6, 8, 9, 11, 12, 13, 14, 15, 18, 19, 20)
    assert {clip.subject for clip in corpus.clips} == {f"s{number}" for number in numbers}
    for clip in corpus.clips:
        assert (clip.onset, clip.apex, clip.offset) == (clip.numbers[0], None, clip.numbers[-1])
        assert clip.numbers == tuple(range(clip.onset, clip.onset + 4))
        assert [trees.frame_number(path.name) for path in clip.frames] == list(clip.numbers)
    first = next(clip for clip in corpus.clips if clip.id == "smic/s1/s1_ne_01")
    assert first.frames[0].parent.parts[-4:] == ("s1", "micro", "negative", "s1_ne_01")


@pytest.mark.parametrize("header_row", [14, 2])
@pytest.mark.parametrize(("tree", "name"), [(".", "SAMM"), ("SAMM", "SAMM"), ("SAMM_CROP", "SAMM_CROP")])
def test_samm_in_full(tmp_path: Path, header_row: int, tree: str, name: str) -> None:
    disk.write_samm(tmp_path / "SAMM", tree=tree, header_row=header_row)
    assert corpora.find(tmp_path) == {"samm": tmp_path / "SAMM"}
    corpus = corpora.load("samm", tmp_path)
    assert (corpus.tree, corpus.exclusions) == (name, ())
    assert emotions(corpus) == {
        "anger": 57,
        "other": 26,
        "happiness": 26,
        "surprise": 15,
        "contempt": 12,
        "disgust": 9,
        "fear": 8,
        "sadness": 6,
    }
    subjects = {f"{number:03d}" for number in range(6, 38)} - {"008", "027", "029"}
    assert {clip.subject for clip in corpus.clips} == subjects
    clips = {clip.id: clip for clip in corpus.clips}
    notes = {note.clip: note for note in corpus.corrections}
    assert [(key, notes[key].printed, notes[key].used) for key in sorted(notes)] == [
        ("samm/028/028_4_1", "1143", "none"),
        ("samm/032/032_3_1", "1930", "none"),
        ("samm/032/032_3_2", "5001", "none"),
    ]
    assert "4930 or 4945" in notes["samm/032/032_3_1"].source
    assert {key for key, clip in clips.items() if clip.apex is None} == set(notes)
    assert all(clip.numbers == tuple(range(clip.onset, clip.offset + 1)) for clip in corpus.clips)


def test_modules_document_what_a_full_copy_holds(full: Path) -> None:
    checked = check.check(full)["corpora"]
    assert list(checked) == ["casme2", "smic", "samm"]
    assert all(corpus["documented"]["agrees"] and corpus["error"] is None for corpus in checked.values())
    assert checked["casme2"]["documented"]["source"] == "table of 2014"


# ---------------------------------------------------------------- finding


def test_find_from_parent_root_or_tree(full: Path, tmp_path: Path) -> None:
    every = {"casme2": full / "CASME2", "smic": full / "SMIC", "samm": full / "SAMM"}
    assert corpora.find(full) == every
    assert corpora.find(full / "SMIC") == {"smic": full / "SMIC"}
    assert corpora.find(full / "SMIC" / "SMIC_all_raw" / "HS") == {"smic": full / "SMIC" / "SMIC_all_raw" / "HS"}
    assert len(corpora.load("smic", full / "SMIC" / "SMIC_all_raw" / "HS").clips) == 164
    assert len(corpora.load("samm", full / "SAMM").clips) == 159


def test_find_tolerates_case_nesting_stray_files_and_loops(tmp_path: Path) -> None:
    root = tmp_path / "Forschung Gefühle 微表情 (neu)" / "casme2" / "CASME2"
    disk.write_casme2(root, [ROW], tree="CROPPED/Cropped")
    clip = root / "CROPPED" / "Cropped" / "sub01" / "EP02_01f"
    for folder in (tmp_path, root, root / "CROPPED", clip.parent.parent, clip.parent, clip):
        disk.touch(folder, ["Desktop - Shortcut.lnk", "Thumbs.db", ".DS_Store", "~$CASME2-coding-20140508.xlsx"])
        (folder / "loop").symlink_to(tmp_path, target_is_directory=True)
    (root / "self").symlink_to(root / "self")
    disk.touch(clip.parent / "EP99_unannotated", ["img1.jpg"])
    disk.touch(clip, ["._img46.jpg", "note.txt", "cover.jpg", "img40.jpg"])
    roots = corpora.find(tmp_path)
    assert roots == {"casme2": root}
    corpus = corpora.load("casme2", roots["casme2"])
    assert [clip.numbers for clip in corpus.clips] == [tuple(range(46, 53))]
    assert (corpus.exclusions, corpus.corrections) == ((), ())


def test_find_says_what_is_wrong(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match=r"CASME2_RAW_selected.*SMIC_all_raw.*SAMM_CROP"):
        corpora.find(tmp_path / "empty")
    for name in ("absent", "file"):
        with pytest.raises(UserError, match=rf"{name}: not a readable folder \(") as error:
            corpora.find(tmp_path / name)
        assert "\n" not in str(error.value)


def test_what_may_not_be_read_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    disk.write_casme2(tmp_path, [ROW, ["02", *ROW[1:]]])
    listing, locked = trees._listing, {"EP02_01f"}

    def guarded(folder: Path) -> tuple[list[str], list[str]]:
        if folder.name in locked and folder.parent.name != "sub02":
            raise PermissionError(13, "Permission denied")
        return listing(folder)

    monkeypatch.setattr(trees, "_listing", guarded)
    corpus = corpora.load("casme2", tmp_path)
    assert [clip.subject for clip in corpus.clips] == ["sub02"]
    assert reasons(corpus) == {"casme2/sub01/EP02_01f": "sub01/EP02_01f cannot be read (Permission denied)"}
    locked.add(tmp_path.name)
    with pytest.raises(UserError, match=r"not a readable folder \(Permission denied\); name the folder"):
        corpora.find(tmp_path)


def test_links_do_not_hide_a_corpus(tmp_path: Path) -> None:
    disk.write_samm(tmp_path / "SAMM", disk.samm_rows()[:5])
    disk.write_smic(tmp_path / "elsewhere" / "SMIC")
    (tmp_path / "0latest").symlink_to(tmp_path / "SAMM", target_is_directory=True)
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "smic").symlink_to(tmp_path / "elsewhere" / "SMIC", target_is_directory=True)
    assert corpora.find(tmp_path)["samm"] == tmp_path / "SAMM"
    assert corpora.find(tmp_path / "data") == {"smic": tmp_path / "data" / "smic"}


def test_other_corpora_are_not_mistaken(tmp_path: Path) -> None:
    disk.touch(tmp_path / "SMIC" / "HS" / "s01" / "s1_ne_01", ["image034208.jpg"])
    disk.touch(tmp_path / "CASME(2)" / "cropped" / "15" / "anger1_1", ["img557.jpg"])
    with pytest.raises(UserError, match="no known corpus"):
        corpora.find(tmp_path, ("casme2", "smic", "samm"))
    disk.touch(tmp_path / "SMIC-E_raw image" / "HS_long" / "SMIC-HS-E" / "s01" / "s1_ne_01", ["image034208.jpg"])
    disk.write_smic(tmp_path / "SMIC")
    assert len(corpora.load("smic", tmp_path).clips) == 164


def test_images_is_a_preference(tmp_path: Path) -> None:
    disk.write_casme2(tmp_path, [ROW], tree="Cropped")
    assert corpora.load("casme2", tmp_path, images="raw").tree == "Cropped"
    disk.write_casme2(tmp_path, [ROW], tree="CASME2-RAW")
    disk.write_casme2(tmp_path, [ROW], tree="CASME2_RAW_selected")
    assert corpora.load("casme2", tmp_path, images="raw").tree == "CASME2_RAW_selected"
    assert corpora.load("casme2", tmp_path, images="cropped").tree == "Cropped"
    with pytest.raises(UserError, match="'grey' is not a kind of images"):
        corpora.load("casme2", tmp_path, images="grey")
    with pytest.raises(UserError, match="'mmew' is not a known corpus"):
        corpora.load("mmew", tmp_path)


def test_newest_table_wins_and_is_named(tmp_path: Path) -> None:
    disk.write_casme2(tmp_path, year=2014)
    disk.write_casme2(tmp_path, year=2019)
    corpus = corpora.load("casme2", tmp_path)
    assert corpus.table == "CASME2-coding-20190701.xlsx"
    assert emotions(corpus)["surprise"] == 28


def test_order_of_directory_entries_does_not_matter(full: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = [corpora.load(name, full) for name in ("casme2", "smic", "samm")]
    listing = trees._listing

    def shuffled(folder: Path) -> tuple[list[str], list[str]]:
        return tuple(random.Random(7).sample(names, len(names)) for names in listing(folder))

    monkeypatch.setattr(trees, "_listing", shuffled)
    assert [corpora.load(name, full) for name in ("casme2", "smic", "samm")] == before


# ---------------------------------------------------------------- tables


def test_columns_go_by_heading_and_cells_lose_their_quirks(tmp_path: Path) -> None:
    disk.write_casme2(tmp_path, [ROW])
    header = ("Notes", "Estimated  emotion ", None, "offset frame", "Apexframe", "Onset Frame", "FILENAME", "Subject")
    cells = ("x", " Happiness ", "?", 52.0, "50 ", "46", "EP02_01f  ", 1)
    rows = [(*cells, None, 12), (None,) * 10, ("Table coded in 2013",), (None,) * 6 + ("coded by two", None)]
    disk.write_table(
        tmp_path / "CASME2-coding-20140508.xlsx", (*header, None, "Action Units"), rows, title=[("CASME II",), ()]
    )
    (clip,) = corpora.load("casme2", tmp_path).clips
    assert (clip.id, clip.onset, clip.apex, clip.offset) == ("casme2/sub01/EP02_01f", 46, 50, 52)
    assert (clip.emotion, clip.action_units) == ("happiness", "12")


def test_formulas_need_stored_values(tmp_path: Path) -> None:
    other = ["02", *ROW[1:]]
    disk.write_casme2(tmp_path, [ROW, other])
    table = tmp_path / "CASME2-coding-20140508.xlsx"
    disk.write_table(table, disk.CASME2_HEADER, [[*ROW[:3], "=40+6", *ROW[4:]], [*other[:3], "=40+6", *other[4:]]])
    # openpyxl stores no values of formulas: put one into the first row, as a spreadsheet program does
    with zipfile.ZipFile(table) as book:
        parts = {name: book.read(name) for name in book.namelist()}
    sheet = parts["xl/worksheets/sheet1.xml"].decode()
    sheet, count = re.subn(r"(<f>40\+6</f>)<v ?/?>(</v>)?", r"\1<v>46</v>", sheet, count=1)
    assert count == 1
    with zipfile.ZipFile(table, "w") as book:
        for name, content in parts.items():
            book.writestr(name, sheet if name == "xl/worksheets/sheet1.xml" else content)
    corpus = corpora.load("casme2", tmp_path)
    assert [clip.onset for clip in corpus.clips] == [46]
    reason = reasons(corpus)["casme2/sub02/EP02_01f"]
    assert reason.startswith("row 3: OnsetFrame is a formula without a stored value")


def test_unreadable_tables_are_one_line_each(tmp_path: Path) -> None:
    root = disk.write_casme2(tmp_path, [ROW])
    table = root / "CASME2-coding-20140508.xlsx"
    whole = table.read_bytes()

    def complaint() -> str:
        with pytest.raises(UserError) as error:
            corpora.load("casme2", root)
        assert "\n" not in str(error.value)
        return str(error.value)

    table.write_bytes(b"")
    assert complaint() == f"{table}: the table is empty (0 bytes); copy it again"
    for content in (b"no table", whole[: len(whole) // 2]):
        table.write_bytes(content)
        assert f"{table}: not a readable xlsx table" in complaint()
    with zipfile.ZipFile(table, "w") as book:
        book.writestr("readme.txt", "a zip, but no workbook")
    assert f"{table}: not a readable xlsx table" in complaint()
    header = [heading for heading in disk.CASME2_HEADER if heading != "ApexFrame"]
    disk.write_table(table, header, [])
    assert complaint() == f"{table}: no row has the heading 'ApexFrame'"
    openpyxl.Workbook().save(table)
    assert "'Subject' and 'Filename' and 'OnsetFrame'" in complaint()
    table.unlink()
    assert "no annotation table of casme2; looked for CASME2*coding*.xlsx" in complaint()
    table.write_bytes(whole)
    shutil.rmtree(root / "CASME2_RAW_selected")
    assert "no images of casme2; looked for folders of subjects in CASME2_RAW_selected" in complaint()


def test_cells_never_become_paths(tmp_path: Path) -> None:
    disk.touch(tmp_path / "etc", ["img46.jpg", "img47.jpg"])
    root = disk.write_casme2(tmp_path / "CASME2", [ROW])
    names = ["../../../etc", "../../etc/passwd", "/etc/passwd", "..", "sub\\x", "EP02_01f/../EP02_01f", "C:x", "\x7f"]
    rows = [ROW, *(["01", name, *ROW[2:]] for name in names), ["../sub01", *ROW[1:]], ["x", *ROW[1:]]]
    disk.write_table(root / "CASME2-coding-20140508.xlsx", disk.CASME2_HEADER, rows)
    corpus = corpora.load("casme2", root)
    assert [clip.id for clip in corpus.clips] == ["casme2/sub01/EP02_01f"]
    assert len(reasons(corpus)) == len(rows) - 1
    assert reasons(corpus)["casme2/row 4"] == "row 4: '../../etc/passwd' is not a clip name"
    assert reasons(corpus)["casme2/row 11"] == "row 11: '../sub01' is not a subject number"


# ---------------------------------------------------------------- clips


def test_faulty_clips_are_excluded_with_their_reason(tmp_path: Path) -> None:
    names = ["EP01_01", "EP01_02", "EP01_03", "EP01_04", "EP01_05", "EP01_06", "EP01_07", "EP01_08", "EP01_09"]
    rows = [["03", name, *ROW[2:]] for name in names]
    disk.write_casme2(tmp_path, [*rows, ROW])
    there = tmp_path / "CASME2_RAW_selected" / "sub03"
    shutil.rmtree(there / "EP01_01")
    for path in (there / "EP01_02").iterdir():
        path.unlink()
    for path in list((there / "EP01_03").iterdir()):
        path.rename(path.with_name(path.name.replace("img", "img1")))
    for path in list((there / "EP01_04").iterdir())[1:]:
        path.unlink()
    (left,) = (there / "EP01_04").iterdir()
    disk.touch(there / "EP01_06", ["img046.jpg"])
    shutil.rmtree(tmp_path / "CASME2_RAW_selected" / "sub01")
    rows[4][3] = 60
    rows[6][3] = "soon"
    rows[7][8] = None
    rows[8][5] = None
    disk.write_table(tmp_path / "CASME2-coding-20140508.xlsx", disk.CASME2_HEADER, [*rows, ROW])
    corpus = corpora.load("casme2", tmp_path)
    assert corpus.clips == ()
    assert left.name.startswith("img")
    assert reasons(corpus) == {
        "casme2/sub03/EP01_01": "no folder sub03/EP01_01 in CASME2_RAW_selected",
        "casme2/sub03/EP01_02": "no frame between onset 46 and offset 52 in sub03/EP01_02; it has no numbered image",
        "casme2/sub03/EP01_03": "no frame between onset 46 and offset 52 in sub03/EP01_03; it has frames 146 to 152",
        "casme2/sub03/EP01_04": "1 frame between onset 46 and offset 52; a sequence needs at least 2",
        "casme2/sub03/EP01_05": "onset 60 is after offset 52",
        "casme2/sub03/EP01_06": "frame 46 occurs twice: img046.jpg and img46.jpg",
        "casme2/sub03/EP01_07": "row 8: OnsetFrame is 'soon', not a frame number",
        "casme2/sub03/EP01_08": "row 9: Estimated Emotion is empty",
        "casme2/sub03/EP01_09": "row 10: OffsetFrame is empty",
        "casme2/sub01/EP02_01f": "no folder of subject sub01 in CASME2_RAW_selected",
    }


def test_missing_frames_and_second_rows_are_noted(tmp_path: Path) -> None:
    disk.write_casme2(tmp_path, [ROW])
    (tmp_path / "CASME2_RAW_selected" / "sub01" / "EP02_01f" / "img48.jpg").unlink()
    disk.write_table(tmp_path / "CASME2-coding-20140508.xlsx", disk.CASME2_HEADER, [ROW, [*ROW[:8], "disgust"]])
    corpus = corpora.load("casme2", tmp_path)
    assert [(clip.emotion, clip.numbers) for clip in corpus.clips] == [("happiness", (46, 47, 49, 50, 51, 52))]
    notes = [(note.column, note.printed, note.used, note.source) for note in corpus.corrections]
    assert notes == [
        ("frames", "7", "6", "files on disk"),
        ("row", "3", "2", "the clip is annotated twice; its first row is used"),
    ]


def test_apex_outside_the_clip_is_unknown(tmp_path: Path) -> None:
    apexes = [45, 46, 52, 53, "/", None, "?", "=1+1"]
    corpus = casme2(tmp_path, *([f"{k + 1:02d}", *ROW[1:4], apex, *ROW[5:]] for k, apex in enumerate(apexes)))
    assert [clip.apex for clip in corpus.clips] == [None, 46, 52, None, None, None, None]
    assert [note.printed for note in corpus.corrections] == ["45", "53", "/", "", "?"]
    assert "ApexFrame is a formula without a stored value" in reasons(corpus)["casme2/sub08/EP02_01f"]


@pytest.mark.parametrize(
    ("name", "number"),
    [
        ("img46.jpg", 46),
        ("reg_img046.jpg", 46),
        ("006_05562.jpg", 5562),
        ("img2977.jpg.jpg", 2977),
        ("image036237.BMP", 36237),
        ("cover.jpg", None),
        ("._img46.jpg", None),
        ("img٤٦.jpg", None),
    ],
)
def test_frame_number(name: str, number: int | None) -> None:
    assert trees.frame_number(name) == number


def test_images_by_number_whatever_their_spelling(tmp_path: Path) -> None:
    disk.touch(
        tmp_path, ["img9.jpg", "img10.JPG", "img11.jpg.jpg", "img012.PnG", "img13.jpeg", "img14.txt", "img15.db"]
    )
    (tmp_path / "img16.jpg").mkdir()
    assert list(trees.images(tmp_path)) == [9, 10, 11, 12, 13]
    disk.touch(tmp_path, ["x_img0009.bmp"])
    with pytest.raises(ClipError, match=r"frame 9 occurs twice: img9\.jpg and x_img0009\.bmp"):
        trees.images(tmp_path)


def test_smic_trusts_the_name_of_the_clip(tmp_path: Path) -> None:
    names = [(18, "po", "s18_sur_03"), (18, "ne", "s18_ne_01"), (18, "po", "s18_ne_01"), (4, "ne", "s3_ne_07")]
    disk.write_smic(tmp_path, names=[*names, (4, "ne", "s4_xx_01"), (4, "ne", "s04_ne_2"), (4, "ne", "s4_ne_03")])
    negative = tmp_path / "SMIC_all_raw" / "HS" / "s4" / "micro" / "negative"
    for path in sorted((negative / "s4_ne_03").iterdir())[1:]:
        path.unlink()
    (negative / "New folder").mkdir()
    corpus = corpora.load("smic", tmp_path)
    assert [(clip.id, clip.emotion) for clip in corpus.clips] == [
        ("smic/s4/s4_ne_02", "negative"),
        ("smic/s18/s18_sur_03", "surprise"),
    ]
    assert [(note.clip, note.printed, note.used) for note in corpus.corrections] == [
        ("smic/s18/s18_sur_03", "positive", "surprise")
    ]
    assert reasons(corpus) == {
        "smic/s18/s18_ne_01": "the clip is in two folders",
        "smic/s4/s3_ne_07": "a clip of s3 in the folder of s4",
        "smic/s4/s4_xx_01": "its name contains no emotion (ne, po or sur)",
        "smic/s4/s4_ne_03": "1 frame between onset 999996 and offset 999996; a sequence needs at least 2",
    }


# ---------------------------------------------------------------- the check, and what importing costs


def test_check_reports_faults_and_goes_on(tmp_path: Path) -> None:
    import io
    import json

    from rich.console import Console

    root = disk.write_casme2(tmp_path / "CASME2", [ROW, ["02", *ROW[1:8], "[bold]odd"]])
    shutil.rmtree(root / "CASME2_RAW_selected" / "sub01")
    samm = disk.write_samm(tmp_path / "SAMM", disk.samm_rows()[:3])
    (samm / "SAMM_Micro_FACS_Codes_v2.xlsx").write_bytes(b"")
    steps: list[tuple[str, int, int]] = []
    result = check.check(tmp_path, progress=lambda *step: steps.append(step))
    assert json.loads(json.dumps(result)) == result
    checked = result["corpora"]["casme2"]
    assert checked["exclusions"] == [
        {"clip": "casme2/sub01/EP02_01f", "reason": "no folder of subject sub01 in CASME2_RAW_selected"}
    ]
    assert (checked["clips"], checked["subjects"], checked["by_emotion"]) == (1, 1, {"[bold]odd": 1})
    assert not checked["documented"]["agrees"]
    assert "empty (0 bytes)" in result["corpora"]["samm"]["error"]
    assert result["composites"]["megc2019"]["exclusions"] == [
        {"clip": "casme2/sub02/EP02_01f", "reason": "emotion '[bold]odd' of casme2 has no class in megc2019"}
    ]
    assert ("reading corpora", 2, 2) in steps
    assert steps[-1][1] == steps[-1][2]
    printed = io.StringIO()
    check_text.print_check(result, Console(file=printed, width=200))
    for text in ("[bold]odd", "no folder of subject sub01", "empty (0 bytes)", "differs from the published counts"):
        assert text in printed.getvalue()


def test_importing_the_loaders_is_light() -> None:
    code = "import sys; from common.corpora import check, composite; print([m for m in sys.modules if '.' not in m])"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert "'common'" in loaded
    assert not any(f"'{heavy}'" in loaded for heavy in ("tensorflow", "keras", "cv2", "pandas", "openpyxl", "rich"))
