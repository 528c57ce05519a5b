"""What a leak adds: differences recomputed from stored predictions; nothing unfinished, and no twin, no line."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import comparison_example as example
import numpy as np
import pytest
import word_boxes
from hypothesis import given, settings
from hypothesis import strategies as st
from pypdf import PdfReader
from sklearn.metrics import f1_score

import papers
from common.contract import Paper
from common.files import write_json
from common.protocols.splits import REPEATED
from common.report import leak_charts, leak_price
from common.report.comparison import write_comparison
from common.report.records import Price, SeedScores
from common.runs.manifest import plan_file
from common.runs.results import Results
from common.runs.store import Run
from common.types import Experiment, FoldResult

PAPER = papers.load("reddy2019")
PAIRS = leak_price.pairs(PAPER)
T = {3: 4.302652729911275, 4: 3.1824463052842638, 5: 2.7764451051977987}
"""Quantiles of Student's t at 97.5% from a table, by number of seeds."""


def fold(name: str, clips: Sequence[str], truth: Sequence[int], rng: np.random.Generator) -> FoldResult:
    answers = rng.dirichlet((1, 1, 1), len(clips)).astype(np.float32)
    return FoldResult(name, tuple(clips), np.array(truth), answers, {}, 0, 1.0, {}, {})


def plan(out: Path, paper: Paper, seed: int, runs: Mapping[str, Any]) -> None:
    empty: dict[str, Any] = {name: [] for name in ("options", "command", "shortened", "corpora", "exclusions")}
    empty |= {"data": "", "differences": [], "corrections": []}
    write_json(plan_file(out, paper, paper.profiles["quick"], "stand-in", seed), empty | {"runs": runs})


def studied(out: Path, data: str, seeds: Sequence[int], paper: Paper = PAPER) -> Results:
    return Results(out, paper, paper.profiles["quick"], data, seeds)


def store(out: Path, seed: int, folds: Mapping[str, int], rng: np.random.Generator) -> dict[str, list]:
    """Two folds of each experiment, of which so many are done; returns (truth, predicted) of those done, by id."""
    planned, predictions = {}, {}
    for experiment, done in folds.items():
        run = Run(out / "runs" / PAPER.key / experiment / f"run{seed}")
        planned[experiment] = {"path": run.path.name, "folds": ["a", "b"]}
        results = [
            fold(name, [f"smic/{name}/{i}" for i in range(6)], [0, 0, 1, 1, 2, 2], rng) for name in ("a", "b")[:done]
        ]
        for result in results:
            run.save(result)
        predictions[experiment] = [
            pair for r in results for pair in zip(r.truth, r.probabilities.argmax(axis=1), strict=True)
        ]
    plan(out, PAPER, seed, planned)
    return predictions


def uf1(pairs: Sequence[tuple[int, int]]) -> float:
    truth, answer = zip(*pairs, strict=True)
    return float(f1_score(truth, answer, average="macro", labels=[0, 1, 2]))


def still(experiment: Experiment) -> str:
    return f"{experiment.id}+no-motion"


# ---------------------------------------------------------------- data


def test_every_pair_is_an_experiment_with_a_leak_and_one_without() -> None:
    for key in papers.available():
        paper = papers.load(key)
        named = {e.variant for e in paper.experiments if e.twin_of}
        pairs = leak_price.pairs(paper)
        assert {twin.variant for _, twin in pairs} == named
        for published, twin in pairs:
            assert (published.leak_free, twin.leak_free) == (False, True)
            assert (published.name, published.variant, published.labels) == (twin.name, twin.twin_of, twin.labels)
        assert len({published.id for published, _ in pairs}) == len(pairs)
    assert leak_price.pairs(papers.load("kumar2019")) == []


