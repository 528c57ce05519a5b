"""What can each network see? A benchmark with a known answer: stand-ins whose faces move more and more.

python -m benchmarks.learning

The networks of all papers, and three references that belong to no paper, are trained on stand-ins of the MEGC 2019
composite at several motions: 0 (faces are still), 1 (as far as in micro-expressions) and more. People, clips, lengths
and all movement other than the expression are the same at every motion, each subject shows each class equally often,
and subjects are tested by networks that were trained on others. A score better than guessing can therefore only come
from the expression.

Each cell is stored when it is done; run the command again and it resumes. At the end the table and the figure of the
documentation are written from the stored file. Use --only for single networks; all of them take hours on two cores.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from benchmarks.learning import results
from benchmarks.learning.cells import Order, made_ready, measured, truth
from benchmarks.learning.drawing import draw, table
from benchmarks.learning.systems import SYSTEMS, Size
from benchmarks.options import parsed
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
    parser.add_argument("--motions", nargs="+", type=float, default=results.MOTIONS, metavar="FACTOR")
    parser.add_argument("--results", type=Path, default=results.FILE, help="the file that is read and written")
    parser.add_argument("--figure", type=Path, default=FIGURE, help="the figure that is drawn from it")
    parser.add_argument("--cache", type=Path, default=Path("standin-cache"), help="folder for stand-ins and clips")
    parser.add_argument("--workers", type=int, default=2, help="processes; a cell is measured in one of them")
    parser.add_argument("--draw", action="store_true", help="measure nothing, draw what is stored")
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
            for motion in options.motions:
                orders = [
                    Order(system, motion, size, options.cache.absolute())
                    for system in systems
                    if results.cell(stored, system, motion) is None
                ]
                for order in orders:
                    display.line(f"motion {motion:g}: preparing clips for {order.system.label}")
                    made_ready(order, pool)
                for record in pool.finished([pool.start(measured, order) for order in orders]):
                    stored["clips"] = stored["clips"] or truth(orders[0])
                    same = (record["system"], record["motion"])
                    kept = [cell for cell in stored["cells"] if (cell["system"], cell["motion"]) != same]
                    stored["cells"] = [*kept, record]
                    results.write(options.results, stored)
                    display.line(f"motion {motion:g}: {record['system']}, {record['seconds']:.0f} s")
    rows = results.rows(stored)
    if rows:
        draw(rows, options.figure)
    print(table(rows))
    return 0


if __name__ == "__main__":
    sys.exit(main())
