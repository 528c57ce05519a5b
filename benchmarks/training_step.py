"""How long a training step takes in stock Keras, in the suite's Keras, and in PyTorch.

python -m benchmarks.training_step --network stcnn model-a --steps 5 --rounds 3

Networks, sizes, batches and optimizers are those of the papers; inputs are random numbers. "Stock" is the same Keras
model in a process with the defaults of Keras and its backend, "suite" the model of `common.training.learner.Learner`;
both are trained with `train_on_batch`. "Torch" is a port in eager mode (`torch_ports.py`), if there is one and PyTorch
is installed. Each has its own process for every network, which is idle while others are timed; they take turns round by
round, so that load on the machine affects all of them. A time is the median step of the best round.

GFLOP are three times those of the forward pass (`common/training/flops.py`), a lower bound: one pass for the
predictions and two for the gradients. "Arithmetic" is the time that NumPy's product of two float32 matrices, timed in
the same rounds, would take for the same number of operations; with a GPU it is not compared. Only the ratios can be
compared between machines: seconds depend on a machine and its load. The backend is that of KERAS_BACKEND; with jax no
TensorFlow is needed.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import statistics
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from benchmarks.options import parsed
from benchmarks.step_peers import NETWORKS, Peer, seconds
from common.environment import backend

SIDE = 2048
"""Side of the square matrices that are multiplied."""


@dataclass(frozen=True)
class Row:
    """One network: seconds of a step by peer, and NumPy's GFLOP/s; None if not measured."""

    network: str
    batch: int
    gflop: float
    stock: float | None
    suite: float | None
    torch: float | None
    gflop_per_second: float | None

    def ratios(self) -> dict[str, float | None]:
        """The times of the others relative to the suite, and of the suite relative to the arithmetic."""
        arithmetic = self.gflop / self.gflop_per_second if self.gflop_per_second else None
        pairs = {
            "stock/suite": (self.stock, self.suite),
            "torch/suite": (self.torch, self.suite),
            "suite/arithmetic": (self.suite, arithmetic),
        }
        return {name: a / b if a and b else None for name, (a, b) in pairs.items()}


def measure(name: str, rows: int | None, steps: int, rounds: int) -> tuple[Row, str]:
    """The row of a network, and the device. Raises RuntimeError if the suite's own process dies."""
    network = NETWORKS[name]
    settings = network.settings(rows)
    peers = {kind: Peer(kind, name, settings, None) for kind in ("stock", "suite")}
    try:
        facts = [peer.answer() for peer in peers.values()][-1]
        if facts is None:
            raise RuntimeError(f"{name}: the suite's process ended, perhaps because of too little memory")
        if network.port and importlib.util.find_spec("torch"):
            peers["torch"] = Peer("torch", name, settings, facts)
            peers["torch"].answer()
        matrix = np.random.default_rng(0).random((SIDE, SIDE), np.float32)
        medians: dict[str, list[float]] = {kind: [] for kind in ("stock", "suite", "torch")}
        products = []
        for _ in range(rounds):
            for kind, peer in peers.items():
                if times := peer.steps(steps):
                    medians[kind].append(statistics.median(times))
            products.append(statistics.median(seconds(lambda: matrix @ matrix) for _ in range(steps)))
    finally:
        for peer in peers.values():
            peer.end()
    rate = 2 * SIDE**3 / min(products) / 1e9 if facts.device.startswith("cpu") else None
    best = {kind: min(values, default=None) for kind, values in medians.items()}
    batch = settings.values()[network.batch]
    return Row(name, batch, facts.gflop, best["stock"], best["suite"], best["torch"], rate), facts.device


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
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the rows to this file")
    chosen = parsed(parser, arguments, network=["region-cnn"], steps=1, rounds=1, batch=2)
    if any(NETWORKS[name].port for name in chosen.network) and not importlib.util.find_spec("torch"):
        print("PyTorch is not installed: no port is timed")
    records: list[dict[str, object]] = []
    for name in chosen.network:
        try:
            row, device = measure(name, chosen.batch, chosen.steps, chosen.rounds)
        except RuntimeError as error:
            print(error, file=sys.stderr, flush=True)
            continue
        if not records:
            print(f"Keras on {backend()}, {device}, {os.cpu_count()} cores", HEADING, sep="\n")
        print(line(row), flush=True)
        records.append({"backend": backend(), "device": device, **asdict(row), **row.ratios()})
        if chosen.json:
            chosen.json.write_text(json.dumps(records, indent=1) + "\n", encoding="utf-8")
    rates = [float(rate) for record in records if (rate := record["gflop_per_second"])]  # type: ignore[arg-type]
    if rates:
        print(f"NumPy multiplies matrices at {min(rates):.0f} to {max(rates):.0f} GFLOP/s")
    return 0 if len(records) == len(chosen.network) else 1


if __name__ == "__main__":
    sys.exit(main())
