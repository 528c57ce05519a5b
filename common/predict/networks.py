"""Trained networks as plain Keras files, which Keras loads without this project."""

from __future__ import annotations

import hashlib
import json
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import keras
from keras import layers

from common.errors import UserError
from common.training.layers import stock
from common.types import Samples, Scaling

ENDING = ".keras"
PIXELS = (1 / 255, 0.0)
"""The scaling of uint8 arrays to 0-1, unless a paper scales them differently."""
MOST_BYTES = 2**32
"""Maximum size of a file, and of its unpacked contents."""
MOST_CONFIGURATION = 2**24
"""Maximum size of a network's description in bytes."""
PARTS = {"metadata.json", "config.json", "model.weights.h5"}
KNOWN = {
    "keras": {"DTypePolicy"},
    "keras.initializers": {
        *("Constant", "GlorotNormal", "GlorotUniform", "HeNormal", "HeUniform", "Ones", "Orthogonal", "RandomNormal"),
        *("RandomUniform", "TruncatedNormal", "VarianceScaling", "Zeros"),
    },
    "keras.layers": {
        *("Activation", "Add", "AdditiveAttention", "Attention", "Average", "AveragePooling1D", "AveragePooling2D"),
        *("AveragePooling3D", "BatchNormalization", "Bidirectional", "Concatenate", "Conv1D", "Conv1DTranspose"),
        *("Conv2D", "Conv2DTranspose", "Conv3D", "Conv3DTranspose", "ConvLSTM1D", "ConvLSTM2D", "ConvLSTM3D"),
        *("Cropping1D", "Cropping2D", "Cropping3D", "Dense", "DepthwiseConv1D", "DepthwiseConv2D", "Dot", "Dropout"),
        *("ELU", "EinsumDense", "Flatten", "GRU", "GlobalAveragePooling1D", "GlobalAveragePooling2D"),
        *("GlobalAveragePooling3D", "GlobalMaxPooling1D", "GlobalMaxPooling2D", "GlobalMaxPooling3D"),
        *("GroupNormalization", "InputLayer", "LSTM", "LayerNormalization", "LeakyReLU", "Masking", "MaxPooling1D"),
        *("MaxPooling2D", "MaxPooling3D", "Maximum", "Minimum", "MultiHeadAttention", "Multiply", "PReLU", "Permute"),
        *("RandomFlip", "ReLU", "RepeatVector", "Rescaling", "Reshape", "SeparableConv1D", "SeparableConv2D"),
        *("SimpleRNN", "Softmax", "SpatialDropout1D", "SpatialDropout2D", "SpatialDropout3D", "Subtract"),
        *("TimeDistributed", "UnitNormalization", "UpSampling1D", "UpSampling2D", "UpSampling3D", "ZeroPadding1D"),
        *("ZeroPadding2D", "ZeroPadding3D"),
    },
    "keras.regularizers": {"L1", "L1L2", "L2"},
    "keras.src.models.functional": {"Functional"},
    "keras.src.ops.numpy": {"Add", "Any", "Flip", "Multiply", "NotEqual", "Subtract"},  # Any, NotEqual: of Masking
}
"""What a file may contain: layers and operations of Keras that only compute."""
VALUES = {"__keras_tensor__", "__numpy__", "__tensor__"}


def save(models: Mapping[str, keras.Model], samples: Samples, scaling: Scaling, folder: Path) -> dict[str, Any]:
    """Write each network into `folder` as `<name>.keras`; returns the card's entries for these files by name.

    A network whose inputs are arrays of `samples` takes them unscaled: uint8, with the scaling inside. Raises
    ValueError for a network with parts that are not `KNOWN`: others could not load it.
    """
    records = {}
    for name, model in models.items():
        file = folder / f"{name}{ENDING}"
        whole = standalone(model, samples, scaling)
        whole.save(file)
        if foreign := sorted(_foreign(_configuration(file))):
            raise ValueError(f"{file.name}: {', '.join(foreign)} must not be part of a saved network")
        records[name] = {
            "file": file.name,
            "sha256": _sha256(file),
            "bytes": file.stat().st_size,
            "parameters": whole.count_params(),
            "reads": {key: _described(entry) for key, entry in whole.input.items()},
            "answers": {key: _described(output) for key, output in whole.output.items()},
        }
    return records


