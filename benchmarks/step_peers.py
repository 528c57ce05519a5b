"""Processes that run training steps of the papers' networks: in stock Keras, in the suite's Keras, and in PyTorch."""

from __future__ import annotations

import importlib
import os
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from multiprocessing import get_context
from multiprocessing.connection import Connection
from types import SimpleNamespace
from typing import Any

import numpy as np

import papers
from common.contract import Settings
from common.environment import without_stderr
from common.training.weights import NONE, Weights
from common.types import Arrays, Experiment

WARM = 3
"""The number of steps before those that count: the first steps are traced and compiled."""


@dataclass(frozen=True)
class Network:
    """Where a network is found: an experiment, the name of its Learner, and the setting that holds its batch size.

    `changes` are settings that differ from the paper's; with `region` it is only that region's CNN. `port` is its
    function in `torch_ports.py`. With `alone`, a process ends after its turn, because two do not fit into 24 GiB.
    """

    paper: str
    experiment: str
    learner: str = "learner"
    batch: str = "batch"
    changes: Mapping[str, Any] = field(default_factory=dict)
    region: str = ""
    port: str = ""
    alone: bool = False

    def looked_up(self) -> Experiment:
        """The experiment of its paper."""
        return next(e for e in papers.load(self.paper).experiments if e.id == self.experiment)

    def settings(self, rows: int | None = None) -> Settings:
        """The experiment's settings with the changes, and with batches of `rows` rows if given."""
        wanted = {**self.looked_up().settings, **self.changes, **({self.batch: rows} if rows else {})}
        return papers.load(self.paper).profiles["paper"].settings.having(wanted)


_RANDOM = {"weights": Weights(NONE)}
_REGIONS = Network("aouayeb2019", "composite-loso/cnn-in-fold", "cnns", "cnn_batch", port="region_cnns")
NETWORKS = {
    "stcnn": Network("reddy2019", "stcnn-casme_sq/published", port="stcnn"),
    "fusenet-intermediate": Network("reddy2019", "intermediate-casme_sq/published"),
    "fusenet-late": Network("reddy2019", "late-casme_sq/published"),
    "model-a": Network("talluri2022", "model-a-scenario-2/published", port="model_a"),
    "split-model": Network("talluri2022", "split-model-splits/published"),
    "model-c": Network("talluri2022", "model-c-scenario-2/published"),
    "region-cnns": _REGIONS,
    "region-cnn": replace(_REGIONS, region="left_eye"),
    "lstms": replace(_REGIONS, learner="sequences", batch="lstm_batch", changes={"lstm_batch": 64}, port=""),
    "resnet34": Network("kumar2019", "composite-loso/published", alone=True),
    "vgg19": Network("le2020", "vgg19-casme2/published", changes=_RANDOM),
    "resnet50": Network("le2020", "resnet50-casme2/published", changes=_RANDOM),
    "senet50": Network("le2020", "senet50-casme2/published", changes=_RANDOM),
}


@dataclass(frozen=True)
class Facts:
    """A model as built: shapes of a batch's inputs and targets by name, GFLOP of a step, and the device."""

    inputs: Mapping[str, tuple[int, ...]]
    targets: Mapping[str, tuple[int, ...]]
    gflop: float
    device: str


class _StockLearner:
    """The replacement of the suite's Learner for a recipe: unmodified Keras."""

    def __init__(
        self, build: Callable[[], Any], *, loss: Any, optimizer: Any, seed: int, metrics: Any = None, **_: Any
    ) -> None:
        importlib.import_module("keras").utils.set_random_seed(seed)
        self.model = build()
        names = self.model.output
        self.model.compile(
            optimizer=optimizer,
            loss=dict.fromkeys(names, loss),
            metrics={name: [metrics] for name in names} if metrics else None,
        )


def use_stock_keras(*, onednn: bool = False) -> None:
    """Leave Keras and its backend at their defaults in this process, and use plain models instead of Learner's.

    Everything else that a recipe takes from `common.training` is the suite's own. With `onednn`, oneDNN's kernels are
    turned on, as TensorFlow does by itself on some processors. Must run before Keras is imported.
    """
    for name in ("TF_ENABLE_ONEDNN_OPTS", "TF_DETERMINISTIC_OPS"):
        os.environ.pop(name, None)
    if onednn:
        os.environ["TF_ENABLE_ONEDNN_OPTS"] = "1"
    setup: Any = SimpleNamespace(keras=importlib.import_module("keras"), gpus=lambda: 0)
    sys.modules["common.training.keras_setup"] = setup  # the real module configures TensorFlow and the C library
    training: Any = importlib.import_module("common.training.learner")
    training.Learner = _StockLearner


