"""liong2019: the layers of Table I and of the public codes, the input, and the printed figures."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import cv2
import keras
import numpy as np
import pytest
from numpy.typing import NDArray

import papers
from common.audit import audit
from common.audit.documented import documented
from common.audit.matrices import confusion_matrices
from common.audit.predictions import against_predictions
from common.contract import FoldRun
from common.corpora import flow_maps
from common.protocols.carryover import fingerprint
from common.scoring import metrics, public
from common.scoring.records import Score
from common.scoring.verdicts import judge, pooled
from common.training.learner import predict
from common.types import ClipFrames, Experiment, Part, Samples
from common.vision.flow import Method
from papers.liong2019 import figures, model, preprocess, recipe
from papers.liong2019.experiments import (
    AUTHORS,
    LINEAR,
    MAPS,
    MAPS_CODE,
    PROFILES,
    PUBLIC_CODE,
    STSTNET,
    Inputs,
    Network,
    Padding,
)

PAPER = papers.load("liong2019")
CLASSES = STSTNET.labels.classes


PADDINGS: dict[Padding, tuple[int, int]] = {"same": (1, 28), "two": (2, 30)}
"""The border of zeros, and the width of the maps."""


@pytest.fixture(scope="module", params=PADDINGS)
def network(request: pytest.FixtureRequest) -> keras.Model:
    """STSTNet with weights that are not those of the start."""
    keras.utils.set_random_seed(0)
    built = model.build(Network(padding=request.param), {"flow": (28, 28, 3)}, 3)
    rng = np.random.default_rng(0)
    built.set_weights([rng.normal(0.2, 0.5, size=weight.shape) ** (1, 2)[weight.ndim == 1] for weight in built.weights])
    return built


def border(network: keras.Model) -> tuple[int, int]:
    """The border of zeros and the width of the maps of a network."""
    width = network.get_layer("convolution_1").output.shape[1]
    return next(pair for pair in PADDINGS.values() if pair[1] == width)


def test_published_has_the_maps_of_table_one_and_the_port_its_own() -> None:
    for experiment, width in ((STSTNET, 28), (PUBLIC_CODE, 30), (MAPS, 28), (MAPS_CODE, 30), (AUTHORS, 30)):
        settings = PROFILES["paper"].settings.having(experiment.settings)
        built = model.build(settings.network, {"flow": (28, 28, 3)}, 3)
        assert built.get_layer("streams").output.shape[1:] == (width, width, 16)
        assert built.get_layer("maximum").output.shape[1:] == (10, 10, 16)


def test_the_network_has_the_layers_of_the_paper(network: keras.Model) -> None:
    """Three streams of 3, 5 and 8 filters that read all channels; 400 features and one dense layer of 3."""
    convolutions = [layer for layer in network.layers if isinstance(layer, keras.layers.Conv2D)]
    assert [layer.kernel.shape for layer in convolutions] == [(3, 3, 3, n) for n in (3, 5, 8)]
    assert {tuple(layer.output.shape[1:3]) for layer in convolutions} == {(border(network)[1],) * 2}
    assert network.get_layer("maximum").output.shape[1:] == (10, 10, 16)
    assert network.get_layer("dropout").rate == 0.5
    assert network.get_layer("emotion").kernel.shape == (400, 3)
    learnt = sum(28 * n + 2 * n for n in (3, 5, 8)) + 401 * 3
    assert sum(int(np.prod(weight.shape)) for weight in network.trainable_weights) == learnt == 1683
    assert network.count_params() == 1683 + 2 * 16


def test_the_network_computes_what_the_paper_and_the_public_code_compute(network: keras.Model) -> None:
    """Padding with zeros; a maximum over 3 x 3 with stride 3 whose padding of 1 is below every value."""
    x = np.random.default_rng(1).normal(size=(4, 28, 28, 3))
    zeros, _ = border(network)
    padded = np.pad(x, ((0, 0), (zeros, zeros), (zeros, zeros), (0, 0)))
    windows = np.lib.stride_tricks.sliding_window_view(padded, (3, 3), axis=(1, 2))  # (n, r, c, channels, 3, 3)
    streams = []
    for number in (1, 2, 3):
        kernel, bias = network.get_layer(f"convolution_{number}").get_weights()
        scale, shift, mean, variance = network.get_layer(f"normalisation_{number}").get_weights()
        maps = np.maximum(np.einsum("nhwcij,ijcf->nhwf", windows, kernel) + bias, 0)
        maps = (maps - mean) / np.sqrt(variance + 1e-5) * scale + shift
        lower = np.pad(maps, ((0, 0), (1, 1), (1, 1), (0, 0)), constant_values=-np.inf)
        streams.append(lower[:, :30, :30].reshape(4, 10, 3, 10, 3, -1).max(axis=(2, 4)))
    joined = np.concatenate(streams, axis=-1).reshape(4, 5, 2, 5, 2, 16).mean(axis=(2, 4))
    kernel, bias = network.get_layer("emotion").get_weights()
    scores = joined.reshape(4, -1) @ kernel + bias
    known = np.exp(scores - scores.max(axis=1, keepdims=True))
    known /= known.sum(axis=1, keepdims=True)
    assert predict(network, {"flow": x.astype(np.float32)}, 4)["emotion"] == pytest.approx(known, abs=1e-4)


def test_training_is_that_of_the_paper_and_the_port_trains_longer() -> None:
    settings = PROFILES["paper"].settings
    config = model.training_config(settings.network, settings.training)
    assert (config.batch, config.epochs, config.loss) == (256, 500, "categorical_crossentropy")
    for port in (PUBLIC_CODE, MAPS_CODE):
        assert settings.having(port.settings).training.epochs == 800
    assert {claim.variant for claim in PAPER.claims if claim.experiment == STSTNET.name} == {STSTNET.variant}
    assert float(config.optimizer.learning_rate) == pytest.approx(5e-5)
    assert config.rate is None
    assert STSTNET.selection == "last epoch"


def test_on_recordings_only_common_ground_runs_by_default() -> None:
    default = [experiment for experiment in PAPER.experiments if not experiment.on_request]
    assert [experiment for experiment in default if experiment.common_ground] == [STSTNET, LINEAR]
    on_maps = [experiment for experiment in default if not experiment.common_ground]
    assert {experiment.corpora for experiment in on_maps} == {(flow_maps.CORPUS,)}
    assert {experiment.scored for experiment in on_maps} == {("casme2", "smic", "samm")}


# ---------------------------------------------------------------- the input


def textured(shift: float) -> NDArray[np.uint8]:
    """A grey texture (128, 128); its right half is shifted to the right."""
    rng = np.random.default_rng(0)
    texture = cv2.GaussianBlur(rng.integers(0, 256, (128, 128)).astype(np.float32), (0, 0), 2)
    y, x = np.mgrid[:128, :128].astype(np.float32)
    moved = cv2.remap(texture, x - shift * np.clip((x - 48) / 32, 0, 1), y, cv2.INTER_CUBIC, None, cv2.BORDER_REFLECT)
    return np.asarray(cv2.normalize(moved, None, 0, 255, cv2.NORM_MINMAX), np.uint8)


def test_channels_are_the_flow_in_both_directions_and_the_strain() -> None:
    image = preprocess.channels(textured(0.0), textured(2.0), 28)
    assert (image.shape, image.dtype) == ((28, 28, 3), np.float32)
    horizontal, vertical, strain = np.moveaxis(image, -1, 0)
    assert np.abs(image[..., :2]).max() == strain.max() == 1
    assert strain.min() >= 0
    assert np.median(horizontal[4:-4, 19:-3]) > 0.7
    assert np.abs(np.median(horizontal[4:-4, 2:8])) < 0.1
    assert np.abs(np.median(vertical)) < 0.1
    assert strain[:, 11:17].mean() > 3 * strain[:, [3, 4, 5, 22, 23, 24]].mean()  # where the flow changes
    assert preprocess.channels(textured(0.0), textured(1.0), 28)[..., 0] == pytest.approx(horizontal, abs=0.25)


@pytest.mark.parametrize("method", ["tvl1", "dis"])
def test_without_motion_every_clip_is_the_same(method: Method) -> None:
    assert not preprocess.channels(textured(0.0), textured(0.0), 28, method).any()


def test_noise_does_not_fill_the_range_where_nothing_moves() -> None:
    rng = np.random.default_rng(1)
    onset, peak = (np.clip(textured(0.0) + rng.normal(0, 1, (128, 128)), 0, 255).astype(np.uint8) for _ in range(2))
    assert np.abs(preprocess.channels(onset, peak, 28)).max() < 0.6
    moved = preprocess.channels(textured(0.0), textured(2.0), 28)
    assert np.abs(moved[..., :2]).max() == 1


class Still:
    """The same landmarks in every frame."""

    points = (64 + 40 * np.stack([np.cos(np.arange(68)), np.sin(np.arange(68))], axis=1)).astype(np.float32)

    def find(self, image: NDArray[np.uint8], where: str = "") -> Still:
        return self


def some_clip(apex: int | None, frames: Sequence[NDArray[np.uint8]]) -> ClipFrames:
    """A clip as `prepare` receives it, with these grey frames."""

    def read(indices: Sequence[int], part: Part | None) -> Iterator[NDArray[np.uint8]]:
        return iter([np.dstack([frames[index]] * 3)[part or ...] for index in indices])

    last = len(frames) - 1
    return ClipFrames("smic", tuple(range(len(frames))), 0, apex, last, 100.0, "annotated", read)


@pytest.mark.parametrize("apex", [2, None])
def test_the_flow_is_that_from_the_first_frame_to_the_apex(apex: int | None) -> None:
    faces: Any = Still()
    frames = [textured(shift) for shift in (0.0, 1.0, 3.0, 1.0)]
    inputs = Inputs(face_height=128, face_width=100, apex_method="midpoint")
    arrays = preprocess.prepare(some_clip(apex, frames), inputs, faces)
    onset, peak, place = preprocess.pair(some_clip(apex, frames), inputs, faces)
    assert (place, arrays["estimated"].tolist()) == ((2, [0]) if apex else (1, [1]))
    assert onset.shape == peak.shape == (128, 100)
    assert np.array_equal(arrays["flow"], preprocess.channels(onset, peak, 28))
    other = preprocess.prepare(some_clip(apex, frames), replace(inputs, flow_method="dis"), faces)
    assert np.array_equal(other["flow"], preprocess.channels(onset, peak, 28, "dis"))
    assert not np.array_equal(other["flow"], arrays["flow"])
    still = preprocess.prepare(some_clip(apex, frames[:1] * 4), inputs, faces)
    assert not still["flow"].any()


def samples(count: int) -> Samples:
    """Clips whose flow goes to the right, up or down, by class."""
    rng = np.random.default_rng(0)
    y = np.arange(count) % 3
    flow = rng.normal(0, 0.3, (count, 28, 28, 3)).astype(np.float32)
    flow[..., :2] += np.array([(0.5, 0), (0, -0.5), (0, 0.5)], np.float32)[y][:, None, None]
    subject = np.array([f"smic/s{number // 6}" for number in range(count)])
    clip = np.array([f"{name}/c{number}" for number, name in enumerate(subject)])
    return Samples({"flow": flow}, y, subject, clip, np.zeros(count, np.int64))


@pytest.mark.parametrize("experiment", [STSTNET, LINEAR], ids=lambda experiment: experiment.network)
def test_both_learn_directions(experiment: Experiment, tmp_path: Path) -> None:
    settings = PROFILES["quick"].settings.having({"epochs": 30} | dict(experiment.settings))
    networks = recipe.build_networks(settings.network, settings.training, preprocess.shapes(settings), CLASSES, 0)
    every = samples(48)
    epochs: list[object] = []
    fold_run = FoldRun("fold", 0, settings, lambda *words: epochs.append(words[1]), tmp_path, None)
    trained = recipe.train(networks, experiment, every.only(np.arange(36)), fold_run)
    test = every.only(np.arange(36, 48))
    answers = trained.predict(test)
    assert np.mean([answers[clip].argmax() == y for clip, y in zip(test.clip, test.y, strict=True)]) >= 0.9
    assert epochs[-1] == settings.training.epochs
    again = recipe.answers(trained.models, test, settings)
    assert all(np.array_equal(answers[clip], again[clip]) for clip in answers)


# ---------------------------------------------------------------- figures and printed numbers


def test_views_show_each_channel_in_its_own_colours() -> None:
    shown = figures.input_views(samples(1), PROFILES["paper"].settings)["flow"]
    assert shown.axes == (1, 2)
    assert shown.pictures.shape == (3, 28, 28, 3)
    assert len(shown.captions) == 3
    zero = Samples({"flow": np.zeros((1, 28, 28, 3), np.float32)}, *[np.zeros(1, np.int64)] * 4)  # type: ignore[list-item]
    before = fingerprint(SimpleNamespace(), recipe)
    still = figures.input_views(zero, PROFILES["paper"].settings)["flow"].pictures
    assert fingerprint(SimpleNamespace(), recipe) == before, "drawing between two folds changes nothing that is held"
    assert still[:2].min() > 235  # no flow is white


def test_what_is_printed_as_uar_is_the_precision_of_the_public_predictions() -> None:
    (own,) = against_predictions(PAPER.facts, documented(), PAPER.claims)
    assert not own.holds
    assert own.statement.count("recalls:") == 4
    assert "4 of 8" in own.statement


def test_the_confusion_matrices_are_those_of_the_public_predictions_and_contradict_the_printed_uar() -> None:
    (method,) = (method for method in public.methods() if method.key == PAPER.facts["predictions"])
    for given in PAPER.facts["confusions"]:
        within = None if given["corpus"] == "megc2019" else given["corpus"]
        assert np.array_equal(pooled([method.result], within, 3).sum(axis=0), given["matrix"])
    findings = [f for f in confusion_matrices(PAPER.facts, PAPER.claims) if not f.holds]
    assert {f.topic for f in findings} == {"UAR and UF1 of the confusion matrices"}
    assert len(findings) == 4
    for given, (recall, precision) in zip(
        PAPER.facts["confusions"],
        ((0.7186, 0.7605), (0.6703, 0.7013), (0.8190, 0.8686), (0.6415, 0.6810)),
        strict=True,
    ):
        matrix = np.array(given["matrix"])
        assert float(metrics.uar(matrix)) == pytest.approx(recall, abs=6e-5)
        assert float(metrics.precision(matrix)) == pytest.approx(precision, abs=6e-5)


def test_a_recall_is_not_compared_with_a_printed_precision() -> None:
    for claim in (claim for claim in PAPER.claims if claim.experiment == STSTNET.name):
        measured = Score(claim.metric, claim.value, 0.0, 1.0, 0.3, 442, 68, 68)
        clips = replace(claim, n_clips=442)
        judged = judge(STSTNET, clips, measured, done=68, folds=68, profile="paper", data="licensed")
        assert judged.verdict == ("NOT_COMPARABLE" if claim.metric == "uar" else "MATCH")
        assert (claim.not_comparable in judged.conditions) == (claim.metric == "uar")


def test_printed_digits_that_only_one_reading_explains() -> None:
    findings = {f.topic: f for f in audit(PAPER.facts, PAPER.claims, documented(), {}, PAPER.checks)}
    assert findings["F1 of the confusion matrix"].holds
    assert findings["Layer tables"].holds
    assert findings["Leads in the text"].holds
    assert not findings["Parameters by layers"].holds


def test_the_claims_are_those_that_another_paper_cites() -> None:
    cited = next(row for row in papers.load("aouayeb2019").cited if row.predictions == PAPER.facts["predictions"])
    shared = [c for c in PAPER.claims if c.experiment == STSTNET.name and c.metric in ("uf1", "uar")]
    assert {(c.corpus, c.metric): c.value for c in shared} == {
        (corpus, metric): value for corpus, values in cited.values.items() for metric, value in values.items()
    }
