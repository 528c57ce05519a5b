"""What one invocation runs, several seeds, controls, and papers side by side, with a network that only counts."""

from __future__ import annotations

import json
import shlex
import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import guessing as guesses
import pytest

import papers
import run_all
from common.contract import Paper
from common.errors import UserError
from common.protocols.controls import CONTROLS, METADATA, NO_MOTION
from common.protocols.controls import controls as controls_of
from common.runs import selection
from common.types import Experiment

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


def chosen(
    paper: Paper,
    names: Sequence[str],
    *,
    tune: bool = False,
    with_controls: bool = False,
    several: bool = False,
    profile: str = "paper",
) -> tuple[Experiment, ...]:
    return selection.select(
        paper, names, tune=tune, with_controls=with_controls, several=several, profile=paper.profiles[profile]
    )


def test_what_runs_by_default_by_name_and_on_request() -> None:
    paper = papers.load("aouayeb2019")

    def ids(*names: str, tune: bool = False, with_controls: bool = False, several: bool = False) -> list[str]:
        selected = chosen(paper, names, tune=tune, with_controls=with_controls, several=several)
        return [e.id for e in selected]

    plain = ids()
    assert plain == [e.id for e in paper.experiments if not e.on_request]
    assert ids("composite-loso") == plain
    tuned = {f"composite-loso/tuned-{variant}" for variant in ("cnn-in-fold", "landmark-boxes-in-fold")}
    assert set(ids(tune=True)) == {*plain, *tuned}
    assert ids("composite-loso/cnn-once", tune=True) == ["composite-loso/cnn-once"]
    assert ids("composite-loso/cnn-once+no-motion") == ["composite-loso/cnn-once+no-motion"]
    controlled = ids("composite-loso/cnn-once", with_controls=True)
    assert controlled == ["composite-loso/cnn-once", *(f"composite-loso/cnn-once+{name}" for name in CONTROLS)]
    assert len(ids(with_controls=True)) == (1 + len(CONTROLS)) * len(plain)
    selection.check_names([paper], ["composite-loso", "composite-loso/cnn-once+no-motion"])
    with pytest.raises(UserError, match="no experiment 'composite-loso/cnn-once\\+upside-down'"):
        selection.check_names([paper], ["composite-loso/cnn-once+upside-down"])


def test_a_name_of_which_all_variants_wait_names_them() -> None:
    paper = papers.load("reddy2019")
    selected = chosen(paper, ["stcnn-composite"])
    assert [e.id for e in selected] == ["stcnn-composite/loso"]


def test_a_name_may_fit_one_of_several_papers() -> None:
    kumar, le = papers.load("kumar2019"), papers.load("le2020")
    selection.check_names([kumar, le], ["smic-loso"])
    assert [e.id for e in chosen(kumar, ["smic-loso"], several=True)]
    assert not chosen(le, ["smic-loso"], several=True)


def test_several_papers_bring_their_common_ground() -> None:
    for key in papers.available():
        paper = papers.load(key)
        alone = chosen(paper, ())
        several = chosen(paper, (), several=True)
        more = {e.id for e in paper.experiments if e.common_ground and e.on_request}
        assert {e.id for e in several} - {e.id for e in alone} == more


@pytest.mark.parametrize("key", papers.available())
def test_ground_alone_leaves_out_the_rest_unless_it_is_named(key: str) -> None:
    paper = papers.load(key)

    controls = {control.id for e in paper.experiments for control in controls_of(e)}

    def ids(*names: str, several: bool) -> set[str]:
        return {e.id for e in chosen(paper, names, several=several, profile="quick")} - controls

    ground = {e.id for e in paper.experiments if e.common_ground}
    plain = {e.id for e in paper.experiments if not e.on_request}
    assert ids(several=True) == ground
    assert ids(several=False) == plain
    for name in plain:
        assert ids(name, several=True) == {name}
    assert ids(*{name.partition("/")[0] for name in plain}, several=True) >= plain


def test_controls_join_what_nobody_names() -> None:
    paper = papers.load("le2020")
    profile = paper.profiles["quick"]
    assert set(profile.controls) == {NO_MOTION, METADATA}

    def ids(names: tuple[str, ...], several: bool, everywhere: bool) -> list[str]:
        quick = replace(profile, all_controls=everywhere)
        return [
            e.id for e in chosen(replace(paper, profiles={"quick": quick}), names, several=several, profile="quick")
        ]

    plain = [e for e in paper.experiments if not e.on_request]
    ground = [e for e in paper.experiments if e.common_ground]
    for several, shown in ((False, plain), (True, ground)):
        networks = {e.network for e in shown}
        for everywhere in (True, False):
            controlled = set(ids((), several, everywhere)) - {e.id for e in shown}
            first = {e.id: e for e in shown if f"{e.id}+{NO_MOTION}" in controlled}
            assert controlled == {f"{name}+{control}" for name in first for control in (NO_MOTION, METADATA)}
            assert len(first) == (len(shown) if everywhere else len(networks))
            assert everywhere or all(e.leak_free for e in first.values())
    assert ids((ground[0].id,), several=False, everywhere=True) == [ground[0].id]


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
        assert (row["n_folds_done"], row["n_folds"]) == (2, 2)
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
    assert run(tmp_path, cache, *words, "--dry-run") == 0
    assert "nothing to run (2 stored" in capsys.readouterr().out
    assert run(tmp_path, cache, *words, "--report-only", "--precision", "mixed_bfloat16") == 0


