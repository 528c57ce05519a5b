"""What can each network see? A benchmark with a known answer: stand-ins whose faces move more and more.

python -m benchmarks.learning

The networks of all papers, and three references that belong to no paper, are trained on stand-ins of the MEGC 2019
composite at several motions: 0 (faces are still), 1 (as far as in micro-expressions) and more. People, clips, lengths
and all movement other than the expression are the same at every motion, each subject shows each class equally often,
and subjects are tested by networks that were trained on others. A score better than guessing can therefore only come
from the expression. At motion 0, where every score is a matter of luck, each network is measured on five sets of
stand-ins with other people and clips.

Each result is stored when it is done; run the command again and it resumes. At the end the table and the figure of the
documentation are written from the stored file. Use --only for single networks; all of them take hours on two cores.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from benchmarks.learning import results
from benchmarks.learning.cells import Order, each_measured, truth
from benchmarks.learning.drawing import draw, table
from benchmarks.learning.systems import MOTIONS, SYSTEMS, Size, seeds
from benchmarks.options import parsed
from common.files import write_json
from common.progress import Display
from common.runs.processes import Pool

FIGURE = Path(__file__).resolve().parents[2] / "docs" / "pages" / "learning.svg"


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure the missing cells, write them one by one, draw the figure, and print the table."""
    parser = argparse.ArgumentParser(
        prog="benchmarks.learning", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    known = [system.name for system in SYSTEMS]
    parser.add_argument("--only", nargs="+", choices=known, default=known, metavar="NAME", help="only these systems")
    parser.add_argument("--motions", nargs="+", type=float, default=MOTIONS, metavar="FACTOR")
    parser.add_argument("--results", type=Path, default=results.FILE, help="the file that is read and written")
    parser.add_argument("--figure", type=Path, default=FIGURE, help="the figure that is drawn from it")
    parser.add_argument("--cache", type=Path, default=Path("standin-cache"), help="folder for stand-ins and clips")
    parser.add_argument("--workers", type=int, default=2, help="processes; each trains one network at a time")
    parser.add_argument("--draw", action="store_true", help="measure nothing, only score and draw what is stored")
    few = [system.name for system in SYSTEMS if system.reads]
    options = parsed(parser, arguments, only=few, motions=[4.0], workers=1)
    if not options.short:
        return _run(options, Size())
    with tempfile.TemporaryDirectory() as folder:  # the stored results are for other sizes
        options.results, options.figure = Path(folder) / "results.json", Path(folder) / "learning.svg"
        return _run(options, Size(subjects=2, clips=3, folds=2))


def _run(options: argparse.Namespace, size: Size) -> int:
    stored = results.read(options.results, size)
    systems = [system for system in SYSTEMS if system.name in options.only]
    if not options.draw:
        with Pool(options.workers) as pool, Display() as display:
            for motion, seed in [(factor, seed) for factor in options.motions for seed in seeds(factor)]:
                orders = [
                    Order(system, motion, seed, size, options.cache.absolute())
                    for system in systems
                    if motion in system.motions and seed not in results.runs_of(stored, system, motion)
                ]
                for run in each_measured(orders, pool, display):
                    if str(seed) not in stored["clips"]:
                        stored["clips"][str(seed)] = truth(orders[0])
                    stored = results.with_run(stored, run)
                    write_json(options.results, stored)
    stored = results.rescored(stored)  # tests and intervals may have changed since
    rows = results.rows(stored)
    if rows:
        write_json(options.results, stored)
        draw(rows, options.figure)
    print(table(rows))
    return 0


if __name__ == "__main__":
    sys.exit(main())
