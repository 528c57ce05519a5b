"""Operations counted from layers against counts by hand and against published figures."""

from __future__ import annotations

import json
from collections.abc import Callable
from math import prod
from pathlib import Path

import guessing
import keras
import pytest
from keras import layers, ops
from symbolic import symbolic

import papers
import run_all
from common.training.flops import forward
from common.training.weights import NONE, Weights
from papers.aouayeb2019 import model as aouayeb2019
from papers.aouayeb2019.preprocess import region_sizes
from papers.kumar2019 import model as kumar2019
from papers.le2020 import model as le2020
from papers.le2020.experiments import Kind, Network
from papers.reddy2019 import model as reddy2019
from papers.talluri2022 import model as talluri2022


def chain(shape: tuple[int | None, ...], *stack: keras.Layer) -> keras.Model:
    start = x = layers.Input(shape)
    for layer in stack:
        x = layer(x)
    return keras.Model(start, x)


# ---------------------------------------------------------------- single layers by hand


@pytest.mark.parametrize(
    ("shape", "layer", "products"),
    [
        ((7,), layers.Dense(5), 7 * 5),
        ((7,), layers.Dense(5, use_bias=False, activation="relu"), 7 * 5),
        ((4, 6, 7), layers.Dense(5), 4 * 6 * 7 * 5),
        ((9, 8, 3), layers.Conv2D(4, 3), 7 * 6 * 3 * 3 * 3 * 4),
        ((9, 8, 3), layers.Conv2D(4, (3, 5), padding="same"), 9 * 8 * 3 * 5 * 3 * 4),
        ((9, 8, 3), layers.Conv2D(4, 3, 2), 4 * 3 * 3 * 3 * 3 * 4),
        ((9, 8, 3), layers.Conv2D(4, 3, 2, padding="same"), 5 * 4 * 3 * 3 * 3 * 4),
        ((9, 8, 3), layers.Conv2D(4, 3, dilation_rate=2), 5 * 4 * 3 * 3 * 3 * 4),
        ((9, 8, 6), layers.Conv2D(4, 3, groups=2), 2 * (7 * 6 * 3 * 3 * 3 * 2)),
        ((6, 9, 8), layers.Conv2D(4, 3, data_format="channels_first"), 7 * 6 * 3 * 3 * 6 * 4),
        ((10, 9, 8, 2), layers.Conv3D(5, (3, 3, 4)), 8 * 7 * 5 * 3 * 3 * 4 * 2 * 5),
        ((10, 9, 8, 2), layers.Conv3D(5, 3, (2, 1, 3), padding="same"), 5 * 9 * 3 * 3 * 3 * 3 * 2 * 5),
        ((10, 9, 8, 4), layers.Conv3D(6, 3, groups=2), 2 * (8 * 7 * 6 * 27 * 2 * 3)),
        ((11, 7), layers.LSTM(5), 11 * 4 * (7 * 5 + 5 * 5)),
        ((11, 7), layers.LSTM(5, return_sequences=True, return_state=True), 11 * 4 * (7 * 5 + 5 * 5)),
        ((11, 7), layers.LSTM(5, use_bias=False, go_backwards=True), 11 * 4 * (7 * 5 + 5 * 5)),
        ((11, 7), layers.GRU(5), 11 * 3 * (7 * 5 + 5 * 5)),
        ((11, 7), layers.Bidirectional(layers.LSTM(5)), 2 * 11 * 4 * (7 * 5 + 5 * 5)),
        ((11, 7), layers.Bidirectional(layers.GRU(5), merge_mode="sum"), 2 * 11 * 3 * (7 * 5 + 5 * 5)),
        ((11, 7), layers.Conv1D(4, 3), 9 * 3 * 7 * 4),
        ((11, 7), layers.Conv1D(4, 3, 2, padding="same"), 6 * 3 * 7 * 4),
        ((9, 8, 3), layers.DepthwiseConv2D(3, depth_multiplier=2), 7 * 6 * 9 * 3 * 2),
        ((6, 9, 8), layers.DepthwiseConv2D(3, data_format="channels_first"), 7 * 6 * 9 * 6),
        ((11, 7), layers.DepthwiseConv1D(3), 9 * 3 * 7),
        ((9, 8, 3), layers.SeparableConv2D(4, 3, depth_multiplier=2), 7 * 6 * (9 * 3 * 2 + 6 * 4)),
        ((11, 7), layers.SeparableConv1D(4, 3), 9 * (3 * 7 + 7 * 4)),
        ((4, 5, 3), layers.Conv2DTranspose(6, 3, 2), 4 * 5 * 3 * 9 * 6),
        ((5, 3), layers.Conv1DTranspose(6, 4), 5 * 3 * 4 * 6),
        ((3, 4, 5, 2), layers.Conv3DTranspose(6, 2), 3 * 4 * 5 * 2 * 8 * 6),
    ],
    ids=lambda value: getattr(value, "name", None),
)
def test_two_operations_per_product_with_a_weight(shape: tuple[int, ...], layer: keras.Layer, products: int) -> None:
    assert forward(chain(shape, layer)) == 2 * products


