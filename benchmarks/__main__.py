"""Run all benchmarks, one after another.

python -m benchmarks --short

With --short they run at tiny sizes, to check that they work: in a temporary folder and in this process, so that
TensorFlow is imported only a few times (benchmarks may still start processes themselves). Otherwise each benchmark has
its own process and writes to the current folder. The status is 1 if a benchmark fails; those that failed are listed.
"""

from __future__ import annotations

import argparse
import ast
import contextlib
import importlib
import os
import subprocess
import sys
import tempfile
import time
import traceback
from collections.abc import Sequence
from pathlib import Path

HERE = Path(__file__).parent


def available() -> list[str]:
    """The names of the benchmarks: the modules and packages next to this one that have a function `main`."""
    files = {path.stem: path for path in HERE.glob("*.py") if path != Path(__file__)}
    files |= {path.parent.name: path for path in HERE.glob("*/__main__.py")}
    return sorted(name for name, path in files.items() if _has_main(path))


def _has_main(path: Path) -> bool:
    body = ast.parse(path.read_text(encoding="utf-8")).body
    return any(isinstance(node, ast.FunctionDef) and node.name == "main" for node in body)


def short(name: str) -> int:
    """Run the short form of a benchmark in this process and return its status: 1, with a traceback, if it raises."""
    package = (HERE / name).is_dir()
    try:
        status: int = importlib.import_module(f"benchmarks.{name}{'.__main__' * package}").main(["--short"])
    except (Exception, SystemExit):
        traceback.print_exc()
        return 1
    return status


def _busy() -> float:
    """Processor seconds used by this process and by the ended processes that it started."""
    return sum(os.times()[:4])


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the benchmarks, each under a heading; status 1 if one fails."""
    parser = argparse.ArgumentParser(
        prog="benchmarks", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--only", nargs="+", choices=available(), default=available(), metavar="NAME")
    parser.add_argument("--short", action="store_true", help="tiny sizes, to check that all of them run")
    parser.add_argument("--cache", type=Path, metavar="DIR", help="with --short: a folder that may have stand-ins")
    chosen = parser.parse_args(arguments)
    failed = []
    cache = chosen.cache and chosen.cache.absolute()
    with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder if chosen.short else "."):
        if chosen.short and cache:
            cache.mkdir(parents=True, exist_ok=True)
            Path("standin-cache").symlink_to(cache)  # the default cache of all benchmarks
        for name in chosen.only:
            print(f"\n== {name}", flush=True)
            started, busy = time.perf_counter(), _busy()
            if chosen.short:
                status = short(name)
            else:
                status = subprocess.run([sys.executable, "-m", f"benchmarks.{name}"]).returncode
            seconds = f"{time.perf_counter() - started:.1f} s, {_busy() - busy:.1f} s of processor time"
            print(f"{name}: {f'failed ({status})' if status else 'done'}, {seconds}")
            failed += [name] * bool(status)
    print(f"\nfailed: {', '.join(failed)}" if failed else "\nall done")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
