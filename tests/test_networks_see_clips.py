"""Every network at its paper's own sizes, before any training: it predicts different clips differently.

A network whose outputs are the same for all clips trains, is scored and is reported like any other, but cannot learn.
A new folder in papers/ is tested without an edit.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import papers
from common import standin
from common.contract import FoldRun, Settings
from common.corpora import composite
from common.runs.plan import read_data
from common.training.weights import NONE, Weights, starting_from
from common.types import Experiment, Samples
from common.vision.faces import FaceFinder
from common.vision.images import frames_of

pytestmark = pytest.mark.slow

APART = 1e-6
CLIPS = 3
"""One of each class, all of one person."""
ROWS = 8
"""Rows from which normalisation takes its statistics."""


@pytest.fixture(scope="session")
def moving(cache: Path) -> Path:
    """Stand-ins whose faces move far, so that a network that reads motion has something to see."""
    return standin.ensure(cache, subjects=1, clips=CLIPS, motion=8)


def networks_of(key: str) -> Iterator[tuple[Experiment, Settings]]:
    """The first experiment of each network that runs by default, with the paper's settings and random weights.

    Networks that differ only in how they are trained, or in the number of classes, count as one. Public maps have no
    stand-ins; the networks on them have the layers of those on recordings.
    """
    paper, parts = papers.load(key), papers.parts(key)
    full = starting_from(paper.profiles["paper"], Weights(NONE)).settings
    known: set[Hashable] = set()
    for experiment in paper.experiments:
        settings = full.having(experiment.settings)
        network = settings.network, tuple(parts.preprocess.shapes(settings).items())
        if not (experiment.on_request or experiment.collected_from) and network not in known:
            known.add(network)
            yield experiment, settings


def untrained(learner: Any, x: Mapping[str, Any], *_: object, **__: object) -> dict[str, list[float]]:
    """Replace `Learner.fit`: the weights stay as they are, and normalisation takes the statistics of the first rows.

    Before that its moving statistics are those of no clip, and the outputs of deep networks all but vanish.
    """
    from common.training.batches import Batches
    from common.training.layers import each_layer
    from common.training.learner import keras

    layers = [layer for layer in each_layer(learner.model) if isinstance(layer, keras.layers.BatchNormalization)]
    for layer in layers:
        layer.momentum = 0.0
    if layers:
        learner.model(Batches(x, None, ROWS)[0][0], training=True)
    return {}


def probabilities(key: str, experiment: Experiment, settings: Settings, samples: Samples, folder: Path) -> np.ndarray:
    """(clips, classes): outputs for the clips of samples, as fitted where there are no epochs, else untrained."""
    parts = papers.parts(key)
    recipe, shapes = parts.recipe(), parts.preprocess.shapes(settings)
    networks = recipe.build_networks(settings.network, settings.training, shapes, experiment.labels.classes, 0)
    fold_run = FoldRun("all clips", 0, settings, lambda *_: None, folder, None)
    trained = recipe.train(networks, replace(experiment, leak_free=True), samples, fold_run)
    return np.stack([*trained.predict(samples).values()])


@pytest.mark.parametrize("key", papers.available())
def test_outputs_differ_between_clips(key: str, moving: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    paper, preprocess, faces = papers.load(key), papers.parts(key).preprocess, FaceFinder()
    papers.parts(key).recipe()  # first: it imports Keras without the startup notes
    from common.training.learner import Learner, keras

    monkeypatch.setattr(Learner, "fit", untrained)

    @cache
    def prepared(corpus: str, labels: str, inputs: Any) -> Any:
        chosen = next(e.labels for e in paper.experiments if e.labels.name == labels)
        pairs = composite.select([read_data(moving, [corpus], paper.images).corpora[corpus]], chosen).clips[:CLIPS]
        return pairs, [preprocess.prepare(frames_of(clip), inputs, faces) for clip, _ in pairs]

    blind = {}
    for experiment, settings in networks_of(key):
        pairs, arrays = prepared(experiment.corpora[0], experiment.labels.name, settings.inputs)
        assert len({clip.id for clip, _ in pairs}) > 1
        samples = preprocess.assemble(pairs, arrays, settings)
        outputs = probabilities(key, experiment, settings, samples, tmp_path)
        keras.utils.clear_session()
        apart = float(np.ptp(outputs, axis=0).max())
        assert np.isfinite(outputs).all(), experiment.id
        if apart <= APART:
            blind[experiment.id] = apart
    assert not blind, f"the same outputs for all clips: {blind}"
