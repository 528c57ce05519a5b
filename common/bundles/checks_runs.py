"""Checks of how a bundle's runs were made: settings, scores, training histories, times, environment and code."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import numpy as np

from common.bundles.recompute import claimed, folds_of, public
from common.bundles.records import FAILED, NOTE, Bundle, BundleRun, Finding
from common.bundles.schema import REQUIRED
from common.contract import Paper, Profile
from common.errors import UserError
from common.profiles import computing_in, cut, moving, shortened, with_settings
from common.protocols.controls import METADATA
from common.types import Experiment, FoldResult

EXACT = 1e-9
"""How far a claimed score may be from the recomputed one: only the last digits may differ between machines."""
FASTEST = 1e15
"""Floating point operations per second that no machine reaches with networks of this size."""
_BOUNDS = ("--subjects", "--clips", "--folds")


def profile_of(bundle: Bundle, paper: Paper) -> Profile:
    """The profile with the declared options. Raises UserError for a profile or an option that does not exist."""
    if bundle.profile not in paper.profiles:
        raise UserError(f"there is no profile {bundle.profile}")
    profile = paper.profiles[bundle.profile]
    profile = replace(profile, motion=1.0) if bundle.data == "licensed" else profile
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
    total = len(folds_of(experiment, run.clips, run.seed))
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


def histories(run: BundleRun, experiment: Experiment) -> Iterator[Finding]:
    """Folds with the same training history or the same predictions, and histories whose curves do not fit together.

    The control `metadata` trains no network: it has no history, and its folds may predict the same.
    """
    if experiment.control == METADATA:
        for fold in run.folds:
            if fold.history or fold.trials:
                yield Finding(FAILED, "histories", f"{run.name}, {fold.fold}: a history or trials without a network")
        return
    common = shared_stages(run.folds)
    settings = [pair for record in run.settings.values() for pair in record.items()]
    lengths = {value for name, value in settings if name.endswith("epochs") and isinstance(value, int)}
    seen: dict[str, str] = {}
    rows: dict[bytes, str] = {}
    for fold in run.folds:
        where = f"{run.name}, {fold.fold}"
        own = {stage: metrics for stage, metrics in fold.history.items() if stage not in common}
        if not fold.history:
            yield Finding(FAILED, "histories", f"{where}: no training history")
        for stage, metrics in fold.history.items():
            epochs = len(next(iter(metrics.values()), ()))
            if lengths and epochs not in lengths and not fold.trials:
                yield Finding(FAILED, "histories", f"{where}: {epochs} epochs of {stage}, which no setting gives")
            if not metrics or len({len(values) for values in metrics.values()}) != 1:
                yield Finding(FAILED, "histories", f"{where}: the curves of {stage} have different lengths, or none")
        if own and (other := seen.setdefault(_text(own), fold.fold)) != fold.fold:
            yield Finding(FAILED, "histories", f"{where}: the same training history as {other}")
        if (
            informative(fold.probabilities)
            and (other := rows.setdefault(fold.probabilities.tobytes(), fold.fold)) != fold.fold
        ):
            yield Finding(FAILED, "histories", f"{where}: the same predictions as {other}")


def shared_stages(folds: Sequence[FoldResult]) -> set[str]:
    """Stages whose curves are the same in all of several folds, because they are trained once for all of them.

    None if this is so for every stage: then the folds are copies.
    """
    first = folds[0].history
    shared = {stage for stage in first if all(_text(f.history.get(stage)) == _text(first[stage]) for f in folds[1:])}
    return shared if len(folds) > 1 and len(shared) < len(first) else set()


def informative(probabilities: Any) -> bool:
    """Whether predictions are so varied that another training does not give them by accident."""
    return len(probabilities) > 1 and bool(((probabilities > 0) & (probabilities < 1)).any())


def seeds(runs: Sequence[BundleRun]) -> Iterator[Finding]:
    """Seeds of one experiment with the same predictions or training histories; `runs` are those of the experiment.

    Nothing is random in the control `metadata`.
    """
    runs = [run for run in runs if not _of_metadata(run)]
    for number, run in enumerate(runs):
        for other in runs[:number]:
            pairs = {fold.fold: fold for fold in other.folds}
            both = [(fold, pairs[fold.fold]) for fold in run.folds if fold.fold in pairs]
            same = [a.fold for a, b in both if a.clips == b.clips and np.array_equal(a.probabilities, b.probabilities)]
            curves = [a.fold for a, b in both if a.history and _text(a.history) == _text(b.history)]
            if same and len(same) == len(both) and any(informative(fold.probabilities) for fold in run.folds):
                yield Finding(FAILED, "seeds", f"{run.experiment}: seeds {other.seed} and {run.seed} predict the same")
            if curves:
                text = (
                    f"{run.experiment}: seeds {other.seed} and {run.seed} have the same history in {len(curves)} folds"
                )
                yield Finding(FAILED, "seeds", text)


def times(run: BundleRun) -> Iterator[Finding]:
    """Seconds that no training takes."""
    common = shared_stages(run.folds)
    for fold in run.folds:
        where = f"{run.name}, {fold.fold}"
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
    counts = [{n: v for n, v in f.measured.items() if n.startswith(("parameters", "flops"))} for f in run.folds]
    other_networks = any(count.get(name, value) != value for count in counts[1:] for name, value in counts[0].items())
    if other_networks and not any(fold.trials for fold in run.folds):  # a search may choose another in every fold
        yield Finding(FAILED, "times", f"{run.name}: parameters or operations differ between folds")
    if len(run.folds) > 1 and len({fold.seconds for fold in run.folds}) < len(run.folds):
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
    """A date that does not exist or lies in the future."""
    try:
        future = date.fromisoformat(bundle.date) > (datetime.now(UTC) + timedelta(days=1)).date()
    except ValueError:
        future = True
    if future:
        yield Finding(FAILED, "times", f"the last fold finished on {bundle.date}")


def copies(bundle: Bundle) -> Iterator[Finding]:
    """Experiments with the same seed that predict the same for all clips, such as a control that is a copy.

    The control `metadata` predicts the same in all experiments with the same clips and folds.
    """
    seen: dict[str, BundleRun] = {}
    for run in bundle.runs:
        rows = {c: p.tolist() for f in run.folds for c, p in zip(f.clips, f.probabilities, strict=True)}
        if not any(informative(fold.probabilities) for fold in run.folds):
            continue
        other = seen.setdefault(f"{run.seed} {_text(rows)}", run)
        if other is not run and not (_of_metadata(run) and _of_metadata(other)):
            curves = all(
                _text(a.history) == _text(b.history) for a, b in zip(run.folds, other.folds, strict=False) if a.history
            )
            same = [f.seconds for f in run.folds] == [f.seconds for f in other.folds]
            kind = FAILED if same else NOTE
            more = " and has its histories" if curves else ""
            yield Finding(kind, "histories", f"{run.name} predicts the same as {other.experiment}{more}")


def _of_metadata(run: BundleRun) -> bool:
    return run.experiment.endswith(f"+{METADATA}")


def _text(value: Any) -> str:
    return json.dumps(value, sort_keys=True)
