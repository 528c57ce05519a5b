"""reddy2019 against its text: tables I-III and IX, aligned faces and the code's boxes, saliency by another route."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields, replace
from pathlib import Path

import dlib
import keras
import numpy as np
import pytest
import tensorflow as tf
from skimage import data
from skimage.transform import rotate
from symbolic import symbolic

import papers
from common.contract import Settings
from common.errors import ClipError
from common.runs import preprocessing
from common.training import saliency
from common.types import Clip, Experiment
from common.vision import alignment
from common.vision.faces import Face, FaceFinder
from papers.reddy2019 import figures, model, preprocess
from papers.reddy2019.experiments import Inputs, Network, Reading, Training

EXPERIMENTS = {experiment.id: experiment for experiment in papers.load("reddy2019").experiments}
STCNN = EXPERIMENTS["stcnn-casme_sq/published"]
LATE = EXPERIMENTS["late-casme_sq/published"]
CODE = EXPERIMENTS["late-casme_sq/public-code"]
SMIC = EXPERIMENTS["stcnn-smic/published"]
FULL = Settings(Inputs(), Network(), Training())

# ---------------------------------------------------------------- the networks


def outputs(network: keras.Model, names: str) -> list[tuple[int, ...]]:
    """Output shapes by layer as the tables print them: filters first, and no channel of the grey input."""
    shapes = [network.get_layer(name).output.shape[1:] for name in names.split()]
    return [(*shape[3:], *shape[:3]) if shape[3:] != (1,) else shape[:3] for shape in shapes]


CONVOLVED = [(32, 30, 30, 82), (32, 10, 10, 27), (32, 10, 10, 27), (86_400,)]


def test_table_1() -> None:
    shapes = outputs(
        symbolic(model.stcnn, 64, 96, 3),
        "face face_convolution face_pooling face_dropout face_flatten dense dense_dropout scores emotion",
    )
    assert shapes == [
        (64, 64, 96),
        (32, 62, 62, 82),
        (32, 20, 20, 27),
        (32, 20, 20, 27),
        (345_600,),
        (128,),
        (128,),
        (3,),
        (3,),
    ]


def test_table_2_with_its_three_misprints_put_right() -> None:
    network = symbolic(model.fusenet_intermediate, 32, 96, 3)
    for part in ("eyes", "mouth"):
        rows = f"{part} {part}_convolution {part}_pooling {part}_dropout {part}_flatten"
        assert outputs(network, rows) == [(32, 32, 96), *CONVOLVED]  # the dropouts are printed as 32 x 20 x 20 x 27
    rows = "concatenate dense_1 dense_1_dropout dense_2 dense_2_dropout scores emotion"
    assert outputs(network, rows) == [(172_800,), (1024,), (1024,), (128,), (128,), (3,), (3,)]  # printed: 86400


def test_table_3() -> None:
    network = symbolic(model.fusenet_late, 32, 96, 3)
    for part in ("eyes", "mouth"):
        rows = f"{part} {part}_convolution {part}_pooling {part}_dropout {part}_flatten"
        assert outputs(network, rows) == [(32, 32, 96), *CONVOLVED]
    rows = "dense_1 dense_2 dense_1_dropout dense_2_dropout dense_3 dense_4 dense_3_dropout dense_4_dropout"
    assert outputs(network, rows) == [(1024,)] * 4 + [(128,)] * 4
    assert outputs(network, "concatenate scores emotion") == [(256,), (3,), (3,)]


@pytest.mark.parametrize(
    ("build", "size", "depth", "printed"),
    [
        (model.stcnn, 64, 96, 44_241_667),
        (model.stcnn, 64, 18, 1_643_267),
        (model.fusenet_intermediate, 32, 96, 177_088_515),
        (model.fusenet_intermediate, 32, 18, 6_694_915),
        (model.fusenet_late, 32, 96, 177_221_123),
        (model.fusenet_late, 32, 18, 6_827_523),
    ],
)
def test_parameter_counts(build, size: int, depth: int, printed: int) -> None:
    assert symbolic(build, size, depth, 3).count_params() == printed


@pytest.mark.parametrize("time", [3, 7, 15, 19])
@pytest.mark.parametrize("side", [3, 5, 7])
def test_every_kernel_of_table_9_fits(side: int, time: int) -> None:
    network = symbolic(model.stcnn, 64, 96, 3, kernel=(side, side, time))
    across, along = (65 - side) // 3, (97 - time) // 3
    assert outputs(network, "face_flatten emotion") == [(32 * across * across * along,), (3,)]
    assert network.get_layer("face_convolution").count_params() == 32 * (side * side * time + 1)


def test_activations_and_dropout_are_those_asked_for() -> None:
    def found(network: keras.Model) -> tuple[set[str], set[str], set[float]]:
        kinds = {
            kind: [layer for layer in network.layers if isinstance(layer, kind)]
            for kind in (keras.layers.Conv3D, keras.layers.Dense, keras.layers.Dropout)
        }
        convolutions, dense, dropouts = kinds.values()
        hidden = {layer.activation.__name__ for layer in dense if layer.name != "scores"}
        return {layer.activation.__name__ for layer in convolutions}, hidden, {layer.rate for layer in dropouts}

    assert found(symbolic(model.stcnn, 16, 18, 3)) == ({"relu"}, {"relu"}, {0.5})
    for build in (model.fusenet_intermediate, model.fusenet_late):
        assert found(symbolic(build, 16, 18, 3)) == ({"relu"}, {"linear"}, {0.5})
        assert found(symbolic(build, 16, 18, 3, dropout=0.1, activation="relu")) == ({"relu"}, {"relu"}, {0.1})


def spread(name: str, layer: str) -> float:
    """The standard deviation of a layer's initial kernel in an experiment, relative to that of Glorot's weights."""
    keras.utils.set_random_seed(0)
    network = FULL.having(EXPERIMENTS[name].settings).network
    shape = (64, 64, 18, 1) if network.kind == "stcnn" else (20, 20, 18, 1)
    parts = ("face",) if network.kind == "stcnn" else ("eyes", "mouth")
    kernel = model.build(network, dict.fromkeys(parts, shape), 3).get_layer(layer).get_weights()[0]
    area = int(np.prod(kernel.shape[:-2]))
    return float(kernel.std() / np.sqrt(2 / (area * (kernel.shape[-2] + kernel.shape[-1]))))


def test_the_public_code_starts_as_its_scripts_do_with_keras_2_0_0() -> None:
    """`normal` is a deviation of 0.05 in Keras 2.0.0, and a kernel's third axis is not counted in Glorot's."""
    for variant in ("public-code", "public-code-loso"):
        assert spread(f"stcnn-smic/{variant}", "dense") == pytest.approx(4.02, rel=0.01)  # of 12,800 inputs
        assert spread(f"stcnn-smic/{variant}", "scores") == pytest.approx(0.405, rel=0.15)
        assert spread(f"stcnn-smic/{variant}", "face_convolution") == pytest.approx(15**0.5, rel=0.05)
        for kind, layer in (("intermediate", "dense_1"), ("late", "dense_4")):  # no initialiser in these scripts
            assert spread(f"{kind}-smic/{variant}", layer) == pytest.approx(1, rel=0.05)
            assert spread(f"{kind}-smic/{variant}", "mouth_convolution") == pytest.approx(15**0.5, rel=0.05)


@pytest.mark.parametrize("layer", ["dense", "face_convolution"])
def test_the_text_starts_with_the_default_of_keras(layer: str) -> None:
    for variant in ("published", "loso"):
        assert spread(f"stcnn-smic/{variant}", layer) == pytest.approx(1, rel=0.05)


# ---------------------------------------------------------------- faces, eyes and mouths


def recording(frames: int, corpus: str = "casme_sq_recordings", emotion: str = "happy") -> Clip:
    files, numbers = (Path("15_0502.avi"),) * frames, tuple(range(1, frames + 1))
    return Clip(corpus, "s15", "15_0502", files, numbers, 1, None, frames, 30.0, emotion)


def inputs_for(clip: Clip, step: int = 1) -> Inputs:
    """Those of an experiment on the clip's corpus, of a profile with this step."""
    experiment = SMIC if clip.corpus == "smic" else STCNN
    inputs: Inputs = FULL.having({"frame_step": step}).having(experiment.settings).inputs
    return inputs


