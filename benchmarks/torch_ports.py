"""Ports to PyTorch of networks of three papers, to time them in eager mode and to see whether they train alike.

Channels come first, as PyTorch has them. Layers, optimizers and losses are those of the papers' `model.py` and
`recipe.py`; initial weights are PyTorch's own where none are given.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
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


def model_a(video: Tensor, classes: int, dropout: float = 0.4, blocks: int = 2) -> nn.Module:
    """Model-A of talluri2022: (n, 1, depth, size, size) -> scores (n, classes); of three blocks the Split-Model."""
    layers: list[nn.Module] = []
    for channels in (1, 16, 16)[:blocks]:
        layers += [*_convolution(channels, 16), nn.MaxPool3d(3), nn.Dropout(dropout)]
    layers += [nn.Flatten()]
    return nn.Sequential(*layers, *_dense(layers, video, dropout), nn.Linear(128, classes))


def model_c(video: Tensor, classes: int, dropout: float = 0.5) -> nn.Module:
    """Model-C of talluri2022: (n, 1, depth, size, size) -> scores (n, classes)."""
    layers = [*_convolution(1, 32), nn.MaxPool3d(3), nn.MaxPool3d(3), nn.Dropout(dropout), nn.Flatten()]
    return nn.Sequential(*layers, *_dense(layers, video, dropout), nn.Linear(128, classes))


def _convolution(channels: int, filters: int) -> list[nn.Module]:
    """A convolution of talluri2022 with its activation and normalisation, at the values that Keras has by default."""
    return [nn.Conv3d(channels, filters, 3, padding=1), nn.ReLU(), nn.BatchNorm3d(filters, eps=1e-3, momentum=0.01)]


def _dense(before: list[nn.Module], video: Tensor, dropout: float) -> list[nn.Module]:
    """The hidden dense layer behind other layers, as wide as what they make of a video."""
    with torch.no_grad():
        wide = nn.Sequential(*before)(video[:1]).shape[1]
    return [nn.Linear(wide, 128), nn.ReLU(), nn.Dropout(dropout)]


def train(
    name: str,
    video: NDArray[Any],
    targets: NDArray[np.float32],
    settings: Settings,
    weights: Sequence[NDArray[Any]],
    order: Sequence[Sequence[NDArray[np.int64]]],
    tested: Sequence[NDArray[Any]] = (),
    *,
    dropout: bool = True,
) -> tuple[list[list[float]], list[NDArray[np.float32]]]:
    """Train a network of talluri2022 from the initial weights of a Keras model.

    Videos are (n, depth, size, size, 1) uint8, or float32 in 0-1; targets (n, classes) one-hot. `weights` come in the
    order of the Keras model: per layer kernel and bias, or scale, offset, mean and variance. `order` has the rows of
    each batch of each epoch. Returns the loss of each step of each epoch, and the probabilities (n, classes) that the
    trained network predicts for each array of `tested`.
    """
    first, training, last = _channels_first(video[:1]), settings.training, name == "Model-C"
    blocks, classes = {"Model-A": 2, "Split-Model": 3}, targets.shape[1]
    network = model_c(first, classes) if last else model_a(first, classes, blocks=blocks[name])
    _take(network, list(weights), first)
    for layer in () if dropout else network.modules():
        if isinstance(layer, nn.Dropout):
            layer.p = 0.0
    decay = training.model_c_decay if last else 0.0
    optimizer = optim.SGD(network.parameters(), training.learning_rate, momentum=training.momentum, nesterov=last)
    schedule = optim.lr_scheduler.LambdaLR(optimizer, lambda step: 1 / (1 + decay * step))
    losses: list[list[float]] = []
    for epoch in order:
        losses.append([])
        network.train()
        for rows in epoch:
            optimizer.zero_grad()
            scores = network(_channels_first(video[rows]))
            loss = functional.cross_entropy(scores, torch.from_numpy(targets[rows]))
            loss.backward()
            optimizer.step()
            schedule.step()
            losses[-1].append(loss.item())
    network.eval()
    with torch.no_grad():
        answers = [[network(_channels_first(row[None])).softmax(1)[0].numpy() for row in videos] for videos in tested]
    return losses, [np.stack(rows) for rows in answers]


def _channels_first(video: NDArray[Any]) -> Tensor:
    scale = 255 if video.dtype == np.uint8 else 1
    return torch.from_numpy(np.ascontiguousarray(np.moveaxis(video, -1, 1), np.float32) / np.float32(scale))


def _take(network: nn.Module, weights: list[NDArray[Any]], video: Tensor) -> None:
    """Give a sequence of layers the weights of a Keras model, whose channels come last."""
    flat: torch.Size | None = None
    with torch.no_grad():
        x = video
        network.eval()
        for layer in network.children():
            if isinstance(layer, nn.Flatten):
                flat = x.shape[1:]
            x = layer(x)
            if isinstance(layer, nn.Conv3d):
                layer.weight.copy_(torch.from_numpy(weights.pop(0).transpose(4, 3, 0, 1, 2).copy()))
                layer.bias.copy_(torch.from_numpy(weights.pop(0)))
            elif isinstance(layer, nn.BatchNorm3d):
                for values in (layer.weight, layer.bias, layer.running_mean, layer.running_var):
                    values.copy_(torch.from_numpy(weights.pop(0)))
            elif isinstance(layer, nn.Linear):
                kernel = weights.pop(0)
                if flat is not None:  # Keras flattens (depth, size, size, channels)
                    kernel = np.moveaxis(kernel.reshape(*flat[1:], flat[0], -1), -2, 0).reshape(kernel.shape)
                    flat = None
                layer.weight.copy_(torch.from_numpy(kernel.T.copy()))
                layer.bias.copy_(torch.from_numpy(weights.pop(0)))
    if weights:
        raise ValueError(f"{len(weights)} weights of the Keras model have no place in the port")


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
