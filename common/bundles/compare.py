"""Compare bundles of the same paper with each other: files of clips, classes, copies, and agreement of scores."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby
from math import sqrt
from statistics import fmean, variance

from common.bundles.records import DIFFERS, Bundle, BundleRun, Finding, sizes
from common.scoring.verdicts import METRICS

LEAST_SEEDS = 2
"""Seeds that each of two bundles needs so that their spread is known."""
LEVEL = 0.95
"""The fraction of honest repeats, at least, whose scores all agree."""


def files(bundle: Bundle, other: Bundle, name: str) -> Iterator[Finding]:
    """How the clips of two bundles differ, one line per corpus; `name` is that of the other bundle.

    Copies of a corpus have the same files, so two bundles that read the same images and the same table have the same
    digests. A difference does not show which of the two is right.
    """
    common = sorted(set(bundle.digests) & set(other.digests))
    for corpus, group in groupby(common, key=lambda clip: clip.partition("/")[0]):
        clips = list(group)
        table = [clip for clip in clips if bundle.digests[clip].annotation != other.digests[clip].annotation]
        images = [
            clip for clip in clips if clip not in set(table) and bundle.digests[clip].files != other.digests[clip].files
        ]
        if table:
            yield Finding(
                DIFFERS,
                "digests",
                f"{corpus}: {len(table)} of {len(clips)} clips have other frame numbers than in {name} (another "
                f"annotation table or other frames on disk), such as {table[0]}",
            )
        if len(images) == len(clips):
            yield Finding(
                DIFFERS,
                "digests",
                f"{corpus}: the files of all {len(clips)} clips differ from those in {name}: another release, crop or "
                "conversion, or digests that were not computed from files",
            )
        elif images:
            yield Finding(
                DIFFERS,
                "digests",
                f"{corpus}: the files of {len(images)} of {len(clips)} clips differ from those in {name}, such as "
                f"{images[0]}, though the others are the same",
            )


def clips(bundle: Bundle, other: Bundle, name: str) -> Iterator[Finding]:
    """Clips that only one of two bundles uses in an experiment, and clips with another class."""
    if bundle.profile != other.profile or bundle.options != other.options:
        return
    for experiment in bundle.experiments:
        for run, second in _pairs(bundle.of(experiment), other.of(experiment)):
            if only := sorted(set(run.truth) ^ set(second.truth)):
                text = f"{run.name}: {len(only)} clips are only used here or only in {name}, such as {only[0]}"
                yield Finding(DIFFERS, "clips", text, experiment)
            both = sorted(set(run.truth) & set(second.truth))
            if changed := [clip for clip in both if run.truth[clip] != second.truth[clip]]:
                text = f"{run.name}: {len(changed)} clips have another class than in {name}, such as {changed[0]}"
                yield Finding(DIFFERS, "labels", text, experiment)


def _pairs(first: Sequence[BundleRun], second: Sequence[BundleRun]) -> Iterator[tuple[BundleRun, BundleRun]]:
    """Runs of one experiment with the same seed, which a control's classes depend on."""
    by_seed = {run.seed: run for run in second}
    return ((run, by_seed[run.seed]) for run in first if run.seed in by_seed)


def networks(bundle: Bundle, other: Bundle, name: str) -> Iterator[Finding]:
    """Experiments whose networks have other numbers of parameters or operations, with the same code and settings."""
    if (bundle.sources, bundle.profile, bundle.options) != (other.sources, other.profile, other.options):
        return
    for experiment in bundle.experiments:
        for run, second in _pairs(bundle.of(experiment), other.of(experiment)):
            if set(run.truth) != set(second.truth) or run.folds[0].trials:
                continue
            own, theirs = sizes(run.folds[0]), sizes(second.folds[0])
            if wrong := [key for key, value in own.items() if theirs.get(key, value) != value]:
                text = f"{run.name}: {wrong[0]} is {own[wrong[0]]:g}, in {name} {theirs[wrong[0]]:g}"
                yield Finding(DIFFERS, "times", text, experiment)


def copied(bundle: Bundle, other: Bundle, name: str) -> Iterator[Finding]:
    """Folds of two bundles that took the same time to the last digit, which no two runs do."""
    times = {fold.seconds: run.name for run in other.runs for fold in run.folds}
    for run in bundle.runs:
        if same := [fold.fold for fold in run.folds if fold.seconds in times]:
            text = f"{run.name}: {len(same)} folds took exactly as long as in {name}: they are the same run"
            yield Finding(DIFFERS, "copies", text, run.experiment)


def disagreement(bundle: Bundle, other: Bundle, experiment: str) -> str:
    """Why two bundles do not corroborate each other in an experiment; empty if they do.

    Their mean scores over the seeds must not differ by more than in honest repeats: by at most `widest` standard
    errors, estimated from the spread of the seeds of both.
    """
    first, second = bundle.of(experiment), other.of(experiment)
    if not first or not second:
        return "only one of them has it"
    if (bundle.profile, bundle.options) != (other.profile, other.options):
        return "they were run with different profiles or options"
    if bundle.copy == other.copy:
        return "they were made from the same data folder"
    clips = set(first[0].truth)
    if clips != set(second[0].truth) or any(bundle.digests[clip] != other.digests[clip] for clip in clips):
        return "their clips, or the files of these, differ"
    if min(len(first), len(second)) < LEAST_SEEDS:
        return f"each needs at least {LEAST_SEEDS} seeds, so that their spread is known"
    keys = list(dict.fromkeys(key for run in first for key in run.scores if key[1] in METRICS))
    width = widest(len(first) + len(second) - 2, len(keys))
    for key in keys:
        a, b = (_values(runs, key) for runs in (first, second))
        if len(a) != len(first) or len(b) != len(second):
            return f"{key[1]} on {key[0]} is missing for a seed"
        apart, spread = fmean(a) - fmean(b), _standard_error(a, b, first[0].scores[key].n_clips)
        if abs(apart) > width * spread + 1e-9:
            return (
                f"{key[1]} on {key[0]} differs by {apart:+.4f} on average, more than {width:.1f} standard errors of "
                f"{spread:.4f}"
            )
    return ""


def widest(freedom: int, scores: int) -> float:
    """How many standard errors means of honest repeats may differ by: a quantile of Student's t.

    Of `freedom` degrees, those of the pooled variance, at a level of which `scores` compared at once each have an equal
    part (Bonferroni), so that at least `LEVEL` of honest repeats agree in all of them.
    """
    from scipy.special import stdtrit

    return float(stdtrit(freedom, 1 - (1 - LEVEL) / (2 * scores)))


def _standard_error(a: Sequence[float], b: Sequence[float], clips: int) -> float:
    """That of the difference of two means, from the pooled variance of the seeds.

    Scores change in steps of about a clip, and a few seeds may agree by accident: the variance of rounding to whole
    clips is added.
    """
    within = ((len(a) - 1) * variance(a) + (len(b) - 1) * variance(b)) / (len(a) + len(b) - 2)
    return sqrt((within + 1 / (12 * clips**2)) * (1 / len(a) + 1 / len(b)))


def _values(runs: Sequence[BundleRun], key: tuple[str, str]) -> list[float]:
    return [run.scores[key].value for run in runs if key in run.scores]
