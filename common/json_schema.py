"""The required format of stored JSON: a record in another format counts as missing.

Formats are JSON Schemas, compiled by fastjsonschema; of draft 4, because in later drafts 1.0 is an integer too.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

Schema = dict[str, Any]

STRING: Schema = {"type": "string"}
BOOLEAN: Schema = {"type": "boolean"}
INTEGER: Schema = {"type": "integer"}
NUMBER: Schema = {"type": "number"}
NUMBER_OR_NULL: Schema = {"type": ["number", "null"]}


def holding(entries: Mapping[str, Schema]) -> Schema:
    """An object with these required names; others are allowed."""
    return {"type": "object", "required": [*entries], "properties": {**entries}}


def exactly(entries: Mapping[str, Schema]) -> Schema:
    """An object with these required names and no others."""
    return holding(entries) | {"additionalProperties": False}


def by_name(values: Schema) -> Schema:
    """An object with any names."""
    return {"type": "object", "additionalProperties": values}


def list_of(items: Schema) -> Schema:
    """A list of any length."""
    return {"type": "array", "items": items}


def text_like(pattern: str) -> Schema:
    """A text that a regular expression matches completely: in fastjsonschema `$` matches only at the end."""
    return STRING | {"pattern": f"^(?:{pattern})$"}


FILE_NAME = text_like(r"\w[\w .()+-]{0,99}")
"""The name of a file or folder, which cannot be a path."""
_EXCLUSION = holding({"clip": STRING, "reason": STRING, "fault": BOOLEAN})
_TRIAL = holding({"settings": by_name({"type": ["string", "number"]}), "uf1": NUMBER, "log_loss": NUMBER})
_CORPUS = holding(
    {
        **dict.fromkeys(("name", "title", "citation", "tree", "table"), STRING),
        **dict.fromkeys(("clips", "subjects"), INTEGER),
        **dict.fromkeys(("by_emotion", "by_class"), by_name(INTEGER)),
    }
)

FOLD = holding(
    {
        "fold": STRING,
        "clips": list_of(STRING),
        "truth": list_of(INTEGER),
        "probabilities": list_of(list_of(NUMBER)),
        "history": by_name(by_name(list_of(NUMBER_OR_NULL))),
        "seed": INTEGER,
        "seconds": NUMBER,
        "measured": by_name(NUMBER),
        "environment": by_name(STRING),
        "trials": list_of(_TRIAL),
        "caveats": list_of(STRING),
        "digest": STRING,
    }
)
_BLOCK = exactly(
    {
        **dict.fromkeys(("stage", "branch", "kind", "label"), STRING),
        **dict.fromkeys(("count", "parallel", "parameters"), INTEGER),
        "shape": list_of(INTEGER),
        "varies": BOOLEAN,
    }
)
FOLD["properties"]["blocks"] = list_of(_BLOCK)  # folds of earlier versions have none
FOLD["properties"]["relabelled"] = list_of(list_of(INTEGER))  # only where relabelled trainings are cheap
RUN = holding(
    {
        "exclusions": list_of(_EXCLUSION),
        "figures": list_of(holding({"title": STRING, "caption": STRING, "path": FILE_NAME})),
        "preprocessing_seconds": NUMBER,
    }
)
# runs of earlier versions, and those with the same input as another, have none
RUN["properties"]["input"] = holding({"path": FILE_NAME, "clip": STRING, "captions": list_of(STRING)})
NOTES = holding({"notes": list_of(STRING)})
FAILURE = holding({"reason": STRING})
PLAN = holding(
    {
        "data": STRING,
        "options": list_of(list_of(STRING)),
        "command": list_of(STRING),
        "shortened": list_of(STRING),
        "differences": list_of(STRING),
        "runs": by_name(holding({"path": FILE_NAME, "folds": list_of(STRING)})),
        "corpora": list_of(_CORPUS),
        "exclusions": list_of(_EXCLUSION),
        "corrections": list_of(holding(dict.fromkeys(("clip", "column", "printed", "used", "source"), STRING))),
    }
)
# plans of earlier versions do not have these
PLAN["properties"] |= {"thumbnails": by_name(FILE_NAME), "unavailable": by_name(STRING)}


class UnexpectedFormat(ValueError):
    """JSON in another format than expected, or with a number that is not finite or does not fit into 64 bits."""

    def __init__(self) -> None:
        super().__init__("unexpected format")


def read_json(path: Path, schema: Schema) -> Any:
    """Read a JSON file; raises OSError and the exceptions of `parsed`."""
    return parsed(path.read_text(encoding="utf-8"), schema)


def parsed(content: str | bytes, schema: Schema) -> Any:
    """Parse JSON in the format of a schema; all its numbers are finite, and integers fit into 64 bits.

    Raises UnexpectedFormat for other JSON and for an object that has a name twice, ValueError for invalid JSON,
    RecursionError if it is nested too deeply.
    """
    numbers: dict[str, Any] = {"parse_int": _whole, "parse_float": _finite, "parse_constant": _finite}
    value = json.loads(content, object_pairs_hook=_each_once, **numbers)
    _check(json.dumps(schema))(value)
    return value


@cache
def _check(schema: str) -> Callable[[Any], None]:
    """Compile a schema, given as JSON, to a function that raises UnexpectedFormat."""
    import fastjsonschema

    draft = {"$schema": "http://json-schema.org/draft-04/schema#"}
    validate = fastjsonschema.compile(draft | json.loads(schema), detailed_exceptions=False)

    def check(value: Any) -> None:
        try:
            validate(value)
        except fastjsonschema.JsonSchemaException as error:
            raise UnexpectedFormat from error

    return check


def _each_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    entries = dict(pairs)
    if len(entries) < len(pairs):
        raise UnexpectedFormat
    return entries


def _whole(digits: str) -> int:
    value = int(digits)
    if abs(value) >= 2**63:
        raise UnexpectedFormat
    return value


def _finite(digits: str) -> float:
    """`digits` may be NaN, Infinity or -Infinity, which Python's JSON knows."""
    value = float(digits)
    if not math.isfinite(value):
        raise UnexpectedFormat
    return value
