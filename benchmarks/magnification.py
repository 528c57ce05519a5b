"""Time and memory of motion magnification compared with a plain NumPy port of the reference, on synthetic frames.

python -m benchmarks.magnification

The port works like public ports: it processes the clip frame by frame, builds the whole Laplacian pyramid in YIQ and
float64 with a separable binomial kernel, keeps the state of the temporal filter for every pixel of every level, and
reconstructs every frame. Each side runs in its own process, so that the memory of one does not count for the other. The
status is 1 if the two results differ by more than `TOLERANCE` grey levels, or if a bound of time or memory is missed.
"""

from __future__ import annotations

import argparse
import math
import multiprocessing
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.options import parsed
from common.environment import peak_memory_mib
from common.vision.magnification import Magnification, amplification, magnify

Array = NDArray[np.float64]
Frames = NDArray[np.uint8]
Size = tuple[int, int, int]

TOLERANCE = 1
"""In grey levels: float32 and float64 may round to different neighbours."""
FASTER, MEMORY = 5.0, 3.0
"""The bounds: minimum speed relative to the port, and maximum memory relative to the clip in float32."""
SETTINGS = Magnification(alpha=10, wavelength=16, low_hz=0.5, high_hz=10)
"""As in kumar2019 and le2020."""
YIQ = np.array([[0.299, 0.587, 0.114], [0.595716, -0.274453, -0.321263], [0.211456, -0.522591, 0.311135]])
KERNEL = (1 / 16, 4 / 16, 6 / 16, 4 / 16, 1 / 16)
ATTENUATION = np.array([1, 0, 0])
"""The fraction of the motion of Y, I and Q that is kept."""
EDGE = 2
FPS = 30.0


@dataclass(frozen=True)
class Run:
    """The cost of one side for a clip: seconds, and peak MiB of memory without the clip. `file` contains its frames."""

    file: Path
    seconds: float
    mib: float


def port(frames: Frames, fps: float, settings: Magnification) -> Frames:
    """The reference in plain NumPy with the "butterworth" filter; frames uint8 (n, h, w, 3)."""
    gains = amplification(frames.shape[1], frames.shape[2], settings)
    (b0, b1, b2), (a1, a2) = difference_equation(fps, settings)
    result = np.empty_like(frames)
    older: list[Array] = []
    old: list[Array] = []
    out_older: list[Array] = []
    out_old: list[Array] = []
    for index, frame in enumerate(frames):
        picture = frame @ YIQ.T
        levels = pyramid(picture, len(gains))
        if index == 0:
            older, old = levels, levels
            out_older = out_old = [np.zeros_like(level) for level in levels]
        out = [
            b0 * x + b1 * x1 + b2 * x2 - a1 * y1 - a2 * y2
            for x, x1, x2, y1, y2 in zip(levels, old, older, out_old, out_older, strict=True)
        ]
        older, old, out_older, out_old = old, levels, out_old, out
        motion = collapse([gain * level for gain, level in zip(gains, out, strict=True)])
        rgb = (picture + motion * ATTENUATION) @ np.linalg.inv(YIQ).T
        result[index] = np.clip(np.rint(rgb), 0, 255)
    return result


