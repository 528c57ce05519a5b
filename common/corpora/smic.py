"""SMIC, the short release: 164 clips of 16 subjects at 100 frames per second (HS), 71 of 8 at 25 (VIS, NIR); 640x480.

Images: `SMIC_all_raw/HS/s1/micro/negative/s1_ne_01/image036237.bmp`, or `SMIC_all_cropped/HS/...` with
`reg_image036237.bmp`; `VIS/...` and `NIR/...` are next to `HS`. The `non_micro` branch is not read. There is no
table: the emotion is in the clip's name, its first and last frame are onset and offset, and apexes are not annotated.
Copies without `micro`, and with clips that are only numbered in a folder of their emotion, are read too.
If the short release is missing, HS is read from the long one (`smic_e`). Folders of other names are recognised by the
branch `micro`, the clips' names and, for the part, the folders' names, the subjects and the images' names.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from common.corpora import examine, recognise, smic_e, trees
from common.corpora.tables import Documented, fixed_length, missing_frames
from common.corpora.trees import Claim, Folder, Glimpse, Layout, Root
from common.errors import ClipError, printable
from common.files import natural
from common.types import Clip, Corpus, Correction, Exclusion

NAME = smic_e.NAME
_LIKE_A_CLIP = re.compile(r"^\s*s[0-9]+_|(ne|po|sur)_?[0-9]+", re.IGNORECASE)
_SHORT_NAME = re.compile(r"(?:(ne|po|sur)_?)?([0-9]{1,3})", re.IGNORECASE)
EMOTIONS = smic_e.EMOTIONS
_NON_MICRO = re.compile(r"non\W?_?micro", re.IGNORECASE).fullmatch
_CODES = {emotion: code for code, emotion in EMOTIONS.items()}
DOCUMENTED = (
    Documented("publication of 2013", 164, 16, {"negative": 70, "positive": 51, "surprise": 43}, title="SMIC-HS"),
    *smic_e.DOCUMENTED,
)
DOCUMENTED_VIS = (Documented("publication of 2013", 71, 8),)


_FILES = {
    re.compile(r"(?:reg_)?image[0-9]{6,8}\..*", re.IGNORECASE): {"hs"},
    re.compile(r"(?:reg_)?[0-9]{5}\..*", re.IGNORECASE): {"vis", "nir"},
}
"""The names of images, and the parts that have them."""
_SLOW = {11, 12, 13, 14, 15, 18, 19, 20}
"""The subjects of VIS and NIR; those of HS are these and others."""


def _layout(corpus: str, part: str, fps: float) -> Layout:
    def recognised(glimpse: Glimpse) -> Claim | None:
        return _recognise(glimpse, part)

    return Layout(
        corpus=corpus,
        title=f"SMIC-{part}",
        citation=(
            "X. Li, T. Pfister, X. Huang, G. Zhao, M. Pietikäinen. A spontaneous micro-expression database: "
            "Inducement, collection and baseline. IEEE Automatic Face and Gesture Recognition (FG), 2013."
        ),
        fps=fps,
        folders=(("raw", f"SMIC_all_raw/{part}"), ("raw", f"SMIC/{part}"), ("cropped", f"SMIC_all_cropped/{part}")),
        subject=smic_e.SUBJECT,
        clip=re.compile(r"micro", re.IGNORECASE),
        subject_id="s{}",
        recognise=recognised,
        example="s1/micro/negative/s1_ne_01/image036237.bmp",
        size=(640, 480),
    )


def _recognise(glimpse: Glimpse, part: str) -> Claim | None:
    clips = [c for c in glimpse.clips if len(c) > 2 and _is_clip(c[1:-2], c[-2])]
    if 2 * len(clips) <= len(glimpse.clips):
        return None
    whole = smic_e.named_long(glimpse.path) or glimpse.most > smic_e.LONGEST
    if whole and not all("micro" in map(str.lower, c) for c in clips):
        return None  # recordings of the long release
    names = {"raw": f"SMIC_all_raw/{part}", "cropped": f"SMIC_all_cropped/{part}"}
    people = {int(number) for name in glimpse.subjects for number in re.findall("[0-9]+", name)}
    by_path = smic_e.part_named(glimpse.path)
    by_files = next(
        (parts for form, parts in _FILES.items() if all(form.fullmatch(c[-1]) for c in clips)), smic_e.PARTS
    )
    by_people = smic_e.PARTS if people <= _SLOW else {"hs"}
    parts = ({by_path} if by_path else smic_e.PARTS) & by_files & by_people
    if glimpse.path.name.lower() in _CODES:
        doubt = "it has one emotion only; restore paths such as s1/micro/negative/s1_ne_01"
        return Claim(names, doubt, readable=False) if part.lower() in parts else None
    if len(parts) == 1 and (by_path or by_files != smic_e.PARTS):
        return Claim(names) if parts == {part.lower()} else None
    if not parts:
        doubt = f"its name says {by_path.upper()}, but its subjects or the names of its images contradict this"
        return Claim(names, doubt) if part.lower() == by_path or not by_path else None
    doubt = f"it is not clear whether it is {' or '.join(sorted(name.upper() for name in parts))}"
    if len(parts) == 1:
        doubt = f"its images are named like {clips[0][-1]}, not like image036237.bmp"
    return Claim(names, doubt) if part.lower() in parts else None


HS = _layout("smic", "HS", 100.0)
VIS = _layout("smic_vis", "VIS", 25.0)
NIR = _layout("smic_nir", "NIR", 25.0)


def load(root: Root, images: str = "raw") -> Corpus:
    """Load HS below `root`; `images` "raw" or "cropped" is preferred. UserError without images.

    The long release is read if the short one is missing. Its clips have the same names as those of the short one.
    """
    folders = trees.survey(root)
    long = _long_release_only(folders)
    there = {
        "VIS of the short release": ("smic_vis", VIS),
        "NIR of the short release": ("smic_nir", NIR),
        "the long release SMIC-E": ("smic_e", smic_e.LAYOUT),
    }
    notes = [
        f"{description} was found but not read; its name is {name}"
        for description, (name, layout) in there.items()
        if not (long and layout is smic_e.LAYOUT) and recognise.available(folders, layout)
    ]
    if not long:
        return _load(HS, folders, images, notes)
    corpus = smic_e.load(root, images, corpus="smic")
    return replace(corpus, notes=(*corpus.notes, *notes))


def _long_release_only(folders: Sequence[Folder]) -> bool:
    """Whether HS has to be read from the long release: a known name takes precedence over a folder's content."""
    if recognise.named(folders, HS):
        return False
    if recognise.named(folders, smic_e.LAYOUT):
        return True
    return not recognise.available(folders, HS) and recognise.root(folders, [smic_e.LAYOUT]) is not None


