"""The check of a data folder: documented counts, files that hold no picture, and what can be run."""

from __future__ import annotations

import io
import json
import os
import re
from pathlib import Path

import pytest
import test_layouts_in_the_wild as wild
import trees_on_disk as disk
from PIL import Image
from rich.console import Console

import papers
import run_all
from common import corpora
from common.corpora import check, check_text, trees
from common.errors import UserError

PAPER = papers.load("aouayeb2019")
ROWS = [
    ["01", "EP02_01f", None, 46, 50, 52, None, "12", "happiness"],
    ["02", "EP02_01f", None, 46, 50, 52, None, "4", "disgust"],
]


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Two CASME II clips whose images are images."""
    disk.write_casme2(tmp_path / "CASME2", ROWS)
    for file in (tmp_path / "CASME2").rglob("*.jpg"):
        Image.new("L", (4, 4)).save(file)
    return tmp_path


def printed(result: dict) -> str:
    text = io.StringIO()
    check_text.print_check(result, Console(file=text, width=300))
    return text.getvalue()


def image(data: Path, subject: str, number: int) -> Path:
    return data / "CASME2" / "CASME2_RAW_selected" / subject / "EP02_01f" / f"img{number}.jpg"


def test_files_that_hold_no_picture_are_told_and_not_decoded(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert check.check(data)["corpora"]["casme2"]["unusable"] == []
    image(data, "sub01", 48).write_bytes(b"")
    image(data, "sub01", 50).write_bytes(b"<html>not found</html>")
    monkeypatch.setattr(Image, "open", None)
    result = check.check(data)
    (row,) = result["corpora"]["casme2"]["unusable"]
    assert row["clip"] == "casme2/sub01/EP02_01f"
    assert re.findall(r"img\d+\.jpg|\d+ \w+", row["reason"]) == ["img48.jpg", "0 bytes", "1 more", "7 files"]
    assert result["corpora"]["casme2"]["clips"] == 2
    assert "not readable casme2/sub01/EP02_01f: img48.jpg is empty" in printed(result)


def test_files_that_are_gone_or_locked_are_told(data: Path) -> None:
    gone = image(data, "sub02", 49)
    gone.unlink()
    gone.symlink_to(data / "nowhere.jpg")
    (row,) = check.check(data)["corpora"]["casme2"]["unusable"]
    assert row["reason"].startswith("img49.jpg ")
    assert "(No such file or directory)" in row["reason"]


def test_what_can_run_and_what_it_lacks(data: Path) -> None:
    result = check.check(data, papers=[PAPER])
    plain = {experiment.id for experiment in PAPER.experiments if not experiment.tuned_of}
    assert {row["experiment"] for row in result["experiments"]} == plain
    assert all(not row["can_run"] and row["clips"] == 0 for row in result["experiments"])
    assert result["experiments"][0]["reason"] == "smic and samm are not in the data folder"
    disk.write_smic(data / "SMIC")
    disk.write_samm(data / "SAMM")
    result = check.check(data, papers=[PAPER])
    first = result["experiments"][0]
    # two clips of CASME II, all of SMIC, SAMM without `Other`; the images of the latter two are empty files
    assert (first["can_run"], first["clips"]) == (True, 2 + 164 + 133)
    assert first["by_class"] == {"negative": 1 + 70 + 92, "positive": 1 + 51 + 26, "surprise": 43 + 15}
    assert first["reason"] == f"{164 + 133} of {2 + 164 + 133} clips have unreadable files"
    text = printed(result)
    assert f"can run aouayeb2019: {len(plain)} of {len(plain)} experiments, on 299 clips" in text
    assert text.splitlines()[-1] == f"  python run_all.py --paper aouayeb2019 --data {data}"
    image(data, "sub01", 46).write_bytes(b"")
    image(data, "sub02", 46).write_bytes(b"")
    assert not check.check(data, papers=[PAPER])["experiments"][0]["can_run"]
    (data / "SAMM" / "SAMM_Micro_FACS_Codes_v2.xlsx").write_bytes(b"")
    result = check.check(data, papers=[PAPER])
    assert result["experiments"][0]["reason"] == "samm cannot be read"
    assert json.loads(json.dumps(result)) == result


def test_only_the_corpora_that_are_asked_for(tmp_path: Path) -> None:
    disk.write_smic(tmp_path / "SMIC")
    assert list(check.check(tmp_path)["corpora"]) == ["smic"]
    result = check.check(tmp_path, ("smic_vis", "smic_nir"))
    assert {name: corpus["clips"] for name, corpus in result["corpora"].items()} == {"smic_vis": 1, "smic_nir": 1}
    assert result["corpora"]["smic_nir"]["documented"] is None
    assert "no published counts" in printed(result)
    with pytest.raises(
        UserError, match="'mmew' is not a known corpus; known corpora: casme2, smic, samm, casme_sq, casme_sq_rec"
    ):
        check.check(tmp_path, ("mmew",))


def test_numbers_that_differ_from_the_documented_ones_stand_beside_them(data: Path) -> None:
    corpus = check.check(data)["corpora"]["casme2"]
    assert not corpus["documented"]["agrees"]
    line = next(line for line in printed(check.check(data)).splitlines() if "happiness" in line)
    assert line.split() == ["happiness", "1", "32"]
    assert corpus["by_apex"] == {"annotated": 2}


def test_what_else_is_here_is_told(data: Path) -> None:
    root = data / "CASME2"
    disk.write_casme2(root, ROWS, tree="Cropped")
    disk.write_casme2(root / "__MACOSX", ROWS)
    disk.write_casme2(data / ".Trash-1000" / "files", ROWS)
    disk.write_table(root / "CASME2-coding-20130101.xlsx", disk.CASME2_HEADER, ROWS[:1])
    disk.touch(root / "CASME2_RAW_selected" / "sub02" / "EP77_01", ["img1.jpg"])
    corpus = check.check(data)["corpora"]["casme2"]
    assert (corpus["clips"], corpus["images"]) == (2, str(root / "CASME2_RAW_selected"))
    assert corpus["notes"] == [
        "found but not read: table CASME2-coding-20130101.xlsx",
        "found but not read: Cropped, cropped images of 2 subjects",
        "1 clip folder is not listed in the table: sub02/EP77_01",
    ]


def test_the_fuller_of_two_copies_is_read(tmp_path: Path) -> None:
    disk.write_smic(tmp_path / "a", names=[(1, "ne", "s1_ne_01")])
    disk.write_smic(tmp_path / "b", names=[(1, "ne", "s1_ne_01"), (2, "po", "s2_po_01")])
    corpus = check.check(tmp_path)["corpora"]["smic"]
    assert corpus["clips"] == 2
    assert "found but not read: a/SMIC_all_raw/HS, raw images of 1 subjects" in corpus["notes"]


def test_corpora_in_folders_named_by_numbers_are_found(tmp_path: Path) -> None:
    disk.write_casme2(tmp_path / "2024" / "03" / "CASME2", ROWS)
    disk.write_samm(tmp_path / "1" / "SAMM", disk.samm_rows()[:4])
    assert {name: corpus["clips"] for name, corpus in check.check(tmp_path)["corpora"].items()} == {
        "casme2": 2,
        "samm": 4,
    }


def test_a_list_that_cannot_be_read_stops_what_needs_it(data: Path) -> None:
    disk.write_smic(data / "SMIC")
    disk.write_samm(data / "SAMM")
    (data / "combined_3class_gt.csv").write_text("mmew,1,x,0\n")
    row = check.check(data, papers=[PAPER])["experiments"][0]
    assert not row["can_run"]
    assert "line 1 is not corpus, subject, clip, class" in row["reason"]


def test_what_was_asked_for_and_is_absent_is_told(data: Path) -> None:
    checked = check.check(data, ("casme2", "samm"))["corpora"]
    assert checked["casme2"]["error"] is None
    assert checked["samm"]["error"] == f"{data}: found no images and no table of samm"


def test_numbered_copies_are_copies(tmp_path: Path) -> None:
    disk.write_smic(tmp_path, names=[(1, "ne", "s1_ne_01")])
    clip = tmp_path / "SMIC_all_raw" / "HS" / "s1" / "micro" / "negative" / "s1_ne_01"
    first = min(clip.iterdir())
    first.with_name(f"{first.stem} (1).bmp").touch()
    (row,) = check.check(tmp_path)["corpora"]["smic"]["exclusions"]
    assert "occurs twice" in row["reason"]


LOCKED = {
    "casme2": ("CASME2_RAW_selected", "img{n}.jpg", "sub01"),
    "samm": ("SAMM", "{s}_{n:05d}.jpg", "006"),
    "smic": ("SMIC_all_raw/HS", "image{n:06d}.bmp", "s1"),
}


@pytest.mark.parametrize("corpus", LOCKED)
def test_a_subject_that_may_not_be_read_is_excluded_with_one_line(
    tmp_path: Path, corpus: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The system's refusal is imitated, because the tests may run as an administrator, who may read everything."""
    tree, name, subject = LOCKED[corpus]
    wild.frames(tree, corpus, name)(tmp_path)
    if corpus != "smic":
        wild.xlsx({"casme2": "CASME2-coding-1.xlsx", "samm": "SAMM_Micro_FACS_1.xlsx"}[corpus], corpus)(tmp_path)
    locked, scandir, stat = tmp_path / tree / subject, os.scandir, os.stat

    def refuse(path: object, also: bool) -> None:
        place = Path(os.fsdecode(path)) if isinstance(path, str | bytes | os.PathLike) else Path()
        if locked in place.parents or (also and place == locked):
            raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(os, "scandir", lambda path=".": refuse(path, True) or scandir(path))
    monkeypatch.setattr(os, "stat", lambda path, **options: refuse(path, False) or stat(path, **options))
    result = check.check(tmp_path)
    report = result["corpora"][corpus]
    assert (report["error"], report["clips"], report["subjects"]) == (None, 2, 1)
    assert {row["clip"].split("/")[1] for row in report["exclusions"]} == {subject}
    lines = [line for line in printed(result).splitlines() if "excluded" in line]
    assert len(lines) == 1
    assert "Permission denied" in lines[0]


