"""Preprocessed clips on disk, keyed by the content of their source files and the preprocessing parameters."""

from __future__ import annotations

import hashlib
import json
import logging
import re
import zipfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from common.errors import ClipError, UserError
from common.files import locked, write_atomically
from common.types import Arrays

log = logging.getLogger("mer")

ONE_PER_CLIP = ("clips", "content", "metadata")
"""Kinds of entries that are not flushed to disk: for 24 clips of aouayeb2019, flushing took 3 to 6% of preparation.

An entry damaged by a power cut is detected by its CRC or format and computed again.
"""
_SHA256 = re.compile("[0-9a-f]{64}")


def digest(record: Any) -> str:
    """SHA-256 (hex) of a JSON-able record, independent of the order of its keys."""
    return hashlib.sha256(json.dumps(record, sort_keys=True, default=str).encode()).hexdigest()


@dataclass(frozen=True)
class Cache:
    """A folder that may be deleted at any time; its contents are then computed again."""

    root: Path

    def digests(self, files: Iterable[Path]) -> tuple[str, ...]:
        """SHA-256 (hex) of the bytes of each of `files`.

        The digests are stored under the files' paths, sizes and modification times, so that later runs do not read
        the images. Raises ClipError for a file that cannot be read.
        """
        files = tuple(files)
        try:
            stats = [(str(file), (s := file.stat()).st_size, s.st_mtime_ns) for file in files]
        except OSError as error:
            raise ClipError(f"{error.filename}: {error.strerror}") from error
        memo = self._path("content", digest(stats), "txt")
        if memo.is_file():
            known = tuple(memo.read_text(encoding="ascii", errors="replace").split())
            if len(known) == len(files) and all(map(_SHA256.fullmatch, known)):
                return known
        digests = []
        for file in files:
            try:
                digests.append(hashlib.sha256(file.read_bytes()).hexdigest())
            except OSError as error:
                raise ClipError(f"{file}: {error.strerror}") from error
        self._write("content", memo, lambda path: path.write_text("\n".join(digests), encoding="ascii"))
        return tuple(digests)

    @contextmanager
    def alone(self, kind: str, key: Mapping[str, Any]) -> Iterator[None]:
        """Make other processes that need `key` wait meanwhile, if the file system supports locks."""
        path = self._path(kind, digest(key), "lock")
        path.parent.mkdir(parents=True, exist_ok=True)
        with locked(path):
            yield

    def holds(self, kind: str, key: Mapping[str, Any]) -> bool:
        """Whether arrays are stored under `key`, complete or not."""
        return self._path(kind, digest(key), "npz").is_file()

    def arrays(self, kind: str, key: Mapping[str, Any], make: Callable[[], Arrays]) -> tuple[Arrays, bool]:
        """The arrays stored under `key`, or those that `make` returns, which are stored; True if they are new.

        An unreadable entry is logged and computed again. Exceptions of `make` are never stored.
        """
        path = self._path(kind, digest(key), "npz")
        if path.is_file():
            try:
                return _load(path), False
            except Exception as error:  # numpy passes on any error of its zip, header and number parsers
                log.warning("cache entry %s cannot be read (%s); it is computed again", path, error)
        fresh = make()
        self._write(kind, path, lambda target: _save(target, fresh))
        return fresh, True

    def _path(self, kind: str, key: str, ending: str) -> Path:
        return self.root / kind / key[:2] / f"{key}.{ending}"

    def _write(self, kind: str, path: Path, write: Callable[[Path], object]) -> None:
        try:
            write_atomically(path, write, durable=kind not in ONE_PER_CLIP)
        except OSError as error:
            why = error.strerror or error
            raise UserError(f"cannot write to the cache {self.root}: {why}; choose another with --cache") from error


def default_folder() -> Path:
    """The user's cache folder."""
    from platformdirs import user_cache_path

    return user_cache_path("mer-suite")


def _load(path: Path) -> Arrays:
    """The arrays of an entry, never unpickled. A damaged entry may raise many kinds of errors."""
    arrays = {}
    with zipfile.ZipFile(path) as archive:
        for name in archive.namelist():
            with archive.open(name) as part:
                arrays[name.removesuffix(".npy")] = np.lib.format.read_array(part, allow_pickle=False)
                if part.read(1):  # the CRC is checked at the end, which a damaged shape may not reach
                    raise ValueError(f"{name} is longer than its array")
    if not arrays:
        raise ValueError("it contains no array")
    return arrays


def _save(path: Path, arrays: Arrays) -> None:
    with path.open("wb") as file:
        np.savez(file, **arrays)  # type: ignore[arg-type]
