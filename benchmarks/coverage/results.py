"""The results file, written after each cell, and the tables of the documentation."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.coverage.candidates import CHOSEN, METRICS
from benchmarks.coverage.measuring import EVERY
from benchmarks.coverage.models import CORPORA, MODELS
from common.files import write_json
from common.report.formatting import DASH
from common.scoring.intervals import FEW_SUBJECTS, FEW_WITH_CLASS, HIGH, WIDER, WIDER_DIFFERENCE

FILE = Path(__file__).with_name("results.json")
PARTS = ("coverage", "seeds", "differences", "cross_validated", "retrained")
SIZES = ("simulations", "resampled", "draws", "trained")
FACTORS = [round(WIDER, 4), WIDER_DIFFERENCE]
LOWEST, HIGHEST = 0.94, 0.96
"""The coverage that is as good as 95%."""
ENOUGH = 16
"""The number of subjects from which the methods are compared."""
LIMITS = {
    EVERY: "none",
    "subjects": f"fewer than {FEW_SUBJECTS} subjects",
    "class": f"a class with clips of fewer than {FEW_WITH_CLASS} subjects",
    "high": f"a score above {HIGH}",
}


def read(path: Path, sizes: Mapping[str, int]) -> dict[str, Any]:
    """The results of a file, or empty results if it does not exist or is of other numbers of data sets or draws.

    What was measured in real folds with other factors for cross-validated predictions is left out.
    """
    stored = read_all(path)
    if any(stored[name] != size for name, size in sizes.items()):
        return _empty(sizes)
    factors = {"factors": FACTORS, "cross_validated": [], "retrained": []}
    return stored if stored["factors"] == FACTORS else stored | factors


def _empty(sizes: Mapping[str, int]) -> dict[str, Any]:
    return {**sizes, "factors": FACTORS, **{part: [] for part in PARTS}}


def read_all(path: Path) -> dict[str, Any]:
    """The results of a file, or empty results of no data sets if it does not exist."""
    if not path.is_file():
        return _empty(dict.fromkeys(SIZES, 0))
    stored: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return {part: [] for part in PARTS} | stored


def write(path: Path, results: Mapping[str, Any]) -> None:
    """Write all results."""
    write_json(path, results)


# ---------------------------------------------------------------- tables


def _table(rows: Sequence[Sequence[str]]) -> str:
    head, *rest = rows
    return "\n".join(f"| {' | '.join(row)} |" for row in (head, ["---"] * len(head), *rest)) + "\n"


def _percent(part: float) -> str:
    return f"{100 * part:.1f}"


def _cells(results: Mapping[str, Any], method: str) -> Iterator[tuple[int, float, float]]:
    """Subjects, coverage and mean width of all cells of a method."""
    for cell in results["coverage"]:
        for name in METRICS:
            found = cell[name]["methods"][method]
            yield cell["subjects"], found["coverage"], found["width"]


def methods(results: Mapping[str, Any]) -> str:
    """A Markdown table: for each method the cells of `ENOUGH` subjects and more, by coverage."""
    names = list(results["coverage"][0][next(iter(METRICS))]["methods"]) if results["coverage"] else []
    rows = [["Method", "94% to 96%", "below 94%", "above 96%", "Lowest", "Highest", "Mean width"]]
    for name in names:
        cells = [(covered, width) for n, covered, width in _cells(results, name) if n >= ENOUGH]
        covered = [c for c, _ in cells]
        counts = (
            sum(LOWEST <= c <= HIGHEST for c in covered),
            sum(c < LOWEST for c in covered),
            sum(c > HIGHEST for c in covered),
        )
        shown = [name, *map(str, counts), _percent(min(covered)), _percent(max(covered))]
        shown.append(f"{sum(width for _, width in cells) / len(cells):.3f}")
        rows.append([f"**{text}**" for text in shown] if name == CHOSEN else shown)
    return _table(rows)


def cells(results: Mapping[str, Any], number: str = "coverage") -> str:
    """A Markdown table of the chosen method: coverage or mean width for UF1, UAR and accuracy by model and subjects."""
    by_cell = {(cell["model"], cell["subjects"]): cell for cell in results["coverage"]}
    rows = [["Model", *(f"{n} subjects" for n in CORPORA)]]
    for model in MODELS:
        row = [model.name]
        for subjects in CORPORA:
            cell = by_cell.get((model.name, subjects))
            values = [cell[name]["methods"][CHOSEN][number] for name in METRICS] if cell else []
            shown = [_percent(value) if number == "coverage" else f"{value:.2f}" for value in values]
            row.append(" / ".join(shown) or DASH)
        rows.append(row)
    return _table(rows)


def conditions(results: Mapping[str, Any]) -> str:
    """How many data sets and draws there are, and how far chance may move a percentage, in a sentence."""
    counts = [results[name] for name in SIZES[:2]]
    errors = [f"{100 * (0.95 * 0.05 / count) ** 0.5:.2f}" if count else DASH for count in counts]
    return (
        f"Each cell is measured on {counts[0]:,} data sets, bootstraps (of {results['draws']:,} draws) and the tables "
        f"on seeds and differences on {counts[1]:,}. The standard error of 95.0 is {errors[0]}, for these {errors[1]}."
    )


def beyond(results: Mapping[str, Any], limit: str) -> list[float]:
    """The coverage of each cell in most of whose data sets only this limit applies.

    Data sets are not taken apart by their score, since those with an unusual score are those with a large error. How
    many subjects have a class is known without the predictions: for it, the data sets count to which the limit applies.
    """
    found = []
    for cell in results["coverage"]:
        for name in METRICS:
            part = cell[name]["parts"].get(limit)
            if part and limit == "class":
                found.append(part["coverage"])
            elif part and 2 * part["count"] > results["simulations"]:
                found.append(cell[name]["methods"][CHOSEN]["coverage"])
    return found


def limits(results: Mapping[str, Any]) -> str:
    """A Markdown table: the lowest and highest coverage where one limit applies, and where none does."""
    rows = [["What applies", "Cells", "Lowest", "Highest"]]
    for limit, text in LIMITS.items():
        found = beyond(results, limit)
        rows.append([text, str(len(found)), *([_percent(min(found)), _percent(max(found))] if found else [DASH, DASH])])
    return _table(rows)


def seeds(results: Mapping[str, Any]) -> str:
    """A Markdown table: coverage and mean width for UF1 from one run, and with the runs of other seeds."""
    rows = [["Retraining changes", "Subjects", "Seeds", "One run", "Width", "All runs", "Width"]]
    for cell in results["seeds"]:
        who = "all subjects together" if cell["together"] else "each subject by itself"
        shown = [
            text
            for runs in ("one run", "all runs")
            for text in (_percent(cell[runs]["coverage"]), f"{cell[runs]['width']:.2f}")
        ]
        rows.append([who, str(cell["subjects"]), str(cell["runs"]), *shown])
    return _table(rows)


def differences(results: Mapping[str, Any]) -> str:
    """A Markdown table: how often the detectable difference is found, and how often methods are called equivalent."""
    rows = [["Subjects", "Detectable difference", "found", "none, but found"]]
    rows[0] += ["margin apart, but equivalent", "equal, and equivalent"]
    for cell in results["differences"]:
        shown = [_percent(cell[name]) for name in ("found", "found_at_none", "equivalent_at_margin")]
        rows.append([str(cell["subjects"]), f"{cell['detectable']:.3f}", *shown, _percent(cell["equivalent_at_none"])])
    return _table(rows)


def folds(results: Mapping[str, Any]) -> str:
    """A Markdown table of real folds: spread, and coverage with and without the factor, for UF1, UAR and accuracy."""
    rows = [["A fold tests", "Subjects", "UF1", "Spread", "Coverage without", "Coverage", "Width without", "Width"]]
    for cell in results["cross_validated"]:
        row = [cell["design"], str(cell["subjects"]), f"{cell['uf1']['true']:.2f}", _metrics(cell, "spread", "{:.2f}")]
        row += [_metrics(cell, name, "{:.1%}").replace("%", "") for name in ("coverage without", "coverage")]
        rows.append([*row, *(f"{cell['uf1'][name]:.2f}" for name in ("width without", "width"))])
    return _table(rows)


def _metrics(cell: Mapping[str, Any], number: str, form: str) -> str:
    return " / ".join(form.format(cell[name][number]) for name in METRICS)


def alarms(results: Mapping[str, Any]) -> str:
    """A Markdown table of real folds: how often each test finds, at 5% and 1%, what is not there."""
    rows = [["A fold tests", "Subjects", "UF1", "Guessing, without", "Guessing", "Spread", "Swaps, without", "Swaps"]]
    for cell in results["cross_validated"]:
        guess = cell.get("guess")
        largest = [max(sizes) for sizes in zip(*(guess[name] for name in METRICS), strict=True)] if guess else None
        row = [cell["design"], str(cell["subjects"]), f"{cell['uf1']['true']:.2f}"]
        row += [_pair(guess and guess["uf1 without"]), _pair(largest)]
        row += [f"{cell['swap']['spread']:.2f}", _pair(cell["swap"]["without"]), _pair(cell["swap"]["with"])]
        rows.append(row)
    return _table(rows)


def retraining(results: Mapping[str, Any]) -> str:
    """A Markdown table: how often both tests reject guessing at 5% and 1%, by what is to be learnt."""
    effects = sorted({cell["effect"] for cell in results["retrained"]})
    by_cell = {(cell["design"], cell["subjects"], cell["effect"]): cell for cell in results["retrained"]}
    about = ["nothing to learn" if not effect else "little to learn" for effect in effects]
    rows = [["A fold tests", "Subjects", *(f"{name}, {what}" for what in about for name in ("Swaps", "Retraining"))]]
    for design, subjects in dict.fromkeys(place[:2] for place in by_cell):
        cells = [by_cell.get((design, subjects, effect), {}) for effect in effects]
        shown = [_pair(cell.get(name)) for cell in cells for name in ("uf1 swaps", "uf1")]
        rows.append([design, str(subjects), *shown])
    return _table(rows)


def _pair(sizes: Sequence[float] | None) -> str:
    return " / ".join(map(_percent, sizes)) if sizes else DASH


def errors(results: Mapping[str, Any]) -> str:
    """How many data sets have real folds, and how far chance may move a percentage, in a sentence."""
    count = results["trained"]
    five, one = (f"{100 * (part * (1 - part) / count) ** 0.5:.1f}" if count else DASH for part in (0.05, 0.01))
    return (
        f"Each row is measured on {count:,} data sets; the standard error of 5.0 and 95.0 is {five}, that of 1.0 {one}."
    )


TABLES = (methods, cells, limits, seeds, differences, folds, alarms, retraining)
"""What the command prints."""
