"""Leaks that show only in a process that knows nothing of the run: each ends the run with one line."""

from __future__ import annotations

import json
import tempfile
from functools import partial
from pathlib import Path
from typing import Any

import leaks
import numpy as np
import pytest

import papers
import run_all
from common.protocols import leakage
from common.runs import again

pytestmark = pytest.mark.usefixtures("without_pages")
CHECK = again.check  # that of `conftest.trained_once` does nothing


@pytest.fixture
def run(standin_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setattr(again, "check", CHECK)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("LEAKS_THRESHOLD", raising=False)

    def with_leak(recipe: type[leaks.Honest], prepare: Any = leaks.prepare) -> int:
        vars(leaks.ELSEWHERE).clear()
        leaks._REFERENCE.clear()
        leaks._first_value.cache_clear()
        leaks._constant.cache_clear()
        monkeypatch.setattr(papers, "parts", partial(leaks.parts, recipe, prepare))
        words = ["--paper", "see2019", "--profile", "smoke", "--workers", "1", "--data", str(standin_data)]
        words += ["--out", str(tmp_path / "out"), "--cache", str(tmp_path / "cache")]
        return run_all.main(["--experiment", "composite-loso/published", *words])

    return with_leak


def folds_in(folder: Path) -> list[Path]:
    return sorted(folder.glob("out/runs/*/*/*/*/folds/*.json"))


@pytest.mark.slow
@pytest.mark.parametrize(
    "recipe",
    [
        leaks.ClassifierOnNetworks,
        leaks.ScalerOnNetworks,
        leaks.NormalizationOnNetworks,
        leaks.FileInFolder,
        leaks.TemporaryFile,
        leaks.FileInWorkingFolder,
        leaks.EnvironmentVariable,
        leaks.HelperModule,
        leaks.CachedFunction,
        leaks.WarmStart,
        leaks.LazyNormaliser,
        leaks.Smoothed,
        leaks.FirstClipAsReference,
    ],
    ids=lambda recipe: recipe.__name__,
)
def test_a_leak_between_folds_or_clips_stops_the_run(
    run: Any, tmp_path: Path, capsys: Any, recipe: type[leaks.Honest]
) -> None:
    assert run(recipe) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert "composite-loso/published, fold" in line
    assert not folds_in(tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("prepare", [leaks.prepare_against_reference, leaks.prepare_less_running_mean])
def test_arrays_that_depend_on_clips_prepared_before_stop_the_run(
    run: Any, tmp_path: Path, capsys: Any, prepare: Any
) -> None:
    assert run(leaks.Honest, prepare) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert "gets other arrays" in line
    assert not folds_in(tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("recipe", [leaks.Honest, leaks.ImportsLate, leaks.CachesConstant])
def test_what_is_no_leak_runs_through(run: Any, tmp_path: Path, capsys: Any, recipe: type[leaks.Honest]) -> None:
    assert run(recipe) == 0
    assert not capsys.readouterr().err
    assert len(folds_in(tmp_path)) == 2


@pytest.mark.parametrize("recipe", [leaks.InDeque, leaks.InArray, leaks.InArrayOfObjects])
def test_what_a_container_on_the_networks_keeps_stops_the_run(
    run: Any, tmp_path: Path, capsys: Any, recipe: type[leaks.Honest]
) -> None:
    assert run(recipe) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert "training changes 'kept' on the networks" in line
    assert not folds_in(tmp_path)


def test_predict_learns_nothing_from_names(run: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(again, "check", lambda *_: None)
    assert run(leaks.ReadsNames) == 0
    results = [json.loads(file.read_text("utf-8")) for file in folds_in(tmp_path)]
    assert any("_po_" in name for result in results for name in result["clips"])
    assert {int(np.argmax(row)) for result in results for row in result["probabilities"]} == {0}


def test_unnamed_predictions_are_those_of_the_clips() -> None:
    """Whatever the order in which `predict` returns them."""
    clips = np.array(["smic/s1/s1_sur_01", "smic/s1/s1_ne_01", "smic/s1/s1_sur_01"])
    seen: list[leaks.Samples] = []

    def predict(test: leaks.Samples) -> dict[str, Any]:
        seen.append(test)
        value = dict(zip(test.clip.tolist(), test.x["x"][:, 0].tolist(), strict=True))
        return {clip: np.array([value[clip]]) for clip in sorted(value)}

    samples = leaks.Samples({"x": np.array([[3.0], [1.0], [3.0]])}, np.array([2, 0, 2]), clips, clips, np.zeros(3, int))
    answers = leakage.unnamed(predict)(samples)
    assert {clip: float(answer[0]) for clip, answer in answers.items()} == {clips[0]: 3, clips[1]: 1}
    (told,) = seen
    assert not told.y.any()
    assert not any("s1" in text or "sur" in text for text in (*told.clip.tolist(), *told.subject.tolist()))
    assert told.clip[0] == told.clip[2] != told.clip[1]


def test_how_far_predictions_may_differ() -> None:
    """Rounding may depend on the batch, but two trainings that do the same have the same bits."""
    experiment = papers.load("see2019").experiments[0]
    base = {"a": np.array([0.5, 0.5]), "b": np.array([0.2, 0.8])}

    def moved(by: float) -> dict[str, Any]:
        return {**base, "b": base["b"] + by}

    leakage.check_again(base, leakage.Again(moved(5e-4), moved(5e-6), ()), experiment, "f", "float32", brief=True)
    leakage.check_again(base, leakage.Again(moved(1e-2), base, ()), experiment, "f", "mixed_bfloat16", brief=True)
    leakage.check_again(base, leakage.Again(moved(5e-4), moved(5e-4), ()), experiment, "f", "float32", brief=False)
    diverged = {"a": np.array([np.nan, np.nan])}  # which is no leak
    leakage.check_again(diverged, leakage.Again(diverged, diverged, ()), experiment, "f", "float32", brief=True)
    for apart, together, precision in (
        (moved(2e-3), base, "float32"),
        (moved(3e-2), base, "mixed_bfloat16"),
        (base, moved(2e-5), "float32"),
        ({"a": base["a"]}, base, "float32"),
        (base, {"a": base["a"]}, "float32"),
    ):
        with pytest.raises(leakage.LeakError):
            leakage.check_again(base, leakage.Again(apart, together, ()), experiment, "f", precision, brief=True)


def test_a_process_of_its_own_that_fails_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    order: Any = {"not": "an order"}
    with pytest.raises(RuntimeError, match="AttributeError") as raised:
        again.in_own_process(order)
    assert "\n" not in str(raised.value)
