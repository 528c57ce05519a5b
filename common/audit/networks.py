"""Printed layer tables: does every output follow from the layers above it?"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from common.audit.basics import listed
from common.types import Finding

Shape = tuple[int, ...]


def networks(facts: Mapping[str, Any]) -> Iterator[Finding]:
    """`networks`: tables of layers (kind, output, and where they apply filters, size and stream), top to bottom.

    Convolutions are without padding, pooling windows do not overlap, and channels come first, as such tables print
    them. A layer follows from what the layers above truly give, so that one misprint counts once.
    """
    for table in facts.get("networks", ()):
        streams: dict[int, Shape] = {}
        wrong = []
        for layer in table["layers"]:
            stream, printed = layer.get("stream", 0), tuple(layer["output"])
            if layer["kind"] == "concatenation":
                streams = {0: (sum(shape[0] for shape in streams.values()),)}
            else:
                streams[stream] = output(layer, streams.get(stream, printed))
            if streams[stream] != printed:
                name = f"{layer['kind']}{f' {stream}' if stream else ''}"
                wrong.append(f"{name} gives {_times(streams[stream])}, printed {_times(printed)}")
        statement = f"{table['name']}: "
        if wrong:
            statement += (
                f"{listed(wrong)}; the other {len(table['layers']) - len(wrong)} outputs follow from the layers."
            )
        else:
            statement += f"all {len(table['layers'])} outputs follow from the layers."
        yield Finding("Layer tables", statement, not wrong, str(table["source"]))


def output(layer: Mapping[str, Any], shape: Shape) -> Shape:
    """The output of one layer for an input of `shape`; the input layer gives its own."""
    kind, size = layer["kind"], layer.get("size", ())
    if kind == "convolution":
        space = shape[-len(size) :]
        return (layer["filters"], *(n - k + 1 for n, k in zip(space, size, strict=True)))
    if kind == "pooling":
        return (shape[0], *(n // k for n, k in zip(shape[1:], size, strict=True)))
    if kind == "flatten":
        return (math.prod(shape),)
    return tuple(layer["output"]) if kind in ("input", "dense") else shape


def _times(shape: Sequence[int]) -> str:
    return " x ".join(f"{n:,}" for n in shape)
