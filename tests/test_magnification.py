"""Motion magnification: how much a known sub-pixel motion grows, found again by estimators of the tests' own."""

from __future__ import annotations

import tracemalloc
from dataclasses import replace
from itertools import pairwise

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.ndimage import correlate1d
from scipy.signal import lfilter
from skimage.metrics import peak_signal_noise_ratio

from common.vision.magnification import (
    FILTERS,
    Magnification,
    amplification,
    band_passed,
    kept_frequencies,
    magnify,
)

SIDE = 128
WAVES = np.array([4, 2])  # periods of the grating across the picture: a wave of 28.6 pixels
NUMBER = np.hypot(*WAVES) * 2 * np.pi / SIDE  # radians per pixel along its motion
STEP = 0.15  # pixels of motion to either side
WIDE = Magnification(alpha=10, wavelength=5, low_hz=1, high_hz=20, filter="ideal")  # leaves no level capped
PAPERS = Magnification(10, 16, 0.5, 10)  # kumar2019 and le2020
FACE = Magnification(20, 80, 0.5, 10)  # the reference for the motion of a face


def grating(displacement: NDArray[np.float64]) -> NDArray[np.uint8]:
    """A sinusoidal grating that moves along its own direction, grey (n, SIDE, SIDE)."""
    y, x = np.mgrid[:SIDE, :SIDE] * 2 * np.pi / SIDE
    phase = WAVES[0] * x + WAVES[1] * y - NUMBER * displacement[:, None, None]
    return np.round(128 + 40 * np.cos(phase)).astype(np.uint8)


