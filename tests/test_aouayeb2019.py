"""aouayeb2019 against its text: counts, shapes, equation 2, regions, and training that repeats bit for bit."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import cv2
import keras
import numpy as np
import pytest
from folds import run_fold
from PIL import Image

import papers
from common.runs import preprocessing
from common.runs.cache import Cache
from common.training.learner import Learner
from common.types import Clip, Experiment, Fold, Samples
from common.vision.faces import Face
from papers.aouayeb2019 import model, preprocess, recipe
from papers.aouayeb2019.experiments import (
    CNN_IN_FOLD,
    CNN_ONCE,
    FACS_REGIONS,
    FACS_REGIONS_IN_FOLD,
    LANDMARK_BOXES,
    MASKED_PADDING,
    MASKED_PADDING_IN_FOLD,
    SIGMOID_GATES,
    SIGMOID_GATES_IN_FOLD,
    ZEROS_LAST,
    ZEROS_LAST_IN_FOLD,
    Network,
)
from papers.aouayeb2019.preprocess import CANVAS, REGIONS, cut_regions, face_box, region_sizes, to_canvas

PAPER = papers.load("aouayeb2019")
CLASSES = ("negative", "positive", "surprise")
FULL = PAPER.profiles["paper"].settings
SMALL = FULL.having(
    {"cnn_batch": 8, "cnn_epochs": 2, "lstm_batch": 4, "lstm_epochs": 2, "sequence_length": 6, "region_scale": 0.2}
)


def build_networks(experiment: Experiment) -> recipe.Networks:
    settings = SMALL.having(experiment.settings)
    return recipe.build_networks(
        settings.network, settings.training, preprocess.shapes(settings), experiment.labels.classes, seed=0
    )


# ---------------------------------------------------------------- the networks


def test_parameter_counts_are_the_printed_ones() -> None:
    cnns = model.region_cnns(region_sizes(1.0), 4)
    sequences = model.sequence_classifier(tuple(REGIONS), 500, 3)
    assert cnns.count_params() == 6 * model.CNN_PARAMETERS
    assert sequences.count_params() == model.LSTM_PARAMETERS
    assert cnns.count_params() + sequences.count_params() == PAPER.facts["parameters"] == model.TOTAL_PARAMETERS


def test_shapes_are_those_of_the_text() -> None:
    cnns = model.region_cnns(region_sizes(1.0), 4)
    for name, (width, height) in PAPER.facts["region_sizes"].items():
        assert cnns.get_layer(name).output.shape == (None, height, width, 4)
    assert {output.shape for output in cnns.output.values()} == {(None, 4)}
    assert {output.shape for output in model.feature_extractor(cnns).output.values()} == {(None, 20)}
    kernels = [tuple(layer.kernel.shape) for layer in cnns.layers if isinstance(layer, keras.layers.Conv2D)]
    per_region = [(5, 5, 4, 4), (3, 3, 4, 8), (1, 1, 8, 16), (3, 3, 8, 16), (5, 5, 8, 16), (7, 7, 8, 16)]
    assert sorted(kernels) == sorted(per_region * 6)


def logistic(x: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-x))


def of_keras_2(x: np.ndarray) -> np.ndarray:
    """Its hard_sigmoid, from its documentation: 0 below -2.5, 1 above 2.5, between them 0.2 x + 0.5."""
    return np.where(x < -2.5, 0, np.where(x > 2.5, 1, 0.2 * x + 0.5))


def lstm(
    x: np.ndarray, weights: list[np.ndarray], gate: Callable[[np.ndarray], np.ndarray], sums: list[float]
) -> np.ndarray:
    """The last state (n, units) of an LSTM on (n, steps, features), from its equations; `sums` gets what gates take."""
    kernel, recurrent, bias = (np.asarray(weight, np.float64) for weight in weights)
    units = len(recurrent)
    h = c = np.zeros((len(x), units))
    for step in range(x.shape[1]):
        z = x[:, step] @ kernel + h @ recurrent + bias
        forget, enter, leave = z[:, units : 2 * units], z[:, :units], z[:, 3 * units :]
        sums += [*forget.ravel(), *enter.ravel(), *leave.ravel()]
        c = gate(forget) * c + gate(enter) * np.tanh(z[:, 2 * units : 3 * units])
        h = gate(leave) * np.tanh(c)
    return h


@pytest.mark.parametrize(("experiment", "gate"), [(CNN_IN_FOLD, of_keras_2), (SIGMOID_GATES_IN_FOLD, logistic)])
def test_lstms_are_their_equations_with_the_gates_of_keras_2_2_4(experiment, gate) -> None:
    """By default; on request with sigmoids. The gates are at both ends and between them."""
    sequences = build_networks(experiment).sequences.model
    rng = np.random.default_rng(4)
    x = {name: rng.normal(0, 6, (3, SMALL.network.sequence_length, 20)).astype(np.float32) for name in REGIONS}
    read = {name: sequences.get_layer(f"{name}_lstm") for name in REGIONS}
    outputs = keras.Model(sequences.input, {name: layer.output for name, layer in read.items()}).predict_on_batch(x)
    sums: list[float] = []
    for name, layer in read.items():
        np.testing.assert_allclose(outputs[name], lstm(x[name], layer.get_weights(), gate, sums), atol=1e-5)
    assert np.mean(np.array(sums) < -3) > 0.01
    assert np.mean(np.abs(sums) < 2.5) > 0.5
    assert np.mean(np.array(sums) > 3) > 0.01


def test_networks_are_shared_where_their_settings_are_the_same() -> None:
    parts = papers.parts("aouayeb2019")
    by_key: dict[object, set[str]] = {}
    for experiment in PAPER.experiments:
        key = parts.network_key(experiment, SMALL.having(experiment.settings))
        by_key.setdefault(key, set()).add(experiment.variant)
    pairs = [
        {SIGMOID_GATES.variant, SIGMOID_GATES_IN_FOLD.variant},
        {ZEROS_LAST.variant, ZEROS_LAST_IN_FOLD.variant},
        {MASKED_PADDING.variant, MASKED_PADDING_IN_FOLD.variant},
        {FACS_REGIONS.variant, FACS_REGIONS_IN_FOLD.variant},
    ]
    others = {e.variant for e in PAPER.experiments} - set().union(*pairs)
    assert sorted(map(sorted, by_key.values())) == sorted(map(sorted, [*pairs, others]))


def test_every_variant_has_its_leak_free_twin_beside_it() -> None:
    for on_request in (False, True):
        variants = [e for e in PAPER.experiments if e.on_request == on_request and not e.tuned_of]
        assert {e.twin_of for e in variants if e.twin_of} == {e.variant for e in variants if not e.leak_free}


def test_the_printed_numbers_belong_to_zeros_first_and_the_table_of_the_authors_code() -> None:
    by_variant = {e.variant: e for e in PAPER.experiments}
    settings = [FULL.having(by_variant[claim.variant].settings) for claim in PAPER.claims]
    assert {(s.network.padding, s.training.regions_by_class) for s in settings} == {("first", "authors-code")}


def test_profile_paper_is_the_text() -> None:
    settings = FULL.values()
    for name, printed in PAPER.facts["training"].items():
        assert settings[name] == printed


def test_equation_2_term_by_term() -> None:
    rng = np.random.default_rng(0)
    y, training = rng.integers(0, 3, 12), np.arange(8)
    p = rng.dirichlet(np.ones(3), 12).astype(np.float32)
    targets = model.focal_targets(y, 3, training)
    losses = np.array(model.FocalLoss(2.0).call(keras.ops.array(targets), keras.ops.array(p)))
    for row in range(12):
        expected = 0.0
        for c in range(3):
            alpha = 1 - np.sum(y[training] == c) / 8
            if y[row] == c:
                expected -= alpha * (1 - p[row, c]) ** 2 * np.log(p[row, c])
            else:
                expected -= (1 - alpha) * p[row, c] ** 2 * np.log(1 - p[row, c])
        assert losses[row] == pytest.approx(expected, rel=1e-4)


def test_weights_balance_each_class_against_the_others() -> None:
    y = np.array([0] * 6 + [1] * 3 + [2])
    targets = model.focal_targets(y, 3, np.arange(10))
    assert np.allclose(targets[:, 0].sum(axis=0), targets[:, 1].sum(axis=0))


def test_weights_ignore_the_held_out_labels() -> None:
    y = np.array([0, 0, 1, 2, 2, 2])
    other = np.array([0, 0, 1, 2, 1, 0])
    train = np.arange(4)
    assert (model.focal_targets(y, 3, train)[train] == model.focal_targets(other, 3, train)[train]).all()


def test_accuracy_follows_the_true_class() -> None:
    targets = model.focal_targets(np.array([0, 3, 3]), 4, np.arange(3))
    p = np.array([[0.7, 0.1, 0.1, 0.1], [0.1, 0.2, 0.1, 0.6], [0.4, 0.2, 0.1, 0.3]], np.float32)
    assert np.array(model.accuracy(keras.ops.array(targets), keras.ops.array(p))).tolist() == [1, 1, 0]


# ---------------------------------------------------------------- the regions


def test_regions_have_the_printed_sizes_and_lie_on_the_canvas() -> None:
    for name, (width, height) in PAPER.facts["region_sizes"].items():
        x1, x2, y1, y2 = REGIONS[name]
        assert (x2 - x1, y2 - y1) == (width, height)
        assert 0 <= x1 < x2 <= CANVAS[1]
        assert 0 <= y1 < y2 <= CANVAS[0]


@pytest.mark.parametrize(
    ("experiment", "taking_part"),
    [
        (CNN_IN_FOLD, {"eye": "negative surprise", "nose": "negative", "cheek": "positive"}),
        (FACS_REGIONS_IN_FOLD, {"eye": "negative positive surprise", "nose": "negative", "cheek": "positive"}),
    ],
    ids=["authors-code", "facs"],
)
def test_frames_of_a_region_that_takes_no_part_are_not_me(
    networks: recipe.Networks, monkeypatch: pytest.MonkeyPatch, experiment: Experiment, taking_part: dict[str, str]
) -> None:
    """CNN_SE.py of the authors, `relabel`: eyes not in positive, cheeks in positive alone, nose in negative alone."""
    learnt: dict[str, np.ndarray] = {}
    monkeypatch.setattr(networks.cnns, "fit", lambda x, y, *_, epochs: learnt.update(y) or {"loss": [1.0]})
    monkeypatch.setattr(networks.sequences, "fit", lambda *_, epochs: {"loss": [1.0]})
    samples = fake_samples()
    fold = Fold("smic/s0", np.flatnonzero(samples.subject != "smic/s0"), np.flatnonzero(samples.subject == "smic/s0"))
    settings = SMALL.having({**experiment.settings, "cnn_share": 1.0})
    run_fold(recipe, networks, experiment, settings, samples, fold, Path("nowhere"))
    for region in REGIONS:
        kind = region.rpartition("_")[2]
        known = [name in taking_part.get(kind, "negative positive surprise") for name in CLASSES]
        expected = [label if known[label] else len(CLASSES) for label in samples.y[fold.train].tolist()]
        assert learnt[region][:, 0].argmax(axis=1).tolist() == expected, region


@pytest.mark.parametrize(("height", "width"), [(560, 300), (200, 600), (100, 80), (280, 240)])
def test_a_face_is_centred_never_enlarged_and_keeps_its_aspect(height: int, width: int) -> None:
    canvas = to_canvas(np.full((height, width, 3), 77, np.uint8))
    rows, columns = np.nonzero(canvas[..., 3])
    h, w = rows.max() - rows.min() + 1, columns.max() - columns.min() + 1
    assert h <= min(height, CANVAS[0])
    assert w <= min(width, CANVAS[1])
    assert abs(w / h - width / height) < 0.02
    assert abs((rows.min() + rows.max()) / 2 - 139.5) <= 0.5
    assert abs((columns.min() + columns.max()) / 2 - 119.5) <= 0.5
    assert (canvas[canvas[..., 3] == 0] == 0).all()
    assert (canvas[canvas[..., 3] == 255][:, :3] == 77).all()


def test_the_face_box_stays_in_the_picture() -> None:
    points = np.zeros((68, 2), np.float32)
    points[17], points[18], points[25], points[26], points[8] = (-5, 40), (20, 30), (80, 20), (130, 40), (50, 140)
    assert face_box(points, 120, 100) == (0, 100, 20, 120)


def test_landmark_boxes_enclose_their_landmarks_and_fit_the_printed_sizes() -> None:
    rng = np.random.default_rng(2)
    points = (rng.random((68, 2)) * 200 + 50).astype(np.float32)
    frame = rng.integers(0, 255, (300, 300, 3), dtype=np.uint8)
    for name, (x1, x2, y1, y2) in preprocess.landmark_boxes(points, 300, 300).items():
        inside = points[list(preprocess.AROUND[name])]
        assert (inside >= [x1, y1]).all()
        assert (inside <= [x2, y2]).all()
    for name, cut in preprocess.cut_boxes(frame, preprocess.landmark_boxes(points, 300, 300)).items():
        width, height = PAPER.facts["region_sizes"][name]
        assert cut.shape == (height, width, 4)


def test_landmark_boxes_that_are_too_large_are_shrunk_whole_and_smaller_ones_kept() -> None:
    """All four edges of a region stay visible, at its proportions, on the canvas of the printed size."""
    width, height = PAPER.facts["region_sizes"]["mouth"]
    for w, h in ((width * 2, height), (width, height * 3), (width * 3, height * 2), (width // 2, height // 3)):
        picture = np.zeros((h, w, 3), np.uint8)
        picture[: h // 3, :, 0] = picture[-(h // 3) :, :, 1] = 255
        picture[:, : w // 3, 2] = 90
        picture[:, -(w // 3) :, 2] = 180
        boxes = dict.fromkeys(REGIONS, (0, w, 0, h))
        cut = preprocess.cut_boxes(picture, boxes)["mouth"]
        rows, columns = np.nonzero(cut[..., 3])
        shown_h, shown_w = rows.max() - rows.min() + 1, columns.max() - columns.min() + 1
        factor = min(1, width / w, height / h)
        assert abs(shown_w - w * factor) <= 1
        assert abs(shown_h - h * factor) <= 1
        shown = cut[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1, :3]
        assert (shown[0, :, 0] == 255).all()
        assert (shown[-1, :, 1] == 255).all()
        assert (shown[:, 0, 2] == 90).all()
        assert (shown[:, -1, 2] == 180).all()


def test_boxes_come_from_the_first_frame_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    frames = rng.integers(0, 255, (5, 300, 300, 3), dtype=np.uint8)
    points = np.zeros((68, 2), np.float32)
    points[17], points[18], points[25], points[26], points[8] = (30, 60), (50, 20), (200, 25), (260, 60), (150, 290)
    asked = []

    class Finder:
        def find(self, image: np.ndarray, where: str) -> Face:
            asked.append(image.tobytes())
            return Face(points, "as it is")

    monkeypatch.setattr(preprocess, "read_frame", lambda clip, index: frames[index])
    monkeypatch.setattr(preprocess, "each_frame", lambda clip, step, part: (f[part] for f in frames[::step]))
    clip = Clip("smic", "s1", "x", (Path("first.bmp"),) * 5, tuple(range(5)), 0, None, 4, 100.0, "negative")
    arrays = preprocess.prepare(clip, FULL.inputs, Finder())  # type: ignore[arg-type]
    assert asked == [frames[0].tobytes()]
    for index, frame in enumerate(frames):
        expected = cut_regions(to_canvas(frame[20:290, 30:260]))
        assert all((arrays[name][index] == expected[name]).all() for name in REGIONS)


def plain(frames: np.ndarray, points: np.ndarray, follow: bool, scale: float) -> dict[str, np.ndarray]:
    """The regions of whole frames, pixel by pixel of the canvas, one frame and one region at a time."""

    def canvas(picture: np.ndarray, height: int, width: int) -> np.ndarray:
        shrunk = min(1.0, height / picture.shape[0], width / picture.shape[1])
        if shrunk < 1:
            size = max(1, int(picture.shape[1] * shrunk)), max(1, int(picture.shape[0] * shrunk))
            picture = cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
        padded = np.zeros((height, width, 4), np.uint8)
        top, left = (height - picture.shape[0]) // 2, (width - picture.shape[1]) // 2
        inside = padded[top : top + picture.shape[0], left : left + picture.shape[1]]
        inside[..., :3], inside[..., 3] = picture, 255
        return padded

    height, width = frames.shape[1:3]
    x1, x2, y1, y2 = face_box(points, height, width)
    crops: dict[str, list[np.ndarray]] = {name: [] for name in REGIONS}
    for frame in frames:
        for name, (left, right, top, bottom) in REGIONS.items():
            if follow:
                a, b, c, d = preprocess.landmark_boxes(points, height, width)[name]
                region = canvas(frame[c:d, a:b], bottom - top, right - left)
            else:
                region = canvas(frame[y1:y2, x1:x2], *CANVAS)[top:bottom, left:right]
            if scale != 1:
                size = round((right - left) * scale), round((bottom - top) * scale)
                region = cv2.resize(region, size, interpolation=cv2.INTER_AREA)
            crops[name].append(region)
    return {name: np.stack(regions) for name, regions in crops.items()}


@pytest.mark.parametrize("experiment", [CNN_ONCE, LANDMARK_BOXES], ids=lambda e: e.variant)
@pytest.mark.parametrize(
    ("mode", "shape", "zoom"), [("RGB", (480, 640), 1.0), ("L", (650, 960), 2.0), ("L", (230, 190), 0.6)]
)
def test_arrays_are_those_of_whole_frames_cut_one_by_one(experiment, mode, shape, zoom, tmp_path: Path) -> None:
    """Of files, to the last bit; what is outside the regions is not even converted."""
    rng = np.random.default_rng(7)
    files = tuple(tmp_path / f"{number}.jpg" for number in range(5))
    for file in files:
        Image.fromarray(rng.integers(0, 256, (*shape, 3), np.uint8)).convert(mode).save(file)
    clip = Clip("samm", "006", "x", files, tuple(range(5)), 0, None, 4, 200.0, "anger")
    face = np.stack([rng.uniform(10, 200, 68), rng.uniform(10, 240, 68)], axis=1)
    face[[17, 26, 8]] = (15, 60), (190, 60), (100, 235)
    face[[18, 25], 1] = 30, 25
    points = np.rint(face * zoom).astype(np.float32)

    class Finder:
        def find(self, image: np.ndarray, where: str) -> Face:
            return Face(points, "as it is")

    whole = []
    for file in files:
        with Image.open(file) as opened:
            whole.append(np.asarray(opened.convert("RGB")))
    for step, scale in ((1, 1.0), (2, 0.25)):
        settings = FULL.having({"frame_step": step, "region_scale": scale, **experiment.settings})
        arrays = preprocess.prepare(clip, settings.inputs, Finder())  # type: ignore[arg-type]
        expected = plain(np.stack(whole[::step]), points, experiment is LANDMARK_BOXES, scale)
        assert list(arrays) == list(REGIONS)
        for name in REGIONS:
            assert arrays[name].dtype == np.uint8
            np.testing.assert_array_equal(arrays[name], expected[name])


# ---------------------------------------------------------------- training


def fake_samples(subjects: int = 3, clips: int = 3, frames: int = 4) -> Samples:
    rng = np.random.default_rng(5)
    n = subjects * clips * frames
    sizes = region_sizes(SMALL.inputs.region_scale)
    return Samples(
        x={name: rng.integers(0, 255, (n, *sizes[name], 4), dtype=np.uint8) for name in REGIONS},
        y=np.tile(np.repeat(np.arange(clips) % 3, frames), subjects),
        subject=np.repeat([f"smic/s{s}" for s in range(subjects)], clips * frames),
        clip=np.repeat([f"smic/s{s}/c{c}" for s in range(subjects) for c in range(clips)], frames),
        view=np.tile(np.arange(frames), subjects * clips),
    )


@pytest.fixture(scope="module")
def networks() -> recipe.Networks:
    return build_networks(CNN_ONCE)


def run(networks: recipe.Networks, samples: Samples, experiment, folds: list[str]) -> dict[str, np.ndarray]:
    from common.protocols.splits import loso

    kept: dict[str, dict] = {}

    def keep(name, make):
        return kept.setdefault(name, kept.get(name) or make())

    by_name = {fold.name: fold for fold in loso(samples.subject)}
    return {
        name: run_fold(recipe, networks, experiment, SMALL, samples, by_name[name], Path("nowhere"), keep).probabilities
        for name in folds
    }


@pytest.mark.slow  # the guard looks for the same in every run whose profile repeats a fold
@pytest.mark.parametrize("experiment", [CNN_ONCE, CNN_IN_FOLD], ids=lambda e: e.variant)
def test_a_fold_does_not_depend_on_the_folds_before_it(networks: recipe.Networks, experiment) -> None:
    samples = fake_samples()
    all_folds = run(networks, samples, experiment, ["smic/s0", "smic/s1", "smic/s2"])
    alone = run(networks, samples, experiment, ["smic/s2"])
    assert alone["smic/s2"].tobytes() == all_folds["smic/s2"].tobytes()


@pytest.mark.parametrize("experiment", [CNN_ONCE, CNN_IN_FOLD], ids=lambda e: e.variant)
def test_frames_in_files_give_the_same_probabilities(
    networks: recipe.Networks, experiment: Experiment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    samples = fake_samples()
    monkeypatch.setattr(preprocessing, "LARGE", 0)
    stored = preprocessing.stored(samples, Cache(tmp_path))
    assert run(networks, stored, experiment, ["smic/s1"])["smic/s1"].tobytes() == (
        run(networks, samples, experiment, ["smic/s1"])["smic/s1"].tobytes()
    )


def test_the_leak_free_variant_never_sees_the_held_out_frames(networks: recipe.Networks) -> None:
    """Other test frames and labels leave the weights alone: the training curves are equal to the last bit."""
    samples = fake_samples()
    fold = Fold("smic/s1", np.flatnonzero(samples.subject != "smic/s1"), np.flatnonzero(samples.subject == "smic/s1"))
    other = {name: values.copy() for name, values in samples.x.items()}
    labels = samples.y.copy()
    for values in other.values():
        values[fold.test] = 255 - values[fold.test]
    labels[fold.test] = (labels[fold.test] + 1) % 3
    changed = Samples(other, labels, samples.subject, samples.clip, samples.view)

    def history(with_samples: Samples, experiment) -> object:
        return run_fold(recipe, networks, experiment, SMALL, with_samples, fold, Path("nowhere")).history

    assert history(samples, CNN_IN_FOLD) == history(changed, CNN_IN_FOLD)
    assert history(samples, CNN_ONCE) != history(changed, CNN_ONCE)


@pytest.mark.parametrize(("share", "most"), [(0.5, 3), (0.1, 1), (1.0, 5)])
def test_a_twin_trains_its_cnns_on_the_same_frames_but_the_held_out(
    networks: recipe.Networks, monkeypatch: pytest.MonkeyPatch, share: float, most: int
) -> None:
    """So that both differ by the leak alone: whatever subject is held out, a training clip gives the same frames."""
    samples = fake_samples(frames=5)
    for values in samples.x.values():
        values[:, 0, 0, 0] = np.arange(len(values))  # a frame is known by its first pixel
    trained_on: list[int] = []

    def fit(x, *_, epochs) -> dict[str, list[float]]:
        for values in x.values():
            assert np.asarray(values)[:, 0, 0, 0].tolist() == np.asarray(x["nose"])[:, 0, 0, 0].tolist()
        trained_on[:] = np.asarray(x["nose"])[:, 0, 0, 0].tolist()
        return {"loss": [1.0]}

    monkeypatch.setattr(networks.cnns, "fit", fit)
    monkeypatch.setattr(networks.sequences, "fit", lambda *_, epochs: {"loss": [1.0]})
    settings = SMALL.having({"cnn_share": share})
    chosen = set()
    for subject in ("smic/s0", "smic/s1"):
        test = samples.subject == subject
        fold = Fold(subject, np.flatnonzero(~test), np.flatnonzero(test))
        run_fold(recipe, networks, CNN_ONCE, settings, samples, fold, Path("nowhere"))
        once = set(trained_on)
        assert len(once) == len(trained_on)
        run_fold(recipe, networks, CNN_IN_FOLD, settings, samples, fold, Path("nowhere"))
        assert sorted(trained_on) == sorted(once - set(fold.test.tolist()))
        clips, counts = np.unique(samples.clip[trained_on], return_counts=True)
        assert len(clips) == 6
        assert (counts == most).all()
        chosen |= {tuple(samples.view[[row for row in sorted(once) if samples.clip[row] == clip]]) for clip in clips}
    assert len(chosen) > 1 or share == 1  # not the same places in all clips


def test_folds_of_other_sizes_trace_nothing_anew() -> None:
    traced = []

    class Counting(model.FocalLoss):
        def call(self, y_true, y_pred):
            traced.append(1)
            return super().call(y_true, y_pred)

    def build() -> keras.Model:
        inputs = keras.Input((3,), name="x")
        return keras.Model({"x": inputs}, {"y": keras.layers.Dense(3, activation="softmax", name="y")(inputs)})

    learner = Learner(build, loss=Counting(2.0), optimizer=keras.optimizers.Adam(0.01), batch=4, epochs=2, seed=0)
    rng = np.random.default_rng(0)
    x, y = {"x": rng.random((23, 3)).astype(np.float32)}, rng.integers(0, 3, 23)
    targets = {"y": model.focal_targets(y, 3, np.arange(23))}
    learner.fit(x, targets, seed=1)
    learner.predict({"x": x["x"][:5]})
    once = len(traced)
    for rows in (22, 21, 9, 4):
        learner.fit({"x": x["x"][:rows]}, {"y": targets["y"][:rows]}, seed=rows)
    assert len(traced) == once


# ---------------------------------------------------------------- sequences


def clips_of(lengths: tuple[int, ...], *, separable: bool = False) -> tuple[Samples, dict[str, np.ndarray]]:
    """Clips of these lengths with features in place of frames; if `separable`, a feature of each class is larger."""
    rng = np.random.default_rng(1)
    y = np.repeat(np.arange(len(lengths)) % 3, lengths)
    features = {name: rng.random((len(y), model.FEATURES)).astype(np.float32) for name in REGIONS}
    for values in features.values() if separable else ():
        values[np.arange(len(y)), y] += 1
    clips = np.repeat([f"smic/s0/c{clip:03}" for clip in range(len(lengths))], lengths)
    view = np.concatenate([np.arange(length) for length in lengths])
    return Samples(features, y, np.repeat(["smic/s0"], len(y)), clips, view), features


def test_zeros_come_before_a_clip_and_the_first_frames_of_a_longer_one_stay() -> None:
    samples, features = clips_of((4, 9))
    first, second = features["nose"][:4], features["nose"][4:]
    clips, labels, x = recipe.padded_sequences(samples, features, Network(sequence_length=6))
    assert clips.tolist() == ["smic/s0/c000", "smic/s0/c001"]
    assert labels.tolist() == [0, 1]
    assert (x["nose"][0, :2] == 0).all()
    assert (x["nose"][0, 2:] == first).all()
    assert (x["nose"][1] == second[:6]).all()
    for padding, filler in (("last", 0), ("masked", model.MASKED)):
        *_, x = recipe.padded_sequences(samples, features, Network(6, padding))  # type: ignore[arg-type]
        assert (x["nose"][0, :4] == first).all()
        assert (x["nose"][0, 4:] == filler).all()
        assert (x["nose"][1] == second[:6]).all()


class Passing:
    """In place of the region CNNs: the frames are their features."""

    def __init__(self) -> None:
        self.input = {name: keras.Input((model.FEATURES,), name=name) for name in REGIONS}

    def predict_on_batch(self, x: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        return {name: np.asarray(values) for name, values in x.items()}


def answers_of(experiment: Experiment, length: int, samples: Samples, weights: list[np.ndarray]) -> np.ndarray:
    settings = SMALL.having({**experiment.settings, "sequence_length": length})
    gates = "sigmoid" if settings.network.sigmoid_gates else model.keras2_hard_sigmoid
    masked = settings.network.padding == "masked"
    sequences = model.sequence_classifier(tuple(REGIONS), length, 3, gates, masked)
    sequences.set_weights(weights)
    return np.stack([*recipe.answers({"features": Passing(), "sequences": sequences}, samples, settings).values()])


def test_clips_get_answers_of_their_own_at_the_printed_length() -> None:
    """Zeros behind a clip, as in the text, erase what the LSTMs have read: all clips get the same answer."""
    samples, _ = clips_of((20, 58, 146), separable=True)
    weights = model.sequence_classifier(tuple(REGIONS), 1, 3).get_weights()
    spread = {
        experiment.variant: float(np.ptp(answers_of(experiment, 500, samples, weights), axis=0).max())
        for experiment in (CNN_IN_FOLD, SIGMOID_GATES_IN_FOLD, MASKED_PADDING_IN_FOLD, ZEROS_LAST_IN_FOLD)
    }
    assert spread.pop(ZEROS_LAST_IN_FOLD.variant) < 1e-6
    assert min(spread.values()) > 1e-3


@pytest.mark.parametrize("gates", [{}, {"sigmoid_gates": True}], ids=["hard sigmoids", "sigmoids"])
def test_masked_steps_are_not_read_but_frames_whose_features_are_zero_are(gates: dict[str, bool]) -> None:
    experiment = replace(MASKED_PADDING_IN_FOLD, settings={**MASKED_PADDING_IN_FOLD.settings, **gates})
    samples, features = clips_of((3, 5))
    weights = model.sequence_classifier(tuple(REGIONS), 1, 3).get_weights()
    short, long = (answers_of(experiment, length, samples, weights) for length in (5, 12))
    np.testing.assert_allclose(short, long, atol=1e-6)
    for values in features.values():
        values[2] = values[7] = 0  # the last frames
    dark = answers_of(experiment, 12, samples, weights)
    shorter, _ = clips_of((2, 4))
    for name, values in shorter.x.items():
        np.asarray(values)[:] = features[name][[0, 1, 3, 4, 5, 6]]
    assert np.abs(dark - answers_of(experiment, 12, shorter, weights)).max(axis=1).min() > 1e-5


def test_networks_that_mask_are_saved_for_stock_keras(tmp_path: Path) -> None:
    from common.predict import networks as saved

    sequences = model.sequence_classifier(tuple(REGIONS), SMALL.network.sequence_length, 3, masked=True)
    samples, features = clips_of((2, 4))
    *_, x = recipe.padded_sequences(samples, features, SMALL.having(MASKED_PADDING_IN_FOLD.settings).network)
    (loaded,) = saved.load(tmp_path, saved.save({"sequences": sequences}, samples, {}, tmp_path)).values()
    before, after = (network.predict_on_batch(x)["emotion"] for network in (sequences, loaded))
    np.testing.assert_allclose(before, after, atol=1e-6)


@pytest.mark.slow
def test_the_printed_settings_learn_separable_features() -> None:
    """At 500 steps, with Adam's rate of 0.0001; in a third of the printed epochs."""
    samples, features = clips_of(tuple(np.random.default_rng(0).integers(20, 147, 36).tolist()), separable=True)
    settings = FULL.having({"lstm_epochs": 20})
    networks = recipe.build_networks(settings.network, settings.training, dict.fromkeys(REGIONS, (8, 8, 4)), CLASSES, 0)
    _, labels, x = recipe.padded_sequences(samples, features, settings.network)
    targets = {"emotion": model.focal_targets(labels, 3, np.arange(len(labels)))}
    networks.sequences.fit(x, targets, seed=0)
    assert (networks.sequences.predict(x)["emotion"].argmax(axis=1) == labels).mean() > 0.9
