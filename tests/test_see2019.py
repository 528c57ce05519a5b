"""see2019: LBP-TOP against a slow computation and known cases, and the support vector machines as a Keras model."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from math import cos, floor, pi, sin
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from folds import run_fold
from hypothesis import given
from hypothesis import strategies as st
from sklearn.svm import SVC

import papers
from common.audit.recalls import recalls
from common.types import Clip, Fold, Samples
from common.vision.patterns import BINS, UNIFORM
from papers.see2019 import figures, model, preprocess
from papers.see2019.lbp_top import TIE, _patterns, ellipses, histograms

PAPER = papers.load("see2019")
FULL = PAPER.profiles["paper"].settings
(EXPERIMENT,) = (experiment for experiment in PAPER.experiments if not experiment.on_request)
CLASSES = EXPERIMENT.labels.classes
XY, XT, YT = range(3)


def noise(seed: int, *shape: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, shape).astype(np.uint8)


# ---------------------------------------------------------------- LBP-TOP


def value(video: np.ndarray, time: float, row: float, column: float) -> float:
    """Trilinear interpolation, as a sum over the eight corners."""
    total = 0.0
    for corner in np.ndindex(2, 2, 2):
        weight, place = 1.0, []
        for at, after in zip((time, row, column), corner, strict=True):
            whole = floor(at + 1e-9)
            share = max(at - whole, 0.0)
            weight *= share if after else 1 - share
            place.append(whole + after)
        if weight > 1e-9:
            total += weight * float(video[tuple(place)])
    return total


def slow(video: np.ndarray, grid: int, radius: int, time_radius: int) -> np.ndarray:
    """The same histograms by loops over pixels, neighbours and bits."""
    frames, height, width = video.shape
    uniform = [n for n in range(256) if sum((n >> i & 1) != (n >> (i + 1) % 8 & 1) for i in range(8)) <= 2]
    found: dict[tuple[int, int, int], Counter[int]] = {}
    for time in range(time_radius, frames - time_radius):
        for row in range(radius, height - radius):
            for column in range(radius, width - radius):
                block = (row - radius) * grid // (height - 2 * radius), (column - radius) * grid // (width - 2 * radius)
                for plane in range(3):
                    pattern = 0
                    for i in range(8):
                        c, s = cos(2 * pi * i / 8), sin(2 * pi * i / 8)
                        down, right, later = (
                            (-radius * s, radius * c, 0.0),
                            (0.0, radius * c, time_radius * s),
                            (-radius * s, 0.0, time_radius * c),
                        )[plane]
                        neighbour = value(video, time + later, row + down, column + right)
                        pattern |= (neighbour >= float(video[time, row, column]) - TIE) << i
                    bin_ = uniform.index(pattern) if pattern in uniform else 58
                    found.setdefault((*block, plane), Counter())[bin_] += 1
    result = np.zeros((grid, grid, 3, BINS))
    for place, counter in found.items():
        for bin_, count in counter.items():
            result[(*place, bin_)] = count / counter.total()
    return result


@pytest.mark.parametrize(
    ("shape", "grid", "radius", "time_radius"), [((9, 9, 10), 2, 1, 4), ((6, 11, 9), 3, 2, 1), ((5, 7, 7), 1, 1, 2)]
)
def test_histograms_are_those_of_a_slow_computation(
    shape: tuple[int, int, int], grid: int, radius: int, time_radius: int
) -> None:
    for video in (noise(0, *shape), noise(1, *shape) // 64):  # the second has many equal neighbours
        expected = slow(video, grid, radius, time_radius)
        assert histograms(video, grid, radius, time_radius) == pytest.approx(expected, abs=1e-6)


def test_in_the_plane_of_the_image_the_patterns_are_those_of_scikit_image() -> None:
    from skimage.feature import local_binary_pattern

    video = noise(2, 3, 12, 12)
    patterns = local_binary_pattern(video[1], 8, 1)[1:-1, 1:-1].astype(int)
    expected = np.bincount(UNIFORM[patterns].ravel(), minlength=BINS) / patterns.size
    assert histograms(video, 1, 1, 1)[0, 0, XY] == pytest.approx(expected, abs=1e-6)


def test_58_patterns_are_uniform() -> None:
    assert Counter(UNIFORM.tolist()) == dict.fromkeys(range(58), 1) | {58: 198}


@given(st.integers(0, 2**31), st.integers(1, 4), st.integers(9, 14), st.integers(1, 3))
def test_each_histogram_sums_to_one(seed: int, grid: int, frames: int, radius: int) -> None:
    found = histograms(noise(seed, frames, 14, 17), grid, radius, 4)
    assert found.shape == (grid, grid, 3, BINS)
    assert found.sum(axis=-1) == pytest.approx(np.ones((grid, grid, 3)), abs=1e-5)
    assert (found >= 0).all()


def test_an_even_video_has_one_bin_whatever_its_grey() -> None:
    found = [histograms(np.full((9, 12, 12), grey, np.uint8), 2, 1, 4) for grey in (0, 1, 77, 254, 255)]
    assert (found[0][..., UNIFORM[255]] == 1).all()
    assert all(np.array_equal(found[0], other) for other in found)


def test_a_moving_edge_changes_the_planes_with_time_and_a_still_one_does_not() -> None:
    still = np.where(np.arange(24) < 12, 40, 200).astype(np.uint8)[None, None].repeat(16, 0).repeat(24, 1)
    moving = np.stack([np.roll(frame, time - 8, axis=1) for time, frame in enumerate(still)])
    still_xt, moving_xt = (histograms(video, 1, 1, 4)[0, 0, XT] for video in (still, moving))
    assert np.flatnonzero(still_xt).size < np.flatnonzero(moving_xt).size
    even = histograms(still[:, :, :8], 1, 1, 4)
    assert even[0, 0, XT, UNIFORM[255]] == 1  # away from the edge
    longer = histograms(np.concatenate([still, still]), 1, 1, 4)
    assert histograms(still, 1, 1, 4) == pytest.approx(longer)


def test_movement_along_y_changes_yt_alone() -> None:
    rows = noise(3, 40)[None, :, None].repeat(12, 0).repeat(16, 2)
    moving = np.stack([np.roll(frame, time, axis=0) for time, frame in enumerate(rows)])
    before, after = (histograms(video, 1, 1, 4)[0, 0] for video in (rows, moving))
    assert np.abs(before[YT] - after[YT]).sum() > 0.2
    # every frame has equal columns: in XT, all pixels to both sides are equal to the centre at all times, or none are
    assert before[XT][UNIFORM[255]] == 1


@given(st.integers(0, 2**31), st.integers(1, 3), st.integers(0, 60))
def test_more_contrast_and_more_light_change_nothing(seed: int, factor: int, added: int) -> None:
    video = noise(seed, 9, 10, 10) // 4
    brighter = (video.astype(int) * factor + added).astype(np.uint8)
    assert np.array_equal(histograms(video, 2, 1, 4), histograms(brighter, 2, 1, 4))


def test_any_rise_of_grey_keeps_patterns_of_neighbours_on_pixels() -> None:
    video = noise(4, 9, 10, 10) // 16
    curve = np.sort(np.random.default_rng(5).choice(256, 16, replace=False)).astype(np.uint8)
    on_pixels = [0, 2, 4, 6]
    for ellipse in ellipses(1, 4)[:, on_pixels]:
        plain, curved = (_patterns(v.astype(np.float32), 4, 1, ellipse) for v in (video, curve[video]))
        assert np.array_equal(plain, curved)


def test_a_short_video_repeats_its_ends() -> None:
    video = noise(6, 4, 12, 12)
    longer = np.concatenate([video[:1].repeat(2, 0), video, video[-1:].repeat(3, 0)])
    assert np.array_equal(histograms(video, 2, 1, 4), histograms(longer, 2, 1, 4))
    assert histograms(video[:1], 2, 1, 4).sum(axis=-1) == pytest.approx(np.ones((2, 2, 3)))


def test_small_frames_are_refused() -> None:
    with pytest.raises(ValueError, match="too small for 5x5 blocks"):
        histograms(noise(7, 9, 6, 20), 5, 1, 4)


# ---------------------------------------------------------------- the support vector machines


@pytest.fixture(scope="module")
def recipe() -> Any:
    return papers.parts("see2019").recipe()


def samples(clips: int = 36, shift: float = 2.0) -> Samples:
    truth = np.arange(clips, dtype=np.int64) % 3
    x = np.random.default_rng(0).random((clips, 5, 5, 177)).astype(np.float32)
    x[np.arange(clips), 0, 0, truth] += shift
    names = np.array([f"smic/s{n // 6}/c{n}" for n in range(clips)])
    return Samples(
        {"histograms": x}, truth, np.array([name.rpartition("/")[0] for name in names]), names, np.zeros(clips, int)
    )


def networks(recipe: Any) -> Any:
    return recipe.build_networks(FULL.network, FULL.training, preprocess.shapes(FULL), CLASSES, 0)


def test_a_fold_is_the_same_each_time_and_whatever_ran_before(recipe: Any, tmp_path: Path) -> None:
    all_clips, rows = samples(), np.arange(36)
    folds = [Fold("first", rows[6:], rows[:6]), Fold("other", rows[:30], rows[30:])]
    shared = networks(recipe)
    ran = [run_fold(recipe, shared, EXPERIMENT, FULL, all_clips, fold, tmp_path) for fold in (*folds, folds[0])]
    assert np.array_equal(ran[0].probabilities, ran[2].probabilities)
    fresh = run_fold(recipe, networks(recipe), EXPERIMENT, FULL, all_clips, folds[0], tmp_path)
    assert np.array_equal(ran[0].probabilities, fresh.probabilities)
    assert ran[0].probabilities.sum(axis=1) == pytest.approx(np.ones(6))
    assert (ran[0].probabilities.argmax(axis=1) == all_clips.y[:6]).all()
    assert ran[0].history == {}


def test_the_decision_values_are_those_of_scikit_learn() -> None:
    all_clips = samples(shift=0.5)
    rows = all_clips.x["histograms"][:].reshape(36, -1).astype(float)
    found = model.machines(FULL.having({"penalty": 0.1}).training).fit(rows, all_clips.y)
    for label in range(3):
        machine = SVC(kernel="linear", C=0.1).fit(rows, all_clips.y == label)
        assert rows @ found.coef_[label] + found.intercept_[label] == pytest.approx(machine.decision_function(rows))


def test_the_histograms_are_read_as_they_are(recipe: Any, tmp_path: Path) -> None:
    all_clips, rows = samples(shift=0.5), np.arange(36)
    ran = run_fold(recipe, networks(recipe), EXPERIMENT, FULL, all_clips, Fold("f", rows[6:], rows[:6]), tmp_path)
    flat = all_clips.x["histograms"][:].reshape(36, -1).astype(float)
    found = model.machines(FULL.training).fit(flat[6:], all_clips.y[6:])
    values = np.exp(flat[:6] @ found.coef_.T + found.intercept_)
    assert ran.probabilities == pytest.approx(values / values.sum(axis=1, keepdims=True), abs=1e-4)


def test_a_class_without_training_clips_is_not_predicted(recipe: Any, tmp_path: Path) -> None:
    all_clips = samples()
    two = np.flatnonzero(all_clips.y != 1)
    fold = Fold("without positive", two[4:], two[:4])
    ran = run_fold(recipe, networks(recipe), EXPERIMENT, FULL, all_clips, fold, tmp_path)
    assert (ran.probabilities.argmax(axis=1) == all_clips.y[two[:4]]).all()
    one = Fold("only negative", np.flatnonzero(all_clips.y == 0), two[:4])
    ran = run_fold(recipe, networks(recipe), EXPERIMENT, FULL, all_clips, one, tmp_path)
    assert (ran.probabilities.argmax(axis=1) == 0).all()


def test_the_penalty_is_searched_and_used(recipe: Any, tmp_path: Path) -> None:
    (searched,) = (experiment for experiment in PAPER.experiments if experiment.space)
    assert set(searched.space) == {"penalty"}
    rows, all_clips = np.arange(36), samples(shift=0.5)
    fold = Fold("first", rows[6:], rows[:6])
    ran = [
        run_fold(recipe, networks(recipe), EXPERIMENT, FULL.having({"penalty": c}), all_clips, fold, tmp_path)
        for c in (1e-4, 1.0)
    ]
    assert not np.allclose(ran[0].probabilities, ran[1].probabilities)


# ---------------------------------------------------------------- the folder


def test_the_default_penalty_fits_histograms_that_sum_to_one() -> None:
    """Unequal classes that differ by a tenth in three bins: with C = 1, every clip gets the largest class."""
    rng, truth = np.random.default_rng(0), np.repeat([0, 1, 2], [50, 20, 16])
    counts = rng.dirichlet(np.full(BINS, 100.0), (len(truth), 75))
    counts[np.arange(len(truth))[:, None], :, truth[:, None] + np.array([0, 3, 6])] *= 1.1
    rows = (counts / counts.sum(axis=-1, keepdims=True)).reshape(len(truth), -1)
    right = {}
    for penalty in (1.0, FULL.training.penalty):
        found = model.machines(FULL.having({"penalty": penalty}).training).fit(rows[::2], truth[::2])
        right[penalty] = ((rows @ found.coef_.T + found.intercept_).argmax(axis=1) == truth).mean()
    assert right == {1.0: (truth == 0).mean(), FULL.training.penalty: 1.0}


def test_only_this_paper_is_known_from_others_that_quote_it() -> None:
    quoted = {key: papers.load(key).facts.get("quoted_by", []) for key in papers.available()}
    assert {key for key, quoting in quoted.items() if quoting} == {PAPER.key}
    assert all(papers.load(key).cited for key in quoted[PAPER.key])


def test_settings_are_the_same_in_all_profiles() -> None:
    assert {profile.settings for profile in PAPER.profiles.values()} == {FULL}
    assert EXPERIMENT.common_ground


def test_short_clips_are_counted() -> None:
    frames = (Path("a"),) * 12
    clips = [Clip("smic", "s1", f"c{n}", frames[:n], tuple(range(n)), 0, None, n - 1, 100.0, "") for n in (8, 9, 12)]
    arrays = [{"histograms": np.zeros((5, 5, 177), np.float32), "frames": np.array([len(c.frames)])} for c in clips]
    made = preprocess.assemble([(clip, 0) for clip in clips], arrays, FULL)
    (note,) = made.notes
    assert "1 of 3 clips" in note
    assert made.x["histograms"].shape[1:] == preprocess.shapes(FULL)["histograms"]


def test_input_views_are_the_bins_of_other_patterns() -> None:
    x = samples(1).x["histograms"][:]
    x[0, 2, 3, 58 + 59] = 9.0
    view = figures.input_views(replace(samples(1), x={"histograms": x}), FULL)["histograms"]
    assert view.captions == ("XY", "XT", "YT")
    white = np.argwhere(view.pictures[..., 0] == 255)
    side = view.pictures.shape[1] // 5
    assert set(white[:, 0]) == {XT}
    assert (white[:, 1:] // side == (2, 3)).all()
    assert len(white) == side**2


def test_no_confusion_matrix_has_both_figures_of_smic() -> None:
    findings = [f for f in recalls(PAPER.facts, PAPER.claims) if f.topic == "UAR and UF1 as whole clips"]
    contradicted = [finding for finding in findings if not finding.holds]
    assert len(contradicted) == 1
    assert "smic" in contradicted[0].statement


def test_the_figures_are_those_that_two_papers_cite() -> None:
    own = {(claim.corpus, claim.metric): claim.value for claim in PAPER.claims}
    for key in ("aouayeb2019", "kumar2019"):
        (row,) = (row for row in papers.load(key).cited if row.method.startswith("LBP-TOP"))
        assert {(corpus, metric): v for corpus, values in row.values.items() for metric, v in values.items()} == own
