"""A user's own clips: a video, a folder of frames, or a folder with several of these."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from common.corpora.trees import IMAGES
from common.errors import ClipError, UserError
from common.files import natural
from common.types import Clip
from common.vision import images, videos

CORPUS = "own"
MOST_FRAMES = 600
"""Of a clip: six seconds at 100 frames per second; a micro-expression lasts half a second."""
MOST_PIXELS = 2**28
"""In all frames of a clip together: 600 frames of 640x480 have 70% of this. Magnifying them took 2 MiB per frame."""
FEWEST_FRAMES = 2
SMALLEST = 32
"""Pixels of the shorter side. dlib's detector finds faces of 80 pixels in images that are enlarged up to twice."""
_LONGEST_NAME = 40
MOST_NAMED = 5
"""Maximum number of unusable files that a message names."""


@dataclass(frozen=True)
class Source:
    """A clip of the user: all of it counts as onset to offset, and its apex is not annotated.

    `sha256` (hex) is that of the video, or of the frames' digests in order. `size` is height and width of its frames.
    `remarks` describe anything odd about its files.
    """

    path: Path
    clip: Clip
    sha256: str
    size: tuple[int, int]
    remarks: tuple[str, ...]

    @property
    def is_video(self) -> bool:
        """Whether the clip is one file."""
        return self.path.is_file()


def entries(path: Path) -> tuple[list[Path], list[str]]:
    """The clips at a user's path, in natural order, and a line on each other file that is not hidden.

    A file is a video. A folder with images is one clip; otherwise each video and each folder in it is a clip. Raises
    UserError if there are no clips or the path is ambiguous.
    """
    try:
        if not path.is_dir():
            return [_video(path)], []
        listed = sorted((entry for entry in path.iterdir() if not entry.name.startswith(".")), key=_in_order)
    except OSError as error:
        raise UserError(f"--predict {path}: {error.strerror}") from error
    pictures = any(_is_picture(entry) for entry in listed)
    several = [entry for entry in listed if entry.is_dir() or (videos.is_video(entry) and entry.is_file())]
    if pictures and several:
        raise UserError(
            f"--predict {path}: contains images and also {several[0].name}; put the frames of a clip into a folder "
            "of their own, or name one clip"
        )
    if pictures:
        return [path], [f"{entry}: not an image of this clip" for entry in listed if not _is_picture(entry)]
    others = [entry for entry in listed if entry not in several]
    if not several:
        held = f", only {', '.join(entry.name for entry in others[:MOST_NAMED])}" if others else ""
        raise UserError(
            f"--predict {path}: contains no video ({', '.join(videos.SUFFIXES)}), no image and no folder{held}"
        )
    return several, [f"{entry}: not a video or a folder of frames" for entry in others]


def _video(path: Path) -> Path:
    if not path.exists():
        raise UserError(f"--predict {path}: no such file or folder")
    if not path.is_file():
        raise UserError(f"--predict {path}: neither a file nor a folder")
    if _is_picture(path):
        raise UserError(f"--predict {path}: a single image shows no motion; name a video or a folder of frames")
    if not videos.is_video(path):
        raise UserError(f"--predict {path}: not a video; the name of a video ends in {', '.join(videos.SUFFIXES)}")
    return path


def check_rates(paths: Sequence[Path], fps: float | None) -> None:
    """Raise UserError if no clip has a frame rate: images do not contain one."""
    if fps is None and all(path.is_dir() for path in paths):
        raise UserError(f"{paths[0]}: a folder of frames has no frame rate; give it with --fps, such as --fps 100")