def load_vis(root: Root, images: str = "raw") -> Corpus:
    """Load the part of the colour camera (VIS). UserError without images."""
    return _load(VIS, trees.survey(root), images)


def load_nir(root: Root, images: str = "raw") -> Corpus:
    """Load the part of the near-infrared camera (NIR). UserError without images."""
    return _load(NIR, trees.survey(root), images)


def _load(layout: Layout, folders: Sequence[Folder], images: str, notes: Sequence[str] = ()) -> Corpus:
    tree = recognise.choose(folders, layout, images)
    clips: dict[str, Clip] = {}
    exclusions: dict[str, Exclusion] = {}
    corrections: list[Correction] = []
    told: set[Path] = set()
    for number, name, place in _clip_folders(layout, tree.path, exclusions, told):
        key = f"{layout.corpus}/s{number}/{name}"
        if key in clips or key in exclusions:
            clips.pop(key, None)
            exclusions[key] = Exclusion(key, "the clip is in two folders")
            continue
        try:
            clips[key] = _clip(layout, tree.path, place, number, name)
        except ClipError as error:
            exclusions[key] = Exclusion(key, str(error))
            continue
        home = place.parent.name.lower()
        if home in _CODES and home != clips[key].emotion:
            corrections.append(
                Correction(key, "emotion", home, clips[key].emotion, "the file name contradicts its folder")
            )
        corrections += missing_frames(clips[key])
    return Corpus(
        name=layout.corpus,
        title=layout.title,
        citation=layout.citation,
        root=folders[0].path,
        tree=tree.name,
        table="",
        images=tree.path,
        clips=tuple(clips[key] for key in sorted(clips, key=natural)),
        exclusions=tuple(exclusions.values()),
        corrections=tuple(note for note in corrections if note.clip in clips),
        notes=(
            *notes,
            *recognise.passed_over(folders, layout, tree),
            *_fixed_length([*clips.values()]),
            *examine.leftover(folders, layout, tree, told),
        ),
    )