@pytest.mark.parametrize(
    ("clip", "step", "first", "last", "count"),
    [
        (recording(200), 1, 73, 168, 96),
        (recording(168), 1, 73, 168, 96),
        (recording(120), 1, 25, 120, 96),
        (recording(96), 1, 1, 96, 96),
        (recording(200), 5, 73, 168, 20),
        (recording(30, "smic"), 1, 1, 18, 18),
        (recording(30, "smic"), 4, 1, 18, 18),
    ],
)
def test_the_frames_that_are_read(clip: Clip, step: int, first: int, last: int, count: int) -> None:
    used = preprocess.window(clip, inputs_for(clip, step))
    assert (used.numbers[0], used.numbers[-1], len(used.numbers)) == (first, last, count)
    assert len(used.frames) == count
    assert set(np.diff(used.numbers)) == {1 if clip.corpus == "smic" else step}


@pytest.mark.parametrize(("clip", "read"), [(recording(95), "96"), (recording(17, "smic"), "18")])
def test_a_shorter_clip_is_named(clip: Clip, read: str) -> None:
    with pytest.raises(ClipError, match=f"{len(clip.frames)} frames, but the network reads {read}"):
        preprocess.window(clip, inputs_for(clip))


@pytest.fixture(scope="module")
def faces() -> FaceFinder:
    return FaceFinder()


