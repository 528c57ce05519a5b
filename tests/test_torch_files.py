"""PyTorch's files before 1.6: arrays come back as written, and no file can run anything or take memory."""

from __future__ import annotations

import io
import pickle
import random
import struct
import sys
import tracemalloc
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any
from unittest import mock

import numpy as np
import pytest

from common.errors import UserError
from common.training import torch_files

KINDS = {
    "f8": "Double",
    "f4": "Float",
    "f2": "Half",
    "i8": "Long",
    "i4": "Int",
    "i2": "Short",
    "i1": "Char",
    "u1": "Byte",
}
MACHINE = {"protocol_version": 1001, "little_endian": True, "type_sizes": {"short": 2, "int": 4, "long": 4}}
FRONT = b"".join(pickle.dumps(part, 2) for part in (torch_files.MAGIC, torch_files.VERSION, MACHINE))


def rebuild(*_: Any) -> None:
    """Stands for PyTorch's function, whose name alone is written."""


@dataclass(frozen=True)
class Stored:
    """A storage as PyTorch describes it to pickle."""

    key: str
    values: np.ndarray
    count: int | None = None


@dataclass(frozen=True)
class Tensor:
    """A part of a storage."""

    storage: Stored
    offset: int
    sizes: tuple[Any, ...]
    strides: tuple[Any, ...]

    def __reduce__(self) -> tuple[Any, ...]:
        return rebuild, (self.storage, self.offset, self.sizes, self.strides, False, OrderedDict())


