"""Large inputs lie in files: the same rows as in memory, and nothing left behind."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import guessing
import numpy as np
import pytest

import papers
import run_all
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
    kept = replace(kept, x={name: values.astype(np.float32) for name, values in kept.x.items()})
    monkeypatch.setattr(preprocessing, "LARGE", 4 * (VALUES.nbytes + VALUES[:, 0].nbytes))
    assert preprocessing.stored(kept, Cache(tmp_path / "cache")) is kept
    monkeypatch.setattr(preprocessing, "LARGE", 4 * (VALUES.nbytes + VALUES[:, 0].nbytes) - 1)
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


@pytest.mark.parametrize("missing", [1, VALUES.nbytes // 2])
def test_a_full_disk_is_named(missing: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    resource = pytest.importorskip("resource")  # a limit on the size of files is like a disk that is full
    monkeypatch.setattr(preprocessing, "LARGE", 0)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (VALUES.nbytes - missing, before[1]))
    try:
        with pytest.raises(UserError, match="File too large; choose another with --cache"):
            preprocessing.stored(some(), Cache(tmp_path))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_run_puts_large_inputs_into_files(
    cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, without_pages: None
) -> None:
    shapes: list[tuple[int, ...]] = []

    class Watched(StoredArray):
        def __init__(self, values: np.ndarray, folder: Path) -> None:
            shapes.append(values.shape[1:])
            super().__init__(values, folder)

    monkeypatch.setattr(papers, "parts", guessing.parts)
    monkeypatch.setattr(preprocessing, "LARGE", 0)
    monkeypatch.setattr(preprocessing, "StoredArray", Watched)
    words = ["--paper", "aouayeb2019", "--experiment", "composite-loso/cnn-in-fold", "--profile", "smoke"]
    assert run_all.main([*words, "--workers", "1", "--out", str(tmp_path), "--cache", str(cache)]) == 0
    assert sorted(set(shapes)) == [(15, 15, 4), (15, 40, 4), (20, 25, 4), (20, 30, 4)]  # the six regions
