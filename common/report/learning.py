"""Does it learn? The first page of a report: a row of numbers per experiment, an answer in words, a summary.

The words follow from the numbers only. A network that learns predicts its training clips better than by chance; one
that recognises anything is better than guessing on unseen subjects; one that recognises motion falls to chance without
it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from statistics import fmean
from typing import Any

from common.contract import Paper
from common.report.formatting import DASH, how_many, interval, many, number, percent, probability, short
from common.report.records import Learning, Report
from common.report.reliability_tables import SIGNIFICANT, twin_differences
from common.scoring.records import Comparison, Score
from common.scoring.statistics import holm
from common.scoring.verdicts import ONE_ANSWER, one_answer, parts
from common.training.learnt import Learnt, summary
from common.types import FoldResult

METRIC = "uf1"
BRIEF_FROM = 9
"""A table with this many rows or more has answers without numbers, so that a row is a line."""
_EXPLICIT = 2
_FAINT = 1e-3
"""A gradient with a norm below this counts as none."""


# ---------------------------------------------------------------- rows


def of_paper(
    paper: Paper,
    results: Mapping[str, Sequence[FoldResult]],
    comparisons: Sequence[Comparison],
) -> tuple[Learning, ...]:
    """Return one row for each experiment that ran; `results` are finished folds by experiment id."""
    scored = {(c.experiment, c.variant, c.corpus): c for c in comparisons if c.metric == METRIC}
    rows = []
    for e in paper.experiments:
        if results.get(e.id):
            row = scored.get((e.name, e.variant, parts(e)[0][0]))
            rows.append(
                Learning(
                    name=e.id,
                    leak_free=e.leak_free,
                    learnt=summary(results[e.id], one_answer(results[e.id])),
                    score=row.score if row else None,
                    control=row.control if row else None,
                    metadata=row.metadata if row else None,
                )
            )
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


# ---------------------------------------------------------------- in words


def learns(learnt: Learnt | None) -> bool | None:
    """Return whether the networks of most folds learnt their training clips; None if not measured."""
    return None if learnt is None else 2 * learnt.stuck < learnt.folds


def significant(adjusted: float | None) -> bool | None:
    """Return whether a score is better than guessing within subjects; None if not tested."""
    return None if adjusted is None else adjusted < SIGNIFICANT


def within_reach(row: Learning) -> bool:
    """Return whether the control's score lies in the interval of the score, or above it."""
    if row.score is None or row.control is None:
        return False
    return row.control.value >= (row.score.value if row.score.low is None else row.score.low)


def answer(row: Learning, brief: bool = False) -> str:
    """Return what a row's numbers mean in plain words; `brief`: without numbers, on one line."""
    can, beats = learns(row.learnt), significant(row.adjusted)
    where = "unseen subjects" if row.leak_free else "held-out clips"
    numbers = f": {'; '.join(measured(row.learnt))}" if row.learnt and not can and not brief else ""
    if can is False:
        sentence = f"Better than guessing, but hardly learns{numbers}" if beats else f"Does not learn{numbers}"
    elif beats:
        sentence = _rests_on(row, "Learns" if can else "Better than guessing", where, brief)
    elif can:
        sentence = f"Learns the training clips{'' if beats is None else f' but not {where}'}"
        sentence += "; not tested against guessing" if beats is None and not brief else ""
    else:
        sentence = "Not measured" if beats is None else f"No better than guessing on {where}"
    if row.one_answer:
        known = {True: "; learns the training clips", False: "; does not learn", None: ""}[can]
        remark = row.one_answer.capitalize()
        sentence = remark.partition(",")[0] + known if brief else f"{sentence}. {remark}"
    if row.score is not None and not row.leak_free:
        sentence += " (not leak-free)" if brief else ". Its score is not leak-free"
    if row.score is not None and row.score.n_folds_done < row.score.n_folds and not brief:
        sentence += f". {row.score.n_folds_done} of {row.score.n_folds} folds are done"
    return f"{sentence}."


def _rests_on(row: Learning, start: str, where: str, brief: bool) -> str:
    """What a score that is better than guessing depends on, as far as a control shows."""
    if row.control is None:
        return f"Learns; better than guessing on {where}" if start == "Learns" else f"{start} on {where}"
    if significant(row.control_adjusted) and within_reach(row):
        other = "else" if brief else "other than motion"
        return f"Uses something {other}: the control scores as high"
    if significant(row.control_adjusted):
        return f"Uses more than motion{'' if brief else ': the control is better than guessing too'}"
    if within_reach(row):
        return f"{start}{'' if brief else f' on {where}'}; the score of the control lies in its interval"
    if row.control_adjusted is None:
        return f"{start}; scores lower without motion"
    return f"{start}; falls to chance without motion"