@pytest.fixture(scope="module")
def astronaut(faces: FaceFinder) -> np.ndarray:
    return faces.find(data.astronaut()).points


def tilted(angle: float) -> np.ndarray:
    return (rotate(data.astronaut(), angle, center=(224, 110), order=1) * 255).astype(np.uint8)


def mapped(points: np.ndarray, to_face: np.ndarray) -> np.ndarray:
    return np.array([to_face @ [x, y, 1] for x, y in points])


@pytest.mark.parametrize("angle", [0, -17])
def test_the_alignment_is_that_of_dlib(faces: FaceFinder, angle: float) -> None:
    frame = tilted(angle)
    points = faces.find(frame).points
    inputs = Inputs(face_size=alignment.ALIGNED, reading="aligned faces")
    face = preprocess.cut(frame, points, inputs)["face"].astype(int)
    shape = dlib.full_object_detection(dlib.rectangle(), [dlib.point(int(x), int(y)) for x, y in points])
    expected = dlib.get_face_chip(frame, shape, alignment.ALIGNED, alignment.BORDER) @ [0.299, 0.587, 0.114]
    assert np.abs(face - expected).mean() < 1
    assert np.abs(face - expected)[4:-4, 4:-4].max() < 6


@pytest.mark.parametrize("times", [2, 4, 9])
def test_a_large_face_is_smoothed_as_dlib_does(astronaut: np.ndarray, times: int) -> None:
    """Noise of single pixels, on a face that becomes `1 / times` as large, at times more than half."""
    upright = alignment.alignment(astronaut, alignment.ALIGNED)
    scale = np.sqrt(np.linalg.det(upright[:, :2]))
    points = (astronaut * times * scale).round().astype(np.float32)
    side = int(points.max()) + 200
    frame = np.random.default_rng(3).integers(0, 255, (side, side), np.uint8)
    to_face = alignment.alignment(points, alignment.ALIGNED)
    assert np.sqrt(np.linalg.det(to_face[:, :2])) == pytest.approx(1 / times, rel=0.05)
    picture = alignment.aligned_picture(frame, to_face).astype(float)
    shape = dlib.full_object_detection(dlib.rectangle(), [dlib.point(int(x), int(y)) for x, y in points])
    dlibs = dlib.get_face_chip(frame.repeat(3).reshape(side, side, 3), shape, alignment.ALIGNED, alignment.BORDER)
    inside = slice(8, -8)
    ours, theirs = picture[inside, inside].std(), dlibs[inside, inside, 0].astype(float).std()
    assert ours == pytest.approx(theirs, rel=0.1)
    ramp = np.broadcast_to(np.linspace(0, 250, side), (side, side)).astype(np.uint8)  # nothing is moved
    shifted = alignment.aligned_picture(ramp, to_face) - dlib.get_face_chip(
        ramp.repeat(3).reshape(side, side, 3), shape, alignment.ALIGNED, alignment.BORDER
    )[..., 0].astype(float)
    assert np.abs(shifted[inside, inside]).mean() < 1


