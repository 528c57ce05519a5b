"""Writing files so that a kill at any moment leaves the old file or the new one, never a partial file."""

from __future__ import annotations

import contextlib
import json
import os
import re
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any


def write_atomically(path: Path, write: Callable[[Path], object], *, durable: bool = True) -> None:
    """Let `write` fill a temporary sibling of `path`, then rename it to `path`. Folders are created as needed.

    The file is flushed to disk before it is renamed, and its new name afterwards, so that a power cut also leaves the
    old file or the new one. Without `durable` a power cut may leave a partial file, or none.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{uuid.uuid4().hex[:8]}.part")
    try:
        with named(path):
            write(temporary)
            if durable:
                _flush(temporary)
            os.replace(temporary, path)
            if durable:
                _flush_folder(path.parent)
    finally:
        temporary.unlink(missing_ok=True)


def move_folder(folder: Path, target: Path) -> None:
    """Rename a folder of finished files to `target`, which must be empty or missing; everything is flushed to disk."""
    for path in folder.rglob("*"):
        (_flush_folder if path.is_dir() else _flush)(path)
    _flush_folder(folder)
    os.replace(folder, target)
    _flush_folder(target.parent)


def _flush(path: Path) -> None:
    with path.open("rb+") as file:  # Windows does not flush a file that is open only for reading
        os.fsync(file.fileno())


def _flush_folder(folder: Path) -> None:
    """Flush the names in a folder, where the system supports it (not on Windows)."""
    if hasattr(os, "O_DIRECTORY"):
        opened = os.open(folder, os.O_DIRECTORY)
        try:
            os.fsync(opened)
        finally:
            os.close(opened)


def file_name(text: str) -> str:
    """`text` as a name that every system accepts: hyphens replace `/` and what Windows forbids, device names too."""
    name = re.sub(r'[<>:"/\\|?*\x00-\x1f]|[. ]+$', "-", text)
    return re.sub(r"^(con|prn|aux|nul|com\d|lpt\d)(?=\.|$)", r"\1-", name, flags=re.IGNORECASE)


@contextlib.contextmanager
def named(path: Path) -> Iterator[None]:
    """Add `path` to a system error that names no file, such as that of a full disk."""
    try:
        yield
    except OSError as error:
        if error.filename is None:
            error.filename = str(path)
        raise


def write_json(path: Path, record: Any) -> None:
    """Write `record` as JSON, atomically and flushed to the disk; NaN is an error."""

    def write(temporary: Path) -> None:
        with temporary.open("w", encoding="utf-8") as file:
            json.dump(record, file, indent=1, allow_nan=False, ensure_ascii=False)

    write_atomically(path, write)


@contextlib.contextmanager
def locked(path: Path) -> Iterator[bool]:
    """Wait for the lock on `path`, which the system releases when a process dies; False if locks are not supported."""
    try:
        import fcntl
    except ImportError:
        yield False
        return
    with path.open("a", encoding="ascii") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX)
        except OSError:  # some network file systems
            yield False
        else:
            yield True


def natural(text: str) -> list[str | int]:
    """Sort key that puts s2 before s10: text and numbers alternate."""
    return [int(part) if i % 2 else part for i, part in enumerate(re.split(r"([0-9]{1,18})", text))]
