"""Arrays by name from weight files of other projects. Nothing is unpickled or executed; no other file is read."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

Shapes = Mapping[str, tuple[int, ...]]
"""The arrays to read from a file: shapes by name."""
PYTORCH_NAMES = {
    "kernel": "weight",
    "gamma": "weight",
    "beta": "bias",
    "moving_mean": "running_mean",
    "moving_variance": "running_var",
}
"""PyTorch's names for the weights of a convolution or a normalisation of Keras."""
PYTORCH_KERNEL = (3, 2, 0, 1)
"""The axes of a convolution's kernel (height, width, in, out) in PyTorch's order."""
_FLOATS = {"F16", "F32", "F64"}


def from_hdf5(path: Path, shapes: Shapes) -> dict[str, NDArray[np.float32]]:
    """Arrays of a .h5 file of Keras 2, weights or a whole model. A name is `layer/weight`, as `conv1/bn/gamma`.

    Raises ValueError if an array is missing or does not contain floating-point numbers of the expected shape; and the
    errors of h5py for a damaged or other file.
    """
    import h5py

    arrays = {}
    with h5py.File(path, "r") as file:
        for name, shape in shapes.items():
            array = _dataset(_layers(file), name)
            if array is None:
                raise ValueError(f"it has no array {name}")
            _check(name, array.dtype.kind == "f", array.shape, shape)
            arrays[name] = _single(array[()])
    return arrays


def has_layer(path: Path, layer: str) -> bool:
    """Whether a file is an HDF5 file with a group of this name where Keras 2 writes layers."""
    import h5py

    try:
        with h5py.File(path, "r") as file:
            return _inside(_layers(file), layer) is not None
    except Exception:  # any error of h5py: the next reader of the file reports it
        return False


def from_safetensors(path: Path, shapes: Shapes) -> dict[str, NDArray[np.float32]]:
    """Arrays of a .safetensors file.

    Raises ValueError if an array is missing or does not contain floating-point numbers of the expected shape; and the
    errors of the package safetensors for a damaged or other file.
    """
    from safetensors import safe_open

    arrays = {}
    with safe_open(path, framework="numpy") as file:
        names = set(file.keys())
        for name, shape in shapes.items():
            if name not in names:
                raise ValueError(f"it has no array {name}")
            array = file.get_slice(name)
            _check(name, array.get_dtype() in _FLOATS, tuple(array.get_shape()), shape)
            arrays[name] = _single(file.get_tensor(name))
    return arrays


def _check(name: str, floating: bool, shape: tuple[int, ...], wanted: tuple[int, ...]) -> None:
    if not floating:
        raise ValueError(f"{name} does not contain floating-point numbers of 16, 32 or 64 bits")
    if shape != wanted:
        raise ValueError(f"{name} is {'x'.join(map(str, shape))}, not {'x'.join(map(str, wanted))}")


def _single(values: NDArray[Any]) -> NDArray[np.float32]:
    """Values in single precision, where too large values become infinite."""
    with np.errstate(over="ignore"):
        return np.asarray(values, np.float32)


def _layers(file: Any) -> Any:
    """The group with the layers: a named group in a whole model, the file itself if it has only weights."""
    return _inside(file, "model_weights") or file


def _dataset(layers: Any, name: str) -> Any:
    """The array of a layer, whose group lists its arrays as `layer/weight:0`; None if there is none.

    A suffix of the layer's name in the list, which TensorFlow adds when a network is built again, is ignored.
    """
    import h5py

    layer, _, weight = name.rpartition("/")
    group = _inside(layers, layer)
    listed = [] if group is None else [_text(entry) for entry in group.attrs.get("weight_names", ())]
    matching = [entry for entry in listed if entry.rpartition("/")[2].removesuffix(":0") == weight]
    array = _inside(group, matching[0]) if len(matching) == 1 else None
    own = isinstance(array, h5py.Dataset) and not array.external and not array.is_virtual
    return array if own else None  # else its values would come from other files


def _inside(group: Any, name: str) -> Any:
    """The object at a path below a group, reached only by hard links; None if there is none."""
    import h5py

    here = group
    for part in name.split("/"):
        if not isinstance(here, h5py.Group) or not isinstance(here.get(part, getlink=True), h5py.HardLink):
            return None
        here = here[part]
    return here


def _text(entry: Any) -> str:
    return entry.decode("utf-8") if isinstance(entry, bytes) else str(entry)
