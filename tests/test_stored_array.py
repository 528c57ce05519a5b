"""Large inputs lie in files: the same rows as in memory, and nothing left behind."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from common.errors import UserError
from common.runs import preprocessing
from common.runs.cache import Cache
from common.runs.stored_array import StoredArray
from common.types import Rows, Samples

VALUES = np.random.default_rng(0).integers(0, 256, (7, 3, 5, 2), np.uint8)


@pytest.mark.parametrize("values", [VALUES, VALUES[::2], VALUES.astype(np.float32)], ids=["uint8", "every other", "f4"])
@pytest.mark.parametrize(
    "rows",
    [2, -1, slice(None), slice(1, 3), np.array([3, 0, 0]), np.array([], int), np.array([[1, 2], [0, 3]])],
    ids=str,
)
def test_rows_are_those_of_the_array(values: np.ndarray, rows: Any, tmp_path: Path) -> None:
    stored = Rows(StoredArray(values, tmp_path), np.arange(len(values)))
    assert stored[rows].tobytes() == values[rows].tobytes()
    assert stored[rows].shape == values[rows].shape
    assert (stored.shape, stored.dtype, len(stored)) == (values.shape, values.dtype, len(values))
    part = Rows(stored, np.array([3, 1]))
    assert np.array_equal(part[np.array([False, True])], values[[1]])


def test_rows_beyond_the_end_cannot_be_read(tmp_path: Path) -> None:
    stored = StoredArray(VALUES, tmp_path)
    with pytest.raises(OSError, match="row 7"):
        stored[np.array([7])]


def some() -> Samples:
    names = np.array(["smic/s1/a"] * len(VALUES))
    return Samples({"x": VALUES, "z": VALUES[:, 0]}, np.zeros(7, np.int64), names, names, np.arange(7), ("a note",))


def test_large_inputs_are_stored_and_small_ones_are_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kept = some()
    assert preprocessing.stored(kept, Cache(tmp_path / "cache")) is kept
    monkeypatch.setattr(preprocessing, "LARGE", VALUES.nbytes + VALUES[:, 0].nbytes - 1)
    stored = preprocessing.stored(kept, Cache(tmp_path / "cache"))
    assert not any(isinstance(values, np.ndarray) for values in stored.x.values())
    assert all(np.array_equal(stored.x[name], kept.x[name]) for name in kept.x)
    assert stored.notes == kept.notes
    assert stored.clip is kept.clip


def test_no_file_is_left(tmp_path: Path) -> None:
    stored = StoredArray(VALUES, tmp_path / "new")
    assert stored[np.array([0])].shape == (1, 3, 5, 2)
    del stored
    assert not [*(tmp_path / "new").iterdir()]


def test_a_full_disk_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> Callable[..., None]:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(preprocessing, "LARGE", 0)
    monkeypatch.setattr(preprocessing, "StoredArray", full)
    with pytest.raises(UserError, match="No space left on device; choose another with --cache"):
        preprocessing.stored(some(), Cache(tmp_path))
