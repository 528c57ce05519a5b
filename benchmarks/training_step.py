"""How long a training step takes in stock Keras, in the suite's Keras, and in PyTorch.

python -m benchmarks.training_step --network stcnn model-a --steps 5 --rounds 3

Networks, sizes, batches and optimizers are those of the papers; inputs are random numbers. "Stock" is the same Keras
model in a process with the defaults of Keras and its backend, "suite" the model of `common.training.learner.Learner`;
both are trained with `train_on_batch`. "Torch" is a port in eager mode (`torch_ports.py`), if there is one and PyTorch
is installed. Each has its own process for every network, which is idle while others are timed; they take turns round by
round, so that load on the machine affects all of them. Processes that do not fit into memory together (ResNet34 at 128)
end after their turn. A time is the median step of the best round.

With --onednn, stock Keras has oneDNN's kernels too, as on processors on which TensorFlow turns them on by itself.

GFLOP are three times those of the forward pass (`common/training/flops.py`), a lower bound: one pass for the
predictions and two for the gradients. "Arithmetic" is the time that NumPy's product of two float32 matrices, timed in
the same rounds, would take for the same number of operations; with a GPU it is not compared. The last line also has
the bandwidth of memory, bytes read and written by copies on all cores. Only the ratios can be compared between
machines: seconds depend on a machine and its load. The backend is that of KERAS_BACKEND; with jax no TensorFlow is
needed.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import statistics
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.options import parsed
from benchmarks.step_peers import NETWORKS, Peer, seconds
from common.environment import backend

SIDE = 2048
"""Side of the square matrices that are multiplied."""
COPIED = 2**28
"""Bytes that are copied to measure the bandwidth of memory; no cache holds them."""


@dataclass(frozen=True)
class Row:
    """One network: seconds of a step by peer, NumPy's GFLOP/s, and GB/s of memory; None if not measured."""

    network: str
    batch: int
    gflop: float
    stock: float | None
    suite: float | None
    torch: float | None
    gflop_per_second: float | None
    gb_per_second: float | None = None

    def ratios(self) -> dict[str, float | None]:
        """The times of the others relative to the suite, and of the suite relative to the arithmetic."""
        arithmetic = self.gflop / self.gflop_per_second if self.gflop_per_second else None
        pairs = {
            "stock/suite": (self.stock, self.suite),
            "torch/suite": (self.torch, self.suite),
            "suite/arithmetic": (self.suite, arithmetic),
        }
        return {name: a / b if a and b else None for name, (a, b) in pairs.items()}


def measure(name: str, rows: int | None, steps: int, rounds: int, *, onednn: bool = False) -> tuple[Row, str]:
    """The row of a network, and the device. Raises RuntimeError if the suite's own process dies."""
    network = NETWORKS[name]
    settings = network.settings(rows)
    kinds = ["stock", "suite", *(["torch"] if network.port and importlib.util.find_spec("torch") else [])]
    peers: dict[str, Peer] = {}
    facts: Any = None
    medians: dict[str, list[float]] = {kind: [] for kind in ("stock", "suite", "torch")}
    products, copies = [], []
    multiply, copy = product(), copy_on_all_cores()
    try:
        for _ in range(rounds):
            for kind in kinds:
                if kind not in peers:
                    peers[kind] = Peer(kind, name, settings, facts if kind == "torch" else None, onednn)
                    ready = peers[kind].answer()
                    if kind == "suite" and ready is None:
                        raise RuntimeError(f"{name}: the suite's process ended, perhaps because of too little memory")
                    facts = ready or facts
                if times := peers[kind].steps(steps):
                    medians[kind].append(statistics.median(times))
                if network.alone:
                    peers.pop(kind).end()
            products.append(statistics.median(seconds(multiply) for _ in range(steps)))
            copies.append(statistics.median(seconds(copy) for _ in range(steps)))
    finally:
        for peer in peers.values():
            peer.end()
    cpu = facts.device.startswith("cpu")
    rate = rate_of(min(products)) if cpu else None
    bandwidth = bandwidth_of(min(copies)) if cpu else None
    best = {kind: min(values, default=None) for kind, values in medians.items()}
    batch = settings.values()[network.batch]
    row = Row(name, batch, facts.gflop, best["stock"], best["suite"], best["torch"], rate, bandwidth)
    return row, facts.device