def _fixed_length(clips: Sequence[Clip]) -> list[str]:
    """A line if the clips are as if computed: most have one number of images, counted from 1."""
    count = fixed_length([clip.numbers for clip in clips])
    warning = (
        f"most clips have {count} images, counted from the start: they seem to be interpolated to a fixed length, so "
        "their frames and times are not those of the recording"
    )
    return [warning] if count else []


def _clip_folders(
    layout: Layout, tree: Path, exclusions: dict[str, Exclusion], told: set[Path]
) -> list[tuple[int, str, Path]]:
    """(subject number, clip name, folder) of all clips; unreadable folders are added to `exclusions`.

    All folders that it accounts for, as clips or exclusions or as non-micro-expressions, are added to `told`.
    """
    clip_folders = []
    for number, homes in sorted(trees.subjects(tree, layout).items()):
        try:
            told.update(path for home in homes for name, path in trees.children(home).items() if _NON_MICRO(name))
            folders = [folder for home in homes for folder in _in_subject(home)]
        except ClipError as error:
            key = f"{layout.corpus}/s{number}"
            exclusions[key] = Exclusion(key, str(error))
            told.update(homes)
            continue
        told.update(folders)
        for folder in folders:
            if name := _name(folder, number):
                clip_folders.append((number, name, folder))
            else:
                key = f"{layout.corpus}/s{number}/{printable(folder.name)}"
                exclusions[key] = Exclusion(key, "its name contains no emotion (ne, po or sur)")
    return clip_folders


def _name(folder: Path, number: int) -> str:
    """The name of a subject's clip in one spelling for all copies, s1_ne_01; empty if it has no emotion."""
    name = folder.name.strip()
    if match := NAME.fullmatch(name):
        return f"s{int(match[1])}_{match[2].lower()}_{int(match[3]):02d}"
    match = _SHORT_NAME.fullmatch(name)
    code = match and (match[1] or _CODES.get(folder.parent.name.lower()))
    return f"s{number}_{code.lower()}_{int(match[2]):02d}" if match and code else ""


def _is_clip(between: Sequence[str], name: str) -> bool:
    """Whether a folder has the name of a clip; `between` are the folders between the subject's and this one."""
    above = [folder.lower() for folder in between]
    return {*above} <= {"micro", *_CODES} and bool(_name(Path(*above[-1:], name), 0))


def _in_subject(home: Path) -> Iterator[Path]:
    """Folders of a subject named like clips, usually one folder per emotion: in `micro`, or without it in `home`."""
    there = trees.children(home)
    micro = [(path, 0) for name, path in there.items() if name.lower() == "micro"]
    if not micro:
        yield from (path for name, path in there.items() if _LIKE_A_CLIP.search(name))
    waiting = micro or [(path, 1) for name, path in there.items() if name.lower() in _CODES]
    while waiting:
        folder, depth = waiting.pop(0)
        for name, path in trees.children(folder).items():
            if _LIKE_A_CLIP.search(name) or _name(path, 0):
                yield path
            elif depth < 3:
                waiting.append((path, depth + 1))


def _clip(layout: Layout, tree: Path, place: Path, number: int, name: str) -> Clip:
    owner, code, _ = name.split("_")
    if owner != f"s{number}":
        raise ClipError(f"a clip of {owner} in the folder of s{number}")
    there = trees.images(place)
    if not there:
        raise ClipError(f"{place.parent.name}/{place.name} has {trees.no_image(place)}")
    if len(there) > smic_e.LONGEST and "micro" not in map(str.lower, place.relative_to(tree).parts):
        raise ClipError(
            f"{len(there)} images in {place.parent.name}/{place.name}, but the longest clip has {smic_e.LONGEST}: this "
            "may be a whole recording of the long release"
        )
    onset, offset = min(there), max(there)
    frames = trees.sequence(place, onset, offset)
    return Clip(
        corpus=layout.corpus,
        subject=f"s{number}",
        name=name,
        frames=tuple(frames.values()),
        numbers=tuple(frames),
        onset=onset,
        apex=None,
        offset=offset,
        fps=layout.fps,
        emotion=EMOTIONS[code],
    )
