"""The corpora as researchers receive them: `find` where they lie, `load` one. No image is opened."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import ModuleType

from common.corpora import casme2, samm, smic, trees
from common.corpora.tables import Documented
from common.errors import ClipError, UserError
from common.types import Corpus

NAMES = ("casme2", "smic", "samm")
_MODULES: Mapping[str, ModuleType] = {"casme2": casme2, "smic": smic, "samm": samm}


def find(data: Path) -> dict[str, Path]:
    """Which corpora lie at or below `data`: name to the folder that holds the corpus' images and table.

    A corpus is there if a folder of its images or its table is, under any of their known names.
    Raises UserError where `data` is no readable folder, or holds none.
    """
    folders = trees.survey(Path(data))
    roots = {name: trees.root(folders, _MODULES[name].LAYOUT) for name in NAMES}
    found = {name: root for name, root in roots.items() if root is not None}
    if not found:
        known = dict.fromkeys(folder for name in NAMES for _, folder in _MODULES[name].LAYOUT.folders)
        raise UserError(f"{data}: no known corpus here; looked for folders of subjects in {', '.join(known)}")
    return found


def load(name: str, root: Path, images: str = "raw") -> Corpus:
    """One corpus. `images` ("raw" or "cropped") is a preference; `Corpus.tree` says what was read.

    Raises UserError where the name is unknown or the table or the images cannot be found or read.
    """
    if name not in NAMES:
        raise UserError(f"{name!r} is no known corpus; known are {', '.join(NAMES)}")
    if images not in ("raw", "cropped"):
        raise UserError(f"{images!r} is no kind of images; known are raw and cropped")
    try:
        return _MODULES[name].load(Path(root), images)
    except ClipError as error:  # the tree itself, not one clip, cannot be listed
        raise UserError(f"{root}: {error}") from None


def documented(name: str) -> tuple[Documented, ...]:
    """The published counts of a corpus, one record per version of its table."""
    return _MODULES[name].DOCUMENTED
