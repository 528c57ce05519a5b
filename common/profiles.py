"""Profiles, the options that change them, and the experiment on which all papers are set side by side."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import fields, replace
from typing import Any, get_type_hints

from common.contract import Paper, Profile
from common.corpora.composite import MEGC2019
from common.errors import UserError, quoted
from common.protocols.controls import NO_MOTION
from common.protocols.splits import LOSO
from common.types import Experiment

CUTS = {
    "subjects": "cut every corpus to its first N subjects",
    "clips": "cut every subject to N clips",
    "folds": "run N folds of each experiment, from its first to its last",
}
"""Options that bound a run, in any profile, and what they do."""
OWN_OPTIONS = ("precision", "weights")
"""Settings with an option of their own."""

QUICK_MOTION = 8.0
"""Times as far as in micro-expressions, so that networks learn within minutes."""


def profiles(paper: Any, quick: Any, smoke: Any) -> dict[str, Profile]:
    """The three profiles of a paper, from its settings in each: in full, in minutes, and every step once."""
    return {
        "paper": Profile("paper", paper),
        "quick": Profile(
            "quick",
            quick,
            subjects=3,
            clips=9,
            folds=2,
            trials=3,
            inner_folds=2,
            motion=QUICK_MOTION,
            controls=(NO_MOTION,),
            ground_folds=3,
            ground_alone=True,
            repeated=False,
        ),
        "smoke": Profile("smoke", smoke, subjects=2, clips=2, folds=2, trials=2, inner_folds=2, looked_into=False),
    }


def computing_in(precision: str, profile: Profile) -> Profile:
    """The profile with a precision, "float32", "mixed_bfloat16" or "mixed_float16", which all papers' settings have."""
    if precision == profile.settings.precision:
        return profile
    settings = replace(profile.settings, precision=precision)
    return _with_option(replace(profile, settings=settings), "--precision", precision)


def cut(profile: Profile, subjects: int | None, clips: int | None, folds: int | None) -> Profile:
    """The profile with other bounds, where they are not None; what they bound is said in `CUTS`."""
    given = {"subjects": subjects, "clips": clips, "folds": folds}
    bounds: dict[str, Any] = {name: bound for name, bound in given.items() if bound is not None}
    for name, bound in bounds.items():
        profile = _with_option(profile, f"--{name}", str(bound))
    if folds is not None:
        bounds["ground_folds"] = None
    return replace(profile, **bounds)


def moving(profile: Profile, motion: float | None) -> Profile:
    """The profile with stand-ins whose faces move so many times as far as in micro-expressions, where not None."""
    if motion in (None, profile.motion):
        return profile
    return _with_option(replace(profile, motion=motion), "--motion", f"{motion:g}")


def check_settings(papers: Sequence[Paper], words: Sequence[str]) -> None:
    """Raise UserError where a word is not NAME=VALUE, or names no setting of any of the papers, or one twice."""
    known = {name for paper in papers for name in settable(paper.profiles["paper"])}
    names = [word.partition("=")[0] for word in words]
    for word, name in zip(words, names, strict=True):
        if "=" not in word:
            raise UserError(f"--set {quoted(word)}: write NAME=VALUE")
        if name in OWN_OPTIONS:
            raise UserError(f"--set {quoted(word)}: use --{name}")
        if name not in known:
            keys = " and ".join(paper.key for paper in papers)
            raise UserError(f"--set {quoted(word)}: no setting of {keys}; known: {', '.join(sorted(known))}")
        if names.count(name) > 1:
            raise UserError(f"--set {quoted(word)}: {name} is given twice")


def with_settings(profile: Profile, words: Sequence[str]) -> Profile:
    """The profile with settings as NAME=VALUE; names that its paper has not are passed over.

    Raises UserError for a value of another type, or one that the settings refuse.
    """
    types = settable(profile)
    for word in words:
        name, _, text = word.partition("=")
        if name in types:
            try:
                settings = replace(profile.settings, **{name: _parsed(text, types[name])})
            except ValueError as error:
                raise UserError(f"--set {quoted(word)}: {error}") from None
            if settings != profile.settings:
                profile = _with_option(replace(profile, settings=settings), "--set", word)
    return profile


def settable(profile: Profile) -> dict[str, type]:
    """The types of the settings that --set takes, by name."""
    hints = get_type_hints(type(profile.settings))
    return {name: kind for name, kind in hints.items() if name not in OWN_OPTIONS}


def _parsed(text: str, kind: type) -> int | float | str:
    """A value of a setting; raises ValueError, which says what it takes."""
    try:
        if kind is int and int(text) >= 1:
            return int(text)
        if kind is float and 0 <= float(text) < math.inf:
            return float(text)
        if kind is str and text and text.isprintable():
            return text
    except ValueError:
        pass
    wanted = {int: "a whole number of at least 1", float: "a number of at least 0"}
    raise ValueError(f"takes {wanted.get(kind, 'a word')}")


def _with_option(profile: Profile, name: str, value: str) -> Profile:
    return replace(profile, options=(*profile.options, (name, value)))


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
        network=network,
        note=f"The paper does not run this: it is where all papers are set side by side. {note}".rstrip(),
        on_request=True,
        common_ground=True,
    )


def shortened(paper: Paper, profile: Profile) -> tuple[str, ...]:
    """What a profile changes against the paper's, one line each."""
    full = paper.profiles["paper"]
    lines = [
        f"{field.name.replace('_', ' ')}: {getattr(profile.settings, field.name)} instead of "
        f"{getattr(full.settings, field.name)}"
        for field in fields(profile.settings)
        if getattr(profile.settings, field.name) != getattr(full.settings, field.name)
    ]
    if profile.subjects is not None:
        lines.append(f"subjects per corpus: {profile.subjects} instead of all")
    if profile.clips is not None:
        lines.append(f"clips per subject: at most {profile.clips}")
    if profile.motion != 1:
        lines.append(f"motion of the stand-ins: {profile.motion:g} times that of micro-expressions")
    if profile.folds is not None:
        ground = f", {profile.ground_folds} on common ground" if profile.ground_folds else ""
        lines.append(f"folds of an experiment: at most {profile.folds}{ground}")
    return tuple(lines)
