"""Which folders are a corpus: by a known name or, if none has one, by the subjects, clips and files in them."""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from pathlib import Path

from common.corpora import glimpses, table_files
from common.corpora.trees import (
    OTHER_IMAGES,
    Claim,
    Folder,
    Glimpse,
    Layout,
    Tree,
    children,
    plain,
    shown,
    subjects,
    videos,
)
from common.errors import ClipError, UserError, printable
from common.files import natural

_FEWEST = 4
"""The fewest images of a recorded clip: a folder with fewer may contain only its onset, apex and offset."""
_DERIVED = re.compile(
    "flow|optic|strain|landmark|mask|depth|interpol|magnif|augment|synth|apex|flip|mirror|rotat|noise|heatmap|keyframe"
    "|^(?:tvl|lbp|diff|tim|mag|evm|aug|norm|normali[sz]ed)$"
)
"""Words in the name of a folder whose images may be computed from the frames, or only some of them."""
_FLOW = re.compile("(?<![A-Za-z])OF(?![A-Za-z])")
"""Optical flow, abbreviated; in lower case it may be the preposition."""
_ALIKE = "look alike; it is not clear which to read"


@dataclass(frozen=True)
class Sighting:
    """A folder whose content looks like a corpus: how it would be read, and why it is not read (empty if it is)."""

    tree: Tree
    layout: Layout
    doubt: str
    readable: bool = True
    videos: bool = False


def named(folders: Sequence[Folder], layout: Layout) -> list[Tree]:
    """The image folders with a known name. A folder inside a folder of the same name counts once."""
    found = []
    for folder in folders:
        tail = [name for name, _ in groupby(map(plain, folder.path.parts))]
        for kind, name in layout.folders:
            parts = [plain(part) for part in name.split("/")]
            if tail[-len(parts) :] == parts and _holds_clips(folder, layout):
                found.append(Tree(kind, name, folder.path, name))
    return found


def sighted(folders: Sequence[Folder], layout: Layout) -> list[Sighting]:
    """The image folders whose content looks like the corpus, whatever their names.

    Videos are not read if there are images. If there are several folders of one kind and form, none is read, because it
    is not clear which one to read.
    """
    found = _looks(folders, layout)
    if images := [s.tree.path for s in found if not s.doubt and not s.videos]:
        doubt = f"its clips are videos, and {images[0]} has images"
        found = [replace(s, doubt=s.doubt or doubt) if s.videos else s for s in found]
    certain = [sighting.tree for sighting in found if not sighting.doubt]
    rivals = {
        tree.path: [other.path for other in certain if (other.kind, other.form) == (tree.kind, tree.form)]
        for tree in certain
    }
    return [
        replace(s, doubt=f"{' and '.join(map(str, both))} {_ALIKE}")
        if len(both := rivals.get(s.tree.path, [])) > 1
        else s
        for s in found
    ]


def _looks(folders: Sequence[Folder], layout: Layout) -> list[Sighting]:
    """What looks like the corpus, each folder by itself."""
    return [
        _sighting(glimpse, claim, layout, folders[0].path)
        for folder in folders
        if layout.recognise and (glimpse := glimpses.look(folder)) and (claim := layout.recognise(glimpse))
    ]


def trees(folders: Sequence[Folder], layout: Layout) -> list[Tree]:
    """The image folders of a corpus: those with a known name or, if there are none, those recognised by content.

    A folder with a known name but doubtful content, such as that of another corpus, counts only if there is no other.
    If the user named the folder, it alone counts if it contains the subjects; a doubtful folder counts if no other can
    be meant.
    """
    known, looks, top = named(folders, layout), sighted(folders, layout), folders[0]
    readable = [sighting.tree for sighting in looks if sighting.readable]
    if top.named and (own := [tree for tree in [*known, *readable] if tree.path == top.path]):
        return own[:1]
    doubtful = {sighting.tree.path for sighting in _looks(folders, layout) if sighting.doubt} if known else set()
    sure = [tree for tree in known if tree.path not in doubtful]
    found = sure or [sighting.tree for sighting in looks if not sighting.doubt] or known
    return found or (readable if top.named and len(readable) == 1 else [])


