"""What reddy2019 trains on what: the twin sees nothing of the held-out subject, the published split what it scores."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from folds import Outcome, run_fold

import papers
from common.contract import Settings
from common.protocols.splits import split
from common.report.assemble import _diverged
from common.runs.folds import FoldContext, _folds
from common.runs.store import Run
from common.types import Experiment, Fold, Samples
from papers.reddy2019 import preprocess, recipe
from papers.reddy2019.experiments import KERNELS

PAPER = papers.load("reddy2019")
TINY = PAPER.profiles["paper"].settings.having(
    {"face_size": 10, "region_size": 8, "frames": 24, "epochs": 3, "search_epochs": 1, "batch": 4}
)
DEEP = TINY.having({"frames": 96, "region_size": 8, "face_size": 12, "epochs": 4, "batch": 8, "learning_rate": 0.3})
"""All 96 frames; the rate makes up for the features that small pictures lack."""
EXPERIMENTS = {experiment.id: experiment for experiment in PAPER.experiments}


def fake(experiment: Experiment, seed: int = 0, settings: Settings = TINY) -> Samples:
    """Four subjects with five clips each; the class shows as brightness."""
    rng = np.random.default_rng(seed)
    y = np.arange(20) % 3
    x = {
        name: (40 * y[:, None, None, None, None] + rng.integers(0, 90, (20, *shape))).astype(np.uint8)
        for name, shape in preprocess.shapes(settings.having(experiment.settings)).items()
    }
    subject = np.array([f"{experiment.corpora[0]}/s{k // 5}" for k in range(20)])
    clip = np.array([f"{subject[k]}/c{k}" for k in range(20)])
    return Samples(x, y, subject, clip, np.zeros(20, np.int64))


def build_networks(experiment: Experiment, settings: Settings = TINY) -> recipe.Networks:
    """The networks for what `fake` makes up."""
    own = settings.having(experiment.settings)
    return recipe.build_networks(own.network, own.training, preprocess.shapes(own), experiment.labels.classes, 0)


def trained(
    networks: recipe.Networks,
    experiment: Experiment,
    samples: Samples,
    fold: Fold,
    folder: Path,
    settings: Settings = TINY,
) -> Outcome:
    return run_fold(recipe, networks, experiment, settings.having(experiment.settings), samples, fold, folder)


def comparing(*kernels: str) -> Experiment:
    """The experiment of table IX with these kernels alone."""
    experiment = EXPERIMENTS["kernel-sizes-casme_sq/published"]
    return replace(experiment, settings={**experiment.settings, "kernels": kernels})


def folds(experiment: Experiment, samples: Samples) -> list:
    return split(experiment, samples.subject, samples.clip, samples.y, 0)


def test_the_twin_sees_nothing_of_the_held_out_subject(tmp_path: Path) -> None:
    experiment = EXPERIMENTS["stcnn-smic/loso"]
    samples = fake(experiment)
    fold = folds(experiment, samples)[1]
    x, y = {name: values.copy() for name, values in samples.x.items()}, samples.y.copy()
    x["face"][fold.test] = 255 - x["face"][fold.test]
    y[fold.test] = (y[fold.test] + 1) % 3
    changed = Samples(x, y, samples.subject, samples.clip, samples.view)
    networks = build_networks(experiment)
    run, other = (trained(networks, experiment, data, fold, tmp_path) for data in (samples, changed))
    assert run.history == other.history
    assert not list(tmp_path.rglob("*.npz"))


def test_the_published_split_scores_its_best_epoch(tmp_path: Path) -> None:
    experiment = EXPERIMENTS["late-smic/published"]
    samples = fake(experiment)
    (fold,) = folds(experiment, samples)
    result = trained(build_networks(experiment), experiment, samples, fold, tmp_path)
    watched = result.history["network"]["val_accuracy"]
    assert len(watched) == TINY.training.epochs
    right = result.probabilities.argmax(axis=1) == samples.y[fold.test]
    assert float(right.mean()) == max(watched)
    assert [path.parent.name for path in tmp_path.rglob("*.npz")] == ["saliency"]


def test_every_kernel_of_table_ix_is_tried_once(tmp_path: Path) -> None:
    assert EXPERIMENTS["kernel-sizes-casme_sq/published"].settings["kernels"] == KERNELS
    experiment = comparing("3x3x3", "5x5x7")
    samples = fake(experiment)
    fold = folds(experiment, samples)[0]
    networks = build_networks(experiment)
    result = trained(networks, experiment, samples, fold, tmp_path)
    assert set(result.history) == {"network", "kernel 3x3x3", "kernel 5x5x7"}
    for kernel in ("3x3x3", "5x5x7"):
        assert len(result.history[f"kernel {kernel}"]["val_accuracy"]) == TINY.training.search_epochs
    assert "val_accuracy" in result.history["network"]
    again = trained(networks, experiment, samples, fold, tmp_path)  # the trials come from the disk
    assert again.probabilities.tobytes() == result.probabilities.tobytes()


@pytest.mark.parametrize("name", ["stcnn", "intermediate", "late"])
def test_of_96_frames_all_losses_are_finite(name: str, tmp_path: Path) -> None:
    experiment = EXPERIMENTS[f"{name}-casme_sq/published"]
    samples = fake(experiment, settings=DEEP)
    (fold,) = folds(experiment, samples)
    networks = build_networks(experiment, DEEP)
    history = trained(networks, experiment, samples, fold, tmp_path, DEEP).history["network"]
    assert np.isfinite([*history.values()]).all()
    assert max(history["loss"]) < -np.log(1e-7)


def stored(name: str, folder: Path) -> tuple[Run, Experiment, list[str]]:
    """The run of one experiment's first fold, of made-up samples of 96 frames, and the lines that it said."""
    experiment, lines = EXPERIMENTS[name], []
    samples, run = fake(experiment, settings=DEEP), Run(folder)
    job: Any = SimpleNamespace(
        paper=PAPER,
        experiment=experiment,
        contents={},
        copies=(),
        run=run,
        seed=0,
        key={"code": "0"},
        profile=replace(PAPER.profiles["paper"], settings=DEEP),
        settings=DEEP.having(experiment.settings),
        folds=("one",),
    )
    parts, networks = papers.parts("reddy2019"), build_networks(experiment, DEEP)
    context = FoldContext(job, parts, recipe, networks, samples, lambda _, make: make(), lambda *_: None, {}, [])
    _folds(context, folds(experiment, samples)[:1], lines.append, lambda *_: None, None)
    return run, experiment, lines


