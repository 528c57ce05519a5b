"""Networks as boxes: nothing of the model is lost, and what is drawn can be read."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path

import keras
import matplotlib
import numpy as np
import pytest
from keras import layers
from matplotlib.text import Text
from symbolic import symbolic

from common.report import network_chart
from common.runs.cache import digest
from common.runs.store import Run
from common.training.blocks import KINDS, Block, blocks
from common.training.weights import NONE, Weights
from common.types import FoldResult
from common.vision.picture_grid import STYLE
from papers.aouayeb2019 import model as aouayeb2019
from papers.aouayeb2019.preprocess import region_sizes
from papers.kumar2019 import model as kumar2019
from papers.le2020 import model as le2020
from papers.le2020.experiments import Kind, Network
from papers.liong2019 import model as liong2019
from papers.reddy2019 import model as reddy2019
from papers.talluri2022 import model as talluri2022

Models = dict[str, keras.Model]


def _aouayeb() -> keras.Model:
    return aouayeb2019.feature_extractor(aouayeb2019.region_cnns(region_sizes(1.0), 4))


def _le(kind: Kind) -> Models:
    return {"network": symbolic(le2020.build, Network(kind, Weights(NONE)), {"face": (224, 224, 3)}, 4)}


NETWORKS: dict[str, Callable[[], Models]] = {
    "region CNNs, LSTMs": lambda: {
        "features": symbolic(_aouayeb),
        "sequences": symbolic(aouayeb2019.sequence_classifier, tuple(region_sizes(1.0)), 500, 3, masked=True),
    },
    "ResNet34": lambda: {"network": symbolic(kumar2019.resnet34, 224, 3, before=True, imagenet=True)},
    "VGG19": lambda: _le("vgg19"),
    "ResNet50": lambda: _le("resnet50"),
    "SENet50": lambda: _le("senet50"),
    "STCNN": lambda: {"network": symbolic(reddy2019.stcnn, 64, 96, 3)},
    "FuseNet": lambda: {"network": symbolic(reddy2019.fusenet_late, 32, 96, 3)},
    "Model-A": lambda: {"network": symbolic(talluri2022.model_a, 128, 36, 5)},
    "STSTNet": lambda: {"network": symbolic(liong2019.ststnet, (28, 28, 3), 3, "valid")},
}


@cache
def built(name: str) -> Models:
    return NETWORKS[name]()


@pytest.fixture(params=NETWORKS)
def network(request: pytest.FixtureRequest) -> Models:
    return built(request.param)


def total(found: tuple[Block, ...]) -> int:
    return sum(block.parallel * block.parameters for block in found)


def test_blocks_hold_every_parameter_every_input_and_the_output(network: Models) -> None:
    found = blocks(network)
    assert total(found) == sum(model.count_params() for model in network.values())
    for stage, model in network.items():
        own = [block for block in found if block.stage == stage]
        inputs = [block for block in own if block.kind == "input"]
        assert sorted(", ".join(block.label for block in inputs).split(", ")) == sorted(model.input)
        assert {block.shape[-1] for block in inputs} == {tensor.shape[-1] for tensor in model.inputs}
        assert own[-1].shape in {tensor.shape[1:] for tensor in model.outputs}
        assert {block.kind for block in own} <= {*KINDS}


def test_no_row_has_more_blocks_than_a_page_can_show(network: Models) -> None:
    for branches, trunk in network_chart._stages(blocks(network)):
        assert all(len(branch) + len(trunk) <= 12 for branch in branches)


def test_what_a_network_consists_of() -> None:
    counts = {name: [b.count for b in blocks(built(name)) if b.kind == "convolution"] for name in NETWORKS}
    assert counts["VGG19"] == [2, 2, 4, 4, 4]
    assert sum(counts["ResNet50"]) == sum(counts["SENet50"]) == 53  # and what weighs channels is not among them
    assert sum(counts["ResNet34"]) == 36  # 33 and three shortcuts
    cnns, *_ = found = blocks(built("region CNNs, LSTMs"))
    assert (cnns.parallel, cnns.varies) == (6, True)
    assert [block.kind for block in found if block.stage == "sequences"] == ["input", "recurrent", "dense", "dense"]
    assert [block.parallel for block in found if block.stage == "sequences"] == [6, 6, 1, 1]
    eyes, mouth = (block for block in blocks(built("FuseNet")) if block.kind == "input")
    assert (eyes.label, mouth.label) == ("eyes", "mouth")
    streams = next(block for block in blocks(built("STSTNet")) if block.kind == "convolution")
    assert (streams.label, streams.count, streams.shape) == ("parallel Conv2D 3x3", 3, (30, 30, 16))


def test_equal_layers_in_a_row_are_one_block_and_a_layer_used_twice_counts_once() -> None:
    start = x = layers.Input((8, 8, 3), name="face")
    shared = layers.Conv2D(3, 3, padding="same")
    for _ in range(3):
        x = layers.ReLU()(shared(x))
    x = layers.EinsumDense("abcd,de->abce", (10, 10, 5))(layers.ZeroPadding2D(1)(x))
    model = keras.Model(start, layers.Dense(2)(layers.Flatten()(x)))
    face, convolution, other, dense = blocks({"network": model})
    assert (convolution.count, convolution.shape, convolution.parameters) == (3, (8, 8, 3), shared.count_params())
    assert (other.kind, other.label) == ("other", "EinsumDense")
    assert total((face, convolution, other, dense)) == model.count_params()
    assert blocks({"network": keras.Sequential([layers.Dense(2)])}) == ()  # not built: no graph


def test_texts_of_a_figure_can_be_read_and_lie_apart(network: Models) -> None:
    found = blocks(network)
    with matplotlib.rc_context(STYLE):
        page = network_chart.figure(found, ("negative", "positive", "surprise"), 6.7, 0.9 * network_chart.rows(found))
        page.canvas.draw()
        (axes,) = page.axes
        texts = [text for text in axes.findobj(Text) if text.get_text()]
        places = [text.get_window_extent() for text in texts]
    boxes = [patch.get_window_extent() for patch in axes.patches]
    assert min(float(text.get_fontsize()) for text in texts) >= 6
    for number, place in enumerate(places):
        assert page.bbox.count_contains([(place.x0, place.y0), (place.x1, place.y1)]) == 2
        assert not any(place.overlaps(other) for other in [*places[number + 1 :], *boxes]), texts[number].get_text()
    assert len(boxes) == len(found)


def test_blocks_come_back_with_their_fold_and_older_folds_have_none(tmp_path: Path) -> None:
    block = Block("network", "face", "convolution", "Conv2D 3x3", 2, 1, (8, 8, 3), False, 84)
    nothing = FoldResult("f", ("a", "b"), np.array([0, 1]), np.eye(2, dtype=np.float32), {}, 0, 1.0, {}, {})
    run = Run(tmp_path)
    run.save(replace(nothing, blocks=(block, block)))
    back = run.load("f")
    assert back is not None
    assert back.blocks == (block, block)
    record = json.loads(run.fold_file("f").read_text())
    del record["blocks"], record["digest"]
    run.fold_file("f").write_text(json.dumps(record | {"digest": digest(record)}))
    older = run.load("f")
    assert older is not None
    assert older.blocks == ()
