"""Numbers of a network of the suite against those of its port: outputs, loss, gradients and training steps."""

from __future__ import annotations

import importlib.util
import zlib
from collections.abc import Generator, Iterator, Mapping
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import numpy as np
from numpy.typing import NDArray

import papers
from common.training import learner
from common.training.layers import each_layer
from common.types import Arrays
from fidelity.faults.changes import How, changed, patched, settings_of
from fidelity.networks import PYTORCH, Network
from fidelity.records import Facts, Measured, Size
from fidelity.sides import ours
from fidelity.sides.ours import Built, Change, measure, predicted
from fidelity.sides.structure import facts_of

FULL, SMALL = "float32", "float64"
"""Precision at full size and at the smallest."""
TOLERANCES = {
    (FULL, "outputs"): 1e-5,
    (FULL, "loss"): 1e-5,
    (FULL, "loss where saturated"): 1e-4,
    (FULL, "gradients"): 2e-2,  # rounding may move ReLUs and poolings of VGG19 to the other side; else below 1e-4
    (SMALL, "outputs"): 1e-9,
    (SMALL, "loss"): 1e-9,
    (SMALL, "loss where saturated"): 1e-9,
    (SMALL, "gradients"): 1e-8,
    (SMALL, "steps"): 1e-6,
}
"""The largest deviation that counts as equal, by precision and check."""
FLOOR = 1e-3
"""Gradients are compared relative to the length of their weight's, but at least to this fraction of the longest one:
those of a bias before a normalisation are zero but for rounding."""
LABELS = 4
"""Rows behind the class frequencies of the focal loss."""


@dataclass(frozen=True)
class Case:
    """A network at a size: the inputs and targets of a batch, its initial weights, and what the port computes."""

    network: Network
    size: Size
    precision: str
    x: Arrays
    y: Arrays
    weights: Arrays
    theirs: Measured
    facts: Facts


def labels(classes: int) -> NDArray[np.int64]:
    """The classes of a few rows, of which a batch is the first ones."""
    return np.arange(LABELS) % classes


def build(
    network: Network,
    size: Size,
    precision: str,
    settings: Mapping[str, Any] | None = None,
    change: Change | None = None,
) -> Built:
    """A network of the suite; `change` is applied to its own model, not to another that its paper has."""

    def only_this(model: Any) -> Any:
        own = any(layer.name == network.last for layer in each_layer(model))
        return change(model) if change and own else model

    return ours.build(
        network.paper,
        network.part,
        size,
        3 if network.paper == "aouayeb2019" else network.classes,
        precision,
        {**network.settings, **(settings or {})},
        scales=network.scales,
        change=only_this,
    )


def inputs(built: Built, size: Size, precision: str) -> Arrays:
    """Random inputs of a network in 0-1."""
    drawn = {}
    for name, entry in built.learner.model.input.items():
        rng = np.random.default_rng(zlib.crc32(name.encode()))
        drawn[name] = rng.random((size.rows, *entry.shape[1:]), np.float32).astype(precision)
    return drawn


def targets(network: Network, built: Built, size: Size, precision: str) -> Arrays:
    """Targets of a batch as the suite makes them."""
    made = {}
    for name, output in built.learner.model.output.items():
        classes = output.shape[-1]
        if network.paper == "aouayeb2019":
            from papers.aouayeb2019 import model

            known = labels(classes)
            made[name] = model.focal_targets(known, classes, np.arange(LABELS))[: size.rows].astype(precision)
        else:
            rows: Any = SimpleNamespace(y=labels(classes)[: size.rows])
            made[name] = np.asarray(learner.one_hot(rows, classes)["emotion"], precision)
    return made


def one_hot(classes: int, rows: int) -> NDArray[np.float64]:
    """The true classes of a batch."""
    return np.asarray(np.eye(classes)[labels(classes)[:rows]])


def both(network: Network, size: Size, precision: str, *, steps: bool) -> tuple[Built, Measured, Case]:
    """Measure a network of the suite and its port with the same weights; PyTorch computes at the same time.

    Loss and gradients are those of training, with statistics of the batch, if there are `steps`. At full size, with one
    row in single precision, rounding would dominate them.
    """
    built = build(network, size, precision)
    x, y = inputs(built, size, precision), targets(network, built, size, precision)
    count = size.steps if steps else 0

    def own() -> Measured:
        return measure(built, x, y, precision, network.last, steps=steps, training=steps)

    if network.framework == PYTORCH:
        from fidelity.sides import pytorch_process as process

        true = labels(network.classes)[: size.rows]
        running = process.start(network, size, built.weights, x, true, count, steps)
        measured = own()
        theirs, their_facts = running.result()
    else:
        port = network.port(size)
        their_facts = port.facts()
        true_classes = {name: one_hot(values.shape[-1], size.rows).astype(precision) for name, values in y.items()}
        theirs = port.in_precision(precision).measure(built.weights, x, true_classes, network.last, count, steps)
        measured = own()
    return built, measured, Case(network, size, precision, x, y, built.weights, theirs, their_facts)


