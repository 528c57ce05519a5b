"""Rank pooling against its formulas, against scikit-learn on all pixels, and on patterns that move."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as some
from numpy.typing import NDArray
from sklearn.svm import LinearSVR

from common.vision import rank_pooling

counts = st.integers(2, 200)


def moving(count: int, size: int = 32, channels: int | None = 3, noise: float = 0) -> NDArray[np.uint8]:
    """A bright spot that moves to the right over a textured ground that stays."""
    rng = np.random.default_rng(count)
    ground = rng.uniform(40, 120, (size, size))
    rows, columns = np.mgrid[:size, :size]
    frames = []
    for index in range(count):
        place = size * (0.2 + 0.6 * index / max(count - 1, 1))
        spot = 100 * np.exp(-((columns - place) ** 2 + (rows - size / 2) ** 2) / (size / 6) ** 2)
        frames.append(np.clip(ground + spot + rng.normal(0, noise, ground.shape), 0, 255).astype(np.uint8))
    grey = np.stack(frames)
    return grey if channels is None else np.stack([grey // (channel + 1) for channel in range(channels)], axis=-1)


def correlation(first: NDArray[np.floating], second: NDArray[np.floating]) -> float:
    return float(np.corrcoef(first.ravel(), second.ravel())[0, 1])


# ---------------------------------------------------------------- the weights


@given(counts)
def test_weights_agree_with_the_harmonic_numbers(count: int) -> None:
    harmonic = np.concatenate([[0], np.cumsum(1 / np.arange(1, count + 1))])
    expected = [2 * (count - t + 1) - (count + 1) * (harmonic[count] - harmonic[t - 1]) for t in range(1, count + 1)]
    weights = rank_pooling.coefficients(count)
    assert weights.dtype == np.float64
    np.testing.assert_allclose(weights, expected, atol=1e-9)


@given(counts)
def test_weights_add_up_to_zero_and_rank_late_above_early(count: int) -> None:
    weights = rank_pooling.coefficients(count)
    assert abs(weights.sum()) < 1e-9 * count
    assert weights[0] < 0 < weights[-1]
    assert weights[-1] == pytest.approx((count - 1) / count)


def test_weights_by_hand() -> None:
    np.testing.assert_allclose(rank_pooling.coefficients(2), [-1 / 2, 1 / 2])
    np.testing.assert_allclose(rank_pooling.coefficients(3), [-4 / 3, 2 / 3, 2 / 3])
    with pytest.raises(ValueError, match="no frames"):
        rank_pooling.coefficients(0)


@given(st.integers(3, 200))
def test_the_weights_of_a_clip_backwards_are_not_their_negatives(count: int) -> None:
    """Only those of the simpler form 2 t - T - 1 are."""
    weights = rank_pooling.coefficients(count)
    assert np.abs(weights + weights[::-1]).max() > 0.6


# ---------------------------------------------------------------- approximate


@pytest.mark.parametrize("channels", [None, 3])
@pytest.mark.parametrize("kind", [np.uint8, np.float32, np.float64])
def test_the_approximation_is_the_weighted_sum(channels: int | None, kind: type) -> None:
    frames: NDArray[Any] = moving(41, channels=channels, noise=3).astype(kind)
    image = rank_pooling.approximate(frames)
    assert image.dtype == np.float32
    assert image.shape == frames.shape[1:]
    np.testing.assert_allclose(image, np.tensordot(rank_pooling.coefficients(41), frames.astype(float), 1), atol=1e-2)


@given(some.arrays(np.uint8, (4, 5, 3)), st.integers(2, 90))
def test_a_still_clip_leaves_nothing_at_all(frame: NDArray[np.uint8], count: int) -> None:
    image = rank_pooling.approximate(np.stack([frame] * count))
    assert not image.any()
    assert not rank_pooling.as_image(image).any()


def test_what_stays_leaves_no_trace() -> None:
    frames = moving(20, channels=None).astype(np.int16)
    ground = np.random.default_rng(0).integers(0, 500, frames.shape[1:])
    np.testing.assert_allclose(
        rank_pooling.approximate(frames + ground), rank_pooling.approximate(frames), atol=1e-3, rtol=1e-5
    )


def test_the_spot_is_bright_where_it_went_and_dark_where_it_was() -> None:
    image = rank_pooling.approximate(moving(30, channels=None))
    largest = np.abs(image).max()
    assert image[16, :12].max() < 0 < image[16, 13:].min()
    assert image[16, 7] < -0.9 * largest
    assert image[16, 20] > 0.5 * largest
    assert np.abs(image[:4]).max() < 0.02 * largest


# ---------------------------------------------------------------- exact


@pytest.mark.parametrize(("count", "channels"), [(2, None), (25, 3), (60, None)])
def test_exact_pooling_is_the_regression_on_all_pixels(count: int, channels: int | None) -> None:
    """The features and the regression again, in double precision and without the change of coordinates."""
    frames = moving(count, 16, channels, noise=4)
    means: NDArray[np.float64] = np.stack([frames[: index + 1].mean(axis=0).ravel() for index in range(count)])
    rooted = np.sign(means) * np.sqrt(np.abs(means))
    vectors = rooted / np.linalg.norm(rooted, axis=1, keepdims=True)
    np.testing.assert_allclose(rank_pooling.features(frames), vectors, atol=1e-6)
    regression = LinearSVR(C=1, epsilon=0.1, loss="squared_epsilon_insensitive", fit_intercept=False, tol=1e-6)
    expected = regression.set_params(dual=False).fit(vectors, np.arange(1, count + 1)).coef_
    image = rank_pooling.exact(frames)
    assert image.dtype == np.float32
    assert image.shape == frames.shape[1:]
    np.testing.assert_allclose(image.ravel(), expected, atol=1e-3 * np.abs(expected).max())


def test_exact_pooling_hardly_depends_on_the_tolerated_error() -> None:
    """Without it the regression is ridge regression, which has a closed form."""
    frames = moving(40, 24, noise=2)
    vectors = rank_pooling.features(frames).astype(np.float64)
    ridge = vectors.T @ np.linalg.solve(vectors @ vectors.T + np.eye(40) / 2, np.arange(1, 41))
    assert correlation(ridge, rank_pooling.exact(frames)) > 0.9999


@pytest.mark.parametrize("count", [2, 10, 34, 96])
def test_exact_pooling_orders_the_frames(count: int) -> None:
    frames = moving(count, channels=None)
    for clip in (frames, frames[::-1]):
        scores = rank_pooling.features(clip) @ rank_pooling.exact(clip).ravel()
        assert (np.diff(scores) > 0).all()


def test_exact_pooling_repeats_itself() -> None:
    frames = moving(20, noise=5)
    np.testing.assert_array_equal(rank_pooling.exact(frames), rank_pooling.exact(frames.copy()))


@pytest.mark.parametrize("noise", [0, 3])
def test_both_poolings_see_the_same_direction(noise: float) -> None:
    frames = moving(34, noise=noise)
    for clip in (frames, frames[::-1]):
        assert correlation(rank_pooling.approximate(clip), rank_pooling.exact(clip)) > 0.5
    assert correlation(rank_pooling.approximate(frames), rank_pooling.exact(frames[::-1])) < 0


def test_exact_pooling_takes_negative_numbers_and_black_beginnings() -> None:
    frames = moving(12, channels=None).astype(np.float32)
    np.testing.assert_allclose(rank_pooling.exact(-frames), -rank_pooling.exact(frames), rtol=1e-4, atol=1e-5)
    frames[:3] = 0
    assert np.isfinite(rank_pooling.exact(frames)).all()
    assert not rank_pooling.exact(np.zeros((5, 4, 4), np.uint8)).any()


# ---------------------------------------------------------------- one frame, and pictures


def test_one_frame_is_its_own_image() -> None:
    frame = moving(1)
    np.testing.assert_array_equal(rank_pooling.coefficients(1), [1.0])
    np.testing.assert_array_equal(rank_pooling.approximate(frame), frame[0].astype(np.float32))
    rooted = np.sqrt(frame[0].astype(float))
    image = rank_pooling.exact(frame)
    assert correlation(image, rooted) > 0.999999
    for pool in (rank_pooling.approximate, rank_pooling.exact):
        with pytest.raises(ValueError, match="no frames"):
            pool(frame[:0])


def test_pictures_use_all_of_0_to_255_over_all_channels_together() -> None:
    dynamic = np.array([[[-10, 0, 10]], [[0, 5, 40]]], np.float32)
    picture = rank_pooling.as_image(dynamic)
    assert picture.dtype == np.uint8
    np.testing.assert_array_equal(picture, [[[0, 51, 102]], [[51, 76, 255]]])  # 5.1 a unit; 76.5 rounds to even


@given(some.arrays(np.float32, (6, 5), elements=st.floats(-1e6, 1e6, width=32)))
def test_pictures_keep_the_order_of_pixels(dynamic: NDArray[np.float32]) -> None:
    picture = rank_pooling.as_image(dynamic).ravel()[np.argsort(dynamic, axis=None)].astype(int)
    assert (np.diff(picture) >= 0).all()
    assert (picture[0], picture[-1]) == ((0, 255) if np.ptp(dynamic) else (0, 0))
