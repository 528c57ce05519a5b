"""le2020 against its text: networks and their parameters, classes, dynamic images, regions, initial weights."""

from __future__ import annotations

import pickle
from functools import cache
from pathlib import Path

import cv2
import keras
import numpy as np
import pytest
from folds import run_fold
from symbolic import symbolic

import papers
import run_all
from common import corpora, standin
from common.audit import audit
from common.audit.documented import documented
from common.cli import arguments
from common.contract import Shapes
from common.errors import ClipError, UserError
from common.protocols.splits import BETWEEN, LOSO, TENFOLD, split
from common.runs.preprocessing import clip_task, digest
from common.training import pretrained, weights
from common.training.learner import Learner
from common.training.weights import IMAGENET, NONE, Weights
from common.types import Clip, Samples
from common.vision import rank_pooling
from common.vision.faces import FaceFinder
from papers.le2020 import model, preprocess
from papers.le2020.experiments import FOUR, THREE, Kind, Network
from papers.le2020.senet import senet50

PAPER = papers.load("le2020")
EXPERIMENTS = {experiment.id: experiment for experiment in PAPER.experiments}
RECIPE = papers.parts("le2020").recipe()
FULL = PAPER.profiles["paper"].settings

# ---------------------------------------------------------------- the networks


@pytest.mark.parametrize(
    ("key", "counts"),
    [("vgg19", {4: 139_586_628, 3: 139_582_531}), ("resnet50", {4: 23_595_908, 3: 23_593_859})],
)
def test_parameters_of_the_networks_of_keras(key: Kind, counts: dict[int, int]) -> None:
    for classes, count in counts.items():
        assert bare(key, 224, classes).count_params() == count


def test_vgg19_drops_half_of_its_two_hidden_dense_layers() -> None:
    """In the article that the text cites, and in PyTorch; without weights of its own."""
    network = bare("vgg19", 224, 4)
    dense = [layer for layer in network.layers if isinstance(layer, keras.layers.Dense)]
    following = [layer.output._keras_history.operation._outbound_nodes[0].operation for layer in dense[:-1]]
    assert [(type(layer), layer.rate) for layer in following] == [(keras.layers.Dropout, 0.5)] * 2
    assert [(layer.name, layer.units) for layer in dense] == [("fc1", 4096), ("fc2", 4096), ("predictions", 4)]


def test_vgg19_computes_what_that_of_keras_does(tmp_path: Path) -> None:
    """Files of keras.applications, which has no dropout, fill all of its layers but the last."""
    theirs = keras.applications.VGG19(weights=None, input_shape=(32, 32, 3), classes=5)
    theirs.save_weights(tmp_path / "vgg19.weights.h5")
    network = model.bare("vgg19", 32, 5)
    for fill in (lambda: pretrained.from_file(network, tmp_path / "vgg19.weights.h5"), lambda: copied(network, theirs)):
        for layer in network.layers:
            layer.set_weights([np.zeros_like(values) for values in layer.get_weights()])
        fill()
        network.layers[-1].set_weights(theirs.layers[-1].get_weights())
        picture = np.random.default_rng(2).normal(0, 60, (2, 32, 32, 3)).astype(np.float32)
        answers = [keras.ops.convert_to_numpy(built(picture, training=False)) for built in (network, theirs)]
        np.testing.assert_allclose(*answers, atol=1e-6)


def copied(network: keras.Model, theirs: keras.Model) -> None:
    pretrained.from_imagenet(network, lambda weights: theirs)


@cache
def bare(kind: Kind, size: int, classes: int) -> keras.Model:
    return symbolic(model.bare, kind, size, classes)


def trained(network: keras.Model) -> int:
    return sum(int(np.prod(weight.shape)) for weight in network.trainable_weights)


def test_parameters_of_senet50() -> None:
    """Those of the article; with four classes 996 outputs of 2,048 weights and a bias less."""
    thousand, four = (trained(bare("senet50", 224, classes)) for classes in (1000, 4))
    assert (thousand, four) == (28_088_024, 26_047_220)
    assert thousand - four == 996 * 2049


