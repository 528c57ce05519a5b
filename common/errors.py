"""The errors that a user can cause, each one line that says what, where and what to do."""


class UserError(Exception):
    """Wrong arguments or no usable data; the command line ends with status 2."""


class ClipError(Exception):
    """One clip cannot be used; it becomes an `Exclusion` and all other clips go on."""