def phases(frames: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Where the grating is, in pixels, by the phase of its Fourier component in the middle of the picture."""
    middle = slice(SIDE // 4, -SIDE // 4)
    y, x = np.mgrid[:SIDE, :SIDE] * 2 * np.pi / SIDE
    wave = np.exp(-1j * (WAVES[0] * x + WAVES[1] * y))[middle, middle]
    return -np.unwrap(np.angle((frames[:, middle, middle] * wave).sum(axis=(1, 2)))) / NUMBER


def edge(displacement: NDArray[np.float64]) -> NDArray[np.uint8]:
    """A leaning edge, some pixels soft, that moves sideways, grey (n, 2 SIDE, 2 SIDE)."""
    y, x = np.mgrid[: 2 * SIDE, : 2 * SIDE] - SIDE
    across = x - 0.23 * y - displacement[:, None, None]
    return np.round(128 + 60 * np.tanh(across / 5)).astype(np.uint8)


def crossings(frames: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Where the edge crosses 128, in pixels, on the mean of some lines in the middle of the picture."""
    columns = np.arange(frames.shape[2])
    lines = frames[:, SIDE // 2 : -SIDE // 2 : 5]
    return np.array([np.mean([np.interp(128, line, columns) for line in frame]) for frame in lines])


def amplitude(signal: NDArray[np.float64], hz: float, fps: float) -> float:
    """How far a signal swings at a frequency, over its second half, where a filter has settled."""
    t = np.arange(len(signal)) / fps
    terms = np.stack([np.ones_like(t), np.sin(2 * np.pi * hz * t), np.cos(2 * np.pi * hz * t)], axis=1)
    half = len(t) // 2
    return float(np.hypot(*np.linalg.lstsq(terms[half:], signal[half:], rcond=None)[0][1:]))


def swaying(hz: float, fps: float, n: int, step: float = STEP) -> NDArray[np.float64]:
    """A displacement in pixels, (n,)."""
    return step * np.sin(2 * np.pi * hz * np.arange(n) / fps)


def growth(settings: Magnification, hz: float, fps: float = 100, n: int = 200) -> float:
    """How many times its size the grating's motion is after magnification."""
    frames = grating(swaying(hz, fps, n))
    return amplitude(phases(magnify(frames, fps, settings)), hz, fps) / amplitude(phases(frames), hz, fps)


def drawn(n: int, height: int, width: int) -> NDArray[np.uint8]:
    """A textured clip that sways by half a pixel at 1.2 Hz, 30 frames a second, with some noise: (n, h, w, 3)."""
    random = np.random.default_rng(0)
    y, x = np.mgrid[:height, :width]
    waves = random.uniform([0.02, 0.02, 0, 10], [0.4, 0.4, 2 * np.pi, 25], (6, 4))
    frames = np.empty((n, height, width, 3), np.uint8)
    for index, away in enumerate(swaying(1.2, 30, n, 0.5)):
        for channel in range(3):
            grey = sum(a * np.cos(u * (x - away) + v * y + p + channel) for u, v, p, a in waves[channel : channel + 4])
            frames[index, ..., channel] = np.clip(128 + grey + random.normal(0, 1, (height, width)), 0, 255)
    return frames


def port(frames: NDArray[np.uint8], fps: float, settings: Magnification) -> NDArray[np.uint8]:
    """The reference, plainly: each level of the brightness in double precision, its filter derived by hand."""

    def blurred(pictures: NDArray[np.float64]) -> NDArray[np.float64]:
        for axis in (1, 2):
            pictures = correlate1d(pictures, np.array([1, 4, 6, 4, 1]) / 16, axis, mode="mirror")
        return pictures

    def enlarged(pictures: NDArray[np.float64], shape: tuple[int, ...]) -> NDArray[np.float64]:
        spread = np.zeros(shape)
        spread[:, ::2, ::2] = 4 * pictures
        return blurred(spread)

    # bilinear transform of B s / (s^2 + B s + W) with both edges warped
    low, high = (np.tan(np.pi * hz / fps) for hz in (settings.low_hz, settings.high_hz))
    b, w = high - low, high * low
    numerator, denominator = (b, 0, -b), (1 + b + w, 2 * (w - 1), 1 - b + w)
    gains = amplification(*frames.shape[1:3], settings)
    pictures, levels = frames @ np.array([0.299, 0.587, 0.114]), []
    for _ in gains[1:]:
        smaller = blurred(pictures)[:, ::2, ::2]
        levels.append(pictures - enlarged(smaller, pictures.shape))
        pictures = smaller
    motion = np.zeros_like(pictures)  # the coarsest level's
    for gain, level in zip(gains[-2::-1], levels[::-1], strict=True):
        motion = gain * lfilter(numerator, denominator, level - level[0], axis=0) + enlarged(motion, level.shape)
    return np.clip(np.rint(frames + motion[..., None]), 0, 255).astype(np.uint8)


# ---------------------------------------------------------------- the gain


@pytest.mark.parametrize(
    ("settings", "hz"),
    [(WIDE, 1), (WIDE, 4.5), (WIDE, 20), (replace(WIDE, filter="butterworth"), 4.5)],
)
def test_motion_in_the_band_grows_by_one_plus_alpha(settings, hz):
    for alpha in (5, 10):
        assert growth(replace(settings, alpha=alpha), hz) == pytest.approx(1 + alpha, rel=0.15)


@pytest.mark.parametrize("filter", FILTERS)
def test_a_moving_edge_grows_by_one_plus_alpha(filter):
    """Somewhat less: an edge is of all wavelengths, those of the finest and coarsest level among them."""
    settings = replace(WIDE, filter=filter, alpha=5, low_hz=0.5, high_hz=40)
    frames = edge(swaying(3, 100, 100))
    grown = crossings(magnify(frames, 100, settings))
    assert amplitude(grown, 3, 100) / amplitude(crossings(frames), 3, 100) == pytest.approx(6, rel=0.15)


@pytest.mark.parametrize("hz", [0.5, 45])
def test_motion_outside_the_band_stays_within_a_tenth_of_its_size(hz):
    assert growth(replace(WIDE, low_hz=2), hz, n=400) == pytest.approx(1, abs=0.1)


def test_a_filter_of_first_order_is_soft():
    """What it lets through far from the band, and in the middle of it; by theory, for continuous time."""
    low, high, fps = 1.0, 10.0, 400.0
    settings = Magnification(10, 16, low, high, "butterworth")

    def passed(hz):
        return amplitude(band_passed(np.sin(2 * np.pi * hz * np.arange(int(20 * fps)) / fps), fps, settings), hz, fps)

    assert passed(np.sqrt(low * high)) == pytest.approx(1, abs=0.02)
    assert passed(low / 10) == pytest.approx((high - low) / high / 10, rel=0.1)
    assert passed(low / 2) < passed(low) < passed(2 * low)
    assert passed(2 * high) < passed(high)


def test_the_first_frame_counts_as_the_past():
    """The causal filter takes a clip that starts to move from rest as it takes the same clip with more rest before."""
    moving = np.concatenate([np.zeros(3), swaying(4, 100, 30)])
    settings = replace(WIDE, filter="butterworth")
    longer = magnify(grating(np.concatenate([np.zeros(40), moving])), 100, settings)
    assert np.array_equal(longer[40:], magnify(grating(moving), 100, settings))


def test_a_capped_wave_grows_less():
    frames = drawn(30, 96, 96)
    free, capped = (magnify(frames, 30, replace(PAPERS, wavelength=wave)) for wave in (5, 60))
    assert peak_signal_noise_ratio(frames, capped) > peak_signal_noise_ratio(frames, free) + 3
    assert growth(replace(WIDE, wavelength=60), 4.5) < 0.7 * growth(WIDE, 4.5)


def test_the_same_band_gives_the_same_gain_at_two_frame_rates():
    settings = replace(PAPERS, wavelength=5)
    for hz in (0.5, 2):
        slow, fast = (growth(settings, hz, fps, n=int(4 * fps)) for fps in (30, 120))
        assert slow == pytest.approx(fast, rel=0.02)
    assert growth(settings, 2, 30, 120) > 1.5 * growth(settings, 14, 30, 120)


def test_brightness_alone_moves_and_of_grey_frames_as_of_grey_in_colour():
    frames = drawn(12, 60, 81)
    unclipped = slice(90, 166)
    frames = (frames * 0.3 + 90).astype(np.uint8)
    assert unclipped.start <= frames.min() <= frames.max() < unclipped.stop
    added = magnify(frames, 30, PAPERS).astype(int) - frames
    assert np.ptp(added, axis=-1).max() == 0
    assert np.abs(added).max() > 3
    grey = frames[..., :1]
    in_colour = magnify(np.repeat(grey, 3, axis=-1), 30, PAPERS).astype(int)
    assert np.abs(in_colour - magnify(grey[..., 0], 30, PAPERS)[..., None]).max() <= 1


@pytest.mark.parametrize("settings", [PAPERS, FACE, replace(PAPERS, alpha=30)])
@pytest.mark.parametrize("shape", [(8, 61, 90), (8, 96, 64)])
def test_a_plain_port_of_the_reference_gives_the_same_picture(settings, shape):
    frames = drawn(*shape)
    ours, plain = magnify(frames, 30, settings).astype(int), port(frames, 30, settings).astype(int)
    assert np.abs(ours - plain).max() <= 1
    assert (ours != plain).mean() < 0.001


# ---------------------------------------------------------------- the settings


def test_amplification_has_the_exaggeration_inside_the_minimum():
    """480 lines halve to 240, 120, 60, 30, 15 and 7; a third of the diagonal of 800 is 266.7, halved per level."""
    expected = [0] + [min(20, 2 * (800 / 3 / 2**k * 21 / 80 - 1)) for k in (6, 5, 4, 3, 2, 1)] + [0]
    assert amplification(480, 640, FACE) == pytest.approx(expected)
    assert amplification(640, 480, FACE) == pytest.approx(expected)
    assert expected[1] < 0.2
    assert expected[5:7] == [20, 20]
    assert min(amplification(480, 640, replace(FACE, wavelength=5000))) == 0
    assert amplification(9, 100, FACE) == (0, 0)
    assert amplification(4, 100, FACE) == (0,)


@pytest.mark.parametrize(
    "wrong",
    [
        {"filter": "boxcar"},
        {"alpha": -1},
        {"alpha": float("nan")},
        {"wavelength": 0},
        {"low_hz": 0},
        {"low_hz": 12},
        {"high_hz": float("inf")},
    ],
)
def test_settings_out_of_range_are_refused(wrong):
    with pytest.raises(ValueError, match=r"\A[^\n]{20,}\Z"):
        replace(FACE, **wrong)


@pytest.mark.parametrize(
    "frames",
    [
        np.zeros((5, 32, 32, 3), np.float32),
        np.zeros((5, 32, 32, 4), np.uint8),
        np.zeros((32, 32), np.uint8),
        np.zeros((0, 32, 32, 3), np.uint8),
        np.zeros((5, 0, 32, 3), np.uint8),
    ],
)
def test_other_arrays_are_refused_in_one_line(frames):
    with pytest.raises(ValueError, match=r"\Amagnify takes [^\n]*\Z"):
        magnify(frames, 30, FACE)


@pytest.mark.parametrize("filter", FILTERS)
@pytest.mark.parametrize("fps", [20, 12, 0, -30, float("nan")])
def test_a_band_that_the_frame_rate_cannot_carry_is_refused(filter, fps):
    with pytest.raises(ValueError, match=r"\A[^\n]*frame[^\n]*\Z"):
        magnify(np.zeros((5, 32, 32, 3), np.uint8), fps, replace(FACE, filter=filter))


# ---------------------------------------------------------------- clips


@pytest.mark.parametrize("filter", FILTERS)
@pytest.mark.parametrize("n", [1, 2, 3, 31])
def test_every_frame_is_kept(filter, n):
    frames = drawn(n, 40, 33)
    grown = magnify(frames, 30, replace(FACE, filter=filter))
    assert (grown.shape, grown.dtype) == (frames.shape, np.uint8)
    if n == 1:
        assert np.array_equal(grown, frames)
    elif n > 2:
        assert not np.array_equal(grown[-1], frames[-1])


@pytest.mark.parametrize("filter", FILTERS)
def test_what_does_not_move_is_returned(filter):
    still = np.repeat(drawn(1, 64, 50), 20, axis=0)
    settings = replace(FACE, filter=filter, alpha=500, wavelength=5)
    assert np.array_equal(magnify(still, 200, settings), still)
    tiny = drawn(5, 9, 40)
    assert np.array_equal(magnify(tiny, 200, settings), tiny)


def test_alpha_zero_returns_the_clip():
    frames = drawn(10, 50, 60)
    for filter in FILTERS:
        grown = magnify(frames, 30, replace(FACE, filter=filter, alpha=0))
        assert np.array_equal(grown, frames)
        assert not np.shares_memory(grown, frames)


def test_the_ideal_filter_neither_wipes_nor_passes_everything_in_a_short_clip():
    """30 frames at 200 a second have frequencies of 6.67, 13.3, ... Hz, and none in this band."""
    settings = replace(WIDE, low_hz=0.25, high_hz=2.5)
    assert kept_frequencies(30, 200, settings) == pytest.approx([200 / 30])
    assert growth(settings, 200 / 30, 200, 30) == pytest.approx(11, rel=0.15)
    assert growth(settings, 40, 200, 30) == pytest.approx(1, abs=0.1)
    slow = grating(0.3 * np.sin(np.linspace(0, np.pi, 30)))  # there and back, as an expression
    assert np.ptp(phases(magnify(slow, 200, settings))) > 2 * np.ptp(phases(slow))


def test_frequencies_that_the_ideal_filter_keeps():
    settings = replace(FACE, filter="ideal")
    assert kept_frequencies(60, 30, settings) == pytest.approx(np.arange(1, 21) / 2)  # 0.5 to 10 Hz, edges included
    assert kept_frequencies(30, 200, settings) == pytest.approx([200 / 30])
    assert kept_frequencies(10, 30, replace(settings, low_hz=6.5, high_hz=7)) == pytest.approx([6])
    assert kept_frequencies(2, 200, settings) == pytest.approx([100])
    assert kept_frequencies(1, 200, settings).size == 0


@pytest.mark.parametrize("settings", [PAPERS, FACE])
def test_distortion_grows_with_alpha(settings):
    """Figure 3 of Kumar et al. (2019): the peak signal-to-noise ratio falls as alpha rises."""
    frames = drawn(40, 96, 128)
    grown = [magnify(frames, 30, replace(settings, alpha=alpha)) for alpha in (5, 10, 15, 20, 30)]
    ratios = [peak_signal_noise_ratio(frames, magnified) for magnified in grown]
    assert all(less < more for more, less in pairwise(ratios))


def test_the_clip_is_left_alone_and_its_layout_does_not_matter():
    frames = drawn(20, 50, 60)
    kept, grown = frames.copy(), magnify(frames, 30, FACE)
    assert np.array_equal(frames, kept)
    frames.setflags(write=False)
    assert np.array_equal(magnify(frames, 30, FACE), grown)
    assert np.array_equal(magnify(np.asfortranarray(frames), 30, FACE), grown)
    flipped = magnify(frames[:, ::-1, ::-1, ::-1][:, ::-1, ::-1, ::-1], 30, FACE)
    assert np.array_equal(flipped, grown)
    threads = cv2.getNumThreads()
    try:
        cv2.setNumThreads(1)
        assert np.array_equal(magnify(frames, 30, FACE), grown)
    finally:
        cv2.setNumThreads(threads)


def test_memory_stays_below_the_clip_in_float32():
    frames = drawn(40, 120, 160)
    magnify(frames[:2], 30, PAPERS)
    tracemalloc.start()
    try:
        magnify(frames, 30, PAPERS)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < frames.size * 4
