"""Which pixels speak for a class: the gradient of its score with respect to a network's input.

The score is the one before the softmax (Simonyan, Vedaldi, Zisserman, "Deep inside convolutional networks", 2014):
after it, a network that is certain of its prediction has no gradient left. Keras has no function for gradients that
works on all of its backends, but all of them can train. So a weight of the input's shape, initially zero, is added to
the input; with the network fixed, one step of gradient descent with rate 1 on the negative score leaves the gradient in
that weight.
"""

from __future__ import annotations

from pathlib import Path

import keras
import numpy as np
from keras import layers, ops
from numpy.typing import NDArray

from common.files import write_atomically
from common.training.learner import Learner
from common.types import Arrays

FRAMES = 7
"""Number of frames of a clip that are stored for a figure."""
STRONGEST = 0.1
"""Fraction of a clip's pixels, over all frames and inputs, that counts as salient."""


class _Shift(layers.Layer):
    """Adds a trainable array of the input's shape, initially zero."""

    def build(self, shape: tuple[int | None, ...]) -> None:
        self.shift = self.add_weight(shape=shape[1:], initializer="zeros", name="shift")

    def call(self, inputs: keras.KerasTensor) -> keras.KerasTensor:
        return inputs + self.shift


def saliency(model: keras.Model, inputs: Arrays, classes: NDArray[np.integer], scores: str = "scores") -> Arrays:
    """The gradient of the score of class `classes[i]` with respect to row i of every input; float32, shaped like it.

    `model` reads `inputs`, arrays (n, ...) by name; its layer `scores` gives the unnormalised scores (n, classes).
    Dropout is off, and the model is left as it was. uint8 inputs are scaled to 0-1, to which the gradient refers.
    """
    network = keras.Model(model.input, model.get_layer(scores).output)

    def build() -> keras.Model:
        entries = {name: layers.Input(values.shape[1:], name=name) for name, values in inputs.items()}
        shifted = {name: _Shift(name=f"{name}_shift")(entry) for name, entry in entries.items()}
        answer = layers.Lambda(lambda x: network(x, training=False))  # does not own the weights, so they do not change
        return keras.Model(entries, {"scores": answer(shifted)})

    one_step = Learner(
        build,
        loss=lambda wanted, predicted: -ops.sum(wanted * predicted, axis=-1),
        optimizer=keras.optimizers.SGD(1.0),
        batch=1,
        epochs=1,
        seed=0,
    )
    wanted = {"scores": np.eye(network.output.shape[-1], dtype=np.float32)[classes]}
    by_input = {name: np.empty(values.shape, np.float32) for name, values in inputs.items()}
    for row in range(len(classes)):
        row_slice = slice(row, row + 1)
        one_step.fit(
            {name: values[row_slice] for name, values in inputs.items()},
            {"scores": wanted["scores"][row_slice]},
            seed=0,
        )
        for name, gradients in by_input.items():
            gradients[row] = ops.convert_to_numpy(one_step.model.get_layer(f"{name}_shift").shift)
    return by_input


def strongest(gradients: Arrays, share: float = STRONGEST) -> Arrays:
    """Of arrays (n, ...) by name, bool arrays that mark each row's positive values among its largest `share`.

    Each row has its own threshold, over all arrays together: if an input matters little, little of it is marked.
    """
    positive = {name: np.maximum(values, 0) for name, values in gradients.items()}
    rows = np.concatenate([values.reshape(len(values), -1) for values in positive.values()], axis=1)
    threshold = np.quantile(rows, 1 - share, axis=1)
    return {
        name: (values > 0) & (values >= threshold.reshape(-1, *[1] * (values.ndim - 1)))
        for name, values in positive.items()
    }


def save(
    path: Path,
    model: keras.Model,
    inputs: Arrays,
    shown: Arrays,
    classes: NDArray[np.integer],
    clips: list[str],
    labels: list[str],
) -> None:
    """Write the data for a figure of salient pixels to `path`, an .npz file; nothing if there are no clips.

    `inputs` are videos (n, height, width, depth, 1) as the network reads them and `shown` the same videos as uint8 for
    display; `classes` (n,) are those whose scores are explained, `labels` their names. The file contains clips (n,),
    labels (n,), places (frames,), the indices of up to 7 frames in the videos, and per input "shown NAME" uint8 and
    "salient NAME" bool, both (n, height, width, frames).
    """
    if not clips:
        return
    marked = strongest(saliency(model, inputs, classes))
    depth = next(iter(shown.values())).shape[3]
    places = np.unique(np.linspace(0, depth - 1, FRAMES).round().astype(int))
    kept: Arrays = {"clips": np.array(clips), "labels": np.array(labels), "places": places}
    for name in shown:
        kept[f"shown {name}"] = shown[name][..., places, 0]
        kept[f"salient {name}"] = marked[name][..., places, 0]

    def write(target: Path) -> None:
        with target.open("wb") as file:
            np.savez_compressed(file, **kept)  # type: ignore[arg-type]

    write_atomically(path, write)
