"""The state of a paper's code between two folds: if training changes it, a later fold may depend on other clips.

This covers the networks that folds share and the modules of the paper's folder: numbers, texts, arrays, lists, dicts
and sets, including the attributes of the paper's own classes and the closures of its functions. For everything else,
such as Keras models, learners and caches of functions, only the identity of the object is compared. A module that is
imported during training is not a change.
"""

from __future__ import annotations

import functools
import hashlib
import sys
from array import array
from collections import deque
from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import fields, is_dataclass
from pathlib import Path
from types import FunctionType, ModuleType, SimpleNamespace
from typing import Any

import numpy as np

Fingerprint = Mapping[str, Mapping[str, str]]
"""Digests by name of the object, by module; those of the networks under an empty name."""
PLAIN = (type(None), bool, int, float, complex, str, bytes, bytearray, array, Path, np.generic)


def fingerprint(networks: object, recipe: object) -> Fingerprint:
    """A digest of each object held by the shared networks and by the modules around a recipe."""
    modules = _modules_around(recipe)
    own = set(modules)
    held = {"": {f"{name!r} on the networks": value for name, value in vars(networks).items()}}
    for module, names in modules.items():
        held[module] = {
            f"{module}.{name}": value
            for name, value in names.items()
            if name[:2] != "__" and not isinstance(value, ModuleType)
        }
    return {name: {key: _digest(value, own) for key, value in values.items()} for name, values in held.items()}


def changed(before: Fingerprint, after: Fingerprint) -> list[str]:
    """The names of what was added, removed or changed, except whole modules that were added."""
    return [
        name
        for module, earlier in before.items()
        for name in dict.fromkeys((*after.get(module, {}), *earlier))
        if earlier.get(name) != after.get(module, {}).get(name)
    ]


def _modules_around(recipe: object) -> dict[str, Mapping[str, object]]:
    """What the module of a recipe and all modules of its package hold, by name.

    Of a shared recipe the module is that of its model, or of the function that makes the model.
    """
    module = getattr(recipe, "model", recipe)
    made_by = getattr(module, "make", None)
    if isinstance(made_by, FunctionType) and not isinstance(module, ModuleType):
        return {made_by.__module__: made_by.__globals__}
    name = module.__name__ if isinstance(module, ModuleType) else str(getattr(module, "__module__", ""))
    package = name.rpartition(".")[0]
    names = [other for other in sys.modules if other == name or (package and other.startswith(f"{package}."))]
    return {other: vars(sys.modules[other]) for other in sorted(names) if isinstance(sys.modules[other], ModuleType)}


def _digest(value: object, own: Set[str]) -> str:
    digest = hashlib.blake2b(digest_size=16)
    for part in _parts(value, own, set()):
        digest.update(part + b"\0")
    return digest.hexdigest()


def _parts(value: Any, own: Set[str], open_: set[int]) -> Iterator[bytes]:
    """Bytes that change when the contents of a value change; `open_` are the containers around it, to end cycles."""
    if isinstance(value, PLAIN):
        yield repr(value).encode()
        return
    if isinstance(value, np.ndarray) and value.dtype != object:
        yield f"{value.dtype} {value.shape}".encode() + np.ascontiguousarray(value).tobytes()
        return
    yield f"{type(value).__module__}.{type(value).__qualname__}".encode()
    if id(value) in open_:
        return
    inside = _inside(value, own)
    if inside is None:
        yield str(id(value)).encode()
        return
    for part in inside:
        yield from _parts(part, own, open_ | {id(value)})


def _inside(value: Any, own: Set[str]) -> Sequence[Any] | None:
    """The parts of a value; None if only the identity of the object is compared."""
    if isinstance(value, Mapping):
        return [part for pair in value.items() for part in pair]
    if isinstance(value, list | tuple | deque):
        return [*value]
    if isinstance(value, np.ndarray):  # of objects
        return [value.shape, *value.ravel().tolist()]
    if isinstance(value, SimpleNamespace):
        return [vars(value)]
    if isinstance(value, set | frozenset):
        return sorted(map(repr, value))
    if isinstance(value, np.random.Generator):
        return [value.bit_generator.state]
    if isinstance(value, functools.partial):
        return [value.func, value.args, value.keywords]
    if getattr(value, "__module__", None) not in own and type(value).__module__ not in own:
        return [getattr(value, field.name) for field in fields(value)] if _is_record(value) else None
    if isinstance(value, FunctionType):
        cells = [cell.cell_contents for cell in value.__closure__ or ()]
        return [value.__defaults__, value.__kwdefaults__, vars(value), *cells]
    if isinstance(value, type):
        return [part for name, part in vars(value).items() if name[:2] != "__" for part in (name, part)]
    slots = [getattr(value, name, None) for name in getattr(type(value), "__slots__", ())]
    return [*slots, *([vars(value)] if hasattr(value, "__dict__") else [])]


def _is_record(value: object) -> bool:
    return is_dataclass(value) and not isinstance(value, type)
