"""What a run cannot use: files that are empty, no image or too short, that subjects share, or that nothing reads."""

from __future__ import annotations

import hashlib
import sys
from collections import defaultdict
from collections.abc import Collection, Hashable, Sequence
from contextlib import suppress
from pathlib import Path

from common.corpora import glimpses, recognise
from common.corpora.trees import Folder, Layout, Tree
from common.errors import ClipError, printable
from common.files import natural
from common.types import Clip, Exclusion, Progress
from common.vision.videos import is_video, stated_count

_IMAGES = (b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"BM")
_OGG, _MATROSKA, _ASF = b"OggS", b"\x1aE\xdf\xa3", b"0&\xb2u"
_VIDEOS = (b"RIFF", _MATROSKA, _ASF, _OGG, b"\x00\x00\x01\xba", b"\x00\x00\x01\xb3")


def unusable(clips: Sequence[Clip], progress: Progress | None = None) -> list[Exclusion]:
    """The clips that a run has to exclude, with the first faulty file of each. Nothing is decoded."""
    exclusions = []
    verdicts: dict[Path, str] = {}  # the clips of a recording share its video
    lengths: dict[Path, int] = {}
    for done, clip in enumerate(clips, 1):
        faults = []
        for file in clip.files:
            if file not in verdicts:
                verdicts[file], lengths[file] = _fault(file)
            if verdicts[file]:
                faults.append(f"{file.name} {verdicts[file]}")
            elif lengths[file] < clip.numbers[-1]:
                faults.append(f"{file.name} has {lengths[file]} frames, but frame {clip.numbers[-1]} is needed")
        if faults:
            more = f", and {len(faults) - 1} more of its {len(clip.files)} files" if len(faults) > 1 else ""
            exclusions.append(Exclusion(clip.id, f"{faults[0]}{more}; copy the clip again"))
        if progress:
            progress(f"checking the files of {clip.corpus}", done, len(clips))
    return exclusions


def shared(clips: Sequence[Clip], progress: Progress | None = None) -> list[str]:
    """One line for each two subjects of a corpus that share files: links to one file, or copies of it.

    Files of the same size are compared by 4 KiB from their middle, and in full only if these agree.
    """
    owners = {(clip.corpus, file): clip for clip in reversed(clips) for file in clip.files}
    groups: dict[Hashable, list[tuple[Path, Clip]]] = defaultdict(list)
    for (corpus, file), owner in owners.items():
        groups[corpus].append((file, owner))
    steps = (_size, _middle, _whole)
    for done, look in enumerate(steps):
        if progress:
            progress("comparing the files of subjects", done, len(steps))
        finer: dict[Hashable, list[tuple[Path, Clip]]] = defaultdict(list)
        for key, group in groups.items():
            for file, clip in group if len({clip.subject for _, clip in group}) > 1 else ():
                with suppress(OSError):  # reported as unusable
                    finer[key, look(file)].append((file, clip))
        groups = finer
    if progress:
        progress("comparing the files of subjects", len(steps), len(steps))
    pairs: dict[tuple[str, str], list[str]] = defaultdict(list)
    for group in groups.values():
        first, *others = sorted((clip for _, clip in group), key=lambda clip: natural(clip.id))
        for other in others:
            if other.subject != first.subject:
                pairs[first.subject_id, other.subject_id].append(f"{first.id} and {other.id}")
    return [
        f"{count} of {second} {'is' if len(same) == 1 else 'are'} also in {first}, for example in {same[0]}; "
        "remove the copy"
        for (first, second), same in pairs.items()
        for count in [f"{len(same)} file{'s' * (len(same) != 1)}"]
    ]


