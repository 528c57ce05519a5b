"""Claims and scores: what was measured, and whether it can be compared."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from common.contract import Claim, Paper, Profile
from common.corpora.composite import DOCUMENTED, MEGC2019, shortfall
from common.corpora.marker import REAL, REAL_MOTION
from common.protocols.controls import relabellings
from common.protocols.splits import REPEATED, SPLITS
from common.scoring import histories, metrics, picks
from common.scoring.intervals import caution, subject_interval
from common.scoring.paired_tests import paired
from common.scoring.records import Comparison, Confusion, GuessTest, PairedTest, Score
from common.scoring.statistics import guess_test, retraining_test
from common.types import Experiment, FoldResult

TOLERANCE = 0.01
"""MATCH: at most this far from the printed value. CLOSE: the printed value is in the 95% interval. Else DIFFERS."""
DEVIATION_TOLERANCE = 0.1
"""MATCH of a deviation: at most this part of the printed one away from it, as it may be smaller than `TOLERANCE`."""
COMPARED = ("MATCH", "CLOSE", "DIFFERS")
"""The verdicts of numbers that were compared."""

METRICS = ("uf1", "uar", "accuracy")
ONE_ANSWER = "answers one class for all clips"
SAME_PROBABILITIES = "with the same probabilities"
SAME = 1e-6
"""Probabilities that differ by no more are the same."""
LAST_EPOCH = "last epoch"
"""The selection rule for which the report also shows the result of selecting the best epoch on the scored clips."""


def pooled(
    results: Sequence[FoldResult], corpus: str | None, classes: int, repeated: bool = False
) -> NDArray[np.int64]:
    """Confusion matrices (subjects, classes, classes) of the predictions, of one corpus or of all (None).

    Joined by clip id, which without the clip's name is the subject, in the order of the subjects' names; raises
    ValueError if two folds predict the same clip, unless the protocol allows it (`repeated`).
    """
    seen: set[str] = set()
    matrices: dict[str, NDArray[np.int64]] = {}
    for result in results:
        predicted = result.probabilities.argmax(axis=1)
        for clip, truth, answer in zip(result.clips, result.truth, predicted, strict=True):
            if clip in seen and not repeated:
                raise ValueError("two folds predict the same clip")
            seen.add(clip)
            if corpus is None or clip.startswith(f"{corpus}/"):
                matrix = matrices.setdefault(clip.rpartition("/")[0], np.zeros((classes, classes), np.int64))
                matrix[truth, answer] += 1
    return np.array([matrices[name] for name in sorted(matrices)], np.int64).reshape(-1, classes, classes)


def score(
    matrices: NDArray[np.int64],
    name: str,
    classes: tuple[str, ...],
    clips: int,
    folds_done: int,
    folds: int,
    retrained: Sequence[NDArray[np.int64]] = (),
) -> Score | None:
    """A metric of pooled confusion matrices (one per subject) with interval and chance; None without any clip.

    `clips` is the number of different clips; the matrices count a clip once per fold that tests it. `retrained` are the
    matrices of other seeds, whose variance is then part of the interval. Predictions of several `folds` are
    cross-validated.
    """
    total = matrices.sum(axis=0)
    if not total.any():
        return None
    measure = metrics.metric(name, classes)
    low, high = subject_interval(matrices, measure, retrained, cross_validated=folds > 1) or (None, None)
    chance = measure(metrics.always_largest(total.sum(axis=1)))
    value = float(measure(total))
    if np.isnan(value):
        return None
    doubt = "" if low is None else caution(matrices, value, 1 + len(retrained))
    return Score(name, value, low, high, float(chance), clips, folds_done, folds, caution=doubt)


def compare(
    paper: Paper,
    experiment: Experiment,
    results: Sequence[FoldResult],
    folds: int,
    *,
    profile: Profile,
    data: str,
    command: Callable[[Experiment], str],
    unavailable: str = "",
    retrained: Sequence[Sequence[FoldResult]] = (),
) -> tuple[Comparison, ...]:
    """Every metric of one experiment, with the claim if there is one.

    On its corpus, or on the composite and each of its corpora. A metric of the training history that belongs to another
    variant is left out if this variant has no such history. `unavailable` says why the experiment cannot run.
    `retrained` are the results of other seeds, with as many folds.
    """
    comparisons = []
    whole = data in REAL and len(results) == folds and is_composite(experiment)
    short = shortfall({clip for result in results for clip in result.clips}) if whole else ""
    constant = "" if experiment.control else one_answer(results)  # a control may well know nothing
    for corpus, within in parts(experiment):
        matrices, *others = (
            pooled(run, within, len(experiment.labels.classes), experiment.protocol in REPEATED)
            for run in (results, *retrained)
        )
        printed = [c for c in paper.claims if (c.experiment, c.corpus) == (experiment.name, corpus)]
        if experiment.control:
            printed = []  # papers do not print results of controls
        nearness = {experiment.twin_of: 1, experiment.variant: 2}
        claims = {c.metric: c for c in sorted(printed, key=lambda c: nearness.get(c.variant, 0))}
        watched = experiment.selection == LAST_EPOCH and within is None and histories.watched(results)
        tries = [histories.tries(result) for result in results] if histories.is_picked(experiment.selection) else []
        for name in dict.fromkeys((*METRICS, *claims, *((histories.EACH_BEST,) if watched else ()))):
            claim = claims.get(name)
            if name in histories.SINGLE_SPLITS and experiment.protocol != SPLITS:
                continue
            selection, why = experiment.selection, ""
            if histories.of_history(name):
                measured, selection, why = histories.score(results, name, folds)
                if measured is None and claim is not None and claim.variant != experiment.variant:
                    continue
            else:
                measured = score(
                    matrices, name, experiment.labels.classes, n_clips(results, within), len(results), folds, others
                )
                if measured is not None and name in METRICS and experiment.protocol not in REPEATED:
                    p, test = against_guessing(results, within, name, experiment.labels.classes, folds)
                    measured = replace(measured, p=p, p_test=test)
                if measured is not None and tries and all(tries):  # a classifier of metadata has no epochs
                    metric = metrics.metric(name, experiment.labels.classes)
                    measured = replace(measured, picks=picks.of_folds(results, tries, metric, within))
            judged = judge(
                experiment,
                claim,
                measured,
                done=len(results),
                folds=folds,
                profile=profile.name,
                data=data,
                changed=profile.changed,
                why=why,
                unavailable=unavailable,
                caveats=tuple(dict.fromkeys(caveat for result in results for caveat in result.caveats)),
            )
            doubt = f"approximate interval: {measured.caution}" if measured and measured.caution else ""
            if measured is not None and (short or doubt or constant):
                judged = replace(judged, conditions=(*judged.conditions, *filter(None, (short, doubt, constant))))
            if "oracle" in selection:  # whatever the verdict
                choice = "the split is" if selection.startswith(histories.PICKED_SPLIT) else "the best epoch is"
                judged = replace(
                    judged, conditions=(*judged.conditions, f"{choice} selected on the clips that are scored")
                )
            comparisons.append(
                Comparison(
                    experiment=experiment.name,
                    variant=experiment.id.partition("/")[2],
                    corpus=corpus,
                    protocol=experiment.protocol,
                    selection=selection,
                    metric=name,
                    claim=claim,
                    score=measured,
                    verdict=judged.verdict,
                    outcome=judged.outcome,
                    conditions=judged.conditions,
                    command=command(experiment),
                )
            )
    return tuple(comparisons)


@dataclass(frozen=True)
class Judgement:
    """A verdict with its reason, as in `Comparison`."""

    verdict: str
    outcome: tuple[str, ...]
    conditions: tuple[str, ...] = ()


def judge(
    experiment: Experiment,
    claim: Claim | None,
    measured: Score | None,
    *,
    done: int,
    folds: int,
    profile: str,
    data: str,
    changed: str = "",
    why: str = "",
    unavailable: str = "",
    caveats: Sequence[str] = (),
) -> Judgement:
    """Verdict and reason for one claim and one score, with `done` of `folds` folds finished.

    `changed` are options that make the run differ from the paper, `why` is the reason for a missing score,
    `unavailable` the reason why an experiment cannot run. `caveats` are those of the folds: with any, the score is not
    comparable.
    """
    if not done:
        return Judgement("NOT_RUN", (unavailable or "not run",))
    conditions = []
    if done < folds:
        conditions.append(f"{done} of {folds} folds are done")
    if data not in REAL:
        moved = " with real motion" if data == REAL_MOTION else ""
        conditions.append(f"measured on stand-in corpora{moved}")
    if experiment.control:
        conditions.append("a control")
    if profile != "paper" and not experiment.pretrained:
        conditions.append(f"the profile {profile} shortens the run")
    if changed:
        conditions.append(f"changed by {changed}")
    conditions += caveats if claim is not None else ()
    if claim is not None and claim.not_comparable:
        conditions.append(claim.not_comparable)
    outcome: tuple[str, ...] = ()
    if claim is None:
        outcome = ("the paper does not print this number",)
    elif claim.variant != experiment.variant:
        outcome = (f"the printed number is assumed to belong to the variant {claim.variant}",)
    elif (held_out := sum(n for _, n in experiment.held_out.values())) and claim.n_clips not in (None, held_out):
        conditions.append(f"the printed number is for {claim.n_clips} clips, but {held_out} are held out")
    elif measured is not None and not conditions and claim.n_clips not in (None, measured.n_clips):
        return Judgement("INCOMPLETE", (), (f"{measured.n_clips} clips; the paper has {claim.n_clips}",))
    if measured is None:
        conditions.append(why or "the clips of this number were not tested")
    if measured is None or claim is None or outcome or conditions:
        return Judgement("INCOMPLETE" if done < folds else "NOT_COMPARABLE", outcome, tuple(conditions))
    apart = measured.value - claim.value
    difference = f"differs by {100 * apart:+.2f} percentage points" if claim.unit == "%" else f"differs by {apart:+.4f}"
    tolerance = DEVIATION_TOLERANCE * claim.value if claim.metric == histories.LAST_DEVIATION else TOLERANCE
    if abs(apart) <= tolerance + 1e-9:
        return Judgement("MATCH", (difference,))
    if measured.low is None or measured.high is None:
        return Judgement("DIFFERS", (difference,), ("this number has no interval",))
    if measured.low <= claim.value <= measured.high:
        return Judgement("CLOSE", (difference, "the printed value is inside the interval"))
    return Judgement("DIFFERS", (difference, "the printed value is outside the interval"))


def parts(experiment: Experiment) -> list[tuple[str, str | None]]:
    """(name, corpus to restrict to or None) of everything that is scored; a single corpus is not a composite."""
    scored = experiment.scored
    if len(scored) == 1:
        return [(scored[0], None)]
    return [(experiment.labels.name, None), *((corpus, corpus) for corpus in scored)]


def is_composite(experiment: Experiment) -> bool:
    """Whether an experiment is scored on the MEGC 2019 composite."""
    return experiment.labels.name == MEGC2019.name and set(experiment.scored) == set(DOCUMENTED)


def against_guessing(
    results: Sequence[FoldResult], corpus: str | None, name: str, classes: tuple[str, ...], folds: int
) -> tuple[float, GuessTest]:
    """The p of a metric of predictions, of one corpus or of all (None), and the test that it comes from.

    `results` test each clip once. That is retraining if all of the `folds` are done and each was trained again on as
    many relabellings. Else predictions are swapped; those of several folds are cross-validated.
    """
    clip = np.array([clip for result in results for clip in result.clips])
    subject = np.array([clip.rpartition("/")[0] for clip in clip.tolist()])
    truth = np.concatenate([result.truth for result in results])
    answer = np.concatenate([result.probabilities.argmax(axis=1) for result in results])
    within = np.array([corpus is None or clip.startswith(f"{corpus}/") for clip in clip.tolist()])
    how = metrics.metric(name, classes), len(classes)
    again = [result.relabelled for result in results if result.relabelled is not None]
    if len(again) == folds and len({len(predicted) for predicted in again}) == 1:
        labels = relabellings(subject, clip, truth, len(again[0]), results[0].seed)[:, within]
        predicted = np.concatenate(again, axis=1)[:, within]
        return retraining_test(truth[within], answer[within], labels, predicted, *how), "retraining"
    own = subject[within], truth[within], answer[within]
    return guess_test(*own, *how, cross_validated=folds > 1), "swaps"


def one_answer(results: Sequence[FoldResult]) -> str:
    """A remark if the predictions for all held-out clips are one class; else, and for a single clip, an empty string.

    Folds may differ in their class if each predicts one class for its training clips as well. The remark adds if the
    probabilities of the clips of a fold are the same, to within `SAME`: the network then does not see its clips.
    """
    answers = [set(result.probabilities.argmax(axis=1).tolist()) for result in results]
    several = [result.probabilities for result in results if len(result.clips) > 1]
    if n_clips(results, None) < 2 or any(len(classes) > 1 for classes in answers):
        return ""
    if len(set().union(*answers)) == 1:
        remark = ONE_ANSWER
    elif all(result.measured.get("answered_classes") == 1 for result in results):
        remark = f"{ONE_ANSWER} of a fold"
    else:
        return ""
    same = bool(several) and all(float(np.ptp(values, axis=0).max()) <= SAME for values in several)
    return remark + (f", {SAME_PROBABILITIES}" if same else "")


def n_clips(results: Sequence[FoldResult], corpus: str | None) -> int:
    """The number of different clips predicted, of one corpus or of all (None)."""
    return len({clip for result in results for clip in result.clips if corpus is None or clip.startswith(f"{corpus}/")})


def confusion_tables(experiment: Experiment, results: Sequence[FoldResult]) -> tuple[Confusion, ...]:
    """Pooled confusion matrices, of the composite and of each corpus that has clips."""
    tables = []
    classes = experiment.labels.classes
    for corpus, within in parts(experiment):
        matrices = pooled(results, within, len(classes), experiment.protocol in REPEATED)
        if len(matrices):
            clips = n_clips(results, within)
            tables.append(Confusion(experiment.name, experiment.variant, corpus, classes, matrices.sum(axis=0), clips))
    return tuple(tables)


def between_variants(paper: Paper, results: Mapping[str, Sequence[FoldResult]]) -> tuple[PairedTest, ...]:
    """Paired tests of each variant with its leak-free twin and with its tuned copy, on the same clips.

    `results` are finished folds by experiment id. Variants that test a clip in several folds are left out.
    """
    once = {e.id: e for e in paper.experiments if e.protocol not in REPEATED and results.get(e.id)}
    pairs = [
        (e.id, twin.id)
        for twin in once.values()
        for e in once.values()
        if e.name == twin.name and e.variant in (twin.twin_of, twin.tuned_of)
    ]
    classes = max(
        (len(experiment.labels.classes) for experiment in once.values()), default=0
    )  # 0 if there are no experiments
    return paired({name: results[name] for name in once}, pairs, classes)