def whole(key: str, values: np.ndarray) -> Tensor:
    """All of a storage, in the order of its array."""
    steps = tuple(step // values.itemsize for step in values.strides)
    return Tensor(Stored(key, values.ravel(order="A")), 0, values.shape, steps)


def pickled(value: Any) -> bytes:
    """A value as PyTorch pickles it, with modules that have only PyTorch's names."""
    modules = {name: ModuleType(name) for name in ("torch", "torch._utils")}
    rebuild.__module__, rebuild.__qualname__ = "torch._utils", "_rebuild_tensor_v2"
    modules["torch._utils"]._rebuild_tensor_v2 = rebuild  # type: ignore[attr-defined]
    for name in KINDS.values():
        setattr(modules["torch"], f"{name}Storage", type(f"{name}Storage", (), {"__module__": "torch"}))

    class Pickler(pickle.Pickler):
        def persistent_id(self, item: Any) -> Any:
            if not isinstance(item, Stored):
                return None
            kind = getattr(modules["torch"], f"{KINDS[item.values.dtype.str[1:]]}Storage")
            count = item.values.size if item.count is None else item.count
            return "storage", kind, item.key, "cuda:0", count, None

    file = io.BytesIO()
    with mock.patch.dict(sys.modules, modules):
        Pickler(file, 2).dump(value)
    return file.getvalue()


def storages_of(tensors: dict[str, Tensor]) -> bytes:
    """The keys, and the elements behind them."""
    storages = dict(sorted({tensor.storage.key: tensor.storage.values for tensor in tensors.values()}.items()))
    elements = [struct.pack("<q", values.size) + values.tobytes() for values in storages.values()]
    return pickle.dumps(list(storages), 2) + b"".join(elements)


def file_of(tensors: dict[str, Tensor]) -> bytes:
    """A file as `torch.save` writes it for the state of a network, with the versions of its modules."""
    state = OrderedDict(tensors)
    state._metadata = OrderedDict({"": {"version": 1}, "bn": {"version": 2}})  # type: ignore[attr-defined]
    return FRONT + pickled(state) + storages_of(tensors)


def read(content: bytes, folder: Path) -> dict[str, np.ndarray]:
    path = folder / "network.pth"
    path.write_bytes(content)
    return torch_files.read(path)


def test_arrays_come_back_as_written(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    arrays = {f"layer.{kind}": (rng.normal(size=(2, 3, 4)) * 50).astype(f"<{kind}", order="C") for kind in KINDS}
    arrays |= {"scalar": np.array(1600), "one": np.ones(1, np.float32), "none": np.zeros((0, 3), np.float32)}
    arrays |= {"transposed": rng.normal(size=(5, 3)).T, "columns": np.asfortranarray(rng.normal(size=(2, 3, 4)))}
    arrays |= {f"many.{number}": np.full(2, number, np.float32) for number in range(1100)}  # over one batch of pickle
    found = read(file_of({name: whole(f"key {name}", array) for name, array in arrays.items()}), tmp_path)
    assert list(found) == list(arrays)
    for name, array in arrays.items():
        assert (found[name].dtype, found[name].shape) == (array.dtype, array.shape), name
        np.testing.assert_array_equal(found[name], array)


def test_parts_of_one_storage_come_back(tmp_path: Path) -> None:
    shared = Stored("7", np.arange(12, dtype=np.float32))
    tensors = {
        "row": Tensor(shared, 4, (4,), (1,)),
        "column": Tensor(shared, 1, (3,), (4,)),
        "windows": Tensor(shared, 0, (2, 3), (1, 1)),
        "last": Tensor(shared, 11, (), ()),
        "repeated": Tensor(shared, 2, (5,), (0,)),
    }
    found = {name: array.tolist() for name, array in read(file_of(tensors), tmp_path).items()}
    assert found == {
        "row": [4, 5, 6, 7],
        "column": [1, 5, 9],
        "windows": [[0, 1, 2], [1, 2, 3]],
        "last": 11,
        "repeated": [2] * 5,
    }


# ---------------------------------------------------------------- files that are refused

VALUES = np.arange(6, dtype=np.float32)
GOOD = {"w": whole("1", VALUES.reshape(2, 3))}
RUNS = b"cos\nsystem\n"


def having(state: bytes, behind: bytes = storages_of(GOOD)) -> bytes:
    """A file whose dictionary is another pickle."""
    return FRONT + state + behind


def tensor(offset: Any = 0, sizes: Any = (2, 3), strides: Any = (3, 1), count: int | None = None) -> bytes:
    """A file with one array of any shape in a storage of six elements."""
    return having(pickled({"w": Tensor(Stored("1", VALUES, count), offset, sizes, strides)}))


def text(value: str) -> bytes:
    return b"X" + struct.pack("<I", len(value)) + value.encode()


def nested(depth: int) -> bytes:
    return having(b"\x80\x02" + b"]" + b"\x85" * depth + b".")


CALL = b"X\x04\x00\x00\x00true\x85R"
TWO = {"a": whole("1", VALUES), "b": whole("2", VALUES)}
CLASHING = pickled({"a": GOOD["w"], "b": whole("1", VALUES[:3])})
HOSTILE: dict[str, bytes] = {
    "a function": having(b"\x80\x02" + RUNS + CALL + b"."),
    "a function in the magic number": b"\x80\x02" + RUNS + CALL + b"." + FRONT,
    "a function behind the arrays": having(pickled(GOOD)[:-1] + b"0" + RUNS + CALL + b"."),
    "a function among the keys": FRONT + pickled(GOOD) + b"\x80\x02]" + RUNS + CALL + b"a.",
    "a function by name on the stack": having(b"\x80\x04" + text("os") + text("system") + b"\x93" + CALL + b"."),
    "a name of PyTorch as text": having(b"\x80\x02" + text("collections OrderedDict") + b")R."),
    "an instance": having(b"\x80\x02(" + text("true") + b"ios\nsystem\n."),
    "an object": having(b"\x80\x02(" + RUNS + text("true") + b"o."),
    "a new object": having(b"\x80\x02ccollections\nOrderedDict\n)\x81."),
    "an extension": having(b"\x80\x02\x82\x01."),
    "another persistent id": having(b"\x80\x02Pos.system\n."),
    "another function of PyTorch": having(pickled(GOOD).replace(b"_rebuild_tensor_v2", b"_import_dotted_name")),
    "an argument for OrderedDict": having(b"\x80\x02ccollections\nOrderedDict\n]\x85R."),
    "a state for another object": having(b"\x80\x02}" + RUNS + b"}b."),
    "a state for a dictionary": having(b"\x80\x02}}b."),
    "a loop": having(b"\x80\x02]q\x00h\x00a."),
    "deep tuples": nested(300_000),
    "too many instructions": nested(torch_files.MOST_INSTRUCTIONS),
    "an unknown memo": having(b"\x80\x02h\x07."),
    "a memo twice": having(b"\x80\x02}q\x00]q\x000."),
    "an empty stack": having(b"\x80\x02\x85."),
    "an open mark": having(b"\x80\x02(}."),
    "two values": having(b"\x80\x02}}."),
    "a key twice": having(pickled(TWO).replace(text("b"), text("a")), storages_of(TWO)),
    "a tuple as key": having(b"\x80\x02}])s."),
    "a text of 4 GiB": having(b"\x80\x02X\xff\xff\xff\xff"),
    "a long number": having(b"\x80\x02\x8b\xff\xff\xff\x7f\x01."),
    "no dictionary": having(pickled([1])),
    "a number as array": having(pickled({"w": 1})),
    "a negative size": tensor(sizes=(-2, -3)),
    "a negative stride": tensor(offset=5, strides=(-3, -1)),
    "a negative offset": tensor(offset=-1),
    "a size of another type": tensor(sizes=(2.0, 3)),
    "a size that is true": tensor(sizes=(True, 3)),
    "more strides than sizes": tensor(strides=(3, 1, 1)),
    "a huge size": tensor(sizes=(2**62, 4), strides=(0, 0)),
    "a size of many digits": tensor(sizes=(2**1990,) * 20, strides=(0,) * 20),
    "a huge stride": tensor(strides=(2**62, 1)),
    "one element too far": tensor(offset=1),
    "a column too far": tensor(sizes=(2, 2), strides=(5, 1)),
    "many axes": tensor(sizes=(1,) * 70, strides=(1,) * 70),
    "a huge empty array": tensor(sizes=(0, *[2**25] * 8), strides=(1,) * 9),
    "a huge storage": tensor(count=2**62),
    "a storage one longer": tensor(count=7),
    "a negative storage": tensor(count=-6),
    "one key for two storages": having(CLASHING),
    "a missing key": having(pickled(GOOD), pickle.dumps([], 2)),
    "a key too many": having(pickled(GOOD), storages_of(TWO)),
    "a repeated key": having(pickled(GOOD), pickle.dumps(["1", "1"], 2) + storages_of(GOOD)[12:] * 2),
    "keys that are numbers": having(pickled(GOOD), pickle.dumps([1], 2)),
    "bytes behind": file_of(GOOD) + b"\0",
    "big-endian": file_of(GOOD).replace(text("little_endian") + b"q\x02\x88", text("little_endian") + b"q\x02\x89"),
    "another version": pickle.dumps(torch_files.MAGIC, 2) + pickle.dumps(1002, 2),
    "a plain pickle": pickle.dumps({"w": 1}, 2),
    "nothing": b"",
    "a picture": b"\x89PNG\r\n\x1a\n" + bytes(100),
}


def refused(content: bytes, folder: Path) -> str:
    with pytest.raises(UserError) as caught:
        read(content, folder)
    message = str(caught.value)
    assert message.startswith(str(folder / "network.pth"))
    assert "torch.save" in message
    assert len(message) < 600
    return message


@pytest.fixture(scope="module")
def executed() -> list[str]:
    """The events of Python in this module that run or import something."""
    events: list[str] = []
    watched = {"os.system", "os.exec", "os.posix_spawn", "subprocess.Popen", "exec", "compile", "import"}
    sys.addaudithook(lambda event, _: events.append(event) if event in {*watched, "pickle.find_class"} else None)
    return events


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_file_is_refused_and_runs_nothing(name: str, executed: list[str], tmp_path: Path) -> None:
    path = tmp_path / "network.pth"
    path.write_bytes(HOSTILE[name])
    executed.clear()
    try:
        torch_files.read(path)
    except UserError:
        ran = list(executed)
    assert not ran
    refused(HOSTILE[name], tmp_path)


def test_every_file_that_was_cut_short_is_refused(tmp_path: Path) -> None:
    content = file_of(GOOD)
    for length in range(len(content)):
        refused(content[:length], tmp_path)


@pytest.mark.filterwarnings("ignore:invalid escape sequence")  # of a text that an instruction has, which is refused
def test_a_damaged_file_gives_arrays_or_one_line(tmp_path: Path) -> None:
    content, rng = file_of(TWO), random.Random(2)
    for _ in range(400):
        damaged = bytearray(content)
        for _ in range(rng.randint(1, 4)):
            damaged[rng.randrange(len(damaged))] = rng.randrange(256)
        try:
            found = read(bytes(damaged), tmp_path)
        except UserError:
            continue
        assert sum(array.size for array in found.values()) <= 2 * VALUES.size


@pytest.mark.parametrize("name", ["a huge size", "a huge storage", "a text of 4 GiB", "a huge empty array"])
def test_a_small_file_takes_little_memory(name: str, tmp_path: Path) -> None:
    tracemalloc.start()
    try:
        refused(HOSTILE[name], tmp_path)
        assert tracemalloc.get_traced_memory()[1] < 2**20
    finally:
        tracemalloc.stop()


def test_the_zip_format_is_named(tmp_path: Path) -> None:
    assert "zip format" in refused(b"PK\x03\x04" + bytes(100), tmp_path)


@pytest.mark.parametrize("make", [Path.mkdir, lambda _: None])
def test_what_is_no_file_is_refused(make: Callable[[Path], None], tmp_path: Path) -> None:
    make(tmp_path / "network.pth")
    with pytest.raises(UserError, match=r"network\.pth: cannot be opened"):
        torch_files.read(tmp_path / "network.pth")


def test_a_large_file_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch_files, "LARGEST", 1000)
    assert "1000 bytes" in refused(FRONT + bytes(1000), tmp_path)
