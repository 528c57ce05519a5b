"""Eulerian motion magnification with a Laplacian pyramid.

Wu, Rubinstein, Shih, Guttag, Durand and Freeman, "Eulerian video magnification for revealing subtle changes in the
world" (SIGGRAPH 2012), following its authors' reference code: every level of a Laplacian pyramid is band-passed
in time, pixel by pixel, multiplied by its own factor, and added to the frame. The reference determines the factors
(`amplification`), the start of the causal filter, which assumes that the first frame had always been shown, and, from
its settings for faces, that only brightness is magnified. Differences from the reference:

- a band is given in Hz, and the filter is computed from it and the frame rate of each clip;
- every frame is used, while the reference leaves out the last ten;
- "butterworth" is a band-pass that passes the middle of the band completely and without a shift. The reference
  subtracts two low-passes of order one, which pass 90% in the middle of 0.5-10 Hz, and divides the edges by the frame
  rate where its filter design expects half of that, so that its 0.5-10 Hz is 0.25-5 Hz;
- "ideal" passes positive and negative frequencies, while the reference drops the negative ones and with them half of
  the motion.

Space and time are filtered by linear operators, which commute. As the finest level adds nothing, the frames are first
halved, then filtered in time, and only the result is decomposed into levels, frame by frame.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

FILTERS = ("butterworth", "ideal")
EXAGGERATION = 2.0
"""How fast the factor grows with the wavelength below the cap of `amplification`, as in the reference."""
LUMA = (0.299, 0.587, 0.114)
"""Weights of red, green and blue in the luminance Y of YIQ."""
TAPS = 5
"""Width of the pyramid's binomial kernel: levels are halved while the smaller side has at least this size."""
BLOCK = 1 << 18
"""Number of values that are filtered in time at once, to limit memory."""


@dataclass(frozen=True)
class Magnification:
    """What is magnified, and how much.

    Motion between `low_hz` and `high_hz` grows to 1 + `alpha` times its size at the levels that `amplification` does
    not reduce. `wavelength` is lambda_c in pixels: smaller structures are magnified less. Raises ValueError for values
    out of range.
    """

    alpha: float
    wavelength: float
    low_hz: float
    high_hz: float
    filter: str = "butterworth"

    def __post_init__(self) -> None:
        if self.filter not in FILTERS:
            raise ValueError(f"{self.filter!r} is not a temporal filter; known: {', '.join(FILTERS)}")
        if not 0 <= self.alpha < math.inf:
            raise ValueError(f"alpha must be 0 or more and finite, not {self.alpha}")
        if not 0 < self.wavelength < math.inf:
            raise ValueError(f"wavelength must be positive and finite, not {self.wavelength}")
        if not 0 < self.low_hz < self.high_hz < math.inf:
            raise ValueError(f"a band must go from above 0 Hz upwards, not from {self.low_hz} to {self.high_hz} Hz")


