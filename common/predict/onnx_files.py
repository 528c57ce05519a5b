"""Saved networks as ONNX files, each compared with its Keras network."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from common.errors import StoppedError
from common.files import write_atomically
from common.types import Predictions, Samples

ENDING = ".onnx"
TOLERANCE = 1e-5
"""Maximum difference of an output from that of Keras, relative to the largest value of that output if it exceeds 1."""
MOST_PARAMETERS = 50_000_000
"""Maximum for a network: for VGG19 with 140 million, the converter needed over 24 GB of memory and was killed."""
SUFFIX = "_output"
"""Appended to the name of an output if an input has the same name: in ONNX they must differ."""

Answers = Callable[[Mapping[str, Any], Samples], Predictions]


class Compared:
    """A Keras network that also runs its ONNX file and measures how much the outputs differ."""

    def __init__(self, model: keras.Model, file: Path) -> None:
        import onnxruntime

        self.input, self._model = model.input, model
        self._session = onnxruntime.InferenceSession(file, providers=["CPUExecutionProvider"])
        self.difference = 0.0
        """The largest difference so far, relative as `TOLERANCE` is; infinite if an output is not finite or missing."""

    def predict_on_batch(self, x: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[np.float32]]:
        """The outputs of Keras by name."""
        answers = self._model(x, training=False)
        expected = {name: np.asarray(keras.ops.convert_to_numpy(values)) for name, values in answers.items()}
        entries = {name: np.asarray(x[name], entry.dtype) for name, entry in self.input.items()}
        names = [_name(name, self.input) for name in expected]
        for values, got in zip(expected.values(), self._session.run(names, entries), strict=True):
            apart = float(np.abs(values - got).max()) / max(1.0, float(np.abs(values).max()))
            self.difference = max(self.difference, apart if np.isfinite(apart) else np.inf)
        return expected


def export(
    models: Mapping[str, keras.Model], folder: Path, answers: Answers, clips: Iterable[Samples]
) -> dict[Path, float]:
    """Write each network to `folder` as `<name>.onnx`; returns the files with the largest difference found.

    `answers` asks the networks for the predictions of each clip's samples. Raises StoppedError, and leaves no file, if
    a network is too large or cannot be converted, or if an output differs from that of Keras by more than `TOLERANCE`.
    """
    files = {name: folder / f"{name}{ENDING}" for name in models}
    for name, model in models.items():
        if (count := model.count_params()) > MOST_PARAMETERS:
            raise StoppedError(
                f"--export onnx: {files[name]}: not written, because the network has {count:,} parameters and the "
                f"converter needs too much memory for more than {MOST_PARAMETERS:,}; use the .keras file"
            )
    try:
        for name, model in models.items():
            write_atomically(files[name], partial(_write, model))
        compared = {name: Compared(model, files[name]) for name, model in models.items()}
        for samples in clips:
            answers(compared, samples)
        differences = {files[name]: network.difference for name, network in compared.items()}
        if unequal := {file: value for file, value in differences.items() if not value <= TOLERANCE}:
            told = " and ".join(f"{file} by {value:.1e}" for file, value in unequal.items())
            raise StoppedError(f"--export onnx: the outputs differ from those of Keras, {told}; the files are deleted")
    except (OSError, StoppedError):
        _delete(files.values())
        raise
    except Exception as error:  # the converter and the runtime raise errors of any kind
        _delete(files.values())
        reason = " ".join(str(error).split())[:200]
        raise StoppedError(f"--export onnx: {folder}: cannot be converted, {type(error).__name__}: {reason}") from error
    return differences


def _write(model: keras.Model, file: Path) -> None:
    """Write a network that always predicts: a layer that only acts in training would otherwise act in the file too."""
    outputs = {_name(name, model.input): output for name, output in model(model.input, training=False).items()}
    whole = keras.Model(model.input, outputs)
    whole({name: np.zeros((1, *entry.shape[1:]), entry.dtype) for name, entry in model.input.items()})  # Keras asks
    logging.getLogger("tf2onnx").setLevel(logging.ERROR)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # of numpy, about what Keras adds to it for the converter
        whole.export(file, format="onnx", verbose=False)


def _name(output: str, inputs: Mapping[str, object]) -> str:
    return f"{output}{SUFFIX}" if output in inputs else output


def _delete(files: Iterable[Path]) -> None:
    for file in files:
        file.unlink(missing_ok=True)
