"""Frames of low texture and avatars of Kumar et al. (2019), against direct transforms and pictures moved on purpose."""

from __future__ import annotations

from statistics import NormalDist

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as some
from numpy.typing import NDArray

from papers.kumar2019 import avatar, texture
from papers.kumar2019.experiments import Inputs

Array = NDArray[np.float64]
PRINTED = Inputs().window, Inputs().cutoff


def noise(count: int, height: int, width: int, seed: int = 0) -> NDArray[np.uint8]:
    return np.random.default_rng(seed).integers(0, 256, (count, height, width), np.uint8)


def select(frames: NDArray[np.uint8], ends: str = "cut", mean: bool = True) -> texture.Texture:
    return texture.select(frames, *PRINTED, ends, mean=mean)


def direct(maps: NDArray[np.uint8], places: list[tuple[int, int]], cutoff: float) -> Array:
    """A_i of texture maps (n, height, width) by one 3D transform of all blocks for each of `places`, as written."""
    blocks = np.stack([texture.blocks(picture) for picture in maps], axis=1)
    values = []
    for start, stop in places:
        part = blocks[:, start:stop]
        bins = np.meshgrid(*(np.fft.fftfreq(side, 1 / side) for side in part.shape[1:]), indexing="ij")
        passed = np.sqrt(sum(axis**2 for axis in bins)) >= cutoff
        values.append(np.abs(np.fft.fftn(part, axes=(1, 2, 3)) * passed).sum())
    return np.array(values)


# ---------------------------------------------------------------- windows and blocks


@given(st.integers(1, 150), st.integers(1, 80))
def test_windows_lie_in_the_clip_around_their_frame(count: int, size: int) -> None:
    moved, cut = (texture.windows(count, size, ends) for ends in texture.ENDS)
    assert len(moved) == len(cut) == count
    for index in range(count):
        centred = index - size // 2, index - size // 2 + size
        assert cut[index] == (max(centred[0], 0), min(centred[1], count))
        start, stop = moved[index]
        assert 0 <= start <= index < stop <= count
        assert stop - start == min(size, count)
        if cut[index] == centred:
            assert moved[index] == centred
    assert moved == sorted(moved)


def test_windows_by_hand() -> None:
    assert texture.windows(5, 3, "moved") == [(0, 3), (0, 3), (1, 4), (2, 5), (2, 5)]
    assert texture.windows(5, 3, "cut") == [(0, 2), (0, 3), (1, 4), (2, 5), (3, 5)]
    for ends in texture.ENDS:
        assert texture.windows(3, 61, ends) == [(0, 3)] * 3
        assert texture.windows(70, 61, ends)[30:33] == [(0, 61), (1, 62), (2, 63)]
    with pytest.raises(ValueError, match="moved or cut, not 'mirrored'"):
        texture.windows(5, 3, "mirrored")


@given(st.integers(6, 40), st.integers(6, 40))
def test_blocks_tile_the_map(height: int, width: int) -> None:
    picture = noise(1, height, width)[0]
    tiles = texture.blocks(picture)
    rows, columns = height // 6, width // 6
    assert tiles.shape == (36, rows, columns)
    for index, block in enumerate(tiles):
        top, left = index // 6 * rows, index % 6 * columns
        np.testing.assert_array_equal(block, picture[top : top + rows, left : left + columns])


def test_maps_are_patterns_of_the_nearest_pixels() -> None:
    frames = noise(2, 20, 30) // 2
    maps = texture.texture_maps(frames)
    assert (maps.shape, maps.dtype) == ((2, 18, 28), np.uint8)
    np.testing.assert_array_equal(texture.texture_maps(frames + 100), maps)  # brightness is no texture
    np.testing.assert_array_equal(texture.texture_maps(frames * 2), maps)
    right = frames[:, 1:-1, 2:] >= frames[:, 1:-1, 1:-1]  # the first of eight neighbours, counted from the right
    np.testing.assert_array_equal(maps % 2, right)
    changed = frames.copy()
    changed[0, 10, 10] ^= 255
    assert set(
        zip(*(axis.tolist() for axis in np.nonzero(texture.texture_maps(changed)[0] != maps[0])), strict=True)
    ) <= {(row, column) for row in (8, 9, 10) for column in (8, 9, 10)}


# ---------------------------------------------------------------- equations 6 to 9


