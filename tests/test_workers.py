"""Several processes do what one does, and what happens to one of them costs nothing that is done."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from multiprocessing import active_children
from multiprocessing.process import BaseProcess
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import guessing
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import papers
import run_all
from common import study
from common.cli import arguments
from common.contract import Trained
from common.errors import UserError
from common.progress import Display
from common.runs import folds, portions, preprocessing, store
from common.runs.processes import Pool

pytestmark = pytest.mark.usefixtures("without_pages")
ROOT = Path(__file__).parents[1]
KEY = "aouayeb2019"
FOLDS = 8
"""Of the four experiments that run by default, two each."""


def run(out: Path, cache: Path, workers: int, *words: str) -> int:
    where = ["--out", str(out), "--cache", str(cache), "--workers", str(workers)]
    return run_all.main(["--paper", KEY, "--profile", "smoke", *where, *words])


def results(out: Path) -> dict[str, Any]:
    """What every stored fold holds but its times and its memory."""
    stored = {}
    for file in sorted(out.glob("runs/*/*/*/*/folds/*.json")):
        record = json.loads(file.read_text(encoding="utf-8"))
        stored["/".join(file.parts[-5:])] = {
            name: record[name] for name in ("clips", "truth", "probabilities", "history")
        }
    return stored


def without_times(report: Path) -> dict[str, Any]:
    record = json.loads(report.read_text(encoding="utf-8"))
    del record["cost"]
    for row in record["subjects"]:
        del row["seconds"]
    return record


def test_two_processes_leave_what_one_does(
    cache: Path, new_cache: Callable[[], Path], tmp_path: Path, monkeypatch: Any, capsys: Any
) -> None:
    monkeypatch.setattr(papers, "parts", guessing.parts)
    assert run(tmp_path / "one", cache, 1) == 0
    alone = capsys.readouterr().out
    other = new_cache()
    assert run(tmp_path / "two", other, 2) == 0  # clips are prepared by both as well
    both = capsys.readouterr().out
    assert len(results(tmp_path / "one")) == FOLDS
    assert results(tmp_path / "two") == results(tmp_path / "one")
    assert without_times(tmp_path / "two" / f"{KEY}.json") == without_times(tmp_path / "one" / f"{KEY}.json")
    assert alone.count("clips right") == both.count("clips right") == FOLDS
    prepared, before = ({path.name for path in place.glob("clips/*/*.npz")} for place in (other, cache))
    assert prepared
    assert prepared <= before


def test_clips_are_prepared_in_processes_that_end_before_a_fold_is_trained_here(
    cache: Path, new_cache: Callable[[], Path], tmp_path: Path, monkeypatch: Any
) -> None:
    """As with the profile paper, in which the clips take the longest."""
    monkeypatch.setattr(papers, "parts", guessing.parts)
    monkeypatch.setattr(preprocessing, "make", None)  # not called in this process
    other, train = new_cache(), guessing.Guess.train
    left: list[list[BaseProcess]] = []

    def watched(*given: Any) -> Trained:
        left.append(active_children())
        return train(*given)

    monkeypatch.setattr(guessing.Guess, "train", staticmethod(watched))
    words = ["--paper", KEY, "--profile", "smoke", "--out", str(tmp_path), "--cache", str(other)]
    chosen = replace(run_all.studied(arguments.parse(words)), workers=1, preparers=2)
    with Display() as display:
        assert study.run(chosen, display) == 0
    assert len(left) >= FOLDS
    assert not any(left)
    arrays, before = ({path.name: path for path in place.glob("clips/*/*.npz")} for place in (other, cache))
    assert arrays
    for name, path in arrays.items():
        with np.load(path) as new, np.load(before[name]) as old:
            assert {key: new[key].tobytes() for key in new} == {key: old[key].tobytes() for key in old}


@pytest.mark.parametrize(("profile", "here"), [("paper", True), ("smoke", False)])
def test_the_number_of_processes(profile: str, here: bool, monkeypatch: Any) -> None:
    """A full study is trained in one process by default, but never prepared in one; --workers counts for both."""
    monkeypatch.setattr("os.cpu_count", lambda: 3)

    def processes(*words: str) -> tuple[int, int]:
        chosen = run_all.studied(arguments.parse(["--paper", KEY, "--profile", profile, *words]))
        return chosen.workers, chosen.preparers

    assert processes() == (1 if here else 3, 3)
    assert processes("--workers", "2") == (2, 2)
    assert processes("--workers", "1") == (1, 1)
    assert processes("--scheduler", "tcp://localhost:1") == (1, 1)  # unused: the cluster has its own


def test_a_killed_process_is_one_line_and_the_rest_is_done_next_time(
    cache: Path, tmp_path: Path, monkeypatch: Any, capsys: Any
) -> None:
    monkeypatch.setattr(papers, "parts", guessing.deadly)
    monkeypatch.setenv("DEADLY", str(tmp_path))
    (tmp_path / "1.bullet").touch()
    assert run(tmp_path / "out", cache, 2) == 1
    printed = capsys.readouterr().err
    assert "a process was killed, perhaps because memory ran out" in printed
    assert len(printed.strip().splitlines()) == 1
    done = results(tmp_path / "out")
    assert len(done) < FOLDS
    assert run(tmp_path / "out", cache, 2) == 0
    assert len(results(tmp_path / "out")) == FOLDS
    assert done.items() <= results(tmp_path / "out").items()


def started(program: str, *words: str) -> subprocess.Popen[str]:
    """A program in a group of its own, in which Ctrl-C interrupts Python even if it is ignored here."""
    heard = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler); "
    return subprocess.Popen(
        [sys.executable, "-c", heard + program, *words],
        env=os.environ | {"PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'tests'}"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def test_ctrl_c_ends_all_processes_at_once(cache: Path, tmp_path: Path) -> None:
    """The signal goes to the whole group, as a terminal sends it."""
    program = (
        "import sys, papers, guessing, run_all; papers.parts = guessing.slow; sys.exit(run_all.main(sys.argv[1:]))"
    )
    words = ["--paper", KEY, "--profile", "smoke", "--workers", "2", "--out", str(tmp_path), "--cache", str(cache)]
    with started(program, *words) as process:
        for _ in range(3000):  # stand-ins may have to be rendered first
            time.sleep(0.1)
            if results(tmp_path) or process.poll() is not None:
                break
        os.killpg(process.pid, signal.SIGINT)
        _, printed = process.communicate(timeout=30)
        time.sleep(1)
        assert not living(process.pid)
    assert process.returncode == 130
    *before, line = printed.strip().splitlines()
    assert "Interrupted" in line
    assert all(" so far" in said for said in before)  # progress
    assert 0 < len(results(tmp_path)) < FOLDS


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="processes are counted in /proc")
def test_when_the_first_process_is_killed_the_others_end(tmp_path: Path) -> None:
    """The one that works and the one that waits for work, within five seconds."""
    program = (
        "import pathlib, sys, time\n"
        "from common.runs.processes import Pool\n"
        "with Pool(2) as pool:\n"
        "    rests = [pool.start(time.sleep, seconds) for seconds in (600, 0)]\n"
        "    rests[1].result()\n"
        "    pathlib.Path(sys.argv[1]).touch()\n"
        "    rests[0].result()\n"
    )
    with started(program, str(tmp_path / "busy")) as process:
        for _ in range(600):
            time.sleep(0.1)
            if (tmp_path / "busy").exists():
                break
        assert len(living(process.pid)) > 2
        os.kill(process.pid, signal.SIGKILL)
        killed = time.monotonic()
        try:
            while living(process.pid) and time.monotonic() < killed + 5:
                time.sleep(0.05)
            assert not living(process.pid)
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)


def test_where_the_first_process_ignores_ctrl_c_the_others_do(tmp_path: Path) -> None:
    """As a shell starts what runs in the background."""
    program = (
        "import os, signal, time\n"
        "signal.signal(signal.SIGINT, signal.SIG_IGN)\n"
        "from common.runs.processes import Pool\n"
        "with Pool(2) as pool:\n"
        "    pool.start(time.sleep, 0).result()\n"
        "    rest = pool.start(time.sleep, 1)\n"
        "    os.killpg(0, signal.SIGINT)\n"
        "    rest.result()\n"
    )
    with started(program) as process:
        _, printed = process.communicate(timeout=120)
    assert process.returncode == 0, printed


@pytest.mark.parametrize("workers", [1, 2])
def test_a_finished_fold_reads_no_other(workers: int, cache: Path, tmp_path: Path, monkeypatch: Any) -> None:
    """Between two folds this process opens the last one alone, and the files of many folds are read twice at most."""
    events: list[Path] = []
    saved: set[Path] = set()
    read, save = store.read_json, store.Run.save

    def watched_read(path: Path, schema: Any) -> Any:
        record = read(path, schema)
        if path.parent.name == "folds":
            events.append(path)
        return record

    def watched_save(run: store.Run, result: Any) -> None:
        save(run, result)
        saved.add(run.fold_file(result.fold))
        events.clear()

    monkeypatch.setattr(papers, "parts", guessing.parts)
    monkeypatch.setattr(store, "read_json", watched_read)
    monkeypatch.setattr(store.Run, "save", watched_save)
    monkeypatch.setattr(folds, "run", checked(folds.run, events, saved))
    assert run(tmp_path, cache, workers) == 0
    assert len(results(tmp_path)) == FOLDS
    if workers == 1:
        assert len(saved) == FOLDS
    else:
        assert len(set(events)) == FOLDS
        assert max(Counter(events).values()) <= 2  # a fold that is stored while another is counted is read by both


def checked(train: Callable[..., int], events: list[Path], saved: set[Path]) -> Callable[..., int]:
    """`folds.run` that looks at what was read when a fold is finished: nothing but this fold."""

    def train_and_look(unit: Any, say: Any, line: Any, done: Callable[..., None]) -> int:
        def finished(job: Any, result: Any) -> None:
            done(job, result)
            assert set(events) <= {job.run.fold_file(result.fold)} <= saved

        return train(unit, say, line, finished)

    return train_and_look


def living(group: int) -> list[str]:
    """The processes of a group that still run."""
    names = []
    for file in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            name, _, rest = file.read_text().rpartition(")")
            state, _, of_group = rest.split()[:3]
            if int(of_group) == group and state != "Z":
                names.append(name)
    return names


def double(number: int) -> int:
    if number == 3:
        raise UserError("three is one too many")
    return 2 * number


def test_a_pool_hands_on_what_is_raised() -> None:
    for count in (1, 2):
        with Pool(count) as pool:
            assert sorted(pool.finished([pool.start(double, number) for number in (1, 2, 4)])) == [2, 4, 8]
            with pytest.raises(UserError, match="three is one too many"):
                list(pool.finished([pool.start(double, number) for number in (3,)]))


@given(
    st.lists(st.lists(st.tuples(st.integers(1, 90), st.integers(1, 10)), min_size=1, max_size=6), min_size=1),
    st.integers(1, 4),
)
def test_folds_are_shared_out_by_what_they_take(groups: list[list[tuple[int, int]]], workers: int) -> None:
    """Each fold once, folds of one network in their order, and no part far above its even share of all work."""
    plain = SimpleNamespace(control="")

    def group(number: int, jobs: list[tuple[int, int]]) -> list[tuple[Any, str]]:
        with_folds = [
            (
                SimpleNamespace(clips=range(clips), experiment=plain, name=f"{number} {place}"),
                folds,
            )
            for place, (clips, folds) in jobs
        ]
        return [(job, str(fold)) for job, folds in with_folds for fold in range(folds)]

    networks = [group(number, [*enumerate(jobs)]) for number, jobs in enumerate(groups)]
    shared = portions.portions(networks, workers)
    for network in networks:
        parts = [part for part in shared if part[0] in network]
        assert sorted(network, key=str) == sorted((task for part in parts for task in part), key=str)
        assert all(part == [task for task in network if task in part] for part in parts)
    even = sum(len(job.clips) for network in networks for job, _ in network) / workers
    largest = max(len(job.clips) for network in networks for job, _ in network)
    weights = [sum(len(job.clips) for job, _ in part) for part in shared]
    assert max(weights) <= even + largest + 1
    assert weights == sorted(weights, reverse=True)
