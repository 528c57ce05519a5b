"""The weights that the authors publish, read into this suite's networks.

python -m papers.reddy2019.published_weights weights-improvement-40-0.69.hdf5 --out network.keras

The authors' scripts (bogireddytejareddy/micro-expression-recognition) write `.hdf5` files with Keras 2.0.0, of weights
or of whole models. Their networks read (1, height, width, time): channels come first, so that the flattened values have
another order than here. Their classes of CAS(ME)^2 are angry, happy and disgust, in this order. Only arrays are read,
nothing is unpickled or executed.

The `.keras` file that is written takes the inputs of the paper's page ("face", or "eyes" and "mouth"), scaled as in
`recipe.fit_scaling`, and returns {"emotion": probabilities} in the suite's order of classes.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from common.errors import UserError
from common.training import weight_files
from papers.reddy2019.experiments import CASME_SQ, SMIC, Kind

FILTERS = 32
KERNEL = (3, 3, 15)
SIZES: dict[Kind, int] = {"stcnn": 64, "intermediate": 32, "late": 32}
KINDS: dict[tuple[int, int], Kind] = {(1, 2): "stcnn", (2, 3): "intermediate", (2, 5): "late"}
"""The networks by their numbers of convolutions and dense layers."""
HIDDEN: dict[Kind, tuple[str, ...]] = {
    "stcnn": ("dense", "scores"),
    "intermediate": ("dense_1", "dense_2", "scores"),
    "late": ("dense_1", "dense_3", "dense_2", "dense_4", "scores"),
}
"""This suite's dense layers in the order in which the authors' scripts create them."""
FRAMES = {96: (CASME_SQ.classes, (1, 0, 2)), 18: (SMIC.classes, (0, 1, 2))}
"""By number of frames: the classes here, and the place of each in the authors' order."""


class Published(NamedTuple):
    """A network with published weights, and its classes in the order of its outputs."""

    network: Any
    kind: Kind
    frames: int
    classes: tuple[str, ...]


def read(path: Path) -> Published:
    """The network with the weights of a file. Raises UserError for a file that does not have the authors' layout."""
    try:
        return _read(path)
    except UserError:
        raise
    except Exception as error:  # h5py raises many kinds of errors
        reason = " ".join(str(error).split())[:160]
        raise UserError(f"{path}: cannot be read as weights of reddy2019's authors: {reason}") from error


