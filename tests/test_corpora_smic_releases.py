"""The releases of SMIC against copies in full: the short one, SMIC-E, and the 25 Hz parts VIS and NIR."""

from __future__ import annotations

import random
import shutil
from collections import Counter
from pathlib import Path

import openpyxl
import pytest
import trees_on_disk as disk
import trees_on_disk_more as more

from common import corpora
from common.corpora import trees
from common.errors import UserError
from common.types import Clip, Corpus, Correction

ROWS = {str(row[1]): row for row in more.smic_e_rows()}
ROW = [1, "s1_ne_01", None, 34208, 34214, None, None, 34205, 34217, "=E1-D1+1", "=I1-H1+1", "negative"]
OTHER = [2, "s2_po_03", None, 500, 506, None, None, 497, 509, "=E1-D1+1", "=I1-H1+1", "positive"]


@pytest.fixture(scope="module")
def long(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """SMIC-E alone, in full."""
    return more.write_smic_e(tmp_path_factory.mktemp("long") / "SMIC-E")


@pytest.fixture(scope="module")
def every(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The short release with all its parts in full, and some of SMIC-E beside it."""
    data = tmp_path_factory.mktemp("every")
    disk.write_smic(data / "SMIC")
    for part in ("VIS", "NIR"):
        shutil.rmtree(data / "SMIC" / "SMIC_all_raw" / part)
        more.write_smic_slow(data / "SMIC", part)
    more.write_smic_e(data / "SMIC-E", rows=more.smic_e_rows()[:20])
    return data


def reasons(corpus: Corpus) -> dict[str, str]:
    by_clip = {exclusion.clip: exclusion.reason for exclusion in corpus.exclusions}
    assert len(by_clip) == len(corpus.exclusions)
    assert all(reason and "\n" not in reason for reason in by_clip.values())
    return by_clip


def notes(corpus: Corpus, name: str) -> list[Correction]:
    return [note for note in corpus.corrections if note.clip.endswith(f"/{name}")]


def by_name(corpus: Corpus) -> dict[str, Clip]:
    return {clip.name: clip for clip in corpus.clips}


# ---------------------------------------------------------------- SMIC-E in full


@pytest.mark.parametrize("name", ["smic", "smic_e"])
def test_long_release_in_full(long: Path, name: str) -> None:
    assert corpora.find(long, (name,)) == {name: long}
    corpus = corpora.load(name, long)
    assert (corpus.name, corpus.table, reasons(corpus)) == (name, more.SMIC_E_TABLE, {})
    assert Counter(clip.emotion for clip in corpus.clips) == {"negative": 66, "positive": 50, "surprise": 41}
    assert {clip.subject for clip in corpus.clips} == {f"s{number}" for number in disk.SMIC_SUBJECTS}
    assert [clip.id for clip in corpus.clips] == sorted((clip.id for clip in corpus.clips), key=trees.natural)
    clips = by_name(corpus)
    assert set(clips) == set(ROWS)
    for clip in corpus.clips:
        row = ROWS[clip.name]
        onset, offset = int(str(row[4])) - 6, int(str(row[4]))
        person = clip.name.split("_")[0]
        assert clip.id == f"{name}/{person}/{clip.name}"
        assert (clip.onset, clip.apex, clip.offset, clip.fps) == (onset, None, offset, 100)
        assert clip.numbers == tuple(range(onset, offset + 1))
        place = long / more.SMIC_E_TREE / f"s{int(person[1:]):02d}" / clip.name
        assert list(clip.frames) == [place / f"image{number:06d}.jpg" for number in clip.numbers]
        assert clip.emotion == more.SMIC_WORDS[clip.name.split("_")[1]]


def test_long_release_tells_what_it_read_otherwise(long: Path) -> None:
    corpus = corpora.load("smic", long)
    (missing,) = notes(corpus, more.SMIC_E_MISSING)
    assert (missing.printed, missing.used) == ("MISSING <-426679", "426679")
    (against,) = notes(corpus, more.SMIC_E_AGAINST)
    assert (against.printed.lower(), against.used) == ("positive", "surprise")
    for name in more.SMIC_E_TWICE:
        assert any("first" in note.source and str(ROWS[name][5]) in note.printed for note in notes(corpus, name))
    odd = {more.SMIC_E_MISSING, more.SMIC_E_AGAINST, *more.SMIC_E_TWICE}
    assert {note.clip.split("/")[2] for note in corpus.corrections} == odd


def test_order_of_directory_entries_does_not_matter(long: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before, listing = corpora.load("smic", long), trees._listing

    def shuffled(folder: Path) -> tuple[list[str], list[str]]:
        folders, files = listing(folder)
        return random.Random(3).sample(folders, len(folders)), random.Random(4).sample(files, len(files))

    monkeypatch.setattr(trees, "_listing", shuffled)
    assert corpora.load("smic", long) == before


# ---------------------------------------------------------------- which release is read


def test_short_release_comes_first(every: Path) -> None:
    root = corpora.find(every)["smic"]
    corpus = corpora.load("smic", root)
    assert (len(corpus.clips), corpus.table, corpus.tree.split("/")[0]) == (164, "", "SMIC_all_raw")
    cropped = corpora.load("smic", root, "cropped")
    assert len(cropped.clips) == 164, "a preference for crops is no reason to read another release"
    asked = corpora.load("smic_e", corpora.find(every, ("smic_e",))["smic_e"])
    assert (asked.name, len(asked.clips)) == ("smic_e", 20)
    assert len(corpora.load("smic_e", every, "cropped").clips) == 20


def test_unread_parts_are_not_passed_over_in_silence(every: Path) -> None:
    mentioned = " ".join(corpora.load("smic", corpora.find(every)["smic"]).notes)
    for name in ("smic_vis", "smic_nir", "smic_e"):
        assert name in mentioned


def test_cropped_short_release_comes_before_long(tmp_path: Path) -> None:
    disk.write_smic(tmp_path / "SMIC", "SMIC_all_cropped", list(disk.smic_names())[:9])
    more.write_smic_e(tmp_path / "SMIC-E", rows=[ROW])
    corpus = corpora.load("smic", corpora.find(tmp_path)["smic"], "raw")
    assert (len(corpus.clips), corpus.tree.split("/")[0]) == (9, "SMIC_all_cropped")


def test_slow_parts_are_read_on_request_alone(every: Path) -> None:
    assert corpora.NAMES == ("casme2", "smic", "samm", "casme_sq", "megc2019_flow")
    asked = ("smic_e", "smic_vis", "smic_nir")
    assert set(asked) < set(corpora.ON_REQUEST)
    assert set(corpora.find(every)) == {"smic"}
    assert set(corpora.find(every, asked)) == set(asked)
    for part in ("VIS", "NIR"):
        name = f"smic_{part.lower()}"
        (root,) = corpora.find(every, (name,)).values()
        corpus = corpora.load(name, root)
        assert (corpus.name, len(corpus.clips), reasons(corpus), corpus.corrections) == (name, 71, {}, ())
        assert Counter(clip.emotion for clip in corpus.clips) == {"negative": 23, "positive": 28, "surprise": 20}
        assert {clip.subject for clip in corpus.clips} == {f"s{number}" for number in more.SLOW_SUBJECTS}
        for clip in corpus.clips:
            assert (clip.corpus, clip.fps, clip.apex) == (name, 25, None)
            assert clip.numbers == tuple(range(clip.onset, clip.onset + 5))
            assert all(
                part in path.parts and path.name == f"{n:05d}.bmp"
                for path, n in zip(clip.frames, clip.numbers, strict=True)
            )
    with pytest.raises(UserError, match="no known corpus"):
        corpora.find(every / "SMIC" / "SMIC_all_raw" / "VIS")


@pytest.mark.parametrize("part", ["VIS", "NIR"])
def test_slow_parts_in_crops(tmp_path: Path, part: str) -> None:
    more.write_smic_slow(tmp_path / "SMIC", part, "SMIC_all_cropped")
    name = f"smic_{part.lower()}"
    corpus = corpora.load(name, corpora.find(tmp_path, (name,))[name], "cropped")
    assert len(corpus.clips) == 71
    assert {path.name[:4] for clip in corpus.clips for path in clip.frames} == {"reg_"}


def test_a_part_that_is_not_there_is_one_line(long: Path, tmp_path: Path) -> None:
    for name, root in (("smic_vis", long), ("smic_nir", long), ("smic_e", tmp_path), ("smic", tmp_path)):
        with pytest.raises(UserError) as error:
            corpora.load(name, root)
        assert "\n" not in str(error.value)
        with pytest.raises(UserError):
            corpora.find(root, (name,))


# ---------------------------------------------------------------- spellings


@pytest.mark.parametrize(
    "tree",
    [
        "SMIC-E_raw image/HS_long/SMIC-HS-E",
        "SMIC-E_raw_image/HS_long/SMIC_HS_E",
        "SMIC-E_raw_image/HS_long/SMIC-HS-E/SMIC-HS-E",
        "HS_long/SMIC_HS_E",
    ],
)
@pytest.mark.parametrize("table", ["SMIC-HS-E_annotation.xlsx", "SMIC_HS_E_annotation.xlsx"])
def test_spellings_of_the_long_release(tmp_path: Path, tree: str, table: str) -> None:
    more.write_smic_e(tmp_path / "SMIC", tree, table, [ROW, OTHER])
    corpus = corpora.load("smic", corpora.find(tmp_path)["smic"])
    assert [clip.id for clip in corpus.clips] == ["smic/s1/s1_ne_01", "smic/s2/s2_po_03"]
    assert corpus.table == table


@pytest.mark.parametrize("where", [".", "SMIC-E_raw image", "SMIC-E_raw image/HS_long", more.SMIC_E_TREE])
def test_table_may_lie_anywhere_near(tmp_path: Path, where: str) -> None:
    root = more.write_smic_e(tmp_path / "SMIC", rows=[ROW])
    (root / more.SMIC_E_TABLE).rename(root / where / more.SMIC_E_TABLE)
    assert len(corpora.load("smic", corpora.find(tmp_path)["smic"]).clips) == 1


def test_clip_names_in_any_padding_give_one_id(tmp_path: Path) -> None:
    rows = [["s01", "s01_ne_01 ", *ROW[2:]], ["02", "S2_PO_3", *OTHER[2:]]]
    root = more.write_smic_e(tmp_path, rows=[ROW, OTHER])
    _table(root, rows)
    corpus = corpora.load("smic", tmp_path)
    assert [clip.id for clip in corpus.clips] == ["smic/s1/s1_ne_01", "smic/s2/s2_po_03"]


# ---------------------------------------------------------------- the table


def _table(root: Path, rows: list[list[object]], header: disk.Cells = more.SMIC_E_HEADER, sheet: str = "HS") -> None:
    book = openpyxl.Workbook()
    book.active.title = sheet
    for row in [header, *rows]:
        book.active.append(list(row))
    book.save(root / more.SMIC_E_TABLE)


def test_formulas_count_by_their_stored_values(tmp_path: Path) -> None:
    formula = ["=1+0", '="s1_ne_01"', None, "=34200+8", "=D2+6", *ROW[5:11], '="neg"&"ative"']
    unstored = [2, "s2_po_03", None, "=499+1", *OTHER[4:]]
    root = more.write_smic_e(tmp_path, rows=[ROW, OTHER])
    _table(root, [formula, unstored])
    more.store_values(root / more.SMIC_E_TABLE, {"A2": 1, "D2": 34208, "E2": 34214})
    corpus = corpora.load("smic", tmp_path)
    # names and emotion of the first row have no stored value; the second has no onset
    assert corpus.clips == ()
    assert len(corpus.exclusions) == 2
    _table(root, [[1, "s1_ne_01", *formula[2:11], "negative"], unstored])
    more.store_values(root / more.SMIC_E_TABLE, {"D2": 34208, "E2": 34214})
    corpus = corpora.load("smic", tmp_path)
    assert [(clip.name, clip.onset, clip.offset) for clip in corpus.clips] == [("s1_ne_01", 34208, 34214)]
    assert "OnsetF is a formula without a stored value" in reasons(corpus)["smic/s2/s2_po_03"]


def test_only_the_sheet_of_hs_counts(tmp_path: Path) -> None:
    root = more.write_smic_e(tmp_path, rows=[ROW])
    book = openpyxl.load_workbook(root / more.SMIC_E_TABLE)
    for name in ("Info", "VIS", "NIR"):
        if name in book.sheetnames:
            del book[name]
        sheet = book.create_sheet(name, 0)
        if name != "Info":
            sheet.append(list(more.SMIC_E_HEADER))
            sheet.append([11, "s11_ne_01", None, 6524, 6530, *[None] * 6, "negative"])
    book.save(root / more.SMIC_E_TABLE)
    corpus = corpora.load("smic", tmp_path)
    assert [clip.id for clip in corpus.clips] == ["smic/s1/s1_ne_01"]
    assert corpus.exclusions == ()


def test_third_onsets_are_told_too(tmp_path: Path) -> None:
    root = more.write_smic_e(tmp_path, rows=[ROW, OTHER])
    header = [*more.SMIC_E_HEADER[:7], "Onset3F", "Offset3F", *more.SMIC_E_HEADER[7:]]
    spans = [34215, 34216, 34217, 34218]
    _table(root, [[*ROW[:5], *spans, *ROW[7:]], [*OTHER[:5], None, " ", None, None, *OTHER[7:]]], header)
    corpus = corpora.load("smic", tmp_path)
    assert [clip.numbers for clip in corpus.clips] == [tuple(range(34208, 34215)), tuple(range(500, 507))]
    told = " ".join(note.printed for note in notes(corpus, "s1_ne_01"))
    assert "34215" in told
    assert "34217" in told
    assert notes(corpus, "s2_po_03") == []


def test_a_missing_onset_counts_only_where_its_frame_lies(tmp_path: Path) -> None:
    gone, vague = [*ROW[:3], "MISSING <-99", *ROW[4:]], [*OTHER[:3], "MISSING", *OTHER[4:]]
    root = more.write_smic_e(tmp_path, rows=[ROW, OTHER])
    _table(root, [gone, vague])
    corpus = corpora.load("smic", tmp_path)
    assert set(reasons(corpus)) == {"smic/s1/s1_ne_01", "smic/s2/s2_po_03"}


@pytest.mark.parametrize(
    ("cell", "value"),
    [
        (0, None), (0, "x"), (1, None), (1, "s1_xx_01"), (1, "s2_ne_01"), (1, "../../etc/passwd"), (1, "/etc/passwd"),
        (0, "../../etc"), (3, None), (3, "soon"), (3, 40000), (4, None), (4, "../../etc/passwd"), (4, 10**11),
    ],
)  # fmt: skip
def test_a_row_that_cannot_be_read_is_excluded_alone(tmp_path: Path, cell: int, value: object) -> None:
    root = more.write_smic_e(tmp_path / "SMIC", rows=[ROW, OTHER])
    disk.touch(tmp_path / "etc" / "passwd", ["image034208.jpg", "image034209.jpg"])
    broken = list(ROW)
    broken[cell] = value
    _table(root, [broken, OTHER])
    corpus = corpora.load("smic", root)
    assert [clip.name for clip in corpus.clips] == ["s2_po_03"]
    assert len(reasons(corpus)) == 1


def test_emotion_comes_from_the_name_whatever_its_cell(tmp_path: Path) -> None:
    root = more.write_smic_e(tmp_path, rows=[ROW, OTHER])
    for cell in ("positive", "nonsense", None, 3):
        _table(root, [[*ROW[:11], cell], [*OTHER[:11], " Positive "]])
        corpus = corpora.load("smic", tmp_path)
        assert [clip.emotion for clip in corpus.clips] == ["negative", "positive"]
        assert notes(corpus, "s2_po_03") == []
        if cell is not None:
            (note,) = notes(corpus, "s1_ne_01")
            assert (note.printed, note.used) == (str(cell), "negative")


def test_text_below_the_rows_is_no_row(tmp_path: Path) -> None:
    root = more.write_smic_e(tmp_path, rows=[ROW])
    text: list[list[object]] = [[], ["100 fps"], [None, "see the paper"], [None] * 11 + ["sum"], [None] * 9 + [157]]
    _table(root, [ROW, *text])
    corpus = corpora.load("smic", tmp_path)
    assert (len(corpus.clips), corpus.exclusions) == (1, ())


# ---------------------------------------------------------------- files


def test_clips_that_are_not_there_are_told(tmp_path: Path) -> None:
    third = [3, "s3_sur_01", None, 700, 706, *ROW[5:11], "surprise"]
    root = more.write_smic_e(tmp_path, rows=[ROW, OTHER, third])
    shutil.rmtree(root / more.SMIC_E_TREE / "s01" / "s1_ne_01")
    shutil.rmtree(root / more.SMIC_E_TREE / "s02")
    (root / more.SMIC_E_TREE / "s03" / "s3_sur_01" / "image000703.jpg").unlink()
    disk.touch(root / more.SMIC_E_TREE / "s03" / "s3_sur_09", ["image000001.jpg"])
    corpus = corpora.load("smic", tmp_path)
    assert [clip.numbers for clip in corpus.clips] == [(700, 701, 702, 704, 705, 706)]
    assert set(reasons(corpus)) == {"smic/s1/s1_ne_01", "smic/s2/s2_po_03"}
    assert [(note.column, note.printed, note.used) for note in corpus.corrections] == [("frames", "7", "6")]


def test_a_clip_in_two_rows_is_read_once(tmp_path: Path) -> None:
    root = more.write_smic_e(tmp_path, rows=[ROW])
    _table(root, [ROW, ["s01", "s01_ne_1", *ROW[2:]]])
    corpus = corpora.load("smic", tmp_path)
    assert [clip.id for clip in corpus.clips] == ["smic/s1/s1_ne_01"]
    assert any("twice" in note.source for note in corpus.corrections)


def test_known_oddities_of_the_other_tables(tmp_path: Path) -> None:
    disk.write_casme2(tmp_path / "CASME2", [row for row in disk.casme2_rows() if (row[0], row[1]) in disk.CASME2_ODD])
    disk.write_samm(tmp_path / "SAMM", [row for row in disk.samm_rows() if (row[0], row[1]) in disk.SAMM_ODD])
    casme2, samm = (corpora.load(name, tmp_path) for name in ("casme2", "samm"))
    clips = {clip.id: clip for corpus in (casme2, samm) for clip in corpus.clips}
    odd = {note.clip: note for corpus in (casme2, samm) for note in corpus.corrections}
    for key, printed in (("casme2/sub05/EP09_05f", "69"), ("samm/032/032_3_2", "5001")):
        assert clips[key].apex is None
        assert odd[key].printed == printed
        assert odd[key].used != printed
    for key in ("sub05/EP16_04f", "sub12/EP09_06", "sub20/EP16_01", "sub25/EP18_04f"):
        clip = clips[f"casme2/{key}"]
        assert clip.apex == clip.offset
        assert odd[clip.id].used == odd[clip.id].printed == str(clip.offset)
