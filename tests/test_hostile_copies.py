"""Small copies of all corpora, broken at random: whatever lies on disk, a loader answers or says in one line why not.

Expected counts come from the generated rows and folders alone. Examples are the same in every run; the slow tests
draw new ones.
"""

from __future__ import annotations

import os
import random
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import pytest
import trees_on_disk as disk
from hostile import (
    CASME2,
    HARMS,
    HOMES,
    KINDS,
    MEMORY,
    QUICK,
    ROW,
    THOROUGH,
    check,
    examine,
    mutate,
    outcome,
    plans,
    same_in_any_order,
)
from hypothesis import given
from hypothesis import strategies as st

from common import corpora
from common.corpora import trees
from common.types import Corpus


@pytest.mark.parametrize("kind", KINDS)
def test_whatever_is_broken_every_row_is_accounted_for(kind: str) -> None:
    @QUICK
    @given(plans)
    def run(plan: dict) -> None:
        examine(KINDS[kind], plan)

    run()


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_whatever_is_broken_every_row_is_accounted_for_at_length(kind: str) -> None:
    @THOROUGH
    @given(plans)
    def run(plan: dict) -> None:
        examine(KINDS[kind], plan)

    run()


# ---------------------------------------------------------------- SMIC without a table

SMIC_NAMES = ["s1_ne_01", "s1_ne_1", "S1_NE_02", "s2_ne_01", "s1_xx_01", "s1_sur_003", "s01_po_01", " s1_po_02 ", "s1_"]
SMIC_NAMES += ["s1_ne_01 - Copy", "s1_ne_" + "9" * 60, "s1_ne_٤", "s12_sur_04", "note", "Thumbs", "s_ne_01", "1_ne_01"]
folders = st.lists(
    st.tuples(st.sampled_from([1, 2, 12]), st.sampled_from(["ne", "po", "sur"]), st.sampled_from(SMIC_NAMES)),
    min_size=1,
    max_size=8,
    unique=True,
)


def examine_smic(names: list[tuple[int, str, str]], harms: list[str], seed: int) -> None:
    with tempfile.TemporaryDirectory(dir=MEMORY) as scratch:
        rng, root = random.Random(seed), Path(scratch) / HOMES[seed % len(HOMES)] / "SMIC"
        disk.write_smic(root, names=names)
        top = root / "SMIC_all_raw" / "HS"
        for how in harms:
            # neither takes a clip's folder away: that would be no annotation at all
            if how not in ("gone", "case"):
                mutate(top, how, rng)
        result = outcome("smic", root)
        same_in_any_order("smic", root, seed, result)
        if isinstance(result, str):
            return
        check(result, root)
        keys = set()
        for subject, _, name in names:
            match = re.fullmatch(r"s([0-9]+)_(ne|po|sur)_([0-9]+)", name.strip().lower())
            if match:
                keys.add(f"smic/s{subject}/s{int(match[1])}_{match[2]}_{int(match[3]):02d}")
            elif re.match(r"s[0-9]+_", name) or re.search(r"(ne|po|sur)_?[0-9]", name.lower()):
                keys.add(f"smic/s{subject}/{name}")
        told = {clip.id for clip in result.clips} | {exclusion.clip for exclusion in result.exclusions}
        assert told == keys
        for clip in result.clips:
            assert clip.name.startswith(f"{clip.subject}_")
            assert clip.emotion == {"ne": "negative", "po": "positive", "sur": "surprise"}[clip.name.split("_")[1]]


@QUICK
@given(folders, st.lists(st.sampled_from(HARMS), max_size=4), st.integers(0, 10**6))
def test_whatever_is_broken_every_folder_of_smic_is_accounted_for(
    names: list[tuple[int, str, str]], harms: list[str], seed: int
) -> None:
    examine_smic(names, harms, seed)


@pytest.mark.slow
@THOROUGH
@given(folders, st.lists(st.sampled_from(HARMS), max_size=4), st.integers(0, 10**6))
def test_whatever_is_broken_every_folder_of_smic_is_accounted_for_at_length(
    names: list[tuple[int, str, str]], harms: list[str], seed: int
) -> None:
    examine_smic(names, harms, seed)


