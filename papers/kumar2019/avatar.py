"""The Emotion Avatar Image: sections 3.3 and 3.4 of Kumar et al. (2019).

An affine transform computed from the 68 landmarks registers every frame with the clip's first frame; the mean of the
registered frames is the image. The text leaves the registration to OpenFace. Least squares over all landmarks is our
choice: unlike RANSAC it draws nothing at random, and all landmarks count equally.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray


def affine(points: NDArray[np.floating], reference: NDArray[np.floating]) -> NDArray[np.float64]:
    """The affine transform (2, 3) that maps points (k, 2), as x and y, to `reference` with the least squared distance.

    Raises ValueError if the points lie on one line, because no transform is then determined.
    """
    centre = points.mean(axis=0, dtype=np.float64)  # relative to it numbers are small and the solution is accurate
    known = np.column_stack([points - centre, np.ones(len(points))])
    solution, _, rank, _ = np.linalg.lstsq(known, reference.astype(np.float64), rcond=1e-6)
    if rank < 3:
        raise ValueError("landmarks on one line fix no affine transform")
    linear, shift = solution[:2].T, solution[2]
    return np.column_stack([linear, shift - linear @ centre])


def register(
    frame: NDArray[np.uint8], points: NDArray[np.floating], reference: NDArray[np.floating]
) -> NDArray[np.uint8]:
    """A frame, uint8 (height, width) or (height, width, channels), moved so that `points` (k, 2) meet `reference`.

    Interpolation is linear; where the moved frame has no pixels its edge is repeated, so that no black areas appear.
    Both are our choice.
    """
    size = frame.shape[1], frame.shape[0]
    moved = cv2.warpAffine(
        frame, affine(points, reference), size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    )
    return np.asarray(moved, np.uint8)


def avatar(
    frames: NDArray[np.uint8], landmarks: NDArray[np.floating], reference: NDArray[np.floating]
) -> NDArray[np.uint8]:
    """The Emotion Avatar Image, RGB uint8 (height, width, 3), of frames (n, height, width, 3) with landmarks (n, k, 2).

    `reference` (k, 2) are the landmarks of the clip's first frame, which is the paper's reference even if that frame
    has been removed. Raises ValueError if there are no frames, and in the same cases as `affine`.
    """
    if not len(frames):
        raise ValueError("no frames")
    total = np.zeros(frames.shape[1:], np.float64)
    for frame, points in zip(frames, landmarks, strict=True):
        total += register(frame, points, reference)
    return np.rint(total / len(frames)).astype(np.uint8)
