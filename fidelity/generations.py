"""Differences between the generations of Keras that change numbers, and how far each moves a network of the suite.

An effect is the deviation between the suite and a port that does what another generation, or tf_keras by default, does.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from fidelity import compare
from fidelity.compare import FULL, SMALL, Case, build, deviations, inputs, one_hot, targets
from fidelity.networks import NETWORKS
from fidelity.results import DifferenceRow
from fidelity.sides.ours import Built, measure


@dataclass(frozen=True)
class Difference:
    """What differs, what the generations do, the networks that it touches, and what the suite does.

    `effect` measures a deviation of a network, if it can be measured in a few steps; `of` says of what.
    """

    what: str
    generations: str
    touches: str
    suite: str
    of: str = ""
    effect: Callable[[], float] | None = None


def _with(network: str, check: str, change: Callable[[Any], Any], precision: str = SMALL) -> Callable[[], float]:
    """The deviation in a check between a network of the suite and its port after a change."""

    def effect() -> float:
        return _measured(network, change, precision, check in ("steps", "moving variance"), check)

    return effect


def _measured(name: str, change: Callable[[Any], Any], precision: str, steps: bool, check: str) -> float:
    network = next(entry for entry in NETWORKS if entry.name == name)
    built: Built = build(network, network.small, precision)
    x, y = inputs(built, network.small, precision), targets(network, built, network.small, precision)
    true = {key: one_hot(values.shape[-1], network.small.rows).astype(precision) for key, values in y.items()}
    port = network.port(network.small)
    stock = check in ("gradients of ties", "moving variance")  # pooling and normalisation as they are in tf_keras
    port = change(port if stock else port.in_precision(precision))
    theirs = port.measure(built.weights, x, true, network.last, network.small.steps if steps else 0, True)
    own = measure(built, x, y, precision, network.last, steps=steps)
    case = Case(network, network.small, precision, x, y, built.weights, theirs, compare.facts(built))
    if check == "moving variance":
        return max(_relative(own.weights[key], values) for key, values in theirs.weights.items() if "variance" in key)
    return deviations(own, case)["gradients" if check == "gradients of ties" else check]


def _relative(own: Any, theirs: Any) -> float:
    return float(np.abs(own / theirs - 1).max())


def _new_loss(port: Any) -> Any:
    from tf_keras.losses import CategoricalCrossentropy

    return replace(port, parts=[replace(part, loss=CategoricalCrossentropy()) for part in port.parts])


def _gates(name: str) -> Callable[[Any], Any]:
    def change(port: Any) -> Any:
        import tensorflow as tf
        import tf_keras

        function = {"sigmoid": tf_keras.activations.sigmoid, "Keras 3": lambda x: tf.nn.relu6(x + 3) / 6}[name]
        for layer in port.parts[0].model.layers:
            if isinstance(layer, tf_keras.layers.LSTM):
                layer.cell.recurrent_activation = function
        return port

    return change


def _no_decay(port: Any) -> Any:
    def optimizer() -> Any:
        made = port.optimizer()
        made._initial_decay = 0.0
        return made

    return replace(port, optimizer=optimizer)


def _own_decay(port: Any) -> Any:
    """The option `weight_decay` of tf_keras and Keras 3, for kernels."""
    import tf_keras

    def optimizer() -> Any:
        made = tf_keras.optimizers.SGD(1e-3, momentum=0.9, weight_decay=5e-4, jit_compile=False)
        made.exclude_from_weight_decay(var_names=["gamma", "beta", "bias"])
        return made

    return replace(port, optimizer=optimizer)


def _one_term(port: Any) -> Any:
    from tf_keras.losses import CategoricalFocalCrossentropy

    from fidelity.sides.keras2_networks import alpha

    parts = [
        replace(part, loss=CategoricalFocalCrossentropy(alpha=alpha(part.model.output_shape[-1]), gamma=2.0))
        for part in port.parts
    ]
    return replace(port, parts=parts)


def _glorot() -> float:
    import tf_keras

    kernels = [
        tf_keras.initializers.VarianceScaling(scale, "fan_avg", "uniform", seed=0)((3, 3, 15, 1, 32))
        for scale in (15, 1)
    ]
    first, second = (float(np.std(kernel)) for kernel in kernels)
    return first / second - 1


def _same(port: Any) -> Any:
    return port


DIFFERENCES: tuple[Difference, ...] = (
    Difference(
        "Categorical cross-entropy of a softmax",
        "Keras 2.0 to 2.2.4: probabilities divided by their sum and clipped to [1e-7, 1 - 1e-7], so at most 16.1 and "
        "without gradient outside. tf_keras and Keras 3 on TensorFlow: from the scores before the softmax, unbounded.",
        "reddy2019; talluri2022 (variant)",
        "reddy2019 has the clipped loss; talluri2022 names no version: unbounded, with a variant clipped-loss.",
        "loss of MicroExpSTCNN where saturated",
        _with("MicroExpSTCNN", "loss where saturated", _new_loss),
    ),
    Difference(
        "Gates of LSTMs, default",
        "Keras up to 2.2.4: hard sigmoid, 0.2 x + 0.5 clipped to 0-1. Since 2.3.0, in tf_keras and Keras 3: sigmoid.",
        "aouayeb2019",
        "The hard sigmoid of Keras 2; sigmoid-gates is a variant.",
        "probabilities of the LSTM part",
        _with("LSTM part", "outputs", _gates("sigmoid")),
    ),
    Difference(
        "Hard sigmoid",
        "Keras 1 and 2: 0.2 x + 0.5. Keras 3: x / 6 + 0.5, both clipped to 0-1.",
        "aouayeb2019",
        "That of Keras 2, `keras2_hard_sigmoid`.",
        "probabilities of the LSTM part",
        _with("LSTM part", "outputs", _gates("Keras 3")),
    ),
    Difference(
        "Spread of initial 3D kernels",
        "Keras up to 2.0.5 counts two of the three axes of a kernel as its receptive field, 9 for 3 x 3 x 15. Since "
        "2.0.6: all three, 135.",
        "reddy2019",
        "That of Keras 2.0.6 and later: the text gives no initial weights. The variant public-code has that of 2.0.0.",
        "standard deviation of the convolution's kernel",
        _glorot,
    ),
    Difference(
        "Decay of the learning rate",
        "Keras 2: an argument of SGD, rate / (1 + decay t). tf_keras: only in legacy optimizers. Keras 3: ignored.",
        "talluri2022, Model-C",
        "The same formula as a schedule.",
        "weights and losses of Model-C in 50 steps",
        _with("Model-C", "steps", _no_decay),
    ),
    Difference(
        "Weight decay of SGD",
        "Keras 2 has none. tf_keras and Keras 3 scale the weights apart from gradient and momentum.",
        "kumar2019",
        "A penalty of kernels in the loss, so that the momentum includes it.",
        "weights and losses of ResNet34 in 50 steps",
        _with("ResNet34", "steps", _own_decay),
    ),
    Difference(
        "Focal loss",
        "Keras 2 has none. tf_keras and Keras 3: only the term of the true class.",
        "aouayeb2019",
        "Equation 2 with both of its terms.",
        "loss of the LSTM part",
        _with("LSTM part", "loss", _one_term),
    ),
    Difference(
        "Moving variance of normalisation",
        "Keras 2.0 and 3: variance of the batch. Keras 2.2.4 and tf_keras in float32: times n / (n - 1).",
        "kumar2019, talluri2022",
        "That of Keras 3. The more values a channel has in a batch, the less it matters.",
        "moving variances of Model-A after 50 steps at the smallest size",
        _with("Model-A", "moving variance", _same, FULL),
    ),
    Difference(
        "Gradient of pooling over three axes where values are equal",
        "TensorFlow on a CPU: all of them get it in full, up to 27 times as much. XLA, PyTorch: the first gets it.",
        "talluri2022 (normalisation between ReLU and pooling)",
        "The first gets it, on all machines.",
        "gradients of Model-A",
        _with("Model-A", "gradients of ties", _same, FULL),
    ),
    Difference(
        "Order of weights in files, fused kernels, random numbers of dropout and initial weights",
        "Differ between all three.",
        "all",
        "Weights are matched by name. Comparisons draw the same weights for both, with dropout off.",
    ),
)


def rows() -> list[DifferenceRow]:
    """The differences with their measured effects."""
    made = []
    for entry in DIFFERENCES:
        deviation = entry.effect() if entry.effect else None
        made.append(DifferenceRow(entry.what, entry.generations, entry.touches, entry.suite, entry.of, deviation))
    return made