def rate_of(took: float) -> float:
    """GFLOP/s of `product`, of its seconds."""
    return 2 * SIDE**3 / took / 1e9


def bandwidth_of(took: float) -> float:
    """GB/s that are read and written by `copy_on_all_cores`, of its seconds."""
    return 2 * COPIED / took / 1e9


def product() -> Callable[[], object]:
    """Multiply two square matrices."""
    matrix = np.random.default_rng(0).random((SIDE, SIDE), np.float32)
    return lambda: matrix @ matrix


def copy_on_all_cores() -> Callable[[], object]:
    """Copy `COPIED` bytes, a part on each core."""
    cores = os.cpu_count() or 1
    there = np.ones((2, cores, COPIED // cores), np.uint8)
    pool = ThreadPoolExecutor(cores)
    return lambda: list(pool.map(lambda core: np.copyto(there[1, core], there[0, core]), range(cores)))


HEADING = f"{'network':21s}{'batch':>6s}{'GFLOP':>9s}{'stock s':>10s}{'suite s':>10s}{'torch s':>10s}" + (
    f"{'stock/suite':>13s}{'torch/suite':>13s}{'suite/arithmetic':>18s}"
)


def line(row: Row) -> str:
    """A row of the table; values that were not measured are dashes."""
    times = "".join(f"{_printed(value, 3):>10s}" for value in (row.stock, row.suite, row.torch))
    ratios = "".join(f"{_printed(value, 2):>{len(name) + 2}s}" for name, value in row.ratios().items())
    return f"{row.network:21s}{row.batch:6d}{row.gflop:9.1f}{times}{ratios}"


def _printed(value: float | None, digits: int) -> str:
    return "-" if value is None else f"{value:.{digits}f}"


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the table, each line as soon as it is measured."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--network", nargs="+", choices=list(NETWORKS), default=list(NETWORKS), metavar="NAME")
    parser.add_argument("--steps", type=int, default=5, help="steps that each process runs in its turn")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--batch", type=int, help="rows of a batch; default: the paper's")
    parser.add_argument("--onednn", action="store_true", help="oneDNN's kernels for stock Keras too")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the rows to this file")
    chosen = parsed(parser, arguments, network=["region-cnn"], steps=1, rounds=1, batch=2)
    if any(NETWORKS[name].port for name in chosen.network) and not importlib.util.find_spec("torch"):
        print("PyTorch is not installed: no port is timed")
    records: list[dict[str, object]] = []
    for name in chosen.network:
        try:
            row, device = measure(name, chosen.batch, chosen.steps, chosen.rounds, onednn=chosen.onednn)
        except RuntimeError as error:
            print(error, file=sys.stderr, flush=True)
            continue
        if not records:
            print(f"Keras on {backend()}, {device}, {os.cpu_count()} cores", HEADING, sep="\n")
        print(line(row), flush=True)
        records.append({"backend": backend(), "device": device, **asdict(row), **row.ratios()})
        if chosen.json:
            chosen.json.write_text(json.dumps(records, indent=1) + "\n", encoding="utf-8")
    for what, name, unit in (
        ("NumPy multiplies matrices", "gflop_per_second", "GFLOP/s"),
        ("memory is read and written", "gb_per_second", "GB/s"),
    ):
        if rates := [float(rate) for record in records if (rate := record[name])]:  # type: ignore[arg-type]
            print(f"{what} at {min(rates):.0f} to {max(rates):.0f} {unit}")
    return 0 if len(records) == len(chosen.network) else 1


if __name__ == "__main__":
    sys.exit(main())