def measured(learnt: Learnt) -> list[str]:
    """Return what was measured of networks that did not learn, one phrase each."""
    phrases = []
    if learnt.one_class:
        folds = "" if learnt.one_class == learnt.folds else f" in {learnt.one_class} of {learnt.folds} folds"
        phrases.append(f"predicts one class for every training clip{folds}")
    phrases.append(f"loss {number(learnt.loss, 2)}, constant predictions {number(learnt.constant_loss, 2)}")
    for name, value in learnt.causes.items():
        kind, _, model = name.partition(" ")
        of = f" of {model}" if model else ""
        if kind == "dead_units":
            phrases.append(f"{percent(value, 1)} of units{of} dead")
        elif value < _FAINT:
            phrases.append(f"no gradient{of} (norm below {short(_FAINT)})")
    return phrases


# ---------------------------------------------------------------- the summary


def sentences(report: Report) -> list[str]:
    """Return a few sentences: the scores of published variants, of their leak-free twins and of controls."""
    rows = report.learning
    if not rows:
        return [*motion(report.motion), "Nothing has run yet."]
    about = [*_twins(report), _controls(rows), *guessed(rows, {row.name: row.name for row in rows})]
    constant = [row.name for row in rows if row.one_answer]
    names = f"{', '.join(constant[:3])}{', …' if len(constant) > 3 else ''}: {ONE_ANSWER}." if constant else ""
    return [line for line in (_counted(rows, "experiment"), names, *about, *motion(report.motion)) if line]


def _counted(rows: Sequence[Learning], noun: str) -> str:
    known = [bool(learns(row.learnt)) for row in rows if row.learnt]
    tested = [bool(significant(row.adjusted)) for row in rows if row.adjusted is not None]
    clauses = []
    if known:
        clauses.append(how_many(known, noun, "learnt the training clips", "did not learn the training clips"))
    if tested:
        better = "better than guessing in UF1 (p below 0.05 after Holm's correction)"
        noun = noun if len(tested) == len(rows) else f"tested {noun}"
        clauses.append(
            how_many(tested, noun, f"scored significantly {better}", f"did not score significantly {better}")
        )
    if not clauses:
        return "Nothing was measured on training clips, and no score was tested."
    return "; ".join([clauses[0], *(clause[0].lower() + clause[1:] for clause in clauses[1:])]) + "."


def _twins(report: Report) -> list[str]:
    """Published variants and their twins: each pair, or a count if there are many, and the mean difference."""
    rows = {row.name: row for row in report.learning if row.score}
    pairs = [
        (rows[published], rows[e.id])
        for e in report.paper.experiments
        if e.twin_of and e.leak_free and e.id in rows and (published := f"{e.name}/{e.twin_of}") in rows
    ]
    if not pairs:
        shown = [f"{row.name} scored {_scored(row)}" for row in list(rows.values())[:_EXPLICIT]]
        none = "no published variant ran together with its leak-free twin"
        none = "all experiments that ran are leak-free" if all(row.leak_free for row in rows.values()) else none
        return [f"{'; '.join(shown)}; {none}."] if shown else []
    differences = twin_differences(report, pairs)
    apart = [value for value, _ in differences if value is not None]
    shared = "" if all(alike for _, alike in differences) else " on the clips that both test"
    where = ["" if alike else ", on other clips," for _, alike in differences]
    clauses = [
        f"{reading.name} scored {_scored(reading)}, its leak-free twin{other} {_scored(twin)}"
        for (reading, twin), other in zip(pairs, where, strict=True)
        if len(pairs) <= _EXPLICIT
    ]
    if not apart:
        return [f"{'; '.join([*clauses, 'other clips were tested without leaks, so that nothing is compared'])}."]
    if len(pairs) > _EXPLICIT:
        more = sum(difference > 0 for difference in apart)
        clauses.append(
            "the published variant scored a higher UF1 than its leak-free twin in "
            f"{more or 'none'} of {len(apart)} pairs"
        )
    gain = fmean(apart)
    names = {(reading.name, twin.name) for reading, twin in pairs}
    clear = sum(test.adjusted < SIGNIFICANT for test in report.tests if (test.first, test.second) in names)
    tests = sum((test.first, test.second) in names for test in report.tests)
    size, average = number(abs(gain), 2), (" on average" if len(apart) > 1 else "") + shared
    if gain <= 0:
        lower = f"{size} lower" if gain else "the same"
        clauses.append(f"training on tested subjects did not raise UF1 ({lower}{average})")
    else:
        meaning = "which may be chance" if tests else "not tested for significance"
        meaning = f"significant in {clear} of {many(tests, 'paired test')}" if clear else meaning
        clauses.append(f"training on tested subjects raised UF1 by {size}{average}, {meaning}")
    text = "; ".join(clauses)
    return [f"{text[0].upper()}{text[1:]}." if len(pairs) > _EXPLICIT else f"{text}."]


