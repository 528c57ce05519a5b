"""How often do 95% intervals contain the true score? And do detectable differences and equivalence mean what they say?

python -m benchmarks.coverage

Draws data sets from populations of subjects whose true scores are known, and computes 95% intervals of UF1, UAR and
accuracy by several methods. Subjects have equal or unequal numbers of clips, their errors are independent or
correlated, and classes may be rare. It also measures intervals that include retraining with other seeds, the power at
the detectable difference, and the test of equivalence. In other data sets a classifier is trained in real folds: there
it measures the intervals, and how often the tests of guessing and of differences raise a false alarm.

Each cell is stored when it is done; run the command again and it resumes. At the end the tables are printed. All of it
takes about twenty minutes on one core.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.coverage import cross_validated, measuring, results
from benchmarks.coverage.models import CORPORA, MODELS
from benchmarks.options import parsed
from common.seeds import seed_of

CORRELATED = MODELS[2]
"""The model of the cells on seeds and differences: unequal sizes, correlated errors."""
Cell = tuple[str, dict[str, Any], Callable[..., dict[str, Any]]]


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure the missing cells, write them one by one, and print the tables."""
    parser = argparse.ArgumentParser(
        prog="benchmarks.coverage", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--simulations", type=int, default=20_000, metavar="N", help="data sets of a cell")
    parser.add_argument("--resampled", type=int, default=4000, metavar="N", help="of these, data sets to bootstrap")
    parser.add_argument("--draws", type=int, default=999, metavar="N", help="draws of a bootstrap")
    parser.add_argument("--trained", type=int, default=1500, metavar="N", help="data sets of a cell with real folds")
    parser.add_argument("--results", type=Path, default=results.FILE, help="the file that is read and written")
    options = parsed(parser, arguments, simulations=20, resampled=10, draws=40, trained=5)
    if not options.short:
        return _run(options)
    with tempfile.TemporaryDirectory() as folder:  # the stored results are of more data sets
        options.results = Path(folder) / "results.json"
        return _run(options)


def _run(options: argparse.Namespace) -> int:
    stored = results.read(options.results, {name: getattr(options, name) for name in results.SIZES})
    for part, about, measure in _cells(options.simulations, options.resampled, options.draws, options.trained):
        if any(about.items() <= cell.items() for cell in stored[part]):
            continue
        random = np.random.default_rng(seed_of("coverage", part, *map(str, about.values())))
        stored[part].append({**about, **measure(random=random)})
        results.write(options.results, stored)
        print(part, *about.values(), flush=True)
    for table in results.TABLES:
        print(f"\n{table(stored)}")
    return 0


def _cells(count: int, resampled: int, draws: int, trained: int) -> Iterator[Cell]:
    """The part of the results, what names a cell in it, and the function that measures it."""
    for model in MODELS:
        for subjects in CORPORA:
            measure = partial(measuring.coverage, model, subjects, count, resampled, draws)
            yield "coverage", {"model": model.name, "subjects": subjects}, measure
    for together in (True, False):
        for subjects in (16, 68):
            for runs in (2, 3, 5):
                about = {"together": together, "subjects": subjects, "runs": runs}
                yield "seeds", about, partial(measuring.seeds, CORRELATED, subjects, runs, together, resampled)
    for subjects in (16, 24, 28, 68):
        yield (
            "differences",
            {"subjects": subjects},
            partial(measuring.differences, CORRELATED, subjects, resampled, resampled // 4 or 1),
        )
    for design in cross_validated.DESIGNS:
        for subjects in cross_validated.SUBJECTS:
            for effect in cross_validated.EFFECTS:
                folds = {"design": design.name, "subjects": subjects, "effect": effect}
                yield "cross_validated", folds, partial(cross_validated.measured, design, subjects, effect, trained)
            for effect in () if design.balanced else cross_validated.WEAK:
                folds = {"design": design.name, "subjects": subjects, "effect": effect}
                yield "retrained", folds, partial(cross_validated.retrained, design, subjects, effect, trained)


if __name__ == "__main__":
    sys.exit(main())
