"""Unusable files of clips: empty files, files that do not start like an image, and videos that are too short."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from common.errors import ClipError
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
