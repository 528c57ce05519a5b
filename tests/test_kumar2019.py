"""kumar2019 against its text: the network, one image per magnification, what is learnt and what is tested."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path

import cv2
import keras
import numpy as np
import pytest
from folds import run_fold
from skimage import data

import papers
from common.audit import audit
from common.audit.documented import documented
from common.contract import Settings
from common.errors import ClipError, UserError
from common.profiles import with_settings
from common.protocols.splits import BETWEEN, LOSO, split
from common.runs.preprocessing import clip_task, digest
from common.training.single_network import CompiledNetwork
from common.types import Clip, Samples
from common.vision.faces import Face, FaceFinder
from papers.kumar2019 import model, preprocess, texture
from papers.kumar2019.experiments import ALPHAS, CORPORA, EVERYWHERE, READINGS, REMOVALS, Inputs

PAPER = papers.load("kumar2019")
EXPERIMENTS = {experiment.id: experiment for experiment in PAPER.experiments}
RECIPE = papers.parts("kumar2019").recipe()
FULL = PAPER.profiles["paper"].settings
SMALL = FULL.having({"size": 48, "face_size": 64, "window": 7, "batch": 8, "epochs": 2})

# ---------------------------------------------------------------- the network


@pytest.fixture(scope="module")
def usual() -> keras.Model:
    return model.resnet34(224, 3)


@pytest.fixture(scope="module")
def before() -> keras.Model:
    return model.resnet34(224, 3, before=True)


def test_resnet34_has_its_parameters_in_both_orders_of_normalisation(usual: keras.Model, before: keras.Model) -> None:
    assert (usual.count_params(), before.count_params()) == (21_303_235, 21_299_407)
    for network in (usual, before):
        kinds = Counter(type(layer).__name__ for layer in network.layers)
        assert (kinds["Conv2D"], kinds["Add"], kinds["Dense"]) == (36, 16, 1)  # 33 and 3 shortcuts: 34 with the dense


def test_statistics_of_a_short_training_are_its_own(usual: keras.Model) -> None:
    normalising = [layer for layer in usual.layers if isinstance(layer, keras.layers.BatchNormalization)]
    assert {(layer.momentum, layer.epsilon) for layer in normalising} == {(0.9, 1e-5)}


def test_outputs_of_the_stages_are_those_of_the_residual_network(usual: keras.Model) -> None:
    shapes = [usual.get_layer(name).output.shape[1:] for name in ("stem_relu", "pooling")]
    shapes += [
        usual.get_layer(f"stage{stage}_block{last}").output.shape[1:] for stage, last in enumerate((3, 4, 6, 3), 1)
    ]
    assert shapes == [(112, 112, 64), (56, 56, 64), (56, 56, 64), (28, 28, 128), (14, 14, 256), (7, 7, 512)]


def test_the_first_pooling_is_padded_on_every_side(usual: keras.Model) -> None:
    """As the residual network has it: windows of 3 x 3 around every second pixel, the first included."""
    stem = keras.Model(usual.input, [usual.get_layer(name).output for name in ("stem_relu", "pooling")])
    image = np.random.default_rng(3).random((1, 224, 224, 3)).astype(np.float32)
    before, after = (keras.ops.convert_to_numpy(values)[0] for values in stem({"avatar": image}))
    padded = np.pad(before, ((1, 1), (1, 1), (0, 0)), constant_values=-np.inf)
    around = [padded[row : row + 112 : 2, column : column + 112 : 2] for row in range(3) for column in range(3)]
    np.testing.assert_array_equal(after, np.max(around, axis=0))


def test_normalisation_stands_where_it_is_asked_for(usual: keras.Model, before: keras.Model) -> None:
    for network in (usual, before):
        for layer in network.layers:
            if not isinstance(layer, keras.layers.Conv2D):
                continue
            following = layer.output._keras_history.operation._outbound_nodes[0].operation
            name = layer.name.removesuffix("_convolution") + "_normalisation"
            assert (following.name == name) == (network is usual)


def test_a_trained_image_is_mirrored_at_random_and_a_tested_one_never(usual: keras.Model) -> None:
    network = keras.Model(usual.input, usual.get_layer("mirrored").output)
    image = np.random.default_rng(0).random((64, 224, 224, 3)).astype(np.float32)
    assert (keras.ops.convert_to_numpy(network({"avatar": image}, training=False)) == image).all()
    moved = keras.ops.convert_to_numpy(network({"avatar": image}, training=True))
    same = [(shown == other).all() for shown, other in zip(moved, image, strict=True)]
    mirrored = [(shown == other[:, ::-1]).all() for shown, other in zip(moved, image, strict=True)]
    assert all(a != b for a, b in zip(same, mirrored, strict=True))
    assert 10 < sum(mirrored) < 54


# ---------------------------------------------------------------- what is run


def test_every_number_of_tables_3_and_7_has_its_experiment() -> None:
    assert {(e.name, e.protocol) for e in PAPER.experiments if e.variant == "published"} == {
        *((f"{name}-loso", LOSO) for name in ("composite", *CORPORA)),
        *((f"{a}-to-{b}", BETWEEN) for a in CORPORA for b in CORPORA if a != b),
    }
    assert len(PAPER.claims) == 20
    assert all(experiment.leak_free for experiment in PAPER.experiments)


def test_the_audit_finds_smics_exchanged_figures_and_no_other() -> None:
    findings = audit(PAPER.facts, PAPER.claims, documented(), {}, PAPER.checks)
    exchanged = [finding for finding in findings if finding.topic == "UAR and UF1 of the confusion matrices"]
    assert {finding.statement.partition(":")[0]: finding.holds for finding in exchanged} == {
        "smic": False,
        "casme2": True,
        "samm": True,
    }
    assert "each in place of the other" in exchanged[0].statement
    assert all(finding.holds for finding in findings if finding.topic.startswith(("Class counts", "Corpora add up")))


# ---------------------------------------------------------------- images


def clip_of(frames: int = 12, fps: float = 100.0, corpus: str = "smic") -> Clip:
    files = tuple(Path(f"/nowhere/{k}.png") for k in range(frames))
    return Clip(corpus, "s1", "one", files, tuple(range(frames)), 0, None, frames - 1, fps, "positive")


class Fixed:
    """A face in the same place of every frame."""

    points = np.random.default_rng(2).uniform(60, 140, (68, 2)).astype(np.float32)

    def find(self, image: np.ndarray, where: str) -> Face:
        return Face(self.points, "as it is", (60, 60, 140, 140))

    def follow(self, image: np.ndarray, face: Face) -> np.ndarray:
        return face.points


@pytest.fixture
def pictures(monkeypatch: pytest.MonkeyPatch) -> np.ndarray:
    """A texture that shakes by a fraction of a pixel."""
    rng = np.random.default_rng(5)
    still = cv2.resize(rng.integers(60, 200, (40, 40, 3), np.uint8), (200, 200), interpolation=cv2.INTER_CUBIC)
    shifts = 0.6 * np.sin(2 * np.pi * 5 * np.arange(12) / 100 * 2)
    moved = [cv2.warpAffine(still, np.array([[1, 0, s], [0, 1, 0]]), (200, 200), borderMode=2) for s in shifts]
    monkeypatch.setattr(preprocess, "read_frame", lambda clip, index: moved[index])
    monkeypatch.setattr(preprocess, "each_frame", lambda clip, part: (picture[part] for picture in moved))
    return np.stack(moved)


def test_a_clip_becomes_one_image_per_magnification(pictures: np.ndarray) -> None:
    arrays = preprocess.prepare(clip_of(), SMALL.inputs, Fixed())  # type: ignore[arg-type]
    assert (arrays["avatars"].shape, arrays["avatars"].dtype) == ((4, 48, 48, 3), np.uint8)
    assert (arrays["frames"].tolist(), len(arrays["kept"])) == ([12], 4)
    assert (arrays["kept"] > 0).all()
    assert (arrays["kept"] <= 12).all()
    frames, face = preprocess.face_frames(clip_of(), SMALL.inputs, Fixed())  # type: ignore[arg-type]
    assert frames.shape == (12, 64, 64, 3)
    assert face.points.min() >= 0
    assert face.points.max() <= 63
    plain = preprocess.textured(frames, SMALL.inputs).kept
    mean = np.rint(frames[plain].mean(axis=0)).astype(np.uint8)
    expected = cv2.resize(mean, (48, 48), interpolation=cv2.INTER_AREA)
    assert (
        np.abs(arrays["avatars"][0].astype(int) - expected).max() <= 1
    )  # landmarks at rest: registering moves nothing
    assert (arrays["avatars"][0] != arrays["avatars"][2]).any()


# ---------------------------------------------------------------- which frames stay

SHORT = FULL.having({"size": 48, "face_size": 74, "window": 31, "cutoff": 15.0})
"""Half the paper's window and cutoff, blocks of 12 x 12 pixels."""