def magnify(frames: NDArray[np.uint8], fps: float, settings: Magnification) -> NDArray[np.uint8]:
    """A clip with its motion magnified: frames and result uint8, RGB (n, h, w, 3) or grey (n, h, w).

    The motion of the brightness is added to its frame, equally to all colours, rounded, and clipped to 0 and 255. A
    single frame is returned unchanged, as are images with a side of fewer than 10 pixels, which have no level between
    the finest and the coarsest. In addition to frames and result, this needs a float32 for every four pixels. Raises
    ValueError for another dtype or shape, and like `band_passed`.
    """
    if frames.dtype != np.uint8 or not (frames.ndim == 3 or (frames.ndim == 4 and frames.shape[-1] == 3)):
        raise ValueError(f"magnify takes uint8 (n, h, w, 3) or (n, h, w), not {frames.dtype} {frames.shape}")
    if 0 in frames.shape:
        raise ValueError(f"magnify takes frames with pixels in them, not {frames.shape}")
    n, height, width = frames.shape[:3]
    _check_band(fps, settings)
    gains = amplification(height, width, settings)
    if not any(gains):
        return frames.copy()
    moving = _halved(frames)
    flat = moving.reshape(n, -1)
    step = max(1, BLOCK // n)
    for start in range(0, flat.shape[1], step):
        flat[:, start : start + step] = band_passed(flat[:, start : start + step], fps, settings)
    result = np.empty_like(frames, order="C")
    for frame, band, out in zip(frames, moving, result, strict=True):
        motion: NDArray[Any] = _enlarged(_amplified(band, gains), height, width)
        if frame.ndim == 3:
            motion = cv2.merge([motion] * 3)
        cv2.add(np.ascontiguousarray(frame), motion, dst=out, dtype=cv2.CV_8U)
    return result


def amplification(height: int, width: int, settings: Magnification) -> tuple[float, ...]:
    """What every level of the pyramid is multiplied by, finest first.

    min(alpha, EXAGGERATION (wavelength_l / (8 delta) - 1)) but never below 0, with delta = wavelength / 8 / (1 + alpha)
    and wavelength_l a third of the picture's diagonal at the coarsest level, half as much at each finer one. The finest
    and the coarsest level get 0.
    """
    levels = 1
    while min(height, width) >> (levels - 1) >= TAPS:
        levels += 1
    delta = settings.wavelength / 8 / (1 + settings.alpha)
    gains = []
    for level in range(levels):
        here = math.hypot(height, width) / 3 / 2 ** (levels - 1 - level)
        most = EXAGGERATION * (here / (8 * delta) - 1)
        gains.append(0.0 if level in (0, levels - 1) else max(0.0, min(settings.alpha, most)))
    return tuple(gains)


def band_passed(values: NDArray[np.floating[Any]], fps: float, settings: Magnification) -> NDArray[np.floating[Any]]:
    """The part of `values` (n, ...), in time along the first axis, inside the band; floating, same shape.

    "butterworth" is of first order, and so soft: nearly a tenth passes at a tenth of the lower edge. It uses only past
    frames, and assumes that the first had always been shown. "ideal" passes `kept_frequencies`, without any shift in
    time, and assumes that the clip repeats. Constant values give exact zeros. Raises ValueError for a band whose upper
    edge is not below half the frame rate.
    """
    _check_band(fps, settings)
    from scipy import fft, signal

    changes, n = values - values[0], len(values)
    if settings.filter == "ideal":
        dropped = ~np.isin(_frequencies(n, fps), kept_frequencies(n, fps, settings))
        spectrum = fft.rfft(changes, axis=0)
        spectrum[dropped] = 0
        return np.asarray(fft.irfft(spectrum, n, axis=0))
    sections = signal.butter(1, (settings.low_hz, settings.high_hz), "bandpass", output="sos", fs=fps)
    return np.asarray(signal.sosfilt(sections, changes, axis=0))


def kept_frequencies(n: int, fps: float, settings: Magnification) -> NDArray[np.float64]:
    """The frequencies in Hz that the "ideal" filter passes in a clip of n frames.

    Those of the discrete Fourier transform, multiples of fps / n, that lie in the band, edges included. A short clip
    may have none: 30 frames at 200 per second have 6.7, 13.3, ... Hz. Then the frequency closest to the middle of the
    band is used, never 0, so that a slow band in a short clip means the slowest motion that the clip can show. A clip
    of one frame has none.
    """
    bins = _frequencies(n, fps)[1:]
    inside = bins[(bins >= settings.low_hz) & (bins <= settings.high_hz)]
    if inside.size or not bins.size:
        return inside
    nearest = np.argmin(np.abs(bins - (settings.low_hz + settings.high_hz) / 2))
    return bins[nearest : nearest + 1]


def _check_band(fps: float, settings: Magnification) -> None:
    """Raise ValueError if a frame rate is too low for the band."""
    if not 0 < fps < math.inf:
        raise ValueError(f"a frame rate must be positive, not {fps}")
    if settings.high_hz >= fps / 2:
        raise ValueError(
            f"{fps:g} frames per second show only motion below {fps / 2:g} Hz; "
            f"the band {settings.low_hz:g}-{settings.high_hz:g} Hz exceeds this: lower its upper edge"
        )


def _frequencies(n: int, fps: float) -> NDArray[np.float64]:
    """The frequencies of a real Fourier transform of n frames, (n // 2 + 1,)."""
    return np.asarray(np.fft.rfftfreq(n, 1 / fps), np.float64)


def _halved(frames: NDArray[np.uint8]) -> NDArray[np.float32]:
    """The second Gaussian level of all frames, colours mixed to their brightness, float32 (n, h/2, w/2)."""
    mixing = np.array([LUMA], np.float32)
    small = None
    for index, frame in enumerate(frames):
        halved = cv2.pyrDown(frame.astype(np.float32))
        if halved.ndim == 3:
            halved = cv2.transform(halved, mixing)
        if small is None:
            small = np.empty((len(frames), *halved.shape), np.float32)
        small[index] = halved
    assert small is not None
    return small


def _amplified(band: NDArray[np.float32], gains: tuple[float, ...]) -> NDArray[np.float32]:
    """The levels below the finest of a Laplacian pyramid, each times its gain, recombined; shaped like `band`."""
    gaussians: list[NDArray[Any]] = [band]
    for _ in gains[2:]:
        gaussians.append(cv2.pyrDown(gaussians[-1]))
    motion = np.zeros_like(gaussians[-1])
    for gain, fine, coarse in zip(gains[-2:0:-1], gaussians[-2::-1], gaussians[:0:-1], strict=True):
        # gain (fine - up(coarse)) + up(motion) with one enlargement instead of two
        motion = gain * fine + _enlarged(motion - gain * coarse, *fine.shape[:2])
    return motion


def _enlarged(picture: NDArray[Any], height: int, width: int) -> NDArray[np.float32]:
    """Twice the size, mirrored at the borders.

    cv2.pyrUp repeats the last line where an odd size needs the one before it, and so treats left and right differently.
    """
    mirrored = cv2.copyMakeBorder(picture, 0, height % 2, 0, width % 2, cv2.BORDER_REFLECT_101)
    return np.asarray(cv2.pyrUp(mirrored)[:height, :width], np.float32)
