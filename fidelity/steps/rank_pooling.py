"""Dynamic images: approximate and exact rank pooling, as le2020 uses them (section III.B)."""

from typing import Literal

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


def coefficients(frames: int) -> Array:
    """Weights of the frames in approximate rank pooling, shape (frames,).

    alpha_t = 2 (T - t + 1) - (T + 1) (H_T - H_{t-1}), t from 1 to T, H_n = 1 + 1/2 + ... + 1/n, H_0 = 0. They sum to 0
    for every T, so the only weight of T = 1 is 0.

    Source: Bilen et al. 2016, Dynamic image networks for action recognition, approximate rank pooling.
    """
    if frames < 1:
        raise ValueError(f"frames is {frames}: at least 1 is needed")
    harmonic = np.concatenate([[0.0], np.cumsum(1.0 / np.arange(1, frames + 1))])
    t = np.arange(1, frames + 1)
    return 2.0 * (frames - t + 1) - (frames + 1) * (harmonic[frames] - harmonic[t - 1])


def approximate(frames: NDArray[np.generic], single: Literal["formula", "frame"] = "formula") -> Array:
    """Dynamic image by approximate rank pooling, float64, shape (height, width[, channels]), units of the frames.

    `single` decides about clips of one frame: the formula gives zeros, "frame" returns the frame.

    Source: Bilen et al. 2016, approximate rank pooling: the sum of alpha_t times frame t.
    """
    clip = np.asarray(frames, np.float64)
    if len(clip) == 1 and single == "frame":
        return clip[0]
    return np.tensordot(coefficients(len(clip)), clip, axes=1)


def smoothed(frames: NDArray[np.generic], root: bool = True, unit: bool = True) -> Array:
    """Vectors that exact rank pooling orders, shape (frames, values of one frame).

    Mean of the frames 1 to t (time-varying mean), then the signed square root (`root`), then length 1 (`unit`).

    Source: Fernando et al. 2015, Modeling video evolution for action recognition: time-varying mean vectors, and the
    order mean, root, length of the authors' code.
    """
    clip = np.asarray(frames, np.float64).reshape(len(frames), -1)
    vectors = np.cumsum(clip, axis=0) / np.arange(1, len(clip) + 1)[:, None]
    if root:
        vectors = np.sign(vectors) * np.sqrt(np.abs(vectors))
    if unit:
        lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
        vectors = vectors / np.where(lengths > 0, lengths, 1.0)
    return vectors


def support_vector_regression(vectors: Array, targets: Array, c: float, epsilon: float) -> Array:
    """Weights w, shape (values,), of linear support vector regression without intercept.

    Minimises |w|^2 / 2 + c * sum of max(0, |target - w . vector| - epsilon)^2 with Newton's method, in the space that
    the vectors span (the minimum lies in it). The function is convex and piecewise quadratic.

    Source: Ho and Lin 2012, Large-scale linear support vector regression, L2 loss.
    """
    basis, coordinates = np.linalg.qr(vectors.T)  # vectors = coordinates.T @ basis.T
    rows = coordinates.T

    def excess(w: Array) -> Array:
        error = targets - rows @ w
        return np.sign(error) * np.maximum(np.abs(error) - epsilon, 0.0)

    def value(w: Array) -> float:
        return float(w @ w / 2 + c * np.sum(excess(w) ** 2))

    w = np.zeros(rows.shape[1])
    for _ in range(1000):
        beyond = excess(w)
        gradient = w - 2 * c * rows.T @ beyond
        if np.linalg.norm(gradient) <= 1e-10 * (1 + np.linalg.norm(targets)):
            return basis @ w
        active = rows[beyond != 0]
        step = np.linalg.solve(np.eye(len(w)) + 2 * c * active.T @ active, gradient)
        factor = 1.0
        while value(w - factor * step) > value(w) - 1e-4 * factor * gradient @ step and factor > 1e-8:
            factor /= 2
        w = w - factor * step
    raise ArithmeticError("support vector regression did not converge in 1000 steps")


def exact(
    frames: NDArray[np.generic], c: float = 1.0, epsilon: float = 0.1, root: bool = True, unit: bool = True
) -> Array:
    """Dynamic image by exact rank pooling, float64, shape (height, width[, channels]).

    The weights of a linear support vector regression of the frame numbers 1 to T on the smoothed frames. C is 1;
    `epsilon` is not printed; the code of Fernando et al. leaves it at liblinear's default, 0.1. `root` and `unit` are
    those of `smoothed`.

    Source: Fernando et al. 2015, forward rank pooling as regression with C = 1; Bilen et al. 2016 for pixels in the
    place of features.
    """
    vectors = smoothed(frames, root, unit)
    targets = np.arange(1, len(vectors) + 1, dtype=np.float64)
    return support_vector_regression(vectors, targets, c, epsilon).reshape(np.shape(frames)[1:])


def as_image(dynamic: Array, per_channel: bool = False, flat: float = 0.0) -> Array:
    """Scale a dynamic image linearly so that its minimum is 0 and its maximum 255; float64, not rounded.

    `per_channel` scales each channel of (height, width, channels) on its own; the text does not say. Where minimum and
    maximum are equal, the result is `flat`.

    Source: le2020, section III.B, "represented as a standard RGB image".
    """
    axes = (0, 1) if per_channel else None
    low = dynamic.min(axis=axes, keepdims=True)
    span = dynamic.max(axis=axes, keepdims=True) - low
    return np.where(span > 0, 255.0 * (dynamic - low) / np.where(span > 0, span, 1.0), flat)
