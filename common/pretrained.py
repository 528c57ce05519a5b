"""Weights that others trained, read into all layers of a network but its last. Nothing is unpickled or executed."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np

from common.errors import UserError


def from_file(network: keras.Model, path: Path) -> None:
    """Read a file of Keras weights (.weights.h5, .h5 or .keras) into all layers but the last, which keeps its own.

    The file holds the whole network with any number of classes; of a .keras file the weights alone are read, and its
    description of a model is not. Raises UserError for a file that is none, and for one of another network.
    """
    last = network.layers[-1]
    own = [keras.ops.convert_to_numpy(weight) for weight in last.weights]
    others = [weight for weight in network.weights if not any(weight is mine for mine in last.weights)]
    for weight in others:
        weight.assign(np.full(weight.shape, np.nan, np.float32))  # what the file does not fill stays so
    by_name = {} if path.name.lower().endswith((".weights.h5", ".keras")) else {"by_name": True}
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # that the last layer has another number of classes
            network.load_weights(path, skip_mismatch=True, **by_name)
    except Exception as error:  # Keras passes on whatever its zip and HDF5 readers trip over
        reason = " ".join(str(error).split())[:120]
        raise UserError(f"--weights {path}: cannot be read as weights of {network.name}: {reason}") from error
    empty = sum(not np.isfinite(keras.ops.convert_to_numpy(weight)).all() for weight in others)
    if empty:
        raise UserError(
            f"--weights {path}: gives {len(others) - empty} of the {len(others)} arrays of {network.name} for input "
            f"{'x'.join(map(str, network.input_shape[1:3]))}; name the weights of that network and input size, or run "
            "one network with --experiment"
        )
    for weight, value in zip(last.weights, own, strict=True):
        weight.assign(value)


def from_imagenet(network: keras.Model, build: Callable[..., keras.Model]) -> None:
    """Copy the ImageNet weights of keras.applications, which are downloaded once, into all layers but the last.

    `build` is the function of keras.applications. Raises UserError where the weights cannot be had or do not fit.
    """
    try:
        source = build(weights="imagenet")
    except Exception as error:  # Keras raises a plain Exception for a failed download, ValueError for a damaged one
        reason = " ".join(str(error).split())[-100:]
        raise UserError(
            f"--weights imagenet: the weights of {network.name} cannot be downloaded ({reason}); run once online, "
            "name a copy with --weights FILE, or start from random weights with --weights none"
        ) from error
    for mine, theirs in zip(network.layers[:-1], source.layers[:-1], strict=True):
        if [weight.shape for weight in mine.weights] != [weight.shape for weight in theirs.weights]:
            raise UserError(
                f"--weights imagenet: layer {theirs.name} of {network.name} is made for images of 224x224 pixels, not "
                f"{'x'.join(map(str, network.input_shape[1:3]))}; take --profile paper or --weights none"
            )
        mine.set_weights(theirs.get_weights())
