"""The ZIP file of a bundle: equal contents give equal bytes, and a file made by others is read with limits."""

from __future__ import annotations

import hashlib
import json
import zipfile
import zlib
from collections.abc import Mapping
from io import BytesIO
from pathlib import Path
from typing import Any

from common.bundles.schema import HEAD, HEAD_SCHEMA, RUN_FILE, RUN_SCHEMA
from common.errors import UserError
from common.json_schema import UnexpectedFormat, parsed

MOST_BYTES = 2**27
"""Maximum size of a bundle, and of all of its contents unpacked."""
MOST_FILES = 2000
_OLDEST = (1980, 1, 1, 0, 0, 0)

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
    if path.stat().st_size > MOST_BYTES:
        raise BundleError(f"larger than {MOST_BYTES // 2**20} MiB")
    try:
        with zipfile.ZipFile(path) as archive:
            files = _files(archive)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, ValueError, RuntimeError) as error:
        raise error if isinstance(error, BundleError) else BundleError("not a readable ZIP file") from error
    records = {name: _record(name, content) for name, content in files.items()}
    found = {name: sha256(content) for name, content in files.items() if name != HEAD}
    if records[HEAD]["files"] != found:
        raise BundleError(f"its files are not those whose digests {HEAD} lists")
    return records


def _files(archive: zipfile.ZipFile) -> dict[str, bytes]:
    entries = archive.infolist()
    names = [entry.filename for entry in entries]
    if len(entries) > MOST_FILES or len(set(names)) < len(names):
        raise BundleError("too many files, or two of one name")
    if HEAD not in names:
        raise BundleError(f"contains no {HEAD}")
    if others := [name for name in names if name != HEAD and not RUN_FILE.fullmatch(name)]:
        raise BundleError(f"contains {others[0][:60]!r}, which is no file of a bundle")
    files: dict[str, bytes] = {}
    left = MOST_BYTES
    for entry in entries:
        if entry.flag_bits & 1 or entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise BundleError(f"{entry.filename} is encrypted or packed in an unusual way")
        with archive.open(entry) as file:
            files[entry.filename] = file.read(left + 1)
        left -= len(files[entry.filename])
        if left < 0:
            raise BundleError(f"larger than {MOST_BYTES // 2**20} MiB when unpacked")
    return files


def _record(name: str, content: bytes) -> Any:
    schema = HEAD_SCHEMA if name == HEAD else RUN_SCHEMA
    try:
        return parsed(content.decode("utf-8"), schema)
    except UnexpectedFormat:
        raise BundleError(f"{name} is not in the format of a bundle: see docs/pages/bundles.md") from None
    except (ValueError, RecursionError) as error:
        raise BundleError(f"{name} is not valid JSON") from error
