"""The second definitions: equal where they should be, different where a fault is planted, and the authors' weights."""

from __future__ import annotations

import dataclasses
import importlib.util
import math
import subprocess
import sys
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from common.environment import ROOT
from common.errors import UserError

if not importlib.util.find_spec("tf_keras"):
    pytest.skip("tf_keras is not installed", allow_module_level=True)

from fidelity import compare, data, networks, results, run
from fidelity.faults import networks as mutations
from fidelity.faults import steps as mutations_data
from fidelity.faults.changes import Settings, patched
from fidelity.sides import layout
from papers.reddy2019 import published_weights

STCNN = next(network for network in networks.NETWORKS if network.name == "MicroExpSTCNN")


def quick(network: networks.Network) -> networks.Network:
    """The network with two steps of training."""
    return dataclasses.replace(network, small=networks.with_steps(network.small, 2))


def planted(what: str, network: str) -> mutations.Mutation:
    return next(entry for entry in mutations.MUTATIONS if (entry.what, entry.where) == (what, network))


# ---------------------------------------------------------------- networks


def test_a_network_is_its_port_and_planted_faults_are_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    some = [planted("dropout before pooling", STCNN.name), planted("time flattened before space", STCNN.name)]
    some += [planted("loss without clipping, as in Keras 3", STCNN.name)]
    monkeypatch.setattr(mutations, "MUTATIONS", tuple(some))
    row, found = run.of_network(quick(STCNN), short=True)
    assert not row.out_of_tolerance
    assert row.small["outputs"] < 1e-12
    assert row.small["steps"] < 1e-9
    assert [mutation.noticed for mutation in found] == ["dropout", "outputs", "loss where saturated"]


def test_an_unchanged_network_fails_no_check() -> None:
    network = quick(STCNN)
    *_, case = compare.both(network, network.small, compare.SMALL, steps=True)
    assert [*compare.failing(network, case, Settings({}), "steps")] == []


def test_without_pytorch_its_rows_are_dashes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run, "installed", lambda framework: framework != networks.PYTORCH)
    found = run.everything(short=True, only=["VGG19"], say=lambda line: None)
    (row,) = found.networks
    assert set(results.cells(row)[3:]) == {results.DASH}
    assert [*results.summary(found)] == [results.INSTALL, "0 of 0 mutations caught, 3 need PyTorch"]
    assert results.holds(found)


def test_every_fault_belongs_to_a_network_or_step_and_names_a_check() -> None:
    names = {network.name: network for network in networks.NETWORKS}
    checks = {"settings", "weights", "dropout", "initialisers", "normalisation", *results.CHECKS, "steps"}
    assert all(entry.where in names and entry.check in checks for entry in mutations.MUTATIONS)
    steps = {step.name for step in data.STEPS}
    assert all(entry.where in steps and entry.check == entry.where for entry in mutations_data.MUTATIONS)
    assert {entry.where for entry in mutations.MUTATIONS} == set(names)
    assert {entry.where for entry in mutations_data.MUTATIONS} == steps
    keras2 = [entry for entry in mutations.MUTATIONS if names[entry.where].framework == networks.KERAS2]
    assert len(keras2) + len(mutations_data.MUTATIONS) >= 42


@pytest.mark.parametrize("order", [(2, 0, 1), (0, 1, 2)])
def test_weights_return_from_a_port_as_they_went(order: tuple[int, ...]) -> None:
    pair = layout.Pair("dense", "linear", (1, 0), (2, 3, 5), order, last=4)
    values = np.random.default_rng(0).random((30, 7))
    theirs = layout.there(values, pair, (7, 30))
    assert np.array_equal(layout.back(theirs, pair, values.shape), values)
    with pytest.raises(ValueError, match="shape"):
        layout.there(values, pair, (7, 31))


# ---------------------------------------------------------------- data steps


@pytest.mark.parametrize("step", [step for step in data.STEPS if step.name != "saliency"], ids=lambda step: step.name)
def test_a_data_step_agrees_and_its_faults_are_noticed(step: data.Step) -> None:
    assert step.deviation() <= step.tolerance
    for mutation in mutations_data.MUTATIONS:
        if mutation.where == step.name:
            with patched(mutation.how):
                assert not step.deviation() <= step.tolerance, mutation.what


# ---------------------------------------------------------------- the stored results


def test_stored_results_are_those_of_this_code() -> None:
    found = results.stored(results.read())
    assert results.holds(found)
    assert [row.name for row in found.networks] == [network.name for network in networks.each(False)]
    assert [tuple(row.by_hand) for row in found.networks] == [network.by_hand for network in networks.each(False)]
    assert all(row.full and row.small for row in found.networks if row.installed)
    assert {row.framework for row in found.networks if not row.installed} <= {networks.PYTORCH}
    assert [(row.name, row.tolerance) for row in found.steps] == [(step.name, step.tolerance) for step in data.STEPS]
    stored = {(row.where, row.what, row.check) for row in found.mutations}
    assert stored == {(m.where, m.what, m.check) for m in (*mutations.MUTATIONS, *mutations_data.MUTATIONS)}
    missing = {row.name for row in found.networks if not row.installed}
    assert all((row.noticed is None) == (row.where in missing) for row in found.mutations)
    assert all(math.isfinite(value) for row in found.networks for value in (*row.full.values(), *row.small.values()))


