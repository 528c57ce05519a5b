"""Alignment of faces by landmarks, and the avatar image that is the mean of the aligned frames.

aouayeb2019 aligns nothing (section 3.1), le2020 uses the aligned faces of the corpora (section III), kumar2019 fits
an affine transformation of 68 landmarks to the first frame (section 3.3). reddy2019 and talluri2022 name dlib only.
"""

from collections.abc import Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import map_coordinates

Array = NDArray[np.float64]
INNER_EYE_CORNERS = (39, 42)  # of the 68 landmarks, counted from 0
OPENFACE_POINTS = (39, 42, 57)  # inner eye corners and lower lip: the three points of OpenFace's own alignment


def similarity(source: Array, target: Array, scale: bool = True) -> Array:
    """Least-squares similarity from source to target points (points, 2); a (2, 3) matrix for columns (x, y, 1).

    Rotation, translation and, with `scale`, one scale; never a reflection. Two points, such as `INNER_EYE_CORNERS`,
    are mapped exactly.

    Source: Umeyama 1991, Least-squares estimation of transformation parameters between two point patterns.
    """
    source, target = np.asarray(source, np.float64), np.asarray(target, np.float64)
    centre, goal = source.mean(axis=0), target.mean(axis=0)
    covariance = (target - goal).T @ (source - centre) / len(source)
    variance = ((source - centre) ** 2).sum(axis=1).mean()
    if variance == 0:
        raise ValueError("source points: all are equal, so no similarity is defined")
    u, d, vt = np.linalg.svd(covariance)
    s = np.array([1.0, np.sign(np.linalg.det(u) * np.linalg.det(vt))])
    rotation = u @ np.diag(s) @ vt
    factor = float(d @ s) / variance if scale else 1.0
    matrix = factor * rotation
    return np.column_stack([matrix, goal - matrix @ centre])


def affine(source: Array, target: Array) -> Array:
    """Least-squares affine transformation from source to target points (points, 2), at least 3; a (2, 3) matrix."""
    source = np.asarray(source, np.float64)
    rows = np.column_stack([source, np.ones(len(source))])
    if np.linalg.matrix_rank(rows) < 3:
        raise ValueError("source points: an affine transformation needs three that are not on one line")
    return np.linalg.lstsq(rows, np.asarray(target, np.float64), rcond=None)[0].T


def warp(
    image: NDArray[np.generic],
    matrix: Array,
    height: int,
    width: int,
    outside: Literal["zero", "nearest"] = "zero",
) -> Array:
    """Image (height, width[, channels]) seen through a (2, 3) matrix from image to result, read bilinearly; float64.

    Every pixel of the result reads the image at its inversely mapped place. Places outside the image give 0 or the
    nearest pixel.
    """
    inverse = np.linalg.inv(np.vstack([matrix, [0.0, 0.0, 1.0]]))
    y, x = np.mgrid[:height, :width]
    places = np.tensordot(inverse, np.stack([x, y, np.ones_like(x)]).astype(np.float64), axes=1)
    columns, rows, _ = np.round(places, 9)  # a place 1e-15 pixels outside counts as inside
    pixels = np.asarray(image, np.float64)
    mode = "constant" if outside == "zero" else "nearest"
    if pixels.ndim == 2:
        return map_coordinates(pixels, [rows, columns], order=1, mode=mode)
    channels = [map_coordinates(pixels[..., c], [rows, columns], order=1, mode=mode) for c in range(pixels.shape[2])]
    return np.stack(channels, axis=-1)


def registered(
    frames: NDArray[np.generic],
    landmarks: Array,
    reference: Array,
    points: Sequence[int] | None = None,
    kind: Literal["affine", "similarity"] = "affine",
    outside: Literal["zero", "nearest"] = "zero",
) -> Array:
    """Frames (frames, height, width[, channels]) warped so that their landmarks fit the reference's; float64.

    landmarks: (frames, 68, 2); reference: (68, 2), in kumar2019 those of the clip's first frame, whether or not that
    frame was kept. `points` are the landmarks of the fit, None for all. The text does not give them; OpenFace's own
    three are `OPENFACE_POINTS`.

    Source: kumar2019, section 3.3.
    """
    chosen = list(range(len(reference))) if points is None else list(points)
    fit = affine if kind == "affine" else similarity
    height, width = np.shape(frames)[1:3]
    return np.stack(
        [
            warp(frame, fit(found[chosen], reference[chosen]), height, width, outside)
            for frame, found in zip(frames, landmarks, strict=True)
        ]
    )


def emotion_avatar_image(frames: NDArray[np.generic]) -> Array:
    """Mean of the registered frames of one clip, float64, shape (height, width[, channels]), units of the frames.

    Source: kumar2019, section 3.4. Yang and Bhanu 2012 register with SIFT flow to an average face of all clips and
    repeat this; kumar2019 replaces both, so neither is here.
    """
    return np.asarray(frames, np.float64).mean(axis=0)