def read(path: Path, fps: float | None) -> Source:
    """Read a clip with its frame rate, in frames per second, which `fps` overrides.

    Raises ClipError for a clip that cannot be read, has no frame rate, or exceeds `MOST_FRAMES` or `MOST_PIXELS`.
    """
    if path.is_dir():
        frames, remarks = _pictures(path)
        rate = fps
        if rate is None:
            raise ClipError(f"{path}: a folder of frames has no frame rate; give it with --fps, such as --fps 100")
        numbers = range(1, len(frames) + 1)
    else:
        held, remarks = _held(path)
        frames, numbers = (path,) * held, range(1, held + 1)
        rate = fps or videos.stated_rate(path)
        if rate is None:
            raise ClipError(f"{path}: contains no usable frame rate; give it with --fps, such as --fps 100")
    if len(frames) > MOST_FRAMES:
        raise ClipError(f"{path}: more than {MOST_FRAMES} frames; cut out the expression")
    if len(frames) < FEWEST_FRAMES:
        raise ClipError(f"{path}: a single frame shows no motion")
    clip = Clip(
        corpus=CORPUS,
        subject="clip",
        name=safe(path),
        frames=frames,
        numbers=tuple(numbers),
        onset=1,
        apex=None,
        offset=len(frames),
        fps=float(rate),
        emotion="",
    )
    height, width = images.read_frame(clip, 0).shape[:2]
    if min(height, width) < SMALLEST:
        raise ClipError(f"{path}: images of {width}x{height} pixels are too small to show a face")
    if height * width * len(frames) > MOST_PIXELS:
        raise ClipError(
            f"{path}: {len(frames)} frames of {width}x{height} pixels are too many; cut out the expression, or make "
            f"the images smaller: the limit is {MOST_PIXELS // (height * width)} frames of this size"
        )
    return Source(path, clip, _digest(clip.files), (height, width), tuple(remarks))


def safe(path: Path) -> str:
    """The name of a file or folder for use in other names: short, printable, without a path."""
    name = path.stem if videos.is_video(path) else path.name or path.resolve().name
    return re.sub(r"[^\w.-]+", "-", name).strip("-.")[:_LONGEST_NAME] or "clip"


def _pictures(folder: Path) -> tuple[tuple[Path, ...], list[str]]:
    try:
        pictures = sorted((picture for picture in folder.iterdir() if _is_picture(picture)), key=_in_order)
    except OSError as error:
        raise ClipError(f"{folder}: {error.strerror}") from error
    if not pictures:
        raise ClipError(f"{folder}: contains no image ({', '.join(IMAGES)})")
    endings = sorted({picture.suffix.lower() for picture in pictures})
    if len(endings) > 1:
        raise ClipError(
            f"{folder}: contains images that end in {' and in '.join(endings)}; leave only those of one clip"
        )
    places = [re.findall(r"[0-9]{1,9}", picture.stem)[-1:] for picture in pictures]
    numbers = [int(place[0]) for place in places if place]
    missing = numbers[-1] - numbers[0] + 1 - len(pictures) if len(numbers) == len(pictures) else 0
    if missing <= 0 or sorted(set(numbers)) != numbers:
        return tuple(pictures), []
    return tuple(pictures), [
        f"{missing} of the file numbers between {numbers[0]} and {numbers[-1]} are missing: where frames are missing, "
        "motion looks faster than it was."
    ]


def _held(path: Path) -> tuple[int, list[str]]:
    """How many frames of a video can be decoded, up to one more than allowed, and remarks on it."""
    stated, held = videos.stated_count(path), videos.count(path, MOST_FRAMES + 1)
    if not held:
        raise ClipError(f"{path}: no frame can be decoded; convert it to AVI (MJPG) or to images")
    if stated and held <= MOST_FRAMES and stated > held + 2:  # some formats declare only an estimate
        return held, [f"Only {held} of the {stated} frames that the file declares can be decoded: it may be cut off."]
    return held, []


def _is_picture(path: Path) -> bool:
    return path.suffix.lower() in IMAGES and not path.name.startswith(".") and path.is_file()


def _in_order(path: Path) -> tuple[list[str | int], str]:
    return natural(path.name), path.name


def _digest(files: Sequence[Path]) -> str:
    digests = []
    for file in files:
        try:
            with file.open("rb") as stream:
                digests.append(hashlib.file_digest(stream, "sha256"))
        except OSError as error:
            raise ClipError(f"{file}: {error.strerror}") from error
    if len(digests) == 1:
        return digests[0].hexdigest()
    return hashlib.sha256(b"".join(d.digest() for d in digests)).hexdigest()
