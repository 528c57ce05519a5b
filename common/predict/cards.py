"""The card of a saved model: its training data, inputs and outputs, and how reliable it is."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

from common.contract import Paper, Settings
from common.corpora.marker import LICENSED, REAL_MOTION, STAND_IN
from common.environment import environment
from common.errors import UserError
from common.files import write_atomically
from common.json_schema import INTEGER, NUMBER, STRING, UnexpectedFormat, by_name, holding, list_of, parsed, text_like
from common.predict.card_text import NOTICE, text
from common.profiles import shortened, with_settings
from common.protocols.splits import REPEATED
from common.runs import preprocessing
from common.runs.plan import Job
from common.scoring import verdicts
from common.scoring.records import Score
from common.types import Clip, Experiment

FORMAT = 2
CARD, TEXT = "card.json", "card.md"
MOST_BYTES = 2**24
_FROM_CORPORA = (
    "The weights were learnt from the corpora named here, whose licences decide who may receive models trained on "
    "them: check these before you share this folder. Faces are found with dlib's 68-point model, "
    "which was trained on iBUG 300-W, whose licence excludes commercial use."
)
_FROM_STAND_INS = (
    "The weights were learnt from synthetic faces, made from photographs that scikit-image ships; no licensed corpus "
    "was used. Faces are found with dlib's 68-point model, which was trained on iBUG 300-W, whose licence excludes "
    "commercial use."
)
LICENCES = {
    LICENSED: _FROM_CORPORA,
    STAND_IN: _FROM_STAND_INS,
    REAL_MOTION: f"{_FROM_STAND_INS} The faces move as public flow maps of clips of CASME II, SMIC and SAMM show; "
    "their repository has no licence: ask its authors before you share this folder.",
}
"""By kind of data."""
_TENSOR = holding({"shape": {"type": "array"}, "dtype": STRING})
_CORPUS = holding(
    {
        **dict.fromkeys(("name", "title", "citation"), STRING),
        **dict.fromkeys(("clips", "subjects"), INTEGER),
        "by_class": by_name(INTEGER),
        "frame_rates": list_of(NUMBER),
    }
)
_DEPARTURE = holding({"number": INTEGER, **dict.fromkeys(("topic", "paper_says", "we_do", "why"), STRING)})
_NETWORK = holding(
    {
        "file": text_like(r"\w[\w-]{0,60}\.keras"),
        "sha256": text_like("[0-9a-f]{64}"),
        "parameters": INTEGER,
        "reads": by_name(_TENSOR),
        "answers": by_name(_TENSOR),
    }
)
_SCHEMA = holding(
    {
        "format": INTEGER | {"enum": [FORMAT]},
        "paper": STRING,
        "experiment": STRING,
        "data": {"enum": [STAND_IN, REAL_MOTION, LICENSED]},
        "profile": STRING,
        "precision": STRING,
        "set": list_of(STRING),
        "seed": INTEGER,
        "settings": {"type": "object"},
        "classes": list_of(STRING),
        "by_class": by_name(INTEGER),
        "clips": INTEGER,
        "subjects": INTEGER,
        "corpora": list_of(_CORPUS),
        "title": STRING,
        "reference": holding({**dict.fromkeys(("title", "authors", "venue", "url"), STRING), "year": INTEGER}),
        "scores_of": STRING,
        "shortened": list_of(STRING),
        "departures": list_of(_DEPARTURE),
        "environment": by_name(STRING),
        "how": by_name(STRING),
        "licence": STRING,
        "scores": list_of(
            holding(
                {"metric": STRING, "value": NUMBER, **dict.fromkeys(("n_clips", "n_folds_done", "n_folds"), INTEGER)}
            )
        ),
        "scores_command": STRING,
        "protocol": STRING,
        "files": by_name(_NETWORK),
    }
)


def build(
    job: Job,
    used: Sequence[tuple[Clip, int]],
    kind: str,
    command: str,
    files: Mapping[str, Any],
    how: Mapping[str, str],
    history: Any,
    seconds: float,
) -> dict[str, Any]:
    """The card of a network trained once on the `used` clips of a job.

    `kind` is one of the kinds in `marker`, `command` measures the job's experiment, `files` are as returned by
    `networks.save`, `how` describes the functions that make and read their arrays.
    """
    paper, experiment, settings = job.paper, job.experiment, job.settings
    classes = Counter(experiment.labels.classes[label] for _, label in used)
    corpora = []
    for summary in job.summaries:
        own_clips = [clip for clip, _ in used if clip.corpus == summary.name]
        if own_clips:
            people = len({clip.subject for clip in own_clips})
            corpora.append(
                {
                    "name": summary.name,
                    "title": summary.title,
                    "citation": summary.citation,
                    "clips": len(own_clips),
                    "subjects": people,
                    "by_class": dict(
                        Counter(experiment.labels.classes[k] for c, k in used if c.corpus == summary.name)
                    ),
                    "frame_rates": sorted({clip.fps for clip in own_clips}),
                }
            )
    return {
        "format": FORMAT,
        "notice": NOTICE if kind != LICENSED else None,
        "paper": paper.key,
        "reference": {name: getattr(paper, name) for name in ("title", "authors", "venue", "year", "url")},
        "experiment": experiment.id,
        "title": experiment.network if experiment.common_ground else experiment.title,
        "data": kind,
        "corpora": corpora,
        "clips": len(used),
        "subjects": len({clip.subject_id for clip, _ in used}),
        "classes": list(experiment.labels.classes),
        "by_class": {name: classes[name] for name in experiment.labels.classes},
        "protocol": "trained once on all clips listed here; no clip is held out, so the model has no score of its own",
        "scores": scores(job),
        "scores_of": f"{experiment.protocol}, {experiment.selection}: of networks trained in the same way, without the "
        "clips that they are tested on",
        "scores_command": command,
        "departures": [asdict(departure) for departure in paper.departures],
        "profile": job.profile.name,
        "shortened": list(shortened(paper, job.profile)),
        "precision": settings.training.precision,
        "set": [value for name, value in job.profile.options if name == "--set"],
        "seed": job.seed,
        "settings": plain_settings(settings),
        "files": dict(files),
        "how": dict(how),
        "history": history,
        "training_seconds": seconds,
        "excluded": [asdict(exclusion) for exclusion in job.exclusions],
        "environment": environment(),
        "code": job.key["code"],
        "arrays": preprocessing.code(job.paper.key),
        "licence": LICENCES[kind],
    }


def plain_settings(settings: Settings) -> dict[str, Any]:
    """Settings by name, as JSON returns them."""
    values: dict[str, Any] = json.loads(json.dumps(settings.values(), default=asdict))
    return values


def scores(job: Job) -> list[dict[str, Any]]:
    """The scores of the job's own protocol so far, from its stored folds; empty if no fold is finished."""
    results = [result for fold in job.folds if (result := job.run.load(fold)) is not None]
    experiment = job.experiment
    matrices = verdicts.pooled(results, None, len(experiment.labels.classes), experiment.protocol in REPEATED)
    measured: list[Score | None] = [
        verdicts.score(
            matrices, name, experiment.labels.classes, verdicts.n_clips(results, None), len(results), len(job.folds)
        )
        for name in verdicts.METRICS
    ]
    return [asdict(score) for score in measured if score is not None]


