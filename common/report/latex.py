"""Plain text as LaTeX that means the same: what BibTeX entries and exported tables are written in."""

from __future__ import annotations

import re
import unicodedata

_SPECIAL = {
    "\\": r"\textbackslash{}",
    "^": r"\textasciicircum{}",
    "~": r"\textasciitilde{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    '"': "''",
    "`": r"\`{}",
    "[": "{[}",  # behind the end of a table's row a bracket or a star would be its option
    "]": "{]}",
    "*": "{*}",
    "\u2013": "--",
    "\u2014": "---",
    "\u2018": "`",
    "\u2019": "'",
    "\u201c": "``",
    "\u201d": "''",
    "\u2026": r"\dots{}",
    "\u2212": "$-$",
    "\u00d7": r"$\times$",
    "\u00b1": r"$\pm$",
    "\u2264": r"$\leq$",
    "\u2265": r"$\geq$",
    "\u00df": r"{\ss}",
    "\u00f8": r"{\o}",
    "\u00d8": r"{\O}",
    "\u00e6": r"{\ae}",
    "\u00c6": r"{\AE}",
    "\u0141": r"{\L}",
    "\u0142": r"{\l}",
    "\u0131": r"{\i}",
}
_SPECIAL |= {character: "\\" + character for character in "&%$#_{}"}
_ACCENTS = {
    "\u0300": "`",
    "\u0301": "'",
    "\u0302": "^",
    "\u0303": "~",
    "\u0304": "=",
    "\u0307": ".",
    "\u0308": '"',
    "\u030a": "r ",
    "\u030b": "H ",
    "\u030c": "v ",
    "\u0327": "c ",
}


def escape(text: str) -> str:
    r"""`text` in ASCII, for any LaTeX: `Marc-André & 5%` becomes `Marc-Andr{\'e} \& 5\%`.

    White space becomes single spaces; a character that LaTeX has no plain name for becomes its code point, [U+4E2D].
    """
    hyphens_apart = re.split("(?<=-)(?=-)", " ".join(text.split()))  # together they would be a dash
    return "{}".join("".join(map(_character, part)) for part in hyphens_apart)


def _character(character: str) -> str:
    if character in _SPECIAL:
        return _SPECIAL[character]
    if character.isascii():
        return character
    parts = unicodedata.normalize("NFKD", character)
    if len(parts) == 2 and parts[0].isascii() and parts[1] in _ACCENTS:
        letter = {"i": r"\i", "j": r"\j"}.get(parts[0], parts[0])
        return f"{{\\{_ACCENTS[parts[1]]}{letter}}}"
    return f"{{[}}U+{ord(character):04X}{{]}}"
