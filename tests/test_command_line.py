"""The command line on real files: whole runs, resumed runs, and everything a user can get wrong."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

import papers
import run_all
from common.contract import Parts, Trained
from common.corpora.grounds import GROUNDS
from common.corpora.marker import MARKER
from common.errors import ClipError
from common.types import Predictions, Samples

pytestmark = pytest.mark.usefixtures("without_pages")
KEY = "aouayeb2019"
LAST = "fold 2"
"""Of the two folds of the profile smoke."""
ROOT = Path(__file__).parents[1]
SMOKE = ["--paper", KEY, "--profile", "smoke"]
BOTH = ["--experiment", "composite-loso/cnn-once", "composite-loso/cnn-in-fold"]
"""One whose networks are shared by all folds in part, and its leak-free twin."""
ALONE = ["--workers", "1"]
"""What is put in another's place for a test is there in this process only."""


def predictions(out: Path) -> dict[str, dict]:
    """Clip ids and probabilities of every stored fold."""
    files = sorted(out.glob("runs/*/*/*/*/folds/*.json"))
    return {
        "/".join(file.parts[-5:]): {
            k: v for k, v in json.loads(file.read_text()).items() if k in ("clips", "probabilities")
        }
        for file in files
    }


def assert_same(actual: dict[str, dict], expected: dict[str, dict]) -> None:
    """The same folds, clips and probabilities.

    Operations that run in threads round differently now and then: of the probabilities one unit in the last place of a
    float32 was seen to change between two runs of one process, with equal training curves.
    """
    assert actual.keys() == expected.keys()
    for name in expected:
        assert actual[name]["clips"] == expected[name]["clips"], name
        assert np.abs(np.subtract(actual[name]["probabilities"], expected[name]["probabilities"])).max() < 1e-6, name


def places(out: Path, cache: Path) -> list[str]:
    return ["--out", str(out), "--cache", str(cache)]


# ---------------------------------------------------------------- a whole run, with the real networks


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory, new_cache: Callable[[], Path]) -> tuple[Path, Path]:
    out, cache = tmp_path_factory.mktemp("out"), new_cache()
    assert run_all.main([*SMOKE, *BOTH, *ALONE, *places(out, cache)]) == 0
    return out, cache


def test_a_run_leaves_what_it_promises(finished: tuple[Path, Path]) -> None:
    out, _ = finished
    report = json.loads((out / f"{KEY}.json").read_text())
    assert report["data"] == "stand-in"
    assert report["profile"] == "smoke"
    run = {"cnn-once", "cnn-in-fold"}
    assert {row["variant"] for row in report["comparisons"]} == {
        experiment.variant for experiment in papers.load(KEY).experiments if not experiment.tuned_of
    }
    assert {row["variant"] for row in report["comparisons"] if row["verdict"] != "NOT_RUN"} == run
    for row in report["comparisons"]:
        if row["variant"] not in run:
            continue
        assert row["verdict"] == "NOT_COMPARABLE"
        assert "measured on stand-in corpora; the profile smoke" in row["reason"]
        assert "folds are done" not in row["reason"]
        assert (row["reproduced"]["n_folds_done"], row["reproduced"]["n_folds"]) == (2, 2)
        if row["corpus"] == "megc2019":
            low, value, high = (row["reproduced"][name] for name in ("low", "value", "high"))
            assert (low, high) == (None, None) or 0 <= low <= value <= high <= 1  # two subjects may not vary
    assert len(predictions(out)) == 2 * len(run)
    assert (out / f"{KEY}.pdf").read_bytes().startswith(b"%PDF")
    by_class = sum(len(confusion["f1"]) for confusion in report["confusions"])
    assert (out / f"{KEY}.csv").read_text().count("\n") == len(report["comparisons"]) + by_class + 1


def test_the_corpus_rows_are_the_composite_restricted(finished: tuple[Path, Path]) -> None:
    report = json.loads((finished[0] / f"{KEY}.json").read_text())
    for variant in ("cnn-once", "cnn-in-fold"):
        by_corpus = {c["corpus"]: np.array(c["matrix"]) for c in report["confusions"] if c["variant"] == variant}
        whole = by_corpus.pop("megc2019")
        assert (sum(by_corpus.values()) == whole).all()
        value = next(
            c["reproduced"]["value"]
            for c in report["comparisons"]
            if (c["variant"], c["corpus"], c["metric"]) == (variant, "megc2019", "uar")
        )
        assert value == pytest.approx(np.mean(np.diag(whole) / whole.sum(axis=1)))


