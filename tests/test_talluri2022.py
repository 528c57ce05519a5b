"""talluri2022 against its text: tables 1, 2 and 4, sequences around the apex, what is trained and what is watched."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import Any

import cv2
import keras
import numpy as np
import pytest
from folds import run_fold
from hypothesis import given
from hypothesis import strategies as st

import papers
from common import corpora
from common.audit import audit
from common.audit.documented import documented
from common.audit.folds import means
from common.contract import Settings
from common.errors import ClipError
from common.protocols.splits import CROSS, LOSO, SPLITS, STRATIFIED, split
from common.types import Clip, Experiment, Samples
from common.vision import alignment
from papers.talluri2022 import model, preprocess
from papers.talluri2022.experiments import LABELS, SCENARIOS, Inputs

PAPER = papers.load("talluri2022")
FULL = PAPER.profiles["paper"].settings
RECIPE: Any = papers.parts("talluri2022").recipe()
EXPERIMENTS = {experiment.id: experiment for experiment in PAPER.experiments}

# ---------------------------------------------------------------- the networks


@pytest.mark.parametrize(
    ("build", "size", "counts"),
    [
        (model.model_a, 128, {36: 1_613_651, 26: 810_835, 30: 1_212_243}),
        (model.split_model, 128, {36: 47_779, 30: 47_779}),
        (model.model_b, 64, {36: 11_473_667, 26: 6_558_467, 30: 8_196_867}),
        (model.model_c, 128, {36: 3_212_803, 26: 1_607_171, 30: 2_409_987}),
    ],
)
def test_parameters(build: Callable[..., keras.Model], size: int, counts: dict[int, int]) -> None:
    assert {frames: build(size, frames, 3).count_params() for frames in counts} == counts


def test_two_convolutions_add_one_and_its_normalisation() -> None:
    single, double = (model.model_c(32, 18, 3, convolutions=n).count_params() for n in (1, 2))
    assert double - single == (27 * 32 + 1) * 32 + 4 * 32


def test_table_2() -> None:
    network = model.model_a(128, 36, 3)
    rows = [layer.output.shape[1:] for layer in network.layers[1:]]
    assert rows == [
        *[(36, 128, 128, 16)] * 2,
        *[(12, 42, 42, 16)] * 4,
        *[(4, 14, 14, 16)] * 2,
        (12_544,),
        *[(128,)] * 2,
        (3,),
    ]
    assert [type(layer).__name__ for layer in network.layers[1:5]] == [
        "Conv3D",
        "BatchNormalization",
        "MaxPooling3D",
        "Dropout",
    ]


def test_training_of_model_c_is_what_keras_2_made_of_its_decay() -> None:
    def optimizer_of(kind: str) -> keras.optimizers.Optimizer:
        settings = FULL.having({"kind": kind})
        return model.training_config(settings.network, settings.training).optimizer

    optimizer = optimizer_of("model-c")
    assert (optimizer.momentum, optimizer.nesterov) == (0.9, True)
    for step in (0, 1, 5000):
        optimizer.iterations.assign(step)
        assert float(optimizer.learning_rate) == pytest.approx(0.001 / (1 + 1e-6 * step))
    assert (optimizer_of("model-a").momentum, optimizer_of("model-b").momentum) == (0.9, 0.0)


# ---------------------------------------------------------------- what is run


def test_table_1_follows_from_the_corpora_with_either_table_of_casme_2() -> None:
    for name, expected in {"casme2": [32, 63, 28], "smic": [51, 70, 43], "samm": [26, 9, 15]}.items():
        for release in corpora.source(name).documented:
            if not release.by_emotion:
                continue
            counts = dict.fromkeys(LABELS.classes, 0)
            for emotion, clips in release.by_emotion.items():
                if (label := LABELS.mapping[name][emotion]) is not None:
                    counts[label] += clips
            if release.source == "table of 2014":  # its three clips of subject 24 are mapped by their names
                counts["surprise"] += sum(key.startswith(f"{name}/sub24/") for key in LABELS.by_clip)
            assert list(counts.values()) == expected


def test_the_training_corpus_fixes_the_length_of_the_sequences() -> None:
    experiments = [EXPERIMENTS[f"model-a-scenario-{n}/published"] for n in SCENARIOS]
    lengths = [FULL.having(experiment.settings).network.frames for experiment in experiments]
    assert lengths == [26, 36, 30, 26, 36, 26, 36, 30]


def test_every_figure_of_tables_3_and_4_has_its_experiment() -> None:
    for number, scenario in SCENARIOS.items():
        for key in ("model-a", "model-b", "model-c"):
            experiment = EXPERIMENTS[f"{key}-scenario-{number}/published"]
            assert experiment.protocol == (CROSS if scenario.target else STRATIFIED)
            assert experiment.leak_free == bool(scenario.target)
            assert bool(scenario.target) or EXPERIMENTS[f"{key}-scenario-{number}/loso"].protocol == LOSO
    assert len([claim for claim in PAPER.claims if claim.source == "Table 4"]) == 24
    assert len([claim for claim in PAPER.claims if claim.source == "Table 3"]) == 2


def test_the_arithmetic_of_the_printed_accuracies() -> None:
    findings = audit(PAPER.facts, PAPER.claims, documented(), {}, PAPER.checks)
    shown = {
        (finding.source, finding.statement.split(" on ")[0]): finding
        for finding in findings
        if "over folds" in finding.topic
    }
    assert len(shown) == 29  # every printed accuracy has one finding
    assert "the smallest 23/27" in shown["Section 8.1 (Run-1)", "split-model-splits 85.2%"].statement
    assert {finding.kind for finding in shown.values() if not finding.holds} == {"note"}
    samm = [c for c in PAPER.claims if c.corpus == "samm"]
    possible = [any(f"{k / 2.5:.1f}" == c.printed for k in range(251)) for c in samm]
    assert (len(possible), sum(possible)) == (9, 2)
    below = [any(f"{k / 2.5 - 0.1:.1f}" == c.printed for k in range(251)) for c in samm]
    assert sum(below) == 6
    single = [np.mean(np.float32(fifths)) for fifths in product(np.arange(20, 25) / 50, repeat=5)]
    assert any(0.443 < mean < 0.444 - 1e-9 and abs(mean - 0.444) < 1e-6 for mean in map(float, single))
    assert [finding.statement.split(" ")[1] for finding in shown.values() if not finding.holds] == ["36.9%"]
    largest = [finding for finding in findings if finding.topic == "More than the largest class"]
    assert {finding.statement.partition(":")[0]: finding.holds for finding in largest} == {
        "casme2": False,
        "smic": False,
        "samm": False,
        "combined": True,
    }
    assert all(finding.holds for finding in findings if finding.topic in ("Layer tables", "Differences in the text"))


@given(st.lists(st.integers(1, 4), min_size=1, max_size=3))
def test_possible_means_are_all_combinations(sizes: list[int]) -> None:
    possible = {0.0}
    for size in sizes:
        possible = {mean + k / size / len(sizes) for mean in possible for k in range(size + 1)}
    assert means(sizes) == pytest.approx(sorted({round(mean, 12) for mean in possible}))


# ---------------------------------------------------------------- sequences


@given(st.integers(1, 80), st.data(), st.sampled_from([26, 30, 36]))
def test_the_apex_is_in_the_middle_and_what_is_missing_repeats_an_end(
    frames: int, data: st.DataObject, length: int
) -> None:
    apex = data.draw(st.integers(0, frames - 1))
    rows = preprocess.sequence(frames, apex, length, True)
    assert len(rows) == length
    assert rows[length // 2] == apex
    wanted = np.arange(apex - length // 2, apex - length // 2 + length)
    inside = (wanted >= 0) & (wanted < frames)
    assert (rows[inside] == wanted[inside]).all()
    assert set(rows[~inside]) <= {0, frames - 1}
    assert preprocess.filled(frames, apex, length, True) == (~inside).sum()
    first = preprocess.sequence(frames, apex, length, False)
    assert first.tolist() == [min(k, frames - 1) for k in range(length)]


def clip_of(frames: int, apex: int | None, corpus: str = "casme2", name: str = "EP01") -> Clip:
    numbers = tuple(range(11, 11 + frames))
    files = tuple(Path(f"/nowhere/img{n}.jpg") for n in numbers)
    return Clip(corpus, "sub01", name, files, numbers, 11, apex, numbers[-1], 200.0, "happiness")


class Still:
    """The same landmarks in every frame."""

    how, box = "as it is", (0, 0, 99, 99)

    def __init__(self, points: np.ndarray) -> None:
        self.points = points

    def find(self, image: np.ndarray, where: str) -> Still:
        return self

    def again(self, image: np.ndarray, face: Still) -> Still | None:
        return face

    def follow(self, image: np.ndarray, face: Still) -> np.ndarray:
        return face.points


@pytest.fixture
def clip_frames(monkeypatch: pytest.MonkeyPatch) -> np.ndarray:
    rng = np.random.default_rng(4)
    pictures = np.stack([cv2.resize(rng.integers(0, 255, (12, 12, 3), np.uint8), (300, 300)) for _ in range(20)])
    monkeypatch.setattr(alignment, "each_frame", lambda clip: iter(pictures[[n - 11 for n in clip.numbers]]))
    return pictures


def landmarks() -> np.ndarray:
    """Sixty-eight points spread like a face's, about 150 pixels wide."""
    angle = np.linspace(0, 2 * np.pi, 68, endpoint=False)
    return (150 + 70 * np.stack([np.cos(angle), np.sin(angle)], axis=1)).astype(np.float32)


