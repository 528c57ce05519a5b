"""What do the published protocols add where the truth is known? Experiments and their leak-free twins on stand-ins.

python -m benchmarks.leak_price

The experiments run with `run_all.py` in the profile quick, also on clips without motion. There are five subjects in a
corpus, so that leaving one out trains on as many clips as an 80/20 split, and nine clips of each subject, three of each
class, so that knowing a person says nothing about the class. Finished folds are stored in --out; run the command again
and it resumes. At the end the numbers are stored, and the figure of the documentation is drawn from them.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import papers
import run_all
from benchmarks.leak_price import results
from benchmarks.options import parsed
from common.environment import processor
from common.protocols.controls import NO_MOTION
from common.report import leak_price
from common.runs.results import Results

FIGURE = Path(__file__).resolve().parents[2] / "docs" / "pages" / "leak_price.svg"
REDDY = tuple(f"{kind}-{corpus}" for kind in ("stcnn", "intermediate", "late") for corpus in ("casme_sq", "smic"))
RUNS = (
    ("reddy2019", REDDY, "published", 5),
    ("talluri2022", ("split-model-splits",), "published", 1),
    ("aouayeb2019", ("composite-loso",), "cnn-once", 1),
)
"""Paper, experiments, their variant that is not leak-free, and seeds: fewer for networks that take longer to train."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run what is missing, store the numbers, draw the figure, and print the table."""
    parser = argparse.ArgumentParser(
        prog="benchmarks.leak_price", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    keys = [key for key, *_ in RUNS]
    parser.add_argument("--only", nargs="+", choices=keys, default=keys, metavar="KEY", help="only these papers")
    parser.add_argument("--out", type=Path, default=Path("leak-price"), help="folder of finished folds and reports")
    parser.add_argument("--results", type=Path, default=results.FILE, help="the file that is written")
    parser.add_argument("--figure", type=Path, default=FIGURE, help="the figure that is drawn")
    parser.add_argument("--cache", type=Path, default=Path("standin-cache"), help="folder for stand-ins and clips")
    parser.add_argument("--workers", type=int, default=2, help="training processes")
    parser.add_argument("--store", action="store_true", help="run nothing, store and draw what has finished")
    options = parsed(parser, arguments, only=["reddy2019"], workers=1)
    if not options.short:
        return _run(options, "quick", 5)
    with tempfile.TemporaryDirectory() as folder:  # the stored results are for other sizes
        for name, file in (("out", "out"), ("results", "results.json"), ("figure", "figure.svg")):
            setattr(options, name, Path(folder) / file)
        return _run(options, "smoke", 2)


def _run(options: argparse.Namespace, profile: str, subjects: int) -> int:
    limits = ["--profile", profile, "--subjects", str(subjects), "--folds", "99"]
    found = []
    for key, names, variant, seeds in RUNS:
        if key not in options.only:
            continue
        paper = papers.load(key)
        chosen = [pair for pair in leak_price.pairs(paper) if pair[0].name in names and pair[0].variant == variant]
        if options.short:
            chosen, seeds = chosen[:1], 1
        ids = [name for pair in chosen for e in pair for name in (e.id, f"{e.id}+{NO_MOTION}")]
        words = ["--paper", key, *limits, "--seeds", str(seeds), "--experiment", *ids, "--out", str(options.out)]
        words += ["--cache", str(options.cache), "--workers", str(options.workers)]
        if not options.store and (status := run_all.main(words)):
            return status
        stored = leak_price.prices([Results(options.out, paper, paper.profiles[profile], "stand-in", range(seeds))])
        found += [p for p in stored if (p.experiment, p.published) in {(e.name, e.variant) for e, _ in chosen}]
    about = {"processor": processor(), "date": datetime.now(UTC).date().isoformat(), "limits": " ".join(limits)}
    results.write(options.results, about, found)
    results.draw(found, options.figure)
    print(results.table(found))
    return 0


if __name__ == "__main__":
    sys.exit(main())
