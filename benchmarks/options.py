"""What all benchmarks take on the command line."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from typing import Any


def parsed(parser: ArgumentParser, arguments: Sequence[str] | None, **short: Any) -> Namespace:
    """The arguments, or those of the process, with `--short` among the options.

    With `--short` options that are not given have the values of `short`, and `short` is True in what is returned.
    """
    parser.add_argument(
        "--short", action="store_true", help="tiny sizes, to see that all of it runs; no bound is judged"
    )
    if parser.parse_known_args(arguments)[0].short:
        parser.set_defaults(**short)
    return parser.parse_args(arguments)
