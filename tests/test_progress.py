"""What a run says while it works, with a terminal and without, and the log of all it has said."""

from __future__ import annotations

import logging
import os
import re
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import guessing
import pytest

import papers
import run_all
from common.progress import Display, display, doing, log
from common.runs import status

ROOT = Path(__file__).parents[1]
KEY = "aouayeb2019"
FOLDS = rf"{KEY}: folds (\d) of 8, \d+ s so far"
EPOCHS = rf"{KEY} [\w-]+/[\w-]+ fold \d: stage epochs \d+ of 12, loss [\d.]+, \d+ s so far, about \d+ s left"
STAMP = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d[+-]\d\d:\d\d  ")


def words(out: Path, cache: Path, *more: str) -> list[str]:
    return ["--paper", KEY, "--profile", "smoke", "--out", str(out), "--cache", str(cache), *more]


def logged(out: Path) -> list[str]:
    """The lines of a log without their times, which all of them have."""
    lines = [line for line in (out / log.NAME).read_text(encoding="utf-8").splitlines() if line]
    assert all(STAMP.match(line) for line in lines)
    return [STAMP.sub("", line, count=1) for line in lines]


def _both_train(line: str) -> bool:
    """Whether a line shows the epochs of both processes."""
    return len(re.findall(EPOCHS, line)) == 2


@pytest.fixture(autouse=True)
def no_log(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log, "_file", None)
    monkeypatch.setattr(log, "_command", "")


@pytest.mark.usefixtures("without_pages")
def test_every_printed_line_is_in_the_log(
    cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(papers, "parts", guessing.diverging)
    typed = words(tmp_path, cache, "--workers", "2", "--experiment", "composite-loso/cnn-in-fold")
    assert run_all.main(typed) == 1
    first = capsys.readouterr()
    assert run_all.main([*typed, "--report-only", "--set", "lstm_epochs=77"]) == 2
    second = capsys.readouterr()
    printed = [line for part in (first.out, first.err, second.out, second.err) for line in part.splitlines()]
    assert any("failed, FloatingPointError" in line for line in printed)
    assert printed[-1].startswith("run_all.py: ")
    lines = logged(tmp_path)
    assert set(printed) <= set(lines)
    heads = [number for number, line in enumerate(lines) if line.startswith("python run_all.py ")]
    assert len(heads) == 2
    assert heads[0] == 0
    assert lines[heads[1]].endswith("--set lstm_epochs=77")


def test_a_run_without_a_terminal_says_what_it_does_and_its_log_survives_a_kill(cache: Path, tmp_path: Path) -> None:
    program = (
        "import sys, papers, guessing, run_all\nfrom common.progress import display\n"
        "papers.parts, display.PERIOD = guessing.counting, 0.1\n"
        "if __name__ == '__main__':\n    sys.exit(run_all.main(sys.argv[1:]))"
    )
    environment = os.environ | {"PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'tests'}"}
    command = [sys.executable, "-c", program, *words(tmp_path, cache, "--workers", "2")]
    with subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    ) as process:
        deadline = time.monotonic() + 120
        while time.monotonic() < deadline and process.poll() is None:
            time.sleep(0.1)
            done = len([*tmp_path.glob("runs/*/*/*/*/folds/*.json")])
            if done >= 3 and any(map(_both_train, (tmp_path / log.NAME).read_text("utf-8").splitlines())):
                break
        os.killpg(process.pid, signal.SIGKILL)
        out, err = process.communicate(timeout=30)
    lines = logged(tmp_path)
    assert {*out.splitlines(), *err.splitlines()} <= set(lines)
    assert "clips right" in out
    said = err.splitlines()
    assert all(re.match(FOLDS, line) for line in said if "folds" in line)
    assert re.search(FOLDS + r", about \d+ s left", said[-1])
    assert any(map(_both_train, said))
    assert len(said) >= 4


