"""Profiles, the options that change them, and the experiment on which all papers are compared."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Literal, get_args, get_origin, get_type_hints

from common.contract import Paper, Profile, Settings
from common.corpora import grounds
from common.corpora.grounds import Ground
from common.errors import UserError, quoted
from common.protocols.controls import METADATA, NO_MOTION
from common.types import Experiment

CUTS = {
    "subjects": "use only the first N subjects of each corpus",
    "clips": "use at most N clips of each subject",
    "folds": "run only N of the protocol's own folds of each experiment, evenly spaced",
}
"""Options that limit a run, in any profile, and what they do."""
OWN_OPTIONS = ("precision", "weights")
"""Settings that have an option of their own."""

QUICK_MOTION = 8.0
"""Motion relative to that of micro-expressions, so that networks learn within minutes."""


def profiles(
    paper: Settings, quick: Mapping[str, Any], smoke: Mapping[str, Any], all_controls: bool = True
) -> dict[str, Profile]:
    """The three profiles of a paper: complete, a run of minutes, and every step once; the last two as changed settings.

    Without `all_controls` the run of minutes leaves out some controls; see `common.contract.Profile`.

    Raises ValueError for settings without a precision, which --precision sets.
    """
    if not hasattr(paper.training, "precision"):
        raise ValueError('the settings of training have no `precision: str = "float32"`')
    return {
        "paper": Profile("paper", paper),
        "quick": Profile(
            "quick",
            paper.having(quick),
            subjects=3,
            clips=9,
            most_folds=3,
            trials=3,
            inner_folds=2,
            motion=QUICK_MOTION,
            controls=(NO_MOTION, METADATA),
            all_controls=all_controls,
            common_ground_only=True,
            brief_check=True,
        ),
        "smoke": Profile(
            "smoke",
            paper.having(smoke),
            subjects=2,
            clips=2,
            most_folds=2,
            trials=2,
            inner_folds=2,
            diagnose=False,
            brief_check=True,
            relabellings=19,
        ),
    }


def computing_in(precision: str, profile: Profile) -> Profile:
    """The profile with the given precision, "float32", "mixed_bfloat16" or "mixed_float16"."""
    settings = profile.settings.having({"precision": precision})
    if settings == profile.settings:
        return profile
    return _with_option(replace(profile, settings=settings), "--precision", precision)


def cut(profile: Profile, subjects: int | None, clips: int | None, folds: int | None) -> Profile:
    """The profile with other limits, if they are not None; see `CUTS`."""
    given = {"subjects": subjects, "clips": clips, "folds": folds}
    bounds: dict[str, Any] = {name: bound for name, bound in given.items() if bound is not None}
    for name, bound in bounds.items():
        profile = _with_option(profile, f"--{name}", str(bound))
    if folds is not None:  # of those of the paper's protocol
        bounds["most_folds"] = None
    return replace(profile, **bounds)


def moving(profile: Profile, motion: float | None) -> Profile:
    """The profile with the motion of stand-in faces, relative to micro-expressions; unchanged for None."""
    if motion in (None, profile.motion):
        return profile
    return _with_option(replace(profile, motion=motion), "--motion", f"{motion:g}")


def check_settings(papers: Sequence[Paper], words: Sequence[str]) -> None:
    """Raise UserError if a word is not NAME=VALUE, names no setting of the papers, or names one twice."""
    known = {name for paper in papers for name in settable(paper.profiles["paper"])}
    names = [word.partition("=")[0] for word in words]
    for word, name in zip(words, names, strict=True):
        if "=" not in word:
            raise UserError(f"--set {quoted(word)}: write NAME=VALUE")
        if name in OWN_OPTIONS:
            raise UserError(f"--set {quoted(word)}: use --{name}")
        if name not in known:
            keys = " and ".join(paper.key for paper in papers)
            raise UserError(f"--set {quoted(word)}: not a setting of {keys}; known: {', '.join(sorted(known))}")
        if names.count(name) > 1:
            raise UserError(f"--set {quoted(word)}: {name} is given twice")


def with_settings(profile: Profile, words: Sequence[str]) -> Profile:
    """The profile with settings as NAME=VALUE; names that its paper does not have are ignored.

    Raises UserError for a value of another type, or one that the settings refuse.
    """
    types = settable(profile)
    for word in words:
        name, _, text = word.partition("=")
        if name in types:
            try:
                value = _parsed(text, types[name])
                settings = profile.settings.having({name: value})
            except ValueError as error:
                raise UserError(f"--set {quoted(word)}: {error}") from None
            if settings != profile.settings:
                profile = _with_option(replace(profile, settings=settings), "--set", as_option(name, value))
    return profile


def as_option(name: str, value: object) -> str:
    """A setting as --set takes it."""
    return f"{name}={str(value).lower() if isinstance(value, bool) else value}"


def settable(profile: Profile) -> dict[str, Any]:
    """The types of the settings that --set takes, by name: numbers and words, true and false, or one of a `Literal`."""
    settings = profile.settings
    hints = [hint for part in (settings.inputs, settings.network, settings.training) for hint in _hints(part)]
    return {name: kind for name, kind in hints if name not in OWN_OPTIONS}


def _hints(record: Any) -> list[tuple[str, Any]]:
    hints = get_type_hints(type(record)).items()
    return [(name, kind) for name, kind in hints if kind in (bool, int, float, str) or get_origin(kind) is Literal]


def not_reached(paper: Paper, experiments: Sequence[Experiment], words: Sequence[str]) -> list[str]:
    """Lines on --set options that some of a paper's experiments ignore, because they set these values themselves.

    Raises UserError if all of them do.
    """
    lines = []
    for word in words:
        name = word.partition("=")[0]
        own = [experiment.id for experiment in experiments if name in experiment.settings]
        if own and len(own) == len(experiments):
            raise UserError(f"--set {quoted(word)}: every chosen experiment of {paper.key} sets {name} itself")
        if own:
            lines.append(f"--set {word}: not applied to {', '.join(own)} of {paper.key}, which set {name} themselves")
    return lines


def _parsed(text: str, kind: Any) -> Any:
    """The value of a setting; raises ValueError, whose message says what the setting takes."""
    if get_origin(kind) is Literal:
        words = {str(value): value for value in get_args(kind)}
        if text in words:
            return words[text]
        raise ValueError(f"takes one of {', '.join(words)}")
    try:
        if kind is bool and text in ("true", "false"):
            return text == "true"
        if kind is int and int(text) >= 1:
            return int(text)
        if kind is float and 0 <= float(text) < math.inf:
            return float(text)
        if kind is str and text and text.isprintable():
            return text
    except ValueError:
        pass
    wanted = {int: "a whole number of at least 1", float: "a number of at least 0", bool: "true or false"}
    raise ValueError(f"takes {wanted.get(kind, 'a word')}")


def _with_option(profile: Profile, name: str, value: str) -> Profile:
    return replace(profile, options=(*profile.options, (name, value)))


def common_ground(
    name: str, title: str, network: str, settings: Mapping[str, Any] | None = None, note: str = ""
) -> Experiment:
    """A paper's network on the default ground, where all papers are compared and which the paper does not run."""
    return Experiment(
        name=f"{name}-composite",
        variant="loso",
        title=f"{title} on {grounds.DEFAULT.title}",
        corpora=grounds.DEFAULT.corpora,
        labels=grounds.DEFAULT.labels,
        protocol=grounds.DEFAULT.protocol,
        selection="last epoch",
        leak_free=True,
        network=network,
        settings=settings or {},
        note=f"The paper does not run this experiment, in which all papers are compared. {note}".rstrip(),
        on_request=True,
        common_ground=True,
    )


