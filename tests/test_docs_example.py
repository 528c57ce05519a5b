"""The worked examples of the pages, in a copy of the project: a paper, a corpus and a protocol are added to it."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import openpyxl
import pytest
from PIL import Image

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[1]
KEY = "apexdiff"
EXAMPLE = ROOT / "docs" / "example"

SCRIPT = f"""
import sys
from dataclasses import replace
from pathlib import Path
import numpy as np
import pytest
import run_all
from common import corpora
from common.protocols.splits import BY_SUBJECT, GROUPS, split

out, cache, data = map(Path, sys.argv[1:])

corpus = corpora.load("mylab", corpora.find(data, ["mylab"])["mylab"])
assert [clip.id for clip in corpus.clips] == ["mylab/p01/clip_001", "mylab/p02/clip_001"]
assert [clip.emotion for clip in corpus.clips] == ["happiness", "surprise"]
assert [clip.apex for clip in corpus.clips] == [12, None]
assert [len(clip.frames) for clip in corpus.clips] == [5, 4]
assert [note.used for note in corpus.corrections] == ["none"]
assert not corpus.exclusions
assert run_all.main(["--check-data", str(data), "--corpus", "mylab"]) == 0

from papers.{KEY}.experiments import BY_SUBJECT as EXPERIMENT
for subjects in (2, 3, 13):
    subject = np.array([f"casme2/s{{i % subjects}}" for i in range(40)])
    clip = np.array([f"{{person}}/c{{i}}" for i, person in enumerate(subject)])
    experiment = replace(EXPERIMENT, protocol=GROUPS)
    folds = split(experiment, subject, clip, np.arange(40) % 3, 0)
    assert len(folds) == min(5, subjects)
    assert sorted(np.concatenate([fold.test for fold in folds])) == list(range(40))
    assert not any({{*subject[fold.train]}} & {{*subject[fold.test]}} for fold in folds)
assert GROUPS in BY_SUBJECT

assert pytest.main(["-q", "-n", "0", "-p", "no:cacheprovider", "tests/test_papers.py", "-k", "{KEY}"]) == 0
smoke = ["--paper", "{KEY}", "--profile", "smoke", "--workers", "1", "--out", str(out), "--cache", str(cache)]
assert run_all.main(["--list", "--paper", "apexdiff"]) == 0
assert run_all.main([*smoke, "--experiment", "composite/by-clip", "composite/loso+no-motion", "composite/loso"]) == 0

from docs import generate
assert f"# {KEY}" in generate.page("{KEY}")
assert "{KEY}.md" in generate.index()
"""

FUNCTIONS = f"""
import sys
from pathlib import Path
import mer
import run_all
from papers.{KEY} import model, preprocess
from papers.{KEY}.experiments import PROFILES

out, cache = map(Path, sys.argv[1:])
settings = PROFILES["smoke"].settings

def how(clip, faces):
    return preprocess.prepare(clip, settings.inputs, faces)

def make(shapes, classes):
    return model.build(settings.network, shapes, classes)