@pytest.mark.parametrize("padding", ["valid", "same"])
@pytest.mark.parametrize("stride", [1, 2, 3])
def test_a_convolution_is_the_dense_layer_of_every_place(padding: str, stride: int) -> None:
    """Counted through other shapes than the convolution's: patches of 3 x 3 x 2, each through a dense layer."""
    picture = layers.Input((11, 8, 2))
    places = ops.image.extract_patches(picture, (3, 3), strides=stride, padding=padding)
    dense = keras.Model(picture, layers.Dense(6)(places))
    assert places.shape[-1] == 18
    assert forward(chain((11, 8, 2), layers.Conv2D(6, 3, stride, padding=padding))) == forward(dense)


def test_what_has_no_products_counts_nothing() -> None:
    quiet = [
        layers.Rescaling(2.0),
        layers.RandomFlip("horizontal"),
        layers.ZeroPadding2D(1),
        layers.BatchNormalization(),
        layers.ReLU(),
        layers.MaxPooling2D(2),
        layers.Dropout(0.5),
        layers.LayerNormalization(),
        layers.GlobalAveragePooling2D(),
        layers.Softmax(),
    ]
    assert forward(chain((8, 8, 3), *quiet)) == 0
    assert forward(chain((8, 8, 3), *quiet[:-1], layers.Dense(5), quiet[-1])) == 2 * 3 * 5


# ---------------------------------------------------------------- graphs


def test_a_shared_layer_counts_once_per_call() -> None:
    first, second = layers.Input((4,)), layers.Input((4,))
    shared = layers.Dense(4)
    twice = keras.Model([first, second], layers.Add()([shared(first), shared(second)]))
    again = keras.Model(first, shared(shared(shared(first))))
    assert (forward(twice), forward(again)) == (2 * 2 * 16, 3 * 2 * 16)
    assert len(twice.layers) == 4  # the layer itself is listed once


def test_a_shared_convolution_counts_the_size_of_each_call() -> None:
    small, large = layers.Input((5, 5, 2)), layers.Input((9, 9, 2))
    shared = layers.Conv2D(3, 3)
    pooled = [layers.GlobalAveragePooling2D()(shared(x)) for x in (small, large)]
    assert forward(keras.Model([small, large], layers.Add()(pooled))) == 2 * (9 + 49) * 9 * 2 * 3


def test_calls_outside_the_model_do_not_count() -> None:
    shared = layers.Dense(4, name="shared")
    network = chain((4,), shared)
    chain((4,), shared, layers.Dense(100))
    assert forward(network) == 2 * 16
    start = layers.Input((4,))
    middle = layers.Dense(6)(start)
    layers.Dense(50)(middle)  # a branch that no output depends on
    end = layers.Dense(2)(middle)
    assert forward(keras.Model(start, end)) == 2 * (24 + 12)
    assert forward(keras.Model(start, middle)) == 2 * 24
    assert forward(keras.Model(middle, end)) == 2 * 12
    assert forward(keras.Model(start, [middle, end])) == 2 * (24 + 12)


def test_nested_models_count_like_their_layers() -> None:
    inner = chain((4,), layers.Dense(4), layers.ReLU(), layers.Dense(4))
    middle = keras.Sequential([layers.Input((4,)), layers.Dense(3), layers.Dense(4)])
    start = layers.Input((4,))
    outer = keras.Model(start, layers.Dense(2)(inner(middle(inner(start)))))
    assert (forward(inner), forward(middle)) == (2 * 32, 2 * 24)
    assert forward(outer) == 2 * (32 + 24 + 32 + 8)
    assert forward(chain((4,), outer)) == forward(outer)


