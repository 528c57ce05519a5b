"""Pretrained weights, read into all layers of a network except the last. Nothing is unpickled or executed."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from pathlib import Path

import keras
import numpy as np
from numpy.typing import NDArray

from common.errors import UserError
from common.training.weight_files import Shapes


def from_file(network: keras.Model, path: Path) -> None:
    """Read a file of Keras weights (.weights.h5, .h5 or .keras) into all layers except the last, which keeps its own.

    The file contains the whole network with any number of classes; of a .keras file only the weights are read, not the
    description of the model. Raises UserError for a file without weights, or with weights of another network.
    """
    last = network.layers[-1]
    own = [keras.ops.convert_to_numpy(weight) for weight in last.weights]
    others = [weight for weight in network.weights if not any(weight is last_weight for last_weight in last.weights)]
    for weight in others:
        weight.assign(np.full(weight.shape, np.nan, np.float32))  # arrays that the file does not fill stay NaN
    by_name = {} if path.name.lower().endswith((".weights.h5", ".keras")) else {"by_name": True}
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # it warns that the last layer has another number of classes
            network.load_weights(path, skip_mismatch=True, **by_name)
    except Exception as error:  # Keras passes on any error of its zip and HDF5 readers
        reason = " ".join(str(error).split())[:120]
        raise UserError(f"--weights {path}: cannot be read as weights of {network.name}: {reason}") from error
    empty = sum(not np.isfinite(keras.ops.convert_to_numpy(weight)).all() for weight in others)
    if empty:
        raise UserError(
            f"--weights {path}: contains only {len(others) - empty} of {len(others)} arrays of {network.name} for "
            f"input {'x'.join(map(str, network.input_shape[1:3]))}; give weights for that network and input size, or "
            "run one network with --experiment"
        )
    for weight, value in zip(last.weights, own, strict=True):
        weight.assign(value)


def from_named(
    network: keras.Model,
    path: Path,
    read: Callable[[Path, Shapes], Mapping[str, NDArray[np.float32]]],
    name: Callable[[str, str], str],
    kernel: tuple[int, ...] = (0, 1, 2, 3),
) -> None:
    """Read a file in another project's layout into all layers except the last, which keeps its own; or read nothing.

    `read` is a function of `weight_files`, `name` returns the name of a layer's weight in the file, and `kernel` are
    the axes of a convolution (height, width, in, out) in the file's order: (3, 2, 0, 1) for PyTorch. Raises UserError
    for a file that cannot be read, lacks an array, or has an array of another shape or with non-finite values.
    """
    weights = {name(layer.name, weight.name): weight for layer in network.layers[:-1] for weight in layer.weights}
    order = {
        theirs: kernel if len(weight.shape) == 4 else tuple(range(len(weight.shape)))
        for theirs, weight in weights.items()
    }
    shapes = {theirs: tuple(weight.shape[axis] for axis in order[theirs]) for theirs, weight in weights.items()}
    try:
        values = read(path, shapes)
        if unusable := [theirs for theirs, array in values.items() if not np.isfinite(array).all()]:
            raise ValueError(f"{unusable[0]} contains values that are not finite")
    except Exception as error:  # the readers of HDF5 and safetensors raise many kinds of errors
        reason = " ".join(str(error).split())[:120]
        raise UserError(f"--weights {path}: cannot be read as weights of {network.name}: {reason}") from error
    for theirs, weight in weights.items():
        weight.assign(np.transpose(values[theirs], np.argsort(order[theirs])))


def from_imagenet(network: keras.Model, build: Callable[..., keras.Model]) -> None:
    """Copy the ImageNet weights of keras.applications, which are downloaded once, into all layers except the last.

    `build` is the function of keras.applications, whose network may lack layers without weights, such as dropout.
    Raises UserError if the weights are not available or do not fit.
    """
    try:
        source = build(weights="imagenet")
    except Exception as error:  # Keras raises a plain Exception for a failed download, ValueError for a damaged one
        reason = " ".join(str(error).split())[-100:]
        raise UserError(
            f"--weights imagenet: the weights of {network.name} cannot be downloaded ({reason}); run once online, "
            "give a local copy with --weights FILE, or start from random weights with --weights none"
        ) from error
    own, given = ([layer for layer in model.layers[:-1] if layer.weights] for model in (network, source))
    for layer, theirs in zip(own, given, strict=True):
        if [weight.shape for weight in layer.weights] != [weight.shape for weight in theirs.weights]:
            raise UserError(
                f"--weights imagenet: layer {theirs.name} of {network.name} needs images of 224x224 pixels, not "
                f"{'x'.join(map(str, network.input_shape[1:3]))}; use --profile paper or --weights none"
            )
        layer.set_weights(theirs.get_weights())