@pytest.mark.parametrize("place", ["s01/micro/negative", "s1/micro/negative/negative", "s1/Micro/negative", "s1/micro"])
def test_no_folder_of_smic_is_lost(tmp_path: Path, place: str) -> None:
    disk.write_smic(tmp_path, names=[(1, "ne", "s1_ne_01")])
    disk.touch(tmp_path / "SMIC_all_raw" / "HS" / place / "s1_ne_02", ["image000001.bmp", "image000002.bmp"])
    corpus = corpora.load("smic", tmp_path)
    told = {clip.id for clip in corpus.clips} | {exclusion.clip for exclusion in corpus.exclusions}
    assert told == {"smic/s1/s1_ne_01", "smic/s1/s1_ne_02"}


# ---------------------------------------------------------------- one thing at a time


def casme2(root: Path, *rows: Sequence[object]) -> Corpus:
    disk.write_table(root / "CASME2-coding-20140508.xlsx", disk.CASME2_HEADER, rows)
    return corpora.load("casme2", root)


def test_two_rows_never_share_one_folder(tmp_path: Path) -> None:
    disk.write_casme2(tmp_path, [ROW])
    corpus = casme2(tmp_path, ROW, ["01", "ep02_01F", *ROW[2:8], "disgust"])
    assert len(corpus.clips) == 1, [clip.id for clip in corpus.clips]
    assert len(corpus.exclusions) + sum(note.column == "row" for note in corpus.corrections) == 1


def test_folders_that_differ_in_case_alone_are_not_mixed_up(tmp_path: Path) -> None:
    disk.write_casme2(tmp_path, [ROW, ["01", "ep02_01F", *ROW[2:]]])
    if len(list((tmp_path / "CASME2_RAW_selected" / "sub01").iterdir())) < 2:
        pytest.skip("this file system knows no case")
    corpus = casme2(tmp_path, ROW, ["01", "ep02_01F", *ROW[2:]])
    for clip in corpus.clips:
        assert {path.parent.name for path in clip.frames} == {clip.name}


def test_a_subject_in_two_folders_is_told(tmp_path: Path) -> None:
    disk.write_casme2(tmp_path, [ROW])
    disk.touch(tmp_path / "CASME2_RAW_selected" / "sub1" / "EP03_02", ["img97.jpg", "img98.jpg"])
    corpus = casme2(tmp_path, ROW, CASME2[1])
    (reason,) = [exclusion.reason for exclusion in corpus.exclusions] or [""]
    assert len(corpus.clips) == 2 or "sub1" in reason.replace("sub01", ""), "the clip is there, and is said not to be"


def test_reasons_stay_short_whatever_a_cell_holds(tmp_path: Path) -> None:
    disk.write_casme2(tmp_path, [ROW])
    long = "x" * 30_000
    rows = [
        [*ROW[:3], long, *ROW[4:]],
        ["02", long, *ROW[2:]],
        [long, *ROW[1:]],
        ["03", "EP01_01", None, *ROW[3:8], long],
    ]
    for exclusion in casme2(tmp_path, *rows).exclusions:
        assert len(exclusion.reason) < 1_000
        assert len(exclusion.clip) < 1_000


def test_names_on_disk_with_line_breaks_stay_one_line(tmp_path: Path) -> None:
    disk.write_smic(tmp_path / "SMIC", names=[(1, "ne", "s1_ne_01"), (1, "ne", "s1_ne_02"), (1, "ne", "s1_x\ny_03")])
    negative = tmp_path / "SMIC" / "SMIC_all_raw" / "HS" / "s1" / "micro" / "negative"
    disk.touch(negative / "s1_ne_01", ["image\n999990.bmp"])
    (negative / "s1_ne_02").rename(negative / "\ns1_ne_02")
    for path in (negative / "\ns1_ne_02").iterdir():
        path.unlink()
    for exclusion in corpora.load("smic", tmp_path).exclusions:
        assert len(exclusion.reason.splitlines()) == len(exclusion.clip.splitlines()) == 1


