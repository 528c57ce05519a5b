"""How long a run will take: with a recipe and a clock whose times are known."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import guessing as guesses
import numpy as np
import pytest

import papers
import run_all
from common.contract import FoldRun, Parts, Trained
from common.errors import UserError
from common.progress import Display
from common.protocols.splits import LOSO, split
from common.runs import calibrate, estimate
from common.runs.cost import EPOCHS, makespan
from common.types import Experiment, Predictions, Samples

PREDICTED = 0.25
"""Seconds of predicting a clip."""
PER_CLIP = {"epochs": 2.0, "cnn_epochs": 3.0, "lstm_epochs": 5.0}
BUILT = 7.0


class Clock:
    now = 0.0

    def perf_counter(self) -> float:
        return self.now


CLOCK = Clock()


class Timed(guesses.Guess):
    """Its epochs take a known time per clip; published, the first stage of several is shared by all folds."""

    class Networks(guesses.Guess.Networks):
        def flops(self, rows_per_clip: float) -> float:
            return 1e6

    @classmethod
    def build_networks(cls, *arguments: Any) -> Any:
        CLOCK.now += BUILT
        return super().build_networks(*arguments)

    @staticmethod
    def train(networks: Any, experiment: Experiment, samples: Samples, fold_run: FoldRun) -> Trained:
        settings = fold_run.settings.values()
        stages = [name for name in EPOCHS if name in settings]

        def stage(name: str, some: Samples, watched: float = 0.0) -> None:
            for epoch in range(settings[name]):
                CLOCK.now += PER_CLIP[name] * (len(set(some.clip.tolist())) + watched)
                fold_run.say(name, epoch + 1, settings[name])

        access = fold_run.held_out_access
        if access is not None and len(stages) > 1:
            everything = access.everything
            access.share("features", lambda: (stage(stages[0], everything), {"x": np.zeros(1)})[1])
            stages = stages[1:]
        for name in stages:  # held-out clips are predicted after every epoch, for a third of the cost
            stage(name, samples, len(set(access.held_out.clip.tolist())) / 3 if access else 0.0)

        def predict(test: Samples) -> Predictions:
            clips = dict.fromkeys(test.clip.tolist())
            CLOCK.now += PREDICTED * len(clips)
            return {clip: np.eye(3, dtype=np.float32)[0] for clip in clips}

        return Trained(predict, {"stage": {"loss": [0.0]}})


@pytest.fixture
def timed(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    def parts(key: str) -> Parts:
        known = guesses.parts(key)
        return Parts(known.preprocess, known.figures, lambda: Timed)

    monkeypatch.setattr(papers, "parts", parts)
    monkeypatch.setattr(calibrate, "time", SimpleNamespace(perf_counter=CLOCK.perf_counter))
    return


def all_estimated(
    cache: Path, out: Path, monkeypatch: pytest.MonkeyPatch, *words: str, status: int = 0
) -> list[tuple[list[Any], estimate.Estimate]]:
    """The jobs and the estimate for each paper and seed of a dry run with the profile smoke."""
    seen: list[Any] = []
    real = estimate.estimate

    def watch(study: Any, selection: Any, jobs: Any, *rest: Any) -> estimate.Estimate:
        made = real(study, selection, jobs, *rest)
        seen.append((jobs, made))
        return made

    options = ("--profile", "smoke", "--out", str(out), "--cache", str(cache), "--workers", "1", "--dry-run")
    with monkeypatch.context() as patch:
        patch.setattr("common.study.estimate", watch)
        assert run_all.main([*words, *options]) == status
    return seen


def estimated(
    cache: Path, out: Path, monkeypatch: pytest.MonkeyPatch, *words: str
) -> tuple[list[Any], estimate.Estimate]:
    """The jobs and the estimate of a dry run of one paper with the profile smoke."""
    (only,) = all_estimated(cache, out, monkeypatch, *words)
    return only


def folds_of(job: Any) -> dict[str, tuple[int, int]]:
    """Training and held-out clips by pending fold."""
    subject, clip = (np.array(names) for names in zip(*((c.subject_id, c.id) for c, _ in job.clips), strict=True))
    labels = np.array([label for _, label in job.clips])
    folds = split(job.experiment, subject, clip, labels, job.seed, job.profile.most_folds)
    return {fold.name: (len(fold.train), len(fold.test)) for fold in folds if fold.name in job.pending()}


def test_a_leak_free_experiment_takes_its_epochs_on_the_training_clips_of_each_fold(
    timed: None, cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (job,), made = estimated(cache, tmp_path, monkeypatch, "--paper", "kumar2019", "--experiment", "composite-loso")
    assert job.experiment.leak_free
    assert job.experiment.protocol == LOSO
    epochs = job.settings.training.epochs
    folds = folds_of(job)
    wanted = sum(train * epochs * PER_CLIP["epochs"] + (train + 2 * test) * PREDICTED for train, test in folds.values())
    assert made.experiments[job.experiment.id] == pytest.approx(wanted)
    # built once more in a process of its own
    assert made.training == pytest.approx(wanted + 2 * BUILT, rel=0.02)
    assert not list(tmp_path.rglob("fold*.json"))
    *_, last = capsys.readouterr().out.splitlines()
    assert re.fullmatch(r"In all: about [0-9.]+ (s|min|h)", last)


def test_epochs_that_all_folds_share_count_once(
    timed: None, cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = ("composite-loso/cnn-once", "composite-loso/cnn-in-fold")
    jobs, made = estimated(cache, tmp_path, monkeypatch, "--paper", "aouayeb2019", "--experiment", *names)
    for job in jobs:
        settings = job.settings.training
        wanted = 0.0
        for train, test in folds_of(job).values():
            cnns = settings.cnn_epochs * PER_CLIP["cnn_epochs"] * train * job.experiment.leak_free
            watched = 0.0 if job.experiment.leak_free else test / 3
            lstm = settings.lstm_epochs * PER_CLIP["lstm_epochs"] * (train + watched)
            wanted += cnns + lstm + (train + 2 * test) * PREDICTED
        if not job.experiment.leak_free:
            wanted += settings.cnn_epochs * PER_CLIP["cnn_epochs"] * len(job.clips)
        assert made.experiments[job.experiment.id] == pytest.approx(wanted, rel=0.1), job.experiment.id


def test_a_network_that_cannot_be_timed_is_named_and_the_rest_is_estimated(
    timed: None, cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    real: Callable[..., Any] = Timed.build_networks

    def failing(network: Any, *rest: Any) -> Any:
        if network.kind != "stcnn":
            raise MemoryError("too large")
        return real(network, *rest)

    monkeypatch.setattr(Timed, "build_networks", failing)
    names = ("stcnn-smic/loso", "late-smic/loso")
    _, made = estimated(cache, tmp_path, monkeypatch, "--paper", "reddy2019", "--experiment", *names)
    assert set(made.experiments) == {"stcnn-smic/loso"}
    printed = capsys.readouterr().out
    assert "late-smic/loso: training not timed, MemoryError: too large" in printed
    assert printed.splitlines()[-1].endswith(", not counting what could not be timed")


def test_a_network_whose_operations_are_not_counted_is_timed_with_inputs_of_each_size(
    timed: None, cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def unknown(self: object, rows_per_clip: float) -> float:
        raise ValueError("the operations of some layer are not known")

    monkeypatch.setattr(Timed.Networks, "flops", unknown)
    names = ("model-a-scenario-1/loso", "model-a-scenario-2/loso")
    jobs, made = estimated(cache, tmp_path, monkeypatch, "--paper", "talluri2022", "--experiment", *names)
    assert len({job.experiment.network for job in jobs}) == 1
    assert len({job.settings.network for job in jobs}) == 2
    assert made.complete
    for job in jobs:
        epochs = job.settings.training.epochs * PER_CLIP["epochs"]
        wanted = sum(train * epochs + (train + 2 * test) * PREDICTED for train, test in folds_of(job).values())
        assert made.experiments[job.experiment.id] == pytest.approx(wanted), job.experiment.id
    assert "not timed" not in capsys.readouterr().out


def test_what_stops_a_run_stops_its_estimate(
    timed: None,
    new_cache: Callable[[], Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def refused(*_: Any) -> Any:
        raise UserError("--device gpu: no GPU")

    monkeypatch.setattr(Timed, "build_networks", refused)
    words = ("--paper", "kumar2019", "aouayeb2019", "--experiment", "composite-loso")
    assert not all_estimated(new_cache(), tmp_path, monkeypatch, *words, status=2)
    assert capsys.readouterr().err.splitlines() == ["run_all.py: --device gpu: no GPU"]


def test_a_process_that_is_killed_while_it_is_timed_ends_the_estimate_in_one_line(
    cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(papers, "parts", guesses.deadly)
    monkeypatch.setenv("DEADLY", str(tmp_path))
    (tmp_path / "1.bullet").touch()
    words = ("--paper", "reddy2019", "--experiment", "stcnn-smic/loso", "--profile", "smoke", "--dry-run")
    assert run_all.main([*words, "--workers", "2", "--out", str(tmp_path), "--cache", str(cache)]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert "a process was killed" in line


def test_finished_folds_take_no_time(
    timed: None, cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ("--paper", "kumar2019", "--experiment", "smic-loso/published")
    with monkeypatch.context() as patch:
        patch.setattr(papers, "parts", guesses.parts)
        patch.setattr(import_module("common.report.write"), "page", lambda report: b"%PDF")
        options = ("--profile", "smoke", "--out", str(tmp_path), "--cache", str(cache), "--workers", "1")
        assert run_all.main([*words, *options]) == 0
    capsys.readouterr()
    begun = CLOCK.now
    _, made = estimated(cache, tmp_path, monkeypatch, *words)
    assert CLOCK.now == begun  # nothing is timed
    assert made.complete
    assert made.seconds == 0
    assert "nothing to run (" in capsys.readouterr().out


def test_a_fold_of_which_no_clip_can_be_read_takes_no_time(
    timed: None, standin_data: Path, cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(standin_data, tmp_path / "data")
    (subject,) = (tmp_path / "data" / "CASME2").rglob("sub01")
    for file in list(subject.rglob("*.jpg")):
        file.unlink()
        file.symlink_to(tmp_path / "missing.jpg")
    words = ("--paper", "kumar2019", "--experiment", "casme2-loso/published", "--data", str(tmp_path / "data"))
    (job,), made = estimated(cache, tmp_path / "out", monkeypatch, *words)
    (read,) = folds_of(job)
    assert set(job.pending()) == {"fold 1", "fold 2"}
    train, test = folds_of(job)[read]
    wanted = train * job.settings.training.epochs * PER_CLIP["epochs"] + (train + 2 * test) * PREDICTED
    assert made.experiments[job.experiment.id] == pytest.approx(wanted)


def test_new_clips_are_counted_once_for_all_seeds_and_timed_where_there_are_some(
    timed: None, new_cache: Callable[[], Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache = new_cache()
    names = ("casme2-loso/published", "smic-loso/published")
    options = ("--profile", "smoke", "--out", str(tmp_path), "--cache", str(cache), "--workers", "1")
    with monkeypatch.context() as patch:
        patch.setattr(papers, "parts", guesses.parts)
        patch.setattr(import_module("common.report.write"), "page", lambda report: b"%PDF")
        assert run_all.main(["--paper", "kumar2019", "--experiment", names[1], "--seed", "7", *options]) == 0
    words = ("--paper", "kumar2019", "--experiment", *names, "--seeds", "2")
    (_, first), (_, second) = all_estimated(cache, tmp_path, monkeypatch, *words)
    assert first.complete  # the clips of the last experiment are prepared
    assert first.preparing > 0
    assert first.disk > 0
    assert (second.preparing, second.disk) == (0, 0)


def test_progress_is_shown_while_networks_are_timed(
    timed: None, new_cache: Callable[[], Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown: list[tuple[int, int, float]] = []

    def progress(self: Display, name: str, done: int, total: int, detail: str = "", /) -> None:
        if name == "reddy2019: timing training":
            shown.append((done, total, CLOCK.now))

    monkeypatch.setattr(Display, "progress", progress)
    names = ("stcnn-smic/loso", "late-smic/loso")
    estimated(new_cache(), tmp_path, monkeypatch, "--paper", "reddy2019", "--experiment", *names)
    assert [step[:2] for step in shown[:3]] == [(0, 2), (1, 2), (2, 2)]
    assert shown[0][2] + BUILT < shown[1][2] < shown[2][2]


def test_tasks_start_when_a_process_is_free() -> None:
    assert makespan([4, 3, 2, 1], 2) == 5
    assert makespan([4, 3, 2, 1], 1) == 10
    assert makespan([], 3) == 0
