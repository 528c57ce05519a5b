"""Nothing of a held-out clip reaches training in a leak-free experiment: recipes that cheat are stopped."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Sequence
from dataclasses import fields, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, ClassVar

import numpy as np
import pytest

import papers
import run_all
from common import corpora
from common.contract import FoldRun, Parts, Trained
from common.errors import StoppedError
from common.protocols import leakage
from common.protocols.carryover import changed, fingerprint
from common.protocols.splits import LOSO, ONCE
from common.types import Arrays, Clip, Experiment, Fold, LabelMap, Predictions, Rows, Samples
from common.vision.images import frames_of, read_frame

pytestmark = pytest.mark.usefixtures("without_pages")
KEY = "aouayeb2019"


def mean_of(samples: Samples) -> float:
    """A statistic fitted to samples."""
    return float(np.mean(samples.x["nose"][:]))


def answered(test: Samples, brightness: float) -> Predictions:
    """Answers that rest on a fitted statistic."""
    answers = {}
    for clip in dict.fromkeys(test.clip.tolist()):
        nose = np.asarray(test.x["nose"])[test.clip == clip]
        share = np.float32(1 / (1 + np.exp(nose.mean() - brightness)))
        answers[clip] = np.array([share, 1 - share, 0], np.float32)
    return answers


class Honest:
    """Fits a statistic to its training rows."""

    class Networks:
        def __init__(self) -> None:
            self.brightness: float | None = None

        def facts(self) -> dict[str, int]:
            return {}

        def flops(self, rows_per_clip: float) -> float:
            return 0.0

    @classmethod
    def build_networks(cls, network: object, training: object, shapes: object, classes: object, seed: int) -> Networks:
        return cls.Networks()

    @staticmethod
    def train(networks: Any, experiment: Experiment, samples: Samples, fold_run: FoldRun) -> Trained:
        assert fold_run.held_out_access is None
        brightness = mean_of(samples)
        return Trained(lambda test: answered(test, brightness), {})


class FittedOnce(Honest):
    """An extractor fitted in the first fold and used in all others, whose test clips it has seen."""

    @staticmethod
    def train(networks: Any, experiment: Experiment, samples: Samples, fold_run: FoldRun) -> Trained:
        networks.brightness = networks.brightness or mean_of(samples)
        return Trained(lambda test: answered(test, networks.brightness), {})


class FittedToTest(Honest):
    """A statistic of the held-out clips themselves."""

    @staticmethod
    def train(networks: Any, experiment: Experiment, samples: Samples, fold_run: FoldRun) -> Trained:
        return Trained(lambda test: answered(test, mean_of(test)), {})


SEEN: list[float] = []
"""What a careless author keeps in a module."""


class KeptInList(Honest):
    """A list of the networks that grows in place from fold to fold."""

    class Networks(Honest.Networks):
        def __init__(self) -> None:
            super().__init__()
            self.statistics: list[float] = []

    @staticmethod
    def train(networks: Any, experiment: Experiment, samples: Samples, fold_run: FoldRun) -> Trained:
        networks.statistics.append(mean_of(samples))
        return Trained(lambda test: answered(test, float(np.mean(networks.statistics))), {})


class KeptInModule(Honest):
    """A global of the recipe's module, fitted in the first fold."""

    @staticmethod
    def train(networks: Any, experiment: Experiment, samples: Samples, fold_run: FoldRun) -> Trained:
        SEEN[:] = SEEN or [mean_of(samples)]
        return Trained(lambda test: answered(test, SEEN[0]), {})


class Sharing(Honest):
    """An extractor fitted to all clips, shared by all folds."""

    @staticmethod
    def train(networks: Any, experiment: Experiment, samples: Samples, fold_run: FoldRun) -> Trained:
        brightness = mean_of(fold_run.held_out_access.everything)  # type: ignore[union-attr]
        return Trained(lambda test: answered(test, brightness), {})


def one_line(capsys: Any) -> str:
    """What went to stderr, which is one line."""
    (line,) = capsys.readouterr().err.splitlines()
    return str(line)


