"""How long dynamic images take compared with reading their frames from disk, clip by clip.

python -m benchmarks.dynamic_images --data DIR --corpus casme2 smic samm

Without --data it measures on stand-in corpora. Every clip is read once before it is timed, so that the system has its
files in memory: this is the worst case for the ratio.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from benchmarks.options import parsed
from common import corpora, standin
from common.corpora.marker import marked
from common.errors import UserError
from common.types import Clip
from common.vision import rank_pooling
from common.vision.images import read_frames

TIMES = 3
"""A clip's time is the shortest of this number of runs."""
HEADING = f"{'corpus':10s} {'clips':>5s} {'frames':>6s} {'size':>9s} {'reading':>10s} {'pooling':>10s} {'ratio':>7s}"


def seconds(do: Callable[[], object]) -> float:
    """The shortest of several runs."""
    durations = []
    for _ in range(TIMES):
        started = time.perf_counter()
        do()
        durations.append(time.perf_counter() - started)
    return min(durations)


def measure(clip: Clip) -> tuple[float, float, tuple[int, ...]]:
    """Seconds to read a clip's frames, seconds to pool them approximately, and their shape."""
    frames = read_frames(clip)
    return seconds(lambda: read_frames(clip)), seconds(lambda: rank_pooling.approximate(frames)), frames.shape


def main(arguments: Sequence[str] | None = None) -> int:
    """Print a line per corpus; the status is 1 if pooling is slower than reading."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, help="folder of licensed corpora; without it stand-ins")
    parser.add_argument("--corpus", nargs="+", choices=corpora.NAMES, default=["casme2", "smic", "samm"])
    parser.add_argument("--clips", type=int, default=4, help="of each corpus")
    parser.add_argument("--cache", type=Path, default=Path("standin-cache"), help="folder for the stand-ins")
    chosen = parsed(parser, arguments, clips=2)
    slower = False
    try:
        data = chosen.data or standin.ensure(chosen.cache, corpora=chosen.corpus, subjects=2, clips=2)
        roots = {name: root for name, root in corpora.find(data).items() if name in chosen.corpus}
        print(
            "stand-in corpora" if marked(data) or chosen.data is None else f"corpora in {data}",
            HEADING,
            sep="\n",
        )
        for name, root in roots.items():
            rows = [measure(clip) for clip in corpora.load(name, root, "cropped").clips[: chosen.clips]]
            reading, pooling = (1000 * float(np.mean([row[k] for row in rows])) for k in (0, 1))
            frames, (_, height, width, _) = np.mean([row[2][0] for row in rows]), rows[0][2]
            slower |= pooling > reading
            size = f"{width}x{height}"
            line = f"{name:10s} {len(rows):5d} {frames:6.0f} {size:>9s} {reading:7.1f} ms {pooling:7.1f} ms"
            print(line, f"{pooling / reading:7.2f}", flush=True)
    except UserError as error:
        print(error, file=sys.stderr)
        return 2
    return int(slower and not chosen.short)


if __name__ == "__main__":
    sys.exit(main())
