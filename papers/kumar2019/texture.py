"""Removing frames of low textural variance: section 3.2 of Kumar et al. (2019), equations 6-9.

Every frame becomes a map of local binary patterns, cut into 6 x 6 blocks. Each block is Fourier transformed in 3D over
a window of 61 frames around frame i and high-passed at a radius of 30; the sum is the frame's intensity A_i. A normal
distribution with the mean and deviation of the clip's A_i gives each frame a probability; frames above 0.5 stay.

Details that the text leaves open are our choice, stated where it is made. The transform is exact and yet fast: the 2D
transform of a frame is the same in every window, and when the window moves by one frame, the temporal transform changes
only by the frame that leaves and the frame that enters.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from common.vision.patterns import patterns

GRID = 6
"""Blocks along either side of a frame."""
TOGETHER = 4
"""Temporal frequencies that are computed at once: the bins that pass differ between them."""
PIECE = 512
"""Columns of a matrix product: such small ones are not divided between threads, which wait for each other."""
THRESHOLD = 0.5
ENDS = ("moved", "cut")
"""What happens to a window that reaches beyond its clip; see `windows`."""
SAME = 1e-9
"""A clip's A_i count as equal if they differ by at most this fraction of the largest; rounding errors are smaller."""


@dataclass(frozen=True)
class Texture:
    """How much movement a clip's n frames have: `activity` A_i, float64 (n,).

    `kept` are the indices, int64, ascending, of the frames that stay: all frames if A_i is the same for all. This is
    the case if blocks and windows are so small that no frequency passes the filter (A_i is 0); in a still clip; and,
    with "moved" windows, in a clip no longer than a window. Otherwise a frame whose own window lets nothing pass has
    A_i 0 and is removed.
    """

    activity: NDArray[np.float64]
    kept: NDArray[np.int64]


def select(frames: NDArray[np.uint8], window: int, cutoff: float, ends: str, *, mean: bool) -> Texture:
    """Select the grey frames of a clip, uint8 (n, height, width), that have enough movement to stay.

    `window` is N, the number of frames of the sliding window, and `cutoff` is D0, the radius in bins from which
    frequencies pass; for `ends` see `windows`. With `mean`, A_i is divided by the number of frequencies of a block that
    pass, which differs between windows of different lengths; without, it is the sum of equation 9. Raises ValueError if
    there are no frames, or if they are too small for 6 x 6 blocks.
    """
    values, bins = activity(texture_maps(frames), window, cutoff, ends)
    if mean:
        values = values / np.maximum(bins, 1)
    probabilities = probability(values)
    some_stay = probabilities.max() > THRESHOLD
    kept = np.flatnonzero(probabilities > THRESHOLD) if some_stay else np.arange(len(probabilities))
    return Texture(values, kept)