def standalone(model: keras.Model, samples: Samples, scaling: Scaling) -> keras.Model:
    """The same network built from Keras' own layers, not compiled, whose inputs are the uint8 arrays of samples.

    It computes in float32 even if it was trained in mixed precision; its outputs differ only by rounding.
    """
    network = stock(keras.Model(model.input, model.output, name=model.name))  # without loss, which may be a paper's own
    entries, values = {}, {}
    for name, entry in model.input.items():
        array = samples.x.get(name)
        pixels = array is not None and array.dtype == "uint8" and tuple(array.shape[1:]) == tuple(entry.shape[1:])
        entries[name] = layers.Input(entry.shape[1:], dtype="uint8" if pixels else entry.dtype, name=name)
        scaled = layers.Rescaling(*scaling.get(name, PIXELS), name=f"{name}_scaled")
        values[name] = scaled(entries[name]) if pixels else entries[name]
    return keras.Model(entries, network(values), name=model.name)


def load(folder: Path, files: Mapping[str, Any]) -> dict[str, keras.Model]:
    """Load the networks of a card from its files in `folder`; raises UserError for a file that is not a network."""
    networks = {}
    for name, record in files.items():
        file = folder / record["file"]
        if foreign := sorted(_foreign(_configuration(file))):
            raise UserError(f"{file}: contains {foreign[0]}, which no saved network contains; it is not read")
        try:
            model = keras.saving.load_model(file, compile=False, safe_mode=True)
            entries = {key: _described(entry) for key, entry in model.input.items()}
            outputs = {key: _described(output) for key, output in model.output.items()}
        except Exception as error:  # Keras passes on any error of its zip, JSON and HDF5 readers
            reason = " ".join(str(error).split())[:120]
            raise UserError(f"{file}: cannot be read as a Keras network ({reason})") from error
        if entries != record["reads"] or outputs != record["answers"]:
            raise UserError(f"{file}: its inputs or outputs differ from those in its card; it is not used")
        networks[name] = model
    return networks


def _described(tensor: Any) -> dict[str, Any]:
    return {"shape": [None if size is None else int(size) for size in tensor.shape], "dtype": str(tensor.dtype)}


def _configuration(file: Path) -> Any:
    """The description of the network in a file. Raises UserError for a file that is not a Keras file."""
    try:
        with zipfile.ZipFile(file) as archive:
            parts = {part.filename: part.file_size for part in archive.infolist()}
            if set(parts) != PARTS or sum(parts.values()) > MOST_BYTES or parts["config.json"] > MOST_CONFIGURATION:
                raise ValueError("it does not have the three parts of one")
            return json.loads(archive.read("config.json"))
    except (OSError, ValueError, RecursionError, NotImplementedError, RuntimeError, zipfile.BadZipFile) as error:
        raise UserError(f"{file}: not a network saved by Keras ({error}); copy it again") from error


def _foreign(value: Any) -> Iterator[str]:
    """Names of all parts of a description that are not `KNOWN`."""
    waiting = [value]
    while waiting:
        node = waiting.pop()
        if isinstance(node, list):
            waiting += node
        elif isinstance(node, dict):
            waiting += node.values()
            if "class_name" not in node:
                continue
            module, kind = node.get("module"), node["class_name"]
            known = kind in VALUES if module is None else kind in KNOWN.get(str(module), ())
            if not known or node.get("registered_name") not in (None, kind):
                yield f"{module}.{kind}"


def _sha256(file: Path) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
