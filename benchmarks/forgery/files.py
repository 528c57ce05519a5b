"""Forgeries of the file itself: each returns the bytes of a ZIP file from the files of a bundle."""

from __future__ import annotations

import io
import warnings
import zipfile
from collections.abc import Mapping

from common.bundles.archive import MOST_BYTES, packed
from common.bundles.schema import HEAD

Files = Mapping[str, bytes]
_PIXELS = b"\xff\xd8\xff\xe0\x00\x10JFIF" + bytes(64)


def edited(files: Files) -> bytes:
    """Edit a run in the ZIP file by hand."""
    name = max(files)
    return packed({**files, name: files[name].replace(b'"seconds":', b'"seconds":1')})


def with_image(files: Files) -> bytes:
    """Add an image."""
    return packed({**files, "face.jpg": _PIXELS})


def image_as_run(files: Files) -> bytes:
    """Add an image under the name of a run."""
    return packed({**files, "run-0099.json": _PIXELS})


def outside(files: Files) -> bytes:
    """Add a file that would be unpacked into another folder."""
    return packed({**files, "../run-0001.json": b"{}"})


def twice(files: Files) -> bytes:
    """Add a second file of the same name, for readers that use the other one."""
    buffer = io.BytesIO(packed(files))
    with warnings.catch_warnings(), zipfile.ZipFile(buffer, "a") as archive:
        warnings.simplefilter("ignore")
        archive.writestr(HEAD, files[HEAD])
    return buffer.getvalue()


def repeated_name(files: Files) -> bytes:
    """Give a field of the head twice, with two values."""
    return packed({**files, HEAD: files[HEAD].replace(b'"data":', b'"data":"stand-in","data":')})


def not_finite(files: Files) -> bytes:
    """Write a number that JSON does not have."""
    return packed({**files, HEAD: files[HEAD].replace(b'"schema":1', b'"schema":NaN')})


def bomb(files: Files) -> bytes:
    """Pack a run that does not fit into memory."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
        with archive.open("run-0099.json", "w") as file:
            for _ in range(MOST_BYTES // 2**22 + 1):
                file.write(bytes(2**22))
    return buffer.getvalue()


def nested(files: Files) -> bytes:
    """Nest lists so deeply that a parser fails."""
    return packed({**files, HEAD: b"[" * 200_000})


def cut(files: Files) -> bytes:
    """Cut the file off in the middle."""
    content = packed(files)
    return content[: len(content) // 2]
