"""A network of PyTorch: it takes the suite's weights and returns what it computes with the suite's names and axes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from common.types import Arrays
from fidelity.records import Facts, Measured, saturated
from fidelity.sides.layout import Pair, back, there

NAMES = {
    "kernel": "weight",
    "bias": "bias",
    "gamma": "weight",
    "beta": "bias",
    "moving_mean": "running_mean",
    "moving_variance": "running_var",
}
KINDS: Mapping[type[nn.Module], str] = {
    nn.Conv2d: "convolution",
    nn.Linear: "dense",
    nn.MaxPool2d: "max pooling",
    nn.BatchNorm2d: "normalisation",
    nn.Flatten: "flatten",
}
"""What `structure` calls the classes of layers."""


@dataclass(frozen=True)
class TorchPort:
    """A network with what it needs to be trained: `entry` turns the suite's inputs into its own."""

    network: nn.Module
    pairs: Sequence[Pair]
    entry: Callable[[Arrays], NDArray[np.floating]]
    loss: Callable[[torch.Tensor, torch.Tensor], torch.Tensor]
    optimizer: Callable[[Any], torch.optim.Optimizer]

    def measure(
        self,
        weights: Mapping[str, NDArray[Any]],
        x: Arrays,
        labels: NDArray[np.int64],
        last: str,
        steps: int,
        training: bool,
    ) -> Measured:
        """Compute outputs, loss and gradients of a batch with these weights, and train for a number of `steps`."""
        double = next(iter(weights.values())).dtype == np.float64
        network = self.network.double() if double else self.network.float()
        for module in network.modules():
            if isinstance(module, nn.Dropout):
                module.p = 0.0
        network.load_state_dict(network.state_dict() | self._theirs(weights))
        for module in network.modules():
            if isinstance(module, nn.BatchNorm2d):
                _biased(module)
        inputs = torch.from_numpy(np.ascontiguousarray(self.entry(x))).to(next(network.parameters()).dtype)
        targets = torch.from_numpy(labels)
        network.eval()
        with torch.no_grad():
            outputs = network(inputs).softmax(1).numpy()
        network.train(training)
        before = {name: values.clone() for name, values in network.state_dict().items()}
        network.load_state_dict(before | self._theirs(saturated(weights, last)))
        with torch.no_grad():
            largest = self.loss(network(inputs), targets).item()
        network.load_state_dict(before)
        optimizer = self.optimizer(network.parameters())
        losses, gradients = [], {}
        for step in range(max(steps, 1)):
            optimizer.zero_grad()
            value = self.loss(network(inputs), targets)
            value.backward()
            losses.append(value.item())
            if step == 0:
                gradients = {
                    name: p.grad.numpy().copy() for name, p in network.named_parameters() if p.grad is not None
                }
            if steps:
                optimizer.step()
        after = {name: values.numpy() for name, values in network.state_dict().items()} if steps else {}
        kept = {name for name in weights if self._name(name) in gradients}
        return Measured(
            {"emotion": outputs},
            losses[0],
            self._ours(gradients, kept, weights),
            np.array(losses),
            self._ours(after, set(weights), weights) if steps else {},
            largest,
        )

    def facts(self) -> Facts:
        """Its normalisations and dropouts; initial weights are not compared with PyTorch's.

        The neighbours of a dropout are the layers next to it among the modules: it must lie in a sequence.
        """
        known = [m for m in self.network.modules() if isinstance(m, (nn.Dropout, *KINDS))]
        dropouts = []
        for place, module in enumerate(known):
            if isinstance(module, nn.Dropout) and module.p:
                before, after = (KINDS[type(known[place + step])] for step in (-1, 1))
                dropouts.append(f"{module.p:g} after {before} before {after}")
        normalisations = {}
        for pair in self.pairs:
            module = self.network.get_submodule(pair.theirs)
            if isinstance(module, nn.BatchNorm2d):
                normalisations[pair.ours] = f"momentum {1 - (module.momentum or 0):g}, epsilon {module.eps:g}"
        return Facts(tuple(sorted(dropouts)), {}, normalisations)

    def _name(self, ours: str) -> str:
        layer, _, weight = ours.rpartition("/")
        return f"{self._pair(layer).theirs}.{NAMES[weight]}"

    def _pair(self, layer: str) -> Pair:
        return {pair.ours: pair for pair in self.pairs}[layer]

    def _theirs(self, weights: Mapping[str, NDArray[Any]]) -> dict[str, torch.Tensor]:
        own = self.network.state_dict()
        taken = {}
        for name, values in weights.items():
            theirs = self._name(name)
            pair = self._pair(name.rpartition("/")[0])
            taken[theirs] = torch.from_numpy(there(values, pair, tuple(own[theirs].shape)).copy())
        missing = {name for name in own if not name.endswith("num_batches_tracked")} - set(taken)
        if missing:
            raise ValueError(f"no weight of the suite corresponds to {', '.join(sorted(missing))}")
        return taken

    def _ours(self, theirs: Mapping[str, NDArray[Any]], names: set[str], like: Mapping[str, NDArray[Any]]) -> Arrays:
        return {
            name: back(theirs[self._name(name)], self._pair(name.rpartition("/")[0]), like[name].shape)
            for name in like
            if name in names
        }


def _biased(module: nn.BatchNorm2d) -> None:
    """Make the moving variance that of the batch itself, as in Keras; PyTorch multiplies it by n / (n - 1)."""
    before: list[torch.Tensor] = []

    def keep(module: nn.BatchNorm2d, inputs: tuple[torch.Tensor]) -> None:
        before[:] = [module.running_var.clone()] if module.training else []

    def correct(module: nn.BatchNorm2d, inputs: tuple[torch.Tensor], output: torch.Tensor) -> None:
        if before:
            count = inputs[0].numel() / inputs[0].shape[1]
            step = module.running_var - before[0] * (1 - module.momentum)
            module.running_var = before[0] * (1 - module.momentum) + step * (count - 1) / count

    module.register_forward_pre_hook(keep)
    module.register_forward_hook(correct)
