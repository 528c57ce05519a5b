"""kumar2019 from the weights of torchvision's ResNet34: files of made-up arrays, the network against numpy."""

from __future__ import annotations

from pathlib import Path

import bottlenecks
import keras
import numpy as np
import pytest
from safetensors.numpy import save_file

import papers
from common.errors import UserError
from common.training import weights
from common.training.weights import IMAGENET, NONE, Weights
from papers.kumar2019 import model, preprocess
from papers.kumar2019.experiments import Network

PAPER = papers.load("kumar2019")
SIZE = 37
SHAPES = {"avatar": (SIZE, SIZE, 3)}
BLOCKS = ((64, 3), (128, 4), (256, 6), (512, 3))


def shapes() -> dict[str, tuple[int, ...]]:
    """Of a state dictionary of torchvision's ResNet34, without its last layer."""
    found: dict[str, tuple[int, ...]] = {}

    def add(name: str, norm: str, kernel: int, given: int, out: int) -> None:
        found[f"{name}.weight"] = (out, given, kernel, kernel)
        found.update({f"{norm}.{w}": (out,) for w in ("weight", "bias", "running_mean", "running_var")})

    add("conv1", "bn1", 7, 3, 64)
    given = 64
    for stage, (filters, count) in enumerate(BLOCKS, start=1):
        for number in range(count):
            name = f"layer{stage}.{number}"
            add(f"{name}.conv1", f"{name}.bn1", 3, given, filters)
            add(f"{name}.conv2", f"{name}.bn2", 3, filters, filters)
            if given != filters:
                add(f"{name}.downsample.0", f"{name}.downsample.1", 1, given, filters)
            given = filters
    return found


def features(picture: np.ndarray, arrays: dict[str, np.ndarray]) -> np.ndarray:
    """What torchvision's ResNet34 makes of a picture (h, w, 3) in 0-1 before its last layer, (512,)."""

    def layer(x: np.ndarray, name: str, norm: str, stride: int = 1) -> np.ndarray:
        kernel = arrays[f"{name}.weight"].transpose(2, 3, 1, 0)
        gamma, beta, mean, variance = (f"{norm}.{w}" for w in ("weight", "bias", "running_mean", "running_var"))
        return bottlenecks.normalised(bottlenecks.convolved(x, kernel, stride), arrays, (gamma, beta, mean, variance))

    x = (picture - np.array([0.485, 0.456, 0.406])) / np.array([0.229, 0.224, 0.225])
    x = bottlenecks.relu(layer(x, "conv1", "bn1", 2))
    x = bottlenecks.pooled(np.pad(x, ((1, 1), (1, 1), (0, 0))), lambda n: (n - 3) // 2 + 1)
    for stage, (_, count) in enumerate(BLOCKS, start=1):
        for number in range(count):
            name, stride = f"layer{stage}.{number}", 2 if stage > 1 and number == 0 else 1
            shortcut = layer(x, f"{name}.downsample.0", f"{name}.downsample.1", stride) if stride > 1 else x
            y = bottlenecks.relu(layer(x, f"{name}.conv1", f"{name}.bn1", stride))
            x = bottlenecks.relu(layer(y, f"{name}.conv2", f"{name}.bn2") + shortcut)
    return np.asarray(x.mean(axis=(0, 1)))


def written(folder: Path, changes: dict[str, np.ndarray] | None = None) -> dict[str, np.ndarray]:
    arrays = bottlenecks.made_up(shapes()) | (changes or {})
    more = {"fc.weight": np.zeros((1000, 512), np.float32), "bn1.num_batches_tracked": np.array(7)}
    save_file(arrays | more, folder / "resnet34-b627a593.safetensors")
    return arrays


@pytest.mark.parametrize("as_folder", [False, True])
def test_the_network_computes_what_torchvisions_file_names(tmp_path: Path, as_folder: bool) -> None:
    arrays = written(tmp_path)
    start = weights.chosen(str(tmp_path if as_folder else tmp_path / "resnet34-b627a593.safetensors"))
    network = model.build(Network(weights=start), SHAPES, 3)
    picture = np.random.default_rng(3).random((SIZE, SIZE, 3)).astype(np.float32)
    cut = keras.Model(network.input, network.get_layer("average").output)
    own = keras.ops.convert_to_numpy(cut({"avatar": picture[None]}, training=False))[0]
    assert bottlenecks.near(own, features(picture, arrays))
    assert network.count_params() == sum(array.size for array in arrays.values()) + 513 * 3
    assert np.ptp(network.get_layer("scores").get_weights()[0]) > 0  # its own random weights


def test_without_a_file_the_network_is_as_published() -> None:
    """Random weights, and no other scale of its input."""
    for start in (Weights(NONE), Weights(IMAGENET)):
        network = model.build(Network(weights=start), SHAPES, 3)
        assert not any(isinstance(layer, keras.layers.Rescaling) for layer in network.layers)
    assert PAPER.profiles["paper"].settings.network.weights == Weights(NONE)


def test_notes_say_where_the_network_starts(tmp_path: Path) -> None:
    written(tmp_path)
    chosen = weights.chosen(str(tmp_path))
    for start, told in ((Weights(NONE), ""), (Weights(IMAGENET), "random weights"), (chosen, chosen.files[0][1])):
        profile = weights.starting_from(PAPER.profiles["paper"], start)
        notes = preprocess._start(profile.settings.network)
        assert bool(notes) == bool(told)
        assert told in "".join(notes)


def test_a_file_that_does_not_fit_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"resnet34 needs a weight file that ends in \.safetensors"):
        Weights("/x/vgg19.h5", (("/x/vgg19.h5", "0" * 64),)).file("resnet34", weights.SAFETENSORS)
    written(tmp_path, {"layer4.2.conv2.weight": np.zeros((9, 512, 3, 3), np.float32)})
    start = weights.chosen(str(tmp_path))
    with pytest.raises(UserError, match=r"layer4\.2\.conv2\.weight is 9x512x3x3, not 512x512x3x3"):
        model.build(Network(weights=start), SHAPES, 3)
    with pytest.raises(UserError, match="cannot be read as weights of resnet34"):
        model.build(Network(normalised_first=True, weights=start), SHAPES, 3)
