"""--set, --subjects, --clips and --folds: what they change, what they write, and what they refuse."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import guessing as guesses
import pytest
from pypdf import PdfReader

import papers
import run_all
from common.contract import Parts
from common.errors import UserError
from common.profiles import cut, not_reached, settable, with_settings
from common.runs.manifest import same_options
from common.scoring.records import Score
from common.scoring.verdicts import judge

NO_PAGES = pytest.mark.usefixtures("without_pages")
STCNN = ("--paper", "reddy2019", "--experiment", "stcnn-smic/loso")


@pytest.fixture(autouse=True)
def guessing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(papers, "parts", guesses.parts)


def run(out: Path, cache: Path, *words: str) -> int:
    return run_all.main([*words, "--out", str(out), "--cache", str(cache), "--workers", "1"])


def runs(out: Path) -> list[dict[str, Any]]:
    return [json.loads(file.read_text(encoding="utf-8")) for file in sorted(out.glob("runs/*/*/*/*/run.json"))]


@NO_PAGES
def test_settings_and_bounds_key_the_run_and_stand_in_its_report(cache: Path, tmp_path: Path, capsys: Any) -> None:
    words = (*STCNN, "--profile", "smoke", "--subjects", "1")
    assert run(tmp_path, cache, *words, "--set", "epochs=7", "dropout=0.25") == 0
    (stored,) = runs(tmp_path)
    settings = stored["key"]["settings"]
    assert (settings["training"]["epochs"], settings["network"]["dropout"]) == (7, 0.25)
    assert len({clip[0].split("/")[1] for clip in stored["key"]["clips"]}) == 1
    report = json.loads((tmp_path / "reddy2019.json").read_text(encoding="utf-8"))
    assert {"epochs: 7 instead of 100", "dropout: 0.25 instead of 0.5"} <= set(report["shortened"])
    assert {row["command"] for row in report["comparisons"] if row["reproduced"]} == {
        f"python run_all.py --paper reddy2019 --profile smoke --seed 0 --set epochs=7 --set dropout=0.25 --subjects 1 "
        f"--experiment {STCNN[3]}"
    }
    assert run(tmp_path, cache, *words) == 0  # without the settings: another run
    assert len(runs(tmp_path)) == 2
    capsys.readouterr()
    assert run(tmp_path, cache, *words, "--report-only", "--set", "epochs=7") == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "--set epochs=7" in line
    assert run(tmp_path, cache, *words, "--report-only", "--folds", "1") == 0  # folds decide no fold's result


@NO_PAGES
def test_the_printed_command_finds_the_same_run(cache: Path, tmp_path: Path) -> None:
    assert run(tmp_path, cache, *STCNN, "--profile", "smoke", "--set", "epochs=5", "--clips", "1") == 0
    report = json.loads((tmp_path / "reddy2019.json").read_text(encoding="utf-8"))
    command = next(row["command"] for row in report["comparisons"] if row["reproduced"]).split()[2:]
    assert run(tmp_path, cache, *command) == 0
    assert len(runs(tmp_path)) == 1


@NO_PAGES
def test_folds_are_cut_without_changing_the_run(cache: Path, tmp_path: Path) -> None:
    words = (*STCNN, "--profile", "smoke")
    for folds, done in ((1, 1), (2, 2)):
        assert run(tmp_path, cache, *words, "--folds", str(folds)) == 0
        assert len([*tmp_path.glob("runs/*/*/*/*/folds/*.json")]) == done
    (stored,) = runs(tmp_path)
    assert len(stored["folds"]) == 2


@NO_PAGES
def test_a_short_run_is_complete_unless_folds_of_the_protocol_are_asked_for(cache: Path, tmp_path: Path) -> None:
    ground = ("stcnn-composite/loso", "stcnn-composite/loso+no-motion", "stcnn-smic/loso")
    words = ("--paper", "reddy2019", "--experiment", *ground, "--profile", "quick", "--motion", "1")
    words += ("--subjects", "2", "--clips", "2")  # stand-ins that are there
    for options, all_done in (((), {(3, 3), (2, 2)}), (("--folds", "1"), {(1, 6), (1, 2)})):
        assert run(tmp_path, cache, *words, *options) == 0
        report = json.loads((tmp_path / "reddy2019.json").read_text(encoding="utf-8"))
        scores = [row["reproduced"] for row in (*report["comparisons"], *report["controls"]) if row["reproduced"]]
        assert {(score["n_folds_done"], score["n_folds"]) for score in scores} == all_done
    assert len(runs(tmp_path)) == 2 * len(ground)  # other folds are another run


@NO_PAGES
def test_stand_ins_are_those_of_the_experiment_and_no_larger_than_asked(tmp_path: Path) -> None:
    assert (
        run(tmp_path / "out", tmp_path / "cache", *STCNN, "--profile", "paper", "--subjects", "2", "--clips", "1") == 0
    )
    (written,) = (tmp_path / "cache").glob("standin-*")
    assert [folder.name for folder in written.iterdir()] == ["SMIC"]
    assert len([*written.glob("SMIC/**/HS/s*/micro/*/*")]) == 2


def test_motion_keys_the_run_and_is_named_on_every_page(cache: Path, tmp_path: Path) -> None:
    words = (*STCNN, "--profile", "smoke", "--subjects", "1", "--clips", "1")
    for factor in ("1", "0", "4"):
        assert run(tmp_path, cache, *words, "--motion", factor) == 0
        report = json.loads((tmp_path / "reddy2019.json").read_text(encoding="utf-8"))
        assert report["motion"] == float(factor)
        assert ("motion" in report["notice"]) == (factor != "1")
        pages = [page.extract_text() for page in PdfReader(tmp_path / "reddy2019.pdf").pages]
        moved = {"1": "(synthetic faces)", "0": "faces, without motion", "4": "motion \u00d74"}[factor]
        assert all(moved in " ".join(page.split()) for page in pages)
    assert sorted(record["key"]["motion"] for record in runs(tmp_path)) == [0.0, 1.0, 4.0]
    assert len({record["key"]["clips"][0][2] for record in runs(tmp_path)}) == 3  # other pictures


@pytest.mark.parametrize("words", [("--data", "somewhere", "--motion", "2"), ("--motion", "fast")])
def test_motion_is_a_number_and_of_stand_ins(words: tuple[str, ...]) -> None:
    with pytest.raises(SystemExit) as stopped:
        run_all.main([*STCNN, *words])
    assert stopped.value.code == 2


@NO_PAGES
def test_what_an_earlier_run_left_stays_in_the_report(cache: Path, tmp_path: Path) -> None:
    """Though the corpora of its experiment are not those of the experiment that runs now."""
    for corpus in ("smic", "casme2"):
        words = ("--paper", "le2020", "--experiment", f"vgg19-{corpus}/loso", "--profile", "smoke")
        assert run(tmp_path, cache, *words) == 0
    rows = json.loads((tmp_path / "le2020.json").read_text(encoding="utf-8"))["comparisons"]
    assert {row["experiment"] for row in rows if row["reproduced"]} == {"vgg19-smic", "vgg19-casme2"}


@pytest.mark.parametrize(
    ("words", "expected_text"),
    [
        (("--set", "epochs=ten"), "a whole number"),
        (("--set", "epochs=0"), "a whole number"),
        (("--set", "epochs=1e3"), "a whole number"),
        (("--set", "dropout=nan"), "a number"),
        (("--set", "dropout=-1"), "a number"),
        (("--set", "kernel="), "takes a word"),
        (("--set", "kernel=big"), "HEIGHTxWIDTHxTIME"),
        (("--set", "epochs"), "NAME=VALUE"),
        (("--set", "gamma=2"), "not a setting of reddy2019"),
        (("--set", "epochs=3", "--set", "epochs=4"), "given twice"),
        (("--set", "precision=float16"), "--precision"),
        (("--set", "frames=20"), "sets frames itself"),
        (("--set", "reading=blue"), "takes one of aligned faces"),
    ],
)
def test_a_setting_that_cannot_be_is_one_line(
    tmp_path: Path, capsys: Any, words: tuple[str, ...], expected_text: str
) -> None:
    assert run(tmp_path, tmp_path, *STCNN, *words) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert expected_text in line
    assert words[1].partition("=")[0] in line


@pytest.mark.parametrize("words", [("--subjects", "0"), ("--clips", "-1"), ("--folds", "0"), ("--clips", "few")])
def test_a_bound_is_a_number_from_one_on(words: tuple[str, ...]) -> None:
    with pytest.raises(SystemExit) as stopped:
        run_all.main([*STCNN, *words])
    assert stopped.value.code == 2


def test_options_are_the_same_in_any_order_and_spelling() -> None:
    profile = papers.load("reddy2019").profiles["smoke"]
    first = with_settings(profile, ["learning_rate=0.02", "spread=true", "epochs=7"])
    second = with_settings(profile, ["epochs=7", "learning_rate=2e-2", "spread=true"])
    assert first.settings == second.settings
    assert first.deciding != second.deciding
    assert same_options({"options": [list(pair) for pair in first.deciding]}, second)
    assert not same_options({"options": []}, second)


@pytest.mark.parametrize(
    "words",
    [
        ("--list", "--workers", "2"),
        ("--list", "--profile", "smoke"),
        ("--audit", "--profile", "smoke"),
        ("--audit", "--experiment", "stcnn-smic"),
        ("--audit", "--corpus", "smic"),
        ("--audit", "--list"),
        ("--audit", *STCNN, "--profile", "smoke"),
        ("--list", "--paper", "reddy2019", "--experiment", "stcnn-smic"),
        ("--check-data", "somewhere", "--paper", "reddy2019"),
        ("--verify", "somewhere", "--paper", "reddy2019"),
        ("--all", "--paper", "reddy2019"),
        ("--check-data", "somewhere", "--seeds", "2"),
        ("--check-data", "somewhere", "--landmarks", "file.dat"),
        (*STCNN, "--dry-run", "--report-only"),
    ],
)
def test_an_option_that_would_be_ignored_is_refused(words: tuple[str, ...]) -> None:
    with pytest.raises(SystemExit) as stopped:
        run_all.main([*words])
    assert stopped.value.code == 2


@NO_PAGES
def test_a_figure_that_fails_is_one_line_and_the_run_goes_on(
    cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    def draw(*_: object) -> None:
        raise RuntimeError("no room for a title")

    real = guesses.parts("reddy2019")
    figures: Any = SimpleNamespace(draw=draw, results=lambda *_: [])
    monkeypatch.setattr(papers, "parts", lambda key: Parts(real.preprocess, figures, real.recipe))
    assert run(tmp_path, cache, *STCNN, "--profile", "smoke", "--subjects", "1", "--clips", "1") == 0
    assert "no figures, RuntimeError: no room for a title" in capsys.readouterr().out


def test_settings_are_for_the_papers_that_have_them() -> None:
    """Of several papers; the whole of `--set` is checked against all of them first."""
    for key in papers.available():
        profile = papers.load(key).profiles["paper"]
        changed = with_settings(profile, ["gamma=3", "momentum=0.5"])
        assert len(changed.options) == len({"gamma", "momentum"} & set(settable(profile)))


def test_settings_that_chosen_experiments_have_by_themselves_are_named() -> None:
    paper = papers.load("reddy2019")
    whole, short = (
        next(e for e in paper.experiments if e.id == f"stcnn-{corpus}/loso") for corpus in ("casme_sq", "smic")
    )
    words = ["epochs=7", "frames=20", "gamma=2"]
    assert not_reached(paper, [whole], words) == not_reached(paper, [], words) == []
    (line,) = not_reached(paper, [whole, short], words)
    assert "--set frames=20" in line
    assert short.id in line
    assert whole.id not in line
    with pytest.raises(UserError, match="--set 'frames=20': every chosen experiment of reddy2019 sets frames itself"):
        not_reached(paper, [short], words)


def test_a_changed_run_is_never_set_against_a_printed_number() -> None:
    paper = papers.load("reddy2019")
    claim = next(
        c for c in paper.claims if (c.experiment, c.variant, c.metric) == ("stcnn-smic", "published", "accuracy")
    )
    experiment = next(e for e in paper.experiments if e.id == "stcnn-smic/published")
    score = Score("accuracy", claim.value, claim.value, claim.value, 0.4, claim.n_clips or 0, 1, 1)
    profile = paper.profiles["paper"]

    def verdict(changed: str) -> str:
        return judge(
            experiment, claim, score, done=1, folds=1, profile="paper", data="licensed", changed=changed
        ).verdict

    assert verdict(profile.changed) == "MATCH"
    assert verdict(with_settings(profile, ["epochs=100"]).changed) == "MATCH"  # the paper's own
    assert verdict(with_settings(profile, ["epochs=99"]).changed) == "NOT_COMPARABLE"
    assert verdict(cut(profile, 3, None, None).changed) == "NOT_COMPARABLE"
    assert verdict(cut(profile, None, None, 1).changed) == "MATCH"  # how many folds are done is another reason
