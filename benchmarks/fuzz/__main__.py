"""Fuzzing: how does each reader of the suite handle thousands of damaged and hostile files?

python -m benchmarks.fuzz --cases 2000 --seed 0 --kind tables images
python -m benchmarks.fuzz --kind images --only 1234

Small files of every kind that may come from an untrusted source are written to a temporary folder, damaged as
determined by `--seed` and the number of the case, and read in a separate process. A case is read (and the result is as
its reader promises), refused with a one-line UserError or ClipError, or passed over (a result or cache entry that is
computed again). It is BROKEN if anything else is raised, the process dies, limits of time or memory are exceeded, a
file is written elsewhere, a program is started or a pickle is opened. The status is 1 if any case is broken.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

from benchmarks.fuzz import bundle_files, corpora_files, stored_files
from benchmarks.fuzz.damage import BROKEN, PASSED_OVER, READ, REFUSED, Case
from benchmarks.fuzz.process import Reader
from benchmarks.options import parsed

KINDS: dict[str, Callable[[Path], Case]] = {
    "tables": corpora_files.tables,
    "lists": corpora_files.lists,
    "images": corpora_files.images,
    "videos": corpora_files.videos,
    "results": stored_files.results,
    "cache": stored_files.cache,
    "weights": stored_files.weights,
    "landmarks": stored_files.landmarks,
    "bundles": bundle_files.bundles,
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Print a table, then the broken cases; status 1 if there are any."""
    parser = argparse.ArgumentParser(
        prog="benchmarks.fuzz", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--cases", type=int, default=1000, help="of each kind")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--kind", nargs="+", choices=list(KINDS), default=list(KINDS))
    parser.add_argument("--only", type=int, metavar="CASE", help="only this case")
    parser.add_argument("--seconds", type=float, default=10.0, help="maximum time of a case")
    parser.add_argument("--mib", type=float, default=512.0, help="maximum memory of a case")
    options = parsed(parser, arguments, cases=20)
    print(
        f"{'kind':<10}{'cases':>7}{'read':>7}{'refused':>9}{'passed over':>13}{'broken':>8}{'slowest s':>11}{'MiB':>7}"
    )
    faults = []
    for kind in options.kind:
        outcomes = []
        with Reader(KINDS[kind], options.seconds, options.mib) as reader:
            for number in range(options.cases) if options.only is None else [options.only]:
                outcomes.append(outcome := reader.run(f"{options.seed} {kind} {number}"))
                if outcome.what == BROKEN:
                    faults.append(f"--seed {options.seed} --kind {kind} --only {number}: {outcome.why}")
        counts = Counter(o.what for o in outcomes)
        print(
            f"{kind:<10}{len(outcomes):>7}{counts[READ]:>7}{counts[REFUSED]:>9}{counts[PASSED_OVER]:>13}"
            f"{counts[BROKEN]:>8}{max(o.seconds for o in outcomes):>11.2f}{max(o.mib for o in outcomes):>7.0f}",
            flush=True,
        )
    for line in faults:
        print(line)
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
