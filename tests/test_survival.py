"""Store and cache under fire: kills, two runs at once, full and read-only disks, damaged files, a clock set back.

A recipe that learns nothing stands in for the networks; clips, cache, store and reports are real.
"""

from __future__ import annotations

import contextlib
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import guessing
import pytest

import papers
import run_all
from common.runs.store import Run

pytestmark = pytest.mark.usefixtures("without_pages")
ROOT = Path(__file__).parents[1]
KEY = "aouayeb2019"
KILLS = 20
PROGRAM = (
    "import sys, papers, guessing, run_all; papers.parts = guessing.unhurried; sys.exit(run_all.main(sys.argv[1:]))"
)


def words(out: Path, cache: Path, *more: str) -> list[str]:
    return ["--paper", KEY, "--profile", "smoke", "--out", str(out), "--cache", str(cache), "--workers", "1", *more]


def started(out: Path, cache: Path, *more: str) -> subprocess.Popen[str]:
    """A run in a process of its own, whose folds take a while."""
    environment = os.environ | {"PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'tests'}"}
    return subprocess.Popen(
        [sys.executable, "-c", PROGRAM, *words(out, cache, *more)],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    )


def folds(out: Path) -> dict[str, bytes]:
    return {"/".join(f.parts[-5:]): f.read_bytes() for f in sorted(out.glob("runs/*/*/*/*/folds/*.json"))}


def predictions(out: Path) -> dict[str, Any]:
    stored = {}
    for name, content in folds(out).items():
        record = json.loads(content)
        stored[name] = (record["clips"], record["truth"], record["probabilities"])
    return stored


def all_load(out: Path) -> bool:
    """Whether every stored result is whole."""
    files = out.glob("runs/*/*/*/*/folds/*.json")
    return all(Run(file.parents[1]).load(json.loads(file.read_bytes())["fold"]) is not None for file in files)


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory, new_cache: Callable[[], Path]) -> Iterator[tuple[Path, Path]]:
    """The results and the cache of a run that nothing happened to."""
    out, cache = tmp_path_factory.mktemp("undisturbed"), new_cache()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(papers, "parts", guessing.parts)
        assert run_all.main(words(out, cache)) == 0
        yield out, cache


@pytest.mark.slow
def test_killed_twenty_times_at_random_moments_nothing_finished_is_lost(
    undisturbed: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    monkeypatch.setattr(papers, "parts", guessing.parts)
    rng = random.Random(1)
    out, cache, seeds = tmp_path / "out", tmp_path / "cache", ("--seeds", "7")
    kept: dict[str, bytes] = {}
    counts = []
    for number in range(KILLS):
        with started(out, cache, *seeds) as process:
            if number % 2:  # as soon as another fold is stored, or a moment later: while the next one is written
                while process.poll() is None and len(folds(out)) == len(kept):
                    time.sleep(0.02)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(rng.uniform(0, 0.7) if number % 2 else rng.uniform(1, 9))
            process.send_signal(signal.SIGKILL)
        now = folds(out)
        assert kept.items() <= now.items()  # nothing lost, nothing written anew
        assert all_load(out)
        kept = now
        counts.append(len(now))
    assert run_all.main(words(out, cache, *seeds)) == 0
    assert run_all.main(words(tmp_path / "at once", undisturbed[1], *seeds)) == 0
    assert predictions(out) == predictions(tmp_path / "at once")
    with capsys.disabled():
        print(f"\n{KILLS} kills; folds in the store after each: {counts}; of {len(folds(out))}")
    assert len(set(counts)) > KILLS // 2  # most kills hit a run that had folds to do


@pytest.mark.slow
def test_two_runs_at_once_count_nothing_twice(undisturbed: tuple[Path, Path], tmp_path: Path) -> None:
    out, cache = tmp_path / "out", tmp_path / "cache"
    with started(out, cache) as first, started(out, cache) as second:
        outputs = [process.communicate(timeout=120) for process in (first, second)]
    assert [first.returncode, second.returncode] == [0, 0], outputs
    assert predictions(out) == predictions(undisturbed[0])
    assert all_load(out)
    report = json.loads((out / f"{KEY}.json").read_text(encoding="utf-8"))
    clips = {
        row["reproduced"]["n_clips"]
        for row in report["comparisons"]
        if row["corpus"] == "megc2019" and row["reproduced"]
    }
    assert clips == {4}


@contextlib.contextmanager
def mounted(folder: Path, options: str) -> Iterator[None]:
    """A small file system of its own; the test is left out where that is not allowed."""
    folder.mkdir()
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)], capture_output=True, check=False
    )
    if done.returncode:
        pytest.skip("file systems cannot be mounted here")
    try:
        yield
    finally:
        subprocess.run(["umount", str(folder)], check=True)


