"""Checks of how a bundle's runs were made: settings, scores, times, environment and code."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import asdict, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import numpy as np

from common.bundles.checks_training import settings_of, shared_stages
from common.bundles.recompute import claimed, folds_of, public
from common.bundles.records import FAILED, NOTE, Bundle, BundleRun, Finding, sizes
from common.bundles.schema import REQUIRED
from common.contract import Paper, Profile
from common.corpora.marker import STAND_IN
from common.errors import UserError
from common.profiles import computing_in, cut, moving, shortened, with_settings
from common.protocols.controls import METADATA
from common.types import Experiment

EXACT = 1e-9
"""How far a claimed score may be from the recomputed one: only the last digits may differ between machines."""
FASTEST = 1e15
"""Floating point operations per second that no machine reaches with networks of this size."""
EARLIEST = date(2026, 1, 1)
"""No version of the suite is older."""
BRIEF = 0.1
"""Seconds below which two folds may take the same time by chance: of 68 that take about 0.01 s, two did."""
_BOUNDS = ("--subjects", "--clips", "--folds")


def profile_of(bundle: Bundle, paper: Paper) -> Profile:
    """The profile with the declared options. Raises UserError for a profile or an option that does not exist."""
    if bundle.profile not in paper.profiles:
        raise UserError(f"there is no profile {bundle.profile}")
    profile = paper.profiles[bundle.profile]
    profile = profile if bundle.data == STAND_IN else replace(profile, motion=1.0)
    try:
        for name, value in bundle.options:
            if name in _BOUNDS:
                if (bound := int(value)) < 1:
                    raise UserError(f"{name} {value} is not at least 1")
                profile = cut(profile, *(bound if name == known else None for known in _BOUNDS))
            elif name == "--set":
                profile = with_settings(profile, [value])
            elif name == "--precision":
                profile = computing_in(value, profile)
            elif name == "--motion":
                profile = moving(profile, float(value))
            elif name == "--weights":
                profile = replace(profile, options=(*profile.options, (name, value)))
            else:
                raise UserError(f"no option {name} changes a profile")
    except ValueError as error:
        raise UserError(f"an option has another value than its kind takes ({error})") from None
    return profile


def profile_lines(bundle: Bundle, paper: Paper, profile: Profile) -> Iterator[Finding]:
    """The differences between the declared profile and the paper's, which make scores not comparable."""
    for line in shortened(paper, profile):
        yield Finding(NOTE, "settings", f"differs from the paper: {line}")
    for name, value in bundle.options:
        if name == "--weights":
            yield Finding(NOTE, "settings", f"differs from the paper: initial weights {value}")


def settings(run: BundleRun, experiment: Experiment, profile: Profile) -> Iterator[Finding]:
    """Settings other than those of the declared profile and options."""
    known = json.loads(json.dumps(public(asdict(profile.settings.having(experiment.settings)))))
    declared = {name for name, _ in profile.options}
    for record in sorted({*known, *run.settings}):
        own, ours = run.settings.get(record, {}), known.get(record, {})
        for name in sorted({*own, *ours}):
            if own.get(name) != ours.get(name) and not (name == "weights" and "--weights" in declared):
                text = f"{run.name}: {name} is {own.get(name)}, but the profile and the options give {ours.get(name)}"
                yield Finding(FAILED, "settings", text)
    if run.motion not in (profile.motion, 1.0):
        yield Finding(FAILED, "settings", f"{run.name}: motion is {run.motion}, but the profile has {profile.motion}")


def scores(bundle: Bundle, run: BundleRun, paper: Paper, experiment: Experiment, profile: Profile) -> Iterator[Finding]:
    """Claimed scores that the predictions do not give, by the same code as the reports."""
    total = len(folds_of(experiment, run.clips, run.seed, profile.most_folds))
    try:
        with np.errstate(all="ignore"):  # histories may contain numbers of any size
            recomputed = claimed(paper, experiment, profile, bundle.data, run.folds, total)
    except (ValueError, IndexError, KeyError) as error:
        yield Finding(FAILED, "scores", f"{run.name}: no scores can be computed: {error}")
        return
    for key in sorted({*recomputed, *run.scores}):
        own, ours = run.scores.get(key), recomputed.get(key)
        corpus, metric = key
        if own is None or ours is None:
            which = "is not claimed" if own is None else "cannot be computed from these predictions"
            yield Finding(FAILED, "scores", f"{run.name}: {metric} on {corpus} {which}")
            continue
        for name, value in asdict(ours).items():
            if not _same(getattr(own, name), value):
                what = metric if name == "value" else f"{name} of {metric}"
                text = f"{run.name}: {what} on {corpus} is {getattr(own, name)}, recomputed {value}"
                yield Finding(FAILED, "scores", text)


