"""PyTorch in a process of its own: it and TensorFlow bring two copies of a library that cannot be loaded in one."""

from __future__ import annotations

import functools
from concurrent.futures import Future, ProcessPoolExecutor
from multiprocessing import get_context

import numpy as np
from numpy.typing import NDArray

from common.types import Arrays
from fidelity.networks import Network
from fidelity.records import Facts, Measured, Size


def start(
    network: Network, size: Size, weights: Arrays, x: Arrays, labels: NDArray[np.int64], steps: int, training: bool
) -> Future[tuple[Measured, Facts]]:
    """Start `pytorch_networks.measured` in the other process."""
    return _process().submit(_measured, network, size, weights, x, labels, steps, training)


def _measured(
    network: Network, size: Size, weights: Arrays, x: Arrays, labels: NDArray[np.int64], steps: int, training: bool
) -> tuple[Measured, Facts]:
    from fidelity.sides import pytorch_networks

    return pytorch_networks.measured(network, size, weights, x, labels, steps, training)


@functools.cache
def _process() -> ProcessPoolExecutor:
    return ProcessPoolExecutor(1, get_context("spawn"))
