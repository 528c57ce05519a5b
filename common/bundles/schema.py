"""The format of a bundle: a ZIP file with `bundle.json` and one `run-0001.json` per experiment and seed.

No object has names other than these, so that nothing else can be hidden in a bundle.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import get_args

from common.corpora.marker import REAL, REAL_MOTION, STAND_IN
from common.environment import IN_PLACE, PACKAGES
from common.json_schema import INTEGER, NUMBER, NUMBER_OR_NULL, Schema, exactly, list_of, text_like
from common.scoring.records import GuessTest

FORMAT = "mer-suite bundle"
VERSION = 1
"""Version of the format, raised whenever a required field is added, or a field is removed or changes its meaning."""
HEAD = "bundle.json"
RUN_FILE = re.compile(r"run-[0-9]{4}\.json")
REASONS = ("faulty", "no class", "too short")
ENVIRONMENT = ("python", "platform", "processor", "cores", *PACKAGES, *IN_PLACE, "keras backend", "code")
"""The fields of a fold's environment that go into a bundle."""
REQUIRED = ("python", "platform", "processor", "cores", "numpy", "keras backend", "code")
"""Those that are in every environment."""

MOST_EPOCHS, MOST_RELABELLINGS = 100_000, 10_000
_NAMED = r"^\w[\w .,:()+%/-]{0,99}$"


def _by_name(values: Schema, pattern: str = _NAMED) -> Schema:
    """An object with any names of this form."""
    return {"type": "object", "patternProperties": {pattern: values}, "additionalProperties": False}


SHA256 = text_like("[0-9a-f]{64}")
TEXT: Schema = text_like(r"[^\x00-\x1f]{0,300}")
"""Free text; the scan of `private` reads every one."""
NAME: Schema = text_like(r"\w[\w .,()+%/-]{0,99}")
CLIP = text_like(r"[a-z][a-z0-9_]{0,39}/\w[\w-]{0,39}/(?!.*\.\.)\w[\w .()+-]{0,63}")
EXPERIMENT = text_like(r"[\w.-]{1,60}/[\w.-]{1,60}(\+[a-z-]{1,30})?")
FOLD_NAME = text_like(r"\w[\w -]{0,60}(/[\w-]{1,40})?")
VALUE: Schema = {"anyOf": [TEXT, NUMBER, {"type": ["boolean", "null"]}]}
SETTING: Schema = {
    "anyOf": [VALUE, list_of(VALUE), _by_name({"anyOf": [VALUE, list_of(VALUE)]})],
}
DAY = text_like("[0-9]{4}-[0-9]{2}-[0-9]{2}")

HEAD_FIELDS: Mapping[str, Schema] = {
    "format": {"enum": [FORMAT]},
    "schema": {"enum": [VERSION]},
    "paper": text_like(r"[a-z][a-z0-9_]{0,39}"),
    "data": {"enum": [*REAL, STAND_IN, REAL_MOTION]},
    "profile": text_like("[a-z]{1,20}"),
    "options": list_of({"type": "array", "items": TEXT, "minItems": 2, "maxItems": 2}),
    "version": text_like(r"[0-9A-Za-z.+-]{1,40}"),
    "sources": SHA256,
    "copy": SHA256,
    "date": DAY,
    "digests": _by_name(
        {"type": "array", "items": [SHA256, text_like("[0-9a-f]{2}")], "additionalItems": False, "minItems": 2},
        str(CLIP["pattern"]),
    ),
    "excluded": _by_name({"enum": [*REASONS]}, str(CLIP["pattern"])),
    "files": _by_name(SHA256),
}
SCORE_FIELDS: Mapping[str, Schema] = {
    "corpus": text_like(r"[a-z][a-z0-9_]{0,39}"),
    "metric": NAME,
    "value": NUMBER,
    "low": NUMBER_OR_NULL,
    "high": NUMBER_OR_NULL,
    "chance": NUMBER_OR_NULL,
    "n_clips": INTEGER,
    "n_folds_done": INTEGER,
    "n_folds": INTEGER,
    "p": NUMBER_OR_NULL,
    "picks": NUMBER_OR_NULL,
}
_TRIAL = exactly({"settings": _by_name({"anyOf": [TEXT, NUMBER]}), "uf1": NUMBER, "log_loss": NUMBER})
FOLD_FIELDS: Mapping[str, Schema] = {
    "fold": FOLD_NAME,
    "clips": list_of(CLIP),
    "truth": list_of(INTEGER),
    "probabilities": list_of(list_of(NUMBER)),
    "history": _by_name(_by_name(list_of(NUMBER_OR_NULL) | {"maxItems": MOST_EPOCHS})),
    "seconds": NUMBER,
    "measured": _by_name(NUMBER),
    "environment": {
        "type": "object",
        "properties": dict.fromkeys(ENVIRONMENT, TEXT),
        "additionalProperties": False,
    },
    "trials": list_of(_TRIAL),
    "caveats": list_of(TEXT),
}
FOLD, SCORE = exactly(FOLD_FIELDS), exactly(SCORE_FIELDS)
# only where folds are trained again on relabelled clips
FOLD["properties"]["relabelled"] = list_of(list_of(INTEGER)) | {"maxItems": MOST_RELABELLINGS}
SCORE["properties"]["p_test"] = {"enum": [*get_args(GuessTest)]}
RUN_FIELDS: Mapping[str, Schema] = {
    "experiment": EXPERIMENT,
    "seed": INTEGER,
    "motion": NUMBER,
    "settings": _by_name(_by_name(SETTING)),
    "clips": list_of({"type": "array", "items": [CLIP, INTEGER], "additionalItems": False, "minItems": 2}),
    "unusable": list_of(CLIP),
    "folds": list_of(FOLD),
    "scores": list_of(SCORE),
}
HEAD_SCHEMA, RUN_SCHEMA = exactly(HEAD_FIELDS), exactly(RUN_FIELDS)
CLIP_ID = re.compile(str(CLIP["pattern"]))
"""Matches the id of a clip."""