def bump(count: int, apex: int, seed: int) -> np.ndarray:
    """A textured surface (count, 74, 74, 3) part of which rises and falls by two pixels around its apex, with noise."""
    rng = np.random.default_rng(seed)
    surface = cv2.resize(rng.integers(60, 190, (30, 30, 3), np.uint8), (74, 74), interpolation=cv2.INTER_CUBIC)
    rows, columns = np.mgrid[:74, :74].astype(np.float32)
    bell = np.exp(-((rows - 37) ** 2 + (columns - 37) ** 2) / (2 * 15**2))
    sizes = 2 * np.exp(-(((np.arange(count) - apex) / (0.2 * count)) ** 2) / 2)
    moved = np.stack([cv2.remap(surface, columns, (rows + s * bell).astype(np.float32), 1) for s in sizes])
    return np.clip(np.rint(moved + rng.normal(0, 1, moved.shape)), 0, 255).astype(np.uint8)


def stays(
    frames: np.ndarray, variant: str, monkeypatch: pytest.MonkeyPatch, settings: Settings = SHORT
) -> list[list[int]]:
    """The frames that `prepare` averages, one list per magnification."""
    averaged = []

    def watching(moved: np.ndarray, kept: np.ndarray, *rest: object) -> np.ndarray:
        averaged.append(kept.tolist())
        return moved[0]

    face = Face(Fixed.points, "as it is", (0, 0, 74, 74))
    monkeypatch.setattr(preprocess, "face_frames", lambda *given: (frames, face))
    monkeypatch.setattr(preprocess, "avatar_of", watching)
    inputs = settings.having(EXPERIMENTS[f"composite-loso/{variant}"].settings).inputs
    preprocess.prepare(clip_of(len(frames), 200.0), inputs, Fixed())  # type: ignore[arg-type]
    return averaged


