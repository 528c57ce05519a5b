"""From a list of roles to picture files."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from common.corpora.standin import faces, motion, portraits
from common.corpora.standin.casting import FPS, Role
from common.corpora.standin.faces import generator
from common.corpora.standin.layouts import frame_file
from common.corpora.standin.portraits import Portrait, Scene

SCENES: Mapping[str, Scene] = {
    "casme2": Scene(640, 480, unit=92, x=320, y=205, colour=True),
    "smic": Scene(190, 230, unit=68, x=95, y=92, colour=True),
    "samm": Scene(960, 650, unit=128, x=480, y=290, colour=False),
}
SMALLEST, LARGEST = 0.02, 0.05  # how far a landmark moves at the apex, in distances of the eye centres
JPEG = (cv2.IMWRITE_JPEG_QUALITY, 90)


@dataclass(frozen=True)
class Studio:
    """What all clips share: the photographs, and a bank of sensor noise per corpus."""

    seed: int
    photographs: faces.Sources
    noise: Mapping[str, NDArray[np.int16]]


@dataclass(frozen=True)
class Sitter:
    """A subject: the neutral picture, and how strongly the face moves."""

    portrait: Portrait
    traits: Mapping[int, tuple[float, float]]


def studio(seed: int) -> Studio:
    """Read the photographs. Raises UserError where the landmark model is missing."""
    noise = {}
    for corpus, scene in SCENES.items():
        shape = (scene.height, scene.width, 3) if scene.colour else (scene.height, scene.width)
        noise[corpus] = motion.noise_bank(shape, generator(seed, corpus, "noise"))
    return Studio(seed, faces.sources(), noise)


def sitter(studio: Studio, corpus: str, subject: str) -> Sitter:
    """The subject of that name, who sits a little off the middle of the picture."""
    rng = generator(studio.seed, corpus, subject, "sitter")
    scene = SCENES[corpus]
    unit = scene.unit * rng.uniform(0.96, 1.04)
    x, y = np.array((scene.x, scene.y)) + rng.uniform(-0.08, 0.08, 2) * unit
    placed = Scene(scene.width, scene.height, unit, float(x), float(y), scene.colour)
    return Sitter(portraits.portrait(studio.photographs, rng, placed), motion.manner(rng))


def film(studio: Studio, sitter: Sitter, role: Role, root: Path) -> None:
    """Play a clip and write its frames below `root`. Raises OSError where they cannot be written."""
    rng = generator(studio.seed, role.id, "film")
    take = motion.Take(
        units=motion.action_units(role.action_units),
        size=rng.uniform(SMALLEST, LARGEST),
        length=role.offset - role.onset + 1,
        apex=role.apex - role.onset,
        fps=FPS[role.corpus],
    )
    frame_file(root, role, role.onset).parent.mkdir(parents=True)
    frames = motion.play(sitter.portrait, sitter.traits, take, rng, studio.noise[role.corpus])
    for number, frame in enumerate(frames, role.onset):
        path = frame_file(root, role, number)
        _, encoded = cv2.imencode(path.suffix, frame, JPEG if path.suffix == ".jpg" else ())
        path.write_bytes(encoded.tobytes())
