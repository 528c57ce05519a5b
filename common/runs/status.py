"""What the processes of a pool are training, as files that the first process reads.

A process that is killed leaves at worst its own file behind; a queue shared by processes could be left locked.
"""

from __future__ import annotations

import contextlib
import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from common.contract import Say

PERIOD = 0.3
"""Minimum number of seconds between two files of a process."""
_folder: Path | None = None

State = dict[str, tuple[int, int, str]]
"""What is being done, by name: done, total and detail, as `Say` receives them."""


def write_to(folder: Path) -> None:
    """Let this process write what it is doing to this folder; without this call, it writes nothing."""
    global _folder
    _folder = folder


@contextmanager
def never_silent(say: Say, otherwise: str) -> Iterator[Say]:
    """`say`, by which `otherwise` is shown whenever nothing else is."""
    others: set[str] = set()

    def inside(what: str, done: int, total: int, detail: str = "", /) -> None:
        silent = not others
        (others.add if done < total else others.discard)(what)
        if not others and not silent:
            say(otherwise, 0, 1)
        say(what, done, total, detail)
        if others and silent:
            say(otherwise, 1, 1)

    say(otherwise, 0, 1)
    try:
        yield inside
    finally:
        say(otherwise, 1, 1)


class Reporter:
    """Shows progress in the process that reads the folder."""

    def __init__(self) -> None:
        self._now: State = {}
        self._written = 0.0

    def __call__(self, what: str, done: int, total: int, detail: str = "", /) -> None:
        if _folder is None:
            return
        if done < total:
            self._now[what] = done, total, detail
        else:
            self._now.pop(what, None)
        if done < total and time.monotonic() < self._written + PERIOD:
            return
        self._written = time.monotonic()
        with contextlib.suppress(OSError):  # such as a full disk: training continues
            part = _folder / f"{os.getpid()}.part"
            part.write_text(json.dumps(self._now), encoding="utf-8")
            os.replace(part, part.with_suffix(".json"))


def read(folder: Path) -> State:
    """What all processes that write to this folder are doing."""
    state: State = {}
    for file in sorted(folder.glob("*.json")):
        with contextlib.suppress(OSError, ValueError):
            state |= {name: tuple(values) for name, values in json.loads(file.read_text(encoding="utf-8")).items()}
    return state