@pytest.mark.parametrize("variant", ["published", "zero-phase", "shifted-windows"])
def test_a_clip_played_backwards_loses_the_mirrored_frames(variant: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for seed, count in enumerate((32, 36, 45)):
        frames = bump(count, count // 2, seed)
        forth, back = (stays(played, variant, monkeypatch) for played in (frames, frames[::-1]))
        assert any(len(kept) < count for kept in forth)
        assert [[count - 1 - index for index in reversed(kept)] for kept in back] == forth


def test_the_apex_of_a_movement_stays_and_something_on_both_sides(monkeypatch: pytest.MonkeyPatch) -> None:
    clips = [(32 + 3 * k, round((32 + 3 * k) * share)) for k, share in enumerate(np.linspace(0.35, 0.65, 6))]
    for seed, (count, apex) in enumerate(clips):
        for kept in stays(bump(count, apex, seed), "published", monkeypatch):
            assert apex in kept
            assert min(kept) < apex < max(kept)
            assert len(kept) < count


def test_the_published_reading_removes_the_same_frames_at_every_magnification(monkeypatch: pytest.MonkeyPatch) -> None:
    frames = bump(40, 15, 0)
    assert len({tuple(kept) for kept in stays(frames, "published", monkeypatch)}) == 1
    assert stays(frames, "all-frames", monkeypatch) == [[*range(40)]] * len(ALPHAS)
    followed = stays(frames, "magnified-texture-shifted-windows", monkeypatch)
    assert followed[0] == stays(frames, "shifted-windows", monkeypatch)[0]
    assert len({tuple(kept) for kept in followed}) > 1


def test_as_written_frames_are_magnified_then_removed_by_a_plain_sum(monkeypatch: pytest.MonkeyPatch) -> None:
    """Section 3.2 and equation 9, with numpy's transform of every window."""
    frames = bump(40, 15, 0)
    for alpha, kept in zip(ALPHAS, stays(frames, "as-written", monkeypatch), strict=True):
        moved = preprocess.magnified(clip_of(40, 200.0), frames, alpha, SHORT.inputs)
        grey = np.stack([cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY) for frame in moved])
        tiles = np.stack([texture.blocks(picture) for picture in texture.texture_maps(grey)])  # frames, 36, 12, 12
        sums = []
        for start, stop in texture.windows(40, 31, "cut"):
            axes = np.meshgrid(*(np.fft.fftfreq(n, 1 / n) for n in (stop - start, 12, 12)), indexing="ij")
            passing = np.sqrt(sum(axis**2 for axis in axes)) >= 15
            spectra = np.fft.fftn(tiles[start:stop], axes=(0, 2, 3))
            sums.append(float((np.abs(spectra) * passing[:, None]).sum()))
        assert kept == np.flatnonzero(sums > np.mean(sums)).tolist()


def test_the_reading_as_written_runs_on_request_in_every_experiment_and_is_as_leak_free() -> None:
    published = [e for e in PAPER.experiments if e.variant == "published"]
    assert len(published) == 10
    for experiment in published:
        written = EXPERIMENTS[f"{experiment.name}/as-written"]
        assert written.on_request
        assert written.leak_free == experiment.leak_free
        same = ("corpora", "labels", "protocol", "selection", "tested_on", "network")
        assert [getattr(written, name) for name in same] == [getattr(experiment, name) for name in same]
        inputs = FULL.having(written.settings).inputs
        assert inputs == replace(Inputs(), magnified_texture=True, mean_texture=False)


def test_every_choice_about_removal_can_be_set() -> None:
    words = ["removal=false", "magnified_texture=true", "window_ends=moved", "mean_texture=false"]
    words += ["motion_filter=ideal"]
    inputs = with_settings(PAPER.profiles["quick"], words).settings.inputs
    assert not inputs.removal
    assert not inputs.mean_texture
    assert (inputs.magnified_texture, inputs.window_ends, inputs.motion_filter) == (True, "moved", "ideal")
    with pytest.raises(UserError, match="takes one of cut, moved"):
        with_settings(PAPER.profiles["quick"], ["window_ends=mirrored"])


def test_without_phase_the_magnified_motion_cancels_in_the_mean_of_a_clip() -> None:
    """Why the default magnification has a causal filter: an image is the mean of the frames."""
    frames = bump(40, 15, 0)
    plain, alpha = frames.mean(axis=0), SHORT.training.tested_alpha
    readings = (SHORT.having({"motion_filter": name}) for name in ("butterworth", "ideal"))
    causal, ideal = (
        preprocess.magnified(clip_of(40, 200.0), frames, alpha, settings.inputs).mean(axis=0) for settings in readings
    )
    assert np.abs(ideal - plain).mean() < 0.2 < np.abs(causal - plain).mean()


def test_arrays_are_kept_apart_by_reading_and_shared_otherwise() -> None:
    def key(name: str, variant: str) -> str:
        inputs = SMALL.having(EXPERIMENTS[f"{name}/{variant}"].settings).inputs
        return digest(clip_task("kumar2019", clip_of(), "content", inputs, "code"))

    keys = {key("composite-loso", variant) for variant in ("as-written", *REMOVALS)}
    readings = ("published", "tuned", *READINGS)
    same = {key(name, variant) for name in ("composite-loso", "smic-loso") for variant in readings}
    assert len(same) == 1
    assert len(keys | same) == len(REMOVALS) + len(EVERYWHERE)
    assert {key(name, "as-written") for name in ("smic-loso", "smic-to-samm")} <= keys


def test_a_clip_that_cannot_carry_the_band_is_named(pictures: np.ndarray) -> None:
    with pytest.raises(ClipError, match=r"15 frames per second show only motion below 7\.5 Hz"):
        preprocess.prepare(clip_of(fps=15.0), SMALL.inputs, Fixed())  # type: ignore[arg-type]


def test_landmarks_of_a_repeated_frame_are_those_of_the_frame_before() -> None:
    """dlib's fit is the same for the same picture, so that one fit serves; the image is that of fitting each."""
    frames = np.stack([np.roll(data.astronaut()[:256, 96:352], shift, axis=1) for shift in (0, 2, 2, 2, 0, 3)])
    finder, fitted = FaceFinder(), []

    class Counting:
        def follow(self, image: np.ndarray, face: Face) -> np.ndarray:
            fitted.append(image)
            return finder.follow(image, face)

    face, kept = finder.find(frames[0]), np.arange(6)
    image = preprocess.avatar_of(frames, kept, face, Counting())  # type: ignore[arg-type]
    assert len(fitted) == 4 + 1  # the first frame once more, to which all are registered
    points = np.stack([finder.follow(frame, face) for frame in frames])
    np.testing.assert_array_equal(image, preprocess.avatar(frames, points, points[0]))


def test_landmarks_are_followed_without_searching_again() -> None:
    finder, face = FaceFinder(), None
    picture = data.astronaut()
    face = finder.find(picture)
    assert (finder.follow(picture, face) == face.points).all()
    shifted = np.roll(picture, (2, 3), axis=(0, 1))
    assert np.abs(finder.follow(shifted, face) - face.points - (3, 2)).mean() < 2
    crop = picture[30:250, 110:330]
    detected = finder.find(crop)
    moved = preprocess._moved(face, (slice(30, 250), slice(110, 330)), 220)
    assert np.abs(moved.points - detected.points).mean() < 5
    assert np.abs(finder.follow(crop, moved) - face.points + (110, 30)).mean() < 2


def test_rows_are_the_magnifications_of_each_clip_and_notes_count_frames() -> None:
    clips = [(clip_of(), 0), (replace(clip_of(), name="two", subject="s2"), 2)]
    arrays = [
        {
            "avatars": np.full((4, 5, 5, 3), k, np.uint8),
            "frames": np.array([n]),
            "kept": np.array([n, n, m, n]),
            "lost": np.array([0, 0, k, 1]),
        }
        for k, (n, m) in enumerate([(7, 7), (12, 5)])
    ]
    samples = preprocess.assemble(clips, arrays, SMALL)
    assert samples.view.tolist() == [*ALPHAS, *ALPHAS]
    assert samples.y.tolist() == [0] * 4 + [2] * 4
    assert samples.x["avatar"][:, 0, 0, 0].tolist() == [0] * 4 + [1] * 4
    assert samples.notes == (
        "smic, magnified 10 times: 12 of 19 frames stay; 1 of 2 keep every frame; 1 lose the annotated apex",
    )


# ---------------------------------------------------------------- training


@pytest.fixture(scope="module")
def networks() -> CompiledNetwork:
    classes = EXPERIMENTS["smic-loso/published"].labels.classes
    return RECIPE.build_networks(SMALL.network, SMALL.training, preprocess.shapes(SMALL), classes, 0)  # type: ignore[return-value]


def test_copies_stay_with_their_clip_and_one_of_them_is_tested(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, networks: CompiledNetwork
) -> None:
    experiment = EXPERIMENTS["smic-loso/published"]
    n, rng = 6, np.random.default_rng(1)
    samples = Samples(
        x={"avatar": rng.integers(0, 255, (4 * n, 48, 48, 3), np.uint8)},
        y=np.repeat(np.arange(n) % 3, 4),
        subject=np.repeat([f"smic/s{k // 2}" for k in range(n)], 4),
        clip=np.repeat([f"smic/s{k // 2}/c{k}" for k in range(n)], 4),
        view=np.tile(np.array(ALPHAS), n),
    )
    learnt, rates = [], []
    fit = networks.learner.fit

    def watching(x: dict, y: object, *rest: object, **options: object) -> object:
        learnt.append(np.asarray(x["avatar"]))
        history = fit(x, y, *rest, **options)  # type: ignore[arg-type]
        rates.append(history["learning_rate"])
        return history

    monkeypatch.setattr(networks.learner, "fit", watching)
    fold = split(experiment, samples.subject, samples.clip, samples.y, 0)[0]
    outcome = run_fold(RECIPE, networks, experiment, SMALL, samples, fold, tmp_path)
    assert outcome.clips == ("smic/s0/c0", "smic/s0/c1")
    rows = [np.flatnonzero((samples.x["avatar"][:] == image).all(axis=(1, 2, 3))).item() for image in learnt[0]]
    views = set(samples.view[rows].tolist())
    magnified_only = SMALL.having(EXPERIMENTS["smic-loso/magnified-only"].settings)
    assert views == set(ALPHAS) == {0, *magnified_only.training.trained_alphas}
    assert not {*samples.clip[rows]} & set(outcome.clips)
    assert SMALL.training.tested_alpha in views
    assert rates[0] == pytest.approx([1e-3, 1e-3])
    assert outcome.probabilities.sum(axis=1) == pytest.approx(1, abs=1e-5)


def test_the_rate_is_halved_every_five_epochs(networks: CompiledNetwork) -> None:
    assert [networks.learner._rate(epoch) for epoch in (0, 4, 5, 9, 10, 49)] == [  # type: ignore[misc]
        pytest.approx(1e-3 / 2**k) for k in (0, 0, 1, 1, 2, 9)
    ]
