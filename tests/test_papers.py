"""What every paper's folder must hold; a new folder is tested without an edit here."""

from __future__ import annotations

import inspect
from dataclasses import fields, is_dataclass
from pathlib import Path

import numpy as np
import pytest

import papers
from common.corpora.composite import MEGC2019
from common.profiles import profiles
from common.protocols.splits import LOSO, split
from common.scoring import histories, metrics

ROOT = Path(__file__).parents[1]
FILES = {
    "__init__.py",
    "model.py",
    "preprocess.py",
    "recipe.py",
    "experiments.py",
    "figures.py",
    "claims.toml",
    "departures.toml",
}

pytestmark = pytest.mark.parametrize("key", papers.available())


def test_every_folder_is_a_paper_with_the_same_files(key: str) -> None:
    folder = ROOT / "papers" / key
    assert {path.name for path in folder.iterdir() if path.name != "__pycache__"} >= FILES
    assert papers.load(key).key == key
    folders = {path.name for path in (ROOT / "papers").iterdir() if path.is_dir() and path.name != "__pycache__"}
    assert folders == set(papers.available())


def test_experiments_are_named_once_and_run_known_protocols(key: str) -> None:
    paper = papers.load(key)
    assert len({experiment.id for experiment in paper.experiments}) == len(paper.experiments)
    for experiment in paper.experiments:
        classes = np.arange(24) % len(experiment.labels.classes)
        corpus = [experiment.corpora[k // 4 % len(experiment.corpora)] for k in range(24)]
        subject = np.array([f"{corpus[k]}/s{k // 4}" for k in range(24)])
        clip = np.array([f"{subject[k]}/c{k}" for k in range(24)])
        tested_on = np.isin(corpus, experiment.tested_on)
        assert set(experiment.tested_on) < set(experiment.corpora)
        for fold in split(experiment, subject, clip, classes, 0):
            assert len(fold.train)
            assert len(fold.test)
            assert not {*clip[fold.train]} & {*clip[fold.test]}
            assert not experiment.leak_free or not {*subject[fold.train]} & {*subject[fold.test]}
            if experiment.tested_on:
                assert fold.test.tolist() == np.flatnonzero(tested_on).tolist()
                assert not tested_on[fold.train].any()
            else:
                assert sorted([*fold.train, *fold.test]) == list(range(24))
        assert set(experiment.labels.mapping) >= set(experiment.corpora)
        for emotions in experiment.labels.mapping.values():
            assert {emotion for emotion in emotions.values() if emotion} <= set(experiment.labels.classes)


def test_networks_are_shared_by_hashable_needs(key: str) -> None:
    paper, needs = papers.load(key), papers.parts(key).needs
    for profile in paper.profiles.values():
        assert len({needs(experiment, profile.settings) for experiment in paper.experiments}) < len(paper.experiments)


def test_what_leaks_has_a_leak_free_twin(key: str) -> None:
    paper = papers.load(key)
    twins = {(e.name, e.twin_of): e for e in paper.experiments if e.twin_of}
    assert len(twins) == sum(bool(e.twin_of) for e in paper.experiments)
    for experiment in paper.experiments:
        if not experiment.leak_free:
            twin = twins[experiment.name, experiment.variant]
            assert twin.leak_free
            assert (twin.protocol, twin.corpora, twin.labels) == (LOSO, experiment.corpora, experiment.labels)
            assert twin.selection.startswith("last epoch")
    for name, variant in twins:
        assert not next(e for e in paper.experiments if (e.name, e.variant) == (name, variant)).leak_free


def test_common_ground_is_the_same_for_all_papers(key: str) -> None:
    found = [e for e in papers.load(key).experiments if e.common_ground]
    assert found
    for experiment in found:
        assert experiment.labels is MEGC2019
        assert sorted(experiment.corpora) == ["casme2", "samm", "smic"]
        assert (experiment.protocol, experiment.selection, experiment.leak_free) == (LOSO, "last epoch", True)
        assert not any((experiment.min_frames, experiment.tested_on, experiment.held_out))
    cuts = {(p.name, p.subjects, p.clips, p.folds) for p in papers.load(key).profiles.values()}
    assert cuts == {(p.name, p.subjects, p.clips, p.folds) for p in profiles(0, 0, 0).values()}


def test_a_saved_network_can_answer_and_be_looked_into(key: str) -> None:
    """What --predict needs beside training: what the functions do is tested on the networks of all papers."""
    parts = papers.parts(key)
    for function, given in (
        (parts.recipe().answers, ["models", "samples", "experiment", "settings"]),
        (parts.figures.looks, ["samples", "experiment", "settings"]),
    ):
        assert list(inspect.signature(function).parameters) == given
        assert inspect.getdoc(function)
    default = next(e for e in papers.load(key).experiments if e.common_ground)
    assert default.leak_free


def test_claims_are_attainable_numbers_of_known_experiments(key: str) -> None:
    paper = papers.load(key)
    assert paper.claims or paper.facts.get("published") is False
    known = {(e.name, e.variant): e for e in paper.experiments}
    for claim in paper.claims:
        experiment = known[claim.experiment, claim.variant]
        assert claim.corpus in (experiment.labels.name, *experiment.corpora)
        assert histories.of_history(claim.metric) or metrics.metric(claim.metric, experiment.labels.classes)
        assert claim.source
        assert 0 <= claim.value <= 1
    assert len({(c.experiment, c.variant, c.corpus, c.metric) for c in paper.claims}) == len(paper.claims)


def test_departures_say_what_and_why(key: str) -> None:
    for departure in papers.load(key).departures:
        for part in (departure.topic, departure.paper_says, departure.we_do, departure.why):
            assert part.strip()


def test_profiles_shorten_settings_and_nothing_else(key: str) -> None:
    profiles = papers.load(key).profiles
    assert profiles["paper"].folds is None
    assert set(profiles) == {"paper", "quick", "smoke"}
    assert profiles["paper"].subjects is profiles["paper"].clips is None
    kinds = {type(profile.settings) for profile in profiles.values()}
    assert len(kinds) == 1
    assert is_dataclass(kinds.pop())
    assert all(profile.name == name for name, profile in profiles.items())
    for one in fields(profiles["paper"].settings):
        assert len({type(getattr(profile.settings, one.name)) for profile in profiles.values()}) == 1


def test_the_key_of_a_run_holds_all_code_that_decides_it(key: str) -> None:
    code = papers.code(key)
    assert all((ROOT / name).is_file() for name in code)
    assert {
        "common/protocols/splits.py",
        "common/vision/images.py",
        "common/vision/videos.py",
        "common/training/learner.py",
    } <= set(code)
    own = {path.name for path in (ROOT / "papers" / key).glob("*.py")} - {"__init__.py", "figures.py"}
    assert {f"papers/{key}/{name}" for name in own} <= set(code)
    for name in code:
        text = (ROOT / name).read_text(encoding="utf-8")
        assert "apex.estimate" not in text or "common/vision/apex.py" in code


def test_built_networks_have_the_printed_parameters(key: str) -> None:
    paper = papers.load(key)
    recipe = papers.parts(key).recipe()
    if "parameters" in paper.facts:
        networks = recipe.Networks(paper.experiments[0], paper.profiles["paper"].settings, 0)
        assert networks.facts()["parameters"] == paper.facts["parameters"]
