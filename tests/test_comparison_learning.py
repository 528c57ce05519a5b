"""What networks on common ground learn, and that reports show what is stored."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import comparison_example
import guessing as guesses
import numpy as np
import pytest

import papers
import run_all
from common.report import comparison_learning, learning
from common.report.comparison import record as side_record
from common.report.comparison_tables import ranked
from common.runs.store import Run
from common.scoring import verdicts
from common.scoring.statistics import holm, kendall_w


def test_rows_of_common_ground_are_the_scores_of_the_networks(tmp_path: Path) -> None:
    side = ranked(comparison_example.side(tmp_path, 6, (0, 1, 2)))
    record = side_record(side)
    p = [c.scores["megc2019"]["uf1"].p for c in side.contenders]
    assert [item["p_holm"] for item in record["learning"]] == list(holm([value for value in p if value is not None]))
    for c, item, about in zip(side.contenders, record["learning"], record["contenders"], strict=True):
        for key, scores in (("no_motion_uf1", c.control), ("metadata_uf1", c.metadata)):
            score = scores.get("megc2019", {}).get("uf1")
            assert (item[key] or {}).get("p") == (score.p if score else None)
        assert about["training_accuracy"] == item["training_accuracy"] == c.training_accuracy
    assert record["learning_summary"] == [learning.sentence(comparison_learning.rows(side))]


def test_the_order_of_networks_over_seeds_is_judged_by_w(tmp_path: Path) -> None:
    side = comparison_example.side(tmp_path, 4, (0, 1, 2))

    def judged(values: list[tuple[float, ...]]) -> float | None:
        contenders = [replace(c, spread={"uf1": value}) for c, value in zip(side.contenders, values, strict=True)]
        return comparison_learning.agreement(replace(side, contenders=tuple(contenders)))

    assert judged([(0.1 * i,) * 3 for i in range(4)]) == pytest.approx(1)
    turned = [(0.1 * i, 0.9 - 0.1 * i, 0.5) for i in range(4)]
    assert judged(turned) == kendall_w(np.array(turned).T)
    assert judged([(0.5,), (0.1,), (0.2,), (0.3,)]) is None  # of no network are all seeds there


@pytest.mark.usefixtures("without_pages")
def test_what_is_stored_is_what_is_shown(cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(papers, "parts", guesses.parts)
    name = "stcnn-composite/loso"
    words = ["--paper", "aouayeb2019", "reddy2019", "--experiment", name, f"{name}+no-motion", f"{name}+metadata"]
    words += ["composite-loso/cnn-in-fold", "--profile", "smoke"]
    words += ["--out", str(tmp_path), "--cache", str(cache), "--workers", "1"]
    assert run_all.main(words) == 0
    (folder,) = tmp_path.glob("runs/reddy2019/stcnn-composite/loso/*/folds")
    (still,) = tmp_path.glob("runs/reddy2019/stcnn-composite/loso+no-motion/*/folds")
    (known,) = tmp_path.glob("runs/reddy2019/stcnn-composite/loso+metadata/*/folds")
    files = sorted(folder.glob("*.json"))
    stored = [json.loads(file.read_text()) for file in files]
    report, side = (json.loads((tmp_path / f"{key}.json").read_text()) for key in ("reddy2019", "comparison"))
    (item,) = report["learning"]
    mean = np.mean([record["measured"]["training_accuracy"] for record in stored])
    assert item["training_accuracy"] == pytest.approx(mean)
    for record in stored:  # a guess has no network to look into
        assert not {"dead_units", "gradient_norm"} & set(record["measured"])
        assert record["measured"]["training_clips"] >= len(record["clips"])
    contender = next(c for c in side["contenders"] if c["experiment"] == name)
    paper = papers.load("reddy2019")
    classes = next(e for e in paper.experiments if e.id == name).labels.classes
    for where, shown in (
        (folder, contender["scores"]),
        (still, contender["control"]),
        (known, contender["metadata"]),
    ):
        loaded = [Run(where.parent).load(json.loads(file.read_text())["fold"]) for file in sorted(where.glob("*.json"))]
        results = [result for result in loaded if result is not None]
        assert results
        for corpus, within in (("megc2019", None), ("smic", "smic")):
            if corpus in shown:
                for metric in verdicts.METRICS:
                    p, test = verdicts.against_guessing(results, within, metric, classes, len(results))
                    assert (shown[corpus][metric]["p"], shown[corpus][metric]["p_test"]) == (p, test)
    header, *lines = (tmp_path / "comparison.csv").read_text().splitlines()
    spoilt = {f"{control}_{name}" for control in ("no_motion", "metadata") for name in ("value", "p")}
    assert {"p", "training_accuracy", *spoilt} <= {*header.split(",")}
    assert any(str(contender["scores"]["megc2019"]["uf1"]["p"]) in line for line in lines)

    class Old(Run):  # results of a version that measured nothing on training clips
        def load(self, fold: str) -> Any:
            result = super().load(fold)
            return result and replace(result, measured={"parameters": 1.0})

    monkeypatch.setattr("common.runs.results.Run", Old)
    assert run_all.main([*words, "--report-only"]) == 0
    old = json.loads((tmp_path / "reddy2019.json").read_text())
    assert old["learning"][0]["training_accuracy"] is None
    assert old["learning"][0]["uf1"] == item["uf1"]
