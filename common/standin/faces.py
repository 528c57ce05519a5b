"""Synthetic faces: blends of several small photographs, composed into head-and-shoulders images.

The photographs are the hundred face crops of `skimage.data.lfw_subset()`, 25x25 pixels each. A subject is a weighted
mean of three of them, in shape and in brightness, after each was warped to the mean shape by its dlib landmarks. The
sharpness that such small images lack comes from the high-pass detail of `skimage.data.astronaut()`, warped the same
way. `portraits` draws what is around the face.

All positions are in face units: the origin is between the eyes, the distance of the eye centres is 1, y points down.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cache
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]  # float32 unless stated otherwise; OpenCV's own annotations name no single type

# Crops that show a frontal face without glasses, its mouth closed or nearly so.
FRONTAL = (2, 7, 20, 42, 46, 60, 62, 63, 66, 72, 90, 95, 98)
BLENDED = 3
ENLARGED = 12
MARGIN = 60
UNIT = 100.0  # pixels per face unit in the blended images
LEFT, TOP, RIGHT, BOTTOM = -1.7, -1.9, 1.7, 2.3  # the part of the face plane that is blended, in face units
NO_MAP = np.empty(0, np.float32)  # `cv2.remap` takes both coordinates in its first map
MIRROR = np.r_[
    16:-1:-1, 26:16:-1, 27:31, 35:30:-1, 45:41:-1, 47, 46, 39:35:-1, 41, 40, 54:47:-1, 59:54:-1, 64:59:-1, 67:64:-1
]  # fmt: skip
"""The index that each of the 68 landmarks has in a mirrored face."""


def generator(*names: object) -> np.random.Generator:
    """A random generator that depends only on `names`."""
    digest = hashlib.sha256("/".join(map(str, names)).encode()).digest()
    return np.random.default_rng(int.from_bytes(digest[:16], "big"))


@dataclass(frozen=True)
class Sources:
    """The photographs: grey pictures in 0..1 and landmarks (68, 2) in pixels; the last one gives the detail."""

    pictures: tuple[Array, ...]
    landmarks: tuple[Array, ...]
    mean: Array
    """Mean shape (68, 2) in face units, symmetrical."""


@cache  # they never change, and finding their landmarks takes seconds
def sources() -> Sources:
    """Read the photographs and find their landmarks.

    Raises UserError if the 68-point landmark model is missing.
    """
    from skimage import data

    from common.vision.faces import FaceFinder

    crops = data.lfw_subset()[list(FRONTAL)].astype(np.float32)
    side = crops.shape[1] * ENLARGED
    pictures = []
    for crop in crops:
        large = cv2.GaussianBlur(cv2.resize(crop, (side, side), interpolation=cv2.INTER_CUBIC), (0, 0), ENLARGED / 2)
        pictures.append(cv2.copyMakeBorder(large, *(MARGIN,) * 4, cv2.BORDER_REPLICATE))
    portrait = cv2.cvtColor(data.astronaut()[40:260, 110:340], cv2.COLOR_RGB2GRAY).astype(np.float32) / 255
    pictures.append(cv2.resize(portrait, None, fx=3, fy=3, interpolation=cv2.INTER_CUBIC))
    pictures = [np.clip(picture, 0, 1) for picture in pictures]
    finder = FaceFinder()
    marks = [finder.find(_rgb(picture), "stand-in photograph").points for picture in pictures]
    shapes = np.stack([face_units(points) for points in marks[:-1]])
    mean = shapes.mean(0)
    mean = (mean + mean[MIRROR] * (-1, 1)) / 2
    return Sources(tuple(pictures), tuple(marks), mean.astype(np.float32))


def _rgb(picture: Array) -> NDArray[np.uint8]:
    return np.repeat(np.round(picture * 255).astype(np.uint8)[:, :, None], 3, axis=2)


def face_units(points: Array) -> Array:
    """Landmarks (68, 2) in pixels moved, turned and scaled to face units."""
    left, right = points[36:42].mean(0), points[42:48].mean(0)
    across = (right - left) / np.sum((right - left) ** 2)
    turn = np.array([across, (-across[1], across[0])])
    return ((points - (left + right) / 2) @ turn.T).astype(np.float32)


def thin_plate(at: Array, values: Array, where: Array, stiffness: float = 1e-4) -> Array:
    """The thin-plate spline through `values` (n, k) at points `at` (n, 2), evaluated at `where` (..., 2)."""

    def kernel(squared: NDArray[np.float64]) -> NDArray[np.float64]:
        return squared * np.log(squared + 1e-12)

    at, values = at.astype(np.float64), values.astype(np.float64)
    n = len(at)
    system = np.zeros((n + 3, n + 3))
    system[:n, :n] = kernel(((at[:, None] - at[None]) ** 2).sum(-1)) + stiffness * np.eye(n)
    system[:n, n:] = np.c_[np.ones(n), at]
    system[n:, :n] = system[:n, n:].T
    weights = np.linalg.solve(system, np.r_[values, np.zeros((3, values.shape[1]))])
    flat = where.reshape(-1, 2).astype(np.float64)
    basis = np.c_[kernel(((flat[:, None] - at[None]) ** 2).sum(-1)), np.ones(len(flat)), flat]
    return (basis @ weights).reshape(*where.shape[:-1], -1).astype(np.float32)


def unit_grid(step: float = 1.0) -> Array:
    columns, rows = (round((RIGHT - LEFT) * UNIT / step), round((BOTTOM - TOP) * UNIT / step))
    x = LEFT + (np.arange(columns) + 0.5) * step / UNIT
    y = TOP + (np.arange(rows) + 0.5) * step / UNIT
    return np.stack(np.meshgrid(x, y), -1).astype(np.float32)


def warped(picture: Array, marks: Array, shape: Array) -> Array:
    """`picture` warped so that its landmarks `marks` (pixels) match `shape` (face units)."""
    coarse = thin_plate(shape, marks, unit_grid(8), 1e-2)
    size = unit_grid().shape[1::-1]
    maps = cv2.resize(coarse, size, interpolation=cv2.INTER_LINEAR)
    return cv2.remap(picture, maps, NO_MAP, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)


def fill(points: Array, soft: float) -> Array:
    """A soft-edged mask of a polygon given in face units."""
    size = unit_grid().shape[:2]
    mask = np.zeros(size, np.float32)
    pixels = np.round((points - (LEFT, TOP)) * UNIT * 16).astype(np.int32)
    cv2.fillPoly(mask, [pixels], 1.0, cv2.LINE_AA, 4)
    return cv2.GaussianBlur(mask, (0, 0), soft * UNIT)


def crown(shape: Array, top: float, inset: float = 0.0) -> Array:
    """The outline of the face: the jaw, and half an ellipse that rises to `top` above it."""
    jaw = shape[:17] * (1 - inset)
    angle = np.linspace(0, np.pi, 40)[1:-1]
    right, left = jaw[16], jaw[0]
    middle, radius = (right + left) / 2, (right - left) / 2
    arc = middle + np.cos(angle)[:, None] * radius + np.sin(angle)[:, None] * (0, top - middle[1])
    return np.concatenate([jaw, arc]).astype(np.float32)


def levelled(picture: Array, mask: Array) -> Array:
    """`picture` with mean 0.5 and spread 0.13 inside `mask`, with most large-scale lighting removed."""
    weight = mask + 1e-4
    light = cv2.GaussianBlur(picture * weight, (0, 0), 0.7 * UNIT) / cv2.GaussianBlur(weight, (0, 0), 0.7 * UNIT)
    flat = picture - 0.75 * light
    mean = float((flat * mask).sum() / mask.sum())
    spread = float(np.sqrt((((flat - mean) ** 2) * mask).sum() / mask.sum()))
    return (0.5 + (flat - mean) * 0.13 / spread).astype(np.float32)


def blend(given: Sources, rng: np.random.Generator) -> tuple[Array, Array]:
    """The face of a new subject.

    Returns the brightness relative to its mean, float32 (height, width) on `unit_grid`, and its landmarks (68, 2) in
    face units. The face is extended smoothly beyond its outline.
    """
    chosen = rng.choice(len(given.pictures) - 1, BLENDED, replace=False)
    weights = 0.2 + 0.4 * rng.dirichlet(np.ones(BLENDED))
    shapes = [face_units(given.landmarks[index]) for index in chosen]
    own = sum(weight * shape for weight, shape in zip(weights, shapes, strict=True)) - given.mean
    own = 0.45 * own + 0.45 * own[MIRROR] * (-1, 1)
    stretch = 1 + rng.uniform(-1, 1, 2) * (0.04, 0.03)
    shape = _closed((given.mean + own) * stretch)

    head = fill(crown(shape, -0.85, 0.06), 0.03)
    tone = np.zeros_like(head)
    for index, weight in zip(chosen, weights, strict=True):
        picture, marks = given.pictures[index], given.landmarks[index]
        if rng.random() < 0.5:
            picture, marks = picture[:, ::-1], (marks * (-1, 1) + (picture.shape[1] - 1, 0))[MIRROR]
        tone += weight * levelled(warped(picture, marks, shape), head)
    portrait = levelled(warped(given.pictures[-1], given.landmarks[-1], shape), head)
    sharp = portrait - cv2.GaussianBlur(portrait, (0, 0), 0.09 * UNIT)
    # The portrait smiles and has a fringe: its detail is used fully around the eyes, partly elsewhere, and not at the
    # mouth, whose closed lips are a drawn line.
    eyes = shape[[17, 19, 24, 26, 45, 46, 41, 36]]
    lips = shape[48:60] + 0.35 * (shape[48:60] - shape[48:60].mean(0))
    gain = (0.5 + 0.4 * fill(eyes, 0.08)) * fill(crown(shape, -0.56, 0.12), 0.06) * (1 - 0.9 * fill(lips, 0.05))
    line = np.concatenate([shape[60:65] - (0, 0.008), shape[[65, 66, 67]] + (0, 0.008)])
    tone += gain * sharp - 0.28 * fill(line, 0.016) - 0.05 * fill(shape[48:60], 0.03)
    grain = rng.standard_normal(tone.shape).astype(np.float32)
    tone += 0.012 * cv2.GaussianBlur(grain, (0, 0), 1.0) + 0.05 * cv2.GaussianBlur(grain, (0, 0), 4.0)

    smooth = cv2.GaussianBlur(tone * head, (0, 0), 0.25 * UNIT) / (cv2.GaussianBlur(head, (0, 0), 0.25 * UNIT) + 1e-3)
    return (2 * (head * tone + (1 - head) * np.maximum(smooth, 0.45))).astype(np.float32), shape


def _closed(shape: Array) -> Array:
    """`shape` with its lips nearly touching."""
    shape = np.array(shape, np.float32)
    upper, lower = [61, 62, 63], [67, 66, 65]
    gap = (shape[lower, 1] - shape[upper, 1]).mean() - 0.03
    shape[[50, 51, 52, *upper], 1] += gap / 2
    shape[[58, 57, 56, *lower], 1] -= gap / 2
    return shape
