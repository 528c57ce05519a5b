"""How clips are split into training and test, from subjects and labels alone; knows no model."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from common.corpora.trees import natural
from common.types import Fold


def loso(subject: NDArray[np.str_]) -> list[Fold]:
    """Leave one subject out: one fold per subject in natural order, its rows the test set, all others training.

    `subject` (n,) holds a subject id per row that is unique across corpora (`casme2/sub01`).
    """
    return [
        Fold(name, np.flatnonzero(subject != name), np.flatnonzero(subject == name))
        for name in sorted(set(subject.tolist()), key=natural)
    ]


def split(protocol: str, subject: NDArray[np.str_]) -> list[Fold]:
    """The folds of a protocol by its name. Raises ValueError for a name that is not known."""
    if protocol == "LOSO":
        return loso(subject)
    raise ValueError(f"unknown protocol {protocol!r}; known: LOSO")
