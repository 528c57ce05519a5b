"""Saved networks of all papers: stock Keras reads them without this project, and they answer as they did."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest

import papers
from common.contract import FoldRun, InputView, Settings
from common.errors import UserError
from common.predict import choice, user_clips
from common.training.learner import Learner, keras
from common.types import Clip, Experiment, Predictions, Samples

SMALL = {
    "aouayeb2019": {"sequence_length": 4, "region_scale": 0.25},
    "kumar2019": {"size": 32},
    "le2020": {"size": 32},
    "reddy2019": {"face_size": 12, "region_size": 12},
    "talluri2022": {"size": 10, "frames": 9},
}
"""Beside the profile smoke and the experiment's own, so that networks are built in a second."""
SLOW = ("kumar2019", "le2020")
"""Papers whose networks take long to convert."""
ALONE = """
import json, sys
import keras, numpy as np
for folder, name, inputs in json.loads(sys.argv[1]):
    model = keras.saving.load_model(f"{folder}/{name}.keras")
    assert not model.compiled and all(type(layer).__module__.startswith("keras.") for layer in model.layers)
    with np.load(inputs) as arrays:
        given = {key: arrays[key] for key in model.input}
    answer = model(given, training=False)
    np.savez(f"{folder}/{name}-answers.npz", **{key: np.asarray(value) for key, value in answer.items()})
assert not any(name.split(".")[0] in ("common", "papers") for name in sys.modules)
"""


class Saved(NamedTuple):
    experiment: Experiment
    settings: Settings
    samples: Samples
    answers: Predictions
    folder: Path
    files: dict[str, Any]


def small(key: str, experiment: Experiment, **more: Any) -> Settings:
    smoke = papers.load(key).profiles["smoke"].settings
    return smoke.having({**experiment.settings, **SMALL.get(key, {}), **more})


def arrays(key: str, inputs: Any) -> list[dict[str, np.ndarray]]:
    """What `prepare` would make of two clips, of noise."""
    rng = np.random.default_rng(len(key))

    def noise(*shape: int) -> np.ndarray:
        return rng.integers(0, 256, shape).astype(np.uint8)

    def one() -> dict[str, np.ndarray]:
        if key == "aouayeb2019":
            sizes = papers.parts(key).preprocess.region_sizes(inputs.region_scale)  # type: ignore[attr-defined]
            return {name: noise(3, *size, 4) for name, size in sizes.items()}
        if key == "kumar2019":
            counts = {"frames": np.array([9]), "kept": np.full(4, 9), "lost": np.zeros(4, int)}
            return {"avatars": noise(4, inputs.size, inputs.size, 3)} | counts
        if key == "le2020":
            points = rng.random((68, 2)) * inputs.size
            return {"dynamic": noise(inputs.size, inputs.size, 3), "points": points, "cut": np.array([1])}
        if key == "reddy2019":
            face = noise(inputs.face_size, inputs.face_size, inputs.frames, 1)
            parts = {name: noise(inputs.region_size, inputs.region_size, 18, 1) for name in ("eyes", "mouth")}
            return {"face": face, "reused": np.array([0]), "searched": np.array([0])} | parts
        if key == "liong2019":
            return {"flow": rng.random((inputs.size, inputs.size, 3), np.float32), "estimated": np.array([1])}
        if key == "see2019":
            return {"histograms": rng.random((inputs.grid, inputs.grid, 177), np.float32), "frames": np.array([9])}
        whole = {"apex": np.array([4]), "reused": np.array([0]), "searched": np.array([0]), "estimated": np.array([1])}
        return {"face": noise(11, inputs.size, inputs.size)} | whole

    return [one() for _ in range(2)]


def samples_of(key: str, settings: Settings) -> Samples:
    clips = [
        (Clip(user_clips.CORPUS, f"s{n}", "c", (Path("a"),) * 9, tuple(range(1, 10)), 1, 4, 9, 100.0, ""), n)
        for n in range(2)
    ]
    return papers.parts(key).preprocess.assemble(clips, arrays(key, settings.inputs), settings)


def build_networks(key: str, experiment: Experiment, settings: Settings) -> Any:
    parts = papers.parts(key)
    return parts.recipe().build_networks(
        settings.network, settings.training, parts.preprocess.shapes(settings), experiment.labels.classes, 0
    )


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Saved]:
    """All papers' networks with statistics as if they were trained; their answers by the recipe's own predict."""
    from common.predict import networks

    def fit(self: Learner, *_: Any, **__: Any) -> dict[str, list[float]]:
        rng = np.random.default_rng(0)
        for weight in self.model.weights:
            if "moving" in weight.path or "bias" in weight.path:
                weight.assign(np.abs(weight.numpy() + rng.normal(0, 0.1, weight.shape)))
        return {"loss": [1.0]}

    by_paper = {}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Learner, "fit", fit)
        for key in papers.available():
            experiment = choice.choose(papers.load(key), None)[0]
            settings = small(key, experiment)
            samples = samples_of(key, settings)
            recipe, folder = papers.parts(key).recipe(), tmp_path_factory.mktemp(key)
            trained = recipe.train(
                build_networks(key, experiment, settings),
                experiment,
                samples,
                FoldRun("all clips", 0, settings, lambda *_: None, folder, None),
            )
            answers = trained.predict(samples)
            files = networks.save(trained.models, samples, trained.scaling, folder)
            by_paper[key] = Saved(experiment, settings, samples, answers, folder, files)
    return by_paper


