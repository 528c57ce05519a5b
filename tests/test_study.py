"""What one invocation runs, several seeds, controls, and papers side by side, with a network that only counts."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import guessing as guesses
import pytest

import papers
import run_all
from common.errors import UserError
from common.protocols.controls import CONTROLS
from common.runs import selection

pytestmark = pytest.mark.usefixtures("without_pages")
KEYS = ("aouayeb2019", "kumar2019")
COMMON = {"aouayeb2019": "composite-loso/cnn-in-fold", "kumar2019": "composite-loso/published"}


@pytest.fixture
def guessing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(papers, "parts", guesses.parts)


def run(out: Path, cache: Path, *words: str) -> int:
    return run_all.main([*words, "--profile", "smoke", "--out", str(out), "--cache", str(cache), "--workers", "1"])


def read(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


def test_what_runs_by_default_by_name_and_on_request() -> None:
    paper = papers.load("aouayeb2019")

    def ids(*names: str, tune: bool = False, with_controls: bool = False, several: bool = False) -> list[str]:
        return [e.id for e in selection.select(paper, names, tune=tune, with_controls=with_controls, several=several)]

    plain = ids()
    assert plain == [e.id for e in paper.experiments if not e.on_request]
    assert ids("composite-loso") == plain
    tuned = {f"composite-loso/tuned-{variant}" for variant in ("cnn-in-fold", "landmark-boxes-in-fold")}
    assert set(ids(tune=True)) == {*plain, *tuned}
    assert ids("composite-loso/cnn-once", tune=True) == ["composite-loso/cnn-once"]
    assert ids("composite-loso/cnn-once+no-motion") == ["composite-loso/cnn-once+no-motion"]
    controlled = ids("composite-loso/cnn-once", with_controls=True)
    assert controlled == ["composite-loso/cnn-once", *(f"composite-loso/cnn-once+{name}" for name in CONTROLS)]
    assert len(ids(with_controls=True)) == 4 * len(plain)
    selection.check_names([paper], ["composite-loso", "composite-loso/cnn-once+no-motion"])
    with pytest.raises(UserError, match="no experiment 'composite-loso/cnn-once\\+upside-down'"):
        selection.check_names([paper], ["composite-loso/cnn-once+upside-down"])


def test_a_name_of_which_all_variants_wait_names_them() -> None:
    paper = papers.load("reddy2019")
    selected = selection.select(paper, ["stcnn-composite"], tune=False, with_controls=False, several=False)
    assert [e.id for e in selected] == ["stcnn-composite/loso"]


def test_a_name_may_fit_one_of_several_papers() -> None:
    kumar, le = papers.load("kumar2019"), papers.load("le2020")
    selection.check_names([kumar, le], ["smic-loso"])
    assert [e.id for e in selection.select(kumar, ["smic-loso"], tune=False, with_controls=False, several=True)]
    assert not selection.select(le, ["smic-loso"], tune=False, with_controls=False, several=True)


def test_several_papers_bring_their_common_ground() -> None:
    for key in papers.available():
        paper = papers.load(key)
        alone = selection.select(paper, (), tune=False, with_controls=False, several=False)
        several = selection.select(paper, (), tune=False, with_controls=False, several=True)
        more = {e.id for e in paper.experiments if e.common_ground and e.on_request}
        assert {e.id for e in several} - {e.id for e in alone} == more


@pytest.mark.parametrize("key", papers.available())
def test_ground_alone_leaves_out_the_rest_unless_it_is_named(key: str) -> None:
    paper = papers.load(key)

    def ids(*names: str, several: bool) -> set[str]:
        selected = selection.select(
            paper, names, tune=False, with_controls=False, several=several, common_ground_only=True
        )
        return {e.id for e in selected}

    ground = {e.id for e in paper.experiments if e.common_ground}
    plain = {e.id for e in paper.experiments if not e.on_request}
    assert ids(several=True) == ground
    assert ids(several=False) == plain
    for name in plain:
        assert ids(name, several=True) == {name}
    assert ids(*{name.partition("/")[0] for name in plain}, several=True) >= plain


def test_controls_join_what_nobody_names() -> None:
    paper = papers.load("le2020")

    def ids(names: tuple[str, ...], several: bool) -> list[str]:
        selected = selection.select(
            paper,
            names,
            tune=False,
            with_controls=False,
            several=several,
            default_controls=("no-motion",),
            common_ground_only=True,
        )
        return [e.id for e in selected]

    plain = [e.id for e in paper.experiments if not e.on_request]
    ground = [e.id for e in paper.experiments if e.common_ground]
    assert set(ids((), several=False)) == {variant for name in plain for variant in (name, f"{name}+no-motion")}
    assert set(ids((), several=True)) == {variant for name in ground for variant in (name, f"{name}+no-motion")}
    assert ids((ground[0],), several=False) == [ground[0]]


def test_controls_are_stored_and_reported(guessing: None, cache: Path, tmp_path: Path) -> None:
    words = ("--paper", "aouayeb2019", "--experiment", COMMON["aouayeb2019"], "--controls")
    assert run(tmp_path, cache, *words) == 0
    controls = read(tmp_path / "aouayeb2019.json")["controls"]
    assert {row["variant"] for row in controls} == {f"cnn-in-fold+{name}" for name in CONTROLS}
    assert {row["published"] for row in controls} == {None}
    assert all("a control" in row["reason"] and row["reproduced"] for row in controls)
    assert len([*tmp_path.glob("runs/*/*/cnn-in-fold+*/*/folds/*.json")]) == 2 * len(CONTROLS)
    before = read(tmp_path / "aouayeb2019.json")
    assert run(tmp_path, cache, "--paper", "aouayeb2019", "--report-only") == 0
    assert read(tmp_path / "aouayeb2019.json")["controls"] == before["controls"]


@pytest.mark.slow
def test_papers_side_by_side_over_seeds(guessing: None, cache: Path, tmp_path: Path) -> None:
    assert run(tmp_path, cache, "--paper", *KEYS, "--seeds", "2", "--experiment", "composite-loso") == 0
    side = read(tmp_path / "comparison.json")
    assert (tmp_path / "comparison.pdf").read_bytes().startswith(b"%PDF")
    assert side["seeds"] == [0, 1]
    by_paper = {row["paper"]: row for row in side["contenders"]}
    assert {key: row["experiment"] for key, row in by_paper.items()} == COMMON
    for row in by_paper.values():
        assert (row["parameters"], row["flops"]) == (1234, 5e9)
        assert (row["n_folds_done"], row["n_folds"]) == (2, 6)
        assert len(row["spread"]["uf1"]) == 2
        assert row["spread"]["uf1"][0] == row["scores"]["megc2019"]["uf1"]["value"]
        assert row["inference_ms_per_clip"] > 0
    (test,) = side["tests"]
    assert (test["only_first"], test["only_second"], test["difference"], test["p"]) == (0, 0, 0, 1)
    report = read(tmp_path / "aouayeb2019.json")
    rows = {(r["variant"], r["corpus"], r["metric"]): r["values"] for r in report["spread"]}
    assert rows["cnn-in-fold", "megc2019", "uf1"] == by_paper["aouayeb2019"]["spread"]["uf1"]


def test_stand_ins_are_the_same_for_every_seed(guessing: None, cache: Path, tmp_path: Path) -> None:
    words = ("--paper", "aouayeb2019", "--experiment", COMMON["aouayeb2019"], "--seed")
    runs = []
    for seed in ("0", "7"):
        assert run(tmp_path / seed, cache, *words, seed) == 0
        (file,) = (tmp_path / seed).glob("runs/aouayeb2019/composite-loso/cnn-in-fold/*/run.json")
        runs.append(read(file)["key"])
    assert runs[0]["clips"] == runs[1]["clips"]
    assert (runs[0]["seed"], runs[1]["seed"]) == (0, 7)


def test_seeds_must_be_counted_from_one(capsys: Any) -> None:
    with pytest.raises(SystemExit) as stopped:
        run_all.main(["--paper", "kumar2019", "--seeds", "0"])
    assert stopped.value.code == 2
    assert "--seeds: at least 1" in capsys.readouterr().err


def test_a_loss_that_is_not_finite_fails_its_fold_alone(
    cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    monkeypatch.setattr(papers, "parts", guesses.diverging)
    words = ("--paper", "aouayeb2019", "--experiment", "composite-loso/cnn-in-fold", "composite-loso/landmark-boxes")
    assert run(tmp_path, cache, *words) == 1
    printed = capsys.readouterr().out
    done = [file.stem for file in tmp_path.glob("runs/aouayeb2019/*/*/*/folds/*.json")]
    failed = [file.stem for file in tmp_path.glob("runs/aouayeb2019/*/*/*/failed/*.json")]
    assert (len(done), len(failed)) == (2, 2)
    assert "diverged" in printed
    assert (tmp_path / "aouayeb2019.pdf").is_file()


def test_another_precision_is_another_run_and_never_reported_as_this_one(
    guessing: None, cache: Path, tmp_path: Path, capsys: Any
) -> None:
    words = ("--paper", "aouayeb2019", "--experiment", "composite-loso/cnn-in-fold")
    assert run(tmp_path, cache, *words) == 0
    assert run(tmp_path, cache, *words, "--precision", "mixed_bfloat16") == 0
    assert len(list(tmp_path.glob("runs/aouayeb2019/composite-loso/cnn-in-fold/*/run.json"))) == 2
    report = read(tmp_path / "aouayeb2019.json")
    assert any("mixed_bfloat16" in line for line in report["shortened"])
    assert "--precision mixed_bfloat16" in json.dumps(report)
    capsys.readouterr()
    assert run(tmp_path, cache, *words, "--report-only") == 2
    (line,) = capsys.readouterr().err.strip().splitlines()
    assert "--precision mixed_bfloat16" in line
    assert run(tmp_path, cache, *words, "--report-only", "--precision", "mixed_bfloat16") == 0