def leftover(folders: Sequence[Folder], layout: Layout, tree: Tree, told: Collection[Path]) -> list[str]:
    """One line for each subject's folder, and other folder in `tree`, with images that nothing accounts for.

    `told` are the folders that are read as clips, or that other lines are about. Folders of subjects of their own are
    left to `unclaimed`.
    """
    own = {folder.path for folder in folders if glimpses.look(folder) and apart(folder.path, tree.path, layout)}
    by_home: dict[str, list[str]] = {}
    for path in glimpses.unread(tree.path, {*told, *own}):
        inside = path.relative_to(tree.path)
        by_home.setdefault(inside.parts[0] if inside.parts else tree.path.name, []).append(str(inside))
    return [
        printable(
            f"{_folders(len(paths))} with images in {home} {'is' if len(paths) == 1 else 'are'} not read, such as "
            f"{paths[0]}: expected paths such as {layout.example}"
        )
        for home, paths in by_home.items()
    ]


def unclaimed(
    folders: Sequence[Folder], layouts: Sequence[Layout], read: Collection[Path] = (), others: Collection[Path] = ()
) -> list[str]:
    """Lines about folders with images that look like none of the corpora `layouts`, and about archives.

    `read` are the folders that are read; what nothing accounts for in them is in the notes of the corpora. `others` are
    those of corpora without a layout.
    """
    lines: list[str] = []
    looks = [(layout, sighting.tree.path) for layout in layouts for sighting in recognise.sighted(folders, layout)]
    trees_of = [(layout, tree.path) for layout in layouts for tree in recognise.trees(folders, layout)]
    trees_of += [(layout, path) for layout, path in looks if path in read]
    closed = {path for _, path in looks}.difference(read).union(others)
    closed |= {folder.path for folder in folders if any(recognise.loose(folder, layouts))}
    rest: list[Folder] = []
    for folder in folders:
        path, glimpse = folder.path, glimpses.look(folder)
        within = [(layout, tree) for layout, tree in trees_of if path.is_relative_to(tree)]
        if not closed.isdisjoint([path, *path.parents]):
            continue
        if glimpse and all(apart(path, tree, layout) for layout, tree in within):
            lines.append(
                f"{path} contains {_folders(len(glimpse.subjects))} named like subjects, with "
                f"{'/'.join(glimpse.clips[0])} for example, and is not read: it looks like no corpus"
            )
            closed.add(path)
        elif folder.images > 1 and not within:
            rest.append(folder)
    if rest:
        lines.append(f"{_folders(len(rest))} with images in no corpus, for example {rest[0].path}")
    archives = [folder.path / name for folder in folders for name in folder.archives]
    if archives:
        names = ", ".join(str(path) for path in archives[:3]) + ", …" * (len(archives) > 3)
        lines.append(f"archives are not opened: {names}; unpack them unless their files are here already")
    return [printable(line) for line in lines]


def apart(path: Path, tree: Path, layout: Layout) -> bool:
    """Whether a folder is in a tree, but not that of one of its subjects or inside one."""
    inside = path.relative_to(tree).parts if path.is_relative_to(tree) else ()
    return bool(inside) and not layout.subject.fullmatch(inside[0])


def _folders(count: int) -> str:
    return f"{count} folder{'s' * (count != 1)}"


def _size(file: Path) -> int:
    if not (size := file.stat().st_size):
        raise OSError("empty")
    return size


def _middle(file: Path) -> bytes:
    with file.open("rb") as opened:
        opened.seek(max(0, file.stat().st_size // 2 - 2048))
        return opened.read(4096)


def _whole(file: Path) -> bytes:
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").digest()


def _fault(file: Path) -> tuple[str, int]:
    """What is wrong with a file by its first bytes (empty if nothing), and its largest possible frame number."""
    try:
        with file.open("rb", buffering=0) as opened:
            head = opened.read(12)
    except OSError as error:
        return f"cannot be read ({error.strerror})", 0
    if not head:
        return "is empty (0 bytes)", 0
    if not is_video(file):
        return "" if head.startswith(_IMAGES) else "is not a JPEG, PNG or BMP image", sys.maxsize
    if not (head.startswith(_VIDEOS) or head[4:8] == b"ftyp"):
        return "is not a video", 0
    try:
        return "", stated_count(file) or sys.maxsize
    except ClipError as error:
        return str(error).removeprefix(f"{file}: "), 0
