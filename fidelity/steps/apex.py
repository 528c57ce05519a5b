"""Search for the apex frame, and the sequence of frames around it, as in talluri2022 (sections 4.3 and 4.4).

The other texts search for no apex: aouayeb2019 and reddy2019 use all frames or the first ones, and kumar2019 takes
from the search of Li et al. 2018 only its frame intensities (`texture.intensities`).
"""

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from fidelity.steps.texture import Codes, block_slices, local_binary_patterns

Array = NDArray[np.float64]
Measure = Literal["correlation", "chi-square", "absolute"]


def block_histograms(
    image: NDArray[np.generic], blocks: tuple[int, int], points: int = 8, radius: float = 1.0, codes: Codes = "plain"
) -> Array:
    """Normalised histograms of local binary patterns of a grey image, shape (blocks, codes), each row sums to 1.

    Blocks are cut from the codes, border pixels left out; the last pixels that do not fill a block are left out too.
    """
    patterns = local_binary_patterns(image, points, radius, codes)
    size = points + 2 if codes == "uniform" else 2**points
    slices = block_slices(patterns.shape, blocks, "drop")
    counts = np.stack([np.bincount(patterns[y, x].ravel(), minlength=size) for y, x in slices])
    return counts / counts.sum(axis=1, keepdims=True)


def differences(frames: NDArray[np.generic], blocks: tuple[int, int], measure: Measure = "correlation") -> Array:
    """Difference of each grey frame (frames, height, width) from the first, the onset; shape (frames,), first 0.

    Over all blocks' histograms h of the onset and g of the frame: "correlation" is 1 - sum(h g) / sqrt(sum(h^2)
    sum(g^2)), "chi-square" sum((h - g)^2 / (h + g)), "absolute" sum(|h - g|).

    Source: Liong et al. 2015, Automatic apex frame spotting in micro-expression database, for the correlation;
    talluri2022, section 4.3, says "subtracting the features".
    """
    features = np.stack([block_histograms(frame, blocks).ravel() for frame in frames])
    onset = features[0]
    if measure == "correlation":
        lengths = np.linalg.norm(features, axis=1) * np.linalg.norm(onset)
        result = 1.0 - features @ onset / lengths
        result[0] = 0.0
        return result
    change = np.abs(features - onset)
    if measure == "absolute":
        return change.sum(axis=1)
    total = features + onset
    return (change**2 / np.where(total > 0, total, 1.0)).sum(axis=1)


def peaks(difference: Array) -> Array:
    """The differences at local maxima and 0 elsewhere; the ends count where they exceed their one neighbour."""
    padded = np.concatenate([[-np.inf], difference, [-np.inf]])
    is_peak = (padded[1:-1] > padded[:-2]) & (padded[1:-1] >= padded[2:])
    return np.where(is_peak, difference, 0.0)


def divide_and_conquer(
    difference: Array,
    first: int = 1,
    longer: Literal["first", "second"] = "second",
    sums: Literal["all", "peaks"] = "all",
) -> int:
    """Index of the apex frame: halve the sequence, keep the half with the larger sum of differences, until one is left.

    `first` is the first frame searched (1 leaves out the onset), `longer` the half that an odd number of frames makes
    longer, `sums` whether all frames or only local maxima count. The first half is kept where both sums are equal.

    Source: Liong et al. 2015, as described in talluri2022, section 4.3: "calculated the sum of each subsequence".
    """
    counted = peaks(difference) if sums == "peaks" else difference
    low, high = min(first, len(difference) - 1), len(difference)
    while high - low > 1:
        length = high - low
        middle = low + (length // 2 if longer == "second" else (length + 1) // 2)
        if counted[low:middle].sum() >= counted[middle:high].sum():
            high = middle
        else:
            low = middle
    return low


def apex_sequence(
    frames: int, apex: int, length: int, apex_in: Literal["second", "first"] = "second"
) -> NDArray[np.int64]:
    """Indices of the `length` frames around the apex, int64; the first and last frame are repeated beyond the clip.

    "second": length // 2 frames before the apex, the apex opens the second half ("18 frames before and 18 frames after
    the Apex frame (including it)"); "first": the apex closes the first half.

    Source: talluri2022, section 4.4, and section 8.2.1 for the repeated frames ("interpolating").
    """
    start = apex - length // 2 + (apex_in == "first")
    return np.clip(np.arange(start, start + length), 0, frames - 1).astype(np.int64)
