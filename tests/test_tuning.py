"""Settings are chosen inside the training subjects alone, the best of those tried, and a stopped search goes on."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import papers
from common.contract import FoldRun, Profile, Settings, Trained
from common.json_schema import NUMBER, holding
from common.protocols.splits import inner
from common.training import tuning
from common.training.search import search
from common.types import Experiment, LabelMap, Predictions, Samples, Trial

CLASSES = ("negative", "positive", "surprise")
RECORD = holding({"value": NUMBER})
SPACE = {"share": (0.2, 0.6, 1.0), "name": ("one", "other")}


@dataclass(frozen=True)
class Inputs:
    pass


@dataclass(frozen=True)
class Network:
    name: str = "one"


@dataclass(frozen=True)
class Training:
    share: float = 0.2
    precision: str = "float32"


START = Settings(Inputs(), Network(), Training())


def build_networks(settings: Settings) -> Any:
    """Networks that know their settings, and nothing else."""
    return settings


@dataclass
class Knowing:
    """A recipe that answers a share of the clips rightly, and remembers whom it was shown."""

    seen: list[tuple[set[str], set[str]]]
    stop_after: int = 10**6

    def train(self, networks: Settings, experiment: Experiment, samples: Samples, fold_run: FoldRun) -> Trained:
        assert fold_run.held_out_access is None
        if len(self.seen) == self.stop_after:
            raise KeyboardInterrupt

        def predict(test: Samples) -> Predictions:
            assert not test.y.any()  # the labels are hidden
            self.seen.append((set(samples.subject.tolist()), set(test.subject.tolist())))
            return {clip: self._answer(clip, networks) for clip in test.clip.tolist()}

        return Trained(predict, {})

    @staticmethod
    def _answer(clip: str, settings: Settings) -> np.ndarray:
        number = int(clip.rpartition("c")[2])
        wrong = number >= 15 * settings.training.share
        sure = 0.7 if settings.network.name == "one" else 0.9
        probabilities = np.full(3, (1 - sure) / 2, np.float32)
        probabilities[(number + wrong) % 3] = sure
        return probabilities


EXPERIMENT = Experiment(
    name="made-up",
    variant="tuned-loso",
    title="",
    corpora=("smic",),
    labels=LabelMap("made up", CLASSES, {}),
    protocol="LOSO",
    selection="last epoch",
    leak_free=True,
    network="made-up",
    space=SPACE,
    tuned_of="loso",
)
PROFILE = Profile("made up", START, trials=6, inner_folds=3)


def samples() -> Samples:
    """Five subjects with three clips each, of each class one."""
    place = np.arange(15)
    subject = np.array([f"smic/s{k // 3}" for k in place])
    clip = np.array([f"{subject[k]}/c{k}" for k in place])
    return Samples({"x": np.zeros((15, 2))}, place % 3, subject, clip, np.zeros(15, np.int64))


def fold_run(folder: Path) -> FoldRun:
    return FoldRun("smic/s9", 3, START, lambda *words: None, folder, None)


def choose(recipe: Any, folder: Path, profile: Profile = PROFILE) -> tuple[Settings, tuple[Trial, ...]]:
    return tuning.choose(build_networks, recipe, EXPERIMENT, profile.settings, profile, samples(), fold_run(folder), 0)


def test_the_best_of_all_settings_is_chosen_and_ties_by_log_loss(tmp_path: Path) -> None:
    recipe = Knowing([])
    settings, trials = choose(recipe, tmp_path)
    assert settings == START.having({"share": 1.0, "name": "other"})
    assert len(trials) == 6 == len({(t.settings["share"], t.settings["name"]) for t in trials})
    assert trials[0].settings == {"share": 0.2, "name": "one"}
    perfect = [t for t in trials if t.uf1 == 1]
    assert {t.settings["name"]: t.log_loss for t in perfect} == pytest.approx(
        {"one": -np.log(0.7), "other": -np.log(0.9)}, abs=1e-6
    )
    # of 15 clips in turn of three classes the first nine are right, the last six one class too high
    matrix = np.array([[3, 2, 0], [0, 3, 2], [2, 0, 3]])
    f1 = [2 * matrix[k, k] / (matrix[k].sum() + matrix[:, k].sum()) for k in range(3)]
    assert [t.uf1 for t in trials if t.settings["share"] == 0.6] == pytest.approx([np.mean(f1)] * 2)


def test_inner_folds_hold_out_training_subjects_in_turn(tmp_path: Path) -> None:
    recipe = Knowing([])
    choose(recipe, tmp_path)
    everyone = {f"smic/s{k}" for k in range(5)}
    assert len(recipe.seen) == 6 * 3
    for train, held_out in recipe.seen:
        assert not train & held_out
        assert train | held_out == everyone
    for trial in range(6):
        held_out = [subjects for _, subjects in recipe.seen[3 * trial : 3 * trial + 3]]
        assert sum(map(len, held_out)) == len(everyone)
        assert held_out == [subjects for _, subjects in recipe.seen[:3]]  # all settings meet the same folds


def test_a_stopped_search_goes_on_and_comes_to_the_same(tmp_path: Path) -> None:
    whole = choose(Knowing([]), tmp_path / "whole")
    with pytest.raises(KeyboardInterrupt):
        choose(Knowing([], stop_after=8), tmp_path / "stopped")
    again = Knowing([])
    assert choose(again, tmp_path / "stopped") == whole
    assert len(again.seen) == 18 - 6  # two whole trials were kept
    file = next((tmp_path / "stopped").rglob("name=one, share=0.2.json"))
    file.write_text(file.read_text()[:-3])
    damaged = Knowing([])
    assert choose(damaged, tmp_path / "stopped") == whole
    assert len(damaged.seen) == 3


def test_a_space_larger_than_the_trials_is_drawn_from(tmp_path: Path) -> None:
    few = replace(PROFILE, trials=3)
    (_, trials), (_, same) = (choose(Knowing([]), tmp_path / name, few) for name in ("one", "other"))
    assert trials == same
    assert len(trials) in (2, 3)  # a draw may be the first again
    assert trials[0].settings == {"share": 0.2, "name": "one"}


def test_training_that_diverges_is_never_chosen(tmp_path: Path) -> None:
    class Diverging(Knowing):
        @staticmethod
        def _answer(clip: str, settings: Settings) -> np.ndarray:
            return Knowing._answer(clip, settings) * (np.nan if settings.training.share == 1.0 else 1)

    settings, trials = choose(Diverging([]), tmp_path)
    assert settings.training.share == 0.6
    assert {t.uf1 for t in trials if t.settings["share"] == 1.0} == {0.0}


def test_of_one_training_subject_nothing_is_searched(tmp_path: Path) -> None:
    recipe = Knowing([])
    alone = samples().only(np.arange(3))
    assert tuning.choose(build_networks, recipe, EXPERIMENT, START, PROFILE, alone, fold_run(tmp_path), 0) == (
        START,
        (),
    )
    assert not recipe.seen
    assert len(inner(np.array(["smic/s1", "smic/s2"]), 3, 0)) == 2


def test_a_search_tries_what_is_left(tmp_path: Path) -> None:
    tried: list[str] = []
    values = {"a": 0.2, "b": 0.9, "c": 0.5}

    def run(choice: Any) -> dict[str, float]:
        tried.append(choice["letter"])
        if choice["letter"] == "b" and tried.count("b") == 1:
            raise KeyboardInterrupt
        return {"value": values[choice["letter"]]}

    def found() -> dict[str, float]:
        every = search(
            {"letter": tuple(values)},
            run,
            lambda record: record["value"],
            tmp_path,
            schema=RECORD,
            trials=3,
            seed=0,
        )
        return {choice["letter"]: record["value"] for choice, record in every}

    with pytest.raises(KeyboardInterrupt):
        found()
    assert found() == values
    assert sorted(tried) == ["a", "b", "b", "c"]
    assert found() == values
    assert len(tried) == 4


def test_what_a_trial_raises_ends_the_search(tmp_path: Path) -> None:
    def run(choice: Any) -> dict[str, float]:
        if choice["letter"] == "b":
            raise OSError(28, "No space left on device")
        return {"value": 0.5}

    space = {"letter": ("a", "b", "c")}
    with pytest.raises(OSError, match="No space left"):
        search(space, run, lambda record: record["value"], tmp_path, schema=RECORD, trials=3, seed=0)


def test_a_tuned_copy_reads_what_its_original_reads() -> None:
    le = {e.id: e for e in papers.load("le2020").experiments}
    for experiment in le.values():
        if experiment.tuned_of:
            assert experiment.settings == le[f"{experiment.name}/{experiment.tuned_of}"].settings
    assert le["vgg19-smic/tuned-whole-face-loso"].settings["whole_face"]


@pytest.mark.parametrize("key", papers.available())
def test_spaces_hold_settings_that_decide_no_array(key: str) -> None:
    paper = papers.load(key)
    searching = [e for e in paper.experiments if e.space]
    assert searching
    network_key = papers.parts(key).network_key
    for experiment in searching:
        assert experiment.leak_free
        assert experiment.on_request
        assert not experiment.common_ground
        for profile in paper.profiles.values():
            settings = profile.settings.having(experiment.settings)
            for name, values in experiment.space.items():
                assert len(set(values)) == len(values) > 1
                for value in values:
                    assert type(value) is type(settings.values()[name])
                    assert settings.having({name: value}).inputs == settings.inputs
        if experiment.tuned_of:
            plain = next(e for e in paper.experiments if (e.name, e.variant) == (experiment.name, experiment.tuned_of))
            assert (plain.protocol, plain.corpora, plain.labels) == (
                experiment.protocol,
                experiment.corpora,
                experiment.labels,
            )
            for profile in paper.profiles.values():
                untuned, settings = (profile.settings.having(e.settings) for e in (plain, experiment))
                assert network_key(plain, untuned) == network_key(experiment, settings)
                assert untuned.inputs == settings.inputs
            own = paper.profiles["paper"].settings.having(experiment.settings).values()
            assert all(own[name] in values for name, values in experiment.space.items())
