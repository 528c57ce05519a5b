"""What does a full study cost? Each network is trained at its paper's own settings for about a quarter of an hour.

python -m benchmarks.full_study

The stand-ins are as large as the real corpora. A few clips of each network's first fold are trained for two epochs, to
measure the time per clip and epoch. Then the whole fold is trained for as many epochs as fit into `--minutes`, or for
all epochs of the paper; if not even two epochs fit, two epochs are trained on as many clips as fit. Networks that start
from trained weights start from random ones here, which costs the same. Finally the folds and clips of all experiments
are counted, from which `common.runs.cost` estimates their hours.

Each network is stored when it is done; run the command again and it resumes. The minutes do not include preparing the
clips.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import papers
from benchmarks.full_study.counting import counted
from benchmarks.full_study.drawing import draw
from benchmarks.full_study.measuring import measured
from benchmarks.full_study.results import CASES, FILE, read, table
from benchmarks.options import parsed
from benchmarks.prepared import of_paper
from common.contract import Profile
from common.files import write_json
from common.progress import Display
from common.runs.cache import Cache
from common.runs.processes import Pool
from common.training.weights import NONE, Weights

KEYS = papers.available()
FIGURE = Path(__file__).resolve().parents[2] / "docs" / "pages" / "full_study.svg"


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure the networks that are not stored yet, one by one, and print the table."""
    parser = argparse.ArgumentParser(
        prog="benchmarks.full_study", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--only", nargs="+", choices=CASES, default=[*CASES], metavar="NAME", help="only these networks"
    )
    parser.add_argument("--count", nargs="*", choices=KEYS, default=KEYS, metavar="KEY", help="papers that are counted")
    parser.add_argument("--minutes", type=float, default=15.0, help="maximum training time of each network")
    parser.add_argument("--results", type=Path, default=FILE, help="the file that is read and written")
    parser.add_argument("--figure", type=Path, default=FIGURE, help="the SVG file of the curves")
    parser.add_argument("--cache", type=Path, default=Path("standin-cache"), help="folder for stand-ins and clips")
    parser.add_argument("--workers", type=int, default=2, help="processes that prepare clips")
    options = parsed(parser, arguments, only=["FuseNet late"], count=["kumar2019"], minutes=0.0, workers=1)
    if not options.short:
        return _run(options, _whole)
    with tempfile.TemporaryDirectory() as folder:  # the stored results are for other sizes
        options.results, options.figure = Path(folder) / "results.json", Path(folder) / "full_study.svg"
        return _run(options, lambda full: replace(_whole(full), subjects=2, clips=2))


def _whole(full: Profile) -> Profile:
    """The profile `paper`, without weights that require a download."""
    if "weights" not in full.settings.values():
        return full
    return replace(full, settings=full.settings.having({"weights": Weights(NONE)}))


def _run(options: argparse.Namespace, profile: Callable[[Profile], Profile]) -> int:
    results = read(options.results)
    cache = Cache(options.cache.absolute())
    with Pool(options.workers) as pool, Display() as display:
        for network, (paper, experiment) in CASES.items():
            if network not in options.only or network in results["networks"]:
                continue
            bench = of_paper(paper, experiment, cache, profile)
            display.line(f"{network}: preparing clips")
            seconds = bench.make_ready(pool)
            display.line(f"{network}: training")
            record = measured(bench, 60 * options.minutes)
            record["preparing_seconds_per_clip"] = round(seconds / record["clips"], 4) if seconds else None
            results["networks"][network] = {"paper": paper, "experiment": experiment, **record}
            write_json(options.results, results)
        for key in options.count:
            display.line(f"{key}: counting folds and clips")
            results["experiments"][key] = counted(key, cache, profile)
            write_json(options.results, results)
    draw(results["networks"], options.figure)
    print(table(results["networks"]))
    return 0


if __name__ == "__main__":
    sys.exit(main())