def test_a_warm_run_trains_and_preprocesses_nothing(finished: tuple[Path, Path], monkeypatch, capsys) -> None:
    out, cache = finished
    before = (out / f"{KEY}.json").read_bytes()
    forbid(monkeypatch)
    assert run_all.main([*SMOKE, *BOTH, *ALONE, *places(out, cache)]) == 0
    assert "all folds (2) are stored" in capsys.readouterr().out
    assert (out / f"{KEY}.json").read_bytes() == before


def test_a_report_alone_needs_neither_cache_nor_training(
    finished: tuple[Path, Path], tmp_path: Path, monkeypatch
) -> None:
    out, _ = finished
    before = (out / f"{KEY}.json").read_bytes()
    forbid(monkeypatch)
    assert run_all.main([*SMOKE, *BOTH, *ALONE, "--report-only", *places(out, tmp_path / "none")]) == 0
    assert (out / f"{KEY}.json").read_bytes() == before


def forbid(monkeypatch: pytest.MonkeyPatch) -> None:
    real = papers.parts(KEY)

    class Untouchable:
        def __getattr__(self, name: str) -> object:
            raise AssertionError(f"{name} was used")

    monkeypatch.setattr(papers, "parts", lambda key: Parts(Untouchable(), real.figures, Untouchable))  # type: ignore[arg-type]


def test_a_resumed_run_equals_an_uninterrupted_one(
    finished: tuple[Path, Path], new_cache: Callable[[], Path], tmp_path: Path
) -> None:
    """Some folds and all prepared clips gone: the same comes out."""
    out, _ = finished
    again = tmp_path / "again"
    shutil.copytree(out, again)
    expected = predictions(out)
    for file in sorted(again.glob("runs/*/*/cnn-*/*/folds/*.json"))[1::2]:
        file.unlink()
    kept = {file: file.stat().st_mtime_ns for file in again.glob("runs/*/*/*/*/folds/*.json")}
    assert len(kept) == len(expected) - 2
    assert run_all.main([*SMOKE, *BOTH, *ALONE, *places(again, new_cache())]) == 0
    assert_same(predictions(again), expected)
    assert {file: file.stat().st_mtime_ns for file in kept} == kept


@pytest.mark.slow
@pytest.mark.parametrize("seconds", [4, 14, 22, 26, 30, 34, 38])
def test_killed_at_any_moment_nothing_is_lost(finished: tuple[Path, Path], tmp_path: Path, seconds: float) -> None:
    command = [sys.executable, "run_all.py", *SMOKE, *BOTH, *places(tmp_path / "out", tmp_path / "cache")]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        time.sleep(seconds)
        process.send_signal(signal.SIGKILL)
    done = {path: path.read_bytes() for path in tmp_path.glob("out/runs/*/*/*/*/folds/*.json")}
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    assert_same(predictions(tmp_path / "out"), predictions(finished[0]))
    assert {path: path.read_bytes() for path in done} == done


# ---------------------------------------------------------------- wrong input, with a network that only counts


class Guess:
    """A recipe that answers the first class, to run everything but the training."""

    class Networks:
        def facts(self) -> dict[str, int]:
            return {}

        def flops(self, rows_per_clip: float) -> float:
            return 0.0

    @classmethod
    def build_networks(cls, network, training, shapes, classes, seed) -> Networks:
        return cls.Networks()

    @staticmethod
    def train(networks, experiment, samples, fold_run) -> Trained:
        def predict(test: Samples) -> Predictions:
            return {clip: np.eye(3, dtype=np.float32)[0] for clip in test.clip.tolist()}

        return Trained(predict, {})


class Interrupted(Guess):
    """The user presses Ctrl-C in the last fold."""

    @staticmethod
    def train(networks, experiment, samples, fold_run) -> Trained:
        if fold_run.fold == LAST:
            raise KeyboardInterrupt
        return Guess.train(networks, experiment, samples, fold_run)


