"""The public flow maps of the MEGC 2019 composite: optical flow and strain from onset to apex of its 442 clips.

Authors of STSTNet (Liong et al. 2019) made these images, the input of their network; they are published in the
repository of HTNet (Wang et al. 2023, wangzhifengharrison/HTNet), which has no licence. No face can be seen in them.
`datasets/three_norm_u_v_os` has, for each subject, `<subject>/u_test/<class>/` with the subject's own maps and
`<subject>/u_train/<class>/` with copies of all others; `datasets/STSNet_whole_norm_u_v_os` has each map once more, all
in one folder. A file is called `<subject>_<clip> .png`, with a blank before the dot.

Maps that this suite has made are in the same folders, with a record beside them (see `common.corpora.made_flow_maps`).

A map is a PNG of 28 x 28 pixels. As OpenCV reads it, its channels are strain, vertical flow (down) and horizontal flow
(right). Each channel is stretched to 0..255 by itself, so its zero and its scale are lost.
"""

from __future__ import annotations

import os
import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from common.corpora import composite, marker, trees
from common.corpora.made_flow_maps import made
from common.corpora.tables import Documented
from common.corpora.trees import REFUSE, Root
from common.errors import ClipError, UserError, listed, quoted
from common.files import natural
from common.types import Clip, Corpus, Exclusion, LabelMap

CORPUS = "megc2019_flow"
SIZE = 28
DOCUMENTED = (
    Documented(
        "published composition",
        sum(row["clips"] for row in composite.DOCUMENTED.values()),
        sum(row["subjects"] for row in composite.DOCUMENTED.values()),
        {name: sum(row[name] for row in composite.DOCUMENTED.values()) for name in composite.MEGC2019.classes},
    ),
)
LABELS = LabelMap(
    name=composite.MEGC2019.name,
    classes=composite.MEGC2019.classes,
    mapping={corpus: {name: name for name in composite.MEGC2019.classes} for corpus in composite.DOCUMENTED},
)
"""The classes of the maps, which are those of the composite."""
NETWORKS = "STSTNet_Weights"
"""The folder of the networks that the authors of STSTNet publish, one for each left-out subject."""
NOTES = (
    "optical flow and strain from onset to apex, published by authors of STSTNet in the repository of HTNet "
    "(wangzhifengharrison/HTNet)",
    "the repository has no licence: ask its authors before you use or share the maps",
)
_FORMS: Mapping[str, re.Pattern[str]] = {
    "casme2": re.compile(r"(sub[0-9]{2})_(EP[0-9]{2}(?:_[0-9]{1,2}){0,2}f?) ?\.png"),
    "smic": re.compile(r"(s[0-9]{2})_(s[0-9]{1,2}_(?:ne|po|sur)_[0-9]{2}) ?\.png"),
    "samm": re.compile(r"([0-9]{3})_(\1_[0-9]{1,2}_[0-9]{1,2}) ?\.png"),
}
_KINDS = ("u_test", "u_train")
_EMOTIONS = {"ne": "negative", "po": "positive", "sur": "surprise"}
_FPS = {"casme2": 200.0, "smic": 100.0, "samm": 200.0}
_HEAD = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR" + SIZE.to_bytes(4) * 2
"""The first bytes of a PNG of this size."""


@dataclass(frozen=True)
class Copy:
    """A file with the map of a clip: the subject's own ("u_test"), one for training on others ("u_train"), or "flat".

    `emotion` is the class that its folder names; empty if none does.
    """

    path: Path
    clip: str
    subject: str
    kind: str
    emotion: str


def image(path: Path) -> NDArray[np.uint8]:
    """A map as OpenCV reads it: uint8 (28, 28, 3), strain, vertical and horizontal flow. ClipError if it is damaged."""
    import cv2

    try:
        pixels = cv2.imdecode(np.frombuffer(path.read_bytes(), np.uint8), cv2.IMREAD_UNCHANGED)
    except (OSError, cv2.error) as error:
        raise ClipError(f"{path.name!r} cannot be read ({getattr(error, 'strerror', None) or 'empty'})") from None
    if pixels is None or pixels.shape != (SIZE, SIZE, 3) or pixels.dtype != np.uint8:
        raise ClipError(f"{path.name!r} is damaged or no map of {SIZE} x {SIZE} pixels in three channels")
    return np.asarray(pixels, np.uint8)


