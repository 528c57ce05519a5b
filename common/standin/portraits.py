"""Head-and-shoulders images: a blended face with drawn hair, neck, clothes and background.

Shapes are implicit functions of the face plane (see `faces`), positive inside, and become soft masks.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from common.standin.faces import LEFT, TOP, UNIT, Array, Sources, blend, crown, fill

# Colours are red, green, blue in 0..1.
SKIN = ((0.72, 0.56, 0.47), (0.67, 0.51, 0.41), (0.75, 0.60, 0.52), (0.60, 0.45, 0.36), (0.52, 0.38, 0.30))
HAIR = ((0.11, 0.09, 0.08), (0.19, 0.14, 0.11), (0.31, 0.22, 0.15), (0.08, 0.07, 0.07), (0.36, 0.28, 0.20))
CLOTH = ((0.25, 0.30, 0.38), (0.42, 0.40, 0.38), (0.50, 0.28, 0.26), (0.22, 0.34, 0.28), (0.62, 0.60, 0.56))
WALL = ((0.62, 0.66, 0.70), (0.70, 0.68, 0.64), (0.55, 0.58, 0.60), (0.66, 0.70, 0.66))


@dataclass(frozen=True)
class Scene:
    """A camera: image size, distance of the eye centres (`unit`) and the point between the eyes, all in pixels."""

    width: int
    height: int
    unit: float
    x: float
    y: float
    colour: bool


@dataclass(frozen=True)
class Portrait:
    """A neutral face: `picture` (height, width, 3) BGR or (height, width) grey, uint8; landmarks (68, 2) in pixels."""

    picture: NDArray[np.uint8]
    landmarks: Array
    unit: float


def portrait(given: Sources, rng: np.random.Generator, scene: Scene) -> Portrait:
    """The image of a new subject, which depends only on `rng`."""
    tone, shape = blend(given, rng)
    skin = np.array(SKIN[rng.integers(len(SKIN))]) * rng.uniform(0.94, 1.06)
    head = np.clip(_coloured(tone, shape, skin), 0, 1)
    outline = fill(crown(shape, -1.45), 0.012)

    x, y = np.meshgrid(
        (np.arange(scene.width, dtype=np.float32) - scene.x) / scene.unit,
        (np.arange(scene.height, dtype=np.float32) - scene.y) / scene.unit,
    )
    canvas = _wall(x, y, rng)
    hair, strands = _hair(x, y, rng)
    behind, front = hair
    canvas = _over(canvas, strands * 0.6, behind)
    chin = float(shape[8, 1])
    canvas = _body(canvas, x, y, chin, skin, rng)
    canvas = _ears(canvas, x, y, skin)

    place = np.array(
        [[scene.unit / UNIT, 0, scene.x + LEFT * scene.unit], [0, scene.unit / UNIT, scene.y + TOP * scene.unit]]
    )
    size = (scene.width, scene.height)
    if scene.unit < UNIT:  # warpAffine does not average, so blur before shrinking
        head = cv2.GaussianBlur(head, (0, 0), 0.35 * UNIT / scene.unit)
    mask = np.clip(cv2.warpAffine(outline, place, size), 0, 1)
    face = cv2.warpAffine(head, place, size, flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
    shadow = 1 - 0.35 * cv2.GaussianBlur(front, (0, 0), 0.12 * scene.unit)
    canvas = _over(canvas, face * shadow[..., None], mask)
    canvas = _over(canvas, strands, front)

    bgr = np.clip(canvas[..., ::-1], 0, 1).astype(np.float32)
    picture = bgr if scene.colour else cv2.cvtColor(bgr, cv2.COLOR_BGR2GRAY)
    landmarks = (shape * scene.unit + (scene.x, scene.y)).astype(np.float32)
    return Portrait(np.round(picture * 255).astype(np.uint8), landmarks, scene.unit)


def _coloured(tone: Array, shape: Array, skin: Array) -> Array:
    """Skin with brightness `tone`, darker towards its outline, with lips and eyes in their own colours."""
    inside = (fill(crown(shape, -1.45), 0.005) > 0.5).astype(np.uint8)
    depth = cv2.distanceTransform(inside, cv2.DIST_L2, 5) / UNIT
    tone = np.maximum(tone * (1 - 0.38 * np.exp(-depth / 0.16)), 0.05)[..., None]
    colour = skin * tone ** np.array([0.88, 1.02, 1.12])
    lips = fill(shape[48:60], 0.025)[..., None]
    colour = colour * (1 - lips * (1 - np.array([1.0, 0.80, 0.82])))
    for first in (36, 42):
        eye = fill(shape[first : first + 6], 0.015)[..., None]
        grey = colour.mean(-1, keepdims=True) * np.array([1.02, 1.0, 0.98])
        colour = colour + 0.75 * eye * (grey - colour)
    return colour.astype(np.float32)


def _over(below: Array, above: Array, mask: Array) -> Array:
    return below + mask[..., None] * (above - below)


def _soft(inside: Array, softness: float) -> Array:
    """A mask from an implicit function: 1 where it is well above 0."""
    return np.clip(inside / softness + 0.5, 0, 1).astype(np.float32)


def _cloud(rng: np.random.Generator, like: Array, cells: int) -> Array:
    """Smooth noise, about unit spread, with `cells` bumps across the picture."""
    return cv2.resize(
        rng.standard_normal((cells, cells)).astype(np.float32), like.shape[::-1], interpolation=cv2.INTER_CUBIC
    )


def _wall(x: Array, y: Array, rng: np.random.Generator) -> Array:
    colour = np.array(WALL[rng.integers(len(WALL))], np.float32)
    side = rng.uniform(-0.05, 0.05)
    light = 1 + side * x - 0.05 * y + 0.015 * _cloud(rng, x, 6)
    return (light[..., None] * colour).astype(np.float32)


def _body(canvas: Array, x: Array, y: Array, chin: float, skin: Array, rng: np.random.Generator) -> Array:
    """Neck, shoulders and collar."""
    across = np.abs(x)
    width = 0.80 - 0.10 * np.exp(-((y - chin - 0.1) ** 2) / 0.15) + 0.5 * np.maximum(y - chin - 0.25, 0) ** 2
    neck = _soft(width - across, 0.04) * _soft(y - 0.9, 0.1)
    shade = 0.92 - 0.28 * np.exp(-((np.maximum(y - chin, 0) / 0.30) ** 2)) - 0.22 * (across / width) ** 4
    canvas = _over(canvas, shade[..., None] * skin.astype(np.float32), neck)
    slope = chin + 0.38 + 0.42 * np.maximum(across - 0.60, 0) ** 1.0 + 0.10 * np.maximum(across - 1.5, 0) ** 2
    collar = chin + 0.55 + rng.uniform(0.0, 0.2) - 0.5 * (across / 0.9) ** 2
    cloth = np.array(CLOTH[rng.integers(len(CLOTH))], np.float32) * rng.uniform(0.8, 1.1)
    folds = 1 + 0.05 * _cloud(rng, x, 12) - 0.12 * np.maximum(across - 0.8, 0)
    rim = 1 - 0.25 * np.exp(-np.abs(y - collar) / 0.05)
    wear = _soft(y - np.where(across < 0.9, np.maximum(collar, slope), slope), 0.03)
    return _over(canvas, (folds * rim)[..., None] * cloth, wear)


def _ears(canvas: Array, x: Array, y: Array, skin: Array) -> Array:
    across = (np.abs(x) - 1.17 + 0.10 * (y - 0.25)) / 0.13
    inside = 1 - across**2 - ((y - 0.27) / 0.32) ** 2
    shade = 0.72 - 0.22 * np.exp(-((across - 0.1) ** 2) / 0.12) + 0.10 * np.clip(across, 0, 1)
    return _over(canvas, shade[..., None] * skin.astype(np.float32), _soft(inside, 0.25))


def _hair(x: Array, y: Array, rng: np.random.Generator) -> tuple[tuple[Array, Array], Array]:
    """Masks of the hair behind and in front of the face, and its colour."""
    long = rng.random() < 0.4
    parting = rng.choice((-1, 1)) * rng.uniform(0.1, 0.5)
    across = float(x[0, -1] - x[0, 0])
    rough = 0.025 * _cloud(rng, x, round(6 * across)) + 0.03 * _cloud(rng, x, round(2 * across))
    wide, high = (1.42, 1.50) if long else (1.27, 1.40)
    skull = 1 - (x / wide) ** 2 - ((y + 0.30) / high) ** 2 + rough
    hairline = rng.uniform(-1.05, -0.85) - 0.10 * (x - parting) ** 2
    opening = (
        1 - (np.abs(x) / rng.uniform(1.05, 1.12)) ** 3 - (np.maximum(0.2 - y, 0) / (0.2 - hairline)) ** 2.5 + rough
    )
    end = 1.6 if long else rng.uniform(-0.05, 0.25)
    front = _soft(skull, 0.05) * _soft(-opening, 0.12) * _soft(end - y + 2 * rough, 0.2)
    behind = np.zeros_like(front)
    if long:
        fall = wide - 0.06 * (y - 0.3) ** 2 - np.abs(x) + rough
        behind = np.maximum(_soft(fall, 0.05) * _soft(y + 0.35, 0.05) * _soft(2.5 - y, 0.3), _soft(skull, 0.05))
        front = np.maximum(
            front,
            _soft(fall, 0.05) * _soft(np.abs(x) - 1.10 + 0.03 * y, 0.08) * _soft(y + 0.35, 0.1) * _soft(2.5 - y, 0.3),
        )

    from_x, from_y = x - 0.5 * parting, y + 2.1
    angle, radius = np.arctan2(from_y, from_x), np.hypot(from_x, from_y)
    noise = rng.standard_normal((12, 900)).astype(np.float32)
    columns = ((angle / np.pi + 1) * 0.5 * 899).astype(np.float32)
    strands = cv2.remap(noise, columns, np.minimum(radius * 4, 11).astype(np.float32), cv2.INTER_LINEAR)
    shine = 0.30 * np.exp(-((y + 1.25 + 0.2 * x * x) ** 2) / 0.03)
    light = np.clip(0.85 + 0.14 * strands + shine - 0.15 * np.abs(x), 0.2, None)
    colour = np.array(HAIR[rng.integers(len(HAIR))], np.float32)
    return (behind, front), (light[..., None] * colour).astype(np.float32)