@pytest.fixture
def licensed(standin_data: Path, cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the stand-ins, read as a user's own corpora; beside it the cache of all tests."""
    real = papers.parts(KEY)
    monkeypatch.setattr(papers, "parts", lambda key: Parts(real.preprocess, real.figures, lambda: Guess))  # type: ignore[arg-type,return-value]
    shutil.copytree(standin_data, tmp_path / "data")
    for marker in (tmp_path / "data").rglob(MARKER):
        marker.unlink()
    (tmp_path / "cache").symlink_to(cache)
    return tmp_path / "data"


def run_on(data: Path, *more: str) -> int:
    if "--experiment" not in more:
        more = ("--experiment", "composite-loso/cnn-once", *more)
    return run_all.main(
        [*SMOKE, *ALONE, "--data", str(data), *places(data.parent / "out", data.parent / "cache"), *more]
    )


def usable(data: Path) -> Path:
    """The folder of a CASME II clip that the smoke run uses."""
    assert run_on(data) == 0
    (file, *_) = sorted((data.parent / "out").glob("runs/*/*/cnn-once/*/folds/fold 1.json"))
    name = json.loads(file.read_text())["clips"][0].split("/")[-1]
    return next(path for path in (data / "CASME2").glob(f"**/sub01/{name}"))


@pytest.mark.parametrize(
    "fault",
    [
        "missing folder",
        *(
            pytest.param(fault, marks=pytest.mark.slow)
            for fault in ("truncated image", "two sizes", "no image", "single frame", "zero bytes")
        ),
    ],
)
def test_a_faulty_clip_is_one_line_and_the_rest_goes_on(licensed: Path, capsys, fault: str) -> None:
    import cv2

    folder = usable(licensed)
    frames = sorted(folder.iterdir())
    capsys.readouterr()
    middle = frames[0]
    if fault == "missing folder":
        shutil.rmtree(folder)
    elif fault == "truncated image":
        middle.write_bytes(middle.read_bytes()[:5000])
    elif fault == "no image":
        middle.write_bytes(b"not a picture at all")
    elif fault == "zero bytes":
        middle.write_bytes(b"")
    elif fault == "single frame":
        for frame in frames[1:]:
            frame.unlink()
    else:
        cv2.imwrite(str(middle), cv2.imread(str(middle))[:-2])
    assert run_on(licensed) == 1
    lines = [line for line in capsys.readouterr().out.splitlines() if line.startswith("excluded ")]
    assert len(lines) == 1
    assert folder.name in lines[0]
    report = json.loads((licensed.parent / "out" / f"{KEY}.json").read_text())
    assert report["data"] == "licensed"
    assert any(folder.name in row["clip"] and row["fault"] for row in report["exclusions"])


def test_a_fold_that_fails_is_noted_and_no_result(licensed: Path, monkeypatch, capsys) -> None:
    class Broken(Guess):
        @staticmethod
        def train(networks, experiment, samples, fold_run) -> Trained:
            if fold_run.fold == LAST:
                raise RuntimeError("out of luck")
            return Guess.train(networks, experiment, samples, fold_run)

    real = papers.parts(KEY)
    monkeypatch.setattr(papers, "parts", lambda key: Parts(real.preprocess, real.figures, lambda: Broken))
    assert run_on(licensed, "--experiment", "composite-loso/cnn-once") == 1
    assert f"{LAST}: failed, RuntimeError: out of luck" in capsys.readouterr().out
    report = json.loads((licensed.parent / "out" / f"{KEY}.json").read_text())
    verdicts = {(row["variant"], row["verdict"]) for row in report["comparisons"]}
    others = {e.variant for e in papers.load(KEY).experiments if not e.tuned_of} - {"cnn-once"}
    assert verdicts == {("cnn-once", "INCOMPLETE")} | {(name, "NOT_RUN") for name in others}
    assert all(row["reproduced"] is None for row in report["comparisons"] if row["variant"] == "cnn-in-fold")
    assert run_on(licensed, "--dry-run") == 0
    assert re.search(r": \d+ clips, 1 fold to run, .* \(1 stored, 1 failed before\)", capsys.readouterr().out)


def test_another_seed_or_file_is_another_run(licensed: Path) -> None:
    folder = usable(licensed)
    runs = licensed.parent / "out" / "runs"
    count = len(list(runs.glob("*/*/cnn-once/*/run.json")))
    assert run_on(licensed, "--seed", "1") == 0
    assert len(list(runs.glob("*/*/cnn-once/*/run.json"))) == count + 1
    frame = sorted(folder.iterdir())[0]
    frame.write_bytes(frame.read_bytes() + b"\0")
    assert run_on(licensed) == 0
    assert len(list(runs.glob("*/*/cnn-once/*/run.json"))) == count + 2


@pytest.mark.parametrize(
    "arguments",
    [
        ["--paper", "nobody2020"],
        ["--paper", KEY, "--experiment", "nothing"],
        ["--paper", KEY, "--data", "{tmp}/none"],
        ["--paper", KEY, "--data", "{tmp}/empty"],
        ["--check-data", "{tmp}/empty"],
        ["--paper", KEY, "--out", "{tmp}/file/reports"],
        ["--paper", KEY, "--cache", "{tmp}/file/cache"],
        ["--paper", KEY, "--profile", "smoke", "--data", "{tmp}/table"],
        ["--paper", KEY, "--profile", "smoke", "--data", "{tmp}/one"],
    ],
)
def test_what_cannot_be_run_is_one_line_and_status_2(arguments, tmp_path, standin_data, capsys) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "file").write_text("")
    shutil.copytree(standin_data / "SMIC", tmp_path / "one" / "SMIC")
    shutil.copytree(standin_data / "CASME2", tmp_path / "table" / "CASME2", copy_function=os.symlink)
    for table in (tmp_path / "table").glob("**/*.xlsx"):
        table.unlink()
        table.write_bytes(b"PK not a workbook")
    filled = [argument.format(tmp=tmp_path) for argument in arguments]
    if "--out" not in filled:
        filled += ["--out", str(tmp_path / "out")] if "--paper" in filled else []
    assert run_all.main(filled) == 2
    captured = capsys.readouterr()
    assert len(captured.err.strip().splitlines()) == 1
    assert captured.err.startswith("run_all.py: ")
    assert "Traceback" not in captured.err