def probability(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Normal distribution function of the z-scores of A_i (n,); 0.5 for all frames if all A_i are the same.

    The text says that mean and standard deviation give the probability, but not how: this is the usual way, and above
    0.5 then means above the mean. The deviation is that of the population; it has no influence on which frames stay.
    """
    from scipy.special import ndtr

    if np.ptp(values) <= SAME * values.max():
        return np.full(len(values), 0.5)
    probabilities: NDArray[np.float64] = ndtr((values - values.mean()) / values.std())
    return probabilities


def windows(count: int, window: int, ends: str) -> list[tuple[int, int]]:
    """First frame, and last frame plus one, of each frame's window in a clip of `count` frames.

    A window is centred on its frame. If it would reach beyond the clip, "cut" drops the frames that do not exist: the
    text speaks of the frames present inside the window. A shorter window has fewer and smaller frequencies, so that A_i
    depends more on the length of the window than on any movement: frames in the middle of the clip stay. "moved" shifts
    the window into the clip, and cuts it only if the clip is shorter: the frames of the first half window then share
    one A_i, as do those of the last, and one side of the clip is removed as a whole.
    """
    if ends not in ENDS:
        raise ValueError(f"windows at the ends can be {' or '.join(ENDS)}, not {ends!r}")
    starts = np.arange(count) - window // 2
    if ends == "moved":
        starts = np.clip(starts, 0, max(count - window, 0))
    return [(max(start, 0), min(start + window, count)) for start in starts.tolist()]


def activity(
    maps: NDArray[np.uint8], window: int, cutoff: float, ends: str
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """A_i of equation 9, float64 (n,), of texture maps uint8 (n, height, width), and the number of its frequencies.

    The number, int64 (n,), is that of the frequencies of one block that pass in the frame's window; the sum is over 36
    times as many.

    Our interpretation: equation 9 adds magnitudes (complex numbers would add up to one pixel of the filtered block).
    The position in equation 7 counts whole bins from frequency zero to both sides, because the integrals of equation 6
    are centred and because low negative frequencies would pass if it were counted from a corner. Raises ValueError like
    `select`.
    """
    places = windows(len(maps), window, ends)
    longest = max((stop - start for start, stop in places), default=0)
    if not longest:
        raise ValueError("no frames")
    spectra, first, squares, weights = _spectra(maps, cutoff, longest // 2)
    totals = np.concatenate([[0], np.cumsum(weights)])
    values, counts, before = np.zeros(len(maps)), np.zeros(len(maps), np.int64), (0, 0)
    for index, (start, stop) in enumerate(places):
        if (start, stop) == before:
            values[index], counts[index] = values[index - 1], counts[index - 1]
            continue
        length = stop - start
        if (start - 1, stop - 1) != before:  # the window has another length: compute it from scratch
            passing = [(k, int((squares + k**2 >= cutoff**2).sum())) for k in range(length // 2 + 1)]
            passing = [(k, bins) for k, bins in passing if bins]
            sums = _temporal(spectra[start:stop], start, passing)
            if passing and passing[0][0] == 0:
                sums[0] += length * first[: passing[0][1]]
        else:
            change = spectra[stop - 1] - spectra[start - 1]
            for (k, bins), pair in zip(passing, sums, strict=True):
                wave = np.exp(-2j * np.pi / length * (k * (stop - 1) % length))
                pair[0] += wave * change[:bins]
                pair[1] += wave.conjugate() * change[:bins]
        for (k, bins), pair in zip(passing, sums, strict=True):
            twice = 1 if 2 * k in (0, length) else 2  # frequencies k and -k of a real block have equal magnitudes
            magnitudes = np.sqrt(pair.real**2 + pair.imag**2).sum((0, 2))
            values[index] += twice * float(weights[:bins] @ magnitudes)
            counts[index] += twice * round(2 * totals[bins])
        before = start, stop
    return values, counts


def _temporal(
    spectra: NDArray[np.complex128], start: int, passing: Sequence[tuple[int, int]]
) -> list[NDArray[np.complex128]]:
    """Temporal transforms of 2D transforms (frames, bins, 36) at frequencies k and -k: (2, bins, 36) for each k.

    `start` is the number of the first frame. `passing` are the frequencies k, ascending, with the number of bins that
    pass; they are computed a few at a time.
    """
    sums: list[NDArray[np.complex128]] = []
    for first in range(0, len(passing), TOGETHER):
        some = passing[first : first + TOGETHER]
        most = max(bins for _, bins in some)
        flat = spectra[:, :most].reshape(len(spectra), -1).view(np.float64)
        angles = 2 * np.pi / len(spectra) * np.outer([k for k, _ in some], start + np.arange(len(spectra)))
        waves = np.vstack([np.cos(angles), np.sin(angles)])
        parts = np.hstack([waves @ flat[:, left : left + PIECE] for left in range(0, flat.shape[1], PIECE)])
        even, odd = parts.view(np.complex128).reshape(2, len(some), most, -1)
        sums += [
            np.stack([cosine[:bins] - 1j * sine[:bins], cosine[:bins] + 1j * sine[:bins]])
            for (_, bins), cosine, sine in zip(some, even, odd, strict=True)
        ]
    return sums


def texture_maps(frames: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Local binary patterns of grey frames uint8 (n, height, width), without the outermost pixels.

    The text names no variant. The numbers of the plain pattern of 8 bits form an image; those of uniform patterns are
    only labels.
    """
    result = np.empty((len(frames), *(side - 2 for side in frames.shape[1:])), np.uint8)
    for picture, frame in zip(result, frames, strict=True):
        picture[:] = patterns(frame, radius=1)
    return result


def blocks(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The 36 blocks of a map, of equal size, (36, rows, columns); up to 5 rows and columns at its end are left out."""
    rows, columns = (side // GRID for side in picture.shape)
    if not rows or not columns:
        raise ValueError(f"a texture map of {picture.shape[1]}x{picture.shape[0]} pixels has no {GRID}x{GRID} blocks")
    grid = picture[: rows * GRID, : columns * GRID].reshape(GRID, rows, GRID, columns)
    return grid.swapaxes(1, 2).reshape(-1, rows, columns)


def _spectra(
    maps: NDArray[np.uint8], cutoff: float, highest: int
) -> tuple[NDArray[np.complex128], NDArray[np.complex128], NDArray[np.float64], NDArray[np.float64]]:
    """2D transforms of all blocks, (n, bins, 36), minus the first map's; the first map's; the bins' squared radii.

    Blocks are real, so that the bins at (u, v) and (-u, -v) are conjugate: those with v below 0 are left out. The last
    array has the weights of the bins: 1, or 0.5 if (u, v) and (-u, -v) are both there. Only bins that pass together
    with temporal frequency `highest` are included, the largest radius first. The first map's transform is subtracted
    so that blocks that do not change have exactly no temporal frequency other than 0, without rounding errors.
    """
    from scipy.fft import rfft2

    start = blocks(maps[0]).astype(np.float64)
    rows, columns = start.shape[1:]
    across = np.arange(columns // 2 + 1)
    squares = np.add.outer(np.fft.fftfreq(rows, 1 / rows) ** 2, across**2).ravel()
    weights = np.tile(np.where((across == 0) | (2 * across == columns), 0.5, 1.0), rows)
    order = np.argsort(-squares, kind="stable")
    order = order[squares[order] + highest**2 >= cutoff**2]

    def transform(pictures: NDArray[np.float64]) -> NDArray[np.complex128]:
        return np.asarray(rfft2(pictures).reshape(len(pictures), -1)[:, order].T)

    spectra = np.zeros((len(maps), len(order), len(start)), np.complex128)
    for index, picture in enumerate(maps[1:], start=1):
        spectra[index] = transform(blocks(picture) - start)
    return spectra, transform(start), squares[order], weights[order]