def test_names_on_disk_need_not_be_text(tmp_path: Path) -> None:
    try:
        disk.write_casme2(tmp_path / os.fsdecode(b"x\xff"), [ROW])
    except OSError:
        pytest.skip("this file system takes text alone")
    disk.touch(tmp_path / os.fsdecode(b"\xfe") / os.fsdecode(b"sub\xff"), [os.fsdecode(b"\xff1.jpg")])
    (root,) = corpora.find(tmp_path).values()
    assert len(corpora.load("casme2", root).clips) == 1
    environment = {**os.environ, "PYTHONIOENCODING": "utf-8"}
    told = subprocess.run(
        [sys.executable, "run_all.py", "--check-data", str(tmp_path)],
        capture_output=True, cwd=Path(__file__).parent.parent, env=environment, check=False,
    )  # fmt: skip
    assert b"Traceback" not in told.stderr
    assert told.returncode == 0


def test_many_stray_files_cost_little() -> None:
    with tempfile.TemporaryDirectory(dir=MEMORY) as scratch:
        root = disk.write_casme2(Path(scratch), [ROW])
        at = os.open(root / "CASME2_RAW_selected" / "sub01" / "EP02_01f", os.O_RDONLY)
        for k in range(100_000 if MEMORY else 10_000):
            os.close(os.open(f"x{k}.tmp", os.O_CREAT | os.O_WRONLY, dir_fd=at))
        os.close(at)
        begun = time.perf_counter()
        assert len(corpora.load("casme2", corpora.find(root)["casme2"]).clips) == 1
        assert time.perf_counter() - begun < 5


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="everything is readable here")
def test_a_folder_that_may_not_be_read_is_told(tmp_path: Path) -> None:
    disk.write_casme2(tmp_path, [ROW, CASME2[2]])
    locked = tmp_path / "CASME2_RAW_selected" / "sub01"
    locked.chmod(0)
    try:
        corpus = corpora.load("casme2", corpora.find(tmp_path)["casme2"])
    finally:
        locked.chmod(0o755)
    assert [clip.id for clip in corpus.clips] == ["casme2/sub02/EP02_01f"]
    assert [exclusion.clip for exclusion in corpus.exclusions] == ["casme2/sub01/EP02_01f"]


def test_a_link_to_the_whole_disk_is_not_walked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    outside, data = tmp_path / "outside", tmp_path / "data"
    deep = outside.joinpath(*"abcdefgh")
    disk.write_casme2(data / "CASME2", [ROW])
    deep.mkdir(parents=True)
    for place in (data, data / "CASME2", data / "CASME2" / "CASME2_RAW_selected" / "sub01"):
        (place / "disk").symlink_to("/")
        (place / "above").symlink_to(tmp_path)
        (place / "beside").symlink_to(outside)
    seen, listing = [], trees._listing

    def counted(folder: Path) -> tuple[list[str], list[str]]:
        seen.append(os.path.realpath(folder))
        return listing(folder)

    monkeypatch.setattr(trees, "_listing", counted)
    roots = corpora.find(data)
    assert roots == {"casme2": data / "CASME2"}
    assert len(corpora.load("casme2", roots["casme2"]).clips) == 1
    strangers = [path for path in seen if not path.startswith((str(data), str(outside)))]
    assert strangers == []
    assert str(deep) not in seen
    assert len(seen) < 100


def test_a_very_deep_folder_ends(tmp_path: Path) -> None:
    root = disk.write_casme2(tmp_path / "data", [ROW])
    for top in (root, root / "CASME2_RAW_selected" / "sub01" / "EP02_01f"):
        at = os.open(top, os.O_RDONLY)
        for _ in range(1000):
            os.mkdir("n", dir_fd=at)
            below = os.open("n", os.O_RDONLY, dir_fd=at)
            os.close(at)
            at = below
        os.close(at)
    try:
        assert len(corpora.load("casme2", corpora.find(tmp_path)["casme2"]).clips) == 1
    finally:
        # deeper than Python's own removal goes
        subprocess.run(["rm", "-rf", str(root)], check=True)
