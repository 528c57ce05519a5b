"""Training and prediction: a network that is built and compiled once, and trained for each fold."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from common.training.batches import Batches, Inputs, as_float
from common.training.keras_setup import gpus, keras
from common.training.layers import each_layer, for_training
from common.types import Predictions, Rows, Samples


@contextlib.contextmanager
def _computing_in(precision: str) -> Iterator[None]:
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(precision)
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)


SMALL = 2**30
"""Maximum number of bytes, as float32, of the arrays of a fold that are kept in the memory of a GPU."""
Models = Mapping[str, keras.Model]
"""Trained networks by name."""
EpochEnd = Callable[[int, int, float], None]
"""Called after each epoch with (epochs done, epochs in all, loss of the epoch)."""


@dataclass(frozen=True)
class Validation:
    """Rows whose accuracy is measured after every epoch: inputs x, classes `y` (n,), `output` the output to score.

    With `keep_best` the weights of the best epoch are used. If these are the test rows, the selection is an oracle and
    must be called one.
    """

    output: str
    x: Inputs
    y: NDArray[np.integer]
    keep_best: bool = True


class Learner:
    """A Keras model with its loss and optimizer, compiled once.

    `rate` gives the learning rate of an epoch, counted from 0, instead of the optimizer's own.

    `precision` is Keras' policy for the layers, "float32", "mixed_bfloat16" or "mixed_float16"; weights and outputs are
    always float32.

    Every fit starts from the same initial weights (unless it draws its own), dropout stream and optimizer state, so
    that the result of a fold does not depend on earlier folds, and nothing is compiled twice.
    """

    def __init__(
        self,
        build: Callable[[], keras.Model],
        *,
        loss: object,
        optimizer: keras.optimizers.Optimizer,
        batch: int,
        epochs: int,
        seed: int,
        metrics: object | None = None,
        rate: Callable[[int], float] | None = None,
        precision: str = "float32",
    ) -> None:
        self._build, self._precision = build, precision
        self.model = for_training(self._built(seed))
        for layer in each_layer(self.model) if precision != "float32" else ():
            if getattr(layer, "activation", None) is keras.activations.softmax or isinstance(
                layer, keras.layers.Softmax
            ):
                layer.dtype_policy = "float32"  # probabilities: the loss depends on their small differences
        self.model.compile(
            optimizer=optimizer,
            loss=dict.fromkeys(self.model.output, loss),
            metrics={name: [metrics] for name in self.model.output} if metrics else None,
        )
        self.model.optimizer.build(self.model.trainable_variables)
        self._has_metrics = False
        self._batch, self._epochs, self._rate = batch, epochs, rate
        self._state = [*self.model.variables, *self.model.optimizer.variables]
        self._initial = [keras.ops.copy(variable) for variable in self._state]

    def _built(self, seed: int) -> keras.Model:
        # Number unnamed layers from the first one, whatever was built before: with other names TensorFlow sometimes
        # rounded a step differently.
        keras.utils.clear_session(free_memory=False)
        keras.utils.set_random_seed(seed)
        with _computing_in(self._precision):
            return self._build()

    def _make_metrics(self, y: Inputs) -> None:
        """Create the variables of Keras' metrics: if the first step creates them, it is traced twice."""
        if not self._has_metrics:
            wanted = {name: keras.ops.convert_to_tensor(values[:1]) for name, values in y.items()}
            outputs = {name: keras.ops.zeros((1, *output.shape[1:])) for name, output in self.model.output.items()}
            self.model.compute_loss(None, wanted, outputs)
            self.model.compute_metrics(None, wanted, outputs)
            self.model.reset_metrics()
            self._has_metrics = True

    def fit(
        self,
        x: Inputs,
        y: Inputs,
        seed: int,
        epoch_end: EpochEnd | None = None,
        validation: Validation | None = None,
        *,
        epochs: int | None = None,
        redraw: bool = False,
    ) -> dict[str, list[float]]:
        """Train from the initial state; the order of the rows comes from `seed`. Returns metrics by name, per epoch.

        Trains for `epochs`, by default as many as the learner was made for.

        With `redraw` the initial weights also come from `seed`, instead of being the same for every fit.

        x and y are inputs and targets by name, each (n, ...).

        With `validation` the history gains `val_accuracy`, and the model may end with the weights of its best epoch.

        An epoch whose loss or validation outputs are not finite is never the best: all of its metrics are NaN. Once a
        weight is not finite, no later epoch can be, so none is trained; the history is NaN for them.
        """
        epochs = epochs or self._epochs
        self._make_metrics(y)
        for variable, value in zip(self._state, self._initial, strict=True):
            variable.assign(keras.ops.copy(value))  # JAX may reuse the memory of the arguments of a step
        if redraw:
            self.model.set_weights(self._built(seed).get_weights())
        batches = Batches(_on_device(x), _on_device(y), self._batch, np.random.default_rng(seed))
        history: dict[str, list[float]] = {}
        best: list[NDArray[Any]] = []
        most = -1.0
        for epoch in range(epochs):
            metrics = self._epoch(batches, epoch)
            if validation is not None:
                metrics["val_accuracy"] = self._accuracy(validation)
            if not np.isfinite([*metrics.values()]).all():
                metrics = dict.fromkeys(metrics, math.nan)
            elif (
                validation is not None and validation.keep_best and metrics["val_accuracy"] > most
            ):  # ties go to the earliest epoch
                most = metrics["val_accuracy"]
                best = [np.array(keras.ops.convert_to_numpy(weight)) for weight in self.model.weights]
            for name, value in metrics.items():
                history.setdefault(name, []).append(value)
            if epoch_end:
                epoch_end(epoch + 1, epochs, metrics["loss"])
            if math.isnan(metrics["loss"]) and not self._is_finite():
                missing = [math.nan] * (epochs - epoch - 1)
                history = {name: values + missing for name, values in history.items()}
                break
        for weight, value in zip(self.model.weights if best else (), best, strict=True):
            weight.assign(value)
        return history

    def _epoch(self, batches: Batches, epoch: int) -> dict[str, float]:
        """Train on each batch once, then reorder the rows; returns the metrics, means over the rows.

        The steps are those of Keras' `fit`, which sets up a pipeline for each call and never frees all its memory.
        """
        if self._rate:
            self.model.optimizer.learning_rate = self._rate(epoch)
        rows: list[int] = []
        with _left_on_device(self.model) as steps:
            for index in range(len(batches)):
                batch = batches[index]
                self.model.train_on_batch(*batch, return_dict=True)
                rows.append(len(next(iter(batch[0].values()))))
        batches.on_epoch_end()
        sums: dict[str, float] = {}
        for metrics, count in zip(steps, rows, strict=True):
            for name, value in sorted(metrics.items()):
                sums[name] = sums.get(name, 0.0) + float(value) * count
        rate = {"learning_rate": self._rate(epoch)} if self._rate else {}
        return {name: value / batches.rows for name, value in sums.items()} | rate

    def _accuracy(self, validation: Validation) -> float:
        """The accuracy; NaN if an output is not finite, since its largest class would be the first one."""
        answers = self.predict(validation.x)[validation.output]
        return float((answers.argmax(axis=-1) == validation.y).mean()) if np.isfinite(answers).all() else math.nan

    def _is_finite(self) -> bool:
        return all(bool(keras.ops.all(keras.ops.isfinite(weight))) for weight in self.model.weights)

    def predict(self, x: Inputs, model: keras.Model | None = None) -> dict[str, NDArray[np.float32]]:
        """Outputs by name, each (n, ...), of the trained model, or of another that shares its layers.

        Models here take and return dicts by name.
        """
        return predict(model or self.model, x, self._batch)