clips = mer.load(stand_ins=(2, 2), cache=cache)
x = mer.prepare(clips, how)
result = mer.loso(clips, x, make, epochs=1, batch=16, name="{KEY}", out=out / "functions", controls=True)
result.report(out / "functions.pdf")
words = ["--paper", "{KEY}", "--profile", "smoke", "--experiment", "composite/loso", "--folds", "6"]
assert run_all.main([*words, "--workers", "1", "--out", str(out / "folder"), "--cache", str(cache)]) == 0
"""


def apply(diff: Path, project: Path) -> None:
    """Apply a unified diff whose hunks are found by their text, which must be there exactly once."""
    name, *hunks = re.split(r"^@@.*\n", diff.read_text(encoding="utf-8"), flags=re.MULTILINE)
    file = project / re.findall(r"^\+\+\+ (\S+)$", name, re.MULTILINE)[0]
    text = file.read_text(encoding="utf-8")
    for hunk in hunks:
        lines = hunk.splitlines(keepends=True)
        before = "".join(line[1:] for line in lines if line[0] in " -")
        after = "".join(line[1:] for line in lines if line[0] in " +")
        assert text.count(before) == 1, f"{diff.name}: {before}"
        text = text.replace(before, after)
    file.write_text(text, encoding="utf-8")


def write_corpus(folder: Path) -> None:
    """Two clips of the made-up laboratory, the second without an apex, below a title row."""
    for person, first, count in ((1, 10, 5), (2, 100, 4)):
        clip = folder / "MyLab" / "raw" / f"p{person:02d}" / "clip_001"
        clip.mkdir(parents=True)
        for number in range(first - 2, first + count + 2):
            Image.new("L", (32, 24)).save(clip / f"frame{number:04d}.png")
    book = openpyxl.Workbook()
    for row in (
        ["Our clips"],
        ["Participant", "Clip", "First frame", "Peak frame", "Last frame", "Action units", "Emotion"],
        ["1", "clip_001", 10, 12, 14, "12", "Happiness"],
        ["s02", "clip_001", 100, None, 103, "1+2", "Surprise"],
    ):
        book.active.append(row)
    book.save(folder / "MyLab" / "MyLab_labels.xlsx")


def copied(copy: Path) -> Path:
    """A copy of what the examples touch, with all three of them added."""
    left_out = shutil.ignore_patterns("__pycache__", "example")
    for name in ("common", "papers", "docs", "results"):
        shutil.copytree(ROOT / name, copy / name, ignore=left_out)
    (copy / "tests").mkdir()
    for name in ("run_all.py", "mer.py", "pyproject.toml", "tests/test_papers.py"):
        shutil.copy(ROOT / name, copy / name)
    for file in (ROOT / "tests").glob("*.py"):
        if not file.name.startswith("test_"):
            shutil.copy(file, copy / "tests")
    shutil.copytree(EXAMPLE / KEY, copy / "papers" / KEY, ignore=left_out)
    shutil.copy(EXAMPLE / "corpus" / "mylab.py", copy / "common" / "corpora")
    apply(EXAMPLE / "corpus" / "register.diff", copy)
    apply(EXAMPLE / "protocol" / "by_subject.diff", copy)
    return copy


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """The folder of results, and what was printed: all in one process, which imports Keras once."""
    top = tmp_path_factory.mktemp("examples")
    write_corpus(top / "data")
    command = [sys.executable, "-c", SCRIPT, *(str(top / name) for name in ("out", "cache", "data"))]
    return top / "out", output(command, copied(top / "project"))


def output(command: list[str], project: Path) -> str:
    """What a command prints in a copy of the project; its exit status must be 0."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    done = subprocess.run(
        command,
        cwd=project,
        capture_output=True,
        text=True,
        check=False,
        env=kept | {"MER_DOCS_COUNT": "0", "PYTHONDONTWRITEBYTECODE": "1"},
    )
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-4000:]
    return done.stdout


def test_the_paper_runs_and_is_reported(finished: tuple[Path, str]) -> None:
    out, printed = finished
    assert f"{KEY}  mer-suite: Difference of apex and first frame" in printed
    report = json.loads((out / f"{KEY}.json").read_text(encoding="utf-8"))
    assert (out / f"{KEY}.pdf").read_bytes().startswith(b"%PDF")
    assert {row["variant"] for row in report["comparisons"] if row["reproduced"]} == {"by-clip", "loso"}
    assert all(row["published"] is None for row in report["comparisons"])
    assert {row["variant"] for row in report["controls"]} == {"loso+no-motion"}
    assert [row["topic"] for row in report["departures"]] == ["Where no apex is annotated"]
    assert report["audit"] == []


