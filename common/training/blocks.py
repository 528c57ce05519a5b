"""A network as the few boxes that a reader can draw: its layers joined to blocks, read from the graph itself.

Layers are told apart by the names of Keras' classes, so this module can be imported without Keras.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from math import prod
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import keras

MOST = 10
"""Blocks in a row, the input among them, above which poolings join the block before them."""
DRAWN_APART = 2
"""Equal branches up to this number are rows of their own; more are one row with their number."""
_POOLINGS = ("Max", "Average", "GlobalMax", "GlobalAverage")
SIDE_BY_SIDE = "parallel "
"""The beginning of the label of layers that do not read each other's outputs."""
KINDS = {
    "input": ("InputLayer",),
    "convolution": tuple(f"{kind}Conv{n}D" for kind in ("", "Depthwise", "Separable") for n in (1, 2, 3)),
    "pooling": tuple(f"{kind}Pooling{n}D" for kind in _POOLINGS for n in (1, 2, 3)),
    "recurrent": ("LSTM", "GRU", "SimpleRNN", "Bidirectional", "ConvLSTM1D", "ConvLSTM2D", "ConvLSTM3D"),
    "dense": ("Dense",),
}
"""The names of the layers that make a block, by its kind."""
_KIND_OF = {name: kind for kind, names in KINDS.items() for name in names}


@dataclass(frozen=True)
class Block:
    """Layers in a row that have one kind and give maps of one size.

    `stage` is the model's name in `Trained.models`, `branch` the inputs of the model that it depends on. `kind` is one
    of `KINDS`, or "other"; `label` says what the layers are, such as "Conv2D 5x5", and `count` how many of them there
    are. `parallel` equal branches have such a block each. `shape` is that of its output, without the batch and with 0
    for an open length; if it `varies` among these branches, the largest length of each axis. `parameters` are those of
    one branch.
    """

    stage: str
    branch: str
    kind: str
    label: str
    count: int
    parallel: int
    shape: tuple[int, ...]
    varies: bool
    parameters: int


@dataclass
class _Step:
    """A call of a layer: its shape, the steps before it, the inputs it depends on, and its own new parameters.

    `depth` is larger than that of all steps before it; `widest` is the most places that a map behind it has.
    """

    layer: Any
    shape: tuple[int, ...]
    before: tuple[int, ...]
    inputs: tuple[str, ...]
    parameters: int
    depth: int
    widest: int


def blocks(models: Mapping[str, keras.Model]) -> tuple[Block, ...]:
    """The blocks of networks in the order in which they compute; none of a model that is not a graph of layers.

    Activations, normalisation, dropout and padding join the block before them, and so does what only weighs the
    channels of a larger map. The blocks of a branch follow each other: those of each input, then those of several.
    """
    if not models:
        return ()  # without loading Keras
    from common.training.flops import is_graph

    return tuple(block for stage, model in models.items() if is_graph(model) for block in _of_model(stage, model))


def _of_model(stage: str, model: keras.Model) -> list[Block]:
    steps: list[_Step] = []
    _walk(model, {}, steps, set())
    for step in reversed(steps):
        for place in step.before:
            steps[place].widest = max(steps[place].widest, step.widest)
    branches = sorted({step.inputs for step in steps}, key=lambda names: (len(names), names))
    rows = [_row(stage, [step for step in steps if step.inputs == inputs]) for inputs in branches]
    rows = [row for row in rows if row]
    joined: list[list[Block]] = []
    for equal in _grouped(rows):
        joined += [_together(equal)] if len(equal) > DRAWN_APART else equal
    return [block for row in joined for block in row]


def _walk(model: keras.Model, made: dict[int, int], steps: list[_Step], counted: set[int]) -> None:
    """Append the calls of a model and of models in it, by depth; `made` is the step that made a tensor, by its id."""
    from common.training.flops import calls, is_graph

    depths = {id(node): -depth for depth, nodes in model._nodes_by_depth.items() for node in nodes}
    order = {id(layer): place for place, layer in enumerate(model.operations)}
    for node in sorted(calls(model), key=lambda node: (depths[id(node)], order[id(node.operation)])):
        layer, given = node.operation, node.input_tensors
        if is_graph(layer):
            made |= {id(own): made[id(tensor)] for own, tensor in zip(layer.inputs, given, strict=True)}
            _walk(layer, made, steps, counted)
            made |= {id(own): made[id(tensor)] for own, tensor in zip(node.output_tensors, layer.outputs, strict=True)}
            continue
        if not given and id(node.output_tensors[0]) in made:
            continue  # the input of a model inside another
        before = tuple(made[id(tensor)] for tensor in given)
        names = {name for place in before for name in steps[place].inputs} or {layer.name}
        shape = tuple(length or 0 for length in node.output_tensors[0].shape[1:]) or (1,)
        own = 0 if id(layer) in counted or not hasattr(layer, "count_params") else layer.count_params()
        counted.add(id(layer))
        made |= {id(tensor): len(steps) for tensor in node.output_tensors}
        depth = 1 + max((steps[place].depth for place in before), default=0)
        steps.append(_Step(layer, shape, before, tuple(sorted(names)), own, depth, prod(shape[:-1])))