def in_keras(
    network: Network, settings: Settings, *, stock: bool, onednn: bool = False
) -> tuple[Callable[[], object], Facts]:
    """A step of the network that its recipe builds, for a process that has not imported Keras yet.

    The suite's model is that of `common.training.learner.Learner`; the stock model is the one that `use_stock_keras`
    uses instead, with oneDNN if `onednn`.
    """
    if stock:
        use_stock_keras(onednn=onednn)
    importlib.import_module(
        "common.training.learner"
    )  # first, because it sets variables that TensorFlow reads when it is imported
    parts = papers.parts(network.paper)
    recipe, shapes = parts.recipe(), parts.preprocess.shapes(settings)
    if network.region:
        shapes = {network.region: shapes[network.region]}
    networks = recipe.build_networks(settings.network, settings.training, shapes, network.looked_up().labels.classes, 0)
    model = getattr(networks, network.learner).model
    batch = settings.values()[network.batch]
    weighted = (2,) if network.paper == "aouayeb2019" else ()
    facts = Facts(
        {name: (batch, *tensor.shape[1:]) for name, tensor in model.input.items()},
        {name: (batch, *weighted, *tensor.shape[1:]) for name, tensor in model.output.items()},
        3 * batch * importlib.import_module("common.training.flops").forward(model) / 1e9,
        importlib.import_module("keras").distribution.list_devices()[0].lower(),
    )
    x, y = data(facts)
    return lambda: [float(value) for value in model.train_on_batch(x, y, return_dict=True).values()], facts


def in_torch(network: Network, settings: Settings, facts: Facts) -> tuple[Callable[[], object], Facts]:
    """A step of the network's port, on the same inputs and targets."""
    return importlib.import_module("benchmarks.torch_ports").stepper(network.port, *data(facts), settings), facts


def data(facts: Facts) -> tuple[Arrays, Arrays]:
    """A batch of random inputs, and targets: one-hot, or for the focal loss both branches' weights (n, 2, classes)."""
    rng = np.random.default_rng(0)
    x = {name: rng.random(shape, np.float32) for name, shape in facts.inputs.items()}
    y: Arrays = {}
    for name, shape in facts.targets.items():
        true = np.eye(shape[-1], dtype=np.float32)[np.arange(shape[0]) % shape[-1]]
        y[name] = true if len(shape) == 2 else np.stack([true, 1 - true], axis=1) / 2
    return x, y


class Peer:
    """A process that runs steps on request; the answer is None if it has died, perhaps because of too little memory."""

    def __init__(self, *arguments: Any) -> None:
        context = get_context("spawn")
        self._pipe, theirs = context.Pipe()
        self._process = context.Process(target=serve, args=(theirs, *arguments), daemon=True)
        self._process.start()
        theirs.close()

    def answer(self) -> Any:
        """The next message: facts when the process is ready, then the seconds of the requested steps."""
        try:
            return self._pipe.recv()
        except (EOFError, OSError):
            return None

    def steps(self, count: int) -> list[float] | None:
        """Run `count` steps and return their seconds."""
        try:
            self._pipe.send(count)
        except OSError:
            return None
        times: list[float] | None = self.answer()
        return times

    def end(self) -> None:
        """End the process, which frees its memory."""
        self._process.terminate()
        self._process.join()


def serve(pipe: Connection, kind: str, name: str, settings: Settings, facts: Facts | None, onednn: bool) -> None:
    """In a peer's process: build, warm up, report this, and run the requested steps; the stock model with `onednn`.

    `kind` is "stock", "suite" or "torch", or a choice of `step_choices.py` without which the suite's model runs.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ.setdefault("TF_FORCE_GPU_ALLOW_GROWTH", "true")  # peers share a GPU
    os.environ.setdefault("XLA_PYTHON_CLIENT_PREALLOCATE", "false")
    with without_stderr():
        if kind not in ("stock", "suite", "torch"):
            importlib.import_module("benchmarks.step_choices").CHOICES[kind]()
        if facts is None:
            step, facts = in_keras(NETWORKS[name], settings, stock=kind == "stock", onednn=onednn)
        else:
            step, facts = in_torch(NETWORKS[name], settings, facts)
        for _ in range(1 if NETWORKS[name].alone else WARM):
            step()
    pipe.send(facts)
    while True:
        pipe.send([seconds(step) for _ in range(pipe.recv())])


def seconds(do: Callable[[], object]) -> float:
    """How long something takes once."""
    started = time.perf_counter()
    do()
    return time.perf_counter() - started
