"""SMIC, high-speed part (HS): 100 frames a second, 640x480, 16 subjects, 164 clips.

Images: `SMIC_all_raw/HS/s1/micro/negative/s1_ne_01/image036237.bmp`, or `SMIC_all_cropped/HS/...` with
`reg_image036237.bmp`. The `non_micro` branch and the 25 Hz parts VIS and NIR are not read, nor is the long release
SMIC-E. There is no table: the clip's name says the emotion, its first and last frame are onset and offset, and nobody
annotated an apex.
"""

import re
from pathlib import Path

from common.corpora import trees
from common.corpora.tables import Documented, missing_frames
from common.corpora.trees import Layout, natural
from common.errors import ClipError
from common.types import Clip, Corpus, Correction, Exclusion

LAYOUT = Layout(
    corpus="smic",
    title="SMIC-HS",
    citation=(
        "X. Li, T. Pfister, X. Huang, G. Zhao, M. Pietikäinen. A spontaneous micro-expression database: Inducement, "
        "collection and baseline. IEEE Automatic Face and Gesture Recognition (FG), 2013."
    ),
    fps=100.0,
    folders=(("raw", "SMIC_all_raw/HS"), ("raw", "SMIC/HS"), ("cropped", "SMIC_all_cropped/HS")),
    subject=re.compile(r"s([0-9]+)", re.IGNORECASE),
    clip=re.compile(r"micro", re.IGNORECASE),
    subject_id="s{}",
)
NAME = re.compile(r"s([0-9]+)_(ne|po|sur)_([0-9]+)", re.IGNORECASE)
EMOTIONS = {"ne": "negative", "po": "positive", "sur": "surprise"}
DOCUMENTED = (Documented("publication of 2013", 164, 16, {"negative": 70, "positive": 51, "surprise": 43}),)


def load(root: Path, images: str = "raw") -> Corpus:
    """The corpus below `root`; `images` "raw" or "cropped" is preferred. UserError without images."""
    tree = trees.choose(trees.survey(root), LAYOUT, images)
    clips: dict[str, Clip] = {}
    exclusions: dict[str, Exclusion] = {}
    corrections: list[Correction] = []
    for number, name, place in _clip_folders(tree.path, exclusions):
        key = f"smic/s{number}/{name}"
        if key in clips or key in exclusions:
            clips.pop(key, None)
            exclusions[key] = Exclusion(key, "the clip lies in two folders")
            continue
        try:
            clips[key] = _clip(place, number, name)
        except ClipError as error:
            exclusions[key] = Exclusion(key, str(error))
            continue
        folder = place.parent.name.lower()
        if folder in EMOTIONS.values() and folder != clips[key].emotion:
            corrections.append(Correction(key, "emotion", folder, clips[key].emotion, "file name, against its folder"))
        corrections += missing_frames(clips[key])
    return Corpus(
        name=LAYOUT.corpus,
        title=LAYOUT.title,
        citation=LAYOUT.citation,
        root=root,
        tree=tree.name.split("/")[0],
        table="",
        clips=tuple(clips[key] for key in sorted(clips, key=natural)),
        exclusions=tuple(exclusions.values()),
        corrections=tuple(note for note in corrections if note.clip in clips),
    )


def _clip_folders(tree: Path, exclusions: dict[str, Exclusion]) -> list[tuple[int, str, Path]]:
    """(subject number, clip name, folder) of everything in `micro`; notes what cannot be read in `exclusions`."""
    found = []
    for number, person in sorted(trees.subjects(tree, LAYOUT).items()):
        try:
            micro = [path for name, path in trees.children(person).items() if name.lower() == "micro"]
            emotions = [path for path in micro for path in trees.children(path).values()]
            folders = [path for path in emotions for path in trees.children(path).values()]
        except ClipError as error:
            exclusions[f"smic/s{number}"] = Exclusion(f"smic/s{number}", str(error))
            continue
        for folder in folders:
            match = NAME.fullmatch(folder.name.strip())
            if match:  # one spelling for all copies: s1_ne_01
                name = f"s{int(match[1])}_{match[2].lower()}_{int(match[3]):02d}"
                found.append((number, name, folder))
            elif re.match(r"s[0-9]+_", folder.name, re.IGNORECASE):
                key = f"smic/s{number}/{folder.name}"
                exclusions[key] = Exclusion(key, "its name says no emotion (ne, po or sur)")
    return found


def _clip(place: Path, number: int, name: str) -> Clip:
    owner, code, _ = name.split("_")
    if owner != f"s{number}":
        raise ClipError(f"a clip of {owner} in the folder of s{number}")
    there = trees.images(place)
    if not there:
        raise ClipError(f"no numbered image in {place.parent.name}/{place.name}")
    onset, offset = min(there), max(there)
    frames = trees.sequence(place, onset, offset)
    return Clip(
        corpus=LAYOUT.corpus,
        subject=f"s{number}",
        name=name,
        frames=tuple(frames.values()),
        numbers=tuple(frames),
        onset=onset,
        apex=None,
        offset=offset,
        fps=LAYOUT.fps,
        emotion=EMOTIONS[code],
    )