def test_many_lines_that_are_alike_are_counted(tmp_path: Path) -> None:
    rows = [row for row in disk.casme2_rows() if row[1] not in ("EP12_01f", "EP09_05f")]
    disk.write_casme2(tmp_path, rows)
    gaps = [row for row in rows if int(str(row[5])) - int(str(row[3])) > 2]
    for subject, name, _, onset, *_ in gaps:
        (tmp_path / f"CASME2_RAW_selected/sub{subject}/{name}/img{int(str(onset)) + 1}.jpg").unlink()
    result = check.check(tmp_path, papers=[PAPER])
    assert sum(row["column"] == "frames" for row in result["corpora"]["casme2"]["corrections"]) == len(gaps) > 200
    text = printed(result)
    lines = [line for line in text.splitlines() if line.startswith("  incomplete ") or "not readable" in line]
    assert len(lines) < 20
    shown = sum(" frames from onset" in line for line in lines)
    counted = [int(match[1]) for line in lines if (match := re.match(r"  incomplete ([0-9]+) more", line))]
    assert shown + sum(counted) == len(gaps)


def test_a_corpus_without_clips_is_a_failure(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    disk.write_casme2(tmp_path, ROWS)
    for file in tmp_path.rglob("img*.jpg"):
        file.unlink()
    assert run_all.main(["--check-data", str(tmp_path)]) == 1
    assert "no clip can be used" in capsys.readouterr().out
    assert run_all.main(["--check-data", str(tmp_path), "--json"]) == 1


def test_a_recording_s_subject_that_may_not_be_read_is_excluded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wild.frames("rawpic/s{s}/{r}", "casme_sq", "img{n:03d}.jpg")(tmp_path)
    wild.codes("CAS(ME)^2code_final.xlsx")(tmp_path)
    listing = trees._listing

    def refuse(folder: Path) -> tuple[list[str], list[str]]:
        if folder.name == "s15":
            raise PermissionError(13, "Permission denied")
        return listing(folder)

    monkeypatch.setattr(trees, "_listing", refuse)
    corpus = corpora.load("casme_sq_recordings", tmp_path)
    assert {clip.subject for clip in corpus.clips} == {"s16"}
    assert [exclusion.clip for exclusion in corpus.exclusions] == ["casme_sq_recordings/s15"]
