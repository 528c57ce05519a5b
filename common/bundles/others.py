"""What bundles of others give for the printed numbers: the column "reproduced by others" of a report."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean

from common.bundles import archive, compare, verify
from common.bundles.checks_runs import profile_of
from common.bundles.records import TIERS, Bundle, BundleRun, Verified
from common.contract import Claim, Paper, Profile
from common.corpora.marker import REAL
from common.errors import printable
from common.report.records import ByOthers
from common.scoring import verdicts
from common.scoring.records import Score
from common.types import Experiment

Where = tuple[str, str]
"""A corpus and a metric."""
OfPaper = tuple[Mapping[Claim, ByOthers], tuple[str, ...]]
"""Printed numbers that bundles reproduce, and a line for each bundle that does not count."""


@dataclass(frozen=True)
class Counted:
    """The bundles that count, verified together, and a line with its paper, empty if not known, for each other file."""

    bundles: tuple[Verified, ...] = ()
    left_out: tuple[tuple[str, str], ...] = ()


def read(
    paths: Sequence[Path],
    load: Callable[[str], Paper],
    released: verify.Released,
    listed: Mapping[str, str] | None = None,
) -> Counted:
    """Verify bundles, with folders standing for all bundles in them, and choose those that count.

    A bundle counts if no check failed, and if it is a full run on licensed corpora that no earlier bundle has too. The
    other arguments are those of `verify.verify`. Raises UserError for a path that does not exist.
    """
    files, left_out = [], []
    for path in paths:
        bundles = archive.bundles_in(path)
        files += bundles
        left_out += [("", f"{path} has no bundle (*.zip)")] * (not bundles)
    kept: list[Verified] = []
    for entry in verify.each(list(dict.fromkeys(files)), load, released, listed):
        if why := _unusable(entry, load) or next(filter(None, (_repeats(entry, other) for other in kept)), ""):
            left_out.append((entry.bundle.paper if entry.bundle else "", f"{entry.file} does not count: {why}"))
        else:
            kept.append(entry)
    return Counted(verify.together(kept), tuple((key, printable(line)) for key, line in left_out))


def _unusable(entry: Verified, load: Callable[[str], Paper]) -> str:
    """Why a bundle never counts next to a printed number, empty if it may."""
    if entry.failed:
        first, more = entry.failed[0], len(entry.failed) - 1
        return f"{first.check}: {first.text}" + (f", and {more} more failed checks" if more else "")
    bundle = entry.bundle
    assert bundle is not None  # else its format has failed
    if bundle.data not in REAL:
        return "it was run on stand-ins and says nothing about the real corpora"
    profile = profile_of(bundle, load(bundle.paper))
    if profile.name != "paper":
        return f"the profile {profile.name} shortens the run"
    return f"the run was changed by {profile.changed}" if profile.changed else ""


def _repeats(entry: Verified, other: Verified) -> str:
    if not (entry.bundle and other.bundle) or entry.bundle.paper != other.bundle.paper:
        return ""
    same = any(compare.copied(entry.bundle, other.bundle, other.file))
    return f"it has folds of the same run as {other.file}" if same else ""


def of_paper(counted: Counted, paper: Paper) -> OfPaper:
    """The printed numbers of a paper that bundles reproduce, and a line for each bundle that does not count.

    A number enters if a report would compare it with the printed one.
    """
    experiments = {e.id: e for e in paper.experiments}
    by_claim: dict[Claim, ByOthers] = {}
    unused = [entry.file for entry in counted.bundles if entry.bundle and entry.bundle.paper == paper.key]
    for claim in paper.claims:
        experiment = experiments.get(f"{claim.experiment}/{claim.variant}")
        if experiment is None:
            continue
        means = [*_means(counted, paper, experiment, (claim.corpus, claim.metric), claim)]
        if summary := _best(means, experiment):
            by_claim[claim] = summary
        unused = [file for file in unused if file not in {entry.file for entry, _ in means}]
    lines = [line for key, line in counted.left_out if key in ("", paper.key)]
    lines += [printable(f"{file} has no score that can be compared with a printed number") for file in unused]
    return by_claim, tuple(lines)


def scores(counted: Counted, paper: Paper, experiment: Experiment, where: Where) -> ByOthers | None:
    """What bundles give for a score of an experiment, printed or not; None if no bundle has it."""
    return _best([*_means(counted, paper, experiment, where, None)], experiment)


def _means(
    counted: Counted, paper: Paper, experiment: Experiment, where: Where, claim: Claim | None
) -> Iterator[tuple[Verified, float]]:
    """The bundles that have a score, each with its mean over the seeds."""
    for entry in counted.bundles:
        bundle = entry.bundle
        if bundle is None or bundle.paper != paper.key:
            continue
        profile = profile_of(bundle, paper)
        values = [
            run.scores[where].value
            for run in bundle.of(experiment.id)
            if where in run.scores and _comparable(bundle, run, experiment, profile, run.scores[where], claim)
        ]
        if values:
            yield entry, fmean(values)


def _comparable(
    bundle: Bundle, run: BundleRun, experiment: Experiment, profile: Profile, score: Score, claim: Claim | None
) -> bool:
    """Whether a report would compare a score with its printed number; without one, whether the run is complete."""
    caveats = tuple(dict.fromkeys(caveat for fold in run.folds for caveat in fold.caveats))
    if claim is None:
        return score.n_folds_done == score.n_folds and not caveats
    judged = verdicts.judge(
        experiment,
        claim,
        score,
        done=score.n_folds_done,
        folds=score.n_folds,
        profile=profile.name,
        data=bundle.data,
        changed=profile.changed,
        caveats=caveats,
    )
    return judged.verdict in verdicts.COMPARED


def _best(means: Sequence[tuple[Verified, float]], experiment: Experiment) -> ByOthers | None:
    """The mean over the bundles of the best tier: tiers are never mixed in one number."""
    by_tier: dict[str, list[tuple[Verified, float]]] = {}
    for entry, mean in means:
        by_tier.setdefault(entry.tiers[experiment.id], []).append((entry, mean))
    if not by_tier:
        return None
    tier = max(by_tier, key=TIERS.index)
    values = tuple(mean for _, mean in by_tier[tier])
    dates = [entry.bundle.date for entry, _ in by_tier[tier] if entry.bundle]
    return ByOthers(fmean(values), tier, max(dates), values)
