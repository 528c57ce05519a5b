"""The corpora as distributed: `find` them on disk and `load` one. No image is opened."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from common.corpora import (
    casme2,
    casme_sq,
    casme_sq_recordings,
    examine,
    flow_maps,
    recognise,
    samm,
    smic,
    smic_e,
    trees,
)
from common.corpora.tables import Documented
from common.corpora.trees import Folder, Layout, Place, Root
from common.errors import ClipError, UserError, listed, printable, quoted
from common.types import Corpus


@dataclass(frozen=True)
class Source:
    """The layouts of a corpus on disk, the contents of a complete copy (one record per release), and its reader.

    A corpus that is not in folders of subjects and clips has no layouts, but a function that finds its folders.
    """

    layouts: tuple[Layout, ...]
    documented: tuple[Documented, ...]
    load: Callable[[Root, str], Corpus]
    find: Callable[[Root], tuple[Path, ...]] | None = None


SOURCES: Mapping[str, Source] = {
    "casme2": Source((casme2.LAYOUT,), casme2.DOCUMENTED, casme2.load),
    "smic": Source((smic.HS, smic_e.LAYOUT), smic.DOCUMENTED, smic.load),
    "samm": Source((samm.LAYOUT,), samm.DOCUMENTED, samm.load),
    "casme_sq": Source((casme_sq.LAYOUT,), casme_sq.DOCUMENTED, casme_sq.load),
    "casme_sq_recordings": Source((casme_sq_recordings.LAYOUT,), (), casme_sq_recordings.load),
    "smic_e": Source((smic_e.LAYOUT,), smic_e.DOCUMENTED, smic_e.load),
    "smic_vis": Source((smic.VIS,), smic.DOCUMENTED_VIS, smic.load_vis),
    "smic_nir": Source((smic.NIR,), (), smic.load_nir),
    flow_maps.CORPUS: Source((), flow_maps.DOCUMENTED, flow_maps.load, flow_maps.find),
}
ON_REQUEST = ("casme_sq_recordings", "smic_e", "smic_vis", "smic_nir")
"""Whole recordings and parts of SMIC, which are read only if an experiment or the user names them."""
_MOST_HINTS = 6
NONE_PLACED: Mapping[str, Path] = {}
NAMES = tuple(name for name in SOURCES if name not in ON_REQUEST)


def find(data: Path, names: Sequence[str] = NAMES, placed: Mapping[str, Path] = NONE_PLACED) -> dict[str, Path]:
    """Find the corpora of `names` at or below `data`: by name, the folder that contains its images and table.

    A corpus is found by a folder of its images or by its table, under any of their known names, or else by their
    content. Corpora in `placed` (see `placed_by`) are in the folder that is given there. Raises UserError if `data` is
    not a readable folder or contains no corpus.
    """
    folders = trees.survey(Path(data))
    roots = _roots(folders, [name for name in names if name not in placed])
    roots |= {name: folder for name, folder in placed.items() if name in names}
    if not roots:
        known = dict.fromkeys(f for name in names for layout in source(name).layouts for _, f in layout.folders)
        hints = [f"{name} was found, but is read only when it is named" for name in _roots(folders, ON_REQUEST)]
        hints += _passed_over(folders, optional=ON_REQUEST)
        hints += [f"{folder.path} cannot be read ({folder.fault})" for folder in folders if folder.fault]
        hints[_MOST_HINTS:] = [f"{len(hints) - _MOST_HINTS} more such lines"] if len(hints) > _MOST_HINTS else []
        problem = f"found no known corpus; looked for folders of subjects in {', '.join(known)}"
        raise UserError("; ".join([f"{data}: {problem}", *(hints or [recognise.seen(folders)])]))
    return {name: roots[name] for name in names if name in roots}


def _roots(folders: Sequence[Folder], names: Sequence[str]) -> dict[str, Path]:
    roots: dict[str, Path] = {}
    for name in names:
        known = source(name)
        top = folders[0].path
        root = recognise.root(folders, known.layouts) if known.find is None else top if known.find(top) else None
        if root is not None:
            roots[name] = root
    return roots


def placed_by(words: Sequence[str], data: Path) -> dict[str, Path]:
    """The folders that --as names, by corpus; `words` are CORPUS=DIR. No table is opened.

    Raises UserError for other words, an unknown corpus, and a folder without images of the corpus.
    """
    placed: dict[str, Path] = {}
    for word in words:
        name, equals, folder = word.partition("=")
        if not (equals and folder):
            raise UserError(f"--as {quoted(word)}: write CORPUS=DIR, such as smic=SMIC_CROP/HS")
        known = source(name).layouts
        if name in placed:
            raise UserError(f"--as {name}: given twice; name one folder")
        placed[name] = Path(folder)
        try:
            folders = trees.survey(Place(placed[name], data))
        except UserError as error:
            raise UserError(f"--as {word}: {error}") from None
        within = source(name).find
        if within and within(placed[name]):
            continue
        if not any(recognise.available(folders, layout) for layout in known):
            examples = " or ".join(dict.fromkeys(layout.example or layout.title for layout in known))
            clear = {tree.path for layout in layouts() for tree in recognise.trees(folders, layout)}
            looks = _passed_over([folder for folder in folders if folder.named], clear)
            others = [layout.corpus for layout in layouts() if recognise.available(folders, layout)]
            but = f", but of {' and '.join(others)}" if others else ""
            there = "; ".join(looks) or recognise.seen(folders)
            raise UserError(f"--as {word}: no images of {name} there{but}; expected images such as {examples}; {there}")
    return placed


def not_read(data: Path, read: Collection[Path] = ()) -> list[str]:
    """Lines about folders with images that are not read, and about archives; `read` are the image folders that are.

    What is in the folders that are read, and other parts and copies of these corpora, is in their notes.
    """
    folders = trees.survey(Path(data))
    silent = [name for name in ON_REQUEST if _paths(folders, _main(name)).isdisjoint(read)]
    lines = [
        f"{path} is {name}, which is read only when it is named"
        for name in silent
        if recognise.root(folders, source(name).layouts)
        for path in sorted(_paths(folders, name).difference(read))
    ]
    return [*map(printable, lines), *_passed_over(folders, read, ON_REQUEST)]


def _main(name: str) -> str:
    """The corpus of which `name` is a part, or whose recordings it contains: `casme_sq` of `casme_sq_recordings`."""
    return next(main for main in NAMES if name.startswith(main))


def _paths(folders: Sequence[Folder], name: str) -> set[Path]:
    return {tree.path for layout in source(name).layouts for tree in recognise.trees(folders, layout)}


def _passed_over(folders: Sequence[Folder], read: Collection[Path] = (), optional: Collection[str] = ()) -> list[str]:
    """Lines about what `folders` contain and nothing reads. SMIC-E is named smic if it alone can be meant by that."""
    long_only = not recognise.available(folders, smic.HS)
    known = [replace(own, corpus="smic") if long_only and own is smic_e.LAYOUT else own for own in layouts()]
    others = {path for own in SOURCES.values() if own.find for path in own.find(folders[0].path)}
    return [*recognise.doubts(folders, known, read, optional), *examine.unclaimed(folders, known, read, others)]


def load(name: str, root: Path, images: str = "raw", data: Path | None = None) -> Corpus:
    """Load one corpus. `images` ("raw" or "cropped") is a preference; `Corpus.tree` says what was read.

    If the user named `root`, `data` is the data folder, where the table may be: images are then read from `root`
    whatever its name. Raises UserError if the name is unknown or the table or the images cannot be found or read.
    """
    if images not in ("raw", "cropped"):
        raise UserError(f"{images!r} is not a kind of images; choose raw or cropped")
    try:
        return source(name).load(Path(root) if data is None else Place(Path(root), Path(data)), images)
    except ClipError as error:  # the tree itself, not one clip, cannot be listed
        raise UserError(f"{root}: {error}") from None


def missing(absent: Collection[str], unread: Collection[str]) -> str:
    """Which corpora are not in the data folder, and which cannot be read, as one clause; empty if none."""
    names = [name for name in SOURCES if name in absent]
    clauses = [f"{listed(names)} {'is' if len(names) == 1 else 'are'} not in the data folder"] if names else []
    return ", ".join([*clauses, *(f"{name} cannot be read" for name in SOURCES if name in unread)])


def layouts() -> list[Layout]:
    """The layouts of all corpora."""
    return list({layout.corpus: layout for known in SOURCES.values() for layout in known.layouts}.values())


def source(name: str) -> Source:
    """The `Source` of a corpus. Raises UserError if the name is unknown."""
    if name not in SOURCES:
        raise UserError(f"{name!r} is not a known corpus; known corpora: {', '.join(SOURCES)}")
    return SOURCES[name]
