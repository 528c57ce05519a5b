"""What stored JSON must look like before it is used: a record of another form counts as not there."""

from __future__ import annotations

import math
import re
from typing import Any

NUMBER = (int, float)
NUMBER_OR_NULL = (int, float, type(None))
_NAME = re.compile(r"\w[\w .()+-]{0,99}")
"""A file or folder of its own: no path can be made of it."""
_EXCLUSION = {"clip": str, "reason": str, "fault": bool}

FOLD = {
    "fold": str,
    "clips": [str],
    "truth": [int],
    "probabilities": [[NUMBER]],
    "history": {str: {str: [NUMBER_OR_NULL]}},
    "seed": int,
    "seconds": NUMBER,
    "measured": {str: NUMBER},
    "environment": {str: str},
    "trials": [{"settings": {str: (str, *NUMBER)}, "uf1": NUMBER, "log_loss": NUMBER}],
    "caveats": [str],
    "digest": str,
}
RUN = {
    "exclusions": [_EXCLUSION],
    "figures": [{"title": str, "caption": str, "path": _NAME}],
    "preprocessing_seconds": NUMBER,
}
NOTES = {"notes": [str]}
FAILURE = {"reason": str}
PLAN = {
    "data": str,
    "options": [[str]],
    "command": [str],
    "shortened": [str],
    "differences": [str],
    "runs": {str: {"path": _NAME, "folds": [str]}},
    "corpora": [
        {
            **dict.fromkeys(("name", "title", "citation", "tree", "table"), str),
            **dict.fromkeys(("clips", "subjects"), int),
            "by_emotion": {str: int},
            "by_class": {str: int},
        }
    ],
    "exclusions": [_EXCLUSION],
    "corrections": [dict.fromkeys(("clip", "column", "printed", "used", "source"), str)],
}


def fits(value: Any, form: Any) -> bool:
    """Whether parsed JSON has a form; all its numbers must be finite, and whole ones fit 64 bits.

    A form is a type or several, a pattern that a text matches in full, `[form]` for a list, `{str: form}` for an object
    with any names, or an object with the names that must be there.
    """
    if isinstance(form, list):
        return isinstance(value, list) and all(fits(item, form[0]) for item in value)
    if isinstance(form, dict):
        if not isinstance(value, dict):
            return False
        if str in form:
            return all(fits(item, form[str]) for item in value.values())
        return all(name in value and fits(value[name], entry_form) for name, entry_form in form.items())
    if isinstance(form, re.Pattern):
        return isinstance(value, str) and form.fullmatch(value) is not None
    if isinstance(value, bool) or form is bool:
        return isinstance(value, bool) and form is bool
    usable = abs(value) < 2**63 if isinstance(value, int) else not isinstance(value, float) or math.isfinite(value)
    return usable and isinstance(value, form)
