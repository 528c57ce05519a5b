"""Event files: read back with TensorBoard's own reader, they are the stored histories."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

import papers
import run_all
from common.errors import UserError
from common.files import write_json
from common.runs import tensorboard
from common.runs.manifest import plan_file
from common.runs.results import Results
from common.runs.store import Run
from common.runs.tensorboard import Board
from common.types import FoldResult

ROOT = Path(__file__).parents[1]
FOLDS = ("smic/s1", "smic/s2", "samm/006")


def result(fold: str, seed: int = 0) -> FoldResult:
    """A fold of four clips whose two stages were trained for different numbers of epochs."""
    rng = np.random.default_rng([seed, len(fold), ord(fold[-1])])
    history = {
        "region CNNs": {"loss": rng.random(7).tolist(), "val_accuracy": rng.random(7).tolist()},
        "LSTMs": {"loss": rng.random(3).tolist()},
    }
    probabilities = rng.dirichlet(np.ones(3), 4).astype(np.float32)
    clips = tuple(f"{fold}/c{k}" for k in range(4))
    return FoldResult(fold, clips, rng.integers(0, 3, 4), probabilities, history, seed, 1.0, {}, {})


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """A run with two of three folds done."""
    stored = Run(tmp_path / "runs" / "key")
    for fold in FOLDS[:2]:
        stored.save(result(fold))
    return stored


def board(tmp_path: Path, run: Run) -> Board:
    return Board(tmp_path / "tensorboard" / "paper", {"composite-loso/net+no-motion": (run, FOLDS)})


def silent(what: str, done: int, total: int) -> None:
    pass


def read(folder: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, list[tuple[int, float]]]:
    """By tag the steps and values, as TensorBoard has them; without TensorFlow, which it would use to read files."""
    monkeypatch.setitem(sys.modules, "tensorboard.compat.notf", ModuleType("notf"))
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    events = EventAccumulator(str(folder), size_guidance={"scalars": 0})
    events.Reload()
    return {tag: [(e.step, e.value) for e in events.Scalars(tag)] for tag in events.Tags()["scalars"]}


def expected(fold_result: FoldResult) -> dict[str, list[tuple[int, float]]]:
    curves = {
        f"{stage}/{metric}": [(epoch, float(np.float32(v))) for epoch, v in enumerate(values, start=1)]
        for stage, metrics in fold_result.history.items()
        for metric, values in metrics.items()
    }
    right = np.mean([p.argmax() == t for p, t in zip(fold_result.probabilities, fold_result.truth, strict=True)])
    return curves | {"held-out accuracy": [(0, float(np.float32(right)))]}


def test_events_are_the_stored_history(tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    board(tmp_path, run).update(silent)
    folder = tmp_path / "tensorboard" / "paper" / "composite-loso" / "net+no-motion"
    assert {path.name for path in folder.iterdir()} == {"smic-s1", "smic-s2"}
    for fold in FOLDS[:2]:
        stored = run.load(fold)
        assert stored is not None
        assert read(folder / fold.replace("/", "-"), monkeypatch) == expected(stored)


def test_an_epoch_that_is_not_finite_has_no_event(tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    stages = {"network": {"loss": [1.5, math.nan, math.inf, 0.5], "val_accuracy": [math.nan] * 4}}
    run.save(replace(result(FOLDS[0]), history=stages))
    board(tmp_path, run).update(silent)
    folder = tmp_path / "tensorboard" / "paper" / "composite-loso" / "net+no-motion" / "smic-s1"
    events = read(folder, monkeypatch)
    assert events.pop("held-out accuracy")
    assert events == {"network/loss": [(1, 1.5), (4, 0.5)]}


def test_a_second_run_changes_no_file_and_a_new_fold_adds_one(tmp_path: Path, run: Run) -> None:
    board(tmp_path, run).update(silent)
    before = {path: path.stat().st_mtime_ns for path in tmp_path.glob("tensorboard/**/*") if path.is_file()}
    reopened = board(tmp_path, run)
    reopened.update(silent)
    assert {path: path.stat().st_mtime_ns for path in tmp_path.glob("tensorboard/**/*") if path.is_file()} == before
    run.save(result(FOLDS[2]))
    reopened.update(silent)
    after = {path for path in tmp_path.glob("tensorboard/**/*") if path.is_file()}
    assert before.keys() < after
    assert [path.parent.name for path in after - before.keys()] == ["samm-006"]


def test_a_fold_made_again_takes_the_place_of_the_old_one(
    tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    board(tmp_path, run).update(silent)
    run.save(result(FOLDS[0], seed=1))
    (run.path / "folds" / "smic-s2.json").unlink()
    kept = tmp_path / "tensorboard" / "other" / "events.out.tfevents.1"
    kept.parent.mkdir()
    kept.touch()
    board(tmp_path, run).update(silent)
    folder = tmp_path / "tensorboard" / "paper" / "composite-loso" / "net+no-motion"
    assert read(folder / "smic-s1", monkeypatch) == expected(result(FOLDS[0], seed=1))
    assert len(list((folder / "smic-s1").iterdir())) == 1
    assert not list(folder.glob("smic-s2/*"))
    assert kept.is_file()


def test_a_paper_has_a_folder_per_seed_only_where_there_are_several(tmp_path: Path) -> None:
    paper = papers.load("aouayeb2019")
    profile = paper.profiles["smoke"]
    lists = ("command", "shortened", "differences", "corpora", "exclusions", "corrections")
    spoilt = "composite-loso/cnn-once+no-motion"
    for seed in (0, 1):
        runs = {name: {"path": f"key{seed}", "folds": ["smic/s1"]} for name in ("composite-loso/cnn-once", spoilt)}
        plan = {"data": "", "options": [], "runs": {**runs, "../../x": runs[spoilt]}, **{n: [] for n in lists}}
        write_json(plan_file(tmp_path, paper, profile, "stand-in", seed), plan)
        for name in runs:
            Run(tmp_path / "runs" / paper.key / name / f"key{seed}").save(result("smic/s1", seed))

    def written(*seeds: int) -> set[str]:
        tensorboard.of_paper(Results(tmp_path, paper, profile, "stand-in", seeds)).update(silent)
        return {path.parent.relative_to(tmp_path).as_posix() for path in tmp_path.glob("**/events.out.tfevents.*")}

    places = {f"{name}/smic-s1" for name in ("composite-loso/cnn-once", spoilt)}
    assert written(0) == {f"tensorboard/aouayeb2019/{place}" for place in places}
    assert written(0, 1) == {f"tensorboard/aouayeb2019/seed{seed}/{place}" for place in places for seed in (0, 1)}
    assert written(1) == {f"tensorboard/aouayeb2019/{place}" for place in places}


def test_what_cannot_be_written_is_one_line(tmp_path: Path, run: Run) -> None:
    (tmp_path / "tensorboard").write_text("", encoding="utf-8")
    with pytest.raises(UserError, match=r"cannot write event files to .*--out"):
        board(tmp_path, run).update(silent)


def test_without_the_package_it_is_one_line_before_anything_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "tensorboard.compat.proto", None)
    arguments = ["--paper", "aouayeb2019", "--profile", "smoke", "--tensorboard", "--out", str(tmp_path / "out")]
    assert run_all.main(arguments) == 2
    assert capsys.readouterr().err.splitlines() == [
        'run_all.py: --tensorboard needs the extra tensorboard: pip install -e ".[tensorboard]" -c constraints.txt'
    ]
    assert not (tmp_path / "out").exists()


def test_writing_imports_no_tensorflow(tmp_path: Path, run: Run) -> None:
    script = (
        "import json, sys; from pathlib import Path; from common.runs.tensorboard import Board\n"
        "from common.runs.store import Run\n"
        "folder, key, folds = Path(sys.argv[1]), Path(sys.argv[2]), json.loads(sys.argv[3])\n"
        "Board(folder, {'a/b': (Run(key), folds)}).update(lambda *_: None)\n"
        "print(sorted({name.split('.')[0] for name in sys.modules} & {'tensorflow', 'keras'}))"
    )
    command = [sys.executable, "-c", script, str(tmp_path / "board"), str(run.path), json.dumps(FOLDS)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, encoding="utf-8", check=True)
    assert done.stdout.strip() == "[]"
    assert len(list(tmp_path.glob("board/a/b/*/events.out.tfevents.*"))) == 2


@pytest.mark.parametrize("options", [["--list"], ["--audit"], ["--check-data", "."]])
@pytest.mark.parametrize("more", [["--tensorboard"], ["--export", "latex"]])
def test_it_goes_with_a_run_alone(options: list[str], more: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        run_all.main([*options, *more])
    assert stopped.value.code == 2
    assert f"{more[0]} goes with --paper or --all" in capsys.readouterr().err
