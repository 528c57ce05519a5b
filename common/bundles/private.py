"""The scan that keeps paths, names of users and machines, and images out of bundles."""

from __future__ import annotations

import getpass
import re
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

_PATHS = re.compile(r"""(?:^|[\s"'=(:,;\[])(?:~?/(?=\w)|[A-Za-z]:[\\/]|\\\\\w|file:)""")
"""The beginning of an absolute path of any system, or of a home folder."""
_IMAGES = {
    "JPEG": ("\u00ff\u00d8\u00ff", "/9j/"),
    "PNG": ("\u0089PNG", "iVBORw0KGgo"),
    "GIF": ("GIF87a", "GIF89a", "R0lGOD"),
    "WebP or AVI": ("WEBPVP8", "AVI LIST", "UklGR"),
    "TIFF": ("II*\x00", "MM\x00*", "SUkqA", "TU0AK"),
    "an image in a URL": ("data:image",),
}
"""How images begin, as characters of the same numbers as the bytes, and in base64."""
_ORDINARY = {"root", "user", "admin", "localhost", "ubuntu", "runner", "docker", "linux"}
"""Names of users and machines that identify nobody."""
_SHORTEST = 3


def own_names() -> tuple[str, ...]:
    """The names of this user, home folder and machine, lower case, without those that identify nobody."""
    names = []
    for ask in (getpass.getuser, lambda: Path.home().name, socket.gethostname):
        try:
            names += [name := ask(), name.partition(".")[0]]
        except (OSError, KeyError, RuntimeError, ImportError):  # a user or a home without an entry
            continue
    lowered = dict.fromkeys(name.lower() for name in names)
    return tuple(name for name in lowered if len(name) >= _SHORTEST and name not in _ORDINARY)


def scan(record: Any, names: tuple[str, ...] = ()) -> Iterator[str]:
    """What must not be in a bundle, one phrase each: absolute paths, images, and any of `names` (lower case) as a word.

    `names` are only looked for in values, since keys are names of clips, metrics and settings.
    """
    words = re.compile(rf"(?<![a-z0-9])(?:{'|'.join(map(re.escape, names))})(?![a-z0-9])") if names else None
    for where, text, is_value in _texts(record, ""):
        if _PATHS.search(text):
            yield f"{where}: a path"
        for kind, starts in _IMAGES.items():
            if any(start in text for start in starts):
                yield f"{where}: {kind}"
        if words and is_value and words.search(text.lower()):
            yield f"{where}: the name of a user or a machine"


def _texts(value: Any, where: str) -> Iterator[tuple[str, str, bool]]:
    """(place, text, whether it is a value) of all texts."""
    if isinstance(value, str):
        yield where or "text", value, True
    elif isinstance(value, dict):
        for name, inner in value.items():
            yield f"{where} (a name)".strip(), name, False
            yield from _texts(inner, name if len(name) < 40 else where)
    elif isinstance(value, list):
        for inner in value:
            yield from _texts(inner, where)