def test_stock_keras_reads_the_files_without_this_project(saved: dict[str, Saved], tmp_path: Path) -> None:
    wanted = []
    for key, network in saved.items():
        given = {name: values[:] for name, values in network.samples.x.items()}
        if key == "kumar2019":
            given = {name: values[network.samples.view == 10] for name, values in given.items()}
        np.savez(network.folder / "inputs.npz", **given)
        wanted += [
            (str(network.folder), name, str(network.folder / "inputs.npz"))
            for name in network.files
            if name != "sequences"
        ]
    rng = np.random.default_rng(1)
    frames = {name: rng.random((2, 4, 20)).astype(np.float32) for name in saved["aouayeb2019"].samples.x}
    np.savez(tmp_path / "sequences.npz", **frames)
    wanted.append((str(saved["aouayeb2019"].folder), "sequences", str(tmp_path / "sequences.npz")))
    bare = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"} | {"TF_ENABLE_ONEDNN_OPTS": "1"}
    command = [sys.executable, "-c", ALONE, json.dumps(wanted)]
    done = subprocess.run(command, cwd=tmp_path, env=bare, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    for network in saved.values():
        if "network" in network.files:
            with np.load(network.folder / "network-answers.npz") as answer:
                assert np.abs(answer["emotion"] - np.stack([*network.answers.values()])).max() <= 1e-6
    with np.load(saved["aouayeb2019"].folder / "features-answers.npz") as features:
        assert {name: values.shape for name, values in features.items()} == dict.fromkeys(frames, (6, 20))


@pytest.mark.parametrize("key", ["aouayeb2019", "reddy2019"])
def test_loaded_networks_answer_as_those_that_were_trained(saved: dict[str, Saved], key: str) -> None:
    """One of two files, one with a scaling of its own inside; all others are asked by stock Keras."""
    from common.predict import networks

    stored, recipe = saved[key], papers.parts(key).recipe()
    answers = recipe.answers(networks.load(stored.folder, stored.files), stored.samples, stored.settings)
    assert answers.keys() == stored.answers.keys()
    for clip, values in stored.answers.items():
        assert np.abs(answers[clip] - values).max() <= 1e-6
        assert values.sum() == pytest.approx(1, abs=1e-5)


@pytest.mark.parametrize(
    "key", [pytest.param(key, marks=[pytest.mark.slow] if key in SLOW else []) for key in sorted(SMALL)]
)
def test_onnx_files_answer_as_the_networks(saved: dict[str, Saved], key: str, tmp_path: Path) -> None:
    runtime = pytest.importorskip("onnxruntime")
    pytest.importorskip("tf2onnx")
    from common.predict import networks, onnx_files

    stored, recipe = saved[key], papers.parts(key).recipe()
    models = networks.load(stored.folder, stored.files)
    differences = onnx_files.export(
        models, tmp_path, lambda some, samples: recipe.answers(some, samples, stored.settings), [stored.samples]
    )
    assert {file.stem for file in differences} == set(stored.files)
    assert max(differences.values()) <= 1e-5
    rng = np.random.default_rng(1)
    for file in differences:  # without this project, for a batch of another size
        session = runtime.InferenceSession(file, providers=["CPUExecutionProvider"])
        x = {}
        for name, entry in models[file.stem].input.items():
            noise = rng.random((3, *entry.shape[1:])) * (255 if entry.dtype == "uint8" else 1)
            x[name] = noise.astype(entry.dtype)
        expected = models[file.stem].predict_on_batch(x)
        names = [output.name.removesuffix(onnx_files.SUFFIX) for output in session.get_outputs()]
        assert set(names) == set(expected)
        for name, values in zip(names, session.run(None, x), strict=True):
            assert np.abs(values - expected[name]).max() <= 1e-5 * max(1, np.abs(expected[name]).max())


def test_uint8_arrays_are_read_as_they_are(saved: dict[str, Saved]) -> None:
    for key, network in saved.items():
        first = "features" if key == "aouayeb2019" else "network"
        for name, description in network.files[first]["reads"].items():
            array = network.samples.x[name]
            assert description == {"shape": [None, *array.shape[1:]], "dtype": str(array.dtype)}
            assert array.dtype == ("float32" if key in ("liong2019", "see2019") else "uint8")
        assert all(
            (network.folder / entry["file"]).stat().st_size == entry["bytes"] for entry in network.files.values()
        )


def test_looks_are_pictures_of_what_is_read(saved: dict[str, Saved]) -> None:
    for key, stored in saved.items():
        first = stored.samples.only(np.flatnonzero(stored.samples.clip == stored.samples.clip[0]))
        input_views = papers.parts(key).figures.input_views(first, stored.settings)
        assert set(input_views) == set(first.x)
        for name, view in input_views.items():
            assert isinstance(view, InputView)
            assert view.pictures.dtype == np.uint8
            assert view.pictures.ndim == 4
            assert view.pictures.shape[3] == 3
            sides = zip(view.pictures.shape[1:3], view.axes, strict=True)
            assert all(side % first.x[name].shape[axis] == 0 for side, axis in sides)
            assert len(view.captions) == len(view.pictures) > 0


@pytest.mark.parametrize("kind", ["Lambda", "module", "zip", "text", "parts"])
def test_files_that_are_none_are_one_line(saved: dict[str, Saved], tmp_path: Path, kind: str) -> None:
    from common.predict import networks

    network = saved["talluri2022"]
    source = network.folder / "network.keras"
    with zipfile.ZipFile(source) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    config = parts["config.json"].decode()
    target = tmp_path / "network.keras"
    if kind == "Lambda":
        parts["config.json"] = config.replace('"Dropout"', '"Lambda"').encode()
    elif kind == "module":
        parts["config.json"] = config.replace('"keras.layers"', '"os.path"').encode()
    elif kind == "parts":
        parts["assets/x"] = b""
    with zipfile.ZipFile(target, "w") as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    if kind == "zip":
        target.write_bytes(source.read_bytes()[:1000])
    if kind == "text":
        target.write_bytes(b"not a network")
    with pytest.raises(UserError) as caught:
        networks.load(tmp_path, network.files)
    assert str(target) in str(caught.value)


@pytest.mark.parametrize(
    ("shape", "layer"),
    [
        ((3, 8, 8, 2), keras.layers.ConvLSTM2D(2, 3)),
        ((6, 4), keras.layers.Bidirectional(keras.layers.GRU(3))),
        ((6, 4), keras.layers.TimeDistributed(keras.layers.Dense(3))),
        ((6, 4), keras.layers.EinsumDense("abc,cd->abd", (6, 3))),
        ((8, 8, 2), keras.layers.Conv2DTranspose(3, 3)),
        ((8, 8, 2), keras.layers.SeparableConv2D(3, 3)),
        ((6, 4), keras.layers.MultiHeadAttention(2, 3)),
    ],
    ids=lambda value: type(value).__name__,
)
def test_the_layers_of_a_readers_own_network_are_saved(
    shape: tuple[int, ...], layer: keras.Layer, tmp_path: Path
) -> None:
    from common.predict import networks

    entry = keras.Input(shape, name="x")
    inner = layer(entry, entry) if isinstance(layer, keras.layers.MultiHeadAttention) else layer(entry)
    answer = keras.layers.Dense(3, activation="softmax", name="emotion")(keras.layers.Flatten()(inner))
    model = keras.Model({"x": entry}, {"emotion": answer})
    x = np.random.default_rng(0).random((2, *shape), np.float32)
    samples = Samples({"x": x}, np.zeros(2, int), np.array(["s", "s"]), np.array(["a", "b"]), np.zeros(2, int))
    loaded = networks.load(tmp_path, networks.save({"network": model}, samples, {}, tmp_path))["network"]
    answers, own = (np.asarray(net.predict_on_batch({"x": x})["emotion"]) for net in (loaded, model))
    assert np.abs(answers - own).max() < 1e-6


def test_a_layer_that_is_not_known_is_not_saved(tmp_path: Path) -> None:
    from common.predict import networks

    class Own(keras.layers.Layer):
        def call(self, x: Any) -> Any:
            return x * 2

    entry = keras.Input((2,), name="x")
    model = keras.Model({"x": entry}, {"emotion": Own()(entry)})
    empty = Samples({}, np.zeros(0, int), np.zeros(0, str), np.zeros(0, str), np.zeros(0, int))
    with pytest.raises(ValueError, match="Own"):
        networks.save({"network": model}, empty, {}, tmp_path)


@pytest.mark.parametrize("precision", ["mixed_float16", "mixed_bfloat16"])
@pytest.mark.parametrize("key", ["reddy2019", "talluri2022"])
def test_what_was_trained_in_16_bits_is_saved_in_32(key: str, precision: str, tmp_path: Path) -> None:
    """A CPU cannot pool over three axes in float16: such a file would answer nothing there."""
    from common.predict import networks

    experiment = choice.choose(papers.load(key), None)[0]
    settings = small(key, experiment, precision=precision)
    samples = samples_of(key, settings)
    learner = build_networks(key, experiment, settings).learner
    assert precision.removeprefix("mixed_") in {layer.compute_dtype for layer in learner.model.layers}
    files = networks.save({"network": learner.model}, samples, {}, tmp_path)
    loaded = networks.load(tmp_path, files)["network"]
    x = {name: values[:] for name, values in samples.x.items()}
    answers = np.asarray(loaded.predict_on_batch(x)["emotion"])
    own = learner.predict(x)["emotion"]
    assert np.abs(answers - own).max() < (0.005 if precision == "mixed_float16" else 0.05)
    with zipfile.ZipFile(tmp_path / "network.keras") as archive:
        assert b"mixed_" not in archive.read("config.json")