@pytest.mark.slow
def test_a_full_disk_is_one_line_and_what_is_stored_stays(
    undisturbed: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    monkeypatch.setattr(papers, "parts", guessing.parts)
    disk = tmp_path / "disk"
    with mounted(disk, "size=400k"):
        assert run_all.main(words(disk / "out", undisturbed[1])) in (1, 2)
        (line,) = capsys.readouterr().err.strip().splitlines()
        assert "No space left" in line
        assert str(disk) in line
        kept = folds(disk / "out")
        assert all_load(disk / "out")
        subprocess.run(["mount", "-o", "remount,size=40m", str(disk)], check=True)
        assert run_all.main(words(disk / "out", undisturbed[1])) == 0
        assert kept.items() <= folds(disk / "out").items()
        assert predictions(disk / "out") == predictions(undisturbed[0])


@pytest.mark.slow
def test_a_read_only_cache_serves_what_it_holds_and_else_is_one_line(
    undisturbed: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    monkeypatch.setattr(papers, "parts", guessing.parts)
    disk = tmp_path / "disk"
    with mounted(disk, "size=200m"):
        shutil.copytree(undisturbed[1], disk / "cache", copy_function=shutil.copy2)
        assert run_all.main(words(tmp_path / "warm", disk / "cache")) == 0  # paths have changed: what is read is noted
        entry = next(disk.glob("cache/clips/*/*.npz"))
        subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
        assert run_all.main(words(tmp_path / "out", disk / "cache")) == 0
        assert predictions(tmp_path / "out") == predictions(undisturbed[0])
        subprocess.run(["mount", "-o", "remount,rw", str(disk)], check=True)
        entry.unlink()
        subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
        capsys.readouterr()
        assert run_all.main(words(tmp_path / "new", disk / "cache")) in (1, 2)
        (line,) = capsys.readouterr().err.strip().splitlines()
        assert "Read-only file system" in line
        assert "--cache" in line


def test_damaged_files_are_named_and_made_again(
    undisturbed: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: Any
) -> None:
    monkeypatch.setattr(papers, "parts", guessing.parts)
    out, cache = tmp_path / "out", tmp_path / "cache"
    shutil.copytree(undisturbed[0], out)
    shutil.copytree(undisturbed[1], cache, copy_function=shutil.copy2)
    results = sorted(out.glob("runs/*/*/*/*/folds/*.json"))
    results[0].write_bytes(results[0].read_bytes()[:100])
    results[1].write_text(results[1].read_text(encoding="utf-8").replace("0.0", "0.5", 1), encoding="utf-8")
    entries = sorted(cache.glob("clips/*/*.npz"))
    for entry in entries:
        content = bytearray(entry.read_bytes())
        content[len(content) // 2] ^= 255
        entry.write_bytes(content)
    assert run_all.main(words(out, cache)) == 0
    assert predictions(out) == predictions(undisturbed[0])
    named = [record.getMessage() for record in caplog.records]
    for file in results[:2]:
        assert any(str(file) in message for message in named)
    assert any("cache entry" in message and "again" in message for message in named)


@pytest.mark.parametrize("workers", ["1", "2"])
def test_damage_is_reported_once_and_repaired(
    undisturbed: tuple[Path, Path],
    workers: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: Any,
    caplog: Any,
) -> None:
    def told() -> str:
        return caplog.text + "".join(capsys.readouterr())  # what other processes notice is printed here

    monkeypatch.setattr(papers, "parts", guessing.parts)
    out, cache = tmp_path / "out", undisturbed[1]
    shutil.copytree(undisturbed[0], out)
    (fold, *_), (*_, notes), (about, *_) = (
        sorted(out.glob(f"runs/*/*/*/*/{name}")) for name in ("folds/*.json", "notes.json", "run.json")
    )
    before = {file: json.loads(file.read_bytes()) for file in (notes, about)}
    for file in (fold, notes, about):
        file.write_bytes(file.read_bytes()[:9])
    assert run_all.main([*words(out, cache), "--workers", workers]) == 0
    lines = told()
    for file in (fold, notes, about):
        assert lines.count(f"{file} is damaged") == 1
        assert file.with_name(f"{file.name}.damaged").stat().st_size == 9
    assert predictions(out) == predictions(undisturbed[0])
    for file, record in before.items():
        assert {name: value for name, value in json.loads(file.read_bytes()).items() if "seconds" not in name} == {
            name: value for name, value in record.items() if "seconds" not in name
        }
    caplog.clear()
    assert run_all.main([*words(out, cache), "--workers", workers]) == 0
    assert "damaged" not in told()


@pytest.mark.parametrize("fault", ["typst", "none"])
def test_a_fault_of_typst_is_one_line_and_all_else_is_written(
    undisturbed: tuple[Path, Path], fault: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    class Panic(BaseException):
        """Like a panic of typst, which is no Exception."""

    def panic(*_: Any, **__: Any) -> bytes:
        raise Panic("range start index 1 out of range\nfor slice of length 0")

    monkeypatch.undo()  # the pages are set here
    monkeypatch.setattr(papers, "parts", guessing.parts)
    shutil.copytree(undisturbed[0], tmp_path / "out")
    capsys.readouterr()
    if fault == "typst":
        monkeypatch.setattr("typst.Compiler", panic)
    both = ["--paper", KEY, "liong2019", *words(tmp_path / "out", undisturbed[1])[2:], "--report-only"]
    assert run_all.main(both) == (1 if fault == "typst" else 0)
    printed = capsys.readouterr()
    names = {path.name for path in (tmp_path / "out").iterdir()}
    assert {f"{KEY}.json", f"{KEY}.csv", "comparison.json", "comparison.csv", "index.html"} <= names
    if fault == "typst":
        assert not any(name.endswith(".pdf") for name in names)
        assert len(printed.err.strip().splitlines()) == 3  # one for each PDF
    else:
        assert {f"{KEY}.pdf", "liong2019.pdf", "comparison.pdf"} <= names


def test_a_clock_set_back_changes_nothing(
    undisturbed: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    """All that is stored seems to come from the future."""
    monkeypatch.setattr(papers, "parts", guessing.parts)
    out = tmp_path / "out"
    shutil.copytree(undisturbed[0], out)
    before = folds(out)
    later = time.time() + 10 * 365 * 86400
    for file in [*out.rglob("*"), *undisturbed[1].glob("clips/*/*")]:
        os.utime(file, (later, later))
    capsys.readouterr()
    assert run_all.main(words(out, undisturbed[1])) == 0
    assert "all folds (2) are stored" in capsys.readouterr().out
    assert folds(out) == before