def test_without_motion_it_sees_nothing(finished: tuple[Path, str]) -> None:
    """Of a clip whose first frame is repeated the difference is 0, so that all clips of a fold get one answer."""
    folds = sorted((finished[0] / "runs" / KEY / "composite" / "loso+no-motion").glob("*/folds/*.json"))
    assert folds
    for fold in folds:
        answers = np.array(json.loads(fold.read_text(encoding="utf-8"))["probabilities"])
        assert np.ptp(answers, axis=0).max() < 1e-6


def test_a_method_of_functions_scores_as_its_folder_does(tmp_path: Path) -> None:
    project = copied(tmp_path / "project")
    output([sys.executable, "-c", FUNCTIONS, str(tmp_path), str(tmp_path / "cache")], project)
    answers = []
    for out in (tmp_path / "functions", tmp_path / "folder"):
        folds = sorted((out / "runs" / KEY / "composite" / "loso").glob("*/folds/*.json"))
        stored = [json.loads(fold.read_text(encoding="utf-8")) for fold in folds]
        answers.append([(fold["fold"], fold["clips"], fold["probabilities"]) for fold in stored])
    assert len(answers[0]) == 6
    assert answers[0] == answers[1]
    assert (tmp_path / "functions.pdf").read_bytes().startswith(b"%PDF")
    report = json.loads((tmp_path / "functions" / f"{KEY}.json").read_text(encoding="utf-8"))
    assert {row["variant"] for row in report["controls"]} == {"loso+no-motion", "loso+metadata"}


def edited(file: Path, old: str, new: str) -> None:
    text = file.read_text(encoding="utf-8")
    assert text.count(old) == 1, old
    file.write_text(text.replace(old, new), encoding="utf-8")


def test_an_own_network_of_other_layers_runs_next_to_a_paper(tmp_path: Path) -> None:
    """Operations that are not counted and an experiment without printed numbers stop nothing, wherever it is named."""
    project = copied(tmp_path / "project")
    model = project / "papers" / KEY / "model.py"
    convolutions = re.search(r"    for number in .*?(?=    x = layers.Flatten)", model.read_text("utf-8"), re.DOTALL)
    assert convolutions
    edited(
        model,
        convolutions.group(),
        "    rows, width, channels = shapes['difference']\n"
        "    x = layers.Reshape((4, rows // 4, width, channels), name='strips')(x)\n"
        "    x = layers.ConvLSTM2D(network.filters, 3, name='convlstm')(x)\n",
    )
    out = tmp_path / "out"
    run = [sys.executable, "run_all.py", "--profile", "smoke", "--out", str(out), "--cache", str(tmp_path / "cache")]
    for words in ((KEY, "liong2019"), ("liong2019", KEY, "--report-only"), (KEY, "--dry-run")):
        (out / "comparison.pdf").unlink(missing_ok=True)
        output([*run, "--paper", *words], project)
        assert (out / "comparison.pdf").is_file() == ("liong2019" in words)
    side = json.loads((out / "comparison.json").read_text("utf-8"))
    flops = {row["paper"]: row["flops"] for row in side["contenders"]}
    assert flops[KEY] is None
    assert flops["liong2019"] is not None
    notes = json.loads((out / f"{KEY}.json").read_text("utf-8"))["notes"]
    assert any("convlstm, a ConvLSTM2D" in note for note in notes)


def test_a_folder_may_hold_a_single_leak_free_experiment(tmp_path: Path) -> None:
    project = copied(tmp_path / "project")
    experiments = project / "papers" / KEY / "experiments.py"
    edited(experiments, "    twin_of=BY_CLIP.variant,\n", "")
    edited(experiments, "(BY_CLIP, BY_SUBJECT, *tuned((BY_SUBJECT,), lambda experiment: SPACE))", "(BY_SUBJECT,)")
    command = [sys.executable, "-m", "pytest", "-q", "-n", "0", "-p", "no:cacheprovider", "tests/test_papers.py"]
    output([*command, "-k", KEY], project)
