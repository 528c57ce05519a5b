"""Residual networks of bottlenecks in plain numpy, from arrays by name: what networks are held against."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

import numpy as np

Arrays = Mapping[str, np.ndarray]
STAGES = ((64, 3), (128, 4), (256, 6), (512, 3))


def made_up(shapes: Mapping[str, tuple[int, ...]], seed: int = 0) -> dict[str, np.ndarray]:
    """Random float32 weights under which values keep their size; those of one dimension lie around 0.4."""
    rng = np.random.default_rng(seed)
    weights = {}
    for name, shape in shapes.items():
        inputs = np.prod(shape) / max(shape[0], shape[-1])  # of a convolution, whichever axis its outputs are
        values = rng.uniform(0.3, 0.5, shape) if len(shape) == 1 else rng.normal(0, inputs**-0.5, shape)
        weights[name] = values.astype(np.float32)
    return weights


def near(actual: np.ndarray, expected: np.ndarray) -> bool:
    """Whether values are the same but for what float32 rounds off, and differ among themselves at all."""
    return bool(np.abs(actual - expected).max() < 1e-4 * np.ptp(expected))


def convolved(x: np.ndarray, kernel: np.ndarray, stride: int = 1) -> np.ndarray:
    """x (h, w, in), kernel (k, k, in, out) of odd k, k // 2 zeros on every side."""
    around = len(kernel) // 2
    padded = np.pad(x, ((around, around), (around, around), (0, 0)))
    windows = np.lib.stride_tricks.sliding_window_view(padded, kernel.shape[:2], axis=(0, 1))[::stride, ::stride]
    return np.einsum("hwcij,ijco->hwo", windows, kernel, optimize=True)


def pooled(x: np.ndarray, rows: Callable[[int], int]) -> np.ndarray:
    """Maxima of 3 x 3 windows at every second pixel; `rows` gives how many there are of so many pixels."""
    return np.array(
        [
            [x[2 * i : 2 * i + 3, 2 * k : 2 * k + 3].max(axis=(0, 1)) for k in range(rows(x.shape[1]))]
            for i in range(rows(len(x)))
        ]
    )


def normalised(x: np.ndarray, arrays: Arrays, names: tuple[str, str, str, str]) -> np.ndarray:
    """By gamma, beta, mean and variance of these names, with 1e-5 beside the variance."""
    gamma, beta, mean, variance = (arrays[name] for name in names)
    return gamma * (x - mean) / np.sqrt(variance + 1e-5) + beta


def relu(x: np.ndarray) -> np.ndarray:
    return np.maximum(x, 0)


def blocks() -> Iterator[tuple[int, int, int, int]]:
    """Stage and number, both from 1, filters and stride of each block of a network of 50 layers."""
    for stage, (filters, count) in enumerate(STAGES, start=1):
        for number in range(1, count + 1):
            yield stage, number, filters, 2 if stage > 1 and number == 1 else 1


# ---------------------------------------------------------------- SENet50, as keras-vggface names it


