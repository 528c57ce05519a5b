"""Command-line options that all benchmarks share."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from typing import Any


def parsed(parser: ArgumentParser, arguments: Sequence[str] | None, **short: Any) -> Namespace:
    """The parsed arguments, or those of the process, with the additional option `--short`.

    With `--short`, options that are not given have the values of `short`, and `short` is True in the result.
    """
    parser.add_argument(
        "--short", action="store_true", help="tiny sizes, to check that everything runs; no bound is checked"
    )
    if parser.parse_known_args(arguments)[0].short:
        parser.set_defaults(**short)
    return parser.parse_args(arguments)