@pytest.mark.parametrize("unseen", [(), (3, 4, 9)])
def test_a_frame_that_is_the_one_before_is_not_searched_again(clip_frames: np.ndarray, unseen: tuple[int, ...]) -> None:
    """Frames 3, 4 and 5 are the same, and 9 and 10; what was found, or not found, in the first holds for all."""
    clip_frames[4] = clip_frames[5] = clip_frames[3]
    clip_frames[10] = clip_frames[9]
    searched: list[int] = []

    class Finder(Still):
        def find(self, image: np.ndarray, where: str) -> Still:
            place = next(index for index, frame in enumerate(clip_frames) if np.array_equal(frame, image))
            searched.append(place)
            if place in unseen:
                raise ClipError("no face")
            return Still(self.points + place)

        def again(self, image: np.ndarray, face: Still) -> None:
            """Found nowhere near."""

    faces = [*alignment.tracked(clip_of(20, 20), Finder(landmarks()))]  # type: ignore[arg-type]
    first = {4: 3, 5: 3, 10: 9}
    assert searched == [index for index in range(20) if index not in first]
    held = [first.get(index, index) for index in range(20)]
    assert [face.found for face in faces] == [place not in unseen for place in held]
    seen = [max(place for place in range(held[index] + 1) if place not in {*unseen, *first}) for index in range(20)]
    assert [float((face.points - landmarks()).max()) for face in faces] == pytest.approx(seen, abs=1e-4)


