"""The stand-in corpora: layouts and tables as documented, motion that shows the class and nothing else that does."""

from __future__ import annotations

import dataclasses
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import openpyxl
import pytest
from PIL import Image

from common import corpora, standin
from common.corpora.marker import MARKER
from common.errors import UserError
from common.standin import casting, films, layouts, motion, portraits, proof, recordings, rendering, sheets
from common.types import Corpus
from common.vision import images
from common.vision.faces import FaceFinder

ROOT = Path(__file__).parents[1]
THREE = ("casme2", "smic", "samm")
# Published counts, written down a second time: emotions, then clips and subjects of the MEGC 2019 composite.
CASME2 = {"others": 99, "disgust": 63, "happiness": 32, "repression": 27, "surprise": 25, "sadness": 7, "fear": 2}
SMIC = {"negative": 70, "positive": 51, "surprise": 43}
SAMM = {"anger": 57, "happiness": 26, "surprise": 15, "contempt": 12, "disgust": 9, "fear": 8, "sadness": 6}
WHOLE = {
    "casme2": (CASME2, {"disgust", "repression", "happiness", "surprise"}, 145, 24),
    "smic": (SMIC, set(SMIC), 164, 16),
    "samm": ({**SAMM, "others": 26}, set(SAMM), 133, 28),
    "smic_vis": ({"negative": 23, "positive": 28, "surprise": 20}, set(SMIC), 71, 8),
    "smic_nir": ({"negative": 23, "positive": 28, "surprise": 20}, set(SMIC), 71, 8),
}
NO_APEX = {("04", "EP12_01f"), ("05", "EP09_05f")}


# ---------------------------------------------------------------- layouts and tables


def test_loaders_read_all_of_it(standin_data: Path) -> None:
    roots = corpora.find(standin_data, THREE)
    assert set(roots) == set(THREE)
    for name, root in roots.items():
        corpus = corpora.load(name, root)
        assert corpus.exclusions == ()
        assert corpus.corrections == ()
        assert len({clip.subject for clip in corpus.clips}) == 2
        assert all(clip.numbers == tuple(range(clip.onset, clip.offset + 1)) for clip in corpus.clips)


def test_every_subject_has_two_classes_and_every_corpus_three(standin_data: Path) -> None:
    kinds: dict[str, set[int]] = {}
    for clip, kind in proof.usable(standin_data):
        kinds.setdefault(clip.subject_id, set()).add(kind)
        kinds.setdefault(clip.corpus, set()).add(kind)
    assert all(len(classes) == 3 if "/" not in key else len(classes) >= 2 for key, classes in kinds.items())
    assert Counter(clip.subject_id for clip, _ in proof.usable(standin_data)) == dict.fromkeys(
        (key for key in kinds if "/" in key), 3
    )


def test_casme2_table_and_folders(standin_data: Path) -> None:
    book = openpyxl.load_workbook(standin_data / "CASME2" / "CASME2-coding-20140508.xlsx")
    assert book.sheetnames == ["Sheet1", "Sheet2", "Sheet3"]
    header, *rows = book["Sheet1"].iter_rows(values_only=True)
    assert header[:6] == ("Subject", "Filename", None, "OnsetFrame", "ApexFrame", "OffsetFrame")
    assert header[6:] == (None, "Action Units", "Estimated Emotion")
    assert {row[0] for row in rows} == {"01", "02"}
    assert any(row[8] != row[8].strip() for row in rows)
    assert {row[8].strip() for row in rows} >= {"others", "sadness"}
    tree = standin_data / "CASME2" / "CASME2_RAW_selected" / "CASME2_RAW_selected"
    for subject, name, _, onset, apex, offset, *_ in rows:
        files = {path.name for path in (tree / f"sub{subject}" / name).iterdir()}
        assert files == {f"img{number}.jpg" for number in range(onset, offset + 1)}
        assert onset < apex < offset


def test_samm_table_and_folders(standin_data: Path) -> None:
    sheet = openpyxl.load_workbook(standin_data / "SAMM" / "SAMM_Micro_FACS_Codes_v2.xlsx")["MICRO_ONLY"]
    rows = list(sheet.iter_rows(values_only=True))
    stored = openpyxl.load_workbook(standin_data / "SAMM" / "SAMM_Micro_FACS_Codes_v2.xlsx", data_only=True)
    values = {row[:2]: row[6] for row in stored["MICRO_ONLY"].iter_rows(values_only=True)}
    assert rows[13][:7] == (
        *("Subject", "Filename", "Inducement Code", "Onset Frame", "Apex Frame", "Offset Frame", "Duration"),
    )
    assert rows[13][7:] == ("Micro", "Action Units", "Estimated Emotion", "Objective Classes", "Notes")
    assert not any(cell == "Subject" for row in rows[:13] for cell in row)
    for subject, name, _, onset, apex, offset, duration, *_ in rows[14:]:
        assert isinstance(subject, str)
        assert duration.startswith("=")
        assert values[subject, name] == offset - onset + 1
        assert onset < apex < offset
        files = sorted((standin_data / "SAMM" / "SAMM" / subject / name).iterdir())
        digits = {len(path.stem.split("_")[1]) for path in files}
        assert len(files) == offset - onset + 1
        assert len(digits) == 1
        assert digits <= {4, 5}


