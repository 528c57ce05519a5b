"""The PyTorch ports with the suite's decisions on points where the text is silent, and their corresponding layers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from common.types import Arrays
from fidelity.networks import Network
from fidelity.ports import le2020 as port
from fidelity.records import Facts, Measured, Size
from fidelity.sides.layout import Pair
from fidelity.sides.pytorch import TorchPort

CONVOLUTION, DENSE = (3, 2, 0, 1), (1, 0)
CAFFE = -np.array([103.939, 116.779, 123.68], np.float32)
"""Minus the means of blue, green and red over ImageNet, for pixels in 0-255."""
MOMENTUM = float(np.float32(0.9))
"""Keras 3 rounds the momentum to single precision."""
CONVOLUTIONS = (2, 2, 4, 4, 4)
"""Convolutions of the five groups of VGG19."""


def measured(
    network: Network, size: Size, weights: Arrays, x: Arrays, labels: NDArray[np.int64], steps: int, training: bool
) -> tuple[Measured, Facts]:
    """What the port of a network computes, and its facts.

    Runs in a process of its own: PyTorch and TensorFlow cannot be loaded in one.
    """
    port = network.port(size)
    facts = port.facts()
    return port.measure(weights, x, labels, network.last, steps, training), facts


def le2020(size: Size, kind: str) -> TorchPort:
    """One of the three networks."""
    (side, _, _) = size.shapes["face"]
    build: dict[str, Callable[[], tuple[nn.Module, list[Pair]]]] = {
        "vgg19": lambda: _vgg19(side),
        "resnet50": _resnet50,
        "senet50": _senet50,
    }
    network, pairs = build[kind]()

    def optimizer(parameters: Any) -> torch.optim.Optimizer:
        return torch.optim.SGD(parameters, port.LEARNING_RATE, momentum=MOMENTUM)

    return TorchPort(network, pairs, _pixels, port.loss, optimizer)


def _vgg19(side: int) -> tuple[nn.Module, list[Pair]]:
    network = port.vgg19(side)
    pairs, place = [], 0
    for group, count in enumerate(CONVOLUTIONS, 1):
        for number in range(1, count + 1):
            pairs.append(Pair(f"block{group}_conv{number}", f"features.{place}", CONVOLUTION))
            place += 2
        place += 1
    map_shape = (side // 32, side // 32, 512)
    pairs.append(Pair("fc1", "classifier.1", DENSE, map_shape, (2, 0, 1)))
    return network, [*pairs, Pair("fc2", "classifier.4", DENSE), Pair("predictions", "classifier.7", DENSE)]


def _resnet50() -> tuple[nn.Module, list[Pair]]:
    network = port.resnet50(stride_in="1x1", bias=True)
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.eps = 1.001e-5
    pairs = _both("conv1_conv", "conv1_bn", "stem")
    for place, stage, number, first in _blocks():
        ours, theirs = f"conv{stage + 1}_block{number}", f"stages.{place}"
        for index, name in enumerate(("shortcut", "reduce", "middle", "increase")):
            if index or first:
                pairs += _both(f"{ours}_{index}_conv", f"{ours}_{index}_bn", f"{theirs}.{name}")
    return network, [*pairs, Pair("predictions", "classifier", DENSE)]


def _senet50() -> tuple[nn.Module, list[Pair]]:
    pairs = _both("conv1_7x7_s2", "conv1_7x7_s2_bn", "stem")
    names = {"1x1_proj": "shortcut", "1x1_reduce": "reduce", "3x3": "middle", "1x1_increase": "increase"}
    for place, stage, number, first in _blocks():
        ours, theirs = f"conv{stage + 1}_{number}", f"stages.{place}"
        for name, their_name in names.items():
            if first or name != "1x1_proj":
                pairs += _both(f"{ours}_{name}", f"{ours}_{name}_bn", f"{theirs}.{their_name}")
        for way in ("down", "up"):  # a convolution of 1 x 1 in the suite
            pairs.append(Pair(f"{ours}_1x1_{way}", f"{theirs}.excitation.{way}", CONVOLUTION))
    return port.senet50(), [*pairs, Pair("predictions", "classifier", DENSE)]


def _both(convolution: str, normalisation: str, theirs: str) -> list[Pair]:
    return [Pair(convolution, f"{theirs}.0", CONVOLUTION), Pair(normalisation, f"{theirs}.1")]


def _blocks() -> Iterator[tuple[int, int, int, bool]]:
    """Place in the port, stage, number in the stage (both from 1), and whether the block is the first of its stage."""
    place = 0
    for stage, (blocks, _) in enumerate(port.RESNET50_LAYERS, 1):
        for number in range(1, blocks + 1):
            yield place, stage, number, number == 1
            place += 1


def _pixels(x: Arrays) -> NDArray[np.floating]:
    return np.moveaxis(x["face"][..., ::-1] * 255 + CAFFE.astype(x["face"].dtype), -1, 1)