def test_stand_ins_stay_stand_ins_wherever_they_lie(licensed: Path, standin_data: Path) -> None:
    shutil.copytree(standin_data / "SMIC", licensed / "SMIC", dirs_exist_ok=True)
    deep = licensed.parent / "far" / "up" / "here"
    deep.mkdir(parents=True)
    licensed.rename(deep / "data")
    assert run_on(deep.parents[1]) == 0
    report = json.loads((deep.parents[1].parent / "out" / f"{KEY}.json").read_text())
    assert report["data"] == "stand-in"


def test_folds_trained_without_a_clip_are_not_mixed_with_others(licensed: Path, monkeypatch, capsys) -> None:
    """A clip that fails once and not the next time, with an interruption between: all folds see the same clips."""
    real = papers.parts(KEY)
    (licensed.parent / "cache").unlink()  # a new one: the clips are to be prepared here

    of_smic = []

    def prepare(clip, inputs, faces):
        of_smic.extend([clip] if clip.corpus == "smic" else [])
        if clip.corpus == "smic" and len(of_smic) == 3:  # the second subject's first
            raise ClipError("the disk is away")
        return real.preprocess.prepare(clip, inputs, faces)

    flaky = SimpleNamespace(prepare=prepare, shapes=real.preprocess.shapes, assemble=real.preprocess.assemble)
    monkeypatch.setattr(papers, "parts", lambda key: Parts(flaky, real.figures, lambda: Interrupted))
    assert run_on(licensed) == 130
    assert len(predictions(licensed.parent / "out")) == 1
    monkeypatch.setattr(papers, "parts", lambda key: real)
    assert run_on(licensed) == 0
    assert "its 1 finished folds are run again" in capsys.readouterr().out
    clips = [clip for fold in predictions(licensed.parent / "out").values() for clip in fold["clips"]]
    assert len(clips) == len(set(clips)) == 12
    assert len(list(licensed.parent.glob("out/runs/*/*/*/*/folds-set-aside-1/*.json"))) == 1


def test_a_report_of_other_data_is_refused(licensed: Path, tmp_path: Path, capsys) -> None:
    usable(licensed)
    shutil.copytree(licensed, tmp_path / "other")
    assert run_on(tmp_path / "other", "--report-only") == 2
    assert "without --report-only" in capsys.readouterr().err


def test_tables_and_event_files_come_on_request_with_a_run_or_a_report_alone(licensed: Path, capsys) -> None:
    out, more = licensed.parent / "out", ("--export", "markdown", "latex", "--tensorboard")
    assert run_on(licensed, *more) == 0
    tables = [out / f"{KEY}{ending}" for ending in (".md", ".tex")]
    events = sorted(out.glob(f"tensorboard/{KEY}/composite-loso/cnn-once/*/events.out.tfevents.*"))
    assert [path.parent.name for path in events] == ["fold 1", "fold 2"]
    lines = capsys.readouterr().out.splitlines()
    assert {f"wrote {path}" for path in (*tables, out / "tensorboard" / KEY)} <= set(lines)
    rows = [line for line in tables[0].read_text(encoding="utf-8").splitlines() if line.startswith("|")]
    report = json.loads((out / f"{KEY}.json").read_text(encoding="utf-8"))
    assert len(rows) - 2 == len(report["comparisons"])
    contents = {path: path.read_bytes() for path in (*tables, *events)}
    for path in tables:
        path.unlink()
    events[0].unlink()
    assert run_on(licensed, "--report-only", *more) == 0
    assert {path: path.read_bytes() for path in (*tables, *events)} == contents


