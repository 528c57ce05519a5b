"""Estimates of the apex against hand-made curves, moving patches and the stand-ins' own apexes."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as some
from numpy.typing import NDArray
from skimage.feature import local_binary_pattern

from common import corpora
from common.errors import ClipError, UserError
from common.standin import casting
from common.types import Clip
from common.vision import apex, images
from common.vision.faces import Face, FaceFinder
from common.vision.patterns import BINS, UNIFORM

Array = NDArray[np.float64]
LBP = "lbp-divide-and-conquer"
whole_numbers = some.arrays(np.float64, st.integers(1, 40), elements=st.integers(0, 1000).map(float))


def clip_of(frames: int, **known: int | str | None) -> Clip:
    files = tuple(Path(f"img{number}.jpg") for number in range(46, 46 + frames))
    clip = Clip("casme2", "01", "EP02_01f", files, tuple(range(46, 46 + frames)), 46, None, 45 + frames, 200.0, "x")
    return replace(clip, **known)  # type: ignore[arg-type]


def halved(values: list[float], names: list[int]) -> int:
    """The search again, on lists: written from the description, one recursion per half."""
    if len(names) == 1:
        return names[0]
    size = (len(values) + 1) // 2
    left, right = values[:size], values[-size:]
    return halved(left, names[:size]) if sum(left) >= sum(right) else halved(right, names[-size:])


# ---------------------------------------------------------------- the search


@pytest.mark.parametrize(
    ("values", "index"),
    [
        ([7], 0),
        ([1, 2], 1),
        ([2, 1], 0),
        ([1, 5, 2], 1),  # 1+5 < 5+2, then 5 > 2
        ([4, 0, 3], 0),  # 4 > 3 beside a middle that counts twice
        ([1, 2, 6, 2], 2),  # 3 < 8
        ([9, 0, 5, 5], 2),  # 9 < 10: the sum decides, not the largest value
        ([0, 1, 5, 1, 0], 2),
        ([1, 2, 3, 4, 5, 6], 5),
        ([6, 5, 4, 3, 2, 1, 0], 0),
        ([0, 0, 0, 8, 0, 0, 0, 0], 3),
        ([0, 0, 0, 0, 8, 0, 0, 0, 0], 4),
    ],
)
def test_halves_by_their_sums(values: list[float], index: int) -> None:
    assert apex.divide_and_conquer(np.array(values, float)) == index


@given(whole_numbers)
def test_the_search_agrees_with_another_writing_of_it(values: Array) -> None:
    index = apex.divide_and_conquer(values)
    assert 0 <= index < len(values)
    assert index == halved(list(values), list(range(len(values))))


@given(whole_numbers, st.sampled_from([0.25, 3.0, 1024.0]), st.integers(0, 500))
def test_neither_scale_nor_a_constant_matters(values: Array, factor: float, constant: int) -> None:
    """Not the constant because both halves are always equally long: evenly spread noise moves nothing."""
    assert apex.divide_and_conquer(values * factor + constant) == apex.divide_and_conquer(values)


@given(some.arrays(np.float64, st.integers(1, 9), elements=st.integers(0, 50).map(float)))
def test_backwards_it_finds_the_mirror_image(values: Array) -> None:
    jagged = values + 0.9 ** np.arange(1, len(values) + 1) * 0.01  # no two sums are equal
    assert apex.divide_and_conquer(jagged[::-1].copy()) == len(values) - 1 - apex.divide_and_conquer(jagged)


@pytest.mark.parametrize("length", range(1, 10))
def test_a_lone_peak_is_found_and_of_equals_the_first(length: int) -> None:
    for peak in range(length):
        values = np.zeros(length)
        values[peak] = 1
        assert apex.divide_and_conquer(values) == peak
    assert apex.divide_and_conquer(np.ones(length)) == 0


@given(st.integers(2, 90), st.data())
def test_a_sharp_peak_is_found(length: int, data: st.DataObject) -> None:
    """Where each step away from the peak halves the value, no sum of the others reaches it."""
    peak = data.draw(st.integers(0, length - 1))
    assert apex.divide_and_conquer(0.4 ** np.abs(np.arange(length) - peak)) == peak


def test_a_broad_curve_pulls_the_search_to_its_heavier_side() -> None:
    """A limit of the method: sums see where a curve is broad, not where it is highest."""
    rise, fall = np.linspace(0, 1, 11), np.linspace(1, 0.6, 30)[1:]  # the expression hardly fades: peak at 10
    values = np.concatenate([rise, fall])
    assert values.argmax() == 10
    assert apex.divide_and_conquer(values) == 20
    drift = 0.6 ** np.abs(np.arange(64) - 24) + np.linspace(0, 0.5, 64)  # the head moves on: peak at 24
    assert drift.argmax() == 24
    assert apex.divide_and_conquer(drift) == 63


@pytest.mark.parametrize(("frames", "index"), [(1, 0), (2, 0), (3, 1), (4, 1), (5, 2), (96, 47), (97, 48)])
def test_the_midpoint(frames: int, index: int) -> None:
    assert apex.midpoint(frames) == index


# ---------------------------------------------------------------- the features


def textured(rng: np.random.Generator, height: int, width: int) -> NDArray[np.uint8]:
    coarse = rng.uniform(40, 215, (height // 4 + 1, width // 4 + 1))
    return np.kron(coarse, np.ones((4, 4)))[:height, :width].astype(np.uint8)


@pytest.mark.parametrize("shape", [(30, 41), (16, 16)])
def test_histograms_count_the_patterns_of_each_block(shape: tuple[int, int]) -> None:
    frames = np.random.default_rng(0).integers(0, 256, (3, *shape), np.uint8)
    histograms = apex.lbp_histograms(frames)
    radius, blocks = 3, 8
    assert histograms.shape == (3, blocks * blocks * BINS)
    codes = local_binary_pattern(frames[2], 8, radius, method="default")
    codes = UNIFORM[codes[radius:-radius, radius:-radius].astype(int)]
    for row in range(blocks):
        for column in range(blocks):
            place = [
                slice(-(-index * side // blocks), -(-(index + 1) * side // blocks))
                for index, side in ((row, codes.shape[0]), (column, codes.shape[1]))
            ]
            block = codes[place[0], place[1]]
            expected = [np.mean(block == pattern) for pattern in range(BINS)]
            start = (row * blocks + column) * BINS
            np.testing.assert_allclose(histograms[2, start : start + BINS], expected)


def test_brightness_leaves_the_features_alone() -> None:
    frame = np.random.default_rng(1).integers(0, 128, (64, 64), np.uint8)
    histograms = apex.lbp_histograms(np.stack([frame, frame + 60, frame * 2]))
    np.testing.assert_array_equal(histograms[1], histograms[0])
    np.testing.assert_array_equal(histograms[2], histograms[0])


def test_differences_are_lengths_over_all_bins() -> None:
    histograms = np.array([[0.5, 0.25, 0.25], [0.25, 0.5, 0.25], [0.5, 0.25, 0.25], [0.2, 0.25, 0.65]])
    np.testing.assert_allclose(apex.differences(histograms), [0, 0.125**0.5, 0, 0.5])


@pytest.mark.parametrize("peak", [3, 11, 17, 28])
def test_a_moving_patch_is_spotted_where_it_is_furthest(peak: int) -> None:
    """A brow that rises by up to 6 pixels over textured skin, with noise in every frame, and is soon back."""
    rng = np.random.default_rng(peak)
    skin, brow = textured(rng, 96, 96), textured(rng, 16, 40)
    frames = []
    for index in range(32):
        frame = skin.copy()
        top = 40 - round(6 * max(1 - abs(index - peak) / 2.5, 0))
        frame[top : top + 16, 20:60] = brow
        frames.append(np.clip(frame + rng.normal(0, 1.0, frame.shape), 0, 255).astype(np.uint8))
    assert abs(apex.spot(np.stack(frames)) - peak) <= 1


def test_the_onset_is_no_candidate() -> None:
    still = np.stack([textured(np.random.default_rng(2), 64, 64)] * 5)
    assert apex.spot(still) == 1
    assert apex.spot(still[:2]) == 1
    assert apex.spot(still[:1]) == 0


# ---------------------------------------------------------------- clips


@pytest.mark.parametrize("method", apex.METHODS)
def test_a_known_apex_is_never_overwritten(method: str) -> None:
    for clip in (clip_of(9, apex=47), clip_of(9, apex=50, apex_source="midpoint")):
        assert apex.estimate(clip, method, FaceFinder()) is clip  # none of its files exists: none is read


def test_an_estimate_is_a_frame_of_the_clip_and_says_its_method() -> None:
    clip = replace(clip_of(6), numbers=(46, 47, 50, 60, 61, 62))
    estimated = apex.estimate(clip, "midpoint", FaceFinder())
    assert (estimated.apex, estimated.apex_source) == (50, "midpoint")
    assert replace(estimated, apex=None, apex_source="annotated") == clip


def test_unknown_methods_and_unreadable_clips_are_told() -> None:
    for clip in (clip_of(5), clip_of(5, apex=48)):
        with pytest.raises(UserError, match=f"'middle' is not a known method .* midpoint, {LBP}"):
            apex.estimate(clip, "middle", FaceFinder())
    with pytest.raises(ClipError, match=r"img46.jpg.*No such file"):
        apex.estimate(clip_of(5), LBP, FaceFinder())
    with pytest.raises(ValueError, match="no annotated apex"):
        apex.error(clip_of(5), "midpoint", FaceFinder())


class Looking(FaceFinder):
    """A finder that sees the same landmarks in every picture, and keeps what it was shown."""

    def __init__(self, points: list[tuple[float, float]]) -> None:
        object.__setattr__(self, "points", np.array(points, np.float32))
        object.__setattr__(self, "shown", [])

    def find(self, image: NDArray[np.uint8], where: str = "image") -> Face:
        self.shown.append(image)  # type: ignore[attr-defined]
        return Face(self.points, "as it is")  # type: ignore[attr-defined]


def test_one_crop_serves_all_frames(monkeypatch: pytest.MonkeyPatch) -> None:
    frames = np.zeros((4, 200, 240, 3), np.uint8)
    frames[:, 60:120, 80:180] = 200  # a face of 100x60, which the crop exceeds by 5% of that on every side
    monkeypatch.setattr(images, "read_frame", lambda clip, index: frames[index])
    monkeypatch.setattr(images, "each_frame", lambda clip, part: (frame[part] for frame in frames))
    faces = Looking([(80, 60), (180, 120)])
    crops = apex.face_crops(clip_of(4), faces)
    assert crops.shape == (4, apex.SIZE, apex.SIZE)
    assert crops.dtype == np.uint8
    assert len(faces.shown) == 1  # type: ignore[attr-defined]
    assert np.ptp(crops, axis=0).max() == 0
    assert [round(float((crops[0, :, 64] > 100).mean()), 2), round(float((crops[0, 64] > 100).mean()), 2)] == [
        0.91,
        0.91,
    ]
    outside = Looking([(300, 60), (380, 120)])
    with pytest.raises(ClipError, match="is outside the image"):
        apex.face_crops(clip_of(4), outside)


@pytest.fixture(scope="module")
def timed(standin_data: Path) -> list[Clip]:
    """A few clips of two stand-ins with an apex, SMIC's as it was played, which its files do not tell."""
    roots = corpora.find(standin_data)
    played = {role.name: role.apex for role in casting.cast("smic", 2, 3, 0)}
    smic = [replace(clip, apex=played[clip.name]) for clip in corpora.load("smic", roots["smic"]).clips]
    casme2 = [clip for clip in corpora.load("casme2", roots["casme2"]).clips if clip.apex not in (None, clip.onset)]
    return [*smic, *casme2[:4]]


def test_on_the_stand_ins_the_search_is_better_than_chance(timed: list[Clip]) -> None:
    """No more: the midpoint is as good there, because the stand-ins' apex is drawn around the middle."""
    faces = FaceFinder()
    share = {
        method: np.mean([abs(apex.error(clip, method, faces)) / len(clip.numbers) for clip in timed])
        for method in apex.METHODS
    }
    chance = np.mean([np.abs(np.array(clip.numbers) - clip.apex).mean() / len(clip.numbers) for clip in timed])
    assert len(timed) == 10
    assert share["midpoint"] <= 0.2  # from 30% to 70% of the clip
    assert share[LBP] < 0.7 * chance
