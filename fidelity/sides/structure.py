"""Facts of a network that are read from its layers, in either generation of Keras."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from fidelity.records import Facts

KINDS = {
    "Conv2D": "convolution",
    "Conv3D": "convolution",
    "Dense": "dense",
    "LSTM": "LSTM",
    "MaxPooling2D": "max pooling",
    "MaxPooling3D": "max pooling",
    "Pooling": "max pooling",
    "AveragePooling3D": "average pooling",
    "GlobalAveragePooling2D": "mean",
    "BatchNormalization": "normalisation",
    "Flatten": "flatten",
    "Concatenate": "concatenation",
}
"""What the classes of layers are called; others, such as activations, are passed over."""
INITIALISERS = ("kernel_initializer", "recurrent_initializer", "bias_initializer")


def facts_of(layers: Sequence[Any], name: Callable[[Any], str | None], before: Callable[[Any], Sequence[Any]]) -> Facts:
    """Facts of `layers`; `name` is what the suite calls a layer, None without weights, `before` are its inputs."""
    after: dict[int, list[Any]] = {}
    for layer in layers:
        for parent in before(layer):
            after.setdefault(id(parent), []).append(layer)
    dropouts, initialisers, normalisations = [], {}, {}
    for layer in layers:
        if type(layer).__name__ == "Dropout" and layer.rate:
            first = ", ".join(_nearest(layer, before))
            last = ", ".join(_nearest(layer, lambda other: after.get(id(other), [])))
            dropouts.append(f"{layer.rate:g} after {first} before {last}")
        own = name(layer)
        if own is None:
            continue
        if type(layer).__name__ == "BatchNormalization":
            normalisations[own] = f"momentum {layer.momentum:g}, epsilon {layer.epsilon:g}"
        elif any(hasattr(layer, kind) for kind in INITIALISERS):
            initialisers[own] = ", ".join(
                _described(getattr(layer, kind))
                for kind in INITIALISERS
                if hasattr(layer, kind) and (kind != "bias_initializer" or layer.use_bias)
            ) + (", forget gates open" if getattr(layer, "unit_forget_bias", False) else "")
    return Facts(tuple(sorted(dropouts)), initialisers, normalisations)


def _nearest(layer: Any, towards: Callable[[Any], Sequence[Any]]) -> list[str]:
    """The kinds of the nearest layers in a direction that have one."""
    found = []
    for other in towards(layer):
        kind = next((KINDS[base.__name__] for base in type(other).__mro__ if base.__name__ in KINDS), None)
        found += [kind] if kind else _nearest(other, towards)
    return sorted(found)


def _described(initialiser: Any) -> str:
    if hasattr(initialiser, "scale"):
        return f"{initialiser.scale:g} {initialiser.mode} {initialiser.distribution}"
    return type(initialiser).__name__.removesuffix("Initializer").lower()
