"""The control `metadata`: what a classifier finds without motion, and what it must not see."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import guessing as guesses
import numpy as np
import pytest
from numpy.typing import NDArray

import papers
import run_all
from common import standin
from common.contract import Parts
from common.corpora.composite import MEGC2019
from common.errors import ClipError
from common.protocols import metadata
from common.protocols.controls import METADATA, controls
from common.protocols.splits import LOSO, split
from common.runs.cache import Cache
from common.runs.plan import plan, read_data
from common.scoring.metrics import metric
from common.scoring.statistics import guess_test
from common.types import Arrays, Clip, ClipFrames, Samples

KEY = "kumar2019"
PAPER = papers.load(KEY)
GROUND = next(e for e in PAPER.experiments if e.common_ground)
STILL = {"frame": np.array([480.0, 640.0, 120.0])}


def made(length: Callable[[int, np.random.Generator], float], subjects: int = 6, clips: int = 9) -> Samples:
    """Clips of three corpora, every subject with as many of each class; `length` gives the frames of a class."""
    rng = np.random.default_rng(7)
    pairs = []
    for corpus in GROUND.corpora:
        for subject in range(subjects):
            for k in range(clips):
                last = round(length(k % 3, rng))
                numbers = tuple(range(1, last + 1))
                frames = (Path("frame.png"),) * last
                clip = Clip(corpus, f"s{subject}", f"c{k}", frames, numbers, 1, None, last, 100.0, "any")
                pairs.append((clip, k % 3))
    return metadata.samples(pairs, [STILL] * len(pairs))


def answers(samples: Samples, labels: NDArray[np.int64] | None = None) -> dict[str, NDArray[np.float32]]:
    """Predictions for all clips with leave one subject out; `labels` are those of the clips when held out."""
    networks = metadata.Classifier.Networks(None, None, None, MEGC2019.classes, 0)
    found: dict[str, NDArray[np.float32]] = {}
    own: Any = None
    for fold in split(replace(GROUND, protocol=LOSO), samples.subject, samples.clip, samples.y, 0):
        trained = metadata.Classifier.train(networks, GROUND, samples.only(fold.train), own)
        test = samples.only(fold.test)
        found |= trained.predict(test if labels is None else replace(test, y=labels[fold.test]))
    return found


def p_of(samples: Samples) -> float:
    found = answers(samples)
    answer = np.array([found[clip].argmax() for clip in samples.clip.tolist()])
    return guess_test(samples.subject, samples.y, answer, metric("uf1", MEGC2019.classes), 3)


@pytest.mark.parametrize(
    "length",
    [
        lambda label, rng: 40 + 10 * label + rng.normal(0, 8),
        lambda label, rng: 60 + 25 * (label == 1) * rng.choice([-1, 1]) + rng.normal(0, 6),
    ],
    ids=["longer from class to class", "one class of medium lengths"],
)
def test_a_planted_link_between_length_and_class_is_found(length: Callable[[int, np.random.Generator], float]) -> None:
    assert p_of(made(length)) < 0.01


def test_without_a_link_nothing_is_found() -> None:
    assert p_of(made(lambda label, rng: 60 + rng.normal(0, 15))) > 0.05
    assert p_of(made(lambda label, rng: 60)) > 0.05


def test_held_out_labels_change_no_prediction() -> None:
    samples = made(lambda label, rng: 40 + 10 * label + rng.normal(0, 8), subjects=2)
    before = answers(samples)
    for labels in (np.zeros_like(samples.y), np.random.default_rng(0).permutation(samples.y)):
        after = answers(samples, labels)
        assert all((before[clip] == after[clip]).all() for clip in before)


def test_what_is_unknown_counts_as_the_mean_of_training() -> None:
    networks = metadata.Classifier.Networks(None, None, None, MEGC2019.classes, 0)
    train = made(lambda label, rng: 40 + 10 * label + rng.normal(0, 8))
    x = np.array(train.x[metadata.INPUT])
    some = train.only(np.arange(2))
    own: Any = None
    trained = metadata.Classifier.train(networks, GROUND, train, own)
    unknown, mean = np.full((2, x.shape[1]), np.nan), np.tile(x.mean(axis=0), (2, 1))
    first, second = (trained.predict(replace(some, x={metadata.INPUT: rows})) for rows in (unknown, mean))
    assert all(np.allclose(first[clip], second[clip]) for clip in first)
    gaps = np.where(np.random.default_rng(0).random(x.shape) < 0.2, np.nan, x)
    for rows in (gaps, np.full_like(x, np.nan), np.ones_like(x)):
        trained = metadata.Classifier.train(networks, GROUND, replace(train, x={metadata.INPUT: rows}), own)
        assert all(abs(p.sum() - 1) < 1e-5 for p in trained.predict(some).values())


def test_one_class_in_training_is_always_predicted() -> None:
    networks = metadata.Classifier.Networks(None, None, None, MEGC2019.classes, 0)
    samples = made(lambda label, rng: 50, subjects=1)
    own: Any = None
    trained = metadata.Classifier.train(networks, GROUND, replace(samples, y=np.ones_like(samples.y)), own)
    assert {int(p.argmax()) for p in trained.predict(samples).values()} == {1}


def test_the_row_of_a_clip_has_its_metadata() -> None:
    clip = Clip("smic", "s1", "c", (Path("a.png"),) * 4, (3, 4, 6, 7), 3, None, 7, 25.0, "positive")
    others = (replace(clip, name="d", fps=0.0), replace(clip, corpus="samm", fps=float("nan")))
    rows = metadata.samples([(c, 0) for c in (clip, *others)], [STILL, metadata.UNKNOWN, STILL]).x[metadata.INPUT]
    columns = dict(zip(metadata.NUMBERS, np.array(rows)[:, 2:].T, strict=True))
    assert columns["clips of the subject"].tolist() == [2, 2, 1]
    assert columns["frames on disk"].tolist() == [4, 4, 4]
    assert columns["frames from onset to offset"].tolist() == [5, 5, 5]
    assert columns["seconds"][0] == 0.2
    assert np.isnan([*columns["seconds"][1:], *columns["frames per second"][1:], columns["brightness"][1]]).all()
    assert (columns["height"][0], columns["width"][0], columns["brightness"][0]) == (480, 640, 120)


def of_standins(cache: Path, subjects: int, clips: int, motion: float) -> Samples:
    folder = standin.ensure(cache, corpora=GROUND.corpora, subjects=subjects, clips=clips, motion=motion)
    data = read_data(folder, GROUND.corpora, PAPER.images)
    job = plan(
        PAPER,
        next(e for e in controls(GROUND) if e.control == METADATA),
        replace(PAPER.profiles["quick"], subjects=subjects, clips=clips, motion=motion),
        data,
        cache=Cache(cache),
        out=cache / "out",
        seed=0,
        code="",
        contents={},
        progress=lambda *_: None,
    )
    return metadata.samples(job.clips, [metadata.first_frame(clip) for clip, _ in job.clips])


@pytest.mark.slow  # the stand-ins take half a minute
@pytest.mark.parametrize(("subjects", "clips", "motion"), [(3, 9, 8.0), (5, 6, 4.0)], ids=["quick", "learning"])
def test_at_chance_on_stand_ins(cache: Path, subjects: int, clips: int, motion: float) -> None:
    """Stand-ins of the profile `quick` and of `benchmarks.learning`; every subject shows each class equally often."""
    samples = of_standins(cache, subjects, clips, motion)
    for subject in np.unique(samples.subject):
        assert np.bincount(samples.y[samples.subject == subject]).tolist() == [clips // 3] * 3
    assert p_of(samples) > 0.05


# ---------------------------------------------------------------- as a run


class Untouched(guesses.Guess):
    """A recipe that must not be used."""

    @classmethod
    def build_networks(cls, *_: object, **__: object) -> Any:
        raise AssertionError("a network is built")


@pytest.mark.usefixtures("without_pages")
def test_no_network_is_built_and_faulty_clips_are_those_of_the_experiment(
    cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    gone: list[str] = []

    def prepare(clip: ClipFrames, *_: object) -> Arrays:
        if not gone and clip.corpus == "smic":
            gone.append(clip.corpus)
            raise ClipError("no face")
        return {"unused": np.zeros(1)}

    def parts(key: str) -> Parts:
        real = guesses.parts(key)
        preprocess: Any = SimpleNamespace(prepare=prepare, shapes=real.preprocess.shapes)
        recipe: Any = Untouched
        return Parts(preprocess, real.figures, lambda: recipe)

    monkeypatch.setattr(papers, "parts", parts)
    monkeypatch.setattr(standin, "ensure", lambda root, ensure=standin.ensure, **options: ensure(cache, **options))
    words = ["--paper", KEY, "--experiment", f"{GROUND.id}+metadata", "--profile", "smoke", "--workers", "1"]
    words += ["--out", str(tmp_path), "--cache", str(tmp_path / "cache")]
    run_all.main(words)
    (folder,) = tmp_path.glob("runs/*/*/*+metadata/*")
    out = [row["clip"] for row in json.loads((folder / "run.json").read_text())["exclusions"]]
    files = sorted(folder.glob("folds/*.json"))
    assert len(out) == 1
    assert len(files) == 2
    assert not set(out) & {clip for file in files for clip in json.loads(file.read_text())["clips"]}
    times = [file.stat().st_mtime_ns for file in files]
    capsys.readouterr()
    run_all.main(words)
    assert "all folds (2) are stored" in capsys.readouterr().out
    assert [file.stat().st_mtime_ns for file in files] == times
