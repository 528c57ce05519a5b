"""Arrays by name from files that `torch.save` wrote before PyTorch 1.6. Nothing is unpickled, imported or called.

Such a file is five pickles (a magic number, the format's version, facts on the machine, the dictionary of arrays, the
keys of their storages), and then, for each key, an int64 number of elements and the elements (`torch/serialization.py`,
`_legacy_save`). The few instructions that a dictionary of arrays needs are interpreted here; all others are refused.
"""

from __future__ import annotations

import io
import math
import pickletools
import struct
from collections import OrderedDict
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import numpy as np
from numpy.typing import NDArray

from common.errors import UserError, quoted

LARGEST = 64 * 2**20
"""The most bytes that a file may have."""
MOST_INSTRUCTIONS = 500_000
"""The most instructions that a pickle may have; 1,500 arrays need fewer than 100,000."""
MAGIC, VERSION = 0x1950A86A20F9469CFC6C, 1001
ORDERED, REBUILD = "collections OrderedDict", "torch._utils _rebuild_tensor_v2"
FLOATS = {"Double": "f8", "Float": "f4", "Half": "f2"}
INTEGERS = {"Long": "i8", "Int": "i4", "Short": "i2", "Char": "i1", "Byte": "u1"}
STORAGES = {f"torch {name}Storage": f"<{kind}" for name, kind in (FLOATS | INTEGERS).items()}
VALUES = {"BINUNICODE", "BININT", "BININT1", "BININT2", "LONG1"}
CONSTANTS = {"NONE": None, "NEWTRUE": True, "NEWFALSE": False}
EMPTY = {"EMPTY_DICT": dict, "EMPTY_LIST": list, "EMPTY_TUPLE": tuple}
FIXED = {"TUPLE1": 1, "TUPLE2": 2, "TUPLE3": 3, "APPEND": 1, "SETITEM": 2}
"""How many values an instruction takes from the stack."""


class _Name(str):
    """An allowed name, which stands for itself: nothing is imported."""


class _Storage(NamedTuple):
    """`length` elements of a type of numpy, written under `key`."""

    key: str
    dtype: str
    length: int


class _Tensor(NamedTuple):
    """A part of a storage; offset and strides are in elements."""

    storage: _Storage
    offset: int
    sizes: tuple[int, ...]
    strides: tuple[int, ...]


IDENTITY = [str, _Name, str, str, int, type(None)]
REBUILT_FROM = [_Storage, int, tuple, tuple, bool, OrderedDict]
"""The types of what PyTorch makes an array from; the last two, whether it is trained and its hooks, are ignored."""


def read(path: Path) -> dict[str, NDArray[Any]]:
    """The arrays of a file by name, read-only (float16 to float64, int8 to int64 or uint8).

    Raises UserError for a file of over 64 MiB or in another format, and if names, shapes and bytes do not agree.
    """
    try:
        size = path.stat().st_size
        content = path.read_bytes() if size <= LARGEST else b""
    except OSError as error:
        raise UserError(f"{path}: cannot be opened: {error.strerror}") from error
    if content.startswith(b"PK\x03\x04"):
        convert = "torch.save(torch.load(FILE, weights_only=True), OTHER, _use_new_zipfile_serialization=False)"
        raise UserError(f"{path}: PyTorch's zip format is not read; convert the file with PyTorch: {convert}")
    try:
        if size > LARGEST:
            raise ValueError(f"it has more than {LARGEST} bytes")
        return _read(io.BytesIO(content))
    except (ValueError, KeyError, IndexError) as error:
        reason = str(error)[:160] if isinstance(error, ValueError) else "its pickles are damaged"
        again = "torch.save(network.state_dict(), FILE, _use_new_zipfile_serialization=False)"
        raise UserError(f"{path}: cannot be read as arrays of PyTorch: {reason}; write it again: {again}") from error


def _read(file: BinaryIO) -> dict[str, NDArray[Any]]:
    if _evaluated(file) != MAGIC or _evaluated(file) != VERSION:
        raise ValueError("it does not begin with PyTorch's magic number and version")
    machine, tensors, keys = _evaluated(file), _evaluated(file), _evaluated(file)
    if not isinstance(machine, dict) or machine.get("little_endian") is not True:
        raise ValueError("it was not written on a little-endian machine")
    if not isinstance(tensors, dict) or not all(isinstance(tensor, _Tensor) for tensor in tensors.values()):
        raise ValueError("it is not a dictionary that has only arrays")
    storages: dict[str, _Storage] = {}
    for tensor in tensors.values():
        if storages.setdefault(tensor.storage.key, tensor.storage) != tensor.storage:
            raise ValueError("two different storages have the same key")
    if not isinstance(keys, list) or not all(isinstance(key, str) for key in keys) or sorted(keys) != sorted(storages):
        raise ValueError("its list of keys is not that of the storages of its arrays")
    elements: dict[str, bytes] = {}
    for key in keys:
        _, dtype, length = storages[key]
        header, elements[key] = file.read(8), file.read(length * np.dtype(dtype).itemsize)
        if header != struct.pack("<q", length) or len(elements[key]) < length * np.dtype(dtype).itemsize:
            raise ValueError(f"a storage does not have its {length} elements")
    if file.read(1):
        raise ValueError("it has bytes behind the last array")
    return {name: _array(name, tensor, elements[tensor.storage.key]) for name, tensor in tensors.items()}