def _read(path: Path) -> Published:
    convolutions, dense, theano = _layers(path)
    kind = KINDS.get((len(convolutions), len(dense)))
    if kind is None:
        raise ValueError(f"it has {len(convolutions)} 3D convolutions and {len(dense)} dense layers")
    size, streams = SIZES[kind], len(convolutions)
    wanted = {frames: _shapes(kind, frames) for frames in FRAMES}
    arrays, frames = _arrays(path, [*convolutions, *dense], wanted)
    classes, places = FRAMES[frames]
    pooled = ((size - 2) // 3, (size - 2) // 3, (frames - 14) // 3)
    values: dict[str, list[NDArray[np.float32]]] = {}
    for part, layer in zip(("face",) if streams == 1 else ("eyes", "mouth"), convolutions, strict=True):
        kernel, bias = arrays[layer]
        values[f"{part}_convolution"] = [kernel[::-1, ::-1, ::-1] if theano else kernel, bias]
    for name, layer in zip(HIDDEN[kind], dense, strict=True):
        kernel, bias = arrays[layer]
        if len(kernel) % (FILTERS * int(np.prod(pooled))) == 0:
            kernel = _channels_last(kernel, pooled)
        values[name] = [kernel[:, places], bias[list(places)]] if name == "scores" else [kernel, bias]
    from papers.reddy2019 import model

    build = {"stcnn": model.stcnn, "intermediate": model.fusenet_intermediate, "late": model.fusenet_late}[kind]
    network = build(size, frames, len(classes))
    for name, weights in values.items():
        network.get_layer(name).set_weights(weights)
    return Published(network, kind, frames, classes)


def _layers(path: Path) -> tuple[list[str], list[str], bool]:
    """The names of convolutions and dense layers in the order of their numbers, and whether Theano wrote the file."""
    import h5py

    with h5py.File(path, "r") as file:
        whole = isinstance(file.get("model_weights", getlink=True), h5py.HardLink)  # no link to another file
        group = file["model_weights"] if whole else file
        written = {str(_text(place.attrs.get("backend", ""))) for place in (file, group)}
        names = [name for name in group if re.fullmatch(r"(conv3d|convolution3d|dense)(_\d+)?", name)]
    names.sort(key=lambda name: int(f"0{name.rpartition('_')[2]}" if name[-1].isdigit() and "_" in name else 0))
    dense = [name for name in names if name.startswith("dense")]
    return [name for name in names if name not in dense], dense, "theano" in written


def _shapes(kind: Kind, frames: int) -> list[tuple[int, ...]]:
    """The shapes of the kernels of convolutions and then of dense layers, in the authors' order."""
    size = SIZES[kind]
    flat = FILTERS * ((size - 2) // 3) ** 2 * ((frames - 14) // 3)
    hidden: dict[Kind, list[tuple[int, ...]]] = {
        "stcnn": [(flat, 128), (128, 3)],
        "intermediate": [(2 * flat, 1024), (1024, 128), (128, 3)],
        "late": [(flat, 1024), (1024, 128), (flat, 1024), (1024, 128), (256, 3)],
    }
    streams = 1 if kind == "stcnn" else 2
    return [(*KERNEL, 1, FILTERS)] * streams + hidden[kind]


def _arrays(
    path: Path, layers: Sequence[str], wanted: Mapping[int, Sequence[tuple[int, ...]]]
) -> tuple[dict[str, list[NDArray[np.float32]]], int]:
    """Kernel and bias by layer, and the number of frames whose shapes fit. Raises ValueError if none do."""
    reasons = []
    for frames, shapes in wanted.items():
        names = {f"{layer}/kernel": shape for layer, shape in zip(layers, shapes, strict=True)}
        names |= {f"{layer}/bias": shape[-1:] for layer, shape in zip(layers, shapes, strict=True)}
        try:
            arrays = weight_files.from_hdf5(path, names)
        except ValueError as error:
            reasons.append(f"for {frames} frames, {error}")
            continue
        if wrong := [name for name, values in arrays.items() if not np.isfinite(values).all()]:
            raise ValueError(f"{wrong[0]} contains values that are not finite")
        return {layer: [arrays[f"{layer}/kernel"], arrays[f"{layer}/bias"]] for layer in layers}, frames
    raise ValueError("; ".join(reasons))


def _channels_last(kernel: NDArray[np.float32], pooled: tuple[int, ...]) -> NDArray[np.float32]:
    """The kernel after one or two flattened streams of (filters, height, width, time), for channels last."""
    units = kernel.shape[1]
    streams = kernel.reshape(-1, FILTERS, *pooled, units)
    return np.moveaxis(streams, 1, -2).reshape(kernel.shape)


def _text(value: object) -> object:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else value


def main(arguments: Sequence[str] | None = None) -> int:
    """Read a file and write the network. Returns the exit status."""
    parser = argparse.ArgumentParser(
        prog="papers.reddy2019.published_weights",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("file", type=Path, help="a .hdf5 file of the authors")
    parser.add_argument("--out", type=Path, required=True, help="the .keras file to write")
    options = parser.parse_args(arguments)
    if options.out.suffix != ".keras":
        parser.error("--out: the name must end in .keras")
    try:
        found = read(options.file)
        options.out.parent.mkdir(parents=True, exist_ok=True)
        found.network.save(options.out)
    except (UserError, OSError) as error:
        print(error, file=sys.stderr)
        return 2
    print(f"{found.kind}, {found.frames} frames, classes {', '.join(found.classes)}: {options.out}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
