"""Eulerian motion magnification of Wu et al. 2012, as kumar2019 and le2020 use it.

Source: Eulerian video magnification for revealing subtle changes in the world, ACM Transactions on Graphics 31(4),
figure 6, and the public settings of its reference code. Both papers print factors only
(kumar2019: 5, 10, 15), so band, filter, cutoff wavelength and chrominance attenuation are arguments.
"""

from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import convolve1d
from scipy.signal import butter, lfilter

Array = NDArray[np.float64]
Filter = Literal["iir", "butterworth", "ideal"]
YIQ = np.array([[0.299, 0.587, 0.114], [0.596, -0.274, -0.322], [0.211, -0.523, 0.312]])  # rows Y, I, Q of R, G, B
BINOMIAL = np.array([1.0, 4.0, 6.0, 4.0, 1.0]) / 16.0


def reduce(images: Array) -> Array:
    """Blur with the binomial filter and keep every second pixel; (frames, height, width, channels), mirrored borders.

    Source: Burt and Adelson 1983, The Laplacian pyramid as a compact image code, REDUCE.
    """
    for axis in (1, 2):
        images = convolve1d(images, BINOMIAL, axis=axis, mode="mirror")
    return images[:, ::2, ::2]


def expand(images: Array, height: int, width: int) -> Array:
    """Insert zeros between pixels and blur with twice the binomial filter per axis; undoes the halving of `reduce`.

    Borders are mirrored. OpenCV's pyrUp gives the same except in the last row and column of odd sizes.

    Source: Burt and Adelson 1983, EXPAND.
    """
    large = np.zeros((len(images), height, width, images.shape[3]))
    large[:, ::2, ::2] = images
    for axis in (1, 2):
        large = convolve1d(large, 2 * BINOMIAL, axis=axis, mode="mirror")
    return large


def number_of_levels(height: int, width: int) -> int:
    """Levels of the reference's pyramid, low-pass rest included: halve until a side is below 5 pixels, plus one."""
    levels = 1
    while min(height, width) >= len(BINOMIAL):
        height, width, levels = height // 2, width // 2, levels + 1
    return levels


def laplacian_pyramid(images: Array, levels: int) -> list[Array]:
    """Bands from fine to coarse, each image minus its expanded reduction, then the low-pass rest (Burt and Adelson)."""
    bands = []
    for _ in range(levels - 1):
        smaller = reduce(images)
        bands.append(images - expand(smaller, *images.shape[1:3]))
        images = smaller
    return [*bands, images]


def collapse(bands: list[Array]) -> Array:
    """Images of a Laplacian pyramid."""
    images = bands[-1]
    for band in reversed(bands[:-1]):
        images = band + expand(images, *band.shape[1:3])
    return images


def band_pass(signal: Array, fps: float, low: float, high: float, kind: Filter) -> Array:
    """Keep the frequencies from `low` to `high` (Hz) along the first axis; the shape stays.

    "iir": difference of two first-order low-passes y_t = (1 - r) y_{t-1} + r x_t, r = 1 - exp(-2 pi f / fps).
    "butterworth": difference of two first-order Butterworth low-passes at `high` and `low`. (The reference code divides
    both by the frame rate where Matlab expects half of it, which halves its corners.)
    "ideal": discrete Fourier transform, `low` <= frequency <= `high`, both ends included.
    The first two start as if the first frame had always been shown, so their first result is 0.

    Source: the three temporal filters of the reference code of Wu et al. 2012.
    """
    if not 0 <= low < high:
        raise ValueError(f"band {low} to {high} Hz: low must be at least 0 and below high")
    if kind == "ideal":
        frequencies = np.fft.rfftfreq(len(signal), 1.0 / fps)
        spectrum = np.fft.rfft(signal, axis=0)
        spectrum[(frequencies < low) | (frequencies > high)] = 0
        return np.fft.irfft(spectrum, n=len(signal), axis=0)
    change = signal - signal[:1]  # both filters pass a constant unchanged, so the first frame cancels
    passed = []
    for frequency in (high, low):
        if kind == "iir":
            r = 1.0 - np.exp(-2.0 * np.pi * frequency / fps)
            b, a = np.array([r]), np.array([1.0, r - 1.0])
        elif frequency == 0:
            passed.append(np.zeros_like(change))
            continue
        else:
            b, a = butter(1, frequency, fs=fps)
        passed.append(lfilter(b, a, change, axis=0))
    return passed[0] - passed[1]


def factors(
    height: int, width: int, levels: int, alpha: float, cutoff: float, exaggeration: float, ends: bool
) -> list[float]:
    """Amplification of each band from fine to coarse.

    delta = cutoff / (8 (1 + alpha)); the coarsest level has the wavelength sqrt(height^2 + width^2) / 3 pixels, each
    finer one half of it; the factor is min(alpha, exaggeration * (wavelength / (8 delta) - 1)), at least 0. Without
    `ends`, the finest level and the low-pass rest get 0.

    Source: Wu et al. 2012, equation 14 and figure 6 (the bound (1 + alpha) delta < lambda / 8).
    """
    delta = cutoff / (8.0 * (1.0 + alpha))
    result = []
    for level in range(levels):
        wavelength = np.hypot(height, width) / 3.0 / 2.0 ** (levels - 1 - level)
        bounded = min(alpha, exaggeration * (wavelength / (8.0 * delta) - 1.0))
        result.append(0.0 if not ends and level in (0, levels - 1) else max(bounded, 0.0))
    return result


def magnify(
    frames: Array,
    fps: float,
    alpha: float,
    low: float,
    high: float,
    cutoff: float,
    attenuation: float,
    kind: Filter,
    exaggeration: float = 2.0,
    levels: int | None = None,
    ends: bool = False,
) -> Array:
    """Magnify the motion of a clip.

    frames: (frames, height, width, 3), RGB from 0 to 1; the result has the same shape and range, float64, clipped.
    `alpha`: factor of the filtered signal, so that motion grows by 1 + alpha; `low`, `high`: band in Hz; `cutoff`:
    wavelength in pixels below which the factor shrinks; `attenuation`: factor of the chrominance's change.
    All frames are kept, and the change is added to the current frame.

    Source: Wu et al. 2012, first-order motion: the filtered signal times alpha is added to the signal, per band.
    """
    yiq = np.asarray(frames, np.float64) @ YIQ.T
    height, width = yiq.shape[1:3]
    count = number_of_levels(height, width) if levels is None else levels
    gains = factors(height, width, count, alpha, cutoff, exaggeration, ends)
    bands = laplacian_pyramid(yiq, count)
    change = collapse([gain * band_pass(band, fps, low, high, kind) for gain, band in zip(gains, bands, strict=True)])
    change[..., 1:] *= attenuation
    return np.clip((yiq + change) @ np.linalg.inv(YIQ).T, 0.0, 1.0)
