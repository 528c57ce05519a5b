"""Claims beside scores: what was measured, and whether it may be compared at all."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from common import metrics
from common.statistics import subject_interval
from common.types import Claim, Comparison, Confusion, Experiment, FoldResult, Paper, Score

TOLERANCE = 0.01
"""MATCH: within this of the printed value. CLOSE: the printed value lies in the 95% interval. Else DIFFERS."""

METRICS = ("uf1", "uar", "accuracy")


def pooled(results: Sequence[FoldResult], corpus: str | None, classes: int) -> NDArray[np.int64]:
    """Confusion matrices (folds, classes, classes) of the predictions, of one corpus or of all (None).

    Joined by clip id; raises ValueError where two folds predict one clip.
    """
    seen = [clip for result in results for clip in result.clips]
    if len(set(seen)) < len(seen):
        raise ValueError("a clip is predicted by two folds")
    matrices = np.zeros((len(results), classes, classes), np.int64)
    for index, result in enumerate(results):
        keep = np.array([corpus is None or clip.startswith(f"{corpus}/") for clip in result.clips], bool)
        predicted = result.probabilities.argmax(axis=1)
        matrices[index] = metrics.confusion(result.truth[keep], predicted[keep], classes)
    return matrices[matrices.sum(axis=(1, 2)) > 0]


def score(
    matrices: NDArray[np.int64], name: str, classes: tuple[str, ...], folds_done: int, folds: int
) -> Score | None:
    """A metric of pooled confusion matrices (one per subject) with interval and chance; None without any clip."""
    total = matrices.sum(axis=0)
    if not total.any():
        return None
    measure = metrics.metric(name, classes)
    low, high = subject_interval(matrices, measure) or (None, None)
    chance = measure(metrics.always_largest(total.sum(axis=1)))
    value = float(measure(total))
    if np.isnan(value):
        return None
    return Score(name, value, low, high, float(chance), int(total.sum()), folds_done, folds)


def compare(
    paper: Paper,
    experiment: Experiment,
    results: Sequence[FoldResult],
    folds: int,
    *,
    profile: str,
    data: str,
    command: Callable[[Experiment], str],
) -> tuple[Comparison, ...]:
    """Every metric of one experiment, on the composite and on each of its corpora, beside the claim if there is one."""
    comparisons = []
    for corpus in (experiment.labels.name, *experiment.corpora):
        within = None if corpus == experiment.labels.name else corpus
        matrices = pooled(results, within, len(experiment.labels.classes))
        printed = [c for c in paper.claims if (c.experiment, c.corpus) == (experiment.name, corpus)]
        claims = {c.metric: c for c in sorted(printed, key=lambda c: c.variant == experiment.variant)}
        for name in dict.fromkeys((*METRICS, *claims)):
            found = score(matrices, name, experiment.labels.classes, len(results), folds)
            claim = claims.get(name)
            verdict, reason = judge(
                experiment, claim, found, done=len(results), folds=folds, profile=profile, data=data
            )
            comparisons.append(
                Comparison(
                    experiment=experiment.name,
                    variant=experiment.variant,
                    corpus=corpus,
                    protocol=experiment.protocol,
                    selection=experiment.selection,
                    metric=name,
                    claim=claim,
                    score=found,
                    verdict=verdict,
                    reason=reason,
                    command=command(experiment),
                )
            )
    return tuple(comparisons)


def judge(
    experiment: Experiment,
    claim: Claim | None,
    found: Score | None,
    *,
    done: int,
    folds: int,
    profile: str,
    data: str,
) -> tuple[str, str]:
    """Verdict and reason for one claim beside one score, with `done` of `folds` folds finished."""
    if not done:
        return "NOT_RUN", "no fold of this variant has finished"
    reasons = []
    if done < folds:
        reasons.append(f"{done} of {folds} folds are done")
    incomplete = bool(reasons)
    if data != "licensed":
        reasons.append("measured on stand-in corpora")
    if profile != "paper":
        reasons.append(f"the profile {profile} shortens the run")
    if claim is None:
        reasons.append("the paper prints no such number")
    elif claim.variant != experiment.variant:
        reasons.append(f"the printed number is taken to belong to the variant {claim.variant}")
    elif found is not None and not reasons and claim.n_clips not in (None, found.n_clips):
        return "INCOMPLETE", f"{found.n_clips} clips, the paper has {claim.n_clips}"
    if found is None:
        reasons.append("no finished fold holds the clips that this number needs")
    if found is None or claim is None or reasons:
        return "INCOMPLETE" if incomplete else "NOT_COMPARABLE", "; ".join(reasons)
    difference = found.value - claim.value
    if abs(difference) <= TOLERANCE:
        return "MATCH", f"differs by {difference:+.4f}"
    if found.low is not None and found.high is not None and found.low <= claim.value <= found.high:
        return "CLOSE", f"differs by {difference:+.4f}; the printed value lies in the interval"
    return "DIFFERS", f"differs by {difference:+.4f}; the printed value lies outside the interval"


def confusion_tables(experiment: Experiment, results: Sequence[FoldResult]) -> tuple[Confusion, ...]:
    """Pooled confusion matrices, of the composite and of each corpus that has clips."""
    tables = []
    for corpus in (experiment.labels.name, *experiment.corpora):
        within = None if corpus == experiment.labels.name else corpus
        matrices = pooled(results, within, len(experiment.labels.classes))
        if len(matrices):
            classes = experiment.labels.classes
            tables.append(Confusion(experiment.name, experiment.variant, corpus, classes, matrices.sum(axis=0)))
    return tuple(tables)
