"""The log of a run, `log.txt` in the folder of reports: every printed line with its time, below the command line.

Each line is written immediately and the file is closed again, so that the log of a killed run is complete. All commands
with the same folder append to the same log.
"""

from __future__ import annotations

import contextlib
import logging
import os
import re
import shlex
import sys
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from pathlib import Path

from common import program
from common.errors import printable

NAME = "log.txt"
_file: Path | None = None
_command = ""


def begin(folder: Path, words: Sequence[str]) -> None:
    """Append to the log in `folder` from now on, starting with the command line, given as the words typed."""
    global _file, _command
    _file, _command = folder / NAME, shlex.join([*program(), *words])
    with contextlib.suppress(OSError):
        if _file.exists():
            _append("")
    write(_command)


def write(text: str) -> None:
    """Write lines with the time to the log, if one has begun. If this fails, they are lost, but the run continues."""
    time = datetime.now().astimezone().isoformat(sep=" ", timespec="seconds")
    with contextlib.suppress(OSError):
        for line in text.split("\n"):
            _append(f"{time}  {printable(line)}")


def complain(text: str) -> None:
    """Print what went wrong on stderr, and write it to the log."""
    write(text := without_home(text))
    print(text, file=sys.stderr)


def without_home(text: str) -> str:
    """`text` with `~` for the user's home folder, which contains the user's name, unless the command line names it."""
    home = os.path.expanduser("~")
    if len(Path(home).parts) < 2 or home in _command:
        return text
    return re.sub(rf"(?<![\w./-]){re.escape(home)}(?![\w.-])", "~", text)


@contextlib.contextmanager
def warnings_to(say: Callable[[str], None]) -> Iterator[None]:
    """Pass warnings to `say` instead of writing them to stderr, where they would break the bars and miss the log."""
    root, handler = logging.getLogger(), _Said(say)
    replaced = [other for other in root.handlers if type(other) is logging.StreamHandler]
    if root.handlers and not replaced:  # a program that imports the suite handles them itself
        yield
        return
    root.addHandler(handler)
    for other in replaced:
        root.removeHandler(other)
    try:
        yield
    finally:
        root.removeHandler(handler)
        for other in replaced:
            root.addHandler(other)


class _Said(logging.Handler):
    def __init__(self, say: Callable[[str], None]) -> None:
        super().__init__(logging.WARNING)
        self._say = say

    def emit(self, record: logging.LogRecord) -> None:
        self._say(record.getMessage())


def _append(line: str) -> None:
    if _file is not None:
        with _file.open("a", encoding="utf-8", errors="backslashreplace") as file:
            file.write(line + "\n")
