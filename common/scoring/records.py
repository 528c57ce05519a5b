"""Results of scoring: scores, comparisons with claims, confusion matrices and paired tests."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from common.contract import Claim

GuessTest = Literal["retraining", "swaps"]


@dataclass(frozen=True)
class Score:
    """A metric of pooled predictions with its interval over subjects and its chance level, if it has one.

    `p` is the probability of a score as high where nothing is to be learnt, by `p_test`: "retraining" on clips whose
    classes are permuted within each subject (`statistics.retraining_test`), or "swaps" of the predictions among the
    clips of a subject, with the wider spread of cross-validated ones (`statistics.guess_test`). `caution` says why the
    interval may not cover 95%. `picks` is what guesses reach that may pick as often as this score's epoch or split was
    picked on the scored clips (`picks.guessed`), None if nothing was picked on them; `p` does not account for that.
    """

    metric: str
    value: float
    low: float | None
    high: float | None
    chance: float | None
    n_clips: int
    n_folds_done: int
    n_folds: int
    p: float | None = None
    caution: str = ""
    picks: float | None = None
    p_test: GuessTest = "swaps"


@dataclass(frozen=True)
class PairedTest:
    """Two methods on the clips that both predict, in favour of `first` if `difference` is positive.

    `only_first` and `only_second` count the clips that only one method gets right. `difference` is that of UF1, `p` its
    two-sided p when the predictions for whole subjects are swapped between the methods, `adjusted` this p after Holm's
    correction for all tests of a table.

    `error` is the standard error of the difference over subjects, `freedom` its degrees of freedom; both it and `p` are
    larger for cross-validated predictions (`intervals.WIDER_DIFFERENCE`). `detectable` is the smallest difference that
    a test of these subjects at 0.05 finds with a probability of at least 80%, `detectable_adjusted` the
    same with the correction for all tests of the table; None if no difference is large enough. `equivalence` is the p
    of the hypothesis that UF1 differs by `differences.MARGIN` or more, `verdict` what follows from both adjusted p.
    """

    first: str
    second: str
    n_clips: int
    n_subjects: int
    only_first: int
    only_second: int
    difference: float
    p: float
    adjusted: float
    error: float | None
    freedom: float
    detectable: float | None
    detectable_adjusted: float | None
    equivalence: float
    equivalence_adjusted: float
    verdict: str


@dataclass(frozen=True)
class Comparison:
    """A claim and a score. Either may be missing; a missing number is a dash, never zero.

    `outcome` explains the verdict by what the row itself shows, such as the difference of its two numbers; `conditions`
    are those under which the score was measured, or by which it is missing.
    """

    experiment: str
    variant: str
    corpus: str
    protocol: str
    selection: str
    metric: str
    claim: Claim | None
    score: Score | None
    verdict: str
    outcome: tuple[str, ...]
    conditions: tuple[str, ...]
    command: str
    control: Score | None = None
    metadata: Score | None = None

    @property
    def reason(self) -> str:
        """Outcome and conditions on one line."""
        return "; ".join((*self.outcome, *self.conditions))


@dataclass(frozen=True)
class Confusion:
    """Counts of predictions, rows truth, columns prediction, in the order of `classes`.

    `clips` is the number of different clips: that of the predictions, unless several folds test the same clip.
    """

    experiment: str
    variant: str
    corpus: str
    classes: tuple[str, ...]
    matrix: NDArray[np.int64]
    clips: int
