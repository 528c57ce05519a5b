"""Write a paper as a BibTeX entry, under its key in this suite."""

from __future__ import annotations

from common.contract import Paper
from common.report.latex import escape

_VERBATIM = ("url", "doi", "eprint")
"""Fields that styles print as they stand."""


def bibtex(paper: Paper) -> str:
    """Return the entry in ASCII, one field per line; unknown fields are left out."""
    reference = paper.reference
    fields = {
        "author": " and ".join(reference.authors),
        "title": paper.title,
        **reference.details,
        "year": str(paper.year),
        "url": paper.url,
    }
    lines = [f"  {name} = {{{_value(name, value)}}}," for name, value in fields.items() if value]
    return "\n".join([f"@{reference.kind}{{{paper.key},", *lines, "}"])


def _value(name: str, value: str) -> str:
    if name in _VERBATIM:
        return value
    if name != "title":
        return escape(value)
    first, *others = value.split()  # styles write titles in lower case but for their first letter and what is in braces
    words = [escape(first), *(f"{{{escape(word)}}}" if word != word.lower() else escape(word) for word in others)]
    return " ".join(words)
