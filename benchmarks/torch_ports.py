"""Ports of networks of three papers to PyTorch, to compare their times in eager mode; nothing else uses them.

Channels come first, as in PyTorch. Layers, optimizers and losses are those of the papers' `model.py` and `recipe.py`;
initial weights are PyTorch's own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import torch
from torch import Tensor, nn, optim
from torch.nn import functional

from common.contract import Settings
from common.types import Arrays

PARALLEL = (1, 3, 5, 7)


class RegionCNN(nn.Module):
    """One region's CNN of aouayeb2019: (n, 4, height, width) -> scores (n, classes)."""

    def __init__(self, classes: int) -> None:
        super().__init__()
        self.first, self.second = nn.Conv2d(4, 4, 5, padding=2), nn.Conv2d(4, 8, 3, padding=1)
        self.parallel = nn.ModuleList(nn.Conv2d(8, 16, size, padding=size // 2) for size in PARALLEL)
        dense = nn.Linear(8 + 16 * len(PARALLEL), 1024)
        self.dense = nn.Sequential(dense, nn.ReLU(), nn.Dropout(0.2), nn.Linear(1024, 20), nn.ReLU())
        self.scores = nn.Linear(20, classes)

    def forward(self, x: Tensor) -> Tensor:
        x = functional.max_pool2d(functional.relu(self.first(x)), 2)
        x = functional.max_pool2d(functional.relu(self.second(x)), 2)
        x = torch.cat([x, *(functional.relu(layer(x)) for layer in self.parallel)], 1)
        return self.scores(self.dense(x.mean((2, 3))))


def stcnn(video: Tensor, classes: int, dropout: float) -> nn.Module:
    """MicroExpSTCNN of reddy2019: (n, 1, size, size, depth) -> scores (n, classes)."""
    stream = [nn.Conv3d(1, 32, (3, 3, 15)), nn.ReLU(), nn.MaxPool3d(3), nn.Dropout(dropout), nn.Flatten()]
    return nn.Sequential(*stream, *_dense(stream, video, dropout), nn.Linear(128, classes))


def model_a(video: Tensor, classes: int, dropout: float = 0.4) -> nn.Module:
    """Model-A of talluri2022: (n, 1, depth, size, size) -> scores (n, classes)."""
    blocks: list[nn.Module] = []
    for channels in (1, 16):
        blocks += [nn.Conv3d(channels, 16, 3, padding=1), nn.ReLU(), nn.BatchNorm3d(16, eps=1e-3, momentum=0.01)]
        blocks += [nn.MaxPool3d(3), nn.Dropout(dropout)]
    blocks += [nn.Flatten()]
    return nn.Sequential(*blocks, *_dense(blocks, video, dropout), nn.Linear(128, classes))


def _dense(before: list[nn.Module], video: Tensor, dropout: float) -> list[nn.Module]:
    """The hidden dense layer after other layers, for the number of features that they give for a video."""
    with torch.no_grad():
        wide = nn.Sequential(*before)(video[:1]).shape[1]
    return [nn.Linear(wide, 128), nn.ReLU(), nn.Dropout(dropout)]


def stepper(port: str, x: Arrays, y: Arrays, settings: Settings) -> Callable[[], float]:
    """A training step of a port on one batch of the inputs and targets that Keras reads; it returns the loss."""
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    inputs = {name: torch.from_numpy(np.ascontiguousarray(np.moveaxis(array, -1, 1))) for name, array in x.items()}
    targets = {name: torch.from_numpy(array) for name, array in y.items()}
    networks, optimizer = _built(port, inputs, next(iter(y.values())).shape[-1], settings, device)

    def step() -> float:
        optimizer.zero_grad()
        scores = [network(inputs[name].to(device)) for name, network in networks.items()]
        wanted = [target.to(device) for target in targets.values()]
        loss = torch.stack([_loss(*pair, settings) for pair in zip(wanted, scores, strict=True)]).sum()
        loss.backward()
        optimizer.step()
        return loss.item()

    return step


def _built(
    port: str, inputs: Mapping[str, Tensor], classes: int, settings: Settings, device: torch.device
) -> tuple[nn.ModuleDict, optim.Optimizer]:
    """A network for each input, in the order of the outputs, and the paper's optimizer."""
    if port == "region_cnns":
        networks = nn.ModuleDict({name: RegionCNN(classes) for name in inputs}).to(device)
        return networks, optim.Adam(networks.parameters(), settings.training.learning_rate, eps=1e-7)
    face, momentum = inputs["face"], getattr(settings.training, "momentum", 0.0)
    network = stcnn(face, classes, settings.network.dropout) if port == "stcnn" else model_a(face, classes)
    networks = nn.ModuleDict({"face": network}).to(device)
    return networks, optim.SGD(networks.parameters(), settings.training.learning_rate, momentum=momentum)


def _loss(wanted: Tensor, scores: Tensor, settings: Settings) -> Tensor:
    """Cross-entropy, or with targets (n, 2, classes) the focal loss of aouayeb2019."""
    if wanted.ndim == 2:
        return functional.cross_entropy(scores, wanted)
    p = scores.softmax(1).clamp(1e-7, 1 - 1e-7)
    positive = -wanted[:, 0] * (1 - p) ** settings.training.gamma * p.log()
    negative = -wanted[:, 1] * p**settings.training.gamma * (1 - p).log()
    return (positive + negative).sum(1).mean()