@pytest.mark.parametrize("loss", ["Keras' own", "thrown off"])
def test_where_the_best_epoch_answers_a_later_one_may_diverge(
    loss: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if loss == "Keras' own":
        monkeypatch.setattr(recipe, "clipped_crossentropy", "categorical_crossentropy")
    else:
        rates = (0.001, 0.001, float("inf"), 0.001)
        monkeypatch.setattr(recipe, "Learner", partial(recipe.Learner, rate=lambda epoch: rates[epoch]))
    run, experiment, lines = stored("intermediate-casme_sq/published", tmp_path)
    result = run.load("held-out clips")
    assert result is not None, lines
    history = {name: np.array(values) for name, values in result.history["network"].items()}
    finite = np.isfinite(history["loss"])
    assert finite[0]
    assert not finite[-1]
    right = (result.probabilities.argmax(axis=1) == result.truth).mean()
    assert right == history["val_accuracy"][finite].max()
    assert all(np.isnan(values[~finite]).all() for values in history.values())
    (note,) = _diverged(experiment, [result])
    assert f"network diverged at epoch {finite.argmin() + 1} of {DEEP.training.epochs}" in note
    assert experiment.id in note


def test_where_the_last_epoch_answers_a_diverged_fold_fails_and_says_when(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recipe, "clipped_crossentropy", "categorical_crossentropy")
    run, _, lines = stored("intermediate-casme_sq/loso", tmp_path)
    fold = "casme_sq_recordings/s0"
    assert run.load(fold) is None
    for line in (*lines, run.failure(fold) or ""):
        assert re.search(f"network diverged at epoch [2-4] of {DEEP.training.epochs}", line)


def thrown(monkeypatch: pytest.MonkeyPatch, *kernels: str) -> None:
    """Have the networks with these kernels lose all numbers in their first epoch."""
    usual = recipe.Networks.with_kernel

    def with_kernel(self: Any, kernel: str, epochs: int) -> Any:
        learner = usual(self, kernel, epochs)
        learner._rate = (lambda _: float("inf")) if kernel in kernels else None
        return learner

    monkeypatch.setattr(recipe.Networks, "with_kernel", with_kernel)


def test_a_kernel_that_diverges_leaves_the_others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    thrown(monkeypatch, "3x3x3")
    experiment = comparing("3x3x3", "5x5x7", "7x7x3")
    samples = fake(experiment)
    (fold,) = folds(experiment, samples)
    networks = build_networks(experiment)
    result = trained(networks, experiment, samples, fold, tmp_path)
    finite = {name: bool(np.isfinite(history["loss"]).all()) for name, history in result.history.items()}
    assert finite == {"kernel 3x3x3": False, "kernel 5x5x7": True, "kernel 7x7x3": True, "network": True}
    assert np.isfinite(result.probabilities).all()
    records = {file.name: json.loads(file.read_text()) for file in tmp_path.rglob("search/**/*.json")}
    assert records["kernel=3x3x3.json"]["network"]["val_accuracy"] == [None] * TINY.training.search_epochs
    thrown(monkeypatch)
    again = trained(networks, experiment, samples, fold, tmp_path)  # from the disk, that one too
    assert np.isnan(again.history["kernel 3x3x3"]["loss"]).all()


def test_where_all_kernels_diverge_the_fold_fails_in_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kernels = ("3x3x3", "5x5x7")
    thrown(monkeypatch, *kernels)
    experiment = comparing(*kernels)
    samples = fake(experiment)
    networks = build_networks(experiment)
    with pytest.raises(FloatingPointError, match="all 2 kernels diverged") as caught:
        trained(
            networks,
            experiment,
            samples,
            folds(experiment, samples)[0],
            tmp_path,
        )
    assert "\n" not in str(caught.value)


def test_normalisation_rests_on_the_rows_it_may_use() -> None:
    x = {"face": np.array([[0, 10], [20, 30], [250, 255]], np.uint8)}
    samples = Samples(x, np.zeros(3, np.int64), np.array(["s"] * 3), np.array(["a", "b", "c"]), np.zeros(3, np.int64))
    known = samples.only(np.array([0, 1]))
    for some in ([known], [known.only(np.array([0])), known.only(np.array([1]))]):
        scaling = recipe.fit_scaling(some)
        scaled = scaling.applied(known)["face"]
        assert scaled.mean() == pytest.approx(0)
        assert scaled.max() == 1
        assert scaling.applied(samples)["face"][2].max() == pytest.approx((255 - 15) / 15)
