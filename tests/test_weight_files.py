"""Weights of other projects by their own names: files of made-up arrays, read, and the networks held against numpy."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from pathlib import Path

import bottlenecks
import h5py
import keras
import numpy as np
import pytest
from safetensors.numpy import save_file

from common.errors import UserError
from common.training import pretrained, weight_files, weights
from common.training.weights import KERAS, NONE, SAFETENSORS, Weights
from papers.le2020 import model, resnet, senet
from papers.le2020.experiments import Network

Write = Callable[[Path, dict[str, np.ndarray]], None]


def as_keras_2(path: Path, arrays: dict[str, np.ndarray], *, whole: bool = False, again: str = "") -> None:
    """Write "layer/weight" arrays as Keras 2 does: a group per layer, in it what TensorFlow calls the variables.

    `whole` is a model with its weights in a group, and `again` what is behind a layer's name in a graph that has it
    twice.
    """
    with h5py.File(path, "w") as file:
        root = file.create_group("model_weights") if whole else file
        layers = list(dict.fromkeys(name.rpartition("/")[0] for name in arrays))
        root.attrs["layer_names"] = np.array([name.encode() for name in layers])
        for layer in layers:
            own = [name.rpartition("/")[2] for name in arrays if name.rpartition("/")[0] == layer]
            group = root.require_group(layer)
            group.attrs["weight_names"] = np.array([f"{layer}{again}/{weight}:0".encode() for weight in own])
            for weight in own:
                group[f"{layer}{again}/{weight}:0"] = arrays[f"{layer}/{weight}"]


def features(network: keras.Model, picture: np.ndarray) -> np.ndarray:
    """What comes out before the last layer, for one picture."""
    cut = keras.Model(network.input, network.layers[-2].output)
    return keras.ops.convert_to_numpy(cut(picture[None], training=False))[0]


# ---------------------------------------------------------------- whole networks


def test_senet50_computes_what_keras_vggface_names(tmp_path: Path) -> None:
    arrays = bottlenecks.made_up(bottlenecks.vggface_shapes())
    classified = {"classifier/kernel": np.ones((2048, 2), np.float32), "classifier/bias": np.ones(2, np.float32)}
    as_keras_2(tmp_path / "senet50.h5", arrays | classified)
    start = weights.chosen(str(tmp_path))
    network = model.build(Network("senet50", start), {"face": (37, 37, 3)}, 4).get_layer("senet50")
    picture = np.random.default_rng(3).normal(size=(37, 37, 3)).astype(np.float32)
    assert bottlenecks.near(features(network, picture), bottlenecks.vggface_features(picture, arrays))
    assert sum(array.size for array in arrays.values()) + 2049 * 4 == network.count_params()


def test_torchvisions_resnet50_computes_what_its_file_names(tmp_path: Path) -> None:
    arrays = bottlenecks.made_up(bottlenecks.torchvision_shapes())
    counted = {"bn1.num_batches_tracked": np.array(7)}
    save_file(arrays | counted, tmp_path / "resnet50.safetensors")
    start = weights.chosen(str(tmp_path / "resnet50.safetensors"))
    classifier = model.build(Network("resnet50-torchvision", start), {"face": (37, 37, 3)}, 4)
    network = classifier.get_layer("resnet50_torchvision")
    picture = np.random.default_rng(3).normal(size=(37, 37, 3)).astype(np.float32)
    assert bottlenecks.near(features(network, picture), bottlenecks.torchvision_features(picture, arrays))


def test_parameters_of_torchvisions_resnet50() -> None:
    network = resnet.resnet50(64, 4)
    learnt = {
        name: shape
        for name, shape in bottlenecks.torchvision_shapes().items()
        if "running" not in name and not name.startswith("fc")
    }
    trained = sum(int(np.prod(weight.shape)) for weight in network.trainable_weights)
    assert sum(int(np.prod(shape)) for shape in learnt.values()) == 23_508_032
    assert trained == 23_508_032 + 2048 * 4 + 4


def test_initial_weights_have_the_spread_of_pytorch() -> None:
    """Kaiming by outputs for convolutions, uniform up to the root of one over the inputs for the last layer."""
    network = resnet.resnet50(32, 4)
    for name in ("layer1.0.conv1", "layer2.0.conv2", "layer3.0.downsample.0", "conv1"):
        kernel = network.get_layer(name).get_weights()[0]
        assert kernel.std() == pytest.approx(np.sqrt(2 / (kernel.shape[0] ** 2 * kernel.shape[3])), rel=0.05)
    kernel, bias = network.layers[-1].get_weights()
    assert np.abs(kernel).max() == pytest.approx(2048**-0.5, rel=0.01)
    assert np.abs(bias).max() <= 2048**-0.5


# ---------------------------------------------------------------- what networks read


def read_by(classifier: keras.Model, picture: np.ndarray) -> np.ndarray:
    """What the network inside gets of an RGB picture in 0-255."""
    cut = keras.Model(classifier.input, classifier.get_layer("grey_levels").output)
    return keras.ops.convert_to_numpy(cut({"face": (picture / 255)[None].astype(np.float32)}))[0]


def test_pixels_are_what_the_initial_weights_were_trained_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    picture = np.random.default_rng(4).integers(0, 256, (8, 8, 3))
    shapes = {"face": picture.shape}
    for key in ("senet50", "resnet50-torchvision"):
        monkeypatch.setitem(model.BUILD, key, lambda size, classes: tiny(classes))
    tiny(5).save(tmp_path / "senet50.h5")
    own = model.build(Network("senet50", weights.chosen(str(tmp_path / "senet50.h5"))), shapes, 4)
    monkeypatch.setattr(senet, "vggface_name", lambda layer, weight: f"{layer}/{weight}")
    monkeypatch.setattr(senet, "KNOWN_BY", "first/7x7")
    as_keras_2(tmp_path / "port.h5", arrays_of(tiny(5)) | {"first/7x7/kernel": np.ones(1, np.float32)})
    port = model.build(Network("senet50", weights.chosen(str(tmp_path / "port.h5"))), shapes, 4)
    torch = model.build(Network("resnet50-torchvision", Weights(NONE)), shapes, 4)
    backwards = picture[..., ::-1]
    assert read_by(own, picture) == pytest.approx(backwards - np.array([103.939, 116.779, 123.68]), abs=1e-3)
    assert read_by(port, picture) == pytest.approx(backwards - np.array([91.4953, 103.8827, 131.0912]), abs=1e-3)
    normal = (picture / 255 - np.array([0.485, 0.456, 0.406])) / np.array([0.229, 0.224, 0.225])
    assert read_by(torch, picture) == pytest.approx(normal, abs=1e-3)


def test_a_folder_gives_both_resnets_their_own_files(tmp_path: Path) -> None:
    for name in ("resnet50.weights.h5", "resnet50-11ad3fa6.safetensors"):
        (tmp_path / name).write_bytes(b"x")
    start = weights.chosen(str(tmp_path))
    assert start.file("resnet50", KERAS)[0].name == "resnet50.weights.h5"
    assert start.file("resnet50", SAFETENSORS)[0].name == "resnet50-11ad3fa6.safetensors"
    with pytest.raises(UserError, match=r"0 files are named senet50….h5 or senet50….keras"):
        start.file("senet50", KERAS)
    with pytest.raises(UserError, match=r"vgg19 needs a weight file that ends in .h5 or .keras"):
        weights.chosen(str(tmp_path / "resnet50-11ad3fa6.safetensors")).file("vgg19", KERAS)


# ---------------------------------------------------------------- files that do not fit


def tiny(classes: int) -> keras.Model:
    layers = keras.layers
    image = x = layers.Input((8, 8, 3), name="image")
    x = layers.Conv2D(2, 3, use_bias=False, name="first")(x)
    x = layers.BatchNormalization(name="second")(x)
    x = layers.Dense(classes, name="last")(layers.GlobalAveragePooling2D()(x))
    return keras.Model(image, x, name="tiny")


def arrays_of(network: keras.Model) -> dict[str, np.ndarray]:
    return {
        f"{layer.name}/{weight.name}": np.random.default_rng(8).random(weight.shape).astype(np.float32)
        for layer in network.layers[:-1]
        for weight in layer.weights
    }


def as_safetensors(path: Path, arrays: dict[str, np.ndarray]) -> None:
    save_file(arrays, path)


KINDS: dict[str, tuple[Write, Callable[..., dict[str, np.ndarray]]]] = {
    "tiny.h5": (as_keras_2, weight_files.from_hdf5),
    "tiny.safetensors": (as_safetensors, weight_files.from_safetensors),
}


def read_into(network: keras.Model, path: Path) -> None:
    pretrained.from_named(network, path, KINDS[path.name][1], lambda layer, weight: f"{layer}/{weight}")


@pytest.mark.parametrize("name", KINDS)
def test_every_array_lands_where_its_name_says(tmp_path: Path, name: str) -> None:
    network = tiny(4)
    arrays = arrays_of(network)
    own = [value.copy() for value in network.layers[-1].get_weights()]
    KINDS[name][0](tmp_path / name, arrays | {"last/kernel": np.zeros((2, 9), np.float32)})
    read_into(network, tmp_path / name)
    for layer in network.layers[:-1]:
        for weight in layer.weights:
            assert np.array_equal(keras.ops.convert_to_numpy(weight), arrays[f"{layer.name}/{weight.name}"])
    assert all(map(np.array_equal, network.layers[-1].get_weights(), own))


def test_a_whole_model_and_a_network_built_again_are_read_alike(tmp_path: Path) -> None:
    arrays = arrays_of(tiny(4))
    as_keras_2(tmp_path / "tiny.h5", arrays, whole=True, again="_1")
    network = tiny(4)
    read_into(network, tmp_path / "tiny.h5")
    assert np.array_equal(network.get_layer("second").get_weights()[3], arrays["second/moving_variance"])
    assert weight_files.has_layer(tmp_path / "tiny.h5", "second")
    assert not weight_files.has_layer(tmp_path / "tiny.h5", "third")


@pytest.mark.parametrize("name", KINDS)
@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"second/gamma": None}, "it has no array second/gamma"),
        ({"first/kernel": np.zeros((3, 3, 2, 3), np.float32)}, "first/kernel is 3x3x2x3, not 3x3x3x2"),
        ({"second/beta": np.zeros(2, np.int32)}, "second/beta does not contain floating-point numbers"),
        ({"second/beta": np.array([0, np.nan], np.float32)}, "second/beta contains values that are not finite"),
        ({"second/beta": np.array([0, 1e300])}, "second/beta contains values that are not finite"),
    ],
    ids=["missing", "shape", "integers", "nan", "too large"],
)
@pytest.mark.filterwarnings("error")
def test_a_file_that_does_not_fit_is_one_line_and_changes_nothing(
    tmp_path: Path, name: str, change: dict[str, np.ndarray | None], reason: str
) -> None:
    network = tiny(4)
    before = [value.copy() for value in network.get_weights()]
    KINDS[name][0](tmp_path / name, {k: v for k, v in (arrays_of(network) | change).items() if v is not None})
    with pytest.raises(UserError, match="cannot be read as weights of tiny") as raised:
        read_into(network, tmp_path / name)
    assert reason in str(raised.value)
    assert "\n" not in str(raised.value)
    assert all(map(np.array_equal, network.get_weights(), before))


@pytest.mark.parametrize("name", KINDS)
def test_a_damaged_file_and_a_pickle_are_one_line(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    KINDS[name][0](path, arrays_of(tiny(4)))
    whole = path.read_bytes()
    for content in (whole[: len(whole) // 2], b"", pickle.dumps([1, 2])):
        path.write_bytes(content)
        with pytest.raises(UserError, match="cannot be read as weights of tiny"):
            read_into(tiny(4), path)
    assert not weight_files.has_layer(path, "first")


def test_hdf5_leads_to_no_other_file(tmp_path: Path) -> None:
    """Links and storage that an HDF5 file may have elsewhere."""
    path, secret = tmp_path / "tiny.h5", tmp_path / "secret"
    secret.write_bytes(b"A" * 4096)
    arrays = arrays_of(tiny(4))
    as_keras_2(tmp_path / "other.h5", arrays)
    layout = h5py.VirtualLayout((2,), "f4")
    layout[:] = h5py.VirtualSource(tmp_path / "other.h5", "second/second/beta:0", (2,))
    as_keras_2(path, arrays)
    for how in range(4):
        with h5py.File(path, "r+") as file:
            group = file["second/second"]
            del group["beta:0"]
            if how == 0:
                group["beta:0"] = h5py.ExternalLink(str(tmp_path / "other.h5"), "second/second/beta:0")
            elif how == 1:
                group["beta:0"] = h5py.SoftLink("/second/second/gamma:0")
            elif how == 2:
                group.create_dataset("beta:0", (2,), "f4", external=[(str(secret), 0, 8)])
            else:
                group.create_virtual_dataset("beta:0", layout)
        with pytest.raises(UserError, match="it has no array second/beta"):
            read_into(tiny(4), path)