@pytest.mark.usefixtures("without_pages")
def test_one_process_says_the_same(
    cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(papers, "parts", guessing.counting)
    monkeypatch.setattr(display, "PERIOD", 0.1)
    typed = words(tmp_path, cache, "--workers", "1", "--experiment", "composite-loso/cnn-in-fold")
    assert run_all.main(typed) == 0
    out, said = capsys.readouterr()
    assert {*out.splitlines(), *said.splitlines()} <= set(logged(tmp_path))
    assert re.search(rf"{KEY}: folds 0 of 2, .*; {KEY} \S+ fold \d: stage epochs \d+ of 12, loss ", said)
    assert re.search(rf"{KEY}: folds 1 of 2, \d+ s so far, about \d+ s left; ", said)


@pytest.mark.usefixtures("without_pages")
@pytest.mark.parametrize("workers", ["1", "2"])
def test_no_bar_of_epochs_outlives_its_fold(
    workers: str, cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(papers, "parts", guessing.stopping)
    shown: dict[str, bool] = {}
    real = Display.progress

    def progress(self: Display, name: str, done: int, total: int, detail: str = "", /) -> None:
        shown[name] = done < total
        real(self, name, done, total, detail)

    monkeypatch.setattr(Display, "progress", progress)
    typed = words(tmp_path, cache, "--workers", workers, "--experiment", "composite-loso/cnn-in-fold")
    assert run_all.main(typed) == 0
    assert any("stage epochs" in name for name in shown)
    assert not [name for name, open_still in shown.items() if open_still]


@pytest.mark.parametrize("columns", ["80", "200"])
def test_a_terminal_shows_bars_with_the_time_left(
    columns: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("COLUMNS", columns)
    name = f"{KEY} composite-loso/landmark-boxes-in-fold smic/s2: CNN epochs"
    with Display() as shown:
        shown.progress(name, 0, 10)
        time.sleep(0.02)
        shown.progress(name, 5, 10, "loss 0.693")
        shown._bars.refresh()
        shown.line("a line")
    printed = capsys.readouterr().err
    assert all(text in printed for text in ("5/10", "loss 0.693", "about 0 s left"))
    assert [task.description for task in shown._bars.tasks] == [name]
    shown.progress(name, 10, 10)
    assert shown._bars.tasks == []


def test_what_begins_is_said_soon_and_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The epochs of the folds of a paper are one thing, those of another paper another; what is short is not said."""
    monkeypatch.setattr(display, "SOON", 0.05)
    log.begin(tmp_path, [])
    with Display() as shown, doing(shown.progress, "one: loading"):
        with doing(shown.progress, "one: over at once"):
            pass
        time.sleep(0.2)
        for fold in ("one smic/s1: epochs", "one smic/s2: epochs", "two smic/s1: epochs"):
            shown.progress(fold, 1, 4, "loss 2")
            time.sleep(0.2)
            shown.progress(fold, 4, 4)
    said = capsys.readouterr().err.splitlines()
    assert [line.partition(",")[0] for line in said] == [
        "one: loading",
        "one smic/s1: epochs 1 of 4",
        "two smic/s1: epochs 1 of 4",
    ]
    assert logged(tmp_path)[1:] == said
    assert shown._bars.tasks == []


def test_something_is_shown_all_the_time() -> None:
    open_now: dict[str, bool] = {}
    steps: list[set[str]] = []

    def say(what: str, done: int, total: int, detail: str = "", /) -> None:
        open_now[what] = done < total
        steps.append({name for name, is_open in open_now.items() if is_open})

    with status.never_silent(say, "between") as inside:
        for what in ("epochs", "check"):
            inside(what, 0, 2)
            inside("settings", 0, 1)
            inside(what, 1, 2)
            inside(what, 2, 2)
            inside("settings", 1, 1)
    *during, last = steps
    assert all(during)
    assert last == set()
    assert during[-1] == {"between"}
    assert {"epochs", "settings"} in steps


def test_threads_may_show_the_same_progress() -> None:
    faults: list[Exception] = []

    def work(shown: Display) -> None:
        try:
            for step in range(2000):
                shown.progress("epochs", step % 3, 2)
        except KeyError as error:
            faults.append(error)

    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        with Display() as shown:
            threads = [threading.Thread(target=work, args=(shown,)) for _ in range(4)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
    finally:
        sys.setswitchinterval(before)
    assert not faults
    shown.progress("epochs", 2, 2)
    assert shown._bars.tasks == []


def test_nothing_is_printed_after_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(display, "PERIOD", 0.01)
    monkeypatch.setattr(Display, "fault", lambda self, text: time.sleep(0.3))
    before = set(threading.enumerate())
    with Display() as shown:
        shown.progress("epochs", 1, 2)
        time.sleep(0.1)
    assert set(threading.enumerate()) == before


def test_warnings_and_what_ends_a_run_are_logged(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    log.begin(tmp_path, ["--paper", "some"])
    root = logging.getLogger()
    others, root.handlers = root.handlers, []
    try:
        with Display():
            logging.getLogger("mer").warning("a file is damaged")
        assert root.handlers == []
    finally:
        root.handlers = others
    log.complain("run_all.py: stopped")
    assert capsys.readouterr().err.splitlines() == ["a file is damaged", "run_all.py: stopped"]
    assert logged(tmp_path) == ["python run_all.py --paper some", "a file is damaged", "run_all.py: stopped"]


def test_the_home_folder_is_not_printed_unless_it_was_typed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    home = tmp_path / "somebody"
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("USERPROFILE", str(home))
    with Display() as shown:
        shown.line(f"cannot write {home}/.cache/mer-suite, see {home}.txt")
        shown.line(f"--data /mnt{home}/corpora --as smic={home}/smic")
    assert capsys.readouterr().out.splitlines() == [
        f"cannot write ~/.cache/mer-suite, see {home}.txt",
        f"--data /mnt{home}/corpora --as smic=~/smic",
    ]
    log.begin(tmp_path, ["--data", f"{home}/corpora"])
    assert log.without_home(f"{home}/corpora") == f"{home}/corpora"


def test_a_log_that_cannot_be_written_stops_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    log.begin(tmp_path / "missing", [])
    log.complain("still printed")
    assert capsys.readouterr().err == "still printed\n"


def test_text_from_files_stays_one_printable_line(tmp_path: Path) -> None:
    log.begin(tmp_path, [])
    log.write("odd \x1b[31m name\r\udcff")
    assert logged(tmp_path)[1] == "odd \\x1b[31m name\\r\\udcff"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.2, "0 s"), (59, "59 s"), (90, "2 min"), (3599, "1 h 0 min"), (5220, "1 h 27 min"), (270_000, "3 d 3 h")],
)
def test_durations(seconds: float, text: str) -> None:
    assert display.duration(seconds) == text


def test_the_state_of_processes_is_read_from_their_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    status.Reporter()("epochs", 1, 3)  # without a folder nothing happens
    monkeypatch.setattr(status, "_folder", tmp_path)
    monkeypatch.setattr(status, "PERIOD", 0.0)
    reporter = status.Reporter()
    reporter("epochs", 1, 3, "loss 2")
    reporter("settings", 0, 4)
    (tmp_path / "1.json").write_text('{"of another": [2', encoding="utf-8")  # cut off
    assert status.read(tmp_path) == {"epochs": (1, 3, "loss 2"), "settings": (0, 4, "")}
    reporter("epochs", 3, 3)
    assert status.read(tmp_path) == {"settings": (0, 4, "")}
    assert status.read(tmp_path / "gone") == {}
