"""Where the time of a training step goes, by kinds of operations, next to what the machine can do.

python -m benchmarks.step_profile --network model-a lstms

The suite's model runs some steps in a process of its own under TensorFlow's profiler, which gives the time of every
operation. For an operation that runs once per step, the fastest run is used, so that load on the machine matters less;
for others, the mean. Some operations run side by side, so that their sum may be more than the time of a step. Below
each network are the time that a product of two matrices with the same number of operations takes, and the data that
memory can read and write during the fastest step, both measured in the same run. TensorFlow only.
"""

from __future__ import annotations

import argparse
import glob
import multiprocessing
import sys
import tempfile
from collections import defaultdict
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from typing import Any

from benchmarks.options import parsed
from benchmarks.step_peers import NETWORKS, WARM, in_keras, seconds
from benchmarks.training_step import bandwidth_of, copy_on_all_cores, product, rate_of
from common.environment import processor, without_stderr

LAYERS = {"normali": "normalisation", "dropout": "dropout"}
"""Kinds of operations by a part of the name of their layer."""
TYPES = {
    "Conv": "convolution",
    "MatMul": "product",
    "Pool": "pooling",
    "Relu": "ReLU and bias",
    "BiasAdd": "ReLU and bias",
}
"""Kinds of all others by a part of the name of their type; those that are not here are "other"."""
UNNAMED = "without a layer"
"""The kind of operations whose name has no layer, such as those of the gradient of the suite's own normalisation."""


@dataclass(frozen=True)
class Profile:
    """Seconds of the fastest step, seconds of operations by kind, GFLOP of a step, GFLOP/s and GB/s of the machine."""

    step: float
    kinds: dict[str, float]
    gflop: float
    gflop_per_second: float
    gb_per_second: float


def kind_of(name: str) -> str:
    """The kind of an operation of TensorFlow, by its layer/name:type."""
    layer, _, operation = name.rpartition(":")
    if "/" not in layer:
        return UNNAMED
    kinds = [kind for part, kind in LAYERS.items() if part in layer.lower()]
    kinds += [kind for part, kind in TYPES.items() if part in operation]
    return kinds[0] if kinds else "other"


def by_kind(events: Sequence[tuple[str, float]], steps: int) -> dict[str, float]:
    """Seconds of a step by kind, of (name:type, seconds) of all operations in `steps` steps; the largest kind first."""
    runs: defaultdict[str, list[float]] = defaultdict(list)
    for name, took in events:
        runs[name].append(took)
    sums: defaultdict[str, float] = defaultdict(float)
    for name, times in runs.items():
        sums[kind_of(name)] += min(times) if len(times) == steps else sum(times) / steps
    return dict(sorted(sums.items(), key=lambda pair: -pair[1]))


def measure(name: str, rows: int | None, steps: int) -> Profile:
    """The profile of a network, for a process that has not imported Keras yet."""
    with without_stderr():
        step, facts = in_keras(NETWORKS[name], NETWORKS[name].settings(rows), stock=False)
        for _ in range(WARM):
            step()
        import tensorflow as tf

        with tempfile.TemporaryDirectory() as folder:
            tf.profiler.experimental.start(folder)
            fastest = min(seconds(step) for _ in range(steps))
            tf.profiler.experimental.stop()
            events = _events(folder)
    multiply, copy = product(), copy_on_all_cores()
    products, copies = (min(seconds(do) for _ in range(5)) for do in (multiply, copy))
    return Profile(fastest, by_kind(events, steps), facts.gflop, rate_of(products), bandwidth_of(copies))


def _events(folder: str) -> list[tuple[str, float]]:
    """(name:type, seconds) of the operations in a profile."""
    from tensorflow.tsl.profiler.protobuf import xplane_pb2

    space: Any = xplane_pb2.XSpace()
    with open(glob.glob(f"{folder}/**/*.xplane.pb", recursive=True)[0], "rb") as file:
        space.ParseFromString(file.read())
    found = []
    for plane in space.planes:
        for line in plane.lines if "CPU" in plane.name else ():
            for event in line.events:
                name = plane.event_metadata[event.metadata_id].name
                operation, _, kind = name.rpartition(":")
                if operation and kind.isidentifier() and "::" not in name and not kind.startswith("__inference"):
                    found.append((name, event.duration_ps / 1e12))
    return found


def lines(name: str, profile: Profile) -> list[str]:
    """The lines of a network."""
    whole = sum(profile.kinds.values())
    shares = ", ".join(f"{kind} {took / whole:.0%}" for kind, took in profile.kinds.items() if took >= whole / 100)
    arithmetic = profile.gflop / profile.gflop_per_second
    data = profile.step * profile.gb_per_second
    return [
        f"{name}: {profile.step:.3f} s; {shares}",
        f"  {profile.gflop:.1f} GFLOP at {profile.gflop_per_second:.0f} GFLOP/s: {arithmetic:.3f} s; "
        f"{data:.1f} GB of data at {profile.gb_per_second:.0f} GB/s",
    ]


def main(arguments: Sequence[str] | None = None) -> int:
    """Print two lines per network."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    default = ["stcnn", "model-a", "region-cnn", "lstms", "resnet34"]
    parser.add_argument("--network", nargs="+", choices=list(NETWORKS), default=default, metavar="NAME")
    parser.add_argument("--steps", type=int, default=5)
    parser.add_argument("--batch", type=int, help="rows of a batch; default: the paper's")
    chosen = parsed(parser, arguments, network=["region-cnn"], steps=1, batch=2)
    print(processor(), flush=True)
    context = multiprocessing.get_context("spawn")
    for name in chosen.network:
        with ProcessPoolExecutor(1, mp_context=context) as pool:
            profile = pool.submit(measure, name, chosen.batch, chosen.steps).result()
        print(*lines(name, profile), sep="\n", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