def _row(stage: str, steps: Sequence[_Step]) -> list[Block]:
    """The blocks of one branch."""
    parts: list[tuple[str, tuple[int, ...], list[_Step]]] = []
    early: list[_Step] = []
    for step in steps:
        kind, place = _kind(step), step.shape[:-1] or step.shape
        if kind and parts and parts[-1][:2] == (kind, place):
            parts[-1][2].append(step)
        elif kind:
            parts.append((kind, place, [*early, step]))
            early = []
        else:
            (parts[-1][2] if parts else early).append(step)
    if len(parts) > MOST:
        kept: list[tuple[str, tuple[int, ...], list[_Step]]] = []
        for kind, place, members in parts:
            if kind == "pooling" and kept:
                kept[-1][2].extend(members)
            else:
                kept.append((kind, place, members))
        parts = kept
    return [_block(stage, kind, members) for kind, _, members in parts]


def _block(stage: str, kind: str, members: Sequence[_Step]) -> Block:
    counted = [step for step in members if _kind(step) == kind]
    pooled = [step for step in members if _kind(step) == "pooling"] if kind != "pooling" else []
    label = " + ".join(filter(None, (_label(kind, counted), _label("pooling", pooled))))
    if len(counted) > 1 and len({step.depth for step in counted}) == 1:
        label = SIDE_BY_SIDE + label
    last = (pooled or counted)[-1].shape
    same = [step.shape for step in members if step.shape[:-1] == last[:-1]]  # not what is padded for the next layer
    shape = same[-1] if last[:-1] else last  # with all channels, where several layers are joined
    parameters = sum(step.parameters for step in members)
    return Block(stage, ", ".join(counted[0].inputs), kind, label, len(counted), 1, shape, False, parameters)


def _kind(step: _Step) -> str:
    """The kind of block that a call makes, or nothing if it joins the one before."""
    kind = next((_KIND_OF[name] for name in _names(step.layer) if name in _KIND_OF), "")
    if kind != "input" and step.widest > prod(step.shape[:-1]) == 1:
        return ""  # weights of the channels of a map
    if not kind and any(len(weight.shape) > 1 for weight in getattr(step.layer, "weights", ())):
        return "other"
    return kind


def _names(layer: Any) -> Iterable[str]:
    """The names of a layer's class and of those it derives from: this suite has a pooling of its own."""
    return (base.__name__ for base in type(layer).__mro__)


def _label(kind: str, steps: Sequence[_Step]) -> str:
    """What these layers are: "MaxPool 3x3x3", "Conv2D 1x1, 3x3", or the name of an input."""
    if kind == "input":
        return ", ".join(step.layer.name for step in steps)
    sizes: dict[str, dict[str, None]] = {}
    for step in steps:
        name = next((name for name in _names(step.layer) if name in _KIND_OF), type(step.layer).__name__)
        if kind == "pooling":
            name = name.partition("Pooling")[0].replace("Average", "Avg").replace("Global", "global ") + "Pool"
        window = getattr(step.layer, "kernel_size", None) or getattr(step.layer, "pool_size", None)
        own = sizes.setdefault(name, {})
        if window:
            own["x".join(map(str, (window,) if isinstance(window, int) else window))] = None
    return " + ".join(" ".join(filter(None, (name, ", ".join(own)))) for name, own in sizes.items())


def _grouped(rows: Sequence[list[Block]]) -> list[list[list[Block]]]:
    """Rows that follow each other and differ only in their input and in the sizes of their maps."""

    def structure(row: list[Block]) -> list[tuple[Any, ...]]:
        return [(b.kind, b.kind != "input" and b.label, b.count, len(b.shape), b.shape[-1], b.parameters) for b in row]

    return [list(equal) for _, equal in groupby(rows, structure)]


def _together(rows: Sequence[list[Block]]) -> list[Block]:
    """Equal rows as one."""
    names = ", ".join(row[0].branch for row in rows)
    row = []
    for same in zip(*rows, strict=True):
        shapes = {block.shape for block in same}
        largest = tuple(map(max, zip(*shapes, strict=True)))
        label = names if same[0].kind == "input" else same[0].label
        together = {"branch": names, "label": label, "parallel": len(rows), "shape": largest, "varies": len(shapes) > 1}
        row.append(replace(same[0], **together))
    return row