def difference_equation(fps: float, settings: Magnification) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Numerator (3,) and denominator (2, without the leading 1) of the first-order band-pass, derived by hand."""
    # bilinear transform of B s / (s^2 + B s + W) with both edges warped
    low, high = (np.tan(np.pi * hz / fps) for hz in (settings.low_hz, settings.high_hz))
    b, w = high - low, high * low
    scale = 1 + b + w
    return (b / scale, 0.0, -b / scale), (2 * (w - 1) / scale, (1 - b + w) / scale)


def pyramid(picture: Array, levels: int) -> list[Array]:
    """The Laplacian levels of an image (h, w, c), finest first, with the residual as the last."""
    bands = []
    for _ in range(levels - 1):
        smaller = blurred(picture)[::2, ::2]
        bands.append(picture - enlarged(smaller, picture.shape))
        picture = smaller
    return [*bands, picture]


def collapse(levels: list[Array]) -> Array:
    """The image of a Laplacian pyramid."""
    picture = levels[-1]
    for band in levels[-2::-1]:
        picture = band + enlarged(picture, band.shape)
    return picture


def blurred(picture: Array) -> Array:
    """Blur along both axes with the binomial kernel, reflected at the borders."""
    for axis in (0, 1):
        length = picture.shape[axis]
        widths = [(EDGE, EDGE) if here == axis else (0, 0) for here in range(picture.ndim)]
        padded = np.pad(picture, widths, mode="reflect")
        picture = np.zeros_like(picture)
        for start, weight in enumerate(KERNEL):
            picture += weight * (padded[start : start + length] if axis == 0 else padded[:, start : start + length])
    return picture


def enlarged(picture: Array, shape: tuple[int, ...]) -> Array:
    """Enlarge to twice the size: pixels are spread out and blurred."""
    spread = np.zeros(shape)
    spread[::2, ::2] = 4 * picture
    return blurred(spread)


def drawn(n: int, height: int, width: int) -> Frames:
    """A textured clip that sways by half a pixel at 1.2 Hz, with some noise: (n, h, w, 3)."""
    random = np.random.default_rng(0)
    y, x = np.mgrid[:height, :width]
    waves = random.uniform([0.02, 0.02, 0, 10], [0.4, 0.4, 2 * np.pi, 25], (6, 4))
    frames = np.empty((n, height, width, 3), np.uint8)
    for index in range(n):
        away = 0.5 * np.sin(2 * np.pi * 1.2 * index / FPS)
        for channel in range(3):
            grey = sum(a * np.cos(u * (x - away) + v * y + p + channel) for u, v, p, a in waves[channel : channel + 4])
            frames[index, ..., channel] = np.clip(128 + grey + random.normal(0, 1, (height, width)), 0, 255)
    return frames


def measured(side: Callable[[Frames, float, Magnification], Frames], size: Size, file: Path) -> Run:
    """Run one side in this process, first on a short piece, so that imports are not measured."""
    frames = drawn(*size)
    side(frames[:2, :64, :64], FPS, SETTINGS)
    before, start = peak_memory_mib(), time.perf_counter()
    result = side(frames, FPS, SETTINGS)
    seconds, mib = time.perf_counter() - start, peak_memory_mib() - before
    np.save(file, result)
    return Run(file, seconds, mib)


def alone(side: Callable[[Frames, float, Magnification], Frames], size: Size, folder: Path) -> Run:
    """Run `measured` in its own process."""
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        return pool.submit(measured, side, size, folder / f"{side.__name__}.npy").result()


def main(arguments: Sequence[str] | None = None) -> int:
    """Print a line; the status is 1 if a bound does not hold."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--frames", type=int, default=70)
    parser.add_argument("--height", type=int, default=480)
    parser.add_argument("--width", type=int, default=640)
    chosen = parsed(parser, arguments, frames=8, height=96, width=128)
    size = (chosen.frames, chosen.height, chosen.width)
    clip_mib = 4 * 3 * math.prod(size) / 2**20
    print(f"{size[0]} frames {size[2]}x{size[1]}x3; memory relative to the clip in float32")
    print("seconds  port's  faster  memory  port's  grey levels apart")
    with tempfile.TemporaryDirectory() as folder:
        # both runs before the comparison: a process begins with the peak of the one that started it
        ours, plain = (alone(side, size, Path(folder)) for side in (magnify, port))
        apart = np.abs(np.load(ours.file).astype(int) - np.load(plain.file)).max()
    faster, memory = plain.seconds / ours.seconds, ours.mib / clip_mib
    print(
        f"{ours.seconds:7.2f} {plain.seconds:7.2f} {faster:7.1f} {memory:7.2f} {plain.mib / clip_mib:7.2f} {apart:18d}"
    )
    hold = faster >= FASTER and memory < MEMORY and apart <= TOLERANCE
    return 0 if hold or chosen.short else 1


if __name__ == "__main__":
    sys.exit(main())