@pytest.fixture
def run(standin_data: Path, cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    real = papers.parts(KEY)

    def with_recipe(recipe: type[Honest], assemble: Any = None, data: Path = standin_data, prepare: Any = None) -> int:
        preprocess: Any = real.preprocess
        if assemble or prepare:
            preprocess = SimpleNamespace(
                prepare=prepare or preprocess.prepare,
                shapes=preprocess.shapes,
                assemble=assemble or preprocess.assemble,
            )
        parts = Parts(preprocess, real.figures, lambda: recipe)  # type: ignore[arg-type, return-value]
        monkeypatch.setattr(papers, "parts", lambda key: parts)
        where = [
            "--data",
            str(data),
            "--out",
            str(tmp_path / "out"),
            "--cache",
            str(tmp_path / "cache" if prepare else cache),
            "--workers",
            "1",
        ]
        return run_all.main(
            ["--paper", KEY, "--profile", "smoke", "--experiment", "composite-loso/cnn-in-fold", *where]
        )

    return with_recipe


def results(folder: Path) -> list[Path]:
    return sorted(folder.glob("out/runs/*/*/*/*/folds/*.json"))


def test_an_honest_recipe_runs(run: Any, tmp_path: Path) -> None:
    assert run(Honest) == 0
    assert len(results(tmp_path)) == 2


@pytest.mark.parametrize(
    ("recipe", "message"),
    [
        (FittedOnce, "training changes 'brightness' on the networks"),
        (KeptInList, "training changes 'statistics' on the networks"),
        (KeptInModule, "training changes test_guard.SEEN"),
        (FittedToTest, "depends on the other held-out clips"),
    ],
)
def test_a_leaking_extractor_stops_the_run(run: Any, tmp_path: Path, capsys: Any, recipe: Any, message: str) -> None:
    SEEN.clear()
    assert run(recipe) == 1
    assert message in one_line(capsys)
    assert not results(tmp_path)


def test_what_folds_could_share_is_not_there(run: Any, tmp_path: Path, capsys: Any) -> None:
    assert run(Sharing) == 1
    assert "failed, AttributeError" in capsys.readouterr().out
    assert not results(tmp_path)


# What a preprocess.py may do to the samples by mistake, and what the line says that stops the run.
Spoil = Callable[[Samples, Sequence[tuple[Clip, int]]], Samples]


def centred(samples: Samples, clips: Sequence[tuple[Clip, int]]) -> Samples:
    x = {name: np.asarray(values, np.float32) for name, values in samples.x.items()}
    x["nose"] -= x["nose"].mean()
    return replace(samples, x=x)


def labelled(samples: Samples, clips: Sequence[tuple[Clip, int]]) -> Samples:
    samples.x["nose"][:, 0, 0, 0] = samples.y
    return samples


def named_by_emotion(samples: Samples, clips: Sequence[tuple[Clip, int]]) -> Samples:
    known = {clip.id: len(clip.emotion) for clip, _ in clips}
    samples.x["nose"][:, 0, 0, 0] = [known[clip] for clip in samples.clip.tolist()]
    return samples


def misaligned(samples: Samples, clips: Sequence[tuple[Clip, int]]) -> Samples:
    return replace(samples, subject=samples.subject[::-1])


def relabelled(samples: Samples, clips: Sequence[tuple[Clip, int]]) -> Samples:
    return replace(samples, y=samples.y * 0)


def shortened(samples: Samples, clips: Sequence[tuple[Clip, int]]) -> Samples:
    return samples.only(np.flatnonzero(samples.clip != samples.clip[0])) if len(clips) > 1 else samples


def cropped(samples: Samples, clips: Sequence[tuple[Clip, int]]) -> Samples:
    return replace(samples, x={**samples.x, "nose": samples.x["nose"][:, 1:]})


def cut_off(samples: Samples, clips: Sequence[tuple[Clip, int]]) -> Samples:
    return replace(samples, y=samples.y[:-1])


def renamed(samples: Samples, clips: Sequence[tuple[Clip, int]]) -> Samples:
    names = np.array([f"{clip}x" if clip == samples.clip[0] else clip for clip in samples.clip.tolist()])
    return replace(samples, clip=names)


@pytest.mark.parametrize(
    ("perturb", "message"),
    [
        (centred, "on other clips"),
        (labelled, "depend on its class"),
        (named_by_emotion, "depend on its class"),
        (misaligned, "the subject"),
        (relabelled, "the class 0, not"),
        (shortened, "assemble leaves out"),
        (cropped, "`shapes` returns"),
        (cut_off, "columns of different lengths"),
        (renamed, "assemble leaves out"),
    ],
)
def test_samples_that_are_not_those_of_the_clips_stop_the_run(
    run: Any, tmp_path: Path, capsys: Any, perturb: Spoil, message: str
) -> None:
    real = papers.parts(KEY).preprocess

    def assemble(clips: Sequence[tuple[Clip, int]], arrays: Sequence[Arrays], *rest: Any) -> Samples:
        return perturb(real.assemble(clips, arrays, *rest), clips)

    assert run(Honest, assemble) == 1
    assert message in one_line(capsys)
    assert not results(tmp_path)


@pytest.mark.parametrize("told", ["emotion", "id", "action_units", "frames"])
def test_a_label_cannot_be_written_into_the_arrays(run: Any, tmp_path: Path, capsys: Any, told: str) -> None:
    real = papers.parts(KEY).preprocess

    def prepare(clip: Any, *rest: Any) -> Arrays:
        arrays = real.prepare(clip, *rest)
        arrays["nose"][0, 0, 0, 0] = len(str(getattr(clip, told)))
        return arrays

    assert run(Honest, prepare=prepare) == 1
    assert f"no attribute '{told}'" in one_line(capsys)
    assert not results(tmp_path)


def test_prepare_cannot_reach_what_tells_the_class(standin_data: Path) -> None:
    """Neither by an attribute of what it is handed, nor by any text or path that can be reached from its data."""
    corpus = corpora.load("smic", corpora.find(standin_data)["smic"], "raw")
    clip = corpus.clips[0]
    frames = frames_of(clip)
    for name in (
        "id",
        "name",
        "subject",
        "subject_id",
        "emotion",
        "action_units",
        "frames",
        "files",
        "pictures",
        "shown",
    ):
        assert hasattr(clip, name)
        assert not hasattr(frames, name)
    data = {field.name: getattr(frames, field.name) for field in fields(frames) if field.name != "read"}
    texts = [value for value in data.values() if not isinstance(value, int | float | tuple | None)]
    assert sorted(texts) == ["annotated", "smic"]
    assert data["numbers"][0] == 0  # numbers in the recording would tell clips from each other
    assert np.array_equal(next(frames.read([3], None)), read_frame(clip, 3))
    assert np.array_equal(next(frames.at([2, 3]).read([1], None)), read_frame(clip, 3))


Replace = Callable[[Path, Path], object]


def clips_of(data: Path, subject: int) -> list[Path]:
    """The folders of a subject's clips in the copied corpora, SMIC's."""
    folder = sorted(path for path in (data / "SMIC").glob("**/HS/s*") if path.is_dir())[subject]
    return sorted(path for path in folder.glob("micro/*/*") if path.is_dir())


def link_into(files: Sequence[Path], folder: Path, copy: Replace) -> None:
    """The first frames of a clip become these files, under the names that its frames have."""
    for file, name in zip(files, sorted(folder.iterdir()), strict=False):
        name.unlink()
        copy(file, name)


@pytest.mark.parametrize("copy", [shutil.copy, os.link])
def test_a_copied_clip_under_another_subject_stops_the_run(
    run: Any, standin_data: Path, tmp_path: Path, capsys: Any, copy: Replace
) -> None:
    data = tmp_path / "data"
    shutil.copytree(standin_data, data)
    copied, replaced = clips_of(data, 0)[0], clips_of(data, 1)[0]
    for file in replaced.iterdir():
        file.unlink()
    for file in copied.iterdir():
        copy(file, replaced / file.name)
    assert run(Honest, data=data) == 1
    message = one_line(capsys)
    assert copied.name in message
    assert replaced.name in message
    assert "one of the two is a copy" in message


def test_files_of_a_subject_in_clips_of_another_stop_the_run(
    run: Any, standin_data: Path, tmp_path: Path, capsys: Any
) -> None:
    """Every file of one subject, in clips of other lengths: no clip as a whole is that of another."""
    data = tmp_path / "data"
    shutil.copytree(standin_data, data)
    files = sorted(file for clip in clips_of(data, 0) for file in clip.iterdir())
    for clip in clips_of(data, 1):
        link_into(files[1:], clip, os.link)
        files = files[len(list(clip.iterdir())) :]
    assert run(Honest, data=data) == 1
    assert "one of the two is a copy" in one_line(capsys)
    assert not results(tmp_path)


# ---------------------------------------------------------------- the checks by themselves

LABELS = LabelMap("two", ("a", "b"), {"smic": {"a": "a", "b": "b"}})


def experiment(protocol: str, leak_free: bool) -> Experiment:
    return Experiment("name", "variant", "", ("smic",), LABELS, protocol, "last epoch", leak_free, "")


def samples(subjects: Sequence[str]) -> Samples:
    n = len(subjects)
    clip = np.array([f"smic/{subject}/c{i}" for i, subject in enumerate(subjects)])
    subject = np.array([f"smic/{subject}" for subject in subjects])
    return Samples({"x": np.arange(n * 2).reshape(n, 2)}, np.arange(n) % 2, subject, clip, np.zeros(n, np.int64))


def test_a_subject_may_be_on_both_sides_only_where_that_was_published() -> None:
    some = samples(["s1", "s1", "s2"])
    fold = Fold("f", np.array([0, 2]), np.array([1]))
    leakage.check_disjoint(fold, some, experiment(ONCE, False), {})
    for protocol, leak_free in ((ONCE, True), (LOSO, False), (LOSO, True)):
        with pytest.raises(leakage.LeakError, match="subject smic/s1"):
            leakage.check_disjoint(fold, some, experiment(protocol, leak_free), {})


def test_equal_files_may_be_on_both_sides_only_where_that_was_published() -> None:
    some = samples(["s1", "s2"])
    fold = Fold("f", np.array([0]), np.array([1]))
    copies = [leakage.Copy("smic/s1/c0", "smic/s2/c1", whole=True)]
    leakage.check_disjoint(fold, some, experiment(ONCE, False), copies)
    with pytest.raises(leakage.LeakError, match="one of the two is a copy"):
        leakage.check_disjoint(fold, some, experiment(LOSO, True), copies)


def clip(subject: str, name: str, files: Sequence[str], numbers: Sequence[int]) -> Clip:
    paths = tuple(Path(file) for file in files)
    return Clip("smic", subject, name, paths, tuple(numbers), numbers[0], None, numbers[-1], 100.0, "a")


def test_what_is_a_copy() -> None:
    """Equal files of two subjects and equal clips of one; not parts of one video, nor frames that one's clips share."""

    def copies(*clips: Clip) -> list[tuple[str, str, bool]]:
        digests = {this_clip.id: [str(file) for file in this_clip.files] for this_clip in clips}
        return [(copy.first, copy.second, copy.whole) for copy in leakage.copies(clips, digests)]

    base = clip("s1", "a", ["f1", "f2", "f3"], [1, 2, 3])
    assert copies(base, clip("s1", "b", ["f3", "f4"], [3, 4]), clip("s2", "a", ["f5"], [1])) == []
    assert copies(base, clip("s2", "b", ["f5", "f3"], [7, 8])) == [("smic/s1/a", "smic/s2/b", False)]
    assert copies(base, clip("s2", "b", ["f1", "f2", "f3"], [4, 5, 6])) == [("smic/s1/a", "smic/s2/b", True)]
    assert copies(base, clip("s1", "b", ["f1", "f2", "f3"], [4, 5, 6])) == [("smic/s1/a", "smic/s1/b", True)]
    three = [clip(subject, "a", ["f1"], [1]) for subject in ("s1", "s2", "s3")]
    assert [pair[:2] for pair in copies(*three)] == [
        ("smic/s1/a", "smic/s2/a"),
        ("smic/s1/a", "smic/s3/a"),
        ("smic/s2/a", "smic/s3/a"),  # also where the first cannot be used after all
    ]
    video = clip("s1", "a", ["v", "v"], [1, 2])
    assert copies(video, clip("s1", "b", ["v", "v"], [3, 4])) == []
    assert copies(video, clip("s1", "b", ["v", "v"], [1, 2])) == [("smic/s1/a", "smic/s1/b", True)]
    assert copies(video, clip("s2", "b", ["v", "v"], [3, 4])) == [("smic/s1/a", "smic/s2/b", False)]


def test_a_clip_of_a_subject_under_two_names_is_not_counted_twice() -> None:
    some = samples(["s1", "s1", "s2"])
    fold = Fold("f", np.array([2]), np.array([0, 1]))
    with pytest.raises(StoppedError, match="counted twice"):
        leakage.check_disjoint(
            fold, some, experiment(LOSO, True), [leakage.Copy("smic/s1/c0", "smic/s1/c1", whole=True)]
        )
    leakage.check_disjoint(fold, some, experiment(LOSO, True), [leakage.Copy("smic/s1/c0", "smic/s1/c1", whole=False)])


class Held:
    """What a recipe could hide a statistic in."""

    shared: ClassVar[dict[str, int]] = {}

    def __init__(self) -> None:
        self.array, self.nested, self.object = np.zeros(3), {"a": [1, {2}]}, object()
        self.random = np.random.default_rng(0)


@pytest.mark.parametrize(
    "change",
    [
        lambda held: held.array.__setitem__(1, 1.0),
        lambda held: held.nested["a"].append(2),
        lambda held: held.nested["a"][1].add(5),
        lambda held: setattr(held, "object", object()),
        lambda held: setattr(held, "new", 1),
        lambda held: delattr(held, "array"),
        lambda held: held.random.random(),
        lambda held: Held.shared.update(b=1),
        lambda held: SEEN.append(1.0),
    ],
)
def test_whatever_changes_between_folds_is_noticed(change: Callable[[Held], object]) -> None:
    held = Held()
    SEEN.clear()
    before = fingerprint(held, Honest)
    assert not changed(before, fingerprint(held, Honest))
    change(held)
    assert len(changed(before, fingerprint(held, Honest))) == 1
    Held.shared.clear()


def test_training_rows_are_all_there_is_to_reach() -> None:
    whole = samples(["s1", "s2", "s3", "s4"])
    part = whole.only(np.array([2, 0]))
    held = part.x["x"]
    assert isinstance(held, Rows)
    assert np.asarray(held).tolist() == [[4, 5], [0, 1]]
    assert held[1].tolist() == [0, 1]
    assert held[:1].tolist() == [[4, 5]]
    assert (held.shape, held.dtype, len(held)) == ((2, 2), whole.x["x"].dtype, 2)
    for outside in (2, 3, -3):
        with pytest.raises(IndexError):
            held[np.array([outside])]
    nested = part.only(np.array([1]))
    assert nested.clip.tolist() == ["smic/s1/c0"]
    assert np.asarray(nested.x["x"]).tolist() == [[0, 1]]


def test_rows_of_a_clip_are_told_apart_by_each_of_their_parts() -> None:
    some = samples(["s1", "s2"])
    before = leakage.rows(some)
    for spoilt in (
        Samples({"x": some.x["x"][:] + np.array([[0, 0], [0, 1]])}, some.y, some.subject, some.clip, some.view),
        Samples(some.x, some.y, some.subject, some.clip, np.array([0, 1])),
    ):
        after = leakage.rows(spoilt)
        assert after["smic/s2/c1"] != before["smic/s2/c1"]
    assert leakage.rows(some.only(np.array([1, 0]))) == before