def _scored(row: Learning) -> str:
    score = row.score
    if score is None:
        return DASH
    p = "" if score.p is None else f", p {probability(score.p)}"
    control = "" if row.control is None else f", without motion {number(row.control.value, 2)}"
    known = "" if row.metadata is None else f", from metadata {number(row.metadata.value, 2)}"
    picks = "" if score.picks is None else f", guesses picked as often {number(score.picks, 2)}"
    return f"UF1 {number(score.value, 2)} (chance {number(score.chance, 2)}{picks}{p}{control}{known})"


def _controls(rows: Sequence[Learning]) -> str:
    tried = [row for row in rows if row.control]
    if not tried:
        return "No control without motion has run (--controls): whether a score depends on motion was not tested."
    still = [row.name for row in tried if significant(row.control_adjusted)]
    unsure = [row.name for row in tried if significant(row.adjusted) and within_reach(row) and row.name not in still]
    names = "" if not still else f" ({', '.join(still[:3])}{', …' if len(still) > 3 else ''})"
    which = [significant(row.control_adjusted) or False for row in tried]
    sentence = how_many(
        which,
        "control",
        "without motion scored better than guessing",
        "without motion did not score better than guessing",
    )
    if still:
        return f"{sentence}{names}: these networks use something other than motion."
    if unsure:
        names = f"{', '.join(unsure[:3])}{', …' if len(unsure) > 3 else ''}"
        return f"{sentence}; the score of the control lies in the 95% interval of the score, or above it, in {names}."
    if any(significant(row.adjusted) for row in tried):
        return f"{sentence}: scores that are better depend on motion."
    return f"{sentence}, and neither did any experiment with motion."


def guessed(rows: Sequence[Learning], titles: Mapping[str, str]) -> list[str]:
    """Return a sentence on whether classes can be guessed from metadata, if that was tested; `titles` by row."""
    tested = [row for row in rows if row.metadata_adjusted is not None]
    which = [bool(significant(row.metadata_adjusted)) for row in tested]
    if not tested:
        return []
    better = "better than guessing"
    sentence = how_many(which, "metadata classifier", f"scored {better}", f"did not score {better}")
    if not any(which):
        return [f"{sentence}."]
    names = [titles[row.name] for row, found in zip(tested, which, strict=True) if found]
    shown = "" if all(which) else f" ({'; '.join(names[:3])}{'; …' if len(names) > 3 else ''})"
    return [f"{sentence}{shown}: the length, brightness or other metadata of a clip reveal its class without motion."]


def motion(factor: float) -> list[str]:
    """Return a sentence on how far the faces of stand-ins move, if that is not as far as in micro-expressions."""
    if factor == 1:
        return []
    if factor == 0:
        return ["Faces do not move in this run: nothing can be learnt from motion."]
    return [f"Faces move {short(factor)} times as far in this run as in micro-expressions."]


# ---------------------------------------------------------------- as strings, and as data


def cells(row: Learning) -> dict[str, Any]:
    """Return a row's numbers as strings; a dash if not measured."""
    score, control, known = row.score, row.control, row.metadata
    return {
        "name": row.name,
        "training": number(row.learnt.accuracy if row.learnt else None, 2),
        "uf1": number(score.value if score else None, 3),
        "interval": interval(score.low, score.high, 2) if score else DASH,
        "p": probability(score.p if score else None),
        "holm": probability(row.adjusted),
        "chance": number(score.chance if score else None, 3),
        "picks": number(score.picks if score else None, 3),
        "control": number(control.value if control else None, 3),
        "control_holm": probability(row.control_adjusted),
        "metadata": number(known.value if known else None, 3),
        "metadata_holm": probability(row.metadata_adjusted),
        "above": bool(significant(row.adjusted)),
        "control_above": bool(significant(row.control_adjusted)),
        "metadata_above": bool(significant(row.metadata_adjusted)),
    }


def table(rows: Sequence[Learning]) -> list[dict[str, Any]]:
    """Return all rows as strings with their answers, which are brief if there are many."""
    return [cells(row) | {"answer": answer(row, brief=len(rows) >= BRIEF_FROM)} for row in rows]


def record(row: Learning) -> dict[str, Any]:
    """Return a row as data: full precision, None for what was not measured."""
    learnt, score, control = row.learnt, row.score, row.control
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
        "uf1": score,
        "p_holm": row.adjusted,
        "no_motion_uf1": control,
        "no_motion_p_holm": row.control_adjusted,
        "metadata_uf1": row.metadata,
        "metadata_p_holm": row.metadata_adjusted,
        "answer": answer(row),
    }
