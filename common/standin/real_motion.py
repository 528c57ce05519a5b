"""Real motion for stand-ins: how faces moved in the clips of the MEGC 2019 composite, from its public flow maps.

A map (see `common.corpora.flow_maps`) has lost what is needed to move a face: each channel is stretched to 0..255 by
itself. The ratio of vertical to horizontal flow is recovered from the strain, which depends on both; the still point of
each component is estimated by its median, since most of a face hardly moves in a micro-expression. The size of the
motion stays unknown and is drawn as for other stand-ins.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from common.corpora import flow_maps
from common.corpora.composite import DOCUMENTED, shortfall
from common.corpora.made_flow_maps import made
from common.errors import UserError
from common.standin.faces import NO_MAP, Array
from common.standin.portraits import Portrait
from common.types import Clip
from common.vision.flow import strain

CORPORA = tuple(DOCUMENTED)
EYES = (13.5, 7.0)
"""The point between the eyes in a map: column, row. In all maps faces are aligned in the same way, which nobody
documents; this is the place of the eyes in the mean of all maps."""
EYE_DISTANCE = 14.5
RATIOS = np.geomspace(0.1, 10, 41)
FADE = 0.35
"""Face units beyond the map's border in which the motion fades."""


@dataclass(frozen=True)
class RealMotion:
    """Maps, uint8 (28, 28, 3), and classes, by the ids of stand-ins' clips; `digest` changes with any of them.

    `notes` are lines on maps that are not used and on clips of the composite without a map.
    """

    folder: Path
    maps: Mapping[str, NDArray[np.uint8]]
    classes: Mapping[str, str]
    digest: str
    notes: tuple[str, ...] = ()

    def known(self, corpus: str) -> dict[tuple[str, str], str]:
        """The classes of a corpus' clips by subject and name."""
        keys = {key: tuple(key.split("/")) for key in self.classes}
        return {(key[1], key[2]): self.classes[id_] for id_, key in keys.items() if key[0] == corpus}


def read(folder: Path) -> RealMotion:
    """The published maps at or below `folder`, without damaged or doubtful ones. UserError without any.

    Maps that this suite has made are refused: their channels may show something else.
    """
    try:
        corpus = flow_maps.load(folder)
    except UserError as error:
        raise UserError(f"--real-motion {error}") from None
    if any(made(place) for place in flow_maps.find(folder)):
        raise UserError(f"--real-motion {folder}: these maps were made by mer-suite; name the published ones")
    notes = []
    if bad := corpus.exclusions:
        first = f"{bad[0].clip}: {bad[0].reason}"
        notes.append(f"--real-motion: {len(bad)} maps are not used ({first}); --check-data {folder} shows all")
    if short := shortfall(clip.id for clip in corpus.clips):
        notes.append(f"--real-motion: {short}")
    maps, classes = {}, {}
    digest = hashlib.sha256()
    for clip in corpus.clips:
        key = key_of(clip)
        maps[key], classes[key] = flow_maps.image(clip.frames[0]), clip.emotion
        digest.update(f"{key} {clip.emotion}\n".encode() + maps[key].tobytes())
    return RealMotion(folder, maps, classes, digest.hexdigest()[:12], tuple(notes))


def key_of(clip: Clip) -> str:
    """The id that the stand-in of a clip has while it is written: its subject has no letters."""
    return f"{clip.corpus}/{clip.subject.lstrip('sub')}/{clip.name}"


def field(pixels: NDArray[np.uint8]) -> Array:
    """The motion (right, down) in a map, whose largest displacement is about 1: float32 (28, 28, 2)."""
    shown, down, right = np.moveaxis(pixels.astype(np.float32), -1, 0)
    moved = np.stack([right, ratio(right, down, shown) * down], -1)
    moved -= np.median(moved, axis=(0, 1))
    largest = np.percentile(np.linalg.norm(moved, axis=-1), 99.5)  # not the maximum: single samples may be outliers
    return (moved / max(largest, 1e-6)).astype(np.float32)


def ratio(right: Array, down: Array, shown: Array) -> float:
    """The factor of `down` with which the strain of both (28, 28) is most like the strain that is `shown`."""
    candidates = [strain(np.dstack([right, factor * down]).astype(np.float32)) for factor in RATIOS]
    return float(RATIOS[np.argmax([correlation(candidate, shown) for candidate in candidates])])


def correlation(a: Array, b: Array) -> float:
    """Pearson correlation of two arrays of one shape; 0 if either is constant."""
    a, b = a.ravel() - a.mean(dtype=np.float64), b.ravel() - b.mean(dtype=np.float64)
    scale = float(np.linalg.norm(a) * np.linalg.norm(b))
    return float(a @ b) / scale if scale else 0.0


def displacement(face: Portrait, moved: Array, where: Array) -> Array:
    """Displacement (..., 2) in pixels at pixel positions `where` of a motion as `field` returns, of one face unit."""
    at = (where - face.landmarks[36:48].mean(0)) / face.unit * EYE_DISTANCE + EYES
    last = flow_maps.SIZE - 1
    beyond = np.maximum(np.maximum(-at, at - last), 0).max(-1) / EYE_DISTANCE
    near = np.cos(np.pi / 2 * np.clip(beyond / FADE, 0, 1)) ** 2
    spread = cv2.remap(moved, at.astype(np.float32), NO_MAP, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
    return (spread * near[..., None] * face.unit).astype(np.float32)
