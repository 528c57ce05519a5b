"""Facial action units as displacements of the face plane, and recordings that play them.

An action unit is a sum of Gaussian pushes at landmarks; its size is a fraction of the distance of the eye centres. The
strength relative to the apex rises from the onset to the apex and falls to the offset; before, between and after its
expressions a face is neutral. Head drift, flicker, sensor noise and blinks do not depend on the emotion.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from common.standin import real_motion
from common.standin.faces import MIRROR, NO_MAP, Array
from common.standin.portraits import Portrait

STEP = 4  # pixels per sample of the displacement field
DEPTH = 16  # brightness steps per grey level while rendering
BLINKS = 0.1  # fraction of expressions with a blink, unless it would coincide with onset or apex
BLINK_EVERY = 3.0  # seconds between the blinks of a neutral face
EBB = 0.15  # seconds in which the rest of an expression fades after its offset
REACH = (-1.55, -1.95, 1.55, 2.0)  # the part of the image that moves, in face units: left, top, right, bottom


@dataclass(frozen=True)
class Push:
    """A displacement `move` (right, down) at the mean of landmarks `at`, fading over `spread` face units."""

    at: tuple[int, ...]
    move: tuple[float, float]
    spread: float


# On the side of the face that is left in the image; the other side is mirrored (FACS: Ekman and Friesen).
ACTION_UNITS: Mapping[int, tuple[Push, ...]] = {
    1: (Push((20,), (0.0, -0.8), 0.18), Push((21,), (0.0, -1.0), 0.18)),
    2: (Push((17,), (0.0, -0.8), 0.20), Push((18, 19), (0.0, -1.0), 0.20)),
    4: (Push((21,), (0.55, 0.8), 0.20), Push((19, 20), (0.35, 0.7), 0.20)),
    5: (Push((37, 38), (0.0, -0.7), 0.12),),
    6: (Push((41, 41, 48), (0.0, -0.8), 0.20), Push((41,), (0.0, -0.4), 0.12), Push((36,), (0.1, 0.2), 0.12)),
    7: (Push((40, 41), (0.0, -0.6), 0.12), Push((37, 38), (0.0, 0.3), 0.10)),
    9: (Push((31,), (0.0, -0.8), 0.16), Push((29, 39), (0.1, -0.6), 0.16), Push((21,), (0.2, 0.5), 0.18)),
    10: (Push((50,), (0.0, -0.8), 0.15), Push((31, 49), (-0.1, -0.9), 0.16)),
    12: (Push((48,), (-0.7, -0.8), 0.22), Push((41, 48), (-0.1, -0.4), 0.22)),
    14: (Push((48,), (-0.9, 0.1), 0.16),),
    15: (Push((48,), (-0.15, 0.95), 0.18),),
    17: (Push((57, 8), (0.0, -0.9), 0.26), Push((58,), (0.0, -0.5), 0.14)),
    25: (Push((58, 57), (0.0, 0.7), 0.16),),
    45: (Push((37, 38), (0.0, 2.6), 0.15), Push((40, 41), (0.0, -0.4), 0.12)),
}


def action_units(text: str) -> list[tuple[int, float, float]]:
    """Codes such as `6+12` or `L14` as (number, strength in the left half of the face, strength in the right half).

    `L` and `R` are the sides of the person: the person's left is right in the image.
    """
    units = []
    for code in text.split("+"):
        side = code[0] if code[0] in "LR" else ""
        units.append((int(code.lstrip("LR")), float(side != "L"), float(side != "R")))
    return units


@dataclass(frozen=True)
class Expression:
    """`units` as `action_units` gives them, `size` in face units; `onset`, `apex` and `offset` are frame numbers.

    `measured` is a motion as `real_motion.field` returns it, which is then played instead of action units.
    """

    units: Sequence[tuple[int, float, float]]
    size: float
    onset: int
    apex: int
    offset: int
    measured: Array | None = None


@dataclass(frozen=True)
class Take:
    """What is played: frames `first` to `last` with one or more `expressions`, in order and not overlapping."""

    expressions: Sequence[Expression]
    first: int
    last: int
    fps: float

    def seconds(self, numbers: NDArray[np.int64]) -> NDArray[np.float64]:
        """The times of frames in seconds, counted from the first onset."""
        return (numbers - self.expressions[0].onset) / self.fps


def manner(rng: np.random.Generator) -> dict[int, tuple[float, float]]:
    """How strongly a subject shows each action unit on the two sides of the face."""
    return {unit: tuple(rng.uniform(0.85, 1.15) * rng.uniform(0.9, 1.1, 2)) for unit in ACTION_UNITS}


def profile(length: int, apex: int, rest: float, sharpness: float) -> Array:
    """Fraction of the full motion in each frame: 0 at the onset, 1 at `apex`, `rest` at the offset."""
    frame = np.arange(length, dtype=np.float64)
    rise = np.clip(frame / apex, 0, 1)
    fall = np.clip((frame - apex) / max(length - 1 - apex, 1), 0, 1)
    share = np.sin(np.pi / 2 * rise**sharpness) ** 2 * (rest + (1 - rest) * np.cos(np.pi / 2 * fall**sharpness) ** 2)
    return share.astype(np.float32)


def shares(expression: Expression, numbers: NDArray[np.int64], fps: float, rest: float, sharpness: float) -> Array:
    """`profile` by frame number, 0 before the onset; after the offset the rest fades within `EBB` seconds."""
    during = profile(expression.offset - expression.onset + 1, expression.apex - expression.onset, rest, sharpness)
    shown = during[np.clip(numbers - expression.onset, 0, len(during) - 1)]
    gone = np.clip((numbers - expression.offset) / (EBB * fps), 0, 1)
    return (shown * np.cos(np.pi / 2 * gone) ** 2).astype(np.float32)


def field(face: Portrait, units: Sequence[tuple[int, float, float]], where: Array) -> Array:
    """Displacement (..., 2) in pixels at pixel positions `where`, for a size of one face unit."""
    total = np.zeros_like(where)
    for unit, left, right in units:
        moved, weight = np.zeros_like(where), np.zeros(where.shape[:-1], np.float32)
        for push in ACTION_UNITS[unit]:
            for gain, at, flip in ((left, push.at, 1), (right, tuple(MIRROR[list(push.at)]), -1)):
                away = (where - face.landmarks[list(at)].mean(0)) / (push.spread * face.unit)
                bell = np.exp(-0.5 * (away**2).sum(-1))
                moved += gain * bell[..., None] * np.array((flip * push.move[0], push.move[1]), np.float32)
                weight += bell
        total += moved / np.maximum(weight, 1)[..., None]
    return (total * face.unit).astype(np.float32)


def play(
    face: Portrait,
    traits: Mapping[int, tuple[float, float]],
    take: Take,
    rng: np.random.Generator,
    noise: NDArray[np.int16],
    chosen: Sequence[int] | None = None,
) -> Iterator[Array]:
    """The frames of a take, or those of them that are `chosen`: uint8, shaped as `face.picture`.

    A frame does not depend on what else is chosen. `noise` is a bank of sensor noise larger than the image, of which
    every frame shows a different part.
    """
    height, width = face.picture.shape[:2]
    left, top, right, bottom = _region(face, width, height)
    columns, rows = -(-(right - left) // STEP), -(-(bottom - top) // STEP)
    right, bottom = left + columns * STEP, top + rows * STEP
    where = np.stack(np.meshgrid(_samples(left, columns), _samples(top, rows)), -1).astype(np.float32)
    grid = np.stack(np.meshgrid(np.arange(left, right), np.arange(top, bottom)), -1).astype(np.float32)
    size = grid.shape[1::-1]
    still = face.picture.astype(np.int16) * DEPTH
    inside = still[top:bottom, left:right]

    moves = [_displacement(face, traits, expression, where) for expression in take.expressions]
    creases = [
        cv2.resize(_creases(move, expression), size)[: height - top, : width - left]
        for move, expression in zip(moves, take.expressions, strict=True)
    ]
    darker = [(inside * (crease[..., None] if inside.ndim == 3 else crease)).astype(np.int16) for crease in creases]
    blink = 0.05 * field(face, [(45, 1.0, 1.0)], where)
    plane = (where - face.landmarks[36:48].mean(0)) / face.unit
    held = _held(plane)[..., None]
    turn = held * np.stack([-plane[..., 1] + 1.5, plane[..., 0]], -1) * face.unit  # about the neck

    numbers = np.array(range(take.first, take.last + 1) if chosen is None else chosen)
    seconds = take.seconds(numbers)
    shown = [
        shares(expression, numbers, take.fps, rng.uniform(0.0, 0.25), rng.uniform(0.9, 1.3))
        for expression in take.expressions
    ]
    closed = _blinks(take, numbers, rng)
    shift = _wander(seconds, rng, 2) * 0.003 * face.unit
    angle = _wander(seconds, rng, 1) * 0.0015
    flicker = (
        1
        + 0.006 * np.sin(2 * np.pi * (rng.uniform(8, 12) * seconds + rng.random()))
        + 0.003 * _wander(seconds, rng, 1)[:, 0]
    )
    spare, grain = np.array(noise.shape[:2]) - (height, width), int(rng.integers(2**32))
    for index, number in enumerate(numbers):
        moved = closed[index] * blink + held * shift[index] + angle[index] * turn
        for share, move in zip(shown, moves, strict=True):
            moved += share[index] * move
        maps = grid - cv2.resize(moved.astype(np.float32), size)
        frame: Array = still.copy()
        part = cv2.remap(still, maps, NO_MAP, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
        part = part[: height - top, : width - left]
        for share, crease in zip(shown, darker, strict=True):
            part = cv2.scaleAdd(crease, float(share[index]), part) if share[index] > 0 else part
        frame[top:bottom, left:right] = part
        y, x = np.random.default_rng((grain, number)).integers(0, spare + 1)
        frame = cv2.add(frame, noise[y : y + height, x : x + width])
        yield cv2.convertScaleAbs(frame, alpha=float(flicker[index]) / DEPTH)


def noise_bank(shape: tuple[int, ...], rng: np.random.Generator, grey_levels: float = 1.2) -> NDArray[np.int16]:
    """Sensor noise for images of `shape`, 48 pixels larger on two sides, in the units of `play`."""
    larger = (shape[0] + 48, shape[1] + 48, *shape[2:])
    return np.round(rng.standard_normal(larger, np.float32) * grey_levels * DEPTH).astype(np.int16)


def _displacement(
    face: Portrait, traits: Mapping[int, tuple[float, float]], expression: Expression, where: Array
) -> Array:
    """The displacement (..., 2) in pixels of an expression as this subject shows it, at its apex."""
    if expression.measured is not None:
        return expression.size * real_motion.displacement(face, expression.measured, where)
    moved = field(face, [(unit, a * traits[unit][0], b * traits[unit][1]) for unit, a, b in expression.units], where)
    largest = float(np.linalg.norm(moved, axis=-1).max()) / face.unit
    # Action units that overlap add up to no more than the size.
    return (moved * (expression.size / max(largest, 1))).astype(np.float32)


def _region(face: Portrait, width: int, height: int) -> tuple[int, int, int, int]:
    x, y = face.landmarks[36:48].mean(0)
    left, top = max(int(x + REACH[0] * face.unit), 0), max(int(y + REACH[1] * face.unit), 0)
    return left, top, min(int(x + REACH[2] * face.unit), width), min(int(y + REACH[3] * face.unit), height)


def _samples(first: int, count: int) -> Array:
    return (first + (np.arange(count) + 0.5) * STEP - 0.5).astype(np.float32)


def _held(plane: Array) -> Array:
    """1 on the head, falling to 0 at the border of the moving part, so that there is no visible seam."""
    margins = [plane[..., 0] - REACH[0], REACH[2] - plane[..., 0], plane[..., 1] - REACH[1], REACH[3] - plane[..., 1]]
    weight = np.clip(np.min(margins, axis=0) / 0.3 - 0.1, 0, 1)
    return (weight * weight * (3 - 2 * weight)).astype(np.float32)


def _creases(moved: Array, expression: Expression) -> Array:
    """Relative darkening where skin is compressed; none with measured motion, which flow would no longer find."""
    if expression.measured is not None:
        return np.zeros(moved.shape[:-1], np.float32)
    squeeze = -(np.gradient(moved[..., 0], STEP, axis=1) + np.gradient(moved[..., 1], STEP, axis=0))
    return (-0.35 * np.clip(squeeze, -0.3, 0.3)).astype(np.float32)


def _wander(seconds: NDArray[np.float64], rng: np.random.Generator, count: int) -> NDArray[np.float64]:
    """Slow smooth movement, about unit size, 0 at the time 0: (frames, count)."""
    rates, phases = rng.uniform(0.3, 1.2, (2, count)), rng.uniform(0, 2 * np.pi, (2, count))
    waves = np.sin(2 * np.pi * seconds[:, None, None] * rates + phases).sum(1)
    return waves - np.sin(phases).sum(0)


def _blinks(take: Take, numbers: NDArray[np.int64], rng: np.random.Generator) -> Array:
    """How far the eyes are closed in each frame: sometimes between expressions, rarely in them, never at an apex."""
    half = 0.06 * take.fps
    centres = []
    for expression in take.expressions:
        centre = rng.uniform(expression.onset, expression.offset + 1)
        clear = min(centre - expression.onset, abs(centre - expression.apex)) >= 1.2 * half
        if rng.random() <= BLINKS and clear:
            centres.append(centre)
    for centre in rng.uniform(take.first, take.last, int((take.last - take.first) / take.fps / BLINK_EVERY)):
        if not any(
            expression.onset - 1.2 * half <= centre <= expression.offset + 1.2 * half for expression in take.expressions
        ):
            centres.append(centre)
    closed = np.zeros(len(numbers))
    for centre in centres:
        closed = np.maximum(closed, np.clip(1 - np.abs(numbers - centre) / half, 0, 1) ** 0.7)
    return closed.astype(np.float32)
