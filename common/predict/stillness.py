"""How much a face changes between two frames, apart from the movement of the head and the noise of the images."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from common.vision.alignment import aligned_picture, alignment

SIZE = 192
"""Width and height of the aligned face in pixels; its eyes are about 70 pixels apart."""
FINE, COARSE = 0.03, 0.3
"""Noise finer than the first scale and shading coarser than the second are removed; in units of the eye distance."""
HIGHEST = 98.0
"""Percentile of the pixels of the face that counts: an expression moves only a part of it."""
STILL = 2.4
"""Grey levels below which nothing moves, for eyes that are `LARGE` or more pixels apart."""
LARGE = 50.0
"""Smaller faces are enlarged more, and the noise in their images with them, so their limit is higher."""

Picture = NDArray[np.uint8]


def aligned(frame: Picture, points: NDArray[np.float32]) -> Picture:
    """The face with these landmarks (68, 2) in an RGB frame, as a grey image (SIZE, SIZE)."""
    grey = np.asarray(cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY), np.uint8)
    return aligned_picture(grey, alignment(points, SIZE), SIZE)


def change(first: Picture, later: Picture, points: NDArray[np.float32]) -> float:
    """Grey levels by which a face in a later frame differs from that in the first, both from `aligned`.

    `points` are the landmarks in the first frame; both faces are cut at the same place. The movement of the head is
    the affine map that fits the optical flow within the outline of the landmarks, robustly; it is undone, and so is a
    change of brightness.
    """
    to_face = alignment(points, SIZE)
    marks = points @ to_face[:, :2].T + to_face[:, 2]
    apart = float(np.hypot(*(marks[42:48].mean(0) - marks[36:42].mean(0))))
    inside = np.zeros((SIZE, SIZE), np.uint8)
    cv2.fillConvexPoly(inside, cv2.convexHull(np.rint(marks).astype(np.int32)), 1)
    face = inside.astype(bool)
    if not face.any():
        return float("inf")
    maps = _head_movement(first, later, face)
    moved = cv2.remap(later, maps[..., 0], maps[..., 1], cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
    before, after = _band(first, apart)[face], _band(np.asarray(moved, np.uint8), apart)[face]
    gain = float((before * after).sum() / max((after * after).sum(), 1e-6))
    return float(np.percentile(np.abs(gain * after - before), HIGHEST))


def limit(apart: float) -> float:
    """The `change` below which nothing moves, in a face whose eyes are `apart` pixels apart in the frame."""
    return STILL * max(1.0, LARGE / max(apart, 1.0))


def _head_movement(first: Picture, later: Picture, face: NDArray[np.bool_]) -> NDArray[np.float32]:
    """Where each pixel of the first image is in the later one if only the head moves, (SIZE, SIZE, 2) as x and y."""
    flow = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM).calc(first, later, None)  # type: ignore[call-overload]
    x, y = np.meshgrid(np.arange(SIZE, dtype=np.float32), np.arange(SIZE, dtype=np.float32))
    places = np.stack([x, y, np.ones_like(x)], axis=-1)
    weights = np.ones((int(face.sum()), 1))
    for _ in range(3):  # pixels that do not move with the head count less each time
        affine = np.linalg.lstsq(places[face] * weights, flow[face] * weights, rcond=None)[0]
        apart = np.hypot(*(flow[face] - places[face] @ affine).T)
        weights = 1 / np.maximum(apart, np.median(apart) + 1e-6)[:, None]
    return (places[..., :2] + places @ affine).astype(np.float32)


def _band(picture: Picture, apart: float) -> NDArray[np.float32]:
    values = picture.astype(np.float32)
    fine, coarse = (cv2.GaussianBlur(values, (0, 0), scale * apart) for scale in (FINE, COARSE))
    return np.asarray(fine - coarse, np.float32)
