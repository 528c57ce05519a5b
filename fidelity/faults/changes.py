"""How a mutation changes a network or a function of the suite."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from importlib import import_module
from typing import Any

from common.training.keras_setup import keras

from keras import layers, ops  # isort: skip


@dataclass(frozen=True)
class Layers:
    """Other settings of the layers whose names match a pattern."""

    pattern: str
    settings: Mapping[str, Any]


@dataclass(frozen=True)
class Instead:
    """Another kind of layer, one of `KINDS`, in place of those whose names match a pattern."""

    pattern: str
    kind: str


@dataclass(frozen=True)
class Exchanged:
    """Two layers that follow each other, exchanged."""

    first: str
    second: str


@dataclass(frozen=True)
class Settings:
    """Other settings of the paper's profile."""

    values: Mapping[str, Any]


@dataclass(frozen=True)
class Patched:
    """Another function or constant at `module:name`, made from the original."""

    where: str
    replacement: Callable[[Any], Any]


How = Layers | Instead | Exchanged | Settings | Patched | tuple[Any, ...]


class First(layers.Layer):
    """The first of several inputs: a shortcut or a branch is missing."""

    def call(self, inputs: Any) -> Any:
        """Return the first input."""
        return inputs[0]


class Backwards(layers.Concatenate):
    """A concatenation in reverse order."""

    def call(self, inputs: Any) -> Any:
        """Concatenate the inputs, the last one first."""
        return super().call(inputs[::-1])


class Turned(layers.Flatten):
    """Flatten with the first two axes exchanged."""

    def call(self, inputs: Any) -> Any:
        """Exchange two axes, then flatten."""
        return super().call(ops.swapaxes(inputs, 1, 2))


class TimeFirst(layers.Flatten):
    """Flatten with the third axis first: time before space."""

    def call(self, inputs: Any) -> Any:
        """Move the third axis to the front, then flatten."""
        return super().call(ops.moveaxis(inputs, 3, 1))


class OtherGates(layers.LSTM):
    """An LSTM whose input and forget gates are exchanged."""

    def build(self, sequences_shape: Any, initial_state_shape: Any = None) -> None:
        """Exchange the gates of the cell."""
        super().build(sequences_shape, initial_state_shape)
        computed = self.cell._compute_carry_and_output_fused
        self.cell._compute_carry_and_output_fused = lambda z, c: computed((z[1], z[0], *z[2:]), c)


class Average(layers.MaxPooling3D):
    """Average pooling without overlap; TensorFlow has none over three axes in double precision on a CPU."""

    def call(self, inputs: Any) -> Any:
        """Average the values of each window."""
        sizes = [length // size for length, size in zip(inputs.shape[1:4], self.pool_size, strict=True)]
        ends = [size * count for size, count in zip(sizes, self.pool_size, strict=True)]
        cut = inputs[:, : ends[0], : ends[1], : ends[2]]
        pairs = [number for pair in zip(sizes, self.pool_size, strict=True) for number in pair]
        windows = ops.reshape(cut, (-1, *pairs, inputs.shape[4]))
        for axis in (6, 4, 2):  # one after the other: TensorFlow has no gradient of a mean over these three
            windows = ops.mean(windows, axis=axis)
        return windows


class Sum(layers.Layer):
    """The sum over the positions of a map instead of their mean."""

    def call(self, inputs: Any) -> Any:
        """Sum over height and width."""
        return ops.sum(inputs, axis=(1, 2))


KINDS: Mapping[str, Callable[[Any], Any]] = {
    "identity": lambda layer: layers.Identity(name=layer.name),
    "first": lambda layer: First(name=layer.name),
    "backwards": lambda layer: Backwards(name=layer.name),
    "turned": lambda layer: Turned(name=layer.name),
    "time first": lambda layer: TimeFirst(name=layer.name),
    "other gates": lambda layer: OtherGates.from_config(layer.get_config()),
    "average": lambda layer: Average(layer.pool_size, name=layer.name),
    "largest": lambda layer: layers.GlobalMaxPooling2D(name=layer.name),
    "sum": lambda layer: Sum(name=layer.name),
}


def of_layer(how: How, layer: Any, all_layers: Mapping[str, Any]) -> Any:
    """The layer that takes the place of a layer: a copy, unless it is changed."""
    for change in how if isinstance(how, tuple) else (how,):
        if isinstance(change, Layers) and fnmatchcase(layer.name, change.pattern):
            return type(layer).from_config(layer.get_config() | dict(change.settings))
        if isinstance(change, Instead) and fnmatchcase(layer.name, change.pattern):
            return KINDS[change.kind](layer)
        if isinstance(change, Exchanged) and layer.name in (change.first, change.second):
            other = all_layers[change.second if layer.name == change.first else change.first]
            return type(other).from_config(other.get_config() | {"name": layer.name})
    return type(layer).from_config(layer.get_config())


def changed(model: keras.Model, how: How) -> keras.Model:
    """The model with a change. Raises ValueError if the change fits no layer."""
    parts = how if isinstance(how, tuple) else (how,)
    if not any(isinstance(part, Layers | Instead | Exchanged) for part in parts):
        return model
    every = {layer.name: layer for layer in _each(model)}
    names = [
        part.first if isinstance(part, Exchanged) else part.pattern
        for part in parts
        if hasattr(part, "pattern") or isinstance(part, Exchanged)
    ]
    if missing := [name for name in names if not any(fnmatchcase(layer, name) for layer in every)]:
        raise ValueError(f"no layer of {model.name} is called {', '.join(missing)}")
    return keras.models.clone_model(model, clone_function=lambda layer: of_layer(how, layer, every), recursive=True)


def settings_of(how: How) -> dict[str, Any]:
    """The settings that a change sets."""
    parts = how if isinstance(how, tuple) else (how,)
    return {name: value for part in parts if isinstance(part, Settings) for name, value in part.values.items()}


@contextlib.contextmanager
def patched(how: How) -> Iterator[None]:
    """Replace the functions and constants of a change while the block runs."""
    with contextlib.ExitStack() as stack:
        for part in how if isinstance(how, tuple) else (how,):
            if isinstance(part, Patched):
                stack.enter_context(_replaced(part))
        yield


@contextlib.contextmanager
def _replaced(change: Patched) -> Iterator[None]:
    module_name, _, name = change.where.partition(":")
    module: Any = import_module(module_name)
    original = getattr(module, name)
    setattr(module, name, change.replacement(original))
    try:
        yield
    finally:
        setattr(module, name, original)


def _each(model: Any) -> Iterator[Any]:
    for layer in model.layers:
        if isinstance(layer, keras.Model):
            yield from _each(layer)
        else:
            yield layer