def vggface_shapes() -> dict[str, tuple[int, ...]]:
    """By "layer/weight"."""
    shapes: dict[str, tuple[int, ...]] = {}

    def add(name: str, kernel: int, given: int, out: int) -> None:
        shapes[f"{name}/kernel"] = (kernel, kernel, given, out)
        shapes.update({f"{name}/bn/{w}": (out,) for w in ("gamma", "beta", "moving_mean", "moving_variance")})

    add("conv1/7x7_s2", 7, 3, 64)
    given = 64
    for stage, number, filters, _ in blocks():
        name, out = f"conv{stage + 1}_{number}", 4 * filters
        add(f"{name}_1x1_reduce", 1, given, filters)
        add(f"{name}_3x3", 3, filters, filters)
        add(f"{name}_1x1_increase", 1, filters, out)
        shapes |= {f"{name}_1x1_down/kernel": (1, 1, out, out // 16), f"{name}_1x1_down/bias": (out // 16,)}
        shapes |= {f"{name}_1x1_up/kernel": (1, 1, out // 16, out), f"{name}_1x1_up/bias": (out,)}
        if number == 1:
            add(f"{name}_1x1_proj", 1, given, out)
        given = out
    return shapes


def vggface_features(x: np.ndarray, arrays: Arrays) -> np.ndarray:
    """What SENet50 makes of a normalised picture (h, w, 3) before its last layer, (2048,): Caffe's network."""

    def layer(x: np.ndarray, name: str, stride: int = 1) -> np.ndarray:
        names = tuple(f"{name}/bn/{w}" for w in ("gamma", "beta", "moving_mean", "moving_variance"))
        return normalised(convolved(x, arrays[f"{name}/kernel"], stride), arrays, names)  # type: ignore[arg-type]

    x = pooled(relu(layer(x, "conv1/7x7_s2", 2)), lambda n: -(-(n - 3) // 2) + 1)
    for stage, number, _, stride in blocks():
        name = f"conv{stage + 1}_{number}"
        shortcut = layer(x, f"{name}_1x1_proj", stride) if number == 1 else x
        y = relu(layer(x, f"{name}_1x1_reduce", stride))
        y = layer(relu(layer(y, f"{name}_3x3")), f"{name}_1x1_increase")
        means = y.mean(axis=(0, 1))
        squeezed = relu(means @ arrays[f"{name}_1x1_down/kernel"][0, 0] + arrays[f"{name}_1x1_down/bias"])
        excited = squeezed @ arrays[f"{name}_1x1_up/kernel"][0, 0] + arrays[f"{name}_1x1_up/bias"]
        x = relu(y / (1 + np.exp(-excited)) + shortcut)
    return x.mean(axis=(0, 1))


# ---------------------------------------------------------------- ResNet50, as torchvision names it


def torchvision_shapes() -> dict[str, tuple[int, ...]]:
    """Those of a state dictionary, the last layer of 1000 classes with it."""
    shapes: dict[str, tuple[int, ...]] = {}

    def add(name: str, norm: str, kernel: int, given: int, out: int) -> None:
        shapes[f"{name}.weight"] = (out, given, kernel, kernel)
        shapes.update({f"{norm}.{w}": (out,) for w in ("weight", "bias", "running_mean", "running_var")})

    add("conv1", "bn1", 7, 3, 64)
    given = 64
    for stage, number, filters, _ in blocks():
        name = f"layer{stage}.{number - 1}"
        add(f"{name}.conv1", f"{name}.bn1", 1, given, filters)
        add(f"{name}.conv2", f"{name}.bn2", 3, filters, filters)
        add(f"{name}.conv3", f"{name}.bn3", 1, filters, 4 * filters)
        if number == 1:
            add(f"{name}.downsample.0", f"{name}.downsample.1", 1, given, 4 * filters)
        given = 4 * filters
    return shapes | {"fc.weight": (1000, 2048), "fc.bias": (1000,)}


def torchvision_features(x: np.ndarray, arrays: Arrays) -> np.ndarray:
    """What ResNet50 makes of a normalised picture (h, w, 3) before its last layer, (2048,): torchvision's V1.5."""

    def layer(x: np.ndarray, name: str, norm: str, stride: int = 1) -> np.ndarray:
        names = tuple(f"{norm}.{w}" for w in ("weight", "bias", "running_mean", "running_var"))
        return normalised(convolved(x, arrays[f"{name}.weight"].transpose(2, 3, 1, 0), stride), arrays, names)  # type: ignore[arg-type]

    x = relu(layer(x, "conv1", "bn1", 2))
    x = pooled(np.pad(x, ((1, 1), (1, 1), (0, 0)), constant_values=-np.inf), lambda n: (n - 3) // 2 + 1)
    for stage, number, _, stride in blocks():
        name = f"layer{stage}.{number - 1}"
        shortcut = layer(x, f"{name}.downsample.0", f"{name}.downsample.1", stride) if number == 1 else x
        y = relu(layer(x, f"{name}.conv1", f"{name}.bn1"))
        y = relu(layer(y, f"{name}.conv2", f"{name}.bn2", stride))
        x = relu(layer(y, f"{name}.conv3", f"{name}.bn3") + shortcut)
    return x.mean(axis=(0, 1))
