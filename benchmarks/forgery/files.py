"""Forgeries of the file itself: each returns the bytes of a ZIP file from the files of a bundle."""

from __future__ import annotations

import io
import warnings
import zipfile
from collections.abc import Callable, Mapping

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


def behind_image(files: Files) -> bytes:
    """Put the ZIP file behind an image: most programs open the file as either."""
    return _PIXELS + packed(files)


def with_comment(files: Files) -> bytes:
    """Put an image into the comment of the ZIP file."""
    buffer = io.BytesIO(packed(files))
    with zipfile.ZipFile(buffer, "a") as archive:
        archive.comment = _PIXELS
    return buffer.getvalue()


def behind_data(files: Files) -> bytes:
    """Put an image behind the compressed data of a run, where no program unpacks it."""
    content, last = packed(files), max(files)
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        start, entry = archive.start_dir, archive.getinfo(last)
        sizes = entry.header_offset + 18, start + sum(46 + len(name) for name in files if name != last) + 20
    longer = (entry.compress_size + len(_PIXELS)).to_bytes(4, "little")
    made = bytearray(content)
    for place in sizes:
        made[place : place + 4] = longer
    made[-6:-2] = (start + len(_PIXELS)).to_bytes(4, "little")
    return bytes(made[:start]) + _PIXELS + bytes(made[start:])


def spaced(files: Files) -> bytes:
    """Write the head with spaces, which can hide as many bits as there are."""
    return _with_head(files, lambda head: head.replace(b',"', b', "'))


def another_version(files: Files) -> bytes:
    """Claim another version of the format."""
    return _with_head(files, lambda head: head.replace(b'"schema":1', b'"schema":2'))


def _with_head(files: Files, change: Callable[[bytes], bytes]) -> bytes:
    return packed({**files, HEAD: change(files[HEAD])})


def cut(files: Files) -> bytes:
    """Cut the file off in the middle."""
    content = packed(files)
    return content[: len(content) // 2]