def find(data: Root) -> tuple[Path, ...]:
    """The folders of maps at or below `data`: flat ones, and those of subjects."""
    return tuple(sorted({_tree(folder) for folder, kind in _folders(data) if any(_within(folder, kind))}))


def networks(data: Path) -> Path | None:
    """The first folder of published networks at or below `data`, or None."""
    paths = [folder.path for folder in trees.survey(data) if not folder.beyond]
    return next((path for path in paths if path.name == NETWORKS), None)


def load(root: Root, images: str = "raw") -> Corpus:
    """One clip per map, of a single frame: corpus, subject and name are those of the composite's clip, emotion a class.

    The subject's own map is read, else a flat one, else one of training; all copies of a clip must show the same. The
    class is that of the folders and of the composite's list file. A clip with a damaged map, with copies that differ,
    or with no class or several is excluded. `images` has no meaning here. UserError without maps.
    """
    copies: dict[str, list[Copy]] = defaultdict(list)
    for folder, kind in _folders(root):
        for copy in _within(folder, kind):
            copies[copy.clip].append(copy)
    top = Path(os.path.abspath(root.folder if isinstance(root, trees.Place) else root))
    if not copies:
        raise UserError(f"{top}: found no flow maps, such as 'sub01/u_test/1/sub01_EP02_01f .png'")
    places = {_tree(copy.path.parent) for group in copies.values() for copy in group}
    path = composite.find_megc_list(top)
    in_list = composite.read_megc_list(path) if path else {}
    clips: list[Clip] = []
    exclusions: list[Exclusion] = []
    for clip in sorted(copies, key=natural):
        try:
            clips.append(_clip(copies[clip], in_list))
        except ClipError as error:
            exclusions.append(Exclusion(clip, str(error)))
    kinds = {copy.kind for group in copies.values() for copy in group}
    records = [record for place in sorted(places) if (record := made(place))]
    if other := next((record for record in records if record["ground"] != composite.MEGC2019.name), None):
        raise UserError(
            f"{top}: flow maps of the ground {other['ground']}; only those of megc2019 are read as a corpus"
        )
    published = NOTES if len(records) < len(places) else ()
    own = (f"made by mer-suite, not published: recipe {record['recipe']} ({record['source']})" for record in records)
    return Corpus(
        name=CORPUS,
        title="flow maps of the MEGC 2019 composite" if records else "public flow maps of the MEGC 2019 composite",
        citation="S.-T. Liong, Y. S. Gan, J. See, H.-Q. Khor, Y.-C. Huang. Shallow triple stream three-dimensional CNN "
        "(STSTNet) for micro-expression recognition. FG 2019.",
        root=top,
        tree=listed(sorted(kinds)),
        table=path.name if path else "",
        clips=tuple(clips),
        exclusions=tuple(exclusions),
        notes=(*published, *dict.fromkeys(own), *_unlike(clips), *_misplaced(copies), *_foreign(copies, top)),
        images=Path(os.path.commonpath(places)),
    )


def kind(root: Root) -> str:
    """The kind of data of the maps at or below a folder, as in `marker`: "public-maps", or that of what they show.

    Maps that this suite has made show stand-ins, or are "licensed" like the recordings that they were made from.
    """
    places = find(root)
    shown = marker.kind(*places)
    return marker.PUBLIC_MAPS if shown == marker.LICENSED and not all(made(place) for place in places) else shown


def _clip(copies: list[Copy], in_list: Mapping[str, str]) -> Clip:
    ranked = sorted(copies, key=lambda copy: (("u_test", "flat", "u_train").index(copy.kind), str(copy.path)))
    own = [copy for copy in ranked if copy.kind == ranked[0].kind]
    if own[0].kind != "u_train" and len(own) > 1:
        raise ClipError(f"{len(own)} files with this map: {own[0].path} and {own[1].path}; keep one of them")
    corpus, subject, name = ranked[0].clip.split("/")
    classes = {copy.emotion for copy in ranked if copy.emotion}
    classes |= {in_list[ranked[0].clip]} if ranked[0].clip in in_list else set()
    classes |= {_EMOTIONS[name.split("_")[1]]} if corpus == "smic" else set()  # its name has the class too
    if len(classes) != 1:
        raise ClipError(f"its class is {' and '.join(sorted(classes))}" if classes else "no folder names its class")
    pixels = image(ranked[0].path)
    for copy in ranked[1:]:
        if not np.array_equal(image(copy.path), pixels):
            raise ClipError(f"{copy.path} shows something else than {ranked[0].path}")
    (emotion,) = classes
    return Clip(
        corpus=corpus,
        subject=subject,
        name=name,
        frames=(ranked[0].path,),
        numbers=(0,),
        onset=0,
        apex=0,
        offset=0,
        fps=_FPS[corpus],
        emotion=emotion,
        apex_source="in the map",
    )


