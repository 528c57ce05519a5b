"""The marker that distinguishes stand-in corpora from licensed ones, wherever they are."""

from __future__ import annotations

import os
from pathlib import Path

MARKER = "STAND-IN.txt"
"""A file in every folder of a stand-in corpus, so that no copy is mistaken for the real corpus."""


def inside_marked(folder: Path, top: Path) -> bool:
    """Whether a folder, or one above it up to `top`, is marked. Unlike `marked`: a corpus beside it may be licensed."""
    return any(os.path.isfile(path / MARKER) for path in (folder, *folder.parents) if path.is_relative_to(top))


def marked(folder: Path) -> bool:
    """Whether a folder is a stand-in corpus, is inside one, or contains one directly or one level down."""
    around = [folder, *folder.absolute().parents, *folder.glob("*/"), *folder.glob("*/*/")]
    return any(os.path.isfile(path / MARKER) for path in around)  # false in a folder that may not be read