def available(folders: Sequence[Folder], layout: Layout) -> bool:
    """Whether any image folder of a corpus is among `folders`."""
    return bool(trees(folders, layout))


def choose(folders: Sequence[Folder], layout: Layout, images: str, table: Path | None = None) -> Tree:
    """The tree to read: of kind `images` if there is one, then by rank in `layout`, then by number of subjects.

    Ties go to the tree closest to `table`, then to `folders[0]`. Raises UserError if there is none.
    """
    names = [name for _, name in layout.folders]

    def rank(tree: Tree) -> tuple[bool, int, int, int, int, list[str | int]]:
        shared = len(os.path.commonpath([tree.path, table])) if table else 0
        depth, path = len(tree.path.parts), natural(str(tree.path))
        return tree.kind != images, names.index(tree.form), -_people(tree, layout), -shared, depth, path

    ranked = sorted(trees(folders, layout), key=rank)
    if not ranked:
        wanted = ", ".join(names)
        looks = [*doubts(folders, [layout])] or [seen(folders)]
        example = f", or a folder that contains {layout.example}" * bool(layout.example)
        raise UserError(
            f"{folders[0].path}: no images of {layout.corpus}; looked for folders of subjects in {wanted}{example}; "
            + "; ".join(looks)
        )
    return ranked[0]


def passed_over(folders: Sequence[Folder], layout: Layout, chosen: Tree) -> list[str]:
    """One line for each other tree of the corpus."""
    return [
        f"found but not read: {shown(tree.path, folders[0].path)}, {tree.kind} images of "
        f"{_people(tree, layout)} subjects"
        for tree in trees(folders, layout)
        if tree.path != chosen.path
    ]


def root(folders: Sequence[Folder], layouts: Sequence[Layout]) -> Path | None:
    """The innermost folder that contains all image trees and tables of a corpus; None if there are none.

    Without images of a known name, only tables of a known name count; images recognised by content need their table.
    """
    places = []
    known = any(named(folders, layout) for layout in layouts)
    for layout in layouts:
        found = [] if known and not named(folders, layout) else trees(folders, layout)
        tables = _tables(folders, layout) if found else table_files.matching(folders, layout.tables)
        if layout.headings and not tables and not known:
            continue
        places += [table.parent for table in tables]
        for tree in found:
            own = layout.corpus.split("_")[0]  # a folder SMIC may contain VIS, other parts, and their tables
            place = tree.path
            parts = {plain(part) for part in tree.name.split("/")} - {own} if tree.name == tree.form else set()
            while plain(place.name) in parts and place != folders[0].path:
                place = place.parent
            places.append(place)
    return Path(os.path.commonpath(places)) if places else None


def _tables(folders: Sequence[Folder], layout: Layout) -> list[Path]:
    return table_files.known(folders, layout) or table_files.recognised(folders, layout)


# ---------------------------------------------------------------- what is not read


def doubts(
    folders: Sequence[Folder], layouts: Sequence[Layout], read: Collection[Path] = (), optional: Collection[str] = ()
) -> list[str]:
    """One line for each folder that looks like a corpus but is not read: where, what, why, and what to do.

    `read` are the folders that are read, `optional` the corpora that are read only if they are named.
    """
    lines = []
    by_path: dict[Path, list[Sighting]] = {}
    usable = {layout.title: {tree.path for tree in trees(folders, layout)} for layout in layouts}
    known = {t.path for layout in layouts for t in named(folders, layout) if t.path in usable[layout.title]}
    for layout in layouts:
        certain = usable[layout.title]
        mentioned = layout.corpus in optional or not certain.isdisjoint(read)
        other = "another folder, with a known name, is read" if certain & known else "another folder is read"
        if bare := certain.isdisjoint(known) and bool(layout.headings) and not _tables(folders, layout):
            remedy = table_files.older(folders) or "; put it into the data folder"
            other, mentioned = f"its annotation table was not found{remedy}", False
        looks = sighted(folders, layout)
        used = [s.tree.path for s in looks if s.tree.path in read]
        for found in looks:
            if found.tree.path not in {*known, *read} and not (mentioned and found.tree.path in certain):
                told = found if found.doubt else replace(found, doubt=other, readable=not bare)
                if _ALIKE in told.doubt and used:
                    told = replace(told, doubt=f"{used[0]} is read")
                by_path.setdefault(found.tree.path, []).append(told)
    for path, claims in by_path.items():
        titles = " or ".join(dict.fromkeys(claim.layout.title for claim in claims))
        people = _people(claims[0].tree, claims[0].layout)
        places = [f"{claim.layout.corpus}={path}" for claim in claims if claim.readable]
        options = " or ".join(f"--as {shlex.quote(place)}" for place in places)
        remedy = f"; to read it, add {options}" if options else ""
        lines.append(
            printable(f"{path} looks like {titles} ({people} subjects) but is not read: {claims[0].doubt}{remedy}")
        )
    for folder in folders:
        lines += loose(folder, layouts)
    return lines