def test_pictures_have_the_documented_size_and_colour(standin_data: Path) -> None:
    expected = {"casme2": ((640, 480), "RGB"), "smic": ((190, 230), "RGB"), "samm": ((960, 650), "L")}
    for name, root in corpora.find(standin_data, THREE).items():
        with Image.open(corpora.load(name, root).clips[0].frames[0]) as image:
            assert (image.size, image.mode) == expected[name]


def test_smic_has_a_branch_and_a_stray_file_to_skip(standin_data: Path) -> None:
    person = standin_data / "SMIC" / "SMIC_all_cropped" / "HS" / "s1"
    assert len(list((person / "non_micro").rglob("*.bmp"))) == 3
    assert (person / "micro" / "Thumbs.db").is_file()
    names = {path.name for path in (person / "micro").glob("*/*") if path.is_dir()}
    assert names == {"s1_ne_01", "s1_po_01", "s1_sur_01"}


def test_tables_of_other_years(tmp_path: Path) -> None:
    for corpus, name in (("casme2", "2019"), ("samm", "row 2")):
        sheets.write_tables(tmp_path, films.films(corpus, None, None, 0), layouts.editions(corpus), name)
    sheet = openpyxl.load_workbook(tmp_path / "CASME2" / "CASME2-coding-20190701.xlsx")["Sheet1"]
    header, *rows = sheet.iter_rows(values_only=True)
    assert header[-2:] == ("Estimated Emotion", "Objective Classes")
    assert Counter(row[8].strip() for row in rows) == {**CASME2, "surprise": 28, "sadness": 4}
    recoded = {row[1] for row in rows if row[0] == "24" and row[8].strip() == "surprise"}
    assert recoded >= {"EP07_01", "EP07_04f", "EP10_03"}
    samm = openpyxl.load_workbook(tmp_path / "SAMM" / "SAMM_Micro_FACS_Codes_v2.xlsx")["MICRO_ONLY"]
    assert [samm.cell(row, 1).value == "Subject" for row in (1, 2, 3)] == [False, True, False]


@pytest.fixture(scope="module")
def finder() -> FaceFinder:
    return FaceFinder()


# ---------------------------------------------------------------- CAS(ME)^2


