"""Does a network learn, does it recognise anything, and is that motion? Three marks per experiment, one sentence.

A network that learns predicts its training clips better than by chance; one that recognises anything is better than
guessing on unseen subjects; one that recognises motion is so only with motion.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from common.contract import Paper
from common.report.records import Learning
from common.scoring.records import Comparison, Score
from common.scoring.statistics import holm
from common.scoring.verdicts import one_answer, parts
from common.training.learnt import summary
from common.types import FoldResult

METRIC = "uf1"
SIGNIFICANT = 0.05
MARKS = {True: "\u2713", False: "\u2717", None: "\u2013"}
"""How a yes, a no and what was not tested are shown."""
_ANSWERS = (
    {True: "fits its training clips", False: "does not fit its training clips", None: ""},
    {True: "beats guessing", False: "does not beat guessing", None: "was not tested against guessing"},
    {True: "does so only with motion", False: "does so without motion too", None: ""},
)


def of_paper(
    paper: Paper, results: Mapping[str, Sequence[FoldResult]], comparisons: Sequence[Comparison]
) -> tuple[Learning, ...]:
    """Return one row for each experiment that ran; `results` are finished folds by experiment id."""
    scored = {(c.experiment, c.variant, c.corpus): c for c in comparisons if c.metric == METRIC}
    rows = []
    for e in paper.experiments:
        if folds := results.get(e.id):
            row = scored.get((e.name, e.variant, parts(e)[0][0]))
            score, control, metadata = (row.score, row.control, row.metadata) if row else (None, None, None)
            learnt = summary(folds, one_answer(folds))
            rows.append(Learning(e.id, e.leak_free, learnt, score, control, metadata=metadata))
    return corrected(rows)


def corrected(rows: Sequence[Learning]) -> tuple[Learning, ...]:
    """Return the rows of one table with p by Holm's correction, separately for all scores and all controls."""
    scores = _holm([row.score for row in rows])
    controls = _holm([*(row.control for row in rows), *(row.metadata for row in rows)])
    return tuple(
        replace(row, adjusted=p, control_adjusted=still, metadata_adjusted=guessed)
        for row, p, still, guessed in zip(rows, scores, controls[: len(rows)], controls[len(rows) :], strict=True)
    )


def _holm(scores: Sequence[Score | None]) -> list[float | None]:
    known = [i for i, score in enumerate(scores) if score is not None and score.p is not None]
    adjusted = holm([p for score in scores if score is not None and (p := score.p) is not None])
    p_values: list[float | None] = [None] * len(scores)
    for i, p in zip(known, adjusted, strict=True):
        p_values[i] = p
    return p_values


# ---------------------------------------------------------------- marks


def learns(row: Learning) -> bool | None:
    """Return whether the networks of most folds learnt their training clips; None if not measured."""
    return None if row.learnt is None else 2 * row.learnt.stuck < row.learnt.folds


def significant(adjusted: float | None) -> bool | None:
    """Return whether a score is better than guessing within subjects; None if not tested."""
    return None if adjusted is None else adjusted < SIGNIFICANT


def needs_motion(row: Learning) -> bool | None:
    """Return whether a score that beats guessing does so only with motion: its control does not beat guessing.

    None if the score does not, or if the control was not tested.
    """
    still = significant(row.control_adjusted)
    return not still if significant(row.adjusted) and still is not None else None


def marks(row: Learning) -> tuple[bool | None, bool | None, bool | None]:
    """Return whether it learns, beats guessing, and does so only with motion."""
    return learns(row), significant(row.adjusted), needs_motion(row)


def answer(row: Learning) -> str:
    """Return the marks in words, with the remark that all held-out clips are predicted as one class."""
    words = [phrases[mark] for phrases, mark in zip(_ANSWERS, marks(row), strict=True)]
    return "; ".join(filter(None, [*words, row.one_answer]))


def sentence(rows: Sequence[Learning]) -> str:
    """Return the marks of all rows, counted, in one sentence."""
    if not rows:
        return "Nothing has run yet."
    if len(rows) == 1:
        return f"The only experiment that ran {answer(rows[0]).replace('; ', ', ')}."
    fit, beat, fall = ([mark for mark in column if mark is not None] for column in zip(*map(marks, rows), strict=True))
    clauses = [f"{_share(fit)} experiments fit their training clips"] if fit else []
    clauses += [f"{_share(beat)} beat guessing on held-out clips"] if beat else []
    clauses += [f"{_share(fall)} of these do so only with motion"] if fall else []
    text = "; ".join(clauses) or "no score was tested"
    return f"{text[0].upper()}{text[1:]}."


def _share(which: Sequence[bool]) -> str:
    if len(which) > 1 and all(which):
        return "both" if len(which) == 2 else f"all {len(which)}"
    return f"{sum(which) or 'none'} of {len(which)}"


# ---------------------------------------------------------------- as data


def record(row: Learning) -> dict[str, Any]:
    """Return a row as data: full precision, None for what was not measured."""
    learnt = row.learnt
    return {
        "experiment": row.name,
        "leak_free": row.leak_free,
        "training_accuracy": learnt.accuracy if learnt else None,
        "training_loss": learnt.loss if learnt else None,
        "constant_loss": learnt.constant_loss if learnt else None,
        "largest_share": learnt.largest_share if learnt else None,
        "folds_measured": learnt.folds if learnt else 0,
        "folds_not_learnt": learnt.stuck if learnt else None,
        "folds_of_one_class": learnt.one_class if learnt else None,
        "causes": dict(learnt.causes) if learnt else {},
        "one_answer": row.one_answer,
        "uf1": row.score,
        "p_holm": row.adjusted,
        "no_motion_uf1": row.control,
        "no_motion_p_holm": row.control_adjusted,
        "metadata_uf1": row.metadata,
        "metadata_p_holm": row.metadata_adjusted,
        "answer": answer(row),
    }
