"""Dynamic images: the weights of a linear function that ranks a clip's frames by time, seen as an image.

Bilen, Fernando, Gavves, Vedaldi and Gould, "Dynamic image networks for action recognition" (CVPR 2016). `approximate`
is the closed form of that article, `exact` the support vector regression that it approximates.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

EPSILON = 0.1
"""Error of a score, in frames, that costs nothing: the default of LIBLINEAR, and so of the public code of rank pooling
(scikit-learn's default is 0)."""
BLOCK = 1 << 14
"""Number of values of every frame that are converted to double precision at once, to limit memory."""
SMALLEST = 1e-12
"""Directions in which all frames together are shorter, relative to the longest, are rounding errors."""


def coefficients(count: int) -> NDArray[np.float64]:
    """The weights alpha_t of `count` frames in approximate rank pooling, float64 (count,).

    alpha_t is the sum over i from t to T of (2 i - T - 1) / i. They add up to 0, so anything that is the same in all
    frames disappears. A single frame has no order, and the formula gives 0: its weight is 1 here, so that the frame is
    its own image.
    """
    if count < 1:
        raise ValueError("no frames")
    if count == 1:
        return np.ones(1)
    times = np.arange(1, count + 1)
    return np.cumsum(((2 * times - count - 1) / times)[::-1])[::-1].copy()


def approximate(frames: NDArray[np.generic]) -> NDArray[np.float32]:
    """The dynamic image of frames (n, height, width) or (n, height, width, channels), float32 of a frame's shape.

    The weighted sum of the frames, which are converted one at a time. Differences from the first frame are summed,
    which is equivalent because the weights add up to 0; so the image of a still clip is exactly 0.
    """
    weights = coefficients(len(frames))
    if len(frames) == 1:
        return frames[0].astype(np.float32)
    first = frames[0].astype(np.float32)
    image, change = np.zeros_like(first), np.empty_like(first)
    for weight, frame in zip(weights[1:], frames[1:], strict=True):
        np.subtract(frame, first, out=change, dtype=np.float32)
        change *= np.float32(weight)
        image += change
    return image


def exact(frames: NDArray[np.generic]) -> NDArray[np.float32]:
    """The dynamic image by rank pooling itself: float32 of a frame's shape, of frames as `approximate` takes them.

    The weights of a linear support vector regression on the frame's index, 1 to n, with C = 1, squared
    epsilon-insensitive loss and no intercept, on `features`. Unlike with the approximation, the image of a still
    clip is the frame itself, and anything that is the same in all frames remains in the image.

    The weights are a combination of the n feature vectors, so the regression runs in coordinates of the space that
    they span: n numbers per frame instead of height * width * channels. It uses no random numbers.
    """
    from sklearn.svm import LinearSVR

    vectors = features(frames)
    parts = [vectors[:, start : start + BLOCK] for start in range(0, vectors.shape[1], BLOCK)]
    # in double precision: the frames of a clip are so alike that in single precision their differences are lost
    values, axes = np.linalg.eigh(sum(part.astype(np.float64) @ part.T.astype(np.float64) for part in parts))
    spanned = values > SMALLEST * values[-1]
    if not spanned.any():  # all black
        return np.zeros(frames.shape[1:], np.float32)
    lengths = np.sqrt(values[spanned])
    regression = LinearSVR(
        C=1.0, epsilon=EPSILON, loss="squared_epsilon_insensitive", fit_intercept=False, dual=False, tol=1e-8
    )
    regression.fit(axes[:, spanned] * lengths, np.arange(1, len(vectors) + 1))
    shares = axes[:, spanned] @ (regression.coef_ / lengths)
    image = np.concatenate([shares @ part.astype(np.float64) for part in parts])
    return image.astype(np.float32).reshape(frames.shape[1:])


def features(frames: NDArray[np.generic]) -> NDArray[np.float32]:
    """The features that exact rank pooling orders, float32 (n, size of a frame).

    For each frame the mean of all frames up to it, then the signed square root of every number, then division by the
    Euclidean length; leading black frames remain 0.
    """
    if not len(frames):
        raise ValueError("no frames")
    vectors = np.empty((len(frames), frames[0].size), np.float32)
    total = np.zeros(frames[0].size, np.float32)
    for index, frame in enumerate(frames):
        total += frame.ravel()
        rooted = np.copysign(np.sqrt(np.abs(total)), total)  # of the sum: normalising removes the factor
        np.divide(rooted, np.linalg.norm(rooted) or 1.0, out=vectors[index])
    return vectors


def as_image(dynamic: NDArray[np.floating]) -> NDArray[np.uint8]:
    """A dynamic image as uint8 of the same shape: its smallest number becomes 0, its largest 255.

    The range is that of all channels together (our choice, the papers say "a standard RGB image"): scaling each channel
    by itself would change the hues and exaggerate a channel that hardly moves. An image of one value becomes 0.
    """
    lowest, highest = float(dynamic.min()), float(dynamic.max())
    if highest == lowest:
        return np.zeros(dynamic.shape, np.uint8)
    return np.rint((dynamic.astype(np.float64) - lowest) * (255 / (highest - lowest))).astype(np.uint8)