def test_operations_without_a_layer_join_the_graph() -> None:
    start = layers.Input((4, 4, 3), name="face")
    x = layers.Conv2D(2, 3)(ops.flip(start, axis=-1) - 1.0)
    x = layers.Dense(5)(ops.reshape(ops.relu(x) * 2.0, (-1, 8)))
    assert forward(keras.Model({"face": start}, {"emotion": ops.softmax(x)})) == 2 * (4 * 27 * 2 + 8 * 5)


def test_the_number_of_rows_is_of_no_account() -> None:
    start = layers.Input(batch_shape=(16, 7))
    assert forward(keras.Model(start, layers.Dense(5)(start))) == 2 * 35


# ---------------------------------------------------------------- what is not counted silently


@pytest.mark.parametrize(
    ("shape", "layer"),
    [
        ((5, 8, 8, 3), layers.ConvLSTM2D(4, 3, name="odd")),
        ((8, 3), layers.SimpleRNN(4, name="odd")),
        ((8, 3), layers.Bidirectional(layers.SimpleRNN(4), name="odd")),
        ((8, 3), layers.TimeDistributed(layers.Dense(4), name="odd")),
        ((8, 3), layers.EinsumDense("abc,cd->abd", (8, 4), name="odd")),
        ((8,), layers.Embedding(10, 4, name="odd")),
    ],
    ids=lambda value: type(value).__name__,
)
def test_layers_of_unknown_kinds_are_errors(shape: tuple[int, ...], layer: keras.Layer) -> None:
    network = chain(shape, layer)
    with pytest.raises(ValueError, match=f"of odd, a {type(layer).__name__}, are not known"):
        forward(network)
    with pytest.raises(ValueError, match="odd"):
        forward(chain(shape, network))


def test_attention_is_not_counted() -> None:
    start = layers.Input((8, 3))
    attention = layers.MultiHeadAttention(2, 4, name="odd")
    with pytest.raises(ValueError, match="of odd, a MultiHeadAttention, are not known"):
        forward(keras.Model(start, attention(start, start)))