def test_networks_read_the_same_clip_at_their_own_size_and_order(clip_frames: np.ndarray) -> None:
    small = FULL.having({"size": 32, "model_b_size": 16})
    faces = Still(landmarks())
    clip = clip_of(20, 20)
    arrays = preprocess.prepare(clip, small.inputs, faces)  # type: ignore[arg-type]
    assert (arrays["face"].shape, arrays["face"].dtype) == ((20, 32, 32), np.uint8)
    assert (arrays["apex"].tolist(), arrays["estimated"].tolist(), arrays["reused"].tolist()) == ([9], [0], [0])
    made = {
        name: preprocess.assemble([(clip, 1)], [arrays], small.having(EXPERIMENTS[name].settings))
        for name in (
            "model-a-scenario-2/published",
            "model-a-scenario-2/initial-frames",
            "model-b-scenario-2/published",
        )
    }
    a, first, b = (assembled.x["face"] for assembled in made.values())
    assert (a.shape, b.shape) == ((1, 36, 32, 32, 1), (1, 16, 16, 36, 1))
    assert (a[0, 18, ..., 0] == arrays["face"][9]).all()
    assert (a[0, :10] == a[0, 0]).all()  # 18 frames are wanted before the apex, and 9 are there
    assert (first[0, :20, ..., 0] == arrays["face"]).all()
    halves = a[0, ..., 0].reshape(36, 16, 2, 16, 2).mean(axis=(2, 4))
    assert np.abs(np.moveaxis(b[0, ..., 0], 2, 0) - halves).max() <= 0.5
    assert made["model-a-scenario-2/published"].notes == (
        "casme2, sequences of 36 frames around the apex: 1 of 1 clips do not fill the sequence, 16 of 36 "
        "frames repeat a first or last frame",
    )


