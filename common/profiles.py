"""How far a run is shortened. All papers are cut to the same clips, so that they can be set side by side."""

from __future__ import annotations

from typing import Any

from common.types import Profile


def profiles(paper: Any, quick: Any, smoke: Any) -> dict[str, Profile]:
    """The three profiles of a paper, from its settings in each: in full, in minutes, and every step once."""
    return {
        "paper": Profile("paper", paper),
        "quick": Profile("quick", quick, subjects=3, clips=3),
        "smoke": Profile("smoke", smoke, subjects=2, clips=2, folds=2),
    }


COMMON_GROUND = "The paper does not run this: it is where all papers are set side by side."