@pytest.fixture
def casme2_only(standin_data: Path, tmp_path: Path) -> Path:
    folder = tmp_path / "data"
    folder.mkdir()
    (folder / "CASME2").symlink_to(standin_data / "CASME2", target_is_directory=True)
    return folder


def test_what_can_run_on_one_corpus_runs_and_the_rest_says_what_it_lacks(
    guessing: None, casme2_only: Path, cache: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(tmp_path / "out", cache, "--paper", "kumar2019", "--data", str(casme2_only)) == 0
    rows = {(r["experiment"], r["variant"]): r for r in read(tmp_path / "out" / "kumar2019.json")["comparisons"]}
    for experiment in (e for e in papers.load("kumar2019").experiments if not e.on_request):
        row = rows[experiment.name, experiment.variant]
        others = set(experiment.corpora) - {"casme2"}
        assert (row["verdict"] == "NOT_RUN") == bool(others), experiment.id
        assert all(name in row["reason"] for name in others)
    lines = capsys.readouterr().out
    assert "casme2-loso" in lines
    assert "smic and samm are not in the data folder" in lines


def test_all_papers_that_can_run_do_and_one_that_cannot_says_what_can(
    guessing: None, casme2_only: Path, cache: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ("--data", str(casme2_only), "--dry-run")
    assert run(tmp_path, cache, "--all", *words) == 0
    planned = {line.split()[0] for line in capsys.readouterr().out.splitlines() if " to run" in line}
    assert planned == {"kumar2019", "le2020", "talluri2022"}
    assert run(tmp_path, cache, "--paper", "aouayeb2019", *words) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "aouayeb2019 cannot run" in line
    assert "not smic and samm" in line
    assert line.endswith(f"python run_all.py --paper kumar2019 le2020 talluri2022 --data {casme2_only}")
    assert run(tmp_path, cache, "--paper", "kumar2019", "--experiment", "smic-loso", *words) == 2
    assert "--experiment casme2-loso/published" in capsys.readouterr().err


def test_the_command_that_can_run_names_the_same_folders(
    guessing: None, casme2_only: Path, cache: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "my corpora"
    folder.mkdir()
    words = ["--data", str(folder), "--as", f"casme2={casme2_only / 'CASME2'}"]
    assert run(tmp_path, cache, "--paper", "aouayeb2019", *words, "--dry-run") == 2
    (line,) = capsys.readouterr().err.splitlines()
    command = shlex.split(line.partition("this can run: ")[2])
    assert command == ["python", "run_all.py", "--paper", "kumar2019", "le2020", "talluri2022", *words]


@pytest.mark.parametrize("how", ["--dry-run", "--report-only"])
def test_a_folder_without_corpora_is_reported_once(
    how: str, guessing: None, cache: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "data").mkdir()
    assert run(tmp_path / "out", cache, "--all", "--seeds", "2", "--data", str(tmp_path / "data"), how) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "found no known corpus" in line


def test_a_corpus_that_cannot_be_read_fails_alone(
    guessing: None, standin_data: Path, cache: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree(standin_data, tmp_path / "data")
    (table,) = (tmp_path / "data" / "SAMM").rglob("*.xlsx")
    table.write_bytes(b"")
    assert run(tmp_path / "out", cache, "--paper", "kumar2019", "--data", str(tmp_path / "data")) == 1
    rows = read(tmp_path / "out" / "kumar2019.json")["comparisons"]
    verdicts = {row["experiment"]: row["verdict"] for row in rows if row["variant"] == "published"}
    assert verdicts["smic-loso"] != "NOT_RUN" == verdicts["samm-loso"]
    assert str(table) in capsys.readouterr().err
    words = ("--paper", "kumar2019", "--data", str(tmp_path / "data"), "--experiment")
    assert run(tmp_path / "out", cache, *words, "samm-loso", "casme2-loso", "--dry-run") == 1
    assert str(table) in capsys.readouterr().err
    assert run(tmp_path / "out", cache, *words, "casme2-loso") == 0
    assert str(table) not in capsys.readouterr().err
    shutil.rmtree(tmp_path / "data" / "SMIC")
    assert run(tmp_path / "out", cache, *words, "smic-loso") == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "but not smic;" in line
    assert line.endswith("--experiment casme2-loso/published")  # samm cannot be read