@pytest.mark.parametrize("key", ["resnet50", "resnet50-torchvision", "senet50"])
def test_statistics_of_normalisations_follow_as_fast_as_in_pytorch(key: Kind) -> None:
    normalisations = [layer for layer in bare(key, 224, 4).layers if isinstance(layer, keras.layers.BatchNormalization)]
    assert len(normalisations) == 53
    assert {layer.momentum for layer in normalisations} == {0.9}


def test_senet50_is_resnet50_with_sixteen_squeezes() -> None:
    """Squeezing and exciting take c^2 / 16 weights each and c / 16 and c biases; other convolutions have no bias."""
    squeezes = sum(blocks * (c * c // 8 + c + c // 16) for c, blocks in ((256, 3), (512, 4), (1024, 6), (2048, 3)))
    biases = sum(
        layer.bias.shape[0]
        for layer in bare("resnet50", 64, 4).layers
        if isinstance(layer, keras.layers.Conv2D) and layer.use_bias
    )
    network = bare("senet50", 64, 4)
    assert trained(network) == trained(bare("resnet50", 64, 4)) - biases + squeezes
    pictures = {layer.output.shape[1:] for layer in network.layers if layer.name.endswith("_sum")}
    assert pictures == {(16, 16, 256), (8, 8, 512), (4, 4, 1024), (2, 2, 2048)}


def test_where_networks_halve_their_pictures() -> None:
    """In the first convolution of a block by the authors of SENet, as in Keras' ResNet50; in the second by torchvision.

    On 224 pixels what comes out of the first pooling is 56 wide in all of them.
    """
    side = {
        key: {layer.name: layer.output.shape[1] for layer in bare(key, 224, 4).layers}
        for key in ("senet50", "resnet50", "resnet50-torchvision")
    }
    senet, keras_own, torch = side.values()
    assert [senet[f"conv3_1_{name}"] for name in ("1x1_reduce", "3x3", "1x1_increase")] == [28, 28, 28]
    assert [keras_own[f"conv3_block1_{name}_conv"] for name in (1, 2, 3)] == [28, 28, 28]
    assert [torch[f"layer2.0.{name}"] for name in ("conv1", "conv2", "conv3")] == [56, 28, 28]
    assert (senet["pool1_3x3_s2"], keras_own["pool1_pool"], torch["maxpool"]) == (56, 56, 56)


@pytest.mark.parametrize("size", [32, 34, 35, 37])
def test_senet50_pools_without_padding_and_rounds_up(size: int) -> None:
    """By hand: windows start at every second pixel, and the last one may be cut short by the picture's edge."""
    network = senet50(size, 4)
    both = keras.Model(network.input, [network.get_layer(name).output for name in ("conv1_relu", "pool1_3x3_s2")])
    before, after = both(np.random.default_rng(7).normal(size=(1, size, size, 3)).astype(np.float32))
    before, after = (keras.ops.convert_to_numpy(values)[0] for values in (before, after))
    count = -(-(len(before) - 3) // 2) + 1
    windows = [slice(2 * k, 2 * k + 3) for k in range(count)]
    expected = [[before[rows, columns].max(axis=(0, 1)) for columns in windows] for rows in windows]
    assert np.array_equal(after, expected)


def test_networks_get_blue_green_red_less_their_means() -> None:
    """What keras.applications makes of the same picture in 0-255."""
    picture = np.random.default_rng(1).integers(0, 256, (2, 32, 32, 3)).astype(np.uint8)
    classifier = model.build(Network("resnet50", Weights(NONE)), {"face": (32, 32, 3)}, 4)
    network = classifier.get_layer("resnet50")
    expected = network.predict(keras.applications.resnet50.preprocess_input(picture.astype(np.float32)), verbose=0)
    answers = classifier.predict({"face": picture.astype(np.float32) / 255}, verbose=0)["emotion"]
    assert answers == pytest.approx(expected, abs=1e-5)


# ---------------------------------------------------------------- initial weights


def tiny(classes: int, filters: int = 3) -> keras.Model:
    """A network with the kinds of layers that the real ones have."""
    layers = keras.layers
    image = x = layers.Input((8, 8, 3), name="image")
    x = layers.Conv2D(filters, 3, name="convolution")(x)
    x = layers.BatchNormalization(name="normalisation")(x)
    x = layers.GlobalAveragePooling2D(name="pooling")(x)
    x = layers.Dense(5, name="hidden")(x)
    return keras.Model(image, layers.Dense(classes, name="predictions")(x), name="tiny")


@pytest.mark.parametrize("name", ["tiny.weights.h5", "tiny.h5", "tiny.keras"])
def test_a_file_gives_all_layers_but_the_last(tmp_path: Path, name: str) -> None:
    others = tiny(7)
    others.layers[2].set_weights(list(np.random.default_rng(5).random((4, 3))))
    if name.endswith(".weights.h5"):
        others.save_weights(tmp_path / name)
    else:
        others.save(tmp_path / name)
    for classes in (4, 7):
        network = tiny(classes)
        own = network.layers[-1].get_weights()
        pretrained.from_file(network, tmp_path / name)
        for layer, theirs in zip(network.layers[:-1], others.layers[:-1], strict=True):
            assert all((a == b).all() for a, b in zip(layer.get_weights(), theirs.get_weights(), strict=True))
        assert all((a == b).all() for a, b in zip(network.layers[-1].get_weights(), own, strict=True))


@pytest.mark.parametrize("name", ["tiny.weights.h5", "tiny.h5", "tiny.keras"])
def test_a_wrong_file_is_one_clear_line(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    other = tiny(4, filters=2)
    if name.endswith(".weights.h5"):
        other.save_weights(path)
    else:
        other.save(path)
    with pytest.raises(UserError, match=r"contains only \d of 8 arrays of tiny for input 8x8"):
        pretrained.from_file(tiny(4), path)
    path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(UserError, match="cannot be read as weights of tiny"):
        pretrained.from_file(tiny(4), path)
    path.write_bytes(pickle.dumps([1, 2]))
    with pytest.raises(UserError, match="cannot be read as weights of tiny"):
        pretrained.from_file(tiny(4), path)


@pytest.mark.parametrize("wrong", [np.inf, np.nan])
def test_weights_that_are_no_numbers_are_refused(tmp_path: Path, wrong: float) -> None:
    other = tiny(4)
    hidden = other.get_layer("hidden")
    values = hidden.get_weights()
    values[0][0, 0] = wrong
    hidden.set_weights(values)
    other.save_weights(tmp_path / "tiny.weights.h5")
    with pytest.raises(UserError, match="contains only 7 of 8 arrays of tiny"):
        pretrained.from_file(tiny(4), tmp_path / "tiny.weights.h5")


@pytest.mark.parametrize("signature", [b"SNOD", b"HEAP"])
def test_a_file_that_hdf5_trips_over_is_one_clear_line(tmp_path: Path, signature: bytes) -> None:
    path = tmp_path / "tiny.h5"
    tiny(4).save(path)
    path.write_bytes(path.read_bytes().replace(signature, b"____"))
    with pytest.raises(UserError, match="cannot be read as weights of tiny"):
        pretrained.from_file(tiny(4), path)


def test_a_path_that_names_no_weights_is_one_clear_line(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no such file"):
        weights.chosen(str(tmp_path / "absent.h5"))
    (tmp_path / "resnet50.pkl").write_bytes(b"")
    for path in (tmp_path / "resnet50.pkl", tmp_path):
        with pytest.raises(UserError, match="contains no file with weights"):
            weights.chosen(str(path))


def test_a_folder_gives_each_network_its_own(tmp_path: Path) -> None:
    for name in ("vgg19.weights.h5", "ResNet50.keras", "notes.txt"):
        (tmp_path / name).write_bytes(b"x")
    start = weights.chosen(str(tmp_path))
    assert [Path(path).name for path, _ in start.files] == ["ResNet50.keras", "vgg19.weights.h5"]
    assert start.file("resnet50")[0].name == "ResNet50.keras"
    with pytest.raises(UserError, match="0 files are named senet50"):
        start.file("senet50")


def test_imagenet_weights_that_cannot_be_had_are_one_clear_line() -> None:
    def offline(weights: str) -> keras.Model:
        raise Exception("URL fetch failure on https://example.org/tiny.h5: None -- unreachable")

    with pytest.raises(UserError, match=r"of tiny cannot be downloaded .*--weights FILE.*--weights none"):
        pretrained.from_imagenet(tiny(4), offline)


def test_imagenet_weights_are_copied_but_the_last_layer() -> None:
    network, others = tiny(4), tiny(1000)
    pretrained.from_imagenet(network, lambda weights: others)
    assert (network.layers[1].get_weights()[0] == others.layers[1].get_weights()[0]).all()
    with pytest.raises(UserError, match="layer convolution of tiny needs images of 224x224 pixels, not 8x8"):
        pretrained.from_imagenet(network, lambda weights: tiny(1000, filters=2))


def test_a_classifier_starts_from_the_file_of_its_network(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(model, "bare", lambda key, size, classes: tiny(classes))
    others = tiny(9)
    others.save_weights(tmp_path / "senet50.weights.h5")

    def hidden(start: Weights) -> np.ndarray:
        network = model.build(Network("senet50", start), {"face": (8, 8, 3)}, 4).get_layer("tiny")
        return network.get_layer("hidden").get_weights()[0]

    started = hidden(weights.chosen(str(tmp_path)))
    assert (started == others.get_layer("hidden").get_weights()[0]).all()
    assert (started != hidden(Weights(IMAGENET))).any()


def test_the_choice_of_weights_is_part_of_the_key_and_of_the_report(tmp_path: Path) -> None:
    file = tmp_path / "vgg19.weights.h5"
    file.write_bytes(b"1")
    options = arguments.parse(["--paper", "le2020", "--weights", str(file)])
    start = run_all._weights([PAPER], options)
    assert start is not None
    profile = weights.starting_from(PAPER.profiles["quick"], start)
    assert profile.settings.network.weights == start
    assert profile.settings.having({"weights": Weights(NONE)}) == PAPER.profiles["quick"].settings
    settings = profile.settings.having(EXPERIMENTS["vgg19-casme2/published"].settings)
    notes = preprocess.assemble([(clip_of(3), 0)], [arrays(settings.inputs.size)], settings).notes
    assert start.files[0][1] in notes[0]
    study = run_all.studied(options)
    assert study.command(study.chosen[0], 0)[-2:] == ["--weights", str(file)]
    with pytest.raises(UserError, match="le2020"):
        run_all._weights([papers.load("reddy2019")], options)


@pytest.mark.parametrize("name", ["senet50-casme2/published", "resnet50-casme2/torchvision"])
def test_networks_without_imagenet_weights_say_so(name: str) -> None:
    note = preprocess.assemble([(clip_of(3), 0)], [arrays()], FULL.having(EXPERIMENTS[name].settings)).notes
    assert "ResNet50" in note[0] or "SENet50" in note[0]
    assert "starts from random weights" in note[0]


# ---------------------------------------------------------------- what is run


def test_all_that_decides_is_part_of_the_key() -> None:
    files = {
        "papers/le2020/senet.py",
        *(f"common/{name}.py" for name in ("vision/rank_pooling", "vision/magnification", "training/pretrained")),
    }
    assert files <= set(papers.code("le2020"))


def test_classes_follow_from_the_tables_of_the_corpora() -> None:
    by_source = {}
    for name, labels in {"casme2": FOUR, "samm": FOUR, "smic": THREE}.items():
        for release in corpora.source(name).documented:
            counts = dict.fromkeys(labels.classes, 0)
            for emotion, clips in release.by_emotion.items():
                if (label := labels.mapping[name][emotion]) is not None:
                    counts[label] += clips
            if release.by_emotion:
                by_source[name, release.source] = list(counts.values())
    assert by_source["casme2", "table of 2014"] == [90, 32, 25, 99]
    assert by_source["casme2", "table of 2019"] == [90, 32, 28, 99]
    assert [row for (name, _), row in by_source.items() if name == "samm"] == [[80, 26, 15, 38]]
    assert [row for (name, _), row in by_source.items() if name == "smic"] == [[70, 51, 43]]


def test_tables_2_and_3_have_their_experiments_and_twins() -> None:
    claims = {(claim.experiment, claim.source) for claim in PAPER.claims}
    for key in ("vgg19", "resnet50", "senet50"):
        for corpus in ("casme2", "smic", "samm"):
            assert (f"{key}-{corpus}", "Table II") in claims
            named = [e for e in PAPER.experiments if e.name == f"{key}-{corpus}" and not e.tuned_of]
            protocols = {e.variant: e.protocol for e in named}
            free = {variant for variant, protocol in protocols.items() if protocol == LOSO}
            built = {"torchvision-loso"} if key == "resnet50" else set()
            assert free == {"loso", "whole-face-loso", "exact-loso", "no-momentum-loso"} | built
            assert {protocols[variant] for variant in protocols.keys() - free} == {TENFOLD}
    across = [e for e in PAPER.experiments if e.protocol == BETWEEN and not e.tuned_of]
    assert {(e.name, "Table III") for e in across} == {claim for claim in claims if claim[1] == "Table III"}
    assert len(PAPER.claims) == 13


def test_pytorchs_default_of_no_momentum_runs_on_request_wherever_the_published_variant_does() -> None:
    for published in [e for e in PAPER.experiments if e.variant == "published"]:
        experiment = EXPERIMENTS[f"{published.name}/no-momentum"]
        settings = FULL.having(experiment.settings)
        assert experiment.on_request
        assert model.training_config(settings.network, settings.training).optimizer.momentum == 0
        others = {**experiment.settings, "momentum": 0.9}
        assert FULL.having(others) == FULL.having(published.settings)


def test_the_arithmetic_of_the_printed_accuracies() -> None:
    findings = audit(PAPER.facts, PAPER.claims, documented(), {}, PAPER.checks)
    topic = {
        finding.statement.partition(":")[0]: finding
        for finding in findings
        if finding.topic == "Clips of the regrouped classes"
    }
    assert {(finding.holds, finding.kind) for finding in topic.values()} == {(True, "documented")}
    assert "246 in all (table of 2014)" in topic["casme2"].statement
    assert "247 (article of 2014)" in topic["casme2"].statement
    means = [finding for finding in findings if finding.topic == "Accuracies as means over folds"]
    assert [finding.source for finding in means].count("Table II") == 9
    assert len(means) == len(PAPER.claims) == 13
    assert all(finding.holds for finding in means)
    for printed, n in (("59.45%", 247), ("69.49%", 164), ("55.45%", 159), ("61.20%", 159)):
        (finding,) = (finding for finding in means if printed in finding.statement)
        assert "can be a mean over ten folds of" in finding.statement
        assert f"but not a fraction of all {n} clips" in finding.statement
    largest = [finding for finding in findings if finding.topic == "More than the largest class"]
    assert [finding.holds for finding in largest] == [True, True, True]
    assert f"{100 * 80 / 159:.1f}%" in next(
        finding.statement for finding in largest if finding.statement.startswith("samm")
    )
    for claim in (claim for claim in PAPER.claims if claim.source == "Table III"):
        n = {"casme2": (246, 247, 249), "samm": (159,)}[claim.corpus]
        decimals = len(claim.printed.partition(".")[2])
        assert not any(f"{100 * k / size:.{decimals}f}" == claim.printed for size in n for k in range(size + 1))


# ---------------------------------------------------------------- dynamic images and regions


def arrays(size: int = 224) -> dict[str, np.ndarray]:
    points = landmarks() * size / 320
    return {"dynamic": np.full((size, size, 3), 200, np.uint8), "points": points, "cut": np.array([0])}


def landmarks() -> np.ndarray:
    """A face as dlib sees it, about 260 pixels wide in a picture of 320."""
    points = np.zeros((68, 2))
    turn = np.linspace(np.pi, 0, 17)
    points[:17] = np.stack([160 + 130 * np.cos(turn), 130 + 150 * np.sin(turn)], axis=1)
    points[17:22] = np.stack([np.linspace(60, 135, 5), [95, 85, 82, 85, 92]], axis=1)
    points[22:27] = np.stack([np.linspace(185, 260, 5), [92, 85, 82, 85, 95]], axis=1)
    points[27:31] = np.stack([np.full(4, 160), np.linspace(115, 170, 4)], axis=1)
    points[31:36] = np.stack([np.linspace(138, 182, 5), [182, 185, 188, 185, 182]], axis=1)
    for start, x in ((36, 75), (42, 195)):
        points[start : start + 6] = [
            (x, 118),
            (x + 12, 112),
            (x + 32, 112),
            (x + 45, 118),
            (x + 32, 124),
            (x + 12, 124),
        ]
    ring = np.linspace(np.pi, -np.pi, 12, endpoint=False)
    points[48:60] = np.stack([160 + 45 * np.cos(ring), 225 + 16 * np.sin(ring)], axis=1)
    points[60:68] = np.stack([160 + 30 * np.cos(ring[:8]), 225 + 6 * np.sin(ring[:8])], axis=1)
    return points


def clip_of(frames: int, fps: float = 200.0) -> Clip:
    numbers = tuple(range(1, frames + 1))
    files = tuple(Path(f"/nowhere/img{n}.jpg") for n in numbers)
    return Clip("casme2", "sub01", "EP01", files, numbers, 1, None, frames, fps, "happiness")


def test_regions_hold_brows_nose_and_mouth_and_neither_eyes_nor_cheeks() -> None:
    points = landmarks()
    kept = preprocess.regions(points, 320, 320)

    def inside(indices: list[int]) -> list[bool]:
        return [bool(kept[round(points[i, 1]), round(points[i, 0])]) for i in indices]

    assert all(inside([*range(17, 27), *range(28, 36), *range(48, 68)]))
    assert not any(inside([*range(36, 48), *range(5), *range(12, 17)]))
    assert kept[60, 160]  # the forehead
    assert not kept[170, 90]  # a cheek
    assert not kept[170, 230]
    left, right, _, _ = preprocess.boxes(points, 320, 320)["mouth"]
    assert left < points[48, 0] - 5
    assert right > points[54, 0] + 5
    edges = list(preprocess.boxes(points, 320, 320).values())
    assert edges[0][3] == edges[1][2]  # the nose starts where the brows end
    assert edges[1][3] <= edges[2][2]


def test_landmarks_at_the_border_leave_boxes_within_the_picture() -> None:
    for shift in (-150, 0, 200):
        for left, right, top, bottom in preprocess.boxes(landmarks() + shift, 300, 280).values():
            assert 0 <= left <= right <= 280
            assert 0 <= top <= bottom <= 300


def test_all_but_the_regions_is_black_and_the_whole_face_is_whole() -> None:
    clip, settings = clip_of(3), FULL.having({"size": 64})
    data = {
        name: preprocess.assemble(
            [(clip, 2)], [arrays(64)], settings.having(EXPERIMENTS[f"vgg19-casme2/{name}"].settings)
        )
        for name in ("published", "whole-face")
    }
    cut, whole = (samples.x["face"][0] for samples in data.values())
    assert (whole == 200).all()
    assert (cut[preprocess.regions(arrays(64)["points"], 64, 64)] == 200).all()
    assert 0.15 < (cut > 0).mean() < 0.5
    assert data["published"].y.tolist() == [2]


def test_a_still_clip_is_flat() -> None:
    frame = np.random.default_rng(2).integers(0, 255, (90, 80, 3)).astype(np.uint8)
    frames = preprocess.magnified(np.stack([frame] * 20), clip_of(20), FULL.inputs)
    assert (frames == frame).all()
    assert not preprocess.dynamic_image(frames, False).any()


def test_a_frame_rate_that_cannot_carry_the_band_excludes_the_clip() -> None:
    frames = np.zeros((20, 40, 40, 3), np.uint8)
    with pytest.raises(ClipError, match="only motion below 5 Hz"):
        preprocess.magnified(frames, clip_of(20, fps=10.0), FULL.inputs)


class Known:
    """Landmarks of a picture that no detector needs to look at."""

    def __init__(self, points: np.ndarray) -> None:
        self.points = points.astype(np.float32)

    def find(self, image: np.ndarray, where: str) -> Known:
        return self


def test_a_crop_is_read_as_it_is_and_a_face_in_a_picture_is_cut_out(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(3)
    small = cv2.GaussianBlur(rng.integers(0, 255, (320, 320, 3)).astype(np.uint8), (9, 9), 3)
    for offset, shape, cut in (((0, 0), (320, 320), 0), ((200, 100), (600, 800), 1)):
        frames = np.zeros((6, *shape, 3), np.uint8)
        frames[:, offset[1] : offset[1] + 320, offset[0] : offset[0] + 320] = small
        frames[3:, offset[1] + 200 : offset[1] + 240, offset[0] + 120 : offset[0] + 200] //= 2
        monkeypatch.setattr(preprocess, "read_frame", lambda clip, index, frames=frames: frames[index])
        monkeypatch.setattr(preprocess, "each_frame", lambda clip, frames=frames: iter(frames))
        points = landmarks() + offset
        inputs = FULL.having({"size": 96}).inputs
        prepared = preprocess.prepare(clip_of(6), inputs, Known(points))  # type: ignore[arg-type]
        assert (prepared["dynamic"].shape, prepared["dynamic"].dtype) == ((96, 96, 3), np.uint8)
        assert prepared["cut"].tolist() == [cut]
        assert prepared["points"].min() > -10
        assert prepared["points"].max() < 106
        moved = np.abs(prepared["dynamic"].astype(int) - np.median(prepared["dynamic"])).sum(axis=2)
        row, column = np.unravel_index(cv2.GaussianBlur(moved.astype(np.float32), (9, 9), 0).argmax(), moved.shape)
        mouth = prepared["points"][48:68].mean(axis=0)
        assert np.hypot(column - mouth[0], row - mouth[1]) < 20


@pytest.mark.parametrize(("height", "width"), [(340, 280), (170, 139), (231, 231), (200, 260)])
def test_all_crops_are_magnified_at_one_size(monkeypatch: pytest.MonkeyPatch, height: int, width: int) -> None:
    """The levels of the pyramid then get the same factors in all corpora, and landmarks stay where they were seen."""
    sizes = []

    def seen(frames: np.ndarray, *_: object) -> np.ndarray:
        sizes.append(frames.shape)
        return frames

    frames = np.zeros((4, height, width, 3), np.uint8)
    points = landmarks() * np.array([width, height]) / 320
    row, column = np.rint(points[30, ::-1]).astype(int)
    frames[2:, row - 6 : row + 7, column - 6 : column + 7] = 255
    monkeypatch.setattr(preprocess, "magnify", seen)
    monkeypatch.setattr(preprocess, "read_frame", lambda clip, index: frames[index])
    monkeypatch.setattr(preprocess, "each_frame", lambda clip: iter(frames))
    inputs = FULL.having({"size": 96, "face_size": 160, **EXPERIMENTS["vgg19-casme2/exact"].settings}).inputs
    prepared = preprocess.prepare(clip_of(4), inputs, Known(points))  # type: ignore[arg-type]
    assert sizes == [(4, 160, 160, 3)]
    moved = np.abs(prepared["dynamic"].astype(float) - np.median(prepared["dynamic"])).sum(axis=2)
    centre = [np.average(np.arange(96), weights=moved.sum(axis=axis)) for axis in (0, 1)]
    assert prepared["points"][30] == pytest.approx(centre, abs=0.7)


def test_sizes_are_part_of_the_key_of_arrays() -> None:
    keys = [
        digest(clip_task("le2020", clip_of(3), "content", FULL.having({name: size}).inputs, "code"))
        for name, size in (("size", 96), ("face_size", 96), ("size", 224))
    ]
    assert all(a != b for a, b in ((keys[0], keys[1]), (keys[0], keys[2]), (keys[1], keys[2])))


@pytest.fixture(scope="module")
def clips(tmp_path_factory: pytest.TempPathFactory) -> list[Clip]:
    folder = standin.ensure(tmp_path_factory.mktemp("corpora"), corpora=["smic", "samm"], subjects=1, clips=1)
    return [corpora.load(name, root, "cropped").clips[0] for name, root in corpora.find(folder).items()]


def test_exact_and_approximate_pooling_agree_on_stand_ins(clips: list[Clip]) -> None:
    for clip in clips:
        face = preprocess.face_of(clip, FULL.inputs, FaceFinder())
        assert face.cut == (clip.corpus == "samm")
        motion = preprocess.magnified(face.frames, clip, FULL.inputs)
        approximate, exact = rank_pooling.approximate(motion), rank_pooling.exact(motion)
        assert np.corrcoef(approximate.ravel(), exact.ravel())[0, 1] > 0.3


# ---------------------------------------------------------------- training


def test_the_last_epoch_is_scored_and_nothing_is_picked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def small(network: Network, shapes: Shapes, classes: int) -> keras.Model:
        face = keras.layers.Input(shapes["face"], name="face")
        x = keras.layers.Dense(classes, activation="softmax")(keras.layers.Flatten()(face))
        return keras.Model({"face": face}, {"emotion": x})

    monkeypatch.setattr(model, "build", small)
    n = 12
    data = Samples(
        x={"face": np.random.default_rng(6).integers(0, 255, (n, 32, 32, 3)).astype(np.uint8)},
        y=np.arange(n) % 4,
        subject=np.array([f"casme2/s{k % 3}" for k in range(n)]),
        clip=np.array([f"casme2/s{k % 3}/c{k}" for k in range(n)]),
        view=np.zeros(n, np.int64),
    )
    changes = {"size": 32, "epochs": 3, "weights": Weights(NONE)}
    for name, watched in (("published", True), ("loso", False)):
        experiment = EXPERIMENTS[f"vgg19-casme2/{name}"]
        settings = FULL.having({**changes, **experiment.settings})
        networks = RECIPE.build_networks(
            settings.network, settings.training, preprocess.shapes(settings), experiment.labels.classes, 0
        )
        assert isinstance(networks.learner, Learner)
        optimizer = networks.learner.model.optimizer
        assert (float(optimizer.learning_rate), optimizer.momentum) == (pytest.approx(1e-4), 0.9)
        fold = split(experiment, data.subject, data.clip, data.y, 0)[0]
        outcome = run_fold(RECIPE, networks, experiment, settings, data, fold, tmp_path)
        assert outcome.caveats
        assert ("val_accuracy" in outcome.history["network"]) == watched
        assert len(outcome.history["network"]["loss"]) == 3


@pytest.mark.parametrize(
    ("name", "start", "random"),
    [
        ("vgg19-casme2/published", IMAGENET, False),
        ("senet50-casme2/published", IMAGENET, True),
        ("senet50-casme2/published", "senet50.h5", False),
        ("resnet50-smic/torchvision", IMAGENET, True),
        ("resnet50-smic/torchvision-loso", "resnet50.safetensors", False),
        ("resnet50-smic/published", IMAGENET, False),
        ("resnet50-smic/published", NONE, True),
    ],
)
def test_a_random_start_is_a_caveat(name: str, start: str, random: bool) -> None:
    weights_file = ((start, "0" * 64),) if "." in start else ()
    settings = FULL.having({"weights": Weights(start, weights_file), **EXPERIMENTS[name].settings})
    assert bool(model.training_config(settings.network, settings.training).caveats) == random