@pytest.fixture(scope="module")
def square(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All editions of CAS(ME)^2: one subject, four clips, two of them in one recording."""
    root = tmp_path_factory.mktemp("square")
    every = [edition.tree for edition in layouts.EDITIONS["casme_sq"]]
    standin.write(root, corpora=("casme_sq",), subjects=1, clips=4, editions={"casme_sq": every})
    return root / "CAS(ME)^2"


def _codes(square: Path) -> list[tuple]:
    book = openpyxl.load_workbook(square / "CAS(ME)^2code_final.xlsx")
    return list(book.worksheets[0].iter_rows(values_only=True))


def test_casme_sq_table_has_no_headers(square: Path) -> None:
    book = openpyxl.load_workbook(square / "CAS(ME)^2code_final.xlsx")
    codes, subjects, stimuli = (list(sheet.iter_rows(values_only=True)) for sheet in book.worksheets)
    assert all(len(row) == 9 and row[0] == 1 and row[2] < row[3] < row[4] for row in codes)
    assert {row[7] for row in codes} == {"macro-expression", "micro-expression"}
    assert {row[8] for row in codes} == {"happiness", "anger", "disgust"}
    numbers = [15, 16, *range(19, 28), *range(29, 39), 40]
    assert subjects == [(number, f"s{number}", at) for at, number in enumerate(numbers, 1)]
    assert {(f"{int(code):04d}", name) for code, name in stimuli} == {
        *(("0101", "disgust1"), ("0102", "disgust2"), ("0401", "anger1"), ("0402", "anger2"), ("0502", "happy1")),
        *(("0503", "happy2"), ("0505", "happy3"), ("0507", "happy4"), ("0508", "happy5")),
    }
    assert {type(code) for code, _ in stimuli} == {int, str}


def test_casme_sq_folders_and_their_oddities(square: Path) -> None:
    doubled, uncropped = [], []
    for participant, name, onset, _, offset, *_ in _codes(square):
        person = recordings.PARTICIPANTS[participant - 1]
        files = {path.name for path in (square / "selectedpic" / "selectedpic" / f"s{person}" / name).iterdir()}
        doubled += [file for file in files if file.count(".") == 2]
        assert {file.replace(".jpg.jpg", ".jpg") for file in files} == {
            f"img{number}.jpg" for number in range(onset, offset + 1)
        }
        crops = square / "cropped" / person / name
        if crops.exists():
            assert {path.name for path in crops.iterdir()} == {
                f"img{number}.jpg" for number in range(onset, offset + 1)
            }
        else:
            uncropped.append(name)
        video, frames = _recording(square, person, recordings.CODES[name.split("_")[0]])
        count = len(list(frames.iterdir()))
        assert 170 <= count <= 200
        assert offset < count
        assert {path.name for path in frames.iterdir()} == {f"img{number:03d}.jpg" for number in range(1, count + 1)}
        assert frames.name == video.stem
    assert len(doubled) == len(uncropped) == 1


def test_a_recording_of_casme_sq_lies_with_another_subject(tmp_path: Path) -> None:
    cast, (edition,) = films.films("casme_sq", 2, 3, 0), layouts.editions("casme_sq", ["rawvideo"])
    for film in cast:
        path = edition.path(tmp_path, film, film.roles[0], 1)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    layouts.write_strays(tmp_path, cast, [edition])
    assert [path.name[:3] for path in tmp_path.rglob("s16/*.avi") if not path.name.startswith("16_")] == ["15_"]


def _recording(square: Path, person: str, code: str) -> tuple[Path, Path]:
    """A recording as a video and as a folder of frames."""
    (video,) = (square / "rawvideo" / f"s{person}").glob(f"{person}_{code}*.avi")
    (frames,) = (square / "rawpic" / "rawpic" / f"s{person}").glob(f"{person}_{code}*")
    return video, frames


def test_all_editions_show_the_same_frames(square: Path) -> None:
    video, frames = _recording(square, "15", "0101")
    film = cv2.VideoCapture(str(video))
    assert film.get(cv2.CAP_PROP_FPS) == 30
    for picture in sorted(frames.iterdir()):
        read, frame = film.read()
        assert read
        if picture.stem.endswith("0"):
            assert frame.shape == (480, 640, 3)
            assert np.abs(frame.astype(int) - cv2.imread(str(picture))).mean() < 2
    assert not film.read()[0]
    for clip in (square / "selectedpic" / "selectedpic" / "s15").glob("disgust1_*"):
        for picture in clip.iterdir():
            number = int(picture.name.split(".")[0][3:])
            assert picture.read_bytes() == (frames / f"img{number:03d}.jpg").read_bytes()


def test_a_face_is_neutral_between_its_expressions(square: Path) -> None:
    rows = [row for row in _codes(square) if row[1].endswith("_2")]
    assert rows
    for participant, name, *_ in rows:
        person, stimulus = recordings.PARTICIPANTS[participant - 1], name.split("_")[0]
        spans = [row[2:5] for row in _codes(square) if row[1].startswith(stimulus) and row[7].startswith("macro")]
        _, frames = _recording(square, person, recordings.CODES[stimulus])
        for onset, apex, offset in spans:
            shown = proof.moved(np.stack([_face(frames, number) for number in (1, onset, apex, offset + 6)]))
            assert shown[1] > 2 * max(shown[0], shown[2])


def _face(frames: Path, number: int) -> np.ndarray:
    """The middle of a frame, grey, as large as the proof's aligned faces."""
    picture = cv2.imread(str(frames / f"img{number:03d}.jpg"), cv2.IMREAD_GRAYSCALE)
    return cv2.resize(picture[80:400, 176:464], proof.SIZE, interpolation=cv2.INTER_AREA)


def test_readers_find_casme_sq(square: Path, finder: FaceFinder) -> None:
    corpus = corpora.load("casme_sq", square)
    assert corpus.exclusions == ()
    assert Counter((clip.subject, clip.expression) for clip in corpus.clips) == {
        ("s15", "macro"): 3,
        ("s15", "micro"): 1,
    }
    assert {clip.emotion for clip in corpus.clips} == {"happy", "anger", "disgust"}
    cropped = corpora.load("casme_sq", square, "cropped")
    assert len(cropped.clips) == 3
    n_found, total = proof.faces_found([*corpus.clips, *cropped.clips], finder, per_clip=2)
    assert n_found >= 0.99 * total
    assert np.median([proof.apex_error(clip, finder) for clip in cropped.clips]) <= 3


def test_a_whole_casme_sq_is_read_with_its_counts_and_errors(tmp_path: Path) -> None:
    cast, editions = films.films("casme_sq", None, None, 0), layouts.editions("casme_sq", ["selectedpic"])
    for film in cast:
        for role, numbers in editions[0].shows(film):
            for number in (numbers[0], numbers[-1]):
                path = editions[0].path(tmp_path, film, role, number)
                path.parent.mkdir(parents=True, exist_ok=True)
                path.touch()
    sheets.write_tables(tmp_path, cast, editions)
    corpus: Corpus = corpora.load("casme_sq", tmp_path)
    assert corpus.exclusions == ()
    assert Counter(clip.emotion for clip in corpus.clips) == {"happy": 167, "anger": 102, "disgust": 88}
    micro = [clip for clip in corpus.clips if clip.expression == "micro"]
    assert (len(corpus.clips), len(micro), len({clip.subject for clip in micro})) == (357, 57, 14)
    assert len({clip.subject for clip in corpus.clips}) == 22
    assert Counter(clip.valence for clip in micro) == {"negative": 21, "others": 19, "surprise": 9, "positive": 8}
    assert {clip.id for clip in micro}.isdisjoint(note.clip for note in corpus.corrections if note.column != "frames")
    printed = Counter(row[4] for row in _codes(tmp_path / "CAS(ME)^2"))
    assert printed[0] == 44
    rows = _codes(tmp_path / "CAS(ME)^2")
    assert sum(row[3] == 0 for row in rows) == 1
    assert sum(row[3] > 0 < row[4] and not row[2] <= row[3] <= row[4] for row in rows) == 3
    assert Counter(row[8] for row in rows) == {"happiness": 166, "happyiness": 1, "anger": 102, "disgust": 88}
    assert sum(row[5] == "NULL" for row in rows) == 1


@pytest.mark.parametrize(("subjects", "clips"), [(1, 3), (3, 5), (22, 4), (2, 27)])
def test_casme_sq_of_a_bounded_size(subjects: int, clips: int) -> None:
    cast = recordings.cast(subjects, clips, 0)
    by_subject = {role.subject: [candidate for candidate in cast if candidate.subject == role.subject] for role in cast}
    assert len(by_subject) == subjects
    for roles in by_subject.values():
        assert len(roles) == len({role.name for role in roles}) == clips
        assert {role.emotion for role in roles} == {"happiness", "anger", "disgust"}
        assert any(role.expression == "micro" for role in roles)


def test_expressions_of_casme_sq_fit_their_recordings() -> None:
    whole = films.films("casme_sq", None, None, 0)
    assert all(170 <= film.last <= 200 and film.first == 1 for film in whole)
    seen = [any(72 <= role.apex <= 167 for role in film.roles) for film in whole]
    assert np.mean(seen) > 0.9
    for film in whole:
        for role, following in zip(film.roles, film.roles[1:], strict=False):
            assert following.onset - role.offset > motion.EBB * 30
        for role in film.roles:
            frames = role.offset - role.onset + 1
            assert frames <= 15 if role.expression == "micro" else 15 <= frames <= 120
            assert 1 < role.onset < role.apex < role.offset < film.last
        assert [role.name.split("_")[1] for role in film.roles] == ["1", "2", "3"][: len(film.roles)]


def test_a_video_that_cannot_be_written_is_an_error(studio: rendering.Studio, tmp_path: Path) -> None:
    (film, *_), (edition,) = films.films("casme_sq", 1, 1, 0), layouts.editions("casme_sq", ["rawvideo"])
    sitter = rendering.sitter(studio, "casme_sq", film.subject, edition.scene)
    short = dataclasses.replace(film, last=film.first + 1)
    rendering.film(studio, sitter, short, [edition], tmp_path)
    video = edition.path(tmp_path, film, film.roles[0], 1)
    assert video.stat().st_size > 0
    video.unlink()
    video.mkdir()
    with pytest.raises(OSError, match=video.name):
        rendering.film(studio, sitter, short, [edition], tmp_path)


# ---------------------------------------------------------------- SMIC's other editions and parts


@pytest.fixture(scope="module")
def smic(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """HS raw and long, VIS and NIR: one subject, two clips."""
    root = tmp_path_factory.mktemp("smic")
    editions = {"smic": ("SMIC_all_raw", "SMIC-E_raw image"), "smic_nir": ("SMIC_all_cropped", "SMIC_all_raw")}
    standin.write(root, corpora=("smic", "smic_vis", "smic_nir"), subjects=1, clips=2, editions=editions)
    return root / "SMIC"


def test_long_recordings_of_smic(smic: Path) -> None:
    tree = smic / "SMIC-E_raw image"
    table = tree / "SMIC-HS-E_annotation.xlsx"
    book, stored = openpyxl.load_workbook(table), openpyxl.load_workbook(table, data_only=True)
    assert book.sheetnames == ["HS", "VIS", "NIR"]
    header, *rows = stored["HS"].iter_rows(values_only=True)
    assert header[:7] == ("Subject", "Filename", None, "OnsetF", "OffsetF", "Onset2F", "Offset2F")
    at = {name: index for index, name in enumerate(header) if name}
    assert {"FirstF", "LastF", "TotalMF1", "TotalVL", "Emotion"} <= set(at)
    clips = [row for row in rows if row[1]]
    formulas = [cell for row in book["HS"].iter_rows(values_only=True) for cell in row if str(cell).startswith("=")]
    assert len(formulas) >= 4
    assert len(clips) == 2 < len([row for row in rows if any(row)])  # and notes
    kinds, missing = {"ne": "negative", "po": "positive", "sur": "surprise"}, []
    for row in clips:
        files = sorted((tree / "HS_long" / "SMIC-HS-E" / "s01" / row[1]).iterdir())
        first, last = row[at["FirstF"]], row[at["LastF"]]
        assert [path.name for path in files] == [f"image{number:06d}.jpg" for number in range(first, last + 1)]
        assert row[at["TotalVL"]] == len(files)
        if isinstance(row[at["OnsetF"]], str):
            missing.append(row[at["OnsetF"]] == f"MISSING <-{first}")
        else:
            assert first < row[at["OnsetF"]] < row[at["OffsetF"]] < last
            assert row[at["TotalMF1"]] == row[at["OffsetF"]] - row[at["OnsetF"]] + 1
    assert missing == [True]
    assert sum(row[at["Emotion"]] != kinds[row[1].split("_")[1]] for row in clips) == 1
    assert sum(row[at["Onset2F"]] is not None for row in clips) == 1
    corpus = corpora.load("smic_e", smic)
    assert len(corpus.clips) == 2
    assert corpus.exclusions == ()


def test_whole_smic_e_has_the_published_number_of_clips(tmp_path: Path) -> None:
    cast = films.films("smic", None, None, 0)
    assert sum(film.released for film in cast) == 157
    sheets.write_tables(tmp_path, cast, layouts.editions("smic", ["SMIC-E_raw image"]))
    book = openpyxl.load_workbook(tmp_path / "SMIC" / "SMIC-E_raw image" / "SMIC-HS-E_annotation.xlsx")
    rows = [row for row in book["HS"].iter_rows(min_row=2, values_only=True) if row[1]]
    assert len(rows) == 157
    subjects = [int(row[0][1:]) for row in rows]
    assert subjects != sorted(subjects)
    kinds = {"negative": "ne", "positive": "po", "surprise": "sur"}
    assert [row[1] for row in rows if row[1].split("_")[1] != kinds[row[-1]]] == ["s18_sur_03"]


def test_parts_of_smic_with_fewer_frames(smic: Path, finder: FaceFinder) -> None:
    expected = {"smic_vis": ("VIS", "SMIC_all_cropped", "RGB"), "smic_nir": ("NIR", "SMIC_all_raw", "L")}
    for name, (part, tree, mode) in expected.items():
        corpus = corpora.load(name, smic)
        assert len(corpus.clips) == 2
        assert corpus.exclusions == ()
        clip = corpus.clips[0]
        folder = smic / tree / part / "s11" / "micro" / clip.emotion / clip.name
        prefix = "reg_" if tree == "SMIC_all_cropped" else ""
        assert {path.name for path in folder.iterdir()} == {f"{prefix}{number:05d}.bmp" for number in clip.numbers}
        assert clip.fps == 25
        assert 4 <= len(clip.frames) <= 15
        with Image.open(clip.frames[0]) as image:
            assert (image.size, image.mode) == ((190, 230) if prefix else (640, 480), mode)
    assert corpora.load("smic", smic).tree == "SMIC_all_raw/HS"
    n_found, total = proof.faces_found(
        [clip for name in ("smic", "smic_vis", "smic_nir", "smic_e") for clip in corpora.load(name, smic).clips],
        finder,
        per_clip=2,
    )
    assert n_found >= 0.99 * total


# ---------------------------------------------------------------- other editions


@pytest.mark.parametrize(
    ("corpus", "sizes"),
    [
        ("casme2", {"CASME2_RAW_selected": (640, 480), "Cropped": (280, 340), "CASME2-RAW": (640, 480)}),
        ("samm", {"SAMM": (960, 650), "SAMM_CROP": (400, 480)}),
    ],
)
def test_one_film_in_all_its_editions(
    studio: rendering.Studio, finder: FaceFinder, tmp_path: Path, corpus: str, sizes: dict[str, tuple[int, int]]
) -> None:
    role = casting.Role(corpus, "006", "006_1_2", "happiness", "12", 9, 14, 20)
    film = films.Film(corpus, role.subject, role.name, 1, 24, (role,))
    trees = {edition.tree: edition for edition in layouts.editions(corpus, sizes)}
    for scene in {edition.scene for edition in trees.values()}:
        sitter = rendering.sitter(studio, corpus, role.subject, scene)
        rendering.film(
            studio, sitter, film, [edition for edition in trees.values() if edition.scene == scene], tmp_path
        )
    for name, size in sizes.items():
        numbers = range(1, 25) if trees[name].whole else range(9, 21)
        files = [trees[name].path(tmp_path, film, role, number) for number in numbers]
        assert sorted(files[0].parent.iterdir()) == sorted(files)
        with Image.open(files[5]) as image:
            assert image.size == size
        rgb = [np.array(Image.open(file).convert("RGB")) for file in files[:: len(files) - 1]]
        assert all(finder.find(picture).how != "padded" for picture in rgb)
    if corpus == "casme2":
        whole, part = trees["CASME2-RAW"], trees["CASME2_RAW_selected"]
        assert whole.path(tmp_path, film, role, 3).name == "img3.jpg"
        assert trees["Cropped"].path(tmp_path, film, role, 9).name == "reg_img9.jpg"
        for number in (9, 14, 20):
            assert (
                whole.path(tmp_path, film, role, number).read_bytes()
                == part.path(tmp_path, film, role, number).read_bytes()
            )


# ---------------------------------------------------------------- casting


@pytest.mark.parametrize("corpus", [*THREE, "smic_vis", "smic_nir"])
def test_whole_corpora_have_the_published_counts(corpus: str) -> None:
    emotions, classed, clips, subjects = WHOLE[corpus]
    roles = casting.cast(corpus, None, None, 0)
    assert Counter(role.emotion for role in roles) == emotions
    assert len({role.id for role in roles}) == len(roles)
    usable = [role for role in roles if role.emotion in classed and (role.subject, role.name) not in NO_APEX]
    assert len(usable) == clips
    assert len({role.subject for role in usable}) == subjects


def test_known_oddities_are_there_when_their_subjects_are() -> None:
    printed = {role.name: role for role in casting.cast("casme2", 5, 2, 0)}
    assert printed["EP12_01f"].printed_apex == "/"
    assert printed["EP09_05f"].printed_apex == printed["EP09_05f"].onset == 69
    samm = {role.name: role for role in casting.cast("samm", None, None, 0)}
    assert samm["028_4_1"].printed_apex == 1143 > samm["028_4_1"].offset == 1134
    assert samm["032_3_1"].printed_apex == 1930 < samm["032_3_1"].onset == 4896


def test_a_clip_is_the_same_in_larger_corpora() -> None:
    for corpus in ("casme2", "smic", "samm"):
        small, large = casting.cast(corpus, 2, 3, 0), casting.cast(corpus, 4, 6, 0)
        assert set(small) <= set(large)
        assert set(small) != set(casting.cast(corpus, 2, 3, 1))


@pytest.mark.parametrize("corpus", [*THREE, "smic_vis", "smic_nir"])
def test_among_few_clips_length_says_nothing_of_the_class(corpus: str) -> None:
    odd = {(person, name) for _, person, name in casting.ODD}
    lengths: dict[str, set[int]] = {}
    for role in casting.cast(corpus, None, 6, 0):
        if (role.subject, role.name) not in odd:
            lengths.setdefault(role.subject, set()).add(role.offset - role.onset + 1)
    assert all(len(subject_lengths) == 1 for subject_lengths in lengths.values())
    assert len(set.union(*lengths.values())) > 3  # subjects differ
    assert corpus != "smic" or min(set.union(*lengths.values())) > 18  # what a network of 18 frames asks for


# ---------------------------------------------------------------- motion


@pytest.fixture(scope="module")
def studio() -> rendering.Studio:
    return rendering.studio(0, {edition.scene: None for name in THREE for edition in layouts.EDITIONS[name]})


@pytest.fixture
def face(studio: rendering.Studio) -> portraits.Portrait:
    """The mean shape, exactly symmetrical, a hundred pixels between the eyes."""
    return portraits.Portrait(np.zeros((2, 2), np.uint8), studio.photographs.mean * 100 + 300, 100.0)


def test_sides_are_those_of_the_person(face: portraits.Portrait) -> None:
    where = face.landmarks[[48, 54]]
    left = motion.field(face, motion.action_units("L14"), where)
    right = motion.field(face, motion.action_units("R14"), where)
    both = motion.field(face, motion.action_units("14"), where)
    assert np.allclose(left[::-1] * (-1, 1), right, atol=1e-3)
    assert np.abs(left[1]).max() > 2 * np.abs(left[0]).max()
    assert np.allclose(both[0], both[1] * (-1, 1), atol=1e-3)


def test_motion_is_local_and_of_the_stated_size(face: portraits.Portrait) -> None:
    everywhere = np.stack(np.meshgrid(np.arange(150, 450, 5), np.arange(200, 500, 5)), -1).astype(np.float32)
    for unit in motion.ACTION_UNITS.keys() - {45}:
        moved = motion.field(face, [(unit, 1.0, 1.0)], everywhere)
        assert 0.4 < np.linalg.norm(moved, axis=-1).max() / face.unit < 1.1, unit
        assert np.allclose(motion.field(face, [(unit, 1.0, 1.0)], face.landmarks + 1000), 0)


@pytest.mark.parametrize(("length", "apex"), [(11, 3), (80, 56), (59, 58)])
def test_profile_rises_from_the_onset_to_the_apex(length: int, apex: int) -> None:
    share = motion.profile(length, apex, 0.2, 1.1)
    assert share[0] == 0
    assert share.argmax() == apex
    assert share[apex] == pytest.approx(1)
    assert (np.diff(share[: apex + 1]) > 0).all()
    assert (np.diff(share[apex:]) <= 0).all()


def test_expressions_leave_nothing_behind() -> None:
    numbers = np.arange(1, 200)
    expression = motion.Expression([(12, 1.0, 1.0)], 0.1, 40, 60, 90)
    share = motion.shares(expression, numbers, 30.0, 0.2, 1.1)
    assert share.argmax() + 1 == 60
    assert share[numbers == 90] == pytest.approx(0.2)
    assert not share[numbers <= 40].any()
    assert share[numbers >= 95].max() < 1e-12
    assert (np.diff(share[numbers >= 60]) <= 0).all()


def test_a_frame_is_the_same_whatever_else_is_chosen(studio: rendering.Studio) -> None:
    scene = layouts.SMIC_CROP
    sitter = rendering.sitter(studio, "smic", "1", scene)
    expressions = [
        motion.Expression([(12, 1.0, 1.0)], 0.1, 10, 15, 20),
        motion.Expression([(4, 1.0, 1.0)], 0.1, 30, 33, 40),
    ]
    take = motion.Take(expressions, 1, 50, 30.0)

    def played(*numbers: int) -> list[np.ndarray]:
        rng = np.random.default_rng(0)
        return list(motion.play(sitter.portrait, sitter.traits, take, rng, studio.noise[scene], numbers or None))

    everything = played()
    assert len(everything) == 50
    assert all(np.array_equal(a, b) for a, b in zip(played(15, 33), (everything[14], everything[32]), strict=True))


# ---------------------------------------------------------------- what a recogniser finds


def test_dlib_finds_the_faces(standin_data: Path, finder: FaceFinder) -> None:
    clips = [clip for clip, _ in proof.usable(standin_data)]
    n_found, total = proof.faces_found(clips, finder, per_clip=2)
    assert n_found >= 0.99 * total


def test_motion_shows_the_class_and_the_first_frame_does_not(standin_data: Path) -> None:
    measured = proof.prove(proof.usable(standin_data), apexes=6, permutations=1)
    assert measured.flow_uf1 >= 0.85  # two of 18 clips wrong; chance is 1/3
    assert measured.onset_uf1 <= 0.55  # chance is 1/3; of 18 clips, chance predictions exceed this in 3% of draws
    assert np.median(measured.apex_errors) <= 5


# ---------------------------------------------------------------- without motion


def _turned(emotion: str) -> str:
    """An emotion of another class."""
    ring = {"positive": "surprise", "surprise": "happiness", "happiness": "disgust", "negative": "positive"}
    return ring.get(emotion, "happiness")


def _otherwise(film: films.Film) -> films.Film:
    """The same recording with expressions of other classes."""

    def other(role: casting.Role) -> casting.Role:
        emotion = _turned(role.emotion)
        shown = casting.SHOWN["happiness" if emotion == "positive" else emotion][0]
        return dataclasses.replace(role, emotion=emotion, action_units=shown)

    return dataclasses.replace(
        film, roles=tuple(map(other, film.roles)), encore=other(film.encore) if film.encore else None
    )


def _pictures(root: Path) -> dict[tuple[str, ...], bytes]:
    """All images and videos by their paths without the folder of the class, which SMIC has."""
    files = [path for path in root.rglob("*") if path.suffix in (".jpg", ".bmp", ".avi")]
    classes = {"negative", "positive", "surprise", "happiness"}
    return {
        tuple(part for part in path.relative_to(root).parts if part not in classes): path.read_bytes() for path in files
    }


@pytest.mark.parametrize(("corpus", "clips"), [("casme2", 1), ("smic", 3), ("samm", 1), ("casme_sq", 1)])
def test_without_motion_no_byte_depends_on_the_class(
    corpus: str, clips: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same people and clips, and of each clip another class; in SMIC also with motion, where bytes do differ."""
    cast = films.films
    shown = {}
    for turned in (False, True):
        films_of = lambda *size: tuple(map(_otherwise, cast(*size))) if turned else cast(*size)  # noqa: B023, E731
        monkeypatch.setattr(films, "films", films_of)
        for factor in (0.0, 1.0) if corpus == "smic" else (0.0,):
            root = tmp_path / f"{turned} {factor}"
            standin.write(root, corpora=(corpus,), subjects=1, clips=clips, motion=factor)
            shown[turned, factor] = _pictures(root)
    assert len(shown[False, 0.0]) > 8
    assert shown[False, 0.0] == shown[True, 0.0]
    if corpus == "smic":
        assert shown[False, 1.0].keys() == shown[True, 1.0].keys()
        assert shown[False, 1.0] != shown[True, 1.0]


@pytest.mark.parametrize("corpus", ["casme2", "samm"])
def test_names_and_timing_do_not_depend_on_the_class(corpus: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """In the corpora whose clips are not named after it, if few clips of each subject are cast."""

    def told() -> tuple[list[str], list[casting.Role]]:
        roles = casting.cast(corpus, 3, 3, 0)
        return [role.emotion for role in roles], [
            dataclasses.replace(role, emotion="", action_units="") for role in roles
        ]

    emotions, rest = told()
    dealt = casting._rotated
    monkeypatch.setattr(
        casting,
        "_rotated",
        lambda *size: {person: list(map(_turned, parts)) for person, parts in dealt(*size).items()},
    )
    assert told() == (list(map(_turned, emotions)), rest)


# ---------------------------------------------------------------- building


def test_motion_changes_expressions_and_nothing_else(tmp_path: Path) -> None:
    """The onset is the same picture at every factor; what the apex shows more than without motion grows with it."""
    shown: dict[float, list[np.ndarray]] = {}
    tables: dict[float, list[str]] = {}
    for factor in (0.0, 1.0, 4.0):
        root = tmp_path / f"{factor:g}"
        standin.write(root, corpora=("samm",), subjects=1, clips=1, motion=factor)
        clip = corpora.load("samm", corpora.find(root)["samm"], "raw").clips[0]
        assert clip.apex is not None
        shown[factor] = [images.read_frame(clip, place) for place in (0, clip.apex - clip.onset, len(clip.numbers) - 1)]
        tables[factor] = [str(path.relative_to(root)) for path in sorted(root.rglob("*"))]
        tables[factor] += [repr(dataclasses.replace(clip, frames=()))]
    assert tables[0.0] == tables[1.0] == tables[4.0]
    assert np.array_equal(shown[0.0][0], shown[1.0][0])
    assert np.array_equal(shown[0.0][0], shown[4.0][0])
    differs = {f: np.abs(shown[f][1].astype(float) - shown[0.0][1]).mean() for f in (1.0, 4.0)}
    assert differs[4.0] > 2 * differs[1.0] > 0
    for wrong in (-1.0, float("nan"), 17.0):
        with pytest.raises(UserError, match="motion from 0"):
            standin.ensure(tmp_path, subjects=1, clips=1, motion=wrong)


def test_rendering_is_deterministic(studio: rendering.Studio, standin_data: Path, square: Path, tmp_path: Path) -> None:
    cast = {corpus: films.films(corpus, 2, 3, 0) for corpus in ("casme2", "samm")}
    for corpus, table in (("casme2", f"CASME2/{sheets.CASME2_2014}"), ("samm", f"SAMM/{sheets.SAMM_TABLE}")):
        sheets.write_tables(tmp_path, cast[corpus], layouts.editions(corpus))
        assert (tmp_path / table).read_bytes() == (standin_data / table).read_bytes()
    film, edition = cast["casme2"][0], layouts.editions("casme2")[0]
    sitter = rendering.sitter(studio, "casme2", film.subject, edition.scene)
    rendering.film(studio, sitter, film, [edition], tmp_path)
    (role,) = film.roles
    for number in (role.onset, role.apex, role.offset):
        again, before = (edition.path(root, film, role, number) for root in (tmp_path, standin_data))
        assert again.read_bytes() == before.read_bytes()
    film, edition = films.films("casme_sq", 1, 4, 0)[0], layouts.editions("casme_sq")[0]
    sitter = rendering.sitter(studio, "casme_sq", film.subject, edition.scene)
    rendering.film(studio, sitter, film, [edition], tmp_path)
    again, before = (edition.path(root, film, film.roles[0], 1) for root in (tmp_path, square.parent))
    assert again.read_bytes() == before.read_bytes()


def _fake_write(root: Path, *, corpora: Sequence[str], **_: object) -> None:
    for name in corpora:
        (root / layouts.unit(name)).mkdir(parents=True)


def test_a_second_call_writes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(standin, "write", _fake_write)
    first = standin.ensure(tmp_path, subjects=2, clips=3)
    monkeypatch.delattr(standin, "write")
    assert standin.ensure(tmp_path, subjects=2, clips=3) == first
    assert standin.ensure(tmp_path, corpora=("samm",), subjects=2, clips=3) == first


def test_corpora_are_written_when_they_are_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written: list[str] = []

    def noted(root: Path, *, corpora: Sequence[str], **_: object) -> None:
        written.extend(corpora)
        _fake_write(root, corpora=corpora)

    monkeypatch.setattr(standin, "write", noted)
    data = standin.ensure(tmp_path, corpora=("smic", "samm"), subjects=2, clips=3)
    assert {path.name for path in data.iterdir()} == {"SMIC", "SAMM"}
    assert standin.ensure(tmp_path, corpora=("samm", "casme_sq", "smic_vis"), subjects=2, clips=3) == data
    assert written == ["smic", "samm", "casme_sq", "smic_vis"]
    assert {path.name for path in data.iterdir()} == {"SMIC", "SAMM", "CAS(ME)^2"}
    assert {path.name for path in (data / "SMIC" / "SMIC_all_cropped").iterdir()} == {"HS", "VIS"}
    assert (data / "SMIC" / MARKER).is_file()
    assert standin.ensure(tmp_path, corpora=("samm",), subjects=2, clips=4) != data


def test_an_interrupted_build_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(root: Path, *, corpora: Sequence[str], **_: object) -> None:
        _fake_write(root, corpora=corpora)
        if "samm" in corpora:
            raise KeyboardInterrupt

    monkeypatch.setattr(standin, "write", interrupted)
    with pytest.raises(KeyboardInterrupt):
        standin.ensure(tmp_path, corpora=("samm",), subjects=2, clips=3)
    assert [path.name for path in tmp_path.iterdir()] == [".standin.lock"]
    with pytest.raises(KeyboardInterrupt):
        standin.ensure(tmp_path, corpora=("smic", "samm", "casme2"), subjects=2, clips=3)
    (data,) = (path for path in tmp_path.iterdir() if path.is_dir())
    assert [path.name for path in data.iterdir()] == ["SMIC"]


SLOW_BUILD = """
import sys, time
from pathlib import Path
from common import standin
def write(root, **_):
    (root / "CASME2").mkdir()
    print("begun", flush=True)
    time.sleep(float(sys.argv[2]))
standin.write = write
standin.ensure(Path(sys.argv[1]), corpora=("casme2",), subjects=2, clips=3)
"""


def _slow_build(cache: Path, seconds: float) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", SLOW_BUILD, str(cache), str(seconds)]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)


@pytest.mark.skipif(sys.platform == "win32", reason="needs SIGKILL and file locks")
def test_a_killed_build_is_not_taken_for_complete(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with _slow_build(tmp_path, 60) as build:
        assert build.stdout is not None
        assert build.stdout.readline() == "begun\n"
        build.send_signal(signal.SIGKILL)
    left = [path for path in tmp_path.iterdir() if path.is_dir()]
    assert [path.name.startswith(".") for path in left] == [True]
    monkeypatch.setattr(standin, "write", _fake_write)
    data = standin.ensure(tmp_path, subjects=2, clips=3)
    assert [path for path in tmp_path.iterdir() if path.is_dir()] == [data]


@pytest.mark.skipif(sys.platform == "win32", reason="needs file locks")
def test_of_two_builds_at_once_one_waits(tmp_path: Path) -> None:
    builds = [_slow_build(tmp_path, 1.0) for _ in range(2)]
    printed = [build.communicate(timeout=30)[0] for build in builds]
    assert [build.returncode for build in builds] == [0, 0]
    assert sorted(printed) == ["", "begun\n"]


def test_user_errors_are_one_line(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("")
    with pytest.raises(UserError, match="--cache") as error:
        standin.ensure(blocked, subjects=2, clips=3)
    assert "\n" not in str(error.value)
    with pytest.raises(UserError, match="at least 1"):
        standin.ensure(tmp_path, subjects=0, clips=3)
    bounds = {"subjects": 1, "clips": 1}
    for match, arguments in (
        ("casme3.*known: casme2", {"corpora": ("casme3",)}),
        ("raw.*known: SAMM, SAMM_CROP", {"corpora": ("samm",), "editions": {"samm": ("raw",)}}),
        ("2020.*known: 2014, 2019", {"corpora": ("casme2",), "tables": {"casme2": "2020"}}),
        ("casme3.*known: casme2", {"corpora": ("casme2",), "tables": {"casme3": "2014"}}),
    ):
        with pytest.raises(UserError, match=match):
            standin.write(tmp_path / "new", **arguments, **bounds)
    assert not (tmp_path / "new").exists()


def test_importing_is_light() -> None:
    code = "import sys, common.standin; print([m for m in ('cv2', 'dlib', 'tensorflow') if m in sys.modules])"
    out = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert out == "[]\n"
