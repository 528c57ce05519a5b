"""What all papers have in common to be set side by side: the clips that a profile cuts them to, and one experiment."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from common.corpora.composite import MEGC2019
from common.protocols import LOSO
from common.types import Experiment, Profile


def profiles(paper: Any, quick: Any, smoke: Any) -> dict[str, Profile]:
    """The three profiles of a paper, from its settings in each: in full, in minutes, and every step once."""
    return {
        "paper": Profile("paper", paper),
        "quick": Profile("quick", quick, subjects=3, clips=3, trials=3, inner_folds=2),
        "smoke": Profile("smoke", smoke, subjects=2, clips=2, folds=2, trials=2, inner_folds=2),
    }


def computing_in(precision: str, profile: Profile) -> Profile:
    """The profile with a precision, "float32", "mixed_bfloat16" or "mixed_float16", which all papers' settings have."""
    return replace(profile, settings=replace(profile.settings, precision=precision))


def common_ground(name: str, title: str, network: str, note: str = "") -> Experiment:
    """A network of a paper where all papers are set side by side, which the paper itself does not run."""
    return Experiment(
        name=f"{name}-composite",
        variant="loso",
        title=f"{title} on the MEGC 2019 composite",
        corpora=("casme2", "smic", "samm"),
        labels=MEGC2019,
        protocol=LOSO,
        selection="last epoch",
        leak_free=True,
        note=f"The paper does not run this: it is where all papers are set side by side. {note}".rstrip(),
        on_request=True,
        common_ground=network,
    )
