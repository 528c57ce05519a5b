"""The marker that distinguishes stand-in corpora from licensed ones, wherever they are."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path

MARKER = "STAND-IN.txt"
"""A file in every folder of a stand-in corpus, so that no copy is mistaken for the real corpus."""
LICENSED, PUBLIC_MAPS, STAND_IN, REAL_MOTION = "licensed", "public-maps", "stand-in", "real-motion"
"""Kinds of data that experiments run on: recordings of people, public flow maps of such recordings, synthetic faces,
and synthetic faces that move as these maps show."""
REAL = (LICENSED, PUBLIC_MAPS)
"""The kinds that come from people: what is measured on others is no reproduction."""
TEXTS: Mapping[str, str] = {
    STAND_IN: "Synthetic faces written by mer-suite; not recordings of people.\n",
    REAL_MOTION: "Synthetic faces with real motion, written by mer-suite; not recordings of people.\n",
}
"""What a marker says, by kind of data."""


def inside_marked(folder: Path, top: Path) -> bool:
    """Whether a folder, or one above it up to `top`, is marked. Unlike `marked`: a corpus beside it may be licensed."""
    return any(os.path.isfile(path / MARKER) for path in (folder, *folder.parents) if path.is_relative_to(top))


def marked(folder: Path) -> bool:
    """Whether a folder is a stand-in corpus, is inside one, or contains one directly or one level down."""
    return any(_markers(folder))


def kind(*folders: Path) -> str:
    """The kind of data in folders: "licensed" if none is `marked`, "stand-in" unless all markers say "real-motion"."""
    texts = {_text(marker) for folder in folders for marker in _markers(folder)}
    return LICENSED if not texts else REAL_MOTION if texts == {TEXTS[REAL_MOTION].strip()} else STAND_IN


def _markers(folder: Path) -> Iterator[Path]:
    for path in (folder, *folder.absolute().parents, *folder.glob("*/"), *folder.glob("*/*/")):
        if os.path.isfile(path / MARKER):  # false in a folder that may not be read
            yield path / MARKER


def _text(marker: Path) -> str:
    try:
        return marker.read_text(encoding="ascii", errors="replace").strip()
    except OSError:
        return ""