def _same(first: Any, second: Any) -> bool:
    if isinstance(first, float) and isinstance(second, float):
        return abs(first - second) <= EXACT
    return bool(first == second)


def times(run: BundleRun, experiment: Experiment) -> Iterator[Finding]:
    """Seconds that no training takes, and sizes of networks that are missing or differ between folds.

    The suite stores no sizes where a search trains other networks in every fold, nor of the control `metadata`.
    """
    common = shared_stages(run.folds)
    sized = not experiment.space and experiment.control != METADATA
    by_settings: dict[str, dict[str, float]] = {}
    for fold in run.folds:
        where = f"{run.name}, {fold.fold}"
        own = sizes(fold)
        if sized and not ("flops" in own and any(name.startswith("parameters") for name in own)):
            yield Finding(
                FAILED, "times", f"{where}: no number of parameters, or of operations, from which a least time follows"
            )
        trained = len(run.clips) - len(fold.clips)
        epochs = max((len(v) for s, m in fold.history.items() if s not in common for v in m.values()), default=0)
        floor = fold.measured.get("flops", 0.0) * trained * epochs / FASTEST
        if fold.seconds <= 0:
            yield Finding(FAILED, "times", f"{where}: {fold.seconds} s")
        elif fold.seconds < floor:
            took = f"{fold.seconds:.3g} s for {epochs} epochs of {trained} clips"
            text = f"{where}: {took}; no machine needs less than {floor:.3g} s"
            yield Finding(FAILED, "times", text)
        if negative := [name for name, value in fold.measured.items() if value < 0 or not math.isfinite(value)]:
            yield Finding(FAILED, "times", f"{where}: {negative[0]} is negative")
        first = by_settings.setdefault(json.dumps(settings_of(run, fold), sort_keys=True), own)
        if other := [name for name, value in first.items() if own.get(name, value) != value]:
            yield Finding(
                FAILED, "times", f"{where}: {other[0]} differs from that of other folds with the same settings"
            )
    long = [fold.seconds for fold in run.folds if fold.seconds >= BRIEF]
    if len(set(long)) < len(long):
        yield Finding(FAILED, "times", f"{run.name}: two folds took exactly the same time")


def environment(run: BundleRun) -> Iterator[Finding]:
    """Fields of the environment that are missing."""
    for fold in run.folds:
        if missing := [name for name in REQUIRED if not fold.environment.get(name)]:
            yield Finding(FAILED, "environment", f"{run.name}, {fold.fold}: no {', '.join(missing)}")
    codes = {fold.environment.get("code") for fold in run.folds}
    if len(codes) > 1:
        yield Finding(FAILED, "environment", f"{run.name}: its folds were run with different source code")


def code(bundle: Bundle, released: Mapping[str, Mapping[str, str]]) -> Iterator[Finding]:
    """Source code of no released version, or of another version than claimed."""
    versions = [version for version, digests in released.items() if digests.get(bundle.paper) == bundle.sources]
    if not versions:
        yield Finding(FAILED, "code", f"the source code {bundle.sources[:16]}… is that of no released version")
    elif bundle.version not in versions:
        yield Finding(FAILED, "code", f"version {bundle.version} claimed, source code of {', '.join(versions)}")


def day(bundle: Bundle) -> Iterator[Finding]:
    """A date that does not exist, lies in the future, or before the first version of the suite."""
    try:
        finished = date.fromisoformat(bundle.date)
    except ValueError:
        finished = date.max
    if not EARLIEST <= finished <= (datetime.now(UTC) + timedelta(days=1)).date():
        yield Finding(FAILED, "times", f"the last fold finished on {bundle.date}")
