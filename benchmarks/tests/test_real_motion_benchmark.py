"""The benchmark on real motion: what it measures of whom, how answers are scored, and that it resumes."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.metrics import f1_score, recall_score

import papers
from benchmarks.learning import systems as learning
from benchmarks.learning.cells import Order
from benchmarks.learning.systems import System, paper_of, profile
from benchmarks.real_motion import __main__ as command
from benchmarks.real_motion import drawing, results
from benchmarks.real_motion.systems import CHANGED, MINUTES, MOTIONS, SIZE, SYSTEMS, motions
from common.errors import UserError
from common.files import write_json
from common.report.formatting import DASH

NETWORKS = [system for system in SYSTEMS if not system.reads]
CLIPS = {f"smic/s{s}/c{c}": (s + c) % 4 % 3 for s in range(8) for c in range(6)}


def answers(seed: int) -> str:
    rng = np.random.default_rng(seed)
    return "".join(str(c if rng.random() < 0.8 else rng.integers(3)) for c in CLIPS.values())


def some_run(system: System, motion: float = 1.0, seed: int = 0, given: str = "") -> dict[str, Any]:
    return {
        "system": system.name,
        "motion": motion,
        "seed": seed,
        "changed": dict(system.changed),
        "answers": given or answers(seed),
        "training_accuracy": [0.5, 0.7],
        "eye_distance": 20.0,
        "parameters": 1234,
        "seconds": 90.0,
        "processor": "some",
    }


def stored(*runs: dict[str, Any]) -> results.Results:
    kept = results.read(Path("none"), "maps")
    for run in runs:
        kept = results.with_run(kept, run, CLIPS)
    return kept


def test_the_systems_are_those_of_the_learning_benchmark() -> None:
    known = {(system.name, system.paper, system.experiment) for system in learning.SYSTEMS if not system.reads}
    assert {(system.name, system.paper, system.experiment) for system in NETWORKS} == known
    assert sum(papers.load(system.paper).key not in ("liong2019", "see2019") for system in NETWORKS) == 12
    assert set(CHANGED) <= set(MINUTES) <= {system.name for system in NETWORKS}
    assert sorted(MINUTES.values()) == list(MINUTES.values())
    assert {motions(system) for system in SYSTEMS} == {MOTIONS, MOTIONS[:1]}


@pytest.mark.parametrize("system", NETWORKS, ids=lambda system: system.name)
def test_settings_are_the_papers_but_for_those_listed(system: System) -> None:
    paper, experiment = paper_of(system)
    profiles = paper.profiles["paper"], profile(system, 1.0, SIZE)
    full, used = (some.settings.having(experiment.settings).values() for some in profiles)
    assert {name for name in full if full[name] != used[name]} - {"weights"} == set(system.changed)
    assert (profiles[1].subjects, profiles[1].clips, experiment.leak_free) == (None, None, True)


def test_scores_are_those_of_the_first_seed_and_unlike_seeds_widen_the_interval() -> None:
    truth, given = [*CLIPS.values()], [*map(int, answers(0))]
    (one,) = stored(some_run(NETWORKS[0]))["cells"]
    others = {2: "".join(map(str, truth)), 0: answers(0), 1: "1" * len(truth)}
    (three,) = stored(*(some_run(NETWORKS[0], seed=seed, given=digits) for seed, digits in others.items()))["cells"]
    assert one["uf1"] == three["uf1"] == pytest.approx(f1_score(truth, given, average="macro"), abs=1e-4)
    assert one["uar"] == three["uar"] == pytest.approx(recall_score(truth, given, average="macro"), abs=1e-4)
    assert one["p"] == three["p"] < 0.05
    assert (one["seeds"], three["seeds"]) == ([0], [0, 1, 2])
    assert one["low"] < one["uf1"] < one["high"]
    assert three["high"] - three["low"] > one["high"] - one["low"]


def test_guessing_is_the_score_of_the_largest_class() -> None:
    truth = [*CLIPS.values()]
    most = max(set(truth), key=truth.count)
    assert results.guessing(CLIPS) == pytest.approx(f1_score(truth, [most] * len(truth), average="macro"))
    (cell,) = stored(some_run(NETWORKS[0], given=str(most) * len(truth)))["cells"]
    assert (cell["uf1"], cell["p"]) == (pytest.approx(results.guessing(CLIPS), abs=1e-4), 1)


def test_what_is_stored_is_kept_unless_settings_or_maps_changed(tmp_path: Path) -> None:
    path = tmp_path / "results.json"
    write_json(path, stored(some_run(NETWORKS[3], 3.0), some_run(NETWORKS[1], 1.0)))
    again = results.read(path, "maps")
    assert [cell["system"] for cell in again["cells"]] == [NETWORKS[1].name, NETWORKS[3].name]
    assert list(results.runs_of(again, NETWORKS[3], 3.0)) == [0]
    assert not results.runs_of(again, NETWORKS[3], 1.0)
    assert not results.runs_of(again, replace(NETWORKS[3], changed={"epochs": 7}), 3.0)
    assert results.read(path) == again == results.rescored(again)
    with pytest.raises(UserError, match="--results"):
        results.read(path, "other maps")


def test_the_command_measures_what_is_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[str, float, int]] = []

    def each(orders: list[Order], *_: object) -> list[dict[str, Any]]:
        asked.extend((order.system.name, order.motion, order.seed) for order in orders)
        return [some_run(order.system, order.motion, order.seed) for order in orders]

    monkeypatch.setattr(command, "each_measured", each)
    monkeypatch.setattr(command, "truth", lambda _: CLIPS)
    monkeypatch.setattr(command.real_motion, "read", lambda _: type("Maps", (), {"digest": "maps"}))
    first, second = NETWORKS[2], NETWORKS[0]
    options = ["--results", str(tmp_path / "r.json"), "--figure", str(tmp_path / "f.svg"), "--systems"]
    given = ["--maps", str(tmp_path), *options, first.name, SYSTEMS[0].name]
    assert command.main([*given, "--motions", "3"]) == 0
    assert asked == [(first.name, 3.0, 0)]
    assert command.main([*given, second.name, "--motions", "1", "3", "--seeds", "2"]) == 0
    assert len(asked) == len(set(asked)) == 10
    assert command.main([*options, first.name, "--draw"]) == 0
    assert len(asked) == 10
    with pytest.raises(SystemExit):
        command.main(options[:-1])


def test_the_table_has_dashes_and_the_figure_is_the_same_again(tmp_path: Path) -> None:
    kept = stored(some_run(SYSTEMS[0]), some_run(NETWORKS[0]), some_run(NETWORKS[4], 3.0))
    lines = drawing.table(kept).splitlines()
    assert len(lines) == 2 + len(SYSTEMS)
    rows = {cells[0]: cells[1:] for cells in ([*map(str.strip, line.strip("| ").split(" | "))] for line in lines[2:])}
    assert rows[NETWORKS[1].label] == [DASH] * 6
    assert rows[NETWORKS[0].label][3:6] == [f"{kept['cells'][1]['uar']:.2f}", "1,234", "1.5"]
    assert rows[SYSTEMS[0].label][1:3] == ["the same"] * 2
    drawing.draw(kept, tmp_path / "figure.svg")
    drawn = (tmp_path / "figure.svg").read_bytes()
    drawing.draw(kept, tmp_path / "figure.svg")
    assert drawn == (tmp_path / "figure.svg").read_bytes()


def test_printed_scores_are_those_of_the_networks_claims() -> None:
    for system in NETWORKS:
        paper, _ = paper_of(system)
        networks = {experiment.name: experiment.network for experiment in paper.experiments}
        claims = {claim.printed for claim in paper.claims if networks.get(claim.experiment) == system.name}
        shown = set(re.findall(r"[\d.]+\d", drawing.printed(system).replace("UF1", "")))
        assert shown <= claims


def test_every_changed_setting_is_listed_with_the_papers() -> None:
    text = drawing.settings()
    assert all(f"{name} {value} (".replace("_", " ") in text for s in NETWORKS for name, value in s.changed.items())


def test_committed_results_follow_from_their_answers() -> None:
    if not results.FILE.is_file():
        pytest.skip("nothing is measured yet")
    kept = json.loads(results.FILE.read_text(encoding="utf-8"))
    assert kept == results.rescored(kept)
    assert len(kept["clips"]) == 442
