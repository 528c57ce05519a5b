"""The whole recordings of CAS(ME)^2, each as one clip with the emotion of its stimulus.

Images: `rawpic/s15/15_0101disgustingteeth/img001.jpg` or `rawvideo/s15/15_0101disgustingteeth.avi`. The codes of
the stimuli are in the annotation table; the annotations within a recording are not used.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from common.corpora import casme_sq, recognise, table_files, trees
from common.corpora.casme_sq import RECORDING
from common.corpora.trees import Root, Tree
from common.errors import ClipError, printable, quoted
from common.files import natural
from common.types import Clip, Corpus, Exclusion
from common.vision.videos import stated_count

LAYOUT = replace(
    casme_sq.LAYOUT,
    corpus="casme_sq_recordings",
    title="CAS(ME)^2, recordings",
    folders=(("raw", "rawpic"), ("raw", "rawvideo")),
    recognise=casme_sq.recognise_recordings,
    example="s15/15_0101disgustingteeth/img001.jpg or s15/15_0101disgustingteeth.avi",
)


def load(root: Root, images: str = "raw") -> Corpus:
    """Load the recordings below `root`; there is only one kind of `images`.

    Videos are opened to read the number of frames that they declare, and not decoded. Raises UserError without table
    or recordings.
    """
    folders = trees.survey(root)
    table = table_files.find(folders, LAYOUT)
    _, names = casme_sq.read(table)
    emotions = {
        code: match[0] for name, code in names.codes.items() if (match := re.match("disgust|anger|happy", name))
    }
    tree = recognise.choose(folders, LAYOUT, images, table)
    clips: dict[str, Clip] = {}
    exclusions: dict[str, Exclusion] = {}
    for person, path in _recordings(tree, exclusions):
        match = RECORDING.fullmatch(path.name)
        key = f"{LAYOUT.corpus}/{LAYOUT.subject_id.format(person)}/{printable(path.stem)}"
        if match and int(match[1]) != person:
            exclusions[key] = Exclusion(
                key, f"a recording of subject {match[1]} in the folder of another subject", fault=False
            )
            continue
        try:
            if clips.pop(key, None) or key in exclusions:
                raise ClipError("the recording occurs twice")
            clips[key] = _clip(path, person, emotions)
        except ClipError as error:
            exclusions[key] = Exclusion(key, str(error))
    return Corpus(
        name=LAYOUT.corpus,
        title=LAYOUT.title,
        citation=LAYOUT.citation,
        root=folders[0].path,
        tree=tree.name,
        table=table.name,
        images=tree.path,
        notes=(*table_files.passed_over(folders, LAYOUT, table), *recognise.passed_over(folders, LAYOUT, tree)),
        clips=tuple(clips[key] for key in sorted(clips, key=natural)),
        exclusions=tuple(exclusions.values()),
    )


def _recordings(tree: Tree, exclusions: dict[str, Exclusion]) -> Iterator[tuple[int, Path]]:
    """(subject number, folder or video) of all recordings; subjects that cannot be read are added to `exclusions`."""
    listed = trees.children if tree.form == "rawpic" else trees.videos
    for person, homes in sorted(trees.subjects(tree.path, LAYOUT).items()):
        try:
            paths = [path for home in homes for path in listed(home).values()]
        except ClipError as error:
            key = f"{LAYOUT.corpus}/{LAYOUT.subject_id.format(person)}"
            exclusions[key] = Exclusion(key, str(error))
            continue
        yield from ((person, path) for path in paths)


def _clip(path: Path, person: int, emotions: Mapping[str, str]) -> Clip:
    match = RECORDING.fullmatch(path.name)
    if not match:
        raise ClipError(f"{quoted(path.name)} is not named like a recording (such as 15_0101disgustingteeth)")
    if match[2] not in emotions:
        raise ClipError(f"stimulus {match[2]} is not in the naming rule (third sheet)")
    frames = trees.images(path) if path.is_dir() else dict.fromkeys(range(1, (stated_count(path) or 0) + 1), path)
    if len(frames) < 2:
        raise ClipError(f"{len(frames)} frames; a sequence needs at least 2")
    numbers = tuple(frames)
    return Clip(
        corpus=LAYOUT.corpus,
        subject=LAYOUT.subject_id.format(person),
        name=path.name if path.is_dir() else path.stem,
        frames=tuple(frames.values()),
        numbers=numbers,
        onset=numbers[0],
        apex=None,
        offset=numbers[-1],
        fps=LAYOUT.fps,
        emotion=emotions[match[2]],
        expression="recording",
    )