def test_landmarks_follow_the_alignment_of_a_tilted_head(faces: FaceFinder) -> None:
    upright, leaning = (faces.find(tilted(angle)).points for angle in (0, -17))
    aligned = [mapped(points, alignment.alignment(points, 256)) for points in (upright, leaning)]
    eyes = [points[42:48].mean(axis=0) - points[36:42].mean(axis=0) for points in (upright, leaning, *aligned)]
    angles = np.degrees([np.arctan2(y, x) for x, y in eyes])
    assert abs(angles[1] - angles[0]) == pytest.approx(17, abs=2)
    assert np.abs(angles[2:]).max() < 5  # the astronaut looks to one side: the eyes need not be quite level
    assert np.abs(aligned[0] - aligned[1]).mean() < 4
    assert ((aligned[0] > 0) & (aligned[0] < 255)).all()


def landmarks() -> np.ndarray:
    """A face whose eye box is 128 columns by 64 rows from (40, 30), and whose mouth box is 96 by 32 from (56, 110)."""
    points = np.full((68, 2), 100, np.float32)
    points[19, 1], points[1], points[15, 0] = 30, (40, 94), 168
    points[2], points[6, 1], points[14, 0] = (56, 110), 142, 152
    return points


def test_boxes_are_those_of_the_public_code() -> None:
    frame = np.random.default_rng(1).integers(0, 255, (200, 220, 1), np.uint8).repeat(3, axis=2)
    parts = preprocess.cut(frame, landmarks(), Inputs(face_size=20, region_size=16, reading="whole frames"))
    blocks = {"face": (frame, 10, 11), "eyes": (frame[30:94, 40:168], 4, 8), "mouth": (frame[110:142, 56:152], 2, 6)}
    for name, (part, high, wide) in blocks.items():
        means = part[..., 0].reshape(len(part) // high, high, -1, wide).mean(axis=(1, 3))
        assert np.abs(parts[name] - means).max() <= 0.5 + 1e-6


@pytest.mark.parametrize(("variant", "grey"), [("published", 162), ("public-code", 147)])
def test_grey_of_skin_is_that_of_the_reading(
    monkeypatch: pytest.MonkeyPatch, astronaut: np.ndarray, variant: str, grey: int
) -> None:
    """RGB frames of CAS(ME)^2: 0.299 R + 0.587 G + 0.114 B, in the public code with red and blue exchanged."""
    skin = np.full((320, 340, 3), (200, 150, 120), np.uint8)
    monkeypatch.setattr(alignment, "each_frame", lambda clip: (skin for _ in clip.frames))
    for name, wanted in (("casme_sq", grey), ("smic", 162)):  # which the code reads with OpenCV
        experiment = EXPERIMENTS[f"stcnn-{name}/{variant}"]
        clip = recording(170, experiment.corpora[0])
        small = FULL.having({"face_size": 8, "region_size": 8, "frame_step": 48})
        inputs, finder = small.having(experiment.settings).inputs, Blinded(astronaut)
        arrays = preprocess.prepare(clip, inputs, finder)  # type: ignore[arg-type]
        assert {int(value) for part in ("face", "eyes", "mouth") for value in np.unique(arrays[part])} == {wanted}


def test_whole_frames_turn_grey_when_they_are_small() -> None:
    """Each colour is rounded when it is averaged, and then the grey; the other order is up to 1 off this."""
    frame = np.random.default_rng(5).integers(0, 255, (64, 64, 3), np.uint8)
    points, inputs = landmarks() / 4, Inputs(face_size=32, region_size=8, reading="whole frames")
    face = preprocess.cut(frame, points, inputs)["face"]
    small = frame.reshape(32, 2, 32, 2, 3).mean(axis=(1, 3))
    assert np.abs(face - np.floor(small + 0.5) @ [0.299, 0.587, 0.114]).max() < 0.52
    swapped = replace(inputs, reading="whole frames, red and blue exchanged")
    exchanged = preprocess.cut(frame, points, swapped)["face"]
    assert np.array_equal(exchanged, preprocess.cut(frame[..., ::-1], points, inputs)["face"])
    assert not np.array_equal(exchanged, face)


def test_boxes_are_cut_to_the_picture_and_empty_ones_are_named() -> None:
    points = landmarks()
    points[1, 0], points[15, 0] = -30, 400
    frame = np.arange(220, dtype=np.uint8)[None, :, None].repeat(200, axis=0).repeat(3, axis=2)
    inputs = Inputs(region_size=22, reading="whole frames")
    eyes = preprocess.cut(frame, points, inputs)["eyes"]
    assert np.abs(eyes[0] - (np.arange(22) * 10 + 4.5)).max() <= 0.5
    points[6, 1] = 90
    with pytest.raises(ClipError, match="no room for the mouth"):
        preprocess.cut(frame, points, inputs)


class Blinded:
    """Finds landmarks that differ from frame to frame, except in frames that it does not see."""

    def __init__(self, base: np.ndarray, unseen: Sequence[int] = ()) -> None:
        self.base, self.unseen, self.asked = base, unseen, 0

    def points(self, place: int) -> np.ndarray:
        return self.base + np.float32(place % 3)

    def find(self, image: np.ndarray, where: str) -> Face:
        place, self.asked = self.asked, self.asked + 1
        if place in self.unseen:
            raise ClipError(f"{where}: dlib finds no face in it")
        return Face(self.points(place), "as it is")

    def again(self, image: np.ndarray, face: Face) -> None:
        """Found nowhere, so that every frame is searched as a whole."""


@pytest.mark.parametrize(
    ("experiment", "how"), [(LATE, "aligned faces"), (CODE, "whole frames, red and blue exchanged")]
)
def test_a_clip_becomes_three_videos(
    monkeypatch: pytest.MonkeyPatch, astronaut: np.ndarray, experiment: Experiment, how: Reading
) -> None:
    rng = np.random.default_rng(3)
    frames = [rng.integers(0, 255, (320, 340, 3), np.uint8) for _ in range(12)]
    monkeypatch.setattr(alignment, "each_frame", lambda clip: iter(frames[: len(clip.frames)]))
    small = FULL.having({"face_size": 24, "region_size": 12, "frame_step": 8})
    inputs, finder = small.having(experiment.settings).inputs, Blinded(astronaut, [2, 3, 7])
    arrays = preprocess.prepare(recording(170), inputs, finder)  # type: ignore[arg-type]
    sizes = {"face": 24, "eyes": 12, "mouth": 12}
    assert {name: arrays[name].shape for name in sizes} == {name: (n, n, 12, 1) for name, n in sizes.items()}
    assert {arrays[name].dtype for name in sizes} == {np.dtype(np.uint8)}
    assert (arrays["reused"].tolist(), arrays["searched"].tolist()) == ([3], [11])
    for place, frame in enumerate(frames):
        seen = {2: 1, 3: 1, 7: 6}.get(place, place)
        expected = preprocess.cut(frame, finder.points(seen), replace(inputs, reading=how))
        assert all((arrays[name][:, :, place, 0] == expected[name]).all() for name in sizes)


def test_a_clip_without_a_face_in_its_first_frame_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(alignment, "each_frame", lambda clip: (np.zeros((50, 50, 3), np.uint8) for _ in clip.frames))
    with pytest.raises(ClipError, match=r"15_0502\.avi, frame 73: dlib finds no face"):
        preprocess.prepare(recording(170), Inputs(), Blinded(landmarks(), [0]))  # type: ignore[arg-type]


def cached_under(inputs: Inputs) -> str:
    return preprocessing.digest(preprocessing.clip_task("reddy2019", recording(170), "content", inputs, "code"))


def test_a_changed_field_of_inputs_changes_what_is_cached() -> None:
    changed = {
        "face_size": 32,
        "region_size": 16,
        "frames": 18,
        "frame_step": 4,
        "first_frame": 0,
        "spread": True,
        "reading": "whole frames",
    }
    assert set(changed) == {field.name for field in fields(Inputs)}
    others = [FULL.having({name: value}).inputs for name, value in changed.items()]
    assert len({cached_under(inputs) for inputs in (FULL.inputs, *others)}) == len(changed) + 1


def test_networks_share_what_is_cached_and_read_their_own_inputs() -> None:
    stcnn, late, code, smic = (FULL.having(experiment.settings) for experiment in (STCNN, LATE, CODE, SMIC))
    assert cached_under(stcnn.inputs) == cached_under(late.inputs)
    assert cached_under(late.inputs) != cached_under(code.inputs)
    assert cached_under(stcnn.inputs) != cached_under(smic.inputs)
    clips = [(recording(170), 0), (recording(180), 2), (recording(190), 1)]
    arrays = [
        {name: np.full((4, 4, 5, 1), 10 * row, np.uint8) for name in ("face", "eyes", "mouth")}
        | {"reused": np.array([row]), "searched": np.array([0])}
        for row in range(3)
    ]
    for settings, inputs in ((stcnn, {"face"}), (late, {"eyes", "mouth"})):
        samples = preprocess.assemble(clips, arrays, settings)
        assert set(samples.x) == inputs
        assert {values.shape for values in samples.x.values()} == {(3, 4, 4, 5, 1)}
        assert [values[:, 0, 0, 0, 0].tolist() for values in samples.x.values()] == [[0, 10, 20]] * len(inputs)
        assert samples.y.tolist() == [0, 2, 1]
        assert set(samples.subject) == {"casme_sq_recordings/s15"}
        assert samples.notes == (
            "casme_sq_recordings: dlib finds no face in 3 frames of 2 clips; the previous frame's landmarks are used",
        )


# ---------------------------------------------------------------- figure 4


@pytest.fixture(scope="module")
def fusenet() -> keras.Model:
    keras.utils.set_random_seed(3)
    return model.fusenet_late(12, 18, 3, activation="tanh")


def pictures(n: int) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(8)
    return {name: rng.normal(size=(n, 12, 12, 18, 1)).astype(np.float32) for name in ("eyes", "mouth")}


def test_saliency_is_the_gradient_of_the_score(fusenet: keras.Model) -> None:
    inputs, classes = pictures(3), np.array([2, 0, 1])
    before = fusenet.get_weights()
    trainable = len(fusenet.trainable_weights)
    maps = saliency.saliency(fusenet, inputs, classes)
    scores = keras.Model(fusenet.input, fusenet.get_layer("scores").output)
    watched = {name: tf.constant(values) for name, values in inputs.items()}
    with tf.GradientTape() as tape:
        tape.watch(watched)
        own = tf.gather(scores(watched, training=False), classes, batch_dims=1)
    for name, gradient in tape.gradient(own, watched).items():
        assert maps[name].dtype == np.float32
        assert maps[name][:, :, :, :17].any(axis=(1, 2, 4)).all()
        assert not maps[name][:, :, :, 17].any()  # four steps of the convolution, of which the pooling takes three
        np.testing.assert_allclose(maps[name], gradient, rtol=1e-4, atol=1e-7)
    assert all((was == now).all() for was, now in zip(before, fusenet.get_weights(), strict=True))
    assert len(fusenet.trainable_weights) == trainable


def test_saliency_foretells_how_the_score_changes(fusenet: keras.Model) -> None:
    inputs = pictures(1)
    maps = saliency.saliency(fusenet, inputs, np.array([1]))
    scores = keras.Model(fusenet.input, fusenet.get_layer("scores").output)
    length = np.sqrt(sum((values.astype(np.float64) ** 2).sum() for values in maps.values()))
    moved = [
        float(scores({name: values + step * maps[name] / length for name, values in inputs.items()})[0, 1])
        for step in (-0.02, 0.02)
    ]
    assert (moved[1] - moved[0]) / 0.04 == pytest.approx(length, rel=0.02)


def test_the_strongest_tenth_is_marked_over_all_inputs() -> None:
    rng = np.random.default_rng(2)
    gradients = {"eyes": rng.normal(size=(2, 5, 5, 4, 1)), "mouth": 0.01 * rng.normal(size=(2, 5, 5, 4, 1))}
    gradients["eyes"][1] = -1
    marked = saliency.strongest(gradients)
    assert marked["eyes"][0].sum() + marked["mouth"][0].sum() == 20
    assert not marked["mouth"][0].any()
    assert gradients["eyes"][0][marked["eyes"][0]].min() > gradients["eyes"][0][~marked["eyes"][0]].max()
    assert not marked["eyes"][1].any()
    assert (gradients["mouth"][1][marked["mouth"][1]] > 0).all()


def test_figure_4_shows_what_is_stored(fusenet: keras.Model, tmp_path: Path) -> None:
    assert figures.results(LATE, tmp_path) == []
    inputs, clips, labels = pictures(2), ["casme_sq_recordings/s15/one", "casme_sq_recordings/s15/two"], ["happy"] * 2
    shown = {name: np.arange(2 * 2592, dtype=np.uint8).reshape(values.shape) for name, values in inputs.items()}
    for fold in ("s15", "s16"):
        path = tmp_path / "saliency" / f"{fold}.npz"
        saliency.save(path, fusenet, inputs, shown, np.array([0, 0]), clips, labels)
    with np.load(path) as stored:
        kept = dict(stored)
    assert kept["places"].tolist() == [0, 3, 6, 8, 11, 14, 17]
    marked = saliency.strongest(saliency.saliency(fusenet, inputs, np.array([0, 0])))
    for name in inputs:
        assert (kept[f"shown {name}"] == shown[name][..., kept["places"], 0]).all()
        assert (kept[f"salient {name}"] == marked[name][..., kept["places"], 0]).all()
    [figure] = figures.results(LATE, tmp_path)
    assert figure.path == tmp_path / "figures" / "saliency.svg"
    assert figure.path.read_bytes().count(b"<image") == 2 * 4 * len(kept["places"])  # two clips of each of two folds


def test_what_the_networks_read_is_drawn(
    monkeypatch: pytest.MonkeyPatch, astronaut: np.ndarray, tmp_path: Path
) -> None:
    asked = []

    def each_frame(clip: Clip) -> list[np.ndarray]:
        asked.append(clip.numbers)
        return [np.full((190, 220, 3), 20 * place, np.uint8) for place in range(len(clip.frames))]

    monkeypatch.setattr(figures, "each_frame", each_frame)
    clips = [(recording(170), 0), (recording(180), 1)]
    [figure] = figures.draw(clips, FULL, Blinded(astronaut), tmp_path)  # type: ignore[arg-type]
    assert asked == [(73, 89, 105, 121, 136, 152, 168)]  # one clip of the only subject, and no frame in vain
    assert figure.path.read_bytes().count(b"<image") == 2 * figures.FRAMES