def loose(folder: Folder, layouts: Sequence[Layout]) -> Iterator[str]:
    """A line if a folder contains clips that are not in folders of subjects."""
    for layout in layouts:
        if not layout.recognise or layout.subject.fullmatch(folder.path.name):
            continue
        clips = [name for name in folder.folders if layout.clip.fullmatch(name)]
        if len(clips) > 1 and glimpses.first_clip(folder.path, clips[0])[0]:
            yield printable(
                f"{folder.path} contains {len(clips)} folders named like clips of {layout.title}, such as {clips[0]}, "
                f"and is not read: it has no folders of subjects; restore paths such as {layout.example}"
            )
            return


def seen(folders: Sequence[Folder]) -> str:
    """What the surveyed folder contains, for a message about what it lacks."""
    names = [name for folder in folders[:1] for name in folder.folders]
    more = ", …" if len(names) > 8 else ""
    several = "s" * (len(names) > 1)
    return f"found the folder{several} {', '.join(names[:8])}{more}" if names else "found no folder"


def _sighting(glimpse: Glimpse, claim: Claim, layout: Layout, top: Path) -> Sighting:
    kind = glimpses.kind(glimpse, layout)
    form = claim.names.get(kind) or next(iter(claim.names.values()))
    own = form.split("/")
    label = "/".join(glimpse.path.parts[-len(own) :]) if glimpse.path.name == own[-1] else glimpse.path.name
    derived = _derived(glimpse.path, top)
    doubt, suffix = claim.doubt, Path(glimpse.clips[0][-1]).suffix.lower()
    if suffix in OTHER_IMAGES:
        claim = replace(claim, readable=False)
        doubt = f"its images are {suffix} files, which are not read; convert them to PNG"
    if derived and not doubt:
        doubt = f"its path contains {derived!r}, so its images may not be the recorded frames"
    if 0 < glimpse.most < _FEWEST and not doubt:
        doubt = f"its clips have only {glimpse.most} images, so they may be only some of the recorded frames"
    return Sighting(Tree(kind, label, glimpse.path, form), layout, doubt, claim.readable, not glimpse.most)


def _derived(path: Path, top: Path) -> str:
    """A word in the names of the last folders of a path that says that their images are computed; else empty.

    Folders above the data folder `top` do not count: they may be called after anything.
    """
    inside = path.relative_to(top.parent) if path.is_relative_to(top) else path
    if any(_FLOW.search(part) for part in inside.parts[-3:]):
        return "OF"
    return next((word for own in glimpses.words(inside) for word in sorted(own) if _DERIVED.search(word)), "")


def _holds_clips(folder: Folder, layout: Layout) -> bool:
    """Whether a subject folder in `folder` contains a clip or a video; excludes folders that only share the name."""
    for name in folder.folders:
        try:
            if layout.subject.fullmatch(name) and any(
                map(layout.clip.fullmatch, [*children(folder.path / name), *videos(folder.path / name)])
            ):
                return True
        except ClipError:
            continue
    return False


def _people(tree: Tree, layout: Layout) -> int:
    try:
        return len(subjects(tree.path, layout))
    except ClipError:
        return 0
