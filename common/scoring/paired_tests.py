"""Paired tests of two methods on the clips that both predict, from the results of their folds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from common.scoring.differences import detectable, difference_error, equivalence, verdict
from common.scoring.metrics import uf1
from common.scoring.records import PairedTest
from common.scoring.statistics import holm, swap_test
from common.types import FoldResult

Predictions = dict[str, tuple[int, int]]


def paired(
    methods: Mapping[str, Sequence[FoldResult]], pairs: Sequence[tuple[str, str]], classes: int
) -> tuple[PairedTest, ...]:
    """One test per pair of names in `methods`, in their order; a pair without a common clip is left out.

    Predictions are joined by clip id, which without the clip's name is the subject, whatever the folds and their order.
    Those of several folds are cross-validated (`statistics.swap_test`).
    Holm's correction covers all returned tests. Raises ValueError if a method predicts a clip twice, or if the methods
    of a pair have different true classes for a clip.
    """
    answers = {name: _answers(name, methods[name]) for pair in pairs for name in pair}
    folded = {pair: any(len(methods[name]) > 1 for name in pair) for pair in pairs}
    made = [
        _test(first, second, answers[first], answers[second], classes, cross_validated=folded[first, second])
        for first, second in pairs
    ]
    tests = [test for test in made if test is not None]
    p, equivalent_p = (holm([getattr(test, name) for test in tests]) for name in ("p", "equivalence"))
    return tuple(
        replace(
            test,
            adjusted=p[i],
            detectable_adjusted=detectable(
                test.error,
                test.freedom,
                test.n_subjects,
                len(tests),
                cross_validated=folded[test.first, test.second],
            ),
            equivalence_adjusted=equivalent_p[i],
            verdict=verdict(p[i], equivalent_p[i]),
        )
        for i, test in enumerate(tests)
    )


def _answers(name: str, results: Sequence[FoldResult]) -> Predictions:
    """(truth, answer) by clip id."""
    answers: Predictions = {}
    for result in results:
        predicted = result.probabilities.argmax(axis=1)
        for clip, truth, answer in zip(result.clips, result.truth, predicted, strict=True):
            if clip in answers:
                raise ValueError(f"{name} predicts {clip} twice")
            answers[clip] = int(truth), int(answer)
    return answers


def _test(
    first: str,
    second: str,
    first_answers: Predictions,
    second_answers: Predictions,
    classes: int,
    *,
    cross_validated: bool,
) -> PairedTest | None:
    """The test of one pair, as if it were the only one; None without a common clip."""
    clips = sorted(first_answers.keys() & second_answers.keys())
    for clip in clips:
        if first_answers[clip][0] != second_answers[clip][0]:
            raise ValueError(f"{first} and {second} have different truths for {clip}")
    if not clips:
        return None
    # Subjects are sorted, so that the random swaps do not depend on the order of clips.
    names, subject = np.unique([clip.rpartition("/")[0] for clip in clips], return_inverse=True)
    truth = np.array([first_answers[clip][0] for clip in clips])
    by_method = [np.array([method[clip][1] for clip in clips]) for method in (first_answers, second_answers)]
    matrices = np.zeros((2, len(names), classes, classes), np.int64)
    for matrix, answer in zip(matrices, by_method, strict=True):
        np.add.at(matrix, (subject, truth, answer), 1)
    right, also_right = (answer == truth for answer in by_method)
    only_first, only_second = int((right & ~also_right).sum()), int((also_right & ~right).sum())
    difference, p = swap_test(matrices[0], matrices[1], uf1, cross_validated=cross_validated)
    spread = difference_error(matrices[0], matrices[1], uf1, cross_validated=cross_validated)
    error, freedom = (float(number) for number in spread)
    known = None if np.isnan(error) else error
    least = detectable(known, freedom, len(names), cross_validated=cross_validated)
    equivalent_p = equivalence(difference, known, freedom)
    return PairedTest(
        first=first,
        second=second,
        n_clips=len(clips),
        n_subjects=len(names),
        only_first=only_first,
        only_second=only_second,
        difference=difference,
        p=p,
        adjusted=p,
        error=known,
        freedom=freedom,
        detectable=least,
        detectable_adjusted=least,
        equivalence=equivalent_p,
        equivalence_adjusted=equivalent_p,
        verdict=verdict(p, equivalent_p),
    )
