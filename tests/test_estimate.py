"""How long a run will take: with a recipe and a clock whose times are known."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import guessing as guesses
import numpy as np
import pytest

import papers
import run_all
from common.contract import FoldRun, Parts, Trained
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

        def stage(name: str, some: Samples) -> None:
            for epoch in range(settings[name]):
                CLOCK.now += PER_CLIP[name] * len(set(some.clip.tolist()))
                fold_run.say(name, epoch + 1, settings[name])

        access = fold_run.held_out_access
        if access is not None and len(stages) > 1:
            everything = access.everything
            access.share("features", lambda: (stage(stages[0], everything), {"x": np.zeros(1)})[1])
            stages = stages[1:]
        for name in stages:
            stage(name, samples)

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


def estimated(
    cache: Path, out: Path, monkeypatch: pytest.MonkeyPatch, *words: str
) -> tuple[list[Any], estimate.Estimate]:
    """The jobs and the estimate of a dry run of one paper with the profile smoke."""
    seen: list[Any] = []
    real = estimate.estimate

    def watch(study: Any, selection: Any, jobs: Any, *rest: Any) -> estimate.Estimate:
        made = real(study, selection, jobs, *rest)
        seen.append((jobs, made))
        return made

    monkeypatch.setattr("common.study.estimate", watch)
    options = ("--profile", "smoke", "--out", str(out), "--cache", str(cache), "--workers", "1", "--dry-run")
    assert run_all.main([*words, *options]) == 0
    (only,) = seen
    return only


def folds_of(job: Any) -> dict[str, tuple[int, int]]:
    """Training and held-out clips by pending fold."""
    subject, clip = (np.array(names) for names in zip(*((c.subject_id, c.id) for c, _ in job.clips), strict=True))
    labels = np.array([label for _, label in job.clips])
    folds = split(job.experiment, subject, clip, labels, job.seed)
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
    # built once, and the first fold is trained twice
    train, test = next(iter(folds.values()))
    again = train * epochs * PER_CLIP["epochs"] + (train + 2 * test) * PREDICTED
    assert made.training == pytest.approx(wanted + BUILT + again, rel=0.02)
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
            lstm = settings.lstm_epochs * PER_CLIP["lstm_epochs"] * train
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
    assert "late-smic/loso: training not timed, MemoryError: too large" in capsys.readouterr().out


def test_tasks_start_when_a_process_is_free() -> None:
    assert makespan([4, 3, 2, 1], 2) == 5
    assert makespan([4, 3, 2, 1], 1) == 10
    assert makespan([], 3) == 0
