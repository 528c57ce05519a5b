"""What every paper's folder must hold; a new folder is tested without an edit here."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Iterator
from dataclasses import fields, is_dataclass, replace
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Literal, get_args, get_origin, get_type_hints

import numpy as np
import pytest
from symbolic import symbolic

import papers
from common.audit.networks import parameters
from common.contract import Settings
from common.corpora.composite import MEGC2019
from common.profiles import profiles
from common.protocols.carryover import fingerprint
from common.protocols.splits import CROSS, LOSO, split
from common.runs.cache import digest
from common.runs.preprocessing import clip_task
from common.scoring import histories, metrics
from common.types import Clip, Experiment

ROOT = Path(__file__).parents[1]
FILES = {
    "model.py",
    "preprocess.py",
    "experiments.py",
    "paper.toml",
    "claims.toml",
    "departures.toml",
}

pytestmark = pytest.mark.parametrize("key", papers.available())


def changed(record: Any) -> Iterator[tuple[str, Any]]:
    """A record with another value of one field, for each of its fields and those of records within, by name."""
    kinds = get_type_hints(type(record))
    for field in fields(record):
        value = getattr(record, field.name)
        if is_dataclass(value):
            for name, inner in changed(value):
                yield f"{field.name}.{name}", replace(record, **{field.name: inner})
        else:
            yield field.name, replace(record, **{field.name: another(value, kinds[field.name])})


def another(value: Any, kind: Any) -> Any:
    """Another value of a setting; that of a kernel such as 3x3x15 is one too."""
    if get_origin(kind) is Literal:
        return next(choice for choice in get_args(kind) if choice != value)
    if isinstance(value, bool):
        return not value
    if isinstance(value, int):
        return value + 1
    if isinstance(value, float):
        return value / 2 or 1.0  # a rate stays below 1
    if isinstance(value, str):
        return f"1{value}"
    return value[:-1] if value else ("x",)


@functools.cache
def built(key: str, settings: Settings, classes: tuple[str, ...]) -> object:
    """What tells networks apart: the shapes of their inputs, and their layers with all that these were made with."""
    parts = papers.parts(key)
    shapes = parts.preprocess.shapes(settings)
    recipe = parts.recipe()  # first: it imports Keras without the startup notes
    from common.training.learner import Learner, keras

    keras.utils.clear_session()  # layers without a name are numbered from the first one on
    keras.utils.set_random_seed(0)
    model = import_module(f"papers.{key}.model")
    if hasattr(model, "build"):
        models = [symbolic(model.build, settings.network, shapes, len(classes))]
    else:
        networks = vars(recipe.build_networks(settings.network, settings.training, shapes, classes, 0)).values()
        models = [learner.model for learner in networks if isinstance(learner, Learner)]
    return dict(shapes), [network.get_config() for network in models]


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
        assert set(experiment.labels.mapping) >= set(experiment.collected_from or experiment.corpora)
        for emotions in experiment.labels.mapping.values():
            assert {emotion for emotion in emotions.values() if emotion} <= set(experiment.labels.classes)


def test_networks_are_shared_by_hashable_keys(key: str) -> None:
    """How clips are split and an epoch is selected builds no network."""
    paper, parts = papers.load(key), papers.parts(key)
    for profile in paper.profiles.values():
        for experiment in paper.experiments:
            settings = profile.settings.having(experiment.settings)
            other = replace(experiment, variant="other", protocol=CROSS, selection="other", leak_free=False, network="")
            networks = {parts.network_key(experiment, settings): "first"}
            assert networks[parts.network_key(other, settings)] == "first"


def test_settings_are_three_records_and_experiments_name_what_is_in_them(key: str) -> None:
    paper = papers.load(key)
    settings = paper.profiles["paper"].settings
    records = settings.inputs, settings.network, settings.training
    names = [field.name for record in records for field in fields(record)]
    assert len(names) == len(set(names))
    assert set(settings.values()) == set(names)
    with pytest.raises(ValueError, match="two records of settings have"):
        Settings(settings.inputs, settings.network, settings.inputs)
    known = {(e.name, e.variant): e for e in paper.experiments}
    for experiment in paper.experiments:
        assert set(experiment.settings) | set(experiment.space) <= set(names)
        if experiment.tuned_of:
            assert experiment.settings == known[experiment.name, experiment.tuned_of].settings


def test_every_setting_of_inputs_keys_the_arrays(key: str) -> None:
    inputs = papers.load(key).profiles["paper"].settings.inputs
    clip = Clip("smic", "s1", "c", (Path("a"), Path("b")), (1, 2), 1, None, 2, 100.0, "")

    def of(record: Any) -> str:
        return digest(clip_task(key, clip, "content", record, "code").key)

    digests = {name: of(record) for name, record in changed(inputs)}
    assert {name.partition(".")[0] for name in digests} == {field.name for field in fields(inputs)}
    assert of(inputs) == of(replace(inputs))
    assert len({of(inputs), *digests.values()}) == 1 + len(digests)


def test_every_setting_of_a_network_changes_what_is_built(key: str) -> None:
    """That of some experiment; of initial weights, which may be files, it is enough that networks are not shared."""
    paper, parts = papers.load(key), papers.parts(key)
    smoke = paper.profiles["smoke"].settings
    distinct = {}
    for experiment in paper.experiments:
        settings = smoke.having(experiment.settings)
        distinct.setdefault(parts.network_key(experiment, settings), (experiment, settings))
    first, settings = next(iter(distinct.values()))
    again = built.__wrapped__(key, settings, first.labels.classes)
    assert again == built(key, settings, first.labels.classes), "else the rest shows nothing"

    def differs(name: str, experiment: Experiment, settings: Settings) -> bool:
        other = replace(settings, network=dict(changed(settings.network))[name])
        if name.startswith("weights."):
            return parts.network_key(experiment, other) != parts.network_key(experiment, settings)
        classes = experiment.labels.classes
        return built(key, other, classes) != built(key, settings, classes)

    for name, _ in changed(smoke.network):
        assert any(differs(name, *pair) for pair in distinct.values()), name


def test_what_the_papers_modules_hold_is_watched_from_fold_to_fold(key: str) -> None:
    watched = fingerprint(SimpleNamespace(), papers.parts(key).recipe())
    assert watched[f"papers.{key}.model"]
    assert not any(name.startswith("common") for name in watched)


def test_what_leaks_has_a_leak_free_twin(key: str) -> None:
    paper = papers.load(key)
    twins = {(e.name, e.twin_of): e for e in paper.experiments if e.twin_of}
    claimed = [(e.name, e.twin_of) for e in paper.experiments if e.twin_of]
    assert len(set(claimed)) == len(claimed), "two experiments say they are the twin of the same variant"
    for experiment in paper.experiments:
        if not experiment.leak_free:
            twin = twins.get((experiment.name, experiment.variant))
            assert twin, f"{experiment.id} is not leak-free, and no experiment says twin_of={experiment.variant!r}"
            assert twin.leak_free
            assert (twin.protocol, twin.corpora, twin.labels) == (LOSO, experiment.corpora, experiment.labels)
            assert twin.selection.startswith("last epoch")
    for name, variant in twins:
        assert not next(e for e in paper.experiments if (e.name, e.variant) == (name, variant)).leak_free


def test_common_ground_is_the_same_for_all_papers(key: str) -> None:
    experiments = [e for e in papers.load(key).experiments if e.common_ground]
    assert experiments, "no experiment is on common_ground"
    assert len({e.network for e in experiments}) == len(experiments), "two of one network are on common_ground"
    for experiment in experiments:
        assert experiment.labels is MEGC2019
        assert sorted(experiment.corpora) == ["casme2", "samm", "smic"]
        assert (experiment.protocol, experiment.selection, experiment.leak_free) == (LOSO, "last epoch", True)
        assert not any((experiment.min_frames, experiment.tested_on, experiment.held_out))
    cuts = {(p.name, p.subjects, p.clips, p.most_folds, p.folds) for p in papers.load(key).profiles.values()}
    settings = papers.load(key).profiles["paper"].settings
    assert cuts == {(p.name, p.subjects, p.clips, p.most_folds, p.folds) for p in profiles(settings, {}, {}).values()}


def test_a_saved_network_can_answer_and_be_looked_into(key: str) -> None:
    """What --predict needs beside training: what the functions do is tested on the networks of all papers."""
    parts = papers.parts(key)
    for function, given in (
        (parts.recipe().answers, ["models", "samples", "settings"]),
        (parts.figures.input_views, ["samples", "settings"]),
    ):
        assert list(inspect.signature(function).parameters) == given
        assert inspect.getdoc(function)
    default = next(e for e in papers.load(key).experiments if e.common_ground)
    assert default.leak_free


def test_claims_are_attainable_numbers_of_known_experiments(key: str) -> None:
    paper = papers.load(key)
    assert paper.claims or paper.facts.get("published") is False, "no claim, and no published = false in [facts]"
    known = {(e.name, e.variant): e for e in paper.experiments}
    for claim in paper.claims:
        experiment = known[claim.experiment, claim.variant]
        assert claim.corpus in (experiment.labels.name, *experiment.scored)
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
    assert profiles["paper"].folds is profiles["paper"].most_folds is None
    assert set(profiles) == {"paper", "quick", "smoke"}
    assert profiles["paper"].subjects is profiles["paper"].clips is None
    for record in ("inputs", "network", "training"):
        kinds = {type(getattr(profile.settings, record)) for profile in profiles.values()}
        assert len(kinds) == 1
        assert is_dataclass(kinds.pop())
    assert all(profile.name == name for name, profile in profiles.items())
    for name in profiles["paper"].settings.values():
        assert len({type(profile.settings.values()[name]) for profile in profiles.values()}) == 1


def test_the_key_of_a_run_holds_all_code_that_decides_it(key: str) -> None:
    code = papers.code(key)
    assert all((ROOT / name).is_file() for name in code)
    assert {
        "common/protocols/splits.py",
        "common/vision/images.py",
        "common/vision/videos.py",
        "common/training/learner.py",
    } <= set(code)
    apart = {"audit.py", "figures.py", "published_weights.py"}  # none of these decides a result
    own = {path.name for path in (ROOT / "papers" / key).glob("*.py")} - apart
    assert {f"papers/{key}/{name}" for name in own} <= set(code)
    for name in code:
        text = (ROOT / name).read_text(encoding="utf-8")
        assert "apex.estimate" not in text or "common/vision/apex.py" in code


def test_built_networks_have_the_printed_parameters(key: str) -> None:
    paper, parts = papers.load(key), papers.parts(key)
    recipe = parts.recipe()
    refuted = [f for f in parameters(paper.facts, {}) if not f.holds]  # by the paper's own layers
    if "parameters" in paper.facts and not refuted:
        first = paper.experiments[0]
        settings = paper.profiles["paper"].settings.having(first.settings)
        networks = recipe.build_networks(
            settings.network, settings.training, parts.preprocess.shapes(settings), first.labels.classes, 0
        )
        assert paper.facts["parameters"] in networks.facts().values()