def _array(name: str, tensor: _Tensor, elements: bytes) -> NDArray[Any]:
    """The array of a tensor, as a view of the bytes of its storage: memory stays that of the file."""
    (_, kind, length), offset, sizes, strides = tensor
    whole = all(type(value) is int and 0 <= value <= LARGEST for value in (offset, *sizes, *strides))
    if not whole or len(sizes) != len(strides) or len(sizes) > 32 or math.prod(sizes) > length:
        raise ValueError(f"the array {quoted(name)} has an impossible shape, stride or offset")
    dtype = np.dtype(kind)
    if 0 in sizes:
        return np.empty(sizes, dtype)
    if offset + sum((size - 1) * stride for size, stride in zip(sizes, strides, strict=True)) >= length:
        raise ValueError(f"the array {quoted(name)} reaches beyond its storage of {length} elements")
    return np.ndarray(sizes, dtype, elements, offset * dtype.itemsize, [dtype.itemsize * step for step in strides])


def _evaluated(file: BinaryIO) -> Any:
    """The value of the pickle that comes next in the file. Raises errors of lookup, or ValueError with the reason."""
    stack: list[Any] = []
    below: list[list[Any]] = []  # the stacks below each mark
    memo: dict[Any, Any] = {}
    for number, (instruction, value, _) in enumerate(pickletools.genops(file)):
        name = instruction.name
        if number == MOST_INSTRUCTIONS:
            raise ValueError(f"one of its pickles has more than {MOST_INSTRUCTIONS} instructions")
        if name in VALUES or name in CONSTANTS:
            stack.append(CONSTANTS.get(name, value))
        elif name in EMPTY:
            stack.append(EMPTY[name]())
        elif name == "MARK":
            below.append(stack)
            stack = []
        elif name in {"BINPUT", "LONG_BINPUT"} and value not in memo:
            memo[value] = stack[-1]
        elif name in {"BINGET", "LONG_BINGET"}:
            stack.append(memo[value])
        elif name in FIXED:
            _gather(name, [stack.pop() for _ in range(FIXED[name])][::-1], stack)
        elif name in {"TUPLE", "APPENDS", "SETITEMS"}:
            items, stack = stack, below.pop()
            _gather(name, items, stack)
        elif name == "GLOBAL" and value in {ORDERED, REBUILD, *STORAGES}:
            stack.append(_Name(str(value)))
        elif name == "REDUCE":
            arguments = stack.pop()
            stack.append(_called(stack.pop(), arguments))
        elif name == "BINPERSID":
            stack.append(_storage(stack.pop()))
        elif name == "BUILD" and isinstance(stack.pop(), dict) and isinstance(stack[-1], OrderedDict):
            pass  # the versions of a network's modules
        elif name == "STOP" and len(stack) == 1 and not below:
            return stack.pop()
        elif name != "PROTO" or value != 2:
            raise ValueError(f"arrays do not need its instruction {name} {quoted(str(value)) * (name == 'GLOBAL')}")
    raise ValueError("one of its pickles has no end")


def _gather(instruction: str, items: list[Any], stack: list[Any]) -> None:
    """Make a tuple of items on the stack, or put them into the list or dictionary at its top."""
    if instruction.startswith("TUPLE"):
        stack.append(tuple(items))
    elif instruction.startswith("APPEND") and type(stack[-1]) is list:
        stack[-1].extend(items)
    elif instruction.startswith("SETITEM") and isinstance(stack[-1], dict):
        for key, value in zip(items[::2], items[1::2], strict=True):
            if type(key) is not str or key in stack[-1]:
                raise ValueError("it has a key that is not a text, or is there twice")
            stack[-1][key] = value
    else:
        raise ValueError("it puts items into what is not a list or dictionary")


def _called(function: Any, arguments: Any) -> OrderedDict[str, Any] | _Tensor:
    """What one of the two allowed functions would return."""
    if type(function) is _Name and type(arguments) is tuple:
        if function == ORDERED and not arguments:
            return OrderedDict()
        if function == REBUILD and [type(argument) for argument in arguments] == REBUILT_FROM:
            return _Tensor(*arguments[:4])
    raise ValueError("it calls a function otherwise than arrays need")


def _storage(identity: Any) -> _Storage:
    """The storage of a persistent id ("storage", type, key, device, number of elements, None)."""
    if type(identity) is tuple and [type(part) for part in identity] == IDENTITY:
        what, kind, key, _, length, _ = identity
        if what == "storage" and kind in STORAGES and 0 <= length <= LARGEST:
            return _Storage(key, STORAGES[kind], length)
    raise ValueError("it has a storage that is not described as PyTorch does")