def test_differences_are_those_of_the_stored_predictions(tmp_path: Path) -> None:
    rng = np.random.default_rng(5)
    (first, first_twin), (second, second_twin), (third, third_twin) = PAIRS[:3]
    complete = dict.fromkeys((third.id, third_twin.id, first.id, first_twin.id, still(first), still(first_twin)), 2)
    started = {second.id: 2, second_twin.id: 1, still(third): 2, still(third_twin): 1}
    stored = {seed: store(tmp_path, seed, complete | started, rng) for seed in (3, 4, 6)}
    stored[7] = store(tmp_path, 7, {first.id: 2, first_twin.id: 2, third.id: 1, third_twin.id: 2}, rng)
    prices = leak_price.prices([studied(tmp_path, "stand-in", (3, 4, 5, 6, 7), PAPER)])
    assert [(p.published, p.leak_free, p.experiment) for p in prices] == [
        (e.variant, twin.variant, e.name) for e, twin in ((first, first_twin), (third, third_twin))
    ]
    for price, (e, twin), seeds, still_seeds in (
        (prices[0], (first, first_twin), (3, 4, 6, 7), (3, 4, 6)),
        (prices[1], (third, third_twin), (3, 4, 6), ()),
    ):
        for scores, known, ids in (
            (price.clips, seeds, (e.id, twin.id)),
            (price.still, still_seeds, (still(e), still(twin))),
        ):
            assert scores.seeds == known
            expected = [uf1(stored[seed][ids[0]]) - uf1(stored[seed][ids[1]]) for seed in known]
            assert scores.differences == pytest.approx(expected)
            if len(known) > 2:
                summary = leak_price.record(price)["clips" if scores is price.clips else "without_motion"]
                reach = T[len(known)] * np.std(expected, ddof=1) / math.sqrt(len(known))
                assert summary["mean"] == pytest.approx(np.mean(expected))
                assert [summary["low"], summary["high"]] == pytest.approx(
                    [np.mean(expected) - reach, np.mean(expected) + reach]
                )


def test_what_is_stored_for_other_data_or_not_at_all_has_no_line(tmp_path: Path) -> None:
    published, twin = PAIRS[0]
    store(tmp_path, 0, {published.id: 2, twin.id: 2}, np.random.default_rng(0))
    assert len(leak_price.prices([studied(tmp_path, "stand-in", (0,), PAPER)])) == 1
    assert leak_price.prices([studied(tmp_path, "licensed", (0,), PAPER)]) == ()
    assert leak_price.prices([studied(tmp_path / "other", "stand-in", (0,), PAPER)]) == ()


@pytest.mark.parametrize("tested", [((0, 8), (4, 12)), ((0, 7),), ((0, 6), (6, 12))])
def test_both_are_scored_on_the_clips_of_the_published_protocol(
    tmp_path: Path, tested: tuple[tuple[int, int], ...]
) -> None:
    """A split holds out some clips, and several splits test a clip again; the twin tests each clip once."""
    paper = papers.load("talluri2022")
    published, twin = next((e, twin) for e, twin in leak_price.pairs(paper) if e.protocol in REPEATED)
    rng = np.random.default_rng(8)
    clips = [f"samm/{who}/{i}" for who in "ab" for i in range(6)]
    answers: dict[str, list[FoldResult]] = {}
    planned = {}
    for e, parts in ((published, tested), (twin, ((0, 6), (6, 12)))):
        run = Run(tmp_path / "runs" / paper.key / e.id / "one")
        planned[e.id] = {"path": "one", "folds": [str(number) for number in range(len(parts))]}
        for number, (start, stop) in enumerate(parts):
            result = fold(str(number), clips[start:stop], [int(name[-1]) % 3 for name in clips[start:stop]], rng)
            run.save(result)
            answers.setdefault(e.variant, []).append(result)
    plan(tmp_path, paper, 0, planned)
    own = {c: p.argmax() for r in answers[twin.variant] for c, p in zip(r.clips, r.probabilities, strict=True)}
    rows = [
        (truth, p.argmax(), own[clip])
        for result in answers[published.variant]
        for clip, truth, p in zip(result.clips, result.truth, result.probabilities, strict=True)
    ]
    (price,) = leak_price.prices([studied(tmp_path, "stand-in", (0,), paper)])
    assert price.clips.published[0] == pytest.approx(uf1([(truth, first) for truth, first, _ in rows]))
    assert price.clips.leak_free[0] == pytest.approx(uf1([(truth, second) for truth, _, second in rows]))


@settings(max_examples=60, deadline=None, derandomize=True)
@given(st.lists(st.floats(-1, 1), min_size=1, max_size=6))
def test_an_interval_needs_three_seeds_that_differ(values: list[float]) -> None:
    found = leak_price.interval(values)
    if len(values) < 3 or max(values) - min(values) < 1e-12:
        assert found is None
    else:
        assert found is not None
        assert found[0] <= np.mean(values) <= found[1]
        assert -1 <= found[0] < found[1] <= 1
        if found[0] > -1 and found[1] < 1:
            assert sum(found) / 2 == pytest.approx(np.mean(values))


# ---------------------------------------------------------------- the report


