"""The learning benchmark: what it measures of whom, that stand-ins tell nothing else, and that it resumes."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.metrics import f1_score

import papers
from benchmarks.learning import cells, drawing, results
from benchmarks.learning.pixels import SCALES
from benchmarks.learning.systems import SYSTEMS, Size, System, named, paper_of, parts, profile, seeds
from benchmarks.prepared import Bench
from common import corpora, standin
from common.corpora.composite import MEGC2019
from common.errors import UserError
from common.files import write_json
from common.progress import Display
from common.report import known
from common.runs.cache import Cache
from common.runs.processes import Pool

NETWORKS = [system for system in SYSTEMS if not system.reads]


def test_every_network_on_common_ground_is_measured_once() -> None:
    every = [(key, e) for key in papers.available() for e in papers.load(key).experiments]
    ground = {(key, e.id, e.network) for key, e in every if e.common_ground}
    assert {(s.paper, s.experiment, s.name) for s in NETWORKS} == ground
    assert len(NETWORKS) == 15
    assert {system.reads for system in SYSTEMS} == {"", "flow", "onset", "metadata"}


@pytest.mark.parametrize("system", NETWORKS, ids=lambda system: system.name)
def test_settings_are_the_papers_but_for_those_listed(system: System) -> None:
    paper, experiment = paper_of(system)
    profiles = paper.profiles["paper"], profile(system, 4.0, Size())
    full, used = (some.settings.having(experiment.settings).values() for some in profiles)
    assert {name for name in full if full[name] != used[name]} - {"weights"} == set(system.changed)
    assert experiment.leak_free


def test_a_scale_is_known_for_all_that_read_faces() -> None:
    assert set(SCALES) == {system.reads or system.name for system in SYSTEMS} - {"metadata"}


def test_corpus_subject_and_length_tell_nothing_of_the_class(tmp_path: Path) -> None:
    size = replace(Size(), subjects=2, clips=3)
    folder = standin.ensure(tmp_path, corpora=("smic", "samm"), subjects=size.subjects, clips=size.clips)
    assert Size().clips % len(MEGC2019.classes) == 0
    for name, root in corpora.find(folder, ("smic", "samm")).items():
        shown: dict[str, list[str]] = {}
        lengths: dict[str, set[int]] = {}
        for clip in corpora.load(name, root).clips:
            kind = MEGC2019.mapping[name][clip.emotion]
            if kind is not None:
                shown.setdefault(clip.subject, []).append(kind)
                lengths.setdefault(clip.subject, set()).add(len(clip.numbers))
        assert {tuple(sorted(kinds)) for kinds in shown.values()} == {tuple(sorted(MEGC2019.classes))}
        assert all(len(subject_lengths) == 1 for subject_lengths in lengths.values())


def some_run(system: System, motion: float, answers: dict[str, int], seed: int = 0) -> dict[str, Any]:
    return {
        "system": system.name,
        "motion": motion,
        "seed": seed,
        "changed": dict(system.changed),
        "answers": "".join(map(str, answers.values())),
        "training_accuracy": [0.5, 0.7],
        "eye_distance": 20.0,
        "seconds": 1.0,
        "processor": "some",
    }


def some_clips() -> dict[str, int]:
    return {f"smic/s{s}/c{c}": c % 3 for s in range(6) for c in range(6)}


def some_answers(seed: int) -> dict[str, int]:
    rng = np.random.default_rng(seed)
    return {clip: int(c if rng.random() < 0.8 else rng.integers(3)) for clip, c in some_clips().items()}


def of_runs(*runs: dict[str, Any], path: Path = Path("none")) -> dict[str, Any]:
    stored = results.read(path, Size())
    stored["clips"] = {str(run["seed"]): some_clips() for run in runs}
    for run in runs:
        stored = results.with_run(stored, run)
    return stored


def test_scores_are_those_of_the_answers_to_all_sets_together() -> None:
    """Subjects of the same name in two sets are two subjects."""
    truth = [*some_clips().values()]
    three = [some_run(NETWORKS[0], 0.0, some_answers(seed), seed) for seed in range(3)]
    (cell,) = of_runs(*three)["cells"]
    answers = [int(digit) for run in three for digit in run["answers"]]
    assert cell["uf1"] == pytest.approx(f1_score(truth * 3, answers, average="macro"), abs=1e-4)
    assert cell["low"] < cell["uf1"] < cell["high"]
    assert (cell["seeds"], cell["planned_seeds"], cell["p"]) == (3, len(seeds(0.0)), 1 / 20_000)
    (alone,) = of_runs(some_run(NETWORKS[0], 0.0, some_answers(0)))["cells"]
    (same,) = of_runs(*(some_run(NETWORKS[0], 0.0, some_answers(0), seed) for seed in range(3)))["cells"]
    assert same["uf1"] == alone["uf1"]
    assert same["high"] - same["low"] < 0.8 * (alone["high"] - alone["low"])


@pytest.mark.parametrize(("answers", "uf1"), [(dict.fromkeys(some_clips(), 1), 1 / 6), (some_clips(), 1)])
def test_scores_at_the_ends(answers: dict[str, int], uf1: float) -> None:
    (cell,) = of_runs(some_run(NETWORKS[0], 8.0, answers))["cells"]
    assert cell["uf1"] == pytest.approx(uf1, abs=1e-4)
    assert (cell["p"] == 1) == (uf1 < 1)


def test_what_is_stored_is_kept_unless_settings_changed(tmp_path: Path) -> None:
    truth, path, size = some_clips(), tmp_path / "results.json", Size()
    first, second = NETWORKS[0], NETWORKS[5]
    write_json(path, of_runs(some_run(second, 8.0, truth), some_run(first, 1.0, dict.fromkeys(truth, 0))))
    again = results.read(path, size)
    assert [cell["system"] for cell in again["cells"]] == [first.name, second.name]
    assert list(results.runs_of(again, first, 1.0)) == [0]
    assert not results.runs_of(again, first, 2.0)
    assert not results.runs_of(again, replace(first, changed={"learning_rate": 7}), 1.0)
    assert results.read(path, replace(size, clips=9))["runs"] == []
    rows = results.rows(again)
    assert [(row.uf1, row.motion) for row in rows] == [(pytest.approx(1 / 6, abs=1e-4), 1.0), (1.0, 8.0)]
    text = drawing.table(rows)
    assert re.search(r"\*\*1\.00 \(0\.\d\d to 1\.00\)\*\*", text)
    assert "**0.17" not in text
    assert len(text.splitlines()) == 2 + len(SYSTEMS)
    shown = known.cells([papers.load(first.paper)], path)
    assert [(cell["system"], cell["motion"]) for cell in shown] == [(first.name, 1.0)]
    drawing.draw(rows, tmp_path / "figure.svg")
    drawn = (tmp_path / "figure.svg").read_bytes()
    drawing.draw(rows, tmp_path / "figure.svg")
    assert drawn == (tmp_path / "figure.svg").read_bytes()
    better = results.with_run(again, some_run(first, 1.0, truth))
    assert [cell["uf1"] for cell in better["cells"]] == [1, 1]
    assert len(better["runs"]) == 2


def test_a_score_of_too_few_sets_says_so(tmp_path: Path) -> None:
    path, network = tmp_path / "results.json", NETWORKS[0]
    runs = [some_run(network, 0.0, some_answers(seed), seed) for seed in seeds(0.0)]
    for part, told in ((runs[:-1], True), (runs, False)):
        write_json(path, of_runs(*part, some_run(network, 1.0, some_clips())))
        (line,) = (
            line for line in drawing.table(results.rows(results.read(path, Size()))).splitlines() if "0." in line
        )
        _, still, moving, *_ = cells_of(line)
        assert (f"{len(part)} of {len(runs)}" in still) is told
        assert "of" not in moving


def test_one_hit_in_all_draws_is_significant_among_all_cells() -> None:
    """So that what no draw reaches is bold, however many cells there are."""
    assert sum(len(system.motions) for system in SYSTEMS) / (1 + results.DRAWS) < drawing.SIGNIFICANT / 10
    every = [results.Row(s, m, 1, 1, 0.9, 0.8, 1, 1 / (1 + results.DRAWS), 1, None) for s in SYSTEMS for m in s.motions]
    table = drawing.table(every)
    assert table.count("**0.90") == len(every)


@pytest.fixture(scope="module")
def stand_ins(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("stand-ins")


@pytest.mark.parametrize("reads", ["onset", "metadata", "flow"])
def test_what_is_measured_once_does_not_depend_on_motion(reads: str, stand_ins: Path) -> None:
    (system,) = (system for system in SYSTEMS if system.reads == reads)
    paper, experiment = paper_of(system)
    features = []
    for motion in (0.0, 1.0):
        size = Size(subjects=1, clips=1)
        bench = Bench(
            paper,
            replace(experiment, corpora=("smic",)),
            profile(system, motion, size),
            partial(parts, system),
            "raw",
            Cache(stand_ins),
        )
        features.append(bench.job_and_samples()[1].x["features"][:])
    assert np.array_equal(*features) == (system.motions == (0.0,))


def test_one_process_gives_each_run_before_it_begins_the_next(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    events: list[str] = []
    record = {"motion": 1.0, "seed": 0, "system": "some", "seconds": 1.0}
    monkeypatch.setattr(cells, "made_ready", lambda *_: events.append("prepared"))
    monkeypatch.setattr(cells, "measured", lambda _: events.append("measured") or record)
    orders = [cells.Order(system, 1.0, 0, Size(), tmp_path) for system in SYSTEMS[:2]]
    with Pool(1) as pool, Display() as display:
        for _ in cells.each_measured(orders, pool, display):
            events.append("stored")
    assert events == ["prepared", "measured", "stored"] * 2


def test_the_seed_is_that_of_people_and_clips(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []

    def noted(*_: object, seed: int, **__: object) -> None:
        asked.append(seed)
        raise UserError("enough")

    monkeypatch.setattr(standin, "ensure", noted)
    for seed in seeds(0.0):
        with pytest.raises(UserError, match="enough"):
            cells.truth(cells.Order(SYSTEMS[0], 0.0, seed, Size(), tmp_path))
    assert tuple(asked) == seeds(0.0) == tuple(range(5))


def test_committed_results_follow_from_their_answers() -> None:
    if not results.FILE.is_file():
        pytest.skip("nothing is measured yet")
    stored = json.loads(results.FILE.read_text(encoding="utf-8"))
    assert stored == results.rescored(results.read(results.FILE, Size()))
    assert all(run["motion"] in named(run["system"]).motions for run in stored["runs"])


def cells_of(line: str) -> list[str]:
    """The cells of a row of a Markdown table."""
    return [cell.strip() for cell in line.strip("| ").split(" | ")]