@pytest.mark.parametrize("ends", texture.ENDS)
@pytest.mark.parametrize(
    ("count", "height", "width", "window", "cutoff"),
    [
        (20, 30, 36, 9, 4),
        (20, 37, 31, 8, 4.5),  # windows of even length, blocks of unequal sides, rows and columns left over
        (25, 62, 40, 5, 5),  # large blocks: what stays passes too
        (12, 30, 30, 61, 6),  # shorter than a window
        (70, 20, 20, 61, 30),
        (3, 30, 30, 1, 2),
        (9, 24, 24, 4, 0),  # all passes
    ],
)
def test_sliding_equals_a_transform_of_every_window(
    ends: str, count: int, height: int, width: int, window: int, cutoff: float
) -> None:
    maps = noise(count, height, width)
    activity, bins = texture.activity(maps, window, cutoff, ends)
    places = texture.windows(count, window, ends)
    expected = direct(maps, places, cutoff)
    assert expected.any()
    np.testing.assert_allclose(activity, expected, rtol=1e-10)
    sides = [np.fft.fftfreq(side // 6, 1 / (side // 6)) for side in maps.shape[1:]]
    for (start, stop), passed in zip(places, bins, strict=True):
        radius = np.sqrt(sum(axis**2 for axis in np.meshgrid(np.fft.fftfreq(stop - start) * (stop - start), *sides)))
        assert passed == (radius >= cutoff - 1e-9).sum()


def test_nothing_drifts_in_a_long_clip() -> None:
    maps = noise(600, 12, 12)
    activity, _ = texture.activity(maps, 21, 8, "moved")
    places = texture.windows(600, 21, "moved")
    np.testing.assert_allclose(activity[-50:], direct(maps, places, 8)[-50:], rtol=1e-12)


@pytest.mark.parametrize("ends", texture.ENDS)
def test_backwards_a_clip_is_as_active(ends: str) -> None:
    maps = noise(30, 24, 30)
    forth, back = (texture.activity(played, 11, 4, ends)[0] for played in (maps, maps[::-1]))
    np.testing.assert_allclose(back[::-1], forth, rtol=1e-10)


def test_a_still_clip_has_no_activity() -> None:
    frames = np.repeat(noise(1, 50, 50), 70, axis=0)
    for ends in texture.ENDS:
        selection = select(frames, ends)
        assert texture.activity(texture.texture_maps(frames), *PRINTED, ends)[1].any()
        assert not selection.activity.any()
        np.testing.assert_array_equal(selection.kept, np.arange(70))


@pytest.mark.parametrize(
    ("count", "side", "reached"),
    [
        (61, 20, True),  # 61 frames reach bin 30 by themselves
        (60, 20, True),
        (59, 20, False),  # bin 29, and blocks of 3 x 3 pixels add bin 1: 29.03
        (59, 70, False),  # blocks of 11 x 11 add bin 5 twice: 29.85
        (59, 80, True),  # blocks of 13 x 13 add bin 6 twice: 30.22
        (10, 100, False),
        (32, 224, True),  # blocks of 37 x 37: 18 twice and 16, 30.07
        (31, 224, False),
        (1, 224, False),
    ],
)
def test_which_clips_reach_the_cut_off(count: int, side: int, reached: bool) -> None:
    frames = noise(count, side, side)
    selection = select(frames, "moved")
    block = (side - 2) // 6
    furthest = ((count // 2) ** 2 + 2 * (block // 2) ** 2) ** 0.5
    assert (furthest >= 30) == reached
    assert bool(selection.activity.any()) == reached
    np.testing.assert_array_equal(selection.kept, np.arange(count))  # no longer than one window: all frames are equal
    np.testing.assert_array_equal(texture.probability(selection.activity), 0.5)
    cut = select(frames, "cut")
    assert bool(cut.activity.any()) == reached  # the longest window is the same
    assert (len(cut.kept) == count) == (not reached)


def test_frames_that_cannot_be_cut_into_blocks_are_told() -> None:
    with pytest.raises(ValueError, match="texture map of 40x5 pixels has no 6x6 blocks"):
        select(noise(3, 7, 42))
    with pytest.raises(ValueError, match="no frames"):
        select(noise(0, 30, 30))


# ---------------------------------------------------------------- which frames stay


@given(some.arrays(np.float64, st.integers(2, 40), elements=st.integers(0, 1000).map(float)))
def test_probabilities_are_the_normal_distribution_of_the_clip(values: Array) -> None:
    probabilities = texture.probability(values)
    if np.ptp(values) == 0:
        np.testing.assert_array_equal(probabilities, 0.5)
    else:
        normal = NormalDist(float(values.mean()), float(values.std()))
        np.testing.assert_allclose(probabilities, [normal.cdf(value) for value in values], atol=1e-12)


def test_differences_by_rounding_are_none() -> None:
    values = np.full(9, 0.1 + 0.2) * 1e9
    values[4:] += 1e-7
    assert np.ptp(values) > 0
    np.testing.assert_array_equal(texture.probability(values), 0.5)


def test_a_frame_at_the_mean_goes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(texture, "activity", lambda *given: (np.array([1.0, 4.0, 6.0, 4.0]), np.array([1, 2, 2, 2])))
    for mean, activity in ((True, [1, 2, 3, 2]), (False, [1, 4, 6, 4])):
        selection = select(noise(4, 30, 30), mean=mean)
        np.testing.assert_array_equal(selection.activity, activity)
        np.testing.assert_array_equal(selection.kept, [2] if mean else [1, 2, 3])
    np.testing.assert_array_equal(texture.probability(select(noise(4, 30, 30)).activity)[[1, 3]], 0.5)


def test_a_frame_whose_window_lets_nothing_pass_goes() -> None:
    """Windows of 31 frames at 60 pixels reach no radius of 30, nor do longer ones up to 59 frames."""
    selection = select(noise(64, 60, 60))
    reaching = [index for index, (start, stop) in enumerate(texture.windows(64, 61, "cut")) if stop - start >= 60]
    np.testing.assert_array_equal(np.flatnonzero(selection.activity), reaching)
    assert {*selection.kept.tolist()} <= {*reaching}


def flickering(count: int, first: int, last: int) -> NDArray[np.uint8]:
    """A textured clip that stands still but for frames first to last, each of which is another texture."""
    frames = np.repeat(noise(1, 40, 40), count, axis=0)
    frames[first : last + 1] = noise(last + 1 - first, 40, 40, seed=1)
    return frames


@pytest.mark.parametrize(("first", "last"), [(0, 9), (100, 119)])
def test_frames_near_the_movement_stay(first: int, last: int) -> None:
    selection = select(flickering(120, first, last), "moved")
    np.testing.assert_array_equal(selection.kept, np.flatnonzero(selection.activity > selection.activity.mean()))
    np.testing.assert_array_equal(selection.kept, np.flatnonzero(texture.probability(selection.activity) > 0.5))
    assert selection.kept.dtype == np.int64
    assert {*range(first, last + 1)} <= {*selection.kept.tolist()}
    places = texture.windows(120, 61, "moved")
    away = [index for index, (start, stop) in enumerate(places) if start > last or stop <= first]
    assert away
    assert not {*away} & {*selection.kept.tolist()}


def test_cut_windows_measure_themselves() -> None:
    """Their weakness: equally active frames rise to the middle, and a movement at the start goes."""
    maps = noise(70, 60, 60)
    moved, cut = (texture.activity(maps, *PRINTED, ends)[0] for ends in texture.ENDS)
    assert np.ptp(moved) < 0.02 * moved.max()
    assert cut[0] == cut[-1] == 0
    lengths = np.array([stop - start for start, stop in texture.windows(70, 61, "cut")])
    order = np.argsort(lengths, kind="stable")
    assert (np.diff(cut[order])[np.diff(lengths[order]) > 0] >= 0).all()
    early = flickering(70, 0, 5)
    for mean in (True, False):
        assert not {*range(6)} & {*select(early, mean=mean).kept.tolist()}
    assert {*range(6)} <= {*select(early, "moved").kept.tolist()}


# ---------------------------------------------------------------- avatars


def picture(height: int = 96, width: int = 110, transform: Array | None = None) -> NDArray[np.uint8]:
    """Smooth waves in colour; with a transform (2, 3), its point p shows what `transform` of p shows without."""
    rows, columns = np.mgrid[:height, :width].astype(float)
    x, y = (
        (columns, rows)
        if transform is None
        else np.einsum("ij,jhw->ihw", transform, [columns, rows, np.ones_like(rows)])
    )
    waves = [np.sin(x / 7 + y / 11), np.cos(x / 9 - y / 8), np.sin((x + y) / 10)]
    return np.rint(127 + 100 * np.stack(waves, axis=-1)).astype(np.uint8)


def face() -> NDArray[np.float32]:
    return np.random.default_rng(5).uniform((25, 20), (85, 75), (68, 2)).astype(np.float32)


def applied(transform: Array, points: NDArray[np.floating]) -> Array:
    return points.astype(np.float64) @ transform[:, :2].T + transform[:, 2]


small_moves = st.builds(
    lambda linear, shift: np.column_stack([np.eye(2) + linear, shift]),
    some.arrays(np.float64, (2, 2), elements=st.floats(-0.2, 0.2)),
    some.arrays(np.float64, 2, elements=st.floats(-20, 20)),
)


@given(small_moves)
def test_an_affine_move_is_found(transform: Array) -> None:
    points = face().astype(np.float64)
    np.testing.assert_allclose(avatar.affine(points, applied(transform, points)), transform, atol=1e-9)


@given(st.integers(0, 2**32 - 1))
def test_no_other_transform_comes_closer(seed: int) -> None:
    rng = np.random.default_rng(seed)
    points = face()
    reference = points + rng.normal(0, 2, points.shape)
    transform = avatar.affine(points, reference)
    left = applied(transform, points) - reference
    np.testing.assert_allclose(left.sum(axis=0), 0, atol=1e-6)  # what is left lies across all that it could change
    np.testing.assert_allclose(left.T @ points, 0, atol=1e-4)
    order = rng.permutation(68)
    np.testing.assert_allclose(avatar.affine(points[order], reference[order]), transform, atol=1e-9)


@settings(max_examples=25)
@given(small_moves.filter(lambda transform: np.abs(transform[:, 2]).max() < 6))
def test_moved_pictures_are_registered(transform: Array) -> None:
    reference = face()
    moved = picture(transform=transform)
    points = applied(np.linalg.inv(np.vstack([transform, [0, 0, 1]]))[:2], reference)
    registered = avatar.register(moved, points, reference)
    inside = np.zeros(registered.shape[:2], bool)
    corners = applied(np.linalg.inv(np.vstack([transform, [0, 0, 1]]))[:2], np.argwhere(~inside)[:, ::-1].astype(float))
    inside[...] = ((corners >= 0) & (corners <= (109, 95))).all(axis=1).reshape(inside.shape)
    assert inside.mean() > 0.4
    away = np.abs(registered.astype(float) - picture())[inside]
    assert away.mean() < 1.0
    assert away.max() < 8


def test_whole_pixels_are_moved_exactly_and_edges_repeated() -> None:
    frame, points = picture(), face()
    registered = avatar.register(frame, points, points + np.array([3, 2], np.float32))
    np.testing.assert_array_equal(registered[2:, 3:], frame[:-2, :-3])
    np.testing.assert_array_equal(registered[:2, 3:], np.stack([frame[0, :-3]] * 2))
    np.testing.assert_array_equal(registered[2:, :3], np.repeat(frame[:-2, :1], 3, axis=1))
    grey = avatar.register(frame[..., 0], points, points)
    np.testing.assert_array_equal(grey, frame[..., 0])


def test_the_avatar_of_one_frame_again_and_again_is_that_frame() -> None:
    frame, points = picture(), face()
    drawn = avatar.avatar(np.stack([frame] * 7), np.stack([points] * 7), points)
    assert drawn.dtype == np.uint8
    np.testing.assert_array_equal(drawn, frame)


def test_the_avatar_is_the_mean_of_what_was_registered() -> None:
    points = face()
    frames = np.stack([np.full((40, 50, 3), level, np.uint8) for level in (10, 20, 32)])
    shifted = np.stack([points, points + 1, points - 2])
    np.testing.assert_array_equal(avatar.avatar(frames, shifted, points), np.full((40, 50, 3), 21))  # 20.67


def test_the_reference_need_not_be_among_the_frames() -> None:
    """A head that drifts: the avatar is sharp, and lies where the first frame's face lay, which was removed."""
    reference = face()
    moves = [np.array([[1, 0, step], [0, 1, step / 2]]) for step in range(1, 9)]
    frames = np.stack([picture(transform=move) for move in moves])
    landmarks = np.stack([reference - move[:, 2] for move in moves])
    drawn = avatar.avatar(frames, landmarks, reference)
    inner = np.s_[15:-15, 15:-15]
    assert np.abs(drawn.astype(float) - picture())[inner].mean() < 1.0
    assert np.abs(frames.mean(axis=0) - picture())[inner].mean() > 10


def test_what_fixes_no_avatar_is_told() -> None:
    line = np.column_stack([np.arange(68.0), 2 * np.arange(68.0)])
    with pytest.raises(ValueError, match="on one line"):
        avatar.affine(line, face())
    with pytest.raises(ValueError, match="no frames"):
        avatar.avatar(np.empty((0, 9, 9, 3), np.uint8), np.empty((0, 68, 2)), face())
    with pytest.raises(ValueError, match="argument"):
        avatar.avatar(picture()[None], np.empty((0, 68, 2)), face())
