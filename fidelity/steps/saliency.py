"""Binarised saliency maps, as in figure 4 of reddy2019 (section V.D)."""

from collections.abc import Callable
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


def saliency(
    clip: NDArray[np.generic],
    gradients: Callable[[NDArray[np.generic]], NDArray[np.generic]],
    sign: Literal["absolute", "positive"] = "absolute",
    channel_axis: int | None = None,
) -> Array:
    """Saliency of every pixel of a clip, float64, the clip's shape without `channel_axis`.

    `gradients` returns the derivative of one class's score with respect to the clip, in the clip's shape. Simonyan et
    al. differentiate the score before the softmax. They take absolute values and the maximum over the channels;
    reddy2019 measures "the positive response towards the class scores", which "positive" takes literally: negative
    derivatives become 0.

    Source: Simonyan, Vedaldi and Zisserman 2013, Deep inside convolutional networks, section 3.1.
    """
    derivative = np.asarray(gradients(clip), np.float64)
    if derivative.shape != np.shape(clip):
        raise ValueError(f"gradients have shape {derivative.shape}, the clip {np.shape(clip)}")
    values = np.abs(derivative) if sign == "absolute" else np.maximum(derivative, 0.0)
    return values if channel_axis is None else values.max(axis=channel_axis)


def otsu(values: Array, bins: int = 256) -> float:
    """Threshold that maximises the variance between the values below and above it; the centre of the last bin below.

    Source: Otsu 1979, A threshold selection method from gray-level histograms.
    """
    counts, edges = np.histogram(values, bins)
    centres = (edges[:-1] + edges[1:]) / 2
    below, above = np.cumsum(counts)[:-1], np.cumsum(counts[::-1])[::-1][1:]
    mean_below = np.cumsum(counts * centres)[:-1] / np.maximum(below, 1)
    mean_above = np.cumsum((counts * centres)[::-1])[::-1][1:] / np.maximum(above, 1)
    return float(centres[np.argmax(below * above * (mean_below - mean_above) ** 2)])


def binarised(
    values: Array, method: Literal["otsu", "maximum", "quantile"], level: float = 0.5, frame_axis: int | None = None
) -> NDArray[np.bool_]:
    """Whether each saliency is above a threshold, in the shape of `values`.

    The text gives no threshold: "otsu", `level` times the maximum, or the `level` quantile. `frame_axis` takes one
    threshold per frame, None one for the clip. Where all values are equal, no pixel is above.
    """

    def threshold(part: Array) -> float:
        if method == "otsu":
            return otsu(part)
        return level * float(part.max()) if method == "maximum" else float(np.quantile(part, level))

    if frame_axis is None:
        return values > threshold(values) if np.ptp(values) > 0 else np.zeros(values.shape, bool)
    frames = [binarised(part, method, level) for part in np.moveaxis(values, frame_axis, 0)]
    return np.moveaxis(np.stack(frames), 0, frame_axis)
