"""Verify all bundles in results/ together: python -m benchmarks.verify_results. The exit status is that of --verify."""

from __future__ import annotations

import sys

import run_all
from common.environment import ROOT


def main() -> int:
    """Verify the bundles; 0 if there is none."""
    files = sorted((ROOT / "results").rglob("*.zip"))
    print(f"{len(files)} bundles in results/")
    return run_all.main(["--verify", *map(str, files)]) if files else 0


if __name__ == "__main__":
    sys.exit(main())
