"""The errors that a user can cause, each one line that says what, where and what to do."""

DONE, FAILED, WRONG = 0, 1, 2
"""Exit statuses of the command line."""
LONGEST = 60
"""Characters of a cell or file name that a message quotes."""


class _OneLine(Exception):
    """Whatever names and cells its message quotes, it stays one printable line."""

    def __init__(self, message: str) -> None:
        super().__init__(printable(message))


class UserError(_OneLine):
    """Wrong arguments or no usable data; the command line ends with status 2."""


class StoppedError(UserError):
    """Work that had begun cannot go on; what is finished is stored, and the command line ends with status 1."""


class ClipError(_OneLine):
    """One clip cannot be used; it becomes an `Exclusion` and all other clips go on."""


def printable(text: str) -> str:
    """`text` with line breaks, control characters and undecodable bytes as escapes."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape", "backslashreplace").decode() for c in text)


def quoted(text: str) -> str:
    """`text` in quotation marks as a message shows it: the beginning of a long one."""
    return repr(text if len(text) <= LONGEST else f"{text[:LONGEST]}…")
