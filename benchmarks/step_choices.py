"""What a training step takes with each of the suite's choices for Keras switched off.

python -m benchmarks.step_choices --network model-a stcnn --rounds 10

For every network, one process runs the suite's model as it is, and each other one the same model without one choice:
kept memory, deterministic operations, or one of the layers of `common/training/layers.py`. They take turns round by
round, so that load on the machine affects all of them, and a time is that of the fastest step. oneDNN is on in all of
them. A ratio above 1 means that the choice makes a step faster on this machine.
"""

from __future__ import annotations

import argparse
import ctypes
import importlib
import os
import sys
from collections.abc import Callable, Sequence
from typing import Any

from benchmarks.options import parsed
from benchmarks.step_peers import NETWORKS, Peer
from common.environment import processor

AS_IS = "suite"


def _without_kept_memory() -> None:
    opened: Any = ctypes.CDLL

    def refuse(name: Any, *words: Any, **named: Any) -> Any:
        if name == "libc.so.6":
            raise OSError(name)
        return opened(name, *words, **named)

    ctypes.CDLL = refuse  # type: ignore[misc, assignment]
    importlib.import_module("common.training.keras_setup")
    ctypes.CDLL = opened  # type: ignore[misc]


def _without_determinism() -> None:
    os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
    tensorflow: Any = importlib.import_module("tensorflow")
    tensorflow.config.experimental.enable_op_determinism = lambda: None


def _without_layer(name: str) -> Callable[[], None]:
    def switch_off() -> None:
        module: Any = importlib.import_module("common.training.layers")
        chosen, off = module._replacement, getattr(module, name)

        def others(layer: Any) -> Any:
            return None if chosen(layer) is off else chosen(layer)

        module._replacement = others

    return switch_off


CHOICES: dict[str, Callable[[], None]] = {
    "kept memory": _without_kept_memory,
    "determinism": _without_determinism,
    **{name: _without_layer(name) for name in ("Pooling", "Normalisation")},
}
"""How each choice is switched off in a process that has not imported Keras yet."""
LAYERS = {"model-a": ("Pooling", "Normalisation"), "stcnn": ("Pooling",), "lstms": ()}
"""The networks that are measured, and which of the layers they have."""
NETWORK_CHOICES = {name: ("kept memory", "determinism", *LAYERS.get(name, ())) for name in (*LAYERS, "region-cnn")}


def measure(name: str, rows: int | None, steps: int, rounds: int) -> dict[str, float | None]:
    """The seconds of the fastest step by choice, and as it is; None for a process that died."""
    settings = NETWORKS[name].settings(rows)
    kinds = (AS_IS, *NETWORK_CHOICES[name])
    peers = {kind: Peer(kind, name, settings, None, True) for kind in kinds}
    times: dict[str, list[float]] = {kind: [] for kind in kinds}
    try:
        for peer in peers.values():
            peer.answer()
        for _ in range(rounds):
            for kind, peer in peers.items():
                times[kind] += peer.steps(steps) or []
    finally:
        for peer in peers.values():
            peer.end()
    return {kind: min(values, default=None) for kind, values in times.items()}


def main(arguments: Sequence[str] | None = None) -> int:
    """Print a line per network and choice; status 1 if a process died."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--network", nargs="+", choices=list(NETWORK_CHOICES), default=list(NETWORK_CHOICES))
    parser.add_argument("--steps", type=int, default=2, help="steps that each process runs in its turn")
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--batch", type=int, help="rows of a batch; default: the paper's")
    chosen = parsed(parser, arguments, network=["region-cnn"], steps=1, rounds=1, batch=2)
    print(processor(), f"{'network':14s}{'without':16s}{'s':>8s}{'ratio':>8s}", sep="\n", flush=True)
    fine = True
    for name in chosen.network:
        found = measure(name, chosen.batch, chosen.steps, chosen.rounds)
        whole = found[AS_IS]
        for kind, best in found.items():
            fine &= best is not None
            ratio = f"{best / whole:.2f}" if best and whole else "-"
            print(f"{name:14s}{'-' if kind == AS_IS else kind:16s}{best or 0:8.3f}{ratio:>8s}", flush=True)
    return 0 if fine else 1


if __name__ == "__main__":
    sys.exit(main())
