"""Compare the networks and data steps of the five papers with a second definition; plant faults that must be noticed.

python -m fidelity            everything, at full size and at the smallest
python -m fidelity --short    only the smallest sizes
python -m fidelity --save     everything, and write fidelity/results.json, from which the docs are made

The exit status is 1 if anything is out of tolerance or a planted fault is not noticed.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the comparisons and print their tables. Returns the exit status."""
    parser = argparse.ArgumentParser(
        prog="fidelity", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--short", action="store_true", help="only the smallest sizes")
    parser.add_argument("--save", action="store_true", help="write fidelity/results.json; not with --short")
    parser.add_argument("--only", nargs="+", metavar="NAME", default=(), help="only these networks and data steps")
    options = parser.parse_args(arguments)
    if options.save and (options.short or options.only):
        parser.error("--save needs all comparisons: leave out --short and --only")

    from fidelity import results, run  # imports TensorFlow, which the process for PyTorch must not

    began = time.perf_counter()
    found = run.everything(short=options.short, only=options.only, say=lambda line: print(line, flush=True))
    for line in results.summary(found):
        print(line)
    if options.save:
        results.write(found, time.perf_counter() - began)
    return 0 if results.holds(found) else 1


if __name__ == "__main__":
    sys.exit(main())
