"""Escape plain text for LaTeX, as used in BibTeX entries and exported tables."""

from __future__ import annotations

import functools
import re
from typing import Any

_OWN = {"[": "{[}", "]": "{]}", "*": "{*}", "|": r"\textbar{}", "`": r"\`{}", "\u2013": "--", "\u2014": "---"}
"""Behind the end of a table's row a bracket or a star would be its option."""
_OWN |= {character: "\\" + character for character in "&%$#_{}"}  # shorter than the library's {\&}


def escape(text: str) -> str:
    r"""Return `text` in ASCII for any LaTeX: `Marc-André & 5%` becomes `Marc-Andr{\'e} \& 5\%`.

    White space becomes single spaces; a character that LaTeX has no plain name for becomes its code point, [U+4E2D].
    """
    return str(_encoder().unicode_to_latex(" ".join(text.split())))


@functools.cache
def _encoder() -> Any:
    from pylatexenc import latexencode

    def rule(kind: object, table: object) -> Any:
        return latexencode.UnicodeToLatexConversionRule(kind, table, replacement_latex_protection="none")

    return latexencode.UnicodeToLatexEncoder(
        conversion_rules=[
            rule(latexencode.RULE_REGEX, [(re.compile("-(?=-)"), "-{}")]),  # hyphens together would be a dash
            rule(latexencode.RULE_DICT, {ord(character): latex for character, latex in _OWN.items()}),
            "defaults",
        ],
        replacement_latex_protection="braces-all",
        unknown_char_policy=lambda character: f"{{[}}U+{ord(character):04X}{{]}}",
        unknown_char_warning=False,
    )