def _folders(root: Root) -> Iterator[tuple[Path, str]]:
    """The folders that may hold maps, and the kind of these.

    Below a folder of subjects only theirs are listed: a corpus beside the maps has hundreds of thousands of images.
    """
    for folder in (folder for folder in trees.survey(root) if not folder.beyond):
        if folder.images and folder.path.parent.name not in _KINDS:
            yield folder.path, "flat"
        for subject in folder.folders:
            for kind in _KINDS:
                classes = folder.path / subject / kind
                yield from ((classes / name, kind) for name in _names(classes))


def _names(folder: Path) -> list[str]:
    """What is in a folder, in natural order; nothing if it cannot be listed: its maps are then told as missing."""
    try:
        return sorted(os.listdir(folder), key=natural)
    except OSError:
        return []


def _within(folder: Path, kind: str) -> Iterator[Copy]:
    """The files in one folder that are called like a map and are PNGs of its size, or too short to tell.

    The folder's name is their class, unless they are flat.
    """
    classes = composite.MEGC2019.classes
    names = {str(number): name for number, name in enumerate(classes)}
    emotion = "" if kind == "flat" else names.get(folder.name, f"folder {quoted(folder.name)}")
    for name in _names(folder):
        if (known := _named(name)) is not None and not _other_picture(folder / name):
            yield Copy(folder / name, *known, kind, emotion)


def _other_picture(path: Path) -> bool:
    """Whether a file is a PNG of another size, such as a face. A damaged one is told when it is read."""
    head = b""
    with suppress(OSError), path.open("rb") as opened:
        head = opened.read(len(_HEAD))
    return len(head) == len(_HEAD) and head.startswith(_HEAD[:16]) and head != _HEAD


def _named(name: str) -> tuple[str, str] | None:
    """The clip's id and the subject as in the name of a file; None if it is not called like a map."""
    for corpus, form in _FORMS.items():
        if match := form.fullmatch(name):
            key = composite.listed_id([corpus, match[1], match[2], ""])
            return None if key is None else (key, match[1])
    return None


def _tree(folder: Path) -> Path:
    """The folder of subjects, or the flat one, in which a folder of maps is."""
    return folder.parents[2] if folder.parent.name in _KINDS else folder


def _unlike(clips: Sequence[Clip]) -> Iterator[str]:
    """A line for each class of each corpus of which there are not as many clips as in the published composition."""
    counts = Counter((clip.corpus, clip.emotion) for clip in clips)
    for corpus, published in composite.DOCUMENTED.items():
        for name in composite.MEGC2019.classes:
            if (count := counts[corpus, name]) != published[name]:
                yield f"{corpus} has {count} clips of class {name}; published are {published[name]}"


def _misplaced(copies: Mapping[str, list[Copy]]) -> Iterator[str]:
    """A line for each map that one folder of maps lacks, and for each in the folder of another subject's maps."""
    clips_in: dict[Path, set[str]] = defaultdict(set)
    for clip, group in copies.items():
        for copy in group:
            clips_in[_tree(copy.path.parent)].add(clip)
    for tree, clips in clips_in.items():
        yield from (f"{tree.name} lacks the map of {clip}" for clip in sorted(copies.keys() - clips, key=natural))
    for copy in (copy for group in copies.values() for copy in group if copy.kind != "flat"):
        home = copy.path.parents[2].name
        if copy.kind == "u_test" and home != copy.subject:
            yield f"{copy.path} is in the folder of {home}, but of {copy.subject}"
        elif copy.kind == "u_train" and home == copy.subject:
            yield f"{copy.path} would train the network that is tested on it"


def _foreign(copies: Mapping[str, list[Copy]], top: Path) -> Iterator[str]:
    """A line for each other file in the folders of maps."""
    read = {copy.path for group in copies.values() for copy in group}
    for folder in sorted({path.parent for path in read}):
        for file in sorted(folder.iterdir(), key=lambda file: natural(file.name)):
            if file not in read and not REFUSE.fullmatch(file.name):
                yield f"{trees.shown(file, top)} is no flow map and is not read"