def on_ground(paper: Paper, ground: Ground) -> Paper:
    """A paper restricted to a ground: each network that it has on common ground, and its tuned copy.

    Those of the default ground are the paper's own; those of another are derived from them. The paper keeps its printed
    numbers, which only its own experiments are compared with.
    """
    own = {(e.name, e.variant) for e in paper.experiments if e.common_ground}
    there = (e for e in paper.experiments if e.common_ground or (e.name, e.tuned_of) in own)
    moved = (e if ground is grounds.DEFAULT else _moved(e, ground) for e in there)
    return replace(paper, experiments=tuple(moved), ground=ground.name)


def everywhere(paper: Paper) -> Paper:
    """A paper with its own experiments and those on every ground, as in a bundle of results."""
    moved = (e for g in grounds.GROUNDS.values() if g is not grounds.DEFAULT for e in on_ground(paper, g).experiments)
    return replace(paper, experiments=(*paper.experiments, *moved))


def _moved(experiment: Experiment, ground: Ground) -> Experiment:
    """An experiment of the default ground on another: the same network and settings, on its clips and classes."""
    words = re.findall("[a-z0-9]+", experiment.network.lower())
    return replace(
        experiment,
        name="-".join((*words, ground.name)),
        title=f"{experiment.network} on {ground.title}{', tuned' if experiment.tuned_of else ''}",
        corpora=ground.corpora,
        labels=ground.labels,
        protocol=ground.protocol,
        note=f"The settings of the network on {grounds.DEFAULT.title}. {ground.choice}",
        on_request=bool(experiment.tuned_of),
        twin_of="",
    )


def shortened(paper: Paper, profile: Profile) -> tuple[str, ...]:
    """The differences between a profile and the profile `paper`, one line each."""
    return tuple(f"{name}: {here} instead of {full}" for name, full, here in differences(paper, profile))


def differences(paper: Paper, profile: Profile) -> tuple[tuple[str, str, str], ...]:
    """What differs between a profile and the profile `paper`: a setting, the paper's value, and the profile's."""
    full = paper.profiles["paper"].settings.values()
    rows = [
        (name.replace("_", " "), _told(full[name]), _told(value))
        for name, value in profile.settings.values().items()
        if value != full[name]
    ]
    if profile.subjects is not None:
        rows.append(("subjects per corpus", "all", str(profile.subjects)))
    if profile.clips is not None:
        rows.append(("clips per subject", "all", f"at most {profile.clips}"))
    if profile.motion != 1:
        rows.append(("motion of the stand-ins", "that of micro-expressions", f"{profile.motion:g} times"))
    if profile.most_folds is not None:
        rows.append(("folds of an experiment", "all", f"at most {profile.most_folds}, larger ones"))
    if profile.folds is not None:
        rows.append(("folds of an experiment", "all", f"at most {profile.folds}"))
    return tuple(rows)


def _told(value: object) -> str:
    """The value of a setting in a sentence."""
    return ", ".join(map(_told, value)) if isinstance(value, tuple) else str(value)