@pytest.mark.usefixtures("without_pages")
def test_what_is_not_counted_is_trained_timed_and_reported(
    cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(papers, "parts", guessing.uncounted)
    words = ["--paper", "liong2019", "--experiment", "composite-loso/published", "--profile", "smoke", "--workers", "1"]
    words += ["--cache", str(cache), "--out", str(tmp_path)]
    assert run_all.main([*words, "--dry-run"]) == 0
    assert "not counting what could not be timed" not in capsys.readouterr().out
    assert run_all.main(words) == 0
    stored = [json.loads(file.read_text("utf-8"))["measured"] for file in tmp_path.glob("runs/*/*/*/*/folds/*.json")]
    assert len(stored) == 2
    assert all("parameters" in measured and "flops" not in measured for measured in stored)
    notes = json.loads((tmp_path / "liong2019.json").read_text("utf-8"))["notes"]
    assert any("convlstm, a ConvLSTM2D, are not known" in note for note in notes)


def test_open_sizes_are_errors() -> None:
    with pytest.raises(ValueError, match="open"):
        forward(chain((None, None, 3), layers.Conv2D(4, 3)))
    with pytest.raises(ValueError, match="open"):
        forward(chain((None, 3), layers.LSTM(4)))
    assert forward(chain((None, None, 3), layers.GlobalAveragePooling2D(), layers.Dense(4))) == 2 * 12


class Written(keras.Model):
    """A model whose calls are code."""

    def __init__(self, name: str) -> None:
        super().__init__(name=name)
        self.dense = layers.Dense(4)

    def call(self, x: keras.KerasTensor) -> keras.KerasTensor:
        return self.dense(x)


def test_models_that_are_no_graphs_are_errors() -> None:
    written = Written("written")
    with pytest.raises(ValueError, match="written"):
        forward(written)
    network = chain((4,), written)
    for model in (written, network, chain((4,), network)):
        with pytest.raises(ValueError, match="written"):
            forward(model)
    with pytest.raises(ValueError, match="unbuilt"):
        forward(keras.Sequential([layers.Dense(4)], name="unbuilt"))


# ---------------------------------------------------------------- published figures


@pytest.mark.parametrize(
    ("build", "low", "high"),
    [
        (lambda: keras.applications.VGG19(weights=None), 19.55, 19.7),  # 19.6, and 39.3 of single operations
        (lambda: keras.applications.ResNet50(weights=None), 3.8, 4.1),  # He et al. 2016, table 1: 3.8
        (lambda: kumar2019.resnet34(224, 1000), 3.55, 3.7),  # the same table: 3.6
    ],
    ids=["vgg19", "resnet50", "resnet34"],
)
def test_billions_of_products_of_known_networks(build: Callable[[], keras.Model], low: float, high: float) -> None:
    assert low < forward(symbolic(build)) / 2e9 < high


def test_vgg19_by_hand() -> None:
    stages = [(224, 3, 64, 2), (112, 64, 128, 2), (56, 128, 256, 4), (28, 256, 512, 4), (14, 512, 512, 4)]
    products = sum(side**2 * 9 * (seen * out + (count - 1) * out**2) for side, seen, out, count in stages)
    products += 7 * 7 * 512 * 4096 + 4096 * 4096 + 4096 * 1000
    assert forward(symbolic(lambda: keras.applications.VGG19(weights=None))) == 2 * products


# ---------------------------------------------------------------- the papers' networks

LE2020: tuple[Kind, ...] = ("vgg19", "resnet50", "senet50", "resnet50-torchvision")
NETWORKS: dict[str, Callable[[], keras.Model]] = {
    "resnet34": lambda: kumar2019.resnet34(64, 3),
    "resnet34 before": lambda: kumar2019.resnet34(64, 3, before=True),
    "stcnn": lambda: reddy2019.stcnn(16, 18, 3),
    "fusenet intermediate": lambda: reddy2019.fusenet_intermediate(16, 18, 3),
    "fusenet late": lambda: reddy2019.fusenet_late(16, 18, 3),
    "model a": lambda: talluri2022.model_a(32, 30, 3),
    "split model": lambda: talluri2022.split_model(32, 30, 3),
    "model b": lambda: talluri2022.model_b(16, 18, 3),
    "model c": lambda: talluri2022.model_c(32, 18, 3),
    "model c two": lambda: talluri2022.model_c(32, 18, 3, convolutions=2),
    "region cnns": lambda: aouayeb2019.region_cnns(region_sizes(0.25), 4),
    "features": lambda: aouayeb2019.feature_extractor(aouayeb2019.region_cnns(region_sizes(0.25), 4)),
    "sequences": lambda: aouayeb2019.sequence_classifier(("eyes", "mouth"), 50, 3),
    **{kind: lambda kind=kind: le2020.build(Network(kind, Weights(NONE)), {"face": (64, 64, 3)}, 4) for kind in LE2020},
}


@pytest.mark.parametrize("name", NETWORKS)
def test_every_network_of_the_papers_is_counted(name: str) -> None:
    """Each kernel is used at least once, each of its weights in a product."""
    network = symbolic(NETWORKS[name])
    assert forward(network) >= 2 * sum(prod(w.shape) for w in network.trainable_weights if len(w.shape) > 1) > 0


def test_networks_of_the_papers_by_hand() -> None:
    stcnn = forward(symbolic(lambda: reddy2019.stcnn(64, 96, 3)))
    assert stcnn == 2 * (62 * 62 * 82 * 32 * 3 * 3 * 15 + 345_600 * 128 + 128 * 3)
    sequences = forward(symbolic(lambda: aouayeb2019.sequence_classifier(tuple("abcdef"), 500, 3)))
    assert sequences == 2 * (6 * 500 * 4 * 120 * (20 + 120) + 720 * 64 + 64 * 3)
    model_a = forward(symbolic(lambda: talluri2022.model_a(128, 36, 3)))
    assert model_a == 2 * (36 * 128**2 * 27 * 16 + 12 * 42**2 * 27 * 16 * 16 + 12_544 * 128 + 128 * 3)


def test_what_is_wrapped_round_a_network_adds_nothing() -> None:
    for key in LE2020[1:]:
        bare = forward(symbolic(lambda key=key: le2020.bare(key, 64, 4)))
        assert forward(symbolic(NETWORKS[key])) == bare


def test_cnns_without_their_last_layers_lack_just_these() -> None:
    cnns, features = (forward(symbolic(NETWORKS[name])) for name in ("region cnns", "features"))
    assert cnns - features == 6 * 2 * aouayeb2019.FEATURES * 4