def test_an_apex_that_nobody_annotated_is_estimated_and_counted(
    monkeypatch: pytest.MonkeyPatch, clip_frames: np.ndarray
) -> None:
    experiment = EXPERIMENTS["model-a-scenario-1/published"]
    settings = FULL.having({"size": 32, "apex_method": "midpoint"}).having(experiment.settings)
    clip = clip_of(20, None, "smic")
    arrays = preprocess.prepare(clip, settings.inputs, Still(landmarks()))  # type: ignore[arg-type]
    assert (arrays["apex"].tolist(), arrays["estimated"].tolist()) == ([9], [1])
    notes = preprocess.assemble([(clip, 0)], [arrays], settings).notes
    assert re.findall(r"smic|1 of 1|midpoint", notes[1]) == ["smic", "1 of 1", "midpoint"]


def test_a_missing_apex_frame_gives_the_nearest(clip_frames: np.ndarray) -> None:
    clip = clip_of(20, 17)
    gap = [k for k in range(20) if clip.numbers[k] != 17]
    part = replace(clip, frames=tuple(clip.frames[k] for k in gap), numbers=tuple(clip.numbers[k] for k in gap))
    assert preprocess.apex_index(part, Inputs(), Still(landmarks())) == 5  # type: ignore[arg-type]


# ---------------------------------------------------------------- training


def samples(experiment: Experiment, settings: Settings, per_class: int = 3) -> Samples:
    rng = np.random.default_rng(6)
    corpus = [name for name in experiment.corpora for _ in range(3 * per_class)]
    n = len(corpus)
    return Samples(
        x={"face": rng.integers(0, 255, (n, *preprocess.shapes(settings)["face"]), np.uint8)},
        y=np.arange(n) % 3,
        subject=np.array([f"{corpus[k]}/s{k % 3}" for k in range(n)]),
        clip=np.array([f"{corpus[k]}/s{k % 3}/c{k}" for k in range(n)]),
        view=np.zeros(n, np.int64),
    )


@pytest.mark.parametrize(
    ("name", "frames", "protocol", "watched"),
    [
        ("split-model-splits/published", 27, SPLITS, True),
        ("model-b-scenario-4/published", 18, CROSS, False),
        ("model-c-scenario-1/loso", 18, LOSO, False),
    ],
)
def test_the_last_epoch_is_scored_and_nothing_is_picked(
    tmp_path: Path, name: str, frames: int, protocol: str, watched: bool
) -> None:
    experiment = EXPERIMENTS[name]
    assert experiment.protocol == protocol
    small = {"size": 27, "model_b_size": 9, "frames": frames, "epochs": 3}
    settings = FULL.having({**experiment.settings, **small})
    data = samples(experiment, settings)
    networks = RECIPE.build_networks(
        settings.network, settings.training, preprocess.shapes(settings), experiment.labels.classes, 0
    )
    fold = split(experiment, data.subject, data.clip, data.y, 0)[0]
    outcome = run_fold(RECIPE, networks, experiment, settings, data, fold, tmp_path)
    history = outcome.history["network"]
    assert ("val_accuracy" in history) == watched
    assert len(history["loss"]) == 3
    if watched:
        assert history["val_accuracy"][-1] == (outcome.probabilities.argmax(axis=1) == data.y[fold.test]).mean()
    [(topic, count)] = networks.facts().items()
    assert topic.startswith("parameters ")
    assert count == networks.learner.model.count_params()


def test_random_splits_draw_their_own_initial_weights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    small = {"size": 27, "model_b_size": 9, "frames": 27, "epochs": 1, "learning_rate": 0.0}
    for name, own in (("model-c-splits/published", True), ("model-c-scenario-2/published", False)):
        experiment = EXPERIMENTS[name]
        settings = FULL.having({**experiment.settings, **small})
        data = samples(experiment, settings)
        networks = RECIPE.build_networks(
            settings.network, settings.training, preprocess.shapes(settings), experiment.labels.classes, 0
        )
        weights = []
        for fold in split(experiment, data.subject, data.clip, data.y, 0)[:2]:
            run_fold(RECIPE, networks, experiment, settings, data, fold, tmp_path)
            weights.append(networks.learner.model.get_layer("dense").kernel.numpy())
        assert np.array_equal(*weights) != own


def test_a_departure_departs() -> None:
    """What is done as printed belongs elsewhere, with its measurements."""
    for departure in PAPER.departures:
        assert "as printed" not in departure.we_do.lower()