@pytest.mark.slow
def test_the_command_finds_everything_equal_at_the_smallest_sizes() -> None:
    command = [sys.executable, "-m", "fidelity", "--short"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
    assert "mutations caught" in done.stdout.splitlines()[-1]


# ---------------------------------------------------------------- the authors' weights of reddy2019


def authors_file(path: Path, kind: str, *, whole: bool = False) -> Any:
    """Write a file in the layout of the authors' scripts for SMIC. Returns its network.

    TensorFlow cannot convolve channels first on a CPU: the network here moves channels to the front where the authors'
    has them, before it flattens.
    """
    import tf_keras

    layers = tf_keras.layers
    tf_keras.backend.clear_session()
    size = published_weights.SIZES[kind]  # type: ignore[index]

    def stream() -> tuple[Any, Any]:
        entry = layers.Input((size, size, 18, 1))
        x = layers.Conv3D(32, (3, 3, 15), activation="relu")(entry)
        return entry, layers.Flatten()(layers.Permute((4, 1, 2, 3))(layers.MaxPooling3D(3)(x)))

    if kind == "stcnn":
        entry, x = stream()
        entries = [entry]
        x = layers.Dense(128, activation="relu")(x)
    elif kind == "intermediate":
        (eyes, x), (nose, y) = stream(), stream()
        entries = [eyes, nose]
        x = layers.Dense(1024)(layers.Concatenate()([x, y]))
        x = layers.Dense(128)(x)
    else:
        eyes, x = stream()
        x = layers.Dense(1024)(x)
        x = layers.Dense(128)(x)
        nose, y = stream()
        y = layers.Dense(1024)(y)
        y = layers.Dense(128)(y)
        entries, x = [eyes, nose], layers.Concatenate()([x, y])
    model = tf_keras.Model(entries, layers.Dense(3, activation="softmax")(x))
    rng = np.random.default_rng(0)
    model.set_weights([rng.normal(0, 0.1, weight.shape) * (2 / len(weight)) ** 0.25 for weight in model.get_weights()])
    model.save(path, save_format="h5") if whole else model.save_weights(path, save_format="h5")
    return model


@pytest.mark.parametrize(
    ("kind", "whole"), [("stcnn", False), ("stcnn", True), ("intermediate", False), ("late", True)]
)
def test_published_weights_give_the_probabilities_of_the_authors_network(
    kind: str, whole: bool, tmp_path: Path
) -> None:
    model = authors_file(tmp_path / "weights-improvement-40-0.69.hdf5", kind, whole=whole)
    found = published_weights.read(tmp_path / "weights-improvement-40-0.69.hdf5")
    assert (found.kind, found.frames, found.classes) == (kind, 18, ("negative", "positive", "surprise"))
    rng, size = np.random.default_rng(1), published_weights.SIZES[found.kind]
    x = {name: rng.random((2, size, size, 18, 1), np.float32) for name in found.network.input}
    own = np.asarray(found.network(x, training=False)["emotion"])
    theirs = model(list(x.values()) if len(x) > 1 else x["face"]).numpy()
    assert own == pytest.approx(theirs, abs=1e-5)
    assert theirs.max() < 0.999  # else any order of the flattened values could give the same


def test_kernels_that_theano_wrote_are_turned(tmp_path: Path) -> None:
    path = tmp_path / "weights.hdf5"
    authors_file(path, "stcnn")
    before = published_weights.read(path).network.get_layer("face_convolution").get_weights()[0]
    with h5py.File(path, "r+") as file:
        file.attrs["backend"] = b"theano"
    after = published_weights.read(path).network.get_layer("face_convolution").get_weights()[0]
    assert np.array_equal(after, before[::-1, ::-1, ::-1])


def test_classes_of_casme_sq_are_in_the_order_of_the_suite() -> None:
    classes, places = published_weights.FRAMES[96]
    theirs = ("anger", "happy", "disgust")
    assert tuple(theirs[place] for place in places) == classes


def damaged(path: Path, name: str) -> None:
    if name == "not a file of weights":
        path.write_bytes(b"not HDF5")
        return
    authors_file(path, "stcnn")
    with h5py.File(path, "r+") as file:
        place = f"{name}/{name}/kernel:0"
        if name == "conv3d":
            values = file[place][()]
            del file[place]
            file[place] = values[:2]
        else:
            file[place][0, 0] = np.nan


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("not a file of weights", "cannot be read"),
        ("conv3d", "conv3d/kernel is 2x3x15x1x32, not 3x3x15x1x32"),
        ("dense", "dense/kernel contains values that are not finite"),
    ],
)
def test_a_file_that_does_not_fit_is_refused_in_one_line(
    name: str, reason: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    damaged(tmp_path / "weights.hdf5", name)
    with pytest.raises(UserError, match=reason):
        published_weights.read(tmp_path / "weights.hdf5")
    out = tmp_path / "network.keras"
    assert published_weights.main([str(tmp_path / "weights.hdf5"), "--out", str(out)]) == 2
    assert len(capsys.readouterr().err.splitlines()) == 1
    assert not out.exists()


def test_the_written_network_can_be_loaded(tmp_path: Path) -> None:
    import keras

    authors_file(tmp_path / "weights.hdf5", "stcnn")
    assert published_weights.main([str(tmp_path / "weights.hdf5"), "--out", str(tmp_path / "network.keras")]) == 0
    loaded = keras.models.load_model(tmp_path / "network.keras")
    assert loaded.count_params() == 1_643_267
