"""Verify all bundles in this folder together, or list the source code of this version.

python -m results
python -m results --release

The first command ends with the status of `run_all.py --verify`. The second writes the entry of the current version in
common/bundles/released.json and does not change those of other versions.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import papers
import run_all
from common.bundles import archive, released
from common.files import write_json

HERE = Path(__file__).parent


def digests() -> dict[str, str]:
    """The digest of the source code of each paper, as it is now."""
    return {key: released.sources_digest(papers.code(key)) for key in papers.available()}


def main(arguments: Sequence[str] | None = None) -> int:
    """Verify the bundles, or with --release write the digests; returns the exit status."""
    parser = argparse.ArgumentParser(
        prog="results", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--release", action="store_true", help="write the digests of the current version")
    if parser.parse_args(arguments).release:
        known = dict(released.read()) if released.FILE.is_file() else {}
        write_json(released.FILE, known | {released.current(): digests()})
        return 0
    files = archive.bundles_in(HERE)
    print(f"bundles in results/: {len(files)}")
    return run_all.main(["--verify", *map(str, files)]) if files else 0


if __name__ == "__main__":
    sys.exit(main())