def made_up(n: int, seeds: int, with_still: bool = False) -> tuple[Price, ...]:
    rng = np.random.default_rng(n)

    def scores(count: int) -> SeedScores:
        return SeedScores(tuple(range(count)), tuple(rng.random(count)), tuple(rng.random(count)))

    names = [example.TITLES[-1], *(f"network-{i}" for i in range(1, n))]
    return tuple(
        Price(
            f"example{2012 + i}", name, "published", "loso", "80/20 once, by clip", "last epoch", scores(seeds),
            scores(seeds) if with_still and i % 3 else SeedScores(),
        )
        for i, name in enumerate(names)
    )  # fmt: skip


def text(path: Path) -> str:
    return "".join("".join(page.extract_text().split()) for page in PdfReader(path).pages)


def test_all_outputs_have_the_same_numbers(tmp_path: Path) -> None:
    prices = made_up(4, 3, with_still=True)
    side = replace(example.side(tmp_path, 3, (0, 1, 2), stand_in=True), prices=prices, twins=9)
    paths = {path.name: path for path in write_comparison(side, tmp_path / "out")}
    data = json.loads(paths["comparison.json"].read_text("utf-8"))["leak_price"]
    assert data["twins"] == 9
    assert [row["experiment"] for row in data["experiments"]] == [price.experiment for price in prices]
    rows = list(csv.DictReader(io.StringIO(paths["leak_price.csv"].read_text("utf-8"))))
    assert len(rows) == sum(len(p.clips.seeds) + len(p.still.seeds) for p in prices)
    for price, item in zip(prices, data["experiments"], strict=True):
        assert item["clips"]["differences"] == list(price.clips.differences)
        assert (item["without_motion"] is None) == (price.still.seeds == ())
        for kind, scores in (("all", price.clips), ("without motion", price.still)):
            own = [row for row in rows if (row["experiment"], row["clips"]) == (price.experiment, kind)]
            assert [float(row["difference"]) for row in own] == list(scores.differences)
            assert [float(row["published_uf1"]) for row in own] == list(scores.published)
            assert [int(row["seed"]) for row in own] == list(scores.seeds)
            assert {float(row["mean"]) for row in own} <= {
                item[k]["mean"] for k in ("clips", "without_motion") if item[k]
            }
    assert "4of9experiments" in text(paths["comparison.pdf"])
    assert list(word_boxes.faults(paths["comparison.pdf"])) == []


@pytest.mark.parametrize(("n", "seeds", "with_still"), [(1, 1, False), (2, 3, True), (60, 3, True)])
def test_every_line_is_drawn_and_no_word_over_another(tmp_path: Path, n: int, seeds: int, with_still: bool) -> None:
    prices = made_up(n, seeds, with_still)
    side = replace(example.side(tmp_path, 2, tuple(range(seeds))), prices=prices, twins=n)
    pdf, *_ = write_comparison(side, tmp_path / "out")
    assert list(word_boxes.faults(pdf)) == []
    page = text(pdf)
    assert all(f"example{2012 + i}network-{i}/published" in page for i in range(1, n))
    assert ("95%intervalofthemean" in page) == (seeds > 2)


def test_marks_are_where_the_numbers_say() -> None:
    for seeds in (1, 2, 3):
        prices = made_up(4, seeds, with_still=True)
        (figure, _), *_ = leak_charts.figures(prices)
        for (color, marker), kind in ((leak_charts.ALL, "clips"), (leak_charts.STILL, "still")):
            known = [s.differences for p in prices if (s := getattr(p, kind)).seeds]
            drawn: dict[str, list[list[float]]] = {}
            for line in figure.axes[0].lines:
                if line.get_color() == color:
                    drawn.setdefault(str(line.get_marker()), []).append(sorted(line.get_xdata()))
            assert drawn.pop(marker) == [pytest.approx(sorted(values)) for values in known]
            assert drawn.pop("|", []) == [pytest.approx([np.mean(values)]) for values in known if seeds > 1]
            assert drawn.pop("None", []) == [
                pytest.approx(leak_price.interval(values)) for values in known if seeds > 2
            ]
            assert drawn == {}


def test_without_a_finished_pair_there_is_no_figure_and_no_file(tmp_path: Path) -> None:
    side = replace(example.side(tmp_path, 2), prices=(), twins=7)
    paths = write_comparison(side, tmp_path / "out")
    assert [path.name for path in paths] == ["comparison.pdf", "comparison.json", "comparison.csv"]
    assert leak_charts.draw(()) == []
    assert "leak-freetwinhaverun" not in text(paths[0])
