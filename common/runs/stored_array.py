"""An array in a file, for inputs that would take much memory."""

from __future__ import annotations

import math
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray


class StoredArray:
    """An array (n, ...) in a temporary file in `folder`, from which rows are read one by one; not for several threads.

    It takes no memory of the process; the system keeps as much of the file in memory as there is room for, and deletes
    it when the process ends, also if it is killed. Raises OSError if the file cannot be written or read.
    """

    def __init__(self, values: NDArray[Any], folder: Path) -> None:
        self.shape, self.dtype = values.shape, values.dtype
        folder.mkdir(parents=True, exist_ok=True)
        self._file = tempfile.TemporaryFile(dir=folder, buffering=0)  # noqa: SIM115, open as long as this object
        with open(self._file.fileno(), "wb", closefd=False) as file:  # ndarray.tofile does not notice every full disk
            for row in values:
                file.write(np.ascontiguousarray(row).data)

    def __getitem__(self, rows: Any) -> NDArray[Any]:
        """The rows at these positions, each at least 0: an int array, or one int."""
        result = np.empty((*np.shape(rows), *self.shape[1:]), self.dtype)
        parts = result.reshape(np.size(rows), math.prod(self.shape[1:])).view(np.uint8)
        for row, part in zip(np.ravel(rows).tolist(), parts, strict=True):
            self._file.seek(row * part.nbytes)
            if self._file.readinto(part.data) != part.nbytes:
                raise OSError(f"row {row} of a stored array cannot be read")
        return result
