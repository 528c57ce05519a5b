"""Nothing of a held-out clip reaches training in a leak-free experiment: recipes that cheat are stopped."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

import papers
import run_all
from common import guard
from common.parts import Parts
from common.protocols import LOSO, ONCE
from common.types import Answers, Arrays, Clip, Experiment, Fold, LabelMap, Rows, Samples, Trained, Workbench

KEY = "aouayeb2019"


def mean_of(samples: Samples) -> float:
    """A statistic fitted to samples."""
    return float(np.mean(samples.x["nose"][:]))


def answered(test: Samples, brightness: float) -> Answers:
    """Answers that rest on a fitted statistic."""
    found = {}
    for clip in dict.fromkeys(test.clip.tolist()):
        mine = np.asarray(test.x["nose"])[test.clip == clip]
        share = np.float32(1 / (1 + np.exp(mine.mean() - brightness)))
        found[clip] = np.array([share, 1 - share, 0], np.float32)
    return found


class Honest:
    """Fits a statistic to its training rows."""

    class Networks:
        def __init__(self, experiment: object, settings: object, seed: int) -> None:
            self.brightness: float | None = None

        def facts(self) -> dict[str, int]:
            return {}

        def flops(self, rows_per_clip: float) -> float:
            return 0.0

    @staticmethod
    def train(networks: Any, experiment: Experiment, samples: Samples, bench: Workbench) -> Trained:
        assert bench.beyond is None
        brightness = mean_of(samples)
        return Trained(lambda test: answered(test, brightness), {})


class FittedOnce(Honest):
    """An extractor fitted in the first fold and used in all others, whose test clips it has seen."""

    @staticmethod
    def train(networks: Any, experiment: Experiment, samples: Samples, bench: Workbench) -> Trained:
        networks.brightness = networks.brightness or mean_of(samples)
        return Trained(lambda test: answered(test, networks.brightness), {})


class FittedToTest(Honest):
    """A statistic of the held-out clips themselves."""

    @staticmethod
    def train(networks: Any, experiment: Experiment, samples: Samples, bench: Workbench) -> Trained:
        return Trained(lambda test: answered(test, mean_of(test)), {})


class Sharing(Honest):
    """An extractor fitted to all clips, shared by all folds."""

    @staticmethod
    def train(networks: Any, experiment: Experiment, samples: Samples, bench: Workbench) -> Trained:
        brightness = mean_of(bench.beyond.everything)  # type: ignore[union-attr]
        return Trained(lambda test: answered(test, brightness), {})


@pytest.fixture
def run(standin_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    real = papers.parts(KEY)

    def with_recipe(recipe: type[Honest], assemble: Any = None, data: Path = standin_data) -> int:
        preprocess: Any = real.preprocess
        if assemble:
            preprocess = SimpleNamespace(
                parameters=preprocess.parameters, prepare=preprocess.prepare, assemble=assemble
            )
        parts = Parts(preprocess, real.figures, lambda: recipe, real.needs)  # type: ignore[arg-type, return-value]
        monkeypatch.setattr(papers, "parts", lambda key: parts)
        where = [
            "--data",
            str(data),
            "--out",
            str(tmp_path / "out"),
            "--cache",
            str(tmp_path / "cache"),
            "--workers",
            "1",
        ]
        return run_all.main(
            ["--paper", KEY, "--profile", "smoke", "--experiment", "composite-loso/cnn-in-fold", *where]
        )

    return with_recipe


def results(folder: Path) -> list[Path]:
    return sorted(folder.glob("out/runs/*/*/*/*/folds/*.json"))


def test_an_honest_recipe_runs(run: Any, tmp_path: Path) -> None:
    assert run(Honest) == 0
    assert len(results(tmp_path)) == 2


@pytest.mark.parametrize(
    ("recipe", "said"),
    [
        (FittedOnce, "leaves 'brightness' on the networks"),
        (FittedToTest, "depends on which other held-out clips are asked for"),
    ],
)
def test_a_leaking_extractor_stops_the_run(run: Any, tmp_path: Path, capsys: Any, recipe: Any, said: str) -> None:
    assert run(recipe) == 1
    assert said in capsys.readouterr().err
    assert not results(tmp_path)


def test_what_folds_could_share_is_not_there(run: Any, tmp_path: Path, capsys: Any) -> None:
    assert run(Sharing) == 1
    assert "failed, AttributeError" in capsys.readouterr().out
    assert not results(tmp_path)


def test_a_statistic_of_all_clips_in_the_samples_stops_the_run(run: Any, tmp_path: Path, capsys: Any) -> None:
    real = papers.parts(KEY).preprocess

    def centred(clips: Sequence[tuple[Clip, int]], arrays: Sequence[Arrays], *rest: Any) -> Samples:
        samples = real.assemble(clips, arrays, *rest)
        x = {name: np.asarray(values, np.float32) for name, values in samples.x.items()}
        x["nose"] -= x["nose"].mean()
        return Samples(x, samples.y, samples.subject, samples.clip, samples.view)

    assert run(Honest, centred) == 1
    assert "depend on the other clips" in capsys.readouterr().err
    assert not results(tmp_path)


def test_a_copied_clip_under_another_subject_stops_the_run(
    run: Any, standin_data: Path, tmp_path: Path, capsys: Any
) -> None:
    data = tmp_path / "data"
    shutil.copytree(standin_data, data)
    first, other = sorted(path for path in (data / "SMIC").glob("**/HS/s*") if path.is_dir())[:2]
    copied = sorted(path for path in first.glob("micro/*/*") if path.is_dir())[0]
    replaced = sorted(path for path in other.glob("micro/*/*") if path.is_dir())[0]
    for file in replaced.iterdir():
        file.unlink()
    for file in copied.iterdir():
        shutil.copy(file, replaced / file.name)
    assert run(Honest, data=data) == 1
    said = capsys.readouterr().err
    assert copied.name in said
    assert replaced.name in said
    assert "one of the two is a copy" in said


# ---------------------------------------------------------------- the checks by themselves

LABELS = LabelMap("two", ("a", "b"), {"smic": {"a": "a", "b": "b"}})


def experiment(protocol: str, leak_free: bool) -> Experiment:
    return Experiment("name", "variant", "", ("smic",), LABELS, protocol, "last epoch", leak_free)


def samples(subjects: Sequence[str]) -> Samples:
    n = len(subjects)
    clip = np.array([f"smic/{subject}/c{i}" for i, subject in enumerate(subjects)])
    subject = np.array([f"smic/{subject}" for subject in subjects])
    return Samples({"x": np.arange(n * 2).reshape(n, 2)}, np.arange(n) % 2, subject, clip, np.zeros(n, np.int64))


def test_a_subject_may_be_on_both_sides_only_where_that_was_published() -> None:
    some = samples(["s1", "s1", "s2"])
    fold = Fold("f", np.array([0, 2]), np.array([1]))
    guard.apart(fold, some, experiment(ONCE, False), {})
    for protocol, leak_free in ((ONCE, True), (LOSO, False), (LOSO, True)):
        with pytest.raises(guard.LeakError, match="subject smic/s1"):
            guard.apart(fold, some, experiment(protocol, leak_free), {})


def test_equal_files_may_be_on_both_sides_only_where_that_was_published() -> None:
    some = samples(["s1", "s2"])
    fold = Fold("f", np.array([0]), np.array([1]))
    contents = dict.fromkeys(some.clip.tolist(), "same")
    guard.apart(fold, some, experiment(ONCE, False), contents)
    with pytest.raises(guard.LeakError, match="one of the two is a copy"):
        guard.apart(fold, some, experiment(LOSO, True), contents)


def test_training_rows_are_all_there_is_to_reach() -> None:
    whole = samples(["s1", "s2", "s3", "s4"])
    part = whole.only(np.array([2, 0]))
    held = part.x["x"]
    assert isinstance(held, Rows)
    assert np.asarray(held).tolist() == [[4, 5], [0, 1]]
    assert held[1].tolist() == [0, 1]
    assert held[:1].tolist() == [[4, 5]]
    assert (held.shape, held.dtype, len(held)) == ((2, 2), whole.x["x"].dtype, 2)
    for beyond in (2, 3, -3):
        with pytest.raises(IndexError):
            held[np.array([beyond])]
    nested = part.only(np.array([1]))
    assert nested.clip.tolist() == ["smic/s1/c0"]
    assert np.asarray(nested.x["x"]).tolist() == [[0, 1]]


def test_rows_of_a_clip_are_told_apart_by_each_of_their_parts() -> None:
    some = samples(["s1", "s2"])
    before = guard.rows(some)
    for changed in (
        Samples({"x": some.x["x"][:] + np.array([[0, 0], [0, 1]])}, some.y, some.subject, some.clip, some.view),
        Samples(some.x, some.y * 0, some.subject, some.clip, some.view),
        Samples(some.x, some.y, some.subject, some.clip, np.array([0, 1])),
    ):
        after = guard.rows(changed)
        assert after["smic/s2/c1"] != before["smic/s2/c1"]
    assert guard.rows(some.only(np.array([1, 0]))) == before
