"""Rendering a list of films to image files."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from common.standin import faces, motion, portraits, real_motion
from common.standin.casting import FPS, SMIC, Role
from common.standin.faces import generator
from common.standin.films import Film
from common.standin.layouts import Edition
from common.standin.portraits import Portrait, Scene
from common.standin.real_motion import RealMotion

# How far a landmark moves at the apex, in distances of the eye centres.
SIZES: Mapping[str, tuple[float, float]] = {"micro": (0.02, 0.05), "macro": (0.06, 0.12)}
JPEG = (cv2.IMWRITE_JPEG_QUALITY, 90)
VIDEO_QUALITY = 95


@dataclass(frozen=True)
class Studio:
    """What all films share: the size of expressions, the photographs, sensor noise per kind of image, real motion."""

    seed: int
    motion: float
    photographs: faces.Sources
    noise: Mapping[Scene, NDArray[np.int16]]
    real: RealMotion | None = None


@dataclass(frozen=True)
class Sitter:
    """A subject in front of a camera: the neutral image, and how strongly the face moves."""

    portrait: Portrait
    traits: Mapping[int, tuple[float, float]]


def studio(seed: int, scenes: Iterable[Scene], factor: float = 1.0, real: RealMotion | None = None) -> Studio:
    """Prepare what all films share. Raises UserError if the landmark model is missing."""
    noise = {}
    for scene in scenes:
        shape = (scene.height, scene.width, 3) if scene.colour else (scene.height, scene.width)
        noise[scene] = motion.noise_bank(shape, generator(seed, *shape, "noise"))
    return Studio(seed, factor, faces.sources(), noise, real)


def sitter(studio: Studio, corpus: str, subject: str, scene: Scene) -> Sitter:
    """The subject of that name, who sits slightly off the centre of the image.

    The subject is the same person in every scene, and in all parts of SMIC.
    """
    rng = generator(studio.seed, SMIC[0] if corpus in SMIC else corpus, subject, "sitter")
    unit = scene.unit * rng.uniform(0.96, 1.04)
    x, y = np.array((scene.x, scene.y)) + rng.uniform(-0.08, 0.08, 2) * unit
    placed = replace(scene, unit=unit, x=float(x), y=float(y))
    return Sitter(portraits.portrait(studio.photographs, rng, placed), motion.manner(rng))


def film(studio: Studio, sitter: Sitter, film: Film, editions: Sequence[Edition], root: Path) -> None:
    """Play a recording once and write what each of `editions`, all of one scene, shows of it below `root`.

    Raises OSError if it cannot be written.
    """
    places: dict[int, list[Path]] = {}
    videos: list[Path] = []
    for edition in editions:
        for role, shown in edition.shows(film):
            edition.path(root, film, role, film.first).parent.mkdir(parents=True, exist_ok=True)
            videos += [edition.path(root, film, role, film.first)] if edition.video else []
            for number in shown:
                files = places.setdefault(number, [])
                files += [] if edition.video else [edition.path(root, film, role, number)]
    if not places:
        return
    rng = generator(studio.seed, film.id, "film")
    expressions = [_expression(role, studio, rng) for role in film.played]
    take = motion.Take(expressions, film.first, film.last, FPS[film.corpus])
    numbers = sorted(places)
    frames = motion.play(sitter.portrait, sitter.traits, take, rng, studio.noise[editions[0].scene], numbers)
    for video in videos:
        frames = _recorded(frames, video, FPS[film.corpus])
    for number, frame in zip(numbers, frames, strict=True):
        encoded: dict[str, bytes] = {}
        for path in places[number]:
            if path.suffix not in encoded:
                _, data = cv2.imencode(path.suffix, frame, JPEG if path.suffix == ".jpg" else ())
                encoded[path.suffix] = data.tobytes()
            path.write_bytes(encoded[path.suffix])


def _expression(role: Role, studio: Studio, rng: np.random.Generator) -> motion.Expression:
    size = studio.motion * rng.uniform(*SIZES[role.expression])
    measured = real_motion.field(studio.real.maps[role.id]) if studio.real else None
    units = [] if studio.real else motion.action_units(role.action_units)
    return motion.Expression(units, size, role.onset, role.apex, role.offset, measured)


def _recorded(frames: Iterable[NDArray[np.uint8]], path: Path, fps: float) -> Iterator[NDArray[np.uint8]]:
    """Pass on `frames`, one or more, writing them to a video. Raises OSError if it cannot be written completely."""
    writer = None
    for frame in frames:
        if writer is None:
            size = (frame.shape[1], frame.shape[0])
            writer = cv2.VideoWriter(str(path), cv2.CAP_OPENCV_MJPEG, cv2.VideoWriter.fourcc(*"MJPG"), fps, size)
            writer.set(cv2.VIDEOWRITER_PROP_QUALITY, VIDEO_QUALITY)
        writer.write(frame)
        yield frame
    if writer is not None:
        writer.release()
    # A writer reports no error on a full disk, but then the size declared in the AVI file is wrong.
    with path.open("rb") as file:
        stated = int.from_bytes(file.read(8)[4:], "little") + 8
    if path.stat().st_size != stated:
        raise OSError(f"{path.name} was not written completely; the disk may be full")
