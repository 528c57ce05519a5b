"""A prediction as data, and the names of its files."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from common.environment import environment
from common.errors import printable
from common.predict import cards, caveats, user_clips
from common.predict.fit_once import SavedModel
from common.report.write import plain
from common.types import Clip

MOST_JSON = 2**22
"""Maximum size in bytes of an earlier prediction that is read."""


def record(
    source: user_clips.Source, clip: Clip, remarks: Sequence[str], kept: SavedModel, probabilities: Any
) -> dict[str, Any]:
    """A prediction as data; `probabilities` (classes,) are those of `caveats.among_seen`."""
    card, classes = kept.card, kept.experiment.labels.classes
    height, width = source.size
    missing = caveats.never_seen(card)
    return {
        "notice": " ".join(caveats.notices(card)) or None,
        "paper": card["paper"],
        "experiment": card["experiment"],
        "source": {
            "name": printable(source.path.name or source.path.resolve().name),
            "sha256": source.sha256,
            "kind": "video" if source.is_video else "folder of frames",
            "frames": len(clip.frames),
            "width": width,
            "height": height,
            "fps": clip.fps,
            "seconds": len(clip.frames) / clip.fps,
        },
        "answer": classes[int(np.argmax(probabilities))],
        "probabilities": {
            name: float(value) for name, value in zip(classes, probabilities, strict=True) if name not in missing
        },
        "never_seen": list(missing),
        "chance": {
            name: count / max(card["clips"], 1) for name, count in card["by_class"].items() if name not in missing
        },
        "onset": clip.onset,
        "apex": {"frame": clip.apex, "how": f"estimated: {clip.apex_source}"},
        "offset": clip.offset,
        "remarks": list(remarks),
        "model": {
            "folder": printable(str(kept.folder)),
            "card": printable(str(kept.folder / cards.CARD)),
            "sha256": kept.sha256,
            "data": card["data"],
            "profile": card["profile"],
            "seed": card["seed"],
            "scores": plain(card["scores"]),
            "scores_command": card["scores_command"],
        },
        "environment": environment(),
    }


def stem(folder: Path, record: Mapping[str, Any]) -> str:
    """The name of a prediction's files: the clip's name, with a suffix if another prediction has that name.

    Another prediction is one of another clip or by another model.
    """
    source, key = record["source"], record["paper"]
    name = user_clips.safe(Path(source["name"]))
    names = (name, f"{name}-{source['sha256'][:8]}", *(f"{name}-{source['sha256'][:8]}-{n}" for n in range(2, 1000)))
    for candidate in names:
        other = _earlier(folder / f"{candidate}-{key}.json")
        if other is None or other == _identity(record):
            return candidate
    return names[-1]


def _identity(record: Mapping[str, Any]) -> tuple[object, ...]:
    """The clip and the model of a prediction."""
    source, model = record["source"], record["model"]
    return source["name"], source["sha256"], record["experiment"], model["folder"]


def _earlier(path: Path) -> tuple[object, ...] | None:
    """The identity of an earlier prediction; None if there is none or it cannot be read."""
    try:
        if path.stat().st_size >= MOST_JSON:
            return None
        return _identity(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, RecursionError, KeyError, TypeError):
        return None
