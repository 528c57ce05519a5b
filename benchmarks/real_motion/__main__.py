"""What does each network recognise when synthetic faces move as real ones did?

python -m benchmarks.real_motion --maps DIR

The networks of all papers, and references, are trained on stand-ins of all 442 clips of the MEGC 2019 composite. Each
clip moves as its public flow map shows (see the page on corpora), so that classes, subjects and motion are those of
real micro-expressions; faces, timing, drift and noise are not. At a motion of 1, faces move as far as in
micro-expressions, at 3 three times as far, and at 0 no expression moves them. In five folds, subjects are tested by
networks that were trained on others.

Each result is stored when it is done; run the command again and it resumes. At the end the table and the figure of the
documentation are written from the stored file. All networks take some nine hours on two cores, by the estimates in
`benchmarks/real_motion/systems.py`.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from benchmarks.learning.cells import Order, each_measured, truth
from benchmarks.learning.systems import Size
from benchmarks.options import parsed
from benchmarks.real_motion import results
from benchmarks.real_motion.drawing import draw, table
from benchmarks.real_motion.systems import MOTIONS, SIZE, SYSTEMS, motions
from common.errors import WRONG, UserError
from common.files import write_json
from common.progress import Display
from common.runs.processes import Pool
from common.standin import real_motion

FIGURE = Path(__file__).resolve().parents[2] / "docs" / "pages" / "real_motion.svg"


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure the missing cells, write them one by one, draw the figure, and print the table."""
    parser = argparse.ArgumentParser(
        prog="benchmarks.real_motion", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    known = [system.name for system in SYSTEMS]
    parser.add_argument("--maps", type=Path, metavar="DIR", help="folder with the public flow maps")
    parser.add_argument("--systems", nargs="+", choices=known, default=known, metavar="NAME", help="only these")
    parser.add_argument("--motions", nargs="+", type=float, choices=MOTIONS, default=MOTIONS, metavar="FACTOR")
    parser.add_argument("--seeds", type=int, default=1, help="sets of faces, each with training of its own")
    parser.add_argument("--results", type=Path, default=results.FILE, help="the file that is read and written")
    parser.add_argument("--figure", type=Path, default=FIGURE, help="the figure that is drawn from it")
    parser.add_argument("--cache", type=Path, default=Path("standin-cache"), help="folder for stand-ins and clips")
    parser.add_argument("--workers", type=int, default=1, help="processes; each trains one network at a time")
    parser.add_argument("--draw", action="store_true", help="measure nothing, only score and draw what is stored")
    quick = [system.name for system in SYSTEMS if system.reads]
    options = parsed(parser, arguments, systems=quick, motions=MOTIONS[:1])
    if not (options.maps or options.draw or options.short):
        parser.error("name the folder with the public flow maps: --maps DIR")
    try:
        if not options.short:
            return _run(options, SIZE)
        with tempfile.TemporaryDirectory() as folder:  # the stored results are for all clips
            options.results, options.figure = Path(folder) / "results.json", Path(folder) / "figure.svg"
            return _run(options, Size(subjects=2, clips=3, folds=2))
    except UserError as error:
        print(error, file=sys.stderr)
        return WRONG


def _run(options: argparse.Namespace, size: Size) -> int:
    maps = options.maps and options.maps.absolute()
    stored = results.read(options.results, real_motion.read(maps).digest if maps else None)
    if not options.draw:
        with Pool(options.workers) as pool, Display() as display:
            for motion in [motion for motion in MOTIONS if motion in options.motions]:
                orders = [
                    Order(system, motion, seed, size, options.cache.absolute(), maps)
                    for system in SYSTEMS
                    for seed in range(options.seeds)
                    if system.name in options.systems and motion in motions(system)
                    if seed not in results.runs_of(stored, system, motion)
                ]
                for run in each_measured(orders, pool, display):
                    stored = results.with_run(stored, run, stored["clips"] or truth(orders[0]))
                    write_json(options.results, stored)
    stored = results.rescored(stored)  # tests and intervals may have changed since
    if stored["runs"]:
        write_json(options.results, stored)
        draw(stored, options.figure)
    print(table(stored))
    return 0


if __name__ == "__main__":
    sys.exit(main())