class _OnDevice:
    """An array in the memory of the GPU, whose rows are read as from the array itself; uint8 is stored as float32.

    TensorFlow can read rows of uint8 only on a CPU.
    """

    def __init__(self, values: NDArray[Any] | Rows) -> None:
        with keras.device("gpu:0") if gpus() else contextlib.nullcontext():
            self._values = keras.ops.convert_to_tensor(as_float(values[:]))

    def __len__(self) -> int:
        return len(self._values)

    def __getitem__(self, rows: NDArray[np.integer]) -> Any:
        return keras.ops.take(self._values, rows, axis=0)


def _on_device(arrays: Inputs) -> Any:
    """Arrays to train on: in the memory of the GPU if there is one and they are small, else as they are."""
    size = sum(4 * math.prod(values.shape) for values in arrays.values())
    return {name: _OnDevice(values) for name, values in arrays.items()} if gpus() and size <= SMALL else arrays


@contextlib.contextmanager
def _left_on_device(model: keras.Model) -> Iterator[list[Mapping[str, Any]]]:
    """Collect the metrics of a model's training steps without fetching them from the device.

    `train_on_batch` converts the metrics that the step returns to numbers, and so waits for each step. Here it receives
    none, so that the next steps can be prepared meanwhile.
    """
    model.make_train_function()
    step, collected = model.train_function, list[Mapping[str, Any]]()

    def collecting(*arguments: Any) -> Any:
        result = step(*arguments)
        if isinstance(result, tuple):  # JAX also returns the new state
            collected.append(result[0])
            return {}, *result[1:]
        collected.append(result)
        return {}

    model.train_function = collecting
    try:
        yield collected
    finally:
        model.train_function = step


def predict(model: keras.Model, x: Inputs, batch: int) -> dict[str, NDArray[np.float32]]:
    """Outputs by name, each (n, ...), of a model that takes and returns dicts by name.

    uint8 inputs are passed unchanged to a model that takes uint8, and scaled to 0-1 for all others.
    """
    raw = {name for name, entry in model.input.items() if entry.dtype == "uint8"}
    batches = Batches(x, None, batch, raw=raw)
    # batch by batch: Keras' `predict` sets up a pipeline for each call, which takes longer than a small network
    outputs = [model.predict_on_batch(batches[index][0]) for index in range(len(batches))]
    return {name: np.concatenate([output[name] for output in outputs]).astype(np.float32) for name in outputs[0]}


def one_hot(samples: Samples, classes: int) -> Inputs:
    """Targets of the output "emotion", (n, classes) float32."""
    return {"emotion": np.eye(classes, dtype=np.float32)[samples.y]}


def by_clip(samples: Samples, outputs: Mapping[str, NDArray[np.float32]]) -> Predictions:
    """The output "emotion" by clip, for a model with one row per clip."""
    return dict(zip(samples.clip.tolist(), outputs["emotion"], strict=True))
