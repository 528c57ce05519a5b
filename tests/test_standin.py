"""The stand-in corpora: layouts and tables as documented, motion that shows the class and nothing else that does."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import openpyxl
import pytest
from PIL import Image

from benchmarks import standin_proof as proof
from common import corpora
from common.corpora import standin
from common.corpora.standin import casting, layouts, motion, portraits, rendering
from common.errors import UserError
from common.faces import FaceFinder

ROOT = Path(__file__).parents[1]
# Published counts, written down a second time: emotions, then clips and subjects of the MEGC 2019 composite.
CASME2 = {"others": 99, "disgust": 63, "happiness": 32, "repression": 27, "surprise": 25, "sadness": 7, "fear": 2}
SMIC = {"negative": 70, "positive": 51, "surprise": 43}
SAMM = {"anger": 57, "happiness": 26, "surprise": 15, "contempt": 12, "disgust": 9, "fear": 8, "sadness": 6}
WHOLE = {
    "casme2": (CASME2, {"disgust", "repression", "happiness", "surprise"}, 145, 24),
    "smic": (SMIC, set(SMIC), 164, 16),
    "samm": ({**SAMM, "others": 26}, set(SAMM), 133, 28),
}
NO_APEX = {("04", "EP12_01f"), ("05", "EP09_05f")}


# ---------------------------------------------------------------- layouts and tables


def test_loaders_read_all_of_it(standin_data: Path) -> None:
    found = corpora.find(standin_data)
    assert set(found) == {"casme2", "smic", "samm"}
    for name, root in found.items():
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
    assert all(len(found) == 3 if "/" not in key else len(found) >= 2 for key, found in kinds.items())
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
    assert rows[13][:7] == (
        *("Subject", "Filename", "Inducement Code", "Onset Frame", "Apex Frame", "Offset Frame", "Duration"),
    )
    assert rows[13][7:] == ("Micro", "Action Units", "Estimated Emotion", "Objective Classes", "Notes")
    assert not any(cell == "Subject" for row in rows[:13] for cell in row)
    for subject, name, _, onset, apex, offset, duration, *_ in rows[14:]:
        assert isinstance(subject, str)
        assert duration.startswith("=")
        assert onset < apex < offset
        files = sorted((standin_data / "SAMM" / "SAMM" / subject / name).iterdir())
        digits = {len(path.stem.split("_")[1]) for path in files}
        assert len(files) == offset - onset + 1
        assert len(digits) == 1
        assert digits <= {4, 5}


def test_pictures_have_the_documented_size_and_colour(standin_data: Path) -> None:
    expected = {"casme2": ((640, 480), "RGB"), "smic": ((190, 230), "RGB"), "samm": ((960, 650), "L")}
    for name, root in corpora.find(standin_data).items():
        with Image.open(corpora.load(name, root).clips[0].frames[0]) as image:
            assert (image.size, image.mode) == expected[name]


def test_smic_has_a_branch_and_a_stray_file_to_skip(standin_data: Path) -> None:
    person = standin_data / "SMIC" / "SMIC_all_cropped" / "HS" / "s1"
    assert len(list((person / "non_micro").rglob("*.bmp"))) == 3
    assert (person / "micro" / "Thumbs.db").is_file()
    names = {path.name for path in (person / "micro").glob("*/*") if path.is_dir()}
    assert names == {"s1_ne_01", "s1_po_01", "s1_sur_01"}


# ---------------------------------------------------------------- casting


@pytest.mark.parametrize("corpus", ["casme2", "smic", "samm"])
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


# ---------------------------------------------------------------- motion


@pytest.fixture(scope="module")
def studio() -> rendering.Studio:
    return rendering.studio(0)


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


# ---------------------------------------------------------------- what a recogniser finds


def test_dlib_finds_the_faces(standin_data: Path) -> None:
    clips = [clip for clip, _ in proof.usable(standin_data)]
    found, total = proof.faces_found(clips, FaceFinder(), per_clip=2)
    assert found >= 0.99 * total


def test_motion_shows_the_class_and_the_first_frame_does_not(standin_data: Path) -> None:
    measured = proof.prove(standin_data, apexes=6, permutations=1)
    assert measured.flow_uf1 >= 0.9
    assert measured.onset_uf1 <= 0.55  # chance is 1/3; of 18 clips, chance predictions exceed this in 3% of draws
    assert np.median(measured.apex_errors) <= 5


# ---------------------------------------------------------------- building


def test_rendering_is_deterministic(studio: rendering.Studio, standin_data: Path, tmp_path: Path) -> None:
    for name in ("CASME2", "SAMM"):
        (tmp_path / name).mkdir()
    layouts.write_tables(tmp_path, [role for corpus in standin.CORPORA for role in casting.cast(corpus, 2, 3, 0)])
    for table in (f"CASME2/{layouts.CASME2_TABLE}", f"SAMM/{layouts.SAMM_TABLE}"):
        assert (tmp_path / table).read_bytes() == (standin_data / table).read_bytes()
    role = casting.cast("casme2", 1, 1, 0)[0]
    rendering.film(studio, rendering.sitter(studio, "casme2", role.subject), role, tmp_path)
    for number in (role.onset, role.apex, role.offset):
        again, before = layouts.frame_file(tmp_path, role, number), layouts.frame_file(standin_data, role, number)
        assert again.read_bytes() == before.read_bytes()


def _fake_write(root: Path, **_: object) -> None:
    (root / "CASME2").mkdir()


def test_a_second_call_writes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(standin, "write", _fake_write)
    first = standin.ensure(tmp_path, subjects=2, clips=3)
    monkeypatch.delattr(standin, "write")
    assert standin.ensure(tmp_path, subjects=2, clips=3) == first


def test_an_interrupted_build_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(root: Path, **_: object) -> None:
        (root / "CASME2").mkdir()
        raise KeyboardInterrupt

    monkeypatch.setattr(standin, "write", interrupted)
    with pytest.raises(KeyboardInterrupt):
        standin.ensure(tmp_path, subjects=2, clips=3)
    assert [path.name for path in tmp_path.iterdir()] == [".standin.lock"]


SLOW_BUILD = """
import sys, time
from pathlib import Path
from common.corpora import standin
def write(root, **_):
    (root / "CASME2").mkdir()
    print("begun", flush=True)
    time.sleep(float(sys.argv[2]))
standin.write = write
standin.ensure(Path(sys.argv[1]), subjects=2, clips=3)
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


def test_importing_is_light() -> None:
    code = "import sys, common.corpora.standin; print([m for m in ('cv2', 'dlib', 'tensorflow') if m in sys.modules])"
    out = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert out == "[]\n"