def test_a_package_that_cannot_be_imported_is_one_line_and_status_2(monkeypatch, capsys) -> None:
    def run(options: object) -> int:
        raise ImportError("libGL.so.1: cannot open shared object file", name="cv2")

    monkeypatch.setattr(run_all, "run", run)
    assert run_all.main(SMOKE) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("run_all.py: cv2 cannot be imported here (libGL.so.1: cannot open shared object file)")


def test_options_that_do_not_exist_are_status_2() -> None:
    for arguments in ([], ["--paper"], ["--paper", KEY, "--profile", "huge"], ["--paper", KEY, "--seed", "x"]):
        with pytest.raises(SystemExit) as caught:
            run_all.main(arguments)
        assert caught.value.code == 2


def test_listing_and_checking_as_json(standin_data: Path, capsys) -> None:
    assert run_all.main(["--list", "--json"]) == 0
    listed = json.loads(capsys.readouterr().out)
    assert [paper["key"] for paper in listed["papers"]] == list(papers.available())
    assert run_all.main(["--check-data", str(standin_data), "--json"]) == 0
    checked = json.loads(capsys.readouterr().out)
    assert set(checked["corpora"]) == {"casme2", "smic", "samm"}
    composite = checked["composites"]["megc2019"]
    assert composite["clips"] == len(composite["ids"]) == sum(composite["by_class"].values())


def test_the_list_has_a_line_for_each_paper(capsys) -> None:
    assert run_all.main(["--list"]) == 0
    *lines, last = capsys.readouterr().out.splitlines()
    assert all(name in last for name in GROUNDS)
    assert [line.split()[0] for line in lines] == list(papers.available())
    for line, paper in zip(lines, map(papers.load, papers.available()), strict=True):
        assert len(line) <= 80
        own = [experiment for experiment in paper.experiments if not experiment.tuned_of]
        assert re.findall(r"\d+", line.removeprefix(paper.key))[:3] == [
            *map(str, (paper.year, len(own), len(paper.claims)))
        ]
        assert own[0].network in line
    assert run_all.main(["--list", "--json", "--paper", KEY]) == 0
    listed = json.loads(capsys.readouterr().out)
    assert [paper["key"] for paper in listed["papers"]] == [KEY]
    assert [ground["name"] for ground in listed["grounds"]] == list(GROUNDS)
    assert run_all.main(["--list", "--json", "--paper", KEY, "--ground", "samm-5"]) == 0
    (paper,) = json.loads(capsys.readouterr().out)["papers"]
    assert all(
        e["corpora"] == ["samm"] and e["classes"] == [*GROUNDS["samm-5"].labels.classes] for e in paper["experiments"]
    )


@pytest.mark.skipif(sys.platform == "win32", reason="no process groups to send Ctrl-C to")
@pytest.mark.parametrize("seconds", [0.3, 1.0, 4.0])
def test_ctrl_c_while_modules_or_processes_start_is_one_line(cache: Path, tmp_path: Path, seconds: float) -> None:
    command = [sys.executable, "run_all.py", *SMOKE, *BOTH, "--workers", "2", *places(tmp_path, cache)]
    with subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, start_new_session=True
    ) as process:
        time.sleep(seconds)
        os.killpg(process.pid, signal.SIGINT)
        _, said = process.communicate(timeout=60)
    assert process.returncode == 130
    *before, last = said.splitlines()
    assert last.startswith("Interrupted.")
    assert all(line.endswith("so far") or " left" in line for line in before)


def test_ctrl_c_is_one_line_and_keeps_what_is_done(licensed: Path, monkeypatch, capsys) -> None:
    real = papers.parts(KEY)
    monkeypatch.setattr(papers, "parts", lambda key: Parts(real.preprocess, real.figures, lambda: Interrupted))
    assert run_on(licensed) == 130
    assert len(capsys.readouterr().err.strip().splitlines()) == 1
    assert len(predictions(licensed.parent / "out")) == 1