# ---------------------------------------------------------------- on disk


def write(folder: Path, card: Mapping[str, Any]) -> None:
    """Write `card.json` and `card.md`, each completely or not at all. Raises OSError."""
    record = json.dumps(card, indent=1, ensure_ascii=False, allow_nan=False) + "\n"
    for name, content in ((CARD, record), (TEXT, text(card))):
        write_atomically(folder / name, partial(Path.write_bytes, data=content.encode(errors="replace")))


def read(folder: Path) -> tuple[dict[str, Any], str]:
    """Read the card in a model's folder; returns it with its SHA-256 (hex). Raises UserError if it is not usable."""
    path = folder / CARD
    try:
        if path.stat().st_size > MOST_BYTES:
            raise ValueError("it is too large")
        content = path.read_bytes()
        card: dict[str, Any] = parsed(content, _SCHEMA)
    except OSError as error:
        raise UserError(
            f"{path}: {error.strerror}; a model is a folder with {CARD} and the .keras files named there"
        ) from error
    except UnexpectedFormat as error:
        raise UserError(f"{path}: not a model card that this version can read; train the model again") from error
    except (ValueError, RecursionError) as error:
        raise UserError(f"{path}: not a model card ({error}); copy the folder again") from error
    return card, hashlib.sha256(content).hexdigest()


def check(file: Path, sha256: str) -> None:
    """Raise UserError if a file of a model is missing or is not the one that the card names."""
    try:
        with file.open("rb") as stream:
            actual = hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError as error:
        raise UserError(
            f"{file}: {error.strerror}; the folder of a model must contain all files that its card names"
        ) from error
    if actual != sha256:
        raise UserError(
            f"{file}: damaged, or not the file that the card names (SHA-256 {actual}); copy it again, or delete "
            "the folder so that the model is trained again"
        )


def meant(card: Mapping[str, Any], paper: Paper, where: Path) -> tuple[Experiment, Settings]:
    """The experiment and settings of a card; raises UserError if it belongs to another paper or version."""
    if card["paper"] != paper.key:
        raise UserError(f"{where}: a model of {card['paper']}, not of {paper.key}; give the right paper with --paper")
    experiment = next((e for e in paper.experiments if e.id == card["experiment"]), None)
    profile = paper.profiles.get(card["profile"])
    if experiment is None or profile is None or tuple(card["classes"]) != experiment.labels.classes:
        raise UserError(
            f"{where}: this version of {paper.key} does not know its experiment, profile or classes; train it again"
        )
    profile = with_settings(profile, card["set"])
    settings = profile.settings.having(experiment.settings)
    known, stored = plain_settings(settings), card["settings"]
    free = {"precision", "weights"}  # chosen in addition to the profile; neither affects the inputs of a file
    if {k: v for k, v in known.items() if k not in free} != {k: v for k, v in stored.items() if k not in free}:
        raise UserError(
            f"{where}: trained with other settings than this version's profile {profile.name}; train it again"
        )
    return experiment, settings
