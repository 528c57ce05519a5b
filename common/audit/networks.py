"""Check whether printed layer tables and parameter counts follow from the layers."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from common.audit.basics import by_arithmetic, note, source
from common.audit.finding import Finding
from common.errors import listed
from common.scoring.claims import Keys, keys

FACTS: Keys = {
    **keys("parameters"),
    "parameter_layers": {
        **keys("what", "open", "values", "source"),
        "parts": {**keys("copies"), "layers": keys("kind", "inputs", "units", "size")},
    },
    "networks": {
        **keys("name", "channels_last", "source"),
        "layers": keys("kind", "output", "filters", "size", "stream", "same"),
    },
}
"""The facts that these checks read."""
Shape = tuple[int, ...]


def networks(facts: Mapping[str, Any]) -> Iterator[Finding]:
    """`networks`: tables of layers (kind, output, and where they apply filters, size and stream), top to bottom.

    Convolutions are without padding unless a layer has `same`; pooling windows do not overlap, and an incomplete one
    counts only if the layer has `same`. Channels come first
    unless the table has `channels_last`. A layer is computed from the correct outputs of the layers above, so that a
    misprint counts only once.
    """
    for table in facts.get("networks", ()):
        last = table.get("channels_last", False)
        streams: dict[int, Shape] = {}
        wrong = []
        for layer in table["layers"]:
            stream, printed = layer.get("stream", 0), _channels_first(layer["output"], last)
            if layer["kind"] == "concatenation":
                joined = [*streams.values()]
                streams = {0: (sum(shape[0] for shape in joined), *joined[0][1:])}
            else:
                streams[stream] = output({**layer, "output": printed}, streams.get(stream, printed))
            if streams[stream] != printed:
                name = f"{layer['kind']}{f' {stream}' if stream else ''}"
                computed = _times(_channels_last(streams[stream], last))
                wrong.append(f"{name} gives {computed}, printed {_times(layer['output'])}")
        statement = f"{table['name']}: "
        if wrong:
            rest = len(table["layers"]) - len(wrong)
            statement += f"{'; '.join(wrong)}; the other {rest} outputs follow from the layers."
        else:
            statement += f"all {len(table['layers'])} outputs follow from the layers."
        yield by_arithmetic("Layer tables", statement, not wrong, str(table["source"]))


def output(layer: Mapping[str, Any], shape: Shape) -> Shape:
    """The output of one layer for an input of `shape`, channels first; the input layer gives its own."""
    kind, size = layer["kind"], layer.get("size", ())
    if kind == "convolution":
        space = shape[-len(size) :]
        if layer.get("same"):
            return (layer["filters"], *space)
        return (layer["filters"], *(n - k + 1 for n, k in zip(space, size, strict=True)))
    if kind == "pooling":
        whole = [divmod(n, k) for n, k in zip(shape[1:], size, strict=True)]
        return (shape[0], *(n + bool(rest and layer.get("same")) for n, rest in whole))
    if kind == "flatten":
        return (math.prod(shape),)
    return tuple(layer["output"]) if kind in ("input", "dense") else shape


# ---------------------------------------------------------------- parameters


def parameters(facts: Mapping[str, Any], built: Mapping[str, int]) -> Iterator[Finding]:
    """The printed number of `parameters` against the models as built, and against the sum over `parameter_layers`.

    The latter hold `parts` of `copies` and layers with `inputs` and `units`, and what the paper leaves open: `open`
    names a number that `inputs` may refer to, and `values` lists the values to try.
    """
    if "parameters" not in facts:
        return
    printed, where = facts["parameters"], source(facts, "parameters")
    if "parameters" in built:
        n_built = built["parameters"]
        statement = f"printed {printed:,} parameters; the models built here have {n_built:,}."
        yield replace(note("Parameters against the models", statement, printed == n_built, where), built=True)
    if given := facts.get("parameter_layers"):
        totals = {
            value: sum(
                part["copies"] * sum(weights(layer, {given["open"]: value}) for layer in part["layers"])
                for part in given["parts"]
            )
            for value in given["values"]
        }
        statement = f"printed {printed:,} parameters; {given['what']} have "
        statement += f"{listed([f'{total:,} with {value}' for value, total in totals.items()])} {given['open']}."
        yield by_arithmetic("Parameters by layers", statement, printed in totals.values(), str(given["source"]))


def weights(layer: Mapping[str, Any], known: Mapping[str, int]) -> int:
    """Weights and biases of a convolution, a dense layer or an LSTM; `known` gives inputs that have a name.

    Of a normalisation, `units` are its maps and `inputs` the values that it learns for each.
    """
    inputs = known.get(layer["inputs"], layer["inputs"])
    units = int(layer["units"])
    if layer["kind"] == "normalisation":
        return units * int(inputs)
    if layer["kind"] == "lstm":
        return 4 * (units * (units + int(inputs)) + units)
    return units * (int(inputs) * math.prod(layer.get("size", ())) + 1)


def _times(shape: Sequence[int]) -> str:
    return " x ".join(f"{n:,}" for n in shape)


def _channels_first(shape: Sequence[int], last: bool) -> Shape:
    return (shape[-1], *shape[:-1]) if last and len(shape) > 1 else tuple(shape)


def _channels_last(shape: Sequence[int], last: bool) -> Shape:
    return (*shape[1:], shape[0]) if last and len(shape) > 1 else tuple(shape)
