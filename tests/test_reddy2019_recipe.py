"""What reddy2019 trains on what: the twin sees nothing of the held-out subject, the published split what it scores."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from folds import run_fold

from common.protocols import split
from common.types import Experiment, Samples
from papers.reddy2019 import recipe
from papers.reddy2019.experiments import PAPER, Settings, depth

TINY = Settings(face_size=10, region_size=8, casme_sq_frames=24, epochs=3, search_epochs=1, batch=4)
EXPERIMENTS = {experiment.id: experiment for experiment in PAPER.experiments}


def fake(experiment: Experiment, seed: int = 0) -> Samples:
    """Four subjects with five clips each; the class shows as brightness."""
    rng = np.random.default_rng(seed)
    stcnn = recipe.network(experiment) == "stcnn"
    size, names = (TINY.face_size, ["face"]) if stcnn else (TINY.region_size, ["eyes", "mouth"])
    y = np.arange(20) % 3
    shape = (20, size, size, depth(experiment, TINY), 1)
    x = {name: (40 * y[:, None, None, None, None] + rng.integers(0, 90, shape)).astype(np.uint8) for name in names}
    subject = np.array([f"{experiment.corpora[0]}/s{k // 5}" for k in range(20)])
    clip = np.array([f"{subject[k]}/c{k}" for k in range(20)])
    return Samples(x, y, subject, clip, np.zeros(20, np.int64))


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
    networks = recipe.Networks(experiment, TINY, 0)
    run, other = (run_fold(recipe, networks, experiment, one, fold, tmp_path) for one in (samples, changed))
    assert run.history == other.history
    assert not list(tmp_path.rglob("*.npz"))


def test_the_published_split_scores_its_best_epoch(tmp_path: Path) -> None:
    experiment = EXPERIMENTS["late-smic/published"]
    samples = fake(experiment)
    (fold,) = folds(experiment, samples)
    result = run_fold(recipe, recipe.Networks(experiment, TINY, 0), experiment, samples, fold, tmp_path)
    watched = result.history["network"]["val_accuracy"]
    assert len(watched) == TINY.epochs
    right = result.probabilities.argmax(axis=1) == samples.y[fold.test]
    assert float(right.mean()) == max(watched)
    assert [path.parent.name for path in tmp_path.rglob("*.npz")] == ["saliency"]


def test_every_kernel_of_table_ix_is_tried_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recipe, "KERNELS", ("3x3x3", "5x5x7"))
    experiment = EXPERIMENTS["kernel-sizes-casme_sq/published"]
    samples = fake(experiment)
    fold = folds(experiment, samples)[0]
    networks = recipe.Networks(experiment, TINY, 0)
    result = run_fold(recipe, networks, experiment, samples, fold, tmp_path)
    assert set(result.history) == {"network", "kernel 3x3x3", "kernel 5x5x7"}
    for kernel in ("3x3x3", "5x5x7"):
        assert len(result.history[f"kernel {kernel}"]["val_accuracy"]) == TINY.search_epochs
    assert "val_accuracy" in result.history["network"]
    again = run_fold(recipe, networks, experiment, samples, fold, tmp_path)  # the trials come from the disk
    assert again.probabilities.tobytes() == result.probabilities.tobytes()


def test_normalisation_rests_on_the_rows_it_may_use() -> None:
    x = {"face": np.array([[0, 10], [20, 30], [250, 255]], np.uint8)}
    samples = Samples(x, np.zeros(3, np.int64), np.array(["s"] * 3), np.array(["a", "b", "c"]), np.zeros(3, np.int64))
    known = samples.only(np.array([0, 1]))
    for some in ([known], [known.only(np.array([0])), known.only(np.array([1]))]):
        scaling = recipe.fit_scaling(some)
        found = scaling.applied(known)["face"]
        assert found.mean() == pytest.approx(0)
        assert found.max() == 1
        assert scaling.applied(samples)["face"][2].max() == pytest.approx((255 - 15) / 15)