def facts(built: Built) -> Facts:
    """Facts of a network of the suite as its paper builds it."""
    layers = [*each_layer(built.model)]
    named = {layer.name for layer in layers if layer.weights}
    return facts_of(layers, lambda layer: layer.name if layer.name in named else None, _before)


def _before(layer: Any) -> list[Any]:
    return [node.operation for node in layer._inbound_nodes[0].parent_nodes] if layer._inbound_nodes else []


def deviations(own: Measured, case: Case) -> dict[str, float]:
    """The largest deviation of outputs, loss, gradients and, if there are any, training steps."""
    theirs = case.theirs
    found = {
        "outputs": _furthest(own.outputs, theirs.outputs),
        "loss": abs(own.loss - theirs.loss) / max(abs(theirs.loss), 1e-12),
        "loss where saturated": abs(own.saturated - theirs.saturated) / max(abs(theirs.saturated), 1e-12),
        "gradients": _of_all(own.gradients, theirs.gradients),
    }
    if len(own.losses):
        # a weight after training is compared relative to the largest one of its layer
        found["steps"] = max(_of_all(own.weights, theirs.weights), _relative(own.losses, theirs.losses))
    return found


def failing(network: Network, case: Case, how: How, check: str) -> Generator[str]:
    """The checks that a change of a network fails, from the cheapest on; training steps only if `check` is that.

    The case is that of the smallest size.
    """
    own = (
        papers.load(network.paper).profiles["paper"].settings.having(dict(network.settings) | settings_of(how)).values()
    )
    if any(own[name] != value for name, value in network.printed.items()):
        yield "settings"
    with patched(how):
        try:
            built = build(network, case.size, case.precision, settings_of(how), lambda model: changed(model, how))
        except ValueError:  # its layers no longer fit together
            yield "building"
            return
        if shapes(built.weights) != shapes(case.weights):
            yield "weights"
            return
        yield from differing(facts(built), case.facts)
        if not _furthest(predicted(built, case.x, case.precision), case.theirs.outputs) <= TOLERANCES[SMALL, "outputs"]:
            yield "outputs"
        y = targets(network, built, case.size, case.precision)
        own_numbers = measure(built, case.x, y, case.precision, network.last, steps=check == "steps")
    for name, deviation in deviations(own_numbers, case).items():
        if name != "outputs" and not deviation <= TOLERANCES[case.precision, name]:
            yield name


def differing(own: Facts, theirs: Facts) -> Iterator[str]:
    """The checks of facts that fail; those that PyTorch's ports leave open are not compared."""
    if own.dropouts != theirs.dropouts:
        yield "dropout"
    if theirs.initialisers and dict(own.initialisers) != dict(theirs.initialisers):
        yield "initialisers"
    if dict(own.normalisations) != dict(theirs.normalisations):
        yield "normalisation"


def shapes(weights: Arrays) -> dict[str, tuple[int, ...]]:
    """The shapes of weights by name."""
    return {name: values.shape for name, values in weights.items()}


def installed(framework: str) -> bool:
    """Whether a framework of the ports is installed."""
    return importlib.util.find_spec("torch" if framework == PYTORCH else "tf_keras") is not None


def _furthest(own: Arrays, theirs: Arrays) -> float:
    return max(_absolute(own[name], values) for name, values in theirs.items())


def _absolute(own: NDArray[Any], theirs: NDArray[Any]) -> float:
    return float(np.abs(own - theirs).max()) if own.shape == theirs.shape else np.inf


def _relative(own: NDArray[Any], theirs: NDArray[Any], least: float = 0.0) -> float:
    """The length of the difference relative to that of `theirs`, at least `least`."""
    if own.shape != theirs.shape or not np.isfinite(own).all():
        return np.inf
    difference = own.astype(np.float64) - theirs
    return float(np.linalg.norm(difference)) / max(float(np.linalg.norm(theirs)), least, 1e-30)


def _of_all(own: Mapping[str, NDArray[Any]], theirs: Mapping[str, NDArray[Any]]) -> float:
    if set(own) != set(theirs):
        return np.inf
    least = FLOOR * max(float(np.linalg.norm(values)) for values in theirs.values())
    return max(_relative(own[name], theirs[name], least) for name in theirs)
