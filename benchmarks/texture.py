"""How much faster the sliding transform of Kumar et al. (2019) is than a 3D transform of every window.

python -m benchmarks.texture

Clips are random numbers, since their values do not affect the time. The texture maps, which both methods need, are
timed separately. Two times are given for the direct method: one transform per frame, as in the text, and one per
window, since near the ends of a clip and in short clips several frames share a window.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Sequence
from functools import partial

import numpy as np
from numpy.typing import NDArray

from benchmarks.options import parsed
from papers.kumar2019 import texture
from papers.kumar2019.experiments import Inputs

HEADING = "frames  windows    maps s  sliding s  direct s, per window  ratio  direct s, per frame  ratio"


def direct(maps: NDArray[np.uint8], places: Sequence[tuple[int, int]], cutoff: float) -> NDArray[np.float64]:
    """A_i of texture maps (n, height, width) by one 3D transform of all blocks for each of `places`, as in the text."""
    blocks = np.stack([texture.blocks(picture) for picture in maps], axis=1)
    values = []
    for start, stop in places:
        part = blocks[:, start:stop]
        axes = [np.fft.fftshift(np.fft.fftfreq(side, 1 / side)) for side in part.shape[1:]]
        time_bin, row, column = np.meshgrid(*axes, indexing="ij")
        passed = np.sqrt(time_bin**2 + row**2 + column**2) >= cutoff
        spectrum = np.fft.fftshift(np.fft.fftn(part, axes=(1, 2, 3)), axes=(1, 2, 3))
        values.append(np.abs(spectrum * passed).sum())
    return np.array(values)


def seconds(call: Callable[[], object], repeats: int) -> float:
    """The shortest time of `repeats` calls."""
    times = []
    for _ in range(repeats):
        begin = time.perf_counter()
        call()
        times.append(time.perf_counter() - begin)
    return min(times)


def line(count: int, size: int, ends: str, repeats: int) -> str:
    """The row of a clip of `count` frames of size x size pixels."""
    frames = np.random.default_rng(count).integers(0, 256, (count, size, size), np.uint8)
    maps = texture.texture_maps(frames)
    window, cutoff = Inputs.window, Inputs.cutoff
    windows = texture.windows(count, window, ends)
    once = sorted(set(windows))
    own = seconds(partial(texture.activity, maps, window, cutoff, ends), repeats)
    per_window, per_frame = (seconds(partial(direct, maps, places, cutoff), repeats) for places in (once, windows))
    return (
        f"{count:6}  {len(once):7}  {seconds(partial(texture.texture_maps, frames), repeats):8.2f}  {own:9.2f}  "
        f"{per_window:20.2f}  {per_window / own:5.1f}  {per_frame:19.2f}  {per_frame / own:5.1f}"
    )


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--frames", type=int, nargs="+", default=[70, 34])
    parser.add_argument("--size", type=int, default=224, help="pixels on either side of a frame")
    parser.add_argument("--repeats", type=int, default=2, help="repeats of every call; the shortest time counts")
    chosen = parsed(parser, arguments, frames=[20], size=64, repeats=1)
    for ends in texture.ENDS:
        print(f"windows {ends} at the ends of the clip", HEADING, sep="\n")
        for count in chosen.frames:
            print(line(count, chosen.size, ends, chosen.repeats), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
