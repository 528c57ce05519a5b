"""The learning benchmark: what it measures of whom, that stand-ins tell nothing else, and that it resumes."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import f1_score

import papers
from benchmarks.learning import cells, drawing, results
from benchmarks.learning.pixels import SCALES
from benchmarks.learning.systems import SYSTEMS, Size, System, paper_of, profile
from common import corpora, standin
from common.corpora.composite import MEGC2019
from common.environment import ROOT
from common.report import known
from common.report.formatting import DASH

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


def some_cell(system: System, motion: float, answers: dict[str, int], truth: dict[str, int]) -> dict[str, object]:
    return {
        "system": system.name,
        "paper": system.paper,
        "experiment": system.experiment,
        "motion": motion,
        "changed": dict(system.changed),
        "answers": "".join(map(str, answers.values())),
        **cells.scored(answers, truth),
        "training_accuracy": [0.5, 0.7],
        "eye_distance": 20.0,
        "seconds": 1.0,
        "processor": "some",
    }


def some_clips() -> dict[str, int]:
    return {f"smic/s{s}/c{c}": c % 3 for s in range(4) for c in range(6)}


def test_scores_of_answers() -> None:
    truth = some_clips()
    rng = np.random.default_rng(1)
    answers = {clip: int(label if rng.random() < 0.8 else rng.integers(3)) for clip, label in truth.items()}
    scores = cells.scored(answers, truth)
    assert scores["uf1"] == pytest.approx(f1_score([*truth.values()], [*answers.values()], average="macro"), abs=1e-4)
    assert scores["low"] <= scores["uf1"] <= scores["high"]
    assert scores["p"] < 0.01
    assert cells.scored(dict.fromkeys(truth, 1), truth)["p"] == 1
    assert cells.scored(truth, truth)["uf1"] == 1


def test_what_is_stored_is_kept_unless_settings_changed(tmp_path: Path) -> None:
    truth, path, size = some_clips(), tmp_path / "results.json", Size()
    first, second = NETWORKS[0], NETWORKS[5]
    stored = results.read(path, size)
    stored["clips"] = truth
    stored["cells"] = [some_cell(second, 8.0, truth, truth), some_cell(first, 1.0, dict.fromkeys(truth, 0), truth)]
    results.write(path, stored)
    again = results.read(path, size)
    assert [cell["system"] for cell in again["cells"]] == [first.name, second.name]
    assert results.cell(again, first, 1.0)
    assert not results.cell(again, first, 2.0)
    assert results.cell(again, replace(first, changed={"learning_rate": 7}), 1.0) is None
    assert results.read(path, replace(size, clips=9))["cells"] == []
    rows = results.rows(again)
    assert [(row.uf1, row.motion) for row in rows] == [(pytest.approx(1 / 6, abs=1e-4), 1.0), (1.0, 8.0)]
    text = drawing.table(rows)
    assert re.search(r"\*\*1\.00 \(0\.\d\d to 1\.00\)\*\*", text)
    assert "**0.17" not in text
    assert len(text.splitlines()) == 2 + len(SYSTEMS)
    shown = known.table([papers.load(first.paper)], path)
    assert (shown["motions"], [row[0] for row in shown["rows"]]) == (["1"], [first.name])
    both = known.table([papers.load(network.paper) for network in (first, second)], path)
    assert [row[1:] for row in both["rows"]][1][0] == [DASH, ""]
    drawing.draw(rows, tmp_path / "figure.svg")
    drawn = (tmp_path / "figure.svg").read_bytes()
    drawing.draw(rows, tmp_path / "figure.svg")
    assert drawn == (tmp_path / "figure.svg").read_bytes()


def test_committed_results_follow_from_their_answers() -> None:
    if not results.FILE.is_file():
        pytest.skip("nothing is measured yet")
    stored = json.loads(results.FILE.read_text(encoding="utf-8"))
    assert stored == results.read(results.FILE, Size())
    for cell in stored["cells"]:
        answers = dict(zip(sorted(stored["clips"]), map(int, cell["answers"]), strict=True))
        assert cells.scored(answers, stored["clips"]).items() <= cell.items()


def cells_of(line: str) -> list[str]:
    """The cells of a row of a Markdown table."""
    return [cell.strip() for cell in line.strip("| ").split(" | ")]


def test_the_readme_has_the_scores_of_the_learning_benchmark() -> None:
    head, _, *measured = drawing.table(results.rows(results.read(results.FILE, Size()))).splitlines()
    wanted = {(row := dict(zip(cells_of(head), cells_of(line), strict=True)))["Network"]: row for line in measured}
    printed = re.findall(
        r"^\| ?(.*) \| (.+) \| (.+) \| (.+) \|$", (ROOT / "README.md").read_text(encoding="utf-8"), re.MULTILINE
    )
    shown = [(network, moved, still) for _, network, moved, still in printed if network != "Network"]
    networks = sorted(NETWORKS, key=lambda system: system.paper)
    rows = [(system.name, wanted[system.label]) for system in networks]
    assert shown == [(name, row["motion 8"], row["motion 0"]) for name, row in rows]
    firsts = {network: re.match(r"\[`(\w+)`\]", paper) for paper, network, *_ in printed if "`" in paper}
    assert {network: found[1] for network, found in firsts.items() if found} == {
        next(system.name for system in networks if system.paper == key): key for key in papers.available()
    }
