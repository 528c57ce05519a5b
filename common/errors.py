"""Errors that a user can cause. Each message is one line: what is wrong, where, and what to do."""

from __future__ import annotations

from collections.abc import Sequence

from common import CHECKOUT

DONE, FAILED, WRONG = 0, 1, 2
"""Exit statuses of the command line."""
LONGEST = 60
"""Maximum number of characters of a cell or file name that a message quotes."""


class _OneLine(Exception):
    """An error whose message is one printable line, whatever names and cells it quotes."""

    def __init__(self, message: str) -> None:
        super().__init__(printable(message))


class UserError(_OneLine):
    """Wrong arguments or no usable data; the command line exits with status 2."""


class StoppedError(UserError):
    """Work cannot continue after it has started; finished results are stored, and the exit status is 1."""


class ClipError(_OneLine):
    """One clip cannot be used; it becomes an `Exclusion`, and the other clips are processed."""


def printable(text: str) -> str:
    """`text` with line breaks, control characters and undecodable bytes escaped."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape", "backslashreplace").decode() for c in text)


def quoted(text: str) -> str:
    """`text` in quotation marks for a message; long texts are cut."""
    return repr(text if len(text) <= LONGEST else f"{text[:LONGEST]}…")


def listed(names: Sequence[str], last: str = "and") -> str:
    """`a`, `a and b`, `a, b and c`."""
    return f" {last} ".join(filter(None, (", ".join(names[:-1]), names[-1]))) if names else ""


def missing_extra(option: str, extra: str) -> UserError:
    """The error of an option that needs packages which are not installed."""
    what = f'-e ".[{extra}]" -c constraints.txt' if CHECKOUT else f'"mer-suite[{extra}]"'
    return UserError(f"{option} needs the extra {extra}: pip install {what}")
