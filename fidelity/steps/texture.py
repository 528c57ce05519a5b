"""Local binary patterns, and the removal of frames with low textural variance of kumar2019 (section 3.2)."""

from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm

Array = NDArray[np.float64]
Codes = Literal["plain", "invariant", "uniform"]


def local_binary_patterns(
    image: NDArray[np.generic],
    points: int = 8,
    radius: float = 1.0,
    codes: Codes = "plain",
    border: Literal["crop", "zero", "nearest"] = "crop",
) -> NDArray[np.int64]:
    """Code of every pixel of a grey image (height, width).

    Neighbour p lies at row -radius sin(2 pi p / points), column radius cos(2 pi p / points), read bilinearly; its bit
    2^p is set where it is at least the centre. "plain" has 2^points codes, "invariant" (ri) the
    smallest code of all rotations, "uniform" (riu2) the number of set bits where the circle has
    at most two changes and points + 1 elsewhere.
    `border`: "crop" returns only pixels whose neighbours lie in the image, ceil(radius) less on each side; "zero" and
    "nearest" return all pixels, with zeros or the nearest pixel outside.
    kumar2019 prints none of these, and its reference 30 for the name is a paper on texture units, an older operator.

    Source: Ojala, Pietikainen and Maenpaa 2002, Multiresolution gray-scale and rotation invariant texture
    classification with local binary patterns.
    """
    grey = np.asarray(image, np.float64)
    margin = int(np.ceil(radius))
    padded = grey
    if border != "crop":
        padded = np.pad(grey, margin, mode="edge") if border == "nearest" else np.pad(grey, margin)
    height, width = padded.shape
    if min(height, width) <= 2 * margin:
        raise ValueError(f"image of {grey.shape[0]} x {grey.shape[1]} pixels is too small for radius {radius}")
    centre = padded[margin : height - margin, margin : width - margin]
    bits = []
    for p in range(points):
        angle = 2.0 * np.pi * p / points
        # Rounding puts the four neighbours on the axes exactly on pixels.
        row, column = np.round(-radius * np.sin(angle), 5), np.round(radius * np.cos(angle), 5)
        bits.append(_shifted(padded, row, column, margin) >= centre)
    circle = np.stack(bits).astype(np.int64)
    weights = 2 ** np.arange(points)
    if codes == "plain":
        return np.tensordot(weights, circle, axes=1)
    if codes == "invariant":
        rotations = [np.tensordot(weights, np.roll(circle, -shift, axis=0), axes=1) for shift in range(points)]
        return np.min(rotations, axis=0)
    changes = np.abs(circle - np.roll(circle, 1, axis=0)).sum(axis=0)
    return np.where(changes <= 2, circle.sum(axis=0), points + 1)


def _shifted(padded: Array, row: float, column: float, margin: int) -> Array:
    """Values at (row, column) from every pixel inside the margin, bilinear; exact where the four pixels are equal."""
    top, left = int(np.floor(row)), int(np.floor(column))
    y, x = row - top, column - left
    height, width = padded.shape[0] - 2 * margin, padded.shape[1] - 2 * margin

    def at(r: int, c: int) -> Array:
        r, c = min(r, margin), min(c, margin)  # a pixel beyond the margin has weight 0
        return padded[margin + r : margin + r + height, margin + c : margin + c + width]

    upper = at(top, left) + x * (at(top, left + 1) - at(top, left))
    lower = at(top + 1, left) + x * (at(top + 1, left + 1) - at(top + 1, left))
    return upper + y * (lower - upper)


def block_slices(
    size: tuple[int, ...], blocks: tuple[int, int], remainder: Literal["drop", "spread"]
) -> list[tuple[slice, slice]]:
    """(row slice, column slice) of each block of an image of `size` (height, width), row by row.

    `blocks` is (rows, columns). "drop" leaves out the last pixels that do not fill a block, "spread" makes some blocks
    one pixel larger.
    """

    def slices(pixels: int, parts: int) -> list[slice]:
        whole = pixels // parts * parts if remainder == "drop" else pixels
        return [slice(i * whole // parts, (i + 1) * whole // parts) for i in range(parts)]

    return [(y, x) for y in slices(size[0], blocks[0]) for x in slices(size[1], blocks[1])]


def high_frequency_sum(block: Array, cutoff: float) -> float:
    """Sum of the magnitudes of a block's 3D Fourier transform at least `cutoff` bins from frequency 0.

    block: (frames, height, width). The transform is not normalised. The distance counts bins from the centre, as the
    symmetric limits of equation 6 imply. The sum is 0 where no bin is that far away.

    Source: kumar2019, equations 6 to 9; magnitudes, because the coefficients are complex.
    """
    spectrum = np.abs(np.fft.fftn(block))
    z, y, x = (np.fft.fftfreq(size, 1.0 / size) for size in block.shape)
    distance = np.sqrt(z[:, None, None] ** 2 + y[None, :, None] ** 2 + x[None, None, :] ** 2)
    return float(spectrum[distance >= cutoff].sum())


def intensities(
    maps: NDArray[np.generic],
    window: int = 61,
    blocks: tuple[int, int] = (6, 6),
    cutoff: float = 30.0,
    ends: Literal["cut", "shift", "mirror"] = "cut",
    remainder: Literal["drop", "spread"] = "drop",
) -> Array:
    """Intensity A_i of every frame, shape (frames,), from texture maps (frames, height, width).

    A_i is the sum of `high_frequency_sum` over the blocks in the window of frames around frame i. `ends` decides about
    windows that leave the clip: "cut" keeps the frames inside, "shift" moves the window back inside (and cuts it where
    the clip is shorter), "mirror" mirrors the clip at its first and last frame. In a clip of at most half a window and
    one frame, every cut window is the whole clip: all intensities are equal and no frame can be removed.

    Source: kumar2019, section 3.2, equation 9, N = 61, 36 blocks, D0 = 30.
    """
    clip = np.asarray(maps, np.float64)
    length, half = len(clip), window // 2
    source = np.pad(clip, ((half, half), (0, 0), (0, 0)), mode="reflect") if ends == "mirror" else clip
    slices = block_slices(clip.shape[1:], blocks, remainder)
    result = np.zeros(length)
    for i in range(length):
        if ends == "mirror":
            start, stop = i, i + 2 * half + 1
        elif ends == "cut":
            start, stop = max(0, i - half), min(length, i + half + 1)
        else:
            start = max(0, min(i - half, length - window))
            stop = min(length, start + window)
        result[i] = sum(high_frequency_sum(source[start:stop, y, x], cutoff) for y, x in slices)
    return result


def probabilities(intensity: Array, ddof: int = 0) -> Array:
    """Normal distribution function of each frame's z-score, shape (frames,); all 1 where no frame differs.

    The text names a probability from mean and standard deviation without its formula (kumar2019, section 3.2); with the
    normal distribution, above 0.5 means above the mean.
    """
    deviation = intensity.std(ddof=ddof) if len(intensity) > ddof else 0.0
    if deviation <= 1e-12 * max(float(np.abs(intensity).max()), 1e-300):
        return np.ones(len(intensity))
    return norm.cdf((intensity - intensity.mean()) / deviation)


def kept_frames(intensity: Array, threshold: float = 0.5, ddof: int = 0) -> NDArray[np.bool_]:
    """Whether each frame stays: its probability is above `threshold` (kumar2019, section 3.2)."""
    return probabilities(intensity, ddof) > threshold
