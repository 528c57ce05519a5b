"""What a model cannot do, from its card: notices, and predictions among the classes that it has seen."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from common.corpora.marker import LICENSED
from common.errors import UserError
from common.predict.card_text import NOTICE

SHORT = {
    "smoke": "Model of the profile smoke: it was trained for a moment, to run every step once. Its predictions mean "
    "nothing.",
    "quick": "Model of the profile quick: it was trained for minutes, on few clips. Its predictions are not those of "
    "the paper's network.",
}
"""Notices by profile."""


def notices(card: Mapping[str, Any]) -> tuple[str, ...]:
    """What to know before using any prediction of a model; shown on the terminal and at the top of the page."""
    lines = [NOTICE] if card["data"] != LICENSED else []
    lines += [SHORT[card["profile"]]] if card["profile"] in SHORT else []
    if names := never_seen(card):
        lines.append(
            f"The model was trained without any clip of {' or '.join(names)} and never predicts that class: such a "
            "clip is assigned to another class."
        )
    return tuple(lines)


def never_seen(card: Mapping[str, Any]) -> tuple[str, ...]:
    """The classes without a training clip."""
    return tuple(name for name in card["classes"] if not card["by_class"].get(name))


def check(card: Mapping[str, Any], where: object) -> None:
    """Raise UserError for a model that has seen fewer than two classes: it has nothing to choose from."""
    seen = [name for name in card["classes"] if name not in never_seen(card)]
    if len(seen) < 2:
        clips = f"all its training clips are of class {seen[0]}" if seen else "it has no training clips"
        raise UserError(
            f"{where}: {clips}, so it cannot tell classes apart, and no prediction is made; train it on more clips, "
            "with --profile paper, or with more --subjects and --clips"
        )


def among_seen(card: Mapping[str, Any], probabilities: NDArray[np.float32]) -> NDArray[np.float32]:
    """Probabilities (classes,) given that the class is one that the model has seen; 0 for the other classes.

    NaN if the network gives the seen classes no probability at all.
    """
    missing = never_seen(card)
    if not missing:
        return probabilities
    kept = np.where([name in missing for name in card["classes"]], 0, probabilities).astype(np.float32)
    total = float(kept.sum())
    return kept / np.float32(total if total > 0 else np.nan)
