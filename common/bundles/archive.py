"""The ZIP file of a bundle: equal contents give equal bytes, and a file made by others is read with limits."""

from __future__ import annotations

import hashlib
import json
import stat
import struct
import zipfile
import zlib
from collections.abc import Mapping
from io import BytesIO
from pathlib import Path
from typing import Any

from common.bundles.schema import FORMAT, HEAD, HEAD_SCHEMA, RUN_FILE, RUN_SCHEMA, VERSION
from common.errors import UserError
from common.json_schema import INTEGER, UnexpectedFormat, holding, parsed

MOST_BYTES = 2**27
"""Maximum size of a bundle, and of all of its contents unpacked."""
MOST_FILE_BYTES = 2**25
"""Maximum size of a file in it, unpacked: a parsed file takes many times as much memory."""
MOST_FILES = 2000
_OLDEST = (1980, 1, 1, 0, 0, 0)
_LOCAL, _CENTRAL, _END = 30, 46, 22
"""Sizes of the headers of a ZIP file, without names."""
_MORE = "contains more than its files; give the file as --bundle wrote it"
_ANY_VERSION = holding({"format": {"enum": [FORMAT]}, "schema": INTEGER})

Contents = dict[str, Any]
"""The records of a bundle by file name: `bundle.json` and the runs."""


class BundleError(UserError):
    """A file is not a bundle that this version can read."""


def sha256(content: bytes) -> str:
    """SHA-256 (hex)."""
    return hashlib.sha256(content).hexdigest()


def as_json(record: Any) -> bytes:
    """A record as UTF-8, the same on every machine: sorted names, the shortest digits of each number."""
    text = json.dumps(record, sort_keys=True, allow_nan=False, ensure_ascii=False, separators=(",", ":"))
    return text.encode() + b"\n"


def sealed(head: Mapping[str, Any], runs: Mapping[str, Any]) -> dict[str, bytes]:
    """The files of a bundle by name; `bundle.json` gets the SHA-256 of all others in its field `files`."""
    files = {name: as_json(record) for name, record in sorted(runs.items())}
    digests = {name: sha256(content) for name, content in files.items()}
    return {HEAD: as_json({**head, "files": digests})} | files


def packed(files: Mapping[str, bytes]) -> bytes:
    """A ZIP file with these files, without times and owners."""
    buffer = BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for name, content in files.items():
            entry = zipfile.ZipInfo(name, _OLDEST)
            entry.compress_type, entry.create_system, entry.external_attr = zipfile.ZIP_DEFLATED, 3, 0o644 << 16
            archive.writestr(entry, content, compresslevel=9)
    return buffer.getvalue()


def bundles_in(path: Path) -> list[Path]:
    """The file itself, or all ZIP files below a folder, sorted by name, without hidden files and folders.

    Raises UserError if there is neither.
    """
    if not path.exists():
        raise UserError(f"{path}: there is no such file or folder")
    if not path.is_dir():
        return [path]
    zips = (p for p in path.rglob("*") if p.suffix.lower() == ".zip" and p.is_file())
    return sorted(p for p in zips if not any(part.startswith(".") for part in p.relative_to(path).parts))


def contents(path: Path) -> Contents:
    """The records of a bundle, each in its documented format.

    Nothing is written to disk. Raises BundleError for anything else, and OSError for a file that cannot be opened.
    """
    about = path.stat()
    if not stat.S_ISREG(about.st_mode):  # reading a pipe would wait for ever
        raise BundleError("not a file")
    if about.st_size > MOST_BYTES:
        raise BundleError(f"larger than {MOST_BYTES // 2**20} MiB")
    try:
        files = _files(path.read_bytes())
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, ValueError, RuntimeError) as error:
        raise BundleError("not a readable ZIP file") from error
    records = {name: _record(name, content) for name, content in files.items()}
    digests = {name: sha256(content) for name, content in files.items() if name != HEAD}
    if records[HEAD]["files"] != digests:
        raise BundleError(f"its files are not those whose digests {HEAD} lists")
    return records


def _files(content: bytes) -> dict[str, bytes]:
    """The files by name, of a ZIP file that has nothing else in it, before it, behind it or between."""
    if content.count(b"PK\x01\x02") > MOST_FILES:  # before an object is made for each
        raise BundleError(f"more than {MOST_FILES} files")
    with zipfile.ZipFile(BytesIO(content)) as archive:
        entries, comment = archive.infolist(), archive.comment
    names = [entry.orig_filename for entry in entries]
    if len(set(names)) < len(names):
        raise BundleError("two files of one name")
    if HEAD not in names:
        raise BundleError(f"contains no {HEAD}")
    if others := [name for name in names if name != HEAD and not RUN_FILE.fullmatch(name)]:
        raise BundleError(f"contains {others[0][:60]!r}, which is no file of a bundle")
    files: dict[str, bytes] = {}
    place, left = 0, MOST_BYTES
    for entry, name in zip(entries, names, strict=True):
        named = struct.pack("<HH", len(name), 0) + name.encode()  # the ends of a header: no field follows the name
        start = place + _LOCAL + len(name)
        if entry.header_offset != place or content[start - len(named) : start] != named:
            raise BundleError(_MORE)
        place = start + entry.compress_size
        files[name] = _unpacked(content[start:place], entry, min(left, MOST_FILE_BYTES))
        left -= len(files[name])
    directory = sum(_CENTRAL + len(name) for name in names) + _END
    if len(content) != place + directory or comment or any(entry.extra or entry.comment for entry in entries):
        raise BundleError(_MORE)
    return files


def _unpacked(packed: bytes, entry: zipfile.ZipInfo, most: int) -> bytes:
    if entry.flag_bits & 1 or entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise BundleError(f"{entry.filename} is encrypted or packed in an unusual way")
    if entry.compress_type == zipfile.ZIP_STORED:
        content, whole = packed[: most + 1], True
    else:
        unpacking = zlib.decompressobj(-zlib.MAX_WBITS)
        content = unpacking.decompress(packed, most + 1)
        whole = unpacking.eof and not unpacking.unused_data
    if len(content) > most:
        raise BundleError(f"{entry.filename} is larger than {most // 2**20} MiB when unpacked")
    if not whole or zlib.crc32(content) != entry.CRC:
        raise BundleError(f"{entry.filename} is damaged")
    return content


def _record(name: str, content: bytes) -> Any:
    schema = HEAD_SCHEMA if name == HEAD else RUN_SCHEMA
    try:
        if name == HEAD and (version := parsed(content, _ANY_VERSION)["schema"]) != VERSION:
            raise BundleError(f"version {version} of the format, but this version of the suite reads version {VERSION}")
        record = parsed(content.decode("utf-8"), schema)
        if as_json(record) != content:
            raise BundleError(f"{name} is not written as --bundle writes it")
    except UnexpectedFormat:
        raise BundleError(f"{name} is not in the format of a bundle: see docs/pages/bundles.md") from None
    except (ValueError, RecursionError) as error:
        raise BundleError(f"{name} is not valid JSON") from error
    return record
